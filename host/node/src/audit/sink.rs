//! The sink of the log: what the writer needs of one, and standard output as a sink. The
//! file is in [`file`](super::file).

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

use super::AuditError;

/// Takes bytes, and may fail at each of them.
pub(super) trait Sink: Send {
    /// Writes bytes from the front, as many as it can. An error means none.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Truncates the last bytes. `false` where that is impossible, as for a pipe.
    fn truncate(&mut self, count: u64) -> io::Result<bool>;

    /// Returns once all written bytes are on the disk.
    fn sync(&mut self) -> io::Result<()>;

    /// Opens the file again, which another program may have moved away.
    fn reopen(&mut self) -> Result<Reopened, AuditError>;

    /// Whether bytes that are written now are lost, since the file was deleted.
    fn is_gone(&self) -> bool {
        false
    }
}

/// The result of reopening.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reopened {
    /// It is the same sink as before.
    Same,
    /// It is another file. It may have ended in an incomplete line.
    Other {
        /// The file's path, for the record that opens it.
        path: String,
        /// Where the bytes of an incomplete line are kept, in words.
        torn: Option<String>,
    },
}

/// Standard output. It may be a pipe, a terminal or a file of another program, so it is
/// never truncated.
pub(super) struct Stdout {
    // A second descriptor: `io::stdout()` has a buffer, whose content is unknown after a
    // failure.
    file: File,
    is_file: bool,
}

impl Stdout {
    pub fn open() -> Result<Stdout, AuditError> {
        let open = || {
            let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
            let is_file = file.metadata()?.is_file();
            Ok(Stdout { file, is_file })
        };
        open().map_err(AuditError::Stdout)
    }
}

impl Sink for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The server's own output must not appear in the middle of a line.
        let _whole = io::stdout().lock();
        self.file.write(bytes)
    }

    fn truncate(&mut self, _count: u64) -> io::Result<bool> {
        Ok(false)
    }

    fn sync(&mut self) -> io::Result<()> {
        match self.is_file {
            true => self.file.sync_data(),
            false => Ok(()),
        }
    }

    fn reopen(&mut self) -> Result<Reopened, AuditError> {
        Ok(Reopened::Same)
    }
}
