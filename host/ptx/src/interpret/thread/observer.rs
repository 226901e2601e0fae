//! What may look at each step of a thread before it is taken: the checks, or nothing.

use crate::interpret::program::Step;
use crate::interpret::thread::{Refused, RunningThread};
use crate::simt::memory::Memory;

/// What looks at each step of a thread before it is taken.
pub(crate) trait StepObserver {
    /// # Errors
    /// A mistake, which ends the launch.
    fn before<M: Memory + ?Sized>(
        &mut self,
        thread: &RunningThread<'_, M>,
        step: &Step,
    ) -> Result<(), Refused>;

    /// A thread passes over a step whose guard is false.
    #[inline(always)]
    fn passed_over<M: Memory + ?Sized>(&mut self, thread: &RunningThread<'_, M>, step: &Step) {
        let _ = (thread, step);
    }
}

/// Nothing looks.
pub(crate) struct NoChecks;

impl StepObserver for NoChecks {
    #[inline(always)]
    fn before<M: Memory + ?Sized>(
        &mut self,
        _: &RunningThread<'_, M>,
        _: &Step,
    ) -> Result<(), Refused> {
        Ok(())
    }
}
