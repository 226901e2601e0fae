//! Attention of several heads: [`Queue::attention`].

use super::{Float, check_same};
use crate::bindings::linear_algebra as raw;
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::linear_algebra::{Vector, element_type, offset};
use crate::queue::Queue;
use crate::view::Tensor;

impl Queue {
    /// Begins attention, `output = softmax(q * kᵀ / √size) * v`, of tensors of a batch, heads, rows and
    /// numbers of a head. Keys and values may have fewer heads than queries, each of which then serves several
    /// that follow each other.
    pub fn attention<'a, T: Float>(
        &'a self,
        q: Tensor<'a, T>,
        k: Tensor<'a, T>,
        v: Tensor<'a, T>,
        output: Tensor<'a, T>,
    ) -> Attention<'a, T> {
        Attention {
            queue: self,
            q,
            k,
            v,
            output,
            scale: None,
            is_causal: false,
            lengths: None,
        }
    }
}

/// A builder for attention; see [`Queue::attention`].
#[derive(Debug)]
#[must_use = "attention is queued by `submit`"]
pub struct Attention<'a, T> {
    queue: &'a Queue,
    q: Tensor<'a, T>,
    k: Tensor<'a, T>,
    v: Tensor<'a, T>,
    output: Tensor<'a, T>,
    scale: Option<f64>,
    is_causal: bool,
    lengths: Option<&'a Buffer<u32>>,
}

impl<'a, T: Float> Attention<'a, T> {
    /// Multiplies products of queries and keys by this, and not by 1/√size.
    pub fn scale(self, scale: f64) -> Attention<'a, T> {
        Attention {
            scale: Some(scale),
            ..self
        }
    }

    /// The last query sees all keys, and each one before it one less.
    pub fn causal(self) -> Attention<'a, T> {
        Attention {
            is_causal: true,
            ..self
        }
    }

    /// How many keys there are of each of the batch. Those behind are not read.
    pub fn lengths(self, lengths: &'a Buffer<u32>) -> Attention<'a, T> {
        Attention {
            lengths: Some(lengths),
            ..self
        }
    }

    /// As [`Softmax::submit`](crate::Softmax::submit).
    ///
    /// # Errors
    /// As those of `Softmax::submit`, and where `output` shares a part of a buffer with what is read.
    pub fn submit(self) -> Result<()> {
        let Attention {
            q, k, v, output, ..
        } = &self;
        check_same("attention", ("q", q), ("output", output))?;
        check_same("attention", ("k", k), ("v", v))?;
        let misfit = || {
            Error::InvalidLaunch(format!(
                "attention: q is {}, and k is {}; both must be batch, heads, rows and numbers, with the same batch and numbers, and the heads of q a multiple of those of k",
                q.said(),
                k.said()
            ))
        };
        let (&[batch, heads, queries, size], &[key_batch, key_heads, keys, key_size]) =
            (q.shape(), k.shape())
        else {
            return Err(misfit());
        };
        let are_shared = heads.checked_rem(key_heads) == Some(0);
        if batch != key_batch || size != key_size || !are_shared {
            return Err(misfit());
        }
        if let Some(lengths) = self.lengths
            && lengths.len() != batch
        {
            return Err(Error::InvalidLaunch(format!(
                "attention: q is {}, and there are {} lengths; there must be one for each of the batch",
                q.said(),
                lengths.len()
            )));
        }
        let config = raw::AttentionConfig {
            element: element_type::<T>(),
            batch,
            heads,
            key_heads,
            queries,
            keys,
            size,
            scale: match self.scale {
                Some(scale) => scale,
                None => 1.0 / (size.max(1) as f64).sqrt(),
            },
            causal: self.is_causal,
            lengths: self.lengths.map(|lengths| Vector::from(lengths).raw()),
        };
        let queue = &self.queue.raw;
        Ok(raw::attention(
            queue,
            &config,
            &heads_of(q)?,
            &heads_of(k)?,
            &heads_of(v)?,
            &heads_of(output)?,
        )?)
    }
}

/// A tensor of a batch, heads, rows and numbers.
fn heads_of<'a, T>(tensor: &Tensor<'a, T>) -> Result<raw::HeadRows<'a>> {
    match (tensor.strides(), tensor.shape()) {
        (&[batch, head, row, along], &[_, _, _, size]) if along == 1 || size <= 1 => {
            let place = tensor.place();
            Ok(raw::HeadRows {
                buffer: &place.buffer.raw,
                offset: offset(&place),
                row_stride: row,
                head_stride: head,
                batch_stride: batch,
            })
        }
        _ => Err(tensor.invalid(&format!(
            "the numbers of a head do not lie next to each other; strides are {:?}",
            tensor.strides()
        ))),
    }
}
