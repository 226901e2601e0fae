//! Why an address can't be listened on.

use std::io;

use thiserror::Error;

use super::address::ListenAddress;

/// Why an address could not be listened on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Another program listens there.
    #[error(
        "address {address} is in use: choose another with {option}, or stop the program that holds it"
    )]
    InUse {
        /// The address.
        address: ListenAddress,
        /// The option that chooses it.
        option: &'static str,
    },
    /// The operating system reserves it.
    #[error(
        "address {address} is not permitted: ports below 1024 and folders of other users need a privilege; choose another with {option}"
    )]
    NotPermitted {
        /// The address.
        address: ListenAddress,
        /// The option that chooses it.
        option: &'static str,
    },
    /// The machine doesn't have it.
    #[error(
        "address {address} is not an address of this machine: choose another with {option}, for example 127.0.0.1:8080"
    )]
    NotHere {
        /// The address.
        address: ListenAddress,
        /// The option that chooses it.
        option: &'static str,
    },
    /// Something else.
    #[error("can't listen on {address}: choose another address with {option}")]
    Other {
        /// The address.
        address: ListenAddress,
        /// The option that chooses it.
        option: &'static str,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// A socket that the program was passed can't be used.
    #[error("the socket that was passed to this program can't be used")]
    Passed(#[source] io::Error),
}

impl ListenError {
    pub(super) fn new(
        address: impl Into<ListenAddress>,
        option: &'static str,
        cause: io::Error,
    ) -> Self {
        let address = address.into();
        match cause.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { address, option },
            io::ErrorKind::PermissionDenied => Self::NotPermitted { address, option },
            io::ErrorKind::AddrNotAvailable => Self::NotHere { address, option },
            _ => Self::Other {
                address,
                option,
                cause,
            },
        }
    }
}
