//! No credential is in a recording, and what was left out is said, and can be given.

use std::fs;

use reqwest::Method;
use serde_json::json;
use tensor_wasm_tests::{Serve, guest};

use super::{Recorded, assert_same, calls, replay};

/// Texts that must be in no recording.
const HUSH: [&str; 5] = [
    "Bearer abcdef",
    "hunter22",
    "hush-hush",
    "hush%2Dhush",
    "aHVudGVyMjI",
];

#[test]
fn credentials_are_left_out_wherever_they_occur() {
    let other = Serve::new(guest("echo")).start();
    let authority = other.address().to_string();
    let recorded = Recorded::all(
        "looks_around",
        &[
            "--env=API_TOKEN=hunter22",
            "--env=ADDRESS=db://me:hunter22@host",
            "--record-redact=code",
            &format!("--allow-http={authority}"),
        ],
    );
    let path = format!("/fetch/{authority}?code=hush%2Dhush&max_tokens=512");
    let request = recorded.server.request(Method::POST, &path);
    let request = request.header("authorization", "Bearer abcdef");
    let reply = recorded
        .server
        .send(request.body("it is hunter22, hush-hush"));
    let seen = reply.json();
    // The guest itself sees them.
    assert_eq!(seen["authorization"], "Bearer abcdef");
    assert_eq!(seen["environment"]["API_TOKEN"], "hunter22");
    assert_eq!(seen["fetched"]["status"], 200, "{seen}");

    let recording = recorded.recording();
    let shown = replay(&recording, &[]).stdout;
    assert!(
        shown.contains("?code=***********&max_tokens=512"),
        "{shown}"
    );
    let file = fs::read(&recording).unwrap();
    let calls: Vec<_> = calls(&recording).iter().map(ToString::to_string).collect();
    for secret in HUSH {
        let is_there = file
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!is_there, "{secret} is in the file");
        for call in &calls {
            assert!(!call.contains(secret), "{secret} is in {call}");
        }
    }
    let output = replay(&recording, &[]);
    let said = output
        .stdout
        .lines()
        .find(|line| line.starts_with("redacted: "));
    for name in [
        "variable API_TOKEN",
        "header authorization",
        "parameter code",
    ] {
        assert!(
            said.is_some_and(|said| said.contains(name)),
            "{name}: {output:?}"
        );
    }
    // The guest does with what stands for them what it did with them.
    assert_same(&recording, &[]);
    let given = [
        "--secret=authorization=Bearer abcdef",
        "--secret=API_TOKEN=hunter22",
    ];
    assert_same(&recording, &given);
}

#[test]
fn a_request_whose_guest_uses_no_credential_is_the_same_without_it() {
    let recorded = Recorded::all("echo", &["--env=API_TOKEN=hunter22"]);
    let request = recorded.server.request(Method::POST, "/");
    let request = request.header("cookie", "session=hunter22");
    recorded.server.send(request.body("it is hunter22"));
    let recording = recorded.recording();
    assert_same(&recording, &[]);
    let text = json!(calls(&recording)).to_string();
    assert!(!text.contains("hunter22"));
}
