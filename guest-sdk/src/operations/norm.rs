//! Normalisations of the last dimension: [`Queue::layer_norm`] and [`Queue::rms_norm`].

use super::{Float, check_same};
use crate::bindings::linear_algebra as raw;
use crate::error::{Error, Result};
use crate::linear_algebra::{Vector, element_type};
use crate::queue::Queue;
use crate::view::Tensor;

impl Queue {
    /// Begins the layer normalisation of the last dimension, with an epsilon of 1e-5. `output` may be
    /// `input`.
    pub fn layer_norm<'a, T: Float>(
        &'a self,
        input: Tensor<'a, T>,
        output: Tensor<'a, T>,
    ) -> Norm<'a, T> {
        Norm::new(self, NormKind::Layer, input, output)
    }

    /// Begins the root mean square normalisation of the last dimension, with an epsilon of 1e-5. `output`
    /// may be `input`.
    pub fn rms_norm<'a, T: Float>(
        &'a self,
        input: Tensor<'a, T>,
        output: Tensor<'a, T>,
    ) -> Norm<'a, T> {
        Norm::new(self, NormKind::Rms, input, output)
    }
}

#[derive(Clone, Copy, Debug)]
enum NormKind {
    Layer,
    Rms,
}

/// A builder for a normalisation; see [`Queue::layer_norm`] and [`Queue::rms_norm`].
#[derive(Debug)]
#[must_use = "a normalisation is queued by `submit`"]
pub struct Norm<'a, T> {
    queue: &'a Queue,
    kind: NormKind,
    input: Tensor<'a, T>,
    output: Tensor<'a, T>,
    epsilon: f64,
    weight: Option<Vector<'a, T>>,
    bias: Option<Vector<'a, T>>,
}

impl<'a, T: Float> Norm<'a, T> {
    fn new(
        queue: &'a Queue,
        kind: NormKind,
        input: Tensor<'a, T>,
        output: Tensor<'a, T>,
    ) -> Norm<'a, T> {
        Norm {
            queue,
            kind,
            input,
            output,
            epsilon: 1e-5,
            weight: None,
            bias: None,
        }
    }

    /// What is added below the root.
    pub fn epsilon(self, epsilon: f64) -> Norm<'a, T> {
        Norm { epsilon, ..self }
    }

    /// Multiplies by a vector then: one element for each of the last dimension.
    pub fn weight(self, weight: impl Into<Vector<'a, T>>) -> Norm<'a, T> {
        Norm {
            weight: Some(weight.into()),
            ..self
        }
    }

    /// Adds a vector last: one element for each of the last dimension.
    pub fn bias(self, bias: impl Into<Vector<'a, T>>) -> Norm<'a, T> {
        Norm {
            bias: Some(bias.into()),
            ..self
        }
    }

    /// As [`Softmax::submit`](crate::Softmax::submit).
    ///
    /// # Errors
    /// As those of `Softmax::submit`.
    pub fn submit(self) -> Result<()> {
        check_same("norm", ("input", &self.input), ("output", &self.output))?;
        let (input, output) = (self.input.rows()?, self.output.rows()?);
        for (name, vector) in [("weight", &self.weight), ("bias", &self.bias)] {
            if let Some(vector) = vector
                && vector.len() != input.columns
            {
                return Err(Error::InvalidLaunch(format!(
                    "norm: input is {}, and {name} has {} elements; it must have one for each of the last dimension",
                    self.input.said(),
                    vector.len()
                )));
            }
        }
        let config = raw::NormConfig {
            element: element_type::<T>(),
            rows: input.count,
            columns: input.columns,
            epsilon: self.epsilon,
            weight: self.weight.as_ref().map(Vector::raw),
            bias: self.bias.as_ref().map(Vector::raw),
        };
        let queue = &self.queue.raw;
        match self.kind {
            NormKind::Layer => raw::layer_norm(queue, &config, &input.raw(), &output.raw())?,
            NormKind::Rms => raw::rms_norm(queue, &config, &input.raw(), &output.raw())?,
        }
        Ok(())
    }
}
