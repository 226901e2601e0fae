//! Opening an NVIDIA device: it is found by its number or its identifier, tried by a worker, and then
//! served by workers of tenants.

use crate::channel::wire::WorkerDevice;
use crate::cpu::CpuConfig;
use crate::remote::WorkerConfig;
use crate::{Device, NoNvidia, NvidiaDevice, trial};

impl Device {
    /// An NVIDIA device, with a process for each tenant that uses it. The driver is loaded there,
    /// never here, and shows no other device. A worker tries it first, as tenants' workers will use
    /// it: that blocks for as long as it takes to start one, to compile a kernel and to run it.
    ///
    /// # Errors
    /// [`NoNvidia`] says why it can't be had.
    pub fn cuda(
        device: impl Into<NvidiaDevice>,
        config: CpuConfig,
        workers: WorkerConfig,
    ) -> Result<Device, NoNvidia> {
        let (mut description, device) = match device.into() {
            NvidiaDevice::Number(ordinal) => {
                let found = crate::remote::probe(&workers, None)?;
                let count = found.len();
                let chosen = found.into_iter().nth(ordinal as usize);
                chosen.ok_or(NoNvidia::NoSuchDevice { ordinal, count })?
            }
            NvidiaDevice::Uuid(uuid) => {
                let found = crate::remote::probe(&workers, Some(uuid));
                let first = found.map(|found| found.into_iter().next());
                let no_such = |cause| NoNvidia::NoSuchUuid {
                    uuid,
                    cause: Box::new(cause),
                };
                let unusable = || NoNvidia::Unusable("it shows none".to_owned());
                first
                    .and_then(|first| first.ok_or_else(unusable))
                    .map_err(|error| match error {
                        NoNvidia::Unusable(_) => no_such(error),
                        _ => error,
                    })?
            }
        };
        if let Some(most) = config.memory_bytes {
            description.memory_bytes = description.memory_bytes.min(most);
        }
        let uuid = device.uuid;
        let device = WorkerDevice::Cuda(device);
        let limit = workers.timeout;
        // In a pool of its own, which keeps nothing.
        let for_trial = WorkerConfig {
            cache: None,
            ..workers.clone()
        };
        let (alone, pool) = Device::with_workers(
            config.clone(),
            description.clone(),
            for_trial,
            device.clone(),
        )?;
        trial::run(&alone, &pool, limit).map_err(|failed| NoNvidia::Trial {
            uuid,
            step: failed.step,
            error: Box::new(failed.error),
        })?;
        drop(alone);
        Ok(Device::in_workers(config, description, workers, device)?)
    }
}
