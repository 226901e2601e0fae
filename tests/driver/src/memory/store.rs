//! The bytes of one allocation, as atomic words: kernels and copies may race over them, and a race
//! gives odd values then, and never undefined behaviour.
//!
//! Memory that was never written reads as [`PATTERN`], so that a host that forgets to zero it is
//! found out. To make this cost nothing, words are kept with the pattern's bits flipped, and pages
//! that nobody wrote are the system's zeros. Memory of the host that kernels may reach is kept as
//! it is, where it is.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::ffi::Host;

const WORD: usize = size_of::<u64>();

/// What fresh memory is full of.
const PATTERN: u64 = 0xa5a5_a5a5_a5a5_a5a5;

pub(crate) struct Store {
    /// The first word. It begins `skew` bytes before the first byte of the allocation.
    words: *const AtomicU64,
    skew: usize,
    bytes: usize,
    /// What is flipped in every word.
    flipped: u64,
    /// Where the words are ours.
    _owned: Option<Box<[AtomicU64]>>,
}

// SAFETY: the words are atomic, and live as long as the store: it owns them, or the host promised
// to keep them until it says that they go.
unsafe impl Send for Store {}
// SAFETY: as above.
unsafe impl Sync for Store {}

impl Store {
    /// `None` where the machine has no room.
    pub(crate) fn allocate(bytes: usize) -> Option<Store> {
        let count = bytes.div_ceil(WORD);
        let owned: Box<[AtomicU64]> = bytemuck::allocation::try_zeroed_slice_box(count).ok()?;
        Some(Store {
            words: owned.as_ptr(),
            skew: 0,
            bytes,
            flipped: PATTERN,
            _owned: Some(owned),
        })
    }

    /// Memory of the host. A word that it shares with its neighbours is changed as a whole, but an
    /// aligned word never lies on two pages, so all of it is there.
    pub(crate) fn of_host(host: Host, bytes: usize) -> Store {
        let skew = host.address() % WORD;
        Store {
            words: host.pointer().cast::<u8>().wrapping_sub(skew).cast(),
            skew,
            bytes,
            flipped: 0,
            _owned: None,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The word that holds a byte, and how far its bits are from the lowest.
    #[inline]
    fn word(&self, offset: usize) -> Option<(&AtomicU64, u32)> {
        if offset >= self.bytes {
            return None;
        }
        let at = offset + self.skew;
        // SAFETY: the byte is within the allocation, so its word is one of ours, or of the host's
        // page; both are aligned and live as long as the store.
        let word = unsafe { &*self.words.add(at / WORD) };
        Some((word, (at % WORD) as u32 * 8))
    }

    /// The value of 1, 2, 4 or 8 bytes at an offset aligned to as many.
    #[inline]
    pub(crate) fn load(&self, offset: usize, bytes: u32) -> Option<u64> {
        let (word, shift) = self.word(offset)?;
        let whole = word.load(Ordering::Relaxed) ^ self.flipped;
        Some((whole >> shift) & mask_of(bytes))
    }

    /// Stores the low `bytes` bytes of `value` at an offset aligned to as many.
    #[inline]
    pub(crate) fn store(&self, offset: usize, bytes: u32, value: u64) -> Option<()> {
        if bytes as usize == WORD {
            let (word, _) = self.word(offset)?;
            word.store(value ^ self.flipped, Ordering::Relaxed);
            return Some(());
        }
        self.update(offset, bytes, &mut |_| value).map(drop)
    }

    /// Replaces a value by what `f` makes of it, in one atomic step; the old value.
    pub(crate) fn update(
        &self,
        offset: usize,
        bytes: u32,
        f: &mut dyn FnMut(u64) -> u64,
    ) -> Option<u64> {
        let (word, shift) = self.word(offset)?;
        let mask = mask_of(bytes);
        let mut kept = word.load(Ordering::Acquire);
        loop {
            let whole = kept ^ self.flipped;
            let old = (whole >> shift) & mask;
            let new = (whole & !(mask << shift)) | ((f(old) & mask) << shift);
            let new = new ^ self.flipped;
            match word.compare_exchange_weak(kept, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(old),
                Err(other) => kept = other,
            }
        }
    }

    /// Copies from `offset` on into `out`. What lies outside is left alone, here and below.
    pub(crate) fn read(&self, offset: usize, out: &mut [u8]) {
        let (head, rest) = out.split_at_mut(self.until_aligned(offset, out.len()));
        let mut at = offset;
        let mut byte = |place: &mut u8| {
            *place = self.load(at, 1).unwrap_or(0) as u8;
            at += 1;
        };
        head.iter_mut().for_each(&mut byte);
        let (body, tail) = rest.as_chunks_mut::<WORD>();
        for (chunk, word) in body.iter_mut().zip(self.aligned(offset + head.len())) {
            *chunk = (word.load(Ordering::Relaxed) ^ self.flipped).to_le_bytes();
        }
        at = offset + head.len() + body.len() * WORD;
        for place in tail {
            *place = self.load(at, 1).unwrap_or(0) as u8;
            at += 1;
        }
    }

    /// Copies `data` to `offset`.
    pub(crate) fn write(&self, offset: usize, data: &[u8]) {
        let (head, rest) = data.split_at(self.until_aligned(offset, data.len()));
        let mut at = offset;
        for byte in head {
            self.store(at, 1, u64::from(*byte));
            at += 1;
        }
        let (body, tail) = rest.as_chunks::<WORD>();
        for (chunk, word) in body.iter().zip(self.aligned(at)) {
            word.store(u64::from_le_bytes(*chunk) ^ self.flipped, Ordering::Relaxed);
        }
        at += body.len() * WORD;
        for byte in tail {
            self.store(at, 1, u64::from(*byte));
            at += 1;
        }
    }

    /// How many of `bytes` bytes lie before the first whole word.
    fn until_aligned(&self, offset: usize, bytes: usize) -> usize {
        let at = offset + self.skew;
        (at.next_multiple_of(WORD) - at).min(bytes)
    }

    /// The whole words from an aligned offset on.
    fn aligned(&self, offset: usize) -> &[AtomicU64] {
        let count = self.bytes.saturating_sub(offset) / WORD;
        if count == 0 {
            return &[];
        }
        // SAFETY: so many whole words of the allocation follow; see `word`.
        unsafe { std::slice::from_raw_parts(self.words.add((offset + self.skew) / WORD), count) }
    }
}

#[inline]
fn mask_of(bytes: u32) -> u64 {
    u64::MAX >> (64 - 8 * bytes.clamp(1, 8))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn new_memory_holds_the_fill_pattern_and_copies_write_only_their_range() {
        let store = Store::allocate(64).unwrap();
        for (offset, length) in [(0, 64), (1, 3), (3, 22), (5, 59), (8, 8), (63, 1), (7, 0)] {
            let data: Vec<u8> = (1..=length).collect();
            let (mut before, mut after) = ([0; 64], [0; 64]);
            store.read(0, &mut before);
            store.write(offset, &data);
            store.read(0, &mut after);
            before[offset..offset + data.len()].copy_from_slice(&data);
            assert_eq!(before, after);
        }
        let mut fresh = [0; 9];
        Store::allocate(9).unwrap().read(0, &mut fresh);
        assert_eq!(fresh, [0xa5; 9]);
    }

    #[test]
    fn host_memory_is_reached_in_place_at_any_alignment() {
        let mut memory: Vec<u64> = vec![0; 4];
        let first = Host::from_address(memory.as_mut_ptr().expose_provenance() + 3);
        let store = Store::of_host(first, 20);
        store.write(0, &[7; 20]);
        store.update(1, 4, &mut |old| old + 1);
        drop(store);
        let bytes: Vec<u8> = memory.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut expected = [0; 32];
        expected[3..23].fill(7);
        expected[4] = 8;
        assert_eq!(bytes, expected);
    }
}
