//! A line of a token file with the hash of a token:
//! `NAME blake3:KEY:HASH [tenants=1,2] [roles=admin,deploy] [expires=TIME]`.
//!
//! KEY is 256 random bits, made once for a file, and HASH is keyed BLAKE3 of the
//! token with it, both in hexadecimal. So two files don't reveal that they have a token in
//! common, and hashes can't be precomputed. Each line holds the key, so that it can be
//! copied by itself.

use std::fmt;

use tensor_wasm_runtime::policy::Scope;

use super::claims::{self, Claims};
use super::{Secret, TokenError};

/// The prefix of the second word of such a line.
const SCHEME: &str = "blake3:";

const HASH: &str = "has a hash that isn't blake3:KEY:HASH, each of 64 hexadecimal digits";

/// The key of a file's hashes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FileKey(pub(super) [u8; blake3::KEY_LEN]);

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey(…)")
    }
}

impl FileKey {
    /// Generates a key.
    ///
    /// # Errors
    ///
    /// Where the operating system has no random numbers.
    pub fn generate() -> Result<FileKey, TokenError> {
        let mut key = [0; blake3::KEY_LEN];
        getrandom::fill(&mut key).map_err(TokenError::NoRandomNumbers)?;
        Ok(FileKey(key))
    }
}

/// A line with a hash. Displays as it is written in a file.
pub struct HashedLine {
    pub(super) claims: Claims,
    pub(super) key: FileKey,
    pub(super) hash: [u8; blake3::OUT_LEN],
}

impl HashedLine {
    /// The line for a token.
    ///
    /// # Errors
    ///
    /// [`TokenError::Claims`] for a name, a role, a scope or an end that can't be
    /// written.
    pub fn new(secret: &Secret, key: FileKey, claims: Claims) -> Result<HashedLine, TokenError> {
        claims.check()?;
        let hash = *blake3::keyed_hash(&key.0, secret.reveal().as_bytes()).as_bytes();
        Ok(HashedLine { claims, key, hash })
    }

    /// Reads such a line; `None` where it is one of the other kind.
    pub(super) fn parse(text: &str) -> Option<Result<HashedLine, &'static str>> {
        let mut words = text.split_ascii_whitespace();
        let name = words.next()?;
        let digest = words.next()?.strip_prefix(SCHEME)?;
        Some(Self::parse_words(name, digest, words))
    }

    fn parse_words<'a>(
        name: &str,
        digest: &str,
        attributes: impl Iterator<Item = &'a str>,
    ) -> Result<HashedLine, &'static str> {
        if !claims::is_word(name) {
            return Err(claims::NAME);
        }
        let (key, hash) = digest.split_once(':').ok_or(HASH)?;
        let bytes = |hex: &str| match blake3::Hash::from_hex(hex) {
            Ok(hash) => Ok(*hash.as_bytes()),
            Err(_) => Err(HASH),
        };
        let (key, hash) = (FileKey(bytes(key)?), bytes(hash)?);

        let (mut tenants, mut roles, mut expires) = (None, None, None);
        for attribute in attributes {
            let before = match attribute.split_once('=') {
                Some(("tenants", text)) => tenants.replace(claims::parse_tenants(text)?).is_some(),
                Some(("roles", text)) => roles.replace(claims::parse_roles(text)?).is_some(),
                Some(("expires", text)) => expires.replace(claims::parse_time(text)?).is_some(),
                _ => return Err("has an attribute that isn't tenants=, roles= or expires="),
            };
            if before {
                return Err("has an attribute twice");
            }
        }
        let claims = Claims {
            name: name.to_owned(),
            scope: tenants.unwrap_or(Scope::All),
            roles: roles.unwrap_or_default(),
            expires,
        };
        Ok(HashedLine { claims, key, hash })
    }
}

impl fmt::Display for HashedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |bytes| blake3::Hash::from_bytes(bytes).to_hex();
        let (key, hash) = (hex(self.key.0), hex(self.hash));
        write!(f, "{} {SCHEME}{key}:{hash}", self.claims.name)?;
        if self.claims.scope != Scope::All {
            write!(f, " tenants={}", claims::format_tenants(&self.claims.scope))?;
        }
        if !self.claims.roles.is_empty() {
            write!(f, " roles={}", self.claims.roles.join(","))?;
        }
        if let Some(expires) = self.claims.expires {
            write!(f, " expires={}", claims::format_time(expires))?;
        }
        Ok(())
    }
}

impl fmt::Debug for HashedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HashedLine")
            .field(&self.claims.name)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use proptest::prelude::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn hex(digit: &str) -> String {
        digit.repeat(64)
    }

    #[test]
    fn attributes_are_optional_and_come_in_any_order() {
        let (key, hash) = (hex("a"), hex("B"));
        let line = |more: &str| {
            let text = format!("alice \t blake3:{key}:{hash} {more}");
            HashedLine::parse(&text).unwrap().unwrap().claims
        };
        let bare = line("");
        assert_eq!((bare.scope, bare.roles.len()), (Scope::All, 0));
        assert_eq!(bare.expires, None);
        let full = line("expires=2027-01-01T00:00:00Z  roles=admin,deploy tenants=1,2");
        assert_eq!(full.scope, Scope::Only(vec![1, 2]));
        assert_eq!(full.roles, ["admin", "deploy"]);
        assert_eq!(
            claims::format_time(full.expires.unwrap()),
            "2027-01-01T00:00:00Z"
        );
    }

    #[test]
    fn each_error_has_a_message_of_its_own() {
        let (key, hash) = (hex("a"), hex("b"));
        let good = format!("alice blake3:{key}:{hash}");
        for (text, word) in [
            (format!("al:ice blake3:{key}:{hash}"), "name"),
            (format!("alice blake3:{key}"), "hash"),
            ("alice blake3:".to_owned(), "hash"),
            (format!("alice blake3:{key}:{hash}0"), "hash"),
            (format!("alice blake3:{key}:{}", hex("g")), "hash"),
            (format!("alice blake3:{key}:{}", "é".repeat(32)), "hash"),
            (format!("{good} tenants="), "tenants"),
            (format!("{good} tenants=1,x"), "tenants"),
            (format!("{good} roles="), "role"),
            (format!("{good} roles=a,,b"), "role"),
            (format!("{good} expires=2027"), "end"),
            (format!("{good} expires=soon"), "end"),
            (format!("{good} tenant=1"), "attribute"),
            (format!("{good} # a comment"), "attribute"),
            (format!("{good} roles=a roles=b"), "twice"),
        ] {
            let problem = HashedLine::parse(&text).unwrap().unwrap_err();
            assert!(problem.contains(word), "{text}: {problem}");
        }
    }

    #[test]
    fn lines_without_a_hash_are_not_parsed() {
        for text in [
            "",
            "token",
            "name:token",
            "name: token",
            "name : token",
            "a b",
        ] {
            assert!(HashedLine::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn neither_key_nor_hash_is_shown_for_debugging() {
        let text = format!("alice blake3:{}:{}", hex("a"), hex("b"));
        let line = HashedLine::parse(&text).unwrap().unwrap();
        assert_eq!(format!("{line:?}"), r#"HashedLine("alice")"#);
        assert_eq!(format!("{:?}", line.key), "FileKey(…)");
    }

    fn any_grant() -> impl Strategy<Value = Claims> {
        (
            "[A-Za-z0-9._-]{1,64}",
            prop_oneof![
                Just(Scope::All),
                prop::collection::btree_set(any::<u64>(), 1..8)
                    .prop_map(|tenants| Scope::Only(tenants.into_iter().collect())),
            ],
            prop::collection::vec("[A-Za-z0-9._-]{1,64}", 0..4),
            prop::option::of((0..253_402_300_799_u64, 0..1_000_000_000_u32)),
        )
            .prop_map(|(name, scope, roles, time)| Claims {
                name,
                scope,
                roles,
                expires: time.map(|(s, ns)| UNIX_EPOCH + Duration::new(s, ns)),
            })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(claims in any_grant(), key in any::<[u8; 32]>()) {
            let secret = Secret::generate().unwrap();
            let line = HashedLine::new(&secret, FileKey(key), claims.clone()).unwrap();
            let text = line.to_string();
            prop_assert!(!text.contains(secret.reveal()));
            let read = HashedLine::parse(&text).unwrap().unwrap();
            prop_assert_eq!(read.claims, claims);
            prop_assert_eq!((read.key, read.hash), (line.key, line.hash));
        }

        #[test]
        fn no_text_panics(
            text in "\\PC{0,20} blake3:[0-9a-f:]{0,200} (tenants=|roles=|expires=)\\PC{0,40}",
        ) {
            let _ = HashedLine::parse(&text);
        }

        #[test]
        fn no_time_panics(text in "[0-9]{4}[-\\PC][0-9]{2}-[0-9]{2}[T\\PC][0-9:.Z+\\PC]{0,30}") {
            let _ = claims::parse_time(&text);
            let _ = claims::parse_expiry(&text, UNIX_EPOCH);
        }
    }
}
