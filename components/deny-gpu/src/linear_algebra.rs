//! `tensor:gpu/linear-algebra`, whose calls need a queue.

use crate::bindings::kernels::{Error, QueueBorrow};
use crate::bindings::linear_algebra::{
    AttentionConfig, GemmConfig, GemvConfig, Guest, HeadRows, Matrix, NormConfig, ReduceConfig,
    Rows, SoftmaxConfig, TopKConfig, Vector,
};
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

    fn softmax(
        _queue: QueueBorrow<'_>,
        _config: SoftmaxConfig<'_>,
        _input: Rows<'_>,
        _output: Rows<'_>,
    ) -> Result<(), Error> {
        Err(denied())
    }

    fn layer_norm(
        _queue: QueueBorrow<'_>,
        _config: NormConfig<'_>,
        _input: Rows<'_>,
        _output: Rows<'_>,
    ) -> Result<(), Error> {
        Err(denied())
    }

    fn rms_norm(
        _queue: QueueBorrow<'_>,
        _config: NormConfig<'_>,
        _input: Rows<'_>,
        _output: Rows<'_>,
    ) -> Result<(), Error> {
        Err(denied())
    }

    fn reduce(
        _queue: QueueBorrow<'_>,
        _config: ReduceConfig,
        _input: Rows<'_>,
        _output: Vector<'_>,
    ) -> Result<(), Error> {
        Err(denied())
    }

    fn top_k(
        _queue: QueueBorrow<'_>,
        _config: TopKConfig,
        _input: Rows<'_>,
        _values: Rows<'_>,
        _indices: Rows<'_>,
    ) -> Result<(), Error> {
        Err(denied())
    }

    fn attention(
        _queue: QueueBorrow<'_>,
        _config: AttentionConfig<'_>,
        _q: HeadRows<'_>,
        _k: HeadRows<'_>,
        _v: HeadRows<'_>,
        _output: HeadRows<'_>,
    ) -> Result<(), Error> {
        Err(denied())
    }
}
