//! `wmma`: fragments in memory, and products of fragments. Each is several steps.

use crate::interpret::decode::{Decoder, Scope, undecodable};
use crate::interpret::program::{
    Action, Address, CheckHint, CollectiveStep, Condition, Extend, Slot, Source,
};
use crate::numeric::Flags;
use crate::numeric::float::{F16, Float};
use crate::simt::warp::{ALL_LANES, WarpOp};
use crate::simt::wmma::{Fragment, FragmentAccess, Wmma};
use crate::syntax::check::source_type;
use crate::syntax::modifier::Modifiers;
use crate::syntax::types::Special;

/// Where a fragment lies in memory.
struct Places {
    /// The place of the lane's first element.
    first: Address,
    /// Bytes from one line of memory to the next.
    stride: Source,
    /// A slot for the address of another line.
    line: Slot,
}

impl<'m> Decoder<'m> {
    pub(super) fn ternary(
        &mut self,
        scope: &Scope<'m>,
        target: Slot,
        [a, b, c]: [Source; 3],
        function: fn(u64, u64, u64, Flags) -> u64,
    ) {
        let action = Action::Ternary {
            function,
            flags: Flags::of(&Modifiers::new()),
            target,
            a,
            b,
            c,
        };
        self.guarded(scope, action);
    }

    /// A sum of products that is an address, as the checks are told.
    fn pointer(&mut self, scope: &Scope<'m>, target: Slot, operands: [Source; 3]) {
        self.ternary(scope, target, operands, |a, b, pointer, _| {
            pointer.wrapping_add(a.wrapping_mul(b))
        });
        if let Some(step) = self.program.code.last_mut() {
            step.hint = CheckHint::Sum;
        }
    }

    /// Computes where the elements of the lane begin. The stride is the operand behind the fragment and
    /// its address, where it is there.
    fn places(&mut self, scope: &mut Scope<'m>, fragment: Fragment, operand: usize) -> Places {
        let mut first = self.address(scope, operand);
        let elements = match scope.instruction.operands.len() {
            3 => self.source(scope, 2),
            _ => self.value(fragment.default_stride().into()),
        };
        let [stride, group, place, begin, line] = [(); 5].map(|()| scope.compute());
        let bits = self.value(fragment.ty.bits().into());
        self.binary(scope, stride, [elements, bits], |elements, bits, _| {
            (elements * bits) >> 3
        });
        let special = Special::Laneid;
        self.guarded(
            scope,
            Action::Special {
                target: group,
                special,
            },
        );
        let each = self.value(fragment.elements_of_place().into());
        self.binary(
            scope,
            place,
            [Source::slot(group), each],
            |lane, each, _| (lane & 3) * each,
        );
        let two = self.value(2);
        self.binary(scope, group, [Source::slot(group), two], |lane, by, _| {
            lane >> by
        });
        let (lines, along) = match fragment.groups_have_lines() {
            true => (group, place),
            false => (place, group),
        };
        self.binary(
            scope,
            along,
            [Source::slot(along), bits],
            |elements, bits, _| (elements * bits) >> 3,
        );
        let stride = Source::slot(stride);
        self.pointer(scope, begin, [Source::slot(lines), stride, first.base]);
        let one = self.value(1);
        self.pointer(
            scope,
            begin,
            [Source::slot(along), one, Source::slot(begin)],
        );
        first.base = Source::slot(begin);
        Places {
            first,
            stride,
            line,
        }
    }

    fn place(&mut self, scope: &Scope<'m>, places: &Places, access: FragmentAccess) -> Address {
        let mut address = places.first;
        address.offset = address.offset.wrapping_add(access.bytes.into());
        if access.lines > 0 {
            let lines = self.value(access.lines.into());
            let operands = [lines, places.stride, address.base];
            self.pointer(scope, places.line, operands);
            address.base = Source::slot(places.line);
        }
        address
    }

    pub(crate) fn load_fragment(&mut self, scope: &mut Scope<'m>) -> Action {
        let Some(fragment) = Fragment::of(&scope.instruction.modifiers) else {
            return undecodable(scope);
        };
        let places = self.places(scope, fragment, 1);
        let (word, element) = (scope.compute(), scope.compute());
        let registers = fragment.registers();
        // What is loaded twice is repeated.
        let targets = scope.vector(0).iter().zip(registers.iter().cycle());
        for (target, accesses) in targets {
            for (number, access) in accesses.iter().enumerate() {
                let address = self.place(scope, &places, *access);
                let load = Action::Load {
                    target: if number == 0 { word } else { element },
                    address,
                    bytes: fragment.access_bytes().into(),
                    extend: Extend::Zero,
                };
                self.guarded(scope, load);
                if number > 0 {
                    let shift = self.value(access.shift.into());
                    let operands = [Source::slot(word), Source::slot(element), shift];
                    self.ternary(scope, word, operands, |word, element, by, _| {
                        word | element << by
                    });
                }
            }
            let target = scope.target_of(target);
            let a = Source::slot(word);
            self.guarded(scope, Action::Move { target, a });
        }
        Action::Nothing
    }

    pub(crate) fn store_fragment(&mut self, scope: &mut Scope<'m>) -> Action {
        let Some(fragment) = Fragment::of(&scope.instruction.modifiers) else {
            return undecodable(scope);
        };
        let places = self.places(scope, fragment, 0);
        let element = scope.compute();
        let ty = source_type(scope.instruction, 1);
        for (register, accesses) in scope.vector(1).iter().zip(fragment.registers()) {
            let word = self.source_of(scope, register, ty);
            for access in accesses {
                let address = self.place(scope, &places, access);
                let mut value = word;
                if access.shift > 0 {
                    let shift = self.value(access.shift.into());
                    self.binary(scope, element, [word, shift], |word, by, _| word >> by);
                    value = Source::slot(element);
                }
                let store = Action::Store {
                    address,
                    bytes: fragment.access_bytes().into(),
                    value,
                };
                self.guarded(scope, store);
            }
        }
        Action::Nothing
    }

    pub(crate) fn multiply_fragments(&mut self, scope: &mut Scope<'m>) -> Action {
        let Some(wmma) = Wmma::of(&scope.instruction.modifiers) else {
            return undecodable(scope);
        };
        let [a, b, mut added] = [1, 2, 3].map(|operand| {
            let ty = source_type(scope.instruction, operand);
            let registers = scope.vector(operand).iter();
            let sources = registers.map(|register| self.source_of(scope, register, ty));
            sources.collect::<Vec<Source>>()
        });
        if wmma.added != wmma.mma.sum {
            added = self.singles_of_halves(scope, &added);
        }
        let mut sums: Vec<Slot> = Vec::new();
        let mask = self.value(u64::from(ALL_LANES));
        for block in wmma.blocks() {
            let parts = [a.get(block.a), b.get(block.b), added.get(block.sum.clone())];
            let inputs = parts.into_iter().flatten().flatten();
            let inputs = inputs.map(|source| Condition {
                source: *source,
                negated: false,
            });
            let results: Vec<Slot> = block.sum.map(|_| scope.compute()).collect();
            let step = CollectiveStep {
                op: WarpOp::Multiply(wmma.mma),
                inputs: inputs.collect(),
                mask,
                results: results.as_slice().into(),
            };
            self.guarded(scope, Action::Collective(Box::new(step)));
            sums.extend(results);
        }
        let targets: Vec<Slot> = scope
            .vector(0)
            .iter()
            .map(|target| scope.target_of(target))
            .collect();
        if wmma.result == wmma.mma.sum {
            for (target, sum) in targets.into_iter().zip(sums) {
                let a = Source::slot(sum);
                self.guarded(scope, Action::Move { target, a });
            }
            return Action::Nothing;
        }
        for (target, pair) in targets.into_iter().zip(sums.chunks(2)) {
            if let [low, high] = *pair {
                let halves = [low, high].map(Source::slot);
                self.binary(scope, target, halves, |low, high, _| {
                    let half = |bits: u64| F16::from_f64(f32::from_bits(bits as u32).into());
                    half(low) | half(high) << 16
                });
            }
        }
        Action::Nothing
    }

    /// Elements of `.f16` in pairs, as registers of `.f32`.
    fn singles_of_halves(&mut self, scope: &mut Scope<'m>, pairs: &[Source]) -> Vec<Source> {
        let mut singles = Vec::with_capacity(2 * pairs.len());
        for pair in pairs {
            for shift in [0, 16] {
                let single = scope.compute();
                let by = self.value(shift);
                self.binary(scope, single, [*pair, by], |pair, by, _| {
                    let half = F16::to_f64((pair >> by) & 0xffff);
                    u64::from((half as f32).to_bits())
                });
                singles.push(Source::slot(single));
            }
        }
        singles
    }
}
