//! The cold start of a function with a heavy set-up: where each instance does it, and where the
//! function's `init` did it once; beside one with nothing to set up.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::functions::{Node, ms};
use super::rounds::STOP;

/// The functions: their components, and what they are called.
const FUNCTIONS: [(&str, &str); 3] = [
    ("hello", "nothing to set up"),
    ("sets_up", "a heavy set-up, in each instance"),
    ("sets_up_in_init", "the same set-up, in `init`"),
];

/// Requests to each, every one of which gets an instance of its own.
const REQUESTS: usize = 51;

/// Measures each of the functions on a node, and writes the rows of a table.
///
/// # Errors
/// Where the node or a function fails.
pub(super) fn measure(binary: &Path, components: &Path, folder: &Path) -> Result<()> {
    let data = folder.join("cold-start.data");
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    let node = Node::open(binary, &data)?;
    for (function, what) in FUNCTIONS {
        let name = function.replace('_', "-");
        let begun = Instant::now();
        node.deploy(&name, &components.join(format!("{function}.wasm")))?;
        row(what, "deployed for the first time", &ms(begun.elapsed()));
        let path = format!("/f/{name}/1000003");
        let first = node.send("GET", &path, &[], b"")?;
        let mut times = Vec::with_capacity(REQUESTS);
        for _ in 0..REQUESTS {
            let begun = Instant::now();
            let answer = node.send("GET", &path, &[], b"")?;
            times.push(begun.elapsed());
            ensure!(answer.body == first.body, "an instance answers otherwise");
        }
        times.sort_unstable();
        let longest = times.last().copied().context("no request")?;
        let figure = format!("{}, longest {}", ms(median(&times)), ms(longest));
        row(what, "a request with a new instance, median", &figure);
    }
    node.0.stop(STOP)?;
    let node = Node::open(binary, &data)?;
    for (function, what) in FUNCTIONS {
        let path = format!("/f/{}/1000003", function.replace('_', "-"));
        let begun = Instant::now();
        node.send("GET", &path, &[], b"")?;
        row(
            what,
            "the first request after a restart",
            &ms(begun.elapsed()),
        );
    }
    node.0.stop(STOP)?;
    fs::remove_dir_all(&data)?;
    Ok(())
}

fn median(sorted: &[Duration]) -> Duration {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn row(function: &str, what: &str, figure: &str) {
    println!("| {function}: {what} | {figure} |");
}
