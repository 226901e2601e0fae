//! The passes by name, and what happens after each: its IR is verified where assertions are on, and
//! printed where somebody asked for it.

use std::fmt;
use std::str::FromStr;

use crate::compile::Unsupported;
use crate::compile::ir::Body;
use crate::compile::ir::print::{self, Annotations, IrLine};
use crate::compile::ir::verify;

/// A pass of the compiler, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pass {
    /// PTX becomes IR: calls are inlined, operands have one type each, variables have addresses.
    Translate,
    /// Branches whose condition is known become jumps.
    ConstantBranches,
    /// NaNs become NVIDIA's where they are seen, and not before.
    NanCanonicalization,
    /// What nobody needs is not computed.
    DeadCode,
    /// What reads a copy reads what was copied, within its block. This pass and those up to reconvergence
    /// are for kernels whose threads run in lane groups.
    CopyPropagation,
    /// Collectives of whole warps become steps of vector code.
    WholeWarps,
    /// What holds a constant or a special value is read again instead of kept.
    Rematerialization,
    /// What the threads of a lane group have in each register, and whether vectors pay off.
    Uniformity,
    /// Conditions that the first and the last lane decide are computed right before their branches.
    EndpointBranches,
    /// Blocks are split where a lane group may leave vector code.
    ResumePoints,
    /// Blocks are split where the threads of a diverged lane group are awaited.
    Reconvergence,
    /// Which registers are live where blocks begin.
    Liveness,
    /// Control flow with the points where threads leave and resume.
    SuspensionGraph,
    /// Which registers are saved and restored, where.
    Spill,
    /// Bounds checks of lane groups, hoisted and coalesced.
    BoundsGuards,
}

impl Pass {
    /// All passes, in order.
    pub const ALL: [Pass; 15] = [
        Pass::Translate,
        Pass::ConstantBranches,
        Pass::NanCanonicalization,
        Pass::DeadCode,
        Pass::CopyPropagation,
        Pass::WholeWarps,
        Pass::Rematerialization,
        Pass::Uniformity,
        Pass::EndpointBranches,
        Pass::ResumePoints,
        Pass::Reconvergence,
        Pass::Liveness,
        Pass::SuspensionGraph,
        Pass::Spill,
        Pass::BoundsGuards,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Pass::Translate => "translate",
            Pass::ConstantBranches => "constant-branches",
            Pass::NanCanonicalization => "nan-canonicalization",
            Pass::DeadCode => "dead-code",
            Pass::CopyPropagation => "copy-propagation",
            Pass::WholeWarps => "whole-warps",
            Pass::Rematerialization => "rematerialization",
            Pass::Uniformity => "uniformity",
            Pass::EndpointBranches => "endpoint-branches",
            Pass::ResumePoints => "resume-points",
            Pass::Reconvergence => "reconvergence",
            Pass::Liveness => "liveness",
            Pass::SuspensionGraph => "suspension-graph",
            Pass::Spill => "spill",
            Pass::BoundsGuards => "bounds-guards",
        }
    }
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no pass has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such pass; there are, in order: {}", Pass::ALL.map(Pass::name).join(", "))]
pub struct UnknownPass;

impl FromStr for Pass {
    type Err = UnknownPass;

    fn from_str(name: &str) -> Result<Pass, UnknownPass> {
        let mut all = Pass::ALL.into_iter();
        all.find(|pass| pass.name() == name).ok_or(UnknownPass)
    }
}

/// A kernel's IR as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IrText {
    /// The pass that it is the IR after.
    pub pass: Pass,
    /// The text.
    pub lines: Vec<IrLine>,
}

/// What looks on between passes, and may end the compilation there.
#[derive(Default)]
pub(crate) struct Observer<'a> {
    /// The last pass whose IR is to be printed.
    last: Option<Pass>,
    text: Option<IrText>,
    is_cancelled: Option<&'a dyn Fn() -> bool>,
}

impl<'a> Observer<'a> {
    pub(crate) fn printing(last: Pass) -> Observer<'a> {
        Observer {
            last: Some(last),
            ..Observer::default()
        }
    }

    /// One that ends the compilation once this is so.
    pub(crate) fn cancelling(is_cancelled: &'a dyn Fn() -> bool) -> Observer<'a> {
        Observer {
            is_cancelled: Some(is_cancelled),
            ..Observer::default()
        }
    }

    /// The IR after the last pass that was run, up to the one that is to be printed.
    pub(crate) fn into_text(self) -> Option<IrText> {
        self.text
    }

    /// To be called when the passes begin, again or for the first time.
    pub(crate) fn begin(&mut self) {
        self.text = None;
    }

    /// To be called before work that takes long.
    ///
    /// # Errors
    /// Where the compilation was cancelled.
    pub(crate) fn check_cancelled(&self) -> Result<(), Unsupported> {
        match self.is_cancelled {
            Some(is_cancelled) if is_cancelled() => Err(Unsupported::cancelled()),
            _ => Ok(()),
        }
    }

    /// To be called after each pass.
    ///
    /// # Errors
    /// Where the compilation was cancelled; where assertions are on and the IR is not as it must be.
    pub(crate) fn after(
        &mut self,
        pass: Pass,
        body: &Body,
        annotations: Annotations<'_>,
    ) -> Result<(), Unsupported> {
        if cfg!(debug_assertions) {
            verify::verify(body)?;
        }
        self.check_cancelled()?;
        if self.last.is_some_and(|last| pass <= last) {
            let lines = print::print(body, annotations);
            self.text = Some(IrText { pass, lines });
        }
        Ok(())
    }
}
