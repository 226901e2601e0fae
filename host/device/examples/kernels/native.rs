//! The same algorithms in Rust, as one would write them, over some threads.

/// Numbers that look random.
pub fn values(count: usize) -> Vec<f32> {
    let mut state = 0x2545_f491_u32;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state % 1000) as f32 / 500.0 - 1.0
        })
        .collect()
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

pub fn saxpy(y: &mut [f32], x: &[f32], a: f32, threads: usize) {
    parts(y, 1, threads, |begin, part| {
        for (y, x) in part.iter_mut().zip(&x[begin..]) {
            *y += a * x;
        }
    });
}

/// Row by row, so that the innermost loop is over neighbours.
pub fn matmul(a: &[f32], b: &[f32], c: &mut [f32], n: usize, threads: usize) {
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

pub fn mandelbrot(
    out: &mut [u32],
    width: usize,
    (left, top, step): (f64, f64, f64),
    most: u32,
    threads: usize,
) {
    parts(out, width, threads, |begin, part| {
        for (place, count) in part.iter_mut().enumerate() {
            let place = begin + place;
            let (cx, cy) = (
                left + (place % width) as f64 * step,
                top + (place / width) as f64 * step,
            );
            let (mut x, mut y, mut i) = (0.0, 0.0, 0);
            while i < most && x * x + y * y < 4.0 {
                (x, y) = (x * x - y * y + cx, 2.0 * x * y + cy);
                i += 1;
            }
            *count = i;
        }
    });
}
