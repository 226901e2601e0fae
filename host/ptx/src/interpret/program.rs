//! What the interpreter runs: one entry and the functions that it reaches, flattened. Registers are
//! slots, labels are indices of steps, and constants are in a table that each launch fills in.

use crate::interpret::async_copies::Wait;
use crate::numeric::Flags;
use crate::simt::address::{AddressConversion, AddressSpace};
use crate::simt::barrier::BarrierReduction;
use crate::simt::warp::WarpOp;
use crate::syntax::bool_combine::BoolCombine;
use crate::syntax::builtin_functions::BuiltinFunction;
use crate::syntax::types::Special;

/// A register's place among those of its function.
pub(crate) type Slot = u32;

/// Where a value comes from: a slot or, with the top bit set, the table of constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Source(pub u32);

impl Source {
    const CONSTANT: u32 = 1 << 31;

    pub(crate) fn slot(slot: Slot) -> Source {
        Source(slot & !Source::CONSTANT)
    }

    pub(crate) fn constant(index: u32) -> Source {
        Source(index | Source::CONSTANT)
    }

    #[inline(always)]
    pub(crate) fn is_constant(self) -> bool {
        self.0 & Source::CONSTANT != 0
    }

    #[inline(always)]
    pub(crate) fn index(self) -> usize {
        (self.0 & !Source::CONSTANT) as usize
    }
}

/// A value that is the same for all threads of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Constant {
    Value(u64),
    /// The address of a module's variable, plus so much.
    Global {
        variable: u32,
        addend: i64,
    },
    /// Part of the arguments: so many bytes, their sign extended to so many bits.
    Argument {
        offset: u32,
        bytes: u32,
        extend: Extend,
    },
    /// A special register that is the same for all threads of a launch.
    Special(Special),
}

/// How a value that is narrower than its register fills it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Extend {
    Zero,
    /// Copies of the top bit, from so many bits to so many.
    Sign {
        from: u8,
        to: u8,
    },
}

impl Extend {
    #[inline(always)]
    pub(crate) fn apply(self, value: u64) -> u64 {
        match self {
            Extend::Zero => value,
            Extend::Sign { from, to } => {
                let unused = 64 - u32::from(from);
                let signed = (value << unused).cast_signed() >> unused;
                signed.cast_unsigned() & crate::numeric::integer::mask(u32::from(to))
            }
        }
    }
}

/// An address as a step gives it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address {
    pub base: Source,
    pub offset: i64,
    pub space: AddressSpace,
    /// Whether the address counts from the function's frame.
    pub in_frame: bool,
}

/// An operand that may be a negated predicate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Condition {
    pub source: Source,
    /// Whether its lowest bit is inverted.
    pub negated: bool,
}

/// A comparison: `combine(function(a, b), c)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparison {
    pub function: fn(u64, u64, Flags) -> u64,
    pub flags: Flags,
    pub a: Source,
    pub b: Source,
    pub combine: BoolCombine,
    pub c: Condition,
}

/// A read-modify-write of memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Atomic {
    pub target: Slot,
    pub address: Address,
    pub bytes: u32,
    pub operation: AtomicOp,
    pub flags: Flags,
    pub b: Source,
    pub c: Source,
}

/// What replaces a value in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AtomicOp {
    /// `cas`: `c` where the old value is `b`.
    CompareExchange,
    /// A function of the old value and `b`.
    Combine(fn(u64, u64, Flags) -> u64),
}

/// Addition, subtraction or multiplication with the carry flag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carry {
    pub target: Slot,
    pub a: Source,
    pub b: Source,
    /// What is added to the product; absent for addition and subtraction.
    pub c: Option<Source>,
    pub bits: u32,
    pub signed: bool,
    pub high: bool,
    pub subtract: bool,
    pub carry_in: bool,
    pub carry_out: bool,
    /// Where the flag is kept.
    pub flag: Slot,
}

/// A collective of a warp, and what a thread brings and gets.
#[derive(Clone, Debug)]
pub(crate) struct CollectiveStep {
    pub op: WarpOp,
    /// As many as the operation takes.
    pub inputs: Box<[Condition]>,
    /// Which lanes take part.
    pub mask: Source,
    /// As many as the operation gives.
    pub results: Box<[Slot]>,
}

/// Where a call's argument or result comes from or goes to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Passed {
    Value(Source),
    /// A variable in a frame.
    Variable {
        offset: u32,
        bytes: u32,
    },
}

/// A call of a function.
#[derive(Clone, Debug)]
pub(crate) struct CallStep {
    /// Where its code begins.
    pub target: u32,
    /// How far its slots and its frame lie behind the caller's.
    pub slots: u32,
    pub frame: u32,
    /// How many slots and how much of a frame the callee itself takes.
    pub needed_slots: u32,
    pub needed_frame: u32,
    /// From the caller into the callee.
    pub arguments: Vec<(Passed, Passed)>,
    /// From the callee into the caller.
    pub results: Vec<(Passed, Passed)>,
}

/// `lop3` with a predicate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logic {
    pub target: Slot,
    pub predicate: Slot,
    pub sources: [Source; 4],
    pub combine: BoolCombine,
    pub c: Condition,
}

/// A call of a function that the device provides: `printf`, `__assertfail`.
#[derive(Clone, Debug)]
pub(crate) struct BuiltinCall {
    pub function: BuiltinFunction,
    pub arguments: Vec<Passed>,
    pub result: Option<Passed>,
}

/// What one step does.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Move {
        target: Slot,
        a: Source,
    },
    Unary {
        function: fn(u64, Flags) -> u64,
        flags: Flags,
        target: Slot,
        a: Source,
    },
    Binary {
        function: fn(u64, u64, Flags) -> u64,
        flags: Flags,
        target: Slot,
        a: Source,
        b: Source,
    },
    Ternary {
        function: fn(u64, u64, u64, Flags) -> u64,
        flags: Flags,
        target: Slot,
        a: Source,
        b: Source,
        c: Source,
    },
    Quaternary {
        function: fn(u64, u64, u64, u64, Flags) -> u64,
        flags: Flags,
        target: Slot,
        sources: Box<[Source; 4]>,
    },
    Select {
        target: Slot,
        a: Source,
        b: Source,
        c: Condition,
    },
    Carry(Box<Carry>),
    /// Both outcomes of a comparison: itself, and its opposite.
    Compare {
        comparison: Box<Comparison>,
        target: Slot,
        opposite: Slot,
    },
    /// A comparison of both halves of two pairs: the outcome of the lower halves, and of the upper.
    CompareHalves {
        comparison: Box<Comparison>,
        lower: Slot,
        upper: Slot,
    },
    /// A comparison of both halves, with each outcome as a number in its half.
    CompareHalvesInto {
        comparison: Box<Comparison>,
        target: Slot,
        when_true: u64,
    },
    /// Any function of three words, and a predicate combined with whether its result is not zero.
    Logic(Box<Logic>),
    /// A comparison with its outcome as a number.
    CompareInto {
        comparison: Box<Comparison>,
        target: Slot,
        when_true: u64,
    },
    /// `mov` from one register to several of so many bits each.
    Unpack {
        targets: Box<[Slot]>,
        a: Source,
        bits: u32,
    },
    /// `mov` from several registers of so many bits each to one.
    Pack {
        target: Slot,
        sources: Box<[Source]>,
        bits: u32,
    },
    Special {
        target: Slot,
        special: Special,
    },
    /// The address of a variable in the function's frame.
    FrameAddress {
        target: Slot,
        offset: u32,
    },
    /// `cvta`.
    ConvertAddress {
        target: Slot,
        a: Source,
        conversion: AddressConversion,
    },
    /// `isspacep`: whether an address is one of these.
    IsInRange {
        target: Slot,
        a: Source,
        from: u64,
        to: u64,
    },
    Load {
        target: Slot,
        address: Address,
        bytes: u32,
        extend: Extend,
    },
    LoadMany {
        targets: Box<[Slot]>,
        address: Address,
        bytes: u32,
        extend: Extend,
    },
    Store {
        address: Address,
        bytes: u32,
        value: Source,
    },
    StoreMany {
        address: Address,
        bytes: u32,
        values: Box<[Source]>,
    },
    Atomic(Box<Atomic>),
    Jump {
        target: u32,
    },
    JumpTable {
        index: Source,
        /// An index into [`Program::tables`]: many jumps may share a long one.
        table: u32,
    },
    /// Goes to another step.
    Goto {
        step: u32,
    },
    Call(Box<CallStep>),
    /// Goes to the step that calls the function at an address.
    CallPointer {
        address: Source,
        /// The functions' addresses, rising, and where they are called.
        steps: Box<[(u64, u32)]>,
    },
    Builtin(Box<BuiltinCall>),
    Return,
    Exit,
    Trap,
    Nothing,
    /// Arrives at a barrier of the block, for all threads or so many; `reduce` combines predicates.
    Barrier {
        id: Source,
        count: Option<Source>,
        /// Whether the thread waits until the barrier is complete.
        waits: bool,
        reduce: Option<Box<Reduce>>,
    },
    Collective(Box<CollectiveStep>),
    /// The address of a row of a matrix, as an offset into shared memory; that of lanes from `lanes` on
    /// is not used.
    MatrixRow {
        target: Slot,
        address: Address,
        lanes: u8,
    },
    /// Faults where a bulk copy cannot have so many bytes.
    BulkSize {
        bytes: Source,
    },
    ActiveMask {
        target: Slot,
    },
}

/// A barrier that also combines a predicate of all threads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reduce {
    pub target: Slot,
    pub how: BarrierReduction,
    pub value: Condition,
}

/// What the [checks](crate::interpret::checks) must know of a step beyond its action: how a pointer
/// goes through it, and how it orders threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CheckHint {
    #[default]
    None,
    /// The result is the operand.
    Copy,
    /// An integer of 64 bits is the sum of operands; the last of three is what is added.
    Sum,
    Difference,
    /// Bits of 64-bit operands, combined one by one.
    Bits,
    /// A load or store by which threads may synchronise.
    Synchronizing,
    /// A barrier that whole warps come to.
    Aligned,
    /// A store of an asynchronous copy.
    AsyncCopy,
    /// The asynchronous copies so far become a group.
    CommitCopies,
    /// Waits for asynchronous copies.
    WaitForCopies(Wait),
}

/// One step with its guard.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub action: Action,
    pub hint: CheckHint,
    /// The predicate that must be true or, where `negated`, false.
    pub guard: Option<Slot>,
    pub negated: bool,
    /// The line of the text.
    pub line: u32,
}

/// One entry, ready to run.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub code: Vec<Step>,
    /// The steps that are an instruction of the text, rising: others only compute operands.
    pub instructions: Vec<u32>,
    pub constants: Vec<Constant>,
    /// The indices of steps that jumps by a table go to.
    pub tables: Vec<Vec<u32>>,
}

impl Program {
    /// How many bytes it takes, about.
    pub(crate) fn bytes(&self) -> u64 {
        let tables = self.tables.iter().map(|table| size_of_val(&**table));
        let bytes = size_of_val(&*self.code)
            + size_of_val(&*self.instructions)
            + size_of_val(&*self.constants)
            + tables.sum::<usize>();
        bytes as u64
    }

    /// A program that does nothing but fault.
    pub(crate) fn trap() -> Program {
        Program {
            code: vec![Step {
                action: Action::Trap,
                hint: CheckHint::None,
                guard: None,
                negated: false,
                line: 0,
            }],
            ..Program::default()
        }
    }
}
