//! `wgmma.mma_async`: the warp's own product, at once, 8 columns after another.

use crate::interpret::decode::{Decoder, Scope, undecodable};
use crate::interpret::program::{Action, Address, CollectiveStep, Condition, Extend, Slot, Source};
use crate::simt::address::AddressSpace;
use crate::simt::warp::{ALL_LANES, WarpOp};
use crate::simt::wgmma::{
    A_REGISTERS, B_REGISTERS, Wgmma, address_across_sums, address_along_sums,
};
use crate::syntax::tree::Operand;
use crate::syntax::types::{Special, Type};

/// What is computed before the elements are loaded.
struct WgmmaLane {
    /// The lane's line of a block of 8: its group.
    group: Source,
    /// Its place in the group, as a byte along the sums and as a number of an element of 16 bits.
    byte: Source,
    number: Source,
    /// For what is loaded.
    line: Slot,
    along: Slot,
    address: Slot,
    other: Slot,
}

impl<'m> Decoder<'m> {
    pub(crate) fn multiply_warpgroup(&mut self, scope: &mut Scope<'m>) -> Action {
        let Some(wgmma) = Wgmma::of(scope.instruction) else {
            return undecodable(scope);
        };
        let [group, byte, number, line, along, address, other, rows] =
            [(); 8].map(|()| scope.compute());
        for (target, special) in [(group, Special::Laneid), (rows, Special::Warpid)] {
            self.guarded(scope, Action::Special { target, special });
        }
        let (four, two, sixteen) = (self.value(4), self.value(2), self.value(16));
        let lane = Source::slot(group);
        self.binary(scope, byte, [lane, four], |lane, by, _| (lane & 3) * by);
        self.binary(scope, number, [lane, two], |lane, by, _| (lane & 3) * by);
        self.binary(scope, group, [lane, two], |lane, by, _| lane >> by);
        self.binary(scope, rows, [Source::slot(rows), sixteen], |warp, by, _| {
            (warp & 3) * by
        });
        let group = Source::slot(group);
        self.binary(
            scope,
            rows,
            [Source::slot(rows), group],
            |rows, group, _| rows + group,
        );
        let of_lane = WgmmaLane {
            group,
            byte: Source::slot(byte),
            number: Source::slot(number),
            line,
            along,
            address,
            other,
        };
        let a: Vec<Source> = match scope.operand(1) {
            Operand::Vector(elements) => elements
                .iter()
                .map(|element| self.source_of(scope, element, Type::B32))
                .collect(),
            _ => {
                let descriptor = self.source(scope, 1);
                let of_rows = WgmmaLane {
                    group: Source::slot(rows),
                    ..of_lane
                };
                (0..A_REGISTERS)
                    .map(|register| {
                        let place = (8 * (register as u64 % 2), register as u64 / 2);
                        let target = scope.compute();
                        let how = (descriptor, wgmma.transposes_a);
                        self.load_elements(scope, &of_rows, how, place, target)
                    })
                    .collect()
            }
        };
        let a: Vec<Source> = a
            .into_iter()
            .map(|word| match wgmma.negates_a {
                Some(signs) => {
                    let target = scope.compute();
                    self.negated(scope, target, word, signs)
                }
                None => word,
            })
            .collect();
        let descriptor = self.source(scope, 2);
        let keeps = self.condition(scope, 3);
        let zero = self.value(0);
        let mask = self.value(u64::from(ALL_LANES));
        let b_slots = [(); B_REGISTERS].map(|()| scope.compute());
        let added: Vec<Slot> = (0..wgmma.mma.sum_registers())
            .map(|_| scope.compute())
            .collect();
        let targets: Vec<Slot> = scope
            .vector(0)
            .iter()
            .map(|target| scope.target_of(target))
            .collect();
        for (block, targets) in targets.chunks(added.len()).enumerate() {
            let mut b = Vec::with_capacity(B_REGISTERS);
            for (register, target) in (0u64..).zip(b_slots) {
                let how = (descriptor, wgmma.transposes_b);
                let place = (8 * block as u64, register);
                b.push(self.load_elements(scope, &of_lane, how, place, target));
            }
            if let Some(signs) = wgmma.negates_b {
                for (target, word) in b_slots.into_iter().zip(&b) {
                    self.negated(scope, target, *word, signs);
                }
            }
            for (target, register) in added.iter().zip(targets) {
                let select = Action::Select {
                    target: *target,
                    a: Source::slot(*register),
                    b: zero,
                    c: keeps,
                };
                self.guarded(scope, select);
            }
            let sums = added.iter().copied().map(Source::slot);
            let inputs = a.iter().chain(&b).copied().chain(sums);
            let inputs = inputs.map(|source| Condition {
                source,
                negated: false,
            });
            let step = CollectiveStep {
                op: WarpOp::Multiply(wgmma.mma),
                inputs: inputs.collect(),
                mask,
                results: targets.into(),
            };
            self.guarded(scope, Action::Collective(Box::new(step)));
        }
        Action::Nothing
    }

    /// Loads a register of a factor, of a line so many beyond the lane's, and so many times 16 bytes, or 8
    /// elements, along the sums.
    fn load_elements(
        &mut self,
        scope: &mut Scope<'m>,
        lane: &WgmmaLane,
        (descriptor, transposes): (Source, bool),
        (line, unit): (u64, u64),
        target: Slot,
    ) -> Source {
        let further = self.value(line);
        self.binary(scope, lane.line, [lane.group, further], |group, by, _| {
            group + by
        });
        let line = Source::slot(lane.line);
        let at = Address {
            base: Source::slot(lane.address),
            offset: 0,
            space: AddressSpace::Shared,
            in_frame: false,
        };
        let load = |target: Slot, bytes: u32| Action::Load {
            target,
            address: at,
            bytes,
            extend: Extend::Zero,
        };
        if !transposes {
            let by = self.value(16 * unit);
            self.binary(scope, lane.along, [lane.byte, by], |byte, by, _| byte + by);
            let operands = [descriptor, line, Source::slot(lane.along)];
            self.ternary(scope, lane.address, operands, address_along_sums);
            self.guarded(scope, load(target, 4));
            return Source::slot(target);
        }
        for (element, slot) in [(0, target), (1, lane.other)] {
            let by = self.value(8 * unit + element);
            self.binary(scope, lane.along, [lane.number, by], |number, by, _| {
                number + by
            });
            let operands = [descriptor, line, Source::slot(lane.along)];
            self.ternary(scope, lane.address, operands, address_across_sums);
            self.guarded(scope, load(slot, 2));
        }
        let halves = [target, lane.other].map(Source::slot);
        self.binary(scope, target, halves, |low, high, _| low | high << 16);
        Source::slot(target)
    }

    /// A register whose elements have the other sign.
    fn negated(&mut self, scope: &Scope<'m>, target: Slot, word: Source, signs: u32) -> Source {
        let signs = self.value(signs.into());
        self.binary(scope, target, [word, signs], |word, signs, _| word ^ signs);
        Source::slot(target)
    }
}
