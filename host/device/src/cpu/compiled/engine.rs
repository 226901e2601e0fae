//! The engine that compiles and runs kernels, and the folder where it keeps what it compiled.
//!
//! The engine's own cache names each file by what it was made from: the WebAssembly, the engine's
//! version and settings, and the processor's features. A file that is not readable, or not what it
//! should be, is made anew, and one that can't be written is not there the next time: neither fails
//! a load. Only the host's own process is given a folder. A worker has none: it would have to be able
//! to write what other tenants then run.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use wasmtime::{Cache, CacheConfig, Config, Engine, Linker};

use super::instance::{self, Host};
use super::kept::KeptKernels;
use super::memory;
use crate::memory::{ARENA_BYTES, GUARD_BYTES};

/// The stack of a call: kernels call nothing but each other's helpers.
const STACK_BYTES: usize = 256 << 10;

/// What the folder may hold, in bytes, about: the least recently used are evicted.
const KEPT_BYTES: u64 = 256 << 20;

/// How often it is checked whether the folder holds too much.
const CLEANUP: Duration = Duration::from_secs(60);

/// An engine, and what its modules import.
pub(super) type Made = (Engine, Linker<Host>);

/// The engine without a folder, for all devices of a process; `None` where the host's processor or
/// address space does not do.
static WITHOUT_FOLDER: LazyLock<Option<Made>> = LazyLock::new(|| made(None));

/// A device's engine. It is made when the first kernel is compiled.
pub(crate) struct KernelEngine {
    folder: Option<PathBuf>,
    made: OnceLock<Option<Made>>,
    kept: Arc<KeptKernels>,
}

impl KernelEngine {
    /// An engine that keeps what it compiles in this folder, where there is one, and so many bytes of
    /// it in memory.
    pub(crate) fn new(folder: Option<PathBuf>, most_bytes: u64) -> Arc<KernelEngine> {
        KernelEngine::keeping(folder, KeptKernels::new(most_bytes))
    }

    pub(super) fn keeping(folder: Option<PathBuf>, kept: KeptKernels) -> Arc<KernelEngine> {
        Arc::new(KernelEngine {
            folder,
            made: OnceLock::new(),
            kept: Arc::new(kept),
        })
    }

    /// The kernels that it has compiled.
    pub(super) fn kept(&self) -> &Arc<KeptKernels> {
        &self.kept
    }

    pub(super) fn get(&self) -> Option<&Made> {
        match &self.folder {
            None => WITHOUT_FOLDER.as_ref(),
            Some(folder) => self.made.get_or_init(|| made(Some(folder))).as_ref(),
        }
    }
}

impl std::fmt::Debug for KernelEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KernelEngine")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

fn made(folder: Option<&Path>) -> Option<Made> {
    let made = engine(folder).and_then(|engine| {
        let linker = instance::linker(&engine)?;
        Ok((engine, linker))
    });
    match made {
        Ok(made) => Some(made),
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "kernels will be interpreted");
            None
        }
    }
}

fn engine(folder: Option<&Path>) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        // A true fused multiply-add on every processor.
        .relaxed_simd_deterministic(true)
        .wasm_threads(true)
        .wasm_multi_memory(true)
        .wasm_branch_hinting(true)
        // A tenant's compilation has one thread: the one that asks for it.
        .parallel_compilation(false)
        .wasm_backtrace_max_frames(None)
        .max_wasm_stack(STACK_BYTES)
        .memory_reservation(ARENA_BYTES)
        .memory_guard_size(GUARD_BYTES)
        .memory_may_move(false)
        .with_host_memory(Arc::new(memory::Creator));
    if let Some(folder) = folder {
        match cache(folder) {
            Ok(cache) => {
                config.cache(Some(cache));
            }
            Err(error) => tracing::warn!(
                folder = %folder.display(), error = format!("{error:#}"),
                "compiled kernels are not kept"
            ),
        }
    }
    Engine::new(&config)
}

fn cache(folder: &Path) -> wasmtime::Result<Cache> {
    let mut config = CacheConfig::new();
    config
        .with_directory(folder)
        .with_files_total_size_soft_limit(KEPT_BYTES)
        .with_cleanup_interval(CLEANUP);
    Cache::new(config)
}
