//! What an operator sets: the servers that a guest may send requests to, how they are
//! verified, and how many connections there may be.

use super::connections::ConnectionLimits;
use super::trust::HttpTrust;
use http::uri::{Authority, Scheme};
use std::fmt;
use std::str::FromStr;

/// What an operator grants an application of HTTP requests to other servers.
#[derive(Clone, Debug, Default)]
pub struct HttpGrant {
    /// The servers that it may send requests to.
    pub destinations: Vec<Destination>,
    /// How servers are verified by TLS. Without it requests to `https` URLs fail with
    /// `configuration-error`.
    pub trust: Option<HttpTrust>,
    /// How many connections it may have.
    pub connections: ConnectionLimits,
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
