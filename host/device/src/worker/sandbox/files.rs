//! Which files a worker can open, by Landlock, `landlock(7)`: none at all on the processor; with a
//! driver its libraries, what these read of the machine, its device nodes, and the tenant's folder
//! of compiled modules.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};

use crate::channel::wire::{CudaDevice, Start, WorkerDevice};

/// Restricts this thread, and those that it starts.
///
/// # Errors
/// Where the kernel refuses a rule. One without Landlock is told of on standard error.
pub(super) fn restrict(start: &Start) -> Result<(), Box<dyn std::error::Error>> {
    let abi = ABI::V6;
    let (readable, writable) = match &start.device {
        WorkerDevice::Cpu { .. } => (Vec::new(), Vec::new()),
        WorkerDevice::Cuda(device) => (readable_with_driver(), writable_with_driver(start, device)),
    };
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?;
    let read = AccessFs::from_read(abi) & !AccessFs::Execute;
    let write = AccessFs::from_all(abi) & !AccessFs::Execute;
    for (paths, access) in [(readable, read), (writable, write)] {
        for path in paths.iter().filter(|path| path.exists()) {
            match PathFd::new(path) {
                Ok(opened) => {
                    rules = rules.add_rule(PathBeneath::new(&opened, access))?;
                    if path == Path::new(OWN_PROCESS) {
                        // A rule is about an inode, and `/proc` makes a new one for the same path
                        // when nobody has the last one open any more.
                        std::mem::forget(opened);
                    }
                }
                // What can't be opened now can't be read later either.
                Err(error) => eprintln!("{} is out of reach: {error}", path.display()),
            }
        }
    }
    let status = rules.restrict_self()?;
    if status.ruleset == RulesetStatus::NotEnforced {
        eprintln!("files are not restricted: the kernel has no Landlock");
    }
    Ok(())
}

/// The process's own entry of `/proc`: the driver reads its memory map there, and sets the names of
/// its threads.
const OWN_PROCESS: &str = "/proc/self";

/// Libraries, and what they read of the machine. Nothing of `/etc` but the loader's own file: keys
/// and tokens lie there. Of `/proc` no other process: its entry has its environment and its memory.
const READABLE: [&str; 22] = [
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/proc/cpuinfo",
    "/proc/devices",
    "/proc/driver",
    "/proc/filesystems",
    "/proc/meminfo",
    "/proc/modules",
    "/proc/stat",
    "/proc/sys",
    "/proc/version",
    "/sys/bus",
    "/sys/class",
    "/sys/dev",
    "/sys/devices",
    // What machine it is, for a device that is integrated with the processor.
    "/sys/firmware/devicetree",
    "/sys/kernel/mm",
    "/sys/module",
];

fn readable_with_driver() -> Vec<PathBuf> {
    let mut readable: Vec<PathBuf> = READABLE.map(PathBuf::from).to_vec();
    readable.extend(libraries());
    readable
}

fn writable_with_driver(start: &Start, device: &CudaDevice) -> Vec<PathBuf> {
    let mut writable = vec![PathBuf::from(OWN_PROCESS)];
    writable.extend(PLAIN_NODES.map(PathBuf::from));
    let nodes = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let nodes = nodes.map(|entry| entry.path());
    writable.extend(nodes.filter(|path| is_node_of(path, device.minor)));
    writable.push(INTEGRATED_NODES.into());
    let parts = std::fs::read_to_string("/proc/driver/nvidia-caps/mig-minors");
    writable.extend(part_nodes(&parts.unwrap_or_default(), device));
    if let Some(cache) = &start.cache {
        // On a disk that is full nothing is kept; all else is restricted as ever.
        match std::fs::create_dir_all(cache) {
            Ok(()) => writable.push(cache.clone()),
            Err(error) => eprintln!("compiled modules can't be kept: {error}"),
        }
    }
    writable
}

/// Where the driver's libraries lie: beside those that are loaded, and where the loader is told to
/// look. The folder of the program itself is none of them.
fn libraries() -> Vec<PathBuf> {
    let path = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let told = std::env::split_paths(&path);
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let loaded = maps
        .lines()
        .filter_map(|line| Some(Path::new(line.get(line.find('/')?..)?)))
        .filter(|path| is_library(path))
        .filter_map(Path::parent)
        .map(Path::to_owned);
    told.chain(loaded)
        .filter(|path| path.is_absolute() && path != Path::new("/"))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// Whether a file is named like a library: `libcuda.so.1`, `libcuda.so.535.183.01`, `libcuda.so`.
fn is_library(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".so") || name.contains(".so.")
}

/// The nodes that every program may need.
const PLAIN_NODES: [&str; 3] = ["/dev/null", "/dev/zero", "/dev/urandom"];

/// NVIDIA's nodes that belong to no device in particular.
const SHARED_NODES: [&str; 3] = ["nvidiactl", "nvidia-uvm", "nvidia-uvm-tools"];

/// The node of the driver in Linux on Windows (WSL 2), which stands for all devices: the libraries under
/// `/usr/lib/wsl` talk to Windows by it.
const WINDOWS_NODE: &str = "dxg";

/// The node for memory of a device that is integrated with the processor (Jetson), and how those of its
/// engines begin: `nvhost-ctrl`, `nvhost-gpu`, `nvhost-as-gpu`. There is one such device.
const INTEGRATED_MEMORY_NODE: &str = "nvmap";
const INTEGRATED_NODE_PREFIX: &str = "nvhost-";

/// A folder of such nodes, by the device, in newer systems for them: `nvgpu/igpu0/as`.
const INTEGRATED_NODES: &str = "/dev/nvgpu";

/// Whether a node is this device's, or one that all devices share. Where the number of the device's
/// own is not known, it may be any device's.
fn is_node_of(path: &Path, minor: Option<u32>) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = name.strip_prefix("nvidia").map(str::parse::<u32>);
    match number {
        Some(Ok(number)) => minor.is_none_or(|minor| minor == number),
        _ => {
            SHARED_NODES.contains(&&*name)
                || [WINDOWS_NODE, INTEGRATED_MEMORY_NODE].contains(&&*name)
                || name.starts_with(INTEGRATED_NODE_PREFIX)
        }
    }
}

/// The nodes that stand for the rights to parts of a device (MIG), where it is such a part. The
/// driver lists them by lines such as `gpu0/gi1/ci0/access 4`, for `/dev/nvidia-caps/nvidia-cap4`.
fn part_nodes(list: &str, device: &CudaDevice) -> Vec<PathBuf> {
    if !device.uuid.is_part {
        return Vec::new();
    }
    let of_device = |right: &str| match (device.minor, right.split('/').next()) {
        (Some(minor), Some(owner)) => owner == format!("gpu{minor}"),
        (None, Some(owner)) => owner.starts_with("gpu"),
        (_, None) => false,
    };
    list.lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(right, _)| right.ends_with("/access") && of_device(right))
        .map(|(_, number)| format!("/dev/nvidia-caps/nvidia-cap{number}").into())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NvidiaUuid;

    #[test]
    fn libraries_are_told_from_programs_by_their_names() {
        for library in ["/a/libcuda.so", "/a/libcuda.so.1", "/a/libm.so.6.0.1"] {
            assert!(is_library(Path::new(library)), "{library}");
        }
        for other in ["/opt/tensor-wasm", "/", "/a/solver", "/a.so.1/program"] {
            assert!(!is_library(Path::new(other)), "{other}");
        }
    }

    #[test]
    fn a_worker_may_use_the_node_of_its_own_device_and_those_that_all_share() {
        let nodes = [
            "nvidia0",
            "nvidia1",
            "nvidia12",
            "nvidiactl",
            "nvidia-uvm",
            "nvidia-uvm-tools",
            // WSL 2, and Jetson.
            "dxg",
            "nvmap",
            "nvhost-ctrl",
            "nvhost-as-gpu",
        ];
        let others = [
            "nvidia-modeset",
            "nvidia-caps",
            "nvidia",
            "nvidia1x",
            "dxgi",
            "nvmap2",
            "nvhost",
            "nvme0",
            "sda",
            "mem",
        ];
        let may = |minor| {
            let all = nodes.iter().chain(&others);
            let allowed = all.filter(|name| is_node_of(&Path::new("/dev").join(name), minor));
            allowed.copied().collect::<Vec<_>>()
        };
        assert_eq!(
            may(Some(1)),
            [
                "nvidia1",
                "nvidiactl",
                "nvidia-uvm",
                "nvidia-uvm-tools",
                "dxg",
                "nvmap",
                "nvhost-ctrl",
                "nvhost-as-gpu"
            ]
        );
        assert_eq!(may(None), nodes);
    }

    #[test]
    fn a_part_of_a_device_comes_with_the_rights_to_that_device_s_parts() {
        let list = "config 1\nmonitor 2\ngpu0/gi1/access 3\ngpu0/gi1/ci0/access 4\n\
                    gpu10/gi1/access 130\ngpu1/gi2/access 12\n";
        let device = |is_part, minor| CudaDevice {
            uuid: NvidiaUuid {
                bytes: [7; 16],
                is_part,
            },
            minor,
        };
        let cap = |number| PathBuf::from(format!("/dev/nvidia-caps/nvidia-cap{number}"));
        assert_eq!(part_nodes(list, &device(true, Some(0))), [cap(3), cap(4)]);
        assert_eq!(part_nodes(list, &device(true, Some(1))), [cap(12)]);
        assert_eq!(part_nodes(list, &device(true, None)).len(), 4);
        assert!(part_nodes(list, &device(false, Some(0))).is_empty());
    }
}
