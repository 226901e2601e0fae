//! What a kernel's first use takes: from loading its module to the result of its first launch.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use tensor_wasm_device::{Argument, Buffer, CpuConfig, Device, Extent, Limits};

use crate::device::{EMPTY, REGISTERS, SAXPY, TILED, extent, launch, pointer};

/// How many kernels the large module has.
const KERNELS: usize = 200;

/// The shortest of a few.
pub struct FirstUse {
    pub what: &'static str,
    /// With nothing known of it.
    pub compiled: Duration,
    /// By another device, that finds on disk what was compiled before.
    pub kept: Duration,
}

/// A module, and the launch that is measured.
struct Subject {
    what: &'static str,
    text: String,
    kernel: String,
    block: Extent,
    arguments: fn(&Buffer) -> Vec<Argument>,
}

/// The size of the matrices and vectors.
const SIZE: u32 = 32;

fn subjects() -> [Subject; 4] {
    let of = |what, text: &str, kernel: &str, block, arguments| Subject {
        what,
        text: text.to_owned(),
        kernel: kernel.to_owned(),
        block,
        arguments,
    };
    let large = format!("k{}", KERNELS / 2);
    [
        of("saxpy", SAXPY, "saxpy", extent(32, 1), |buffer| {
            let pointers = [pointer(buffer), pointer(buffer)];
            let numbers = [Argument::F32(2.0), Argument::U32(SIZE)];
            pointers.into_iter().chain(numbers).collect()
        }),
        of(
            "tiled matmul",
            TILED,
            "matmul_tiled",
            extent(16, 16),
            |buffer| {
                let sizes = [(); 3].map(|()| Argument::U32(SIZE));
                [(); 3]
                    .map(|()| pointer(buffer))
                    .into_iter()
                    .chain(sizes)
                    .collect()
            },
        ),
        of(
            "register-tiled matmul",
            REGISTERS,
            "matmul_registers",
            extent(64, 1),
            |buffer| {
                let pointers = [(); 3].map(|()| pointer(buffer)).into_iter();
                pointers.chain([Argument::U32(SIZE)]).collect()
            },
        ),
        of(
            "a module of 200 kernels",
            &module(),
            &large,
            extent(32, 1),
            |buffer| vec![pointer(buffer)],
        ),
    ]
}

/// The module of many kernels: each is a polynomial of its own.
fn module() -> String {
    let mut text = String::from(".version 7.0\n.target sm_70\n.address_size 64\n");
    for number in 0..KERNELS {
        // Writing to a string can't fail.
        let _ = write!(
            text,
            ".visible .entry k{number}(.param .u64 p)\n{{\n\
             .reg .b64 %d<3>; .reg .b32 %r; .reg .f32 %f<3>;\n\
             ld.param.u64 %d0, [p];\nmov.u32 %r, %tid.x;\nmul.wide.u32 %d1, %r, 4;\n\
             add.s64 %d2, %d0, %d1;\nld.global.f32 %f0, [%d2];\nmov.f32 %f1, 0f3F800000;\n"
        );
        for degree in 0..60 {
            let bits = (1.0 / (number + degree + 1) as f32).to_bits();
            let _ = writeln!(text, "fma.rn.f32 %f1, %f1, %f0, 0f{bits:08X};");
        }
        text.push_str("st.global.f32 [%d2], %f1;\nret;\n}\n");
    }
    text
}

/// Measures first uses, on devices that each know nothing of what others have in memory.
pub async fn measure() -> Vec<FirstUse> {
    let folder = format!("tensor-wasm-first-use-{}", std::process::id());
    let folder = std::env::temp_dir().join(folder);
    let mut times = Vec::new();
    for subject in subjects() {
        let mut first_use = FirstUse {
            what: subject.what,
            compiled: Duration::MAX,
            kept: Duration::MAX,
        };
        for _ in 0..3 {
            drop(std::fs::remove_dir_all(&folder));
            first_use.compiled = first_use.compiled.min(once(&folder, &subject).await);
            first_use.kept = first_use.kept.min(once(&folder, &subject).await);
        }
        times.push(first_use);
    }
    drop(std::fs::remove_dir_all(folder));
    times
}

async fn once(folder: &Path, subject: &Subject) -> Duration {
    let device = Device::cpu(CpuConfig {
        kernel_folder: Some(folder.to_owned()),
        ..CpuConfig::default()
    });
    let lease = device.unwrap().session(Limits::default()).lease();
    let queue = lease.create_queue().await.unwrap();
    let buffer = lease.allocate(4 * u64::from(SIZE * SIZE)).await.unwrap();
    // The engine is made for the first kernel.
    let empty = lease.load(EMPTY.into()).await.unwrap();
    let one = launch(extent(1, 1), extent(1, 1));
    let kernel = empty.kernel("empty").unwrap();
    queue.launch(&kernel, one, vec![]).await.unwrap();
    queue.synchronize().await.unwrap();
    let began = Instant::now();
    let module = lease.load(subject.text.as_bytes().to_vec()).await.unwrap();
    let kernel = module.kernel(&subject.kernel).unwrap();
    let config = launch(extent(1, 1), subject.block);
    let arguments = (subject.arguments)(&buffer);
    queue.launch(&kernel, config, arguments).await.unwrap();
    queue.read(&buffer, 0, 4).await.unwrap();
    began.elapsed()
}
