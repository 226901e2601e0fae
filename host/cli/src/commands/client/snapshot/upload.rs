//! Uploading a snapshot: a long one in parts, so that it is longer than a node takes a request, and goes
//! on where a connection broke off.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde::Deserialize;

use crate::commands::client::connection::Client;
use crate::commands::client::error::ClientError;
use crate::commands::client::model::SavedSnapshot;
use crate::commands::client::progress::Progress;
use crate::commands::client::request::{Call, Target};

/// What a snapshot is sent as.
pub const SNAPSHOT: HeaderValue = HeaderValue::from_static("application/vnd.tensor-wasm.snapshot");

/// The longest part, in bytes: shorter than any node's longest request is likely to be.
const PART: u64 = 16 << 20;

/// How often an upload goes on after its connection broke off without anything more having arrived.
const ATTEMPTS: usize = 5;

/// How long the second attempt waits, and each later one so much longer.
const PAUSE: Duration = Duration::from_millis(500);

/// What a node says of an upload that is not at its end.
#[derive(Deserialize)]
struct Arrived {
    offset: u64,
}

/// What a node says of a part.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Whole(SavedSnapshot),
    More(Arrived),
}

/// Sends a file to a node. Returns the id that the snapshot has there.
///
/// # Errors
///
/// Where the file can't be read, or the node does not take it.
pub async fn upload(client: &Client, path: &Path) -> Result<String, ClientError> {
    let failed = |cause| ClientError::File {
        path: path.to_owned(),
        cause,
    };
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let progress = Progress::start(&path.display().to_string(), Some(length), "sent");
    let sent = match length <= PART {
        true => whole(client, file, length, &progress).await,
        false => parts(client, path, length, &progress).await,
    };
    progress.finish();
    Ok(sent?.id)
}

async fn whole(
    client: &Client,
    file: File,
    length: u64,
    progress: &Progress,
) -> Result<SavedSnapshot, ClientError> {
    let mut call = Call::new(Method::POST, Target::of(&["snapshots"]));
    call.headers.insert(CONTENT_TYPE, SNAPSHOT);
    let call = call.with_reader(progress.read(file), Some(length));
    Ok(client.json(call).await?.1)
}

async fn parts(
    client: &Client,
    path: &Path,
    length: u64,
    progress: &Progress,
) -> Result<SavedSnapshot, ClientError> {
    // Nobody else's name, so that two uploads of a tenant do not meet.
    let name = blake3::Hasher::new()
        .update(path.as_os_str().as_encoded_bytes())
        .update(&std::process::id().to_le_bytes())
        .update(&unix_nanoseconds().to_le_bytes())
        .finalize()
        .to_hex();
    let name = name.get(..32).unwrap_or_default();
    let (mut offset, mut left) = (0, ATTEMPTS);
    loop {
        progress.set_position(offset);
        let sent = part(client, name, path, offset, length, progress).await;
        match sent {
            Ok(Answer::Whole(saved)) => return Ok(saved),
            Ok(Answer::More(arrived)) if (offset + 1..=length).contains(&arrived.offset) => {
                (offset, left) = (arrived.offset, ATTEMPTS);
            }
            Ok(Answer::More(arrived)) if arrived.offset > length => {
                let at = arrived.offset;
                return Err(
                    client.not_a_node(format!("it has {at} bytes of a snapshot that has {length}"))
                );
            }
            // The file is as long as was sent, and the node waits for more of it.
            Ok(Answer::More(arrived)) => {
                return Err(ClientError::Snapshot {
                    path: path.to_owned(),
                    cause: tensor_wasm_snapshot::Error::Truncated {
                        at: arrived.offset,
                        missing: 1,
                    },
                });
            }
            Err(
                ClientError::Broken { .. }
                | ClientError::Silent { .. }
                | ClientError::Unreachable { .. },
            ) if left > 1 => {
                left -= 1;
                // It may be starting again.
                tokio::time::sleep(PAUSE * (ATTEMPTS - left) as u32).await;
                let target = Target::of(&["snapshots", "uploads", name]);
                // What a node says is not trusted to lie within the file.
                if let Ok((_, arrived)) = client.json::<Arrived>(Call::get(target)).await
                    && arrived.offset <= length
                {
                    offset = arrived.offset;
                }
            }
            Err(error) => return Err(error),
        }
    }
}

async fn part(
    client: &Client,
    name: &str,
    path: &Path,
    offset: u64,
    length: u64,
    progress: &Progress,
) -> Result<Answer, ClientError> {
    let opened = || -> io::Result<File> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(file)
    };
    let file = opened().map_err(|cause| ClientError::File {
        path: path.to_owned(),
        cause,
    })?;
    let bytes = length.saturating_sub(offset).min(PART);
    let target = Target::of(&["snapshots", "uploads", name]).with_query("offset", Some(offset));
    let mut call = Call::new(Method::PUT, target);
    call.headers.insert(CONTENT_TYPE, SNAPSHOT);
    let call = call.with_reader(progress.read(file.take(bytes)), Some(bytes));
    Ok(client.json(call).await?.1)
}

fn unix_nanoseconds() -> u128 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos())
}
