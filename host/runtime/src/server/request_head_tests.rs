//! The heads that are completed, and those that are refused.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use http::{HeaderValue, Request};
use proptest::prelude::*;

use super::*;

fn origin() -> Origin {
    Origin {
        scheme: Scheme::HTTPS,
        authority: Authority::from_static("127.0.0.1:8443"),
        trusts_forwarded: false,
    }
}

/// The head of a request: method, target, version, and headers.
fn head(method: &str, target: &str, version: Version, headers: &[(&str, &[u8])]) -> Parts {
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .version(version);
    for (name, value) in headers {
        request = request.header(*name, HeaderValue::from_bytes(value).unwrap());
    }
    request.body(()).unwrap().into_parts().0
}

fn completed_by(origin: &Origin, mut head: Parts) -> Result<Uri, HandleError> {
    complete(
        &mut head,
        origin,
        &FirstAuthority::default(),
        &Limits::default(),
    )?;
    Ok(head.uri)
}

fn completed(head: Parts) -> Result<String, HandleError> {
    completed_by(&origin(), head).map(|uri| uri.to_string())
}

#[test]
fn a_uri_is_the_listeners_scheme_the_named_authority_and_the_path() {
    let host: &[(&str, &[u8])] = &[("host", b"a:80")];
    for (method, target, version, headers, uri) in [
        (
            "GET",
            "/p?q=1",
            Version::HTTP_11,
            host,
            "https://a:80/p?q=1",
        ),
        ("GET", "//b/p", Version::HTTP_11, host, "https://a:80//b/p"),
        ("GET", "http://b/p", Version::HTTP_11, host, "https://b/p"),
        ("GET", "http://b?q", Version::HTTP_11, host, "https://b/?q"),
        ("GET", "HTTP://b", Version::HTTP_11, host, "https://b/"),
        ("OPTIONS", "*", Version::HTTP_11, host, "https://a:80*"),
        ("CONNECT", "c:443", Version::HTTP_11, host, "c:443"),
        ("GET", "/", Version::HTTP_10, &[], "https://127.0.0.1:8443/"),
        ("GET", "/", Version::HTTP_10, host, "https://a:80/"),
        ("GET", "http://b/", Version::HTTP_10, &[], "https://b/"),
        ("GET", "http://b/", Version::HTTP_2, &[], "https://b/"),
        (
            "GET",
            "https://a/",
            Version::HTTP_2,
            &[("host", b"A:443")],
            "https://a/",
        ),
        ("GET", "/", Version::HTTP_2, host, "https://a:80/"),
    ] {
        let completed = completed(head(method, target, version, headers));
        assert_eq!(
            completed.as_deref(),
            Ok(uri),
            "{method} {target} {headers:?}"
        );
    }
}

#[test]
fn a_head_that_names_no_server_or_several_is_malformed() {
    for (method, target, version, headers) in [
        ("GET", "/", Version::HTTP_11, &[] as &[(&str, &[u8])]),
        ("GET", "http://b/", Version::HTTP_11, &[]),
        ("GET", "/", Version::HTTP_2, &[]),
        (
            "GET",
            "/",
            Version::HTTP_11,
            &[("host", b"a"), ("host", b"a")],
        ),
        ("GET", "http://b/", Version::HTTP_11, &[("host", b"a b")]),
        ("GET", "http://b/", Version::HTTP_2, &[("host", b"a")]),
        ("GET", "/", Version::HTTP_11, &[("host", b"a\xff")]),
        ("GET", "/", Version::HTTP_11, &[("host", b"")]),
        ("GET", "/", Version::HTTP_10, &[("host", b"")]),
        ("GET", "/", Version::HTTP_11, &[("host", b"a, b")]),
        ("GET", "/", Version::HTTP_11, &[("host", b"u@a")]),
        ("GET", "/", Version::HTTP_11, &[("host", b"a:70000")]),
        ("GET", "http://u@b/", Version::HTTP_11, &[("host", b"a")]),
        (
            "GET",
            "http://b:99999/",
            Version::HTTP_11,
            &[("host", b"a")],
        ),
        ("GET", "ftp://b/", Version::HTTP_11, &[("host", b"a")]),
        ("GET", "b", Version::HTTP_11, &[("host", b"a")]),
        ("GET", "b:80", Version::HTTP_11, &[("host", b"a")]),
        ("GET", "*", Version::HTTP_11, &[("host", b"a")]),
        ("CONNECT", "/", Version::HTTP_11, &[("host", b"a")]),
        ("CONNECT", "c", Version::HTTP_11, &[("host", b"a")]),
        (
            "CONNECT",
            "http://c:80/",
            Version::HTTP_11,
            &[("host", b"a")],
        ),
    ] {
        let outcome = completed(head(method, target, version, headers));
        assert!(
            matches!(outcome, Err(HandleError::BadRequest(_))),
            "{method} {target} {headers:?}: {outcome:?}"
        );
    }
}

#[test]
fn a_proxy_names_the_scheme_only_where_it_is_trusted() {
    let mut origin = Origin {
        scheme: Scheme::HTTP,
        ..origin()
    };
    let head = || {
        let headers: &[(&str, &[u8])] = &[("host", b"a"), ("forwarded", b"for=x;proto=https")];
        head("GET", "/", Version::HTTP_11, headers)
    };
    let scheme = |origin: &Origin| completed_by(origin, head()).unwrap().scheme().cloned();
    assert_eq!(scheme(&origin), Some(Scheme::HTTP));
    origin.trusts_forwarded = true;
    assert_eq!(scheme(&origin), Some(Scheme::HTTPS));
}

#[test]
fn a_body_may_be_chunked_and_nothing_else() {
    let outcome = |values: &[&[u8]]| {
        let mut headers: Vec<(&str, &[u8])> = vec![("host", b"a")];
        headers.extend(values.iter().map(|value| ("transfer-encoding", *value)));
        completed(head("POST", "/", Version::HTTP_11, &headers)).map(drop)
    };
    assert_eq!(outcome(&[b"chunked"]), Ok(()));
    assert_eq!(outcome(&[b"Chunked"]), Ok(()));
    for unknown in [
        &b"gzip, chunked"[..],
        b"identity",
        b"chunked;q=1",
        b"chunked,",
        b"\xff",
    ] {
        assert_eq!(outcome(&[unknown]), Err(HandleError::UnsupportedCoding));
    }
    assert_eq!(
        outcome(&[b"gzip", b"chunked"]),
        Err(HandleError::UnsupportedCoding)
    );
    for twice in [
        &[&b"chunked, chunked"[..]] as &[&[u8]],
        &[b"chunked", b"chunked"],
    ] {
        assert!(matches!(outcome(twice), Err(HandleError::BadRequest(_))));
    }
}

#[test]
fn target_and_head_have_a_limit() {
    let limits = Limits::default();
    let target = |bytes: u64| format!("/{}", "p".repeat(bytes as usize - 1));
    let get = |target: &str| head("GET", target, Version::HTTP_11, &[("host", b"a")]);
    let limit = target_bytes(&limits);
    assert!(completed(get(&target(limit))).is_ok());
    let too_long = completed(get(&target(limit + 1)));
    assert_eq!(too_long, Err(HandleError::TargetTooLong { limit }));

    let big = vec![b'x'; limits.head_bytes.get() as usize];
    let headers: &[(&str, &[u8])] = &[("host", b"a"), ("big", &big)];
    let too_large = completed(head("GET", "/", Version::HTTP_2, headers));
    let limit = u64::from(limits.head_bytes.get());
    assert_eq!(too_large, Err(HandleError::HeadTooLarge { limit }));
}

/// Text of the characters that have a meaning in a target or in a `Host`.
fn hostile(from: &'static str, longest: usize) -> impl Strategy<Value = String> {
    let characters: Vec<char> = from.chars().collect();
    prop::collection::vec(prop::sample::select(characters), 0..longest)
        .prop_map(|characters| characters.into_iter().collect())
}

proptest! {
    #[test]
    fn what_is_completed_is_a_uri_that_every_guest_can_read(
        method in prop::sample::select(vec!["GET", "OPTIONS", "CONNECT", "X"]),
        version in prop::sample::select(vec![Version::HTTP_10, Version::HTTP_11, Version::HTTP_2]),
        prefix in prop::sample::select(vec!["", "/", "*", "http://", "https://", "ftp://", "a:1"]),
        rest in hostile("ab/:.@?#%[]*,;=!80", 12),
        host in prop::option::of(hostile("ab/:.@?#%[]*,;= \u{fc}80", 8)),
    ) {
        let target = format!("{prefix}{rest}");
        prop_assume!(target.parse::<Uri>().is_ok());
        let value = host.as_ref().map(|host| host.as_bytes());
        let headers: Vec<(&str, &[u8])> = value.map(|value| ("host", value)).into_iter().collect();
        if let Ok(uri) = completed_by(&origin(), head(method, &target, version, &headers)) {
            let authority = uri.authority().unwrap();
            prop_assert!(!authority.host().is_empty());
            prop_assert!(!authority.as_str().contains(['@', ' ', ',', '%']));
            if method == "CONNECT" {
                prop_assert!(uri.scheme().is_none() && uri.port_u16().is_some());
            } else {
                prop_assert_eq!(uri.scheme(), Some(&Scheme::HTTPS));
                let path = uri.path_and_query().unwrap().as_str();
                prop_assert!(path == "*" || path.starts_with('/'), "{}", path);
                // A guest may write it out and read it again.
                if path != "*" {
                    prop_assert_eq!(&uri.to_string().parse::<Uri>().unwrap(), &uri);
                }
            }
        }
    }
}
