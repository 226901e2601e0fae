//! What code inside of a worker could try against its host and the machine, as system calls that
//! are made by a live worker.

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::PathBuf;

use libc::c_long;
use tempfile::TempDir;

use super::injection::Captive;

/// What is attacked: a host, and things of its user's.
pub struct Targets {
    host: u64,
    folder: TempDir,
    abstract_name: String,
    listeners: [UnixListener; 2],
    datagrams: UnixDatagram,
}

/// Attacks by their names, and what the kernel answered to each: a result, or a negative error
/// number.
pub type Answers = Vec<(&'static str, i64)>;

impl Targets {
    pub fn of(host: u32) -> Targets {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("audit.log"), "{}\n").unwrap();
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(folder.path().join("audit.log"), private).unwrap();
        let abstract_name = format!("tensor-wasm-attacks-{host}");
        let hidden = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        let listeners = [
            UnixListener::bind(folder.path().join("listener")).unwrap(),
            UnixListener::bind_addr(&hidden).unwrap(),
        ];
        let datagrams = UnixDatagram::bind(folder.path().join("datagrams")).unwrap();
        for listener in &listeners {
            listener.set_nonblocking(true).unwrap();
        }
        datagrams.set_nonblocking(true).unwrap();
        Targets {
            host: host.into(),
            folder,
            abstract_name,
            listeners,
            datagrams,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Has the captive try what every other process of the same user may do.
    pub fn attack_as_same_user(&self, captive: &mut Captive) -> Answers {
        let host = self.host;
        let zeros = captive.put(&[0; 256]);
        let ones = captive.put(&[0xff; 128]);
        let log = captive.put_text(self.path("audit.log").to_str().unwrap());
        let users = captive.put_text("/etc/passwd");
        let [here, read, write] = HERE_READ_WRITE;
        let mut answers = Answers::new();
        // Limits, priority and place of the host.
        let core = libc::RLIMIT_CORE as u64;
        for (name, call, arguments) in [
            ("prlimit64", libc::SYS_prlimit64, [host, core, zeros, 0]),
            (
                "sched_setaffinity",
                libc::SYS_sched_setaffinity,
                [host, 128, ones, 0],
            ),
            (
                "sched_setscheduler",
                libc::SYS_sched_setscheduler,
                [host, libc::SCHED_OTHER as u64, zeros, 0],
            ),
            (
                "setpriority",
                libc::SYS_setpriority,
                [libc::PRIO_PROCESS as u64, host, 0, 0],
            ),
            (
                "ioprio_set",
                libc::SYS_ioprio_set,
                [1, host, (2 << 13) | 4, 0],
            ),
            // Signals to the host: none is sent, whether one may be is asked.
            ("kill", libc::SYS_kill, [host, 0, 0, 0]),
            ("tkill", libc::SYS_tkill, [host, 0, 0, 0]),
            ("tgkill", libc::SYS_tgkill, [host, host, 0, 0]),
            (
                "F_SETOWN",
                libc::SYS_fcntl,
                [1, libc::F_SETOWN as u64, host, 0],
            ),
            ("pidfd_open", libc::SYS_pidfd_open, [host, 0, 0, 0]),
            // Files of the user's.
            ("chmod", libc::SYS_chmod, [log, 0o666, 0, 0]),
            ("fchmodat", libc::SYS_fchmodat, [here, log, 0o666, 0]),
            ("chown", libc::SYS_chown, [log, u64::MAX, u64::MAX, 0]),
            (
                "fchownat",
                libc::SYS_fchownat,
                [here, log, u64::MAX, u64::MAX],
            ),
            ("utimensat", libc::SYS_utimensat, [here, log, 0, 0]),
            ("utime", libc::SYS_utime, [log, 0, 0, 0]),
            ("truncate", libc::SYS_truncate, [log, 3, 0, 0]),
            ("open to read", libc::SYS_openat, [here, log, read, 0]),
            ("open to write", libc::SYS_openat, [here, log, write, 0]),
            (
                "open of another's",
                libc::SYS_openat,
                [here, users, read, 0],
            ),
            ("socket AF_INET", libc::SYS_socket, [2, 1, 0, 0]),
            ("socket AF_NETLINK", libc::SYS_socket, [16, 3, 0, 0]),
            ("shmget", libc::SYS_shmget, [0, 4096, 0o600, 0]),
            ("inotify_init1", libc::SYS_inotify_init1, [0, 0, 0, 0]),
        ] {
            let answer = captive.call(call, &arguments);
            if call == libc::SYS_shmget && answer >= 0 {
                // It would outlive the process.
                captive.call(libc::SYS_shmctl, &[answer as u64, libc::IPC_RMID as u64, 0]);
            }
            answers.push((name, answer));
        }

        // Sockets outside.
        let path = format!("{}\0", self.path("listener").display());
        answers.push(("connect by path", connect(captive, &path)));
        let name = format!("\0{}", self.abstract_name);
        answers.push(("connect by abstract name", connect(captive, &name)));
        let path = format!("{}\0", self.path("datagrams").display());
        answers.push(("send a datagram", send(captive, &path)));
        answers
    }

    /// Has the captive try what would start something, or needs rights that few have.
    pub fn attack_with_rights(&self, captive: &mut Captive) -> Answers {
        let host = self.host;
        let zeros = captive.put(&[0; 256]);
        let log = captive.put_text(self.path("audit.log").to_str().unwrap());
        let [here, read, _] = HERE_READ_WRITE;
        let mut answers = Answers::new();
        for (name, path) in [
            ("the host's environment", format!("/proc/{host}/environ")),
            ("the host's descriptors", format!("/proc/{host}/fd")),
            ("the host's memory map", format!("/proc/{host}/maps")),
            ("the host's memory", format!("/proc/{host}/mem")),
            ("the first process", "/proc/1/environ".to_owned()),
        ] {
            let path = captive.put_text(&path);
            answers.push((name, captive.call(libc::SYS_openat, &[here, path, read])));
        }

        // Other processes and programs, and what only root could do.
        let program = captive.put_text("/bin/true");
        let user = libc::CLONE_NEWUSER as u64;
        let mut vector = host.to_le_bytes().to_vec();
        vector.extend(8_u64.to_le_bytes());
        let vector = captive.put(&vector);
        let calls: [(&str, c_long, [u64; 5]); 41] = [
            ("fork", libc::SYS_fork, [0; 5]),
            ("vfork", libc::SYS_vfork, [0; 5]),
            (
                "clone of a process",
                libc::SYS_clone,
                [libc::SIGCHLD as u64, 0, 0, 0, 0],
            ),
            (
                "clone into a namespace",
                libc::SYS_clone,
                [user | libc::SIGCHLD as u64, 0, 0, 0, 0],
            ),
            ("clone3", libc::SYS_clone3, [zeros, 88, 0, 0, 0]),
            ("execve", libc::SYS_execve, [program, 0, 0, 0, 0]),
            ("execveat", libc::SYS_execveat, [here, program, 0, 0, 0]),
            (
                "ptrace",
                libc::SYS_ptrace,
                [libc::PTRACE_SEIZE as u64, host, 0, 0, 0],
            ),
            (
                "process_vm_readv",
                libc::SYS_process_vm_readv,
                [host, vector, 1, vector, 1],
            ),
            (
                "process_vm_writev",
                libc::SYS_process_vm_writev,
                [host, vector, 1, vector, 1],
            ),
            (
                "process_madvise",
                libc::SYS_process_madvise,
                [0, vector, 1, 20, 0],
            ),
            ("pidfd_send_signal", libc::SYS_pidfd_send_signal, [0; 5]),
            ("pidfd_getfd", libc::SYS_pidfd_getfd, [0; 5]),
            (
                "rt_sigqueueinfo",
                libc::SYS_rt_sigqueueinfo,
                [host, 0, zeros, 0, 0],
            ),
            ("kcmp", libc::SYS_kcmp, [host, host, 0, 0, 0]),
            ("move_pages", libc::SYS_move_pages, [host, 0, 0, 0, 0]),
            (
                "sched_setattr",
                libc::SYS_sched_setattr,
                [host, zeros, 0, 0, 0],
            ),
            ("unshare", libc::SYS_unshare, [user, 0, 0, 0, 0]),
            ("setns", libc::SYS_setns, [0, user, 0, 0, 0]),
            ("mount", libc::SYS_mount, [program, log, 0, 4096, 0]),
            ("umount2", libc::SYS_umount2, [log, 0, 0, 0, 0]),
            ("fsopen", libc::SYS_fsopen, [log, 0, 0, 0, 0]),
            ("open_tree", libc::SYS_open_tree, [here, log, 0, 0, 0]),
            ("chroot", libc::SYS_chroot, [log, 0, 0, 0, 0]),
            ("pivot_root", libc::SYS_pivot_root, [log, log, 0, 0, 0]),
            ("mknod", libc::SYS_mknod, [log, 0o20666, 0, 0, 0]),
            ("bpf", libc::SYS_bpf, [0, zeros, 128, 0, 0]),
            (
                "io_uring_setup",
                libc::SYS_io_uring_setup,
                [1, zeros, 0, 0, 0],
            ),
            (
                "perf_event_open",
                libc::SYS_perf_event_open,
                [zeros, 0, u64::MAX, u64::MAX, 0],
            ),
            ("userfaultfd", libc::SYS_userfaultfd, [1, 0, 0, 0, 0]),
            ("keyctl", libc::SYS_keyctl, [0, u64::MAX, 0, 0, 0]),
            ("add_key", libc::SYS_add_key, [log, log, log, 1, u64::MAX]),
            (
                "init_module",
                libc::SYS_init_module,
                [zeros, 256, log, 0, 0],
            ),
            ("kexec_load", libc::SYS_kexec_load, [0, 0, zeros, 0, 0]),
            ("reboot", libc::SYS_reboot, [0; 5]),
            ("swapoff", libc::SYS_swapoff, [log, 0, 0, 0, 0]),
            ("settimeofday", libc::SYS_settimeofday, [zeros, 0, 0, 0, 0]),
            ("sethostname", libc::SYS_sethostname, [log, 3, 0, 0, 0]),
            ("iopl", libc::SYS_iopl, [3, 0, 0, 0, 0]),
            ("mq_open", libc::SYS_mq_open, [program, 0, 0, 0, 0]),
            // `getpid` by the numbers of x32.
            ("x32", (1 << 30) | libc::SYS_getpid, [0; 5]),
        ];
        for (name, call, arguments) in calls {
            answers.push((name, captive.call(call, &arguments)));
        }
        answers
    }

    /// Checks that none of the attacks has done anything.
    pub fn assert_untouched(&self) {
        let log = self.path("audit.log");
        assert_eq!(fs::read_to_string(&log).unwrap(), "{}\n");
        let mode = fs::metadata(&log).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for listener in &self.listeners {
            assert!(listener.accept().is_err(), "a connection to {listener:?}");
        }
        assert!(self.datagrams.recv(&mut [0; 8]).is_err(), "a datagram");
    }
}

/// The folder that paths begin at, and the two ways to open a file.
const HERE_READ_WRITE: [u64; 3] = [
    libc::AT_FDCWD as u64,
    libc::O_RDONLY as u64,
    libc::O_WRONLY as u64,
];

/// The address of a local socket, as `connect` takes it.
fn address(captive: &mut Captive, name: &str) -> (u64, u64) {
    let mut bytes = (libc::AF_UNIX as u16).to_le_bytes().to_vec();
    bytes.extend(name.as_bytes());
    (captive.put(&bytes), bytes.len() as u64)
}

fn connect(captive: &mut Captive, name: &str) -> i64 {
    let (address, bytes) = address(captive, name);
    let kind = [libc::AF_UNIX as u64, libc::SOCK_STREAM as u64, 0];
    match captive.call(libc::SYS_socket, &kind) {
        socket @ 0.. => captive.call(libc::SYS_connect, &[socket as u64, address, bytes]),
        refused => refused,
    }
}

fn send(captive: &mut Captive, name: &str) -> i64 {
    let (address, bytes) = address(captive, name);
    let kind = [libc::AF_UNIX as u64, libc::SOCK_DGRAM as u64, 0];
    match captive.call(libc::SYS_socket, &kind) {
        socket @ 0.. => {
            let arguments = [socket as u64, address, 1, 0, address, bytes];
            captive.call(libc::SYS_sendto, &arguments)
        }
        refused => refused,
    }
}
