//! Attention gives what its formula does, however heads lie, and whatever is masked.

use tensor_wasm_device::{Attention, Buffer, Element, HeadRows};

use super::super::common::{in_time, session};
use super::super::instances::instance;
use super::{ELEMENTS, Numbers, assert_near, bytes, read, uploaded, vector};

/// What is attended to: heads behind each other, and what is to be different.
#[derive(Clone, Copy)]
struct Shape {
    batch: usize,
    heads: usize,
    key_heads: usize,
    queries: usize,
    keys: usize,
    size: usize,
}

fn behind(buffer: &Buffer, heads: usize, rows: usize, size: usize) -> HeadRows {
    HeadRows {
        buffer: buffer.clone(),
        offset: 0,
        row_stride: size as u64,
        head_stride: (rows * size) as u64,
        batch_stride: (heads * rows * size) as u64,
    }
}

fn attention(element: Element, shape: Shape, [q, k, v, output]: [&Buffer; 4]) -> Attention {
    let Shape {
        batch,
        heads,
        key_heads,
        queries,
        keys,
        size,
    } = shape;
    Attention {
        element,
        batch: batch as u64,
        heads: heads as u64,
        key_heads: key_heads as u64,
        queries: queries as u64,
        keys: keys as u64,
        size: size as u64,
        scale: 1.0 / (size as f64).sqrt(),
        is_causal: false,
        lengths: None,
        q: behind(q, heads, queries, size),
        k: behind(k, key_heads, keys, size),
        v: behind(v, key_heads, keys, size),
        output: behind(output, heads, queries, size),
    }
}

/// The result for one query that sees the first so many keys, and what its sums are made of.
fn exact(q: &[f64], k: &[f64], v: &[f64], scale: f64, visible: usize) -> (Vec<f64>, f64) {
    let size = q.len();
    let dot = |key: usize| -> f64 {
        let key = &k[key * size..][..size];
        q.iter().zip(key).map(|(q, k)| q * k).sum()
    };
    let scores: Vec<f64> = (0..visible).map(|key| scale * dot(key)).collect();
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let shares: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
    let sum: f64 = shares.iter().sum();
    let of = |column: usize| -> f64 {
        let terms = shares.iter().enumerate();
        let value: f64 = terms
            .map(|(key, share)| share * v[key * size + column])
            .sum();
        if visible == 0 { 0.0 } else { value / sum }
    };
    // A score's roundings count by its size in the exponential function.
    let largest = scores
        .iter()
        .fold(1.0, |most: f64, score| most.max(score.abs()));
    ((0..size).map(of).collect(), largest)
}

/// The keys that a query sees.
fn visible(shape: Shape, is_causal: bool, length: usize, query: usize) -> usize {
    let causal = (query + 1 + shape.keys).saturating_sub(shape.queries);
    let seen = if is_causal { causal } else { shape.keys };
    seen.min(length)
}

fn shape([batch, heads, key_heads, queries, keys, size]: [usize; 6]) -> Shape {
    Shape {
        batch,
        heads,
        key_heads,
        queries,
        keys,
        size,
    }
}

/// Compares attention with double precision, with and without a causal mask.
async fn compare(elements: &[Element], shapes: &[Shape]) {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let mut numbers = Numbers(6);
        for element in elements.iter().copied() {
            for shape in shapes {
                for is_causal in [false, true] {
                    let Shape {
                        batch,
                        heads,
                        key_heads,
                        queries,
                        keys,
                        size,
                    } = *shape;
                    let q = numbers.many(element, batch * heads * queries * size);
                    let k = numbers.many(element, batch * key_heads * keys * size);
                    let v = numbers.many(element, batch * key_heads * keys * size);
                    let at_q = uploaded(&lease, &queue, bytes(element, &q)).await;
                    let at_k = uploaded(&lease, &queue, bytes(element, &k)).await;
                    let at_v = uploaded(&lease, &queue, bytes(element, &v)).await;
                    let out = vec![9.0; q.len()];
                    let out = uploaded(&lease, &queue, bytes(element, &out)).await;
                    let of = attention(element, *shape, [&at_q, &at_k, &at_v, &out]);
                    let scale = f64::from(of.scale as f32);
                    lease
                        .attention(&queue, Attention { is_causal, ..of })
                        .await
                        .unwrap();
                    let found = read(&queue, element, &out).await;
                    for (row, (found, q)) in found.chunks(size).zip(q.chunks(size)).enumerate() {
                        let head = row / queries;
                        let (of_batch, head) = (head / heads, head % heads);
                        let at = (of_batch * key_heads + head * key_heads / heads) * keys * size;
                        let seen = visible(*shape, is_causal, keys, row % queries);
                        let (exact, largest) = exact(q, &k[at..], &v[at..], scale, seen);
                        for (found, exact) in found.iter().zip(exact) {
                            assert_near(element, *found, exact, 64.0 + keys as f64, 4.0 * largest);
                        }
                    }
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn attention_of_each_type_is_that_of_double_precision() {
    // Each kernel is compiled, which takes longest.
    let shapes = [shape([2, 2, 1, 3, 70, 20]), shape([1, 1, 1, 1, 1, 1])];
    compare(&ELEMENTS, &shapes).await;
}

#[tokio::test]
async fn attention_of_more_queries_and_keys_than_a_tile_is_that_of_double_precision() {
    let shapes = [
        shape([1, 2, 2, 66, 65, 30]),
        shape([1, 1, 1, 3, 0, 8]),
        shape([1, 1, 1, 40, 129, 32]),
    ];
    compare(&[Element::F32], &shapes).await;
}

#[tokio::test]
async fn attention_of_large_heads_is_that_of_double_precision() {
    compare(&[Element::F32], &[shape([1, 1, 1, 5, 70, 64])]).await;
    // The driver without a device interprets kernels.
    if instance().has_slices {
        let shapes = [100, 200].map(|size| shape([1, 1, 1, 5, 70, size]));
        compare(&[Element::F32], &shapes).await;
    }
}

#[tokio::test]
async fn what_is_no_number_reaches_those_that_see_it_and_none_long_before() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let element = Element::F32;
        let (tokens, size) = (100, 4);
        let mut numbers = Numbers(8);
        let [q, mut k, mut v] = [(); 3].map(|()| numbers.many(element, tokens * size));
        k[90 * size] = f64::NAN;
        v[50 * size..][..size].fill(f64::INFINITY);
        let at_q = uploaded(&lease, &queue, bytes(element, &q)).await;
        let at_k = uploaded(&lease, &queue, bytes(element, &k)).await;
        let at_v = uploaded(&lease, &queue, bytes(element, &v)).await;
        let out = lease.allocate(at_q.size()).await.unwrap();
        let shape = shape([1, 1, 1, tokens, tokens, size]);
        let causal = Attention {
            is_causal: true,
            ..attention(element, shape, [&at_q, &at_k, &at_v, &out])
        };
        let scale = f64::from(causal.scale as f32);
        lease.attention(&queue, causal).await.unwrap();
        let found = read(&queue, element, &out).await;
        for (row, found) in found.chunks(size).enumerate() {
            // Of 32 queries together, those before it may have become NaN.
            if row < 32 {
                let (exact, largest) = exact(&q[row * size..][..size], &k, &v, scale, row + 1);
                for (found, exact) in found.iter().zip(exact) {
                    assert_near(element, *found, exact, 128.0, 4.0 * largest);
                }
            }
            if row >= 50 {
                assert!(found.iter().all(|value| !value.is_finite()), "{row}");
            }
            if row >= 90 {
                assert!(found.iter().all(|value| value.is_nan()), "{row}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn infinite_scores_are_as_those_of_a_softmax() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let element = Element::F32;
        let (nan, most) = (f64::NAN, f64::INFINITY);
        // Two keys and their values, how many of them there are, and the result of a query of 1.
        let cases = [
            ([-most, 0.0], [5.0, 7.0], 2, 7.0),
            ([most, 0.0], [5.0, 7.0], 1, nan),
            ([most, 0.0], [5.0, 7.0], 2, nan),
            ([-most, 0.0], [5.0, 7.0], 1, nan),
            ([-most, -most], [5.0, 7.0], 2, nan),
            ([0.0, nan], [5.0, 7.0], 1, 5.0),
            ([0.0, 0.0], [most, 7.0], 2, most),
            ([0.0, 0.0], [most, -most], 2, nan),
            ([0.0, 0.0], [5.0, nan], 1, 5.0),
            ([nan, nan], [nan, nan], 0, 0.0),
        ];
        let keys: Vec<f64> = cases.iter().flat_map(|case| case.0).collect();
        let values: Vec<f64> = cases.iter().flat_map(|case| case.1).collect();
        let q = uploaded(&lease, &queue, bytes(element, &[1.0; 10])).await;
        let k = uploaded(&lease, &queue, bytes(element, &keys)).await;
        let v = uploaded(&lease, &queue, bytes(element, &values)).await;
        let lengths = cases.map(|case| u32::to_le_bytes(case.2)).concat();
        let lengths = uploaded(&lease, &queue, lengths).await;
        let out = uploaded(&lease, &queue, bytes(element, &[9.0; 10])).await;
        let of = Attention {
            lengths: Some(vector(&lengths)),
            ..attention(element, shape([10, 1, 1, 1, 2, 1]), [&q, &k, &v, &out])
        };
        lease.attention(&queue, of).await.unwrap();
        let found = read(&queue, element, &out).await;
        for (found, (.., expected)) in found.iter().zip(cases) {
            assert_near(element, *found, expected, 0.0, 0.0);
        }
    })
    .await;
}

#[tokio::test]
async fn a_batch_of_more_than_a_grid_has_is_computed_to_its_end() {
    // The driver without a device interprets kernels.
    if !instance().has_slices {
        return;
    }
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let element = Element::F32;
        let (batch, last) = (65_537, 65_536);
        // Of those that see a key, the result is its value.
        let mut lengths = vec![0u32; batch];
        let seen = [0, 65_534, 65_535, last];
        for at in seen {
            lengths[at] = 1;
        }
        let lengths: Vec<u8> = lengths.into_iter().flat_map(u32::to_le_bytes).collect();
        let lengths = uploaded(&lease, &queue, lengths).await;
        let numbers: Vec<f64> = (0..batch).map(|at| at as f64).collect();
        let all = uploaded(&lease, &queue, bytes(element, &numbers)).await;
        let out = uploaded(&lease, &queue, bytes(element, &vec![9.0; batch])).await;
        let of = Attention {
            lengths: Some(vector(&lengths)),
            ..attention(
                element,
                shape([batch, 1, 1, 1, 1, 1]),
                [&all, &all, &all, &out],
            )
        };
        lease.attention(&queue, of).await.unwrap();
        let found = read(&queue, element, &out).await;
        for (at, found) in found.into_iter().enumerate() {
            let expected = if seen.contains(&at) { at as f64 } else { 0.0 };
            assert_eq!(found, expected, "{at}");
        }
    })
    .await;
}

#[tokio::test]
async fn heads_lie_beside_each_other_and_keys_behind_a_length_are_not_read() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let element = Element::F32;
        // Rows of queries, keys and values of two heads, one behind the other, as a product gives them.
        let (batch, heads, tokens, size) = (2, 2, 5, 6);
        let width = heads * size;
        let mut all = Numbers(7).many(element, batch * tokens * 3 * width);
        let lengths = [3usize, 5];
        for token in 3..5 {
            all[token * 3 * width + width..][..2 * width].fill(f64::NAN);
        }
        let at = uploaded(&lease, &queue, bytes(element, &all)).await;
        let stored = lengths.map(|length| (length as u32).to_le_bytes()).concat();
        let stored = uploaded(&lease, &queue, stored).await;
        let out = vec![0.0; batch * tokens * width];
        let out = uploaded(&lease, &queue, bytes(element, &out)).await;
        let part = |which: usize| HeadRows {
            buffer: at.clone(),
            offset: (which * width * 4) as u64,
            row_stride: 3 * width as u64,
            head_stride: size as u64,
            batch_stride: (tokens * 3 * width) as u64,
        };
        let shape = Shape {
            batch,
            heads,
            key_heads: heads,
            queries: tokens,
            keys: tokens,
            size,
        };
        let packed = Attention {
            lengths: Some(vector(&stored)),
            q: part(0),
            k: part(1),
            v: part(2),
            output: HeadRows {
                buffer: out.clone(),
                offset: 0,
                row_stride: width as u64,
                head_stride: size as u64,
                batch_stride: (tokens * width) as u64,
            },
            ..attention(element, shape, [&at; 4])
        };
        let scale = f64::from(packed.scale as f32);
        lease.attention(&queue, packed).await.unwrap();
        let found = read(&queue, element, &out).await;
        for (of_batch, length) in lengths.into_iter().enumerate() {
            for head in 0..heads {
                let rows = |which: usize| -> Vec<f64> {
                    let row = |token: usize| {
                        let at = (of_batch * tokens + token) * 3 * width;
                        &all[at + which * width + head * size..][..size]
                    };
                    (0..tokens).flat_map(row).copied().collect()
                };
                let (q, k, v) = (rows(0), rows(1), rows(2));
                for (token, q) in q.chunks(size).enumerate() {
                    let (exact, _) = exact(q, &k, &v, scale, length);
                    let at = (of_batch * tokens + token) * width + head * size;
                    for (found, exact) in found[at..][..size].iter().zip(exact) {
                        assert_near(element, *found, exact, 64.0, 16.0);
                    }
                }
            }
        }
    })
    .await;
}
