//! The interpreter's operations on registers, one by one, for the compiler: what it does not emit
//! itself, its kernels ask for by number.

use crate::numeric::alu;
use crate::numeric::eval::{Eval, Flags};
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::table::Op;
use crate::syntax::types::Type;

/// An operation on registers with its flags.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Libcall {
    eval: Eval,
    flags: Flags,
}

impl Libcall {
    /// The operation of an instruction that writes a register of so many bits; `None` where it is
    /// not one on registers alone.
    pub(crate) fn of(op: Op, modifiers: &Modifiers, register_bits: Option<u32>) -> Option<Libcall> {
        let mut flags = Flags::of(modifiers);
        if let Some(bits) = register_bits {
            flags.register_bits = bits;
        }
        let eval = alu::select(op, modifiers)?;
        Some(Libcall { eval, flags })
    }

    /// What an atomic operation makes of the old value and its operand.
    pub(crate) fn of_atomic(word: Modifier, ty: Type, modifiers: &Modifiers) -> Option<Libcall> {
        let mut flags = Flags::of(modifiers);
        flags.ftz = false;
        let function = alu::combination(word, ty)?;
        Some(Libcall {
            eval: Eval::Two(function),
            flags,
        })
    }

    /// How many operands it has.
    pub(crate) fn operands(&self) -> usize {
        match self.eval {
            Eval::One(_) => 1,
            Eval::Two(_) => 2,
            Eval::Three(_) => 3,
            Eval::Four(_) => 4,
        }
    }

    pub(crate) fn call(&self, [a, b, c, d]: [u64; 4]) -> u64 {
        match self.eval {
            Eval::One(function) => function(a, self.flags),
            Eval::Two(function) => function(a, b, self.flags),
            Eval::Three(function) => function(a, b, c, self.flags),
            Eval::Four(function) => function(a, b, c, d, self.flags),
        }
    }
}
