//! Compiled kernels: the engine that compiles and runs them, once per process, and what each of a
//! module's kernels became. What is not compiled is interpreted, and says why.

mod engine;
mod instance;
mod memory;
mod ticker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tensor_wasm_ptx::Module;
use tensor_wasm_ptx::compile::{CompiledKernel, Unsupported, Vectorize, compile_as};
use wasmtime::InstancePre;

pub(crate) use engine::KernelEngine;
use instance::Host;
pub(crate) use instance::{Instance, Outcome, with_instance};

/// The work that an engine has with all kernels of a module that are compiled, in units of
/// [`CompiledKernel::effort`]: a few seconds, since one tenant's module is another's wait.
const MOST_EFFORT: usize = 64 << 10;

/// What a step of a compiled kernel takes for as long as it can run, in bytes, roughly.
const BYTES_PER_STEP: usize = 64;

/// One kernel: WebAssembly, compiled to machine code and linked by the engine.
pub(crate) struct LinkedKernel {
    compiled: Arc<CompiledKernel>,
    linked: InstancePre<Host>,
}

impl LinkedKernel {
    pub(crate) fn compiled(&self) -> &Arc<CompiledKernel> {
        &self.compiled
    }

    /// What it takes, about: machine code, and what is known of its steps.
    fn bytes(&self) -> u64 {
        let code = self.linked.module().image_range();
        let code = (code.end as usize).saturating_sub(code.start as usize);
        let steps = self.compiled.steps() * BYTES_PER_STEP;
        (code + steps) as u64
    }
}

impl std::fmt::Debug for LinkedKernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkedKernel").finish_non_exhaustive()
    }
}

/// The kernels of a module, in its order, or why they are interpreted.
type Kernels = Vec<Result<Arc<LinkedKernel>, Unsupported>>;

/// Compiles a module's kernels, where that was not done before. They live as long as the module.
/// The bytes that they take, about.
pub(crate) fn prepare(module: &Arc<Module>, engine: &KernelEngine) -> u64 {
    let kernels = module.extension(|| compile(module, engine));
    let kernels = kernels.map(Vec::as_slice).unwrap_or_default();
    kernels.iter().flatten().map(|kernel| kernel.bytes()).sum()
}

/// The compiled kernel of this name, if the module was [prepared](prepare) and it was compiled.
pub(crate) fn kernel(module: &Arc<Module>, name: &str) -> Option<Arc<LinkedKernel>> {
    let index = module.entry_index(name)?;
    let kernels: &Kernels = module.extension(Kernels::new)?;
    kernels.get(index)?.as_ref().ok().cloned()
}

/// Whether the compiler is to leave each thread alone; for measurements.
static SINGLE_THREADS: AtomicBool = AtomicBool::new(false);

/// Has every module that this process loads from now on compiled for one thread at a time, so that
/// it can be measured what running threads together brings.
pub fn compile_for_single_threads() {
    SINGLE_THREADS.store(true, Ordering::Relaxed);
}

/// Whether no kernel is to be compiled; for tests.
static INTERPRET: AtomicBool = AtomicBool::new(false);

/// Has every kernel that this process loads from now on interpreted, so that the interpreter can be
/// held to what is promised of a device.
pub fn interpret_all_kernels() {
    INTERPRET.store(true, Ordering::Relaxed);
}

fn width() -> Vectorize {
    match SINGLE_THREADS.load(Ordering::Relaxed) {
        true => Vectorize::Never,
        false => Vectorize::Auto,
    }
}

fn compile(module: &Arc<Module>, engine: &KernelEngine) -> Kernels {
    let mut effort = 0;
    module
        .entries()
        .iter()
        .map(|entry| {
            let name = entry.name();
            if INTERPRET.load(Ordering::Relaxed) {
                return Err(refused("no kernel is to be compiled"));
            }
            if effort > MOST_EFFORT {
                return Err(refused("the module is large"));
            }
            let compiled = compile_as(module, name, width()).and_then(|mut kernel| {
                effort += kernel.effort();
                if effort > MOST_EFFORT {
                    return Err(refused("the module is large"));
                }
                let (engine, linker) = engine.get().ok_or_else(|| refused("no engine"))?;
                // An error here is a mistake of the compiler: the interpreter makes up for it.
                let failed = |error: wasmtime::Error| {
                    tracing::error!(kernel = name, error = format!("{error:#}"), "not compiled");
                    refused("the engine refuses the module")
                };
                let module = wasmtime::Module::new(engine, kernel.take_wasm()).map_err(failed)?;
                let linked = linker.instantiate_pre(&module).map_err(failed)?;
                Ok(Arc::new(LinkedKernel {
                    compiled: Arc::new(kernel),
                    linked,
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
    Unsupported::limit(what)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Kernels of so many accesses by two pointers, which take an engine longest.
    fn module(kernels: usize, accesses: usize) -> Arc<Module> {
        let body = "ld.global.u64 %d1, [%d0];\nst.global.u64 [%d0], %d1;\n".repeat(accesses / 2);
        let kernels = (0..kernels).map(|number| {
            format!(
                ".visible .entry k{number}(.param .u64 p)\n{{\n.reg .b64 %d<2>;\n\
                 ld.param.u64 %d0, [p];\n{body}ret;\n}}\n"
            )
        });
        let text = format!(
            ".version 8.0\n.target sm_80\n.address_size 64\n{}",
            kernels.collect::<String>()
        );
        let limits = tensor_wasm_ptx::Limits::default();
        Arc::new(tensor_wasm_ptx::parse(text.as_bytes(), &limits).unwrap())
    }

    #[test]
    fn of_a_module_of_much_work_only_so_much_is_compiled() {
        let compiled = |kernels, accesses| {
            let compiled = compile(&module(kernels, accesses), &KernelEngine::new(None));
            compiled.iter().filter(|kernel| kernel.is_ok()).count()
        };
        assert_eq!(compiled(20, 20), 20);
        assert_eq!(compiled(6, 2000), 2);
    }
}
