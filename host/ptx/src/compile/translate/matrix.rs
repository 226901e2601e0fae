//! Translates matrices in shared memory, and asynchronous copies into it (PTX ISA, "Warp Level Matrix
//! Instructions", "Data Movement and Conversion Instructions: Asynchronous copy").

use crate::address::SHARED_BASE;
use crate::compile::Unsupported;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{
    AccessAddress, Arg, AsyncCopy, BlockId, End, MatrixLoad, MatrixRows, Op as IrOp, SiteId,
    SiteKind, Space, SpecialValue, SuspendKind, Ty,
};
use crate::compile::translate::{Builder, FunctionScope};
use crate::simt::matrix::{Permutation, ROW_BYTES, matrices};
use crate::simt::warp::{ALL_LANES, WARP_LANES, WarpOp};
use crate::syntax::modifier::Modifier;
use crate::syntax::table::OperandKind;
use crate::syntax::tree::Operand;
use crate::syntax::types::Type;

/// The row that a thread gives.
struct OwnRow {
    /// Its address, as an offset into shared memory.
    row: Arg,
    /// The site of an address that is misaligned.
    misaligned: SiteId,
    /// The block that computes the address, and the next one, which begins with checks of it: where the
    /// address is one of shared memory for sure.
    split: Option<(BlockId, BlockId)>,
}

impl<'m> Builder<'m> {
    pub(super) fn thread(&mut self) -> Arg {
        let thread = self.temp(Ty::I32);
        self.push(IrOp::Special(thread, SpecialValue::Thread));
        Arg::Reg(thread)
    }

    pub(super) fn lane(&mut self) -> Arg {
        let thread = self.thread();
        self.two(Opcode::I32And, thread, Arg::I32(WARP_LANES - 1))
    }

    /// Gives each lane the words of others.
    fn exchanged(&mut self, permutation: Permutation, word: Arg) -> Vec<Arg> {
        let word = self.in_64(word);
        let taken: Vec<_> = (0..permutation.results())
            .map(|_| self.temp(Ty::I32))
            .collect();
        self.suspend(
            SuspendKind::Collective(WarpOp::Permute(permutation)),
            vec![Arg::I64(u64::from(ALL_LANES)), word],
            taken.iter().copied().map(Some).collect(),
        );
        taken.into_iter().map(Arg::Reg).collect()
    }

    /// The address of the row that the thread gives, as an offset into shared memory. That of a lane
    /// without a row does not matter.
    fn own_row(&mut self, scope: &FunctionScope<'m>, operand: usize) -> OwnRow {
        let place = self.place(scope, operand, (4, 1, false));
        let misaligned = u64::from(ROW_BYTES - 1);
        let mut split = None;
        let (row, shown, wrong) = if place.space == Space::Shared {
            let offset = place.offset as u32;
            let row = self.two(Opcode::I32Add, place.base, Arg::I32(offset));
            let (block, check) = (self.current, self.new_block());
            self.end(End::Jump(check), check);
            split = Some((block, check));
            let wrong = self.two(Opcode::I32And, row, Arg::I32(misaligned as u32));
            let wrong = self.two(Opcode::I32Ne, wrong, Arg::I32(0));
            (row, row, wrong)
        } else {
            let base = self.in_64(place.base);
            let offset = Arg::I64(place.offset.cast_unsigned());
            let address = self.two(Opcode::I64Add, base, offset);
            let row = self.two(Opcode::I64Sub, address, Arg::I64(SHARED_BASE));
            let beyond = Arg::I64(u64::from(u32::MAX) << 32 | misaligned);
            let wrong = self.two(Opcode::I64And, row, beyond);
            let wrong = self.two(Opcode::I64Ne, wrong, Arg::I64(0));
            let row = self.as_ty(row, Ty::I32);
            (row, address, wrong)
        };
        let lanes = 8 * u32::from(matrices(&scope.instruction.modifiers));
        let mut wrong = wrong;
        if lanes < WARP_LANES {
            let lane = self.lane();
            let counts = self.two(Opcode::I32LtU, lane, Arg::I32(lanes));
            wrong = self.two(Opcode::I32And, wrong, counts);
        }
        let (fault, next) = (self.new_block(), self.new_block());
        let site = self.site(SiteKind::MatrixRow);
        self.end(End::Branch(wrong, fault, next), fault);
        let shown = self.in_64(shown);
        self.end(End::Fault(site, shown), next);
        OwnRow {
            row,
            misaligned: site,
            split,
        }
    }

    /// Where the elements lie that the lane has of each matrix: two in one word, or in a transpose in a
    /// half each.
    fn elements(
        &mut self,
        scope: &FunctionScope<'m>,
        row: Arg,
        write: bool,
    ) -> Vec<Vec<AccessAddress>> {
        let transposed = scope.has(Modifier::Trans);
        let count = matrices(&scope.instruction.modifiers);
        let permutation = match transposed {
            true => Permutation::Columns(count),
            false => Permutation::Rows(count),
        };
        let rows = self.exchanged(permutation, row);
        let lane = self.lane();
        let (bytes, offset) = if transposed {
            let group = self.two(Opcode::I32ShrU, lane, Arg::I32(2));
            (2, self.two(Opcode::I32Shl, group, Arg::I32(1)))
        } else {
            let place = self.two(Opcode::I32And, lane, Arg::I32(3));
            (4, self.two(Opcode::I32Shl, place, Arg::I32(2)))
        };
        let each = rows.chunks(if transposed { 2 } else { 1 });
        each.map(|rows| {
            let places = rows.iter().map(|row| {
                let base = self.two(Opcode::I32Add, *row, offset);
                self.shared_place(base, bytes, write)
            });
            places.collect()
        })
        .collect()
    }

    fn shared_place(&mut self, base: Arg, bytes: u32, write: bool) -> AccessAddress {
        let space = Space::Shared;
        let site = self.site(SiteKind::Access {
            space,
            bytes,
            lanes: 1,
            write,
        });
        AccessAddress {
            space,
            base,
            offset: 0,
            site,
        }
    }

    /// `ldmatrix`.
    pub(crate) fn load_matrix(&mut self, scope: &FunctionScope<'m>) {
        let own = self.own_row(scope, 1);
        // A target may be the register with the address: all lanes have given theirs before.
        let waits_at = self.body.suspend_points.next_key();
        let places = self.elements(scope, own.row, false);
        let element = places.iter().flatten().map(|place| place.site).next();
        let words: Vec<Arg> = places
            .into_iter()
            .map(|places| self.load_word(places))
            .collect();
        if let (Some((block, of_single_threads)), Some(element)) = (own.split, element) {
            let site = self.site(SiteKind::Access {
                space: Space::Shared,
                bytes: ROW_BYTES,
                lanes: 1,
                write: false,
            });
            let rows = AccessAddress {
                space: Space::Shared,
                base: own.row,
                offset: 0,
                site,
            };
            let next = self.new_block();
            self.end(End::Jump(next), next);
            self.body.matrix_loads.push(MatrixLoad {
                block,
                of_single_threads,
                waits_at,
                step: MatrixRows {
                    targets: words.iter().filter_map(|word| word.reg()).collect(),
                    rows,
                    transposed: scope.has(Modifier::Trans),
                    misaligned: own.misaligned,
                    element,
                },
                next,
            });
        }
        for (target, word) in scope.vector(0).iter().zip(words) {
            self.write_to(scope, target, word);
        }
    }

    /// Loads the word of a lane, which lies in one piece or in two halves.
    fn load_word(&mut self, places: Vec<AccessAddress>) -> Arg {
        let mut word = Arg::I32(0);
        let bytes = 4 / places.len().max(1) as u8;
        for (number, place) in places.into_iter().enumerate() {
            let loaded = self.load_one(place, bytes);
            word = match number {
                0 => loaded,
                _ => {
                    let upper = self.two(Opcode::I32Shl, loaded, Arg::I32(16));
                    self.two(Opcode::I32Or, word, upper)
                }
            };
        }
        word
    }

    fn load_one(&mut self, place: AccessAddress, bytes: u8) -> Arg {
        let target = self.temp(Ty::I32);
        self.push(IrOp::Load {
            targets: vec![target],
            place,
            bytes,
            atomic: false,
        });
        Arg::Reg(target)
    }

    fn store_one(&mut self, place: AccessAddress, bytes: u8, value: Arg) {
        self.push(IrOp::Store {
            place,
            bytes,
            values: vec![value],
            atomic: false,
        });
    }

    /// `stmatrix`.
    pub(crate) fn store_matrix(&mut self, scope: &FunctionScope<'m>) {
        let row = self.own_row(scope, 0).row;
        let places = self.elements(scope, row, true);
        for (element, places) in scope.vector(1).iter().zip(places) {
            let word = self.read(scope, element, Type::B32);
            let word = self.as_ty(word, Ty::I32);
            let bytes = 4 / places.len().max(1) as u8;
            for (number, place) in places.into_iter().enumerate() {
                let value = match number {
                    0 => word,
                    _ => self.two(Opcode::I32ShrU, word, Arg::I32(16)),
                };
                self.store_one(place, bytes, value);
            }
        }
    }

    /// `movmatrix`.
    pub(crate) fn transpose_matrix(&mut self, scope: &FunctionScope<'m>) {
        let word = self.source(scope, 1);
        let word = self.as_ty(word, Ty::I32);
        let words = self.exchanged(Permutation::Transpose, word);
        // Lanes of odd groups have the upper halves.
        let lane = self.lane();
        let odd = self.two(Opcode::I32And, lane, Arg::I32(4));
        let mut value = Arg::I32(0);
        for (shift, word) in [0, 16].into_iter().zip(words) {
            let upper = self.two(Opcode::I32ShrU, word, Arg::I32(16));
            let half = self.select(odd, upper, word);
            let half = self.two(Opcode::I32And, half, Arg::I32(0xffff));
            let half = self.two(Opcode::I32Shl, half, Arg::I32(shift));
            value = self.two(Opcode::I32Or, value, half);
        }
        self.write(scope, value);
    }

    /// `cp.async`: copies at once. What is not copied becomes zeros.
    pub(crate) fn copy_async(&mut self, scope: &FunctionScope<'m>) -> Result<(), Unsupported> {
        let Operand::Integer(size) = *scope.operand(2) else {
            return Err(self.unsupported("a copy of a size that is not known"));
        };
        let size = size as u32;
        let takes_size = matches!(
            scope.instruction.row.operands.get(3),
            Some(OperandKind::SrcCopied)
        );
        let copied = takes_size.then(|| self.copied(scope, size));
        let (from, to) = self.copy_places(scope, 4, size / 4);
        let (from_byte, to_byte) = self.copy_places(scope, 1, 1);
        self.push(IrOp::CopyAsync(AsyncCopy {
            from,
            to,
            bytes: size as u8,
            copied,
            from_byte: from_byte.site,
            to_byte: to_byte.site,
        }));
        Ok(())
    }

    /// How many bytes are copied.
    fn copied(&mut self, scope: &FunctionScope<'m>, size: u32) -> Arg {
        let is_predicate = match scope.operand(3) {
            Operand::Not(_) => true,
            Operand::Register(register) => scope.function.register_type(*register) == Type::Pred,
            _ => false,
        };
        if is_predicate {
            let ignored = self.condition_of(scope, scope.operand(3), Type::Pred);
            return self.select(ignored, Arg::I32(0), Arg::I32(size));
        }
        let copied = self.read(scope, scope.operand(3), Type::U32);
        // The register may be used for what is copied next.
        let kept = self.temp(Ty::I32);
        self.push(IrOp::Copy(kept, copied));
        Arg::Reg(kept)
    }

    /// Where a copy comes from and goes to, for so many elements of so many bytes.
    pub(super) fn copy_places(
        &mut self,
        scope: &FunctionScope<'m>,
        bytes: u32,
        lanes: u32,
    ) -> (AccessAddress, AccessAddress) {
        let from = self.place(scope, 1, (bytes, lanes, false));
        let to = self.place(scope, 0, (bytes, lanes, true));
        (from, to)
    }

    /// A place so many bytes farther.
    pub(super) fn moved_place(&mut self, place: AccessAddress, by: Arg) -> AccessAddress {
        let base = if self.body.arg_ty(place.base) == Ty::I64 {
            let by = self.in_64(by);
            self.two(Opcode::I64Add, place.base, by)
        } else {
            self.two(Opcode::I32Add, place.base, by)
        };
        AccessAddress { base, ..place }
    }
}
