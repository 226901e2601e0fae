//! How much memory of the host a module takes, for those who count it: the tree that the parser
//! made, and what is made of it to run it.

use std::sync::atomic::Ordering;

use crate::syntax::module::{Module, Param, Variable};
use crate::syntax::tree::{CallSite, Function, Instruction, LocalVariable, Operand};

/// What an instruction becomes, in bytes, roughly: a step of the interpreter, and steps and machine
/// code of the compiler.
const RUN_BYTES_PER_INSTRUCTION: u64 = 384;

/// What everything that has a name takes besides, in bytes, roughly.
const BYTES_PER_NAME: usize = 64;

impl Module {
    /// How many bytes of the host's memory it takes, about: as it is now, and what running its kernels
    /// adds.
    #[must_use]
    pub fn host_bytes(&self) -> u64 {
        self.tree_bytes().saturating_add(self.run_bytes())
    }

    /// How many bytes the module itself takes, about.
    #[must_use]
    pub fn tree_bytes(&self) -> u64 {
        let variables = self.globals.iter().map(of_variable);
        let entries = self.entries.iter().map(|entry| {
            let params = entry.params.iter().map(of_param);
            size_of_val(entry) + entry.name.len() + BYTES_PER_NAME + params.sum::<usize>()
        });
        let bytes = size_of::<Module>()
            + variables.sum::<usize>()
            + entries.sum::<usize>()
            + self.shared.iter().map(of_local).sum::<usize>()
            + self.functions.iter().map(of_function).sum::<usize>();
        bytes as u64
    }

    /// How many bytes may be kept with it of what is made of its instructions.
    #[must_use]
    pub fn run_bytes(&self) -> u64 {
        let instructions = self
            .functions
            .iter()
            .map(|function| function.body.len() as u64);
        instructions
            .sum::<u64>()
            .saturating_mul(RUN_BYTES_PER_INSTRUCTION)
    }

    /// Whether the interpreter's program of an entry may be kept, which takes so many bytes: they
    /// are counted then.
    pub(crate) fn keeps_decoded(&self, bytes: u64) -> bool {
        let limit = self.run_bytes();
        let counted = &self.decoded_bytes;
        let update = |kept: u64| kept.checked_add(bytes).filter(|sum| *sum <= limit);
        counted
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, update)
            .is_ok()
    }
}

fn of_variable(variable: &Variable) -> usize {
    size_of_val(variable)
        + variable.name.len()
        + BYTES_PER_NAME
        + variable.initial.capacity()
        + size_of_val(&*variable.relocations)
}

fn of_param(param: &Param) -> usize {
    size_of_val(param) + param.name.len()
}

fn of_local(variable: &LocalVariable) -> usize {
    size_of_val(variable) + variable.name.len() + BYTES_PER_NAME
}

fn of_function(function: &Function) -> usize {
    let registers = function.registers.iter();
    let registers = registers.map(|it| size_of_val(it) + it.name.len() + BYTES_PER_NAME);
    let labels = function.labels.iter();
    let labels = labels.map(|it| size_of_val(it) + it.name.len() + BYTES_PER_NAME);
    let tables = function.tables.iter();
    let tables = tables.map(|it| size_of_val(it) + it.name.len() + size_of_val(&*it.labels));
    size_of_val(function)
        + function.name.len()
        + BYTES_PER_NAME
        + registers.sum::<usize>()
        + labels.sum::<usize>()
        + tables.sum::<usize>()
        + size_of_val(&*function.unrolling.is_off_at)
        + function.variables.iter().map(of_local).sum::<usize>()
        + function.body.iter().map(of_instruction).sum::<usize>()
}

fn of_instruction(instruction: &Instruction) -> usize {
    size_of_val(instruction) + of_operands(&instruction.operands)
}

fn of_operands(operands: &[Operand]) -> usize {
    operands.iter().map(of_operand).sum()
}

fn of_operand(operand: &Operand) -> usize {
    let more = match operand {
        Operand::Vector(parts) => of_operands(parts),
        Operand::Call(site) => {
            size_of::<CallSite>() + of_operands(&site.results) + of_operands(&site.arguments)
        }
        _ => 0,
    };
    size_of_val(operand) + more
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Limits;

    fn module(instructions: usize) -> Module {
        let body = "add.u32 %r0, %r0, 7;\n".repeat(instructions);
        let text = format!(
            ".version 8.0\n.target sm_80\n.address_size 64\n\
             .visible .entry k()\n{{\n.reg .b32 %r<1>;\n{body}ret;\n}}\n"
        );
        crate::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn a_module_counts_for_what_its_instructions_take() {
        let [small, large] = [10, 10_000].map(|count| module(count).tree_bytes());
        let instruction = size_of::<Instruction>() + 3 * size_of::<Operand>();
        assert!(large - small >= 9_990 * instruction as u64);
        assert!(module(10_000).host_bytes() > large + 9_990 * 300);
    }

    #[test]
    fn no_more_is_kept_than_was_counted() {
        let module = module(100);
        let half = module.run_bytes() / 2;
        assert!(module.keeps_decoded(half));
        assert!(module.keeps_decoded(half));
        assert!(!module.keeps_decoded(half));
    }
}
