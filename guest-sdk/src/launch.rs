//! Launches: how many threads, and with which arguments. The host checks the
//! arguments' number, types and sizes against the kernel's parameters, so a
//! mistake comes back as [`Error::InvalidLaunch`](crate::Error::InvalidLaunch)
//! and never reaches the device.

use bytemuck::Pod;

use crate::bindings::kernels as raw;
use crate::buffer::{Buffer, FromIndex};
use crate::error::Result;
use crate::module::Kernel;
use crate::queue::Queue;

/// A size or an index in three dimensions: of a grid in blocks, of a block in
/// threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// The dimension that varies fastest.
    pub x: u32,
    /// The second dimension.
    pub y: u32,
    /// The third dimension.
    pub z: u32,
}

impl Extent {
    /// All three dimensions.
    pub const fn new(x: u32, y: u32, z: u32) -> Extent {
        Extent { x, y, z }
    }
}

impl From<u32> for Extent {
    fn from(x: u32) -> Extent {
        Extent::new(x, 1, 1)
    }
}

impl From<(u32, u32)> for Extent {
    fn from((x, y): (u32, u32)) -> Extent {
        Extent::new(x, y, 1)
    }
}

impl From<(u32, u32, u32)> for Extent {
    fn from((x, y, z): (u32, u32, u32)) -> Extent {
        Extent::new(x, y, z)
    }
}

impl From<raw::Extent> for Extent {
    fn from(extent: raw::Extent) -> Extent {
        Extent::new(extent.x, extent.y, extent.z)
    }
}

impl From<Extent> for raw::Extent {
    fn from(Extent { x, y, z }: Extent) -> raw::Extent {
        raw::Extent { x, y, z }
    }
}

/// How many threads a launch has, and what they share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaunchConfig {
    /// Blocks in the grid.
    pub grid: Extent,
    /// Threads in each block.
    pub block: Extent,
    /// Dynamic shared memory, in bytes per block.
    pub shared_memory: u32,
}

impl LaunchConfig {
    /// This grid of these blocks: `LaunchConfig::new((40, 30), (16, 16))`.
    pub fn new(grid: impl Into<Extent>, block: impl Into<Extent>) -> LaunchConfig {
        LaunchConfig {
            grid: grid.into(),
            block: block.into(),
            shared_memory: 0,
        }
    }

    /// One thread for each of `len` values, in blocks of 256. The last block is
    /// whole, so the kernel must check its index against the length.
    pub fn for_len(len: u64) -> LaunchConfig {
        LaunchConfig::new(blocks(len, 256), 256)
    }

    /// One thread for each of `width` by `height` values, in blocks of this
    /// extent. The last blocks are whole, so the kernel must check its indices.
    pub fn for_area(width: u32, height: u32, block: (u32, u32)) -> LaunchConfig {
        LaunchConfig::new(
            (
                blocks(width.into(), block.0),
                blocks(height.into(), block.1),
            ),
            block,
        )
    }

    /// The same with dynamic shared memory, in bytes per block.
    pub fn shared_memory(self, bytes: u32) -> LaunchConfig {
        LaunchConfig {
            shared_memory: bytes,
            ..self
        }
    }
}

/// Blocks that hold `len` threads. One for no threads at all, since a device
/// refuses an empty grid where the caller meant no work.
fn blocks(len: u64, block: u32) -> u32 {
    len.div_ceil(block.max(1).into())
        .max(1)
        .try_into()
        .unwrap_or(u32::MAX)
}

/// A launch in the making; see [`Queue::launch`].
#[derive(Debug)]
#[must_use = "a launch is queued by `submit`"]
pub struct Launch<'a> {
    pub(crate) queue: &'a Queue,
    pub(crate) kernel: &'a Kernel,
    pub(crate) config: LaunchConfig,
    pub(crate) arguments: Vec<raw::Argument<'a>>,
}

impl<'a> Launch<'a> {
    /// Adds the next argument: a number of the parameter's type (the sign of an
    /// integer does not matter), a buffer, [a part of one](Buffer::from_index),
    /// or a [`Struct`].
    pub fn arg(mut self, argument: impl Argument<'a>) -> Launch<'a> {
        self.arguments.push(argument.lower().0);
        self
    }

    /// Queues the launch. It returns at once while the tenant's limit of work
    /// in flight leaves room; what the kernel then does wrong comes back from
    /// the next call on the queue that waits.
    pub fn submit(self) -> Result<()> {
        let config = raw::LaunchConfig {
            grid: self.config.grid.into(),
            block: self.config.block.into(),
            shared_memory: self.config.shared_memory,
        };
        Ok(self
            .queue
            .raw
            .launch(&self.kernel.raw, config, &self.arguments)?)
    }
}

/// What can be an argument of a launch: numbers, buffers, [`Half`],
/// [`BFloat16`] and [`Struct`].
pub trait Argument<'a>: private::Lower<'a> {}

impl<'a, T: private::Lower<'a>> Argument<'a> for T {}

/// The bits of an IEEE 754 half precision number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Half(pub u16);

/// The bits of a bfloat16 number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BFloat16(pub u16);

/// A structure that the kernel takes by value. Declare it `#[repr(C)]`, as the
/// kernel's language lays it out.
#[derive(Clone, Copy, Debug)]
pub struct Struct<'a, T>(pub &'a T);

mod private {
    use super::*;

    /// Keeps the generated type out of the public interface.
    pub struct Lowered<'a>(pub(crate) raw::Argument<'a>);

    pub trait Lower<'a> {
        fn lower(self) -> Lowered<'a>;
    }
}

macro_rules! numbers {
    ($($number:ident as $case:ident)*) => {$(
        impl<'a> private::Lower<'a> for $number {
            fn lower(self) -> private::Lowered<'a> {
                private::Lowered(raw::Argument::$case(self))
            }
        }
    )*};
}

numbers!(u8 as U8 u16 as U16 u32 as U32 u64 as U64 i8 as S8 i16 as S16 i32 as S32 i64 as S64 f32 as F32 f64 as F64);

impl<'a> private::Lower<'a> for Half {
    fn lower(self) -> private::Lowered<'a> {
        private::Lowered(raw::Argument::F16(self.0))
    }
}

impl<'a> private::Lower<'a> for BFloat16 {
    fn lower(self) -> private::Lowered<'a> {
        private::Lowered(raw::Argument::Bf16(self.0))
    }
}

impl<'a, T> private::Lower<'a> for &'a Buffer<T> {
    fn lower(self) -> private::Lowered<'a> {
        self.from_index(0).lower()
    }
}

impl<'a, T> private::Lower<'a> for FromIndex<'a, T> {
    fn lower(self) -> private::Lowered<'a> {
        // Past the end of every buffer, where the product overflows: the host refuses it.
        let offset = self.index.saturating_mul(size_of::<T>() as u64);
        private::Lowered(raw::Argument::Pointer((&self.buffer.raw, offset)))
    }
}

impl<'a, T: Pod> private::Lower<'a> for Struct<'_, T> {
    fn lower(self) -> private::Lowered<'a> {
        private::Lowered(raw::Argument::Bytes(bytemuck::bytes_of(self.0).to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_covers_every_value() {
        assert_eq!(LaunchConfig::for_len(1).grid, Extent::new(1, 1, 1));
        assert_eq!(LaunchConfig::for_len(256).grid, Extent::new(1, 1, 1));
        assert_eq!(LaunchConfig::for_len(257).grid, Extent::new(2, 1, 1));
        assert_eq!(
            LaunchConfig::for_area(33, 16, (16, 16)).grid,
            Extent::new(3, 1, 1)
        );
    }

    #[test]
    fn zero_values_give_a_grid_that_a_device_accepts() {
        assert_eq!(LaunchConfig::for_len(0).grid, Extent::new(1, 1, 1));
    }

    #[test]
    fn more_values_than_the_largest_grid_are_refused_by_the_host() {
        assert_eq!(LaunchConfig::for_len(u64::MAX).grid.x, u32::MAX);
        assert_eq!(
            LaunchConfig::for_area(7, 7, (0, 0)).grid,
            Extent::new(7, 7, 1)
        );
    }
}
