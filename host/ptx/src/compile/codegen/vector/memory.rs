//! Loads and stores of groups whose threads access the same, or what lies a stride apart. That all of
//! it is there was looked at before.

use wasm_encoder::{Instruction as W, MemArg, MemArgTarget};

use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::Emitter;
use crate::compile::codegen::memory::{load_op, store_op};
use crate::compile::codegen::vector::{EVEN, VECTOR_LANES, splat_i32};
use crate::compile::ir::{Arg, Place, Reg, Space, Ty};

/// The first half of a vector, and the second, each four bytes or two words of 16 bits further apart.
const BYTES_0: [u8; 16] = spread(0);
const BYTES_1: [u8; 16] = spread(4);
const BYTES_2: [u8; 16] = spread(8);
const BYTES_3: [u8; 16] = spread(12);

/// Four bytes from one on, each in a word of 32 bits with zeros above: for a shuffle with zeros.
const fn spread(from: u8) -> [u8; 16] {
    let mut lanes = [16; 16];
    let mut lane = 0;
    while lane < 4 {
        lanes[lane as usize * 4] = from + lane;
        lane += 1;
    }
    lanes
}

/// An access, and where its threads' elements lie.
#[derive(Clone, Copy)]
pub(crate) struct Elements<'p> {
    place: &'p Place,
    /// From the first thread's element on, of each element of a thread.
    offset: i64,
    pub(crate) apart: LaneOffsets,
    pub(crate) bytes: u8,
}

impl Elements<'_> {
    /// Those that lie so many behind in what each thread accesses.
    pub(crate) fn of(self, number: i64) -> Self {
        let offset = number * i64::from(self.bytes);
        Elements { offset, ..self }
    }
}

impl Emitter<'_> {
    /// The first elements of an access, and the local with the address that it counts from: what is
    /// loaded may be what the address was computed from.
    pub(crate) fn begin_access<'p>(
        &mut self,
        place: &'p Place,
        apart: LaneOffsets,
        bytes: u8,
    ) -> (Elements<'p>, u32) {
        let (first, short) = (self.guarded_from(place), place.space == Space::Shared);
        self.anchor(place.base, first, short);
        if !short {
            self.op(W::I32WrapI64);
        }
        let (base, offset) = (self.group.base, 0);
        self.set(base);
        let elements = Elements {
            place,
            offset,
            apart,
            bytes,
        };
        (elements, base)
    }

    /// The first byte that the guard of a coalesced access checks, from the access's base on.
    fn guarded_from(&self, place: &Place) -> i64 {
        let first = self.shared.plan.first(place.site);
        self.must(first, "a coalesced access without a guard")
    }

    /// Where the element of a thread lies, from that address on.
    pub(crate) fn at(&self, elements: Elements<'_>, lane: u32) -> MemArg {
        let place = elements.place;
        let first = self.guarded_from(place);
        let away = elements.apart.of(lane);
        let offset = place.offset + elements.offset + away - first;
        let (memory, begin) = match place.space {
            Space::Shared => (0, self.shared.layout.shared),
            _ => (1, 0),
        };
        MemArg {
            offset: u64::from(begin).wrapping_add_signed(offset),
            align: 0,
            target: MemArgTarget::Memory(memory),
            ordering: None,
        }
    }

    pub(crate) fn group_load(
        &mut self,
        place: &Place,
        targets: &[Reg],
        bytes: u8,
        apart: LaneOffsets,
    ) {
        let (elements, base) = self.begin_access(place, apart, bytes);
        if self.load_quads(elements, targets, base) {
            return;
        }
        for (number, target) in (0i64..).zip(targets) {
            let elements = elements.of(number);
            let ty = self.shared.body.ty(*target);
            if apart.is_none() {
                self.get(base);
                let at = self.at(elements, 0);
                self.op(load_op(ty, bytes, at));
                self.set_for_all(*target, ty);
            } else if u32::from(bytes) == ty.bytes() {
                self.load_words(elements, *target, base);
            } else {
                self.load_parts(elements, *target, ty, base);
            }
        }
    }

    /// Sets a register from one value.
    fn set_for_all(&mut self, target: Reg, ty: Ty) {
        if self.shared.classes.of(target) != Uniformity::Divergent {
            return self.set(self.reg(target));
        }
        self.op(match ty {
            Ty::I32 => W::I32x4Splat,
            Ty::I64 => W::I64x2Splat,
            Ty::F32 => W::F32x4Splat,
            Ty::F64 => W::F64x2Splat,
        });
        let [value, ..] = self.group.temps;
        self.set(value);
        for chunk in 0..self.chunk_count(ty) {
            self.get(value);
            self.set_chunk(target, chunk);
        }
    }

    fn load_words(&mut self, elements: Elements<'_>, target: Reg, base: u32) {
        for chunk in 0..VECTOR_LANES * u32::from(elements.bytes) / 16 {
            self.load_word(elements, target, base, chunk);
        }
    }

    /// Loads a chunk of a register, once those before it are loaded.
    pub(crate) fn load_word(&mut self, elements: Elements<'_>, target: Reg, base: u32, chunk: u32) {
        let size = u32::from(elements.bytes);
        let lanes = 16 / size;
        let apart = elements.apart;
        let first = chunk * lanes;
        let at = self.at(elements, first);
        let earlier = (0..chunk).find(|chunk| apart.repeats(first, chunk * lanes, lanes));
        if let Some(earlier) = earlier {
            self.raw_chunk(target, earlier);
        } else if apart.is_stride(first, lanes, i64::from(size)) {
            self.get(base);
            self.op(W::V128Load(at));
        } else if apart.is_stride(first, lanes, 0) {
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
            let [value, ..] = self.group.temps;
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

    /// Loads what is smaller than its register, with zeros above.
    fn load_parts(&mut self, elements: Elements<'_>, target: Reg, ty: Ty, base: u32) {
        let size = u32::from(elements.bytes);
        let lanes = 16 / size;
        let [value, narrow, _] = self.group.temps;
        for part in 0..VECTOR_LANES / lanes {
            let first = part * lanes;
            let at = self.at(elements, first);
            if elements.apart.is_stride(first, 16 / size, i64::from(size)) {
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
            // Words of 32 bits, and of these the register's.
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

    pub(crate) fn group_store(
        &mut self,
        place: &Place,
        values: &[Arg],
        bytes: u8,
        apart: LaneOffsets,
    ) {
        let (elements, base) = self.begin_access(place, apart, bytes);
        if self.store_quads(elements, values, base) {
            return;
        }
        for (number, value) in (0i64..).zip(values) {
            let elements = elements.of(number);
            let ty = self.shared.body.arg_ty(*value);
            if apart.is_none() {
                self.get(base);
                self.arg(*value);
                let at = self.at(elements, 0);
                self.op(store_op(ty, bytes, at));
                continue;
            }
            let lanes = 16 / u32::from(bytes);
            for part in 0..VECTOR_LANES / lanes {
                self.part_to_store(*value, ty, bytes, part);
                self.store_lanes(elements, part * lanes, base);
            }
        }
    }

    /// Leaves a vector of elements, as many as there are in it.
    fn part_to_store(&mut self, value: Arg, ty: Ty, bytes: u8, part: u32) {
        if u32::from(bytes) == ty.bytes() {
            return self.chunk(value, part);
        }
        // Words of 32 bits of what is to be stored.
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

    /// Stores the vector on the stack from a thread on.
    fn store_lanes(&mut self, elements: Elements<'_>, first: u32, base: u32) {
        let size = u32::from(elements.bytes);
        let [value, ..] = self.group.temps;
        self.set(value);
        if elements.apart.is_stride(first, 16 / size, i64::from(size)) {
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
