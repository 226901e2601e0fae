//! `tensor-wasm device-worker`: the worker process that the host starts for each tenant that
//! uses a device. Not meant to be called by people, so help does not list it.

use clap::Args;
use tensor_wasm_device::worker;

/// Be a device's worker for the host that starts this
#[derive(Args)]
pub struct DeviceWorker {
    /// List the NVIDIA devices for the host, and end
    #[arg(long)]
    probe: bool,
}

impl DeviceWorker {
    pub fn run(self) -> ! {
        if self.probe {
            worker::answer_probe()
        } else {
            worker::run()
        }
    }
}
