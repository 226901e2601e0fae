//! What a kernel calls the memory that it uses.

use crate::interpret::bytes;
use crate::interpret::checks::finding::Name;
use crate::simt::Launch;
use crate::simt::shadow::Allocation;

/// The names in a kernel that messages use. That a launch has them means that it is checked.
#[derive(Debug)]
pub(crate) struct Names {
    /// Pointers among the parameters: the name and the offset.
    parameters: Vec<(String, u32)>,
    /// The module's variables and where they lie.
    variables: Vec<(String, u64)>,
}

impl Names {
    pub(crate) fn of(launch: &Launch) -> Names {
        let params = launch
            .entry()
            .map(|entry| entry.params())
            .unwrap_or_default();
        let pointers = params.iter().filter(|param| param.bytes == 8);
        let variables = launch.module().globals().iter().zip(launch.symbols.iter());
        Names {
            parameters: pointers
                .map(|param| (param.name.clone(), param.offset))
                .collect(),
            variables: variables
                .map(|(variable, base)| (variable.name().to_owned(), *base))
                .collect(),
        }
    }

    pub(crate) fn of_allocation(&self, allocation: Allocation, arguments: &[u8]) -> Option<Name> {
        let variable = self
            .variables
            .iter()
            .find(|(_, base)| *base == allocation.base);
        if let Some((name, _)) = variable {
            return Some(Name::Variable(name.clone()));
        }
        let parameter = self.parameters.iter().find(|(_, offset)| {
            let value = bytes::read(arguments, u64::from(*offset), 8);
            value.is_some_and(|value| allocation.is_pointed_to_by(value))
        });
        parameter.map(|(name, _)| Name::Parameter(name.clone()))
    }
}
