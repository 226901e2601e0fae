//! The typed tree of a function: what the checker makes of Rust's syntax, and what PTX is made of.
//! Types may still contain variables; the function's [`Inference`] resolves them.

use std::rc::Rc;

use proc_macro2::Span;

use crate::types::{Inference, Type};

pub type LocalId = usize;
pub type LoopId = usize;

/// A function whose types are known.
#[derive(Debug)]
pub struct Function {
    pub params: Vec<LocalId>,
    pub result: Type,
    pub locals: Vec<Local>,
    pub body: Expr,
    pub inference: Inference,
}

#[derive(Clone, Debug)]
pub struct Local {
    pub name: String,
    pub ty: Type,
    pub is_mutable: bool,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub ty: Type,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    Unit,
    Integer(i128),
    /// Digits as Rust writes them, without separators and suffix.
    Float(String),
    /// The bits of a number of the expression's type.
    FloatBits(u64),
    Bool(bool),
    /// The value of a variable, or of a part of it.
    Read(Place),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    /// `&&` where true, else `||`.
    Logical(bool, Box<Expr>, Box<Expr>),
    Cast(Box<Expr>),
    Assign(Place, Box<Expr>),
    AssignOp(BinaryOp, Place, Box<Expr>),
    Block(Block),
    If(Box<Expr>, Box<Expr>, Option<Box<Expr>>),
    Match(Box<Expr>, Vec<Arm>),
    /// `loop`.
    Loop(LoopId, Box<Expr>),
    While(LoopId, Box<Expr>, Box<Expr>),
    For(Box<For>),
    Break(LoopId, Option<Box<Expr>>),
    Continue(LoopId),
    Return(Option<Box<Expr>>),
    /// A tuple, a structure or an array.
    Aggregate(Vec<Expr>),
    /// `[value; N]`.
    Repeat(Box<Expr>, u64),
    /// A part of a value that is no variable.
    Field(Box<Expr>, usize),
    Intrinsic(Intrinsic, Vec<Expr>),
    /// `shared!([T; N])`, by its number in the kernel.
    Shared(usize),
    Call(Rc<Function>, Vec<Expr>),
    /// `panic!`, `assert!` and the like, where nothing is true any more.
    Panic(String),
}

#[derive(Clone, Debug)]
pub struct Place {
    pub local: LocalId,
    pub projections: Vec<Projection>,
}

#[derive(Clone, Debug)]
pub enum Projection {
    Field(usize),
    Index(Expr),
}

#[derive(Clone, Debug)]
pub struct Block {
    pub statements: Vec<Statement>,
    pub tail: Option<Box<Expr>>,
    /// The loop of a labelled block, which `break 'label` leaves.
    pub label: Option<LoopId>,
}

#[derive(Clone, Debug)]
pub enum Statement {
    Let(LocalId, Option<Expr>),
    /// `let (a, b) = value`: locals for the parts, where they have a name.
    LetParts(Vec<Option<LocalId>>, Expr),
    Expr(Expr),
}

#[derive(Clone, Debug)]
pub struct Arm {
    /// The value matches where it is in one of these ranges, both ends included. Empty: always.
    pub ranges: Vec<(i128, i128)>,
    /// A name for the value.
    pub binding: Option<LocalId>,
    pub guard: Option<Expr>,
    pub body: Expr,
}

#[derive(Clone, Debug)]
pub struct For {
    pub id: LoopId,
    pub variable: LocalId,
    pub start: Expr,
    pub end: Expr,
    pub is_inclusive: bool,
    pub is_reversed: bool,
    pub step: Option<Expr>,
    pub body: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    And,
    Or,
    Xor,
    Shl,
    Shr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// What an atomic operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Atomic {
    Load,
    Store,
    Add,
    Sub,
    Min,
    Max,
    And,
    Or,
    Xor,
    Swap,
    CompareExchange,
}

/// The order of memory accesses around an atomic operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryOrder {
    Relaxed,
    Acquire,
    Release,
    AcqRel,
    SeqCst,
}

/// An operation of the device, or a method of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intrinsic {
    /// A special register of PTX, of 32 bits.
    Register(&'static str),
    /// The index of the thread in the grid, along the dimension with this name.
    GlobalIndex(&'static str),
    Barrier,
    WarpBarrier,
    /// `shfl.sync` with this mode and clamp.
    Shuffle(&'static str, u32),
    VoteAny,
    VoteAll,
    Ballot,
    /// A reduction over the warp: `add`, `min` or `max`, in each lane.
    WarpReduce(BinaryReduce),
    /// The number of values of a slice, buffer or shared array.
    Len,
    /// The value at an index: of a slice, buffer or shared array. Checked where true.
    Load(bool),
    Store(bool),
    Atomic(Atomic, MemoryOrder),
    Min,
    Max,
    Abs,
    AbsDiff,
    Signum,
    Clamp,
    WrappingAdd,
    WrappingSub,
    WrappingMul,
    WrappingNeg,
    SaturatingAdd,
    SaturatingSub,
    WrappingShl,
    WrappingShr,
    DivCeil,
    RotateLeft,
    RotateRight,
    CountOnes,
    LeadingZeros,
    TrailingZeros,
    ReverseBits,
    SwapBytes,
    IsPowerOfTwo,
    Sqrt,
    MulAdd,
    Floor,
    Ceil,
    Trunc,
    Round,
    RoundTiesEven,
    Fract,
    CopySign,
    Recip,
    ToBits,
    FromBits,
    IsNan,
    IsInfinite,
    IsFinite,
    IsSignNegative,
    IsSignPositive,
    Fast(Fast),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryReduce {
    Sum,
    Min,
    Max,
}

/// Functions of `f32` that the hardware approximates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fast {
    Exp,
    Exp2,
    Ln,
    Log2,
    Sin,
    Cos,
    Tanh,
    Rsqrt,
    Recip,
    Sqrt,
    Div,
    Powf,
}
