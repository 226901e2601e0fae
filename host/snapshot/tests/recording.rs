//! The format of a recorded request: version 3. What is written is read again, files of it are read for
//! ever, and nothing else is taken for one.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::path::Path;

use proptest::prelude::*;
use tensor_wasm_snapshot::{
    Chunk, Chunker, Decoder, Error, Event, FileManifest, Keys, RecordedDevice, RecordedEnding,
    RecordingManifest, verify, verify_as,
};

fn sample(journal: &[u8], data: &[u8]) -> (RecordingManifest, Vec<Chunk>) {
    let mut chunker = Chunker::default();
    let (journal, mut chunks) = chunker.add_all(journal).unwrap();
    let (data, more) = chunker.add_all(data).unwrap();
    chunks.extend(more);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let manifest = RecordingManifest {
        program: "tensor-wasm 0.1.0".to_owned(),
        created_ms: 1_700_000_000_000,
        request_id: "request-1".to_owned(),
        tenant: Some(7),
        function: Some("fn_00000000000000000000000000000001".to_owned()),
        component: format!("blake3:{}", "ab".repeat(32)),
        device: Some(RecordedDevice {
            backend: "cpu".to_owned(),
            name: "processor".to_owned(),
        }),
        method: "POST".to_owned(),
        target: "http://localhost/run?a=b".to_owned(),
        headers: vec![pair("host", "bG9jYWxob3N0")],
        environment: vec![pair("MODE", "fast")],
        settings: vec![pair("greeting", "hello"), pair("api-token", "*****")],
        directories: vec!["/models".to_owned()],
        memory_bytes: 1 << 30,
        seed: "0f".repeat(32),
        redacted_names: vec!["x-api-key".to_owned()],
        redacted: vec!["setting api-token".to_owned()],
        ending: RecordedEnding {
            status: Some(500),
            error: None,
            trap: None,
            complete: true,
        },
        truncated: false,
        calls: 1,
        journal,
        data,
        chunks: chunker.into_entries(),
    };
    (manifest, chunks)
}

const CALLS: &[u8] =
    b"{\"call\":\"wasi:clocks/wall-clock#now\",\"arguments\":null,\"result\":[1,2]}\n";

fn file_of(manifest: &RecordingManifest, chunks: &[Chunk]) -> Vec<u8> {
    let mut file = manifest.head(&Keys::default()).unwrap();
    for chunk in chunks {
        file.extend_from_slice(&chunk.stored);
    }
    file
}

fn read(file: &[u8]) -> Result<RecordingManifest, Error> {
    Ok(verify_as::<RecordingManifest>(file, &Keys::default())?.manifest)
}

#[test]
fn a_recording_is_read_as_it_was_written() {
    let (manifest, chunks) = sample(CALLS, &[7; 3000]);
    assert_eq!(read(&file_of(&manifest, &chunks)).unwrap(), manifest);
}

#[test]
fn recordings_of_each_version_of_the_format_are_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v3-unsigned.recording");
    let (manifest, chunks) = sample(CALLS, b"the body of the request");
    if std::env::var_os("WRITE_GOLDEN_FILES").is_some() && !path.exists() {
        std::fs::write(&path, file_of(&manifest, &chunks)).unwrap();
    }
    let file = std::fs::read(&path).unwrap();
    assert_eq!(read(&file).unwrap(), manifest);
    let keys = Keys::default();
    let mut decoder = Decoder::<_, RecordingManifest>::of(&keys);
    decoder.push(&file);
    let mut parts = Vec::new();
    while let Some(event) = decoder.next_event().unwrap() {
        if let Event::Chunk(_, chunk) = event {
            parts.push(chunk.unpack().unwrap());
        }
    }
    assert_eq!(parts, [CALLS, b"the body of the request"]);
}

#[test]
fn a_recording_that_is_cut_short_or_changed_is_refused() {
    let (manifest, chunks) = sample(CALLS, b"the body of the request");
    let file = file_of(&manifest, &chunks);
    for length in 0..file.len() {
        assert!(read(&file[..length]).is_err(), "{length} bytes");
    }
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 0x10;
        assert!(read(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn a_recording_and_a_snapshot_are_not_taken_for_each_other() {
    let (manifest, chunks) = sample(CALLS, b"");
    let error = verify(&file_of(&manifest, &chunks)[..], &Keys::default()).unwrap_err();
    assert!(
        error.to_string().contains("is the recording of a request"),
        "{error}"
    );
}

#[test]
fn what_no_recorder_writes_is_refused() {
    let (right, _) = sample(CALLS, b"");
    let refused = |change: &dyn Fn(&mut RecordingManifest)| {
        let mut wrong = right.clone();
        change(&mut wrong);
        wrong.head(&Keys::default()).unwrap_err().to_string()
    };
    let component = refused(&|manifest| manifest.component = "../../etc/passwd".to_owned());
    assert!(component.contains("no digest"), "{component}");
    let seed = refused(&|manifest| manifest.seed = "0f".to_owned());
    assert!(seed.contains("seed"), "{seed}");
    let id = refused(&|manifest| manifest.request_id = "a\nb".to_owned());
    assert!(id.contains("name of the request"), "{id}");
    let long = refused(&|manifest| manifest.target = "x".repeat(5 << 20));
    assert!(long.contains("head and settings"), "{long}");
    // A content of many times the same chunk is no bomb.
    let bomb = refused(&|manifest| {
        let chunk = manifest.journal.chunks[0];
        let bytes = u64::from(manifest.chunks[chunk as usize].bytes);
        let times = (2 << 30) / bytes;
        manifest.journal.chunks = vec![chunk; times as usize];
        manifest.journal.bytes = bytes * times;
    });
    assert!(bomb.contains("read at most"), "{bomb}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_calls_and_bytes_are_read_as_they_were_written(
        journal in prop::collection::vec(any::<u8>(), 0..4000),
        data in prop::collection::vec(any::<u8>(), 0..4000),
    ) {
        let (manifest, chunks) = sample(&journal, &data);
        let mut file = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        file.extend(manifest.head(&Keys::default()).unwrap());
        for chunk in chunks.iter().filter(|chunk| seen.insert(chunk.entry.digest.clone())) {
            file.extend_from_slice(&chunk.stored);
        }
        prop_assert_eq!(read(&file).unwrap(), manifest);
    }

    #[test]
    fn bytes_that_are_no_recording_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read(&bytes).is_err());
    }
}
