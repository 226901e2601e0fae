//! Identifiers: each kind of thing that has a number has a type of its own, so that a queue's number
//! is never taken for a buffer's. They cross to worker processes as they are.

use serde::{Deserialize, Serialize};

macro_rules! identifiers {
    ($($(#[$doc:meta])+ $name:ident)+) => {$(
        $(#[$doc])+
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub(crate) struct $name(u64);

        impl From<u64> for $name {
            fn from(number: u64) -> $name {
                $name(number)
            }
        }

        impl $name {
            /// As logs have it.
            #[allow(dead_code, reason = "not every kind is logged")]
            pub(crate) fn number(self) -> u64 {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

identifiers! {
    /// A tenant's session, as the processor's scheduler knows it.
    SessionId
    /// An instance's lease, as the processor's scheduler knows it.
    LeaseId
    /// A queue, in a scheduler or in a worker process.
    QueueId
    /// A failure of a queue's work, which is acknowledged under this identifier.
    FailureId
    /// An allocation in a worker process.
    BufferId
    /// A module that a worker process has loaded.
    ModuleId
    /// A worker process, among all of its device.
    WorkerId
    /// A command that was sent to a worker process, among those of its queue.
    SequenceNumber
}

/// Gives out identifiers, from 1 on: each number once, whatever it identifies.
#[derive(Debug, Default)]
pub(crate) struct Identifiers(u64);

impl Identifiers {
    pub(crate) fn next<T: From<u64>>(&mut self) -> T {
        self.0 += 1;
        T::from(self.0)
    }
}
