//! A program that is a device's worker: what an embedder of this crate names in
//! `WorkerConfig::program`. With `--probe` it lists the NVIDIA devices.

use std::process::ExitCode;

use tensor_wasm_device::worker;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => worker::run(),
        Some("--probe") => worker::answer_probe(),
        Some(other) => {
            eprintln!("unknown option {other}");
            ExitCode::FAILURE
        }
    }
}
