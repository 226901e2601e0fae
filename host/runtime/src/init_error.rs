//! Why a component was not initialized: what its `init` did, or what became of it.

use std::time::Duration;

use wasmtime::Trap;

/// The longest message of a guest that is passed on, in bytes.
const LONGEST: usize = 1000;

/// Why a component was not initialized. Nothing of it is left, but for the named buffers that it kept
/// on a device before it failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// No component can be made of what its `init` leaves in memory.
    #[error(
        "the component exports `init`, and no image can be made of it: {cause} (build it with \
         `cargo build --target wasm32-wasip2`, in one piece: a component that was composed of several \
         has no `init`, and one that changes its tables of functions as it runs can have none)"
    )]
    NotForkable {
        /// What is in the way.
        cause: String,
    },
    /// The function has another type.
    #[error(
        "the component exports `tensor:lifecycle/initialization`, and its `init` is not \
         `func() -> result<_, string>`: {cause}"
    )]
    WrongType {
        /// What it is.
        cause: String,
    },
    /// It answered with an error.
    #[error("the component's `init` failed: {message}")]
    Failed {
        /// The error, as the guest tells it.
        message: String,
    },
    /// It trapped or exited.
    #[error("the component's `init` {}{}", ended(.trap.as_ref()), wrote(.output))]
    Trapped {
        /// What trapped; `None` where it exited.
        trap: Option<Trap>,
        /// The last lines that it wrote.
        output: String,
    },
    /// It did not end in time.
    #[error("the component's `init` ran for longer than {} seconds, and was stopped", .limit.as_secs_f64())]
    TimedOut {
        /// How long it may run.
        limit: Duration,
    },
    /// It holds resources of the host, whose handles mean nothing in another instance.
    #[error(
        "the component's `init` ended with handles that its later instances do not have: {}. Drop \
         them before it ends: open files, devices, modules, queues and buffers have to be local to \
         `init` (a buffer stays that is kept under a name), and the library that stands between has \
         to give back its own, as the SDK's macro `init!` has it do",
        .resources.join(", ")
    )]
    LeftBehind {
        /// What they are handles of, each with how many there are.
        resources: Vec<String>,
    },
    /// The image has no room to be read.
    #[error(
        "the memories that the component's `init` left can't be read: each has to be able to grow by \
         64 KiB more, and to have at most 4 GiB ({cause}); raise `--max-memory-bytes`, or keep less"
    )]
    MemoryFull {
        /// What the engine says.
        cause: String,
    },
    /// What it leaves is more than a component may have.
    #[error(
        "the component has {bytes} bytes with what its `init` leaves in its memory, and may have \
         {limit}: keep large tables on the device, under names, or leave less in memory"
    )]
    TooLarge {
        /// The size of the image, in bytes.
        bytes: u64,
        /// How large it may be.
        limit: u64,
    },
    /// The tenant has no memory left for what it leaves.
    #[error("what the component's `init` leaves in memory does not fit its tenant's: {cause}")]
    TenantMemory {
        /// How much there is, and may be.
        cause: String,
    },
    /// There was no room to run it.
    #[error(
        "the component's `init` could not be run for want of memory or of instances: try again"
    )]
    NoRoom,
    /// A policy is not initialized.
    #[error(
        "the component stands in front of another one, and exports `init`, which is run of the \
         application alone: build it without"
    )]
    Policy,
    /// The host failed.
    #[error("the component could not be initialized: {cause}")]
    Host {
        /// How.
        cause: String,
    },
}

impl InitError {
    pub(crate) fn failed(mut message: String) -> InitError {
        if message.len() > LONGEST {
            message.truncate(message.floor_char_boundary(LONGEST));
            message.push('…');
        }
        InitError::Failed { message }
    }

    /// Whether the same component may be initialized later.
    pub fn is_for_want_of_place(&self) -> bool {
        matches!(self, InitError::NoRoom | InitError::TenantMemory { .. })
    }
}

fn ended(trap: Option<&Trap>) -> String {
    let Some(trap) = trap else {
        return "exited".to_owned();
    };
    let trap = trap.to_string();
    let trap = trap.strip_prefix("wasm trap: ").unwrap_or(&trap);
    format!("trapped: {trap}")
}

fn wrote(output: &str) -> String {
    match output.is_empty() {
        true => String::new(),
        false => format!("; the last that it wrote: {output}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_long_message_of_a_guest_is_cut_between_two_characters() {
        let error = InitError::failed("ä".repeat(LONGEST)).to_string();
        assert!(error.ends_with("ä…"), "{error}");
        assert!(error.len() < LONGEST + 100);
    }
}
