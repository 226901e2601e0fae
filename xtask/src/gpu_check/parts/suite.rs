//! The device's own tests: what every device promises, limits and failures included, as they run without a
//! GPU against the driver without a device.

use std::{process::Command, time::Duration};

use anyhow::{Error, Result, bail};

use crate::gpu_check::{child, record::Record, results::Tests, run::Run};

/// Which tests, and in a short run.
const TESTS: &str = "device::";
const SHORT: &str = "device::launches::";

/// A test of the checkout, which a bundle has not.
const OF_THE_CHECKOUT: &str = "the_suite_is_run_for_each_instance_that_is_required";

/// Tests at a time: each has a context on the device, and some have many.
const THREADS: &str = "4";

/// The most that it takes.
const LIMIT: Duration = Duration::from_secs(600);

pub fn run(run: &Run<'_>, record: &mut Record) -> Result<()> {
    let mut command = Command::new(run.bundle.tests());
    command.arg(if run.is_short { SHORT } else { TESTS });
    command.args(["--test-threads", THREADS, "--skip", OF_THE_CHECKOUT]);
    command.env("TENSOR_WASM_TEST_DEVICE", "cuda");
    let log = run.out.join("suite.log");
    let ended = child::run(run.gpu.set(&mut command), &log, run.remaining(LIMIT))?;
    let tests = Tests::of(&ended);
    record.fact("took", format!("{:.1?}", ended.took))?;
    for name in &tests.failed {
        record.check(name, Err(Error::msg("see suite.log")))?;
    }
    let passed = format!("{} passed", tests.passed.len());
    match ended.status {
        _ if tests.passed.is_empty() => bail!("no test passed: {}", ended.why()),
        Some(_) if !ended.succeeded() && tests.failed.is_empty() => {
            bail!("{tests}: {}", ended.why())
        }
        Some(_) => record.check("tests", Ok(passed)),
        None => {
            record.check("tests, as far as there was time", Ok(passed))?;
            record.left_out("the other tests", ended.why())
        }
    }
}
