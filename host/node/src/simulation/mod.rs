//! Deterministic simulation of a node's storage: the real code of functions and jobs, over a
//! database, a store of components, a clock and a worker that are simulated ([`database`],
//! [`objects`], [`world`], [`worker`]), on one thread. A schedule is a life of a node, in which
//! clients ([`client`]) make requests while disks fail, clocks jump, components fail, and the process
//! ends between any two writes, and is started again. What was acknowledged has to be there
//! ([`model`]), and the tables have to be consistent ([`invariants`]).
//!
//! A seed makes one schedule, again and again: `TENSOR_WASM_SIMULATION_SEED=SEED` repeats one that
//! failed, and prints what happened; `TENSOR_WASM_SIMULATION_SCHEDULES=COUNT` runs more of them.

mod client;
mod database;
mod invariants;
mod model;
mod objects;
mod schedule;
mod tables;
mod worker;
mod world;

use std::env;
use std::sync::Mutex;
use std::thread;

use schedule::Schedule;

use crate::lock::ignore_poison;

/// Schedules of a test, where nothing else is asked for.
const SCHEDULES: u64 = 10_000;

/// Schedules that failed after which a test ends.
const MOST_SHOWN: usize = 8;

fn asked(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

#[test]
fn what_was_acknowledged_survives_ten_thousand_schedules_of_faults() {
    if let Some(seed) = asked("TENSOR_WASM_SIMULATION_SEED") {
        let outcome = Schedule::new(seed).run();
        println!("{}", outcome.trace);
        assert_eq!(outcome.faults, Vec::<String>::new(), "seed {seed}");
        return;
    }
    let schedules = asked("TENSOR_WASM_SIMULATION_SCHEDULES").unwrap_or(SCHEDULES);
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let failed: Mutex<Vec<String>> = Mutex::default();
    thread::scope(|scope| {
        for first in 0..threads {
            let failed = &failed;
            scope.spawn(move || {
                for seed in (first..schedules).step_by(usize::try_from(threads).unwrap_or(1)) {
                    let outcome = Schedule::new(seed).run();
                    let mut failed = ignore_poison(failed.lock());
                    if !outcome.faults.is_empty() {
                        failed.push(format!("seed {seed}: {}", outcome.faults.join("\n  ")));
                    }
                    if failed.len() >= MOST_SHOWN {
                        return;
                    }
                }
            });
        }
    });
    let failed = ignore_poison(failed.into_inner());
    assert!(
        failed.is_empty(),
        "TENSOR_WASM_SIMULATION_SEED=SEED repeats one of these:\n{}",
        failed.join("\n")
    );
}

#[test]
fn a_seed_makes_one_schedule() {
    for seed in 0..20 {
        assert_eq!(Schedule::new(seed).run(), Schedule::new(seed).run());
    }
}

#[test]
fn a_clock_that_is_ahead_for_a_while_takes_no_results_with_it() {
    let mut seen = 0;
    for seed in 0..20 {
        let [before, meanwhile, after, end] = Schedule::new(seed).run_with_a_wrong_clock();
        assert_eq!((meanwhile, after), (before, before), "seed {seed}");
        assert_eq!(end, 0, "seed {seed}: what is over is removed");
        seen += before;
    }
    assert!(seen > 0, "no job was there");
}
