//! The memory of one instance: its linear memories, its tables, and what the host holds for it
//! share one limit.

use std::fs;

use tempfile::TempDir;
use tensor_wasm_tests::{Serve, Server, guest};

/// The most memory that the server's process has held, in bytes.
fn peak_bytes(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.unwrap().trim().strip_suffix("kB").unwrap().trim();
    kibibytes.parse::<u64>().unwrap() << 10
}

/// A request that makes the host hold this much more than an instance may is ended, and the
/// host never holds as much as it asks for.
fn assert_bounded(path: &str) {
    assert_bounded_of("hoards", path);
}

fn assert_bounded_of(name: &str, path: &str) {
    let server = Serve::new(guest(name))
        .arg("--max-memory-bytes=64MiB")
        .start();
    let before = peak_bytes(&server);
    server.get(path).assert_error(500, "trap");
    let held = peak_bytes(&server) - before;
    assert!(held < 256 << 20, "{path}: {held} bytes");
    server.log_with(&["its limit of memory, 67108864 bytes (`--max-memory-bytes`)"]);
    assert_eq!(server.get("/fields/2").text(), "2");
}

#[test]
fn outgoing_bodies_that_are_never_sent_count() {
    assert_bounded("/bodies/3000");
}

#[test]
fn lists_of_header_fields_count() {
    assert_bounded("/fields/16000");
}

#[test]
fn a_copy_of_a_list_of_header_fields_counts() {
    assert_bounded("/copies/16000");
}

#[test]
fn methods_of_requests_that_are_never_sent_count() {
    assert_bounded("/methods/8000");
}

#[test]
fn what_a_guest_of_wasi_0_3_has_the_host_hold_counts() {
    assert_bounded_of("p3_hoards", "/fields/16000");
    assert_bounded_of("p3_hoards", "/requests/16000");
}

#[test]
fn what_was_dropped_does_not_count() {
    let server = Serve::new(guest("hoards"))
        .args(["--max-memory-bytes=64MiB", "--reuse=1000"])
        .start();
    for _ in 0..3 {
        assert_eq!(server.get("/dropped/2000").text(), "2000");
        assert_eq!(server.get("/bodies/20").text(), "20");
    }
}

/// A handler of eight modules with a memory each, which it grows by 40 MiB each. It fails if it
/// got more than 64 MiB in all.
const EIGHT_MEMORIES: &str = r#"
(component
    (import "wasi:http/types@0.2.12" (instance $types
        (export "incoming-request" (type (sub resource)))
        (export "response-outparam" (type (sub resource)))))
    (alias export $types "incoming-request" (type $request))
    (alias export $types "response-outparam" (type $out))
    (core module $part
        (memory 0)
        (func (export "grow") (result i32)
            (drop (memory.grow (i32.const 640)))
            (memory.size)))
    (core module $all
        (import "a" "grow" (func $a (result i32))) (import "b" "grow" (func $b (result i32)))
        (import "c" "grow" (func $c (result i32))) (import "d" "grow" (func $d (result i32)))
        (import "e" "grow" (func $e (result i32))) (import "f" "grow" (func $f (result i32)))
        (import "g" "grow" (func $g (result i32))) (import "h" "grow" (func $h (result i32)))
        (func (export "handle") (param i32 i32)
            (if (i32.gt_u
                    (i32.add
                        (i32.add (i32.add (call $a) (call $b)) (i32.add (call $c) (call $d)))
                        (i32.add (i32.add (call $e) (call $f)) (i32.add (call $g) (call $h))))
                    (i32.const 1024))
                (then unreachable))))
    (core instance $a (instantiate $part)) (core instance $b (instantiate $part))
    (core instance $c (instantiate $part)) (core instance $d (instantiate $part))
    (core instance $e (instantiate $part)) (core instance $f (instantiate $part))
    (core instance $g (instantiate $part)) (core instance $h (instantiate $part))
    (core instance $i (instantiate $all
        (with "a" (instance $a)) (with "b" (instance $b))
        (with "c" (instance $c)) (with "d" (instance $d))
        (with "e" (instance $e)) (with "f" (instance $f))
        (with "g" (instance $g)) (with "h" (instance $h))))
    (func $handle (param "request" (own $request)) (param "response-out" (own $out))
        (canon lift (core func $i "handle")))
    (component $shim
        (import "request" (type $request (sub resource)))
        (import "out" (type $out (sub resource)))
        (import "handle" (func $handle
            (param "request" (own $request)) (param "response-out" (own $out))))
        (export "handle" (func $handle)))
    (instance $handler (instantiate $shim
        (with "request" (type $request))
        (with "out" (type $out))
        (with "handle" (func $handle))))
    (export "wasi:http/incoming-handler@0.2.12" (instance $handler)))
"#;

fn component(folder: &TempDir, text: &str) -> std::path::PathBuf {
    let path = folder.path().join("component.wasm");
    fs::write(&path, wat::parse_str(text).unwrap()).unwrap();
    path
}

#[test]
fn the_memories_of_an_instance_share_one_limit() {
    let folder = TempDir::new().unwrap();
    let server = Serve::new(component(&folder, EIGHT_MEMORIES))
        .arg("--max-memory-bytes=64MiB")
        .start();
    server.get("/").assert_error(500, "no_response");
    server.log_with(&["an instance's memory does not grow", "`--max-memory-bytes`"]);
}

#[test]
fn a_component_whose_memories_are_larger_than_the_limit_from_the_start_does_not_run() {
    let folder = TempDir::new().unwrap();
    let large = EIGHT_MEMORIES.replace("(memory 0)", "(memory 200)");
    let server = Serve::new(component(&folder, &large))
        .arg("--max-memory-bytes=64MiB")
        .start();
    server.get("/").assert_error(500, "trap");
    server.log_with(&["exceeds memory limits", "`--max-memory-bytes`"]);
}
