//! The messages between the host and a worker process.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::NvidiaUuid;
use crate::command::{Command, Resources};
use crate::identity::{BufferId, ModuleId, QueueId, SequenceNumber};

pub(crate) use super::wire_error::{WireError, short};

/// A part of the area for bulk data, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
}

/// What the worker is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) device: WorkerDevice,
    /// Of the tenant's account on the device, in bytes.
    pub(crate) memory_bytes: u64,
    /// How long one launch may run, in nanoseconds.
    pub(crate) kernel_nanoseconds: u64,
    /// Where compiled modules of this tenant are kept.
    pub(crate) cache: Option<std::path::PathBuf>,
}

/// What runs the kernels in the worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WorkerDevice {
    /// The processor, with this many threads; `checks` where kernels are checked as they run.
    Cpu { threads: u32, checks: bool },
    /// An NVIDIA device.
    Cuda(CudaDevice),
}

/// An NVIDIA device, or a part of one: the only one that a worker's driver shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CudaDevice {
    pub(crate) uuid: NvidiaUuid,
    /// The number of its node, `/dev/nvidia0`, where it is known.
    pub(crate) minor: Option<u32>,
}

/// The resources of commands in messages: numbers, and spans of the area for bulk data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wire<'a>(PhantomData<&'a [u8]>);

impl<'a> Resources for Wire<'a> {
    type Buffer = BufferId;
    type Kernel = KernelNumber;
    /// As the parameters lie.
    type Arguments = &'a [u8];
    type Charge = ();
    type Source = Span;
    type Destination = Span;
    type Event = ();
    type Fence = Never;
}

/// A kernel of a module that the worker has loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KernelNumber {
    pub(crate) module: ModuleId,
    /// Which of the module's entries.
    pub(crate) entry: u32,
}

/// How many commands of a queue its worker has at a time.
pub(crate) const WINDOW: usize = 256;

/// The memory of the device by way of which a copy goes whose ranges overlap and lie close together, in
/// bytes. A queue has one at most at a time, and the host reserves it.
pub(crate) const BOUNCE_BYTES: u64 = 1 << 20;

/// Whether a copy of so many bytes, from one place to another at such a distance, goes by way of a
/// bounce buffer. Ranges that lie further apart can be copied in pieces that do not overlap.
pub(crate) fn goes_by_bounce(distance: u64, bytes: u64) -> bool {
    distance > 0 && distance < bytes.min(BOUNCE_BYTES)
}

/// What never crosses: fences, which the host answers itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Never {}

/// What the host asks of a worker.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Request<'a> {
    /// The first one.
    Start(Start),
    Allocate {
        id: BufferId,
        bytes: u64,
    },
    Free {
        id: BufferId,
    },
    Load {
        id: ModuleId,
        /// Where its text lies.
        text: Span,
        /// Where the parameters of each entry lie, which the host knows from its
        /// own parser.
        #[serde(borrow)]
        entries: Vec<EntryShape<'a>>,
    },
    Unload {
        id: ModuleId,
    },
    OpenQueue {
        queue: QueueId,
    },
    /// What the queue still has to do is to be dropped.
    CloseQueue {
        queue: QueueId,
    },
    /// The host knows of the queue's failure: commands run again.
    Resume {
        queue: QueueId,
    },
    Execute {
        queue: QueueId,
        number: SequenceNumber,
        #[serde(borrow)]
        command: Command<Wire<'a>>,
    },
}

/// An entry of a module, as the host parsed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EntryShape<'a> {
    pub(crate) name: &'a str,
    /// Offset and size of each parameter, in bytes.
    pub(crate) parameters: Vec<(u32, u32)>,
}

/// What a worker sends to the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// It has the device.
    Ready {
        /// Why the memory that both share is not pinned, where a device would be faster for it.
        unpinned: Option<String>,
    },
    /// The device has no memory left for what a worker needs itself, and it ends.
    NoRoom { message: String },
    Allocated {
        id: BufferId,
        /// The address, as kernels see it.
        outcome: Result<u64, WireError>,
    },
    Loaded {
        id: ModuleId,
        /// How many threads a block of each entry may have.
        outcome: Result<Vec<u32>, WireError>,
    },
    Done {
        queue: QueueId,
        number: SequenceNumber,
        /// The device's time at an event, in nanoseconds.
        at: Option<u64>,
        /// How long its kernel ran, in nanoseconds of the device's time.
        ran: u64,
    },
    Failed {
        queue: QueueId,
        number: SequenceNumber,
        error: WireError,
        /// As in `Done`.
        ran: u64,
    },
    /// It came behind a failure, and was not done; or its queue was closed, and it was stopped.
    Skipped {
        queue: QueueId,
        number: SequenceNumber,
        /// As in `Done`.
        ran: u64,
    },
    /// The device is of no more use to this process.
    Lost {
        message: String,
        /// The queues whose work may have been the cause, and how it failed.
        blamed: Vec<(QueueId, WireError)>,
    },
}

/// A message as bytes, over what `into` held.
///
/// # Errors
/// None in practice: all of these types can be encoded.
pub(crate) fn encode<T: Serialize>(message: &T, into: &mut Vec<u8>) -> Result<(), postcard::Error> {
    into.clear();
    // As much as most take: they are written byte by byte.
    into.reserve(USUAL_BYTES);
    postcard::to_io(message, &mut *into)?;
    Ok(())
}

/// A request to execute a command that is encoded already, over what `into` held.
///
/// # Errors
/// As [`encode`].
pub(crate) fn encode_execute(
    queue: QueueId,
    number: SequenceNumber,
    command: &[u8],
    into: &mut Vec<u8>,
) -> Result<(), postcard::Error> {
    // The command comes last, so its bytes can be put in place of those of another.
    let placeholder = Command::Event(());
    encode(
        &Request::Execute {
            queue,
            number,
            command: placeholder,
        },
        into,
    )?;
    into.truncate(into.len().saturating_sub(PLACEHOLDER_BYTES));
    into.extend_from_slice(command);
    Ok(())
}

/// What an event takes: the number of its variant and nothing else.
const PLACEHOLDER_BYTES: usize = 1;

/// Room for most messages, in bytes.
const USUAL_BYTES: usize = 96;

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

    use std::num::NonZeroU64;

    use tensor_wasm_ptx::Extent;

    use super::*;
    use crate::linear::{GemmShape, Operand};
    use crate::{Activation, Element, LaunchConfig};

    fn one() -> Extent {
        Extent { x: 1, y: 2, z: 3 }
    }

    fn launch(arguments: &[u8]) -> Command<Wire<'_>> {
        Command::Launch {
            kernel: KernelNumber {
                module: 2.into(),
                entry: 1,
            },
            config: LaunchConfig {
                grid: one(),
                block: Extent { x: 4, y: 5, z: 6 },
                shared_bytes: 1024,
            },
            arguments,
        }
    }

    fn gemm<'a>() -> Command<Wire<'a>> {
        let operand = Operand {
            offset: 1,
            row: u64::MAX,
            column: 1,
            batch: 0,
        };
        let shape = GemmShape {
            element: Element::BF16,
            m: NonZeroU64::MIN,
            n: NonZeroU64::MAX,
            k: 0,
            batch: NonZeroU64::MIN,
            alpha: f64::NAN.to_bits(),
            beta: 0,
            a: operand,
            b: operand,
            c: operand,
            bias: Some(operand),
            activation: Activation::Gelu,
        };
        Command::Gemm {
            shape: Box::new(shape),
            a: 3.into(),
            b: u64::MAX.into(),
            c: 4.into(),
            bias: Some(5.into()),
            charge: (),
        }
    }

    /// Each command, with numbers of one and of many bytes.
    fn commands<'a>() -> Vec<Command<Wire<'a>>> {
        let span = Span {
            offset: 1 << 20,
            bytes: 7,
        };
        let (low, high) = (3.into(), u64::MAX.into());
        let commands = vec![
            Command::Write {
                target: high,
                offset: 5,
                data: span,
            },
            Command::Read {
                source: low,
                offset: u64::MAX,
                into: span,
            },
            Command::Copy {
                source: low,
                source_offset: 1,
                target: high,
                target_offset: 2,
                bytes: 3,
            },
            Command::Refresh {
                source: low,
                copy: high,
                offset: 1 << 30,
                bytes: 1 << 24,
            },
            Command::Fill {
                target: low,
                offset: 1,
                bytes: 1 << 40,
                value: 0xff,
            },
            launch(&[]),
            launch(&[1, 2, 3]),
            gemm(),
            Command::Event(()),
        ];
        for command in &commands {
            // A new command is to be listed here.
            match command {
                Command::Write { .. }
                | Command::Read { .. }
                | Command::Copy { .. }
                | Command::Refresh { .. }
                | Command::Fill { .. }
                | Command::Launch { .. }
                | Command::Gemm { .. }
                | Command::Event(()) => {}
                Command::Fence(never) => match *never {},
            }
        }
        commands
    }

    #[test]
    fn a_request_comes_through_as_it_was_sent() {
        for index in 0..commands().len() {
            let mut bytes = Vec::new();
            let request = Request::Execute {
                queue: 7.into(),
                number: 300.into(),
                command: commands().remove(index),
            };
            encode(&request, &mut bytes).unwrap();
            assert_eq!(decode::<Request<'_>>(&bytes).unwrap(), request);
        }
    }

    #[test]
    fn a_command_that_was_encoded_before_makes_the_same_request() {
        for number in [0, u64::MAX] {
            for command in commands() {
                let (mut encoded, mut parts, mut whole) = (vec![], vec![], vec![]);
                encode(&command, &mut encoded).unwrap();
                encode_execute(7.into(), number.into(), &encoded, &mut parts).unwrap();
                let request = Request::Execute {
                    queue: 7.into(),
                    number: number.into(),
                    command,
                };
                encode(&request, &mut whole).unwrap();
                assert_eq!(parts, whole);
            }
        }
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
