//! A launch whose blocks are checked as they run.

use std::sync::Arc;

use crate::interpret::checks::names::Names;
use crate::interpret::checks::race;
use crate::interpret::launch::InterpretedLaunch;
use crate::simt::Launch;

impl InterpretedLaunch {
    /// The same, with blocks that are [checked](crate::interpret::checks) as they run.
    #[must_use]
    pub fn checked(launch: impl Into<Arc<Launch>>) -> InterpretedLaunch {
        let mut made = InterpretedLaunch::new(launch);
        let launch = &made.launch;
        made.block_bytes = InterpretedLaunch::checked_block_bytes(launch);
        made.names = Some(Arc::new(Names::of(launch)));
        made
    }

    /// How many bytes the state of one running block takes where its blocks are checked.
    #[must_use]
    pub fn checked_block_bytes(launch: &Launch) -> u64 {
        let shared = u64::from(launch.shared_bytes);
        let own = launch.block_bytes().saturating_sub(shared);
        let more = bytes(own, shared, u64::from(launch.geometry.threads));
        launch.block_bytes().saturating_add(more)
    }
}

/// How many bytes the checks of one block take, with so many of registers, local and shared memory,
/// and so many threads.
fn bytes(own: u64, shared: u64, threads: u64) -> u64 {
    let words = own.saturating_add(shared);
    let order = threads.saturating_mul(threads.saturating_add(256) * 4);
    let history = shared.saturating_mul(race::CELL_BYTES + 1);
    words.saturating_add(order).saturating_add(history)
}
