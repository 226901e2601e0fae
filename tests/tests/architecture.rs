//! The rules of docs/architecture.md that hold between crates: which may depend on which, and that
//! each **Invariant** line names a test that exists. Rules within a crate are tested there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The crates of the host; each may depend on those before it.
const CRATES: [(&str, &str); 6] = [
    ("tensor-wasm-ptx", "host/ptx"),
    ("tensor-wasm-device", "host/device"),
    ("tensor-wasm-runtime", "host/runtime"),
    ("tensor-wasm-snapshot", "host/snapshot"),
    ("tensor-wasm-node", "host/node"),
    ("tensor-wasm", "host/cli"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All Rust files below a folder.
fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && name != "target" {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// What a crate's manifest names under `[dependencies]`, development and build dependencies left
/// out.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn crates_depend_only_on_crates_below_them() {
    for (position, (name, folder)) in CRATES.iter().enumerate() {
        let used = dependencies(&read(Path::new(folder).join("Cargo.toml")));
        assert!(!used.is_empty(), "{folder}: no dependencies were read");
        for (other, _) in &CRATES[position..] {
            assert!(!used.contains(*other), "{name} must not depend on {other}");
        }
    }
}

#[test]
fn guests_share_no_code_with_the_host_but_the_kernels_checks() {
    // `testing` runs kernels natively, in a component's own tests.
    let manifest = read("guest-sdk/Cargo.toml");
    for (name, _) in CRATES {
        for line in manifest
            .lines()
            .filter(|line| line.starts_with(&format!("{name}.")))
        {
            assert_eq!(name, "tensor-wasm-ptx", "{line}");
        }
    }
    for component in fs::read_dir(root().join("components")).unwrap() {
        let manifest = component.unwrap().path().join("Cargo.toml");
        let Ok(manifest) = fs::read_to_string(&manifest) else {
            continue;
        };
        for (name, _) in CRATES {
            assert!(
                !dependencies(&manifest).contains(name),
                "a component depends on {name}"
            );
        }
    }
}

#[test]
fn serve_starts_a_host_and_assembles_none() {
    let mut files = Vec::new();
    for folder in ["serve", "server"] {
        rust_files(
            &root().join("host/cli/src/commands").join(folder),
            &mut files,
        );
    }
    files.push(root().join("host/cli/src/commands/node.rs"));
    let mut starts_a_host = false;
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        starts_a_host |= source.contains("tensor_wasm_node::host::");
        // What a host is made of: `host/node` makes them.
        for part in [
            "Engine::new",
            "Application::",
            "Device::cpu",
            "Device::cuda",
            "Device::isolated",
        ] {
            assert!(!source.contains(part), "{} makes {part}", file.display());
        }
    }
    assert!(
        starts_a_host,
        "`serve` no longer uses `tensor_wasm_node::host`"
    );
}

#[test]
fn each_invariant_of_the_architecture_names_a_test_that_exists() {
    let mut files = Vec::new();
    for folder in ["host", "tests", "guest-sdk", "components", "xtask"] {
        rust_files(&root().join(folder), &mut files);
    }
    let sources: Vec<String> = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let page = read("docs/architecture.md");
    // A paragraph from `**Invariant` to the next empty line.
    let invariants: Vec<&str> = page
        .split("**Invariant**")
        .skip(1)
        .map(|rest| rest.split("\n\n").next().unwrap_or_default())
        .map(|rest| rest.split("\n- ").next().unwrap_or_default())
        .collect();
    assert!(
        invariants.len() >= CRATES.len(),
        "each crate has an invariant; the page has {}",
        invariants.len()
    );
    for invariant in invariants {
        let (_, tests) = invariant
            .rsplit_once("(held by")
            .unwrap_or_else(|| panic!("no test is named: {invariant}"));
        let names: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test is named: {invariant}");
        for name in names {
            let test = name.rsplit("::").next().unwrap_or_default();
            let definition = format!("fn {test}(");
            let command = name.starts_with("cargo xtask ");
            assert!(
                command || sources.iter().any(|source| source.contains(&definition)),
                "there is no test {name}: {invariant}"
            );
        }
    }
}
