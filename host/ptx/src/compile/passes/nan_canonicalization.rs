//! NaN canonicalization, sunk to where it is observed. (Cranelift's pass of the same name makes each
//! result canonical at once.)
//!
//! WebAssembly's arithmetic gives some NaN; which one, the engine chooses. NVIDIA's hardware gives one
//! in particular. In a chain of operations it matters only whether there is a NaN, so it becomes
//! NVIDIA's where a value is stored, or its bits are observed otherwise. That goes for registers all of
//! whose NaNs come from arithmetic: one that may hold a NaN from elsewhere, which must keep its bits,
//! gets canonical values at once. Functions that take a number apart, and come to the same with any
//! NaN, say so ([`Body::payload_ignored`]).
//!
//! A shuffle takes bits and gives bits, and so do the moves around it. Where all that becomes of a
//! number's bits is to be moved and shuffled and to be a number again, nobody observes them in between.

use crate::compile::analysis::liveness::for_each_end_use;
use crate::compile::ir::entity::EntityMap;
use crate::compile::ir::opcodes::{Meaning, NanBehavior, Opcode};
use crate::compile::ir::{Arg, Body, End, Op, Reg, SuspendKind, SuspendPoint};
use crate::simt::warp::WarpOp;

/// How often a kernel is looked through: what computes on what a later step computes takes one more round
/// for each. Where that is not enough, NaNs are canonicalized at once.
const MOST_ROUNDS: usize = 64;

/// Whether a constant is some NaN.
fn is_nan(arg: Arg) -> bool {
    match arg {
        Arg::F32(bits) => f32::from_bits(bits).is_nan(),
        Arg::F64(bits) => f64::from_bits(bits).is_nan(),
        _ => false,
    }
}

/// Integers that hold the bits of numbers which were computed: they may be moved and shuffled.
fn carriers(body: &Body) -> EntityMap<Reg, bool> {
    let mut carries = EntityMap::for_each(&body.regs, false);
    let ops = || body.blocks.values().flat_map(|block| &block.ops);
    for _ in 0..MOST_ROUNDS {
        let mut changed = false;
        let holds = |arg: Arg, carries: &EntityMap<Reg, bool>| {
            arg.reg().is_some_and(|reg| carries.get(reg) == Some(&true))
        };
        for op in ops() {
            let (target, carried) = match op {
                Op::Unary(Opcode::I32ReinterpretF32, target, Arg::Reg(_)) => {
                    (*target, !body.payload_ignored.contains(target))
                }
                Op::Unary(Opcode::I64ExtendI32U, target, a) | Op::Copy(target, a) => {
                    (*target, holds(*a, &carries))
                }
                Op::Select(target, _, a, b) => {
                    (*target, holds(*a, &carries) || holds(*b, &carries))
                }
                _ => continue,
            };
            changed |= carried && carries.set(target, true);
        }
        for (value, result) in body.suspend_points.values().filter_map(shuffled) {
            changed |= holds(value, &carries) && carries.set(result, true);
        }
        if !changed {
            return carries;
        }
    }
    EntityMap::for_each(&body.regs, false)
}

/// What a shuffle takes, and the register that gets it in another thread.
fn shuffled(point: &SuspendPoint) -> Option<(Arg, Reg)> {
    let is_shuffle = matches!(point.kind, SuspendKind::Collective(WarpOp::Shuffle(_)));
    match (point.inputs.as_slice(), point.results.as_slice()) {
        ([_, value, ..], [Some(result), ..]) if is_shuffle => Some((*value, *result)),
        _ => None,
    }
}

/// Whether a constant holds no NaN's bits.
fn is_no_nan(arg: Arg) -> bool {
    match arg {
        Arg::I32(bits) => !is_nan(Arg::F32(bits)),
        Arg::I64(bits) => u32::try_from(bits).is_ok_and(|bits| !is_nan(Arg::F32(bits))),
        constant => !is_nan(constant),
    }
}

/// Registers whose NaNs all come from arithmetic: they are canonicalized where they are observed.
/// Integers are such only where nothing observes them.
fn deferred(body: &Body) -> EntityMap<Reg, bool> {
    let carriers = carriers(body);
    let mut deferred = EntityMap::from_fn(&body.regs, |reg, ty| {
        ty.is_float() || carriers.get(reg) == Some(&true)
    });
    // What shuffles take and give is what other steps do not write or read.
    let shuffles: Vec<(Arg, Reg)> = body.suspend_points.values().filter_map(shuffled).collect();
    for point in body.suspend_points.values() {
        let result = shuffled(point).map(|(_, result)| result);
        let results = point.results.iter().flatten();
        for reg in results.filter(|reg| Some(**reg) != result) {
            deferred.set(*reg, false);
        }
    }
    let is_float = |reg: Reg| body.regs.get(reg).is_some_and(|ty| ty.is_float());
    for block in body.blocks.values() {
        for_each_end_use(body, &block.end, |reg| {
            let is_shuffled = matches!(block.end, End::Suspend(point, _)
                if body.suspend_points.get(point).is_some_and(|point| is_only_shuffled(point, reg)));
            if !is_float(reg) && !is_shuffled {
                deferred.set(reg, false);
            }
        });
    }
    for _ in 0..MOST_ROUNDS {
        let mut changed = false;
        let holds = |arg: Arg, deferred: &EntityMap<Reg, bool>| match arg {
            Arg::Reg(reg) => deferred.get(reg) == Some(&true),
            constant => is_no_nan(constant),
        };
        for op in body.blocks.values().flat_map(|block| &block.ops) {
            let fits = match op {
                Op::CanonicalizeNan(..) | Op::Fma(..) => true,
                Op::Unary(opcode, _, a)
                    if opcode.nan() == NanBehavior::KeepsCanonical || moves_bits(*opcode) =>
                {
                    holds(*a, &deferred)
                }
                Op::Copy(_, a) | Op::FlushSubnormal(_, a) => holds(*a, &deferred),
                Op::Unary(opcode, ..) | Op::Binary(opcode, ..) => {
                    opcode.nan() == NanBehavior::Arithmetic
                }
                Op::Select(_, _, a, b) => holds(*a, &deferred) && holds(*b, &deferred),
                _ => false,
            };
            if !fits {
                for target in op.targets() {
                    changed |= deferred.set(*target, false);
                }
            }
            // An integer that a step observes must be canonical: so must be what it comes from.
            let target = op.targets().first();
            let is_target = target.is_some_and(|target| deferred.get(*target) == Some(&true));
            let moves = match op {
                Op::Copy(..) | Op::Select(..) => is_target,
                Op::Unary(opcode, ..) => is_target && moves_bits(*opcode),
                _ => false,
            };
            let condition = match op {
                Op::Select(_, condition, ..) => Some(*condition),
                _ => None,
            };
            op.each_arg(|arg| {
                if let Arg::Reg(reg) = arg
                    && !is_float(reg)
                    && (!moves || condition == Some(arg))
                {
                    changed |= deferred.set(reg, false);
                }
            });
        }
        for (value, result) in &shuffles {
            if !holds(*value, &deferred) {
                changed |= deferred.set(*result, false);
            }
            if let (Arg::Reg(value), false) = (*value, deferred.get(*result) == Some(&true)) {
                changed |= deferred.set(value, false);
            }
        }
        if !changed {
            return deferred;
        }
    }
    EntityMap::for_each(&body.regs, false)
}

/// Whether a step's result has the bits of its operand, as far as a number of 32 bits has any.
fn moves_bits(opcode: Opcode) -> bool {
    let is_of_32_bits = opcode.operand().bytes() == 4;
    opcode.is_reinterpretation() && is_of_32_bits || opcode.meaning() == Meaning::ExtendU
}

/// Whether a suspend point takes a register as what it shuffles, and as nothing else.
fn is_only_shuffled(point: &SuspendPoint, reg: Reg) -> bool {
    let uses = point.inputs.iter().filter(|arg| **arg == Arg::Reg(reg));
    shuffled(point).is_some_and(|(value, _)| value == Arg::Reg(reg)) && uses.count() == 1
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
                Op::Unary(opcode, target, _)
                    if opcode.nan() == NanBehavior::KeepsCanonical || moves_bits(*opcode) =>
                {
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
