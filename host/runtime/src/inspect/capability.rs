//! The capabilities that imports ask for, by the names that users see. What the host
//! does about each is in `crate::capability`.

use std::fmt;

use serde::Serialize;

use super::Item;

/// A capability that imports ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Launching kernels: `tensor:gpu`.
    Gpu,
    /// Deciding on requests: `tensor:policy`.
    Policy,
    /// The handler behind a middleware.
    HttpNext,
    /// Requests to other servers.
    HttpOutgoing,
    /// Files and directories.
    Filesystem,
    /// TCP, UDP and name lookup.
    Sockets,
    /// What the operator sets for the component to read.
    Configuration,
    /// Environment variables and arguments.
    Environment,
    /// Clocks and timers.
    Clocks,
    /// Random numbers.
    Random,
    /// Standard input, output and error.
    Stdio,
    /// A capability that this version doesn't know.
    Other,
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Gpu => "gpu",
            Self::Policy => "policy",
            Self::HttpNext => "http-next",
            Self::HttpOutgoing => "http-outgoing",
            Self::Filesystem => "filesystem",
            Self::Sockets => "sockets",
            Self::Configuration => "configuration",
            Self::Environment => "environment",
            Self::Clocks => "clocks",
            Self::Random => "random",
            Self::Stdio => "stdio",
            Self::Other => "other",
        })
    }
}

impl Capability {
    /// The capability that an import of this name asks for, such as
    /// `tensor:gpu/kernels@0.1.0`; `None` for an interface that gives access to nothing
    /// outside of the component.
    pub fn of_import(name: &str) -> Option<Self> {
        Self::of(&Item::named(name, "instance"))
    }

    /// The capability that an import asks for; `None` for an interface that gives access to
    /// nothing outside of the component, such as one of plain types.
    pub(super) fn of(item: &Item) -> Option<Self> {
        let (Some(package), Some(interface)) = (item.package.as_deref(), item.interface.as_deref())
        else {
            return Some(Self::Other);
        };
        Some(match (package, interface) {
            ("wasi:io", _) | ("wasi:http", "types") | ("wasi:cli", "exit" | "types") => {
                return None;
            }
            ("tensor:gpu", _) => Self::Gpu,
            ("tensor:policy", _) => Self::Policy,
            ("wasi:http", "incoming-handler" | "handler") => Self::HttpNext,
            ("wasi:http", _) => Self::HttpOutgoing,
            ("wasi:filesystem", _) => Self::Filesystem,
            ("wasi:sockets", _) => Self::Sockets,
            ("wasi:config", _) => Self::Configuration,
            ("wasi:cli", "environment") => Self::Environment,
            ("wasi:cli", _) => Self::Stdio,
            ("wasi:clocks", _) => Self::Clocks,
            ("wasi:random", _) => Self::Random,
            _ => Self::Other,
        })
    }
}
