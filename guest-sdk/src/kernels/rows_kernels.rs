//! What networks compute of rows: softmax, normalisations, the largest elements. A warp a row:
//! `LaunchConfig::new(rows, 32)`.

use crate::kernel::device;

/// Functions of rows; a warp a row, `LaunchConfig::new(rows, 32)`.
#[device]
pub mod rows {
    const WARP: u32 = 32;

    /// The softmax of each row in its place.
    #[kernel]
    pub fn softmax(y: GlobalMut<f32>, columns: u32) {
        let row = block::index_x() as usize * columns as usize;
        let lane = thread::index_x();
        let mut most = f32::NEG_INFINITY;
        let mut i = lane;
        while i < columns {
            most = most.max(y.get(row + i as usize));
            i += WARP;
        }
        let most = warp::max(most);
        let mut sum = 0.0;
        i = lane;
        while i < columns {
            let at = row + i as usize;
            let share = fast::exp(y.get(at) - most);
            y.set(at, share);
            sum += share;
            i += WARP;
        }
        let quotient = 1.0 / warp::sum(sum);
        i = lane;
        while i < columns {
            let at = row + i as usize;
            y.set(at, y.get(at) * quotient);
            i += WARP;
        }
    }

    /// Layer normalisation of each row in its place (Ba, Kiros and Hinton 2016).
    #[kernel]
    pub fn layer_norm(weight: &[f32], bias: &[f32], y: GlobalMut<f32>, columns: u32, epsilon: f32) {
        let row = block::index_x() as usize * columns as usize;
        let lane = thread::index_x();
        let mut sum = 0.0;
        let mut i = lane;
        while i < columns {
            sum += y.get(row + i as usize);
            i += WARP;
        }
        let mean = warp::sum(sum) / columns as f32;
        let mut squares = 0.0;
        i = lane;
        while i < columns {
            let from_mean = y.get(row + i as usize) - mean;
            squares = from_mean.mul_add(from_mean, squares);
            i += WARP;
        }
        let scale = 1.0 / (warp::sum(squares) / columns as f32 + epsilon).sqrt();
        i = lane;
        while i < columns {
            let at = row + i as usize;
            let normal = (y.get(at) - mean) * scale;
            y.set(at, normal.mul_add(weight[i as usize], bias[i as usize]));
            i += WARP;
        }
    }

    /// Root mean square normalisation of each row in its place (Zhang and Sennrich 2019).
    #[kernel]
    pub fn rms_norm(weight: &[f32], y: GlobalMut<f32>, columns: u32, epsilon: f32) {
        let row = block::index_x() as usize * columns as usize;
        let lane = thread::index_x();
        let mut squares = 0.0f32;
        let mut i = lane;
        while i < columns {
            let x = y.get(row + i as usize);
            squares = x.mul_add(x, squares);
            i += WARP;
        }
        let scale = 1.0 / (warp::sum(squares) / columns as f32 + epsilon).sqrt();
        i = lane;
        while i < columns {
            let at = row + i as usize;
            y.set(at, y.get(at) * scale * weight[i as usize]);
            i += WARP;
        }
    }

    /// The `k` largest elements of each row, the largest first, and their columns; of equal elements the first.
    /// There must be as many, and no NaN.
    #[kernel]
    pub fn top_k(
        x: &[f32],
        values: GlobalMut<f32>,
        columns_found: GlobalMut<u32>,
        columns: u32,
        k: u32,
    ) {
        let row = block::index_x() as usize * columns as usize;
        let lane = thread::index_x();
        let mut before = f32::INFINITY;
        // The first column that may have the same value as the one before.
        let mut from = 0u32;
        let mut found = 0u32;
        while found < k {
            let mut best = f32::NEG_INFINITY;
            let mut column = u32::MAX;
            let mut i = lane;
            while i < columns {
                let value = x[row + i as usize];
                let is_left = value < before || (value == before && i >= from);
                let is_better = value > best || (value == best && column == u32::MAX);
                if is_left && is_better {
                    best = value;
                    column = i;
                }
                i += WARP;
            }
            let most = warp::max(best);
            let own = if best == most { column } else { u32::MAX };
            let first = warp::min(own);
            if lane == 0 {
                let at = block::index_x() as usize * k as usize + found as usize;
                values.set(at, most);
                columns_found.set(at, first);
            }
            before = most;
            from = first + 1;
            found += 1;
        }
    }
}
