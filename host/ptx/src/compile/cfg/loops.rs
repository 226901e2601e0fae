//! The loop-nesting forest, as Steensgaard (1993) defines it for any graph; see Ramalingam, "On
//! Loops, Dominators, and Dominance Frontiers" (2002).
//!
//! A loop is a strongly connected component with a cycle. Its heads are the nodes that are entered
//! from outside it; an irreducible loop has several. The loops inside it are those among its nodes
//! without the heads. Components are found by Tarjan's algorithm (1972).

use crate::compile::Unsupported;
use crate::compile::cfg::flow::FlowGraph;

/// How deep loops may nest: finding them takes a time that grows with it.
const MAX_NESTING: usize = 48;

/// A loop.
#[derive(Debug)]
pub(crate) struct Loop {
    /// The nodes that are entered from outside, in order. One of the loop's nodes, where nothing
    /// enters it.
    pub heads: Vec<usize>,
    /// The loop around it, by its place in [`LoopForest::loops`].
    pub parent: Option<usize>,
}

/// All loops of a graph, each behind the one around it.
#[derive(Debug)]
pub(crate) struct LoopForest {
    pub loops: Vec<Loop>,
    /// The innermost loop of each node.
    innermost: Vec<Option<usize>>,
}

/// A set of nodes that is searched for loops: those whose mark is this one.
struct Region {
    members: Vec<usize>,
    mark: usize,
    parent: Option<usize>,
    depth: usize,
}

/// The mark of nodes that are searched no more.
const DONE: usize = 0;

impl LoopForest {
    /// Finds the loops among some nodes. `entered` are those that are entered from outside the
    /// graph; where nothing else enters a loop, the first of them in it is its head.
    ///
    /// # Errors
    /// Where loops nest too deep.
    pub(crate) fn new(
        graph: &FlowGraph,
        nodes: Vec<usize>,
        entered: &[usize],
    ) -> Result<LoopForest, Unsupported> {
        let count = graph.len();
        let mut forest = LoopForest {
            loops: Vec::new(),
            innermost: vec![None; count],
        };
        let mut is_entered = vec![false; count];
        for node in entered {
            if let Some(is_entered) = is_entered.get_mut(*node) {
                *is_entered = true;
            }
        }
        let mut marks = vec![DONE; count];
        let mut last_mark = DONE + 1;
        let nodes: Vec<usize> = nodes.into_iter().filter(|node| *node < count).collect();
        for node in &nodes {
            marks[*node] = last_mark;
        }
        // What is searched at all: no edge of another node counts.
        let is_node: Vec<bool> = marks.iter().map(|mark| *mark != DONE).collect();
        let mut search = Search::new(count);
        let mut regions = vec![Region {
            members: nodes,
            mark: last_mark,
            parent: None,
            depth: 0,
        }];
        while let Some(region) = regions.pop() {
            if region.depth > MAX_NESTING {
                return Err(Unsupported::limit("loops nested too deep"));
            }
            for component in search.cycles(graph, &region, &marks) {
                let number = forest.loops.len();
                last_mark += 1;
                for member in &component {
                    marks[*member] = last_mark;
                    forest.innermost[*member] = Some(number);
                }
                let enters = |from: &usize| is_node[*from] && marks[*from] != last_mark;
                let is_head = |node: &usize| graph.predecessors(*node).iter().any(enters);
                let mut heads: Vec<usize> = component.iter().copied().filter(is_head).collect();
                if heads.is_empty() {
                    let entry = component.iter().find(|node| is_entered[**node]);
                    heads.extend(entry.or(component.first()));
                }
                heads.sort_unstable();
                for head in &heads {
                    marks[*head] = DONE;
                }
                let members: Vec<usize> = component
                    .into_iter()
                    .filter(|node| marks[*node] != DONE)
                    .collect();
                if !members.is_empty() {
                    regions.push(Region {
                        members,
                        mark: last_mark,
                        parent: Some(number),
                        depth: region.depth + 1,
                    });
                }
                forest.loops.push(Loop {
                    heads,
                    parent: region.parent,
                });
            }
        }
        Ok(forest)
    }

    /// The innermost loop of a node.
    pub(crate) fn innermost(&self, node: usize) -> Option<usize> {
        self.innermost.get(node).copied().flatten()
    }

    /// A loop and those around it, innermost first.
    pub(crate) fn around(&self, innermost: Option<usize>) -> impl Iterator<Item = usize> {
        std::iter::successors(innermost, |inner| self.loops.get(*inner)?.parent)
    }

    /// Whether a node lies in a loop, or in one inside it.
    pub(crate) fn contains(&self, this: usize, node: usize) -> bool {
        self.around(self.innermost(node))
            .any(|around| around == this)
    }
}

/// Tarjan's algorithm, with tables that are used for one region after another.
struct Search {
    number: Vec<usize>,
    low: Vec<usize>,
    is_open: Vec<bool>,
}

const UNSEEN: usize = usize::MAX;

impl Search {
    fn new(count: usize) -> Search {
        Search {
            number: vec![UNSEEN; count],
            low: vec![0; count],
            is_open: vec![false; count],
        }
    }

    /// The strongly connected components of a region that have a cycle.
    fn cycles(&mut self, graph: &FlowGraph, region: &Region, marks: &[usize]) -> Vec<Vec<usize>> {
        for member in &region.members {
            self.number[*member] = UNSEEN;
        }
        let mut found = Vec::new();
        let mut open = Vec::new();
        let mut path = Vec::new();
        let mut seen = 0;
        for start in &region.members {
            if self.number[*start] != UNSEEN {
                continue;
            }
            self.begin(*start, &mut seen, &mut open);
            path.push((*start, 0));
            while let Some((node, edge)) = path.last_mut() {
                let node = *node;
                if let Some(next) = graph.successors(node).get(*edge).copied() {
                    *edge += 1;
                    if marks[next] != region.mark {
                        continue;
                    }
                    if self.number[next] == UNSEEN {
                        self.begin(next, &mut seen, &mut open);
                        path.push((next, 0));
                    } else if self.is_open[next] {
                        self.low[node] = self.low[node].min(self.number[next]);
                    }
                    continue;
                }
                path.pop();
                if let Some((parent, _)) = path.last() {
                    self.low[*parent] = self.low[*parent].min(self.low[node]);
                }
                if self.low[node] != self.number[node] {
                    continue;
                }
                let mut component = Vec::new();
                while let Some(member) = open.pop() {
                    self.is_open[member] = false;
                    component.push(member);
                    if member == node {
                        break;
                    }
                }
                if component.len() > 1 || graph.successors(node).contains(&node) {
                    found.push(component);
                }
            }
        }
        found
    }

    fn begin(&mut self, node: usize, seen: &mut usize, open: &mut Vec<usize>) {
        self.number[node] = *seen;
        self.low[node] = *seen;
        self.is_open[node] = true;
        *seen += 1;
        open.push(node);
    }
}
