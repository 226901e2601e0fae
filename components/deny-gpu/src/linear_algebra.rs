//! `tensor:gpu/linear-algebra`, whose calls need a queue.

use crate::bindings::kernels::{Error, QueueBorrow};
use crate::bindings::linear_algebra::{GemmConfig, GemvConfig, Guest, Matrix, Vector};
use crate::{Denied, denied};

impl Guest for Denied {
    fn gemm(
        _queue: QueueBorrow<'_>,
        _config: GemmConfig<'_>,
        _a: Matrix<'_>,
        _b: Matrix<'_>,
        _c: Matrix<'_>,
    ) -> Result<(), Error> {
        Err(denied())
    }

    fn gemv(
        _queue: QueueBorrow<'_>,
        _config: GemvConfig,
        _a: Matrix<'_>,
        _x: Vector<'_>,
        _y: Vector<'_>,
    ) -> Result<(), Error> {
        Err(denied())
    }
}
