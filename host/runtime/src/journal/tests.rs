//! Requests without a guest: what is written into their journals is recorded, let go or compared.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::request::{RequestContext, RequestId, RequestTask, RequestTrace, TraceId};
use serde_json::{Value, json};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Keeps recordings, and their memory.
#[derive(Default)]
struct Kept(Mutex<Vec<(Recorded, HeldShare)>>);

impl RecordingSink for Kept {
    fn component(&self, _digest: &str, _bytes: &[u8]) {}

    fn keep(&self, recorded: Recorded, held: HeldShare) {
        self.0.lock().unwrap().push((recorded, held));
    }
}

impl Kept {
    fn take(&self) -> Vec<Recorded> {
        let kept = std::mem::take(&mut *self.0.lock().unwrap());
        kept.into_iter().map(|(recorded, _)| recorded).collect()
    }
}

fn recorder(sink: &Arc<Kept>, memory: &Arc<RecordingBudget>, max_bytes: usize) -> Recorder {
    let config = RecorderConfig {
        sink: sink.clone(),
        when: RecordWhen::All,
        one_in: NonZeroU32::MIN,
        max_bytes,
        whole_bytes: 1000,
        redaction: Redaction::default(),
        required: true,
        memory: memory.whole(),
    };
    let address = ("ADDRESS".to_owned(), "me:hunter2hunter@host".to_owned());
    Recorder::new(config, String::new(), vec![address], Vec::new(), 0)
}

fn begin(recorder: &Recorder) -> Arc<Journal> {
    let now = Instant::now();
    let trace = RequestTrace::unknown(TraceId::random());
    let context = RequestContext::new(RequestId::random(), trace, now, now, true);
    let task = Arc::new(RequestTask::new(context));
    let request = http::Request::post("/?code=1");
    let request = request.header("authorization", "Bearer hunter2hunter");
    let request = request.body(()).unwrap();
    recorder.begin(&task, &request, Vec::new).unwrap()
}

/// Records what is written into a journal.
fn recorded(write: impl FnOnce(&Journal)) -> Recorded {
    let (sink, memory) = (Arc::default(), RecordingBudget::new(1 << 20));
    let journal = begin(&recorder(&sink, &memory, 1 << 20));
    let attached = journal.attach();
    write(attached.journal());
    drop(attached);
    sink.take().remove(0)
}

fn write(journal: &Journal, bytes: &[u8]) {
    let begun = journal.begin("write", |state| state.encoder.compared(bytes));
    journal.end(&begun.unwrap(), |_| Value::Null).unwrap();
}

fn read(journal: &Journal, bytes: &[u8]) -> wasmtime::Result<Vec<u8>> {
    let begun = journal.begin("read", |_| Value::Null)?;
    journal.end_read(&begun, bytes.to_vec())
}

#[test]
fn a_value_of_the_request_is_left_out_of_what_was_there_before_it() {
    let recorded = recorded(|_| ());
    let environment = &recorded.request.environment;
    assert_eq!(environment[0].1, "me:*************@host");
    assert_eq!(recorded.request.redacted, ["header authorization"]);
}

#[test]
fn a_recording_that_had_no_room_for_any_call_is_let_go() {
    let (sink, memory) = (Arc::default(), RecordingBudget::new(1 << 20));
    for (max_bytes, kept) in [(10, 0), (250, 1)] {
        let attached = begin(&recorder(&sink, &memory, max_bytes)).attach();
        write(attached.journal(), b"a");
        write(attached.journal(), &[255; 200]);
        drop(attached);
        let recorded = sink.take();
        assert_eq!(recorded.len(), kept, "{max_bytes}");
        assert!(recorded.iter().all(|it| it.truncated && it.calls == 1));
    }
}

#[test]
fn room_that_one_recording_has_is_none_for_another() {
    let (sink, memory) = (Arc::default(), RecordingBudget::new(1000));
    let recorder = recorder(&sink, &memory, 600);
    let [one, other] = [(); 2].map(|()| begin(&recorder).attach());
    assert!(one.journal().has_room(500));
    assert!(!other.journal().has_room(600));
    // It has ended there, and what it was about to write is gone.
    write(other.journal(), b"a");
    drop((one, other));
    let kept = sink.0.lock().unwrap();
    assert_eq!(kept.len(), 1);
    assert!(!kept[0].0.truncated);
    drop(kept);
    // What it had counts until it is written.
    let third = begin(&recorder).attach();
    assert!(!third.journal().has_room(600));
    sink.take();
    let fourth = begin(&recorder).attach();
    assert!(fourth.journal().has_room(600));
}

#[test]
fn what_is_read_is_compared_without_what_is_left_out_and_the_guest_gets_it_whole() {
    let found = [b"hunter2hunter...".as_slice(), &1.5_f32.to_le_bytes()].concat();
    let recorded = recorded(|journal| assert_eq!(read(journal, &found).unwrap(), found));
    assert!(recorded.data.starts_with(b"*************..."));

    let given = (
        "authorization".to_owned(),
        "Bearer hunter2hunter".to_owned(),
    );
    let replay = |tolerance: f32, found: &[u8]| {
        let given = [given.clone()];
        let replay = Replay::new(recorded.clone(), &given, Tolerance(tolerance)).unwrap();
        let read = read(&replay.journal().unwrap(), found);
        (read.ok(), replay.outcome())
    };
    for tolerance in [0.0, 1e-3] {
        let (read, outcome) = replay(tolerance, &found);
        assert_eq!(read.as_deref(), Some(&found[..]));
        assert_eq!((outcome.calls, outcome.tolerated), (1, 0));
    }
    let near = [b"hunter2hunter...".as_slice(), &1.5001_f32.to_le_bytes()].concat();
    let (read, outcome) = replay(1e-3, &near);
    assert_eq!(read.as_deref(), Some(&found[..]), "as recorded, and whole");
    assert_eq!(outcome.tolerated, 1);
    let (read, outcome) = replay(0.0, &near);
    assert!(read.is_none());
    let difference = outcome.difference.unwrap();
    assert_eq!(difference.found["first_difference_at"], 16);
}

#[test]
fn what_a_guest_sends_as_a_credential_is_left_out_of_what_follows_in_both() {
    let mut headers = http::HeaderMap::new();
    headers.insert("set-cookie", "session=abcdefghijkl".parse().unwrap());
    let calls = |journal: &Journal| -> wasmtime::Result<()> {
        let begun = journal.begin("respond", |state| {
            state.encoder.headers(&headers, Sender::Guest)
        })?;
        journal.end(&begun, |_| Value::Null)?;
        let begun = journal.begin("handle", |state| {
            state.encoder.target("/?api_token=mno%20pqr")
        })?;
        journal.end(&begun, |_| Value::Null)?;
        let begun = journal.begin("write", |state| {
            state.encoder.compared(b"<abcdefghijkl, mno pqr>")
        })?;
        journal.end(&begun, |_| json!({ "error": { "failed": "abcdefghijkl" } }))
    };
    let recorded = recorded(|journal| calls(journal).unwrap());
    assert_eq!(recorded.data, b"<************, *******>");
    assert!(!String::from_utf8_lossy(&recorded.journal).contains("abcdefghijkl"));
    let replay = Replay::new(recorded, &[], Tolerance::default()).unwrap();
    calls(&replay.journal().unwrap()).unwrap();
    assert_eq!(replay.outcome().calls, 3);
}
