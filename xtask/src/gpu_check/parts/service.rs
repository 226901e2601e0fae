//! One request, all the way: the server starts, which includes the trial of the device in a worker's
//! sandbox, a tenant's worker starts, compiles a kernel, and runs it.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::gpu_check::{record::Record, run::Run, service::Service};

/// Requests after the first one.
const MORE: usize = 50;

pub fn serve(run: &Run<'_>, record: &mut Record) -> Result<()> {
    let service = Service::start(run, "request", "saxpy.wasm", &[])?;
    record.fact(
        "from the server's start until it listens",
        format!("{:.1?}", service.started),
    )?;
    record.fact("the device that it serves", service.device())?;
    let first = ask(&service);
    if let Ok(took) = &first {
        record.fact(
            "the first request, with a worker's start",
            format!("{took:.1?}"),
        )?;
    }
    let failed = first.is_err();
    record.check(
        "a kernel's result, over HTTP",
        first.map(|_| "a x + y is right".to_owned()),
    )?;
    if !failed {
        let mut times = Vec::new();
        for _ in 0..MORE {
            times.push(ask(&service)?);
        }
        times.sort();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        record.fact(
            format_args!("{MORE} more requests, p50"),
            format!("{median:.1?}"),
        )?;
    }
    let said = service.said();
    for what in ["files", "system calls"] {
        let is = match said.contains(&format!("{what} are not restricted")) {
            true => "not restricted",
            false => "restricted",
        };
        record.fact(format_args!("{what} of workers"), is)?;
    }
    let told: Vec<_> = said.lines().filter(|line| is_of_worker(line)).collect();
    record.fact(
        "what workers wrote: restrictions that do not hold, or the driver's messages",
        told,
    )?;
    service.stop()
}

/// A line that the log has of a worker's own output.
fn is_of_worker(line: &str) -> bool {
    line.contains("device worker") && line.contains("output=")
}

fn ask(service: &Service) -> Result<Duration> {
    let body = br#"{"a": 2, "x": [1, 2, 3], "y": [10, 20, 30]}"#;
    let (response, took) = service.send("/", None, body)?;
    let text = String::from_utf8_lossy(&response.body).into_owned();
    if response.status != 200 {
        bail!("the answer is {}: {text}", response.status);
    }
    let found = serde_json::from_str::<Value>(&text)?;
    let expected = json!([12.0, 24.0, 36.0]);
    match found.get("result") == Some(&expected) {
        true => Ok(took),
        false => bail!("the answer is {text}, and not {expected}"),
    }
}
