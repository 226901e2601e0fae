//! The commands of a queue: all that a queue asks of a backend, in one enumeration for every backend
//! and for both sides of a worker's channel. What differs is how resources are named: by handles in
//! the process that owns them ([`Handles`](crate::submission::Handles)), by numbers on their way to a
//! worker ([`Wire`](crate::channel::wire::Wire)).
//!
//! Everything is checked before it becomes a command: ranges lie within their buffers, arguments fit
//! their kernel.

use serde::{Deserialize, Serialize};

use crate::LaunchConfig;
use crate::linear::GemmShape;

/// A way to name what commands work with.
pub(crate) trait Resources {
    /// Memory of the device.
    type Buffer;
    /// A kernel of a loaded module.
    type Kernel;
    /// The packed arguments of a launch.
    type Arguments;
    /// Whom a product of matrices is charged to. Launches have it with their arguments.
    type Charge;
    /// The bytes of a write.
    type Source;
    /// Where the bytes of a read go.
    type Destination;
    /// What is signalled when the queue comes to an event.
    type Event;
    /// Where the caller is answered that waits at a fence.
    type Fence;
}

/// One entry of a queue.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(
    serialize = "R::Buffer: Serialize, R::Kernel: Serialize, R::Arguments: Serialize,
        R::Charge: Serialize, R::Source: Serialize, R::Destination: Serialize, R::Event: Serialize, R::Fence: Serialize",
    deserialize = "R::Buffer: Deserialize<'de>, R::Kernel: Deserialize<'de>,
        R::Arguments: Deserialize<'de>, R::Charge: Deserialize<'de>, R::Source: Deserialize<'de>,
        R::Destination: Deserialize<'de>, R::Event: Deserialize<'de>, R::Fence: Deserialize<'de>"
))]
pub(crate) enum Command<R: Resources> {
    Write {
        target: R::Buffer,
        offset: u64,
        data: R::Source,
    },
    Read {
        source: R::Buffer,
        offset: u64,
        into: R::Destination,
    },
    /// Within one buffer the ranges may overlap.
    Copy {
        source: R::Buffer,
        source_offset: u64,
        target: R::Buffer,
        target_offset: u64,
        bytes: u64,
    },
    /// Has a range of a copy of a buffer as that of the buffer is: what was written since the last such
    /// command is copied, where the device knows what that is, else all. Nothing else writes to the copy,
    /// which was zeros before.
    Refresh {
        source: R::Buffer,
        copy: R::Buffer,
        offset: u64,
        bytes: u64,
    },
    Fill {
        target: R::Buffer,
        offset: u64,
        bytes: u64,
        value: u8,
    },
    Launch {
        kernel: R::Kernel,
        #[serde(with = "crate::launch::as_arrays")]
        config: LaunchConfig,
        arguments: R::Arguments,
    },
    /// A product of matrices.
    Gemm {
        shape: Box<GemmShape>,
        a: R::Buffer,
        b: R::Buffer,
        c: R::Buffer,
        bias: Option<R::Buffer>,
        charge: R::Charge,
    },
    /// A point of the queue that is signalled, with its time.
    Event(R::Event),
    /// A point of the queue at which a caller waits.
    Fence(R::Fence),
}

/// Names resources in another way.
pub(crate) trait Translate<'a, From: Resources, To: Resources> {
    /// Why something can't be named so.
    type Error;

    fn buffer(&mut self, buffer: &'a From::Buffer) -> Result<To::Buffer, Self::Error>;
    fn kernel(&mut self, kernel: &'a From::Kernel) -> Result<To::Kernel, Self::Error>;
    fn arguments(&mut self, arguments: &'a From::Arguments) -> Result<To::Arguments, Self::Error>;
    fn charge(&mut self, charge: &'a From::Charge) -> Result<To::Charge, Self::Error>;
    fn source(&mut self, source: &'a From::Source) -> Result<To::Source, Self::Error>;
    fn destination(&mut self, into: &'a From::Destination) -> Result<To::Destination, Self::Error>;
    fn event(&mut self, event: &'a From::Event) -> Result<To::Event, Self::Error>;
    fn fence(&mut self, fence: &'a From::Fence) -> Result<To::Fence, Self::Error>;
}

impl<R: Resources> Command<R> {
    /// The same command, with its resources named in another way.
    pub(crate) fn translate<'a, S: Resources, T: Translate<'a, R, S>>(
        &'a self,
        names: &mut T,
    ) -> Result<Command<S>, T::Error> {
        Ok(match self {
            Command::Write {
                target,
                offset,
                data,
            } => Command::Write {
                target: names.buffer(target)?,
                offset: *offset,
                data: names.source(data)?,
            },
            Command::Read {
                source,
                offset,
                into,
            } => Command::Read {
                source: names.buffer(source)?,
                offset: *offset,
                into: names.destination(into)?,
            },
            Command::Copy {
                source,
                source_offset,
                target,
                target_offset,
                bytes,
            } => Command::Copy {
                source: names.buffer(source)?,
                source_offset: *source_offset,
                target: names.buffer(target)?,
                target_offset: *target_offset,
                bytes: *bytes,
            },
            Command::Refresh {
                source,
                copy,
                offset,
                bytes,
            } => Command::Refresh {
                source: names.buffer(source)?,
                copy: names.buffer(copy)?,
                offset: *offset,
                bytes: *bytes,
            },
            Command::Fill {
                target,
                offset,
                bytes,
                value,
            } => Command::Fill {
                target: names.buffer(target)?,
                offset: *offset,
                bytes: *bytes,
                value: *value,
            },
            Command::Launch {
                kernel,
                config,
                arguments,
            } => Command::Launch {
                kernel: names.kernel(kernel)?,
                config: *config,
                arguments: names.arguments(arguments)?,
            },
            Command::Gemm {
                shape,
                a,
                b,
                c,
                bias,
                charge,
            } => Command::Gemm {
                shape: shape.clone(),
                a: names.buffer(a)?,
                b: names.buffer(b)?,
                c: names.buffer(c)?,
                bias: bias.as_ref().map(|bias| names.buffer(bias)).transpose()?,
                charge: names.charge(charge)?,
            },
            Command::Event(event) => Command::Event(names.event(event)?),
            Command::Fence(fence) => Command::Fence(names.fence(fence)?),
        })
    }
}
