//! What is too large to be compiled, and why. A kernel beyond a limit is interpreted, or at least not
//! vectorised: an engine's register allocator takes time and memory that grow faster than the kernel,
//! and one tenant's compilation is another one's wait.

use crate::compile::Unsupported;
use crate::compile::analysis::liveness::Liveness;
use crate::compile::analysis::register_pressure;
use crate::compile::cfg::flow::FlowGraph;
use crate::compile::cfg::graph::Graph;
use crate::compile::cfg::structured::Item;
use crate::compile::ir::{BlockId, Body, Reg};

/// The most steps that are worth compiling: beyond, an engine takes seconds.
pub(crate) const MOST_STEPS: usize = 24 << 10;

/// The most accesses of memory: each may call the host, and what an engine makes of values that are
/// live across that many calls takes time that grows with their square.
const MOST_SITES: usize = 2500;

/// The most points at which a thread can leave its code and resume.
pub(crate) const MOST_RESUME_POINTS: usize = 1 << 10;

/// The most edges of control flow: each label in a list has one.
const MOST_EDGES: usize = 48 << 10;

/// The most branches times edges of a kernel whose threads run in lane groups: for each divergent
/// branch, uniformity analysis follows all edges up to its post-dominator.
const MOST_BRANCHES_BY_EDGES: usize = 1 << 22;

/// The most registers that are saved and restored, at all resume points together.
const MOST_SAVED: usize = 32 << 10;
/// The same where threads run in lane groups: a divergent register is several vectors there.
const MOST_SAVED_IN_VECTORS: usize = MOST_SAVED / 8;

/// The most bytes of a function's code: an engine takes memory that grows with it. What time it takes
/// [`MOST_EFFORT`] bounds.
const MOST_CODE: usize = 704 << 10;

/// The most live values, summed over all steps: an engine takes about a second to allocate registers
/// for as many.
const MOST_PRESSURE: u64 = 2 << 20;

/// The most work that an engine may have with a kernel, in the units of
/// [`CompiledKernel::effort`](crate::compile::CompiledKernel::effort): about a second on one
/// thread. Nothing stops an engine within a function, and a tenant's compilation keeps a thread from
/// those of others.
pub const MOST_EFFORT: usize = 64 << 10;

/// What an engine does for each kernel, however small it is, in the same units.
const FIXED_EFFORT: usize = 300;

/// How many edges of control flow cost one unit.
const EDGES_PER_EFFORT: usize = 4;

/// How many registers that an edge takes to a block cost one unit, where the block is entered from two
/// others, and where it is entered from more. An engine moves each register on each edge where the
/// blocks before have different values of it, as they may wherever several blocks jump to several.
const CARRIED_FROM_TWO_PER_EFFORT: usize = 10;
const CARRIED_FROM_MORE_PER_EFFORT: usize = 2;

/// The most steps that are followed from one address to the pointer that it was computed from.
pub(crate) const MOST_ROOT_STEPS: u32 = 256;

/// The most bounds caches of a kernel: each is two locals that are live in all of its code.
pub(crate) const MOST_BOUNDS_CACHES: usize = 24;

/// Whether a kernel is small enough.
///
/// # Errors
/// Where it has too many steps or accesses of memory.
pub(crate) fn check_size(body: &Body) -> Result<(), Unsupported> {
    if body.len() > MOST_STEPS {
        return Err(Unsupported::limit("too many steps"));
    }
    if body.sites.len() > MOST_SITES {
        return Err(Unsupported::limit("too many accesses of memory"));
    }
    if edges(body) > MOST_EDGES {
        return Err(Unsupported::limit("too many edges of control flow"));
    }
    Ok(())
}

/// How many edges the control flow of a kernel has.
fn edges(body: &Body) -> usize {
    let ends = body.blocks.values().map(|block| &block.end);
    ends.map(|end| end.successors().len()).sum()
}

/// Whether a kernel is small enough for uniformity analysis.
///
/// # Errors
/// Where it has too many branches.
pub(crate) fn check_branches(body: &Body) -> Result<(), Unsupported> {
    let branches = body
        .blocks
        .values()
        .filter(|block| block.end.successors().len() > 1)
        .count();
    if branches.saturating_mul(edges(body)) > MOST_BRANCHES_BY_EDGES {
        return Err(Unsupported::limit("too many branches"));
    }
    Ok(())
}

/// Whether an engine finds registers for a kernel in time: the live values, summed over all steps.
/// `values` is how many values each register is in a block.
///
/// # Errors
/// Where too many values are live at once.
pub(crate) fn check_pressure(
    body: &Body,
    liveness: &Liveness,
    values: impl Fn(BlockId, Reg) -> u64,
) -> Result<u64, Unsupported> {
    let pressure = register_pressure::total(body, liveness, values);
    if pressure > MOST_PRESSURE {
        return Err(Unsupported::limit("too many registers at once"));
    }
    Ok(pressure)
}

/// What the edges of a kernel cost by the registers that they carry, in units of
/// [effort](crate::compile::CompiledKernel::effort).
///
/// # Errors
/// Where that is too much; where a block goes on at one that does not exist.
pub(crate) fn check_carried(body: &Body, liveness: &Liveness) -> Result<usize, Unsupported> {
    let flow = FlowGraph::of(body)?;
    let (mut from_two, mut from_more) = (0usize, 0usize);
    for block in body.blocks.keys() {
        let entries = flow.predecessors_of(block).count();
        let live = liveness.live_in(block).iter();
        let live: usize = live.map(|word| word.count_ones() as usize).sum();
        match entries {
            0 | 1 => {}
            2 => from_two += 2 * live,
            more => from_more += more * live,
        }
    }
    let effort = from_two / CARRIED_FROM_TWO_PER_EFFORT + from_more / CARRIED_FROM_MORE_PER_EFFORT;
    if effort > MOST_EFFORT {
        return Err(Unsupported::limit("too many registers across branches"));
    }
    Ok(effort)
}

/// Whether an engine compiles a kernel in time, of which these are the structured items, the
/// [pressure](check_pressure), what its edges [carry](check_carried), and the bytes of code: the
/// [effort](crate::compile::CompiledKernel::effort).
///
/// # Errors
/// Where that is too much.
pub(crate) fn check_effort(
    body: &Body,
    items: &[Item],
    pressure: u64,
    carried: usize,
    code: usize,
) -> Result<usize, Unsupported> {
    let allocation = usize::try_from(pressure / 100).unwrap_or(usize::MAX);
    // With what dispatch nodes add.
    let edges = items.iter().map(|item| match item {
        Item::If | Item::Branch(_) => 1,
        Item::Table(_, levels) => levels.len(),
        Item::Loop | Item::Block | Item::End | Item::Node(_) | Item::Else => 0,
    });
    let edges: usize = edges.sum();
    let sites = body.sites.len();
    let effort = (FIXED_EFFORT + code / 16 + sites * sites / 100)
        .saturating_add(edges / EDGES_PER_EFFORT)
        .saturating_add(carried)
        .saturating_add(allocation);
    if effort > MOST_EFFORT {
        return Err(Unsupported::limit("too much work for the engine"));
    }
    Ok(effort)
}

/// Whether threads leave and resume at few enough points, with few enough registers.
///
/// # Errors
/// Where there are too many of either.
pub(crate) fn check_resume_points(
    body: &Body,
    graph: &Graph,
    liveness: &Liveness,
    vectors: bool,
) -> Result<(), Unsupported> {
    if graph.resumes.len() > MOST_RESUME_POINTS {
        return Err(too_many_resume_points());
    }
    let (mut saved, mut saved_in_vectors) = (0usize, 0usize);
    for (number, block) in (0..).zip(&graph.resumes) {
        let live = liveness.at(*block).len();
        saved += live;
        // What a warp computes by itself is no point of vector code.
        if !graph.is_behind_whole_warps(body, number) {
            saved_in_vectors += live;
        }
    }
    if saved > MOST_SAVED || vectors && saved_in_vectors > MOST_SAVED_IN_VECTORS {
        return Err(Unsupported::limit(
            "too many registers across loops and barriers",
        ));
    }
    Ok(())
}

pub(crate) fn too_many_resume_points() -> Unsupported {
    Unsupported::limit("too many loops and barriers")
}

/// Whether a function is small enough.
///
/// # Errors
/// Where it has too much code.
pub(crate) fn check_code(bytes: usize) -> Result<(), Unsupported> {
    if bytes > MOST_CODE {
        return Err(Unsupported::limit("too much code"));
    }
    Ok(())
}

pub(crate) fn too_much_memory() -> Unsupported {
    Unsupported::limit("too much memory for each thread")
}
