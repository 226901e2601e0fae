//! `serve` over TLS: HTTP/1.1 and HTTP/2, client certificates, and the mistakes of clients
//! and operators.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use reqwest::Version;
use tempfile::TempDir;
use tensor_wasm_tests::{Authority, Secure, Serve, Server, guest};

/// A server's certificate and key, and who issued them.
struct Files {
    folder: TempDir,
    authority: Authority,
}

impl Files {
    fn new() -> Self {
        let files = Self {
            folder: TempDir::new().unwrap(),
            authority: Authority::new(),
        };
        files
            .authority
            .issue("server")
            .write(files.path("cert.pem"), files.path("key.pem"));
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn serve(&self, name: &str) -> Serve {
        Serve::new(guest(name))
            .arg("--tls-cert")
            .arg(self.path("cert.pem"))
            .arg("--tls-key")
            .arg(self.path("key.pem"))
    }

    /// Where clients show certificates of this authority.
    fn serve_known(&self, name: &str, clients: &Authority) -> Serve {
        clients.write(self.path("clients.pem"));
        self.serve(name)
            .arg("--tls-client-ca")
            .arg(self.path("clients.pem"))
    }

    fn client(&self) -> Secure {
        Secure::trusting(&self.authority)
    }

    #[track_caller]
    fn assert_answers(&self, server: &Server) {
        let reply = self.client().get(server.address(), "/").unwrap();
        assert_eq!(reply.status, 200);
    }
}

#[test]
fn a_component_behind_tls_is_told_https() {
    let files = Files::new();
    for guest in ["reflect", "p3_reflect"] {
        let server = files.serve(guest).start();
        for client in [files.client(), files.client().http2()] {
            let seen = client.get(server.address(), "/").unwrap().json();
            assert_eq!(seen["scheme"], "Scheme::Https", "{guest}");
            assert_eq!(seen["authority"], server.address().to_string(), "{guest}");
        }
    }
}

#[test]
fn tls_serves_the_protocol_that_the_client_prefers() {
    let files = Files::new();
    let server = files.serve("echo").start();
    assert!(server.start().url.starts_with("https://"));
    let body: Vec<u8> = (0..1 << 20).map(|place| (place % 251) as u8).collect();
    for (client, version) in [
        (files.client(), Version::HTTP_11),
        (files.client().http2(), Version::HTTP_2),
    ] {
        let mut connection = client.connect(server.address()).unwrap();
        assert_eq!(connection.version(), version);
        for _ in 0..2 {
            let reply = connection.post("/", body.clone()).unwrap();
            assert_eq!(reply.status, 200);
            assert!(reply.body == body);
            assert!(reply.header("x-request-id").is_some());
        }
    }
}

#[test]
fn a_client_that_does_not_trust_the_certificate_fails_without_affecting_the_server() {
    let files = Files::new();
    let server = files.serve("hello").start();
    let client = Secure::trusting(&Authority::new());
    assert!(client.connect(server.address()).is_err());
    files.assert_answers(&server);
}

#[test]
fn plain_http_to_a_tls_port_gets_no_response_and_the_server_keeps_running() {
    let files = Files::new();
    let server = files.serve("hello").start();
    let mut plain = server.begin("/");
    let answer = plain.read_to_end();
    assert!(!answer.contains("HTTP"), "{answer}");
    files.assert_answers(&server);
}

#[test]
fn invalid_and_unfinished_handshakes_do_not_delay_other_clients() {
    let files = Files::new();
    let server = files.serve("hello").start();
    let mut held = Vec::new();
    for bytes in [
        &b""[..],
        b"\x16",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ] {
        for _ in 0..16 {
            let mut raw = server.raw();
            raw.send(bytes);
            held.push(raw);
        }
    }
    for garbage in [vec![0; 100], vec![0xff; 100], b"SSH-2.0-x\r\n".to_vec()] {
        let mut raw = server.raw();
        raw.send(garbage);
        raw.end();
        raw.read_to_end();
    }
    files.assert_answers(&server);
    drop(held);
    files.assert_answers(&server);
}

#[test]
fn a_required_client_certificate_must_be_present_and_trusted() {
    let files = Files::new();
    let clients = Authority::new();
    let server = files.serve_known("hello", &clients).start();
    let address = server.address();
    let strange = Authority::new().issue("alice");
    let known = clients.issue("alice");

    assert!(files.client().get(address, "/").is_err());
    let client = Secure::showing(&files.authority, &strange);
    assert!(client.get(address, "/").is_err());
    for client in [
        Secure::showing(&files.authority, &known),
        Secure::showing(&files.authority, &known).http2(),
    ] {
        assert_eq!(client.get(address, "/").unwrap().text(), "hello\n");
    }
}

#[test]
fn an_optional_client_certificate_may_be_missing_but_not_invalid() {
    let files = Files::new();
    let clients = Authority::new();
    let server = files
        .serve_known("hello", &clients)
        .args(["--tls-client-auth", "optional"])
        .start();
    let address = server.address();
    files.assert_answers(&server);
    let known = Secure::showing(&files.authority, &clients.issue("alice"));
    assert_eq!(known.get(address, "/").unwrap().status, 200);
    let strange = Secure::showing(&files.authority, &Authority::new().issue("alice"));
    assert!(strange.get(address, "/").is_err());
}

#[test]
fn draining_closes_tls_connections_and_ends_the_server() {
    let files = Files::new();
    let server = files.serve("hello").start();
    let mut held = Vec::new();
    for client in [files.client(), files.client().http2()] {
        let mut connection = client.connect(server.address()).unwrap();
        assert_eq!(connection.get("/").unwrap().status, 200);
        held.push(connection);
    }
    let half = server.raw();
    let output = server.stop();
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(output.stderr.contains("every request was answered"));
    drop((held, half));
}

#[test]
fn the_health_routes_are_served_without_tls() {
    let files = Files::new();
    let server = files.serve("hello").arg("--admin=127.0.0.1:0").start();
    assert_eq!(server.admin("/livez").status, 200);
    assert_eq!(server.admin("/readyz").status, 200);
}

#[test]
fn incomplete_tls_options_are_a_usage_error() {
    let files = Files::new();
    let cert = format!("--tls-cert={}", files.path("cert.pem").display());
    let key = format!("--tls-key={}", files.path("key.pem").display());
    let clients = format!("--tls-client-ca={}", files.path("cert.pem").display());
    let optional = "--tls-client-auth=optional".to_owned();
    for (arguments, missing) in [
        (vec![&cert], "--tls-key"),
        (vec![&key], "--tls-cert"),
        (vec![&clients], "--tls-cert"),
        (vec![&cert, &key, &optional], "--tls-client-ca"),
    ] {
        let output = Serve::new(guest("hello")).args(&arguments).refused();
        assert_eq!(output.code, Some(2), "{}", output.stderr);
        assert!(output.stderr.contains(missing), "{}", output.stderr);
    }
    let sometimes = "--tls-client-auth=sometimes".to_owned();
    let output = Serve::new(guest("hello"))
        .args([&cert, &key, &clients, &sometimes])
        .refused();
    assert_eq!(output.code, Some(2), "{}", output.stderr);
    for text in ["sometimes", "required", "optional"] {
        assert!(output.stderr.contains(text), "{}", output.stderr);
    }
}

#[test]
fn unusable_tls_files_are_reported_at_start() {
    let files = Files::new();
    let clients = Authority::new();
    files
        .authority
        .issue("other")
        .write(files.path("other-cert.pem"), files.path("other-key.pem"));
    let cases: [(&str, &dyn Fn(), &str); 5] = [
        (
            "cert.pem",
            &|| fs::remove_file(files.path("cert.pem")).unwrap(),
            "can't read the certificate",
        ),
        (
            "cert.pem",
            &|| fs::write(files.path("cert.pem"), "nothing").unwrap(),
            "there is no certificate in",
        ),
        (
            "key.pem",
            &|| fs::write(files.path("key.pem"), "nothing").unwrap(),
            "there is no private key in",
        ),
        (
            "key.pem",
            &|| fs::rename(files.path("other-key.pem"), files.path("key.pem")).unwrap(),
            "does not belong to the certificate",
        ),
        (
            "clients.pem",
            &|| fs::write(files.path("clients.pem"), "nothing").unwrap(),
            "there is no certificate in",
        ),
    ];
    for (name, break_it, text) in cases {
        let serve = files.serve_known("hello", &clients);
        let issued = files.authority.issue("server");
        issued.write(files.path("cert.pem"), files.path("key.pem"));
        break_it();
        let output = serve.refused();
        assert_eq!(output.code, Some(1), "{}", output.stderr);
        let path = files.path(name).display().to_string();
        for text in [text, &path] {
            assert!(output.stderr.contains(text), "{}", output.stderr);
        }
    }
}

#[test]
fn risky_tls_settings_are_warned_about() {
    let files = Files::new();
    let past = files.authority.issue_with("server", |params| {
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    });
    past.write(files.path("cert.pem"), files.path("key.pem"));
    fs::set_permissions(files.path("key.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    let server = files.serve("hello").start();
    server.log_with(&["expired", "cert.pem", "everybody", "key.pem"]);
    assert!(files.client().connect(server.address()).is_err());
}

#[test]
fn a_private_key_appears_in_no_log() {
    let files = Files::new();
    let issued = files.authority.issue("server");
    issued.write(files.path("cert.pem"), files.path("key.pem"));
    let server = files.serve("hello").args(["--log-level", "trace"]).start();
    files.assert_answers(&server);
    server.begin("/").read_to_end();
    let output = server.stop();
    let secrets = issued.secrets();
    assert!(!secrets.is_empty());
    for secret in secrets {
        assert!(!output.stderr.contains(&secret));
        assert!(!output.stdout.contains(&secret));
    }
}

/// What a component gets from a server on this machine that speaks TLS.
fn outgoing(neighbour: &Server, change: impl FnOnce(Serve) -> Serve) -> serde_json::Value {
    let address = neighbour.address();
    let serve = Serve::new(guest("outgoing")).arg(format!("--allow-http={address}"));
    let server = change(serve).start();
    server.get(&format!("/https/{address}")).json()
}

#[test]
fn a_component_s_requests_trust_the_authorities_that_the_operator_names() {
    let files = Files::new();
    let authority = files.path("authority.pem");
    files.authority.write(&authority);
    let authority = authority.to_str().unwrap();
    let neighbour = files.serve("hello").start();
    let added = outgoing(&neighbour, |serve| serve.args(["--http-ca", authority]));
    assert_eq!(added["status"], 200, "{added}");
    let named = outgoing(&neighbour, |serve| serve.env("SSL_CERT_FILE", authority));
    assert_eq!(named["status"], 200, "{named}");

    let others = files.path("others.pem");
    Authority::new().write(&others);
    let others = others.to_str().unwrap();
    let refused = outgoing(&neighbour, |serve| serve.env("SSL_CERT_FILE", others));
    let error = refused["error"].as_str().unwrap();
    assert!(error.contains("TlsCertificateError"), "{error}");

    let plain = Server::of(guest("hello"));
    let refused = outgoing(&plain, |serve| serve.args(["--http-ca", authority]));
    let error = refused["error"].as_str().unwrap();
    assert!(error.contains("TlsProtocolError"), "{error}");
}

#[test]
fn authorities_that_cannot_be_used_are_named_at_start() {
    let files = Files::new();
    let empty = files.path("empty.pem");
    fs::write(&empty, "nothing").unwrap();
    let empty = empty.to_str().unwrap();
    let serve = || Serve::new(guest("outgoing")).arg("--allow-http=127.0.0.1:1");
    for refused in [
        serve().args(["--http-ca", empty]),
        serve().args(["--http-ca", "/no/such/empty.pem"]),
        serve().env("SSL_CERT_FILE", empty),
    ] {
        let output = refused.refused();
        assert_eq!(output.code, Some(1));
        let named = output.stderr.contains("empty.pem") || output.stderr.contains("SSL_CERT_FILE");
        assert!(named, "{}", output.stderr);
    }
}
