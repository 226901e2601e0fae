//! The same algorithms in Rust, as one would write them, over some threads: what the kernel computes
//! for each element, in the same order, with the innermost loop over neighbours where the algorithm
//! has such a loop.

use std::time::Instant;

use crate::subject::{
    BLOCK, CHANNELS, HEAD_WIDTH, Kernel, ROW, SIDE, SUM_ROW, Sizes, VIEW, WIDTH, filter, halves,
    indices, values,
};

/// Measures a kernel's algorithm: seconds, the best of some rounds.
pub fn measure(kernel: Kernel, sizes: &Sizes, threads: usize) -> f64 {
    let n = sizes.matrix;
    let count = sizes.elements(kernel);
    let (a, b) = if kernel.is_of_halves() || kernel == Kernel::TritonMatmulTf32 {
        (halves(count), Vec::new())
    } else {
        (values(count), values(count))
    };
    let mut c = vec![0.0; count];
    let mut counts = Vec::new();
    if kernel == Kernel::Mandelbrot {
        counts.resize(sizes.width * sizes.height, 0);
    }
    let (weights, places) = (filter(), indices(count));
    let mut best = f64::INFINITY;
    for _ in 0..sizes.rounds {
        let began = Instant::now();
        match kernel {
            Kernel::AddMemory | Kernel::AddCache => add(&a, &b, &mut c, threads),
            Kernel::SaxpyMemory | Kernel::SaxpyCache => saxpy(&mut c, &a, 2.0, threads),
            Kernel::Naive => naive(&a, &b, &mut c, n, threads),
            Kernel::Tiled => tiled(&a, &b, &mut c, n, threads),
            Kernel::Registers => registers(&a, &b, &mut c, n, threads),
            Kernel::RowByRow => row_by_row(&a, &b, &mut c, n, threads),
            Kernel::Mandelbrot => mandelbrot(&mut counts, sizes.width, threads),
            Kernel::BlockSum => block_sum(&a, &mut c[..count / SUM_ROW], threads),
            Kernel::BlockRmsNorm => rms_norm(&a, &mut c, threads),
            Kernel::BlockSoftmax => softmax(&a, &mut c, threads),
            Kernel::Convolution => convolve(&a, &weights, &mut c, threads),
            Kernel::Gather => gather(&a, &places, &mut c, threads),
            Kernel::Attention => attention([&a, &b, &b], &mut c, threads),
            Kernel::TritonMatmul | Kernel::TritonMatmulTf32 => {
                large_tiles(&a, &a, &mut c, n, threads);
            }
            Kernel::TritonAttention => heads(&a, &mut c, sizes.queries, threads),
        }
        best = best.min(began.elapsed().as_secs_f64());
    }
    let words: Vec<u32> = match kernel {
        Kernel::Mandelbrot => counts,
        _ => c.iter().map(|value| value.to_bits()).collect(),
    };
    if kernel.is_of_halves() {
        // It computes in single precision.
        return best;
    }
    let found: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    sizes.check(kernel, &found);
    best
}

/// Runs parts of a slice, each of whole `rows`, on threads.
fn parts<T: Send>(
    out: &mut [T],
    row: usize,
    threads: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    let rows = out.len() / row;
    let each = rows.div_ceil(threads).max(1) * row;
    if threads == 1 {
        return work(0, out);
    }
    std::thread::scope(|scope| {
        for (number, part) in out.chunks_mut(each).enumerate() {
            let work = &work;
            scope.spawn(move || work(number * each, part));
        }
    });
}

pub fn add(a: &[f32], b: &[f32], c: &mut [f32], threads: usize) {
    parts(c, 1, threads, |begin, part| {
        let (a, b) = (&a[begin..], &b[begin..]);
        for ((c, a), b) in part.iter_mut().zip(a).zip(b) {
            *c = a + b;
        }
    });
}

fn saxpy(y: &mut [f32], x: &[f32], a: f32, threads: usize) {
    parts(y, 1, threads, |begin, part| {
        for (y, x) in part.iter_mut().zip(&x[begin..]) {
            *y += a * x;
        }
    });
}

/// One element after another, each a product of a row and a column.
fn naive(a: &[f32], b: &[f32], c: &mut [f32], n: usize, threads: usize) {
    parts(c, n, threads, |begin, part| {
        for (number, row) in part.chunks_mut(n).enumerate() {
            let a = &a[begin + number * n..][..n];
            for (column, c) in row.iter_mut().enumerate() {
                let mut sum = 0.0;
                for (a, b) in a.iter().zip(b.chunks_exact(n)) {
                    sum += a * b[column];
                }
                *c = sum;
            }
        }
    });
}

/// Row by row, so that the innermost loop is over neighbours.
pub fn row_by_row(a: &[f32], b: &[f32], c: &mut [f32], n: usize, threads: usize) {
    parts(c, n, threads, |begin, part| {
        for (number, row) in part.chunks_mut(n).enumerate() {
            let a = &a[begin + number * n..][..n];
            row.fill(0.0);
            for (a, b) in a.iter().zip(b.chunks(n)) {
                for (c, b) in row.iter_mut().zip(b) {
                    *c += a * b;
                }
            }
        }
    });
}

/// Tiles of 16 by 16 of both factors copied, then multiplied.
fn tiled(a: &[f32], b: &[f32], c: &mut [f32], n: usize, threads: usize) {
    const TILE: usize = 16;
    parts(c, n * TILE, threads, |begin, part| {
        for (band, rows) in part.chunks_mut(n * TILE).enumerate() {
            let first = begin / n + band * TILE;
            for column in (0..n).step_by(TILE) {
                let mut sums = [[0.0f32; TILE]; TILE];
                let (mut left, mut right) = ([[0.0f32; TILE]; TILE], [[0.0f32; TILE]; TILE]);
                for t in (0..n).step_by(TILE) {
                    for y in 0..TILE {
                        left[y].copy_from_slice(&a[(first + y) * n + t..][..TILE]);
                        right[y].copy_from_slice(&b[(t + y) * n + column..][..TILE]);
                    }
                    for (sums, left) in sums.iter_mut().zip(&left) {
                        for (left, right) in left.iter().zip(&right) {
                            for (sum, right) in sums.iter_mut().zip(right) {
                                *sum += left * right;
                            }
                        }
                    }
                }
                for (row, sums) in rows.chunks_mut(n).zip(&sums) {
                    row[column..][..TILE].copy_from_slice(sums);
                }
            }
        }
    });
}

/// Tiles of 64 by 64 of the result, from tiles of 32 columns and 32 rows of the factors, which are copied:
/// as Triton's kernel does, in single precision.
fn large_tiles(a: &[f32], b: &[f32], c: &mut [f32], n: usize, threads: usize) {
    const TILE: usize = 64;
    const DEPTH: usize = 32;
    parts(c, n * TILE, threads, |begin, part| {
        let (mut left, mut right) = ([[0.0f32; DEPTH]; TILE], [[0.0f32; TILE]; DEPTH]);
        for (band, rows) in part.chunks_mut(n * TILE).enumerate() {
            let first = begin / n + band * TILE;
            for column in (0..n).step_by(TILE) {
                let mut sums = [[0.0f32; TILE]; TILE];
                for t in (0..n).step_by(DEPTH) {
                    for (y, left) in left.iter_mut().enumerate() {
                        left.copy_from_slice(&a[(first + y) * n + t..][..DEPTH]);
                    }
                    for (y, right) in right.iter_mut().enumerate() {
                        right.copy_from_slice(&b[(t + y) * n + column..][..TILE]);
                    }
                    for (sums, left) in sums.iter_mut().zip(&left) {
                        for (left, right) in left.iter().zip(&right) {
                            for (sum, right) in sums.iter_mut().zip(right) {
                                *sum += left * right;
                            }
                        }
                    }
                }
                for (row, sums) in rows.chunks_mut(n).zip(&sums) {
                    row[column..][..TILE].copy_from_slice(sums);
                }
            }
        }
    });
}

/// Tiles of 32 by 32, of which each of 64 "threads" has 4 by 4 elements in registers, from pieces of
/// 8 columns and 8 rows of the factors.
fn registers(a: &[f32], b: &[f32], c: &mut [f32], n: usize, threads: usize) {
    const TILE: usize = 32;
    const DEPTH: usize = 8;
    parts(c, n * TILE, threads, |begin, part| {
        for (band, rows) in part.chunks_mut(n * TILE).enumerate() {
            let first = begin / n + band * TILE;
            for column in (0..n).step_by(TILE) {
                let mut sums = [[[0.0f32; 4]; 4]; 64];
                let (mut left, mut right) = ([[0.0f32; TILE]; DEPTH], [[0.0f32; TILE]; DEPTH]);
                for t in (0..n).step_by(DEPTH) {
                    for y in 0..TILE {
                        for (i, a) in a[(first + y) * n + t..][..DEPTH].iter().enumerate() {
                            left[i][y] = *a;
                        }
                    }
                    for (i, right) in right.iter_mut().enumerate() {
                        right.copy_from_slice(&b[(t + i) * n + column..][..TILE]);
                    }
                    for (thread, own) in sums.iter_mut().enumerate() {
                        let (x, y) = (thread % 8 * 4, thread / 8 * 4);
                        let mut sum = *own;
                        for (left, right) in left.iter().zip(&right) {
                            let (p, q) = (&left[y..][..4], &right[x..][..4]);
                            for j in 0..4 {
                                for l in 0..4 {
                                    sum[j][l] += p[j] * q[l];
                                }
                            }
                        }
                        *own = sum;
                    }
                }
                for (thread, sum) in sums.iter().enumerate() {
                    let (x, y) = (thread % 8 * 4, thread / 8 * 4);
                    for (j, sum) in sum.iter().enumerate() {
                        rows[(y + j) * n + column + x..][..4].copy_from_slice(sum);
                    }
                }
            }
        }
    });
}

pub fn mandelbrot(out: &mut [u32], width: usize, threads: usize) {
    let view = VIEW;
    let step = view.step(out.len() / width);
    parts(out, width, threads, |begin, part| {
        for (place, count) in part.iter_mut().enumerate() {
            let place = begin + place;
            let (cx, cy) = (
                view.left + (place % width) as f64 * step,
                view.top + (place / width) as f64 * step,
            );
            let (mut x, mut y, mut i) = (0.0, 0.0, 0);
            while i < view.most && x * x + y * y < 4.0 {
                (x, y) = (x * x - y * y + cx, 2.0 * x * y + cy);
                i += 1;
            }
            *count = i;
        }
    });
}

/// Adds the upper half of some elements to the lower, and so on: the sum is the first.
fn tree(part: &mut [f32], join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = part.len() / 2;
    while half > 0 {
        let (low, high) = part.split_at_mut(half);
        for (low, high) in low.iter_mut().zip(high) {
            *low = join(*low, *high);
        }
        half /= 2;
    }
    part[0]
}

/// The sum of each row.
pub fn block_sum(x: &[f32], out: &mut [f32], threads: usize) {
    parts(out, 1, threads, |begin, part| {
        for (out, row) in part.iter_mut().zip(x[begin * SUM_ROW..].chunks(SUM_ROW)) {
            let mut sums = [0.0; BLOCK];
            for piece in row.chunks(BLOCK) {
                for (sum, x) in sums.iter_mut().zip(piece) {
                    *sum += x;
                }
            }
            *out = tree(&mut sums, |a, b| a + b);
        }
    });
}

pub fn rms_norm(x: &[f32], out: &mut [f32], threads: usize) {
    parts(out, ROW, threads, |begin, part| {
        for (out, row) in part.chunks_mut(ROW).zip(x[begin..].chunks(ROW)) {
            let mut sums = [0.0; BLOCK];
            for piece in row.chunks(BLOCK) {
                for (sum, x) in sums.iter_mut().zip(piece) {
                    *sum += x * x;
                }
            }
            let mean = tree(&mut sums, |a, b| a + b) / ROW as f32;
            let scale = 1.0 / (mean + 1e-5).sqrt();
            for (out, x) in out.iter_mut().zip(row) {
                *out = scale * x;
            }
        }
    });
}

pub fn softmax(x: &[f32], out: &mut [f32], threads: usize) {
    parts(out, ROW, threads, |begin, part| {
        for (out, row) in part.chunks_mut(ROW).zip(x[begin..].chunks(ROW)) {
            let mut parts = [f32::NEG_INFINITY; BLOCK];
            for piece in row.chunks(BLOCK) {
                for (part, x) in parts.iter_mut().zip(piece) {
                    *part = if *x > *part { *x } else { *part };
                }
            }
            let most = tree(&mut parts, f32::max);
            let mut sums = [0.0; BLOCK];
            for (out, piece) in out.chunks_mut(BLOCK).zip(row.chunks(BLOCK)) {
                for ((sum, out), x) in sums.iter_mut().zip(out).zip(piece) {
                    *out = (x - most).exp();
                    *sum += *out;
                }
            }
            let scale = 1.0 / tree(&mut sums, |a, b| a + b);
            for out in out {
                *out *= scale;
            }
        }
    });
}

/// For each element of the result, all elements around it of all channels.
pub fn convolve(x: &[f32], filter: &[f32], out: &mut [f32], threads: usize) {
    parts(out, SIDE, threads, |begin, part| {
        for (line, row) in part.chunks_mut(SIDE).enumerate() {
            let line = begin / SIDE + line;
            let (to, row_number) = (line / SIDE, line % SIDE);
            for (column, out) in row.iter_mut().enumerate() {
                let mut sum = 0.0;
                for from in 0..CHANNELS {
                    for i in 0..3 {
                        for j in 0..3 {
                            let (y, z) = (row_number + i, column + j);
                            if (1..=SIDE).contains(&y) && (1..=SIDE).contains(&z) {
                                let x = x[(from * SIDE + y - 1) * SIDE + z - 1];
                                sum += x * filter[((to * CHANNELS + from) * 3 + i) * 3 + j];
                            }
                        }
                    }
                }
                *out = sum;
            }
        }
    });
}

pub fn gather(x: &[f32], indices: &[u32], out: &mut [f32], threads: usize) {
    parts(out, 1, threads, |begin, part| {
        for (out, index) in part.iter_mut().zip(&indices[begin..]) {
            *out = x[*index as usize];
        }
    });
}

pub fn attention(factors: [&[f32]; 3], out: &mut [f32], threads: usize) {
    attention_of::<WIDTH>(factors, out, threads);
}

/// Attention of heads whose queries, keys and values are the same.
pub fn heads(x: &[f32], out: &mut [f32], queries: usize, threads: usize) {
    let head = queries * HEAD_WIDTH;
    for (x, out) in x.chunks(head).zip(out.chunks_mut(head)) {
        attention_of::<HEAD_WIDTH>([x, x, x], out, threads);
    }
}

/// For each query, the values weighted by the exponentials of its products with the keys.
fn attention_of<const WIDTH: usize>(
    [queries, keys, values]: [&[f32]; 3],
    out: &mut [f32],
    threads: usize,
) {
    let scale = 1.0 / (WIDTH as f32).sqrt();
    parts(out, WIDTH, threads, |begin, part| {
        for (result, query) in part.chunks_mut(WIDTH).zip(queries[begin..].chunks(WIDTH)) {
            let query: Vec<f32> = query.iter().map(|value| value * scale).collect();
            let (mut most, mut sum) = (f32::NEG_INFINITY, 0.0);
            result.fill(0.0);
            for (key, value) in keys.chunks(WIDTH).zip(values.chunks(WIDTH)) {
                let product: f32 = query.iter().zip(key).map(|(a, b)| a * b).sum();
                let now = product.max(most);
                let (weight, before) = ((product - now).exp(), (most - now).exp());
                sum = sum * before + weight;
                for (result, value) in result.iter_mut().zip(value) {
                    *result = *result * before + weight * value;
                }
                most = now;
            }
            for result in result {
                *result /= sum;
            }
        }
    });
}
