//! Keeping the server's memory from the processes that run tenants' kernels, which are the same
//! user's.

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// Has the system let nobody but root look into this process: at its memory, its files and its
/// environment in `/proc`, by `ptrace(2)`, or in a core dump, which it then writes none of.
///
/// Workers are kept from that by their sandbox too, where the kernel has what it is made of.
pub fn hide_memory() {
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "other processes of this user can read the server's memory");
    }
}
