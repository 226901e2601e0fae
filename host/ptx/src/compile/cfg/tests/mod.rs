//! Control flow on graphs made at random: each analysis against its definition, taken literally, and
//! structured control flow against a walk through the blocks.
//!
//! `PROPTEST_CASES=100000` makes a run long.
#![allow(clippy::unwrap_used)]

mod analyses;
mod simulation;
mod structuring;

use proptest::prelude::*;

use crate::compile::ir::{
    Arg, Block, BlockId, Body, End, Reg, SiteId, SuspendKind, SuspendPoint, Ty,
};

/// How many cases there are where `PROPTEST_CASES` does not say it.
const NOT_GIVEN: u32 = 256;

/// How many cases a test takes.
fn config(cases: u32) -> ProptestConfig {
    let given = ProptestConfig::default();
    ProptestConfig {
        cases: if given.cases == NOT_GIVEN {
            cases
        } else {
            given.cases
        },
        ..given
    }
}

/// How a block ends, with targets that are taken modulo the number of blocks.
#[derive(Clone, Debug)]
enum Way {
    Jump(usize),
    Branch(usize, usize),
    Table(Vec<usize>),
    Exit,
    Fault,
    /// Whether the thread takes registers from others.
    Suspend(usize, bool),
    Reconverge(usize),
    WholeWarp(usize, usize),
}

/// Any graph of up to so many blocks, with any edges, cut anywhere.
fn bodies(most: usize) -> impl Strategy<Value = Body> {
    let target = || 0..most;
    let way = prop_oneof![
        3 => target().prop_map(Way::Jump),
        6 => (target(), target()).prop_map(|(yes, no)| Way::Branch(yes, no)),
        1 => prop::collection::vec(target(), 0..6).prop_map(Way::Table),
        1 => Just(Way::Exit),
        1 => Just(Way::Fault),
        3 => (target(), any::<bool>()).prop_map(|(next, takes)| Way::Suspend(next, takes)),
        1 => target().prop_map(Way::Reconverge),
        1 => (target(), target()).prop_map(|(group, single)| Way::WholeWarp(group, single)),
    ];
    prop::collection::vec(way, 1..most).prop_map(|ways| body(&ways))
}

/// The kernel of blocks that end so.
fn body(ways: &[Way]) -> Body {
    let mut body = Body::default();
    for way in ways {
        let id = |target: &usize| BlockId(u32::try_from(target % ways.len()).unwrap());
        let end = match way {
            Way::Jump(next) => End::Jump(id(next)),
            Way::Branch(yes, no) => End::Branch(Arg::I32(0), id(yes), id(no)),
            Way::Table(targets) => {
                End::Table(Arg::I32(0), targets.iter().map(id).collect(), SiteId(0))
            }
            Way::Exit => End::Exit,
            Way::Fault => End::Fault(SiteId(0), Arg::I32(0)),
            Way::Reconverge(next) => End::Reconverge(id(next)),
            Way::WholeWarp(group, single) => End::WholeWarp(id(group), id(single)),
            Way::Suspend(next, takes) => {
                let result = takes.then(|| body.reg(Ty::I32));
                End::Suspend(body.suspend_points.push(point([result, None])), id(next))
            }
        };
        body.blocks.push(Block {
            line: 0,
            ops: Vec::new(),
            end,
        });
    }
    body
}

fn point(results: [Option<Reg>; 2]) -> SuspendPoint {
    SuspendPoint {
        line: 0,
        kind: SuspendKind::Plain(0),
        in_whole_warps: false,
        inputs: Vec::new(),
        results: results.to_vec(),
    }
}

/// The blocks at which threads may come back besides: those at which they reconverge, and a few more.
fn extra(body: &Body, more: u64) -> Vec<BlockId> {
    let mut extra: Vec<BlockId> = Vec::new();
    for (BlockId(number), block) in body.blocks.iter() {
        if let End::Reconverge(next) = &block.end {
            extra.push(*next);
        }
        if more >> (number % 64) & 1 == 1 {
            extra.push(BlockId(number));
        }
    }
    extra
}
