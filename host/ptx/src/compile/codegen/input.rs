//! What code generation needs from the analyses.

use crate::compile::abi::Layout;
use crate::compile::analyses::Analyses;
use crate::compile::analysis::allocation_roots::CacheId;
use crate::compile::analysis::bounds_guards::{DeviceLimitId, Limits};
use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::ir::{AccessAddress, Arg, BlockId, Body, Reg, SiteKind, SuspendId};

/// What all functions of a module are generated from.
pub(crate) struct CodegenInput<'k> {
    pub body: &'k Body,
    pub layout: &'k Layout,
    pub analyses: &'k Analyses,
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
    pub(crate) fn uniformity(&self, arg: Arg) -> Uniformity {
        self.analyses.uniformity.of_arg(arg)
    }

    /// Whether lanes have unrelated values in a register.
    pub(crate) fn is_divergent(&self, reg: Reg) -> bool {
        self.analyses.uniformity.of(reg) == Uniformity::Divergent
    }

    /// The access of a site; `None` where the site is none of an access.
    pub(crate) fn site_access(&self, place: &AccessAddress) -> Option<SiteAccess> {
        match self.body.sites.get(place.site)?.what {
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
        self.analyses.graph.resume_of(block)
    }

    /// The resume index behind each suspend point, where that is reached.
    pub(crate) fn resume_after(&self, suspend_point: SuspendId) -> Option<u32> {
        self.analyses
            .graph
            .resume_after
            .get(&suspend_point.0)
            .copied()
    }

    /// What is saved where a thread leaves at the beginning of a block.
    pub(crate) fn saved(&self, block: BlockId) -> Vec<Reg> {
        let Analyses {
            spills, liveness, ..
        } = self.analyses;
        spills.saved(liveness, block)
    }

    /// What is saved where a thread leaves behind a block, to resume at the next one.
    pub(crate) fn saved_behind(&self, block: BlockId, next: BlockId) -> Vec<Reg> {
        let Analyses {
            spills, liveness, ..
        } = self.analyses;
        spills.saved_behind(liveness, block, next)
    }

    /// What is saved where a block goes on to the next.
    pub(crate) fn saved_ahead(&self, block: BlockId) -> Vec<Reg> {
        let Analyses {
            spills, liveness, ..
        } = self.analyses;
        spills.saved_ahead(liveness, self.body, block)
    }

    /// What a thread that resumes at an index other than the first gets back: registers from its
    /// frame, and the results of a suspend point from the exchange.
    /// `None` where a register has no place in the frame.
    pub(crate) fn restored(&self, resume: u32, block: BlockId) -> Option<Vec<Saved>> {
        let Analyses {
            spills, liveness, ..
        } = self.analyses;
        let results = self.analyses.graph.results(self.body, resume);
        let mut restored = Vec::new();
        for reg in spills.restored(liveness, block) {
            if results.contains(&Some(reg)) {
                continue;
            }
            let array = spills.slots.get(&reg).copied()?;
            let stride = self.body.ty(reg).bytes();
            restored.push(Saved { reg, array, stride });
        }
        for (number, reg) in (0..).zip(results) {
            if let Some(reg) = reg {
                restored.push(Saved {
                    reg: *reg,
                    array: self.layout.exchanged(number),
                    stride: 8,
                });
            }
        }
        Some(restored)
    }

    /// The limits that guards compare with.
    pub(crate) fn guard_limits(&self) -> &Limits {
        self.analyses.guards.limits()
    }

    /// The global with the base of a bounds cache; its count follows.
    pub(crate) fn bounds_cache_global(cache: CacheId) -> u32 {
        cache.0 * 2
    }

    /// The global with a limit of guards of device memory: these come behind the bounds caches.
    pub(crate) fn guard_limit_global(&self, limit: DeviceLimitId) -> u32 {
        let caches = self.analyses.bounds_caches.all();
        Self::bounds_cache_global(caches.next_key()) + limit.0
    }

    /// How many globals there are.
    pub(crate) fn globals(&self) -> u32 {
        self.guard_limit_global(self.guard_limits().device.next_key())
    }
}
