//! Invalid inputs of `serve` and `compose`: files that are not components, and components
//! that this host cannot serve. The error names the file, each problem, and a remedy.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tensor_wasm_tests::{Output, Serve, guest, run};

/// Serves a file that must be refused.
fn refused(contents: impl AsRef<[u8]>) -> Output {
    let folder = TempDir::new().unwrap();
    let output = Serve::new(file(&folder, "candidate.wasm", contents)).refused();
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    assert!(output.stderr.starts_with("error: "), "{}", output.stderr);
    assert!(
        output.stderr.contains("candidate.wasm"),
        "{}",
        output.stderr
    );
    assert!(!output.stderr.contains("panicked"), "{}", output.stderr);
    output
}

fn file(folder: &TempDir, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, contents).unwrap();
    path
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[test]
fn a_file_that_is_not_webassembly_is_refused() {
    for contents in ["", "hello", "\0asm", "\0asm\x07\0\x03\0"] {
        let output = refused(contents);
        assert!(output.stderr.contains("component"), "{}", output.stderr);
    }
    refused(
        (0..4096u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8)
            .collect::<Vec<_>>(),
    );
}

#[test]
fn a_core_module_is_refused_with_instructions_to_build_a_component() {
    let output = refused(component("(module (func (export \"run\")))"));
    assert!(output.stderr.contains("core module"), "{}", output.stderr);
    assert!(output.stderr.contains("wasm32-wasip2"), "{}", output.stderr);
}

#[test]
fn a_truncated_component_is_refused_wherever_it_ends() {
    let whole = fs::read(guest("hello")).unwrap();
    for part in [9, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        refused(&whole[..part]);
    }
}

#[test]
fn a_component_with_flipped_bytes_never_crashes_the_server() {
    let whole = fs::read(guest("hello")).unwrap();
    let folder = TempDir::new().unwrap();
    for place in (8..whole.len()).step_by(whole.len() / 12) {
        let mut changed = whole.clone();
        changed[place] ^= 0x55;
        let path = file(&folder, "changed.wasm", changed);
        let output = run([Path::new("inspect"), &path]);
        assert!(
            matches!(output.code, Some(0 | 1)),
            "{place}: {}",
            output.stderr
        );
        assert!(!output.stderr.contains("panicked"), "{}", output.stderr);
    }
}

#[test]
fn every_import_that_the_host_lacks_is_named_in_one_error() {
    let output = refused(component(
        r#"(component
            (import "acme:database/sql@1.0.0" (instance))
            (import "acme:queue/jobs@2.1.0" (instance))
            (import "wasi:io/telepathy@0.2.0" (instance)))"#,
    ));
    for import in [
        "acme:database/sql@1.0.0",
        "acme:queue/jobs@2.1.0",
        "wasi:io/telepathy@0.2.0",
    ] {
        assert!(output.stderr.contains(import), "{}", output.stderr);
    }
}

#[test]
fn an_import_of_an_unknown_version_is_refused_and_the_supported_version_is_named() {
    let output = refused(component(
        r#"(component
            (import "tensor:gpu/kernels@0.9.0" (instance))
            (import "wasi:http/types@7.0.0" (instance)))"#,
    ));
    for text in [
        "tensor:gpu/kernels@0.9.0",
        "0.1",
        "wasi:http/types@7.0.0",
        "0.2",
    ] {
        assert!(output.stderr.contains(text), "{}", output.stderr);
    }
}

#[test]
fn an_import_with_the_wrong_type_is_refused() {
    refused(component(
        r#"(component
            (import "tensor:gpu/residency@0.1.0" (instance
                (export "release" (func (param "name" u32))))))"#,
    ));
}

#[test]
fn a_component_that_handles_no_requests_is_refused() {
    let output = refused(component("(component)"));
    assert!(
        output.stderr.contains("wasi:http/incoming-handler"),
        "{}",
        output.stderr
    );
    let output = Serve::new(guest("policy_without_handler")).refused();
    assert!(output.stderr.contains("wasi:cli/run"), "{}", output.stderr);
}

#[test]
fn a_policy_without_an_application_is_refused_with_instructions_to_compose_it() {
    let output = Serve::new(guest("policy_admits")).refused();
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("--policy"), "{}", output.stderr);
}

#[test]
fn a_missing_component_file_is_reported_by_name() {
    let output = Serve::new("no/such/component.wasm").refused();
    assert_eq!(output.code, Some(1));
    assert!(
        output.stderr.contains("no/such/component.wasm"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_failed_composition_writes_no_file() {
    let folder = TempDir::new().unwrap();
    let core = file(&folder, "core.wasm", component("(module)"));
    let text = file(&folder, "text.wasm", "not WebAssembly");
    let (hello, admits) = (guest("hello"), guest("policy_admits"));
    let target = folder.path().join("composed.wasm");
    for (policy, application, told) in [
        (guest("policy_without_handler"), &hello, "incoming-handler"),
        (hello.clone(), &hello, "incoming-handler"),
        (core.clone(), &hello, "core module"),
        (text.clone(), &hello, "component"),
        (admits.clone(), &core, "core module"),
        (admits.clone(), &guest("policy_without_handler"), "handler"),
        (
            admits.clone(),
            &folder.path().join("missing.wasm"),
            "missing.wasm",
        ),
    ] {
        let output = run([
            Path::new("compose"),
            &policy,
            application,
            Path::new("-o"),
            &target,
        ]);
        assert_eq!(output.code, Some(1), "{policy:?} {application:?}");
        assert!(output.stderr.contains(told), "{}", output.stderr);
        assert!(!target.exists());
    }
}
