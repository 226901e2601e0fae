//! For build scripts: collects the WIT packages of this repository and those of WASI in
//! one folder, from which bindings are generated. WASI's packages come from crates that the
//! lock file pins, so that this repository needs no copies of them.

use std::path::{Path, PathBuf};
use std::{env, error, fs, io};

/// The crates that contain packages of WASI, and the folders of the packages in them.
const PROVIDERS: [(&str, &str); 2] = [
    ("wasip2", "wit/deps"),
    // The host's implementation of `wasi:config`, which contains the package too.
    ("wasmtime-wasi-config", "wit/deps/config"),
];

/// Copies all packages to `wit/deps` in the build's output folder, and returns the folder
/// `wit`, to which the build script adds its world.
pub fn collect() -> Result<PathBuf, Box<dyn error::Error>> {
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(package.join("Cargo.toml"))
        // Resolve for the target of this build only, so that nothing is fetched that
        // this build does not need anyway.
        .other_options(vec![
            "--locked".to_owned(),
            "--filter-platform".to_owned(),
            env::var("TARGET")?,
        ])
        .exec()?;
    let wit = PathBuf::from(env::var("OUT_DIR")?).join("wit");
    for (name, folder) in PROVIDERS {
        // Other crates may use an older version; the newest is the workspace's.
        let provider = metadata
            .packages
            .iter()
            .filter(|package| package.name.as_str() == name)
            .max_by_key(|package| package.version.clone())
            .and_then(|package| package.manifest_path.parent())
            .ok_or_else(|| format!("the package graph holds no `{name}`: is it still used?"))?;
        // Keep the folder below `wit`, since each folder of files is one package.
        let relative = Path::new(folder).strip_prefix("wit")?;
        copy_files(provider.join(folder).as_std_path(), &wit.join(relative))?;
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
