//! The thread that writes. It takes the queued records, gives each its position in the
//! chain, and writes the lines together. Where the disk fails it keeps them and tries
//! again.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use tensor_wasm_device::spawn_essential;
use tensor_wasm_runtime::LogThrottle;

use super::AuditError;
use super::anchor::Anchor;
use super::chain::Chain;
use super::line_buffer::LineBuffer;
use super::queue::{Done, Queue, Round};
use super::record::{Outcome, Record};
use super::refusals::Refusals;
use super::sink::{Reopened, Sink};

/// How long records are gathered where no response waits for them. Waking the writer for
/// each would cost a busy server more than the rest of a record's work.
const GATHER: Duration = Duration::from_millis(1);

/// The writer.
pub(super) struct Writer {
    pub queue: Arc<Queue>,
    pub sink: Box<dyn Sink>,
    pub chain: Chain,
    /// Whether each line is synced to the disk before its receipt is complete.
    pub sync: bool,
    /// The time from a failure to the next attempt, unless a record comes earlier.
    pub retry: Duration,
    pub refusals: Arc<Refusals>,
    pub anchor: Option<Anchor>,
    pub state: Progress,
}

/// The writer's unfinished work.
#[derive(Default)]
pub(super) struct Progress {
    out: LineBuffer,
    failing: bool,
    /// Whether the file has to be opened again, and couldn't be yet.
    reopen: bool,
    failures: LogThrottle,
    reopenings: LogThrottle,
}

/// Tells the queue that the writer has ended, however the thread ends.
struct EndOnDrop(Arc<Queue>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.writer_ended();
    }
}

impl Writer {
    /// Starts the thread. `torn` says where the bytes of an incomplete line are that was
    /// removed when the log was opened.
    pub fn start(self, torn: Option<String>) -> Result<(), AuditError> {
        let end = EndOnDrop(self.queue.clone());
        let run = move || {
            // Dropped last: whoever waits for the end may open the file again then.
            let _end = end;
            self.run(torn);
        };
        spawn_essential("audit", run).map_err(AuditError::Thread)?;
        Ok(())
    }

    fn run(mut self, torn: Option<String>) {
        if let Some(kept) = torn {
            self.add(Record::of_torn(&kept), None);
            self.round(0);
        }
        loop {
            let again = self.state.failing || self.state.reopen;
            let longest = match again {
                true => Some(self.retry),
                false => self.refusals.wait(Instant::now()),
            };
            let work = self.queue.next(self.state.failing, longest);
            self.state.reopen |= work.reopen;
            let mut lost = 0;
            let any = !work.items.is_empty();
            for item in work.items {
                lost += u64::from(!self.add(item.record, item.done));
            }
            // A log that can't be written would only gather them in another place.
            if !self.state.failing {
                for record in self.refusals.due(Instant::now(), work.closing) {
                    lost += u64::from(!self.add(record, None));
                }
            }
            self.round(lost);
            if work.closing && (self.state.failing || self.queue.is_empty()) {
                break;
            }
            if any && !self.sync && !work.closing {
                thread::sleep(GATHER);
            }
        }
        if !self.state.failing
            && let Err(error) = self.sink.sync()
        {
            tracing::error!(%error, "the last audit records may not have reached the disk");
        }
    }

    /// Tries to write all lines, and reports the outcome.
    fn round(&mut self, lost: u64) {
        let (written, result) = self.attempt();
        self.log_outcome(&result);
        self.state.failing = result.is_err();
        if written > 0
            && !self.state.failing
            && let (Some(anchor), Some(head)) = (&mut self.anchor, self.chain.head())
        {
            anchor.note(head);
        }
        let is_whole = written > 0 && !self.state.failing;
        self.queue.report(Round {
            written,
            in_hand: self.state.out.len() as u64,
            lost,
            failing: self.state.failing,
            head: self.chain.head().filter(|_| is_whole),
        });
    }

    /// Gives a record its position in the chain. `false` where it can't be written as JSON,
    /// which is not known to happen.
    fn add(&mut self, record: Record, done: Option<Done>) -> bool {
        let chain = &mut self.chain;
        let added = self.state.out.add(done, |bytes| record.write(chain, bytes));
        if let Err(error) = &added {
            tracing::error!(%error, "an audit record can't be written as JSON and is lost");
        }
        added.is_ok()
    }

    /// Reopens the file where that is due, and writes all lines that the disk takes.
    fn attempt(&mut self) -> (u64, io::Result<()>) {
        let gone = self.sink.is_gone();
        if (self.state.reopen || gone)
            && let Err(error) = self.reopen()
        {
            self.state.reopen = true;
            if gone {
                self.state.out.release();
                return (0, Err(io::Error::other(error)));
            }
            if self.state.reopenings.due() {
                let error: &(dyn Error + 'static) = &error;
                tracing::error!(
                    error,
                    "the audit log can't be opened again; its records continue in the file that was moved away"
                );
            }
        }
        self.state.out.flush(self.sink.as_mut(), self.sync)
    }

    fn reopen(&mut self) -> Result<(), AuditError> {
        let reopened = self.sink.reopen()?;
        self.state.reopen = false;
        self.state.reopenings.reset();
        if let Reopened::Other { path, torn } = reopened {
            self.state.out.restart();
            if let Some(kept) = torn {
                self.add(Record::of_torn(&kept), None);
            }
            // So the new file is not empty, and a server that starts later finds where the
            // chain continues.
            self.add(
                Record::of_system("audit.reopen", &path, Outcome::done()),
                None,
            );
            tracing::info!(path, "the audit log continues in another file");
        }
        Ok(())
    }

    fn log_outcome(&self, result: &io::Result<()>) {
        match result {
            Err(error) => {
                if self.state.failures.due() {
                    let error: &(dyn Error + 'static) = error;
                    tracing::error!(
                        error,
                        waiting = self.queue.stats().waiting,
                        "the audit log can't be written"
                    );
                }
            }
            Ok(()) => {
                if self.state.failing {
                    self.state.failures.reset();
                    tracing::warn!(
                        lost = self.queue.stats().lost,
                        "the audit log can be written again"
                    );
                }
            }
        }
    }
}
