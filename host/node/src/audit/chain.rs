//! The hash chain: each record holds its number and the hash of the line before it, so that
//! a line that is changed, missing or moved no longer matches its neighbours.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::AuditError;

/// The BLAKE3 hash of a line's bytes, without its newline.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LineHash([u8; blake3::OUT_LEN]);

impl LineHash {
    /// The hash in the first record of all, which has no line before it.
    pub const ZERO: LineHash = LineHash([0; blake3::OUT_LEN]);

    /// The hash of a line, which is given without its newline.
    pub fn of(line: &[u8]) -> LineHash {
        LineHash(*blake3::hash(line).as_bytes())
    }
}

impl fmt::Display for LineHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for LineHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LineHash({self})")
    }
}

/// Reads 64 lower-case hexadecimal digits.
fn parse(text: &str) -> Option<LineHash> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let hash = blake3::Hash::from_hex(text).ok()?;
    Some(LineHash(*hash.as_bytes()))
}

impl Serialize for LineHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl<'de> Deserialize<'de> for LineHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text)
            .ok_or_else(|| D::Error::custom("a hash is not 64 lower-case hexadecimal digits"))
    }
}

/// A record's number and its hash: whoever notes it elsewhere can tell later
/// whether the log up to this record is still what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the record.
    pub seq: u64,
    /// The hash of its line.
    pub hash: LineHash,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for Head {
    type Err = AuditError;

    fn from_str(input: &str) -> Result<Self, AuditError> {
        input
            .split_once(':')
            .and_then(|(seq, hash)| {
                Some(Head {
                    seq: seq.parse().ok()?,
                    hash: parse(hash)?,
                })
            })
            .ok_or_else(|| AuditError::Head {
                input: input.to_owned(),
            })
    }
}

impl Serialize for Head {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where a chain goes on: what the next line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    /// The next record's number.
    pub seq: u64,
    /// The last line's hash.
    pub prev_hash: LineHash,
}

impl Chain {
    /// A chain without records.
    pub const NEW: Chain = Chain {
        seq: 0,
        prev_hash: LineHash::ZERO,
    };

    /// The last record, if there is one.
    pub fn head(self) -> Option<Head> {
        Some(Head {
            seq: self.seq.checked_sub(1)?,
            hash: self.prev_hash,
        })
    }

    /// The chain after a record.
    pub fn after(seq: u64, line: &[u8]) -> Chain {
        Chain {
            seq: seq.saturating_add(1),
            prev_hash: LineHash::of(line),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_shown() {
        let head = Head {
            seq: 7,
            hash: LineHash::of(b"line"),
        };
        assert_eq!(head.to_string().parse::<Head>().unwrap(), head);
    }

    #[test]
    fn a_head_that_is_none_is_repeated_in_the_error() {
        let upper = format!("1:{}", "A".repeat(64));
        let short = format!("1:{}", "a".repeat(63));
        for text in ["", "7", "7:", ":", "x:00", "-1:00", &upper, &short] {
            let error = text.parse::<Head>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")), "{error}");
        }
    }
}
