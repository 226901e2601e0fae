//! Translates an instruction with its guard, by its kind; and branches, barriers and warp
//! collectives (PTX ISA, "Control Flow Instructions", "Parallel Synchronization and Communication
//! Instructions").

use crate::compile::Unsupported;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{
    Arg, BlockId, End, Op as IrOp, Reg, SiteKind, SuspendKind, SuspendPoint, Ty,
};
use crate::compile::translate::{Builder, FunctionScope};
use crate::simt::barrier::BARRIERS;
use crate::simt::instruction::{BarrierInstruction, Members, WarpInstruction};
use crate::simt::warp::ALL_LANES;
use crate::syntax::check::source_type;
use crate::syntax::table::{Effect, Op};
use crate::syntax::tree::Operand;

impl<'m> Builder<'m> {
    /// Adds one instruction.
    pub(crate) fn instruction(&mut self, scope: &mut FunctionScope<'m>) -> Result<(), Unsupported> {
        let op = scope.instruction.row.op;
        let guard = scope.instruction.guard.map(|guard| {
            let value = Arg::Reg(scope.register(guard.register));
            (value, guard.negated)
        });
        let Some((value, negated)) = guard else {
            return self.unguarded(scope);
        };
        // A predicated instruction that only writes registers is computed always (if-conversion) and kept if wanted.
        if op.effect() == Effect::Registers {
            let value = if negated {
                self.two(Opcode::I32Xor, value, Arg::I32(1))
            } else {
                // The instruction may write its own guard.
                let copy = self.temp(Ty::I32);
                self.push(IrOp::Copy(copy, value));
                Arg::Reg(copy)
            };
            self.guard = Some(value);
            let result = self.unguarded(scope);
            self.guard = None;
            return result;
        }
        let (begin, after) = (self.new_block(), self.new_block());
        let (yes, no) = if negated {
            (after, begin)
        } else {
            (begin, after)
        };
        self.end(End::Branch(value, yes, no), begin);
        self.unguarded(scope)?;
        self.end(End::Jump(after), after);
        Ok(())
    }

    fn unguarded(&mut self, scope: &mut FunctionScope<'m>) -> Result<(), Unsupported> {
        let op = scope.instruction.row.op;
        match op {
            Op::Mov => self.moved(scope),
            Op::Selp => self.selp(scope),
            Op::Slct => self.slct(scope),
            Op::Set | Op::Setp => self.comparison(scope)?,
            Op::SetHalves | Op::SetpHalves => {
                if !self.compare_pairs(scope) {
                    return Err(self.unsupported("this comparison of pairs"));
                }
            }
            Op::Lop3Predicate => self.logic(scope),
            Op::AddCarry | Op::SubCarry | Op::MadCarry => self.carry(scope),
            Op::Cvta => self.convert_address(scope),
            Op::Isspacep => self.is_in_space(scope),
            Op::Ld => self.load(scope)?,
            Op::St => self.store(scope)?,
            Op::Atom | Op::Red => self.atomic(scope)?,
            Op::Bra => {
                let target = match scope.operand(0) {
                    Operand::Label(label) => self.label(scope, label.0),
                    _ => None,
                };
                let Some(target) = target else {
                    return Err(self.unsupported("this branch"));
                };
                self.leave(End::Jump(target));
            }
            Op::BrxIdx => self.jump_table(scope)?,
            Op::Call => match scope.operand(0).clone() {
                Operand::Call(site) => self.call(scope, &site)?,
                _ => return Err(self.unsupported("this call")),
            },
            Op::Ret => self.leave(End::Jump(scope.back)),
            // The second block is the one that ends the thread.
            Op::Exit => self.leave(End::Jump(BlockId(1))),
            Op::Trap => {
                let site = self.site(SiteKind::Trap);
                self.leave(End::Fault(site, Arg::I64(0)));
            }
            Op::Fence | Op::Hint => {}
            Op::ClusterWait => {
                let cluster = SuspendKind::Plain(BARRIERS as u8);
                self.suspend(cluster, Vec::new(), Vec::new());
            }
            Op::MapToBlock => {
                let address = self.source(scope, 1);
                self.write(scope, address);
            }
            Op::BlockRank => self.write(scope, Arg::I32(0)),
            Op::Barrier | Op::BarrierArrive | Op::BarrierReduce => self.barrier(scope)?,
            Op::Shfl | Op::Vote | Op::Match | Op::Mma | Op::Redux | Op::Elect | Op::WarpBarrier => {
                self.collective(scope)?
            }
            Op::LoadMatrix => self.load_matrix(scope),
            Op::StoreMatrix => self.store_matrix(scope),
            Op::TransposeMatrix => self.transpose_matrix(scope),
            Op::CopyAsync => self.copy_async(scope)?,
            Op::CopyBulk => self.copy_bulk(scope)?,
            Op::WarpgroupMultiply => self.multiply_warpgroup(scope)?,
            Op::FragmentLoad => self.load_fragment(scope)?,
            Op::FragmentMultiply => self.multiply_fragments(scope)?,
            Op::FragmentStore => self.store_fragment(scope)?,
            Op::Policy => self.write(scope, Arg::I64(0)),
            Op::MbarrierTest => self.mbarrier_test(scope),
            Op::Activemask => {
                let taken = self.temp(Ty::I32);
                self.suspend(SuspendKind::ActiveMask, Vec::new(), vec![Some(taken)]);
                self.write(scope, Arg::Reg(taken));
            }
            Op::Scalar(op) => self.scalar(scope, op)?,
            Op::CvtPackSat => self.packed(scope),
            Op::Cvt => {
                if !self.convert(scope) {
                    self.by_libcall(scope)?;
                }
            }
            _ => {
                let ty = scope.ty();
                let done = if ty.is_float() {
                    self.float(scope) || self.halves(scope)
                } else {
                    self.integer(scope)
                };
                if !done {
                    self.by_libcall(scope)?;
                }
            }
        }
        Ok(())
    }

    /// Ends the current block; what comes next is reached by a label, or not at all.
    pub(crate) fn leave(&mut self, end: End) {
        let next = self.new_block();
        self.end(end, next);
    }

    /// Waits for others; goes on in a block of its own.
    pub(crate) fn suspend(
        &mut self,
        kind: SuspendKind,
        inputs: Vec<Arg>,
        results: Vec<Option<Reg>>,
    ) {
        let point = self.body.suspend_points.push(SuspendPoint {
            line: self.line,
            kind,
            inputs,
            results,
            in_whole_warps: false,
        });
        let next = self.new_block();
        self.end(End::Suspend(point, next), next);
    }

    fn barrier(&mut self, scope: &FunctionScope<'m>) -> Result<(), Unsupported> {
        let Some(barrier) = BarrierInstruction::of(scope.instruction) else {
            return Err(self.unsupported("this barrier"));
        };
        let id = self.source(scope, barrier.id);
        let BarrierInstruction {
            count,
            waits,
            reduction,
            ..
        } = barrier;
        if let (None, true, None, Some(id @ 0..16)) = (count, waits, reduction, id.bits()) {
            self.suspend(SuspendKind::Plain(id as u8), Vec::new(), Vec::new());
            return Ok(());
        }
        let mut inputs = vec![self.in_64(id)];
        if let Some(count) = count {
            let count = self.source(scope, count);
            inputs.push(self.in_64(count));
        }
        if let Some((_, predicate)) = reduction {
            let predicate = self.condition(scope, predicate);
            inputs.push(self.in_64(predicate));
        }
        let result = reduction.map(|_| self.temp(Ty::I32));
        let kind = SuspendKind::Barrier {
            counted: count.is_some(),
            waits,
            reduction: reduction.map(|(how, _)| how),
        };
        self.suspend(kind, inputs, result.iter().map(|reg| Some(*reg)).collect());
        if let Some(result) = result {
            self.write(scope, Arg::Reg(result));
        }
        Ok(())
    }

    fn collective(&mut self, scope: &FunctionScope<'m>) -> Result<(), Unsupported> {
        let Some(decoded) = WarpInstruction::of(scope.instruction) else {
            return Err(self.unsupported("this operation of a warp"));
        };
        let mask = match decoded.members {
            Members::Mask(mask) => self.source(scope, mask),
            Members::Active => {
                // The threads that come here together.
                let active = self.temp(Ty::I32);
                self.suspend(SuspendKind::ActiveMask, Vec::new(), vec![Some(active)]);
                Arg::Reg(active)
            }
            Members::All => Arg::I32(ALL_LANES),
        };
        let mut inputs = vec![self.in_64(mask)];
        for (operand, value) in decoded.inputs {
            let ty = source_type(scope.instruction, operand);
            let value = self.condition_of(scope, value, ty);
            inputs.push(self.in_64(value));
        }
        let wanted = decoded.results.into_iter();
        let results: Vec<_> = wanted
            .map(|register| {
                let register = scope.register(register?);
                let ty = match self.body.ty(register).bytes() {
                    8 => Ty::I64,
                    _ => Ty::I32,
                };
                Some((register, self.temp(ty)))
            })
            .collect();
        let taken = results.iter().map(|result| result.map(|(_, taken)| taken));
        self.suspend(SuspendKind::Collective(decoded.op), inputs, taken.collect());
        for (register, taken) in results.into_iter().flatten() {
            let value = self.as_ty(Arg::Reg(taken), self.body.ty(register));
            self.write_home(register, value);
        }
        Ok(())
    }
}
