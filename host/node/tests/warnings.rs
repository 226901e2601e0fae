//! What the log says when tokens are read, by a subscriber of this test's own thread.

use std::fs;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tensor_wasm_node::tokens::Tokens;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// What was logged since the last call, line by line.
    fn lines(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

#[test]
fn what_an_operator_should_know_is_logged_without_a_token() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .with_writer(move || writer.clone())
        .finish();
    let _in_force = tracing::subscriber::set_default(subscriber);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens");
    let mode = |mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };

    Tokens::new(Some("long-enough-token-1:tenant=*"), None).unwrap();
    assert_eq!(
        log.lines(),
        [""; 0],
        "nothing to say of what is as it should be"
    );

    let tokens = Tokens::new(Some("long-enough-token-1,long-enough-token-2"), None).unwrap();
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "once, however many: {lines:?}");
    assert!(
        lines[0].trim_start().starts_with(
            "WARN bare bearer tokens in TENSOR_WASM_API_TOKENS are deprecated: \
             write token:tenant=* or token:tenant=1,2"
        ),
        "{lines:?}"
    );
    tokens.reload().unwrap();
    assert_eq!(log.lines(), [""; 0], "at the start only");

    fs::write(&path, "name:sEcReT\n").unwrap();
    mode(0o644);
    let tokens = Tokens::new(Some("sEcReT2:tenant=1"), Some(&path)).unwrap();
    let text = log.lines().join("\n");
    for word in [
        "entry 1 of TENSOR_WASM_API_TOKENS: a token of fewer than 16",
        "line 1 of the token file: a token of fewer than 16",
        "`chmod 600` it",
        &path.display().to_string(),
    ] {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
    assert!(!text.contains("sEcReT"), "{text}");

    mode(0o600);
    fs::write(&path, "").unwrap();
    tokens.reload().unwrap();
    let text = log.lines().join("\n");
    assert!(text.contains("holds no token"), "{text}");
    assert!(!text.contains("chmod"), "{text}");
}
