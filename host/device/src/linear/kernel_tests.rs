#![allow(clippy::unwrap_used)]

use super::*;
use crate::linear::checked;
use crate::{CpuConfig, Device, Limits, Matrix, Vector};

const ELEMENTS: [Element; 5] = [
    Element::F32,
    Element::F64,
    Element::F16,
    Element::BF16,
    Element::S8,
];

fn number(element: Element, bytes: &[u8]) -> f64 {
    match element {
        Element::F32 => f32::from_le_bytes(bytes.try_into().unwrap()).into(),
        Element::F64 => f64::from_le_bytes(bytes.try_into().unwrap()),
        Element::F16 => half::f16::from_le_bytes(bytes.try_into().unwrap()).into(),
        Element::BF16 => half::bf16::from_le_bytes(bytes.try_into().unwrap()).into(),
        Element::S8 => i32::from_le_bytes(bytes.try_into().unwrap()).into(),
    }
}

fn bytes(element: Element, count: usize, seed: usize) -> Vec<u8> {
    let value = |index: usize| (index * 37 + seed) % 17;
    let one = |index: usize| {
        let value = value(index) as f64 - 8.0;
        match element {
            Element::F32 => (value as f32 / 8.0).to_le_bytes().to_vec(),
            Element::F64 => (value / 8.0).to_le_bytes().to_vec(),
            Element::F16 => half::f16::from_f64(value / 8.0).to_le_bytes().to_vec(),
            Element::BF16 => half::bf16::from_f64(value / 8.0).to_le_bytes().to_vec(),
            Element::S8 => (value as i8).to_le_bytes().to_vec(),
        }
    };
    (0..count).flat_map(one).collect()
}

/// The kernel gives what the processor's library gives: of numbers whose sums are exact, to the
/// last bit.
#[tokio::test]
async fn the_kernel_computes_what_the_library_does() {
    let device = Device::cpu(CpuConfig::default()).unwrap();
    let lease = device.session(Limits::default()).lease();
    let queue = lease.create_queue().await.unwrap();
    for element in ELEMENTS {
        let module = lease.load(module(element).into()).await.unwrap();
        let kernel = module.kernel(KERNEL).unwrap();
        for (index, [m, n, k]) in [[3, 70, 40], [130, 5, 17], [1, 1, 0]]
            .into_iter()
            .enumerate()
        {
            let [count_a, count_b, count_c] = [m * k, k * n, m * n].map(|count| 2 * count);
            let size = element.result_bytes();
            let upload = async |bytes: Vec<u8>| {
                let buffer = lease.allocate(bytes.len().max(8) as u64).await.unwrap();
                queue.write(&buffer, 0, bytes).await.unwrap();
                buffer
            };
            let a = upload(bytes(element, count_a, 1)).await;
            let b = upload(bytes(element, count_b, 2)).await;
            let before = match element {
                Element::S8 => vec![1; count_c * 4],
                other => bytes(other, count_c, 3),
            };
            let results = [upload(before.clone()).await, upload(before).await];
            let bias = (element != Element::S8).then_some(());
            let bias = match bias {
                Some(()) => Some(Vector {
                    buffer: upload(bytes(element, 2 * n, 4)).await,
                    offset: 0,
                    increment: 2,
                }),
                None => None,
            };
            let activation = match (element, index) {
                (Element::S8, _) | (_, 2) => Activation::None,
                (Element::F64, _) | (_, 0) => Activation::Relu,
                _ => Activation::Gelu,
            };
            let matrix = |buffer: &Buffer, rows: usize, columns: usize, transposed| Matrix {
                buffer: buffer.clone(),
                offset: 0,
                leading_dimension: if transposed { rows } else { columns }.max(1) as u64,
                stride: (rows * columns) as u64,
                transposed,
            };
            let gemm = |c: &Buffer| Gemm {
                element,
                m: m as u64,
                n: n as u64,
                k: k as u64,
                batch: 2,
                alpha: 2.0,
                beta: index as f64,
                a: matrix(&a, m, k, index == 1),
                b: matrix(&b, k, n, index == 0),
                c: matrix(c, m, n, false),
                bias: bias.clone(),
                activation,
            };
            lease.gemm(&queue, gemm(&results[0])).await.unwrap();
            let launched = gemm(&results[1]);
            let shape = checked(&launched).unwrap().unwrap();
            for (config, arguments) in launches(&launched, &shape) {
                queue.launch(&kernel, config, arguments).await.unwrap();
            }
            let mut found = Vec::new();
            for result in &results {
                let bytes = queue.read(result, 0, count_c as u64 * size).await.unwrap();
                let values = bytes
                    .chunks(size as usize)
                    .map(|bytes| number(element, bytes));
                found.push(values.collect::<Vec<f64>>());
            }
            assert_eq!(found[0], found[1], "{element:?} {m} by {n} by {k}");
        }
    }
}
