//! One token of a list, as a hash, with its principal.

use std::time::SystemTime;

use tensor_wasm_runtime::policy::{Principal, Scope};
use zeroize::Zeroizing;

use super::claims::Claims;
use super::hashed::{FileKey, HashedLine};
use super::{TokenError, TokenSource};

/// The random keys of this process, which never leave it.
#[derive(Clone)]
pub(super) struct ProcessKeys {
    /// The key that tokens in the clear are hashed with.
    pub(super) tokens: Zeroizing<[u8; blake3::KEY_LEN]>,
    /// The key that hashes are hashed with for the lookup.
    pub(super) lookup: Zeroizing<[u8; blake3::KEY_LEN]>,
}

impl ProcessKeys {
    pub(super) fn generate() -> Result<ProcessKeys, TokenError> {
        let random = || {
            let mut key = Zeroizing::new([0; blake3::KEY_LEN]);
            getrandom::fill(key.as_mut_slice()).map_err(TokenError::NoRandomNumbers)?;
            Ok(key)
        };
        Ok(ProcessKeys {
            tokens: random()?,
            lookup: random()?,
        })
    }
}

/// One token of a list.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) place: TokenSource,
    /// The key of the hash; `None` is the process's key.
    pub(super) key: Option<FileKey>,
    pub(super) hash: [u8; blake3::OUT_LEN],
    pub(super) principal: Principal,
    /// Whether its name was generated, since it came without one.
    pub(super) unnamed: bool,
    pub(super) expires: Option<SystemTime>,
}

impl Entry {
    /// For a token that came in the clear.
    pub(super) fn plain(
        keys: &ProcessKeys,
        place: TokenSource,
        token: &str,
        principal: Principal,
        unnamed: bool,
    ) -> Entry {
        Entry {
            place,
            key: None,
            hash: *blake3::keyed_hash(&keys.tokens, token.as_bytes()).as_bytes(),
            principal,
            unnamed,
            expires: None,
        }
    }

    /// For a token that came as a hash.
    pub(super) fn hashed(place: TokenSource, line: HashedLine) -> Entry {
        Entry {
            place,
            key: Some(line.key),
            hash: line.hash,
            principal: Principal {
                id: line.claims.name,
                scope: line.claims.scope,
                roles: line.claims.roles,
            },
            unnamed: false,
            expires: line.claims.expires,
        }
    }

    /// The line that it was read from; nothing where it came in the clear.
    pub(super) fn line(&self) -> Option<HashedLine> {
        Some(HashedLine {
            claims: Claims {
                name: self.principal.id.clone(),
                scope: self.principal.scope.clone(),
                roles: self.principal.roles.clone(),
                expires: self.expires,
            },
            key: self.key?,
            hash: self.hash,
        })
    }

    pub(super) fn has_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }

    pub(super) fn listed(&self) -> Listed<'_> {
        Listed {
            place: self.place,
            name: &self.principal.id,
            scope: &self.principal.scope,
            roles: &self.principal.roles,
            expires: self.expires,
            hashed: self.key.is_some(),
        }
    }
}

/// What may be shown of a token: all but the token and its hash.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    /// Where it was read.
    pub place: TokenSource,
    /// Who holds it.
    pub name: &'a str,
    /// The tenants that it is for.
    pub scope: &'a Scope,
    /// What its holder may do.
    pub roles: &'a [String],
    /// When it expires.
    pub expires: Option<SystemTime>,
    /// Whether it was read as a hash, and not in the clear.
    pub hashed: bool,
}
