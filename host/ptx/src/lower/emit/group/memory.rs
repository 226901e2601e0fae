//! Loads and stores of groups.

use wasm_encoder::{BlockType, Instruction as W};

use super::WIDTH;
use crate::lower::class::Class;
use crate::lower::emit::memory::vector_at;
use crate::lower::emit::{Emitter, Imports};
use crate::lower::ir::{Arg, Op, Place, Reg, SiteKind, Space};

impl Emitter<'_> {
    /// Whether an access moves neighbouring words of so many bytes.
    pub(super) fn neighbours(&self, place: &Place) -> Option<u32> {
        let site = self.shared.body.sites.get(place.site as usize);
        let Some(SiteKind::Access {
            bytes, lanes: 1, ..
        }) = site.map(|site| &site.what)
        else {
            return None;
        };
        let fits = matches!(bytes, 4 | 8)
            && matches!(place.space, Space::Global | Space::Shared)
            && self.class(place.base) == Class::Affine(i64::from(*bytes));
        fits.then_some(*bytes)
    }

    /// Leaves whether all of a group's words are there, with the first one's address in its local.
    pub(super) fn neighbours_check(&mut self, place: &Place) {
        let (_, shift) = self.access(place);
        if place.space == Space::Shared {
            self.offset_address(place);
            self.rotated_offset(shift);
            let limit = self.v().limits.get(&shift).copied().unwrap_or(0);
            self.get(limit);
            self.op(W::I32LtU);
            return;
        }
        let (number, (low, count)) = self.window(place);
        let whole = self.v().counts.get(number).copied().unwrap_or(0);
        self.device_address(place);
        self.group_inside(low, shift, whole);
        self.op(W::I32Eqz);
        self.if_unlikely();
        // Perhaps in another window; where there is none, lanes find out one by one.
        let global = u32::try_from(number).unwrap_or(0) * 2;
        self.get(self.thread);
        self.i32(place.site);
        self.get(self.address);
        self.op(W::Call(Imports::FIND));
        self.op(W::LocalTee(count));
        self.op(W::GlobalSet(global + 1));
        self.op(W::LocalTee(low));
        self.op(W::GlobalSet(global));
        self.group_count(count, whole);
        self.op(W::End);
        self.group_inside(low, shift, whole);
    }

    pub(super) fn group_inside(&mut self, low: u32, shift: u8, whole: u32) {
        self.get(self.address);
        self.get(low);
        self.op(W::I64Sub);
        self.i64(u64::from(shift));
        self.op(W::I64Rotr);
        self.get(whole);
        self.op(W::I64LtU);
    }

    pub(super) fn neighbours_address(&mut self, place: &Place) -> (u32, u32) {
        if place.space == Space::Shared {
            self.get(self.offset);
            return (0, self.shared.layout.shared);
        }
        self.get(self.address);
        self.op(W::I32WrapI64);
        (1, 0)
    }

    pub(super) fn group_load(&mut self, op: &Op, place: &Place, targets: &[Reg]) {
        let Op::Load {
            bytes,
            atomic: false,
            ..
        } = op
        else {
            return self.by_lane(op);
        };
        let (Some(size), [target]) = (self.neighbours(place), targets) else {
            return self.by_lane(op);
        };
        if self.shared.body.ty(*target).bytes() != u32::from(*bytes) {
            return self.by_lane(op);
        }
        self.neighbours_check(place);
        self.op(W::If(BlockType::Empty));
        for chunk in 0..WIDTH * size / 16 {
            let (memory, base) = self.neighbours_address(place);
            let at = vector_at(memory, base + 16 * chunk);
            self.op(W::V128Load(at));
            self.set_chunk(*target, chunk);
        }
        self.op(W::Else);
        self.by_lane(op);
        self.op(W::End);
    }

    pub(super) fn group_store(&mut self, op: &Op, place: &Place, values: &[Arg]) {
        let Op::Store {
            bytes,
            atomic: false,
            ..
        } = op
        else {
            return self.by_lane(op);
        };
        let (Some(size), [value]) = (self.neighbours(place), values) else {
            let same = self.class(place.base) == Class::Uniform
                && matches!(place.space, Space::Global | Space::Shared)
                && values
                    .iter()
                    .all(|value| self.class(*value) == Class::Uniform);
            return if same {
                self.step(op)
            } else {
                self.by_lane(op)
            };
        };
        if self.shared.body.arg_ty(*value).bytes() != u32::from(*bytes) {
            return self.by_lane(op);
        }
        self.neighbours_check(place);
        self.op(W::If(BlockType::Empty));
        for chunk in 0..WIDTH * size / 16 {
            let (memory, base) = self.neighbours_address(place);
            self.chunk(*value, chunk);
            let at = vector_at(memory, base + 16 * chunk);
            self.op(W::V128Store(at));
        }
        self.op(W::Else);
        self.by_lane(op);
        self.op(W::End);
    }
}
