//! The audit log: one line of JSON for each request that a policy decided on, and for each
//! change of the server's state. The lines are a hash chain.
//!
//! ```no_run
//! use std::time::Duration;
//! use tensor_wasm_node::audit::{AuditConfig, AuditLog, Outcome};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // At start: `None` where the operator wants no log.
//! let config = AuditConfig {
//!     target: "file:/var/log/tensor-wasm/audit.log".parse()?,
//!     ..AuditConfig::default()
//! };
//! if let Some(log) = AuditLog::open(&config)? {
//!     log.event("server.start", "127.0.0.1:8080", Outcome::done());
//!     // Requests reach it as the runtime's `Auditor`. On SIGHUP:
//!     log.reopen();
//!     // At the end:
//!     log.event("server.stop", "127.0.0.1:8080", Outcome::done());
//!     log.close(Duration::from_secs(5));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Each line holds the hash of the one before it, so that [`verify`] finds a line that is
//! changed, missing or moved. A thread of its own writes the log. While it can't, records
//! wait in a queue of bounded length. Those that don't fit are counted, and a later record
//! says how many are missing. `docs/audit-log.md` is for operators.

mod anchor;
mod chain;
mod error;
mod escape;
mod file;
mod line_buffer;
mod queue;
mod record;
mod refusals;
mod sink;
mod tail;
mod target;
#[cfg(test)]
mod tests;
pub mod verify;
mod writer;

pub use anchor::{anchor_beside, read_anchor};
pub use chain::{Head, LineHash};
pub use error::AuditError;
pub use queue::AuditStats;
pub use record::{
    Actor, ActorKind, LONGEST_LINE, NoRecord, Outcome, Record, Scope, Star, UsageAtHead,
};
pub use target::{AuditTarget, OnFailure};

use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tensor_wasm_runtime::policy::{Auditor, RecordReceipt, RequestRecord};
use tokio::sync::oneshot;

use anchor::Anchor;
use chain::Chain;
use file::LogFile;
use queue::{Item, Queue};
use refusals::{Refusals, Taken};
use sink::{Sink, Stdout};
use writer::{Progress, Writer};

/// How a log is kept.
#[derive(Clone, Debug)]
pub struct AuditConfig {
    /// Where it goes.
    pub target: AuditTarget,
    /// Where the number and the hash of the last record are kept, for a log in a file;
    /// unless set, beside it: [`anchor_beside`].
    pub anchor: Option<PathBuf>,
    /// Whether a response waits until its record is on the disk.
    pub sync: bool,
    /// What happens to requests while records can't be kept.
    pub on_failure: OnFailure,
    /// The most records that wait to be written; a few hundred bytes each.
    pub backlog: NonZeroUsize,
    /// After a failure, how long until the next attempt, unless a record comes.
    pub retry: Duration,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self {
            target: AuditTarget::default(),
            anchor: None,
            sync: false,
            on_failure: OnFailure::default(),
            backlog: NonZeroUsize::MIN.saturating_add(8191),
            retry: Duration::from_millis(500),
        }
    }
}

/// An open log. Only [`close`](Self::close) waits for the disk. Where the log is dropped
/// without it, it is written to its end unless the process ends first.
pub struct AuditLog {
    queue: Arc<Queue>,
    refusals: Arc<Refusals>,
    sync: bool,
    on_failure: OnFailure,
    is_file: bool,
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AuditLog").field(&self.stats()).finish()
    }
}

impl AuditLog {
    /// Opens the log, or `None` where none is to be kept. An existing file is continued. If
    /// it ends in an incomplete line, its bytes are moved to a file beside it whose name
    /// ends in `.torn`. If its anchor names a record that is not there, the chain goes on
    /// after that one, so that the gap shows.
    ///
    /// # Errors
    ///
    /// [`AuditError`]: the file can't be opened, holds something else, or is being
    /// written by another process.
    pub fn open(config: &AuditConfig) -> Result<Option<AuditLog>, AuditError> {
        let AuditTarget::File(path) = &config.target else {
            if config.anchor.is_some() {
                return Err(AuditError::AnchorWithoutFile);
            }
            return match config.target {
                AuditTarget::Stdout => {
                    let sink = Box::new(Stdout::open()?);
                    Self::start(config, sink, Chain::NEW, None, None).map(Some)
                }
                _ => Ok(None),
            };
        };
        let opened = LogFile::open(path)?;
        let (anchor, noted) = match opened.file.is_regular() {
            true => anchor_of(path, config)?,
            false => (None, None),
        };
        let chain = anchor::continued(opened.chain, noted);
        Self::start(config, Box::new(opened.file), chain, opened.torn, anchor).map(Some)
    }

    fn start(
        config: &AuditConfig,
        sink: Box<dyn Sink>,
        chain: Chain,
        torn: Option<String>,
        anchor: Option<Anchor>,
    ) -> Result<AuditLog, AuditError> {
        let log = AuditLog {
            queue: Arc::new(Queue::new(config.backlog.get())),
            refusals: Arc::default(),
            sync: config.sync,
            on_failure: config.on_failure,
            is_file: matches!(config.target, AuditTarget::File(_)),
        };
        let writer = Writer {
            queue: log.queue.clone(),
            sink,
            chain,
            sync: config.sync,
            retry: config.retry,
            refusals: log.refusals.clone(),
            anchor,
            state: Progress::default(),
        };
        writer.start(torn)?;
        Ok(log)
    }

    /// Records a change of the server's state: what was done (`server.start`), to
    /// what, and how it ended. Neither may hold a secret.
    pub fn event(&self, action: &str, resource: &str, outcome: Outcome) {
        self.queue.push(Item {
            record: Record::of_system(action, resource, outcome),
            done: None,
        });
    }

    /// Has the writer open the file again, which another program may have moved away. The
    /// chain continues in the new one. To be called on SIGHUP, so that a log can be
    /// rotated. Where it fails, records continue in the old file, and it is tried again.
    pub fn reopen(&self) {
        self.queue.reopen();
    }

    /// The log's numbers, for metrics.
    pub fn stats(&self) -> AuditStats {
        self.queue.stats()
    }

    /// The last record of a log in a file, as a backup of the node has it: whoever continues the chain
    /// elsewhere continues after this one.
    pub fn position(&self) -> Option<Head> {
        self.queue.head().filter(|_| self.is_file)
    }

    /// Whether requests that could change something are refused at present, since records can't
    /// be written.
    pub fn refuses(&self) -> bool {
        self.on_failure == OnFailure::Refuse && self.queue.stats().failing
    }

    /// Writes all records, and ends. Blocks until that is done, for at most `patience`.
    /// Returns how many records are then not written. Later ones are lost.
    pub fn close(&self, patience: Duration) -> u64 {
        self.queue.close(patience)
    }

    fn push(&self, record: Record) -> Option<oneshot::Receiver<()>> {
        let (done, kept) = match self.sync {
            true => Some(oneshot::channel()).unzip(),
            false => (None, None),
        };
        self.queue.push(Item { record, done });
        kept
    }
}

impl Auditor for AuditLog {
    fn ready(&self) -> bool {
        self.on_failure == OnFailure::Warn || self.queue.keeps()
    }

    fn record(&self, record: RequestRecord) -> RecordReceipt {
        if let Taken::Gathered { first } = self.refusals.take(&record, Instant::now()) {
            if first {
                self.queue.nudge();
            }
            return RecordReceipt::immediate();
        }
        match self.push(Record::of_request(record)) {
            Some(kept) => RecordReceipt::when(kept),
            None => RecordReceipt::immediate(),
        }
    }
}

/// Opens the anchor of a log. One that the operator named has to be usable; where the default
/// one isn't, the log proves less, which is logged.
fn anchor_of(
    log: &Path,
    config: &AuditConfig,
) -> Result<(Option<Anchor>, Option<Head>), AuditError> {
    let opened = match &config.anchor {
        Some(path) => Anchor::open(path),
        None => Anchor::open(&anchor_beside(log)),
    };
    match opened {
        Ok((anchor, noted)) => Ok((Some(anchor), noted)),
        Err(AuditError::Anchor { path, cause }) if config.anchor.is_none() => {
            tracing::warn!(
                path = %path.display(), %cause,
                "the audit log has no anchor, so nobody can tell whether its end was cut off: \
                 name a file for it with --audit-anchor"
            );
            Ok((None, None))
        }
        Err(error) => Err(error),
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        self.queue.end();
    }
}
