//! Faults and limits on one tenant's device.

use std::thread;

use serde_json::json;
use tensor_wasm_tests::Driver;

#[cfg(target_arch = "x86_64")]
use super::injection::Undead;
use super::{ask, assert_increments, cuda, driver_of, kind, memory_used, tenants, workers_become};

#[test]
fn a_kernel_fault_does_not_affect_another_tenant() {
    let driver = Driver::new("");
    let (serve, _folder) = tenants(&["--gpu=cuda", "--no-cache"]);
    let server = driver_of(serve, &driver).start();
    let ones = json!([0x0101_0101, 0x0101_0101, 0x0101_0101, 0x0101_0101]);
    for tenant in [1, 2] {
        let kept = ask(&server, tenant, "/residency-keep").json();
        assert_eq!(kept["ok"], ones, "{kept}");
    }
    for scenario in ["/fault-outside", "/null-pointer", "/misaligned"] {
        let fault = ask(&server, 1, scenario);
        assert_eq!(kind(&fault), "fault", "{scenario}: {}", fault.text());
        // The next request gets a new device, on which nothing is allocated.
        assert_increments(&ask(&server, 1, "/increment"));
        assert_eq!(memory_used(&ask(&server, 1, "/info")), 0);
    }
    // The first tenant has lost its retained memory and can upload it again; the second has not.
    assert!(ask(&server, 1, "/residency-lookup").json()["ok"].is_null());
    assert_eq!(ask(&server, 1, "/residency-keep").json()["ok"], ones);
    assert_eq!(ask(&server, 1, "/residency-lookup").json()["ok"], ones);
    assert_eq!(ask(&server, 2, "/residency-lookup").json()["ok"], ones);
}

#[test]
fn asserts_and_traps_in_kernels_are_reported_as_faults() {
    for (code, text) in [
        // By the watchdog of a device that has a display.
        (702, "CUDA_ERROR_LAUNCH_TIMEOUT"),
        (710, "CUDA_ERROR_ASSERT"),
        (715, "CUDA_ERROR_ILLEGAL_INSTRUCTION"),
        (719, "CUDA_ERROR_LAUNCH_FAILED"),
        (721, "CUDA_ERROR_TENSOR_MEMORY_LEAK"),
    ] {
        let switches = format!("fault = {{ kernel = \"increment\", times = 1, code = {code} }}");
        let driver = Driver::new(&switches);
        let server = cuda(&driver).start();
        let fault = server.get("/increment");
        assert_eq!(kind(&fault), "fault", "{}", fault.text());
        assert!(fault.text().contains(text), "{}", fault.text());
        assert!(fault.text().contains("increment"), "{}", fault.text());
    }
}

#[test]
fn what_is_no_fault_of_a_kernel_is_a_loss_with_its_name() {
    for (code, name) in [
        (214, "CUDA_ERROR_ECC_UNCORRECTABLE"),
        (220, "CUDA_ERROR_NVLINK_UNCORRECTABLE"),
        (226, "CUDA_ERROR_CONTAINED"),
        (806, "CUDA_ERROR_MPS_RPC_FAILURE"),
        (810, "CUDA_ERROR_MPS_CLIENT_TERMINATED"),
        (999, "CUDA_ERROR_UNKNOWN"),
        // The driver has no name for this one, and does not know it.
        (919, "CUDA_ERROR_FABRIC_NOT_READY"),
    ] {
        let switches =
            format!("fault = {{ kernel = \"increment\", when = \"broken\", code = {code} }}");
        let driver = Driver::new(&switches);
        let server = cuda(&driver).start();
        driver.now("broken");
        let lost = server.get("/increment");
        assert_eq!(kind(&lost), "device-lost", "{}", lost.text());
        assert!(lost.text().contains(name), "{}", lost.text());
        std::fs::remove_file(driver.folder().join("broken")).unwrap();
        assert_increments(&server.get("/increment"));
    }
}

#[test]
fn an_endless_kernel_costs_only_its_own_tenant_the_device() {
    let driver = Driver::new("");
    let (serve, _folder) = tenants(&["--gpu=cuda", "--no-cache", "--kernel-timeout=500ms"]);
    let server = driver_of(serve, &driver).start();
    ask(&server, 2, "/residency-keep");
    let outcome = ask(&server, 1, "/endless-kernel").json();
    assert_eq!(outcome["ok"]["failed"]["kind"], "deadline-exceeded");
    assert_eq!(outcome["ok"]["after"], json!([42, 42, 42, 42]));
    assert!(ask(&server, 2, "/residency-lookup").json()["ok"].is_array());
    server.log_with(&["ran longer than the 500ms"]);
}

/// `ptrace(2)` can keep a process from being reaped, as a driver can whose end of a process waits for
/// its device.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_worker_s_place_and_memory_are_taken_until_its_process_is_reaped() {
    let driver = Driver::new("");
    let (serve, _folder) = tenants(&[
        "--gpu=cuda",
        "--no-cache",
        "--kernel-timeout=500ms",
        "--gpu-workers=1",
        "--request-timeout=10m",
    ]);
    let server = driver_of(serve, &driver).start();
    ask(&server, 1, "/residency-keep");
    let first = workers_become(&server, 1);
    let undead = Undead::when_ended(first[0]);
    thread::scope(|scope| {
        // It loses its worker, and then opens the device again.
        let same = scope.spawn(|| ask(&server, 1, "/endless-kernel"));
        server.log_with(&["ran longer than the 500ms"]);
        let other = scope.spawn(|| ask(&server, 2, "/increment"));
        server.log_with(&["was killed and has not ended since"]);
        assert_eq!(workers_become(&server, 1), first);
        assert!(!same.is_finished() && !other.is_finished());
        drop(undead);
        let outcome = same.join().unwrap().json();
        assert_eq!(outcome["ok"]["failed"]["kind"], "deadline-exceeded");
        assert_eq!(outcome["ok"]["after"], json!([42, 42, 42, 42]));
        assert_increments(&other.join().unwrap());
    });
    server.log_with(&["a device worker that was killed has ended"]);
}

#[test]
fn an_exhausted_device_is_reported_without_losing_anything() {
    let driver =
        Driver::new("fail = { call = \"cuMemAllocAsync\", after = 1, times = 1, code = 2 }");
    let server = cuda(&driver).start();
    let answers = [server.get("/increment"), server.get("/increment")];
    let full: Vec<_> = answers
        .iter()
        .filter(|answer| answer.json()["error"]["kind"] == "out-of-memory")
        .collect();
    assert_eq!(full.len(), 1, "{}", answers[0].text() + &answers[1].text());
    assert_increments(&server.get("/increment"));
    assert!(!server.log().contains("WARN"), "{}", server.log());
}

#[test]
fn memory_is_zeroed_whatever_the_driver_leaves_in_it() {
    let driver = Driver::new("");
    let server = cuda(&driver).start();
    let zeros = server.get("/zeroed").json();
    assert!(zeros.get("ok").is_some(), "{zeros}");
}
