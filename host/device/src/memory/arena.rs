//! A session's device memory as one range of addresses, which compiled kernels see as a whole: the
//! address of an allocation says where in it the allocation lies.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::mapping::{Mapping, PAGE};
use super::write_log::{Part, WriteLog};
use crate::sync::lock;

/// How much memory a session's compiled kernels reach: what 32 bits address.
pub(crate) const ARENA_BYTES: u64 = 4 << 30;

/// What the engine wants to lie behind a memory, not accessible: so far may an instruction's own
/// offset reach.
pub(crate) const GUARD_BYTES: u64 = (1 << 30) + (64 << 10);

/// Every allocation starts at a multiple of this, as CUDA's do.
pub(crate) const ALIGNMENT: u64 = 256;

/// What lies between two allocations, in bytes, at least: so they share no page either.
pub(crate) const GAP: u64 = PAGE;

/// Where the first allocation may lie.
const FIRST: u64 = 64 << 10;

/// From this size on, in bytes, an allocation has large pages: kernels that go through memory are a
/// quarter faster. Smaller ones have none, so that no tenant holds more than it allocated.
const LARGE: u64 = 4 << 20;

/// How many allocations of a process may have them at a time. Each splits its arena's mapping, and
/// the operating system lets a process have some 65,000. One session's arena has room for a quarter
/// of them; who comes too late has small pages.
const MOST_LARGE: usize = 4096;

/// How many have them.
static LARGE_COUNT: AtomicUsize = AtomicUsize::new(0);

/// From this size on, in bytes, the system is asked which pages of an allocation are written. Smaller ones
/// are copied sooner than that is found out.
const WATCHED: u64 = 1 << 20;

/// How many allocations of a process are watched at a time, since each splits its arena's mapping, too.
const MOST_WATCHED: usize = 4096;

/// How many are watched.
static WATCHED_COUNT: AtomicUsize = AtomicUsize::new(0);

/// The memory of one session.
#[derive(Debug)]
pub(crate) struct Arena {
    mapping: Arc<Mapping>,
    used: Mutex<Used>,
}

#[derive(Debug)]
struct Used {
    /// The ranges in use, by where they begin.
    ranges: BTreeMap<u64, u64>,
    /// Where the next one is looked for: behind the last, so that an address comes back as late as
    /// possible.
    next: u64,
}

impl Arena {
    /// `None` where the operating system has no such address space to give.
    pub(crate) fn new() -> Option<Arc<Arena>> {
        let bytes = usize::try_from(ARENA_BYTES).ok()?;
        let reserved = usize::try_from(ARENA_BYTES + GUARD_BYTES).ok()?;
        let mapping = Mapping::new(bytes, reserved)?;
        mapping.advise_large_pages(0, ARENA_BYTES, false);
        Some(Arc::new(Arena {
            mapping: Arc::new(mapping),
            used: Mutex::new(Used {
                ranges: BTreeMap::new(),
                next: FIRST,
            }),
        }))
    }

    pub(crate) fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    /// A zeroed range, until it is dropped; `None` where there is no room.
    pub(crate) fn take(self: &Arc<Self>, bytes: u64) -> Option<Span> {
        let mut used = lock(&self.used);
        let offset = used
            .find(used.next, ARENA_BYTES, bytes)
            .or_else(|| used.find(FIRST, used.next, bytes))?;
        used.ranges.insert(offset, offset + bytes);
        used.next = offset + bytes + GAP;
        drop(used);
        Some(Span {
            arena: Arc::clone(self),
            offset,
            bytes,
            large: (bytes >= LARGE)
                .then(|| LargePages::of(&self.mapping, offset, bytes))
                .flatten(),
            is_watched: AtomicBool::new(false),
        })
    }
}

impl Used {
    /// A gap for so many bytes that begins in a range.
    fn find(&self, from: u64, until: u64, bytes: u64) -> Option<u64> {
        let before = self.ranges.range(..=from).next_back();
        let mut at = before.map_or(from, |(_, end)| from.max(end + GAP));
        for (begin, end) in self.ranges.range(from.saturating_add(1)..) {
            at = at.checked_next_multiple_of(ALIGNMENT)?;
            if at.checked_add(bytes)?.checked_add(GAP)? <= *begin || at >= until {
                break;
            }
            at = end + GAP;
        }
        at = at.checked_next_multiple_of(ALIGNMENT)?;
        let end = at.checked_add(bytes)?.checked_add(GAP)?;
        (at < until && end <= ARENA_BYTES).then_some(at)
    }
}

/// That a range has large pages: one of the few for which there is room.
#[derive(Debug)]
struct LargePages;

impl LargePages {
    fn of(mapping: &Mapping, offset: u64, bytes: u64) -> Option<LargePages> {
        let more = |count: usize| (count < MOST_LARGE).then_some(count + 1);
        let order = Ordering::Relaxed;
        LARGE_COUNT.fetch_update(order, order, more).ok()?;
        let large = LargePages;
        mapping
            .advise_large_pages(offset, bytes, true)
            .then_some(large)
    }
}

impl Drop for LargePages {
    fn drop(&mut self) {
        LARGE_COUNT.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A range of an arena.
#[derive(Debug)]
pub(crate) struct Span {
    arena: Arc<Arena>,
    offset: u64,
    bytes: u64,
    large: Option<LargePages>,
    /// Whether it is noted which of its pages are written.
    is_watched: AtomicBool,
}

impl Span {
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Its memory, in words; the last may have bytes that are nobody's.
    #[inline]
    pub(crate) fn words(&self) -> &[AtomicU64] {
        // Offsets and sizes fit the host's addresses, since the arena does.
        let count = self.bytes.div_ceil(8) as usize;
        self.arena.mapping.words(self.offset as usize, count)
    }

    /// Has it noted from now on which pages are written, until [`forget_writes`](Span::forget_writes). False
    /// where that is not possible, or somebody else has it noted already.
    pub(super) fn watch_writes(&self) -> bool {
        let Some(log) = WriteLog::of_this_process() else {
            return false;
        };
        let more = |count: usize| (count < MOST_WATCHED).then_some(count + 1);
        let order = Ordering::Relaxed;
        if self.bytes < WATCHED || self.is_watched.swap(true, Ordering::AcqRel) {
            return false;
        }
        if WATCHED_COUNT.fetch_update(order, order, more).is_ok() {
            if log.watch(&self.arena.mapping, (self.offset, self.bytes)) {
                return true;
            }
            WATCHED_COUNT.fetch_sub(1, order);
        }
        self.is_watched.store(false, Ordering::Release);
        false
    }

    /// The parts that were written since they were taken last, or since ever, of the pages that begin in a
    /// range: such as it ends in the middle of, and not such as it begins in the middle of, but for the
    /// first page. So ranges beside each other have each page once. All of these pages where the system does
    /// not say which were written, and `None` where it never does.
    pub(super) fn take_written(&self, offset: u64, bytes: u64) -> Option<Vec<Part>> {
        let begin = match offset {
            0 => self.offset,
            _ => self
                .offset
                .checked_add(offset)?
                .checked_next_multiple_of(PAGE)?,
        };
        let end = self.offset.checked_add(offset)?.checked_add(bytes)?;
        let Some(bytes) = end.checked_sub(begin).filter(|bytes| *bytes > 0) else {
            return Some(Vec::new());
        };
        let log = WriteLog::of_this_process()?;
        let parts = log.take(&self.arena.mapping, (begin, bytes));
        let all = (begin, end.next_multiple_of(PAGE).saturating_sub(begin));
        let mut parts = parts.unwrap_or_else(|| vec![all]);
        for (begin, bytes) in &mut parts {
            let end = (*begin + *bytes).min(self.offset + self.bytes) - self.offset;
            *begin = begin.saturating_sub(self.offset);
            *bytes = end.saturating_sub(*begin);
        }
        Some(parts)
    }

    /// Has no more noted which pages are written. Those that were split for it become large again.
    pub(super) fn forget_writes(&self) {
        if self.end_watch() && self.large.is_some() {
            let mapping = &self.arena.mapping;
            mapping.rejoin_large_pages(self.offset, self.bytes);
        }
    }

    /// False where nothing was noted.
    fn end_watch(&self) -> bool {
        if !self.is_watched.load(Ordering::Acquire) {
            return false;
        }
        if let Some(log) = WriteLog::of_this_process() {
            log.forget(&self.arena.mapping, (self.offset, self.bytes));
        }
        WATCHED_COUNT.fetch_sub(1, Ordering::Relaxed);
        self.is_watched.store(false, Ordering::Release);
        true
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        self.end_watch();
        // Zeros first, and then somebody else's.
        let mapping = &self.arena.mapping;
        mapping.discard(self.offset, self.bytes);
        if self.large.is_some() {
            mapping.advise_large_pages(self.offset, self.bytes, false);
        }
        lock(&self.arena.used).ranges.remove(&self.offset);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use crate::memory::LARGE_PAGE;

    /// The flags of each mapping of this process, by its addresses, as the operating system says.
    fn mappings() -> Vec<(std::ops::Range<usize>, String)> {
        let said = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut found = Vec::new();
        let mut range = 0..0;
        for line in said.lines() {
            let word = line.split_whitespace().next().unwrap_or_default();
            if let Some(flags) = line.strip_prefix("VmFlags:") {
                found.push((range.clone(), format!("{flags} ")));
            } else if let Some((begin, end)) = word.split_once('-') {
                let number = |text| usize::from_str_radix(text, 16).unwrap();
                range = number(begin)..number(end);
            }
        }
        found
    }

    /// For one test at a time, as all of them count; `None` where the operating system has no large
    /// pages.
    fn large_pages() -> Option<std::sync::MutexGuard<'static, ()>> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        if !std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
            eprintln!("skipped: this system has no large pages");
            return None;
        }
        Some(lock(&ONE_AT_A_TIME))
    }

    #[test]
    fn only_large_allocations_have_large_pages_and_nothing_beside_them() {
        let Some(_alone) = large_pages() else {
            return;
        };
        let flags = |place: usize| {
            let found = mappings()
                .into_iter()
                .find(|(range, _)| range.contains(&place));
            found.unwrap().1
        };
        let arena = Arena::new().unwrap();
        let address = |span: &Span| span.words().as_ptr().addr();
        let before = arena.take(5000).unwrap();
        let large = arena.take(LARGE).unwrap();
        let behind = arena.take(5000).unwrap();
        let middle = address(&large) + LARGE as usize / 2;
        assert!(flags(middle).contains(" hg "), "{}", flags(middle));
        for place in [
            address(&before),
            address(&behind),
            address(&large) / LARGE_PAGE * LARGE_PAGE,
            (address(&large) + LARGE as usize).next_multiple_of(LARGE_PAGE) - 1,
        ] {
            assert!(flags(place).contains(" nh "), "{}", flags(place));
        }
        // Who is there next may be small.
        drop(large);
        assert!(flags(middle).contains(" nh "), "{}", flags(middle));
    }

    #[test]
    fn no_number_of_large_allocations_uses_up_the_mappings_of_the_process() {
        let Some(_alone) = large_pages() else {
            return;
        };
        let mut held = Vec::new();
        for _ in 0..6 {
            let arena = Arena::new().unwrap();
            held.extend(std::iter::from_fn(|| arena.take(LARGE)));
        }
        assert!(held.len() > MOST_LARGE);
        let large = |(_, flags): &(_, String)| flags.contains(" hg ");
        let count = mappings().iter().filter(|mapping| large(mapping)).count();
        assert!((1..=MOST_LARGE).contains(&count), "{count}");
        // What is given back makes room for others.
        held.clear();
        let arena = Arena::new().unwrap();
        assert!(arena.take(LARGE).unwrap().large.is_some());
    }

    #[test]
    fn ranges_do_not_share_a_page_and_come_back_as_zeros() {
        let arena = Arena::new().unwrap();
        let (first, second) = (arena.take(100).unwrap(), arena.take(0).unwrap());
        let third = arena.take(13).unwrap();
        assert!(first.offset() + 100 + GAP <= second.offset());
        assert!(second.offset() + GAP <= third.offset());
        first.words()[12].store(7, Ordering::Relaxed);
        third.words()[1].store(9, Ordering::Relaxed);
        drop(first);
        assert_eq!(third.words()[1].load(Ordering::Relaxed), 9);
        let again = arena.take(ARENA_BYTES).is_none();
        assert!(again);
    }

    #[test]
    fn an_address_comes_back_only_when_all_others_were_given_out() {
        let arena = Arena::new().unwrap();
        let large = ARENA_BYTES / 4;
        let first = arena.take(large).unwrap().offset();
        let second = arena.take(large).unwrap();
        let third = arena.take(large).unwrap();
        assert!(first < second.offset() && second.offset() < third.offset());
        // The rest is too small for one more, so the first place is used again.
        let fourth = arena.take(large).unwrap();
        assert_eq!(fourth.offset(), first);
        assert_eq!(fourth.words().len() as u64, large / 8);
        assert!(arena.take(large).is_none());
        drop(second);
        assert!(arena.take(large).is_some());
    }
}
