//! The compiler's intermediate representation: basic blocks of steps on typed registers, in no SSA form.
//!
//! Calls are inlined, variables have addresses, operands have one type each. A step is an instruction
//! of WebAssembly, or takes a few of them. Its semantics are those for one thread; scalar and vector
//! code are two ways to emit it. [`print`] writes the IR as text, [`verify`] checks it.

pub(crate) mod entity;
pub(crate) mod opcodes;
mod operands;
pub(crate) mod print;
#[cfg(test)]
pub(crate) mod samples;
mod suspend;
pub(crate) mod verify;

use rustc_hash::FxHashSet as HashSet;

use crate::compile::abi::VECTOR_LANES;
use crate::numeric::Libcall;
use crate::simt::warp::{WARP_LANES, WarpOp};
use crate::syntax::bool_combine::BoolCombine;
use crate::syntax::builtin_functions::BuiltinFunction;
use entity::{PrimaryMap, entity_id};
use opcodes::Opcode;

pub(crate) use crate::simt::address::AddressSpace as Space;
pub(crate) use suspend::{SuspendKind, SuspendPoint};

/// A type of WebAssembly. Predicates are 0 or 1; integers of fewer than 32 bits are zero-extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Ty {
    I32,
    I64,
    F32,
    F64,
}

impl Ty {
    pub(crate) fn bytes(self) -> u32 {
        match self {
            Ty::I32 | Ty::F32 => 4,
            Ty::I64 | Ty::F64 => 8,
        }
    }

    pub(crate) fn is_float(self) -> bool {
        matches!(self, Ty::F32 | Ty::F64)
    }
}

entity_id! {
    /// A register. It has one type, and may be written more than once: the IR is not in SSA form.
    Reg, "v"
}

entity_id! {
    /// A basic block.
    BlockId, "block"
}

entity_id! {
    /// A [`Site`]: what can fault.
    SiteId, "site"
}

entity_id! {
    /// A [`SuspendPoint`]: where threads wait for each other.
    SuspendId, "suspend"
}

entity_id! {
    /// A function of the interpreter that code calls.
    LibcallId, "libcall"
}

impl BlockId {
    /// Where a kernel begins.
    pub(crate) const ENTRY: BlockId = BlockId(0);
}

/// An operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arg {
    Reg(Reg),
    I32(u32),
    I64(u64),
    /// By their bits.
    F32(u32),
    F64(u64),
}

impl Arg {
    pub(crate) fn constant(ty: Ty, bits: u64) -> Arg {
        match ty {
            Ty::I32 => Arg::I32(bits as u32),
            Ty::I64 => Arg::I64(bits),
            Ty::F32 => Arg::F32(bits as u32),
            Ty::F64 => Arg::F64(bits),
        }
    }

    /// Its bits, where it is a constant.
    pub(crate) fn bits(self) -> Option<u64> {
        match self {
            Arg::Reg(_) => None,
            Arg::I32(bits) | Arg::F32(bits) => Some(u64::from(bits)),
            Arg::I64(bits) | Arg::F64(bits) => Some(bits),
        }
    }

    pub(crate) fn reg(self) -> Option<Reg> {
        match self {
            Arg::Reg(reg) => Some(reg),
            _ => None,
        }
    }
}

/// What a special register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SpecialValue {
    /// A dimension of the thread's position in its block.
    Tid(u8),
    /// The thread's number in the block.
    Thread,
    /// A word of the launch's description, at this address of scratch memory: uniform.
    Launch(u32, Ty),
    /// One or two bytes of it, zero-extended.
    LaunchPart(u32, u8),
    /// The host's clock, in nanoseconds.
    Clock,
}

/// An address: 32 bits for [`Space::Shared`] and [`Space::Local`], else 64.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct AccessAddress {
    pub space: Space,
    pub base: Arg,
    pub offset: i64,
    /// Which access of the kernel this is.
    pub site: SiteId,
}

/// The largest offset of coalesced accesses: sums of a few do not overflow.
const NEAR: u64 = 1 << 40;

impl AccessAddress {
    /// Whether its offset is small enough for a coalesced access.
    pub(crate) fn is_near(&self) -> bool {
        self.offset.unsigned_abs() <= NEAR
    }
}

/// What an atomic operation replaces a value in memory by; the old value is its result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum AtomicOp {
    Add,
    And,
    Or,
    Xor,
    Exchange,
    /// Compare and swap: `c` where the old value is `b`.
    Swap,
    /// The minimum, or the maximum, of the two.
    Least {
        signed: bool,
        most: bool,
    },
    Increment,
    Decrement,
    FloatAdd {
        flush: bool,
    },
    /// What a function of the interpreter makes of the old value and `b`.
    Libcall(LibcallId),
}

/// One step.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Does nothing: what follows in the block comes from this line of the text. It exists only where
    /// lines were asked for.
    Line(u32),
    Copy(Reg, Arg),
    Unary(Opcode, Reg, Arg),
    Binary(Opcode, Reg, Arg, Arg),
    /// The target, the condition, the value where it is not zero, and the value where it is.
    Select(Reg, Arg, Arg, Arg),
    /// Fused multiply-add: one rounding.
    Fma(Reg, Arg, Arg, Arg),
    /// NVIDIA's NaN for any NaN; any other value as it is.
    CanonicalizeNan(Reg, Arg),
    /// Zero of the same sign for a subnormal; any other value as it is.
    FlushSubnormal(Reg, Arg),
    Special(Reg, SpecialValue),
    /// What a function of the interpreter computes, of operands of 64 bits.
    Libcall {
        target: Reg,
        libcall: LibcallId,
        args: Vec<Arg>,
    },
    /// A call of a function of CUDA's device runtime, which the host carries out, with operands of 64
    /// bits. The block ends behind it.
    Builtin {
        target: Reg,
        site: SiteId,
        args: Vec<Arg>,
    },
    Load {
        targets: Vec<Reg>,
        place: AccessAddress,
        /// Of each element; several lie one after another.
        bytes: u8,
        atomic: bool,
    },
    Store {
        place: AccessAddress,
        bytes: u8,
        values: Vec<Arg>,
        atomic: bool,
    },
    Atomic {
        target: Option<Reg>,
        place: AccessAddress,
        bytes: u8,
        change: AtomicOp,
        b: Arg,
        c: Arg,
    },
    /// `cp.async`: copies 4, 8 or 16 bytes, or where `copied` is less than that so many, and then writes
    /// zeros for the others.
    CopyAsync(AsyncCopy),
    /// `ldmatrix` of a whole warp. Only lane groups that are warps come here; see [`MatrixLoad`].
    LoadMatrix(MatrixRows),
    /// A collective of all lanes of a warp, on operands of 32 bits. It has a register for each word
    /// that a lane gets. Only lane groups that are warps come here; see [`End::WholeWarp`].
    Collective {
        op: WarpOp,
        targets: Vec<Reg>,
        inputs: Vec<Arg>,
    },
}

/// An asynchronous copy, which copies at once.
#[derive(Clone, Debug)]
pub(crate) struct AsyncCopy {
    pub from: AccessAddress,
    pub to: AccessAddress,
    pub bytes: u8,
    /// How many bytes are copied, where not all are.
    pub copied: Option<Arg>,
    /// The accesses of single bytes, where not all are copied.
    pub from_byte: SiteId,
    pub to_byte: SiteId,
}

impl AsyncCopy {
    /// The places of single bytes.
    pub(crate) fn byte_places(&self) -> [AccessAddress; 2] {
        let (from, to) = (self.from_byte, self.to_byte);
        [(self.from, from), (self.to, to)].map(|(place, site)| AccessAddress { site, ..place })
    }
}

/// What a warp loads of matrices in shared memory, of 8 rows of 16 bytes each.
#[derive(Clone, Debug)]
pub(crate) struct MatrixRows {
    /// One for each matrix: a word of 32 bits of each lane.
    pub targets: Vec<Reg>,
    /// The row of each lane, as an access of 16 bytes. The rows of the first matrix are those of the
    /// first eight lanes, and so on.
    pub rows: AccessAddress,
    /// Whether lanes have elements of columns.
    pub transposed: bool,
    /// The site of a row whose address is misaligned, and those of the elements.
    pub misaligned: SiteId,
    pub element: SiteId,
}

/// Where a kernel loads matrices: a block that jumps to the code for single threads, in which they
/// exchange the addresses of rows and load their elements, up to a block behind it. A lane group that is
/// a warp can do a step of its own instead (`passes/whole_warps.rs`).
#[derive(Clone, Debug)]
pub(crate) struct MatrixLoad {
    pub block: BlockId,
    pub of_single_threads: BlockId,
    pub waits_at: SuspendId,
    pub step: MatrixRows,
    pub next: BlockId,
}

/// How a block ends.
#[derive(Clone, Debug)]
pub(crate) enum End {
    Jump(BlockId),
    /// The condition, the target where it is not zero, and the target where it is.
    Branch(Arg, BlockId, BlockId),
    /// The target that an index selects; an index behind the last one is a fault at the site.
    Table(Arg, Vec<BlockId>, SiteId),
    /// Lane groups go on at the first block, where they compute a collective of a whole warp; threads
    /// that run one by one go on at the second, where they wait for each other.
    WholeWarp(BlockId, BlockId),
    /// The thread has ended.
    Exit,
    /// The kernel ends with a fault at the site; the operand goes with its message.
    Fault(SiteId, Arg),
    /// The thread waits for the other threads of its lane group, if that has diverged and reconverges
    /// here; else it goes on.
    Reconverge(BlockId),
    /// The thread waits for others of its block or warp, and resumes at the block.
    Suspend(SuspendId, BlockId),
    /// No thread comes here: the block was begun after an instruction that does not go on.
    Nowhere,
}

impl End {
    pub(crate) fn successors(&self) -> Vec<BlockId> {
        match self {
            End::Jump(next) | End::Reconverge(next) | End::Suspend(_, next) => vec![*next],
            End::Branch(_, first, second) | End::WholeWarp(first, second) => vec![*first, *second],
            End::Table(_, targets, _) => targets.clone(),
            End::Exit | End::Fault(..) | End::Nowhere => Vec::new(),
        }
    }
}

/// A basic block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// The line that its first step comes from, where lines were asked for, else 0.
    pub line: u32,
    pub ops: Vec<Op>,
    pub end: End,
}

impl Block {
    /// Whether lane groups leave it to the code for single threads: it calls a function of the host, or
    /// does more than fault before it faults. Such a block is rarely run, and has no vector code, so
    /// that what is around it is compiled as if it were not there.
    fn is_cold(&self) -> bool {
        let mut ops = self.ops.iter();
        match self.end {
            // The number of a fault may be another one in each lane.
            End::Fault(_, Arg::Reg(_)) => true,
            End::Fault(..) => ops.any(|op| !matches!(op, Op::Line(_))),
            _ => ops.any(|op| matches!(op, Op::Builtin { .. })),
        }
    }
}

/// What an access, a trap, a jump or a call of the host is, for the message of a fault.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Site {
    /// The line of the text.
    pub line: u32,
    pub what: SiteKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SiteKind {
    Access {
        space: Space,
        /// Of each element.
        bytes: u32,
        lanes: u32,
        write: bool,
    },
    Trap,
    /// A jump by a list of so many labels.
    Jump {
        labels: u32,
    },
    /// A call through an address.
    Call,
    /// The address of a row of a matrix.
    MatrixRow,
    /// How many bytes a bulk copy moves.
    BulkSize,
    /// A call of this function of the device runtime.
    Builtin(BuiltinFunction),
}

/// A kernel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    pub regs: PrimaryMap<Reg, Ty>,
    /// The first one is where the kernel begins.
    pub blocks: PrimaryMap<BlockId, Block>,
    pub sites: PrimaryMap<SiteId, Site>,
    pub suspend_points: PrimaryMap<SuspendId, SuspendPoint>,
    pub libcalls: PrimaryMap<LibcallId, Libcall>,
    /// The registers that the PTX declares: zeros until they are written. All others are the compiler's
    /// own, and written before they are read.
    pub declared: HashSet<Reg>,
    /// Integers that are a number's bits, in whose use it does not matter which NaN it is.
    pub payload_ignored: HashSet<Reg>,
    /// Whether a lane group is a whole warp, since it computes collectives by itself, or so that fewer
    /// groups wait at barriers.
    pub whole_warps: bool,
    /// Where it loads matrices.
    pub matrix_loads: Vec<MatrixLoad>,
    /// Blocks that only threads come to that run one by one, where lane groups take a way of their own.
    pub single_threads_only: HashSet<BlockId>,
    /// Blocks that have no vector code, since all of the kernel is too large for it.
    pub scalar_only: HashSet<BlockId>,
}

impl Body {
    pub(crate) fn reg(&mut self, ty: Ty) -> Reg {
        self.regs.push(ty)
    }

    /// How many threads a lane group has.
    pub(crate) fn lanes(&self) -> u32 {
        if self.whole_warps {
            WARP_LANES
        } else {
            VECTOR_LANES
        }
    }

    /// The type of a register. That each has one is checked before code is written; see [`verify`].
    pub(crate) fn ty(&self, reg: Reg) -> Ty {
        let ty = self.regs.get(reg).copied();
        debug_assert!(ty.is_some(), "{reg} is no register of the kernel");
        ty.unwrap_or(Ty::I32)
    }

    pub(crate) fn arg_ty(&self, arg: Arg) -> Ty {
        match arg {
            Arg::Reg(reg) => self.ty(reg),
            Arg::I32(_) => Ty::I32,
            Arg::I64(_) => Ty::I64,
            Arg::F32(_) => Ty::F32,
            Arg::F64(_) => Ty::F64,
        }
    }

    pub(crate) fn block(&self, id: BlockId) -> Option<&Block> {
        self.blocks.get(id)
    }

    /// Whether lane groups leave a block to the code for single threads, where it begins.
    pub(crate) fn is_cold(&self, id: BlockId) -> bool {
        self.scalar_only.contains(&id) || self.block(id).is_some_and(Block::is_cold)
    }

    /// Whether lane groups have code for a block.
    pub(crate) fn has_vector_code(&self, id: BlockId) -> bool {
        !self.single_threads_only.contains(&id) && !self.is_cold(id)
    }

    /// How many words a thread brings to a suspend point or takes from it, at most.
    pub(crate) fn exchanged_words(&self) -> usize {
        let points = self.suspend_points.iter();
        let words = points.map(|(_, point)| point.inputs.len().max(point.results.len()));
        words.max().unwrap_or(0)
    }

    /// How many steps there are, blocks' ends included.
    pub(crate) fn len(&self) -> usize {
        let steps = |block: &Block| {
            let marks = block.ops.iter().filter(|op| matches!(op, Op::Line(_)));
            block.ops.len() - marks.count() + 1
        };
        self.blocks.values().map(steps).sum()
    }
}

impl BoolCombine {
    /// The operation on predicates that it is; `None` where there is none.
    pub(crate) fn code(self) -> Option<Opcode> {
        match self {
            BoolCombine::None => None,
            BoolCombine::And => Some(Opcode::I32And),
            BoolCombine::Or => Some(Opcode::I32Or),
            BoolCombine::Xor => Some(Opcode::I32Xor),
        }
    }
}
