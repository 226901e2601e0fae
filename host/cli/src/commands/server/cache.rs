//! Where compiled components and kernels are kept from one start to the next.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

#[derive(Args)]
pub struct CacheOptions {
    /// Where compiled components and kernels are kept, for a faster start the next time;
    /// by default in the user's cache directory
    #[arg(long, value_name = "DIRECTORY", env = "TENSOR_WASM_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
    /// Compile anew at every start
    #[arg(long, conflicts_with = "cache_dir")]
    no_cache: bool,
}

impl CacheOptions {
    /// The directory, created where it is missing. One that the operator named has to be
    /// usable; where the default one isn't, each start takes longer, which is logged.
    pub fn directory(&self) -> anyhow::Result<Option<PathBuf>> {
        if self.no_cache {
            return Ok(None);
        }
        if let Some(directory) = &self.cache_dir {
            let directory = fs::create_dir_all(directory)
                .and_then(|()| directory.canonicalize())
                .with_context(|| format!("can't use the cache {}", directory.display()))?;
            return Ok(Some(directory));
        }
        let Some(directory) = users_cache().map(|cache| cache.join("tensor-wasm")) else {
            return Ok(None);
        };
        match fs::create_dir_all(&directory) {
            Ok(()) => Ok(Some(directory)),
            Err(error) => {
                tracing::warn!(
                    directory = %directory.display(), %error,
                    "compiled components and kernels are not kept: name a directory with --cache-dir"
                );
                Ok(None)
            }
        }
    }
}

/// The user's cache directory by the XDG Base Directory Specification, which ignores
/// relative paths.
fn users_cache() -> Option<PathBuf> {
    let absolute = |variable: &str| {
        env::var_os(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))
}
