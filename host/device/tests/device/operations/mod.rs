//! Operations beside products of matrices: the numbers that the formulas give in double precision, in each
//! type of elements, and nothing for what does not fit.

mod attention;
mod limits;
mod properties;
mod refused;
mod rows;

use half::{bf16, f16};
use tensor_wasm_device::{Buffer, Element, Lease, Queue, Rows, Vector};

/// The types that operations have kernels for.
const ELEMENTS: [Element; 3] = [Element::F32, Element::F16, Element::BF16];

/// Numbers from -4 to 4 as an element holds them; always the same.
struct Numbers(u64);

impl Numbers {
    fn many(&mut self, element: Element, count: usize) -> Vec<f64> {
        let mut next = || {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let unit = (self.0 >> 40) as f64 / f64::from(1 << 23) - 1.0;
            rounded(element, 4.0 * unit)
        };
        (0..count).map(|_| next()).collect()
    }
}

/// As an element holds it.
fn rounded(element: Element, value: f64) -> f64 {
    match element {
        Element::F16 => f16::from_f64(value).to_f64(),
        Element::BF16 => bf16::from_f64(value).to_f64(),
        _ => f64::from(value as f32),
    }
}

fn size(element: Element) -> u64 {
    match element {
        Element::F32 => 4,
        _ => 2,
    }
}

fn bytes(element: Element, values: &[f64]) -> Vec<u8> {
    let one = |value: &f64| match element {
        Element::F16 => f16::from_f64(*value).to_le_bytes().to_vec(),
        Element::BF16 => bf16::from_f64(*value).to_le_bytes().to_vec(),
        _ => (*value as f32).to_le_bytes().to_vec(),
    };
    values.iter().flat_map(one).collect()
}

fn values(element: Element, bytes: &[u8]) -> Vec<f64> {
    let one = |bytes: &[u8]| match element {
        Element::F16 => f16::from_le_bytes(bytes.try_into().unwrap()).to_f64(),
        Element::BF16 => bf16::from_le_bytes(bytes.try_into().unwrap()).to_f64(),
        _ => f64::from(f32::from_le_bytes(bytes.try_into().unwrap())),
    };
    bytes.chunks(size(element) as usize).map(one).collect()
}

/// What a result may differ from the exact one: roundings of single precision of numbers of a size, and
/// that of the result.
#[track_caller]
fn assert_near(element: Element, found: f64, exact: f64, roundings: f64, magnitude: f64) {
    if found == exact {
        return;
    }
    if exact.is_nan() || found.is_nan() {
        assert!(
            exact.is_nan() && found.is_nan(),
            "{found} instead of {exact}"
        );
        return;
    }
    let last = match element {
        Element::F16 => 2f64.powi(-11) * exact.abs() + 2f64.powi(-24),
        Element::BF16 => 2f64.powi(-8) * exact.abs(),
        _ => 0.0,
    };
    let most = roundings * f64::from(f32::EPSILON) * magnitude + last;
    let error = (found - exact).abs();
    assert!(
        error <= most,
        "{element:?}: {found} instead of {exact}, {error:e} and not {most:e}"
    );
}

async fn uploaded(lease: &Lease, queue: &Queue, bytes: Vec<u8>) -> Buffer {
    let buffer = lease.allocate(bytes.len() as u64).await.unwrap();
    queue.write(&buffer, 0, bytes).await.unwrap();
    buffer
}

async fn read(queue: &Queue, element: Element, buffer: &Buffer) -> Vec<f64> {
    let bytes = queue.read(buffer, 0, buffer.size()).await.unwrap();
    values(element, &bytes)
}

async fn read_u32(queue: &Queue, buffer: &Buffer) -> Vec<u32> {
    let bytes = queue.read(buffer, 0, buffer.size()).await.unwrap();
    let one = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
    bytes.chunks(4).map(one).collect()
}

/// Rows without gaps.
fn rows(buffer: &Buffer, columns: u64) -> Rows {
    Rows {
        buffer: buffer.clone(),
        offset: 0,
        leading_dimension: columns.max(1),
    }
}

fn vector(buffer: &Buffer) -> Vector {
    Vector {
        buffer: buffer.clone(),
        offset: 0,
        increment: 1,
    }
}
