//! Which NVIDIA devices there are. A process of its own asks the driver and ends.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::config::WorkerConfig;
use super::process::{SHOWN_DEVICES, command};
use crate::channel::wire::{CudaDevice, short};
use crate::worker::Probed;
use crate::{Backend, Description, Error, NvidiaUuid};

/// How often it is checked whether the process has answered.
const POLL: Duration = Duration::from_millis(5);

/// The most that an answer may be, in bytes.
const LONGEST: u64 = 1 << 20;

/// What the process prints.
pub(crate) type Answer = Result<Probed, String>;

/// Why there is no NVIDIA device to be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoNvidia {
    /// As on most machines.
    #[error("{}", crate::worker::NO_DRIVER)]
    NoDriver,
    /// There is a driver, but it is too old, it fails, or it shows no device.
    #[error("{0}")]
    Unusable(String),
    /// The driver does not show this one.
    #[error("there is no NVIDIA device {ordinal}: the driver shows {count}, numbered from 0")]
    NoSuchDevice {
        /// The number that was asked for.
        ordinal: u32,
        /// How many there are.
        count: usize,
    },
    /// The driver shows nothing under this UUID.
    #[error(
        "the NVIDIA driver shows no device {uuid}: nvidia-smi -L lists those that there are ({cause})"
    )]
    NoSuchUuid {
        /// The UUID that was asked for.
        uuid: NvidiaUuid,
        /// What the driver says.
        cause: Box<NoNvidia>,
    },
    /// The driver shows it, but a worker can't use it.
    #[error("a worker can't use the NVIDIA device {uuid}: it was to {step}, and failed: {error}")]
    Trial {
        /// The device.
        uuid: NvidiaUuid,
        /// What the worker was to do.
        step: &'static str,
        /// What it said.
        error: Box<Error>,
    },
    /// The host can't have what it needs itself.
    #[error(transparent)]
    Host(#[from] Error),
}

/// The devices that the driver shows, in its order: of all, or this one if it has it.
///
/// # Errors
/// Why there are none.
pub(crate) fn probe(
    config: &WorkerConfig,
    shown: Option<NvidiaUuid>,
) -> Result<Vec<(Description, CudaDevice)>, NoNvidia> {
    let failed =
        |what: String| NoNvidia::Unusable(format!("the NVIDIA driver can't be asked: {what}"));
    let mut asking = command(&config.program).map_err(|error| failed(error.to_string()))?;
    if let Some(uuid) = shown {
        asking.env(SHOWN_DEVICES, uuid.to_string());
    }
    let mut child = asking
        .arg("--probe")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let output = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(output) = output {
            use std::io::Read;
            // What can't be read is no answer.
            let _ = output.take(LONGEST).read_to_end(&mut text);
        }
        text
    });
    let started = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < config.timeout => std::thread::sleep(POLL),
            Ok(None) => {
                // Both fail only where it has ended by itself since.
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(format!(
                    "it did not answer within {:?}",
                    config.timeout
                )));
            }
            Err(error) => return Err(failed(error.to_string())),
        }
    };
    let text = reader.join().unwrap_or_default();
    let answer: Answer = postcard::from_bytes(&text)
        .map_err(|_| failed(format!("the process that asks it ended with {status}")))?;
    let probed = answer.map_err(|error| match error.as_str() {
        crate::worker::NO_DRIVER => NoNvidia::NoDriver,
        _ => NoNvidia::Unusable(short(error)),
    })?;
    if probed.devices.is_empty() {
        return Err(NoNvidia::Unusable(
            "the NVIDIA driver shows no device".to_owned(),
        ));
    }
    Ok(probed
        .devices
        .into_iter()
        .map(|device| describe(device, probed.driver))
        .collect())
}

fn describe(device: crate::worker::ProbedDevice, driver: i32) -> (Description, CudaDevice) {
    let newest = tensor_wasm_ptx::Limits::default().max_target;
    let description = Description {
        name: device.name,
        backend: Backend::Cuda,
        // PTX for an older target runs on a newer device.
        target: device.target.min(newest),
        multiprocessors: device.multiprocessors,
        warp_size: device.warp_size,
        max_threads_per_block: device.max_threads_per_block,
        max_shared_bytes: device.max_shared_bytes,
        memory_bytes: device.memory_bytes,
        driver: Some(format!("{}.{}", driver / 1000, driver % 1000 / 10)),
        capability: Some((device.target / 10, device.target % 10)),
    };
    let device = CudaDevice {
        uuid: device.uuid,
        minor: device.minor,
    };
    (description, device)
}
