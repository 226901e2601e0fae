//! Structuring: a reducible graph as nested loops and blocks, by Ramsey, "Beyond Relooper" (2022).
//!
//! Each node's code is written inside that of its immediate dominator. Code that is reached by more
//! than one forward edge stands behind a block that these edges leave; a node that an edge leads back
//! to is the head of a loop that it continues. The [suspension graph](crate::compile::cfg::graph) is
//! reducible. What is written is [verified](verify) before it is used.

use crate::compile::Unsupported;
use crate::compile::cfg::dominators::DominatorTree;
use crate::compile::cfg::flow::FlowGraph;
use crate::compile::cfg::graph::{Graph, Node, NodeId, NodeKind, ROOT};
use crate::compile::cfg::inconsistent;
use crate::compile::cfg::structured::{Exit, Item};
use crate::compile::cfg::verify::verify;
use crate::compile::ir::Body;

/// Writes the graph down.
///
/// # Errors
/// Where what is written does not do what the graph says. That would be a fault of this compiler.
pub(crate) fn structure(body: &Body, graph: &Graph) -> Result<Vec<Item>, Unsupported> {
    let items = write(body, graph)?;
    let verdict = verify(body, graph, &items);
    debug_assert!(verdict.is_ok(), "{verdict:?}");
    verdict.map(|()| items)
}

/// Writes the graph down, unverified.
pub(super) fn write(body: &Body, graph: &Graph) -> Result<Vec<Item>, Unsupported> {
    Writer::new(body, graph)?.write()
}

fn irreducible() -> Unsupported {
    inconsistent("control flow that was not made reducible")
}

/// A label around what is written.
#[derive(Clone, Copy, PartialEq)]
enum Label {
    /// A loop that begins with a node.
    Loop(NodeId),
    /// A block in front of a node.
    Before(NodeId),
    If,
}

/// What is still to be written.
enum Task {
    /// A node, and all that it dominates.
    Subtree(NodeId),
    /// A node and its exit.
    Node(NodeId),
    /// An edge.
    Edge(NodeId, NodeId),
    Put(Item),
    Close,
}

struct Writer<'g> {
    body: &'g Body,
    graph: &'g Graph,
    /// Each node's place in reverse postorder; that of a node that is not reached is the last.
    number: Vec<usize>,
    is_loop: Vec<bool>,
    /// Whether a node's code stands behind a block.
    is_merge: Vec<bool>,
    /// Of the nodes that a node immediately dominates, those that stand behind a block, in reverse
    /// postorder.
    merges: Vec<Vec<NodeId>>,
    items: Vec<Item>,
    labels: Vec<Label>,
}

impl<'g> Writer<'g> {
    fn new(body: &'g Body, graph: &'g Graph) -> Result<Writer<'g>, Unsupported> {
        let count = graph.nodes.len();
        let mut edges = Vec::with_capacity(2 * count);
        for (node, from) in graph.nodes.iter().zip(0..) {
            edges.extend(node.next.iter().map(|next| (from, *next)));
        }
        let flow = FlowGraph::new(count, &edges)?;
        let order = flow.reverse_postorder(&[ROOT]);
        let dominators = DominatorTree::new(&flow, ROOT);
        let mut writer = Writer {
            body,
            graph,
            number: vec![usize::MAX; count],
            is_loop: vec![false; count],
            is_merge: vec![false; count],
            merges: vec![Vec::new(); count],
            items: Vec::new(),
            labels: Vec::new(),
        };
        for (number, node) in order.iter().enumerate() {
            writer.number[*node] = number;
        }
        // Where threads diverge, the next lane group begins at the root's label.
        if let Some(root) = writer.is_loop.get_mut(ROOT) {
            *root = true;
        }
        let mut forward = vec![0; count];
        for from in &order {
            let exit = graph.nodes.get(*from);
            let exit = exit.map(|node| Exit::of(body, graph.threads, node));
            for (place, to) in flow.successors(*from).iter().enumerate() {
                if writer.is_back(*from, *to) {
                    writer.is_loop[*to] = true;
                    continue;
                }
                // What a table leads to must have a label.
                let is_by_table = match exit {
                    Some(Exit::Table) => true,
                    Some(Exit::Dispatch) => place > 0,
                    _ => false,
                };
                forward[*to] += 1;
                writer.is_merge[*to] |= is_by_table || forward[*to] > 1;
            }
        }
        for node in &order {
            if let Some(parent) = dominators
                .immediate(*node)
                .filter(|_| writer.is_merge[*node])
            {
                writer.merges[parent].push(*node);
            }
        }
        Ok(writer)
    }

    fn number_of(&self, node: NodeId) -> usize {
        self.number.get(node).copied().unwrap_or(usize::MAX)
    }

    fn is_back(&self, from: NodeId, to: NodeId) -> bool {
        self.number_of(to) <= self.number_of(from)
    }

    /// How many levels out the label is that an edge goes to.
    fn level(&self, from: NodeId, to: NodeId) -> Result<u32, Unsupported> {
        let label = if self.is_back(from, to) {
            Label::Loop(to)
        } else {
            Label::Before(to)
        };
        let place = self.labels.iter().rev().position(|other| *other == label);
        place
            .and_then(|place| u32::try_from(place).ok())
            .ok_or_else(irreducible)
    }

    fn open(&mut self, item: Item, label: Label) {
        self.items.push(item);
        self.labels.push(label);
    }

    fn write(mut self) -> Result<Vec<Item>, Unsupported> {
        let mut tasks = vec![Task::Subtree(ROOT)];
        while let Some(task) = tasks.pop() {
            match task {
                Task::Subtree(node) => self.subtree(node, &mut tasks),
                Task::Node(node) => self.node(node, &mut tasks)?,
                Task::Edge(from, to) => {
                    let is_merge = self.is_merge.get(to).copied().unwrap_or(true);
                    if is_merge || self.is_back(from, to) {
                        self.items.push(Item::Branch(self.level(from, to)?));
                    } else {
                        tasks.push(Task::Subtree(to));
                    }
                }
                Task::Put(item) => self.items.push(item),
                Task::Close => {
                    self.labels.pop();
                    self.items.push(Item::End);
                }
            }
        }
        Ok(self.items)
    }

    fn subtree(&mut self, node: NodeId, tasks: &mut Vec<Task>) {
        if self.is_loop.get(node) == Some(&true) {
            self.open(Item::Loop, Label::Loop(node));
            tasks.push(Task::Close);
        }
        // What comes last in reverse postorder stands behind the outermost block.
        let merges = self.merges.get_mut(node).map(std::mem::take);
        for merge in merges.unwrap_or_default().into_iter().rev() {
            tasks.push(Task::Subtree(merge));
            tasks.push(Task::Close);
            self.open(Item::Block, Label::Before(merge));
        }
        tasks.push(Task::Node(node));
    }

    fn node(&mut self, number: NodeId, tasks: &mut Vec<Task>) -> Result<(), Unsupported> {
        let node = self.graph.nodes.get(number).ok_or_else(irreducible)?;
        self.items.push(Item::Node(number));
        let first = node.next.first().copied().ok_or_else(irreducible);
        match Exit::of(self.body, self.graph.threads, node) {
            Exit::None => {}
            Exit::One => tasks.push(Task::Edge(number, first?)),
            Exit::Two => {
                let second = node.next.get(1).copied().ok_or_else(irreducible)?;
                self.open(Item::If, Label::If);
                tasks.push(Task::Close);
                tasks.push(Task::Edge(number, second));
                tasks.push(Task::Put(Item::Else));
                tasks.push(Task::Edge(number, first?));
            }
            Exit::Dispatch => {
                self.open(Item::If, Label::If);
                let levels = self.levels(number, node)?;
                tasks.push(Task::Close);
                tasks.push(Task::Put(Item::Table(number, levels)));
                tasks.push(Task::Put(Item::Else));
                tasks.push(Task::Edge(number, first?));
            }
            Exit::Table => {
                let levels = self.levels(number, node)?;
                self.items.push(Item::Table(number, levels));
            }
        }
        Ok(())
    }

    /// The levels of a node's table.
    fn levels(&self, number: NodeId, node: &Node) -> Result<Vec<u32>, Unsupported> {
        let NodeKind::Dispatch(selectors) = &node.kind else {
            return node
                .next
                .iter()
                .map(|next| self.level(number, *next))
                .collect();
        };
        // A selector that is not in the list does not come here: where it led does not matter.
        let last = node.next.last().ok_or_else(irreducible)?;
        let last = self.level(number, *last)?;
        let most = selectors.iter().max().copied().unwrap_or(0);
        let mut levels = vec![last; most as usize + 1];
        for (selector, next) in selectors.iter().zip(&node.next).skip(1) {
            let place = levels.get_mut(*selector as usize).ok_or_else(irreducible)?;
            *place = self.level(number, *next)?;
        }
        Ok(levels)
    }
}
