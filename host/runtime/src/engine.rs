//! The Wasmtime engine that every component of a host shares: pooled
//! instances, copy-on-write images, a cache of compiled code on disk, and
//! epochs that tick from a thread of the operating system.

use crate::error::Error;
use crate::idle_pools::IdlePools;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::Duration;
use tensor_wasm_device::spawn_essential;
use wasmtime::{Cache, CacheConfig, Config, Enabled, EngineWeak, PoolingAllocationConfig};

/// How long a guest runs before it must let others have its thread.
///
/// Short, since other guests on the thread wait for one slice of each busy guest; and
/// cheap, since a guest only reads a counter at its loops.
const EPOCH: Duration = Duration::from_millis(1);

/// Ticks without a running guest after which the ticker goes to sleep.
const IDLE_TICKS: u32 = 1000;

/// How an [`Engine`] is built.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// How many instances can exist at one time. Address space for all of them
    /// is reserved at once; memory is not.
    pub instances: NonZeroU32,
    /// The largest linear memory that an instance can grow to, in bytes.
    pub instance_memory_bytes: usize,
    /// Where compiled components are kept, by content. `None` compiles anew at
    /// every start.
    pub cache_directory: Option<PathBuf>,
}

impl Default for EngineConfig {
    fn default() -> Self {
        EngineConfig {
            instances: NonZeroU32::MIN.saturating_add(255),
            instance_memory_bytes: 256 << 20,
            cache_directory: None,
        }
    }
}

/// The engine, and the thread that ticks its epochs for as long as it lives.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    ticker: Arc<StopOnDrop>,
    instances: NonZeroU32,
    instance_memory_bytes: usize,
    /// Of compiled components.
    cache: Option<Cache>,
    idle: IdlePools,
}

/// How often the cache of compiled components had what was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Components that it had.
    pub hits: u64,
    /// Components that were compiled, and put there.
    pub misses: u64,
}

/// The limits of one composed component: a chain of policies, an application, and the
/// adapters that `wasm32-wasip2` adds to each.
const CORE_INSTANCES_PER_COMPONENT: u32 = 64;
const MEMORIES_PER_COMPONENT: u32 = 8;
const TABLES_PER_COMPONENT: u32 = 24;
const TABLE_ELEMENTS: usize = 20_000;

impl Engine {
    /// Builds the engine.
    ///
    /// # Errors
    ///
    /// [`Error::Engine`] where the machine cannot reserve the address space
    /// that the instances need, or the cache directory cannot be used.
    pub fn new(config: EngineConfig) -> Result<Engine, Error> {
        let cache = config
            .cache_directory
            .as_deref()
            .map(open_cache)
            .transpose()?;
        let wasmtime = wasmtime_config(&config, cache.as_ref());
        let inner = wasmtime::Engine::new(&wasmtime).map_err(|cause| {
            Error::engine(
                "the engine could not be set up (fewer concurrent requests or less memory for an instance may help)",
                cause,
            )
        })?;
        let ticker = Arc::new(StopOnDrop(Ticker::start(inner.weak())?));
        Ok(Engine {
            inner,
            ticker,
            instances: config.instances,
            instance_memory_bytes: config.instance_memory_bytes,
            cache,
            idle: IdlePools::default(),
        })
    }

    /// How many instances there can be.
    pub(crate) fn instances(&self) -> NonZeroU32 {
        self.instances
    }

    /// How many instances there are.
    pub fn active_instances(&self) -> usize {
        self.ticker.0.guests.load(Ordering::Relaxed)
    }

    /// How often the cache of compiled components had what was asked for; zeros where there
    /// is none.
    pub fn cache_stats(&self) -> CacheStats {
        self.cache
            .as_ref()
            .map_or(CacheStats::default(), |cache| CacheStats {
                hits: cache.cache_hits() as u64,
                misses: cache.cache_misses() as u64,
            })
    }

    /// The instances that wait for a next request.
    pub(crate) fn idle(&self) -> &IdlePools {
        &self.idle
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }

    pub(crate) fn instance_memory_bytes(&self) -> usize {
        self.instance_memory_bytes
    }

    /// Keeps the epochs ticking while a guest may run.
    pub(crate) fn activity(&self) -> Activity {
        self.ticker.0.begin();
        Activity(self.ticker.0.clone())
    }
}

fn open_cache(directory: &Path) -> Result<Cache, Error> {
    let mut cache = CacheConfig::new();
    cache.with_directory(directory);
    Cache::new(cache).map_err(|cause| {
        let directory = directory.display();
        Error::engine(
            format!("the cache of compiled components in {directory} cannot be used"),
            cause,
        )
    })
}

fn wasmtime_config(config: &EngineConfig, cache: Option<&Cache>) -> Config {
    let instances = config.instances.get();
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(8))
        .total_memories(instances.saturating_mul(2))
        .total_tables(instances.saturating_mul(4))
        .total_stacks(instances.saturating_mul(2))
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .max_memories_per_component(MEMORIES_PER_COMPONENT)
        .max_tables_per_component(TABLES_PER_COMPONENT)
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size(config.instance_memory_bytes)
        // What an instance touched is reset in place rather than given back to
        // the kernel: page faults were the largest cost of a request.
        .linear_memory_keep_resident(2 << 20)
        .table_keep_resident(1 << 20)
        .async_stack_keep_resident(128 << 10)
        .max_unused_warm_slots(instances)
        // Resets only the pages that were written, where the kernel can tell.
        .pagemap_scan(Enabled::Auto);

    let mut wasmtime = Config::new();
    wasmtime
        .allocation_strategy(pool)
        .memory_init_cow(true)
        .epoch_interruption(true)
        .wasm_component_model_async(true)
        .cranelift_opt_level(wasmtime::OptLevel::Speed)
        .max_wasm_stack(512 << 10)
        .async_stack_size(1 << 20);
    wasmtime.cache(cache.cloned());
    wasmtime
}

/// Ticks the epochs, and sleeps while no guest runs.
///
/// A task of the asynchronous runtime would not be enough: as many endless loops as the
/// runtime has threads would keep it from running ever again.
struct Ticker {
    guests: AtomicUsize,
    asleep: AtomicBool,
    stopped: AtomicBool,
    thread: Thread,
}

impl Ticker {
    fn start(engine: EngineWeak) -> Result<Arc<Ticker>, Error> {
        let (send, receive) = std::sync::mpsc::sync_channel::<Arc<Ticker>>(1);
        let handle = spawn_essential("epoch-ticker", move || {
            if let Ok(ticker) = receive.recv() {
                ticker.run(&engine);
            }
        })
        .map_err(|cause| {
            Error::engine("no thread for the epochs could be started", cause.into())
        })?;
        let ticker = Arc::new(Ticker {
            guests: AtomicUsize::new(0),
            asleep: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            thread: handle.thread().clone(),
        });
        // The thread waits for this, and ends where it is not sent.
        let _ = send.send(ticker.clone());
        Ok(ticker)
    }

    fn run(&self, engine: &EngineWeak) {
        let mut idle = 0;
        while !self.stopped.load(Ordering::Relaxed) {
            std::thread::sleep(EPOCH);
            let Some(engine) = engine.upgrade() else {
                return;
            };
            engine.increment_epoch();
            // A reference held any longer would keep the engine from being dropped.
            drop(engine);
            idle = if self.guests.load(Ordering::SeqCst) == 0 {
                idle + 1
            } else {
                0
            };
            if idle >= IDLE_TICKS {
                self.asleep.store(true, Ordering::SeqCst);
                // A guest that began before the flag was set has not woken this thread.
                while self.guests.load(Ordering::SeqCst) == 0
                    && !self.stopped.load(Ordering::SeqCst)
                {
                    std::thread::park();
                }
                self.asleep.store(false, Ordering::SeqCst);
                idle = 0;
            }
        }
    }

    fn begin(&self) {
        self.guests.fetch_add(1, Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
    }
}

/// A running guest. The epochs tick while there is one.
pub(crate) struct Activity(Arc<Ticker>);

impl Drop for Activity {
    fn drop(&mut self) {
        self.0.guests.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Ends the ticker's thread with the last clone of its engine.
struct StopOnDrop(Arc<Ticker>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::SeqCst);
        self.0.thread.unpark();
    }
}
