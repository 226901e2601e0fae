//! What one access of a warp costs: the sectors of device memory that it touches, and the passes that
//! shared memory takes for it.

/// Bytes of a sector of device memory.
const SECTOR: u64 = 32;

/// The banks of shared memory, and the bytes of a word of one.
const BANKS: usize = 32;
const WORD: u64 = 4;

/// The sectors that accesses of `bytes` bytes at these addresses touch, and the fewest that could hold
/// as much.
pub(super) fn sectors(addresses: &[u64], bytes: u64) -> (u64, u64) {
    let mut addresses = addresses.to_vec();
    addresses.sort_unstable();
    addresses.dedup();
    let mut touched = 0;
    let mut next = 0;
    for address in &addresses {
        let first = (address / SECTOR).max(next);
        let after = address.saturating_add(bytes.max(1) - 1) / SECTOR + 1;
        touched += after.saturating_sub(first);
        next = next.max(after);
    }
    let ideal = (addresses.len() as u64 * bytes).div_ceil(SECTOR);
    (touched, ideal.min(touched))
}

/// The passes that shared memory takes for accesses of `bytes` bytes at these addresses, in the order of
/// the threads, and the passes that it would take without conflicts.
///
/// In one pass each bank gives one word, to all threads that ask for it. Accesses of more than a word
/// are made by as many threads at a time as fill the banks: a half or a quarter of a warp.
pub(super) fn wavefronts(addresses: &[u64], bytes: u64) -> (u64, u64) {
    let words = bytes.div_ceil(WORD).max(1);
    let at_once = (BANKS as u64 / words.min(BANKS as u64)).max(1) as usize;
    let (mut passes, mut ideal) = (0, 0);
    for group in addresses.chunks(at_once) {
        let mut banks: [Vec<u64>; BANKS] = std::array::from_fn(|_| Vec::new());
        for address in group {
            for word in 0..words {
                let word = address / WORD + word;
                let bank = (word % BANKS as u64) as usize;
                if let Some(bank) = banks.get_mut(bank)
                    && !bank.contains(&word)
                {
                    bank.push(word);
                }
            }
        }
        passes += banks.iter().map(Vec::len).max().unwrap_or(0) as u64;
        ideal += 1;
    }
    (passes, ideal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strided(stride: u64) -> Vec<u64> {
        (0..32).map(|lane| 4096 + lane * stride).collect()
    }

    #[test]
    fn a_warp_of_neighbours_takes_as_few_sectors_as_its_bytes_fill() {
        assert_eq!(sectors(&strided(4), 4), (4, 4));
        assert_eq!(sectors(&strided(8), 8), (8, 8));
        assert_eq!(sectors(&strided(16), 16), (16, 16));
    }

    #[test]
    fn strides_and_odd_beginnings_take_more_sectors() {
        assert_eq!(sectors(&strided(8), 4), (8, 4));
        assert_eq!(sectors(&strided(128), 4), (32, 4));
        let shifted: Vec<_> = strided(4).iter().map(|address| address + 4).collect();
        assert_eq!(sectors(&shifted, 4), (5, 4));
    }

    #[test]
    fn one_address_for_all_takes_one_sector() {
        assert_eq!(sectors(&[4096; 32], 4), (1, 1));
        assert_eq!(wavefronts(&[64; 32], 4), (1, 1));
    }

    #[test]
    fn words_of_one_bank_take_a_pass_each() {
        assert_eq!(wavefronts(&strided(4), 4), (1, 1));
        assert_eq!(wavefronts(&strided(8), 4), (2, 1));
        assert_eq!(wavefronts(&strided(128), 4), (32, 1));
        // A column of a tile that is 33 words wide.
        assert_eq!(wavefronts(&strided(132), 4), (1, 1));
    }

    #[test]
    fn wide_accesses_are_made_by_a_half_or_a_quarter_of_a_warp() {
        assert_eq!(wavefronts(&strided(8), 8), (2, 2));
        assert_eq!(wavefronts(&strided(16), 16), (4, 4));
        assert_eq!(wavefronts(&strided(16), 8), (4, 2));
    }
}
