//! Downloading a snapshot: checked as it comes, resumed where the connection breaks off, and there under
//! its name once it is whole.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use http::header::{CONTENT_LENGTH, RANGE};
use http::{HeaderValue, StatusCode};
use tensor_wasm_snapshot::{Decoder, Event, FileManifest, Keys, Manifest, NodeManifest};

use crate::commands::client::connection::Client;
use crate::commands::client::error::ClientError;
use crate::commands::client::progress::Progress;
use crate::commands::client::request::{Call, Target};

/// How often a download goes on after its connection broke off without anything more having come.
const ATTEMPTS: usize = 5;

/// A file that is being written.
struct Part {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Drop for Part {
    /// What is not whole goes; what is, has another name.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Writes a snapshot to a file.
///
/// # Errors
///
/// Where the node does not send it, it is damaged, or it can't be written.
pub async fn download(client: &Client, id: &str, path: &Path) -> Result<Manifest, ClientError> {
    download_as(client, &|| Target::of(&["snapshots", id]), path, ATTEMPTS).await
}

/// Writes the state of a node to a file, with jobs that have ended or without. A connection that breaks off is the end of it: each time it is
/// asked for, it is another file.
///
/// # Errors
///
/// As those of [`download`].
pub async fn download_state(
    client: &Client,
    path: &Path,
    jobs: bool,
) -> Result<NodeManifest, ClientError> {
    let target = || Target::of(&["node", "state"]).with_query("jobs", Some(jobs));
    download_as(client, &target, path, 1).await
}

async fn download_as<M: FileManifest>(
    client: &Client,
    target: &(dyn Fn() -> Target + Sync),
    path: &Path,
    attempts: usize,
) -> Result<M, ClientError> {
    let failed = |cause| ClientError::Write {
        path: path.to_owned(),
        cause,
    };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let file = File::options().create_new(true).write(true).open(&part);
    let mut part = Part {
        file: file.map_err(failed)?,
        path: part,
        bytes: 0,
    };
    let keys = Keys::default();
    let mut decoder = Decoder::of(&keys);
    let mut left = attempts;
    let progress = Progress::start(&path.display().to_string(), None, "received");
    loop {
        let before = part.bytes;
        match rest(client, target, &mut part, &mut decoder, &progress, path).await {
            Ok(()) => break,
            Err(ClientError::Broken { .. } | ClientError::Silent { .. }) if left > 1 => {
                left = if part.bytes > before {
                    attempts
                } else {
                    left - 1
                };
            }
            Err(error) => {
                progress.finish();
                return Err(error);
            }
        }
    }
    progress.finish();
    let (manifest, _) = decoder.finish().map_err(|cause| snapshot(path, cause))?;
    part.file.sync_all().map_err(failed)?;
    fs::rename(&part.path, path).map_err(failed)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)?;
    Ok(manifest)
}

/// Takes what follows the bytes that are there.
async fn rest<M: FileManifest>(
    client: &Client,
    target: &(dyn Fn() -> Target + Sync),
    part: &mut Part,
    decoder: &mut Decoder<&Keys, M>,
    progress: &Progress,
    path: &Path,
) -> Result<(), ClientError> {
    let mut call = Call::get(target());
    if part.bytes > 0
        && let Ok(range) = HeaderValue::from_str(&format!("bytes={}-", part.bytes))
    {
        call.headers.insert(RANGE, range);
    }
    let expected = match part.bytes {
        0 => StatusCode::OK,
        _ => StatusCode::PARTIAL_CONTENT,
    };
    let mut answer = client.send(call).await?;
    if answer.status != expected {
        return Err(answer.error().await);
    }
    let length = answer.headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if let Some(length) = length {
        progress.set_length(part.bytes + length);
    }
    while let Some(bytes) = answer.part().await? {
        part.file
            .write_all(&bytes)
            .map_err(|cause| ClientError::Write {
                path: path.to_owned(),
                cause,
            })?;
        part.bytes += bytes.len() as u64;
        progress.add(bytes.len() as u64);
        decoder.push(&bytes);
        while let Some(event) = decoder
            .next_event()
            .map_err(|cause| snapshot(path, cause))?
        {
            // Its digest was checked.
            let (Event::Manifest | Event::Chunk(..)) = event;
        }
    }
    Ok(())
}

/// The error of a file that is none.
pub fn snapshot(path: &Path, cause: tensor_wasm_snapshot::Error) -> ClientError {
    ClientError::Snapshot {
        path: path.to_owned(),
        cause,
    }
}
