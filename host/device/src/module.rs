//! Loaded modules and the kernels in them.

use std::sync::Arc;

use tensor_wasm_ptx::{Entry, Param, VariableSpace};

use crate::account::Charge;
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
    tenant: Arc<Tenant>,
    _charge: Charge,
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
            buffer.storage().write(0, &global.initial(&symbols));
        }
        let tenant = Arc::clone(tenant);
        let shared = Shared {
            parsed,
            symbols,
            _variables: variables,
            tenant,
            _charge: charge,
        };
        Ok(Module {
            shared: Arc::new(shared),
        })
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
        let device = crate::description::MAX_THREADS_PER_BLOCK;
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

    pub(crate) fn module(&self) -> &Module {
        &self.module
    }

    fn entry(&self) -> Option<&Entry> {
        self.module.shared.parsed.entries().get(self.index)
    }
}
