//! Launches: valid ones, ones that the host must refuse, and kernels that fail while they run.

use crate::bindings::kernels::{Argument, Device, Error, Extent, LaunchConfig};
use crate::report::{Outcome, describe};
use crate::{extent, increment, kernel, launch_config, numbers};
use serde_json::{Value, json};

pub fn scenario(name: &str) -> Option<Outcome> {
    let outcome = match name {
        "increment" => increment_100(),
        "reverse" => reverse(),
        "all-types" => all_types(),
        "count-threads" => count_threads(),
        "wrong-argument-count" => with_arguments(&[Argument::U32(1)]),
        "too-many-arguments" => too_many_arguments(),
        "wrong-argument-type" => wrong_argument_type(),
        "number-for-a-pointer" => with_arguments(&[Argument::U32(1), Argument::U32(1)]),
        "wrong-argument-size" => wrong_argument_size(),
        "pointer-past-the-end" => pointer_past_the_end(),
        "zero-extent" => with_extents(extent(0, 1, 1), extent(1, 1, 1), 0),
        "zero-block" => with_extents(extent(1, 1, 1), extent(1, 0, 1), 0),
        "huge-extent" => with_extents(extent(1, 70_000, 1), extent(1, 1, 1), 0),
        "overflowing-extent" => with_extents(
            extent(u32::MAX, u32::MAX, u32::MAX),
            extent(u32::MAX, u32::MAX, u32::MAX),
            0,
        ),
        "too-many-threads" => with_extents(extent(1, 1, 1), extent(64, 32, 1), 0),
        "too-much-shared" => with_extents(extent(1, 1, 1), extent(1, 1, 1), u32::MAX),
        "fault-outside" => store_at(1 << 40),
        "fault-just-outside" => store_at(4),
        "fault-before" => store_at(u64::MAX),
        "fault-load" => load_outside(),
        "null-pointer" => store_raw(0),
        "made-up-address" => store_raw(0xffff_ffff_ffff_f000),
        "misaligned" => store_misaligned(),
        "divide-by-zero" => divide_by_zero(),
        "endless-kernel" => then_healthy(run_endless),
        "barrier-deadlock" => then_healthy(run_two_barriers),
        "fault-then-work" => fault_then_work(),
        "printing-kernel" => print_from_kernel(),
        _ => return None,
    };
    Some(outcome)
}

fn increment_100() -> Outcome {
    increment(&Device::open()?, 100).map(|numbers| json!(numbers))
}

fn reverse() -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let buffer = device.allocate(512)?;
    let data: Vec<u8> = (0..128u32).flat_map(u32::to_le_bytes).collect();
    queue.write(&buffer, 0, &data)?;
    let reverse = kernel(&device, "reverse")?;
    queue.launch(
        &reverse,
        launch_config(2, 64),
        &[Argument::Pointer((&buffer, 0))],
    )?;
    let bytes = queue.read(&buffer, 0, 512)?;
    Ok(json!(numbers(&bytes)))
}

fn all_types() -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let out = device.allocate(88)?;
    let mut structure = vec![0; 8];
    structure.extend(0xfeed_f00du32.to_le_bytes());
    queue.launch(
        &kernel(&device, "all_types")?,
        launch_config(1, 1),
        &[
            Argument::Pointer((&out, 0)),
            Argument::U8(u8::MAX),
            Argument::U16(u16::MAX),
            Argument::U32(u32::MAX),
            Argument::U64(u64::MAX - 1),
            Argument::S8(-8),
            Argument::S16(-16),
            Argument::S32(-32),
            Argument::S64(-64),
            Argument::F32(1.5),
            Argument::F64(-2.25),
            Argument::Bytes(structure),
        ],
    )?;
    let bytes = queue.read(&out, 0, 88)?;
    let slots: Vec<String> = bytes
        .chunks_exact(8)
        .map(|slot| {
            slot.iter()
                .rev()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        })
        .collect();
    Ok(json!(slots))
}

/// Launches 2 x 3 x 4 blocks of 5 x 6 x 7 threads.
fn count_threads() -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let counter = device.allocate(4)?;
    queue.launch(
        &kernel(&device, "count_threads")?,
        LaunchConfig {
            grid: extent(2, 3, 4),
            block: extent(5, 6, 7),
            shared_memory: 0,
        },
        &[Argument::Pointer((&counter, 0))],
    )?;
    Ok(json!(numbers(&queue.read(&counter, 0, 4)?)))
}

/// Launches `increment`, whose parameters are a pointer and a `u32`.
fn with_arguments(arguments: &[Argument<'_>]) -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    queue.launch(
        &kernel(&device, "increment")?,
        launch_config(1, 1),
        arguments,
    )?;
    queue.synchronize()?;
    Ok(Value::Null)
}

fn too_many_arguments() -> Outcome {
    let device = Device::open()?;
    let buffer = device.allocate(4)?;
    launch_once(
        &device,
        "increment",
        &[
            Argument::Pointer((&buffer, 0)),
            Argument::U32(1),
            Argument::U32(1),
        ],
    )
}

fn wrong_argument_type() -> Outcome {
    let device = Device::open()?;
    let buffer = device.allocate(4)?;
    launch_once(
        &device,
        "increment",
        &[Argument::Pointer((&buffer, 0)), Argument::F32(1.0)],
    )
}

fn wrong_argument_size() -> Outcome {
    let device = Device::open()?;
    let buffer = device.allocate(88)?;
    launch_once(
        &device,
        "all_types",
        &[
            Argument::Pointer((&buffer, 0)),
            Argument::U8(0),
            Argument::U16(0),
            Argument::U32(0),
            Argument::U64(0),
            Argument::S8(0),
            Argument::S16(0),
            Argument::S32(0),
            Argument::S64(0),
            Argument::F32(0.0),
            Argument::F64(0.0),
            Argument::Bytes(vec![0; 11]),
        ],
    )
}

fn pointer_past_the_end() -> Outcome {
    let device = Device::open()?;
    let buffer = device.allocate(4)?;
    launch_once(
        &device,
        "increment",
        &[Argument::Pointer((&buffer, 5)), Argument::U32(1)],
    )
}

fn launch_once(device: &Device, name: &str, arguments: &[Argument<'_>]) -> Outcome {
    let queue = device.create_queue()?;
    queue.launch(&kernel(device, name)?, launch_config(1, 1), arguments)?;
    queue.synchronize()?;
    Ok(Value::Null)
}

fn with_extents(grid: Extent, block: Extent, shared_memory: u32) -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let counter = device.allocate(4)?;
    queue.launch(
        &kernel(&device, "count_threads")?,
        LaunchConfig {
            grid,
            block,
            shared_memory,
        },
        &[Argument::Pointer((&counter, 0))],
    )?;
    queue.synchronize()?;
    Ok(Value::Null)
}

/// Stores at an index of a buffer of four numbers, which may be outside of it.
fn store_at(index: u64) -> Outcome {
    let device = Device::open()?;
    let buffer = device.allocate(16)?;
    launch_once(
        &device,
        "store_at",
        &[
            Argument::Pointer((&buffer, 0)),
            Argument::U64(index),
            Argument::U32(7),
        ],
    )
}

fn load_outside() -> Outcome {
    let device = Device::open()?;
    let buffer = device.allocate(16)?;
    launch_once(
        &device,
        "load_at",
        &[Argument::Pointer((&buffer, 0)), Argument::U64(4)],
    )
}

fn store_misaligned() -> Outcome {
    let device = Device::open()?;
    let buffer = device.allocate(16)?;
    launch_once(
        &device,
        "store_at",
        &[
            Argument::Pointer((&buffer, 1)),
            Argument::U64(0),
            Argument::U32(7),
        ],
    )
}

fn store_raw(address: u64) -> Outcome {
    launch_once(&Device::open()?, "store_raw", &[Argument::U64(address)])
}

/// Quotient and remainder, which PTX leaves to the device.
fn divide_by_zero() -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let out = device.allocate(8)?;
    queue.launch(
        &kernel(&device, "divide")?,
        launch_config(1, 1),
        &[
            Argument::Pointer((&out, 0)),
            Argument::U32(7),
            Argument::U32(0),
        ],
    )?;
    Ok(json!(numbers(&queue.read(&out, 0, 8)?)))
}

/// A kernel that prints `hello` with the number of its thread.
const PRINTING: &str = r#"
.version 7.0
.target sm_70
.address_size 64
.extern .func (.param .b32 r) vprintf(.param .b64 format, .param .b64 values);
.global .align 1 .b8 text[24] = {104, 101, 108, 108, 111, 32, 102, 114, 111, 109, 32, 116, 104, 114, 101, 97, 100, 32, 37, 117, 10};
.visible .entry hello()
{
    .local .align 8 .b8 values[8];
    .reg .b32 %r<3>;
    .reg .b64 %rd<5>;
    mov.u64 %rd1, values;
    cvta.local.u64 %rd2, %rd1;
    mov.u32 %r1, %tid.x;
    st.local.u32 [%rd1], %r1;
    mov.u64 %rd3, text;
    cvta.global.u64 %rd4, %rd3;
    {
    .param .b64 param0;
    .param .b64 param1;
    .param .b32 retval0;
    st.param.b64 [param0], %rd4;
    st.param.b64 [param1], %rd2;
    call.uni (retval0), vprintf, (param0, param1);
    ld.param.b32 %r2, [retval0];
    }
    ret;
}
"#;

fn print_from_kernel() -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let hello = device.load(PRINTING.as_bytes())?.kernel("hello")?;
    queue.launch(&hello, launch_config(1, 3), &[])?;
    queue.synchronize()?;
    Ok(Value::Null)
}

fn run_endless(device: &Device) -> Result<(), Error> {
    let queue = device.create_queue()?;
    queue.launch(&kernel(device, "endless")?, launch_config(1, 1), &[])?;
    queue.synchronize()
}

fn run_two_barriers(device: &Device) -> Result<(), Error> {
    let queue = device.create_queue()?;
    queue.launch(&kernel(device, "two_barriers")?, launch_config(1, 64), &[])?;
    queue.synchronize()
}

/// The failure of a kernel, and the result of a correct one after it.
fn then_healthy(run: fn(&Device) -> Result<(), Error>) -> Outcome {
    let device = Device::open()?;
    let failed = run(&device).err().map(describe);
    // If the failure caused the loss of the device, this is a new one.
    let device = Device::open()?;
    let after = increment(&device, 4)?;
    Ok(json!({ "failed": failed, "after": after }))
}

/// A queue returns an error once, drops the commands behind the failed one, and can then be
/// used again. If a fault causes the loss of the device, the next device works.
fn fault_then_work() -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let buffer = device.allocate(16)?;
    queue.launch(
        &kernel(&device, "store_at")?,
        launch_config(1, 1),
        &[
            Argument::Pointer((&buffer, 0)),
            Argument::U64(4),
            Argument::U32(7),
        ],
    )?;
    // Whether or not the kernel has already failed, this command is dropped, since no call has
    // returned the error yet.
    let _ = queue.fill(&buffer, 0, 16, 0xff);
    let first = queue.synchronize().err().map(describe);
    let second = queue.synchronize().err().map(describe);
    if second.is_some() {
        let after = increment(&Device::open()?, 4)?;
        return Ok(json!({ "first": first, "second": second, "after": after }));
    }
    let dropped = numbers(&queue.read(&buffer, 0, 16)?);
    queue.fill(&buffer, 0, 16, 1)?;
    let after = numbers(&queue.read(&buffer, 0, 16)?);
    Ok(json!({ "first": first, "second": second, "dropped": dropped, "after": after }))
}
