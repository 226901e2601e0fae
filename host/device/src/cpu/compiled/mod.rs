//! Compiled kernels: the engine that compiles and runs them, once per process, and what each kernel
//! became at its [first use](first_use). What is not compiled is interpreted, and says why.

mod engine;
mod fallback_log;
mod first_use;
mod instance;
mod kept;
mod memory;
mod ticker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tensor_wasm_ptx::Module;
use tensor_wasm_ptx::compile::{CompiledKernel, Unsupported, Vectorize, compile_unless};
use wasmtime::InstancePre;

pub(crate) use engine::KernelEngine;
pub(crate) use fallback_log::print_fallbacks;
use first_use::ModuleKernels;
pub(crate) use first_use::{CompileJob, KernelSlot, Known, WaitingLaunch};
use instance::Host;
pub(crate) use instance::{Instance, Outcome, give_back_scratch, with_instance};

/// What a step of a compiled kernel takes for as long as it can run, in bytes, roughly.
const BYTES_PER_STEP: usize = 64;

/// One kernel: WebAssembly, compiled to machine code and linked by the engine.
pub(crate) struct LinkedKernel {
    compiled: Arc<CompiledKernel>,
    linked: InstancePre<Host>,
    /// Whether it was told that a tenant's memory keeps it from running.
    is_unused_told: AtomicBool,
    /// Until the engine has unmapped the code.
    place: kept::KeptPlace,
}

impl LinkedKernel {
    fn new(
        compiled: CompiledKernel,
        linked: InstancePre<Host>,
        place: kept::KeptPlace,
    ) -> LinkedKernel {
        LinkedKernel {
            compiled: Arc::new(compiled),
            linked,
            is_unused_told: AtomicBool::new(false),
            place,
        }
    }

    /// Tells, once, that a launch of it is interpreted all the same.
    pub(crate) fn tell_unused(&self, kernel: &str) {
        if !self.is_unused_told.swap(true, Ordering::Relaxed) {
            let reason = "the tenant has more device memory at once than compiled code reaches";
            fallback_log::tell(kernel, &reason);
        }
    }

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

/// What became of an entry of a module, by its number. `None` where something else is kept with the
/// module, which is nobody's but this module's.
pub(crate) fn slot(module: &Arc<Module>, entry: usize) -> Option<Arc<KernelSlot>> {
    let kernels = module.extension(ModuleKernels::default)?;
    Some(kernels.slot(entry))
}

/// Whether the compiler is to leave each thread alone; for measurements.
static SINGLE_THREADS: AtomicBool = AtomicBool::new(false);

/// Has every kernel that this process uses from now on compiled for one thread at a time, so that
/// it can be measured what running threads together brings.
pub fn compile_for_single_threads() {
    SINGLE_THREADS.store(true, Ordering::Relaxed);
}

/// Whether no kernel is to be compiled; for tests.
static INTERPRET: AtomicBool = AtomicBool::new(false);

/// Has every kernel that this process uses from now on interpreted, so that the interpreter can be
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

/// Whether no kernel is compiled since it was asked for.
fn is_interpreted_by_request() -> bool {
    INTERPRET.load(Ordering::Relaxed)
}

/// Compiles a kernel, unless it is cancelled.
fn compile(
    module: &Arc<Module>,
    name: &str,
    engine: &KernelEngine,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<(CompiledKernel, InstancePre<Host>), Unsupported> {
    if is_interpreted_by_request() {
        return Err(refused("no kernel is to be compiled"));
    }
    let mut kernel = compile_unless(is_cancelled, module, name, width())?;
    let no_engine = || refused("the processor or the address space does not do for the engine");
    let (engine, linker) = engine.get().ok_or_else(no_engine)?;
    // An error here is a mistake of the compiler: the interpreter makes up for it.
    let failed = |error: wasmtime::Error| {
        tracing::error!(kernel = name, error = format!("{error:#}"), "not compiled");
        refused("the engine refuses the module")
    };
    let module = wasmtime::Module::new(engine, kernel.take_wasm()).map_err(failed)?;
    let linked = linker.instantiate_pre(&module).map_err(failed)?;
    Ok((kernel, linked))
}

/// Compiles a kernel on this thread, for nobody.
#[cfg(test)]
pub(crate) fn compile_now(module: &Arc<Module>, entry: usize, engine: &Arc<KernelEngine>) {
    struct Nobody;
    impl WaitingLaunch for Nobody {
        fn is_waiting(&self) -> bool {
            true
        }
        fn proceed(self: Box<Self>, _: Known) {}
    }
    let (Some(slot), Some(kernel)) = (slot(module, entry), module.entries().get(entry)) else {
        return;
    };
    if slot.known_or_wait(|| Box::new(Nobody)).is_none() {
        slot.compile(&CompileJob {
            module: Arc::clone(module),
            kernel: kernel.name().to_owned(),
            engine: Arc::clone(engine),
            session: 0.into(),
        });
    }
}

fn refused(what: &str) -> Unsupported {
    Unsupported::limit(what)
}

#[cfg(test)]
mod tests;
