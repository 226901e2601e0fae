//! Blocks that lead to a fault: from which each path ends in one. That is what an assertion, a bounds
//! check of a language or a trap branches to, and hardly any thread ever comes there.

use rustc_hash::FxHashSet as HashSet;

use crate::compile::ir::entity::EntityMap;
use crate::compile::ir::{Block, BlockId, Body, End, Op, SiteKind};
use crate::syntax::builtin_functions::BuiltinFunction;

/// The blocks that lead to a fault on each path.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultBound(HashSet<BlockId>);

impl FaultBound {
    /// Those of a kernel. A loop is none, as it may have no end.
    pub(crate) fn of(body: &Body) -> FaultBound {
        let mut predecessors: EntityMap<BlockId, Vec<BlockId>> =
            EntityMap::for_each(&body.blocks, Vec::new());
        // For each block, how many of its edges are not known to lead to a fault.
        let mut others: EntityMap<BlockId, usize> = EntityMap::for_each(&body.blocks, 0);
        let mut found: Vec<BlockId> = Vec::new();
        for (id, block) in body.blocks.iter() {
            let successors = block.end.successors();
            if is_fault(body, block) {
                found.push(id);
            }
            others.set(id, successors.len());
            for next in successors {
                if let Some(known) = predecessors.get_mut(next) {
                    known.push(id);
                }
            }
        }
        let mut bound = HashSet::default();
        while let Some(id) = found.pop() {
            bound.insert(id);
            for before in predecessors.get(id).into_iter().flatten() {
                if let Some(left) = others.get_mut(*before) {
                    *left = left.saturating_sub(1);
                    if *left == 0 {
                        found.push(*before);
                    }
                }
            }
        }
        FaultBound(bound)
    }

    pub(crate) fn contains(&self, block: BlockId) -> bool {
        self.0.contains(&block)
    }

    /// Where one side of a branch leads to a fault and the other does not: what its condition is where
    /// it does.
    pub(crate) fn faults_where(&self, end: &End) -> Option<bool> {
        let End::Branch(_, yes, no) = end else {
            return None;
        };
        match (self.contains(*yes), self.contains(*no)) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        }
    }
}

/// Whether a block does not go on. Compilers do not say so of an assertion that fails.
fn is_fault(body: &Body, block: &Block) -> bool {
    let fails = |op: &Op| {
        let Op::Builtin { site, .. } = op else {
            return false;
        };
        let what = body.sites.get(*site).map(|site| &site.what);
        matches!(what, Some(SiteKind::Builtin(BuiltinFunction::AssertFail)))
    };
    matches!(block.end, End::Fault(..)) || block.ops.iter().any(fails)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::ir::{Arg, Site};

    /// A kernel of blocks that only end.
    fn kernel(ends: Vec<End>) -> Body {
        let mut body = Body::default();
        body.sites.push(Site {
            line: 0,
            what: SiteKind::Trap,
        });
        for end in ends {
            let (line, ops) = (0, Vec::new());
            body.blocks.push(Block { line, ops, end });
        }
        body
    }

    fn fault() -> End {
        End::Fault(crate::compile::ir::SiteId(0), Arg::I32(0))
    }

    fn branch(yes: u32, no: u32) -> End {
        End::Branch(Arg::I32(0), BlockId(yes), BlockId(no))
    }

    #[test]
    fn blocks_all_of_whose_paths_fault_lead_to_a_fault() {
        let body = kernel(vec![
            branch(1, 4),
            branch(2, 3),
            End::Jump(BlockId(3)),
            fault(),
            End::Exit,
        ]);
        let bound = FaultBound::of(&body);
        let blocks = (0..5).map(|id| bound.contains(BlockId(id)));
        assert_eq!(blocks.collect::<Vec<_>>(), [false, true, true, true, false]);
        assert_eq!(bound.faults_where(&branch(1, 4)), Some(true));
        assert_eq!(bound.faults_where(&branch(4, 1)), Some(false));
        assert_eq!(bound.faults_where(&branch(2, 3)), None);
    }

    #[test]
    fn a_loop_that_a_fault_may_end_is_none_that_leads_to_it() {
        let body = kernel(vec![branch(0, 1), fault()]);
        let bound = FaultBound::of(&body);
        assert!(!bound.contains(BlockId::ENTRY) && bound.contains(BlockId(1)));
    }

    #[test]
    fn both_sides_of_a_branch_may_be_one_block() {
        let bound = FaultBound::of(&kernel(vec![branch(1, 1), fault()]));
        assert!(bound.contains(BlockId::ENTRY));
    }
}
