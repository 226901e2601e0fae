//! NaNs become the one that NVIDIA's hardware gives where that can be seen, and not before.
//!
//! An arithmetic operation gives some NaN, which one is the engine's affair. In a chain of them only
//! whether there is one matters, so the looking waits until a value is stored, or its bits are taken
//! for something else. Registers that hold values from elsewhere, which must not change, are left
//! out: what goes into them is looked at at once. Functions that take numbers apart, and come to the
//! same with any NaN, say so ([`Body::blind`]).

use crate::compile::ir::opcodes::Opcode;
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
fn lazy(body: &Body) -> Vec<bool> {
    let mut lazy: Vec<bool> = body.regs.iter().map(|ty| ty.is_float()).collect();
    loop {
        let mut changed = false;
        for op in body.blocks.iter().flat_map(|block| &block.ops) {
            let holds = |arg: Arg, lazy: &[bool]| match arg {
                Arg::Reg(reg) => lazy.get(reg.0 as usize) == Some(&true),
                constant => !is_nan(constant),
            };
            let fits = match op {
                Op::CanonicalizeNan(..) | Op::Fma(..) => true,
                // The one NaN of singles has no sign to lose.
                Op::Unary(Opcode::F32Abs, _, a) | Op::Copy(_, a) | Op::FlushSubnormal(_, a) => {
                    holds(*a, &lazy)
                }
                Op::Unary(code, ..) | Op::Binary(code, ..) => code.is_float_arithmetic(),
                Op::Select(_, _, a, b) => holds(*a, &lazy) && holds(*b, &lazy),
                _ => false,
            };
            if fits {
                continue;
            }
            for target in op.targets() {
                if let Some(place) = lazy.get_mut(target.0 as usize).filter(|lazy| **lazy) {
                    *place = false;
                    changed = true;
                }
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
    let is_lazy = |reg: Reg| lazy.get(reg.0 as usize) == Some(&true);
    for number in 0..body.blocks.len() {
        let Some(block) = body.blocks.get_mut(number) else {
            continue;
        };
        let ops = std::mem::take(&mut block.ops);
        let mut rewritten = Vec::with_capacity(ops.len());
        for mut op in ops {
            let passes = match &op {
                Op::CanonicalizeNan(target, a) if is_lazy(*target) => {
                    rewritten.push(Op::Copy(*target, *a));
                    continue;
                }
                Op::Unary(_, target, _) if body.blind.contains(target) => true,
                Op::Unary(Opcode::F32Abs, target, _) => is_lazy(*target),
                Op::Unary(code, ..) | Op::Binary(code, ..) => code.ignores_payload(),
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
                            let ty = body.regs.get(reg.0 as usize).copied();
                            body.regs.push(ty.unwrap_or(crate::compile::ir::Ty::F32));
                            let to = u32::try_from(body.regs.len() - 1).unwrap_or(u32::MAX);
                            seen.push((reg, Reg(to)));
                            Reg(to)
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
        if let Some(block) = body.blocks.get_mut(number) {
            block.ops = rewritten;
        }
    }
}
