//! `tensor-wasm devices`: lists the devices of this machine.

use std::fmt::Write as _;
use std::process::ExitCode;

use bytesize::ByteSize;
use clap::Args;
use serde::Serialize;
use tensor_wasm_device::{Description, Devices as Found, WorkerConfig};

/// List the devices of this machine
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm devices
  tensor-wasm devices --json | jq '.[0].name'")]
pub struct Devices {
    /// Print JSON, for machines
    #[arg(long)]
    json: bool,
}

/// A device, in the shape that scripts may rely on.
#[derive(Serialize)]
struct Device<'a> {
    name: &'a str,
    backend: &'static str,
    target: u32,
    multiprocessors: u32,
    warp_size: u32,
    max_threads_per_block: u32,
    max_shared_bytes: u32,
    memory_bytes: u64,
    /// What computes products of matrices.
    linear_algebra: &'static str,
    /// The newest version of CUDA that the driver knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    driver: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compute_capability: Option<String>,
}

impl<'a> From<&'a Description> for Device<'a> {
    fn from(device: &'a Description) -> Self {
        Self {
            name: &device.name,
            backend: device.backend.name(),
            target: device.target,
            multiprocessors: device.multiprocessors,
            warp_size: device.warp_size,
            max_threads_per_block: device.max_threads_per_block,
            max_shared_bytes: device.max_shared_bytes,
            memory_bytes: device.memory_bytes,
            linear_algebra: device.backend.linear_algebra(),
            driver: device.driver.as_deref(),
            compute_capability: device.capability.map(capability),
        }
    }
}

impl Devices {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Found { processor, nvidia } = Found::look(&WorkerConfig::default());
        let (nvidia, why_none) = match nvidia {
            Ok(devices) => (devices, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        // In the order in which `--gpu auto` chooses.
        let devices: Vec<_> = nvidia.into_iter().chain([processor]).collect();
        if self.json {
            super::print_json(&devices.iter().map(Device::from).collect::<Vec<_>>())?;
        } else {
            let mut text = String::new();
            for device in &devices {
                let (memory, shared) = (
                    ByteSize(device.memory_bytes),
                    ByteSize(device.max_shared_bytes.into()),
                );
                // Writing to a string can't fail.
                let _ = write!(
                    text,
                    "{}\n  target           up to sm_{}\n  memory           {memory}\n  \
                     multiprocessors  {}\n  warp             {} threads\n  \
                     block            up to {} threads, {shared} of shared memory\n  \
                     linear algebra   {}\n",
                    one_line(device),
                    device.target,
                    device.multiprocessors,
                    device.warp_size,
                    device.max_threads_per_block,
                    match device.backend.linear_algebra() {
                        "ptx" => "a kernel of this program; no library of NVIDIA's is used",
                        library => library,
                    },
                );
                if let (Some(driver), Some(has)) = (&device.driver, device.capability) {
                    let _ = writeln!(
                        text,
                        "  driver           for CUDA {driver}\n  capability       {}",
                        capability(has)
                    );
                }
            }
            super::print(&text)?;
            if let Some(error) = why_none {
                tell!("no NVIDIA device: {error}");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn capability((major, minor): (u32, u32)) -> String {
    format!("{major}.{minor}")
}

/// A device on one line, as `serve` prints it too.
pub fn one_line(device: &Description) -> String {
    let unit = match (device.backend, device.multiprocessors) {
        (tensor_wasm_device::Backend::Cpu, 1) => "thread",
        (tensor_wasm_device::Backend::Cpu, _) => "threads",
        (tensor_wasm_device::Backend::Cuda, 1) => "multiprocessor",
        (tensor_wasm_device::Backend::Cuda, _) => "multiprocessors",
    };
    format!(
        "{}: {}, {} {unit}",
        device.backend.name(),
        device.name,
        device.multiprocessors
    )
}
