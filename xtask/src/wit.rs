//! `cargo xtask wit`: makes the contract's one file, with WASI's packages nested in it, from
//! the files in `wit/`, and puts a copy into each crate that needs one.
//!
//! A crate has a copy of its own so that it can be packaged and vendored: cargo takes nothing
//! from outside of a crate's folder. The SDK has the bindings of its world written out too: an
//! author's first build need not compile the generator, which takes most of its time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use cargo_metadata::{Metadata, MetadataCommand};
use wit_parser::Resolve;

use crate::{
    components::TARGET,
    steps::{Step, Steps},
    workspace::Workspace,
};

/// The runtime's own printer of contracts, compiled here too: the runtime itself can't be
/// compiled where its copy of the contract is older than its code.
#[path = "../../host/runtime/src/contract.rs"]
#[allow(dead_code)]
mod contract;

/// Where the copies are.
const COPIES: [&str; 2] = ["host/runtime/wit", "guest-sdk/wit"];

/// One file of the contract.
struct File {
    /// Its name in the folders of copies.
    name: &'static str,
    /// The file of its worlds in `wit/`.
    worlds: &'static str,
    /// The crate that contains the packages of its version of WASI.
    wasi: &'static str,
}

/// The files, one for each version of WASI: generators name a package's module by its version where
/// a file has two, and older tools can't read the types of 0.3.
const FILES: [File; 2] = [
    File {
        name: "tensor.wit",
        worlds: "worlds.wit",
        wasi: "wasip2",
    },
    File {
        name: "tensor-p3.wit",
        worlds: "worlds-p3.wit",
        wasi: "wasip3",
    },
];

/// The host's implementation of `wasi:config`, which contains the package too.
const CONFIG: (&str, &str) = ("wasmtime-wasi-config", "wit/deps/config");

/// The bindings of the SDK: where those of a world are, and the world with the generator's options.
const BINDINGS: [(&str, &str); 2] = [
    (
        "guest-sdk/src/bindings/capability.rs",
        "world: \"tensor:gpu/capability\"",
    ),
    (
        "guest-sdk/src/bindings/initialized.rs",
        "world: \"tensor:lifecycle/initialized\", pub_export_macro: true, \
         export_macro_name: \"export_initialization\", \
         default_bindings_module: \"tensor_wasm_guest::initialization\"",
    ),
];

/// Their generator, with its version.
const GENERATOR: &str = "wit-bindgen";
const VERSION: &str = "0.61.1";

/// Write the copies of the WIT contract that crates hold, from the files in `wit/`, and the bindings
/// of the SDK.
///
/// The packages of WASI come from crates that the lock file pins. After a change
/// to a file in `wit/`, run this, then build.
#[derive(clap::Args)]
pub struct Arguments {
    /// Change nothing: fail where a copy differs from what the sources make.
    #[arg(long)]
    check: bool,
}

/// Runs the command.
///
/// # Errors
/// Where the contract is invalid, and with `--check` where a copy would change.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::new(2);
    let step = steps.begin("making the contract");
    let mut changed = Vec::new();
    let mut contract = String::new();
    for file in FILES {
        let text = made(workspace, &file)?;
        for folder in COPIES {
            let copy = format!("{folder}/{}", file.name);
            let path = workspace.root().join(&copy);
            if fs::read_to_string(&path).unwrap_or_default() == text {
                continue;
            }
            if !arguments.check {
                fs::create_dir_all(path.parent().unwrap_or(workspace.root()))?;
                fs::write(&path, &text)
                    .with_context(|| format!("cannot write {}", path.display()))?;
            }
            changed.push(copy);
        }
        // The first file has all that the bindings are of.
        if contract.is_empty() {
            contract = text;
        }
    }
    step.done(format_args!("{} copies differ", changed.len()));
    let step = steps.begin("making the bindings of the SDK");
    let head = head(&contract);
    let of_another = |(file, _): &(&str, &str)| {
        let bindings = fs::read_to_string(workspace.root().join(file));
        !bindings.is_ok_and(|bindings| bindings.starts_with(&head))
    };
    if !BINDINGS.iter().any(of_another) {
        step.done("they are of this contract");
    } else {
        if !arguments.check {
            for ((file, _), generated) in BINDINGS.iter().zip(generated(workspace, &step)?) {
                let bindings = workspace.root().join(file);
                fs::create_dir_all(bindings.parent().unwrap_or(workspace.root()))?;
                fs::write(&bindings, head.clone() + &generated)?;
            }
        }
        changed.extend(BINDINGS.map(|(file, _)| file.to_owned()));
        step.done(format_args!("{} files", BINDINGS.len()));
    }
    if arguments.check && !changed.is_empty() {
        bail!(
            "{} differ from what the files in `wit/` make: run `cargo xtask wit`, and commit the result",
            changed.join(" and ")
        );
    }
    Ok(())
}

/// How the bindings begin: with what they were made of. The hash is FNV-1a with 64 bits; a test
/// compares it.
fn head(contract: &str) -> String {
    let hash = contract
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!(
        "// Written by `cargo xtask wit`, with {GENERATOR} {VERSION}, of wit/tensor.wit with the hash {hash:016x}.\n\n"
    )
}

/// What the generator makes of each of the worlds: its macro writes that to a file where it is asked to, when
/// a crate that calls it is compiled.
fn generated(workspace: &Workspace, step: &Step) -> Result<Vec<String>> {
    let folder = workspace.target().join("bindings");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove the crate of the last run")?;
    }
    fs::create_dir_all(folder.join("src"))?;
    fs::write(
        folder.join("Cargo.toml"),
        format!(
            "[package]\nname = \"bindings\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [dependencies]\n{GENERATOR} = \"={VERSION}\"\n"
        ),
    )?;
    let contract = workspace.root().join("guest-sdk/wit/tensor.wit");
    let mut library = String::new();
    for (number, (_, options)) in BINDINGS.iter().enumerate() {
        library += &format!(
            "pub mod world{number} {{\n    wit_bindgen::generate!({{\n        path: {contract:?},\n        \
             {options},\n        debug: true,\n    }});\n}}\n"
        );
    }
    fs::write(folder.join("src/lib.rs"), library)?;
    fs::copy(
        workspace.root().join("Cargo.lock"),
        folder.join("Cargo.lock"),
    )?;
    let mut cargo: Command = workspace.cargo(["check"]);
    step.run(
        cargo
            .current_dir(&folder)
            .env("CARGO_TARGET_DIR", folder.join("target")),
    )?;
    let mut written = Vec::new();
    for build in fs::read_dir(folder.join("target/debug/build"))? {
        let Ok(out) = fs::read_dir(build?.path().join("out")) else {
            continue;
        };
        for file in out {
            let file = file?.path();
            if file.extension().is_some_and(|extension| extension == "rs") {
                written.push(file);
            }
        }
    }
    let of = |file: &str| {
        let name = Path::new(file).file_stem()?.to_str()?;
        let mut files = written.iter();
        files.find(|file| {
            let stem = file.file_stem().and_then(|stem| stem.to_str());
            stem.is_some_and(|stem| stem.trim_end_matches(|c: char| c.is_ascii_digit()) == name)
        })
    };
    let bindings = BINDINGS.iter().map(|(file, _)| {
        let written = of(file).with_context(|| {
            format!("{GENERATOR} {VERSION} has written no {file}: does it still take `debug`?")
        })?;
        Ok(fs::read_to_string(written)?)
    });
    bindings.collect()
}

/// One file of the contract.
fn made(workspace: &Workspace, file: &File) -> Result<String> {
    let metadata = MetadataCommand::new()
        .manifest_path(workspace.root().join("Cargo.toml"))
        .other_options(vec![
            "--locked".to_owned(),
            "--filter-platform".to_owned(),
            TARGET.to_owned(),
        ])
        .exec()
        .context("cannot read the packages of the workspace")?;
    let folder = tempfile::tempdir()?;
    let packages = folder.path().join("deps");
    for (name, path) in [(file.wasi, "wit/deps"), CONFIG] {
        // Keep the folder below `wit/deps`: each folder of files is one package.
        let below = Path::new(path).strip_prefix("wit/deps")?;
        copy_files(
            &provider(&metadata, name)?.join(path),
            &packages.join(below),
        )?;
    }
    let sources = workspace.root().join("wit");
    for file in ["gpu.wit", "lifecycle.wit", "policy.wit"] {
        fs::copy(sources.join(file), packages.join(file))?;
    }
    fs::copy(sources.join(file.worlds), folder.path().join("worlds.wit"))?;
    let mut resolve = Resolve::default();
    let (main, _) = resolve.push_dir(folder.path())?;
    Ok(contract::Contract::of(resolve, main).one_file()?)
}

/// The folder of a crate that contains packages of WASI.
fn provider(metadata: &Metadata, name: &str) -> Result<PathBuf> {
    // Other crates may use an older version; the newest is the workspace's.
    let packages = metadata.packages.iter();
    let newest = packages
        .filter(|package| package.name.as_str() == name)
        .max_by_key(|package| &package.version)
        .with_context(|| format!("the package graph holds no `{name}`: is it still used?"))?;
    let folder = newest
        .manifest_path
        .parent()
        .unwrap_or(&newest.manifest_path);
    Ok(folder.as_std_path().to_owned())
}

fn copy_files(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
