//! What a device is: its name, its sizes, and what of it one tenant may use.

use std::num::NonZeroUsize;

use crate::{CpuConfig, NoNvidia, WorkerConfig};

/// What runs the kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The host's own processor.
    Cpu,
    /// An NVIDIA device.
    Cuda,
}

impl Backend {
    /// `cpu` or `cuda`.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Cpu => "cpu",
            Backend::Cuda => "cuda",
        }
    }
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The name that its maker gave it.
    pub name: String,
    /// What runs the kernels.
    pub backend: Backend,
    /// The newest PTX target that modules may name: 90 for `sm_90`.
    pub target: u32,
    /// How many blocks run at once, at least.
    pub multiprocessors: u32,
    /// Threads per warp.
    pub warp_size: u32,
    /// Threads per block, at most.
    pub max_threads_per_block: u32,
    /// Shared memory per block, static and dynamic together, in bytes.
    pub max_shared_bytes: u32,
    /// Memory that all tenants share, in bytes.
    pub memory_bytes: u64,
    /// The newest version of CUDA that the device's driver knows, as `12.4`.
    pub driver: Option<String>,
    /// The compute capability, as `(9, 0)`.
    pub capability: Option<(u32, u32)>,
}

/// A device, as one tenant sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The device.
    pub description: Description,
    /// How much memory the tenant may hold, in bytes.
    pub memory_limit: u64,
    /// How much memory the tenant holds now, in bytes.
    pub memory_used: u64,
}

/// The devices of this machine.
#[derive(Clone, Debug)]
pub struct Devices {
    /// The host's processor.
    pub processor: Description,
    /// NVIDIA's, in the order of their driver; or why there are none.
    pub nvidia: Result<Vec<Description>, NoNvidia>,
}

impl Devices {
    /// Looks which there are. The NVIDIA driver is asked by a process of its own.
    pub fn look(workers: &WorkerConfig) -> Devices {
        Devices {
            processor: cpu(&CpuConfig::default()),
            nvidia: crate::remote::probe(workers),
        }
    }
}

/// CUDA's limit, which kernels are written for.
pub(crate) const MAX_THREADS_PER_BLOCK: u32 = 1024;

/// What every CUDA device offers without being asked for more, in bytes.
const MAX_SHARED_BYTES: u32 = 48 << 10;

/// Used where the host does not tell how much memory it has, in bytes.
const MEMORY_IF_UNKNOWN: u64 = 4 << 30;

pub(crate) fn cpu(config: &CpuConfig) -> Description {
    let threads = threads(config);
    Description {
        name: processor_name(),
        backend: Backend::Cpu,
        target: config.ptx.max_target,
        multiprocessors: u32::try_from(threads.get()).unwrap_or(u32::MAX),
        warp_size: 32,
        max_threads_per_block: MAX_THREADS_PER_BLOCK,
        max_shared_bytes: config.ptx.shared_bytes.min(MAX_SHARED_BYTES),
        memory_bytes: config.memory_bytes.unwrap_or_else(half_of_memory),
        driver: None,
        capability: None,
    }
}

pub(crate) fn threads(config: &CpuConfig) -> NonZeroUsize {
    config
        .threads
        .or_else(|| std::thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN)
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
