//! Large pages for what is read from a device. The answer lies in fresh memory, and to get
//! that in pages of 4 KiB takes longer than to copy what is in them.
#![expect(
    unsafe_code,
    reason = "the operating system's advice on memory is given by address"
)]

use rustix::mm::{Advice, madvise};

use crate::memory::LARGE_PAGE;

/// Asks for large pages in what of this memory can have them, which was not written yet. It is
/// no more than advice: nothing is different where it is not followed.
pub(crate) fn prefer(memory: &mut [u8]) {
    let skipped = memory.as_ptr().align_offset(LARGE_PAGE);
    let Some(aligned) = memory.get_mut(skipped..) else {
        return;
    };
    let bytes = aligned.len() - aligned.len() % LARGE_PAGE;
    if bytes == 0 {
        return;
    }
    // SAFETY: the range lies in memory that is borrowed for this call alone, and the advice
    // changes neither what is in it nor that it is there.
    let _ = unsafe { madvise(aligned.as_mut_ptr().cast(), bytes, Advice::LinuxHugepage) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_memory_stays_whatever_its_size_and_place() {
        for bytes in [0, 1, LARGE_PAGE - 1, 3 * LARGE_PAGE + 5] {
            let mut memory = vec![7; bytes];
            prefer(&mut memory);
            if let Some(rest) = memory.get_mut(3..) {
                prefer(rest);
            }
            assert!(memory.iter().all(|byte| *byte == 7));
        }
    }
}
