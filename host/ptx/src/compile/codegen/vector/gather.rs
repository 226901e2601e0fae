//! Gather and scatter: loads and stores whose lanes have unrelated addresses. The addresses are checked
//! in vectors, and the elements moved one by one.

use wasm_encoder::{Instruction as W, MemArg, MemArgTarget, ValType};

use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::scalar::{load, store};
use crate::compile::codegen::vector::{
    VectorEmitter, chunk_count, lanes_per_chunk, splat, splat_i32, splat_i64,
};
use crate::compile::ir::{AccessAddress, Arg, Op, Reg, Space, Ty};

impl VectorEmitter<'_> {
    /// Moves the elements, if all addresses lie within the bounds cache; else the step is scalarised,
    /// so that each thread fills the cache, or finds what is wrong.
    pub(super) fn gather_or_scatter(&mut self, op: &Op) {
        let (Op::Load { place, .. } | Op::Store { place, .. }) = op else {
            return self.inconsistent("a gather that accesses no memory");
        };
        self.is_outside(place, self.lanes());
        self.if_unlikely();
        self.scalarised(op);
        self.op(W::Else);
        match op {
            Op::Load { targets, bytes, .. } => self.gather(place, targets, *bytes),
            Op::Store { values, bytes, .. } => self.scatter(place, values, *bytes),
            _ => {}
        }
        self.op(W::End);
    }

    /// Leaves whether the address of one of the first lanes lies outside of what there is, or is not
    /// aligned.
    pub(super) fn is_outside(&mut self, place: &AccessAddress, lanes: u32) {
        let site = self.scalar.site_access(place);
        let [limit, distance, _] = self.temps;
        let is_shared = place.space == Space::Shared;
        // The last address that an access may have, from the first on.
        if is_shared {
            self.get(self.scalar.shared_limit(site.shift));
            self.i32(1);
            self.op(W::I32Sub);
            self.i32(u32::from(site.shift));
            self.op(W::I32Shl);
            self.op(W::I32x4Splat);
        } else {
            self.get(self.scalar.cache_locals(place).count);
            self.i64(1);
            self.op(W::I64Sub);
            self.i64(u64::from(site.shift));
            self.op(W::I64Shl);
            self.op(W::I64x2Splat);
        }
        self.set(limit);
        let ty = if is_shared { Ty::I32 } else { Ty::I64 };
        let misaligned = (1 << site.shift) - 1;
        for chunk in 0..chunk_count(lanes, ty) {
            self.chunk(place.base, chunk);
            if is_shared {
                self.op(W::V128Const(splat_i32(low_half(place.offset))));
                self.op(W::I32x4Add);
            } else {
                self.i64(place.offset.cast_unsigned());
                self.get(self.scalar.cache_locals(place).base);
                self.op(W::I64Sub);
                self.op(W::I64x2Splat);
                self.op(W::I64x2Add);
            }
            self.op(W::LocalTee(distance));
            self.get(limit);
            if is_shared {
                self.op(W::I32x4GtU);
            } else {
                self.op(W::I64x2GtS);
                self.get(distance);
                self.op(W::V128Const(0));
                self.op(W::I64x2LtS);
                self.op(W::V128Or);
            }
            self.get(distance);
            self.op(W::V128Const(if is_shared {
                splat_i32(misaligned)
            } else {
                splat_i64(u64::from(misaligned))
            }));
            self.op(W::V128And);
            self.op(W::V128Or);
            if chunk > 0 {
                self.op(W::V128Or);
            }
        }
        self.op(W::V128AnyTrue);
        if is_shared {
            // Where nothing fits, the last address has wrapped around.
            self.get(self.scalar.shared_limit(site.shift));
            self.op(W::I32Eqz);
            self.op(W::I32Or);
        }
    }

    /// Leaves the address of a lane, as an offset into its memory.
    pub(super) fn lane_address(&mut self, place: &AccessAddress, lane: u32) {
        let of_lane = match self.input.uniformity(place.base) {
            Uniformity::Uniform => Some(0),
            Uniformity::Affine(offsets) => Some(offsets.of(lane)),
            Uniformity::Divergent => None,
        };
        if let Some(of_lane) = of_lane {
            self.scalar.arg(place.base);
            if place.space != Space::Shared {
                self.op(W::I32WrapI64);
            }
            let offset = low_half(place.offset.wrapping_add(of_lane));
            if offset != 0 {
                self.i32(offset);
                self.op(W::I32Add);
            }
            return;
        }
        if place.space == Space::Shared {
            self.chunk(place.base, lane / 4);
            self.op(W::I32x4ExtractLane((lane % 4) as u8));
        } else {
            self.chunk(place.base, lane / 2);
            self.op(W::I64x2ExtractLane((lane % 2) as u8));
            self.op(W::I32WrapI64);
        }
        let offset = low_half(place.offset);
        if offset != 0 {
            self.i32(offset);
            self.op(W::I32Add);
        }
    }

    fn element_at(&self, place: &AccessAddress, element: u32, bytes: u8) -> MemArg {
        let (memory, begin) = match place.space {
            Space::Shared => (0, self.input.layout.shared),
            _ => (1, 0),
        };
        MemArg {
            offset: u64::from(begin) + u64::from(element) * u64::from(bytes),
            align: 0,
            target: MemArgTarget::Memory(memory),
            ordering: None,
        }
    }

    fn gather(&mut self, place: &AccessAddress, targets: &[Reg], bytes: u8) {
        // Targets may be what the addresses are.
        let fresh: Vec<Vec<u32>> = targets
            .iter()
            .map(|target| {
                let count = self.chunk_count(self.input.body.ty(*target));
                (0..count).map(|_| self.local(ValType::V128)).collect()
            })
            .collect();
        for lane in 0..self.lanes() {
            let base = self.base;
            self.lane_address(place, lane);
            self.set(base);
            for (element, (target, chunks)) in (0u32..).zip(targets.iter().zip(&fresh)) {
                let ty = self.input.body.ty(*target);
                let lanes = lanes_per_chunk(ty);
                let into = chunks.get((lane / lanes) as usize).copied();
                let into = self.require(into, "a gather of more lanes than there are");
                let at = self.element_at(place, element, bytes);
                let number = (lane % lanes) as u8;
                if number > 0 {
                    self.get(into);
                }
                self.get(base);
                self.op(load(ty, bytes, at));
                self.op(match (number, ty) {
                    (0, ty) => splat(ty),
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

    fn scatter(&mut self, place: &AccessAddress, values: &[Arg], bytes: u8) {
        for lane in 0..self.lanes() {
            let base = self.base;
            self.lane_address(place, lane);
            self.set(base);
            for (element, value) in (0u32..).zip(values) {
                let ty = self.input.body.arg_ty(*value);
                let lanes = lanes_per_chunk(ty);
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
                self.op(store(ty, bytes, at));
            }
        }
    }
}

/// The low half of an offset: what counts in memory of 32-bit addresses.
fn low_half(offset: i64) -> u32 {
    (offset.cast_unsigned() & 0xffff_ffff) as u32
}
