//! A context's addresses. They are only numbers that lead here. None is given out twice, and gaps
//! lie between allocations, so that stale and stray pointers fault.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tensor_wasm_ptx::simt::{Memory, MemoryError};

use super::Store;
use crate::code::{Code, Result};
use crate::device::Device;
use crate::ffi::Host;
use crate::sync::lock;

/// Where device memory begins: above what the interpreter keeps for itself, and below where Linux
/// puts memory of the host, which kernels see at its own address.
const BASE: u64 = 1 << 45;
const ALIGNMENT: u64 = 256;
const GAP: u64 = 4096;

/// Contexts share one space of addresses, as on a device.
static NEXT: AtomicU64 = AtomicU64::new(BASE);

/// What an allocation is, and so who may free it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RegionKind {
    Device,
    /// A variable of a module.
    Variable,
    /// A variable that kernels only read.
    Constant,
    /// Memory of the host that we allocated.
    Pinned,
    /// Memory of the host that it registered.
    Registered,
}

#[derive(Clone)]
pub(crate) struct Region {
    pub(crate) base: u64,
    pub(crate) store: Arc<Store>,
    pub(crate) kind: RegionKind,
}

impl Region {
    pub(crate) fn bytes(&self) -> u64 {
        self.store.bytes() as u64
    }

    fn is_on_device(&self) -> bool {
        !matches!(self.kind, RegionKind::Pinned | RegionKind::Registered)
    }

    #[inline]
    fn within(&self, address: u64, bytes: u64) -> Option<(&Region, usize)> {
        let offset = address.checked_sub(self.base)?;
        let left = self.bytes().checked_sub(offset)?;
        (left >= bytes).then_some((self, offset as usize))
    }
}

pub(crate) struct Map {
    device: &'static Device,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    regions: BTreeMap<u64, Region>,
    /// The regions in order, as views hold them; made when next asked for.
    snapshot: Option<Arc<[Region]>>,
}

impl Map {
    pub(crate) fn new(device: &'static Device) -> Map {
        Map {
            device,
            inner: Mutex::default(),
        }
    }

    /// Allocates memory of the device.
    pub(crate) fn allocate(&self, bytes: usize, kind: RegionKind) -> Result<u64> {
        let size = bytes as u64;
        self.device.take(size)?;
        let store = Store::allocate(bytes).ok_or_else(|| {
            self.device.give_back(size);
            Code::OUT_OF_MEMORY
        })?;
        let step = (size + GAP).next_multiple_of(ALIGNMENT);
        let base = NEXT.fetch_add(step, Ordering::Relaxed);
        self.insert(Region {
            base,
            store: Arc::new(store),
            kind,
        });
        Ok(base)
    }

    /// Makes memory of the host reachable at its own address.
    pub(crate) fn map_host(&self, host: Host, bytes: usize, kind: RegionKind) {
        self.insert(Region {
            base: host.address() as u64,
            store: Arc::new(Store::of_host(host, bytes)),
            kind,
        });
    }

    fn insert(&self, region: Region) {
        let mut inner = lock(&self.inner);
        inner.regions.insert(region.base, region);
        inner.snapshot = None;
    }

    /// Unmaps what begins at an address, if it is of that kind.
    pub(crate) fn remove(&self, base: u64, kind: RegionKind) -> Option<Region> {
        let mut inner = lock(&self.inner);
        if inner.regions.get(&base)?.kind != kind {
            return None;
        }
        let region = inner.regions.remove(&base);
        inner.snapshot = None;
        drop(inner);
        self.give_back(region.as_ref());
        region
    }

    pub(crate) fn clear(&self) {
        let mut inner = lock(&self.inner);
        let regions = std::mem::take(&mut inner.regions);
        inner.snapshot = None;
        drop(inner);
        for region in regions.values() {
            self.give_back(Some(region));
        }
    }

    fn give_back(&self, region: Option<&Region>) {
        if let Some(region) = region.filter(|region| region.is_on_device()) {
            self.device.give_back(region.bytes());
        }
    }

    /// What holds all of a range, and where in it the range begins.
    pub(crate) fn find(&self, address: u64, bytes: usize) -> Option<(Region, usize)> {
        let inner = lock(&self.inner);
        let (_, region) = inner.regions.range(..=address).next_back()?;
        let (region, offset) = region.within(address, bytes as u64)?;
        Some((region.clone(), offset))
    }

    /// Whether memory of the host can be used while the host goes on.
    pub(crate) fn is_pinned(&self, host: Host, bytes: usize) -> bool {
        self.find(host.address() as u64, bytes).is_some()
    }

    /// The memory as it is now.
    pub(crate) fn view(&self) -> View {
        let mut inner = lock(&self.inner);
        let Inner { regions, snapshot } = &mut *inner;
        let regions = snapshot
            .get_or_insert_with(|| regions.values().cloned().collect())
            .clone();
        View {
            regions,
            last: AtomicUsize::new(0),
            error: AtomicU32::new(0),
        }
    }
}

/// Memory as a running kernel sees it.
pub(crate) struct View {
    regions: Arc<[Region]>,
    /// Where the last access was: the next one is mostly there too.
    last: AtomicUsize,
    /// What the last refused access did wrong.
    error: AtomicU32,
}

impl View {
    /// The error for what the last refused access did wrong.
    pub(crate) fn error(&self) -> Option<Code> {
        let code = self.error.load(Ordering::Relaxed);
        (code != 0).then_some(Code(code))
    }

    #[cold]
    fn refuse(&self, error: MemoryError) -> MemoryError {
        let code = match error {
            MemoryError::Misaligned { .. } => Code::MISALIGNED_ADDRESS,
            _ => Code::ILLEGAL_ADDRESS,
        };
        self.error.store(code.0, Ordering::Relaxed);
        error
    }

    #[inline]
    fn locate(
        &self,
        address: u64,
        bytes: u32,
        writes: bool,
    ) -> std::result::Result<(&Store, usize), MemoryError> {
        if address & u64::from(bytes.wrapping_sub(1)) != 0 {
            return Err(self.refuse(MemoryError::Misaligned { address, bytes }));
        }
        let size = u64::from(bytes);
        let last = self.regions.get(self.last.load(Ordering::Relaxed));
        let mut found = last.and_then(|region| region.within(address, size));
        if found.is_none() {
            let after = self
                .regions
                .partition_point(|region| region.base <= address);
            let index = after.wrapping_sub(1);
            self.last.store(index, Ordering::Relaxed);
            let region = self.regions.get(index);
            found = region.and_then(|region| region.within(address, size));
        }
        match found {
            Some((region, _)) if writes && region.kind == RegionKind::Constant => {
                Err(self.refuse(MemoryError::ReadOnly { address }))
            }
            Some((region, offset)) => Ok((&region.store, offset)),
            None => Err(self.refuse(MemoryError::Unmapped { address })),
        }
    }
}

impl Memory for View {
    /// The real one writes what kernels print to the process's standard output.
    fn print(&self, text: &[u8]) {
        // Who does not read it loses it.
        let _ = std::io::stdout().write_all(text);
    }

    #[inline]
    fn load(&self, address: u64, bytes: u32) -> std::result::Result<u64, MemoryError> {
        let (store, offset) = self.locate(address, bytes, false)?;
        let value = store.load(offset, bytes);
        value.ok_or(MemoryError::Unmapped { address })
    }

    #[inline]
    fn store(&self, address: u64, bytes: u32, value: u64) -> std::result::Result<(), MemoryError> {
        let (store, offset) = self.locate(address, bytes, true)?;
        let stored = store.store(offset, bytes, value);
        stored.ok_or(MemoryError::Unmapped { address })
    }

    #[inline]
    fn update(
        &self,
        address: u64,
        bytes: u32,
        f: &mut dyn FnMut(u64) -> u64,
    ) -> std::result::Result<u64, MemoryError> {
        let (store, offset) = self.locate(address, bytes, true)?;
        let old = store.update(offset, bytes, f);
        old.ok_or(MemoryError::Unmapped { address })
    }
}
