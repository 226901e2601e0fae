//! What code generation needs from the analyses.

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use crate::compile::abi::Layout;
use crate::compile::analysis::bounds_guards::{Limits, Plan};
use crate::compile::analysis::liveness::Live;
use crate::compile::analysis::uniformity::{Uniformity, UniformityInfo};
use crate::compile::cfg::graph::Graph;
use crate::compile::ir::{Arg, BlockId, Body, Place, Reg, SiteKind};
use crate::compile::passes::divergence::Meetings;
use crate::compile::passes::spill::Frames;

/// A range of device memory that an access found last: two globals, and two locals of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BoundsCache {
    /// What the address was computed from.
    pub root: u32,
    /// The logarithm of the access's size.
    pub shift: u8,
    pub write: bool,
}

/// What all functions of a module are generated from.
pub(crate) struct CodegenInput<'k> {
    pub body: &'k Body,
    pub graph: &'k Graph,
    pub liveness: &'k Live,
    pub frames: Frames,
    pub layout: &'k Layout,
    /// Where each register is saved that has to be.
    pub slots: HashMap<Reg, u32>,
    /// Where in uniform spill frames, of those that do not diverge.
    pub uniform_slots: HashMap<Reg, u32>,
    /// The cache of each site, by its index in `bounds_caches`.
    pub bounds_cache_of: HashMap<u32, usize>,
    pub bounds_caches: Vec<BoundsCache>,
    /// Where the threads of lane groups that diverge in a block reconverge.
    pub reconvergence: Meetings,
    pub uniformity: &'k UniformityInfo,
    /// Conditions that the first and the last lane answer for all, while they agree.
    pub endpoint_conditions: &'k HashSet<Reg>,
    pub guards: &'k Plan,
    /// What guards compare with.
    pub guard_limits: Limits,
    /// The size of static shared memory: addresses within it need no check.
    pub static_shared: u32,
}

/// An access of memory, as its site says.
#[derive(Clone, Copy, Default)]
pub(crate) struct SiteAccess {
    pub bytes: u32,
    /// Its logarithm.
    pub shift: u8,
    pub write: bool,
}

/// A register and where a thread that resumes finds it: in an array of scratch memory, of words of so
/// many bytes.
pub(crate) struct Saved {
    pub reg: Reg,
    pub array: u32,
    pub stride: u32,
}

impl CodegenInput<'_> {
    /// What lanes have in an operand.
    pub(crate) fn class(&self, arg: Arg) -> Uniformity {
        self.uniformity.of_arg(arg)
    }

    /// Whether lanes have unrelated values in a register.
    pub(crate) fn is_divergent(&self, reg: Reg) -> bool {
        self.uniformity.of(reg) == Uniformity::Divergent
    }

    /// The access of a site; `None` where the site is none of an access.
    pub(crate) fn site_access(&self, place: &Place) -> Option<SiteAccess> {
        match self.body.sites.get(place.site as usize)?.what {
            SiteKind::Access {
                bytes,
                lanes,
                write,
                ..
            } => {
                let bytes = bytes * lanes;
                let shift = bytes.trailing_zeros() as u8;
                Some(SiteAccess {
                    bytes,
                    shift,
                    write,
                })
            }
            _ => None,
        }
    }

    /// The resume index of a block that has one of its own.
    pub(crate) fn resume_of(&self, block: BlockId) -> Option<u32> {
        let mut resumes = (0u32..).zip(&self.graph.resumes).skip(1);
        resumes.find_map(|(resume, other)| (*other == block).then_some(resume))
    }

    /// The resume index behind each suspend point, where that is reached.
    pub(crate) fn resume_after(&self, suspend_point: u32) -> Option<u32> {
        self.graph.after_stop.get(&suspend_point).copied()
    }

    /// What is saved where a thread leaves at the beginning of a block.
    pub(crate) fn saved(&self, block: BlockId) -> Vec<Reg> {
        self.frames.saved(self.liveness, block)
    }

    /// What is saved where a thread leaves behind a block, to resume at the next one.
    pub(crate) fn saved_behind(&self, block: BlockId, next: BlockId) -> Vec<Reg> {
        self.frames.saved_behind(self.liveness, block, next)
    }

    /// What is saved where a block goes on to the next.
    pub(crate) fn saved_ahead(&self, block: BlockId) -> Vec<Reg> {
        self.frames.saved_ahead(self.liveness, self.body, block)
    }

    /// What a thread that resumes at an index other than the first gets back: registers from its
    /// frame, and the results of a suspend point from the exchange.
    /// `None` where a register has no place in the frame.
    pub(crate) fn restored(&self, resume: u32, block: BlockId) -> Option<Vec<Saved>> {
        let results = self.results_at(resume);
        let mut restored = Vec::new();
        for reg in self.frames.restored(self.liveness, block) {
            if results.contains(&Some(reg)) {
                continue;
            }
            let array = self.slots.get(&reg).copied()?;
            let stride = self.body.ty(reg).bytes();
            restored.push(Saved { reg, array, stride });
        }
        for (number, reg) in (0..).zip(results) {
            if let Some(reg) = reg {
                restored.push(Saved {
                    reg,
                    array: self.layout.exchanged(number),
                    stride: 8,
                });
            }
        }
        Some(restored)
    }

    /// The results of a suspend point that threads take at a resume index, where it is behind one.
    fn results_at(&self, resume: u32) -> [Option<Reg>; 2] {
        let mut points = self.graph.after_stop.iter();
        let point = points.find(|(_, other)| **other == resume);
        point
            .and_then(|(point, _)| self.body.suspend_points.get(*point as usize))
            .map_or([None, None], |point| point.results)
    }

    /// The global with the base of a bounds cache; its count follows.
    pub(crate) fn bounds_cache_global(cache: usize) -> u32 {
        // There are only few of them.
        cache as u32 * 2
    }

    /// The global with a limit of guards, by its index among those of device memory.
    pub(crate) fn guard_limit_global(&self, limit: u32) -> u32 {
        Self::bounds_cache_global(self.bounds_caches.len()) + limit
    }

    /// How many globals there are.
    pub(crate) fn globals(&self) -> u32 {
        self.guard_limit_global(self.guard_limits.device.len() as u32)
    }
}
