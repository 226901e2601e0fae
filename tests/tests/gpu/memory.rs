//! Memory, queues and events: ranges, limits, zeroing, order, and stale handles.

use serde_json::{Value, json};
use tensor_wasm_tests::{DeviceKind, Serve, guest};

use super::{SERVER, assert_message, assert_well, error, ok, take};

#[test]
fn the_device_reports_its_properties_and_limits() {
    let info = ok("/info");
    let backend = match DeviceKind::under_test() {
        DeviceKind::Processor | DeviceKind::Isolated => "Backend::Cpu",
        DeviceKind::Cuda => "Backend::Cuda",
    };
    assert_eq!(info["backend"], backend);
    assert_eq!(info["memory_limit"], 64 << 20);
    assert_eq!(info["warp_size"], 32);
    assert!(info["target"].as_u64().unwrap() >= 70, "{info}");
    assert!(info["max_threads_per_block"].as_u64().unwrap() >= 1024);
    let server = SERVER.get();
    let device = &server.start().device;
    assert!(
        device.contains(info["name"].as_str().unwrap()),
        "{device} {info}"
    );
}

#[test]
fn ranges_outside_of_a_buffer_are_refused() {
    for scenario in [
        "/out-of-range-read",
        "/out-of-range-write",
        "/out-of-range-fill",
        "/out-of-range-copy",
        "/out-of-range-overflow",
    ] {
        assert_message(&error(scenario, "out-of-range"), &["16"]);
    }
    assert_eq!(ok("/empty-range-at-the-end"), Value::Null);
}

#[test]
fn memory_can_be_allocated_up_to_the_limit_and_again_after_it_is_freed() {
    // On a server of its own, since the memory of other requests would count.
    let server = Serve::new(guest("gpu_scenarios"))
        .arg("--gpu-memory-bytes=8MiB")
        .start();
    let refused = take(server.get("/allocate-too-much"), "error");
    assert_eq!(refused["kind"], "quota-exceeded", "{refused}");
    assert_eq!(refused["limit"], 8 << 20);
    for _ in 0..3 {
        let outcome = take(server.get("/allocate-many"), "ok");
        assert_eq!(outcome["count"], 8, "{outcome}");
        assert_eq!(outcome["refused"]["kind"], "quota-exceeded");
        assert_eq!(outcome["refused"]["limit"], 8 << 20);
        assert_eq!(outcome["again"], true);
    }
    assert_eq!(take(server.get("/allocate-nothing"), "ok"), 0);
}

#[test]
fn queues_can_be_created_up_to_the_limit() {
    let refused = error("/many-queues", "quota-exceeded");
    assert!(refused["limit"].as_u64().unwrap() > 0, "{refused}");
}

#[test]
fn new_memory_is_zeroed() {
    for _ in 0..5 {
        assert_eq!(ok("/zeroed")["dirty"], 0);
    }
}

#[test]
fn copies_and_fills_write_exactly_the_given_range() {
    assert_eq!(
        ok("/copy-fill"),
        json!([0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 2, 1, 1])
    );
}

#[test]
fn a_queue_executes_commands_in_order() {
    assert_eq!(ok("/order"), json!([999]));
}

#[test]
fn an_event_completes_when_the_commands_before_it_have() {
    let events = ok("/events");
    assert_eq!(events["done"], json!([true, true]));
    assert!(events["elapsed"].is_u64(), "{events}");
    assert_eq!(ok("/event-of-nothing"), true);
}

#[test]
fn a_dropped_buffer_is_freed_after_the_queued_commands_that_use_it() {
    let outcome = ok("/drop-while-queued");
    assert_eq!(outcome["copied"], json!([9, 9, 9, 9]));
    assert_eq!(outcome["healthy"], json!([42, 42]));
}

#[test]
fn a_dropped_or_forged_handle_traps() {
    let server = SERVER.get();
    for scenario in ["/drop-then-use", "/made-up-handle"] {
        let reply = server.get(scenario);
        reply.assert_error(500, "trap");
        let id = reply.header("x-request-id").unwrap();
        server.log_with(&[id, "handle"]);
        assert_well(&server);
    }
}
