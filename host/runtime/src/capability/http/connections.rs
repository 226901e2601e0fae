//! How many connections to other servers there may be: each is a file descriptor, and what
//! one guest takes, the server and all other guests lack.

use crate::lock::ignore_poison;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use wasmtime_wasi_http::Error;

/// The limits of connections to other servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections of one instance at one time.
    pub instance: u32,
    /// Connections of all instances that serve one tenant, at one time.
    pub tenant: u32,
    /// Connections of all tenants at one time.
    pub all: u32,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        ConnectionLimits {
            instance: 32,
            tenant: 128,
            all: 512,
        }
    }
}

/// The connections to other servers that exist at one time. Clones are the same connections:
/// applications that share them share their limits.
#[derive(Clone, Debug)]
pub struct Connections {
    limits: ConnectionLimits,
    open: Arc<Mutex<Open>>,
}

impl Default for Connections {
    fn default() -> Connections {
        Connections::new(ConnectionLimits::default())
    }
}

/// How many are open. A tenant without any has no entry.
#[derive(Debug, Default)]
struct Open {
    all: u32,
    by_tenant: HashMap<Option<u64>, u32>,
}

/// How many of them one instance has: each instance has an own one.
#[derive(Clone, Debug, Default)]
pub(super) struct InstanceConnections(Arc<Mutex<u32>>);

impl Connections {
    /// No connections, and limits for those that will be.
    pub fn new(limits: ConnectionLimits) -> Connections {
        Connections {
            limits,
            open: Arc::default(),
        }
    }

    /// A permit for one more connection of an instance that serves this tenant.
    ///
    /// # Errors
    ///
    /// [`Error::ConnectionLimitReached`]
    pub(super) fn permit(
        &self,
        instance: &InstanceConnections,
        tenant: Option<u64>,
    ) -> Result<ConnectionPermit, Error> {
        let mut open = ignore_poison(self.open.lock());
        let mut of_instance = ignore_poison(instance.0.lock());
        let of_tenant = open.by_tenant.get(&tenant).copied().unwrap_or(0);
        let full = *of_instance >= self.limits.instance
            || of_tenant >= self.limits.tenant
            || open.all >= self.limits.all;
        if full {
            return Err(Error::ConnectionLimitReached);
        }
        *of_instance += 1;
        open.all += 1;
        open.by_tenant.insert(tenant, of_tenant + 1);
        Ok(ConnectionPermit {
            connections: self.clone(),
            instance: instance.clone(),
            tenant,
        })
    }
}

/// The right to one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct ConnectionPermit {
    connections: Connections,
    instance: InstanceConnections,
    tenant: Option<u64>,
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = ignore_poison(self.connections.open.lock());
        open.all = open.all.saturating_sub(1);
        if let Some(count) = open.by_tenant.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                open.by_tenant.remove(&self.tenant);
            }
        }
        *ignore_poison(self.instance.0.lock()) -= 1;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_instance_a_tenant_and_all_together_have_no_more_than_their_limits() {
        let connections = Connections::new(ConnectionLimits {
            instance: 2,
            tenant: 3,
            all: 4,
        });
        let (one, two, three) = (
            InstanceConnections::default(),
            InstanceConnections::default(),
            InstanceConnections::default(),
        );
        let mut held = Vec::new();
        let open = |instance, tenant| connections.permit(instance, Some(tenant));
        held.push(open(&one, 1).unwrap());
        held.push(open(&one, 1).unwrap());
        assert!(open(&one, 1).is_err(), "the instance has two");
        held.push(open(&two, 1).unwrap());
        assert!(open(&two, 1).is_err(), "the tenant has three");
        held.push(open(&three, 2).unwrap());
        assert!(open(&three, 2).is_err(), "all have four");
        held.clear();
        assert!(connections.open.lock().unwrap().by_tenant.is_empty());
        held.push(open(&three, 2).unwrap());
        assert_eq!(connections.open.lock().unwrap().all, 1);
    }
}
