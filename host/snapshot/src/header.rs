//! The header: what a file is, how long its manifest is, and who has signed it.

use crate::Error;
use crate::limits::{FORMAT_VERSION, MANIFEST_BYTES};

/// What files begin with. The first byte is no ASCII, and the last ones change where a file is
/// transferred as text.
pub const MAGIC: [u8; 8] = *b"\x93TWSN\r\n\x1a";

/// The length of the header, in bytes.
pub const BYTES: usize = 160;

/// The part of the header that is signed.
pub(crate) const SIGNED_BYTES: usize = 80;

const VERSION: usize = 8;
const ALGORITHM: usize = 10;
const MANIFEST_LENGTH: usize = 12;
const MANIFEST_DIGEST: usize = 16;
const KEY_ID: usize = 48;
const SIGNATURE: usize = 80;
const CHECKSUM: usize = 144;

/// The beginning of a file. Integers are little-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The version of the format. At byte 8.
    pub version: u16,
    /// How the header is signed: 0 not at all, 1 by HMAC-SHA256, 2 by Ed25519. At byte 10.
    pub algorithm: u16,
    /// The length of the manifest, which follows the header, in bytes. At byte 12.
    pub manifest_bytes: u32,
    /// BLAKE3 of the manifest. At byte 16.
    pub manifest_digest: [u8; 32],
    /// The public key of Ed25519, or a digest of the key of HMAC. At byte 48.
    pub key_id: [u8; 32],
    /// The signature of bytes 0 to 79; that of HMAC has 32 bytes, and zeros behind it. At byte 80.
    /// Behind it, at byte 144, are the first 16 bytes of BLAKE3 of all before.
    pub signature: [u8; 64],
}

impl Header {
    /// As it is written.
    pub fn encode(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let mut put = |at: usize, part: &[u8]| {
            if let Some(target) = bytes.get_mut(at..at + part.len()) {
                target.copy_from_slice(part);
            }
        };
        put(0, &MAGIC);
        put(VERSION, &self.version.to_le_bytes());
        put(ALGORITHM, &self.algorithm.to_le_bytes());
        put(MANIFEST_LENGTH, &self.manifest_bytes.to_le_bytes());
        put(MANIFEST_DIGEST, &self.manifest_digest);
        put(KEY_ID, &self.key_id);
        put(SIGNATURE, &self.signature);
        let checksum = checksum(&bytes);
        bytes[CHECKSUM..].copy_from_slice(&checksum);
        bytes
    }

    /// Reads what was written.
    ///
    /// # Errors
    ///
    /// Where it is another file, of a newer version, or damaged.
    pub fn decode(bytes: &[u8; BYTES]) -> Result<Header, Error> {
        if bytes[..MAGIC.len()] != MAGIC {
            return Err(Error::NotASnapshot);
        }
        // Whatever else a newer version has in its header, its number is here.
        let version = u16::from_le_bytes(at(bytes, VERSION));
        if version > FORMAT_VERSION && version < 1 << 8 {
            return Err(Error::Newer { found: version });
        }
        if checksum(bytes) != bytes[CHECKSUM..] || version == 0 {
            return Err(Error::damaged("the checksum of its header is another"));
        }
        let header = Header {
            version,
            algorithm: u16::from_le_bytes(at(bytes, ALGORITHM)),
            manifest_bytes: u32::from_le_bytes(at(bytes, MANIFEST_LENGTH)),
            manifest_digest: at(bytes, MANIFEST_DIGEST),
            key_id: at(bytes, KEY_ID),
            signature: at(bytes, SIGNATURE),
        };
        if header.manifest_bytes > MANIFEST_BYTES {
            return Err(Error::manifest(format!(
                "it has {} bytes, and {MANIFEST_BYTES} are read at most",
                header.manifest_bytes
            )));
        }
        Ok(header)
    }

    /// The part that is signed.
    pub(crate) fn signed_part(&self) -> [u8; SIGNED_BYTES] {
        at(&self.encode(), 0)
    }
}

fn at<const N: usize>(bytes: &[u8; BYTES], offset: usize) -> [u8; N] {
    let mut part = [0; N];
    if let Some(found) = bytes.get(offset..offset + N) {
        part.copy_from_slice(found);
    }
    part
}

fn checksum(bytes: &[u8; BYTES]) -> [u8; BYTES - CHECKSUM] {
    let mut checksum = [0; BYTES - CHECKSUM];
    let digest = blake3::hash(&bytes[..CHECKSUM]);
    checksum.copy_from_slice(&digest.as_bytes()[..BYTES - CHECKSUM]);
    checksum
}
