//! What is too large to be compiled, and why. A kernel beyond a limit is interpreted, or at least not
//! vectorised: an engine's register allocator takes time and memory that grow faster than the kernel,
//! and one tenant's compilation is another one's wait.

use crate::compile::Unsupported;
use crate::compile::analysis::liveness::Liveness;
use crate::compile::analysis::register_pressure;
use crate::compile::cfg::graph::Graph;
use crate::compile::ir::{Body, Reg};

/// The most steps that are worth compiling: beyond, an engine takes seconds.
pub(crate) const MOST_STEPS: usize = 24 << 10;

/// The most accesses of memory: each may call the host, and what an engine makes of values that are
/// live across that many calls takes time that grows with their square.
const MOST_SITES: usize = 2500;

/// The most points at which a thread can leave its code and resume.
pub(crate) const MOST_RESUME_POINTS: usize = 1 << 10;

/// The most branches times blocks of a kernel whose threads run in lane groups: for each divergent
/// branch, uniformity analysis visits all blocks up to its post-dominator.
const MOST_BRANCHES_BY_BLOCKS: usize = 1 << 21;

/// The most registers that are saved and restored, at all resume points together.
const MOST_SAVED: usize = 32 << 10;
/// The same where threads run in lane groups: a divergent register is several vectors there.
const MOST_SAVED_IN_VECTORS: usize = MOST_SAVED / 8;

/// The most bytes of a function's code: of twice as many an engine makes five seconds of work, and
/// takes a gigabyte for it.
const MOST_CODE: usize = 512 << 10;

/// The most live values, summed over all steps: an engine takes about a second to allocate registers
/// for as many.
const MOST_PRESSURE: u64 = 2 << 20;

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
    Ok(())
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
    if branches * body.blocks.len() > MOST_BRANCHES_BY_BLOCKS {
        return Err(Unsupported::limit("too many branches"));
    }
    Ok(())
}

/// Whether an engine finds registers for a kernel in time, and how much work it has with the kernel:
/// the [effort](crate::compile::CompiledKernel::effort). `values` is how many values each register is.
///
/// # Errors
/// Where too many values are live at once.
pub(crate) fn check_pressure(
    body: &Body,
    liveness: &Liveness,
    values: impl Fn(Reg) -> u64,
) -> Result<usize, Unsupported> {
    let pressure = register_pressure::total(body, liveness, values);
    if pressure > MOST_PRESSURE {
        return Err(Unsupported::limit("too many registers at once"));
    }
    let sites = body.sites.len();
    let allocation = usize::try_from(pressure / 100).unwrap_or(usize::MAX);
    Ok(body.len() + allocation + sites * sites / 200)
}

/// Whether threads leave and resume at few enough points, with few enough registers.
///
/// # Errors
/// Where there are too many of either.
pub(crate) fn check_resume_points(
    graph: &Graph,
    liveness: &Liveness,
    vectors: bool,
) -> Result<(), Unsupported> {
    if graph.resumes.len() > MOST_RESUME_POINTS {
        return Err(too_many_resume_points());
    }
    let saved = graph.resumes.iter().map(|block| liveness.at(*block).len());
    let most = if vectors {
        MOST_SAVED_IN_VECTORS
    } else {
        MOST_SAVED
    };
    if saved.sum::<usize>() > most {
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
