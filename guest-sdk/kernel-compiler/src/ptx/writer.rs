//! The text of one kernel as it is written: registers, lines, labels, panics.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use proc_macro2::Span;

use super::checks;
use super::unroll::Unrolling;
use super::value::{Class, Operand, Register, Value};
use super::{Kernel, Locate, MAX_SHARED_BYTES};
use crate::hir::{LocalId, LoopId};
use crate::items::Items;
use crate::types::{Inference, Scalar, Type};

/// The most lines of a kernel: functions are expanded where they are called, and loops over arrays
/// are unrolled.
const MAX_LINES: usize = 200_000;

/// The most lines between the head of a loop and an instruction that is computed before it.
const MAX_HOIST: usize = 4096;

/// A label of PTX, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// A loop that is being written.
struct Loop {
    /// The line of its head: what does not change in the loop is computed before.
    head: usize,
    /// How many registers there were before it.
    registers: u32,
    /// What was computed before the head, by instruction and operands.
    hoisted: HashMap<String, Register>,
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
    /// Registers of 64 bits that hold a number of 32 bits or less, extended from that operand.
    pub extended: HashMap<Register, (Operand, Scalar)>,
    /// Whether the next instruction can be reached.
    pub is_reachable: bool,
    name: String,
    file: &'a str,
    locate: Locate<'a>,
    strings: &'a mut Vec<String>,
    lines: Vec<String>,
    /// Instructions before the first line, whose results hold everywhere: special registers, and
    /// addresses of shared memory.
    prologue: Vec<String>,
    prologue_results: HashMap<String, Register>,
    /// What was computed since the last label, by instruction and operands.
    computed: HashMap<String, Register>,
    /// Checks that were passed since the last label: an index and a length.
    checked: HashSet<(String, String)>,
    /// The loops around the next instruction, from the outermost.
    loops: Vec<Loop>,
    /// How many registers of all classes there were when each was made.
    ages: HashMap<Register, u32>,
    registers: HashMap<Class, u32>,
    labels: u32,
    /// How many instructions jump to each label.
    jumps: HashMap<Label, u32>,
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
            extended: HashMap::new(),
            is_reachable: true,
            name: name.to_owned(),
            file,
            locate,
            strings,
            lines: Vec::new(),
            prologue: Vec::new(),
            prologue_results: HashMap::new(),
            computed: HashMap::new(),
            checked: HashSet::new(),
            loops: Vec::new(),
            ages: HashMap::new(),
            registers: HashMap::new(),
            labels: 0,
            jumps: HashMap::new(),
            memory: Vec::new(),
            panics: Vec::new(),
            location: None,
        }
    }

    pub fn fresh(&mut self, class: Class) -> Register {
        let count = self.registers.entry(class).or_insert(0);
        *count += 1;
        let register = Register {
            class,
            number: *count,
        };
        self.ages.insert(register, self.ages.len() as u32);
        register
    }

    /// Writes an instruction, where it can be reached.
    pub fn line(&mut self, instruction: fmt::Arguments<'_>) {
        if self.is_reachable {
            self.lines.push(format!("    {instruction};"));
        }
    }

    /// Writes an instruction whose result depends on its operands alone. Where it was computed since
    /// the last label, the result is that register (local value numbering).
    pub fn result(&mut self, class: Class, op: &str, operands: &[Operand]) -> Operand {
        let operands: Vec<Operand> = operands
            .iter()
            .map(|operand| self.in_text(*operand))
            .collect();
        let text: Vec<String> = operands.iter().map(ToString::to_string).collect();
        let text = text.join(", ");
        let key = format!("{op} {text}");
        if let Some(known) = self.computed.get(&key) {
            return Operand::Register(*known);
        }
        let is_fixed = operands.iter().all(|operand| self.is_fixed(*operand));
        if is_fixed
            && self.is_reachable
            && let Some(register) = self.hoist(class, op, &operands, &key)
        {
            return Operand::Register(register);
        }
        let register = self.fresh(class);
        self.line(format_args!("{op} {register}, {text}"));
        if is_fixed && self.is_reachable {
            self.computed.insert(key, register);
        }
        Operand::Register(register)
    }

    /// Computes what does not change in a loop before it, where there is one (loop-invariant code
    /// motion). No instruction that is hoisted can fail.
    fn hoist(
        &mut self,
        class: Class,
        op: &str,
        operands: &[Operand],
        key: &str,
    ) -> Option<Register> {
        let age = |operand: &Operand| match operand {
            Operand::Register(register) => self
                .ages
                .get(register)
                .copied()
                .unwrap_or(u32::MAX)
                .saturating_add(1),
            _ => 0,
        };
        let newest = operands.iter().map(age).max().unwrap_or(0);
        let outermost = self
            .loops
            .iter()
            .position(|around| newest <= around.registers)?;
        let around = self.loops.get(outermost)?;
        if let Some(known) = around.hoisted.get(key) {
            return Some(*known);
        }
        if self.lines.len() - around.head > MAX_HOIST {
            return None;
        }
        let head = around.head;
        let register = self.fresh(class);
        let operands: Vec<String> = operands.iter().map(ToString::to_string).collect();
        self.lines.insert(
            head,
            format!("    {op} {register}, {};", operands.join(", ")),
        );
        for around in self.loops.iter_mut().skip(outermost) {
            around.head += 1;
        }
        if let Some(around) = self.loops.get_mut(outermost) {
            around.hoisted.insert(key.to_owned(), register);
        }
        Some(register)
    }

    /// Begins a loop at this label.
    pub fn begin_loop(&mut self, label: Label) {
        self.loops.push(Loop {
            head: self.lines.len(),
            registers: self.ages.len() as u32,
            hoisted: HashMap::new(),
        });
        self.place_head(label);
    }

    /// Ends the loop that was begun last.
    pub fn end_loop(&mut self) {
        self.loops.pop();
    }

    /// Whether an operand is never assigned again.
    fn is_fixed(&self, operand: Operand) -> bool {
        match operand {
            Operand::Register(register) => !self.variables.contains(&register),
            _ => true,
        }
    }

    /// Whether an index was compared with a length before; notes that it is now.
    pub fn is_checked(&mut self, index: Operand, len: Operand) -> bool {
        let key = (index.to_string(), len.to_string());
        let is_fixed = self.is_fixed(index) && self.is_fixed(len);
        is_fixed && self.is_reachable && !self.checked.insert(key)
    }

    /// The result of an instruction that is the same wherever it stands.
    pub fn constant_result(&mut self, class: Class, instruction: &str, operands: &str) -> Register {
        let key = format!("{instruction} {operands}");
        if let Some(known) = self.prologue_results.get(&key) {
            return *known;
        }
        let register = self.fresh(class);
        self.prologue
            .push(format!("    {instruction} {register}, {operands};"));
        self.prologue_results.insert(key, register);
        register
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

    /// Puts a label here to which what follows may jump.
    pub fn place_head(&mut self, label: Label) {
        self.lines.push(format!("{label}:"));
        self.is_reachable = true;
        self.location = None;
        self.computed.clear();
        self.checked.clear();
    }

    /// Puts a label here, where something before has jumped to it.
    pub fn place(&mut self, label: Label) {
        // `@!p bra here; bra there; here:` is `@p bra there; here:`.
        let over = format!(" bra {label};");
        if let [.., branch, jump] = self.lines.as_slice()
            && let Some(guard) = branch.strip_suffix(&over)
            && let Some(target) = jump.strip_prefix("    bra ")
            && let Some(guard) = guard.strip_prefix("    @")
        {
            let inverse = match guard.strip_prefix('!') {
                Some(positive) => format!("    @{positive} bra {target}"),
                None => format!("    @!{guard} bra {target}"),
            };
            self.lines.truncate(self.lines.len() - 2);
            self.lines.push(inverse);
            self.is_reachable = true;
            if let Some(count) = self.jumps.get_mut(&label) {
                *count -= 1;
            }
        }
        if self.jumps.get(&label).is_some_and(|count| *count > 0) {
            self.place_head(label);
        }
    }

    pub fn jump(&mut self, label: Label) {
        self.count_jump(label);
        self.line(format_args!("bra {label}"));
        self.is_reachable = false;
    }

    /// Notes that an instruction jumps to a label.
    pub fn count_jump(&mut self, label: Label) {
        if self.is_reachable {
            *self.jumps.entry(label).or_insert(0) += 1;
        }
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
                let parts = [
                    Scalar::U64,
                    Scalar::U64,
                    Scalar::U32,
                    Scalar::Bool,
                    Scalar::U32,
                ];
                let parts = parts.map(|part| self.registers_for(&Type::Scalar(part)));
                Value::Parts(parts.into())
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
        self.join_checks();
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
        for line in self.prologue.iter().chain(&self.lines) {
            text.push_str(line);
            text.push('\n');
        }
        text.push_str("}\n");
        Ok(text)
    }

    /// Brings checks together.
    fn join_checks(&mut self) {
        let panics = self.panics.iter().map(|panic| panic.label.to_string());
        let count = |class: Class| self.registers.get(&class).copied().unwrap_or(0);
        let mut names = checks::Names {
            predicates: count(Class::Predicate),
            words: count(Class::Bits32),
            long_words: count(Class::Bits64),
            labels: self.labels,
        };
        let lines = std::mem::take(&mut self.lines);
        let (lines, behind) = checks::run(lines, &self.prologue, panics.collect(), &mut names);
        self.lines = lines;
        self.lines.extend(behind);
        self.labels = names.labels;
        for (class, count) in [
            (Class::Predicate, names.predicates),
            (Class::Bits32, names.words),
            (Class::Bits64, names.long_words),
        ] {
            if count > 0 {
                self.registers.insert(class, count);
            }
        }
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
            self.place_head(panic.label);
            self.line(format_args!("mov.u64 {message}, $text{}", panic.message));
            self.line(format_args!("mov.u32 {line}, {}", panic.line));
            self.jump(common);
        }
        self.place_head(common);
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
