//! Translation of PTX instructions to the IR: a kernel becomes basic blocks of operations. Every name,
//! type and modifier is looked at here and nowhere later; calls are inlined, since they may not be
//! circular.

mod arith_builder;
mod bulk;
mod call;
mod compare;
mod control;
mod convert;
mod float;
mod half;
mod integer;
mod jump_table;
mod matrix;
mod memory;
mod operand;
pub(crate) mod param_registers;
mod wgmma;
mod wmma;

use std::cell::Cell;
use std::collections::HashMap;
use std::collections::hash_map;

use crate::compile::Unsupported;
use crate::compile::abi::Layout;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{
    Arg, Block, BlockId, Body, End, LibcallId, Op, Reg, Site, SiteId, SiteKind, Ty,
};
use crate::compile::limits::MOST_STEPS;
use crate::numeric::{Libcall, LibcallKey};
use crate::syntax::check::source_type;
use crate::syntax::layout::{self, Frame};
use crate::syntax::modifier::Modifier;
use crate::syntax::module::{Entry, Module};
use crate::syntax::table;
use crate::syntax::tree::{Function, Instruction, Operand, RegisterId};
use crate::syntax::types::Type;

/// Makes the blocks of an entry.
///
/// # Errors
/// The first instruction that cannot be compiled, or a limit.
pub(crate) fn body(
    module: &Module,
    entry: &Entry,
    layout: &Layout,
    lines: bool,
) -> Result<Body, Unsupported> {
    let mut builder = Builder {
        module,
        entry,
        layout,
        body: Body::default(),
        current: BlockId::ENTRY,
        line: 0,
        guard: None,
        lines,
        libcalls: HashMap::new(),
        inconsistency: Cell::new(None),
    };
    if entry.layout.recursive {
        return Err(Unsupported::kernel("functions that call themselves"));
    }
    let begin = builder.new_block();
    builder.current = begin;
    let exit = builder.new_block();
    builder.set_end(exit, End::Exit);
    builder.function(entry.function, 0, exit)?;
    match builder.inconsistency.get() {
        Some(what) => Err(Unsupported::internal(what)),
        None => Ok(builder.body),
    }
}

struct Builder<'m> {
    module: &'m Module,
    entry: &'m Entry,
    layout: &'m Layout,
    body: Body,
    /// The block that operations are added to.
    current: BlockId,
    /// The line of the instruction at hand.
    line: u32,
    /// The predicate that decides whether the instruction at hand writes its registers.
    guard: Option<Arg>,
    /// Whether operations are to say which line they come from.
    lines: bool,
    /// Which libcall has which number.
    libcalls: HashMap<LibcallKey, LibcallId>,
    /// What of the module was not as its checks have it: see [`Builder::inconsistent`].
    inconsistency: Cell<Option<&'static str>>,
}

/// A function as it is inlined at one place.
struct FunctionScope<'m> {
    index: u32,
    function: &'m Function,
    frame: Frame,
    /// Where its frame begins in the thread's local memory.
    frame_base: u32,
    /// Its registers, and its carry flag behind them.
    registers: Vec<Reg>,
    /// Those of its variables that are registers, by variable.
    param_registers: Vec<Option<Reg>>,
    carry: Reg,
    /// Whether a register was asked for that it does not have: it is then not compiled.
    has_strange_register: Cell<bool>,
    instruction: &'m Instruction,
    /// Where it returns to.
    back: BlockId,
    /// The blocks that its labels begin.
    labels: HashMap<u32, BlockId>,
    dispatches: jump_table::Dispatches,
}

impl<'m> FunctionScope<'m> {
    fn ty(&self) -> Type {
        self.instruction.modifiers.ty()
    }

    fn has(&self, word: Modifier) -> bool {
        self.instruction.modifiers.has(word)
    }

    fn operand(&self, index: usize) -> &'m Operand {
        self.instruction
            .operands
            .get(index)
            .unwrap_or(&Operand::Sink)
    }

    /// The elements of an operand in braces.
    fn vector(&self, index: usize) -> &'m [Operand] {
        let operand = self.instruction.operands.get(index);
        operand.map_or(&[], Operand::elements)
    }

    fn register(&self, id: RegisterId) -> Reg {
        let register = self.registers.get(id.0 as usize).copied();
        debug_assert!(register.is_some(), "a register of another function");
        register.unwrap_or_else(|| {
            self.has_strange_register.set(true);
            self.carry
        })
    }

    /// The register that a variable is, where it is one.
    fn param_register(&self, variable: u32) -> Option<Reg> {
        let register = self.param_registers.get(variable as usize);
        register.copied().flatten()
    }
}

fn index(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The type of WebAssembly that values of a type have.
fn home(ty: Type) -> Ty {
    match ty {
        Type::F32 => Ty::F32,
        Type::F64 => Ty::F64,
        other if other.bits() == 64 => Ty::I64,
        _ => Ty::I32,
    }
}

impl<'m> Builder<'m> {
    fn new_block(&mut self) -> BlockId {
        self.body.blocks.push(Block {
            line: if self.lines { self.line } else { 0 },
            ops: Vec::new(),
            end: End::Nowhere,
        })
    }

    fn push(&mut self, op: Op) {
        match self.body.blocks.get_mut(self.current) {
            Some(block) => block.ops.push(op),
            None => self.inconsistent("an operation outside of all blocks"),
        }
    }

    fn set_end(&mut self, block: BlockId, end: End) {
        match self.body.blocks.get_mut(block) {
            Some(block) => block.end = end,
            None => self.inconsistent("the end of a block that is not there"),
        }
    }

    /// Ends the current block, and goes on in another one.
    fn end(&mut self, end: End, next: BlockId) {
        self.set_end(self.current, end);
        self.current = next;
    }

    fn temp(&mut self, ty: Ty) -> Reg {
        self.body.reg(ty)
    }

    fn one(&mut self, code: Opcode, a: Arg) -> Arg {
        let target = self.temp(code.result());
        self.push(Op::Unary(code, target, a));
        Arg::Reg(target)
    }

    fn two(&mut self, code: Opcode, a: Arg, b: Arg) -> Arg {
        let target = self.temp(code.result());
        self.push(Op::Binary(code, target, a, b));
        Arg::Reg(target)
    }

    /// `yes` where the condition is not zero, else `no`.
    fn select(&mut self, condition: Arg, yes: Arg, no: Arg) -> Arg {
        let target = self.temp(self.body.arg_ty(yes));
        self.push(Op::Select(target, condition, yes, no));
        Arg::Reg(target)
    }

    /// Notes that the module is not as its checks promise: a mistake in this crate. What is built is
    /// then not used, so the kernel is interpreted.
    #[track_caller]
    fn inconsistent(&self, what: &'static str) {
        debug_assert!(false, "the compiler contradicts itself: {what}");
        self.inconsistency
            .set(self.inconsistency.get().or(Some(what)));
    }

    /// What has to be there; where it is not, that is [inconsistent](Builder::inconsistent), and nothing
    /// is made of the value that stands for it.
    #[track_caller]
    fn require<T>(&self, entry: Option<T>, otherwise: T, what: &'static str) -> T {
        entry.unwrap_or_else(|| {
            self.inconsistent(what);
            otherwise
        })
    }

    fn unsupported(&self, what: impl Into<String>) -> Unsupported {
        Unsupported::construct(self.line, what)
    }

    fn site(&mut self, what: SiteKind) -> SiteId {
        self.body.sites.push(Site {
            line: self.line,
            what,
        })
    }

    /// The number of a libcall, the same for the same.
    fn libcall(&mut self, libcall: Libcall) -> LibcallId {
        match self.libcalls.entry(libcall.key()) {
            hash_map::Entry::Occupied(known) => *known.get(),
            hash_map::Entry::Vacant(free) => *free.insert(self.body.libcalls.push(libcall)),
        }
    }

    /// Adds a function's body. Ends in the block that it returns to.
    fn function(&mut self, number: u32, frame_base: u32, back: BlockId) -> Result<(), Unsupported> {
        let Some(function) = self.module.functions.get(number as usize) else {
            return Err(self.unsupported("a function that is not there"));
        };
        let scope = self.enter(number, function, frame_base, back);
        self.instructions(scope, function)
    }

    /// The registers and labels of a function, at one place where it is inlined.
    fn enter(
        &mut self,
        number: u32,
        function: &'m Function,
        frame_base: u32,
        back: BlockId,
    ) -> FunctionScope<'m> {
        static NOTHING: std::sync::LazyLock<Instruction> =
            std::sync::LazyLock::new(|| Instruction {
                at: crate::syntax::diagnostic::Position::default(),
                guard: None,
                row: table::rows("ret")[0],
                modifiers: crate::syntax::modifier::Modifiers::new(),
                operands: Vec::new(),
            });
        let homes = operand::homes(function);
        let registers: Vec<Reg> = homes.iter().map(|ty| self.temp(*ty)).collect();
        let carry = self.temp(Ty::I32);
        let param_registers: Vec<Option<Reg>> = param_registers::homes(function)
            .into_iter()
            .map(|home| home.map(|ty| self.temp(ty)))
            .collect();
        self.body.declared.extend(registers.iter().copied());
        let params = param_registers.iter().flatten().copied();
        self.body.declared.extend(params);
        self.body.declared.insert(carry);
        let labels = function
            .labels
            .iter()
            .map(|label| label.target)
            .collect::<std::collections::BTreeSet<_>>();
        let labels = labels
            .into_iter()
            .map(|target| (target, self.new_block()))
            .collect();
        FunctionScope {
            index: number,
            function,
            frame: self.require(
                layout::frame(function),
                Frame::default(),
                "a function whose variables do not fit",
            ),
            frame_base,
            registers,
            param_registers,
            carry,
            has_strange_register: Cell::new(false),
            instruction: &NOTHING,
            back,
            labels,
            dispatches: jump_table::Dispatches::of(function),
        }
    }

    fn instructions(
        &mut self,
        mut scope: FunctionScope<'m>,
        function: &'m Function,
    ) -> Result<(), Unsupported> {
        self.line = function.at.line;
        for (place, instruction) in function.body.iter().enumerate() {
            if let Some(block) = scope.labels.get(&index(place)).copied() {
                self.end(End::Jump(block), block);
            }
            scope.instruction = instruction;
            self.line = instruction.at.line;
            if self.lines {
                self.push(Op::Line(self.line));
            }
            self.instruction(&mut scope)?;
            if scope.has_strange_register.get() {
                self.inconsistent("a register of another function");
            }
            self.check_steps()?;
        }
        if let Some(block) = scope.labels.get(&index(function.body.len())).copied() {
            self.end(End::Jump(block), block);
        }
        self.end(End::Jump(scope.back), scope.back);
        Ok(())
    }

    /// Whether the kernel is still small enough to go on with.
    fn check_steps(&self) -> Result<(), Unsupported> {
        if self.body.regs.len() > 4 * MOST_STEPS || self.body.blocks.len() > MOST_STEPS {
            return Err(Unsupported::limit(format!("more than {MOST_STEPS} steps")));
        }
        Ok(())
    }

    /// Whether what takes many operations may be added as such. A kernel that has many already calls the
    /// interpreter for the rest, so that it stays small enough to be compiled at all.
    fn has_room(&self) -> bool {
        self.body.regs.len() < MOST_STEPS / 2
    }

    /// What a register-only instruction does, by a libcall: a call of the interpreter's function.
    fn by_libcall(&mut self, scope: &FunctionScope<'m>) -> Result<(), Unsupported> {
        let row = scope.instruction.row;
        let bits = match scope.operand(0) {
            Operand::Register(register) => Some(scope.function.register_type(*register).bits()),
            _ => None,
        };
        let Some(libcall) = Libcall::of(scope.instruction, bits) else {
            return Err(self.unsupported(format!("`{}`", row.name)));
        };
        let operands = libcall.operands();
        let mut args = Vec::with_capacity(operands);
        for operand in 1..=operands {
            let ty = source_type(scope.instruction, operand);
            let value = self.read(scope, scope.operand(operand), ty);
            args.push(self.in_64(value));
        }
        let number = self.libcall(libcall);
        let target = self.temp(Ty::I64);
        self.push(Op::Libcall {
            target,
            libcall: number,
            args,
        });
        self.write(scope, Arg::Reg(target));
        Ok(())
    }
}
