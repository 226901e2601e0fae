//! The signals that an operator sends: SIGTERM and SIGINT end the server, the first
//! drains it, the second ends it at once; SIGHUP has it read its files again. And SIGXFSZ,
//! which the system sends where a file reaches the limit of its size.
//!
//! A thread of its own waits for them. On the threads that serve HTTP they would wait for
//! the guests, just when an operator wants to end guests that occupy all threads. Files are
//! read on another one, since reading may take long: a pipe's writer may not write.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::mpsc::{self, TrySendError};
use std::thread;

use anyhow::Context;
use tensor_wasm_device::spawn_essential;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Has writes to a file that is as large as the process may make it
/// (`RLIMIT_FSIZE`) fail with `EFBIG`, as those on a full disk fail with `ENOSPC`, in place
/// of ending the process.
///
/// To be called in the context of a Tokio runtime.
///
/// # Errors
///
/// Where the operating system refuses.
pub fn survive_file_size_limit() -> anyhow::Result<()> {
    let kind = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    // The handler stays when this is dropped, and nobody needs to know of the signal.
    drop(signal(kind).context("can't catch SIGXFSZ")?);
    Ok(())
}

/// Begins to listen; the future is done at the first SIGTERM or SIGINT.
///
/// `reload` is called for SIGHUP, on a thread of its own, where it may block. Signals that
/// come meanwhile are one call more.
pub fn listen(reload: impl FnMut() + Send + 'static) -> anyhow::Result<impl Future<Output = ()>> {
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
    let reload = start_reloading(reload)?;
    let (first, drain) = oneshot::channel();
    let wait = async move {
        let mut next = async || {
            loop {
                tokio::select! {
                    _ = terminate.recv() => return "SIGTERM",
                    _ = interrupt.recv() => return "SIGINT",
                    _ = hangup.recv() => {
                        tracing::info!("SIGHUP: reading files again");
                        if let Err(TrySendError::Full(())) = reload.try_send(()) {
                            tracing::warn!("SIGHUP: files are still being read, and will be once more");
                        }
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
    spawn_essential("signals", move || runtime.block_on(wait)).context("can't wait for signals")?;
    Ok(async {
        // Without the thread there are no signals to wait for.
        if drain.await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

/// Starts the thread that reads files again, once for each message. It ends with the sender.
fn start_reloading(
    mut reload: impl FnMut() + Send + 'static,
) -> anyhow::Result<mpsc::SyncSender<()>> {
    let (sender, requests) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("reload".to_owned())
        .spawn(move || {
            while requests.recv().is_ok() {
                // The panic is logged, and what was read before stays in use.
                let _ = catch_unwind(AssertUnwindSafe(&mut reload));
            }
        })
        .context("can't start the thread that reads files again")?;
    Ok(sender)
}
