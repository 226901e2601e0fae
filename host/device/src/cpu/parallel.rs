//! Work on which several threads are at once: a launch, or a product of matrices. Each thread claims a
//! part, works for a slice, and leaves what it has not done to the next.

use std::sync::Arc;
use std::time::Duration;

use super::grid::{Claim, Grid};
use super::product::{ProductRun, TileClaim};
use crate::Error;

/// The work, shared by its threads.
#[derive(Clone)]
pub(crate) enum Parallel {
    Launch(Arc<Grid>),
    Product(Arc<ProductRun>),
}

/// A part of it for one thread, to be passed to [`slice`](Parallel::slice) exactly once.
pub(crate) enum ParallelClaim {
    Launch(Claim),
    Product(TileClaim),
}

impl Parallel {
    /// Takes a part for one thread.
    pub(crate) fn claim(&self) -> Option<ParallelClaim> {
        match self {
            Parallel::Launch(grid) => grid.claim().map(ParallelClaim::Launch),
            Parallel::Product(product) => product.claim().map(ParallelClaim::Product),
        }
    }

    /// Works for about a slice on what was claimed of it.
    pub(crate) fn slice(&self, claim: ParallelClaim) {
        match (self, claim) {
            (Parallel::Launch(grid), ParallelClaim::Launch(claim)) => grid.slice(claim),
            (Parallel::Product(product), ParallelClaim::Product(claim)) => product.slice(claim),
            // The part would never be done, and its launch never end.
            _ => panic!("a claim of other work"),
        }
    }

    /// Whether another thread would find work here.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Parallel::Launch(grid) => grid.is_open(),
            Parallel::Product(product) => product.is_open(),
        }
    }

    /// Whether it is exclusive in its session.
    pub(crate) fn is_exclusive(&self) -> bool {
        match self {
            Parallel::Launch(grid) => grid.is_exclusive(),
            Parallel::Product(_) => false,
        }
    }

    /// How many bytes the state of a part takes that has begun.
    pub(crate) fn part_bytes(&self) -> u64 {
        match self {
            Parallel::Launch(grid) => grid.block_bytes(),
            Parallel::Product(product) => product.tile_bytes(),
        }
    }

    /// How many parts have begun and wait for a thread.
    pub(crate) fn parked(&self) -> usize {
        match self {
            Parallel::Launch(grid) => grid.parked(),
            Parallel::Product(product) => product.parked(),
        }
    }

    /// A thread has worked on it for so long.
    pub(crate) fn charge(&self, time: Duration) {
        match self {
            Parallel::Launch(grid) => grid.charge(time),
            Parallel::Product(product) => product.charge(time),
        }
    }

    /// No thread will work on it any more.
    pub(crate) fn settle_charge(&self) {
        match self {
            Parallel::Launch(grid) => grid.settle_charge(),
            Parallel::Product(product) => product.settle_charge(),
        }
    }

    /// Ends it; its threads notice soon.
    pub(crate) fn stop(&self) {
        match self {
            Parallel::Launch(grid) => grid.stop(),
            Parallel::Product(product) => product.stop(),
        }
    }

    /// Ends it with an error; the first one counts.
    pub(crate) fn fail(&self, error: Error) {
        match self {
            Parallel::Launch(grid) => grid.fail(error),
            Parallel::Product(product) => product.fail(error),
        }
    }

    pub(crate) fn take_failure(&self) -> Option<Error> {
        match self {
            Parallel::Launch(grid) => grid.take_failure(),
            Parallel::Product(product) => product.take_failure(),
        }
    }
}
