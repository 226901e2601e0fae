//! `tensor-wasm wit`: the WIT contract, for tools that make bindings.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use tensor_wasm_runtime::Contract;

/// Print the WIT contract, for tools that make bindings
///
/// One file that stands alone: the packages that its worlds need, those of WASI
/// included, are nested in it. cargo component, wit-bindgen, wasm-tools,
/// componentize-py and jco read it. With --out, one folder a package instead.
///
/// Worlds: `gpu` is the device alone, to include in a world of your own;
/// `gpu-service` is an HTTP service with the device; `middleware` and `policy`
/// stand in front of services; `initialized` is what is set up once, to include. `gpu-service-p3`, `middleware-p3` and `policy-p3` are
/// the same for WASI 0.3; without --world, those for WASI 0.2 are printed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm wit > wit/tensor.wit
  tensor-wasm wit --world gpu-service > wit/tensor.wit
  tensor-wasm wit --world policy-p3 > wit/tensor-p3.wit
  tensor-wasm wit --world gpu --out wit")]
pub struct Wit {
    /// Only this world, and what it needs
    #[arg(long, value_name = "NAME")]
    world: Option<String>,
    /// Write a folder instead: the package of the worlds in DIR, each other one in a
    /// folder of its own below DIR/deps, as `wkg wit build` and wit-bindgen read folders
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Wit {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let contract = match &self.world {
            Some(world) => Contract::of_world(world)?,
            None => Contract::shipped()?,
        };
        match &self.out {
            None => super::print(&contract.one_file()?)?,
            Some(folder) => {
                for (path, text) in contract.folder()? {
                    let path = folder.join(path);
                    write(&path, &text)
                        .with_context(|| format!("can't write {}", path.display()))?;
                    super::print(&format!("{}\n", path.display()))?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}
