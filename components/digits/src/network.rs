//! The network: 64 pixels, a layer of 48 numbers with ReLU, and ten digits whose shares are a softmax.

use tensor_wasm_guest::{Buffer, Device, Queue, Result, Tensor, Vector};

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
    let shares = device.allocate::<f32>(pictures * digits)?;
    let part = |at: usize| weights.from_index(at as u64);

    let first = Tensor::new(part(0), &[pixels_each, hidden])?;
    let second = Tensor::new(part(WEIGHT_2), &[hidden, digits])?;
    let x = Tensor::new(&x, &[pictures, pixels_each])?;
    let between = Tensor::new(&inner, &[pictures, hidden])?;
    let scores = Tensor::new(&shares, &[pictures, digits])?;
    queue
        .matmul(x, first, between)?
        .bias(Vector::new(part(BIAS_1), hidden))
        .relu()
        .submit()?;
    queue
        .matmul(between, second, scores)?
        .bias(Vector::new(part(BIAS_2), digits))
        .submit()?;
    // In their place.
    queue.softmax(scores, scores).submit()?;
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
