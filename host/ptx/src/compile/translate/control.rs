//! Translates an instruction with its guard, by its kind; and branches, calls, barriers and warp
//! collectives (PTX ISA, "Control Flow Instructions", "Parallel Synchronization and Communication
//! Instructions").

use crate::compile::Unsupported;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{
    Arg, BlockId, End, Op as IrOp, Reg, SiteKind, SuspendKind, SuspendPoint, Ty,
};
use crate::compile::translate::{Builder, FunctionScope};
use crate::simt::instruction::{BarrierInstruction, Members, WarpInstruction};
use crate::simt::warp::ALL_LANES;
use crate::syntax::builtin_functions::BuiltinFunction;
use crate::syntax::check::source_type;
use crate::syntax::layout::function_address;
use crate::syntax::table::{Effect, Op};
use crate::syntax::tree::{CallSite, Callee, Formal, Function, Operand, PointerCall};
use crate::syntax::types::Type;

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
            Op::Barrier | Op::BarrierArrive | Op::BarrierReduce => self.barrier(scope)?,
            Op::Shfl | Op::Vote | Op::Match | Op::Mma | Op::Redux | Op::Elect | Op::WarpBarrier => {
                self.collective(scope)?
            }
            Op::LoadMatrix => self.load_matrix(scope),
            Op::StoreMatrix => self.store_matrix(scope),
            Op::TransposeMatrix => self.transpose_matrix(scope),
            Op::CopyAsync => self.copy_async(scope)?,
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

    fn call(&mut self, scope: &FunctionScope<'m>, site: &CallSite) -> Result<(), Unsupported> {
        match &site.callee {
            Callee::Function(function) => self.call_function(scope, site, *function),
            Callee::Pointer(call) => self.call_pointer(scope, site, call),
        }
    }

    /// Calls the one of several functions whose address a register holds.
    fn call_pointer(
        &mut self,
        scope: &FunctionScope<'m>,
        site: &CallSite,
        call: &PointerCall,
    ) -> Result<(), Unsupported> {
        let address = self.in_64(Arg::Reg(scope.register(call.register)));
        let behind = self.new_block();
        for function in &call.functions {
            let number = self.module.functions.get(*function as usize);
            let number = number.map_or(u32::MAX, |callee| callee.number);
            let is_it = self.two(Opcode::I64Eq, address, Arg::I64(function_address(number)));
            let (called, other) = (self.new_block(), self.new_block());
            self.end(End::Branch(is_it, called, other), called);
            self.call_function(scope, site, *function)?;
            self.end(End::Jump(behind), other);
            self.check_steps()?;
        }
        let nowhere = self.site(SiteKind::Call);
        self.end(End::Fault(nowhere, address), behind);
        Ok(())
    }

    /// Calls a function by adding its body here.
    fn call_function(
        &mut self,
        scope: &FunctionScope<'m>,
        site: &CallSite,
        function: u32,
    ) -> Result<(), Unsupported> {
        let Some(callee) = self.module.functions.get(function as usize) else {
            return Err(self.unsupported("a call of what is not there"));
        };
        if let Some(builtin) = BuiltinFunction::of(callee) {
            self.builtin(scope, site, callee, builtin);
            return Ok(());
        }
        let back = self.new_block();
        let frame_base = scope.frame_base + scope.frame.bytes;
        let inner = self.enter(function, callee, frame_base, back);
        for (formal, actual) in callee.params.iter().zip(&site.arguments) {
            let from = match self.variable(scope, actual) {
                Some(variable) => variable,
                None => Passed::Value(self.read(scope, actual, formal_type(callee, formal))),
            };
            let to = self.formal(&inner, formal);
            self.pass(from, to);
        }
        let results = callee.results.iter();
        let results: Vec<Passed> = results.map(|formal| self.formal(&inner, formal)).collect();
        self.instructions(inner, callee)?;
        self.line = scope.instruction.at.line;
        for (from, actual) in results.into_iter().zip(&site.results) {
            let to = match (self.variable(scope, actual), actual) {
                (Some(variable), _) => variable,
                (None, Operand::Register(register)) => Passed::Register(scope.register(*register)),
                _ => continue,
            };
            self.pass(from, to);
        }
        Ok(())
    }

    /// Calls a function that the device provides. An assertion that fails does not come back, so
    /// nothing is live behind it.
    fn builtin(
        &mut self,
        scope: &FunctionScope<'m>,
        site: &CallSite,
        callee: &'m Function,
        function: BuiltinFunction,
    ) {
        let mut args = Vec::with_capacity(site.arguments.len());
        for (formal, actual) in callee.params.iter().zip(&site.arguments) {
            let value = match self.variable(scope, actual) {
                Some(Passed::Register(register)) => Arg::Reg(register),
                Some(Passed::Variable { offset, bytes }) => {
                    Arg::Reg(self.load_local(offset, bytes.min(8)))
                }
                Some(Passed::Value(value)) => value,
                None => self.read(scope, actual, formal_type(callee, formal)),
            };
            args.push(self.in_64(value));
        }
        let called = self.site(SiteKind::Builtin(function));
        let target = self.temp(Ty::I64);
        self.push(IrOp::Builtin {
            target,
            site: called,
            args,
        });
        match function {
            BuiltinFunction::AssertFail => self.leave(End::Fault(called, Arg::I64(0))),
            BuiltinFunction::Print => {
                let next = self.new_block();
                self.end(End::Jump(next), next);
                for actual in &site.results {
                    let to = match (self.variable(scope, actual), actual) {
                        (Some(variable), _) => variable,
                        (None, Operand::Register(register)) => {
                            Passed::Register(scope.register(*register))
                        }
                        _ => continue,
                    };
                    self.pass(Passed::Value(Arg::Reg(target)), to);
                }
            }
        }
    }

    /// A parameter or result of a function, as it is inlined at one place.
    fn formal(&self, inner: &FunctionScope<'m>, formal: &Formal) -> Passed {
        match formal {
            Formal::Register(register) => Passed::Register(inner.register(*register)),
            Formal::Variable(variable) => self.param_variable(inner, *variable),
        }
    }

    /// The variable that an argument or a result is, if it is one.
    fn variable(&self, scope: &FunctionScope<'m>, actual: &Operand) -> Option<Passed> {
        let variable = self.variables(scope).passed(actual)?;
        Some(self.param_variable(scope, variable))
    }

    /// A variable by which a call passes something.
    fn param_variable(&self, scope: &FunctionScope<'m>, variable: u32) -> Passed {
        match scope.param_register(variable) {
            Some(register) => Passed::Register(register),
            None => Passed::in_frame(scope, self.variables(scope).in_frame(variable)),
        }
    }

    fn pass(&mut self, from: Passed, to: Passed) {
        match (from, to) {
            (Passed::Variable { offset, bytes }, Passed::Variable { offset: target, .. }) => {
                let mut done = 0;
                while done < bytes {
                    let piece = [8, 4, 2].into_iter().find(|piece| {
                        bytes - done >= *piece
                            && (offset + done) % piece == 0
                            && (target + done) % piece == 0
                    });
                    let piece = piece.unwrap_or(1);
                    let value = self.load_local(offset + done, piece);
                    self.store_local(target + done, piece, Arg::Reg(value));
                    done += piece;
                }
            }
            (from, to) => {
                let value = match from {
                    Passed::Value(value) => value,
                    Passed::Register(register) => Arg::Reg(register),
                    Passed::Variable { offset, bytes } => {
                        Arg::Reg(self.load_local(offset, bytes.min(8)))
                    }
                };
                match to {
                    Passed::Register(register) => {
                        let value = self.as_ty(value, self.body.ty(register));
                        self.push(IrOp::Copy(register, value));
                    }
                    Passed::Variable { offset, bytes } => {
                        let bytes = bytes.min(8);
                        let ty = if bytes == 8 { Ty::I64 } else { Ty::I32 };
                        let value = self.as_ty(value, ty);
                        self.store_local(offset, bytes, value);
                    }
                    Passed::Value(_) => {}
                }
            }
        }
    }

    fn load_local(&mut self, offset: u32, bytes: u32) -> Reg {
        let place = self.local_place(offset, bytes, false);
        let target = self.temp(if bytes == 8 { Ty::I64 } else { Ty::I32 });
        self.push(IrOp::Load {
            targets: vec![target],
            place,
            bytes: bytes as u8,
            atomic: false,
        });
        target
    }

    fn store_local(&mut self, offset: u32, bytes: u32, value: Arg) {
        let place = self.local_place(offset, bytes, true);
        self.push(IrOp::Store {
            place,
            bytes: bytes as u8,
            values: vec![value],
            atomic: false,
        });
    }

    fn local_place(
        &mut self,
        offset: u32,
        bytes: u32,
        write: bool,
    ) -> crate::compile::ir::AccessAddress {
        let space = crate::compile::ir::Space::Local;
        let site = self.site(SiteKind::Access {
            space,
            bytes,
            lanes: 1,
            write,
        });
        crate::compile::ir::AccessAddress {
            space,
            base: Arg::I32(offset),
            offset: 0,
            site,
        }
    }
}

/// The type that an argument is read as.
fn formal_type(callee: &Function, formal: &Formal) -> Type {
    match formal {
        Formal::Register(register) => callee.register_type(*register),
        Formal::Variable(index) => {
            let variable = callee.variables.get(*index as usize);
            match variable.map(|variable| variable.bytes) {
                Some(1) => Type::B8,
                Some(2) => Type::B16,
                Some(4) => Type::B32,
                _ => Type::B64,
            }
        }
    }
}

/// Where a call's argument or result comes from, or goes to.
#[derive(Clone, Copy)]
enum Passed {
    Value(Arg),
    Register(Reg),
    /// At an offset of the thread's local memory.
    Variable {
        offset: u32,
        bytes: u32,
    },
}

impl Passed {
    /// A variable of a function's frame, given by its offset there and its size.
    fn in_frame(scope: &FunctionScope<'_>, (offset, bytes): (u32, u32)) -> Passed {
        let offset = scope.frame_base + offset;
        Passed::Variable { offset, bytes }
    }
}
