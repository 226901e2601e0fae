//! Checks a product of matrices, all of which comes from a guest. Extents are as large as 64 bits hold,
//! so nothing is added or multiplied here that is not checked for overflow.

use std::num::NonZeroU64;

use super::{Activation, Element, Gemm, GemmShape, Matrix, Operand, Vector};
use crate::{Buffer, Error};

/// The shape of a product that can be executed; `None` where there is nothing to be done.
///
/// # Errors
/// [`Error::InvalidLaunch`] where shapes do not fit each other or the result overlaps what is read, and
/// [`Error::OutOfRange`] where an operand does not lie within its buffer.
pub(crate) fn checked(gemm: &Gemm) -> Result<Option<GemmShape>, Error> {
    let Gemm { m, n, k, batch, .. } = *gemm;
    check_scalars(gemm)?;
    let factor = gemm.element.factor_bytes();
    let result = gemm.element.result_bytes();
    let a = Placed::of("a", gemm, &gemm.a, [m, k], factor)?;
    let b = Placed::of("b", gemm, &gemm.b, [k, n], factor)?;
    let c = Placed::of("c", gemm, &gemm.c, [m, n], result)?;
    let bias = match &gemm.bias {
        Some(bias) => Some(Placed::bias(gemm, bias, result)?),
        None => None,
    };
    check_result(gemm, &c)?;
    for read in [Some(&a), Some(&b), bias.as_ref()].into_iter().flatten() {
        if c.overlaps(read) {
            return Err(invalid(
                gemm,
                &format!(
                    "c shares bytes with {}, which is read while c is written; write to another buffer",
                    read.name
                ),
            ));
        }
    }
    let (Some(m), Some(n), Some(batch)) = (
        NonZeroU64::new(m),
        NonZeroU64::new(n),
        NonZeroU64::new(batch),
    ) else {
        return Ok(None);
    };
    Ok(Some(GemmShape {
        element: gemm.element,
        m,
        n,
        k: if gemm.alpha == 0.0 { 0 } else { k },
        batch,
        // Where k is 0 there is no product, and alpha is ignored: an alpha that is NaN changes nothing.
        alpha: if k == 0 { 0 } else { gemm.alpha.to_bits() },
        beta: gemm.beta.to_bits(),
        a: a.operand,
        b: b.operand,
        c: c.operand,
        bias: bias.map(|bias| bias.operand),
        activation: gemm.activation,
    }))
}

fn check_scalars(gemm: &Gemm) -> Result<(), Error> {
    if gemm.element == Element::S8 {
        for (name, value) in [("alpha", gemm.alpha), ("beta", gemm.beta)] {
            let (least, most) = (f64::from(i32::MIN), f64::from(i32::MAX));
            if value.fract() != 0.0 || !(least..=most).contains(&value) {
                return Err(invalid(
                    gemm,
                    &format!("{name} is {value}, but for s8 it is a whole number of 32 bits"),
                ));
            }
        }
        if gemm.bias.is_some() || gemm.activation != Activation::None {
            return Err(invalid(
                gemm,
                "for s8 there is no bias and no activation; add them in a kernel",
            ));
        }
    }
    if gemm.element == Element::F64 && gemm.activation == Activation::Gelu {
        return Err(invalid(
            gemm,
            "gelu is not computed in f64; use f32, or a kernel",
        ));
    }
    Ok(())
}

/// The elements of a result may be written once each, and lie row by row.
fn check_result(gemm: &Gemm, c: &Placed<'_>) -> Result<(), Error> {
    if gemm.c.transposed {
        return Err(invalid(
            gemm,
            "c can't be transposed; exchange the factors, each transposed, instead",
        ));
    }
    let (stride, row) = (gemm.c.stride, gemm.c.leading_dimension);
    let batched = gemm.batch > 1 && c.extent > 0;
    if batched && stride < c.extent && !c.is_interleaved {
        return Err(invalid(
            gemm,
            &format!(
                "the results of the batch share elements: each takes {} elements, but they lie {stride} apart in rows that lie {row} apart",
                c.extent
            ),
        ));
    }
    Ok(())
}

/// An operand whose range lies in its buffer.
struct Placed<'a> {
    name: &'static str,
    buffer: &'a Buffer,
    operand: Operand,
    /// What one matrix spans, in elements.
    extent: u64,
    /// The matrices of the batch lie beside each other, in the same rows.
    is_interleaved: bool,
    /// What all of them span, in bytes.
    bytes: u64,
    /// An element's.
    size: u64,
    /// From one row, as it lies in memory, to the next, in bytes; and what of it is used, by all matrices
    /// that lie in it.
    row_bytes: u64,
    used_bytes: u64,
}

impl<'a> Placed<'a> {
    /// A matrix of so many rows and columns.
    fn of(
        name: &'static str,
        gemm: &Gemm,
        matrix: &'a Matrix,
        [rows, columns]: [u64; 2],
        size: u64,
    ) -> Result<Placed<'a>, Error> {
        let (lines, width) = match matrix.transposed {
            false => (rows, columns),
            true => (columns, rows),
        };
        let leading = matrix.leading_dimension;
        if leading < width.max(1) {
            return Err(invalid(
                gemm,
                &format!(
                    "{name} has a leading dimension of {leading}, but its rows have {width} elements as they lie in memory"
                ),
            ));
        }
        let (row, column) = match matrix.transposed {
            false => (leading, 1),
            true => (1, leading),
        };
        let operand = Operand {
            offset: matrix.offset,
            row,
            column,
            batch: matrix.stride,
        };
        Placed::within(
            name,
            gemm,
            &matrix.buffer,
            operand,
            [lines, width, leading],
            size,
        )
    }

    fn bias(gemm: &Gemm, bias: &'a Vector, size: u64) -> Result<Placed<'a>, Error> {
        if bias.increment == 0 {
            return Err(invalid(gemm, "bias has an increment of 0"));
        }
        let operand = Operand {
            offset: bias.offset,
            row: 0,
            column: bias.increment,
            batch: 0,
        };
        let lines = [gemm.n, 1, bias.increment];
        Placed::within("bias", gemm, &bias.buffer, operand, lines, size)
    }

    fn within(
        name: &'static str,
        gemm: &Gemm,
        buffer: &'a Buffer,
        operand: Operand,
        [lines, width, leading]: [u64; 3],
        size: u64,
    ) -> Result<Placed<'a>, Error> {
        if !operand.offset.is_multiple_of(size) {
            return Err(invalid(
                gemm,
                &format!(
                    "{name} begins at offset {}, which is no multiple of the {size} bytes of an element",
                    operand.offset
                ),
            ));
        }
        let too_large = || {
            Error::OutOfRange(format!(
                "{}: {name} takes more bytes than 64 bits can count",
                said(gemm)
            ))
        };
        let extent = match (lines.checked_sub(1), width) {
            (None, _) | (_, 0) => 0,
            (Some(before), width) => before
                .checked_mul(leading)
                .and_then(|before| before.checked_add(width))
                .ok_or_else(too_large)?,
        };
        let others = gemm.batch.saturating_sub(1);
        let apart = operand.batch.checked_mul(others).ok_or_else(too_large)?;
        let bytes = match extent {
            0 => 0,
            _ if gemm.batch == 0 => 0,
            extent => extent
                .checked_add(apart)
                .and_then(|elements| elements.checked_mul(size))
                .ok_or_else(too_large)?,
        };
        let what = format!("{}: {name}", said(gemm));
        buffer.check_range(&what, operand.offset, bytes)?;
        // What lies in a row is at most the whole, which is within a buffer.
        let beside = apart.saturating_add(width);
        let is_interleaved = operand.batch >= width && beside <= leading;
        let used = if is_interleaved { beside } else { width };
        Ok(Placed {
            name,
            buffer,
            operand,
            extent,
            is_interleaved,
            bytes,
            size,
            row_bytes: leading.saturating_mul(size),
            used_bytes: used.saturating_mul(size),
        })
    }

    /// Whether both have a byte in common. Two that lie in the same rows, beside each other, have none.
    fn overlaps(&self, other: &Placed<'_>) -> bool {
        let (begin, other_begin) = (self.operand.offset, other.operand.offset);
        // Neither sum overflows: the ranges lie within buffers.
        if !self.buffer.is(other.buffer)
            || self.bytes == 0
            || other.bytes == 0
            || begin >= other_begin + other.bytes
            || other_begin >= begin + self.bytes
        {
            return false;
        }
        let rows = self.row_bytes;
        let columns = |placed: &Placed<'_>| {
            let at = placed.operand.offset % rows;
            let end = at.checked_add(placed.used_bytes)?;
            (end <= rows).then_some((at, end))
        };
        let in_rows = |placed: &Placed<'_>| {
            let is_one = placed.bytes <= placed.extent.saturating_mul(placed.size);
            placed.row_bytes == rows && (is_one || placed.is_interleaved)
        };
        if !in_rows(self) || !in_rows(other) {
            return true;
        }
        match (columns(self), columns(other)) {
            (Some((begin, end)), Some((other_begin, other_end))) => {
                begin < other_end && other_begin < end
            }
            _ => true,
        }
    }
}

/// What every message begins with.
fn said(gemm: &Gemm) -> String {
    let Gemm { m, n, k, batch, .. } = gemm;
    let of = |transposed: bool| if transposed { " (transposed)" } else { "" };
    let many = match batch {
        1 => String::new(),
        batch => format!(", {batch} times"),
    };
    format!(
        "gemm of a, {m} by {k}{}, and b, {k} by {n}{}, to c, {m} by {n}{many}",
        of(gemm.a.transposed),
        of(gemm.b.transposed)
    )
}

fn invalid(gemm: &Gemm, message: &str) -> Error {
    Error::InvalidLaunch(format!("{}: {message}", said(gemm)))
}
