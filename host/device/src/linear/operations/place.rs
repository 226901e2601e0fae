//! Where operands of operations lie, which a guest says: extents are as large as 64 bits hold, so nothing
//! is added or multiplied here that is not checked for overflow.

use crate::{Argument, Buffer, Error, Vector};

/// The most columns that rows may have.
pub(super) const MOST_COLUMNS: u64 = i32::MAX as u64;

/// Rows in a buffer, whose elements lie next to each other.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Where they lie.
    pub buffer: Buffer,
    /// Where the first element lies, in bytes.
    pub offset: u64,
    /// From the beginning of a row to that of the next, in elements.
    pub leading_dimension: u64,
}

impl Rows {
    /// Whether it is the same place.
    pub(super) fn is(&self, other: &Rows) -> bool {
        self.buffer.is(&other.buffer)
            && self.offset == other.offset
            && self.leading_dimension == other.leading_dimension
    }

    /// # Errors
    /// As those of [`Span::of`], and where rows share elements.
    pub(super) fn span(
        &self,
        said: &str,
        name: &'static str,
        [rows, columns]: [u64; 2],
        size: u64,
    ) -> Result<Span<'_>, Error> {
        let leading = self.leading_dimension;
        if leading < columns.max(1) {
            return Err(Error::InvalidLaunch(format!(
                "{said}: {name} has a leading dimension of {leading}, but its rows have {columns} elements"
            )));
        }
        let dimensions = [[rows, leading], [columns, 1]];
        Span::of(said, name, &self.buffer, self.offset, &dimensions, size)
    }

    /// From one row to the next, in bytes. Where there is one row alone, it may be any number.
    pub(super) fn row_bytes(&self, size: u64) -> u64 {
        self.leading_dimension.wrapping_mul(size)
    }

    /// The address of a row that lies within the buffer.
    pub(super) fn pointer(&self, row: u64, size: u64) -> Argument {
        Argument::Pointer {
            buffer: self.buffer.clone(),
            offset: self.offset + row * self.row_bytes(size),
        }
    }
}

/// The range of a buffer from the first to the last byte of an operand.
pub(super) struct Span<'a> {
    name: &'static str,
    buffer: &'a Buffer,
    offset: u64,
    bytes: u64,
}

impl<'a> Span<'a> {
    /// That of an operand with so many elements in each dimension, each so many after the one before.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] where the first element is not aligned, [`Error::OutOfRange`] where the
    /// range is not within the buffer.
    pub(super) fn of(
        said: &str,
        name: &'static str,
        buffer: &'a Buffer,
        offset: u64,
        dimensions: &[[u64; 2]],
        size: u64,
    ) -> Result<Span<'a>, Error> {
        if !offset.is_multiple_of(size) {
            return Err(Error::InvalidLaunch(format!(
                "{said}: {name} begins at offset {offset}, which is no multiple of the {size} bytes of an element"
            )));
        }
        let is_empty = dimensions.iter().any(|[count, _]| *count == 0);
        let elements = dimensions.iter().try_fold(1u64, |sum, [count, stride]| {
            let last = count.saturating_sub(1).checked_mul(*stride)?;
            sum.checked_add(last)
        });
        let bytes = match is_empty {
            true => Some(0),
            false => elements.and_then(|elements| elements.checked_mul(size)),
        };
        let Some(bytes) = bytes else {
            return Err(Error::OutOfRange(format!(
                "{said}: {name} takes more bytes than 64 bits can count"
            )));
        };
        buffer.check_range(&format!("{said}: {name}"), offset, bytes)?;
        Ok(Span {
            name,
            buffer,
            offset,
            bytes,
        })
    }

    /// That of a vector.
    ///
    /// # Errors
    /// As those of `of`, and where all elements are to be the same.
    pub(super) fn of_vector(
        said: &str,
        name: &'static str,
        vector: &'a Vector,
        count: u64,
        size: u64,
    ) -> Result<Span<'a>, Error> {
        if vector.increment == 0 {
            return Err(Error::InvalidLaunch(format!(
                "{said}: {name} has an increment of 0"
            )));
        }
        let dimensions = [[count, vector.increment]];
        Span::of(said, name, &vector.buffer, vector.offset, &dimensions, size)
    }

    /// # Errors
    /// [`Error::InvalidLaunch`] where this result shares the range of something that is read, or of another
    /// result.
    pub(super) fn check_apart(&self, said: &str, other: &Span<'_>) -> Result<(), Error> {
        // Neither sum overflows: the ranges lie within buffers.
        let is_apart = !self.buffer.is(other.buffer)
            || self.bytes == 0
            || other.bytes == 0
            || self.offset >= other.offset + other.bytes
            || other.offset >= self.offset + self.bytes;
        match is_apart {
            true => Ok(()),
            false => Err(Error::InvalidLaunch(format!(
                "{said}: {} lies in the same part of a buffer as {}; write to another one",
                self.name, other.name
            ))),
        }
    }
}

/// # Errors
/// [`Error::InvalidLaunch`] where rows have more columns than kernels count.
pub(super) fn check_columns(said: &str, columns: u64) -> Result<u32, Error> {
    match columns <= MOST_COLUMNS {
        true => Ok(columns as u32),
        false => Err(Error::InvalidLaunch(format!(
            "{said}: a row may have {MOST_COLUMNS} elements at most"
        ))),
    }
}

/// The address of an operand that may be missing, which the kernel then does not use.
pub(super) fn vector_pointer(vector: Option<&Vector>) -> Argument {
    match vector {
        Some(vector) => Argument::Pointer {
            buffer: vector.buffer.clone(),
            offset: vector.offset,
        },
        None => Argument::U64(0),
    }
}
