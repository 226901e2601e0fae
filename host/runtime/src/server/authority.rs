//! The authority of a request's URI: a host, and a port where there is one (RFC 9112,
//! section 3.2; RFC 3986, sections 3.2.2 and 3.2.3).
//!
//! Stricter than the grammar in three places. There is no user information: RFC 9110,
//! section 4.2.4, forbids it. There is no percent-encoding and no comma in a name: no
//! resolver knows such names, and a comma is what an intermediary makes of two `Host`
//! headers. So what is accepted here is also accepted by every library that a guest may
//! give it to.

use std::net::{Ipv6Addr, SocketAddr};
use std::str;
use std::sync::OnceLock;

use http::uri::{Authority, Scheme};

/// Reads an authority; `None` where the text is none. A colon without a port is left out
/// (RFC 3986, section 6.2.3).
pub(super) fn parse(bytes: &[u8]) -> Option<Authority> {
    let text = str::from_utf8(bytes).ok()?;
    let (host, rest) = match text.strip_prefix('[') {
        Some(literal) => {
            let (address, rest) = literal.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (text.get(..address.len() + 2)?, rest)
        }
        None => {
            let end = text.find(':').unwrap_or(text.len());
            let (name, rest) = text.split_at(end);
            if name.is_empty() || !name.bytes().all(is_in_a_name) {
                return None;
            }
            (name, rest)
        }
    };
    let port = match rest {
        "" => "",
        _ => rest.strip_prefix(':')?,
    };
    if port.is_empty() {
        return Authority::try_from(host).ok();
    }
    // `u16` also reads a sign.
    if !port.bytes().all(|byte| byte.is_ascii_digit()) || port.parse::<u16>().is_err() {
        return None;
    }
    Authority::try_from(text).ok()
}

/// The authority that the first request of a connection names. Most clients name the same one
/// in all of them, so that it is read once.
#[derive(Default)]
pub(super) struct FirstAuthority(OnceLock<Authority>);

impl FirstAuthority {
    /// As [`parse`].
    pub(super) fn parse(&self, bytes: &[u8]) -> Option<Authority> {
        if let Some(first) = self.0.get()
            && first.as_str().as_bytes() == bytes
        {
            return Some(first.clone());
        }
        let authority = parse(bytes)?;
        // Another request may have been the first.
        let _ = self.0.set(authority.clone());
        Some(authority)
    }
}

/// The characters of a registered name, and so of an IPv4 address: `unreserved`, and
/// `sub-delims` without the comma.
fn is_in_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+;=".contains(&byte)
}

/// The authority of an address of this machine.
pub(super) fn of(address: SocketAddr) -> Authority {
    // An address is always one, but for the zone of an IPv6 address.
    let address = SocketAddr::new(address.ip(), address.port());
    parse(address.to_string().as_bytes()).unwrap_or(Authority::from_static("localhost"))
}

/// Whether both name the same server. Where one names no port, it is the scheme's.
pub(super) fn are_the_same(scheme: &Scheme, one: &Authority, other: &Authority) -> bool {
    let standard = if *scheme == Scheme::HTTPS { 443 } else { 80 };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(standard);
    one.host().eq_ignore_ascii_case(other.host()) && port(one) == port(other)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use http::Uri;
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Option<String> {
        parse(text.as_bytes()).map(|authority| authority.to_string())
    }

    #[test]
    fn a_host_and_a_port_are_an_authority() {
        for text in [
            "a",
            "example.com",
            "EXAMPLE.com:8080",
            "example.com.",
            "my_service:0",
            "127.0.0.1:65535",
            "[::1]",
            "[::ffff:192.0.2.1]:443",
            "xn--bcher-kva.example",
        ] {
            assert_eq!(parsed(text).as_deref(), Some(text));
        }
        assert_eq!(parsed("example.com:").as_deref(), Some("example.com"));
        assert_eq!(parsed("[::1]:").as_deref(), Some("[::1]"));
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            ":",
            ":80",
            " a",
            "a ",
            "a b",
            "a, b",
            "a,b",
            "user@a",
            "user:secret@a",
            "a:-1",
            "a:+1",
            "a:80:80",
            "a:x",
            "a:65536",
            "a:99999999999999999999",
            "::1",
            "[::1",
            "[]",
            "[a]",
            "[::1]x",
            "[fe80::1%25eth0]",
            "[v1.a]",
            "a/b",
            "a?b",
            "a#b",
            "http://a",
            "a\\b",
            "%61",
            "b\u{fc}cher",
            "a\"",
            "<a>",
        ] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
        assert!(parse(b"a\xff").is_none());
        assert!(parse(b"a\0").is_none());
    }

    #[test]
    fn each_request_of_a_connection_has_the_authority_that_it_names() {
        let first = FirstAuthority::default();
        for text in ["a:1", "a:1", "a:", "b", "a:1", "@", ""] {
            let authority = first.parse(text.as_bytes());
            assert_eq!(authority, parse(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn an_address_of_this_machine_is_an_authority() {
        for (address, text) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[::1]:80", "[::1]:80"),
            ("[fe80::1%2]:80", "[fe80::1]:80"),
        ] {
            assert_eq!(of(address.parse().unwrap()).as_str(), text);
        }
    }

    #[test]
    fn a_port_that_is_left_out_is_the_schemes() {
        let same = |scheme: &Scheme, one: &str, other: &str| {
            let parse = |text: &str| parse(text.as_bytes()).unwrap();
            are_the_same(scheme, &parse(one), &parse(other))
        };
        assert!(same(&Scheme::HTTP, "a", "A:80"));
        assert!(same(&Scheme::HTTPS, "a:443", "a"));
        assert!(!same(&Scheme::HTTPS, "a:80", "a"));
        assert!(!same(&Scheme::HTTP, "a", "b"));
    }

    /// Bytes as an attacker would choose them: mostly those that have a meaning here.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            6 => prop::sample::select(b"a0Z.-:[]@,%/?# \t_~*\\\"".to_vec()),
            1 => any::<u8>(),
        ];
        prop::collection::vec(byte, 0..24)
    }

    proptest! {
        #[test]
        fn what_is_accepted_makes_a_uri_with_just_this_host_and_port(bytes in bytes()) {
            if let Some(authority) = parse(&bytes) {
                let uri: Uri = format!("http://{authority}/").parse().unwrap();
                prop_assert_eq!(uri.host(), Some(authority.host()));
                prop_assert_eq!(uri.port_u16(), authority.port_u16());
                prop_assert_eq!(uri.path(), "/");
                prop_assert!(!authority.as_str().contains(['@', ',', ' ', '%']));
                // The text is the one that came, but for a colon without a port.
                let text = str::from_utf8(&bytes).unwrap();
                prop_assert_eq!(text.strip_suffix(':').unwrap_or(text), authority.as_str());
                // A client that takes it apart again comes to the same.
                prop_assert_eq!(parse(authority.as_str().as_bytes()), Some(authority));
            }
        }

        #[test]
        fn a_name_with_any_port_is_an_authority(
            name in "[a-zA-Z0-9][a-zA-Z0-9.-]{0,20}",
            port in any::<u16>(),
        ) {
            let text = format!("{name}:{port}");
            prop_assert_eq!(parse(text.as_bytes()).unwrap().port_u16(), Some(port));
        }
    }
}
