//! Checks of a kernel as it runs: mistakes that go unnoticed on most runs. What the four tools of
//! NVIDIA's Compute Sanitizer look for (memcheck, initcheck, racecheck, synccheck).
//!
//! A checked launch ([`InterpretedLaunch::checked`](crate::interpret::InterpretedLaunch::checked))
//! has its threads observed step by step. The checks follow which allocation each address came from
//! (`provenance`), which memory was written, which accesses to shared memory are ordered
//! (`happens_before`) and which race (`race`), which asynchronous copies are under way
//! (`interpret/async_copies.rs`), and who comes to a barrier with whom (`barrier`).
//! The first mistake ends the block with a fault, and is there to be looked at as a [`Finding`]
//! ([`InterpretedBlock::finding`](crate::interpret::InterpretedBlock::finding)). What of it concerns
//! device memory, the embedder's [`Memory`](crate::simt::Memory::shadow) tells.
//!
//! Blocks that are not checked pay nothing for it.

mod access;
mod barrier;
mod finding;
mod happens_before;
mod launch;
pub(crate) mod names;
mod provenance;
mod race;

pub use finding::{
    Access, Earlier, Finding, MemorySpace, Mistake, Name, Named, Straggler, Verb, Waiting,
};

use crate::Extent;
use crate::interpret::async_copies::AsyncCopies;
use crate::interpret::launch::InterpretedLaunch;
use crate::interpret::program::{Action, CheckHint, Constant, Step};
use crate::interpret::thread::observer::StepObserver;
use crate::interpret::thread::{Refused, RunningThread};
use crate::simt::Allocation;
use crate::simt::fault::Fault;
use crate::simt::memory::Memory;
use happens_before::VectorClocks;
use provenance::{Bases, Provenance, ThreadProvenance};
use race::History;

/// What the checks know of one block.
#[derive(Debug)]
pub(crate) struct Checks {
    /// The provenance of all threads' registers, thread after thread.
    registers: Vec<Provenance>,
    /// Of the words of their local memories.
    local: Vec<Provenance>,
    /// Of the words of the block's shared memory.
    shared: Vec<Provenance>,
    /// Of the launch's constants; empty before the first step.
    constants: Vec<Provenance>,
    /// Which bytes of shared memory were written.
    written: Vec<bool>,
    history: History,
    clocks: VectorClocks,
    copies: AsyncCopies,
    /// Where the last access to device memory was.
    recent: Option<Allocation>,
    /// A read of shared memory that nothing has written so far. Another thread may write it before
    /// the block comes together: then the mistake is that the two race.
    early: Option<Finding>,
    finding: Option<Finding>,
}

impl Checks {
    pub(crate) fn new(launch: &InterpretedLaunch) -> Checks {
        let threads = launch.launch.geometry.threads as usize;
        let shared = launch.launch.shared_bytes as usize;
        let local = (launch.local_bytes as usize).div_ceil(8);
        Checks {
            registers: vec![Provenance::NONE; threads * launch.slots as usize],
            local: vec![Provenance::NONE; threads * local],
            shared: vec![Provenance::NONE; shared.div_ceil(8)],
            constants: Vec::new(),
            written: vec![false; shared],
            history: History::new(shared),
            clocks: VectorClocks::new(threads),
            copies: AsyncCopies::new(threads, shared),
            recent: None,
            early: None,
            finding: None,
        }
    }

    /// The block comes together, or ends: nobody has written what was read before.
    pub(crate) fn settle(&mut self) -> Option<Fault> {
        let finding = self.early.take()?;
        let fault = finding.fault();
        self.finding = Some(finding);
        Some(fault)
    }

    /// What was found, once the block has ended with a fault.
    pub(crate) fn finding(&self) -> Option<&Finding> {
        self.finding.as_ref()
    }

    /// Called before threads run: memory may have changed since.
    pub(crate) fn begin<M: Memory + ?Sized>(&mut self, launch: &InterpretedLaunch, memory: &M) {
        self.recent = None;
        if self.constants.len() == launch.constants.len() {
            return;
        }
        let shadow = memory.shadow();
        let program = launch.program.constants.iter();
        let constants = program.zip(&launch.constants).map(|(constant, value)| {
            let address = match constant {
                // The variable's own, also where the kernel names a place in it or beyond.
                Constant::Global { addend, .. } => value.wrapping_sub(addend.cast_unsigned()),
                Constant::Argument { bytes: 8, .. } => *value,
                _ => return Provenance::NONE,
            };
            access::provenance_of(address, shadow)
        });
        self.constants = constants.collect();
    }

    /// The provenance of one thread.
    fn provenance<'c, M: Memory + ?Sized>(
        &'c mut self,
        thread: &RunningThread<'_, M>,
    ) -> Option<ThreadProvenance<'c>> {
        let number = thread.number as usize;
        let slots = thread.launch.slots as usize;
        let words = (thread.launch.local_bytes as usize).div_ceil(8);
        Some(ThreadProvenance {
            registers: self
                .registers
                .get_mut(number * slots..(number + 1) * slots)?,
            local: self.local.get_mut(number * words..(number + 1) * words)?,
            constants: &self.constants,
            bases: Bases {
                slots: thread.thread.slot_base,
                frame: thread.thread.frame_base,
            },
        })
    }

    /// Keeps what was found, and gives its message for the fault.
    fn found<M: Memory + ?Sized>(
        &mut self,
        thread: &RunningThread<'_, M>,
        mistake: Mistake,
    ) -> Refused {
        let message = mistake.to_string();
        self.finding = Some(finding(thread, mistake));
        Box::new(message)
    }
}

impl StepObserver for Checks {
    fn before<M: Memory + ?Sized>(
        &mut self,
        thread: &RunningThread<'_, M>,
        step: &Step,
    ) -> Result<(), Refused> {
        match step.hint {
            CheckHint::CommitCopies => self.copies.commit(thread.number),
            CheckHint::WaitForCopies(wait) => self.wait_for_copies(thread.number, wait),
            _ => {}
        }
        match &step.action {
            Action::Load { .. }
            | Action::LoadMany { .. }
            | Action::Store { .. }
            | Action::StoreMany { .. }
            | Action::Atomic(_) => return self.access(thread, step),
            Action::Return => {
                let Some(back) = thread.thread.calls.last() else {
                    return Ok(());
                };
                let outer = Bases {
                    slots: back.slot_base,
                    frame: back.frame_base,
                };
                let code = &thread.launch.program.code;
                let call = code.get(back.call as usize).map(|step| &step.action);
                if let (Some(Action::Call(call)), Some(mut provenance)) =
                    (call, self.provenance(thread))
                {
                    provenance.leave(call, outer);
                }
            }
            action => {
                if let Some(mut provenance) = self.provenance(thread) {
                    provenance.follow(action, step.hint, &|source| thread.get(source));
                }
            }
        }
        Ok(())
    }
}

/// What a thread does in its last step.
fn finding<M: Memory + ?Sized>(thread: &RunningThread<'_, M>, mistake: Mistake) -> Finding {
    Finding {
        kernel: thread.launch.launch.kernel.clone(),
        block: thread.block,
        thread: thread_at(thread.launch, thread.number),
        line: line_at(thread.launch, thread.thread.pc.saturating_sub(1)),
        mistake,
    }
}

/// The place of a thread in its block.
fn thread_at(launch: &InterpretedLaunch, number: u32) -> Extent {
    let place = launch.launch.geometry.thread_index(number);
    debug_assert!(place.is_some(), "the block has no thread {number}");
    place.unwrap_or(Extent::ORIGIN)
}

/// The line of a step of the program.
fn line_at(launch: &InterpretedLaunch, pc: u32) -> u32 {
    let step = launch.program.code.get(pc as usize);
    step.map_or(0, |step| step.line)
}
