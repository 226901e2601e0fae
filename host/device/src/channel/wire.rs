//! The messages between the host and a device worker.

use serde::{Deserialize, Serialize};
use tensor_wasm_ptx::Extent;

use crate::{Diagnostic, Error, Fault};

/// A part of the area for bulk data, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
}

/// What the worker is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) backend: Backend,
    /// Of the tenant's account on the device, in bytes.
    pub(crate) memory_bytes: u64,
    /// How long one launch may run, in nanoseconds.
    pub(crate) kernel_nanoseconds: u64,
    /// Where compiled modules of this tenant are kept.
    pub(crate) cache: Option<std::path::PathBuf>,
}

/// What runs the kernels in the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Backend {
    /// The processor, with this many threads; `checks` where kernels are checked as they run.
    Cpu { threads: u32, checks: bool },
    /// An NVIDIA device, as the driver numbers them.
    Cuda { ordinal: u32 },
}

/// What the host asks of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Request<'a> {
    /// The first one.
    Start(Start),
    Allocate {
        id: u64,
        bytes: u64,
    },
    Free {
        id: u64,
    },
    Load {
        id: u64,
        /// Where its text lies.
        text: Span,
        /// Where the parameters of each entry lie, which the host knows from its
        /// own parser.
        #[serde(borrow)]
        entries: Vec<EntryShape<'a>>,
    },
    Unload {
        id: u64,
    },
    OpenQueue {
        queue: u64,
    },
    /// What the queue still has to do is to be dropped.
    CloseQueue {
        queue: u64,
    },
    /// The host knows of the queue's failure: what comes now counts.
    Resume {
        queue: u64,
    },
    Work {
        queue: u64,
        number: u64,
        #[serde(borrow)]
        task: Task<'a>,
    },
}

/// An entry of a module, as the host parsed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EntryShape<'a> {
    pub(crate) name: &'a str,
    /// Offset and size of each parameter, in bytes.
    pub(crate) parameters: Vec<(u32, u32)>,
}

/// One piece of a queue's work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Task<'a> {
    Write {
        target: u64,
        offset: u64,
        from: Span,
    },
    Read {
        source: u64,
        offset: u64,
        into: Span,
    },
    Copy {
        source: u64,
        source_offset: u64,
        target: u64,
        target_offset: u64,
        bytes: u64,
    },
    Fill {
        target: u64,
        offset: u64,
        bytes: u64,
        value: u8,
    },
    Launch {
        module: u64,
        /// Which of the module's entries.
        entry: u32,
        grid: [u32; 3],
        block: [u32; 3],
        shared_bytes: u32,
        /// As the parameters lie.
        arguments: &'a [u8],
    },
    /// A point to measure from.
    Mark,
}

/// What a worker tells the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// It has the device.
    Ready,
    Allocated {
        id: u64,
        /// The address, as kernels see it.
        outcome: Result<u64, Failure>,
    },
    Loaded {
        id: u64,
        /// How many threads a block of each entry may have.
        outcome: Result<Vec<u32>, Failure>,
    },
    Done {
        queue: u64,
        number: u64,
        /// The device's time at a mark, in nanoseconds.
        at: Option<u64>,
    },
    Failed {
        queue: u64,
        number: u64,
        failure: Failure,
    },
    /// It came behind a failure, and was not done.
    Skipped { queue: u64, number: u64 },
    /// The device is of no more use to this process.
    Lost {
        message: String,
        /// The queues whose work may have done it, and what it did.
        blamed: Vec<(u64, Failure)>,
    },
}

/// [`Error`], as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Failure {
    Denied(String),
    DeviceLost(String),
    Full(u64),
    InvalidModule(Vec<(u32, u32, String)>),
    InvalidLaunch(String),
    OutOfRange(String),
    Fault {
        kernel: String,
        block: Option<[u32; 3]>,
        thread: Option<[u32; 3]>,
        line: Option<u32>,
        message: String,
    },
    DeadlineExceeded(String),
}

/// The longest text that a worker may put into an error, in bytes.
const LONGEST: usize = 2048;

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        match error {
            Error::Denied(message) => Failure::Denied(message),
            Error::DeviceLost(message) => Failure::DeviceLost(message),
            Error::OutOfMemory { bytes } => Failure::Full(bytes),
            // A worker has no limits of its own but memory.
            Error::QuotaExceeded { requested, .. } => Failure::Full(requested),
            Error::InvalidModule(diagnostics) => Failure::InvalidModule(
                diagnostics
                    .into_iter()
                    .map(|found| (found.line, found.column, found.message))
                    .collect(),
            ),
            Error::UnknownKernel(name) => {
                Failure::InvalidLaunch(format!("there is no kernel `{name}`"))
            }
            Error::InvalidLaunch(message) => Failure::InvalidLaunch(message),
            Error::OutOfRange(message) => Failure::OutOfRange(message),
            Error::Fault(fault) => Failure::Fault {
                kernel: fault.kernel,
                block: fault.block.map(to_array),
                thread: fault.thread.map(to_array),
                line: fault.line,
                message: fault.message,
            },
            Error::DeadlineExceeded(message) => Failure::DeadlineExceeded(message),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        match failure {
            Failure::Denied(message) => Error::Denied(short(message)),
            Failure::DeviceLost(message) => Error::DeviceLost(short(message)),
            Failure::Full(bytes) => Error::OutOfMemory { bytes },
            Failure::InvalidModule(diagnostics) => Error::InvalidModule(
                diagnostics
                    .into_iter()
                    .take(tensor_wasm_ptx::MOST_DIAGNOSTICS)
                    .map(|(line, column, message)| Diagnostic {
                        line,
                        column,
                        message: short(message),
                        excerpt: String::new(),
                    })
                    .collect(),
            ),
            Failure::InvalidLaunch(message) => Error::InvalidLaunch(short(message)),
            Failure::OutOfRange(message) => Error::OutOfRange(short(message)),
            Failure::Fault {
                kernel,
                block,
                thread,
                line,
                message,
            } => Error::Fault(Fault {
                kernel: short(kernel),
                block: block.map(to_extent),
                thread: thread.map(to_extent),
                line,
                message: short(message),
            }),
            Failure::DeadlineExceeded(message) => Error::DeadlineExceeded(short(message)),
        }
    }
}

/// The text, cut where it is longer than any that is meant to be read.
pub(crate) fn short(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST)
            .rev()
            .find(|index| text.is_char_boundary(*index))
            .unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

pub(crate) fn to_array(extent: Extent) -> [u32; 3] {
    [extent.x, extent.y, extent.z]
}

pub(crate) fn to_extent([x, y, z]: [u32; 3]) -> Extent {
    Extent { x, y, z }
}

/// A message as bytes, over what `into` held.
///
/// # Errors
/// None in practice: all of these types can be encoded.
pub(crate) fn encode<T: Serialize>(message: &T, into: &mut Vec<u8>) -> Result<(), postcard::Error> {
    into.clear();
    // As much as most have: they are written byte by byte.
    into.reserve(USUAL);
    postcard::to_io(message, &mut *into)?;
    Ok(())
}

/// A request for work whose task is encoded already, over what `into` held.
///
/// # Errors
/// As [`encode`].
pub(crate) fn encode_work(
    queue: u64,
    number: u64,
    task: &[u8],
    into: &mut Vec<u8>,
) -> Result<(), postcard::Error> {
    // The task comes last, so its bytes can be put in place of those of another.
    let place = Task::Mark;
    encode(
        &Request::Work {
            queue,
            number,
            task: place,
        },
        into,
    )?;
    into.truncate(into.len().saturating_sub(MARK_BYTES));
    into.extend_from_slice(task);
    Ok(())
}

/// What [`Task::Mark`] takes: its number and nothing else.
const MARK_BYTES: usize = 1;

/// Room for most messages, in bytes.
const USUAL: usize = 96;

/// A message from bytes.
///
/// # Errors
/// Where they are none.
pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, postcard::Error> {
    postcard::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_comes_through_as_it_was_sent() {
        let request = Request::Work {
            queue: 7,
            number: 300,
            task: Task::Launch {
                module: 2,
                entry: 1,
                grid: [1, 2, 3],
                block: [4, 5, 6],
                shared_bytes: 1024,
                arguments: &[1, 2, 3],
            },
        };
        let mut bytes = Vec::new();
        encode(&request, &mut bytes).unwrap();
        assert_eq!(decode::<Request<'_>>(&bytes).unwrap(), request);
    }

    #[test]
    fn work_whose_task_was_encoded_before_is_the_same_request() {
        for (number, arguments) in [(0, &[][..]), (u64::MAX, &[1, 2, 3][..])] {
            let launch = || Task::Launch {
                module: 2,
                entry: 1,
                grid: [1, 2, 3],
                block: [4, 5, 6],
                shared_bytes: 1024,
                arguments,
            };
            for task in [launch(), Task::Mark] {
                let (mut encoded, mut parts, mut whole) = (vec![], vec![], vec![]);
                encode(&task, &mut encoded).unwrap();
                encode_work(7, number, &encoded, &mut parts).unwrap();
                let request = Request::Work {
                    queue: 7,
                    number,
                    task,
                };
                encode(&request, &mut whole).unwrap();
                assert_eq!(parts, whole);
            }
        }
    }

    #[test]
    fn an_error_comes_through_but_for_what_only_the_host_can_say() {
        let fault = Error::Fault(Fault {
            kernel: "k".to_owned(),
            block: Some(Extent { x: 1, y: 2, z: 3 }),
            thread: None,
            line: Some(4),
            message: "m".to_owned(),
        });
        let text = fault.to_string();
        assert_eq!(Error::from(Failure::from(fault)).to_string(), text);
    }

    #[test]
    fn a_worker_cannot_make_the_host_print_a_book() {
        let error = Error::from(Failure::DeviceLost("é".repeat(LONGEST)));
        assert!(error.to_string().len() < LONGEST + 64);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_host_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..256),
        ) {
            if let Ok(answer) = decode::<Answer>(&bytes) {
                let mut again = Vec::new();
                encode(&answer, &mut again).unwrap();
                prop_assert_eq!(decode::<Answer>(&again).unwrap(), answer);
            }
        }
    }
}
