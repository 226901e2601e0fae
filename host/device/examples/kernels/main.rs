//! How fast kernels run on the processor, against the same algorithms in Rust and on PoCL.
//!
//! ```text
//! cargo run --release -p tensor-wasm-device --example kernels
//! ```
//!
//! Each way to run them has a process of its own, which this program starts with a hidden argument:
//! how many threads PoCL uses, and whether the compiler puts threads together, is settled once in a
//! process. `--quick` takes small problems, `--json FILE` writes the figures for programs, `--only TEXT`
//! measures the kernels whose names have that in them, and `--rounds COUNT` takes the best of so many.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod device;
mod first_use;
mod native;
mod opencl;
mod subject;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};

use serde_json::json;
use subject::{Kernel, Sizes};

/// What runs the kernels.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Way {
    Rust,
    /// The device, each thread of a kernel alone.
    Alone,
    /// The device, as many threads together as it chooses.
    Chosen,
    Pocl,
}

impl Way {
    const ALL: [Way; 4] = [Way::Rust, Way::Alone, Way::Chosen, Way::Pocl];

    fn name(self) -> &'static str {
        match self {
            Way::Rust => "rust",
            Way::Alone => "alone",
            Way::Chosen => "chosen",
            Way::Pocl => "pocl",
        }
    }
}

/// How often each way takes its turn: a machine whose speed drifts slows all of them.
const TURNS: usize = 3;

/// Seconds by kernel, and what else a way has to say.
#[derive(Default)]
struct Figures {
    seconds: HashMap<&'static str, f64>,
    notes: Vec<String>,
}

impl Figures {
    fn read(&mut self, said: &str) {
        for line in said.lines() {
            if let Some(note) = line.strip_prefix("note\t") {
                self.notes.push(note.to_owned());
            }
            let Some((name, seconds)) = line
                .strip_prefix("time\t")
                .and_then(|rest| rest.split_once('\t'))
            else {
                continue;
            };
            let kernel = Kernel::ALL.iter().find(|kernel| kernel.name() == name);
            if let (Some(kernel), Ok(seconds)) = (kernel, seconds.parse::<f64>()) {
                let best = self.seconds.entry(kernel.name()).or_insert(f64::INFINITY);
                *best = best.min(seconds);
            }
        }
    }

    /// What a kernel reaches, in billions a second.
    fn rate(&self, kernel: Kernel, work: f64) -> Option<f64> {
        let seconds = self.seconds.get(kernel.name())?;
        Some(work / seconds / 1e9)
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1).cloned()
    };
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let mut sizes = Sizes::new(quick);
    if let Some(rounds) = after("--rounds").and_then(|rounds| rounds.parse().ok()) {
        sizes.rounds = rounds;
    }
    let only = after("--only").unwrap_or_default();
    let kernels = || {
        let all = Kernel::ALL.into_iter();
        all.filter(|kernel| kernel.name().contains(&only))
    };
    let given: Vec<String> = ["--only", "--rounds"]
        .into_iter()
        .filter_map(|name| Some([name.to_owned(), after(name)?]))
        .flatten()
        .chain(quick.then(|| "--quick".to_owned()))
        .collect();
    if let Some(way) = after("--way") {
        let way = Way::ALL.into_iter().find(|known| known.name() == way);
        let threads = after("--threads").and_then(|threads| threads.parse().ok());
        let kernels: Vec<Kernel> = kernels().collect();
        return child(way.unwrap(), threads.unwrap_or(1), &sizes, &kernels);
    }
    let all = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut counts = vec![1, all];
    counts.dedup();
    let mut rows = Vec::new();
    let mut notes: Vec<String> = Vec::new();
    println!(
        "| kernel | threads | unit | Rust | W = 1 | chosen W | PoCL | W = 1 / Rust | chosen W / Rust |"
    );
    println!("|---|---:|---|---:|---:|---:|---:|---:|---:|");
    for threads in counts {
        let mut found: HashMap<Way, Figures> = HashMap::new();
        for _ in 0..if quick { 1 } else { TURNS } {
            for way in Way::ALL {
                let figures = found.entry(way).or_default();
                figures.notes.clear();
                figures.read(&start(way, threads, &given));
            }
        }
        for kernel in kernels() {
            let work = sizes.work(kernel);
            let [rust, alone, chosen, pocl] =
                Way::ALL.map(|way| found.get(&way).and_then(|found| found.rate(kernel, work)));
            let ratio = |rate: Option<f64>| Some(rate? / rust?);
            let cell = |rate: Option<f64>| rate.map_or("-".to_owned(), |rate| format!("{rate:.2}"));
            println!(
                "| {} | {threads} | {} | {} | {} | {} | {} | {} | {} |",
                kernel.name(),
                kernel.unit(),
                cell(rust),
                cell(alone),
                cell(chosen),
                cell(pocl),
                cell(ratio(alone)),
                cell(ratio(chosen)),
            );
            rows.push(json!({
                "kernel": kernel.name(), "threads": threads, "unit": kernel.unit(),
                "rust": rust, "alone": alone, "chosen": chosen, "pocl": pocl,
            }));
        }
        notes.extend(
            Way::ALL
                .iter()
                .filter_map(|way| found.remove(way))
                .flat_map(|found| found.notes),
        );
    }
    notes.dedup();
    println!();
    for note in &notes {
        println!("{note}");
    }
    if let Some(path) = after("--json") {
        let text = serde_json::to_string_pretty(&json!({ "rows": rows, "notes": notes })).unwrap();
        std::fs::write(path, text + "\n").unwrap();
    }
}

/// Runs this program again, for one way, and returns what it says.
fn start(way: Way, threads: usize, given: &[String]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--way", way.name(), "--threads", &threads.to_string()])
        .args(given)
        // PoCL's threads, by the name that its releases before and since 5.0 give them.
        .env("POCL_MAX_PTHREAD_COUNT", threads.to_string())
        .env("POCL_CPU_MAX_CU_COUNT", threads.to_string())
        .stderr(Stdio::inherit());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{way:?}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Measures one way.
fn child(way: Way, threads: usize, sizes: &Sizes, chosen: &[Kernel]) {
    let tell = |kernel: Kernel, seconds: f64| println!("time\t{}\t{seconds}", kernel.name());
    let all = || chosen.iter().copied();
    let kernels = || all().filter(|kernel| kernel.has_kernel());
    match way {
        Way::Rust => {
            for kernel in all() {
                tell(kernel, native::measure(kernel, sizes, threads));
            }
        }
        Way::Pocl => match opencl::Pocl::open() {
            Ok(pocl) => kernels()
                .filter(|kernel| kernel.has_opencl())
                .for_each(|kernel| tell(kernel, pocl.measure(kernel, sizes))),
            Err(why) => println!("note\tPoCL is left out: {why}."),
        },
        Way::Alone | Way::Chosen => {
            if way == Way::Alone {
                tensor_wasm_device::compile_for_single_threads();
            }
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            runtime.block_on(async {
                let bench = device::Bench::new(threads).await;
                for kernel in kernels() {
                    tell(kernel, bench.measure(kernel, sizes).await);
                }
                if way == Way::Chosen && chosen.len() == Kernel::ALL.len() {
                    let (queued, waited) = bench.latency().await;
                    println!(
                        "note\tAn empty launch on {threads} threads: {queued:?} one after another, \
                         {waited:?} when each is waited for."
                    );
                    for first_use::FirstUse {
                        what,
                        compiled,
                        kept,
                    } in first_use::measure().await
                    {
                        println!(
                            "note\tFrom loading {what} to its first result: {compiled:?}; \
                             {kept:?} with its code on disk."
                        );
                    }
                }
            });
        }
    }
}
