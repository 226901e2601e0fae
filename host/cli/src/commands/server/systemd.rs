//! What systemd, or a supervisor that speaks its protocols, tells the server and is told:
//! sockets that it listens on for the server (`LISTEN_FDS`, sd_listen_fds(3)), and when the
//! server is ready and when it ends (`NOTIFY_SOCKET`, sd_notify(3)).

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::time::Duration;

use anyhow::{Context, bail};
use listenfd::ListenFd;
use rustix::time::{ClockId, clock_gettime};
use tensor_wasm_runtime::server::PassedSocket;

/// The server accepts requests.
pub const READY: &str = "READY=1";

/// The server ends.
pub const STOPPING: &str = "STOPPING=1";

/// The server makes progress.
pub const WATCHDOG: &str = "WATCHDOG=1";

/// The socket that the program was passed, if it was passed one.
///
/// # Errors
///
/// Where it was passed several, or something that is no listening socket.
pub fn passed_socket() -> anyhow::Result<Option<PassedSocket>> {
    let mut passed = ListenFd::from_env();
    match passed.len() {
        0 => return Ok(None),
        1 => {}
        more => bail!(
            "{more} sockets were passed by LISTEN_FDS, and one is served: name one in the unit"
        ),
    }
    if let Ok(Some(socket)) = passed.take_tcp_listener(0) {
        return Ok(Some(PassedSocket::Tcp(socket)));
    }
    let socket = passed
        .take_unix_listener(0)
        .context("what was passed by LISTEN_FDS is no listening TCP or Unix socket")?;
    Ok(socket.map(PassedSocket::Unix))
}

/// Within which time the supervisor wants to be told each time that the server is alive, if it does
/// (sd_watchdog_enabled(3)).
pub fn watchdog() -> Option<Duration> {
    let of = env::var("WATCHDOG_PID").ok();
    // The variables may have been meant for the process that started this one.
    if of.is_some_and(|of| of != process::id().to_string()) {
        return None;
    }
    let micros = env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
    Some(Duration::from_micros(micros)).filter(|patience| !patience.is_zero())
}

/// Tells the supervisor that files are being read again, until it is told that the server is ready
/// (`Type=notify-reload`, which wants to know since when by the monotonic clock).
pub fn notify_reloading() {
    let now = clock_gettime(ClockId::Monotonic);
    let micros = now.tv_sec * 1_000_000 + now.tv_nsec / 1000;
    notify(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
}

/// Tells the supervisor of the server's state. Without one it does nothing.
pub fn notify(state: &str) {
    let Some(name) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
        return;
    };
    if let Err(error) = send(&name, state) {
        tracing::warn!(%error, "NOTIFY_SOCKET: the supervisor can't be told {state}");
    }
}

/// Sends a datagram to a socket, whose name begins with `@` where it is no file's.
fn send(name: &OsStr, state: &str) -> io::Result<()> {
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    // A supervisor that takes nothing holds up no server.
    socket.set_nonblocking(true)?;
    socket.send_to_addr(state.as_bytes(), &address)?;
    Ok(())
}
