//! A product of matrices while it runs: tiles of its result, which threads take one after another as
//! they take the blocks of a kernel, how long it has run, and whether it is to stop.
//!
//! Device memory may be written by other work of its tenant at any time, so nothing multiplies in it:
//! parts of the factors are copied to where the crate `gemm` multiplies them, and converted where they are
//! to be.

mod elements;
mod epilogue;
mod multiply;
mod row;
mod tile;
mod tiling;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::slice::SLICE;
use super::stopwatch::Stopwatch;
use crate::linear::{GEMM, GemmShape};
use crate::meter::LaunchCharge;
use crate::sync::lock;
use crate::{Buffer, Error};

use tile::{Scratch, Tile, tile_bytes};
use tiling::Tiling;

/// A product, shared by the threads that work on it.
pub(crate) struct ProductRun {
    shape: Box<GemmShape>,
    a: Buffer,
    b: Buffer,
    c: Buffer,
    bias: Option<Buffer>,
    charge: Option<LaunchCharge>,
    time_limit: Duration,
    tiling: Tiling,
    stop: AtomicBool,
    state: Mutex<RunState>,
}

#[derive(Default)]
struct RunState {
    /// The first tile that has not begun.
    next: u64,
    /// Tiles whose thread went to another tenant. They go on before new ones begin.
    parked: VecDeque<Box<Tile>>,
    watch: Stopwatch,
    failure: Option<Error>,
}

/// Work for one thread, which owes a [`slice`](ProductRun::slice) for it.
pub(crate) struct TileClaim {
    tile: Claimed,
    deadline: Option<Instant>,
}

enum Claimed {
    Fresh(Range<u64>),
    Parked(Box<Tile>),
}

/// The buffers of a product, and whom it is charged to.
pub(crate) struct ProductOperands {
    pub(crate) a: Buffer,
    pub(crate) b: Buffer,
    pub(crate) c: Buffer,
    pub(crate) bias: Option<Buffer>,
    pub(crate) charge: Option<LaunchCharge>,
}

thread_local! {
    /// At most a megabyte of parts in `f32`, and two in `f64`, once the thread has multiplied in these.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl ProductRun {
    /// A product for a device with so many threads.
    pub(crate) fn new(
        shape: Box<GemmShape>,
        operands: ProductOperands,
        time_limit: Duration,
        threads: usize,
    ) -> ProductRun {
        let ProductOperands {
            a,
            b,
            c,
            bias,
            charge,
        } = operands;
        let (shape, [a, b]) = match is_column(&shape) {
            true => (as_row(&shape), [b, a]),
            false => (shape, [a, b]),
        };
        ProductRun {
            tiling: Tiling::of(&shape, threads as u64),
            shape,
            a,
            b,
            c,
            bias,
            charge,
            time_limit,
            stop: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    /// A thread has worked on it for so long.
    pub(crate) fn charge(&self, time: Duration) {
        if let Some(charge) = &self.charge {
            charge.add(time);
        }
    }

    /// No thread will work on it any more.
    pub(crate) fn settle_charge(&self) {
        if let Some(charge) = &self.charge {
            charge.settle();
        }
    }

    /// How many bytes the state of a tile takes that has begun.
    pub(crate) fn tile_bytes(&self) -> u64 {
        tile_bytes(&self.tiling, self.shape.k, self.shape.element)
    }

    /// How many tiles have begun and wait for a thread.
    pub(crate) fn parked(&self) -> usize {
        lock(&self.state).parked.len()
    }

    /// Whether another thread would find work here.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_stopped() && {
            let state = lock(&self.state);
            !state.parked.is_empty() || state.next < self.tiling.count
        }
    }

    /// Takes work for one thread.
    pub(crate) fn claim(&self) -> Option<TileClaim> {
        if self.is_stopped() {
            return None;
        }
        let mut state = lock(&self.state);
        let tile = state.take(&self.tiling)?;
        let deadline = state.watch.begin(Instant::now(), self.time_limit);
        Some(TileClaim { tile, deadline })
    }

    /// Works for about a slice.
    pub(crate) fn slice(&self, claim: TileClaim) {
        let _at_work = AtWork(self);
        let started = Instant::now();
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.forget();
            let mut tile = self.begin(claim.tile, None);
            while !self.is_stopped() {
                let done = tile.step(self, scratch);
                let now = Instant::now();
                if claim.deadline.is_some_and(|deadline| now >= deadline) && !self.is_over(done) {
                    return self.fail(self.deadline_exceeded());
                }
                let is_over = now.duration_since(started) >= SLICE;
                if done && is_over {
                    return;
                }
                if done {
                    let Some(next) = lock(&self.state).take(&self.tiling) else {
                        return;
                    };
                    scratch.forget();
                    tile = self.begin(next, Some(tile));
                } else if is_over {
                    return lock(&self.state).parked.push_back(tile);
                }
            }
        });
    }

    /// Whether nothing is left to do, where this thread is done with its tile.
    fn is_over(&self, done: bool) -> bool {
        done && !self.is_open()
    }

    fn begin(&self, claimed: Claimed, former: Option<Box<Tile>>) -> Box<Tile> {
        match claimed {
            Claimed::Parked(tile) => tile,
            Claimed::Fresh(tiles) => Tile::begin(self, tiles, former),
        }
    }

    /// Ends the product; its threads notice after a step.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Ends the product with an error; the first one counts.
    pub(crate) fn fail(&self, error: Error) {
        lock(&self.state).failure.get_or_insert(error);
        self.stop();
    }

    pub(crate) fn take_failure(&self) -> Option<Error> {
        lock(&self.state).failure.take()
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn deadline_exceeded(&self) -> Error {
        Error::DeadlineExceeded(format!(
            "`{GEMM}` ran longer than the {:?} that this tenant's kernels may take; split its work over several calls, or ask the operator for a longer limit",
            self.time_limit
        ))
    }
}

impl RunState {
    fn take(&mut self, tiling: &Tiling) -> Option<Claimed> {
        if let Some(tile) = self.parked.pop_front() {
            return Some(Claimed::Parked(tile));
        }
        let tiles = tiling.taken(self.next)?;
        self.next = tiles.end;
        Some(Claimed::Fresh(tiles))
    }
}

/// Whether the result is a column to which no row of a bias is added.
fn is_column(shape: &GemmShape) -> bool {
    shape.n.get() == 1 && shape.m.get() > 1 && shape.bias.is_none()
}

/// The same product with its factors exchanged, each transposed: its result is a row, whose elements may
/// lie next to each other.
fn as_row(shape: &GemmShape) -> Box<GemmShape> {
    Box::new(GemmShape {
        m: shape.n,
        n: shape.m,
        a: shape.b.transposed(),
        b: shape.a.transposed(),
        c: shape.c.transposed(),
        ..*shape
    })
}

/// A thread's time at work, which ends even where it panics.
struct AtWork<'a>(&'a ProductRun);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).watch.end(Instant::now());
    }
}
