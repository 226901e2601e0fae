//! Builds the nodes and edges of a suspension graph, once it is known which resume points are entered.

use rustc_hash::FxHashMap as HashMap;

use super::{Graph, Head, Node, NodeId, NodeKind, ROOT, ResumePoints, block_id, missing, too_many};
use crate::compile::Unsupported;
use crate::compile::cfg::flow::{FlowGraph, Threads};
use crate::compile::cfg::loops::LoopForest;
use crate::compile::ir::{Body, End};

pub(super) struct Builder<'b> {
    pub(super) body: &'b Body,
    pub(super) threads: Threads,
    pub(super) flow: FlowGraph,
    pub(super) forest: LoopForest,
    pub(super) heads: HashMap<usize, Head>,
    pub(super) points: &'b ResumePoints,
    pub(super) entered: Vec<bool>,
    pub(super) nodes: Vec<Node>,
    pub(super) of_block: HashMap<usize, NodeId>,
    pub(super) checks: HashMap<usize, NodeId>,
    /// The dispatch node of each loop that has one.
    pub(super) dispatches: HashMap<usize, NodeId>,
    /// For each further head of a loop, the node that sets its selector: on edges from inside the
    /// loop, and on those from outside. One node for both would be entered from inside and outside
    /// and lead to the loop's entry: a second entry.
    pub(super) selectors: HashMap<usize, [NodeId; 2]>,
    pub(super) last_selector: u32,
    /// The node behind the resume points at which it is not entered.
    pub(super) fallback: Option<NodeId>,
}

impl Builder<'_> {
    fn node(&mut self, kind: NodeKind) -> NodeId {
        self.nodes.push(Node {
            kind,
            next: Vec::new(),
        });
        self.nodes.len() - 1
    }

    fn link(&mut self, from: NodeId, to: NodeId) {
        if let Some(node) = self.nodes.get_mut(from) {
            node.next.push(to);
        }
    }

    /// Lets a node send a thread with this selector on to another one.
    fn send(&mut self, from: NodeId, selector: u32, to: NodeId) {
        if let Some(node) = self.nodes.get_mut(from) {
            if let NodeKind::Dispatch(selectors) = &mut node.kind {
                selectors.push(selector);
            }
            node.next.push(to);
        }
    }

    /// A selector that nothing else has.
    fn new_selector(&mut self) -> Result<u32, Unsupported> {
        self.last_selector = self.last_selector.checked_add(1).ok_or_else(too_many)?;
        Ok(self.last_selector)
    }

    /// The loops around the node at which a thread resumes at a block, outermost first. A loop's only
    /// head is entered like the loop itself.
    fn loops_around_resume(&self, block: usize) -> Vec<usize> {
        let innermost = match self.heads.get(&block) {
            Some(head) if head.is_only => {
                self.forest.loops.get(head.of).and_then(|this| this.parent)
            }
            Some(head) => Some(head.of),
            None => self.forest.innermost(block),
        };
        let mut around: Vec<usize> = self.forest.around(innermost).collect();
        around.reverse();
        around
    }

    pub(super) fn build(mut self, reached: &[usize]) -> Result<Graph, Unsupported> {
        self.node(NodeKind::Root);
        for block in reached {
            let node = self.node(NodeKind::Block(block_id(*block)?));
            self.of_block.insert(*block, node);
        }
        let mut heads: Vec<(usize, u32)> = self
            .heads
            .iter()
            .map(|(block, head)| (*block, head.resume))
            .collect();
        heads.sort_unstable();
        for (block, resume) in heads {
            let check = self.node(NodeKind::InterruptCheck(resume));
            let own = self.block_node(block)?;
            self.link(check, own);
            self.checks.insert(block, check);
        }
        let resumes = self.points.blocks.clone();
        let mut around = Vec::with_capacity(resumes.len());
        let mut needs_dispatch: Vec<bool> = self
            .forest
            .loops
            .iter()
            .map(|this| this.heads.len() > 1)
            .collect();
        for (block, is_entered) in resumes.iter().zip(&self.entered) {
            if !is_entered {
                around.push(None);
                continue;
            }
            let loops = self.loops_around_resume(block.0 as usize);
            for number in &loops {
                if let Some(needed) = needs_dispatch.get_mut(*number) {
                    *needed = true;
                }
            }
            around.push(Some(loops));
        }
        for (number, needed) in needs_dispatch.into_iter().enumerate() {
            if needed {
                let node = self.node(NodeKind::Dispatch(vec![0]));
                self.dispatches.insert(number, node);
            }
        }
        // The selectors up to here are the numbers of the resume points.
        self.last_selector = u32::try_from(resumes.len() - 1).map_err(|_| too_many())?;
        self.dispatch_to_heads()?;
        for ((number, block), around) in (0..).zip(&resumes).zip(around) {
            match around {
                Some(around) => self.enter_at_resume(number, block.0 as usize, &around)?,
                None => {
                    let fallback = match self.fallback {
                        Some(node) => node,
                        None => self.node(NodeKind::ScalarFallback),
                    };
                    self.fallback = Some(fallback);
                    self.send(ROOT, number, fallback);
                }
            }
        }
        for block in reached {
            self.leave_block(*block)?;
        }
        Ok(Graph {
            nodes: self.nodes,
            resumes,
            resume_after: self.points.after.clone(),
            suspend_points: self.points.suspend_points.clone(),
            resume_of: self.points.resume_of.clone(),
            threads: self.threads,
            entered: self.entered,
        })
    }

    /// The edges from each dispatch to its loop's heads.
    fn dispatch_to_heads(&mut self) -> Result<(), Unsupported> {
        for number in 0..self.forest.loops.len() {
            let Some(dispatch) = self.dispatches.get(&number).copied() else {
                continue;
            };
            let heads = self.forest.loops.get(number).map(|this| this.heads.clone());
            for (place, head) in heads.unwrap_or_default().into_iter().enumerate() {
                let check = self.check_of(head)?;
                if place == 0 {
                    self.link(dispatch, check);
                    continue;
                }
                let selector = self.new_selector()?;
                let clear = self.node(NodeKind::Select(0));
                self.link(clear, check);
                self.send(dispatch, selector, clear);
                let select = [(); 2].map(|()| self.node(NodeKind::Select(selector)));
                for node in select {
                    self.link(node, dispatch);
                }
                self.selectors.insert(head, select);
            }
        }
        Ok(())
    }

    /// The path from the root to a resume point, through the dispatch nodes of the loops around it.
    fn enter_at_resume(
        &mut self,
        number: u32,
        block: usize,
        around: &[usize],
    ) -> Result<(), Unsupported> {
        let resume = self.node(NodeKind::Resume(number));
        let target = match self.heads.get(&block) {
            // The dispatch is behind already.
            Some(head) if !head.is_only => self.block_node(block)?,
            _ => self.entry_from(None, block)?,
        };
        self.link(resume, target);
        let (mut from, mut selector) = (ROOT, number);
        if number == 0 && !around.is_empty() {
            // To a dispatch, zero means its first head.
            selector = self.new_selector()?;
            let select = self.node(NodeKind::Select(selector));
            self.link(ROOT, select);
            from = select;
        }
        for inner in around {
            let inner = self.dispatches.get(inner).copied().ok_or_else(missing)?;
            self.send(from, selector, inner);
            from = inner;
        }
        self.send(from, selector, resume);
        Ok(())
    }

    /// The edges from a block.
    fn leave_block(&mut self, block: usize) -> Result<(), Unsupported> {
        let node = self.block_node(block)?;
        let id = block_id(block)?;
        let from = self.body.block(id);
        let leaves = from.is_some_and(|from| match (self.threads, &from.end) {
            (Threads::LaneGroups, _) if self.body.is_cold(id) => false,
            // A lane group that comes here has not diverged.
            (threads, End::Reconverge(_)) => threads == Threads::Single,
            (_, end) => matches!(end, End::Suspend(..) | End::Exit),
        });
        if leaves {
            self.link(node, ROOT);
        }
        for next in self.flow.successors(block).to_vec() {
            let target = self.entry_from(Some(block), next)?;
            self.link(node, target);
        }
        Ok(())
    }

    fn block_node(&self, block: usize) -> Result<NodeId, Unsupported> {
        self.of_block.get(&block).copied().ok_or_else(missing)
    }

    fn check_of(&self, head: usize) -> Result<NodeId, Unsupported> {
        self.checks.get(&head).copied().ok_or_else(missing)
    }

    /// The node at which an edge to a block enters it, from another block or from outside of all
    /// loops that it is a head of.
    fn entry_from(&self, from: Option<usize>, block: usize) -> Result<NodeId, Unsupported> {
        let Some(head) = self.heads.get(&block) else {
            return self.block_node(block);
        };
        if let Some([inside, outside]) = self.selectors.get(&block) {
            let is_inside = from.is_some_and(|from| self.forest.contains(head.of, from));
            return Ok(if is_inside { *inside } else { *outside });
        }
        match self.dispatches.get(&head.of) {
            Some(dispatch) if head.is_first => Ok(*dispatch),
            _ => self.check_of(block),
        }
    }
}
