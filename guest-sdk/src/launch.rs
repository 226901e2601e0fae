//! Kernel launches: the number of threads, and the arguments. The host checks number,
//! types and sizes of the arguments against the kernel's parameters. A mismatch is
//! [`Error::InvalidLaunch`](crate::Error::InvalidLaunch), and does not reach the device.

use bytemuck::Pod;

use crate::bindings::kernels as raw;
use crate::buffer::{Buffer, FromIndex};
use crate::error::Result;
use crate::module::Kernel;
use crate::queue::Queue;

/// A size in three dimensions (of a grid in blocks, of a block in threads), or the index
/// of a block or a thread.
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
    /// An extent of these dimensions.
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

/// The number of threads of a launch, and the size of their shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaunchConfig {
    /// The size of the grid, in blocks.
    pub grid: Extent,
    /// The size of each block, in threads.
    pub block: Extent,
    /// Dynamic shared memory, in bytes per block.
    pub shared_memory: u32,
}

impl LaunchConfig {
    /// A grid of blocks, for example `LaunchConfig::new((40, 30), (16, 16))`.
    pub fn new(grid: impl Into<Extent>, block: impl Into<Extent>) -> LaunchConfig {
        LaunchConfig {
            grid: grid.into(),
            block: block.into(),
            shared_memory: 0,
        }
    }

    /// One thread for each of `len` values, in blocks of 256. The last block may have more
    /// threads than values, so the kernel must compare its index with the length.
    pub fn for_len(len: u64) -> LaunchConfig {
        LaunchConfig::new(blocks(len, 256), 256)
    }

    /// One thread for each of `width` by `height` values, in blocks of this extent. The
    /// last blocks may have more threads than values, so the kernel must compare its
    /// indices with the size.
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

/// The number of blocks for `len` threads. At least one: devices refuse an empty grid, and
/// a caller without work should get no error.
fn blocks(len: u64, block: u32) -> u32 {
    len.div_ceil(block.max(1).into())
        .max(1)
        .try_into()
        .unwrap_or(u32::MAX)
}

/// A builder for a launch; see [`Queue::launch`].
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

    /// Queues the launch. Returns at once, unless the tenant is at its limit of commands
    /// in flight; then it waits for room.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`](crate::Error::InvalidLaunch) if arguments or extents do not
    /// fit. If the kernel fails later, the next call on the queue that waits returns it.
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

/// Types that can be arguments of a launch: numbers, buffers, [`Half`], [`BFloat16`] and
/// [`Struct`].
pub trait Argument<'a>: private::Lower<'a> {}

impl<'a, T: private::Lower<'a>> Argument<'a> for T {}

/// The bits of an IEEE 754 half precision number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Half(pub u16);

/// The bits of a bfloat16 number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BFloat16(pub u16);

/// A structure that the kernel takes by value. Declare it `#[repr(C)]`, so that it has the
/// layout that the kernel expects.
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
        // If the product overflows, the largest offset is past the end of every buffer, and
        // the host refuses it.
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
    fn a_grid_has_a_thread_for_every_value() {
        assert_eq!(LaunchConfig::for_len(1).grid, Extent::new(1, 1, 1));
        assert_eq!(LaunchConfig::for_len(256).grid, Extent::new(1, 1, 1));
        assert_eq!(LaunchConfig::for_len(257).grid, Extent::new(2, 1, 1));
        assert_eq!(
            LaunchConfig::for_area(33, 16, (16, 16)).grid,
            Extent::new(3, 1, 1)
        );
    }

    #[test]
    fn a_grid_for_no_values_has_one_block() {
        assert_eq!(LaunchConfig::for_len(0).grid, Extent::new(1, 1, 1));
    }

    #[test]
    fn a_grid_for_more_values_than_a_grid_can_have_is_the_largest_one() {
        assert_eq!(LaunchConfig::for_len(u64::MAX).grid.x, u32::MAX);
        assert_eq!(
            LaunchConfig::for_area(7, 7, (0, 0)).grid,
            Extent::new(7, 7, 1)
        );
    }
}
