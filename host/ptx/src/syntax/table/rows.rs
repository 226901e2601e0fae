//! The rows of the table, and the lists of types and modifiers that several of them share.

use std::cmp::Ordering;

use crate::syntax::modifier::Modifier::{self, *};
use crate::syntax::table::{Lanewise, Op, OperandKind, Row, Slot, Ty};
use crate::syntax::types::Space;
use crate::syntax::types::Type::{self, *};

use Op::Scalar;
use OperandKind::{
    Address as A, AddressIn, Dst, DstLoose, DstMasked, DstPair, DstPart, DstVector, PredPair, Src,
    SrcCopied, SrcLoose, SrcPart, SrcPred, SrcSelected, SrcVector,
};
use Slot::{May, Need, Of};
use Ty::{Is, T0, T1, T2, Wide};

const INT: &[Type] = &[U16, U32, U64, S16, S32, S64];
const INT_32_64: &[Type] = &[U32, U64, S32, S64];
const SIGNED: &[Type] = &[S16, S32, S64];
const BITS: &[Type] = &[B16, B32, B64];
const LOGIC: &[Type] = &[Pred, B16, B32, B64];
const FLOAT16: &[Type] = &[F16, F16x2];
const BFLOAT16: &[Type] = &[BF16, BF16x2];
const HALVES: &[Type] = &[F16, F16x2, BF16, BF16x2];
const FLUSHED: &[Type] = &[F32, F16, F16x2];
const UNFLUSHED: &[Type] = &[F64, BF16, BF16x2];
const FP8: &[Type] = &[E4M3x2, E5M2x2];
const PAIRS: &[Type] = &[U16x2, S16x2];
const SIDES: &[Type] = &[U32, S32];
const ANY: &[Type] = &[
    B8, B16, B32, B64, U8, U16, U32, U64, S8, S16, S32, S64, F32, F64,
];
const REGISTER: &[Type] = &[B16, B32, B64, U16, U32, U64, S16, S32, S64, F32, F64];
const UNSIGNED: &[Type] = &[U16, U32, U64];
const SET_RESULT: &[Type] = &[U32, S32, F32];
const SET_HALF_RESULT: &[Type] = &[F16, BF16];
const SET_F16_RESULT: &[Type] = &[F16, BF16, U16, S16, U32, S32];
const SET_BF16_RESULT: &[Type] = &[BF16, U16, S16, U32, S32];
const CONVERTED: &[Type] = &[
    U8, U16, U32, U64, S8, S16, S32, S64, F16, BF16, F32, F64, B16,
];

const ROUND: &[Modifier] = &[Rn, Rz, Rm, Rp];
const ROUND_ANY: &[Modifier] = &[Rn, Rz, Rm, Rp, Rni, Rzi, Rmi, Rpi];
const SAME: &[Modifier] = &[Eq, Ne];
const ORDERED: &[Modifier] = &[Eq, Ne, Lt, Le, Gt, Ge];
const ORDERED_UNSIGNED: &[Modifier] = &[Eq, Ne, Lt, Le, Gt, Ge, Lo, Ls, Hi, Hs];
const ORDERED_FLOAT: &[Modifier] = &[
    Eq, Ne, Lt, Le, Gt, Ge, Equ, Neu, Ltu, Leu, Gtu, Geu, Num, IsNan,
];
const BOOLEAN: &[Modifier] = &[And, Or, Xor];
const HALF_OF: &[Modifier] = &[Hi, Lo];
const SPACES: &[Modifier] = &[
    Global,
    Shared,
    SharedCta,
    SharedCluster,
    Local,
    Const,
    Param,
    ParamEntry,
    ParamFunc,
];
const STORE_SPACES: &[Modifier] = &[
    Global,
    Shared,
    SharedCta,
    SharedCluster,
    Local,
    Param,
    ParamFunc,
];
const WINDOWS: &[Modifier] = &[Global, Shared, SharedCta, Local, Const, Param, ParamEntry];
const ATOM_SPACES: &[Modifier] = &[Global, Shared, SharedCta, SharedCluster];
const SHARED: &[Modifier] = &[Shared, SharedCta];
const CLUSTER_SHARED: &[Modifier] = &[Shared, SharedCta, SharedCluster];
const PLAIN: &[Modifier] = &[Weak, Volatile];
const LOAD_ORDER: &[Modifier] = &[Relaxed, Acquire];
const STORE_ORDER: &[Modifier] = &[Relaxed, Release];
const ATOM_ORDER: &[Modifier] = &[Relaxed, Acquire, Release, AcqRel];
const SCOPE: &[Modifier] = &[Cta, Cluster, Gpu, Sys];
const LOAD_CACHE: &[Modifier] = &[Ca, Cg, Cs, Lu, Cv];
const STORE_CACHE: &[Modifier] = &[Wb, Cg, Cs, Wt];
const EVICT: &[Modifier] = &[
    L1EvictNormal,
    L1EvictUnchanged,
    L1EvictFirst,
    L1EvictLast,
    L1NoAllocate,
];
const L2_POLICY: &[Modifier] = &[L2EvictLast, L2EvictNormal, L2EvictFirst, L2EvictUnchanged];
const FETCH: &[Modifier] = &[L2B64, L2B128, L2B256];
const LANES: &[Modifier] = &[V2, V4];
const LAYOUTS: &[Modifier] = &[RowMajor, ColumnMajor];

/// The integer operations that are one function each, in `numeric/scalar.rs`, which the interpreter
/// computes and the compiler emits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ScalarOp {
    AddPairs,
    AddSat,
    Bfe,
    Bfi,
    Bfind,
    Bmsk,
    Brev,
    Clz,
    Cnot,
    Dp2a,
    Dp4a,
    Lop3,
    Mad24,
    MaxPairs,
    MaxRelu,
    MinPairs,
    MinRelu,
    Mul24,
    Not,
    Popc,
    Prmt,
    Sad,
    ShfLeft,
    ShfRight,
    SubSat,
    Szext,
    Vabsdiff,
    Vadd,
    Vmad,
    Vmax,
    Vmin,
    /// `vset`: 1 where the comparison holds, else 0.
    Vset,
    Vshl,
    Vshr,
    Vsub,
}

impl ScalarOp {
    /// Whether it is a scalar video instruction: its operands may be parts of registers.
    pub(crate) fn is_video(self) -> bool {
        use ScalarOp::*;
        matches!(
            self,
            Vabsdiff | Vadd | Vmad | Vmax | Vmin | Vset | Vshl | Vshr | Vsub
        )
    }
}

/// Result, operands, and what becomes of the lanes' results.
const VIDEO: &[Slot] = &[Of(SIDES), Of(SIDES), Of(SIDES), May(&[Sat, Add])];

const SIMD: &[OperandKind] = &[
    DstMasked(Is(B32)),
    SrcSelected(Is(B32)),
    SrcSelected(Is(B32)),
    Src(Is(B32)),
];

/// Scalar video instructions, whose types are those of result and operands. A further operand is what
/// a second operation works on, or what a part of the result is merged into.
const VIDEO_SCALAR: &[Slot] = &[Of(SIDES), Of(SIDES), Of(SIDES), May(&[Sat])];
const VIDEO_SCALAR_SECOND: &[Slot] = &[Of(SIDES), Of(SIDES), Of(SIDES), May(&[Sat]), Need(SECOND)];
const VIDEO_SHIFT: &[Slot] = &[
    Of(SIDES),
    Of(SIDES),
    Of(&[U32]),
    May(&[Sat]),
    Need(&[Clamp, Wrap]),
];
const VIDEO_SHIFT_SECOND: &[Slot] = &[
    Of(SIDES),
    Of(SIDES),
    Of(&[U32]),
    May(&[Sat]),
    Need(&[Clamp, Wrap]),
    Need(SECOND),
];
const SECOND: &[Modifier] = &[Add, Min, Max];
const VIDEO_PLAIN: &[OperandKind] = &[Dst(T0), SrcPart(T1), SrcPart(T2)];
const VIDEO_SECOND: &[OperandKind] = &[Dst(T0), SrcPart(T1), SrcPart(T2), Src(T0)];
const VIDEO_MERGE: &[OperandKind] = &[DstPart(T0), SrcPart(T1), SrcPart(T2), Src(T0)];

const PREDICATE: Ty = Is(Pred);
const WORD: Ty = Is(U32);

pub(super) const fn row(
    name: &'static str,
    slots: &'static [Slot],
    operands: &'static [OperandKind],
    op: Op,
) -> Row {
    Row {
        name,
        slots,
        operands,
        op,
    }
}

/// Every form, those of one mnemonic together. Where two rows fit, the first is taken.
#[rustfmt::skip]
pub(crate) static ROWS: &[Row] = &[
    // Integer arithmetic.
    row("add", &[Need(&[Cc]), Of(INT_32_64)], &[Dst(T0), Src(T0), Src(T0)], Op::AddCarry),
    row("add", &[Of(INT)], &[Dst(T0), Src(T0), Src(T0)], Op::Add),
    row("add", &[Of(PAIRS)], &[Dst(T0), Src(T0), Src(T0)], Scalar(ScalarOp::AddPairs)),
    row("add", &[Need(&[Sat]), Of(&[S32])], &[Dst(T0), Src(T0), Src(T0)], Scalar(ScalarOp::AddSat)),
    row("add", &[May(ROUND), May(&[Ftz]), May(&[Sat]), Of(&[F32])], &[Dst(T0), Src(T0), Src(T0)], Op::Add),
    row("add", &[May(ROUND), Of(&[F64])], &[Dst(T0), Src(T0), Src(T0)], Op::Add),
    row("add", &[May(&[Rn]), May(&[Ftz]), May(&[Sat]), Of(FLOAT16)], &[Dst(T0), Src(T0), Src(T0)], Op::Add),
    row("add", &[May(&[Rn]), Of(BFLOAT16)], &[Dst(T0), Src(T0), Src(T0)], Op::Add),
    row("addc", &[May(&[Cc]), Of(INT_32_64)], &[Dst(T0), Src(T0), Src(T0)], Op::AddCarry),
    row("sub", &[Need(&[Cc]), Of(INT_32_64)], &[Dst(T0), Src(T0), Src(T0)], Op::SubCarry),
    row("sub", &[Of(INT)], &[Dst(T0), Src(T0), Src(T0)], Op::Sub),
    row("sub", &[Need(&[Sat]), Of(&[S32])], &[Dst(T0), Src(T0), Src(T0)], Scalar(ScalarOp::SubSat)),
    row("sub", &[May(ROUND), May(&[Ftz]), May(&[Sat]), Of(&[F32])], &[Dst(T0), Src(T0), Src(T0)], Op::Sub),
    row("sub", &[May(ROUND), Of(&[F64])], &[Dst(T0), Src(T0), Src(T0)], Op::Sub),
    row("sub", &[May(&[Rn]), May(&[Ftz]), May(&[Sat]), Of(FLOAT16)], &[Dst(T0), Src(T0), Src(T0)], Op::Sub),
    row("sub", &[May(&[Rn]), Of(BFLOAT16)], &[Dst(T0), Src(T0), Src(T0)], Op::Sub),
    row("subc", &[May(&[Cc]), Of(INT_32_64)], &[Dst(T0), Src(T0), Src(T0)], Op::SubCarry),
    row("mul", &[Need(HALF_OF), Of(INT)], &[Dst(T0), Src(T0), Src(T0)], Op::Mul),
    row("mul", &[Need(&[Modifier::Wide]), Of(&[U16, S16, U32, S32])], &[Dst(Wide), Src(T0), Src(T0)], Op::Mul),
    row("mul", &[May(ROUND), May(&[Ftz]), May(&[Sat]), Of(&[F32])], &[Dst(T0), Src(T0), Src(T0)], Op::Mul),
    row("mul", &[May(ROUND), Of(&[F64])], &[Dst(T0), Src(T0), Src(T0)], Op::Mul),
    row("mul", &[May(&[Rn]), May(&[Ftz]), May(&[Sat]), Of(FLOAT16)], &[Dst(T0), Src(T0), Src(T0)], Op::Mul),
    row("mul", &[May(&[Rn]), Of(BFLOAT16)], &[Dst(T0), Src(T0), Src(T0)], Op::Mul),
    row("mad", &[Need(HALF_OF), Need(&[Cc]), Of(INT_32_64)], &[Dst(T0), Src(T0), Src(T0), Src(T0)], Op::MadCarry),
    row("mad", &[Need(HALF_OF), Of(INT)], &[Dst(T0), Src(T0), Src(T0), Src(T0)], Op::Mad),
    row("mad", &[Need(&[Hi]), Need(&[Sat]), Of(&[S32])], &[Dst(T0), Src(T0), Src(T0), Src(T0)], Op::Mad),
    row("mad", &[Need(&[Modifier::Wide]), Of(&[U16, S16, U32, S32])], &[Dst(Wide), Src(T0), Src(T0), Src(Wide)], Op::Mad),
    row("mad", &[Need(ROUND), May(&[Ftz]), May(&[Sat]), Of(&[F32])], &[Dst(T0), Src(T0), Src(T0), Src(T0)], Op::Fma),
    row("mad", &[Need(ROUND), Of(&[F64])], &[Dst(T0), Src(T0), Src(T0), Src(T0)], Op::Fma),
    row("madc", &[Need(HALF_OF), May(&[Cc]), Of(INT_32_64)], &[Dst(T0), Src(T0), Src(T0), Src(T0)], Op::MadCarry),
    row("mul24", &[Need(HALF_OF), Of(SIDES)], &[Dst(T0), Src(T0), Src(T0)], Scalar(ScalarOp::Mul24)),
    row("mad24", &[Need(HALF_OF), Of(SIDES)], &[Dst(T0), Src(T0), Src(T0), Src(T0)], Scalar(ScalarOp::Mad24)),
    row("mad24", &[Need(&[Hi]), Need(&[Sat]), Of(&[S32])], &[Dst(T0), Src(T0), Src(T0), Src(T0)], Scalar(ScalarOp::Mad24)),
    row("sad", &[Of(INT)], &[Dst(T0), Src(T0), Src(T0), Src(T0)], Scalar(ScalarOp::Sad)),
    row("div", &[Of(INT)], &[Dst(T0), Src(T0), Src(T0)], Op::Div),
    row("div", &[Need(&[Approx, Full]), May(&[Ftz]), Of(&[F32])], &[Dst(T0), Src(T0), Src(T0)], Op::Div),
    row("div", &[Need(ROUND), May(&[Ftz]), Of(&[F32])], &[Dst(T0), Src(T0), Src(T0)], Op::Div),
    row("div", &[Need(ROUND), Of(&[F64])], &[Dst(T0), Src(T0), Src(T0)], Op::Div),
    row("rem", &[Of(INT)], &[Dst(T0), Src(T0), Src(T0)], Op::Rem),
    row("abs", &[Of(SIGNED)], &[Dst(T0), Src(T0)], Op::Abs),
    row("abs", &[May(&[Ftz]), Of(FLUSHED)], &[Dst(T0), Src(T0)], Op::Abs),
    row("abs", &[Of(UNFLUSHED)], &[Dst(T0), Src(T0)], Op::Abs),
    row("neg", &[Of(SIGNED)], &[Dst(T0), Src(T0)], Op::Neg),
    row("neg", &[May(&[Ftz]), Of(FLUSHED)], &[Dst(T0), Src(T0)], Op::Neg),
    row("neg", &[Of(UNFLUSHED)], &[Dst(T0), Src(T0)], Op::Neg),
    row("min", &[Of(&[U16x2])], &[Dst(T0), Src(T0), Src(T0)], Scalar(ScalarOp::MinPairs)),
    row("min", &[May(&[Relu]), Of(&[S16x2])], &[Dst(T0), Src(T0), Src(T0)], Scalar(ScalarOp::MinPairs)),
    row("min", &[Need(&[Relu]), Of(&[S32])], &[Dst(T0), Src(T0), Src(T0)], Scalar(ScalarOp::MinRelu)),
    row("min", &[Of(INT)], &[Dst(T0), Src(T0), Src(T0)], Op::Min),
    row("min", &[May(&[Ftz]), May(&[Nan]), Of(FLUSHED)], &[Dst(T0), Src(T0), Src(T0)], Op::Min),
    row("min", &[May(&[Ftz]), May(&[Nan]), Need(&[Xorsign]), Need(&[AbsWord]), Of(FLUSHED)], &[Dst(T0), Src(T0), Src(T0)], Op::Min),
    row("min", &[May(&[Nan]), Of(BFLOAT16)], &[Dst(T0), Src(T0), Src(T0)], Op::Min),
    row("min", &[May(&[Nan]), Need(&[Xorsign]), Need(&[AbsWord]), Of(BFLOAT16)], &[Dst(T0), Src(T0), Src(T0)], Op::Min),
    row("min", &[Of(&[F64])], &[Dst(T0), Src(T0), Src(T0)], Op::Min),
    row("max", &[Of(&[U16x2])], &[Dst(T0), Src(T0), Src(T0)], Scalar(ScalarOp::MaxPairs)),
    row("max", &[May(&[Relu]), Of(&[S16x2])], &[Dst(T0), Src(T0), Src(T0)], Scalar(ScalarOp::MaxPairs)),
    row("max", &[Need(&[Relu]), Of(&[S32])], &[Dst(T0), Src(T0), Src(T0)], Scalar(ScalarOp::MaxRelu)),
    row("max", &[Of(INT)], &[Dst(T0), Src(T0), Src(T0)], Op::Max),
    row("max", &[May(&[Ftz]), May(&[Nan]), Of(FLUSHED)], &[Dst(T0), Src(T0), Src(T0)], Op::Max),
    row("max", &[May(&[Ftz]), May(&[Nan]), Need(&[Xorsign]), Need(&[AbsWord]), Of(FLUSHED)], &[Dst(T0), Src(T0), Src(T0)], Op::Max),
    row("max", &[May(&[Nan]), Of(BFLOAT16)], &[Dst(T0), Src(T0), Src(T0)], Op::Max),
    row("max", &[May(&[Nan]), Need(&[Xorsign]), Need(&[AbsWord]), Of(BFLOAT16)], &[Dst(T0), Src(T0), Src(T0)], Op::Max),
    row("max", &[Of(&[F64])], &[Dst(T0), Src(T0), Src(T0)], Op::Max),
    row("dp4a", &[Of(SIDES), Of(SIDES)], &[Dst(Is(B32)), Src(Is(B32)), Src(Is(B32)), Src(Is(B32))], Scalar(ScalarOp::Dp4a)),
    row("dp2a", &[Need(HALF_OF), Of(SIDES), Of(SIDES)], &[Dst(Is(B32)), Src(Is(B32)), Src(Is(B32)), Src(Is(B32))], Scalar(ScalarOp::Dp2a)),
    row("vabsdiff2", VIDEO, SIMD, Op::Video(Lanewise::AbsDiff, 2)),
    row("vabsdiff4", VIDEO, SIMD, Op::Video(Lanewise::AbsDiff, 4)),
    row("vadd2", VIDEO, SIMD, Op::Video(Lanewise::Add, 2)),
    row("vadd4", VIDEO, SIMD, Op::Video(Lanewise::Add, 4)),
    row("vavrg2", VIDEO, SIMD, Op::Video(Lanewise::Average, 2)),
    row("vavrg4", VIDEO, SIMD, Op::Video(Lanewise::Average, 4)),
    row("vset2", &[Of(SIDES), Of(SIDES), Need(&[Eq]), May(&[Add])], SIMD, Op::Video(Lanewise::Compare(Ordering::Equal, true), 2)),
    row("vset2", &[Of(SIDES), Of(SIDES), Need(&[Ne]), May(&[Add])], SIMD, Op::Video(Lanewise::Compare(Ordering::Equal, false), 2)),
    row("vset2", &[Of(SIDES), Of(SIDES), Need(&[Lt]), May(&[Add])], SIMD, Op::Video(Lanewise::Compare(Ordering::Less, true), 2)),
    row("vset2", &[Of(SIDES), Of(SIDES), Need(&[Le]), May(&[Add])], SIMD, Op::Video(Lanewise::Compare(Ordering::Greater, false), 2)),
    row("vset2", &[Of(SIDES), Of(SIDES), Need(&[Gt]), May(&[Add])], SIMD, Op::Video(Lanewise::Compare(Ordering::Greater, true), 2)),
    row("vset2", &[Of(SIDES), Of(SIDES), Need(&[Ge]), May(&[Add])], SIMD, Op::Video(Lanewise::Compare(Ordering::Less, false), 2)),
    row("vset4", &[Of(SIDES), Of(SIDES), Need(&[Eq]), May(&[Add])], SIMD, Op::Video(Lanewise::Compare(Ordering::Equal, true), 4)),
    row("vset4", &[Of(SIDES), Of(SIDES), Need(&[Ne]), May(&[Add])], SIMD, Op::Video(Lanewise::Compare(Ordering::Equal, false), 4)),
    row("vset4", &[Of(SIDES), Of(SIDES), Need(&[Lt]), May(&[Add])], SIMD, Op::Video(Lanewise::Compare(Ordering::Less, true), 4)),
    row("vset4", &[Of(SIDES), Of(SIDES), Need(&[Le]), May(&[Add])], SIMD, Op::Video(Lanewise::Compare(Ordering::Greater, false), 4)),
    row("vset4", &[Of(SIDES), Of(SIDES), Need(&[Gt]), May(&[Add])], SIMD, Op::Video(Lanewise::Compare(Ordering::Greater, true), 4)),
    row("vset4", &[Of(SIDES), Of(SIDES), Need(&[Ge]), May(&[Add])], SIMD, Op::Video(Lanewise::Compare(Ordering::Less, false), 4)),
    row("vmax2", VIDEO, SIMD, Op::Video(Lanewise::Max, 2)),
    row("vmax4", VIDEO, SIMD, Op::Video(Lanewise::Max, 4)),
    row("vmin2", VIDEO, SIMD, Op::Video(Lanewise::Min, 2)),
    row("vmin4", VIDEO, SIMD, Op::Video(Lanewise::Min, 4)),
    row("vsub2", VIDEO, SIMD, Op::Video(Lanewise::Sub, 2)),
    row("vsub4", VIDEO, SIMD, Op::Video(Lanewise::Sub, 4)),

    row("vabsdiff", VIDEO_SCALAR, VIDEO_MERGE, Scalar(ScalarOp::Vabsdiff)),
    row("vabsdiff", VIDEO_SCALAR, VIDEO_PLAIN, Scalar(ScalarOp::Vabsdiff)),
    row("vabsdiff", VIDEO_SCALAR_SECOND, VIDEO_SECOND, Scalar(ScalarOp::Vabsdiff)),
    row("vadd", VIDEO_SCALAR, VIDEO_MERGE, Scalar(ScalarOp::Vadd)),
    row("vadd", VIDEO_SCALAR, VIDEO_PLAIN, Scalar(ScalarOp::Vadd)),
    row("vadd", VIDEO_SCALAR_SECOND, VIDEO_SECOND, Scalar(ScalarOp::Vadd)),
    row("vmax", VIDEO_SCALAR, VIDEO_MERGE, Scalar(ScalarOp::Vmax)),
    row("vmax", VIDEO_SCALAR, VIDEO_PLAIN, Scalar(ScalarOp::Vmax)),
    row("vmax", VIDEO_SCALAR_SECOND, VIDEO_SECOND, Scalar(ScalarOp::Vmax)),
    row("vmin", VIDEO_SCALAR, VIDEO_MERGE, Scalar(ScalarOp::Vmin)),
    row("vmin", VIDEO_SCALAR, VIDEO_PLAIN, Scalar(ScalarOp::Vmin)),
    row("vmin", VIDEO_SCALAR_SECOND, VIDEO_SECOND, Scalar(ScalarOp::Vmin)),
    row("vshl", VIDEO_SHIFT, VIDEO_MERGE, Scalar(ScalarOp::Vshl)),
    row("vshl", VIDEO_SHIFT, VIDEO_PLAIN, Scalar(ScalarOp::Vshl)),
    row("vshl", VIDEO_SHIFT_SECOND, VIDEO_SECOND, Scalar(ScalarOp::Vshl)),
    row("vshr", VIDEO_SHIFT, VIDEO_MERGE, Scalar(ScalarOp::Vshr)),
    row("vshr", VIDEO_SHIFT, VIDEO_PLAIN, Scalar(ScalarOp::Vshr)),
    row("vshr", VIDEO_SHIFT_SECOND, VIDEO_SECOND, Scalar(ScalarOp::Vshr)),
    row("vsub", VIDEO_SCALAR, VIDEO_MERGE, Scalar(ScalarOp::Vsub)),
    row("vsub", VIDEO_SCALAR, VIDEO_PLAIN, Scalar(ScalarOp::Vsub)),
    row("vsub", VIDEO_SCALAR_SECOND, VIDEO_SECOND, Scalar(ScalarOp::Vsub)),
    row("vset", &[Of(SIDES), Of(SIDES), Need(ORDERED)], &[DstPart(WORD), SrcPart(T0), SrcPart(T1), Src(WORD)], Scalar(ScalarOp::Vset)),
    row("vset", &[Of(SIDES), Of(SIDES), Need(ORDERED)], &[Dst(WORD), SrcPart(T0), SrcPart(T1)], Scalar(ScalarOp::Vset)),
    row("vset", &[Of(SIDES), Of(SIDES), Need(ORDERED), Need(SECOND)], &[Dst(WORD), SrcPart(T0), SrcPart(T1), Src(WORD)], Scalar(ScalarOp::Vset)),
    row("vmad", &[Of(SIDES), Of(SIDES), Of(SIDES), May(&[PlusOne]), May(&[Sat]), May(&[Shr7, Shr15])], &[Dst(T0), SrcPart(T1), SrcPart(T2), SrcPart(T0)], Scalar(ScalarOp::Vmad)),

    // Bits.
    row("popc", &[Of(&[B32, B64])], &[Dst(WORD), Src(T0)], Scalar(ScalarOp::Popc)),
    row("clz", &[Of(&[B32, B64])], &[Dst(WORD), Src(T0)], Scalar(ScalarOp::Clz)),
    row("bfind", &[May(&[Shiftamt]), Of(INT_32_64)], &[Dst(WORD), Src(T0)], Scalar(ScalarOp::Bfind)),
    row("brev", &[Of(&[B32, B64])], &[Dst(T0), Src(T0)], Scalar(ScalarOp::Brev)),
    row("bfe", &[Of(INT_32_64)], &[Dst(T0), Src(T0), Src(WORD), Src(WORD)], Scalar(ScalarOp::Bfe)),
    row("bfi", &[Of(&[B32, B64])], &[Dst(T0), Src(T0), Src(T0), Src(WORD), Src(WORD)], Scalar(ScalarOp::Bfi)),
    row("szext", &[Need(&[Clamp, Wrap]), Of(SIDES)], &[Dst(T0), Src(T0), Src(WORD)], Scalar(ScalarOp::Szext)),
    row("fns", &[Of(&[B32])], &[Dst(T0), Src(T0), Src(WORD), Src(Is(S32))], Op::Fns),
    row("bmsk", &[Need(&[Clamp, Wrap]), Of(&[B32])], &[Dst(T0), Src(WORD), Src(WORD)], Scalar(ScalarOp::Bmsk)),
    row("and", &[Of(LOGIC)], &[Dst(T0), Src(T0), Src(T0)], Op::And),
    row("or", &[Of(LOGIC)], &[Dst(T0), Src(T0), Src(T0)], Op::Or),
    row("xor", &[Of(LOGIC)], &[Dst(T0), Src(T0), Src(T0)], Op::Xor),
    row("not", &[Of(LOGIC)], &[Dst(T0), Src(T0)], Scalar(ScalarOp::Not)),
    row("cnot", &[Of(BITS)], &[Dst(T0), Src(T0)], Scalar(ScalarOp::Cnot)),
    row("lop3", &[Of(&[B32])], &[Dst(T0), Src(T0), Src(T0), Src(T0), Src(WORD)], Scalar(ScalarOp::Lop3)),
    row("lop3", &[Need(&[And, Or]), Of(&[B32])], &[DstPair(T0), Src(T0), Src(T0), Src(T0), Src(WORD), SrcPred], Op::Lop3Predicate),
    row("shf", &[Need(&[Left]), Need(&[Clamp, Wrap]), Of(&[B32])], &[Dst(T0), Src(T0), Src(T0), Src(WORD)], Scalar(ScalarOp::ShfLeft)),
    row("shf", &[Need(&[Right]), Need(&[Clamp, Wrap]), Of(&[B32])], &[Dst(T0), Src(T0), Src(T0), Src(WORD)], Scalar(ScalarOp::ShfRight)),
    row("shl", &[Of(BITS)], &[Dst(T0), Src(T0), Src(WORD)], Op::Shl),
    row("shr", &[Of(&[B16, B32, B64, U16, U32, U64, S16, S32, S64])], &[Dst(T0), Src(T0), Src(WORD)], Op::Shr),
    row("prmt", &[Of(&[B32]), May(&[F4e, B4e, Rc8, Ecl, Ecr, Rc16])], &[Dst(T0), Src(T0), Src(T0), Src(WORD)], Scalar(ScalarOp::Prmt)),

    // Floating point.
    row("fma", &[Need(ROUND), May(&[Ftz]), May(&[Sat]), Of(&[F32])], &[Dst(T0), Src(T0), Src(T0), Src(T0)], Op::Fma),
    row("fma", &[Need(ROUND), Of(&[F64])], &[Dst(T0), Src(T0), Src(T0), Src(T0)], Op::Fma),
    row("fma", &[Need(&[Rn]), May(&[Ftz]), May(&[Sat]), Of(FLOAT16)], &[Dst(T0), Src(T0), Src(T0), Src(T0)], Op::Fma),
    row("fma", &[Need(&[Rn]), May(&[Ftz]), Need(&[Relu]), Of(FLOAT16)], &[Dst(T0), Src(T0), Src(T0), Src(T0)], Op::Fma),
    row("fma", &[Need(&[Rn]), May(&[Relu]), Of(BFLOAT16)], &[Dst(T0), Src(T0), Src(T0), Src(T0)], Op::Fma),
    row("rcp", &[Need(&[Approx, Rn, Rz, Rm, Rp]), May(&[Ftz]), Of(&[F32])], &[Dst(T0), Src(T0)], Op::Rcp),
    row("rcp", &[Need(ROUND), Of(&[F64])], &[Dst(T0), Src(T0)], Op::Rcp),
    row("rcp", &[Need(&[Approx]), Need(&[Ftz]), Of(&[F64])], &[Dst(T0), Src(T0)], Op::Rcp),
    row("sqrt", &[Need(&[Approx, Rn, Rz, Rm, Rp]), May(&[Ftz]), Of(&[F32])], &[Dst(T0), Src(T0)], Op::Sqrt),
    row("sqrt", &[Need(ROUND), Of(&[F64])], &[Dst(T0), Src(T0)], Op::Sqrt),
    row("rsqrt", &[Need(&[Approx]), May(&[Ftz]), Of(&[F32, F64])], &[Dst(T0), Src(T0)], Op::Rsqrt),
    row("sin", &[Need(&[Approx]), May(&[Ftz]), Of(&[F32])], &[Dst(T0), Src(T0)], Op::Sin),
    row("cos", &[Need(&[Approx]), May(&[Ftz]), Of(&[F32])], &[Dst(T0), Src(T0)], Op::Cos),
    row("lg2", &[Need(&[Approx]), May(&[Ftz]), Of(&[F32])], &[Dst(T0), Src(T0)], Op::Lg2),
    row("ex2", &[Need(&[Approx]), May(&[Ftz]), Of(&[F32])], &[Dst(T0), Src(T0)], Op::Ex2),
    row("ex2", &[Need(&[Approx]), Of(FLOAT16)], &[Dst(T0), Src(T0)], Op::Ex2),
    row("ex2", &[Need(&[Approx]), Need(&[Ftz]), Of(BFLOAT16)], &[Dst(T0), Src(T0)], Op::Ex2),
    row("tanh", &[Need(&[Approx]), Of(&[F32, F16, F16x2, BF16, BF16x2])], &[Dst(T0), Src(T0)], Op::Tanh),
    row("copysign", &[Of(&[F32, F64])], &[Dst(T0), Src(T0), Src(T0)], Op::Copysign),
    row("testp", &[Need(&[Finite, Infinite, Number, Notanumber, Normal, Subnormal]), Of(&[F32, F64])], &[Dst(PREDICATE), Src(T0)], Op::Testp),

    // Comparison and choice.
    row("set", &[Need(SAME), Of(SET_RESULT), Of(BITS)], &[Dst(T0), Src(T1), Src(T1)], Op::Set),
    row("set", &[Need(ORDERED_UNSIGNED), Of(SET_RESULT), Of(UNSIGNED)], &[Dst(T0), Src(T1), Src(T1)], Op::Set),
    row("set", &[Need(ORDERED), Of(SET_RESULT), Of(SIGNED)], &[Dst(T0), Src(T1), Src(T1)], Op::Set),
    row("set", &[Need(ORDERED_FLOAT), May(&[Ftz]), Of(SET_RESULT), Of(&[F32])], &[Dst(T0), Src(T1), Src(T1)], Op::Set),
    row("set", &[Need(ORDERED_FLOAT), May(&[Ftz]), Of(SET_F16_RESULT), Of(&[F16])], &[Dst(T0), Src(T1), Src(T1)], Op::Set),
    row("set", &[Need(ORDERED_FLOAT), Of(SET_RESULT), Of(&[F64])], &[Dst(T0), Src(T1), Src(T1)], Op::Set),
    row("set", &[Need(ORDERED_FLOAT), Of(SET_BF16_RESULT), Of(&[BF16])], &[Dst(T0), Src(T1), Src(T1)], Op::Set),
    row("set", &[Need(SAME), Of(SET_HALF_RESULT), Of(BITS)], &[Dst(T0), Src(T1), Src(T1)], Op::Set),
    row("set", &[Need(ORDERED_UNSIGNED), Of(SET_HALF_RESULT), Of(UNSIGNED)], &[Dst(T0), Src(T1), Src(T1)], Op::Set),
    row("set", &[Need(ORDERED), Of(SET_HALF_RESULT), Of(SIGNED)], &[Dst(T0), Src(T1), Src(T1)], Op::Set),
    row("set", &[Need(ORDERED_FLOAT), May(&[Ftz]), Of(SET_HALF_RESULT), Of(&[F32])], &[Dst(T0), Src(T1), Src(T1)], Op::Set),
    row("set", &[Need(ORDERED_FLOAT), Of(SET_HALF_RESULT), Of(&[F64])], &[Dst(T0), Src(T1), Src(T1)], Op::Set),
    row("set", &[Need(ORDERED_FLOAT), May(&[Ftz]), Of(&[F16x2, U32, S32]), Of(&[F16x2])], &[Dst(T0), Src(T1), Src(T1)], Op::SetHalves),
    row("set", &[Need(ORDERED_FLOAT), Of(&[BF16x2, U32, S32]), Of(&[BF16x2])], &[Dst(T0), Src(T1), Src(T1)], Op::SetHalves),
    row("set", &[Need(SAME), Need(BOOLEAN), Of(SET_RESULT), Of(BITS)], &[Dst(T0), Src(T1), Src(T1), SrcPred], Op::Set),
    row("set", &[Need(ORDERED_UNSIGNED), Need(BOOLEAN), Of(SET_RESULT), Of(UNSIGNED)], &[Dst(T0), Src(T1), Src(T1), SrcPred], Op::Set),
    row("set", &[Need(ORDERED), Need(BOOLEAN), Of(SET_RESULT), Of(SIGNED)], &[Dst(T0), Src(T1), Src(T1), SrcPred], Op::Set),
    row("set", &[Need(ORDERED_FLOAT), Need(BOOLEAN), May(&[Ftz]), Of(SET_RESULT), Of(&[F32])], &[Dst(T0), Src(T1), Src(T1), SrcPred], Op::Set),
    row("set", &[Need(ORDERED_FLOAT), Need(BOOLEAN), May(&[Ftz]), Of(SET_F16_RESULT), Of(&[F16])], &[Dst(T0), Src(T1), Src(T1), SrcPred], Op::Set),
    row("set", &[Need(ORDERED_FLOAT), Need(BOOLEAN), Of(SET_RESULT), Of(&[F64])], &[Dst(T0), Src(T1), Src(T1), SrcPred], Op::Set),
    row("set", &[Need(ORDERED_FLOAT), Need(BOOLEAN), Of(SET_BF16_RESULT), Of(&[BF16])], &[Dst(T0), Src(T1), Src(T1), SrcPred], Op::Set),
    row("set", &[Need(SAME), Need(BOOLEAN), Of(SET_HALF_RESULT), Of(BITS)], &[Dst(T0), Src(T1), Src(T1), SrcPred], Op::Set),
    row("set", &[Need(ORDERED_UNSIGNED), Need(BOOLEAN), Of(SET_HALF_RESULT), Of(UNSIGNED)], &[Dst(T0), Src(T1), Src(T1), SrcPred], Op::Set),
    row("set", &[Need(ORDERED), Need(BOOLEAN), Of(SET_HALF_RESULT), Of(SIGNED)], &[Dst(T0), Src(T1), Src(T1), SrcPred], Op::Set),
    row("set", &[Need(ORDERED_FLOAT), Need(BOOLEAN), May(&[Ftz]), Of(SET_HALF_RESULT), Of(&[F32])], &[Dst(T0), Src(T1), Src(T1), SrcPred], Op::Set),
    row("set", &[Need(ORDERED_FLOAT), Need(BOOLEAN), Of(SET_HALF_RESULT), Of(&[F64])], &[Dst(T0), Src(T1), Src(T1), SrcPred], Op::Set),
    row("set", &[Need(ORDERED_FLOAT), Need(BOOLEAN), May(&[Ftz]), Of(&[F16x2, U32, S32]), Of(&[F16x2])], &[Dst(T0), Src(T1), Src(T1), SrcPred], Op::SetHalves),
    row("set", &[Need(ORDERED_FLOAT), Need(BOOLEAN), Of(&[BF16x2, U32, S32]), Of(&[BF16x2])], &[Dst(T0), Src(T1), Src(T1), SrcPred], Op::SetHalves),
    row("setp", &[Need(SAME), Of(BITS)], &[PredPair, Src(T0), Src(T0)], Op::Setp),
    row("setp", &[Need(ORDERED_UNSIGNED), Of(UNSIGNED)], &[PredPair, Src(T0), Src(T0)], Op::Setp),
    row("setp", &[Need(ORDERED), Of(SIGNED)], &[PredPair, Src(T0), Src(T0)], Op::Setp),
    row("setp", &[Need(ORDERED_FLOAT), May(&[Ftz]), Of(&[F32])], &[PredPair, Src(T0), Src(T0)], Op::Setp),
    row("setp", &[Need(ORDERED_FLOAT), Of(&[F64])], &[PredPair, Src(T0), Src(T0)], Op::Setp),
    row("setp", &[Need(ORDERED_FLOAT), May(&[Ftz]), Of(&[F16])], &[Dst(PREDICATE), Src(T0), Src(T0)], Op::Setp),
    row("setp", &[Need(ORDERED_FLOAT), Of(&[BF16])], &[Dst(PREDICATE), Src(T0), Src(T0)], Op::Setp),
    row("setp", &[Need(SAME), Need(BOOLEAN), Of(BITS)], &[PredPair, Src(T0), Src(T0), SrcPred], Op::Setp),
    row("setp", &[Need(ORDERED_UNSIGNED), Need(BOOLEAN), Of(UNSIGNED)], &[PredPair, Src(T0), Src(T0), SrcPred], Op::Setp),
    row("setp", &[Need(ORDERED), Need(BOOLEAN), Of(SIGNED)], &[PredPair, Src(T0), Src(T0), SrcPred], Op::Setp),
    row("setp", &[Need(ORDERED_FLOAT), Need(BOOLEAN), May(&[Ftz]), Of(&[F32])], &[PredPair, Src(T0), Src(T0), SrcPred], Op::Setp),
    row("setp", &[Need(ORDERED_FLOAT), Need(BOOLEAN), Of(&[F64])], &[PredPair, Src(T0), Src(T0), SrcPred], Op::Setp),
    row("setp", &[Need(ORDERED_FLOAT), Need(BOOLEAN), May(&[Ftz]), Of(&[F16])], &[Dst(PREDICATE), Src(T0), Src(T0), SrcPred], Op::Setp),
    row("setp", &[Need(ORDERED_FLOAT), Need(BOOLEAN), Of(&[BF16])], &[Dst(PREDICATE), Src(T0), Src(T0), SrcPred], Op::Setp),
    row("setp", &[Need(ORDERED_FLOAT), May(&[Ftz]), Of(&[F16x2])], &[PredPair, Src(T0), Src(T0)], Op::SetpHalves),
    row("setp", &[Need(ORDERED_FLOAT), Of(&[BF16x2])], &[PredPair, Src(T0), Src(T0)], Op::SetpHalves),
    row("setp", &[Need(ORDERED_FLOAT), Need(BOOLEAN), May(&[Ftz]), Of(&[F16x2])], &[PredPair, Src(T0), Src(T0), SrcPred], Op::SetpHalves),
    row("setp", &[Need(ORDERED_FLOAT), Need(BOOLEAN), Of(&[BF16x2])], &[PredPair, Src(T0), Src(T0), SrcPred], Op::SetpHalves),
    row("selp", &[Of(REGISTER)], &[Dst(T0), Src(T0), Src(T0), SrcPred], Op::Selp),
    row("slct", &[Of(REGISTER), Of(&[S32])], &[Dst(T0), Src(T0), Src(T0), Src(T1)], Op::Slct),
    row("slct", &[May(&[Ftz]), Of(REGISTER), Of(&[F32])], &[Dst(T0), Src(T0), Src(T0), Src(T1)], Op::Slct),

    // Moves and conversions.
    row("mov", &[Of(&[Pred])], &[Dst(T0), Src(T0)], Op::Mov),
    row("mov", &[Of(REGISTER)], &[OperandKind::DstMove, OperandKind::SrcMove], Op::Mov),
    row("cvt", &[Need(&[Rn, Rz]), May(&[Relu]), May(&[Satfinite]), Of(&[F16x2, BF16x2]), Of(&[F32])], &[Dst(T0), Src(T1), Src(T1)], Op::CvtPack),
    row("cvt", &[Need(&[Rn]), Need(&[Satfinite]), May(&[Relu]), Of(FP8), Of(&[F32])], &[Dst(T0), Src(T1), Src(T1)], Op::CvtPack),
    row("cvt", &[Need(&[Rn]), Need(&[Satfinite]), May(&[Relu]), Of(FP8), Of(&[F16x2])], &[Dst(T0), Src(T1)], Op::Cvt),
    row("cvt", &[Need(&[Rn]), May(&[Relu]), Of(&[F16x2]), Of(FP8)], &[Dst(T0), Src(T1)], Op::Cvt),
    row("cvt", &[Need(&[Rn, Rz]), Need(&[Relu]), May(&[Satfinite]), Of(&[F16, BF16]), Of(&[F32])], &[Dst(T0), Src(T1)], Op::Cvt),
    row("cvt", &[Need(&[Rn, Rz]), Need(&[Satfinite]), Of(&[F16, BF16]), Of(&[F32])], &[Dst(T0), Src(T1)], Op::Cvt),
    row("cvt", &[Need(&[Rna]), May(&[Satfinite]), Of(&[TF32]), Of(&[F32])], &[Dst(T0), Src(T1)], Op::Cvt),
    row("cvt", &[Need(&[Rn, Rz]), May(&[Relu]), Of(&[TF32]), Of(&[F32])], &[Dst(T0), Src(T1)], Op::Cvt),
    row("cvt", &[Need(&[Pack]), Need(&[Sat]), Of(&[U16, S16]), Of(&[S32])], &[Dst(Is(B32)), Src(T1), Src(T1)], Op::CvtPackSat),
    row("cvt", &[Need(&[Pack]), Need(&[Sat]), Of(&[U8, S8]), Of(&[S32]), Of(&[B32])], &[Dst(Is(B32)), Src(T1), Src(T1), Src(Is(B32))], Op::CvtPackSat),
    row("cvt", &[May(ROUND_ANY), May(&[Ftz]), May(&[Sat]), Of(CONVERTED), Of(CONVERTED)], &[DstLoose(T0), SrcLoose(T1)], Op::Cvt),
    row("cvta", &[May(&[To]), Need(WINDOWS), Of(&[U64])], &[Dst(T0), Src(T0)], Op::Cvta),
    row("isspacep", &[Need(WINDOWS)], &[Dst(PREDICATE), Src(Is(U64))], Op::Isspacep),

    // Memory.
    row("ld", &[May(PLAIN), May(SPACES), May(LOAD_CACHE), May(EVICT), May(FETCH), May(LANES), Of(ANY)], &[OperandKind::DstLanes, A], Op::Ld),
    row("ld", &[Need(&[Global]), May(&[Ca, Cg, Cs]), Need(&[Nc]), May(EVICT), May(FETCH), May(LANES), Of(ANY)], &[OperandKind::DstLanes, A], Op::Ld),
    row("ld", &[Need(LOAD_ORDER), Need(SCOPE), May(ATOM_SPACES), May(EVICT), May(FETCH), May(LANES), Of(ANY)], &[OperandKind::DstLanes, A], Op::Ld),
    row("ld", &[May(&[Weak]), May(&[Global]), May(LOAD_CACHE), May(EVICT), Need(&[L2CacheHint]), May(FETCH), May(LANES), Of(ANY)], &[OperandKind::DstLanes, A, Src(Is(B64))], Op::Ld),
    row("ld", &[Need(&[Global]), May(&[Ca, Cg, Cs]), Need(&[Nc]), May(EVICT), Need(&[L2CacheHint]), May(FETCH), May(LANES), Of(ANY)], &[OperandKind::DstLanes, A, Src(Is(B64))], Op::Ld),
    row("ld", &[Need(&[Mmio]), Need(&[Relaxed]), Need(&[Sys]), May(&[Global]), Of(ANY)], &[OperandKind::DstLanes, A], Op::Ld),
    row("ldu", &[May(&[Global]), May(LANES), Of(ANY)], &[OperandKind::DstLanes, A], Op::Ld),
    row("st", &[May(PLAIN), May(STORE_SPACES), May(STORE_CACHE), May(EVICT), May(LANES), Of(ANY)], &[A, OperandKind::SrcLanes], Op::St),
    row("st", &[Need(STORE_ORDER), Need(SCOPE), May(ATOM_SPACES), May(EVICT), May(LANES), Of(ANY)], &[A, OperandKind::SrcLanes], Op::St),
    row("st", &[May(&[Weak]), May(&[Global]), May(STORE_CACHE), May(EVICT), Need(&[L2CacheHint]), May(LANES), Of(ANY)], &[A, OperandKind::SrcLanes, Src(Is(B64))], Op::St),
    row("st", &[Need(&[Mmio]), Need(&[Relaxed]), Need(&[Sys]), May(&[Global]), Of(ANY)], &[A, OperandKind::SrcLanes], Op::St),
    row("atom", &[May(ATOM_ORDER), May(SCOPE), May(ATOM_SPACES), Need(&[And, Or, Xor, Exch]), Of(&[B32, B64])], &[Dst(T0), A, Src(T0)], Op::Atom),
    row("atom", &[May(ATOM_ORDER), May(SCOPE), May(ATOM_SPACES), Need(&[Cas]), Of(BITS)], &[Dst(T0), A, Src(T0), Src(T0)], Op::Atom),
    row("atom", &[May(ATOM_ORDER), May(SCOPE), May(ATOM_SPACES), Need(&[Add]), Of(&[U32, S32, U64, F32, F64])], &[Dst(T0), A, Src(T0)], Op::Atom),
    row("atom", &[May(ATOM_ORDER), May(SCOPE), May(ATOM_SPACES), Need(&[Add]), Need(&[Noftz]), Of(HALVES)], &[Dst(T0), A, Src(T0)], Op::Atom),
    row("atom", &[May(ATOM_ORDER), May(SCOPE), May(ATOM_SPACES), Need(&[Min, Max]), Of(INT_32_64)], &[Dst(T0), A, Src(T0)], Op::Atom),
    row("atom", &[May(ATOM_ORDER), May(SCOPE), May(ATOM_SPACES), Need(&[Inc, Dec]), Of(&[U32])], &[Dst(T0), A, Src(T0)], Op::Atom),
    row("red", &[May(STORE_ORDER), May(SCOPE), May(ATOM_SPACES), Need(&[And, Or, Xor]), Of(&[B32, B64])], &[A, Src(T0)], Op::Red),
    row("red", &[May(STORE_ORDER), May(SCOPE), May(ATOM_SPACES), Need(&[Add]), Of(&[U32, S32, U64, F32, F64])], &[A, Src(T0)], Op::Red),
    row("red", &[May(STORE_ORDER), May(SCOPE), May(ATOM_SPACES), Need(&[Add]), Need(&[Noftz]), Of(HALVES)], &[A, Src(T0)], Op::Red),
    row("red", &[May(STORE_ORDER), May(SCOPE), May(ATOM_SPACES), Need(&[Min, Max]), Of(INT_32_64)], &[A, Src(T0)], Op::Red),
    row("red", &[May(STORE_ORDER), May(SCOPE), May(ATOM_SPACES), Need(&[Inc, Dec]), Of(&[U32])], &[A, Src(T0)], Op::Red),
    row("prefetch", &[May(&[Global, Local]), Need(&[L1, L2, L2EvictNormal, L2EvictLast])], &[A], Op::Hint),
    row("prefetchu", &[Need(&[L1])], &[A], Op::Hint),
    row("applypriority", &[May(&[Global]), Need(&[L2EvictNormal])], &[A, Src(WORD)], Op::Hint),
    row("discard", &[May(&[Global]), Need(&[L2])], &[A, Src(WORD)], Op::Hint),
    row("createpolicy", &[Need(&[Fractional]), Need(L2_POLICY), May(&[L2EvictUnchanged, L2EvictFirst]), Of(&[B64])], &[Dst(T0)], Op::Policy),
    row("createpolicy", &[Need(&[Fractional]), Need(L2_POLICY), May(&[L2EvictUnchanged, L2EvictFirst]), Of(&[B64])], &[Dst(T0), Src(Is(F32))], Op::Policy),
    row("membar", &[Need(&[Cta, Gl, Sys])], &[], Op::Fence),
    row("membar", &[Need(&[Proxy]), Need(&[Alias])], &[], Op::Fence),
    row("fence", &[Need(&[Proxy]), Need(&[Alias])], &[], Op::Fence),
    row("fence", &[Need(&[Proxy]), Need(&[Async]), May(&[Global, SharedCta, SharedCluster])], &[], Op::Fence),
    row("fence", &[Need(&[MbarrierInit]), Need(&[Release]), Need(&[Cluster])], &[], Op::Fence),
    row("fence", &[May(&[Sc, AcqRel, Acquire, Release]), Need(SCOPE)], &[], Op::Fence),

    // Control.
    row("bra", &[May(&[Uni])], &[OperandKind::Label], Op::Bra),
    row("brx", &[Need(&[Idx]), May(&[Uni])], &[Src(WORD), OperandKind::Labels], Op::BrxIdx),
    row("call", &[May(&[Uni])], &[OperandKind::Call], Op::Call),
    row("ret", &[May(&[Uni])], &[], Op::Ret),
    row("exit", &[], &[], Op::Exit),
    row("trap", &[], &[], Op::Trap),
    row("brkpt", &[], &[], Op::Trap),
    row("nanosleep", &[Of(&[U32])], &[Src(T0)], Op::Hint),
    row("griddepcontrol", &[Need(&[LaunchDependents])], &[], Op::Hint),
    row("griddepcontrol", &[Need(&[Wait])], &[], Op::Fence),
    row("pmevent", &[May(&[Mask])], &[Src(WORD)], Op::Hint),

    // Threads of a block and of a warp.
    row("bar", &[Need(&[Warp]), Need(&[Sync])], &[Src(WORD)], Op::WarpBarrier),
    row("bar", &[May(&[Cta]), Need(&[Sync])], &[Src(WORD)], Op::Barrier),
    row("bar", &[May(&[Cta]), Need(&[Sync])], &[Src(WORD), Src(WORD)], Op::Barrier),
    row("bar", &[May(&[Cta]), Need(&[Arrive])], &[Src(WORD), Src(WORD)], Op::BarrierArrive),
    row("bar", &[May(&[Cta]), Need(&[Red]), Need(&[Popc]), Of(&[U32])], &[Dst(T0), Src(WORD), SrcPred], Op::BarrierReduce),
    row("bar", &[May(&[Cta]), Need(&[Red]), Need(&[Popc]), Of(&[U32])], &[Dst(T0), Src(WORD), Src(WORD), SrcPred], Op::BarrierReduce),
    row("bar", &[May(&[Cta]), Need(&[Red]), Need(&[And, Or]), Of(&[Pred])], &[Dst(T0), Src(WORD), SrcPred], Op::BarrierReduce),
    row("bar", &[May(&[Cta]), Need(&[Red]), Need(&[And, Or]), Of(&[Pred])], &[Dst(T0), Src(WORD), Src(WORD), SrcPred], Op::BarrierReduce),
    row("barrier", &[May(&[Cta]), Need(&[Sync]), May(&[Aligned])], &[Src(WORD)], Op::Barrier),
    row("barrier", &[May(&[Cta]), Need(&[Sync]), May(&[Aligned])], &[Src(WORD), Src(WORD)], Op::Barrier),
    row("barrier", &[May(&[Cta]), Need(&[Arrive]), May(&[Aligned])], &[Src(WORD), Src(WORD)], Op::BarrierArrive),
    row("barrier", &[May(&[Cta]), Need(&[Red]), Need(&[Popc]), May(&[Aligned]), Of(&[U32])], &[Dst(T0), Src(WORD), SrcPred], Op::BarrierReduce),
    row("barrier", &[May(&[Cta]), Need(&[Red]), Need(&[Popc]), May(&[Aligned]), Of(&[U32])], &[Dst(T0), Src(WORD), Src(WORD), SrcPred], Op::BarrierReduce),
    row("barrier", &[May(&[Cta]), Need(&[Red]), Need(&[And, Or]), May(&[Aligned]), Of(&[Pred])], &[Dst(T0), Src(WORD), SrcPred], Op::BarrierReduce),
    row("barrier", &[May(&[Cta]), Need(&[Red]), Need(&[And, Or]), May(&[Aligned]), Of(&[Pred])], &[Dst(T0), Src(WORD), Src(WORD), SrcPred], Op::BarrierReduce),
    row("barrier", &[Need(&[Cluster]), Need(&[Arrive]), May(&[Release, Relaxed]), May(&[Aligned])], &[], Op::Fence),
    row("barrier", &[Need(&[Cluster]), Need(&[Wait]), May(&[Acquire]), May(&[Aligned])], &[], Op::ClusterWait),
    row("mapa", &[May(&[SharedCluster]), Of(&[U32, U64])], &[Dst(T0), Src(T0), Src(WORD)], Op::MapToBlock),
    row("getctarank", &[May(&[SharedCluster]), Of(&[U32, U64])], &[Dst(WORD), Src(T0)], Op::BlockRank),
    row("mbarrier", &[Need(&[Arrive, ArriveDrop]), Need(&[ExpectTx]), May(STORE_ORDER), May(&[Cta, Cluster]), May(CLUSTER_SHARED), Of(&[B64])], &[Dst(T0), A, Src(WORD)], Op::Atom),
    row("mbarrier", &[Need(&[ExpectTx, CompleteTx]), May(&[Relaxed]), May(&[Cta, Cluster]), May(CLUSTER_SHARED), Of(&[B64])], &[A, Src(WORD)], Op::Red),
    row("mbarrier", &[Need(&[Init]), May(SHARED), Of(&[B64])], &[A, Src(WORD)], Op::Red),
    row("mbarrier", &[Need(&[Inval]), May(SHARED), Of(&[B64])], &[A], Op::Hint),
    row("mbarrier", &[Need(&[Arrive, ArriveDrop]), May(STORE_ORDER), May(&[Cta, Cluster]), May(CLUSTER_SHARED), Of(&[B64])], &[Dst(T0), A], Op::Atom),
    row("mbarrier", &[Need(&[Arrive, ArriveDrop]), May(&[NoComplete]), May(STORE_ORDER), May(&[Cta, Cluster]), May(CLUSTER_SHARED), Of(&[B64])], &[Dst(T0), A, Src(WORD)], Op::Atom),
    row("mbarrier", &[Need(&[TestWait, TryWait]), May(LOAD_ORDER), May(&[Cta, Cluster]), May(SHARED), Of(&[B64])], &[Dst(PREDICATE), A, Src(T0)], Op::MbarrierTest),
    row("mbarrier", &[Need(&[TestWait, TryWait]), Need(&[Parity]), May(LOAD_ORDER), May(&[Cta, Cluster]), May(SHARED), Of(&[B64])], &[Dst(PREDICATE), A, Src(WORD)], Op::MbarrierTest),
    row("mbarrier", &[Need(&[TryWait]), May(LOAD_ORDER), May(&[Cta, Cluster]), May(SHARED), Of(&[B64])], &[Dst(PREDICATE), A, Src(T0), Src(WORD)], Op::MbarrierTest),
    row("mbarrier", &[Need(&[TryWait]), Need(&[Parity]), May(LOAD_ORDER), May(&[Cta, Cluster]), May(SHARED), Of(&[B64])], &[Dst(PREDICATE), A, Src(WORD), Src(WORD)], Op::MbarrierTest),
    row("mbarrier", &[Need(&[PendingCount]), Of(&[B64])], &[Dst(WORD), Src(T0)], Op::MbarrierPending),
    row("shfl", &[Need(&[Sync]), Need(&[Up, Down, Bfly, Idx]), Of(&[B32])], &[DstPair(T0), Src(T0), Src(WORD), Src(WORD), Src(WORD)], Op::Shfl),
    row("shfl", &[Need(&[Up, Down, Bfly, Idx]), Of(&[B32])], &[DstPair(T0), Src(T0), Src(WORD), Src(WORD)], Op::Shfl),
    row("vote", &[Need(&[All, Any, Uni]), Of(&[Pred])], &[Dst(T0), SrcPred], Op::Vote),
    row("vote", &[Need(&[Ballot]), Of(&[B32])], &[Dst(T0), SrcPred], Op::Vote),
    row("vote", &[Need(&[Sync]), Need(&[All, Any, Uni]), Of(&[Pred])], &[Dst(T0), SrcPred, Src(WORD)], Op::Vote),
    row("vote", &[Need(&[Sync]), Need(&[Ballot]), Of(&[B32])], &[Dst(T0), SrcPred, Src(WORD)], Op::Vote),
    row("match", &[Need(&[Any]), Need(&[Sync]), Of(&[B32, B64])], &[Dst(WORD), Src(T0), Src(WORD)], Op::Match),
    row("match", &[Need(&[All]), Need(&[Sync]), Of(&[B32, B64])], &[DstPair(WORD), Src(T0), Src(WORD)], Op::Match),
    row("redux", &[Need(&[Sync]), Need(&[Add, Min, Max]), Of(SIDES)], &[Dst(T0), Src(T0), Src(WORD)], Op::Redux),
    row("redux", &[Need(&[Sync]), Need(BOOLEAN), Of(&[B32])], &[Dst(T0), Src(T0), Src(WORD)], Op::Redux),
    row("elect", &[Need(&[Sync])], &[DstPair(WORD), Src(WORD)], Op::Elect),
    row("activemask", &[Of(&[B32])], &[Dst(T0)], Op::Activemask),

    // Matrices that the lanes of a warp hold together.
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K8]), Need(&[RowMajor]), Need(&[ColumnMajor]), Of(&[F32]), Of(&[F16]), Of(&[F16]), Of(&[F32])], &[DstVector(Is(F32), 4), SrcVector(Is(B32), 2), SrcVector(Is(B32), 1), SrcVector(Is(F32), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K16]), Need(&[RowMajor]), Need(&[ColumnMajor]), Of(&[F32]), Of(&[F16]), Of(&[F16]), Of(&[F32])], &[DstVector(Is(F32), 4), SrcVector(Is(B32), 4), SrcVector(Is(B32), 2), SrcVector(Is(F32), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K8]), Need(&[RowMajor]), Need(&[ColumnMajor]), Of(&[F16]), Of(&[F16]), Of(&[F16]), Of(&[F16])], &[DstVector(Is(B32), 2), SrcVector(Is(B32), 2), SrcVector(Is(B32), 1), SrcVector(Is(B32), 2)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K16]), Need(&[RowMajor]), Need(&[ColumnMajor]), Of(&[F16]), Of(&[F16]), Of(&[F16]), Of(&[F16])], &[DstVector(Is(B32), 2), SrcVector(Is(B32), 4), SrcVector(Is(B32), 2), SrcVector(Is(B32), 2)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K8]), Need(&[RowMajor]), Need(&[ColumnMajor]), Of(&[F32]), Of(&[BF16]), Of(&[BF16]), Of(&[F32])], &[DstVector(Is(F32), 4), SrcVector(Is(B32), 2), SrcVector(Is(B32), 1), SrcVector(Is(F32), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K16]), Need(&[RowMajor]), Need(&[ColumnMajor]), Of(&[F32]), Of(&[BF16]), Of(&[BF16]), Of(&[F32])], &[DstVector(Is(F32), 4), SrcVector(Is(B32), 4), SrcVector(Is(B32), 2), SrcVector(Is(F32), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K4]), Need(&[RowMajor]), Need(&[ColumnMajor]), Of(&[F32]), Of(&[TF32]), Of(&[TF32]), Of(&[F32])], &[DstVector(Is(F32), 4), SrcVector(Is(B32), 2), SrcVector(Is(B32), 1), SrcVector(Is(F32), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K8]), Need(&[RowMajor]), Need(&[ColumnMajor]), Of(&[F32]), Of(&[TF32]), Of(&[TF32]), Of(&[F32])], &[DstVector(Is(F32), 4), SrcVector(Is(B32), 4), SrcVector(Is(B32), 2), SrcVector(Is(F32), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K16]), Need(&[RowMajor]), Need(&[ColumnMajor]), Of(&[F32]), Of(&[E4M3, E5M2]), Of(&[E4M3, E5M2]), Of(&[F32])], &[DstVector(Is(F32), 4), SrcVector(Is(B32), 2), SrcVector(Is(B32), 1), SrcVector(Is(F32), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K32]), Need(&[RowMajor]), Need(&[ColumnMajor]), Of(&[F32]), Of(&[E4M3, E5M2]), Of(&[E4M3, E5M2]), Of(&[F32])], &[DstVector(Is(F32), 4), SrcVector(Is(B32), 4), SrcVector(Is(B32), 2), SrcVector(Is(F32), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K16]), Need(&[RowMajor]), Need(&[ColumnMajor]), Of(&[F16]), Of(&[E4M3, E5M2]), Of(&[E4M3, E5M2]), Of(&[F16])], &[DstVector(Is(B32), 2), SrcVector(Is(B32), 2), SrcVector(Is(B32), 1), SrcVector(Is(B32), 2)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K32]), Need(&[RowMajor]), Need(&[ColumnMajor]), Of(&[F16]), Of(&[E4M3, E5M2]), Of(&[E4M3, E5M2]), Of(&[F16])], &[DstVector(Is(B32), 2), SrcVector(Is(B32), 4), SrcVector(Is(B32), 2), SrcVector(Is(B32), 2)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M8N8K4]), Need(&[RowMajor]), Need(&[ColumnMajor]), May(ROUND), Of(&[F64]), Of(&[F64]), Of(&[F64]), Of(&[F64])], &[DstVector(Is(F64), 2), SrcVector(Is(F64), 1), SrcVector(Is(F64), 1), SrcVector(Is(F64), 2)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K4]), Need(&[RowMajor]), Need(&[ColumnMajor]), May(ROUND), Of(&[F64]), Of(&[F64]), Of(&[F64]), Of(&[F64])], &[DstVector(Is(F64), 4), SrcVector(Is(F64), 2), SrcVector(Is(F64), 1), SrcVector(Is(F64), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K8]), Need(&[RowMajor]), Need(&[ColumnMajor]), May(ROUND), Of(&[F64]), Of(&[F64]), Of(&[F64]), Of(&[F64])], &[DstVector(Is(F64), 4), SrcVector(Is(F64), 4), SrcVector(Is(F64), 2), SrcVector(Is(F64), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K16]), Need(&[RowMajor]), Need(&[ColumnMajor]), May(ROUND), Of(&[F64]), Of(&[F64]), Of(&[F64]), Of(&[F64])], &[DstVector(Is(F64), 4), SrcVector(Is(F64), 8), SrcVector(Is(F64), 4), SrcVector(Is(F64), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M8N8K16]), Need(&[RowMajor]), Need(&[ColumnMajor]), May(&[Satfinite]), Of(&[S32]), Of(&[S8, U8]), Of(&[S8, U8]), Of(&[S32])], &[DstVector(Is(S32), 2), SrcVector(Is(B32), 1), SrcVector(Is(B32), 1), SrcVector(Is(S32), 2)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K16]), Need(&[RowMajor]), Need(&[ColumnMajor]), May(&[Satfinite]), Of(&[S32]), Of(&[S8, U8]), Of(&[S8, U8]), Of(&[S32])], &[DstVector(Is(S32), 4), SrcVector(Is(B32), 2), SrcVector(Is(B32), 1), SrcVector(Is(S32), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K32]), Need(&[RowMajor]), Need(&[ColumnMajor]), May(&[Satfinite]), Of(&[S32]), Of(&[S8, U8]), Of(&[S8, U8]), Of(&[S32])], &[DstVector(Is(S32), 4), SrcVector(Is(B32), 4), SrcVector(Is(B32), 2), SrcVector(Is(S32), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M8N8K32]), Need(&[RowMajor]), Need(&[ColumnMajor]), May(&[Satfinite]), Of(&[S32]), Of(&[S4, U4]), Of(&[S4, U4]), Of(&[S32])], &[DstVector(Is(S32), 2), SrcVector(Is(B32), 1), SrcVector(Is(B32), 1), SrcVector(Is(S32), 2)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K32]), Need(&[RowMajor]), Need(&[ColumnMajor]), May(&[Satfinite]), Of(&[S32]), Of(&[S4, U4]), Of(&[S4, U4]), Of(&[S32])], &[DstVector(Is(S32), 4), SrcVector(Is(B32), 2), SrcVector(Is(B32), 1), SrcVector(Is(S32), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K64]), Need(&[RowMajor]), Need(&[ColumnMajor]), May(&[Satfinite]), Of(&[S32]), Of(&[S4, U4]), Of(&[S4, U4]), Of(&[S32])], &[DstVector(Is(S32), 4), SrcVector(Is(B32), 4), SrcVector(Is(B32), 2), SrcVector(Is(S32), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M8N8K128]), Need(&[RowMajor]), Need(&[ColumnMajor]), Of(&[S32]), Of(&[B1]), Of(&[B1]), Of(&[S32]), Need(&[And, Xor]), Need(&[Popc])], &[DstVector(Is(S32), 2), SrcVector(Is(B32), 1), SrcVector(Is(B32), 1), SrcVector(Is(S32), 2)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K128]), Need(&[RowMajor]), Need(&[ColumnMajor]), Of(&[S32]), Of(&[B1]), Of(&[B1]), Of(&[S32]), Need(&[And, Xor]), Need(&[Popc])], &[DstVector(Is(S32), 4), SrcVector(Is(B32), 2), SrcVector(Is(B32), 1), SrcVector(Is(S32), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M16N8K256]), Need(&[RowMajor]), Need(&[ColumnMajor]), Of(&[S32]), Of(&[B1]), Of(&[B1]), Of(&[S32]), Need(&[And, Xor]), Need(&[Popc])], &[DstVector(Is(S32), 4), SrcVector(Is(B32), 4), SrcVector(Is(B32), 2), SrcVector(Is(S32), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M8N8K4]), Need(LAYOUTS), Need(LAYOUTS), Of(&[F32]), Of(&[F16]), Of(&[F16]), Of(&[F32])], &[DstVector(Is(F32), 8), SrcVector(Is(B32), 2), SrcVector(Is(B32), 2), SrcVector(Is(F32), 8)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M8N8K4]), Need(LAYOUTS), Need(LAYOUTS), Of(&[F32]), Of(&[F16]), Of(&[F16]), Of(&[F16])], &[DstVector(Is(F32), 8), SrcVector(Is(B32), 2), SrcVector(Is(B32), 2), SrcVector(Is(B32), 4)], Op::Mma),
    row("mma", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M8N8K4]), Need(LAYOUTS), Need(LAYOUTS), Of(&[F16]), Of(&[F16]), Of(&[F16]), Of(&[F16])], &[DstVector(Is(B32), 4), SrcVector(Is(B32), 2), SrcVector(Is(B32), 2), SrcVector(Is(B32), 4)], Op::Mma),
    row("ldmatrix", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M8N8]), Need(&[X1]), May(&[Trans]), May(SHARED), Of(&[B16])], &[DstVector(Is(B32), 1), A], Op::LoadMatrix),
    row("ldmatrix", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M8N8]), Need(&[X2]), May(&[Trans]), May(SHARED), Of(&[B16])], &[DstVector(Is(B32), 2), A], Op::LoadMatrix),
    row("ldmatrix", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M8N8]), Need(&[X4]), May(&[Trans]), May(SHARED), Of(&[B16])], &[DstVector(Is(B32), 4), A], Op::LoadMatrix),
    row("stmatrix", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M8N8]), Need(&[X1]), May(&[Trans]), May(SHARED), Of(&[B16])], &[A, SrcVector(Is(B32), 1)], Op::StoreMatrix),
    row("stmatrix", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M8N8]), Need(&[X2]), May(&[Trans]), May(SHARED), Of(&[B16])], &[A, SrcVector(Is(B32), 2)], Op::StoreMatrix),
    row("stmatrix", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M8N8]), Need(&[X4]), May(&[Trans]), May(SHARED), Of(&[B16])], &[A, SrcVector(Is(B32), 4)], Op::StoreMatrix),
    row("movmatrix", &[Need(&[Sync]), Need(&[Aligned]), Need(&[M8N8]), Need(&[Trans]), Of(&[B16])], &[Dst(Is(B32)), Src(Is(B32))], Op::TransposeMatrix),

    // Asynchronous copies.
    row("cp", &[Need(&[Async]), Need(&[Ca, Cg]), Need(SHARED), Need(&[Global]), May(FETCH)], &[AddressIn(Space::Shared), AddressIn(Space::Global), Src(WORD)], Op::CopyAsync),
    row("cp", &[Need(&[Async]), Need(&[Ca, Cg]), Need(SHARED), Need(&[Global]), May(FETCH)], &[AddressIn(Space::Shared), AddressIn(Space::Global), Src(WORD), SrcCopied], Op::CopyAsync),
    row("cp", &[Need(&[Async]), Need(&[Ca, Cg]), Need(SHARED), Need(&[Global]), Need(&[L2CacheHint]), May(FETCH)], &[AddressIn(Space::Shared), AddressIn(Space::Global), Src(WORD), Src(Is(B64))], Op::CopyAsync),
    row("cp", &[Need(&[Async]), Need(&[Ca, Cg]), Need(SHARED), Need(&[Global]), Need(&[L2CacheHint]), May(FETCH)], &[AddressIn(Space::Shared), AddressIn(Space::Global), Src(WORD), SrcCopied, Src(Is(B64))], Op::CopyAsync),
    row("cp", &[Need(&[Async]), Need(&[Mbarrier]), Need(&[Arrive]), May(&[NoInc]), May(SHARED), Of(&[B64])], &[A], Op::Red),
    row("cp", &[Need(&[Async]), Need(&[Bulk]), Need(CLUSTER_SHARED), Need(&[Global]), Need(&[CompleteTxBytes])], &[AddressIn(Space::Shared), AddressIn(Space::Global), Src(WORD), AddressIn(Space::Shared)], Op::CopyBulk),
    row("cp", &[Need(&[Async]), Need(&[Bulk]), Need(CLUSTER_SHARED), Need(&[Global]), Need(&[CompleteTxBytes]), Need(&[L2CacheHint])], &[AddressIn(Space::Shared), AddressIn(Space::Global), Src(WORD), AddressIn(Space::Shared), Src(Is(B64))], Op::CopyBulk),
    row("cp", &[Need(&[Async]), Need(&[Bulk]), Need(&[SharedCluster]), Need(&[SharedCta]), Need(&[CompleteTxBytes])], &[AddressIn(Space::Shared), AddressIn(Space::Shared), Src(WORD), AddressIn(Space::Shared)], Op::CopyBulk),
    row("cp", &[Need(&[Async]), Need(&[Bulk]), Need(&[Global]), Need(SHARED), Need(&[BulkGroup])], &[AddressIn(Space::Global), AddressIn(Space::Shared), Src(WORD)], Op::CopyBulk),
    row("cp", &[Need(&[Async]), Need(&[Bulk]), Need(&[Global]), Need(SHARED), Need(&[BulkGroup]), Need(&[L2CacheHint])], &[AddressIn(Space::Global), AddressIn(Space::Shared), Src(WORD), Src(Is(B64))], Op::CopyBulk),
    row("cp", &[Need(&[Async]), Need(&[Bulk]), Need(&[CommitGroup])], &[], Op::Fence),
    row("cp", &[Need(&[Async]), Need(&[Bulk]), Need(&[WaitGroup]), May(&[Read])], &[Src(WORD)], Op::Fence),
    row("cp", &[Need(&[Async]), Need(&[Bulk]), Need(&[Prefetch]), Need(&[L2]), Need(&[Global])], &[AddressIn(Space::Global), Src(WORD)], Op::Hint),
    row("cp", &[Need(&[Async]), Need(&[CommitGroup])], &[], Op::Fence),
    row("cp", &[Need(&[Async]), Need(&[WaitGroup])], &[Src(WORD)], Op::Fence),
    row("cp", &[Need(&[Async]), Need(&[WaitAll])], &[], Op::Fence),
    row("setmaxnreg", &[Need(&[Inc, Dec]), Need(&[Sync]), Need(&[Aligned]), Of(&[U32])], &[Src(T0)], Op::Hint),
];
