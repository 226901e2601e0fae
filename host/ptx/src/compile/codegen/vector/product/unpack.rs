//! Unpacking the factors of a product: to numbers of 32 bits, as they are multiplied.

use wasm_encoder::{BlockType, Instruction as W};

use crate::compile::Unsupported;
use crate::compile::codegen::function_writer::{Emit, Function};
use crate::compile::codegen::scratch;
use crate::compile::codegen::vector::product::{FIRST_FRAGMENT, Product, REGISTER, VECTOR, parts};
use crate::compile::codegen::vector::splat_i32;
use crate::syntax::types::Type;

impl Product {
    /// Unpacks the first matrix: of each register, for each group, the elements of a row one after another.
    pub(super) fn unpack_rows(mut self) -> Result<Function, Unsupported> {
        if self.mma.a == Type::F16 {
            // Without infinities and NaNs that takes few instructions.
            let [special] = self.vectors();
            self.rows_by(|product, element, part| {
                product.finite_singles(element, part, special);
            });
            self.get(special);
            self.op(W::V128AnyTrue);
            self.op(W::If(BlockType::Empty));
            self.rows_by(|product, element, part| product.part(element, part, product.mma.a));
            self.op(W::End);
        } else {
            self.rows_by(|product, element, part| product.part(element, part, product.mma.a));
        }
        self.i32(0);
        self.writer.finish()
    }

    fn rows_by(&mut self, part_of: impl Fn(&mut Self, u32, u32)) {
        let parts = parts(self.mma);
        let [element] = self.vectors();
        let vectors: [u32; 2] = self.vectors();
        self.each_group(1, |product, group, of_parts| {
            for register in 0..product.mma.a_registers() as u32 {
                product.get(group);
                let at = product.begin + register * REGISTER;
                product.op(W::V128Load(scratch(at, 4)));
                product.set(element);
                for (part, local) in (0..parts).zip(vectors) {
                    part_of(product, element, part);
                    product.set(local);
                }
                // Lanes hold neighbouring elements, of which each part has one.
                for (part, interleaved) in (0..parts).zip([LOW_LANES, HIGH_LANES]) {
                    product.get(FIRST_FRAGMENT);
                    product.get(of_parts);
                    product.op(W::I32Add);
                    let [first, second] = vectors;
                    if parts == 1 {
                        product.get(first);
                    } else {
                        product.shuffle(first, second, interleaved);
                    }
                    let at = register * parts * REGISTER + part * VECTOR;
                    product.op(W::V128Store(scratch(at, 4)));
                }
            }
        });
    }

    /// Transposes and unpacks the second matrix: by register, lane and part, the even and the odd
    /// columns.
    pub(super) fn unpack_columns(mut self) -> Result<Function, Unsupported> {
        let first = self.mma.a_registers() as u32;
        if self.mma.b == Type::F16 {
            let [special] = self.vectors();
            self.columns_by(first, |product, vector, part| {
                product.finite_singles(vector, part, special);
            });
            self.get(special);
            self.op(W::V128AnyTrue);
            self.op(W::If(BlockType::Empty));
            self.columns_by(first, |product, vector, part| {
                product.part(vector, part, product.mma.b);
            });
            self.op(W::End);
        } else {
            self.columns_by(first, |product, vector, part| {
                product.part(vector, part, product.mma.b);
            });
        }
        self.i32(0);
        self.writer.finish()
    }

    fn columns_by(&mut self, first: u32, part_of: impl Fn(&mut Self, u32, u32)) {
        let mut at = 0;
        for register in 0..self.mma.b_registers() as u32 {
            let even = self.transposed(first + register, 0);
            let odd = self.transposed(first + register, 1);
            for (even, odd) in even.into_iter().zip(odd) {
                for part in 0..parts(self.mma) {
                    for vector in [even, odd] {
                        self.get(FIRST_FRAGMENT);
                        part_of(self, vector, part);
                        self.op(W::V128Store(scratch(at, 4)));
                        at += VECTOR;
                    }
                }
            }
        }
    }

    /// The words of a register of the second matrix by lanes, each in the even or in the odd columns.
    fn transposed(&mut self, register: u32, odd: u32) -> [u32; 4] {
        let columns: [u32; 4] = self.vectors();
        for (column, vector) in (0..).zip(columns) {
            self.load(register, 2 * column + odd);
            self.set(vector);
        }
        let [first, second, third, fourth] = columns;
        let pairs: [u32; 4] = self.vectors();
        let interleaved = [
            (first, second, LOW_LANES),
            (first, second, HIGH_LANES),
            (third, fourth, LOW_LANES),
            (third, fourth, HIGH_LANES),
        ];
        for ((a, b, shuffle), pair) in interleaved.into_iter().zip(pairs) {
            self.shuffle(a, b, shuffle);
            self.set(pair);
        }
        let [low, high, low_next, high_next] = pairs;
        let joined = [
            (low, low_next, LOW_HALVES),
            (low, low_next, HIGH_HALVES),
            (high, high_next, LOW_HALVES),
            (high, high_next, HIGH_HALVES),
        ];
        let rows: [u32; 4] = self.vectors();
        for ((a, b, shuffle), row) in joined.into_iter().zip(rows) {
            self.shuffle(a, b, shuffle);
            self.set(row);
        }
        rows
    }

    fn shuffle(&mut self, a: u32, b: u32, shuffle: [u8; 16]) {
        self.get(a);
        self.get(b);
        self.op(W::I8x16Shuffle(shuffle));
    }

    /// Leaves one of the vectors of factors that a vector of a register holds: singles, or pairs of
    /// integers of 16 bits.
    fn part(&mut self, vector: u32, part: u32, ty: Type) {
        let is_second = part == 1;
        self.get(vector);
        match ty {
            Type::TF32 => {
                self.op(W::V128Const(splat_i32(0xffff_e000)));
                self.op(W::V128And);
            }
            Type::BF16 if is_second => {
                self.op(W::V128Const(splat_i32(0xffff_0000)));
                self.op(W::V128And);
            }
            Type::BF16 => {
                self.i32(16);
                self.op(W::I32x4Shl);
            }
            Type::F16 => {
                if !is_second {
                    self.i32(16);
                    self.op(W::I32x4Shl);
                }
                self.singles_of_upper_halves();
            }
            // Bytes 0 and 2, or 1 and 3.
            Type::S8 => {
                if !is_second {
                    self.i32(8);
                    self.op(W::I16x8Shl);
                }
                self.i32(8);
                self.op(W::I16x8ShrS);
            }
            _ => {
                if is_second {
                    self.i32(8);
                    self.op(W::I16x8ShrU);
                } else {
                    self.op(W::V128Const(splat_i32(0x00ff_00ff)));
                    self.op(W::V128And);
                }
            }
        }
    }

    /// Makes singles of the upper halves of the words of the vector on the stack.
    fn singles_of_upper_halves(&mut self) {
        let [halves, magnitude] = self.vectors();
        self.op(W::LocalTee(halves));
        self.op(W::V128Const(splat_i32(0x7fff_0000)));
        self.op(W::V128And);
        self.i32(3);
        self.op(W::I32x4ShrU);
        self.op(W::LocalTee(magnitude));
        self.op(W::V128Const(splat_i32(HALF_BIAS)));
        self.op(W::F32x4Mul);
        // Infinity and NaN.
        self.get(magnitude);
        self.op(W::V128Const(splat_i32((0x1f << 23) - 1)));
        self.op(W::I32x4GtS);
        self.op(W::V128Const(splat_i32(0xff << 23)));
        self.op(W::V128And);
        self.op(W::V128Or);
        self.get(halves);
        self.op(W::V128Const(splat_i32(1 << 31)));
        self.op(W::V128And);
        self.op(W::V128Or);
    }

    /// Leaves the singles of a part of a vector of halves, and notes those that are infinities or NaNs,
    /// for which these are not right.
    fn finite_singles(&mut self, vector: u32, part: u32, special: u32) {
        if part == 0 {
            self.get(vector);
            self.op(W::V128Const(splat_i32(0x7c00_7c00)));
            self.op(W::V128And);
            self.op(W::V128Const(splat_i32(0x7c00_7c00)));
            self.op(W::I16x8Eq);
            self.get(special);
            self.op(W::V128Or);
            self.set(special);
        }
        self.get(vector);
        if part == 0 {
            self.i32(16);
            self.op(W::I32x4Shl);
        }
        // Sign, exponent and fraction to where singles have them.
        self.i32(3);
        self.op(W::I32x4ShrS);
        self.op(W::V128Const(splat_i32(0x8fff_e000)));
        self.op(W::V128And);
        self.op(W::V128Const(splat_i32(HALF_BIAS)));
        self.op(W::F32x4Mul);
    }
}

/// The single by which halves are multiplied: their exponents begin 112 higher.
const HALF_BIAS: u32 = 239 << 23;

/// Shuffles: the first two lanes of two vectors in turn, and the last two;
const LOW_LANES: [u8; 16] = [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23];
const HIGH_LANES: [u8; 16] = [8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31];
/// the lower halves of two vectors, and the upper ones.
const LOW_HALVES: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
const HIGH_HALVES: [u8; 16] = [8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31];
