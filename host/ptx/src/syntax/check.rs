//! Whether operands fit what the table says of their instruction. Runs when the whole module has
//! been read, so that every function is known.

use std::collections::HashSet;

use crate::syntax::builtin_functions::BuiltinFunction;
use crate::syntax::lex::Issue;
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::module::Module;
use crate::syntax::table::{Op, OperandKind, ScalarOp, Ty};
use crate::syntax::tree::{
    Base, CallSite, Callee, Formal, Function, Instruction, Operand, Part, PartOperand,
    PrototypeKind, Symbol,
};
use crate::syntax::types::{Space, Type, TypeClass};

/// What is wrong, in no particular place of the instruction.
type Fit = Result<(), String>;

/// Everything that is wrong with the module's instructions.
pub(crate) fn check(module: &Module) -> Vec<Issue> {
    let mut issues: Vec<Issue> = Vec::new();
    // That a function is not there is said at the first of its calls.
    let mut said = HashSet::new();
    for function in &module.functions {
        for instruction in &function.body {
            let checked = Checked {
                module,
                function,
                instruction,
            };
            if let Err(message) = checked.instruction() {
                let is_undefined = instruction.operands.iter().any(|operand| match operand {
                    Operand::Call(site) => site.functions().iter().any(|callee| {
                        let callee = module.functions.get(*callee as usize);
                        callee.is_some_and(|callee| !callee.defined)
                    }),
                    _ => false,
                });
                if is_undefined && !said.insert(message.clone()) {
                    continue;
                }
                issues.push(Issue::new(instruction.at, message));
            }
        }
    }
    issues
}

struct Checked<'m> {
    module: &'m Module,
    function: &'m Function,
    instruction: &'m Instruction,
}

/// The type that an operand has in this instruction.
pub(crate) fn operand_type(ty: Ty, modifiers: &Modifiers) -> Type {
    match ty {
        Ty::T0 => modifiers.ty(),
        Ty::T1 => modifiers.second_ty(),
        Ty::T2 => modifiers.third_ty(),
        Ty::Wide => modifiers.ty().doubled(),
        Ty::Is(ty) => ty,
    }
}

/// The type that an instruction's source operand is read as.
pub(crate) fn source_type(instruction: &Instruction, operand: usize) -> Type {
    let modifiers = &instruction.modifiers;
    match instruction.row.operands.get(operand) {
        Some(
            OperandKind::Src(ty)
            | OperandKind::SrcLoose(ty)
            | OperandKind::SrcPart(ty)
            | OperandKind::SrcSelected(ty)
            | OperandKind::SrcVector(ty, _),
        ) => operand_type(*ty, modifiers),
        Some(OperandKind::SrcPred) => Type::Pred,
        Some(OperandKind::SrcMatrix) => Type::B64,
        _ => modifiers.ty(),
    }
}

impl Checked<'_> {
    fn instruction(&self) -> Fit {
        if let Some(guard) = self.instruction.guard {
            let ty = self.function.register_type(guard.register);
            if ty != Type::Pred {
                return Err(format!(
                    "a guard is a predicate, not a register of type `{ty}`"
                ));
            }
        }
        let row = self.instruction.row;
        for (number, (kind, operand)) in row
            .operands
            .iter()
            .zip(&self.instruction.operands)
            .enumerate()
        {
            self.operand(*kind, operand).map_err(|message| match kind {
                OperandKind::Call => message,
                _ => format!("operand {} of {}: {message}", number + 1, row.name),
            })?;
        }
        self.special_rules()
    }

    /// What the table cannot say.
    fn special_rules(&self) -> Fit {
        let modifiers = &self.instruction.modifiers;
        match self.instruction.row.op {
            Op::Ld | Op::St => {
                let lanes = u32::try_from(modifiers.lanes()).unwrap_or(u32::MAX);
                if modifiers.ty().bits().saturating_mul(lanes) > 128 {
                    return Err("one access moves at most 128 bits".into());
                }
                Ok(())
            }
            Op::Cvt => conversion(modifiers),
            Op::CopyAsync => self.copied_bytes(),
            Op::WarpgroupMultiply => self.warpgroup_numbers(),
            Op::Scalar(op) if op.is_video() => self.video(op),
            Op::Shfl | Op::Vote if !modifiers.has(Modifier::Sync) => {
                let (target, version) = (self.module.target, self.module.version);
                if target >= 70 && version >= (6, 4) {
                    let name = self.instruction.row.name;
                    return Err(format!(
                        "{name} without `.sync` is for targets below sm_70: write `{name}.sync` and a member mask"
                    ));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The scales of factors are 1 or -1, and whether they are transposed is 1 or 0.
    fn warpgroup_numbers(&self) -> Fit {
        for (index, operand) in self.instruction.operands.iter().enumerate().skip(4) {
            let (allowed, said) = match index {
                4 | 5 => ([1, u64::MAX], "1 or -1"),
                _ => ([0, 1], "0 or 1"),
            };
            if !matches!(operand, Operand::Integer(number) if allowed.contains(number)) {
                let number = index + 1;
                return Err(format!("operand {number} of wgmma is the number {said}"));
            }
        }
        Ok(())
    }

    /// How many bytes an asynchronous copy moves.
    fn copied_bytes(&self) -> Fit {
        let allowed: &[u64] = if self.instruction.modifiers.has(Modifier::Cg) {
            &[16]
        } else {
            &[4, 8, 16]
        };
        match self.instruction.operands.get(2) {
            Some(Operand::Integer(bytes)) if allowed.contains(bytes) => Ok(()),
            _ if allowed.len() == 1 => Err("operand 3 of cp.async.cg is the number 16".into()),
            _ => Err("operand 3 of cp.async.ca is 4, 8 or 16".into()),
        }
    }

    /// Which operands of a scalar video instruction may be negated.
    fn video(&self, op: ScalarOp) -> Fit {
        let Instruction {
            modifiers,
            operands,
            row,
            ..
        } = self.instruction;
        let name = row.name;
        let is_negated =
            |operand: &Operand| matches!(operand, Operand::Part(PartOperand { negated: true, .. }));
        let negated: Vec<usize> = (1..4)
            .filter(|index| operands.get(*index).is_some_and(is_negated))
            .collect();
        if let (ScalarOp::Vmad, Some(Operand::Part(added))) = (op, operands.get(3))
            && added.part != Part::Word
        {
            return Err(format!("operand 4 of {name} is a whole register"));
        }
        let Some(first) = negated.first() else {
            return Ok(());
        };
        if op != ScalarOp::Vmad {
            return Err(format!("operand {} of {name} cannot be negated", first + 1));
        }
        if modifiers.has(Modifier::PlusOne) {
            return Err(format!("{name} with `.po` negates no operand"));
        }
        if negated.contains(&3) && negated.len() == 2 {
            return Err(format!("{name} negates its product or operand 4, not both"));
        }
        Ok(())
    }

    /// How many lanes a SIMD video instruction has.
    fn video_lanes(&self) -> usize {
        match self.instruction.row.op {
            Op::Video(_, lanes) => lanes.into(),
            _ => 0,
        }
    }

    /// The lanes of its result that a SIMD video instruction writes.
    fn lane_mask(&self, of: &PartOperand) -> Fit {
        let lanes = self.video_lanes();
        let fits = match of.part {
            Part::Half(_) => lanes == 2,
            Part::Byte(_) => lanes == 4,
            Part::Lanes(mask) => {
                mask.halves == (lanes == 2)
                    && mask.is_falling()
                    && mask.numbers().all(|number| (number as usize) < lanes)
            }
            Part::Word => true,
        };
        if fits && !of.negated {
            return Ok(());
        }
        Err(match lanes {
            2 => "a mask of halves is `.h0`, `.h1` or `.h10`".into(),
            _ => "a mask of bytes has falling numbers below 4, such as `.b310`".into(),
        })
    }

    /// Where a SIMD video instruction takes the lanes of an operand from.
    fn lane_selector(&self, of: &PartOperand) -> Fit {
        let lanes = self.video_lanes();
        let fits = match of.part {
            Part::Lanes(selector) => {
                selector.halves == (lanes == 2) && selector.numbers().count() == lanes
            }
            Part::Word => true,
            Part::Half(_) | Part::Byte(_) => false,
        };
        if fits && !of.negated {
            return Ok(());
        }
        Err(match lanes {
            2 => "a selector of halves has two numbers below 4, such as `.h32`".into(),
            _ => "a selector of bytes has four numbers below 8, such as `.b7654`".into(),
        })
    }

    fn operand(&self, kind: OperandKind, operand: &Operand) -> Fit {
        let modifiers = &self.instruction.modifiers;
        match kind {
            OperandKind::Dst(ty) => self.target(operand, operand_type(ty, modifiers), false),
            OperandKind::DstLoose(ty) => self.target(operand, operand_type(ty, modifiers), true),
            OperandKind::DstPair(ty) => match operand {
                Operand::Pair(first, second) => {
                    if let Some(first) = first {
                        let first = Operand::Register(*first);
                        self.target(&first, operand_type(ty, modifiers), false)?;
                    }
                    self.predicate_target(*second)
                }
                other => self.target(other, operand_type(ty, modifiers), false),
            },
            OperandKind::PredPair => match operand {
                Operand::Pair(first, second) => {
                    self.predicate_target(*first)?;
                    self.predicate_target(*second)
                }
                other => self.target(other, Type::Pred, false),
            },
            OperandKind::Src(ty) => self.value(operand, operand_type(ty, modifiers), false),
            OperandKind::SrcLoose(ty) => self.value(operand, operand_type(ty, modifiers), true),
            OperandKind::SrcPred => match operand {
                Operand::Not(register) => {
                    self.value(&Operand::Register(*register), Type::Pred, false)
                }
                other => self.value(other, Type::Pred, false),
            },
            OperandKind::DstPart(ty) => match operand {
                Operand::Part(PartOperand {
                    register,
                    negated: false,
                    part: Part::Byte(_) | Part::Half(_),
                }) => self.target(
                    &Operand::Register(*register),
                    operand_type(ty, modifiers),
                    false,
                ),
                _ => Err("expected a part of a register to write to, such as `%r0.b1`: only a second operation has a whole result besides a fourth operand".into()),
            },
            OperandKind::SrcPart(ty) => {
                let ty = operand_type(ty, modifiers);
                match operand {
                    Operand::Part(PartOperand {
                        part: Part::Lanes(_),
                        ..
                    }) => Err("a scalar video instruction takes one byte or half".into()),
                    Operand::Part(PartOperand { register, .. }) => {
                        self.value(&Operand::Register(*register), ty, false)
                    }
                    other => self.value(other, ty, false),
                }
            }
            OperandKind::DstMasked(ty) => match operand {
                Operand::Part(of) => {
                    self.lane_mask(of)?;
                    let register = Operand::Register(of.register);
                    self.target(&register, operand_type(ty, modifiers), false)
                }
                other => self.target(other, operand_type(ty, modifiers), false),
            },
            OperandKind::SrcSelected(ty) => match operand {
                Operand::Part(of) => {
                    self.lane_selector(of)?;
                    let register = Operand::Register(of.register);
                    self.value(&register, operand_type(ty, modifiers), false)
                }
                other => self.value(other, operand_type(ty, modifiers), false),
            },
            OperandKind::DstLanes => self.lanes(operand, |element| {
                self.target(element, modifiers.ty(), true)
            }),
            OperandKind::SrcLanes => {
                self.lanes(operand, |element| self.value(element, modifiers.ty(), true))
            }
            OperandKind::DstMove => match operand {
                Operand::Vector(elements) => self.spread(elements, true),
                other => self.target(other, modifiers.ty(), false),
            },
            OperandKind::SrcMove => match operand {
                Operand::Vector(elements) => self.spread(elements, false),
                other => self.value(other, modifiers.ty(), false),
            },
            OperandKind::DstVector(ty, count) => self.vector(operand, count, |element| {
                self.target(element, operand_type(ty, modifiers), false)
            }),
            OperandKind::SrcVector(ty, count) => self.vector(operand, count, |element| {
                self.value(element, operand_type(ty, modifiers), false)
            }),
            OperandKind::DstWarpgroup(ty) => {
                let count = u8::try_from(modifiers.warpgroup_registers()).unwrap_or(u8::MAX);
                // Pairs of halves are in registers of 32 bits.
                let ty = match operand_type(ty, modifiers) {
                    Type::F16 => Type::B32,
                    other => other,
                };
                self.vector(operand, count, |element| self.target(element, ty, false))
            }
            OperandKind::SrcMatrix => match operand {
                Operand::Vector(_) => self.vector(operand, 4, |element| {
                    self.value(element, Type::B32, false)
                }),
                other => self.value(other, Type::B64, false),
            },
            OperandKind::SrcCopied => match operand {
                Operand::Register(register)
                    if self.function.register_type(*register) == Type::Pred =>
                {
                    Ok(())
                }
                Operand::Not(register) => {
                    self.value(&Operand::Register(*register), Type::Pred, false)
                }
                other => self.value(other, Type::U32, false),
            },
            OperandKind::Address => self.address(operand, modifiers.space()),
            OperandKind::AddressIn(space) => self.address(operand, space),
            OperandKind::Label => match operand {
                Operand::Label(_) => Ok(()),
                _ => Err("expected a label".into()),
            },
            OperandKind::Labels => match operand {
                Operand::Labels(_) => Ok(()),
                _ => Err("expected the name of a list of labels".into()),
            },
            OperandKind::Call => match operand {
                Operand::Call(site) => self.call(site),
                _ => Err("expected the name of a function".into()),
            },
        }
    }

    fn target(&self, operand: &Operand, ty: Type, loose: bool) -> Fit {
        match operand {
            Operand::Sink => Ok(()),
            Operand::Register(register) => fits(self.function.register_type(*register), ty, loose),
            _ => Err("expected a register to write to".into()),
        }
    }

    fn predicate_target(&self, register: Option<crate::syntax::tree::RegisterId>) -> Fit {
        match register {
            Some(register) => fits(self.function.register_type(register), Type::Pred, false),
            None => Ok(()),
        }
    }

    fn value(&self, operand: &Operand, ty: Type, loose: bool) -> Fit {
        let suits = match operand {
            Operand::Register(register) => {
                return fits(self.function.register_type(*register), ty, loose);
            }
            Operand::Special(_) => ty.is_integer(),
            Operand::Integer(_) => !ty.is_float(),
            Operand::Float32(_) => matches!(ty, Type::F32 | Type::B32 | Type::F64),
            Operand::Float64(_) => matches!(ty, Type::F32 | Type::F64 | Type::B64),
            Operand::AddressOf(..) => ty.is_integer() && ty.bits() >= 32,
            _ => return Err("expected a register or a constant".into()),
        };
        if suits {
            return Ok(());
        }
        let what = match operand {
            Operand::Integer(_) => "an integer",
            Operand::AddressOf(..) => "an address",
            Operand::Special(_) => "a special register",
            _ => "a floating-point number",
        };
        Err(format!("{what} where the type is `{ty}`"))
    }

    fn lanes(&self, operand: &Operand, check: impl Fn(&Operand) -> Fit) -> Fit {
        let lanes = self.instruction.modifiers.lanes();
        match operand {
            Operand::Vector(elements) if elements.len() == lanes => {
                elements.iter().try_for_each(check)
            }
            Operand::Vector(elements) => Err(format!(
                "{} elements where {lanes} are moved",
                elements.len()
            )),
            other if lanes == 1 => check(other),
            _ => Err(format!("expected {lanes} registers in braces")),
        }
    }

    /// So many registers in braces.
    fn vector(&self, operand: &Operand, count: u8, check: impl Fn(&Operand) -> Fit) -> Fit {
        match operand {
            Operand::Vector(elements) if elements.len() == usize::from(count) => {
                elements.iter().try_for_each(check)
            }
            Operand::Vector(elements) => Err(format!(
                "{} elements where there are {count} in each lane",
                elements.len()
            )),
            _ => Err(format!("expected registers in braces, {count} of them")),
        }
    }

    /// Several registers that make up one value.
    fn spread(&self, elements: &[Operand], written: bool) -> Fit {
        let ty = self.instruction.modifiers.ty();
        let count = u32::try_from(elements.len()).unwrap_or(u32::MAX);
        let each = match (ty.bits(), count) {
            (64, 2) => Type::B32,
            (64, 4) | (32, 2) => Type::B16,
            (32, 4) | (16, 2) => Type::B8,
            (bits, count) => {
                return Err(format!("{bits} bits do not spread over {count} registers"));
            }
        };
        elements.iter().try_for_each(|element| {
            if written {
                self.target(element, each, each == Type::B8)
            } else {
                self.value(element, each, each == Type::B8)
            }
        })
    }

    fn address(&self, operand: &Operand, space: Space) -> Fit {
        let Operand::Memory(base, _) = operand else {
            return Err("expected an address in brackets".into());
        };
        let op = self.instruction.row.op;
        let writes = matches!(op, Op::St | Op::Atom | Op::Red);
        match base {
            Base::Zero => Ok(()),
            Base::Register(register) => {
                let ty = self.function.register_type(*register);
                let narrow = !matches!(space, Space::Generic | Space::Global);
                if ty.is_integer() && (ty.bits() == 64 || (narrow && ty.bits() == 32)) {
                    return Ok(());
                }
                Err(format!("an address is a 64-bit integer, not `{ty}`"))
            }
            Base::Symbol(symbol) => {
                let of_symbol = self.space_of(*symbol);
                if writes && matches!(symbol, Symbol::Param(_)) {
                    return Err("an entry's parameters cannot be written".into());
                }
                if writes && of_symbol == Space::Const {
                    return Err("constant memory cannot be written".into());
                }
                if space == Space::Generic || space == of_symbol {
                    return Ok(());
                }
                Err("the variable lies in another memory than the instruction says".into())
            }
        }
    }

    fn space_of(&self, symbol: Symbol) -> Space {
        match symbol {
            Symbol::Global(index) => match self.module.globals.get(index as usize) {
                Some(variable) if variable.space == crate::VariableSpace::Const => Space::Const,
                _ => Space::Global,
            },
            Symbol::Shared(_) => Space::Shared,
            Symbol::Param(_) => Space::Param,
            // Code is in no space: no memory operand names a function.
            Symbol::Function(_) => Space::Generic,
            Symbol::Variable(index) => self
                .function
                .variables
                .get(index as usize)
                .map_or(Space::Local, |variable| variable.space),
        }
    }

    fn call(&self, site: &CallSite) -> Fit {
        if let Callee::Pointer(call) = &site.callee {
            let ty = self.function.register_type(call.register);
            if !ty.is_integer() || ty.bits() != 64 {
                return Err(format!("the address of a function has 64 bits, not `{ty}`"));
            }
            let prototype = self.function.prototypes.get(call.prototype as usize);
            if let Some(PrototypeKind::Shape(shape)) = prototype.map(|prototype| &prototype.of) {
                self.passes(site, shape)?;
            }
        }
        for function in site.functions() {
            let Some(callee) = self.module.functions.get(*function as usize) else {
                return Err("there is no such function".into());
            };
            let by_name = matches!(site.callee, Callee::Function(_));
            let is_provided = by_name && BuiltinFunction::of(callee).is_some();
            if !callee.defined && !is_provided {
                return Err(format!(
                    "function `{}` is only declared: this device does not provide it, and modules are not linked",
                    callee.name
                ));
            }
            self.passes(site, callee)?;
        }
        Ok(())
    }

    /// Whether a call passes what a function takes.
    fn passes(&self, site: &CallSite, callee: &Function) -> Fit {
        let name = match callee.name.as_str() {
            "" => "the prototype".to_owned(),
            name => format!("function `{name}`"),
        };
        let pairs = [
            ("results", &callee.results, &site.results),
            ("arguments", &callee.params, &site.arguments),
        ];
        for (what, formals, actuals) in pairs {
            if formals.len() != actuals.len() {
                return Err(format!(
                    "{name} has {} {what}, {} are given",
                    formals.len(),
                    actuals.len()
                ));
            }
            for (formal, actual) in formals.iter().zip(actuals) {
                self.passed(callee, *formal, actual, what == "results")?;
            }
        }
        Ok(())
    }

    /// One argument or result of a call.
    fn passed(&self, callee: &Function, formal: Formal, actual: &Operand, written: bool) -> Fit {
        let variable = |function: &Function, index: u32| {
            function
                .variables
                .get(index as usize)
                .map(|variable| (variable.space, variable.bytes))
        };
        match (formal, actual) {
            (Formal::Variable(index), Operand::AddressOf(Symbol::Variable(own), 0)) => {
                let inside = variable(callee, index);
                let outside = variable(self.function, *own);
                if outside.is_some_and(|(space, _)| space == Space::Param) && inside == outside {
                    return Ok(());
                }
                Err("the variable that is passed does not have the size of the parameter".into())
            }
            (Formal::Variable(index), Operand::Register(register)) => {
                let bits = self.function.register_type(*register).bits();
                match variable(callee, index) {
                    Some((_, bytes)) if bytes * 8 == bits => Ok(()),
                    _ => Err(
                        "the register that is passed does not have the size of the parameter"
                            .into(),
                    ),
                }
            }
            (Formal::Variable(index), Operand::Integer(_)) if !written => {
                match variable(callee, index) {
                    Some((_, 1 | 2 | 4 | 8)) => Ok(()),
                    _ => Err("a constant is passed where the parameter is no number".into()),
                }
            }
            (Formal::Register(register), actual) => {
                let ty = callee.register_type(register);
                if written {
                    self.target(actual, ty, false)
                } else {
                    self.value(actual, ty, false)
                }
            }
            _ => Err("expected a `.param` variable, a register or a constant".into()),
        }
    }
}

fn fits(register: Type, ty: Type, loose: bool) -> Fit {
    let fits = if loose {
        register.fits_loosely(ty)
    } else {
        register.fits(ty)
    };
    if fits {
        Ok(())
    } else {
        Err(format!(
            "a register of type `{register}` where the type is `{ty}`"
        ))
    }
}

/// Whether a conversion exists, and has the rounding that it needs.
pub(crate) fn conversion(modifiers: &Modifiers) -> Fit {
    use crate::syntax::modifier::Modifier::{Ftz, Rm, Rmi, Rn, Rni, Rp, Rpi, Rz, Rzi};
    let (to, from) = (modifiers.ty(), modifiers.second_ty());
    let to_integer = [Rni, Rzi, Rmi, Rpi].iter().any(|word| modifiers.has(*word));
    // The table lists these with the rounding that they have.
    if [to, from].iter().any(|ty| !ty.is_declared()) {
        return Ok(());
    }
    let to_float = [Rn, Rz, Rm, Rp].iter().any(|word| modifiers.has(*word));
    let bits_only = to.class() == TypeClass::Bits || from.class() == TypeClass::Bits;
    if bits_only {
        return Err(format!("there is no conversion from `{from}` to `{to}`"));
    }
    let narrows = to.is_float()
        && from.is_float()
        && (to.bits() < from.bits() || (to != from && to.bits() == from.bits()));
    let message = match (to.is_float(), from.is_float()) {
        (false, true) if !to_integer => "needs a rounding to an integer, such as `.rzi`",
        (true, false) if !to_float => "needs a rounding, such as `.rn`",
        (true, true) if narrows && !to_float => "needs a rounding, such as `.rn`",
        (false, false) if to_integer || to_float => "does not round",
        (true, false) if to_integer => "has no rounding to an integer",
        (true, true) if !narrows && to_float && to != from => "does not round",
        _ if modifiers.has(Ftz) && to != Type::F32 && from != Type::F32 => {
            "has no `.ftz`: only singles are flushed"
        }
        _ => return Ok(()),
    };
    Err(format!("the conversion from `{from}` to `{to}` {message}"))
}
