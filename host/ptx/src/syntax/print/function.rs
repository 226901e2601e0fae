//! Functions, entries and prototypes as text, and the instructions in them.

use std::fmt::{self, Formatter};

use super::{NO_UNROLLING, Plus};
use crate::syntax::modifier::Modifier;
use crate::syntax::module::{Entry, Module, Param, ParamType, Tuning};
use crate::syntax::table::{Op, Slot};
use crate::syntax::tree::{
    Base, Callee, Formal, Function, Instruction, Linkage, LocalVariable, Operand, Prototype,
    PrototypeKind, RegisterId, Symbol,
};
use crate::syntax::types::Space;

/// Whether an instruction leaves its rounding to the compiler.
fn rounding_is_unsaid(instruction: &Instruction) -> bool {
    let row = instruction.row;
    let Some(Slot::May(roundings)) = row.slots.first() else {
        return false;
    };
    matches!(row.op, Op::Add | Op::Sub | Op::Mul)
        && roundings.contains(&Modifier::Rn)
        && !instruction
            .modifiers
            .as_slice()
            .iter()
            .any(|word| roundings.contains(word))
}

/// The declaration of a variable, but for what ends it.
pub(super) fn local_variable(f: &mut Formatter<'_>, variable: &LocalVariable) -> fmt::Result {
    let LocalVariable {
        name, bytes, align, ..
    } = variable;
    if variable.dynamic {
        return write!(f, ".extern .shared .align {align} .b8 {name}[]");
    }
    let space = match variable.space {
        Space::Shared => "shared",
        // Numbers are passed otherwise than arrays.
        Space::Param if variable.is_scalar => {
            return write!(f, ".param .align {align} .b{} {name}", bytes * 8);
        }
        Space::Param => "param",
        _ => "local",
    };
    write!(f, ".{space} .align {align} .b8 {name}[{bytes}]")
}

/// A function with the module that its operands name things of.
pub(super) struct Printed<'m> {
    pub(super) module: &'m Module,
    pub(super) function: &'m Function,
}

fn linkage(linkage: Linkage) -> &'static str {
    match linkage {
        Linkage::Internal => "",
        Linkage::Visible => ".visible ",
        Linkage::Weak => ".weak ",
        Linkage::Extern => ".extern ",
    }
}

fn param(f: &mut Formatter<'_>, param: &Param) -> fmt::Result {
    let Param {
        name, align, bytes, ..
    } = param;
    let ty = match param.ty {
        ParamType::U8 => "u8",
        ParamType::U16 => "u16",
        ParamType::U32 => "u32",
        ParamType::U64 => "u64",
        ParamType::S8 => "s8",
        ParamType::S16 => "s16",
        ParamType::S32 => "s32",
        ParamType::S64 => "s64",
        ParamType::F16 => "f16",
        ParamType::BF16 => "bf16",
        ParamType::F32 => "f32",
        ParamType::F64 => "f64",
        ParamType::Bytes { .. } => return write!(f, ".param .align {align} .b8 {name}[{bytes}]"),
    };
    write!(f, ".param .align {align} .{ty} {name}")
}

impl Printed<'_> {
    pub(super) fn definition(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let entry = self
            .function
            .entry
            .and_then(|index| self.module.entries.get(index as usize));
        match entry {
            Some(entry) => self.entry_head(f, entry)?,
            None => {
                self.device_head(f)?;
                writeln!(f)?;
            }
        }
        writeln!(f, "{{")?;
        let formals = self.function.params.iter().chain(&self.function.results);
        let formals: Vec<Formal> = formals.copied().collect();
        for (index, register) in (0..).zip(&self.function.registers) {
            if !formals.contains(&Formal::Register(RegisterId(index))) {
                writeln!(f, ".reg {} {};", register.ty, register.name)?;
            }
        }
        for (index, variable) in (0..).zip(&self.function.variables) {
            if !formals.contains(&Formal::Variable(index)) {
                local_variable(f, variable)?;
                writeln!(f, ";")?;
            }
        }
        for table in &self.function.tables {
            write!(f, "{}: .branchtargets", table.name)?;
            for (index, label) in table.labels.iter().enumerate() {
                let comma = if index == 0 { " " } else { ", " };
                write!(f, "{comma}{}", self.label(label.0))?;
            }
            writeln!(f, ";")?;
        }
        for prototype in &self.function.prototypes {
            self.prototype(f, prototype)?;
        }
        let mut labels: Vec<_> = self.function.labels.iter().collect();
        labels.sort_by_key(|label| label.target);
        let mut labels = labels.into_iter().peekable();
        let mut pragmas = self.function.unrolling.is_off_at.iter().peekable();
        for (index, instruction) in (0u32..).zip(&self.function.body) {
            while let Some(label) = labels.next_if(|label| label.target <= index) {
                writeln!(f, "{}:", label.name)?;
            }
            if pragmas.next_if(|place| **place <= index).is_some() {
                writeln!(f, "{NO_UNROLLING}")?;
            }
            self.instruction(f, instruction)?;
        }
        for label in labels {
            writeln!(f, "{}:", label.name)?;
        }
        for _ in pragmas {
            writeln!(f, "{NO_UNROLLING}")?;
        }
        writeln!(f, "}}")
    }

    fn prototype(&self, f: &mut Formatter<'_>, prototype: &Prototype) -> fmt::Result {
        let name = &prototype.name;
        match &prototype.of {
            PrototypeKind::Shape(shape) => {
                write!(f, "{name}: .callprototype ")?;
                let shape = Printed {
                    module: self.module,
                    function: shape,
                };
                if !shape.function.results.is_empty() {
                    shape.formals(f, &shape.function.results)?;
                    write!(f, " ")?;
                }
                write!(f, "_ ")?;
                shape.formals(f, &shape.function.params)?;
                shape.never_returns(f)?;
                writeln!(f, ";")
            }
            PrototypeKind::Targets(numbers) => {
                write!(f, "{name}: .calltargets")?;
                for (index, number) in numbers.iter().enumerate() {
                    let comma = if index == 0 { " " } else { ", " };
                    write!(f, "{comma}{}", self.function_name(*number))?;
                }
                writeln!(f, ";")
            }
            // The variable is declared where it is defined.
            PrototypeKind::Table(_) => Ok(()),
        }
    }

    /// The name of a device function, by its number.
    fn function_name(&self, number: u32) -> &str {
        let function = self.module.device_function(number);
        function.map_or("_", |function| function.name.as_str())
    }

    fn entry_head(&self, f: &mut Formatter<'_>, entry: &Entry) -> fmt::Result {
        write!(
            f,
            "{}.entry {}(",
            linkage(self.function.linkage),
            entry.name
        )?;
        for (index, declared) in entry.params.iter().enumerate() {
            if index > 0 {
                write!(f, ", ")?;
            }
            param(f, declared)?;
        }
        writeln!(f, ")")?;
        let Tuning {
            max_threads,
            required_threads,
            min_blocks,
            max_registers,
        } = entry.tuning;
        for (name, threads) in [("maxntid", max_threads), ("reqntid", required_threads)] {
            if let Some([x, y, z]) = threads {
                writeln!(f, ".{name} {x}, {y}, {z}")?;
            }
        }
        for (name, number) in [("minnctapersm", min_blocks), ("maxnreg", max_registers)] {
            if let Some(number) = number {
                writeln!(f, ".{name} {number}")?;
            }
        }
        if self.function.unrolling.is_off {
            writeln!(f, "{NO_UNROLLING}")?;
        }
        Ok(())
    }

    pub(super) fn device_head(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.func ", linkage(self.function.linkage))?;
        if !self.function.results.is_empty() {
            self.formals(f, &self.function.results)?;
            write!(f, " ")?;
        }
        write!(f, "{}", self.function.name)?;
        self.formals(f, &self.function.params)?;
        self.never_returns(f)
    }

    fn never_returns(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.function.never_returns {
            true => write!(f, " .noreturn"),
            false => Ok(()),
        }
    }

    fn formals(&self, f: &mut Formatter<'_>, formals: &[Formal]) -> fmt::Result {
        write!(f, "(")?;
        for (index, formal) in formals.iter().enumerate() {
            if index > 0 {
                write!(f, ", ")?;
            }
            match formal {
                Formal::Register(register) => {
                    let ty = self.function.register_type(*register);
                    write!(f, ".reg {ty} {}", self.register(*register))?;
                }
                Formal::Variable(index) => {
                    if let Some(variable) = self.function.variables.get(*index as usize) {
                        local_variable(f, variable)?;
                    }
                }
            }
        }
        write!(f, ")")
    }

    fn register(&self, register: RegisterId) -> &str {
        let register = self.function.registers.get(register.0 as usize);
        register.map_or("_", |register| register.name.as_str())
    }

    fn label(&self, label: u32) -> &str {
        let label = self.function.labels.get(label as usize);
        label.map_or("_", |label| label.name.as_str())
    }

    fn instruction(&self, f: &mut Formatter<'_>, instruction: &Instruction) -> fmt::Result {
        if let Some(guard) = instruction.guard {
            let not = if guard.negated { "!" } else { "" };
            write!(f, "@{not}{} ", self.register(guard.register))?;
        }
        write!(f, "{}", instruction.row.name)?;
        if f.alternate() && rounding_is_unsaid(instruction) {
            write!(f, ".rn")?;
        }
        for word in instruction.modifiers.as_slice() {
            write!(f, ".{}", word.text())?;
        }
        for (index, operand) in instruction.operands.iter().enumerate() {
            let comma = if index == 0 { " " } else { ", " };
            write!(f, "{comma}")?;
            self.operand(f, operand)?;
        }
        writeln!(f, ";")
    }

    fn operands(&self, f: &mut Formatter<'_>, operands: &[Operand]) -> fmt::Result {
        for (index, operand) in operands.iter().enumerate() {
            if index > 0 {
                write!(f, ", ")?;
            }
            self.operand(f, operand)?;
        }
        Ok(())
    }

    fn operand(&self, f: &mut Formatter<'_>, operand: &Operand) -> fmt::Result {
        match operand {
            Operand::Register(register) => write!(f, "{}", self.register(*register)),
            Operand::Not(register) => write!(f, "!{}", self.register(*register)),
            Operand::Part(of) => {
                let sign = if of.negated { "-" } else { "" };
                write!(f, "{sign}{}{}", self.register(of.register), of.part)
            }
            Operand::Special(special) => write!(f, "{special}"),
            Operand::Integer(value) => write!(f, "{}", value.cast_signed()),
            Operand::Float32(bits) => write!(f, "0f{bits:08X}"),
            Operand::Float64(bits) => write!(f, "0d{bits:016X}"),
            Operand::AddressOf(symbol, offset) => {
                write!(f, "{}{}", self.symbol(*symbol), Plus(*offset))
            }
            Operand::Memory(Base::Zero, offset) => write!(f, "[{offset}]"),
            Operand::Memory(Base::Register(register), offset) => {
                write!(f, "[{}{}]", self.register(*register), Plus(*offset))
            }
            Operand::Memory(Base::Symbol(symbol), offset) => {
                write!(f, "[{}{}]", self.symbol(*symbol), Plus(*offset))
            }
            Operand::Vector(elements) => {
                write!(f, "{{")?;
                self.operands(f, elements)?;
                write!(f, "}}")
            }
            Operand::Pair(first, second) => {
                let name = |register: Option<RegisterId>| {
                    register.map_or("_", |register| self.register(register))
                };
                write!(f, "{}|{}", name(*first), name(*second))
            }
            Operand::Sink => write!(f, "_"),
            Operand::Label(label) => write!(f, "{}", self.label(label.0)),
            Operand::Labels(table) => {
                let table = self.function.tables.get(*table as usize);
                write!(f, "{}", table.map_or("_", |table| table.name.as_str()))
            }
            Operand::Call(site) => {
                if !site.results.is_empty() {
                    write!(f, "(")?;
                    self.operands(f, &site.results)?;
                    write!(f, "), ")?;
                }
                let name = match &site.callee {
                    Callee::Function(function) => {
                        let callee = self.module.functions.get(*function as usize);
                        callee.map_or("_", |callee| callee.name.as_str())
                    }
                    Callee::Pointer(call) => self.register(call.register),
                };
                write!(f, "{name}")?;
                if !site.arguments.is_empty() {
                    write!(f, ", (")?;
                    self.operands(f, &site.arguments)?;
                    write!(f, ")")?;
                }
                if let Callee::Pointer(call) = &site.callee {
                    let prototype = self.function.prototypes.get(call.prototype as usize);
                    let name = match prototype.map(|prototype| (&prototype.of, &prototype.name)) {
                        Some((PrototypeKind::Table(global), _)) => {
                            self.symbol(Symbol::Global(*global))
                        }
                        Some((_, name)) => name,
                        None => "_",
                    };
                    write!(f, ", {name}")?;
                }
                Ok(())
            }
        }
    }

    fn symbol(&self, symbol: Symbol) -> &str {
        let name = match symbol {
            Symbol::Global(index) => self
                .module
                .globals
                .get(index as usize)
                .map(|variable| &variable.name),
            Symbol::Shared(index) => self
                .module
                .shared
                .get(index as usize)
                .map(|variable| &variable.name),
            Symbol::Variable(index) => self
                .function
                .variables
                .get(index as usize)
                .map(|variable| &variable.name),
            Symbol::Function(number) => return self.function_name(number),
            Symbol::Param(index) => {
                let entry = self
                    .function
                    .entry
                    .and_then(|entry| self.module.entries.get(entry as usize));
                entry
                    .and_then(|entry| entry.params.get(index as usize))
                    .map(|param| &param.name)
            }
        };
        name.map_or("_", String::as_str)
    }
}
