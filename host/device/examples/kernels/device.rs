//! The kernels on the device: parsed, compiled and run as a tenant's are.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use tensor_wasm_device::{
    Argument, Buffer, CpuConfig, Device, Extent, LaunchConfig, Lease, Limits, Queue,
};

use crate::subject::{
    BLOCK, CHANNELS, HEAD_WIDTH, HEADS, Kernel, ROW, SIDE, SUM_ROW, Sizes, VIEW, WIDTH, bytes,
    bytes_of_halves, filter, halves, indices,
};

const KERNELS: &str = include_str!("../../../ptx/tests/data/kernels.ptx");
pub const SAXPY: &str = include_str!("../../../../components/saxpy/kernels/saxpy.ptx");
const NAIVE: &str = include_str!("../../../ptx/corpus/matmul_naive/nvrtc.ptx");
pub const TILED: &str = include_str!("../../../ptx/corpus/matmul_tiled/nvrtc.ptx");
pub const REGISTERS: &str = include_str!("../../../ptx/corpus/matmul_registers/nvrtc.ptx");
const MANDELBROT: &str = include_str!("../../../ptx/corpus/mandelbrot/nvrtc.ptx");
const BLOCKS: &str = include_str!("blocks.ptx");
const TRITON_MATMUL: &str = include_str!("../../../ptx/corpus/triton_matmul/triton.ptx");
const TRITON_TF32: &str = include_str!("../../../ptx/corpus/triton_matmul_tf32/triton.ptx");
const TRITON_ATTENTION: &str = include_str!("../../../ptx/corpus/triton_attention/triton.ptx");
pub const EMPTY: &str =
    ".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry empty() { ret; }\n";

/// A device with so many threads, and a queue on it.
pub struct Bench {
    lease: Lease,
    queue: Queue,
}

pub const fn extent(x: usize, y: usize) -> Extent {
    Extent {
        x: x as u32,
        y: y as u32,
        z: 1,
    }
}

pub const fn launch(grid: Extent, block: Extent) -> LaunchConfig {
    LaunchConfig {
        grid,
        block,
        shared_bytes: 0,
    }
}

pub fn pointer(buffer: &Buffer) -> Argument {
    Argument::Pointer {
        buffer: buffer.clone(),
        offset: 0,
    }
}

impl Bench {
    pub async fn new(threads: usize) -> Bench {
        let device = Device::cpu(CpuConfig {
            threads: NonZeroUsize::new(threads),
            ..CpuConfig::default()
        });
        let limits = Limits {
            kernel_time: Duration::from_secs(100),
            ..Limits::default()
        };
        let lease = device.unwrap().session(limits).lease();
        let queue = lease.create_queue().await.unwrap();
        Bench { lease, queue }
    }

    async fn floats(&self, count: usize) -> Buffer {
        let buffer = self.lease.allocate(4 * count as u64).await.unwrap();
        self.queue.write(&buffer, 0, bytes(count)).await.unwrap();
        buffer
    }

    /// Seconds, the best of some rounds, from the launch's call to the end of the queue.
    pub async fn measure(&self, kernel: Kernel, sizes: &Sizes) -> f64 {
        let count = sizes.elements(kernel);
        let (a, b) = (self.floats(count).await, self.floats(count).await);
        let c = self.floats(count).await;
        let n = Argument::U32(sizes.matrix as u32);
        let (text, name) = match kernel {
            Kernel::AddMemory | Kernel::AddCache => (KERNELS, "vector_add"),
            Kernel::SaxpyMemory | Kernel::SaxpyCache => (SAXPY, "saxpy"),
            Kernel::Naive => (NAIVE, "matmul_naive"),
            Kernel::Tiled => (TILED, "matmul_tiled"),
            Kernel::Registers | Kernel::RowByRow => (REGISTERS, "matmul_registers"),
            Kernel::Mandelbrot => (MANDELBROT, "mandelbrot"),
            Kernel::BlockSum => (BLOCKS, "block_sum"),
            Kernel::BlockRmsNorm => (BLOCKS, "block_rms_norm"),
            Kernel::BlockSoftmax => (BLOCKS, "block_softmax"),
            Kernel::Convolution => (BLOCKS, "convolve"),
            Kernel::Gather => (BLOCKS, "gather"),
            Kernel::Attention => (BLOCKS, "attention"),
            Kernel::TritonMatmul => (TRITON_MATMUL, "matmul"),
            Kernel::TritonMatmulTf32 => (TRITON_TF32, "matmul"),
            Kernel::TritonAttention => (TRITON_ATTENTION, "attention"),
        };
        let size = Argument::U32(count as u32);
        let tiles = extent(sizes.matrix / 16, sizes.matrix / 16);
        let line = launch(extent(count / 256, 1), extent(256, 1));
        let factors = vec![pointer(&c), pointer(&a), pointer(&b)];
        let (config, arguments) = match kernel {
            Kernel::AddMemory | Kernel::AddCache => {
                (line, vec![pointer(&a), pointer(&b), pointer(&c), size])
            }
            Kernel::SaxpyMemory | Kernel::SaxpyCache => (
                line,
                vec![pointer(&c), pointer(&a), Argument::F32(2.0), size],
            ),
            Kernel::Naive | Kernel::Tiled => {
                let mut arguments = factors;
                arguments.extend([n.clone(), n.clone(), n]);
                (launch(tiles, extent(16, 16)), arguments)
            }
            Kernel::Registers | Kernel::RowByRow => {
                let mut arguments = factors;
                arguments.push(n);
                let tiles = extent(sizes.matrix / 32, sizes.matrix / 32);
                (launch(tiles, extent(64, 1)), arguments)
            }
            Kernel::Mandelbrot => {
                let (width, height) = (sizes.width, sizes.height);
                let arguments = vec![
                    pointer(&c),
                    Argument::U32(width as u32),
                    Argument::U32(height as u32),
                    Argument::F64(VIEW.left),
                    Argument::F64(VIEW.top),
                    Argument::F64(VIEW.step(height)),
                    Argument::U32(VIEW.most),
                ];
                let grid = extent(width / 32, height / 8);
                (launch(grid, extent(32, 8)), arguments)
            }
            Kernel::BlockSum => (
                launch(extent(count / SUM_ROW, 1), extent(BLOCK, 1)),
                vec![pointer(&c), pointer(&a), Argument::U32(SUM_ROW as u32)],
            ),
            Kernel::BlockRmsNorm | Kernel::BlockSoftmax => {
                let mut arguments = vec![pointer(&c), pointer(&a), Argument::U32(ROW as u32)];
                if kernel == Kernel::BlockRmsNorm {
                    arguments.push(Argument::F32(1e-5));
                }
                (launch(extent(count / ROW, 1), extent(BLOCK, 1)), arguments)
            }
            Kernel::Convolution => {
                let weights = filter()
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect();
                self.queue.write(&b, 0, weights).await.unwrap();
                let sides = [SIDE, SIDE, CHANNELS].map(|count| Argument::U32(count as u32));
                let arguments = factors.into_iter().chain(sides).collect();
                let grid = Extent {
                    z: CHANNELS as u32,
                    ..extent(SIDE / 32, SIDE / 16)
                };
                (launch(grid, extent(32, 16)), arguments)
            }
            Kernel::Attention => {
                let mut arguments = factors;
                arguments.push(pointer(&b));
                arguments.push(Argument::U32(sizes.queries as u32));
                arguments.push(Argument::F32(1.0 / (WIDTH as f32).sqrt()));
                (
                    launch(extent(sizes.queries / 64, 1), extent(64, 1)),
                    arguments,
                )
            }
            Kernel::TritonMatmul | Kernel::TritonMatmulTf32 => {
                let shared_bytes = if kernel.is_of_halves() {
                    self.queue
                        .write(&a, 0, bytes_of_halves(count))
                        .await
                        .unwrap();
                    16_384
                } else {
                    let values = halves(count);
                    let bytes = values.iter().flat_map(|value| value.to_le_bytes());
                    self.queue.write(&a, 0, bytes.collect()).await.unwrap();
                    32_768
                };
                let mut arguments = vec![pointer(&a), pointer(&a), pointer(&c)];
                arguments.extend([n.clone(), n.clone(), n]);
                let tiles = sizes.matrix / 64;
                let config = launch(extent(tiles * tiles, 1), extent(128, 1));
                (
                    LaunchConfig {
                        shared_bytes,
                        ..config
                    },
                    arguments,
                )
            }
            Kernel::TritonAttention => {
                self.queue
                    .write(&a, 0, bytes_of_halves(count))
                    .await
                    .unwrap();
                let mut arguments = vec![pointer(&c), pointer(&a), pointer(&a), pointer(&a)];
                arguments.push(Argument::F32(1.0 / (HEAD_WIDTH as f32).sqrt()));
                arguments.push(Argument::U32(sizes.queries as u32));
                let config = launch(extent(sizes.queries / 64, HEADS), extent(128, 1));
                (
                    LaunchConfig {
                        shared_bytes: 24_576,
                        ..config
                    },
                    arguments,
                )
            }
            Kernel::Gather => {
                let places = indices(count)
                    .iter()
                    .flat_map(|index| index.to_le_bytes())
                    .collect();
                self.queue.write(&b, 0, places).await.unwrap();
                let mut arguments = factors;
                arguments.extend([size.clone(), size]);
                (line, arguments)
            }
        };
        let module = self.lease.load(text.into()).await.unwrap();
        let entry = module.kernel(name).unwrap();
        let mut best = f64::INFINITY;
        for _ in 0..sizes.rounds {
            let arguments = arguments.clone();
            let began = Instant::now();
            self.queue.launch(&entry, config, arguments).await.unwrap();
            self.queue.synchronize().await.unwrap();
            best = best.min(began.elapsed().as_secs_f64());
        }
        let results = if kernel == Kernel::BlockSum {
            count / SUM_ROW
        } else {
            count
        };
        let size = if kernel.is_of_halves() { 2 } else { 4 };
        let bytes = size * results as u64;
        let found = self.queue.read(&c, 0, bytes).await.unwrap();
        sizes.check(kernel, &found);
        best
    }

    /// What an empty launch takes, one after another, and when each is waited for.
    pub async fn latency(&self) -> (Duration, Duration) {
        let count = 2000;
        let module = self.lease.load(EMPTY.into()).await.unwrap();
        let kernel = module.kernel("empty").unwrap();
        let config = launch(extent(1, 1), extent(1, 1));
        let began = Instant::now();
        for _ in 0..count {
            self.queue.launch(&kernel, config, vec![]).await.unwrap();
        }
        self.queue.synchronize().await.unwrap();
        let queued = began.elapsed() / count;
        let began = Instant::now();
        for _ in 0..count {
            self.queue.launch(&kernel, config, vec![]).await.unwrap();
            self.queue.synchronize().await.unwrap();
        }
        (queued, began.elapsed() / count)
    }
}
