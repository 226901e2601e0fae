//! What is structured does what the blocks say; what is broken on purpose is refused.

use proptest::prelude::*;
use rustc_hash::FxHashSet as HashSet;

use super::simulation::{visited, visited_structured};
use super::{Way, bodies, body, config, extra};
use crate::compile::cfg::flow::Threads;
use crate::compile::cfg::graph::{Graph, NodeKind};
use crate::compile::cfg::structure::{structure, write};
use crate::compile::cfg::structured::Item;
use crate::compile::cfg::verify::verify;
use crate::compile::ir::{BlockId, Body};

/// How the structured form differs from the blocks, for a few threads.
fn difference(body: &Body, graph: &Graph, items: &[Item], seed: u64) -> Option<String> {
    (seed..seed + 8).find_map(|seed| {
        let mut expected = visited(body, graph.threads, seed);
        let preempted = (seed % 2 == 1).then_some(seed);
        match visited_structured(body, graph, items, seed, preempted) {
            Ok((found, falls_back)) => {
                if falls_back {
                    expected.truncate(found.len());
                }
                (found != expected).then(|| format!("{found:?}, not {expected:?}"))
            }
            Err(what) => Some(what),
        }
    })
}

/// A change of what is structured.
#[derive(Clone, Debug)]
enum Mutation {
    Level(usize, u32),
    TableLevel(usize, usize, u32),
    SwapTableLevels(usize, usize, usize),
    Drop(usize),
    Swap(usize, usize),
    Copy(usize, usize),
    Node(usize, usize),
    Selector(usize, u32),
    Resume(usize, usize),
}

fn mutations() -> impl Strategy<Value = Mutation> {
    let place = || 0usize..2000;
    prop_oneof![
        4 => (place(), 0u32..8).prop_map(|(place, level)| Mutation::Level(place, level)),
        2 => (place(), place(), 0u32..8)
            .prop_map(|(place, entry, level)| Mutation::TableLevel(place, entry, level)),
        2 => (place(), place(), place()).prop_map(|(place, a, b)| Mutation::SwapTableLevels(place, a, b)),
        2 => place().prop_map(Mutation::Drop),
        1 => (place(), place()).prop_map(|(a, b)| Mutation::Swap(a, b)),
        1 => (place(), place()).prop_map(|(a, b)| Mutation::Copy(a, b)),
        2 => (place(), place()).prop_map(|(place, node)| Mutation::Node(place, node)),
        2 => (place(), 0u32..40).prop_map(|(place, selector)| Mutation::Selector(place, selector)),
        1 => (place(), place()).prop_map(|(a, b)| Mutation::Resume(a, b)),
    ]
}

/// The places of items of a kind.
fn places(items: &[Item], is_one: impl Fn(&Item) -> bool) -> Vec<usize> {
    let places = items.iter().enumerate().filter(|(_, item)| is_one(item));
    places.map(|(place, _)| place).collect()
}

fn pick(from: &[usize], number: usize) -> Option<usize> {
    (!from.is_empty()).then(|| from[number % from.len()])
}

/// Changes what is structured; false where there is nothing to change.
fn mutate(mutation: &Mutation, graph: &mut Graph, items: &mut Vec<Item>) -> bool {
    let branches = places(items, |item| matches!(item, Item::Branch(_)));
    let tables = places(
        items,
        |item| matches!(item, Item::Table(_, levels) if levels.len() > 1),
    );
    let nodes = places(items, |item| matches!(item, Item::Node(_)));
    let (before, count) = (items.clone(), items.len());
    match mutation {
        Mutation::Level(place, level) => {
            if let Some(place) = pick(&branches, *place) {
                items[place] = Item::Branch(*level);
            }
        }
        Mutation::TableLevel(place, entry, level) => {
            if let Some(place) = pick(&tables, *place)
                && let Item::Table(_, levels) = &mut items[place]
            {
                let entry = entry % levels.len();
                levels[entry] = *level;
            }
        }
        Mutation::SwapTableLevels(place, a, b) => {
            if let Some(place) = pick(&tables, *place)
                && let Item::Table(_, levels) = &mut items[place]
            {
                let (a, b) = (a % levels.len(), b % levels.len());
                levels.swap(a, b);
            }
        }
        Mutation::Drop(place) => {
            items.remove(place % count);
        }
        Mutation::Swap(a, b) => items.swap(a % count, b % count),
        Mutation::Copy(a, b) => items[a % count] = items[b % count].clone(),
        Mutation::Node(place, node) => {
            if let Some(place) = pick(&nodes, *place) {
                items[place] = Item::Node(node % graph.nodes.len());
            }
        }
        Mutation::Selector(place, selector) => {
            let is_select = |place: &usize| matches!(graph.nodes[*place].kind, NodeKind::Select(_));
            let selects: Vec<usize> = (0..graph.nodes.len()).filter(is_select).collect();
            if let Some(place) = pick(&selects, *place) {
                let kind = NodeKind::Select(*selector);
                return std::mem::replace(&mut graph.nodes[place].kind, kind.clone()) != kind;
            }
        }
        Mutation::Resume(a, b) => {
            let count = graph.resumes.len();
            let (a, b) = (a % count, b % count);
            graph.resumes.swap(a, b);
            return graph.resumes[a] != graph.resumes[b];
        }
    }
    *items != before
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn structured_control_flow_visits_the_blocks_that_the_graph_says(
        body in bodies(40),
        more in any::<u64>(),
        seed in 0..1u64 << 60,
    ) {
        for more in [0, more, more & more >> 7 & more << 9] {
            let graph = Graph::new(&body, &extra(&body, more)).unwrap();
            // The verifier accepts it, or this is an error.
            let items = structure(&body, &graph).unwrap();
            prop_assert_eq!(difference(&body, &graph, &items, seed), None);
            // Lane groups reconverge at some of them.
            let extra = extra(&body, more);
            let at: HashSet<BlockId> = extra.iter().copied().filter(|id| seed >> (id.0 % 60) & 1 == 1).collect();
            let (graph, of_groups) = Graph::with_lane_groups(&body, &extra, &at).unwrap();
            for graph in [graph, of_groups] {
                let items = structure(&body, &graph).unwrap();
                prop_assert_eq!(difference(&body, &graph, &items, seed), None);
            }
        }
    }

    #[test]
    fn what_is_broken_is_refused_or_does_the_same(
        body in bodies(20),
        more in any::<u64>(),
        seed in 0..1u64 << 60,
        mutations in prop::collection::vec(mutations(), 1..3),
    ) {
        let extra = extra(&body, more);
        let at: HashSet<BlockId> = extra.iter().copied().filter(|id| seed >> (id.0 % 60) & 1 == 1).collect();
        let (graph, of_groups) = Graph::with_lane_groups(&body, &extra, &at).unwrap();
        for mut graph in [graph, of_groups] {
            let mut items = structure(&body, &graph).unwrap();
            for mutation in &mutations {
                mutate(mutation, &mut graph, &mut items);
            }
            if verify(&body, &graph, &items).is_ok() {
                prop_assert_eq!(difference(&body, &graph, &items, seed), None);
            }
        }
    }
}

/// A loop whose barrier a branch skips.
fn skipped_barrier() -> Body {
    body(&[
        Way::Jump(1),
        // The head, and past the barrier.
        Way::Branch(3, 2),
        Way::Suspend(3, false),
        // Again, or the end.
        Way::Branch(1, 4),
        Way::Exit,
    ])
}

#[test]
fn each_change_of_a_skipped_barrier_s_loop_is_refused() {
    let body = skipped_barrier();
    let graph = Graph::new(&body, &[]).unwrap();
    let items = structure(&body, &graph).unwrap();
    let refused = |items: &[Item]| verify(&body, &graph, items).is_err();
    assert!(!refused(&items));
    let mut changes = 0;
    for place in 0..items.len() {
        let mut dropped = items.clone();
        dropped.remove(place);
        let same = difference(&body, &graph, &dropped, 1).is_none();
        assert!(
            refused(&dropped) || same,
            "without item {place} of {items:?}"
        );
        changes += u32::from(refused(&dropped));
        match &items[place] {
            Item::Branch(level) => {
                for other in (0..12).filter(|other| other != level) {
                    let mut changed = items.clone();
                    changed[place] = Item::Branch(other);
                    let same = difference(&body, &graph, &changed, 1).is_none();
                    assert!(
                        refused(&changed) || same,
                        "item {place} to {other} of {items:?}"
                    );
                    changes += u32::from(refused(&changed));
                }
            }
            Item::Table(node, levels) => {
                for entry in 0..levels.len() {
                    let mut changed = levels.clone();
                    changed.rotate_left(entry);
                    let is_same = changed == *levels;
                    let mut all = items.clone();
                    all[place] = Item::Table(*node, changed);
                    assert!(is_same || refused(&all), "item {place} of {all:?}");
                }
            }
            Item::Node(node) => {
                for other in (0..graph.nodes.len()).filter(|other| other != node) {
                    // Two selectors of one head do the same.
                    let is_same = graph.nodes[other].kind == graph.nodes[*node].kind;
                    let mut changed = items.clone();
                    changed[place] = Item::Node(other);
                    assert!(
                        is_same || refused(&changed),
                        "item {place} to {other} of {items:?}"
                    );
                }
            }
            _ => {}
        }
    }
    assert!(changes > 50, "{changes}");
}

#[test]
fn one_selector_node_for_edges_from_inside_and_outside_a_loop_is_refused() {
    // Blocks 1 and 2 are a loop with two heads, both of which are entered from outside and inside.
    let body = body(&[
        Way::Branch(1, 2),
        Way::Branch(2, 3),
        Way::Branch(1, 3),
        Way::Exit,
    ]);
    let mut graph = Graph::new(&body, &[]).unwrap();
    assert!(verify(&body, &graph, &write(&body, &graph).unwrap()).is_ok());
    let is_selector =
        |kind: &NodeKind| matches!(kind, NodeKind::Select(selector) if *selector != 0);
    let selectors: Vec<usize> = (0..graph.nodes.len())
        .filter(|node| is_selector(&graph.nodes[*node].kind))
        .collect();
    let [inside, outside] = selectors[..] else {
        panic!("two selectors: {graph:?}");
    };
    for node in &mut graph.nodes {
        for next in &mut node.next {
            if *next == inside {
                *next = outside;
            }
        }
    }
    let written = write(&body, &graph);
    assert!(
        written
            .and_then(|items| verify(&body, &graph, &items))
            .is_err()
    );
}

#[test]
fn a_loop_around_the_kernel_s_beginning_that_is_entered_elsewhere_first_begins_there() {
    // Behind the suspend point, the thread enters the loop of blocks 0 and 1 at 1: the graph's only
    // other entry of it.
    let body = body(&[
        Way::Jump(1),
        Way::Branch(0, 2),
        Way::Suspend(3, false),
        Way::Jump(1),
    ]);
    let graph = Graph::new(&body, &[]).unwrap();
    let items = structure(&body, &graph).unwrap();
    assert_eq!(difference(&body, &graph, &items, 5), None);
    assert_eq!(
        visited(&body, Threads::Single, 5)[..2],
        [BlockId(0), BlockId(1)]
    );
}

#[test]
fn a_block_behind_a_suspend_point_that_is_also_jumped_to_has_a_resume_point_of_its_own() {
    // What a thread takes from others, it takes where it comes from the suspend point alone.
    let body = body(&[Way::Branch(1, 2), Way::Suspend(2, true), Way::Exit]);
    let graph = Graph::new(&body, &[BlockId(2)]).unwrap();
    let own = graph.resume_of(BlockId(2)).unwrap();
    assert_ne!(own, graph.resume_after[&0]);
    assert!(graph.results(&body, own).iter().all(Option::is_none));
    assert!(
        graph
            .results(&body, graph.resume_after[&0])
            .iter()
            .any(Option::is_some)
    );
}

#[test]
fn a_loop_without_a_place_to_be_preempted_is_refused() {
    let body = body(&[Way::Jump(1), Way::Branch(1, 2), Way::Exit]);
    let mut graph = Graph::new(&body, &[]).unwrap();
    for node in &mut graph.nodes {
        if matches!(node.kind, NodeKind::InterruptCheck(_)) {
            node.kind = NodeKind::Select(0);
        }
    }
    let items = write(&body, &graph).unwrap();
    let reason = verify(&body, &graph, &items).unwrap_err();
    assert!(reason.what.contains("not preempted"), "{reason}");
}

#[test]
fn a_second_interrupt_check_on_an_edge_that_resumes_elsewhere_is_refused() {
    // Two loops of one block each, and so two interrupt checks.
    let body = body(&[Way::Branch(0, 1), Way::Branch(1, 2), Way::Exit]);
    let graph = Graph::new(&body, &[]).unwrap();
    let items = structure(&body, &graph).unwrap();
    let is_check = |item: &&Item| match item {
        Item::Node(node) => matches!(graph.nodes[*node].kind, NodeKind::InterruptCheck(_)),
        _ => false,
    };
    let checks: Vec<Item> = items.iter().filter(is_check).cloned().collect();
    assert_eq!(checks.len(), 2, "{items:?}");
    for own in 0..2 {
        let position = items.iter().position(|item| *item == checks[own]).unwrap();
        let mut items = items.clone();
        items.insert(position, checks[1 - own].clone());
        assert!(verify(&body, &graph, &items).is_err());
        // Twice the same one does no harm.
        items[position] = checks[own].clone();
        verify(&body, &graph, &items).unwrap();
    }
}
