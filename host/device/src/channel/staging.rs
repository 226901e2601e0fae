//! The allocator of the area for bulk data. The host allocates from it; a worker only reads and
//! writes the spans that requests name.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use offset_allocator::{Allocation, Allocator};
use tokio::sync::Notify;

use super::SharedMemory;
use super::wire::Span;
use crate::sync::lock;

/// The granularity of allocations, in bytes.
const UNIT: usize = 256;

/// The largest allocation, as a part of the whole: so that copying one piece and
/// sending the next overlap.
const PARTS: usize = 4;

/// The area, and what of it is free.
pub(crate) struct StagingArea {
    memory: Arc<SharedMemory>,
    free: Mutex<Allocator<u32>>,
    changed: Notify,
    closed: AtomicBool,
}

impl std::fmt::Debug for StagingArea {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StagingArea").finish_non_exhaustive()
    }
}

impl StagingArea {
    pub(crate) fn new(memory: &Arc<SharedMemory>) -> Arc<StagingArea> {
        let units = memory.layout().area / UNIT;
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        Arc::new(StagingArea {
            memory: Arc::clone(memory),
            // One more than there ever are at a time.
            free: Mutex::new(Allocator::with_max_allocs(units, units.clamp(16, 64 << 10))),
            changed: Notify::new(),
            closed: AtomicBool::new(false),
        })
    }

    /// How many bytes one allocation has at most.
    pub(crate) fn largest(&self) -> usize {
        self.memory.layout().area / PARTS
    }

    /// The worker is gone: whoever waits for room gets none.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// Room for this many bytes, waiting for it if need be. `None` for more than the
    /// [largest](StagingArea::largest), and once the area is closed.
    pub(crate) async fn take(self: &Arc<Self>, bytes: usize) -> Option<AreaSlice> {
        if bytes > self.largest() {
            return None;
        }
        loop {
            let changed = self.changed.notified();
            let mut changed = std::pin::pin!(changed);
            changed.as_mut().enable();
            if self.closed.load(Ordering::Acquire) {
                return None;
            }
            if let Some(area) = self.try_take(bytes) {
                return Some(area);
            }
            changed.await;
        }
    }

    /// Room for this many bytes, if there is any now.
    pub(crate) fn try_take(self: &Arc<Self>, bytes: usize) -> Option<AreaSlice> {
        let units = u32::try_from(bytes.div_ceil(UNIT).max(1)).ok()?;
        let allocation = lock(&self.free).allocate(units)?;
        Some(AreaSlice {
            staging: Arc::clone(self),
            allocation: Some(allocation),
            offset: allocation.offset as usize * UNIT,
            bytes,
        })
    }
}

/// A part of the area, freed when dropped. It must live for as long as the worker may
/// read or write there.
pub(crate) struct AreaSlice {
    staging: Arc<StagingArea>,
    allocation: Option<Allocation<u32>>,
    offset: usize,
    bytes: usize,
}

impl std::fmt::Debug for AreaSlice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AreaSlice")
            .field("offset", &self.offset)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl AreaSlice {
    pub(crate) fn span(&self) -> Span {
        Span {
            offset: self.offset as u64,
            bytes: self.bytes as u64,
        }
    }

    /// Its size, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Fills it from its start, on so many threads.
    pub(crate) fn write(&self, bytes: &[u8], threads: usize) {
        let most = bytes.len().min(self.bytes);
        let bytes = bytes.get(..most).unwrap_or_default();
        let parts = bytes.chunks(part_bytes(most, threads));
        copy_on_threads(self.offset, parts, |part, offset| {
            self.staging.memory.area_write(offset, part);
        });
    }

    /// Copies what is there, on so many threads.
    pub(crate) fn read(&self, into: &mut [u8], threads: usize) {
        let most = into.len().min(self.bytes);
        let into = into.get_mut(..most).unwrap_or_default();
        let parts = into.chunks_mut(part_bytes(most, threads));
        copy_on_threads(self.offset, parts, |part, offset| {
            self.staging.memory.area_read(offset, part);
        });
    }
}

/// How many bytes each of so many threads copies, but the last one: whole pages, so that no two write
/// to one line of a cache.
fn part_bytes(bytes: usize, threads: usize) -> usize {
    bytes
        .div_ceil(threads.max(1))
        .next_multiple_of(4096)
        .max(4096)
}

/// Copies parts that lie one behind the other from an offset on, each on a thread; the last one, which is
/// often the only one, on this thread. Where no more threads can be started, this one copies all.
fn copy_on_threads<P: AsRef<[u8]> + Send>(
    offset: usize,
    parts: impl ExactSizeIterator<Item = P>,
    copy: impl Fn(P, usize) + Sync,
) {
    let mut at = offset;
    let mut left: Vec<(P, usize)> = Vec::with_capacity(parts.len());
    for part in parts {
        let bytes = part.as_ref().len();
        left.push((part, at));
        at += bytes;
    }
    let others = left.len().saturating_sub(1);
    let left = Mutex::new(left);
    let next = || lock(&left).pop();
    let work = || {
        while let Some((part, at)) = next() {
            copy(part, at);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..others {
            let builder = std::thread::Builder::new().name("copies".to_owned());
            if builder.spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
}

impl Drop for AreaSlice {
    fn drop(&mut self) {
        if let Some(allocation) = self.allocation.take() {
            lock(&self.staging.free).free(allocation);
            self.staging.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::channel::Layout;

    fn staging(bytes: usize) -> Arc<StagingArea> {
        let (memory, _file) = SharedMemory::create(Layout::of(bytes)).unwrap();
        StagingArea::new(&Arc::new(memory))
    }

    #[test]
    fn slices_do_not_overlap_and_freed_ones_are_allocated_again() {
        let staging = staging(16 << 10);
        let areas: Vec<_> = (0..4).map(|_| staging.try_take(4096).unwrap()).collect();
        for (number, area) in areas.iter().enumerate() {
            area.write(&[number as u8; 4096], 1);
        }
        for (number, area) in areas.iter().enumerate() {
            let mut bytes = [0xff; 4096];
            area.read(&mut bytes, 1);
            assert_eq!(bytes, [number as u8; 4096]);
        }
        assert!(staging.try_take(1).is_none());
        drop(areas);
        assert!(staging.try_take(4096).is_some());
    }

    #[test]
    fn several_threads_copy_what_one_does() {
        let staging = staging(1 << 20);
        let area = staging.try_take(100_003).unwrap();
        let bytes: Vec<u8> = (0_u32..100_003)
            .map(|at| (at * 7 + at / 251) as u8)
            .collect();
        for threads in [1, 2, 3, 64] {
            area.write(&vec![0; bytes.len()], 1);
            area.write(&bytes, threads);
            for readers in [1, 2, 5] {
                let mut read = vec![0; bytes.len()];
                area.read(&mut read, readers);
                assert_eq!(read, bytes, "{threads} threads, {readers} readers");
            }
        }
        area.write(&[], 2);
    }

    #[test]
    fn a_caller_that_finds_no_room_waits_until_some_is_freed() {
        let staging = staging(16 << 10);
        let mut areas: Vec<_> = (0..4).map(|_| staging.try_take(4096).unwrap()).collect();
        let mut waiting = pin!(staging.take(4096));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        areas.pop();
        assert!(matches!(
            waiting.as_mut().poll(&mut context),
            Poll::Ready(Some(_))
        ));
    }
}
