//! The structural verifier: proves that structured control flow does what the kernel's blocks say,
//! whatever made it.
//!
//! It follows each edge of each node through the structured items, as WebAssembly would execute them,
//! with the value that the selector has, up to the next block; and compares that block with the one
//! that the IR names. It knows the rules of `block`, `loop`, `if`, `br` and `br_table`, what nodes do to
//! the selector, and which block each resume point belongs to. It does not use the edges of the
//! suspension graph. What holds for each edge holds for each path, because the selector is zero
//! whenever a block begins, and the root sets it anew:
//!
//! - The root is executed first, and a thread begins at resume point 0, which belongs to the kernel's
//!   first block. From the root, the number of a resume point leads to that resume point,
//!   and from there to its block. In the code of lane groups it leads to scalar fallback instead where
//!   the graph is not entered.
//! - From a block, each edge leads to the block that its end names, or to the root where the thread
//!   leaves its code. From one that has no vector code, no edge leads on in the code of lane groups.
//! - A thread that is preempted between two blocks resumes at the second one. An edge that continues a
//!   loop of WebAssembly passes an interrupt check, so that no loop keeps a thread for ever.
//! - Where a thread suspends, or waits for others of its lane group, there is a resume point, and it
//!   belongs to the next block.
//!
//! An edge passes a bounded number of nodes, so the time is linear in edges and resume points.

use crate::compile::Unsupported;
use crate::compile::cfg::flow::Threads;
use crate::compile::cfg::graph::{Graph, NodeId, NodeKind, ROOT};
use crate::compile::cfg::inconsistent;
use crate::compile::cfg::structured::{Exit, Item};
use crate::compile::ir::{BlockId, Body, End, Reg};

/// Verifies what is structured.
///
/// # Errors
/// Where it is not what the kernel's blocks and the graph's resume points say. The kernel must not
/// run then.
pub(crate) fn verify(body: &Body, graph: &Graph, items: &[Item]) -> Result<(), Unsupported> {
    let verifier = Verifier {
        body,
        graph,
        items,
        targets: Targets::resolve(items)?,
    };
    let first = graph.resumes.first();
    expect(
        first == Some(&BlockId::ENTRY),
        "does not begin at the kernel's first block",
    )?;
    let begin = verifier.walk(0, 0)?;
    expect(begin == Arrived::Root, "does not begin at its root")?;
    for (position, item) in items.iter().enumerate() {
        if let Item::Node(node) = item {
            verifier.node(position, *node)?;
        }
    }
    Ok(())
}

fn refused(what: &str) -> Unsupported {
    inconsistent(format!("structured control flow {what}"))
}

fn expect(holds: bool, what: &str) -> Result<(), Unsupported> {
    if holds { Ok(()) } else { Err(refused(what)) }
}

/// The most nodes and tables on one edge: two for each loop around a resume point, and a few more.
const MAX_STEPS: usize = 256;

/// Where an edge ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrived {
    Root,
    Resume(u32),
    Block(BlockId),
    ScalarFallback,
}

struct Verifier<'v> {
    body: &'v Body,
    graph: &'v Graph,
    items: &'v [Item],
    targets: Targets,
}

impl Verifier<'_> {
    /// Follows an edge from a position on, forward, to the next block, resume point or root.
    fn walk(&self, at: usize, selector: u32) -> Result<Arrived, Unsupported> {
        self.walk_from(at, selector, false)
    }

    fn walk_from(
        &self,
        at: usize,
        mut selector: u32,
        mut goes_back: bool,
    ) -> Result<Arrived, Unsupported> {
        let mut at = self.targets.next(at);
        // Where a thread comes back that is preempted on this edge: usually at one point, if at all.
        let mut resumes: Vec<u32> = Vec::new();
        for _ in 0..MAX_STEPS {
            let node = match self.items.get(at) {
                Some(Item::Node(node)) => *node,
                Some(Item::Branch(_)) => {
                    goes_back = true;
                    at = self.targets.next(self.targets.jump(at));
                    continue;
                }
                Some(Item::Table(node, levels)) => {
                    let is_dispatch = matches!(self.kind(*node)?, NodeKind::Dispatch(_));
                    expect(is_dispatch, "has a table without its number")?;
                    let target = self.targets.of_table(at, levels.len(), selector as usize)?;
                    goes_back |= target <= at;
                    at = self.targets.next(target);
                    continue;
                }
                Some(_) => return Err(refused("has an `if` without its condition")),
                None => return Err(refused("comes to an end")),
            };
            match self.kind(node)? {
                NodeKind::Select(value) => selector = *value,
                NodeKind::InterruptCheck(point) => {
                    resumes.push(*point);
                    goes_back = false;
                }
                NodeKind::Dispatch(_) => {
                    let [first, second] = self.sides(at)?;
                    at = self
                        .targets
                        .next(if selector == 0 { first } else { second });
                    continue;
                }
                NodeKind::Block(block) => {
                    expect(selector == 0, "comes to a block with a selector")?;
                    expect(!goes_back, "has a loop that is not preempted")?;
                    for resume in resumes {
                        self.resumes_at(resume, *block, &[])?;
                    }
                    return Ok(Arrived::Block(*block));
                }
                NodeKind::Root | NodeKind::Resume(_) | NodeKind::ScalarFallback
                    if !resumes.is_empty() =>
                {
                    return Err(refused("can be left where no block follows"));
                }
                NodeKind::ScalarFallback => {
                    let is_vector_code = self.graph.threads == Threads::LaneGroups;
                    expect(is_vector_code, "falls back from single threads")?;
                    return Ok(Arrived::ScalarFallback);
                }
                NodeKind::Root => return Ok(Arrived::Root),
                NodeKind::Resume(number) => return Ok(Arrived::Resume(*number)),
            }
            at = self.targets.next(at + 1);
        }
        Err(refused("dispatches without an end"))
    }

    fn kind(&self, node: NodeId) -> Result<&NodeKind, Unsupported> {
        let node = self.graph.nodes.get(node);
        node.map(|node| &node.kind)
            .ok_or_else(|| refused("has a node that does not exist"))
    }

    /// The sides of the `if` behind a node that leaves a condition.
    fn sides(&self, node: usize) -> Result<[usize; 2], Unsupported> {
        let is_if = self.items.get(node + 1) == Some(&Item::If);
        expect(is_if, "does not use a condition")?;
        Ok([node + 2, self.targets.jump(node + 1)])
    }

    /// Proves that a thread that comes back at a resume point goes on at this block, and takes these
    /// registers from others.
    fn resumes_at(
        &self,
        resume: u32,
        block: BlockId,
        results: &[Option<Reg>],
    ) -> Result<(), Unsupported> {
        let is_there = self.graph.resumes.get(resume as usize) == Some(&block);
        expect(is_there, "resumes at another block")?;
        let takes = self.graph.results(self.body, resume);
        // In the same order, which says where in the exchange each is.
        let nothing = |registers: &[Option<Reg>]| registers.iter().all(Option::is_none);
        let same = takes == results || nothing(takes) && nothing(results);
        expect(same, "takes other registers where it resumes")
    }

    /// Proves the edges of a node that stands at a position.
    fn node(&self, position: usize, number: NodeId) -> Result<(), Unsupported> {
        let node = self.graph.nodes.get(number);
        let node = node.ok_or_else(|| refused("has a node that does not exist"))?;
        let expected: Vec<Arrived> = match &node.kind {
            NodeKind::Root => (0..)
                .zip(&self.graph.resumes)
                .map(|(number, _)| match self.graph.is_entered(number) {
                    true => Arrived::Resume(number),
                    false => Arrived::ScalarFallback,
                })
                .collect(),
            NodeKind::Resume(resume) => {
                let block = self.graph.resumes.get(*resume as usize);
                let block = block.ok_or_else(|| refused("resumes nowhere"))?;
                vec![Arrived::Block(*block)]
            }
            NodeKind::Block(block) => self.after_block(*block)?,
            // These lie on the edges of others.
            NodeKind::Dispatch(_) | NodeKind::Select(_) | NodeKind::InterruptCheck(_) => {
                return Ok(());
            }
            NodeKind::ScalarFallback => Vec::new(),
        };
        let found = match Exit::of(self.body, self.graph.threads, node) {
            Exit::None => Vec::new(),
            Exit::One => vec![self.walk(position + 1, 0)?],
            Exit::Two | Exit::Dispatch => {
                let [first, second] = self.sides(position)?;
                vec![self.walk(first, 0)?, self.walk(second, 0)?]
            }
            Exit::Table => {
                let levels = match self.items.get(position + 1) {
                    Some(Item::Table(of, levels)) if *of == number => levels.len(),
                    _ => return Err(refused("does not use a number")),
                };
                let mut found = Vec::with_capacity(expected.len());
                for index in 0..expected.len() {
                    let target = self.targets.of_table(position + 1, levels, index)?;
                    // The root sets the selector to the same number.
                    let selector = if number == ROOT { index } else { 0 };
                    let selector = u32::try_from(selector).unwrap_or(u32::MAX);
                    found.push(self.walk_from(target, selector, target <= position)?);
                }
                found
            }
        };
        expect(found == expected, "leads to another block")
    }

    /// Where a block's edges lead.
    fn after_block(&self, id: BlockId) -> Result<Vec<Arrived>, Unsupported> {
        let block = self.body.block(id);
        let block = block.ok_or_else(|| refused("has a block that does not exist"))?;
        let is_vector_code = self.graph.threads == Threads::LaneGroups;
        if is_vector_code && self.body.is_cold(id) {
            return Ok(Vec::new());
        }
        Ok(match &block.end {
            End::Exit => vec![Arrived::Root],
            End::Suspend(number, next) => {
                let resume = self.graph.resume_after.get(&number.0);
                let suspend_point = self.body.suspend_points.get(*number);
                let (resume, suspend_point) = resume
                    .zip(suspend_point)
                    .ok_or_else(|| refused("has no resume point behind a suspend point"))?;
                self.resumes_at(*resume, *next, &suspend_point.results)?;
                vec![Arrived::Root]
            }
            End::Reconverge(next) => {
                let resume = self.graph.resume_of(*next);
                let resume = resume.ok_or_else(|| refused("has no resume point to wait at"))?;
                self.resumes_at(resume, *next, &[])?;
                if is_vector_code {
                    vec![Arrived::Block(*next)]
                } else {
                    vec![Arrived::Root, Arrived::Block(*next)]
                }
            }
            End::WholeWarp(group, single) => {
                let next = if is_vector_code { group } else { single };
                vec![Arrived::Block(*next)]
            }
            end => end.successors().into_iter().map(Arrived::Block).collect(),
        })
    }
}

/// Where labels are, and what comes next at each position.
struct Targets {
    /// For a branch, the position of its target; for `if`, where its other side begins; for `else`,
    /// what comes behind its end.
    jumps: Vec<usize>,
    /// The targets of tables, one table after another, and where those of each table begin.
    table_targets: Vec<usize>,
    tables: Vec<usize>,
    /// From each position, the next one at which something is done.
    next: Vec<usize>,
}

/// A label that is open.
struct Open {
    position: usize,
    is_loop: bool,
    otherwise: Option<usize>,
}

impl Targets {
    /// Resolves all labels, in one pass over what is nested: a label's own end is not known before
    /// it is reached, so branches wait for it in a list.
    fn resolve(items: &[Item]) -> Result<Targets, Unsupported> {
        /// Where the position behind a label's end belongs.
        enum Waiting {
            Jump(usize),
            Table(usize),
        }
        let mut targets = Targets {
            jumps: vec![0; items.len()],
            table_targets: Vec::new(),
            tables: vec![0; items.len()],
            next: Vec::new(),
        };
        let mut open: Vec<(Open, Vec<Waiting>)> = Vec::new();
        for (position, item) in items.iter().enumerate() {
            match item {
                Item::Block | Item::Loop | Item::If => open.push((
                    Open {
                        position,
                        is_loop: *item == Item::Loop,
                        otherwise: None,
                    },
                    Vec::new(),
                )),
                Item::Else => {
                    let label = open.last_mut();
                    let is_first = |(label, _): &&mut (Open, Vec<Waiting>)| {
                        items.get(label.position) == Some(&Item::If) && label.otherwise.is_none()
                    };
                    let (label, waiting) = label
                        .filter(is_first)
                        .ok_or_else(|| refused("has an `else` without an `if`"))?;
                    label.otherwise = Some(position + 1);
                    waiting.push(Waiting::Jump(position));
                }
                Item::End => {
                    let (label, waiting) =
                        open.pop().ok_or_else(|| refused("has an `end` too many"))?;
                    targets.jumps[label.position] = label.otherwise.unwrap_or(position + 1);
                    for waiting in waiting {
                        match waiting {
                            Waiting::Jump(from) => targets.jumps[from] = position + 1,
                            Waiting::Table(entry) => targets.table_targets[entry] = position + 1,
                        }
                    }
                }
                Item::Branch(level) => {
                    let (label, waiting) = outwards(&mut open, *level)?;
                    if label.is_loop {
                        targets.jumps[position] = label.position;
                    } else {
                        waiting.push(Waiting::Jump(position));
                    }
                }
                Item::Table(_, levels) => {
                    targets.tables[position] = targets.table_targets.len();
                    for level in levels {
                        let (label, waiting) = outwards(&mut open, *level)?;
                        let entry = targets.table_targets.len();
                        targets.table_targets.push(label.position);
                        if !label.is_loop {
                            waiting.push(Waiting::Table(entry));
                        }
                    }
                }
                Item::Node(_) => {}
            }
        }
        expect(open.is_empty(), "has an `end` too few")?;
        targets.skip_what_does_nothing(items);
        Ok(targets)
    }

    /// Finds the next position that does something, so that no edge passes a long row of ends.
    fn skip_what_does_nothing(&mut self, items: &[Item]) {
        let mut next = vec![items.len(); items.len() + 1];
        for (position, item) in items.iter().enumerate().rev() {
            next[position] = match item {
                Item::Block | Item::Loop | Item::End => next[position + 1],
                // Forward, unless it goes to a loop.
                Item::Else | Item::Branch(_) if self.jumps[position] > position => {
                    next[self.jumps[position]]
                }
                _ => position,
            };
        }
        self.next = next;
    }

    /// The next position at which something is done; behind the last one, there is none.
    fn next(&self, position: usize) -> usize {
        self.next.get(position).copied().unwrap_or(position)
    }

    fn jump(&self, position: usize) -> usize {
        self.jumps.get(position).copied().unwrap_or(usize::MAX)
    }

    /// Where a table of so many levels leads for a number.
    fn of_table(&self, table: usize, levels: usize, number: usize) -> Result<usize, Unsupported> {
        let last = levels.checked_sub(1);
        let entry = self.tables.get(table).zip(last);
        entry
            .and_then(|(first, last)| self.table_targets.get(first + number.min(last)).copied())
            .ok_or_else(|| refused("has a table without targets"))
    }
}

/// The label so many levels out.
fn outwards<W>(open: &mut [(Open, W)], level: u32) -> Result<(&Open, &mut W), Unsupported> {
    let position = open.len().checked_sub(level as usize + 1);
    let label = position.and_then(|position| open.get_mut(position));
    label
        .map(|(label, waiting)| (&*label, waiting))
        .ok_or_else(|| refused("branches out of its function"))
}
