//! What the HTTP front promises of TLS: who gets in, who is held to be whom, and
//! what happens when files change. The client is the TLS library over plain sockets.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tensor_wasm_runtime::server::{
    ClientCertificates, Drained, HandleError, Handler, Limits, RequestInfo, Server, Tls, TlsError,
    TlsFiles,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wasmtime_wasi_http::WasiBody;

/// Long enough that reaching it means a failure.
const NEVER: Duration = Duration::from_secs(30);

/// Says who asks. `/gate` waits until the test opens it, `/endless` never ends.
#[derive(Default)]
struct WhoAmI {
    gate: Notify,
    arrived: Notify,
    dropped: Arc<Notify>,
    calls: AtomicUsize,
}

struct OnDrop(Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Handler for WhoAmI {
    async fn handle(
        &self,
        request: Request<WasiBody>,
        info: RequestInfo,
    ) -> Result<Response<WasiBody>, HandleError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.arrived.notify_one();
        match request.uri().path() {
            "/gate" => self.gate.notified().await,
            "/endless" => {
                let on_drop = OnDrop(self.dropped.clone());
                let frame = Bytes::from(vec![b'x'; 64 << 10]);
                let frames = futures::stream::repeat_with(move || {
                    let _ = &on_drop;
                    Ok(http_body::Frame::data(frame.clone()))
                });
                return Ok(Response::new(StreamBody::new(frames).boxed_unsync()));
            }
            _ => {}
        }
        let who = info.certificate.as_deref().unwrap_or("nobody");
        let text = Full::new(Bytes::from(format!("you are {who}.")));
        Ok(Response::new(
            text.map_err(|never| match never {}).boxed_unsync(),
        ))
    }
}

/// Who issues certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: CertificateDer<'static>,
}

/// A certificate and its key.
struct Issued {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    fn issue(&self, name: &str) -> Issued {
        self.issue_with(name, |_| {})
    }

    /// For the address of the tests' servers, and for this name.
    fn issue_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued { certificate, key }
    }

    /// A client that trusts this authority.
    fn client(&self) -> Client {
        Client {
            trusted: self.der.clone(),
            certificate: None,
            protocols: vec!["http/1.1"],
            versions: rustls::ALL_VERSIONS,
        }
    }
}

/// A client to be.
#[derive(Clone)]
struct Client {
    trusted: CertificateDer<'static>,
    certificate: Option<Arc<Issued>>,
    protocols: Vec<&'static str>,
    versions: &'static [&'static SupportedProtocolVersion],
}

impl Client {
    fn showing(mut self, issued: Issued) -> Self {
        self.certificate = Some(Arc::new(issued));
        self
    }

    fn config(&self) -> Arc<ClientConfig> {
        let mut trusted = RootCertStore::empty();
        trusted.add(self.trusted.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(trusted);
        let mut config = match &self.certificate {
            None => config.with_no_client_auth(),
            Some(issued) => {
                let key = PrivatePkcs8KeyDer::from(issued.key.serialize_der());
                let chain = vec![issued.certificate.der().clone()];
                config
                    .with_client_auth_cert(chain, PrivateKeyDer::from(key))
                    .unwrap()
            }
        };
        config.alpn_protocols = self
            .protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        Arc::new(config)
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<Connection> {
        connect(self.config(), address).await
    }

    /// One exchange on a connection of its own.
    async fn ask(&self, address: SocketAddr) -> io::Result<String> {
        let mut connection = self.connect(address).await?;
        connection.send(&get("/")).await?;
        connection.rest().await
    }
}

struct Connection(TlsStream<TcpStream>);

async fn connect(config: Arc<ClientConfig>, address: SocketAddr) -> io::Result<Connection> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::IpAddress(address.ip().into());
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    Ok(Connection(stream))
}

impl Connection {
    async fn send(&mut self, text: &str) -> io::Result<()> {
        self.0.write_all(text.as_bytes()).await
    }

    /// Whatever comes until the server says that nothing more will come. That it
    /// hangs up without saying so is an error.
    async fn rest(&mut self) -> io::Result<String> {
        let mut bytes = Vec::new();
        let read = self.0.read_to_end(&mut bytes);
        tokio::time::timeout(NEVER, read)
            .await
            .expect("the server never closed")?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    /// Whatever comes until it holds `end`.
    async fn until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        while !String::from_utf8_lossy(&bytes).contains(end) {
            let byte = tokio::time::timeout(NEVER, self.0.read_u8()).await;
            bytes.push(byte.expect("nothing came").expect("the server closed"));
        }
        String::from_utf8(bytes).unwrap()
    }

    /// The certificate that the server showed.
    fn shown(&self) -> CertificateDer<'static> {
        let certificates = self.0.get_ref().1.peer_certificates().unwrap();
        certificates[0].clone().into_owned()
    }

    fn protocol(&self) -> Option<&[u8]> {
        self.0.get_ref().1.alpn_protocol()
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
}

fn get_and_stay(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")
}

/// A folder with a server's files.
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
        files.put(&files.authority.issue("server"));
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Puts a server's certificate in place.
    fn put(&self, issued: &Issued) {
        self.write("cert.pem", issued.certificate.pem());
        self.write("key.pem", issued.key.serialize_pem());
    }

    fn without_clients(&self) -> TlsFiles {
        TlsFiles {
            certificate: self.path("cert.pem"),
            key: self.path("key.pem"),
            client_ca: None,
            client_certificates: ClientCertificates::Required,
        }
    }

    /// With a file of this authority, for clients.
    fn with_clients(&self, clients: &Authority, asked: ClientCertificates) -> TlsFiles {
        self.write("clients.pem", &clients.pem);
        TlsFiles {
            client_ca: Some(self.path("clients.pem")),
            client_certificates: asked,
            ..self.without_clients()
        }
    }

    fn load(&self) -> Result<Tls, TlsError> {
        Tls::load(self.without_clients())
    }
}

struct Running {
    address: SocketAddr,
    handler: Arc<WhoAmI>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Drained>,
}

impl Running {
    async fn start(tls: Tls) -> Self {
        Self::start_with(tls, Limits::default()).await
    }

    async fn start_with(tls: Tls, limits: Limits) -> Self {
        let server = Server::bind(([127, 0, 0, 1], 0).into(), limits)
            .await
            .unwrap()
            .with_tls(tls);
        let address = server.address();
        let handler = Arc::new(WhoAmI::default());
        let (stop, stopped) = oneshot::channel();
        let stopped = async { drop(stopped.await) };
        let served = tokio::spawn(server.serve(handler.clone(), stopped, NEVER));
        Self {
            address,
            handler,
            stop,
            served,
        }
    }

    fn calls(&self) -> usize {
        self.handler.calls.load(Ordering::Relaxed)
    }
}

fn quick() -> Limits {
    Limits {
        head_timeout: Duration::from_millis(50),
        idle_timeout: Duration::from_millis(50),
        ..Limits::default()
    }
}

/// Reads a plain socket until the server hangs up.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Bytes that nobody read make a reset of it, which is an end as well.
    let _ = tokio::time::timeout(NEVER, stream.read_to_end(&mut bytes))
        .await
        .expect("the server never closed");
    bytes
}

/// The first message of a handshake, as this library would send it.
fn hello(authority: &Authority) -> Vec<u8> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = rustls::ClientConnection::new(authority.client().config(), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn a_client_that_agrees_on_http_1_speaks_it_and_so_does_one_that_agrees_on_nothing() {
    let files = Files::new();
    let server = Running::start(files.load().unwrap()).await;
    for protocols in [vec!["http/1.1"], vec![]] {
        let client = Client {
            protocols,
            ..files.authority.client()
        };
        let mut connection = client.connect(server.address).await.unwrap();
        for _ in 0..2 {
            connection.send(&get_and_stay("/")).await.unwrap();
            let answer = connection.until("nobody.").await;
            assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        }
    }
}

#[tokio::test]
async fn http_2_is_agreed_on_with_those_who_know_both() {
    let files = Files::new();
    let clients = Authority::new();
    let tls = files.with_clients(&clients, ClientCertificates::Required);
    let server = Running::start(Tls::load(tls).unwrap()).await;
    let client = Client {
        protocols: vec!["http/1.1", "h2"],
        ..files.authority.client().showing(clients.issue("alice"))
    };
    let connection = client.connect(server.address).await.unwrap();
    assert_eq!(connection.protocol(), Some(&b"h2"[..]));
    let io = hyper_util::rt::TokioIo::new(connection.0);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut send, http) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .unwrap();
    tokio::spawn(http);
    for _ in 0..2 {
        let request = Request::get(format!("https://{}/", server.address));
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let response = send.send_request(request).await.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_2);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "you are CN=alice.");
    }
}

#[tokio::test]
async fn both_current_versions_of_tls_are_spoken() {
    let files = Files::new();
    let server = Running::start(files.load().unwrap()).await;
    for version in rustls::ALL_VERSIONS {
        let client = Client {
            versions: std::slice::from_ref(version),
            ..files.authority.client()
        };
        let mut connection = client.connect(server.address).await.unwrap();
        let spoken = connection.0.get_ref().1.protocol_version();
        assert_eq!(spoken, Some(version.version));
        connection.send(&get("/")).await.unwrap();
        assert!(connection.rest().await.unwrap().ends_with("nobody."));
    }
}

#[tokio::test]
async fn the_subject_of_a_clients_certificate_reaches_the_handler_whether_required_or_not() {
    let files = Files::new();
    let clients = Authority::new();
    for asked in [ClientCertificates::Required, ClientCertificates::Optional] {
        let tls = Tls::load(files.with_clients(&clients, asked)).unwrap();
        let server = Running::start(tls).await;
        for version in rustls::ALL_VERSIONS {
            let alice = clients.issue_with("alice", |params| {
                let name = &mut params.distinguished_name;
                name.push(DnType::OrganizationName, "Example");
            });
            let client = Client {
                versions: std::slice::from_ref(version),
                ..files.authority.client().showing(alice)
            };
            let answer = client.ask(server.address).await.unwrap();
            assert!(answer.ends_with("you are O=Example,CN=alice."), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_gets_in_only_where_none_is_required() {
    let files = Files::new();
    let clients = Authority::new();
    let anonymous = files.authority.client();

    let tls = files.with_clients(&clients, ClientCertificates::Optional);
    let server = Running::start(Tls::load(tls).unwrap()).await;
    let answer = anonymous.ask(server.address).await.unwrap();
    assert!(answer.ends_with("you are nobody."), "{answer}");

    let tls = files.with_clients(&clients, ClientCertificates::Required);
    let server = Running::start(Tls::load(tls).unwrap()).await;
    for version in rustls::ALL_VERSIONS {
        let anonymous = Client {
            versions: std::slice::from_ref(version),
            ..anonymous.clone()
        };
        anonymous.ask(server.address).await.unwrap_err();
    }
    assert_eq!(server.calls(), 0);
    let alice = anonymous.showing(clients.issue("alice"));
    assert!(alice.ask(server.address).await.unwrap().ends_with("alice."));
}

#[tokio::test]
async fn a_certificate_of_a_strange_authority_or_of_the_past_gets_nobody_in() {
    let files = Files::new();
    let clients = Authority::new();
    for asked in [ClientCertificates::Required, ClientCertificates::Optional] {
        let tls = Tls::load(files.with_clients(&clients, asked)).unwrap();
        let server = Running::start(tls).await;
        let strange = Authority::new().issue("alice");
        let past = clients.issue_with("alice", |params| {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
        });
        for issued in [strange, past] {
            let client = files.authority.client().showing(issued);
            client.ask(server.address).await.unwrap_err();
        }
        assert_eq!(server.calls(), 0);
    }
}

#[tokio::test]
async fn a_certificate_means_nothing_where_no_authority_of_clients_is_known() {
    let files = Files::new();
    let server = Running::start(files.load().unwrap()).await;
    let client = files.authority.client();
    let client = client.showing(files.authority.issue("alice"));
    let answer = client.ask(server.address).await.unwrap();
    assert!(answer.ends_with("you are nobody."), "{answer}");
}

#[tokio::test]
async fn plain_http_is_closed_without_an_answer_and_the_server_lives_on() {
    let files = Files::new();
    let server = Running::start(files.load().unwrap()).await;
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(get("/").as_bytes()).await.unwrap();
    let answer = rest(&mut plain).await;
    // An alert of TLS at most: its type is 21.
    assert!(matches!(answer.first(), None | Some(21)), "{answer:?}");
    assert_eq!(server.calls(), 0);
    let answer = files.authority.client().ask(server.address).await.unwrap();
    assert!(answer.ends_with("nobody."), "{answer}");
}

#[tokio::test]
async fn garbage_in_place_of_a_handshake_is_closed_and_the_server_lives_on() {
    let files = Files::new();
    let server = Running::start(files.load().unwrap()).await;
    let hello = hello(&files.authority);
    let mut garbage = vec![
        vec![0; 64],
        vec![0xff; 64],
        // A record that is longer than records may be.
        vec![22, 3, 1, 0xff, 0xff],
        // A handshake message that never was, and an alert.
        vec![22, 3, 1, 0, 4, 99, 0, 0, 0],
        vec![21, 3, 1, 0, 2, 2, 40],
        // Data before there are keys.
        vec![23, 3, 3, 0, 1, 0],
        // A first message twice.
        [&hello[..], &hello[..]].concat(),
    ];
    // A first message with one byte of it changed, all along its length.
    for place in (0..hello.len()).step_by(7) {
        let mut changed = hello.clone();
        changed[place] ^= 0xa5;
        garbage.push(changed);
    }
    for bytes in garbage {
        let mut client = TcpStream::connect(server.address).await.unwrap();
        // It may hang up before it has read all.
        let _ = client.write_all(&bytes).await;
        let _ = client.shutdown().await;
        rest(&mut client).await;
    }
    assert_eq!(server.calls(), 0);
    let answer = files.authority.client().ask(server.address).await.unwrap();
    assert!(answer.ends_with("nobody."), "{answer}");
}

#[tokio::test]
async fn clients_that_never_end_their_handshake_hold_up_nobody() {
    let files = Files::new();
    let server = Running::start(files.load().unwrap()).await;
    let hello = hello(&files.authority);
    let mut held = Vec::new();
    for sent in [0, 1, 5, hello.len() / 2, hello.len() - 1, hello.len()] {
        for _ in 0..8 {
            let mut client = TcpStream::connect(server.address).await.unwrap();
            client.write_all(&hello[..sent]).await.unwrap();
            held.push(client);
        }
    }
    let answer = files.authority.client().ask(server.address).await.unwrap();
    assert!(answer.ends_with("nobody."), "{answer}");
    drop(held);
}

#[tokio::test]
async fn a_client_that_never_ends_its_handshake_is_disconnected() {
    let files = Files::new();
    let server = Running::start_with(files.load().unwrap(), quick()).await;
    let hello = hello(&files.authority);
    for sent in [0, 1, hello.len() / 2, hello.len()] {
        let mut client = TcpStream::connect(server.address).await.unwrap();
        client.write_all(&hello[..sent]).await.unwrap();
        rest(&mut client).await;
    }
    assert_eq!(server.calls(), 0);
}

#[tokio::test]
async fn a_client_that_shook_hands_and_never_asks_is_disconnected() {
    let files = Files::new();
    let server = Running::start_with(files.load().unwrap(), quick()).await;
    for sent in ["", "GET / HTTP/1.1\r\nhost:", "PRI * HT"] {
        let client = files.authority.client();
        let mut connection = client.connect(server.address).await.unwrap();
        connection.send(sent).await.unwrap();
        // However it closes: with an error for HTTP, with a word of TLS, or without.
        let answer = connection.rest().await.unwrap_or_default();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
            "{sent:?}: {answer}"
        );
    }
    assert_eq!(server.calls(), 0);
}

#[tokio::test]
async fn a_handshake_counts_as_a_connection() {
    let files = Files::new();
    let limits = Limits {
        connections: NonZeroU32::MIN,
        ..Limits::default()
    };
    let server = Running::start_with(files.load().unwrap(), limits).await;
    let half = TcpStream::connect(server.address).await.unwrap();
    let asking = {
        let (client, address) = (files.authority.client(), server.address);
        tokio::spawn(async move { client.ask(address).await })
    };
    // The second one's turn comes with the end of the first, and not before.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!asking.is_finished());
    drop(half);
    assert!(asking.await.unwrap().unwrap().ends_with("nobody."));
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_the_end_and_with_a_word() {
    let files = Files::new();
    let server = Running::start_with(files.load().unwrap(), quick()).await;
    let client = files.authority.client();
    let mut connection = client.connect(server.address).await.unwrap();
    connection.send(&get_and_stay("/")).await.unwrap();
    let answer = connection.rest().await.expect("it closes with a word");
    assert!(answer.ends_with("nobody."), "{answer}");
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_disconnected() {
    let files = Files::new();
    let server = Running::start_with(files.load().unwrap(), quick()).await;
    let client = files.authority.client();
    let mut connection = client.connect(server.address).await.unwrap();
    connection.send(&get("/endless")).await.unwrap();
    server.handler.arrived.notified().await;
    tokio::time::timeout(NEVER, server.handler.dropped.notified())
        .await
        .expect("the answer is held for ever");
}

#[tokio::test]
async fn draining_lets_a_running_request_end_and_closes_the_rest_at_once() {
    let files = Files::new();
    let server = Running::start(files.load().unwrap()).await;
    let client = files.authority.client();
    let mut idle = client.connect(server.address).await.unwrap();
    idle.send(&get_and_stay("/")).await.unwrap();
    idle.until("nobody.").await;
    server.handler.arrived.notified().await;
    let mut busy = client.connect(server.address).await.unwrap();
    busy.send(&get_and_stay("/gate")).await.unwrap();
    server.handler.arrived.notified().await;
    // One that is in the middle of its handshake: it has answered the first message.
    let mut half = TcpStream::connect(server.address).await.unwrap();
    half.write_all(&hello(&files.authority)).await.unwrap();
    half.read_u8().await.unwrap();

    server.stop.send(()).unwrap();
    assert_eq!(idle.rest().await.expect("it closes with a word"), "");
    rest(&mut half).await;
    server.handler.gate.notify_one();
    assert!(busy.rest().await.unwrap().ends_with("nobody."));
    assert_eq!(server.served.await.unwrap(), Drained { cut_off: 0 });
}

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
