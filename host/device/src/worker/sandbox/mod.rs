//! A worker's sandbox: what it gives up before it reads anything of its tenant's. Inherited
//! files, capabilities, most of the file system ([`files`], Landlock) and most system calls
//! ([`calls`], seccomp).
//!
//! The system's kernel may be too old for some of it. The log says what is missing, and
//! the worker goes on: the process itself is the boundary, and this a second one.
#![expect(
    unsafe_code,
    reason = "closing files that nothing of this process has opened yet, and ending it at once"
)]

mod calls;
mod files;

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::channel::wire::Start;

/// Closes what the host's own parent may have left open in it.
pub(super) fn close_inherited_files() {
    // SAFETY: called first of all: nothing in this process has a file open above the
    // three standard ones, so no owner of one is left with a number that is reused.
    unsafe { close_fds::close_open_fds(3, &[]) }
}

/// Has the system end this process when the thread that started it has ended: the host's thread
/// that supervises it, or the one that waits for a probe's answer.
pub(super) fn end_with_the_parent() {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        eprintln!("the system does not end this process with its host: {error}");
    }
}

/// Ends this process without running the exit handlers of its libraries: those of a driver wait for
/// a device that may not answer, and free what the system frees anyway.
pub(super) fn end_at_once(code: i32) -> ! {
    // SAFETY: it takes a number and does not return.
    unsafe { libc::_exit(code) }
}

/// Gives up what a worker does not need. To be called before other threads run: what
/// is given up holds for this one and for those that come after it.
///
/// # Errors
/// Where a part that every supported kernel has cannot be had.
pub(super) fn enter(start: &Start) -> std::io::Result<()> {
    tell_of_other_threads();
    prefer_for_out_of_memory();
    limit_resources();
    rustix::thread::set_no_new_privs(true)?;
    if let Err(error) = files::restrict(start) {
        eprintln!("files are not restricted: {error}");
    }
    give_up_capabilities()?;
    if let Err(error) = calls::restrict(&start.device) {
        eprintln!("system calls are not restricted: {error}");
    }
    Ok(())
}

/// A driver that starts threads while it is loaded would leave them with what this thread gives
/// up; only the filter of system calls reaches them. None is known to.
fn tell_of_other_threads() {
    let threads = std::fs::read_dir("/proc/self/task").map(Iterator::count);
    if let Ok(others @ 1..) = threads.map(|threads| threads.saturating_sub(1)) {
        eprintln!("{others} threads of the driver keep their capabilities and their files");
    }
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

/// Empties all five sets of capabilities, `capabilities(7)`. A process of root is then one that owns
/// root's files, and no more. Once it has none, this changes nothing.
///
/// # Errors
/// Where the system does not let go of those that are held.
pub(super) fn give_up_capabilities() -> std::io::Result<()> {
    // The bounding set first: only one who holds CAP_SETPCAP can make it smaller.
    for number in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            // This kernel has no more of them.
            Err(Errno::INVAL) => break,
            // An ordinary user holds none, and with `no_new_privs` can't come by any.
            Err(Errno::PERM) => break,
            Err(error) => return Err(error.into()),
        }
    }
    match rustix::thread::clear_ambient_capability_set() {
        // Kernels before 4.3 have no such set.
        Ok(()) | Err(Errno::INVAL) => {}
        Err(error) => return Err(error.into()),
    }
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    Ok(rustix::thread::set_capabilities(None, none)?)
}
