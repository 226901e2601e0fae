//! Address space from the operating system, for memory that host and kernels share.
//!
//! The one place of this crate with unsafe code for memory. It guarantees: a [`Mapping`] is never
//! moved and lives as long as anything that refers to it; host code sees it only as atomic words;
//! and behind what is accessible lies, up to the end of what is reserved, what is not.
#![expect(unsafe_code, reason = "address space from the operating system")]

use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use rustix::mm::{
    Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap_anonymous, mprotect, munmap,
};

const WORD: usize = size_of::<AtomicU64>();

/// What offsets and sizes of [`Mapping::discard`] are rounded to.
pub(crate) const PAGE: u64 = 4096;

/// What the operating system has for large pages, in bytes; elsewhere its advice is as good.
pub(crate) const LARGE_PAGE: usize = 2 << 20;

/// From `linux/mman.h`, since Linux 6.1.
const MADV_COLLAPSE: i32 = 25;

/// Zeroed memory, in address space of its own. Pages cost nothing until they are written.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    bytes: usize,
    reserved: usize,
}

// SAFETY: the mapping is shared memory. Host code reaches it through atomics alone, but for
// `Mapping::exclusive`, whose caller vouches for itself; kernels run in an engine that gives races
// on linear memory a defined meaning.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `bytes` of `reserved` bytes; both are multiples of a page. `None` where the operating
    /// system refuses.
    pub(crate) fn new(bytes: usize, reserved: usize) -> Option<Mapping> {
        if bytes > reserved || bytes == 0 {
            return None;
        }
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new mapping at an address that the system chooses touches no other memory.
        let base =
            unsafe { mmap_anonymous(std::ptr::null_mut(), reserved, ProtFlags::empty(), flags) };
        let mapping = Mapping {
            base: NonNull::new(base.ok()?.cast())?,
            bytes,
            reserved,
        };
        // SAFETY: the range is the one that was just mapped, and nobody else knows it yet.
        let opened = unsafe {
            mprotect(
                mapping.base.as_ptr().cast(),
                bytes,
                MprotectFlags::READ | MprotectFlags::WRITE,
            )
        };
        opened.ok()?;
        Some(mapping)
    }

    /// How much is accessible.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How much address space it has.
    pub(crate) fn reserved(&self) -> usize {
        self.reserved
    }

    /// Where it begins, for the engine.
    pub(crate) fn pointer(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// `count` words from an offset on, which is a multiple of a word; none where they are not all
    /// there.
    #[inline]
    pub(crate) fn words(&self, offset: usize, count: usize) -> &[AtomicU64] {
        let end = count
            .checked_mul(WORD)
            .and_then(|bytes| bytes.checked_add(offset));
        if !offset.is_multiple_of(WORD) || end.is_none_or(|end| end > self.bytes) {
            return &[];
        }
        // SAFETY: the range lies within the mapping, which is page-aligned, accessible and zeroed,
        // and lives as long as `self`. Atomics allow others to write it at the same time.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr().add(offset).cast(), count) }
    }

    /// The first `bytes` bytes as plain memory.
    ///
    /// # Safety
    /// Nobody else may touch them as long as the slice lives: no words of them are held, and no
    /// kernel runs on them.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn exclusive(&self, bytes: usize) -> &mut [u8] {
        // SAFETY: the range is accessible; that it is the caller's alone is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr(), bytes.min(self.bytes)) }
    }

    /// Says whether what is written first in a range, of so many bytes, is to have large pages. Only
    /// such are meant as lie in it wholly. It is no more than advice: false where it was not taken.
    pub(crate) fn advise_large_pages(&self, offset: u64, bytes: u64, wanted: bool) -> bool {
        let Some((begin, bytes)) = self.large_pages(offset, bytes) else {
            return false;
        };
        let advice = match wanted {
            true => Advice::LinuxHugepage,
            false => Advice::LinuxNoHugepage,
        };
        // SAFETY: the range lies within the mapping, and the advice changes neither what is in it
        // nor that it is there.
        unsafe { madvise(self.base.as_ptr().add(begin).cast(), bytes, advice) }.is_ok()
    }

    /// Has large pages again where small ones took their place; only such are meant as lie in the range
    /// wholly. It is no more than advice.
    pub(crate) fn rejoin_large_pages(&self, offset: u64, bytes: u64) {
        if let Some((begin, bytes)) = self.large_pages(offset, bytes) {
            // SAFETY: the range lies within the mapping, and nobody sees that what is in it is moved to
            // other pages.
            unsafe {
                let begin = self.base.as_ptr().add(begin);
                libc::madvise(begin.cast(), bytes, MADV_COLLAPSE)
            };
        }
    }

    /// What a range has of large pages, wholly: where the first begins, and the size of all, in bytes.
    fn large_pages(&self, offset: u64, bytes: u64) -> Option<(usize, usize)> {
        let base = self.base.as_ptr().addr();
        let end = offset.saturating_add(bytes).min(self.bytes as u64) as usize;
        let begin = (base + (offset as usize).min(end)).next_multiple_of(LARGE_PAGE) - base;
        let end = (base + end) / LARGE_PAGE * LARGE_PAGE;
        let bytes = end.checked_sub(base + begin)?;
        (bytes > 0).then_some((begin, bytes))
    }

    /// Gives the pages of a range back; they are zeros again. The range is rounded outwards.
    pub(crate) fn discard(&self, offset: u64, bytes: u64) {
        let begin = offset - offset % PAGE;
        let end = (offset + bytes)
            .next_multiple_of(PAGE)
            .min(self.bytes as u64);
        if end <= begin {
            return;
        }
        // SAFETY: the pages lie within the mapping. To whoever still reads them, they turn to zeros:
        // words are atomic, and any value is one of theirs.
        let given_back = unsafe {
            madvise(
                self.base.as_ptr().add(begin as usize).cast(),
                (end - begin) as usize,
                Advice::LinuxDontNeed,
            )
        };
        if let Err(error) = given_back {
            tracing::warn!(%error, "the operating system does not take memory back");
            for word in self.words(begin as usize, ((end - begin) as usize) / WORD) {
                word.store(0, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new`, and nothing refers to it any more.
        let unmapped = unsafe { munmap(self.base.as_ptr().cast(), self.reserved) };
        if let Err(error) = unmapped {
            tracing::warn!(%error, "the operating system does not take address space back");
        }
    }
}
