//! The file format: what is written is read again, files of each version are read for ever, and
//! nothing else is read.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::path::Path;

use proptest::prelude::*;
use tensor_wasm_snapshot::limits::CHUNK_BYTES;
use tensor_wasm_snapshot::{
    Asset, Chunk, Chunker, Content, Decoder, Error, Event, Job, Keys, Manifest, Secret, SecretsKey,
    Signature, header, verify,
};

const HMAC_KEY: &[u8] = b"the key of the golden files of snapshots";

/// A private key of Ed25519, as `openssl genpkey -algorithm ed25519 -outform DER` writes it.
fn signing_key() -> Vec<u8> {
    let prefix = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    [&prefix[..], &[7; 32]].concat()
}

/// Bytes that look random, and are the same each time.
fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    (0..count).map(|_| next()).collect()
}

/// A snapshot with something of everything, and more than one chunk of it.
fn sample() -> (Manifest, Vec<Chunk>) {
    sample_of(&noise(2, CHUNK_BYTES + 5), CHUNK_BYTES)
}

/// The same with these bytes on the device, in chunks of this size.
fn sample_of(state: &[u8], size: usize) -> (Manifest, Vec<Chunk>) {
    let mut chunker = Chunker::default();
    let mut chunks = Vec::new();
    let mut add_in = |chunker: &mut Chunker, bytes: &[u8], size: usize| {
        for piece in bytes.chunks(size) {
            let chunk = chunker.add(piece).unwrap();
            let is_known = |known: &Chunk| known.entry == chunk.entry;
            if !chunks.iter().any(is_known) {
                chunks.push(chunk);
            }
        }
        chunker.finish()
    };
    let component = add_in(&mut chunker, b"\0asm a component", CHUNK_BYTES);
    let asset = add_in(&mut chunker, &noise(1, 3000), CHUNK_BYTES);
    let state = add_in(&mut chunker, state, size);
    let mut add = |chunker: &mut Chunker, bytes: &[u8]| add_in(chunker, bytes, CHUNK_BYTES);
    let zeros = add(&mut chunker, &vec![0; 3 * CHUNK_BYTES]);
    let nothing = add(&mut chunker, b"");
    let body = add(&mut chunker, b"a request");
    let mut manifest = Manifest::example(state, chunker.into_entries());
    let version = &mut manifest.versions[0];
    version.component = component;
    version.assets = vec![Asset {
        path: "weights/model.bin".to_owned(),
        content: asset,
    }];
    for (name, content) in [("zeros", zeros), ("", nothing)] {
        version.buffers.push(tensor_wasm_snapshot::Buffer {
            name: name.to_owned(),
            content,
        });
    }
    let settings = [("greeting".to_owned(), "hello".to_owned())];
    manifest.settings = settings.into();
    let sealed = |text: Option<&str>| Secret {
        sealed: text.map(str::to_owned),
    };
    manifest.secrets = [
        ("known".to_owned(), sealed(Some("AAAA"))),
        ("unknown".to_owned(), sealed(None)),
    ]
    .into();
    manifest.function.outgoing_hosts = Some(vec!["example.com".to_owned()]);
    manifest.jobs = vec![Job {
        id: "job_1".to_owned(),
        method: "POST".to_owned(),
        uri: "/run?a=b".to_owned(),
        headers: vec![("content-type".to_owned(), "dGV4dA==".to_owned())],
        body,
        max_attempts: 3,
        backoff_ms: 1000,
        on_restart: "run".to_owned(),
        created_by: None,
    }];
    (manifest, chunks)
}

fn file_of(manifest: &Manifest, chunks: &[Chunk], keys: &Keys) -> Vec<u8> {
    let mut file = manifest.head(keys).unwrap();
    assert_eq!(
        manifest.file_bytes(file.len()),
        (file.len() + chunks.iter().map(|chunk| chunk.stored.len()).sum::<usize>()) as u64
    );
    for chunk in chunks {
        file.extend_from_slice(&chunk.stored);
    }
    file
}

fn hmac() -> Keys {
    Keys::default().with_hmac(HMAC_KEY).unwrap()
}

fn ed25519() -> Keys {
    Keys::default().with_signing_key(&signing_key()).unwrap()
}

/// The content of a buffer, from a file that is read in pieces of so many bytes.
fn read(file: &[u8], keys: &Keys, piece: usize) -> Result<(Manifest, Vec<Vec<u8>>), Error> {
    let mut decoder = Decoder::new(keys);
    let mut chunks = Vec::new();
    for piece in file.chunks(piece) {
        decoder.push(piece);
        while let Some(event) = decoder.next_event()? {
            if let Event::Chunk(place, chunk) = event {
                assert_eq!(place, chunks.len());
                chunks.push(chunk.unpack()?);
            }
        }
    }
    let (manifest, _) = decoder.finish()?;
    Ok((manifest, chunks))
}

fn content(content: &Content, chunks: &[Vec<u8>]) -> Vec<u8> {
    let places = content.chunks.iter();
    places
        .flat_map(|place| chunks[*place as usize].clone())
        .collect()
}

#[test]
fn what_is_written_is_read_in_any_pieces() {
    let (manifest, chunks) = sample();
    for keys in [Keys::default(), hmac(), ed25519()] {
        let file = file_of(&manifest, &chunks, &keys);
        for piece in [7919, CHUNK_BYTES, usize::MAX] {
            let (read, chunks) = read(&file, &keys, piece).unwrap();
            assert_eq!(read, manifest);
            let buffers = &read.versions[0].buffers;
            let state = content(&buffers[0].content, &chunks);
            assert_eq!(state, noise(2, CHUNK_BYTES + 5));
            let zeros = content(&buffers[1].content, &chunks);
            assert_eq!(zeros, vec![0; 3 * CHUNK_BYTES]);
        }
        let verified = verify(&file[..], &keys).unwrap();
        assert_eq!(verified.file_bytes, file.len() as u64);
    }
    // Equal chunks are in the file once.
    assert!(file_of(&manifest, &chunks, &Keys::default()).len() < 2 * CHUNK_BYTES);
}

#[test]
fn what_can_be_compressed_is_and_the_rest_takes_hardly_more_than_it_has() {
    let text = b"the quick brown fox ".repeat(CHUNK_BYTES / 20);
    let chunk = Chunk::pack(&text).unwrap();
    assert!(chunk.stored.len() < text.len() / 100);
    assert_eq!(chunk.unpack().unwrap(), text);
    let noise = noise(5, CHUNK_BYTES);
    let chunk = Chunk::pack(&noise).unwrap();
    assert!(chunk.stored.len() < noise.len() + 200);
    assert_eq!(chunk.unpack().unwrap(), noise);
    // Equal bytes are equal chunks, whoever makes them.
    assert_eq!(chunk.entry, Chunk::pack(&noise).unwrap().entry);
    assert!(Chunk::pack(&vec![0; 5 << 20]).is_err());
}

#[test]
fn files_of_each_version_of_the_format_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    // In chunks of a size that no writer takes today.
    let state = noise(2, 5000);
    let (manifest, chunks) = sample_of(&state, 2000);
    for (name, keys) in [
        ("v1-unsigned", Keys::default()),
        ("v1-hmac", hmac()),
        ("v1-ed25519", ed25519()),
    ] {
        let path = folder.join(format!("{name}.snapshot"));
        if std::env::var_os("WRITE_GOLDEN_FILES").is_some() && !path.exists() {
            std::fs::write(&path, file_of(&manifest, &chunks, &keys)).unwrap();
        }
        let file = std::fs::read(&path).unwrap();
        let verified = verify(&file[..], &keys).unwrap();
        assert_eq!(verified.manifest.versions[0].buffers.len(), 3);
        let (read, parts) = read(&file, &keys, 4096).unwrap();
        let version = &read.versions[0];
        assert_eq!(content(&version.component, &parts), b"\0asm a component");
        assert_eq!(content(&version.assets[0].content, &parts), noise(1, 3000));
        assert_eq!(content(&version.buffers[0].content, &parts), state);
        assert_eq!(version.buffers[1].content.bytes, 3 * CHUNK_BYTES as u64);
        assert_eq!(content(&read.jobs[0].body, &parts), b"a request");
        assert_eq!(read.settings["greeting"], "hello");
        assert_eq!(read.function.name, "example");
        assert_eq!(read.tenant, 7);
        match name {
            "v1-unsigned" => assert_eq!(verified.signature, Signature::None),
            _ => assert!(matches!(verified.signature, Signature::Trusted { .. })),
        }
    }
}

#[test]
fn a_file_that_ends_too_early_is_refused_wherever_it_ends() {
    let (manifest, chunks) = sample();
    let file = file_of(&manifest, &chunks, &hmac());
    let mut ends = vec![
        0,
        1,
        7,
        8,
        header::BYTES - 1,
        header::BYTES,
        header::BYTES + 9,
    ];
    let mut end = file.len() - manifest.stored_bytes() as usize;
    for chunk in &chunks {
        ends.extend([end - 1, end, end + 1]);
        end += chunk.stored.len();
    }
    ends.push(end - 1);
    assert_eq!(end, file.len());
    for end in ends {
        let error = verify(&file[..end], &hmac()).unwrap_err();
        let Error::Truncated { at, missing } = error else {
            panic!("{end}: {error}");
        };
        assert_eq!(at, end as u64);
        assert!(missing > 0);
    }
    let longer = [&file[..], b"x"].concat();
    let error = verify(&longer[..], &hmac()).unwrap_err();
    assert!(matches!(error, Error::TooLong { at } if at == file.len() as u64));
}

#[test]
fn a_file_with_any_byte_of_its_header_changed_is_refused() {
    let (manifest, chunks) = sample();
    for keys in [Keys::default(), hmac(), ed25519()] {
        let mut file = file_of(&manifest, &chunks, &keys);
        for byte in 0..header::BYTES {
            for bit in [1, 0x80] {
                file[byte] ^= bit;
                for reader in [&keys, &Keys::default()] {
                    let error = verify(&file[..], reader).unwrap_err();
                    assert!(!matches!(error, Error::Io(_)), "{byte}: {error}");
                }
                file[byte] ^= bit;
            }
        }
    }
}

#[test]
fn a_file_with_a_byte_of_manifest_or_chunk_changed_is_refused() {
    let (manifest, chunks) = sample();
    let mut file = file_of(&manifest, &chunks, &Keys::default());
    for byte in (header::BYTES..file.len()).step_by(file.len() / 200) {
        file[byte] ^= 0x10;
        let error = verify(&file[..], &Keys::default()).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{byte}: {error}");
        file[byte] ^= 0x10;
    }
}

#[test]
fn a_newer_file_is_refused_by_name() {
    let (manifest, chunks) = sample();
    let mut file = file_of(&manifest, &chunks, &Keys::default());
    file[8] = 5;
    let error = verify(&file[..], &Keys::default()).unwrap_err();
    assert!(matches!(error, Error::Newer { found: 5 }));
    let text = error.to_string();
    assert!(
        text.contains("format version 5") && text.contains("use a newer"),
        "{text}"
    );
    for other in [&b"\x7fELF"[..], b"#!/bin/sh\n", &[0; 500]] {
        let error = verify(other, &Keys::default()).unwrap_err();
        assert!(matches!(error, Error::NotASnapshot), "{error}");
    }
}

#[test]
fn a_signature_is_required_where_a_key_is_given_and_has_to_be_by_one_that_is_trusted() {
    let (manifest, chunks) = sample();
    let file = |keys: &Keys| file_of(&manifest, &chunks, keys);
    let check = |file: &[u8], keys: &Keys| verify(file, keys).map(|verified| verified.signature);
    let other = Keys::default().with_hmac(&[b'x'; 32]).unwrap();
    for keys in [&hmac(), &ed25519(), &other] {
        let unsigned = check(&file(&Keys::default()), keys);
        assert!(matches!(unsigned, Err(Error::Unsigned)));
        let signature = check(&file(keys), &Keys::default()).unwrap();
        assert!(matches!(signature, Signature::Unknown { .. }));
    }
    for (signed_by, reader) in [
        (&hmac(), &ed25519()),
        (&ed25519(), &hmac()),
        (&hmac(), &other),
    ] {
        let error = check(&file(signed_by), reader).unwrap_err();
        assert!(matches!(error, Error::OtherKey { .. }), "{error}");
    }
    // Whoever knows the public key alone can check, and can't sign.
    let key = check(&file(&ed25519()), &ed25519()).unwrap();
    let public = Keys::default().with_trusted(key.key().unwrap()).unwrap();
    assert_eq!(check(&file(&ed25519()), &public).unwrap(), key);
    assert!(matches!(
        check(&file(&public), &public),
        Err(Error::Unsigned)
    ));
    let required = Keys::default().requiring_a_signature();
    assert!(matches!(
        check(&file(&required), &required),
        Err(Error::Unsigned)
    ));
    assert!(Keys::default().with_hmac(&[1; 31]).is_err());
    assert!(Keys::default().with_signing_key(b"no key").is_err());
    assert!(Keys::default().with_trusted("abc").is_err());
}

/// A file of a manifest that no writer makes: its digest, and so its header, are right.
fn forged(change: impl FnOnce(&mut serde_json::Value), chunks: &[Chunk]) -> Vec<u8> {
    let (manifest, _) = sample();
    let mut value = serde_json::to_value(&manifest).unwrap();
    change(&mut value);
    let text = serde_json::to_vec(&value).unwrap();
    let header = header::Header {
        version: 1,
        algorithm: 0,
        manifest_bytes: text.len() as u32,
        manifest_digest: *blake3::hash(&text).as_bytes(),
        key_id: [0; 32],
        signature: [0; 64],
    };
    let mut file = header.encode().to_vec();
    file.extend_from_slice(&text);
    for chunk in chunks {
        file.extend_from_slice(&chunk.stored);
    }
    file
}

fn refused(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let (_, chunks) = sample();
    let error = verify(&forged(change, &chunks)[..], &Keys::default()).unwrap_err();
    assert!(matches!(error, Error::Manifest { .. }), "{error}");
    error.to_string()
}

#[test]
fn a_chunk_that_decompresses_to_more_than_it_says_is_refused() {
    let (_, mut chunks) = sample();
    let bomb = Chunk::pack(&vec![0; CHUNK_BYTES]).unwrap();
    assert!(bomb.stored.len() < 100);
    // It says that it has as many bytes as the chunk in whose place it is.
    let (digest, stored) = (bomb.entry.digest, bomb.stored.len());
    chunks[0].stored = bomb.stored;
    let place = |value: &mut serde_json::Value| {
        value["chunks"][0]["digest"] = digest.clone().into();
        value["chunks"][0]["stored"] = stored.into();
    };
    let error = verify(&forged(place, &chunks)[..], &Keys::default());
    // The zeros are in the file as another chunk.
    assert!(matches!(error, Err(Error::Manifest { .. })));
    let unique = Chunk::pack(&vec![1; CHUNK_BYTES]).unwrap();
    let (digest, stored) = (unique.entry.digest, unique.stored.len());
    chunks[0].stored = unique.stored;
    let place = |value: &mut serde_json::Value| {
        value["chunks"][0]["digest"] = digest.clone().into();
        value["chunks"][0]["stored"] = stored.into();
    };
    let error = verify(&forged(place, &chunks)[..], &Keys::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("does not decompress to 16 bytes"),
        "{error}"
    );
    let text = refused(|value| value["chunks"][0]["bytes"] = u32::MAX.into());
    assert!(text.contains("has at most"), "{text}");
    let text = refused(|value| value["chunks"][0]["stored"] = (64 << 20).into());
    assert!(text.contains("has at most"), "{text}");
}

#[test]
fn a_path_that_leaves_its_folder_is_refused() {
    for path in [
        "../x",
        "/etc/passwd",
        "a/../../b",
        "a//b",
        "./a",
        "a\\b",
        "",
        "a\0b",
        "a/",
    ] {
        let text = refused(|value| value["versions"][0]["assets"][0]["path"] = path.into());
        assert!(text.contains("can't be"), "{path}: {text}");
    }
}

#[test]
fn a_manifest_that_says_what_no_writer_says_is_refused() {
    let text = refused(|value| value["versions"][0]["weight"] = 99.into());
    assert!(text.contains("99 percent"), "{text}");
    let text = refused(|value| value["more"] = 1.into());
    assert!(text.contains("unknown field `more`"), "{text}");
    let text = refused(|value| value["versions"][0]["component"]["bytes"] = 1.into());
    assert!(text.contains("its chunks have 16"), "{text}");
    let text = refused(|value| value["versions"][0]["component"]["chunks"][0] = 999.into());
    assert!(text.contains("a chunk that is none"), "{text}");
    let text = refused(|value| value["versions"][0]["buffers"][1]["name"] = "state".into());
    assert!(text.contains("twice"), "{text}");
    let text = refused(|value| value["settings"]["known"] = "x".into());
    assert!(text.contains("`known` is a secret and none"), "{text}");
    let text = refused(|value| value["jobs"][0]["on_restart"] = "perhaps".into());
    assert!(text.contains("job"), "{text}");
    let text = refused(|value| {
        value["versions"][0]["component"]["digest"] = format!("blake3:{:064x}", 1).into();
    });
    assert!(text.contains("not what its chunks make up"), "{text}");
}

#[test]
fn a_secret_is_opened_by_its_key_and_for_what_it_is_of() {
    let key = SecretsKey::new(&[3; 32]).unwrap();
    let sealed = key.seal("fn_1", "KEY", "hush").unwrap();
    assert_eq!(*key.open("fn_1", "KEY", &sealed).unwrap(), "hush");
    let other = SecretsKey::new(&[4; 32]).unwrap();
    for (key, function, name) in [
        (&other, "fn_1", "KEY"),
        (&key, "fn_2", "KEY"),
        (&key, "fn_1", "X"),
    ] {
        let error = key.open(function, name, &sealed).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    assert!(key.open("fn_1", "KEY", "no base64").is_err());
    assert!(key.open("fn_1", "KEY", "").is_err());
    assert!(SecretsKey::new(&[0; 31]).is_err());
}

/// What fuzzing has found, by `cargo xtask fuzz snapshot`.
#[test]
fn inputs_on_which_fuzzing_failed_are_read_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/regressions/snapshot");
    let mut inputs = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let input = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(verify(&input[..], &Keys::default()).is_err());
        inputs += 1;
    }
    assert!(inputs > 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is done to a file, it is read as it was, or refused.
    #[test]
    fn a_file_that_was_changed_is_refused(
        seed in any::<u64>(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let mut chunker = Chunker::default();
        let (state, chunks) = chunker.add_all(&noise(seed, 5000)).unwrap();
        let manifest = Manifest::example(state, chunker.into_entries());
        let file = file_of(&manifest, &chunks, &hmac());
        let mut changed = file.clone();
        for (at, byte) in changes {
            let at = at.index(changed.len());
            changed[at] = byte;
        }
        if let Some(cut) = cut {
            changed.truncate(cut.index(changed.len()));
        }
        match verify(&changed[..], &hmac()) {
            Ok(verified) => {
                prop_assert_eq!(&changed, &file);
                prop_assert_eq!(verified.manifest, manifest);
            }
            Err(_) => prop_assert_ne!(&changed, &file),
        }
    }

    /// Any bytes are refused.
    #[test]
    fn bytes_that_are_no_snapshot_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(verify(&bytes[..], &Keys::default()).is_err());
        let marked = [&header::MAGIC[..], &bytes].concat();
        prop_assert!(verify(&marked[..], &Keys::default()).is_err());
    }
}
