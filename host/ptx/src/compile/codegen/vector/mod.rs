//! The vector emitter: code for a lane group, that is for as many threads as vectors have lanes, all
//! at once.
//!
//! What uniformity analysis finds to be the same in all lanes, or a constant offset apart, is computed
//! once, as for a single thread; the rest is in vectors. What has no vector form is scalarised: done
//! for one lane after another, by the code for single threads, so it says and does the same. Where the
//! threads of a group diverge, they go on one by one in the function for single threads, up to where
//! they reconverge.

mod arithmetic;
mod async_copy;
mod block;
mod bounds_guards;
mod coalesced_access;
mod collective;
mod divergent_branch;
mod fault_branch;
mod fragment_cache;
mod gather;
mod lane_group_loop;
mod lane_values;
mod masked;
mod matrix_load;
mod operation;
pub(crate) mod product;
mod reconvergence;
mod scalar_fallback;
mod schedule_fence;
mod spill_frame;
mod strip_mine;
mod transpose4;

use rustc_hash::FxHashMap as HashMap;
use wasm_encoder::{Instruction as W, ValType};

use crate::compile::Unsupported;
use crate::compile::analysis::liveness::for_each_access;
use crate::compile::analysis::masked_steps;
use crate::compile::cfg::graph::Graph;
use crate::compile::cfg::structured::Item;
use crate::compile::codegen::function_writer::{Emit, FIRST_THREAD, Function, FunctionWriter};
use crate::compile::codegen::input::CodegenInput;
use crate::compile::codegen::scalar::ScalarEmitter;
use crate::compile::codegen::structured_control::emit_items;
use crate::compile::codegen::val_type;
use crate::compile::ir::entity::EntityMap;
use crate::compile::ir::{BlockId, Reg, SuspendKind, SuspendPoint, Ty};
use bounds_guards::GuardLocals;
use fragment_cache::FragmentCache;

/// The most locals of vectors: most are of values that are used at once, and cost an engine little.
const MOST_VECTORS: usize = 40_000;

/// Emits code for the threads of a lane group at once.
pub(crate) struct VectorEmitter<'k> {
    input: &'k CodegenInput<'k>,
    /// Emits what is the same in all lanes, and scalarised steps. Its thread is the group's first.
    scalar: ScalarEmitter<'k>,
    /// The chunks of each divergent register: locals of vectors, of four lanes each, or of two where
    /// the register has 64 bits.
    chunks: EntityMap<Reg, Vec<u32>>,
    /// Vectors for what is at hand.
    temps: [u32; 3],
    /// Vectors for the rows and columns of a transposition, and for halves of them.
    rows: [u32; 4],
    halves: [u32; 2],
    /// The address that the elements of an access count from.
    base: u32,
    /// A number for what is at hand, and the lane of a scalarised step.
    temp: u32,
    lane: u32,
    /// The group's first thread, during a scalarised step.
    first_of_group: u32,
    /// Scalar locals of registers, during a scalarised step, by their type and number.
    stand_ins: HashMap<(Ty, usize), u32>,
    /// The suspend point at which the block's lane groups wait so far, as a resume index: 0 before the
    /// first group, 1 where they differ. `None` where no barrier is one for all threads.
    common_suspension: Option<u32>,
    /// All ones where the first group has reconverged and goes on, whatever the others do.
    keep_going: u32,
    /// The masks of the lanes that take part in masked steps, their bits, and what a register had
    /// before.
    masks: Vec<u32>,
    lane_bits: u32,
    old: Vec<u32>,
    /// Fragments of matrices in scratch memory.
    fragments: FragmentCache,
    /// Vectors of a matrix that is loaded.
    matrix_rows: Option<[u32; 8]>,
    /// How many edges lead to each block.
    predecessors: EntityMap<BlockId, u32>,
    guards: GuardLocals,
}

impl Emit for VectorEmitter<'_> {
    fn function(&self) -> &FunctionWriter {
        self.scalar.function()
    }

    fn function_mut(&mut self) -> &mut FunctionWriter {
        self.scalar.function_mut()
    }
}

/// Writes the function that runs lane groups, and leaves threads that diverge to the function that
/// [`scalar`](crate::compile::codegen::scalar) writes. It returns -1 when all groups have been run to
/// where they wait or end, the index of the last thread of a group that an interrupt made return, or
/// which threads are to run one by one; see [`reconvergence`].
///
/// # Errors
/// Where there are too many registers.
pub(crate) fn vector(
    input: &CodegenInput<'_>,
    graph: &Graph,
    items: &[Item],
) -> Result<Function, Unsupported> {
    let mut scalar = ScalarEmitter::new(input);
    scalar.common_resume = Some(scalar.local(ValType::I32));
    let mut emitter = VectorEmitter::new(scalar)?;
    emitter.fragments = FragmentCache::of(input.body, graph);
    emitter.prologue();
    emit_items(&mut emitter, graph, items);
    emitter.scalar.writer.finish()
}

/// Writes the function that copies a group's uniform spill frame to the frames of its threads.
///
/// # Errors
/// Where there are too many registers.
pub(crate) fn spill_uniform_frame(input: &CodegenInput<'_>) -> Result<Function, Unsupported> {
    let mut emitter = VectorEmitter::new(ScalarEmitter::new(input))?;
    emitter.get(FIRST_THREAD);
    emitter.i32(0u32.wrapping_sub(emitter.lanes()));
    emitter.op(W::I32And);
    emitter.set(emitter.scalar.thread);
    emitter.copy_uniform_frame();
    emitter.i32(0);
    emitter.scalar.writer.finish()
}

impl<'k> VectorEmitter<'k> {
    fn new(mut scalar: ScalarEmitter<'k>) -> Result<VectorEmitter<'k>, Unsupported> {
        let input = scalar.input;
        let mut vectors = 0;
        let mut chunks = EntityMap::for_each(&input.body.regs, Vec::new());
        let is_used = used(input);
        for (reg, ty) in input.body.regs.iter() {
            if is_used.get(reg) != Some(&true) {
                continue;
            }
            let diverges = input.is_divergent(reg);
            let count = if diverges {
                chunk_count(input.body.lanes(), *ty)
            } else {
                0
            };
            vectors += count as usize;
            chunks.set(
                reg,
                (0..count).map(|_| scalar.local(ValType::V128)).collect(),
            );
            // The first lane's answer to a condition is a scalar, besides the lanes' own.
            let is_scalar = !diverges || input.analyses.endpoint_conditions.contains(&reg);
            let local = is_scalar.then(|| scalar.local(val_type(*ty)));
            scalar.regs.set(reg, local);
        }
        if vectors > MOST_VECTORS {
            return Err(Unsupported::limit("too many registers"));
        }
        scalar.writer.check_locals()?;
        let plain = |point: &SuspendPoint| matches!(point.kind, SuspendKind::Plain(_));
        let has_plain = input.body.suspend_points.values().any(plain);
        Ok(VectorEmitter {
            input,
            chunks,
            common_suspension: has_plain.then(|| scalar.local(ValType::I32)),
            temps: [(); 3].map(|()| scalar.local(ValType::V128)),
            rows: [(); 4].map(|()| scalar.local(ValType::V128)),
            halves: [(); 2].map(|()| scalar.local(ValType::V128)),
            base: scalar.local(ValType::I32),
            lane: scalar.local(ValType::I32),
            first_of_group: scalar.local(ValType::I32),
            temp: scalar.local(ValType::I32),
            keep_going: scalar.local(ValType::I32),
            masks: vectors_for(&mut scalar, Ty::I32),
            lane_bits: scalar.local(ValType::I32),
            old: Vec::new(),
            fragments: FragmentCache::default(),
            matrix_rows: None,
            predecessors: masked_steps::predecessors(input.body),
            stand_ins: HashMap::default(),
            guards: GuardLocals::default(),
            scalar,
        })
    }

    /// How many lanes the group has.
    fn lanes(&self) -> u32 {
        self.input.body.lanes()
    }

    /// How many vectors hold the lanes of a register.
    fn chunk_count(&self, ty: Ty) -> u32 {
        chunk_count(self.lanes(), ty)
    }

    /// The local with the resume index that all threads of the block have in common, or -1.
    fn common_resume(&self) -> u32 {
        let common = self.scalar.common_resume;
        self.require(common, "a function without the common resume index")
    }
}

/// The registers that vector code has: those of blocks that have vector code, and those that are live
/// from block to block.
fn used(input: &CodegenInput<'_>) -> EntityMap<Reg, bool> {
    let liveness = &input.analyses.liveness;
    let mut used = EntityMap::from_fn(&input.body.regs, |reg, _| liveness.bit(reg).is_some());
    for id in input.body.blocks.keys() {
        if input.body.has_vector_code(id) {
            for_each_access(input.body, id, |reg, _| {
                used.set(reg, true);
            });
        }
    }
    used
}

/// Locals for the lanes of a value of a type.
fn vectors_for(scalar: &mut ScalarEmitter<'_>, ty: Ty) -> Vec<u32> {
    let count = chunk_count(scalar.input.body.lanes(), ty);
    (0..count).map(|_| scalar.local(ValType::V128)).collect()
}

/// How many vectors hold so many lanes of a register.
fn chunk_count(lanes: u32, ty: Ty) -> u32 {
    lanes * ty.bytes() / 16
}

/// How many lanes a vector has for values of a type.
fn lanes_per_chunk(ty: Ty) -> u32 {
    16 / ty.bytes()
}

/// The instruction that sets all lanes to one value.
fn splat(ty: Ty) -> W<'static> {
    match ty {
        Ty::I32 => W::I32x4Splat,
        Ty::I64 => W::I64x2Splat,
        Ty::F32 => W::F32x4Splat,
        Ty::F64 => W::F64x2Splat,
    }
}

/// The vector that has these 32 bits in each lane.
fn splat_i32(bits: u32) -> i128 {
    let bits = u128::from(bits);
    (bits | bits << 32 | bits << 64 | bits << 96).cast_signed()
}

/// The vector that has these 64 bits in each lane.
fn splat_i64(bits: u64) -> i128 {
    let bits = u128::from(bits);
    (bits | bits << 64).cast_signed()
}

/// Shuffles: the even words of two vectors,
const EVEN: [u8; 16] = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
/// the lower halves of two vectors,
const LOWER: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
/// and the upper half of the first in both halves.
const UPPER: [u8; 16] = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
