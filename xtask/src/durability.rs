//! `cargo xtask durability`: the tests of what a node keeps, for longer than CI runs them.

use anyhow::{Result, ensure};

use crate::{
    components::Which,
    product,
    steps::Steps,
    workspace::{Profile, Workspace},
};

/// Check for long that a node loses nothing that it acknowledged.
///
/// Runs the code of functions and jobs through schedules of crashes, failing disks and
/// jumping clocks, each made from a seed, and kills a real node with SIGKILL under load.
/// Tests do the same a few times; this is for changes to what a node keeps. A schedule
/// that fails is printed with its seed, which TENSOR_WASM_SIMULATION_SEED repeats.
#[derive(clap::Args)]
pub struct Arguments {
    /// How many schedules are simulated.
    #[arg(long, default_value_t = 200_000, value_name = "N")]
    schedules: u64,
    /// How many times a node is killed.
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    kills: u64,
}

/// Runs the command.
///
/// # Errors
/// Where something does not build, and where a test fails.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::new(product::STEPS + 2);
    let binary = product::build(workspace, &mut steps, Which::All, Profile::Dev)?;

    let step = steps.begin(&format!("simulating {} schedules", arguments.schedules));
    let mut command = workspace.cargo(["test", "--lib"]);
    command
        .args(Workspace::HOST_MEMBERS)
        .args(["--", "ten_thousand_schedules"])
        .env(
            "TENSOR_WASM_SIMULATION_SCHEDULES",
            arguments.schedules.to_string(),
        );
    let simulated = step.run_shown(&mut command, &mut |_| {})?;
    ensure!(simulated, "a schedule failed: its seed is above");
    step.done("nothing was lost");

    let step = steps.begin(&format!("killing a node {} times", arguments.kills));
    let mut command = workspace.cargo(["test", "--test", "end_to_end"]);
    command
        .args(Workspace::HOST_MEMBERS)
        .args(["--", "survives_being_killed"])
        .env("TENSOR_WASM_BIN", &binary)
        .env("TENSOR_WASM_COMPONENTS", workspace.components_folder())
        .env("TENSOR_WASM_TEST_KILLS", arguments.kills.to_string());
    let survived = step.run_shown(&mut command, &mut |_| {})?;
    ensure!(survived, "something that was acknowledged is lost");
    step.done("nothing was lost");
    Ok(())
}
