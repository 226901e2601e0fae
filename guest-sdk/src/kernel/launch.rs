//! Typed launches: what the functions that the macro makes are made of.

use crate::bindings::kernels as raw;
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::launch::{Argument, LaunchConfig};
use crate::queue::Queue;

/// A kernel that the macro has compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// The kernel's name.
    pub name: &'static str,
    /// The PTX text of its module.
    pub ptx: &'static str,
}

/// An argument of a launch. `H` refers to a buffer.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are the types")]
#[non_exhaustive]
pub enum LaunchArgument<H> {
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    S8(i8),
    S16(i16),
    S32(i32),
    S64(i64),
    /// The bits of a number.
    F16(u16),
    /// The bits of a number.
    Bf16(u16),
    F32(f32),
    F64(f64),
    /// A structure.
    Bytes(Vec<u8>),
    Buffer(H),
}

/// What a kernel can be launched on: a [`Queue`] of a device, or, in tests, a simulated device
/// (`tensor_wasm_guest::testing::Device`).
pub trait Launcher: Sized {
    /// A buffer of values.
    type Buffer<T>;
    /// Refers to a buffer.
    type Handle<'b>;
    /// Why a launch fails.
    type Error;

    /// Refers to a buffer.
    fn handle<T>(buffer: &Self::Buffer<T>) -> Self::Handle<'_>;

    /// The number of values of a buffer.
    fn len<T>(buffer: &Self::Buffer<T>) -> u64;

    /// Launches a kernel.
    ///
    /// # Errors
    /// Where the launch does not fit the kernel, or the module cannot be loaded.
    fn launch(
        self,
        source: &Source,
        config: LaunchConfig,
        arguments: &[LaunchArgument<Self::Handle<'_>>],
    ) -> Result<(), Self::Error>;
}

impl Launcher for &Queue {
    type Buffer<T> = Buffer<T>;
    type Handle<'b> = &'b raw::Buffer;
    type Error = Error;

    fn handle<T>(buffer: &Buffer<T>) -> &raw::Buffer {
        &buffer.raw
    }

    fn len<T>(buffer: &Buffer<T>) -> u64 {
        buffer.len
    }

    /// Loads the module when its first kernel is launched on the device.
    fn launch(
        self,
        source: &Source,
        config: LaunchConfig,
        arguments: &[LaunchArgument<&raw::Buffer>],
    ) -> Result<()> {
        let kernel = self.device.kernel(source)?;
        let arguments: Vec<raw::Argument<'_>> = arguments
            .iter()
            .map(|argument| match argument {
                LaunchArgument::U8(value) => raw::Argument::U8(*value),
                LaunchArgument::U16(value) => raw::Argument::U16(*value),
                LaunchArgument::U32(value) => raw::Argument::U32(*value),
                LaunchArgument::U64(value) => raw::Argument::U64(*value),
                LaunchArgument::S8(value) => raw::Argument::S8(*value),
                LaunchArgument::S16(value) => raw::Argument::S16(*value),
                LaunchArgument::S32(value) => raw::Argument::S32(*value),
                LaunchArgument::S64(value) => raw::Argument::S64(*value),
                LaunchArgument::F16(bits) => raw::Argument::F16(*bits),
                LaunchArgument::Bf16(bits) => raw::Argument::Bf16(*bits),
                LaunchArgument::F32(value) => raw::Argument::F32(*value),
                LaunchArgument::F64(value) => raw::Argument::F64(*value),
                LaunchArgument::Bytes(bytes) => raw::Argument::Bytes(bytes.clone()),
                LaunchArgument::Buffer(buffer) => raw::Argument::Pointer((buffer, 0)),
            })
            .collect();
        Ok(self
            .raw
            .launch(&kernel.raw, raw_config(config), &arguments)?)
    }
}

fn raw_config(config: LaunchConfig) -> raw::LaunchConfig {
    raw::LaunchConfig {
        grid: config.grid.into(),
        block: config.block.into(),
        shared_memory: config.shared_memory,
    }
}

/// The arguments of a kernel of a PTX file, as [`kernels!`](super::kernels) passes them.
#[derive(Debug, Default)]
pub struct Arguments<'a>(Vec<raw::Argument<'a>>);

impl<'a> Arguments<'a> {
    /// Adds the next argument.
    pub fn arg(mut self, argument: impl Argument<'a>) -> Arguments<'a> {
        self.0.push(argument.lower().0);
        self
    }

    /// Queues the launch. The module is loaded when its first kernel is launched on the device.
    ///
    /// # Errors
    /// Those of [`Device::load`](crate::Device::load), [`Module::kernel`](crate::Module::kernel)
    /// and [`Launch::submit`](crate::Launch::submit).
    pub fn submit(self, queue: &Queue, source: &Source, config: LaunchConfig) -> Result<()> {
        let kernel = queue.device.kernel(source)?;
        Ok(queue.raw.launch(&kernel.raw, raw_config(config), &self.0)?)
    }
}
