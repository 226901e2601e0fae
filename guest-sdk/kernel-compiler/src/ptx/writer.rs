//! The text of one kernel as it is written: registers, lines, labels, panics.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use proc_macro2::Span;

use super::unroll::Unrolling;
use super::value::{Class, Operand, Register, Value};
use super::{Kernel, Locate, MAX_SHARED_BYTES};
use crate::hir::{LocalId, LoopId};
use crate::items::Items;
use crate::types::{Inference, Scalar, Type};

/// The most lines of a kernel: functions are expanded where they are called, and loops over arrays
/// are unrolled.
const MAX_LINES: usize = 200_000;

/// A label of PTX, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(pub u32);

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$L{}", self.0)
    }
}

/// Where a variable is.
#[derive(Clone, Debug)]
pub enum Slot {
    Value(Value),
    /// In local memory: the name of the memory.
    Memory(String),
}

/// Where a jump leads, and where the value of a `break` goes.
#[derive(Clone, Debug)]
pub struct Target {
    pub end: Label,
    pub next: Label,
    pub value: Option<Value>,
}

/// A function that is being expanded.
pub struct Frame {
    pub inference: Inference,
    pub types: Vec<Type>,
    pub mutable: Vec<bool>,
    pub slots: HashMap<LocalId, Slot>,
    pub loops: HashMap<LoopId, Target>,
    pub end: Label,
    pub result: Value,
    pub unrolling: Unrolling,
}

/// A place where the kernel stops itself.
struct Panic {
    label: Label,
    message: usize,
    line: usize,
}

pub struct Writer<'a> {
    pub items: &'a Items,
    pub params: Vec<String>,
    /// The oldest target that has all instructions that were used, as in `sm_70`.
    pub target: u32,
    pub frames: Vec<Frame>,
    /// Shared memory that the kernel uses, by its number in `Items::shared`, with its name.
    pub shared: BTreeMap<usize, String>,
    /// Registers of variables that may change.
    pub variables: HashSet<Register>,
    /// Whether the next instruction can be reached.
    pub is_reachable: bool,
    name: String,
    file: &'a str,
    locate: Locate<'a>,
    strings: &'a mut Vec<String>,
    lines: Vec<String>,
    registers: HashMap<Class, u32>,
    labels: u32,
    memory: Vec<String>,
    panics: Vec<Panic>,
    /// The line of the last `.loc`.
    location: Option<(usize, usize)>,
}

impl<'a> Writer<'a> {
    pub fn new(
        items: &'a Items,
        name: &str,
        file: &'a str,
        locate: Locate<'a>,
        strings: &'a mut Vec<String>,
    ) -> Writer<'a> {
        Writer {
            items,
            params: Vec::new(),
            target: 70,
            frames: Vec::new(),
            shared: BTreeMap::new(),
            variables: HashSet::new(),
            is_reachable: true,
            name: name.to_owned(),
            file,
            locate,
            strings,
            lines: Vec::new(),
            registers: HashMap::new(),
            labels: 0,
            memory: Vec::new(),
            panics: Vec::new(),
            location: None,
        }
    }

    pub fn fresh(&mut self, class: Class) -> Register {
        let count = self.registers.entry(class).or_insert(0);
        *count += 1;
        Register {
            class,
            number: *count,
        }
    }

    /// Writes an instruction, where it can be reached.
    pub fn line(&mut self, instruction: fmt::Arguments<'_>) {
        if self.is_reachable {
            self.lines.push(format!("    {instruction};"));
        }
    }

    /// Writes an instruction whose result is a new register.
    pub fn result(&mut self, class: Class, op: &str, operands: &[Operand]) -> Operand {
        let operands: Vec<Operand> = operands
            .iter()
            .map(|operand| self.in_text(*operand))
            .collect();
        let register = self.fresh(class);
        let mut text = format!("{op} {register}");
        for operand in operands {
            text.push_str(", ");
            text.push_str(&operand.to_string());
        }
        self.line(format_args!("{text}"));
        Operand::Register(register)
    }

    /// An operand as it can stand in an instruction: PTX has no constants for predicates.
    pub fn in_text(&mut self, operand: Operand) -> Operand {
        match operand {
            Operand::Bool(value) => {
                let register = self.fresh(Class::Predicate);
                let value = u8::from(value);
                self.line(format_args!("setp.ne.u32 {register}, {value}, 0"));
                Operand::Register(register)
            }
            other => other,
        }
    }

    /// The operand in a register.
    pub fn register(&mut self, operand: Operand, class: Class) -> Register {
        match self.in_text(operand) {
            Operand::Register(register) => register,
            other => {
                let register = self.fresh(class);
                let ty = class.ty();
                self.line(format_args!("mov.{ty} {register}, {other}"));
                register
            }
        }
    }

    pub fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels)
    }

    /// Puts a label here.
    pub fn place(&mut self, label: Label) {
        self.lines.push(format!("{label}:"));
        self.is_reachable = true;
        self.location = None;
    }

    pub fn jump(&mut self, label: Label) {
        self.line(format_args!("bra {label}"));
        self.is_reachable = false;
    }

    /// States the line of the source that what follows comes from.
    pub fn locate(&mut self, span: Span) {
        if let Some((line, column)) = (self.locate)(span)
            && self.location != Some((line, column))
            && self.is_reachable
        {
            self.location = Some((line, column));
            self.lines.push(format!("    .loc 1 {line} {column}"));
        }
    }

    /// A label at which the kernel stops with this message.
    pub fn panic(&mut self, message: &str, span: Span) -> Label {
        let message = self.string(message);
        let line = (self.locate)(span).map_or(0, |(line, _)| line);
        let known = self
            .panics
            .iter()
            .find(|panic| panic.message == message && panic.line == line);
        if let Some(known) = known {
            return known.label;
        }
        let label = self.label();
        self.panics.push(Panic {
            label,
            message,
            line,
        });
        label
    }

    /// The number of a text of the module.
    fn string(&mut self, text: &str) -> usize {
        let found = self.strings.iter().position(|known| known == text);
        found.unwrap_or_else(|| {
            self.strings.push(text.to_owned());
            self.strings.len() - 1
        })
    }

    /// Local memory for a variable. Returns its name.
    pub fn local_memory(&mut self, ty: &Type) -> String {
        let (bytes, align) = self.items.layout(ty);
        let name = format!("$local{}", self.memory.len());
        self.memory
            .push(format!(".local .align {align} .b8 {name}[{bytes}];"));
        name
    }

    /// Whether there is room for more.
    pub fn check_size(&self, span: Span) -> syn::Result<()> {
        match self.lines.len() > MAX_LINES {
            false => Ok(()),
            true => Err(syn::Error::new(
                span,
                format!(
                    "the kernel has more than {MAX_LINES} instructions here: functions are expanded where they are called, and loops that index arrays are unrolled"
                ),
            )),
        }
    }

    pub fn type_of(&self, ty: &Type) -> Type {
        match self.frames.last() {
            Some(frame) => frame.inference.resolve(ty),
            None => ty.clone(),
        }
    }

    pub fn scalar_of(&self, ty: &Type) -> Scalar {
        self.type_of(ty).scalar().unwrap_or(Scalar::U32)
    }

    /// Copies what later assignments could change.
    pub fn settle(&mut self, value: Value) -> Value {
        match value {
            Value::Scalar(Operand::Register(register)) if self.variables.contains(&register) => {
                let copy = self.fresh(register.class);
                self.line(format_args!(
                    "mov.{} {copy}, {register}",
                    register.class.ty()
                ));
                Value::Scalar(Operand::Register(copy))
            }
            Value::Parts(parts) => {
                Value::Parts(parts.into_iter().map(|part| self.settle(part)).collect())
            }
            other => other,
        }
    }

    /// New registers for a value of this type.
    pub fn registers_for(&mut self, ty: &Type) -> Value {
        match self.type_of(ty) {
            Type::Unit | Type::Never | Type::Variable(_) => Value::Unit,
            Type::Scalar(scalar) => Value::Scalar(Operand::Register(self.fresh(Class::of(scalar)))),
            Type::Tuple(parts) => {
                Value::Parts(parts.iter().map(|part| self.registers_for(part)).collect())
            }
            Type::Struct(number, _) => {
                let items = self.items;
                let fields = items.fields(number).iter();
                Value::Parts(fields.map(|(_, ty)| self.registers_for(ty)).collect())
            }
            Type::Array(element, len) => {
                Value::Parts((0..len).map(|_| self.registers_for(&element)).collect())
            }
            Type::Slice(_) | Type::GlobalMut(_) => {
                let one = || Type::Scalar(Scalar::U64);
                Value::Parts(vec![self.registers_for(&one()), self.registers_for(&one())])
            }
            Type::Shared(..) => Value::Unit,
        }
    }

    /// Moves a value into registers that were made for its type.
    pub fn move_into(&mut self, target: &Value, value: &Value) {
        match (target, value) {
            (Value::Scalar(Operand::Register(to)), Value::Scalar(from))
                if Operand::Register(*to) != *from =>
            {
                let from = self.in_text(*from);
                self.line(format_args!("mov.{} {to}, {from}", to.class.ty()));
            }
            (Value::Parts(to), Value::Parts(from)) => {
                for (to, from) in to.iter().zip(from) {
                    self.move_into(to, from);
                }
            }
            _ => {}
        }
    }

    /// Marks the registers of a variable that may change.
    pub fn may_change(&mut self, value: &Value) {
        match value {
            Value::Scalar(Operand::Register(register)) => {
                self.variables.insert(*register);
            }
            Value::Parts(parts) => {
                for part in parts {
                    self.may_change(part);
                }
            }
            _ => {}
        }
    }

    /// The finished text.
    pub fn finish(mut self, kernel: &Kernel<'_>) -> syn::Result<String> {
        self.line(format_args!("ret"));
        self.write_panics();
        let mut shared_bytes = 0u64;
        let mut shared = String::new();
        for (number, name) in &self.shared {
            let Some(array) = self.items.shared.borrow().get(*number).cloned() else {
                continue;
            };
            let (size, align) = self.items.layout(&array.element);
            let bytes = size.saturating_mul(array.len);
            shared_bytes = shared_bytes
                .next_multiple_of(align.max(1))
                .saturating_add(bytes);
            // 16 bytes: wider accesses may be made of several values.
            let align = align.max(16);
            shared.push_str(&format!(
                "    .shared .align {align} .b8 {name}[{bytes}];\n"
            ));
        }
        if shared_bytes > MAX_SHARED_BYTES {
            return Err(syn::Error::new(
                kernel.span,
                format!(
                    "the kernel uses {shared_bytes} bytes of shared memory, and a block has {MAX_SHARED_BYTES}: use smaller arrays"
                ),
            ));
        }
        let mut text = format!("\n.visible .entry {}(", self.name);
        for (index, param) in self.params.iter().enumerate() {
            text.push_str(if index == 0 { "\n    " } else { ",\n    " });
            text.push_str(param);
        }
        text.push_str(if self.params.is_empty() {
            ")\n{\n"
        } else {
            "\n)\n{\n"
        });
        for class in Class::ALL {
            if let Some(count) = self.registers.get(&class) {
                let (ty, prefix) = (class.ty(), class.prefix());
                text.push_str(&format!("    .reg .{ty} {prefix}<{}>;\n", count + 1));
            }
        }
        text.push_str(&shared);
        for memory in &self.memory {
            text.push_str(&format!("    {memory}\n"));
        }
        text.push('\n');
        for line in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        text.push_str("}\n");
        Ok(text)
    }

    /// What happens where the kernel stops itself: `__assertfail` with message, file and line, as
    /// CUDA's `assert`, so that a fault names the place in the source.
    fn write_panics(&mut self) {
        let panics = std::mem::take(&mut self.panics);
        if panics.is_empty() {
            return;
        }
        let (message, line) = (self.fresh(Class::Bits64), self.fresh(Class::Bits32));
        let (file, function) = (self.fresh(Class::Bits64), self.fresh(Class::Bits64));
        let common = self.label();
        for panic in panics {
            self.place(panic.label);
            self.line(format_args!("mov.u64 {message}, $text{}", panic.message));
            self.line(format_args!("mov.u32 {line}, {}", panic.line));
            self.jump(common);
        }
        self.place(common);
        let (source, name) = (self.file.to_owned(), self.name.clone());
        let source = self.string(&source);
        let name = self.string(&name);
        self.line(format_args!("mov.u64 {file}, $text{source}"));
        self.line(format_args!("mov.u64 {function}, $text{name}"));
        for register in [message, file, function] {
            self.line(format_args!("cvta.global.u64 {register}, {register}"));
        }
        let params = [
            ("b64", message.to_string()),
            ("b64", file.to_string()),
            ("b32", line.to_string()),
            ("b64", function.to_string()),
            ("b64", "1".to_owned()),
        ];
        self.lines.push("    {".into());
        for (number, (ty, value)) in params.iter().enumerate() {
            self.line(format_args!(".param .{ty} param{number}"));
            self.line(format_args!("st.param.{ty} [param{number}], {value}"));
        }
        self.line(format_args!(
            "call.uni __assertfail, (param0, param1, param2, param3, param4)"
        ));
        self.lines.push("    }".into());
        self.line(format_args!("trap"));
    }
}
