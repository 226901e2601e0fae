//! The bytes of one allocation. They lie in atomic words, since blocks of a
//! kernel run in parallel and may race: a race between relaxed atomics gives a
//! guest odd values, and never undefined behaviour to the host. What is narrower
//! than a word is exchanged within its word. Ranges are checked by the callers;
//! a range that is outside nevertheless is left alone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use super::arena::Span;
use super::copy::{read_words, write_words};
use super::written::Written;

const WORD: usize = size_of::<u64>();

/// One zeroed allocation, never given to anyone else afterwards.
#[derive(Debug)]
pub(crate) struct Storage {
    place: Backing,
    bytes: u64,
    /// Where kernels are checked.
    written: Option<Written>,
    /// Where it is kept as another one is.
    follows: OnceLock<Option<Followed>>,
}

/// Whose writes are noted for a copy of it, until that copy is gone.
#[derive(Debug)]
struct Followed(Weak<Storage>);

impl Followed {
    /// `None` where they are not noted, or for another copy.
    fn new(source: &Arc<Storage>) -> Option<Followed> {
        let is_watched = source.span()?.watch_writes();
        is_watched.then(|| Followed(Arc::downgrade(source)))
    }

    fn is(&self, source: &Arc<Storage>) -> bool {
        std::ptr::eq(self.0.as_ptr(), Arc::as_ptr(source))
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        if let Some(source) = self.0.upgrade()
            && let Some(span) = source.span()
        {
            span.forget_writes();
        }
    }
}

#[derive(Debug)]
enum Backing {
    Heap(Box<[AtomicU64]>),
    /// Where compiled kernels reach it.
    Arena(Span),
}

impl Storage {
    /// Zeroed memory; pages cost nothing until they are written.
    /// `None` where the host has no room.
    pub(crate) fn zeroed(bytes: u64) -> Option<Storage> {
        let words = usize::try_from(bytes.div_ceil(WORD as u64)).ok()?;
        let words = bytemuck::allocation::try_zeroed_slice_box(words).ok()?;
        Some(Storage {
            place: Backing::Heap(words),
            bytes,
            written: None,
            follows: OnceLock::new(),
        })
    }

    /// A range of a session's arena.
    pub(crate) fn within(span: Span, bytes: u64) -> Storage {
        Storage {
            place: Backing::Arena(span),
            bytes,
            written: None,
            follows: OnceLock::new(),
        }
    }

    /// The same, which notes from now on what is written. `None` where the host has no room.
    pub(crate) fn noting(mut self) -> Option<Storage> {
        self.written = Some(Written::none_of(self.bytes)?);
        Some(self)
    }

    /// Notes that a range is written, or is not any more.
    pub(crate) fn note(&self, offset: u64, bytes: u64, is_written: bool) {
        if let Some(written) = &self.written {
            written.set(offset, bytes, is_written);
        }
    }

    /// The first byte of a range that was never written, where that is noted.
    pub(crate) fn first_unwritten(&self, offset: u64, bytes: u64) -> Option<u64> {
        self.written.as_ref()?.first_unwritten(offset, bytes)
    }

    #[inline]
    fn words(&self) -> &[AtomicU64] {
        match &self.place {
            Backing::Heap(words) => words,
            Backing::Arena(span) => span.words(),
        }
    }

    /// Where it lies in an arena.
    fn span(&self) -> Option<&Span> {
        match &self.place {
            Backing::Heap(_) => None,
            Backing::Arena(span) => Some(span),
        }
    }

    /// In bytes.
    pub(crate) fn size(&self) -> u64 {
        self.bytes
    }

    /// The value of 1, 2, 4 or 8 bytes at an offset aligned to as many.
    #[inline]
    pub(crate) fn load(&self, offset: usize, bytes: u32) -> Option<u64> {
        let word = self.words().get(offset / WORD)?.load(Ordering::Relaxed);
        Some((word >> shift_of(offset)) & mask_of(bytes))
    }

    /// Stores the low `bytes` bytes of `value` at an offset aligned to as many.
    #[inline]
    pub(crate) fn store(&self, offset: usize, bytes: u32, value: u64) -> Option<()> {
        let word = self.words().get(offset / WORD)?;
        if bytes as usize == WORD {
            word.store(value, Ordering::Relaxed);
        } else {
            let (shift, mask) = (shift_of(offset), mask_of(bytes));
            replace(word, mask << shift, (value & mask) << shift);
        }
        Some(())
    }

    /// Replaces a value by what `f` makes of it, in one atomic step; the old value.
    #[inline]
    pub(crate) fn update(
        &self,
        offset: usize,
        bytes: u32,
        f: &mut dyn FnMut(u64) -> u64,
    ) -> Option<u64> {
        let word = self.words().get(offset / WORD)?;
        let (shift, mask) = (shift_of(offset), mask_of(bytes));
        let mut whole = word.load(Ordering::Acquire);
        loop {
            let old = (whole >> shift) & mask;
            let new = (whole & !(mask << shift)) | ((f(old) & mask) << shift);
            match word.compare_exchange_weak(whole, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(old),
                Err(other) => whole = other,
            }
        }
    }

    /// Copies bytes from `offset` on into `out`.
    pub(crate) fn read(&self, offset: usize, mut out: &mut [u8]) {
        let skew = offset % WORD;
        let mut index = offset / WORD;
        if skew != 0 {
            let (head, rest) = out.split_at_mut(out.len().min(WORD - skew));
            self.read_part(index, skew, head);
            out = rest;
            index += 1;
        }
        let (body, tail) = out.as_chunks_mut::<WORD>();
        let Some(words) = self.words().get(index..) else {
            return;
        };
        read_words(words, body);
        self.read_part(index + body.len(), 0, tail);
    }

    /// Copies `data` to `offset`.
    pub(crate) fn write(&self, offset: usize, mut data: &[u8]) {
        self.note(offset as u64, data.len() as u64, true);
        let skew = offset % WORD;
        let mut index = offset / WORD;
        if skew != 0 {
            let (head, rest) = data.split_at(data.len().min(WORD - skew));
            self.write_part(index, skew, head);
            data = rest;
            index += 1;
        }
        let (body, tail) = data.as_chunks::<WORD>();
        let Some(words) = self.words().get(index..) else {
            return;
        };
        write_words(words, body);
        self.write_part(index + body.len(), 0, tail);
    }

    /// Sets `bytes` bytes from `offset` on to `value`.
    pub(crate) fn fill(&self, offset: usize, bytes: usize, value: u8) {
        self.note(offset as u64, bytes as u64, true);
        let pattern = [value; WORD];
        let skew = offset % WORD;
        let mut index = offset / WORD;
        let mut left = bytes;
        if skew != 0 {
            let head = left.min(WORD - skew);
            self.write_part(index, skew, pattern.get(..head).unwrap_or_default());
            left -= head;
            index += 1;
        }
        let Some(words) = self.words().get(index..) else {
            return;
        };
        for word in words.iter().take(left / WORD) {
            word.store(u64::from_le_bytes(pattern), Ordering::Relaxed);
        }
        let tail = pattern.get(..left % WORD).unwrap_or_default();
        self.write_part(index + left / WORD, 0, tail);
    }

    /// Copies bytes by way of `through`, which holds them all. What was never written in one place
    /// counts as never written in the other.
    pub(crate) fn copy(
        &self,
        offset: usize,
        target: &Storage,
        target_offset: usize,
        through: &mut [u8],
    ) {
        let (from, to) = (offset as u64, target_offset as u64);
        let gaps = self.gaps(from, through.len() as u64);
        self.read(offset, through);
        target.write(target_offset, through);
        for (gap, bytes) in gaps {
            target.note(to + (gap - from), bytes, false);
        }
    }

    /// Copies what was written to a range since it was last copied so, to the same place of a target to
    /// which nothing else is written: the first time all of it. Where it
    /// is not noted what is written, or for another target, all is copied. Of ranges beside each other
    /// each page is copied with the range in which it begins, and pages are copied as a whole. It goes by
    /// way of `through`.
    pub(crate) fn copy_written(
        self: &Arc<Self>,
        offset: u64,
        bytes: u64,
        target: &Storage,
        through: &mut [u8],
    ) {
        let follows = target.follows.get_or_init(|| Followed::new(self));
        let follows = follows.as_ref().filter(|followed| followed.is(self));
        let span = follows.and_then(|_| self.span());
        let parts = span.and_then(|span| span.take_written(offset, bytes));
        for (begin, bytes) in parts.unwrap_or_else(|| vec![(offset, bytes)]) {
            let mut done = 0;
            while done < bytes {
                let piece = (bytes - done).min(through.len() as u64);
                let Some(through) = through.get_mut(..piece as usize).filter(|_| piece > 0) else {
                    return;
                };
                let at = (begin + done) as usize;
                self.copy(at, target, at, through);
                done += piece;
            }
        }
    }

    /// The ranges within a range that were never written: where each begins, and its size.
    fn gaps(&self, offset: u64, bytes: u64) -> Vec<(u64, u64)> {
        let mut gaps: Vec<(u64, u64)> = Vec::new();
        let (mut at, end) = (offset, offset.saturating_add(bytes));
        while let Some(gap) = self.first_unwritten(at, end - at) {
            match gaps.last_mut() {
                Some((begin, size)) if *begin + *size == gap => *size += 1,
                _ => gaps.push((gap, 1)),
            }
            at = gap + 1;
        }
        gaps
    }

    fn read_part(&self, index: usize, skew: usize, out: &mut [u8]) {
        let Some(word) = self.words().get(index) else {
            return;
        };
        let bytes = word.load(Ordering::Relaxed).to_le_bytes();
        for (to, from) in out.iter_mut().zip(bytes.iter().skip(skew)) {
            *to = *from;
        }
    }

    fn write_part(&self, index: usize, skew: usize, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        let Some(word) = self.words().get(index) else {
            return;
        };
        let (mut mask, mut value) = ([0; WORD], [0; WORD]);
        let places = mask.iter_mut().zip(value.iter_mut()).skip(skew);
        for ((mask, value), byte) in places.zip(data) {
            *mask = 0xff;
            *value = *byte;
        }
        replace(word, u64::from_le_bytes(mask), u64::from_le_bytes(value));
    }
}

#[inline]
fn shift_of(offset: usize) -> u32 {
    (offset % WORD) as u32 * 8
}

#[inline]
fn mask_of(bytes: u32) -> u64 {
    u64::MAX >> (64 - 8 * bytes.clamp(1, 8))
}

/// Sets the bits of `mask` to those of `value`, and leaves the others.
#[inline]
fn replace(word: &AtomicU64, mask: u64, value: u64) {
    let mut old = word.load(Ordering::Relaxed);
    while let Err(other) = word.compare_exchange_weak(
        old,
        (old & !mask) | value,
        Ordering::Relaxed,
        Ordering::Relaxed,
    ) {
        old = other;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use proptest::prelude::*;
    use proptest::strategy::ValueTree;

    use super::*;
    use crate::memory::{AddressMap, WriteLog};

    /// More than what is copied in one step.
    const SIZE: usize = 300;

    proptest! {
        #[test]
        fn ranges_of_any_alignment_behave_like_a_slice_of_bytes(
            steps in prop::collection::vec((0..SIZE, 0..SIZE, any::<u8>(), 0_u8..3), 1..40),
        ) {
            let storage = Storage::zeroed(SIZE as u64).unwrap();
            let mut model = [0_u8; SIZE];
            for (start, length, value, what) in steps {
                let length = length.min(SIZE - start);
                let range = start..start + length;
                match what {
                    0 => {
                        let data: Vec<u8> = (0..length).map(|i| value.wrapping_add(i as u8)).collect();
                        storage.write(start, &data);
                        model[range].copy_from_slice(&data);
                    }
                    1 => {
                        storage.fill(start, length, value);
                        model[range].fill(value);
                    }
                    _ => {
                        let mut out = vec![0; length];
                        storage.read(start, &mut out);
                        prop_assert_eq!(&out[..], &model[range]);
                    }
                }
            }
            let mut all = [0; SIZE];
            storage.read(0, &mut all);
            prop_assert_eq!(all, model);
        }
    }

    #[test]
    fn values_narrower_than_a_word_leave_their_neighbours() {
        let storage = Storage::zeroed(16).unwrap();
        storage.store(8, 8, u64::MAX).unwrap();
        storage.store(10, 2, 0x1_1234).unwrap();
        assert_eq!(storage.load(8, 8), Some(0xffff_ffff_1234_ffff));
        assert_eq!(storage.load(10, 2), Some(0x1234));
        assert_eq!(
            storage.update(12, 4, &mut |old| old.wrapping_add(2)),
            Some(0xffff_ffff)
        );
        assert_eq!(storage.load(8, 8), Some(0x0000_0001_1234_ffff));
        assert_eq!(storage.load(16, 1), None);
    }

    #[test]
    fn what_was_never_written_stays_so_when_it_is_copied() {
        let [from, to] = [64, 64].map(|bytes| Storage::zeroed(bytes).unwrap().noting().unwrap());
        from.write(3, &[1; 5]);
        to.fill(0, 64, 7);
        from.copy(0, &to, 16, &mut [0; 16]);
        assert_eq!(to.first_unwritten(0, 64), Some(16));
        assert_eq!(to.first_unwritten(19, 5), None);
        assert_eq!(to.first_unwritten(19, 45), Some(24));
        assert_eq!(to.first_unwritten(32, 32), None);
        assert_eq!(to.load(16, 8), Some(0x0101_0101_0100_0000));
    }

    #[test]
    fn an_allocation_that_cannot_be_is_refused() {
        assert!(Storage::zeroed(u64::MAX).is_none());
        assert!(Storage::zeroed(1 << 62).is_none());
        assert_eq!(Storage::zeroed(0).unwrap().size(), 0);
    }

    /// A buffer of an arena, as kernels have it: it begins and ends within a page.
    fn within_an_arena(map: &AddressMap) -> Arc<Storage> {
        let (_, storage) = map.allocate((3 << 20) + 1000, false).unwrap();
        storage
    }

    #[test]
    fn a_copy_is_brought_up_to_date_whatever_was_written_where() {
        let map = AddressMap::new(false);
        map.allocate(100, false).unwrap();
        let (source, copy) = (within_an_arena(&map), within_an_arena(&map));
        let other = within_an_arena(&map);
        let size = source.size() as usize;
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let places = prop::collection::vec((0..size, 1_usize..10_000, any::<u8>()), 1..9);
        let refresh = |copy: &Storage, step: u64| {
            let mut bounce = [0; 5000];
            let mut at = 0;
            while at < size as u64 {
                let piece = step.min(size as u64 - at);
                source.copy_written(at, piece, copy, &mut bounce);
                at += piece;
            }
        };
        for step in [1 << 20, 777, 4096, 64 << 20, 4097] {
            let values = places.new_tree(&mut runner).unwrap().current();
            for (at, bytes, value) in values {
                source.fill(at, bytes.min(size - at), value);
            }
            refresh(&copy, step);
            // A second one at the same time has all copied.
            refresh(&other, step);
            let contents = [&source, &copy, &other].map(|storage| {
                let mut content = vec![0; size];
                storage.read(0, &mut content);
                content
            });
            assert!(contents[0] == contents[1] && contents[0] == contents[2]);
        }
    }

    #[test]
    fn only_pages_that_were_written_are_copied_again() {
        if WriteLog::of_this_process().is_none() {
            eprintln!("skipped: this system notes no writes");
            return;
        }
        let map = AddressMap::new(false);
        let source = within_an_arena(&map);
        let (address, copy) = map.allocate(source.size(), false).unwrap();
        let size = source.size();
        source.fill(0, size as usize, 1);
        let mut bounce = [0; 4096];
        source.copy_written(0, size, &copy, &mut bounce);
        let value = |at: usize| copy.load(at, 1).unwrap();
        assert_eq!((value(0), value(1 << 20)), (1, 1));
        // Where this stays, nothing was copied.
        copy.fill(0, size as usize, 9);
        source.fill(2 << 20, 1, 2);
        source.copy_written(0, size, &copy, &mut bounce);
        assert_eq!(value(2 << 20), 2);
        assert_eq!(
            (value(0), value(1 << 20), value(size as usize - 1)),
            (9, 9, 9)
        );
        // Once the copy is gone, another one may follow.
        map.remove(address);
        drop(copy);
        let next = within_an_arena(&map);
        source.copy_written(0, size, &next, &mut bounce);
        next.fill(0, size as usize, 9);
        source.copy_written(0, size, &next, &mut bounce);
        assert_eq!(next.load(0, 1).unwrap(), 9);
    }
}
