//! What is in an archive, and that it is the same each time.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use tempfile::TempDir;

use super::*;

/// The program that the tests use. `None` where none was built.
fn program(workspace: &Workspace) -> Option<PathBuf> {
    let binary = match std::env::var_os("TENSOR_WASM_BIN") {
        Some(binary) => PathBuf::from(binary),
        None => workspace.binary(Profile::Dev),
    };
    let components = workspace.components_folder();
    let is_there = |name: &&str| components.join(name).exists();
    (binary.exists() && COMPONENTS.iter().all(is_there)).then_some(binary)
}

/// Packs the program.
fn packed(out: &Path) -> Option<(Source, Packed)> {
    let workspace = Workspace::find().unwrap();
    let binary = program(&workspace)?;
    let source = Source::of(&workspace).unwrap();
    let mut steps = Steps::new(1);
    let step = steps.begin("packing");
    let packed = pack(&workspace, &step, &binary, &source, out).unwrap();
    let statement = provenance::statement(&provenance::Build {
        source: &source,
        packed: &packed,
        is_built: false,
        lock_sha256: "0".repeat(64),
        compiler: "rustc",
        started: SystemTime::UNIX_EPOCH,
        finished: SystemTime::UNIX_EPOCH,
    });
    finish(&step, &packed, &statement).unwrap();
    step.done("");
    Some((source, packed))
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    output(Command::new(program).args(arguments).current_dir(folder)).unwrap()
}

#[test]
fn an_archive_has_what_operators_install_and_is_the_same_each_time() {
    let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let Some((source, packed_one)) = packed(one.path()) else {
        eprintln!("skipped: there is no program, or no components");
        return;
    };
    let (_, packed_other) = packed(other.path()).unwrap();
    assert_eq!(packed_one.archive_sha256, packed_other.archive_sha256);
    let checked = run(one.path(), "sha256sum", &["--check", "SHA256SUMS"]);
    assert_eq!(checked.lines().count(), 3);

    let folder = TempDir::new().unwrap();
    let archive = packed_one.archive.to_str().unwrap();
    run(folder.path(), "tar", &["--extract", "--file", archive]);
    let root = folder.path().join(source.name());
    let program = root.join("bin/tensor-wasm");
    let program = program.to_str().unwrap();
    assert!(run(&root, program, &["--version"]).contains(&source.version));
    for page in [
        "tensor-wasm.1",
        "tensor-wasm-node.1",
        "tensor-wasm-snapshot-save.1",
    ] {
        let page = root.join("share/man/man1").join(page);
        assert!(
            fs::read_to_string(&page).unwrap().contains(".TH"),
            "{}",
            page.display()
        );
    }
    for (_, script) in COMPLETIONS {
        assert!(
            fs::read_to_string(root.join(script))
                .unwrap()
                .contains("snapshot")
        );
    }
    let unit = root.join("lib/systemd/system/tensor-wasm-node.service");
    assert!(fs::read_to_string(unit).unwrap().contains("ExecStart"));
    for component in COMPONENTS {
        assert!(
            root.join("share/tensor-wasm/components")
                .join(component)
                .exists()
        );
    }
    // Two archives, of which one has other contents, are told apart.
    fs::write(packed_other.sbom, "{}").unwrap();
    let mut changed = Command::new("sha256sum");
    changed
        .args(["--check", "--status", "SHA256SUMS"])
        .current_dir(other.path());
    assert!(output(&mut changed).is_err());
}

#[test]
fn a_container_has_no_root_says_whether_it_is_well_and_copies_what_the_archive_has() {
    let workspace = Workspace::find().unwrap();
    let text = fs::read_to_string(workspace.root().join("packaging/Containerfile")).unwrap();
    let text = text.replace("\\\n", " ");
    let of = |word: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(word));
        lines.map(|line| line.trim().to_owned()).collect()
    };
    let user = of("USER ");
    assert!(
        user.last()
            .unwrap()
            .split(':')
            .all(|id| id.parse::<u32>().unwrap() > 0)
    );
    assert!(of("HEALTHCHECK ").last().unwrap().contains("\"ready\""));
    let out = TempDir::new().unwrap();
    let Some(binary) = program(&workspace) else {
        eprintln!("skipped: there is no program, or no components");
        return;
    };
    let source = Source::of(&workspace).unwrap();
    let mut steps = Steps::new(1);
    let step = steps.begin("assembling");
    let root = out.path().join(source.name());
    assemble(&workspace, &step, &binary, &source, &root).unwrap();
    step.done("");
    for copied in of("COPY ") {
        let mut words = copied
            .split_whitespace()
            .filter(|word| !word.starts_with("--"));
        let from = words.next().unwrap();
        assert!(root.join(from).exists(), "{from}");
    }
    // The options that it gives the node are those of the program.
    let command: Vec<String> = serde_json::from_str(of("CMD ").last().unwrap()).unwrap();
    let program = root.join("bin/tensor-wasm");
    let help = run(&root, program.to_str().unwrap(), &["node", "--help"]);
    for option in command.iter().filter(|word| word.starts_with("--")) {
        assert!(help.contains(option.as_str()), "{option}");
    }
}

#[test]
fn the_bill_of_materials_names_each_crate_of_the_program_with_its_licence() {
    let workspace = Workspace::find().unwrap();
    let source = Source::of(&workspace).unwrap();
    let bill = sbom::bill(&workspace, &source).unwrap();
    let components = bill["components"].as_array().unwrap();
    let names: BTreeSet<_> = components
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    for name in ["wasmtime", "tokio", "ring", "tensor-wasm-ptx"] {
        assert!(names.contains(name), "{name}");
    }
    // Neither what only tests use, nor the project's commands.
    for name in ["proptest", "xtask"] {
        assert!(!names.contains(name), "{name}");
    }
    let mut references =
        BTreeSet::from([bill["metadata"]["component"]["bom-ref"].as_str().unwrap()]);
    for component in components {
        let name = &component["name"];
        assert!(
            references.insert(component["bom-ref"].as_str().unwrap()),
            "{name} twice"
        );
        assert_ne!(component["licenses"], serde_json::json!([]), "{name}");
        let is_ours = name.as_str().unwrap().starts_with("tensor-wasm");
        assert_eq!(component["hashes"].is_null(), is_ours, "{name}");
    }
    for dependency in bill["dependencies"].as_array().unwrap() {
        assert!(references.contains(dependency["ref"].as_str().unwrap()));
        for on in dependency["dependsOn"].as_array().unwrap() {
            assert!(references.contains(on.as_str().unwrap()), "{on}");
        }
    }
}
