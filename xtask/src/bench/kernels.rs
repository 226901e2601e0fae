//! `cargo xtask bench kernels`: how fast kernels run on the processor, against the same algorithms
//! in Rust and on PoCL, by the device's own example, built for release; and what a guest waits for
//! an empty launch, by a component that is served.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{
    plot::{Plot, Row},
    rounds::{STOP, tensor_wasm_serve},
};
use crate::{
    components::Which,
    http::{Connection, request},
    product,
    steps::Steps,
    workspace::{Profile, Workspace},
};

/// How often a guest launches an empty kernel and waits for it, and how often it is asked to.
const LAUNCHES: u32 = 20_000;
const ROUNDS: u32 = 5;

/// Measure kernels on the processor, on one thread and on all.
///
/// Each is compared with the same algorithm in Rust, compiled for the same processor's baseline, and
/// with the same kernel on PoCL, where an OpenCL of that name is installed. What compiling takes
/// follows: from loading a module to a kernel's first result, and for the largest kernels.
#[derive(clap::Args)]
pub struct Arguments {
    /// Small problems and few rounds: shows in a few seconds that everything works
    #[arg(long)]
    quick: bool,
    /// Write the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a plot of one thread's figures, as SVG, to this file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Where the example does not build or fails, and where a file can't be written.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::new(product::STEPS + if arguments.quick { 3 } else { 4 });
    let binary = product::build(workspace, &mut steps, Which::All, Profile::Release)?;

    let example = ["--package", "tensor-wasm-device", "--example", "kernels"];
    let step = steps.begin("building the measurement for release");
    step.run(workspace.cargo(["build", "--release"]).args(example))?;
    step.done("built");

    let step = steps.begin("measuring a guest's launches");
    let waited = waited_launch(workspace, &binary)?;
    step.done(format_args!(
        "an empty launch that it waits for takes a guest {waited:?}"
    ));

    let step = steps.begin("measuring");
    let folder = workspace.target().join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let json = folder.join("kernels.json");
    let mut command = workspace.cargo(["run", "--release", "--quiet"]);
    command.args(example).arg("--").arg("--json").arg(&json);
    if arguments.quick {
        command.arg("--quick");
    }
    if !step.run_shown(&mut command, &mut |_| {})? {
        bail!("the measurement failed");
    }
    step.done(workspace.relative(&json));
    if !arguments.quick {
        compilations(workspace, &mut steps)?;
    }
    let text = fs::read_to_string(&json)
        .with_context(|| format!("cannot read {}", workspace.relative(&json)))?;
    let mut figures: Value = serde_json::from_str(&text).context("the figures are not JSON")?;
    figures
        .as_object_mut()
        .context("the figures are no JSON object")?
        .insert(
            "guest_waited_launch_ns".to_owned(),
            json!(waited.as_nanos() as u64),
        );
    let text = serde_json::to_string_pretty(&figures)? + "\n";
    write(&json, &text)?;
    if let Some(path) = &arguments.json {
        write(path, &text)?;
    }
    if let Some(path) = &arguments.plot {
        write(path, &plot(&figures))?;
    }
    Ok(())
}

/// Shows what an engine takes for the largest kernels of many shapes, and for each unit of the effort
/// that the compiler foresees.
fn compilations(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let step = steps.begin("measuring compilations");
    let mut command = workspace.cargo(["run", "--release", "--quiet"]);
    command.args(["--package", "tensor-wasm-ptx", "--example", "largest"]);
    if !step.run_shown(&mut command, &mut |_| {})? {
        bail!("the measurement of compilations failed");
    }
    step.done("the largest kernel of each shape");
    Ok(())
}

/// What an empty launch that is waited for takes, from a guest's call to its completion, by the
/// guest's clock: the best of a few rounds.
fn waited_launch(workspace: &Workspace, binary: &Path) -> Result<Duration> {
    let component = workspace
        .components_folder()
        .join("tests/launches_many.wasm");
    let server = tensor_wasm_serve(binary, &component, "launches", None).start()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut connection = runtime.block_on(Connection::open(server.address()))?;
    let path = format!("/waited/{LAUNCHES}");
    let request = request("GET", &path, server.address(), &[], &[]);
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let response = runtime.block_on(connection.exchange(&request))?;
        let answer: Value = serde_json::from_slice(&response.body)?;
        let took = answer.get("nanoseconds").and_then(Value::as_u64);
        let took = took.with_context(|| {
            format!(
                "the guest answered {answer}; the server said:\n{}",
                server.recent_output()
            )
        })?;
        best = best.min(Duration::from_nanos(took) / LAUNCHES);
    }
    server.stop(STOP)?;
    Ok(best)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The plot of one thread's figures.
fn plot(figures: &Value) -> String {
    let none = Vec::new();
    let rows = figures.get("rows").and_then(Value::as_array);
    let rows: Vec<Row> = rows
        .unwrap_or(&none)
        .iter()
        .filter(|row| row.get("threads") == Some(&Value::from(1)))
        .filter_map(|row| {
            let rate = |way: &str| row.get(way).and_then(Value::as_f64);
            let rust = rate("rust")?;
            // What is Rust's alone has nothing to be compared with.
            rate("chosen")?;
            let ratios = ["alone", "chosen", "pocl"].map(|way| Some(rate(way)? / rust));
            Some(Row {
                name: row.get("kernel")?.as_str()?.to_owned(),
                ratios: ratios.to_vec(),
            })
        })
        .collect();
    let plot = Plot {
        title: "Kernels on one thread: times the rate of the same algorithm in Rust",
        ways: &[
            ("one thread at a time (W = 1)", "a"),
            ("as many together as the compiler chooses", "b"),
            ("PoCL", "c"),
        ],
        rows: &rows,
    };
    plot.svg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plot_shows_one_thread_and_leaves_out_what_only_rust_does() {
        let row = |kernel: &str, threads: u32, chosen: Value| {
            serde_json::json!({
                "kernel": kernel, "threads": threads, "rust": 2.0, "alone": 1.0, "chosen": chosen, "pocl": null,
            })
        };
        let rows = [
            row("saxpy", 1, Value::from(1.5)),
            row("saxpy", 2, Value::from(3.5)),
            row("row by row", 1, Value::Null),
        ];
        let svg = plot(&serde_json::json!({ "rows": rows }));
        assert!(svg.contains(">0.75<") && svg.contains(">0.50<"), "{svg}");
        assert!(
            !svg.contains(">1.75<") && !svg.contains("row by row"),
            "{svg}"
        );
    }
}
