//! A launch as the interpreter runs it: the entry decoded, and its constants filled in.

use std::sync::Arc;

use crate::interpret::bytes;
use crate::interpret::checks::{self, Names};
use crate::interpret::decode;
use crate::interpret::program::{Constant, Program};
use crate::simt::special_registers;
use crate::simt::{Launch, Memory, Progress, RunError};

use super::InterpretedBlock;

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
    block_bytes: u64,
    /// What the checks call the kernel's memory; absent where its blocks are not checked.
    pub(crate) names: Option<Arc<Names>>,
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
            launch,
        }
    }

    /// The same, with blocks that are [checked](crate::interpret::checks) as they run.
    #[must_use]
    pub fn checked(launch: impl Into<Arc<Launch>>) -> InterpretedLaunch {
        let mut made = InterpretedLaunch::new(launch);
        let launch = &made.launch;
        made.block_bytes = InterpretedLaunch::checked_block_bytes(launch);
        made.names = Some(Arc::new(Names::of(launch)));
        made
    }

    /// How many bytes the state of one running block takes where its blocks are checked.
    #[must_use]
    pub fn checked_block_bytes(launch: &Launch) -> u64 {
        let shared = u64::from(launch.shared_bytes);
        let own = launch.block_bytes().saturating_sub(shared);
        let more = checks::bytes(own, shared, u64::from(launch.geometry.threads));
        launch.block_bytes().saturating_add(more)
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

    /// How many bytes the state of one running [`InterpretedBlock`] takes, checks included.
    #[must_use]
    pub fn block_bytes(&self) -> u64 {
        self.block_bytes
    }

    /// Runs the whole grid, block after block, and returns how many steps it took.
    ///
    /// # Errors
    /// Where the kernel does something wrong, or takes more than `step_limit` steps.
    pub fn run_grid<M: Memory + ?Sized>(
        &self,
        memory: &M,
        step_limit: u64,
    ) -> Result<u64, RunError> {
        let mut taken = 0;
        let mut block = InterpretedBlock::new(self, self.launch.block_index(0));
        for linear in 0..self.launch.blocks() {
            if linear > 0 {
                block.restart(self, self.launch.block_index(linear));
            }
            if block.run(self, memory, step_limit.saturating_sub(taken))? == Progress::Yielded {
                return Err(RunError::StepLimit { limit: step_limit });
            }
            taken += block.steps();
        }
        Ok(taken)
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

/// Interprets a whole grid, block after block, and returns how many steps it took.
///
/// # Errors
/// Where the kernel does something wrong, or takes more than `step_limit` steps.
pub fn run_grid<M: Memory + ?Sized>(
    launch: &Launch,
    memory: &M,
    step_limit: u64,
) -> Result<u64, RunError> {
    InterpretedLaunch::new(launch.clone()).run_grid(memory, step_limit)
}
