//! The processors as tenants share them: whose guests run, and whose requests are admitted.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use reqwest::Method;
use tempfile::TempDir;
use tensor_wasm_tests::{Raw, Reply, Serve, Server, eventually, guest};

/// The time that guests of each tenant have run, in seconds.
const CPU: &str = "tensor_wasm_guest_cpu_seconds_total";

/// A server behind a policy that admits every request for the tenant that it names, and a folder
/// that it needs.
struct Shared {
    server: Server,
    _folder: TempDir,
}

impl Shared {
    /// `serve` with a component that misbehaves as the path says.
    fn serve(configuration: &str, options: &[&str]) -> Shared {
        Shared::start(configuration, options, |_| Serve::new(guest("misbehaves")))
    }

    /// A node on which tenant 1 has the function `hello`, and tenant 2 `bad`, which misbehaves.
    fn node(configuration: &str, options: &[&str]) -> Shared {
        let node = Shared::start(configuration, options, |folder| {
            Serve::node(&folder.path().join("data"))
        });
        for (tenant, name, component) in [(1, "hello", "hello"), (2, "bad", "misbehaves")] {
            let path = format!("/functions?name={name}");
            let request = node.server.request(Method::POST, &path);
            let request = request
                .header("content-type", "application/wasm")
                .header("x-tensorwasm-tenant", tenant.to_string())
                .body(fs::read(guest(component)).unwrap());
            assert_eq!(node.server.send(request).status, 201);
        }
        node
    }

    fn start(
        configuration: &str,
        options: &[&str],
        serve: impl FnOnce(&TempDir) -> Serve,
    ) -> Shared {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("tensor-wasm.toml");
        fs::write(&file, configuration).unwrap();
        let server = serve(&folder)
            .arg("--config")
            .arg(file)
            .arg("--policy")
            .arg(guest("policy_admits_as"))
            .args(["--admin=127.0.0.1:0"])
            .args(options)
            .start();
        Shared {
            server,
            _folder: folder,
        }
    }

    fn get(&self, tenant: u64, path: &str) -> Reply {
        let request = self.server.request(Method::GET, path);
        let tenant = tenant.to_string();
        self.server
            .send(request.header("x-tensorwasm-tenant", tenant))
    }

    /// Sends a request, and does not read the response.
    fn begin(&self, tenant: u64, path: &str) -> Raw {
        let mut raw = self.server.raw();
        raw.send(format!(
            "GET {path} HTTP/1.1\r\nhost: test\r\nx-tensorwasm-tenant: {tenant}\r\n\r\n"
        ));
        raw
    }

    /// How many endless loops have begun.
    fn loops(&self) -> usize {
        self.server.log().matches("looping").count()
    }

    fn wait_for_loops(&self, count: usize) {
        eventually(&format!("{count} loops"), || {
            (self.loops() >= count).then_some(())
        });
    }

    /// Waits until so many requests are in flight.
    fn wait_in_flight(&self, is_so: impl Fn(usize) -> bool) {
        eventually("the requests in flight", || {
            let text = self.server.admin("/metrics").text();
            let name = "tensor_wasm_http_requests_in_flight ";
            let number = text.lines().find_map(|line| line.strip_prefix(name));
            is_so(number?.parse().ok()?).then_some(())
        });
    }

    /// The processor time that each tenant was charged, in seconds, once it is as `is_so` says.
    fn charged(&self, is_so: impl Fn(&BTreeMap<u64, f64>) -> bool) -> BTreeMap<u64, f64> {
        eventually("what tenants are charged", || {
            let text = self.server.admin("/metrics").text();
            let start = format!("{CPU}{{tenant=\"");
            let lines = text.lines().filter_map(|line| line.strip_prefix(&start));
            let charged = lines.filter_map(|line| {
                let (tenant, value) = line.split_once("\"} ")?;
                Some((tenant.parse().ok()?, value.parse().ok()?))
            });
            Some(charged.collect()).filter(&is_so)
        })
    }
}

/// Sends loops of tenants, so many of each, and waits until all have run out of time. Returns how
/// long that took.
fn run_loops(shared: &Shared, tenants: &[(u64, usize)]) -> Duration {
    let begun = Instant::now();
    thread::scope(|scope| {
        for &(tenant, count) in tenants {
            for _ in 0..count {
                scope.spawn(move || {
                    shared.get(tenant, "/loop").assert_error(504, "timeout");
                });
            }
        }
    });
    begun.elapsed()
}

#[test]
fn a_quiet_tenant_is_served_beside_a_flood_of_endless_loops_of_another() {
    for shared in [
        Shared::serve("", &["--request-timeout=10m"]),
        Shared::node("", &["--request-timeout=10m"]),
    ] {
        let is_node = shared.get(1, "/f/hello").text() == "hello\n";
        let (quiet, flood) = match is_node {
            true => ("/f/hello", "/f/bad/loop"),
            false => ("/", "/loop"),
        };
        let expected = shared.get(1, quiet).text();
        let loops: Vec<_> = (0..16).map(|_| shared.begin(2, flood)).collect();
        shared.wait_for_loops(16);
        for _ in 0..50 {
            assert_eq!(shared.get(1, quiet).text(), expected);
            assert_eq!(shared.server.admin("/livez").status, 200);
        }
        drop(loops);
        // All of them end with their clients.
        let charged = shared.charged(|charged| charged.get(&2).is_some_and(|time| *time > 0.0));
        assert!(charged[&1] > 0.0, "{charged:?}");
    }
}

#[test]
fn tenants_get_processor_time_by_their_shares_however_many_requests_they_have() {
    let shared = Shared::serve(
        "[tenants.1]\ncpu-share = 3\n[tenants.2]\ncpu-share = 1\n",
        &["--request-timeout=3s"],
    );
    run_loops(&shared, &[(1, 8), (2, 24)]);
    let charged = shared.charged(|charged| {
        let time = |tenant| charged.get(&tenant).copied().unwrap_or(0.0);
        time(1) > 0.0 && time(2) > 0.0 && time(1) + time(2) > 1.0
    });
    let ratio = charged[&1] / charged[&2];
    assert!((2.0..4.5).contains(&ratio), "{charged:?}");
}

#[test]
fn a_tenant_takes_no_more_processor_time_than_its_limit_and_is_answered_all_the_same() {
    for (configuration, options) in [
        ("", ["--request-timeout=2s", "--tenant-cpu=0.1"]),
        (
            "[tenants.2]\ntenant-cpu = 0.1\n",
            ["--request-timeout=2s", "--tenant-cpu=0"],
        ),
    ] {
        let shared = Shared::serve(configuration, &options);
        assert_eq!(shared.get(2, "/").text(), "well\n");
        let took = run_loops(&shared, &[(2, 6)]);
        assert_eq!(shared.get(2, "/").text(), "well\n");
        let charged = shared.charged(|charged| charged.contains_key(&2));
        // What it may have after a pause, and what ran when the limit was reached.
        let most = 0.1 * took.as_secs_f64() + 0.2;
        assert!(charged[&2] <= most, "{charged:?} in {took:?}");
    }
}

#[test]
fn a_full_node_admits_the_next_request_of_the_tenant_that_had_less() {
    let node = Shared::node("", &["--request-timeout=10m", "--max-running-requests=1"]);
    // One runs, and the others wait.
    let mut flood = vec![node.begin(2, "/f/bad/loop")];
    node.wait_for_loops(1);
    flood.extend((0..10).map(|_| node.begin(2, "/f/bad/loop")));
    thread::scope(|scope| {
        let quiet = scope.spawn(|| node.get(1, "/f/hello").text());
        node.wait_in_flight(|number| number == 12);
        while !quiet.is_finished() && !flood.is_empty() {
            drop(flood.remove(0));
            let left = flood.len() + 1;
            node.wait_in_flight(|number| number <= left);
        }
        assert_eq!(quiet.join().unwrap(), "hello\n");
    });
    // First come, first served would be eleven. One or two may have begun before the quiet
    // tenant's request was in the queue.
    assert!(node.loops() <= 3, "{}", node.loops());
}

#[test]
fn a_node_that_is_full_refuses_the_tenant_that_floods_it_and_takes_another_ones_request() {
    let node = Shared::node(
        "",
        &[
            "--request-timeout=10m",
            "--max-concurrent-requests=16",
            "--max-tenant-requests=16",
            "--max-running-requests=2",
        ],
    );
    let mut flood: Vec<_> = (0..13).map(|_| node.begin(2, "/f/bad/loop")).collect();
    node.wait_for_loops(2);
    let refused = eventually("a full node", || {
        flood.push(node.begin(2, "/f/bad/loop"));
        let request = node.server.request(Method::GET, "/f/bad/trap");
        let request = request.header("x-tensorwasm-tenant", "2");
        let reply = node
            .server
            .try_send(request.timeout(Duration::from_millis(300)));
        reply.ok()
    });
    refused.assert_error(503, "capacity_exhausted");
    assert!(refused.header("retry-after").is_some());
    thread::scope(|scope| {
        let quiet = scope.spawn(|| node.get(1, "/f/hello"));
        // It waits for one of those that run, whichever these are.
        while !quiet.is_finished() && !flood.is_empty() {
            drop(flood.remove(0));
            let left = flood.len() + 1;
            node.wait_in_flight(|number| number <= left);
        }
        let reply = quiet.join().unwrap();
        assert_eq!(
            (reply.status.as_u16(), reply.text()),
            (200, "hello\n".to_owned())
        );
    });
}
