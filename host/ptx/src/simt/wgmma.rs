//! `wgmma` (PTX ISA, "Asynchronous Warpgroup Level Matrix Instructions"): products of four warps, of which
//! each has 16 rows, with matrices in shared memory that descriptors say the place of.
//!
//! Each warp computes its rows by itself, as one `mma` for every 8 columns.

use crate::numeric::Flags;
use crate::simt::matrix::Mma;
use crate::syntax::tree::{Instruction, Operand};
use crate::syntax::types::Type;
use crate::syntax::warpgroup::WarpgroupShape;

/// Registers that a lane has of the first matrix.
pub(crate) const A_REGISTERS: usize = 4;

/// Registers that a lane has of 8 columns of the second matrix.
pub(crate) const B_REGISTERS: usize = 2;

/// `wgmma.mma_async`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wgmma {
    /// The product of a warp with 8 columns.
    pub mma: Mma,
    /// Which bits of a register are the signs of its elements, where the instruction negates it.
    pub negates_a: Option<u32>,
    pub negates_b: Option<u32>,
    /// Whether rows of the second matrix, or columns of the first, are contiguous in memory.
    pub transposes_a: bool,
    pub transposes_b: bool,
}

impl Wgmma {
    /// `None` where the instruction is another one.
    pub(crate) fn of(instruction: &Instruction) -> Option<Wgmma> {
        let modifiers = &instruction.modifiers;
        let WarpgroupShape { depth, .. } = modifiers.warpgroup_shape()?;
        let mut types = modifiers.types();
        let (sum, a, b) = (types.next()?, types.next()?, types.next()?);
        let number = |operand: usize| match instruction.operands.get(operand) {
            Some(Operand::Integer(number)) => Some(*number),
            _ => None,
        };
        let signs = match a {
            Type::F16 | Type::BF16 => 0x8000_8000,
            Type::TF32 => 0x8000_0000,
            _ => 0x8080_8080,
        };
        let negates = |operand: usize| (number(operand) == Some(u64::MAX)).then_some(signs);
        // Matrices in registers are not transposed.
        let in_memory = !matches!(instruction.operands.get(1), Some(Operand::Vector(_)));
        let first = if in_memory { 7 } else { 6 };
        Some(Wgmma {
            mma: Mma::new((16, depth), [a, b, sum], modifiers),
            negates_a: negates(4),
            negates_b: negates(5),
            transposes_a: in_memory && number(6) == Some(1),
            transposes_b: number(first) == Some(1),
        })
    }
}

/// A matrix descriptor (PTX ISA, "Matrix Descriptor Format").
struct Descriptor {
    start: u64,
    leading: u64,
    stride: u64,
    /// How many bytes of a row are together, which is what the swizzle exchanges 16 bytes within.
    row: u64,
    /// By how many bytes the swizzle's pattern begins later.
    phase: u64,
}

impl Descriptor {
    fn of(bits: u64) -> Descriptor {
        let field = |from: u32| ((bits >> from) & 0x3fff) << 4;
        let mode = bits >> 62;
        Descriptor {
            start: field(0),
            leading: field(16),
            stride: field(32),
            row: if mode == 0 { 16 } else { 256 >> mode },
            phase: ((bits >> 49) & 7) << 7,
        }
    }

    fn swizzled(&self, address: u64) -> u64 {
        address ^ ((address.wrapping_sub(self.phase) >> 3) & (self.row - 16))
    }
}

/// The address of an element, by its row or column and its byte along the sums, where elements along the
/// sums are contiguous.
pub(crate) fn address_along_sums(descriptor: u64, line: u64, byte: u64, _: Flags) -> u64 {
    let matrix = Descriptor::of(descriptor);
    let unit = if matrix.row == 16 { matrix.leading } else { 16 };
    let offset = line / 8 * matrix.stride + line % 8 * matrix.row + byte / 16 * unit + byte % 16;
    matrix.swizzled(matrix.start + offset)
}

/// The same for elements of 16 bits, by their number along the sums, where those of other rows or columns
/// are contiguous.
pub(crate) fn address_across_sums(descriptor: u64, line: u64, number: u64, _: Flags) -> u64 {
    let matrix = Descriptor::of(descriptor);
    let (lines, numbers) = match matrix.row {
        16 => (matrix.stride, matrix.leading),
        _ => (matrix.leading, matrix.stride),
    };
    let bytes = 2 * line;
    let offset = bytes / matrix.row * lines
        + bytes % matrix.row
        + number / 8 * numbers
        + number % 8 * matrix.row;
    matrix.swizzled(matrix.start + offset)
}
