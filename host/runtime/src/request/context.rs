//! The context of one request: what is true of it in every component that it passes.

use super::decision::Decision;
use super::guest_count::{GuestCount, KeptForGuest};
use super::id::RequestId;
use super::observer::{Observer, Route, UsageAccount};
use super::trace::{ERROR_KIND, RequestTrace, SpanValue, TraceId};
use super::usage::{BytesRead, RequestUsage, Usage};
use crate::lock::ignore_poison;
use http::uri::{Authority, Scheme, Uri};
use std::any::Any;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;
use tensor_wasm_device::LaunchTimes;

/// The tenant of the requests that no policy decides on: the only tenant of a host
/// without policies.
const ONLY_TENANT: u64 = 0;

/// The context of one request. The policies and the application of a chain share it.
pub(crate) struct RequestContext {
    id: RequestId,
    trace: RequestTrace,
    deadline: Instant,
    scheme: Option<Scheme>,
    authority: Option<Authority>,
    /// Whether a policy decides on the request.
    is_decided_on: bool,
    decision: OnceLock<Decision>,
    usage: RequestUsage,
    observer: Option<Arc<dyn Observer>>,
    /// The account within the tenant that the request is attributed to.
    account: OnceLock<Arc<dyn UsageAccount>>,
    /// What is kept until the guest has ended that works on the request next.
    kept: Mutex<Option<Arc<dyn Any + Send + Sync>>>,
    /// Who counts the guests that work on it.
    guests: Option<GuestCount>,
    /// What the request does, where code of the embedder says so.
    action: OnceLock<&'static str>,
    /// How it failed, where the response is an error of code of the embedder.
    error_kind: OnceLock<&'static str>,
}

impl RequestContext {
    /// The context of a request that came at `began`.
    /// `is_decided_on` says whether one of the components that the request passes is a policy
    /// that decides.
    pub(crate) fn new(
        id: RequestId,
        trace: RequestTrace,
        began: Instant,
        deadline: Instant,
        is_decided_on: bool,
    ) -> RequestContext {
        RequestContext {
            id,
            trace,
            deadline,
            scheme: None,
            authority: None,
            is_decided_on,
            decision: OnceLock::new(),
            usage: RequestUsage::new(began),
            observer: None,
            account: OnceLock::new(),
            kept: Mutex::default(),
            guests: None,
            action: OnceLock::new(),
            error_kind: OnceLock::new(),
        }
    }

    /// With the scheme and the authority of the request's URI.
    pub(crate) fn of_target(mut self, target: &Uri) -> RequestContext {
        self.scheme = target.scheme().cloned();
        self.authority = target.authority().cloned();
        self
    }

    /// With what is read of the request's body, and with an observer that learns what the
    /// request is charged.
    pub(crate) fn observed(
        mut self,
        body: Option<BytesRead>,
        observer: Option<Arc<dyn Observer>>,
    ) -> RequestContext {
        self.usage.set_body(body);
        self.observer = observer;
        self
    }

    /// With somebody who counts the guests that work on it.
    pub(crate) fn counting_guests(mut self, guests: Option<GuestCount>) -> RequestContext {
        self.guests = guests;
        self
    }

    /// Keeps something until the guest has ended that works on the request next, which may be later
    /// than its response.
    pub(crate) fn keep_for_guest(&self, kept: Arc<dyn Any + Send + Sync>) {
        *ignore_poison(self.kept.lock()) = Some(kept);
    }

    /// A guest begins to work on it. Returns what is kept until its end.
    pub(crate) fn begin_guest(&self) -> Option<KeptForGuest> {
        let kept = ignore_poison(self.kept.lock()).take();
        KeptForGuest::new(self.guests.as_ref(), kept)
    }

    /// What the request uses.
    pub(crate) fn usage(&self) -> &RequestUsage {
        &self.usage
    }

    /// Charges what the request has used since it was charged before.
    pub(crate) fn charge(&self) {
        self.report(RequestUsage::charge);
    }

    /// Charges what has been used since the response has ended, if it has.
    pub(crate) fn charge_if_ended(&self) {
        if self.usage.has_ended() {
            self.charge();
        }
    }

    /// The response has ended, or there will be none. What is used from now on is charged as
    /// it comes.
    pub(crate) fn end(&self) {
        self.report(RequestUsage::end);
    }

    fn report(&self, what: impl FnOnce(&RequestUsage) -> Option<Usage>) {
        if self.observer.is_none() && self.account.get().is_none() {
            return;
        }
        let Some(usage) = what(&self.usage) else {
            return;
        };
        if let Some(observer) = &self.observer {
            observer.charged(self.tenant(), &usage);
        }
        if let Some(account) = self.account.get() {
            account.charged(&usage);
        }
    }

    /// Attributes what the request is charged from now on to an account within its tenant. The
    /// first account holds.
    pub(crate) fn attribute_to(&self, account: Arc<dyn UsageAccount>) {
        let _ = self.account.set(account);
    }

    /// A launch of the request has ended.
    pub(crate) fn launch_ended(&self, launch: LaunchTimes) {
        self.usage.add_device(launch.device);
        if let Some(observer) = &self.observer {
            observer.launch_ended(launch.latency);
        }
    }

    /// The scheme of the request's URI; `None` where the target has none, as that of
    /// CONNECT.
    pub(crate) fn scheme(&self) -> Option<&Scheme> {
        self.scheme.as_ref()
    }

    /// The authority of the request's URI.
    pub(crate) fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }

    /// Names the request in logs and in responses.
    pub(crate) fn id(&self) -> &str {
        self.id.as_str()
    }

    /// The trace that the request belongs to.
    pub(crate) fn trace(&self) -> &RequestTrace {
        &self.trace
    }

    /// Names the trace in logs.
    pub(crate) fn trace_id(&self) -> TraceId {
        self.trace.id()
    }

    /// The same as a value that goes into headers.
    pub(crate) fn request_id(&self) -> &RequestId {
        &self.id
    }

    /// When the request runs out of time.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Records what a policy decided. The first decision holds: of a chain of policies
    /// the outermost decides first, and none behind it can take a refusal back.
    pub(crate) fn decide(&self, decision: Decision) {
        if self.decision.set(decision).is_err() {
            return;
        }
        if let Some(tenant) = self.tenant() {
            self.trace
                .annotate("tensor_wasm.tenant", || SpanValue::of_number(tenant));
        }
        if let (Some(observer), Some(decision)) = (&self.observer, self.decision.get()) {
            observer.decided(decision);
        }
    }

    /// What a policy decided, if one has.
    pub(crate) fn decision(&self) -> Option<&Decision> {
        self.decision.get()
    }

    /// Says what the request does. The first word holds.
    pub(crate) fn set_action(&self, action: &'static str) {
        let _ = self.action.set(action);
    }

    /// What the request does, where code of the embedder has said so.
    pub(crate) fn action(&self) -> Option<&'static str> {
        self.action.get().copied()
    }

    /// Tells the server which route the request has taken, where code of the embedder has said
    /// what the request does.
    pub(crate) fn name_route<B>(&self, response: &mut http::Response<B>) {
        if let Some(action) = self.action() {
            response.extensions_mut().insert(Route(action));
        }
    }

    /// Says that the response is an error of this kind. The first kind holds.
    pub(crate) fn set_error_kind(&self, kind: &'static str) {
        let _ = self.error_kind.set(kind);
        self.trace.annotate(ERROR_KIND, || kind.into());
    }

    /// How the request failed, where the response is an error of code of the embedder.
    pub(crate) fn error_kind(&self) -> Option<&'static str> {
        self.error_kind.get().copied()
    }

    /// The tenant that the request is for: the one that a policy admitted it for, and
    /// tenant 0 where no policy decides. `None` as long as a policy has yet to decide, and
    /// once it has refused: what a tenant is granted is nobody's then.
    pub(crate) fn tenant(&self) -> Option<u64> {
        match self.decision() {
            Some(Decision::Admitted { tenant, .. }) => Some(*tenant),
            Some(Decision::Refused { .. }) => None,
            None => (!self.is_decided_on).then_some(ONLY_TENANT),
        }
    }
}

impl Drop for RequestContext {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    /// Launches, bytes and requests that each tenant was charged.
    #[derive(Default)]
    struct Charges(Mutex<BTreeMap<Option<u64>, [u64; 4]>>);

    impl Charges {
        fn of(&self, tenant: Option<u64>) -> [u64; 4] {
            self.0
                .lock()
                .unwrap()
                .get(&tenant)
                .copied()
                .unwrap_or_default()
        }
    }

    impl Observer for Charges {
        fn charged(&self, tenant: Option<u64>, usage: &Usage) {
            add(self.0.lock().unwrap().entry(tenant).or_default(), usage);
        }
    }

    /// What a function of a tenant was charged.
    #[derive(Default)]
    struct FunctionCharges(Mutex<[u64; 4]>);

    impl UsageAccount for FunctionCharges {
        fn charged(&self, usage: &Usage) {
            add(&mut self.0.lock().unwrap(), usage);
        }
    }

    fn add(sum: &mut [u64; 4], usage: &Usage) {
        let guest = u64::try_from(usage.guest.as_nanos()).unwrap();
        let parts = [usage.requests, guest, usage.launches, usage.response_bytes];
        for (sum, part) in sum.iter_mut().zip(parts) {
            *sum += part;
        }
    }

    proptest! {
        /// Whichever requests of whichever tenants there are, and whenever they are charged.
        #[test]
        fn what_requests_used_adds_up_to_what_their_tenants_were_charged(
            requests in proptest::collection::vec(
                (
                    proptest::option::of(0..3_u64),
                    proptest::collection::vec((0..5_u8, 0..1_u64 << 30), 0..20),
                ),
                0..20,
            ),
        ) {
            let charges = Arc::new(Charges::default());
            let mut used = BTreeMap::<Option<u64>, [u64; 4]>::new();
            for (tenant, steps) in requests {
                let began = Instant::now();
                let context = unrecorded(began, true);
                let context = context.observed(None, Some(charges.clone()));
                context.decide(match tenant {
                    Some(tenant) => admitted(tenant),
                    None => Decision::Refused { caller: None, kind: "no".to_owned() },
                });
                for (what, amount) in steps {
                    match what {
                        0 => context.usage().add_guest(Duration::from_nanos(amount)),
                        1 => context.usage().add_launch(),
                        2 => context.usage().add_response_bytes(amount),
                        3 => context.charge(),
                        _ => context.end(),
                    }
                }
                let end = Usage { requests: 1, ..context.usage().until_now() };
                add(used.entry(tenant).or_default(), &end);
            }
            prop_assert_eq!(&*charges.0.lock().unwrap(), &used);
        }
    }

    proptest! {
        /// Whichever functions requests are for, and whenever that is known and they are charged:
        /// what functions are charged adds up to what their tenants are, but for what requests
        /// were charged before.
        #[test]
        fn what_functions_are_charged_adds_up_to_what_their_tenants_are(
            requests in proptest::collection::vec(
                (
                    (0..3_u64, 0..3_usize, 0..4_usize),
                    proptest::collection::vec((0..5_u8, 0..1_u64 << 30), 0..20),
                ),
                0..20,
            ),
        ) {
            let charges = Arc::new(Charges::default());
            let functions: BTreeMap<(u64, usize), Arc<FunctionCharges>> = (0..3)
                .flat_map(|tenant| (0..3).map(move |function| (tenant, function)))
                .map(|key| (key, Arc::default()))
                .collect();
            let mut before = BTreeMap::<u64, [u64; 4]>::new();
            for ((tenant, function, attributed_at), steps) in requests {
                let began = Instant::now();
                let context = unrecorded(began, true);
                let context = context.observed(None, Some(charges.clone()));
                context.decide(admitted(tenant));
                let at_begin = charges.of(Some(tenant));
                let attribute = |before: &mut BTreeMap<u64, [u64; 4]>| {
                    let now = charges.of(Some(tenant));
                    let sum = before.entry(tenant).or_default();
                    for (sum, (now, then)) in sum.iter_mut().zip(now.into_iter().zip(at_begin)) {
                        *sum += now - then;
                    }
                    context.attribute_to(functions[&(tenant, function)].clone());
                };
                let length = steps.len();
                for (step, (what, amount)) in steps.into_iter().enumerate() {
                    if step == attributed_at {
                        attribute(&mut before);
                    }
                    match what {
                        0 => context.usage().add_guest(Duration::from_nanos(amount)),
                        1 => context.usage().add_launch(),
                        2 => context.usage().add_response_bytes(amount),
                        3 => context.charge(),
                        _ => context.end(),
                    }
                }
                if attributed_at >= length {
                    attribute(&mut before);
                }
            }
            for tenant in 0..3 {
                let mut sum = before.get(&tenant).copied().unwrap_or_default();
                for ((of, _), function) in &functions {
                    if *of == tenant {
                        let charged = *function.0.lock().unwrap();
                        for (sum, part) in sum.iter_mut().zip(charged) {
                            *sum += part;
                        }
                    }
                }
                prop_assert_eq!(sum, charges.of(Some(tenant)));
            }
        }
    }

    fn context() -> RequestContext {
        unrecorded(Instant::now(), true)
    }

    fn unrecorded(began: Instant, is_decided_on: bool) -> RequestContext {
        let trace = RequestTrace::unknown(TraceId::random());
        RequestContext::new(RequestId::random(), trace, began, began, is_decided_on)
    }

    fn admitted(tenant: u64) -> Decision {
        let caller = None;
        Decision::Admitted { caller, tenant }
    }

    #[test]
    fn a_request_that_a_policy_decides_on_is_no_tenants_until_it_is_admitted() {
        let context = context();
        assert_eq!(context.tenant(), None);
        context.decide(admitted(7));
        assert_eq!(context.tenant(), Some(7));
    }

    #[test]
    fn a_request_that_no_policy_decides_on_is_tenant_0s() {
        let context = unrecorded(Instant::now(), false);
        assert_eq!(context.tenant(), Some(0));
    }

    #[test]
    fn the_first_decision_holds() {
        let context = context();
        context.decide(Decision::Refused {
            caller: None,
            kind: "unauthorized".to_owned(),
        });
        context.decide(admitted(7));
        assert_eq!(context.tenant(), None);
        assert!(matches!(context.decision(), Some(Decision::Refused { .. })));
    }
}
