//! The innermost step of a product of matrices, by the crates `gemm-f32` and `gemm-f64`, which choose the
//! widest vectors that the processor has. They take pointers; here these are slices whose lengths are
//! checked.
#![expect(
    unsafe_code,
    reason = "the crates' functions take pointers to matrices, and strides"
)]

use gemm_common::Parallelism;

/// How many columns of the second factor lie together, a row of them after another. It is a multiple of
/// what each of the crates' innermost loops takes, so that they read it as it lies.
pub(super) const PANEL: usize = 64;

/// To what multiple columns are filled up with zeros, for the same reason: the widest vector.
const VECTOR: usize = 16;

/// How many rows are multiplied in one call: as many as the crates take without packing anew what is
/// packed.
const CALL_ROWS: usize = 48;

/// The columns that a row of a result takes in memory.
pub(super) fn padded(columns: usize) -> usize {
    columns.next_multiple_of(VECTOR)
}

/// A part of the first factor, in memory of this thread's own.
#[derive(Clone, Copy)]
pub(super) struct Left<'a, T> {
    pub(super) elements: &'a [T],
    /// From one row to the next, in elements.
    pub(super) row: usize,
    /// From one column to the next, in elements.
    pub(super) column: usize,
}

impl<T> Left<'_, T> {
    /// Whether so many rows and columns lie within it.
    fn holds(&self, rows: usize, columns: usize) -> bool {
        let last = |count: usize, stride: usize| count.checked_sub(1)?.checked_mul(stride);
        let end = last(rows, self.row)
            .zip(last(columns, self.column))
            .and_then(|(row, column)| row.checked_add(column));
        end.is_some_and(|end| end < self.elements.len()) && strides_fit(self.row, self.column)
    }
}

/// A part of the second factor: panels of [`PANEL`] columns, each of which has its rows behind one
/// another; the last one has as many columns as are left, [`padded`].
#[derive(Clone, Copy)]
pub(super) struct Right<'a, T> {
    pub(super) elements: &'a [T],
    pub(super) columns: usize,
}

fn strides_fit(row: usize, column: usize) -> bool {
    isize::try_from(row).is_ok() && isize::try_from(column).is_ok()
}

/// A function of the crates: rows, columns, columns of the first factor; the result and its strides from
/// one column and from one row to the next, and whether it is added to; the factors, likewise; two scalars;
/// which of the three are conjugated; threads.
type Multiply<T> = unsafe fn(
    usize,
    usize,
    usize,
    *mut T,
    isize,
    isize,
    bool,
    *const T,
    isize,
    isize,
    *const T,
    isize,
    isize,
    T,
    T,
    bool,
    bool,
    bool,
    Parallelism,
);

/// What products are computed in.
pub(super) trait Number: Copy {
    /// The function of its crate.
    fn function() -> Multiply<Self>;
    const ONE: Self;
}

macro_rules! number {
    ($ty:ident, $function:path) => {
        impl Number for $ty {
            fn function() -> Multiply<Self> {
                $function()
            }
            const ONE: Self = 1.0;
        }
    };
}

number!(f32, gemm_f32::gemm::f32::get_gemm_fn);
number!(f64, gemm_f64::gemm::f64::get_gemm_fn);

/// Sets `sums`, rows of [`padded`] columns, to the product, or adds it to them; `inner` are the columns of
/// `a`. What is beyond the columns is of no meaning. Does nothing where an operand is too short, which no
/// caller lets happen.
pub(super) fn multiply<T: Number>(
    sums: &mut [T],
    [rows, inner]: [usize; 2],
    a: Left<'_, T>,
    b: Right<'_, T>,
    adds: bool,
) {
    let stride = padded(b.columns);
    let fits = a.holds(rows, inner)
        && inner
            .checked_mul(stride)
            .is_some_and(|all| all <= b.elements.len())
        && rows
            .checked_mul(stride)
            .is_some_and(|all| all <= sums.len())
        && strides_fit(stride, inner);
    debug_assert!(fits, "{rows} by {} by {inner}", b.columns);
    if !fits {
        return;
    }
    for first in (0..stride).step_by(PANEL) {
        let width = PANEL.min(stride - first);
        for row in (0..rows).step_by(CALL_ROWS) {
            let rows = CALL_ROWS.min(rows - row);
            // SAFETY: each element that the function is told of lies within its slice: of `a` by
            // `holds`, of `b` and `sums` by the comparisons above, for `first + width <= stride` and
            // the panels before this one have `first * inner` elements. No stride is negative, and all
            // fit `isize`. `sums` is borrowed mutably, so it overlaps neither factor. Without `adds` the
            // function does not read `sums`.
            // The crates want results column by column, and are several times slower otherwise: so
            // this is the transposed product, of the factors transposed and exchanged.
            unsafe {
                T::function()(
                    width,
                    rows,
                    inner,
                    sums.as_mut_ptr().add(row * stride + first),
                    stride as isize,
                    1,
                    adds,
                    b.elements.as_ptr().add(first * inner),
                    width as isize,
                    1,
                    a.elements.as_ptr().add(row * a.row),
                    a.row as isize,
                    a.column as isize,
                    T::ONE,
                    T::ONE,
                    false,
                    false,
                    false,
                    Parallelism::None,
                );
            }
        }
    }
}
