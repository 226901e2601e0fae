//! What an operator sets: the servers that a guest may send requests to, how they are
//! verified, and how many connections there may be.

use super::connections::Connections;
use super::trust::HttpTrust;
use http::uri::{Authority, Scheme};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// What an operator grants an application of HTTP requests to other servers.
///
/// A name leads to no address of this machine, of its link, or of a cloud's metadata, whatever DNS
/// says: a destination has to name such an address itself, or `localhost`.
#[derive(Clone, Debug, Default)]
pub struct HttpGrant {
    /// The servers that it may send requests to.
    pub destinations: Vec<Destination>,
    /// The same for requests of these tenants, in place of `destinations`.
    pub tenants: BTreeMap<u64, Vec<Destination>>,
    /// Of all these, only those that are named here too. `None` for all of them.
    pub narrowed_to: Option<Vec<Destination>>,
    /// How servers are verified by TLS. Without it requests to `https` URLs fail with
    /// `configuration-error`.
    pub trust: Option<HttpTrust>,
    /// The connections that it may have.
    pub connections: Connections,
}

impl HttpGrant {
    /// The servers that a tenant may send requests to, before they are narrowed.
    pub fn of_tenant(&self, tenant: u64) -> &[Destination] {
        self.tenants.get(&tenant).unwrap_or(&self.destinations)
    }

    /// The grant of a component that serves one tenant alone, and asks for no other servers than
    /// these, if it says which.
    #[must_use]
    pub fn for_tenant(&self, tenant: u64, narrowed_to: Option<Vec<Destination>>) -> HttpGrant {
        HttpGrant {
            destinations: self.of_tenant(tenant).to_vec(),
            tenants: BTreeMap::new(),
            narrowed_to,
            trust: self.trust.clone(),
            connections: self.connections.clone(),
        }
    }
}

/// The servers that requests may go to.
#[derive(Debug)]
pub(super) struct Allowed {
    destinations: Vec<Destination>,
    tenants: BTreeMap<u64, Vec<Destination>>,
    narrowed_to: Option<Vec<Destination>>,
}

impl Allowed {
    pub(super) fn of(grant: HttpGrant) -> Allowed {
        Allowed {
            destinations: grant.destinations,
            tenants: grant.tenants,
            narrowed_to: grant.narrowed_to,
        }
    }

    /// Whether a request of this tenant may go to this authority. Of nobody's requests, which a
    /// policy sends before it has decided, as of those of a tenant that is not listed.
    pub(super) fn allows(
        &self,
        tenant: Option<u64>,
        scheme: &Scheme,
        authority: &Authority,
    ) -> bool {
        let of_tenant = tenant.and_then(|tenant| self.tenants.get(&tenant));
        let granted = of_tenant.unwrap_or(&self.destinations);
        let names = |list: &[Destination]| list.iter().any(|one| one.matches(scheme, authority));
        names(granted) && self.narrowed_to.as_deref().is_none_or(names)
    }

    /// Whether any request may go anywhere.
    pub(super) fn is_any(&self) -> bool {
        let mut granted = self.tenants.values().chain([&self.destinations]);
        let narrowed = self.narrowed_to.as_ref();
        granted.any(|list| !list.is_empty()) && narrowed.is_none_or(|list| !list.is_empty())
    }
}

/// A server that a guest may send requests to: a host by name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    host: String,
    port: Option<u16>,
}

impl Destination {
    /// Whether a request to this authority goes to this destination. Where one of the two
    /// names no port, it is the scheme's.
    pub(super) fn matches(&self, scheme: &Scheme, authority: &Authority) -> bool {
        let standard = if *scheme == Scheme::HTTPS { 443 } else { 80 };
        self.host.eq_ignore_ascii_case(authority.host())
            && self.port.unwrap_or(standard) == authority.port_u16().unwrap_or(standard)
    }

    /// Whether some request goes to both: without a port a destination has that of the scheme.
    pub fn overlaps(&self, other: &Destination) -> bool {
        let is_standard = |port| matches!(port, 80 | 443);
        self.host.eq_ignore_ascii_case(&other.host)
            && match (self.port, other.port) {
                (Some(one), Some(two)) => one == two,
                (Some(one), None) | (None, Some(one)) => is_standard(one),
                (None, None) => true,
            }
    }
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Destination, String> {
        let help = || {
            format!(
                "`{text}` is not a server: write HOST or HOST:PORT, for example api.example:8443"
            )
        };
        let authority = Authority::from_str(text).map_err(|_| help())?;
        // The library accepts an empty or too large port, and a user's name.
        let port = authority.port_u16();
        let written = match port {
            Some(port) => format!("{}:{port}", authority.host()),
            None => authority.host().to_owned(),
        };
        let host = authority.host();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if host.is_empty() || !host.chars().all(plain) || written != text {
            return Err(help());
        }
        Ok(Destination {
            host: authority.host().to_owned(),
            port,
        })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn allows(destination: &str, scheme: Scheme, authority: &str) -> bool {
        let destination: Destination = destination.parse().unwrap();
        destination.matches(&scheme, &authority.parse().unwrap())
    }

    #[test]
    fn a_request_goes_only_to_the_server_and_port_that_were_named() {
        assert!(allows("api.example", Scheme::HTTPS, "api.example"));
        assert!(allows("api.example", Scheme::HTTPS, "API.example:443"));
        assert!(allows("api.example", Scheme::HTTP, "api.example:80"));
        assert!(allows("127.0.0.1:9000", Scheme::HTTP, "127.0.0.1:9000"));
        assert!(allows("[::1]:9000", Scheme::HTTP, "[::1]:9000"));
        assert!(!allows("api.example", Scheme::HTTPS, "api.example:8443"));
        assert!(!allows("api.example:443", Scheme::HTTP, "api.example"));
        assert!(!allows("api.example", Scheme::HTTPS, "api.example.evil"));
        assert!(!allows("api.example", Scheme::HTTPS, "api.example@evil"));
    }

    fn servers(names: &[&str]) -> Vec<Destination> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn a_tenant_that_is_listed_has_its_own_servers_and_a_narrower_list_takes_some_away() {
        let mut grant = HttpGrant {
            destinations: servers(&["a.example", "b.example"]),
            tenants: BTreeMap::from([(7, servers(&["c.example"])), (8, Vec::new())]),
            ..HttpGrant::default()
        };
        let allows = |grant: &HttpGrant, tenant, authority: &str| {
            let authority = authority.parse().unwrap();
            Allowed::of(grant.clone()).allows(tenant, &Scheme::HTTPS, &authority)
        };
        assert!(allows(&grant, Some(1), "a.example") && allows(&grant, None, "a.example"));
        assert!(allows(&grant, Some(7), "c.example") && !allows(&grant, Some(7), "a.example"));
        assert!(!allows(&grant, Some(8), "a.example") && !allows(&grant, Some(8), "c.example"));
        grant.narrowed_to = Some(servers(&["b.example:443", "x.example"]));
        assert!(allows(&grant, Some(1), "b.example") && !allows(&grant, Some(1), "a.example"));
        assert!(!allows(&grant, Some(1), "x.example") && !allows(&grant, Some(7), "c.example"));
        let nothing = grant.for_tenant(1, Some(Vec::new()));
        assert!(!Allowed::of(nothing).is_any() && Allowed::of(grant.clone()).is_any());
        assert!(!Allowed::of(grant.for_tenant(8, None)).is_any());
    }

    #[test]
    fn destinations_overlap_where_some_request_goes_to_both() {
        let overlap = |one: &str, two: &str| {
            let [one, two] = [one, two].map(|text| text.parse::<Destination>().unwrap());
            assert_eq!(one.overlaps(&two), two.overlaps(&one));
            one.overlaps(&two)
        };
        assert!(overlap("a", "A") && overlap("a:443", "a") && overlap("a:80", "a"));
        assert!(overlap("a:8443", "a:8443"));
        assert!(!overlap("a:8443", "a") && !overlap("a:443", "a:80") && !overlap("a", "b"));
    }

    #[test]
    fn text_that_is_not_a_server_is_refused_with_an_example() {
        for text in [
            "", ":80", "a b", "a:", "a:70000", "user@a", "http://a", "a/b", "*",
        ] {
            let error = text.parse::<Destination>().unwrap_err();
            assert!(error.contains("HOST:PORT"), "{error}");
        }
    }
}
