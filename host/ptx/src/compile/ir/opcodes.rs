//! The operations on registers, one table: each is an instruction of WebAssembly, and many have one
//! that does the same in every lane of a vector.

use wasm_encoder::Instruction;

use crate::compile::ir::Ty;

macro_rules! codes {
    ($($name:ident: $operand:ident -> $result:ident $(, $vector:ident)?;)*) => {
        /// An operation on one or two registers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Opcode {
            $($name,)*
        }

        impl Opcode {
            /// The instruction for one thread.
            pub(crate) fn scalar(self) -> Instruction<'static> {
                match self {
                    $(Opcode::$name => Instruction::$name,)*
                }
            }

            /// The instruction for all lanes of a vector, where there is one. Comparisons give lanes
            /// of all ones or zeros.
            pub(crate) fn vector(self) -> Option<Instruction<'static>> {
                match self {
                    $($(Opcode::$name => Some(Instruction::$vector),)?)*
                    #[allow(unreachable_patterns)]
                    _ => None,
                }
            }

            /// The type of its operands.
            pub(crate) fn operand(self) -> Ty {
                match self {
                    $(Opcode::$name => Ty::$operand,)*
                }
            }

            /// The type of its result.
            pub(crate) fn result(self) -> Ty {
                match self {
                    $(Opcode::$name => Ty::$result,)*
                }
            }
        }
    };
}

codes! {
    I32Add: I32 -> I32, I32x4Add;
    I32Sub: I32 -> I32, I32x4Sub;
    I32Mul: I32 -> I32, I32x4Mul;
    I32DivS: I32 -> I32;
    I32DivU: I32 -> I32;
    I32RemS: I32 -> I32;
    I32RemU: I32 -> I32;
    I32And: I32 -> I32, V128And;
    I32Or: I32 -> I32, V128Or;
    I32Xor: I32 -> I32, V128Xor;
    I32Shl: I32 -> I32;
    I32ShrS: I32 -> I32;
    I32ShrU: I32 -> I32;
    I32Clz: I32 -> I32;
    I32Popcnt: I32 -> I32;
    I32Eq: I32 -> I32, I32x4Eq;
    I32Ne: I32 -> I32, I32x4Ne;
    I32LtS: I32 -> I32, I32x4LtS;
    I32LtU: I32 -> I32, I32x4LtU;
    I32LeS: I32 -> I32, I32x4LeS;
    I32LeU: I32 -> I32, I32x4LeU;
    I32GtS: I32 -> I32, I32x4GtS;
    I32GtU: I32 -> I32, I32x4GtU;
    I32GeS: I32 -> I32, I32x4GeS;
    I32GeU: I32 -> I32, I32x4GeU;
    I32Extend8S: I32 -> I32;
    I32Extend16S: I32 -> I32;
    I32WrapI64: I64 -> I32;
    I32TruncSatF32S: F32 -> I32, I32x4TruncSatF32x4S;
    I32TruncSatF32U: F32 -> I32, I32x4TruncSatF32x4U;
    I32TruncSatF64S: F64 -> I32;
    I32TruncSatF64U: F64 -> I32;
    I32ReinterpretF32: F32 -> I32;
    I64Add: I64 -> I64, I64x2Add;
    I64Sub: I64 -> I64, I64x2Sub;
    I64Mul: I64 -> I64, I64x2Mul;
    I64DivS: I64 -> I64;
    I64DivU: I64 -> I64;
    I64RemS: I64 -> I64;
    I64RemU: I64 -> I64;
    I64And: I64 -> I64, V128And;
    I64Or: I64 -> I64, V128Or;
    I64Xor: I64 -> I64, V128Xor;
    I64Shl: I64 -> I64;
    I64ShrS: I64 -> I64;
    I64ShrU: I64 -> I64;
    I64Clz: I64 -> I64;
    I64Popcnt: I64 -> I64;
    I64Eq: I64 -> I32, I64x2Eq;
    I64Ne: I64 -> I32, I64x2Ne;
    I64LtS: I64 -> I32, I64x2LtS;
    I64LtU: I64 -> I32;
    I64LeS: I64 -> I32, I64x2LeS;
    I64LeU: I64 -> I32;
    I64GtS: I64 -> I32, I64x2GtS;
    I64GtU: I64 -> I32;
    I64GeS: I64 -> I32, I64x2GeS;
    I64GeU: I64 -> I32;
    I64ExtendI32S: I32 -> I64;
    I64ExtendI32U: I32 -> I64;
    I64TruncSatF32S: F32 -> I64;
    I64TruncSatF32U: F32 -> I64;
    I64TruncSatF64S: F64 -> I64;
    I64TruncSatF64U: F64 -> I64;
    I64ReinterpretF64: F64 -> I64;
    F32Add: F32 -> F32, F32x4Add;
    F32Sub: F32 -> F32, F32x4Sub;
    F32Mul: F32 -> F32, F32x4Mul;
    F32Div: F32 -> F32, F32x4Div;
    F32Sqrt: F32 -> F32, F32x4Sqrt;
    F32Min: F32 -> F32, F32x4Min;
    F32Max: F32 -> F32, F32x4Max;
    F32Abs: F32 -> F32, F32x4Abs;
    F32Neg: F32 -> F32, F32x4Neg;
    F32Copysign: F32 -> F32;
    F32Ceil: F32 -> F32, F32x4Ceil;
    F32Floor: F32 -> F32, F32x4Floor;
    F32Trunc: F32 -> F32, F32x4Trunc;
    F32Nearest: F32 -> F32, F32x4Nearest;
    F32Eq: F32 -> I32, F32x4Eq;
    F32Ne: F32 -> I32, F32x4Ne;
    F32Lt: F32 -> I32, F32x4Lt;
    F32Le: F32 -> I32, F32x4Le;
    F32Gt: F32 -> I32, F32x4Gt;
    F32Ge: F32 -> I32, F32x4Ge;
    F32DemoteF64: F64 -> F32;
    F32ConvertI32S: I32 -> F32, F32x4ConvertI32x4S;
    F32ConvertI32U: I32 -> F32, F32x4ConvertI32x4U;
    F32ConvertI64S: I64 -> F32;
    F32ConvertI64U: I64 -> F32;
    F32ReinterpretI32: I32 -> F32;
    F64Add: F64 -> F64, F64x2Add;
    F64Sub: F64 -> F64, F64x2Sub;
    F64Mul: F64 -> F64, F64x2Mul;
    F64Div: F64 -> F64, F64x2Div;
    F64Sqrt: F64 -> F64, F64x2Sqrt;
    F64Min: F64 -> F64, F64x2Min;
    F64Max: F64 -> F64, F64x2Max;
    F64Abs: F64 -> F64, F64x2Abs;
    F64Neg: F64 -> F64, F64x2Neg;
    F64Copysign: F64 -> F64;
    F64Ceil: F64 -> F64, F64x2Ceil;
    F64Floor: F64 -> F64, F64x2Floor;
    F64Trunc: F64 -> F64, F64x2Trunc;
    F64Nearest: F64 -> F64, F64x2Nearest;
    F64Eq: F64 -> I32, F64x2Eq;
    F64Ne: F64 -> I32, F64x2Ne;
    F64Lt: F64 -> I32, F64x2Lt;
    F64Le: F64 -> I32, F64x2Le;
    F64Gt: F64 -> I32, F64x2Gt;
    F64Ge: F64 -> I32, F64x2Ge;
    F64PromoteF32: F32 -> F64;
    F64ConvertI32S: I32 -> F64;
    F64ConvertI32U: I32 -> F64;
    F64ConvertI64S: I64 -> F64;
    F64ConvertI64U: I64 -> F64;
    F64ReinterpretI64: I64 -> F64;
}

impl Opcode {
    /// Whether a NaN among its operands matters only in that its result is one, and whether which
    /// NaN that is, is for the engine to say.
    pub(crate) fn is_float_arithmetic(self) -> bool {
        use Opcode::*;
        matches!(
            self,
            F32Add
                | F32Sub
                | F32Mul
                | F32Div
                | F32Sqrt
                | F32Min
                | F32Max
                | F32Ceil
                | F32Floor
                | F32Trunc
                | F32Nearest
                | F32DemoteF64
                | F64Add
                | F64Sub
                | F64Mul
                | F64Div
                | F64Sqrt
                | F64Min
                | F64Max
                | F64Ceil
                | F64Floor
                | F64Trunc
                | F64Nearest
                | F64PromoteF32
        )
    }

    /// Whether it shifts, which vectors do where all lanes have one amount in common.
    pub(crate) fn is_shift(self) -> bool {
        use Opcode::*;
        matches!(
            self,
            I32Shl | I32ShrS | I32ShrU | I64Shl | I64ShrS | I64ShrU
        )
    }

    /// Whether which NaN an operand is makes no difference to its result.
    pub(crate) fn ignores_payload(self) -> bool {
        use Opcode::*;
        self.is_float_arithmetic()
            || matches!(
                self,
                F32Eq
                    | F32Ne
                    | F32Lt
                    | F32Le
                    | F32Gt
                    | F32Ge
                    | F64Eq
                    | F64Ne
                    | F64Lt
                    | F64Le
                    | F64Gt
                    | F64Ge
                    | I32TruncSatF32S
                    | I32TruncSatF32U
                    | I32TruncSatF64S
                    | I32TruncSatF64U
                    | I64TruncSatF32S
                    | I64TruncSatF32U
                    | I64TruncSatF64S
                    | I64TruncSatF64U
            )
    }
}
