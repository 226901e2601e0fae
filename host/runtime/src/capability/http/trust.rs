//! Which authorities outgoing TLS trusts: the platform's, or those of `SSL_CERT_FILE` and
//! `SSL_CERT_DIR`, and those that the operator adds.

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};
use std::env;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// Larger than any file of authorities: a path such as `/dev/zero` must not fill the memory.
const LONGEST_FILE: u64 = 16 << 20;

/// How guests' requests to `https` servers verify them.
#[derive(Clone)]
pub struct HttpTrust(Arc<ClientConfig>);

impl fmt::Debug for HttpTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTrust").finish_non_exhaustive()
    }
}

/// Why there are no authorities to trust.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HttpTrustError {
    /// The file can't be read.
    #[error("the authorities in {path} can't be read", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// The file is larger than any list of authorities.
    #[error("{path} is larger than {LONGEST_FILE} bytes: name a PEM file of certificates", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file holds no certificate, or a broken one.
    #[error("{path} has no authority that can be used ({problem}): name a PEM file of certificates", path = path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// What the environment names can't be used.
    #[error(
        "the authorities of SSL_CERT_FILE or SSL_CERT_DIR can't be used ({problem}): correct the variable, or unset it"
    )]
    Environment {
        /// What is wrong with it.
        problem: String,
    },
    /// The library can't be set up.
    #[error("outgoing TLS can't be set up")]
    Setup(#[source] rustls::Error),
}

impl HttpTrustError {
    fn environment(found: &CertificateResult) -> HttpTrustError {
        let problem = match found.errors.first() {
            Some(error) => error.to_string(),
            None => "there is no certificate".to_owned(),
        };
        HttpTrustError::Environment { problem }
    }
}

impl HttpTrust {
    /// Trusts the platform's authorities, or in their place those of `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` where one is set; and also those of a PEM file where one is named.
    /// Warns in the log where that is none at all.
    ///
    /// # Errors
    ///
    /// [`HttpTrustError`] where what was named can't be used.
    pub fn load(additional: Option<&Path>) -> Result<HttpTrust, HttpTrustError> {
        let mut roots = RootCertStore::empty();
        let (file, directory) = (env::var_os("SSL_CERT_FILE"), env::var_os("SSL_CERT_DIR"));
        if let Some(file) = &file {
            // By itself: the directory must not hide that it can't be used.
            let found = load_certs_from_paths(Some(Path::new(file)), None);
            if found.certs.is_empty() {
                return Err(HttpTrustError::environment(&found));
            }
        }
        let found = load_native_certs();
        if directory.is_some() && found.certs.is_empty() {
            return Err(HttpTrustError::environment(&found));
        }
        let (_, _) = roots.add_parsable_certificates(found.certs);
        for error in found.errors {
            tracing::warn!(%error, "some authorities of the platform can't be used");
        }
        if let Some(path) = additional {
            add_file(&mut roots, path)?;
        }
        if roots.is_empty() {
            tracing::warn!(
                "the platform has no certificate authorities, so requests to https servers fail: \
                 install them (often the package ca-certificates), or name some"
            );
        }
        HttpTrust::of(roots)
    }

    /// Trusts these authorities and no others.
    ///
    /// # Errors
    ///
    /// [`HttpTrustError::Setup`]
    pub fn of(roots: RootCertStore) -> Result<HttpTrust, HttpTrustError> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(HttpTrustError::Setup)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(HttpTrust(Arc::new(config)))
    }

    /// The configuration of a client that trusts them, and speaks HTTP/1.1.
    pub fn client_config(&self) -> Arc<ClientConfig> {
        self.0.clone()
    }
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), HttpTrustError> {
    let path = || path.to_owned();
    let read = |cause| HttpTrustError::Read {
        path: path(),
        cause,
    };
    let broken = |problem: String| HttpTrustError::Broken {
        path: path(),
        problem,
    };
    let mut text = Vec::new();
    File::open(path())
        .and_then(|file| file.take(LONGEST_FILE + 1).read_to_end(&mut text))
        .map_err(read)?;
    if text.len() as u64 > LONGEST_FILE {
        return Err(HttpTrustError::TooLarge { path: path() });
    }
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error: pem::Error| broken(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| broken(error.to_string()))?;
    }
    if roots.len() == before {
        return Err(broken("there is no certificate".to_owned()));
    }
    Ok(())
}
