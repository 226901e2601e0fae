//! The guest-facing calls of `tensor:gpu/linear-algebra`. The device checks what they say.

use super::bindings::tensor::gpu::{kernels, linear_algebra as wit};
use super::context::GpuCtxView;
use super::convert;
use tensor_wasm_device::{
    Activation, AddedMask, Attention, Buffer, Element, Gemm, Gemv, HeadRows, Matrix, Norm,
    NormKind, Queue, Reduce, Reduction, Rows, Softmax, TopK, Vector,
};
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

    async fn softmax(
        &mut self,
        queue: Resource<Queue>,
        config: wit::SoftmaxConfig,
        input: wit::Rows,
        output: wit::Rows,
    ) -> Answer<()> {
        let queue = self.table.get(&queue)?;
        let lengths = config.lengths.map(|lengths| {
            let rows = lengths.rows_per_length;
            Ok::<_, wasmtime::Error>((self.vector(lengths.lengths)?, rows))
        });
        let mask = config.mask.map(|added| {
            Ok::<_, wasmtime::Error>(AddedMask {
                rows: self.rows(added.mask)?,
                count: added.count,
            })
        });
        let softmax = Softmax {
            element: element(config.element),
            rows: config.rows,
            columns: config.columns,
            scale: config.scale,
            causal_queries: config.causal_queries,
            lengths: lengths.transpose()?,
            mask: mask.transpose()?,
            input: self.rows(input)?,
            output: self.rows(output)?,
        };
        let queued = match self.lease() {
            Ok(lease) => lease.softmax(queue, softmax).await,
            Err(error) => Err(error),
        };
        Ok(queued.map_err(convert::error))
    }

    async fn layer_norm(
        &mut self,
        queue: Resource<Queue>,
        config: wit::NormConfig,
        input: wit::Rows,
        output: wit::Rows,
    ) -> Answer<()> {
        let queue = self.table.get(&queue)?;
        let norm = self.norm(NormKind::Layer, config, input, output)?;
        let queued = match self.lease() {
            Ok(lease) => lease.norm(queue, norm).await,
            Err(error) => Err(error),
        };
        Ok(queued.map_err(convert::error))
    }

    async fn rms_norm(
        &mut self,
        queue: Resource<Queue>,
        config: wit::NormConfig,
        input: wit::Rows,
        output: wit::Rows,
    ) -> Answer<()> {
        let queue = self.table.get(&queue)?;
        let norm = self.norm(NormKind::Rms, config, input, output)?;
        let queued = match self.lease() {
            Ok(lease) => lease.norm(queue, norm).await,
            Err(error) => Err(error),
        };
        Ok(queued.map_err(convert::error))
    }

    async fn reduce(
        &mut self,
        queue: Resource<Queue>,
        config: wit::ReduceConfig,
        input: wit::Rows,
        output: wit::Vector,
    ) -> Answer<()> {
        let queue = self.table.get(&queue)?;
        let reduce = Reduce {
            reduction: match config.reduction {
                wit::Reduction::Sum => Reduction::Sum,
                wit::Reduction::Max => Reduction::Max,
                wit::Reduction::Min => Reduction::Min,
                wit::Reduction::ArgMax => Reduction::ArgMax,
                wit::Reduction::ArgMin => Reduction::ArgMin,
            },
            element: element(config.element),
            rows: config.rows,
            columns: config.columns,
            input: self.rows(input)?,
            output: self.vector(output)?,
        };
        let queued = match self.lease() {
            Ok(lease) => lease.reduce(queue, reduce).await,
            Err(error) => Err(error),
        };
        Ok(queued.map_err(convert::error))
    }

    async fn top_k(
        &mut self,
        queue: Resource<Queue>,
        config: wit::TopKConfig,
        input: wit::Rows,
        values: wit::Rows,
        indices: wit::Rows,
    ) -> Answer<()> {
        let queue = self.table.get(&queue)?;
        let top_k = TopK {
            element: element(config.element),
            rows: config.rows,
            columns: config.columns,
            k: config.k,
            input: self.rows(input)?,
            values: self.rows(values)?,
            indices: self.rows(indices)?,
        };
        let queued = match self.lease() {
            Ok(lease) => lease.top_k(queue, top_k).await,
            Err(error) => Err(error),
        };
        Ok(queued.map_err(convert::error))
    }

    async fn attention(
        &mut self,
        queue: Resource<Queue>,
        config: wit::AttentionConfig,
        q: wit::HeadRows,
        k: wit::HeadRows,
        v: wit::HeadRows,
        output: wit::HeadRows,
    ) -> Answer<()> {
        let queue = self.table.get(&queue)?;
        let lengths = config.lengths.map(|lengths| self.vector(lengths));
        let attention = Attention {
            element: element(config.element),
            batch: config.batch,
            heads: config.heads,
            key_heads: config.key_heads,
            queries: config.queries,
            keys: config.keys,
            size: config.size,
            scale: config.scale,
            is_causal: config.causal,
            lengths: lengths.transpose()?,
            q: self.head_rows(q)?,
            k: self.head_rows(k)?,
            v: self.head_rows(v)?,
            output: self.head_rows(output)?,
        };
        let queued = match self.lease() {
            Ok(lease) => lease.attention(queue, attention).await,
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

    fn rows(&self, rows: wit::Rows) -> Result<Rows> {
        Ok(Rows {
            buffer: self.operand(&rows.buffer)?,
            offset: rows.offset,
            leading_dimension: rows.leading_dimension,
        })
    }

    fn head_rows(&self, rows: wit::HeadRows) -> Result<HeadRows> {
        Ok(HeadRows {
            buffer: self.operand(&rows.buffer)?,
            offset: rows.offset,
            row_stride: rows.row_stride,
            head_stride: rows.head_stride,
            batch_stride: rows.batch_stride,
        })
    }

    fn norm(
        &self,
        kind: NormKind,
        config: wit::NormConfig,
        input: wit::Rows,
        output: wit::Rows,
    ) -> Result<Norm> {
        let vector = |vector: Option<wit::Vector>| match vector {
            Some(vector) => self.vector(vector).map(Some),
            None => Ok(None),
        };
        Ok(Norm {
            kind,
            element: element(config.element),
            rows: config.rows,
            columns: config.columns,
            epsilon: config.epsilon,
            weight: vector(config.weight)?,
            bias: vector(config.bias)?,
            input: self.rows(input)?,
            output: self.rows(output)?,
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
