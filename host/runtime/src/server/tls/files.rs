//! Reads the TLS files and builds the library's configuration from them. Warns of files that
//! work and are unsafe, such as a key that everybody can read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error, InconsistentKeys, RootCertStore, ServerConfig};
use x509_cert::der::Decode;
use zeroize::Zeroizing;

use super::{ClientCertificates, TlsError, TlsFiles};

/// The protocols that are offered by ALPN.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Larger than any certificate file: a path such as `/dev/zero` must not fill the memory.
const LONGEST_FILE: u64 = 4 << 20;

const CERTIFICATE: &str = "certificate";
const KEY: &str = "private key";
const CLIENT_CA: &str = "authority of client certificates";

/// Reads all files, and builds the configuration of new connections.
pub(super) fn read(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let certified = certified(files, &provider)?;
    let authorities = match &files.client_ca {
        Some(path) => Some(authorities(path)?),
        None => None,
    };
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?;
    let mut config = match authorities {
        None => config.with_no_client_auth(),
        Some(authorities) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(authorities, provider);
            let verifier = match files.client_certificates {
                ClientCertificates::Required => verifier,
                ClientCertificates::Optional => verifier.allow_unauthenticated(),
            };
            let verifier = verifier
                .build()
                .map_err(|error| TlsError::Setup(Error::General(error.to_string())))?;
            config.with_client_cert_verifier(verifier)
        }
    }
    .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    if files.client_ca.is_some() {
        // A resumed session does not present its certificate again, and would outlive it.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(config)
}

fn certified(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let (certificate, key) = (&files.certificate, &files.key);
    let chain = certificates(CERTIFICATE, certificate)?;
    if let Some(first) = chain.first() {
        warn_of_validity(certificate, first);
    }
    let der = private_key(key)?;
    let signer = provider
        .key_provider
        .load_private_key(der)
        .map_err(|cause| TlsError::BadKey {
            path: key.clone(),
            cause,
        })?;
    let certified = CertifiedKey::new(chain, signer);
    match certified.keys_match() {
        // The library can't tell for keys that it does not hold itself.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(Error::InconsistentKeys(_)) => Err(TlsError::Mismatch {
            certificate: certificate.clone(),
            key: key.clone(),
        }),
        Err(cause) => Err(TlsError::BadCertificate {
            what: CERTIFICATE,
            path: certificate.clone(),
            cause,
        }),
    }
}

fn authorities(path: &Path) -> Result<Arc<RootCertStore>, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(CLIENT_CA, path)? {
        store
            .add(certificate)
            .map_err(|cause| TlsError::BadCertificate {
                what: CLIENT_CA,
                path: path.to_owned(),
                cause,
            })?;
    }
    Ok(Arc::new(store))
}

/// The certificates of a file: at least one.
fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let (text, _) = contents(what, path)?;
    let certificates = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|cause| broken(what, path, cause))?;
    if certificates.is_empty() {
        let path = path.to_owned();
        return Err(TlsError::NoCertificate { path });
    }
    Ok(certificates)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let (text, open_to_all) = contents(KEY, path)?;
    if open_to_all {
        tracing::warn!(
            path = %path.display(),
            "everybody on this machine can read the private key: `chmod 600` it"
        );
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|cause| match cause {
        pem::Error::NoItemsFound => TlsError::NoKey {
            path: path.to_owned(),
        },
        cause => broken(KEY, path, cause),
    })
}

fn broken(what: &'static str, path: &Path, cause: pem::Error) -> TlsError {
    TlsError::BrokenPem {
        what,
        path: path.to_owned(),
        cause,
    }
}

/// What a file holds, and whether everybody may read it.
fn contents(what: &'static str, path: &Path) -> Result<(Zeroizing<Vec<u8>>, bool), TlsError> {
    let read = || {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        // Allocated for the whole file at once, so that growing leaves no copy of a key.
        let expected = metadata.len().min(LONGEST_FILE) as usize + 1;
        let mut text = Zeroizing::new(Vec::with_capacity(expected));
        file.take(LONGEST_FILE + 1).read_to_end(&mut text)?;
        if text.len() as u64 > LONGEST_FILE {
            let message = format!("it is longer than {LONGEST_FILE} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok((text, is_open_to_all(&metadata)))
    };
    read().map_err(|cause| TlsError::Unreadable {
        what,
        path: path.to_owned(),
        cause,
    })
}

#[cfg(unix)]
fn is_open_to_all(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.is_file() && metadata.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn is_open_to_all(_: &std::fs::Metadata) -> bool {
    false
}

/// Clients refuse a certificate that is not valid now. The server starts all the same: its
/// own clock may be wrong, and the file can be replaced while it runs.
fn warn_of_validity(path: &Path, certificate: &CertificateDer<'_>) {
    let Ok(parsed) = x509_cert::Certificate::from_der(certificate) else {
        // The TLS library decides whether it can be used.
        return;
    };
    let validity = parsed.tbs_certificate().validity();
    let now = SystemTime::now();
    let path = path.display();
    if now > validity.not_after.to_system_time() {
        let since = validity.not_after;
        tracing::warn!(%path, %since, "the certificate has expired: clients will refuse it");
    } else if now < validity.not_before.to_system_time() {
        let from = validity.not_before;
        tracing::warn!(%path, %from, "the certificate is not valid yet: clients will refuse it");
    }
}
