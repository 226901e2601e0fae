//! What an author's commands promise: `new`, `test` and `kernel bindings`. Those projects are built and
//! served by the end-to-end tests.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::Run;

/// Runs the binary in a folder.
fn run_in(folder: &Path, program: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(program);
    let output = command.args(arguments).current_dir(folder).output();
    output.unwrap().into()
}

#[test]
fn new_creates_a_project_of_each_template_and_language_and_writes_over_nothing() {
    let files = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_tensor-wasm"));
    let new = |arguments: &[&str]| run_in(files.path(), program, arguments);
    for (name, options) in [
        ("my-first", &[][..]),
        ("my_second", &["--template", "saxpy"]),
        ("third", &["--template", "image"]),
        ("streaming", &["--template", "stream"]),
        ("finding", &["--template", "embeddings"]),
        ("fourth", &["--lang", "python"]),
        ("fifth", &["--lang", "javascript"]),
        ("newer", &["--wasi", "0.3"]),
        ("newer_stream", &["--wasi", "0.3", "--template", "stream"]),
        ("newer_python", &["--wasi", "0.3", "--lang", "python"]),
        ("newer_script", &["--wasi", "0.3", "--lang", "javascript"]),
    ] {
        let created = new(&[&["new", name][..], options].concat());
        assert_eq!(created.status, 0, "{}", created.err);
        assert!(created.out.contains("tensor-wasm dev"), "{}", created.out);
        let text = |path: &str| fs::read_to_string(files.path().join(name).join(path)).unwrap();
        assert!(text("README.md").starts_with(&format!("# {name}\n")));
        assert!(text("tensor-wasm.toml").contains("[build]"));
        let last = options.last().copied().unwrap_or("empty");
        if matches!(last, "empty" | "stream" | "embeddings" | "0.3") {
            assert!(text("src/lib.rs").contains("#[kernel]"));
        } else {
            let kernels = fs::read_dir(files.path().join(name).join("kernels")).unwrap();
            let ptx = kernels
                .map(|entry| entry.unwrap().path())
                .find(|path| path.extension().is_some_and(|ending| ending == "ptx"));
            let checked = run_in(
                files.path(),
                program,
                &["kernel", "check", ptx.unwrap().to_str().unwrap()],
            );
            assert_eq!(checked.status, 0, "{}", checked.err);
        }
        let newer = options.contains(&"0.3");
        if options.contains(&"--lang") {
            let world = ["world gpu-service {", "world gpu-service-p3 {"][usize::from(newer)];
            assert!(text("wit/tensor.wit").contains(world), "{name}");
        } else {
            assert!(text("Cargo.toml").contains("guest-sdk\""));
            assert_eq!(text("Cargo.toml").contains("wasip3"), newer, "{name}");
        }
        new(&[&["new", name][..], options].concat()).fails(1, &[name, "is there already"]);
    }
    // The settings of a server may stand beside how a project is built.
    let checked = run_in(
        &files.path().join("my-first"),
        program,
        &["config", "check"],
    );
    assert_eq!(checked.status, 0, "{}", checked.err);
}

#[test]
fn new_refuses_what_is_no_name_and_what_there_is_not() {
    let files = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_tensor-wasm"));
    for (arguments, status, words) in [
        (&["new", "My Service"][..], 2, &["my-service"][..]),
        (&["new", "../up"], 2, &["a name consists"]),
        (&["new", "fn"], 2, &["meaning of its own"]),
        (&["new", "a", "--lang", "cobol"], 2, &["rust", "python"]),
        (
            &["new", "a", "--template", "sakspy"],
            2,
            &["no such folder", "saxpy", "embeddings"],
        ),
        (
            &["new", "a", "--template", "/nowhere/at/all"],
            2,
            &["no such folder"],
        ),
        (
            &["new", "a", "--template", "file:///nowhere/at/all.git"],
            1,
            &["can't clone the template file:///nowhere/at/all.git"],
        ),
        (
            &["new", "a", "--template", "/usr", "--lang", "rust"],
            1,
            &["--lang", "its own language"],
        ),
        (
            &["new", "a", "--lang", "python", "--template", "image"],
            1,
            &["no template image"],
        ),
        (&["new", "a", "--wasi", "0.1"], 2, &["0.2", "0.3"]),
        (
            &["new", "a", "--wasi", "0.3", "--template", "image"],
            1,
            &["no template image for WASI 0.3", "empty and stream"],
        ),
        (
            &["new", "a", "--wasi", "0.3", "--template", "/usr"],
            1,
            &["--wasi", "/usr"],
        ),
        (
            &["new", "a", "--lang", "python", "--sdk", "0.1"],
            1,
            &["--sdk", "needs none"],
        ),
        (
            &["new", "a", "--sdk", "/nowhere"],
            1,
            &["/nowhere", "guest-sdk"],
        ),
    ] {
        run_in(files.path(), program, arguments).fails(status, words);
    }
    assert_eq!(fs::read_dir(files.path()).unwrap().count(), 0);

    // A program that was installed elsewhere knows the checkout that it was built in.
    let alone = files.path().join("alone");
    fs::hard_link(program, &alone)
        .or_else(|_| fs::copy(program, &alone).map(drop))
        .unwrap();
    assert_eq!(run_in(files.path(), &alone, &["new", "b"]).status, 0);
    let manifest = fs::read_to_string(files.path().join("b/Cargo.toml")).unwrap();
    assert!(manifest.contains("guest-sdk\""), "{manifest}");
    let git = ["new", "a", "--sdk", "https://example.org/tensor-wasm.git"];
    assert_eq!(run_in(files.path(), &alone, &git).status, 0);
    let manifest = fs::read_to_string(files.path().join("a/Cargo.toml")).unwrap();
    assert!(manifest.contains("git = \"https://example.org/tensor-wasm.git\""));
}

#[test]
fn a_project_starts_from_a_folder_or_a_repository_of_one_s_own() {
    let files = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_tensor-wasm"));
    let template = files.path().join("template");
    fs::create_dir_all(template.join("src")).unwrap();
    let manifest = "[build]\ncommand = [\"make\"]\ncomponent = \"{{kebab}}.wasm\"\n";
    fs::write(template.join("tensor-wasm.toml.template"), manifest).unwrap();
    fs::write(
        template.join("Cargo.toml.template"),
        "{{crate}} = { {{sdk}} }",
    )
    .unwrap();
    fs::write(template.join("src/as-it-is"), "{{name}}").unwrap();

    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(arguments)
            .current_dir(&template);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    git(&["init", "--quiet", "--initial-branch=first"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message=A template"]);
    let folder = template.to_str().unwrap();
    for (name, place) in [
        ("of_a_folder", folder.to_owned()),
        ("of_a_repository", format!("file://{folder}")),
        ("of_a_branch", format!("file://{folder}#first")),
    ] {
        let created = run_in(files.path(), program, &["new", name, "--template", &place]);
        assert_eq!(created.status, 0, "{}", created.err);
        let text = |path: &str| fs::read_to_string(files.path().join(name).join(path)).unwrap();
        let kebab = name.replace('_', "-");
        assert!(text("tensor-wasm.toml").contains(&format!("\"{kebab}.wasm\"")));
        assert!(text("Cargo.toml").starts_with(&format!("{name} = {{ path = \"")));
        assert_eq!(text("src/as-it-is"), "{{name}}");
        assert!(!files.path().join(name).join(".git").exists());
    }
    let other = format!("file://{folder}#other");
    let refused = run_in(files.path(), program, &["new", "a", "--template", &other]);
    refused.fails(1, &["can't clone", "other"]);
    assert!(!files.path().join("a").exists());
}

#[test]
fn tests_of_a_project_run_with_further_arguments_and_their_status_is_the_program_s() {
    let files = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_tensor-wasm"));
    let manifest = |line: &str| {
        let text = format!("[build]\ncommand = [\"true\"]\ncomponent = \"a.wasm\"\n{line}\n");
        fs::write(files.path().join("tensor-wasm.toml"), text).unwrap();
    };
    // The program finds itself by its name, installed or not.
    manifest(r#"test = ["sh", "-c", "tensor-wasm --version > version; exit $1", "sh"]"#);
    for (status, number) in [(0, "0"), (7, "7")] {
        let ran = run_in(files.path(), program, &["test", ".", "--", number]);
        assert_eq!(ran.status, status, "{}", ran.err);
        let version = fs::read_to_string(files.path().join("version")).unwrap();
        assert!(version.starts_with("tensor-wasm "), "{version}");
    }
    manifest(r#"test = ["no-such-program-anywhere"]"#);
    run_in(files.path(), program, &["test"]).fails(1, &["no-such-program-anywhere", "build.test"]);
    manifest("");
    run_in(files.path(), program, &["test"]).fails(1, &["names no tests", "cargo"]);
    run_in(files.path(), program, &["test", "/nowhere"]).fails(1, &["tensor-wasm new"]);
}

/// The files of `tests/guests/examples/kernel_bindings`, whose service launches by those in Rust.
#[test]
fn bindings_of_a_file_of_kernels_are_those_that_the_tests_service_is_built_with() {
    let program = Path::new(env!("CARGO_BIN_EXE_tensor-wasm"));
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests/examples/kernel_bindings");
    for (language, file) in [
        ("rust", "kernels.rs"),
        ("python", "kernels.py"),
        ("javascript", "kernels.js"),
    ] {
        let arguments = ["kernel", "bindings", "kernels.ptx", "--lang", language];
        let written = run_in(&folder, program, &arguments);
        assert_eq!(written.status, 0, "{}", written.err);
        if std::env::var_os("UPDATE_BINDINGS").is_some() {
            fs::write(folder.join(file), &written.out).unwrap();
        }
        let expected = fs::read_to_string(folder.join(file)).unwrap();
        assert!(
            written.out == expected,
            "{file} differs: run this test with UPDATE_BINDINGS=1, and look at the difference"
        );
    }
}

#[test]
fn bindings_are_refused_for_what_no_device_runs_and_names_that_are_one() {
    let files = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_tensor-wasm"));
    let head = ".version 7.0\n.target sm_70\n.address_size 64\n";
    fs::write(
        files.path().join("broken.ptx"),
        format!("{head}.entry k() {{ bra; }}"),
    )
    .unwrap();
    let twice =
        format!("{head}.visible .entry a$b() {{ ret; }}\n.visible .entry a_b() {{ ret; }}\n");
    fs::write(files.path().join("twice.ptx"), twice).unwrap();
    fs::write(files.path().join("none.ptx"), head).unwrap();
    let bindings = |file: &str, language: &str| {
        let arguments = ["kernel", "bindings", file, "--lang", language];
        run_in(files.path(), program, &arguments)
    };
    for language in ["rust", "python", "javascript"] {
        bindings("broken.ptx", language).fails(1, &["broken.ptx:4:", "no module"]);
        bindings("twice.ptx", language).fails(1, &["`a$b`", "`a_b`", "rename one"]);
        bindings("none.ptx", language).fails(1, &["no kernel"]);
        bindings("missing.ptx", language).fails(1, &["can't read missing.ptx"]);
    }
    bindings("twice.ptx", "cobol").fails(2, &["python"]);
}
