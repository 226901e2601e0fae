//! The devices: as many as the switches say, all alike, shaped like a Hopper with as many
//! multiprocessors as this machine has processors.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use crate::code::{Code, Result};
use crate::context::Context;
use crate::handle::{self, Handle};
use crate::switches;
use crate::sync::lock;

pub(crate) const NAME: &str = "TensorWasm stand-in (no GPU)";

/// `sm_90`.
pub(crate) const ARCHITECTURE: u32 = 90;

/// The newest PTX that the driver of this version takes.
pub(crate) fn newest_ptx() -> (u32, u32) {
    let version = switches::get().driver_version;
    let minor = u32::try_from(version % 1000 / 10).unwrap_or(0);
    match version / 1000 {
        ..=11 => (7, minor.min(8)),
        // From 12.6 on, one release of CUDA had no PTX of its own.
        12 => (8, minor - u32::from(minor >= 6)),
        _ => (9, minor),
    }
}

pub(crate) const MOST_THREADS: u32 = 1024;
pub(crate) const STATIC_SHARED: u32 = 48 << 10;
pub(crate) const OPT_IN_SHARED: u32 = 227 << 10;
pub(crate) const MULTIPROCESSOR_SHARED: u32 = 228 << 10;
/// What the system takes of it for each block.
pub(crate) const SYSTEM_SHARED: u32 = 1 << 10;
pub(crate) const MULTIPROCESSOR_THREADS: u32 = 2048;
pub(crate) const MULTIPROCESSOR_BLOCKS: u32 = 32;
pub(crate) const REGISTERS: u32 = 65536;

/// The most devices that the switches may ask for.
const MOST: usize = 16;

/// One device.
pub(crate) struct Device {
    /// Which one it is of those that the machine has, whichever are shown.
    pub(crate) number: i32,
    /// Bytes that are allocated.
    used: AtomicU64,
    pub(crate) primary: Mutex<Primary>,
    pub(crate) pool: Handle,
}

/// A device's primary context, and how many hold it.
#[derive(Default)]
pub(crate) struct Primary {
    pub(crate) context: Option<(Handle, Arc<Context>)>,
    pub(crate) holders: usize,
    pub(crate) flags: u32,
}

static DEVICES: Mutex<Vec<&'static Device>> = Mutex::new(Vec::new());
static READY: AtomicBool = AtomicBool::new(false);

/// What `cuInit` does.
pub(crate) fn initialise() -> Result {
    let count = usize::try_from(switches::get().devices).unwrap_or(0);
    if count == 0 {
        return Err(Code::NO_DEVICE);
    }
    let shown = shown(i32::try_from(count.min(MOST)).unwrap_or(0));
    if shown.is_empty() {
        return Err(Code::NO_DEVICE);
    }
    let mut devices = lock(&DEVICES);
    for number in shown.into_iter().skip(devices.len()) {
        // They live as long as the process, as devices do.
        devices.push(Box::leak(Box::new(Device {
            number,
            used: AtomicU64::new(0),
            primary: Mutex::default(),
            pool: handle::fresh(),
        })));
    }
    READY.store(true, Ordering::Release);
    Ok(())
}

/// Which of so many devices `CUDA_VISIBLE_DEVICES` shows: numbers, and the beginnings of names such as
/// `GPU-…`, up to the first that is no device's; all, where it is not set.
fn shown(count: i32) -> Vec<i32> {
    let Ok(list) = std::env::var("CUDA_VISIBLE_DEVICES") else {
        return (0..count).collect();
    };
    let found = |entry: &str| {
        (0..count).find(|number| {
            let is_named = entry.len() > 4 && name_of(*number).starts_with(entry);
            is_named || entry == number.to_string()
        })
    };
    list.split(',')
        .map_while(|entry| found(entry.trim()))
        .collect()
}

/// Sixteen bytes that differ between devices, and are the same every time.
pub(crate) fn uuid(number: i32) -> [u8; 16] {
    let mut uuid = *b"TensorWasm GPU \0";
    if let Some(last) = uuid.last_mut() {
        *last = u8::try_from(number).unwrap_or(u8::MAX);
    }
    uuid
}

/// The same, or of one that is a part of another its own.
pub(crate) fn uuid_shown(number: i32) -> [u8; 16] {
    let mut uuid = uuid(number);
    if switches::get().parts {
        uuid.reverse();
    }
    uuid
}

/// As the driver writes it.
fn name_of(number: i32) -> String {
    let mut name = if switches::get().parts { "MIG" } else { "GPU" }.to_owned();
    for (index, byte) in uuid_shown(number).iter().enumerate() {
        if matches!(index, 0 | 4 | 6 | 8 | 10) {
            name.push('-');
        }
        name += &format!("{byte:02x}");
    }
    name
}

pub(crate) fn check_ready() -> Result {
    if READY.load(Ordering::Acquire) {
        return Ok(());
    }
    Err(Code::NOT_INITIALIZED)
}

pub(crate) fn count() -> Result<usize> {
    check_ready()?;
    Ok(lock(&DEVICES).len())
}

/// The device of this number.
pub(crate) fn get(ordinal: i32) -> Result<&'static Device> {
    check_ready()?;
    let index = usize::try_from(ordinal).map_err(|_| Code::INVALID_DEVICE)?;
    let found = lock(&DEVICES).get(index).copied();
    found.ok_or(Code::INVALID_DEVICE)
}

impl Device {
    /// Takes some of its memory.
    pub(crate) fn take(&self, bytes: u64) -> Result {
        let total = switches::get().memory_bytes;
        let taken = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|used| *used <= total)
            });
        taken.map(drop).map_err(|_| Code::OUT_OF_MEMORY)
    }

    /// Gives some of its memory back.
    pub(crate) fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

/// How many threads compute.
pub(crate) fn processors() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// An attribute by its number in `CUdevice_attribute`; unknown ones are zero, as "not supported".
pub(crate) fn attribute(attribute: u32, ordinal: i32) -> Result<i32> {
    let value = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    Ok(match attribute {
        0 => return Err(Code::INVALID_VALUE),
        1 => value(MOST_THREADS),
        2 | 3 => 1024,
        4 => 64,
        5 => i32::MAX,
        6 | 7 => 65535,
        8 => value(STATIC_SHARED),
        9 => 64 << 10,
        10 => 32,
        11 => i32::MAX,
        12 | 82 => value(REGISTERS),
        13 => 1_980_000,
        14 => 512,
        16 => i32::try_from(processors()).unwrap_or(i32::MAX),
        33 => 0x65 + get(ordinal)?.number,
        36 => 2_619_000,
        37 => 5120,
        38 => 50 << 20,
        39 => value(MULTIPROCESSOR_THREADS),
        40 => 3,
        75 => value(ARCHITECTURE / 10),
        76 => value(ARCHITECTURE % 10),
        81 => value(MULTIPROCESSOR_SHARED),
        87 => 2,
        97 => value(OPT_IN_SHARED),
        106 => value(MULTIPROCESSOR_BLOCKS),
        111 => value(SYSTEM_SHARED),
        // Copies beside kernels, mapped host memory, kernels beside one another, one space of
        // addresses, stream priorities, caches, preemption, registered memory by its own address,
        // cooperative launches, registering host memory at all; pools.
        15 | 19 | 31 | 41 | 78 | 79 | 80 | 90 | 91 | 95 | 99 | 113 => 1,
        115 => i32::from(switches::get().pools),
        _ => 0,
    })
}
