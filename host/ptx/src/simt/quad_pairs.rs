//! `mma.m8n8k4` with factors of `.f16` (PTX ISA, "Matrix Fragments for mma.m8n8k4 with .f16 floating point
//! type"): four products at once, each of the lanes of a pair of quads, of which one is in the lower half
//! of the warp and one in the upper.

use std::fmt;

use crate::numeric::float::{F16, F32, Float};
use crate::simt::lanes::{LaneWords, WARP_LANES};
use crate::simt::matrix::{add_product, single};
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::types::Type;

/// Rows of the first matrix, and columns of the second.
const LINES: usize = 8;

/// Columns of the first matrix, rows of the second.
const DEPTH: usize = 4;

/// The products of all pairs of quads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct QuadPairs {
    /// Whether each lane has elements of a row of the first matrix, and of the second; else of a column.
    a_rows: bool,
    b_rows: bool,
    result: Type,
    added: Type,
}

/// Where a lane's element of a matrix lies.
type Place = (usize, usize);

impl QuadPairs {
    /// `None` where the instruction is another one.
    pub(crate) fn of(modifiers: &Modifiers) -> Option<QuadPairs> {
        let mut types = modifiers.types();
        let (result, a, _, added) = (types.next()?, types.next()?, types.next()?, types.next()?);
        if !modifiers.has(Modifier::M8N8K4) || a != Type::F16 {
            return None;
        }
        let layouts = modifiers.as_slice().iter().filter_map(|word| match word {
            Modifier::RowMajor => Some(true),
            Modifier::ColumnMajor => Some(false),
            _ => None,
        });
        let layouts: Vec<bool> = layouts.collect();
        let [a_rows, b_rows] = *layouts.as_slice() else {
            return None;
        };
        Some(QuadPairs {
            a_rows,
            b_rows,
            result,
            added,
        })
    }

    /// How many registers a lane brings, and how many it gets.
    pub(crate) fn inputs(self) -> usize {
        4 + sum_registers(self.added)
    }

    pub(crate) fn results(self) -> usize {
        sum_registers(self.result)
    }

    fn of_a(self, lane: usize, i: usize) -> Place {
        let (place, upper) = (lane % 4, lane / 16 * 4);
        match self.a_rows {
            true => (place + upper, i),
            false => (i + upper, place),
        }
    }

    fn of_b(self, lane: usize, i: usize) -> Place {
        let (place, upper) = (lane % 4, lane / 16 * 4);
        match self.b_rows {
            true => (place, i + upper),
            false => (i, place + upper),
        }
    }

    /// Evaluates it for the lanes of `members`; elements of other lanes count as zeros.
    pub(crate) fn evaluate(self, members: u32, inputs: &[LaneWords], results: &mut [LaneWords]) {
        let word = |register: usize, lane: usize| match (members >> lane) & 1 {
            0 => 0,
            _ => inputs.get(register).map_or(0, |words| words[lane]),
        };
        let half = |first: usize, lane: usize, i: usize| {
            let bits = word(first + i / 2, lane) >> (16 * (i % 2));
            single(Type::F16, bits & 0xffff)
        };
        for row in results.iter_mut() {
            row.fill(0);
        }
        for pair in 0..WARP_LANES as usize / LINES {
            let lanes = (0..LINES).map(|number| 4 * pair + number % 4 + number / 4 * 16);
            let mut a = [[0f32; DEPTH]; LINES];
            let mut b = [[0f32; LINES]; DEPTH];
            let mut sums = [[0f32; LINES]; LINES];
            for lane in lanes.clone() {
                for i in 0..DEPTH {
                    let (row, column) = self.of_a(lane, i);
                    a[row][column] = half(0, lane, i);
                    let (row, column) = self.of_b(lane, i);
                    b[row][column] = half(2, lane, i);
                }
                for i in 0..LINES {
                    let (row, column) = of_sum(self.added, lane, i);
                    sums[row][column] = match self.added {
                        Type::F16 => half(4, lane, i),
                        _ => f32::from_bits(word(4 + i, lane) as u32),
                    };
                }
            }
            for (a, sums) in a.iter().zip(&mut sums) {
                for (a, b) in a.iter().zip(&b) {
                    for (sum, b) in sums.iter_mut().zip(b) {
                        *sum = add_product(*sum, *a, *b);
                    }
                }
            }
            for lane in lanes {
                for i in 0..LINES {
                    let (row, column) = of_sum(self.result, lane, i);
                    let sum = sums[row][column];
                    let (register, bits) = match self.result {
                        Type::F16 => (i / 2, F16::from_f64(sum.into()) << (16 * (i % 2))),
                        _ if sum.is_nan() => (i, F32::NAN),
                        _ => (i, u64::from(sum.to_bits())),
                    };
                    if let Some(words) = results.get_mut(register) {
                        words[lane] |= bits;
                    }
                }
            }
        }
    }
}

fn sum_registers(ty: Type) -> usize {
    match ty {
        Type::F16 => 4,
        _ => 8,
    }
}

/// Where a lane's element of what is added, or of the result, lies.
fn of_sum(ty: Type, lane: usize, i: usize) -> Place {
    let upper = lane / 16 * 4;
    match ty {
        Type::F16 => (lane % 4 + upper, i),
        _ => ((lane & 1) + (i & 2) + upper, (i & 4) + (lane & 2) + (i & 1)),
    }
}

/// As PTX writes it, for texts of the IR.
impl fmt::Display for QuadPairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layout = |rows: bool| if rows { "row" } else { "col" };
        let (a, b) = (layout(self.a_rows), layout(self.b_rows));
        write!(f, "mma.m8n8k4.{a}.{b}{}.f16.f16{}", self.result, self.added)
    }
}
