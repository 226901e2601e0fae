//! A profile of a kernel, counted as it is interpreted: how often each line of its text runs, where
//! warps diverge, how memory is accessed, and how long threads wait at barriers. What NVIDIA's
//! profilers measure on a device, by counting instead of sampling: exact, and the same on each run.
//!
//! The interpreter runs one thread after another. What a warp does together is put together
//! afterwards: the n-th time that a thread executes an instruction belongs to the n-th time that the
//! other threads of its warp do. On a device, threads that diverged may take more executions for the
//! same work; never fewer.
//!
//! The memory model is that of devices since compute capability 5.0 (CUDA C++ Programming Guide,
//! "Compute Capabilities"): device memory is moved in sectors of 32 bytes, and shared memory has 32
//! banks of 4 bytes.

mod access;
mod observe;

use std::collections::BTreeMap;

pub(crate) use observe::BlockProfile;

/// What was counted of a launch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// By the line of the module's text, from 1.
    pub lines: BTreeMap<u32, LineProfile>,
    /// Blocks that ran to their end.
    pub blocks: u64,
    /// Their threads.
    pub threads: u64,
    /// Whether there was so much at one time to put together by warps that some of it was counted
    /// apart: then requests and branches of warps are too many.
    pub is_split: bool,
}

/// What was counted of the instructions of one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineProfile {
    /// Executions by threads.
    pub executions: u64,
    /// How often a thread came to it while its guard was false.
    pub predicated_off: u64,
    /// Executions by warps: as many as its busiest thread came to it.
    pub warp_executions: u64,
    /// Executions by warps of a branch with a condition, of an indexed branch, or of a return or
    /// exit with a guard.
    pub branches: u64,
    /// Those in which the threads of a warp went different ways.
    pub divergent_branches: u64,
    /// Accesses to device memory.
    pub global: GlobalAccesses,
    /// Accesses to shared memory.
    pub shared: SharedAccesses,
    /// Bytes of local memory that threads read and wrote.
    pub local_bytes: u64,
    /// Arrivals of threads at a barrier.
    pub barrier_arrivals: u64,
    /// How many steps the threads of the blocks waited there for the last one, together. A thread's
    /// step is one instruction that it comes to.
    pub barrier_waited_steps: u64,
}

/// Accesses to device memory, by warps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GlobalAccesses {
    /// Instructions of warps.
    pub requests: u64,
    /// Sectors of 32 bytes that they touch.
    pub sectors: u64,
    /// The fewest sectors that could hold what they access.
    pub ideal_sectors: u64,
    /// Bytes that threads read.
    pub bytes_read: u64,
    /// Bytes that threads wrote.
    pub bytes_written: u64,
}

/// Accesses to shared memory, by warps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharedAccesses {
    /// Instructions of warps.
    pub requests: u64,
    /// Passes that the memory takes for them, one after another.
    pub wavefronts: u64,
    /// Passes beyond those that the number of bytes takes: since threads accessed different words of
    /// one bank.
    pub bank_conflicts: u64,
    /// Bytes that threads read.
    pub bytes_read: u64,
    /// Bytes that threads wrote.
    pub bytes_written: u64,
}

impl Profile {
    /// All lines together.
    #[must_use]
    pub fn total(&self) -> LineProfile {
        let mut total = LineProfile::default();
        for line in self.lines.values() {
            total.add(line);
        }
        total
    }
}

impl LineProfile {
    fn add(&mut self, other: &LineProfile) {
        self.executions += other.executions;
        self.predicated_off += other.predicated_off;
        self.warp_executions += other.warp_executions;
        self.branches += other.branches;
        self.divergent_branches += other.divergent_branches;
        self.global.requests += other.global.requests;
        self.global.sectors += other.global.sectors;
        self.global.ideal_sectors += other.global.ideal_sectors;
        self.global.bytes_read += other.global.bytes_read;
        self.global.bytes_written += other.global.bytes_written;
        self.shared.requests += other.shared.requests;
        self.shared.wavefronts += other.shared.wavefronts;
        self.shared.bank_conflicts += other.shared.bank_conflicts;
        self.shared.bytes_read += other.shared.bytes_read;
        self.shared.bytes_written += other.shared.bytes_written;
        self.local_bytes += other.local_bytes;
        self.barrier_arrivals += other.barrier_arrivals;
        self.barrier_waited_steps += other.barrier_waited_steps;
    }
}
