//! What a module computes: functions, their registers, variables and instructions. Names are
//! resolved to indices, so nothing after the parser looks anything up by name.

use std::fmt;

use crate::syntax::diagnostic::Position;
use crate::syntax::modifier::Modifiers;
use crate::syntax::table::Row;
use crate::syntax::types::{Space, Special, Type};

/// A register of a function: an index into [`Function::registers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RegisterId(pub u32);

/// A label of a function: an index into [`Function::labels`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LabelId(pub u32);

/// A register that is used. Those that are only declared leave no trace.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Register {
    /// Unique in the function.
    pub name: String,
    pub ty: Type,
}

/// A variable of a function, or a `.shared` variable of the module.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LocalVariable {
    /// Unique in the function, or in the module.
    pub name: String,
    /// `.local`, `.shared` or, for what calls pass, `.param`.
    pub space: Space,
    pub bytes: u32,
    pub align: u32,
    /// Whether it is a `.param` variable that was declared as one number, not as an array: it is passed
    /// otherwise.
    pub is_scalar: bool,
    /// `.extern .shared` without a size: the launch says how large it is.
    pub dynamic: bool,
}

/// A parameter or result of a device function, seen from inside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Formal {
    Register(RegisterId),
    /// An index into [`Function::variables`].
    Variable(u32),
}

/// What a name stands for in an operand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Symbol {
    /// An index into the module's `.global` and `.const` variables.
    Global(u32),
    /// An index into the module's `.shared` variables.
    Shared(u32),
    /// An index into the function's variables.
    Variable(u32),
    /// An index into the entry's parameters.
    Param(u32),
    /// The [number](Function::number) of a device function.
    Function(u32),
}

/// Where the address in brackets starts from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Base {
    Zero,
    Register(RegisterId),
    Symbol(Symbol),
}

/// The bits of a register that an operand of a video instruction means (PTX ISA, "Video
/// Instructions").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// All 32.
    #[default]
    Word,
    /// `.h0` and `.h1`.
    Half(u8),
    /// `.b0` to `.b3`.
    Byte(u8),
    /// Several bytes or halves, as SIMD video instructions name them: `.b3210`, `.h10`.
    Lanes(LaneSelector),
}

/// Bytes or halves of one or two registers, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LaneSelector {
    /// Whether they are halves, and not bytes.
    pub halves: bool,
    /// How many numbers there are, and four bits for each: what is written last is lowest.
    count: u8,
    numbers: u16,
}

impl LaneSelector {
    /// What is written so, without its dot: a letter, and from two to four digits.
    fn named(text: &str) -> Option<LaneSelector> {
        let halves = text.starts_with('h');
        let digits = text.strip_prefix(['b', 'h'])?.as_bytes();
        let most = if halves { b'3' } else { b'7' };
        if digits.len() > if halves { 2 } else { 4 } {
            return None;
        }
        let mut numbers = 0;
        for digit in digits {
            if !(b'0'..=most).contains(digit) {
                return None;
            }
            numbers = numbers << 4 | u16::from(digit - b'0');
        }
        Some(LaneSelector {
            halves,
            count: digits.len() as u8,
            numbers,
        })
    }

    /// The numbers, from that which is written last.
    pub(crate) fn numbers(self) -> impl DoubleEndedIterator<Item = u32> {
        (0..self.count).map(move |place| u32::from((self.numbers >> (4 * place)) & 15))
    }

    /// Whether each number is smaller than the one that is written before, as in a mask.
    pub(crate) fn is_falling(self) -> bool {
        let numbers: Vec<u32> = self.numbers().collect();
        numbers.is_sorted_by(|below, above| below < above)
    }
}

impl Part {
    /// The part that is written so, without its dot.
    pub(crate) fn named(text: &str) -> Option<Part> {
        Some(match text {
            "b0" => Part::Byte(0),
            "b1" => Part::Byte(1),
            "b2" => Part::Byte(2),
            "b3" => Part::Byte(3),
            "h0" => Part::Half(0),
            "h1" => Part::Half(1),
            lanes if lanes.len() > 2 => Part::Lanes(LaneSelector::named(lanes)?),
            _ => return None,
        })
    }

    pub(crate) fn bits(self) -> u32 {
        match self {
            Part::Word | Part::Lanes(_) => 32,
            Part::Half(_) => 16,
            Part::Byte(_) => 8,
        }
    }

    /// Its lowest bit in the register.
    pub(crate) fn shift(self) -> u32 {
        match self {
            Part::Word | Part::Lanes(_) => 0,
            Part::Half(place) => 16 * u32::from(place),
            Part::Byte(place) => 8 * u32::from(place),
        }
    }
}

/// As it stands behind the register.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Word => Ok(()),
            Part::Half(place) => write!(f, ".h{place}"),
            Part::Byte(place) => write!(f, ".b{place}"),
            Part::Lanes(lanes) => {
                f.write_str(if lanes.halves { ".h" } else { ".b" })?;
                lanes
                    .numbers()
                    .rev()
                    .try_for_each(|number| write!(f, "{number}"))
            }
        }
    }
}

/// A register of which a part is meant, or that is negated: an operand of a video instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartOperand {
    pub register: RegisterId,
    pub part: Part,
    pub negated: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Register(RegisterId),
    /// A predicate with `!` before it.
    Not(RegisterId),
    /// A register with a selector, or with `-` before it.
    Part(PartOperand),
    Special(Special),
    /// An integer in two's complement.
    Integer(u64),
    /// The bits of an f32.
    Float32(u32),
    /// The bits of an f64.
    Float64(u64),
    /// A variable's address, plus so much.
    AddressOf(Symbol, i64),
    /// The memory at an address, plus so much.
    Memory(Base, i64),
    Vector(Vec<Operand>),
    /// Two results, either of which may be absent.
    Pair(Option<RegisterId>, Option<RegisterId>),
    /// `_`: a result that nobody wants.
    Sink,
    Label(LabelId),
    /// An index into [`Function::tables`].
    Labels(u32),
    Call(Box<CallSite>),
}

impl Operand {
    /// What stands in braces, or the operand alone.
    pub(crate) fn elements(&self) -> &[Operand] {
        match self {
            Operand::Vector(elements) => elements,
            single => std::slice::from_ref(single),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CallSite {
    pub callee: Callee,
    pub results: Vec<Operand>,
    pub arguments: Vec<Operand>,
}

/// What a call calls.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Callee {
    /// An index into the module's functions.
    Function(u32),
    /// The function whose address a register holds.
    Pointer(PointerCall),
}

/// A call through a register.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PointerCall {
    pub register: RegisterId,
    /// An index into [`Function::prototypes`].
    pub prototype: u32,
    /// The functions that it may reach: indices into the module's functions, by rising number. Known
    /// once the module has been read.
    pub functions: Vec<u32>,
}

impl CallSite {
    /// The functions that it may call: indices into the module's.
    pub(crate) fn functions(&self) -> &[u32] {
        match &self.callee {
            Callee::Function(function) => std::slice::from_ref(function),
            Callee::Pointer(call) => &call.functions,
        }
    }
}

/// What a call through a register may call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prototype {
    /// Unique in the function.
    pub name: String,
    pub of: PrototypeKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PrototypeKind {
    /// `.callprototype`: functions of this shape. The function is only declared.
    Shape(Box<Function>),
    /// `.calltargets`: these functions, by number.
    Targets(Vec<u32>),
    /// The functions whose addresses a variable begins with: an index into the module's variables.
    Table(u32),
}

/// The predicate that an instruction waits on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Guard {
    pub register: RegisterId,
    /// Whether the instruction runs where the predicate is false.
    pub negated: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Instruction {
    pub at: Position,
    pub guard: Option<Guard>,
    pub row: &'static Row,
    pub modifiers: Modifiers,
    pub operands: Vec<Operand>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Label {
    /// Unique in the function.
    pub name: String,
    /// The instruction that it stands before; the number of instructions where it ends the body.
    pub target: u32,
}

/// A `.branchtargets` list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LabelTable {
    pub name: String,
    pub labels: Vec<LabelId>,
}

/// Who sees a function or variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Linkage {
    #[default]
    Internal,
    Visible,
    Weak,
    Extern,
}

/// Which loops are not to be unrolled (PTX ISA, "Pragma Strings: nounroll"): for NVIDIA's compiler, which
/// would take more registers for them.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Unrolling {
    /// Whether none is.
    pub is_off: bool,
    /// Those that begin with one of these instructions, which rise.
    pub is_off_at: Vec<u32>,
}

/// The body of an entry or of a device function.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Function {
    pub name: String,
    pub at: Position,
    pub linkage: Linkage,
    /// Which of the module's device functions it is, in the order of their first declarations: what
    /// its address is made of. 0 for the body of an entry.
    pub number: u32,
    /// The entry that this is the body of: an index into the module's entries.
    pub entry: Option<u32>,
    /// Whether there is a body; else it is only declared.
    pub defined: bool,
    /// Whether the body is the device's own: the module only declares it.
    pub provided: bool,
    pub results: Vec<Formal>,
    pub params: Vec<Formal>,
    pub registers: Vec<Register>,
    pub variables: Vec<LocalVariable>,
    pub labels: Vec<Label>,
    pub tables: Vec<LabelTable>,
    pub prototypes: Vec<Prototype>,
    /// What `.pragma` directives say of its loops.
    pub unrolling: Unrolling,
    /// Whether it is declared never to return (`.noreturn`).
    pub never_returns: bool,
    pub body: Vec<Instruction>,
}

impl Function {
    pub(crate) fn register_type(&self, register: RegisterId) -> Type {
        self.registers
            .get(register.0 as usize)
            .map_or(Type::B32, |register| register.ty)
    }
}
