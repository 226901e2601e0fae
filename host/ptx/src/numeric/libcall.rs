//! Libcalls: what the compiler has no code for, its kernels call by number. Each is one of the
//! interpreter's operations on registers.

use crate::numeric::alu;
use crate::numeric::eval::{Eval, Flags, VideoOperands};
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::table::Op;
use crate::syntax::tree::Instruction;
use crate::syntax::types::Type;

/// An operation on registers with its flags.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Libcall {
    key: LibcallKey,
    eval: Eval,
    flags: Flags,
}

/// What a libcall is told apart by: those with the same key compute the same. Pointers to functions
/// would not do, since equal functions may have one address or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum LibcallKey {
    /// What an instruction computes, and how many bits the register has that it writes.
    Instruction(Op, Modifiers, VideoOperands, Option<u32>),
    /// What an atomic operation of a type computes.
    Atomic(Modifier, Type, Flags),
}

impl Libcall {
    /// The operation of an instruction that writes a register of so many bits; `None` where it is
    /// not one on registers alone.
    pub(crate) fn of(instruction: &Instruction, register_bits: Option<u32>) -> Option<Libcall> {
        let (op, modifiers) = (instruction.row.op, &instruction.modifiers);
        let mut flags = Flags::of_instruction(instruction);
        if let Some(bits) = register_bits {
            flags.register_bits = bits;
        }
        let eval = alu::select(op, modifiers)?;
        Some(Libcall {
            key: LibcallKey::Instruction(op, *modifiers, flags.video, register_bits),
            eval,
            flags,
        })
    }

    /// What an atomic operation makes of the old value and its operand.
    pub(crate) fn of_atomic(word: Modifier, ty: Type, modifiers: &Modifiers) -> Option<Libcall> {
        let mut flags = Flags::of(modifiers);
        flags.ftz = false;
        let function = alu::combination(word, ty)?;
        Some(Libcall {
            key: LibcallKey::Atomic(word, ty, flags),
            eval: Eval::Two(function),
            flags,
        })
    }

    pub(crate) fn key(&self) -> LibcallKey {
        self.key
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
