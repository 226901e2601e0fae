//! The first call that differs is named, with what was expected and what was found.

use tensor_wasm_tests::guest;

use super::{Recorded, replay, report};

/// A kernel in which each thread reads its neighbour's number without waiting for it.
const RACE: &str = r"
.version 7.0
.target sm_70
.address_size 64
.visible .entry k(.param .u64 in, .param .u64 out)
{
    .shared .align 4 .b8 numbers[256];
    .reg .b32 %r<6>;
    .reg .b64 %d<4>;
    mov.u32 %r1, %tid.x;
    mov.u32 %r2, numbers;
    shl.b32 %r3, %r1, 2;
    add.u32 %r4, %r2, %r3;
    st.shared.u32 [%r4], %r1;
    xor.b32 %r3, %r3, 4;
    add.u32 %r4, %r2, %r3;
    ld.shared.u32 %r5, [%r4];
    ld.param.u64 %d1, [out];
    mul.wide.u32 %d2, %r1, 4;
    add.u64 %d3, %d1, %d2;
    st.global.u32 [%d3], %r5;
    ret;
}
";

#[test]
fn a_race_that_serving_does_not_see_is_where_the_replay_differs() {
    let recorded = Recorded::all("gpu_scenarios", &[]);
    let reply = recorded.server.post("/launch", RACE);
    assert!(!reply.json()["ok"].is_null(), "{}", reply.text());
    let recording = recorded.recording();
    let (report, code) = report(&recording, &[]);
    assert_eq!(
        (&report["result"], code),
        (&"differs".into(), Some(3)),
        "{report:#}"
    );
    let difference = &report["difference"];
    assert_eq!(
        difference["call"], "tensor:gpu/kernels#queue.read",
        "{report:#}"
    );
    assert_eq!(difference["what"], "result");
    assert!(difference["index"].as_u64().is_some_and(|index| index > 0));
    let found = difference["found"]["error"]["fault"]["said"]["message"].as_str();
    assert!(
        found.is_some_and(|it| it.contains("race on shared memory")),
        "{report:#}"
    );

    let output = replay(&recording, &[]);
    assert_eq!(output.code, Some(3));
    for text in [
        "differs: call",
        "queue.read",
        "expected",
        "race on shared memory",
    ] {
        assert!(output.stdout.contains(text), "{text}: {output:?}");
    }
}

#[test]
fn another_component_is_refused_or_shows_where_it_differs() {
    let recorded = Recorded::all("looks_around", &[]);
    recorded.server.post("/", "what was sent");
    let recording = recorded.recording();
    let other = guest("echo");
    let component = format!("--component={}", other.display());
    let output = replay(&recording, &[&component]);
    assert_eq!(output.code, Some(1), "{output:?}");
    // Both are named, and what to do.
    let digest = |name: &str| {
        let bytes = std::fs::read(guest(name)).unwrap();
        format!("blake3:{}", blake3::hash(&bytes).to_hex())
    };
    for text in [
        digest("looks_around"),
        digest("echo"),
        "--any-component".to_owned(),
    ] {
        assert!(output.stderr.contains(&text), "{text}: {output:?}");
    }
    let (report, code) = report(&recording, &[&component, "--any-component"]);
    assert_eq!(code, Some(3), "{report:#}");
    assert_eq!(report["difference"]["what"], "name", "{report:#}");
}
