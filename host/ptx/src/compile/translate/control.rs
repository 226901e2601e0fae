//! What each instruction becomes; branches, calls, and where threads meet.

use crate::compile::Unsupported;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{
    Arg, BlockId, End, Op as Step, Reg, SiteKind, SuspendKind, SuspendPoint, Ty,
};
use crate::compile::translate::{Builder, Scope, index};
use crate::interpret::WarpOp;
use crate::syntax::builtin_functions::BuiltinFunction;
use crate::syntax::layout;
use crate::syntax::modifier::Modifier;
use crate::syntax::table::Op;
use crate::syntax::tree::{CallSite, Formal, Operand, Symbol};
use crate::syntax::types::{Space as PtxSpace, Type};

/// Whether an instruction does nothing but write registers, so that it may be computed and dropped.
fn is_pure(op: Op) -> bool {
    use Op::*;
    !matches!(
        op,
        Activemask
            | Atom
            | Barrier
            | BarrierArrive
            | BarrierReduce
            | Bra
            | BrxIdx
            | Call
            | Elect
            | Exit
            | Fence
            | Hint
            | Ld
            | Match
            | Red
            | Redux
            | Ret
            | Shfl
            | St
            | Trap
            | Vote
            | WarpBarrier
    )
}

impl<'m> Builder<'m> {
    /// Adds one instruction.
    pub(crate) fn instruction(&mut self, scope: &mut Scope<'m>) -> Result<(), Unsupported> {
        let op = scope.instruction.row.op;
        let guard = scope.instruction.guard.map(|guard| {
            let value = Arg::Reg(scope.register(guard.register));
            (value, guard.negated)
        });
        let Some((value, negated)) = guard else {
            return self.unguarded(scope);
        };
        // A predicated step that only writes registers is computed always and kept if wanted.
        if is_pure(op) {
            let value = if negated {
                self.two(Opcode::I32Xor, value, Arg::I32(1))
            } else {
                // The instruction may write its own guard.
                let copy = self.temp(Ty::I32);
                self.push(Step::Copy(copy, value));
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

    fn unguarded(&mut self, scope: &mut Scope<'m>) -> Result<(), Unsupported> {
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
            Op::Lop3Predicate => {
                if !self.logic(scope) {
                    return Err(self.unsupported("`lop3` by a table that is not known"));
                }
            }
            Op::AddCarry | Op::SubCarry | Op::MadCarry => self.carry(scope),
            Op::Cvta => self.converted_address(scope),
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
            Op::Barrier | Op::BarrierArrive | Op::BarrierReduce => self.barrier(scope),
            Op::Shfl | Op::Vote | Op::Match | Op::Redux | Op::Elect | Op::WarpBarrier => {
                self.together(scope)
            }
            Op::Policy => self.write(scope, Arg::I64(0)),
            Op::Activemask => {
                let taken = self.temp(Ty::I32);
                self.stop(SuspendKind::ActiveMask, Vec::new(), [Some(taken), None]);
                self.write(scope, Arg::Reg(taken));
            }
            Op::CvtPackSat => self.packed(scope),
            Op::Cvt => {
                if !self.convert(scope) {
                    self.by_help(scope)?;
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
                    self.by_help(scope)?;
                }
            }
        }
        Ok(())
    }

    /// Ends the current block; what comes next is reached by a label, or not at all.
    fn leave(&mut self, end: End) {
        let next = self.new_block();
        self.end(end, next);
    }

    fn jump_table(&mut self, scope: &Scope<'m>) -> Result<(), Unsupported> {
        let table = match scope.operand(1) {
            Operand::Labels(table) => scope.function.tables.get(*table as usize),
            _ => None,
        };
        let labels = table
            .map(|table| table.labels.as_slice())
            .unwrap_or_default();
        let targets: Option<Vec<BlockId>> = labels
            .iter()
            .map(|label| self.label(scope, label.0))
            .collect();
        let Some(targets) = targets else {
            return Err(self.unsupported("this list of labels"));
        };
        let place = self.source(scope, 0);
        let site = self.site(SiteKind::Jump {
            labels: index(targets.len()),
        });
        self.leave(End::Table(place, targets, site));
        Ok(())
    }

    /// Waits for others; goes on in a block of its own.
    fn stop(&mut self, kind: SuspendKind, inputs: Vec<Arg>, results: [Option<Reg>; 2]) {
        let stop = self.body.suspend_points.push(SuspendPoint {
            line: self.line,
            kind,
            inputs,
            results,
        });
        let next = self.new_block();
        self.end(End::Suspend(stop, next), next);
    }

    fn barrier(&mut self, scope: &Scope<'m>) {
        let op = scope.instruction.row.op;
        let reduces = op == Op::BarrierReduce;
        let first = usize::from(reduces);
        let last = scope.instruction.operands.len() - usize::from(reduces);
        let id = self.source(scope, first);
        let counted = last > first + 1;
        if let (false, false, Some(id @ 0..16), Op::Barrier) = (counted, reduces, id.bits(), op) {
            self.stop(SuspendKind::Plain(id as u8), Vec::new(), [None, None]);
            return;
        }
        let mut inputs = vec![self.in_64(id)];
        let count = if counted {
            self.source(scope, first + 1)
        } else {
            Arg::I32(0)
        };
        inputs.push(self.in_64(count));
        let reduce = reduces.then(|| {
            let words = [Modifier::Popc, Modifier::And, Modifier::Or];
            let word = words.iter().copied().find(|word| scope.has(*word));
            word.unwrap_or(Modifier::Popc)
        });
        let value = if reduces {
            self.condition(scope, scope.instruction.operands.len() - 1)
        } else {
            Arg::I32(0)
        };
        inputs.push(self.in_64(value));
        let taken = reduces.then(|| self.temp(Ty::I32));
        let kind = SuspendKind::Barrier {
            counted,
            wait: op != Op::BarrierArrive,
            reduce,
        };
        self.stop(kind, inputs, [taken, None]);
        if let Some(taken) = taken {
            self.write(scope, Arg::Reg(taken));
        }
    }

    fn together(&mut self, scope: &Scope<'m>) {
        use Modifier::{Add, All, And, Any, Ballot, Bfly, Down, Idx, Max, Min, Or, Uni, Up, Xor};
        let word = |words: &[Modifier]| words.iter().copied().find(|word| scope.has(*word));
        let op = scope.instruction.row.op;
        let what = match op {
            Op::Shfl => WarpOp::Shuffle(word(&[Up, Down, Bfly, Idx]).unwrap_or(Idx)),
            Op::Vote => WarpOp::Vote(word(&[All, Any, Uni, Ballot]).unwrap_or(All)),
            Op::Match if scope.has(Any) => WarpOp::MatchAny,
            Op::Match => WarpOp::MatchAll,
            Op::Redux => {
                let word = word(&[Add, Min, Max, And, Or, Xor]).unwrap_or(Add);
                WarpOp::Combine(word, scope.ty())
            }
            Op::Elect => WarpOp::Elect,
            _ => WarpOp::Nothing,
        };
        let last = scope.instruction.operands.len() - 1;
        let zero = Arg::I64(0);
        let a = match op {
            Op::WarpBarrier | Op::Elect => zero,
            Op::Vote => {
                let value = self.condition(scope, 1);
                self.in_64(value)
            }
            _ => {
                let value = self.source(scope, 1);
                self.in_64(value)
            }
        };
        let (b, c) = if op == Op::Shfl {
            let (b, c) = (self.source(scope, 2), self.source(scope, 3));
            (self.in_64(b), self.in_64(c))
        } else {
            (zero, zero)
        };
        let mask = self.source(scope, last);
        let mask = self.in_64(mask);
        let taken = (op != Op::WarpBarrier).then(|| self.temp(Ty::I32));
        let second = match scope.operand(0) {
            Operand::Pair(_, Some(register)) if last > 0 => Some(*register),
            _ => None,
        };
        let predicate = second.map(|_| self.temp(Ty::I32));
        self.stop(
            SuspendKind::Warp(what),
            vec![a, b, c, mask],
            [taken, predicate],
        );
        if let Some(taken) = taken {
            self.write(scope, Arg::Reg(taken));
        }
        if let (Some(register), Some(predicate)) = (second, predicate) {
            self.write_home(scope.register(register), Arg::Reg(predicate));
        }
    }

    /// Calls a function by adding its body here.
    fn call(&mut self, scope: &Scope<'m>, site: &CallSite) -> Result<(), Unsupported> {
        let Some(callee) = self.module.functions.get(site.function as usize) else {
            return Err(self.unsupported("a call of what is not there"));
        };
        if BuiltinFunction::of(callee).is_some() {
            return Err(self.unsupported(format!("a call of `{}`", callee.name)));
        }
        let back = self.new_block();
        let frame_base = scope.frame_base + scope.frame.bytes;
        let inner = self.enter(site.function, callee, frame_base, back);
        let callee_frame = layout::frame(callee).unwrap_or_default();
        let formal_type = |formal: &Formal| match formal {
            Formal::Register(register) => callee.register_type(*register),
            Formal::Variable(_) => Type::B64,
        };
        let inside = |formal: &Formal| match formal {
            Formal::Register(register) => Passed::Register(inner.register(*register)),
            Formal::Variable(variable) => Passed::Variable {
                offset: frame_base + at(&callee_frame.offsets, *variable),
                bytes: callee
                    .variables
                    .get(*variable as usize)
                    .map_or(0, |variable| variable.bytes),
            },
        };
        for (formal, actual) in callee.params.iter().zip(&site.arguments) {
            let from = match self.variable(scope, actual) {
                Some(variable) => variable,
                None => Passed::Value(self.read(scope, actual, formal_type(formal))),
            };
            self.pass(from, inside(formal));
        }
        let results: Vec<Passed> = callee.results.iter().map(inside).collect();
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

    /// The variable that an argument or a result is, if it is one.
    fn variable(&self, scope: &Scope<'m>, actual: &Operand) -> Option<Passed> {
        match actual {
            Operand::AddressOf(Symbol::Variable(variable), 0)
                if self.variable_space(scope, *variable) == PtxSpace::Param =>
            {
                let declared = scope.function.variables.get(*variable as usize);
                Some(Passed::Variable {
                    offset: self.frame_offset(scope, *variable),
                    bytes: declared.map_or(0, |variable| variable.bytes),
                })
            }
            _ => None,
        }
    }

    fn pass(&mut self, from: Passed, to: Passed) {
        match (from, to) {
            (Passed::Variable { offset, bytes }, Passed::Variable { offset: target, .. }) => {
                let mut done = 0;
                while done < bytes {
                    let piece = [8, 4, 2, 1].into_iter().find(|piece| {
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
                        self.push(Step::Copy(register, value));
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
        self.push(Step::Load {
            targets: vec![target],
            place,
            bytes: bytes as u8,
            atomic: false,
        });
        target
    }

    fn store_local(&mut self, offset: u32, bytes: u32, value: Arg) {
        let place = self.local_place(offset, bytes, true);
        self.push(Step::Store {
            place,
            bytes: bytes as u8,
            values: vec![value],
            atomic: false,
        });
    }

    fn local_place(&mut self, offset: u32, bytes: u32, write: bool) -> crate::compile::ir::Place {
        let space = crate::compile::ir::Space::Local;
        let site = self.site(SiteKind::Access {
            space,
            bytes,
            lanes: 1,
            write,
        });
        crate::compile::ir::Place {
            space,
            base: Arg::I32(offset),
            offset: 0,
            site,
        }
    }
}

fn at(offsets: &[u32], variable: u32) -> u32 {
    offsets.get(variable as usize).copied().unwrap_or(0)
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
