//! Why files can't be used for TLS.

use std::io;
use std::path::PathBuf;

use rustls::pki_types::pem;
use thiserror::Error;

/// Why files can't be used for TLS. No message contains any part of a key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file is missing, or can't be read.
    #[error("can't read the {what} {}: check its path, and that this user may read it", path.display())]
    Unreadable {
        /// What the file should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// A file begins as PEM and is invalid after that.
    #[error("the {what} {} is broken: write it anew, in PEM", path.display())]
    BrokenPem {
        /// What the file should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Where it breaks.
        #[source]
        cause: pem::Error,
    },
    /// A file holds no certificate.
    #[error(
        "there is no certificate in {}: it has to be PEM, with `-----BEGIN CERTIFICATE-----`",
        path.display()
    )]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A file holds no private key.
    #[error(
        "there is no private key in {}: it has to be PEM, with `-----BEGIN PRIVATE KEY-----`; \
         an encrypted one can be decrypted with `openssl pkey`",
        path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A certificate is invalid.
    #[error("the {what} {} can't be used: have it issued anew, as X.509 version 3", path.display())]
    BadCertificate {
        /// What the file should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: rustls::Error,
    },
    /// A private key is invalid, or of a kind that is not supported.
    #[error(
        "the private key {} can't be used: take an ECDSA key of P-256 or P-384, an Ed25519 key, \
         or an RSA key of 2048 to 8192 bits",
        path.display()
    )]
    BadKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: rustls::Error,
    },
    /// The private key belongs to another certificate.
    #[error(
        "the private key {} does not belong to the certificate {}: the server's own certificate \
         has to be the first of its file",
        key.display(), certificate.display()
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The TLS library refuses the configuration, which is not known to happen.
    #[error("TLS can't be set up")]
    Setup(#[source] rustls::Error),
}
