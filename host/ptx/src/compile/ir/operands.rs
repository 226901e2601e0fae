//! The registers that a step writes, and the operands that it reads.

use crate::compile::ir::{AccessAddress, Arg, MatrixRows, Op, Reg};

impl Op {
    /// The registers that it writes.
    pub(crate) fn targets(&self) -> &[Reg] {
        match self {
            Op::Copy(target, _)
            | Op::Unary(_, target, _)
            | Op::Binary(_, target, ..)
            | Op::Select(target, ..)
            | Op::Fma(target, ..)
            | Op::CanonicalizeNan(target, _)
            | Op::FlushSubnormal(target, _)
            | Op::Special(target, _)
            | Op::Libcall { target, .. }
            | Op::Builtin { target, .. } => std::slice::from_ref(target),
            Op::Load { targets, .. } | Op::Collective { targets, .. } => targets,
            Op::LoadMatrix(MatrixRows { targets, .. }) => targets,
            Op::Atomic { target, .. } => target.as_slice(),
            Op::Store { .. } | Op::CopyAsync(_) | Op::Line(_) => &[],
        }
    }

    /// Calls a function with each operand.
    pub(crate) fn each_arg(&self, mut f: impl FnMut(Arg)) {
        match self {
            Op::Copy(_, a)
            | Op::Unary(_, _, a)
            | Op::CanonicalizeNan(_, a)
            | Op::FlushSubnormal(_, a) => f(*a),
            Op::Binary(_, _, a, b) => {
                f(*a);
                f(*b);
            }
            Op::Select(_, a, b, c) | Op::Fma(_, a, b, c) => {
                f(*a);
                f(*b);
                f(*c);
            }
            Op::Special(..) | Op::Line(_) => {}
            Op::Libcall { args, .. }
            | Op::Builtin { args, .. }
            | Op::Collective { inputs: args, .. } => args.iter().copied().for_each(f),
            Op::Load { place, .. } => f(place.base),
            Op::LoadMatrix(load) => f(load.rows.base),
            Op::CopyAsync(copy) => {
                f(copy.from.base);
                f(copy.to.base);
                copy.copied.into_iter().for_each(f);
            }
            Op::Store { place, values, .. } => {
                f(place.base);
                values.iter().copied().for_each(f);
            }
            Op::Atomic { place, b, c, .. } => {
                f(place.base);
                f(*b);
                f(*c);
            }
        }
    }

    /// Calls a function with each operand, which it may change.
    pub(crate) fn each_arg_mut(&mut self, mut f: impl FnMut(&mut Arg)) {
        match self {
            Op::Copy(_, a)
            | Op::Unary(_, _, a)
            | Op::CanonicalizeNan(_, a)
            | Op::FlushSubnormal(_, a) => f(a),
            Op::Binary(_, _, a, b) => {
                f(a);
                f(b);
            }
            Op::Select(_, a, b, c) | Op::Fma(_, a, b, c) => {
                f(a);
                f(b);
                f(c);
            }
            Op::Special(..) | Op::Line(_) => {}
            Op::Libcall { args, .. }
            | Op::Builtin { args, .. }
            | Op::Collective { inputs: args, .. } => args.iter_mut().for_each(f),
            Op::Load { place, .. } => f(&mut place.base),
            Op::LoadMatrix(load) => f(&mut load.rows.base),
            Op::CopyAsync(copy) => {
                f(&mut copy.from.base);
                f(&mut copy.to.base);
                copy.copied.iter_mut().for_each(f);
            }
            Op::Store { place, values, .. } => {
                f(&mut place.base);
                values.iter_mut().for_each(f);
            }
            Op::Atomic { place, b, c, .. } => {
                f(&mut place.base);
                f(b);
                f(c);
            }
        }
    }

    /// The accesses of memory that it makes.
    pub(crate) fn places(&self) -> Vec<AccessAddress> {
        match self {
            Op::Load { place, .. } | Op::Store { place, .. } | Op::Atomic { place, .. } => {
                vec![*place]
            }
            Op::LoadMatrix(load) => vec![load.rows],
            Op::CopyAsync(copy) => {
                let [from, to] = copy.byte_places();
                vec![copy.from, copy.to, from, to]
            }
            _ => Vec::new(),
        }
    }
}
