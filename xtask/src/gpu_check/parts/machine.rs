//! What machine it is, as far as the system says without the driver's library.

use std::{fs, os::unix::fs::MetadataExt, path::Path, process::Command, time::Duration};

use anyhow::Result;
use serde_json::{Value, json};

use crate::gpu_check::{child, record::Record, run::Run};

/// Facts that are a file's text, or a line of it.
const FILES: [(&str, &str); 10] = [
    ("kernel", "/proc/sys/kernel/osrelease"),
    ("driver's module", "/proc/driver/nvidia/version"),
    ("security modules", "/sys/kernel/security/lsm"),
    ("seccomp actions", "/proc/sys/kernel/seccomp/actions_avail"),
    (
        "uvm_disable_hmm",
        "/sys/module/nvidia_uvm/parameters/uvm_disable_hmm",
    ),
    ("large pages", "/sys/kernel/mm/transparent_hugepage/enabled"),
    ("cgroup", "/proc/self/cgroup"),
    ("memory limit", "/sys/fs/cgroup/memory.max"),
    ("parts of devices", "/proc/driver/nvidia-caps/mig-minors"),
    ("machine", "/sys/firmware/devicetree/base/model"),
];

/// Lines of larger files: what they begin with.
const LINES: [(&str, &str, &[&str]); 3] = [
    (
        "memory",
        "/proc/meminfo",
        &["MemTotal:", "MemAvailable:", "HugePages_Total:"],
    ),
    (
        "this process",
        "/proc/self/status",
        &["Uid:", "CapEff:", "Seccomp:", "NoNewPrivs:"],
    ),
    (
        "limits",
        "/proc/self/limits",
        &["Max locked memory", "Max open files", "Max processes"],
    ),
];

/// How the names of devices' nodes begin: NVIDIA's, that of WSL 2, and those of Jetson.
const NODES: [&str; 5] = ["nvidia", "dxg", "nvmap", "nvhost", "nvgpu"];

/// How the names of variables begin that a driver or the loader reads.
const VARIABLES: [&str; 3] = ["CUDA_", "NVIDIA_", "LD_LIBRARY_PATH"];

/// How long `nvidia-smi` may take: it waits for a driver that hangs.
const ASKING: Duration = Duration::from_secs(20);

pub fn look(run: &Run<'_>, record: &mut Record) -> Result<()> {
    let about = run.bundle.about();
    record.fact("what runs here", about)?;
    for (name, path) in FILES {
        if let Ok(text) = fs::read_to_string(path) {
            record.fact(name, text.trim_matches(['\0', '\n', ' ']))?;
        }
    }
    for (name, path, wanted) in LINES {
        let text = fs::read_to_string(path).unwrap_or_default();
        let lines = text
            .lines()
            .filter(|line| wanted.iter().any(|begin| line.starts_with(begin)));
        let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        record.fact(name, words.collect::<Vec<_>>())?;
    }
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    record.fact("processors", processors)?;
    record.fact("Landlock", landlock())?;
    record.fact("nodes of devices", nodes(Path::new("/dev")))?;
    let gpus = fs::read_dir("/proc/driver/nvidia/gpus")
        .into_iter()
        .flatten()
        .flatten();
    for gpu in gpus {
        let text = fs::read_to_string(gpu.path().join("information")).unwrap_or_default();
        record.fact(gpu.file_name().to_string_lossy(), text.trim())?;
    }
    let variables =
        std::env::vars().filter(|(name, _)| VARIABLES.iter().any(|one| name.starts_with(one)));
    let variables: Vec<_> = variables
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    record.fact("variables", variables)?;
    for (name, options) in [("nvidia-smi", &["-L"][..]), ("nvidia-smi-q", &["-q"])] {
        let log = run.out.join(format!("{name}.txt"));
        match child::run(
            Command::new("nvidia-smi").args(options),
            &log,
            run.remaining(ASKING),
        ) {
            Ok(ended) if ended.succeeded() && name == "nvidia-smi" => {
                record.fact("nvidia-smi -L", ended.said().trim())?;
            }
            Ok(ended) if ended.succeeded() => {
                record.fact("nvidia-smi -q", format!("see {name}.txt"))?
            }
            Ok(ended) => record.fact(name, ended.why())?,
            Err(_) => record.fact(name, "it is not there")?,
        }
    }
    Ok(())
}

/// Notes how much memory of the devices is in use, where `nvidia-smi` says so: between two such facts is
/// what a context takes, or what was not given back.
pub fn memory_in_use(run: &Run<'_>, record: &mut Record, when: &str) -> Result<()> {
    let mut command = Command::new("nvidia-smi");
    command.args([
        "--query-gpu=index,memory.used,memory.total",
        "--format=csv,noheader",
    ]);
    let log = run.out.join("memory.txt");
    match child::run(&mut command, &log, run.remaining(ASKING)) {
        Ok(ended) if ended.succeeded() => {
            record.fact(format_args!("memory in use {when}"), ended.said().trim())
        }
        Ok(ended) => record.left_out(format_args!("memory in use {when}"), ended.why()),
        // Where there is no `nvidia-smi`, the part about the machine says so.
        Err(_) => Ok(()),
    }
}

/// Whether the kernel has Landlock, as far as the list of security modules tells.
fn landlock() -> Value {
    match fs::read_to_string("/sys/kernel/security/lsm") {
        Ok(list) => json!(list.trim().split(',').any(|module| module == "landlock")),
        Err(error) => json!(format!("unknown: /sys/kernel/security/lsm: {error}")),
    }
}

/// The nodes of devices, each with its rights and its owner.
fn nodes(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let is_wanted =
            folder != Path::new("/dev") || NODES.iter().any(|begin| name.starts_with(begin));
        let Ok(metadata) = fs::metadata(&path) else {
            continue;
        };
        if !is_wanted {
            continue;
        }
        if metadata.is_dir() {
            found.extend(nodes(&path));
            continue;
        }
        let (mode, user, group) = (metadata.mode() & 0o7777, metadata.uid(), metadata.gid());
        found.push(format!("{} {mode:o} {user}:{group}", path.display()));
    }
    found.sort();
    found
}
