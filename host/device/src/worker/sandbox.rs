//! A worker's sandbox: what it gives up before it reads anything of its tenant's. Files
//! that it inherited, new rights, the network, other programs, most of the file system.
//!
//! The system's kernel may be too old for some of it. The log says what is missing, and
//! the worker goes on: the process itself is the boundary, and this a second one.
#![expect(
    unsafe_code,
    reason = "closing files that nothing of this process has opened yet"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use crate::channel::wire::{Start, WorkerDevice};

/// Closes what the host's own parent may have left open in it.
pub(super) fn close_inherited_files() {
    // SAFETY: called first of all: nothing in this process has a file open above the
    // three standard ones, so no owner of one is left with a number that is reused.
    unsafe { close_fds::close_open_fds(3, &[]) }
}

/// Gives up what a worker does not need. To be called before other threads run: what
/// is given up holds for this one and for those that come after it.
///
/// # Errors
/// Where a part that every supported kernel has cannot be had.
pub(super) fn enter(start: &Start) -> std::io::Result<()> {
    prefer_for_out_of_memory();
    limit_resources();
    rustix::thread::set_no_new_privs(true)?;
    if let Err(error) = restrict_files(start) {
        eprintln!("files are not restricted: {error}");
    }
    if let Err(error) = restrict_calls() {
        eprintln!("system calls are not restricted: {error}");
    }
    Ok(())
}

/// Where the machine runs out of memory, the system ends a worker before its host.
fn prefer_for_out_of_memory() {
    if let Err(error) = std::fs::write("/proc/self/oom_score_adj", "1000") {
        eprintln!(
            "the worker is no more likely than its host to be ended for want of memory: {error}"
        );
    }
}

fn limit_resources() {
    for (resource, most) in [(Resource::Core, 0), (Resource::Nofile, 1024)] {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        if let Err(error) = setrlimit(resource, limit) {
            eprintln!("{resource:?} is not limited: {error}");
        }
    }
}

/// Only what the driver needs can be read, and only the tenant's folder of compiled
/// modules, the process's own entry of `/proc` and the devices can be written.
fn restrict_files(start: &Start) -> Result<(), Box<dyn std::error::Error>> {
    let abi = ABI::V6;
    let mut readable: Vec<PathBuf> = READABLE.map(PathBuf::from).to_vec();
    let mut writable: Vec<PathBuf> = Vec::new();
    if let WorkerDevice::Cuda { .. } = start.device {
        readable.extend(libraries());
        // The driver sets its threads' names there.
        writable.push("/proc/self".into());
        writable.extend(device_nodes());
    }
    if let Some(cache) = &start.cache {
        // On a disk that is full nothing is kept; all else is restricted as ever.
        match std::fs::create_dir_all(cache) {
            Ok(()) => writable.push(cache.clone()),
            Err(error) => eprintln!("compiled modules can't be kept: {error}"),
        }
    }
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?;
    let all = [
        (readable, AccessFs::from_read(abi)),
        (writable, AccessFs::from_all(abi)),
    ];
    for (paths, access) in all {
        for path in paths.iter().filter(|path| path.exists()) {
            match PathFd::new(path) {
                Ok(opened) => rules = rules.add_rule(PathBeneath::new(opened, access))?,
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

/// Libraries, and what they read of the machine. Nothing of `/etc` but the loader's
/// own file: keys and tokens lie there.
const READABLE: [&str; 8] = [
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/proc",
    "/sys",
];

/// Where the driver's libraries lie: beside the one that is loaded, and where the
/// loader is told to look.
fn libraries() -> Vec<PathBuf> {
    let path = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let told = std::env::split_paths(&path);
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let loaded = maps
        .lines()
        .filter_map(|line| Path::new(line.get(line.find('/')?..)?).parent())
        .map(Path::to_owned);
    told.chain(loaded)
        .filter(|path| path.is_absolute() && path != Path::new("/"))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// The nodes of NVIDIA's devices, and those that every program may need.
fn device_nodes() -> Vec<PathBuf> {
    let nodes = std::fs::read_dir("/dev").into_iter().flatten();
    let nvidia = nodes
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().starts_with("nvidia")
        });
    let plain = ["/dev/null", "/dev/zero", "/dev/urandom"].map(PathBuf::from);
    nvidia.chain(plain).collect()
}

/// No other program, no network, no look into other processes, none of the calls by
/// which kernels have been broken and which no driver makes.
fn restrict_calls() -> Result<(), Box<dyn std::error::Error>> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        DENIED.iter().map(|call| (*call, Vec::new())).collect();
    // The driver talks to its own daemon by sockets of the local kind only.
    let not_local = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Ne,
        libc::AF_UNIX as u64,
    )?;
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(vec![not_local])?]);
    // Threads it may start, but no namespaces of its own.
    let namespaces = NAMESPACES
        .iter()
        .map(|flag| {
            let flag = *flag as u64;
            let set = SeccompCmpOp::MaskedEq(flag);
            let set = SeccompCondition::new(0, SeccompCmpArgLen::Dword, set, flag)?;
            SeccompRule::new(vec![set])
        })
        .collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_clone, namespaces);
    apply(rules, libc::EPERM)?;
    // Its flags lie in memory, which no filter reads. Where there is no such call, callers
    // use the older one.
    apply([(libc::SYS_clone3, Vec::new())].into(), libc::ENOSYS)
}

/// Has the kernel answer these calls with an error.
fn apply(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    answer: i32,
) -> Result<(), Box<dyn std::error::Error>> {
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(answer as u32),
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    seccompiler::apply_filter(&program)?;
    Ok(())
}

const NAMESPACES: &[i32] = &[
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

const DENIED: &[i64] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_personality,
];
