//! Secrets of a function in a snapshot: sealed with AES-256-GCM (NIST SP 800-38D) by a key that
//! whoever saves the snapshot gives, each for the function and the name that it is of.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::Error;

/// The key that the secrets of a snapshot are sealed by.
pub struct SecretsKey(LessSafeKey);

impl std::fmt::Debug for SecretsKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretsKey")
    }
}

impl SecretsKey {
    /// A key of 32 bytes.
    ///
    /// # Errors
    ///
    /// Where they are not so many.
    pub fn new(key: &[u8]) -> Result<SecretsKey, Error> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| Error::Key {
            what: "the key of a snapshot's secrets has to have exactly 32 bytes, as `head --bytes 32 \
                   /dev/urandom` writes them",
        })?;
        Ok(SecretsKey(LessSafeKey::new(key)))
    }

    /// Seals a secret of a function.
    ///
    /// # Errors
    ///
    /// Where the system has no random numbers.
    pub fn seal(&self, function_id: &str, name: &str, text: &str) -> Result<String, Error> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| Error::Key {
            what: "the system has no random numbers",
        })?;
        let mut secret = Zeroizing::new(text.as_bytes().to_vec());
        let aad = Aad::from(subject(function_id, name));
        let sealing = Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(sealing, aad, &mut secret);
        let tag = tag.map_err(|_| Error::Key {
            what: "a secret is too long to be sealed",
        })?;
        Ok(STANDARD.encode([&nonce, &secret[..], tag.as_ref()].concat()))
    }

    /// Opens a secret of a function.
    ///
    /// # Errors
    ///
    /// Where another key has sealed it, or it is of another function or name.
    pub fn open(
        &self,
        function_id: &str,
        name: &str,
        sealed: &str,
    ) -> Result<Zeroizing<String>, Error> {
        let unreadable = || Error::SecretKey {
            name: name.to_owned(),
        };
        let sealed = STANDARD.decode(sealed).map_err(|_| unreadable())?;
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or_else(unreadable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| unreadable())?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let aad = Aad::from(subject(function_id, name));
        let text = self.0.open_in_place(nonce, aad, &mut sealed);
        let text = text.map_err(|_| unreadable())?;
        let text = std::str::from_utf8(text).map_err(|_| unreadable())?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

/// What a secret is of. No id has a zero byte.
fn subject(function_id: &str, name: &str) -> Vec<u8> {
    [b"snapshot\0", function_id.as_bytes(), &[0], name.as_bytes()].concat()
}
