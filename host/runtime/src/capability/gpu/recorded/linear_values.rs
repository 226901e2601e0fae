//! What calls of `tensor:gpu/linear-algebra` take, in a journal.

use crate::capability::gpu::bindings::tensor::gpu::linear_algebra as linear;
use crate::journal::{Handle, JournalState};
use serde_json::{Value, json};

fn scalar(value: f64) -> Value {
    Value::String(format!("{value:?} ({:#018x})", value.to_bits()))
}

fn matrix(matrix: &linear::Matrix, state: &mut JournalState) -> Value {
    json!({
        "buffer": state.handle(Handle::Buffer, matrix.buffer.rep()),
        "offset": matrix.offset,
        "leading-dimension": matrix.leading_dimension,
        "stride": matrix.stride,
        "transposed": matrix.transposed,
    })
}

fn vector(vector: &linear::Vector, state: &mut JournalState) -> Value {
    json!({
        "buffer": state.handle(Handle::Buffer, vector.buffer.rep()),
        "offset": vector.offset,
        "increment": vector.increment,
    })
}

fn element(element: linear::ElementType) -> &'static str {
    match element {
        linear::ElementType::F32 => "f32",
        linear::ElementType::F64 => "f64",
        linear::ElementType::F16 => "f16",
        linear::ElementType::Bf16 => "bf16",
        linear::ElementType::S8 => "s8",
    }
}

/// A product of matrices.
pub(super) fn gemm(
    queue: u32,
    config: &linear::GemmConfig,
    [a, b, c]: [&linear::Matrix; 3],
    state: &mut JournalState,
) -> Value {
    let activation = match config.epilogue.activation {
        linear::Activation::None => "none",
        linear::Activation::Relu => "relu",
        linear::Activation::Gelu => "gelu",
    };
    let bias = config.epilogue.bias.as_ref();
    let bias = bias.map(|bias| vector(bias, state));
    json!({
        "queue": state.handle(Handle::Queue, queue),
        "element": element(config.element),
        "size": [config.m, config.n, config.k, config.batch],
        "alpha": scalar(config.alpha),
        "beta": scalar(config.beta),
        "bias": bias,
        "activation": activation,
        "a": matrix(a, state),
        "b": matrix(b, state),
        "c": matrix(c, state),
    })
}

/// A product of a matrix and a vector.
pub(super) fn gemv(
    queue: u32,
    config: &linear::GemvConfig,
    a: &linear::Matrix,
    [x, y]: [&linear::Vector; 2],
    state: &mut JournalState,
) -> Value {
    json!({
        "queue": state.handle(Handle::Queue, queue),
        "element": element(config.element),
        "size": [config.m, config.n],
        "alpha": scalar(config.alpha),
        "beta": scalar(config.beta),
        "a": matrix(a, state),
        "x": vector(x, state),
        "y": vector(y, state),
    })
}

fn rows(rows: &linear::Rows, state: &mut JournalState) -> Value {
    json!({
        "buffer": state.handle(Handle::Buffer, rows.buffer.rep()),
        "offset": rows.offset,
        "leading-dimension": rows.leading_dimension,
    })
}

fn head_rows(rows: &linear::HeadRows, state: &mut JournalState) -> Value {
    json!({
        "buffer": state.handle(Handle::Buffer, rows.buffer.rep()),
        "offset": rows.offset,
        "strides": [rows.row_stride, rows.head_stride, rows.batch_stride],
    })
}

fn optional(vector: Option<&linear::Vector>, state: &mut JournalState) -> Value {
    vector.map_or(Value::Null, |some| self::vector(some, state))
}

/// A softmax of rows.
pub(super) fn softmax(
    queue: u32,
    config: &linear::SoftmaxConfig,
    [input, output]: [&linear::Rows; 2],
    state: &mut JournalState,
) -> Value {
    let lengths = config
        .lengths
        .as_ref()
        .map(|lengths| json!([vector(&lengths.lengths, state), lengths.rows_per_length]));
    let mask = config.mask.as_ref();
    let mask = mask.map(|added| json!([rows(&added.mask, state), added.count]));
    json!({
        "queue": state.handle(Handle::Queue, queue),
        "element": element(config.element),
        "size": [config.rows, config.columns],
        "scale": scalar(config.scale),
        "causal-queries": config.causal_queries,
        "lengths": lengths,
        "mask": mask,
        "input": rows(input, state),
        "output": rows(output, state),
    })
}

/// A normalisation of rows.
pub(super) fn norm(
    queue: u32,
    config: &linear::NormConfig,
    [input, output]: [&linear::Rows; 2],
    state: &mut JournalState,
) -> Value {
    json!({
        "queue": state.handle(Handle::Queue, queue),
        "element": element(config.element),
        "size": [config.rows, config.columns],
        "epsilon": scalar(config.epsilon),
        "weight": optional(config.weight.as_ref(), state),
        "bias": optional(config.bias.as_ref(), state),
        "input": rows(input, state),
        "output": rows(output, state),
    })
}

/// A reduction of rows.
pub(super) fn reduce(
    queue: u32,
    config: &linear::ReduceConfig,
    input: &linear::Rows,
    output: &linear::Vector,
    state: &mut JournalState,
) -> Value {
    let reduction = match config.reduction {
        linear::Reduction::Sum => "sum",
        linear::Reduction::Max => "max",
        linear::Reduction::Min => "min",
        linear::Reduction::ArgMax => "arg-max",
        linear::Reduction::ArgMin => "arg-min",
    };
    json!({
        "queue": state.handle(Handle::Queue, queue),
        "element": element(config.element),
        "reduction": reduction,
        "size": [config.rows, config.columns],
        "input": rows(input, state),
        "output": vector(output, state),
    })
}

/// The largest elements of rows.
pub(super) fn top_k(
    queue: u32,
    config: &linear::TopKConfig,
    [input, values, indices]: [&linear::Rows; 3],
    state: &mut JournalState,
) -> Value {
    json!({
        "queue": state.handle(Handle::Queue, queue),
        "element": element(config.element),
        "size": [config.rows, config.columns, config.k],
        "input": rows(input, state),
        "values": rows(values, state),
        "indices": rows(indices, state),
    })
}

/// Attention.
pub(super) fn attention(
    queue: u32,
    config: &linear::AttentionConfig,
    [q, k, v, output]: [&linear::HeadRows; 4],
    state: &mut JournalState,
) -> Value {
    json!({
        "queue": state.handle(Handle::Queue, queue),
        "element": element(config.element),
        "heads": [config.batch, config.heads, config.key_heads],
        "size": [config.queries, config.keys, config.size],
        "scale": scalar(config.scale),
        "causal": config.causal,
        "lengths": optional(config.lengths.as_ref(), state),
        "q": head_rows(q, state),
        "k": head_rows(k, state),
        "v": head_rows(v, state),
        "output": head_rows(output, state),
    })
}
