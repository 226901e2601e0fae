//! The kernels and their problems: in the processor's cache, and some milliseconds each.

use tensor_wasm_device::{Argument, Extent};

use crate::case::{Arg, Case, Contents, Values};

/// Words that look random and are always the same.
fn words(seed: u32, count: usize) -> Vec<u32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state
        })
        .collect()
}

fn buffer<const N: usize>(parts: impl IntoIterator<Item = [u8; N]>) -> Arg {
    Arg::Buffer(Contents {
        bytes: parts.into_iter().flatten().collect(),
        element: N as u64,
        values: Values::Bits,
    })
}

fn integers(values: impl IntoIterator<Item = u32>) -> Arg {
    buffer(values.into_iter().map(u32::to_le_bytes))
}

fn long_integers(values: impl IntoIterator<Item = u64>) -> Arg {
    buffer(values.into_iter().map(u64::to_le_bytes))
}

/// Numbers from -8 to 8.
fn numbers(seed: u32, count: usize) -> impl Iterator<Item = f32> {
    let part = |word: u32| (word >> 8) as f32 / (1 << 20) as f32 - 8.0;
    words(seed, count).into_iter().map(part)
}

fn floats(seed: u32, count: usize) -> Arg {
    buffer(numbers(seed, count).map(f32::to_le_bytes))
}

fn positive_floats(seed: u32, count: usize) -> Arg {
    buffer(numbers(seed, count).map(|value| value.abs().to_le_bytes()))
}

fn doubles(seed: u32, count: usize) -> Arg {
    let wide = |value: f32| (f64::from(value) * 1.000_000_1).to_le_bytes();
    buffer(numbers(seed, count).map(wide))
}

fn bytes(seed: u32, count: usize, most: u32) -> Arg {
    let part = |word: u32| [((word >> 9) % (most + 1)) as u8];
    buffer(words(seed, count).into_iter().map(part))
}

/// Zeros that the kernel replaces by results, of elements of so many bytes.
fn results<const N: usize>(count: usize) -> Arg {
    buffer(vec![[0; N]; count])
}

fn near(count: usize, tolerance: f64) -> Arg {
    results::<4>(count).compared(Values::F32(tolerance))
}

fn word(value: u32) -> Arg {
    Arg::Value(Argument::U32(value))
}

fn float(value: f32) -> Arg {
    Arg::Value(Argument::F32(value))
}

fn double(value: f64) -> Arg {
    Arg::Value(Argument::F64(value))
}

fn blocks(threads: usize, block: u32) -> (u32, u32) {
    ((threads as u32).div_ceil(block), 1)
}

pub fn all(is_quick: bool) -> Vec<Case> {
    let mut all = linear(is_quick);
    all.extend(rows(is_quick));
    all.extend(elements(is_quick));
    all.extend(planes(is_quick));
    all.extend(together(is_quick));
    all
}

/// Vectors and matrices.
fn linear(is_quick: bool) -> Vec<Case> {
    let n = if is_quick { 1 << 12 } else { 1 << 16 };
    let saxpy = vec![
        floats(1, n).compared(Values::F32(1e-5)),
        floats(2, n),
        float(2.5),
        word(n as u32),
    ];
    let side = if is_quick { 64 } else { 256 };
    let size = side as u32;
    let product = |extents: usize| {
        let mut args = vec![
            near(side * side, 1e-4),
            floats(1, side * side),
            floats(2, side * side),
        ];
        args.extend((0..extents).map(|_| word(size)));
        args
    };
    let (width, height) = if is_quick { (80, 48) } else { (560, 400) };
    let transposed = vec![
        results::<8>(width * height),
        doubles(1, width * height),
        word(width as u32),
        word(height as u32),
    ];
    let rows = if is_quick { 64 } else { 4096 };
    let mut starts = vec![0];
    let mut last = 0;
    for word in words(1, rows) {
        last += word % 150;
        starts.push(last);
    }
    let columns = words(2, last as usize).into_iter().map(|word| word % 4000);
    let sparse = vec![
        results::<8>(rows).compared(Values::F64(1e-9)),
        integers(starts),
        integers(columns),
        doubles(3, last as usize),
        doubles(4, 4000),
        word(rows as u32),
    ];
    vec![
        Case::new("saxpy", blocks(n / 4, 256), (256, 1), saxpy),
        Case::new("matmul_naive", (size / 16, size / 16), (16, 16), product(3)),
        Case::new("matmul_tiled", (size / 16, size / 16), (16, 16), product(3)),
        Case::new(
            "matmul_registers",
            (size / 32, size / 32),
            (64, 1),
            product(1),
        ),
        Case::new(
            "transpose",
            ((width as u32).div_ceil(16), (height as u32).div_ceil(16)),
            (16, 16),
            transposed,
        ),
        Case::new("spmv", blocks(rows * 32, 128), (128, 1), sparse),
    ]
}

/// What neural networks are made of.
fn rows(is_quick: bool) -> Vec<Case> {
    let rows = if is_quick { 8 } else { 128 };
    let width = 1024;
    let (count, n, epsilon) = (rows * width, word(width as u32), float(1e-5));
    let grid = (rows as u32, 1);
    let softmax = vec![near(count, 1e-4), floats(1, count), n];
    let rms_norm = vec![
        near(count, 1e-4).elements_of(16),
        floats(1, count).elements_of(16),
        floats(2, width).elements_of(16),
        word(width as u32 / 4),
        epsilon,
    ];
    let layer_norm = vec![
        near(count, 1e-4),
        floats(1, count),
        floats(2, width),
        floats(3, width),
        word(width as u32),
        float(1e-5),
    ];
    let queries = if is_quick { 64 } else { 512 };
    let attention = vec![
        near(queries * 16, 1e-4),
        floats(1, queries * 16),
        floats(2, queries * 16),
        floats(3, queries * 16),
        word(queries as u32),
        word(0),
    ];
    let (positions, heads, head) = (rows, 16, 128);
    let rotary = vec![
        floats(1, positions * heads * head).compared(Values::F32(1e-3)),
        word(heads as u32),
        word(head as u32),
        float(1e4),
    ];
    let n = if is_quick { 1 << 10 } else { 1 << 16 };
    let mut settings = Vec::new();
    for value in [0.1f32, 0.9, 0.99, 1e-6] {
        settings.extend(value.to_le_bytes());
    }
    settings.extend(3i32.to_le_bytes());
    let adam = vec![
        floats(1, n).compared(Values::F32(1e-3)),
        floats(2, n).compared(Values::F32(1e-4)),
        positive_floats(3, n).compared(Values::F32(1e-4)),
        floats(4, n),
        Arg::Value(Argument::Bytes(settings)),
        word(n as u32),
    ];
    let line = blocks(n, 256);
    vec![
        Case::new("softmax", grid, (64, 1), softmax),
        Case::new("rms_norm", grid, (128, 1), rms_norm),
        Case::new("layer_norm", grid, (32, 1), layer_norm),
        Case::new("attention", blocks(queries, 64), (64, 1), attention),
        Case::new("rotary", (positions as u32, heads as u32), (64, 1), rotary),
        Case::new("adam", line, (256, 1), adam),
    ]
}

/// Each element alone.
fn elements(is_quick: bool) -> Vec<Case> {
    let n = if is_quick { 1 << 10 } else { 1 << 16 };
    let (size, line) = (word(n as u32), blocks(n, 256));
    let operators = vec![near(n, 1e-4), floats(1, n), floats(2, n), size];
    let whole = vec![
        results::<4>(n),
        integers(words(3, n)),
        integers(words(4, n)),
        word(n as u32),
    ];
    let pairs = words(1, n).into_iter().zip(words(2, n));
    let hash = vec![
        results::<8>(n),
        long_integers(pairs.map(|(high, low)| u64::from(high) << 32 | u64::from(low))),
        word(n as u32),
    ];
    let philox = vec![
        results::<4>(4 * n),
        near(n, 1e-6),
        word(11),
        word(22),
        word(n as u32),
    ];
    let gelu = vec![
        near(n, 1e-4),
        near(n, 1e-4),
        near(n, 1e-4),
        near(n, 1e-4),
        floats(1, n),
        word(n as u32),
    ];
    let longs = |seed: u32| {
        let pairs = words(seed, n).into_iter().zip(words(seed + 7, n));
        long_integers(pairs.map(|(high, low)| u64::from(high) << 32 | u64::from(low)))
    };
    let bits = vec![
        results::<4>(n),
        integers(words(1, n)),
        longs(2),
        word(n as u32),
    ];
    let conversions = vec![
        results::<8>(12 * n),
        doubles(1, n),
        longs(3),
        word(n as u32),
    ];
    let large = vec![
        results::<4>(8 * n),
        results::<4>(4 * n),
        results::<4>(4 * n),
        integers(words(1, 8 * n)),
        integers(words(2, 8 * n)),
    ];
    let quantized = vec![
        results::<1>(n),
        results::<1>(n),
        floats(1, n),
        float(40.0),
        word(n as u32),
    ];
    let half = || {
        let of = |seed| numbers(seed, n).map(|value| half::f16::from_f32(value).to_le_bytes());
        let out = results::<2>(5 * n).compared(Values::F16(2e-3));
        vec![out, buffer(of(1)), buffer(of(2)), word(n as u32)]
    };
    let brain = || {
        let of = |seed| numbers(seed, n).map(|value| half::bf16::from_f32(value).to_le_bytes());
        let out = results::<2>(5 * n).compared(Values::Bf16(2e-2));
        vec![out, buffer(of(1)), buffer(of(2)), word(n as u32)]
    };
    let rows = n / 16;
    let losses = vec![
        results::<8>(rows).compared(Values::F64(1e-9)),
        floats(1, rows * 10),
        long_integers(words(2, rows).into_iter().map(|word| u64::from(word % 10))),
        word(10),
        word(rows as u32),
    ];
    let rays = n / 4;
    let mut parts = Vec::new();
    for (number, part) in (0i16..).zip(numbers(1, 6 * rays).collect::<Vec<_>>().chunks(6)) {
        for value in part {
            parts.extend(f64::from(*value).to_le_bytes());
        }
        parts.extend(f32::from(number).to_le_bytes());
        parts.extend(number.to_le_bytes());
        parts.extend([0; 2]);
    }
    let structures = vec![
        Arg::Buffer(Contents {
            bytes: parts,
            element: 56,
            values: Values::F64(1e-9),
        }),
        results::<8>(rays).compared(Values::F64(1e-9)),
        word(rays as u32),
    ];
    let program = if is_quick { 100 } else { 3000 };
    let machine = vec![
        integers([0; 1024]),
        bytes(1, program, 9),
        word(program as u32),
    ];
    let rounds = if is_quick { 10 } else { 400 };
    let monte_carlo = vec![
        results::<8>(1),
        results::<8>(1).compared(Values::F64(1e-9)),
        word(rounds),
    ];
    vec![
        Case::new("element_wise_floats", line, (256, 1), operators).of("element_wise", "floats"),
        Case::new("element_wise_integers", line, (256, 1), whole).of("element_wise", "integers"),
        Case::new("hash", line, (256, 1), hash),
        Case::new("philox", line, (256, 1), philox),
        Case::new("gelu", line, (256, 1), gelu),
        Case::new("monte_carlo", (16, 1), (128, 1), monte_carlo),
        Case::new("bits", line, (256, 1), bits),
        Case::new("conversions", line, (256, 1), conversions),
        Case::new("big_integers", line, (256, 1), large),
        Case::new("quantize", line, (256, 1), quantized).of("quantized", "quantize"),
        Case::new("half_scalars", line, (256, 1), half()).of("half", "scalars"),
        Case::new("brain_scalars", line, (256, 1), brain()).of("brain_float", "scalars"),
        Case::new("cross_entropy", blocks(rows, 256), (256, 1), losses),
        Case::new("structures", blocks(rays, 256), (256, 1), structures),
        Case::new("machine", (1, 1), (1024, 1), machine).of("switch", "machine"),
    ]
}

/// Planes, space and bodies.
fn planes(is_quick: bool) -> Vec<Case> {
    let (width, height) = if is_quick { (64, 32) } else { (512, 256) };
    let count = width * height;
    let (w, h) = (width as u32, height as u32);
    let grid = |x: u32, y: u32| (w.div_ceil(x), h.div_ceil(y));
    let heat = vec![
        near(count, 1e-5),
        floats(1, count),
        word(w),
        word(h),
        float(0.1),
    ];
    let life = vec![results::<1>(count), bytes(1, count, 1), word(w), word(h)];
    let convolution = vec![near(count, 1e-5), floats(1, count), word(w), word(h)];
    let mandelbrot = vec![
        results::<4>(count),
        word(w),
        word(h),
        double(-2.2),
        double(-1.2),
        double(2.4 / height as f64),
        word(100),
    ];
    let side = if is_quick { 16 } else { 64 };
    let space = vec![
        results::<8>(side * side * side).compared(Values::F64(1e-9)),
        doubles(2, side * side * side),
        word(side as u32),
    ];
    let bodies = if is_quick { 64 } else { 1024 };
    let nbody = vec![
        near(4 * bodies, 1e-3).elements_of(16),
        positive_floats(1, 4 * bodies).elements_of(16),
        word(bodies as u32),
    ];
    let side = side as u32;
    let extent = |x, y, z| Extent { x, y, z };
    let space = Case {
        grid: extent(side / 16, side / 4, side / 4),
        block: extent(16, 4, 4),
        ..Case::new("space", (1, 1), (1, 1), space)
    };
    vec![
        Case::new("heat", grid(32, 8), (32, 8), heat).of("stencil", "heat"),
        space.of("stencil", "space"),
        Case::new("life", grid(32, 8), (32, 8), life),
        Case::new("convolution", grid(8, 8), (8, 8), convolution),
        Case::new("mandelbrot", grid(32, 8), (32, 8), mandelbrot),
        Case::new("nbody", blocks(bodies, 32), (32, 1), nbody),
    ]
}

/// Threads that work together.
fn together(is_quick: bool) -> Vec<Case> {
    let n = if is_quick { 1 << 12 } else { 1 << 18 };
    let (size, line) = (word(n as u32), blocks(n, 256));
    let histogram = vec![integers([0; 256]), bytes(1, n, 255), size];
    let signed = || {
        integers(
            words(1, n)
                .into_iter()
                .map(|word| (word.cast_signed() >> 8).cast_unsigned()),
        )
    };
    let (least, most) = (i32::MIN.cast_unsigned(), i32::MAX.cast_unsigned());
    let reduced = vec![integers([0, most, least]), signed(), word(n as u32)];
    let scanned = vec![
        results::<4>(n),
        integers(words(1, n)),
        results::<4>(n / 256),
    ];
    let kept = vec![
        results::<4>(n).compared(Values::AnyOrder),
        integers([0]),
        signed(),
        word(n as u32),
    ];
    let largest = vec![
        long_integers([0]),
        integers([f32::MIN.to_bits()]),
        floats(1, n),
        word(n as u32),
    ];
    let texts = if is_quick { 4 } else { 64 };
    let distances = vec![
        results::<4>(texts),
        bytes(1, texts * 63, 3),
        bytes(2, texts * 63, 3),
        word(63),
    ];
    let parts = if is_quick { 4 } else { 64 };
    let keys = words(1, parts * 256)
        .into_iter()
        .map(|word| (word as u16).to_le_bytes());
    let sorted = vec![buffer(keys), bytes(2, parts * 256, 255)];
    let sums = vec![near(n / 256, 1e-4), floats(1, n), word(n as u32)];
    let transforms = if is_quick { 2 } else { 128 };
    let points = vec![
        floats(1, transforms * 512)
            .elements_of(8)
            .compared(Values::F32(1e-3)),
    ];
    vec![
        Case::new("histogram", blocks(n / 64, 256), (256, 1), histogram),
        Case {
            dynamic_shared: 1024,
            ..Case::new("reduce_shared", line, (256, 1), sums)
        },
        Case::new("fft", (transforms as u32, 1), (128, 1), points),
        Case::new("reduce_shuffle", line, (256, 1), reduced),
        Case::new("scan", line, (256, 1), scanned),
        Case::new("compact", line, (256, 1), kept),
        Case::new("argmax", line, (256, 1), largest),
        Case::new("edit_distance", (texts as u32, 1), (64, 1), distances),
        Case::new("bitonic_sort", (parts as u32, 1), (256, 1), sorted),
    ]
}
