//! What becomes of the sums of a product: `activation(alpha * sums + beta * c + bias)`, row by row.

use std::ops::{Add, Mul};

use gemm_common::pulp::Arch;

use super::ProductRun;
use super::elements::{Loaded, place_of};
use crate::Buffer;
use crate::linear::{Activation, GemmShape, Operand, gelu};

/// Where a row of a tile is written: the matrix of the batch, the row and the first column.
pub(super) struct Written<'a> {
    pub(super) run: &'a ProductRun,
    pub(super) at: [u64; 3],
}

/// Memory for rows of what `c` was and of the bias.
#[derive(Default)]
pub(super) struct Rows<T> {
    before: Vec<T>,
    bias: Vec<T>,
}

/// A number in which a result is computed before it is rounded.
pub(super) trait Real:
    Loaded + Mul<Output = Self> + Add<Output = Self> + PartialOrd
{
    fn of(number: f64) -> Self;

    /// `x * Φ(x)`.
    fn gelu(self) -> Self;
}

impl Real for f32 {
    fn of(number: f64) -> f32 {
        number as f32
    }

    #[inline(always)]
    fn gelu(self) -> f32 {
        gelu(self)
    }
}

impl Real for f64 {
    fn of(number: f64) -> f64 {
        number
    }

    /// Refused of numbers of this type.
    #[inline(always)]
    fn gelu(self) -> f64 {
        self
    }
}

impl Written<'_> {
    /// Reads the bias of the columns of a tile, if there is one, which all of its rows have in common.
    pub(super) fn load_bias<T: Loaded>(&self, rows: &mut Rows<T>, columns: usize) {
        if let (Some(buffer), Some(bias)) = (&self.run.bias, &self.run.shape.bias) {
            self.load(buffer, bias, &mut rows.bias, columns);
        }
    }

    /// Writes a row, whose bias was [read](Written::load_bias).
    pub(super) fn write<T: Real>(&self, sums: &mut [T], rows: &mut Rows<T>) {
        let shape = &self.run.shape;
        let (alpha, beta) = (T::of(shape.alpha()), T::of(shape.beta()));
        if shape.beta() != 0.0 {
            self.load(&self.run.c, &shape.c, &mut rows.before, sums.len());
        }
        let before = (shape.beta() != 0.0).then_some(rows.before.as_slice());
        let bias = shape.bias.is_some().then_some(rows.bias.as_slice());
        // With the widest vectors that the processor has.
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for sum in &mut *sums {
                    *sum = alpha * *sum;
                }
                if let Some(before) = before {
                    for (sum, before) in sums.iter_mut().zip(before) {
                        *sum = *sum + beta * *before;
                    }
                }
                if let Some(bias) = bias {
                    for (sum, bias) in sums.iter_mut().zip(bias) {
                        *sum = *sum + *bias;
                    }
                }
                match shape.activation {
                    Activation::None => {}
                    Activation::Relu => {
                        for sum in &mut *sums {
                            *sum = relu(*sum);
                        }
                    }
                    Activation::Gelu => {
                        for sum in &mut *sums {
                            *sum = sum.gelu();
                        }
                    }
                }
            },
        );
        let Some(storage) = self.run.c.storage() else {
            return;
        };
        let size = shape.element.result_bytes();
        match shape.c.column {
            1 => T::store(
                storage,
                shape.element,
                place_of(&shape.c, self.at, size),
                sums,
            ),
            _ => {
                let [batch, row, first] = self.at;
                for (column, sum) in (first..).zip(sums.chunks(1)) {
                    let at = place_of(&shape.c, [batch, row, column], size);
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
            return T::load(storage, element, place_of(operand, self.at, size), into);
        }
        for (column, into) in (first..).zip(into.chunks_mut(1)) {
            T::load(
                storage,
                element,
                place_of(operand, [batch, row, column], size),
                into,
            );
        }
    }

    /// Writes a row of whole numbers, which wrap.
    pub(super) fn write_whole(&self, sums: &mut [i32], before: &mut Vec<i32>) {
        let shape: &GemmShape = &self.run.shape;
        let (alpha, beta) = (shape.alpha() as i32, shape.beta() as i32);
        let Some(storage) = self.run.c.storage() else {
            return;
        };
        before.resize(sums.len(), 0);
        let [batch, row, first] = self.at;
        let at = |column: u64| place_of(&shape.c, [batch, row, column], 4);
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

/// The larger of x and 0; a NaN stays one.
#[inline(always)]
fn relu<T: PartialOrd + Default>(x: T) -> T {
    match x < T::default() {
        true => T::default(),
        false => x,
    }
}

/// Adds products of 8 bits, which are whole numbers, to sums that wrap, or sets those to them.
pub(super) fn add_whole(sums: &mut [i32], products: &[f32], adds: bool) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (sum, product) in sums.iter_mut().zip(products) {
                let before = if adds { *sum } else { 0 };
                *sum = before.wrapping_add(*product as i32);
            }
        },
    );
}
