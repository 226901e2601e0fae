//! Lays the contract and WASI's own packages side by side for `generate!`. WASI's
//! come with the `wasip2` crate, which the lock file pins, instead of being
//! copied into this repository.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let manifest_dir = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(manifest_dir.join("Cargo.toml"))
        // What the build in progress has resolved, for its own target: so nothing
        // is fetched that this build does not need itself.
        .other_options(vec![
            "--locked".to_owned(),
            "--filter-platform".to_owned(),
            env::var("TARGET")?,
        ])
        .exec()?;
    // Another major version may be in the graph: the one that this package names
    // is the one whose bindings it uses.
    let wasip2 = metadata
        .packages
        .iter()
        .filter(|package| package.name.as_str() == "wasip2")
        .max_by_key(|package| package.version.clone())
        .and_then(|package| package.manifest_path.parent())
        .ok_or("the package graph holds no `wasip2`: is it still a dependency?")?;

    let target = PathBuf::from(env::var("OUT_DIR")?).join("wit");
    let contract = manifest_dir.join("../../wit");
    copy_files(wasip2.join("wit/deps").as_std_path(), &target.join("deps"))?;
    fs::copy(contract.join("policy.wit"), target.join("deps/policy.wit"))?;
    fs::write(
        target.join("guests.wit"),
        "package test:guests;

world policy {
    include tensor:policy/capability@0.1.0;
    import wasi:http/incoming-handler@0.2.12;
}
",
    )?;
    println!("cargo::rerun-if-changed={}", contract.display());
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}

fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
