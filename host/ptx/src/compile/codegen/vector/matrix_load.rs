//! Matrices that a warp loads by itself: each row is a vector of memory. A register of all lanes has the
//! rows of a matrix one after another; in a transpose its columns, for which 8 rows of 8 halves are
//! transposed.

use wasm_encoder::{BlockType, Instruction as W, ValType};

use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::scratch;
use crate::compile::codegen::vector::VectorEmitter;
use crate::compile::ir::MatrixRows;
use crate::simt::matrix::ROW_BYTES;
use crate::simt::warp::WARP_LANES;

/// The rows of a matrix.
const ROWS: u32 = 8;

impl VectorEmitter<'_> {
    pub(super) fn load_matrix(&mut self, load: &MatrixRows) {
        if !self.input.body.whole_warps {
            return self.inconsistent("matrices of a lane group that is no warp");
        }
        let matrices = load.targets.len() as u32;
        self.is_outside(&load.rows, ROWS * matrices);
        self.if_unlikely();
        self.find_wrong_row(load, matrices);
        self.op(W::End);
        for (matrix, target) in (0..matrices).zip(&load.targets) {
            let rows = self.matrix_locals();
            for (row, local) in (0..).zip(rows) {
                self.lane_address(&load.rows, ROWS * matrix + row);
                self.op(W::V128Load(scratch(self.input.layout.shared, 0)));
                if load.transposed {
                    self.set(local);
                } else {
                    self.set_chunk(*target, row);
                }
            }
            if load.transposed {
                self.transpose_halves(rows);
                for (place, local) in (0u32..).zip(rows) {
                    self.get(local);
                    self.set_chunk(
                        *target,
                        place.reverse_bits() >> (32 - ROWS.trailing_zeros()),
                    );
                }
            }
        }
    }

    /// Locals of the rows of a matrix, the same for each.
    fn matrix_locals(&mut self) -> [u32; ROWS as usize] {
        if let Some(locals) = self.matrix_rows {
            return locals;
        }
        let locals = [(); ROWS as usize].map(|()| self.local(ValType::V128));
        self.matrix_rows = Some(locals);
        locals
    }

    /// Transposes 8 rows of 8 halves, in three rounds of pairs. The columns are then where rows were whose
    /// numbers have the bits of theirs in the other order.
    fn transpose_halves(&mut self, rows: [u32; ROWS as usize]) {
        for (bytes, apart) in [(2, 1), (4, 2), (8, 4)] {
            for first in (0..ROWS as usize).filter(|row| row & apart == 0) {
                let (Some(a), Some(b)) = (rows.get(first), rows.get(first + apart)) else {
                    continue;
                };
                self.get(*a);
                self.get(*b);
                self.op(W::I8x16Shuffle(interleaved(bytes, 0)));
                self.get(*a);
                self.get(*b);
                self.op(W::I8x16Shuffle(interleaved(bytes, 1)));
                self.set(*b);
                self.set(*a);
            }
        }
    }

    /// Ends the launch with the fault of a lane whose row is misaligned, or else lies outside of shared
    /// memory, as single threads do; there is one.
    fn find_wrong_row(&mut self, load: &MatrixRows, matrices: u32) {
        let rows = self.input.layout.lanes;
        for chunk in 0..WARP_LANES / 4 {
            self.i32(0);
            self.chunk(load.rows.base, chunk);
            self.op(W::V128Store(scratch(rows + 16 * chunk, 2)));
        }
        let row_of = |emitter: &mut Self| {
            // Of the lane on the stack.
            emitter.i32(2);
            emitter.op(W::I32Shl);
            emitter.op(W::I32Load(scratch(rows, 2)));
            emitter.i32((load.rows.offset.cast_unsigned() & 0xffff_ffff) as u32);
            emitter.op(W::I32Add);
        };
        let lane = self.lane;
        self.each_lane(ROWS * matrices, |emitter| {
            emitter.get(lane);
            row_of(emitter);
            emitter.set(emitter.temp);
            emitter.get(emitter.temp);
            emitter.i32(ROW_BYTES - 1);
            emitter.op(W::I32And);
            emitter.op(W::If(BlockType::Empty));
            emitter.fault_at_temp(load.misaligned);
            emitter.op(W::End);
        });
        let halves = if load.transposed { 2 } else { 1 };
        let bytes = 4 / halves;
        self.each_lane(WARP_LANES, |emitter| {
            for matrix in 0..matrices {
                for half in 0..halves {
                    // The lane's row, and where its element is in it.
                    emitter.get(lane);
                    if load.transposed {
                        emitter.i32(3);
                        emitter.op(W::I32And);
                        emitter.i32(1);
                        emitter.op(W::I32Shl);
                    } else {
                        emitter.i32(2);
                        emitter.op(W::I32ShrU);
                    }
                    emitter.i32(ROWS * matrix + half);
                    emitter.op(W::I32Add);
                    row_of(emitter);
                    emitter.get(lane);
                    if load.transposed {
                        emitter.i32(2);
                        emitter.op(W::I32ShrU);
                        emitter.i32(1);
                    } else {
                        emitter.i32(3);
                        emitter.op(W::I32And);
                        emitter.i32(2);
                    }
                    emitter.op(W::I32Shl);
                    emitter.op(W::I32Add);
                    emitter.op(W::LocalTee(emitter.temp));
                    let shift = bytes.trailing_zeros();
                    emitter.i32(shift);
                    emitter.op(W::I32ShrU);
                    emitter.get(emitter.scalar.shared_limit(shift as u8));
                    emitter.op(W::I32GeU);
                    emitter.op(W::If(BlockType::Empty));
                    emitter.fault_at_temp(load.element);
                    emitter.op(W::End);
                }
            }
        });
        self.op(W::Unreachable);
    }

    /// Does something for each of the first lanes, whose number is in a local and whose thread is the
    /// present one.
    fn each_lane(&mut self, lanes: u32, step: impl FnOnce(&mut Self)) {
        let (thread, lane, first) = (self.scalar.thread, self.lane, self.first_of_group);
        self.get(thread);
        self.set(first);
        self.i32(0);
        self.set(lane);
        self.op(W::Loop(BlockType::Empty));
        step(self);
        self.get(thread);
        self.i32(1);
        self.op(W::I32Add);
        self.set(thread);
        self.get(lane);
        self.i32(1);
        self.op(W::I32Add);
        self.op(W::LocalTee(lane));
        self.i32(lanes);
        self.op(W::I32LtU);
        self.op(W::BrIf(0));
        self.op(W::End);
        self.get(first);
        self.set(thread);
    }

    /// The present thread's fault, at the address in a local.
    fn fault_at_temp(&mut self, site: crate::compile::ir::SiteId) {
        self.get(self.temp);
        self.op(W::I64ExtendI32U);
        self.set(self.scalar.address);
        self.scalar.fault(site);
    }
}

/// The shuffle that interleaves elements of the lower or the upper halves of two vectors.
const fn interleaved(bytes: u8, upper: u8) -> [u8; 16] {
    let mut lanes = [0; 16];
    let mut place = 0;
    while place < 16 {
        let element = place / bytes;
        let second = element % 2;
        lanes[place as usize] = second * 16 + upper * 8 + element / 2 * bytes + place % bytes;
        place += 1;
    }
    lanes
}
