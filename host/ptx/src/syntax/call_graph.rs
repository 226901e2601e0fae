//! The call graph and its strongly connected components, by Tarjan's algorithm (1972). Functions that
//! call one another in a circle form a component. Components come in reverse topological order, callees
//! first, so that what a function needs is known when its callers ask.
//!
//! Nothing here recurses: a module may have a chain of calls as long as its text.

use crate::syntax::module::Module;
use crate::syntax::tree::Operand;

/// The functions that each function calls, without repetition.
pub(crate) fn callees(module: &Module) -> Vec<Vec<u32>> {
    module
        .functions
        .iter()
        .map(|function| {
            let mut callees: Vec<u32> = function
                .body
                .iter()
                .flat_map(|instruction| &instruction.operands)
                .filter_map(|operand| match operand {
                    Operand::Call(site) => Some(site.functions()),
                    _ => None,
                })
                .flatten()
                .copied()
                .collect();
            callees.sort_unstable();
            callees.dedup();
            callees
        })
        .collect()
}

/// A strongly connected component: functions that reach one another, or one alone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Component {
    pub functions: Vec<u32>,
    /// Whether a call may come back to a function that is still active.
    pub recursive: bool,
}

/// How far the search has come in one function.
#[derive(Clone, Copy, Default)]
struct Visit {
    /// When it was found, from 1 on; 0 where it has not been.
    found: u32,
    /// The earliest function that it leads back to.
    low: u32,
    /// Whether its component is still open.
    open: bool,
    /// How many of its callees have been looked at.
    next: usize,
}

/// The strongly connected components, each behind those that it calls: Tarjan's algorithm, with a stack
/// in place of recursion.
pub(crate) fn strongly_connected_components(callees: &[Vec<u32>]) -> Vec<Component> {
    let mut visits = vec![Visit::default(); callees.len()];
    let mut components = Vec::new();
    let mut open: Vec<u32> = Vec::new();
    let mut path: Vec<u32> = Vec::new();
    let mut clock = 0;
    for start in 0..u32::try_from(callees.len()).unwrap_or(u32::MAX) {
        if visit(&visits, start).found == 0 {
            path.push(start);
        }
        while let Some(function) = path.last().copied() {
            let Some(here) = visits.get_mut(function as usize) else {
                path.pop();
                continue;
            };
            if here.found == 0 {
                clock += 1;
                *here = Visit {
                    found: clock,
                    low: clock,
                    open: true,
                    next: 0,
                };
                open.push(function);
            }
            let called = callees.get(function as usize);
            if let Some(callee) = called.and_then(|called| called.get(here.next)).copied() {
                here.next += 1;
                let there = visit(&visits, callee);
                if there.found == 0 {
                    path.push(callee);
                } else if there.open {
                    lower(&mut visits, function, there.found);
                }
                continue;
            }
            let (found, low) = (here.found, here.low);
            path.pop();
            if let Some(caller) = path.last() {
                lower(&mut visits, *caller, low);
            }
            if low == found {
                let first = open.iter().rposition(|other| *other == function);
                let functions = open.split_off(first.unwrap_or(0));
                for member in &functions {
                    if let Some(member) = visits.get_mut(*member as usize) {
                        member.open = false;
                    }
                }
                let itself = called.is_some_and(|called| called.contains(&function));
                components.push(Component {
                    recursive: functions.len() > 1 || itself,
                    functions,
                });
            }
        }
    }
    components
}

fn visit(visits: &[Visit], function: u32) -> Visit {
    visits.get(function as usize).copied().unwrap_or_default()
}

fn lower(visits: &mut [Visit], function: u32, to: u32) {
    if let Some(visit) = visits.get_mut(function as usize) {
        visit.low = visit.low.min(to);
    }
}

/// The functions that one reaches, itself first.
pub(crate) fn reach(start: u32, callees: &[Vec<u32>]) -> Vec<u32> {
    let mut seen = std::collections::HashSet::from([start]);
    let mut reached = vec![start];
    let mut next = 0;
    while let Some(index) = reached.get(next).copied() {
        next += 1;
        for callee in callees.get(index as usize).into_iter().flatten() {
            if seen.insert(*callee) {
                reached.push(*callee);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_behind_those_that_they_call() {
        // 0 calls 1; 1 and 2 call one another; 2 calls 3; 3 calls itself; 4 stands alone.
        let callees = [vec![1], vec![2], vec![1, 3], vec![3], vec![]];
        let found = strongly_connected_components(&callees);
        let shown: Vec<_> = found
            .iter()
            .map(|component| (component.functions.clone(), component.recursive))
            .collect();
        assert_eq!(
            shown,
            [
                (vec![3], true),
                (vec![1, 2], true),
                (vec![0], false),
                (vec![4], false),
            ]
        );
    }

    #[test]
    fn a_long_chain_takes_no_stack() {
        let callees: Vec<Vec<u32>> = (0..100_000)
            .map(|index| vec![(index + 1) % 100_000])
            .collect();
        assert_eq!(strongly_connected_components(&callees).len(), 1);
        assert_eq!(reach(0, &callees).len(), 100_000);
    }
}
