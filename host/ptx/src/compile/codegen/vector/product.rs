//! Products of matrices that a warp computes by itself. Each form of `mma` has functions of its own,
//! which find the registers of all lanes in scratch memory and leave the results there: a kernel
//! has many such instructions of few forms.
//!
//! Four lanes hold the neighbouring elements of a row of the first matrix and of the result, and of a
//! column of the second: that is what a vector of a register has (see
//! [`matrix`](crate::simt::matrix)). A function unpacks the first matrix, to numbers of 32 bits; one
//! transposes and unpacks the second, so that vectors have the elements of a row in the even and in the
//! odd columns, as those of the result do. Where an instruction has the same matrix as one before, it is
//! still there ([`fragment_cache`](super::fragment_cache)). Then each element of the first matrix is
//! multiplied with the vectors of the second and added to the sums of its row, in the order of the
//! interpreter, for the rows of two groups of lanes at a time.

use wasm_encoder::{BlockType, Instruction as W, ValType};

use crate::compile::Unsupported;
use crate::compile::codegen::function_writer::{
    END_THREAD, Emit, FIRST_THREAD, Function, FunctionWriter,
};
use crate::compile::codegen::input::CodegenInput;
use crate::compile::codegen::module::Imports;
use crate::compile::codegen::vector::fragment_cache::FRAGMENT;
use crate::compile::codegen::vector::{VectorEmitter, splat_i32};
use crate::compile::codegen::{CANONICAL_NAN_32, scratch};
use crate::compile::ir::{Arg, Body, Op, Reg};
use crate::simt::matrix::Mma;
use crate::simt::warp::{WARP_LANES, WarpOp};
use crate::syntax::types::Type;

/// Lanes of a vector, which are a group of lanes that hold neighbouring elements.
const LANES: u32 = 4;
/// Vectors of a register of a warp: one for each group.
const GROUPS: u32 = WARP_LANES / LANES;
/// The bytes of a vector, and of a register of a warp.
const VECTOR: u32 = 16;
const REGISTER: u32 = GROUPS * VECTOR;

/// The names of the functions: what unpacks the first matrix, and the second, and what multiplies. A
/// kernel with more forms than that computes the others with the interpreter's function.
const NAMES: [[&str; 3]; 8] = [
    ["rows_0", "columns_0", "product_0"],
    ["rows_1", "columns_1", "product_1"],
    ["rows_2", "columns_2", "product_2"],
    ["rows_3", "columns_3", "product_3"],
    ["rows_4", "columns_4", "product_4"],
    ["rows_5", "columns_5", "product_5"],
    ["rows_6", "columns_6", "product_6"],
    ["rows_7", "columns_7", "product_7"],
];

/// Where the functions come among those of a vectorised kernel.
const FIRST: u32 = 4;

/// Whether there is a function for a form.
pub(crate) fn has_function(mma: Mma) -> bool {
    let vectors = parts(mma) * mma.a_registers() as u32 * GROUPS;
    let columns = parts(mma) * mma.b_registers() as u32 * LANES * 2;
    if vectors.max(columns) * VECTOR > FRAGMENT {
        return false;
    }
    match mma.sum {
        Type::F32 => matches!(mma.a, Type::F16 | Type::BF16 | Type::TF32),
        Type::S32 => !mma.saturates && mma.a.bits() == 8,
        _ => false,
    }
}

/// The forms that a kernel has functions for, in their order.
pub(crate) fn forms(body: &Body) -> Vec<Mma> {
    let mut forms = Vec::new();
    for op in body.blocks.values().flat_map(|block| &block.ops) {
        if let Op::Collective {
            op: WarpOp::Multiply(mma),
            ..
        } = op
            && !forms.contains(mma)
        {
            forms.push(*mma);
        }
    }
    forms
}

/// Whether a kernel may have so many forms.
pub(crate) fn is_room_for(forms: usize) -> bool {
    forms <= NAMES.len()
}

/// Writes the functions of a kernel's products, with their names.
///
/// # Errors
/// Where one is inconsistent.
pub(crate) fn functions(
    input: &CodegenInput<'_>,
) -> Result<Vec<(&'static str, Function)>, Unsupported> {
    let mut functions = Vec::new();
    for ([rows, columns, product], mma) in NAMES.into_iter().zip(forms(input.body)) {
        let writer = || Product::new(mma, input.layout.lanes);
        functions.push((rows, writer().unpack_rows()?));
        functions.push((columns, writer().unpack_columns()?));
        functions.push((product, writer().multiply()?));
    }
    Ok(functions)
}

/// How many vectors of factors are made of one of a register.
fn parts(mma: Mma) -> u32 {
    match mma.a {
        Type::TF32 => 1,
        _ => 2,
    }
}

impl VectorEmitter<'_> {
    /// Calls the functions of a product.
    pub(super) fn product(&mut self, mma: Mma, targets: &[Reg], inputs: &[Arg]) {
        let place = forms(self.input.body).iter().position(|form| *form == mma);
        let place = place.and_then(|place| u32::try_from(place).ok());
        let place = self.require(place, "a product without a function");
        let first = Imports::COUNT + FIRST + 3 * place;
        let (a_count, b_count) = (mma.a_registers(), mma.b_registers());
        let (Some(a), Some(b), Some(c)) = (
            inputs.get(..a_count),
            inputs.get(a_count..a_count + b_count),
            inputs.get(a_count + b_count..),
        ) else {
            return self.inconsistent("a product of too few registers");
        };
        let begin = self.input.layout.lanes;
        let at = |register: usize| begin + register as u32 * REGISTER;
        let (rows, is_there) = self.fragments.rows(place, a);
        if !is_there {
            self.store_registers(a, at(0));
            self.call_product(first, rows, 0);
        }
        let (columns, is_there) = self.fragments.columns(place, b);
        if !is_there {
            self.store_registers(b, at(a_count));
            self.call_product(first + 1, columns, 0);
        }
        self.store_registers(c, at(a_count + b_count));
        self.call_product(first + 2, rows, columns);
        for (register, target) in (a_count + b_count..).zip(targets) {
            for group in 0..GROUPS {
                self.i32(0);
                self.op(W::V128Load(scratch(at(register) + group * VECTOR, 4)));
                self.set_chunk_from_number(*target, group);
            }
        }
    }

    /// Calls a function with fragments by their numbers in scratch memory.
    fn call_product(&mut self, function: u32, first: u32, second: u32) {
        let fragments = self.input.layout.fragments;
        self.i32(fragments + first * FRAGMENT);
        self.i32(fragments + second * FRAGMENT);
        self.op(W::Call(function));
        self.op(W::Drop);
    }

    fn store_registers(&mut self, registers: &[Arg], begin: u32) {
        for (register, arg) in (0..).zip(registers) {
            for group in 0..GROUPS {
                self.i32(0);
                self.chunk(*arg, group);
                let at = begin + register * REGISTER + group * VECTOR;
                self.op(W::V128Store(scratch(at, 4)));
            }
        }
    }
}

/// A function as it is written.
struct Product {
    mma: Mma,
    writer: FunctionWriter,
    /// Where the registers lie.
    begin: u32,
}

impl Emit for Product {
    fn function(&self) -> &FunctionWriter {
        &self.writer
    }

    fn function_mut(&mut self) -> &mut FunctionWriter {
        &mut self.writer
    }
}

/// The fragments that a function is called with.
const FIRST_FRAGMENT: u32 = FIRST_THREAD;
const SECOND_FRAGMENT: u32 = END_THREAD;

impl Product {
    fn new(mma: Mma, begin: u32) -> Product {
        Product {
            mma,
            writer: FunctionWriter::new(64),
            begin,
        }
    }

    fn vector(&mut self) -> u32 {
        self.local(ValType::V128)
    }

    fn vectors<const COUNT: usize>(&mut self) -> [u32; COUNT] {
        [(); COUNT].map(|()| self.vector())
    }

    /// Loads the vector of a register, of a group that is known.
    fn load(&mut self, register: u32, group: u32) {
        let offset = self.begin + register * REGISTER + group * VECTOR;
        self.i32(0);
        self.op(W::V128Load(scratch(offset, 4)));
    }

    /// Does something for all groups, or for some together: it gets a local with how far their vectors
    /// are behind those of the first group, and one with the same for the parts of each.
    fn each_group(&mut self, together: u32, step: impl FnOnce(&mut Self, u32, u32)) {
        let (group, of_parts) = (self.local(ValType::I32), self.local(ValType::I32));
        for local in [group, of_parts] {
            self.i32(0);
            self.set(local);
        }
        self.op(W::Loop(BlockType::Empty));
        step(self, group, of_parts);
        self.get(of_parts);
        self.i32(together * parts(self.mma) * VECTOR);
        self.op(W::I32Add);
        self.set(of_parts);
        self.get(group);
        self.i32(together * VECTOR);
        self.op(W::I32Add);
        self.op(W::LocalTee(group));
        self.i32(REGISTER);
        self.op(W::I32LtU);
        self.op(W::BrIf(0));
        self.op(W::End);
    }

    /// Unpacks the first matrix: of each register, for each group, the elements in its parts.
    fn unpack_rows(mut self) -> Result<Function, Unsupported> {
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
        self.each_group(1, |product, group, of_parts| {
            for register in 0..product.mma.a_registers() as u32 {
                product.get(group);
                let at = product.begin + register * REGISTER;
                product.op(W::V128Load(scratch(at, 4)));
                product.set(element);
                for part in 0..parts {
                    product.get(FIRST_FRAGMENT);
                    product.get(of_parts);
                    product.op(W::I32Add);
                    part_of(product, element, part);
                    let at = register * parts * REGISTER + part * VECTOR;
                    product.op(W::V128Store(scratch(at, 4)));
                }
            }
        });
    }

    /// Transposes and unpacks the second matrix: by register, lane and part, the even and the odd
    /// columns.
    fn unpack_columns(mut self) -> Result<Function, Unsupported> {
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

    /// Multiplies unpacked matrices, and adds to the sums.
    fn multiply(mut self) -> Result<Function, Unsupported> {
        const TOGETHER: u32 = 2;
        let parts = parts(self.mma);
        let (a_registers, b_registers) =
            (self.mma.a_registers() as u32, self.mma.b_registers() as u32);
        let halves = a_registers / b_registers.max(1);
        let first = a_registers + b_registers;
        // By the half of the rows, the group, and the even and the odd columns.
        let lines = (0..halves).flat_map(|half| (0..TOGETHER).map(move |group| (half, group)));
        let lines: Vec<(u32, u32)> = lines.collect();
        let sums: Vec<[u32; 2]> = lines.iter().map(|_| self.vectors()).collect();
        let columns: [u32; 2] = self.vectors();
        let [element] = self.vectors();
        let rows = self.local(ValType::I32);
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
            product.get(FIRST_FRAGMENT);
            product.get(of_parts);
            product.op(W::I32Add);
            product.set(rows);
            let mut at = 0;
            for register in 0..b_registers {
                for (lane, part) in
                    (0..LANES).flat_map(|lane| (0..parts).map(move |part| (lane, part)))
                {
                    for column in columns {
                        product.get(SECOND_FRAGMENT);
                        product.op(W::V128Load(scratch(at, 4)));
                        product.set(column);
                        at += VECTOR;
                    }
                    for ((half, group), sums) in lines.iter().zip(&sums) {
                        let register = register * halves + half;
                        let from = register * parts * REGISTER + (group * parts + part) * VECTOR;
                        product.get(rows);
                        product.op(W::V128Load32Splat(scratch(from + 4 * lane, 2)));
                        product.set(element);
                        for (sum, column) in sums.iter().zip(columns) {
                            product.add_product(*sum, element, column);
                        }
                    }
                }
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
