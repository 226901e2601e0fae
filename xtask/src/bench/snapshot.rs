//! `cargo xtask bench snapshot`: what it takes to save and restore a function with so much on its
//! device, beside writing and reading as many bytes, and how long clients wait meanwhile.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::cold_start;
use super::functions::{Node, ms};
use super::rounds::STOP;
use crate::components::Which;
use crate::product;
use crate::steps::Steps;
use crate::workspace::{Profile, Workspace};

const MIB: u64 = 1 << 20;

/// Measure snapshots of a function that keeps bytes on the processor's device which can't be
/// compressed, with 64 MiB and, with --long, 1 GiB; and the cold start of a function with a heavy
/// set-up, which each instance does or its `init` did once.
#[derive(clap::Args)]
pub struct Arguments {
    /// Measure with 1 GiB, too
    #[arg(long)]
    long: bool,
    /// Measure this binary, and build none
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Where something does not build or the node fails.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let binary = match &arguments.binary {
        Some(binary) => binary.clone(),
        None => {
            let mut steps = Steps::new(product::STEPS);
            product::build(workspace, &mut steps, Which::All, Profile::Release)?
        }
    };
    let folder = workspace.target().join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let component = workspace.components_folder().join("tests/keeps_state.wasm");
    println!("| what | figure |\n|---|---|");
    cold_start::measure(
        &binary,
        &workspace.components_folder().join("tests"),
        &folder,
    )?;
    measure(&binary, &component, &folder, 64 * MIB)?;
    if arguments.long {
        measure(&binary, &component, &folder, 1024 * MIB)?;
    }
    Ok(())
}

/// A node with one function, `app`, and nothing else.
fn start(binary: &Path, component: &Path, data: &Path) -> Result<Node> {
    if data.exists() {
        fs::remove_dir_all(data)?;
    }
    let node = Node::open(binary, data)?;
    node.deploy("app", component)?;
    Ok(node)
}

fn measure(binary: &Path, component: &Path, folder: &Path, bytes: u64) -> Result<()> {
    let size = match bytes >= 1024 * MIB {
        true => format!("{} GiB", bytes / (1024 * MIB)),
        false => format!("{} MiB", bytes / MIB),
    };
    let (written, read) = raw(&folder.join("snapshot.raw"), bytes)?;
    row(
        &size,
        "written to a file and synchronised",
        &rate(bytes, written),
    );
    row(
        &size,
        "read from that file, which is in memory",
        &rate(bytes, read),
    );

    let data = folder.join("snapshot.data");
    let node = start(binary, component, &data)?;
    node.send("GET", &format!("/f/app/noise/state/{bytes}/1"), &[], b"")?;
    node.send("GET", "/f/app/touch/state", &[], b"")?;
    let sum = node.send("GET", "/f/app/sum/state", &[], b"")?.body;
    let quiet = waits(&node, || {
        std::thread::sleep(Duration::from_secs(1));
        Ok(())
    })?
    .1;
    row(
        &size,
        "a request that writes to it, longest of a second",
        &ms(quiet),
    );

    let mut saved = Value::Null;
    let (took, longest) = waits(&node, || {
        saved = node.json("POST", "/functions/app/snapshots", "{}")?;
        Ok(())
    })?;
    row(&size, "saved", &rate(bytes, took));
    row(
        &size,
        "work on the device held back while it is saved",
        &paused(&saved),
    );
    row(
        &size,
        "such a request while it is saved, longest",
        &ms(longest),
    );

    let part = bytes / 100;
    let path = format!("/f/app/noise/state/{part}/2/{}", bytes / 2);
    node.send("GET", &path, &[], b"")?;
    let mut again = Value::Null;
    let (took, longest) = waits(&node, || {
        again = node.json("POST", "/functions/app/snapshots", "{}")?;
        Ok(())
    })?;
    let new = again["new_bytes"].as_u64().unwrap_or_default();
    let figure = format!(
        "{} ({:.1} MiB more stored)",
        ms(took),
        new as f64 / MIB as f64
    );
    row(&size, "saved again after 1 % has changed", &figure);
    row(&size, "such a request meanwhile, longest", &ms(longest));

    let Some(id) = saved["id"].as_str() else {
        bail!("the snapshot has no id: {saved}");
    };
    let begun = Instant::now();
    let path = format!("/snapshots/{id}/restore");
    node.json("POST", &path, r#"{"over": "app"}"#)?;
    row(
        &size,
        "restored over the function",
        &rate(bytes, begun.elapsed()),
    );
    let restored = node.send("GET", "/f/app/sum/state", &[], b"")?.body;
    ensure!(restored == sum, "another content was restored");

    let file = folder.join("app.snapshot");
    let _ = fs::remove_file(&file);
    let begun = Instant::now();
    client(binary, &node, &["save", "app"], &file)?;
    row(
        &size,
        "saved to a file by the client",
        &rate(bytes, begun.elapsed()),
    );
    let begun = Instant::now();
    let verified = Command::new(binary)
        .args(["snapshot", "verify"])
        .arg(&file)
        .output()?;
    ensure!(verified.status.success(), "the file is not whole");
    row(
        &size,
        "verified by the client",
        &rate(bytes, begun.elapsed()),
    );
    node.0.stop(STOP)?;
    fs::remove_file(&file)?;
    fs::remove_dir_all(&data)?;
    Ok(())
}

fn client(binary: &Path, node: &Node, arguments: &[&str], file: &Path) -> Result<()> {
    let output = Command::new(binary)
        .arg("snapshot")
        .args(arguments)
        .arg(file)
        .arg(format!("--server=http://{}", node.0.address()))
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// How long something takes, and the longest that a client waits meanwhile whose requests write to the
/// device, one after another.
fn waits(node: &Node, work: impl FnOnce() -> Result<()>) -> Result<(Duration, Duration)> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut longest = Duration::ZERO;
            while !over.load(Ordering::Relaxed) {
                let begun = Instant::now();
                node.send("GET", "/f/app/touch/state", &[], b"")?;
                longest = longest.max(begun.elapsed());
            }
            Ok::<_, anyhow::Error>(longest)
        });
        let begun = Instant::now();
        let done = work();
        let took = begun.elapsed();
        over.store(true, Ordering::Relaxed);
        let Ok(longest) = asking.join() else {
            bail!("the thread that asks failed");
        };
        done?;
        Ok((took, longest?))
    })
}

/// How long it takes to write so many bytes to a file, and to read them.
fn raw(path: &Path, bytes: u64) -> Result<(Duration, Duration)> {
    let mut state = 1_u64;
    let piece: Vec<u8> = (0..MIB)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    let begun = Instant::now();
    let mut file = File::create(path)?;
    for _ in 0..bytes / MIB {
        file.write_all(&piece)?;
    }
    file.sync_all()?;
    let written = begun.elapsed();
    let begun = Instant::now();
    let mut file = File::open(path)?;
    let mut read = vec![0; piece.len()];
    for _ in 0..bytes / MIB {
        file.read_exact(&mut read)?;
    }
    let took = begun.elapsed();
    fs::remove_file(path)?;
    Ok((written, took))
}

fn paused(saved: &Value) -> String {
    format!("{:.1} ms", saved["paused_ms"].as_f64().unwrap_or_default())
}

fn rate(bytes: u64, took: Duration) -> String {
    let rate = bytes as f64 / took.as_secs_f64() / MIB as f64;
    format!("{} ({rate:.0} MiB/s)", ms(took))
}

fn row(size: &str, what: &str, figure: &str) {
    println!("| {size}: {what} | {figure} |");
}
