//! What cudarc alone does on this machine, as a measure for what stands in between: how long a
//! launch takes that is waited for, how many can be queued a second, how fast copies are.
//!
//! ```text
//! plain [--launches N] [BYTES]...
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

use cudarc::driver::sys::{self, CUdeviceptr, CUfunction};
use cudarc::driver::{CudaContext, CudaStream, result};

const NOTHING: &CStr = c"
.version 7.0
.target sm_70
.address_size 64
.visible .entry nothing() { ret; }
";

const SIZES: [usize; 4] = [4 << 10, 1 << 20, 64 << 20, 1 << 30];

/// How long copies of one kind are repeated, and how often at least and at most.
const COPYING: Duration = Duration::from_millis(500);
const FEWEST: usize = 5;
const MOST: usize = 10_000;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let (mut launches, mut sizes) = (10_000, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--launches" => launches = arguments.next().ok_or("how many launches?")?.parse()?,
            _ => sizes.push(argument.parse()?),
        }
    }
    if sizes.is_empty() {
        sizes.extend(SIZES);
    }
    // SAFETY: it loads a library, and lets it go.
    if !unsafe { sys::is_culib_present() } {
        return Err("there is no libcuda.so here".into());
    }
    let context = CudaContext::new(0)?;
    let stream = context.new_stream()?;
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
        copies.extend(copy(&context, &stream, bytes)?);
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
    println!("  \"copies\": [\n    {}\n  ]", copies.join(",\n    "));
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

/// Copies each way, from memory that is pinned and such that is not: one line of JSON each.
fn copy(context: &CudaContext, stream: &Arc<CudaStream>, bytes: usize) -> Result<Vec<String>> {
    context.bind_to_thread()?;
    let mut pageable = vec![1u8; bytes];
    // SAFETY: the memory is used until it is freed, and as much of it as there is.
    unsafe {
        let device = result::malloc_sync(bytes)?;
        let pinned = result::malloc_host(bytes, 0)?.cast::<u8>();
        let pinned_slice = std::slice::from_raw_parts_mut(pinned, bytes);
        let lines = vec![
            line("to_device", "pinned", bytes, || {
                to_device(stream, device, pinned_slice)
            })?,
            line("to_host", "pinned", bytes, || {
                to_host(stream, device, pinned_slice)
            })?,
            line("to_device", "pageable", bytes, || {
                to_device(stream, device, &pageable)
            })?,
            line("to_host", "pageable", bytes, || {
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
    mut copy: impl FnMut() -> Result<()>,
) -> Result<String> {
    copy()?;
    let (mut times, begun) = (Vec::new(), Instant::now());
    while times.len() < FEWEST || (times.len() < MOST && begun.elapsed() < COPYING) {
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
