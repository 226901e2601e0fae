//! Checks of a kernel as it runs: mistakes that go unnoticed on most runs.
//!
//! A checked block ([`Launch::checked`](crate::interpret::Launch::checked)) watches its threads step by step. It
//! follows which allocation each address came from, which memory was written, who used a byte of
//! shared memory since threads last came together, and who comes to a barrier with whom. The first
//! mistake ends the block with a fault, and is there to be looked at as a [`Finding`]
//! ([`Block::finding`](crate::interpret::Block::finding)). What of it concerns device memory, the embedder's
//! [`Memory`](crate::simt::Memory::shadow) tells.
//!
//! Blocks that are not checked pay nothing for it.

mod access;
mod barrier;
mod finding;
mod names;
mod order;
mod origin;
mod race;

pub use finding::{
    Access, Earlier, Finding, MemorySpace, Mistake, Name, Named, Straggler, Verb, Waiting,
};
pub(crate) use names::Names;

use crate::Extent;
use crate::interpret::launch::Launch;
use crate::interpret::program::{Action, Constant, Step};
use crate::interpret::thread::{Machine, Refused};
use crate::simt::Allocation;
use crate::simt::fault::Fault;
use crate::simt::memory::Memory;
use order::Order;
use origin::{Bases, Origin, Origins};
use race::History;

/// What looks at each step of a thread before it is taken.
pub(crate) trait Watch {
    /// # Errors
    /// A mistake, which ends the launch.
    fn before<M: Memory + ?Sized>(
        &mut self,
        machine: &Machine<'_, M>,
        step: &Step,
    ) -> Result<(), Refused>;
}

/// Nothing looks.
pub(crate) struct Unwatched;

impl Watch for Unwatched {
    #[inline(always)]
    fn before<M: Memory + ?Sized>(&mut self, _: &Machine<'_, M>, _: &Step) -> Result<(), Refused> {
        Ok(())
    }
}

/// What the checks know of one block.
#[derive(Debug)]
pub(crate) struct Checks {
    /// The origins of all threads' registers, thread after thread.
    registers: Vec<Origin>,
    /// Of the words of their local memories.
    local: Vec<Origin>,
    /// Of the words of the block's shared memory.
    shared: Vec<Origin>,
    /// Of the launch's constants; empty before the first step.
    constants: Vec<Origin>,
    /// Which bytes of shared memory were written.
    written: Vec<bool>,
    history: History,
    order: Order,
    /// Where the last access to device memory was.
    recent: Option<Allocation>,
    /// A read of shared memory that nothing has written so far. Another thread may write it before
    /// the block comes together: then the mistake is that the two race.
    early: Option<Finding>,
    finding: Option<Finding>,
}

/// How many bytes the checks of one block take, with so many of registers, local and shared memory,
/// and so many threads.
pub(crate) fn bytes(own: u64, shared: u64, threads: u64) -> u64 {
    let words = own.saturating_add(shared);
    let order = threads.saturating_mul(threads.saturating_add(256) * 4);
    let history = shared.saturating_mul(race::CELL_BYTES + 1);
    words.saturating_add(order).saturating_add(history)
}

impl Checks {
    pub(crate) fn new(launch: &Launch) -> Checks {
        let threads = launch.threads as usize;
        let shared = launch.shared_bytes as usize;
        let local = (launch.local_bytes as usize).div_ceil(8);
        Checks {
            registers: vec![Origin::NONE; threads * launch.slots as usize],
            local: vec![Origin::NONE; threads * local],
            shared: vec![Origin::NONE; shared.div_ceil(8)],
            constants: Vec::new(),
            written: vec![false; shared],
            history: History::new(shared),
            order: Order::new(threads),
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
    pub(crate) fn begin<M: Memory + ?Sized>(&mut self, launch: &Launch, memory: &M) {
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
                _ => return Origin::NONE,
            };
            access::origin_of(address, shadow)
        });
        self.constants = constants.collect();
    }

    /// The origins of one thread.
    fn origins<'c, M: Memory + ?Sized>(
        &'c mut self,
        machine: &Machine<'_, M>,
    ) -> Option<Origins<'c>> {
        let number = machine.number as usize;
        let slots = machine.launch.slots as usize;
        let words = (machine.launch.local_bytes as usize).div_ceil(8);
        Some(Origins {
            registers: self
                .registers
                .get_mut(number * slots..(number + 1) * slots)?,
            local: self.local.get_mut(number * words..(number + 1) * words)?,
            constants: &self.constants,
            bases: Bases {
                slots: machine.thread.slot_base,
                frame: machine.thread.frame_base,
            },
        })
    }

    /// Keeps what was found, and gives its message for the fault.
    fn found<M: Memory + ?Sized>(&mut self, machine: &Machine<'_, M>, mistake: Mistake) -> Refused {
        let message = mistake.to_string();
        self.finding = Some(finding(machine, mistake));
        Box::new(message)
    }
}

impl Watch for Checks {
    fn before<M: Memory + ?Sized>(
        &mut self,
        machine: &Machine<'_, M>,
        step: &Step,
    ) -> Result<(), Refused> {
        match &step.action {
            Action::Load { .. }
            | Action::LoadMany { .. }
            | Action::Store { .. }
            | Action::StoreMany { .. }
            | Action::Atomic(_) => return self.access(machine, step),
            Action::Return => {
                let thread = &machine.thread;
                let Some(back) = thread.calls.last() else {
                    return Ok(());
                };
                let outer = Bases {
                    slots: back.slot_base,
                    frame: back.frame_base,
                };
                let code = &machine.launch.program.code;
                let call = code.get(back.place as usize).map(|step| &step.action);
                if let (Some(Action::Call(call)), Some(mut origins)) = (call, self.origins(machine))
                {
                    origins.leave(call, outer);
                }
            }
            action => {
                if let Some(mut origins) = self.origins(machine) {
                    origins.follow(action, step.flow, &|source| machine.get(source));
                }
            }
        }
        Ok(())
    }
}

/// What a thread does in its last step.
fn finding<M: Memory + ?Sized>(machine: &Machine<'_, M>, mistake: Mistake) -> Finding {
    Finding {
        kernel: machine.launch.kernel.clone(),
        block: machine.block,
        thread: thread_at(machine.launch, machine.number as usize),
        line: line_at(machine.launch, machine.thread.place.saturating_sub(1)),
        mistake,
    }
}

fn thread_at(launch: &Launch, number: usize) -> Extent {
    let nowhere = Extent { x: 0, y: 0, z: 0 };
    launch.block.place(number as u64).unwrap_or(nowhere)
}

/// The line of a step of the program.
fn line_at(launch: &Launch, place: u32) -> u32 {
    let step = launch.program.code.get(place as usize);
    step.map_or(0, |step| step.line)
}
