//! The processor as a device: what an embedder sets, and how it is described to tenants.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::description::{Backend, Description, MAX_THREADS_PER_BLOCK};

/// How the processor serves as a device.
#[derive(Clone, Debug)]
pub struct CpuConfig {
    /// Threads that run kernels, beside those of the host. As many as the
    /// machine runs in parallel, if not set. A few more check modules, compile kernels,
    /// give memory back and keep the time: they have little to do.
    pub threads: Option<NonZeroUsize>,
    /// Memory for all tenants' buffers, in bytes. Half of what the host may use,
    /// if not set.
    pub memory_bytes: Option<u64>,
    /// Memory for checked modules that are kept for the next load of the same text,
    /// in bytes, roughly; and as much again for compiled kernels that no launch uses.
    /// 64 MiB.
    pub cache_bytes: u64,
    /// An absolute path of a folder where compiled kernels are kept for the next process
    /// that uses them, about 256 MiB of them. Write access to it decides what runs in this
    /// process, so tenants' workers get none. Not set, nothing is kept.
    pub kernel_folder: Option<PathBuf>,
    /// What modules may ask for.
    pub ptx: tensor_wasm_ptx::Limits,
    /// Whether kernels are checked as they run, for those who write them: see
    /// [`checks`](tensor_wasm_ptx::interpret::checks). Every kernel is interpreted
    /// then, which is slow, and each byte of a buffer takes another bit of the host's
    /// memory. Only the processor does so.
    pub checks: bool,
}

impl Default for CpuConfig {
    fn default() -> CpuConfig {
        CpuConfig {
            threads: None,
            memory_bytes: None,
            cache_bytes: 64 << 20,
            kernel_folder: None,
            ptx: tensor_wasm_ptx::Limits::default(),
            checks: false,
        }
    }
}

/// What a block may have at most of static and dynamic shared memory together, in bytes: as much as
/// on a device of sm_90, the newest target there is here (CUDA C++ Programming Guide, "Technical
/// Specifications per Compute Capability").
const MAX_SHARED_BYTES: u32 = 227 << 10;

/// Used where the system does not say how much memory it has, in bytes.
const MEMORY_IF_UNKNOWN: u64 = 4 << 30;

impl CpuConfig {
    pub(crate) fn describe(&self) -> Description {
        Description {
            name: processor_name(),
            backend: Backend::Cpu,
            target: self.ptx.max_target,
            multiprocessors: u32::try_from(self.thread_count().get()).unwrap_or(u32::MAX),
            warp_size: 32,
            max_threads_per_block: MAX_THREADS_PER_BLOCK,
            max_shared_bytes: MAX_SHARED_BYTES,
            memory_bytes: self.memory_bytes.unwrap_or_else(half_of_memory),
            driver: None,
            capability: None,
        }
    }

    /// How many threads run kernels.
    pub(crate) fn thread_count(&self) -> NonZeroUsize {
        self.threads
            .or_else(|| std::thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN)
    }
}

fn processor_name() -> String {
    let listed = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    listed
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map(|(_, name)| name.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// Half of what this host, or the container that it is, may use.
fn half_of_memory() -> u64 {
    let machine = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("MemTotal:"))?;
            let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            kibibytes.checked_mul(1024)
        });
    let container = std::fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let known = [machine, container].into_iter().flatten().min();
    known.unwrap_or(MEMORY_IF_UNKNOWN) / 2
}
