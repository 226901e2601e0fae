//! WebAssembly for groups of threads that run together: one value where they have it in common, else
//! vectors with a lane for each.
//!
//! What has no vector form is done for one lane after another, by the same code that serves single
//! threads, so it says and does the same. Where the threads of a group part, each goes on alone, in
//! the function that runs threads one by one.

mod arithmetic;
mod bounds_guards;
mod branch;
mod dispatch;
mod gather;
mod memory;
mod reconvergence;
mod scalar_fallback;
mod schedule_fence;
mod spill_frame;
mod strip_mine;
mod transpose4;
mod value;

use rustc_hash::FxHashMap as HashMap;
use wasm_encoder::{Instruction as W, ValType};

use crate::compile::Unsupported;
use crate::compile::abi::{ENDED, SUSPENDED};
use crate::compile::analysis::allocation_roots::CacheId;
use crate::compile::analysis::bounds_guards::{DeviceLimitId, SharedLimitId};
use crate::compile::analysis::coalescing::coalesced;
use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::cfg::graph::Kind;
use crate::compile::cfg::structure::Item;
use crate::compile::codegen::{Emitter, FIRST, Function, Shared, scratch, val};
use crate::compile::ir::{Arg, BlockId, End, Op, Reg, SuspendKind, SuspendPoint, Ty};

pub(crate) use crate::compile::abi::VECTOR_LANES;
pub(crate) use dispatch::both;
pub(crate) use gather::is_gather;
use schedule_fence::Pace;

/// The most locals of vectors: beyond, they would live on the stack, and compiling takes long.
const MOST_VECTORS: usize = 12_000;

/// What the functions for groups know besides.
#[derive(Default)]
pub(crate) struct LaneGroup {
    /// Whether the function is one of them.
    pub is_one: bool,
    /// The locals of each varying register: four lanes each, or two where they have 64 bits.
    pub chunks: Vec<Vec<u32>>,
    /// Vectors for what is at hand.
    pub temps: [u32; 3],
    /// Vectors for rows and columns of words, and halves of them.
    pub rows: [u32; 4],
    pub halves: [u32; 2],
    /// The address of an access.
    pub base: u32,
    /// For lanes one by one: the lane, and scalar stand-ins of registers.
    pub lane: u32,
    pub first: u32,
    pub stand_ins: HashMap<(Ty, usize), u32>,
    pub told: u32,
    /// Where the block's groups wait so far: the place that all of them have, 0 before the first, 1
    /// where they differ. `None` where no barrier is one for all.
    pub met: Option<u32>,
    /// All ones where the first group goes on where its threads have met, whatever the others do.
    pub again: u32,
    /// What registers will hold, for looks.
    pub in_advance: HashMap<Reg, u32>,
    /// Where bounds_caches begin.
    pub lows: HashMap<CacheId, u32>,
    /// The locals with the limits of guards.
    pub device_limits: HashMap<DeviceLimitId, u32>,
    pub shared_limits: HashMap<SharedLimitId, u32>,
}

/// Writes the function that runs groups, and leaves single threads to the function `scalar`.
///
/// # Errors
/// Where there are too many registers.
pub(crate) fn vector<'k>(shared: &'k Shared<'k>, items: &[Item]) -> Result<Function, Unsupported> {
    let mut emitter = Emitter::new(shared);
    emitter.common = Some(emitter.local(ValType::I32));
    emitter.begin_group()?;
    emitter.group_prologue();
    for item in items {
        emitter.item(item);
    }
    emitter.op(W::Unreachable);
    emitter.op(W::End);
    emitter.finish()
}

/// Writes the function that writes registers out for each thread of a group that has them in common.
///
/// # Errors
/// Where there are too many registers.
pub(crate) fn write_out<'k>(shared: &'k Shared<'k>) -> Result<Function, Unsupported> {
    let mut emitter = Emitter::new(shared);
    emitter.begin_group()?;
    emitter.get(FIRST);
    emitter.i32(0u32.wrapping_sub(VECTOR_LANES));
    emitter.op(W::I32And);
    emitter.set(emitter.thread);
    emitter.write_out();
    emitter.i32(0);
    emitter.op(W::End);
    emitter.finish()
}

impl Emitter<'_> {
    /// Locals for a function about groups.
    fn begin_group(&mut self) -> Result<(), Unsupported> {
        let (classes, by_ends) = (self.shared.classes, self.shared.by_ends);
        let mut chunks = Vec::with_capacity(self.shared.body.regs.len());
        let mut vectors = 0;
        for (reg, ty) in self.shared.body.regs.iter() {
            let varies = classes.of(reg) == Uniformity::Divergent;
            let count = if varies {
                VECTOR_LANES * ty.bytes() / 16
            } else {
                0
            };
            vectors += count as usize;
            let locals = (0..count).map(|_| self.local(ValType::V128)).collect();
            chunks.push(locals);
            let needs = !varies || by_ends.contains(&reg);
            let scalar = if needs { self.local(val(*ty)) } else { 0 };
            self.regs.push(scalar);
        }
        if vectors > MOST_VECTORS || self.locals.len() > crate::compile::codegen::MOST_LOCALS {
            return Err(Unsupported::limit("too many registers"));
        }
        let plain = |stop: &SuspendPoint| matches!(stop.kind, SuspendKind::Plain(_));
        let has_plain = self.shared.body.suspend_points.values().any(plain);
        let met = has_plain.then(|| self.local(ValType::I32));
        let temps = [(); 3].map(|()| self.local(ValType::V128));
        self.group = LaneGroup {
            is_one: true,
            chunks,
            temps,
            rows: [(); 4].map(|()| self.local(ValType::V128)),
            halves: [(); 2].map(|()| self.local(ValType::V128)),
            base: self.local(ValType::I32),
            lane: self.local(ValType::I32),
            first: self.local(ValType::I32),
            told: self.local(ValType::I32),
            met,
            again: self.local(ValType::I32),
            ..LaneGroup::default()
        };
        Ok(())
    }

    pub(crate) fn class(&self, arg: Arg) -> Uniformity {
        self.shared.classes.of_arg(arg)
    }

    pub(crate) fn chunk_count(&self, ty: Ty) -> u32 {
        VECTOR_LANES * ty.bytes() / 16
    }

    pub(crate) fn group_block(&mut self, id: BlockId) {
        let body = self.shared.body;
        let Some(block) = body.block(id) else {
            return;
        };
        self.at_line(block.line);
        self.checks(id, &block.ops);
        let by_ends = self.shared.by_ends;
        let of_ends = |op: &&Op| op.targets().iter().any(|reg| by_ends.contains(reg));
        let mut pace = Pace::default();
        let ops: Vec<&Op> = block.ops.iter().filter(|op| !of_ends(op)).collect();
        let mut ops = ops.as_slice();
        while let Some((op, behind)) = ops.split_first() {
            if let Some(behind) = self.group_run(ops) {
                pace = Pace::default();
                ops = behind;
                continue;
            }
            self.group_step(op);
            self.keep_pace(&mut pace, op);
            ops = behind;
        }
        let ahead = self.shared.saved_ahead(id);
        if !ahead.is_empty() {
            self.group_save(&ahead);
        }
        match &block.end {
            End::Branch(condition, ..) => {
                if self.class(*condition) == Uniformity::Uniform {
                    return self.arg(*condition);
                }
                let steps: Vec<&Op> = block.ops.iter().filter(of_ends).collect();
                if !steps.is_empty() {
                    return self.ends_or_each(id, *condition, &steps);
                }
                self.together_or_alone(id, *condition);
            }
            End::Table(place, targets, site) => {
                if self.class(*place) == Uniformity::Uniform {
                    self.table_check(*place, targets.len(), *site);
                    return self.arg(*place);
                }
                // Each goes its own way at once.
                self.part(id);
                self.op(W::Unreachable);
            }
            // The group is together.
            End::Reconverge(_) => self.i32(0),
            End::Exit => {
                self.ended(|emitter| emitter.group_places(ENDED));
                self.group_meets(ENDED);
            }
            End::Suspend(number, next) => {
                let Some(stop) = body.suspend_points.get(*number) else {
                    return;
                };
                for (array, value) in (0..).zip(&stop.inputs) {
                    let at = self.shared.layout.exchanged(array);
                    for chunk in 0..self.chunk_count(Ty::I64) {
                        self.element(8);
                        self.chunk(*value, chunk);
                        self.op(W::V128Store(scratch(at + 16 * chunk, 2)));
                    }
                }
                let mut live = self.shared.saved_behind(id, *next);
                live.retain(|reg| !stop.results.contains(&Some(*reg)));
                self.group_save(&live);
                self.group_places(SUSPENDED - number.0.cast_signed());
                self.group_meets(SUSPENDED - number.0.cast_signed());
            }
            other => self.end_of_block(id, other),
        }
    }

    pub(crate) fn group_step(&mut self, op: &Op) {
        let class = op
            .targets()
            .first()
            .map(|target| self.shared.classes.of(*target));
        let apart = coalesced(self.shared.body, self.shared.classes, op);
        match (op, class) {
            (Op::Line(_), _) => self.step(op),
            (
                Op::Load {
                    place,
                    targets,
                    bytes,
                    ..
                },
                _,
            ) if apart.is_some() => {
                self.group_load(place, targets, *bytes, apart.unwrap_or(LaneOffsets::NONE));
            }
            (
                Op::Store {
                    place,
                    values,
                    bytes,
                    ..
                },
                _,
            ) if apart.is_some() => {
                self.group_store(place, values, *bytes, apart.unwrap_or(LaneOffsets::NONE));
            }
            (Op::Load { place, .. } | Op::Store { place, .. }, _)
                if is_gather(self.class(place.base), op) =>
            {
                self.gather(op);
            }
            (Op::Store { .. }, _) => self.by_lane(op),
            // A value for all.
            (_, Some(Uniformity::Uniform | Uniformity::Affine(_))) => self.step(op),
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
            (Op::Unary(code, target, a), _) => {
                if !self.group_one(*code, *target, *a) {
                    self.by_lane(op);
                }
            }
            (Op::Binary(code, target, a, b), _) => {
                if !self.group_two(*code, *target, *a, *b) {
                    self.by_lane(op);
                }
            }
            (Op::Fma(target, a, b, c), _) => {
                let ty = self.shared.body.ty(*target);
                for chunk in 0..self.chunk_count(ty) {
                    self.fma_chunk(*target, [*a, *b, *c], chunk);
                }
            }
            (Op::CanonicalizeNan(target, a), _) => {
                let ty = self.shared.body.ty(*target);
                let (nan, eq) = if ty == Ty::F32 {
                    (Arg::F32(crate::compile::codegen::step::NAN32), W::F32x4Eq)
                } else {
                    (Arg::F64(crate::compile::codegen::step::NAN64), W::F64x2Eq)
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
            (Op::FlushSubnormal(target, a), _) => {
                for chunk in 0..VECTOR_LANES / 4 {
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

    /// Whether a node's code is written for a group.
    pub(crate) fn is_group(&self) -> bool {
        self.group.is_one
    }

    pub(crate) fn group_node(&mut self, kind: &Kind) {
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
