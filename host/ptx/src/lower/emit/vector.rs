//! WebAssembly for groups of threads that run together: one value where they have it in common, else
//! vectors with a lane for each.
//!
//! What has no vector form is done for one lane after another, by the same code that serves single
//! threads, so it says and does the same. Where the threads of a group part, each goes on alone, in
//! the function that runs threads one by one.

use std::collections::HashMap;

use wasm_encoder::{BlockType, Instruction as W, ValType};

use super::{BEHIND, Emitter, FIRST, Function, Imports, Shared, scratch, val};
use crate::lower::Unsupported;
use crate::lower::class::{Class, Classes};
use crate::lower::code::Code;
use crate::lower::graph::Kind;
use crate::lower::ir::{Arg, BlockId, End, Op, Place, Reg, SiteKind, Space, Ty};
use crate::lower::layout::{self, APART, ENDED, WAITS};
use crate::lower::structure::Item;

/// How many threads run together.
pub(crate) const WIDTH: u32 = 16;

/// The most locals of vectors: beyond, they would live on the stack, and compiling takes long.
const MOST_VECTORS: usize = 12_000;

/// What the function for groups knows besides.
pub(super) struct Vector<'k> {
    pub classes: &'k Classes,
    /// The locals of each varying register: four lanes each, or two where they have 64 bits.
    pub chunks: Vec<Vec<u32>>,
    /// The resume point of blocks whose threads may part.
    pub resume_of: HashMap<BlockId, u32>,
    /// How many labels are open.
    pub depth: u32,
    /// Vectors for what is at hand.
    pub temps: [u32; 3],
    /// For lanes one by one: the lane, and scalar stand-ins of registers.
    pub lane: u32,
    pub first: u32,
    pub stand_ins: HashMap<(Ty, usize), u32>,
    pub told: u32,
    /// Windows as vectors need them: how many units begin where a whole group's worth follows.
    pub counts: Vec<u32>,
    pub limits: HashMap<u8, u32>,
}

/// Writes the function that runs groups, and leaves single threads to the function `scalar`.
///
/// # Errors
/// Where there are too many registers.
pub(crate) fn vector(
    shared: &Shared<'_>,
    classes: &Classes,
    items: &[Item],
) -> Result<Function, Unsupported> {
    let mut emitter = Emitter::new(shared);
    let mut chunks = Vec::with_capacity(shared.body.regs.len());
    let mut vectors = 0;
    for (number, ty) in (0u32..).zip(&shared.body.regs) {
        let varies = classes.of(Reg(number)) == Class::Varying;
        let count = if varies { WIDTH * ty.bytes() / 16 } else { 0 };
        vectors += count as usize;
        let locals = (0..count).map(|_| emitter.local(ValType::V128)).collect();
        chunks.push(locals);
        let scalar = if varies { 0 } else { emitter.local(val(*ty)) };
        emitter.regs.push(scalar);
    }
    if vectors > MOST_VECTORS || emitter.locals.len() > super::MOST_LOCALS {
        return Err(Unsupported::limit("too many registers"));
    }
    let mut resume_of = HashMap::new();
    for (number, block) in (0u32..).zip(&shared.graph.resumes).skip(1) {
        resume_of.entry(*block).or_insert(number);
    }
    let temps = [(); 3].map(|()| emitter.local(ValType::V128));
    let vector = Vector {
        classes,
        chunks,
        resume_of,
        depth: 0,
        temps,
        lane: emitter.local(ValType::I32),
        first: emitter.local(ValType::I32),
        stand_ins: HashMap::new(),
        told: emitter.local(ValType::I32),
        counts: Vec::new(),
        limits: HashMap::new(),
    };
    emitter.vector = Some(vector);
    emitter.group_prologue();
    for item in items {
        emitter.item(item);
    }
    emitter.op(W::Unreachable);
    emitter.op(W::End);
    Ok(emitter.finish())
}

impl<'k> Emitter<'k> {
    fn v(&self) -> &Vector<'k> {
        // Only called while a function for groups is written.
        match &self.vector {
            Some(vector) => vector,
            None => unreachable!("no group"),
        }
    }

    fn class(&self, arg: Arg) -> Class {
        self.v().classes.of_arg(arg)
    }

    fn chunk_count(&self, ty: Ty) -> u32 {
        WIDTH * ty.bytes() / 16
    }

    /// Calls the function for single threads, and returns what it says if it was told to return.
    fn alone(&mut self) {
        let told = self.v().told;
        self.op(W::Call(Imports::COUNT));
        self.op(W::LocalTee(told));
        self.i32(0);
        self.op(W::I32GeS);
        self.if_unlikely();
        self.get(told);
        self.op(W::Return);
        self.op(W::End);
    }

    fn group_prologue(&mut self) {
        // Where the block's shape does not let groups have a row in common, nobody runs together.
        self.i32(0);
        self.op(W::I32Load(scratch(layout::GROUPS, 2)));
        self.op(W::I32Eqz);
        self.op(W::If(BlockType::Empty));
        self.get(FIRST);
        self.get(BEHIND);
        self.op(W::Call(Imports::COUNT));
        self.op(W::Return);
        self.op(W::End);
        // A group that was begun by single threads is ended by them.
        let end = self.v().lane;
        self.get(FIRST);
        self.i32(WIDTH - 1);
        self.op(W::I32And);
        self.if_unlikely();
        self.get(FIRST);
        self.i32(WIDTH - 1);
        self.op(W::I32Or);
        self.i32(1);
        self.op(W::I32Add);
        self.set(end);
        self.get(end);
        self.get(BEHIND);
        self.get(end);
        self.get(BEHIND);
        self.op(W::I32LtU);
        self.op(W::Select);
        self.set(end);
        self.get(FIRST);
        self.get(end);
        self.alone();
        self.get(end);
        self.set(FIRST);
        self.op(W::End);
        self.prologue();
        // The prologue has the thread before the first one; here it is the group before.
        self.get(FIRST);
        self.i32(WIDTH);
        self.op(W::I32Sub);
        self.set(self.thread);
        self.get(self.tid[0]);
        self.i32(WIDTH - 1);
        self.op(W::I32Sub);
        self.set(self.tid[0]);
        let windows = self.windows.clone();
        for (_, count) in windows {
            let local = self.local(ValType::I64);
            self.group_count(count, local);
            if let Some(vector) = &mut self.vector {
                vector.counts.push(local);
            }
        }
        let mut limits: Vec<(u8, u32)> = self.limits.iter().map(|(k, v)| (*k, *v)).collect();
        limits.sort_unstable();
        for (shift, limit) in limits {
            let local = self.local(ValType::I32);
            self.get(limit);
            self.i32(WIDTH - 1);
            self.op(W::I32Sub);
            self.i32(0);
            self.get(limit);
            self.i32(WIDTH);
            self.op(W::I32GeU);
            self.op(W::Select);
            self.set(local);
            if let Some(vector) = &mut self.vector {
                vector.limits.insert(shift, local);
            }
        }
    }

    /// How many units begin where a group's worth of them follows.
    fn group_count(&mut self, count: u32, into: u32) {
        self.get(count);
        self.i64(u64::from(WIDTH - 1));
        self.op(W::I64Sub);
        self.i64(0);
        self.get(count);
        self.i64(u64::from(WIDTH));
        self.op(W::I64GeU);
        self.op(W::Select);
        self.set(into);
    }

    /// The next group whose threads are at one place; runs those alone that are not.
    pub(super) fn group_root(&mut self) {
        let thread = self.thread;
        let places = self.shared.layout.places;
        let [x, y, z] = self.tid;
        self.op(W::Loop(BlockType::Empty));
        self.get(thread);
        self.i32(WIDTH);
        self.op(W::I32Add);
        self.op(W::LocalTee(thread));
        self.i32(WIDTH);
        self.op(W::I32Add);
        self.get(BEHIND);
        self.op(W::I32GtS);
        self.if_unlikely();
        self.get(thread);
        self.get(BEHIND);
        self.op(W::I32LtS);
        self.op(W::If(BlockType::Empty));
        self.get(thread);
        self.get(BEHIND);
        self.op(W::Call(Imports::COUNT));
        self.op(W::Return);
        self.op(W::End);
        self.i32(u32::MAX);
        self.op(W::Return);
        self.op(W::End);
        // A row is a number of groups, or the block has one row alone.
        self.get(x);
        self.i32(WIDTH);
        self.op(W::I32Add);
        self.op(W::LocalTee(x));
        self.i32(0);
        self.op(W::I32Load(scratch(layout::NTID, 2)));
        self.op(W::I32GeU);
        self.op(W::If(BlockType::Empty));
        self.i32(0);
        self.set(x);
        self.get(y);
        self.i32(1);
        self.op(W::I32Add);
        self.op(W::LocalTee(y));
        self.i32(0);
        self.op(W::I32Load(scratch(layout::NTID + 4, 2)));
        self.op(W::I32GeU);
        self.op(W::If(BlockType::Empty));
        self.i32(0);
        self.set(y);
        self.get(z);
        self.i32(1);
        self.op(W::I32Add);
        self.set(z);
        self.op(W::End);
        self.op(W::End);
        // All at one place?
        self.element(4);
        self.op(W::I32Load(scratch(places, 2)));
        self.set(self.selector);
        for chunk in 0..WIDTH / 4 {
            self.element(4);
            self.op(W::V128Load(scratch(places + 16 * chunk, 2)));
            self.get(self.selector);
            self.op(W::I32x4Splat);
            self.op(W::V128Xor);
            if chunk > 0 {
                self.op(W::V128Or);
            }
        }
        let apart = self.v().told;
        self.op(W::V128AnyTrue);
        self.op(W::LocalTee(apart));
        self.get(self.selector);
        self.i32(APART);
        self.op(W::I32GeU);
        self.op(W::I32Or);
        self.op(W::If(BlockType::Empty));
        // Those that have all ended, or all wait, have no turn.
        self.get(apart);
        self.op(W::I32Eqz);
        self.get(self.selector);
        self.i32(0);
        self.op(W::I32LtS);
        self.op(W::I32And);
        self.op(W::BrIf(1));
        self.get(self.thread);
        self.get(self.thread);
        self.i32(WIDTH);
        self.op(W::I32Add);
        self.alone();
        self.op(W::Br(1));
        self.op(W::End);
        self.op(W::End);
        self.get(self.selector);
    }

    pub(super) fn group_places(&mut self, place: i32) {
        for chunk in 0..WIDTH / 4 {
            self.element(4);
            self.op(W::V128Const(splat_i32(place.cast_unsigned())));
            self.op(W::V128Store(scratch(
                self.shared.layout.places + 16 * chunk,
                2,
            )));
        }
    }

    pub(super) fn group_save(&mut self, regs: &[Reg]) {
        for reg in regs {
            let Some(slot) = self.shared.slots.get(reg).copied() else {
                continue;
            };
            let ty = self.shared.body.ty(*reg);
            for chunk in 0..self.chunk_count(ty) {
                self.element(ty.bytes());
                self.chunk(Arg::Reg(*reg), chunk);
                self.op(W::V128Store(scratch(slot + 16 * chunk, 2)));
            }
        }
    }

    fn group_restore(&mut self, reg: Reg, array: u32, stride: u32) {
        let ty = self.shared.body.ty(reg);
        if self.v().classes.of(reg) != Class::Varying {
            self.element(stride);
            self.op(match ty {
                Ty::I32 => W::I32Load(scratch(array, 2)),
                Ty::I64 => W::I64Load(scratch(array, 3)),
                Ty::F32 => W::F32Load(scratch(array, 2)),
                Ty::F64 => W::F64Load(scratch(array, 3)),
            });
            self.set(self.reg(reg));
            return;
        }
        for chunk in 0..self.chunk_count(ty) {
            if stride == ty.bytes() {
                self.element(stride);
                self.op(W::V128Load(scratch(array + 16 * chunk, 2)));
            } else {
                // The low halves of words of 64 bits.
                for half in 0..2 {
                    self.element(stride);
                    self.op(W::V128Load(scratch(array + 32 * chunk + 16 * half, 2)));
                }
                self.op(W::I8x16Shuffle(EVEN));
            }
            self.set_chunk_from_number(reg, chunk);
        }
    }

    /// Sets a chunk of a register from numbers, which are masks where the register is a truth.
    fn set_chunk_from_number(&mut self, reg: Reg, chunk: u32) {
        if self.v().classes.is_truth(reg) {
            self.op(W::I32x4Neg);
        }
        self.set_chunk(reg, chunk);
    }

    fn set_chunk(&mut self, reg: Reg, chunk: u32) {
        let local = self
            .v()
            .chunks
            .get(reg.0 as usize)
            .and_then(|chunks| chunks.get(chunk as usize))
            .copied();
        match local {
            Some(local) => self.set(local),
            None => self.op(W::Drop),
        }
    }

    /// A chunk as it is kept: a mask for a varying truth.
    fn raw_chunk(&mut self, reg: Reg, chunk: u32) {
        let local = self
            .v()
            .chunks
            .get(reg.0 as usize)
            .and_then(|chunks| chunks.get(chunk as usize))
            .copied();
        match local {
            Some(local) => self.get(local),
            None => self.op(W::V128Const(0)),
        }
    }

    /// Four or two lanes of an operand's value, as numbers.
    fn chunk(&mut self, arg: Arg, chunk: u32) {
        let ty = self.shared.body.arg_ty(arg);
        match arg {
            Arg::I32(bits) | Arg::F32(bits) => self.op(W::V128Const(splat_i32(bits))),
            Arg::I64(bits) | Arg::F64(bits) => {
                let bits = u128::from(bits);
                self.op(W::V128Const((bits | bits << 64).cast_signed()));
            }
            Arg::Reg(reg) => match self.v().classes.of(reg) {
                Class::Varying => {
                    self.raw_chunk(reg, chunk);
                    if self.v().classes.is_truth(reg) {
                        self.op(W::V128Const(splat_i32(1)));
                        self.op(W::V128And);
                    }
                }
                class => {
                    self.get(self.reg(reg));
                    self.op(match ty {
                        Ty::I32 => W::I32x4Splat,
                        Ty::I64 => W::I64x2Splat,
                        Ty::F32 => W::F32x4Splat,
                        Ty::F64 => W::F64x2Splat,
                    });
                    if let Class::Affine(stride) = class {
                        self.ramp(ty, stride, chunk);
                    }
                }
            },
        }
    }

    /// Adds to each lane what it is away from the group's first.
    fn ramp(&mut self, ty: Ty, stride: i64, chunk: u32) {
        let mut ramp = 0u128;
        if ty == Ty::I32 {
            for lane in 0..4 {
                let away = stride
                    .wrapping_mul(i64::from(chunk * 4 + lane))
                    .cast_unsigned();
                ramp |= u128::from(away & 0xffff_ffff) << (32 * lane);
            }
        } else {
            for lane in 0..2 {
                let away = stride
                    .wrapping_mul(i64::from(chunk * 2 + lane))
                    .cast_unsigned();
                ramp |= u128::from(away) << (64 * lane);
            }
        }
        self.op(W::V128Const(ramp.cast_signed()));
        self.op(if ty == Ty::I32 {
            W::I32x4Add
        } else {
            W::I64x2Add
        });
    }

    /// Four lanes of a condition, as masks.
    fn mask(&mut self, condition: Arg, chunk: u32) {
        if let Arg::Reg(reg) = condition
            && self.v().classes.of(reg) == Class::Varying
            && self.v().classes.is_truth(reg)
        {
            return self.raw_chunk(reg, chunk);
        }
        self.chunk(condition, chunk);
        self.op(W::V128Const(0));
        self.op(W::I32x4Ne);
    }

    /// The masks of a chunk of values of a type.
    fn mask_for(&mut self, ty: Ty, condition: Arg, chunk: u32) {
        if ty.bytes() == 4 {
            return self.mask(condition, chunk);
        }
        self.mask(condition, chunk / 2);
        self.op(if chunk.is_multiple_of(2) {
            W::I64x2ExtendLowI32x4S
        } else {
            W::I64x2ExtendHighI32x4S
        });
    }

    pub(super) fn group_check(&mut self, resume: u32, block: BlockId) {
        self.i32(0);
        self.op(W::I32AtomicLoad(scratch(self.shared.layout.stop, 2)));
        self.if_unlikely();
        let regs = self.shared.live.at(block);
        self.group_save(&regs);
        self.group_places(resume.cast_signed());
        self.get(self.thread);
        self.i32(WIDTH - 1);
        self.op(W::I32Add);
        self.op(W::Return);
        self.op(W::End);
    }

    pub(super) fn group_resume(&mut self, resume: u32, block: BlockId) {
        let live = self.shared.live.at(block);
        if resume == 0 {
            for reg in live {
                let ty = self.shared.body.ty(reg);
                if self.v().classes.of(reg) == Class::Varying {
                    for chunk in 0..self.chunk_count(ty) {
                        self.op(W::V128Const(0));
                        self.set_chunk(reg, chunk);
                    }
                } else {
                    self.arg(Arg::constant(ty, 0));
                    self.set(self.reg(reg));
                }
            }
            return self.clear_selector();
        }
        let takes = self.takes_of(resume);
        for reg in live {
            let Some(slot) = self.shared.slots.get(&reg).copied() else {
                continue;
            };
            if !takes.contains(&Some(reg)) {
                let bytes = self.shared.body.ty(reg).bytes();
                self.group_restore(reg, slot, bytes);
            }
        }
        for (array, reg) in (0..).zip(takes) {
            if let Some(reg) = reg {
                let at = self.shared.layout.exchanged(array);
                self.group_restore(reg, at, 8);
            }
        }
        self.clear_selector();
    }

    pub(super) fn group_block(&mut self, id: BlockId) {
        let body = self.shared.body;
        let Some(block) = body.block(id) else {
            return;
        };
        self.from_line(block.line);
        for op in &block.ops {
            self.group_step(id, op);
        }
        match &block.end {
            End::Branch(condition, ..) => {
                if self.class(*condition) == Class::Uniform {
                    return self.arg(*condition);
                }
                self.together_or_alone(id, *condition);
            }
            End::Table(place, targets, site) => {
                if self.class(*place) == Class::Uniform {
                    self.table_check(*place, targets.len(), *site);
                    return self.arg(*place);
                }
                // Each goes its own way at once.
                self.part(id);
                self.i32(0);
            }
            End::Exit => self.group_places(ENDED),
            End::Stop(number, next) => {
                let Some(stop) = body.stops.get(*number as usize) else {
                    return;
                };
                for (array, value) in (0..).zip(&stop.brings) {
                    let at = self.shared.layout.exchanged(array);
                    for chunk in 0..self.chunk_count(Ty::I64) {
                        self.element(8);
                        self.chunk(*value, chunk);
                        self.op(W::V128Store(scratch(at + 16 * chunk, 2)));
                    }
                }
                let mut live = self.shared.live.at(*next);
                live.retain(|reg| !stop.takes.contains(&Some(*reg)));
                self.group_save(&live);
                self.group_places(WAITS - number.cast_signed());
            }
            other => self.end_of_block(other),
        }
    }

    /// Leaves whether the condition holds, where it does for all or for none; else the threads part.
    fn together_or_alone(&mut self, id: BlockId, condition: Arg) {
        let [any, all, _] = self.v().temps;
        let told = self.v().told;
        for chunk in 0..WIDTH / 4 {
            self.mask(condition, chunk);
            if chunk == 0 {
                self.op(W::LocalTee(any));
                self.set(all);
                continue;
            }
            self.op(W::LocalTee(self.v().temps[2]));
            self.get(any);
            self.op(W::V128Or);
            self.set(any);
            self.get(self.v().temps[2]);
            self.get(all);
            self.op(W::V128And);
            self.set(all);
        }
        self.get(any);
        self.op(W::V128AnyTrue);
        self.op(W::LocalTee(told));
        self.get(all);
        self.op(W::I32x4AllTrue);
        self.op(W::I32Ne);
        self.op(W::If(BlockType::Empty));
        self.nest(1);
        self.part(id);
        self.nest(-1);
        self.op(W::End);
        // Parting uses the local, but does not come back here.
        self.get(told);
    }

    fn nest(&mut self, by: i32) {
        if let Some(vector) = &mut self.vector {
            vector.depth = vector.depth.saturating_add_signed(by);
        }
    }

    /// Each thread of the group goes on alone, from the beginning of this block; then the next group.
    fn part(&mut self, id: BlockId) {
        let resume = self.v().resume_of.get(&id).copied().unwrap_or(0);
        let regs = self.shared.live.at(id);
        self.group_save(&regs);
        self.group_places((resume | APART).cast_signed());
        self.get(self.thread);
        self.get(self.thread);
        self.i32(WIDTH);
        self.op(W::I32Add);
        self.alone();
        // The root's loop is the outermost label but the function's own.
        let level = self.v().depth.saturating_sub(1);
        self.op(W::Br(level));
    }

    fn group_step(&mut self, id: BlockId, op: &Op) {
        let class = op
            .targets()
            .first()
            .map(|target| self.v().classes.of(*target));
        match (op, class) {
            (Op::Line(_), _) => self.step(op),
            (
                Op::One(code @ (Code::I64ExtendI32S | Code::I64ExtendI32U), _, a),
                Some(Class::Affine(stride)),
            ) => {
                self.extend_check(id, *code, *a, stride);
                self.step(op);
            }
            (Op::Store { place, values, .. }, _) => self.group_store(op, place, values),
            (Op::Load { place, targets, .. }, Some(Class::Varying)) => {
                self.group_load(op, place, targets);
            }
            // A value for all.
            (_, Some(Class::Uniform | Class::Affine(_))) => self.step(op),
            (Op::Copy(target, a), _) => {
                let ty = self.shared.body.ty(*target);
                for chunk in 0..self.chunk_count(ty) {
                    self.value_for(*target, *a, chunk);
                    self.set_chunk(*target, chunk);
                }
            }
            (Op::Select(target, condition, yes, no), _) => {
                self.group_select(*target, *condition, *yes, *no)
            }
            (Op::One(code, target, a), _) => {
                if !self.group_one(*code, *target, *a) {
                    self.by_lane(op);
                }
            }
            (Op::Two(code, target, a, b), _) => {
                if !self.group_two(*code, *target, *a, *b) {
                    self.by_lane(op);
                }
            }
            (Op::Fma(target, a, b, c), _) => {
                let ty = self.shared.body.ty(*target);
                for chunk in 0..self.chunk_count(ty) {
                    self.chunk(*a, chunk);
                    self.chunk(*b, chunk);
                    self.chunk(*c, chunk);
                    self.op(if ty == Ty::F32 {
                        W::F32x4RelaxedMadd
                    } else {
                        W::F64x2RelaxedMadd
                    });
                    self.set_chunk(*target, chunk);
                }
            }
            (Op::Canon(target, a), _) => {
                let ty = self.shared.body.ty(*target);
                let (nan, eq) = if ty == Ty::F32 {
                    (Arg::F32(super::step::NAN32), W::F32x4Eq)
                } else {
                    (Arg::F64(super::step::NAN64), W::F64x2Eq)
                };
                for chunk in 0..self.chunk_count(ty) {
                    self.chunk(*a, chunk);
                    self.chunk(nan, chunk);
                    self.chunk(*a, chunk);
                    self.chunk(*a, chunk);
                    self.op(eq.clone());
                    self.op(W::V128Bitselect);
                    self.set_chunk(*target, chunk);
                }
            }
            (Op::Flush(target, a), _) => {
                for chunk in 0..WIDTH / 4 {
                    self.chunk(*a, chunk);
                    self.op(W::V128Const(splat_i32(1 << 31)));
                    self.op(W::V128And);
                    self.chunk(*a, chunk);
                    self.chunk(*a, chunk);
                    self.op(W::F32x4Abs);
                    self.op(W::V128Const(splat_i32(f32::MIN_POSITIVE.to_bits())));
                    self.op(W::F32x4Lt);
                    self.op(W::V128Bitselect);
                    self.set_chunk(*target, chunk);
                }
            }
            _ => self.by_lane(op),
        }
    }

    /// A chunk of an operand as the target keeps it.
    fn value_for(&mut self, target: Reg, value: Arg, chunk: u32) {
        if self.v().classes.is_truth(target) {
            self.mask(value, chunk);
        } else {
            self.chunk(value, chunk);
        }
    }

    fn group_select(&mut self, target: Reg, condition: Arg, yes: Arg, no: Arg) {
        let ty = self.shared.body.ty(target);
        let uniform = self.class(condition) == Class::Uniform;
        for chunk in 0..self.chunk_count(ty) {
            self.value_for(target, yes, chunk);
            self.value_for(target, no, chunk);
            if uniform {
                self.arg(condition);
                self.op(W::TypedSelect(ValType::V128));
            } else {
                self.mask_for(ty, condition, chunk);
                self.op(W::V128Bitselect);
            }
            self.set_chunk(target, chunk);
        }
    }

    /// An address computed in 32 bits is only as far apart in 64 if it does not wrap around within
    /// the group.
    fn extend_check(&mut self, id: BlockId, code: Code, a: Arg, stride: i64) {
        let reach = stride.wrapping_mul(i64::from(WIDTH - 1));
        let signed = code == Code::I64ExtendI32S;
        // The last thread's value, in 64 bits, must be one of 32.
        self.arg(a);
        self.op(if signed {
            W::I64ExtendI32S
        } else {
            W::I64ExtendI32U
        });
        self.i64(reach.cast_unsigned());
        self.op(W::I64Add);
        if signed {
            self.i64(1 << 31);
            self.op(W::I64Add);
        }
        self.i64(32);
        self.op(W::I64ShrU);
        self.i64(0);
        self.op(W::I64Ne);
        self.if_unlikely();
        self.nest(1);
        self.part(id);
        self.nest(-1);
        self.op(W::End);
    }

    fn group_one(&mut self, code: Code, target: Reg, a: Arg) -> bool {
        use Code::*;
        let chunks = self.chunk_count(code.result());
        let upper = W::I8x16Shuffle(UPPER);
        for chunk in 0..chunks {
            match code {
                I32ReinterpretF32 | F32ReinterpretI32 | I64ReinterpretF64 | F64ReinterpretI64 => {
                    self.chunk(a, chunk);
                }
                I64ExtendI32S | I64ExtendI32U | F64PromoteF32 | F64ConvertI32S | F64ConvertI32U => {
                    self.chunk(a, chunk / 2);
                    let low = chunk.is_multiple_of(2);
                    match (code, low) {
                        (I64ExtendI32S, true) => self.op(W::I64x2ExtendLowI32x4S),
                        (I64ExtendI32S, false) => self.op(W::I64x2ExtendHighI32x4S),
                        (I64ExtendI32U, true) => self.op(W::I64x2ExtendLowI32x4U),
                        (I64ExtendI32U, false) => self.op(W::I64x2ExtendHighI32x4U),
                        _ => {
                            if !low {
                                self.chunk(a, chunk / 2);
                                self.op(upper.clone());
                            }
                            self.op(match code {
                                F64PromoteF32 => W::F64x2PromoteLowF32x4,
                                F64ConvertI32S => W::F64x2ConvertLowI32x4S,
                                _ => W::F64x2ConvertLowI32x4U,
                            });
                        }
                    }
                }
                I32WrapI64 => {
                    self.chunk(a, chunk * 2);
                    self.chunk(a, chunk * 2 + 1);
                    self.op(W::I8x16Shuffle(EVEN));
                }
                F32DemoteF64 => {
                    for half in 0..2 {
                        self.chunk(a, chunk * 2 + half);
                        self.op(W::F32x4DemoteF64x2Zero);
                    }
                    self.op(W::I8x16Shuffle(LOWER));
                }
                I32Extend8S | I32Extend16S => {
                    let by = if code == I32Extend8S { 24 } else { 16 };
                    self.chunk(a, chunk);
                    self.i32(by);
                    self.op(W::I32x4Shl);
                    self.i32(by);
                    self.op(W::I32x4ShrS);
                }
                _ => match code.vector() {
                    Some(instruction) if code.operand().bytes() == code.result().bytes() => {
                        self.chunk(a, chunk);
                        self.op(instruction);
                    }
                    _ => return false,
                },
            }
            self.set_chunk(target, chunk);
        }
        true
    }

    fn group_two(&mut self, code: Code, target: Reg, a: Arg, b: Arg) -> bool {
        use Code::*;
        let ty = code.operand();
        let truth = self.v().classes.is_truth(target);
        let shift = match code {
            I32Shl => Some(W::I32x4Shl),
            I32ShrS => Some(W::I32x4ShrS),
            I32ShrU => Some(W::I32x4ShrU),
            I64Shl => Some(W::I64x2Shl),
            I64ShrS => Some(W::I64x2ShrS),
            I64ShrU => Some(W::I64x2ShrU),
            _ => None,
        };
        if let Some(shift) = shift {
            if self.class(b) != Class::Uniform {
                return false;
            }
            for chunk in 0..self.chunk_count(ty) {
                self.chunk(a, chunk);
                self.arg(b);
                if ty == Ty::I64 {
                    self.op(W::I32WrapI64);
                }
                self.op(shift.clone());
                self.set_chunk(target, chunk);
            }
            return true;
        }
        if matches!(code, F32Copysign | F64Copysign) {
            let sign = if ty == Ty::F32 {
                Arg::F32(1 << 31)
            } else {
                Arg::F64(1 << 63)
            };
            for chunk in 0..self.chunk_count(ty) {
                self.chunk(b, chunk);
                self.chunk(a, chunk);
                self.chunk(sign, chunk);
                self.op(W::V128Bitselect);
                self.set_chunk(target, chunk);
            }
            return true;
        }
        let Some(instruction) = code.vector() else {
            return false;
        };
        if matches!(code, I32And | I32Or | I32Xor) && truth {
            for chunk in 0..WIDTH / 4 {
                self.mask(a, chunk);
                self.mask(b, chunk);
                self.op(instruction.clone());
                self.set_chunk(target, chunk);
            }
            return true;
        }
        let compares = code.result() == Ty::I32 && !(ty == Ty::I32 && is_arithmetic(code));
        if !compares {
            for chunk in 0..self.chunk_count(ty) {
                self.chunk(a, chunk);
                self.chunk(b, chunk);
                self.op(instruction.clone());
                self.set_chunk(target, chunk);
            }
            return true;
        }
        for chunk in 0..WIDTH / 4 {
            if ty.bytes() == 4 {
                self.chunk(a, chunk);
                self.chunk(b, chunk);
                self.op(instruction.clone());
            } else {
                for half in 0..2 {
                    self.chunk(a, chunk * 2 + half);
                    self.chunk(b, chunk * 2 + half);
                    self.op(instruction.clone());
                }
                self.op(W::I8x16Shuffle(EVEN));
            }
            if !truth {
                self.op(W::V128Const(splat_i32(1)));
                self.op(W::V128And);
            }
            self.set_chunk(target, chunk);
        }
        true
    }

    /// Whether an access moves neighbouring words of so many bytes.
    fn neighbours(&self, place: &Place) -> Option<u32> {
        let site = self.shared.body.sites.get(place.site as usize);
        let Some(SiteKind::Access {
            bytes, lanes: 1, ..
        }) = site.map(|site| &site.what)
        else {
            return None;
        };
        let fits = matches!(bytes, 4 | 8)
            && matches!(place.space, Space::Global | Space::Shared)
            && self.class(place.base) == Class::Affine(i64::from(*bytes));
        fits.then_some(*bytes)
    }

    /// Leaves whether all of a group's words are there, with the first one's address in its local.
    fn neighbours_check(&mut self, place: &Place) {
        let (_, shift) = self.access(place);
        if place.space == Space::Shared {
            self.offset_address(place);
            self.rotated_offset(shift);
            let limit = self.v().limits.get(&shift).copied().unwrap_or(0);
            self.get(limit);
            self.op(W::I32LtU);
            return;
        }
        let (number, (low, count)) = self.window(place);
        let whole = self.v().counts.get(number).copied().unwrap_or(0);
        self.device_address(place);
        self.group_inside(low, shift, whole);
        self.op(W::I32Eqz);
        self.if_unlikely();
        // Perhaps in another window; where there is none, lanes find out one by one.
        let global = u32::try_from(number).unwrap_or(0) * 2;
        self.get(self.thread);
        self.i32(place.site);
        self.get(self.address);
        self.op(W::Call(Imports::FIND));
        self.op(W::LocalTee(count));
        self.op(W::GlobalSet(global + 1));
        self.op(W::LocalTee(low));
        self.op(W::GlobalSet(global));
        self.group_count(count, whole);
        self.op(W::End);
        self.group_inside(low, shift, whole);
    }

    fn group_inside(&mut self, low: u32, shift: u8, whole: u32) {
        self.get(self.address);
        self.get(low);
        self.op(W::I64Sub);
        self.i64(u64::from(shift));
        self.op(W::I64Rotr);
        self.get(whole);
        self.op(W::I64LtU);
    }

    fn neighbours_address(&mut self, place: &Place) -> (u32, u32) {
        if place.space == Space::Shared {
            self.get(self.offset);
            return (0, self.shared.layout.shared);
        }
        self.get(self.address);
        self.op(W::I32WrapI64);
        (1, 0)
    }

    fn group_load(&mut self, op: &Op, place: &Place, targets: &[Reg]) {
        let Op::Load {
            bytes,
            atomic: false,
            ..
        } = op
        else {
            return self.by_lane(op);
        };
        let (Some(size), [target]) = (self.neighbours(place), targets) else {
            return self.by_lane(op);
        };
        if self.shared.body.ty(*target).bytes() != u32::from(*bytes) {
            return self.by_lane(op);
        }
        self.neighbours_check(place);
        self.op(W::If(BlockType::Empty));
        for chunk in 0..WIDTH * size / 16 {
            let (memory, base) = self.neighbours_address(place);
            let at = super::memory::vector_at(memory, base + 16 * chunk);
            self.op(W::V128Load(at));
            self.set_chunk(*target, chunk);
        }
        self.op(W::Else);
        self.by_lane(op);
        self.op(W::End);
    }

    fn group_store(&mut self, op: &Op, place: &Place, values: &[Arg]) {
        let Op::Store {
            bytes,
            atomic: false,
            ..
        } = op
        else {
            return self.by_lane(op);
        };
        let (Some(size), [value]) = (self.neighbours(place), values) else {
            let same = self.class(place.base) == Class::Uniform
                && matches!(place.space, Space::Global | Space::Shared)
                && values
                    .iter()
                    .all(|value| self.class(*value) == Class::Uniform);
            return if same {
                self.step(op)
            } else {
                self.by_lane(op)
            };
        };
        if self.shared.body.arg_ty(*value).bytes() != u32::from(*bytes) {
            return self.by_lane(op);
        }
        self.neighbours_check(place);
        self.op(W::If(BlockType::Empty));
        for chunk in 0..WIDTH * size / 16 {
            let (memory, base) = self.neighbours_address(place);
            self.chunk(*value, chunk);
            let at = super::memory::vector_at(memory, base + 16 * chunk);
            self.op(W::V128Store(at));
        }
        self.op(W::Else);
        self.by_lane(op);
        self.op(W::End);
    }

    /// Does a step for one lane after another: operands and results go through memory, and the code
    /// for single threads works on stand-ins for the registers.
    fn by_lane(&mut self, op: &Op) {
        let mut sources: Vec<Reg> = Vec::new();
        op.each_arg(|arg| {
            if let Arg::Reg(reg) = arg
                && !sources.contains(&reg)
            {
                sources.push(reg);
            }
        });
        sources.retain(|reg| self.v().classes.of(*reg) != Class::Uniform);
        let targets = op.targets().to_vec();
        let lanes = self.shared.layout.lanes;
        let (lane, first) = (self.v().lane, self.v().first);
        let place_of = |number: usize| lanes + u32::try_from(number).unwrap_or(0) * WIDTH * 8;
        for (number, reg) in sources.iter().enumerate() {
            let ty = self.shared.body.ty(*reg);
            for chunk in 0..self.chunk_count(ty) {
                self.i32(0);
                self.chunk(Arg::Reg(*reg), chunk);
                self.op(W::V128Store(scratch(place_of(number) + 16 * chunk, 2)));
            }
        }
        let mut kept: Vec<(Reg, u32)> = Vec::new();
        for (number, reg) in sources.iter().chain(&targets).enumerate() {
            let ty = self.shared.body.ty(*reg);
            let stand_in = self.stand_in(ty, number);
            if let Some(local) = self.regs.get_mut(reg.0 as usize) {
                // A register that is read and written has one stand-in: the last one made.
                kept.push((*reg, std::mem::replace(local, stand_in)));
            }
        }
        self.get(self.thread);
        self.set(first);
        self.i32(0);
        self.set(lane);
        self.op(W::Loop(BlockType::Empty));
        for (number, reg) in sources.iter().enumerate() {
            let ty = self.shared.body.ty(*reg);
            self.get(lane);
            self.i32(ty.bytes().trailing_zeros());
            self.op(W::I32Shl);
            let at = scratch(place_of(number), 2);
            self.op(match ty {
                Ty::I32 => W::I32Load(at),
                Ty::I64 => W::I64Load(at),
                Ty::F32 => W::F32Load(at),
                Ty::F64 => W::F64Load(at),
            });
            self.set(self.reg(*reg));
        }
        // Nested labels are the code's own affair: it leaves by none of ours.
        self.step(op);
        for (number, reg) in targets.iter().enumerate() {
            let ty = self.shared.body.ty(*reg);
            self.get(lane);
            self.i32(ty.bytes().trailing_zeros());
            self.op(W::I32Shl);
            self.get(self.reg(*reg));
            let at = scratch(place_of(number + sources.len()), 2);
            self.op(match ty {
                Ty::I32 => W::I32Store(at),
                Ty::I64 => W::I64Store(at),
                Ty::F32 => W::F32Store(at),
                Ty::F64 => W::F64Store(at),
            });
        }
        self.get(self.thread);
        self.i32(1);
        self.op(W::I32Add);
        self.set(self.thread);
        self.get(lane);
        self.i32(1);
        self.op(W::I32Add);
        self.op(W::LocalTee(lane));
        self.i32(WIDTH);
        self.op(W::I32LtU);
        self.op(W::BrIf(0));
        self.op(W::End);
        self.get(first);
        self.set(self.thread);
        for (reg, local) in kept.into_iter().rev() {
            if let Some(place) = self.regs.get_mut(reg.0 as usize) {
                *place = local;
            }
        }
        for (number, reg) in targets.iter().enumerate() {
            let ty = self.shared.body.ty(*reg);
            for chunk in 0..self.chunk_count(ty) {
                self.i32(0);
                let at = scratch(place_of(number + sources.len()) + 16 * chunk, 2);
                self.op(W::V128Load(at));
                self.set_chunk_from_number(*reg, chunk);
            }
        }
    }

    fn stand_in(&mut self, ty: Ty, number: usize) -> u32 {
        if let Some(local) = self.v().stand_ins.get(&(ty, number)).copied() {
            return local;
        }
        let local = self.local(val(ty));
        if let Some(vector) = &mut self.vector {
            vector.stand_ins.insert((ty, number), local);
        }
        local
    }

    /// Whether a node's code is written for a group.
    pub(super) fn is_group(&self) -> bool {
        self.vector.is_some()
    }

    /// Keeps count of open labels.
    pub(super) fn count_labels(&mut self, item: &Item) {
        match item {
            Item::Loop | Item::Block | Item::If => self.nest(1),
            Item::End => self.nest(-1),
            _ => {}
        }
    }

    pub(super) fn group_node(&mut self, kind: &Kind) {
        let block_of = |emitter: &Self, resume: u32| {
            emitter.shared.graph.resumes.get(resume as usize).copied()
        };
        match kind {
            Kind::Root => self.group_root(),
            Kind::Resume(resume) => {
                if let Some(block) = block_of(self, *resume) {
                    self.group_resume(*resume, block);
                }
            }
            Kind::Check(resume) => {
                if let Some(block) = block_of(self, *resume) {
                    self.group_check(*resume, block);
                }
            }
            Kind::Block(block) => self.group_block(*block),
            Kind::Dispatch(_) | Kind::Select(_) => {}
        }
    }
}

/// Blocks in which threads may part get a point to come back to, with nothing before it: where a
/// branch does not go the same way for all, and where an address may wrap around.
pub(crate) fn parting(classes: &Classes, end: &End) -> bool {
    match end {
        End::Branch(condition, ..) => classes.of_arg(*condition) != Class::Uniform,
        End::Table(place, ..) => classes.of_arg(*place) != Class::Uniform,
        _ => false,
    }
}

/// Whether a step may find that its group must part.
pub(crate) fn may_part(classes: &Classes, op: &Op) -> bool {
    match op {
        Op::One(Code::I64ExtendI32S | Code::I64ExtendI32U, target, _) => {
            matches!(classes.of(*target), Class::Affine(_))
        }
        _ => false,
    }
}

fn is_arithmetic(code: Code) -> bool {
    use Code::*;
    matches!(code, I32Add | I32Sub | I32Mul | I32And | I32Or | I32Xor)
}

fn splat_i32(bits: u32) -> i128 {
    let bits = u128::from(bits);
    (bits | bits << 32 | bits << 64 | bits << 96).cast_signed()
}

/// The even words of two vectors.
const EVEN: [u8; 16] = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
/// The lower halves of two vectors.
const LOWER: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
/// The upper half of the first in both halves.
const UPPER: [u8; 16] = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
