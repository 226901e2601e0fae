//! Modules: compiled by the driver, each on a thread of its own, or taken from the
//! tenant's folder of compiled ones.

use std::collections::HashMap;
use std::ffi::{CString, c_void};
use std::sync::{Arc, Mutex};

use cudarc::driver::sys::CUfunction_attribute_enum as Attribute;

use super::cache::Cache;
use super::driver::{self, Context, Function, Module, Refusal, Stream};
use super::failure::{Failed, Faults, Severity, severity};
use crate::LaunchConfig;
use crate::channel::wire::{Answer, EntryShape, KernelNumber, WireError};
use crate::identity::{ModuleId, QueueId};
use crate::launch::to_array;
use crate::sync::lock;
use crate::worker::lost::Lost;
use crate::worker::outbox::Outbox;

/// The most that a block's dynamic shared memory may be without being asked for, in
/// bytes.
const PLAIN_SHARED_BYTES: u32 = 48 << 10;

pub(super) struct Modules {
    context: Context,
    cache: Arc<Cache>,
    outbox: Outbox,
    faults: Arc<Faults>,
    loaded: Arc<Mutex<HashMap<ModuleId, Loaded>>>,
}

struct Loaded {
    entries: Vec<Entry>,
    /// After its functions.
    _module: Module,
}

struct Entry {
    name: String,
    function: Function,
    /// Offset and size of each parameter, in bytes.
    parameters: Vec<(u32, u32)>,
    max_threads: u32,
}

/// What is launched, and how.
pub(super) struct Launch<'a> {
    pub(super) kernel: KernelNumber,
    pub(super) config: LaunchConfig,
    /// As the parameters lie.
    pub(super) arguments: &'a [u8],
}

impl Modules {
    pub(super) fn new(
        context: Context,
        cache: Cache,
        outbox: &Outbox,
        faults: &Arc<Faults>,
    ) -> Modules {
        Modules {
            context,
            cache: Arc::new(cache),
            outbox: outbox.clone(),
            faults: Arc::clone(faults),
            loaded: Arc::default(),
        }
    }

    pub(super) fn load(
        &self,
        id: ModuleId,
        text: Vec<u8>,
        entries: Vec<EntryShape<'_>>,
    ) -> Result<(), Lost> {
        let shapes: Vec<_> = entries
            .into_iter()
            .map(|entry| (entry.name.to_owned(), entry.parameters))
            .collect();
        let (context, cache) = (self.context, Arc::clone(&self.cache));
        let (outbox, faults) = (self.outbox.clone(), Arc::clone(&self.faults));
        let loaded = Arc::clone(&self.loaded);
        let spawned = std::thread::Builder::new()
            .name("compiler".to_owned())
            .spawn(move || {
                let outcome = match load(context, &cache, text, shapes) {
                    Ok(module) => {
                        let threads = module.entries.iter().map(|entry| entry.max_threads);
                        let threads = threads.collect();
                        lock(&loaded).insert(id, module);
                        Ok(threads)
                    }
                    Err(Failed::Call(error)) => Err(error),
                    Err(Failed::Host(what)) => {
                        Err(WireError::InvalidModule(vec![(1, 1, what.into())]))
                    }
                    Err(Failed::Driver(refusal)) => return faults.report(refusal),
                };
                outbox.send(&Answer::Loaded { id, outcome });
            });
        spawned.map_err(|error| Lost(format!("there is no thread: {error}")))?;
        Ok(())
    }

    pub(super) fn unload(&self, id: ModuleId) {
        let module = lock(&self.loaded).remove(&id);
        drop(module);
    }

    /// Submits a launch to the driver.
    pub(super) fn launch(
        &self,
        queue: QueueId,
        stream: Stream,
        launch: &Launch<'_>,
    ) -> Result<(), Failed> {
        let loaded = lock(&self.loaded);
        let entry = loaded
            .get(&launch.kernel.module)
            .and_then(|module| module.entries.get(launch.kernel.entry as usize))
            .ok_or(Failed::Host("there is no such kernel"))?;
        // The driver copies the arguments before the call returns.
        let mut bytes = launch.arguments.to_vec();
        let pointers: Option<Vec<*mut c_void>> = entry
            .parameters
            .iter()
            .map(|(offset, size)| {
                let (start, size) = (*offset as usize, *size as usize);
                let place = bytes.get_mut(start..start.checked_add(size)?)?;
                Some(place.as_mut_ptr().cast::<c_void>())
            })
            .collect();
        let mut pointers =
            pointers.ok_or(Failed::Host("the arguments are not those of the kernel"))?;
        if launch.config.shared_bytes > PLAIN_SHARED_BYTES {
            entry
                .function
                .allow_shared_bytes(launch.config.shared_bytes)
                .map_err(|refusal| refused(entry, refusal))?;
        }
        // Said before: the kernel may have failed by the time the call returns.
        self.faults.begins(queue, &entry.name);
        let launched = stream.launch(
            entry.function,
            to_array(launch.config.grid),
            to_array(launch.config.block),
            launch.config.shared_bytes,
            &mut pointers,
        );
        launched.map_err(|refusal| {
            self.faults.did_not_begin(queue);
            refused(entry, refusal)
        })
    }
}

/// A launch that the driver does not take.
fn refused(entry: &Entry, refusal: Refusal) -> Failed {
    match severity(refusal) {
        Severity::Call => Failed::Call(WireError::InvalidLaunch(format!(
            "kernel `{}`: {refusal}",
            entry.name
        ))),
        Severity::Fault | Severity::Lost => Failed::Driver(refusal),
    }
}

fn load(
    context: Context,
    cache: &Cache,
    text: Vec<u8>,
    shapes: Vec<(String, Vec<(u32, u32)>)>,
) -> Result<Loaded, Failed> {
    context.enter()?;
    let key = cache.key(&text);
    let text = CString::new(text).map_err(|_| Failed::Host("the text holds a zero byte"))?;
    let kept = cache.get(&key).and_then(|image| Module::load(&image).ok());
    let module = match kept {
        Some(module) => module,
        None => {
            let image =
                driver::compile(&text).map_err(|(refusal, said)| match severity(refusal) {
                    Severity::Call => Failed::Call(invalid(refusal, &said)),
                    Severity::Fault | Severity::Lost => Failed::Driver(refusal),
                })?;
            let module = Module::load(&image)?;
            cache.put(&key, &image);
            module
        }
    };
    let mut entries = Vec::with_capacity(shapes.len());
    for (name, parameters) in shapes {
        let function = module.function(&name)?;
        let max_threads = function.attribute(Attribute::CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK)?;
        entries.push(Entry {
            name,
            function,
            parameters,
            max_threads,
        });
    }
    Ok(Loaded {
        entries,
        _module: module,
    })
}

/// What the driver's compiler says, for the module's author.
fn invalid(refusal: Refusal, said: &str) -> WireError {
    let message = match said {
        "" => format!("the NVIDIA driver can't compile the module: {refusal}"),
        said => format!("the NVIDIA driver can't compile the module: {refusal}: {said}"),
    };
    WireError::InvalidModule(vec![(1, 1, message)])
}
