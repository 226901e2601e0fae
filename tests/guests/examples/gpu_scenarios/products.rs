//! Products of matrices: right ones of each type of elements, and what does not fit.

use crate::bindings::kernels::{Buffer, Device, Error, Queue};
use crate::bindings::linear_algebra::{
    Activation, ElementType, Epilogue, GemmConfig, GemvConfig, Matrix, Vector, gemm, gemv,
};
use crate::report::Outcome;
use serde_json::{Value, json};

pub fn scenario(name: &str) -> Option<Outcome> {
    let outcome = match name {
        "gemm" => plain(|_, _, _, _| {}),
        "gemm-transposed" => plain(|_, a, b, _| {
            // Of square matrices, so both fit.
            (a.transposed, b.transposed) = (true, true);
        }),
        "gemm-scaled" => plain(|config, _, _, _| (config.alpha, config.beta) = (2.0, 3.0)),
        "gemm-epilogue" => epilogue(),
        "gemm-bytes" => bytes(),
        "gemv" => vector(),
        "gemm-of-a-short-buffer" => plain(|_, a, _, _| a.offset = 4),
        "gemm-of-short-rows" => plain(|_, _, b, _| b.leading_dimension = 1),
        "gemm-overflow" => plain(|_, a, _, _| a.leading_dimension = u64::MAX),
        "gemm-huge" => plain(|config, _, _, _| (config.m, config.n) = (u64::MAX, u64::MAX)),
        "gemm-unaligned" => plain(|_, _, _, c| c.offset = 2),
        "gemm-in-place" => in_place(),
        _ => return None,
    };
    Some(outcome)
}

/// A matrix of two rows of two without gaps.
fn square(buffer: &Buffer) -> Matrix<'_> {
    Matrix {
        buffer,
        offset: 0,
        leading_dimension: 2,
        stride: 4,
        transposed: false,
    }
}

fn config<'a>(element: ElementType) -> GemmConfig<'a> {
    GemmConfig {
        element,
        m: 2,
        n: 2,
        k: 2,
        alpha: 1.0,
        beta: 0.0,
        batch: 1,
        epilogue: Epilogue {
            bias: None,
            activation: Activation::None,
        },
    }
}

fn floats(queue: &Queue, device: &Device, values: &[f32]) -> Result<Buffer, Error> {
    let buffer = device.allocate(4 * values.len() as u64)?;
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    queue.write(&buffer, 0, &bytes)?;
    Ok(buffer)
}

fn read(queue: &Queue, buffer: &Buffer) -> Result<Value, Error> {
    let bytes = queue.read(buffer, 0, buffer.size())?;
    let values: Vec<f32> = bytes
        .chunks_exact(4)
        .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
        .collect();
    Ok(json!(values))
}

/// The product of two matrices of two rows, after a change.
fn plain(
    change: impl FnOnce(&mut GemmConfig<'_>, &mut Matrix<'_>, &mut Matrix<'_>, &mut Matrix<'_>),
) -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let a = floats(&queue, &device, &[1.0, 2.0, 3.0, 4.0])?;
    let b = floats(&queue, &device, &[5.0, 6.0, 7.0, 8.0])?;
    let c = floats(&queue, &device, &[1.0; 4])?;
    let mut config = config(ElementType::F32);
    let (mut left, mut right, mut result) = (square(&a), square(&b), square(&c));
    change(&mut config, &mut left, &mut right, &mut result);
    gemm(&queue, &config, &left, &right, &result)?;
    read(&queue, &c)
}

fn epilogue() -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let a = floats(&queue, &device, &[1.0, -2.0, 3.0, 4.0])?;
    let b = floats(&queue, &device, &[1.0, 0.0, 0.0, 1.0])?;
    let c = floats(&queue, &device, &[0.0; 4])?;
    let bias = floats(&queue, &device, &[0.5, 1.0])?;
    let mut config = config(ElementType::F32);
    config.epilogue = Epilogue {
        bias: Some(Vector {
            buffer: &bias,
            offset: 0,
            increment: 1,
        }),
        activation: Activation::Relu,
    };
    gemm(&queue, &config, &square(&a), &square(&b), &square(&c))?;
    read(&queue, &c)
}

fn bytes() -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let factors = device.allocate(8)?;
    queue.write(&factors, 0, &[1, 2, 0xff, 0x80, 127, 1, 1, 127])?;
    let c = device.allocate(16)?;
    let right = Matrix {
        offset: 4,
        ..square(&factors)
    };
    let config = config(ElementType::S8);
    gemm(&queue, &config, &square(&factors), &right, &square(&c))?;
    let bytes = queue.read(&c, 0, 16)?;
    let values: Vec<i32> = bytes
        .chunks_exact(4)
        .map(|four| i32::from_le_bytes([four[0], four[1], four[2], four[3]]))
        .collect();
    Ok(json!(values))
}

fn vector() -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let a = floats(&queue, &device, &[1.0, 2.0, 3.0, 4.0])?;
    let x = floats(&queue, &device, &[10.0, 0.0, 1.0])?;
    let y = floats(&queue, &device, &[0.0; 2])?;
    let config = GemvConfig {
        element: ElementType::F32,
        m: 2,
        n: 2,
        alpha: 1.0,
        beta: 0.0,
    };
    let x = Vector {
        buffer: &x,
        offset: 0,
        increment: 2,
    };
    let to = Vector {
        buffer: &y,
        offset: 0,
        increment: 1,
    };
    gemv(&queue, config, &square(&a), &x, &to)?;
    read(&queue, &y)
}

fn in_place() -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let a = floats(&queue, &device, &[1.0; 4])?;
    let b = floats(&queue, &device, &[1.0; 4])?;
    let config = config(ElementType::F32);
    gemm(&queue, &config, &square(&a), &square(&b), &square(&a))?;
    Ok(Value::Null)
}
