//! Lines of the log while something takes long, such as the compilation of a component that contains
//! a language's whole interpreter: whoever waits learns for what, and that it goes on.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What takes no longer needs no line.
const FIRST: Duration = Duration::from_secs(1);

/// How long it is between two lines.
const EACH: Duration = Duration::from_secs(5);

/// Logs what goes on until it is dropped.
pub struct Progress {
    done: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// `what` goes on, in words such as `compiling image.wasm (18 MiB)`. Without a thread for it there
    /// are no lines.
    pub fn of(what: String) -> Progress {
        let (done, ended) = mpsc::channel();
        let thread = thread::Builder::new().name("progress".to_owned());
        let thread = thread.spawn(move || {
            say_until(&ended, FIRST, EACH, |taken| {
                tracing::info!("{what}: {} s so far", taken.as_secs());
            });
        });
        Progress {
            done: Some(done),
            thread: thread.ok(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.done.take());
        if let Some(thread) = self.thread.take() {
            // It panics nowhere.
            let _ = thread.join();
        }
    }
}

/// Calls `say` after `first`, and then again and again, until the other end is dropped.
fn say_until(ended: &Receiver<()>, first: Duration, each: Duration, mut say: impl FnMut(Duration)) {
    let began = Instant::now();
    let mut wait = first;
    while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        say(began.elapsed());
        wait = each;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_said_again_until_it_ends() {
        let (done, ended) = mpsc::channel();
        let mut done = Some(done);
        let mut said = 0;
        say_until(&ended, Duration::ZERO, Duration::ZERO, |_| {
            said += 1;
            if said == 3 {
                drop(done.take());
            }
        });
        assert_eq!(said, 3);
    }

    #[test]
    fn what_ends_soon_is_not_said() {
        let (done, ended) = mpsc::channel::<()>();
        drop(done);
        say_until(&ended, FIRST, EACH, |_| panic!("it has ended"));
    }
}
