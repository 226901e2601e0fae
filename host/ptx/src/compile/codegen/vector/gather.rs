//! Loads and stores of groups whose threads access whatever they like: the addresses are compared in
//! vectors, and the elements moved one by one.

use wasm_encoder::{Instruction as W, MemArg, MemArgTarget, ValType};

use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::Emitter;
use crate::compile::codegen::memory::{load_op, store_op};
use crate::compile::codegen::vector::{VECTOR_LANES, splat_i32};
use crate::compile::ir::{Arg, Op, Place, Reg, Space, Ty};

/// Whether a step is such an access.
pub(crate) fn is_gather(base: Uniformity, op: &Op) -> bool {
    let place = match op {
        Op::Load {
            place,
            atomic: false,
            ..
        }
        | Op::Store {
            place,
            atomic: false,
            ..
        } => place,
        _ => return false,
    };
    base == Uniformity::Divergent
        && matches!(place.space, Space::Global | Space::Shared | Space::Generic)
}

impl Emitter<'_> {
    /// Moves the elements, if all addresses lie in the window that was found last; else one thread
    /// after another finds its own, or what is wrong.
    pub(crate) fn gather(&mut self, op: &Op) {
        let (Op::Load { place, bytes, .. } | Op::Store { place, bytes, .. }) = op else {
            return;
        };
        let bytes = *bytes;
        self.outside(place);
        self.if_unlikely();
        self.by_lane(op);
        self.op(W::Else);
        match op {
            Op::Load { targets, .. } => self.gathered(place, targets, bytes),
            Op::Store { values, .. } => self.scatter(place, values, bytes),
            _ => {}
        }
        self.op(W::End);
    }

    /// Leaves whether the address of some thread lies outside of what there is, or is not aligned.
    fn outside(&mut self, place: &Place) {
        let (size, shift) = self.access(place);
        let [limit, distance, _] = self.group.temps;
        let short = place.space == Space::Shared;
        // The last address that an access may have, from the first on.
        if short {
            let known = self.shared_limit(shift);
            self.get(known);
            self.i32(1);
            self.op(W::I32Sub);
            self.i32(u32::from(shift));
            self.op(W::I32Shl);
            self.op(W::I32x4Splat);
        } else {
            let (_, (_, count)) = self.window(place);
            self.get(count);
            self.i64(1);
            self.op(W::I64Sub);
            self.i64(u64::from(shift));
            self.op(W::I64Shl);
            self.op(W::I64x2Splat);
        }
        self.set(limit);
        let ty = if short { Ty::I32 } else { Ty::I64 };
        for chunk in 0..self.chunk_count(ty) {
            self.chunk(place.base, chunk);
            if short {
                let offset = (place.offset.cast_unsigned() & 0xffff_ffff) as u32;
                self.op(W::V128Const(splat_i32(offset)));
                self.op(W::I32x4Add);
            } else {
                let (_, (low, _)) = self.window(place);
                self.i64(place.offset.cast_unsigned());
                self.get(low);
                self.op(W::I64Sub);
                self.op(W::I64x2Splat);
                self.op(W::I64x2Add);
            }
            self.op(W::LocalTee(distance));
            self.get(limit);
            if short {
                self.op(W::I32x4GtU);
            } else {
                self.op(W::I64x2GtS);
                self.get(distance);
                self.op(W::V128Const(0));
                self.op(W::I64x2LtS);
                self.op(W::V128Or);
            }
            self.get(distance);
            let below = u128::from(size - 1);
            let mask = if short {
                splat_i32(size - 1)
            } else {
                (below | below << 64).cast_signed()
            };
            self.op(W::V128Const(mask));
            self.op(W::V128And);
            self.op(W::V128Or);
            if chunk > 0 {
                self.op(W::V128Or);
            }
        }
        self.op(W::V128AnyTrue);
        if short {
            // Nothing fits into nothing, but the last address is a number without a sign.
            let known = self.shared_limit(shift);
            self.get(known);
            self.op(W::I32Eqz);
            self.op(W::I32Or);
        }
    }

    /// Leaves the address of a thread, as an offset into its memory.
    fn lane_address(&mut self, place: &Place, lane: u32) {
        if place.space == Space::Shared {
            self.chunk(place.base, lane / 4);
            self.op(W::I32x4ExtractLane((lane % 4) as u8));
        } else {
            self.chunk(place.base, lane / 2);
            self.op(W::I64x2ExtractLane((lane % 2) as u8));
            self.op(W::I32WrapI64);
        }
        let offset = (place.offset.cast_unsigned() & 0xffff_ffff) as u32;
        if offset != 0 {
            self.i32(offset);
            self.op(W::I32Add);
        }
    }

    fn element_at(&self, place: &Place, element: u32, bytes: u8) -> MemArg {
        let (memory, begin) = match place.space {
            Space::Shared => (0, self.shared.layout.shared),
            _ => (1, 0),
        };
        MemArg {
            offset: u64::from(begin) + u64::from(element) * u64::from(bytes),
            align: 0,
            target: MemArgTarget::Memory(memory),
            ordering: None,
        }
    }

    fn gathered(&mut self, place: &Place, targets: &[Reg], bytes: u8) {
        // Targets may be what the addresses are.
        let fresh: Vec<Vec<u32>> = targets
            .iter()
            .map(|target| {
                let count = self.chunk_count(self.shared.body.ty(*target));
                (0..count).map(|_| self.local(ValType::V128)).collect()
            })
            .collect();
        for lane in 0..VECTOR_LANES {
            let base = self.group.base;
            self.lane_address(place, lane);
            self.set(base);
            for (element, (target, chunks)) in (0u32..).zip(targets.iter().zip(&fresh)) {
                let ty = self.shared.body.ty(*target);
                let lanes = 16 / ty.bytes();
                let into = chunks.get((lane / lanes) as usize).copied().unwrap_or(0);
                let at = self.element_at(place, element, bytes);
                let number = (lane % lanes) as u8;
                if number > 0 {
                    self.get(into);
                }
                self.get(base);
                self.op(load_op(ty, bytes, at));
                self.op(match (number, ty) {
                    (0, Ty::I32) => W::I32x4Splat,
                    (0, Ty::I64) => W::I64x2Splat,
                    (0, Ty::F32) => W::F32x4Splat,
                    (0, Ty::F64) => W::F64x2Splat,
                    (_, Ty::I32) => W::I32x4ReplaceLane(number),
                    (_, Ty::I64) => W::I64x2ReplaceLane(number),
                    (_, Ty::F32) => W::F32x4ReplaceLane(number),
                    (_, Ty::F64) => W::F64x2ReplaceLane(number),
                });
                self.set(into);
            }
        }
        for (target, chunks) in targets.iter().zip(&fresh) {
            for (chunk, local) in (0u32..).zip(chunks) {
                self.get(*local);
                self.set_chunk(*target, chunk);
            }
        }
    }

    fn scatter(&mut self, place: &Place, values: &[Arg], bytes: u8) {
        for lane in 0..VECTOR_LANES {
            let base = self.group.base;
            self.lane_address(place, lane);
            self.set(base);
            for (element, value) in (0u32..).zip(values) {
                let ty = self.shared.body.arg_ty(*value);
                let lanes = 16 / ty.bytes();
                self.get(base);
                self.chunk(*value, lane / lanes);
                let number = (lane % lanes) as u8;
                self.op(match ty {
                    Ty::I32 => W::I32x4ExtractLane(number),
                    Ty::I64 => W::I64x2ExtractLane(number),
                    Ty::F32 => W::F32x4ExtractLane(number),
                    Ty::F64 => W::F64x2ExtractLane(number),
                });
                let at = self.element_at(place, element, bytes);
                self.op(store_op(ty, bytes, at));
            }
        }
    }
}
