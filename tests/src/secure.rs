//! A client that speaks TLS, and trusts one authority and no other.
//!
//! It stands on the TLS library itself: what a test of TLS asks is which certificate
//! was shown and which protocol agreed on, and ready-made clients hide both.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::authority::{Authority, Issued};
use crate::reply::Reply;
use crate::wait::PATIENCE;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A client to be.
pub struct Secure {
    config: ClientConfig,
}

impl Secure {
    /// One that trusts this authority, and speaks HTTP/1.1.
    pub fn trusting(authority: &Authority) -> Self {
        Self::new(authority, None)
    }

    /// One that shows a certificate as well.
    pub fn showing(authority: &Authority, issued: &Issued) -> Self {
        Self::new(authority, Some(issued))
    }

    fn new(authority: &Authority, issued: Option<&Issued>) -> Self {
        let mut trusted = RootCertStore::empty();
        trusted.add(authority.der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(trusted);
        let mut config = match issued {
            None => config.with_no_client_auth(),
            Some(issued) => config
                .with_client_auth_cert(issued.chain(), issued.private_key())
                .unwrap(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { config }
    }

    /// Speaks HTTP/2 where the server does.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.config.alpn_protocols.insert(0, b"h2".to_vec());
        self
    }

    /// Connects, and shakes hands.
    ///
    /// # Errors
    /// Where one of the two does not like the other. A server that wants to see a
    /// certificate may say so only in place of its first answer.
    pub fn connect(&self, address: SocketAddr) -> Outcome<SecureConnection> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let config = Arc::new(self.config.clone());
        let (certificate, sender) = runtime.block_on(async {
            let stream = TcpStream::connect(address).await?;
            let name = ServerName::IpAddress(address.ip().into());
            let handshake = TlsConnector::from(config).connect(name, stream);
            let stream = timeout(PATIENCE, handshake).await??;
            let (_, session) = stream.get_ref();
            let shown = session.peer_certificates().and_then(<[_]>::first);
            let certificate = shown.map(|shown| shown.to_vec()).unwrap_or_default();
            let is_http2 = session.alpn_protocol() == Some(b"h2");
            let io = TokioIo::new(stream);
            let sender = if is_http2 {
                let (sender, http) = http2::handshake(TokioExecutor::new(), io).await?;
                tokio::spawn(http);
                Sender::Http2(sender)
            } else {
                let (sender, http) = http1::handshake(io).await?;
                tokio::spawn(http);
                Sender::Http1(sender)
            };
            Outcome::Ok((certificate, sender))
        })?;
        Ok(SecureConnection {
            runtime,
            sender,
            address,
            certificate,
        })
    }

    /// GETs a path on a connection of its own.
    ///
    /// # Errors
    /// Where no whole answer comes.
    pub fn get(&self, address: SocketAddr, path: &str) -> Outcome<Reply> {
        self.connect(address)?.get(path)
    }
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// A connection that stays open until it is dropped.
pub struct SecureConnection {
    /// Where the connection lives. Its thread answers what the server says between
    /// requests, such as that it is about to close.
    runtime: Runtime,
    sender: Sender,
    address: SocketAddr,
    certificate: Vec<u8>,
}

impl SecureConnection {
    /// The certificate that the server showed.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The protocol that both agreed on.
    pub fn version(&self) -> Version {
        match self.sender {
            Sender::Http1(_) => Version::HTTP_11,
            Sender::Http2(_) => Version::HTTP_2,
        }
    }

    /// GETs a path.
    ///
    /// # Errors
    /// Where no whole answer comes.
    pub fn get(&mut self, path: &str) -> Outcome<Reply> {
        self.send("GET", path, Bytes::new())
    }

    /// POSTs bytes to a path.
    ///
    /// # Errors
    /// Where no whole answer comes.
    pub fn post(&mut self, path: &str, body: impl Into<Bytes>) -> Outcome<Reply> {
        self.send("POST", path, body.into())
    }

    fn send(&mut self, method: &str, path: &str, body: Bytes) -> Outcome<Reply> {
        let request = Request::builder().method(method);
        let request = match self.sender {
            Sender::Http1(_) => request.uri(path).header("host", self.address.to_string()),
            Sender::Http2(_) => request.uri(format!("https://{}{path}", self.address)),
        };
        let request = request.body(Full::new(body))?;
        let Self {
            runtime, sender, ..
        } = self;
        runtime.block_on(async {
            let exchange = async {
                let response = match sender {
                    Sender::Http1(sender) => {
                        sender.ready().await?;
                        sender.send_request(request).await?
                    }
                    Sender::Http2(sender) => {
                        sender.ready().await?;
                        sender.send_request(request).await?
                    }
                };
                read(response).await
            };
            timeout(PATIENCE, exchange).await?
        })
    }
}

async fn read(response: Response<Incoming>) -> Outcome<Reply> {
    let (head, body) = response.into_parts();
    Ok(Reply {
        status: head.status,
        headers: head.headers,
        body: body.collect().await?.to_bytes().to_vec(),
    })
}
