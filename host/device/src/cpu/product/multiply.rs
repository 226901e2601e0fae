//! The innermost step of a product of matrices, by the crates `gemm-f32` and `gemm-f64`, which choose the
//! widest vectors that the processor has. They take pointers; here these are slices whose lengths are
//! checked.
#![expect(
    unsafe_code,
    reason = "the crates' functions take pointers to matrices, and strides"
)]

use gemm_common::Parallelism;

/// A packed part of a factor, in memory of this thread's own.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a, T> {
    pub(super) elements: &'a [T],
    /// From one row to the next, in elements.
    pub(super) row: usize,
    /// From one column to the next, in elements.
    pub(super) column: usize,
}

impl<T> Panel<'_, T> {
    /// Whether so many rows and columns lie within it.
    fn holds(&self, rows: usize, columns: usize) -> bool {
        let last = |count: usize, stride: usize| count.checked_sub(1)?.checked_mul(stride);
        let end = last(rows, self.row)
            .zip(last(columns, self.column))
            .and_then(|(row, column)| row.checked_add(column));
        end.is_some_and(|end| end < self.elements.len()) && strides_fit(self.row, self.column)
    }
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

/// Sets `sums`, `rows` rows of `columns` each, to the product, or adds it to them. Does nothing where an
/// operand is too short, which no caller lets happen.
pub(super) fn multiply<T: Number>(
    sums: &mut [T],
    [rows, columns, inner]: [usize; 3],
    a: Panel<'_, T>,
    b: Panel<'_, T>,
    adds: bool,
) {
    let fits = a.holds(rows, inner)
        && b.holds(inner, columns)
        && rows
            .checked_mul(columns)
            .is_some_and(|all| all <= sums.len())
        && strides_fit(columns, 1);
    debug_assert!(fits, "{rows} by {columns} by {inner}");
    if !fits {
        return;
    }
    // SAFETY: each element that the function is told of lies within its slice: `holds` and the
    // comparison above say so of the last one, and strides are not negative. `sums` is borrowed
    // mutably, so it overlaps neither factor. Without `adds` the function does not read `sums`.
    // The strides fit `isize`.
    // The crates want results column by column, and are several times slower otherwise: so this
    // is the transposed product, of the factors transposed and exchanged.
    unsafe {
        T::function()(
            columns,
            rows,
            inner,
            sums.as_mut_ptr(),
            columns as isize,
            1,
            adds,
            b.elements.as_ptr(),
            b.row as isize,
            b.column as isize,
            a.elements.as_ptr(),
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
