//! The header `Forwarded` (RFC 7239), by which a proxy tells with which scheme its client
//! asked.
//!
//! Each proxy appends an element, so that the last element of the last header is the one
//! of the proxy that connects to this server. All others came from further away, and may
//! be a client's invention: they are not looked at.

use http::HeaderMap;
use http::header::FORWARDED;
use http::uri::Scheme;

/// The scheme that the nearest proxy names; `None` where it names none, or one that is
/// neither `http` nor `https`, or where its header can't be read.
pub(super) fn scheme(headers: &HeaderMap) -> Option<Scheme> {
    let nearest = headers.get_all(FORWARDED).iter().next_back()?;
    nearest_scheme(nearest.as_bytes())
}

/// The `proto` of the last element of a header's value.
fn nearest_scheme(value: &[u8]) -> Option<Scheme> {
    let mut proto = None;
    let mut rest = value;
    loop {
        let (pair, end, after) = pair(rest)?;
        if let Some((name, value)) = pair
            && name.eq_ignore_ascii_case(b"proto")
        {
            // No parameter may occur twice in an element.
            if proto.replace(value).is_some() {
                return None;
            }
        }
        rest = after;
        match end {
            Separator::Pair => {}
            Separator::Element => proto = None,
            Separator::Value => break,
        }
    }
    let proto = proto?;
    if proto.eq_ignore_ascii_case(b"https") {
        Some(Scheme::HTTPS)
    } else if proto.eq_ignore_ascii_case(b"http") {
        Some(Scheme::HTTP)
    } else {
        None
    }
}

/// What comes after a pair.
enum Separator {
    /// A semicolon: another pair.
    Pair,
    /// A comma: another element.
    Element,
    /// Nothing.
    Value,
}

/// A name and its value.
type Pair<'a> = (&'a [u8], &'a [u8]);

/// The first pair, what ends it, and what comes after that; `None` where it is malformed.
/// An empty pair is allowed, and is left out.
fn pair(bytes: &[u8]) -> Option<(Option<Pair<'_>>, Separator, &[u8])> {
    let bytes = bytes.trim_ascii_start();
    let name_length = bytes.iter().take_while(|byte| is_token(**byte)).count();
    let (name, rest) = bytes.split_at_checked(name_length)?;
    let (pair, rest) = match (name, rest) {
        ([], _) => (None, rest),
        (_, [b'=', b'"', quoted @ ..]) => {
            let mut escaped = false;
            let end = quoted.iter().position(|byte| {
                let ends = *byte == b'"' && !escaped;
                escaped = *byte == b'\\' && !escaped;
                ends
            })?;
            let (value, rest) = quoted.split_at_checked(end)?;
            // A scheme has nothing to escape: one with a backslash is none.
            (Some((name, value)), rest.get(1..)?)
        }
        (_, [b'=', value @ ..]) => {
            let length = value.iter().take_while(|byte| is_token(**byte)).count();
            let (value, rest) = value.split_at_checked(length)?;
            (Some((name, value)), rest)
        }
        _ => return None,
    };
    match rest.trim_ascii_start() {
        [b';', rest @ ..] => Some((pair, Separator::Pair, rest)),
        [b',', rest @ ..] => Some((pair, Separator::Element, rest)),
        [] => Some((pair, Separator::Value, &[])),
        _ => None,
    }
}

/// The characters of a token (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(FORWARDED, HeaderValue::from_bytes(value).unwrap());
        }
        scheme(&headers).map(|scheme| scheme.to_string())
    }

    #[test]
    fn the_last_element_counts() {
        for (values, scheme) in [
            (&[&b"proto=https"[..]] as &[&[u8]], Some("https")),
            (&[b"for=192.0.2.43; Proto=HTTP ;by=x"], Some("http")),
            (
                &[b"for=\"[2001:db8::1]:4711\";proto=\"https\""],
                Some("https"),
            ),
            (&[b"for=a;proto=http, for=b;proto=https"], Some("https")),
            (&[b"for=a;proto=https, for=b;proto=http"], Some("http")),
            (&[b"proto=https", b"proto=http"], Some("http")),
            (&[b"for=\"a, proto=http\";proto=https"], Some("https")),
            (&[b"for=\"a\\\", proto=http\";proto=https"], Some("https")),
            // The nearest proxy says nothing of it, whatever others say.
            (&[b"proto=https, for=b"], None),
            (&[b"proto=https", b"for=b"], None),
            (&[b"proto=https,"], None),
            (&[b"proto=https", b""], None),
            (&[], None),
        ] {
            assert_eq!(of(values).as_deref(), scheme, "{values:?}");
        }
    }

    #[test]
    fn what_can_not_be_read_says_nothing() {
        for value in [
            "proto",
            "proto https",
            "proto = https",
            "proto=https x",
            "proto=https;proto=http",
            "proto=ftp",
            "proto=",
            "proto=\"https",
            "for=\"a, proto=https",
            "proto=\"htt\\ps\"",
            "(proto=https)",
            "https",
        ] {
            assert_eq!(of(&[value.as_bytes()]), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn an_element_that_the_proxy_appends_counts_whatever_is_in_front(
            tokens in prop::collection::vec(("[a-z]{1,5}", "[a-z0-9.]{0,5}|\"[^\"\\\\\u{0}-\u{1f}\u{7f}]{0,8}\""), 0..5),
            secure in any::<bool>(),
        ) {
            let scheme = if secure { "https" } else { "http" };
            let others = tokens.iter().map(|(name, value)| format!("{name}={value}, "));
            let value = format!("{}for=x;proto={scheme}", others.collect::<String>());
            prop_assert_eq!(of(&[value.as_bytes()]), Some(scheme.to_owned()));
        }

        #[test]
        fn no_value_makes_it_panic(value in prop::collection::vec(any::<u8>(), 0..40)) {
            nearest_scheme(&value);
        }
    }
}
