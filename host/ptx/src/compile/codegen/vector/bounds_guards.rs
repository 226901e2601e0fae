//! Bounds guards: the checks of a block's accesses, hoisted to its beginning and coalesced, for all
//! lanes at once. Where one fails, the group diverges, and its threads find out one by one what is
//! wrong.

use rustc_hash::FxHashMap as HashMap;
use wasm_encoder::{BlockType, Instruction as W, ValType};

use crate::compile::analysis::allocation_roots::CacheId;
use crate::compile::analysis::bounds_guards::{
    Access, BlockGuards, BoundsGuard, DeviceLimitId, Limit, SharedLimitId,
};
use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::input::CodegenInput;
use crate::compile::codegen::vector::VectorEmitter;
use crate::compile::codegen::{scratch, val_type};
use crate::compile::ir::{Arg, BlockId, Op, Reg};

/// The locals that guards need.
#[derive(Default)]
pub(super) struct GuardLocals {
    /// The first address of each bounds cache.
    bases: HashMap<CacheId, u32>,
    /// The limits of device memory, and of shared memory.
    device: HashMap<DeviceLimitId, u32>,
    shared: HashMap<SharedLimitId, u32>,
    /// What registers will hold that are computed ahead of their step.
    ahead: HashMap<Reg, u32>,
}

impl VectorEmitter<'_> {
    /// Loads what guards compare with.
    pub(super) fn load_guard_limits(&mut self) {
        let input = self.input;
        let limits = input.guard_limits();
        for limit in limits.shared.keys() {
            let local = self.local(ValType::I32);
            self.i32(0);
            let at = input.layout.guard_limits + 4 * limit.0;
            self.op(W::I32Load(scratch(at, 2)));
            self.set(local);
            self.guards.shared.insert(limit, local);
        }
        for (limit, (cache, _)) in limits.device.iter() {
            let local = self.local(ValType::I64);
            self.op(W::GlobalGet(input.guard_limit_global(limit)));
            self.set(local);
            self.guards.device.insert(limit, local);
            if !self.guards.bases.contains_key(cache) {
                let base = self.local(ValType::I64);
                self.op(W::GlobalGet(CodegenInput::bounds_cache_global(*cache)));
                self.set(base);
                self.guards.bases.insert(*cache, base);
            }
        }
    }

    /// Writes the guards of a block; where one fails, the group diverges.
    ///
    /// What is computed for them goes into locals of its own, since threads that diverge begin the
    /// block again with registers as they were. The engine does not compute the same twice.
    pub(super) fn bounds_guards(&mut self, id: BlockId, ops: &[Op]) {
        if let Some(guards) = self.input.analyses.guards.of(id) {
            self.guards_before(id, ops.iter(), guards);
        }
    }

    /// Writes these guards of steps that follow; where one fails, the group diverges at the beginning of
    /// a block.
    pub(super) fn guards_before<'o>(
        &mut self,
        id: BlockId,
        ops: impl Iterator<Item = &'o Op>,
        guards: &BlockGuards,
    ) {
        let mut replaced: Vec<(Reg, Option<u32>)> = Vec::new();
        self.op(W::Block(BlockType::Empty));
        self.op(W::Block(BlockType::Empty));
        for (number, op) in ops.enumerate() {
            for guard in guards.before(number) {
                match guard {
                    BoundsGuard::Access(access) => self.is_outside_bounds(access),
                    BoundsGuard::Extend { signed, a, offsets } => {
                        self.is_wrapping(*signed, *a, *offsets);
                    }
                }
                self.br_if_unlikely(0);
            }
            if !guards.needed.contains(&number) {
                continue;
            }
            for target in op.targets() {
                if replaced.iter().any(|(reg, _)| reg == target) {
                    continue;
                }
                let ahead = self.ahead(*target);
                let mut reads_it = false;
                op.each_arg(|arg| reads_it |= arg == Arg::Reg(*target));
                if reads_it {
                    self.scalar.arg(Arg::Reg(*target));
                    self.set(ahead);
                }
                let own = self.scalar.replace_reg(*target, Some(ahead));
                replaced.push((*target, own));
            }
            self.scalar.operation(op);
        }
        for (reg, own) in replaced {
            self.scalar.replace_reg(reg, own);
        }
        self.op(W::Br(1));
        self.op(W::End);
        self.diverge(id);
        self.op(W::End);
    }

    /// The local for what a register will hold.
    fn ahead(&mut self, reg: Reg) -> u32 {
        if let Some(local) = self.guards.ahead.get(&reg).copied() {
            return local;
        }
        let local = self.local(val_type(self.input.body.ty(reg)));
        self.guards.ahead.insert(reg, local);
        local
    }

    /// Leaves whether an access, or one that is checked together with it, lies outside of what there
    /// is.
    pub(super) fn is_outside_bounds(&mut self, access: &Access) {
        let shift = u32::from(access.shift);
        match access.limit {
            Limit::Shared(limit) => {
                self.guarded_address(access.base, access.first, true);
                if shift > 0 {
                    self.i32(shift);
                    self.op(W::I32Rotr);
                }
                let limit = self.guards.shared.get(&limit).copied();
                self.get(self.require(limit, "a guard without its limit"));
                self.op(W::I32GeU);
            }
            Limit::Device(cache, limit) => {
                self.guarded_address(access.base, access.first, false);
                let base = self.guards.bases.get(&cache).copied();
                self.get(self.require(base, "a guard without its bounds cache"));
                self.op(W::I64Sub);
                if shift > 0 {
                    self.i64(u64::from(shift));
                    self.op(W::I64Rotr);
                }
                let limit = self.guards.device.get(&limit).copied();
                self.get(self.require(limit, "a guard without its limit"));
                self.op(W::I64GeU);
            }
        }
    }

    /// Leaves the address of the first byte that a guard checks.
    pub(super) fn guarded_address(&mut self, base: Arg, first: i64, is_shared: bool) {
        if let Some(bits) = base.bits() {
            let address = bits.wrapping_add_signed(first);
            return if is_shared {
                self.i32(address as u32);
            } else {
                self.i64(address);
            };
        }
        self.scalar.arg(base);
        if first == 0 {
        } else if is_shared {
            self.i32((first.cast_unsigned() & 0xffff_ffff) as u32);
            self.op(W::I32Add);
        } else {
            self.i64(first.cast_unsigned());
            self.op(W::I64Add);
        }
    }

    /// Leaves whether numbers of 32 bits, at these offsets, wrap around within the group: in 64 bits
    /// their offsets would be others.
    fn is_wrapping(&mut self, signed: bool, a: Arg, offsets: LaneOffsets) {
        let ends = [offsets.least(), offsets.most()];
        self.i64(0);
        // In 64 bits, the least and the most must be numbers of 32.
        for end in ends.into_iter().filter(|end| *end != 0) {
            self.scalar.arg(a);
            self.op(if signed {
                W::I64ExtendI32S
            } else {
                W::I64ExtendI32U
            });
            self.i64(end.cast_unsigned());
            self.op(W::I64Add);
            if signed {
                self.i64(1 << 31);
                self.op(W::I64Add);
            }
            self.i64(32);
            self.op(W::I64ShrU);
            self.op(W::I64Or);
        }
        self.op(W::I64Eqz);
        self.op(W::I32Eqz);
    }
}
