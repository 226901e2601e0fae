//! The compiler: a kernel becomes a module of core WebAssembly.
//!
//! [`compile`] makes it, and an embedder compiles and runs it with whatever engine it has. The module
//! defines two memories. The first is *scratch* (its layout is the ABI, in `abi.rs`): the interrupt flag and
//! the launch's description, then resume indices, spilled registers and local memory of a block's
//! threads, then the block's shared memory. The second is the tenant's *device memory*: the address
//! that a kernel computes with, less [`GLOBAL_BASE`](crate::address::GLOBAL_BASE), is an offset into
//! it. There is no other memory that a mistake of this compiler could reach.
//!
//! A thread runs until it ends, is suspended to wait for others, or is preempted; then the next one
//! runs. [`CompiledBlock`](crate::exec::CompiledBlock) resumes them by the interpreter's rules. Faults are found by
//! checks in the code that ask the host, so they say the same as the interpreter's.
//!
//! `pipeline` lists the passes in order. The IR is in `ir`, what is known of it in `analysis`,
//! what changes it in `passes`, its control flow in `cfg`, and what writes WebAssembly in
//! `codegen`.

pub(crate) mod abi;
mod analyses;
mod analysis;
mod cfg;
pub(crate) mod codegen;
mod compiled_kernel;
pub(crate) mod ir;
mod limits;
mod pass;
mod passes;
mod pipeline;
mod print_ir;
mod source_lines;
mod translate;
mod unsupported;

use std::sync::Arc;

use crate::Module;

pub use compiled_kernel::CompiledKernel;
pub use ir::print::IrLine;
pub use limits::MOST_EFFORT;
pub use pass::{IrText, Pass, UnknownPass};
pub use pipeline::Vectorize;
pub use print_ir::print_ir;
pub use source_lines::{CodeLine, FunctionLines};
pub use unsupported::{Unsupported, UnsupportedKind};

/// Compiles an entry of a module.
///
/// # Errors
/// What of it cannot be compiled.
pub fn compile(module: &Arc<Module>, entry: &str) -> Result<CompiledKernel, Unsupported> {
    compile_as(module, entry, Vectorize::Auto)
}

/// Compiles an entry of a module, for lane groups or not.
///
/// # Errors
/// What of it cannot be compiled.
pub fn compile_as(
    module: &Arc<Module>,
    entry: &str,
    vectorize: Vectorize,
) -> Result<CompiledKernel, Unsupported> {
    let mut observer = pass::Observer::default();
    let (kernel, _) = pipeline::compile(module, entry, vectorize, false, &mut observer)?;
    Ok(kernel)
}

/// Compiles an entry as [`compile_as`] does, unless it is cancelled: `is_cancelled` is asked after each
/// pass and before each function of the module is written.
///
/// # Errors
/// What of it cannot be compiled; of the kind [`UnsupportedKind::Cancelled`] where it was cancelled.
pub fn compile_unless(
    is_cancelled: &dyn Fn() -> bool,
    module: &Arc<Module>,
    entry: &str,
    vectorize: Vectorize,
) -> Result<CompiledKernel, Unsupported> {
    let mut observer = pass::Observer::cancelling(is_cancelled);
    let (kernel, _) = pipeline::compile(module, entry, vectorize, false, &mut observer)?;
    Ok(kernel)
}

/// Compiles an entry as [`compile`] does; and says which lines of the text the
/// code of each function comes from, in the module's order.
///
/// # Errors
/// What of it cannot be compiled.
pub fn compile_with_lines(
    module: &Arc<Module>,
    entry: &str,
) -> Result<(CompiledKernel, Vec<FunctionLines>), Unsupported> {
    let mut observer = pass::Observer::default();
    pipeline::compile(module, entry, Vectorize::Auto, true, &mut observer)
}
