//! Sockets: `wasi:sockets`, which is linked and never granted. A request to another
//! server goes through [`super::http`], where the operator names the servers.
//! [`super::wasi`] links it; Wasmtime denies every address unless told otherwise.

use super::interface::{Interface, WASI_02, WASI_03};
use super::shape::CapabilityModule;
use crate::grant::LoadDecision;
use wasmtime_wasi::WasiCtxBuilder;

/// Sockets, which no application is granted.
pub(crate) struct Sockets;

impl CapabilityModule for Sockets {
    const INTERFACES: &'static [Interface] = &[
        Interface::new(
            "wasi:sockets",
            &[
                "network",
                "instance-network",
                "ip-name-lookup",
                "tcp",
                "tcp-create-socket",
                "udp",
                "udp-create-socket",
            ],
            WASI_02,
        ),
        Interface::new("wasi:sockets", &["types", "ip-name-lookup"], WASI_03),
    ];

    type InstanceState = ();

    fn load_decision(&self) -> LoadDecision {
        LoadDecision::granted_if(false)
    }

    fn instantiate(&self, _wasi: &mut WasiCtxBuilder) -> wasmtime::Result<()> {
        Ok(())
    }
}
