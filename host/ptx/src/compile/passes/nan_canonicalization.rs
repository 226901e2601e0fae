//! NaN canonicalization, sunk to where it is observed. (Cranelift's pass of the same name makes each
//! result canonical at once.)
//!
//! WebAssembly's arithmetic gives some NaN; which one, the engine chooses. NVIDIA's hardware gives one
//! in particular. In a chain of operations it matters only whether there is a NaN, so it becomes
//! NVIDIA's where a value is stored, or its bits are observed otherwise. That goes for registers all of
//! whose NaNs come from arithmetic: one that may hold a NaN from elsewhere, which must keep its bits,
//! gets canonical values at once. Functions that take a number apart, and come to the same with any
//! NaN, say so ([`Body::payload_ignored`]).

use crate::compile::ir::entity::EntityMap;
use crate::compile::ir::opcodes::NanBehavior;
use crate::compile::ir::{Arg, Body, Op, Reg};

/// Whether a constant is some NaN.
fn is_nan(arg: Arg) -> bool {
    match arg {
        Arg::F32(bits) => f32::from_bits(bits).is_nan(),
        Arg::F64(bits) => f64::from_bits(bits).is_nan(),
        _ => false,
    }
}

/// Registers whose NaNs all come from arithmetic: they are canonicalized where they are observed.
fn deferred(body: &Body) -> EntityMap<Reg, bool> {
    let mut deferred = EntityMap::from_fn(&body.regs, |_, ty| ty.is_float());
    loop {
        let mut changed = false;
        for op in body.blocks.values().flat_map(|block| &block.ops) {
            let holds = |arg: Arg, deferred: &EntityMap<Reg, bool>| match arg {
                Arg::Reg(reg) => deferred.get(reg) == Some(&true),
                constant => !is_nan(constant),
            };
            let fits = match op {
                Op::CanonicalizeNan(..) | Op::Fma(..) => true,
                Op::Unary(opcode, _, a) if opcode.nan() == NanBehavior::KeepsCanonical => {
                    holds(*a, &deferred)
                }
                Op::Copy(_, a) | Op::FlushSubnormal(_, a) => holds(*a, &deferred),
                Op::Unary(opcode, ..) | Op::Binary(opcode, ..) => {
                    opcode.nan() == NanBehavior::Arithmetic
                }
                Op::Select(_, _, a, b) => holds(*a, &deferred) && holds(*b, &deferred),
                _ => false,
            };
            if fits {
                continue;
            }
            for target in op.targets() {
                changed |= deferred.set(*target, false);
            }
        }
        if !changed {
            return deferred;
        }
    }
}

/// Moves canonicalization to where values are observed.
pub(crate) fn run(body: &mut Body) {
    let deferred = deferred(body);
    let is_deferred = |reg: Reg| deferred.get(reg) == Some(&true);
    let (blocks, regs) = (&mut body.blocks, &mut body.regs);
    for block in blocks.values_mut() {
        let ops = std::mem::take(&mut block.ops);
        let mut rewritten = Vec::with_capacity(ops.len());
        for mut op in ops {
            // Whether it makes no difference to the step which NaN an operand is.
            let ignores_payload = match &op {
                Op::CanonicalizeNan(target, a) if is_deferred(*target) => {
                    rewritten.push(Op::Copy(*target, *a));
                    continue;
                }
                Op::Unary(_, target, _) if body.payload_ignored.contains(target) => true,
                Op::Unary(opcode, target, _) if opcode.nan() == NanBehavior::KeepsCanonical => {
                    is_deferred(*target)
                }
                Op::Unary(opcode, ..) | Op::Binary(opcode, ..) => opcode.ignores_nan_payload(),
                Op::Copy(target, _) | Op::Select(target, ..) | Op::FlushSubnormal(target, _) => {
                    is_deferred(*target)
                }
                Op::CanonicalizeNan(..) | Op::Fma(..) => true,
                _ => false,
            };
            if !ignores_payload {
                let mut canonical: Vec<(Reg, Reg)> = Vec::new();
                op.each_arg_mut(|arg| {
                    let Arg::Reg(reg) = *arg else {
                        return;
                    };
                    if !is_deferred(reg) {
                        return;
                    }
                    let known = canonical.iter().find(|(from, _)| *from == reg);
                    let to = match known {
                        Some((_, to)) => *to,
                        None => {
                            let Some(ty) = regs.get(reg).copied() else {
                                return;
                            };
                            let to = regs.push(ty);
                            canonical.push((reg, to));
                            to
                        }
                    };
                    *arg = Arg::Reg(to);
                });
                rewritten.extend(
                    canonical
                        .into_iter()
                        .map(|(from, to)| Op::CanonicalizeNan(to, Arg::Reg(from))),
                );
            }
            rewritten.push(op);
        }
        block.ops = rewritten;
    }
}
