//! What networks compute beside products of matrices, by the host's kernels: methods of
//! [`Queue`] that take [`Tensor`]s. Shapes are compared here, so that an error says those that do not fit;
//! all else the host checks.

mod attention;
mod norm;
mod softmax;

pub use attention::Attention;
pub use norm::Norm;
pub use softmax::Softmax;

use crate::bindings::linear_algebra as raw;
use crate::error::{Error, Result};
use crate::kernel::{bf16, f16};
use crate::linear_algebra::{Element, Gemm, element_type, offset};
use crate::queue::Queue;
use crate::view::{RowsOf, Tensor};

mod private {
    pub trait Float {}
}

/// A type of elements of which the host computes more than products: `f32`, [`struct@f16`] and
/// [`bf16`].
pub trait Float: Element<Product = Self> + private::Float + Sized {}

macro_rules! floats {
    ($($ty:ty),*) => {$(
        impl private::Float for $ty {}
        impl Float for $ty {}
    )*};
}

floats!(f32, f16, bf16);

impl<'a, T> RowsOf<'a, T> {
    fn raw(&self) -> raw::Rows<'a> {
        raw::Rows {
            buffer: &self.place.buffer.raw,
            offset: offset(&self.place),
            leading_dimension: self.leading,
        }
    }
}

/// # Errors
/// [`Error::InvalidLaunch`] where two shapes are not the same.
fn check_same<T, U>(
    what: &str,
    one: (&str, &Tensor<'_, T>),
    other: (&str, &Tensor<'_, U>),
) -> Result<()> {
    match one.1.shape() == other.1.shape() {
        true => Ok(()),
        false => Err(Error::InvalidLaunch(format!(
            "{what}: {} is {}, and {} is {}; both must have the same shape",
            one.0,
            one.1.said(),
            other.0,
            other.1.said()
        ))),
    }
}

impl Queue {
    /// Begins a product of matrices, `c = a * b`, of tensors of two dimensions, or of three with the batch
    /// first; a factor of two dimensions then serves the whole batch. As [`gemm`](Queue::gemm) else.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] where the shapes do not fit each other, or a tensor is no
    /// [matrix](Tensor::matrix).
    pub fn matmul<'a, T: Element>(
        &'a self,
        a: Tensor<'a, T>,
        b: Tensor<'a, T>,
        c: Tensor<'a, T::Product>,
    ) -> Result<Gemm<'a, T>> {
        let batch = match c.shape() {
            [batch, _, _] => Some(*batch),
            _ => None,
        };
        let fits = |shape: &[u64]| match shape {
            [own, _, _] => Some(*own) == batch,
            _ => true,
        };
        if !fits(a.shape()) || !fits(b.shape()) {
            return Err(Error::InvalidLaunch(format!(
                "matmul: a is {}, b is {} and c is {}; factors must have the batch of c, or none",
                a.said(),
                b.said(),
                c.said()
            )));
        }
        // One that has no batch is the same for all.
        let factor = |tensor: Tensor<'a, T>| {
            let matrix = tensor.matrix()?;
            Ok::<_, Error>(match tensor.shape().len() {
                2 => matrix.stride(0),
                _ => matrix,
            })
        };
        let gemm = self.gemm(factor(a)?, factor(b)?, c.matrix()?);
        Ok(gemm.batch(batch.unwrap_or(1)))
    }

    /// Queues the sums of the last dimension. `output` has the shape of `input` without it.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] where the shapes do not fit each other.
    pub fn sum<T: Float>(&self, input: Tensor<'_, T>, output: Tensor<'_, T>) -> Result<()> {
        self.reduce(raw::Reduction::Sum, input, output)
    }

    /// Queues the largest elements of the last dimension, which are NaN where there is one; as
    /// [`sum`](Queue::sum) else.
    ///
    /// # Errors
    /// As those of `sum`.
    pub fn max<T: Float>(&self, input: Tensor<'_, T>, output: Tensor<'_, T>) -> Result<()> {
        self.reduce(raw::Reduction::Max, input, output)
    }

    /// As [`max`](Queue::max): the least elements.
    ///
    /// # Errors
    /// As those of `sum`.
    pub fn min<T: Float>(&self, input: Tensor<'_, T>, output: Tensor<'_, T>) -> Result<()> {
        self.reduce(raw::Reduction::Min, input, output)
    }

    /// As [`max`](Queue::max): where in the last dimension the first of the largest elements is, or the
    /// first NaN.
    ///
    /// # Errors
    /// As those of `sum`.
    pub fn argmax<T: Float>(&self, input: Tensor<'_, T>, output: Tensor<'_, u32>) -> Result<()> {
        self.reduce(raw::Reduction::ArgMax, input, output)
    }

    /// As [`argmax`](Queue::argmax), of the least elements.
    ///
    /// # Errors
    /// As those of `sum`.
    pub fn argmin<T: Float>(&self, input: Tensor<'_, T>, output: Tensor<'_, u32>) -> Result<()> {
        self.reduce(raw::Reduction::ArgMin, input, output)
    }

    fn reduce<T: Float, U>(
        &self,
        reduction: raw::Reduction,
        input: Tensor<'_, T>,
        output: Tensor<'_, U>,
    ) -> Result<()> {
        if input.shape().split_last().map(|(_, outer)| outer) != Some(output.shape()) {
            return Err(Error::InvalidLaunch(format!(
                "reduce: input is {}, and output is {}; it must have the same shape without the last dimension",
                input.said(),
                output.said()
            )));
        }
        let rows = input.rows()?;
        // Each element of the result is a row of its own.
        let mut shape = output.shape().to_vec();
        let mut strides = output.strides().to_vec();
        shape.push(1);
        strides.push(1);
        let results = Tensor::with_strides(output.place(), &shape, &strides)?.rows()?;
        let config = raw::ReduceConfig {
            element: element_type::<T>(),
            reduction,
            rows: rows.count,
            columns: rows.columns,
        };
        let results = raw::Vector {
            buffer: &results.place.buffer.raw,
            offset: offset(&results.place),
            increment: results.leading,
        };
        Ok(raw::reduce(&self.raw, config, &rows.raw(), &results)?)
    }

    /// Queues finding the largest elements of the last dimension, the largest first, and where they are: as
    /// many as the last dimension of `values` and `indices` has, which are else as `input`. NaN are larger
    /// than numbers, and of equal elements the first comes first.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] where the shapes do not fit each other, or where more elements are asked for
    /// than there are, or more than 1024.
    pub fn top_k<T: Float>(
        &self,
        input: Tensor<'_, T>,
        values: Tensor<'_, T>,
        indices: Tensor<'_, u32>,
    ) -> Result<()> {
        check_same("top-k", ("values", &values), ("indices", &indices))?;
        let outer = |shape: &[u64]| shape.split_last().map(|(_, outer)| outer.to_vec());
        if outer(input.shape()) != outer(values.shape()) {
            return Err(Error::InvalidLaunch(format!(
                "top-k: input is {}, and values are {}; only the last dimension may differ",
                input.said(),
                values.said()
            )));
        }
        let (rows, values, indices) = (input.rows()?, values.rows()?, indices.rows()?);
        let config = raw::TopKConfig {
            element: element_type::<T>(),
            rows: rows.count,
            columns: rows.columns,
            k: values.columns,
        };
        Ok(raw::top_k(
            &self.raw,
            config,
            &rows.raw(),
            &values.raw(),
            &indices.raw(),
        )?)
    }
}
