//! The heads of requests: what is told to the component of them, and what is refused before
//! it; and the statuses that a component can't answer with.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use serde_json::Value;
use tensor_wasm_tests::{Serve, Server, SharedServer, component, eventually, guest, http2_request};

use super::{HELLO, REFLECT};

static REFLECT_0_3: SharedServer = SharedServer::new(|| Serve::new(guest("p3_reflect")));
static BEHIND_A_PROXY: SharedServer =
    SharedServer::new(|| Serve::new(guest("reflect")).arg("--trust-forwarded"));
static STATUS: SharedServer = SharedServer::new(|| Serve::new(guest("status_of_path")));

const TOKEN: &str = "twt_a-token-that-only-these-tests-know-000003";

/// A server on which a request that stalls keeps the place of all others.
fn one_place() -> Server {
    Serve::new(guest("reflect"))
        .args([
            "--max-concurrent-requests=1",
            "--request-timeout=1h",
            "--client-timeout=2s",
        ])
        .start()
}

/// What comes back for these bytes, up to the end of the connection.
fn exchange(server: &Server, bytes: impl AsRef<[u8]>) -> String {
    let mut client = server.raw();
    client.send(bytes);
    client.read_to_end()
}

/// The body of an answer with this status, which has to be JSON.
#[track_caller]
fn body(answer: &str, status: u16) -> Value {
    let start = format!("HTTP/1.1 {status} ");
    let start_1_0 = format!("HTTP/1.0 {status} ");
    assert!(
        answer.starts_with(&start) || answer.starts_with(&start_1_0),
        "{status}: {answer}"
    );
    let (_, body) = answer.split_once("\r\n\r\n").expect("a whole head");
    // It may have come as a chunk.
    let json = body.find('{').zip(body.rfind('}'));
    let json = json.map_or(body, |(start, end)| &body[start..=end]);
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// Asserts that the host has refused, in its envelope and under the id of its header.
#[track_caller]
fn assert_refused(answer: &str, status: u16, kind: &str) {
    let error = &body(answer, status)["error"];
    assert_eq!(error["kind"], kind, "{answer}");
    let id = error["request_id"].as_str().unwrap();
    assert!(!id.is_empty() && answer.contains(&format!("x-request-id: {id}\r\n")));
    assert!(answer.contains("content-type: application/json\r\n"));
    assert!(answer.contains("\r\ndate: "), "{answer}");
}

/// The scheme and the authority that the component saw.
fn seen(body: &Value) -> (&str, &str) {
    let text = |name: &str| body[name].as_str().unwrap_or("none");
    (text("scheme"), text("authority"))
}

#[test]
fn a_request_without_host_is_served_over_http_1_0_under_the_listeners_address() {
    for server in [REFLECT.get(), REFLECT_0_3.get()] {
        let address = server.address().to_string();
        let answer = exchange(&server, "GET /p HTTP/1.0\r\n\r\n");
        let body = body(&answer, 200);
        assert_eq!(seen(&body), ("Scheme::Http", &*address));
        assert_eq!(body["path"], "/p");
    }
}

#[test]
fn a_server_on_every_address_is_known_by_the_one_that_the_client_uses() {
    let server = Serve::at(guest("reflect"), "0.0.0.0:0").start();
    let address = format!("127.0.0.1:{}", server.address().port());
    let mut client = tensor_wasm_tests::Raw::connect(address.parse().unwrap());
    client.send("GET / HTTP/1.0\r\n\r\n");
    let body = body(&client.read_to_end(), 200);
    assert_eq!(seen(&body), ("Scheme::Http", &*address));
}

#[test]
fn authority_comes_from_the_target_or_from_host_for_both_worlds_and_versions() {
    for server in [REFLECT.get(), REFLECT_0_3.get()] {
        for (target, host, authority) in [
            ("/", "example.com:81", "example.com:81"),
            ("/", "[::1]", "[::1]"),
            ("/", "example.com:", "example.com"),
            ("http://target.example/", "host.example", "target.example"),
            ("https://target.example/", "host.example", "target.example"),
        ] {
            let answer = exchange(
                &server,
                format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"),
            );
            let body = body(&answer, 200);
            assert_eq!(seen(&body), ("Scheme::Http", authority), "{target} {host}");
            assert_eq!(body["path"], "/");
        }
        // Over HTTP/2 the client's scheme is as little a proof.
        for (scheme, pseudo) in [
            ("http", ":authority"),
            ("https", ":authority"),
            ("https", "host"),
        ] {
            let answer = http2_request(
                server.address(),
                &[
                    (":method", b"GET"),
                    (":scheme", scheme.as_bytes()),
                    (":path", b"/p?q"),
                    (pseudo, b"example.com"),
                ],
            );
            let body: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(seen(&body), ("Scheme::Http", "example.com"), "{answer:?}");
            assert_eq!(body["path"], "/p?q");
        }
    }
}

#[test]
fn the_scheme_comes_from_the_nearest_proxy_only_where_proxies_are_trusted() {
    for (header, trusted) in [
        ("for=192.0.2.1;proto=https", "Scheme::Https"),
        (
            "proto=http, for=\"[2001:db8::1]\";proto=https",
            "Scheme::Https",
        ),
        ("proto=https, proto=http", "Scheme::Http"),
        ("proto=https, for=192.0.2.1", "Scheme::Http"),
        ("proto=gopher", "Scheme::Http"),
        ("proto=\"https", "Scheme::Http"),
    ] {
        for (server, scheme) in [
            (BEHIND_A_PROXY.get(), trusted),
            (REFLECT.get(), "Scheme::Http"),
        ] {
            let request = server.request(Method::GET, "/").header("forwarded", header);
            let reply = server.send(request);
            let address = server.address().to_string();
            assert_eq!(seen(&reply.json()), (scheme, &*address), "{header}");
        }
    }
}

#[test]
fn a_head_that_names_no_server_or_several_is_a_400_at_once_and_holds_no_place() {
    let server = one_place();
    let one = |host: &[u8]| [&b"GET / HTTP/1.1\r\nhost: "[..], host, b"\r\n"].concat();
    let heads = [
        b"GET / HTTP/1.1\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n".to_vec(),
        one(b""),
        one(b"a b"),
        one(b"a, b"),
        one(b"user@a"),
        one(b"user:secret@a:80"),
        one(b"a:port"),
        one(b"a:65536"),
        one(b"a:-1"),
        one(b"[::1"),
        one(b"::1"),
        one(b"http://a"),
        one(b"a/b"),
        one(b"%41"),
        one(b"a\xc3\xa4"),
        one(b"\xff\xfe\x80"),
        b"GET / HTTP/1.0\r\nhost: \x80\r\n".to_vec(),
        b"GET http://user@a/ HTTP/1.1\r\nhost: a\r\n".to_vec(),
        b"GET http://a:70000/ HTTP/1.1\r\nhost: a\r\n".to_vec(),
        b"GET ftp://a/ HTTP/1.1\r\nhost: a\r\n".to_vec(),
        b"GET mailto:a HTTP/1.1\r\nhost: a\r\n".to_vec(),
        b"GET a HTTP/1.1\r\nhost: a\r\n".to_vec(),
        b"GET a:80 HTTP/1.1\r\nhost: a\r\n".to_vec(),
        b"GET * HTTP/1.1\r\nhost: a\r\n".to_vec(),
        b"CONNECT / HTTP/1.1\r\nhost: a\r\n".to_vec(),
        b"CONNECT a HTTP/1.1\r\nhost: a\r\n".to_vec(),
    ];
    for head in heads {
        let bytes = [&head[..], b"connection: close\r\n\r\n"].concat();
        let answer = exchange(&server, bytes);
        assert_refused(&answer, 400, "bad_request");
        assert_eq!(server.get("/").status, 200);
    }
    let options = "OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    assert_eq!(body(&exchange(&server, options), 200)["path"], "*");
    let log = server.log();
    assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");
}

#[test]
fn a_head_over_http_2_that_names_no_server_is_refused_or_reset_at_once() {
    let server = one_place();
    let get = |more: &[(&'static str, &'static [u8])]| {
        let mut fields: Vec<(&str, &[u8])> =
            vec![(":method", b"GET"), (":scheme", b"http"), (":path", b"/")];
        fields.extend(more);
        let answer = http2_request(server.address(), &fields);
        assert_eq!(server.get("/").status, 200, "{more:?}");
        answer
    };
    let refused: [&[(&str, &[u8])]; 6] = [
        &[],
        &[("host", b"\xff")],
        &[("host", b"a b")],
        &[("host", b"a"), ("host", b"b")],
        &[(":authority", b"a"), ("host", b"b")],
        &[(":authority", b"user@a")],
    ];
    for fields in refused {
        let answer = get(fields);
        assert!(
            answer.body.contains("\"bad_request\""),
            "{fields:?} {answer:?}"
        );
    }
    // Malformed for the library too (RFC 9113, section 8.1.1).
    let answer = get(&[(":authority", b"\xff")]);
    assert_eq!(answer.error, Some(1), "{answer:?}");
    assert!(
        get(&[(":authority", b"a")])
            .body
            .contains("\"authority\":\"a\"")
    );
}

#[test]
fn a_body_in_an_unknown_coding_is_refused() {
    let server = HELLO.get();
    let post = |coding: &str| {
        let head = "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n";
        exchange(&server, format!("{head}{coding}\r\n\r\n0\r\n\r\n"))
    };
    let unknown = [
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: gzip\r\ntransfer-encoding: chunked",
        "transfer-encoding: identity, chunked",
    ];
    for coding in unknown {
        assert_refused(&post(coding), 501, "unsupported_coding");
    }
    for coding in [
        "transfer-encoding: chunked, chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked, gzip",
        "transfer-encoding: gzip",
        "transfer-encoding: identity",
    ] {
        assert_refused(&post(coding), 400, "bad_request");
    }
    assert!(post("transfer-encoding: Chunked").ends_with("hello\n\r\n0\r\n\r\n"));
}

#[test]
fn what_is_no_http_gets_the_hosts_error_response() {
    let server = HELLO.get();
    let long = "x".repeat(100 << 10);
    let many = "x: y\r\n".repeat(101);
    for (bytes, status, kind) in [
        ("hello\r\n\r\n", 400, "bad_request"),
        ("GET / HTTP/9.9\r\n\r\n", 400, "bad_request"),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "bad_request"),
        ("GET / HTTP/1.1\r\nhost : a\r\n\r\n", 400, "bad_request"),
        (
            "GET /\u{7f} HTTP/1.1\r\nhost: a\r\n\r\n",
            400,
            "bad_request",
        ),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            400,
            "bad_request",
        ),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\r\n\r\n", 400, "bad_request"),
        (
            &format!("GET / HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n"),
            431,
            "head_too_large",
        ),
        (
            &format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n"),
            431,
            "head_too_large",
        ),
        (
            &format!("GET /{long} HTTP/1.1\r\nhost: a\r\n\r\n"),
            414,
            "target_too_long",
        ),
        (
            &format!(
                "GET /{} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
                &long[..40_000]
            ),
            414,
            "target_too_long",
        ),
    ] {
        let answer = exchange(&server, bytes);
        assert_refused(&answer, status, kind);
        // It is the only response, and the last one.
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
}

#[test]
fn a_head_that_is_no_http_is_refused_after_requests_that_were_answered() {
    let server = HELLO.get();
    let good = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    let answer = exchange(&server, format!("{good}{good}no\r\n\r\n"));
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    let last = answer.rfind("HTTP/1.1 ").unwrap();
    assert_refused(&answer[last..], 400, "bad_request");
}

#[test]
fn a_head_that_is_too_large_is_refused_over_http_2_as_well() {
    let server = HELLO.get();
    let get = |path: &str, header: usize| {
        let request = server.http2().get(server.url(path));
        server.send(request.header("x-big", "x".repeat(header)))
    };
    get("/", 66 << 10).assert_error(431, "head_too_large");
    get(&format!("/{}", "x".repeat(40 << 10)), 1).assert_error(414, "target_too_long");
    assert_eq!(
        get(&format!("/{}", "x".repeat(30 << 10)), 30 << 10).status,
        200
    );
}

#[test]
fn a_status_that_ends_no_exchange_is_an_error_of_the_host() {
    let server = STATUS.get();
    for status in [100, 101, 103, 199, 600, 999] {
        let reply = server.get(&format!("/{status}"));
        reply.assert_error(500, "invalid_status");
        let id = reply.header("x-request-id").unwrap();
        server.log_with(&[id, &format!("status={status}")]);
    }
    let http2 = server.http2().get(server.url("/101"));
    server.send(http2).assert_error(500, "invalid_status");
    for status in [200, 299, 300, 404, 599] {
        let reply = server.get(&format!("/{status}"));
        assert_eq!(
            (reply.status.as_u16(), reply.text().as_str()),
            (status, "status")
        );
    }
}

#[test]
fn a_component_makes_no_tunnel() {
    let server = STATUS.get();
    let connect = "CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\
                   connection: close\r\n\r\n";
    assert_refused(&exchange(&server, connect), 500, "invalid_status");
}

/// Bytes that a head may have or not, mostly such as have a meaning.
fn bytes(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        8 => prop::sample::select(b"aZ09.-_:/@?#%[]*,;=\" \t~".to_vec()),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..longest)
}

/// A head, some of it as it should be and some of it not.
fn head() -> impl Strategy<Value = Vec<u8>> {
    let part = |likely: &'static [&'static str], other: usize| {
        let likely = prop::sample::select(likely).prop_map(|text| text.as_bytes().to_vec());
        prop_oneof![3 => likely, 1 => bytes(other)]
    };
    let methods = &["GET", "OPTIONS", "CONNECT", "HEAD", "X", "get"];
    let targets = &[
        "/",
        "*",
        "/a?b",
        "http://a/",
        "http://a b/",
        "https://u@a:1/",
        "a:1",
        "",
    ];
    let versions = &["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/1.2"];
    let names = &[
        "host",
        "Host",
        "forwarded",
        "x-request-id",
        "te",
        "upgrade",
        "connection",
    ];
    let values = &[
        "a",
        "a:80",
        "a, b",
        "u@a",
        "[::1]",
        "",
        "h2c",
        "proto=https",
        "chunked",
    ];
    let headers = prop::collection::vec((part(names, 4), part(values, 12)), 0..5);
    (
        part(methods, 6),
        part(targets, 16),
        part(versions, 6),
        headers,
    )
        .prop_map(|(method, target, version, headers)| {
            let mut head = [&method[..], b" ", &target, b" ", &version].concat();
            for (name, value) in headers {
                head.extend([b"\r\n", &name[..], b": ", &value].concat());
            }
            head.extend(b"\r\nconnection: close\r\n\r\n");
            head
        })
}

/// Runs a property against one server.
fn check<S: Strategy>(strategy: S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(300));
    if let Err(error) = runner.run(&strategy, property) {
        panic!("{error}");
    }
}

#[test]
fn every_head_is_answered_or_ends_its_connection_and_holds_no_place() {
    let server = one_place();
    check(head(), |head| {
        let answer = exchange(&server, &head);
        if let Some(status) = answer.get(9..12) {
            prop_assert!(answer.starts_with("HTTP/1."), "{}", answer);
            let known = ["200", "400", "414", "431", "501"];
            // A component that answers a CONNECT with 200.
            let tunnel = head.starts_with(b"CONNECT ") && status == "500";
            prop_assert!(tunnel || known.contains(&status), "{}", answer);
            prop_assert!(answer.contains("\r\nx-request-id: "), "{}", answer);
        }
        // A response without content is there before the component has ended.
        eventually("a place", || (server.get("/").status == 200).then_some(()));
        Ok(())
    });
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

#[test]
fn no_header_of_a_stranger_makes_a_component_fail() {
    let server = Serve::new(guest("reflect"))
        .arg("--policy")
        .arg(component("policy"))
        .args([
            "--audit-log=none",
            "--request-timeout=1h",
            "--client-timeout=2s",
        ])
        .env("TENSOR_WASM_API_TOKENS", TOKEN)
        .start();
    let methods = prop::sample::select(vec!["GET", "POST", "OPTIONS", "X"]);
    let names = prop::sample::select(vec![
        "authorization",
        "x-tensorwasm-tenant",
        "origin",
        "access-control-request-method",
        "access-control-request-headers",
        "content-type",
        "cookie",
        "x-request-id",
    ]);
    let values = prop_oneof![
        2 => bytes(24),
        1 => Just(format!("Bearer {TOKEN}").into_bytes()),
        1 => bytes(24).prop_map(|token| [b"Bearer ", &token[..]].concat()),
        1 => Just(b"18446744073709551616".to_vec()),
    ];
    let headers = prop::collection::vec((names, values), 0..6);
    check((methods, headers), |(method, headers)| {
        let mut head = format!("{method} /p HTTP/1.1\r\nhost: a\r\n").into_bytes();
        for (name, value) in headers {
            head.extend([name.as_bytes(), b": ", &value, b"\r\n"].concat());
        }
        head.extend(b"connection: close\r\n\r\n");
        let answer = exchange(&server, &head);
        let status = answer.get(9..12).unwrap_or("none");
        let known = ["200", "204", "400", "401", "403"];
        prop_assert!(known.contains(&status), "{}", answer);
        Ok(())
    });
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}
