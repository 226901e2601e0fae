//! Copies between device memory and memory of one thread's own. Device memory may be written by
//! others meanwhile; its words are atomic, and a compiler moves atomic words one at a time. Where a
//! processor moves more at a time, an assembly block does so: no other access is made of it than the
//! machine's own, so that a race gives odd values here too, and nothing worse.
#![expect(
    unsafe_code,
    reason = "memory that others may write is accessed by assembly, since Rust has no atomic access of more than a word"
)]

use std::sync::atomic::{AtomicU64, Ordering};

const WORD: usize = size_of::<u64>();

/// What one step of the assembly moves, in words.
const BLOCK: usize = 8;

/// Copies as many words as both have.
pub(super) fn read_words(from: &[AtomicU64], to: &mut [[u8; WORD]]) {
    let count = from.len().min(to.len());
    let done = if cfg!(all(target_arch = "x86_64", not(miri))) {
        let blocks = count / BLOCK;
        // SAFETY: both have `blocks * BLOCK` words. `to` is borrowed mutably, so they do not overlap.
        unsafe { copy_blocks(from.as_ptr().cast(), to.as_mut_ptr().cast(), blocks) };
        blocks * BLOCK
    } else {
        0
    };
    for (to, from) in to.iter_mut().zip(from).skip(done) {
        *to = from.load(Ordering::Relaxed).to_le_bytes();
    }
}

/// Copies as many words as both have.
pub(super) fn write_words(to: &[AtomicU64], from: &[[u8; WORD]]) {
    let count = from.len().min(to.len());
    let done = if cfg!(all(target_arch = "x86_64", not(miri))) {
        let blocks = count / BLOCK;
        // SAFETY: both have `blocks * BLOCK` words, and those of `to` may be written through a shared
        // reference. Memory that is borrowed as plain bytes does not overlap it.
        unsafe {
            let to = to.as_ptr().cast::<u64>().cast_mut();
            copy_blocks(from.as_ptr().cast(), to, blocks);
        }
        blocks * BLOCK
    } else {
        0
    };
    for (to, from) in to.iter().zip(from).skip(done) {
        to.store(u64::from_le_bytes(*from), Ordering::Relaxed);
    }
}

/// Copies blocks of 8 words in pieces of 16 bytes, which every processor of this architecture has.
///
/// # Safety
/// So many blocks are readable at `from` and writable at `to`, and do not overlap.
#[cfg(all(target_arch = "x86_64", not(miri)))]
unsafe fn copy_blocks(from: *const u64, to: *mut u64, blocks: usize) {
    if blocks == 0 {
        return;
    }
    // SAFETY: the loop reads and writes `blocks` times 64 bytes from these addresses on, of any
    // alignment, and changes nothing else but the registers that are named.
    unsafe {
        std::arch::asm!(
            "2:",
            "movups {a}, [{from}]",
            "movups {b}, [{from} + 16]",
            "movups {c}, [{from} + 32]",
            "movups {d}, [{from} + 48]",
            "movups [{to}], {a}",
            "movups [{to} + 16], {b}",
            "movups [{to} + 32], {c}",
            "movups [{to} + 48], {d}",
            "add {from}, 64",
            "add {to}, 64",
            "dec {blocks}",
            "jnz 2b",
            from = inout(reg) from => _,
            to = inout(reg) to => _,
            blocks = inout(reg) blocks => _,
            a = out(xmm_reg) _,
            b = out(xmm_reg) _,
            c = out(xmm_reg) _,
            d = out(xmm_reg) _,
            options(nostack),
        );
    }
}

/// Never called: words are copied one at a time there.
///
/// # Safety
/// None is needed.
#[cfg(not(all(target_arch = "x86_64", not(miri))))]
unsafe fn copy_blocks(_: *const u64, _: *mut u64, _: usize) {}
