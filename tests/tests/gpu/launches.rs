//! Kernel launches: valid ones, invalid ones, and kernels that fail.

use serde_json::{Value, json};
use tensor_wasm_tests::DeviceKind;

use super::{SERVER, assert_message, assert_well, error, ok};

#[test]
fn a_kernel_writes_the_buffer_passed_to_it() {
    assert_well(&SERVER.get());
}

#[test]
fn threads_of_a_block_synchronize_at_barriers_and_share_memory() {
    let expected: Vec<u32> = (0..64).rev().chain((64..128).rev()).collect();
    assert_eq!(ok("/reverse"), json!(expected));
}

#[test]
fn every_type_of_argument_reaches_the_kernel_unchanged() {
    assert_eq!(
        ok("/all-types"),
        json!([
            "00000000000000ff",
            "000000000000ffff",
            "00000000ffffffff",
            "fffffffffffffffe",
            "fffffffffffffff8",
            "fffffffffffffff0",
            "ffffffffffffffe0",
            "ffffffffffffffc0",
            format!("00000000{:08x}", 1.5f32.to_bits()),
            format!("{:016x}", (-2.25f64).to_bits()),
            "00000000feedf00d",
        ])
    );
}

#[test]
fn the_parameters_of_a_kernel_can_be_listed() {
    let told = ok("/parameters");
    let parameters: Vec<&str> = told["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parameter| parameter.as_str().unwrap())
        .collect();
    let expected = [
        "U64", "U8", "U16", "U32", "U64", "S8", "S16", "S32", "S64", "F32", "F64",
    ];
    for (parameter, expected) in parameters.iter().zip(expected) {
        assert!(parameter.ends_with(expected), "{parameters:?}");
    }
    assert_eq!(parameters[11], "bytes(12, 4)");
    assert_eq!(told["threads"], 1024);
}

#[test]
fn a_launch_in_three_dimensions_runs_every_thread_once() {
    assert_eq!(ok("/count-threads"), json!([2 * 3 * 4 * 5 * 6 * 7]));
}

#[test]
fn wrong_arguments_are_refused_and_the_expected_parameters_are_named() {
    assert_message(
        &error("/wrong-argument-count", "invalid-launch"),
        &["increment", "2", "1"],
    );
    assert_message(
        &error("/too-many-arguments", "invalid-launch"),
        &["increment", "2", "3"],
    );
    assert_message(
        &error("/wrong-argument-type", "invalid-launch"),
        &["n", "u32", "f32"],
    );
    assert_message(
        &error("/number-for-a-pointer", "invalid-launch"),
        &["data", "u64", "u32"],
    );
    assert_message(
        &error("/wrong-argument-size", "invalid-launch"),
        &["k", "12", "11"],
    );
    error("/pointer-past-the-end", "out-of-range");
}

#[test]
fn wrong_extents_are_refused_with_the_limit() {
    for scenario in ["/zero-extent", "/zero-block"] {
        assert_message(&error(scenario, "invalid-launch"), &["0"]);
    }
    assert_message(
        &error("/huge-extent", "invalid-launch"),
        &["70000", "65535"],
    );
    error("/overflowing-extent", "invalid-launch");
    assert_message(
        &error("/too-many-threads", "invalid-launch"),
        &["2048", "1024"],
    );
    assert_message(&error("/too-much-shared", "invalid-launch"), &["shared"]);
}

#[test]
fn an_out_of_bounds_access_is_reported_with_kernel_and_line() {
    let kernels: Vec<&str> = include_str!("../../guests/examples/gpu_scenarios/scenarios.ptx")
        .lines()
        .collect();
    for (scenario, kernel, instruction) in [
        ("/fault-outside", "store_at", "st.global.u32 [%rd5], %r1;"),
        (
            "/fault-just-outside",
            "store_at",
            "st.global.u32 [%rd5], %r1;",
        ),
        ("/fault-before", "store_at", "st.global.u32 [%rd5], %r1;"),
        ("/fault-load", "load_at", "ld.global.u32 %r1, [%rd5];"),
        ("/null-pointer", "store_raw", "st.global.u32 [%rd1], %r1;"),
        (
            "/made-up-address",
            "store_raw",
            "st.global.u32 [%rd1], %r1;",
        ),
        ("/misaligned", "store_at", "st.global.u32 [%rd5], %r1;"),
    ] {
        let fault = error(scenario, "fault");
        assert_eq!(fault["kernel"], kernel, "{scenario}: {fault}");
        if DeviceKind::under_test() == DeviceKind::Cuda {
            // The driver reports neither address nor line.
            assert_message(&fault, &["CUDA_ERROR"]);
            continue;
        }
        assert_eq!(fault["block"], json!([0, 0, 0]), "{scenario}: {fault}");
        assert_eq!(fault["thread"], json!([0, 0, 0]), "{scenario}: {fault}");
        let line = fault["line"].as_u64().unwrap() as usize;
        assert_eq!(kernels[line - 1].trim(), instruction, "{scenario}: {fault}");
    }
}

#[test]
fn the_output_of_printf_in_a_kernel_is_logged() {
    let server = SERVER.get();
    assert_eq!(
        super::take(server.get("/printing-kernel"), "ok"),
        Value::Null
    );
    server.log_with(&["hello from thread 0", "hello from thread 2"]);
}

#[test]
fn an_integer_division_by_zero_gives_a_number_and_no_fault() {
    // PTX leaves the result unspecified.
    let result = ok("/divide-by-zero");
    assert_eq!(result.as_array().map(Vec::len), Some(2), "{result}");
    assert_well(&SERVER.get());
}

#[test]
fn an_endless_kernel_is_stopped_and_the_next_launch_works() {
    let outcome = ok("/endless-kernel");
    assert_eq!(outcome["failed"]["kind"], "deadline-exceeded", "{outcome}");
    assert_message(&outcome["failed"], &["endless"]);
    assert_eq!(outcome["after"], json!([42, 42, 42, 42]));
}

#[test]
fn a_barrier_that_some_threads_never_reach_is_an_error_and_the_next_launch_works() {
    let outcome = ok("/barrier-deadlock");
    let kind = outcome["failed"]["kind"].as_str().unwrap_or_default();
    assert!(["fault", "deadline-exceeded"].contains(&kind), "{outcome}");
    assert_eq!(outcome["after"], json!([42, 42, 42, 42]));
}

#[test]
fn a_queue_reports_an_error_once_and_discards_the_commands_behind_it() {
    let outcome = ok("/fault-then-work");
    assert_eq!(outcome["first"]["kind"], "fault", "{outcome}");
    if DeviceKind::under_test() == DeviceKind::Cuda {
        assert_eq!(outcome["second"]["kind"], "device-lost", "{outcome}");
        assert_message(&outcome["second"], &["open it again"]);
        assert_eq!(outcome["after"], json!([42, 42, 42, 42]));
        return;
    }
    assert_eq!(outcome["second"], Value::Null);
    assert_eq!(outcome["dropped"], json!([0, 0, 0, 0]));
    assert_eq!(
        outcome["after"],
        json!([0x0101_0101, 0x0101_0101, 0x0101_0101, 0x0101_0101])
    );
}
