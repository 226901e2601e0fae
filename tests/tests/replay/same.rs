//! What a guest got from outside comes from the recording, and what it computes is the same.

use reqwest::Method;
use tensor_wasm_tests::{Serve, guest};

use super::{Recorded, assert_same, calls, report};

#[test]
fn clocks_random_numbers_environment_and_body_are_those_of_the_recording() {
    let recorded = Recorded::all("looks_around", &["--env=MODE=fast"]);
    let reply = recorded.server.post("/", "what was sent");
    assert_eq!(reply.status, 200, "{}", reply.text());
    let seen = reply.json();
    assert_eq!(seen["body"], "what was sent");
    assert_eq!(seen["environment"]["MODE"], "fast");
    let recording = recorded.recording();
    // Each replay is the same one, and needs no server.
    drop(recorded.server);
    for _ in 0..2 {
        let report = assert_same(&recording, &[]);
        assert_eq!(report["ending"]["status"], 200);
    }
    let calls = calls(&recording);
    let told = |name: &str| calls.iter().any(|call| call["call"] == name);
    assert!(told("wasi:clocks/wall-clock#now"), "{calls:?}");
    assert!(told("wasi:clocks/monotonic-clock#now"), "{calls:?}");
    assert!(
        told("wasi:io/streams#input-stream.blocking-read"),
        "{calls:?}"
    );
}

#[test]
fn a_long_body_is_read_and_written_as_it_was() {
    let recorded = Recorded::all("echo", &[]);
    let body: Vec<u8> = (0..300_000u32).map(|number| (number % 251) as u8).collect();
    let reply = recorded.server.post("/", body.clone());
    assert_eq!(reply.body, body);
    assert_same(&recorded.recording(), &[]);
}

#[test]
fn what_a_guest_waited_for_is_not_waited_for_again() {
    let recorded = Recorded::all("looks_around", &[]);
    let reply = recorded.server.get("/rest");
    // Of two timers the one for the nearer time, which is the second of the list.
    assert_eq!(reply.json()["ready"][0], serde_json::json!([1]));
    assert_same(&recorded.recording(), &[]);
}

#[test]
fn responses_of_other_servers_come_from_the_recording() {
    let other = Serve::new(guest("echo")).start();
    let authority = other.address().to_string();
    let recorded = Recorded::all("looks_around", &[&format!("--allow-http={authority}")]);
    let path = format!("/fetch/{authority}");
    let fetched = recorded.server.get(&path).json()["fetched"].clone();
    assert_eq!(fetched["status"], 200, "{fetched}");
    assert_eq!(fetched["text"], "a question");
    drop(other);
    // Now that nobody listens there, the error is what is replayed.
    let failed = recorded.server.get(&path).json()["fetched"].clone();
    assert!(failed["error"].is_string(), "{failed}");
    for recording in recorded.recordings(2) {
        assert_same(&recording, &[]);
    }
}

#[test]
fn a_guest_that_traps_traps_again() {
    let recorded = Recorded::of("looks_around", &[]);
    let reply = recorded.server.get("/trap");
    reply.assert_error(500, "trap");
    let report = assert_same(&recorded.recording(), &[]);
    assert_eq!(report["ending"]["error"], "trap");
    assert_eq!(report["recorded_ending"], report["ending"]);
}

#[test]
fn kernels_compute_again_what_they_computed() {
    let recorded = Recorded::all("gpu_scenarios", &[]);
    for scenario in ["increment", "residency-keep"] {
        let reply = recorded.server.get(&format!("/{scenario}"));
        assert!(reply.json()["ok"].is_array(), "{}", reply.text());
    }
    for recording in recorded.recordings(2) {
        assert_same(&recording, &[]);
        assert_same(&recording, &["--no-kernel-checks"]);
    }
}

#[test]
fn a_buffer_of_an_earlier_request_has_the_contents_that_it_had() {
    let recorded = Recorded::all("gpu_scenarios", &[]);
    for expected in 1..=3 {
        let reply = recorded.server.get("/residency-count");
        assert_eq!(reply.json()["ok"][0], expected, "{}", reply.text());
    }
    let recordings = recorded.recordings(3);
    let last = recordings.last().unwrap();
    assert_same(last, &[]);
    let calls = calls(last);
    let lookup = calls
        .iter()
        .find(|call| call["call"] == "tensor:gpu/residency#lookup");
    assert_eq!(lookup.unwrap()["result"]["ok"]["contents"]["bytes"], 4);
}

#[test]
fn a_directory_is_given_again() {
    let files = tempfile::TempDir::new().unwrap();
    std::fs::write(files.path().join("text"), "what was there").unwrap();
    let directory = format!("--dir={}::/files", files.path().display());
    let recorded = Recorded::all("env_and_dir", &[&directory]);
    let reply = recorded.server.get("/read/files/text");
    assert_eq!(reply.json()["text"], "what was there");
    let recording = recorded.recording();
    let output = super::replay(&recording, &[]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("--dir HOST::/files"), "{output:?}");
    assert_same(&recording, &[&directory]);
    // What is in its files is not recorded, and compared.
    std::fs::write(files.path().join("text"), "something else").unwrap();
    let (report, code) = report(&recording, &[&directory]);
    assert_eq!(code, Some(3), "{report:#}");
    assert_eq!(report["difference"]["what"], "result");
}

#[test]
fn files_are_compared_however_they_are_read() {
    let files = tempfile::TempDir::new().unwrap();
    let file = files.path().join("text");
    let directory = format!("--dir={}::/files", files.path().display());
    std::fs::write(&file, "0123456789".repeat(20_000)).unwrap();
    let recorded = Recorded::all("env_and_dir", &[&directory]);
    let polled = recorded.server.get("/polls/files/text").json();
    assert_eq!(polled["bytes"], 200_000, "{polled}");
    let at = recorded.server.get("/at/files/text").json();
    assert_eq!(
        (&at["text"], &at["ends"]),
        (&"123456789".into(), &false.into())
    );
    assert_eq!(at["behind"], serde_json::json!(["0", "true"]));
    let [polled, at] = recorded.recordings(2).try_into().unwrap();
    let calls = calls(&at);
    let read = calls
        .iter()
        .filter(|call| call["call"] == "wasi:filesystem/types#descriptor.read");
    assert_eq!(read.count(), 2, "{calls:?}");
    // How much came at once is as it was, whenever it comes.
    for recording in [&polled, &at] {
        for _ in 0..3 {
            assert_same(recording, &[&directory]);
        }
    }
    for (text, call) in [
        (
            "x123456789".repeat(20_000),
            "wasi:io/streams#input-stream.read",
        ),
        ("0x".repeat(100), "wasi:filesystem/types#descriptor.read"),
    ] {
        std::fs::write(&file, text).unwrap();
        let recording = if call.contains("streams") {
            &polled
        } else {
            &at
        };
        let (report, code) = report(recording, &[&directory]);
        assert_eq!(code, Some(3), "{report:#}");
        assert_eq!(report["difference"]["call"], call, "{report:#}");
        assert_eq!(report["difference"]["what"], "result");
    }
}

#[test]
fn a_request_that_was_ended_is_the_same_as_far_as_it_went() {
    let recorded = Recorded::of("endless_loop", &["--request-timeout=300ms"]);
    let request = recorded.server.request(Method::GET, "/");
    recorded.server.send(request).assert_error(504, "timeout");
    let recording = recorded.recording();
    let (report, code) = report(&recording, &["--timeout=300ms"]);
    assert_eq!(
        (&report["result"], code),
        (&"incomplete".into(), Some(4)),
        "{report:#}"
    );
    assert_eq!(report["recorded_ending"]["error"], "timeout");
}
