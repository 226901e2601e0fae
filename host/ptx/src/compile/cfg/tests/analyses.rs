//! Each analysis against its definition, taken literally.

use proptest::prelude::*;

use super::{Way, bodies, body, config};
use crate::compile::cfg::dataflow::{Direction, solve};
use crate::compile::cfg::dominators::{DominatorTree, postdominators};
use crate::compile::cfg::flow::FlowGraph;
use crate::compile::cfg::graph::Graph;
use crate::compile::cfg::loops::LoopForest;
use crate::compile::ir::{BlockId, Body, End};

/// Any graph of up to so many nodes: also with nodes that are not reached, and with none at all.
fn graphs(most: usize) -> impl Strategy<Value = FlowGraph> {
    (0..most).prop_flat_map(move |count| {
        let edges = prop::collection::vec((0..count.max(1), 0..count.max(1)), 0..3 * count + 1);
        edges.prop_map(move |edges| {
            let edges = if count == 0 { Vec::new() } else { edges };
            FlowGraph::new(count, &edges).unwrap()
        })
    })
}

/// What is reached from some nodes along edges, without ever coming to a node that is not allowed.
fn reached<'g>(
    count: usize,
    from: &[usize],
    next: impl Fn(usize) -> &'g [usize],
    allowed: impl Fn(usize) -> bool,
) -> Vec<bool> {
    let mut seen = vec![false; count];
    let mut waiting: Vec<usize> = from.to_vec();
    while let Some(node) = waiting.pop() {
        if node < count && allowed(node) && !seen[node] {
            seen[node] = true;
            waiting.extend(next(node));
        }
    }
    seen
}

/// The one of the nodes before which all others of them come on each path.
fn last_of(nodes: &[usize], dominates: impl Fn(usize, usize) -> bool) -> Option<usize> {
    let is_last = |node: &&usize| nodes.iter().all(|other| dominates(*other, **node));
    nodes.iter().find(is_last).copied()
}

fn check_dominators(graph: &FlowGraph) {
    let count = graph.len();
    let next = |node| graph.successors(node);
    let is_reached = reached(count, &[0], next, |_| true);
    let without: Vec<Vec<bool>> = (0..count)
        .map(|gone| reached(count, &[0], next, |node| node != gone))
        .collect();
    let dominates = |a: usize, b: usize| !without[a][b];
    let tree = DominatorTree::new(graph, 0);
    for node in 0..count {
        let strict: Vec<usize> = (0..count)
            .filter(|other| *other != node && is_reached[node] && dominates(*other, node))
            .filter(|other| is_reached[*other])
            .collect();
        assert_eq!(tree.immediate(node), last_of(&strict, dominates), "{node}");
    }
}

/// The members of each loop, by the forest.
fn members(forest: &LoopForest, count: usize, this: usize) -> Vec<usize> {
    (0..count)
        .filter(|node| forest.contains(this, *node))
        .collect()
}

/// Checks the loops among some nodes, which lie in `parent`, and counts them.
fn check_loops(
    graph: &FlowGraph,
    forest: &LoopForest,
    nodes: &[usize],
    parent: Option<usize>,
) -> usize {
    let count = graph.len();
    let is_within = |node: usize| nodes.contains(&node);
    let from: Vec<Vec<bool>> = (0..count)
        .map(|node| {
            let first: Vec<usize> = graph.successors(node).to_vec();
            reached(count, &first, |node| graph.successors(node), is_within)
        })
        .collect();
    let mut found = 0;
    let mut done: Vec<usize> = Vec::new();
    for node in nodes {
        if !from[*node][*node] || done.contains(node) {
            continue;
        }
        let component: Vec<usize> = (0..count)
            .filter(|other| is_within(*other) && from[*node][*other] && from[*other][*node])
            .collect();
        done.extend(&component);
        let matching: Vec<usize> = (0..forest.loops.len())
            .filter(|this| forest.loops[*this].parent == parent)
            .filter(|this| members(forest, count, *this) == component)
            .collect();
        assert_eq!(matching.len(), 1, "{component:?}");
        let heads = &forest.loops[matching[0]].heads;
        let is_entered = |head: &usize| {
            let before = graph.predecessors(*head);
            before.iter().any(|from| !component.contains(from))
        };
        let entered: Vec<usize> = component.iter().copied().filter(is_entered).collect();
        if entered.is_empty() {
            assert_eq!(heads.len(), 1);
            assert!(component.contains(&heads[0]));
        } else {
            assert_eq!(*heads, entered);
        }
        let rest: Vec<usize> = component
            .iter()
            .copied()
            .filter(|node| !heads.contains(node))
            .collect();
        found += 1 + check_loops(graph, forest, &rest, Some(matching[0]));
    }
    found
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn edges_are_those_that_were_given(
        (count, edges) in (1usize..20).prop_flat_map(|count| {
            (Just(count), prop::collection::vec((0..count, 0..count), 0..60))
        })
    ) {
        let graph = FlowGraph::new(count, &edges).unwrap();
        for node in 0..count {
            let next: Vec<usize> =
                edges.iter().filter(|edge| edge.0 == node).map(|edge| edge.1).collect();
            let before: Vec<usize> =
                edges.iter().filter(|edge| edge.1 == node).map(|edge| edge.0).collect();
            prop_assert_eq!(graph.successors(node), next);
            prop_assert_eq!(graph.predecessors(node), before);
        }
        prop_assert!(graph.successors(count).is_empty());
        let mut edges = edges;
        edges.push((0, count));
        prop_assert!(FlowGraph::new(count, &edges).is_err());
    }

    #[test]
    fn reverse_postorder_has_each_node_that_is_reached_once_behind_one_that_leads_to_it(
        graph in graphs(30),
        roots in prop::collection::vec(0usize..32, 0..3),
    ) {
        let order = graph.reverse_postorder(&roots);
        let is_reached = reached(graph.len(), &roots, |node| graph.successors(node), |_| true);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        let expected: Vec<usize> = (0..graph.len()).filter(|node| is_reached[*node]).collect();
        prop_assert_eq!(sorted, expected);
        let place = |node: &usize| order.iter().position(|other| other == node);
        for node in order.iter().filter(|node| !roots.contains(node)) {
            let before = graph.predecessors(*node);
            prop_assert!(before.iter().any(|from| is_reached[*from] && place(from) < place(node)));
        }
        // What an edge leads back to is reached again from there, by definition of the order.
        for node in &order {
            for next in graph.successors(*node) {
                if place(next) <= place(node) {
                    let again =
                        reached(graph.len(), &[*next], |node| graph.successors(node), |_| true);
                    prop_assert!(again[*node]);
                }
            }
        }
    }

    #[test]
    fn a_node_is_dominated_by_those_without_which_it_is_not_reached(graph in graphs(30)) {
        check_dominators(&graph);
    }

    #[test]
    fn a_block_is_postdominated_by_those_without_which_it_does_not_end(body in bodies(30)) {
        let count = body.blocks.len();
        let graph = FlowGraph::of(&body).unwrap();
        let ends: Vec<usize> =
            (0..count).filter(|block| ends(&body, *block)).collect();
        let back = |node| graph.predecessors(node);
        let reaches_end = reached(count, &ends, back, |_| true);
        let without: Vec<Vec<bool>> = (0..count)
            .map(|gone| reached(count, &ends, back, |node| node != gone))
            .collect();
        let dominates = |a: usize, b: usize| !without[a][b];
        let found = postdominators(&body).unwrap();
        for (id, found) in found.iter() {
            let block = id.0 as usize;
            let strict: Vec<usize> = (0..count)
                .filter(|other| *other != block && reaches_end[block] && reaches_end[*other])
                .filter(|other| dominates(*other, block))
                .collect();
            let found = found.map(|found| found.0 as usize);
            prop_assert_eq!(found, last_of(&strict, dominates), "{}", block);
        }
    }

    #[test]
    fn loops_are_the_strongly_connected_components_inside_each_other(
        graph in graphs(24),
        entered in prop::collection::vec(0usize..26, 0..3),
    ) {
        let nodes: Vec<usize> = (0..graph.len()).collect();
        let forest = LoopForest::new(&graph, nodes.clone(), &entered).unwrap();
        let found = check_loops(&graph, &forest, &nodes, None);
        prop_assert_eq!(found, forest.loops.len());
    }

    #[test]
    fn equations_are_solved_in_both_directions(graph in graphs(30)) {
        let count = graph.len();
        for direction in [Direction::Forward, Direction::Backward] {
            let from = |node| match direction {
                Direction::Forward => graph.predecessors(node),
                Direction::Backward => graph.successors(node),
            };
            let next = |node| match direction {
                Direction::Forward => graph.successors(node),
                Direction::Backward => graph.predecessors(node),
            };
            let mut found = vec![false; count];
            solve(&graph, direction, |node| {
                let value = node == 0 || from(node).iter().any(|from| found[*from]);
                std::mem::replace(&mut found[node], value) != value
            });
            prop_assert_eq!(found, reached(count, &[0], next, |_| true));
        }
    }
}

/// Whether threads end at a block, and not with a fault.
fn ends(body: &Body, block: usize) -> bool {
    let end = body.blocks.values().nth(block).map(|block| &block.end);
    matches!(end, Some(End::Exit | End::Nowhere))
}

#[test]
fn a_head_is_where_a_loop_is_entered_from_outside_of_the_graph() {
    // 1 → 2 → 3 → 1, reached at 2 by a thread that comes back there alone.
    let graph = FlowGraph::new(4, &[(1, 2), (2, 3), (3, 1)]).unwrap();
    let forest = LoopForest::new(&graph, vec![0, 1, 2, 3], &[0, 2]).unwrap();
    assert_eq!(forest.loops.len(), 1);
    assert_eq!(forest.loops[0].heads, [2]);
    assert_eq!(forest.innermost(3), Some(0));
    assert_eq!(forest.innermost(0), None);
}

#[test]
fn loops_that_nest_too_deep_are_refused() {
    // Each block is the head of a loop around all blocks behind it.
    let depth = 100;
    let mut edges = Vec::new();
    for node in 0..depth {
        edges.push((node, node + 1));
        edges.push((depth, node));
    }
    let graph = FlowGraph::new(depth + 1, &edges).unwrap();
    let reason = LoopForest::new(&graph, (0..=depth).collect(), &[0]).unwrap_err();
    assert_eq!(reason.what, "loops nested too deep");
}

#[test]
fn a_block_that_does_not_exist_is_refused() {
    let mut body = body(&[Way::Exit]);
    body.blocks.get_mut(BlockId(0)).unwrap().end = End::Jump(BlockId(7));
    assert!(FlowGraph::of(&body).is_err());
    assert!(postdominators(&body).is_err());
    assert!(Graph::new(&body, &[]).is_err());
}

#[test]
fn dominators_of_a_large_irreducible_ladder_are_found() {
    // Two rails with rungs in both directions: an iteration to a fixed point takes as many rounds as
    // there are rungs.
    let rungs = 20_000;
    let mut edges = vec![(0, 1), (0, 2)];
    for rung in 0..rungs {
        let (left, right) = (2 * rung + 1, 2 * rung + 2);
        edges.extend([
            (left, right),
            (right, left),
            (left, left + 2),
            (right, right + 2),
        ]);
        edges.extend([(left + 2, left), (right + 2, right)]);
    }
    let graph = FlowGraph::new(2 * rungs + 3, &edges).unwrap();
    let tree = DominatorTree::new(&graph, 0);
    assert!((1..=2 * rungs).all(|node| tree.immediate(node) == Some(0)));
}
