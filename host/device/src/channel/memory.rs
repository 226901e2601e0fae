//! The memory that host and worker share: a sealed file without a name, which
//! neither side can make shorter under the other.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::AtomicU32;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use vm_memory::{Bytes, FileOffset, MmapRegion, VolatileMemory};

/// Positions of the two rings, each on cache lines of its own.
const HEADER: usize = 4096;

/// Which of the two rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    ToWorker,
    ToHost,
}

/// Where things lie, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Of each ring; a power of two.
    pub(crate) ring: usize,
    /// Of the area for bulk data.
    pub(crate) area: usize,
}

impl Layout {
    pub(crate) const RING: usize = 256 << 10;

    /// An area of about this size.
    pub(crate) fn of(area: usize) -> Layout {
        Layout {
            ring: Layout::RING,
            area: area.next_multiple_of(4096),
        }
    }

    /// Of a file of this size.
    fn of_file(bytes: usize) -> Option<Layout> {
        let area = bytes.checked_sub(HEADER + 2 * Layout::RING)?;
        Some(Layout {
            ring: Layout::RING,
            area,
        })
    }

    fn bytes(self) -> usize {
        HEADER + 2 * self.ring + self.area
    }

    fn area_start(self) -> usize {
        HEADER + 2 * self.ring
    }
}

/// Both sides' view of it.
#[derive(Debug)]
pub(crate) struct SharedMemory {
    region: MmapRegion,
    layout: Layout,
}

impl SharedMemory {
    /// New memory, all zeros, and the file that another process can map.
    ///
    /// # Errors
    /// Where the operating system gives none.
    pub(crate) fn create(layout: Layout) -> std::io::Result<(SharedMemory, OwnedFd)> {
        let file = memfd_create(
            "tensor-wasm-device",
            MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING,
        )?;
        ftruncate(&file, layout.bytes() as u64)?;
        // A file cut short would end the process that reads behind its end.
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        let memory = SharedMemory::map(File::from(file.as_fd().try_clone_to_owned()?), layout)?;
        Ok((memory, file))
    }

    /// Maps what the other process created.
    ///
    /// # Errors
    /// Where the file is none of ours.
    pub(crate) fn open(file: File) -> std::io::Result<SharedMemory> {
        let bytes = usize::try_from(file.metadata()?.len()).unwrap_or(0);
        let layout = Layout::of_file(bytes).ok_or_else(|| {
            std::io::Error::other("standard input is not the memory of a device worker")
        })?;
        SharedMemory::map(file, layout)
    }

    fn map(file: File, layout: Layout) -> std::io::Result<SharedMemory> {
        let region = MmapRegion::from_file(FileOffset::new(file, 0), layout.bytes())
            .map_err(std::io::Error::other)?;
        Ok(SharedMemory { region, layout })
    }

    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// Where this process sees the area: for a driver that pins it.
    pub(crate) fn area_address(&self) -> *mut u8 {
        self.region.as_ptr().wrapping_add(self.layout.area_start())
    }

    /// One of a ring's words, which are the 16 first multiples of 128 bytes.
    pub(super) fn word(&self, direction: Direction, index: usize) -> &AtomicU32 {
        let ring = match direction {
            Direction::ToWorker => 0,
            Direction::ToHost => HEADER / 2,
        };
        // At most 2048 + 15 * 128 + 4 bytes, within the header that every layout begins
        // with, and at a multiple of 128: neither size nor alignment can be wrong.
        #[expect(clippy::expect_used, reason = "see above")]
        self.region
            .get_atomic_ref(ring + index.min(15) * 128)
            .expect("a word of the header")
    }

    /// Copies into a ring, around its end.
    pub(super) fn ring_write(&self, direction: Direction, at: u32, bytes: &[u8]) {
        let (first, rest) = self.split(at, bytes.len());
        let (head, tail) = bytes.split_at(first);
        self.write_at(self.ring_start(direction) + self.index(at), head);
        debug_assert_eq!(rest, tail.len());
        self.write_at(self.ring_start(direction), tail);
    }

    /// Copies out of a ring, around its end.
    pub(super) fn ring_read(&self, direction: Direction, at: u32, into: &mut [u8]) {
        let (first, _) = self.split(at, into.len());
        let (head, tail) = into.split_at_mut(first);
        self.read_at(self.ring_start(direction) + self.index(at), head);
        self.read_at(self.ring_start(direction), tail);
    }

    fn index(&self, at: u32) -> usize {
        at as usize & (self.layout.ring - 1)
    }

    fn split(&self, at: u32, bytes: usize) -> (usize, usize) {
        let first = bytes.min(self.layout.ring - self.index(at));
        (first, bytes - first)
    }

    fn ring_start(&self, direction: Direction) -> usize {
        match direction {
            Direction::ToWorker => HEADER,
            Direction::ToHost => HEADER + self.layout.ring,
        }
    }

    /// Copies into the area for bulk data; what lies outside of it is left alone.
    pub(crate) fn area_write(&self, offset: usize, bytes: &[u8]) {
        if self.in_area(offset, bytes.len()) {
            self.write_at(self.layout.area_start() + offset, bytes);
        }
    }

    /// Copies out of the area for bulk data; what lies outside of it is left alone.
    pub(crate) fn area_read(&self, offset: usize, into: &mut [u8]) {
        if self.in_area(offset, into.len()) {
            self.read_at(self.layout.area_start() + offset, into);
        }
    }

    /// Whether a range lies in the area.
    pub(crate) fn in_area(&self, offset: usize, bytes: usize) -> bool {
        offset
            .checked_add(bytes)
            .is_some_and(|end| end <= self.layout.area)
    }

    fn write_at(&self, offset: usize, bytes: &[u8]) {
        // The callers have checked the range against the layout.
        let written = self.region.as_volatile_slice().write_slice(bytes, offset);
        debug_assert!(written.is_ok());
    }

    fn read_at(&self, offset: usize, into: &mut [u8]) {
        let read = self.region.as_volatile_slice().read_slice(into, offset);
        debug_assert!(read.is_ok());
    }
}
