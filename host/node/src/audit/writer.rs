//! The thread that writes. It takes what has gathered, gives each record its place
//! in the chain, writes the lines at once, and where the disk fails keeps what it
//! has and tries again.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use super::AuditError;
use super::chain::Chain;
use super::log_throttle::LogThrottle;
use super::outgoing::Outgoing;
use super::queue::{Done, Queue, Round};
use super::record::{Outcome, Record};
use super::sink::{Reopened, Sink};

/// How long records may gather where no answer waits for them. To wake the writer for
/// each would cost a busy server more than all else that is done for a record.
const GATHER: Duration = Duration::from_millis(1);

/// The writer and what it works on.
pub(super) struct Writer {
    pub queue: Arc<Queue>,
    pub sink: Box<dyn Sink>,
    pub chain: Chain,
    /// Whether each line reaches the disk before somebody is told that it is kept.
    pub sync: bool,
    /// After a failure, how long until the next attempt, unless something happens.
    pub retry: Duration,
    pub state: Progress,
}

/// What the writer has begun and not ended.
#[derive(Default)]
pub(super) struct Progress {
    out: Outgoing,
    failing: bool,
    /// The file must be opened anew, and couldn't be yet.
    reopen: bool,
    failures: LogThrottle,
    reopenings: LogThrottle,
}

/// Tells the queue that nobody takes from it any more, however the thread ends.
struct Leave(Arc<Queue>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl Writer {
    /// Starts the thread. `torn` says where the bytes are of a line that was cut off
    /// when the log was opened.
    pub fn start(self, torn: Option<String>) -> Result<(), AuditError> {
        let leave = Leave(self.queue.clone());
        let run = move || {
            // Dropped last: who waits for the end may then open the file again.
            let _leave = leave;
            self.run(torn);
        };
        thread::Builder::new()
            .name("audit".to_owned())
            .spawn(run)
            .map_err(AuditError::Thread)?;
        Ok(())
    }

    fn run(mut self, torn: Option<String>) {
        if let Some(kept) = torn {
            self.add(Record::of_torn(&kept), None);
            self.round(0);
        }
        loop {
            let again = self.state.failing || self.state.reopen;
            let longest = again.then_some(self.retry);
            let work = self.queue.next(self.state.failing, longest);
            self.state.reopen |= work.reopen;
            let mut lost = 0;
            let any = !work.items.is_empty();
            for item in work.items {
                lost += u64::from(!self.add(item.record, item.done));
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

    /// Tries to write what there is, and tells how that went.
    fn round(&mut self, lost: u64) {
        let (written, result) = self.attempt();
        self.say(&result);
        self.state.failing = result.is_err();
        self.queue.tell(Round {
            written,
            in_hand: self.state.out.len() as u64,
            lost,
            failing: self.state.failing,
        });
    }

    /// Gives a record its place in the chain. `false` where it can't be written as
    /// JSON, which no record is known to be.
    fn add(&mut self, record: Record, done: Option<Done>) -> bool {
        let chain = &mut self.chain;
        let added = self.state.out.add(done, |bytes| record.write(chain, bytes));
        if let Err(error) = &added {
            tracing::error!(%error, "an audit record can't be written as JSON and is lost");
        }
        added.is_ok()
    }

    /// Does all there is to do, as far as the disk lets it.
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
                    "the audit log can't be opened anew; its records go on to the file that was moved away"
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
            self.state.out.begin_anew();
            if let Some(kept) = torn {
                self.add(Record::of_torn(&kept), None);
            }
            // With this the new file is never empty, and a server that starts later
            // finds where the chain goes on.
            self.add(
                Record::of_system("audit.reopen", &path, Outcome::done()),
                None,
            );
            tracing::info!(path, "the audit log goes on in another file");
        }
        Ok(())
    }

    fn say(&self, result: &io::Result<()>) {
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
