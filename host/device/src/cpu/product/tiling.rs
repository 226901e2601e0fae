//! How the result of a product is cut into tiles: by what the tiles cost together, where threads take
//! them one after another.

use std::ops::Range;

use super::elements::{Part, lies_by_columns};
use super::multiply::PANEL;
use crate::linear::GemmShape;

/// The largest side of a tile, in elements.
const MOST_SIDE: u64 = 512;

/// The smallest sides into which a result is cut for the sake of more threads.
const LEAST_ROWS: u64 = 24;
const LEAST_COLUMNS: u64 = PANEL as u64;

/// What a product takes, in multiplications, that another thread need not take a part of it: some
/// microseconds.
const SMALL: f64 = (1 << 20) as f64;

/// What a thread takes of small tiles at a time, in multiplications.
const TAKEN: f64 = (1 << 17) as f64;

/// What it takes to copy an element of a factor that lies row by row, and one of the second factor that
/// does not, in multiplications; measured.
const COPIED: f64 = 10.0;
const TRANSPOSED: f64 = 40.0;

/// What it takes to begin a tile.
const BEGUN: f64 = 10_000.0;

/// How a result is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tiling {
    /// Of a tile that is not at an edge.
    pub(super) rows: u64,
    pub(super) columns: u64,
    /// How many there are below and beside each other in one matrix.
    down: u64,
    across: u64,
    /// How many there are in all.
    pub(super) count: u64,
    /// How many a thread takes at a time.
    taken: u64,
}

impl Tiling {
    /// The one that so many threads are done with first.
    pub(super) fn of(shape: &GemmShape, threads: u64) -> Tiling {
        let (m, n) = (shape.m.get(), shape.n.get());
        let least = [m.div_ceil(MOST_SIDE), n.div_ceil(MOST_SIDE)];
        let cost = Cost::of(shape, threads);
        let mut best = Tiling::cut(shape, least);
        if cost.of_tile(m, n) * shape.batch.get() as f64 > SMALL && threads > 1 {
            let more = threads.saturating_mul(2).min(32);
            let most = [m.div_ceil(LEAST_ROWS), n.div_ceil(LEAST_COLUMNS)];
            let mut least_cost = cost.of_all(&best);
            for down in least[0]..=most[0].min(least[0] + more) {
                for across in least[1]..=most[1].min(least[1] + more) {
                    let tiling = Tiling::cut(shape, [down, across]);
                    let cost = cost.of_all(&tiling);
                    if cost < least_cost {
                        (best, least_cost) = (tiling, cost);
                    }
                }
            }
        }
        let each = cost.of_tile(best.rows, best.columns);
        let most = best.count.div_ceil(threads.saturating_mul(4).max(1));
        best.taken = ((TAKEN / each) as u64).clamp(1, most.max(1));
        best
    }

    /// Cut into about so many parts below and beside each other.
    fn cut(shape: &GemmShape, [down, across]: [u64; 2]) -> Tiling {
        let (m, n) = (shape.m.get(), shape.n.get());
        let rows = m.div_ceil(down);
        let columns = match across {
            1 => n,
            _ => n.div_ceil(across).next_multiple_of(LEAST_COLUMNS),
        };
        let (down, across) = (m.div_ceil(rows), n.div_ceil(columns));
        // A result has no more elements than a buffer has bytes.
        let count = down
            .saturating_mul(across)
            .saturating_mul(shape.batch.get());
        Tiling {
            rows,
            columns,
            down,
            across,
            count,
            taken: 1,
        }
    }

    /// The tiles that a thread takes, of which none before these is left.
    pub(super) fn taken(&self, first: u64) -> Option<Range<u64>> {
        let end = first.saturating_add(self.taken).min(self.count);
        (first < end).then_some(first..end)
    }

    /// The part of the result that a tile is.
    pub(super) fn part(&self, shape: &GemmShape, index: u64) -> Part {
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

/// What tiles of a product cost, in multiplications.
struct Cost {
    k: f64,
    threads: u64,
    of_b: f64,
}

impl Cost {
    fn of(shape: &GemmShape, threads: u64) -> Cost {
        let whole = Part {
            batch: 0,
            row: 0,
            column: 0,
            rows: shape.k as usize,
            columns: shape.n.get() as usize,
        };
        Cost {
            k: shape.k as f64,
            threads: threads.max(1),
            of_b: match lies_by_columns(&shape.b, whole) && shape.m.get() > 1 {
                true => TRANSPOSED,
                false => COPIED,
            },
        }
    }

    fn of_tile(&self, rows: u64, columns: u64) -> f64 {
        let (rows, columns) = (rows as f64, columns as f64);
        let each = rows * columns + rows * COPIED + columns * self.of_b;
        each * self.k + rows * columns * COPIED + BEGUN
    }

    /// What the thread has that has the most.
    fn of_all(&self, tiling: &Tiling) -> f64 {
        let rounds = tiling.count.div_ceil(self.threads);
        rounds as f64 * self.of_tile(tiling.rows, tiling.columns)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::num::NonZeroU64;

    use proptest::prelude::*;

    use super::*;
    use crate::linear::{Activation, Element, Operand};

    fn shape([m, n, k]: [u64; 3], batch: u64) -> GemmShape {
        let operand = |columns: u64, rows: u64| Operand {
            offset: 0,
            row: columns,
            column: 1,
            batch: rows * columns,
        };
        let some = |number: u64| NonZeroU64::new(number).unwrap();
        GemmShape {
            element: Element::F32,
            m: some(m),
            n: some(n),
            k,
            batch: some(batch),
            alpha: 1f64.to_bits(),
            beta: 0,
            a: operand(k, m),
            b: operand(n, k),
            c: operand(n, m),
            bias: None,
            activation: Activation::None,
        }
    }

    proptest! {
        #[test]
        fn each_element_is_in_one_tile_and_each_tile_is_taken_once(
            m in 1_u64..1200,
            n in 1_u64..1200,
            k in 0_u64..3000,
            batch in 1_u64..40,
            threads in 1_u64..70,
        ) {
            let shape = shape([m, n, k], batch);
            let tiling = Tiling::of(&shape, threads);
            let (mut next, mut elements) = (0, 0);
            let mut corners = std::collections::HashSet::new();
            while let Some(tiles) = tiling.taken(next) {
                prop_assert_eq!(tiles.start, next);
                next = tiles.end;
                for index in tiles {
                    let part = tiling.part(&shape, index);
                    let (rows, columns) = (part.rows as u64, part.columns as u64);
                    prop_assert!((1..=MOST_SIDE).contains(&rows) && (1..=MOST_SIDE).contains(&columns));
                    prop_assert!(part.batch < batch && part.row + rows <= m && part.column + columns <= n);
                    prop_assert!(part.row.is_multiple_of(tiling.rows));
                    prop_assert!(part.column.is_multiple_of(tiling.columns));
                    prop_assert!(corners.insert((part.batch, part.row, part.column)));
                    elements += rows * columns;
                }
            }
            prop_assert_eq!(elements, m * n * batch);
        }
    }

    #[test]
    fn no_thread_waits_long_for_another_and_small_products_are_not_cut() {
        for [m, n, k] in [
            [512, 1536, 384],
            [512, 1152, 384],
            [512, 384, 1536],
            [4096, 384, 384],
        ] {
            let tiling = Tiling::of(&shape([m, n, k], 1), 2);
            let rounds = tiling.count.div_ceil(2);
            let most = rounds * tiling.rows * tiling.columns;
            assert!(most * 100 <= m * n * 55, "{m} {n} {k}: {tiling:?}");
        }
        assert_eq!(Tiling::of(&shape([64, 64, 64], 1), 16).count, 1);
        let many = Tiling::of(&shape([16, 16, 32], 384), 2);
        assert!((2..=16).contains(&many.taken), "{many:?}");
    }
}
