//! A thread's way through the blocks, and through what they were structured to: an interpreter of
//! blocks, loops and branches that looks for each label when it needs it.

use crate::compile::cfg::flow::Threads;
use crate::compile::cfg::graph::{Graph, NodeKind};
use crate::compile::cfg::structured::Item;
use crate::compile::ir::{BlockId, Body, End};

/// Decisions, the same for the same seed.
struct Decisions(fastrand::Rng);

impl Decisions {
    fn one_of(&mut self, ways: usize) -> usize {
        self.0.usize(0..ways)
    }
}

/// Blocks that a walk visits at most.
const MOST_BLOCKS: usize = 300;
/// Items that a walk passes at most: more is a cycle without a block.
const MOST_ITEMS: usize = 400 * MOST_BLOCKS;

/// The blocks that a thread visits that decides so, by the blocks themselves.
pub(super) fn visited(body: &Body, threads: Threads, seed: u64) -> Vec<BlockId> {
    let mut decisions = Decisions(fastrand::Rng::with_seed(seed));
    let mut visited = Vec::new();
    let mut at = BlockId(0);
    while visited.len() < MOST_BLOCKS {
        visited.push(at);
        at = match &body.block(at).unwrap().end {
            End::Jump(next) | End::Suspend(_, next) => *next,
            End::Branch(_, yes, no) => [*no, *yes][decisions.one_of(2)],
            End::Reconverge(next) => [*next, *next][decisions.one_of(2)],
            End::WholeWarp(group, single) => match threads {
                Threads::LaneGroups => *group,
                Threads::Single => *single,
            },
            End::Table(_, targets, _) if !targets.is_empty() => {
                targets[decisions.one_of(targets.len())]
            }
            End::Table(..) | End::Exit | End::Fault(..) | End::Nowhere => break,
        };
    }
    visited
}

#[derive(Clone, Copy, PartialEq)]
enum Label {
    Loop(usize),
    Forward(usize),
}

/// The place behind the end of the label that begins at this one, and that of its `else`.
fn end_of(items: &[Item], begin: usize) -> Result<(usize, Option<usize>), String> {
    let (mut depth, mut otherwise) = (0, None);
    for (place, item) in items.iter().enumerate().skip(begin) {
        match item {
            Item::Block | Item::Loop | Item::If => depth += 1,
            Item::Else if depth == 1 => otherwise = Some(place),
            Item::End => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok((place + 1, otherwise));
        }
    }
    Err(format!("no end of {begin}"))
}

struct Simulation<'s> {
    body: &'s Body,
    graph: &'s Graph,
    items: &'s [Item],
    decisions: Decisions,
    /// When the thread is preempted: decisions of their own, so that all others are as in the blocks.
    preempted: Option<fastrand::Rng>,
    visited: Vec<BlockId>,
    at: usize,
    labels: Vec<Label>,
    stack: Vec<usize>,
    selector: u32,
    /// Where the thread comes back, and whether it takes registers from others there.
    resume: (u32, bool),
    has_ended: bool,
    /// Whether it is a lane group whose threads go on one by one.
    falls_back: bool,
}

/// The blocks that a thread visits that decides so, by what the blocks were structured to; and whether
/// it is a lane group whose threads go on one by one behind them.
///
/// # Errors
/// Where that is not well-formed, or leads where no thread may come.
pub(super) fn visited_structured(
    body: &Body,
    graph: &Graph,
    items: &[Item],
    seed: u64,
    preempted: Option<u64>,
) -> Result<(Vec<BlockId>, bool), String> {
    let mut simulation = Simulation {
        body,
        graph,
        items,
        decisions: Decisions(fastrand::Rng::with_seed(seed)),
        preempted: preempted.map(fastrand::Rng::with_seed),
        visited: Vec::new(),
        at: 0,
        labels: Vec::new(),
        stack: Vec::new(),
        selector: 77,
        resume: (0, false),
        has_ended: false,
        falls_back: false,
    };
    for _ in 0..MOST_ITEMS {
        if simulation.has_ended || simulation.visited.len() >= MOST_BLOCKS {
            return Ok((simulation.visited, simulation.falls_back));
        }
        simulation.step()?;
    }
    Err("it goes round without a block".to_owned())
}

impl Simulation<'_> {
    fn begin_again(&mut self) {
        self.at = 0;
        self.labels.clear();
        self.stack.clear();
    }

    fn branch(&mut self, level: u32) -> Result<(), String> {
        for _ in 0..level {
            self.labels.pop();
        }
        match self.labels.last().copied() {
            Some(Label::Loop(begin)) => self.at = begin + 1,
            Some(Label::Forward(begin)) => {
                self.at = end_of(self.items, begin)?.0;
                self.labels.pop();
            }
            None => return Err("a branch out of everything".to_owned()),
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), String> {
        let at = self.at;
        self.at += 1;
        match self.items.get(at).ok_or("the end is reached")? {
            Item::Loop => self.labels.push(Label::Loop(at)),
            Item::Block => self.labels.push(Label::Forward(at)),
            Item::End => {
                self.labels.pop().ok_or("an end of nothing")?;
            }
            Item::If => {
                let condition = self.stack.pop().ok_or("no condition")?;
                let (end, otherwise) = end_of(self.items, at)?;
                self.labels.push(Label::Forward(at));
                if condition == 0 {
                    match otherwise {
                        Some(otherwise) => self.at = otherwise + 1,
                        None => self.at = end - 1,
                    }
                }
            }
            Item::Else => match self.labels.pop() {
                Some(Label::Forward(begin)) => self.at = end_of(self.items, begin)?.0,
                _ => return Err("an else of nothing".to_owned()),
            },
            Item::Branch(level) => self.branch(*level)?,
            Item::Table(node, levels) => {
                let number = match self.graph.nodes[*node].kind {
                    NodeKind::Dispatch(_) => self.selector as usize,
                    _ => self.stack.pop().ok_or("no number")?,
                };
                let last = levels.len().checked_sub(1).ok_or("an empty table")?;
                self.branch(levels[number.min(last)])?;
            }
            Item::Node(node) => {
                // Nothing is left behind for anybody else.
                if !self.stack.is_empty() {
                    return Err("something is left on the stack".to_owned());
                }
                let kind = &self.graph.nodes.get(*node).ok_or("no such node")?.kind;
                self.node(kind)?;
            }
        }
        Ok(())
    }

    fn node(&mut self, kind: &NodeKind) -> Result<(), String> {
        match kind {
            NodeKind::Root => {
                self.selector = self.resume.0;
                self.stack.push(self.resume.0 as usize);
            }
            NodeKind::Resume(number) => {
                let takes = self
                    .graph
                    .results(self.body, *number)
                    .iter()
                    .any(Option::is_some);
                if (*number, takes) != self.resume {
                    return Err(format!("resumed at {number}, not {:?}", self.resume));
                }
                self.selector = 0;
            }
            NodeKind::Dispatch(_) => self.stack.push(usize::from(self.selector == 0)),
            NodeKind::Select(selector) => self.selector = *selector,
            NodeKind::InterruptCheck(resume) => {
                if self
                    .preempted
                    .as_mut()
                    .is_some_and(|random| random.u8(..) < 64)
                {
                    self.resume = (*resume, false);
                    self.begin_again();
                }
            }
            NodeKind::Block(block) => self.block(*block)?,
            NodeKind::ScalarFallback => {
                self.has_ended = true;
                self.falls_back = true;
            }
        }
        Ok(())
    }

    fn block(&mut self, id: BlockId) -> Result<(), String> {
        if self.selector != 0 {
            return Err(format!("{id:?} is reached with selector {}", self.selector));
        }
        self.visited.push(id);
        let block = self.body.block(id).ok_or("no such block")?;
        match &block.end {
            End::Jump(_) | End::WholeWarp(..) => {}
            End::Branch(..) => {
                let decision = self.decisions.one_of(2);
                self.stack.push(decision);
            }
            End::Reconverge(next) => {
                let waits = self.decisions.one_of(2);
                if self.graph.threads == Threads::LaneGroups {
                    return Ok(());
                }
                self.stack.push(waits);
                if waits == 1 {
                    let resume = self.graph.resume_of(*next).ok_or("no resume point")?;
                    self.resume = (resume, false);
                }
            }
            End::Table(_, targets, _) if !targets.is_empty() => {
                let number = self.decisions.one_of(targets.len());
                self.stack.push(number);
            }
            End::Suspend(number, _) => {
                let resume = self.graph.resume_after.get(&number.0);
                let resume = *resume.ok_or("no resume point")?;
                let takes = &self.body.suspend_points.get(*number).unwrap().results;
                self.resume = (resume, takes.iter().any(Option::is_some));
            }
            End::Table(..) | End::Exit | End::Fault(..) | End::Nowhere => self.has_ended = true,
        }
        Ok(())
    }
}
