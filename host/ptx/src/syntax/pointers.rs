//! Which functions a call through a register may reach: those that it names, or those of its shape
//! whose address is taken anywhere in the module (PTX ISA, "call").

use std::collections::{BTreeSet, HashMap};

use crate::syntax::lex::Issue;
use crate::syntax::module::{Module, Relocation, RelocationTarget};
use crate::syntax::tree::{
    Callee, Formal, Function, Operand, PointerCall, Prototype, PrototypeKind, Symbol,
};

/// The sizes of a function's results and parameters, in bytes.
type Shape = (Vec<u32>, Vec<u32>);

/// The shape of a function.
pub(crate) fn shape(function: &Function) -> Shape {
    let size = |formal: &Formal| match formal {
        Formal::Register(register) => function.register_type(*register).bytes(),
        Formal::Variable(index) => {
            let variable = function.variables.get(*index as usize);
            variable.map_or(0, |variable| variable.bytes)
        }
    };
    (
        function.results.iter().map(size).collect(),
        function.params.iter().map(size).collect(),
    )
}

/// How many functions all calls through registers of a module may reach together: what they reach is
/// followed for each of them, and could else grow with the square of the text.
const MOST_REACHED: usize = 1 << 20;

/// Fills in what each call through a register may reach.
///
/// # Errors
/// The call from which on all of them reach too much.
pub(crate) fn resolve(module: &mut Module) -> Result<(), Issue> {
    let has_prototypes = |function: &Function| !function.prototypes.is_empty();
    if !module.functions.iter().any(has_prototypes) {
        return Ok(());
    }
    let by_shape = address_taken_by_shape(module);
    // One for each call, in the order of the text.
    let mut lists = Vec::new();
    let mut left = MOST_REACHED;
    for function in &module.functions {
        for instruction in &function.body {
            for call in instruction.operands.iter().filter_map(pointer_call) {
                let Some(prototype) = function.prototypes.get(call.prototype as usize) else {
                    lists.push(Vec::new());
                    continue;
                };
                let reached = Reached::of(module, &by_shape, prototype);
                let Some(rest) = left.checked_sub(reached.len()) else {
                    return Err(Issue::new(
                        instruction.at,
                        format!(
                            "the calls through registers of this module reach more than {MOST_REACHED} functions together: name those of each with `.calltargets`"
                        ),
                    ));
                };
                left = rest;
                lists.push(reached.functions(module));
            }
        }
    }
    let mut lists = lists.into_iter();
    for function in &mut module.functions {
        for instruction in &mut function.body {
            for operand in &mut instruction.operands {
                if let Operand::Call(site) = operand
                    && let Callee::Pointer(call) = &mut site.callee
                {
                    call.functions = lists.next().unwrap_or_default();
                }
            }
        }
    }
    Ok(())
}

/// The call through a register that an operand is, if it is one.
fn pointer_call(operand: &Operand) -> Option<&PointerCall> {
    match operand {
        Operand::Call(site) => match &site.callee {
            Callee::Pointer(call) => Some(call),
            Callee::Function(_) => None,
        },
        _ => None,
    }
}

/// The numbers of the functions whose address is taken, by their shapes.
fn address_taken_by_shape(module: &Module) -> HashMap<Shape, Vec<u32>> {
    let mut taken = BTreeSet::new();
    let relocations = module.globals.iter().flat_map(|global| &global.relocations);
    taken.extend(
        relocations.filter_map(|relocation| match relocation.target {
            RelocationTarget::Function(number) => Some(number),
            RelocationTarget::Variable(_) => None,
        }),
    );
    for function in &module.functions {
        let operands = function.body.iter().flat_map(|each| &each.operands);
        taken.extend(operands.filter_map(|operand| match operand {
            Operand::AddressOf(Symbol::Function(number), _) => Some(*number),
            _ => None,
        }));
    }
    let mut by_shape: HashMap<Shape, Vec<u32>> = HashMap::new();
    for number in taken {
        if let Some(function) = module.device_function(number) {
            by_shape.entry(shape(function)).or_default().push(number);
        }
    }
    by_shape
}

/// What a prototype stands for.
enum Reached<'m> {
    /// By number.
    Functions(&'m [u32]),
    /// The functions among what a variable begins with.
    Table(&'m [Relocation]),
}

impl<'m> Reached<'m> {
    fn of(
        module: &'m Module,
        by_shape: &'m HashMap<Shape, Vec<u32>>,
        prototype: &'m Prototype,
    ) -> Reached<'m> {
        match &prototype.of {
            PrototypeKind::Shape(function) => {
                let found = by_shape.get(&shape(function));
                Reached::Functions(found.map(Vec::as_slice).unwrap_or_default())
            }
            PrototypeKind::Targets(numbers) => Reached::Functions(numbers),
            PrototypeKind::Table(global) => {
                let global = module.globals.get(*global as usize);
                let relocations = global.map(|global| global.relocations.as_slice());
                Reached::Table(relocations.unwrap_or_default())
            }
        }
    }

    /// How many entries there are, and so at most how many functions.
    fn len(&self) -> usize {
        match self {
            Reached::Functions(numbers) => numbers.len(),
            Reached::Table(relocations) => relocations.len(),
        }
    }

    /// The functions by rising number: indices into the module's.
    fn functions(&self, module: &Module) -> Vec<u32> {
        let numbers: BTreeSet<u32> = match self {
            Reached::Functions(numbers) => numbers.iter().copied().collect(),
            Reached::Table(relocations) => {
                let targets = relocations.iter().map(|relocation| relocation.target);
                targets
                    .filter_map(|target| match target {
                        RelocationTarget::Function(number) => Some(number),
                        RelocationTarget::Variable(_) => None,
                    })
                    .collect()
            }
        };
        let functions = numbers.into_iter();
        functions
            .filter_map(|number| module.device_functions.get(number as usize).copied())
            .collect()
    }
}
