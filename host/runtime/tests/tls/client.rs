//! Clients: one that speaks TLS and shows each byte of the exchange, and what is
//! needed to get it wrong on a plain socket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::authority::{Authority, Issued};
use super::server::NEVER;

/// A client to be.
#[derive(Clone)]
pub struct Client {
    pub trusted: CertificateDer<'static>,
    pub certificate: Option<Arc<Issued>>,
    pub protocols: Vec<&'static str>,
    pub versions: &'static [&'static SupportedProtocolVersion],
}

impl Client {
    pub fn showing(mut self, issued: Issued) -> Self {
        self.certificate = Some(Arc::new(issued));
        self
    }

    pub fn config(&self) -> Arc<ClientConfig> {
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

    pub async fn connect(&self, address: SocketAddr) -> io::Result<Connection> {
        connect(self.config(), address).await
    }

    /// One exchange on a connection of its own.
    pub async fn ask(&self, address: SocketAddr) -> io::Result<String> {
        let mut connection = self.connect(address).await?;
        connection.send(&get("/")).await?;
        connection.rest().await
    }
}

pub struct Connection(pub TlsStream<TcpStream>);

pub async fn connect(config: Arc<ClientConfig>, address: SocketAddr) -> io::Result<Connection> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::IpAddress(address.ip().into());
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    Ok(Connection(stream))
}

impl Connection {
    pub async fn send(&mut self, text: &str) -> io::Result<()> {
        self.0.write_all(text.as_bytes()).await
    }

    /// Whatever comes until the server says that nothing more will come. That it
    /// hangs up without saying so is an error.
    pub async fn rest(&mut self) -> io::Result<String> {
        let mut bytes = Vec::new();
        let read = self.0.read_to_end(&mut bytes);
        tokio::time::timeout(NEVER, read)
            .await
            .expect("the server never closed")?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    /// Whatever comes until it holds `end`.
    pub async fn until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        while !String::from_utf8_lossy(&bytes).contains(end) {
            let byte = tokio::time::timeout(NEVER, self.0.read_u8()).await;
            bytes.push(byte.expect("nothing came").expect("the server closed"));
        }
        String::from_utf8(bytes).unwrap()
    }

    /// The certificate that the server showed.
    pub fn shown(&self) -> CertificateDer<'static> {
        let certificates = self.0.get_ref().1.peer_certificates().unwrap();
        certificates[0].clone().into_owned()
    }

    pub fn protocol(&self) -> Option<&[u8]> {
        self.0.get_ref().1.alpn_protocol()
    }
}

pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
}

pub fn get_and_stay(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")
}

/// Reads a plain socket until the server hangs up.
pub async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Bytes that nobody read make a reset of it, which is an end as well.
    let _ = tokio::time::timeout(NEVER, stream.read_to_end(&mut bytes))
        .await
        .expect("the server never closed");
    bytes
}

/// The first message of a handshake, as this library would send it.
pub fn hello(authority: &Authority) -> Vec<u8> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = rustls::ClientConnection::new(authority.client().config(), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}
