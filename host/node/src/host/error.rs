//! Why a host can't be assembled.

use std::path::PathBuf;

use tensor_wasm_device::{NoNvidia, NvidiaDevice};
use tensor_wasm_runtime::ComposeError;
use thiserror::Error;

use crate::audit::AuditError;
use crate::limiter::LimiterError;
use crate::storage::StorageError;
use crate::tokens::TokenError;

/// Why a host can't be assembled.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HostError {
    /// There are no random numbers to keep tokens with.
    #[error(transparent)]
    Tokens(#[from] TokenError),
    /// The audit log can't be opened.
    #[error("the audit log can't be kept")]
    Audit(#[source] AuditError),
    /// There are no random numbers to limit requests with.
    #[error(transparent)]
    Limiter(#[from] LimiterError),
    /// The processor can't be used as a device.
    #[error("there is no device")]
    Device(#[source] tensor_wasm_device::Error),
    /// The NVIDIA device that was asked for can't be used.
    #[error("can't use --gpu cuda:{device}")]
    Nvidia {
        /// Its number or UUID.
        device: NvidiaDevice,
        /// Why not.
        #[source]
        cause: NoNvidia,
    },
    /// Kernels are checked on the processor alone.
    #[error(
        "--kernel-checks runs kernels on the processor, not on --gpu cuda:{device}: use --gpu cpu, or NVIDIA's compute-sanitizer on the device"
    )]
    ChecksOnNvidia {
        /// The number or UUID of the device.
        device: NvidiaDevice,
    },
    /// The engine can't be set up.
    #[error(transparent)]
    Engine(tensor_wasm_runtime::Error),
    /// A component exports nothing that the application imports, or something else.
    #[error("can't plug {provider} into {component}")]
    Plug {
        /// The component with the exports.
        provider: String,
        /// The application's component.
        component: String,
        /// Why they don't fit.
        #[source]
        cause: Box<ComposeError>,
    },
    /// Requests were to be recorded where nothing can be written.
    #[error("can't record requests in {}", folder.display())]
    Recordings {
        /// The directory.
        folder: PathBuf,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
    /// The data directory of a node can't be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The application can't be loaded.
    #[error("can't serve {component}")]
    Application {
        /// Its component.
        component: String,
        /// Why not.
        #[source]
        cause: tensor_wasm_runtime::Error,
    },
    /// A policy can't be loaded.
    #[error("can't put {policy} in front of {component}")]
    Policy {
        /// Its component.
        policy: String,
        /// The application's component.
        component: String,
        /// Why not.
        #[source]
        cause: tensor_wasm_runtime::Error,
    },
}
