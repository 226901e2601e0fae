//! What cudarc alone does on this machine, as a measure for what stands in between: how long a
//! launch takes that is waited for, how many can be queued a second, how fast copies are, and how
//! long it takes to get at the device at all.
//!
//! ```text
//! plain [--gpu N] [--launches N] [--copying MILLISECONDS] [BYTES]...
//! ```
//!
//! It prints one JSON object. With the driver without a device, `stand_in` is true there, and the
//! numbers say what calls and copies of that driver cost, and nothing about a device.

#![allow(unsafe_code)] // Launches and copies of cudarc are.

use std::error::Error;
use std::ffi::{CStr, CString};
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cudarc::driver::sys::{self, CUdeviceptr, CUfunction, CUresult};
use cudarc::driver::{CudaContext, CudaStream, DriverError, result};

const NOTHING: &CStr = c"
.version 7.0
.target sm_70
.address_size 64
.visible .entry nothing() { ret; }
";

const SIZES: [usize; 4] = [4 << 10, 1 << 20, 64 << 20, 1 << 30];

/// How often copies of one kind are repeated, at least and at most.
const FEWEST: usize = 3;
const MOST: usize = 10_000;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let (mut launches, mut sizes) = (10_000, Vec::new());
    let (mut gpu, mut copying) = (0, Duration::from_millis(500));
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--gpu" => gpu = arguments.next().ok_or("which GPU?")?.parse()?,
            "--launches" => launches = arguments.next().ok_or("how many launches?")?.parse()?,
            "--copying" => {
                let long = arguments.next().ok_or("copying for how long?")?.parse()?;
                copying = Duration::from_millis(long);
            }
            _ => sizes.push(argument.parse()?),
        }
    }
    if sizes.is_empty() {
        sizes.extend(SIZES);
    }
    let begun = Instant::now();
    // SAFETY: it loads a library, and lets it go.
    if !unsafe { sys::is_culib_present() } {
        return Err("there is no libcuda.so here".into());
    }
    let context = CudaContext::new(gpu)?;
    let stream = context.new_stream()?;
    let started = begun.elapsed();
    let function = load()?;
    let launch = || {
        let (one, none) = ((1, 1, 1), &mut []);
        // SAFETY: the kernel takes nothing.
        unsafe { result::launch_kernel(function, one, one, 0, stream.cu_stream(), none) }
    };

    let mut waited = Vec::with_capacity(launches);
    for _ in 0..launches {
        let begun = Instant::now();
        launch()?;
        stream.synchronize()?;
        waited.push(begun.elapsed());
    }
    let begun = Instant::now();
    for _ in 0..launches {
        launch()?;
    }
    let handed_over = begun.elapsed();
    stream.synchronize()?;
    let done = begun.elapsed();

    let mut copies = Vec::new();
    for bytes in sizes {
        copies.extend(copy(&context, &stream, bytes, copying)?);
    }

    let name = context.name()?;
    let mut version = 0;
    // SAFETY: there is a place for it.
    unsafe { sys::cuDriverGetVersion(&mut version) }.result()?;
    let per_second = |time: Duration| launches as f64 / time.as_secs_f64();
    println!("{{");
    println!("  \"device\": {name:?},");
    println!("  \"driver\": {version},");
    println!("  \"stand_in\": {},", name.contains("no GPU"));
    println!("  \"waited_launch_ns\": {},", distribution(waited));
    println!("  \"queued_launches\": {{");
    println!("    \"launches\": {launches},");
    println!(
        "    \"handed_over_per_second\": {:.0},",
        per_second(handed_over)
    );
    println!("    \"done_per_second\": {:.0}", per_second(done));
    println!("  }},");
    println!("  \"copies\": [\n    {}\n  ],", copies.join(",\n    "));
    println!("  \"start_ns\": {}", distribution(vec![started]));
    println!("}}");
    Ok(())
}

fn load() -> Result<CUfunction> {
    // SAFETY: the text is there, and ends with a NUL; the module lives as long as the program.
    Ok(unsafe {
        let module = result::module::load_data(NOTHING.as_ptr().cast())?;
        result::module::get_function(module, CString::new("nothing")?)?
    })
}

/// Copies each way, from memory that is pinned and such that is not: one line of JSON each, and
/// none where the device has no room for it.
fn copy(
    context: &CudaContext,
    stream: &Arc<CudaStream>,
    bytes: usize,
    copying: Duration,
) -> Result<Vec<String>> {
    context.bind_to_thread()?;
    let mut pageable = vec![1u8; bytes];
    // SAFETY: the memory is used until it is freed, and as much of it as there is.
    unsafe {
        let device = match result::malloc_sync(bytes) {
            Err(DriverError(CUresult::CUDA_ERROR_OUT_OF_MEMORY)) => return Ok(Vec::new()),
            other => other?,
        };
        let pinned = result::malloc_host(bytes, 0)?.cast::<u8>();
        let pinned_slice = std::slice::from_raw_parts_mut(pinned, bytes);
        let lines = vec![
            line("to_device", "pinned", bytes, copying, || {
                to_device(stream, device, pinned_slice)
            })?,
            line("to_host", "pinned", bytes, copying, || {
                to_host(stream, device, pinned_slice)
            })?,
            line("to_device", "pageable", bytes, copying, || {
                to_device(stream, device, &pageable)
            })?,
            line("to_host", "pageable", bytes, copying, || {
                to_host(stream, device, &mut pageable)
            })?,
        ];
        result::free_host(pinned.cast())?;
        result::free_sync(device)?;
        Ok(lines)
    }
}

unsafe fn to_device(stream: &CudaStream, to: CUdeviceptr, from: &[u8]) -> Result<()> {
    // SAFETY: the caller's memory on the device has as many bytes.
    unsafe { result::memcpy_htod_async(to, from, stream.cu_stream()) }?;
    Ok(stream.synchronize()?)
}

unsafe fn to_host(stream: &CudaStream, from: CUdeviceptr, to: &mut [u8]) -> Result<()> {
    // SAFETY: as above.
    unsafe { result::memcpy_dtoh_async(to, from, stream.cu_stream()) }?;
    Ok(stream.synchronize()?)
}

fn line(
    direction: &str,
    memory: &str,
    bytes: usize,
    copying: Duration,
    mut copy: impl FnMut() -> Result<()>,
) -> Result<String> {
    copy()?;
    let (mut times, begun) = (Vec::new(), Instant::now());
    while times.len() < FEWEST || (times.len() < MOST && begun.elapsed() < copying) {
        let begun = Instant::now();
        copy()?;
        times.push(begun.elapsed());
    }
    times.sort();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let rate = bytes as f64 / median.as_secs_f64().max(1e-9);
    Ok(format!(
        "{{ \"bytes\": {bytes}, \"direction\": \"{direction}\", \"memory\": \"{memory}\", \"bytes_per_second\": {rate:.0}, \"ns\": {} }}",
        distribution(times)
    ))
}

fn distribution(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |part: f64| {
        let index = (times.len().saturating_sub(1) as f64 * part).round() as usize;
        times.get(index).map_or(0, Duration::as_nanos)
    };
    let mut text = format!("{{ \"times\": {}", times.len());
    for (name, part) in [
        ("least", 0.0),
        ("p50", 0.5),
        ("p90", 0.9),
        ("p99", 0.99),
        ("most", 1.0),
    ] {
        let _ = write!(text, ", \"{name}\": {}", at(part));
    }
    text + " }"
}
