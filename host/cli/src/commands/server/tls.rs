//! The options that make a server speak TLS.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};
use tensor_wasm_runtime::server::{ClientCertificates, Tls, TlsFiles};

#[derive(Args)]
pub struct TlsOptions {
    /// Serve HTTPS with this certificate: PEM, followed by those that lead to its
    /// authority
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "TLS")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "TLS")]
    tls_key: Option<PathBuf>,
    /// Ask clients for certificates, and verify them against these authorities, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "TLS")]
    tls_client_ca: Option<PathBuf>,
    /// Whether a client may come without a certificate [default: required]
    #[arg(
        long,
        value_enum,
        value_name = "WHETHER",
        requires = "tls_client_ca",
        help_heading = "TLS"
    )]
    tls_client_auth: Option<ClientAuth>,
}

/// Whether a client may come without a certificate.
#[derive(Clone, Copy, ValueEnum)]
enum ClientAuth {
    /// It may not
    Required,
    /// It may; one that shows a certificate has to show a valid one
    Optional,
}

impl TlsOptions {
    /// What the options ask for; `None` where that is plain HTTP.
    ///
    /// # Errors
    ///
    /// Where an option lacks another, or a file can't be used.
    pub fn load(&self) -> anyhow::Result<Option<Tls>> {
        let (certificate, key) = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
            (None, None) if self.tls_client_ca.is_none() => return Ok(None),
            _ => bail!("TLS needs both a certificate and its key: --tls-cert and --tls-key"),
        };
        let files = TlsFiles {
            certificate,
            key,
            client_ca: self.tls_client_ca.clone(),
            client_certificates: match self.tls_client_auth {
                None | Some(ClientAuth::Required) => ClientCertificates::Required,
                Some(ClientAuth::Optional) => ClientCertificates::Optional,
            },
        };
        Ok(Some(Tls::load(files)?))
    }
}
