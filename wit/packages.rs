//! For build scripts: lays the contract and WASI's own packages side by side, so
//! that bindings can be generated. WASI's come with crates that the lock file pins,
//! instead of being copied into this repository.

use std::path::{Path, PathBuf};
use std::{env, error, fs, io};

/// The crates that bring packages of WASI, and where in them the packages lie.
const BROUGHT_BY: [(&str, &str); 2] = [
    ("wasip2", "wit/deps"),
    // The host's half of `wasi:config`, which every host has with it.
    ("wasmtime-wasi-config", "wit/deps/config"),
];

/// Puts all packages under `wit/deps` of the build's own folder, and gives that
/// `wit`, for the build script to put its world in.
pub fn lay() -> Result<PathBuf, Box<dyn error::Error>> {
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(package.join("Cargo.toml"))
        // What the build in progress has resolved, for its own target: so nothing
        // is fetched that this build does not need itself.
        .other_options(vec![
            "--locked".to_owned(),
            "--filter-platform".to_owned(),
            env::var("TARGET")?,
        ])
        .exec()?;
    let wit = PathBuf::from(env::var("OUT_DIR")?).join("wit");
    for (name, folder) in BROUGHT_BY {
        // Others may use an older one; the newest is the workspace's.
        let brought = metadata
            .packages
            .iter()
            .filter(|package| package.name.as_str() == name)
            .max_by_key(|package| package.version.clone())
            .and_then(|package| package.manifest_path.parent())
            .ok_or_else(|| format!("the package graph holds no `{name}`: is it still used?"))?;
        // A folder of files is a package, a file beside it is one of its own.
        let inside = Path::new(folder).strip_prefix("wit")?;
        copy_files(brought.join(folder).as_std_path(), &wit.join(inside))?;
    }
    let contract = package.join("../../wit");
    for file in ["gpu.wit", "policy.wit"] {
        fs::copy(contract.join(file), wit.join("deps").join(file))?;
    }
    println!("cargo::rerun-if-changed={}", contract.display());
    println!("cargo::rerun-if-changed=build.rs");
    Ok(wit)
}

fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
