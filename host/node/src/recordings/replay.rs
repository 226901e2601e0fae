//! Runs a recorded request again, on the processor, with checks of its kernels on.

use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Empty};
use tensor_wasm_device::{CpuConfig, Device, Limits};
use tensor_wasm_runtime::policy::PolicyGrant;
use tensor_wasm_runtime::server::{Handler, RequestId, RequestInfo};
use tensor_wasm_runtime::{
    Application, ApplicationConfig, Directory, Engine, EngineConfig, GpuAccess, Grant,
    JournalConfig, Recorded, Replay, ReplayOutcome, ReplayUnreadable, RequestTrace, Tolerance,
    TraceId,
};
use thiserror::Error;

/// How a recording is replayed.
#[derive(Debug)]
pub struct ReplayOptions {
    /// The component.
    pub component: Vec<u8>,
    /// Whether it may be another than the one that was recorded.
    pub any_component: bool,
    /// The directories that the guest could open.
    pub directories: Vec<Directory>,
    /// The values of what was left out, by name.
    pub given: Vec<(String, String)>,
    /// How far numbers that were read from the device may lie from those that were recorded.
    pub tolerance: Tolerance,
    /// Whether kernels are checked as they run.
    pub checks: bool,
    /// How long it may take.
    pub timeout: Duration,
}

/// Why a recording was not replayed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The component is another one.
    #[error(
        "the request was recorded of the component {recorded}, and this one is {given}: give that one, or \
         replay with `--any-component` to see where this one differs"
    )]
    OtherComponent {
        /// The digest of the recorded one.
        recorded: String,
        /// The digest of the one that was given.
        given: String,
    },
    /// The guest could open a directory that is not there.
    #[error(
        "the guest could open the directory {directory}, whose files are not recorded: give it with \
         `--dir HOST::{directory}`"
    )]
    NoDirectory {
        /// As the guest names it.
        directory: String,
    },
    /// Its calls or its request can't be made out.
    #[error(transparent)]
    Unreadable(#[from] ReplayUnreadable),
    /// The processor can't be used as a device.
    #[error("there is no device")]
    Device(#[source] tensor_wasm_device::Error),
    /// The component can't be loaded.
    #[error("the component of the recording can't be loaded")]
    Load(#[source] tensor_wasm_runtime::Error),
}

/// Runs a recorded request again. To be called in the context of a Tokio runtime.
///
/// # Errors
///
/// [`ReplayError`]
pub async fn replay(
    recorded: Recorded,
    options: ReplayOptions,
) -> Result<ReplayOutcome, ReplayError> {
    let given = format!("blake3:{}", blake3::hash(&options.component).to_hex());
    if given != recorded.request.component && !options.any_component {
        return Err(ReplayError::OtherComponent {
            recorded: recorded.request.component,
            given,
        });
    }
    let is_given = |name: &String| options.directories.iter().any(|one| one.guest == *name);
    let missing = recorded.request.directories.iter();
    if let Some(directory) = missing.into_iter().find(|name| !is_given(name)) {
        return Err(ReplayError::NoDirectory {
            directory: directory.clone(),
        });
    }
    let replay = Arc::new(Replay::new(recorded, &options.given, options.tolerance)?);
    let request = replay.request()?;
    let request = request.map(|()| {
        let body = Empty::new().map_err(|never| match never {});
        body.boxed_unsync()
    });
    let application = load(&replay, &options)?;
    let info = RequestInfo {
        request_id: RequestId::random(),
        trace: RequestTrace::unknown(TraceId::random()),
        received: Instant::now(),
        peer: (Ipv4Addr::LOCALHOST, 0).into(),
        certificate: None,
        body: None,
        guests: None,
    };
    if let Ok(response) = application.handle(request, info).await {
        // What the guest writes is compared as it writes it.
        let mut body = response.into_body();
        while let Some(Ok(_)) = body.frame().await {}
    }
    replay.ended().await;
    Ok(replay.outcome())
}

/// What the guest of a replay may hold of the device: where the one who was recorded reached a limit, the
/// recording says so, and where it did not, the replay may not either. What is replayed may be of
/// anybody: the device itself takes no more than half of the machine's memory, and what modules need
/// beside is bounded here. Nothing is made of these numbers but counters.
fn limits(kernel_time: Duration) -> Limits {
    Limits {
        memory_bytes: u64::MAX >> 1,
        host_bytes: 16 << 30,
        buffers: 1 << 20,
        modules: 1 << 16,
        queues: 1 << 12,
        events: 1 << 20,
        kernel_time,
        ..Limits::default()
    }
}

fn load(replay: &Arc<Replay>, options: &ReplayOptions) -> Result<Application, ReplayError> {
    let request = &replay.recorded().request;
    let defaults = EngineConfig::default();
    let engine = Engine::new(EngineConfig {
        instances: NonZeroU32::MIN,
        // A file may say anything: no memory of 32-bit WebAssembly is larger.
        instance_memory_bytes: usize::try_from(request.memory_bytes.min(4 << 30))
            .unwrap_or(defaults.instance_memory_bytes),
        ..defaults
    })
    .map_err(ReplayError::Load)?;
    let device = Device::cpu(CpuConfig {
        checks: options.checks,
        ..CpuConfig::default()
    })
    .map_err(ReplayError::Device)?;
    let session = device.session(limits(options.timeout));
    let mut directories = options.directories.clone();
    for directory in &mut directories {
        directory.is_read_only = true;
    }
    let config = ApplicationConfig {
        gpu: Arc::new(Grant::Granted(GpuAccess::new(session))),
        environment: request.environment.clone(),
        directories,
        policy: PolicyGrant {
            settings: request.settings.clone().into(),
            ..PolicyGrant::default()
        },
        request_timeout: options.timeout,
        journal: JournalConfig::Replay(replay.clone()),
        ..ApplicationConfig::default()
    };
    Application::load(&engine, &options.component, config).map_err(ReplayError::Load)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_guest_may_hold_more_than_the_limits_are_unless_told() {
        let usual = Limits::default();
        let device = Device::cpu(CpuConfig::default()).unwrap();
        let session = device.session(limits(Duration::from_secs(1)));
        let lease = session.lease();
        let mut queues = Vec::new();
        for _ in 0..=usual.queues {
            queues.push(lease.create_queue().await.unwrap());
        }
        let mut buffers = Vec::new();
        for _ in 0..=usual.buffers {
            buffers.push(lease.allocate(0).await.unwrap());
        }
        // What the machine has is the bound.
        assert!(lease.allocate(1 << 60).await.is_err());
    }
}
