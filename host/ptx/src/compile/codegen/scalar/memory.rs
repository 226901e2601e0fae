//! Loads and stores of one thread, each after a bounds check.
//!
//! An access of device memory is checked against its bounds cache: the range that it, or one like it,
//! was found in last. That takes one subtraction, one rotation that turns a misaligned offset into a
//! huge one, and one comparison. Where it fails, a bounds-miss call asks the host, which answers with
//! another range or ends the launch.

use wasm_encoder::{BlockType, Instruction as W, MemArg, MemArgTarget};

use crate::compile::abi::ARGUMENTS;
use crate::compile::analysis::allocation_roots::CacheId;
use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::input::{CodegenInput, SiteAccess};
use crate::compile::codegen::module::Imports;
use crate::compile::codegen::scalar::{CacheLocals, ScalarEmitter};
use crate::compile::ir::{AccessAddress, Arg, Reg, Space, Ty};

/// The memory that an access goes to once its address was checked and is on the stack.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Memory {
    Device,
    /// Scratch memory, from this address on.
    Scratch(u32),
}

impl Memory {
    /// The immediate of an access at such an offset from the address on the stack.
    pub(super) fn at(self, offset: u32, align: u32) -> MemArg {
        let (memory, base) = match self {
            Memory::Device => (1, 0),
            Memory::Scratch(base) => (0, base),
        };
        MemArg {
            offset: u64::from(base) + u64::from(offset),
            align,
            target: MemArgTarget::Memory(memory),
            ordering: None,
        }
    }
}

/// The instruction that loads so many bytes into a value, with zeros above.
pub(crate) fn load(ty: Ty, bytes: u8, at: MemArg) -> W<'static> {
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

/// The instruction that stores so many low bytes of a value.
pub(crate) fn store(ty: Ty, bytes: u8, at: MemArg) -> W<'static> {
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

impl ScalarEmitter<'_> {
    pub(crate) fn site_access(&self, place: &AccessAddress) -> SiteAccess {
        let site = self.input.site_access(place);
        self.require(site, "an access without a site")
    }

    /// An access's bounds cache, and its locals.
    fn bounds_cache(&self, place: &AccessAddress) -> Option<(CacheId, CacheLocals)> {
        let cache = self.input.analyses.bounds_caches.of(place.site).ok()?;
        let locals = self.bounds_caches.get(&cache).copied()?;
        Some((cache, locals))
    }

    /// The locals of an access's bounds cache.
    pub(crate) fn cache_locals(&self, place: &AccessAddress) -> CacheLocals {
        let locals = self.bounds_cache(place).map(|(_, locals)| locals);
        self.require(locals, "an access without a bounds cache")
    }

    /// Calls a function with the access's memory, its checked address on the stack: once, or, where
    /// only the address's value says in which memory it lies, once for each.
    pub(super) fn checked(
        &mut self,
        place: &AccessAddress,
        mut access: impl FnMut(&mut Self, Memory),
    ) {
        let layout = self.input.layout;
        let site = self.site_access(place);
        match place.space {
            Space::Global => {
                self.device_address(place);
                self.is_outside_cache(place, site);
                self.if_unlikely();
                self.bounds_miss(place);
                self.op(W::End);
                self.get(self.address);
                self.op(W::I32WrapI64);
                access(self, Memory::Device);
            }
            Space::Shared => {
                self.offset_address(place);
                if self.moved_by.is_some() || !is_inside(place, site, self.input.static_shared) {
                    let limit = self.shared_limit(site.shift);
                    self.rotated_offset(site);
                    self.get(limit);
                    self.op(W::I32GeU);
                    self.offset_fault(place);
                }
                self.get(self.offset);
                access(self, Memory::Scratch(layout.shared));
            }
            Space::Local => {
                self.offset_address(place);
                if self.moved_by.is_some() || !is_inside(place, site, layout.local_bytes) {
                    self.rotated_offset(site);
                    self.i32(layout.local_bytes >> site.shift);
                    self.op(W::I32GeU);
                    self.offset_fault(place);
                }
                self.get(self.thread);
                self.i32(layout.local_stride);
                self.op(W::I32Mul);
                self.get(self.offset);
                self.op(W::I32Add);
                access(self, Memory::Scratch(layout.local));
            }
            Space::Argument => {
                self.device_address(place);
                self.get(self.address);
                self.i64(u64::from(site.shift));
                self.op(W::I64Rotr);
                self.i64(u64::from(layout.param_bytes >> site.shift));
                self.op(W::I64GeU);
                if site.write {
                    // Arguments are not written.
                    self.op(W::Drop);
                    self.i32(1);
                }
                self.if_unlikely();
                self.fault(place.site);
                self.op(W::End);
                self.get(self.address);
                self.op(W::I32WrapI64);
                access(self, Memory::Scratch(ARGUMENTS));
            }
            Space::Generic => {
                self.device_address(place);
                self.op(W::Block(BlockType::Empty));
                self.op(W::Block(BlockType::Empty));
                self.is_outside_cache(place, site);
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
                self.bounds_miss(place);
                self.op(W::Br(1));
                self.op(W::End);
                self.get(self.offset);
                access(self, Memory::Scratch(0));
                self.op(W::Br(1));
                self.op(W::End);
                self.get(self.address);
                self.op(W::I32WrapI64);
                access(self, Memory::Device);
                self.op(W::End);
            }
        }
    }

    /// Sets the local for addresses of 64 bits.
    fn device_address(&mut self, place: &AccessAddress) {
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
        if let Some(moved_by) = self.moved_by {
            self.get(moved_by);
            self.op(W::I64ExtendI32U);
            self.op(W::I64Add);
        }
        self.set(self.address);
    }

    /// Sets the local for addresses of 32 bits.
    fn offset_address(&mut self, place: &AccessAddress) {
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
        if let Some(moved_by) = self.moved_by {
            self.get(moved_by);
            self.op(W::I32Add);
        }
        self.set(self.offset);
    }

    fn rotated_offset(&mut self, site: SiteAccess) {
        self.get(self.offset);
        if site.shift > 0 {
            self.i32(u32::from(site.shift));
            self.op(W::I32Rotr);
        }
    }

    /// Where the condition on the stack holds, a fault at the offset.
    fn offset_fault(&mut self, place: &AccessAddress) {
        self.if_unlikely();
        self.get(self.offset);
        self.op(W::I64ExtendI32U);
        self.set(self.address);
        self.fault(place.site);
        self.op(W::End);
    }

    /// Leaves whether the address lies outside of the access's bounds cache, or is not aligned.
    fn is_outside_cache(&mut self, place: &AccessAddress, site: SiteAccess) {
        let cache = self.cache_locals(place);
        self.get(self.address);
        self.get(cache.base);
        self.op(W::I64Sub);
        if site.shift > 0 {
            self.i64(u64::from(site.shift));
            self.op(W::I64Rotr);
        }
        self.get(cache.count);
        self.op(W::I64GeU);
    }

    /// Asks the host for the range that the address lies in, and fills the bounds cache with it, and
    /// the limits that guards compare with.
    fn bounds_miss(&mut self, place: &AccessAddress) {
        let input = self.input;
        let Some((id, cache)) = self.bounds_cache(place) else {
            return self.inconsistent("an access without a bounds cache");
        };
        let global = CodegenInput::bounds_cache_global(id);
        self.get(self.thread);
        self.i32(place.site.0);
        self.get(self.address);
        self.op(W::Call(Imports::BOUNDS_MISS));
        self.op(W::LocalTee(cache.count));
        self.op(W::GlobalSet(global + 1));
        self.op(W::LocalTee(cache.base));
        self.op(W::GlobalSet(global));
        for (limit, (of_cache, reach)) in input.guard_limits().device.iter() {
            if *of_cache != id {
                continue;
            }
            self.get(cache.count);
            self.i64(*reach);
            self.op(W::I64Sub);
            self.i64(0);
            self.get(cache.count);
            self.i64(*reach);
            self.op(W::I64GtU);
            self.op(W::Select);
            self.op(W::GlobalSet(input.guard_limit_global(limit)));
        }
    }

    pub(super) fn load(&mut self, targets: &[Reg], place: &AccessAddress, bytes: u8, atomic: bool) {
        let align = u32::from(bytes).trailing_zeros();
        self.checked(place, |emitter, memory| {
            let several = targets.len() > 1;
            if several {
                emitter.set(emitter.offset);
            }
            // A target may be the register with the address: that was copied before.
            for (number, target) in (0u32..).zip(targets) {
                if several {
                    emitter.get(emitter.offset);
                }
                let ty = emitter.input.body.ty(*target);
                let at = memory.at(number * u32::from(bytes), align);
                if atomic && memory == Memory::Device {
                    emitter.atomic_load(ty, bytes, at);
                } else {
                    emitter.op(load(ty, bytes, at));
                }
                emitter.set_reg(*target);
            }
        });
    }

    pub(super) fn atomic_load(&mut self, ty: Ty, bytes: u8, at: MemArg) {
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

    pub(super) fn store(&mut self, place: &AccessAddress, bytes: u8, values: &[Arg], atomic: bool) {
        let align = u32::from(bytes).trailing_zeros();
        self.checked(place, |emitter, memory| {
            emitter.set(emitter.offset);
            for (number, value) in (0u32..).zip(values) {
                emitter.get(emitter.offset);
                emitter.arg(*value);
                let ty = emitter.input.body.arg_ty(*value);
                let at = memory.at(number * u32::from(bytes), align);
                if atomic && memory == Memory::Device {
                    emitter.atomic_store(ty, bytes, at);
                } else {
                    emitter.op(store(ty, bytes, at));
                }
            }
        });
    }

    fn atomic_store(&mut self, ty: Ty, bytes: u8, at: MemArg) {
        match ty {
            Ty::F32 => self.op(W::I32ReinterpretF32),
            Ty::F64 => self.op(W::I64ReinterpretF64),
            Ty::I64 if bytes < 8 => self.op(W::I32WrapI64),
            _ => {}
        }
        self.op(match bytes {
            1 => W::I32AtomicStore8(at),
            2 => W::I32AtomicStore16(at),
            4 => W::I32AtomicStore(at),
            _ => W::I64AtomicStore(at),
        });
    }
}

/// Whether an address that is a constant lies within so many bytes.
fn is_inside(place: &AccessAddress, site: SiteAccess, bytes: u32) -> bool {
    let Some(base) = place.base.bits() else {
        return false;
    };
    let offset = (base.wrapping_add_signed(place.offset)) & 0xffff_ffff;
    let size = u64::from(site.bytes);
    offset.is_multiple_of(size) && offset + size <= u64::from(bytes)
}
