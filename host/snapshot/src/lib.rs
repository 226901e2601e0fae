//! The file format of snapshots: what a function is, what it keeps on its device, and the jobs that
//! wait for it, in one file that another node can read.
//!
//! A file is a [`Header`](header::Header), a [`Manifest`] in JSON and, one after another, the stored
//! forms of the chunks that the manifest lists. The header has the digest of the manifest, is signed,
//! and has a checksum; the manifest has the digest of each chunk *as it is stored*. So a reader
//! ([`Decoder`]) believes nothing that is not authenticated, decompresses nothing whose digest is
//! wrong, and knows from the manifest how long the file is, and how much each chunk decompresses to.
//! It takes bytes as they come, and holds one chunk at a time.
//!
//! A [`Manifest`] is that of a function. A node's own state, such as usage and the hashes of tokens, is in
//! a file of the same kind with a [`NodeManifest`], and so is a recorded request, with a
//! [`RecordingManifest`].
//!
//! The crate opens no files and knows no node. `docs/SNAPSHOT-COMPATIBILITY.md` describes the format.
//!
//! ```
//! use tensor_wasm_snapshot::{Chunker, Decoder, Event, Keys, Manifest};
//!
//! # fn main() -> Result<(), tensor_wasm_snapshot::Error> {
//! let keys = Keys::default().with_hmac(b"a secret of at least 32 characters")?;
//! let mut chunker = Chunker::default();
//! let chunk = chunker.add(b"what the function keeps on its device")?;
//! let buffer = chunker.finish();
//! let manifest = Manifest::example(buffer, vec![chunk.entry.clone()]);
//! let mut file = manifest.head(&keys)?;
//! file.extend_from_slice(&chunk.stored);
//!
//! let mut decoder = Decoder::new(&keys);
//! decoder.push(&file);
//! while let Some(event) = decoder.next_event()? {
//!     if let Event::Chunk(index, chunk) = event {
//!         println!("chunk {index} has {} bytes", chunk.unpack()?.len());
//!     }
//! }
//! decoder.finish()?;
//! # Ok(())
//! # }
//! ```

mod check;
mod chunk;
mod content;
mod decoder;
mod digest;
mod error;
mod file_manifest;
pub mod header;
mod keys;
pub mod limits;
mod manifest;
mod node;
mod recording;
mod secret;
mod verify;

pub use chunk::{Chunk, Chunker};
pub use content::{ChunkEntry, Content};
pub use decoder::{Decoder, Event};
pub use error::Error;
pub use file_manifest::FileManifest;
pub use keys::{Keys, Signature};
pub use manifest::{Asset, Buffer, Function, Job, Manifest, Secret, Version};
pub use node::{AuditPosition, KeptSnapshot, NodeFunction, NodeManifest};
pub use recording::{RecordedDevice, RecordedEnding, RecordingManifest};
pub use secret::SecretsKey;
pub use verify::{Verified, verify, verify_as};
