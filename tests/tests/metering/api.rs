//! A node shows its metrics through its API too, to those who may see all tenants.

use std::fs;
use std::path::Path;

use reqwest::Method;
use tempfile::TempDir;
use tensor_wasm_tests::{Reply, Serve, Server, component, eventually, guest};

use super::Page;

/// A node behind the policy, without an address for operators, and the secrets of an operator
/// and of a tenant.
struct Guarded {
    server: Server,
    operator: String,
    alice: String,
    _folder: TempDir,
}

fn token(file: &Path, name: &str, tenant: &str) -> String {
    let file = file.to_str().unwrap();
    let made = tensor_wasm_tests::run([
        "token", "new", "--name", name, "--tenant", tenant, "--file", file,
    ]);
    assert_eq!(made.code, Some(0), "{made:?}");
    made.stdout.trim().to_owned()
}

impl Guarded {
    fn start(options: &[&str]) -> Guarded {
        let folder = TempDir::new().unwrap();
        let tokens = folder.path().join("tokens");
        let operator = token(&tokens, "operator", "*");
        let alice = token(&tokens, "alice", "7");
        let server = Serve::node(&folder.path().join("data"))
            .arg("--policy")
            .arg(component("policy"))
            .arg("--token-file")
            .arg(&tokens)
            .arg("--audit-log=none")
            .args(options)
            .start();
        Guarded {
            server,
            operator,
            alice,
            _folder: folder,
        }
    }

    fn get(&self, path: &str, secret: &str, tenant: &str) -> Reply {
        let request = self.server.request(Method::GET, path);
        let request = request.header("x-tensorwasm-tenant", tenant);
        self.server.send(request.bearer_auth(secret))
    }
}

#[test]
fn only_who_may_act_for_all_tenants_reads_the_metrics_through_the_api() {
    let node = Guarded::start(&[]);
    node.server
        .get("/metrics")
        .assert_error(401, "unauthorized");
    node.get("/metrics", &node.alice, "7")
        .assert_error(403, "operator_only");
    let reply = node.get("/metrics", &node.operator, "0");
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(
        reply.header("content-type").unwrap(),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let page = Page::parse(reply.text());
    assert_eq!(page.sum("tensor_wasm_build_info"), 1.0);
    let refused = page.of_label("tensor_wasm_failures_total", "kind", "operator_only");
    assert_eq!(refused, 1.0);
    let open = node.server.request(Method::GET, "/metrics");
    let open = open.header("accept", "application/openmetrics-text");
    let open = node.server.send(open.bearer_auth(&node.operator));
    assert!(open.text().ends_with("# EOF\n"), "{}", open.text());
    let post = node.server.request(Method::POST, "/metrics");
    node.server
        .send(post.bearer_auth(&node.operator))
        .assert_error(405, "method_not_allowed");
}

#[test]
fn the_health_of_a_node_is_told_without_a_token_unless_the_operator_says_otherwise() {
    let node = Guarded::start(&[]);
    for path in ["/healthz", "/readyz"] {
        let reply = node.server.get(path);
        assert_eq!((reply.status.as_u16(), path), (200, path));
    }
    node.server
        .get("/functions")
        .assert_error(401, "unauthorized");
    let node = Guarded::start(&["--setting=public-paths=/metrics"]);
    node.server
        .get("/healthz")
        .assert_error(401, "unauthorized");
    // The policy lets it pass for nobody in particular, who may not see all tenants.
    node.server
        .get("/metrics")
        .assert_error(403, "operator_only");
}

#[test]
fn where_there_is_no_policy_whoever_reaches_a_node_reads_its_metrics() {
    let data = TempDir::new().unwrap();
    let server = Serve::node(data.path()).start();
    let page = Page::parse(server.get("/metrics").text());
    assert_eq!(page.value("tensor_wasm_http_requests_in_flight"), 1.0);
}

#[test]
fn health_and_readiness_are_told_at_the_address_for_operators_as_well() {
    let data = TempDir::new().unwrap();
    let server = Serve::node(data.path()).arg("--admin=127.0.0.1:0").start();
    for path in ["/healthz", "/livez", "/readyz"] {
        assert_eq!(server.admin(path).status, 200, "{path}");
    }
}

#[test]
fn jobs_are_counted_for_as_long_as_they_run() {
    let data = TempDir::new().unwrap();
    let server = Serve::node(data.path()).start();
    let running = |number: f64| {
        eventually("so many jobs run", || {
            let page = Page::parse(server.get("/metrics").text());
            (page.value("tensor_wasm_jobs_active") == number).then_some(())
        });
    };
    let deploy = server.request(Method::POST, "/functions?name=endless");
    let deploy = deploy.header("content-type", "application/wasm");
    let deployed = server.send(deploy.body(fs::read(guest("endless_loop")).unwrap()));
    assert_eq!(deployed.status, 201, "{}", deployed.text());
    running(0.0);
    let jobs = [(); 2].map(|()| {
        let job = server.post("/functions/endless/invoke-async", "");
        job.header("location").unwrap().to_owned()
    });
    running(2.0);
    for job in jobs {
        server.send(server.request(Method::DELETE, &job));
    }
    running(0.0);
}
