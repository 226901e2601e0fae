//! Nested loops and blocks in place of a graph's edges: Ramsey, "Beyond Relooper" (2022). Each node
//! is written inside the one that dominates it; one with several ways in is written behind a block
//! that these ways leave. The graph is reducible: see [`graph`](crate::compile::cfg::graph).

use crate::compile::cfg::graph::{Graph, Kind, NodeId};
use crate::compile::ir::{Body, End};

/// What is written, in this order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Loop,
    Block,
    End,
    /// What a node does. Where it has two ways to go on, it leaves a condition on the stack.
    Node(NodeId),
    If,
    Else,
    /// Goes to the label so many levels further out.
    Branch(u32),
    /// By the number that [`Item::Node`] left, or the selector: the levels for 0, 1, ...; the last
    /// is for all others.
    Table(NodeId, Vec<u32>),
}

#[derive(Clone, Copy, PartialEq)]
enum Label {
    Loop(NodeId),
    Behind(NodeId),
    If,
}

enum Task {
    Tree(NodeId),
    Opcode(NodeId),
    Way(NodeId, NodeId),
    Put(Item),
    Close,
}

/// Numbers in reverse postorder, and immediate dominators.
struct Order {
    number: Vec<usize>,
    dominator: Vec<NodeId>,
}

const UNSEEN: usize = usize::MAX;

fn order(graph: &Graph) -> (Vec<NodeId>, Order) {
    let count = graph.nodes.len();
    let mut seen = vec![false; count];
    let mut postorder = Vec::with_capacity(count);
    let mut work = vec![(0, 0)];
    if let Some(seen) = seen.first_mut() {
        *seen = true;
    }
    while let Some((node, place)) = work.last_mut() {
        let next = graph
            .nodes
            .get(*node)
            .and_then(|node| node.next.get(*place));
        match next.copied() {
            Some(next) => {
                *place += 1;
                if let Some(seen) = seen.get_mut(next).filter(|seen| !**seen) {
                    *seen = true;
                    work.push((next, 0));
                }
            }
            None => {
                postorder.push(*node);
                work.pop();
            }
        }
    }
    postorder.reverse();
    let mut number = vec![UNSEEN; count];
    for (place, node) in postorder.iter().enumerate() {
        number[*node] = place;
    }
    let mut before = vec![Vec::new(); count];
    for node in &postorder {
        for next in &graph.nodes[*node].next {
            before[*next].push(*node);
        }
    }
    let mut dominator = vec![UNSEEN; count];
    dominator[0] = 0;
    let mut changed = true;
    while changed {
        changed = false;
        for node in postorder.iter().skip(1) {
            let mut found = UNSEEN;
            for from in &before[*node] {
                if dominator[*from] == UNSEEN {
                    continue;
                }
                found = if found == UNSEEN {
                    *from
                } else {
                    common(&number, &dominator, found, *from)
                };
            }
            if dominator[*node] != found {
                dominator[*node] = found;
                changed = true;
            }
        }
    }
    (postorder, Order { number, dominator })
}

fn common(number: &[usize], dominator: &[NodeId], mut a: NodeId, mut b: NodeId) -> NodeId {
    while a != b {
        while number[a] > number[b] {
            a = dominator[a];
        }
        while number[b] > number[a] {
            b = dominator[b];
        }
    }
    a
}

/// How a node goes on.
enum Exit {
    None,
    One,
    Two,
    /// By a table alone, or where the selector is not zero.
    Table {
        selector: bool,
    },
}

fn exit(body: &Body, graph: &Graph, node: NodeId) -> Exit {
    let Some(node) = graph.nodes.get(node) else {
        return Exit::None;
    };
    match &node.kind {
        Kind::Root => Exit::Table { selector: false },
        Kind::Dispatch(_) => Exit::Table { selector: true },
        Kind::Resume(_) | Kind::Select(_) | Kind::Check(_) => Exit::One,
        Kind::Block(block) => match body.block(*block).map(|block| &block.end) {
            Some(End::Branch(..) | End::Reconverge(_)) => Exit::Two,
            Some(End::Table(..)) => Exit::Table { selector: false },
            Some(End::Jump(_) | End::Suspend(..) | End::Exit) => Exit::One,
            _ => Exit::None,
        },
    }
}

/// Writes the graph down.
pub(crate) fn structure(body: &Body, graph: &Graph) -> Vec<Item> {
    let (postorder, order) = order(graph);
    let count = graph.nodes.len();
    let number = |node: NodeId| order.number.get(node).copied().unwrap_or(UNSEEN);
    let is_back = |from: NodeId, to: NodeId| number(to) <= number(from);
    let mut ways_in = vec![0usize; count];
    let mut is_loop = vec![false; count];
    // Where threads part, the next group is reached by the root's label.
    is_loop[0] = true;
    for node in &postorder {
        let table = matches!(exit(body, graph, *node), Exit::Table { .. });
        let selector = matches!(exit(body, graph, *node), Exit::Table { selector: true });
        for (place, next) in graph.nodes[*node].next.iter().enumerate() {
            if is_back(*node, *next) {
                is_loop[*next] = true;
            } else {
                // What a table leads to must have a label.
                ways_in[*next] += if table && !(selector && place == 0) {
                    2
                } else {
                    1
                };
            }
        }
    }
    let is_merge = |node: NodeId| ways_in[node] > 1;
    let mut children = vec![Vec::new(); count];
    for node in postorder.iter().skip(1) {
        if is_merge(*node) {
            let parent = order.dominator[*node];
            children[parent].push(*node);
        }
    }
    let mut items = Vec::new();
    let mut labels: Vec<Label> = Vec::new();
    let level = |labels: &[Label], label: Label| {
        let place = labels.iter().rev().position(|other| *other == label);
        u32::try_from(place.unwrap_or(0)).unwrap_or(0)
    };
    let label_of = |from: NodeId, to: NodeId| {
        if is_back(from, to) {
            Label::Loop(to)
        } else {
            Label::Behind(to)
        }
    };
    let mut tasks = vec![Task::Tree(0)];
    while let Some(task) = tasks.pop() {
        match task {
            Task::Tree(node) => {
                if is_loop[node] {
                    items.push(Item::Loop);
                    labels.push(Label::Loop(node));
                    tasks.push(Task::Close);
                }
                // In reverse postorder: what comes last is furthest out.
                let merges = &children[node];
                for merge in merges.iter().rev() {
                    tasks.push(Task::Tree(*merge));
                    tasks.push(Task::Close);
                }
                tasks.push(Task::Opcode(node));
                for merge in merges.iter().rev() {
                    items.push(Item::Block);
                    labels.push(Label::Behind(*merge));
                }
            }
            Task::Opcode(node) => {
                items.push(Item::Node(node));
                let next = &graph.nodes[node].next;
                match exit(body, graph, node) {
                    Exit::None => {}
                    Exit::One => {
                        if let Some(next) = next.first() {
                            tasks.push(Task::Way(node, *next));
                        }
                    }
                    Exit::Two => {
                        let (Some(yes), Some(no)) = (next.first(), next.get(1)) else {
                            continue;
                        };
                        items.push(Item::If);
                        labels.push(Label::If);
                        tasks.push(Task::Close);
                        tasks.push(Task::Way(node, *no));
                        tasks.push(Task::Put(Item::Else));
                        tasks.push(Task::Way(node, *yes));
                    }
                    Exit::Table { selector: true } => {
                        items.push(Item::If);
                        labels.push(Label::If);
                        let levels = table(graph, node, |to| level(&labels, label_of(node, to)));
                        tasks.push(Task::Close);
                        tasks.push(Task::Put(Item::Table(node, levels)));
                        tasks.push(Task::Put(Item::Else));
                        if let Some(first) = next.first() {
                            tasks.push(Task::Way(node, *first));
                        }
                    }
                    Exit::Table { selector: false } => {
                        let levels = table(graph, node, |to| level(&labels, label_of(node, to)));
                        items.push(Item::Table(node, levels));
                    }
                }
            }
            Task::Way(from, to) => {
                if is_back(from, to) || is_merge(to) {
                    items.push(Item::Branch(level(&labels, label_of(from, to))));
                } else {
                    tasks.push(Task::Tree(to));
                }
            }
            Task::Put(item) => items.push(item),
            Task::Close => {
                labels.pop();
                items.push(Item::End);
            }
        }
    }
    items
}

/// The levels of a table.
fn table(graph: &Graph, node: NodeId, level: impl Fn(NodeId) -> u32) -> Vec<u32> {
    let Some(node) = graph.nodes.get(node) else {
        return Vec::new();
    };
    let Kind::Dispatch(selectors) = &node.kind else {
        return node.next.iter().map(|next| level(*next)).collect();
    };
    // What no selector asks for goes where the last one does: it is never asked for.
    let last = node.next.last().map_or(0, |last| level(*last));
    let most = selectors.iter().max().copied().unwrap_or(0);
    let mut levels = vec![last; most as usize + 1];
    for (selector, next) in selectors.iter().zip(&node.next).skip(1) {
        if let Some(place) = levels.get_mut(*selector as usize) {
            *place = level(*next);
        }
    }
    levels
}
