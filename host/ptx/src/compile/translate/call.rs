//! Translates calls: functions are inlined, and what is passed to them is copied (PTX ISA, "Control
//! Flow Instructions: call").

use crate::compile::Unsupported;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{Arg, End, Op as IrOp, Reg, SiteKind, Ty};
use crate::compile::translate::{Builder, FunctionScope};
use crate::syntax::builtin_functions::BuiltinFunction;
use crate::syntax::layout::function_address;
use crate::syntax::tree::{CallSite, Callee, Formal, Function, Operand, PointerCall};
use crate::syntax::types::Type;

impl<'m> Builder<'m> {
    pub(crate) fn call(
        &mut self,
        scope: &FunctionScope<'m>,
        site: &CallSite,
    ) -> Result<(), Unsupported> {
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
