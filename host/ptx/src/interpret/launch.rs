//! A launch as the interpreter runs it: the entry decoded, and its constants filled in.

use std::sync::Arc;

use crate::interpret::bytes;
use crate::interpret::checks::names::Names;
use crate::interpret::decode;
use crate::interpret::program::{Constant, Program};
use crate::simt::Launch;
use crate::simt::special_registers;

/// A launch that is ready to be interpreted. The entry is decoded once, at its first launch, and the
/// result is kept with the module, as far as the module's [budget](crate::Module::run_bytes) goes:
/// entries that call the same functions have a copy of them each.
#[derive(Clone, Debug)]
pub struct InterpretedLaunch {
    pub(crate) launch: Arc<Launch>,
    pub(crate) program: Arc<Program>,
    /// The program's table of constants, with the values that they have in this launch.
    pub(crate) constants: Vec<u64>,
    /// Slots and local memory of one thread.
    pub(crate) slots: u32,
    pub(crate) local_bytes: u32,
    pub(crate) block_bytes: u64,
    /// What the checks call the kernel's memory; absent where its blocks are not checked.
    pub(crate) names: Option<Arc<Names>>,
    /// Whether what its blocks do is counted.
    pub(crate) is_profiled: bool,
}

impl InterpretedLaunch {
    /// Decodes the entry, where that was not done before.
    #[must_use]
    pub fn new(launch: impl Into<Arc<Launch>>) -> InterpretedLaunch {
        let launch: Arc<Launch> = launch.into();
        let entry = launch.entry();
        debug_assert!(entry.is_some(), "a launch of an entry that is not there");
        let program = entry.map(|entry| {
            if let Some(kept) = entry.decoded.get::<Arc<Program>>() {
                return Arc::clone(kept);
            }
            let decoded = Arc::new(decode::program(launch.module(), entry));
            if !launch.module().keeps_decoded(decoded.bytes()) {
                return decoded;
            }
            let kept = entry.decoded.get_or_make(|| Arc::clone(&decoded)).cloned();
            debug_assert!(kept.is_some(), "something else is kept with the entry");
            kept.unwrap_or(decoded)
        });
        // Without an entry there is nothing to run but a fault.
        let program = program.unwrap_or_else(|| Arc::new(Program::trap()));
        let layout = entry.map(|entry| &entry.layout);
        let constants = program.constants.iter();
        InterpretedLaunch {
            constants: constants.map(|constant| constant.value(&launch)).collect(),
            program,
            slots: layout.map_or(0, |layout| layout.slots),
            local_bytes: layout.map_or(0, |layout| layout.local_bytes),
            block_bytes: launch.block_bytes(),
            names: None,
            is_profiled: false,
            launch,
        }
    }

    /// What is run.
    #[must_use]
    pub fn launch(&self) -> &Arc<Launch> {
        &self.launch
    }

    /// Whether its blocks are checked as they run.
    #[must_use]
    pub fn is_checked(&self) -> bool {
        self.names.is_some()
    }

    /// How many bytes the state of one running block takes, checks included.
    #[must_use]
    pub fn block_bytes(&self) -> u64 {
        self.block_bytes
    }
}

impl Constant {
    /// The value that it has in a launch.
    fn value(self, launch: &Launch) -> u64 {
        match self {
            Constant::Value(value) => value,
            Constant::Global { variable, addend } => {
                let address = launch.symbols.get(variable as usize).copied();
                debug_assert!(address.is_some(), "a variable without an address");
                // Address zero is refused when it is used.
                address.unwrap_or(0).wrapping_add_signed(addend)
            }
            Constant::Argument {
                offset,
                bytes,
                extend,
            } => {
                let value = bytes::read(&launch.arguments, u64::from(offset), bytes);
                debug_assert!(value.is_some(), "an argument outside of the arguments");
                extend.apply(value.unwrap_or(0))
            }
            Constant::Special(special) => {
                let value = special_registers::of_launch(special, launch);
                debug_assert!(value.is_some(), "{special} is no register of the launch");
                u64::from(value.unwrap_or(0))
            }
        }
    }
}
