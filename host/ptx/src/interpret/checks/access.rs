//! Accesses to memory: their place, their alignment, whether what they read was written, and whether
//! they race.

use crate::address::GLOBAL_BASE;
use crate::interpret::checks::finding::{Access, Earlier, MemorySpace, Mistake, Named, Verb};
use crate::interpret::checks::names::named;
use crate::interpret::checks::origin::Origin;
use crate::interpret::checks::race::{Attempt, Conflict};
use crate::interpret::checks::{Checks, finding, line_at, thread_at};
use crate::interpret::launch;
use crate::interpret::program::{Action, Change, Flow, Step, Window};
use crate::interpret::thread::{Machine, Refused};
use crate::simt::memory::Memory;
use crate::simt::shadow::{Allocation, Shadow};

/// Where the access of an instruction goes.
struct Target {
    /// The window that the address lies in, and the address there.
    window: Window,
    address: u64,
    origin: Origin,
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
            space: match self.window {
                Window::Shared => MemorySpace::Shared,
                Window::Local => MemorySpace::Local,
                Window::Argument => MemorySpace::Parameter,
                Window::Global | Window::Generic => MemorySpace::Device,
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
pub(crate) fn origin_of(address: u64, shadow: Option<&dyn Shadow>) -> Origin {
    let Some(shadow) = shadow.filter(|_| Origin::is_address(address)) else {
        return Origin::NONE;
    };
    match shadow.allocation(address) {
        Some(allocation) if allocation.is_pointed_to_by(address) => Origin::at(allocation.base),
        _ => Origin::MIXED,
    }
}

impl Checks {
    /// Checks an access before it is made, and follows what it moves.
    pub(crate) fn access<M: Memory + ?Sized>(
        &mut self,
        machine: &Machine<'_, M>,
        step: &Step,
    ) -> Result<(), Refused> {
        let Some(target) = self.target(machine, step) else {
            return Ok(());
        };
        if !target.address.is_multiple_of(target.access().bytes.max(1)) {
            let origin = self.named_origin(machine, target.origin);
            let access = target.access();
            return Err(self.found(machine, Mistake::Misaligned { access, origin }));
        }
        match target.window {
            Window::Global | Window::Generic => {
                if let Some(shadow) = machine.memory.shadow() {
                    self.device_access(machine, &target, shadow)?;
                }
            }
            Window::Shared => self.shared_access(machine, step, &target)?,
            Window::Local | Window::Argument => {}
        }
        self.move_origins(machine, step, &target);
        Ok(())
    }

    fn target<M: Memory + ?Sized>(
        &mut self,
        machine: &Machine<'_, M>,
        step: &Step,
    ) -> Option<Target> {
        let (place, bytes, lanes, verb, mut atomic) = match &step.action {
            Action::Load { place, bytes, .. } => (place, *bytes, 1, Verb::Reads, false),
            Action::LoadMany {
                place,
                bytes,
                targets,
                ..
            } => (place, *bytes, targets.len(), Verb::Reads, false),
            Action::Store { place, bytes, .. } => (place, *bytes, 1, Verb::Writes, false),
            Action::StoreMany {
                place,
                bytes,
                values,
            } => (place, *bytes, values.len(), Verb::Writes, false),
            Action::Atomic(atomic) => (&atomic.place, atomic.bytes, 1, Verb::Updates, true),
            _ => return None,
        };
        atomic |= step.flow == Flow::Ordered;
        let origin = self.origins(machine)?.of(place.base);
        let (window, address) = machine.resolve(place.window, machine.address(place));
        Some(Target {
            window,
            address,
            origin,
            bytes,
            lanes,
            verb,
            atomic,
        })
    }

    fn device_access<M: Memory + ?Sized>(
        &mut self,
        machine: &Machine<'_, M>,
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
        let strays = match target.origin.base() {
            Some(base) => within.is_none_or(|there| there.base != base),
            None => within.is_none(),
        };
        if strays {
            let origin = self.named_origin(machine, target.origin);
            let there = there.map(|there| named(machine, there));
            let mistake = Mistake::Outside {
                access,
                origin,
                there,
            };
            return Err(self.found(machine, mistake));
        }
        self.recent = within;
        if target.reads()
            && let Some(first) = shadow.unwritten(access.address, access.bytes)
        {
            let buffer = within.map(|buffer| named(machine, buffer));
            let mistake = Mistake::Uninitialised {
                access,
                first,
                buffer,
            };
            return Err(self.found(machine, mistake));
        }
        if target.writes() {
            shadow.write(access.address, access.bytes);
        }
        Ok(())
    }

    fn shared_access<M: Memory + ?Sized>(
        &mut self,
        machine: &Machine<'_, M>,
        step: &Step,
        target: &Target,
    ) -> Result<(), Refused> {
        let access = target.access();
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
            self.early.get_or_insert_with(|| finding(machine, mistake));
        }
        let thread = machine.number as usize;
        if target.atomic {
            let (reads, writes) = (target.reads(), target.writes());
            self.order.atomic(thread, target.address, reads, writes);
        }
        for lane in 0..target.lanes {
            let attempt = Attempt {
                thread,
                step: machine.thread.place.saturating_sub(1),
                address: target.lane(lane),
                bytes: u64::from(target.bytes),
                reads: target.reads(),
                writes: target.writes(),
                atomic: target.atomic,
                same: unwritten.is_none() && is_same(machine, step, target, lane),
            };
            if let Some(conflict) = self.history.access(&attempt, &self.order) {
                return Err(self.race(machine, access, conflict));
            }
        }
        Ok(())
    }

    fn race<M: Memory + ?Sized>(
        &mut self,
        machine: &Machine<'_, M>,
        access: Access,
        conflict: Conflict,
    ) -> Refused {
        let verb = match (conflict.writes, conflict.atomic) {
            (true, true) => Verb::Updates,
            (true, false) => Verb::Writes,
            (false, _) => Verb::Reads,
        };
        let other = Earlier {
            thread: thread_at(machine.launch, conflict.thread),
            line: line_at(machine.launch, conflict.step),
            verb,
        };
        self.found(machine, Mistake::Race { access, other })
    }

    /// What registers and memory point to, once the access is made.
    fn move_origins<M: Memory + ?Sized>(
        &mut self,
        machine: &Machine<'_, M>,
        step: &Step,
        target: &Target,
    ) {
        match &step.action {
            Action::Load { target: slot, .. } => {
                let origin = self.loaded(machine, target, 0);
                if let Some(mut origins) = self.origins(machine) {
                    origins.set(*slot, origin);
                }
            }
            Action::LoadMany { targets, .. } => {
                for (lane, slot) in targets.iter().enumerate() {
                    let origin = self.loaded(machine, target, lane);
                    if let Some(mut origins) = self.origins(machine) {
                        origins.set(*slot, origin);
                    }
                }
            }
            Action::Store { value, .. } => {
                let origin = self.origins(machine).map(|origins| origins.of(*value));
                self.stored(machine, target, 0, origin.unwrap_or_default());
            }
            Action::StoreMany { values, .. } => {
                for (lane, value) in values.iter().enumerate() {
                    let origin = self.origins(machine).map(|origins| origins.of(*value));
                    self.stored(machine, target, lane, origin.unwrap_or_default());
                }
            }
            Action::Atomic(atomic) => {
                let origin = self.loaded(machine, target, 0);
                let Some(mut origins) = self.origins(machine) else {
                    return;
                };
                let swap = matches!(atomic.change, Change::Swap);
                let value = origins.of(if swap { atomic.c } else { atomic.b });
                origins.set(atomic.target, origin);
                if value != Origin::NONE {
                    self.stored(machine, target, 0, Origin::MIXED);
                }
            }
            _ => {}
        }
    }

    /// What a loaded value points into. What lies in device memory tells by its value alone.
    fn loaded<M: Memory + ?Sized>(
        &mut self,
        machine: &Machine<'_, M>,
        target: &Target,
        lane: usize,
    ) -> Origin {
        if target.bytes != 8 {
            return Origin::NONE;
        }
        let address = target.lane(lane);
        let value = match target.window {
            Window::Shared | Window::Local => {
                return self
                    .word(machine, target.window, address)
                    .map_or(Origin::NONE, |word| *word);
            }
            Window::Argument => launch::read(&machine.launch.arguments, address, 8),
            Window::Global | Window::Generic => machine.memory.load(address, 8).ok(),
        };
        origin_of(value.unwrap_or(0), machine.memory.shadow())
    }

    fn stored<M: Memory + ?Sized>(
        &mut self,
        machine: &Machine<'_, M>,
        target: &Target,
        lane: usize,
        origin: Origin,
    ) {
        let whole = target.bytes == 8;
        let address = target.lane(lane);
        if let Some(word) = self.word(machine, target.window, address) {
            *word = if whole { origin } else { Origin::NONE };
        }
    }

    /// Where the origin of a word of shared or local memory is kept.
    fn word<M: Memory + ?Sized>(
        &mut self,
        machine: &Machine<'_, M>,
        window: Window,
        address: u64,
    ) -> Option<&mut Origin> {
        let index = usize::try_from(address / 8).ok()?;
        match window {
            Window::Shared => self.shared.get_mut(index),
            Window::Local => {
                let words = (machine.launch.local_bytes as usize).div_ceil(8);
                let first = machine.number as usize * words;
                self.local.get_mut(first..first + words)?.get_mut(index)
            }
            _ => None,
        }
    }

    fn named_origin<M: Memory + ?Sized>(
        &self,
        machine: &Machine<'_, M>,
        origin: Origin,
    ) -> Option<Named> {
        let base = origin.base()?;
        let shadow = machine.memory.shadow()?;
        let allocation = shadow.allocation(base).filter(|found| found.base == base)?;
        Some(named(machine, allocation))
    }
}

/// Whether a store to shared memory writes what is there.
fn is_same<M: Memory + ?Sized>(
    machine: &Machine<'_, M>,
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
    launch::read(machine.shared, target.lane(lane), target.bytes)
        == Some(machine.get(source) & keep)
}
