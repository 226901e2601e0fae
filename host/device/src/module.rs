//! Loaded modules and the kernels in them.

use std::fmt::Debug;
use std::sync::Arc;

use tensor_wasm_ptx::{Entry, Param};

use crate::description::MAX_THREADS_PER_BLOCK;
use crate::identity::{ModuleId, WorkerId};
use crate::reclaimer::RetiringModule;
use crate::tenant::{ModuleCharge, Tenant};
use crate::{Error, UnknownKernel};

/// A checked module, with device memory of its own for the variables that it
/// declares. Clones are the same module.
#[derive(Clone, Debug)]
pub struct Module {
    shared: Arc<ModuleShared>,
}

#[derive(Debug)]
struct ModuleShared {
    parsed: Arc<tensor_wasm_ptx::Module>,
    loaded: Box<dyn LoadedModule>,
    tenant: Arc<Tenant>,
    _charge: ModuleCharge,
    /// Behind `parsed`.
    _retiring: RetiringModule,
}

/// A module as its backend has it. Dropped, it is unloaded, and its variables are freed.
pub(crate) trait LoadedModule: Debug + Send + Sync {
    /// The addresses of the module's variables, in the module's order, where this process gave them
    /// their memory.
    fn symbols(&self) -> Arc<[u64]> {
        Arc::default()
    }

    /// The worker process that has it, and its number there.
    fn in_worker(&self) -> Option<(WorkerId, ModuleId)> {
        None
    }

    /// How many threads the device allows in a block of this entry, where it says so.
    fn max_threads(&self, _entry: usize) -> Option<u32> {
        None
    }
}

impl Module {
    pub(crate) fn new(
        parsed: Arc<tensor_wasm_ptx::Module>,
        loaded: Box<dyn LoadedModule>,
        tenant: &Arc<Tenant>,
        charge: ModuleCharge,
        retiring: RetiringModule,
    ) -> Module {
        let shared = ModuleShared {
            parsed,
            loaded,
            tenant: Arc::clone(tenant),
            _charge: charge,
            _retiring: retiring,
        };
        Module {
            shared: Arc::new(shared),
        }
    }

    /// Its number in this worker.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where it is not there: it was in a worker before this one.
    pub(crate) fn number_in(&self, worker: WorkerId) -> Result<ModuleId, Error> {
        match self.shared.loaded.in_worker() {
            Some((own, number)) if own == worker => Ok(number),
            _ => Err(Error::DeviceLost(
                "the module was lost with the device that it was on: load it again".to_owned(),
            )),
        }
    }

    /// The kernel with this number among the module's entries.
    pub(crate) fn entry(&self, index: u32) -> Option<Kernel> {
        let index = index as usize;
        self.shared.parsed.entries().get(index)?;
        Some(Kernel {
            module: self.clone(),
            index,
        })
    }

    /// How many threads a block of each entry may have.
    pub(crate) fn max_threads(&self) -> Vec<u32> {
        (0..self.shared.parsed.entries().len())
            .filter_map(|index| self.entry(u32::try_from(index).ok()?))
            .map(|kernel| kernel.max_threads_per_block())
            .collect()
    }

    /// The names of its kernels, in the order of its text.
    pub fn kernel_names(&self) -> Vec<String> {
        self.shared
            .parsed
            .entries()
            .iter()
            .map(|entry| entry.name().to_owned())
            .collect()
    }

    /// The kernel of this name.
    ///
    /// # Errors
    /// [`Error::UnknownKernel`] with the name, and those that there are.
    pub fn kernel(&self, name: &str) -> Result<Kernel, Error> {
        let index = self
            .shared
            .parsed
            .entries()
            .iter()
            .position(|entry| entry.name() == name);
        match index {
            Some(index) => Ok(Kernel {
                module: self.clone(),
                index,
            }),
            None => Err(Error::UnknownKernel(UnknownKernel {
                name: name.to_owned(),
                kernels: self.kernel_names(),
            })),
        }
    }

    pub(crate) fn parsed(&self) -> &Arc<tensor_wasm_ptx::Module> {
        &self.shared.parsed
    }

    pub(crate) fn symbols(&self) -> Arc<[u64]> {
        self.shared.loaded.symbols()
    }

    /// # Errors
    /// [`Error::Denied`] where the module is another session's.
    pub(crate) fn belongs_to(&self, tenant: &Arc<Tenant>) -> Result<(), Error> {
        if Arc::ptr_eq(&self.shared.tenant, tenant) {
            Ok(())
        } else {
            Err(Error::Denied(
                "the kernel belongs to another tenant's session".to_owned(),
            ))
        }
    }
}

/// A kernel of a module, which it keeps loaded.
#[derive(Clone, Debug)]
pub struct Kernel {
    module: Module,
    /// Into the module's entries; [`Module::kernel`] found it there.
    index: usize,
}

impl Kernel {
    /// Its name in the module's text.
    pub fn name(&self) -> &str {
        self.entry().map_or("", Entry::name)
    }

    /// Its parameters, in order.
    pub fn parameters(&self) -> &[Param] {
        self.entry().map_or(&[], Entry::params)
    }

    /// How many threads a block of it may have.
    pub fn max_threads_per_block(&self) -> u32 {
        let device = self.module.shared.loaded.max_threads(self.index);
        let device = device.map_or(MAX_THREADS_PER_BLOCK, |most| {
            most.min(MAX_THREADS_PER_BLOCK)
        });
        self.entry()
            .and_then(Entry::max_threads)
            .map_or(device, |most| most.min(device))
    }

    /// How many bytes its packed arguments take.
    pub(crate) fn param_bytes(&self) -> u32 {
        self.entry().map_or(0, Entry::param_bytes)
    }

    /// The shared memory that every block has, in bytes.
    pub(crate) fn static_shared_bytes(&self) -> u32 {
        self.entry().map_or(0, Entry::shared_bytes)
    }

    /// Its number among the module's entries.
    pub(crate) fn number(&self) -> u32 {
        u32::try_from(self.index).unwrap_or(u32::MAX)
    }

    pub(crate) fn module(&self) -> &Module {
        &self.module
    }

    fn entry(&self) -> Option<&Entry> {
        let entry = self.module.shared.parsed.entries().get(self.index);
        debug_assert!(entry.is_some(), "a kernel of another module");
        entry
    }
}
