//! Modules and their functions.

use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tensor_wasm_ptx::{Entry, Module as Parsed, VariableSpace};

use crate::code::{Code, Result};
use crate::context::Context;
use crate::device;
use crate::handle::{Handle, Table};
use crate::memory::RegionKind;

pub(crate) static MODULES: Table<Module> = Table::new();
pub(crate) static FUNCTIONS: Table<Function> = Table::new();

/// A module, loaded into a context.
pub(crate) struct Module {
    pub(crate) context: Arc<Context>,
    pub(crate) parsed: Arc<Parsed>,
    /// Where its variables are, in their order.
    pub(crate) symbols: Vec<u64>,
}

impl Module {
    /// Loads a compiled module: gives its variables memory, and fills them.
    pub(crate) fn load(context: Arc<Context>, parsed: Arc<Parsed>) -> Result<Module> {
        let mut module = Module {
            context,
            parsed,
            symbols: Vec::new(),
        };
        for variable in module.parsed.globals() {
            let bytes = usize::try_from(variable.bytes()).map_err(|_| Code::OUT_OF_MEMORY)?;
            let kind = kind(variable.space());
            // Dropping the module frees the ones before.
            let base = module.context.memory.allocate(bytes, kind)?;
            module.symbols.push(base);
        }
        for (variable, base) in module.parsed.globals().iter().zip(&module.symbols) {
            let Some((region, _)) = module.context.memory.find(*base, 0) else {
                continue;
            };
            let mut bytes = variable.initial(&module.symbols);
            bytes.resize(region.store.bytes(), 0);
            region.store.write(0, &bytes);
        }
        Ok(module)
    }

    /// Address and size of a variable.
    pub(crate) fn variable(&self, name: &[u8]) -> Result<(u64, usize)> {
        let variables = self.parsed.globals().iter().zip(&self.symbols);
        let found = variables
            .into_iter()
            .find(|(variable, _)| variable.name().as_bytes() == name);
        let (variable, base) = found.ok_or(Code::NOT_FOUND)?;
        Ok((*base, variable.bytes() as usize))
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        for (variable, base) in self.parsed.globals().iter().zip(&self.symbols) {
            self.context.memory.remove(*base, kind(variable.space()));
        }
    }
}

fn kind(space: VariableSpace) -> RegionKind {
    match space {
        VariableSpace::Global => RegionKind::Variable,
        VariableSpace::Const => RegionKind::Constant,
    }
}

/// A kernel of a module.
pub(crate) struct Function {
    pub(crate) module: Arc<Module>,
    pub(crate) module_handle: Handle,
    pub(crate) name: CString,
    index: usize,
    /// How much dynamic shared memory a launch may ask for.
    dynamic_shared: AtomicU32,
}

/// Attributes by their number in `CUfunction_attribute`.
const MAX_DYNAMIC_SHARED: u32 = 8;
const SHARED_CARVEOUT: u32 = 9;

impl Function {
    pub(crate) fn find(module: Arc<Module>, handle: Handle, name: &[u8]) -> Result<Function> {
        let entries = module.parsed.entries();
        let index = entries
            .iter()
            .position(|entry| entry.name().as_bytes() == name)
            .ok_or(Code::NOT_FOUND)?;
        let fixed = entries.get(index).map_or(0, Entry::shared_bytes);
        Ok(Function {
            module_handle: handle,
            name: CString::new(name).map_err(|_| Code::NOT_FOUND)?,
            index,
            dynamic_shared: AtomicU32::new(device::STATIC_SHARED.saturating_sub(fixed)),
            module,
        })
    }

    pub(crate) fn entry(&self) -> Result<&Entry> {
        let entry = self.module.parsed.entries().get(self.index);
        entry.ok_or(Code::INVALID_HANDLE)
    }

    pub(crate) fn max_threads(&self) -> Result<u32> {
        let most = self.entry()?.max_threads();
        Ok(most.map_or(device::MOST_THREADS, |most| most.min(device::MOST_THREADS)))
    }

    /// Checks the dynamic shared memory of a launch.
    pub(crate) fn check_shared(&self, dynamic: u32) -> Result {
        if dynamic > self.dynamic_shared.load(Ordering::Relaxed) {
            return Err(Code::INVALID_VALUE);
        }
        Ok(())
    }

    pub(crate) fn attribute(&self, attribute: u32) -> Result<i32> {
        let entry = self.entry()?;
        let (major, minor) = self.module.parsed.version();
        let value = match attribute {
            0 => self.max_threads()?,
            1 => entry.shared_bytes(),
            3 => entry.local_bytes(),
            4 => 32,
            5 => major * 10 + minor,
            6 => device::ARCHITECTURE,
            MAX_DYNAMIC_SHARED => self.dynamic_shared.load(Ordering::Relaxed),
            SHARED_CARVEOUT => return Ok(-1),
            2 | 7 | 10..=15 => 0,
            _ => return Err(Code::INVALID_VALUE),
        };
        i32::try_from(value).map_err(|_| Code::INVALID_VALUE)
    }

    pub(crate) fn set_attribute(&self, attribute: u32, value: i32) -> Result {
        match attribute {
            MAX_DYNAMIC_SHARED => {
                let most = device::OPT_IN_SHARED.saturating_sub(self.entry()?.shared_bytes());
                let value = u32::try_from(value).ok().filter(|value| *value <= most);
                let value = value.ok_or(Code::INVALID_VALUE)?;
                self.dynamic_shared.store(value, Ordering::Relaxed);
                Ok(())
            }
            SHARED_CARVEOUT if (-1..=100).contains(&value) => Ok(()),
            _ => Err(Code::INVALID_VALUE),
        }
    }

    /// How many blocks a multiprocessor holds at once.
    pub(crate) fn occupancy(&self, threads: i32, dynamic: usize) -> Result<i32> {
        let threads = u32::try_from(threads).map_err(|_| Code::INVALID_VALUE)?;
        if threads == 0 {
            return Err(Code::INVALID_VALUE);
        }
        if threads > self.max_threads()? {
            return Ok(0);
        }
        let by_threads = device::MULTIPROCESSOR_THREADS / threads.next_multiple_of(32);
        let fixed = self.entry()?.shared_bytes() + device::SYSTEM_SHARED;
        let shared = dynamic as u64 + u64::from(fixed);
        let by_shared = u64::from(device::MULTIPROCESSOR_SHARED) / shared;
        let blocks = by_threads.min(device::MULTIPROCESSOR_BLOCKS);
        i32::try_from(by_shared.min(blocks.into())).map_err(|_| Code::INVALID_VALUE)
    }
}
