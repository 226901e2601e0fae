//! Counting while a block runs: thread by thread, and put together by warps.

use rustc_hash::FxHashMap;

use super::access::{sectors, wavefronts};
use super::{LineProfile, Profile};
use crate::interpret::launch::InterpretedLaunch;
use crate::interpret::program::{Action, Address, Step};
use crate::interpret::thread::observer::StepObserver;
use crate::interpret::thread::{Refused, RunningThread};
use crate::simt::address::AddressSpace;
use crate::simt::memory::Memory;

/// Threads of a warp.
const WARP: u32 = 32;

/// The most values that wait for other threads of their warps, in all: 64 MiB and some. Only a kernel
/// with long loops whose threads have different conditions comes to it.
const MOST_OPEN: usize = 4 << 20;

/// One execution of an instruction by a warp: which instruction, which warp, and for how many times
/// its threads have come to it before.
type WarpStep = (u32, u32, u32);

/// What the threads of a warp do in one execution.
#[derive(Debug)]
struct Together {
    /// By thread, in their order: an address, or where a branch goes.
    values: Vec<(u32, u64)>,
    kind: ExecutionKind,
}

#[derive(Clone, Copy, Debug)]
enum ExecutionKind {
    Branch,
    Access {
        space: AddressSpace,
        bytes: u64,
        reads: bool,
        writes: bool,
    },
}

/// The arrivals of a block's threads at a barrier, by how many times each has been there before.
#[derive(Clone, Copy, Debug, Default)]
struct Arrivals {
    threads: u64,
    /// Steps since the barrier before: of all together, and of the slowest.
    steps: u64,
    most: u64,
}

/// What is counted of one block.
#[derive(Debug)]
pub(crate) struct BlockProfile {
    threads: u32,
    /// By step: whether it is an instruction of the text. The others compute operands.
    is_instruction: Vec<bool>,
    /// By step: how often each thread came to it. Empty for those that nobody did.
    visits: Vec<Box<[u32]>>,
    /// By step: how often it was passed over.
    predicated_off: Vec<u64>,
    together: FxHashMap<WarpStep, Together>,
    open: usize,
    barriers: FxHashMap<(u32, u32), Arrivals>,
    /// By thread: its steps since the last barrier.
    steps: Vec<u64>,
    counted: Profile,
}

impl BlockProfile {
    pub(crate) fn new(launch: &InterpretedLaunch) -> BlockProfile {
        let (threads, code) = (launch.launch.geometry.threads, launch.program.code.len());
        let mut is_instruction = vec![false; code];
        for pc in &launch.program.instructions {
            if let Some(is_instruction) = is_instruction.get_mut(*pc as usize) {
                *is_instruction = true;
            }
        }
        BlockProfile {
            threads,
            is_instruction,
            visits: vec![Box::default(); code],
            predicated_off: vec![0; code],
            together: FxHashMap::default(),
            open: 0,
            barriers: FxHashMap::default(),
            steps: vec![0; threads as usize],
            counted: Profile::default(),
        }
    }

    /// Adds what was counted of the block to a profile of the launch.
    pub(crate) fn add_to(mut self, launch: &InterpretedLaunch, has_ended: bool, all: &mut Profile) {
        self.settle_all(launch);
        let code = &launch.program.code;
        for (pc, visits) in self.visits.iter().enumerate() {
            let (Some(step), Some(off)) = (code.get(pc), self.predicated_off.get(pc)) else {
                continue;
            };
            if visits.is_empty() || self.is_instruction.get(pc) != Some(&true) {
                continue;
            }
            let came: u64 = visits.iter().map(|visits| u64::from(*visits)).sum();
            let warps = visits.chunks(WARP as usize);
            let busiest = warps.map(|warp| warp.iter().copied().max().unwrap_or(0));
            let line = line_of(&mut self.counted, step);
            line.executions += came - off;
            line.predicated_off += off;
            line.warp_executions += busiest.map(u64::from).sum::<u64>();
        }
        for ((pc, _), arrivals) in &self.barriers {
            let Some(step) = code.get(*pc as usize) else {
                continue;
            };
            let line = line_of(&mut self.counted, step);
            line.barrier_arrivals += arrivals.threads;
            line.barrier_waited_steps += arrivals.most * arrivals.threads - arrivals.steps;
        }
        for (line, counted) in &self.counted.lines {
            all.lines.entry(*line).or_default().add(counted);
        }
        all.is_split |= self.counted.is_split;
        if has_ended {
            all.blocks += 1;
            all.threads += u64::from(self.threads);
        }
    }

    /// Counts that a thread comes to a step, and returns how often it did before.
    fn visit(&mut self, pc: u32, thread: u32) -> u32 {
        let threads = self.threads as usize;
        let Some(visits) = self.visits.get_mut(pc as usize) else {
            return 0;
        };
        if visits.is_empty() {
            *visits = vec![0; threads].into();
        }
        if self.is_instruction.get(pc as usize) == Some(&true)
            && let Some(steps) = self.steps.get_mut(thread as usize)
        {
            *steps += 1;
        }
        match visits.get_mut(thread as usize) {
            None => 0,
            Some(visits) => {
                let before = *visits;
                *visits = visits.saturating_add(1);
                before
            }
        }
    }

    /// Notes what a thread does, beside what the others of its warp do. When all have, it is counted.
    fn join(
        &mut self,
        launch: &InterpretedLaunch,
        pc: u32,
        before: u32,
        thread: u32,
        value: u64,
        kind: ExecutionKind,
    ) {
        let warp = thread / WARP;
        let lanes = (self.threads - warp * WARP).min(WARP) as usize;
        let key = (pc, warp, before);
        let together = self.together.entry(key).or_insert_with(|| Together {
            values: Vec::new(),
            kind,
        });
        together.values.push((thread, value));
        self.open += 1;
        if together.values.len() == lanes {
            if let Some(complete) = self.together.remove(&key) {
                self.settle(launch, pc, complete);
            }
        } else if self.open > MOST_OPEN {
            self.counted.is_split = true;
            self.settle_all(launch);
        }
    }

    fn settle_all(&mut self, launch: &InterpretedLaunch) {
        for ((pc, ..), together) in std::mem::take(&mut self.together) {
            self.settle(launch, pc, together);
        }
    }

    /// Counts what the threads of a warp did together.
    fn settle(&mut self, launch: &InterpretedLaunch, pc: u32, mut together: Together) {
        self.open -= together.values.len();
        let Some(step) = launch.program.code.get(pc as usize) else {
            return;
        };
        together.values.sort_unstable();
        let values: Vec<u64> = together.values.iter().map(|(_, value)| *value).collect();
        let count = values.len() as u64;
        let line = line_of(&mut self.counted, step);
        match together.kind {
            ExecutionKind::Branch => {
                line.branches += 1;
                let first = values.first();
                let differs = values.iter().any(|value| Some(value) != first);
                line.divergent_branches += u64::from(differs);
            }
            ExecutionKind::Access {
                space,
                bytes,
                reads,
                writes,
            } => {
                let read = if reads { count * bytes } else { 0 };
                let written = if writes { count * bytes } else { 0 };
                match space {
                    AddressSpace::Global | AddressSpace::Generic => {
                        let (sectors, ideal) = sectors(&values, bytes);
                        line.global.requests += 1;
                        line.global.sectors += sectors;
                        line.global.ideal_sectors += ideal;
                        line.global.bytes_read += read;
                        line.global.bytes_written += written;
                    }
                    AddressSpace::Shared => {
                        let (passes, ideal) = wavefronts(&values, bytes);
                        line.shared.requests += 1;
                        line.shared.wavefronts += passes;
                        line.shared.bank_conflicts += passes - ideal.min(passes);
                        line.shared.bytes_read += read;
                        line.shared.bytes_written += written;
                    }
                    AddressSpace::Local => line.local_bytes += read + written,
                    AddressSpace::Argument => {}
                }
            }
        }
    }

    fn arrive(&mut self, pc: u32, before: u32, thread: u32) {
        let Some(steps) = self.steps.get_mut(thread as usize) else {
            return;
        };
        let steps = std::mem::take(steps);
        let arrivals = self.barriers.entry((pc, before)).or_default();
        arrivals.threads += 1;
        arrivals.steps += steps;
        arrivals.most = arrivals.most.max(steps);
    }
}

fn line_of<'p>(profile: &'p mut Profile, step: &Step) -> &'p mut LineProfile {
    profile.lines.entry(step.line).or_default()
}

/// Whether a step with a guard decides where its thread goes on.
fn is_branch(step: &Step) -> bool {
    match step.action {
        Action::Jump { .. } | Action::Return | Action::Exit => step.guard.is_some(),
        Action::JumpTable { .. } | Action::CallPointer { .. } => true,
        _ => false,
    }
}

/// The address of an access, its bytes, and whether it reads and writes.
fn access(action: &Action) -> Option<(&Address, u64, bool, bool)> {
    let many = |bytes: u32, count: usize| u64::from(bytes) * count as u64;
    Some(match action {
        Action::Load { address, bytes, .. } => (address, u64::from(*bytes), true, false),
        Action::Store { address, bytes, .. } => (address, u64::from(*bytes), false, true),
        Action::LoadMany {
            address,
            bytes,
            targets,
            ..
        } => (address, many(*bytes, targets.len()), true, false),
        Action::StoreMany {
            address,
            bytes,
            values,
        } => (address, many(*bytes, values.len()), false, true),
        Action::Atomic(atomic) => (&atomic.address, u64::from(atomic.bytes), true, true),
        _ => return None,
    })
}

impl StepObserver for BlockProfile {
    fn before<M: Memory + ?Sized>(
        &mut self,
        thread: &RunningThread<'_, M>,
        step: &Step,
    ) -> Result<(), Refused> {
        let (pc, number) = (thread.thread.pc.saturating_sub(1), thread.number);
        let before = self.visit(pc, number);
        if let Some((address, bytes, reads, writes)) = access(&step.action) {
            let (space, address) = thread.resolve(address.space, thread.address(address));
            let kind = ExecutionKind::Access {
                space,
                bytes,
                reads,
                writes,
            };
            self.join(thread.launch, pc, before, number, address, kind);
        } else if is_branch(step) {
            let goes = match &step.action {
                Action::JumpTable { index, .. } => thread.get(*index),
                Action::CallPointer { address, .. } => thread.get(*address),
                _ => 1,
            };
            self.join(
                thread.launch,
                pc,
                before,
                number,
                goes,
                ExecutionKind::Branch,
            );
        } else if let Action::Barrier { .. } = step.action {
            self.arrive(pc, before, number);
        }
        Ok(())
    }

    fn passed_over<M: Memory + ?Sized>(&mut self, thread: &RunningThread<'_, M>, step: &Step) {
        let (pc, number) = (thread.thread.pc.saturating_sub(1), thread.number);
        let before = self.visit(pc, number);
        if let Some(off) = self.predicated_off.get_mut(pc as usize) {
            *off += 1;
        }
        if is_branch(step) {
            self.join(thread.launch, pc, before, number, 0, ExecutionKind::Branch);
        }
    }
}
