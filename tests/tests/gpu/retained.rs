//! Retained device memory, which outlives a request; and resources that must not.

use serde_json::{Value, json};
use tensor_wasm_tests::{Serve, eventually, guest};

use super::{assert_well, ok, take};

#[test]
fn retained_memory_is_available_to_later_requests_until_it_is_released() {
    assert_eq!(ok("/residency-lookup"), Value::Null);
    let ones = json!([0x0101_0101, 0x0101_0101, 0x0101_0101, 0x0101_0101]);
    let server = Serve::new(guest("gpu_scenarios")).start();
    let get = |path| take(server.get(path), "ok");
    assert_eq!(get("/residency-lookup"), Value::Null);
    assert_eq!(get("/residency-keep"), ones);
    assert_eq!(get("/residency-lookup"), ones);
    assert_eq!(get("/info")["memory_used"], 16);
    assert_eq!(get("/residency-release"), Value::Null);
    assert_eq!(get("/residency-lookup"), Value::Null);
    eventually("the kept memory to be given back", || {
        (get("/info")["memory_used"] == 0).then_some(())
    });
}

#[test]
fn requests_share_a_buffer_retained_under_a_name() {
    let server = Serve::new(guest("gpu_scenarios")).start();
    for count in 1..=5 {
        assert_eq!(take(server.get("/residency-count"), "ok"), json!([count]));
    }
}

#[test]
fn retaining_a_second_buffer_under_a_name_keeps_the_first() {
    let outcome = ok("/residency-first-stays");
    assert_eq!(outcome["sizes"], json!([4, 4]));
    assert_eq!(outcome["forgotten"], true);
    assert_eq!(outcome["still"], 4);
}

#[test]
fn retained_names_are_limited_in_length_and_number() {
    let server = Serve::new(guest("gpu_scenarios")).start();
    let long = server.get("/residency-long-name");
    assert!(long.json()["error"]["kind"].is_string(), "{}", long.text());
    let many = take(server.get("/residency-many"), "ok");
    assert_eq!(many["refused"]["kind"], "quota-exceeded", "{many}");
    assert_eq!(many["kept"], many["refused"]["limit"], "{many}");
    assert_well(&server);
}

#[test]
fn resources_a_guest_never_drops_are_freed_when_it_ends() {
    let server = Serve::new(guest("gpu_scenarios"))
        .arg("--gpu-memory-bytes=8MiB")
        .start();
    for _ in 0..5 {
        let held = eventually("room for another eight MiB", || {
            server.get("/leak").json().get("ok").cloned()
        });
        assert_eq!(held, 8 << 20);
    }
}

#[test]
fn a_running_kernel_is_cancelled_when_its_guest_ends() {
    let server = Serve::new(guest("gpu_scenarios"))
        .arg("--kernel-timeout=10m")
        .start();
    for scenario in ["/leave-endless-kernel", "/trap-beside-endless-kernel"] {
        for _ in 0..4 {
            server.get(scenario);
        }
        eventually("their memory to be given back", || {
            (server.get("/info").json()["ok"]["memory_used"] == 0).then_some(())
        });
        assert_well(&server);
    }
}

#[test]
fn a_request_that_waits_for_a_kernel_too_long_is_a_504() {
    let server = Serve::new(guest("gpu_scenarios"))
        .args(["--kernel-timeout=10m", "--request-timeout=500ms"])
        .start();
    server
        .get("/wait-for-endless-kernel")
        .assert_error(504, "timeout");
    assert_well(&server);
}
