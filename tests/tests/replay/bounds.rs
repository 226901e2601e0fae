//! Recordings stay within bounds, and what can't be written fails no request.

use std::fs;

use super::{Recorded, calls, found, report};

#[test]
fn failed_requests_are_recorded_and_no_others_unless_told() {
    let recorded = Recorded::of("looks_around", &[]);
    for status in [200, 404, 500] {
        assert_eq!(recorded.server.get(&format!("/{status}")).status, status);
    }
    let recording = recorded.recording();
    assert_eq!(found(recorded.folder.path()).len(), 1);
    let report = super::assert_same(&recording, &[]);
    assert_eq!(report["ending"]["status"], 500);
}

#[test]
fn one_request_in_three_is_recorded_and_the_oldest_recordings_give_way() {
    let recorded = Recorded::all("looks_around", &["--record-one-in=3", "--record-files=2"]);
    for _ in 0..9 {
        assert_eq!(recorded.server.get("/").status, 200);
    }
    // The third that is written replaces the first.
    recorded.server.log_with(&["the request is recorded"]);
    let written = || {
        recorded
            .server
            .log()
            .matches("the request is recorded")
            .count()
    };
    tensor_wasm_tests::eventually("three recordings", || (written() == 3).then_some(()));
    assert_eq!(found(recorded.folder.path()).len(), 2);
}

#[test]
fn a_recording_ends_where_it_has_as_much_as_it_may() {
    let recorded = Recorded::all("echo", &["--record-max-bytes=100KB"]);
    let body = vec![7; 400_000];
    let reply = recorded.server.post("/", body.clone());
    assert_eq!(reply.body, body);
    let recording = recorded.recording();
    assert!(!calls(&recording).is_empty());
    let (report, code) = report(&recording, &[]);
    assert_eq!(
        (&report["result"], code),
        (&"incomplete".into(), Some(4)),
        "{report:#}"
    );
}

#[test]
fn a_disk_that_is_full_fails_no_request() {
    let recorded = Recorded::all("looks_around", &[]);
    // What an instance needs of the system is there from the first one on.
    assert_eq!(recorded.server.get("/").status, 200);
    fs::remove_file(recorded.recording()).unwrap();
    recorded.server.limit_file_size(1);
    for _ in 0..3 {
        assert_eq!(recorded.server.post("/", "a request").status, 200);
    }
    recorded
        .server
        .log_with(&["recordings are lost", "can't be written"]);
    assert!(found(recorded.folder.path()).is_empty());
    // Nothing half-written stays. One that is being written may be there for a moment.
    tensor_wasm_tests::eventually("no part of a recording", || {
        let entries = fs::read_dir(recorded.folder.path()).unwrap();
        let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        (names == ["components"]).then_some(())
    });
}
