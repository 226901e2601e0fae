//! Who has signed a snapshot: a key that several nodes share (HMAC-SHA256, RFC 2104), or one of which
//! others know the public half (Ed25519, RFC 8032).

use std::fmt;

use ring::hmac;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use zeroize::Zeroizing;

use crate::Error;
use crate::header::Header;

/// The shortest key of HMAC, in bytes.
const SHORTEST: usize = 32;

const NONE: u16 = 0;
const HMAC: u16 = 1;
const ED25519_ALGORITHM: u16 = 2;

/// What the id of a key of HMAC is derived for, so that it tells nothing of the key.
const ID_CONTEXT: &str = "tensor-wasm 2026-11-30 snapshot HMAC key id";

/// The keys that snapshots are signed by, and those whose signatures are trusted. Without any,
/// snapshots are not signed, and each is taken.
#[derive(Default)]
pub struct Keys {
    hmac: Option<Zeroizing<Vec<u8>>>,
    signing: Option<Ed25519KeyPair>,
    trusted: Vec<[u8; 32]>,
    is_required: bool,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("hmac", &self.hmac.is_some())
            .field("signing", &self.signing.is_some())
            .field("trusted", &self.trusted.len())
            .finish()
    }
}

/// What is known of a snapshot's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// There is none.
    None,
    /// It is by a key that is trusted.
    Trusted {
        /// Which key: `hmac:` or `ed25519:` and hexadecimal digits.
        key: String,
    },
    /// It is by a key that nobody here knows: no keys were given.
    Unknown {
        /// Which key.
        key: String,
    },
}

impl Signature {
    /// Which key, if it is signed.
    pub fn key(&self) -> Option<&str> {
        match self {
            Signature::None => None,
            Signature::Trusted { key } | Signature::Unknown { key } => Some(key),
        }
    }
}

impl Keys {
    /// With a shared key, which signs and is trusted: the bytes of a text, 32 at least.
    ///
    /// # Errors
    ///
    /// Where it is too short to be one.
    pub fn with_hmac(mut self, key: &[u8]) -> Result<Keys, Error> {
        if key.len() < SHORTEST {
            return Err(Error::Key {
                what: "the key of snapshots is too short: it has to have 32 characters at least, as \
                       `openssl rand -hex 32` makes them",
            });
        }
        self.hmac = Some(Zeroizing::new(key.to_vec()));
        self.is_required = true;
        Ok(self)
    }

    /// With a private key, which signs and is trusted: PKCS #8 in DER.
    ///
    /// # Errors
    ///
    /// Where it is none.
    pub fn with_signing_key(mut self, pkcs8: &[u8]) -> Result<Keys, Error> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(|_| Error::Key {
            what: "the key that signs snapshots is no private key of Ed25519: make one with \
                   `openssl genpkey -algorithm ed25519 -outform DER`",
        })?;
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        self.trusted.push(public);
        self.signing = Some(pair);
        self.is_required = true;
        Ok(self)
    }

    /// With a public key whose signatures are trusted: 64 hexadecimal digits, with or without
    /// `ed25519:` before them.
    ///
    /// # Errors
    ///
    /// Where it is none.
    pub fn with_trusted(mut self, text: &str) -> Result<Keys, Error> {
        let digits = text.trim();
        let digits = digits.strip_prefix("ed25519:").unwrap_or(digits);
        let key = blake3::Hash::from_hex(digits).map_err(|_| Error::Key {
            what: "a key that snapshots are trusted by is written as 64 hexadecimal digits, as \
                   `tensor-wasm snapshot inspect` shows it",
        })?;
        self.trusted.push(*key.as_bytes());
        self.is_required = true;
        Ok(self)
    }

    /// Requires a signature, also where no key is given.
    #[must_use]
    pub fn requiring_a_signature(mut self) -> Keys {
        self.is_required = true;
        self
    }

    /// Whether a snapshot has to be signed by one of them.
    pub fn is_signature_required(&self) -> bool {
        self.is_required
    }

    /// Signs a header.
    pub(crate) fn sign(&self, header: &mut Header) {
        if let Some(pair) = &self.signing {
            header.algorithm = ED25519_ALGORITHM;
            header.key_id.copy_from_slice(pair.public_key().as_ref());
            let signature = pair.sign(&header.signed_part());
            header.signature.copy_from_slice(signature.as_ref());
        } else if let Some(key) = &self.hmac {
            header.algorithm = HMAC;
            header.key_id = blake3::derive_key(ID_CONTEXT, key);
            let key = hmac::Key::new(hmac::HMAC_SHA256, key);
            let tag = hmac::sign(&key, &header.signed_part());
            header.signature[..32].copy_from_slice(tag.as_ref());
        }
    }

    /// Checks the signature of a header.
    pub(crate) fn check(&self, header: &Header) -> Result<Signature, Error> {
        let wrong = || Error::damaged("its signature is wrong");
        let hex = blake3::Hash::from_bytes(header.key_id).to_hex();
        match header.algorithm {
            NONE if header.key_id != [0; 32] || header.signature != [0; 64] => Err(wrong()),
            NONE if self.is_required => Err(Error::Unsigned),
            NONE => Ok(Signature::None),
            HMAC => {
                let name = format!("hmac:{hex}");
                if header.signature[32..] != [0; 32] {
                    return Err(wrong());
                }
                match &self.hmac {
                    Some(key) if blake3::derive_key(ID_CONTEXT, key) == header.key_id => {
                        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
                        hmac::verify(&key, &header.signed_part(), &header.signature[..32])
                            .map_err(|_| wrong())?;
                        Ok(Signature::Trusted { key: name })
                    }
                    None if !self.is_required => Ok(Signature::Unknown { key: name }),
                    _ => Err(Error::OtherKey { key: name }),
                }
            }
            ED25519_ALGORITHM => {
                let name = format!("ed25519:{hex}");
                UnparsedPublicKey::new(&ED25519, header.key_id)
                    .verify(&header.signed_part(), &header.signature)
                    .map_err(|_| wrong())?;
                match self.trusted.contains(&header.key_id) {
                    true => Ok(Signature::Trusted { key: name }),
                    false if !self.is_required => Ok(Signature::Unknown { key: name }),
                    false => Err(Error::OtherKey { key: name }),
                }
            }
            _ => Err(Error::damaged(
                "it is signed in a way that there is none of",
            )),
        }
    }
}
