//! A tenant's device addresses. They are only numbers that lead here, so a
//! kernel reaches the allocations of its own tenant and nothing else. Gaps lie
//! between allocations, and a freed address is given out again as late as
//! possible, so that a stale or a stray pointer faults instead of reaching a
//! neighbour.
//!
//! The first 4 GiB of them are a session's arena, which compiled kernels see.
//! What finds no room there lies beyond, where only interpreted ones reach.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tensor_wasm_ptx::address::GLOBAL_BASE;
use tensor_wasm_ptx::exec;
use tensor_wasm_ptx::simt::{Allocation, Memory, MemoryError, Shadow};

use super::Storage;
use super::arena::{ALIGNMENT, ARENA_BYTES, Arena, GAP};
use crate::Output;
use crate::sync::lock;

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
    inner: Mutex<MappedRegions>,
    /// Whether it is noted what is written, for kernels that are checked.
    checked: bool,
}

#[derive(Debug)]
struct MappedRegions {
    /// Made with the first allocation; `Some(None)` where the host has no address space for it.
    arena: Option<Option<Arc<Arena>>>,
    /// The next address beyond the arena.
    next: u64,
    /// Goes up with each change.
    version: u64,
    regions: BTreeMap<u64, Region>,
    /// The regions in order, as views hold them; made when next asked for.
    snapshot: Option<Arc<[Region]>>,
}

impl AddressMap {
    /// An empty one; `checked` where its kernels are checked.
    pub(crate) fn new(checked: bool) -> AddressMap {
        let inner = MappedRegions {
            arena: None,
            next: GLOBAL_BASE + ARENA_BYTES,
            version: 1,
            regions: BTreeMap::new(),
            snapshot: None,
        };
        AddressMap {
            inner: Mutex::new(inner),
            checked,
        }
    }

    /// Whether kernels that use it are checked.
    pub(crate) fn is_checked(&self) -> bool {
        self.checked
    }

    /// Zeroed memory and its address; `None` where the host has no room for it, or the 64 bits of
    /// addresses are used up.
    pub(crate) fn allocate(&self, bytes: u64, read_only: bool) -> Option<(u64, Arc<Storage>)> {
        let mut inner = lock(&self.inner);
        let arena = inner.arena.get_or_insert_with(Arena::new).clone();
        let (base, storage) = match arena.and_then(|arena| arena.take(bytes)) {
            Some(span) => (GLOBAL_BASE + span.offset(), Storage::within(span, bytes)),
            None => {
                let base = inner.next;
                let end = base.checked_add(bytes)?.checked_add(GAP)?;
                let next = end.checked_next_multiple_of(ALIGNMENT)?;
                let storage = Storage::zeroed(bytes)?;
                inner.next = next;
                (base, storage)
            }
        };
        let storage = match self.checked {
            true => Arc::new(storage.noting()?),
            false => Arc::new(storage),
        };
        inner.regions.insert(
            base,
            Region {
                base,
                storage: Arc::clone(&storage),
                read_only,
            },
        );
        inner.version += 1;
        inner.snapshot = None;
        Some((base, storage))
    }

    pub(crate) fn remove(&self, base: u64) {
        let mut inner = lock(&self.inner);
        let region = inner.regions.remove(&base);
        inner.version += 1;
        let snapshot = inner.snapshot.take();
        drop(inner);
        // A snapshot may be the last that holds something: not under the lock.
        drop((region, snapshot));
    }

    /// The memory as it is now. A view keeps freed memory from going back to
    /// the host, so it is held for one slice of a kernel and no longer.
    pub(crate) fn view(&self) -> View {
        let mut inner = lock(&self.inner);
        let MappedRegions {
            regions,
            snapshot,
            version,
            arena,
            ..
        } = &mut *inner;
        let regions = snapshot
            .get_or_insert_with(|| regions.values().cloned().collect())
            .clone();
        let within = |region: &Region| region.base < GLOBAL_BASE + ARENA_BYTES;
        let arena = arena.iter().flatten().next().cloned();
        View {
            whole: arena.is_some() && regions.last().is_none_or(within),
            arena,
            version: *version,
            regions,
            last: AtomicUsize::new(0),
            output: None,
            checked: self.checked,
        }
    }
}

/// Device memory as the kernels of one session see it.
pub(crate) struct View {
    /// Where all of it lies, but for what found no room there.
    arena: Option<Arc<Arena>>,
    /// Whether all of it does.
    whole: bool,
    version: u64,
    regions: Arc<[Region]>,
    /// Where the last access was: the next one is mostly there too.
    last: AtomicUsize,
    /// Where the kernel prints.
    output: Option<Arc<dyn Output>>,
    checked: bool,
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View")
            .field("regions", &self.regions.len())
            .finish_non_exhaustive()
    }
}

impl View {
    /// What its kernel prints goes here.
    pub(crate) fn printing(mut self, output: Option<Arc<dyn Output>>) -> View {
        self.output = output;
        self
    }

    /// The session's arena, if it has one.
    pub(crate) fn arena(&self) -> Option<&Arc<Arena>> {
        self.arena.as_ref()
    }

    /// Whether the arena holds all of the session's memory: compiled kernels reach nothing else.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Which state of the session's memory this is.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The allocation of the arena that an address lies in.
    pub(crate) fn region(&self, address: u64) -> Option<exec::Region> {
        let after = self
            .regions
            .partition_point(|region| region.base <= address);
        let region = self.regions.get(after.checked_sub(1)?)?;
        within(region, address, 1)?;
        if region.base >= GLOBAL_BASE + ARENA_BYTES {
            return None;
        }
        Some(exec::Region {
            base: region.base,
            bytes: region.storage.size(),
            read_only: region.read_only,
        })
    }

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

impl Shadow for View {
    fn allocation(&self, address: u64) -> Option<Allocation> {
        let after = self
            .regions
            .partition_point(|region| region.base <= address);
        let region = self.regions.get(after.checked_sub(1)?)?;
        Some(Allocation {
            base: region.base,
            bytes: region.storage.size(),
        })
    }

    fn unwritten(&self, address: u64, bytes: u64) -> Option<u64> {
        let (region, offset) = self.locate(address, 1).ok()?;
        let first = region.storage.first_unwritten(offset as u64, bytes)?;
        Some(region.base + first)
    }

    fn write(&self, address: u64, bytes: u64) {
        if let Ok((region, offset)) = self.locate(address, 1) {
            region.storage.note(offset as u64, bytes, true);
        }
    }
}

impl Memory for View {
    fn shadow(&self) -> Option<&dyn Shadow> {
        self.checked.then_some(self)
    }

    fn print(&self, text: &[u8]) {
        if let Some(output) = &self.output {
            output.print(text);
        }
    }

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
        let map = AddressMap::new(false);
        let bases = sizes
            .iter()
            .map(|bytes| map.allocate(*bytes, false).unwrap().0)
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
        let (next, _) = map.allocate(64, false).unwrap();
        assert_ne!(next, bases[0]);
    }

    #[test]
    fn constant_memory_can_be_read_but_not_written() {
        let map = AddressMap::new(false);
        let (base, _) = map.allocate(8, true).unwrap();
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
