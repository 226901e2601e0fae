//! Matrices in shared memory, and asynchronous copies into it: each is several steps.

use crate::interpret::decode::{Decoder, Scope, index_of};
use crate::interpret::program::{
    Action, Address, CheckHint, CollectiveStep, Condition, Extend, Slot, Source, Step,
};
use crate::numeric::Flags;
use crate::simt::address::AddressSpace;
use crate::simt::matrix::{Permutation, matrices};
use crate::simt::warp::{ALL_LANES, WarpOp};
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::table::{Op, OperandKind};
use crate::syntax::tree::{Guard, Operand};
use crate::syntax::types::{Special, Type};

/// What a matrix instruction computes addresses from.
struct Rows {
    /// The address of the row that the thread gives, as an offset into shared memory.
    own: Slot,
    lane: Slot,
}

impl<'m> Decoder<'m> {
    /// A step that the thread takes where the instruction's guard lets it.
    pub(super) fn guarded(&mut self, scope: &Scope<'m>, action: Action) {
        self.step(scope, scope.instruction.guard, action);
    }

    pub(super) fn step(&mut self, scope: &Scope<'m>, guard: Option<Guard>, action: Action) {
        let stores = matches!(action, Action::Store { .. } | Action::StoreMany { .. });
        let copies = stores && scope.instruction.row.op == Op::CopyAsync;
        self.program.code.push(Step {
            action,
            hint: if copies {
                CheckHint::AsyncCopy
            } else {
                CheckHint::None
            },
            guard: guard.map(|guard| guard.register.0),
            negated: guard.is_some_and(|guard| guard.negated),
            line: scope.instruction.at.line,
        });
    }

    pub(super) fn binary(
        &mut self,
        scope: &Scope<'m>,
        target: Slot,
        [a, b]: [Source; 2],
        function: fn(u64, u64, Flags) -> u64,
    ) {
        let action = Action::Binary {
            function,
            flags: Flags::of(&Modifiers::new()),
            target,
            a,
            b,
        };
        self.guarded(scope, action);
    }

    /// Gives each lane the words of others.
    fn permuted(
        &mut self,
        scope: &mut Scope<'m>,
        permutation: Permutation,
        word: Source,
    ) -> Vec<Slot> {
        let targets: Vec<Slot> = (0..permutation.results())
            .map(|_| scope.compute())
            .collect();
        let input = Condition {
            source: word,
            negated: false,
        };
        let step = CollectiveStep {
            op: WarpOp::Permute(permutation),
            inputs: Box::new([input]),
            mask: self.value(u64::from(ALL_LANES)),
            results: targets.as_slice().into(),
        };
        self.guarded(scope, Action::Collective(Box::new(step)));
        targets
    }

    fn rows(&mut self, scope: &mut Scope<'m>, operand: usize) -> Rows {
        let address = self.address(scope, operand);
        let (own, lane) = (scope.compute(), scope.compute());
        let lanes = 8 * matrices(&scope.instruction.modifiers);
        let row = Action::MatrixRow {
            target: own,
            address,
            lanes,
        };
        self.guarded(scope, row);
        let special = Special::Laneid;
        let number = Action::Special {
            target: lane,
            special,
        };
        self.guarded(scope, number);
        Rows { own, lane }
    }

    /// Where the elements lie that the lane has of each matrix: two in one word, or in a transpose in a
    /// half each.
    fn elements(&mut self, scope: &mut Scope<'m>, operand: usize) -> Vec<Vec<Address>> {
        let rows = self.rows(scope, operand);
        let transposed = scope.instruction.modifiers.has(Modifier::Trans);
        let count = matrices(&scope.instruction.modifiers);
        let permutation = match transposed {
            true => Permutation::Columns(count),
            false => Permutation::Rows(count),
        };
        let addresses = self.permuted(scope, permutation, Source::slot(rows.own));
        for at in &addresses {
            let operands = [Source::slot(*at), Source::slot(rows.lane)];
            let function: fn(u64, u64, Flags) -> u64 = if transposed {
                |row, lane, _| row + (lane >> 2) * 2
            } else {
                |row, lane, _| row + (lane & 3) * 4
            };
            self.binary(scope, *at, operands, function);
        }
        let address = |at: &Slot| Address {
            base: Source::slot(*at),
            offset: 0,
            space: AddressSpace::Shared,
            in_frame: false,
        };
        let each = addresses.chunks(if transposed { 2 } else { 1 });
        each.map(|places| places.iter().map(address).collect())
            .collect()
    }

    pub(crate) fn load_matrix(&mut self, scope: &mut Scope<'m>) -> Action {
        // A target may be the register with the address: all lanes have given theirs before.
        let places = self.elements(scope, 1);
        for (target, places) in scope.vector(0).iter().zip(places) {
            let target = scope.target_of(target);
            match places.as_slice() {
                [both] => {
                    let load = load(target, *both, 4);
                    self.guarded(scope, load);
                }
                [first, second] => {
                    let halves = [first, second].map(|place| {
                        // The address is not needed any more.
                        let half = place.base;
                        let load = load(half.index() as Slot, *place, 2);
                        self.guarded(scope, load);
                        half
                    });
                    self.binary(scope, target, halves, |low, high, _| low | high << 16);
                }
                _ => {}
            }
        }
        Action::Nothing
    }

    pub(crate) fn store_matrix(&mut self, scope: &mut Scope<'m>) -> Action {
        let places = self.elements(scope, 0);
        for (element, places) in scope.vector(1).iter().zip(places) {
            let value = self.source_of(scope, element, Type::B32);
            let bytes = if places.len() == 1 { 4 } else { 2 };
            let mut value = value;
            for (number, address) in places.into_iter().enumerate() {
                if number > 0 {
                    let upper = scope.compute();
                    let shift = self.value(16);
                    self.binary(scope, upper, [value, shift], |word, by, _| word >> by);
                    value = Source::slot(upper);
                }
                let store = Action::Store {
                    address,
                    bytes,
                    value,
                };
                self.guarded(scope, store);
            }
        }
        Action::Nothing
    }

    pub(crate) fn transpose_matrix(&mut self, scope: &mut Scope<'m>) -> Action {
        let word = self.source(scope, 1);
        let lane = scope.compute();
        let special = Special::Laneid;
        let number = Action::Special {
            target: lane,
            special,
        };
        self.guarded(scope, number);
        let words = self.permuted(scope, Permutation::Transpose, word);
        let word = |index: usize| Source::slot(words.get(index).copied().unwrap_or(lane));
        // Lanes of odd groups have the upper halves.
        Action::Ternary {
            function: |first, second, lane, _| {
                let half = |word: u64| (word >> (16 * ((lane >> 2) & 1))) & 0xffff;
                half(first) | half(second) << 16
            },
            flags: Flags::of(&Modifiers::new()),
            target: scope.target(0),
            a: word(0),
            b: word(1),
            c: Source::slot(lane),
        }
    }

    /// `cp.async`: copies at once. What is not copied becomes zeros.
    pub(crate) fn copy_async(&mut self, scope: &mut Scope<'m>) -> Action {
        let size = match scope.operand(2) {
            Operand::Integer(size) => *size,
            _ => return Action::Trap,
        };
        let (to, from) = (self.address(scope, 0), self.address(scope, 1));
        let words: Vec<Slot> = (0..size / 4).map(|_| scope.compute()).collect();
        let whole = [
            load_many(&words, from),
            store_many(words.iter().copied().map(Source::slot).collect(), to),
        ];
        let copied = match scope.instruction.row.operands.get(3) {
            Some(OperandKind::SrcCopied) => self.copied(scope, size),
            _ => {
                for action in whole {
                    self.guarded(scope, action);
                }
                return Action::Nothing;
            }
        };
        let (flag, byte) = (scope.compute(), scope.compute());
        let zero = self.value(0);
        // Steps to the one behind all others, by how many come before it.
        let begin = self.program.code.len();
        let bytes = size.saturating_sub(1);
        let steps = 4 + 4 * bytes as usize + 1 + whole.len();
        let end = index_of(begin + steps);
        if let Some(guard) = scope.instruction.guard {
            let skipped = Guard {
                negated: !guard.negated,
                ..guard
            };
            self.step(scope, Some(skipped), Action::Goto { step: end });
        } else {
            self.step(scope, None, Action::Nothing);
        }
        let limit = self.value(size);
        let is_whole = compare(flag, [copied, limit], |copied, size, _| {
            u64::from(copied >= size)
        });
        self.step(scope, None, is_whole);
        let holds = |negated| {
            let register = crate::syntax::tree::RegisterId(flag);
            Some(Guard { register, negated })
        };
        let to_whole = Action::Goto {
            step: end - index_of(whole.len()),
        };
        self.step(scope, holds(false), to_whole);
        let zeros = vec![zero; words.len()];
        self.step(scope, None, store_many(zeros.into(), to));
        for place in 0..bytes {
            let place_source = self.value(place);
            let is_copied = compare(flag, [place_source, copied], |place, copied, _| {
                u64::from(place < copied)
            });
            self.step(scope, None, is_copied);
            self.step(scope, holds(true), Action::Goto { step: end });
            let at = |address: Address| Address {
                offset: address.offset.wrapping_add_unsigned(place),
                ..address
            };
            self.step(scope, None, load(byte, at(from), 1));
            let store = Action::Store {
                address: at(to),
                bytes: 1,
                value: Source::slot(byte),
            };
            self.step(scope, None, store);
        }
        self.step(scope, None, Action::Goto { step: end });
        for action in whole {
            self.step(scope, None, action);
        }
        debug_assert_eq!(self.program.code.len(), end as usize);
        Action::Nothing
    }

    /// How many bytes are copied.
    fn copied(&mut self, scope: &mut Scope<'m>, size: u64) -> Source {
        let is_predicate = match scope.operand(3) {
            Operand::Not(_) => true,
            Operand::Register(register) => scope.function.register_type(*register) == Type::Pred,
            _ => false,
        };
        if !is_predicate {
            return self.source(scope, 3);
        }
        let target = scope.compute();
        let select = Action::Select {
            target,
            a: self.value(0),
            b: self.value(size),
            c: self.condition(scope, 3),
        };
        self.before(scope, select);
        Source::slot(target)
    }
}

pub(super) fn compare(
    target: Slot,
    [a, b]: [Source; 2],
    function: fn(u64, u64, Flags) -> u64,
) -> Action {
    Action::Binary {
        function,
        flags: Flags::of(&Modifiers::new()),
        target,
        a,
        b,
    }
}

fn load(target: Slot, address: Address, bytes: u32) -> Action {
    Action::Load {
        target,
        address,
        bytes,
        extend: Extend::Zero,
    }
}

pub(super) fn load_many(targets: &[Slot], address: Address) -> Action {
    match targets {
        [target] => load(*target, address, 4),
        targets => Action::LoadMany {
            targets: targets.into(),
            address,
            bytes: 4,
            extend: Extend::Zero,
        },
    }
}

pub(super) fn store_many(values: Box<[Source]>, address: Address) -> Action {
    match *values {
        [value] => Action::Store {
            address,
            bytes: 4,
            value,
        },
        _ => Action::StoreMany {
            address,
            bytes: 4,
            values,
        },
    }
}
