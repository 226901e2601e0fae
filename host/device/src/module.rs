//! Loaded modules and the kernels in them.

use std::sync::Arc;

use tensor_wasm_ptx::{Entry, Param, VariableSpace};

use crate::account::{Charge, Resource};
use crate::description::MAX_THREADS_PER_BLOCK;
use crate::remote::{Holding, Loaded, Worker};
use crate::session::Tenant;
use crate::{Buffer, Error};

/// A compiled module, with device memory of its own for the variables that it
/// declares. Clones are the same module.
#[derive(Clone, Debug)]
pub struct Module {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    parsed: Arc<tensor_wasm_ptx::Module>,
    /// Where the module's variables lie, in the module's order.
    symbols: Vec<u64>,
    _variables: Vec<Buffer>,
    /// Where it is in the tenant's worker.
    remote: Option<Remote>,
    tenant: Arc<Tenant>,
    _charge: Charge,
}

#[derive(Debug)]
struct Remote {
    worker: Arc<Worker>,
    loaded: Arc<Loaded>,
    /// What its variables take.
    _variables: Holding,
}

impl Module {
    /// Gives the module's variables their memory and their first values.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`] and [`Error::OutOfMemory`].
    pub(crate) fn new(
        parsed: Arc<tensor_wasm_ptx::Module>,
        tenant: &Arc<Tenant>,
        charge: Charge,
    ) -> Result<Module, Error> {
        let mut variables = Vec::new();
        for global in parsed.globals() {
            let read_only = global.space() == VariableSpace::Const;
            variables.push(Buffer::allocate(tenant, global.bytes(), read_only)?);
        }
        let symbols: Vec<u64> = variables.iter().map(Buffer::address).collect();
        for (global, buffer) in parsed.globals().iter().zip(&variables) {
            if let Some(storage) = buffer.storage() {
                storage.write(0, &global.initial(&symbols));
                // What the text does not name is zeros, which is a value too.
                storage.note(0, storage.size(), true);
            }
        }
        let tenant = Arc::clone(tenant);
        let shared = Shared {
            parsed,
            symbols,
            _variables: variables,
            remote: None,
            tenant,
            _charge: charge,
        };
        Ok(Module {
            shared: Arc::new(shared),
        })
    }

    /// Loads a module in the tenant's worker, which gives the variables their memory.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`], [`Error::OutOfMemory`], [`Error::DeviceLost`], and
    /// [`Error::InvalidModule`] where the device's own compiler refuses it.
    pub(crate) async fn load_in(
        worker: &Arc<Worker>,
        parsed: Arc<tensor_wasm_ptx::Module>,
        text: &[u8],
        hash: blake3::Hash,
        tenant: &Arc<Tenant>,
        charge: Charge,
    ) -> Result<Module, Error> {
        let mut charges = Vec::new();
        let mut bytes: u64 = 0;
        for global in parsed.globals() {
            charges.push(tenant.account.charge(Resource::Buffers, 1)?);
            charges.push(tenant.account.charge(Resource::Memory, global.bytes())?);
            bytes = bytes.saturating_add(global.bytes());
        }
        let room = tenant.room(bytes).ok_or(Error::OutOfMemory { bytes })?;
        let loaded = worker.load(&parsed, text, hash).await?;
        let shared = Shared {
            parsed,
            symbols: Vec::new(),
            _variables: Vec::new(),
            remote: Some(Remote {
                worker: Arc::clone(worker),
                loaded,
                _variables: Holding {
                    _charges: charges,
                    _room: Some(room),
                },
            }),
            tenant: Arc::clone(tenant),
            _charge: charge,
        };
        Ok(Module {
            shared: Arc::new(shared),
        })
    }

    /// Its number in this worker.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where it is not there: it was in a worker before this one.
    pub(crate) fn number_in(&self, worker: &Arc<Worker>) -> Result<u64, Error> {
        match &self.shared.remote {
            Some(remote) if Arc::ptr_eq(&remote.worker, worker) => Ok(remote.loaded.id),
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
    pub(crate) fn most_threads(&self) -> Vec<u32> {
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
    /// [`Error::UnknownKernel`] with the name.
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
            None => Err(Error::UnknownKernel(name.to_owned())),
        }
    }

    pub(crate) fn parsed(&self) -> &Arc<tensor_wasm_ptx::Module> {
        &self.shared.parsed
    }

    pub(crate) fn symbols(&self) -> &[u64] {
        &self.shared.symbols
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
        let remote = self.module.shared.remote.as_ref();
        let device = remote
            .and_then(|remote| remote.loaded.max_threads.get(self.index).copied())
            .map_or(MAX_THREADS_PER_BLOCK, |most| {
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
        self.module.shared.parsed.entries().get(self.index)
    }
}
