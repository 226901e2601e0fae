//! Declarations of registers and variables, with their initial values.

use crate::syntax::diagnostic::Position;
use crate::syntax::lex::Token;
use crate::syntax::parse::declared::Declared;
use crate::syntax::parse::initial::Initial;
use crate::syntax::parse::scope::Binding;
use crate::syntax::parse::{Parsed, Parser, shortened};
use crate::syntax::tree::{Linkage, LocalVariable, Symbol};
use crate::syntax::types::{Space, Type};
use crate::{Variable, VariableSpace};

/// The most dimensions of an array.
const MOST_DIMENSIONS: usize = 8;

/// The largest alignment that a variable may ask for, in bytes.
const LARGEST_ALIGNMENT: u64 = 256;

impl<'a> Parser<'a> {
    /// Reads `.reg` and what follows.
    pub(crate) fn registers(&mut self) -> Parsed<()> {
        self.bump();
        let ty = self.register_type()?;
        loop {
            let (name, at) = self.name("the name of a register")?;
            if self.eat('<') {
                let count = self.integer("how many registers there are")?;
                self.expect('>')?;
                self.count_registers(count, at)?;
                self.declare_range(name, at, count, ty)?;
            } else {
                self.count_registers(1, at)?;
                self.declare(name, at, Binding::Declared(ty))?;
            }
            if !self.eat(',') {
                break;
            }
        }
        self.expect(';')
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

    pub(crate) fn count_registers(&mut self, count: u64, at: Position) -> Parsed<()> {
        let limit = self.limits.registers;
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.registers = self.registers.saturating_add(count);
        if self.registers > limit {
            return self.issue(
                at,
                format!("the function declares more than {limit} registers"),
            );
        }
        Ok(())
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
        let (ty, align, lanes) = self.variable_type()?;
        loop {
            let declared = self.declared_name(ty, align, lanes)?;
            match space {
                Space::Global => self.global(&declared, VariableSpace::Global, linkage)?,
                Space::Const => self.global(&declared, VariableSpace::Const, linkage)?,
                _ => self.memory_variable(&declared, space, linkage)?,
            }
            if !self.eat(',') {
                break;
            }
        }
        self.expect(';')
    }

    /// Alignment, vector and type, which stand before a variable's name; what a parameter's pointer
    /// points at is stepped over.
    pub(crate) fn variable_type(&mut self) -> Parsed<(Type, u32, u32)> {
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
                "align" => align = Some(self.alignment()?),
                "v2" => lanes = 2,
                "v4" => lanes = 4,
                // Where the host may see the variable too, which is a matter of the embedder's.
                "attribute" => self.attribute()?,
                "ptr" => {
                    if let Token::Dot("global" | "const" | "shared" | "local") = self.token {
                        self.bump();
                    }
                    if self.eat_dot("align") {
                        self.alignment()?;
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

    pub(crate) fn alignment(&mut self) -> Parsed<u32> {
        let at = self.at;
        let value = self.integer("an alignment")?;
        match u32::try_from(value) {
            Ok(align) if value.is_power_of_two() && value <= LARGEST_ALIGNMENT => Ok(align),
            _ => self.issue(
                at,
                format!("an alignment is a power of two up to {LARGEST_ALIGNMENT}"),
            ),
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
            _ => (self.limits.param_bytes, "parameter"),
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
