//! Variables by which calls pass arguments and results, and that are registers once the calls are
//! inlined: numbers that are only read and written as a whole. So a call costs no memory, and a kernel
//! whose only local variables are such has no local memory.

use crate::compile::ir::Ty;
use crate::simt::address::AddressSpace;
use crate::syntax::module::{Entry, Module};
use crate::syntax::table::Op;
use crate::syntax::tree::{Base, Function, Instruction, LocalVariable, Operand, Symbol};
use crate::syntax::types::Space;

/// The type of the register that each variable of a function is; `None` where it stays in memory.
pub(crate) fn homes(function: &Function) -> Vec<Option<Ty>> {
    let mut homes: Vec<Option<Ty>> = function.variables.iter().map(home).collect();
    let mut keep_in_memory = |variable: u32| {
        if let Some(home) = homes.get_mut(variable as usize) {
            *home = None;
        }
    };
    for instruction in &function.body {
        for operand in &instruction.operands {
            match operand {
                Operand::Memory(Base::Symbol(Symbol::Variable(variable)), 0)
                    if is_whole(function, instruction, *variable) => {}
                Operand::Memory(Base::Symbol(Symbol::Variable(variable)), _) => {
                    keep_in_memory(*variable);
                }
                Operand::AddressOf(Symbol::Variable(variable), _) => keep_in_memory(*variable),
                Operand::Vector(elements) => {
                    for element in elements {
                        if let Operand::AddressOf(Symbol::Variable(variable), _) = element {
                            keep_in_memory(*variable);
                        }
                    }
                }
                Operand::Call(site) => {
                    for passed in site.arguments.iter().chain(&site.results) {
                        match passed {
                            Operand::AddressOf(Symbol::Variable(_), 0) => {}
                            Operand::AddressOf(Symbol::Variable(variable), _) => {
                                keep_in_memory(*variable);
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
    }
    homes
}

fn home(variable: &LocalVariable) -> Option<Ty> {
    match (variable.space, variable.bytes) {
        (Space::Param, 1 | 2 | 4) => Some(Ty::I32),
        (Space::Param, 8) => Some(Ty::I64),
        _ => None,
    }
}

/// Whether an access is a load or store of all of a variable.
fn is_whole(function: &Function, instruction: &Instruction, variable: u32) -> bool {
    let modifiers = &instruction.modifiers;
    let variable = function.variables.get(variable as usize);
    matches!(instruction.row.op, Op::Ld | Op::St)
        && modifiers.lanes() == 1
        && variable.is_some_and(|variable| variable.bytes == modifiers.ty().bytes())
}

/// Whether an entry, with all functions that it reaches, has anything in local memory: a variable that
/// is no register, or an access at an address that is no variable's.
pub(crate) fn uses_local_memory(module: &Module, entry: &Entry) -> bool {
    let functions = entry.layout.functions.iter();
    let mut functions = functions.filter_map(|index| module.functions.get(*index as usize));
    functions.any(|function| {
        let homes = homes(function);
        let mut variables = function.variables.iter().zip(&homes);
        let has_frame = variables.any(|(variable, home)| {
            matches!(variable.space, Space::Local | Space::Param) && home.is_none()
        });
        has_frame
            || function.body.iter().any(|instruction| {
                let mut operands = instruction.operands.iter();
                AddressSpace::of(instruction, function) == AddressSpace::Local
                    && operands.any(|operand| {
                        matches!(operand, Operand::Memory(Base::Zero | Base::Register(_), _))
                    })
            })
    })
}
