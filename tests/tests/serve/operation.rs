//! Operating `serve`: start lines, options, health routes, and shutdown.

use std::net::TcpStream;

use tensor_wasm_tests::{Raw, Serve, Server, eventually, guest, run};

use super::HELLO;

#[test]
fn the_start_lines_name_address_component_grants_and_device() {
    let server = HELLO.get();
    let start = server.start();
    assert_ne!(start.address.port(), 0);
    assert_ne!(start.admin.expect("asked for").port(), 0);
    let digest = blake3::hash(&std::fs::read(guest("hello")).unwrap()).to_hex();
    assert_eq!(start.component, format!("hello.wasm blake3:{digest}"));
    assert!(
        start
            .granted
            .iter()
            .any(|name| name.starts_with("wasi:http/types@0.2"))
    );
    assert_eq!(start.denied, [""; 0]);
    assert!(start.device.starts_with("cpu: "), "{}", start.device);
    let kinds: Vec<&str> = start
        .text
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(
        kinds,
        [
            "listening",
            "admin",
            "component",
            "granted",
            "denied",
            "device"
        ]
    );
}

#[test]
fn health_routes_are_served_on_the_admin_address_only() {
    let server = HELLO.get();
    assert_eq!(server.admin("/livez").status, 200);
    assert_eq!(server.admin("/readyz").status, 200);
    assert_eq!(server.admin("/").status, 404);
    // On the address of the application, the application answers.
    assert_eq!(server.get("/livez").text(), "hello\n");
}

#[test]
fn a_port_in_use_is_reported_with_a_remedy() {
    let server = HELLO.get();
    let output = Serve::at(guest("hello"), server.address()).refused();
    assert_eq!(output.code, Some(1));
    assert!(
        output.stderr.contains(&server.address().to_string()),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains("in use") && output.stderr.contains("--addr"));
    let admin = format!("--admin={}", server.address());
    let output = Serve::new(guest("hello")).arg(admin).refused();
    assert!(output.stderr.contains("--admin"), "{}", output.stderr);
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn wrong_options_are_usage_errors() {
    let hello = guest("hello");
    let hello = hello.to_str().unwrap();
    for options in [
        ["--addr", "nowhere"],
        ["--gpu", "perhaps"],
        ["--request-timeout", "soon"],
        ["--max-concurrent-requests", "0"],
        ["--reuse", "0"],
        ["--env", "NOVALUE"],
    ] {
        let output = run(["serve", hello].iter().chain(&options));
        assert_eq!(output.code, Some(2), "{options:?}: {}", output.stderr);
        assert!(output.stderr.contains(options[0]), "{}", output.stderr);
    }
}

/// A request that has certainly begun and not ended.
fn in_flight(server: &Server) -> Raw {
    let mut client = server.raw();
    client.send("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n");
    client.send("5\r\nbegun\r\n");
    client.read_until("begun");
    client
}

#[test]
fn sigterm_lets_requests_in_flight_finish_and_takes_no_new_ones() {
    let server = Serve::new(guest("echo"))
        .args(["--admin", "127.0.0.1:0", "--drain-timeout=10m"])
        .start();
    let mut client = in_flight(&server);
    server.terminate();
    eventually("it to be no longer ready", || {
        (server.admin("/readyz").status == 503).then_some(())
    });
    assert_eq!(server.admin("/livez").status, 200);
    eventually("it to take no more connections", || {
        TcpStream::connect(server.address()).is_err().then_some(())
    });
    client.send("5\r\nended\r\n0\r\n\r\n");
    assert!(client.read_to_end().ends_with("ended\r\n0\r\n\r\n"));
    let output = server.wait();
    assert_eq!(output.code, Some(0), "{}", output.stderr);
}

#[test]
fn draining_ends_at_its_time_limit_even_if_a_guest_does_not() {
    let server = Serve::new(guest("misbehaves"))
        .args(["--drain-timeout=200ms", "--request-timeout=10m"])
        .start();
    let _held = server.begin("/loop");
    server.log_with(&["looping"]);
    let output = server.stop();
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(output.stderr.contains("cut"), "{}", output.stderr);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let server = Serve::new(guest("echo"))
        .args(["--admin", "127.0.0.1:0", "--drain-timeout=10m"])
        .start();
    let _client = in_flight(&server);
    server.terminate();
    eventually("the drain to begin", || {
        (server.admin("/readyz").status == 503).then_some(())
    });
    server.terminate();
    server.wait();
}

#[test]
fn an_idle_server_exits_at_once_with_success() {
    let output = Server::of(guest("hello")).stop();
    assert_eq!(output.code, Some(0), "{}", output.stderr);
}
