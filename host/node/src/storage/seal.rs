//! Secrets at rest: sealed with AES-256-GCM (NIST SP 800-38D) by a key that is kept in a file
//! of its own, under a random nonce each. What a secret is of (function and name) is
//! authenticated with it, so that nobody who can write the database can pass one for another.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::StorageError;

/// The length of the key, in bytes.
const KEY_BYTES: usize = 32;

/// Seals secrets, and opens them.
pub(crate) struct Seal {
    key: LessSafeKey,
    path: PathBuf,
}

impl Seal {
    /// Reads the key from its file: 32 bytes. Where there is no file and `create` says so, it
    /// is made with a random key, readable by its owner alone.
    pub(crate) fn open(path: &Path, create: bool) -> Result<Seal, StorageError> {
        let error = |cause| StorageError::Directory {
            path: path.to_owned(),
            cause,
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_BYTES + 1));
        match File::open(path) {
            Ok(file) => {
                let mut file = file.take(KEY_BYTES as u64 + 1);
                file.read_to_end(&mut bytes).map_err(error)?;
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && create => {
                bytes.resize(KEY_BYTES, 0);
                getrandom::fill(&mut bytes).map_err(StorageError::NoRandomNumbers)?;
                write_key(path, &bytes).map_err(error)?;
            }
            Err(cause) => return Err(error(cause)),
        }
        Seal::of(&bytes, path)
    }

    /// Seals by this key, which is that of a file.
    pub(crate) fn of(key: &[u8], path: &Path) -> Result<Seal, StorageError> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| StorageError::InvalidKey {
            path: path.to_owned(),
        })?;
        Ok(Seal {
            key: LessSafeKey::new(key),
            path: path.to_owned(),
        })
    }

    /// Seals a secret of a function.
    pub(crate) fn seal(
        &self,
        function_id: &str,
        name: &str,
        text: &str,
    ) -> Result<Vec<u8>, StorageError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(StorageError::NoRandomNumbers)?;
        let mut sealed = nonce.to_vec();
        let mut secret = Zeroizing::new(text.as_bytes().to_vec());
        let tag = self.key.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(subject(function_id, name)),
            &mut secret,
        );
        let tag = tag.map_err(|_| StorageError::Damaged {
            what: "a secret too long to be sealed",
        })?;
        sealed.extend_from_slice(&secret);
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens a secret of a function.
    pub(crate) fn open_secret(
        &self,
        function_id: &str,
        name: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<String>, StorageError> {
        let unreadable = || StorageError::SealedByAnotherKey {
            name: name.to_owned(),
            path: self.path.clone(),
        };
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or_else(unreadable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| unreadable())?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let subject = Aad::from(subject(function_id, name));
        let opened = self.key.open_in_place(nonce, subject, &mut sealed);
        let text = opened.map_err(|_| unreadable())?;
        let text = std::str::from_utf8(text).map_err(|_| unreadable())?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

/// What a secret is of. No id has a zero byte.
fn subject(function_id: &str, name: &str) -> Vec<u8> {
    [function_id.as_bytes(), &[0], name.as_bytes()].concat()
}

/// Writes the key so that it is there as a whole or not at all.
fn write_key(path: &Path, key: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&part)?;
    file.write_all(key)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_opened_by_the_key_that_sealed_it_and_for_what_it_is_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.key");
        let seal = Seal::open(&path, true).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let sealed = seal.seal("fn_1", "KEY", "hush").unwrap();
        assert!(!sealed.windows(4).any(|bytes| bytes == b"hush"));
        assert_ne!(sealed, seal.seal("fn_1", "KEY", "hush").unwrap());
        let again = Seal::open(&path, false).unwrap();
        assert_eq!(*again.open_secret("fn_1", "KEY", &sealed).unwrap(), "hush");
        for (function, name) in [("fn_2", "KEY"), ("fn_1", "OTHER")] {
            assert!(again.open_secret(function, name, &sealed).is_err());
        }
        for byte in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[byte] ^= 1;
            assert!(again.open_secret("fn_1", "KEY", &changed).is_err());
        }
        assert!(again.open_secret("fn_1", "KEY", &sealed[..5]).is_err());
        let other = Seal::open(&folder.path().join("other.key"), true).unwrap();
        let error = other.open_secret("fn_1", "KEY", &sealed).unwrap_err();
        assert!(error.to_string().contains("other.key"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for bytes in [0, 31, 33, 4096] {
            fs::write(&path, vec![1; bytes]).unwrap();
            let Err(error) = Seal::open(&path, true) else {
                panic!("{bytes} bytes are no key");
            };
            assert!(error.to_string().contains("32 bytes"), "{error}");
        }
        let missing = folder.path().join("missing");
        assert!(Seal::open(&missing, false).is_err());
        assert!(!missing.exists());
    }
}
