//! Which devices the driver shows: the process that asks it, at its first start and at its second, when the
//! driver's files are in memory and the device is initialised.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tensor_wasm_test_process::Process;

use crate::gpu_check::{record::Record, results, run::Run};

pub fn ask(run: &Run<'_>, record: &mut Record) -> Result<()> {
    let mut found = Vec::new();
    for state in ["cold", "warm"] {
        let begun = std::time::Instant::now();
        let mut command = Command::new(run.bundle.server());
        run.gpu.set(command.args(["devices", "--json"]));
        let limit = run.remaining(std::time::Duration::from_secs(120));
        let mut process = Process::spawn(&mut command)?;
        let status = process.wait(limit)?;
        let took = begun.elapsed();
        let said = process.stderr.text();
        let status =
            status.with_context(|| format!("`tensor-wasm devices` takes longer than {limit:?}"))?;
        if !status.success() {
            bail!("`tensor-wasm devices` ended with {status}: {said}");
        }
        let devices: Vec<Value> = serde_json::from_str(&process.stdout.text())?;
        let is_nvidia =
            |device: &Value| device.get("backend").and_then(Value::as_str) == Some("cuda");
        found = devices.into_iter().filter(is_nvidia).collect();
        record.fact(format_args!("the probe, {state}"), format!("{took:.1?}"))?;
        if found.is_empty() {
            bail!("the driver shows no device: {}", said.trim());
        }
    }
    record.check("devices", Ok(results::devices(&found).join(", ")))?;
    let stand_in = found.iter().any(results::is_stand_in);
    match (run.is_real(), stand_in) {
        (true, true) => bail!("the driver that was found is the one without a device"),
        (false, false) => bail!("a driver with a device was found, where one without was meant"),
        _ => Ok(()),
    }
}
