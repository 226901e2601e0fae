//! Products of matrices: the right numbers for each type and layout, in the order of the queue, and
//! nothing for what does not fit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use half::{bf16, f16};
use tensor_wasm_device::{
    Activation, Buffer, Element, Error, Gemm, Gemv, LaunchTimes, Lease, Limits, Matrix, Meter,
    Queue, Vector,
};

use super::common::{assert_stopped, device, in_time, nothing_is_held, session};
use super::instances::instance;

const ELEMENTS: [Element; 5] = [
    Element::F32,
    Element::F64,
    Element::F16,
    Element::BF16,
    Element::S8,
];

/// Numbers from -1 to 1, or small whole ones for `s8`, as an element holds them; always the same.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, element: Element) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let unit = (self.0 >> 40) as f64 / f64::from(1 << 23) - 1.0;
        match element {
            Element::F32 => f64::from(unit as f32),
            Element::F64 => unit,
            Element::F16 => f16::from_f64(unit).to_f64(),
            Element::BF16 => bf16::from_f64(unit).to_f64(),
            Element::S8 => (unit * 127.0).round(),
        }
    }

    fn many(&mut self, element: Element, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.next(element)).collect()
    }
}

fn factor_bytes(element: Element, values: &[f64]) -> Vec<u8> {
    let one = |value: &f64| match element {
        Element::F32 => (*value as f32).to_le_bytes().to_vec(),
        Element::F64 => value.to_le_bytes().to_vec(),
        Element::F16 => f16::from_f64(*value).to_le_bytes().to_vec(),
        Element::BF16 => bf16::from_f64(*value).to_le_bytes().to_vec(),
        Element::S8 => (*value as i8).to_le_bytes().to_vec(),
    };
    values.iter().flat_map(one).collect()
}

fn result_bytes(element: Element, values: &[f64]) -> Vec<u8> {
    match element {
        Element::S8 => {
            let one = |value: &f64| (*value as i32).to_le_bytes();
            values.iter().flat_map(one).collect()
        }
        other => factor_bytes(other, values),
    }
}

fn results(element: Element, bytes: &[u8]) -> Vec<f64> {
    let size = result_bytes(element, &[0.0]).len();
    let one = |bytes: &[u8]| match element {
        Element::F32 => f64::from(f32::from_le_bytes(bytes.try_into().unwrap())),
        Element::F64 => f64::from_le_bytes(bytes.try_into().unwrap()),
        Element::F16 => f16::from_le_bytes(bytes.try_into().unwrap()).to_f64(),
        Element::BF16 => bf16::from_le_bytes(bytes.try_into().unwrap()).to_f64(),
        Element::S8 => f64::from(i32::from_le_bytes(bytes.try_into().unwrap())),
    };
    bytes.chunks(size).map(one).collect()
}

/// What a rounding of the result, and each of so many in the sums, may change of numbers of a size.
fn bound(element: Element, steps: usize, magnitude: f64, result: f64) -> f64 {
    let (sum, last) = match element {
        Element::F32 => (f64::from(f32::EPSILON), 0.0),
        Element::F64 => (f64::EPSILON, 0.0),
        Element::F16 => (f64::from(f32::EPSILON), 2f64.powi(-11)),
        Element::BF16 => (f64::from(f32::EPSILON), 2f64.powi(-8)),
        Element::S8 => return 0.0,
    };
    // Half precision has subnormal numbers.
    (steps + 4) as f64 * sum * magnitude + last * result.abs() + 2f64.powi(-24) * last.signum()
}

async fn uploaded(lease: &Lease, queue: &Queue, bytes: Vec<u8>) -> Buffer {
    let buffer = lease.allocate(bytes.len() as u64).await.unwrap();
    queue.write(&buffer, 0, bytes).await.unwrap();
    buffer
}

/// A matrix without gaps.
fn matrix(buffer: &Buffer, rows: u64, columns: u64) -> Matrix {
    Matrix {
        buffer: buffer.clone(),
        offset: 0,
        leading_dimension: columns.max(1),
        stride: rows * columns,
        transposed: false,
    }
}

fn transposed(buffer: &Buffer, rows: u64, columns: u64) -> Matrix {
    Matrix {
        transposed: true,
        ..matrix(buffer, columns, rows)
    }
}

/// A plain product of matrices without gaps.
fn product(element: Element, [m, n, k]: [u64; 3], [a, b, c]: [&Buffer; 3]) -> Gemm {
    Gemm {
        element,
        m,
        n,
        k,
        batch: 1,
        alpha: 1.0,
        beta: 0.0,
        a: matrix(a, m, k),
        b: matrix(b, k, n),
        c: matrix(c, m, n),
        bias: None,
        activation: Activation::None,
    }
}

async fn read(queue: &Queue, element: Element, buffer: &Buffer) -> Vec<f64> {
    let bytes = queue.read(buffer, 0, buffer.size()).await.unwrap();
    results(element, &bytes)
}

#[tokio::test]
async fn products_of_each_type_shape_and_layout_are_those_of_double_precision() {
    const SHAPES: [[usize; 3]; 12] = [
        [1, 1, 1],
        [3, 5, 7],
        [64, 64, 64],
        [65, 130, 257],
        [1, 700, 300],
        [700, 1, 300],
        [1, 1, 1000],
        [2, 3, 0],
        [530, 40, 20],
        [20, 90, 900],
        [145, 70, 400],
        [1, 90, 900],
    ];
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let mut numbers = Numbers(7);
        for element in ELEMENTS {
            for (index, [m, n, k]) in SHAPES.into_iter().enumerate() {
                let [a_flips, b_flips] = [[false, false], [true, false], [false, true], [true, true]][index % 4];
                let (alpha, beta) = ([1.0, 2.0, -3.0][index % 3], [0.0, 1.0, -2.0][index / 2 % 3]);
                let a = numbers.many(element, m * k);
                let b = numbers.many(element, k * n);
                let before = numbers.many(element, m * n);
                let [at_a, at_b] = [&a, &b].map(|values| factor_bytes(element, values));
                let at_a = uploaded(&lease, &queue, at_a).await;
                let at_b = uploaded(&lease, &queue, at_b).await;
                let c = uploaded(&lease, &queue, result_bytes(element, &before)).await;
                let shape = [m as u64, n as u64, k as u64];
                let mut gemm = product(element, shape, [&at_a, &at_b, &c]);
                (gemm.alpha, gemm.beta) = (alpha, beta);
                if a_flips {
                    gemm.a = transposed(&at_a, shape[0], shape[2]);
                }
                if b_flips {
                    gemm.b = transposed(&at_b, shape[2], shape[1]);
                }
                lease.gemm(&queue, gemm).await.unwrap();
                let found = read(&queue, element, &c).await;
                for row in 0..m {
                    for column in 0..n {
                        let (mut sum, mut magnitude) = (0.0, 0.0);
                        for step in 0..k {
                            let left = if a_flips { step * m + row } else { row * k + step };
                            let right = if b_flips { column * k + step } else { step * n + column };
                            sum += a[left] * b[right];
                            magnitude += (a[left] * b[right]).abs();
                        }
                        let at = row * n + column;
                        let exact = alpha * sum + beta * before[at];
                        let magnitude = alpha.abs() * magnitude + (beta * before[at]).abs();
                        let error = (found[at] - exact).abs();
                        let most = bound(element, k, magnitude, exact);
                        assert!(
                            error <= most,
                            "{element:?} {m} by {n} by {k}: {} instead of {exact} at {row}, {column}",
                            found[at]
                        );
                    }
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn parts_of_larger_matrices_are_multiplied_and_nothing_beside_the_result_is_written() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let element = Element::F32;
        let mut numbers = Numbers(3);
        // Two matrices of 4 by 6 in rows of 10, and one of 6 by 5 in rows of 7 that serves both.
        let (a, b) = (numbers.many(element, 200), numbers.many(element, 100));
        let at_a = uploaded(&lease, &queue, factor_bytes(element, &a)).await;
        let at_b = uploaded(&lease, &queue, factor_bytes(element, &b)).await;
        let c = uploaded(&lease, &queue, factor_bytes(element, &[9.0; 200])).await;
        let mut gemm = product(element, [4, 5, 6], [&at_a, &at_b, &c]);
        gemm.batch = 2;
        gemm.a = Matrix {
            offset: 3 * 4,
            leading_dimension: 10,
            stride: 80,
            ..gemm.a
        };
        gemm.b = Matrix {
            offset: 2 * 4,
            leading_dimension: 7,
            stride: 0,
            ..gemm.b
        };
        // The results lie beside each other in rows of 13, as the heads of an attention do.
        gemm.c = Matrix {
            offset: 4,
            leading_dimension: 13,
            stride: 6,
            ..gemm.c
        };
        lease.gemm(&queue, gemm).await.unwrap();
        let found = read(&queue, element, &c).await;
        let mut expected = vec![9.0; 200];
        for batch in 0..2 {
            for row in 0..4 {
                for column in 0..5 {
                    let terms =
                        (0..6).map(|k| a[3 + batch * 80 + row * 10 + k] * b[2 + k * 7 + column]);
                    expected[1 + batch * 6 + row * 13 + column] = terms.sum();
                }
            }
        }
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert!((found - expected).abs() < 1e-5, "{at}: {found} {expected}");
        }
    })
    .await;
}

#[tokio::test]
async fn each_of_many_small_products_of_a_batch_is_its_own() {
    in_time(async {
        const BATCH: usize = 1000;
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let element = Element::F32;
        let mut numbers = Numbers(5);
        let a = numbers.many(element, BATCH * 6);
        let b = numbers.many(element, BATCH * 12);
        let at_a = uploaded(&lease, &queue, factor_bytes(element, &a)).await;
        let at_b = uploaded(&lease, &queue, factor_bytes(element, &b)).await;
        let c = uploaded(&lease, &queue, vec![0; BATCH * 8 * 4]).await;
        let mut gemm = product(element, [2, 4, 3], [&at_a, &at_b, &c]);
        gemm.batch = BATCH as u64;
        lease.gemm(&queue, gemm).await.unwrap();
        let found = read(&queue, element, &c).await;
        for (at, found) in found.into_iter().enumerate() {
            let (batch, row, column) = (at / 8, at / 4 % 2, at % 4);
            let term = |k: usize| a[batch * 6 + row * 3 + k] * b[batch * 12 + k * 4 + column];
            let expected: f64 = (0..3).map(term).sum();
            assert!((found - expected).abs() < 1e-6, "{at}: {found} {expected}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_matrix_and_a_vector_with_gaps_are_multiplied() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let mut numbers = Numbers(5);
        for element in [Element::F32, Element::S8] {
            let (a, x) = (numbers.many(element, 600), numbers.many(element, 90));
            let at_a = uploaded(&lease, &queue, factor_bytes(element, &a)).await;
            let at_x = uploaded(&lease, &queue, factor_bytes(element, &x)).await;
            let y = uploaded(&lease, &queue, result_bytes(element, &[1.0; 40])).await;
            let gemv = Gemv {
                element,
                m: 20,
                n: 30,
                alpha: 2.0,
                beta: 3.0,
                a: matrix(&at_a, 20, 30),
                x: Vector {
                    buffer: at_x.clone(),
                    offset: 0,
                    increment: 3,
                },
                y: Vector {
                    buffer: y.clone(),
                    offset: 0,
                    increment: 2,
                },
            };
            lease.gemv(&queue, gemv).await.unwrap();
            let found = read(&queue, element, &y).await;
            for row in 0..20 {
                let sum: f64 = (0..30).map(|k| a[row * 30 + k] * x[k * 3]).sum();
                let exact = 2.0 * sum + 3.0;
                assert!((found[row * 2] - exact).abs() < 1e-4, "{row}");
                assert_eq!(found[row * 2 + 1], 1.0);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn bias_and_activation_come_last() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let mut numbers = Numbers(11);
        for element in [Element::F32, Element::F64, Element::F16, Element::BF16] {
            for activation in [Activation::None, Activation::Relu, Activation::Gelu] {
                if (element, activation) == (Element::F64, Activation::Gelu) {
                    continue;
                }
                let (m, n, k) = (70, 9, 5);
                let a = numbers.many(element, m * k);
                let b = numbers.many(element, k * n);
                let bias = numbers.many(element, n * 2);
                let at_a = uploaded(&lease, &queue, factor_bytes(element, &a)).await;
                let at_b = uploaded(&lease, &queue, factor_bytes(element, &b)).await;
                let at_bias = uploaded(&lease, &queue, factor_bytes(element, &bias)).await;
                let c = uploaded(&lease, &queue, factor_bytes(element, &vec![0.0; m * n])).await;
                let shape = [m as u64, n as u64, k as u64];
                let mut gemm = product(element, shape, [&at_a, &at_b, &c]);
                gemm.activation = activation;
                gemm.bias = Some(Vector {
                    buffer: at_bias,
                    offset: 0,
                    increment: 2,
                });
                lease.gemm(&queue, gemm).await.unwrap();
                let found = read(&queue, element, &c).await;
                for (at, found) in found.into_iter().enumerate() {
                    let (row, column) = (at / n, at % n);
                    let terms = (0..k).map(|step| a[row * k + step] * b[step * n + column]);
                    let x = terms.sum::<f64>() + bias[column * 2];
                    let exact = match activation {
                        Activation::None => x,
                        Activation::Relu => x.max(0.0),
                        Activation::Gelu => 0.5 * x * (1.0 + erf(x / 2f64.sqrt())),
                    };
                    let most = bound(element, k, 8.0, exact) + 2e-6;
                    assert!(
                        (found - exact).abs() <= most,
                        "{element:?} {activation:?}: {found} instead of {exact}"
                    );
                }
            }
        }
    })
    .await;
}

/// The series of the error function, for arguments of no more than 5.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}

#[tokio::test]
async fn what_a_zero_multiplies_is_not_read_and_what_is_no_number_stays_so() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let element = Element::F32;
        let bad = factor_bytes(element, &[f64::NAN, f64::INFINITY, 1.0, 2.0]);
        let good = factor_bytes(element, &[1.0, 1.0, 1.0, 1.0]);
        let bad = uploaded(&lease, &queue, bad).await;
        let good = uploaded(&lease, &queue, good).await;
        let c = lease.allocate(16).await.unwrap();
        let old = factor_bytes(element, &[f64::NAN, 4.0, 5.0, 6.0]);
        let run = async |alpha: f64, beta: f64, a: &Buffer| {
            queue.write(&c, 0, old.clone()).await.unwrap();
            let mut gemm = product(element, [2, 2, 2], [a, &good, &c]);
            (gemm.alpha, gemm.beta) = (alpha, beta);
            lease.gemm(&queue, gemm).await.unwrap();
            read(&queue, element, &c).await
        };
        assert_eq!(run(1.0, 0.0, &good).await, [2.0; 4]);
        assert_eq!(run(0.0, 0.0, &bad).await, [0.0; 4]);
        let scaled = run(0.0, 2.0, &bad).await;
        assert!(scaled[0].is_nan());
        assert_eq!(scaled[1..], [8.0, 10.0, 12.0]);
        let found = run(1.0, 0.0, &bad).await;
        assert!(found[..2].iter().all(|value| value.is_nan()));
        assert_eq!(found[2..], [3.0, 3.0]);
        let found = run(f64::INFINITY, 0.0, &good).await;
        assert_eq!(found, [f64::INFINITY; 4]);
    })
    .await;
}

#[tokio::test]
async fn sums_of_8_bits_are_exact_and_wrap_at_32() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let element = Element::S8;
        // The driver without a device runs a kernel for them, slowly, so there alpha makes them wrap.
        let (k, alpha) = match instance().has_slices {
            true => (140_000, 1),
            false => (1000, 200),
        };
        let ones = factor_bytes(element, &vec![-128.0; k]);
        let (a, b) = (
            uploaded(&lease, &queue, ones.clone()).await,
            uploaded(&lease, &queue, ones).await,
        );
        let c = lease.allocate(4).await.unwrap();
        let mut gemm = product(element, [1, 1, k as u64], [&a, &b, &c]);
        gemm.alpha = f64::from(alpha);
        lease.gemm(&queue, gemm).await.unwrap();
        let exact = k as i64 * 128 * 128 * i64::from(alpha);
        assert!(i32::try_from(exact).is_err());
        assert_eq!(read(&queue, element, &c).await, [f64::from(exact as i32)]);
    })
    .await;
}

#[tokio::test]
async fn products_run_in_the_order_of_their_queue_and_give_the_same_bits_each_time() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let element = Element::F32;
        let mut numbers = Numbers(13);
        // Of several tiles, where that does not take long.
        let side: u64 = if instance().has_slices { 300 } else { 40 };
        let count = (side * side) as usize;
        let values = factor_bytes(element, &numbers.many(element, count));
        let [a, b, c] = [(); 3].map(|()| lease.allocate(side * side * 4));
        let (a, b, c) = (a.await.unwrap(), b.await.unwrap(), c.await.unwrap());
        let mut found: Vec<Vec<u8>> = Vec::new();
        for _ in 0..3 {
            queue.fill(&a, 0, a.size(), 0).await.unwrap();
            queue.write(&a, 0, values.clone()).await.unwrap();
            queue.copy(&a, 0, &b, 0, a.size()).await.unwrap();
            for [from, to] in [[&b, &c], [&c, &b], [&b, &c]] {
                let gemm = product(element, [side; 3], [&a, from, to]);
                lease.gemm(&queue, gemm).await.unwrap();
            }
            queue.fill(&a, 0, a.size(), 0).await.unwrap();
            found.push(queue.read(&c, 0, c.size()).await.unwrap());
        }
        assert!(found[0].iter().any(|byte| *byte != 0));
        assert!(found[0] == found[1] && found[1] == found[2]);
    })
    .await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_both_shapes_and_changes_nothing() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let [a, b, c] = [(); 3].map(|()| lease.allocate(1024));
        let (a, b, c) = (a.await.unwrap(), b.await.unwrap(), c.await.unwrap());
        queue.fill(&c, 0, 1024, 0x55).await.unwrap();
        let plain = || product(Element::F32, [4, 4, 4], [&a, &b, &c]);
        let refused = async |what: &str, change: &dyn Fn(&mut Gemm), texts: &[&str]| {
            let mut gemm = plain();
            change(&mut gemm);
            let error = lease.gemm(&queue, gemm).await.unwrap_err();
            let message = match &error {
                Error::InvalidLaunch(message) | Error::OutOfRange(message) => message,
                other => panic!("{what}: {other}"),
            };
            for text in texts {
                assert!(message.contains(text), "{what}: {message}");
            }
            error
        };
        let short = refused(
            "a buffer that is too short by one element",
            &|gemm| gemm.a.offset = 1024 - 15 * 4,
            &["a, 4 by 4", "b, 4 by 4", "1024 bytes"],
        );
        assert!(matches!(short.await, Error::OutOfRange(_)));
        for (what, change, texts) in [
            (
                "a leading dimension below a row",
                (|gemm: &mut Gemm| gemm.b.leading_dimension = 3) as fn(&mut Gemm),
                &["b has a leading dimension of 3"][..],
            ),
            (
                "a leading dimension of nothing",
                |gemm| {
                    gemm.k = 0;
                    gemm.a.leading_dimension = 0;
                },
                &["leading dimension of 0"],
            ),
            (
                "a leading dimension that overflows",
                |gemm| gemm.a.leading_dimension = u64::MAX,
                &["more bytes than 64 bits"],
            ),
            (
                "a huge extent",
                |gemm| {
                    (gemm.m, gemm.k, gemm.a.leading_dimension) = (1 << 40, 1 << 40, 1 << 40);
                    gemm.b.leading_dimension = 4;
                },
                &["a takes more bytes than 64 bits"],
            ),
            (
                "a huge batch",
                |gemm| gemm.batch = u64::MAX,
                &["more bytes than 64 bits"],
            ),
            (
                "an offset within an element",
                |gemm| gemm.c.offset = 2,
                &["offset 2"],
            ),
            (
                "an offset that overflows",
                |gemm| gemm.a.offset = u64::MAX - 3,
                &["does not lie within"],
            ),
            (
                "a result in a factor",
                |gemm| gemm.c.buffer = gemm.a.buffer.clone(),
                &["c shares bytes with a"],
            ),
            (
                "a result that ends in a factor",
                |gemm| {
                    gemm.c.buffer = gemm.b.buffer.clone();
                    gemm.b.offset = 60;
                },
                &["c shares bytes with b"],
            ),
            (
                "a result in its bias",
                |gemm| {
                    gemm.bias = Some(Vector {
                        buffer: gemm.c.buffer.clone(),
                        offset: 60,
                        increment: 1,
                    });
                },
                &["c shares bytes with bias"],
            ),
            (
                "results that share elements",
                |gemm| (gemm.batch, gemm.c.stride, gemm.c.leading_dimension) = (3, 4, 11),
                &["share elements"],
            ),
            (
                "one result for a batch",
                |gemm| (gemm.batch, gemm.c.stride) = (2, 0),
                &["share elements"],
            ),
            (
                "a transposed result",
                |gemm| gemm.c.transposed = true,
                &["transposed"],
            ),
            (
                "a bias without increment",
                |gemm| {
                    gemm.bias = Some(Vector {
                        buffer: gemm.a.buffer.clone(),
                        offset: 0,
                        increment: 0,
                    });
                },
                &["increment of 0"],
            ),
            (
                "gelu in double precision",
                |gemm| {
                    gemm.element = Element::F64;
                    gemm.activation = Activation::Gelu;
                },
                &["gelu"],
            ),
            (
                "a fraction of 8-bit products",
                |gemm| (gemm.element, gemm.alpha) = (Element::S8, 0.5),
                &["alpha is 0.5"],
            ),
            (
                "no number times 8-bit products",
                |gemm| (gemm.element, gemm.beta) = (Element::S8, f64::NAN),
                &["beta is NaN"],
            ),
            (
                "an activation of 8-bit products",
                |gemm| (gemm.element, gemm.activation) = (Element::S8, Activation::Relu),
                &["s8"],
            ),
        ] {
            refused(what, &change, texts).await;
        }
        // What has no elements is no mistake, and does nothing.
        for change in [
            |gemm: &mut Gemm| gemm.m = 0,
            |gemm: &mut Gemm| gemm.n = 0,
            |gemm: &mut Gemm| gemm.batch = 0,
        ] {
            let mut gemm = plain();
            change(&mut gemm);
            lease.gemm(&queue, gemm).await.unwrap();
        }
        assert_eq!(queue.read(&c, 0, 1024).await.unwrap(), [0x55; 1024]);
        lease.gemm(&queue, plain()).await.unwrap();
        assert_eq!(queue.read(&c, 0, 64).await.unwrap(), [0; 64]);
    })
    .await;
}

#[tokio::test]
async fn a_result_may_lie_beside_a_factor_in_the_same_rows() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let element = Element::F32;
        // Rows of 8: a in the first four columns, c in the last four.
        let all = uploaded(&lease, &queue, factor_bytes(element, &[1.0; 32])).await;
        let b = uploaded(&lease, &queue, factor_bytes(element, &[2.0; 16])).await;
        let mut gemm = product(element, [4, 4, 4], [&all, &b, &all]);
        (gemm.a.leading_dimension, gemm.c.leading_dimension) = (8, 8);
        gemm.c.offset = 16;
        lease.gemm(&queue, gemm).await.unwrap();
        let row = [1.0, 1.0, 1.0, 1.0, 8.0, 8.0, 8.0, 8.0];
        assert_eq!(read(&queue, element, &all).await, row.repeat(4));
    })
    .await;
}

#[tokio::test]
async fn another_tenant_s_buffers_are_denied() {
    in_time(async {
        let device = device(1);
        let sessions = [(); 2].map(|()| device.session(Limits::default()));
        let (own, other) = (sessions[0].lease(), sessions[1].lease());
        let queue = own.create_queue().await.unwrap();
        let (mine, theirs) = (
            own.allocate(64).await.unwrap(),
            other.allocate(64).await.unwrap(),
        );
        let c = own.allocate(64).await.unwrap();
        for buffers in [
            [&theirs, &mine, &c],
            [&mine, &theirs, &c],
            [&mine, &mine, &theirs],
        ] {
            let gemm = product(Element::F32, [4, 4, 4], buffers);
            let refused = own.gemm(&queue, gemm).await;
            assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        }
    })
    .await;
}

/// Buffers for a square product that takes long.
async fn long(lease: &Lease, side: u64) -> Gemm {
    let [a, b, c] = [(); 3].map(|()| lease.allocate(side * side * 4));
    let (a, b, c) = (a.await.unwrap(), b.await.unwrap(), c.await.unwrap());
    product(Element::F32, [side; 3], [&a, &b, &c])
}

#[tokio::test]
async fn a_product_that_takes_too_long_is_stopped_and_what_is_behind_it_dropped() {
    if !instance().contains_failures {
        return;
    }
    in_time(async {
        let device = device(1);
        let session = device.session(Limits {
            kernel_time: Duration::from_millis(5),
            ..Limits::default()
        });
        let lease = session.lease();
        let queue = lease.create_queue().await.unwrap();
        let gemm = long(&lease, 4096).await;
        let c = gemm.c.buffer.clone();
        lease.gemm(&queue, gemm).await.unwrap();
        assert_stopped(&queue, &c, "gemm").await;
    })
    .await;
}

#[tokio::test]
async fn a_product_ends_with_its_instance() {
    in_time(async {
        let device = device(2);
        let session = device.session(Limits::default());
        let lease = session.lease();
        let queue = lease.create_queue().await.unwrap();
        let gemm = long(&lease, 4096).await;
        lease.gemm(&queue, gemm).await.unwrap();
        drop((queue, lease));
        nothing_is_held(&session).await;
    })
    .await;
}

#[tokio::test]
async fn a_product_keeps_no_neighbour_waiting_for_its_end() {
    if !instance().has_slices {
        return;
    }
    in_time(async {
        let device = device(1);
        let (one, other) = (
            device.session(Limits::default()).lease(),
            device.session(Limits::default()).lease(),
        );
        let queue = one.create_queue().await.unwrap();
        let gemm = long(&one, 4096).await;
        for _ in 0..4 {
            one.gemm(&queue, gemm.clone()).await.unwrap();
        }
        let brief = other.create_queue().await.unwrap();
        let gemm = long(&other, 64).await;
        other.gemm(&brief, gemm).await.unwrap();
        brief.synchronize().await.unwrap();
        let first = queue.record_event().await.unwrap();
        assert!(!first.is_done());
    })
    .await;
}

/// Counts what it is charged.
#[derive(Debug, Default)]
struct Count {
    names: std::sync::Mutex<Vec<String>>,
    launched: AtomicU64,
    ran: AtomicU64,
}

impl Meter for Count {
    fn begins(&self, kernel: &str, _: &tensor_wasm_device::LaunchConfig) -> u64 {
        self.names.lock().unwrap().push(kernel.to_owned());
        0
    }

    fn launched(&self) {
        self.launched.fetch_add(1, Ordering::SeqCst);
    }

    fn ran(&self, times: LaunchTimes) {
        assert!(times.device > Duration::ZERO);
        self.ran.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_product_is_charged_once_as_a_launch_is() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let count = Arc::new(Count::default());
        lease.charge_to(count.clone());
        let gemm = long(&lease, 200).await;
        for _ in 0..3 {
            lease.gemm(&queue, gemm.clone()).await.unwrap();
        }
        queue.synchronize().await.unwrap();
        assert_eq!(count.names.lock().unwrap().as_slice(), ["gemm"; 3]);
        assert_eq!(count.launched.load(Ordering::SeqCst), 3);
        assert_eq!(count.ran.load(Ordering::SeqCst), 3);
    })
    .await;
}
