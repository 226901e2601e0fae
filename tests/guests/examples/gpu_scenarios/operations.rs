//! Operations beside products of matrices: right ones, and what does not fit.

use crate::bindings::kernels::{Buffer, Device, Error, Queue};
use crate::bindings::linear_algebra::{
    AttentionConfig, ElementType, HeadRows, NormConfig, ReduceConfig, Reduction, Rows,
    SoftmaxConfig, TopKConfig, Vector, attention, layer_norm, reduce, rms_norm, softmax, top_k,
};
use crate::report::Outcome;
use serde_json::{Value, json};

pub fn scenario(name: &str) -> Option<Outcome> {
    let outcome = match name {
        "softmax" => softmax_after(|_| {}),
        "softmax-causal" => softmax_after(|config| config.causal_queries = Some(2)),
        "softmax-of-64-bits" => softmax_after(|config| config.element = ElementType::F64),
        "softmax-huge" => softmax_after(|config| config.rows = u64::MAX),
        "softmax-too-long" => softmax_after(|config| config.columns = u64::MAX),
        "layer-norm" => norm(false),
        "rms-norm" => norm(true),
        "reduce-sum" => reduced(Reduction::Sum),
        "reduce-max" => reduced(Reduction::Max),
        "reduce-arg-min" => reduced(Reduction::ArgMin),
        "top-k" => largest(2),
        "top-k-of-too-many" => largest(4),
        "attention" => attention_after(|_, _| {}),
        "attention-causal" => attention_after(|config, _| config.causal = true),
        "attention-overflow" => attention_after(|_, k| k.head_stride = u64::MAX),
        "attention-without-heads" => attention_after(|config, _| config.key_heads = 0),
        _ => return None,
    };
    Some(outcome)
}

fn upload(queue: &Queue, device: &Device, values: &[f32]) -> Result<Buffer, Error> {
    let buffer = device.allocate(4 * values.len() as u64)?;
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    queue.write(&buffer, 0, &bytes)?;
    Ok(buffer)
}

fn words(queue: &Queue, buffer: &Buffer) -> Result<Vec<u32>, Error> {
    let bytes = queue.read(buffer, 0, buffer.size())?;
    Ok(crate::numbers(&bytes))
}

fn read(queue: &Queue, buffer: &Buffer) -> Result<Value, Error> {
    let values = words(queue, buffer)?.into_iter().map(f32::from_bits);
    Ok(json!(values.collect::<Vec<f32>>()))
}

/// Rows without gaps.
fn rows(buffer: &Buffer, columns: u64) -> Rows<'_> {
    Rows {
        buffer,
        offset: 0,
        leading_dimension: columns,
    }
}

fn vector(buffer: &Buffer) -> Vector<'_> {
    Vector {
        buffer,
        offset: 0,
        increment: 1,
    }
}

/// The softmax of two rows of three, after a change.
fn softmax_after(change: impl FnOnce(&mut SoftmaxConfig<'_>)) -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let data = upload(&queue, &device, &[0.0, 0.0, 0.0, 5.0, 5.0, -1e30])?;
    let mut config = SoftmaxConfig {
        element: ElementType::F32,
        rows: 2,
        columns: 3,
        scale: 1.0,
        causal_queries: None,
        lengths: None,
        mask: None,
    };
    change(&mut config);
    softmax(&queue, &config, &rows(&data, 3), &rows(&data, 3))?;
    read(&queue, &data)
}

/// The norm of one row of two elements.
fn norm(is_rms: bool) -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let input = upload(&queue, &device, &[1.0, 7.0])?;
    let output = upload(&queue, &device, &[0.0; 2])?;
    let weight = upload(&queue, &device, &[2.0, 10.0])?;
    let bias = upload(&queue, &device, &[0.5, 0.25])?;
    let config = NormConfig {
        element: ElementType::F32,
        rows: 1,
        columns: 2,
        epsilon: 0.0,
        weight: Some(vector(&weight)),
        bias: Some(vector(&bias)),
    };
    match is_rms {
        true => rms_norm(&queue, &config, &rows(&input, 2), &rows(&output, 2))?,
        false => layer_norm(&queue, &config, &rows(&input, 2), &rows(&output, 2))?,
    }
    read(&queue, &output)
}

fn reduced(reduction: Reduction) -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let input = upload(&queue, &device, &[3.0, 1.0, 2.0, -4.0, -5.0, -5.0])?;
    let output = upload(&queue, &device, &[0.0; 2])?;
    let config = ReduceConfig {
        element: ElementType::F32,
        reduction,
        rows: 2,
        columns: 3,
    };
    reduce(&queue, config, &rows(&input, 3), &vector(&output))?;
    match reduction {
        Reduction::ArgMax | Reduction::ArgMin => Ok(json!(words(&queue, &output)?)),
        _ => read(&queue, &output),
    }
}

fn largest(k: u64) -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let input = upload(&queue, &device, &[3.0, 9.0, 4.0])?;
    let values = upload(&queue, &device, &[0.0; 4])?;
    let indices = upload(&queue, &device, &[0.0; 4])?;
    let config = TopKConfig {
        element: ElementType::F32,
        rows: 1,
        columns: 3,
        k,
    };
    let (to, at) = (rows(&values, 4), rows(&indices, 4));
    top_k(&queue, config, &rows(&input, 3), &to, &at)?;
    Ok(json!([read(&queue, &values)?, words(&queue, &indices)?]))
}

/// Attention of two queries to two keys in two heads of two numbers, after a change. All scores are the
/// same.
fn attention_after(change: impl FnOnce(&mut AttentionConfig<'_>, &mut HeadRows<'_>)) -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let q = upload(&queue, &device, &[0.0; 8])?;
    let v = upload(
        &queue,
        &device,
        &[1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 30.0, 40.0],
    )?;
    let output = upload(&queue, &device, &[9.0; 8])?;
    // Heads lie beside each other in the rows.
    let heads = |buffer| HeadRows {
        buffer,
        offset: 0,
        row_stride: 4,
        head_stride: 2,
        batch_stride: 8,
    };
    let mut config = AttentionConfig {
        element: ElementType::F32,
        batch: 1,
        heads: 2,
        key_heads: 2,
        queries: 2,
        keys: 2,
        size: 2,
        scale: 1.0,
        causal: false,
        lengths: None,
    };
    let mut keys = heads(&q);
    change(&mut config, &mut keys);
    attention(
        &queue,
        &config,
        &heads(&q),
        &keys,
        &heads(&v),
        &heads(&output),
    )?;
    read(&queue, &output)
}
