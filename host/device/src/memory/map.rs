//! A tenant's device addresses. They are only numbers that lead here, so a
//! kernel reaches the allocations of its own tenant and nothing else. An address
//! is never used twice in a session, and gaps lie between allocations, so that
//! a stale or a stray pointer faults instead of reaching a neighbour.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tensor_wasm_ptx::address::GLOBAL_BASE;
use tensor_wasm_ptx::interpret::{Memory, MemoryError};

use super::Storage;
use crate::sync::lock;

/// Every allocation starts at a multiple of this, as CUDA's do.
const ALIGNMENT: u64 = 256;

/// What lies between two allocations, in bytes, at least.
const GAP: u64 = 4096;

/// One allocation and where a kernel sees it.
#[derive(Clone, Debug)]
struct Region {
    base: u64,
    storage: Arc<Storage>,
    read_only: bool,
}

/// All allocations of one session.
#[derive(Debug)]
pub(crate) struct AddressMap {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    next: u64,
    regions: BTreeMap<u64, Region>,
    /// The regions in order, as views hold them; made when next asked for.
    snapshot: Option<Arc<[Region]>>,
}

impl AddressMap {
    pub(crate) fn new() -> AddressMap {
        let next = GLOBAL_BASE.next_multiple_of(ALIGNMENT);
        let inner = Inner {
            next,
            regions: BTreeMap::new(),
            snapshot: None,
        };
        AddressMap {
            inner: Mutex::new(inner),
        }
    }

    /// Gives the storage an address; `None` once the 64 bits of addresses are used up.
    pub(crate) fn insert(&self, storage: Arc<Storage>, read_only: bool) -> Option<u64> {
        let mut inner = lock(&self.inner);
        let base = inner.next;
        let end = base.checked_add(storage.size())?.checked_add(GAP)?;
        inner.next = end.checked_next_multiple_of(ALIGNMENT)?;
        inner.regions.insert(
            base,
            Region {
                base,
                storage,
                read_only,
            },
        );
        inner.snapshot = None;
        Some(base)
    }

    pub(crate) fn remove(&self, base: u64) {
        let mut inner = lock(&self.inner);
        let region = inner.regions.remove(&base);
        let snapshot = inner.snapshot.take();
        drop(inner);
        // A snapshot may be the last that holds something: not under the lock.
        drop((region, snapshot));
    }

    /// The memory as it is now. A view keeps freed memory from going back to
    /// the host, so it is held for one slice of a kernel and no longer.
    pub(crate) fn view(&self) -> View {
        let mut inner = lock(&self.inner);
        let Inner {
            regions, snapshot, ..
        } = &mut *inner;
        let regions = snapshot
            .get_or_insert_with(|| regions.values().cloned().collect())
            .clone();
        View {
            regions,
            last: AtomicUsize::new(0),
        }
    }
}

/// Device memory as the kernels of one session see it.
#[derive(Debug)]
pub(crate) struct View {
    regions: Arc<[Region]>,
    /// Where the last access was: the next one is mostly there too.
    last: AtomicUsize,
}

impl View {
    /// The region that holds all of `bytes` bytes at `address`, and the offset there.
    #[inline]
    fn locate(&self, address: u64, bytes: u32) -> Result<(&Region, usize), MemoryError> {
        if address & u64::from(bytes.wrapping_sub(1)) != 0 {
            return Err(MemoryError::Misaligned { address, bytes });
        }
        let last = self.last.load(Ordering::Relaxed);
        if let Some(found) = self
            .regions
            .get(last)
            .and_then(|region| within(region, address, bytes))
        {
            return Ok(found);
        }
        let after = self
            .regions
            .partition_point(|region| region.base <= address);
        let index = after.wrapping_sub(1);
        let found = self
            .regions
            .get(index)
            .and_then(|region| within(region, address, bytes));
        self.last.store(index, Ordering::Relaxed);
        found.ok_or(MemoryError::Unmapped { address })
    }

    #[inline]
    fn writable(&self, address: u64, bytes: u32) -> Result<(&Region, usize), MemoryError> {
        let (region, offset) = self.locate(address, bytes)?;
        if region.read_only {
            return Err(MemoryError::ReadOnly { address });
        }
        Ok((region, offset))
    }
}

#[inline]
fn within(region: &Region, address: u64, bytes: u32) -> Option<(&Region, usize)> {
    let offset = address.checked_sub(region.base)?;
    let left = region.storage.size().checked_sub(offset)?;
    (left >= u64::from(bytes)).then_some((region, offset as usize))
}

impl Memory for View {
    #[inline]
    fn load(&self, address: u64, bytes: u32) -> Result<u64, MemoryError> {
        let (region, offset) = self.locate(address, bytes)?;
        region
            .storage
            .load(offset, bytes)
            .ok_or(MemoryError::Unmapped { address })
    }

    #[inline]
    fn store(&self, address: u64, bytes: u32, value: u64) -> Result<(), MemoryError> {
        let (region, offset) = self.writable(address, bytes)?;
        region
            .storage
            .store(offset, bytes, value)
            .ok_or(MemoryError::Unmapped { address })
    }

    #[inline]
    fn update(
        &self,
        address: u64,
        bytes: u32,
        f: &mut dyn FnMut(u64) -> u64,
    ) -> Result<u64, MemoryError> {
        let (region, offset) = self.writable(address, bytes)?;
        region
            .storage
            .update(offset, bytes, f)
            .ok_or(MemoryError::Unmapped { address })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn map_of(sizes: &[u64]) -> (AddressMap, Vec<u64>) {
        let map = AddressMap::new();
        let bases = sizes
            .iter()
            .map(|bytes| {
                map.insert(Arc::new(Storage::zeroed(*bytes).unwrap()), false)
                    .unwrap()
            })
            .collect();
        (map, bases)
    }

    #[test]
    fn an_access_reaches_its_allocation_and_no_byte_beyond() {
        let (map, bases) = map_of(&[16, 0, 13]);
        let view = map.view();
        for base in &bases {
            assert_eq!(base % ALIGNMENT, 0);
            assert!(*base >= GLOBAL_BASE);
        }
        view.store(bases[0] + 12, 4, 7).unwrap();
        assert_eq!(view.load(bases[0] + 8, 8), Ok(7 << 32));
        assert_eq!(view.load(bases[2] + 12, 1), Ok(0));
        for outside in [
            bases[0] + 16,
            bases[1],
            bases[2] + 16,
            0,
            u64::MAX - 7,
            GLOBAL_BASE - 8,
        ] {
            assert_eq!(
                view.load(outside, 8),
                Err(MemoryError::Unmapped { address: outside })
            );
        }
        let straddling = bases[2] + 12;
        assert_eq!(
            view.load(straddling, 2),
            Err(MemoryError::Unmapped {
                address: straddling
            })
        );
        let odd = bases[0] + 2;
        assert_eq!(
            view.load(odd, 4),
            Err(MemoryError::Misaligned {
                address: odd,
                bytes: 4
            })
        );
    }

    #[test]
    fn a_freed_address_is_not_mapped_and_not_given_out_again() {
        let (map, bases) = map_of(&[64]);
        map.remove(bases[0]);
        assert_eq!(
            map.view().load(bases[0], 4),
            Err(MemoryError::Unmapped { address: bases[0] })
        );
        let next = map
            .insert(Arc::new(Storage::zeroed(64).unwrap()), false)
            .unwrap();
        assert_ne!(next, bases[0]);
    }

    #[test]
    fn constant_memory_can_be_read_but_not_written() {
        let map = AddressMap::new();
        let base = map
            .insert(Arc::new(Storage::zeroed(8).unwrap()), true)
            .unwrap();
        let view = map.view();
        assert_eq!(view.load(base, 4), Ok(0));
        assert_eq!(
            view.store(base, 4, 1),
            Err(MemoryError::ReadOnly { address: base })
        );
        assert_eq!(
            view.update(base, 4, &mut |old| old + 1),
            Err(MemoryError::ReadOnly { address: base })
        );
    }
}
