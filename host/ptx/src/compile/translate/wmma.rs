//! Translates `wmma` (PTX ISA, "Warp Level Matrix Load/Store/Multiply-Accumulate Instructions: wmma"):
//! each lane loads and stores its elements by itself, and products are those of `mma`.

use crate::compile::Unsupported;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{AccessAddress, Arg, Op as IrOp, SiteKind, SuspendKind, Ty};
use crate::compile::translate::{Builder, FunctionScope};
use crate::numeric::half_precision::{self, HalfFormat};
use crate::numeric::{Flags, Round};
use crate::simt::warp::{ALL_LANES, WarpOp};
use crate::simt::wmma::{Fragment, FragmentAccess, Wmma};
use crate::syntax::check::source_type;
use crate::syntax::modifier::Modifiers;
use crate::syntax::types::Type;

/// Where a fragment lies in memory.
struct Places {
    /// The place of the lane's first element.
    first: AccessAddress,
    /// Bytes from one line of memory to the next, in the type of addresses.
    stride: Arg,
    bytes: u8,
    write: bool,
}

impl<'m> Builder<'m> {
    fn address_product(&mut self, ty: Ty, a: Arg, b: Arg) -> Arg {
        let code = match ty {
            Ty::I64 => Opcode::I64Mul,
            _ => Opcode::I32Mul,
        };
        self.two(code, a, b)
    }

    fn address_sum(&mut self, ty: Ty, a: Arg, b: Arg) -> Arg {
        let code = match ty {
            Ty::I64 => Opcode::I64Add,
            _ => Opcode::I32Add,
        };
        self.two(code, a, b)
    }

    /// Computes where the elements of the lane begin. The stride is the operand behind the fragment and
    /// its address, where it is there.
    fn fragment_places(
        &mut self,
        scope: &FunctionScope<'m>,
        fragment: Fragment,
        (operand, write): (usize, bool),
    ) -> Places {
        let bytes = fragment.access_bytes();
        let mut first = self.place(scope, operand, (bytes.into(), 1, write));
        let ty = self.body.arg_ty(first.base);
        let bits = fragment.ty.bits();
        let stride = match scope.instruction.operands.len() {
            3 => {
                let elements = self.source(scope, 2);
                let elements = self.in_64(elements);
                let stride = self.two(Opcode::I64Mul, elements, Arg::I64(bits.into()));
                let stride = self.two(Opcode::I64ShrU, stride, Arg::I64(3));
                self.as_ty(stride, ty)
            }
            _ => Arg::constant(ty, (fragment.default_stride() * bits / 8).into()),
        };
        let lane = self.lane();
        let group = self.two(Opcode::I32ShrU, lane, Arg::I32(2));
        let place = self.two(Opcode::I32And, lane, Arg::I32(3));
        let each = Arg::I32(fragment.elements_of_place());
        let place = self.two(Opcode::I32Mul, place, each);
        let (lines, along) = match fragment.groups_have_lines() {
            true => (group, place),
            false => (place, group),
        };
        let along = self.two(Opcode::I32Mul, along, Arg::I32(bits));
        let along = self.two(Opcode::I32ShrU, along, Arg::I32(3));
        let (lines, along) = (self.as_ty(lines, ty), self.as_ty(along, ty));
        let lines = self.address_product(ty, lines, stride);
        let offset = self.address_sum(ty, lines, along);
        first.base = self.address_sum(ty, first.base, offset);
        Places {
            first,
            stride,
            bytes,
            write,
        }
    }

    fn fragment_place(&mut self, places: &Places, access: FragmentAccess) -> AccessAddress {
        let mut place = places.first;
        let ty = self.body.arg_ty(place.base);
        if access.lines > 0 {
            let lines = Arg::constant(ty, access.lines.into());
            let lines = self.address_product(ty, places.stride, lines);
            place.base = self.address_sum(ty, place.base, lines);
        }
        place.offset = place.offset.wrapping_add(access.bytes.into());
        place.site = self.site(SiteKind::Access {
            space: place.space,
            bytes: places.bytes.into(),
            lanes: 1,
            write: places.write,
        });
        place
    }

    /// `wmma.load`.
    pub(crate) fn load_fragment(&mut self, scope: &FunctionScope<'m>) -> Result<(), Unsupported> {
        let Some(fragment) = Fragment::of(&scope.instruction.modifiers) else {
            return Err(self.unsupported("this fragment"));
        };
        let places = self.fragment_places(scope, fragment, (1, false));
        let ty = match fragment.access_bytes() {
            8 => Ty::I64,
            _ => Ty::I32,
        };
        let mut words: Vec<Arg> = Vec::new();
        for accesses in fragment.registers() {
            let mut word = Arg::constant(ty, 0);
            for access in accesses {
                let place = self.fragment_place(&places, access);
                let target = self.temp(ty);
                self.push(IrOp::Load {
                    targets: vec![target],
                    place,
                    bytes: places.bytes,
                    atomic: false,
                });
                word = match access.shift {
                    0 => Arg::Reg(target),
                    shift => {
                        let shift = Arg::I32(shift.into());
                        let upper = self.two(Opcode::I32Shl, Arg::Reg(target), shift);
                        self.two(Opcode::I32Or, word, upper)
                    }
                };
            }
            words.push(word);
        }
        // Where there are more registers than elements, they are repeated.
        for (target, word) in scope.vector(0).iter().zip(words.iter().cycle()) {
            self.write_to(scope, target, *word);
        }
        Ok(())
    }

    /// `wmma.store`.
    pub(crate) fn store_fragment(&mut self, scope: &FunctionScope<'m>) -> Result<(), Unsupported> {
        let Some(fragment) = Fragment::of(&scope.instruction.modifiers) else {
            return Err(self.unsupported("this fragment"));
        };
        let places = self.fragment_places(scope, fragment, (0, true));
        let ty = source_type(scope.instruction, 1);
        for (register, accesses) in scope.vector(1).iter().zip(fragment.registers()) {
            let word = self.read(scope, register, ty);
            for access in accesses {
                let place = self.fragment_place(&places, access);
                let value = match access.shift {
                    0 => word,
                    shift => self.two(Opcode::I32ShrU, word, Arg::I32(shift.into())),
                };
                self.push(IrOp::Store {
                    place,
                    bytes: places.bytes,
                    values: vec![value],
                    atomic: false,
                });
            }
        }
        Ok(())
    }

    /// `wmma.mma`.
    pub(crate) fn multiply_fragments(
        &mut self,
        scope: &FunctionScope<'m>,
    ) -> Result<(), Unsupported> {
        let Some(wmma) = Wmma::of(&scope.instruction.modifiers) else {
            return Err(self.unsupported("this product of fragments"));
        };
        let [a, b, mut added] = [1, 2, 3].map(|operand| {
            let ty = source_type(scope.instruction, operand);
            let registers = scope.vector(operand).iter();
            let read = registers.map(|register| self.read(scope, register, ty));
            read.collect::<Vec<Arg>>()
        });
        if wmma.added != wmma.mma.sum {
            added = self.singles_of_pairs(&added);
        }
        let ty = match wmma.mma.sum {
            Type::F64 => Ty::I64,
            _ => Ty::I32,
        };
        let mut sums: Vec<Arg> = Vec::new();
        for block in wmma.blocks() {
            let mut inputs = vec![Arg::I64(u64::from(ALL_LANES))];
            let parts = [a.get(block.a), b.get(block.b), added.get(block.sum.clone())];
            for input in parts.into_iter().flatten().flatten() {
                inputs.push(self.in_64(*input));
            }
            let taken: Vec<_> = block.sum.map(|_| self.temp(ty)).collect();
            self.suspend(
                SuspendKind::Collective(WarpOp::Multiply(wmma.mma)),
                inputs,
                taken.iter().copied().map(Some).collect(),
            );
            sums.extend(taken.into_iter().map(Arg::Reg));
        }
        if wmma.result != wmma.mma.sum {
            sums = self.pairs_of_singles(&sums);
        }
        for (target, sum) in scope.vector(0).iter().zip(sums) {
            self.write_to(scope, target, sum);
        }
        Ok(())
    }

    /// Elements of `.f16` in pairs, each as one of `.f32`.
    fn singles_of_pairs(&mut self, pairs: &[Arg]) -> Vec<Arg> {
        let mut singles = Vec::with_capacity(2 * pairs.len());
        for pair in pairs {
            let low = self.two(Opcode::I32And, *pair, Arg::I32(0xffff));
            let high = self.two(Opcode::I32ShrU, *pair, Arg::I32(16));
            singles.push(self.half_to_f32(HalfFormat::F16, low));
            singles.push(self.half_to_f32(HalfFormat::F16, high));
        }
        singles
    }

    /// The same in the other direction, rounded to nearest.
    fn pairs_of_singles(&mut self, singles: &[Arg]) -> Vec<Arg> {
        let flags = Flags::of(&Modifiers::new());
        let mut pairs = Vec::with_capacity(singles.len() / 2);
        for pair in singles.chunks(2) {
            let mut word = Arg::I32(0);
            for (single, shift) in pair.iter().zip([0, 16]) {
                let single = self.as_ty(*single, Ty::F32);
                let half = half_precision::from_f32(self, HalfFormat::F16, Round::Nearest, single);
                let half = self.finished_half(HalfFormat::F16, flags, half);
                let half = self.two(Opcode::I32Shl, half, Arg::I32(shift));
                word = self.two(Opcode::I32Or, word, half);
            }
            pairs.push(word);
        }
        pairs
    }
}
