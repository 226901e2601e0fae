//! The keys that the commands of snapshots take.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use tensor_wasm_snapshot::Keys;
use zeroize::Zeroizing;

use crate::commands::client::error::ClientError;
use crate::config::SNAPSHOT_HMAC_KEY;

/// The length of a key of secrets, in bytes.
const KEY_BYTES: usize = 32;

/// Whose signatures are trusted.
#[derive(Args)]
pub struct TrustOptions {
    /// Refuse a snapshot that is not signed by this key of Ed25519: 64 hexadecimal digits, as
    /// `inspect` shows them. A shared key is taken from the variable
    /// TENSOR_WASM_API_SNAPSHOT_HMAC_KEY, if it is set
    #[arg(long, value_name = "KEY", help_heading = "Signature")]
    trusted_key: Vec<String>,
    /// Refuse a snapshot that is not signed by a key that is given
    #[arg(long, help_heading = "Signature")]
    require_signature: bool,
}

impl TrustOptions {
    /// The keys.
    ///
    /// # Errors
    ///
    /// Where one is none.
    pub fn keys(&self) -> Result<Keys, ClientError> {
        let wrong = |error: tensor_wasm_snapshot::Error| ClientError::Input(error.to_string());
        let mut keys = Keys::default();
        if let Some(key) = std::env::var_os(SNAPSHOT_HMAC_KEY)
            && !key.is_empty()
        {
            let key = Zeroizing::new(key.into_encoded_bytes());
            keys = keys.with_hmac(&key).map_err(wrong)?;
        }
        for key in &self.trusted_key {
            keys = keys.with_trusted(key).map_err(wrong)?;
        }
        Ok(match self.require_signature {
            true => keys.requiring_a_signature(),
            false => keys,
        })
    }
}

/// What secrets are sealed by.
#[derive(Args)]
pub struct SecretsKeyOption {
    /// The file with the key that the function's secrets are sealed by in the snapshot: 32 bytes, as
    /// `head --bytes 32 /dev/urandom` writes them
    #[arg(long, value_name = "FILE")]
    secrets_key: Option<PathBuf>,
}

impl SecretsKeyOption {
    /// The key in base64, as a node takes it.
    ///
    /// # Errors
    ///
    /// Where the file can't be read, or holds no key.
    pub fn read(&self) -> Result<Option<Zeroizing<String>>, ClientError> {
        self.secrets_key.as_deref().map(read_key).transpose()
    }
}

fn read_key(path: &Path) -> Result<Zeroizing<String>, ClientError> {
    let mut key = Zeroizing::new(Vec::with_capacity(KEY_BYTES + 1));
    File::open(path)
        .and_then(|file| file.take(KEY_BYTES as u64 + 1).read_to_end(&mut key))
        .map_err(|cause| ClientError::File {
            path: path.to_owned(),
            cause,
        })?;
    match key.len() == KEY_BYTES {
        true => Ok(Zeroizing::new(STANDARD.encode(&*key))),
        false => Err(ClientError::Input(format!(
            "{} is no key of secrets: it has to have exactly {KEY_BYTES} bytes, as `head --bytes \
             {KEY_BYTES} /dev/urandom` writes them",
            path.display()
        ))),
    }
}
