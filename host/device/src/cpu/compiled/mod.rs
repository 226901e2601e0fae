//! Compiled kernels: the engine that compiles and runs them, once per process, and what each of a
//! module's kernels became. What is not compiled is interpreted, and says why.

mod instance;
mod memory;
mod ticker;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use tensor_wasm_ptx::Module;
use tensor_wasm_ptx::lower::{Lowered, Unsupported, Width, lower_as};
use wasmtime::{Config, Engine, InstancePre, Linker};

use instance::Host;
pub(crate) use instance::{Instance, Outcome, with_instance};

use crate::memory::{ARENA_BYTES, GUARD_BYTES};

/// The steps of all kernels of a module that are compiled: compiling takes about a millisecond for a
/// hundred, and one tenant's module is another's wait.
const MOST_STEPS: usize = 64 << 10;

/// The stack of a call: kernels call nothing but each other's helpers.
const STACK_BYTES: usize = 256 << 10;

/// The engine; `None` where the host's processor or address space does not do.
static ENGINE: LazyLock<Option<(Engine, Linker<Host>)>> = LazyLock::new(|| {
    let made = engine().and_then(|engine| {
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
});

fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        // A true fused multiply-add on every processor.
        .relaxed_simd_deterministic(true)
        .wasm_threads(true)
        .wasm_multi_memory(true)
        .wasm_branch_hinting(true)
        .wasm_backtrace_max_frames(None)
        .max_wasm_stack(STACK_BYTES)
        .memory_reservation(ARENA_BYTES)
        .memory_guard_size(GUARD_BYTES)
        .memory_may_move(false)
        .with_host_memory(Arc::new(memory::Creator));
    Engine::new(&config)
}

/// One kernel, compiled.
pub(crate) struct Kernel {
    lowered: Arc<Lowered>,
    ready: InstancePre<Host>,
}

impl Kernel {
    pub(crate) fn lowered(&self) -> &Arc<Lowered> {
        &self.lowered
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernel").finish_non_exhaustive()
    }
}

/// What the kernels of a module became, in its order.
type Kernels = Vec<Result<Arc<Kernel>, Unsupported>>;

/// Compiles a module's kernels, where that was not done before. They live as long as the module.
pub(crate) fn prepare(module: &Arc<Module>) {
    let _ = kernels(module);
}

/// The compiled kernel of this name, if it was compiled.
pub(crate) fn kernel(module: &Arc<Module>, name: &str) -> Option<Arc<Kernel>> {
    let place = module
        .entries()
        .iter()
        .position(|entry| entry.name() == name)?;
    kernels(module)?.get(place)?.as_ref().ok().cloned()
}

fn kernels(module: &Arc<Module>) -> Option<&Kernels> {
    module.extension(|| compile(module))
}

/// Whether the compiler is to leave each thread alone; for measurements.
static SINGLE_THREADS: AtomicBool = AtomicBool::new(false);

/// Has every module that this process loads from now on compiled for one thread at a time, so that
/// it can be measured what running threads together brings.
pub fn compile_for_single_threads() {
    SINGLE_THREADS.store(true, Ordering::Relaxed);
}

fn width() -> Width {
    match SINGLE_THREADS.load(Ordering::Relaxed) {
        true => Width::One,
        false => Width::Chosen,
    }
}

fn compile(module: &Arc<Module>) -> Kernels {
    let mut steps = 0;
    module
        .entries()
        .iter()
        .map(|entry| {
            let name = entry.name();
            let compiled = lower_as(module, name, width()).and_then(|lowered| {
                steps += lowered.steps();
                if steps > MOST_STEPS {
                    return Err(refused("the module is large"));
                }
                let (engine, linker) = ENGINE.as_ref().ok_or_else(|| refused("no engine"))?;
                // An error here is a mistake of the compiler: the interpreter makes up for it.
                let failed = |error: wasmtime::Error| {
                    tracing::error!(kernel = name, error = format!("{error:#}"), "not compiled");
                    refused("the engine refuses the module")
                };
                let compiled = wasmtime::Module::new(engine, lowered.wasm()).map_err(failed)?;
                let ready = linker.instantiate_pre(&compiled).map_err(failed)?;
                Ok(Arc::new(Kernel {
                    lowered: Arc::new(lowered),
                    ready,
                }))
            });
            if let Err(reason) = &compiled {
                tracing::debug!(kernel = name, %reason, "a kernel will be interpreted");
            }
            compiled
        })
        .collect()
}

fn refused(what: &str) -> Unsupported {
    Unsupported {
        line: None,
        what: what.to_owned(),
    }
}
