//! `tensor-wasm serve` as a client and an operator see it.

mod clients;
mod guests;
mod heads;
mod http;
mod initialization;
mod instance_memory;
mod log;
mod operation;
mod reload;
mod responses;
mod slow_clients;
mod sockets;
mod tenant_memory;

use tensor_wasm_tests::{Serve, SharedServer, guest};

static HELLO: SharedServer =
    SharedServer::new(|| Serve::new(guest("hello")).args(["--admin", "127.0.0.1:0"]));
static ECHO: SharedServer = SharedServer::new(|| Serve::new(guest("echo")));
static COUNT_BODY: SharedServer = SharedServer::new(|| {
    Serve::new(guest("count_body")).args(["--max-body-bytes=1000", "--client-timeout=500ms"])
});
static REFLECT: SharedServer = SharedServer::new(|| Serve::new(guest("reflect")));
