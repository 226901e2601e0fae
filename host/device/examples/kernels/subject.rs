//! What is measured: kernels, how large their work is, and the numbers that they work on.

use crate::native;

/// One line of the table, for each number of threads.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kernel {
    AddMemory,
    SaxpyMemory,
    AddCache,
    SaxpyCache,
    Naive,
    Tiled,
    Registers,
    /// A matrix product as one would write it where nothing asks for another way; Rust alone.
    RowByRow,
    Mandelbrot,
    /// Blocks of 1,024 threads, with a barrier at each level of a tree.
    BlockSum,
    /// Rows normalised by blocks of 1,024 threads, by shuffles and barriers.
    BlockRmsNorm,
    BlockSoftmax,
    /// Three by three over all channels, by blocks of 512 threads.
    Convolution,
    /// Elements that indices name, each of which is asserted to be in range.
    Gather,
    /// One query a thread, whose numbers and result are in some 260 registers.
    Attention,
    /// Triton's, of halves with sums in single precision: `mma`, `ldmatrix` and `cp.async`.
    TritonMatmul,
    TritonMatmulTf32,
    /// Triton's fused attention, of halves.
    TritonAttention,
}

impl Kernel {
    pub const ALL: [Kernel; 18] = [
        Kernel::AddMemory,
        Kernel::SaxpyMemory,
        Kernel::AddCache,
        Kernel::SaxpyCache,
        Kernel::Naive,
        Kernel::Tiled,
        Kernel::Registers,
        Kernel::RowByRow,
        Kernel::Mandelbrot,
        Kernel::BlockSum,
        Kernel::BlockRmsNorm,
        Kernel::BlockSoftmax,
        Kernel::Convolution,
        Kernel::Gather,
        Kernel::Attention,
        Kernel::TritonMatmul,
        Kernel::TritonMatmulTf32,
        Kernel::TritonAttention,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Kernel::AddMemory => "vector add, in memory",
            Kernel::SaxpyMemory => "saxpy, in memory",
            Kernel::AddCache => "vector add, in cache",
            Kernel::SaxpyCache => "saxpy, in cache",
            Kernel::Naive => "naive matmul",
            Kernel::Tiled => "tiled matmul",
            Kernel::Registers => "register-tiled matmul",
            Kernel::RowByRow => "matmul, row by row",
            Kernel::Mandelbrot => "Mandelbrot, doubles",
            Kernel::BlockSum => "sum, 1,024 threads a block",
            Kernel::BlockRmsNorm => "RMS norm, 1,024 threads a block",
            Kernel::BlockSoftmax => "softmax, 1,024 threads a block",
            Kernel::Convolution => "direct convolution",
            Kernel::Gather => "gather with assertions",
            Kernel::Attention => "attention, 128 numbers a query",
            Kernel::TritonMatmul => "Triton matmul, f16",
            Kernel::TritonMatmulTf32 => "Triton matmul, tf32",
            Kernel::TritonAttention => "Triton attention, f16",
        }
    }

    pub fn unit(self) -> &'static str {
        match self {
            Kernel::AddMemory | Kernel::AddCache | Kernel::SaxpyMemory | Kernel::SaxpyCache => {
                "GB/s"
            }
            Kernel::Mandelbrot => "G iterations/s",
            Kernel::BlockSum | Kernel::BlockRmsNorm | Kernel::BlockSoftmax | Kernel::Gather => {
                "G elements/s"
            }
            _ => "GFLOP/s",
        }
    }

    /// Whether there is a kernel of it.
    pub fn has_kernel(self) -> bool {
        self != Kernel::RowByRow
    }

    /// Whether its buffers are of halves.
    pub fn is_of_halves(self) -> bool {
        matches!(self, Kernel::TritonMatmul | Kernel::TritonAttention)
    }

    /// Whether there is one in OpenCL C.
    pub fn has_opencl(self) -> bool {
        let ours_alone = matches!(
            self,
            Kernel::BlockSum
                | Kernel::BlockRmsNorm
                | Kernel::BlockSoftmax
                | Kernel::Convolution
                | Kernel::Gather
                | Kernel::Attention
                | Kernel::TritonMatmul
                | Kernel::TritonMatmulTf32
                | Kernel::TritonAttention
        );
        self.has_kernel() && !ours_alone
    }
}

/// Elements of a row that is normalised.
pub const ROW: usize = 4096;
/// Elements of a row that is summed.
pub const SUM_ROW: usize = 16_384;
/// Threads of the blocks that sum or normalise a row.
pub const BLOCK: usize = 1024;
/// The sides of an image that is convolved, and its channels.
pub const SIDE: usize = 64;
pub const CHANNELS: usize = 16;

/// Numbers of each query, key and value of an attention.
pub const WIDTH: usize = 128;
/// The same of Triton's, and its heads.
pub const HEAD_WIDTH: usize = 64;
pub const HEADS: usize = 4;

/// How large the problems are.
pub struct Sizes {
    pub rounds: u32,
    pub memory: usize,
    pub cache: usize,
    pub matrix: usize,
    pub width: usize,
    pub height: usize,
    /// Elements of sums, norms and gathers.
    pub rows: usize,
    /// Queries, and keys, of an attention.
    pub queries: usize,
}

impl Sizes {
    pub fn new(quick: bool) -> Sizes {
        Sizes {
            rounds: if quick { 2 } else { 7 },
            memory: if quick { 1 << 20 } else { 1 << 24 },
            cache: 1 << 15,
            matrix: if quick { 128 } else { 512 },
            width: 512,
            height: if quick { 64 } else { 512 },
            rows: if quick { 1 << 16 } else { 1 << 20 },
            queries: if quick { 64 } else { 512 },
        }
    }

    /// Elements of each of a kernel's buffers.
    pub fn elements(&self, kernel: Kernel) -> usize {
        match kernel {
            Kernel::AddMemory | Kernel::SaxpyMemory => self.memory,
            Kernel::AddCache | Kernel::SaxpyCache => self.cache,
            Kernel::Mandelbrot => self.width * self.height,
            Kernel::BlockSum | Kernel::BlockRmsNorm | Kernel::BlockSoftmax | Kernel::Gather => {
                self.rows
            }
            Kernel::Convolution => SIDE * SIDE * CHANNELS,
            Kernel::Attention => self.queries * WIDTH,
            Kernel::TritonAttention => HEADS * self.queries * HEAD_WIDTH,
            _ => self.matrix * self.matrix,
        }
    }

    /// How much a kernel does: bytes, operations, or iterations.
    pub fn work(&self, kernel: Kernel) -> f64 {
        match kernel {
            Kernel::Mandelbrot => self.escapes().iter().map(|count| f64::from(*count)).sum(),
            Kernel::Attention | Kernel::TritonAttention => {
                4.0 * (self.queries * self.elements(kernel)) as f64
            }
            Kernel::Convolution => 18.0 * (CHANNELS * self.elements(kernel)) as f64,
            _ if kernel.unit() == "GB/s" => 12.0 * self.elements(kernel) as f64,
            _ if kernel.unit() == "G elements/s" => self.elements(kernel) as f64,
            _ => 2.0 * (self.matrix as f64).powi(3),
        }
    }

    /// The same where the result is of halves. Products may be added in another order.
    fn check_halves(&self, kernel: Kernel, found: &[u8]) {
        let count = self.elements(kernel);
        let a = halves(count);
        let mut expected = vec![0.0; count];
        match kernel {
            Kernel::TritonAttention => native::heads(&a, &mut expected, self.queries, 1),
            _ => native::row_by_row(&a, &a, &mut expected, self.matrix, 1),
        }
        let found = found
            .as_chunks::<2>()
            .0
            .iter()
            .map(|bytes| from_half(u16::from_le_bytes(*bytes)));
        for (found, expected) in found.zip(expected) {
            let far = (found - expected).abs() > 4e-3 * expected.abs().max(1.0);
            assert!(!far, "{}: {found} for {expected}", kernel.name());
        }
    }

    pub fn escapes(&self) -> Vec<u32> {
        let mut counts = vec![0; self.width * self.height];
        native::mandelbrot(&mut counts, self.width, 1);
        counts
    }

    /// Fails where a kernel's result is not what Rust computes. Sums may be rounded otherwise.
    pub fn check(&self, kernel: Kernel, found: &[u8]) {
        if kernel.is_of_halves() {
            return self.check_halves(kernel, found);
        }
        let words = found.chunks_exact(4).map(|word| match word {
            [a, b, c, d] => u32::from_le_bytes([*a, *b, *c, *d]),
            _ => 0,
        });
        if kernel == Kernel::Mandelbrot {
            assert!(words.eq(self.escapes()), "{}", kernel.name());
            return;
        }
        let count = self.elements(kernel);
        let (a, b) = (values(count), values(count));
        let mut expected = vec![0.0; count];
        match kernel {
            Kernel::AddMemory | Kernel::AddCache => native::add(&a, &b, &mut expected, 1),
            // It adds to what the last round left.
            Kernel::SaxpyMemory | Kernel::SaxpyCache => return,
            Kernel::BlockSum => {
                expected.truncate(count / SUM_ROW);
                native::block_sum(&a, &mut expected, 1);
            }
            Kernel::BlockRmsNorm => native::rms_norm(&a, &mut expected, 1),
            Kernel::BlockSoftmax => native::softmax(&a, &mut expected, 1),
            Kernel::Convolution => native::convolve(&a, &filter(), &mut expected, 1),
            Kernel::Gather => native::gather(&a, &indices(count), &mut expected, 1),
            Kernel::Attention => native::attention([&a, &b, &b], &mut expected, 1),
            Kernel::TritonMatmulTf32 => {
                let a = halves(count);
                native::row_by_row(&a, &a, &mut expected, self.matrix, 1);
            }
            _ => native::row_by_row(&a, &b, &mut expected, self.matrix, 1),
        }
        for (found, expected) in words.map(f32::from_bits).zip(expected) {
            let far = (found - expected).abs() > 1e-3 * expected.abs().max(1.0);
            assert!(!far, "{}: {found} for {expected}", kernel.name());
        }
    }
}

/// The part of the plane that is drawn.
#[derive(Clone, Copy)]
pub struct View {
    pub left: f64,
    pub top: f64,
    pub most: u32,
}

pub const VIEW: View = View {
    left: -2.0,
    top: -1.0,
    most: 200,
};

impl View {
    /// From a point to the next, in so many rows.
    pub fn step(&self, height: usize) -> f64 {
        2.0 / height as f64
    }
}

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

/// The filter of the convolution: for each channel of the result, nine numbers for each channel of
/// the image.
pub fn filter() -> Vec<f32> {
    values(9 * CHANNELS * CHANNELS)
}

/// Indices that look random, each below the count.
pub fn indices(count: usize) -> Vec<u32> {
    let mut state = 0x9e37_79b9_u32;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 4) % count as u32
        })
        .collect()
}

/// The same as bytes.
pub fn bytes(count: usize) -> Vec<u8> {
    let values = values(count);
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// Numbers that are halves.
pub fn halves(count: usize) -> Vec<f32> {
    let small = |value: f32| (value * 64.0).round() / 64.0;
    values(count).into_iter().map(small).collect()
}

/// The same as bytes of halves.
pub fn bytes_of_halves(count: usize) -> Vec<u8> {
    let halves = halves(count).into_iter().map(to_half);
    halves.flat_map(u16::to_le_bytes).collect()
}

/// The bits of the half that a number is: zero, or one that is not subnormal.
fn to_half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    match (bits >> 23 & 255).checked_sub(112) {
        Some(exponent @ 1..31) => sign | (exponent << 10 | (bits >> 13 & 0x3ff)) as u16,
        _ => sign,
    }
}

fn from_half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    let magnitude = match exponent {
        0 => fraction * 2f32.powi(-24),
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    };
    if bits >> 15 == 1 {
        -magnitude
    } else {
        magnitude
    }
}
