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

mod multiply;
mod unpack;

use wasm_encoder::{BlockType, Instruction as W, ValType};

use crate::compile::Unsupported;
use crate::compile::codegen::function_writer::{
    END_THREAD, Emit, FIRST_THREAD, Function, FunctionWriter,
};
use crate::compile::codegen::input::CodegenInput;
use crate::compile::codegen::module::Imports;
use crate::compile::codegen::scratch;
use crate::compile::codegen::vector::VectorEmitter;
use crate::compile::codegen::vector::fragment_cache::FRAGMENT;
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
}
