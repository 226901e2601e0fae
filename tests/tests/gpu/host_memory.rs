//! The memory of the host that a tenant can take through the device: modules, launches in queues,
//! blocks that have begun, and what is left of kernels that have ended.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;
use tensor_wasm_tests::{DeviceKind, Serve, Server, eventually, guest};

const HEAD: &str = ".version 8.0\n.target sm_80\n.address_size 64\n";

/// A server whose tenants have these limits, and the folder of its configuration.
fn serve(limits: &str, options: &[&str]) -> (Server, TempDir) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("tensor-wasm.toml");
    fs::write(&file, format!("[tenants.default]\n{limits}\n")).unwrap();
    let server = Serve::new(guest("runs_ptx"))
        .arg("--config")
        .arg(&file)
        .arg("--request-timeout=10m")
        .args(options)
        .start();
    (server, folder)
}

fn run(server: &Server, how: &str, ptx: &str) -> Value {
    let reply = server.post(&format!("/?{how}"), ptx);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

#[track_caller]
fn assert_ok(outcome: &Value) {
    assert_eq!(outcome["ok"], true, "{outcome}");
}

/// A kernel that adds as many different constants.
fn adds(constants: u32) -> String {
    let adds =
        (0..constants).map(|number| format!("add.u64 %rd0, %rd0, {};\n", 1_000_000 + number));
    let adds: String = adds.collect();
    format!("{HEAD}.visible .entry k()\n{{\n.reg .b64 %rd<1>;\nmov.u64 %rd0, 0;\n{adds}ret;\n}}\n")
}

/// A kernel of so many threads with 480 KiB of local memory each, which never ends or does at once.
fn local_memory(threads: u32, ends: bool) -> String {
    let end = if ends { "ret;" } else { "bra AGAIN;" };
    format!(
        "{HEAD}.visible .entry k()\n.maxntid {threads}, 1, 1\n{{\n\
         .local .align 8 .b8 own[491520];\n.reg .b32 %r<3>;\n.reg .b64 %rd<3>;\n\
         mov.u32 %r0, %tid.x;\nmov.u64 %rd0, own;\ncvt.u64.u32 %rd1, %r0;\n\
         add.u64 %rd2, %rd0, %rd1;\nst.local.u8 [%rd2], %r0;\n\
         AGAIN:\nld.local.u8 %r1, [%rd2];\nadd.u32 %r1, %r1, 1;\nst.local.u8 [%rd2], %r1;\n{end}\n}}\n"
    )
}

#[test]
fn modules_count_for_the_memory_that_the_host_holds_of_them() {
    let (server, _folder) = serve("gpu-host-memory-bytes = \"16MiB\"", &[]);
    let ptx = adds(8000);
    assert_ok(&run(&server, "modules=2&launches=0", &ptx));
    let refused = run(&server, "modules=40&launches=0", &ptx);
    assert_eq!(refused["error"], "quota_exceeded", "{refused}");
    let message = refused["message"].as_str().unwrap();
    for part in ["host memory of modules in bytes", "16777216"] {
        assert!(message.contains(part), "{message}");
    }
    // What was held is given back with the request.
    assert_ok(&run(&server, "modules=2", &ptx));
}

#[test]
fn launches_in_queues_take_no_copy_of_their_kernels_constants() {
    if DeviceKind::under_test() != DeviceKind::Processor {
        return;
    }
    // A checked kernel is interpreted, with a table of its constants.
    let (server, _folder) = serve("", &["--kernel-checks"]);
    let ptx = adds(40_000);
    assert_ok(&run(&server, "launches=1", &ptx));
    let before = server.memory_bytes("VmHWM");
    assert_ok(&run(&server, "launches=900&wait=no", &ptx));
    let held = server.memory_bytes("VmHWM") - before;
    assert!(held < 128 << 20, "{held} bytes");
}

#[test]
fn blocks_that_have_begun_are_bounded_however_many_queues_there_are() {
    if DeviceKind::under_test() != DeviceKind::Processor {
        return;
    }
    let limits = "gpu-queues = 300\nkernel-timeout = \"60ms\"";
    let (server, _folder) = serve(limits, &[]);
    let ends = local_memory(8, true);
    assert_ok(&run(&server, "threads=8&queues=300", &ends));
    let before = server.memory_bytes("VmHWM");
    let endless = local_memory(8, false);
    let outcome = run(&server, "threads=8&queues=300", &endless);
    assert_eq!(outcome["error"], "deadline_exceeded", "{outcome}");
    let held = server.memory_bytes("VmHWM") - before;
    assert!(held < 512 << 20, "{held} bytes");
    // The queues are the tenant's until their kernels have ended.
    eventually("the queues of the request that was ended", || {
        let outcome = run(&server, "threads=8&queues=300&launches=2", &ends);
        (outcome["error"] != "quota_exceeded").then(|| assert_ok(&outcome))
    });
}

#[test]
fn a_request_after_another_s_response_finds_its_tenant_s_limits_unused() {
    let (server, _folder) = serve("gpu-queues = 40", &[]);
    let ptx = adds(10);
    for _ in 0..60 {
        assert_ok(&run(&server, "queues=40", &ptx));
    }
}

#[test]
fn large_local_memory_is_given_back_after_its_kernel() {
    if DeviceKind::under_test() != DeviceKind::Processor {
        return;
    }
    let (server, _folder) = serve("", &[]);
    assert_ok(&run(&server, "", &local_memory(1, true)));
    let before = server.memory_bytes("VmRSS");
    for _ in 0..4 {
        assert_ok(&run(
            &server,
            "threads=128&queues=2",
            &local_memory(128, true),
        ));
    }
    let most = server.memory_bytes("VmHWM");
    assert!(most > before + (48 << 20), "{before} {most}");
    eventually("local memory is given back", || {
        (server.memory_bytes("VmRSS") < before + (32 << 20)).then_some(())
    });
}
