//! A whole grid, interpreted block after block.

use std::sync::Arc;

use crate::interpret::block::InterpretedBlock;
use crate::interpret::launch::InterpretedLaunch;
use crate::interpret::profile::Profile;
use crate::simt::{Launch, Memory, Progress, RunError};

impl InterpretedLaunch {
    /// Runs the whole grid, block after block, and counts what it does. Where it ends early, the
    /// reason stands beside what was counted until then.
    pub fn profile_grid<M: Memory + ?Sized>(
        launch: impl Into<Arc<Launch>>,
        memory: &M,
        step_limit: u64,
    ) -> (Profile, Result<(), RunError>) {
        let mut profiled = InterpretedLaunch::new(launch);
        profiled.is_profiled = true;
        let mut profile = Profile::default();
        let mut remaining = step_limit;
        for linear in 0..profiled.launch.blocks() {
            let index = profiled.launch.block_index(linear);
            let mut block = InterpretedBlock::new(&profiled, index);
            let ended = block.run(&profiled, memory, remaining);
            block.add_profile(&profiled, &mut profile);
            match ended {
                Ok(Progress::Done) => remaining = remaining.saturating_sub(block.steps()),
                Ok(Progress::Yielded) => {
                    let limit = step_limit;
                    return (profile, Err(RunError::StepLimit { limit }));
                }
                Err(fault) => return (profile, Err(fault.into())),
            }
        }
        (profile, Ok(()))
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
