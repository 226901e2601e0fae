//! The table of instructions: for every form that this crate knows its mnemonic, its modifiers, the
//! kinds of its operands, and the operation that it stands for.
//!
//! The parser accepts what the table lists, the checker holds operands against its kinds, the
//! printer writes modifiers in its order, and the interpreter carries out its operations. Whatever
//! is not here is refused by name.

mod rows;
mod wgmma_rows;
mod wmma_rows;

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::LazyLock;

use crate::syntax::modifier::Modifier;
use crate::syntax::types::{Space, Type};
use rows::ROWS;
pub(crate) use rows::ScalarOp;
use wgmma_rows::WGMMA_ROWS;
use wmma_rows::WMMA_ROWS;

/// What an instruction does, its types and modifiers aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Abs,
    Activemask,
    Add,
    AddCarry,
    And,
    Atom,
    Barrier,
    BarrierArrive,
    BarrierReduce,
    Bra,
    BrxIdx,
    Call,
    /// `barrier.cluster.wait`.
    ClusterWait,
    /// `cp.async`: copies from device memory to shared memory.
    CopyAsync,
    /// `cp.async.bulk`: copies so many bytes between device memory and shared memory.
    CopyBulk,
    Copysign,
    Cos,
    Cvt,
    CvtPack,
    /// `cvt.pack`: integers that are clamped, and packed into one register.
    CvtPackSat,
    Cvta,
    Div,
    Elect,
    Ex2,
    Exit,
    Fence,
    Fma,
    Fns,
    /// `wmma.load`: each lane loads its elements of a matrix in memory.
    FragmentLoad,
    /// `wmma.mma`: the product of two matrices, and a third.
    FragmentMultiply,
    /// `wmma.store`.
    FragmentStore,
    /// `getctarank`: the rank in its cluster of the block that an address belongs to.
    BlockRank,
    /// Changes nothing that a kernel could see: hints to caches, naps, counters.
    Hint,
    Isspacep,
    Ld,
    Lg2,
    /// `ldmatrix`: each lane gives the address of a row, and gets its elements of each matrix.
    LoadMatrix,
    /// `lop3` that also combines a predicate with whether its result is zero.
    Lop3Predicate,
    Mad,
    MadCarry,
    Match,
    /// `mapa`: an address in the shared memory of a block of the cluster, which is this one.
    MapToBlock,
    Max,
    /// `mbarrier.pending_count`: how many arrivals a phase waited for, by its state.
    MbarrierPending,
    /// `mbarrier.test_wait` and `try_wait`: whether a phase is complete.
    MbarrierTest,
    Min,
    /// `mma`: the product of two matrices whose elements the lanes of a warp hold, and a third.
    Mma,
    Mov,
    Mul,
    Neg,
    Or,
    /// `createpolicy`: makes a hint for caches, which nothing reads.
    Policy,
    Rcp,
    Red,
    Redux,
    Rem,
    Ret,
    Rsqrt,
    /// An integer operation on registers that is written once for interpreter and compiler.
    Scalar(ScalarOp),
    Selp,
    Set,
    /// `set` of two halves, each with its own outcome.
    SetHalves,
    Setp,
    /// `setp` of two halves, each with its own predicate.
    SetpHalves,
    Shfl,
    Shl,
    Shr,
    Sin,
    Slct,
    Sqrt,
    St,
    /// `stmatrix`.
    StoreMatrix,
    Sub,
    SubCarry,
    Tanh,
    Testp,
    /// `movmatrix`: the transpose of a matrix.
    TransposeMatrix,
    Trap,
    /// The same for each of so many lanes of a word.
    Video(Lanewise, u8),
    Vote,
    WarpBarrier,
    /// `wgmma.mma_async`: the product of a matrix that four warps share with one in shared memory.
    WarpgroupMultiply,
    Xor,
}

/// What an instruction reads or writes beside registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: it may be computed where it is not wanted, and its result dropped.
    Registers,
    /// Memory, or the order of accesses to it, or caches.
    Memory,
    /// Which instruction is next.
    Control,
    /// Other threads of the warp or of the block.
    Collective,
}

impl Op {
    /// What kind of instruction it is.
    pub(crate) fn effect(self) -> Effect {
        use Op::*;
        match self {
            Abs | Add | AddCarry | And | BlockRank | Copysign | Cos | Cvt | CvtPack
            | CvtPackSat | Cvta | Div | Ex2 | Fma | Fns | Isspacep | Lg2 | Lop3Predicate | Mad
            | MadCarry | MapToBlock | Max | MbarrierPending | Min | Mov | Mul | Neg | Or
            | Policy | Rcp | Rem | Rsqrt | Scalar(_) | Selp | Set | SetHalves | Setp
            | SetpHalves | Shl | Shr | Sin | Slct | Sqrt | Sub | SubCarry | Tanh | Testp
            | Video(..) | Xor => Effect::Registers,
            Atom | CopyAsync | CopyBulk | Fence | FragmentLoad | FragmentStore | Hint | Ld
            | Red | St => Effect::Memory,
            Bra | BrxIdx | Call | Exit | Ret | Trap => Effect::Control,
            Activemask | Barrier | BarrierArrive | BarrierReduce | ClusterWait | Elect
            | FragmentMultiply | LoadMatrix | Match | MbarrierTest | Mma | Redux | Shfl
            | StoreMatrix | TransposeMatrix | Vote | WarpBarrier | WarpgroupMultiply => {
                Effect::Collective
            }
        }
    }
}

/// What a video instruction does in each lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lanewise {
    AbsDiff,
    Add,
    /// Rounded to the nearest integer, halves away from zero.
    Average,
    /// 1 where the numbers are in this order or, if that is `false`, in any other; else 0.
    Compare(Ordering, bool),
    Max,
    Min,
    Sub,
}

/// A place among an instruction's modifiers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slot {
    /// One of these must stand here.
    Need(&'static [Modifier]),
    /// One of these may stand here.
    May(&'static [Modifier]),
    /// One of these types must stand here.
    Of(&'static [Type]),
}

/// The type that an operand has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ty {
    /// The instruction's first type.
    T0,
    /// The instruction's second type.
    T1,
    /// The instruction's third type.
    T2,
    /// Twice the size of the first type.
    Wide,
    /// This type.
    Is(Type),
}

/// What may stand as an operand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OperandKind {
    /// A register to write.
    Dst(Ty),
    /// A register to write that may be wider than the type.
    DstLoose(Ty),
    /// A register to write and optionally, after a bar, a predicate.
    DstPair(Ty),
    /// A predicate to write and optionally, after a bar, a second one; either may be `_`.
    PredPair,
    /// A register or a constant.
    Src(Ty),
    /// A register that may be wider than the type, or a constant.
    SrcLoose(Ty),
    /// A predicate, perhaps negated.
    SrcPred,
    /// A byte or half of a register to write: the register gets it, and the rest of the last operand.
    DstPart(Ty),
    /// A register or a constant; of a register perhaps a byte or half, and perhaps negated.
    SrcPart(Ty),
    /// A register to write, or some of its bytes or halves: the others come from the last operand.
    DstMasked(Ty),
    /// A register, perhaps with a selector that also reaches into the other operand; or a constant.
    SrcSelected(Ty),
    /// What a load writes: as many registers as the instruction has lanes.
    DstLanes,
    /// What a store reads: as many registers or constants as the instruction has lanes.
    SrcLanes,
    /// What `mov` writes: a register, or several that the value is spread over.
    DstMove,
    /// What `mov` reads: a register, a constant, an address, or several registers together.
    SrcMove,
    /// Registers to write, in braces: so many of a type.
    DstVector(Ty, u8),
    /// Registers or constants in braces: so many of a type.
    SrcVector(Ty, u8),
    /// Registers to write, in braces: as many as `wgmma` has for its shape.
    DstWarpgroup(Ty),
    /// Four registers in braces, or the descriptor of a matrix in shared memory.
    SrcMatrix,
    /// How many bytes are copied, or a predicate where none are.
    SrcCopied,
    /// A place in memory, in brackets.
    Address,
    /// A place in memory of this space, whatever else the instruction names.
    AddressIn(Space),
    /// A label.
    Label,
    /// The name of a list of labels.
    Labels,
    /// What a call names: results, function, arguments.
    Call,
}

/// One form of an instruction.
#[derive(Debug)]
pub(crate) struct Row {
    pub name: &'static str,
    pub slots: &'static [Slot],
    pub operands: &'static [OperandKind],
    pub op: Op,
}

/// Rows are compared by identity: there is one of each.
impl PartialEq for Row {
    fn eq(&self, other: &Row) -> bool {
        std::ptr::eq(self, other)
    }
}

use Slot::{May, Need, Of};

/// The rows of each mnemonic.
static BY_NAME: LazyLock<HashMap<&'static str, Vec<&'static Row>>> = LazyLock::new(|| {
    let mut map: HashMap<&'static str, Vec<&'static Row>> = HashMap::new();
    for row in all() {
        map.entry(row.name).or_default().push(row);
    }
    map
});

/// All forms of a mnemonic; empty where it is unknown.
pub(crate) fn rows(name: &str) -> &'static [&'static Row] {
    BY_NAME.get(name).map_or(&[], Vec::as_slice)
}

/// All forms.
pub(crate) fn all() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().chain(WMMA_ROWS).chain(WGMMA_ROWS)
}

impl Row {
    /// Whether these words are this form's modifiers.
    pub(crate) fn accepts(&self, words: &[Modifier]) -> bool {
        let mut words = words.iter().peekable();
        for slot in self.slots {
            let next = words.peek().copied();
            let fits = match (slot, next) {
                (Need(choices) | May(choices), Some(word)) => choices.contains(word),
                (Of(types), Some(Modifier::Type(ty))) => types.contains(ty),
                _ => false,
            };
            if fits {
                words.next();
            } else if !matches!(slot, May(_)) {
                return false;
            }
        }
        words.next().is_none()
    }

    /// These words in this form's order, where they are its modifiers in any order. NVIDIA's
    /// assembler does not mind the order either, and CUDA's own headers rely on it.
    pub(crate) fn ordered(&self, words: &[Modifier]) -> Option<Vec<Modifier>> {
        let mut left = words.to_vec();
        let mut ordered = Vec::with_capacity(left.len());
        for slot in self.slots {
            let found = left.iter().position(|word| match (slot, word) {
                (Need(choices) | May(choices), word) => choices.contains(word),
                (Of(types), Modifier::Type(ty)) => types.contains(ty),
                _ => false,
            });
            match found {
                Some(place) => ordered.push(left.remove(place)),
                None if matches!(slot, May(_)) => {}
                None => return None,
            }
        }
        left.is_empty().then_some(ordered)
    }
}
