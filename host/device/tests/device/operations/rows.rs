//! Operations on rows give what their formulas do.

use tensor_wasm_device::{
    AddedMask, Element, Norm, NormKind, Reduce, Reduction, Rows, Softmax, TopK, Vector,
};

use super::super::common::{in_time, session};
use super::{ELEMENTS, Numbers, assert_near, bytes, read, read_u32, rows, size, uploaded, vector};

/// Rows of a warp, of less and of more; and rows that a block of several warps computes.
const SHAPES: [[usize; 2]; 6] = [[1, 1], [3, 7], [20, 32], [9, 33], [2, 300], [2, 2050]];

/// Each type with rows of a warp and those of a block.
fn cases() -> impl Iterator<Item = (Element, [usize; 2])> {
    let of = |element| SHAPES.map(|shape| (element, shape));
    ELEMENTS.into_iter().flat_map(of)
}

/// A softmax without gaps or masks.
fn softmax(element: Element, [m, n]: [u64; 2], input: Rows, output: Rows) -> Softmax {
    Softmax {
        element,
        rows: m,
        columns: n,
        scale: 1.0,
        causal_queries: None,
        lengths: None,
        mask: None,
        input,
        output,
    }
}

/// The softmax of scores, of which the first so many are seen.
fn exact_softmax(scores: &[f64], visible: usize) -> Vec<f64> {
    let seen = &scores[..visible];
    let most = seen.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = seen.iter().map(|score| (score - most).exp()).sum();
    let share = |(column, score): (usize, &f64)| match column < visible {
        true => (score - most).exp() / sum,
        false => 0.0,
    };
    scores.iter().enumerate().map(share).collect()
}

/// Of scores no larger than 16 in magnitude.
fn assert_softmax(element: Element, found: &[f64], scores: &[f64], visible: usize) {
    let exact = exact_softmax(scores, visible);
    assert_eq!(found.len(), exact.len());
    for (found, exact) in found.iter().zip(exact) {
        assert_near(element, *found, exact, 64.0, exact);
    }
}

#[tokio::test]
async fn softmax_of_each_type_and_length_is_that_of_double_precision() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let mut numbers = Numbers(1);
        for (element, [m, n]) in cases() {
            let input = numbers.many(element, m * n);
            let mask = numbers.many(element, 2 * n);
            let at = uploaded(&lease, &queue, bytes(element, &input)).await;
            let at_mask = uploaded(&lease, &queue, bytes(element, &mask)).await;
            let columns = n as u64;
            let other = lease.allocate(at.size()).await.unwrap();
            let shape = [m as u64, columns];
            let plain = softmax(element, shape, rows(&at, columns), rows(&other, columns));
            lease.softmax(&queue, plain.clone()).await.unwrap();
            let found = read(&queue, element, &other).await;
            for (found, scores) in found.chunks(n).zip(input.chunks(n)) {
                assert_softmax(element, found, scores, n);
            }
            // The same place, with a mask of two rows.
            let masked = Softmax {
                scale: -0.5,
                mask: Some(AddedMask {
                    rows: rows(&at_mask, columns),
                    count: 2,
                }),
                output: rows(&at, columns),
                ..plain
            };
            lease.softmax(&queue, masked).await.unwrap();
            let found = read(&queue, element, &at).await;
            for (row, (found, input)) in found.chunks(n).zip(input.chunks(n)).enumerate() {
                let added = &mask[row % 2 * n..][..n];
                let scores = input.iter().zip(added).map(|(x, mask)| -0.5 * x + mask);
                assert_softmax(element, found, &scores.collect::<Vec<f64>>(), n);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn rows_see_no_more_columns_than_their_masks_let_them() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let element = Element::F32;
        // Two sequences of 5 queries each, with 7 columns in rows of 9.
        let (queries, n, leading) = (5, 7, 9);
        let mut input = Numbers(2).many(element, 2 * queries * leading);
        // What no row sees may be anything.
        for row in input.chunks_mut(leading) {
            row[n - 1] = f64::NAN;
        }
        let at = uploaded(&lease, &queue, bytes(element, &input)).await;
        let lengths = [6u32, 0, 4, 0].map(u32::to_le_bytes).concat();
        let lengths = uploaded(&lease, &queue, lengths).await;
        let out = uploaded(&lease, &queue, bytes(element, &[9.0; 90])).await;
        let place = |buffer| Rows {
            leading_dimension: leading as u64,
            ..rows(buffer, 1)
        };
        let masked = Softmax {
            causal_queries: Some(queries as u64),
            lengths: Some((
                Vector {
                    increment: 2,
                    ..vector(&lengths)
                },
                queries as u64,
            )),
            ..softmax(element, [10, 7], place(&at), place(&out))
        };
        lease.softmax(&queue, masked.clone()).await.unwrap();
        let found = read(&queue, element, &out).await;
        for (row, (found, input)) in found.chunks(leading).zip(input.chunks(leading)).enumerate() {
            let causal = row % queries + 1 + n - queries;
            let visible = causal.min([6, 4][row / queries]);
            assert_softmax(element, &found[..n], &input[..n], visible);
            assert_eq!(found[n..], [9.0, 9.0]);
        }
        // More queries than columns: the first ones see none.
        let early = Softmax {
            causal_queries: Some(10),
            lengths: None,
            ..masked
        };
        lease.softmax(&queue, early).await.unwrap();
        let found = read(&queue, element, &out).await;
        for (row, found) in found.chunks(leading).enumerate().take(9) {
            let visible = (row + 8).saturating_sub(10);
            assert_softmax(element, &found[..n], &input[row * leading..][..n], visible);
        }
        assert!(found[9 * leading].is_nan());
    })
    .await;
}

#[tokio::test]
async fn what_is_no_number_or_infinite_makes_its_row_so_and_no_other() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let element = Element::F32;
        let (nan, most) = (f64::NAN, f64::INFINITY);
        let input = [
            [1.0, nan, 2.0],
            [1.0, most, 2.0],
            [-most; 3],
            [-most, 1.0, 1.0],
            [1e30, -1e30, 1e30],
        ];
        let at = uploaded(&lease, &queue, bytes(element, &input.concat())).await;
        let plain = softmax(element, [5, 3], rows(&at, 3), rows(&at, 3));
        lease.softmax(&queue, plain).await.unwrap();
        let found = read(&queue, element, &at).await;
        assert!(found[..9].iter().all(|value| value.is_nan()), "{found:?}");
        assert_eq!(found[9..], [0.0, 0.5, 0.5, 0.5, 0.0, 0.5]);
    })
    .await;
}

#[tokio::test]
async fn norms_of_each_type_and_length_are_those_of_double_precision() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let mut numbers = Numbers(3);
        for (index, (element, [m, n])) in cases().enumerate() {
            for kind in [NormKind::Layer, NormKind::Rms] {
                let input = numbers.many(element, m * n);
                let weight = numbers.many(element, n);
                let bias = numbers.many(element, 2 * n);
                let at = uploaded(&lease, &queue, bytes(element, &input)).await;
                let at_weight = uploaded(&lease, &queue, bytes(element, &weight)).await;
                let at_bias = uploaded(&lease, &queue, bytes(element, &bias)).await;
                let (has_weight, has_bias) = (index % 3 > 0, index % 3 > 1);
                let epsilon = f64::from(1e-5f32);
                let norm = Norm {
                    kind,
                    element,
                    rows: m as u64,
                    columns: n as u64,
                    epsilon,
                    weight: has_weight.then(|| vector(&at_weight)),
                    bias: has_bias.then(|| Vector {
                        increment: 2,
                        ..vector(&at_bias)
                    }),
                    input: rows(&at, n as u64),
                    output: rows(&at, n as u64),
                };
                lease.norm(&queue, norm).await.unwrap();
                let found = read(&queue, element, &at).await;
                for (found, input) in found.chunks(n).zip(input.chunks(n)) {
                    let mean = match kind {
                        NormKind::Layer => input.iter().sum::<f64>() / n as f64,
                        NormKind::Rms => 0.0,
                    };
                    let squares: f64 = input.iter().map(|x| (x - mean).powi(2)).sum();
                    let scale = (squares / n as f64 + epsilon).sqrt().recip();
                    for (column, found) in found.iter().enumerate() {
                        let weight = if has_weight { weight[column] } else { 1.0 };
                        let bias = if has_bias { bias[2 * column] } else { 0.0 };
                        let exact = (input[column] - mean) * scale * weight + bias;
                        let magnitude = 4.0 * scale * weight.abs() + bias.abs();
                        assert_near(element, *found, exact, 64.0, magnitude);
                    }
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn norms_of_what_is_no_number_infinite_or_too_large_are_as_the_interface_says() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let element = Element::F32;
        let (nan, most) = (f64::NAN, f64::INFINITY);
        let input = [
            [1.0, nan, 2.0],
            [most, 1.0, 2.0],
            [-most, most, 2.0],
            [1e20, 1e20, -1e20],
            [3e38, 3e38, 3e38],
            [1.0, 1.0, 1.0],
        ];
        let at = uploaded(&lease, &queue, bytes(element, &input.concat())).await;
        let out = lease.allocate(at.size()).await.unwrap();
        let rms = Norm {
            kind: NormKind::Rms,
            element,
            rows: 6,
            columns: 3,
            epsilon: 0.0,
            weight: None,
            bias: None,
            input: rows(&at, 3),
            output: rows(&out, 3),
        };
        lease.norm(&queue, rms.clone()).await.unwrap();
        let found = read(&queue, element, &out).await;
        let expected = [
            [nan; 3],
            [nan, 0.0, 0.0],
            [nan, nan, 0.0],
            [0.0; 3],
            [0.0; 3],
            [1.0; 3],
        ];
        for (found, expected) in found.iter().zip(expected.concat()) {
            assert_near(element, *found, expected, 0.0, 0.0);
        }
        let layer = Norm {
            kind: NormKind::Layer,
            epsilon: 1.0,
            ..rms
        };
        lease.norm(&queue, layer).await.unwrap();
        let found = read(&queue, element, &out).await;
        let expected = [[nan; 3], [nan; 3], [nan; 3], [0.0; 3], [nan; 3], [0.0; 3]];
        for (found, expected) in found.iter().zip(expected.concat()) {
            assert_near(element, *found, expected, 0.0, 0.0);
        }
    })
    .await;
}

const REDUCTIONS: [Reduction; 5] = [
    Reduction::Sum,
    Reduction::Max,
    Reduction::Min,
    Reduction::ArgMax,
    Reduction::ArgMin,
];

/// The column of the first element that no other one is better than, or of the first NaN.
fn first_best(input: &[f64], is_better: impl Fn(f64, f64) -> bool) -> usize {
    let better = |best: usize, column: usize| {
        let (old, new) = (input[best], input[column]);
        let takes = !old.is_nan() && (new.is_nan() || is_better(new, old));
        if takes { column } else { best }
    };
    (0..input.len()).reduce(better).unwrap()
}

#[tokio::test]
async fn reductions_of_each_type_and_length_are_those_of_double_precision() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let mut numbers = Numbers(4);
        for (element, [m, n]) in cases() {
            let mut input = numbers.many(element, m * n);
            // Equal ones, of which the first counts, and what is no number.
            let (last, first) = (n - 1, n / 2);
            input[last] = 5.0;
            input[first] = 5.0;
            if m > 1 {
                input[n + first] = f64::NAN;
                input[n + last] = f64::NAN;
            }
            let at = uploaded(&lease, &queue, bytes(element, &input)).await;
            let some = if element == Element::F32 { 5 } else { 2 };
            for reduction in REDUCTIONS.into_iter().take(some) {
                let is_index = matches!(reduction, Reduction::ArgMax | Reduction::ArgMin);
                let bytes = if is_index { 4 } else { size(element) };
                let out = lease.allocate(bytes * 2 * m as u64).await.unwrap();
                let reduce = Reduce {
                    reduction,
                    element,
                    rows: m as u64,
                    columns: n as u64,
                    input: rows(&at, n as u64),
                    output: Vector {
                        increment: 2,
                        ..vector(&out)
                    },
                };
                lease.reduce(&queue, reduce).await.unwrap();
                let found = match is_index {
                    true => read_u32(&queue, &out)
                        .await
                        .iter()
                        .map(|at| f64::from(*at))
                        .collect(),
                    false => read(&queue, element, &out).await,
                };
                for (row, input) in input.chunks(n).enumerate() {
                    let most = first_best(input, |new, old| new > old);
                    let least = first_best(input, |new, old| new < old);
                    let exact = match reduction {
                        Reduction::Sum => input.iter().sum(),
                        Reduction::Max => input[most],
                        Reduction::Min => input[least],
                        Reduction::ArgMax => most as f64,
                        Reduction::ArgMin => least as f64,
                    };
                    let sum: f64 = input.iter().map(|x| x.abs()).sum();
                    let (roundings, element) = match reduction {
                        Reduction::Sum => (n as f64, element),
                        _ => (0.0, Element::F32),
                    };
                    assert_near(element, found[2 * row], exact, roundings, sum);
                    assert_eq!(found[2 * row + 1], 0.0);
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn zeros_are_equal_infinities_count_and_the_sum_of_nothing_is_zero() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let element = Element::F32;
        let infinity = f64::INFINITY;
        let input = [[-0.0, 0.0, -1.0], [-infinity, infinity, 1.0]];
        let at = uploaded(&lease, &queue, bytes(element, &input.concat())).await;
        let out = uploaded(&lease, &queue, bytes(element, &[9.0; 2])).await;
        let reduce = |reduction, columns| Reduce {
            reduction,
            element,
            rows: 2,
            columns,
            input: rows(&at, 3),
            output: vector(&out),
        };
        for (reduction, expected) in [
            (Reduction::Max, [0.0, infinity]),
            (Reduction::Min, [-1.0, -infinity]),
        ] {
            lease.reduce(&queue, reduce(reduction, 3)).await.unwrap();
            assert_eq!(read(&queue, element, &out).await, expected);
        }
        for (reduction, expected) in [(Reduction::ArgMax, [0, 1]), (Reduction::ArgMin, [2, 0])] {
            lease.reduce(&queue, reduce(reduction, 3)).await.unwrap();
            assert_eq!(read_u32(&queue, &out).await, expected);
        }
        lease
            .reduce(&queue, reduce(Reduction::Sum, 0))
            .await
            .unwrap();
        assert_eq!(read(&queue, element, &out).await, [0.0; 2]);
    })
    .await;
}

#[tokio::test]
async fn the_largest_elements_are_found_in_order_with_their_columns() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let mut numbers = Numbers(5);
        for (element, [m, n]) in cases() {
            let mut input = numbers.many(element, m * n);
            input[0] = f64::NAN;
            input[m * n - 1] = f64::NEG_INFINITY;
            let at = uploaded(&lease, &queue, bytes(element, &input)).await;
            let k = n.min(5);
            let found_values = lease
                .allocate(size(element) * (m * k) as u64)
                .await
                .unwrap();
            let found_columns = lease.allocate(4 * (m * k) as u64).await.unwrap();
            let top_k = TopK {
                element,
                rows: m as u64,
                columns: n as u64,
                k: k as u64,
                input: rows(&at, n as u64),
                values: rows(&found_values, k as u64),
                indices: rows(&found_columns, k as u64),
            };
            lease.top_k(&queue, top_k).await.unwrap();
            let values = read(&queue, element, &found_values).await;
            let columns = read_u32(&queue, &found_columns).await;
            for (row, input) in input.chunks(n).enumerate() {
                let mut order: Vec<usize> = (0..n).collect();
                // Half of the columns are equal to another in half precision: the sort is stable.
                order.sort_by(|a, b| input[*b].abs_or_nan().total_cmp(&input[*a].abs_or_nan()));
                for (place, column) in order.into_iter().take(k).enumerate() {
                    let at = row * k + place;
                    assert_eq!(columns[at], column as u32, "{element:?} {m} by {n}");
                    assert_near(Element::F32, values[at], input[column], 0.0, 0.0);
                }
            }
        }
    })
    .await;
}

/// Numbers as they are ordered, with NaN above all.
trait Ordered {
    fn abs_or_nan(self) -> f64;
}

impl Ordered for f64 {
    fn abs_or_nan(self) -> f64 {
        match self.is_nan() {
            // The total order has it above infinity.
            true => f64::NAN,
            false => self + 0.0,
        }
    }
}
