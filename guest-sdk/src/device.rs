//! The device that the host grants. Buffers, modules and queues are created with it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use bytemuck::Pod;

use crate::bindings::kernels as raw;
use crate::buffer::Buffer;
use crate::error::Result;
use crate::kernel::Source;
use crate::module::{Kernel, Module};
use crate::queue::Queue;

/// Kernels by the address of their text and their name.
type KernelCache = HashMap<(usize, &'static str), Rc<Kernel>>;

/// A device that the host grants to this component's tenant. Clones refer to the same
/// device.
#[derive(Clone, Debug)]
pub struct Device {
    pub(crate) raw: Rc<raw::Device>,
    /// Kernels in Rust that were launched on it.
    kernels: Rc<RefCell<KernelCache>>,
}

impl Device {
    /// Opens the device.
    ///
    /// # Errors
    /// [`Error::Denied`](crate::Error::Denied) if the host does not grant a device;
    /// [`Error::DeviceLost`](crate::Error::DeviceLost) if there is none at present.
    pub fn open() -> Result<Device> {
        Ok(Device {
            raw: Rc::new(raw::Device::open()?),
            kernels: Rc::default(),
        })
    }

    /// The properties of the device, and how much of its memory the tenant holds.
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

    /// Allocates a buffer for `len` values, filled with zeros.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`](crate::Error::QuotaExceeded) at the tenant's limit,
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory) if the device is full.
    pub fn allocate<T: Pod>(&self, len: u64) -> Result<Buffer<T>> {
        // If the product overflows, the host refuses the largest number of bytes.
        let bytes = len.saturating_mul(size_of::<T>() as u64);
        Ok(Buffer {
            raw: self.raw.allocate(bytes)?,
            len,
            element: PhantomData,
        })
    }

    /// Compiles a PTX module, whose text usually comes from `include_bytes!`. The host
    /// caches compiled modules by their text, so loading the same text in each request
    /// does not compile it again.
    ///
    /// # Errors
    /// [`Error::InvalidModule`](crate::Error::InvalidModule) if the text has errors, or
    /// the device cannot run it.
    pub fn load(&self, ptx: impl AsRef<[u8]>) -> Result<Module> {
        Ok(Module {
            raw: self.raw.load(ptx.as_ref())?,
        })
    }

    /// A kernel in Rust: its module is loaded once.
    pub(crate) fn kernel(&self, source: &Source) -> Result<Rc<Kernel>> {
        let key = (source.ptx.as_ptr().addr(), source.name);
        if let Some(kernel) = self.kernels.borrow().get(&key) {
            return Ok(Rc::clone(kernel));
        }
        let kernel = Rc::new(self.load(source.ptx)?.kernel(source.name)?);
        self.kernels.borrow_mut().insert(key, Rc::clone(&kernel));
        Ok(kernel)
    }

    /// Creates a queue. Its commands are executed in order, and concurrently with
    /// those of other queues.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`](crate::Error::QuotaExceeded) at the tenant's limit of
    /// queues.
    pub fn queue(&self) -> Result<Queue> {
        Ok(Queue {
            raw: self.raw.create_queue()?,
            device: self.clone(),
        })
    }
}

/// The kind of device that runs the kernels.
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

/// The properties of a device.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceInfo {
    /// The name, for display.
    pub name: String,
    /// The kind of device.
    pub backend: Backend,
    /// The newest PTX target that modules may name, for example 90 for `sm_90`.
    pub target: u32,
    /// How many blocks run in parallel, at least.
    pub multiprocessors: u32,
    /// The number of threads in a warp.
    pub warp_size: u32,
    /// The largest number of threads of a block; a kernel may allow fewer.
    pub max_threads_per_block: u32,
    /// The largest shared memory of a block, in bytes.
    pub max_shared_memory: u32,
    /// Device memory that the tenant may hold, in bytes.
    pub memory_limit: u64,
    /// Device memory that the tenant holds now, in bytes.
    pub memory_used: u64,
}
