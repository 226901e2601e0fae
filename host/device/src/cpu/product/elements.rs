//! Elements of matrices on their way between device memory, where other threads may write at the same
//! time, and memory of this thread's own, where they are numbers that products are computed in.

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use super::multiply::{Number, Panel};
use crate::linear::{Element, Operand};
use crate::memory::Storage;

/// How many elements of two bytes or one are converted at a time.
const CONVERTED: usize = 1024;

/// A number that products are computed in, as elements of device memory become one.
pub(super) trait Loaded: Number + Default + bytemuck::Pod {
    /// Reads adjacent elements, from the byte `at` on.
    fn load(storage: &Storage, element: Element, at: usize, into: &mut [Self]);

    /// Writes adjacent elements, each rounded once.
    fn store(storage: &Storage, element: Element, at: usize, from: &[Self]);
}

impl Loaded for f64 {
    fn load(storage: &Storage, _: Element, at: usize, into: &mut [f64]) {
        storage.read(at, bytemuck::cast_slice_mut(into));
    }

    fn store(storage: &Storage, _: Element, at: usize, from: &[f64]) {
        storage.write(at, bytemuck::cast_slice(from));
    }
}

impl Loaded for f32 {
    fn load(storage: &Storage, element: Element, at: usize, into: &mut [f32]) {
        match element {
            Element::F32 | Element::F64 => storage.read(at, bytemuck::cast_slice_mut(into)),
            Element::F16 => {
                let mut halves = [f16::ZERO; CONVERTED];
                for (index, into) in into.chunks_mut(CONVERTED).enumerate() {
                    let halves = halves.get_mut(..into.len()).unwrap_or_default();
                    let at = at + index * CONVERTED * 2;
                    storage.read(at, bytemuck::cast_slice_mut(halves));
                    halves.convert_to_f32_slice(into);
                }
            }
            Element::BF16 => {
                let mut halves = [0u16; CONVERTED];
                for (index, into) in into.chunks_mut(CONVERTED).enumerate() {
                    let halves = halves.get_mut(..into.len()).unwrap_or_default();
                    let at = at + index * CONVERTED * 2;
                    storage.read(at, bytemuck::cast_slice_mut(halves));
                    for (into, bits) in into.iter_mut().zip(halves) {
                        *into = f32::from_bits(u32::from(*bits) << 16);
                    }
                }
            }
            Element::S8 => {
                let mut bytes = [0u8; CONVERTED];
                for (index, into) in into.chunks_mut(CONVERTED).enumerate() {
                    let bytes = bytes.get_mut(..into.len()).unwrap_or_default();
                    storage.read(at + index * CONVERTED, bytes);
                    for (into, byte) in into.iter_mut().zip(bytes) {
                        *into = f32::from(byte.cast_signed());
                    }
                }
            }
        }
    }

    fn store(storage: &Storage, element: Element, at: usize, from: &[f32]) {
        match element {
            Element::F16 => {
                let mut halves = [f16::ZERO; CONVERTED];
                for (index, from) in from.chunks(CONVERTED).enumerate() {
                    let halves = halves.get_mut(..from.len()).unwrap_or_default();
                    halves.convert_from_f32_slice(from);
                    storage.write(at + index * CONVERTED * 2, bytemuck::cast_slice(halves));
                }
            }
            Element::BF16 => {
                let mut halves = [bf16::ZERO; CONVERTED];
                for (index, from) in from.chunks(CONVERTED).enumerate() {
                    let halves = halves.get_mut(..from.len()).unwrap_or_default();
                    halves.convert_from_f32_slice(from);
                    storage.write(at + index * CONVERTED * 2, bytemuck::cast_slice(halves));
                }
            }
            Element::F32 | Element::F64 | Element::S8 => {
                storage.write(at, bytemuck::cast_slice(from));
            }
        }
    }
}

/// A part of an operand: the matrix of the batch, its first row and column, and how many of each.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) batch: u64,
    pub(super) row: u64,
    pub(super) column: u64,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// Where an element lies, in bytes. The product's ranges were checked, so nothing overflows.
pub(super) fn place(operand: &Operand, [batch, row, column]: [u64; 3], size: u64) -> usize {
    let elements = batch * operand.batch + row * operand.row + column * operand.column;
    (operand.offset + elements * size) as usize
}

/// Copies a part of a factor, as it lies: so nothing is transposed on the way.
pub(super) fn pack<'a, T: Loaded>(
    storage: &Storage,
    element: Element,
    operand: &Operand,
    part: Part,
    into: &'a mut Vec<T>,
) -> Panel<'a, T> {
    let Part { rows, columns, .. } = part;
    let size = element.factor_bytes();
    into.resize((rows * columns).max(into.len()), T::default());
    let by_columns = lies_by_columns(operand, part);
    let at = |row: usize, column: usize| {
        let (row, column) = (part.row + row as u64, part.column + column as u64);
        place(operand, [part.batch, row, column], size)
    };
    if by_columns {
        for (column, into) in into.chunks_mut(rows).take(columns).enumerate() {
            T::load(storage, element, at(0, column), into);
        }
    } else if operand.column == 1 {
        for (row, into) in into.chunks_mut(columns).take(rows).enumerate() {
            T::load(storage, element, at(row, 0), into);
        }
    } else {
        for (row, into) in into.chunks_mut(columns).take(rows).enumerate() {
            for (column, into) in into.chunks_mut(1).enumerate() {
                T::load(storage, element, at(row, column), into);
            }
        }
    }
    Panel::of(operand, part, into)
}

/// Whether the elements of a column are next to each other, and those of a row are not, or are fewer.
fn lies_by_columns(operand: &Operand, part: Part) -> bool {
    operand.row == 1 && (operand.column != 1 || part.columns < part.rows)
}

impl<'a, T> Panel<'a, T> {
    /// A part that was packed there.
    pub(super) fn of(operand: &Operand, part: Part, elements: &'a [T]) -> Panel<'a, T> {
        let (row, column) = match lies_by_columns(operand, part) {
            true => (1, part.rows),
            false => (part.columns, 1),
        };
        Panel {
            elements,
            row,
            column,
        }
    }
}
