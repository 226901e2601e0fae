//! Workers that run kernels on the processor (`--isolate`).

use rustix::process::{Pid, Signal, kill_process};
use tensor_wasm_tests::{Serve, guest};

use super::{ask, assert_increments, ends, kind, memory_used, tenants, workers_become};

fn kill(worker: i32) {
    kill_process(Pid::from_raw(worker).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn a_killed_worker_affects_only_its_tenant_and_is_replaced_at_the_next_open() {
    let (serve, _folder) = tenants(&["--isolate"]);
    let server = serve.start();
    assert!(server.start().device.contains("a process for each tenant"));
    ask(&server, 1, "/residency-keep");
    let [first] = workers_become(&server, 1)[..] else {
        panic!("one worker");
    };
    ask(&server, 2, "/residency-keep");
    workers_become(&server, 2);
    kill(first);
    // Also a request that comes before the loss is noticed gets a device or an error,
    // never the old data.
    let lookup = ask(&server, 1, "/residency-lookup");
    let answer = lookup.json();
    assert!(
        answer["ok"].is_null() || kind(&lookup) == "device-lost",
        "{answer}"
    );
    assert_increments(&ask(&server, 1, "/increment"));
    assert_eq!(memory_used(&ask(&server, 1, "/info")), 0);
    assert!(ask(&server, 2, "/residency-lookup").json()["ok"].is_array());
}

#[test]
fn a_request_gets_device_lost_when_its_worker_is_killed_during_a_kernel() {
    let server = Serve::new(guest("gpu_scenarios"))
        .args(["--isolate", "--kernel-timeout=10m"])
        .start();
    let mut waiting = server.begin("/wait-for-endless-kernel");
    server.log_with(&["waiting"]);
    let [worker] = workers_become(&server, 1)[..] else {
        panic!("one worker");
    };
    kill(worker);
    let answer = waiting.read_until("signal 9");
    assert!(
        answer.contains("device-lost") && answer.contains("signal 9"),
        "{answer}"
    );
    assert_increments(&server.get("/increment"));
}

#[test]
fn workers_exit_when_the_server_is_killed() {
    let server = Serve::new(guest("gpu_scenarios"))
        .args(["--isolate", "--kernel-timeout=10m"])
        .start();
    let _waiting = server.begin("/wait-for-endless-kernel");
    server.log_with(&["waiting"]);
    let [worker] = workers_become(&server, 1)[..] else {
        panic!("one worker");
    };
    drop(server);
    ends(worker);
}

#[test]
fn a_worker_that_is_stopped_ends_when_the_server_is_killed() {
    let server = Serve::new(guest("gpu_scenarios")).arg("--isolate").start();
    assert_increments(&server.get("/increment"));
    let [worker] = workers_become(&server, 1)[..] else {
        panic!("one worker");
    };
    kill_process(Pid::from_raw(worker).unwrap(), Signal::STOP).unwrap();
    drop(server);
    ends(worker);
}
