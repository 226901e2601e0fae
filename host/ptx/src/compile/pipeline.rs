//! The compiler's pipeline: its passes by name, in order, each with what it needs and what it leaves.

use std::sync::Arc;

use rustc_hash::FxHashSet as HashSet;

use crate::Module;
use crate::compile::abi::{self, Layout, VECTOR_LANES};
use crate::compile::analysis::uniformity::{Uniformity, UniformityInfo};
use crate::compile::analysis::vectorization::{self, TOO_LARGE};
use crate::compile::analysis::{Analyses, allocation_roots, bounds_guards, liveness, uniformity};
use crate::compile::cfg::graph::Graph;
use crate::compile::cfg::structure::{Item, structure};
use crate::compile::codegen::CodegenInput;
use crate::compile::ir::print::Annotations;
use crate::compile::ir::{Body, Reg, verify};
use crate::compile::pass::{Observer, Pass};
use crate::compile::passes::{
    endpoint_branches, nan_canonicalization, reconvergence, resume_points, spill,
};
use crate::compile::{
    CompiledKernel, FunctionLines, Unsupported, UnsupportedKind, codegen, limits, translate,
};
use crate::syntax::module::Entry;

/// Whether threads are to run together in lane groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vectorize {
    /// Where that pays off.
    Auto,
    /// Never: one thread at a time.
    Never,
    /// Always, whether that pays off or not.
    Always,
}

/// Compiles an entry, with the lines that its code comes from where they are asked for.
pub(crate) fn compile(
    module: &Arc<Module>,
    entry: &str,
    vectorize: Vectorize,
    lines: bool,
    observer: &mut Observer,
) -> Result<(CompiledKernel, Vec<FunctionLines>), Unsupported> {
    match run(module, entry, vectorize, lines, observer) {
        // What is too large for vectors may do without.
        Err(reason) if reason.kind == UnsupportedKind::Limit && vectorize == Vectorize::Auto => {
            let (mut kernel, lines) = run(module, entry, Vectorize::Never, lines, observer)?;
            kernel.scalar_reason = Some(TOO_LARGE);
            Ok((kernel, lines))
        }
        result => result,
    }
}

/// Runs the passes.
fn run(
    module: &Arc<Module>,
    name: &str,
    vectorize: Vectorize,
    lines: bool,
    observer: &mut Observer,
) -> Result<(CompiledKernel, Vec<FunctionLines>), Unsupported> {
    observer.begin();
    let mut known = Annotations::default();
    let entry = module
        .entry(name)
        .ok_or_else(|| Unsupported::kernel("no such entry"))?;
    let mut layout = first_layout(module, entry)?;

    // From PTX to IR: calls inlined, operands typed, addresses known.
    let mut body = translate::body(module, entry, &layout, lines)?;
    layout
        .reserve_exchange(body.exchanged_words())
        .ok_or_else(too_much_memory)?;
    observer.after(Pass::Translate, &body, known)?;

    // NaNs get NVIDIA's bits where somebody sees them, not after each operation.
    nan_canonicalization::run(&mut body);
    observer.after(Pass::NanCanonicalization, &body, known)?;
    limits::check_size(&body)?;

    // What the threads of a lane group have in common, and whether vectors pay off.
    let mut uniformity = if vectorize == Vectorize::Never {
        UniformityInfo::of_single_threads(&body)
    } else {
        limits::check_branches(&body)?;
        uniformity::analyze(&body, &liveness::analyze(&body)?)?
    };
    let scalar_reason = match vectorize {
        Vectorize::Auto => vectorization::scalar_reason(&body, &uniformity),
        Vectorize::Never => Some("it was asked for"),
        Vectorize::Always => None,
    };
    let vectors = scalar_reason.is_none();
    if vectors {
        let uniformity = Some(&uniformity);
        let known = Annotations {
            uniformity,
            ..known
        };
        observer.after(Pass::Uniformity, &body, known)?;
    }

    // Where lane groups leave vector code and where they come back, each a block of its own.
    let mut endpoint_conditions = HashSet::default();
    let mut divergence_points = Vec::new();
    let mut reconvergence = reconvergence::ReconvergencePoints::default();
    if vectors {
        endpoint_conditions = endpoint_branches::run(&mut body, &mut uniformity);
        known.uniformity = Some(&uniformity);
        observer.after(Pass::EndpointBranches, &body, known)?;

        divergence_points =
            resume_points::split_blocks(&mut body, &uniformity, &endpoint_conditions)?;
        observer.after(Pass::ResumePoints, &body, known)?;

        reconvergence = reconvergence::run(&mut body, &uniformity, &mut divergence_points)?;
        known.reconvergence = Some(&reconvergence);
        observer.after(Pass::Reconvergence, &body, known)?;
    }

    // The IR does not change any more. Control flow as a thread sees it that leaves and resumes.
    verify::references(&body)?;
    let liveness = liveness::analyze(&body)?;
    known.liveness = Some(&liveness);
    observer.after(Pass::Liveness, &body, known)?;
    let values = |reg| values(&body, &uniformity, vectors, reg);
    let effort = limits::check_pressure(&body, &liveness, values)?;
    let graph = Graph::new(&body, &divergence_points)?;
    known.graph = Some(&graph);
    observer.after(Pass::SuspensionGraph, &body, known)?;
    limits::check_resume_points(&graph, &liveness, vectors)?;

    // Where registers are saved, what guards check, and so how large scratch memory is.
    let uniform = vectors.then_some(&uniformity);
    let spills = spill::run(&body, &liveness, &graph, uniform, &mut layout)?;
    known.spills = Some(&spills);
    observer.after(Pass::Spill, &body, known)?;
    let bounds_caches = allocation_roots::analyze(&body);
    let guards = if vectors {
        bounds_guards::plan(&body, &uniformity, &bounds_caches)?
    } else {
        bounds_guards::GuardPlan::default()
    };
    if vectors {
        known.guards = Some(&guards);
        observer.after(Pass::BoundsGuards, &body, known)?;
    }
    layout
        .reserve_guard_limits(guards.limits().shared.len())
        .ok_or_else(too_much_memory)?;
    layout
        .finish(entry.layout.dynamic_shared)
        .ok_or_else(too_much_memory)?;

    // From IR to WebAssembly.
    let analyses = Analyses {
        uniformity,
        endpoint_conditions,
        reconvergence,
        liveness,
        graph,
        spills,
        bounds_caches,
        guards,
    };
    let items = structure(&body, &analyses.graph)?;
    let static_shared = entry.layout.shared_bytes;
    let input = CodegenInput {
        body: &body,
        layout: &layout,
        analyses: &analyses,
        static_shared,
    };
    let (wasm, lines) = generate(&input, &items, vectors)?;
    let kernel = CompiledKernel {
        wasm,
        kernel: name.to_owned(),
        limits: analyses.guards.limits().shared.values().copied().collect(),
        param_bytes: entry.param_bytes,
        dynamic_shared: entry.layout.dynamic_shared,
        effort,
        bounds_guards: analyses.guards.len(),
        after_stop: analyses.graph.after_stop,
        body,
        layout,
        scalar_reason,
    };
    Ok((kernel, lines))
}

/// Scratch memory as far as a kernel's signature says.
fn first_layout(module: &Module, entry: &Entry) -> Result<Layout, Unsupported> {
    let threads = entry.max_threads.unwrap_or(abi::MOST_THREADS);
    let threads = threads.clamp(1, abi::MOST_THREADS);
    let globals = u32::try_from(module.globals.len()).map_err(|_| too_much_memory())?;
    Layout::new(
        threads,
        entry.param_bytes,
        globals,
        entry.layout.local_bytes,
    )
    .ok_or_else(too_much_memory)
}

pub(crate) fn too_much_memory() -> Unsupported {
    Unsupported::limit("too much memory for each thread")
}

/// How many values of WebAssembly a register is.
fn values(body: &Body, uniformity: &UniformityInfo, vectors: bool, reg: Reg) -> u64 {
    if vectors && uniformity.of(reg) == Uniformity::Divergent {
        u64::from(VECTOR_LANES * body.ty(reg).bytes() / 16)
    } else {
        1
    }
}

/// Writes the functions, and the module around them.
fn generate(
    input: &CodegenInput<'_>,
    items: &[Item],
    vectors: bool,
) -> Result<(Vec<u8>, Vec<FunctionLines>), Unsupported> {
    let mut functions = codegen::functions(input, items, vectors)?;
    let lines = functions
        .iter_mut()
        .map(|(name, function)| FunctionLines {
            name,
            lines: std::mem::take(&mut function.lines),
        })
        .collect();
    let scratch = u64::from(input.layout.interrupt) + abi::PAGE;
    let wasm = codegen::module(&functions, input.globals(), scratch)?;
    Ok((wasm, lines))
}
