//! What a worker gives up before it sees anything of its tenant's: files that it
//! inherited, new rights, the network, other programs, most of the file system.
//!
//! The kernel may be too old for some of it. What can't be had is said on the log,
//! and the worker goes on: the process itself is the boundary, this is the moat.
#![expect(
    unsafe_code,
    reason = "closing files that nothing of this process has opened yet"
)]

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, Scope,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use super::Lost;
use crate::channel::wire::{Backend, Start};

/// Closes what the host's own parent may have left open in it.
pub(super) fn close_inherited_files() {
    // SAFETY: called first of all: nothing in this process has a file open above the
    // three standard ones, so no owner of one is left with a number that is reused.
    unsafe { close_fds::close_open_fds(3, &[]) }
}

/// Gives up what a worker does not need. To be called before other threads than the
/// lifeline's run: a filter holds for the threads that come after it.
///
/// # Errors
/// Where a part that every supported kernel has cannot be had.
pub(super) fn enter(start: &Start) -> Result<(), Lost> {
    be_the_first_to_go();
    limit_resources();
    rustix::thread::set_no_new_privs(true)
        .map_err(|error| Lost(format!("the worker can't give up its rights: {error}")))?;
    if let Err(error) = restrict_files(start) {
        eprintln!("files are not restricted: {error}");
    }
    if let Err(error) = restrict_calls() {
        eprintln!("system calls are not restricted: {error}");
    }
    Ok(())
}

/// Where the machine runs out of memory, a worker goes before its host.
fn be_the_first_to_go() {
    if let Err(error) = std::fs::write("/proc/self/oom_score_adj", "1000") {
        eprintln!("the worker's memory is as dear as the host's: {error}");
    }
}

fn limit_resources() {
    for (resource, most) in [
        (Resource::Core, 0),
        (Resource::Nofile, 1024),
        // What it writes are compiled modules.
        (Resource::Fsize, 256 << 20),
    ] {
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
/// modules and the devices can be written.
fn restrict_files(start: &Start) -> Result<(), Box<dyn std::error::Error>> {
    let abi = ABI::V6;
    let mut readable: Vec<PathBuf> = ["/usr", "/lib", "/lib64", "/etc", "/sys", "/opt"]
        .map(PathBuf::from)
        .to_vec();
    readable.extend(libraries());
    let mut writable: Vec<PathBuf> = Vec::new();
    match start.backend {
        Backend::Cpu { .. } => readable.push("/proc".into()),
        // The driver opens its device nodes, and tells its threads' names.
        Backend::Cuda { .. } => writable.extend(["/dev".into(), "/proc".into()]),
    }
    if let Some(cache) = &start.cache {
        std::fs::create_dir_all(cache)?;
        writable.push(cache.clone());
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
            rules = rules.add_rule(PathBeneath::new(PathFd::new(path)?, access))?;
        }
    }
    rules.restrict_self()?;
    Ok(())
}

/// Where the loader looks for the driver's libraries.
fn libraries() -> Vec<PathBuf> {
    let path = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .filter(|path| path.is_absolute() && path != Path::new("/"))
        .collect()
}

/// No other program, no network, no look into other processes, none of the calls by
/// which kernels have been broken and which no driver makes.
fn restrict_calls() -> Result<(), Box<dyn std::error::Error>> {
    let mut rules: std::collections::BTreeMap<i64, Vec<SeccompRule>> =
        DENIED.iter().map(|call| (*call, Vec::new())).collect();
    // The driver talks to its own daemon by sockets of the local kind only.
    let not_local = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Ne,
        libc::AF_UNIX as u64,
    )?;
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(vec![not_local])?]);
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM as u32),
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    seccompiler::apply_filter_all_threads(&program)?;
    Ok(())
}

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
