//! What the manifests of all versions of the format have in common: they are JSON behind a header that
//! names their digest, and list the chunks that follow.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::header::Header;
use crate::limits::MANIFEST_BYTES;
use crate::{ChunkEntry, Content, Error, Keys};

/// A manifest: [`Manifest`](crate::Manifest) is that of a function,
/// [`NodeManifest`](crate::NodeManifest) that of a node.
pub trait FileManifest: Serialize + DeserializeOwned {
    /// The version of the format that files with it have.
    const VERSION: u16;

    /// What such a file is.
    const WHAT: &'static str;

    /// Whether files of this version of the format have it, or such as it is made of.
    fn reads(version: u16) -> bool {
        version == Self::VERSION
    }

    /// The manifest that a text of this version is.
    ///
    /// # Errors
    ///
    /// Where it is none.
    fn of_text(version: u16, text: &[u8]) -> Result<Self, Error> {
        // Only one is read.
        let _ = version;
        serde_json::from_slice(text).map_err(|error| Error::manifest(error.to_string()))
    }

    /// Whether it is one that a writer makes.
    ///
    /// # Errors
    ///
    /// Where it is none.
    fn check(&self) -> Result<(), Error>;

    /// All chunks, in the order in which they are in the file.
    fn chunks(&self) -> &[ChunkEntry];

    /// All contents, with what they are.
    fn contents(&self) -> Vec<(String, &Content)>;

    /// The beginning of a file: header and manifest. The stored forms of the chunks follow it, in their
    /// order.
    ///
    /// # Errors
    ///
    /// Where a reader would refuse it.
    fn head(&self, keys: &Keys) -> Result<Vec<u8>, Error> {
        self.check()?;
        let text = serde_json::to_vec(self).map_err(|error| Error::manifest(error.to_string()))?;
        let length = u32::try_from(text.len()).ok();
        let length = length.filter(|length| *length <= MANIFEST_BYTES);
        let manifest_bytes = length.ok_or_else(|| Error::manifest("it is too long"))?;
        let mut header = Header {
            version: Self::VERSION,
            algorithm: 0,
            manifest_bytes,
            manifest_digest: *blake3::hash(&text).as_bytes(),
            key_id: [0; 32],
            signature: [0; 64],
        };
        keys.sign(&mut header);
        let mut head = header.encode().to_vec();
        head.extend_from_slice(&text);
        Ok(head)
    }

    /// Reads the manifest that a header names.
    ///
    /// # Errors
    ///
    /// Where it is another, of another version, or none that a writer makes.
    fn parse(header: &Header, text: &[u8]) -> Result<Self, Error> {
        if *blake3::hash(text).as_bytes() != header.manifest_digest {
            return Err(Error::damaged("its manifest has another content"));
        }
        let manifest = Self::of_text(header.version, text)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// How long the stored forms of all chunks are together.
    fn stored_bytes(&self) -> u64 {
        let chunks = self.chunks().iter();
        chunks.map(|chunk| u64::from(chunk.stored)).sum()
    }
}
