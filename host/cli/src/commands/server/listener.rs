//! The options of the listener: where it accepts connections, and what it takes from them.

use std::net::SocketAddr;

use clap::Args;
use tensor_wasm_runtime::server::{Limits, ListenAddress, Server};
use tokio::runtime::Runtime;

use super::systemd;
use crate::values;

#[derive(Args)]
pub struct ListenerOptions {
    /// The address to listen on: HOST:PORT, :PORT for all addresses, or unix:PATH; port 0
    /// takes a free one. A socket that systemd passes (LISTEN_FDS) is served in its place
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub addr: ListenAddress,
    /// The permissions of a Unix socket, octal
    #[arg(long, value_name = "MODE", value_parser = values::mode, default_value = "660")]
    socket_mode: u32,
    /// An address for /livez, /healthz, /readyz and /metrics
    #[arg(long, value_name = "ADDRESS")]
    pub admin: Option<SocketAddr>,
    /// Say in a header Server-Timing of each answer what its request used until then: the time
    /// that components ran, the device's time, kernel launches and bytes read
    #[arg(long)]
    pub usage_header: bool,
    /// Take the scheme that a component sees from the header Forwarded of the proxy in
    /// front, and not from the listener
    #[arg(long)]
    pub trust_forwarded: bool,
}

impl ListenerOptions {
    /// Listens on the socket that the program was passed, or else on the address.
    pub fn listen(&self, runtime: &Runtime, limits: Limits) -> anyhow::Result<Server> {
        let Some(socket) = systemd::passed_socket()? else {
            let listening = Server::listen(&self.addr, self.socket_mode, limits);
            return Ok(runtime.block_on(listening)?);
        };
        tracing::info!("serving on the socket that was passed to this program");
        let _context = runtime.enter();
        Ok(Server::on(socket, limits)?)
    }
}
