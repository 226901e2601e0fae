//! An operation on registers as the interpreter and libcalls carry it out: a plain function
//! ([`Eval`]), and what the instruction's modifiers say to it ([`Flags`]).
//!
//! Values travel as the low bits of a `u64`, with zeros above; a predicate is 0 or 1.

use std::cmp::Ordering;

use crate::numeric::soft_float::Round;
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::tree::{Instruction, Operand, Part};
use crate::syntax::types::Type;

/// What an operation's modifiers say, as far as its function is not chosen by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Flags {
    /// Subnormal operands and results become zero.
    pub ftz: bool,
    /// The result is clamped: to the type's range, or to 0 to 1.
    pub sat: bool,
    /// Negative results become zero, and NaN the one NaN.
    pub relu: bool,
    /// Results that would be infinite become the largest number.
    pub satfinite: bool,
    /// `min` and `max` compare magnitudes; the result's sign is the product of the signs.
    pub xorsign: bool,
    /// A NaN among the operands of `min` and `max` is the result.
    pub nan: bool,
    pub round: Round,
    /// Which outcomes of a comparison count as true: bit 0 less, 1 equal, 2 greater, 3 unordered.
    pub accepted: u8,
    /// What a conversion makes, and from what.
    pub to: Type,
    pub from: Type,
    /// The type of a second operand, where that is a matter of its own.
    pub third: Type,
    /// What a video instruction does with its result and a further operand: `.add`, `.min`, `.max`.
    pub secondary: Option<Modifier>,
    /// What a video instruction takes of its operands.
    pub video: VideoOperands,
    /// The size of the register that a conversion writes.
    pub register_bits: u32,
    /// The operation's other choice, such as a half, a direction or a mode.
    pub variant: Option<Modifier>,
}

/// Which parts of registers a video instruction means, and what it negates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct VideoOperands {
    /// Of the result: the part that is merged into the last operand.
    pub result: Part,
    pub a: Part,
    pub b: Part,
    /// Of `vmad`: the product, or what is added to it, is negated; or one is added.
    pub negates_product: bool,
    pub negates_addend: bool,
    pub plus_one: bool,
}

impl VideoOperands {
    fn of(instruction: &Instruction) -> VideoOperands {
        let operand = |index: usize| match instruction.operands.get(index) {
            Some(Operand::Part(found)) => (found.part, found.negated),
            _ => (Part::Word, false),
        };
        let [result, a, b, c] = [0, 1, 2, 3].map(operand);
        VideoOperands {
            result: result.0,
            a: a.0,
            b: b.0,
            negates_product: a.1 != b.1,
            negates_addend: c.1,
            plus_one: instruction.modifiers.has(Modifier::PlusOne),
        }
    }
}

impl Flags {
    /// What an instruction says by its modifiers and by how its operands are written.
    pub(crate) fn of_instruction(instruction: &Instruction) -> Flags {
        Flags {
            video: VideoOperands::of(instruction),
            ..Flags::of(&instruction.modifiers)
        }
    }

    pub(crate) fn of(modifiers: &Modifiers) -> Flags {
        use Modifier::{
            B4e, Clamp, Ecl, Ecr, F4e, Finite, Hi, Infinite, Lo, Normal, Notanumber, Number, Rc8,
            Rc16, Shiftamt, Shr7, Shr15, Subnormal, Wide, Wrap,
        };
        let round = modifiers.as_slice().iter().find_map(|word| match word {
            Modifier::Rz | Modifier::Rzi => Some(Round::Zero),
            Modifier::Rm | Modifier::Rmi => Some(Round::Down),
            Modifier::Rp | Modifier::Rpi => Some(Round::Up),
            Modifier::Rna => Some(Round::Away),
            _ => None,
        });
        let variants = [
            Hi, Lo, Wide, Wrap, Clamp, Shiftamt, F4e, B4e, Rc8, Ecl, Ecr, Rc16, Finite, Infinite,
            Number, Notanumber, Normal, Subnormal, Shr7, Shr15,
        ];
        let variant = modifiers
            .as_slice()
            .iter()
            .find(|word| variants.contains(word));
        Flags {
            ftz: modifiers.has(Modifier::Ftz),
            sat: modifiers.has(Modifier::Sat),
            relu: modifiers.has(Modifier::Relu),
            satfinite: modifiers.has(Modifier::Satfinite),
            xorsign: modifiers.has(Modifier::Xorsign),
            nan: modifiers.has(Modifier::Nan),
            round: round.unwrap_or(Round::Nearest),
            accepted: accepted(modifiers),
            to: modifiers.ty(),
            from: modifiers.second_ty(),
            third: modifiers.third_ty(),
            secondary: [Modifier::Add, Modifier::Min, Modifier::Max]
                .into_iter()
                .find(|word| modifiers.has(*word)),
            video: VideoOperands::default(),
            register_bits: modifiers.ty().bits(),
            variant: variant.copied(),
        }
    }

    pub(crate) fn is(&self, variant: Modifier) -> bool {
        self.variant == Some(variant)
    }

    /// Whether this outcome of a comparison counts as true. `None` is unordered.
    pub(crate) fn accepts(&self, outcome: Option<Ordering>) -> u64 {
        let bit = match outcome {
            Some(Ordering::Less) => 0,
            Some(Ordering::Equal) => 1,
            Some(Ordering::Greater) => 2,
            None => 3,
        };
        u64::from(self.accepted >> bit) & 1
    }
}

/// The outcomes that a comparison accepts.
fn accepted(modifiers: &Modifiers) -> u8 {
    use Modifier::{
        Eq, Equ, Ge, Geu, Gt, Gtu, Hi, Hs, IsNan, Le, Leu, Lo, Ls, Lt, Ltu, Ne, Neu, Num,
    };
    let mask = modifiers.as_slice().iter().find_map(|word| match word {
        Lt | Lo => Some(0b0001),
        Eq => Some(0b0010),
        Le | Ls => Some(0b0011),
        Gt | Hi => Some(0b0100),
        Ne => Some(0b0101),
        Ge | Hs => Some(0b0110),
        Num => Some(0b0111),
        IsNan => Some(0b1000),
        Ltu => Some(0b1001),
        Equ => Some(0b1010),
        Leu => Some(0b1011),
        Gtu => Some(0b1100),
        Neu => Some(0b1101),
        Geu => Some(0b1110),
        _ => None,
    });
    mask.unwrap_or(0)
}

/// An operation, by the number of its operands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Eval {
    One(fn(u64, Flags) -> u64),
    Two(fn(u64, u64, Flags) -> u64),
    Three(fn(u64, u64, u64, Flags) -> u64),
    Four(fn(u64, u64, u64, u64, Flags) -> u64),
}
