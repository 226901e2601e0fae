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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;
    use tensor_wasm_runtime::{Replay, Tolerance};
    use tensor_wasm_snapshot::header::Header;

    /// The length of a file's header.
    const HEADER: usize = 160;

    fn recorded() -> Recorded {
        let mut data = vec![0; 5 << 19];
        blake3::Hasher::new().finalize_xof().fill(&mut data);
        let line = br#"{"call":"a","arguments":null,"result":null}"#;
        Recorded {
            request: RecordedRequest {
                request_id: "a".to_owned(),
                began_ms: 1,
                tenant: Some(7),
                method: "GET".to_owned(),
                target: "/".to_owned(),
                headers: vec![("host".to_owned(), b"\xffhost".to_vec())],
                component: format!("blake3:{}", "ab".repeat(32)),
                environment: vec![("a".to_owned(), "b".to_owned())],
                settings: Vec::new(),
                directories: vec!["/a".to_owned()],
                memory_bytes: 1,
                seed: [7; 32],
                redacted_names: vec!["a".to_owned()],
                redacted: vec!["header a".to_owned()],
            },
            ending: Ending::default(),
            truncated: true,
            calls: 50_000,
            // More than a chunk too.
            journal: [line.as_slice(), b"\n"].concat().repeat(50_000),
            data,
        }
    }

    /// A recording of several chunks, and where each of them begins and the file ends.
    static FILE: LazyLock<(Vec<u8>, Vec<usize>)> = LazyLock::new(|| {
        let file = encode(recorded(), Some("f"), None).unwrap();
        let keys = Keys::default();
        let mut decoder = Decoder::<_, RecordingManifest>::of(&keys);
        decoder.push(&file);
        while decoder.next_event().unwrap().is_some() {}
        let (manifest, _) = decoder.finish().unwrap();
        let mut at = manifest.head(&keys).unwrap().len();
        let mut ends = vec![at];
        for entry in &manifest.chunks {
            at += entry.stored as usize;
            ends.push(at);
        }
        assert_eq!(at, file.len());
        assert!(ends.len() > 4);
        (file, ends)
    });

    #[test]
    fn a_recording_of_several_chunks_is_read_as_it_was_written() {
        assert_eq!(decode(&FILE.0[..]).unwrap().recorded, recorded());
    }

    #[test]
    fn a_file_that_ends_at_any_chunk_or_beside_it_is_refused() {
        let (file, ends) = &*FILE;
        let beside = ends.iter().flat_map(|end| [end - 1, *end, end + 1]);
        for length in [0, 1, HEADER - 1, HEADER, HEADER + 1]
            .into_iter()
            .chain(beside)
        {
            if length < file.len() {
                assert!(decode(&file[..length]).is_err(), "{length}");
            }
        }
        let longer = [file.as_slice(), b"a"].concat();
        assert!(decode(&longer[..]).is_err());
    }

    #[test]
    fn a_header_with_any_bit_changed_is_refused() {
        let (file, _) = &*FILE;
        let mut file = file.clone();
        for at in 0..HEADER {
            for bit in 0..8 {
                file[at] ^= 1 << bit;
                assert!(decode(&file[..]).is_err(), "{at} {bit}");
                file[at] ^= 1 << bit;
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_file_with_any_byte_changed_is_refused(
            at in any::<prop::sample::Index>(),
            change in 1..=u8::MAX,
        ) {
            let (file, _) = &*FILE;
            let mut file = file.clone();
            let at = at.index(file.len());
            file[at] ^= change;
            prop_assert!(decode(&file[..]).is_err());
        }

        /// Whoever makes a file up makes its header right.
        #[test]
        fn any_manifest_is_read_or_refused(
            at in any::<prop::sample::Index>(),
            change in prop::collection::vec(any::<u8>(), 0..4),
            removed in 0..4_usize,
        ) {
            let (file, ends) = &*FILE;
            let mut manifest = file[HEADER..ends[0]].to_vec();
            let at = at.index(manifest.len());
            let end = manifest.len().min(at + removed);
            manifest.splice(at..end, change);
            let header = Header {
                version: RecordingManifest::VERSION,
                algorithm: 0,
                manifest_bytes: u32::try_from(manifest.len()).unwrap(),
                manifest_digest: *blake3::hash(&manifest).as_bytes(),
                key_id: [0; 32],
                signature: [0; 64],
            };
            let file = [&header.encode()[..], &manifest, &file[ends[0]..]].concat();
            if let Ok(read) = decode(&file[..]) {
                let replay = Replay::new(read.recorded, &[], Tolerance::default());
                let _ = replay.map(|replay| replay.request().is_ok());
            }
        }
    }
}
