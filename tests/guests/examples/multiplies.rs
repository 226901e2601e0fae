//! Multiplies matrices of `f32` by the SDK. `GET /M/N/K` multiplies M rows of K by K rows of N, whose
//! elements are small whole numbers, waits, and repeats that (`?rounds=`, default 1). Responds with
//! the best time that it measured itself, as JSON: `{"nanoseconds":…,"first":…,"last":…}`, with the
//! first and the last element of the product, or `{"error":KIND,"message":…}`. With `?rows=`, `b` is
//! said to have so many rows instead, which does not fit.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tensor_wasm_guest::http::{self, Request, Response};
use tensor_wasm_guest::{Device, Matrix, Result};

http::service!(handle);

fn handle(request: Request) -> Response {
    let parts = request.path().trim_matches('/').split('/');
    let shape: Vec<u64> = parts.filter_map(|part| part.parse().ok()).collect();
    let &[m, n, k] = shape.as_slice() else {
        return Response::text(404, "GET /M/N/K\n");
    };
    let number = |name: &str| request.query(name)?.parse().ok();
    let rows = number("rows").unwrap_or(k);
    let (status, value) = match multiply([m, n, k], rows, number("rounds").unwrap_or(1)) {
        Ok(value) => (200, value),
        Err(error) => (
            503,
            json!({ "error": error.kind(), "message": error.to_string() }),
        ),
    };
    Response::new(status, "application/json", value.to_string().into_bytes())
}

fn multiply([m, n, k]: [u64; 3], rows: u64, rounds: u64) -> Result<Value> {
    let queue = Device::open()?.queue()?;
    let values = |count: u64, period: u64| -> Vec<f32> {
        (0..count).map(|i| (i % period) as f32 - 2.0).collect()
    };
    let a = queue.upload(&values(m * k, 5))?;
    let b = queue.upload(&values(k * n, 7))?;
    let c = queue.upload(&vec![0f32; (m * n) as usize])?;
    let mut best = Duration::MAX;
    for _ in 0..rounds {
        let began = Instant::now();
        let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, rows, n));
        queue.gemm(a, b, Matrix::new(&c, m, n)).submit()?;
        queue.synchronize()?;
        best = best.min(began.elapsed());
    }
    let first = queue.read(&c, 0..1)?;
    let last = queue.read(&c, m * n - 1..)?;
    Ok(json!({ "nanoseconds": best.as_nanos() as u64, "first": first[0], "last": last[0] }))
}
