//! What can't be recorded is said at the start; what is no recording, or not whole, is refused by name.

use std::fs;

use tempfile::TempDir;
use tensor_wasm_tests::{Serve, guest};

use super::{Recorded, replay};

#[track_caller]
fn assert_refused(recording: &std::path::Path, options: &[&str], why: &[&str]) {
    let output = replay(recording, options);
    assert_eq!(output.code, Some(1), "{output:?}");
    for text in why {
        assert!(output.stderr.contains(text), "{text}: {output:?}");
    }
}

#[test]
fn a_component_whose_requests_can_t_be_replayed_is_not_served_with_record() {
    let folder = TempDir::new().unwrap();
    let refused = |serve: Serve| {
        let output = serve.arg("--record").arg(folder.path()).refused();
        assert_eq!(output.code, Some(1), "{output:?}");
        output.stderr
    };
    let p3 = refused(Serve::new(guest("p3_hello")));
    assert!(p3.contains("build it for WASI 0.2"), "{p3}");
    let reused = refused(Serve::new(guest("hello")).arg("--reuse=2"));
    assert!(reused.contains("--reuse 1"), "{reused}");
    let decides = refused(Serve::new(guest("application_decides")));
    assert!(decides.contains("--policy"), "{decides}");
    // One that can't be served at all is no component of recordings either.
    let empty = folder.path().join("empty.wasm");
    fs::write(&empty, b"\0asm\x0d\0\x01\0").unwrap();
    refused(Serve::new(empty));
    let kept = fs::read_dir(folder.path().join("components")).unwrap();
    assert_eq!(kept.count(), 0);
}

#[test]
fn a_directory_that_can_t_be_written_is_refused_at_the_start() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let output = Serve::new(guest("hello"))
        .arg("--record")
        .arg(&file)
        .refused();
    assert!(
        output.stderr.contains("can't record requests in"),
        "{output:?}"
    );
}

#[test]
fn a_file_that_is_no_whole_recording_is_refused_by_name() {
    let recorded = Recorded::all("looks_around", &[]);
    recorded.server.get("/");
    let recording = recorded.recording();
    let file = fs::read(&recording).unwrap();
    let damaged = recorded.folder.path().join("damaged");
    let write = |bytes: &[u8]| fs::write(&damaged, bytes).unwrap();

    assert_refused(
        &recorded.folder.path().join("none"),
        &[],
        &["can't read", "none"],
    );
    write(b"not a recording");
    assert_refused(&damaged, &[], &["damaged can't be used", "no snapshot"]);
    for length in [0, 8, 159, 160, 500, file.len() - 1] {
        write(&file[..length]);
        assert_refused(&damaged, &[], &["can't be used"]);
    }
    for at in [9, 60, 150, 170, file.len() - 3] {
        let mut changed = file.clone();
        changed[at] ^= 1;
        write(&changed);
        assert_refused(&damaged, &[], &["can't be used"]);
    }
    let mut newer = file.clone();
    newer[8] = 9;
    write(&newer);
    assert_refused(&damaged, &[], &["format version 9", "use a newer one"]);
    // The component is looked for by its digest alone.
    fs::remove_dir_all(recorded.folder.path().join("components")).unwrap();
    assert_refused(&recording, &[], &["--component"]);
}
