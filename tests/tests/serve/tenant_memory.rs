//! The memory of all instances of one tenant together.

use std::fs;
use std::path::PathBuf;

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;
use tensor_wasm_tests::{Raw, Reply, Serve, Server, eventually, guest, run};

const KIND: &str = "tenant_capacity_exhausted";

/// Each tenant has 64 MiB, but for tenant 9, which has less than any instance needs, and tenant
/// 10, which has some of it.
const TENANTS: &str = r#"
[tenants.default]
tenant-memory-bytes = "64MiB"

[tenants.9]
tenant-memory-bytes = "64KiB"

[tenants.10]
tenant-memory-bytes = "16MiB"
"#;

/// A server of `holds_memory` with this configuration, behind a policy that admits every request
/// for the tenant that it names.
struct Tenants {
    server: Server,
    folder: TempDir,
}

impl Tenants {
    fn start(configure: impl FnOnce(Serve) -> Serve) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("tensor-wasm.toml");
        fs::write(&file, TENANTS).unwrap();
        let serve = Serve::new(guest("holds_memory"))
            .arg("--policy")
            .arg(guest("policy_admits_as"));
        let server = configure(serve)
            .arg("--config")
            .arg(file)
            .arg(format!(
                "--audit-log=file:{}",
                folder.path().join("audit.log").display()
            ))
            .start();
        Self { server, folder }
    }

    /// A request of a tenant that ends at once.
    fn ask(&self, tenant: u64, mebibytes: u64) -> Reply {
        let request = self.server.request(Method::GET, &format!("/{mebibytes}"));
        self.server
            .send(request.header("x-tensorwasm-tenant", tenant.to_string()))
    }

    /// A request of a tenant that holds what it gets until [`end`]. Returns how many MiB it got.
    fn hold(&self, tenant: u64, mebibytes: u64) -> (Raw, u64) {
        let mut raw = self.server.raw();
        raw.send(format!(
            "POST /{mebibytes} HTTP/1.1\r\nhost: test\r\nx-tensorwasm-tenant: {tenant}\r\n\
             transfer-encoding: chunked\r\n\r\n"
        ));
        let text = raw.read_until(" MiB");
        let held = text.split(" MiB").next();
        let held = held.and_then(|text| text.rsplit('\n').next()?.parse().ok());
        (raw, held.unwrap_or_else(|| panic!("{text}")))
    }
}

/// Ends a request that holds memory.
fn end(mut raw: Raw) {
    raw.send("0\r\n\r\n");
    raw.read_until("0\r\n\r\n");
}

fn assert_exhausted(reply: &Reply) {
    reply.assert_error(429, KIND);
    assert_eq!(reply.header("retry-after"), Some("1"));
}

#[test]
fn a_tenant_that_takes_all_its_memory_gets_no_more_and_other_tenants_theirs() {
    let tenants = Tenants::start(|serve| serve);
    let (first, held) = tenants.hold(7, 40);
    assert_eq!(held, 40);
    // What is left is less than the instance alone could have.
    let (second, rest) = tenants.hold(7, 200);
    assert!((10..24).contains(&rest), "{rest}");
    assert_exhausted(&tenants.ask(7, 1));
    assert_eq!(tenants.ask(8, 40).text(), "40 MiB");
    let (other, held) = tenants.hold(8, 40);
    assert_eq!(held, 40);
    end(first);
    // The rest of the second is still held.
    eventually("what the first one held", || {
        let text = tenants.ask(7, 30).text();
        (text == "30 MiB").then_some(())
    });
    end(second);
    eventually("all of the tenant's memory", || {
        (tenants.ask(7, 50).text() == "50 MiB").then_some(())
    });
    end(other);
    tenants.server.log_with(&[
        "an instance's memory does not grow",
        "tenant 7 past their limit of memory, 67108864 bytes (`--tenant-memory-bytes`)",
    ]);
}

#[test]
fn a_request_that_finds_no_room_for_an_instance_is_recorded() {
    let tenants = Tenants::start(|serve| serve);
    assert_exhausted(&tenants.ask(9, 0));
    let record = eventually("a record", || {
        let text = fs::read_to_string(tenants.folder.path().join("audit.log")).ok()?;
        // The last line may be half written.
        let records = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let mut records = records.filter(|record: &Value| record["outcome"]["error_kind"] == KIND);
        records.next()
    });
    assert_eq!(record["outcome"]["status_code"], 429);
    assert_eq!(record["tenant"], 9, "{record}");
}

#[test]
fn a_reused_instance_gets_requests_of_its_own_tenant_only() {
    let tenants = Tenants::start(|serve| serve.arg("--reuse=1000"));
    for _ in 0..10 {
        assert_eq!(tenants.ask(7, 24).text(), "24 MiB");
        // It has no room for what the other one's instance has grown to.
        assert_eq!(tenants.ask(10, 1).text(), "1 MiB");
    }
}

/// Whose a request is that a composed policy decides on is known when its instance has it.
#[test]
fn a_reused_instance_that_is_too_large_for_a_tenant_makes_room_for_a_new_one() {
    let (server, _folder) = composed(&["--reuse=1000"]);
    eventually(
        "an instance that has grown gets another tenant's request",
        || {
            ask(&server, "7", 24);
            let reply = ask(&server, "10", 1);
            (reply.status == 429).then(|| assert_exhausted(&reply))
        },
    );
    eventually("a new instance", || {
        (ask(&server, "10", 1).text() == "1 MiB").then_some(())
    });
}

/// A server of `holds_memory` that was composed with the policy, and its folder.
fn composed(options: &[&str]) -> (Server, TempDir) {
    let folder = TempDir::new().unwrap();
    let composite = folder.path().join("composite.wasm");
    let output = run([
        PathBuf::from("compose"),
        guest("policy_admits_as"),
        guest("holds_memory"),
        "-o".into(),
        composite.clone(),
    ]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let file = folder.path().join("tensor-wasm.toml");
    fs::write(&file, TENANTS).unwrap();
    let serve = Serve::new(&composite).arg("--config").arg(file);
    (serve.args(options).start(), folder)
}

fn ask(server: &Server, tenant: &str, mebibytes: u64) -> Reply {
    let request = server.request(Method::GET, &format!("/{mebibytes}"));
    server.send(request.header("x-tensorwasm-tenant", tenant))
}

#[test]
fn in_a_composed_component_the_decision_charges_the_tenant() {
    let (server, _folder) = composed(&[]);
    assert_exhausted(&ask(&server, "9", 3));
    assert_eq!(ask(&server, "8", 3).text(), "3 MiB");
}

#[test]
fn without_a_policy_all_instances_are_tenant_0s() {
    for name in ["hello", "p3_hello"] {
        let server = Serve::new(guest(name))
            .arg("--tenant-memory-bytes=64KiB")
            .start();
        assert_exhausted(&server.get("/"));
        assert_exhausted(&server.get("/"));
    }
    let server = Serve::new(guest("holds_memory"))
        .args(["--tenant-memory-bytes=32MiB", "--reuse=100"])
        .start();
    for _ in 0..5 {
        // Until the instance waits again that gave the last response.
        eventually("the only instance that there is room for", || {
            let reply = server.get("/20");
            (reply.status == 200).then(|| assert_eq!(reply.text(), "20 MiB"))
        });
    }
}

#[test]
fn with_a_limit_of_0_only_each_instance_has_one() {
    let server = Serve::new(guest("holds_memory"))
        .args(["--max-memory-bytes=16MiB", "--tenant-memory-bytes=0"])
        .start();
    let held = server.get("/100").text();
    let held: u64 = held.trim_end_matches(" MiB").parse().unwrap();
    assert!((8..16).contains(&held), "{held}");
}

#[test]
fn what_reused_instances_held_for_requests_that_ended_is_not_the_tenants() {
    let server = Serve::new(guest("hello"))
        .args(["--reuse", "1000", "--tenant-memory-bytes", "128MiB"])
        .arg("--policy")
        .arg(guest("policy_admits"))
        .start();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..600 {
                        let reply = server.get("/");
                        assert_eq!(reply.status, 200, "{}", reply.text());
                    }
                })
            })
            .collect();
        for client in clients {
            client.join().unwrap();
        }
    });
}
