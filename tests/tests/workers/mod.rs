//! Devices in worker processes: a failure in one tenant's worker affects nobody else, and what
//! an operator sees of workers.
//!
//! The driver is the one without a device, which can be configured to fail like a real one.

#[cfg(target_arch = "x86_64")]
mod attacks;
mod driver;
mod faults;
#[cfg(target_arch = "x86_64")]
mod injection;
mod isolated;
mod operator;
mod sandbox;

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tensor_wasm_tests::{Driver, Reply, Serve, Server, eventually, guest};

/// A server of the GPU scenarios, on CUDA with this driver.
fn cuda(driver: &Driver) -> Serve {
    driver_of(Serve::new(guest("gpu_scenarios")), driver).args([
        "--gpu=cuda",
        "--kernel-timeout=2s",
        "--gpu-memory-bytes=64MiB",
        "--no-cache",
    ])
}

fn driver_of(serve: Serve, driver: &Driver) -> Serve {
    serve.env("LD_LIBRARY_PATH", driver.folder().to_str().unwrap())
}

/// A server whose policy admits every request for the tenant that it names.
fn tenants(options: &[&str]) -> (Serve, TempDir) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("tensor-wasm.toml");
    fs::write(&file, "[tenants.default]\ngpu = \"grant\"\n").unwrap();
    let serve = Serve::new(guest("gpu_scenarios"))
        .arg("--config")
        .arg(file)
        .arg("--policy")
        .arg(guest("policy_admits_as"))
        .args(options);
    (serve, folder)
}

fn ask(server: &Server, tenant: u64, path: &str) -> Reply {
    let request = server.request(Method::GET, path);
    server.send(request.header("x-tensorwasm-tenant", tenant.to_string()))
}

#[track_caller]
fn kind(reply: &Reply) -> String {
    let answer = reply.json();
    let kind = answer["error"]["kind"].as_str();
    kind.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[track_caller]
fn assert_increments(reply: &Reply) {
    assert_eq!(reply.json()["ok"], json!(vec![42; 100]), "{}", reply.text());
}

fn memory_used(reply: &Reply) -> Value {
    reply.json()["ok"]["memory_used"].clone()
}

/// The process ids of the server's workers.
fn workers(server: &Server) -> Vec<i32> {
    let children = format!("/proc/{0}/task", server.id());
    let mut found = Vec::new();
    for task in fs::read_dir(children).into_iter().flatten().flatten() {
        let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(
            list.split_whitespace()
                .filter_map(|id| id.parse::<i32>().ok()),
        );
    }
    found
}

/// Waits until a process, whose parent may be gone, has ended.
#[track_caller]
fn ends(process: i32) {
    eventually("the process to end", || {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        (stat.is_empty() || stat.contains(") Z")).then_some(())
    });
}

/// Waits until there are this many workers.
#[track_caller]
fn workers_become(server: &Server, count: usize) -> Vec<i32> {
    eventually(&format!("{count} workers"), || {
        let now = workers(server);
        (now.len() == count).then_some(now)
    })
}
