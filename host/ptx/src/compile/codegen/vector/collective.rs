//! Collectives of a lane group that is a whole warp: shuffles and votes of all of its lanes, in vectors.
//!
//! A shuffle whose lanes are known when it is compiled, as those of reductions are, moves lanes from
//! vector to vector. Any other passes its values through memory, where each lane reads at an address of
//! its own. What a lane reads is as the PTX manual says ("shfl.sync", "vote.sync").

use wasm_encoder::Instruction as W;

use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::scratch;
use crate::compile::codegen::vector::{VectorEmitter, splat_i32};
use crate::compile::ir::{Arg, Reg, Ty};
use crate::simt::warp::{ShuffleMode, VoteMode, WARP_LANES, WarpOp, source_lane};

/// Lanes of a vector.
const LANES: u32 = 4;
/// Vectors of a warp.
const CHUNKS: u32 = WARP_LANES / LANES;

impl VectorEmitter<'_> {
    /// Computes a collective of all lanes.
    pub(super) fn collective(&mut self, op: WarpOp, targets: &[Reg], inputs: &[Arg]) {
        if !self.input.body.whole_warps {
            return self.inconsistent("a collective in a lane group that is no warp");
        }
        match (op, targets, inputs) {
            (WarpOp::Shuffle(mode), [value, inside], [a, b, c]) => {
                let constants = (b.bits(), c.bits());
                if let (Some(b), Some(c)) = constants
                    && self.shuffle_known_lanes(mode, [*value, *inside], *a, [b, c])
                {
                    return;
                }
                self.shuffle_through_memory(mode, [*value, *inside], [*a, *b, *c]);
            }
            (WarpOp::Vote(mode), [target], [a]) => self.vote(mode, *target, *a),
            // The group's threads are together, and what they wrote before is in memory.
            (WarpOp::Barrier, [], []) => {}
            (WarpOp::Multiply(mma), targets, inputs) => self.product(mma, targets, inputs),
            (WarpOp::Permute(permutation), targets, [a]) => {
                for (result, target) in targets.iter().enumerate() {
                    let lanes = 0..WARP_LANES as usize;
                    let sources = lanes.map(|lane| permutation.source(result, lane) as u32);
                    let sources: Vec<u32> = sources.collect();
                    if !self.move_known_lanes(*target, *a, &sources) {
                        self.move_each_lane(*target, *a, &sources);
                    }
                }
            }
            _ => self.inconsistent("a collective that has no vector form"),
        }
    }

    /// A shuffle of known lanes; false, and nothing done, where the lanes of one vector come from more
    /// than two.
    fn shuffle_known_lanes(
        &mut self,
        mode: ShuffleMode,
        [value, inside]: [Reg; 2],
        a: Arg,
        [b, c]: [u64; 2],
    ) -> bool {
        let lanes: Vec<Option<u32>> = (0..WARP_LANES)
            .map(|lane| source_lane(mode, lane, b, c))
            .collect();
        // A lane that reads outside of its segment keeps its own value.
        let sources: Vec<u32> = (0..)
            .zip(&lanes)
            .map(|(lane, source)| source.unwrap_or(lane))
            .collect();
        if !self.move_known_lanes(value, a, &sources) {
            return false;
        }
        for (chunk, lanes) in (0..).zip(lanes.chunks_exact(LANES as usize)) {
            let vector = lanes.iter().rev().fold(0u128, |vector, source| {
                vector << 32 | u128::from(source.is_some())
            });
            if self.input.is_divergent(inside) {
                self.op(W::V128Const(vector.cast_signed()));
                self.set_chunk_from_number(inside, chunk);
            } else if chunk == 0 {
                self.i32(u32::from(vector & 1 != 0));
                self.scalar.set_reg(inside);
            }
        }
        true
    }

    /// Moves lanes from where each reads; false, and nothing done, where those of one vector come from
    /// more than two.
    fn move_known_lanes(&mut self, value: Reg, a: Arg, sources: &[u32]) -> bool {
        let mut moves = Vec::new();
        for sources in sources.as_chunks::<{ LANES as usize }>().0 {
            let mut chunks: Vec<u32> = sources.iter().map(|source| source / LANES).collect();
            chunks.sort_unstable();
            chunks.dedup();
            let (first, second) = match *chunks.as_slice() {
                [only] => (only, only),
                [first, second] => (first, second),
                _ => return false,
            };
            moves.push((first, second, *sources));
        }
        if self.input.is_divergent(value) {
            for (chunk, (first, second, sources)) in (0..).zip(moves) {
                self.chunk(a, first);
                let stay = (chunk * LANES..)
                    .zip(&sources)
                    .all(|(own, from)| own == *from);
                if !stay {
                    self.chunk(a, second);
                    let byte = |place: usize| {
                        let source = sources[place / 4];
                        let of_second = first != second && source / LANES == second;
                        let lane = source % LANES + if of_second { LANES } else { 0 };
                        lane as u8 * 4 + (place % 4) as u8
                    };
                    self.op(W::I8x16Shuffle(std::array::from_fn(byte)));
                }
                self.set_chunk_from_number(value, chunk);
            }
        } else {
            // All lanes have the same, so they read the same.
            self.scalar.arg(a);
            self.scalar.set_reg(value);
        }
        true
    }

    /// Moves lanes from where each reads, one by one.
    fn move_each_lane(&mut self, value: Reg, a: Arg, sources: &[u32]) {
        if !self.input.is_divergent(value) {
            self.scalar.arg(a);
            return self.scalar.set_reg(value);
        }
        for (chunk, sources) in (0..).zip(sources.chunks_exact(LANES as usize)) {
            for (lane, source) in (0..).zip(sources) {
                self.chunk(a, source / LANES);
                self.op(W::I32x4ExtractLane((source % LANES) as u8));
                self.op(if lane == 0 {
                    W::I32x4Splat
                } else {
                    W::I32x4ReplaceLane(lane)
                });
            }
            self.set_chunk_from_number(value, chunk);
        }
    }

    /// A shuffle of any lanes: stores the values, and lets each lane load from where it reads.
    fn shuffle_through_memory(
        &mut self,
        mode: ShuffleMode,
        [value, inside]: [Reg; 2],
        [a, b, c]: [Arg; 3],
    ) {
        let values = self.input.layout.lanes;
        for chunk in 0..CHUNKS {
            self.i32(0);
            self.chunk(a, chunk);
            self.op(W::V128Store(scratch(values + 16 * chunk, 2)));
        }
        let [from, last, found] = self.temps;
        for chunk in 0..CHUNKS {
            self.last_lane(c, chunk, last);
            self.lane_read(mode, [b, c], chunk);
            self.set(from);
            // Whether that lies in the lane's segment.
            self.get(from);
            self.get(last);
            self.op(match mode {
                ShuffleMode::Up => W::I32x4GeS,
                ShuffleMode::Down | ShuffleMode::Butterfly | ShuffleMode::Index => W::I32x4LeS,
            });
            self.set(found);
            self.get(from);
            self.lane_numbers(chunk);
            self.get(found);
            self.op(W::V128Bitselect);
            self.set(from);
            for lane in 0..LANES {
                if lane == 0 {
                    self.element_of(from, lane);
                    self.op(W::V128Load32Splat(scratch(values, 2)));
                    self.set(last);
                    continue;
                }
                self.element_of(from, lane);
                self.get(last);
                let at = scratch(values, 2);
                self.op(W::V128Load32Lane {
                    memarg: at,
                    lane: lane as u8,
                });
                self.set(last);
            }
            self.set_lanes(value, last, chunk);
            self.get(found);
            self.op(W::V128Const(splat_i32(1)));
            self.op(W::V128And);
            self.set(found);
            self.set_lanes(inside, found, chunk);
        }
    }

    /// Sets a chunk of a register to the numbers of a vector; of a uniform one, the scalar, by the
    /// first chunk.
    fn set_lanes(&mut self, reg: Reg, vector: u32, chunk: u32) {
        if self.input.is_divergent(reg) {
            self.get(vector);
            self.set_chunk_from_number(reg, chunk);
        } else if chunk == 0 {
            self.get(vector);
            self.op(W::I32x4ExtractLane(0));
            self.scalar.set_reg(reg);
        }
    }

    /// Leaves the offset of the word that a lane of a vector of lane numbers names.
    fn element_of(&mut self, vector: u32, lane: u32) {
        self.get(vector);
        self.op(W::I32x4ExtractLane(lane as u8));
        self.i32(2);
        self.op(W::I32Shl);
    }

    /// Leaves the numbers of a chunk's lanes.
    fn lane_numbers(&mut self, chunk: u32) {
        let numbers = (0..LANES).rev().fold(0u128, |vector, lane| {
            vector << 32 | u128::from(chunk * LANES + lane)
        });
        self.op(W::V128Const(numbers.cast_signed()));
    }

    /// Sets a vector to the last lanes that the lanes of a chunk may read: where the bits of the
    /// segment mask are set, as in the lane's own number, else as in the clamp.
    fn last_lane(&mut self, c: Arg, chunk: u32, last: u32) {
        self.chunk(c, chunk);
        self.set(last);
        self.lane_numbers(chunk);
        self.get(last);
        self.op(W::V128Const(splat_i32(31)));
        self.op(W::V128And);
        self.segment_mask(last);
        self.op(W::V128Bitselect);
        self.set(last);
    }

    /// Leaves the segment masks, which are bits 8 to 12 of a vector.
    fn segment_mask(&mut self, c: u32) {
        self.get(c);
        self.i32(8);
        self.op(W::I32x4ShrU);
        self.op(W::V128Const(splat_i32(31)));
        self.op(W::V128And);
    }

    /// Leaves the lanes that the lanes of a chunk want to read.
    fn lane_read(&mut self, mode: ShuffleMode, [b, c]: [Arg; 2], chunk: u32) {
        let found = self.temps[2];
        if mode == ShuffleMode::Index {
            self.chunk(c, chunk);
            self.set(found);
            self.lane_numbers(chunk);
            self.chunk(b, chunk);
            self.op(W::V128Const(splat_i32(31)));
            self.op(W::V128And);
            self.segment_mask(found);
            self.op(W::V128Bitselect);
            return;
        }
        self.lane_numbers(chunk);
        self.chunk(b, chunk);
        self.op(W::V128Const(splat_i32(31)));
        self.op(W::V128And);
        self.op(match mode {
            ShuffleMode::Up => W::I32x4Sub,
            ShuffleMode::Down => W::I32x4Add,
            ShuffleMode::Butterfly | ShuffleMode::Index => W::V128Xor,
        });
    }

    /// A vote of all lanes.
    fn vote(&mut self, mode: VoteMode, target: Reg, a: Arg) {
        match mode {
            VoteMode::Any => self.any(a),
            VoteMode::All => self.all(a),
            VoteMode::Uniform => {
                self.any(a);
                self.all(a);
                self.op(W::I32Eq);
            }
            VoteMode::Ballot => {
                for chunk in 0..CHUNKS {
                    self.mask(a, chunk);
                    self.op(W::I32x4Bitmask);
                    if chunk > 0 {
                        self.i32(chunk * LANES);
                        self.op(W::I32Shl);
                        self.op(W::I32Or);
                    }
                }
            }
        }
        if !self.input.is_divergent(target) {
            return self.scalar.set_reg(target);
        }
        self.set(self.temp);
        for chunk in 0..self.chunk_count(Ty::I32) {
            self.get(self.temp);
            self.op(W::I32x4Splat);
            self.set_chunk_from_number(target, chunk);
        }
    }

    /// Leaves whether a condition holds in any lane.
    fn any(&mut self, condition: Arg) {
        for chunk in 0..CHUNKS {
            self.mask(condition, chunk);
            if chunk > 0 {
                self.op(W::V128Or);
            }
        }
        self.op(W::V128AnyTrue);
    }

    /// Leaves whether a condition holds in all lanes.
    fn all(&mut self, condition: Arg) {
        for chunk in 0..CHUNKS {
            self.mask(condition, chunk);
            if chunk > 0 {
                self.op(W::V128And);
            }
        }
        self.op(W::I32x4AllTrue);
    }
}
