//! A recording as a file: made, and read.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tensor_wasm_runtime::{Ending, Recorded, RecordedRequest};
use tensor_wasm_snapshot::{
    Chunk, Chunker, Content, Decoder, Error, Event, FileManifest, Keys, RecordedDevice,
    RecordedEnding, RecordingManifest,
};
use thiserror::Error as ThisError;

/// How much is read at once.
const PIECE: usize = 256 << 10;

/// Where components lie, beside recordings.
pub(super) const COMPONENTS: &str = "components";

/// A recording that was read.
#[derive(Clone, Debug)]
pub struct ReadRecording {
    /// What is in it.
    pub recorded: Recorded,
    /// The program that wrote it, and its version.
    pub program: String,
    /// The id of the function, on a node.
    pub function: Option<String>,
    /// The device behind `tensor:gpu`, if there was one.
    pub device: Option<RecordedDevice>,
}

/// Why a recording can't be read.
#[derive(Debug, ThisError)]
pub enum RecordingError {
    /// The system refuses it.
    #[error("can't read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
    /// It is none, or damaged, or of a newer version.
    #[error("{} can't be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        cause: Box<Error>,
    },
}

/// The name of a component's file beside recordings. A digest is no path, whatever a recording says.
pub(super) fn component_name(digest: &str) -> Option<String> {
    let digits = digest.strip_prefix("blake3:")?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_digest = digits.len() == 64 && digits.bytes().all(is_digit);
    is_digest.then(|| format!("{digits}.wasm"))
}

/// Where the component of a recording lies, if it was kept beside it.
pub fn component_path(recording: &Path, digest: &str) -> Option<PathBuf> {
    let name = component_name(digest)?;
    let folder = recording.parent()?;
    let above = folder.parent().map(|above| above.join(COMPONENTS));
    let beside = Some(folder.join(COMPONENTS));
    let found = beside.into_iter().chain(above);
    let mut found = found.map(|components| components.join(&name));
    found.find(|path| path.is_file())
}

/// What a recording is as a file.
pub(super) fn encode(
    recorded: Recorded,
    function: Option<&str>,
    device: Option<&RecordedDevice>,
) -> Result<Vec<u8>, Error> {
    let mut chunker = Chunker::default();
    let (journal, mut chunks) = chunker.add_all(&recorded.journal)?;
    let (data, more) = chunker.add_all(&recorded.data)?;
    chunks.extend(more);
    let request = recorded.request;
    let headers = request.headers.into_iter();
    let ending = recorded.ending;
    let manifest = RecordingManifest {
        program: format!("tensor-wasm {}", env!("CARGO_PKG_VERSION")),
        created_ms: request.began_ms,
        request_id: request.request_id,
        tenant: request.tenant,
        function: function.map(str::to_owned),
        component: request.component,
        device: device.cloned(),
        method: request.method,
        target: request.target,
        headers: headers
            .map(|(name, value)| (name, STANDARD.encode(value)))
            .collect(),
        environment: request.environment,
        settings: request.settings,
        directories: request.directories,
        memory_bytes: request.memory_bytes,
        seed: blake3::Hash::from_bytes(request.seed).to_hex().to_string(),
        redacted_names: request.redacted_names,
        redacted: request.redacted,
        ending: RecordedEnding {
            status: ending.status,
            error: ending.error,
            trap: ending.trap,
            complete: ending.complete,
        },
        truncated: recorded.truncated,
        calls: recorded.calls,
        journal,
        data,
        chunks: chunker.into_entries(),
    };
    let mut file = manifest.head(&Keys::default())?;
    // Each is in the file once, in the order of the list.
    let mut places = manifest.chunks.iter().map(|entry| &entry.digest).peekable();
    for chunk in &chunks {
        if places.peek() == Some(&&chunk.entry.digest) {
            file.extend_from_slice(&chunk.stored);
            places.next();
        }
    }
    Ok(file)
}

/// Reads a recording, and checks everything in it.
///
/// # Errors
///
/// [`RecordingError`]
pub fn read(path: &Path) -> Result<ReadRecording, RecordingError> {
    let io = |cause| RecordingError::Io {
        path: path.to_owned(),
        cause,
    };
    let file = File::open(path).map_err(io)?;
    decode(file).map_err(|cause| match cause {
        Error::Io(cause) => io(cause),
        cause => RecordingError::File {
            path: path.to_owned(),
            cause: Box::new(cause),
        },
    })
}

fn decode(mut source: impl Read) -> Result<ReadRecording, Error> {
    let keys = Keys::default();
    let mut decoder = Decoder::<_, RecordingManifest>::of(&keys);
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let mut piece = vec![0; PIECE];
    let mut unpacked = 0;
    loop {
        let count = source.read(&mut piece)?;
        if count == 0 {
            break;
        }
        decoder.push(piece.get(..count).unwrap_or_default());
        while let Some(event) = decoder.next_event()? {
            if let Event::Chunk(_, chunk) = event {
                // Each chunk is of a content, and those are not longer than they may be.
                unpacked += u64::from(chunk.entry.bytes);
                if unpacked > 2 * tensor_wasm_snapshot::limits::RECORDING_BYTES {
                    return Err(Error::Manifest {
                        what: "its chunks have more bytes than a recording may have".to_owned(),
                    });
                }
                parts.push(Chunk::unpack(&chunk)?);
            }
        }
    }
    let (manifest, _) = decoder.finish()?;
    let journal = content("the calls", &manifest.journal, &parts)?;
    let data = content("the bytes of calls", &manifest.data, &parts)?;
    let mut headers = Vec::new();
    for (name, value) in manifest.headers {
        let value = STANDARD.decode(value).map_err(|_| Error::Manifest {
            what: "the value of a header is no base64".to_owned(),
        })?;
        headers.push((name, value));
    }
    let seed = blake3::Hash::from_hex(&manifest.seed).map_err(|_| Error::Manifest {
        what: "its seed can't be read".to_owned(),
    })?;
    Ok(ReadRecording {
        recorded: Recorded {
            request: RecordedRequest {
                request_id: manifest.request_id,
                began_ms: manifest.created_ms,
                tenant: manifest.tenant,
                method: manifest.method,
                target: manifest.target,
                headers,
                component: manifest.component,
                environment: manifest.environment,
                settings: manifest.settings,
                directories: manifest.directories,
                memory_bytes: manifest.memory_bytes,
                seed: *seed.as_bytes(),
                redacted_names: manifest.redacted_names,
                redacted: manifest.redacted,
            },
            ending: Ending {
                status: manifest.ending.status,
                error: manifest.ending.error,
                trap: manifest.ending.trap,
                complete: manifest.ending.complete,
            },
            truncated: manifest.truncated,
            calls: manifest.calls,
            journal,
            data,
        },
        program: manifest.program,
        function: manifest.function,
        device: manifest.device,
    })
}

/// A content, of its chunks.
fn content(what: &str, content: &Content, parts: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for place in &content.chunks {
        let part = parts.get(*place as usize).map(Vec::as_slice);
        bytes.extend_from_slice(part.unwrap_or_default());
    }
    let digest = format!("blake3:{}", blake3::hash(&bytes).to_hex());
    match digest == content.digest {
        true => Ok(bytes),
        false => Err(Error::Manifest {
            what: format!("{what} are not what their chunks make up"),
        }),
    }
}
