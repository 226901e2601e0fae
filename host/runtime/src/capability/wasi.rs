//! The part of WASI that every component has: clocks, random numbers, streams, standard
//! output and error as lines of the host's log, and the types of HTTP. None of it reaches
//! out of the instance.
//!
//! Wasmtime links all of `wasi:cli`, `wasi:filesystem` and `wasi:sockets` at once, so the
//! capabilities of those packages are linked here too. What an instance finds behind them
//! is set by their own modules.

use super::interface::{Interface, WASI_02, WASI_03};
use super::output::{GuestOutput, Stream};
use super::shape::CapabilityModule;
use crate::grant::LoadDecision;
use wasmtime::component::Linker;
use wasmtime_wasi::{WasiCtxBuilder, WasiView};

/// The part of WASI that needs no grant.
pub(crate) struct Wasi;

impl CapabilityModule for Wasi {
    const INTERFACES: &'static [Interface] = &[
        Interface::new("wasi:io", &["error", "poll", "streams"], WASI_02),
        Interface::new("wasi:clocks", &["monotonic-clock", "wall-clock"], WASI_02),
        Interface::new(
            "wasi:random",
            &["random", "insecure", "insecure-seed"],
            WASI_02,
        ),
        Interface::new(
            "wasi:cli",
            &[
                "exit",
                "stdin",
                "stdout",
                "stderr",
                "terminal-input",
                "terminal-output",
                "terminal-stdin",
                "terminal-stdout",
                "terminal-stderr",
            ],
            WASI_02,
        ),
        Interface::new("wasi:http", &["types"], WASI_02),
        Interface::new(
            "wasi:clocks",
            &["monotonic-clock", "system-clock", "types"],
            WASI_03,
        ),
        Interface::new(
            "wasi:random",
            &["random", "insecure", "insecure-seed"],
            WASI_03,
        ),
        Interface::new(
            "wasi:cli",
            &[
                "exit",
                "stdin",
                "stdout",
                "stderr",
                "terminal-input",
                "terminal-output",
                "terminal-stdin",
                "terminal-stdout",
                "terminal-stderr",
                "types",
            ],
            WASI_03,
        ),
        Interface::new("wasi:http", &["types"], WASI_03),
    ];

    type InstanceState = GuestOutput;

    fn load_decision(&self) -> LoadDecision {
        LoadDecision::granted_if(true)
    }

    fn instantiate(&self, wasi: &mut WasiCtxBuilder) -> wasmtime::Result<GuestOutput> {
        let output = GuestOutput::default();
        wasi.stdout(output.stream(Stream::Out))
            .stderr(output.stream(Stream::Error));
        Ok(output)
    }
}

/// Adds WASI to a linker, but for `wasi:http` and `wasi:config`.
pub(crate) fn add_to_linker<T: WasiView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi::p3::add_to_linker(linker)
}
