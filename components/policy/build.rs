//! Lays the contract and WASI's own packages side by side for `generate!`.
//! WASI's come with the `wasip2` crate, which the lock file pins, instead of
//! being copied into this repository. And asks for a small stack.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(package.join("Cargo.toml"))
        // Only what is needed for this target, which the build in progress has
        // already fetched.
        .other_options(vec![
            "--locked".to_owned(),
            "--filter-platform".to_owned(),
            env::var("TARGET")?,
        ])
        .exec()?;
    // Others may use an older one; the newest is the workspace's.
    let wasip2 = metadata
        .packages
        .iter()
        .filter(|package| package.name.as_str() == "wasip2")
        .max_by_key(|package| package.version.clone())
        .and_then(|package| package.manifest_path.parent())
        .ok_or("the package graph holds no `wasip2`: is it still a dependency?")?;

    let wit = PathBuf::from(env::var("OUT_DIR")?).join("wit");
    let contract = package.join("../../wit");
    copy(wasip2.join("wit/deps").as_std_path(), &wit.join("deps"))?;
    fs::copy(contract.join("gpu.wit"), wit.join("deps/gpu.wit"))?;
    fs::copy(contract.join("policy.wit"), wit.join("deps/policy.wit"))?;
    fs::copy(contract.join("worlds.wit"), wit.join("worlds.wit"))?;
    // Of the default, 1 MiB, a host that clears an instance's memory after a
    // request would have to look through pages that the policy never reaches.
    if env::var("CARGO_CFG_TARGET_ARCH")? == "wasm32" {
        println!("cargo::rustc-link-arg-cdylib=-zstack-size=65536");
    }
    println!("cargo::rerun-if-changed={}", contract.display());
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
