//! Translates `brx.idx`, a jump by an index through a list of labels (PTX ISA, "Control Flow
//! Instructions").
//!
//! A dispatch has an edge for each label. So the instructions of a function that jump through the same
//! list share one: a few kilobytes of text would else become more edges than an engine compiles in
//! minutes.

use std::collections::HashMap;

use crate::compile::Unsupported;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{Arg, BlockId, End, Op as IrOp, Reg, SiteKind, Ty};
use crate::compile::translate::{Builder, FunctionScope, index};
use crate::syntax::table::Op;
use crate::syntax::tree::{Function, Operand};

/// The dispatches of a function, as it is inlined at one place.
pub(crate) struct Dispatches {
    /// How many instructions jump through each list of labels.
    jumps: HashMap<u32, usize>,
    /// The dispatch of each list that several jump through, once there is one.
    shared: HashMap<u32, SharedDispatch>,
}

/// A block that jumps through a list of labels, by a register that those who jump set before.
#[derive(Clone, Copy)]
struct SharedDispatch {
    block: BlockId,
    index: Reg,
}

impl Dispatches {
    pub(crate) fn of(function: &Function) -> Dispatches {
        let mut jumps = HashMap::new();
        for instruction in &function.body {
            if instruction.row.op == Op::BrxIdx
                && let Some(Operand::Labels(table)) = instruction.operands.get(1)
            {
                *jumps.entry(*table).or_insert(0) += 1;
            }
        }
        Dispatches {
            jumps,
            shared: HashMap::new(),
        }
    }
}

impl<'m> Builder<'m> {
    pub(crate) fn jump_table(&mut self, scope: &mut FunctionScope<'m>) -> Result<(), Unsupported> {
        let Operand::Labels(table) = *scope.operand(1) else {
            return Err(self.unsupported("this list of labels"));
        };
        let labels = scope.function.tables.get(table as usize);
        let labels = labels.map_or(&[][..], |table| &table.labels);
        let place = self.source(scope, 0);
        let count = index(labels.len());
        let site = self.site(SiteKind::Jump { labels: count });
        let jumps = scope.dispatches.jumps.get(&table).copied();
        let is_shared = jumps.is_some_and(|jumps| jumps > 1);
        let known = scope.dispatches.shared.get(&table).copied();
        let mut targets = Vec::new();
        if known.is_none() {
            let found: Option<Vec<BlockId>> = labels
                .iter()
                .map(|label| self.label(scope, label.0))
                .collect();
            let Some(found) = found else {
                return Err(self.unsupported("this list of labels"));
            };
            targets = found;
        }
        if !is_shared {
            self.leave(End::Table(place, targets, site));
            return Ok(());
        }
        // The check stays with the instruction, whose line its fault names.
        let (outside, within) = (self.new_block(), self.new_block());
        let is_outside = self.two(Opcode::I32GeU, place, Arg::I32(count));
        self.end(End::Branch(is_outside, outside, within), outside);
        let value = self.in_64(place);
        self.end(End::Fault(site, value), within);
        let dispatch = known.unwrap_or_else(|| {
            let (block, index) = (self.new_block(), self.temp(Ty::I32));
            self.set_end(block, End::Table(Arg::Reg(index), targets, site));
            let dispatch = SharedDispatch { block, index };
            scope.dispatches.shared.insert(table, dispatch);
            dispatch
        });
        self.push(IrOp::Copy(dispatch.index, place));
        self.leave(End::Jump(dispatch.block));
        Ok(())
    }
}
