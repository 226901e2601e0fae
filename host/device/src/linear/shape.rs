//! A checked product of matrices, without its buffers: as it is executed, and as it crosses to a
//! worker.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};
use tensor_wasm_ptx::Extent;

use super::{Activation, Element};
use crate::LaunchConfig;

/// What a product reads or writes in one buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Operand {
    /// Where the first element lies, in bytes.
    pub(crate) offset: u64,
    /// From one row to the next, in elements.
    pub(crate) row: u64,
    /// From one column to the next, in elements. One of the two is 1, or the matrix is a vector.
    pub(crate) column: u64,
    /// From one matrix of the batch to the next, in elements.
    pub(crate) batch: u64,
}

impl Operand {
    /// The same elements, with rows as columns.
    pub(crate) fn transposed(self) -> Operand {
        Operand {
            row: self.column,
            column: self.row,
            ..self
        }
    }
}

/// A product whose shapes fit, whose ranges lie within their buffers, and which writes at least one
/// element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GemmShape {
    pub(crate) element: Element,
    pub(crate) m: NonZeroU64,
    pub(crate) n: NonZeroU64,
    /// 0 where the factors are not read.
    pub(crate) k: u64,
    pub(crate) batch: NonZeroU64,
    /// The bits, so that shapes can be compared.
    pub(crate) alpha: u64,
    pub(crate) beta: u64,
    pub(crate) a: Operand,
    pub(crate) b: Operand,
    pub(crate) c: Operand,
    /// Where the bias lies, if there is one: its rows are all the same.
    pub(crate) bias: Option<Operand>,
    pub(crate) activation: Activation,
}

impl GemmShape {
    /// As a launch of one thread for each element of the result, for who meters launches.
    pub(crate) fn as_launch(&self) -> LaunchConfig {
        let count = |count: NonZeroU64| u32::try_from(count.get()).unwrap_or(u32::MAX);
        LaunchConfig {
            grid: Extent {
                x: count(self.n),
                y: count(self.m),
                z: count(self.batch),
            },
            block: Extent { x: 1, y: 1, z: 1 },
            shared_bytes: 0,
        }
    }

    pub(crate) fn alpha(&self) -> f64 {
        f64::from_bits(self.alpha)
    }

    pub(crate) fn beta(&self) -> f64 {
        f64::from_bits(self.beta)
    }
}
