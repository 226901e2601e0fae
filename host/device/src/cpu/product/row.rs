//! The product of one row and a matrix, which takes each element of the matrix once: so it is read in
//! pieces that stay in the nearest cache, and nothing is packed. A matrix that lies row by row is added to
//! the sums row after row; of one that lies column by column, each sum is a dot product.

use std::ops::{AddAssign, Mul};

use gemm_common::pulp::Arch;

use super::elements::{Loaded, Part, Source, lies_by_columns};

/// How many elements of the matrix are read at a time.
const PIECE: usize = 4096;

/// How many rows are added in one pass over the sums.
const TOGETHER: usize = 4;

/// In how many parts a dot product is summed up: as many as fill several vectors.
const PARTS: usize = 64;

/// Sets `sums` to the product of the row `a` and a part of the second factor, or adds it to them. `piece` is
/// memory for elements on their way.
pub(super) fn multiply_row<T>(
    sums: &mut [T],
    a: &[T],
    source: &Source<'_>,
    part: Part,
    adds: bool,
    piece: &mut Vec<T>,
) where
    T: Loaded + Mul<Output = T> + AddAssign,
{
    let sums = sums.get_mut(..part.columns).unwrap_or_default();
    if !adds {
        sums.fill(T::default());
    }
    let by_columns = lies_by_columns(source.operand, part);
    let (lines, length) = match by_columns {
        true => (part.columns, part.rows),
        false => (part.rows, part.columns),
    };
    let together = (PIECE / length).clamp(1, lines);
    piece.resize((together * length).max(piece.len()), T::default());
    for first in (0..lines).step_by(together) {
        let count = together.min(lines - first);
        let piece = piece.get_mut(..count * length).unwrap_or_default();
        for (index, line) in piece.chunks_exact_mut(length).enumerate() {
            match by_columns {
                true => source.column(part, [0, first + index], line),
                false => source.row(part, [first + index, 0], line),
            }
        }
        let range = first..first + count;
        // With the widest vectors that the processor has.
        Arch::new().dispatch(
            #[inline(always)]
            || match by_columns {
                true => add_dots(sums.get_mut(range).unwrap_or_default(), a, piece),
                false => add_rows(sums, a.get(range).unwrap_or_default(), piece),
            },
        );
    }
}

/// Adds rows, each times an element of `a`.
#[inline(always)]
fn add_rows<T: Copy + Mul<Output = T> + AddAssign>(sums: &mut [T], a: &[T], rows: &[T]) {
    let length = sums.len();
    let (groups, rest) = a.as_chunks::<TOGETHER>();
    let (of_groups, of_rest) = rows.split_at(groups.len() * TOGETHER * length);
    for (factors, rows) in groups.iter().zip(of_groups.chunks_exact(TOGETHER * length)) {
        let (first, second) = rows.split_at(2 * length);
        let ((a, b), (c, d)) = (first.split_at(length), second.split_at(length));
        let [p, q, r, s] = *factors;
        for ((sum, (a, b)), (c, d)) in sums.iter_mut().zip(a.iter().zip(b)).zip(c.iter().zip(d)) {
            let mut own = *sum;
            own += p * *a;
            own += q * *b;
            own += r * *c;
            own += s * *d;
            *sum = own;
        }
    }
    for (factor, row) in rest.iter().zip(of_rest.chunks_exact(length)) {
        for (sum, element) in sums.iter_mut().zip(row) {
            *sum += *factor * *element;
        }
    }
}

/// Adds to each sum the dot product of `a` and a column.
#[inline(always)]
fn add_dots<T: Copy + Default + Mul<Output = T> + AddAssign>(
    sums: &mut [T],
    a: &[T],
    columns: &[T],
) {
    for (sum, column) in sums.iter_mut().zip(columns.chunks_exact(a.len())) {
        *sum += dot(a, column);
    }
}

#[inline(always)]
fn dot<T: Copy + Default + Mul<Output = T> + AddAssign>(a: &[T], b: &[T]) -> T {
    let mut parts = [T::default(); PARTS];
    let (a, a_rest) = a.as_chunks::<PARTS>();
    let (b, b_rest) = b.as_chunks::<PARTS>();
    for (a, b) in a.iter().zip(b) {
        for ((part, a), b) in parts.iter_mut().zip(a).zip(b) {
            *part += *a * *b;
        }
    }
    // Halves are added to each other, so that this is done in vectors too.
    let mut count = PARTS / 2;
    while count > 0 {
        let (low, high) = parts.split_at_mut(count);
        for (low, high) in low.iter_mut().zip(high) {
            *low += *high;
        }
        count /= 2;
    }
    let mut sum = parts.first().copied().unwrap_or_default();
    for (a, b) in a_rest.iter().zip(b_rest) {
        sum += *a * *b;
    }
    sum
}
