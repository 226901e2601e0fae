//! Where the variables of a kernel lie, and what the operands of its accesses mean.

use crate::simt::address::AddressSpace;
use crate::syntax::layout::{Frame, SharedId, function_address};
use crate::syntax::module::Entry;
use crate::syntax::table::OperandKind;
use crate::syntax::tree::{Base, Function, Instruction, Operand, RegisterId, Symbol};
use crate::syntax::types::Space;

/// The place of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// Device memory, where the launch says: an index into the module's variables.
    Global(u32),
    /// An offset into the block's shared memory.
    Shared(u32),
    /// An offset into the frame of the function, in local memory.
    Frame(u32),
    /// An offset into the arguments of the entry.
    Argument(u32),
    /// The address of a function, which no memory has.
    Function(u64),
}

/// An offset that no memory has: an access there is refused when the kernel runs.
const NOWHERE: u32 = u32::MAX;

/// A function as part of an entry: what its names mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variables<'m> {
    pub entry: &'m Entry,
    pub function: &'m Function,
    /// The function's index in the module.
    pub index: u32,
    pub frame: &'m Frame,
}

impl Variables<'_> {
    /// The state space in which a variable of the function is declared.
    fn space(&self, variable: u32) -> Option<Space> {
        let variable = self.function.variables.get(variable as usize);
        variable.map(|variable| variable.space)
    }

    /// The variable by which calls pass arguments and results, where an operand is one: its index.
    pub(crate) fn passed(&self, operand: &Operand) -> Option<u32> {
        let Operand::AddressOf(Symbol::Variable(index), 0) = operand else {
            return None;
        };
        (self.space(*index) == Some(Space::Param)).then_some(*index)
    }

    /// The offset in the frame and the size of a variable of the function.
    pub(crate) fn in_frame(&self, variable: u32) -> (u32, u32) {
        let declared = self.function.variables.get(variable as usize);
        debug_assert!(
            declared.is_some(),
            "a variable that the function does not have"
        );
        let bytes = declared.map_or(0, |declared| declared.bytes);
        (self.frame_offset(variable), bytes)
    }

    /// Where a variable of the function's frame lies in it.
    fn frame_offset(&self, variable: u32) -> u32 {
        let offset = self.frame.offsets.get(variable as usize).copied();
        debug_assert!(offset.is_some(), "a variable without a place");
        offset.unwrap_or(NOWHERE)
    }

    fn shared_offset(&self, id: SharedId) -> u32 {
        let layout = &self.entry.layout;
        // Those without a size of their own all begin behind the others.
        let offset = layout.shared.get(&id).copied();
        offset.unwrap_or(layout.dynamic_shared)
    }

    /// Where a variable lies.
    pub(crate) fn location(&self, symbol: Symbol) -> Location {
        match symbol {
            Symbol::Global(variable) => Location::Global(variable),
            Symbol::Shared(variable) => {
                Location::Shared(self.shared_offset(SharedId::Module(variable)))
            }
            Symbol::Variable(variable) if self.space(variable) == Some(Space::Shared) => {
                let function = self.index;
                Location::Shared(self.shared_offset(SharedId::Function { function, variable }))
            }
            Symbol::Variable(variable) => Location::Frame(self.frame_offset(variable)),
            Symbol::Function(number) => Location::Function(function_address(number)),
            Symbol::Param(param) => {
                let param = self.entry.params.get(param as usize);
                debug_assert!(param.is_some(), "a parameter that the entry does not have");
                Location::Argument(param.map_or(NOWHERE, |param| param.offset))
            }
        }
    }

    /// What a memory operand of an instruction means; `None` where the operand is none.
    pub(crate) fn memory_operand(
        &self,
        instruction: &Instruction,
        operand: usize,
    ) -> Option<MemoryOperand> {
        let Operand::Memory(base, offset) = instruction.operands.get(operand)? else {
            return None;
        };
        let named = match instruction.row.operands.get(operand) {
            Some(OperandKind::AddressIn(Space::Shared)) => AddressSpace::Shared,
            Some(OperandKind::AddressIn(_)) => AddressSpace::Global,
            _ => AddressSpace::of(instruction, self.function),
        };
        let (space, base) = match *base {
            Base::Zero => (named, AddressBase::Offset(0)),
            Base::Register(register) => (named, AddressBase::Register(register)),
            Base::Symbol(symbol) => match self.location(symbol) {
                Location::Global(variable) => (AddressSpace::Global, AddressBase::Global(variable)),
                Location::Shared(offset) => (AddressSpace::Shared, AddressBase::Offset(offset)),
                Location::Frame(offset) => (AddressSpace::Local, AddressBase::Frame(offset)),
                Location::Argument(offset) => (AddressSpace::Argument, AddressBase::Offset(offset)),
                Location::Function(_) => (AddressSpace::Argument, AddressBase::Offset(NOWHERE)),
            },
        };
        Some(MemoryOperand {
            space,
            base,
            offset: *offset,
        })
    }
}

/// An address as an instruction gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemoryOperand {
    pub space: AddressSpace,
    pub base: AddressBase,
    /// What is added to the base.
    pub offset: i64,
}

/// What an address starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressBase {
    /// An address in the operand's space.
    Offset(u32),
    Register(RegisterId),
    /// The place of a variable in device memory: an index into the module's variables.
    Global(u32),
    /// An offset into the frame of the function.
    Frame(u32),
}
