//! Suspend points: where a thread waits for others, what it brings there and what it gets.

use crate::compile::ir::{Arg, Reg};
use crate::simt::barrier::BarrierReduction;
use crate::simt::warp::WarpOp;

/// Where threads wait for each other: what they bring, and what they get when they resume.
#[derive(Clone, Debug)]
pub(crate) struct SuspendPoint {
    pub line: u32,
    pub kind: SuspendKind,
    /// What each thread brings along, each word as 64 bits, in the order that its kind says.
    pub inputs: Vec<Arg>,
    /// What it takes away: a register for each word, but for those that are not wanted.
    pub results: Vec<Option<Reg>>,
    /// Whether it is a collective of all lanes that a lane group computes by itself, so that only single
    /// threads come here.
    pub in_whole_warps: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum SuspendKind {
    /// `bar.sync` of a known barrier for all threads: brings nothing. The last one, behind those that
    /// kernels name, is that of the cluster.
    Plain(u8),
    /// Brings the barrier's number, its count if there is one, and its predicate if there is one.
    Barrier {
        counted: bool,
        waits: bool,
        reduction: Option<BarrierReduction>,
    },
    /// Brings the mask of members, and the operation's words.
    Collective(WarpOp),
    ActiveMask,
}

impl SuspendKind {
    /// How many words a thread brings.
    pub(crate) fn inputs(self) -> usize {
        match self {
            SuspendKind::Plain(_) | SuspendKind::ActiveMask => 0,
            SuspendKind::Barrier {
                counted, reduction, ..
            } => 1 + usize::from(counted) + usize::from(reduction.is_some()),
            SuspendKind::Collective(op) => 1 + op.inputs(),
        }
    }

    /// How many words a thread takes away.
    pub(crate) fn results(self) -> usize {
        match self {
            SuspendKind::Plain(_) => 0,
            SuspendKind::Barrier { reduction, .. } => usize::from(reduction.is_some()),
            SuspendKind::Collective(op) => op.results(),
            SuspendKind::ActiveMask => 1,
        }
    }
}
