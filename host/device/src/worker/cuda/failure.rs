//! What an error of the driver means. Some are about one call; most say that the
//! whole process is of no more use, and which kernel was the cause is to be found out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use cudarc::driver::sys::CUresult;

use super::driver::Refusal;
use crate::channel::wire::{Answer, WireError};
use crate::identity::QueueId;
use crate::sync::lock;
use crate::worker::outbox::Outbox;

/// Why a command was not submitted.
#[derive(Debug)]
pub(super) enum Failed {
    /// The host asked for what it should not.
    Host(&'static str),
    /// The call itself is wrong, or the device has no room for it now.
    Call(WireError),
    Driver(Refusal),
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Failed {
        Failed::Driver(refusal)
    }
}

/// What an error says of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// Only this call failed.
    Call,
    /// A kernel did something wrong, and CUDA takes the whole process for broken.
    Fault,
    /// The device or the driver is gone.
    Lost,
}

pub(super) fn severity(refusal: Refusal) -> Severity {
    use CUresult as C;
    match refusal.0 {
        C::CUDA_ERROR_INVALID_VALUE
        | C::CUDA_ERROR_OUT_OF_MEMORY
        | C::CUDA_ERROR_INVALID_IMAGE
        | C::CUDA_ERROR_NO_BINARY_FOR_GPU
        | C::CUDA_ERROR_INVALID_PTX
        | C::CUDA_ERROR_UNSUPPORTED_PTX_VERSION
        | C::CUDA_ERROR_JIT_COMPILER_NOT_FOUND
        | C::CUDA_ERROR_INVALID_SOURCE
        | C::CUDA_ERROR_NOT_FOUND
        | C::CUDA_ERROR_NOT_SUPPORTED
        | C::CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES => Severity::Call,
        C::CUDA_ERROR_ILLEGAL_ADDRESS
        | C::CUDA_ERROR_MISALIGNED_ADDRESS
        | C::CUDA_ERROR_INVALID_ADDRESS_SPACE
        | C::CUDA_ERROR_INVALID_PC
        | C::CUDA_ERROR_ILLEGAL_INSTRUCTION
        | C::CUDA_ERROR_HARDWARE_STACK_ERROR
        | C::CUDA_ERROR_ASSERT
        | C::CUDA_ERROR_LAUNCH_FAILED => Severity::Fault,
        _ => Severity::Lost,
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
    running: BTreeMap<QueueId, VecDeque<String>>,
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
    pub(super) fn begins(&self, queue: QueueId, kernel: &str) {
        lock(&self.state)
            .running
            .entry(queue)
            .or_default()
            .push_back(kernel.to_owned());
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
            let oldest: Vec<(QueueId, String)> = std::mem::take(&mut state.running)
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
                    kernel,
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
                Severity::Call | Severity::Lost => format!("the device failed: {refusal}"),
            },
            blamed,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_to_be_harmless_ends_the_process() {
        for (code, expected) in [
            (CUresult::CUDA_ERROR_OUT_OF_MEMORY, Severity::Call),
            (CUresult::CUDA_ERROR_INVALID_PTX, Severity::Call),
            (CUresult::CUDA_ERROR_ILLEGAL_ADDRESS, Severity::Fault),
            (CUresult::CUDA_ERROR_ASSERT, Severity::Fault),
            (CUresult::CUDA_ERROR_ECC_UNCORRECTABLE, Severity::Lost),
            (CUresult::CUDA_ERROR_DEVICE_UNAVAILABLE, Severity::Lost),
            (CUresult::CUDA_ERROR_UNKNOWN, Severity::Lost),
        ] {
            assert_eq!(severity(Refusal(code)), expected, "{code:?}");
        }
    }
}
