//! Translates `wgmma.mma_async` (PTX ISA, "Asynchronous Warpgroup Level Matrix Instructions"): each warp
//! loads its elements by the descriptors, and multiplies them at once, 8 columns after another.

use crate::compile::Unsupported;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{AccessAddress, Arg, Op as IrOp, SiteKind, Space, SuspendKind, Ty};
use crate::compile::translate::{Builder, FunctionScope};
use crate::simt::warp::{ALL_LANES, WARP_LANES, WarpOp};
use crate::simt::wgmma::{A_REGISTERS, B_REGISTERS, Wgmma};
use crate::syntax::tree::Operand;
use crate::syntax::types::Type;

/// A matrix in shared memory as a lane sees it.
struct Matrix {
    start: Arg,
    leading: Arg,
    stride: Arg,
    /// How many bytes of a row are together, and the binary logarithm of that.
    row: Arg,
    row_bits: Arg,
    is_swizzled: Arg,
    /// By how many bytes the swizzle's pattern begins later.
    phase: Arg,
    /// The lane's line.
    line: Arg,
    /// Whether elements of other lines are contiguous, and not those along the sums.
    transposes: bool,
}

impl<'m> Builder<'m> {
    fn sum_of(&mut self, terms: &[Arg]) -> Arg {
        let mut terms = terms.iter().copied();
        let first = terms.next().unwrap_or(Arg::I32(0));
        terms.fold(first, |sum, term| self.two(Opcode::I32Add, sum, term))
    }

    fn times(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32Mul, a, b)
    }

    /// Bits of a word from one on, as bytes: descriptors count 16 of them.
    fn descriptor_bytes(&mut self, word: Arg, from: u32) -> Arg {
        let field = self.two(Opcode::I32ShrU, word, Arg::I32(from));
        let field = self.two(Opcode::I32And, field, Arg::I32(0x3fff));
        self.two(Opcode::I32Shl, field, Arg::I32(4))
    }

    fn matrix(&mut self, descriptor: Arg, line: Arg, transposes: bool) -> Matrix {
        let low = self.as_ty(descriptor, Ty::I32);
        let high = self.two(Opcode::I64ShrU, descriptor, Arg::I64(32));
        let high = self.as_ty(high, Ty::I32);
        let phase = self.two(Opcode::I32ShrU, high, Arg::I32(10));
        let mode = self.two(Opcode::I32ShrU, high, Arg::I32(30));
        let bits = self.two(Opcode::I32Sub, Arg::I32(8), mode);
        let row_bits = self.select(mode, bits, Arg::I32(4));
        Matrix {
            start: self.descriptor_bytes(low, 0),
            leading: self.descriptor_bytes(low, 16),
            stride: self.descriptor_bytes(high, 0),
            row: self.two(Opcode::I32Shl, Arg::I32(1), row_bits),
            row_bits,
            is_swizzled: mode,
            phase: self.two(Opcode::I32And, phase, Arg::I32(7 << 7)),
            line,
            transposes,
        }
    }

    fn swizzled(&mut self, matrix: &Matrix, address: Arg) -> Arg {
        let pattern = self.two(Opcode::I32Sub, address, matrix.phase);
        let pattern = self.two(Opcode::I32ShrU, pattern, Arg::I32(3));
        let mask = self.two(Opcode::I32Sub, matrix.row, Arg::I32(16));
        let pattern = self.two(Opcode::I32And, pattern, mask);
        self.two(Opcode::I32Xor, address, pattern)
    }

    fn load_element(&mut self, address: Arg, bytes: u8) -> Arg {
        let (space, target) = (Space::Shared, self.temp(Ty::I32));
        let site = self.site(SiteKind::Access {
            space,
            bytes: bytes.into(),
            lanes: 1,
            write: false,
        });
        let place = AccessAddress {
            space,
            base: address,
            offset: 0,
            site,
        };
        self.push(IrOp::Load {
            targets: vec![target],
            place,
            bytes,
            atomic: false,
        });
        Arg::Reg(target)
    }

    /// Loads a register of a factor, so many lines beyond the lane's, and so many times 16 bytes, or 8
    /// elements, along the sums. `place` is the lane's in its group.
    fn load_elements(&mut self, matrix: &Matrix, place: Arg, (line, unit): (u32, u32)) -> Arg {
        let line = self.two(Opcode::I32Add, matrix.line, Arg::I32(line));
        if !matrix.transposes {
            let unit_bytes = self.select(matrix.is_swizzled, Arg::I32(16), matrix.leading);
            let unit = self.times(unit_bytes, Arg::I32(unit));
            let block = self.two(Opcode::I32ShrU, line, Arg::I32(3));
            let block = self.times(block, matrix.stride);
            let row = self.two(Opcode::I32And, line, Arg::I32(7));
            let row = self.times(row, matrix.row);
            let byte = self.times(place, Arg::I32(4));
            let address = self.sum_of(&[matrix.start, block, row, unit, byte]);
            let address = self.swizzled(matrix, address);
            return self.load_element(address, 4);
        }
        let lines = self.select(matrix.is_swizzled, matrix.leading, matrix.stride);
        let numbers = self.select(matrix.is_swizzled, matrix.stride, matrix.leading);
        let bytes = self.times(line, Arg::I32(2));
        let row = self.two(Opcode::I32ShrU, bytes, matrix.row_bits);
        let row = self.times(row, lines);
        let within = self.two(Opcode::I32Sub, matrix.row, Arg::I32(1));
        let within = self.two(Opcode::I32And, bytes, within);
        let unit = self.times(numbers, Arg::I32(unit));
        let mut word = Arg::I32(0);
        for element in [0, 1] {
            let number = self.times(place, Arg::I32(2));
            let number = self.two(Opcode::I32Add, number, Arg::I32(element));
            let number = self.times(number, matrix.row);
            let address = self.sum_of(&[matrix.start, row, within, unit, number]);
            let address = self.swizzled(matrix, address);
            let half = self.load_element(address, 2);
            let half = self.two(Opcode::I32Shl, half, Arg::I32(16 * element));
            word = self.two(Opcode::I32Or, word, half);
        }
        word
    }

    fn negated(&mut self, word: Arg, signs: Option<u32>) -> Arg {
        match signs {
            Some(signs) => self.two(Opcode::I32Xor, word, Arg::I32(signs)),
            None => word,
        }
    }

    pub(crate) fn multiply_warpgroup(
        &mut self,
        scope: &FunctionScope<'m>,
    ) -> Result<(), Unsupported> {
        let Some(wgmma) = Wgmma::of(scope.instruction) else {
            return Err(self.unsupported("this product of four warps"));
        };
        let lane = self.lane();
        let group = self.two(Opcode::I32ShrU, lane, Arg::I32(2));
        let place = self.two(Opcode::I32And, lane, Arg::I32(3));
        let a: Vec<Arg> = match scope.operand(1) {
            Operand::Vector(elements) => elements
                .iter()
                .map(|element| self.read(scope, element, Type::B32))
                .collect(),
            _ => {
                let thread = self.thread();
                let warp = self.two(Opcode::I32ShrU, thread, Arg::I32(WARP_LANES.ilog2()));
                let warp = self.two(Opcode::I32And, warp, Arg::I32(3));
                let rows = self.times(warp, Arg::I32(16));
                let line = self.two(Opcode::I32Add, rows, group);
                let descriptor = self.source(scope, 1);
                let matrix = self.matrix(descriptor, line, wgmma.transposes_a);
                (0..A_REGISTERS as u32)
                    .map(|register| {
                        let at = (8 * (register % 2), register / 2);
                        self.load_elements(&matrix, place, at)
                    })
                    .collect()
            }
        };
        let a: Vec<Arg> = a
            .into_iter()
            .map(|word| self.negated(word, wgmma.negates_a))
            .collect();
        let descriptor = self.source(scope, 2);
        let b = self.matrix(descriptor, group, wgmma.transposes_b);
        let keeps = self.condition(scope, 3);
        let targets = scope.vector(0);
        for (block, targets) in (0u32..).zip(targets.chunks(wgmma.mma.sum_registers())) {
            let mut inputs = vec![Arg::I64(u64::from(ALL_LANES))];
            for word in &a {
                inputs.push(self.in_64(*word));
            }
            for register in 0..B_REGISTERS as u32 {
                let word = self.load_elements(&b, place, (8 * block, register));
                let word = self.negated(word, wgmma.negates_b);
                inputs.push(self.in_64(word));
            }
            for target in targets {
                let added = match target {
                    Operand::Sink => Arg::I32(0),
                    register => self.read(scope, register, Type::B32),
                };
                let added = self.select(keeps, added, Arg::I32(0));
                inputs.push(self.in_64(added));
            }
            let taken: Vec<_> = targets.iter().map(|_| self.temp(Ty::I32)).collect();
            self.suspend(
                SuspendKind::Collective(WarpOp::Multiply(wgmma.mma)),
                inputs,
                taken.iter().copied().map(Some).collect(),
            );
            for (target, sum) in targets.iter().zip(taken) {
                self.write_to(scope, target, Arg::Reg(sum));
            }
        }
        Ok(())
    }
}
