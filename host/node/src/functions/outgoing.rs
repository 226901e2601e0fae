//! The servers that a function may send HTTP requests to: those that the operator grants its
//! tenant and, where the function has a list of its own, only those of them that are on it. A
//! change holds for requests that begin after it.

use std::sync::Arc;

use futures::FutureExt;
use tensor_wasm_runtime::{Destination, HttpGrant};
use thiserror::Error;

use super::Functions;
use crate::storage::StorageError;
use crate::storage::functions::{ChangeError, Function};

/// Servers on the list of one function, at most.
const MOST: usize = 64;

/// Why a function's list of servers was not changed.
#[derive(Debug, Error)]
pub(crate) enum OutgoingError {
    /// The text names no server.
    #[error("{0}")]
    NoServer(String),
    /// The list is too long.
    #[error("a function's list has {MOST} servers at most")]
    TooMany,
    /// The operator does not grant it to the tenant.
    #[error("{}", not_granted(host, granted))]
    NotGranted {
        /// The server.
        host: String,
        /// Those that are granted.
        granted: Vec<String>,
    },
}

fn not_granted(host: &str, granted: &[String]) -> String {
    match granted {
        [] => format!(
            "`{host}` is not granted: the operator grants this tenant no requests to other servers"
        ),
        granted => format!(
            "`{host}` is not granted: the operator grants this tenant requests to {}",
            granted.join(", ")
        ),
    }
}

impl Functions {
    /// The servers that the operator grants a tenant.
    pub(crate) fn granted_hosts(&self, tenant: u64) -> Vec<String> {
        let grant = self.host.http.load();
        let granted = grant.of_tenant(tenant).iter();
        granted.map(Destination::to_string).collect()
    }

    /// The servers that a function may send requests to.
    pub(crate) fn effective_hosts(&self, tenant: u64, function: &Function) -> Vec<String> {
        let Some(hosts) = &function.outgoing_hosts else {
            return self.granted_hosts(tenant);
        };
        let grant = self.host.http.load();
        let granted = grant.of_tenant(tenant);
        let is_granted = |host: &&String| {
            let host = host.parse::<Destination>();
            host.is_ok_and(|host| granted.iter().any(|one| one.overlaps(&host)))
        };
        hosts.iter().filter(is_granted).cloned().collect()
    }

    /// Gives a function a list of servers, or takes it away.
    pub(crate) async fn set_outgoing_hosts(
        self: &Arc<Self>,
        tenant: u64,
        key: &str,
        hosts: Option<&[String]>,
    ) -> Result<Result<Function, OutgoingError>, ChangeError> {
        if let Err(error) = self.check(tenant, hosts.unwrap_or_default()) {
            return Ok(Err(error));
        }
        let hosts = hosts.map(<[String]>::to_vec);
        // Versions that are loaded are loaded anew, even where the write failed.
        let changed = self.change_settings(tenant, key, move |functions, id| {
            async move {
                let (database, now) = (&functions.storage.database, functions.clock().now_ms());
                database
                    .set_outgoing_hosts(tenant, id, hosts.as_deref(), now)
                    .await
            }
            .boxed()
        });
        Ok(Ok(changed.await?))
    }

    fn check(&self, tenant: u64, hosts: &[String]) -> Result<(), OutgoingError> {
        if hosts.len() > MOST {
            return Err(OutgoingError::TooMany);
        }
        let grant = self.host.http.load();
        let granted = grant.of_tenant(tenant);
        for host in hosts {
            let destination: Destination = host.parse().map_err(OutgoingError::NoServer)?;
            if !granted.iter().any(|one| one.overlaps(&destination)) {
                return Err(OutgoingError::NotGranted {
                    host: host.clone(),
                    granted: self.granted_hosts(tenant),
                });
            }
        }
        Ok(())
    }

    /// What a function of a tenant is granted that has this list.
    pub(super) fn http_grant(
        &self,
        tenant: u64,
        hosts: Option<&[String]>,
    ) -> Result<HttpGrant, StorageError> {
        let parsed = |hosts: &[String]| hosts.iter().map(|host| host.parse()).collect();
        let hosts: Option<Result<Vec<Destination>, String>> = hosts.map(parsed);
        let hosts = hosts.transpose().map_err(|_| StorageError::Damaged {
            what: "the outgoing hosts of a function",
        })?;
        Ok(self.host.http.load().for_tenant(tenant, hosts))
    }
}
