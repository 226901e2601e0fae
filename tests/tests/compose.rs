//! Composing with three tools: `tensor-wasm compose`, and by their libraries `wac plug` and
//! `wasm-tools compose`. The real binary serves their composites alike.

#[path = "../../host/runtime/tests/tools/mod.rs"]
mod tools;

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;
use tensor_wasm_tests::{Reply, Serve, Server, component, guest, run};
use tools::{TOOLS, repeat, wac_plug, wasm_tools_compose_files};

const TOKEN: &str = "correct-horse-battery-staple";

/// A folder for composites.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Composes with our own command, and any further arguments.
    fn ours(&self, policies: &[&Path], application: &Path, more: &[&Path]) -> PathBuf {
        let target = self.path("tensor-wasm compose.wasm");
        let mut arguments = vec![Path::new("compose")];
        arguments.extend(policies);
        arguments.extend([application, Path::new("-o"), &target]);
        arguments.extend(more);
        let output = run(arguments);
        assert_eq!(output.code, Some(0), "{}", output.stderr);
        target
    }

    /// The same composed in each of the three ways, with the way's name.
    fn three_ways(&self, policies: &[&Path], application: &Path) -> Vec<(&'static str, PathBuf)> {
        let mut ways = vec![("tensor-wasm compose", self.ours(policies, application, &[]))];
        let policies: Vec<_> = policies
            .iter()
            .map(|path| fs::read(path).unwrap())
            .collect();
        let policies: Vec<_> = policies.iter().map(Vec::as_slice).collect();
        let application = fs::read(application).unwrap();
        for (name, tool) in TOOLS {
            let target = self.path(&format!("{name}.wasm"));
            fs::write(&target, repeat(tool, &policies, &application)).unwrap();
            ways.push((name, target));
        }
        ways
    }

    fn serve(&self, composite: &Path) -> Server {
        let tokens = self.path("tokens");
        fs::write(&tokens, format!("alice:{TOKEN}\n")).unwrap();
        Serve::new(composite)
            .arg("--token-file")
            .arg(tokens)
            .start()
    }
}

fn inspect(path: &Path) -> Value {
    let output = run([Path::new("inspect"), Path::new("--json"), path]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    serde_json::from_str(&output.stdout).unwrap()
}

fn names(items: &Value) -> Vec<String> {
    let items = items.as_array().unwrap().iter();
    let mut names: Vec<_> = items
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

fn post(server: &Server, token: Option<&str>, body: &[u8]) -> Reply {
    let request = server.request(Method::POST, "/").body(body.to_vec());
    server.send(match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    })
}

#[test]
fn composites_of_all_three_tools_are_served_alike() {
    let bench = Bench::new();
    let body: Vec<u8> = (0..300_000u32).map(|i| ((i * 7) >> 2) as u8).collect();
    for (way, composite) in bench.three_ways(&[&component("policy")], &guest("echo")) {
        let server = bench.serve(&composite);
        let stranger = post(&server, None, &body);
        assert_eq!(stranger.status, 401, "{way}");
        stranger.assert_error(401, "unauthorized");
        assert_eq!(post(&server, Some("wrong"), &body).status, 401, "{way}");
        let reply = post(&server, Some(TOKEN), &body);
        assert_eq!(reply.status, 200, "{way}");
        assert!(reply.body == body, "{way}: the body is not what was sent");
    }
}

#[test]
fn composites_of_wasi_0_3_of_all_three_tools_are_served_alike() {
    let bench = Bench::new();
    let body: Vec<u8> = (0..300_000u32).map(|i| ((i * 7) >> 2) as u8).collect();
    let (policy, echo) = (component("policy-p3"), guest("p3_echo"));
    for (way, composite) in bench.three_ways(&[&policy], &echo) {
        let server = bench.serve(&composite);
        post(&server, None, &body).assert_error(401, "unauthorized");
        assert_eq!(post(&server, Some("wrong"), &body).status, 401, "{way}");
        let reply = post(&server, Some(TOKEN), &body);
        assert_eq!(reply.status, 200, "{way}");
        assert!(reply.body == body, "{way}: the body is not what was sent");
    }
}

#[test]
fn composites_of_all_three_tools_have_the_same_imports_and_exports() {
    for (policy, application) in [
        (component("policy"), component("saxpy")),
        (component("policy-p3"), guest("p3_launches")),
    ] {
        composites_are_alike(&policy, &application);
    }
}

#[track_caller]
fn composites_are_alike(policy: &Path, application: &Path) {
    let bench = Bench::new();
    let ways = bench.three_ways(&[policy], application);
    let ours = inspect(&ways[0].1);
    assert_eq!(ours["exports"].as_array().unwrap().len(), 1);
    for (way, composite) in &ways {
        let inspection = inspect(composite);
        for what in ["imports", "exports"] {
            assert_eq!(names(&inspection[what]), names(&ours[what]), "{way}");
        }
        assert_eq!(inspection["kind"], ours["kind"], "{way}");
        assert_eq!(inspection["warnings"], Value::Array(Vec::new()), "{way}");
        let chain = inspection["chain"].as_array().unwrap();
        let told: Vec<_> = chain
            .iter()
            .map(|link| (link["role"].as_str().unwrap(), &link["digest"]))
            .collect();
        assert_eq!(
            told,
            [
                ("middleware", &inspect(policy)["digest"]),
                ("application", &inspect(application)["digest"]),
            ],
            "{way}"
        );
    }
}

/// `policy_admits` passes on, `policy_refuses` answers 403, `policy_traps` is a 500:
/// which of them stands first shows in the answer.
#[test]
fn policies_run_in_the_order_in_which_they_are_given() {
    for (policies, status) in [
        (["policy_admits", "policy_admits", "policy_refuses"], 403),
        (["policy_admits", "policy_refuses", "policy_traps"], 403),
        (["policy_admits", "policy_traps", "policy_refuses"], 500),
        (["policy_admits", "policy_admits", "policy_admits"], 200),
    ] {
        let bench = Bench::new();
        let policies = policies.map(guest);
        let policies: Vec<_> = policies.iter().map(PathBuf::as_path).collect();
        for (way, composite) in bench.three_ways(&policies, &guest("hello")) {
            let reply = bench.serve(&composite).get("/");
            assert_eq!(reply.status, status, "{way}: {policies:?}");
            let inspection = inspect(&composite);
            let chain = inspection["chain"].as_array().unwrap().iter();
            let digests: Vec<_> = chain.map(|link| link["digest"].clone()).collect();
            let hello = guest("hello");
            let files = policies.iter().copied().chain([hello.as_path()]);
            let expected: Vec<_> = files.map(|file| inspect(file)["digest"].clone()).collect();
            assert_eq!(digests, expected, "{way}: {policies:?}");
        }
    }
}

/// A copy of a component that was built against another patch of WASI 0.2: the
/// versions in its names are as long, so nothing else moves.
fn of_another_patch(bench: &Bench, component: &Path) -> PathBuf {
    let mut bytes = fs::read(component).unwrap();
    let (from, to) = (b"@0.2.12", b"@0.2.11");
    let mut replaced = 0;
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
            replaced += 1;
        }
    }
    assert!(replaced > 0, "it is of another version of WASI");
    let path = bench.path("other-patch.wasm");
    fs::write(&path, bytes).unwrap();
    path
}

/// Serves a composite of the project's policy and `echo`.
#[track_caller]
fn guards_echo(bench: &Bench, composite: &Path) {
    let server = bench.serve(composite);
    assert_eq!(post(&server, None, b"body").status, 401);
    let reply = post(&server, Some(TOKEN), b"body");
    assert_eq!(
        (reply.status.as_u16(), reply.text().as_str()),
        (200, "body")
    );
}

#[test]
fn tensor_wasm_and_wac_link_different_patch_versions_of_wasi() {
    let bench = Bench::new();
    let policy = component("policy");
    let echo = of_another_patch(&bench, &guest("echo"));
    guards_echo(&bench, &bench.ours(&[&policy], &echo, &[]));
    let plugged = bench.path("plugged.wasm");
    let (policy, echo) = (fs::read(policy).unwrap(), fs::read(echo).unwrap());
    fs::write(&plugged, wac_plug(&policy, &echo)).unwrap();
    guards_echo(&bench, &plugged);
}

#[test]
fn wasm_tools_links_only_the_same_patch_version_of_wasi() {
    let bench = Bench::new();
    let policy = component("policy");
    let echo = of_another_patch(&bench, &guest("echo"));
    let error = wasm_tools_compose_files(&policy, &echo).unwrap_err();
    assert!(error.to_string().contains("no dependencies"), "{error:#}");
}

#[test]
fn inspect_lists_the_components_of_a_chain_in_order() {
    let bench = Bench::new();
    let (policy, admits, image) = (
        component("policy"),
        guest("policy_admits"),
        component("image"),
    );
    let deny = component("deny-gpu");
    let composite = bench.ours(&[&admits, &policy], &image, &[Path::new("--plug"), &deny]);
    let output = run([Path::new("inspect"), &composite]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let at = |words: &str| {
        let found = output.stdout.find(words);
        found.unwrap_or_else(|| panic!("no {words:?} in {}", output.stdout))
    };
    let order = [
        "1. policy_admits, middleware, blake3:",
        "2. policy, middleware, blake3:",
        "3. image, application, blake3:",
        "gets tensor:gpu/kernels@0.1.0 from deny-gpu",
        "beside them",
    ];
    assert!(order.map(at).is_sorted(), "{}", output.stdout);
    assert!(output.stdout.contains("tensor:policy/decision@0.1.0"));
}

#[test]
fn an_application_that_imports_the_policy_decision_is_refused() {
    let bench = Bench::new();
    let target = bench.path("out.wasm");
    let guarded = bench.ours(&[&guest("policy_admits")], &guest("hello"), &[]);
    let output = run([
        Path::new("compose"),
        &component("policy"),
        &guarded,
        Path::new("-o"),
        &target,
    ]);
    assert_eq!(output.code, Some(1));
    for word in [
        "tensor:policy/decision@0.1.0",
        "admit its own requests",
        "name it before",
    ] {
        assert!(output.stderr.contains(word), "{}", output.stderr);
    }
    assert!(!target.exists());

    // It may be served all the same: within the application a decision comes too late.
    let server = Serve::new(&guarded)
        .arg("--policy")
        .arg(component("policy"))
        .start();
    assert_eq!(server.get("/").status, 401);
}

#[test]
fn a_capability_denied_by_composition_is_no_longer_imported() {
    let bench = Bench::new();
    let deny = component("deny-gpu");
    let more = [Path::new("--plug"), deny.as_path()];
    let composite = bench.ours(&[&component("policy")], &component("image"), &more);
    let inspection = inspect(&composite);
    assert!(
        inspection["capabilities"]["gpu"].is_null(),
        "{inspection:#}"
    );
    assert!(inspect(&component("image"))["capabilities"]["gpu"].is_array());
    // So it is served even where the host refuses the device.
    let tokens = bench.path("tokens");
    fs::write(&tokens, TOKEN).unwrap();
    let server = Serve::new(&composite)
        .arg("--gpu=refuse")
        .arg("--token-file")
        .arg(tokens)
        .start();
    assert_eq!(post(&server, None, b"").status, 401);
}

/// Does what a command line of the page does, with its files in this folder.
fn obey(line: &str, folder: &Path) {
    let words: Vec<_> = line.split_whitespace().collect();
    let file = |word: &str| folder.join(word);
    match words[..] {
        ["wac", "plug", socket, "--plug", plug, "-o", out] => {
            let (socket, plug) = (fs::read(file(socket)), fs::read(file(plug)));
            fs::write(file(out), wac_plug(&socket.unwrap(), &plug.unwrap())).unwrap();
        }
        ["wasm-tools", "compose", front, "-d", behind, "-o", out] => {
            let composite = wasm_tools_compose_files(&file(front), &file(behind)).unwrap();
            fs::write(file(out), composite).unwrap();
        }
        ["tensor-wasm", "compose", ..] => {
            let arguments = words[1..].iter().map(|word| match word {
                word if word.ends_with(".wasm") => file(word).into_os_string(),
                word => word.into(),
            });
            let output = run(arguments);
            assert_eq!(output.code, Some(0), "{line}: {}", output.stderr);
        }
        _ => panic!("the page has a command that nobody tests: {line}"),
    }
}

#[test]
fn the_commands_of_the_page_on_composing_produce_the_documented_composites() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = fs::read_to_string(root.join("docs/composing.md")).unwrap();
    let bench = Bench::new();
    for (name, file) in [
        ("policy.wasm", component("policy")),
        ("outer.wasm", guest("policy_admits")),
        ("inner.wasm", component("policy")),
        ("saxpy.wasm", component("saxpy")),
    ] {
        fs::copy(file, bench.path(name)).unwrap();
    }
    let blocks = page.split("```text\n").skip(1);
    let mut chains = Vec::new();
    for block in blocks.map(|rest| rest.split("```").next().unwrap()) {
        if !["wac ", "wasm-tools ", "tensor-wasm "]
            .iter()
            .any(|tool| block.starts_with(tool))
        {
            continue;
        }
        for line in block.lines() {
            obey(line, bench.0.path());
        }
        let inspection = inspect(&bench.path("guarded.wasm"));
        let chain = inspection["chain"].as_array().unwrap().iter();
        chains.push(chain.map(|link| link["digest"].clone()).collect::<Vec<_>>());
    }
    let lengths: Vec<_> = chains.iter().map(Vec::len).collect();
    assert_eq!(
        lengths,
        [2, 2, 3, 3, 3],
        "two tools, then three for several policies"
    );
    assert_eq!(chains[0], chains[1]);
    assert!(chains[2] == chains[3] && chains[3] == chains[4]);
}
