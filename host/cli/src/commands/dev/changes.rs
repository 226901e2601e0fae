//! Waiting for changes of a project's files. The operating system tells of them; where it does not,
//! the files are looked at again and again. What counts is what the files look like, so that one
//! change that is told five times is one, and one that nobody told is found too.

use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use crate::project::{Project, Snapshot};

/// How often the files are looked at where the system tells of changes, and where it does not.
const TOLD: Duration = Duration::from_secs(2);
const UNTOLD: Duration = Duration::from_millis(300);

/// How long files have to stay as they are before they count as saved: editors write several
/// times, and a checkout writes many files.
const SETTLED: Duration = Duration::from_millis(60);

/// What tells of changes.
pub struct Changes {
    /// Ends when the watcher is dropped. `None` where nothing tells.
    told: Option<(Receiver<()>, RecommendedWatcher)>,
}

impl Changes {
    /// Watches the files of a project.
    pub fn of(project: &Project, poll: bool) -> Changes {
        if poll {
            return Changes { told: None };
        }
        match watch(project) {
            Ok(told) => Changes { told: Some(told) },
            Err(error) => {
                tell!("changes are looked for, since the system does not tell of them: {error}");
                Changes { told: None }
            }
        }
    }

    /// Waits until the files differ from what they were, and stay as they are then; or until
    /// `stopped`: then there is nothing new.
    pub fn wait(
        &self,
        project: &Project,
        before: &Snapshot,
        stopped: impl Fn() -> bool,
    ) -> Option<Snapshot> {
        loop {
            if stopped() {
                return None;
            }
            let mut now = Snapshot::of(project);
            if now != *before {
                loop {
                    thread::sleep(SETTLED);
                    let later = Snapshot::of(project);
                    if later == now {
                        return Some(now);
                    }
                    now = later;
                }
            }
            self.pause(&stopped);
        }
    }

    /// Until something is told, or it is time to look.
    fn pause(&self, stopped: &impl Fn() -> bool) {
        match &self.told {
            None => thread::sleep(UNTOLD),
            Some((told, _)) => {
                let mut waited = Duration::ZERO;
                while waited < TOLD && !stopped() {
                    if told.recv_timeout(UNTOLD).is_ok() {
                        // More of the same.
                        while told.try_recv().is_ok() {}
                        return;
                    }
                    waited += UNTOLD;
                }
            }
        }
    }
}

fn watch(project: &Project) -> notify::Result<(Receiver<()>, RecommendedWatcher)> {
    // One that waits is enough, and nothing is lost by more.
    let (sender, told) = mpsc::sync_channel(1);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = sender.try_send(());
        }
    })?;
    for path in project.watched() {
        if path.is_dir() {
            watcher.watch(&path, RecursiveMode::Recursive)?;
        } else {
            // The folder of a file: an editor puts another file in its place.
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new("."));
            if folder.is_dir() {
                watcher.watch(folder, RecursiveMode::NonRecursive)?;
            }
        }
    }
    Ok((told, watcher))
}
