//! NaNs become the one that NVIDIA's hardware gives where that can be seen, and not before.
//!
//! An arithmetic operation gives some NaN, which one is the engine's affair. In a chain of them only
//! whether there is one matters, so the looking waits until a value is stored, or its bits are taken
//! for something else. Registers that hold values from elsewhere, which must not change, are left
//! out: what goes into them is looked at at once. Functions that take numbers apart, and come to the
//! same with any NaN, say so ([`Body::blind`]).

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

/// Registers whose NaNs all come from arithmetic.
fn lazy(body: &Body) -> EntityMap<Reg, bool> {
    let mut lazy = EntityMap::from_fn(&body.regs, |_, ty| ty.is_float());
    loop {
        let mut changed = false;
        for op in body.blocks.values().flat_map(|block| &block.ops) {
            let holds = |arg: Arg, lazy: &EntityMap<Reg, bool>| match arg {
                Arg::Reg(reg) => lazy.get(reg) == Some(&true),
                constant => !is_nan(constant),
            };
            let fits = match op {
                Op::CanonicalizeNan(..) | Op::Fma(..) => true,
                Op::Unary(opcode, _, a) if opcode.nan() == NanBehavior::KeepsCanonical => {
                    holds(*a, &lazy)
                }
                Op::Copy(_, a) | Op::FlushSubnormal(_, a) => holds(*a, &lazy),
                Op::Unary(opcode, ..) | Op::Binary(opcode, ..) => {
                    opcode.nan() == NanBehavior::Arithmetic
                }
                Op::Select(_, _, a, b) => holds(*a, &lazy) && holds(*b, &lazy),
                _ => false,
            };
            if fits {
                continue;
            }
            for target in op.targets() {
                changed |= lazy.set(*target, false);
            }
        }
        if !changed {
            return lazy;
        }
    }
}

/// Moves the looking to where values are seen.
pub(crate) fn run(body: &mut Body) {
    let lazy = lazy(body);
    let is_lazy = |reg: Reg| lazy.get(reg) == Some(&true);
    let (blocks, regs) = (&mut body.blocks, &mut body.regs);
    for block in blocks.values_mut() {
        let ops = std::mem::take(&mut block.ops);
        let mut rewritten = Vec::with_capacity(ops.len());
        for mut op in ops {
            let passes = match &op {
                Op::CanonicalizeNan(target, a) if is_lazy(*target) => {
                    rewritten.push(Op::Copy(*target, *a));
                    continue;
                }
                Op::Unary(_, target, _) if body.blind.contains(target) => true,
                Op::Unary(opcode, target, _) if opcode.nan() == NanBehavior::KeepsCanonical => {
                    is_lazy(*target)
                }
                Op::Unary(opcode, ..) | Op::Binary(opcode, ..) => opcode.ignores_nan_payload(),
                Op::Copy(target, _) | Op::Select(target, ..) | Op::FlushSubnormal(target, _) => {
                    is_lazy(*target)
                }
                Op::CanonicalizeNan(..) | Op::Fma(..) => true,
                _ => false,
            };
            if !passes {
                let mut seen: Vec<(Reg, Reg)> = Vec::new();
                op.each_arg_mut(|arg| {
                    let Arg::Reg(reg) = *arg else {
                        return;
                    };
                    if !is_lazy(reg) {
                        return;
                    }
                    let known = seen.iter().find(|(from, _)| *from == reg);
                    let to = match known {
                        Some((_, to)) => *to,
                        None => {
                            let Some(ty) = regs.get(reg).copied() else {
                                return;
                            };
                            let to = regs.push(ty);
                            seen.push((reg, to));
                            to
                        }
                    };
                    *arg = Arg::Reg(to);
                });
                rewritten.extend(
                    seen.into_iter()
                        .map(|(from, to)| Op::CanonicalizeNan(to, Arg::Reg(from))),
                );
            }
            rewritten.push(op);
        }
        block.ops = rewritten;
    }
}
