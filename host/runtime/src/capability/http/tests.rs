//! Requests to servers of this machine, over sockets and TLS as they are.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use http_body_util::{BodyExt, Empty};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig};
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// An authority, and the configuration of a server that it has certified as `localhost`.
fn certified() -> (RootCertStore, Arc<ServerConfig>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let params = CertificateParams::new(names).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (roots, Arc::new(config))
}

/// Answers one request with `well`.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    assert!(head.starts_with(b"GET /path HTTP/1.1\r\n"));
    let _ = stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwell\n")
        .await;
}

/// Starts a server that does this with each connection.
async fn server<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

async fn tls_server(config: Arc<ServerConfig>) -> SocketAddr {
    server(move |stream| {
        let acceptor = TlsAcceptor::from(config.clone());
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                answer(stream).await;
            }
        }
    })
    .await
}

/// What an instance may send to this server.
fn instance(
    address: SocketAddr,
    trust: Option<RootCertStore>,
    limits: ConnectionLimits,
) -> Outgoing {
    let grant = HttpGrant {
        destinations: ["localhost", "127.0.0.1", "127.1", "0"]
            .map(|host| format!("{host}:{}", address.port()).parse().unwrap())
            .into(),
        trust: trust.map(|roots| HttpTrust::of(roots).unwrap()),
        connections: Connections::new(limits),
        ..HttpGrant::default()
    };
    let http = Http::new(grant, HttpLimits::of_memory(1 << 20));
    Outgoing::new(http.shared, http.limits)
}

type Sent = Result<http::Response<WasiBody>, Error>;

async fn get(outgoing: &mut Outgoing, url: &str, options: RequestOptions) -> Sent {
    let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let request = http::Request::get(url).body(body).unwrap();
    let done = Box::new(std::future::ready(Ok(())));
    let sending = outgoing.send_request(request, Some(options), done);
    let (response, connection) = Pin::from(sending).await?;
    tokio::spawn(async move { drop(Pin::from(connection).await) });
    Ok(response)
}

async fn text(response: http::Response<WasiBody>) -> Vec<u8> {
    response
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes()
        .to_vec()
}

#[tokio::test]
async fn a_server_is_trusted_whose_authority_is_and_by_either_name() {
    let (roots, config) = certified();
    let address = tls_server(config).await;
    let mut outgoing = instance(address, Some(roots), ConnectionLimits::default());
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{}/path", address.port());
        let response = get(&mut outgoing, &url, RequestOptions::default()).await;
        assert_eq!(text(response.unwrap()).await, b"well\n");
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_an_error_of_its_own() {
    let (_, config) = certified();
    let (others, _) = certified();
    let address = tls_server(config).await;
    let url = format!("https://localhost:{}/path", address.port());
    let mut outgoing = instance(address, Some(others), ConnectionLimits::default());
    let error = get(&mut outgoing, &url, RequestOptions::default()).await;
    assert!(
        matches!(error, Err(Error::TlsCertificateError)),
        "{error:?}"
    );

    // A server that speaks no TLS has no certificate to complain of.
    let plain = server(answer_with_garbage).await;
    let url = format!("https://localhost:{}/path", plain.port());
    let (roots, _) = certified();
    let mut outgoing = instance(plain, Some(roots), ConnectionLimits::default());
    let error = get(&mut outgoing, &url, RequestOptions::default()).await;
    assert!(matches!(error, Err(Error::TlsProtocolError)), "{error:?}");
}

async fn answer_with_garbage(mut stream: TcpStream) {
    let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let _ = stream.read(&mut [0; 1024]).await;
}

async fn answer_in_part(mut stream: TcpStream) {
    // What is left unread when it is closed would reset the connection.
    let _ = stream.read(&mut [0; 1024]).await;
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-le").await;
}

#[tokio::test]
async fn what_fails_is_told_by_its_code_and_costs_no_line_of_the_log() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut outgoing = instance(address, None, ConnectionLimits::default());
    let url = format!("http://127.0.0.1:{}/path", address.port());
    let error = get(&mut outgoing, &url, RequestOptions::default()).await;
    assert!(matches!(error, Err(Error::ConnectionRefused)), "{error:?}");

    for (server, code) in [
        (server(answer_in_part).await, "HttpResponseIncomplete"),
        (
            server(answer_with_garbage_to_http).await,
            "HttpProtocolError",
        ),
    ] {
        let mut outgoing = instance(server, None, ConnectionLimits::default());
        let url = format!("http://127.0.0.1:{}/path", server.port());
        let Err(Error::Hyper(error)) = get(&mut outgoing, &url, RequestOptions::default()).await
        else {
            panic!("no error of the exchange");
        };
        let shown = format!("{:?}", outgoing.p2_error_from_hyper(&error));
        assert!(shown.contains(code), "{shown}: {error:?}");
    }
}

async fn answer_with_garbage_to_http(mut stream: TcpStream) {
    let _ = stream.write_all(b"220 mail.example ESMTP\r\n").await;
    hold(stream).await;
}

async fn hold(mut stream: TcpStream) {
    let mut sink = Vec::new();
    let _ = stream.read_to_end(&mut sink).await;
}

#[tokio::test]
async fn the_time_for_connecting_covers_the_tls_handshake() {
    let address = server(hold).await;
    let (roots, _) = certified();
    let mut outgoing = instance(address, Some(roots), ConnectionLimits::default());
    let url = format!("https://localhost:{}/path", address.port());
    let options = RequestOptions {
        connect_timeout: Some(Duration::from_millis(100)),
        ..RequestOptions::default()
    };
    let error = get(&mut outgoing, &url, options).await;
    assert!(matches!(error, Err(Error::ConnectionTimeout)), "{error:?}");
}

#[tokio::test]
async fn a_server_that_answers_nothing_is_waited_for_as_long_as_the_guest_says() {
    let address = server(hold).await;
    let mut outgoing = instance(address, None, ConnectionLimits::default());
    let url = format!("http://127.0.0.1:{}/path", address.port());
    let options = RequestOptions {
        first_byte_timeout: Some(Duration::from_millis(100)),
        ..RequestOptions::default()
    };
    let error = get(&mut outgoing, &url, options).await;
    assert!(
        matches!(error, Err(Error::ConnectionReadTimeout)),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_no_grant_of_it() {
    let address = server(answer).await;
    let mut outgoing = instance(address, None, ConnectionLimits::default());
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("http://{host}:{}/path", address.port());
        let response = get(&mut outgoing, &url, RequestOptions::default()).await;
        assert_eq!(text(response.unwrap()).await, b"well\n");
    }
    // The resolver takes them for 127.0.0.1 and 0.0.0.0, as it would take a name of DNS.
    for host in ["127.1", "0"] {
        let url = format!("http://{host}:{}/path", address.port());
        let error = get(&mut outgoing, &url, RequestOptions::default()).await;
        assert!(
            matches!(error, Err(Error::DestinationIpProhibited)),
            "{url}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_url_with_a_user_in_it_goes_nowhere() {
    let address = server(answer).await;
    let mut outgoing = instance(address, None, ConnectionLimits::default());
    for user in ["user@", "user:password@", "127.0.0.1:80@"] {
        let url = format!("http://{user}127.0.0.1:{}/path", address.port());
        let error = get(&mut outgoing, &url, RequestOptions::default()).await;
        assert!(
            matches!(error, Err(Error::HttpRequestUriInvalid)),
            "{url}: {error:?}"
        );
    }
}

#[tokio::test]
async fn connections_are_limited_until_they_are_closed() {
    let address = server(answer).await;
    let limits = ConnectionLimits {
        instance: 2,
        ..ConnectionLimits::default()
    };
    let mut outgoing = instance(address, None, limits);
    let url = format!("http://127.0.0.1:{}/path", address.port());
    let body = || Empty::new().map_err(|never| match never {}).boxed_unsync();
    let mut begin = || {
        let request = http::Request::get(&url).body(body()).unwrap();
        let done = Box::new(std::future::ready(Ok(())));
        outgoing.send_request(request, None, done)
    };
    // One that was begun and not yet polled counts too.
    let held = [begin(), begin()];
    let third = Pin::from(begin()).await.map(|_| ());
    assert!(
        matches!(third, Err(Error::ConnectionLimitReached)),
        "{third:?}"
    );
    drop(held);
    let (response, connection) = Pin::from(begin()).await.unwrap();
    let connection = tokio::spawn(Pin::from(connection));
    assert_eq!(text(response).await, b"well\n");
    connection.await.unwrap().unwrap();
    drop([begin(), begin()]);
}
