//! Typed buffers of device memory. A [`Buffer`] is a handle: a
//! [`Queue`](crate::Queue) reads and writes its values, and dropping it frees the
//! memory once the queued commands that use it are done.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};

use crate::bindings::kernels as raw;
use crate::error::{Error, Result};

/// A buffer on the device that holds values of type `T`.
pub struct Buffer<T> {
    pub(crate) raw: raw::Buffer,
    /// A number of values, not of bytes.
    pub(crate) len: u64,
    pub(crate) element: PhantomData<T>,
}

impl<T> Buffer<T> {
    /// The number of values. It is not a `usize`, because a device may have more memory
    /// than a 32-bit component can address.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no values.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The buffer from the value with this index on, as an argument of a launch. The
    /// kernel gets a pointer to that value.
    pub fn from_index(&self, index: u64) -> FromIndex<'_, T> {
        FromIndex {
            buffer: self,
            index,
        }
    }

    /// Gives a type to an untyped handle. Fails if the size of the buffer is not a
    /// multiple of the size of `T`.
    pub(crate) fn from_raw(raw: raw::Buffer) -> Result<Buffer<T>> {
        let (bytes, size) = (raw.size(), size_of::<T>() as u64);
        match (bytes.checked_div(size), bytes.checked_rem(size)) {
            (Some(len), Some(0)) => Ok(Buffer {
                raw,
                len,
                element: PhantomData,
            }),
            _ => Err(Error::OutOfRange(format!(
                "a buffer of {bytes} bytes does not hold whole values of {size} bytes"
            ))),
        }
    }

    /// Offset and length, in bytes, of a range of values.
    pub(crate) fn byte_range(&self, range: impl RangeBounds<u64>) -> Result<(u64, u64)> {
        byte_range(range, self.len, size_of::<T>() as u64)
    }
}

impl<T> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let element = std::any::type_name::<T>();
        write!(f, "Buffer<{element}>({})", self.len)
    }
}

/// The part of a buffer that begins at one of its values; see [`Buffer::from_index`].
#[derive(Debug)]
pub struct FromIndex<'a, T> {
    pub(crate) buffer: &'a Buffer<T>,
    pub(crate) index: u64,
}

impl<T> Clone for FromIndex<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for FromIndex<'_, T> {}

/// From its first value on.
impl<'a, T> From<&'a Buffer<T>> for FromIndex<'a, T> {
    fn from(buffer: &'a Buffer<T>) -> FromIndex<'a, T> {
        buffer.from_index(0)
    }
}

/// Offset and length, in bytes, of a range in a buffer of `len` values of `size` bytes.
fn byte_range(range: impl RangeBounds<u64>, len: u64, size: u64) -> Result<(u64, u64)> {
    let start = match range.start_bound() {
        Bound::Included(&start) => Some(start),
        Bound::Excluded(&before) => before.checked_add(1),
        Bound::Unbounded => Some(0),
    };
    let end = match range.end_bound() {
        Bound::Included(&last) => last.checked_add(1),
        Bound::Excluded(&end) => Some(end),
        Bound::Unbounded => Some(len),
    };
    match (start, end) {
        // The buffer exists, so its size in bytes fits in a `u64`, and the products do too.
        (Some(start), Some(end)) if start <= end && end <= len => {
            Ok((start * size, (end - start) * size))
        }
        // A bound that overflows is shown as the largest number.
        _ => Err(Error::OutOfRange(format!(
            "the range {}..{} is not within a buffer of {len} values",
            start.unwrap_or(u64::MAX),
            end.unwrap_or(u64::MAX)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_values_becomes_a_range_of_bytes() {
        assert_eq!(byte_range(.., 10, 4), Ok((0, 40)));
        assert_eq!(byte_range(2..5, 10, 4), Ok((8, 12)));
        assert_eq!(byte_range(2..=5, 10, 8), Ok((16, 32)));
        assert_eq!(byte_range(10.., 10, 4), Ok((40, 0)));
    }

    #[test]
    fn a_range_past_the_end_is_refused() {
        for range in [5..11, 11..11] {
            assert!(matches!(
                byte_range(range, 10, 4),
                Err(Error::OutOfRange(_))
            ));
        }
        assert!(matches!(
            byte_range(0..=u64::MAX, 10, 4),
            Err(Error::OutOfRange(_))
        ));
        #[allow(clippy::reversed_empty_ranges)]
        let backwards = 6..5;
        assert!(matches!(
            byte_range(backwards, 10, 4),
            Err(Error::OutOfRange(_))
        ));
    }
}
