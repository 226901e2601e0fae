//! The opcode table: all that the compiler knows of each arithmetic operation on registers, one row
//! for each.
//!
//! An opcode is an instruction of WebAssembly on one or two operands. Each row states every column,
//! so an opcode without one of them does not compile, and no other list of opcodes is kept elsewhere:
//! an analysis or a pass asks the table. What follows from [`Meaning`] for the lanes of a lane group
//! is in [`transfer`](crate::compile::analysis::transfer).

use wasm_encoder::Instruction as W;

use crate::compile::ir::Ty;

/// A row of the table.
struct Row {
    /// How many operands, and the type of each.
    arity: usize,
    operand: Ty,
    result: Ty,
    meaning: Meaning,
    nan: NanBehavior,
    trap: Trap,
    vector: VectorForm,
}

/// What an operation computes, as far as analyses follow it. The transfer functions of these analyses
/// are functions of this column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Add,
    Sub,
    Mul,
    And,
    Or,
    Xor,
    Shl,
    ShrS,
    ShrU,
    /// The low 32 bits of 64.
    Truncate,
    /// 64 bits from 32, with copies of the sign or with zeros above.
    ExtendS,
    ExtendU,
    /// Comparisons: the result is 0 or 1.
    CompareEqual,
    CompareSigned,
    CompareUnsigned,
    CompareFloat,
    /// A sum or a product of floats, of which the order of the operands decides no more than which NaN
    /// the result is.
    FloatSumProduct,
    /// The greater or the less of two floats; the same of their order.
    FloatExtreme,
    /// Any other function of the operands: equal operands give equal results, and no more is known.
    Opaque,
}

/// What an operation makes of a NaN. Column of `nan_canonicalization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NanBehavior {
    /// Neither an operand nor the result is ever one.
    Absent,
    /// One among the operands matters only in that the result is one, and which one that is, is for
    /// the engine to say.
    Arithmetic,
    /// The result is not one, and the same whichever one an operand is.
    Ignored,
    /// The canonical one gives the canonical one, any other one shows in the result.
    KeepsCanonical,
    /// The bits of the operand show in the result.
    Observed,
}

/// Whether WebAssembly's instruction can trap. Translation guards the operands of those that can, so
/// that in the IR none does, and each may be executed speculatively with the operands that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trap {
    Never,
    /// Where the divisor is zero, or the quotient does not fit.
    Division,
}

/// How an operation is done for all lanes of a lane group.
#[derive(Clone, Debug)]
pub(crate) enum VectorForm {
    /// By this instruction, vector by vector.
    Lanes(W<'static>),
    /// By this instruction, vector by vector, which gives lanes of all ones or zeros.
    Compare(W<'static>),
    /// By this instruction, if the amount is the same in all lanes.
    Shift(W<'static>),
    /// The operand's bits are the result.
    SameBits,
    /// One vector of 32-bit lanes gives two of 64-bit lanes: by instructions for its low and its high
    /// half.
    Widen(W<'static>, W<'static>),
    /// The same where there is an instruction for the low half alone.
    WidenLow(W<'static>),
    /// The low 32 bits of the 64-bit lanes of two vectors.
    Truncate,
    /// Two vectors of 64-bit lanes give one of 32-bit lanes: by an instruction that gives its low half.
    NarrowLow(W<'static>),
    /// So many low bits are extended by their sign: by two shifts.
    SignExtend(u32),
    /// The sign of the second operand and the rest of the first: by a selection of bits.
    CopySign,
    /// For one lane after another, by the scalar instruction.
    Scalarised,
}

macro_rules! opcodes {
    ($($name:ident: $arity:literal * $operand:ident -> $result:ident, $meaning:ident, $nan:ident, $trap:ident,
        $vector:expr;)*) => {
        /// An operation on one or two registers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Opcode {
            $($name,)*
        }

        impl Opcode {
            /// All of them, in the table's order.
            #[cfg(test)]
            pub(crate) const ALL: &[Opcode] = &[$(Opcode::$name),*];

            /// The instruction for one thread.
            pub(crate) fn scalar(self) -> W<'static> {
                match self {
                    $(Opcode::$name => W::$name,)*
                }
            }

            fn row(self) -> &'static Row {
                use VectorForm::*;
                match self {
                    $(Opcode::$name => {
                        static ROW: Row = Row {
                            arity: $arity,
                            operand: Ty::$operand,
                            result: Ty::$result,
                            meaning: Meaning::$meaning,
                            nan: NanBehavior::$nan,
                            trap: Trap::$trap,
                            vector: $vector,
                        };
                        &ROW
                    })*
                }
            }
        }
    };
}

// Operands and result, meaning, NaN behaviour, trap, vector form.
opcodes! {
    I32Add:            2 * I32 -> I32, Add,             Absent,         Never,    Lanes(W::I32x4Add);
    I32Sub:            2 * I32 -> I32, Sub,             Absent,         Never,    Lanes(W::I32x4Sub);
    I32Mul:            2 * I32 -> I32, Mul,             Absent,         Never,    Lanes(W::I32x4Mul);
    I32DivS:           2 * I32 -> I32, Opaque,          Absent,         Division, Scalarised;
    I32DivU:           2 * I32 -> I32, Opaque,          Absent,         Division, Scalarised;
    I32RemS:           2 * I32 -> I32, Opaque,          Absent,         Division, Scalarised;
    I32RemU:           2 * I32 -> I32, Opaque,          Absent,         Division, Scalarised;
    I32And:            2 * I32 -> I32, And,             Absent,         Never,    Lanes(W::V128And);
    I32Or:             2 * I32 -> I32, Or,              Absent,         Never,    Lanes(W::V128Or);
    I32Xor:            2 * I32 -> I32, Xor,             Absent,         Never,    Lanes(W::V128Xor);
    I32Shl:            2 * I32 -> I32, Shl,             Absent,         Never,    Shift(W::I32x4Shl);
    I32ShrS:           2 * I32 -> I32, ShrS,            Absent,         Never,    Shift(W::I32x4ShrS);
    I32ShrU:           2 * I32 -> I32, ShrU,            Absent,         Never,    Shift(W::I32x4ShrU);
    I32Clz:            1 * I32 -> I32, Opaque,          Absent,         Never,    Scalarised;
    I32Popcnt:         1 * I32 -> I32, Opaque,          Absent,         Never,    Scalarised;
    I32Eq:             2 * I32 -> I32, CompareEqual,    Absent,         Never,    Compare(W::I32x4Eq);
    I32Ne:             2 * I32 -> I32, CompareEqual,    Absent,         Never,    Compare(W::I32x4Ne);
    I32LtS:            2 * I32 -> I32, CompareSigned,   Absent,         Never,    Compare(W::I32x4LtS);
    I32LtU:            2 * I32 -> I32, CompareUnsigned, Absent,         Never,    Compare(W::I32x4LtU);
    I32LeS:            2 * I32 -> I32, CompareSigned,   Absent,         Never,    Compare(W::I32x4LeS);
    I32LeU:            2 * I32 -> I32, CompareUnsigned, Absent,         Never,    Compare(W::I32x4LeU);
    I32GtS:            2 * I32 -> I32, CompareSigned,   Absent,         Never,    Compare(W::I32x4GtS);
    I32GtU:            2 * I32 -> I32, CompareUnsigned, Absent,         Never,    Compare(W::I32x4GtU);
    I32GeS:            2 * I32 -> I32, CompareSigned,   Absent,         Never,    Compare(W::I32x4GeS);
    I32GeU:            2 * I32 -> I32, CompareUnsigned, Absent,         Never,    Compare(W::I32x4GeU);
    I32Extend8S:       1 * I32 -> I32, Opaque,          Absent,         Never,    SignExtend(8);
    I32Extend16S:      1 * I32 -> I32, Opaque,          Absent,         Never,    SignExtend(16);
    I32WrapI64:        1 * I64 -> I32, Truncate,        Absent,         Never,    Truncate;
    I32TruncSatF32S:   1 * F32 -> I32, Opaque,          Ignored,        Never,    Lanes(W::I32x4TruncSatF32x4S);
    I32TruncSatF32U:   1 * F32 -> I32, Opaque,          Ignored,        Never,    Lanes(W::I32x4TruncSatF32x4U);
    I32TruncSatF64S:   1 * F64 -> I32, Opaque,          Ignored,        Never,    Scalarised;
    I32TruncSatF64U:   1 * F64 -> I32, Opaque,          Ignored,        Never,    Scalarised;
    I32ReinterpretF32: 1 * F32 -> I32, Opaque,          Observed,       Never,    SameBits;
    I64Add:            2 * I64 -> I64, Add,             Absent,         Never,    Lanes(W::I64x2Add);
    I64Sub:            2 * I64 -> I64, Sub,             Absent,         Never,    Lanes(W::I64x2Sub);
    I64Mul:            2 * I64 -> I64, Mul,             Absent,         Never,    Lanes(W::I64x2Mul);
    I64DivS:           2 * I64 -> I64, Opaque,          Absent,         Division, Scalarised;
    I64DivU:           2 * I64 -> I64, Opaque,          Absent,         Division, Scalarised;
    I64RemS:           2 * I64 -> I64, Opaque,          Absent,         Division, Scalarised;
    I64RemU:           2 * I64 -> I64, Opaque,          Absent,         Division, Scalarised;
    I64And:            2 * I64 -> I64, And,             Absent,         Never,    Lanes(W::V128And);
    I64Or:             2 * I64 -> I64, Or,              Absent,         Never,    Lanes(W::V128Or);
    I64Xor:            2 * I64 -> I64, Xor,             Absent,         Never,    Lanes(W::V128Xor);
    I64Shl:            2 * I64 -> I64, Shl,             Absent,         Never,    Shift(W::I64x2Shl);
    I64ShrS:           2 * I64 -> I64, ShrS,            Absent,         Never,    Shift(W::I64x2ShrS);
    I64ShrU:           2 * I64 -> I64, ShrU,            Absent,         Never,    Shift(W::I64x2ShrU);
    I64Clz:            1 * I64 -> I64, Opaque,          Absent,         Never,    Scalarised;
    I64Popcnt:         1 * I64 -> I64, Opaque,          Absent,         Never,    Scalarised;
    I64Eq:             2 * I64 -> I32, CompareEqual,    Absent,         Never,    Compare(W::I64x2Eq);
    I64Ne:             2 * I64 -> I32, CompareEqual,    Absent,         Never,    Compare(W::I64x2Ne);
    I64LtS:            2 * I64 -> I32, CompareSigned,   Absent,         Never,    Compare(W::I64x2LtS);
    I64LtU:            2 * I64 -> I32, CompareUnsigned, Absent,         Never,    Scalarised;
    I64LeS:            2 * I64 -> I32, CompareSigned,   Absent,         Never,    Compare(W::I64x2LeS);
    I64LeU:            2 * I64 -> I32, CompareUnsigned, Absent,         Never,    Scalarised;
    I64GtS:            2 * I64 -> I32, CompareSigned,   Absent,         Never,    Compare(W::I64x2GtS);
    I64GtU:            2 * I64 -> I32, CompareUnsigned, Absent,         Never,    Scalarised;
    I64GeS:            2 * I64 -> I32, CompareSigned,   Absent,         Never,    Compare(W::I64x2GeS);
    I64GeU:            2 * I64 -> I32, CompareUnsigned, Absent,         Never,    Scalarised;
    I64ExtendI32S:     1 * I32 -> I64, ExtendS,         Absent,         Never,    Widen(W::I64x2ExtendLowI32x4S, W::I64x2ExtendHighI32x4S);
    I64ExtendI32U:     1 * I32 -> I64, ExtendU,         Absent,         Never,    Widen(W::I64x2ExtendLowI32x4U, W::I64x2ExtendHighI32x4U);
    I64TruncSatF32S:   1 * F32 -> I64, Opaque,          Ignored,        Never,    Scalarised;
    I64TruncSatF32U:   1 * F32 -> I64, Opaque,          Ignored,        Never,    Scalarised;
    I64TruncSatF64S:   1 * F64 -> I64, Opaque,          Ignored,        Never,    Scalarised;
    I64TruncSatF64U:   1 * F64 -> I64, Opaque,          Ignored,        Never,    Scalarised;
    I64ReinterpretF64: 1 * F64 -> I64, Opaque,          Observed,       Never,    SameBits;
    F32Add:            2 * F32 -> F32, FloatSumProduct, Arithmetic,     Never,    Lanes(W::F32x4Add);
    F32Sub:            2 * F32 -> F32, Opaque,          Arithmetic,     Never,    Lanes(W::F32x4Sub);
    F32Mul:            2 * F32 -> F32, FloatSumProduct, Arithmetic,     Never,    Lanes(W::F32x4Mul);
    F32Div:            2 * F32 -> F32, Opaque,          Arithmetic,     Never,    Lanes(W::F32x4Div);
    F32Sqrt:           1 * F32 -> F32, Opaque,          Arithmetic,     Never,    Lanes(W::F32x4Sqrt);
    F32Min:            2 * F32 -> F32, FloatExtreme,    Arithmetic,     Never,    Lanes(W::F32x4Min);
    F32Max:            2 * F32 -> F32, FloatExtreme,    Arithmetic,     Never,    Lanes(W::F32x4Max);
    F32Abs:            1 * F32 -> F32, Opaque,          KeepsCanonical, Never,    Lanes(W::F32x4Abs);
    F32Neg:            1 * F32 -> F32, Opaque,          Observed,       Never,    Lanes(W::F32x4Neg);
    F32Copysign:       2 * F32 -> F32, Opaque,          Observed,       Never,    CopySign;
    F32Ceil:           1 * F32 -> F32, Opaque,          Arithmetic,     Never,    Lanes(W::F32x4Ceil);
    F32Floor:          1 * F32 -> F32, Opaque,          Arithmetic,     Never,    Lanes(W::F32x4Floor);
    F32Trunc:          1 * F32 -> F32, Opaque,          Arithmetic,     Never,    Lanes(W::F32x4Trunc);
    F32Nearest:        1 * F32 -> F32, Opaque,          Arithmetic,     Never,    Lanes(W::F32x4Nearest);
    F32Eq:             2 * F32 -> I32, CompareFloat,    Ignored,        Never,    Compare(W::F32x4Eq);
    F32Ne:             2 * F32 -> I32, CompareFloat,    Ignored,        Never,    Compare(W::F32x4Ne);
    F32Lt:             2 * F32 -> I32, CompareFloat,    Ignored,        Never,    Compare(W::F32x4Lt);
    F32Le:             2 * F32 -> I32, CompareFloat,    Ignored,        Never,    Compare(W::F32x4Le);
    F32Gt:             2 * F32 -> I32, CompareFloat,    Ignored,        Never,    Compare(W::F32x4Gt);
    F32Ge:             2 * F32 -> I32, CompareFloat,    Ignored,        Never,    Compare(W::F32x4Ge);
    F32DemoteF64:      1 * F64 -> F32, Opaque,          Arithmetic,     Never,    NarrowLow(W::F32x4DemoteF64x2Zero);
    F32ConvertI32S:    1 * I32 -> F32, Opaque,          Absent,         Never,    Lanes(W::F32x4ConvertI32x4S);
    F32ConvertI32U:    1 * I32 -> F32, Opaque,          Absent,         Never,    Lanes(W::F32x4ConvertI32x4U);
    F32ConvertI64S:    1 * I64 -> F32, Opaque,          Absent,         Never,    Scalarised;
    F32ConvertI64U:    1 * I64 -> F32, Opaque,          Absent,         Never,    Scalarised;
    F32ReinterpretI32: 1 * I32 -> F32, Opaque,          Observed,       Never,    SameBits;
    F64Add:            2 * F64 -> F64, FloatSumProduct, Arithmetic,     Never,    Lanes(W::F64x2Add);
    F64Sub:            2 * F64 -> F64, Opaque,          Arithmetic,     Never,    Lanes(W::F64x2Sub);
    F64Mul:            2 * F64 -> F64, FloatSumProduct, Arithmetic,     Never,    Lanes(W::F64x2Mul);
    F64Div:            2 * F64 -> F64, Opaque,          Arithmetic,     Never,    Lanes(W::F64x2Div);
    F64Sqrt:           1 * F64 -> F64, Opaque,          Arithmetic,     Never,    Lanes(W::F64x2Sqrt);
    F64Min:            2 * F64 -> F64, FloatExtreme,    Arithmetic,     Never,    Lanes(W::F64x2Min);
    F64Max:            2 * F64 -> F64, FloatExtreme,    Arithmetic,     Never,    Lanes(W::F64x2Max);
    F64Abs:            1 * F64 -> F64, Opaque,          Observed,       Never,    Lanes(W::F64x2Abs);
    F64Neg:            1 * F64 -> F64, Opaque,          Observed,       Never,    Lanes(W::F64x2Neg);
    F64Copysign:       2 * F64 -> F64, Opaque,          Observed,       Never,    CopySign;
    F64Ceil:           1 * F64 -> F64, Opaque,          Arithmetic,     Never,    Lanes(W::F64x2Ceil);
    F64Floor:          1 * F64 -> F64, Opaque,          Arithmetic,     Never,    Lanes(W::F64x2Floor);
    F64Trunc:          1 * F64 -> F64, Opaque,          Arithmetic,     Never,    Lanes(W::F64x2Trunc);
    F64Nearest:        1 * F64 -> F64, Opaque,          Arithmetic,     Never,    Lanes(W::F64x2Nearest);
    F64Eq:             2 * F64 -> I32, CompareFloat,    Ignored,        Never,    Compare(W::F64x2Eq);
    F64Ne:             2 * F64 -> I32, CompareFloat,    Ignored,        Never,    Compare(W::F64x2Ne);
    F64Lt:             2 * F64 -> I32, CompareFloat,    Ignored,        Never,    Compare(W::F64x2Lt);
    F64Le:             2 * F64 -> I32, CompareFloat,    Ignored,        Never,    Compare(W::F64x2Le);
    F64Gt:             2 * F64 -> I32, CompareFloat,    Ignored,        Never,    Compare(W::F64x2Gt);
    F64Ge:             2 * F64 -> I32, CompareFloat,    Ignored,        Never,    Compare(W::F64x2Ge);
    F64PromoteF32:     1 * F32 -> F64, Opaque,          Arithmetic,     Never,    WidenLow(W::F64x2PromoteLowF32x4);
    F64ConvertI32S:    1 * I32 -> F64, Opaque,          Absent,         Never,    WidenLow(W::F64x2ConvertLowI32x4S);
    F64ConvertI32U:    1 * I32 -> F64, Opaque,          Absent,         Never,    WidenLow(W::F64x2ConvertLowI32x4U);
    F64ConvertI64S:    1 * I64 -> F64, Opaque,          Absent,         Never,    Scalarised;
    F64ConvertI64U:    1 * I64 -> F64, Opaque,          Absent,         Never,    Scalarised;
    F64ReinterpretI64: 1 * I64 -> F64, Opaque,          Observed,       Never,    SameBits;
}

impl Opcode {
    /// How many operands it has: one or two.
    pub(crate) fn arity(self) -> usize {
        self.row().arity
    }

    /// The type of its operands.
    pub(crate) fn operand(self) -> Ty {
        self.row().operand
    }

    /// The type of its result.
    pub(crate) fn result(self) -> Ty {
        self.row().result
    }

    /// What it computes.
    pub(crate) fn meaning(self) -> Meaning {
        self.row().meaning
    }

    /// What it makes of a NaN.
    pub(crate) fn nan(self) -> NanBehavior {
        self.row().nan
    }

    /// How it is done for all lanes of a lane group.
    pub(crate) fn vector(self) -> &'static VectorForm {
        &self.row().vector
    }

    /// Whether the instruction traps for some operands.
    pub(crate) fn may_trap(self) -> bool {
        self.row().trap != Trap::Never
    }

    /// Whether which NaN an operand is makes no difference to its result but, where that is one, which
    /// one it is.
    pub(crate) fn ignores_nan_payload(self) -> bool {
        matches!(self.nan(), NanBehavior::Arithmetic | NanBehavior::Ignored)
    }

    /// Whether its result is 0 or 1 whatever its operands are.
    pub(crate) fn is_comparison(self) -> bool {
        matches!(
            self.meaning(),
            Meaning::CompareEqual
                | Meaning::CompareSigned
                | Meaning::CompareUnsigned
                | Meaning::CompareFloat
        )
    }

    /// Whether the order of the operands makes no difference but to which NaN the result is.
    pub(crate) fn is_commutative(self) -> bool {
        matches!(
            self.meaning(),
            Meaning::Add
                | Meaning::Mul
                | Meaning::And
                | Meaning::Or
                | Meaning::Xor
                | Meaning::FloatSumProduct
                | Meaning::FloatExtreme
        )
    }

    /// Whether it says which of two integers is the less.
    pub(crate) fn is_integer_order(self) -> bool {
        matches!(
            self.meaning(),
            Meaning::CompareSigned | Meaning::CompareUnsigned
        )
    }

    /// Whether the result has the bits of the operand, as another type.
    pub(crate) fn is_reinterpretation(self) -> bool {
        matches!(self.vector(), VectorForm::SameBits)
    }

    /// Whether it combines registers that are 0 or 1 into one that is 0 or 1.
    pub(crate) fn is_bool_combine(self) -> bool {
        let combines = matches!(self.meaning(), Meaning::And | Meaning::Or | Meaning::Xor);
        combines && self.result() == Ty::I32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The type that a name begins with, and the rest.
    fn name(opcode: Opcode) -> (String, String) {
        let name = format!("{opcode:?}");
        (name[..3].to_owned(), name[3..].to_owned())
    }

    /// WebAssembly names its instructions by the type of their result, which for comparisons is that
    /// of the operands, by what they do, and by the type they convert from.
    #[test]
    fn rows_say_what_the_names_of_their_instructions_say() {
        for opcode in Opcode::ALL.iter().copied() {
            let (ty, rest) = name(opcode);
            let typed = if opcode.is_comparison() {
                assert_eq!(opcode.result(), Ty::I32, "{opcode:?}");
                opcode.operand()
            } else {
                opcode.result()
            };
            assert_eq!(format!("{typed:?}"), ty, "{opcode:?}");
            let from = ["I32", "I64", "F32", "F64"]
                .into_iter()
                .find(|from| rest.contains(from));
            let operand = from.map_or(ty.clone(), str::to_owned);
            assert_eq!(format!("{:?}", opcode.operand()), operand, "{opcode:?}");
            let is_integer = !opcode.operand().is_float();
            let meaning = match rest.as_str() {
                "WrapI64" => "Truncate",
                "ExtendI32S" => "ExtendS",
                "ExtendI32U" => "ExtendU",
                "Eq" | "Ne" if is_integer => "CompareEqual",
                "LtS" | "LeS" | "GtS" | "GeS" => "CompareSigned",
                "LtU" | "LeU" | "GtU" | "GeU" => "CompareUnsigned",
                "Eq" | "Ne" | "Lt" | "Le" | "Gt" | "Ge" => "CompareFloat",
                "Add" | "Sub" | "Mul" | "And" | "Or" | "Xor" | "Shl" | "ShrS" | "ShrU"
                    if is_integer =>
                {
                    &rest
                }
                "Add" | "Mul" => "FloatSumProduct",
                "Min" | "Max" => "FloatExtreme",
                _ => "Opaque",
            };
            assert_eq!(format!("{:?}", opcode.meaning()), meaning, "{opcode:?}");
            let divides = is_integer && ["DivS", "DivU", "RemS", "RemU"].contains(&rest.as_str());
            assert_eq!(opcode.may_trap(), divides, "{opcode:?}");
        }
    }

    #[test]
    fn nan_behaviour_fits_the_types() {
        for opcode in Opcode::ALL.iter().copied() {
            let (from, to) = (opcode.operand().is_float(), opcode.result().is_float());
            let reinterprets = name(opcode).1.starts_with("Reinterpret");
            let fits = match opcode.nan() {
                NanBehavior::Absent => !from && !reinterprets,
                NanBehavior::Arithmetic | NanBehavior::KeepsCanonical => from && to,
                NanBehavior::Ignored => from && !to && !reinterprets,
                NanBehavior::Observed => from || reinterprets,
            };
            assert!(fits, "{opcode:?}");
        }
    }

    #[test]
    fn vector_forms_fit_the_types() {
        for opcode in Opcode::ALL.iter().copied() {
            let (from, to) = (opcode.operand().bytes(), opcode.result().bytes());
            let (_, rest) = name(opcode);
            let fits = match opcode.vector() {
                VectorForm::Lanes(_) => from == to && !opcode.is_comparison(),
                VectorForm::Compare(_) => opcode.is_comparison(),
                VectorForm::Shift(_) => matches!(
                    opcode.meaning(),
                    Meaning::Shl | Meaning::ShrS | Meaning::ShrU
                ),
                VectorForm::SameBits => rest.starts_with("Reinterpret"),
                VectorForm::Widen(..) | VectorForm::WidenLow(_) => from == 4 && to == 8,
                VectorForm::Truncate => opcode.meaning() == Meaning::Truncate,
                VectorForm::NarrowLow(_) => from == 8 && to == 4,
                VectorForm::SignExtend(bits) => rest == format!("Extend{bits}S"),
                VectorForm::CopySign => rest == "Copysign",
                VectorForm::Scalarised => true,
            };
            assert!(fits, "{opcode:?}");
        }
    }
}
