//! The signals that an operator sends: SIGTERM and SIGINT end the server, the first
//! drains it, the second ends it at once; SIGHUP has it read its files again.
//!
//! A thread of its own waits for them. On the threads that serve HTTP they would wait for
//! the guests, just when an operator wants to end guests that occupy all threads.

use std::process;
use std::thread;

use anyhow::Context;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Begins to listen; the future is done at the first SIGTERM or SIGINT.
///
/// `reload` is called at each SIGHUP, on the signals' own thread, where it may block.
pub(super) fn listen(
    mut reload: impl FnMut() + Send + 'static,
) -> anyhow::Result<impl Future<Output = ()>> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("can't wait for signals")?;
    let (mut terminate, mut interrupt, mut hangup) = {
        let _context = runtime.enter();
        let listen = |kind| signal(kind).context("can't wait for signals");
        (
            listen(SignalKind::terminate())?,
            listen(SignalKind::interrupt())?,
            listen(SignalKind::hangup())?,
        )
    };
    let (first, drain) = oneshot::channel();
    let wait = async move {
        let mut next = async || {
            loop {
                tokio::select! {
                    _ = terminate.recv() => return "SIGTERM",
                    _ = interrupt.recv() => return "SIGINT",
                    _ = hangup.recv() => {
                        tracing::info!("SIGHUP: reading files again");
                        reload();
                    }
                }
            }
        };
        let name = next().await;
        tracing::info!("{name}: draining; a second signal ends the server at once");
        // The server may be past the point where anybody listens.
        let _ = first.send(());
        let name = next().await;
        tracing::warn!("{name}: ending at once");
        process::exit(1);
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || runtime.block_on(wait))
        .context("can't wait for signals")?;
    Ok(async {
        // Without the thread there are no signals to wait for.
        if drain.await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
