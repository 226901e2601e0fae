//! Matrices whose elements the lanes of a warp hold together (PTX ISA, "Warp Level Matrix
//! Instructions"): where each element lies, and products of matrices.
//!
//! Lanes are groups of four. A lane's group says the row of the first matrix and of the result, and
//! the column of the second; its place in the group says the other coordinate. A register holds as
//! many neighbouring elements as have room in it. From one register to the next come the rows from 8
//! on, and then the next columns of the first matrix, or rows of the second.

use std::fmt;

use crate::numeric::float::{self, F16, F32, F64, Float};
use crate::numeric::{Flags, Round, fp8, mask};
use crate::simt::lanes::{LaneWords, WARP_LANES};
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::tree::Instruction;
use crate::syntax::types::Type;

/// The most rows of a product.
const MOST_ROWS: usize = 16;

/// Columns of a product.
const COLUMNS: usize = 8;

/// The most columns of the first matrix.
const MOST_DEPTH: usize = 256;

/// `mma`: a product of two matrices is added to a third.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mma {
    /// Rows of the first matrix and of the result, which has 8 columns.
    pub rows: u8,
    /// Columns of the first matrix, rows of the second.
    pub depth: u16,
    /// The types of the elements: of the two factors, and of the matrices that are added and that
    /// result.
    pub a: Type,
    pub b: Type,
    pub sum: Type,
    /// Integers that are out of range become the nearest one in range.
    pub saturates: bool,
    /// What single bits are combined by, in place of a multiplication.
    bits: Option<BitOperation>,
    /// Of sums in double precision.
    round: Rounding,
}

/// How two elements of one bit are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum BitOperation {
    And,
    Xor,
}

impl BitOperation {
    fn of(modifiers: &Modifiers) -> Option<BitOperation> {
        match (modifiers.has(Modifier::Popc), modifiers.has(Modifier::And)) {
            (false, _) => None,
            (true, true) => Some(BitOperation::And),
            (true, false) => Some(BitOperation::Xor),
        }
    }
}

/// How sums in double precision are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Rounding {
    Nearest,
    Zero,
    Down,
    Up,
}

impl Mma {
    /// `None` where the instruction is another one.
    pub(crate) fn of(instruction: &Instruction) -> Option<Mma> {
        Mma::of_modifiers(&instruction.modifiers)
    }

    pub(crate) fn of_modifiers(modifiers: &Modifiers) -> Option<Mma> {
        use Modifier::{
            M8N8K4, M8N8K16, M8N8K32, M8N8K128, M16N8K4, M16N8K8, M16N8K16, M16N8K32, M16N8K64,
            M16N8K128, M16N8K256,
        };
        let shapes = [
            (M8N8K4, 8, 4),
            (M8N8K16, 8, 16),
            (M8N8K32, 8, 32),
            (M8N8K128, 8, 128),
            (M16N8K4, 16, 4),
            (M16N8K8, 16, 8),
            (M16N8K16, 16, 16),
            (M16N8K32, 16, 32),
            (M16N8K64, 16, 64),
            (M16N8K128, 16, 128),
            (M16N8K256, 16, 256),
        ];
        let shape = shapes.into_iter().find(|(word, ..)| modifiers.has(*word))?;
        let mut types = modifiers.types();
        let (sum, a, b) = (types.next()?, types.next()?, types.next()?);
        Some(Mma::new((shape.1, shape.2), [a, b, sum], modifiers))
    }

    /// A product of so many rows and so deep, of elements of these types, which the modifiers say the
    /// rest of.
    pub(crate) fn new(
        (rows, depth): (u8, u16),
        [a, b, sum]: [Type; 3],
        modifiers: &Modifiers,
    ) -> Mma {
        let round = match Flags::of(modifiers).round {
            Round::Zero => Rounding::Zero,
            Round::Down => Rounding::Down,
            Round::Up => Rounding::Up,
            _ => Rounding::Nearest,
        };
        Mma {
            rows,
            depth,
            a,
            b,
            sum,
            saturates: modifiers.has(Modifier::Satfinite),
            bits: BitOperation::of(modifiers),
            round,
        }
    }

    /// How many elements of the factors a register holds.
    pub(crate) fn packed(self) -> usize {
        match self.a.bits() {
            64 => 1,
            bits => 32 / bits.max(1) as usize,
        }
    }

    /// How many registers a lane has for the rows of a matrix.
    fn row_registers(self) -> usize {
        usize::from(self.rows) / 8
    }

    /// How many registers a lane has of the second matrix.
    pub(crate) fn b_registers(self) -> usize {
        usize::from(self.depth) / (4 * self.packed())
    }

    /// How many registers a lane has of the first matrix.
    pub(crate) fn a_registers(self) -> usize {
        self.row_registers() * self.b_registers()
    }

    /// How many registers a lane has of the result, and of what is added.
    pub(crate) fn sum_registers(self) -> usize {
        match self.sum {
            Type::F16 => self.row_registers(),
            _ => 2 * self.row_registers(),
        }
    }

    /// Evaluates it for the lanes of `members`; elements of other lanes count as zeros.
    pub(crate) fn evaluate(self, members: u32, inputs: &[LaneWords], results: &mut [LaneWords]) {
        let (a, rest) = inputs.split_at(self.a_registers().min(inputs.len()));
        let (b, c) = rest.split_at(self.b_registers().min(rest.len()));
        let factors = Fragments { members, a, b, c };
        match self.sum {
            Type::S32 => {
                let sums = self.product(
                    &factors,
                    integer,
                    |sum, a, b| match self.bits {
                        None => sum + a * b,
                        Some(BitOperation::And) => sum + (a & b),
                        Some(BitOperation::Xor) => sum + (a ^ b),
                    },
                    |bits| i64::from(bits as u32 as i32),
                );
                self.give(results, &sums, |sum| {
                    let sum = if self.saturates {
                        sum.clamp(i64::from(i32::MIN), i64::from(i32::MAX))
                    } else {
                        sum
                    };
                    sum.cast_unsigned() & mask(32)
                });
            }
            Type::F64 => {
                let mut flags = Flags::of(&Modifiers::new());
                flags.round = match self.round {
                    Rounding::Nearest => Round::Nearest,
                    Rounding::Zero => Round::Zero,
                    Rounding::Down => Round::Down,
                    Rounding::Up => Round::Up,
                };
                let fused = |sum, a, b| float::fma::<F64>(a, b, sum, flags);
                let sums = self.product(&factors, |_, bits| bits, fused, |bits| bits);
                self.give(results, &sums, |sum| {
                    if f64::from_bits(sum).is_nan() {
                        return F64::NAN;
                    }
                    sum
                });
            }
            Type::F16 => {
                let sums = self.product(&factors, single, add_product, |bits| {
                    single(Type::F16, bits)
                });
                self.give(results, &sums, |sum| F16::from_f64(f64::from(sum)));
            }
            _ => {
                let sums = self.product(&factors, single, add_product, |bits| {
                    f32::from_bits(bits as u32)
                });
                self.give(results, &sums, |sum| {
                    if sum.is_nan() {
                        return F32::NAN;
                    }
                    u64::from(sum.to_bits())
                });
            }
        }
    }

    /// The sums of the products: to each number of the third matrix, products are added one after
    /// another, in the order of the columns of the first.
    fn product<T: Copy + Default>(
        self,
        fragments: &Fragments<'_>,
        number: impl Fn(Type, u64) -> T,
        add_product: impl Fn(T, T, T) -> T,
        added: impl Fn(u64) -> T,
    ) -> [[T; COLUMNS]; MOST_ROWS] {
        let depth = usize::from(self.depth).min(MOST_DEPTH);
        let mut b = [[T::default(); COLUMNS]; MOST_DEPTH];
        for (k, row) in b.iter_mut().enumerate().take(depth) {
            for (column, element) in row.iter_mut().enumerate() {
                let place = self.factor_place(column, k, 1);
                *element = number(self.b, fragments.bits(fragments.b, place));
            }
        }
        let mut sums = [[T::default(); COLUMNS]; MOST_ROWS];
        for (row, sums) in sums.iter_mut().enumerate().take(usize::from(self.rows)) {
            for (column, sum) in sums.iter_mut().enumerate() {
                let place = self.sum_place(row, column);
                *sum = added(fragments.bits(fragments.c, place));
            }
            for (k, b) in b.iter().enumerate().take(depth) {
                let place = self.factor_place(row, k, self.row_registers());
                let a = number(self.a, fragments.bits(fragments.a, place));
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum = add_product(*sum, a, *b);
                }
            }
        }
        sums
    }

    /// Gives the lanes what they hold of the result.
    fn give<T: Copy>(
        self,
        results: &mut [LaneWords],
        sums: &[[T; COLUMNS]; MOST_ROWS],
        bits: impl Fn(T) -> u64,
    ) {
        for row in results.iter_mut() {
            row.fill(0);
        }
        for (row, sums) in sums.iter().enumerate().take(usize::from(self.rows)) {
            for (column, sum) in sums.iter().enumerate() {
                let place = self.sum_place(row, column);
                let word = results.get_mut(place.register);
                if let Some(word) = word.and_then(|words| words.get_mut(place.lane)) {
                    *word |= bits(*sum) << place.shift;
                }
            }
        }
    }

    /// Where an element of a factor lies: in which line of eight or sixteen, of which there are so many
    /// registers, and where along the sums.
    fn factor_place(self, line: usize, k: usize, line_registers: usize) -> ElementPlace {
        let packed = self.packed();
        let (slab, within) = (k / (4 * packed), k % (4 * packed));
        let bits = self.a.bits();
        ElementPlace {
            register: slab * line_registers + line / 8,
            lane: (line % 8) * 4 + within / packed,
            shift: bits * (within % packed) as u32,
            bits,
        }
    }

    /// Where an element of the result lies.
    fn sum_place(self, row: usize, column: usize) -> ElementPlace {
        let (half, second) = (row / 8, column % 2);
        let lane = (row % 8) * 4 + column / 2;
        match self.sum {
            Type::F16 => ElementPlace {
                register: half,
                lane,
                shift: 16 * second as u32,
                bits: 16,
            },
            sum => ElementPlace {
                register: 2 * half + second,
                lane,
                shift: 0,
                bits: sum.bits(),
            },
        }
    }
}

/// As PTX writes it, for texts of the IR.
impl fmt::Display for Mma {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mma {
            rows,
            depth,
            a,
            b,
            sum,
            bits,
            ..
        } = self;
        write!(f, "mma.m{rows}n8k{depth}{sum}{a}{b}")?;
        match bits {
            None => Ok(()),
            Some(BitOperation::And) => f.write_str(".and"),
            Some(BitOperation::Xor) => f.write_str(".xor"),
        }
    }
}

/// Where an element lies.
#[derive(Clone, Copy)]
struct ElementPlace {
    register: usize,
    lane: usize,
    shift: u32,
    bits: u32,
}

/// What the lanes bring to a product.
struct Fragments<'w> {
    members: u32,
    a: &'w [LaneWords],
    b: &'w [LaneWords],
    c: &'w [LaneWords],
}

impl Fragments<'_> {
    fn bits(&self, registers: &[LaneWords], place: ElementPlace) -> u64 {
        if (self.members >> place.lane) & 1 == 0 {
            return 0;
        }
        let words = registers.get(place.register);
        let word = words.and_then(|words| words.get(place.lane));
        (word.copied().unwrap_or(0) >> place.shift) & mask(place.bits)
    }
}

/// An element of a factor in single precision, which holds it exactly. Of `.tf32` the lower 13 bits do
/// not count.
pub(super) fn single(ty: Type, bits: u64) -> f32 {
    match ty {
        Type::BF16 => f32::from_bits((bits as u32) << 16),
        Type::TF32 => f32::from_bits(bits as u32 & 0xffff_e000),
        Type::E4M3 => single(Type::F16, fp8::half(bits, Type::E4M3x2)),
        Type::E5M2 => single(Type::F16, fp8::half(bits, Type::E5M2x2)),
        _ => {
            let bits = bits as u32;
            let shifted = (bits & 0x7fff) << 13;
            // The exponents of halves begin 112 higher.
            let mut magnitude = (f32::from_bits(shifted) * TWO_TO_112).to_bits();
            if shifted >= 0x1f << 23 {
                magnitude |= 0xff << 23;
            }
            f32::from_bits(magnitude | (bits & 0x8000) << 16)
        }
    }
}

/// 2^112.
const TWO_TO_112: f32 = f32::from_bits(239 << 23);

/// An integer element of a factor.
fn integer(ty: Type, bits: u64) -> i64 {
    let unused = 64 - ty.bits();
    if ty.is_signed() {
        return (bits << unused).cast_signed() >> unused;
    }
    bits.cast_signed()
}

/// A product, rounded to single precision where that does not hold it, and a sum.
pub(super) fn add_product(sum: f32, a: f32, b: f32) -> f32 {
    sum + a * b
}

/// From which lanes each lane reads when rows of matrices of 8 times 8 halves change hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Permutation {
    /// For each of so many matrices, the address of the row of the lane's group.
    Rows(u8),
    /// For each of so many matrices, the addresses of the two rows whose elements are the lane's in the
    /// transpose.
    Columns(u8),
    /// The lanes that hold the two elements that are the lane's in the transpose.
    Transpose,
}

impl Permutation {
    /// How many lanes each lane reads.
    pub(crate) fn results(self) -> usize {
        match self {
            Permutation::Rows(matrices) => usize::from(matrices),
            Permutation::Columns(matrices) => 2 * usize::from(matrices),
            Permutation::Transpose => 2,
        }
    }

    /// The lane that a lane reads for a result.
    pub(crate) fn source(self, result: usize, lane: usize) -> usize {
        let (group, place) = (lane / 4, lane % 4);
        let from = match self {
            Permutation::Rows(_) => 8 * result + group,
            Permutation::Columns(_) => 8 * (result / 2) + 2 * place + result % 2,
            Permutation::Transpose => 4 * (2 * place + result) + group / 2,
        };
        from % WARP_LANES as usize
    }
}

impl fmt::Display for Permutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Permutation::Rows(matrices) => write!(f, "rows.x{matrices}"),
            Permutation::Columns(matrices) => write!(f, "columns.x{matrices}"),
            Permutation::Transpose => f.write_str("transpose"),
        }
    }
}

/// How many matrices `ldmatrix` and `stmatrix` move.
pub(crate) fn matrices(modifiers: &Modifiers) -> u8 {
    if modifiers.has(Modifier::X4) {
        4
    } else if modifiers.has(Modifier::X2) {
        2
    } else {
        1
    }
}

/// The bytes of a row of a matrix, which addresses of rows are multiples of.
pub(crate) const ROW_BYTES: u32 = 16;
