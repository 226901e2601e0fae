//! Isolation of requests: one that misbehaves does not affect the others.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tensor_wasm_tests::{Raw, Serve, Server, eventually, guest};

/// Begins requests that do not end, and waits until the guest has logged each of them.
fn occupy(server: &Server, path: &str, told: &str, requests: usize) -> Vec<Raw> {
    let held = (0..requests).map(|_| server.begin(path)).collect();
    eventually(&format!("{requests} guests {told}"), || {
        (server.log().matches(told).count() >= requests).then_some(())
    });
    held
}

#[test]
fn a_healthy_client_is_answered_while_sixteen_guests_loop_endlessly() {
    let server = Serve::new(guest("misbehaves"))
        .args([
            "--max-concurrent-requests=17",
            "--request-timeout=10m",
            "--admin=127.0.0.1:0",
        ])
        .start();
    let loops = occupy(&server, "/loop", "looping", 16);
    for _ in 0..20 {
        // The only free slot may still be held by the response before.
        let reply = eventually("a place", || {
            let reply = server.get("/");
            (reply.status != 503).then_some(reply)
        });
        assert_eq!(reply.text(), "well\n");
        assert_eq!(server.admin("/livez").status, 200);
        assert_eq!(server.admin("/readyz").status, 200);
    }

    // They end when their clients disconnect: otherwise there are no slots for so many.
    drop(loops);
    let mut others = Vec::new();
    eventually("seventeen loops more", || {
        others.push(server.begin("/loop"));
        (server.log().matches("looping").count() >= 16 + 17).then_some(())
    });
}

#[test]
fn a_healthy_client_is_answered_while_sixteen_kernels_loop_endlessly() {
    let server = Serve::new(guest("gpu_scenarios"))
        .args(["--request-timeout=10m", "--kernel-timeout=10m"])
        .start();
    let kernels = occupy(&server, "/wait-for-endless-kernel", "waiting", 16);
    for _ in 0..5 {
        let reply = server.get("/increment");
        assert_eq!(reply.json()["ok"][0], 42, "{}", reply.text());
    }

    // They end when their clients disconnect: then others can create a queue.
    drop(kernels);
    eventually("sixteen queues again", || {
        let reply = server.get("/many-queues").json();
        (reply["error"]["limit"].as_u64() >= Some(1)).then_some(())
    });
    assert_eq!(server.get("/increment").json()["ok"][0], 42);
}

/// Sends requests that fail, one after another, beside healthy ones, which must all be
/// answered.
fn beside_a_neighbour(server: &Server, path: &str, status: u16) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let bad = scope.spawn(|| {
            let mut sent = 0;
            while !stop.load(Ordering::Relaxed) || sent == 0 {
                let reply = server.get(path);
                assert_eq!(reply.status, status, "{path}: {}", reply.text());
                sent += 1;
            }
        });
        let well: Vec<String> = (0..20).map(|_| server.get("/").text()).collect();
        stop.store(true, Ordering::Relaxed);
        bad.join()
            .expect("the bad request was answered as it should be");
        assert!(well.iter().all(|text| text == "well\n"), "{path}: {well:?}");
    });
    assert_eq!(server.get("/").text(), "well\n", "{path}");
}

#[test]
fn a_misbehaving_guest_does_not_affect_other_requests() {
    let server = Serve::new(guest("misbehaves"))
        .args(["--request-timeout=2s", "--max-memory-bytes=64MiB"])
        .start();
    for (path, status) in [
        ("/trap", 500),
        ("/panic", 500),
        ("/exit", 500),
        ("/recurse", 500),
        ("/hog", 500),
        ("/nothing", 500),
        ("/loop", 504),
    ] {
        beside_a_neighbour(&server, path, status);
    }
    let output = server.stop();
    assert_eq!(output.code, Some(0), "{}", output.stderr);
}

#[test]
fn a_misbehaving_guest_does_not_affect_other_requests_with_instance_reuse() {
    let server = Serve::new(guest("misbehaves"))
        .args([
            "--request-timeout=2s",
            "--max-memory-bytes=64MiB",
            "--reuse=100",
        ])
        .start();
    for (path, status) in [("/trap", 500), ("/nothing", 500), ("/loop", 504)] {
        beside_a_neighbour(&server, path, status);
    }
}
