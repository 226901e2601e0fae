//! Which functions a call through a register may reach: those that it names, or those of its shape
//! whose address is taken anywhere in the module (PTX ISA, "call").

use std::collections::{BTreeSet, HashMap};

use crate::syntax::module::{Module, RelocationTarget};
use crate::syntax::tree::{Callee, Formal, Function, Operand, Prototype, PrototypeKind, Symbol};

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

/// Fills in what each call through a register may reach.
pub(crate) fn resolve(module: &mut Module) {
    let has_prototypes = |function: &Function| !function.prototypes.is_empty();
    if !module.functions.iter().any(has_prototypes) {
        return;
    }
    let by_shape = address_taken_by_shape(module);
    // The lists of one function's prototypes, made once for all of its calls.
    let lists: Vec<Vec<Vec<u32>>> = module
        .functions
        .iter()
        .map(|function| {
            let prototypes = function.prototypes.iter();
            prototypes
                .map(|prototype| reached(module, &by_shape, prototype))
                .collect()
        })
        .collect();
    for (function, lists) in module.functions.iter_mut().zip(lists) {
        let instructions = function.body.iter_mut();
        for operand in instructions.flat_map(|instruction| &mut instruction.operands) {
            if let Operand::Call(site) = operand
                && let Callee::Pointer(call) = &mut site.callee
                && let Some(list) = lists.get(call.prototype as usize)
            {
                call.functions.clone_from(list);
            }
        }
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

/// The functions that a prototype stands for, by rising number: indices into the module's.
fn reached(
    module: &Module,
    by_shape: &HashMap<Shape, Vec<u32>>,
    prototype: &Prototype,
) -> Vec<u32> {
    let numbers: BTreeSet<u32> = match &prototype.of {
        PrototypeKind::Shape(function) => {
            let found = by_shape.get(&shape(function));
            found.into_iter().flatten().copied().collect()
        }
        PrototypeKind::Targets(numbers) => numbers.iter().copied().collect(),
        PrototypeKind::Table(global) => {
            let global = module.globals.get(*global as usize);
            let relocations = global.into_iter().flat_map(|global| &global.relocations);
            relocations
                .filter_map(|relocation| match relocation.target {
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
