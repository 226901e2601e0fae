//! The IR verifier: what must hold of a kernel's IR after every pass, whatever its PTX says. What it
//! finds is a mistake of the compiler.
//!
//! [`references`] runs before code is written, in every build: each entity that the IR names exists, so
//! code generation finds what it looks up. [`verify`] also holds types and definitions; it runs after
//! each pass where assertions are on.

use std::fmt;

use rustc_hash::FxHashSet as HashSet;

use crate::compile::Unsupported;
use crate::compile::analysis::liveness;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{
    AccessAddress, Arg, AtomicOp, BlockId, Body, End, Op, Reg, SiteId, SiteKind, Space,
    SpecialValue, Ty,
};
use crate::simt::builtin_functions::MOST_ARGUMENTS;

/// What does not hold, and in which block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VerifierError {
    pub block: BlockId,
    pub what: String,
}

impl fmt::Display for VerifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.block, self.what)
    }
}

impl From<VerifierError> for Unsupported {
    fn from(error: VerifierError) -> Unsupported {
        Unsupported::internal(error.to_string())
    }
}

/// Everything that must hold.
///
/// # Errors
/// The first thing that does not.
pub(crate) fn verify(body: &Body) -> Result<(), VerifierError> {
    references(body)?;
    for (block, contents) in body.blocks.iter() {
        let verifier = Verifier { body, block };
        for op in &contents.ops {
            verifier.op_types(op)?;
        }
        verifier.end_types(&contents.end)?;
    }
    definitions(body)
}

/// Whether everything exists that the IR names, and each suspend point ends one block.
///
/// # Errors
/// The first thing that is missing.
pub(crate) fn references(body: &Body) -> Result<(), VerifierError> {
    if body.blocks.is_empty() {
        let what = "no block to begin at".to_owned();
        let block = BlockId::ENTRY;
        return Err(VerifierError { block, what });
    }
    let mut suspended_at = HashSet::default();
    for (block, contents) in body.blocks.iter() {
        let verifier = Verifier { body, block };
        for op in &contents.ops {
            verifier.op_references(op)?;
        }
        verifier.end_references(&contents.end)?;
        if let End::Suspend(point, _) = contents.end
            && !suspended_at.insert(point)
        {
            return verifier.wrong(format!("{point} ends more than one block"));
        }
    }
    Ok(())
}

/// Whether each register is written before it is read, on every path. Those that the PTX declares begin
/// as zeros; those that the compiler made do not.
fn definitions(body: &Body) -> Result<(), VerifierError> {
    // A kernel for which this takes too much memory is refused by the pipeline anyway.
    let Ok(liveness) = liveness::analyze(body) else {
        return Ok(());
    };
    let read = liveness.at(BlockId::ENTRY);
    let block = BlockId::ENTRY;
    match read.iter().find(|reg| !body.declared.contains(reg)) {
        Some(reg) => {
            Verifier { body, block }.wrong(format!("{reg} may be read before it is written"))
        }
        None => Ok(()),
    }
}

struct Verifier<'k> {
    body: &'k Body,
    block: BlockId,
}

type Verified = Result<(), VerifierError>;

impl Verifier<'_> {
    fn wrong(&self, what: String) -> Verified {
        Err(VerifierError {
            block: self.block,
            what,
        })
    }

    fn must(&self, holds: bool, what: impl FnOnce() -> String) -> Verified {
        if holds { Ok(()) } else { self.wrong(what()) }
    }

    fn reg_exists(&self, reg: Reg) -> Verified {
        self.must(self.body.regs.contains(reg), || {
            format!("{reg} does not exist")
        })
    }

    fn arg_exists(&self, arg: Arg) -> Verified {
        arg.reg().map_or(Ok(()), |reg| self.reg_exists(reg))
    }

    fn block_exists(&self, block: BlockId) -> Verified {
        self.must(self.body.blocks.contains(block), || {
            format!("{block} does not exist")
        })
    }

    fn site_exists(&self, site: SiteId) -> Verified {
        self.must(self.body.sites.contains(site), || {
            format!("{site} does not exist")
        })
    }

    fn op_references(&self, op: &Op) -> Verified {
        for target in op.targets() {
            self.reg_exists(*target)?;
        }
        let mut args = Ok(());
        op.each_arg(|arg| {
            if args.is_ok() {
                args = self.arg_exists(arg);
            }
        });
        args?;
        for place in op.places() {
            self.site_exists(place.site)?;
        }
        if let Op::LoadMatrix(load) = op {
            self.site_exists(load.misaligned)?;
            self.site_exists(load.element)?;
        }
        if let Op::Builtin { site, .. } = op {
            self.site_exists(*site)?;
        }
        let (Op::Libcall { libcall, .. }
        | Op::Atomic {
            change: AtomicOp::Libcall(libcall),
            ..
        }) = op
        else {
            return Ok(());
        };
        self.must(self.body.libcalls.contains(*libcall), || {
            format!("{libcall} does not exist")
        })
    }

    fn end_references(&self, end: &End) -> Verified {
        for next in end.successors() {
            self.block_exists(next)?;
        }
        match end {
            End::Branch(arg, ..) => self.arg_exists(*arg),
            End::Table(arg, _, site) | End::Fault(site, arg) => {
                self.arg_exists(*arg)?;
                self.site_exists(*site)
            }
            End::Suspend(id, _) => {
                let Some(point) = self.body.suspend_points.get(*id) else {
                    return self.wrong(format!("{id} does not exist"));
                };
                point
                    .inputs
                    .iter()
                    .try_for_each(|arg| self.arg_exists(*arg))?;
                let mut results = point.results.iter().flatten();
                results.try_for_each(|reg| self.reg_exists(*reg))
            }
            End::Jump(_) | End::WholeWarp(..) | End::Reconverge(_) | End::Exit | End::Nowhere => {
                Ok(())
            }
        }
    }

    fn has_type(&self, arg: Arg, ty: Ty, what: &str) -> Verified {
        let found = self.body.arg_ty(arg);
        self.must(found == ty, || format!("{what} {arg} is {found}, not {ty}"))
    }

    fn target_has_type(&self, reg: Reg, ty: Ty) -> Verified {
        self.has_type(Arg::Reg(reg), ty, "the result")
    }

    fn operation(&self, opcode: Opcode, target: Reg, args: &[Arg]) -> Verified {
        self.must(args.len() == opcode.arity(), || {
            let (has, takes) = (args.len(), opcode.arity());
            format!("{opcode} has {has} operands, and takes {takes}")
        })?;
        // Translation guards divisors that are not constants.
        let divisor = args.last().and_then(|arg| arg.bits());
        self.must(!opcode.may_trap() || divisor != Some(0), || {
            format!("{opcode} divides by zero")
        })?;
        self.target_has_type(target, opcode.result())?;
        for arg in args {
            self.has_type(*arg, opcode.operand(), &format!("the operand of {opcode}"))?;
        }
        Ok(())
    }

    fn op_types(&self, op: &Op) -> Verified {
        match op {
            Op::Line(_) => Ok(()),
            Op::Copy(target, a) => self.has_type(*a, self.body.ty(*target), "the copied"),
            Op::Unary(opcode, target, a) => self.operation(*opcode, *target, &[*a]),
            Op::Binary(opcode, target, a, b) => self.operation(*opcode, *target, &[*a, *b]),
            Op::Select(target, condition, a, b) => {
                let ty = self.body.ty(*target);
                self.has_type(*condition, Ty::I32, "the condition")?;
                self.has_type(*a, ty, "the selected")?;
                self.has_type(*b, ty, "the selected")
            }
            Op::Fma(target, a, b, c) => {
                let ty = self.body.ty(*target);
                self.must(ty.is_float(), || format!("{target} of fma is {ty}"))?;
                [a, b, c]
                    .into_iter()
                    .try_for_each(|arg| self.has_type(*arg, ty, "the operand of fma"))
            }
            Op::CanonicalizeNan(target, a) => {
                let ty = self.body.ty(*target);
                self.must(ty.is_float(), || format!("{target} is {ty}"))?;
                self.has_type(*a, ty, "the canonicalized")
            }
            Op::FlushSubnormal(target, a) => {
                self.target_has_type(*target, Ty::F32)?;
                self.has_type(*a, Ty::F32, "the flushed")
            }
            Op::Special(target, value) => {
                let ty = match value {
                    SpecialValue::Tid(_) | SpecialValue::Thread | SpecialValue::LaunchPart(..) => {
                        Ty::I32
                    }
                    SpecialValue::Launch(_, ty) => *ty,
                    SpecialValue::Clock => Ty::I64,
                };
                self.target_has_type(*target, ty)
            }
            Op::Libcall {
                target,
                libcall,
                args,
            } => {
                self.target_has_type(*target, Ty::I64)?;
                let operands = self.body.libcalls.get(*libcall);
                let operands = operands.map(|libcall| libcall.operands());
                self.must(operands == Some(args.len()), || {
                    format!("{libcall} is called with {} operands", args.len())
                })?;
                args.iter()
                    .try_for_each(|arg| self.has_type(*arg, Ty::I64, "the operand of a libcall"))
            }
            Op::Builtin { target, site, args } => {
                self.target_has_type(*target, Ty::I64)?;
                let kind = self.body.sites.get(*site).map(|site| &site.what);
                let is_so = matches!(kind, Some(SiteKind::Builtin(_)));
                self.must(is_so && args.len() <= MOST_ARGUMENTS, || {
                    format!("a call with {} operands is at {site}", args.len())
                })?;
                args.iter()
                    .try_for_each(|arg| self.has_type(*arg, Ty::I64, "the operand of a call"))
            }
            Op::Collective {
                op,
                targets,
                inputs,
            } => {
                let words = (inputs.len(), targets.len());
                self.must(words == (op.inputs(), op.results()), || {
                    let (takes, gives) = words;
                    format!("warp {op} of {takes} operands has {gives} results")
                })?;
                let mut targets = targets.iter();
                targets.try_for_each(|target| self.target_has_type(*target, Ty::I32))?;
                let mut inputs = inputs.iter();
                inputs
                    .try_for_each(|arg| self.has_type(*arg, Ty::I32, "the operand of a collective"))
            }
            Op::CopyAsync(copy) => {
                let words = usize::from(copy.bytes) / 4;
                self.access(&copy.from, 4, words, false)?;
                self.access(&copy.to, 4, words, true)?;
                let [from, to] = copy.byte_places();
                self.access(&from, 1, 1, false)?;
                self.access(&to, 1, 1, true)?;
                copy.copied.map_or(Ok(()), |copied| {
                    self.has_type(copied, Ty::I32, "how much is copied")
                })
            }
            Op::LoadMatrix(load) => {
                self.access(&load.rows, 16, 1, false)?;
                let count = load.targets.len();
                self.must(matches!(count, 1 | 2 | 4), || format!("{count} matrices"))?;
                let mut targets = load.targets.iter();
                targets.try_for_each(|target| self.target_has_type(*target, Ty::I32))
            }
            Op::Load {
                targets,
                place,
                bytes,
                ..
            } => {
                self.access(place, *bytes, targets.len(), false)?;
                targets
                    .iter()
                    .try_for_each(|reg| self.element(self.body.ty(*reg), *bytes))
            }
            Op::Store {
                place,
                bytes,
                values,
                ..
            } => {
                self.access(place, *bytes, values.len(), true)?;
                values
                    .iter()
                    .try_for_each(|value| self.element(self.body.arg_ty(*value), *bytes))
            }
            Op::Atomic {
                target,
                place,
                bytes,
                b,
                c,
                ..
            } => {
                self.access(place, *bytes, 1, true)?;
                let ty = self.body.arg_ty(*b);
                self.element(ty, *bytes)?;
                self.has_type(*c, ty, "the operand of an atomic operation")?;
                target.map_or(Ok(()), |target| self.target_has_type(target, ty))
            }
        }
    }

    /// Whether an access is what its site says, and its address has the type of its space.
    fn access(&self, place: &AccessAddress, size: u8, elements: usize, writes: bool) -> Verified {
        let ty = match place.space {
            Space::Shared | Space::Local => Ty::I32,
            Space::Global | Space::Generic | Space::Argument => Ty::I64,
        };
        self.has_type(place.base, ty, "the address")?;
        let site = self.body.sites.get(place.site).map(|site| &site.what);
        let is_so = match site {
            Some(SiteKind::Access {
                space,
                bytes,
                lanes,
                write,
            }) => {
                *space == place.space
                    && *bytes == u32::from(size)
                    && *lanes as usize == elements
                    && *write == writes
            }
            _ => false,
        };
        let found = site;
        self.must(is_so, || {
            format!(
                "an access of {elements} times {size} bytes is at {}, {found:?}",
                place.site
            )
        })
    }

    /// Whether memory can hold so many bytes of a value.
    fn element(&self, ty: Ty, bytes: u8) -> Verified {
        let fits = match ty {
            Ty::I32 => matches!(bytes, 1 | 2 | 4),
            Ty::I64 => matches!(bytes, 1 | 2 | 4 | 8),
            Ty::F32 => bytes == 4,
            Ty::F64 => bytes == 8,
        };
        self.must(fits, || format!("{bytes} bytes in memory are {ty}"))
    }

    fn end_types(&self, end: &End) -> Verified {
        match end {
            End::Branch(condition, ..) => self.has_type(*condition, Ty::I32, "the condition"),
            End::Table(index, targets, site) => {
                self.has_type(*index, Ty::I32, "the index")?;
                let kind = self.body.sites.get(*site).map(|site| &site.what);
                let labels = u32::try_from(targets.len()).ok();
                let is_so =
                    matches!(kind, Some(SiteKind::Jump { labels: n }) if Some(*n) == labels);
                self.must(is_so, || {
                    format!("a table of {labels:?} labels is at {site}")
                })
            }
            End::Fault(_, value) => self.has_type(*value, Ty::I64, "the number of a fault"),
            End::Suspend(id, _) => {
                let Some(point) = self.body.suspend_points.get(*id) else {
                    return self.wrong(format!("{id} does not exist"));
                };
                let (inputs, results) = (point.inputs.len(), point.results.len());
                let fits = inputs == point.kind.inputs() && results == point.kind.results();
                self.must(fits, || {
                    format!("{id} has {inputs} inputs and {results} results")
                })?;
                for input in &point.inputs {
                    self.has_type(*input, Ty::I64, "what a thread brings")?;
                }
                for reg in point.results.iter().flatten() {
                    let ty = self.body.ty(*reg);
                    self.must(!ty.is_float(), || format!("{reg} of {id} is {ty}"))?;
                }
                Ok(())
            }
            End::WholeWarp(..) => self.must(self.body.whole_warps, || {
                "it is for whole warps, which lane groups are not".to_owned()
            }),
            End::Jump(_) | End::Reconverge(_) | End::Exit | End::Nowhere => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
