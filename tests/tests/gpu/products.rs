//! Products of matrices by a guest: right ones, and what is refused.

use serde_json::json;
use tensor_wasm_tests::{Serve, guest};

use super::{assert_message, error, ok};

#[test]
fn matrices_are_multiplied_as_they_lie_and_as_they_are_scaled() {
    assert_eq!(ok("/gemm"), json!([19.0, 22.0, 43.0, 50.0]));
    assert_eq!(ok("/gemm-transposed"), json!([23.0, 31.0, 34.0, 46.0]));
    assert_eq!(ok("/gemm-scaled"), json!([41.0, 47.0, 89.0, 103.0]));
}

#[test]
fn a_bias_is_added_before_the_activation() {
    assert_eq!(ok("/gemm-epilogue"), json!([1.5, 0.0, 3.5, 5.0]));
}

#[test]
fn bytes_are_multiplied_to_whole_numbers() {
    let expected = [127 + 2, 1 + 2 * 127, -127 - 128, -1 - 128 * 127];
    assert_eq!(ok("/gemm-bytes"), json!(expected));
}

#[test]
fn a_matrix_and_a_vector_with_gaps_are_multiplied() {
    assert_eq!(ok("/gemv"), json!([12.0, 34.0]));
}

#[test]
fn what_does_not_fit_is_refused_with_the_shapes() {
    let shapes = "a, 2 by 2, and b, 2 by 2, to c, 2 by 2";
    for (scenario, kind, text) in [
        ("/gemm-of-a-short-buffer", "out-of-range", "16 bytes"),
        (
            "/gemm-of-short-rows",
            "invalid-launch",
            "leading dimension of 1",
        ),
        ("/gemm-overflow", "out-of-range", "64 bits"),
        ("/gemm-unaligned", "invalid-launch", "offset 2"),
        ("/gemm-in-place", "invalid-launch", "c shares bytes with a"),
    ] {
        assert_message(&error(scenario, kind), &[shapes, text]);
    }
    error("/gemm-huge", "out-of-range");
}

/// The element of the product that `multiplies` computes in a row and a column.
fn element([n, k]: [u64; 2], row: u64, column: u64) -> f64 {
    let value = |index: u64, period: u64| (index % period) as f64 - 2.0;
    let terms = (0..k).map(|i| value(row * k + i, 5) * value(i * n + column, 7));
    terms.sum()
}

#[test]
fn a_component_multiplies_by_the_sdk() {
    let server = Serve::new(guest("multiplies")).start();
    for [m, n, k] in [[1, 1, 1], [2, 3, 4], [70, 130, 300], [600, 1, 20]] {
        let reply = server.get(&format!("/{m}/{n}/{k}"));
        let answer = reply.json();
        assert_eq!(answer["first"], element([n, k], 0, 0), "{answer}");
        assert_eq!(answer["last"], element([n, k], m - 1, n - 1), "{answer}");
    }
}

#[test]
fn the_sdk_says_both_shapes_that_do_not_fit() {
    let server = Serve::new(guest("multiplies")).start();
    let answer = server.get("/2/3/4?rows=5").json();
    assert_eq!(answer["error"], "invalid_launch");
    assert_message(&answer, &["a is 2 by 4", "b is 5 by 3", "c is 2 by 3"]);
}
