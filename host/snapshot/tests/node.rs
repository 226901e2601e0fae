//! The format of a node's own state: version 4, and version 2 before it. What is written is read again, files of it are read for
//! ever, and it is not mistaken for a function's.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::path::Path;

use proptest::prelude::*;
use tensor_wasm_snapshot::limits::CHUNK_BYTES;
use tensor_wasm_snapshot::{
    AuditPosition, Chunk, Chunker, Content, Decoder, Error, Event, FileManifest, KeptSnapshot,
    Keys, Manifest, NodeFunction, NodeManifest, Signature, verify, verify_as,
};

const HMAC_KEY: &[u8] = b"the key of the golden files of snapshots";

fn hmac() -> Keys {
    Keys::default().with_hmac(HMAC_KEY).unwrap()
}

const JOBS: &[u8] = b"{\"id\":\"job_1\",\"result_bytes\":3}\nabc\n";

fn sample(usage: &[u8], tokens: &[u8]) -> (NodeManifest, Vec<Chunk>) {
    let mut chunker = Chunker::default();
    let (usage, mut chunks) = chunker.add_all(usage).unwrap();
    let (jobs, of_jobs) = chunker.add_all(JOBS).unwrap();
    chunks.extend(of_jobs);
    let (tokens, more) = chunker.add_all(tokens).unwrap();
    chunks.extend(more);
    let function = |tenant, number: u32| NodeFunction {
        tenant,
        id: format!("fn_{number:032x}"),
        name: format!("function-{number}"),
    };
    let manifest = NodeManifest {
        program: "tensor-wasm 0.1.0".to_owned(),
        created_ms: 1_700_000_000_000,
        functions: vec![function(0, 1), function(7, 2)],
        snapshots: vec![KeptSnapshot {
            tenant: 7,
            id: "snap_0192".to_owned(),
            head: format!("blake3:{}", "cd".repeat(32)),
        }],
        usage,
        jobs,
        tokens,
        tokens_left_out: 1,
        audit: Some(AuditPosition {
            seq: 41,
            hash: "ab".repeat(32),
        }),
        chunks: chunker.into_entries(),
    };
    (manifest, chunks)
}

fn file_of(manifest: &NodeManifest, chunks: &[Chunk], keys: &Keys) -> Vec<u8> {
    let mut file = manifest.head(keys).unwrap();
    for chunk in chunks {
        file.extend_from_slice(&chunk.stored);
    }
    file
}

/// The manifest, and the contents of all chunks.
fn read(file: &[u8], keys: &Keys) -> Result<(NodeManifest, Vec<Vec<u8>>), Error> {
    let mut decoder = Decoder::<_, NodeManifest>::of(keys);
    let mut chunks = Vec::new();
    decoder.push(file);
    while let Some(event) = decoder.next_event()? {
        if let Event::Chunk(_, chunk) = event {
            chunks.push(chunk.unpack()?);
        }
    }
    Ok((decoder.finish()?.0, chunks))
}

#[test]
fn what_is_written_is_read() {
    let usage = b"{\"hour\":1}\n".repeat(CHUNK_BYTES / 5);
    let (manifest, chunks) = sample(&usage, b"alice blake3:00:00\n");
    let file = file_of(&manifest, &chunks, &hmac());
    let (found, parts) = read(&file, &hmac()).unwrap();
    assert_eq!(found, manifest);
    let places = manifest.usage.chunks.iter();
    let found: Vec<u8> = places
        .flat_map(|place| parts[*place as usize].clone())
        .collect();
    assert_eq!(found, usage);
}

#[test]
fn files_of_each_version_of_the_format_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let (usage, tokens) = (&b"{\"hour\":1}\n"[..], &b"alice blake3:00:00\n"[..]);
    for (name, keys) in [
        ("v2-unsigned", Keys::default()),
        ("v2-hmac", hmac()),
        ("v4-unsigned", Keys::default()),
        ("v4-hmac", hmac()),
    ] {
        let (mut manifest, chunks) = sample(usage, tokens);
        let path = folder.join(format!("{name}.snapshot"));
        if std::env::var_os("WRITE_GOLDEN_FILES").is_some() && !path.exists() {
            std::fs::write(&path, file_of(&manifest, &chunks, &keys)).unwrap();
        }
        let file = std::fs::read(&path).unwrap();
        let verified = verify_as::<NodeManifest>(&file[..], &keys).unwrap();
        let (_, parts) = read(&file, &keys).unwrap();
        if name.starts_with("v2") {
            // It has no jobs and no snapshots.
            manifest.snapshots.clear();
            manifest.jobs = Content {
                digest: format!("blake3:{}", blake3::hash(b"").to_hex()),
                bytes: 0,
                chunks: Vec::new(),
            };
            manifest.chunks.remove(1);
            manifest.tokens.chunks = vec![1];
            assert_eq!(parts, [usage, tokens]);
        } else {
            assert_eq!(parts, [usage, JOBS, tokens]);
        }
        assert_eq!(verified.manifest, manifest);
        match name.ends_with("unsigned") {
            true => assert_eq!(verified.signature, Signature::None),
            false => assert!(matches!(verified.signature, Signature::Trusted { .. })),
        }
    }
}

#[test]
fn a_manifest_of_one_version_is_not_read_as_of_the_other() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (name, version) in [("v2-unsigned", 4_u8), ("v4-unsigned", 2)] {
        let mut file = std::fs::read(folder.join(format!("{name}.snapshot"))).unwrap();
        file[8] = version;
        let checksum = blake3::hash(&file[..144]);
        file[144..160].copy_from_slice(&checksum.as_bytes()[..16]);
        let error = verify_as::<NodeManifest>(&file[..], &Keys::default()).unwrap_err();
        assert!(matches!(error, Error::Manifest { .. }), "{error}");
    }
}

#[test]
fn the_state_of_a_node_and_a_function_are_not_taken_for_each_other() {
    let (node, chunks) = sample(b"", b"");
    let error = verify(&file_of(&node, &chunks, &hmac())[..], &hmac()).unwrap_err();
    assert!(
        error.to_string().contains("is the state of a node"),
        "{error}"
    );
    let mut chunker = Chunker::default();
    let (state, _) = chunker.add_all(b"state").unwrap();
    let function = Manifest::example(state, chunker.into_entries());
    let error = verify_as::<NodeManifest>(&function.head(&hmac()).unwrap()[..], &hmac());
    let error = error.unwrap_err();
    assert!(
        error.to_string().contains("is a snapshot of a function"),
        "{error}"
    );
}

#[test]
fn a_manifest_that_says_what_no_writer_says_is_refused() {
    let refused = |change: fn(&mut NodeManifest)| {
        let (mut manifest, _) = sample(b"usage", b"tokens");
        change(&mut manifest);
        let error = manifest.head(&Keys::default()).unwrap_err();
        assert!(matches!(error, Error::Manifest { .. }), "{error}");
        error.to_string()
    };
    let text = refused(|manifest| manifest.functions[1].id = manifest.functions[0].id.clone());
    assert!(text.contains("twice"), "{text}");
    let text = refused(|manifest| manifest.functions[0].name = "a\nb".to_owned());
    assert!(text.contains("can't be the name"), "{text}");
    let text = refused(|manifest| manifest.usage.bytes += 1);
    assert!(text.contains("its chunks have 5"), "{text}");
    let text = refused(|manifest| manifest.tokens.chunks = Vec::new());
    assert!(text.contains("its chunks have 0"), "{text}");
    let text = refused(|manifest| manifest.snapshots[0].head.clear());
    assert!(text.contains("has no digest"), "{text}");
    let text = refused(|manifest| manifest.snapshots.push(manifest.snapshots[0].clone()));
    assert!(text.contains("twice"), "{text}");
    let text = refused(|manifest| {
        if let Some(audit) = &mut manifest.audit {
            audit.hash.pop();
        }
    });
    assert!(text.contains("has no hash"), "{text}");
}

#[test]
fn reading_goes_on_behind_any_chunk_that_was_read_before() {
    let usage: Vec<u8> = (0..3 * CHUNK_BYTES + 5).map(|i| (i / 3000) as u8).collect();
    let (manifest, chunks) = sample(&usage, b"tokens");
    let keys = hmac();
    let file = file_of(&manifest, &chunks, &keys);
    let head = manifest.head(&keys).unwrap();
    for read in 0..=chunks.len() {
        let mut decoder = Decoder::<_, NodeManifest>::resume(&keys, &head, read).unwrap();
        assert_eq!(decoder.chunks_read(), read);
        let at = decoder.arrived() as usize;
        decoder.push(&file[at..]);
        let mut places = Vec::new();
        while let Some(event) = decoder.next_event().unwrap() {
            if let Event::Chunk(place, _) = event {
                places.push(place);
            }
        }
        assert_eq!(places, (read..chunks.len()).collect::<Vec<_>>());
        decoder.finish().unwrap();
    }
    for (head, read) in [(&head[..], chunks.len() + 1), (&head[..head.len() - 1], 0)] {
        assert!(Decoder::<_, NodeManifest>::resume(&keys, head, read).is_err());
    }
    let other = Keys::default().with_hmac(&[b'x'; 32]).unwrap();
    assert!(Decoder::<_, NodeManifest>::resume(&other, &head, 0).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is done to a file, it is read as it was, or refused.
    #[test]
    fn a_file_that_was_changed_is_refused(
        usage in proptest::collection::vec(any::<u8>(), 0..2000),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let (manifest, chunks) = sample(&usage, b"tokens");
        let file = file_of(&manifest, &chunks, &hmac());
        let mut changed = file.clone();
        for (at, byte) in changes {
            let at = at.index(changed.len());
            changed[at] = byte;
        }
        if let Some(cut) = cut {
            changed.truncate(cut.index(changed.len()));
        }
        match verify_as::<NodeManifest>(&changed[..], &hmac()) {
            Ok(verified) => {
                prop_assert_eq!(&changed, &file);
                prop_assert_eq!(verified.manifest, manifest);
            }
            Err(_) => prop_assert_ne!(&changed, &file),
        }
    }
}
