//! Standard error as a sink that holds nobody up: a pipe whose reader reads nothing counts,
//! after a moment, as one that can't be written.

use std::io;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::writer::LineSink;

/// How long a reader may make the log wait. After that, lines are lost until it reads.
const PATIENCE: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// The most bytes of one write. A pipe that can be written takes as many without waiting,
/// and never mixes them with those of others (`PIPE_BUF` in pipe(7)).
const ATOMIC: usize = 4096;

/// Standard error.
#[derive(Default)]
pub(super) struct Stderr {
    /// Whether its reader did not read when it was last waited for.
    stalled: bool,
}

impl LineSink for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let stderr = io::stderr();
        let patience = if self.stalled { &AT_ONCE } else { &PATIENCE };
        let ready = poll(&mut [PollFd::new(&stderr, PollFlags::OUT)], Some(patience))?;
        self.stalled = ready == 0;
        if self.stalled {
            return Err(io::Error::new(
                io::ErrorKind::WouldBlock,
                "the reader of standard error does not read",
            ));
        }
        // Not by `io::stderr` itself, whose lock another thread may hold.
        let part = bytes.get(..ATOMIC).unwrap_or(bytes);
        Ok(rustix::io::write(stderr.as_fd(), part)?)
    }
}
