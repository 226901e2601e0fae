//! Loads and stores.
//!
//! An access of device memory is checked against the window that it, or one like it, found last: one
//! subtraction, one rotation that turns a misaligned offset into a huge one, one comparison. What
//! fails that asks the host, which answers with another window or ends the launch.

use wasm_encoder::{BlockType, Instruction as W, MemArg, MemArgTarget};

use crate::compile::abi::ARGUMENTS;
use crate::compile::analysis::allocation_roots::CacheId;
use crate::compile::codegen::{Emitter, Imports, Shared};
use crate::compile::ir::{Arg, Place, Reg, SiteKind, Space, Ty};

/// Where an access goes once its address was checked and is on the stack.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum To {
    Device,
    /// Scratch memory, at an offset.
    Scratch(u32),
}

impl To {
    pub(crate) fn at(self, offset: u32, align: u32) -> MemArg {
        let (memory, base) = match self {
            To::Device => (1, 0),
            To::Scratch(base) => (0, base),
        };
        MemArg {
            offset: u64::from(base) + u64::from(offset),
            align,
            target: MemArgTarget::Memory(memory),
            ordering: None,
        }
    }
}

pub(crate) fn load_op(ty: Ty, bytes: u8, at: MemArg) -> W<'static> {
    match (bytes, ty) {
        (1, Ty::I64) => W::I64Load8U(at),
        (1, _) => W::I32Load8U(at),
        (2, Ty::I64) => W::I64Load16U(at),
        (2, _) => W::I32Load16U(at),
        (4, Ty::F32) => W::F32Load(at),
        (4, Ty::I64) => W::I64Load32U(at),
        (4, _) => W::I32Load(at),
        (_, Ty::F64) => W::F64Load(at),
        _ => W::I64Load(at),
    }
}

pub(crate) fn store_op(ty: Ty, bytes: u8, at: MemArg) -> W<'static> {
    match (bytes, ty) {
        (1, Ty::I64) => W::I64Store8(at),
        (1, _) => W::I32Store8(at),
        (2, Ty::I64) => W::I64Store16(at),
        (2, _) => W::I32Store16(at),
        (4, Ty::F32) => W::F32Store(at),
        (4, Ty::I64) => W::I64Store32(at),
        (4, _) => W::I32Store(at),
        (_, Ty::F64) => W::F64Store(at),
        _ => W::I64Store(at),
    }
}

impl Emitter<'_> {
    pub(crate) fn access(&self, place: &Place) -> (u32, u8) {
        match self
            .shared
            .body
            .sites
            .get(place.site)
            .map(|site| &site.what)
        {
            Some(SiteKind::Access { bytes, lanes, .. }) => {
                let size = bytes * lanes;
                (size, size.trailing_zeros() as u8)
            }
            _ => (1, 0),
        }
    }

    /// The local with the limit of shared memory for accesses whose size has this logarithm.
    pub(crate) fn shared_limit(&self, shift: u8) -> u32 {
        let limit = self.limits.get(&shift).copied();
        self.must(limit, "an access of shared memory without a limit")
    }

    /// Calls a function with the access's memory, its checked address on the stack: once, or for an
    /// address whose kind shows only when the kernel runs, once for each kind.
    pub(crate) fn checked(&mut self, place: &Place, mut access: impl FnMut(&mut Self, To)) {
        match place.space {
            Space::Global => {
                self.device_address(place);
                self.device_check(place, false);
                self.get(self.address);
                self.op(W::I32WrapI64);
                access(self, To::Device);
            }
            Space::Shared => {
                self.offset_address(place);
                let (size, shift) = self.access(place);
                if !self.is_inside(place, size, self.shared.static_shared) {
                    let limit = self.shared_limit(shift);
                    self.rotated_offset(shift);
                    self.get(limit);
                    self.op(W::I32GeU);
                    self.offset_fault(place);
                }
                self.get(self.offset);
                access(self, To::Scratch(self.shared.layout.shared));
            }
            Space::Local => {
                self.offset_address(place);
                let (size, shift) = self.access(place);
                let bytes = self.shared.layout.local_bytes;
                if !self.is_inside(place, size, bytes) {
                    self.rotated_offset(shift);
                    self.i32(bytes >> shift);
                    self.op(W::I32GeU);
                    self.offset_fault(place);
                }
                self.get(self.thread);
                self.i32(self.shared.layout.local_stride);
                self.op(W::I32Mul);
                self.get(self.offset);
                self.op(W::I32Add);
                access(self, To::Scratch(self.shared.layout.local));
            }
            Space::Argument => {
                self.device_address(place);
                let (_, shift) = self.access(place);
                self.get(self.address);
                self.i64(u64::from(shift));
                self.op(W::I64Rotr);
                self.i64(u64::from(self.shared.layout.param_bytes >> shift));
                self.op(W::I64GeU);
                if self.writes(place) {
                    self.op(W::Drop);
                    self.i32(1);
                }
                self.if_unlikely();
                self.fault(place.site);
                self.op(W::End);
                self.get(self.address);
                self.op(W::I32WrapI64);
                access(self, To::Scratch(ARGUMENTS));
            }
            Space::Generic => {
                self.device_address(place);
                self.op(W::Block(BlockType::Empty));
                self.op(W::Block(BlockType::Empty));
                self.device_outside(place);
                self.op(W::I32Eqz);
                self.op(W::BrIf(0));
                self.get(self.thread);
                self.i32(place.site.0);
                self.get(self.address);
                self.op(W::Call(Imports::GENERIC));
                self.op(W::LocalTee(self.offset));
                self.i32(u32::MAX);
                self.op(W::I32Eq);
                self.op(W::If(BlockType::Empty));
                self.device_miss(place);
                self.op(W::Br(1));
                self.op(W::End);
                self.get(self.offset);
                access(self, To::Scratch(0));
                self.op(W::Br(1));
                self.op(W::End);
                self.get(self.address);
                self.op(W::I32WrapI64);
                access(self, To::Device);
                self.op(W::End);
            }
        }
    }

    fn writes(&self, place: &Place) -> bool {
        let site = self.shared.body.sites.get(place.site);
        matches!(
            site.map(|site| &site.what),
            Some(SiteKind::Access { write: true, .. })
        )
    }

    /// The address of 64 bits, into its local.
    pub(crate) fn device_address(&mut self, place: &Place) {
        match place.base.bits() {
            Some(bits) => self.i64(bits.wrapping_add_signed(place.offset)),
            None => {
                self.arg(place.base);
                if place.offset != 0 {
                    self.i64(place.offset.cast_unsigned());
                    self.op(W::I64Add);
                }
            }
        }
        self.set(self.address);
    }

    /// The address of 32 bits, into its local.
    pub(crate) fn offset_address(&mut self, place: &Place) {
        let offset = (place.offset.cast_unsigned() & 0xffff_ffff) as u32;
        match place.base.bits() {
            Some(bits) => self.i32((bits as u32).wrapping_add(offset)),
            None => {
                self.arg(place.base);
                if offset != 0 {
                    self.i32(offset);
                    self.op(W::I32Add);
                }
            }
        }
        self.set(self.offset);
    }

    /// Whether an address that is known now lies within so many bytes.
    fn is_inside(&self, place: &Place, size: u32, bytes: u32) -> bool {
        let Some(base) = place.base.bits() else {
            return false;
        };
        let offset = (base.wrapping_add_signed(place.offset)) & 0xffff_ffff;
        offset % u64::from(size) == 0 && offset + u64::from(size) <= u64::from(bytes)
    }

    pub(crate) fn rotated_offset(&mut self, shift: u8) {
        self.get(self.offset);
        if shift > 0 {
            self.i32(u32::from(shift));
            self.op(W::I32Rotr);
        }
    }

    /// Where the condition on the stack holds, a fault at the offset.
    fn offset_fault(&mut self, place: &Place) {
        self.if_unlikely();
        self.get(self.offset);
        self.op(W::I64ExtendI32U);
        self.set(self.address);
        self.fault(place.site);
        self.op(W::End);
    }

    /// The bounds cache of an access of device memory, and the locals with its base and its count.
    pub(crate) fn window(&self, place: &Place) -> (Option<CacheId>, (u32, u32)) {
        let cache = self.shared.bounds_caches.of(place.site).ok();
        let locals = cache.and_then(|cache| self.bounds_caches.get(&cache));
        let locals = self.must(locals.copied(), "an access without a bounds cache");
        (cache, locals)
    }

    /// Leaves whether the address lies outside of the access's window, or is not aligned.
    fn device_outside(&mut self, place: &Place) {
        let (_, (low, count)) = self.window(place);
        let (_, shift) = self.access(place);
        self.get(self.address);
        self.get(low);
        self.op(W::I64Sub);
        if shift > 0 {
            self.i64(u64::from(shift));
            self.op(W::I64Rotr);
        }
        self.get(count);
        self.op(W::I64GeU);
    }

    fn device_check(&mut self, place: &Place, _: bool) {
        self.device_outside(place);
        self.if_unlikely();
        self.device_miss(place);
        self.op(W::End);
    }

    /// Asks the host for the window that the address lies in.
    fn device_miss(&mut self, place: &Place) {
        let (cache, (low, count)) = self.window(place);
        let global = cache.map_or(0, Shared::window_global);
        self.get(self.thread);
        self.i32(place.site.0);
        self.get(self.address);
        self.op(W::Call(Imports::MISS));
        self.op(W::LocalTee(count));
        self.op(W::GlobalSet(global + 1));
        self.op(W::LocalTee(low));
        self.op(W::GlobalSet(global));
        let shared = self.shared;
        for (limit, (of, reach)) in shared.limits.device.iter() {
            if Some(*of) != cache {
                continue;
            }
            self.get(count);
            self.i64(*reach);
            self.op(W::I64Sub);
            self.i64(0);
            self.get(count);
            self.i64(*reach);
            self.op(W::I64GtU);
            self.op(W::Select);
            self.op(W::GlobalSet(shared.limit_global(limit)));
        }
    }

    pub(crate) fn load(&mut self, targets: &[Reg], place: &Place, bytes: u8, atomic: bool) {
        let align = u32::from(bytes).trailing_zeros();
        let targets = targets.to_vec();
        self.checked(place, |emitter, to| {
            let several = targets.len() > 1;
            if several {
                emitter.set(emitter.offset);
            }
            // What lies behind the address is read before any target is written: one may be the
            // address itself, but that was copied.
            for (lane, target) in (0u32..).zip(&targets) {
                if several {
                    emitter.get(emitter.offset);
                }
                let ty = emitter.shared.body.ty(*target);
                let at = to.at(lane * u32::from(bytes), align);
                if atomic && to == To::Device {
                    emitter.atomic_load(ty, bytes, at);
                } else {
                    emitter.op(load_op(ty, bytes, at));
                }
                emitter.set_reg(*target);
            }
        });
    }

    pub(crate) fn atomic_load(&mut self, ty: Ty, bytes: u8, at: MemArg) {
        self.op(match bytes {
            1 => W::I32AtomicLoad8U(at),
            2 => W::I32AtomicLoad16U(at),
            4 => W::I32AtomicLoad(at),
            _ => W::I64AtomicLoad(at),
        });
        match (ty, bytes) {
            (Ty::F32, _) => self.op(W::F32ReinterpretI32),
            (Ty::F64, _) => self.op(W::F64ReinterpretI64),
            (Ty::I64, 1..=4) => self.op(W::I64ExtendI32U),
            _ => {}
        }
    }

    pub(crate) fn store(&mut self, place: &Place, bytes: u8, values: &[Arg], atomic: bool) {
        let align = u32::from(bytes).trailing_zeros();
        let values = values.to_vec();
        self.checked(place, |emitter, to| {
            emitter.set(emitter.offset);
            for (lane, value) in (0u32..).zip(&values) {
                emitter.get(emitter.offset);
                emitter.arg(*value);
                let ty = emitter.shared.body.arg_ty(*value);
                let at = to.at(lane * u32::from(bytes), align);
                if !(atomic && to == To::Device) {
                    emitter.op(store_op(ty, bytes, at));
                    continue;
                }
                match ty {
                    Ty::F32 => emitter.op(W::I32ReinterpretF32),
                    Ty::F64 => emitter.op(W::I64ReinterpretF64),
                    Ty::I64 if bytes < 8 => emitter.op(W::I32WrapI64),
                    _ => {}
                }
                emitter.op(match bytes {
                    1 => W::I32AtomicStore8(at),
                    2 => W::I32AtomicStore16(at),
                    4 => W::I32AtomicStore(at),
                    _ => W::I64AtomicStore(at),
                });
            }
        });
    }
}
