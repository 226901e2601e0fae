//! What a device is: its name, its sizes, and what of it one tenant may use.

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

    /// What computes products of matrices: `gemm`, the crate of that name, or `ptx`, a kernel that is
    /// launched for them.
    pub fn linear_algebra(self) -> &'static str {
        match self {
            Backend::Cpu => "gemm",
            Backend::Cuda => "ptx",
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

/// CUDA's limit, which kernels are written for.
pub(crate) const MAX_THREADS_PER_BLOCK: u32 = 1024;
