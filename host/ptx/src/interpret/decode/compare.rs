//! Comparisons, carries, and `lop3` with its predicate: what writes more than one register.

use crate::interpret::decode::{Decoder, Scope};
use crate::interpret::program::{Action, Carry, Comparison, Condition, Logic};
use crate::numeric::{Flags, alu};
use crate::syntax::bool_combine::BoolCombine;
use crate::syntax::modifier::Modifier;
use crate::syntax::table::Op;
use crate::syntax::types::Type;

impl<'m> Decoder<'m> {
    pub(crate) fn carry(&mut self, scope: &mut Scope<'m>) -> Action {
        let modifiers = scope.instruction.modifiers;
        let name = scope.instruction.row.name;
        let product = scope.instruction.row.op == Op::MadCarry;
        Action::Carry(Box::new(Carry {
            target: scope.target(0),
            a: self.source(scope, 1),
            b: self.source(scope, 2),
            c: product.then(|| self.source(scope, 3)),
            bits: scope.ty().bits(),
            signed: scope.ty().is_signed(),
            high: modifiers.has(Modifier::Hi),
            subtract: scope.instruction.row.op == Op::SubCarry,
            carry_in: name.ends_with('c'),
            carry_out: modifiers.has(Modifier::Cc),
            flag: scope.carry_flag(),
        }))
    }

    pub(crate) fn comparison(&mut self, scope: &mut Scope<'m>) -> Action {
        let modifiers = scope.instruction.modifiers;
        let op = scope.instruction.row.op;
        let set = matches!(op, Op::Set | Op::SetHalves);
        let halves = matches!(op, Op::SetHalves | Op::SetpHalves);
        let compared = if set {
            modifiers.second_ty()
        } else {
            modifiers.ty()
        };
        let half = match compared {
            Type::F16x2 => Type::F16,
            Type::BF16x2 => Type::BF16,
            other => other,
        };
        let Some(function) = alu::comparison(half) else {
            return Action::Trap;
        };
        let combine = BoolCombine::of(&modifiers);
        let comparison = Box::new(Comparison {
            function,
            flags: Flags::of(&modifiers),
            a: self.source(scope, 1),
            b: self.source(scope, 2),
            combine,
            c: if combine == BoolCombine::None {
                Condition {
                    source: self.value(0),
                    negated: false,
                }
            } else {
                self.condition(scope, 3)
            },
        });
        let target = scope.target(0);
        if set {
            let when_true = match modifiers.ty() {
                Type::F32 => u64::from(1f32.to_bits()),
                Type::F16 | Type::F16x2 => 0x3c00,
                Type::BF16 | Type::BF16x2 => 0x3f80,
                Type::U16 | Type::S16 => 0xffff,
                _ if halves => 0xffff,
                _ => 0xffff_ffff,
            };
            if halves {
                return Action::CompareHalvesInto {
                    comparison,
                    target,
                    when_true,
                };
            }
            return Action::CompareInto {
                comparison,
                target,
                when_true,
            };
        }
        if halves {
            return Action::CompareHalves {
                comparison,
                lower: target,
                upper: scope.second_target(0),
            };
        }
        Action::Compare {
            comparison,
            target,
            opposite: scope.second_target(0),
        }
    }

    pub(crate) fn logic(&mut self, scope: &mut Scope<'m>) -> Action {
        let or = scope.instruction.modifiers.has(Modifier::Or);
        Action::Logic(Box::new(Logic {
            target: scope.target(0),
            predicate: scope.second_target(0),
            sources: [1, 2, 3, 4].map(|index| self.source(scope, index)),
            combine: if or {
                BoolCombine::Or
            } else {
                BoolCombine::And
            },
            c: self.condition(scope, 5),
        }))
    }
}
