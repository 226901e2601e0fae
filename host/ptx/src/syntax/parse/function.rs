//! Entries and device functions: their heads. `body.rs` reads their bodies.

use crate::syntax::lex::Token;
use crate::syntax::module::{Entry, Extension, Param, ParamType, Tuning};
use crate::syntax::parse::scope::{Binding, BlockScope};
use crate::syntax::parse::variable::LARGEST_ALIGNMENT;
use crate::syntax::parse::{Parsed, Parser, shortened};
use crate::syntax::tree::{Formal, Function, Linkage, LocalVariable, RegisterId, Symbol};
use crate::syntax::types::{Space, Type};

/// The most bytes of an entry's parameters before PTX 8.1, and before sm_70 (PTX ISA, "Kernel Function
/// Parameters").
const FORMER_PARAM_BYTES: u32 = 4 << 10;

impl<'a> Parser<'a> {
    /// Starts reading a new function.
    fn begin(&mut self, linkage: Linkage) {
        self.scopes.truncate(1);
        self.scopes.push(BlockScope::default());
        self.taken.clear();
        self.references.clear();
        self.vectors.clear();
        // What names mean in one function says nothing of the next.
        self.unknown.retain(|name| !name.starts_with('%'));
        self.function = Function {
            at: self.at,
            linkage,
            ..Function::default()
        };
    }

    /// Reads an entry, from `.entry` to the end of its body.
    pub(crate) fn entry(&mut self, linkage: Linkage) -> Parsed<()> {
        self.begin(linkage);
        self.bump();
        let (name, at) = self.name("the name of the entry")?;
        self.function.name = name.to_owned();
        let mut params = Vec::new();
        let mut end = 0;
        if self.eat('(') && !self.eat(')') {
            loop {
                params.push(self.entry_param(&mut end, params.len())?);
                if !self.eat(',') {
                    break;
                }
            }
            self.expect(')')?;
        }
        let tuning = self.directives(HeadKind::Entry)?;
        let index = u32::try_from(self.module.entries.len()).unwrap_or(u32::MAX);
        if let Some(scope) = self.scopes.pop() {
            let declared = self.declare(name, at, Binding::Entry(index));
            self.scopes.push(scope);
            declared?;
        }
        if self.eat(';') {
            return self.issue(at, "an entry needs a body");
        }
        self.function.entry = Some(index);
        self.body()?;
        let function = u32::try_from(self.module.functions.len()).unwrap_or(u32::MAX);
        self.module.entries.push(Entry {
            name: name.to_owned(),
            params,
            param_bytes: end,
            tuning,
            shared_bytes: 0,
            local_bytes: 0,
            function,
            layout: crate::syntax::layout::Layout::default(),
            decoded: Extension::default(),
        });
        self.module
            .functions
            .push(std::mem::take(&mut self.function));
        Ok(())
    }

    /// The most bytes of parameters: PTX 8.1 raised the limit for sm_70 and newer.
    pub(crate) fn param_limit(&self) -> u32 {
        let is_raised = self.module.version >= (8, 1) && self.module.target >= 70;
        let most = self.limits.param_bytes;
        if is_raised {
            most
        } else {
            most.min(FORMER_PARAM_BYTES)
        }
    }

    /// Reads a parameter of an entry and lays it out behind those before it.
    fn entry_param(&mut self, end: &mut u32, index: usize) -> Parsed<Param> {
        if !self.eat_dot("param") {
            return Err(self.unexpected("`.param`"));
        }
        let (ty, align, lanes) = self.variable_type(LARGEST_ALIGNMENT)?;
        let declared = self.declared_name(ty, align, lanes)?;
        if lanes > 1 {
            return self.no_vector_param(declared.at);
        }
        let limit = self.param_limit();
        let bytes = declared.bytes().and_then(|bytes| u32::try_from(bytes).ok());
        let placed = bytes.and_then(|bytes| {
            let offset = end.checked_next_multiple_of(align)?;
            Some((
                offset,
                bytes,
                offset.checked_add(bytes).filter(|end| *end <= limit)?,
            ))
        });
        let Some((offset, bytes, next)) = placed else {
            return self.issue(
                declared.at,
                format!("the entry's parameters take more than {limit} bytes"),
            );
        };
        *end = next;
        let scalar = declared.dimensions.is_empty();
        let ty = if scalar {
            scalar_param(ty)
        } else {
            ParamType::Bytes { bytes, align }
        };
        let symbol = Symbol::Param(u32::try_from(index).unwrap_or(u32::MAX));
        self.taken.insert(declared.name.to_owned());
        self.declare(declared.name, declared.at, Binding::Symbol(symbol))?;
        Ok(Param {
            name: declared.name.to_owned(),
            ty,
            offset,
            bytes,
            align,
        })
    }

    /// Reads a device function, or only its declaration.
    pub(crate) fn device_function(&mut self, linkage: Linkage) -> Parsed<()> {
        self.begin(linkage);
        self.bump();
        let mut results = Vec::new();
        if self.eat('(') {
            results = self.formals()?;
        }
        let (name, at) = self.name("the name of the function")?;
        self.function.name = name.to_owned();
        self.function.at = at;
        self.function.results = results;
        if self.eat('(') {
            match self.formals() {
                Ok(params) => self.function.params = params,
                Err(issue) => {
                    self.fail_at_module_scope(name);
                    return Err(issue);
                }
            }
        }
        let of = match self.function.results.is_empty() {
            true => HeadKind::Function,
            false => HeadKind::ReturningFunction,
        };
        if let Err(issue) = self.directives(of) {
            self.fail_at_module_scope(name);
            return Err(issue);
        }
        let index = match self.lookup(name) {
            Some(Binding::Function(index)) => index,
            _ => {
                let index = u32::try_from(self.module.functions.len()).unwrap_or(u32::MAX);
                if let Some(scope) = self.scopes.pop() {
                    let declared = self.declare(name, at, Binding::Function(index));
                    self.scopes.push(scope);
                    declared?;
                }
                let number = u32::try_from(self.module.device_functions.len()).unwrap_or(u32::MAX);
                self.module.device_functions.push(index);
                self.module.functions.push(Function {
                    name: name.to_owned(),
                    at,
                    linkage,
                    number,
                    ..Function::default()
                });
                index
            }
        };
        let place = index as usize;
        let known = self
            .module
            .functions
            .get(place)
            .is_some_and(|known| known.defined);
        if self.eat(';') {
            if !known {
                let declared = std::mem::take(&mut self.function);
                self.put_function(place, declared);
            }
            return Ok(());
        }
        if known {
            let name = shortened(name);
            return self.issue(at, format!("function `{name}` is defined twice"));
        }
        self.body()?;
        let defined = std::mem::take(&mut self.function);
        self.put_function(place, defined);
        Ok(())
    }

    fn put_function(&mut self, place: usize, function: Function) {
        if let Some(slot) = self.module.functions.get_mut(place) {
            let number = slot.number;
            *slot = Function { number, ..function };
        }
    }

    /// Reads what follows `.callprototype`: a head without a name. The function is only declared.
    pub(crate) fn prototype(&mut self) -> Parsed<Function> {
        let outer = std::mem::take(&mut self.function);
        self.scopes.push(BlockScope::default());
        let head = self.prototype_head();
        self.scopes.pop();
        let shape = std::mem::replace(&mut self.function, outer);
        head.map(|()| shape)
    }

    fn prototype_head(&mut self) -> Parsed<()> {
        self.function.at = self.at;
        if self.eat('(') {
            self.function.results = self.formals()?;
        }
        self.name("`_`, which stands for any function")?;
        if self.eat('(') {
            self.function.params = self.formals()?;
        }
        let of = match self.function.results.is_empty() {
            true => HeadKind::Function,
            false => HeadKind::ReturningFunction,
        };
        self.directives(of)?;
        self.expect(';')
    }

    /// Reads parameters or results of a device function, behind the opening parenthesis.
    fn formals(&mut self) -> Parsed<Vec<Formal>> {
        let mut formals = Vec::new();
        if self.eat(')') {
            return Ok(formals);
        }
        loop {
            let at = self.at;
            if self.eat_dot("reg") {
                let ty = self.register_type()?;
                let (name, at) = self.name("the name of a register")?;
                self.declare(name, at, Binding::Declared(ty))?;
                formals.push(Formal::Register(self.use_register(name, ty)));
            } else if self.eat_dot("param") {
                let (ty, align, lanes) = self.variable_type(LARGEST_ALIGNMENT)?;
                // Declarations may leave names out.
                let declared = if matches!(self.token, Token::Name(_)) {
                    self.declared_name(ty, align, lanes)?
                } else {
                    crate::syntax::parse::declared::Declared {
                        name: "_",
                        at,
                        ty,
                        align,
                        dimensions: Vec::new(),
                        lanes,
                    }
                };
                if lanes > 1 {
                    return self.no_vector_param(declared.at);
                }
                let limit = self.param_limit();
                let bytes = declared.bytes().and_then(|bytes| u32::try_from(bytes).ok());
                let Some(bytes) = bytes.filter(|bytes| *bytes <= limit) else {
                    let message = format!("a parameter has a size of at most {limit} bytes");
                    return self.issue(declared.at, message);
                };
                let index = u32::try_from(self.function.variables.len()).unwrap_or(u32::MAX);
                let name = self.unique(declared.name);
                self.function.variables.push(LocalVariable {
                    name,
                    space: Space::Param,
                    bytes,
                    align,
                    is_scalar: declared.is_scalar(),
                    dynamic: false,
                });
                formals.push(Formal::Variable(index));
                if declared.name != "_" {
                    let binding = Binding::Symbol(Symbol::Variable(index));
                    self.declare(declared.name, declared.at, binding)?;
                }
            } else {
                return Err(self.unexpected("`.param` or `.reg`"));
            }
            if !self.eat(',') {
                break;
            }
        }
        self.expect(')')?;
        Ok(formals)
    }

    /// Reads the directives between a head and its body. Those of a device function that are not for
    /// calls change nothing.
    fn directives(&mut self, of: HeadKind) -> Parsed<Tuning> {
        let mut tuning = Tuning::default();
        while let Token::Dot(word) = self.token {
            let at = self.at;
            self.bump();
            match word {
                "maxntid" => tuning.max_threads = Some(self.dimensions("a number of threads")?),
                "reqntid" => {
                    tuning.required_threads = Some(self.dimensions("a number of threads")?);
                }
                "minnctapersm" => tuning.min_blocks = Some(self.number()?),
                "maxnreg" => tuning.max_registers = Some(self.number()?),
                "maxnctapersm" | "maxclusterrank" => {
                    self.number()?;
                }
                "reqnctapercluster" => {
                    let [x, y, z] = self.dimensions("a number of blocks")?;
                    let blocks = x.saturating_mul(y).saturating_mul(z);
                    if blocks != 1 {
                        return self.issue(at, format!("clusters of {blocks} blocks are not supported by this device: each block is a cluster of its own"));
                    }
                }
                // What a launch says of clusters; those here say nothing, so each has one block.
                "explicitcluster" => {}
                "noreturn" => match of {
                    HeadKind::Function => self.function.never_returns = true,
                    HeadKind::Entry => {
                        return self
                            .issue(at, "`.noreturn` is for device functions, not for entries");
                    }
                    HeadKind::ReturningFunction => {
                        return self.issue(
                            at,
                            "a function with results returns: it cannot be `.noreturn`",
                        );
                    }
                },
                "pragma" => {
                    // Of loops, entries alone have such: NVIDIA's compiler takes none of a function.
                    let is_off = self.pragma_forbids_unrolling()? && of == HeadKind::Entry;
                    self.function.unrolling.is_off |= is_off;
                }
                _ => {
                    let word = shortened(word);
                    return self.issue(at, format!("`.{word}` is not supported by this device"));
                }
            }
        }
        Ok(tuning)
    }

    /// Reads one to three numbers; those that are left out are 1.
    fn dimensions(&mut self, what: &str) -> Parsed<[u64; 3]> {
        let mut dimensions = [self.integer(what)?, 1, 1];
        for dimension in dimensions.iter_mut().skip(1) {
            if !self.eat(',') {
                break;
            }
            *dimension = self.integer(what)?;
        }
        Ok(dimensions)
    }

    fn number(&mut self) -> Parsed<u32> {
        let at = self.at;
        let number = self.integer("a number")?;
        match u32::try_from(number) {
            Ok(number) => Ok(number),
            Err(_) => self.issue(at, format!("{number} is too large a number here")),
        }
    }

    /// The register of this name, if it is one.
    pub(crate) fn register(&mut self, name: &'a str) -> Option<RegisterId> {
        match self.lookup(name)? {
            Binding::Register(id) => Some(id),
            Binding::Declared(ty) => Some(self.use_register(name, ty)),
            _ => None,
        }
    }
}

/// What a head with directives is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HeadKind {
    Entry,
    Function,
    /// A function with results.
    ReturningFunction,
}

fn scalar_param(ty: Type) -> ParamType {
    match ty {
        Type::B8
        | Type::U8
        | Type::Pred
        | Type::E4M3
        | Type::E5M2
        | Type::S4
        | Type::U4
        | Type::B1 => ParamType::U8,
        Type::B16 | Type::U16 | Type::E4M3x2 | Type::E5M2x2 => ParamType::U16,
        Type::B32
        | Type::U32
        | Type::U16x2
        | Type::S16x2
        | Type::F16x2
        | Type::BF16x2
        | Type::TF32 => ParamType::U32,
        Type::B64 | Type::U64 => ParamType::U64,
        Type::S8 => ParamType::S8,
        Type::S16 => ParamType::S16,
        Type::S32 => ParamType::S32,
        Type::S64 => ParamType::S64,
        Type::F16 => ParamType::F16,
        Type::BF16 => ParamType::BF16,
        Type::F32 => ParamType::F32,
        Type::F64 => ParamType::F64,
    }
}
