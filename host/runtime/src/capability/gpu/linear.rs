//! The guest-facing calls of `tensor:gpu/linear-algebra`. The device checks what they say.

use super::bindings::tensor::gpu::{kernels, linear_algebra as wit};
use super::context::GpuCtxView;
use super::convert;
use tensor_wasm_device::{Activation, Buffer, Element, Gemm, Gemv, Matrix, Queue, Vector};
use wasmtime::Result;
use wasmtime::component::Resource;

/// What a call gives the guest: a trap, or a value or error of the contract.
type Answer<T> = Result<Result<T, kernels::Error>>;

impl wit::Host for GpuCtxView<'_> {
    async fn gemm(
        &mut self,
        queue: Resource<Queue>,
        config: wit::GemmConfig,
        a: wit::Matrix,
        b: wit::Matrix,
        c: wit::Matrix,
    ) -> Answer<()> {
        let queue = self.table.get(&queue)?;
        let bias = config.epilogue.bias;
        let gemm = Gemm {
            element: element(config.element),
            m: config.m,
            n: config.n,
            k: config.k,
            batch: config.batch,
            alpha: config.alpha,
            beta: config.beta,
            a: self.matrix(a)?,
            b: self.matrix(b)?,
            c: self.matrix(c)?,
            bias: bias.map(|bias| self.vector(bias)).transpose()?,
            activation: match config.epilogue.activation {
                wit::Activation::None => Activation::None,
                wit::Activation::Relu => Activation::Relu,
                wit::Activation::Gelu => Activation::Gelu,
            },
        };
        let queued = match self.lease() {
            Ok(lease) => lease.gemm(queue, gemm).await,
            Err(error) => Err(error),
        };
        Ok(queued.map_err(convert::error))
    }

    async fn gemv(
        &mut self,
        queue: Resource<Queue>,
        config: wit::GemvConfig,
        a: wit::Matrix,
        x: wit::Vector,
        y: wit::Vector,
    ) -> Answer<()> {
        let queue = self.table.get(&queue)?;
        let gemv = Gemv {
            element: element(config.element),
            m: config.m,
            n: config.n,
            alpha: config.alpha,
            beta: config.beta,
            a: self.matrix(a)?,
            x: self.vector(x)?,
            y: self.vector(y)?,
        };
        let queued = match self.lease() {
            Ok(lease) => lease.gemv(queue, gemv).await,
            Err(error) => Err(error),
        };
        Ok(queued.map_err(convert::error))
    }
}

impl GpuCtxView<'_> {
    fn matrix(&self, matrix: wit::Matrix) -> Result<Matrix> {
        Ok(Matrix {
            buffer: self.operand(&matrix.buffer)?,
            offset: matrix.offset,
            leading_dimension: matrix.leading_dimension,
            stride: matrix.stride,
            transposed: matrix.transposed,
        })
    }

    fn vector(&self, vector: wit::Vector) -> Result<Vector> {
        Ok(Vector {
            buffer: self.operand(&vector.buffer)?,
            offset: vector.offset,
            increment: vector.increment,
        })
    }

    fn operand(&self, buffer: &Resource<Buffer>) -> Result<Buffer> {
        Ok(self.table.get(buffer)?.clone())
    }
}

fn element(element: wit::ElementType) -> Element {
    match element {
        wit::ElementType::F32 => Element::F32,
        wit::ElementType::F64 => Element::F64,
        wit::ElementType::F16 => Element::F16,
        wit::ElementType::Bf16 => Element::BF16,
        wit::ElementType::S8 => Element::S8,
    }
}
