//! Which devices this machine has.

use crate::{CpuConfig, Description, NoNvidia, WorkerConfig};

/// The devices of this machine.
#[derive(Clone, Debug)]
pub struct Devices {
    /// The host's processor.
    pub processor: Description,
    /// NVIDIA's, in the order of their driver; or why there are none.
    pub nvidia: Result<Vec<Description>, NoNvidia>,
}

impl Devices {
    /// Looks which there are. The NVIDIA driver is asked by a process of its own.
    pub fn look(workers: &WorkerConfig) -> Devices {
        Devices {
            processor: CpuConfig::default().describe(),
            nvidia: crate::remote::probe(workers, None)
                .map(|found| found.into_iter().map(|(device, _)| device).collect()),
        }
    }
}
