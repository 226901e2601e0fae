//! Which system calls a worker can make, by seccomp filters, `seccomp(2)`.
//!
//! A worker on the processor needs few, and all of them are known: memory, threads, clocks, and
//! reading and writing what is open already. It can make these and no others.
//!
//! With a driver, what its libraries call is not for us to list, and differs between versions. Such a
//! worker can make all calls but those that lead out of its process, change the machine, or have
//! been ways to break kernels.
//!
//! What is refused fails with `EPERM`, but for a few calls whose callers know another answer and do
//! without. A call of another architecture (32-bit code on a 64-bit kernel) ends the process.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, sock_filter,
};

use crate::channel::wire::WorkerDevice;
use crate::memory::WRITE_LOG_REQUESTS;

/// System calls, each with the conditions on its arguments under which it is meant: any one of
/// them, or always where there is none.
type Calls = BTreeMap<i64, Vec<SeccompRule>>;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Restricts all threads of this process, and those that come after them.
///
/// # Errors
/// Where the kernel takes no filter.
pub(super) fn restrict(device: &WorkerDevice) -> Outcome<()> {
    let (refused, allowed) = (SeccompAction::Errno(EPERM), SeccompAction::Allow);
    let (calls, unlisted, listed) = match device {
        WorkerDevice::Cpu { .. } => (allowed_on_processor()?, refused, allowed),
        WorkerDevice::Cuda(_) => (denied_with_driver()?, allowed, refused),
    };
    let architecture = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(calls, unlisted, listed, architecture)?;
    let mut program = other_answers().to_vec();
    program.extend(BpfProgram::try_from(filter)?);
    Ok(seccompiler::apply_filter_all_threads(&program)?)
}

const EPERM: u32 = libc::EPERM as u32;
const ENOENT: u32 = libc::ENOENT as u32;
const ENOSYS: u32 = libc::ENOSYS as u32;

/// The first number of a system call that the lists here do not consider: `fchmodat2`, of Linux 6.6.
/// Architectures share the numbers from 424 on.
const FIRST_UNKNOWN: u32 = 452;

/// The bit in the numbers of x32, which names calls of the same kernel by other numbers.
const X32: u32 = 1 << 30;

/// The beginning of a filter, before its list: calls that no list can name, whichever way it goes,
/// and those that are refused with another error than the rest.
fn other_answers() -> [sock_filter; 9] {
    const LOAD_NUMBER: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const ANSWER: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    const FROM: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
    const IS: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    let step = |code, k| sock_filter {
        code,
        jt: 0,
        jf: 0,
        k,
    };
    // Where it does not hold, the answer behind it is passed over.
    let condition = |code, k| sock_filter {
        jf: 1,
        ..step(code, k)
    };
    let answer = |error: u32| step(ANSWER, libc::SECCOMP_RET_ERRNO | error);
    [
        step(LOAD_NUMBER, 0),
        condition(FROM, X32),
        answer(EPERM),
        // What is newer than the lists is not there: the C library uses what it used before.
        condition(FROM, FIRST_UNKNOWN),
        answer(ENOSYS),
        // Its flags lie in memory, where no filter reads them. Callers use the older `clone`.
        condition(IS, libc::SYS_clone3 as u32),
        answer(ENOSYS),
        // As on a machine without the daemons that a driver looks for: it does without them, and
        // takes other errors for a failure.
        condition(IS, libc::SYS_connect as u32),
        answer(ENOENT),
    ]
}

/// The argument at this position equals a number of 32 bits, such as a process id or a command.
fn is(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

/// The argument at this position is another number of 32 bits.
fn is_not(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, value)
}

/// Those bits of the argument at this position that `mask` has are these.
fn bits(argument: u8, mask: u64, value: u64) -> Result<SeccompCondition, BackendError> {
    let masked = SeccompCmpOp::MaskedEq(mask);
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, masked, value)
}

/// The argument at this position is the null pointer.
fn is_null(argument: u8) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)
}

/// All of these conditions together.
fn all(
    conditions: impl IntoIterator<Item = Result<SeccompCondition, BackendError>>,
) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions.into_iter().collect::<Result<_, _>>()?)
}

/// One rule for each of these conditions: any of them is enough.
fn any(
    conditions: impl IntoIterator<Item = Result<SeccompCondition, BackendError>>,
) -> Result<Vec<SeccompRule>, BackendError> {
    conditions
        .into_iter()
        .map(|condition| all([condition]))
        .collect()
}

/// This process's number, as a filter compares it.
fn own_process() -> u64 {
    u64::from(std::process::id())
}

/// By which a `clone` takes new namespaces.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// Without which a `clone` starts another process.
const THREAD: u64 = libc::CLONE_THREAD as u64;

/// What the engine, the C library and our own threads call once the sandbox is entered.
fn allowed_on_processor() -> Outcome<Calls> {
    let mut calls: Calls = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    let namespaces = NAMESPACES.iter().fold(0, |all, flag| all | *flag as u64);
    calls.insert(
        libc::SYS_clone,
        vec![all([bits(0, THREAD | namespaces, THREAD)])?],
    );
    // Of descriptors: copies, and the flags of their own. None of the commands by which a
    // descriptor sends signals.
    let commands = [
        libc::F_DUPFD_CLOEXEC,
        libc::F_GETFD,
        libc::F_SETFD,
        libc::F_GETFL,
        libc::F_ADD_SEALS,
        libc::F_GET_SEALS,
    ];
    calls.insert(
        libc::SYS_fcntl,
        any(commands.map(|command| is(1, command as u64)))?,
    );
    // Of the system's notes on what is written to memory, whose descriptors are open already.
    calls.insert(
        libc::SYS_ioctl,
        any(WRITE_LOG_REQUESTS.map(|request| is(1, u64::from(request))))?,
    );
    // A thread's own name.
    calls.insert(libc::SYS_prctl, any([is(0, libc::PR_SET_NAME as u64)])?);
    // Limits may be read: of the stack, where a thread asks how large it is.
    calls.insert(libc::SYS_prlimit64, vec![all([is(0, 0), is_null(2)])?]);
    // To abort, a process sends itself a signal.
    calls.insert(libc::SYS_tgkill, any([is(0, own_process())])?);
    Ok(calls)
}

const ALLOWED: &[i64] = &[
    // Memory.
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_memfd_create,
    libc::SYS_ftruncate,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    // Threads.
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getcpu,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    // The traps of compiled kernels.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    // Clocks and random numbers.
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_getrandom,
    libc::SYS_gettimeofday,
    libc::SYS_nanosleep,
    // What is open already: the shared memory, and the socket to the host.
    libc::SYS_close,
    libc::SYS_lseek,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
];

/// What leads out of the process, and no driver is known to need.
fn denied_with_driver() -> Outcome<Calls> {
    let mut calls: Calls = DENIED.iter().map(|call| (*call, Vec::new())).collect();
    #[cfg(target_arch = "x86_64")]
    calls.extend(DENIED_OF_X86.iter().map(|call| (*call, Vec::new())));
    let namespaces = NAMESPACES.map(|flag| bits(0, flag as u64, flag as u64));
    let is_process = bits(0, THREAD, 0);
    calls.insert(
        libc::SYS_clone,
        any(namespaces.into_iter().chain([is_process]))?,
    );
    // The driver binds a local socket of the sequenced kind, and fails without. A socket of
    // datagrams would reach any address without a `connect`; by `SOCK_RAW` the local family means
    // the same.
    let [family, kind] = [0, 1];
    let addressed = || {
        any([
            is_not(family, libc::AF_UNIX as u64),
            bits(kind, KIND, libc::SOCK_DGRAM as u64),
            bits(kind, KIND, libc::SOCK_RAW as u64),
        ])
    };
    calls.insert(libc::SYS_socket, addressed()?);
    calls.insert(libc::SYS_socketpair, addressed()?);
    // What takes a process, of which 0 is the calling one.
    for call in OF_A_PROCESS {
        calls.insert(*call, vec![all([is_not(0, 0), is_not(0, own_process())])?]);
    }
    // The same with a kind of target before it: only a process, and only this one.
    for (call, process) in [
        (libc::SYS_setpriority, libc::PRIO_PROCESS as u64),
        (libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS),
    ] {
        let other = all([is_not(1, 0), is_not(1, own_process())]);
        calls.insert(call, vec![all([is_not(0, process)])?, other?]);
    }
    // Signals, which have no such 0.
    for call in [
        libc::SYS_kill,
        libc::SYS_tgkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_rt_tgsigqueueinfo,
    ] {
        calls.insert(call, any([is_not(0, own_process())])?);
    }
    // A descriptor that sends signals to another process.
    let owners = [libc::F_SETOWN, F_SETOWN_EX, F_SETSIG];
    calls.insert(
        libc::SYS_fcntl,
        any(owners.map(|command| is(1, command as u64)))?,
    );
    calls.insert(
        libc::SYS_ioctl,
        any([FIOSETOWN, SIOCSPGRP, libc::TIOCSTI].map(|command| is(1, command)))?,
    );
    Ok(calls)
}

/// The bits of a socket's type that are no flags.
const KIND: u64 = 0xf;

// From `linux/fcntl.h`, `linux/ioprio.h` and `asm/sockios.h`.
const F_SETSIG: i32 = 10;
const F_SETOWN_EX: i32 = 15;
const IOPRIO_WHO_PROCESS: u64 = 1;
const FIOSETOWN: u64 = 0x8901;
const SIOCSPGRP: u64 = 0x8902;

const OF_A_PROCESS: &[i64] = &[
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_prlimit64,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setattr,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
];

const DENIED: &[i64] = &[
    // Other programs, and other processes.
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_tkill,
    // Sockets of others: there is no `connect` either, see `other_answers`.
    libc::SYS_accept,
    libc::SYS_accept4,
    // Memory, semaphores and messages that others find by a key or a name.
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_msgctl,
    libc::SYS_msgget,
    libc::SYS_msgrcv,
    libc::SYS_msgsnd,
    libc::SYS_semctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_shmget,
    // Of files, what Landlock leaves alone.
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_fremovexattr,
    libc::SYS_fsetxattr,
    libc::SYS_inotify_add_watch,
    libc::SYS_inotify_init1,
    libc::SYS_lremovexattr,
    libc::SYS_lsetxattr,
    libc::SYS_mknodat,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_removexattr,
    libc::SYS_setxattr,
    libc::SYS_utimensat,
    // Mounts and namespaces.
    libc::SYS_chroot,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_pivot_root,
    libc::SYS_setns,
    libc::SYS_umount2,
    libc::SYS_unshare,
    // The machine.
    libc::SYS_acct,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    // Where many of the kernel's flaws were.
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_request_key,
    libc::SYS_userfaultfd,
    libc::SYS_vmsplice,
];

/// The older calls that only x86 has beside the above.
#[cfg(target_arch = "x86_64")]
const DENIED_OF_X86: &[i64] = &[
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_fork,
    libc::SYS_futimesat,
    libc::SYS_inotify_init,
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_lchown,
    libc::SYS_mknod,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_vfork,
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn no_listed_call_is_newer_than_the_lists() {
        let lists = [
            allowed_on_processor().unwrap(),
            denied_with_driver().unwrap(),
        ];
        for call in lists.iter().flat_map(BTreeMap::keys) {
            assert!(u32::try_from(*call).unwrap() < FIRST_UNKNOWN, "{call}");
        }
    }

    #[test]
    fn no_call_that_leads_out_of_the_process_is_allowed_on_the_processor() {
        let (allowed, denied) = (
            allowed_on_processor().unwrap(),
            denied_with_driver().unwrap(),
        );
        for call in denied
            .iter()
            .filter(|(_, rules)| rules.is_empty())
            .map(|(call, _)| call)
        {
            assert!(!allowed.contains_key(call), "{call}");
        }
    }
}
