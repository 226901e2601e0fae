//! Files: what is wrong with them, and what happens when they change.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

use rcgen::date_time_ymd;
use tensor_wasm_runtime::server::{ClientCertificates, Tls, TlsError, TlsFiles};

use super::authority::{Authority, Files};
use super::client::{Client, connect, get, get_and_stay};
use super::server::Running;

#[tokio::test]
async fn a_reload_gives_new_connections_the_new_certificate_and_leaves_open_ones_alone() {
    let files = Files::new();
    let (old, new) = (files.authority.issue("old"), files.authority.issue("new"));
    files.put(&old);
    let tls = files.load().unwrap();
    let server = Running::start(tls.clone()).await;
    let client = files.authority.client();
    let mut open = client.connect(server.address).await.unwrap();
    open.send(&get_and_stay("/gate")).await.unwrap();
    server.handler.arrived.notified().await;

    files.put(&new);
    tls.reload().unwrap();
    let next = client.connect(server.address).await.unwrap();
    assert_eq!(next.shown(), *new.certificate.der());
    server.handler.gate.notify_one();
    open.until("nobody.").await;
    open.send(&get("/")).await.unwrap();
    assert!(open.rest().await.unwrap().ends_with("nobody."));
    assert_eq!(open.shown(), *old.certificate.der());
}

#[tokio::test]
async fn a_reload_of_files_that_do_not_work_keeps_the_ones_that_did() {
    let files = Files::new();
    let old = files.authority.issue("old");
    files.put(&old);
    let tls = files.load().unwrap();
    let server = Running::start(tls.clone()).await;
    let client = files.authority.client();
    let other = files.authority.issue("other");
    let break_it: [(&str, &dyn Fn()); 4] = [
        ("cert.pem", &|| files.write("cert.pem", "nothing")),
        ("key.pem", &|| files.write("key.pem", "nothing")),
        ("key.pem", &|| {
            files.write("key.pem", other.key.serialize_pem())
        }),
        ("cert.pem", &|| {
            fs::remove_file(files.path("cert.pem")).unwrap()
        }),
    ];
    for (name, break_it) in break_it {
        files.put(&old);
        break_it();
        let error = tls.reload().unwrap_err().to_string();
        let path = files.path(name).display().to_string();
        assert!(error.contains(&path), "{error}");
        let connection = client.connect(server.address).await.unwrap();
        assert_eq!(connection.shown(), *old.certificate.der());
    }
    files.put(&other);
    tls.reload().unwrap();
    let connection = client.connect(server.address).await.unwrap();
    assert_eq!(connection.shown(), *other.certificate.der());
}

#[tokio::test]
async fn after_a_reload_nobody_comes_in_on_what_the_old_authority_vouched_for() {
    let files = Files::new();
    let (old, new) = (Authority::new(), Authority::new());
    let tls = Tls::load(files.with_clients(&old, ClientCertificates::Required)).unwrap();
    let server = Running::start(tls.clone()).await;
    for version in rustls::ALL_VERSIONS {
        files.write("clients.pem", &old.pem);
        tls.reload().unwrap();
        let client = Client {
            versions: std::slice::from_ref(version),
            ..files.authority.client().showing(old.issue("alice"))
        };
        // One configuration for all connections, so that it would resume its session.
        let config = client.config();
        let ask = async || {
            let mut connection = connect(config.clone(), server.address).await?;
            connection.send(&get("/")).await?;
            connection.rest().await
        };
        assert!(ask().await.unwrap().ends_with("alice."));
        files.write("clients.pem", &new.pem);
        tls.reload().unwrap();
        ask().await.unwrap_err();
    }
}

#[test]
fn each_mistake_in_a_file_is_an_error_that_names_it() {
    let files = Files::new();
    let server = files.authority.issue("server");
    let other = files.authority.issue("other");
    let (certificate, key) = (server.certificate.pem(), server.key.serialize_pem());
    let secret = key.lines().nth(1).unwrap().to_owned();
    let pem = |label: &str, body: &str| {
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    };
    let broken = pem("CERTIFICATE", "§§§§");
    let no_x509 = pem("CERTIFICATE", "AAAA");
    let no_key = pem("PRIVATE KEY", "AAAA");
    let encrypted = pem("ENCRYPTED PRIVATE KEY", "AAAA");
    let cases: [(&str, &str, &str, &str); 12] = [
        ("cert.pem", "", &key, "there is no certificate in"),
        ("cert.pem", "hello", &key, "there is no certificate in"),
        ("cert.pem", &key, &key, "there is no certificate in"),
        ("cert.pem", &broken, &key, "is broken"),
        ("cert.pem", &certificate[..200], &key, "is broken"),
        ("cert.pem", &no_x509, &key, "can't be used"),
        ("key.pem", &certificate, "", "there is no private key in"),
        (
            "key.pem",
            &certificate,
            &certificate,
            "there is no private key in",
        ),
        ("key.pem", &certificate, &encrypted, "openssl pkey"),
        ("key.pem", &certificate, &key[..100], "is broken"),
        ("key.pem", &certificate, &no_key, "can't be used"),
        (
            "key.pem",
            &other.certificate.pem(),
            &key,
            "does not belong to",
        ),
    ];
    for (name, certificate, key, text) in cases {
        files.write("cert.pem", certificate);
        files.write("key.pem", key);
        let error = files.load().unwrap_err();
        let message = error.to_string();
        let path = files.path(name).display().to_string();
        assert!(message.contains(&path), "{message}");
        assert!(message.contains(text), "{text}: {message}");
        assert!(!format!("{error:?}{message}").contains(&secret));
    }
    for name in ["cert.pem", "key.pem"] {
        files.put(&server);
        fs::remove_file(files.path(name)).unwrap();
        let message = files.load().unwrap_err().to_string();
        assert!(message.contains("can't read the"), "{message}");
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn each_mistake_in_the_file_of_clients_authorities_is_an_error_that_names_it() {
    let files = Files::new();
    let tls = files.with_clients(&Authority::new(), ClientCertificates::Optional);
    Tls::load(tls.clone()).unwrap();
    let no_x509 = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (text, expected) in [
        ("", "there is no certificate in"),
        (no_x509, "can't be used"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n", "is broken"),
    ] {
        files.write("clients.pem", text);
        let message = Tls::load(tls.clone()).unwrap_err().to_string();
        assert!(message.contains("clients.pem"), "{message}");
        assert!(message.contains(expected), "{message}");
    }
    fs::remove_file(files.path("clients.pem")).unwrap();
    let error = Tls::load(tls).unwrap_err();
    assert!(matches!(error, TlsError::Unreadable { .. }), "{error}");
}

#[test]
fn a_file_without_end_does_not_fill_the_memory() {
    let files = Files::new();
    let tls = TlsFiles {
        certificate: "/dev/zero".into(),
        ..files.without_clients()
    };
    let error = Tls::load(tls).unwrap_err();
    assert!(matches!(error, TlsError::Unreadable { .. }), "{error}");
}

/// What is logged while something runs.
fn logged(run: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, run);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_key_that_everybody_can_read_is_warned_of_and_used() {
    let files = Files::new();
    let quiet = logged(|| drop(files.load().unwrap()));
    assert_eq!(quiet, "");
    let key = files.path("key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let warned = logged(|| drop(files.load().unwrap()));
    for text in ["WARN", "everybody", "chmod 600", "key.pem"] {
        assert!(warned.contains(text), "{warned}");
    }
}

#[test]
fn a_certificate_that_is_not_valid_now_is_warned_of_and_used() {
    let files = Files::new();
    let spans = [
        (2000, 2001, "has expired", "2001-01-01"),
        (4000, 4001, "is not valid yet", "4000-01-01"),
    ];
    for (from, to, text, day) in spans {
        let issued = files.authority.issue_with("server", |params| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        });
        files.put(&issued);
        let warned = logged(|| drop(files.load().unwrap()));
        for text in ["WARN", text, day, "cert.pem"] {
            assert!(warned.contains(text), "{warned}");
        }
    }
}

#[test]
fn what_a_program_prints_of_its_tls_holds_no_key() {
    let files = Files::new();
    let printed = format!("{:?}", files.load().unwrap());
    assert!(printed.contains("key.pem"), "{printed}");
    assert!(printed.len() < 1000, "{printed}");
}
