//! Attention without a matrix of scores (Milakov and Gimelshein 2018; Dao et al. 2022). A warp a query:
//! `LaunchConfig::new(heads * queries, 32)`.

use crate::kernel::device;

/// Attention; a warp a query, `LaunchConfig::new(heads * queries, 32)`.
#[device]
pub mod attention {
    const WARP: u32 = 32;
    /// The numbers of a head that a lane has.
    const OWN: usize = 4;

    /// `out = softmax(scale * q * kᵀ) * v` for each head: `q` and `out` are heads of `queries` rows, `k` and
    /// `v` heads of `keys` rows, of `size` numbers, which are 128 at most. With `is_causal` not 0 the last query
    /// sees all keys, and each one before it one less; one that sees none becomes 0.
    #[kernel]
    pub fn attend(
        q: &[f32],
        k: &[f32],
        v: &[f32],
        out: GlobalMut<f32>,
        queries: u32,
        keys: u32,
        size: u32,
        scale: f32,
        is_causal: u32,
    ) {
        assert!(size <= 128);
        let lane = thread::index_x();
        let query = block::index_x() % queries;
        let width = size as usize;
        let from = block::index_x() as usize * width;
        let of_head = (block::index_x() / queries) as usize * keys as usize;
        let mut visible = keys;
        if is_causal != 0 {
            let seen = query + 1 + keys;
            visible = seen.saturating_sub(queries);
        }
        let mut sums = [0.0f32; OWN];
        let mut most = f32::NEG_INFINITY;
        let mut total = 0.0;
        let mut first = 0u32;
        while first < visible {
            // Each lane has the score of a key.
            let mut score = f32::NEG_INFINITY;
            if first + lane < visible {
                let key = (of_head + (first + lane) as usize) * width;
                let mut product = 0.0;
                let mut i = 0;
                while i < width {
                    product = q[from + i].mul_add(k[key + i], product);
                    i += 1;
                }
                score = product * scale;
            }
            let larger = most.max(warp::max(score));
            let shrink = fast::exp(most - larger);
            let share = fast::exp(score - larger);
            most = larger;
            total = total * shrink + warp::sum(share);
            for own in 0..OWN {
                sums[own] *= shrink;
            }
            let mut i = 0u32;
            while i < WARP {
                let weight = warp::shuffle(share, i);
                if first + i < visible {
                    let value = (of_head + (first + i) as usize) * width + lane as usize;
                    for own in 0..OWN {
                        if lane + own as u32 * WARP < size {
                            let at = value + own * WARP as usize;
                            sums[own] = weight.mul_add(v[at], sums[own]);
                        }
                    }
                }
                i += 1;
            }
            first += WARP;
        }
        let quotient = if visible > 0 { 1.0 / total } else { 0.0 };
        for own in 0..OWN {
            let column = lane + own as u32 * WARP;
            if column < size {
                out.set(from + column as usize, sums[own] * quotient);
            }
        }
    }
}
