//! Instances of compiled kernels, one for each thread and session, and the functions that they
//! import.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Instant;

use tensor_wasm_ptx::Extent;
use tensor_wasm_ptx::exec::{CompiledBlock, CompiledLaunch, Failure, KernelInstance};
use tensor_wasm_ptx::simt::{Fault, Progress};
use wasmtime::{Caller, Engine, Linker, Store, TypedFunc};

use super::memory::{Flag, Reader, Scratch, lending};
use super::{LinkedKernel, ticker};
use crate::Error;
use crate::memory::{Arena, View};

/// How many instances a thread keeps for later: each holds address space, and what its kernel last
/// left in scratch memory.
const KEPT: usize = 16;

/// How much of its scratch memory an instance keeps once its launch is over, in bytes: local memory
/// may be much more.
const KEPT_SCRATCH: usize = 2 << 20;

/// What the imports know of the slice that runs.
pub(super) struct Host {
    at_work: Option<AtWork>,
}

struct AtWork {
    launch: Arc<CompiledLaunch>,
    view: View,
    scratch: Reader,
}

impl AtWork {
    /// The block that runs.
    fn block(&self) -> Extent {
        self.launch.running_block(|at| self.scratch.word(at))
    }
}

/// A fault on its way through the engine.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Faulted(Fault);

/// How a block came on.
pub(crate) enum Outcome {
    Done,
    /// Its slice is over: it is to be parked, or run again.
    Yielded,
    Failed(Error),
}

/// An instance with its memories.
pub(crate) struct Instance {
    kernel: Arc<LinkedKernel>,
    arena: Arc<Arena>,
    store: Store<Host>,
    scratch: Scratch,
    flag: Flag,
    run: TypedFunc<(i32, i32), i32>,
    empty_bounds_caches: TypedFunc<(), ()>,
    /// The state of the session's memory that its windows are from.
    version: u64,
    /// The launch whose description lies in scratch memory. Without one, no more than
    /// [`KEPT_SCRATCH`] of it is in use.
    prepared: Option<Arc<CompiledLaunch>>,
}

thread_local! {
    static INSTANCES: RefCell<Vec<Instance>> = const { RefCell::new(Vec::new()) };
}

/// Gives back what this thread's instances have of scratch memory for launches that are over, or go
/// on without this thread for a while.
pub(crate) fn give_back_scratch() {
    INSTANCES.with_borrow_mut(|instances| instances.iter_mut().for_each(Instance::give_back));
}

/// Calls `f` with this thread's instance of a kernel, ready for a slice of a launch, and
/// `goes_on` afterwards, which says whether more is left of the launch. `None` where there can be
/// no instance: the launch is to be interpreted.
pub(crate) fn with_instance<T>(
    kernel: &Arc<LinkedKernel>,
    launch: &Arc<CompiledLaunch>,
    view: View,
    f: impl FnOnce(&mut Instance) -> T,
    goes_on: impl FnOnce() -> bool,
) -> Option<T> {
    let arena = Arc::clone(view.arena()?);
    let is_it = |instance: &Instance| {
        Arc::ptr_eq(&instance.kernel, kernel) && Arc::ptr_eq(&instance.arena, &arena)
    };
    let kept = INSTANCES.with_borrow_mut(|instances| {
        let place = instances.iter().position(is_it)?;
        Some(instances.remove(place))
    });
    let mut instance = match kept {
        Some(instance) => instance,
        None => Instance::new(kernel, arena)?,
    };
    instance.begin(launch, view)?;
    let slice = ticker::slice(instance.flag.clone(), Instant::now())?;
    let result = f(&mut instance);
    drop(slice);
    // The view keeps freed memory: not longer than a slice.
    instance.store.data_mut().at_work = None;
    if !goes_on() {
        instance.give_back();
    }
    INSTANCES.with_borrow_mut(|instances| {
        // Launches that have ended on other threads since.
        for other in instances
            .iter_mut()
            .filter(|other| other.is_over_elsewhere())
        {
            other.give_back();
        }
        if instances.len() >= KEPT {
            // Those of sessions that are gone first, then what was not used for longest.
            let gone = instances
                .iter()
                .position(|other| Arc::strong_count(&other.arena) == 1);
            instances.remove(gone.unwrap_or(0));
        }
        instances.push(instance);
    });
    Some(result)
}

impl Instance {
    fn new(kernel: &Arc<LinkedKernel>, arena: Arc<Arena>) -> Option<Instance> {
        let engine = kernel.linked.module().engine();
        let compiled = &kernel.compiled;
        let scratch = Scratch::new(compiled.scratch_bytes(), compiled.interrupt_flag())?;
        let mut store = Store::new(engine, Host { at_work: None });
        let memories = [Arc::clone(scratch.mapping()), Arc::clone(arena.mapping())];
        let made = lending(memories, || -> wasmtime::Result<_> {
            let instance = kernel.linked.instantiate(&mut store)?;
            let run = instance.get_typed_func(&mut store, "run")?;
            let empty_bounds_caches = instance.get_typed_func(&mut store, "empty_bounds_caches")?;
            Ok((run, empty_bounds_caches))
        });
        let (run, empty_bounds_caches) = match made {
            Ok(made) => made,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "a kernel will be interpreted");
                return None;
            }
        };
        let flag = scratch.flag();
        Some(Instance {
            kernel: Arc::clone(kernel),
            arena,
            store,
            scratch,
            flag,
            run,
            empty_bounds_caches,
            version: 0,
            prepared: None,
        })
    }

    fn begin(&mut self, launch: &Arc<CompiledLaunch>, view: View) -> Option<()> {
        if self.version != view.version() {
            self.empty_bounds_caches.call(&mut self.store, ()).ok()?;
            self.version = view.version();
        }
        let same = self
            .prepared
            .as_ref()
            .is_some_and(|other| Arc::ptr_eq(other, launch));
        if !same {
            launch.prepare(self.scratch.bytes());
            self.prepared = Some(Arc::clone(launch));
        }
        self.store.data_mut().at_work = Some(AtWork {
            launch: Arc::clone(launch),
            view,
            scratch: self.scratch.reader(),
        });
        Some(())
    }

    /// Whether nobody else has the launch any more that lies in scratch memory.
    fn is_over_elsewhere(&self) -> bool {
        let launch = self.prepared.as_ref();
        launch.is_some_and(|launch| Arc::strong_count(launch) == 1)
    }

    /// Forgets the launch, and gives back what it took of scratch memory.
    fn give_back(&mut self) {
        if self.prepared.take().is_some() {
            self.scratch.give_back(KEPT_SCRATCH);
        }
    }

    /// Runs a block until it is done or the slice is over.
    pub(crate) fn run(&mut self, block: &mut CompiledBlock) -> Outcome {
        self.flag.set(false);
        match block.run(self) {
            Ok(Progress::Done) => Outcome::Done,
            Ok(Progress::Yielded) => Outcome::Yielded,
            Err(Failure::Fault(fault)) => Outcome::Failed(Error::Fault(*fault)),
            Err(Failure::Engine(error)) => match error.downcast::<Faulted>() {
                Ok(Faulted(fault)) => Outcome::Failed(Error::Fault(fault)),
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "a compiled kernel trapped");
                    let message = "the device failed while it ran this; the host's log tells more";
                    Outcome::Failed(Error::DeviceLost(message.to_owned()))
                }
            },
        }
    }

    /// Whether the ticker has set the flag that the slice is over, and the kernel has not read it.
    pub(crate) fn is_over(&self) -> bool {
        self.flag.is_set()
    }

    /// Takes a block out, so that another may run before it goes on.
    pub(crate) fn park(&mut self, block: &mut CompiledBlock) {
        block.park(self.scratch.bytes());
    }
}

impl KernelInstance for Instance {
    type Error = wasmtime::Error;

    fn scratch(&mut self) -> &mut [u8] {
        self.scratch.bytes()
    }

    fn run(&mut self, first: u32, end: u32) -> Result<i32, wasmtime::Error> {
        let range = (first.cast_signed(), end.cast_signed());
        self.run.call(&mut self.store, range)
    }

    fn interrupt_requested(&mut self) -> bool {
        self.flag.is_set()
    }
}

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

fn at_work<'c>(caller: &'c Caller<'_, Host>) -> wasmtime::Result<&'c AtWork> {
    let at_work = caller.data().at_work.as_ref();
    at_work.ok_or_else(|| wasmtime::format_err!("a kernel runs outside of a slice"))
}

/// The functions that kernels import.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    linker.func_wrap(
        "host",
        "libcall",
        |caller: Caller<'_, Host>, libcall: i32, a: i64, b: i64, c: i64, d: i64| {
            let operands = [a, b, c, d].map(i64::cast_unsigned);
            let lowered = at_work(&caller)?.launch.kernel();
            let result = lowered.libcall(libcall.cast_unsigned(), operands);
            result
                .map(u64::cast_signed)
                .ok_or_else(|| wasmtime::format_err!("a kernel calls a function that is not there"))
        },
    )?;
    linker.func_wrap(
        "host",
        "bounds_miss",
        |caller: Caller<'_, Host>, thread: i32, site: i32, address: i64| {
            let work = at_work(&caller)?;
            let find = |address| work.view.region(address);
            let (base, count) = work
                .launch
                .bounds_miss(work.block(), access(thread, site, address), find)
                .map_err(Faulted)?;
            Ok((base.cast_signed(), count.cast_signed()))
        },
    )?;
    linker.func_wrap(
        "host",
        "fault",
        |caller: Caller<'_, Host>, thread: i32, site: i32, value: i64| -> wasmtime::Result<()> {
            let work = at_work(&caller)?;
            let (thread, site, value) = access(thread, site, value);
            Err(Faulted(work.launch.fault(work.block(), thread, site, value)).into())
        },
    )?;
    linker.func_wrap(
        "host",
        "generic",
        |caller: Caller<'_, Host>, thread: i32, site: i32, address: i64| {
            let work = at_work(&caller)?;
            let access = access(thread, site, address);
            Ok(work
                .launch
                .generic_address(work.block(), access)
                .map_err(Faulted)?)
        },
    )?;
    linker.func_wrap(
        "host",
        "builtin",
        |caller: Caller<'_, Host>,
         thread: i32,
         site: i32,
         a: i64,
         b: i64,
         c: i64,
         d: i64,
         e: i64| {
            let work = at_work(&caller)?;
            let called = (thread.cast_unsigned(), site.cast_unsigned());
            let arguments = [a, b, c, d, e].map(i64::cast_unsigned);
            let scratch = |at| work.scratch.word(at);
            let returned =
                work.launch
                    .builtin(work.block(), called, arguments, scratch, &work.view);
            Ok(returned.map_err(Faulted)?.cast_signed())
        },
    )?;
    linker.func_wrap("host", "clock", || {
        // 292 years fit.
        i64::try_from(BEGAN.elapsed().as_nanos()).unwrap_or(i64::MAX)
    })?;
    Ok(linker)
}

fn access(thread: i32, site: i32, address: i64) -> (u32, u32, u64) {
    (
        thread.cast_unsigned(),
        site.cast_unsigned(),
        address.cast_unsigned(),
    )
}
