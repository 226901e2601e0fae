//! The rows of `wgmma`.

use crate::syntax::modifier::Modifier::{self, *};
use crate::syntax::table::OperandKind::{DstWarpgroup, Src, SrcMatrix, SrcPred, SrcVector};
use crate::syntax::table::Slot::{May, Need, Of};
use crate::syntax::table::Ty::{Is, T0};
use crate::syntax::table::rows::row;
use crate::syntax::table::{Op, OperandKind, Row};
use crate::syntax::types::Type::*;
use crate::syntax::warpgroup::WarpgroupShape;

const fn shapes(depth: u16) -> [Modifier; 32] {
    let mut all = [Sync; 32];
    let mut place = 0;
    while place < all.len() {
        let columns = 8 * (place as u16 + 1);
        all[place] = Warpgroup(WarpgroupShape { columns, depth });
        place += 1;
    }
    all
}

/// The same, without those that products of integers do not have: 40, 56, 72 and so on.
const fn even_shapes(depth: u16) -> [Modifier; 18] {
    let all = shapes(depth);
    let mut even = [all[0]; 18];
    // 8 and 24 columns, and the multiples of 16.
    even[1] = all[2];
    let mut place = 2;
    while place < even.len() {
        even[place] = all[2 * place - 3];
        place += 1;
    }
    even
}

const K8: &[Modifier] = &shapes(8);
const K16: &[Modifier] = &shapes(16);
const K32: &[Modifier] = &shapes(32);
const EVEN_K32: &[Modifier] = &even_shapes(32);
const EVEN_K256: &[Modifier] = &even_shapes(256);

const DESCRIPTOR: OperandKind = Src(Is(B64));
const IMMEDIATE: OperandKind = Src(Is(S32));

/// With scales of both factors; for elements of 16 bits also whether the second, or each of both, is
/// transposed.
const FLOATS: &[OperandKind] = &[
    DstWarpgroup(T0),
    SrcMatrix,
    DESCRIPTOR,
    SrcPred,
    IMMEDIATE,
    IMMEDIATE,
];
const HALVES: &[OperandKind] = &[
    DstWarpgroup(T0),
    SrcVector(Is(B32), 4),
    DESCRIPTOR,
    SrcPred,
    IMMEDIATE,
    IMMEDIATE,
    IMMEDIATE,
];
const HALVES_IN_MEMORY: &[OperandKind] = &[
    DstWarpgroup(T0),
    DESCRIPTOR,
    DESCRIPTOR,
    SrcPred,
    IMMEDIATE,
    IMMEDIATE,
    IMMEDIATE,
    IMMEDIATE,
];
const INTEGERS: &[OperandKind] = &[DstWarpgroup(T0), SrcMatrix, DESCRIPTOR, SrcPred];

/// Every form.
#[rustfmt::skip]
pub(super) static WGMMA_ROWS: &[Row] = &[
    row("wgmma", &[Need(&[Fence]), Need(&[Sync]), Need(&[Aligned])], &[], Op::Fence),
    row("wgmma", &[Need(&[CommitGroup]), Need(&[Sync]), Need(&[Aligned])], &[], Op::Fence),
    row("wgmma", &[Need(&[WaitGroup]), Need(&[Sync]), Need(&[Aligned])], &[Src(Is(U32))], Op::Fence),
    row("wgmma", &[Need(&[MmaAsync]), Need(&[Sync]), Need(&[Aligned]), Need(K16), Of(&[F16, F32]), Of(&[F16]), Of(&[F16])], HALVES, Op::WarpgroupMultiply),
    row("wgmma", &[Need(&[MmaAsync]), Need(&[Sync]), Need(&[Aligned]), Need(K16), Of(&[F16, F32]), Of(&[F16]), Of(&[F16])], HALVES_IN_MEMORY, Op::WarpgroupMultiply),
    row("wgmma", &[Need(&[MmaAsync]), Need(&[Sync]), Need(&[Aligned]), Need(K16), Of(&[F32]), Of(&[BF16]), Of(&[BF16])], HALVES, Op::WarpgroupMultiply),
    row("wgmma", &[Need(&[MmaAsync]), Need(&[Sync]), Need(&[Aligned]), Need(K16), Of(&[F32]), Of(&[BF16]), Of(&[BF16])], HALVES_IN_MEMORY, Op::WarpgroupMultiply),
    row("wgmma", &[Need(&[MmaAsync]), Need(&[Sync]), Need(&[Aligned]), Need(K8), Of(&[F32]), Of(&[TF32]), Of(&[TF32])], FLOATS, Op::WarpgroupMultiply),
    row("wgmma", &[Need(&[MmaAsync]), Need(&[Sync]), Need(&[Aligned]), Need(K32), Of(&[F16, F32]), Of(&[E4M3, E5M2]), Of(&[E4M3, E5M2])], FLOATS, Op::WarpgroupMultiply),
    row("wgmma", &[Need(&[MmaAsync]), Need(&[Sync]), Need(&[Aligned]), Need(EVEN_K32), Of(&[S32]), Of(&[S8, U8]), Of(&[S8, U8]), May(&[Satfinite])], INTEGERS, Op::WarpgroupMultiply),
    row("wgmma", &[Need(&[MmaAsync]), Need(&[Sync]), Need(&[Aligned]), Need(EVEN_K256), Of(&[S32]), Of(&[B1]), Of(&[B1]), Need(&[And]), Need(&[Popc])], INTEGERS, Op::WarpgroupMultiply),
];
