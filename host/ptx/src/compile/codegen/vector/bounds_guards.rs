//! What is looked at before a block, for all threads of a group at once.

use wasm_encoder::{BlockType, Instruction as W, ValType};

use crate::compile::analysis::bounds_guards::{Access, BoundsGuard, Limit};
use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::codegen::{Emitter, Shared, scratch, val};
use crate::compile::ir::{Arg, BlockId, Op, Reg};

impl Emitter<'_> {
    /// The limits that looks compare with, into locals.
    pub(crate) fn limits_of_looks(&mut self) {
        let shared = self.shared;
        for limit in shared.limits.shared.keys() {
            let local = self.local(ValType::I32);
            self.i32(0);
            let at = shared.layout.guard_limits + 4 * limit.0;
            self.op(W::I32Load(scratch(at, 2)));
            self.set(local);
            self.group.shared_limits.insert(limit, local);
        }
        for (limit, (cache, _)) in shared.limits.device.iter() {
            let count = self.local(ValType::I64);
            self.op(W::GlobalGet(shared.limit_global(limit)));
            self.set(count);
            let low = match self.group.lows.get(cache).copied() {
                Some(low) => low,
                None => {
                    let low = self.local(ValType::I64);
                    self.op(W::GlobalGet(Shared::window_global(*cache)));
                    self.set(low);
                    low
                }
            };
            self.group.lows.insert(*cache, low);
            self.group.device_limits.insert(limit, count);
        }
    }

    /// Looks at what a block will access; where something is amiss, its threads go on alone.
    ///
    /// What is computed for that goes into registers of its own, since threads that part are to find
    /// theirs as they were. The engine does not compute the same twice.
    pub(crate) fn checks(&mut self, id: BlockId, ops: &[Op]) {
        let Some(checks) = self.shared.plan.of(id) else {
            return;
        };
        let mut kept: Vec<(Reg, u32)> = Vec::new();
        self.op(W::Block(BlockType::Empty));
        self.op(W::Block(BlockType::Empty));
        for (number, op) in ops.iter().enumerate() {
            for check in checks.before(number) {
                match check {
                    BoundsGuard::Access(access) => self.look(access),
                    BoundsGuard::Extend { signed, a, offsets } => {
                        self.extends(*signed, *a, *offsets);
                    }
                }
                self.br_if_unlikely(0);
            }
            if !checks.needed.contains(&number) {
                continue;
            }
            for target in op.targets() {
                if kept.iter().any(|(reg, _)| reg == target) {
                    continue;
                }
                let own = self.in_advance(*target);
                let mut reads_it = false;
                op.each_arg(|arg| reads_it |= arg == Arg::Reg(*target));
                if reads_it {
                    self.get(self.reg(*target));
                    self.set(own);
                }
                if let Some(local) = self.regs.get_mut(target.0 as usize) {
                    kept.push((*target, std::mem::replace(local, own)));
                }
            }
            self.step(op);
        }
        for (reg, kept) in kept {
            if let Some(local) = self.regs.get_mut(reg.0 as usize) {
                *local = kept;
            }
        }
        self.op(W::Br(1));
        self.op(W::End);
        self.part(id);
        self.op(W::End);
    }

    /// The local for what a register will hold.
    fn in_advance(&mut self, reg: Reg) -> u32 {
        if let Some(local) = self.group.in_advance.get(&reg).copied() {
            return local;
        }
        let local = self.local(val(self.shared.body.ty(reg)));
        self.group.in_advance.insert(reg, local);
        local
    }

    /// Leaves whether an access, or one that shares its look, lies outside of what there is.
    fn look(&mut self, access: &Access) {
        match access.limit {
            Limit::Shared(limit) => {
                self.anchor(access.base, access.first, true);
                if access.shift > 0 {
                    self.i32(u32::from(access.shift));
                    self.op(W::I32Rotr);
                }
                let limit = self.group.shared_limits.get(&limit).copied();
                self.get(self.must(limit, "a guard without the local of its limit"));
                self.op(W::I32GeU);
            }
            Limit::Device(cache, limit) => {
                let low = self.group.lows.get(&cache).copied();
                let limit = self.group.device_limits.get(&limit).copied();
                self.anchor(access.base, access.first, false);
                self.get(self.must(low, "a guard without the local of its bounds cache"));
                self.op(W::I64Sub);
                if access.shift > 0 {
                    self.i64(u64::from(access.shift));
                    self.op(W::I64Rotr);
                }
                self.get(self.must(limit, "a guard without the local of its limit"));
                self.op(W::I64GeU);
            }
        }
    }

    /// Leaves the address of the first byte that shares a look.
    pub(crate) fn anchor(&mut self, base: Arg, first: i64, short: bool) {
        if let Some(bits) = base.bits() {
            let address = bits.wrapping_add_signed(first);
            return if short {
                self.i32(address as u32);
            } else {
                self.i64(address);
            };
        }
        self.arg(base);
        if first == 0 {
        } else if short {
            self.i32((first.cast_unsigned() & 0xffff_ffff) as u32);
            self.op(W::I32Add);
        } else {
            self.i64(first.cast_unsigned());
            self.op(W::I64Add);
        }
    }

    /// Leaves whether numbers of 32 bits, so far apart, wrap around within the group: in 64 bits they
    /// would not be as far apart.
    fn extends(&mut self, signed: bool, a: Arg, apart: LaneOffsets) {
        let ends = [apart.least(), apart.most()];
        self.i64(0);
        // In 64 bits, the least and the most must be ones of 32.
        for reach in ends.into_iter().filter(|reach| *reach != 0) {
            self.arg(a);
            self.op(if signed {
                W::I64ExtendI32S
            } else {
                W::I64ExtendI32U
            });
            self.i64(reach.cast_unsigned());
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
