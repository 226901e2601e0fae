//! The limit of open files. Each connection takes a file descriptor, and the usual soft
//! limit of 1024 exists for programs that use `select`.

use std::num::NonZeroU32;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that the server has open beside those of its clients: the log, the audit log, a database,
/// workers, and connections of guests to other servers.
const OTHERS: u64 = 512;

/// Raises the soft limit to the hard one, and warns where as many clients as may be connected at one
/// time would take more. The server works all the same: where it has no descriptor left, it accepts
/// more slowly, and logs why.
pub fn check_descriptor_limit(connections: NonZeroU32) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let mut limit = current;
    if current != maximum {
        let raised = Rlimit {
            current: maximum,
            maximum,
        };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => limit = maximum,
            Err(error) => tracing::debug!(%error, "the limit of open files stays as it is"),
        }
    }
    let needed = u64::from(connections.get()) + OTHERS;
    if let Some(limit) = limit.filter(|limit| *limit < needed) {
        tracing::warn!(
            "this process may have {limit} files open, and {connections} connections take up to \
             {needed}: raise the limit to that, by LimitNOFILE= in the unit of systemd or by \
             `ulimit -Hn` in the shell"
        );
    }
}
