//! Which tenant may use the device, and within which limits, and which part of this machine's memory
//! and processors its instances may have.
//!
//! A tenant gets a session of its own, so that its limits, its share of the device
//! and what it keeps there are its own too. Sessions are made when they are first
//! used: an operator names the tenants that differ, and any number may exist.

mod sessions;

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, OnceLock};

use arc_swap::ArcSwap;
use tensor_wasm_device::{Device, Limits, MemoryMeter};
use tensor_wasm_runtime::{GpuAccess, GpuGrant, GpuGrants, Grant, LoadDecision, ProcessorShare};

use crate::lock::ignore_poison;

pub use sessions::HeldMemory;
use sessions::{SESSIONS, Sessions};

/// One tenant, as the operator describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tenant {
    /// The operator's name for it.
    pub name: Option<String>,
    /// Whether it may use the GPU.
    pub gpu: Grant,
    /// Its limits on the device.
    pub limits: Limits,
    /// The memory that all its instances may have together, in bytes; `None` for no limit.
    pub memory_bytes: Option<NonZeroU64>,
    /// Its part of the processors that run instances.
    pub processors: ProcessorShare,
}

/// The grants of all tenants of a host.
pub struct TenantGrants {
    /// Where there is none, a tenant that is granted the GPU is denied all the same.
    device: Option<Device>,
    tenants: ArcSwap<TenantTable>,
    sessions: Mutex<Sessions>,
}

/// What each tenant has.
#[derive(PartialEq, Eq)]
struct TenantTable {
    /// What each tenant has that is not listed.
    others: Tenant,
    listed: BTreeMap<u64, Tenant>,
}

impl TenantTable {
    fn of(&self, id: u64) -> &Tenant {
        self.listed.get(&id).unwrap_or(&self.others)
    }
}

impl TenantGrants {
    /// Grants for one device.
    pub fn new(device: Option<Device>, others: Tenant, listed: BTreeMap<u64, Tenant>) -> Self {
        Self {
            device,
            tenants: ArcSwap::from_pointee(TenantTable { others, listed }),
            sessions: Mutex::default(),
        }
    }

    /// What tenants have from now on. Returns whether anything has changed.
    ///
    /// A tenant whose limits on the device have changed, or that may not use it any more, gets
    /// another session when it next asks. The one before is there for as long as it is used, and
    /// what the tenant's functions kept on the device goes with it.
    pub fn set_tenants(&self, others: Tenant, listed: BTreeMap<u64, Tenant>) -> bool {
        // Held, so that no session is made of the limits before that is kept.
        let mut sessions = ignore_poison(self.sessions.lock());
        let now = Arc::new(TenantTable { others, listed });
        let before = self.tenants.swap(now.clone());
        sessions.replace_if(|id| {
            let (before, now) = (before.of(id), now.of(id));
            now.gpu != Grant::Granted(()) || before.limits != now.limits
        });
        sessions.drop_unused();
        before != now
    }

    /// The memory that all instances of a tenant may have together, in bytes.
    pub fn memory_bytes(&self, id: u64) -> Option<usize> {
        let bytes = self.tenants.load().of(id).memory_bytes?.get();
        Some(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// A tenant's part of the processors that run instances.
    pub fn processors(&self, id: u64) -> ProcessorShare {
        self.tenants.load().of(id).processors
    }

    fn gpu(&self, id: u64) -> Grant {
        self.tenants.load().of(id).gpu
    }

    /// The listed tenants to whom components that import the GPU are refused, as `7` or
    /// `acme (7)`.
    pub fn refused(&self) -> Vec<String> {
        let tenants = self.tenants.load();
        let listed = tenants.listed.iter();
        listed
            .filter(|(_, tenant)| tenant.gpu == Grant::Refused)
            .map(|(&id, tenant)| label(id, tenant))
            .collect()
    }

    fn session(&self, id: u64, device: &Device) -> Option<GpuAccess> {
        let mut sessions = ignore_poison(self.sessions.lock());
        if let Some(access) = sessions.open.get(&id) {
            return Some(access.clone());
        }
        sessions.drop_unused();
        if sessions.open.len() >= SESSIONS {
            sessions.drop_idle();
        }
        if sessions.open.len() >= SESSIONS {
            tracing::warn!(
                tenant = id,
                "{SESSIONS} tenants use the device at present, so another one is denied"
            );
            return None;
        }
        let limits = self.tenants.load().of(id).limits.clone();
        let access = GpuAccess::new(device.session_of(&id.to_string(), limits));
        sessions.open.insert(id, access.clone());
        Some(access)
    }

    /// What each tenant holds of the device's memory, of those that have used it.
    pub fn memory(&self) -> Vec<HeldMemory> {
        let mut sessions = ignore_poison(self.sessions.lock());
        sessions.drop_unused();
        sessions.memory()
    }
}

/// A tenant for messages: its name, if it has one, and its number.
fn label(id: u64, tenant: &Tenant) -> String {
    match &tenant.name {
        Some(name) => format!("{name} ({id})"),
        None => id.to_string(),
    }
}

impl GpuGrants for TenantGrants {
    fn of(&self, tenant: u64) -> GpuGrant {
        match (self.gpu(tenant), &self.device) {
            (Grant::Granted(()), Some(device)) => match self.session(tenant, device) {
                Some(access) => Grant::Granted(access),
                None => Grant::Denied,
            },
            (Grant::Granted(()), None) | (Grant::Denied, _) => Grant::Denied,
            (Grant::Refused, _) => Grant::Refused,
        }
    }

    fn is_refused(&self, tenant: u64) -> bool {
        self.gpu(tenant) == Grant::Refused
    }

    fn load_decision(&self) -> LoadDecision {
        let tenants = self.tenants.load();
        let any = |grant| {
            let mut all = tenants.listed.values().chain([&tenants.others]);
            all.any(|tenant| tenant.gpu == grant)
        };
        if !any(Grant::Granted(())) && !any(Grant::Denied) {
            let mut tenants = self.refused();
            tenants.push("each other tenant".to_owned());
            return LoadDecision::refused(format!("tenant {}", tenants.join(", ")));
        }
        LoadDecision::granted_if(self.device.is_some() && any(Grant::Granted(())))
    }

    fn load_decision_of(&self, tenant: u64) -> LoadDecision {
        let tenants = self.tenants.load();
        match tenants.of(tenant).gpu {
            Grant::Granted(()) => LoadDecision::granted_if(self.device.is_some()),
            Grant::Denied => LoadDecision::granted_if(false),
            Grant::Refused => {
                LoadDecision::refused(format!("tenant {}", label(tenant, tenants.of(tenant))))
            }
        }
    }
}

/// The grants of one function, which belongs to one tenant: a residency of its own in the
/// tenant's session.
pub(crate) struct FunctionGrants {
    grants: Arc<TenantGrants>,
    tenant: u64,
    /// Meters the device memory that the function holds.
    memory: MemoryMeter,
    /// From the first use on.
    access: OnceLock<GpuAccess>,
}

impl FunctionGrants {
    pub(crate) fn new(
        grants: Arc<TenantGrants>,
        tenant: u64,
        memory: MemoryMeter,
    ) -> FunctionGrants {
        FunctionGrants {
            grants,
            tenant,
            memory,
            access: OnceLock::new(),
        }
    }

    /// The function's part of the device, if it has used it.
    pub(crate) fn opened(&self) -> Option<GpuAccess> {
        self.access.get().cloned()
    }
}

impl GpuGrants for FunctionGrants {
    fn of(&self, tenant: u64) -> GpuGrant {
        if tenant != self.tenant {
            return Grant::Denied;
        }
        if let Some(access) = self.access.get()
            && self.grants.gpu(tenant) == Grant::Granted(())
        {
            return Grant::Granted(access.clone());
        }
        match self.grants.of(tenant) {
            Grant::Granted(access) => {
                let new = || access.for_function(self.memory.clone());
                let access = self.access.get_or_init(new);
                Grant::Granted(access.clone())
            }
            other => other,
        }
    }

    fn is_refused(&self, tenant: u64) -> bool {
        self.grants.is_refused(tenant)
    }

    fn load_decision(&self) -> LoadDecision {
        self.grants.load_decision_of(self.tenant)
    }

    fn load_decision_of(&self, tenant: u64) -> LoadDecision {
        self.grants.load_decision_of(tenant)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use tensor_wasm_device::CpuConfig;

    const GRANTED: Grant = Grant::Granted(());

    fn tenant(gpu: Grant) -> Tenant {
        Tenant {
            gpu,
            ..Tenant::default()
        }
    }

    fn grants(others: Grant, listed: &[(u64, Grant)]) -> TenantGrants {
        let listed = listed.iter().map(|&(id, gpu)| (id, tenant(gpu))).collect();
        let device = Device::cpu(CpuConfig::default()).unwrap();
        TenantGrants::new(Some(device), tenant(others), listed)
    }

    #[test]
    fn each_tenant_has_its_own_grant_and_others_the_default() {
        let grants = grants(GRANTED, &[(7, Grant::Denied), (8, Grant::Refused)]);
        assert!(matches!(grants.of(0), GpuGrant::Granted(_)));
        assert!(matches!(grants.of(7), GpuGrant::Denied));
        assert!(matches!(grants.of(8), GpuGrant::Refused));
        assert!(grants.is_refused(8) && !grants.is_refused(7));
        assert_eq!(grants.load_decision(), LoadDecision::granted_if(true));
    }

    #[test]
    fn a_component_is_refused_only_where_it_is_refused_to_every_tenant() {
        let some = grants(Grant::Refused, &[(7, Grant::Denied)]);
        assert_eq!(some.load_decision(), LoadDecision::granted_if(false));
        let none = grants(Grant::Refused, &[]);
        let acme = Tenant {
            name: Some("acme".to_owned()),
            ..tenant(Grant::Refused)
        };
        none.set_tenants(tenant(Grant::Refused), BTreeMap::from([(7, acme)]));
        let decision = none.load_decision();
        assert_eq!(decision.grant, Grant::Refused);
        let tenants = &decision.refused_to;
        assert!(tenants.contains("acme (7)"), "{tenants}");
        let refused = LoadDecision::refused("tenant acme (7)".to_owned());
        assert_eq!(none.load_decision_of(7), refused);
    }

    #[tokio::test]
    async fn tenants_have_separate_sessions() {
        let grants = grants(GRANTED, &[]);
        let (GpuGrant::Granted(one), GpuGrant::Granted(other)) = (grants.of(1), grants.of(2))
        else {
            panic!("not granted");
        };
        let buffer = one.session().lease().allocate(1000).await.unwrap();
        assert_eq!(one.session().usage().memory_bytes, 1000);
        assert_eq!(other.session().usage().memory_bytes, 0);
        let GpuGrant::Granted(again) = grants.of(1) else {
            panic!("not granted");
        };
        assert_eq!(again.session().usage().memory_bytes, 1000);
        drop(buffer);
    }

    #[tokio::test]
    async fn idle_sessions_are_dropped_for_new_ones_and_busy_ones_are_not() {
        let grants = grants(GRANTED, &[]);
        let GpuGrant::Granted(busy) = grants.of(0) else {
            panic!("not granted");
        };
        let buffer = busy.session().lease().allocate(10).await.unwrap();
        drop(busy);
        for id in 1..3 * SESSIONS as u64 {
            assert!(matches!(grants.of(id), GpuGrant::Granted(_)), "{id}");
        }
        assert!(grants.sessions.lock().unwrap().open.len() <= SESSIONS);
        let GpuGrant::Granted(busy) = grants.of(0) else {
            panic!("not granted");
        };
        assert_eq!(busy.session().usage().memory_bytes, 10);
        drop(buffer);
    }

    #[tokio::test]
    async fn what_a_session_held_is_remembered_when_it_is_dropped() {
        let grants = grants(GRANTED, &[]);
        let GpuGrant::Granted(access) = grants.of(7) else {
            panic!("not granted");
        };
        let buffer = access.session().lease().allocate(1000).await.unwrap();
        let of = |id: u64| {
            let memory = grants.memory();
            memory.into_iter().find(|held| held.tenant == Some(id))
        };
        assert_eq!(of(7).unwrap().bytes, 1000);
        drop(buffer);
        let held = of(7).unwrap();
        assert!(held.bytes == 0 && held.byte_nanoseconds > 0, "{held:?}");
        drop(access);
        for id in 100..100 + 2 * SESSIONS as u64 {
            assert!(matches!(grants.of(id), GpuGrant::Granted(_)), "{id}");
        }
        assert!(!grants.sessions.lock().unwrap().open.contains_key(&7));
        assert_eq!(of(7), Some(held));
        // A session that comes later goes on from there.
        assert!(matches!(grants.of(7), GpuGrant::Granted(_)));
        assert_eq!(of(7), Some(held));
    }

    #[tokio::test]
    async fn a_tenant_whose_limits_change_gets_another_session_and_loses_no_account() {
        let grants = Arc::new(grants(GRANTED, &[]));
        let access = |id| match grants.of(id) {
            GpuGrant::Granted(access) => access,
            _ => panic!("{id} is not granted"),
        };
        let (changed, same) = (access(7), access(8));
        let used = changed.session().lease().allocate(1000).await.unwrap();
        let limits = Limits {
            memory_bytes: 500,
            ..Limits::default()
        };
        let seven = Tenant {
            limits,
            ..tenant(GRANTED)
        };
        assert!(grants.set_tenants(tenant(GRANTED), BTreeMap::from([(7, seven.clone())])));
        assert!(!grants.set_tenants(tenant(GRANTED), BTreeMap::from([(7, seven)])));
        assert!(access(7).session().lease().allocate(600).await.is_err());
        let other = same.session().lease().allocate(600).await.unwrap();
        assert_eq!(access(8).session().usage().memory_bytes, 600);
        let of = |id: u64| {
            let memory = grants.memory();
            memory.into_iter().find(|held| held.tenant == Some(id))
        };
        // What runs goes on in the session before.
        assert_eq!(of(7).unwrap().bytes, 1000);
        drop((used, changed));
        let held = of(7).unwrap();
        assert!(held.bytes == 0 && held.byte_nanoseconds > 0, "{held:?}");
        assert_eq!(grants.sessions.lock().unwrap().replaced.len(), 0);
        drop(other);
    }

    #[tokio::test]
    async fn a_grant_that_is_taken_away_is_denied_to_functions_that_had_it() {
        let grants = Arc::new(grants(GRANTED, &[]));
        let function = FunctionGrants::new(grants.clone(), 7, MemoryMeter::default());
        assert!(matches!(function.of(7), GpuGrant::Granted(_)));
        grants.set_tenants(tenant(Grant::Denied), BTreeMap::new());
        assert!(matches!(function.of(7), GpuGrant::Denied));
        assert_eq!(function.load_decision(), LoadDecision::granted_if(false));
        grants.set_tenants(tenant(GRANTED), BTreeMap::new());
        assert!(matches!(function.of(7), GpuGrant::Granted(_)));
    }

    #[tokio::test]
    async fn functions_of_a_tenant_share_its_session_and_keep_it_from_being_dropped() {
        let grants = Arc::new(grants(GRANTED, &[]));
        let function = |tenant| FunctionGrants::new(grants.clone(), tenant, MemoryMeter::default());
        let (one, other) = (function(7), function(7));
        let (GpuGrant::Granted(one), GpuGrant::Granted(other)) = (one.of(7), other.of(7)) else {
            panic!("not granted");
        };
        let buffer = one.session().lease().allocate(10).await.unwrap();
        assert_eq!(other.session().usage().memory_bytes, 10);
        drop(buffer);
        for id in 100..100 + 2 * SESSIONS as u64 {
            assert!(matches!(grants.of(id), GpuGrant::Granted(_)), "{id}");
        }
        assert!(grants.sessions.lock().unwrap().open.contains_key(&7));
        assert!(matches!(function(7).of(8), GpuGrant::Denied));
    }

    #[test]
    fn without_a_device_a_granted_tenant_is_denied() {
        let grants = TenantGrants::new(None, tenant(GRANTED), BTreeMap::new());
        assert!(matches!(grants.of(0), GpuGrant::Denied));
        assert_eq!(grants.load_decision(), LoadDecision::granted_if(false));
    }
}
