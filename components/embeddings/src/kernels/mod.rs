//! What a BERT computes beside products of matrices: embeddings of tokens, normalisation of layers,
//! the softmax of attention, pooling. Tokens of all texts lie behind one another without padding; which text a
//! token belongs to is said by the *plan* (`model/forward.rs`).

#![allow(
    clippy::needless_range_loop,
    reason = "kernels have no iterators over arrays"
)]

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;

use tensor_wasm_guest::kernel::prelude::*;

/// The threads of a block: a warp.
pub const WARP: u32 = 32;

#[device]
pub mod bert {
    const WARP: u32 = 32;

    /// Writes rows as columns, into a matrix whose rows are `stride` apart, from a place on; a thread a row.
    #[kernel]
    pub fn transpose(
        from: &[f32],
        to: GlobalMut<f32>,
        rows: u32,
        columns: u32,
        at: u32,
        stride: u32,
    ) {
        let row = block::index_x() * WARP + thread::index_x();
        if row < rows {
            for column in 0..columns {
                let number = from[(row * columns + column) as usize];
                to.set((at + column * stride + row) as usize, number);
            }
        }
    }

    /// Sums up the embeddings of each token's piece and position, and that of the first type; a warp a
    /// token. The plan begins with ids and positions of all tokens.
    #[kernel]
    pub fn embed(
        weights: &[f32],
        plan: &[u32],
        x: GlobalMut<f32>,
        positions: u32,
        types: u32,
        tokens: u32,
        hidden: u32,
    ) {
        let token = block::index_x();
        let word = plan[token as usize] * hidden;
        let position = positions + plan[(tokens + token) as usize] * hidden;
        let mut i = thread::index_x();
        while i < hidden {
            let sum = weights[(word + i) as usize] + weights[(position + i) as usize];
            let at = (token * hidden + i) as usize;
            x.set(at, sum + weights[(types + i) as usize]);
            i += WARP;
        }
    }

    /// Layer normalisation of each row in its place (Ba, Kiros and Hinton 2016); a warp a row.
    #[kernel]
    pub fn normalize(
        weights: &[f32],
        x: GlobalMut<f32>,
        gamma: u32,
        beta: u32,
        hidden: u32,
        epsilon: f32,
    ) {
        let row = block::index_x() * hidden;
        let lane = thread::index_x();
        let mut sum = 0.0;
        let mut i = lane;
        while i < hidden {
            sum += x.get((row + i) as usize);
            i += WARP;
        }
        let mean = warp::sum(sum) / hidden as f32;
        let mut squares = 0.0;
        i = lane;
        while i < hidden {
            let from_mean = x.get((row + i) as usize) - mean;
            squares = from_mean.mul_add(from_mean, squares);
            i += WARP;
        }
        let scale = 1.0 / (warp::sum(squares) / hidden as f32 + epsilon).sqrt();
        i = lane;
        while i < hidden {
            let at = (row + i) as usize;
            let normal = (x.get(at) - mean) * scale;
            let result =
                normal.mul_add(weights[(gamma + i) as usize], weights[(beta + i) as usize]);
            x.set(at, result);
            i += WARP;
        }
    }

    /// The softmax of each column of square matrices in its place; a thread a column, so that threads
    /// beside each other have what lies beside each other. A matrix has the scores of a text for a head: a row a
    /// key, and a column a query. It is done by `blocks` blocks.
    #[kernel]
    pub fn softmax(scores: GlobalMut<f32>, tokens: u32, blocks: u32) {
        let matrix = block::index_x() / blocks;
        let column = block::index_x() % blocks * WARP + thread::index_x();
        if column < tokens {
            let size = tokens * tokens;
            let first = matrix * size + column;
            let mut most = f32::NEG_INFINITY;
            let mut row = 0;
            while row < size {
                most = most.max(scores.get((first + row) as usize));
                row += tokens;
            }
            let mut sum = 0.0;
            row = 0;
            while row < size {
                let at = (first + row) as usize;
                let share = fast::exp(scores.get(at) - most);
                scores.set(at, share);
                sum += share;
                row += tokens;
            }
            let quotient = 1.0 / sum;
            row = 0;
            while row < size {
                let at = (first + row) as usize;
                scores.set(at, scores.get(at) * quotient);
                row += tokens;
            }
        }
    }

    /// The mean of each text's tokens, with length 1; a warp a text. The plan has for each text its
    /// first token, its tokens, and which row of the result it is.
    #[kernel]
    pub fn pool(x: &[f32], plan: &[u32], out: GlobalMut<f32>, texts: u32, hidden: u32) {
        let text = (texts + block::index_x() * 3) as usize;
        let first = plan[text];
        let tokens = plan[text + 1];
        let row = plan[text + 2] * hidden;
        let mut squares = 0.0f32;
        let mut i = thread::index_x();
        while i < hidden {
            let mut sum = 0.0;
            for token in 0..tokens {
                sum += x[((first + token) * hidden + i) as usize];
            }
            let mean = sum / tokens as f32;
            out.set((row + i) as usize, mean);
            squares = mean.mul_add(mean, squares);
            i += WARP;
        }
        let length = warp::sum(squares).sqrt().max(1e-12);
        i = thread::index_x();
        while i < hidden {
            let at = (row + i) as usize;
            out.set(at, out.get(at) / length);
            i += WARP;
        }
    }
}
