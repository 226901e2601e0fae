//! Modules: compiled by the driver, each on a thread of its own, or taken from the
//! tenant's folder of compiled ones.

use std::collections::HashMap;
use std::ffi::{CString, c_void};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use cudarc::driver::sys::CUfunction_attribute_enum as Attribute;

use super::cache::Cache;
use super::driver::{self, Context, Function, Module, Outcome, Refusal, Stream};
use super::failure::{Failed, Faults, Severity, severity};
use crate::LaunchConfig;
use crate::channel::wire::{Answer, EntryShape, KernelNumber, WireError};
use crate::identity::{ModuleId, QueueId};
use crate::launch::to_array;
use crate::sync::lock;
use crate::worker::lost::Lost;
use crate::worker::outbox::Outbox;

/// How much shared memory a block has without being asked for, in bytes: what the kernel declares, and
/// what a launch adds.
const PLAIN_SHARED_BYTES: u32 = 48 << 10;

pub(super) struct Modules {
    context: Context,
    cache: Arc<Cache>,
    outbox: Outbox,
    faults: Arc<Faults>,
    loaded: Arc<Mutex<HashMap<ModuleId, Arc<Loaded>>>>,
    scratch: Scratch,
}

/// Where the arguments of a launch are laid out.
#[derive(Default)]
struct Scratch {
    bytes: Vec<u8>,
    pointers: Vec<*mut c_void>,
}

/// A loaded module. Dropping it unloads it, which may take long.
pub(super) struct Loaded {
    entries: Vec<Entry>,
    /// After its functions.
    _module: Module,
}

struct Entry {
    name: Arc<str>,
    function: Function,
    /// Offset and size of each parameter, in bytes.
    parameters: Vec<(u32, u32)>,
    max_threads: u32,
    shared: SharedAllowance,
}

/// How much shared memory a launch may add to what its kernel declares, in bytes.
struct SharedAllowance(AtomicU32);

impl SharedAllowance {
    /// Of a kernel that declares so many bytes.
    fn of(declared_bytes: u32) -> SharedAllowance {
        SharedAllowance(PLAIN_SHARED_BYTES.saturating_sub(declared_bytes).into())
    }

    /// Has `allow` called where a launch adds more than any before it.
    fn ask_for(&self, bytes: u32, allow: impl FnOnce() -> Outcome<()>) -> Outcome<()> {
        if bytes > self.0.load(Ordering::Relaxed) {
            allow()?;
            self.0.store(bytes, Ordering::Relaxed);
        }
        Ok(())
    }
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
            scratch: Scratch::default(),
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
                        lock(&loaded).insert(id, Arc::new(module));
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

    /// Takes a module out. It is to be dropped by a thread that may wait.
    pub(super) fn unload(&self, id: ModuleId) -> Option<Arc<Loaded>> {
        lock(&self.loaded).remove(&id)
    }

    /// Submits a launch to the driver.
    pub(super) fn launch(
        &mut self,
        queue: QueueId,
        stream: Stream,
        launch: &Launch<'_>,
    ) -> Result<(), Failed> {
        // The lock is not held while the driver is called. The thread that unloads is this one, so this
        // is never the last use of a module.
        let module = lock(&self.loaded)
            .get(&launch.kernel.module)
            .map(Arc::clone);
        let entry = module
            .as_ref()
            .and_then(|module| module.entries.get(launch.kernel.entry as usize))
            .ok_or(Failed::Host("there is no such kernel"))?;
        self.scratch
            .lay_out(launch.arguments, &entry.parameters)
            .ok_or(Failed::Host("the arguments are not those of the kernel"))?;
        let shared_bytes = launch.config.shared_bytes;
        entry
            .shared
            .ask_for(shared_bytes, || {
                entry.function.allow_shared_bytes(shared_bytes)
            })
            .map_err(|refusal| refused(entry, refusal))?;
        // Said before: the kernel may have failed by the time the call returns.
        self.faults.begins(queue, &entry.name);
        let launched = stream.launch(
            entry.function,
            to_array(launch.config.grid),
            to_array(launch.config.block),
            shared_bytes,
            &mut self.scratch.pointers,
        );
        launched.map_err(|refusal| {
            self.faults.did_not_begin(queue);
            refused(entry, refusal)
        })
    }
}

impl Scratch {
    /// Lays out arguments, of which each parameter says where it begins and how many bytes it has;
    /// `None` where one does not lie in them. The driver copies them before a launch's call returns.
    fn lay_out(&mut self, arguments: &[u8], parameters: &[(u32, u32)]) -> Option<()> {
        self.bytes.clear();
        self.bytes.extend_from_slice(arguments);
        self.pointers.clear();
        for (offset, size) in parameters {
            let (start, size) = (*offset as usize, *size as usize);
            let place = self.bytes.get_mut(start..start.checked_add(size)?)?;
            self.pointers.push(place.as_mut_ptr().cast::<c_void>());
        }
        Some(())
    }
}

/// A launch that the driver does not take. How much memory it would need, the driver does not say.
fn refused(entry: &Entry, refusal: Refusal) -> Failed {
    Failed::of(refusal, 0, |refusal| {
        WireError::InvalidLaunch(format!("kernel `{}`: {refusal}", entry.name))
    })
}

fn load(
    context: Context,
    cache: &Cache,
    text: Vec<u8>,
    shapes: Vec<(String, Vec<(u32, u32)>)>,
) -> Result<Loaded, Failed> {
    context.enter()?;
    let key = cache.key(&text);
    let bytes = text.len() as u64;
    let text = CString::new(text).map_err(|_| Failed::Host("the text holds a zero byte"))?;
    let kept = cache.get(&key).and_then(|image| Module::load(&image).ok());
    let module = match kept {
        Some(module) => module,
        None => {
            let compiled = driver::compile(&text);
            let image = compiled.map_err(|(refusal, said)| not_loaded(refusal, bytes, &said))?;
            let bytes = image.len() as u64;
            let loaded = Module::load(&image);
            let module = loaded.map_err(|refusal| not_loaded(refusal, bytes, ""))?;
            cache.put(&key, &image);
            module
        }
    };
    let mut entries = Vec::with_capacity(shapes.len());
    for (name, parameters) in shapes {
        // Drivers load a kernel when it is first asked for.
        let entry = entry(&module, &name, parameters);
        entries.push(entry.map_err(|refusal| not_loaded(refusal, bytes, ""))?);
    }
    Ok(Loaded {
        entries,
        _module: module,
    })
}

fn entry(module: &Module, name: &str, parameters: Vec<(u32, u32)>) -> Outcome<Entry> {
    let function = module.function(name)?;
    let declared = function.attribute(Attribute::CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES)?;
    Ok(Entry {
        name: name.into(),
        function,
        parameters,
        max_threads: function.attribute(Attribute::CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK)?,
        shared: SharedAllowance::of(declared),
    })
}

/// A module of about so many bytes that the driver does not load, and what its compiler said.
fn not_loaded(refusal: Refusal, bytes: u64, said: &str) -> Failed {
    match severity(refusal) {
        // It is the compiler's own, unless the driver answers nothing any more.
        Severity::Compiler => match driver::check_context() {
            Ok(()) => Failed::Call(invalid(refusal, said)),
            Err(refusal) => Failed::Driver(refusal),
        },
        _ => Failed::of(refusal, bytes, |refusal| invalid(refusal, said)),
    }
}

/// What the driver's compiler says, for the module's author.
fn invalid(refusal: Refusal, said: &str) -> WireError {
    let message = match said {
        "" => format!("the NVIDIA driver can't compile the module: {refusal}"),
        said => format!("the NVIDIA driver can't compile the module: {refusal}: {said}"),
    };
    WireError::InvalidModule(vec![(1, 1, message)])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn shared_memory_is_asked_for_where_declared_and_added_are_too_much_and_only_when_it_grows() {
        let asked = |allowance: &SharedAllowance, bytes| {
            let mut asked = false;
            let outcome = allowance.ask_for(bytes, || {
                asked = true;
                Ok(())
            });
            outcome.unwrap();
            asked
        };
        let plain = SharedAllowance::of(0);
        assert_eq!([48 << 10, 0].map(|bytes| asked(&plain, bytes)), [false; 2]);
        let declares = SharedAllowance::of(40 << 10);
        assert!(!asked(&declares, 8 << 10));
        let bytes = [9 << 10, 9 << 10, 8 << 10, 64 << 10, 60 << 10];
        assert_eq!(
            bytes.map(|bytes| asked(&declares, bytes)),
            [true, false, false, true, false]
        );
        // One that was refused is asked for again.
        let refused = declares.ask_for(65 << 10, || Err(Refusal::OUT_OF_MEMORY));
        assert_eq!(refused, Err(Refusal::OUT_OF_MEMORY));
        assert!(asked(&declares, 65 << 10));
    }
}
