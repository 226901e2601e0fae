//! Sockets: `wasi:sockets`, which is linked and never granted. A request to another
//! server goes through [`super::http`], where the operator names the servers.
//! [`super::wasi`] links it, and here a guest is kept from creating sockets.

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

    fn instantiate(&self, wasi: &mut WasiCtxBuilder) -> wasmtime::Result<()> {
        // Not only no address is reached: a socket alone would be a file descriptor.
        wasi.allow_tcp(false).allow_udp(false);
        Ok(())
    }
}
