//! A tile of the result of a product, which one thread at a time computes: sums of its own, to which the
//! product of a few columns of `a` and rows of `b` is added in each step, and which are written at the
//! end. A step takes a fraction of a millisecond, and what it does depends on nothing but the product's
//! shape and the number of threads, so that the results do not either.

use super::ProductRun;
use super::elements::{Loaded, Part, pack, place};
use super::multiply::{Panel, multiply};
use crate::Buffer;
use crate::linear::{Activation, Element, GemmShape, Operand, gelu};

/// How many columns of `a` are added up in one step. Products of 8 bits are added up in `f32` for so
/// long, which is exact.
const DEPTH: u64 = 256;

/// How many rows of a tile a step does.
const STEP_ROWS: usize = 128;

/// The largest side of a tile, in elements.
pub(super) const MOST_SIDE: usize = 512;

/// Which part of the result, and how far it is.
pub(super) struct Tile {
    batch: u64,
    row: u64,
    column: u64,
    rows: usize,
    columns: usize,
    /// How many columns of `a` were added up for all rows, and for how many rows the step after
    /// that is done.
    depth: u64,
    done: usize,
    sums: Sums,
}

/// What was added up, row by row.
enum Sums {
    F32(Vec<f32>),
    F64(Vec<f64>),
    S32(Vec<i32>),
}

/// Memory of a thread in which parts of the factors lie as numbers.
#[derive(Default)]
pub(super) struct Scratch {
    single: Panels<f32>,
    double: Panels<f64>,
    /// Sums of 8-bit products.
    product: Vec<f32>,
    whole: Vec<i32>,
    /// Whether the panel of `b` is that of the tile's next step.
    has_b: bool,
}

#[derive(Default)]
struct Panels<T> {
    a: Vec<T>,
    b: Vec<T>,
    /// A row of what `c` was, and one of the bias.
    before: Vec<T>,
    bias: Vec<T>,
}

impl Scratch {
    /// The next step is another tile's, or that of a tile that waited.
    pub(super) fn forget(&mut self) {
        self.has_b = false;
    }
}

impl Tile {
    /// A tile of which nothing is done, in the memory of one that is.
    pub(super) fn begin(part: Part, element: Element, former: Option<Box<Tile>>) -> Box<Tile> {
        let Part {
            batch,
            row,
            column,
            rows,
            columns,
        } = part;
        let mut sums = match (element, former.map(|tile| tile.sums)) {
            (_, Some(sums)) => sums,
            (Element::F32 | Element::F16 | Element::BF16, None) => Sums::F32(Vec::new()),
            (Element::F64, None) => Sums::F64(Vec::new()),
            (Element::S8, None) => Sums::S32(Vec::new()),
        };
        let count = rows * columns;
        // The first step sets what it would add to, but where there is none.
        match &mut sums {
            Sums::F32(sums) => sums.resize(count, 0.0),
            Sums::F64(sums) => sums.resize(count, 0.0),
            Sums::S32(sums) => sums.resize(count, 0),
        }
        Box::new(Tile {
            batch,
            row,
            column,
            rows,
            columns,
            depth: 0,
            done: 0,
            sums,
        })
    }

    /// Does a step; true once the tile is written.
    pub(super) fn step(&mut self, run: &ProductRun, scratch: &mut Scratch) -> bool {
        let rows = self.done..self.rows.min(self.done + STEP_ROWS);
        let shape = &run.shape;
        if self.depth < shape.k {
            self.add(run, rows.start, rows.len(), scratch);
            self.done = rows.end;
            if self.done >= self.rows {
                self.done = 0;
                self.depth += DEPTH;
                scratch.has_b = false;
            }
            return false;
        }
        self.finish(run, rows.start, rows.len(), scratch);
        self.done = rows.end;
        self.done >= self.rows
    }

    /// Adds the products of some columns of `a`, for some rows.
    fn add(&mut self, run: &ProductRun, first: usize, rows: usize, scratch: &mut Scratch) {
        let inner = DEPTH.min(run.shape.k - self.depth) as usize;
        let sizes = [rows, self.columns, inner];
        let range = first * self.columns..(first + rows) * self.columns;
        let adds = self.depth > 0;
        let has_b = std::mem::replace(&mut scratch.has_b, true);
        let parts = self.parts(first, rows, inner);
        match &mut self.sums {
            Sums::F32(sums) => {
                let panels = packed(run, parts, &mut scratch.single, has_b);
                let sums = sums.get_mut(range).unwrap_or_default();
                if let Some((a, b)) = panels {
                    add_product(sums, sizes, a, b, adds);
                }
            }
            Sums::F64(sums) => {
                let panels = packed(run, parts, &mut scratch.double, has_b);
                let sums = sums.get_mut(range).unwrap_or_default();
                if let Some((a, b)) = panels {
                    add_product(sums, sizes, a, b, adds);
                }
            }
            Sums::S32(sums) => {
                let product = &mut scratch.product;
                product.resize(range.len().max(product.len()), 0.0);
                let panels = packed(run, parts, &mut scratch.single, has_b);
                let sums = sums.get_mut(range).unwrap_or_default();
                if let Some((a, b)) = panels {
                    add_product(product, sizes, a, b, false);
                    for (sum, product) in sums.iter_mut().zip(product) {
                        let before = if adds { *sum } else { 0 };
                        *sum = before.wrapping_add(*product as i32);
                    }
                }
            }
        }
    }

    /// Which parts of the factors a step needs.
    fn parts(&self, first: usize, rows: usize, inner: usize) -> [Part; 2] {
        let a = Part {
            batch: self.batch,
            row: self.row + first as u64,
            column: self.depth,
            rows,
            columns: inner,
        };
        let b = Part {
            batch: self.batch,
            row: self.depth,
            column: self.column,
            rows: inner,
            columns: self.columns,
        };
        [a, b]
    }

    /// Writes some rows.
    fn finish(&mut self, run: &ProductRun, first: usize, rows: usize, scratch: &mut Scratch) {
        let shape = &run.shape;
        // Without a product there is nothing in them.
        let empty = shape.k == 0;
        for row in first..first + rows {
            let at = [self.batch, self.row + row as u64, self.column];
            let range = row * self.columns..(row + 1) * self.columns;
            let written = Written { run, at };
            match &mut self.sums {
                Sums::F32(sums) => {
                    let sums = sums.get_mut(range).unwrap_or_default();
                    if empty {
                        sums.fill(0.0);
                    }
                    let (alpha, beta) = (shape.alpha() as f32, shape.beta() as f32);
                    written.write(sums, &mut scratch.single, alpha, beta, |sum| {
                        match shape.activation {
                            Activation::None => sum,
                            Activation::Relu => relu(sum),
                            Activation::Gelu => gelu(sum),
                        }
                    });
                }
                Sums::F64(sums) => {
                    let sums = sums.get_mut(range).unwrap_or_default();
                    if empty {
                        sums.fill(0.0);
                    }
                    let (alpha, beta) = (shape.alpha(), shape.beta());
                    written.write(sums, &mut scratch.double, alpha, beta, |sum| {
                        match shape.activation {
                            Activation::Relu => relu(sum),
                            Activation::None | Activation::Gelu => sum,
                        }
                    });
                }
                Sums::S32(sums) => {
                    let sums = sums.get_mut(range).unwrap_or_default();
                    if empty {
                        sums.fill(0);
                    }
                    written.write_whole(sums, &mut scratch.whole);
                }
            }
        }
    }
}

/// The packed parts of both factors; that of `b` is there already where `has_b` says so.
fn packed<'a, T: Loaded>(
    run: &ProductRun,
    [a, b]: [Part; 2],
    panels: &'a mut Panels<T>,
    has_b: bool,
) -> Option<(Panel<'a, T>, Panel<'a, T>)> {
    let (shape, element) = (&run.shape, run.shape.element);
    let from_b = if has_b { None } else { Some(run.b.storage()?) };
    Some((
        pack(run.a.storage()?, element, &shape.a, a, &mut panels.a),
        match from_b {
            Some(storage) => pack(storage, element, &shape.b, b, &mut panels.b),
            None => Panel::of(&shape.b, b, &panels.b),
        },
    ))
}

/// Adds a product to sums. One of a row and a matrix that lies column by column is done by dot products,
/// since the crates would transpose the matrix first.
fn add_product<T: Loaded + std::ops::Mul<Output = T> + std::ops::AddAssign>(
    sums: &mut [T],
    sizes: [usize; 3],
    a: Panel<'_, T>,
    b: Panel<'_, T>,
    adds: bool,
) {
    let [rows, columns, inner] = sizes;
    if rows != 1 || b.row != 1 || a.column != 1 {
        return multiply(sums, sizes, a, b, adds);
    }
    let a = a.elements.get(..inner).unwrap_or_default();
    let columns = b.elements.chunks(b.column).take(columns);
    for (sum, column) in sums.iter_mut().zip(columns) {
        if !adds {
            *sum = T::default();
        }
        *sum += dot(a, column);
    }
}

/// The sum of products, in as many parts as the compiler makes vectors of.
fn dot<T: Loaded + std::ops::Mul<Output = T> + std::ops::AddAssign>(a: &[T], b: &[T]) -> T {
    const PARTS: usize = 16;
    let mut parts = [T::default(); PARTS];
    let (a, a_rest) = a.as_chunks::<PARTS>();
    let (b, b_rest) = b.as_chunks::<PARTS>();
    for (a, b) in a.iter().zip(b) {
        for ((part, a), b) in parts.iter_mut().zip(a).zip(b) {
            *part += *a * *b;
        }
    }
    let mut sum = T::default();
    for part in parts {
        sum += part;
    }
    for (a, b) in a_rest.iter().zip(b_rest) {
        sum += *a * *b;
    }
    sum
}

/// The larger of x and 0; a NaN stays one.
fn relu<T: PartialOrd + Default>(x: T) -> T {
    match x < T::default() {
        true => T::default(),
        false => x,
    }
}

/// Where a row of a tile is written.
struct Written<'a> {
    run: &'a ProductRun,
    /// The matrix of the batch, the row and the first column.
    at: [u64; 3],
}

impl Written<'_> {
    /// Writes a row of `activation(alpha * sums + beta * c + bias)`.
    fn write<T: Loaded + PartialEq + std::ops::Mul<Output = T> + std::ops::AddAssign>(
        &self,
        sums: &mut [T],
        panels: &mut Panels<T>,
        alpha: T,
        beta: T,
        activation: impl Fn(T) -> T,
    ) {
        let shape = &self.run.shape;
        for sum in &mut *sums {
            *sum = alpha * *sum;
        }
        if shape.beta() != 0.0 {
            self.load(&self.run.c, &shape.c, &mut panels.before, sums.len());
            for (sum, before) in sums.iter_mut().zip(&panels.before) {
                *sum += beta * *before;
            }
        }
        if let (Some(buffer), Some(bias)) = (&self.run.bias, &shape.bias) {
            self.load(buffer, bias, &mut panels.bias, sums.len());
            for (sum, bias) in sums.iter_mut().zip(&panels.bias) {
                *sum += *bias;
            }
        }
        if shape.activation != Activation::None {
            for sum in &mut *sums {
                *sum = activation(*sum);
            }
        }
        let Some(storage) = self.run.c.storage() else {
            return;
        };
        let size = shape.element.result_bytes();
        match shape.c.column {
            1 => T::store(storage, shape.element, place(&shape.c, self.at, size), sums),
            _ => {
                let [batch, row, first] = self.at;
                for (column, sum) in (first..).zip(sums.chunks(1)) {
                    let at = place(&shape.c, [batch, row, column], size);
                    T::store(storage, shape.element, at, sum);
                }
            }
        }
    }

    /// Reads the elements of an operand of the result's type that belong to the row.
    fn load<T: Loaded>(&self, buffer: &Buffer, operand: &Operand, into: &mut Vec<T>, count: usize) {
        into.resize(count, T::default());
        let Some(storage) = buffer.storage() else {
            return;
        };
        let element = self.run.shape.element;
        let size = element.result_bytes();
        let [batch, row, first] = self.at;
        if operand.column == 1 {
            return T::load(storage, element, place(operand, self.at, size), into);
        }
        for (column, into) in (first..).zip(into.chunks_mut(1)) {
            T::load(
                storage,
                element,
                place(operand, [batch, row, column], size),
                into,
            );
        }
    }

    /// Writes a row of whole numbers, which wrap.
    fn write_whole(&self, sums: &mut [i32], before: &mut Vec<i32>) {
        let shape: &GemmShape = &self.run.shape;
        let (alpha, beta) = (shape.alpha() as i32, shape.beta() as i32);
        let Some(storage) = self.run.c.storage() else {
            return;
        };
        before.resize(sums.len(), 0);
        let [batch, row, first] = self.at;
        let at = |column: u64| place(&shape.c, [batch, row, column], 4);
        let is_row = shape.c.column == 1;
        if beta != 0 {
            if is_row {
                storage.read(at(first), bytemuck::cast_slice_mut(before));
            } else {
                for (column, before) in (first..).zip(before.chunks_mut(1)) {
                    storage.read(at(column), bytemuck::cast_slice_mut(before));
                }
            }
        }
        for (sum, before) in sums.iter_mut().zip(before) {
            *sum = sum.wrapping_mul(alpha);
            if beta != 0 {
                *sum = sum.wrapping_add(before.wrapping_mul(beta));
            }
        }
        if is_row {
            return storage.write(at(first), bytemuck::cast_slice(sums));
        }
        for (column, sum) in (first..).zip(sums.chunks(1)) {
            storage.write(at(column), bytemuck::cast_slice(sum));
        }
    }
}
