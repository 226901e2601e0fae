//! The corpus: each kernel on the device and on the processor, one after the other, so that the times are
//! those of each alone.

use std::{fs, process::Command, time::Duration};

use anyhow::{Result, bail};
use serde_json::json;

use crate::gpu_check::{
    bundle, child,
    record::Record,
    results::{self, Tests},
    run::Run,
};

/// The module of the tests that run kernels with expectations.
const CORPUS: &str = "corpus::";

/// Tests of the checkout, which a bundle has not.
const OF_THE_CHECKOUT: &str = "every_scenario_of_the_interpreter_is_run_here";

/// What a short run runs of them.
const SHORT: &str = "corpus::linear::";

/// The most that it takes.
const LIMIT: Duration = Duration::from_secs(600);

pub fn run(run: &Run<'_>, record: &mut Record) -> Result<()> {
    let lines = run.out.join("kernels.jsonl");
    // From an earlier run: the tests append.
    let _ = fs::remove_file(&lines);
    let mut command = Command::new(run.bundle.tests());
    command.arg(if run.is_short { SHORT } else { CORPUS });
    command.args(["--test-threads=1", "--skip", OF_THE_CHECKOUT]);
    command.env("TENSOR_WASM_TEST_DEVICE", "cuda");
    command.env("TENSOR_WASM_CORPUS", run.bundle.corpus());
    command.env("TENSOR_WASM_CORPUS_RESULTS", &lines);
    let log = run.out.join("kernels.log");
    let ended = child::run(run.gpu.set(&mut command), &log, run.remaining(LIMIT))?;

    let tests = Tests::of(&ended);
    let text = fs::read_to_string(&lines).unwrap_or_default();
    // Of a short run, and of one whose time was over, only those that were reached.
    let expected = match run.is_short || ended.status.is_none() {
        true => Vec::new(),
        false => bundle::kernels(&run.bundle.corpus())?,
    };
    let kernels = results::kernels(&text, &expected)?;
    record.fact("took", format!("{:.1?}", ended.took))?;
    record.text(&results::table(&kernels));
    for kernel in kernels.iter().filter(|kernel| results::has_failed(kernel)) {
        let name = format!(
            "{} from {}",
            results::text(kernel, "kernel"),
            results::text(kernel, "compiler")
        );
        let why = results::text(kernel, "failure").to_owned();
        record.check(name, Err(anyhow::Error::msg(why)))?;
    }
    let passed = tests.passed.len();
    match (ended.status, ended.succeeded() && passed > 0) {
        (_, true) => record.check("kernels", Ok(results::summary(&kernels)))?,
        // Those that ran are as they should be, as far as is known.
        (None, _) if tests.failed.is_empty() && passed > 0 => {
            record.check(
                "kernels, as far as there was time",
                Ok(results::summary(&kernels)),
            )?;
            record.left_out("the other kernels", ended.why())?;
        }
        _ => {
            record.fact("results", json!(results::summary(&kernels)))?;
            bail!("{tests}: {}", ended.why());
        }
    }
    Ok(())
}
