//! What an embedder says of a device's workers.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How worker processes serve as a device.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// The program that is a worker, with its arguments: one that calls
    /// [`worker::run`](crate::worker::run).
    pub program: Vec<OsString>,
    /// Workers at one time, a number. For a tenant that needs one beyond that an idle one
    /// is ended; where none is idle, the device is lost to it. 16.
    pub workers: usize,
    /// How long a worker without use stays. 60 s.
    pub idle: Duration,
    /// How long a worker may take to start, to compile a module, to find memory, to
    /// move data. One that takes longer is ended. 60 s.
    pub timeout: Duration,
    /// What a worker's process may take of the host's memory, beside what its tenant may
    /// hold on the device and the area for data on its way, in bytes. One that takes more
    /// is ended. 2 GiB.
    pub overhead_bytes: u64,
    /// A folder for compiled modules, one in it for each tenant. None, if not set.
    pub cache: Option<PathBuf>,
}

impl Default for WorkerConfig {
    fn default() -> WorkerConfig {
        WorkerConfig {
            // The program itself, also where its file was replaced since.
            program: vec!["/proc/self/exe".into(), "device-worker".into()],
            workers: 16,
            idle: Duration::from_secs(60),
            timeout: Duration::from_secs(60),
            overhead_bytes: 2 << 30,
            cache: None,
        }
    }
}
