//! What the HTTP front promises of TLS: who gets in, who is held to be whom, and
//! what happens when files change. The client is the TLS library over plain sockets.

mod authority;
mod client;
mod connections;
mod files;
mod handshake;
mod server;
