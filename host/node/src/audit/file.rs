//! The log as a file: appended to, locked against a second writer, repaired where it ends
//! in an incomplete line, and opened again where it was moved away.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::AuditError;
use super::chain::Chain;
use super::sink::{Reopened, Sink};
use super::tail::{self, Flaw, TailError};

/// How much of a torn line is shown in the log where it can't be kept in a file.
const SHOWN: usize = 4096;

/// An audit log in a file.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    /// A regular file, which can be truncated; not `/dev/full`.
    regular: bool,
}

/// A file that was opened.
pub(super) struct Opened {
    pub file: LogFile,
    /// What the next line continues.
    pub chain: Chain,
    /// Where the bytes of a torn line are that was cut off.
    pub torn: Option<String>,
}

impl LogFile {
    /// Opens a file, or creates it for its owner only.
    pub fn open(path: &Path) -> Result<Opened, AuditError> {
        let open = |cause| AuditError::Open {
            path: path.to_owned(),
            cause,
        };
        // Opening a pipe without a reader would block.
        match fs::metadata(path) {
            Ok(there) if !there.is_file() && !there.file_type().is_char_device() => {
                return Err(AuditError::NoFile {
                    path: path.to_owned(),
                });
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(open(error)),
        }
        let file = private(OpenOptions::new().read(true))
            .open(path)
            .map_err(open)?;
        let metadata = file.metadata().map_err(open)?;
        let mut opened = Opened {
            file: LogFile {
                path: path.to_owned(),
                file,
                regular: metadata.is_file(),
            },
            chain: Chain::NEW,
            torn: None,
        };
        if opened.file.regular {
            opened.file.lock()?;
            // Another process may have written between opening and locking.
            let length = opened.file.file.metadata().map_err(open)?.len();
            let tail = tail::read(&opened.file.file, length).map_err(|error| match error {
                TailError::Read(cause) => open(cause),
                TailError::NoLog(problem) => AuditError::NoLog {
                    path: path.to_owned(),
                    problem,
                },
            })?;
            opened.chain = tail.chain;
            opened.torn = opened.file.heal(length, tail.flaw).map_err(open)?;
            if length == 0 {
                keep_name(path);
            }
        }
        Ok(opened)
    }

    /// Whether it is a file that a later server continues, and no device.
    pub fn is_regular(&self) -> bool {
        self.regular
    }

    /// Locks the file: two writers would break the chain.
    fn lock(&self) -> Result<(), AuditError> {
        match self.file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(AuditError::Locked {
                path: self.path.clone(),
            }),
            Err(TryLockError::Error(error)) => {
                // Some network file systems have no locks.
                tracing::warn!(
                    path = %self.path.display(),
                    %error,
                    "the audit log can't be locked: take care that no other server writes it"
                );
                Ok(())
            }
        }
    }

    /// Makes the file end in a whole line. Returns where the bytes of a torn one are.
    fn heal(&mut self, length: u64, flaw: Option<Flaw>) -> io::Result<Option<String>> {
        let path = self.path.display();
        match flaw {
            None => Ok(None),
            Some(Flaw::NoNewline) => {
                tracing::warn!(%path, "the last line of the audit log lacked its newline");
                self.file.write_all(b"\n")?;
                Ok(None)
            }
            Some(Flaw::Torn(bytes)) => {
                let kept = set_aside(&self.path, &bytes);
                match &kept {
                    Ok(to) => tracing::warn!(
                        %path,
                        "the audit log ended in a torn line of {} bytes; they are in {to} now",
                        bytes.len()
                    ),
                    Err(error) => tracing::warn!(
                        %path,
                        %error,
                        "the audit log ended in a torn line of {} bytes, which can't be kept in a file: {}",
                        bytes.len(),
                        bytes.get(..SHOWN).unwrap_or(&bytes).escape_ascii()
                    ),
                }
                self.file
                    .set_len(length.saturating_sub(bytes.len() as u64))?;
                Ok(Some(kept.unwrap_or_default()))
            }
        }
    }
}

impl Sink for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn truncate(&mut self, count: u64) -> io::Result<bool> {
        if self.regular {
            let length = self.file.metadata()?.len();
            self.file.set_len(length.saturating_sub(count))?;
        }
        Ok(self.regular)
    }

    fn sync(&mut self) -> io::Result<()> {
        match self.regular {
            true => self.file.sync_data(),
            false => Ok(()),
        }
    }

    fn reopen(&mut self) -> Result<Reopened, AuditError> {
        if let (Ok(there), Ok(ours)) = (fs::metadata(&self.path), self.file.metadata())
            && same(&there, &ours)
        {
            return Ok(Reopened::Same);
        }
        let opened = Self::open(&self.path)?;
        // The old file gets no further lines, so it is synced now.
        if let Err(error) = self.sync() {
            tracing::error!(%error, "the audit log that was moved away may be incomplete");
        }
        *self = opened.file;
        Ok(Reopened::Other {
            path: self.path.display().to_string(),
            torn: opened.torn,
        })
    }

    fn is_gone(&self) -> bool {
        self.regular && self.file.metadata().is_ok_and(|file| file.nlink() == 0)
    }
}

fn same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.append(true).create(true).mode(0o600)
}

/// Adds the bytes of a torn line to a file beside the log, and returns its name.
fn set_aside(log: &Path, bytes: &[u8]) -> io::Result<String> {
    let mut name = log.as_os_str().to_owned();
    name.push(".torn");
    let path = PathBuf::from(name);
    let mut file = private(&mut OpenOptions::new()).open(&path)?;
    file.write_all(&[bytes, b"\n"].concat())?;
    file.sync_data()?;
    Ok(path.display().to_string())
}

/// Syncs the folder of a new file. Where that fails, a power loss may remove the file's
/// name, which can't be helped.
fn keep_name(path: &Path) {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}
