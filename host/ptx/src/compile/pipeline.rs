//! The compiler's pipeline: its passes by name, in order, each with what it needs and what it leaves.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::FxHashSet as HashSet;

use crate::Module;
use crate::compile::abi::{self, Layout};
use crate::compile::analyses::Analyses;
use crate::compile::analysis::bounds_guards::GuardPlan;
use crate::compile::analysis::fault_bound::FaultBound;
use crate::compile::analysis::uniformity::{Uniformity, UniformityInfo};
use crate::compile::analysis::vectorization;
use crate::compile::analysis::{allocation_roots, bounds_guards, liveness, uniformity};
use crate::compile::cfg::graph::Graph;
use crate::compile::cfg::structure::structure;
use crate::compile::codegen::CodegenInput;
use crate::compile::ir::print::Annotations;
use crate::compile::ir::{BlockId, Body, Reg, verify};
use crate::compile::limits::too_much_memory;
use crate::compile::pass::{Observer, Pass};
use crate::compile::passes::reconvergence::ReconvergencePoints;
use crate::compile::passes::{
    constant_branches, copy_propagation, dead_code, endpoint_branches, nan_canonicalization,
    reconvergence, rematerialization, resume_points, scalar_regions, spill, whole_warps,
};
use crate::compile::translate::param_registers;
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
    observer: &mut Observer<'_>,
) -> Result<(CompiledKernel, Vec<FunctionLines>), Unsupported> {
    let is_limit = |reason: &Unsupported| reason.kind == UnsupportedKind::Limit;
    let whole = Regions::All;
    match run(module, entry, (vectorize, whole), lines, observer) {
        // What is too large for vectors may have them in its loops alone, or do without.
        Err(reason) if is_limit(&reason) && vectorize == Vectorize::Auto => {
            let in_loops = (vectorize, Regions::Loops);
            match run(module, entry, in_loops, lines, observer) {
                Ok((kernel, lines)) if kernel.scalar_reason.is_none() => {
                    return Ok((kernel, lines));
                }
                Err(reason) if !is_limit(&reason) => return Err(reason),
                _ => {}
            }
            let never = (Vectorize::Never, whole);
            let (mut kernel, lines) = run(module, entry, never, lines, observer)?;
            kernel.scalar_reason = Some(vectorization::too_large(&reason.what).into());
            Ok((kernel, lines))
        }
        result => result,
    }
}

/// What of a kernel has vector code, where it has any.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Regions {
    All,
    /// Not what is large and outside of its loops.
    Loops,
}

/// Runs the passes, stage by stage.
fn run(
    module: &Arc<Module>,
    name: &str,
    (vectorize, regions): (Vectorize, Regions),
    lines: bool,
    observer: &mut Observer<'_>,
) -> Result<(CompiledKernel, Vec<FunctionLines>), Unsupported> {
    observer.begin();
    let entry = module
        .entry(name)
        .ok_or_else(|| Unsupported::kernel("no such entry"))?;
    let mut layout = first_layout(module, entry)?;
    let mut body = front_end(module, entry, &mut layout, lines, observer)?;
    let divergence = lane_groups(&mut body, vectorize, regions, observer)?;
    // The IR does not change any more: all that it names exists, in every build.
    verify::references(&body)?;
    let scalar_reason = divergence.scalar_reason.clone();
    let analyses = analyses(&body, divergence, &mut layout, observer)?;
    layout
        .finish(entry.layout.dynamic_shared)
        .ok_or_else(too_much_memory)?;
    let input = CodegenInput {
        body: &body,
        layout: &layout,
        analyses: &analyses,
        static_shared: entry.layout.shared_bytes,
    };
    let (wasm, lines, effort) = back_end(&input, observer)?;
    let kernel = CompiledKernel {
        wasm,
        kernel: name.to_owned(),
        limits: analyses.guards.limits().shared.values().copied().collect(),
        param_bytes: entry.param_bytes,
        dynamic_shared: entry.layout.dynamic_shared,
        effort,
        bounds_guards: analyses.guards.len(),
        resume_after: analyses.graph.resume_after,
        body,
        layout,
        scalar_reason,
    };
    Ok((kernel, lines))
}

/// The front end: from PTX to IR. Every kernel goes through it in the same way.
fn front_end(
    module: &Module,
    entry: &Entry,
    layout: &mut Layout,
    lines: bool,
    observer: &mut Observer<'_>,
) -> Result<Body, Unsupported> {
    let known = Annotations::default();

    // Needs PTX that was checked. Leaves IR: calls inlined, operands of one type, variables at
    // addresses.
    let mut body = translate::body(module, entry, layout, lines)?;
    layout
        .reserve_exchange(body.exchanged_words())
        .ok_or_else(too_much_memory)?;
    observer.after(Pass::Translate, &body, known)?;

    // Needs the IR alone. Leaves no branch whose condition is known.
    constant_branches::run(&mut body)?;
    observer.after(Pass::ConstantBranches, &body, known)?;

    // Needs each NaN canonicalized behind the operation that it comes from. Leaves them canonicalized
    // where they are observed.
    nan_canonicalization::run(&mut body);
    observer.after(Pass::NanCanonicalization, &body, known)?;

    // Needs the IR alone. Leaves no step that only computes what nobody needs.
    dead_code::run(&mut body);
    observer.after(Pass::DeadCode, &body, known)?;
    limits::check_size(&body)?;
    Ok(body)
}

/// What is known of a kernel whose threads run in lane groups, and of where these diverge.
struct Divergence {
    /// Why threads run one at a time instead; then there is nothing else to know.
    scalar_reason: Option<Cow<'static, str>>,
    uniformity: UniformityInfo,
    endpoint_conditions: HashSet<Reg>,
    /// The blocks that begin where a lane group may leave vector code, or comes back to it.
    resume_points: Vec<BlockId>,
    reconvergence: ReconvergencePoints,
}

impl Divergence {
    /// That of a kernel whose threads run one at a time.
    fn none(uniformity: UniformityInfo, reason: impl Into<Cow<'static, str>>) -> Divergence {
        Divergence {
            scalar_reason: Some(reason.into()),
            uniformity,
            endpoint_conditions: HashSet::default(),
            resume_points: Vec::new(),
            reconvergence: ReconvergencePoints::default(),
        }
    }
}

/// The passes for lane groups: whether vectors pay off, and if so, IR that they can leave and come back
/// to.
fn lane_groups(
    body: &mut Body,
    vectorize: Vectorize,
    regions: Regions,
    observer: &mut Observer<'_>,
) -> Result<Divergence, Unsupported> {
    if vectorize == Vectorize::Never {
        let uniformity = UniformityInfo::of_single_threads(body);
        return Ok(Divergence::none(uniformity, "it was asked for"));
    }

    // Needs the IR alone. Leaves reads of copies as reads of what was copied, where that is in the same
    // block, and no copy that nobody reads.
    let of_single_threads = body.clone();
    copy_propagation::run(body);
    dead_code::run(body);
    observer.after(Pass::CopyPropagation, body, Annotations::default())?;

    // Needs the IR alone. Leaves collectives of all lanes of a warp as steps beside their suspend
    // points, for groups that are warps.
    whole_warps::run(body)?;
    observer.after(Pass::WholeWarps, body, Annotations::default())?;

    // Needs the IR alone. Leaves no register that holds a constant or a special value where that can be
    // had again.
    rematerialization::run(body)?;
    dead_code::run(body);
    observer.after(Pass::Rematerialization, body, Annotations::default())?;

    if regions == Regions::Loops && !scalar_regions::run(body)? {
        return Err(Unsupported::limit("its loops are not what is too large"));
    }

    // Needs liveness. Leaves what the threads of a lane group have in each register.
    limits::check_branches(body)?;
    let mut uniformity = uniformity::analyze(body, &liveness::analyze(body)?)?;
    if vectorize == Vectorize::Auto
        && let Some(reason) = vectorization::scalar_reason(body, &uniformity)?
    {
        *body = of_single_threads;
        let uniformity = UniformityInfo::of_single_threads(body);
        return Ok(Divergence::none(uniformity, reason));
    }
    observer.after(Pass::Uniformity, body, Annotations::of(&uniformity))?;

    // Needs uniformity. Leaves conditions that the first and the last lane decide, each right before
    // its branch, in registers of their own.
    let endpoint_conditions = endpoint_branches::run(body, &mut uniformity);
    let mut known = Annotations::of(&uniformity);
    observer.after(Pass::EndpointBranches, body, known)?;

    // Needs the same. Leaves a block of its own behind each place where a lane group may leave vector
    // code: before bounds guards and at divergent branches.
    let mut resume_points = resume_points::split_blocks(body, &uniformity, &endpoint_conditions)?;
    observer.after(Pass::ResumePoints, body, known)?;

    // Needs the same, and post-dominators. Leaves the post-dominators of divergent branches split in
    // two, so that the first half awaits the lanes.
    let reconvergence = reconvergence::run(body, &uniformity, &mut resume_points)?;
    known.reconvergence = Some(&reconvergence);
    observer.after(Pass::Reconvergence, body, known)?;
    Ok(Divergence {
        scalar_reason: None,
        uniformity,
        endpoint_conditions,
        resume_points,
        reconvergence,
    })
}

/// The analyses of the final IR that code generation needs; where registers are saved and guards have
/// their limits, in the layout.
fn analyses(
    body: &Body,
    divergence: Divergence,
    layout: &mut Layout,
    observer: &mut Observer<'_>,
) -> Result<Analyses, Unsupported> {
    let vectors = divergence.scalar_reason.is_none();
    let uniformity = divergence.uniformity;
    let mut known = Annotations {
        uniformity: vectors.then_some(&uniformity),
        reconvergence: vectors.then_some(&divergence.reconvergence),
        ..Annotations::default()
    };

    // Needs the IR alone. Leaves the registers that are live where blocks begin.
    let liveness = liveness::analyze(body)?;
    known.liveness = Some(&liveness);
    observer.after(Pass::Liveness, body, known)?;
    // Blocks without vector code are in the function for single threads alone.
    let values = |block, reg| {
        let in_vectors = vectors && body.has_vector_code(block);
        values(body, &uniformity, in_vectors, reg)
    };
    let pressure = limits::check_pressure(body, &liveness, values)?;
    let carried = limits::check_carried(body, &liveness)?;

    // Needs the resume points of lane groups. Leaves control flow with those of all threads, behind
    // suspend points and at the heads of loops; reducible. That of lane groups is entered where these
    // wait, begin a loop and reconverge.
    let (graph, lane_group_graph) = if vectors {
        let reconverging = reconvergence::awaited(body, &uniformity, &divergence.reconvergence);
        let (graph, of_groups) =
            Graph::with_lane_groups(body, &divergence.resume_points, &reconverging)?;
        (graph, Some(of_groups))
    } else {
        (Graph::new(body, &divergence.resume_points)?, None)
    };
    known.graph = Some(&graph);
    observer.after(Pass::SuspensionGraph, body, known)?;
    limits::check_resume_points(body, &graph, &liveness, vectors)?;

    // Needs liveness and that graph. Leaves which registers are saved and restored where.
    let spills = spill::run(body, &liveness, &graph, known.uniformity, layout)?;
    known.spills = Some(&spills);
    observer.after(Pass::Spill, body, known)?;

    // Needs uniformity, and the bounds cache of each access. Leaves bounds checks hoisted to where
    // blocks begin, and coalesced.
    let bounds_caches = allocation_roots::analyze(body);
    let mut guards = GuardPlan::default();
    if vectors {
        guards = bounds_guards::plan(body, &uniformity, &bounds_caches)?;
        known.guards = Some(&guards);
        observer.after(Pass::BoundsGuards, body, known)?;
    }
    layout
        .reserve_guard_limits(guards.limits().shared.len())
        .ok_or_else(too_much_memory)?;
    let analyses = Analyses {
        uniformity,
        endpoint_conditions: divergence.endpoint_conditions,
        fault_bound: FaultBound::of(body),
        reconvergence: divergence.reconvergence,
        liveness,
        graph,
        lane_group_graph,
        spills,
        bounds_caches,
        guards,
        pressure,
        carried,
    };
    Ok(analyses)
}

/// Scratch memory as far as a kernel's signature says.
fn first_layout(module: &Module, entry: &Entry) -> Result<Layout, Unsupported> {
    let threads = entry.max_threads().unwrap_or(abi::MOST_THREADS);
    let threads = threads.clamp(1, abi::MOST_THREADS);
    let globals = u32::try_from(module.globals.len()).map_err(|_| too_much_memory())?;
    let local_bytes = if param_registers::uses_local_memory(module, entry) {
        entry.layout.local_bytes
    } else {
        0
    };
    Layout::new(threads, entry.param_bytes, globals, local_bytes).ok_or_else(too_much_memory)
}

/// How many values of WebAssembly a register is.
fn values(body: &Body, uniformity: &UniformityInfo, vectors: bool, reg: Reg) -> u64 {
    if vectors && uniformity.of(reg) == Uniformity::Divergent {
        u64::from(body.lanes() * body.ty(reg).bytes() / 16)
    } else {
        1
    }
}

/// The back end: from IR to WebAssembly. Structures control flow, and writes the functions and the
/// module around them. Returns how much work an engine has with it too.
fn back_end(
    input: &CodegenInput<'_>,
    observer: &Observer<'_>,
) -> Result<(Vec<u8>, Vec<FunctionLines>, usize), Unsupported> {
    let items = &structure(input.body, &input.analyses.graph)?;
    observer.check_cancelled()?;
    let of_groups = match &input.analyses.lane_group_graph {
        Some(graph) => Some((graph, structure(input.body, graph)?)),
        None => None,
    };
    let of_groups = of_groups
        .as_ref()
        .map(|(graph, items)| (*graph, items.as_slice()));
    observer.check_cancelled()?;
    let mut functions = codegen::functions(input, items, of_groups, observer)?;
    let code = functions.iter().map(|(_, function)| function.code.len());
    let Analyses {
        pressure, carried, ..
    } = input.analyses;
    let effort = limits::check_effort(input.body, items, *pressure, *carried, code.sum())?;
    let lines = functions
        .iter_mut()
        .map(|(name, function)| FunctionLines {
            name,
            lines: std::mem::take(&mut function.lines),
        })
        .collect();
    let scratch = u64::from(input.layout.interrupt) + abi::PAGE;
    let wasm = codegen::module(&functions, input.globals(), scratch)?;
    Ok((wasm, lines, effort))
}
