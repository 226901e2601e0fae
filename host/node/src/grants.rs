//! Which tenant may use the device, and within which limits.
//!
//! A tenant gets a session of its own, so that its limits, its share of the device
//! and what it keeps there are its own too. Sessions are made when they are first
//! used: an operator names the tenants that differ, and any number may exist.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use tensor_wasm_device::{Device, Limits};
use tensor_wasm_runtime::{GpuAccess, GpuGrant, GpuGrants, Standing};

/// Sessions at one time. Idle ones make room; a tenant that finds none is denied, as
/// on a device that is full.
const SESSIONS: usize = 1024;

/// What an operator decided on a tenant's use of the GPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gpu {
    /// The tenant uses it, within its limits.
    #[default]
    Grant,
    /// The tenant's components run, and each call answers `error.denied`.
    Deny,
    /// Components that import `tensor:gpu/*` are not loaded for the tenant.
    Refuse,
}

/// One tenant, as the operator describes it.
#[derive(Clone, Debug, Default)]
pub struct Tenant {
    /// The operator's name for it.
    pub name: Option<String>,
    /// Whether it may use the GPU.
    pub gpu: Gpu,
    /// How much of it.
    pub limits: Limits,
}

/// The grants of all tenants of a host.
pub struct TenantGrants {
    /// Where there is none, a grant is worth no more than a denial.
    device: Option<Device>,
    /// Every tenant that is not listed.
    others: Tenant,
    listed: BTreeMap<u64, Tenant>,
    sessions: Mutex<HashMap<u64, GpuAccess>>,
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

    fn tenant(&self, id: u64) -> &Tenant {
        self.listed.get(&id).unwrap_or(&self.others)
    }

    /// The listed tenants for whom no component that imports the GPU is loaded, as
    /// `7` or `acme (7)`.
    pub fn refused(&self) -> Vec<String> {
        self.listed
            .iter()
            .filter(|(_, tenant)| tenant.gpu == Gpu::Refuse)
            .map(|(&id, tenant)| said(id, tenant))
            .collect()
    }

    fn session(&self, id: u64, device: &Device) -> Option<GpuAccess> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(access) = sessions.get(&id) {
            return Some(access.clone());
        }
        if sessions.len() >= SESSIONS {
            sessions.retain(|_, access| !access.is_idle());
        }
        if sessions.len() >= SESSIONS {
            tracing::warn!(
                tenant = id,
                "{SESSIONS} tenants use the device, and another one is denied"
            );
            return None;
        }
        let access =
            GpuAccess::new(device.session_of(&id.to_string(), self.tenant(id).limits.clone()));
        sessions.insert(id, access.clone());
        Some(access)
    }
}

fn said(id: u64, tenant: &Tenant) -> String {
    match &tenant.name {
        Some(name) => format!("{name} ({id})"),
        None => id.to_string(),
    }
}

impl GpuGrants for TenantGrants {
    fn of(&self, tenant: u64) -> GpuGrant {
        match (self.tenant(tenant).gpu, &self.device) {
            (Gpu::Refuse, _) => GpuGrant::Refused,
            (Gpu::Grant, Some(device)) => match self.session(tenant, device) {
                Some(access) => GpuGrant::Granted(access),
                None => GpuGrant::Denied,
            },
            (Gpu::Grant, None) | (Gpu::Deny, _) => GpuGrant::Denied,
        }
    }

    fn is_refused(&self, tenant: u64) -> bool {
        self.tenant(tenant).gpu == Gpu::Refuse
    }

    fn standing(&self) -> Standing {
        let mut all = self.listed.values().chain([&self.others]);
        if self.device.is_some() && all.clone().any(|tenant| tenant.gpu == Gpu::Grant) {
            Standing::Granted
        } else if all.any(|tenant| tenant.gpu != Gpu::Refuse) {
            Standing::Denied
        } else {
            let mut tenants: Vec<_> = self.refused();
            tenants.push("each other tenant".to_owned());
            Standing::Refused {
                tenants: format!("tenant {}", tenants.join(", ")),
            }
        }
    }

    fn standing_of(&self, tenant: u64) -> Standing {
        match (self.tenant(tenant).gpu, &self.device) {
            (Gpu::Grant, Some(_)) => Standing::Granted,
            (Gpu::Grant, None) | (Gpu::Deny, _) => Standing::Denied,
            (Gpu::Refuse, _) => Standing::Refused {
                tenants: format!("tenant {}", said(tenant, self.tenant(tenant))),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use tensor_wasm_device::CpuConfig;

    fn tenant(gpu: Gpu) -> Tenant {
        Tenant {
            gpu,
            ..Tenant::default()
        }
    }

    fn grants(others: Gpu, listed: &[(u64, Gpu)]) -> TenantGrants {
        let listed = listed.iter().map(|&(id, gpu)| (id, tenant(gpu))).collect();
        let device = Device::cpu(CpuConfig::default()).unwrap();
        TenantGrants::new(Some(device), tenant(others), listed)
    }

    #[test]
    fn each_tenant_has_its_own_grant_and_others_the_default() {
        let grants = grants(Gpu::Grant, &[(7, Gpu::Deny), (8, Gpu::Refuse)]);
        assert!(matches!(grants.of(0), GpuGrant::Granted(_)));
        assert!(matches!(grants.of(7), GpuGrant::Denied));
        assert!(matches!(grants.of(8), GpuGrant::Refused));
        assert!(grants.is_refused(8) && !grants.is_refused(7));
        assert_eq!(grants.standing(), Standing::Granted);
    }

    #[test]
    fn a_component_is_refused_to_all_only_where_no_tenant_may_have_it() {
        let some = grants(Gpu::Refuse, &[(7, Gpu::Deny)]);
        assert_eq!(some.standing(), Standing::Denied);
        let mut none = grants(Gpu::Refuse, &[(7, Gpu::Refuse)]);
        none.listed.get_mut(&7).unwrap().name = Some("acme".to_owned());
        let Standing::Refused { tenants } = none.standing() else {
            panic!("not refused");
        };
        assert!(tenants.contains("acme (7)"), "{tenants}");
        assert_eq!(
            none.standing_of(7),
            Standing::Refused {
                tenants: "tenant acme (7)".to_owned()
            }
        );
    }

    #[tokio::test]
    async fn what_one_tenant_keeps_on_the_device_another_does_not_find() {
        let grants = grants(Gpu::Grant, &[]);
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
    async fn idle_sessions_make_room_and_busy_ones_stay() {
        let grants = grants(Gpu::Grant, &[]);
        let GpuGrant::Granted(busy) = grants.of(0) else {
            panic!("not granted");
        };
        let buffer = busy.session().lease().allocate(10).await.unwrap();
        drop(busy);
        for id in 1..3 * SESSIONS as u64 {
            assert!(matches!(grants.of(id), GpuGrant::Granted(_)), "{id}");
        }
        assert!(grants.sessions.lock().unwrap().len() <= SESSIONS);
        let GpuGrant::Granted(busy) = grants.of(0) else {
            panic!("not granted");
        };
        assert_eq!(busy.session().usage().memory_bytes, 10);
        drop(buffer);
    }

    #[test]
    fn without_a_device_a_grant_is_a_denial() {
        let grants = TenantGrants::new(None, tenant(Gpu::Grant), BTreeMap::new());
        assert!(matches!(grants.of(0), GpuGrant::Denied));
        assert_eq!(grants.standing(), Standing::Denied);
    }
}
