//! `serve --kernel-checks`: the mistakes of a kernel are reported to the component that launched
//! it, for a race with both threads and both lines.

use serde_json::{Value, json};
use tensor_wasm_tests::{Serve, Server, guest};

/// Each thread writes its number to shared memory, waits, and passes on that of a neighbour.
const NEIGHBOUR: &str = ".version 7.0
.target sm_70
.address_size 64
.visible .entry k(.param .u64 written, .param .u64 fresh)
{
    .shared .align 4 .b8 numbers[256];
    .reg .b32 %r<6>;
    .reg .b64 %d<6>;
    ld.param.u64 %d1, [fresh];
    mov.u32 %r1, %tid.x;
    mov.u32 %r2, numbers;
    shl.b32 %r3, %r1, 2;
    add.u32 %r4, %r2, %r3;
    st.shared.u32 [%r4], %r1;
    bar.sync 0;
    xor.b32 %r3, %r3, 4;
    add.u32 %r4, %r2, %r3;
    ld.shared.u32 %r5, [%r4];
    mul.wide.u32 %d2, %r1, 4;
    add.u64 %d3, %d1, %d2;
    st.global.u32 [%d3], %r5;
    ret;
}
";

fn checked(options: &[&str]) -> Server {
    Serve::new(guest("gpu_scenarios"))
        .arg("--kernel-checks")
        .args(options)
        .start()
}

#[track_caller]
fn launch(server: &Server, kernel: &str) -> Value {
    let reply = server.post("/launch", kernel);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

#[track_caller]
fn assert_found(server: &Server, kernel: &str, thread: u32, line: u32, message: &str) {
    let answer = launch(server, kernel);
    let error = &answer["error"];
    assert_eq!(error["kind"], "fault", "{answer}");
    assert_eq!(error["kernel"], "k", "{answer}");
    assert_eq!(error["thread"], json!([thread, 0, 0]), "{answer}");
    assert_eq!(error["line"], line, "{answer}");
    let found = error["message"].as_str().unwrap();
    assert!(found.contains(message), "{found}");
}

/// What each check says of a kernel with one mistake, on one server.
fn mistakes_are_found(server: &Server) {
    let right: Vec<u32> = (0..64).map(|thread| thread ^ 1).collect();
    assert_eq!(launch(server, NEIGHBOUR), json!({ "ok": right }));

    assert_found(
        server,
        &NEIGHBOUR.replace("bar.sync 0;", ""),
        1,
        14,
        "race on shared memory: writes 4 bytes at address 0x4 of shared memory, which thread \
         (0, 0, 0), line 18, reads too",
    );
    assert_found(
        server,
        &NEIGHBOUR.replace("st.shared.u32 [%r4], %r1;", ""),
        0,
        18,
        "uninitialised read: reads 4 bytes at address 0x4 of shared memory",
    );
    assert_found(
        server,
        &NEIGHBOUR.replace("st.global.u32 [%d3], %r5;", "ld.global.u32 %r5, [%d3];"),
        0,
        21,
        "which nothing has written, in the buffer of parameter `fresh` (256 bytes",
    );
    assert_found(
        server,
        // So far before `fresh` lies `written`.
        &NEIGHBOUR.replace("[%d3], %r5", "[%d3+-4352], %r5"),
        0,
        21,
        "and leads into the buffer of parameter `written` (256 bytes",
    );
    assert_found(
        server,
        &NEIGHBOUR.replace("[%d3], %r5", "[%d3+2], %r5"),
        0,
        21,
        "misaligned access: writes 4 bytes",
    );
    let skip = NEIGHBOUR
        .replace("bar.sync 0;", "bar.sync 0; bar.sync 1;")
        .replace(
            "bar.sync 1;",
            ".reg .pred %p; setp.gt.u32 %p, %r1, 9; @%p bra end; bar.sync 1;",
        );
    let skip = skip.replace("    ret;", "end:\n    ret;");
    assert_found(
        server,
        &skip,
        0,
        15,
        "divergent barrier: waits at barrier 1, but thread (10, 0, 0) has ended, at line 23",
    );
    assert_eq!(launch(server, NEIGHBOUR), json!({ "ok": right }));
}

#[test]
fn kernel_checks_find_each_mistake_on_the_host_processor() {
    let server = checked(&[]);
    mistakes_are_found(&server);
    let log = server.log_with(&["--kernel-checks", "a check of kernels found a mistake"]);
    assert!(log.contains("race on shared memory"), "{log}");
}

#[test]
fn kernel_checks_find_each_mistake_in_a_worker_process() {
    mistakes_are_found(&checked(&["--isolate"]));
}

#[test]
fn the_same_kernels_run_without_kernel_checks() {
    let server = Serve::new(guest("gpu_scenarios")).start();
    let fresh = NEIGHBOUR.replace("st.global.u32 [%d3], %r5;", "ld.global.u32 %r5, [%d3];");
    assert_eq!(launch(&server, &fresh), json!({ "ok": vec![0; 64] }));
}

#[test]
fn kernel_checks_on_an_nvidia_device_are_refused_and_compute_sanitizer_is_named() {
    let output = Serve::new(guest("gpu_scenarios"))
        .args(["--kernel-checks", "--gpu=cuda:1"])
        .refused();
    assert_ne!(output.code, Some(0));
    for text in [
        "--kernel-checks",
        "--gpu cuda:1",
        "--gpu cpu",
        "compute-sanitizer",
    ] {
        assert!(output.stderr.contains(text), "{}", output.stderr);
    }
}
