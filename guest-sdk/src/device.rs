//! The device that the host grants: where everything else comes from.

use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use bytemuck::Pod;

use crate::bindings::kernels as raw;
use crate::buffer::Buffer;
use crate::error::Result;
use crate::module::Module;
use crate::queue::Queue;

/// One device, as far as this component's tenant may use it. Clones are the
/// same device.
#[derive(Clone, Debug)]
pub struct Device {
    pub(crate) raw: Rc<raw::Device>,
}

impl Device {
    /// Opens the device. [`Error::Denied`](crate::Error::Denied) where the host
    /// does not grant one.
    pub fn open() -> Result<Device> {
        Ok(Device {
            raw: Rc::new(raw::Device::open()?),
        })
    }

    /// What the device is, and how much of it the tenant holds.
    pub fn info(&self) -> DeviceInfo {
        let info = self.raw.info();
        DeviceInfo {
            name: info.name,
            backend: match info.backend {
                raw::Backend::Cpu => Backend::Cpu,
                raw::Backend::Cuda => Backend::Cuda,
            },
            target: info.target,
            multiprocessors: info.multiprocessors,
            warp_size: info.warp_size,
            max_threads_per_block: info.max_threads_per_block,
            max_shared_memory: info.max_shared_memory,
            memory_limit: info.memory_limit,
            memory_used: info.memory_used,
        }
    }

    /// Memory for `len` values, all of them zero.
    pub fn allocate<T: Pod>(&self, len: u64) -> Result<Buffer<T>> {
        // Where the product overflows, no device has so much: let the host say so.
        let bytes = len.saturating_mul(size_of::<T>() as u64);
        Ok(Buffer {
            raw: self.raw.allocate(bytes)?,
            len,
            of: PhantomData,
        })
    }

    /// Compiles a module of PTX, usually from `include_bytes!`. The host keeps
    /// what it compiled, so loading the same text in every request costs no
    /// second compilation.
    pub fn load(&self, ptx: impl AsRef<[u8]>) -> Result<Module> {
        Ok(Module {
            raw: self.raw.load(ptx.as_ref())?,
        })
    }

    /// A queue, in which work is done in order, beside that of other queues.
    pub fn queue(&self) -> Result<Queue> {
        Ok(Queue {
            raw: self.raw.create_queue()?,
            device: self.clone(),
        })
    }
}

/// What runs the kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// The host's processor.
    Cpu,
    /// An NVIDIA device.
    Cuda,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Backend::Cpu => "cpu",
            Backend::Cuda => "cuda",
        })
    }
}

/// What a device is and can do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceInfo {
    /// Its name, for people.
    pub name: String,
    /// What runs the kernels.
    pub backend: Backend,
    /// The newest PTX target that modules may name, for example 90 for `sm_90`.
    pub target: u32,
    /// How many blocks truly run at once, at least.
    pub multiprocessors: u32,
    /// Threads in a warp.
    pub warp_size: u32,
    /// Threads that one block may have; a kernel may allow fewer.
    pub max_threads_per_block: u32,
    /// Shared memory that one block may have, in bytes.
    pub max_shared_memory: u32,
    /// What the tenant may hold, in bytes.
    pub memory_limit: u64,
    /// What the tenant holds now, in bytes.
    pub memory_used: u64,
}
