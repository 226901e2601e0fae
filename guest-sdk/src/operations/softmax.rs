//! The softmax of the last dimension: [`Queue::softmax`].

use super::{Float, check_same};
use crate::bindings::linear_algebra as raw;
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::linear_algebra::{Vector, element_type};
use crate::queue::Queue;
use crate::view::Tensor;

impl Queue {
    /// Begins the softmax of the last dimension. `output` may be `input`.
    pub fn softmax<'a, T: Float>(
        &'a self,
        input: Tensor<'a, T>,
        output: Tensor<'a, T>,
    ) -> Softmax<'a, T> {
        Softmax {
            queue: self,
            input,
            output,
            scale: 1.0,
            is_causal: false,
            lengths: None,
            mask: None,
        }
    }
}

/// A builder for a softmax; see [`Queue::softmax`].
#[derive(Debug)]
#[must_use = "a softmax is queued by `submit`"]
pub struct Softmax<'a, T> {
    queue: &'a Queue,
    input: Tensor<'a, T>,
    output: Tensor<'a, T>,
    scale: f64,
    is_causal: bool,
    lengths: Option<&'a Buffer<u32>>,
    mask: Option<Tensor<'a, T>>,
}

impl<'a, T: Float> Softmax<'a, T> {
    /// Multiplies by this first.
    pub fn scale(self, scale: f64) -> Softmax<'a, T> {
        Softmax { scale, ..self }
    }

    /// The last but one dimension are queries, of which the last sees all columns, and each one before it one
    /// less.
    pub fn causal(self) -> Softmax<'a, T> {
        Softmax {
            is_causal: true,
            ..self
        }
    }

    /// How many columns each of the first dimension sees at most.
    pub fn lengths(self, lengths: &'a Buffer<u32>) -> Softmax<'a, T> {
        Softmax {
            lengths: Some(lengths),
            ..self
        }
    }

    /// Adds a matrix to each of the last two dimensions, after the scale.
    pub fn mask(self, mask: Tensor<'a, T>) -> Softmax<'a, T> {
        Softmax {
            mask: Some(mask),
            ..self
        }
    }

    /// Queues it. Returns at once, unless the tenant is at its limit of commands in flight; then it waits for
    /// room.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] where the shapes do not fit each other, or elements lie otherwise than the host
    /// takes them.
    pub fn submit(self) -> Result<()> {
        check_same("softmax", ("input", &self.input), ("output", &self.output))?;
        let (input, output) = (self.input.rows()?, self.output.rows()?);
        let shape = self.input.shape();
        let queries = match shape {
            [.., queries, _] => *queries,
            _ => 1,
        };
        let first = match shape {
            [first, _, ..] => *first,
            _ => 1,
        };
        if let Some(lengths) = self.lengths
            && lengths.len() != first
        {
            return Err(Error::InvalidLaunch(format!(
                "softmax: input is {}, and there are {} lengths; there must be one for each of the first dimension",
                self.input.said(),
                lengths.len()
            )));
        }
        if let Some(mask) = &self.mask
            && mask.shape() != [queries, input.columns]
        {
            return Err(Error::InvalidLaunch(format!(
                "softmax: input is {}, and mask is {}; it must have the last two dimensions of the input",
                self.input.said(),
                mask.said()
            )));
        }
        if input.count == 0 {
            return Ok(());
        }
        let mask = self.mask.map(|mask| mask.rows()).transpose()?;
        let config = raw::SoftmaxConfig {
            element: element_type::<T>(),
            rows: input.count,
            columns: input.columns,
            scale: self.scale,
            causal_queries: self.is_causal.then_some(queries),
            lengths: self.lengths.map(|lengths| raw::RowLengths {
                lengths: Vector::from(lengths).raw(),
                rows_per_length: input.count / first,
            }),
            mask: mask.as_ref().map(|mask| raw::AddedMask {
                mask: mask.raw(),
                count: mask.count,
            }),
        };
        let queue = &self.queue.raw;
        Ok(raw::softmax(queue, &config, &input.raw(), &output.raw())?)
    }
}
