//! What a BERT computes beside products of matrices: embeddings of tokens, normalisation of layers,
//! attention, pooling. Tokens of all texts lie behind one another without padding; which text a
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

/// The queries of a block of [`bert::attend`].
pub const QUERIES: u32 = 8;

#[device]
pub mod bert {
    const WARP: u32 = 32;
    const QUERIES: usize = 8;
    /// The most numbers of a head.
    const HEAD: usize = 64;
    /// The most tokens of a text.
    const TOKENS: usize = 512;
    /// The keys of a tile, and a place more, so that a column is in as many banks as it has numbers.
    const ACROSS: u32 = 33;

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

    /// Attention of eight queries of one text and one head: a warp a tile of queries, whose scores lie
    /// in shared memory. `qkv` has query, key and value of a token beside each other. The plan has for
    /// each tile the first token of its text, the text's tokens, and the tile's first query among them.
    #[kernel]
    pub fn attend(
        qkv: &[f32],
        plan: &[u32],
        out: GlobalMut<f32>,
        tiles: u32,
        hidden: u32,
        head: u32,
        scale: f32,
    ) {
        let queries = shared!([f32; QUERIES * HEAD]);
        let keys = shared!([f32; HEAD * 33]);
        let scores = shared!([f32; QUERIES * TOKENS]);
        let lane = thread::index_x();
        let tile = (tiles + block::index_x() * 3) as usize;
        let first = plan[tile];
        let tokens = plan[tile + 1];
        let start = plan[tile + 2];
        let row = 3 * hidden;
        let column = block::index_y() * head;

        for query in 0..8u32 {
            let mut d = lane;
            while d < head {
                let mut value = 0.0;
                if start + query < tokens {
                    value = scale * qkv[((first + start + query) * row + column + d) as usize];
                }
                queries.set((query * 64 + d) as usize, value);
                d += WARP;
            }
        }

        // Scores, 32 keys at a time: each thread has a key, and the keys stand in columns.
        let mut tile_start = 0;
        while tile_start < tokens {
            barrier();
            for key in 0..32u32 {
                let mut d = lane;
                while d < head {
                    let mut value = 0.0;
                    if tile_start + key < tokens {
                        let token = first + tile_start + key;
                        value = qkv[(token * row + hidden + column + d) as usize];
                    }
                    keys.set((d * ACROSS + key) as usize, value);
                    d += WARP;
                }
            }
            barrier();
            let mut sums = [0.0f32; QUERIES];
            for d in 0..head {
                let key = keys.get((d * ACROSS + lane) as usize);
                for query in 0..QUERIES {
                    sums[query] = queries
                        .get(query * HEAD + d as usize)
                        .mul_add(key, sums[query]);
                }
            }
            for query in 0..QUERIES {
                scores.set(query * TOKENS + (tile_start + lane) as usize, sums[query]);
            }
            tile_start += 32;
        }

        // The softmax of each query's scores, but for the quotient, which the sums behind it have.
        let mut quotients = [0.0f32; QUERIES];
        for query in 0..QUERIES {
            let mut most = f32::NEG_INFINITY;
            let mut j = lane;
            while j < tokens {
                most = most.max(scores.get(query * TOKENS + j as usize));
                j += WARP;
            }
            let most = warp::max(most);
            let mut sum = 0.0;
            j = lane;
            while j < tokens {
                let at = query * TOKENS + j as usize;
                let value = fast::exp(scores.get(at) - most);
                scores.set(at, value);
                sum += value;
                j += WARP;
            }
            quotients[query] = 1.0 / warp::sum(sum);
        }
        barrier();

        let mut d = lane;
        while d < head {
            let mut sums = [0.0f32; QUERIES];
            let mut at = first * row + 2 * hidden + column + d;
            for j in 0..tokens {
                let value = qkv[at as usize];
                for query in 0..QUERIES {
                    sums[query] = scores
                        .get(query * TOKENS + j as usize)
                        .mul_add(value, sums[query]);
                }
                at += row;
            }
            for query in 0..QUERIES {
                let token = start + query as u32;
                if token < tokens {
                    let at = (first + token) * hidden + column + d;
                    out.set(at as usize, sums[query] * quotients[query]);
                }
            }
            d += WARP;
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
