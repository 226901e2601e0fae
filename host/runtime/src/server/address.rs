//! What a server listens on, as an operator writes it: an address and a port, a name of this
//! machine and a port, a port alone, or a Unix socket.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

/// What stands before the path of a Unix socket.
const UNIX: &str = "unix:";

/// What a server listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// An IP address and a port; port 0 takes a free one.
    Ip(SocketAddr),
    /// A name, which is looked up when the server starts, and a port.
    Name(String, u16),
    /// All addresses of this machine, and a port.
    All(u16),
    /// A Unix socket of this path.
    Unix(PathBuf),
}

/// Text that names nothing that a server could listen on.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "`{0}` is no address to listen on: write HOST:PORT, for example 127.0.0.1:8080, \
     :PORT for all addresses, or unix:PATH"
)]
pub struct NoAddress(String);

impl FromStr for ListenAddress {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let none = || NoAddress(text.to_owned());
        if let Some(path) = text.strip_prefix(UNIX) {
            return match path {
                "" => Err(none()),
                path => Ok(Self::Unix(PathBuf::from(path))),
            };
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(none)?;
        // The parser of numbers takes a sign.
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|_| digits).ok_or_else(none)?;
        match host {
            "" | "*" => Ok(Self::All(port)),
            host if is_name(host) => Ok(Self::Name(host.to_owned(), port)),
            _ => Err(none()),
        }
    }
}

/// Whether this is a name of a host (RFC 1123, 2.1). One of digits and dots alone would be a
/// broken address.
fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    text.len() <= 253
        && text.trim_end_matches('.').split('.').all(label)
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name(host, port) => write!(f, "{host}:{port}"),
            Self::All(port) => write!(f, ":{port}"),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

/// The addresses to try, of those that a name has: IPv4 first, which clients try that know
/// no name.
pub(super) fn in_order(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses: Vec<_> = addresses.collect();
    addresses.sort_by_key(|address| matches!(address.ip(), IpAddr::V6(_)));
    addresses
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn addresses_are_read_and_shown_in_the_same_words() {
        let parse = |text: &str| text.parse::<ListenAddress>().unwrap();
        let unix = ListenAddress::Unix("/run/x.sock".into());
        assert_eq!(parse("unix:/run/x.sock"), unix);
        assert_eq!(parse(":8080"), ListenAddress::All(8080));
        let name = ListenAddress::Name("localhost".to_owned(), 8080);
        assert_eq!(parse("localhost:8080"), name);
        for text in [
            "127.0.0.1:0",
            "[::1]:8080",
            "localhost:8080",
            "a-b.example:1",
            ":0",
            "unix:relative.sock",
        ] {
            assert_eq!(parse(text).to_string(), text);
        }
    }

    #[test]
    fn text_that_is_no_address_is_repeated_with_the_forms_that_there_are() {
        for text in [
            "",
            "nowhere",
            "localhost",
            "localhost:",
            "localhost:http",
            "localhost:+80",
            "localhost:70000",
            "256.0.0.1:80",
            "1.2.3:80",
            "::1:80",
            "[::1:80",
            "a b:80",
            "http://localhost:80",
            "localhost:80/",
            "user@host:80",
            "unix:",
            "a..b:80",
        ] {
            let error = text.parse::<ListenAddress>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")), "{error}");
            assert!(error.contains("unix:PATH"), "{error}");
        }
    }
}
