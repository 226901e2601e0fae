//! Random numbers by a counter (Philox4x32-10: Salmon, Moraes, Dror and Shaw 2011): each number depends on the
//! seed and its place alone, so the same call gives the same numbers, on every device and however many threads
//! there are. Not for secrets.

use crate::kernel::device;

/// Random numbers by a counter, Philox4x32-10; a thread for each four of them,
/// `LaunchConfig::for_len(len.div_ceil(4))`.
#[device]
pub mod random {
    /// Ten rounds of a counter with a key.
    fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
        let mut c0 = counter[0];
        let mut c1 = counter[1];
        let mut c2 = counter[2];
        let mut c3 = counter[3];
        let mut k0 = key[0];
        let mut k1 = key[1];
        for _ in 0..10 {
            let one = c0 as u64 * 0xd251_1f53;
            let two = c2 as u64 * 0xcd9e_8d57;
            let next0 = (two >> 32) as u32 ^ c1 ^ k0;
            let next2 = (one >> 32) as u32 ^ c3 ^ k1;
            c1 = two as u32;
            c3 = one as u32;
            c0 = next0;
            c2 = next2;
            k0 = k0.wrapping_add(0x9e37_79b9);
            k1 = k1.wrapping_add(0xbb67_ae85);
        }
        [c0, c1, c2, c3]
    }

    /// The thread's place in the grid, of which there may be more than a `u32` counts.
    fn thread_place() -> usize {
        block::index_x() as usize * block::size_x() as usize + thread::index_x() as usize
    }

    /// The four words of the thread's place, behind `offset`.
    fn words(seed: u64, offset: u64) -> [u32; 4] {
        let place = offset.wrapping_add(thread_place() as u64);
        let counter = [place as u32, (place >> 32) as u32, 0, 0];
        philox(counter, [seed as u32, (seed >> 32) as u32])
    }

    /// A number of at least 0 and less than 1, a multiple of 2^-24.
    fn unit(word: u32) -> f32 {
        (word >> 8) as f32 * 5.9604645e-8
    }

    /// Words of 32 random bits. `offset` counts in fours: a call behind another one with the same seed begins
    /// where that ended.
    #[kernel]
    pub fn bits(seed: u64, offset: u64, out: GlobalMut<u32>) {
        let words = words(seed, offset);
        let at = thread_place() * 4;
        for i in 0..4 {
            if at + i < out.len() {
                out.set(at + i, words[i]);
            }
        }
    }

    /// Numbers of at least 0 and less than 1, all multiples of 2^-24 alike; as `bits` else.
    #[kernel]
    pub fn uniform(seed: u64, offset: u64, out: GlobalMut<f32>) {
        let words = words(seed, offset);
        let at = thread_place() * 4;
        for i in 0..4 {
            if at + i < out.len() {
                out.set(at + i, unit(words[i]));
            }
        }
    }

    /// Numbers of the normal distribution with a mean of 0 and a variance of 1 (Box and Muller 1958); as
    /// `bits` else.
    #[kernel]
    pub fn normal(seed: u64, offset: u64, out: GlobalMut<f32>) {
        let words = words(seed, offset);
        let at = thread_place() * 4;
        for pair in 0..2 {
            // More than 0, so that the logarithm is finite. That of a number next to 1 may come out above 0
            // on a GPU, whose logarithms are approximate.
            let logarithm = fast::ln(unit(words[2 * pair]) + 5.9604645e-8);
            let radius = fast::sqrt((-2.0 * logarithm).max(0.0));
            let angle = unit(words[2 * pair + 1]) * 6.2831855;
            let first = at + 2 * pair;
            if first < out.len() {
                out.set(first, radius * fast::cos(angle));
            }
            if first + 1 < out.len() {
                out.set(first + 1, radius * fast::sin(angle));
            }
        }
    }
}
