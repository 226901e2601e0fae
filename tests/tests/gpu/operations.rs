//! Operations beside products of matrices by a guest: right ones, and what is refused.

use serde_json::{Value, json};
use tensor_wasm_tests::{Serve, guest};

use super::{assert_message, error, ok};

#[track_caller]
fn assert_near(found: &Value, expected: &[f64]) {
    let found: Vec<f64> = serde_json::from_value(found.clone()).unwrap();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-5,
            "{found} and not {expected}"
        );
    }
}

#[test]
fn rows_become_their_softmax() {
    let third = 1.0 / 3.0;
    assert_near(&ok("/softmax"), &[third, third, third, 0.5, 0.5, 0.0]);
    let causal = [0.5, 0.5, 0.0, 0.5, 0.5, 0.0];
    assert_near(&ok("/softmax-causal"), &causal);
}

#[test]
fn rows_are_normalised() {
    // The mean is 4, the root of the variance 3; the root of the mean square is 5.
    assert_near(&ok("/layer-norm"), &[-2.0 + 0.5, 10.0 + 0.25]);
    assert_near(&ok("/rms-norm"), &[0.4 + 0.5, 14.0 + 0.25]);
}

#[test]
fn rows_are_reduced() {
    assert_eq!(ok("/reduce-sum"), json!([6.0, -14.0]));
    assert_eq!(ok("/reduce-max"), json!([3.0, -4.0]));
    assert_eq!(ok("/reduce-arg-min"), json!([1, 1]));
    assert_eq!(ok("/top-k"), json!([[9.0, 4.0, 0.0, 0.0], [1, 2, 0, 0]]));
}

#[test]
fn heads_attend_to_the_keys_that_they_see() {
    let mean = [5.5, 11.0, 16.5, 22.0];
    let expected = [mean, mean].concat();
    assert_near(&ok("/attention"), &expected);
    let causal = [[1.0, 2.0, 3.0, 4.0], mean].concat();
    assert_near(&ok("/attention-causal"), &causal);
}

#[test]
fn what_does_not_fit_is_refused_with_the_shapes() {
    for (scenario, kind, texts) in [
        (
            "/softmax-of-64-bits",
            "invalid-launch",
            ["softmax of 2 rows of 3", "f64"],
        ),
        ("/softmax-huge", "out-of-range", ["softmax of", "64 bits"]),
        (
            "/softmax-too-long",
            "invalid-launch",
            ["softmax of", "2147483647"],
        ),
        (
            "/top-k-of-too-many",
            "invalid-launch",
            ["top-k of 1 rows of 3", "a k of 4"],
        ),
        (
            "/attention-overflow",
            "out-of-range",
            ["2 queries to 2 keys", "64 bits"],
        ),
        (
            "/attention-without-heads",
            "invalid-launch",
            ["2 heads, 0 of keys", "multiple"],
        ),
    ] {
        assert_message(&error(scenario, kind), &texts);
    }
}

/// Values as the guest makes them.
fn value(index: usize, period: usize) -> f64 {
    (index % period) as f64 / 4.0 - 1.0
}

#[test]
fn a_component_computes_with_tensors_by_the_sdk() {
    let server = Serve::new(guest("operates_on_tensors")).start();
    let reply = server.get("/block");
    let answer = reply.json();
    let (tokens, heads, size) = (5, 2, 3);
    let width = heads * size;
    // Queries, keys and values of each token beside each other.
    let qkv = |token: usize, which: usize, head: usize, at: usize| {
        value(token * 3 * width + which * width + head * size + at, 11)
    };
    let mut rows = Vec::new();
    for token in 0..tokens {
        let mut row = Vec::new();
        for head in 0..heads {
            let score = |key: usize| -> f64 {
                let terms = (0..size).map(|at| qkv(token, 0, head, at) * qkv(key, 1, head, at));
                terms.sum::<f64>() / (size as f64).sqrt()
            };
            let shares: Vec<f64> = (0..=token).map(|key| score(key).exp()).collect();
            let sum: f64 = shares.iter().sum();
            for at in 0..size {
                let terms = shares.iter().enumerate();
                let value: f64 = terms
                    .map(|(key, share)| share * qkv(key, 2, head, at))
                    .sum();
                row.push(value / sum);
            }
        }
        rows.push(row);
    }
    assert_near(&answer["attended"], &rows.concat());
    for row in &mut rows {
        let mean = row.iter().sum::<f64>() / width as f64;
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
        let scale = (variance + 1e-5).sqrt().recip();
        row.iter_mut().for_each(|x| *x = (*x - mean) * scale);
    }
    let found: Vec<f64> = serde_json::from_value(answer["normalised"].clone()).unwrap();
    for (found, expected) in found.iter().zip(rows.concat()) {
        // What differs little is divided by how little it does.
        assert!(
            (found - expected).abs() < 1e-3,
            "{found} and not {expected}"
        );
    }
    let largest = |row: &[f64]| -> usize {
        let best = |best: usize, at: usize| if row[at] > row[best] { at } else { best };
        (0..row.len()).reduce(best).unwrap()
    };
    let expected: Vec<usize> = found.chunks(width).map(largest).collect();
    assert_eq!(answer["largest"], json!(expected));
    let product: Vec<f64> = (0..2)
        .map(|row| value(row, 11) + value(2 + row, 11))
        .collect();
    assert_near(&answer["product"], &product);
}

#[test]
fn the_sdk_says_both_shapes_of_tensors_that_do_not_fit() {
    let server = Serve::new(guest("operates_on_tensors")).start();
    for (what, texts) in [
        ("softmax", ["input is 2 by 3", "output is 3 by 2"]),
        (
            "attention",
            ["q is 1 by 2 by 3 by 4", "k is 1 by 2 by 3 by 5"],
        ),
        ("matmul", ["a is 2 by 3", "b is 2 by 3"]),
        ("reduce", ["input is 2 by 3", "output is 3"]),
        ("buffer", ["a tensor of 7 by 9", "60 elements"]),
        ("reshape", ["a tensor of 3 by 2", "6"]),
    ] {
        let answer = server.get(&format!("/misfit/{what}")).json();
        assert_message(&answer, &texts);
    }
}

#[test]
fn the_sdk_refuses_rows_that_repeat_by_a_stride_of_0() {
    let server = Serve::new(guest("operates_on_tensors")).start();
    for (what, shape) in [
        ("repeated-result", "a tensor of 4 by 1"),
        ("repeated-rows", "a tensor of 4 by 1"),
        ("repeated-factor", "a tensor of 4 by 1"),
        ("repeated-columns", "a tensor of 1 by 4"),
        ("repeated-product", "a tensor of 4 by 1"),
    ] {
        let answer = server.get(&format!("/misfit/{what}")).json();
        assert_message(&answer, &[shape, "a stride of 0"]);
    }
}
