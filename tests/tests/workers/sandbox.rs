//! The sandbox of a worker, seen from outside: its capabilities, environment and files.

use std::fs;

use tensor_wasm_tests::{Driver, Serve, guest};

use super::{assert_increments, cuda, workers_become};

fn status(worker: i32, field: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    line.unwrap_or_default()
        .trim_start_matches(':')
        .trim()
        .to_owned()
}

#[track_caller]
fn assert_confined(worker: i32) {
    assert_eq!(status(worker, "NoNewPrivs"), "1");
    assert_eq!(status(worker, "Seccomp"), "2");
    let variables = fs::read(format!("/proc/{worker}/environ")).unwrap();
    let variables = String::from_utf8_lossy(&variables).into_owned();
    assert!(!variables.contains("SECRET"), "{variables}");
    for variable in variables.split('\0').filter(|text| !text.is_empty()) {
        assert!(variable.starts_with("LD_LIBRARY_PATH="), "{variable}");
    }
    let files: Vec<String> = fs::read_dir(format!("/proc/{worker}/fd"))
        .unwrap()
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok())
        .map(|file| file.display().to_string())
        .collect();
    let ours = |file: &String| {
        // The shared memory, the one socket, and what libraries open for themselves.
        file.contains("memfd:tensor-wasm-device")
            || file.starts_with("socket:")
            || file.contains("/dev/null")
            || file.contains("anon_inode")
    };
    assert!(files.iter().all(ours), "{files:?}");
    let sockets = files.iter().filter(|file| file.starts_with("socket:"));
    let mut sockets: Vec<_> = sockets.collect();
    sockets.dedup();
    assert_eq!(sockets.len(), 1, "{files:?}");
    let adjusted = fs::read_to_string(format!("/proc/{worker}/oom_score_adj")).unwrap();
    assert_eq!(adjusted.trim(), "1000");
}

#[test]
fn a_processor_worker_is_sandboxed_to_its_memory_and_one_socket() {
    let server = Serve::new(guest("gpu_scenarios"))
        .arg("--isolate")
        .env("SECRET", "s3cret")
        .start();
    assert_increments(&server.get("/increment"));
    assert_confined(workers_become(&server, 1)[0]);
}

#[test]
fn a_worker_with_a_driver_is_sandboxed_as_tightly() {
    let driver = Driver::new("");
    let server = cuda(&driver).env("SECRET", "s3cret").start();
    assert_increments(&server.get("/increment"));
    assert_confined(workers_become(&server, 1)[0]);
}
