//! The configuration file: `serve` with nothing but a file, and environment variables and
//! flags that override it.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tensor_wasm_tests::{Serve, component};

/// A configuration that serves `saxpy`, with these lines.
fn configured(lines: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tensor-wasm.toml");
    let component = component("saxpy");
    let text = format!(
        "component = '{}'\naddr = '127.0.0.1:0'\n{lines}\n",
        component.display()
    );
    fs::write(&path, text).unwrap();
    (folder, path)
}

const BODY: &str = r#"{"a": 2, "x": [1], "y": [1]}"#;

#[test]
fn serve_starts_with_nothing_but_a_file() {
    let (_folder, path) = configured("max-body-bytes = 64\nadmin = '127.0.0.1:0'");
    let server = Serve::configured(&path).start();
    assert!(server.start().component.starts_with("saxpy.wasm "));
    assert_eq!(server.post("/", BODY).status, 200);
    assert_eq!(server.post("/", vec![b' '; 65]).status, 413);
    assert_eq!(server.admin("/readyz").status, 200);
    server.log_with(&["configured", "tensor-wasm.toml"]);
}

#[test]
fn the_configuration_file_in_the_working_directory_is_found() {
    let (folder, _) = configured("gpu = 'deny'");
    let server = Serve::within(folder.path()).start();
    assert_eq!(server.start().device, "none: the GPU is denied");
}

#[test]
fn flags_override_environment_variables_which_override_the_file() {
    let (_folder, path) = configured("gpu = 'deny'");
    let device = |serve: Serve| serve.start().start().device.clone();
    let variable = |serve: Serve| serve.env("TENSOR_WASM_GPU", "cpu");
    assert!(device(variable(Serve::configured(&path))).starts_with("cpu: "));
    let flag = variable(Serve::configured(&path)).args(["--gpu", "deny"]);
    assert_eq!(device(flag), "none: the GPU is denied");
}

#[test]
fn an_invalid_configuration_file_stops_the_server_from_starting() {
    let (_folder, path) = configured("gpu = 'maybe'\nadr = 1");
    let refused = Serve::configured(&path).refused();
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    for word in [":3:7: ", "`maybe`", ":4:1: ", "did you mean `addr`?"] {
        assert!(refused.stderr.contains(word), "{word}: {}", refused.stderr);
    }
    assert_eq!(refused.stdout, "");
    let missing = Serve::configured(Path::new("/nowhere/tensor-wasm.toml")).refused();
    assert_eq!(missing.code, Some(1), "{}", missing.stderr);
}
