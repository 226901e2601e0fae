//! Elements of matrices on their way between device memory, where other threads may write at the same
//! time, and memory of this thread's own, where they are numbers that products are computed in.

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use super::multiply::{Left, Number, PANEL, Right, padded};
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
pub(super) fn place_of(operand: &Operand, [batch, row, column]: [u64; 3], size: u64) -> usize {
    let elements = batch * operand.batch + row * operand.row + column * operand.column;
    (operand.offset + elements * size) as usize
}

/// Whether the elements of a column are next to each other, and those of a row are not, or are fewer.
pub(super) fn lies_by_columns(operand: &Operand, part: Part) -> bool {
    operand.row == 1 && (operand.column != 1 || part.columns < part.rows)
}

/// Elements of a factor, as they lie in device memory.
pub(super) struct Source<'a> {
    pub(super) storage: &'a Storage,
    pub(super) element: Element,
    pub(super) operand: &'a Operand,
}

impl Source<'_> {
    /// Reads elements of a row of a part, from a column on.
    pub(super) fn row<T: Loaded>(&self, part: Part, [row, column]: [usize; 2], into: &mut [T]) {
        let step = self.operand.column;
        self.line(part, [row, column], step, into);
    }

    /// Reads elements of a column of a part, from a row on.
    pub(super) fn column<T: Loaded>(&self, part: Part, [row, column]: [usize; 2], into: &mut [T]) {
        let step = self.operand.row;
        self.line(part, [row, column], step, into);
    }

    fn line<T: Loaded>(&self, part: Part, at: [usize; 2], step: u64, into: &mut [T]) {
        let size = self.element.factor_bytes();
        let [row, column] = at.map(|index| index as u64);
        let place = [part.batch, part.row + row, part.column + column];
        let first = place_of(self.operand, place, size);
        if step == 1 {
            return T::load(self.storage, self.element, first, into);
        }
        let step = (step * size) as usize;
        for (index, into) in into.chunks_mut(1).enumerate() {
            T::load(self.storage, self.element, first + index * step, into);
        }
    }
}

/// Copies a part of the first factor, as it lies: so nothing is transposed on the way.
pub(super) fn pack_left<'a, T: Loaded>(
    source: &Source<'_>,
    part: Part,
    into: &'a mut Vec<T>,
) -> Left<'a, T> {
    let Part { rows, columns, .. } = part;
    into.resize((rows * columns).max(into.len()), T::default());
    if lies_by_columns(source.operand, part) {
        for (column, into) in into.chunks_mut(rows).take(columns).enumerate() {
            source.column(part, [0, column], into);
        }
        return Left {
            elements: into,
            row: 1,
            column: rows,
        };
    }
    for (row, into) in into.chunks_mut(columns).take(rows).enumerate() {
        source.row(part, [row, 0], into);
    }
    Left {
        elements: into,
        row: columns,
        column: 1,
    }
}

/// How many columns that lie one by one are brought into rows at a time.
const TRANSPOSED: usize = 4;

/// Copies a part of the second factor to panels. `lines` is memory for columns on their way.
pub(super) fn pack_right<'a, T: Loaded>(
    source: &Source<'_>,
    part: Part,
    into: &'a mut Vec<T>,
    lines: &mut Vec<T>,
) -> Right<'a, T> {
    let Part { rows, columns, .. } = part;
    let all = rows * padded(columns);
    into.resize(all.max(into.len()), T::default());
    let panels = into.get_mut(..all).unwrap_or_default();
    match lies_by_columns(source.operand, part) {
        true => pack_columns(source, part, panels, lines),
        false => pack_rows(source, part, panels, lines),
    }
    Right {
        elements: into,
        columns,
    }
}

/// Reads row after row, as they lie in memory, and divides each among the panels.
fn pack_rows<T: Loaded>(source: &Source<'_>, part: Part, panels: &mut [T], line: &mut Vec<T>) {
    let Part { rows, columns, .. } = part;
    line.resize(columns.max(line.len()), T::default());
    let line = line.get_mut(..columns).unwrap_or_default();
    for row in 0..rows {
        source.row(part, [row, 0], line);
        for (line, panel) in line.chunks(PANEL).zip(panels.chunks_mut(rows * PANEL)) {
            let width = padded(line.len());
            let into = panel.get_mut(row * width..(row + 1) * width);
            if let Some((into, rest)) = into.and_then(|into| into.split_at_mut_checked(line.len()))
            {
                into.copy_from_slice(line);
                rest.fill(T::default());
            }
        }
    }
}

/// Reads some columns at a time, and brings them into rows.
fn pack_columns<T: Loaded>(source: &Source<'_>, part: Part, panels: &mut [T], lines: &mut Vec<T>) {
    let Part { rows, columns, .. } = part;
    lines.resize((rows * TRANSPOSED).max(lines.len()), T::default());
    for (index, panel) in panels.chunks_mut(rows * PANEL).enumerate() {
        let first = index * PANEL;
        let columns = PANEL.min(columns - first);
        let width = padded(columns);
        for group in (0..width).step_by(TRANSPOSED) {
            let found = columns.saturating_sub(group).min(TRANSPOSED);
            for (index, line) in lines.chunks_mut(rows).take(TRANSPOSED).enumerate() {
                match index < found {
                    true => source.column(part, [0, first + group + index], line),
                    false => line.fill(T::default()),
                }
            }
            let into = panel.get_mut(group..).unwrap_or_default();
            spread(lines, into, rows, width);
        }
    }
}

/// The panels that were packed there before.
pub(super) fn packed_right<T>(elements: &[T], columns: usize) -> Right<'_, T> {
    Right { elements, columns }
}

/// Writes columns that lie behind one another side by side, into rows that are so far apart.
fn spread<T: Copy>(lines: &[T], into: &mut [T], rows: usize, width: usize) {
    let mut lines = lines.chunks_exact(rows);
    let mut next = || lines.next().unwrap_or_default();
    let (a, b, c, d) = (next(), next(), next(), next());
    let columns = a.iter().zip(b).zip(c.iter().zip(d));
    for (into, ((a, b), (c, d))) in into.chunks_mut(width).zip(columns) {
        if let Some(into) = into.first_chunk_mut::<TRANSPOSED>() {
            *into = [*a, *b, *c, *d];
        }
    }
}
