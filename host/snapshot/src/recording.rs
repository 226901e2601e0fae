//! The manifest of a recorded request: what came to the guest from outside, so that it can be run again.

use serde::{Deserialize, Serialize};

use crate::check::{at_most, check_chunks, check_contents, name};
use crate::digest::is_digest;
use crate::limits::{
    NAME_BYTES, RECORDING_BYTES, RECORDING_TEXT_BYTES, RECORDING_VERSION, SETTINGS,
};
use crate::{ChunkEntry, Content, Error, FileManifest};

/// A recorded request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordingManifest {
    /// The program that wrote it, and its version.
    pub program: String,
    /// When the request began, in milliseconds since 1970, UTC.
    pub created_ms: i64,
    /// The name of the request in logs and responses.
    pub request_id: String,
    /// Whose request it was, where that is known.
    pub tenant: Option<u64>,
    /// The id of the function, on a node.
    pub function: Option<String>,
    /// The content of the component: `blake3:` and hexadecimal digits.
    pub component: String,
    /// The device behind `tensor:gpu`, if there was one.
    pub device: Option<RecordedDevice>,
    /// The method of the request.
    pub method: String,
    /// The target of the request, as the guest saw it.
    pub target: String,
    /// The headers of the request: names, and values in base64.
    pub headers: Vec<(String, String)>,
    /// The environment variables that the guest saw.
    pub environment: Vec<(String, String)>,
    /// What it found in `wasi:config/store`.
    pub settings: Vec<(String, String)>,
    /// The directories that it could open, as it names them.
    pub directories: Vec<String>,
    /// What its memories and resources could take, in bytes.
    pub memory_bytes: u64,
    /// What its random numbers follow from: 64 hexadecimal digits.
    pub seed: String,
    /// Names whose values are left out, beside those that always are.
    pub redacted_names: Vec<String>,
    /// What was left out, in words.
    pub redacted: Vec<String>,
    /// How the request ended.
    pub ending: RecordedEnding,
    /// Whether the recording ends because it had as much as it could.
    pub truncated: bool,
    /// How many calls there are.
    pub calls: u64,
    /// The calls, in their order: a JSON document a line.
    pub journal: Content,
    /// The bytes that calls name.
    pub data: Content,
    /// All chunks, in the order in which they are in the file.
    pub chunks: Vec<ChunkEntry>,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedDevice {
    /// `cpu` or `cuda`.
    pub backend: String,
    /// Its name.
    pub name: String,
}

/// How a recorded request ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedEnding {
    /// The status of the guest's response, if it gave one.
    pub status: Option<u16>,
    /// Why it gave none, as the host's response says it.
    pub error: Option<String>,
    /// What trapped.
    pub trap: Option<String>,
    /// Whether the guest came to its own end.
    pub complete: bool,
}

impl FileManifest for RecordingManifest {
    const VERSION: u16 = RECORDING_VERSION;
    const WHAT: &'static str = "the recording of a request, which `tensor-wasm replay` takes";

    fn check(&self) -> Result<(), Error> {
        check_chunks(&self.chunks)?;
        check_contents(&self.chunks, self.contents())?;
        name("the program", &self.program)?;
        name("the request", &self.request_id)?;
        name("the method", &self.method)?;
        if let Some(function) = &self.function {
            name("the function", function)?;
        }
        if let Some(device) = &self.device {
            name("a backend", &device.backend)?;
            name("the device", &device.name)?;
        }
        if !is_digest(&self.component) {
            return Err(Error::manifest("its component has no digest"));
        }
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if self.seed.len() != 64 || !self.seed.bytes().all(is_digit) {
            return Err(Error::manifest("it has no seed of 64 hexadecimal digits"));
        }
        for (what, count) in [
            ("headers", self.headers.len()),
            ("environment variables", self.environment.len()),
            ("settings", self.settings.len()),
            ("directories", self.directories.len()),
            ("names that are left out", self.redacted_names.len()),
        ] {
            at_most(what, count, SETTINGS)?;
        }
        let pairs = self.environment.iter().chain(&self.settings);
        let texts = pairs.flat_map(|(name, value)| [name, value]);
        let texts = texts.chain(self.headers.iter().flat_map(|(name, value)| [name, value]));
        let texts = texts.chain([&self.target]).chain(&self.redacted);
        if texts.map(String::len).sum::<usize>() > RECORDING_TEXT_BYTES {
            return Err(Error::manifest(format!(
                "its head and settings have more than {RECORDING_TEXT_BYTES} bytes"
            )));
        }
        for directory in &self.directories {
            if directory.len() > NAME_BYTES {
                return Err(Error::manifest("the name of a directory is too long"));
            }
        }
        for (what, content) in self.contents() {
            if content.bytes > RECORDING_BYTES {
                return Err(Error::manifest(format!(
                    "{what} have {} bytes, and {RECORDING_BYTES} are read at most",
                    content.bytes
                )));
            }
        }
        Ok(())
    }

    fn chunks(&self) -> &[ChunkEntry] {
        &self.chunks
    }

    fn contents(&self) -> Vec<(String, &Content)> {
        vec![
            ("the calls".to_owned(), &self.journal),
            ("the bytes of calls".to_owned(), &self.data),
        ]
    }
}
