//! What an error of the driver means. Some are about one call; most say that the
//! whole process is of no more use, and which kernel was the cause is to be found out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use super::driver::Refusal;
use super::errors;
pub(super) use super::errors::Severity;
use crate::channel::wire::{Answer, WireError};
use crate::identity::QueueId;
use crate::sync::lock;
use crate::worker::lost::{Lost, NotStarted};
use crate::worker::outbox::Outbox;

/// Why a command was not submitted.
#[derive(Debug)]
pub(super) enum Failed {
    /// The host asked for what it should not.
    Host(&'static str),
    /// The call itself is wrong, or the device has no room for it now.
    Call(WireError),
    /// The process is of no more use.
    Driver(Refusal),
}

/// Of a command of a queue. How much memory it would take, the driver does not say.
impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Failed {
        Failed::of(refusal, 0, |refusal| {
            WireError::InvalidLaunch(refusal.to_string())
        })
    }
}

impl Failed {
    /// What a call that the driver refused failed with: `error` where only this call failed, but for
    /// a device that has no memory left for it, when `bytes` were asked for.
    pub(super) fn of(
        refusal: Refusal,
        bytes: u64,
        error: impl FnOnce(Refusal) -> WireError,
    ) -> Failed {
        match severity(refusal) {
            Severity::Call if refusal == Refusal::OUT_OF_MEMORY => {
                Failed::Call(WireError::OutOfMemory(bytes))
            }
            Severity::Call => Failed::Call(error(refusal)),
            Severity::Compiler | Severity::Fault | Severity::Lost => Failed::Driver(refusal),
        }
    }
}

impl NotStarted {
    /// What a call that the driver refused means while a worker begins.
    pub(super) fn of(refusal: Refusal, what: &str) -> NotStarted {
        let message = format!("{what}: {refusal}");
        match refusal {
            Refusal::OUT_OF_MEMORY => NotStarted::NoRoom(message),
            _ => NotStarted::Lost(Lost(message)),
        }
    }
}

/// What an error says of the process.
pub(super) fn severity(refusal: Refusal) -> Severity {
    match refusal {
        Refusal::Error(error) => errors::severity(error),
        Refusal::Missing(_) => Severity::Lost,
    }
}

/// Reports to the host, once, that the process is of no more use.
pub(super) struct Faults {
    outbox: Outbox,
    state: Mutex<FaultState>,
}

#[derive(Default)]
struct FaultState {
    /// The kernels of each queue that were submitted and are not known to have ended.
    running: BTreeMap<QueueId, VecDeque<Arc<str>>>,
    is_reported: bool,
}

impl Faults {
    pub(super) fn new(outbox: Outbox) -> Faults {
        Faults {
            outbox,
            state: Mutex::default(),
        }
    }

    /// A kernel is submitted.
    pub(super) fn begins(&self, queue: QueueId, kernel: &Arc<str>) {
        lock(&self.state)
            .running
            .entry(queue)
            .or_default()
            .push_back(Arc::clone(kernel));
    }

    /// It was not after all.
    pub(super) fn did_not_begin(&self, queue: QueueId) {
        if let Some(kernels) = lock(&self.state).running.get_mut(&queue) {
            kernels.pop_back();
        }
    }

    /// A queue's oldest kernel is done.
    pub(super) fn done(&self, queue: QueueId) {
        let mut state = lock(&self.state);
        if let Some(kernels) = state.running.get_mut(&queue) {
            kernels.pop_front();
            if kernels.is_empty() {
                state.running.remove(&queue);
            }
        }
    }

    /// Whether an error was reported.
    pub(super) fn is_reported(&self) -> bool {
        lock(&self.state).is_reported
    }

    /// Reports an error that ends the process: which kernels may have been the cause, and
    /// that the device is lost, in one message, so that the host never has the one
    /// without the other.
    pub(super) fn report(&self, refusal: Refusal) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.is_reported, true) {
            return;
        }
        let mut blamed = Vec::new();
        if severity(refusal) == Severity::Fault {
            let oldest: Vec<(QueueId, Arc<str>)> = std::mem::take(&mut state.running)
                .into_iter()
                .filter_map(|(queue, mut kernels)| Some((queue, kernels.pop_front()?)))
                .collect();
            let names: Vec<_> = oldest
                .iter()
                .map(|(_, kernel)| format!("`{kernel}`"))
                .collect();
            let message = match names.len() {
                0 | 1 => refusal.to_string(),
                _ => format!(
                    "{refusal}; the device does not tell which of the kernels that ran did it: {}",
                    names.join(", ")
                ),
            };
            blamed.extend(oldest.into_iter().map(|(queue, kernel)| {
                let failure = WireError::Fault {
                    kernel: kernel.as_ref().to_owned(),
                    block: None,
                    thread: None,
                    line: None,
                    message: message.clone(),
                };
                (queue, failure)
            }));
        }
        self.outbox.send(&Answer::Lost {
            message: match severity(refusal) {
                Severity::Fault => format!("a kernel of this tenant failed: {refusal}"),
                Severity::Call | Severity::Compiler | Severity::Lost => {
                    format!("the device failed: {refusal}")
                }
            },
            blamed,
        });
    }
}
