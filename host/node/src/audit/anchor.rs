//! The anchor: number and hash of the last record, kept apart from the log. A log whose
//! end was cut off, or that was emptied, is a log without a flaw; beside the anchor it is
//! not.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tensor_wasm_runtime::LogThrottle;

use super::AuditError;
use super::chain::{Chain, Head};

/// More than an anchor has.
const LONGEST: u64 = 256;

/// Where the anchor of a log is, unless the operator says otherwise: beside it.
pub fn anchor_beside(log: &Path) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(".head");
    PathBuf::from(name)
}

/// Reads an anchor. `None` where it is empty, as before the first record.
///
/// # Errors
///
/// [`AuditError`]: it can't be read, or is no anchor.
pub fn read_anchor(path: &Path) -> Result<Option<Head>, AuditError> {
    let open = |cause| AuditError::Anchor {
        path: path.to_owned(),
        cause,
    };
    read(&File::open(path).map_err(open)?, path)
}

fn read(file: &File, path: &Path) -> Result<Option<Head>, AuditError> {
    let mut bytes = Vec::new();
    file.take(LONGEST)
        .read_to_end(&mut bytes)
        .map_err(|cause| AuditError::Anchor {
            path: path.to_owned(),
            cause,
        })?;
    let text = String::from_utf8_lossy(&bytes);
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| AuditError::NoAnchor {
            path: path.to_owned(),
        }),
    }
}

/// The anchor of a log that is being written.
#[derive(Debug)]
pub(super) struct Anchor {
    path: PathBuf,
    file: File,
    failures: LogThrottle,
}

impl Anchor {
    /// Opens an anchor, or creates it for its owner only. Returns what it holds too.
    pub fn open(path: &Path) -> Result<(Anchor, Option<Head>), AuditError> {
        let file = create(path).map_err(|cause| AuditError::Anchor {
            path: path.to_owned(),
            cause,
        })?;
        let noted = read(&file, path)?;
        let anchor = Anchor {
            path: path.to_owned(),
            file,
            failures: LogThrottle::default(),
        };
        Ok((anchor, noted))
    }

    /// Notes the last record. Its place in the file and its length are always the same, so
    /// that a crash leaves the old anchor or the new one. Where that fails the anchor stays
    /// behind, which is logged: it then proves less.
    pub fn note(&mut self, head: Head) {
        let line = format!("{:020}:{}\n", head.seq, head.hash);
        if let Err(error) = self.write(line.as_bytes())
            && self.failures.due()
        {
            tracing::warn!(
                path = %self.path.display(), %error,
                "the anchor of the audit log can't be written, and stays behind the log"
            );
        }
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.file.metadata()?.nlink() == 0 {
            self.file = create(&self.path)?;
        }
        self.file.write_all_at(line, 0)
    }
}

fn create(path: &Path) -> io::Result<File> {
    // Opening a pipe would block.
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        let problem = "it is no regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// Where a log's chain goes on whose anchor holds this head. Where records are missing that
/// the anchor knows of, it goes on after those, so that the log itself shows the gap for
/// ever.
pub(super) fn continued(chain: Chain, noted: Option<Head>) -> Chain {
    let Some(head) = noted else {
        return chain;
    };
    let noted = Chain {
        seq: head.seq.saturating_add(1),
        prev_hash: head.hash,
    };
    let agrees = chain.seq > noted.seq || chain == noted;
    match agrees {
        true => chain,
        false => {
            tracing::error!(
                noted = head.seq,
                next = chain.seq,
                "the audit log does not end with the record that its anchor names, or a later one: \
                 records are missing or were changed"
            );
            noted
        }
    }
}
