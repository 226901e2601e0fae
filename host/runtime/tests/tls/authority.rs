//! Certificates, made on the spot, and the files that a server reads them from.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;
use tensor_wasm_runtime::server::{ClientCertificates, Tls, TlsError, TlsFiles};

use super::client::Client;

/// Who issues certificates.
pub struct Authority {
    pub issuer: Issuer<'static, KeyPair>,
    pub pem: String,
    pub der: CertificateDer<'static>,
}

/// A certificate and its key.
pub struct Issued {
    pub certificate: rcgen::Certificate,
    pub key: KeyPair,
}

impl Authority {
    pub fn new() -> Self {
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

    pub fn issue(&self, name: &str) -> Issued {
        self.issue_with(name, |_| {})
    }

    /// For the address of the tests' servers, and for this name.
    pub fn issue_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued { certificate, key }
    }

    /// A client that trusts this authority.
    pub fn client(&self) -> Client {
        Client {
            trusted: self.der.clone(),
            certificate: None,
            protocols: vec!["http/1.1"],
            versions: rustls::ALL_VERSIONS,
        }
    }
}

/// A folder with a server's files.
pub struct Files {
    pub folder: TempDir,
    pub authority: Authority,
}

impl Files {
    pub fn new() -> Self {
        let files = Self {
            folder: TempDir::new().unwrap(),
            authority: Authority::new(),
        };
        files.put(&files.authority.issue("server"));
        files
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Puts a server's certificate in place.
    pub fn put(&self, issued: &Issued) {
        self.write("cert.pem", issued.certificate.pem());
        self.write("key.pem", issued.key.serialize_pem());
    }

    pub fn without_clients(&self) -> TlsFiles {
        TlsFiles {
            certificate: self.path("cert.pem"),
            key: self.path("key.pem"),
            client_ca: None,
            client_certificates: ClientCertificates::Required,
        }
    }

    /// With a file of this authority, for clients.
    pub fn with_clients(&self, clients: &Authority, asked: ClientCertificates) -> TlsFiles {
        self.write("clients.pem", &clients.pem);
        TlsFiles {
            client_ca: Some(self.path("clients.pem")),
            client_certificates: asked,
            ..self.without_clients()
        }
    }

    pub fn load(&self) -> Result<Tls, TlsError> {
        Tls::load(self.without_clients())
    }
}
