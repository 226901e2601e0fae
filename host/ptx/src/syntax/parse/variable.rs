//! Declarations of registers and variables, with their initial values.

use crate::syntax::diagnostic::Position;
use crate::syntax::lex::Token;
use crate::syntax::parse::declared::Declared;
use crate::syntax::parse::initial::Initial;
use crate::syntax::parse::scope::{Binding, VectorRegister};
use crate::syntax::parse::{Parsed, Parser, shortened};
use crate::syntax::tree::{Linkage, LocalVariable, Symbol};
use crate::syntax::types::{Space, Type};
use crate::{Variable, VariableSpace};

/// The most dimensions of an array.
const MOST_DIMENSIONS: usize = 8;

/// The largest alignment that a variable may ask for, in bytes.
pub(crate) const LARGEST_ALIGNMENT: u64 = 256;

/// The same of a variable in shared memory, where swizzled matrices are aligned to as much.
const LARGEST_SHARED_ALIGNMENT: u64 = 1024;

impl<'a> Parser<'a> {
    /// Reads `.reg` and what follows. Where the type is not known, the names are, so that their uses
    /// are no mistakes of their own.
    pub(crate) fn registers(&mut self) -> Parsed<()> {
        self.bump();
        let lanes = match self.token {
            Token::Dot("v2") => 2,
            Token::Dot("v4") => 4,
            _ => 1,
        };
        if lanes > 1 {
            self.bump();
        }
        let ty = match self.register_type() {
            Ok(ty) => Some(ty),
            Err(issue) => {
                self.report(issue);
                None
            }
        };
        let binding = ty.map_or(Binding::Failed, Binding::Declared);
        loop {
            let (name, at) = self.name("the name of a register")?;
            if self.eat('<') {
                let count = self.integer("how many registers there are")?;
                self.expect('>')?;
                if lanes > 1 && ty.is_some() {
                    self.fail(name);
                    return self.issue(at, "vector registers are declared one by one");
                }
                self.declare_range(name, at, count, binding)?;
            } else {
                let binding = match ty {
                    Some(ty) if lanes > 1 => self.vector_register(name, ty, lanes, at)?,
                    _ => binding,
                };
                self.declare(name, at, binding)?;
            }
            if !self.eat(',') {
                break;
            }
        }
        self.expect(';')
    }

    /// A vector register: its elements are registers of their own, once they are used.
    fn vector_register(
        &mut self,
        name: &'a str,
        ty: Type,
        lanes: usize,
        at: Position,
    ) -> Parsed<Binding> {
        if ty == Type::Pred || ty.bits() as usize * lanes > 128 {
            let message =
                format!("a vector of {lanes} registers of type `{ty}` has more than 128 bits");
            return self.issue(at, message);
        }
        let index = u32::try_from(self.vectors.len()).unwrap_or(u32::MAX);
        self.vectors.push(VectorRegister {
            name,
            ty,
            elements: vec![None; lanes],
        });
        Ok(Binding::Vector(index))
    }

    /// The type of a register that is declared.
    pub(crate) fn register_type(&mut self) -> Parsed<Type> {
        let at = self.at;
        let Token::Dot(word) = self.token else {
            return Err(self.unexpected("the type of a register"));
        };
        self.bump();
        match Type::named(word) {
            Some(ty) if ty.is_declared() => Ok(ty),
            _ => {
                let word = shortened(word);
                self.issue(
                    at,
                    format!("registers of type `.{word}` are not supported by this device"),
                )
            }
        }
    }

    /// Reads a variable of any space but `.reg`, from its space to its semicolon.
    pub(crate) fn variable(&mut self, linkage: Linkage) -> Parsed<()> {
        let at = self.at;
        let space = match self.bump() {
            Token::Dot("global") => Space::Global,
            Token::Dot("const") => Space::Const,
            Token::Dot("shared") => Space::Shared,
            Token::Dot("local") => Space::Local,
            Token::Dot("param") => Space::Param,
            _ => return self.issue(at, "expected the space of a variable"),
        };
        let most = match space {
            Space::Shared => LARGEST_SHARED_ALIGNMENT,
            _ => LARGEST_ALIGNMENT,
        };
        let (ty, align, lanes) = match self.variable_type(most) {
            Ok(found) => found,
            Err(issue) => {
                self.fail_next_name();
                return Err(issue);
            }
        };
        loop {
            let declared = self.declared_name(ty, align, lanes)?;
            let result = match space {
                Space::Global => self.global(&declared, VariableSpace::Global, linkage),
                Space::Const => self.global(&declared, VariableSpace::Const, linkage),
                Space::Param if lanes > 1 => self.no_vector_param(declared.at),
                _ => self.memory_variable(&declared, space, linkage),
            };
            if result.is_err() {
                self.fail(declared.name);
            }
            result?;
            if !self.eat(',') {
                break;
            }
        }
        self.expect(';')
    }

    /// Parameters are no vectors (PTX ISA, "Vectors" are for variables of other spaces).
    pub(crate) fn no_vector_param<T>(&self, at: Position) -> Parsed<T> {
        self.issue(
            at,
            "a parameter cannot be a vector: declare an array instead, such as `.param .align 8 .b8 x[8]`",
        )
    }

    /// Remembers that the name was to be declared that comes after the words here, and is not.
    fn fail_next_name(&mut self) {
        while matches!(self.token, Token::Dot(_) | Token::Integer(_)) {
            self.bump();
        }
        if let Token::Name(name) = self.token {
            self.fail(name);
        }
    }

    /// Alignment, vector and type, which stand before a variable's name; what a parameter's pointer
    /// points at is stepped over.
    pub(crate) fn variable_type(&mut self, most_alignment: u64) -> Parsed<(Type, u32, u32)> {
        let mut align = None;
        let mut lanes = 1;
        let mut found = None;
        loop {
            let at = self.at;
            let Token::Dot(word) = self.token else {
                break;
            };
            self.bump();
            match word {
                "align" => align = Some(self.alignment(most_alignment)?),
                "v2" => lanes = 2,
                "v4" => lanes = 4,
                // Where the host may see the variable too, which is a matter of the embedder's.
                "attribute" => self.attribute()?,
                "ptr" => {
                    if let Token::Dot("global" | "const" | "shared" | "local") = self.token {
                        self.bump();
                    }
                    if self.eat_dot("align") {
                        self.alignment(LARGEST_SHARED_ALIGNMENT)?;
                    }
                }
                _ => match Type::named(word) {
                    Some(ty) if ty != Type::Pred && ty.is_declared() && found.is_none() => {
                        found = Some(ty);
                    }
                    _ => {
                        let word = shortened(word);
                        return self.issue(
                            at,
                            format!("variables with `.{word}` are not supported by this device"),
                        );
                    }
                },
            }
        }
        let Some(ty) = found else {
            return Err(self.unexpected("the type of a variable"));
        };
        let natural = ty.bytes() * lanes;
        Ok((ty, align.unwrap_or(natural).max(natural.min(8)), lanes))
    }

    /// Steps over the attributes of a variable, in parentheses.
    fn attribute(&mut self) -> Parsed<()> {
        self.expect('(')?;
        while !self.eat(')') {
            match self.bump() {
                Token::Dot("managed") | Token::Mark(',') => {}
                _ => return Err(self.unexpected("`.managed`, the attribute that is known")),
            }
        }
        Ok(())
    }

    fn alignment(&mut self, most: u64) -> Parsed<u32> {
        let at = self.at;
        let value = self.integer("an alignment")?;
        match u32::try_from(value) {
            Ok(align) if value.is_power_of_two() && value <= most => Ok(align),
            _ => self.issue(at, format!("an alignment is a power of two up to {most}")),
        }
    }

    pub(crate) fn declared_name(
        &mut self,
        ty: Type,
        align: u32,
        lanes: u32,
    ) -> Parsed<Declared<'a>> {
        let (name, at) = self.name("the name of a variable")?;
        let mut dimensions = Vec::new();
        while self.eat('[') {
            if dimensions.len() >= MOST_DIMENSIONS {
                let message = format!("arrays have at most {MOST_DIMENSIONS} dimensions");
                return self.issue(self.at, message);
            }
            if self.eat(']') {
                if !dimensions.is_empty() {
                    return self.issue(at, "only the first dimension of an array may be left open");
                }
                dimensions.push(None);
                continue;
            }
            dimensions.push(Some(self.constant()?));
            self.expect(']')?;
        }
        Ok(Declared {
            name,
            at,
            ty,
            align,
            dimensions,
            lanes,
        })
    }

    /// Adds a `.global` or `.const` variable, which the module keeps wherever it is declared.
    fn global(
        &mut self,
        declared: &Declared<'a>,
        space: VariableSpace,
        linkage: Linkage,
    ) -> Parsed<()> {
        let at = declared.at;
        if linkage == Linkage::Extern {
            let name = shortened(declared.name);
            return self.issue(
                at,
                format!(
                    "variable `{name}` is not defined in this module, and modules are not linked"
                ),
            );
        }
        let mut initial = Initial::default();
        let mut end = 0;
        if self.eat('=') {
            end = self.initial(declared, 0, 0, &mut initial)?;
            if initial.partial.is_some() {
                return self.issue(at, "the bytes of an address must all follow one another");
            }
        }
        let has_initial = !initial.bytes.is_empty() || !initial.relocations.is_empty();
        if declared.is_unsized() && !has_initial {
            let name = shortened(declared.name);
            return self.issue(
                at,
                format!("array `{name}` has neither a size nor an initial value that says it"),
            );
        }
        let bytes = if declared.is_unsized() {
            Some(end)
        } else {
            declared.bytes()
        };
        let limit = self.limits.global_bytes;
        let total = bytes.and_then(|bytes| self.global_bytes.checked_add(bytes));
        let (Some(bytes), Some(total)) = (bytes, total.filter(|total| *total <= limit)) else {
            let message = format!("the module's variables take more than {limit} bytes");
            return self.issue(at, message);
        };
        self.global_bytes = total;
        let end = initial.bytes.iter().rposition(|byte| *byte != 0);
        initial.bytes.truncate(end.map_or(0, |end| end + 1));
        let index = u32::try_from(self.module.globals.len()).unwrap_or(u32::MAX);
        let name = if self.scopes.len() > 1 {
            self.unique_global(declared.name)
        } else {
            declared.name.to_owned()
        };
        self.module.globals.push(Variable {
            name,
            space,
            bytes,
            align: declared.align,
            initial: initial.bytes,
            relocations: initial.relocations,
        });
        self.declare(declared.name, at, Binding::Symbol(Symbol::Global(index)))
    }

    /// A module-wide name for a variable that a function declares.
    fn unique_global(&self, name: &str) -> String {
        let count = self.module.globals.len();
        let function = &self.function.name;
        format!("{function}${name}${count}")
    }

    /// Adds a variable of shared, local or parameter memory.
    fn memory_variable(
        &mut self,
        declared: &Declared<'a>,
        space: Space,
        linkage: Linkage,
    ) -> Parsed<()> {
        let at = declared.at;
        let at_module_scope = self.scopes.len() <= 1;
        let (limit, what) = match space {
            Space::Shared => (self.limits.shared_bytes, "shared"),
            Space::Local => (self.limits.local_bytes, "local"),
            _ => (self.param_limit(), "parameter"),
        };
        let dynamic = space == Space::Shared && linkage == Linkage::Extern;
        let bytes = match declared.bytes() {
            _ if dynamic && declared.is_unsized() => 0,
            Some(bytes) => u32::try_from(bytes).unwrap_or(u32::MAX),
            None if declared.is_unsized() => {
                let name = shortened(declared.name);
                return self.issue(at, format!("array `{name}` has no size"));
            }
            None => u32::MAX,
        };
        if bytes > limit {
            let name = shortened(declared.name);
            let message =
                format!("variable `{name}` is larger than the {limit} bytes of {what} memory");
            return self.issue(at, message);
        }
        if self.token == Token::Mark('=') {
            return self.issue(self.at, format!("{what} memory cannot have initial values"));
        }
        let name = if at_module_scope {
            declared.name.to_owned()
        } else {
            self.unique(declared.name)
        };
        let variable = LocalVariable {
            name,
            space,
            bytes,
            align: declared.align,
            is_scalar: space == Space::Param && declared.is_scalar(),
            dynamic,
        };
        let list = if at_module_scope {
            &mut self.module.shared
        } else {
            &mut self.function.variables
        };
        let index = u32::try_from(list.len()).unwrap_or(u32::MAX);
        list.push(variable);
        let symbol = if at_module_scope {
            Symbol::Shared(index)
        } else {
            Symbol::Variable(index)
        };
        self.declare(declared.name, at, Binding::Symbol(symbol))
    }
}
