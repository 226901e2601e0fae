//! Compiled kernels in tests: an engine, and a launch that runs like the interpreter's.
//!
//! The device embeds compiled kernels with code of its own (`host/device/src/cpu/compiled`). Two
//! embedders hold the compiler to what it documents of its modules, and these tests do without the
//! device, which depends on this crate.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use tensor_wasm_ptx::Extent;
use tensor_wasm_ptx::address::GLOBAL_BASE;
use tensor_wasm_ptx::compile::CompiledKernel;
use tensor_wasm_ptx::exec::{CompiledBlock, CompiledLaunch, Failure, KernelInstance, Region};
use tensor_wasm_ptx::simt::{Fault, Launch, MemoryError, Progress, RunError};
use wasmtime::{Caller, Config, Engine, Instance, Linker, Memory, Module, Store, TypedFunc};

use super::Flat;

pub static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut config = Config::new();
    config
        .relaxed_simd_deterministic(true)
        .wasm_threads(true)
        .wasm_branch_hinting(true);
    Engine::new(&config).unwrap()
});

/// What the imports know.
struct Host {
    launch: Arc<CompiledLaunch>,
    regions: Vec<Region>,
    printed: Mutex<Vec<u8>>,
}

/// Device memory while a kernel runs.
struct Running<'a> {
    device: &'a [u8],
    host: &'a Host,
}

impl tensor_wasm_ptx::simt::Memory for Running<'_> {
    fn load(&self, address: u64, bytes: u32) -> Result<u64, MemoryError> {
        let inside = |region: &&Region| {
            let offset = address.wrapping_sub(region.base);
            offset < region.bytes && region.bytes - offset >= u64::from(bytes)
        };
        if self.host.regions.iter().find(inside).is_none() {
            return Err(MemoryError::Unmapped { address });
        }
        let mut word = [0; 8];
        let begin = usize::try_from(address - GLOBAL_BASE).unwrap();
        word[..bytes as usize].copy_from_slice(&self.device[begin..][..bytes as usize]);
        Ok(u64::from_le_bytes(word))
    }

    fn store(&self, _: u64, _: u32, _: u64) -> Result<(), MemoryError> {
        unreachable!("functions of the device runtime only read")
    }

    fn update(&self, _: u64, _: u32, _: &mut dyn FnMut(u64) -> u64) -> Result<u64, MemoryError> {
        unreachable!("functions of the device runtime only read")
    }

    fn print(&self, text: &[u8]) {
        self.host.printed.lock().unwrap().extend(text);
    }
}

/// The block that runs.
fn block(caller: &mut Caller<'_, Host>) -> Extent {
    let scratch = caller.get_export("scratch").unwrap().into_memory().unwrap();
    let launch = caller.data().launch.clone();
    let bytes = scratch.data(caller);
    launch.running_block(|at| u32::from_le_bytes(bytes[at as usize..][..4].try_into().unwrap()))
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Faulted(Fault);

struct Compiled {
    store: Store<Host>,
    scratch: Memory,
    run: TypedFunc<(i32, i32), i32>,
}

impl KernelInstance for Compiled {
    type Error = wasmtime::Error;

    fn scratch(&mut self) -> &mut [u8] {
        self.scratch.data_mut(&mut self.store)
    }

    fn run(&mut self, first: u32, end: u32) -> Result<i32, wasmtime::Error> {
        self.run.call(&mut self.store, (first as i32, end as i32))
    }

    fn interrupt_requested(&mut self) -> bool {
        // Another thread sets it.
        unsafe { flag(self).is_set() }
    }
}

fn linker() -> Linker<Host> {
    let mut linker: Linker<Host> = Linker::new(&ENGINE);
    linker
        .func_wrap(
            "host",
            "libcall",
            |caller: Caller<'_, Host>, libcall: i32, a: i64, b: i64, c: i64, d: i64| {
                let operands = [a, b, c, d].map(i64::cast_unsigned);
                caller
                    .data()
                    .launch
                    .kernel()
                    .libcall(libcall as u32, operands)
                    .unwrap()
                    .cast_signed()
            },
        )
        .unwrap();
    linker
        .func_wrap(
            "host",
            "bounds_miss",
            |mut caller: Caller<'_, Host>, thread: i32, site: i32, address: i64| {
                let block = block(&mut caller);
                let host = caller.data();
                let access = (thread as u32, site as u32, address.cast_unsigned());
                let find = |address: u64| {
                    let inside =
                        |region: &&Region| address.wrapping_sub(region.base) < region.bytes;
                    host.regions.iter().find(inside).copied()
                };
                let (base, count) = host
                    .launch
                    .bounds_miss(block, access, find)
                    .map_err(Faulted)?;
                Ok((base.cast_signed(), count.cast_signed()))
            },
        )
        .unwrap();
    linker
        .func_wrap(
            "host",
            "fault",
            |mut caller: Caller<'_, Host>,
             thread: i32,
             site: i32,
             value: i64|
             -> wasmtime::Result<()> {
                let block = block(&mut caller);
                let host = caller.data();
                let fault =
                    host.launch
                        .fault(block, thread as u32, site as u32, value.cast_unsigned());
                Err(Faulted(fault).into())
            },
        )
        .unwrap();
    linker
        .func_wrap(
            "host",
            "generic",
            |mut caller: Caller<'_, Host>, thread: i32, site: i32, address: i64| {
                let block = block(&mut caller);
                let host = caller.data();
                let access = (thread as u32, site as u32, address.cast_unsigned());
                Ok(host
                    .launch
                    .generic_address(block, access)
                    .map_err(Faulted)?)
            },
        )
        .unwrap();
    linker.func_wrap("host", "clock", || 0_i64).unwrap();
    linker
        .func_wrap(
            "host",
            "builtin",
            |mut caller: Caller<'_, Host>,
             thread: i32,
             site: i32,
             a: i64,
             b: i64,
             c: i64,
             d: i64,
             e: i64| {
                let block = block(&mut caller);
                let [scratch, device] = ["scratch", "device"]
                    .map(|name| caller.get_export(name).unwrap().into_memory().unwrap());
                let host = caller.data();
                let scratch = scratch.data(&caller);
                let memory = Running {
                    device: device.data(&caller),
                    host,
                };
                let at =
                    |at: u32| u32::from_le_bytes(scratch[at as usize..][..4].try_into().unwrap());
                let arguments = [a, b, c, d, e].map(i64::cast_unsigned);
                let returned = host.launch.builtin(
                    block,
                    (thread as u32, site as u32),
                    arguments,
                    at,
                    &memory,
                );
                Ok(returned.map_err(Faulted)?.cast_signed())
            },
        )
        .unwrap();
    linker
}

/// Runs a grid as the interpreter's `run_grid` does, with `slice` between two times that the kernel
/// is told to return; also says whether it returned so.
pub fn run_grid(
    lowered: &Arc<CompiledKernel>,
    launch: &Arc<Launch>,
    regions: Vec<Region>,
    memory: &Flat,
    slice: Duration,
) -> (Result<(), RunError>, bool) {
    let compiled = CompiledLaunch::new(lowered.clone(), launch.clone());
    let compiled = Arc::new(compiled.expect("the launch fits"));
    let module = Module::new(&ENGINE, lowered.wasm()).unwrap();
    let host = Host {
        launch: compiled.clone(),
        regions,
        printed: Mutex::default(),
    };
    let mut store = Store::new(&ENGINE, host);
    let made: Instance = linker().instantiate(&mut store, &module).unwrap();
    let scratch = made.get_memory(&mut store, "scratch").unwrap();
    let device = made.get_memory(&mut store, "device").unwrap();
    let run = made.get_typed_func(&mut store, "run").unwrap();
    let mut instance = Compiled {
        store,
        scratch,
        run,
    };
    {
        let bytes = memory.0.lock().unwrap();
        device.data_mut(&mut instance.store)[..bytes.len()].copy_from_slice(&bytes);
    }
    compiled.prepare(instance.scratch());
    let flag = unsafe { flag(&instance) };
    let ended = Arc::new(AtomicBool::new(false));
    let ticker = {
        let ended = ended.clone();
        std::thread::spawn(move || {
            let flag = flag;
            while !ended.load(Ordering::Relaxed) {
                std::thread::park_timeout(slice);
                // The store outlives this thread: it is joined below.
                unsafe { flag.set(1) };
            }
        })
    };
    let mut result = Ok(());
    let mut rounds = 0;
    let mut block = CompiledBlock::new(compiled.clone(), launch.block_index(0));
    // A few at a time, as the device takes them.
    let mut linear = 0;
    'grid: while linear < launch.blocks() {
        let more = u32::try_from((launch.blocks() - linear - 1).min(linear % 5)).unwrap();
        let mut end = linear + 1 + u64::from(more);
        block.restart(launch.block_index(linear), more);
        loop {
            unsafe { flag.set(0) };
            match block.run(&mut instance) {
                Ok(Progress::Done) => {
                    linear = end - u64::from(block.more());
                    break;
                }
                Ok(Progress::Yielded) => {
                    end -= u64::from(block.more());
                    block.park(instance.scratch());
                    let flag = lowered.interrupt_flag();
                    instance.scratch()[..flag].fill(0xa5);
                    compiled.prepare(instance.scratch());
                    rounds += 1;
                    if rounds > 20_000 {
                        result = Err(RunError::StepLimit {
                            limit: super::STEPS,
                        });
                        break 'grid;
                    }
                }
                Err(Failure::Fault(fault)) => {
                    result = Err(RunError::Fault(*fault));
                    break 'grid;
                }
                Err(Failure::Engine(error)) => {
                    let fault = error.downcast::<Faulted>().expect("no trap but a fault");
                    result = Err(RunError::Fault(fault.0));
                    break 'grid;
                }
            }
        }
    }
    ended.store(true, Ordering::Relaxed);
    ticker.thread().unpark();
    ticker.join().unwrap();
    let mut bytes = memory.0.lock().unwrap();
    let length = bytes.len();
    bytes.copy_from_slice(&device.data(&instance.store)[..length]);
    drop(bytes);
    let printed = instance.store.data().printed.lock().unwrap();
    tensor_wasm_ptx::simt::Memory::print(memory, &printed);
    drop(printed);
    (result, rounds > 0)
}

#[derive(Clone, Copy)]
struct Flag(*const std::sync::atomic::AtomicU32);
unsafe impl Send for Flag {}

impl Flag {
    unsafe fn is_set(self) -> bool {
        unsafe { (*self.0).load(Ordering::Relaxed) != 0 }
    }

    unsafe fn set(self, value: u32) {
        unsafe { (*self.0).store(value, Ordering::Relaxed) };
    }
}

unsafe fn flag(instance: &Compiled) -> Flag {
    Flag(
        unsafe {
            instance
                .scratch
                .data_ptr(&instance.store)
                .add(instance.store.data().launch.kernel().interrupt_flag())
        }
        .cast(),
    )
}

/// The whole of a [`Flat`] memory.
pub fn whole(memory: &Flat) -> Vec<Region> {
    let bytes = memory.0.lock().unwrap().len() as u64;
    vec![Region {
        base: GLOBAL_BASE,
        bytes,
        read_only: false,
    }]
}

/// One engine's worth of launches at a time is enough for the machine's address space.
pub static ONE: Mutex<()> = Mutex::new(());
