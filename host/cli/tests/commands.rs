//! What the commands promise that serve nothing: the real binary, with good and bad
//! input, and what it prints and returns.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::run::Run;

fn run<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tensor-wasm"));
    // A developer's own settings must not change what a test sees.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TENSOR_WASM_") {
            command.env_remove(name);
        }
    }
    let output = command
        .args(arguments)
        .env_remove("RUST_LOG")
        .env_remove("TENSOR_WASM_BIN")
        .env_remove("TENSOR_WASM_COMPONENTS")
        .output()
        .unwrap();
    output.into()
}

/// A directory with files to work on.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn with(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name).display().to_string()
    }

    fn component(&self, name: &str, text: &str) -> String {
        self.with(name, wat::parse_str(text).unwrap())
    }
}

/// Exports an instance under the handler's name, which is all that composing asks.
const SERVICE: &str = r#"(component
    (instance $handler)
    (export "wasi:http/incoming-handler@0.2.12" (instance $handler)))"#;

const POLICY: &str = r#"(component
    (import "wasi:http/incoming-handler@0.2.0" (instance))
    (import "tensor:policy/decision@0.1.0" (instance))
    (instance $handler)
    (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))"#;

#[test]
fn help_shows_every_command_and_examples() {
    let help = run(["--help"]);
    assert_eq!(help.status, 0);
    for word in [
        "serve",
        "node",
        "deploy",
        "list",
        "show",
        "rollback",
        "activate",
        "traffic",
        "settings",
        "secrets",
        "outgoing",
        "delete",
        "invoke",
        "jobs",
        "usage",
        "verify",
        "assets",
        "compose",
        "inspect",
        "devices",
        "kernel",
        "config",
        "completions",
        "Examples:",
    ] {
        assert!(help.out.contains(word), "{}", help.out);
    }
}

#[test]
fn each_commands_help_has_an_example_that_begins_with_our_name() {
    for command in [
        &["serve"][..],
        &["node"],
        &["deploy"],
        &["list"],
        &["show"],
        &["rollback"],
        &["activate"],
        &["traffic"],
        &["settings", "show"],
        &["settings", "set"],
        &["settings", "unset"],
        &["secrets", "list"],
        &["secrets", "set"],
        &["secrets", "delete"],
        &["outgoing"],
        &["assets", "list"],
        &["assets", "put"],
        &["assets", "delete"],
        &["delete"],
        &["invoke"],
        &["jobs", "list"],
        &["jobs", "show"],
        &["jobs", "result"],
        &["jobs", "cancel"],
        &["jobs", "wait"],
        &["usage"],
        &["verify"],
        &["compose"],
        &["inspect"],
        &["devices"],
        &["kernel", "check"],
        &["config", "check"],
        &["config", "show"],
        &["config", "default"],
        &["completions"],
        &["man"],
        &["ready"],
        &["snapshot", "prepare"],
    ] {
        let help = run(command.iter().copied().chain(["--help"]));
        assert_eq!(help.status, 0, "{command:?}");
        let example = format!("Examples:\n  tensor-wasm {}", command.join(" "));
        assert!(help.out.contains(&example), "{command:?}: {}", help.out);
    }
}

#[test]
fn the_help_of_serve_lists_the_options_that_operators_were_promised() {
    let help = run(["serve", "--help"]).out;
    for option in [
        "--addr",
        "--admin",
        "--policy",
        "--token-file",
        "--gpu",
        "--dir",
        "--env",
        "--request-timeout",
        "--max-concurrent-requests",
        "--max-body-bytes",
        "--reuse",
        "--kernel-timeout",
        "--gpu-memory-bytes",
        "--max-memory-bytes",
        "--drain-timeout",
        "--log",
        "--log-level",
        "--cache-dir",
        "--no-cache",
        "--config",
    ] {
        assert!(help.contains(option), "{option}: {help}");
    }
}

#[test]
fn usage_errors_end_with_status_2_and_say_what_is_allowed() {
    for (arguments, words) in [
        (vec!["serve"], vec!["<COMPONENT>"]),
        (vec!["serve", "a.wasm", "--addr", "nowhere"], vec!["--addr"]),
        (
            vec!["serve", "a.wasm", "--gpu", "yes"],
            vec!["auto", "cpu", "deny", "refuse"],
        ),
        (
            vec!["serve", "a.wasm", "--request-timeout", "soon"],
            vec!["500ms"],
        ),
        (
            vec!["serve", "a.wasm", "--request-timeout", "0s"],
            vec!["longer than nothing"],
        ),
        (
            vec!["serve", "a.wasm", "--max-body-bytes", "much"],
            vec!["64MiB"],
        ),
        (
            vec!["serve", "a.wasm", "--max-concurrent-requests", "0"],
            vec!["--max-concurrent-requests"],
        ),
        (vec!["serve", "a.wasm", "--reuse", "0"], vec!["--reuse"]),
        (
            vec!["serve", "a.wasm", "--dir", "::/x"],
            vec!["HOST::GUEST"],
        ),
        (
            vec!["serve", "a.wasm", "--env", "SURELY_NOT_SET"],
            vec!["SURELY_NOT_SET=VALUE"],
        ),
        (
            vec!["serve", "a.wasm", "--cache-dir", "x", "--no-cache"],
            vec!["--no-cache"],
        ),
        (
            vec!["compose", "only-one.wasm", "-o", "x"],
            vec!["only-one.wasm", "--plug"],
        ),
        (vec!["compose", "a.wasm", "b.wasm"], vec!["--output"]),
        (vec!["completions", "teletype"], vec!["bash", "zsh", "fish"]),
        (vec!["frobnicate"], vec!["frobnicate"]),
    ] {
        run(&arguments).fails(2, &words);
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    for arguments in [
        &["inspect", "/nowhere/a.wasm"][..],
        &[
            "compose",
            "/nowhere/a.wasm",
            "/nowhere/b.wasm",
            "-o",
            "/nowhere/c.wasm",
        ],
        &["kernel", "check", "/nowhere/a.wasm"],
        &[
            "serve",
            "/nowhere/a.wasm",
            "--addr",
            "127.0.0.1:0",
            "--no-cache",
        ],
    ] {
        run(arguments).fails(1, &["/nowhere/a.wasm", "caused by: No such file"]);
    }
}

#[test]
fn inspect_tells_a_component_in_words_and_in_json() {
    let files = Files::new();
    let policy = files.component("policy.wasm", POLICY);
    let words = run(["inspect", &policy]);
    assert_eq!(words.status, 0, "{}", words.err);
    for word in [
        "HTTP middleware",
        "blake3:",
        "tensor:policy/decision@0.1.0",
        "http-next",
    ] {
        assert!(words.out.contains(word), "{}", words.out);
    }
    let json = run(["inspect", "--json", &policy]).json();
    assert_eq!(json["kind"], "http-middleware");
    assert_eq!(
        json["capabilities"]["policy"][0],
        "tensor:policy/decision@0.1.0"
    );
    assert_eq!(json["imports"][0]["version"], "0.2.0");
}

#[test]
fn inspect_refuses_what_is_no_component_and_says_what_it_is() {
    let files = Files::new();
    let module = files.component("module.wasm", "(module)");
    run(["inspect", &module]).fails(1, &["module.wasm", "core module", "wasm32-wasip2"]);
    for bytes in [&b""[..], b"\0asm", b"#!/bin/sh", &[0xff; 5000]] {
        let file = files.with("odd.wasm", bytes);
        run(["inspect", &file]).fails(1, &["odd.wasm", "not a valid WebAssembly component"]);
    }
}

#[test]
fn a_file_that_is_no_component_is_described_and_not_listed_byte_by_byte() {
    let files = Files::new();
    let service = files.component("service.wasm", SERVICE);
    let script = files.with("script.wasm", "#!/bin/sh\necho hello\n");
    let result = files.path("out.wasm").display().to_string();
    for arguments in [
        vec!["inspect", &script],
        vec!["compose", &script, &service, "-o", &result],
        vec!["compose", &service, &script, "-o", &result],
    ] {
        let refused = run(&arguments);
        refused.fails(1, &["does not begin with `\\0asm`"]);
        assert!(!refused.err.contains("35, 33"), "{}", refused.err);
    }
    let text = files.with("text.wasm", "(component)");
    run(["inspect", &text]).fails(1, &["as text", "wasm-tools parse"]);
}

#[test]
fn compose_does_not_replace_one_of_its_inputs() {
    let files = Files::new();
    let (policy, service) = (
        files.component("policy.wasm", POLICY),
        files.component("service.wasm", SERVICE),
    );
    std::os::unix::fs::symlink(&service, files.path("link.wasm")).unwrap();
    let before = fs::read(&service).unwrap();
    for output in [&service, &files.path("link.wasm").display().to_string()] {
        run(["compose", &policy, &service, "-o", output])
            .fails(1, &[output, "one of the components", "--output"]);
    }
    assert_eq!(fs::read(&service).unwrap(), before);
}

#[test]
fn the_contract_is_printed_whole_or_for_one_world_or_as_a_folder() {
    let all = run(["wit"]);
    assert_eq!(all.status, 0, "{}", all.err);
    for text in [
        "package tensor:worlds@0.1.0;",
        "package tensor:gpu@0.1.0 {",
        "package tensor:policy@0.1.0 {",
        "package wasi:http@",
    ] {
        assert!(all.out.contains(text), "{text}");
    }
    let gpu = run(["wit", "--world", "gpu"]);
    assert!(
        gpu.out.contains("package tensor:gpu@0.1.0 {"),
        "{}",
        gpu.out
    );
    assert!(!gpu.out.contains("wasi:"), "{}", gpu.out);

    let files = Files::new();
    let folder = files.path("wit").display().to_string();
    let written = run(["wit", "--world", "gpu-service", "--out", &folder]);
    assert_eq!(written.status, 0, "{}", written.err);
    for file in written.out.lines() {
        assert!(fs::read_to_string(file).unwrap().starts_with("package "));
    }
    assert!(files.path("wit/worlds.wit").is_file());
    assert!(files.path("wit/deps/tensor-gpu/package.wit").is_file());

    run(["wit", "--world", "gpu-servise"]).fails(1, &["gpu-servise", "gpu-service, middleware"]);
    let file = files.with("file", "");
    run(["wit", "--out", &file]).fails(1, &["can't write", "file/worlds.wit"]);
}

#[test]
fn compose_writes_a_component_with_the_policy_in_front() {
    let files = Files::new();
    let (policy, service) = (
        files.component("policy.wasm", POLICY),
        files.component("service.wasm", SERVICE),
    );
    let result = files.path("out.wasm").display().to_string();
    let composed = run(["compose", &policy, &policy, &service, "-o", &result]);
    assert_eq!(composed.status, 0, "{}", composed.err);
    let json = run(["inspect", "--json", &result]).json();
    assert_eq!(json["kind"], "http-service-0.2");
    assert_eq!(
        json["exports"][0]["version"], "0.2.0",
        "the outermost policy's"
    );
    assert_eq!(
        json["imports"].as_array().unwrap().len(),
        1,
        "equal imports are one"
    );
    assert_eq!(
        composed.out,
        format!("{result} {}\n", json["digest"].as_str().unwrap())
    );
}

#[test]
fn compose_plugs_a_provider_into_the_application_before_the_policies() {
    const PROVIDER: &str = r#"(component
        (instance $kernels)
        (export "tensor:gpu/kernels@0.1.0" (instance $kernels)))"#;
    const ASKING: &str = r#"(component
        (import "tensor:gpu/kernels@0.1.0" (instance))
        (instance $handler)
        (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))"#;
    let files = Files::new();
    let provider = files.component("provider.wasm", PROVIDER);
    let asking = files.component("asking.wasm", ASKING);
    let result = files.path("out.wasm").display().to_string();
    let before = run(["inspect", "--json", &asking]).json();
    assert_eq!(before["imports"].as_array().unwrap().len(), 1);

    let composed = run(["compose", &asking, "--plug", &provider, "-o", &result]);
    assert_eq!(composed.status, 0, "{}", composed.err);
    let after = run(["inspect", "--json", &result]).json();
    assert_eq!(after["imports"].as_array().unwrap().len(), 0, "{after}");
    assert_eq!(after["kind"], "http-service-0.2");

    run(["compose", &asking, "--plug", &asking, "-o", &result]).fails(
        1,
        &[
            "can't plug",
            "asking.wasm",
            "nothing that the consumer imports",
        ],
    );
}

#[test]
fn compose_says_which_file_does_not_fit_and_writes_nothing() {
    let files = Files::new();
    let (policy, service) = (
        files.component("policy.wasm", POLICY),
        files.component("service.wasm", SERVICE),
    );
    let nothing = files.component("nothing.wasm", "(component)");
    let module = files.component("module.wasm", "(module)");
    let result = files.path("out.wasm").display().to_string();
    for (components, words) in [
        (
            [&nothing, &service],
            ["nothing.wasm", "policy 1 exports no"],
        ),
        (
            [&service, &service],
            ["service.wasm", "policy 1 imports no"],
        ),
        (
            [&policy, &nothing],
            ["nothing.wasm", "the application exports no HTTP handler"],
        ),
        (
            [&policy, &module],
            ["module.wasm", "the application is a core module"],
        ),
        (
            [&module, &service],
            ["module.wasm", "policy 1 is a core module"],
        ),
    ] {
        run(["compose", components[0], components[1], "-o", &result]).fails(1, &words);
        assert!(!files.path("out.wasm").exists());
    }
}

#[test]
fn serve_does_not_begin_with_what_it_can_not_serve() {
    let files = Files::new();
    let service = files.component("service.wasm", SERVICE);
    let module = files.component("module.wasm", "(module)");
    let tokens = files.with("tokens", "name:secret token");
    let missing = files.component(
        "missing.wasm",
        r#"(component (import "acme:rockets/launch@1.0.0" (instance)) (import "acme:rockets/land@1.0.0" (instance)))"#,
    );
    let begin = |more: &[&str]| {
        let start = ["serve", "--addr", "127.0.0.1:0", "--no-cache"];
        let run = run(start.iter().chain(more));
        assert_eq!(run.out, "", "it announced itself");
        run
    };
    begin(&[&module]).fails(1, &["module.wasm", "core module"]);
    begin(&[&missing]).fails(1, &["acme:rockets/launch@1.0.0", "acme:rockets/land@1.0.0"]);
    let plain = files.component("plain.wasm", "(component)");
    begin(&[&plain]).fails(1, &["plain.wasm", "no HTTP handler"]);
    let secret = begin(&[&service, "--token-file", &tokens, "--log-level", "error"]);
    secret.fails(1, &["tokens", "line 1"]);
    begin(&[&service, "--log-level", "[["]).fails(1, &["log filter"]);
    assert!(!secret.err.contains("secret"), "{}", secret.err);
}

#[test]
fn serve_names_an_address_that_is_in_use() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let files = Files::new();
    let service = files.component("service.wasm", SERVICE);
    run(["serve", &service, "--addr", &address]).fails(1, &[&address, "is in use", "--addr"]);
    run([
        "serve",
        &service,
        "--addr",
        "127.0.0.1:0",
        "--admin",
        &address,
    ])
    .fails(1, &[&address, "is in use", "--admin"]);
}

#[test]
fn devices_lists_the_processor() {
    let words = run(["devices"]);
    assert!(
        words.status == 0 && words.out.starts_with("cpu: "),
        "{}",
        words.out
    );
    let json = run(["devices", "--json"]).json();
    assert_eq!(json[0]["backend"], "cpu");
    assert_eq!(json[0]["warp_size"], 32);
    assert!(json[0]["memory_bytes"].as_u64().unwrap() > 0);
}

#[test]
fn the_long_version_says_of_what_the_program_is_made() {
    let short = run(["-V"]);
    assert_eq!(
        short.out,
        format!("tensor-wasm {}\n", env!("CARGO_PKG_VERSION"))
    );
    let long = run(["--version"]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap();
    let engine = lock
        .split("name = \"wasmtime\"\nversion = \"")
        .nth(1)
        .unwrap();
    let engine = format!("Wasmtime {}\n", engine.split('"').next().unwrap());
    let wit = fs::read_to_string(root.join("wit/gpu.wit")).unwrap();
    let contract = wit.lines().next().unwrap();
    let contract = contract
        .trim_start_matches("package ")
        .trim_end_matches(';');
    for part in [&engine, contract, "commit", "format versions 1", "schema "] {
        assert!(long.out.contains(part), "{part}: {}", long.out);
    }
}

#[test]
fn each_command_has_a_manual_page() {
    let page = run(["man"]);
    assert_eq!(page.status, 0, "{}", page.err);
    assert!(page.out.contains(".TH tensor-wasm 1"), "{}", page.out);
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let written = run(["man", "--out", pages.to_str().unwrap()]);
    assert_eq!(written.status, 0, "{}", written.err);
    for (command, word) in [
        ("node", "data\\-dir"),
        ("snapshot-save", "secrets\\-key"),
        ("kernel-check", "EXTRA"),
    ] {
        let path = pages.join(format!("tensor-wasm-{command}.1"));
        let page = fs::read_to_string(&path).unwrap();
        assert!(page.contains(word), "{command}: {page}");
    }
    // What nobody is to call has none.
    assert!(!pages.join("tensor-wasm-device-worker.1").exists());
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let failed = run(["man", "--out", file.to_str().unwrap()]);
    assert_eq!(failed.status, 1);
    assert!(failed.err.contains("can't write to"), "{}", failed.err);
}

#[test]
fn completions_exist_for_common_shells() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(["completions", shell]);
        assert_eq!(script.status, 0, "{shell}");
        for word in ["tensor-wasm", "rollback", "data-dir", "idempotency-key"] {
            assert!(script.out.contains(word), "{shell}: {word}");
        }
    }
}

const KERNEL: &str = "\
.version 7.0
.target sm_50
.address_size 64

.visible .entry fill(
    .param .u64 out,
    .param .u32 count,
    .param .f32 value
)
{
    .reg .pred %p<2>;
    .reg .b32 %r<2>;
    .reg .f32 %f<2>;
    .reg .b64 %rd<4>;
    .shared .align 4 .b8 scratch[64];

    ld.param.u64 %rd1, [out];
    ld.param.u32 %r1, [count];
    ld.param.f32 %f1, [value];
    cvta.to.global.u64 %rd2, %rd1;
    st.global.f32 [%rd2], %f1;
    ret;
}
";

#[test]
fn kernel_check_lists_kernels_with_their_parameters() {
    let files = Files::new();
    let file = files.with("fill.ptx", KERNEL);
    let words = run(["kernel", "check", &file]);
    assert_eq!(words.status, 0, "{}", words.err);
    for word in [
        "PTX 7.0 for sm_50",
        "kernel fill",
        "u64      out (offset 0)",
        "f32      value (offset 12)",
    ] {
        assert!(words.out.contains(word), "no {word:?} in {}", words.out);
    }
    let json = run(["kernel", "check", "--json", &file]).json();
    assert_eq!(json["runs"], true);
    assert_eq!(json["kernels"][0]["name"], "fill");
    assert_eq!(json["kernels"][0]["parameter_bytes"], 16);
    assert_eq!(json["kernels"][0]["shared_bytes"], 64);
    assert_eq!(json["kernels"][0]["parameters"][1]["type"], "u32");
    assert_eq!(json["diagnostics"], Value::Array(vec![]));
}

#[test]
fn kernel_check_shows_the_webassembly_beside_the_ptx_lines() {
    let files = Files::new();
    let text = KERNEL.replace("ret;", "// \u{1b}[31m red\n    ret;");
    let file = files.with("fill.ptx", &text);
    let shown = run(["kernel", "check", "--verbose", &file]);
    assert_eq!(shown.status, 0, "{}", shown.err);
    let (summary, listing) = shown.out.split_once(";; kernel fill\n").unwrap();
    assert!(summary.contains("on the processor: compiled"), "{summary}");
    // The whole is still WebAssembly text.
    wat::parse_str(listing).unwrap();
    let line = 1 + text
        .lines()
        .position(|line| line.contains("st.global"))
        .unwrap();
    let comment = format!(";; line {line}: st.global.f32 [%rd2], %f1;");
    let store = listing.split_once(&comment).expect(listing).1;
    let store = store
        .split_once(";; line")
        .map_or(store, |(store, _)| store);
    assert!(store.contains("f32.store"), "{store}");
    // What a text holds does not reach the terminal as commands.
    assert!(!shown.out.contains('\u{1b}'));
    let quiet = run(["kernel", "check", &file]);
    assert!(!quiet.out.contains("(module"), "{}", quiet.out);
}

#[test]
fn kernel_check_shows_the_ir_after_a_pass_beside_the_ptx_lines() {
    let files = Files::new();
    let file = files.with("fill.ptx", KERNEL);
    let line = 1 + KERNEL
        .lines()
        .position(|line| line.contains("st.global"))
        .unwrap();
    let store = format!(";; line {line}: st.global.f32 [%rd2], %f1;\n    store.global.b4 [");
    let last = run(["kernel", "check", &file, "--ir"]);
    assert_eq!(last.status, 0, "{}", last.err);
    let heading = ";; kernel fill: IR after bounds-guards";
    for word in [heading, "block0:", "; guard", "uniform"] {
        assert!(last.out.contains(word), "no {word:?} in {}", last.out);
    }
    let first = run(["kernel", "check", "--ir", "translate", &file]);
    assert_eq!(first.status, 0, "{}", first.err);
    assert!(first.out.contains("IR after translate"), "{}", first.out);
    assert!(first.out.contains(&store), "no {store} in {}", first.out);
    assert!(!first.out.contains("; guard"), "{}", first.out);
    // A wrong name is answered with all that there are.
    let wrong = run(["kernel", "check", &file, "--ir", "spil"]);
    wrong.fails(2, &["spil", "translate, constant-branches", "spill"]);
}

/// A kernel with an assertion, a call through a register, and memory from its own heap.
const CALLS: &str = ".version 8.0
.target sm_80
.address_size 64
.extern .func __assertfail(.param .b64 m, .param .b64 f, .param .b32 l, .param .b64 n, .param .b64 s) .noreturn;
.extern .func (.param .b64 r) malloc(.param .b64 n);
.func (.param .b32 r) twice(.param .b32 x)
{
    .reg .b32 %r<3>;
    ld.param.b32 %r1, [x];
    shl.b32 %r2, %r1, 1;
    st.param.b32 [r], %r2;
    ret;
}
.global .align 8 .u64 functions[1] = {twice};
.global .align 1 .b8 text[2] = {97};
.visible .entry asserts(.param .u64 out, .param .u32 n)
{
    .reg .pred %p<2>;
    .reg .b32 %r<4>;
    .reg .b64 %rd<6>;
    ld.param.u64 %rd1, [out];
    ld.param.u32 %r1, [n];
    mov.u32 %r2, %tid.x;
    setp.lt.u32 %p1, %r2, %r1;
    @%p1 bra HOLDS;
    mov.u64 %rd2, text;
    {
    .param .b64 p0; st.param.b64 [p0], %rd2;
    .param .b64 p1; st.param.b64 [p1], %rd2;
    .param .b32 p2; st.param.b32 [p2], 1;
    .param .b64 p3; st.param.b64 [p3], %rd2;
    .param .b64 p4; st.param.b64 [p4], 1;
    call.uni __assertfail, (p0, p1, p2, p3, p4);
    }
HOLDS:
    mul.wide.u32 %rd3, %r2, 4;
    add.s64 %rd3, %rd1, %rd3;
    st.global.u32 [%rd3], %r2;
    ret;
}
.visible .entry calls(.param .u64 out)
{
    .reg .b32 %r<3>;
    .reg .b64 %rd<5>;
    .param .b32 x;
    .param .b32 y;
    .param .b64 size;
    .param .b64 memory;
    ld.param.u64 %rd1, [out];
    ld.global.u64 %rd2, [functions];
    st.param.b32 [x], 21;
    prototype: .callprototype (.param .b32 _) _ (.param .b32 _);
    call (y), %rd2, (x), prototype;
    ld.param.b32 %r1, [y];
    st.param.b64 [size], 8;
    call (memory), malloc, (size);
    ld.param.b64 %rd3, [memory];
    st.u32 [%rd3], %r1;
    ld.u32 %r2, [%rd3];
    st.global.u32 [%rd1], %r2;
    ret;
}
";

#[test]
fn kernel_check_says_that_assertions_calls_by_pointer_and_a_heap_are_compiled() {
    let files = Files::new();
    let file = files.with("calls.ptx", CALLS);
    let shown = run(["kernel", "check", "--verbose", &file]);
    assert_eq!(shown.status, 0, "{}", shown.err);
    assert!(
        shown.out.contains("on the processor: compiled"),
        "{}",
        shown.out
    );
    assert!(!shown.out.contains("interpreted"), "{}", shown.out);
}

#[test]
fn kernel_check_points_at_what_the_device_can_not_run() {
    let files = Files::new();
    let file = files.with(
        "odd.ptx",
        KERNEL.replace("ret;", "frobnicate.u32 %r1, %r1;\n    ret;"),
    );
    let line = 1 + KERNEL
        .lines()
        .position(|line| line.trim() == "ret;")
        .unwrap();
    run(["kernel", "check", &file]).fails_somewhere(&[&format!("odd.ptx:{line}:"), "frobnicate"]);
    let json = run(["kernel", "check", "--json", &file]);
    assert_eq!(json.status, 1);
    let json = json.json();
    assert_eq!(json["runs"], false);
    assert_eq!(json["diagnostics"][0]["line"], line);
}

#[test]
fn kernel_check_survives_what_is_no_ptx() {
    let files = Files::new();
    for bytes in [
        &b""[..],
        b"hello",
        &[0xff; 5000],
        &[0; 100],
        &KERNEL.as_bytes()[..200],
    ] {
        let file = files.with("odd.ptx", bytes);
        run(["kernel", "check", &file]).fails_somewhere(&["odd.ptx", "can't run"]);
    }
}

impl Run {
    /// As [`Run::fails`], where diagnostics come before the error.
    #[track_caller]
    fn fails_somewhere(&self, words: &[&str]) {
        assert_eq!(self.status, 1, "{}{}", self.out, self.err);
        for word in words.iter().chain(&["error: "]) {
            assert!(self.err.contains(word), "no {word:?} in: {}", self.err);
        }
        assert!(!self.err.contains("panicked"), "{}", self.err);
    }
}

/// Doubles numbers: an address and a length.
const DOUBLE: &str = include_str!("../templates/kernels/double.ptx");

fn floats(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

#[test]
fn kernel_run_launches_a_kernel_on_a_file_of_numbers() {
    let files = Files::new();
    let kernel = files.with("double.ptx", DOUBLE);
    let numbers = files.with("numbers.f32", floats(&[1.0, -2.5, 3.0, 9.0]));
    let out = files.path("out.f32").display().to_string();
    let npy = files.path("out.npy").display().to_string();
    let argument = format!("@{numbers}");
    let arguments = ["kernel", "run", &kernel, "--arg", &argument, "--arg", "3"];
    let outputs = [format!("0={out}"), format!("values={npy}")];
    for checks in [&[][..], &["--checks"]] {
        let ran = run(arguments
            .iter()
            .copied()
            .chain(["--out", &outputs[0], "--out", &outputs[1]])
            .chain(checks.iter().copied()));
        assert_eq!(ran.status, 0, "{}", ran.err);
        assert!(ran.out.contains("2.0, -5.0, 6.0, 9.0"), "{}", ran.out);
        assert_eq!(fs::read(&out).unwrap(), floats(&[2.0, -5.0, 6.0, 9.0]));
        assert!(fs::read(&npy).unwrap().starts_with(b"\x93NUMPY"));
    }
    let again = format!("@{npy}");
    let json = run([
        "kernel", "run", &kernel, "--arg", &again, "--arg", "4", "--json",
    ])
    .json();
    assert_eq!(json["buffers"][0]["first"][1], "-10.0");
    assert_eq!(json["buffers"][0]["changed"], true);
    assert_eq!(json["grid"][0], 1);
}

#[test]
fn kernel_run_refuses_what_does_not_fit_by_name() {
    let files = Files::new();
    let kernel = files.with("double.ptx", DOUBLE);
    let numbers = format!("@{}", files.with("numbers.f32", floats(&[1.0])));
    for (arguments, words) in [
        (
            vec!["--arg", &numbers],
            vec!["takes 2 arguments", "u32 len"],
        ),
        (
            vec!["--arg", &numbers, "--arg", "x"],
            vec!["--arg x", "len", "a u32"],
        ),
        (
            vec!["--arg", &numbers, "--arg", &numbers],
            vec!["len", "no address"],
        ),
        (
            vec!["--arg", "@/nowhere.npy", "--arg", "1"],
            vec!["/nowhere.npy"],
        ),
        (
            vec!["--kernel", "triple", "--arg", &numbers, "--arg", "1"],
            vec!["no kernel `triple`", "double"],
        ),
        (
            vec!["--arg", &numbers, "--arg", "1", "--out", "1=x"],
            vec!["is a number and no buffer"],
        ),
        (
            vec!["--arg", &numbers, "--arg", "1", "--out", "seven=x"],
            vec!["there is no argument seven"],
        ),
        (
            vec!["--arg", &numbers, "--arg", "9", "--checks"],
            vec!["kernel double", "line"],
        ),
    ] {
        run(["kernel", "run", &kernel].into_iter().chain(arguments)).fails(1, &words);
    }
}

#[test]
fn kernel_profile_counts_lines_as_text_as_json_and_as_a_page() {
    let files = Files::new();
    let kernel = files.with("double.ptx", DOUBLE);
    let page = files.path("profile.html").display().to_string();
    let arguments = [
        "kernel",
        "profile",
        &kernel,
        "--arg",
        "zeros:64:f32",
        "--arg",
        "40",
    ];
    let arguments = arguments
        .iter()
        .copied()
        .chain(["--block", "64", "--html", &page]);
    let text = run(arguments.clone());
    assert_eq!(text.status, 0, "{}", text.err);
    assert!(
        text.out.contains("1 of 2 branches of warps diverge"),
        "{}",
        text.out
    );
    let json = run(arguments.chain(["--json"])).json();
    assert_eq!(json["total"]["divergent_branches"], 1);
    // 40 floats are read and written, in two requests each.
    assert_eq!(json["total"]["global"]["requests"], 4);
    assert_eq!(json["total"]["global"]["sectors"], 10);
    assert_eq!(json["total"]["global"]["ideal_sectors"], 10);
    let lines = json["lines"].as_array().unwrap();
    let store = lines.iter().find(|line| {
        let text = line["text"].as_str().unwrap();
        text.starts_with("st.global")
    });
    assert_eq!(store.unwrap()["executions"], 40);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("<h1>kernel double</h1>") && page.contains("1 of 2 diverge"));
}

#[test]
fn kernel_profile_of_a_kernel_that_faults_or_never_ends_says_so_beside_the_counts() {
    let files = Files::new();
    let kernel = files.with("double.ptx", DOUBLE);
    let strays = [
        "kernel",
        "profile",
        &kernel,
        "--arg",
        "zeros:2:f32",
        "--arg",
        "99",
    ];
    let ran = run(strays);
    ran.fails(1, &["kernel double", "line"]);
    assert!(ran.out.contains("instructions of threads"), "{}", ran.out);
    let endless = files.with(
        "endless.ptx",
        ".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry k()\n{\nagain:\nbra again;\n}\n",
    );
    let ran = run(["kernel", "profile", &endless, "--max-steps", "1000"]);
    ran.fails(1, &["within 1000 instructions", "--max-steps"]);
}

#[test]
fn a_fault_names_the_line_of_the_source_where_the_text_has_it() {
    let files = Files::new();
    let kernel = files.with(
        "wild.ptx",
        ".version 7.0\n.target sm_70\n.address_size 64\n.file 1 \"wild.cu\"\n\
         .visible .entry wild()\n{\n.reg .b64 %d;\n.loc 1 7 3\nmov.u64 %d, 8;\n\
         st.global.u32 [%d], 1;\nret;\n}\n",
    );
    for checks in [&[][..], &["--checks"]] {
        let ran = run(["kernel", "run", &kernel].iter().chain(checks));
        ran.fails(1, &["kernel wild", "line 10", "(wild.cu:7)"]);
    }
}
