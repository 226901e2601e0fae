//! Multiplying unpacked matrices: each element of the first one with the vectors of the second, in the
//! order of the interpreter, for the rows of two groups of lanes at a time.
//!
//! Each step along the rows is one iteration of a loop of WebAssembly. Written one after another, they
//! would be far slower: an engine keeps loads in order, and sinks arithmetic to where its result is
//! used, which is behind the last step. It would load all factors first, more than there are registers
//! for. An iteration loads what its products take, and leaves sums in registers.

use wasm_encoder::{BlockType, Instruction as W, ValType};

use crate::compile::Unsupported;
use crate::compile::codegen::function_writer::{Emit, Function};
use crate::compile::codegen::vector::product::{
    FIRST_FRAGMENT, LANES, Product, REGISTER, SECOND_FRAGMENT, VECTOR, parts,
};
use crate::compile::codegen::vector::splat_i32;
use crate::compile::codegen::{CANONICAL_NAN_32, scratch};
use crate::syntax::types::Type;

/// The groups of lanes whose rows are multiplied at a time: with two, sums and factors are in 14
/// registers, of 16.
const TOGETHER: u32 = 2;

impl Product {
    /// Multiplies unpacked matrices, and adds to the sums.
    pub(super) fn multiply(mut self) -> Result<Function, Unsupported> {
        let (a_registers, b_registers) =
            (self.mma.a_registers() as u32, self.mma.b_registers() as u32);
        let halves = a_registers / b_registers.max(1);
        let first = a_registers + b_registers;
        // By the half of the rows, the group, and the even and the odd columns.
        let lines = (0..halves).flat_map(|half| (0..TOGETHER).map(move |group| (half, group)));
        let lines: Vec<(u32, u32)> = lines.collect();
        let sums: Vec<[u32; 2]> = lines.iter().map(|_| self.vectors()).collect();
        let begin = self.begin;
        self.each_group(TOGETHER, |product, offset, of_parts| {
            let of_sum = |half: u32, group: u32, second: u32| {
                begin + (first + 2 * half + second) * REGISTER + group * VECTOR
            };
            for ((half, group), both) in lines.iter().zip(&sums) {
                for (second, sum) in (0..).zip(both) {
                    product.get(offset);
                    product.op(W::V128Load(scratch(of_sum(*half, *group, second), 4)));
                    product.set(*sum);
                }
            }
            for register in 0..b_registers {
                product.each_step(register, of_parts, |product, rows, columns| {
                    product.add_products(register * halves, &lines, &sums, [rows, columns]);
                });
            }
            product.canonicalize(&sums);
            for ((half, group), both) in lines.iter().zip(&sums) {
                for (second, sum) in (0..).zip(both) {
                    product.get(offset);
                    product.get(*sum);
                    product.op(W::V128Store(scratch(of_sum(*half, *group, second), 4)));
                }
            }
        });
        self.i32(0);
        self.writer.finish()
    }

    /// Does something for each element of a row that a register of the second matrix has factors for: it
    /// gets locals with the addresses of the element, in a first register of the first matrix, and of its
    /// factors.
    fn each_step(&mut self, register: u32, of_parts: u32, step: impl FnOnce(&mut Self, u32, u32)) {
        let [rows, end, columns] = [(); 3].map(|()| self.local(ValType::I32));
        let steps = LANES * parts(self.mma);
        self.get(FIRST_FRAGMENT);
        self.get(of_parts);
        self.op(W::I32Add);
        self.op(W::LocalTee(rows));
        self.i32(4 * steps);
        self.op(W::I32Add);
        self.set(end);
        self.get(SECOND_FRAGMENT);
        self.i32(register * steps * 2 * VECTOR);
        self.op(W::I32Add);
        self.set(columns);
        self.op(W::Loop(BlockType::Empty));
        step(self, rows, columns);
        self.get(columns);
        self.i32(2 * VECTOR);
        self.op(W::I32Add);
        self.set(columns);
        self.get(rows);
        self.i32(4);
        self.op(W::I32Add);
        self.op(W::LocalTee(rows));
        self.get(end);
        self.op(W::I32Ne);
        self.op(W::BrIf(0));
        self.op(W::End);
    }

    /// Adds the products of one element of each line. The first line's is in this register of the first
    /// matrix.
    fn add_products(
        &mut self,
        first_register: u32,
        lines: &[(u32, u32)],
        sums: &[[u32; 2]],
        [rows, columns_at]: [u32; 2],
    ) {
        let parts = parts(self.mma);
        let columns: [u32; 2] = self.vectors();
        let [element] = self.vectors();
        for (column, at) in columns.into_iter().zip([0, VECTOR]) {
            self.get(columns_at);
            self.op(W::V128Load(scratch(at, 4)));
            self.set(column);
        }
        for ((half, group), sums) in lines.iter().zip(sums) {
            let from = (first_register + half) * parts * REGISTER + group * parts * VECTOR;
            self.get(rows);
            // Of an integer, an engine would make a vector by way of a general register.
            self.op(W::F32Load(scratch(from, 2)));
            self.op(W::F32x4Splat);
            self.set(element);
            for (sum, column) in sums.iter().zip(columns) {
                self.add_product(*sum, element, column);
            }
        }
    }

    fn add_product(&mut self, sum: u32, a: u32, b: u32) {
        // Products of halves are exact: fused, they give the same sums.
        if (self.mma.a, self.mma.b) == (Type::F16, Type::F16) {
            self.get(a);
            self.get(b);
            self.get(sum);
            self.op(W::F32x4RelaxedMadd);
            return self.set(sum);
        }
        self.get(sum);
        self.get(a);
        self.get(b);
        if self.mma.sum == Type::F32 {
            self.op(W::F32x4Mul);
            self.op(W::F32x4Add);
        } else {
            self.op(W::I32x4DotI16x8S);
            self.op(W::I32x4Add);
        }
        self.set(sum);
    }

    /// Makes sums what they are given as: of NaNs there is one.
    fn canonicalize(&mut self, sums: &[[u32; 2]]) {
        if self.mma.sum != Type::F32 {
            return;
        }
        // Where one is a NaN, so is the sum of all.
        let all = sums.iter().flatten();
        for (number, sum) in all.clone().enumerate() {
            self.get(*sum);
            if number > 0 {
                self.op(W::F32x4Add);
            }
        }
        let [sum_of_all] = self.vectors();
        self.op(W::LocalTee(sum_of_all));
        self.get(sum_of_all);
        self.op(W::F32x4Ne);
        self.op(W::V128AnyTrue);
        self.if_unlikely();
        for sum in all {
            self.get(*sum);
            self.op(W::V128Const(splat_i32(CANONICAL_NAN_32)));
            self.get(*sum);
            self.get(*sum);
            self.op(W::F32x4Eq);
            self.op(W::V128Bitselect);
            self.set(*sum);
        }
        self.op(W::End);
    }
}
