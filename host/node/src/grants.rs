//! Which tenant may use the device, and within which limits, and which part of this machine's memory
//! and processors its instances may have.
//!
//! A tenant gets a session of its own, so that its limits, its share of the device
//! and what it keeps there are its own too. Sessions are made when they are first
//! used: an operator names the tenants that differ, and any number may exist.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, OnceLock};

use tensor_wasm_device::{Device, Limits, MemoryMeter};
use tensor_wasm_runtime::{GpuAccess, GpuGrant, GpuGrants, Grant, LoadDecision, ProcessorShare};

use crate::lock::ignore_poison;

/// Sessions at one time. Idle ones make room; a tenant that finds none is denied, as
/// on a device that is full.
const SESSIONS: usize = 1024;

/// One tenant, as the operator describes it.
#[derive(Clone, Debug, Default)]
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
    /// What each tenant that is not listed has.
    others: Tenant,
    listed: BTreeMap<u64, Tenant>,
    sessions: Mutex<Sessions>,
}

#[derive(Default)]
struct Sessions {
    open: HashMap<u64, GpuAccess>,
    /// What sessions held that were dropped, in bytes times nanoseconds, of so many tenants
    /// by themselves.
    dropped: HashMap<u64, u128>,
    /// The same of all other tenants.
    dropped_of_others: u128,
}

/// What a tenant holds of the device's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldMemory {
    /// The tenant; `None` for several that are not told apart any more.
    pub tenant: Option<u64>,
    /// What it holds now, in bytes.
    pub bytes: u64,
    /// What it has held until now, in bytes times nanoseconds.
    pub byte_nanoseconds: u128,
}

impl TenantGrants {
    /// Grants for one device.
    pub fn new(device: Option<Device>, others: Tenant, listed: BTreeMap<u64, Tenant>) -> Self {
        Self {
            device,
            others,
            listed,
            sessions: Mutex::default(),
        }
    }

    /// The memory that all instances of a tenant may have together, in bytes.
    pub fn memory_bytes(&self, id: u64) -> Option<usize> {
        let bytes = self.tenant(id).memory_bytes?.get();
        Some(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// A tenant's part of the processors that run instances.
    pub fn processors(&self, id: u64) -> ProcessorShare {
        self.tenant(id).processors
    }

    fn tenant(&self, id: u64) -> &Tenant {
        self.listed.get(&id).unwrap_or(&self.others)
    }

    /// The listed tenants to whom components that import the GPU are refused, as `7` or
    /// `acme (7)`.
    pub fn refused(&self) -> Vec<String> {
        self.listed
            .iter()
            .filter(|(_, tenant)| tenant.gpu == Grant::Refused)
            .map(|(&id, tenant)| label(id, tenant))
            .collect()
    }

    fn session(&self, id: u64, device: &Device) -> Option<GpuAccess> {
        let mut sessions = ignore_poison(self.sessions.lock());
        if let Some(access) = sessions.open.get(&id) {
            return Some(access.clone());
        }
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
        let access =
            GpuAccess::new(device.session_of(&id.to_string(), self.tenant(id).limits.clone()));
        sessions.open.insert(id, access.clone());
        Some(access)
    }

    /// What each tenant holds of the device's memory, of those that have used it.
    pub fn memory(&self) -> Vec<HeldMemory> {
        let sessions = ignore_poison(self.sessions.lock());
        let open = sessions.open.iter().map(|(&id, access)| {
            let session = access.session();
            let before = sessions.dropped.get(&id).copied().unwrap_or(0);
            HeldMemory {
                tenant: Some(id),
                bytes: session.usage().memory_bytes,
                byte_nanoseconds: before.saturating_add(session.memory_byte_nanoseconds()),
            }
        });
        let closed = sessions.dropped.iter();
        let closed = closed.filter(|(id, _)| !sessions.open.contains_key(*id));
        let closed = closed.map(|(&id, &byte_nanoseconds)| HeldMemory {
            tenant: Some(id),
            bytes: 0,
            byte_nanoseconds,
        });
        let others = HeldMemory {
            tenant: None,
            bytes: 0,
            byte_nanoseconds: sessions.dropped_of_others,
        };
        let others = (others.byte_nanoseconds > 0).then_some(others);
        open.chain(closed).chain(others).collect()
    }
}

impl Sessions {
    /// Drops the sessions that are idle, and remembers what they held.
    fn drop_idle(&mut self) {
        for (id, access) in self.open.extract_if(|_, access| access.is_idle()) {
            let held = access.session().memory_byte_nanoseconds();
            if held == 0 {
                continue;
            }
            let is_known = self.dropped.contains_key(&id);
            let sum = match is_known || self.dropped.len() < SESSIONS {
                true => self.dropped.entry(id).or_default(),
                false => &mut self.dropped_of_others,
            };
            *sum = sum.saturating_add(held);
        }
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
        match (self.tenant(tenant).gpu, &self.device) {
            (Grant::Granted(()), Some(device)) => match self.session(tenant, device) {
                Some(access) => Grant::Granted(access),
                None => Grant::Denied,
            },
            (Grant::Granted(()), None) | (Grant::Denied, _) => Grant::Denied,
            (Grant::Refused, _) => Grant::Refused,
        }
    }

    fn is_refused(&self, tenant: u64) -> bool {
        self.tenant(tenant).gpu == Grant::Refused
    }

    fn load_decision(&self) -> LoadDecision {
        let any = |grant| {
            let mut all = self.listed.values().chain([&self.others]);
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
        match self.tenant(tenant).gpu {
            Grant::Granted(()) => LoadDecision::granted_if(self.device.is_some()),
            Grant::Denied => LoadDecision::granted_if(false),
            Grant::Refused => {
                LoadDecision::refused(format!("tenant {}", label(tenant, self.tenant(tenant))))
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
}

impl GpuGrants for FunctionGrants {
    fn of(&self, tenant: u64) -> GpuGrant {
        if tenant != self.tenant {
            return Grant::Denied;
        }
        if let Some(access) = self.access.get() {
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
        let mut none = grants(Grant::Refused, &[(7, Grant::Refused)]);
        none.listed.get_mut(&7).unwrap().name = Some("acme".to_owned());
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
