//! A file of tokens: reading it, and its lines.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use tensor_wasm_runtime::policy::{Principal, Scope};
use zeroize::Zeroizing;

use super::claims;
use super::entry::{Entry, ProcessKeys};
use super::hashed::HashedLine;
use super::secret::problem_of;
use super::{LARGEST_FILE, SHORT, TokenError, TokenSource};

/// How long the writer of a pipe may take when it is read again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which reading of a file it is. It makes a difference for a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// The first: whoever writes into a pipe is waited for.
    First,
    /// A later one. A pipe into which nobody writes has no new list, and is an error: it
    /// neither empties the list nor holds up whoever reads.
    Again,
}

/// Reads a file of tokens. Warns in the log where others may read it.
pub(super) fn read(path: &Path, reading: Reading) -> Result<Zeroizing<String>, TokenError> {
    let failed = |cause| TokenError::Read {
        path: path.to_owned(),
        cause,
    };
    let too_large = || TokenError::TooLarge {
        path: path.to_owned(),
    };
    let file = match reading {
        Reading::First => File::open(path),
        // Opening a pipe would wait for a writer.
        Reading::Again => OpenOptions::new()
            .read(true)
            .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
            .open(path),
    };
    let file = file.map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.len() > LARGEST_FILE {
        return Err(too_large());
    }
    if may_be_read_by_others(&metadata) {
        tracing::warn!(
            path = %path.display(),
            "other users of this machine may read the token file: `chmod 600` it"
        );
    }
    // With room for all of it, so that growing leaves no copy behind.
    let size = usize::try_from(metadata.len()).unwrap_or_default();
    let mut text = Zeroizing::new(String::with_capacity(size + 1));
    // A pipe has no size ahead, and a device no end.
    let file = Waiting {
        file,
        deadline: Instant::now() + PATIENCE,
    };
    file.take(LARGEST_FILE + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(too_large());
    }
    if text.is_empty() && reading == Reading::Again && !metadata.is_file() {
        return Err(TokenError::NothingWritten {
            path: path.to_owned(),
        });
    }
    Ok(text)
}

/// A file that may not block, and is waited for.
struct Waiting {
    file: File,
    deadline: Instant,
}

impl Read for Waiting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).map_err(io::Error::other)?;
            let ready = poll(&mut [PollFd::new(&self.file, PollFlags::IN)], Some(&left));
            match ready {
                Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Whether users other than its owner may read this file. A file that isn't there
/// is read by nobody.
pub fn others_may_read(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| may_be_read_by_others(&metadata))
}

#[cfg(unix)]
fn may_be_read_by_others(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.is_file() && metadata.permissions().mode() & 0o044 != 0
}

#[cfg(not(unix))]
fn may_be_read_by_others(_metadata: &fs::Metadata) -> bool {
    false
}

/// Takes the tokens from the text of such a file.
pub(super) fn parse(keys: &ProcessKeys, text: &str) -> Result<Vec<Entry>, TokenError> {
    let mut entries = Vec::new();
    // Some editors begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.lines().enumerate() {
        let (place, line) = (TokenSource::Line(index + 1), line.trim());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let entry = match HashedLine::parse(line) {
            Some(hashed) => hashed.map(|hashed| Entry::hashed(place, hashed)),
            None => plain(keys, place, line, entries.len() + 1),
        };
        entries.push(entry.map_err(|problem| TokenError::Wrong { place, problem })?);
    }
    Ok(entries)
}

/// `TOKEN` or `NAME:TOKEN`. Counts from 1, for a token without a name.
fn plain(
    keys: &ProcessKeys,
    place: TokenSource,
    text: &str,
    number: usize,
) -> Result<Entry, &'static str> {
    let (name, token) = match text.split_once(':') {
        Some((name, token)) => (Some(name.trim()), token.trim()),
        None => (None, text),
    };
    if name.is_some_and(|name| !claims::is_word(name)) {
        return Err(claims::NAME);
    }
    if token.is_empty() {
        return Err("has a name and no token");
    }
    if let Some(problem) = problem_of(token) {
        return Err(problem);
    }
    if token.len() < SHORT {
        tracing::warn!("{place}: a token of fewer than {SHORT} characters could be guessed");
    }
    let principal = Principal {
        id: name.map_or_else(|| format!("token-{number}"), str::to_owned),
        scope: Scope::All,
        roles: Vec::new(),
    };
    Ok(Entry::plain(keys, place, token, principal, name.is_none()))
}
