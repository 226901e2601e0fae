//! Coalesced accesses: loads and stores whose lanes access one element, or elements at constant offsets
//! from the first lane's. A lane group needs a few accesses of whole vectors for them. They are not
//! checked: a guard at the beginning of the block has checked all of their addresses.

use wasm_encoder::{Instruction as W, MemArg, MemArgTarget};

use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::scalar;
use crate::compile::codegen::vector::{EVEN, VectorEmitter, splat, splat_i32};
use crate::compile::ir::{AccessAddress, Arg, Reg, Space, Ty};

/// Shuffles of a vector and zeros: four bytes from one on, each in a word of 32 bits with zeros above.
const BYTES_0: [u8; 16] = spread(0);
const BYTES_1: [u8; 16] = spread(4);
const BYTES_2: [u8; 16] = spread(8);
const BYTES_3: [u8; 16] = spread(12);

const fn spread(from: u8) -> [u8; 16] {
    let mut lanes = [16; 16];
    let mut lane = 0;
    while lane < 4 {
        lanes[lane as usize * 4] = from + lane;
        lane += 1;
    }
    lanes
}

/// An element of each lane in a coalesced access, and where they lie.
#[derive(Clone, Copy)]
pub(super) struct Elements<'p> {
    place: &'p AccessAddress,
    /// The first byte that the guard has checked, from the access's base on.
    first: i64,
    /// How far behind the first one of its lane each element lies.
    behind: i64,
    /// How far from the first lane's.
    pub(super) offsets: LaneOffsets,
    /// The size of an element.
    pub(super) bytes: u8,
}

impl Elements<'_> {
    /// The elements that lie so many behind the first ones of their lanes.
    pub(super) fn nth(self, number: i64) -> Self {
        let behind = number * i64::from(self.bytes);
        Elements { behind, ..self }
    }
}

impl VectorEmitter<'_> {
    /// The first elements of an access, and the local with the address that they count from. It is a
    /// copy: what is loaded may replace what the address was computed from.
    pub(super) fn begin_access<'p>(
        &mut self,
        place: &'p AccessAddress,
        offsets: LaneOffsets,
        bytes: u8,
    ) -> (Elements<'p>, u32) {
        let first = self.input.analyses.guards.first(place.site);
        let first = self.require(first, "an access without a guard");
        let is_shared = place.space == Space::Shared;
        self.guarded_address(place.base, first, is_shared);
        if !is_shared {
            self.op(W::I32WrapI64);
        }
        let base = self.base;
        self.set(base);
        let elements = Elements {
            place,
            first,
            behind: 0,
            offsets,
            bytes,
        };
        (elements, base)
    }

    /// The immediate of an access of a lane's element, with that address on the stack.
    pub(super) fn at(&self, elements: Elements<'_>, lane: u32) -> MemArg {
        let place = elements.place;
        let from_base = place.offset + elements.behind + elements.offsets.of(lane);
        let (memory, begin) = match place.space {
            Space::Shared => (0, self.input.layout.shared),
            _ => (1, 0),
        };
        // The guard begins with the least address of all.
        let offset = u64::try_from(from_base - elements.first).ok();
        let offset = self.require(offset, "an element before what its guard checks");
        MemArg {
            offset: u64::from(begin) + offset,
            align: 0,
            target: MemArgTarget::Memory(memory),
            ordering: None,
        }
    }

    pub(super) fn load(
        &mut self,
        place: &AccessAddress,
        targets: &[Reg],
        bytes: u8,
        offsets: LaneOffsets,
    ) {
        let (elements, base) = self.begin_access(place, offsets, bytes);
        if self.load_transposed(elements, targets, base) {
            return;
        }
        for (number, target) in (0i64..).zip(targets) {
            let elements = elements.nth(number);
            let ty = self.input.body.ty(*target);
            if offsets.is_none() {
                self.get(base);
                let at = self.at(elements, 0);
                self.op(scalar::load(ty, bytes, at));
                self.set_for_all(*target, ty);
            } else if u32::from(bytes) == ty.bytes() {
                for chunk in 0..self.chunk_count(ty) {
                    self.load_chunk(elements, *target, base, chunk);
                }
            } else {
                self.load_narrow(elements, *target, ty, base);
            }
        }
    }

    /// Sets all lanes of a register to the value on the stack.
    pub(super) fn set_for_all(&mut self, target: Reg, ty: Ty) {
        if !self.input.is_divergent(target) {
            return self.scalar.set_reg(target);
        }
        self.op(splat(ty));
        let [value, ..] = self.temps;
        self.set(value);
        for chunk in 0..self.chunk_count(ty) {
            self.get(value);
            self.set_chunk(target, chunk);
        }
    }

    /// Loads a chunk of a register from elements of its size, once the chunks before it are loaded.
    pub(super) fn load_chunk(
        &mut self,
        elements: Elements<'_>,
        target: Reg,
        base: u32,
        chunk: u32,
    ) {
        let size = u32::from(elements.bytes);
        let lanes = 16 / size;
        let offsets = elements.offsets;
        let first = chunk * lanes;
        let at = self.at(elements, first);
        let earlier = (0..chunk).find(|chunk| offsets.repeats(first, chunk * lanes, lanes));
        if let Some(earlier) = earlier {
            self.raw_chunk(target, earlier);
        } else if offsets.is_stride(first, lanes, i64::from(size)) {
            self.get(base);
            self.op(W::V128Load(at));
        } else if offsets.is_stride(first, lanes, 0) {
            self.get(base);
            self.op(if size == 4 {
                W::V128Load32Splat(at)
            } else {
                W::V128Load64Splat(at)
            });
        } else {
            self.get(base);
            self.op(if size == 4 {
                W::V128Load32Zero(at)
            } else {
                W::V128Load64Zero(at)
            });
            let [value, ..] = self.temps;
            for lane in 1..lanes {
                self.set(value);
                self.get(base);
                self.get(value);
                let memarg = self.at(elements, first + lane);
                let lane = lane as u8;
                self.op(if size == 4 {
                    W::V128Load32Lane { memarg, lane }
                } else {
                    W::V128Load64Lane { memarg, lane }
                });
            }
        }
        self.set_chunk(target, chunk);
    }

    /// Loads a register from elements that are smaller, with zeros above.
    fn load_narrow(&mut self, elements: Elements<'_>, target: Reg, ty: Ty, base: u32) {
        let size = u32::from(elements.bytes);
        let lanes = 16 / size;
        let [value, narrow, _] = self.temps;
        for part in 0..self.lanes() / lanes {
            let first = part * lanes;
            let at = self.at(elements, first);
            if elements
                .offsets
                .is_stride(first, 16 / size, i64::from(size))
            {
                self.get(base);
                self.op(W::V128Load(at));
                self.set(value);
            } else {
                self.op(W::V128Const(0));
                self.set(value);
                for lane in 0..lanes {
                    let memarg = self.at(elements, first + lane);
                    let lane = lane as u8;
                    self.get(base);
                    self.get(value);
                    self.op(match size {
                        1 => W::V128Load8Lane { memarg, lane },
                        2 => W::V128Load16Lane { memarg, lane },
                        _ => W::V128Load32Lane { memarg, lane },
                    });
                    self.set(value);
                }
            }
            // Elements become words of 32 bits, and these values of the register's type.
            for quarter in 0..4 / size {
                self.get(value);
                match (size, quarter) {
                    (1, quarter) => {
                        self.op(W::V128Const(0));
                        self.op(W::I8x16Shuffle(match quarter {
                            0 => BYTES_0,
                            1 => BYTES_1,
                            2 => BYTES_2,
                            _ => BYTES_3,
                        }));
                    }
                    (2, 0) => self.op(W::I32x4ExtendLowI16x8U),
                    (2, _) => self.op(W::I32x4ExtendHighI16x8U),
                    _ => {}
                }
                let chunk = part * (4 / size) + quarter;
                if ty.bytes() == 4 {
                    self.set_chunk(target, chunk);
                    continue;
                }
                self.set(narrow);
                for half in 0..2 {
                    self.get(narrow);
                    self.op(if half == 0 {
                        W::I64x2ExtendLowI32x4U
                    } else {
                        W::I64x2ExtendHighI32x4U
                    });
                    self.set_chunk(target, chunk * 2 + half);
                }
            }
        }
    }

    pub(super) fn store(
        &mut self,
        place: &AccessAddress,
        values: &[Arg],
        bytes: u8,
        offsets: LaneOffsets,
    ) {
        let (elements, base) = self.begin_access(place, offsets, bytes);
        if self.store_transposed(elements, values, base) {
            return;
        }
        for (number, value) in (0i64..).zip(values) {
            let elements = elements.nth(number);
            let ty = self.input.body.arg_ty(*value);
            if offsets.is_none() {
                self.get(base);
                self.scalar.arg(*value);
                let at = self.at(elements, 0);
                self.op(scalar::store(ty, bytes, at));
                continue;
            }
            let lanes = 16 / u32::from(bytes);
            for part in 0..self.lanes() / lanes {
                self.elements_of(*value, ty, bytes, part);
                self.store_lanes(elements, part * lanes, base);
            }
        }
    }

    /// Leaves the elements of the lanes that fill this vector of memory.
    fn elements_of(&mut self, value: Arg, ty: Ty, bytes: u8, part: u32) {
        if u32::from(bytes) == ty.bytes() {
            return self.chunk(value, part);
        }
        // The low words of four lanes.
        let word = |emitter: &mut Self, chunk: u32| {
            if ty.bytes() == 4 {
                emitter.chunk(value, chunk);
            } else {
                emitter.chunk(value, chunk * 2);
                emitter.chunk(value, chunk * 2 + 1);
                emitter.op(W::I8x16Shuffle(EVEN));
            }
        };
        match bytes {
            4 => word(self, part),
            2 => {
                for half in 0..2 {
                    word(self, part * 2 + half);
                    self.op(W::V128Const(splat_i32(0xffff)));
                    self.op(W::V128And);
                }
                self.op(W::I16x8NarrowI32x4U);
            }
            _ => {
                for half in 0..2 {
                    for quarter in 0..2 {
                        word(self, part * 4 + half * 2 + quarter);
                        self.op(W::V128Const(splat_i32(0xff)));
                        self.op(W::V128And);
                    }
                    self.op(W::I16x8NarrowI32x4U);
                }
                self.op(W::I8x16NarrowI16x8U);
            }
        }
    }

    /// Stores the vector on the stack, for the lanes from one on.
    fn store_lanes(&mut self, elements: Elements<'_>, first: u32, base: u32) {
        let size = u32::from(elements.bytes);
        let [value, ..] = self.temps;
        self.set(value);
        if elements
            .offsets
            .is_stride(first, 16 / size, i64::from(size))
        {
            self.get(base);
            self.get(value);
            let at = self.at(elements, first);
            return self.op(W::V128Store(at));
        }
        for lane in 0..16 / size {
            self.get(base);
            self.get(value);
            let memarg = self.at(elements, first + lane);
            let lane = lane as u8;
            self.op(match size {
                1 => W::V128Store8Lane { memarg, lane },
                2 => W::V128Store16Lane { memarg, lane },
                4 => W::V128Store32Lane { memarg, lane },
                _ => W::V128Store64Lane { memarg, lane },
            });
        }
    }
}
