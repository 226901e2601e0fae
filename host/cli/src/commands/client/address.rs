//! The address of a node, as whoever calls it writes it: a URL, or a Unix socket.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use http::Uri;
use thiserror::Error;

/// What stands before the path of a Unix socket.
const UNIX: &str = "unix:";

/// Where a node listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeAddress {
    /// How the node is reached.
    pub transport: Transport,
    /// The header `Host` of requests to it.
    pub host_header: String,
    /// What comes before the path of each request; it doesn't end with `/`.
    pub base_path: String,
    text: String,
}

/// What carries HTTP to the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp {
        /// A name, or an IP address without brackets.
        host: String,
        port: u16,
    },
    /// TLS over TCP.
    Tls { host: String, port: u16 },
    /// A Unix socket.
    Unix(PathBuf),
}

/// Text that is no address of a node.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("it {0}: write http://HOST:PORT, https://HOST:PORT or unix:PATH")]
pub struct BadAddress(&'static str);

impl FromStr for NodeAddress {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        if let Some(path) = text.strip_prefix(UNIX) {
            if path.is_empty() {
                return Err(BadAddress("names no socket"));
            }
            return Ok(Self {
                transport: Transport::Unix(path.into()),
                host_header: "localhost".to_owned(),
                base_path: String::new(),
                text: text.to_owned(),
            });
        }
        let uri: Uri = text.parse().map_err(|_| BadAddress("is no URL"))?;
        let authority = uri.authority().ok_or(BadAddress("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(BadAddress(
                "has a user or password, which a node doesn't know",
            ));
        }
        if uri.query().is_some() {
            return Err(BadAddress("has a query"));
        }
        let host = authority.host().trim_start_matches('[');
        let host = host.trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(BadAddress("names no host"));
        }
        let port = uri.port_u16();
        if port.is_none() && authority.as_str() != authority.host() {
            return Err(BadAddress("has no port after its colon"));
        }
        let transport = match uri.scheme_str() {
            Some("http") => Transport::Tcp {
                host,
                port: port.unwrap_or(80),
            },
            Some("https") => Transport::Tls {
                host,
                port: port.unwrap_or(443),
            },
            _ => return Err(BadAddress("has neither http:// nor https:// in front")),
        };
        Ok(Self {
            transport,
            host_header: authority.to_string(),
            base_path: uri.path().trim_end_matches('/').to_owned(),
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn parse(text: &str) -> NodeAddress {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_a_url_or_a_unix_socket() {
        let plain = parse("http://127.0.0.1:8080");
        let tcp = |host: &str, port| Transport::Tcp {
            host: host.to_owned(),
            port,
        };
        assert_eq!(plain.transport, tcp("127.0.0.1", 8080));
        assert_eq!(plain.host_header, "127.0.0.1:8080");
        assert_eq!(plain.base_path, "");
        let ipv6 = parse("http://[::1]:1/");
        assert_eq!(ipv6.transport, tcp("::1", 1));
        assert_eq!(ipv6.host_header, "[::1]:1");
        let tls = parse("https://node.example/wasm/");
        let host = "node.example".to_owned();
        assert_eq!(tls.transport, Transport::Tls { host, port: 443 });
        assert_eq!(tls.base_path, "/wasm");
        let unix = parse("unix:/run/node.sock");
        assert_eq!(unix.transport, Transport::Unix("/run/node.sock".into()));
        assert_eq!(unix.to_string(), "unix:/run/node.sock");
    }

    #[test]
    fn other_text_is_refused_with_the_forms_that_are_accepted() {
        for wrong in [
            "",
            "unix:",
            "127.0.0.1:8080",
            "node",
            "/functions",
            "ftp://node",
            "http://",
            "http://node:",
            "http://node:x",
            "http://node:99999",
            "http://user:secret@node",
            "http://node/?a=b",
        ] {
            let error = wrong.parse::<NodeAddress>().expect_err(wrong).to_string();
            assert!(error.contains("http://HOST:PORT"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
