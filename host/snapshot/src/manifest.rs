//! The manifest of a function: what a snapshot is of, and which chunks it is made of. JSON, with these names and no
//! others: what is added to it makes a new version of the format.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::content::{ChunkEntry, Content};
use crate::digest::digest_of;
use crate::limits::FUNCTION_VERSION;
use crate::{Error, FileManifest, Keys};

/// What a snapshot is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The program that wrote it, and its version.
    pub program: String,
    /// When its contents were as they are here, in milliseconds since 1970, UTC.
    pub created_ms: i64,
    /// Whose function it is.
    pub tenant: u64,
    /// The function.
    pub function: Function,
    /// Its versions that got requests.
    pub versions: Vec<Version>,
    /// What it found in `wasi:config/store`.
    pub settings: BTreeMap<String, String>,
    /// Its secrets, sealed, or their names alone.
    pub secrets: BTreeMap<String, Secret>,
    /// Its jobs that waited or ran.
    pub jobs: Vec<Job>,
    /// All chunks, in the order in which they are in the file.
    pub chunks: Vec<ChunkEntry>,
}

/// The function that a snapshot is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The only servers that it may send HTTP requests to, where there is such a list.
    pub outgoing_hosts: Option<Vec<String>>,
}

/// One of its versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// Its number.
    pub number: u32,
    /// Which part of the requests it got, in percent.
    pub weight: u8,
    /// What it imported that it was granted.
    pub granted: Vec<String>,
    /// What it imported that it was denied.
    pub denied: Vec<String>,
    /// The component.
    pub component: Content,
    /// The files that were mounted for it.
    pub assets: Vec<Asset>,
    /// What it kept on the device.
    pub buffers: Vec<Buffer>,
}

/// A file that was mounted for a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// Where the function finds it: names with `/` between them.
    pub path: String,
    /// What is in it.
    pub content: Content,
}

/// A named buffer on the device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buffer {
    /// Its name.
    pub name: String,
    /// What was in it.
    pub content: Content,
}

/// A secret of the function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// Sealed ([`SecretsKey`](crate::SecretsKey)); nothing where only its name was to be saved.
    pub sealed: Option<String>,
}

/// An invocation that nobody waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// The method of its request.
    pub method: String,
    /// The target of its request, as the function sees it.
    pub uri: String,
    /// The headers of its request: names, and values in base64.
    pub headers: Vec<(String, String)>,
    /// The body of its request.
    pub body: Content,
    /// How often it may be run.
    pub max_attempts: u32,
    /// How long before the second attempt, in milliseconds.
    pub backoff_ms: i64,
    /// What becomes of it where the node ends while it runs: `run` or `lost`.
    pub on_restart: String,
    /// Who made it, where that is known.
    pub created_by: Option<String>,
}

impl Manifest {
    /// The beginning of a file: header and manifest. The stored forms of the chunks follow it, in their
    /// order.
    ///
    /// # Errors
    ///
    /// Where a reader would refuse it.
    pub fn head(&self, keys: &Keys) -> Result<Vec<u8>, Error> {
        FileManifest::head(self, keys)
    }

    /// How long the stored forms of all chunks are together.
    pub fn stored_bytes(&self) -> u64 {
        FileManifest::stored_bytes(self)
    }

    /// How long a file with this head is, of so many bytes.
    pub fn file_bytes(&self, head: usize) -> u64 {
        self.stored_bytes() + head as u64
    }

    /// How many bytes its contents have, each counted as often as it is named.
    pub fn bytes(&self) -> u64 {
        self.contents().map(|(_, content)| content.bytes).sum()
    }

    /// All contents, with what they are.
    pub fn contents(&self) -> impl Iterator<Item = (String, &Content)> {
        let versions = self.versions.iter().flat_map(|version| {
            let number = version.number;
            let component = (
                format!("the component of version {number}"),
                &version.component,
            );
            let assets = version.assets.iter();
            let assets = assets.map(move |asset| {
                let what = format!("the asset {} of version {number}", shown(&asset.path));
                (what, &asset.content)
            });
            let buffers = version.buffers.iter();
            let buffers = buffers.map(move |buffer| {
                let what = format!("the buffer {} of version {number}", shown(&buffer.name));
                (what, &buffer.content)
            });
            [component].into_iter().chain(assets).chain(buffers)
        });
        let jobs = self.jobs.iter();
        versions
            .chain(jobs.map(|job| (format!("the request of job {}", shown(&job.id)), &job.body)))
    }

    /// A manifest of one function with one buffer, for examples and tests.
    #[doc(hidden)]
    pub fn example(buffer: Content, chunks: Vec<ChunkEntry>) -> Manifest {
        Manifest {
            program: format!("tensor-wasm {}", env!("CARGO_PKG_VERSION")),
            created_ms: 1_700_000_000_000,
            tenant: 7,
            function: Function {
                id: "fn_00000000000000000000000000000001".to_owned(),
                name: "example".to_owned(),
                outgoing_hosts: None,
            },
            versions: vec![Version {
                number: 1,
                weight: 100,
                granted: vec!["tensor:gpu/kernels@0.1.0".to_owned()],
                denied: Vec::new(),
                component: Content {
                    digest: digest_of(b""),
                    bytes: 0,
                    chunks: Vec::new(),
                },
                assets: Vec::new(),
                buffers: vec![Buffer {
                    name: "state".to_owned(),
                    content: buffer,
                }],
            }],
            settings: BTreeMap::new(),
            secrets: BTreeMap::new(),
            jobs: Vec::new(),
            chunks,
        }
    }
}

impl FileManifest for Manifest {
    const VERSION: u16 = FUNCTION_VERSION;
    const WHAT: &'static str = "a snapshot of a function";

    fn check(&self) -> Result<(), Error> {
        self.check_all()
    }

    fn chunks(&self) -> &[ChunkEntry] {
        &self.chunks
    }

    fn contents(&self) -> Vec<(String, &Content)> {
        Manifest::contents(self).collect()
    }
}

/// A text of a file in a message: short, on one line.
pub(crate) fn shown(text: &str) -> String {
    let shown: String = text.chars().take(80).collect();
    format!("`{}`", shown.escape_debug())
}
