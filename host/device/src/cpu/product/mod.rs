//! A product of matrices while it runs: tiles of its result, which threads take one after another as
//! they take the blocks of a kernel, how long it has run, and whether it is to stop.
//!
//! Device memory may be written by other work of its tenant at any time, so nothing multiplies in it:
//! parts of the factors are copied, and converted where they are to be, and the crate `gemm` multiplies
//! the copies.

mod elements;
mod multiply;
mod tile;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::slice::SLICE;
use super::stopwatch::Stopwatch;
use crate::linear::{GEMM, GemmShape};
use crate::meter::LaunchCharge;
use crate::sync::lock;
use crate::{Buffer, Error};

use elements::Part;
use tile::{MOST_SIDE, Scratch, Tile};

/// What a tile takes while it is computed, in multiplications, that another thread need not take a part
/// of it.
const SMALL_TILE: u64 = 4 << 20;

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
    Fresh(u64),
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
    /// About a megabyte once the thread has multiplied.
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
        let size = self.shape.element.result_bytes().max(4);
        (self.tiling.rows * self.tiling.columns).saturating_mul(size)
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
        let tile = state.take(self.tiling.count)?;
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
                    let Some(next) = lock(&self.state).take(self.tiling.count) else {
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
            Claimed::Fresh(index) => {
                let part = self.tiling.part(&self.shape, index);
                Tile::begin(part, self.shape.element, former)
            }
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
    fn take(&mut self, count: u64) -> Option<Claimed> {
        if let Some(tile) = self.parked.pop_front() {
            return Some(Claimed::Parked(tile));
        }
        let index = self.next;
        (index < count).then(|| {
            self.next += 1;
            Claimed::Fresh(index)
        })
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

/// How a result is cut into tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tiling {
    /// Of a tile that is not at an edge.
    rows: u64,
    columns: u64,
    /// How many there are below and beside each other in one matrix.
    down: u64,
    across: u64,
    /// How many there are in all.
    count: u64,
}

impl Tiling {
    /// As few tiles as leave no thread without one.
    fn of(shape: &GemmShape, threads: u64) -> Tiling {
        let most = MOST_SIDE as u64;
        let (m, n) = (shape.m.get(), shape.n.get());
        let (mut rows, mut columns) = (m.min(most), n.min(most));
        loop {
            let (down, across) = (m.div_ceil(rows), n.div_ceil(columns));
            // A result has no more elements than a buffer has bytes.
            let count = down
                .saturating_mul(across)
                .saturating_mul(shape.batch.get());
            let rounds = count.div_ceil(threads.max(1));
            let is_even =
                count.saturating_mul(10) >= rounds.saturating_mul(threads).saturating_mul(9);
            let work = rows.saturating_mul(columns).saturating_mul(shape.k);
            if is_even || work <= SMALL_TILE || rows.max(columns) <= 64 {
                return Tiling {
                    rows,
                    columns,
                    down,
                    across,
                    count,
                };
            }
            let half = |side: u64| side.div_ceil(2).next_multiple_of(32);
            if rows >= columns {
                rows = half(rows);
            } else {
                columns = half(columns);
            }
        }
    }

    /// The part of the result that a tile is.
    fn part(&self, shape: &GemmShape, index: u64) -> Part {
        let in_matrix = index % (self.down * self.across);
        let row = in_matrix / self.across * self.rows;
        let column = in_matrix % self.across * self.columns;
        Part {
            batch: index / (self.down * self.across),
            row,
            column,
            rows: self.rows.min(shape.m.get() - row) as usize,
            columns: self.columns.min(shape.n.get() - column) as usize,
        }
    }
}

/// A thread's time at work, which ends even where it panics.
struct AtWork<'a>(&'a ProductRun);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).watch.end(Instant::now());
    }
}
