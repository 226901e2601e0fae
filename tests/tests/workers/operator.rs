//! The pool of workers: its size, how long idle workers stay, and how they are listed.

use super::{ask, assert_increments, kind, tenants, workers, workers_become};

#[test]
fn an_idle_worker_exits_unless_it_holds_retained_memory() {
    let (serve, _folder) = tenants(&["--isolate", "--gpu-worker-idle=100ms"]);
    let server = serve.start();
    assert!(workers(&server).is_empty());
    assert_increments(&ask(&server, 1, "/increment"));
    workers_become(&server, 0);
    ask(&server, 1, "/residency-keep");
    assert_increments(&ask(&server, 2, "/increment"));
    // The second tenant's worker exits; the first one's holds retained memory.
    workers_become(&server, 1);
    assert!(ask(&server, 1, "/residency-lookup").json()["ok"].is_array());
    ask(&server, 1, "/residency-release");
    workers_become(&server, 0);
}

#[test]
fn an_idle_worker_is_evicted_for_a_new_tenant_and_a_busy_one_is_not() {
    let (serve, _folder) = tenants(&["--isolate", "--gpu-workers=1", "--kernel-timeout=10m"]);
    let server = serve.start();
    for tenant in 1..=6 {
        assert_increments(&ask(&server, tenant, "/increment"));
    }
    let request = server.request(reqwest::Method::GET, "/wait-for-endless-kernel");
    let request = request.header("x-tensorwasm-tenant", "7");
    std::thread::scope(|scope| {
        scope.spawn(|| server.try_send(request));
        server.log_with(&["waiting"]);
        let refused = ask(&server, 8, "/increment");
        assert_eq!(kind(&refused), "device-lost");
        assert!(refused.text().contains("try again"), "{}", refused.text());
        server.terminate();
    });
}

#[test]
fn a_worker_process_shows_its_tenant_in_its_command_line() {
    let (serve, _folder) = tenants(&["--isolate"]);
    let server = serve.start();
    assert_increments(&ask(&server, 7, "/increment"));
    let [worker] = workers_become(&server, 1)[..] else {
        panic!("one worker");
    };
    let line = std::fs::read_to_string(format!("/proc/{worker}/cmdline")).unwrap();
    assert!(line.contains("device of tenant 7"), "{line:?}");
}
