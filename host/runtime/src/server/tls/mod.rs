//! TLS: certificates read from files, and a handshake before the first request.
//!
//! Files change while the server runs, since certificates expire. [`Tls::reload`]
//! reads them again, and replaces the configuration only where all of it is valid. A
//! connection keeps the configuration that it began with.

mod error;
mod files;
mod subject;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::lock::ignore_poison;
pub use error::TlsError;

/// The files that TLS needs. All of them are PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate first, then those that lead to its authority.
    pub certificate: PathBuf,
    /// The certificate's private key: PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub key: PathBuf,
    /// The authorities that clients' certificates are verified against. Without
    /// them clients are not asked for certificates.
    pub client_ca: Option<PathBuf>,
    /// What is asked of clients. Without `client_ca` it has no effect.
    pub client_certificates: ClientCertificates,
}

/// What is asked of clients where their certificates can be verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    /// The handshake of a client without a certificate fails.
    #[default]
    Required,
    /// A client may connect without one. One that presents a certificate has to present
    /// a valid one.
    Optional,
}

/// What a server needs to speak TLS. Clones share it: [`Tls::reload`] of one of them
/// takes effect in all.
#[derive(Clone)]
pub struct Tls(Arc<CertificateState>);

struct CertificateState {
    files: TlsFiles,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files. Warns in the log of a key that everybody on the machine can
    /// read, and of a certificate that is not valid at this time.
    ///
    /// # Errors
    ///
    /// [`TlsError`] where a file can't be read or used, or two don't fit together.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let config = RwLock::new(Arc::new(files::read(&files)?));
        Ok(Self(Arc::new(CertificateState { files, config })))
    }

    /// Reads the files again, for the connections that come from now on.
    ///
    /// # Errors
    ///
    /// As [`Tls::load`]. What was in use stays in use then.
    pub fn reload(&self) -> Result<(), TlsError> {
        let config = Arc::new(files::read(&self.0.files)?);
        *ignore_poison(self.0.config.write()) = config;
        Ok(())
    }

    /// Does the handshake with a client. Returns the stream, and the subject of the
    /// client's certificate where it presented one.
    ///
    /// # Errors
    ///
    /// Where the handshake fails, or the client goes away.
    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> io::Result<(TlsStream<S>, Option<Arc<str>>)> {
        let config = self.config();
        let stream = TlsAcceptor::from(config).accept(stream).await?;
        let (_, session) = stream.get_ref();
        let certificate = session
            .peer_certificates()
            .and_then(<[_]>::first)
            .map(subject::of);
        Ok((stream, certificate))
    }

    fn config(&self) -> Arc<ServerConfig> {
        ignore_poison(self.0.config.read()).clone()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.0.files).finish()
    }
}
