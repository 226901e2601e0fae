//! Checks of one access to memory: bounds, alignment, whether what it reads was written, and whether
//! it races; and how provenance moves with it between registers and memory.

use crate::address::GLOBAL_BASE;
use crate::interpret::async_copies::Wait;
use crate::interpret::bytes;
use crate::interpret::checks::finding::{Access, Earlier, MemorySpace, Mistake, Named, Verb};
use crate::interpret::checks::provenance::Provenance;
use crate::interpret::checks::race::{Attempt, Conflict};
use crate::interpret::checks::{Checks, finding, line_at, thread_at};
use crate::interpret::program::{Action, AtomicOp, CheckHint, Step};
use crate::interpret::thread::{Refused, RunningThread};
use crate::simt::address::AddressSpace;
use crate::simt::memory::Memory;
use crate::simt::shadow::{Allocation, Shadow};

/// Where the access of an instruction goes.
struct Target {
    /// The memory that the address means, and the address there.
    space: AddressSpace,
    address: u64,
    provenance: Provenance,
    /// Of one value, and how many there are.
    bytes: u32,
    lanes: usize,
    verb: Verb,
    atomic: bool,
}

impl Target {
    fn access(&self) -> Access {
        Access {
            verb: self.verb,
            space: match self.space {
                AddressSpace::Shared => MemorySpace::Shared,
                AddressSpace::Local => MemorySpace::Local,
                AddressSpace::Argument => MemorySpace::Parameter,
                AddressSpace::Global | AddressSpace::Generic => MemorySpace::Device,
            },
            address: self.address,
            bytes: u64::from(self.bytes) * self.lanes as u64,
        }
    }

    fn reads(&self) -> bool {
        self.verb != Verb::Writes
    }

    fn writes(&self) -> bool {
        self.verb != Verb::Reads
    }

    /// The address of one of its values.
    fn lane(&self, lane: usize) -> u64 {
        let offset = lane as u64 * u64::from(self.bytes);
        self.address.wrapping_add(offset)
    }
}

/// What an address points into, where only its value tells.
pub(crate) fn provenance_of(address: u64, shadow: Option<&dyn Shadow>) -> Provenance {
    let Some(shadow) = shadow.filter(|_| Provenance::is_address(address)) else {
        return Provenance::NONE;
    };
    match shadow.allocation(address) {
        Some(allocation) if allocation.is_pointed_to_by(address) => Provenance::at(allocation.base),
        _ => Provenance::MIXED,
    }
}

impl Checks {
    /// Checks an access before it is made, and follows what it moves.
    pub(crate) fn access<M: Memory + ?Sized>(
        &mut self,
        thread: &RunningThread<'_, M>,
        step: &Step,
    ) -> Result<(), Refused> {
        let Some(target) = self.target(thread, step) else {
            return Ok(());
        };
        if !target.address.is_multiple_of(target.access().bytes.max(1)) {
            let origin = self.named_provenance(thread, target.provenance);
            let access = target.access();
            return Err(self.found(thread, Mistake::Misaligned { access, origin }));
        }
        match target.space {
            AddressSpace::Global | AddressSpace::Generic => {
                if let Some(shadow) = thread.memory.shadow() {
                    self.device_access(thread, &target, shadow)?;
                }
            }
            AddressSpace::Shared => self.shared_access(thread, step, &target)?,
            AddressSpace::Local | AddressSpace::Argument => {}
        }
        self.move_provenance(thread, step, &target);
        Ok(())
    }

    fn target<M: Memory + ?Sized>(
        &mut self,
        thread: &RunningThread<'_, M>,
        step: &Step,
    ) -> Option<Target> {
        let (address, bytes, lanes, verb, mut atomic) = match &step.action {
            Action::Load { address, bytes, .. } => (address, *bytes, 1, Verb::Reads, false),
            Action::LoadMany {
                address,
                bytes,
                targets,
                ..
            } => (address, *bytes, targets.len(), Verb::Reads, false),
            Action::Store { address, bytes, .. } => (address, *bytes, 1, Verb::Writes, false),
            Action::StoreMany {
                address,
                bytes,
                values,
            } => (address, *bytes, values.len(), Verb::Writes, false),
            Action::Atomic(atomic) => (&atomic.address, atomic.bytes, 1, Verb::Updates, true),
            _ => return None,
        };
        atomic |= step.hint == CheckHint::Synchronizing;
        let provenance = self.provenance(thread)?.of(address.base);
        let (space, address) = thread.resolve(address.space, thread.address(address));
        Some(Target {
            space,
            address,
            provenance,
            bytes,
            lanes,
            verb,
            atomic,
        })
    }

    fn device_access<M: Memory + ?Sized>(
        &mut self,
        thread: &RunningThread<'_, M>,
        target: &Target,
        shadow: &dyn Shadow,
    ) -> Result<(), Refused> {
        let access = target.access();
        // Below all memory the access itself says best what is wrong.
        if access.address < GLOBAL_BASE {
            return Ok(());
        }
        let inside = |allocation: &Allocation| allocation.contains(access.address, access.bytes);
        let there = match self.recent.filter(inside) {
            Some(recent) => Some(recent),
            None => shadow.allocation(access.address),
        };
        let within = there.filter(inside);
        let strays = match target.provenance.base() {
            Some(base) => within.is_none_or(|there| there.base != base),
            None => within.is_none(),
        };
        if strays {
            let origin = self.named_provenance(thread, target.provenance);
            let there = there.map(|there| named(thread, there));
            let mistake = Mistake::Outside {
                access,
                origin,
                there,
            };
            return Err(self.found(thread, mistake));
        }
        self.recent = within;
        if target.reads()
            && let Some(first) = shadow.unwritten(access.address, access.bytes)
        {
            let buffer = within.map(|buffer| named(thread, buffer));
            let mistake = Mistake::Uninitialised {
                access,
                first,
                buffer,
            };
            return Err(self.found(thread, mistake));
        }
        if target.writes() {
            shadow.write(access.address, access.bytes);
        }
        Ok(())
    }

    fn shared_access<M: Memory + ?Sized>(
        &mut self,
        thread: &RunningThread<'_, M>,
        step: &Step,
        target: &Target,
    ) -> Result<(), Refused> {
        let access = target.access();
        let copies = step.hint == CheckHint::AsyncCopy;
        let pc = thread.thread.pc.saturating_sub(1);
        if let Some(copy) = self.copies.touched(access.address, access.bytes) {
            // A copy of fewer bytes than it has room for is several stores.
            let line = line_at(thread.launch, copy.step);
            let goes_on = copies && copy.thread == thread.number && line == step.line;
            if !goes_on {
                let copy = Earlier {
                    thread: thread_at(thread.launch, copy.thread),
                    line,
                    verb: Verb::Writes,
                };
                return Err(self.found(thread, Mistake::UnfinishedCopy { access, copy }));
            }
        }
        if copies {
            self.copies
                .begin(thread.number, pc, access.address, access.bytes);
        }
        let range = usize::try_from(access.address).ok().and_then(|begin| {
            let end = begin.checked_add(usize::try_from(access.bytes).ok()?)?;
            Some(begin..end)
        });
        let Some(written) = range.and_then(|range| self.written.get_mut(range)) else {
            // Outside of shared memory: the access itself says so.
            return Ok(());
        };
        let unwritten = written.iter().position(|written| !written);
        if target.writes() {
            written.fill(true);
        }
        if let Some(index) = unwritten.filter(|_| target.reads()) {
            let mistake = Mistake::Uninitialised {
                access,
                first: access.address + index as u64,
                buffer: None,
            };
            self.early.get_or_insert_with(|| finding(thread, mistake));
        }
        let number = thread.number;
        if target.atomic {
            let (reads, writes) = (target.reads(), target.writes());
            self.clocks.atomic(number, target.address, reads, writes);
        }
        for lane in 0..target.lanes {
            let attempt = Attempt {
                thread: number,
                step: pc,
                address: target.lane(lane),
                bytes: u64::from(target.bytes),
                reads: target.reads(),
                writes: target.writes(),
                atomic: target.atomic,
                same: unwritten.is_none() && is_same(thread, step, target, lane),
            };
            if let Some(conflict) = self.history.access(&attempt, &self.clocks) {
                return Err(self.race(thread, access, conflict));
            }
        }
        Ok(())
    }

    /// A thread has waited for its copies: what they wrote is as if written now.
    pub(crate) fn wait_for_copies(&mut self, thread: u32, wait: Wait) {
        for copy in self.copies.wait(thread, wait) {
            let attempt = Attempt {
                thread,
                step: copy.step,
                address: copy.address,
                bytes: copy.bytes,
                reads: false,
                writes: true,
                atomic: false,
                same: false,
            };
            // Whoever touched the bytes since the copy began was refused.
            let _ = self.history.access(&attempt, &self.clocks);
        }
    }

    fn race<M: Memory + ?Sized>(
        &mut self,
        thread: &RunningThread<'_, M>,
        access: Access,
        conflict: Conflict,
    ) -> Refused {
        let verb = match (conflict.writes, conflict.atomic) {
            (true, true) => Verb::Updates,
            (true, false) => Verb::Writes,
            (false, _) => Verb::Reads,
        };
        let other = Earlier {
            thread: thread_at(thread.launch, conflict.thread),
            line: line_at(thread.launch, conflict.step),
            verb,
        };
        self.found(thread, Mistake::Race { access, other })
    }

    /// What registers and memory point to, once the access is made.
    fn move_provenance<M: Memory + ?Sized>(
        &mut self,
        thread: &RunningThread<'_, M>,
        step: &Step,
        target: &Target,
    ) {
        match &step.action {
            Action::Load { target: slot, .. } => {
                let loaded = self.loaded(thread, target, 0);
                if let Some(mut provenance) = self.provenance(thread) {
                    provenance.set(*slot, loaded);
                }
            }
            Action::LoadMany { targets, .. } => {
                for (lane, slot) in targets.iter().enumerate() {
                    let loaded = self.loaded(thread, target, lane);
                    if let Some(mut provenance) = self.provenance(thread) {
                        provenance.set(*slot, loaded);
                    }
                }
            }
            Action::Store { value, .. } => {
                let value = self.provenance(thread).map(|all| all.of(*value));
                self.stored(thread, target, 0, value.unwrap_or_default());
            }
            Action::StoreMany { values, .. } => {
                for (lane, value) in values.iter().enumerate() {
                    let value = self.provenance(thread).map(|all| all.of(*value));
                    self.stored(thread, target, lane, value.unwrap_or_default());
                }
            }
            Action::Atomic(atomic) => {
                let loaded = self.loaded(thread, target, 0);
                let Some(mut provenance) = self.provenance(thread) else {
                    return;
                };
                let swap = matches!(atomic.operation, AtomicOp::CompareExchange);
                let value = provenance.of(if swap { atomic.c } else { atomic.b });
                provenance.set(atomic.target, loaded);
                if value != Provenance::NONE {
                    self.stored(thread, target, 0, Provenance::MIXED);
                }
            }
            _ => {}
        }
    }

    /// What a loaded value points into. What lies in device memory tells by its value alone.
    fn loaded<M: Memory + ?Sized>(
        &mut self,
        thread: &RunningThread<'_, M>,
        target: &Target,
        lane: usize,
    ) -> Provenance {
        if target.bytes != 8 {
            return Provenance::NONE;
        }
        let address = target.lane(lane);
        let value = match target.space {
            AddressSpace::Shared | AddressSpace::Local => {
                return self
                    .word(thread, target.space, address)
                    .map_or(Provenance::NONE, |word| *word);
            }
            AddressSpace::Argument => bytes::read(&thread.launch.launch.arguments, address, 8),
            AddressSpace::Global | AddressSpace::Generic => thread.memory.load(address, 8).ok(),
        };
        provenance_of(value.unwrap_or(0), thread.memory.shadow())
    }

    fn stored<M: Memory + ?Sized>(
        &mut self,
        thread: &RunningThread<'_, M>,
        target: &Target,
        lane: usize,
        provenance: Provenance,
    ) {
        let whole = target.bytes == 8;
        let address = target.lane(lane);
        if let Some(word) = self.word(thread, target.space, address) {
            *word = if whole { provenance } else { Provenance::NONE };
        }
    }

    /// Where the provenance of a word of shared or local memory is kept.
    fn word<M: Memory + ?Sized>(
        &mut self,
        thread: &RunningThread<'_, M>,
        space: AddressSpace,
        address: u64,
    ) -> Option<&mut Provenance> {
        let index = usize::try_from(address / 8).ok()?;
        match space {
            AddressSpace::Shared => self.shared.get_mut(index),
            AddressSpace::Local => {
                let words = (thread.launch.local_bytes as usize).div_ceil(8);
                let first = thread.number as usize * words;
                self.local.get_mut(first..first + words)?.get_mut(index)
            }
            _ => None,
        }
    }

    fn named_provenance<M: Memory + ?Sized>(
        &self,
        thread: &RunningThread<'_, M>,
        provenance: Provenance,
    ) -> Option<Named> {
        let base = provenance.base()?;
        let shadow = thread.memory.shadow()?;
        let allocation = shadow.allocation(base).filter(|found| found.base == base)?;
        Some(named(thread, allocation))
    }
}

/// Whether a store to shared memory writes what is there.
fn is_same<M: Memory + ?Sized>(
    thread: &RunningThread<'_, M>,
    step: &Step,
    target: &Target,
    lane: usize,
) -> bool {
    let source = match &step.action {
        Action::Store { value, .. } => *value,
        Action::StoreMany { values, .. } => match values.get(lane) {
            Some(value) => *value,
            None => return false,
        },
        _ => return false,
    };
    let keep = crate::numeric::integer::mask(target.bytes * 8);
    bytes::read(thread.shared, target.lane(lane), target.bytes) == Some(thread.get(source) & keep)
}

/// An allocation with what the kernel of a thread calls it.
pub(crate) fn named<M: Memory + ?Sized>(
    thread: &RunningThread<'_, M>,
    allocation: Allocation,
) -> Named {
    let names = thread.launch.names.as_deref();
    let arguments = &thread.launch.launch.arguments;
    Named {
        allocation,
        name: names.and_then(|names| names.of_allocation(allocation, arguments)),
    }
}
