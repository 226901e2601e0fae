//! How fast products of matrices are through a queue on the processor, beside the same crate called
//! natively on as many threads: square ones, and long and narrow ones.
//!
//! ```text
//! products [--rounds N] [--threads N] [--largest N] [--shape M,N,K]
//! ```
//!
//! It prints one JSON object a shape: the best time of each way, in microseconds, of rounds in which
//! both were measured one after the other.
#![allow(unsafe_code)]

use std::error::Error as StdError;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use gemm_common::Parallelism;
use serde_json::json;
use tensor_wasm_device::{Activation, CpuConfig, Device, Element, Gemm, Limits, Matrix};

type Result<T> = std::result::Result<T, Box<dyn StdError + Send + Sync>>;

/// How long one way is measured in a round, at least.
const MEASURED: Duration = Duration::from_millis(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (mut rounds, mut threads, mut largest) = (5, None, 2048);
    let mut one = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let number = arguments
            .next()
            .ok_or(format!("{argument} wants a number"))?;
        match argument.as_str() {
            "--rounds" => rounds = number.parse()?,
            "--threads" => threads = Some(number.parse()?),
            "--largest" => largest = number.parse()?,
            "--shape" => {
                let sides: Vec<usize> = number
                    .split(',')
                    .map(str::parse)
                    .collect::<std::result::Result<_, _>>()?;
                one = Some(<[usize; 3]>::try_from(sides).map_err(|_| "a shape has three sides")?);
            }
            _ => return Err(format!("{argument} is no option").into()),
        }
    }
    let available = std::thread::available_parallelism()?;
    let threads: NonZeroUsize = threads.unwrap_or(available);
    let mut shapes: Vec<[usize; 3]> = [64, 128, 256, 512, 1024, 2048]
        .into_iter()
        .map(|side| [side; 3])
        .collect();
    shapes.extend([
        [32, 1536, 384],
        [512, 384, 1536],
        [16, 384, 384],
        [1, 1536, 384],
        [2048, 64, 64],
    ]);
    shapes.retain(|shape| shape.iter().all(|side| *side <= largest));
    if let Some(shape) = one {
        shapes = vec![shape];
    }
    for shape in shapes {
        let [native, queued] = measure(shape, threads, rounds).await?;
        let [m, n, k] = shape;
        let operations = 2.0 * (m * n * k) as f64;
        let rate = |time: Duration| operations / time.as_secs_f64() / 1e9;
        let micros = |time: Duration| (time.as_secs_f64() * 1e7).round() / 10.0;
        println!(
            "{}",
            json!({
                "m": m, "n": n, "k": k, "threads": threads,
                "native_us": micros(native), "queue_us": micros(queued),
                "native_gflops": rate(native).round(), "queue_gflops": rate(queued).round(),
                "ratio": (native.as_secs_f64() / queued.as_secs_f64() * 1000.0).round() / 1000.0,
            })
        );
    }
    Ok(())
}

/// The best time of each way.
async fn measure(
    [m, n, k]: [usize; 3],
    threads: NonZeroUsize,
    rounds: u32,
) -> Result<[Duration; 2]> {
    let device = Device::cpu(CpuConfig {
        threads: Some(threads),
        ..CpuConfig::default()
    })?;
    let lease = device.session(Limits::default()).lease();
    let queue = lease.create_queue().await?;
    let values =
        |count: usize| -> Vec<f32> { (0..count).map(|i| (i % 251) as f32 / 251.0 - 0.5).collect() };
    let (a, b) = (values(m * k), values(k * n));
    let mut c = vec![0f32; m * n];
    let bytes = |values: &[f32]| -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    };
    let (at_a, at_b) = (
        lease.allocate(4 * a.len() as u64).await?,
        lease.allocate(4 * b.len() as u64).await?,
    );
    let at_c = lease.allocate(4 * c.len() as u64).await?;
    queue.write(&at_a, 0, bytes(&a)).await?;
    queue.write(&at_b, 0, bytes(&b)).await?;
    let matrix = |buffer: &tensor_wasm_device::Buffer, columns: usize| Matrix {
        buffer: buffer.clone(),
        offset: 0,
        leading_dimension: columns as u64,
        stride: 0,
        transposed: false,
    };
    let gemm = Gemm {
        element: Element::F32,
        m: m as u64,
        n: n as u64,
        k: k as u64,
        batch: 1,
        alpha: 1.0,
        beta: 0.0,
        a: matrix(&at_a, k),
        b: matrix(&at_b, n),
        c: matrix(&at_c, n),
        bias: None,
        activation: Activation::None,
    };
    let mut best = [Duration::MAX; 2];
    for _ in 0..rounds {
        // On one thread, too: small ones are not worth starting others.
        for threads in [1, threads.get()] {
            let (began, mut count) = (Instant::now(), 0);
            while count < 3 || began.elapsed() < MEASURED {
                let began = Instant::now();
                natively(&mut c, &a, &b, [m, n, k], threads);
                best[0] = best[0].min(began.elapsed());
                count += 1;
            }
        }
        let (began, mut count) = (Instant::now(), 0);
        while count < 3 || began.elapsed() < MEASURED {
            let began = Instant::now();
            lease.gemm(&queue, gemm.clone()).await?;
            queue.synchronize().await?;
            best[1] = best[1].min(began.elapsed());
            count += 1;
        }
    }
    let found = queue.read(&at_c, 0, at_c.size()).await?;
    let first = f32::from_le_bytes([found[0], found[1], found[2], found[3]]);
    if (first - c[0]).abs() > 1e-3 * (k as f32).sqrt() {
        return Err(format!("the queue computed {first}, and the crate {}", c[0]).into());
    }
    Ok(best)
}

/// The product by the crate, whose rows or columns are divided between threads.
fn natively(c: &mut [f32], a: &[f32], b: &[f32], [m, n, k]: [usize; 3], threads: usize) {
    let rows = m.div_ceil(threads);
    std::thread::scope(|scope| {
        let parts = c.chunks_mut(rows * n).zip(a.chunks(rows * k));
        for (index, (c, a)) in parts.enumerate() {
            let mut multiply = move || {
                // SAFETY: the part of `c` has as many rows as that of `a`, of `n` and `k` elements, and
                // `b` has `k` rows of `n`.
                unsafe {
                    gemm_f32::gemm::f32::get_gemm_fn()(
                        // Transposed, as the crate wants it.
                        n,
                        a.len() / k,
                        k,
                        c.as_mut_ptr(),
                        n as isize,
                        1,
                        false,
                        b.as_ptr(),
                        n as isize,
                        1,
                        a.as_ptr(),
                        k as isize,
                        1,
                        1.0,
                        1.0,
                        false,
                        false,
                        false,
                        Parallelism::None,
                    );
                }
            };
            // The last part is this thread's.
            if (index + 1) * rows >= m {
                multiply();
            } else {
                scope.spawn(multiply);
            }
        }
    });
}
