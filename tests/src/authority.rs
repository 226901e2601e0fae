//! A certificate authority for the tests of TLS.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, IsCa, Issuer,
    KeyPair,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

impl Authority {
    /// A new one with a new key.
    ///
    /// # Panics
    /// Where there are no random numbers.
    #[expect(clippy::new_without_default, reason = "no two of them are the same")]
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    /// A certificate for a server of this machine, or for a client.
    pub fn issue(&self, name: &str) -> Issued {
        self.issue_with(name, |_| {})
    }

    /// Like [`issue`](Self::issue), with changed parameters.
    ///
    /// # Panics
    /// Where the change can't be made.
    pub fn issue_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued { certificate, key }
    }

    /// Writes its certificate.
    ///
    /// # Panics
    /// Where that can't be done.
    pub fn write(&self, path: impl AsRef<Path>) {
        fs::write(path, self.certificate.pem()).unwrap();
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }
}

/// A certificate and its key.
pub struct Issued {
    certificate: Certificate,
    key: KeyPair,
}

impl Issued {
    /// Writes certificate and key; only the owner may read the key.
    ///
    /// # Panics
    /// Where that can't be done.
    pub fn write(&self, certificate: impl AsRef<Path>, key: impl AsRef<Path>) {
        fs::write(certificate, self.certificate.pem()).unwrap();
        fs::write(&key, self.key.serialize_pem()).unwrap();
        fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The certificate's bytes, to compare.
    pub fn der(&self) -> &[u8] {
        self.certificate.der()
    }

    /// The secret lines of the key's file.
    pub fn secrets(&self) -> Vec<String> {
        let pem = self.key.serialize_pem();
        pem.lines()
            .filter(|line| line.len() > 20 && !line.starts_with("-----"))
            .map(str::to_owned)
            .collect()
    }

    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.der().clone()]
    }

    pub(crate) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}
