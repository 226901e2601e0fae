//! Products of matrices, as a queue's caller says them: what BLAS calls `gemm`, with an epilogue as
//! cuBLASLt has it. [`check`] makes of one that was asked for a [`GemmShape`] whose ranges lie within
//! its buffers, which is all that a backend sees.
//!
//! Matrices lie row by row, unlike BLAS's.

mod check;
mod gelu;
mod kernel;
mod operations;
mod shape;

pub(crate) use check::checked;
pub(crate) use gelu::gelu;
pub(crate) use kernel::{KERNEL, launches, module};
pub use operations::{
    AddedMask, Attention, HeadRows, Norm, NormKind, Reduce, Reduction, Rows, Softmax, TopK,
};
pub(crate) use operations::{Operation, OperationKernel};
pub(crate) use shape::{GemmShape, Operand};

use serde::{Deserialize, Serialize};

use crate::Buffer;

/// What a product of matrices is called where kernels have their names: in messages, and by who
/// meters.
pub(crate) const GEMM: &str = "gemm";

/// The type of the elements of factors and of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Element {
    /// Single precision.
    F32,
    /// Double precision.
    F64,
    /// IEEE 754 half precision; sums are in `f32`, and the result is rounded once.
    F16,
    /// bfloat16, likewise.
    BF16,
    /// Factors of 8 bits with a sign; the result has 32 bits, and wraps.
    S8,
}

impl Element {
    /// The bytes of an element of a factor.
    pub(crate) fn factor_bytes(self) -> u64 {
        match self {
            Element::F32 => 4,
            Element::F64 => 8,
            Element::F16 | Element::BF16 => 2,
            Element::S8 => 1,
        }
    }

    /// The bytes of an element of the result, and of the bias.
    pub(crate) fn result_bytes(self) -> u64 {
        match self {
            Element::S8 => 4,
            other => other.factor_bytes(),
        }
    }
}

/// A function that is applied to each element of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activation {
    /// None.
    None,
    /// The larger of the element and 0. A NaN stays a NaN.
    Relu,
    /// The element times the normal distribution's function of it.
    Gelu,
}

/// A matrix in a buffer, or a batch of equally spaced ones.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Where it lies.
    pub buffer: Buffer,
    /// Where its first element lies, in bytes.
    pub offset: u64,
    /// From the beginning of a row, as it lies in memory, to that of the next, in elements.
    pub leading_dimension: u64,
    /// From the beginning of one matrix of the batch to that of the next, in elements.
    pub stride: u64,
    /// Whether it lies in memory column by column.
    pub transposed: bool,
}

/// A vector in a buffer.
#[derive(Clone, Debug)]
pub struct Vector {
    /// Where it lies.
    pub buffer: Buffer,
    /// Where its first element lies, in bytes.
    pub offset: u64,
    /// From one element to the next, in elements.
    pub increment: u64,
}

/// `c = activation(alpha * a * b + beta * c + bias)`, where `a` has `m` rows and `k` columns and `b` has
/// `k` rows and `n` columns, for each of a batch.
#[derive(Clone, Debug)]
pub struct Gemm {
    /// The type of the elements.
    pub element: Element,
    /// Rows of `a` and of `c`.
    pub m: u64,
    /// Columns of `b` and of `c`.
    pub n: u64,
    /// Columns of `a`, rows of `b`.
    pub k: u64,
    /// How many products.
    pub batch: u64,
    /// The factor of the product; where it is 0, `a` and `b` are not read.
    pub alpha: f64,
    /// The factor of what `c` was; where it is 0, `c` is not read.
    pub beta: f64,
    /// The first factor.
    pub a: Matrix,
    /// The second factor.
    pub b: Matrix,
    /// The result.
    pub c: Matrix,
    /// As many elements as `c` has columns: one for each column.
    pub bias: Option<Vector>,
    /// What is applied last.
    pub activation: Activation,
}

/// `y = alpha * a * x + beta * y`, where `a` has `m` rows and `n` columns.
#[derive(Clone, Debug)]
pub struct Gemv {
    /// The type of the elements.
    pub element: Element,
    /// Rows of `a`, elements of `y`.
    pub m: u64,
    /// Columns of `a`, elements of `x`.
    pub n: u64,
    /// As [`Gemm::alpha`].
    pub alpha: f64,
    /// As [`Gemm::beta`].
    pub beta: f64,
    /// The matrix, whose stride is not looked at.
    pub a: Matrix,
    /// What it is multiplied with.
    pub x: Vector,
    /// The result.
    pub y: Vector,
}

impl Gemv {
    /// The same as a product with a matrix of one column.
    pub(crate) fn into_gemm(self) -> Gemm {
        let column = |vector: Vector| Matrix {
            buffer: vector.buffer,
            offset: vector.offset,
            leading_dimension: vector.increment,
            stride: 0,
            transposed: false,
        };
        Gemm {
            element: self.element,
            m: self.m,
            n: 1,
            k: self.n,
            batch: 1,
            alpha: self.alpha,
            beta: self.beta,
            a: self.a,
            b: column(self.x),
            c: column(self.y),
            bias: None,
            activation: Activation::None,
        }
    }
}
