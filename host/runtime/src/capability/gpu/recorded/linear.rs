//! The calls of `tensor:gpu/linear-algebra` for a request that is recorded or replayed.

use super::linear_values as operation;
use super::values as value;
use super::{Answer, RecordedView, answer};
use crate::capability::gpu::bindings::tensor::gpu::linear_algebra as linear;
use serde_json::Value;
use tensor_wasm_device::Queue;
use wasmtime::component::Resource;

impl linear::Host for RecordedView<'_> {
    async fn gemm(
        &mut self,
        queue: Resource<Queue>,
        config: linear::GemmConfig,
        a: linear::Matrix,
        b: linear::Matrix,
        c: linear::Matrix,
    ) -> Answer<()> {
        recorded!(
            self,
            "tensor:gpu/linear-algebra#gemm",
            |state| operation::gemm(queue.rep(), &config, [&a, &b, &c], state),
            self.inner.gemm(queue, config, a, b, c).await,
            |_done| Value::Null
        )
    }

    async fn gemv(
        &mut self,
        queue: Resource<Queue>,
        config: linear::GemvConfig,
        a: linear::Matrix,
        x: linear::Vector,
        y: linear::Vector,
    ) -> Answer<()> {
        recorded!(
            self,
            "tensor:gpu/linear-algebra#gemv",
            |state| operation::gemv(queue.rep(), &config, &a, [&x, &y], state),
            self.inner.gemv(queue, config, a, x, y).await,
            |_done| Value::Null
        )
    }

    async fn softmax(
        &mut self,
        queue: Resource<Queue>,
        config: linear::SoftmaxConfig,
        input: linear::Rows,
        output: linear::Rows,
    ) -> Answer<()> {
        recorded!(
            self,
            "tensor:gpu/linear-algebra#softmax",
            |state| operation::softmax(queue.rep(), &config, [&input, &output], state),
            self.inner.softmax(queue, config, input, output).await,
            |_done| Value::Null
        )
    }

    async fn layer_norm(
        &mut self,
        queue: Resource<Queue>,
        config: linear::NormConfig,
        input: linear::Rows,
        output: linear::Rows,
    ) -> Answer<()> {
        recorded!(
            self,
            "tensor:gpu/linear-algebra#layer-norm",
            |state| operation::norm(queue.rep(), &config, [&input, &output], state),
            self.inner.layer_norm(queue, config, input, output).await,
            |_done| Value::Null
        )
    }

    async fn rms_norm(
        &mut self,
        queue: Resource<Queue>,
        config: linear::NormConfig,
        input: linear::Rows,
        output: linear::Rows,
    ) -> Answer<()> {
        recorded!(
            self,
            "tensor:gpu/linear-algebra#rms-norm",
            |state| operation::norm(queue.rep(), &config, [&input, &output], state),
            self.inner.rms_norm(queue, config, input, output).await,
            |_done| Value::Null
        )
    }

    async fn reduce(
        &mut self,
        queue: Resource<Queue>,
        config: linear::ReduceConfig,
        input: linear::Rows,
        output: linear::Vector,
    ) -> Answer<()> {
        recorded!(
            self,
            "tensor:gpu/linear-algebra#reduce",
            |state| operation::reduce(queue.rep(), &config, &input, &output, state),
            self.inner.reduce(queue, config, input, output).await,
            |_done| Value::Null
        )
    }

    async fn top_k(
        &mut self,
        queue: Resource<Queue>,
        config: linear::TopKConfig,
        input: linear::Rows,
        values: linear::Rows,
        indices: linear::Rows,
    ) -> Answer<()> {
        recorded!(
            self,
            "tensor:gpu/linear-algebra#top-k",
            |state| operation::top_k(queue.rep(), &config, [&input, &values, &indices], state),
            self.inner
                .top_k(queue, config, input, values, indices)
                .await,
            |_done| Value::Null
        )
    }

    async fn attention(
        &mut self,
        queue: Resource<Queue>,
        config: linear::AttentionConfig,
        q: linear::HeadRows,
        k: linear::HeadRows,
        v: linear::HeadRows,
        output: linear::HeadRows,
    ) -> Answer<()> {
        recorded!(
            self,
            "tensor:gpu/linear-algebra#attention",
            |state| operation::attention(queue.rep(), &config, [&q, &k, &v, &output], state),
            self.inner.attention(queue, config, q, k, v, output).await,
            |_done| Value::Null
        )
    }
}
