//! Tiles of the result of a product, one after another, which one thread at a time computes: sums of its
//! own, to which the product of some columns of `a` and rows of `b` is added in each step, and which are
//! written with the last of these. A step takes less than a millisecond with vectors of 256 bits, and what it does depends on
//! nothing but the product's shape and the number of threads, so that the results do not either.

use std::ops::Range;

use super::ProductRun;
use super::elements::{Loaded, Part, Source, pack_left, pack_right, packed_right};
use super::epilogue::{Real, Rows, Written, add_whole};
use super::multiply::{multiply, padded};
use super::row::multiply_row;
use super::tiling::Tiling;
use crate::linear::Element;

/// How many columns of `a` are added up in one step, at most. Products of 8 bits are added up in `f32`
/// for so long, which is exact.
const MOST_DEPTH: u64 = 384;

/// How many rows of a tile a step does. Vectors have half as many numbers of 64 bits.
fn step_rows(element: Element) -> usize {
    match element {
        Element::F64 => 72,
        Element::F32 | Element::F16 | Element::BF16 | Element::S8 => 144,
    }
}

/// Which tiles, and how far they are.
pub(super) struct Tile {
    /// Of the tile, and of the one behind the last.
    index: u64,
    end: u64,
    part: Part,
    /// How many columns of `a` were added up for all rows, and for how many rows the step after
    /// that is done.
    depth: u64,
    done: usize,
    sums: Sums,
}

/// What was added up, row by row, each [`padded`]. Where one step adds all columns of `a` there are only its
/// rows.
enum Sums {
    F32(Vec<f32>),
    F64(Vec<f64>),
    S32(Vec<i32>),
}

/// Memory of a thread in which parts of the factors lie as numbers.
#[derive(Default)]
pub(super) struct Scratch {
    single: Parts<f32>,
    double: Parts<f64>,
    /// Sums of 8-bit products.
    product: Vec<f32>,
    whole: Vec<i32>,
    /// Whether the part of `b` is that of the tile's next step.
    has_b: bool,
}

#[derive(Default)]
struct Parts<T> {
    a: Vec<T>,
    b: Vec<T>,
    /// Elements of `b` on their way.
    piece: Vec<T>,
    rows: Rows<T>,
}

impl Scratch {
    /// The next step is another tile's, or that of a tile that waited.
    pub(super) fn forget(&mut self) {
        self.has_b = false;
    }
}

impl Tile {
    /// Tiles of which nothing is done, in the memory of some that are.
    pub(super) fn begin(
        run: &ProductRun,
        tiles: Range<u64>,
        former: Option<Box<Tile>>,
    ) -> Box<Tile> {
        let sums = match (run.shape.element, former.map(|tile| tile.sums)) {
            (_, Some(sums)) => sums,
            (Element::F32 | Element::F16 | Element::BF16, None) => Sums::F32(Vec::new()),
            (Element::F64, None) => Sums::F64(Vec::new()),
            (Element::S8, None) => Sums::S32(Vec::new()),
        };
        let mut tile = Box::new(Tile {
            index: tiles.start,
            end: tiles.end,
            part: run.tiling.part(&run.shape, tiles.start),
            depth: 0,
            done: 0,
            sums,
        });
        tile.make_room(run);
        tile
    }

    /// The first step sets what it would add to, but where there is none.
    fn make_room(&mut self, run: &ProductRun) {
        let rows = match keeps_sums(run.shape.k) {
            true => self.part.rows,
            false => self.part.rows.min(step_rows(run.shape.element)),
        };
        let count = rows * padded(self.part.columns);
        match &mut self.sums {
            Sums::F32(sums) => sums.resize(count, 0.0),
            Sums::F64(sums) => sums.resize(count, 0.0),
            Sums::S32(sums) => sums.resize(count, 0),
        }
    }

    /// Does a step; true once all of the tiles are written.
    pub(super) fn step(&mut self, run: &ProductRun, scratch: &mut Scratch) -> bool {
        let step = step_rows(run.shape.element);
        let rows = self.done..self.part.rows.min(self.done + step);
        let inner = (run.shape.k - self.depth).min(depth_of_step(run.shape.k));
        if inner > 0 {
            self.add(run, rows.clone(), inner as usize, scratch);
        }
        let is_last = self.depth + inner >= run.shape.k;
        if is_last {
            self.finish(run, rows.clone(), scratch);
        }
        self.done = rows.end;
        if self.done < self.part.rows {
            return false;
        }
        self.done = 0;
        self.depth += inner;
        scratch.has_b = false;
        is_last && self.is_last_tile(run)
    }

    /// Whether the tile was the last one; otherwise the next begins.
    fn is_last_tile(&mut self, run: &ProductRun) -> bool {
        self.index += 1;
        if self.index >= self.end {
            return true;
        }
        self.part = run.tiling.part(&run.shape, self.index);
        self.depth = 0;
        self.make_room(run);
        false
    }

    /// Adds the products of some columns of `a`, for some rows.
    fn add(&mut self, run: &ProductRun, rows: Range<usize>, inner: usize, scratch: &mut Scratch) {
        let adds = self.depth > 0;
        let has_b = std::mem::replace(&mut scratch.has_b, true);
        let step = Step {
            run,
            parts: self.parts(&rows, inner),
            has_b,
            adds,
        };
        let range = self.range(run, &rows);
        match &mut self.sums {
            Sums::F32(sums) => {
                let sums = sums.get_mut(range).unwrap_or_default();
                step.add(sums, &mut scratch.single);
            }
            Sums::F64(sums) => {
                let sums = sums.get_mut(range).unwrap_or_default();
                step.add(sums, &mut scratch.double);
            }
            Sums::S32(sums) => {
                let product = &mut scratch.product;
                product.resize(range.len().max(product.len()), 0.0);
                let step = Step {
                    adds: false,
                    ..step
                };
                step.add(product, &mut scratch.single);
                let sums = sums.get_mut(range).unwrap_or_default();
                add_whole(sums, product, adds);
            }
        }
    }

    /// Where the sums of rows are.
    fn range(&self, run: &ProductRun, rows: &Range<usize>) -> Range<usize> {
        let stride = padded(self.part.columns);
        match keeps_sums(run.shape.k) {
            true => rows.start * stride..rows.end * stride,
            false => 0..rows.len() * stride,
        }
    }

    /// Which parts of the factors a step needs.
    fn parts(&self, rows: &Range<usize>, inner: usize) -> [Part; 2] {
        let a = Part {
            batch: self.part.batch,
            row: self.part.row + rows.start as u64,
            column: self.depth,
            rows: rows.len(),
            columns: inner,
        };
        let b = Part {
            row: self.depth,
            rows: inner,
            ..self.part
        };
        [a, b]
    }

    /// Writes some rows.
    fn finish(&mut self, run: &ProductRun, rows: Range<usize>, scratch: &mut Scratch) {
        let columns = self.part.columns;
        let range = self.range(run, &rows);
        let first = self.part.row + rows.start as u64;
        let at = |index: usize| Written {
            run,
            at: [self.part.batch, first + index as u64, self.part.column],
        };
        // Without a product there is nothing in them.
        let empty = run.shape.k == 0;
        match &mut self.sums {
            Sums::F32(sums) => {
                let sums = sums.get_mut(range).unwrap_or_default();
                write_rows(sums, columns, empty, at, &mut scratch.single.rows);
            }
            Sums::F64(sums) => {
                let sums = sums.get_mut(range).unwrap_or_default();
                write_rows(sums, columns, empty, at, &mut scratch.double.rows);
            }
            Sums::S32(sums) => {
                let sums = sums.get_mut(range).unwrap_or_default();
                for (index, sums) in sums.chunks_mut(padded(columns)).enumerate() {
                    if empty {
                        sums.fill(0);
                    }
                    let sums = sums.get_mut(..columns).unwrap_or_default();
                    at(index).write_whole(sums, &mut scratch.whole);
                }
            }
        }
    }
}

fn write_rows<'a, T: Real>(
    sums: &mut [T],
    columns: usize,
    empty: bool,
    at: impl Fn(usize) -> Written<'a>,
    rows: &mut Rows<T>,
) {
    at(0).load_bias(rows, columns);
    for (index, sums) in sums.chunks_mut(padded(columns)).enumerate() {
        if empty {
            sums.fill(T::default());
        }
        let sums = sums.get_mut(..columns).unwrap_or_default();
        at(index).write(sums, rows);
    }
}

/// How many columns of `a` each step of a product of so many adds up: about as many in each.
fn depth_of_step(k: u64) -> u64 {
    k.div_ceil(k.div_ceil(MOST_DEPTH).max(1))
        .next_multiple_of(8)
        .min(MOST_DEPTH)
}

/// Whether several steps add to the same sums.
fn keeps_sums(k: u64) -> bool {
    k > depth_of_step(k)
}

/// The bytes of the sums of a tile of a product of so many columns of `a`.
pub(super) fn tile_bytes(tiling: &Tiling, k: u64, element: Element) -> u64 {
    let size = element.result_bytes().max(4);
    let rows = match keeps_sums(k) {
        true => tiling.rows,
        false => tiling.rows.min(step_rows(element) as u64),
    };
    let columns = padded(tiling.columns as usize) as u64;
    (rows * columns).saturating_mul(size)
}

/// A product of parts of the factors.
struct Step<'a> {
    run: &'a ProductRun,
    parts: [Part; 2],
    has_b: bool,
    adds: bool,
}

impl Step<'_> {
    fn add<T: Loaded + std::ops::Mul<Output = T> + std::ops::AddAssign>(
        &self,
        sums: &mut [T],
        memory: &mut Parts<T>,
    ) {
        let (run, [a, b]) = (self.run, self.parts);
        let (Some(of_a), Some(of_b)) = (run.a.storage(), run.b.storage()) else {
            return;
        };
        let element = run.shape.element;
        let of_a = Source {
            storage: of_a,
            element,
            operand: &run.shape.a,
        };
        let of_b = Source {
            storage: of_b,
            element,
            operand: &run.shape.b,
        };
        let left = pack_left(&of_a, a, &mut memory.a);
        if a.rows == 1 {
            let row = left.elements.get(..a.columns).unwrap_or_default();
            return multiply_row(sums, row, &of_b, b, self.adds, &mut memory.piece);
        }
        let right = match self.has_b {
            true => packed_right(&memory.b, b.columns),
            false => pack_right(&of_b, b, &mut memory.b, &mut memory.piece),
        };
        multiply(sums, [a.rows, a.columns], left, right, self.adds);
    }
}
