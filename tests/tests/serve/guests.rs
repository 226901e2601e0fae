//! Guest instances: new or reused for each request, and each way in which a guest can fail.

use std::collections::BTreeSet;

use reqwest::Method;
use tensor_wasm_tests::{Reply, Serve, Server, eventually, guest};

/// Serves a guest, gets its answer to one request, and makes sure that the server
/// still serves after it.
fn answer_of(name: &str, options: &[&str]) -> (Server, Reply) {
    let server = Serve::new(guest(name)).args(options).start();
    let reply = server.get("/");
    let again = server.get("/");
    assert_eq!(reply.status, again.status);
    (server, reply)
}

#[test]
fn each_request_gets_a_new_instance_by_default() {
    let server = Server::of(guest("counts_its_requests"));
    for _ in 0..20 {
        assert_eq!(server.get("/").text(), "1");
    }
}

#[test]
fn an_instance_is_reused_up_to_the_configured_number_of_requests() {
    let server = Serve::new(guest("counts_its_requests"))
        .arg("--reuse=3")
        .start();
    let counts: BTreeSet<String> = (0..60).map(|_| server.get("/").text()).collect();
    assert!(
        counts.contains("2"),
        "no instance was used again: {counts:?}"
    );
    assert!(
        counts
            .iter()
            .all(|count| ["1", "2", "3"].contains(&count.as_str())),
        "{counts:?}"
    );
}

#[test]
fn a_reused_instance_that_trapped_is_not_used_again() {
    let server = Serve::new(guest("misbehaves")).arg("--reuse=1000").start();
    for _ in 0..5 {
        assert_eq!(server.get("/").text(), "well\n");
        server.get("/trap").assert_error(500, "trap");
    }
    assert_eq!(server.get("/").text(), "well\n");
}

#[test]
fn a_reused_instance_that_gave_no_response_is_not_used_again() {
    let server = Serve::new(guest("counts_its_requests"))
        .arg("--reuse=1000")
        .start();
    for _ in 0..5 {
        // The first request of an instance: this is no component that serves one each.
        server.get("/nothing").assert_error(500, "no_response");
    }
    assert_eq!(server.get("/").text(), "1");
    let counts = (0..60).map(|_| server.get("/").text());
    assert!(counts.into_iter().any(|count| count != "1"));
}

#[test]
fn a_component_whose_instances_serve_one_request_fails_one_and_is_then_not_reused() {
    let server = Serve::new(guest("serves_one_request"))
        .arg("--reuse=1000")
        .start();
    let replies: Vec<Reply> = (0..20).map(|_| server.get("/")).collect();
    let (served, failed): (Vec<&Reply>, Vec<&Reply>) =
        replies.iter().partition(|reply| reply.status == 200);
    assert_eq!((served.len(), failed.len()), (19, 1));
    failed[0].assert_error(500, "no_response");
    server.log_with(&[failed[0].header("x-request-id").unwrap(), "--reuse"]);
}

#[test]
fn a_trap_is_a_500_and_its_cause_is_in_the_log_only() {
    let (server, reply) = answer_of("trap", &[]);
    reply.assert_error(500, "trap");
    for inside in ["unreachable", "backtrace", "wasm"] {
        assert!(!reply.text().contains(inside), "{}", reply.text());
    }
    let id = reply.header("x-request-id").unwrap();
    server.log_with(&[id, "unreachable", "backtrace"]);
}

#[test]
fn a_panic_message_is_logged_under_its_request_and_not_sent() {
    let (server, reply) = answer_of("panics_with_message", &[]);
    reply.assert_error(500, "trap");
    assert!(!reply.text().contains("Lilliput"), "{}", reply.text());
    let id = reply.header("x-request-id").unwrap();
    let log = server.log_with(&[id, "Lilliput"]);
    let told = log
        .lines()
        .any(|line| line.contains("Lilliput") && line.contains("request_id"));
    assert!(told, "the message stands without its request:\n{log}");
}

#[test]
fn logs_in_json_are_one_object_a_line() {
    let server = Serve::new(guest("trap")).args(["--log", "json"]).start();
    let id = server.get("/").header("x-request-id").unwrap().to_owned();
    server.log_with(&[&id, "unreachable"]);
    let log = server.stop().stderr;
    for line in log.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).expect(line);
        assert!(entry["level"].is_string(), "{entry}");
    }
}

#[test]
fn a_guest_that_exits_is_a_500() {
    answer_of("exit", &[]).1.assert_error(500, "trap");
}

#[test]
fn a_guest_that_recurses_without_end_is_a_500() {
    answer_of("endless_recursion", &[])
        .1
        .assert_error(500, "trap");
}

#[test]
fn a_guest_that_gives_no_answer_is_a_500() {
    answer_of("no_response", &[])
        .1
        .assert_error(500, "no_response");
}

#[test]
fn a_guest_that_loops_is_a_504_after_the_request_timeout() {
    let (_, reply) = answer_of("endless_loop", &["--request-timeout=300ms"]);
    reply.assert_error(504, "timeout");
}

#[test]
fn a_guest_that_waits_too_long_is_a_504_after_the_request_timeout() {
    let server = Serve::new(guest("sleep"))
        .arg("--request-timeout=300ms")
        .start();
    server.get("/600000").assert_error(504, "timeout");
    assert_eq!(server.get("/0").text(), "rested\n");
}

#[test]
fn a_guest_can_allocate_memory_up_to_its_limit_only() {
    let server = Serve::new(guest("memory_hog"))
        .arg("--max-memory-bytes=64MiB")
        .start();
    let got: usize = server.get("/").text().parse().unwrap();
    assert!((32 << 20..64 << 20).contains(&got), "{got} bytes");
    server.get("/insist").assert_error(500, "trap");
    assert_eq!(server.get("/").text(), got.to_string());
}

#[test]
fn a_response_that_breaks_off_is_not_reported_as_complete() {
    let server = Server::of(guest("half_a_response"));
    assert!(server.try_send(server.request(Method::GET, "/")).is_err());
    let half = server.begin("/").read_to_end();
    assert!(!half.ends_with("0\r\n\r\n"), "{half}");
    server.log_with(&["unreachable"]);
    let http2 = server.http2().get(server.url("/")).send();
    assert!(http2.and_then(|response| response.bytes()).is_err());
}

#[test]
fn a_guest_may_go_on_after_a_response_whose_length_its_head_says() {
    let server = Serve::new(guest("content_length")).start();
    assert_eq!(server.get("/200?later").text(), "content");
    let http2 = server.http2().get(server.url("/200?later")).send();
    assert_eq!(http2.unwrap().text().unwrap(), "content");
    eventually("both go on", || {
        (server.log().matches("went on").count() == 2).then_some(())
    });
}

#[test]
fn a_guest_that_keeps_running_after_its_response_is_stopped_at_the_timeout() {
    let server = Serve::new(guest("answers_then_loops"))
        .args(["--request-timeout=500ms", "--max-concurrent-requests=2"])
        .start();
    for _ in 0..8 {
        // While all slots are held by guests that still run, the server answers 503.
        let reply = eventually("an answer", || {
            let reply = server.get("/");
            (reply.status != 503).then_some(reply)
        });
        assert_eq!(reply.text(), "done\n");
    }
}

/// So many may as there are instances to spare; the next ones count as requests until their end, so
/// that a client can't have the instances of all others.
#[test]
fn guests_that_go_on_after_their_responses_count_as_requests_beyond_those_that_fit_in_beside() {
    let server = Serve::new(guest("answers_then_loops"))
        .args(["--max-concurrent-requests=4", "--max-requests-per-peer=2"])
        .arg("--request-timeout=60s")
        .start();
    let from = |address: [u8; 4]| {
        let client =
            reqwest::blocking::Client::builder().local_address(std::net::IpAddr::from(address));
        let client = client.timeout(tensor_wasm_tests::PATIENCE).build().unwrap();
        let mut answered = 0;
        let refused = eventually("a refusal", || {
            let reply = server.send(client.get(server.url("/")));
            match reply.status.as_u16() {
                200 => answered += 1,
                _ => return Some(reply),
            }
            None
        });
        (answered, refused)
    };
    // Half of the 9 instances to spare, and two requests.
    let (answered, refused) = from([127, 0, 0, 1]);
    refused.assert_error(429, "too_many_requests");
    assert_eq!(answered, 6);
    let (answered, refused) = from([127, 0, 0, 2]);
    refused.assert_error(429, "too_many_requests");
    assert_eq!(answered, 2);
    let (answered, refused) = from([127, 0, 0, 3]);
    refused.assert_error(503, "overloaded");
    assert_eq!(answered, 0);
    assert!(!server.log().contains("no room for another instance"));
}
