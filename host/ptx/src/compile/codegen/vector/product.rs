//! Products of matrices that a warp computes by itself. Each form of `mma` is a function of its own,
//! which finds the registers of all lanes in scratch memory and leaves the results there: a kernel
//! has many such instructions of few forms.
//!
//! Four lanes hold the neighbouring elements of a row of the first matrix and of the result, and of a
//! column of the second: that is what a vector of a register has (see
//! [`matrix`](crate::simt::matrix)). The second matrix is transposed first, so that vectors have the
//! elements of a row in the even and in the odd columns, as those of the result do. Then each element
//! of the first matrix is multiplied with these and added to the sums of its row, in the order of the
//! interpreter.

use wasm_encoder::{BlockType, Instruction as W, ValType};

use crate::compile::Unsupported;
use crate::compile::codegen::function_writer::{Emit, Function, FunctionWriter};
use crate::compile::codegen::input::CodegenInput;
use crate::compile::codegen::module::Imports;
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

/// The names of the functions. A kernel with more forms than that computes the others with the
/// interpreter's function.
const NAMES: [&str; 8] = [
    "product_0",
    "product_1",
    "product_2",
    "product_3",
    "product_4",
    "product_5",
    "product_6",
    "product_7",
];

/// Where the functions come among those of a vectorised kernel.
const FIRST: u32 = 4;

/// Whether there is a function for a form.
pub(crate) fn has_function(mma: Mma) -> bool {
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
    let named = NAMES.into_iter().zip(forms(input.body));
    named
        .map(|(name, mma)| Ok((name, Product::new(mma, input.layout.lanes).function()?)))
        .collect()
}

impl VectorEmitter<'_> {
    /// Calls the function of a product.
    pub(super) fn product(&mut self, mma: Mma, targets: &[Reg], inputs: &[Arg]) {
        let place = forms(self.input.body).iter().position(|form| *form == mma);
        let place = place.and_then(|place| u32::try_from(place).ok());
        let place = self.require(place, "a product without a function");
        let at = |register: u32, group: u32| register * REGISTER + group * VECTOR;
        let lanes = self.input.layout.lanes;
        for (register, input) in (0..).zip(inputs) {
            for group in 0..GROUPS {
                self.i32(0);
                self.chunk(*input, group);
                self.op(W::V128Store(scratch(lanes + at(register, group), 4)));
            }
        }
        self.i32(0);
        self.i32(0);
        self.op(W::Call(Imports::COUNT + FIRST + place));
        self.op(W::Drop);
        let first = (mma.a_registers() + mma.b_registers()) as u32;
        for (register, target) in (first..).zip(targets) {
            for group in 0..GROUPS {
                self.i32(0);
                self.op(W::V128Load(scratch(lanes + at(register, group), 4)));
                self.set_chunk_from_number(*target, group);
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

impl Product {
    fn new(mma: Mma, begin: u32) -> Product {
        Product {
            mma,
            writer: FunctionWriter::new(64),
            begin,
        }
    }

    /// How many vectors of factors are made of one of a register.
    fn parts(&self) -> u32 {
        match self.mma.a {
            Type::TF32 => 1,
            _ => 2,
        }
    }

    fn vector(&mut self) -> u32 {
        self.local(ValType::V128)
    }

    fn vectors<const COUNT: usize>(&mut self) -> [u32; COUNT] {
        [(); COUNT].map(|()| self.vector())
    }

    /// Loads the vector of a register, of the group whose offset is in a local or of this one.
    fn load(&mut self, register: u32, group: Group) {
        let offset = self.begin + register * REGISTER;
        match group {
            Group::Known(group) => {
                self.i32(0);
                self.op(W::V128Load(scratch(offset + group * VECTOR, 4)));
            }
            Group::At(local) => {
                self.get(local);
                self.op(W::V128Load(scratch(offset, 4)));
            }
        }
    }

    fn function(mut self) -> Result<Function, Unsupported> {
        let (a_registers, b_registers) =
            (self.mma.a_registers() as u32, self.mma.b_registers() as u32);
        let halves = a_registers / b_registers.max(1);
        let parts = self.parts();
        // By register, lane and part of the second matrix: the even and the odd columns.
        let mut columns: Vec<[u32; 2]> = Vec::new();
        for register in 0..b_registers {
            let even = self.transposed(a_registers + register, 0);
            let odd = self.transposed(a_registers + register, 1);
            for (even, odd) in even.into_iter().zip(odd) {
                for part in 0..parts {
                    let both = [even, odd].map(|vector| {
                        let made = self.vector();
                        self.part(vector, part, self.mma.b);
                        self.set(made);
                        made
                    });
                    columns.push(both);
                }
            }
        }
        let offset = self.local(ValType::I32);
        let sums: Vec<[u32; 2]> = (0..halves).map(|_| self.vectors()).collect();
        let rows: Vec<[u32; 2]> = (0..halves).map(|_| self.vectors()).collect();
        let [element] = self.vectors();
        self.op(W::Loop(BlockType::Empty));
        let first = a_registers + b_registers;
        for (half, both) in (0..).zip(&sums) {
            for (second, sum) in (0..).zip(both) {
                self.load(first + 2 * half + second, Group::At(offset));
                self.set(*sum);
            }
        }
        let mut columns = columns.into_iter();
        for register in 0..b_registers {
            for (half, made) in (0..).zip(&rows) {
                self.load(register * halves + half, Group::At(offset));
                self.set(element);
                for (part, made) in (0..parts).zip(made) {
                    self.part(element, part, self.mma.a);
                    self.set(*made);
                }
            }
            for lane in 0..LANES {
                for part in 0..parts as usize {
                    let Some(columns) = columns.next() else {
                        self.inconsistent("a product of more rows than there are");
                        continue;
                    };
                    for (rows, sums) in rows.iter().zip(&sums) {
                        let row = rows.get(part).copied();
                        let row = self.require(row, "a product without a row");
                        self.splat_lane(row, lane);
                        self.set(element);
                        for (sum, column) in sums.iter().zip(columns) {
                            self.add_product(*sum, element, column);
                        }
                    }
                }
            }
        }
        for (half, both) in (0..).zip(&sums) {
            for (second, sum) in (0..).zip(both) {
                self.get(offset);
                self.finished(*sum);
                let register = first + 2 * half + second;
                self.op(W::V128Store(scratch(self.begin + register * REGISTER, 4)));
            }
        }
        self.get(offset);
        self.i32(VECTOR);
        self.op(W::I32Add);
        self.op(W::LocalTee(offset));
        self.i32(REGISTER);
        self.op(W::I32LtU);
        self.op(W::BrIf(0));
        self.op(W::End);
        self.i32(0);
        self.writer.finish()
    }

    /// The words of a register of the second matrix by lanes, each in the even or in the odd columns.
    fn transposed(&mut self, register: u32, odd: u32) -> [u32; 4] {
        let columns: [u32; 4] = self.vectors();
        for (column, vector) in (0..).zip(columns) {
            self.load(register, Group::Known(2 * column + odd));
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
        // The exponents of halves begin 112 higher.
        self.op(W::V128Const(splat_i32(239 << 23)));
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

    /// Leaves a lane of a vector in all lanes.
    fn splat_lane(&mut self, vector: u32, lane: u32) {
        let byte = |place: usize| (4 * lane) as u8 + (place % 4) as u8;
        self.shuffle(vector, vector, std::array::from_fn(byte));
    }

    fn add_product(&mut self, sum: u32, a: u32, b: u32) {
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

    /// Leaves sums as they are given: of NaNs there is one.
    fn finished(&mut self, sum: u32) {
        self.get(sum);
        if self.mma.sum == Type::F32 {
            self.op(W::V128Const(splat_i32(CANONICAL_NAN_32)));
            self.get(sum);
            self.get(sum);
            self.op(W::F32x4Eq);
            self.op(W::V128Bitselect);
        }
    }
}

/// Which group's vector of a register.
#[derive(Clone, Copy)]
enum Group {
    Known(u32),
    /// That whose offset a local has.
    At(u32),
}

/// Shuffles: the first two lanes of two vectors in turn, and the last two;
const LOW_LANES: [u8; 16] = [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23];
const HIGH_LANES: [u8; 16] = [8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31];
/// the lower halves of two vectors, and the upper ones.
const LOW_HALVES: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
const HIGH_HALVES: [u8; 16] = [8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31];
