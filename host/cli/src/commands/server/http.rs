//! The options of requests to other servers.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;
use rustix::process::{Resource, getrlimit};
use tensor_wasm_runtime::{
    ConnectionLimits, Connections, Destination, HttpGrant, HttpTrust, HttpTrustError,
};

use crate::config::Tenants;

/// All tenants together may have as many connections as so many of them.
const TENANTS: u32 = 4;

/// The part of the process's file descriptors that they may have at most.
const DESCRIPTORS: u64 = 4;

#[derive(Args)]
pub struct HttpOptions {
    /// A server that components may send HTTP requests to; repeatable
    #[arg(
        long = "allow-http",
        value_name = "HOST[:PORT]",
        help_heading = "Grants"
    )]
    destinations: Vec<Destination>,
    /// Authorities that certify such servers, PEM, beside those of the platform or of the
    /// variable SSL_CERT_FILE
    #[arg(long, value_name = "FILE", help_heading = "Grants")]
    http_ca: Option<PathBuf>,
    /// Connections to such servers that each tenant may have at one time
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "128",
        help_heading = "Limits"
    )]
    max_http_connections: NonZeroU32,
}

impl HttpOptions {
    /// What components may send to other servers.
    ///
    /// # Errors
    ///
    /// Where they may send something, and there are no authorities to trust.
    pub fn grant(&self, tenants: &Tenants) -> Result<HttpGrant, HttpTrustError> {
        let of_default = tenants.default.allow_http.as_ref();
        let destinations = of_default.unwrap_or(&self.destinations).clone();
        let listed = tenants.by_id.iter();
        let listed = listed.filter_map(|(id, own)| Some((*id, own.allow_http.clone()?)));
        let tenants: BTreeMap<u64, Vec<Destination>> = listed.collect();
        let trust = match destinations.is_empty() && tenants.values().all(Vec::is_empty) {
            true => None,
            false => Some(HttpTrust::load(self.http_ca.as_deref())?),
        };
        let limits = self.limits(getrlimit(Resource::Nofile).current);
        Ok(HttpGrant {
            destinations,
            tenants,
            narrowed_to: None,
            trust,
            connections: Connections::new(limits),
        })
    }

    /// The limits of connections, where the process may have so many file descriptors.
    fn limits(&self, descriptors: Option<u64>) -> ConnectionLimits {
        let descriptors = descriptors.map_or(u32::MAX, |all| {
            u32::try_from(all / DESCRIPTORS).unwrap_or(u32::MAX)
        });
        let tenant = self.max_http_connections.get();
        ConnectionLimits {
            tenant,
            all: tenant.saturating_mul(TENANTS).min(descriptors),
            ..ConnectionLimits::default()
        }
    }
}
