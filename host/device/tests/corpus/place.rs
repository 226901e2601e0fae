//! Where a scenario's kernels run: on the processor, or on the device under test. A scenario runs
//! on one thread, which remembers where, and what came of it.

use std::cell::RefCell;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tensor_wasm_device::{
    Argument, Buffer, CpuConfig, Device, Error, LaunchConfig, Lease, Limits, Param, ParamType,
};
use tensor_wasm_ptx::address::GLOBAL_BASE;

use super::compare::{Output, Region};
use super::kinds;

/// Dynamic shared memory of a block, in bytes: what the interpreter's tests give, too.
pub const SHARED: u32 = 4096;

#[derive(Clone, Copy, Debug)]
pub enum CorpusDevice {
    Processor,
    Tested,
}

/// What a scenario did so far.
#[derive(Default)]
pub struct Run {
    pub launches: usize,
    /// From a launch to the end of its kernel, for all of them.
    pub time: Duration,
    /// What each kernel left in each region.
    pub outputs: Vec<Output>,
}

thread_local! {
    static NOW: RefCell<Option<(Lease, String, Run)>> = const { RefCell::new(None) };
}

/// A scenario with the kernels of `text` begins.
pub fn begin(place: CorpusDevice, text: &str) {
    static PROCESSOR: OnceLock<Device> = OnceLock::new();
    static TESTED: OnceLock<Device> = OnceLock::new();
    let device = match place {
        CorpusDevice::Processor => {
            PROCESSOR.get_or_init(|| Device::cpu(CpuConfig::default()).unwrap())
        }
        CorpusDevice::Tested => TESTED.get_or_init(|| kinds::device_with(CpuConfig::default())),
    };
    // A tenant of its own: a kernel that fails takes its worker with it.
    let lease = device.session(Limits::default()).lease();
    NOW.set(Some((lease, text.to_owned(), Run::default())));
}

/// It is over.
pub fn end() -> Run {
    NOW.take().map(|(_, _, run)| run).unwrap_or_default()
}

/// Notes what lies in memory after a kernel.
pub fn keep(regions: &[Region], memory: &[u8]) {
    NOW.with_borrow_mut(|now| {
        let Some((_, _, run)) = now else { return };
        run.outputs.extend(regions.iter().map(|region| {
            let bytes = region.count * region.kind.bytes();
            (
                region.kind,
                memory[region.place..region.place + bytes].to_vec(),
            )
        }));
    });
}

/// Runs a kernel over this memory, and gives back what it left.
pub fn launch(
    entry: &str,
    config: LaunchConfig,
    packed: &[u8],
    memory: Vec<u8>,
) -> Result<Vec<u8>, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    NOW.with_borrow_mut(|now| {
        let (lease, text, run) = now.as_mut().expect("a scenario that has begun");
        run.launches += 1;
        runtime.block_on(async {
            let kernel = lease.load(text.clone().into_bytes()).await?.kernel(entry)?;
            let bytes = memory.len() as u64;
            let buffer = lease.allocate(bytes).await?;
            let queue = lease.create_queue().await?;
            queue.write(&buffer, 0, memory).await?;
            queue.synchronize().await?;
            let arguments = kernel
                .parameters()
                .iter()
                .map(|parameter| argument(parameter, packed, &buffer))
                .collect();
            let begun = Instant::now();
            queue.launch(&kernel, config, arguments).await?;
            queue.synchronize().await?;
            run.time += begun.elapsed();
            queue.read(&buffer, 0, bytes).await
        })
    })
}

/// An argument as it was packed for the interpreter, whose memory begins at [`GLOBAL_BASE`]: what
/// points there points into the buffer here.
fn argument(parameter: &Param, packed: &[u8], buffer: &Buffer) -> Argument {
    let start = parameter.offset as usize;
    let bytes = &packed[start..start + parameter.bytes as usize];
    let mut word = [0; 8];
    let some = bytes.len().min(8);
    word[..some].copy_from_slice(&bytes[..some]);
    let word = u64::from_le_bytes(word);
    match parameter.ty {
        ParamType::U64 | ParamType::S64 => match word.checked_sub(GLOBAL_BASE) {
            Some(offset) if offset <= buffer.size() => Argument::Pointer {
                buffer: buffer.clone(),
                offset,
            },
            _ => Argument::U64(word),
        },
        ParamType::U8 | ParamType::S8 => Argument::U8(word as u8),
        ParamType::U16 | ParamType::S16 => Argument::U16(word as u16),
        ParamType::F16 => Argument::F16(word as u16),
        ParamType::BF16 => Argument::BF16(word as u16),
        ParamType::U32 | ParamType::S32 => Argument::U32(word as u32),
        ParamType::F32 => Argument::F32(f32::from_bits(word as u32)),
        ParamType::F64 => Argument::F64(f64::from_bits(word)),
        ParamType::Bytes { .. } => Argument::Bytes(bytes.to_vec()),
    }
}
