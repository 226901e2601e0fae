//! Computes with tensors by the SDK. `GET /block` responds with what a small block of a network gives, as
//! JSON, and `GET /misfit/WHAT` with the error of shapes that do not fit: `{"error":KIND,"message":…}`.

use serde_json::{Value, json};
use tensor_wasm_guest::http::{self, Request, Response};
use tensor_wasm_guest::{Device, Result, Tensor};

http::service!(handle);

fn handle(request: Request) -> Response {
    let outcome = match request.path().strip_prefix("/misfit/") {
        Some(what) => misfit(what),
        None => block(),
    };
    let (status, value) = match outcome {
        Ok(value) => (200, value),
        Err(error) => (
            503,
            json!({ "error": error.kind(), "message": error.to_string() }),
        ),
    };
    Response::new(status, "application/json", value.to_string().into_bytes())
}

fn values(count: u64) -> Vec<f32> {
    (0..count).map(|i| (i % 11) as f32 / 4.0 - 1.0).collect()
}

/// Causal attention of 5 tokens with 2 heads of 3 numbers, its normalisation, and where that is largest.
fn block() -> Result<Value> {
    let queue = Device::open()?.queue()?;
    let (tokens, heads, size) = (5, 2, 3);
    let width = heads * size;
    let qkv = queue.upload(&values(tokens * 3 * width))?;
    let attended = queue.upload(&vec![0f32; (tokens * width) as usize])?;
    let normalised = queue.upload(&vec![0f32; (tokens * width) as usize])?;
    let largest = queue.upload(&vec![0u32; tokens as usize])?;

    let all = Tensor::new(&qkv, &[1, tokens, 3, heads, size])?;
    let part = |which| all.select(2, which)?.permute(&[0, 2, 1, 3]);
    let rows = Tensor::new(&attended, &[tokens, width])?;
    let out = Tensor::new(&attended, &[1, tokens, heads, size])?.permute(&[0, 2, 1, 3])?;
    queue
        .attention(part(0)?, part(1)?, part(2)?, out)
        .causal()
        .submit()?;
    let normal = Tensor::new(&normalised, &[tokens, width])?;
    queue.layer_norm(rows, normal).submit()?;
    queue.argmax(normal, Tensor::from(&largest))?;

    // The first two columns of two rows, by a column of ones.
    let ones = queue.upload(&[1f32; 2])?;
    let product = queue.upload(&[0f32; 2])?;
    let a = Tensor::new(&qkv, &[2, 2])?.permute(&[1, 0])?;
    let c = Tensor::new(&product, &[2, 1])?;
    queue.matmul(a, Tensor::new(&ones, &[2, 1])?, c)?.submit()?;
    Ok(json!({
        "attended": queue.download(&attended)?,
        "normalised": queue.download(&normalised)?,
        "largest": queue.download(&largest)?,
        "product": queue.download(&product)?,
    }))
}

fn misfit(what: &str) -> Result<Value> {
    let queue = Device::open()?.queue()?;
    let buffer = queue.upload(&values(60))?;
    let tensor = |shape: &[u64]| Tensor::new(&buffer, shape);
    let strided = |shape: &[u64], strides: &[u64]| Tensor::with_strides(&buffer, shape, strides);
    let (wide, high) = (tensor(&[2, 3])?, tensor(&[3, 2])?);
    let (column, row) = (tensor(&[4, 1])?, tensor(&[1, 4])?);
    match what {
        "softmax" => queue.softmax(wide, high).submit()?,
        "attention" => {
            let (q, k) = (tensor(&[1, 2, 3, 4])?, tensor(&[1, 2, 3, 5])?);
            queue.attention(q, k, k, q).submit()?;
        }
        "matmul" => queue.matmul(wide, wide, high)?.submit()?,
        "reduce" => queue.sum(wide, tensor(&[3])?)?,
        "repeated-result" => queue.sum(tensor(&[4, 3])?, strided(&[4], &[0])?)?,
        "repeated-rows" => queue
            .rms_norm(strided(&[4, 1], &[0, 1])?, column)
            .submit()?,
        "repeated-factor" => {
            let repeated = strided(&[4, 1], &[0, 1])?;
            queue.matmul(repeated, row, tensor(&[4, 4])?)?.submit()?;
        }
        "repeated-columns" => {
            let repeated = strided(&[1, 4], &[4, 0])?;
            queue.matmul(repeated, column, tensor(&[1, 1])?)?.submit()?;
        }
        "repeated-product" => {
            let repeated = strided(&[4, 1], &[0, 1])?;
            queue.matmul(tensor(&[4, 4])?, column, repeated)?.submit()?;
        }
        "buffer" => drop(tensor(&[7, 9])?),
        _ => drop(wide.permute(&[1, 0])?.reshape(&[6])?),
    }
    Ok(Value::Null)
}
