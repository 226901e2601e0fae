//! Where lines end up: what the writer asks of a place, and standard output as one.
//! The file is in [`file`](super::file).

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

use super::AuditError;

/// A place that takes bytes and may fail at each of them.
pub(super) trait Sink: Send {
    /// Takes bytes from the front, as many as it can; an error means none.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Takes the last bytes away again. `false` where that is impossible, as it is
    /// with a pipe.
    fn take_back(&mut self, count: u64) -> io::Result<bool>;

    /// Returns once what was written is on the disk.
    fn sync(&mut self) -> io::Result<()>;

    /// Begins anew where another program has moved the file away.
    fn reopen(&mut self) -> Result<Reopened, AuditError>;

    /// Whether what is written now is lost, since the file was deleted.
    fn is_gone(&self) -> bool {
        false
    }
}

/// What reopening led to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reopened {
    /// It is the same place as before.
    Same,
    /// It is another file. It may have ended in a torn line, whose bytes are where
    /// the text says.
    Other {
        /// The file's path, for the record that opens it.
        path: String,
        /// Where the bytes of a torn line are.
        torn: Option<String>,
    },
}

/// Standard output. It may be a pipe, a terminal or a file of somebody else, so
/// nothing in it is ever taken back.
pub(super) struct Stdout {
    // A second descriptor: `io::stdout()` has a buffer, which after a failure holds
    // nobody knows what.
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
        // Nothing that the server prints may land in the middle of a line.
        let _whole = io::stdout().lock();
        self.file.write(bytes)
    }

    fn take_back(&mut self, _count: u64) -> io::Result<bool> {
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
