//! Threads without which the process is half dead: nobody would wait for signals, write the
//! audit log or stop guests, and the rest of the server would go on as if nothing had
//! happened. A panic of one ends the process, in a way that the program may choose.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::OnceLock;
use std::thread::{Builder, JoinHandle};

type Handler = dyn Fn(&str) + Send + Sync;

/// What the program does where such a thread is lost.
static ON_LOSS: OnceLock<Box<Handler>> = OnceLock::new();

/// Starts a thread that the process can't do without. It may return; where it panics, the
/// handler of [`on_essential_thread_loss`] is called on it, and without one the process is
/// aborted.
///
/// # Errors
///
/// Where the operating system gives no thread.
pub fn spawn_essential(
    name: impl Into<String>,
    run: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let name = name.into();
    Builder::new().name(name.clone()).spawn(move || {
        if catch_unwind(AssertUnwindSafe(run)).is_err() {
            lost(&name);
        }
    })
}

/// Sets what happens where an essential thread panics, once for the process: `handler` is
/// called with the thread's name, on that thread, which does nothing else any more. Returns
/// whether it was set: the first one stays.
pub fn on_essential_thread_loss(handler: impl Fn(&str) + Send + Sync + 'static) -> bool {
    ON_LOSS.set(Box::new(handler)).is_ok()
}

fn lost(name: &str) {
    match ON_LOSS.get() {
        Some(handler) => handler(name),
        None => {
            tracing::error!("the thread {name} panicked: the process can't go on without it");
            process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_loss_of_a_thread_is_told_by_its_name_and_its_end_is_not() {
        let (sender, lost) = mpsc::channel();
        assert!(on_essential_thread_loss(move |name| sender
            .send(name.to_owned())
            .unwrap()));
        assert!(!on_essential_thread_loss(|_| {}), "the first one stays");
        spawn_essential("ends", || {}).unwrap().join().unwrap();
        let panics = spawn_essential("panics", || panic!("on purpose"));
        panics.unwrap().join().unwrap();
        assert_eq!(lost.recv().unwrap(), "panics");
        assert!(lost.try_recv().is_err());
    }

    /// The test runs itself in a process of its own, which sets no handler.
    #[test]
    fn without_a_handler_the_process_is_aborted() {
        const CHILD: &str = "TENSOR_WASM_TEST_OF_ESSENTIAL_THREADS";
        if std::env::var_os(CHILD).is_some() {
            let thread = spawn_essential("panics", || panic!("on purpose"));
            thread.unwrap().join().unwrap();
            return;
        }
        let name = "essential_thread::tests::without_a_handler_the_process_is_aborted";
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(CHILD, "1")
            .output()
            .unwrap();
        const SIGABRT: i32 = 6;
        assert_eq!(child.status.signal(), Some(SIGABRT), "{child:?}");
    }
}
