//! Products of matrices, by the libraries of the host: [`Queue::gemm`] and [`Queue::gemv`]. Shapes are
//! part of the [`Matrix`], so that an error can say both of those that do not fit.
//!
//! ```no_run
//! use tensor_wasm_guest::{Device, Matrix, Result};
//!
//! fn main() -> Result<()> {
//!     let queue = Device::open()?.queue()?;
//!     let a = queue.upload(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
//!     let b = queue.upload(&[1.0f32, 0.0, 0.0, 1.0, 1.0, 1.0])?;
//!     let bias = queue.upload(&[10.0f32, 20.0])?;
//!     let c = queue.upload(&[0f32; 4])?;
//!     // Two rows of three columns, times three rows of two.
//!     let (a, b) = (Matrix::new(&a, 2, 3), Matrix::new(&b, 3, 2));
//!     queue.gemm(a, b, Matrix::new(&c, 2, 2)).bias(&bias).relu().submit()?;
//!     assert_eq!(queue.download(&c)?, [14.0, 25.0, 20.0, 31.0]);
//!     Ok(())
//! }
//! ```

use crate::bindings::linear_algebra as raw;
use crate::buffer::{Buffer, FromIndex};
use crate::error::{Error, Result};
use crate::kernel::{bf16, f16};
use crate::queue::Queue;

/// A type of elements of which the host computes products: `f32`, `f64`, [`struct@f16`], [`bf16`] and
/// `i8`.
pub trait Element: private::ElementType {
    /// The type of the elements of a product: `i32` for `i8`, which wraps, and the type itself
    /// for the others.
    type Product;
}

mod private {
    use super::raw;

    /// Keeps the generated type out of the public interface.
    pub struct Type(pub(super) raw::ElementType);

    pub trait ElementType {
        const TYPE: Type;
    }
}

macro_rules! elements {
    ($($element:ty => $product:ty, $case:ident;)*) => {$(
        impl private::ElementType for $element {
            const TYPE: private::Type = private::Type(raw::ElementType::$case);
        }

        impl Element for $element {
            type Product = $product;
        }
    )*};
}

elements! {
    f32 => f32, F32;
    f64 => f64, F64;
    f16 => f16, F16;
    bf16 => bf16, Bf16;
    i8 => i32, S8;
}

/// The type of elements, as the host names it.
pub(crate) fn element_type<T: Element>() -> raw::ElementType {
    T::TYPE.0
}

/// A matrix in a buffer, row by row, or a batch of equally spaced ones.
#[derive(Debug)]
pub struct Matrix<'a, T> {
    place: FromIndex<'a, T>,
    rows: u64,
    columns: u64,
    leading_dimension: u64,
    stride: u64,
    transposed: bool,
}

impl<T> Clone for Matrix<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Matrix<'_, T> {}

impl<'a, T> Matrix<'a, T> {
    /// A matrix of so many rows and columns, one row behind the other, at the beginning of a
    /// buffer or [from an index](Buffer::from_index) on. Of a batch, one matrix lies behind the
    /// other.
    pub fn new(place: impl Into<FromIndex<'a, T>>, rows: u64, columns: u64) -> Matrix<'a, T> {
        Matrix {
            place: place.into(),
            rows,
            columns,
            leading_dimension: columns.max(1),
            stride: rows.saturating_mul(columns),
            transposed: false,
        }
    }

    /// The same, with rows that begin so many elements after one another: a part of a matrix
    /// whose rows are longer. To be said before [`transposed`](Matrix::transposed).
    #[must_use]
    pub fn leading_dimension(self, elements: u64) -> Matrix<'a, T> {
        Matrix {
            leading_dimension: elements,
            stride: self.rows.saturating_mul(elements),
            ..self
        }
    }

    /// The same, with the matrices of a batch beginning so many elements after one another; 0 for
    /// a factor that is the same for all.
    #[must_use]
    pub fn stride(self, elements: u64) -> Matrix<'a, T> {
        Matrix {
            stride: elements,
            ..self
        }
    }

    /// The same elements with rows as columns. Nothing is moved.
    #[must_use]
    pub fn transposed(self) -> Matrix<'a, T> {
        Matrix {
            rows: self.columns,
            columns: self.rows,
            transposed: !self.transposed,
            ..self
        }
    }

    /// Its rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Its columns.
    pub fn columns(&self) -> u64 {
        self.columns
    }

    fn raw(&self) -> raw::Matrix<'a> {
        raw::Matrix {
            buffer: &self.place.buffer.raw,
            offset: offset(&self.place),
            leading_dimension: self.leading_dimension,
            stride: self.stride,
            transposed: self.transposed,
        }
    }
}

/// In bytes. Where it overflows, the largest offset lies behind every buffer, and the host refuses it.
pub(crate) fn offset<T>(place: &FromIndex<'_, T>) -> u64 {
    place.index.saturating_mul(size_of::<T>() as u64)
}

/// A vector in a buffer.
#[derive(Debug)]
pub struct Vector<'a, T> {
    place: FromIndex<'a, T>,
    len: u64,
    increment: u64,
}

impl<T> Clone for Vector<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Vector<'_, T> {}

impl<'a, T> Vector<'a, T> {
    /// So many elements next to each other, at the beginning of a buffer or
    /// [from an index](Buffer::from_index) on.
    pub fn new(place: impl Into<FromIndex<'a, T>>, len: u64) -> Vector<'a, T> {
        Vector {
            place: place.into(),
            len,
            increment: 1,
        }
    }

    /// The same, with each element so many elements after the one before: a column of a matrix.
    #[must_use]
    pub fn increment(self, elements: u64) -> Vector<'a, T> {
        Vector {
            increment: elements,
            ..self
        }
    }

    /// How many elements it has.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn raw(&self) -> raw::Vector<'a> {
        raw::Vector {
            buffer: &self.place.buffer.raw,
            offset: offset(&self.place),
            increment: self.increment,
        }
    }
}

/// The whole buffer.
impl<'a, T> From<&'a Buffer<T>> for Vector<'a, T> {
    fn from(buffer: &'a Buffer<T>) -> Vector<'a, T> {
        Vector::new(buffer, buffer.len())
    }
}

impl Queue {
    /// Begins a product of matrices, `c = a * b`: say what is to be different, then
    /// [`submit`](Gemm::submit) it.
    pub fn gemm<'a, T: Element>(
        &'a self,
        a: Matrix<'a, T>,
        b: Matrix<'a, T>,
        c: Matrix<'a, T::Product>,
    ) -> Gemm<'a, T> {
        Gemm {
            queue: self,
            a,
            b,
            c,
            alpha: 1.0,
            beta: 0.0,
            batch: 1,
            bias: None,
            activation: raw::Activation::None,
        }
    }

    /// Queues `y = a * x`.
    ///
    /// # Errors
    /// As those of [`Gemm::submit`].
    pub fn gemv<'a, T: Element>(
        &self,
        a: Matrix<'a, T>,
        x: impl Into<Vector<'a, T>>,
        y: impl Into<Vector<'a, T::Product>>,
    ) -> Result<()> {
        let (x, y) = (x.into(), y.into());
        if a.columns != x.len || a.rows != y.len {
            return Err(Error::InvalidLaunch(format!(
                "gemv: a is {} by {}, x has {} elements and y {}; x must have as many as a has columns, and y as many as a has rows",
                a.rows, a.columns, x.len, y.len
            )));
        }
        let config = raw::GemvConfig {
            element: T::TYPE.0,
            m: a.rows,
            n: a.columns,
            alpha: 1.0,
            beta: 0.0,
        };
        Ok(raw::gemv(&self.raw, config, &a.raw(), &x.raw(), &y.raw())?)
    }
}

/// A builder for a product of matrices; see [`Queue::gemm`].
#[derive(Debug)]
#[must_use = "a product is queued by `submit`"]
pub struct Gemm<'a, T: Element> {
    queue: &'a Queue,
    a: Matrix<'a, T>,
    b: Matrix<'a, T>,
    c: Matrix<'a, T::Product>,
    alpha: f64,
    beta: f64,
    batch: u64,
    bias: Option<Vector<'a, T::Product>>,
    activation: raw::Activation,
}

impl<'a, T: Element> Gemm<'a, T> {
    /// Multiplies the product by this.
    pub fn alpha(self, alpha: f64) -> Gemm<'a, T> {
        Gemm { alpha, ..self }
    }

    /// Adds what `c` was, multiplied by this.
    pub fn beta(self, beta: f64) -> Gemm<'a, T> {
        Gemm { beta, ..self }
    }

    /// Computes so many products, each of the next matrices of the batch.
    pub fn batch(self, count: u64) -> Gemm<'a, T> {
        Gemm {
            batch: count,
            ..self
        }
    }

    /// Adds a vector to each row of the result: one element for each column.
    pub fn bias(self, bias: impl Into<Vector<'a, T::Product>>) -> Gemm<'a, T> {
        Gemm {
            bias: Some(bias.into()),
            ..self
        }
    }

    /// Replaces what is negative by 0, last.
    pub fn relu(self) -> Gemm<'a, T> {
        Gemm {
            activation: raw::Activation::Relu,
            ..self
        }
    }

    /// Applies `x * Φ(x)` last, with the distribution function of the normal distribution.
    pub fn gelu(self) -> Gemm<'a, T> {
        Gemm {
            activation: raw::Activation::Gelu,
            ..self
        }
    }

    /// Queues the product. Returns at once, unless the tenant is at its limit of commands in
    /// flight; then it waits for room.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] if the shapes do not fit each other, or `c` shares elements with
    /// what is read; [`Error::OutOfRange`] if a matrix does not lie within its buffer.
    pub fn submit(self) -> Result<()> {
        let Gemm { a, b, c, bias, .. } = &self;
        if a.columns != b.rows || c.rows != a.rows || c.columns != b.columns {
            return Err(Error::InvalidLaunch(format!(
                "gemm: a is {} by {}, b is {} by {}, and c is {} by {}; b must have as many rows as a has columns, and c the rows of a and the columns of b",
                a.rows, a.columns, b.rows, b.columns, c.rows, c.columns
            )));
        }
        if let Some(bias) = bias
            && bias.len != c.columns
        {
            return Err(Error::InvalidLaunch(format!(
                "gemm: bias has {} elements, but c is {} by {}; it must have one for each column",
                bias.len, c.rows, c.columns
            )));
        }
        let config = raw::GemmConfig {
            element: T::TYPE.0,
            m: a.rows,
            n: b.columns,
            k: a.columns,
            alpha: self.alpha,
            beta: self.beta,
            batch: self.batch,
            epilogue: raw::Epilogue {
                bias: bias.as_ref().map(Vector::raw),
                activation: self.activation,
            },
        };
        let queue = &self.queue.raw;
        Ok(raw::gemm(queue, &config, &a.raw(), &b.raw(), &c.raw())?)
    }
}
