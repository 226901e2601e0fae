//! The network: 64 pixels, a layer of 48 numbers with ReLU, and ten digits whose shares are a softmax.

use tensor_wasm_guest::kernel::prelude::*;
use tensor_wasm_guest::{Buffer, Device, LaunchConfig, Matrix, Queue, Result, Vector};

/// The pixels of a picture.
pub const PIXELS: usize = 64;

/// What a picture may show.
pub const DIGITS: usize = 10;

/// The numbers between the two layers.
const HIDDEN: usize = 48;

/// Weights and biases of both layers, one behind the other, as `train.py` writes them.
const WEIGHTS: &[u8] = include_bytes!("../weights.bin");

/// Where each lies, in numbers.
const BIAS_1: usize = PIXELS * HIDDEN;
const WEIGHT_2: usize = BIAS_1 + HIDDEN;
const BIAS_2: usize = WEIGHT_2 + HIDDEN * DIGITS;

const _: () = assert!(WEIGHTS.len() == (BIAS_2 + DIGITS) * size_of::<f32>());

/// The name of the weights on the device. Other weights need another one.
const NAME: &str = "digits 1";

/// Makes shares of scores, ten a picture; a thread a picture.
#[kernel]
fn softmax(scores: GlobalMut<f32>, pictures: u32) {
    let picture = thread::global_x();
    if picture < pictures {
        let start = picture * 10;
        let mut most = f32::NEG_INFINITY;
        for i in start..start + 10 {
            most = most.max(scores.get(i as usize));
        }
        let mut sum = 0.0;
        for i in start..start + 10 {
            let share = fast::exp(scores.get(i as usize) - most);
            scores.set(i as usize, share);
            sum += share;
        }
        for i in start..start + 10 {
            scores.set(i as usize, scores.get(i as usize) / sum);
        }
    }
}

/// The share of each digit, for each picture.
///
/// # Errors
/// Those of the device.
pub fn read(pixels: &[f32]) -> Result<Vec<[f32; DIGITS]>> {
    let device = Device::open()?;
    let queue = device.queue()?;
    let weights = weights(&device, &queue)?;
    let pictures = (pixels.len() / PIXELS) as u64;
    let [pixels_each, hidden, digits] = [PIXELS, HIDDEN, DIGITS].map(|count| count as u64);

    let x = queue.upload(pixels)?;
    let inner = device.allocate::<f32>(pictures * hidden)?;
    let mut shares = device.allocate(pictures * digits)?;
    let part = |at: usize| weights.from_index(at as u64);

    let first = Matrix::new(part(0), pixels_each, hidden);
    let second = Matrix::new(part(WEIGHT_2), hidden, digits);
    let x = Matrix::new(&x, pictures, pixels_each);
    let between = Matrix::new(&inner, pictures, hidden);
    queue
        .gemm(x, first, between)
        .bias(Vector::new(part(BIAS_1), hidden))
        .relu()
        .submit()?;
    queue
        .gemm(between, second, Matrix::new(&shares, pictures, digits))
        .bias(Vector::new(part(BIAS_2), digits))
        .submit()?;
    let config = LaunchConfig::for_len(pictures);
    softmax(&queue, config, &mut shares, pictures as u32)?;
    Ok(queue.download(&shares)?.as_chunks().0.to_vec())
}

/// The weights, which the first request uploads and those behind it find.
fn weights(device: &Device, queue: &Queue) -> Result<Buffer<f32>> {
    device.lookup_or_keep(NAME, || {
        let chunks = WEIGHTS.as_chunks().0.iter();
        let numbers: Vec<f32> = chunks.map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let weights = queue.upload(&numbers)?;
        // The queues of other requests do not wait for this one.
        queue.synchronize()?;
        Ok(weights)
    })
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tensor_wasm_guest::testing::Device;

    use super::*;

    #[test]
    fn shares_add_up_and_follow_the_scores() {
        let mut device = Device::load(softmax::PTX).unwrap();
        let scores: Vec<f32> = (0..20)
            .map(|i| (i % 10) as f32 * (i / 10) as f32 * 30.0)
            .collect();
        let mut buffer = device.upload(&scores).unwrap();
        softmax(&mut device, LaunchConfig::for_len(2), &mut buffer, 2).unwrap();
        let shares = device.read(&buffer);
        assert!(shares[..10].iter().all(|share| (share - 0.1).abs() < 1e-6));
        assert!(shares[19] > 0.999 && shares[10] < 1e-6, "{shares:?}");
    }
}
