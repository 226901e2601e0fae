//! The memory layout of an entry as it runs: where its shared variables begin, what its functions'
//! frames hold, and how many slots its registers take. `layout_entries.rs` computes it.

use std::collections::HashMap;

use crate::syntax::table::Op;
use crate::syntax::tree::{Function, Instruction, Operand};
use crate::syntax::types::Space;

/// Where the addresses of functions begin: no memory is there, so that they can only be called.
const FUNCTION_BASE: u64 = 4 << 32;

/// How far the addresses of two functions are apart.
const FUNCTION_BYTES: u64 = 16;

/// The address of the device function of a [number](Function::number): what a kernel has in its
/// pointers. It is 0 for none.
pub(crate) fn function_address(number: u32) -> u64 {
    FUNCTION_BASE + FUNCTION_BYTES * u64::from(number)
}

/// A shared variable of the module, or of one function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SharedId {
    Module(u32),
    Function { function: u32, variable: u32 },
}

/// Where things lie when one entry runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Layout {
    /// The functions that the entry reaches, itself first.
    pub functions: Vec<u32>,
    /// Where each shared variable begins. Dynamic ones are absent: they all begin at
    /// `dynamic_shared`.
    pub shared: HashMap<SharedId, u32>,
    /// How many bytes the static variables take.
    pub shared_bytes: u32,
    /// Where dynamic shared memory begins.
    pub dynamic_shared: u32,
    /// Local memory of the entry and of the deepest calls, in bytes.
    pub local_bytes: u32,
    /// Slots for registers of the entry and of the deepest calls.
    pub slots: u32,
    /// Whether a function that it reaches may come to be called while it is active. How often it
    /// may is bounded by local memory and slots.
    pub recursive: bool,
}

/// Where the local and parameter variables of one function lie in its frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Frame {
    /// By variable; those of other spaces have 0.
    pub offsets: Vec<u32>,
    /// A multiple of 16.
    pub bytes: u32,
}

/// The most slots that an instruction of several steps takes for what passes from one to the next.
const MOST_OWN_SLOTS: usize = 32;

/// How many slots one function takes for its registers: theirs, one for the carry flag, one for
/// what nobody wants, and one for each operand that must be computed before its instruction.
pub(crate) fn slots(function: &Function) -> u32 {
    let operands = |instruction: &Instruction| {
        let count = |operand: &Operand| match operand {
            Operand::Vector(elements) => elements.len(),
            Operand::Call(site) => site.arguments.len(),
            _ => 1,
        };
        let own = match instruction.row.op {
            Op::LoadMatrix
            | Op::StoreMatrix
            | Op::TransposeMatrix
            | Op::CopyAsync
            | Op::CopyBulk
            | Op::FragmentLoad
            | Op::FragmentMultiply
            | Op::FragmentStore
            | Op::WarpgroupMultiply => MOST_OWN_SLOTS,
            _ => 0,
        };
        own + instruction.operands.iter().map(count).sum::<usize>()
    };
    let computed = function.body.iter().map(operands).max().unwrap_or(0);
    u32::try_from(function.registers.len() + 2 + computed).unwrap_or(u32::MAX)
}

/// Lays out one function's frame; `None` where 32 bits cannot say its size.
pub(crate) fn frame(function: &Function) -> Option<Frame> {
    let mut end = 0u32;
    let mut offsets = Vec::with_capacity(function.variables.len());
    for variable in &function.variables {
        if !matches!(variable.space, Space::Local | Space::Param) {
            offsets.push(0);
            continue;
        }
        let offset = end.checked_next_multiple_of(variable.align.max(1))?;
        offsets.push(offset);
        end = offset.checked_add(variable.bytes)?;
    }
    let bytes = end.checked_next_multiple_of(16)?;
    Some(Frame { offsets, bytes })
}
