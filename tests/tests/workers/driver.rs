//! Drivers that are missing, too old, broken or slow, or that crash their process.

use tensor_wasm_tests::{Driver, Serve, guest, run};

use super::{
    ask, assert_increments, cuda, driver_of, ends, kind, memory_used, tenants, workers_become,
};

#[test]
fn without_a_driver_cuda_is_refused_and_auto_chooses_the_processor() {
    let refused = Serve::new(guest("gpu_scenarios"))
        .arg("--gpu=cuda")
        .refused();
    assert_eq!(refused.code, Some(1));
    for text in ["cuda:0", "no NVIDIA driver", "libcuda.so.1"] {
        assert!(refused.stderr.contains(text), "{}", refused.stderr);
    }
    let server = Serve::new(guest("gpu_scenarios")).arg("--gpu=auto").start();
    assert!(server.start().device.starts_with("cpu: "));
    assert!(!server.log().contains("NVIDIA"), "{}", server.log());
}

#[test]
fn an_unusable_driver_is_refused_with_the_reason() {
    for (switches, reason) in [
        ("driver_version = 11040", "CUDA 11.4"),
        ("devices = 0", "CUDA_ERROR_NO_DEVICE"),
        ("fail = { call = \"cuInit\", code = 803 }", "CUDA_ERROR"),
        (
            "fail = { call = \"cuDeviceGetName\", code = 999 }",
            "CUDA_ERROR_UNKNOWN",
        ),
        ("exit = { call = \"cuInit\" }", "signal"),
    ] {
        let driver = Driver::new(switches);
        let refused = cuda(&driver).refused();
        assert_eq!(refused.code, Some(1), "{switches}: {}", refused.stderr);
        assert!(
            refused.stderr.contains(reason),
            "{switches}: {}",
            refused.stderr
        );
        assert!(!refused.stderr.contains("panicked"), "{}", refused.stderr);
        // A machine whose driver is broken still serves, and says so.
        let serve = Serve::new(guest("gpu_scenarios")).arg("--gpu=auto");
        let server = driver_of(serve, &driver).start();
        assert!(server.start().device.starts_with("cpu: "));
        server.log_with(&["kernels run on the processor", reason]);
        assert_increments(&server.get("/increment"));
    }
}

/// What a worker does of its trial before the server starts, and a call of the driver in it.
const TRIAL: [(&str, &str); 8] = [
    ("open the device", "cuDevicePrimaryCtxRetain"),
    ("compile a kernel", "cuLinkCreate_v2"),
    ("compile a kernel", "cuLinkComplete"),
    ("compile a kernel", "cuModuleLoadData"),
    ("allocate memory", "cuMemAllocAsync"),
    ("copy data to the device", "cuMemcpyHtoDAsync_v2"),
    ("run a kernel", "cuLaunchKernel"),
    ("copy data from the device", "cuMemcpyDtoHAsync_v2"),
];

#[test]
fn a_device_that_no_worker_can_use_is_not_chosen_whatever_it_fails_at() {
    for (step, call) in TRIAL {
        // The process that lists the devices makes none of these calls.
        let driver = Driver::new(&format!("fail = {{ call = \"{call}\", code = 999 }}"));
        let refused = cuda(&driver).refused();
        assert_eq!(refused.code, Some(1), "{call}: {}", refused.stderr);
        for text in [&format!("it was to {step}"), "CUDA_ERROR_UNKNOWN", "GPU-"] {
            assert!(refused.stderr.contains(text), "{call}: {}", refused.stderr);
        }
        let serve = Serve::new(guest("gpu_scenarios")).arg("--gpu=auto");
        let server = driver_of(serve, &driver).start();
        assert!(server.start().device.starts_with("cpu: "), "{call}");
        server.log_with(&["kernels run on the processor", step, "CUDA_ERROR_UNKNOWN"]);
        assert_increments(&server.get("/increment"));
    }
}

#[test]
fn a_device_whose_node_the_sandbox_keeps_from_workers_is_not_chosen() {
    // As a node that the rules for files do not know.
    let node = tempfile::NamedTempFile::new().unwrap();
    let switches = format!(
        "fail = {{ call = \"cuDevicePrimaryCtxRetain\", code = 100, opens = {:?} }}",
        node.path()
    );
    let driver = Driver::new(&switches);
    let listed = driver
        .set(tensor_wasm_tests::tensor_wasm().arg("devices"))
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).contains("cuda"));
    let serve = Serve::new(guest("gpu_scenarios")).arg("--gpu=auto");
    let server = driver_of(serve, &driver).start();
    // Without Landlock, a worker can open it.
    if !server.log().contains("files are not restricted") {
        assert!(
            server.start().device.starts_with("cpu: "),
            "{}",
            server.log()
        );
        server.log_with(&["it was to open the device", "CUDA_ERROR_NO_DEVICE"]);
    }
    assert_increments(&server.get("/increment"));
}

#[test]
fn a_worker_that_crashes_or_hangs_in_its_trial_is_no_reason_not_to_serve() {
    for (switches, reason) in [
        ("exit = { call = \"cuLinkComplete\" }", "signal"),
        ("hang = { call = \"cuLinkComplete\" }", "3s"),
    ] {
        let driver = Driver::new(switches);
        let serve =
            Serve::new(guest("gpu_scenarios")).args(["--gpu=auto", "--gpu-worker-timeout=3s"]);
        let server = driver_of(serve, &driver).start();
        assert!(server.start().device.starts_with("cpu: "), "{switches}");
        server.log_with(&["kernels run on the processor", reason]);
        assert_increments(&server.get("/increment"));
    }
}

#[test]
fn no_worker_asks_for_the_machine_s_daemon_of_mps() {
    let driver = Driver::new("");
    let serve = cuda(&driver).env("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps");
    let server = serve.start();
    assert_increments(&server.get("/increment"));
    let worker = workers_become(&server, 1)[0];
    assert_eq!(variable(worker, "CUDA_MPS_PIPE_DIRECTORY"), "/proc/no-mps");
}

#[test]
fn a_device_number_out_of_range_is_refused_with_the_number_of_devices() {
    let driver = Driver::new("devices = 2");
    let refused = driver_of(Serve::new(guest("gpu_scenarios")), &driver)
        .arg("--gpu=cuda:2")
        .refused();
    assert!(refused.stderr.contains("shows 2"), "{}", refused.stderr);
}

/// A variable of a worker's environment.
#[track_caller]
fn variable(worker: i32, name: &str) -> String {
    let variables = std::fs::read(format!("/proc/{worker}/environ")).unwrap();
    let variables = String::from_utf8_lossy(&variables).into_owned();
    let mut named = variables.split('\0').filter_map(|one| one.split_once('='));
    let found = named.find(|(other, _)| *other == name);
    found.unwrap_or_else(|| panic!("{variables}")).1.to_owned()
}

/// What a worker's driver is told to show.
#[track_caller]
fn shown_device(worker: i32) -> String {
    variable(worker, "CUDA_VISIBLE_DEVICES")
}

#[test]
fn a_worker_s_driver_shows_the_chosen_device_alone() {
    let driver = Driver::new("devices = 3");
    for (visible, option, number) in [
        (None, "cuda", "00"),
        (None, "cuda:1", "01"),
        (Some("2,0"), "cuda:1", "00"),
        (Some("2,0"), "cuda", "02"),
    ] {
        let mut serve =
            driver_of(Serve::new(guest("gpu_scenarios")), &driver).arg(format!("--gpu={option}"));
        if let Some(visible) = visible {
            serve = serve.env("CUDA_VISIBLE_DEVICES", visible);
        }
        let server = serve.start();
        assert!(server.start().device.starts_with("cuda: "));
        assert_increments(&server.get("/increment"));
        let worker = workers_become(&server, 1)[0];
        let shown = shown_device(worker);
        assert!(
            shown.starts_with("GPU-") && shown.ends_with(number),
            "{option}: {shown}"
        );
    }
}

#[test]
fn a_device_or_a_part_of_one_is_chosen_by_its_uuid() {
    // "TensorWasm GPU " with the device's number behind it, and the other way around for parts.
    let whole = "GPU-54656e73-6f72-5761-736d-204750552001";
    let part = "MIG-01205550-4720-6d73-6157-726f736e6554";
    for (switches, uuid) in [("devices = 2", whole), ("devices = 2\nparts = true", part)] {
        let driver = Driver::new(switches);
        let serve = driver_of(Serve::new(guest("gpu_scenarios")), &driver);
        let server = serve.arg(format!("--gpu=cuda:{uuid}")).start();
        assert!(server.start().device.starts_with("cuda: "));
        assert_increments(&server.get("/increment"));
        let worker = workers_become(&server, 1)[0];
        assert_eq!(shown_device(worker), uuid);
    }
    let other = "GPU-54656e73-6f72-5761-736d-204750552009";
    let driver = Driver::new("devices = 2");
    let refused = driver_of(Serve::new(guest("gpu_scenarios")), &driver)
        .arg(format!("--gpu=cuda:{other}"))
        .refused();
    for text in [other, "nvidia-smi -L", "CUDA_ERROR_NO_DEVICE"] {
        assert!(refused.stderr.contains(text), "{}", refused.stderr);
    }
}

#[test]
fn the_devices_command_lists_gpus_before_the_processor() {
    let driver = Driver::new("devices = 2\nmemory_bytes = 1073741824");
    let mut command = tensor_wasm_tests::tensor_wasm();
    driver.set(command.args(["devices", "--json"]));
    let output = command.output().unwrap();
    let devices: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let backends: Vec<_> = devices
        .as_array()
        .unwrap()
        .iter()
        .map(|d| &d["backend"])
        .collect();
    assert_eq!(backends, ["cuda", "cuda", "cpu"]);
    assert_eq!(devices[0]["memory_bytes"], 1_073_741_824);
    assert_eq!(devices[0]["driver"], "12.9");
    assert!(devices[0]["compute_capability"].is_string(), "{devices}");
    let none = run(["devices"]);
    assert!(none.stderr.contains("no NVIDIA driver"), "{}", none.stderr);
}

#[test]
fn whichever_driver_call_fails_the_guest_gets_an_error_and_the_server_keeps_running() {
    for call in [
        "cuDevicePrimaryCtxSetFlags_v2",
        "cuDevicePrimaryCtxRetain",
        "cuStreamCreate",
        "cuEventCreate",
        "cuEventRecord",
        "cuEventSynchronize",
        "cuMemAllocAsync",
        "cuMemsetD8Async",
        "cuMemcpyHtoDAsync_v2",
        "cuLaunchKernel",
        "cuMemcpyDtoHAsync_v2",
    ] {
        let driver = Driver::new(&format!(
            "fail = {{ call = \"{call}\", code = 999, when = \"broken\" }}"
        ));
        let server = cuda(&driver).start();
        driver.now("broken");
        let broken = server.get("/increment");
        assert_eq!(kind(&broken), "device-lost", "{call}: {}", broken.text());
        assert!(
            !server.log().contains("panicked"),
            "{call}: {}",
            server.log()
        );
        std::fs::remove_file(driver.folder().join("broken")).unwrap();
        assert_increments(&server.get("/increment"));
    }
}

/// The calls that load a module.
const LOADING: [&str; 6] = [
    "cuLinkCreate_v2",
    "cuLinkAddData_v2",
    "cuLinkComplete",
    "cuModuleLoadData",
    "cuModuleGetFunction",
    "cuFuncGetAttribute",
];

#[test]
fn what_the_driver_s_compiler_fails_with_is_the_module_s_unless_the_driver_fails_for_good() {
    // The system's, a library's, a setting's, and nobody knows whose.
    for (call, code) in LOADING.into_iter().zip([304, 303, 223, 999, 302, 999]) {
        for stays in [false, true] {
            let driver = Driver::new(&format!(
                "fail = {{ call = \"{call}\", code = {code}, sticky = {stays}, when = \"broken\" }}"
            ));
            let server = cuda(&driver).start();
            driver.now("broken");
            let broken = server.get("/increment");
            let expected = if stays {
                "device-lost"
            } else {
                "invalid-module"
            };
            assert_eq!(kind(&broken), expected, "{call}: {}", broken.text());
            assert!(broken.text().contains("CUDA_ERROR_"), "{}", broken.text());
            std::fs::remove_file(driver.folder().join("broken")).unwrap();
            assert_increments(&server.get("/increment"));
            assert_eq!(server.log().contains("WARN"), stays, "{}", server.log());
        }
    }
}

#[test]
fn a_full_device_fails_the_call_and_ends_no_worker() {
    let others = ["cuStreamCreate", "cuEventCreate", "cuLaunchKernel"];
    for call in LOADING.into_iter().chain(others) {
        let driver = Driver::new(&format!(
            "fail = {{ call = \"{call}\", code = 2, when = \"full\" }}"
        ));
        let server = cuda(&driver).start();
        // The device is opened, and nothing loaded.
        assert_eq!(memory_used(&server.get("/info")), 0);
        let before = workers_become(&server, 1);
        driver.now("full");
        for _ in 0..2 {
            let full = server.get("/increment");
            assert_eq!(kind(&full), "out-of-memory", "{call}: {}", full.text());
        }
        std::fs::remove_file(driver.folder().join("full")).unwrap();
        assert_increments(&server.get("/increment"));
        assert_eq!(workers_become(&server, 1), before, "{call}");
        assert!(!server.log().contains("WARN"), "{}", server.log());
    }
}

#[test]
fn a_device_without_room_for_a_worker_is_out_of_memory_and_can_be_opened_later() {
    for call in [
        "cuDevicePrimaryCtxRetain",
        "cuStreamCreate",
        "cuEventCreate",
    ] {
        let driver = Driver::new(&format!(
            "fail = {{ call = \"{call}\", code = 2, when = \"full\" }}"
        ));
        let server = cuda(&driver).start();
        driver.now("full");
        for _ in 0..4 {
            let full = server.get("/increment");
            assert_eq!(kind(&full), "out-of-memory", "{call}: {}", full.text());
        }
        server.log_with(&["no room for another worker", "CUDA_ERROR_OUT_OF_MEMORY"]);
        std::fs::remove_file(driver.folder().join("full")).unwrap();
        assert_increments(&server.get("/increment"));
    }
}

#[test]
fn an_error_that_no_binding_knows_is_told_by_its_number() {
    let switch = "fail = { call = \"cuLaunchKernel\", code = 12345, when = \"broken\" }";
    let driver = Driver::new(switch);
    let server = cuda(&driver).start();
    driver.now("broken");
    let broken = server.get("/increment");
    assert_eq!(kind(&broken), "device-lost", "{}", broken.text());
    assert!(broken.text().contains("error 12345"), "{}", broken.text());
    std::fs::remove_file(driver.folder().join("broken")).unwrap();
    assert_increments(&server.get("/increment"));
}

#[test]
fn no_thread_of_a_worker_waits_awake() {
    let driver = Driver::new("spinning = \"refused\"\nlaunch_latency_us = 2000");
    let server = cuda(&driver).start();
    assert_increments(&server.get("/increment"));
    assert_increments(&server.get("/increment"));
    workers_become(&server, 1);
}

#[test]
fn a_device_that_cannot_pin_memory_is_used_without_and_the_log_says_so_once() {
    // Not supported, not permitted, refused by the system.
    for code in [801, 800, 304] {
        let driver = Driver::new(&format!(
            "fail = {{ call = \"cuMemHostRegister_v2\", code = {code} }}"
        ));
        let (serve, _folder) = tenants(&["--gpu=cuda", "--no-cache"]);
        let server = driver_of(serve, &driver).start();
        for tenant in [1, 2] {
            assert_increments(&ask(&server, tenant, "/increment"));
        }
        server.log_with(&["can't be pinned", "CUDA_ERROR_"]);
        assert_eq!(server.log().matches("can't be pinned").count(), 1);
    }
    let driver = Driver::new(
        "fail = { call = \"cuMemHostRegister_v2\", code = 46, sticky = true, times = 1 }",
    );
    let server = cuda(&driver).start();
    let lost = server.get("/increment");
    assert_eq!(kind(&lost), "device-lost", "{}", lost.text());
}

#[test]
fn a_function_missing_from_the_driver_is_named() {
    for function in [
        "cuLaunchKernel",
        "cuMemAllocAsync",
        "cuEventRecord",
        "cuLinkCreate_v2",
    ] {
        let driver = Driver::lacking(&[function], "");
        let refused = cuda(&driver).refused();
        assert_eq!(refused.code, Some(1), "{function}: {}", refused.stderr);
        for text in ["a worker can't use the NVIDIA device", function] {
            assert!(
                refused.stderr.contains(text),
                "{function}: {}",
                refused.stderr
            );
        }
    }
}

#[test]
fn a_worker_whose_driver_hangs_is_killed() {
    for call in [
        "cuDevicePrimaryCtxRetain",
        "cuLinkComplete",
        "cuMemcpyHtoDAsync_v2",
    ] {
        let driver = Driver::new(&format!("hang = {{ call = \"{call}\", when = \"stuck\" }}"));
        let server = cuda(&driver).arg("--gpu-worker-timeout=3s").start();
        driver.now("stuck");
        let lost = server.get("/increment");
        assert_eq!(kind(&lost), "device-lost", "{call}: {}", lost.text());
        assert!(lost.text().contains("3s"), "{call}: {}", lost.text());
        std::fs::remove_file(driver.folder().join("stuck")).unwrap();
        assert_increments(&server.get("/increment"));
        workers_become(&server, 1);
    }
}

#[test]
fn a_worker_crashed_by_its_driver_is_replaced() {
    let driver = Driver::new("exit = { call = \"cuLaunchKernel\", when = \"crash\" }");
    let server = cuda(&driver).start();
    assert_increments(&server.get("/increment"));
    driver.now("crash");
    let lost = server.get("/increment");
    assert_eq!(kind(&lost), "device-lost", "{}", lost.text());
    assert!(lost.text().contains("signal"), "{}", lost.text());
    std::fs::remove_file(driver.folder().join("crash")).unwrap();
    assert_increments(&server.get("/increment"));
}

#[test]
fn no_exit_handler_of_the_driver_keeps_a_process_from_ending() {
    let driver = Driver::new("exit_hangs = true");
    // The process that lists the devices answers and ends.
    let server = cuda(&driver).arg("--gpu-worker-timeout=10m").start();
    assert_increments(&server.get("/increment"));
    let worker = workers_become(&server, 1)[0];
    // The server is killed, and the worker ends by itself.
    drop(server);
    ends(worker);
}

#[test]
fn a_device_that_vanishes_is_lost_until_it_is_back() {
    let driver = Driver::new("lose = { call = \"cuLaunchKernel\", when = \"gone\" }");
    let server = cuda(&driver).start();
    driver.now("gone");
    let lost = server.get("/increment");
    assert_eq!(kind(&lost), "device-lost", "{}", lost.text());
    std::fs::remove_file(driver.folder().join("gone")).unwrap();
    assert_increments(&server.get("/increment"));
}

#[test]
fn the_next_worker_reuses_the_compiled_modules_of_the_driver_cache() {
    let cache = tempfile::TempDir::new().unwrap();
    let driver = Driver::new("delay = { call = \"cuLinkComplete\", ms = 1 }");
    for round in 0..2 {
        let serve = driver_of(Serve::new(guest("gpu_scenarios")), &driver)
            .arg("--gpu=cuda")
            .arg("--cache-dir")
            .arg(cache.path());
        let server = serve.start();
        assert_increments(&server.get("/increment"));
        let folder = cache.path().join("cubin").join("0");
        let files: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();
        assert!(!files.is_empty(), "round {round}");
        server.stop();
    }
}

/// Changes each file of a folder.
fn change_each(folder: &std::path::Path, change: impl Fn(&mut Vec<u8>)) {
    for file in std::fs::read_dir(folder).unwrap().flatten() {
        let mut bytes = std::fs::read(file.path()).unwrap();
        change(&mut bytes);
        std::fs::write(file.path(), bytes).unwrap();
    }
}

#[test]
fn what_was_done_to_a_compiled_module_s_file_is_noticed_and_it_is_compiled_again() {
    let cache = tempfile::TempDir::new().unwrap();
    let driver = Driver::new("");
    let folder = cache.path().join("cubin").join("0");
    let increments = || {
        let serve = driver_of(Serve::new(guest("gpu_scenarios")), &driver);
        let serve = serve.args(["--gpu=cuda", "--log-level=info", "--cache-dir"]);
        let server = serve.arg(cache.path()).start();
        assert_increments(&server.get("/increment"));
        server.stop().stderr
    };
    increments();
    let is_noticed = |log: &str| log.contains("is not as it was kept");
    assert!(!is_noticed(&increments()));
    // Cut short, as by a disk that was full, it would lead the driver past its end.
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2);
    // The driver would load this one, and compute something else.
    let other_code = |bytes: &mut Vec<u8>| {
        let add = b"add.s32";
        let places: Vec<usize> = (0..bytes.len())
            .filter(|at| bytes[*at..].starts_with(add))
            .collect();
        assert!(!places.is_empty());
        for at in places {
            bytes[at..at + 7].copy_from_slice(b"sub.s32");
        }
    };
    let empty = |bytes: &mut Vec<u8>| bytes.clear();
    let garbage = |bytes: &mut Vec<u8>| *bytes = b"no machine code".to_vec();
    let changes: [&dyn Fn(&mut Vec<u8>); 4] = [&cut, &other_code, &empty, &garbage];
    for change in changes {
        change_each(&folder, change);
        assert!(is_noticed(&increments()));
        assert!(!is_noticed(&increments()));
    }
}
