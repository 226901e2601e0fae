//! Structured control flow: the items of [`structure`](crate::compile::cfg::structure) as blocks,
//! loops and branches of WebAssembly, around what an emitter writes for each node of the graph.

use wasm_encoder::{BlockType, Instruction as W};

use crate::compile::cfg::graph::{Graph, NodeKind};
use crate::compile::cfg::structured::Item;
use crate::compile::codegen::function_writer::Emit;
use crate::compile::ir::BlockId;

/// An emitter of what the nodes of the graph do.
pub(crate) trait EmitNodes: Emit {
    /// The local with the selector, by which dispatching nodes branch.
    fn selector(&self) -> u32;
    /// Selects the next threads that can run, and leaves their resume index.
    fn next_threads(&mut self);
    /// Threads resume at a resume index, at the beginning of a block.
    fn resume(&mut self, resume: u32, block: BlockId);
    /// The head of a loop: threads leave for this resume index if an interrupt is requested.
    fn interrupt_check(&mut self, resume: u32, block: BlockId);
    fn block(&mut self, id: BlockId);
    /// The threads go on one by one, at the resume point at which they are.
    fn fall_back_to_scalar(&mut self);
}

/// Writes all items.
pub(crate) fn emit_items(emitter: &mut impl EmitNodes, graph: &Graph, items: &[Item]) {
    for item in items {
        emit_item(emitter, graph, item);
    }
    emitter.op(W::Unreachable);
}

fn emit_item(emitter: &mut impl EmitNodes, graph: &Graph, item: &Item) {
    match item {
        Item::Loop => emitter.op(W::Loop(BlockType::Empty)),
        Item::Block => emitter.op(W::Block(BlockType::Empty)),
        Item::End => emitter.op(W::End),
        Item::If => emitter.op(W::If(BlockType::Empty)),
        Item::Else => emitter.op(W::Else),
        Item::Branch(level) => emitter.op(W::Br(*level)),
        Item::Table(node, levels) => {
            let Some(kind) = graph.nodes.get(*node).map(|node| &node.kind) else {
                return emitter.inconsistent("a table of a node that does not exist");
            };
            if matches!(kind, NodeKind::Dispatch(_)) {
                emitter.get(emitter.selector());
            }
            if matches!(kind, NodeKind::Root)
                && let Some(first) = levels.first()
            {
                // Most threads begin at the beginning.
                emitter.op(W::I32Eqz);
                emitter.op(W::BrIf(*first));
                emitter.get(emitter.selector());
            }
            match levels.split_last() {
                Some((last, rest)) => emitter.op(W::BrTable(rest.into(), *last)),
                None => emitter.op(W::Unreachable),
            }
        }
        Item::Node(node) => {
            let Some(node) = graph.nodes.get(*node) else {
                return emitter.inconsistent("a node that does not exist");
            };
            emitter.at_line(0);
            emit_node(emitter, graph, &node.kind);
        }
    }
}

fn emit_node(emitter: &mut impl EmitNodes, graph: &Graph, kind: &NodeKind) {
    let block_at = |resume: u32| graph.resumes.get(resume as usize).copied();
    match kind {
        NodeKind::Root => emitter.next_threads(),
        NodeKind::Resume(resume) => match block_at(*resume) {
            Some(block) => emitter.resume(*resume, block),
            None => emitter.inconsistent("a resume index without a block"),
        },
        NodeKind::InterruptCheck(resume) => match block_at(*resume) {
            Some(block) => emitter.interrupt_check(*resume, block),
            None => emitter.inconsistent("an interrupt check without a block"),
        },
        NodeKind::Dispatch(_) => {
            emitter.get(emitter.selector());
            emitter.op(W::I32Eqz);
        }
        NodeKind::Select(selector) => {
            emitter.i32(*selector);
            emitter.set(emitter.selector());
        }
        NodeKind::Block(block) => emitter.block(*block),
        NodeKind::ScalarFallback => emitter.fall_back_to_scalar(),
    }
}
