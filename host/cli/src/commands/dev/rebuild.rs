//! The thread that builds a project, loads what it made, and waits for the next change.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tensor_wasm_node::host::{
    ComponentSource, DeviceChoice, DeviceOptions, Host, HostError, ReplaceableHost,
};
use tensor_wasm_runtime::{Directory, Grant};
use tokio::runtime::Handle;

use super::changes::Changes;
use crate::commands::build::{described, seconds};
use crate::project::{BuildFailure, Built, Output, Project, Snapshot};

/// What each version is served with.
pub struct Served {
    pub kernel_checks: bool,
    pub directories: Vec<Directory>,
    pub variables: Vec<(String, String)>,
    pub cache: Option<PathBuf>,
}

/// Builds and replaces.
pub struct Rebuilder {
    pub folder: PathBuf,
    pub served: Served,
    pub poll: bool,
    pub hosts: Arc<ReplaceableHost>,
    pub runtime: Handle,
    pub stopped: Arc<AtomicBool>,
}

impl Rebuilder {
    /// Runs until the program ends. `project` is what its manifest said at the start.
    pub fn run(&self, mut project: Project) {
        let stopped = || self.stopped.load(Ordering::Relaxed);
        let mut changes = Changes::of(&project, self.poll);
        // Taken before the build: what changes while it runs is built after it.
        let mut snapshot = Snapshot::of(&project);
        while !stopped() {
            self.build(&project);
            // A manifest that is broken meanwhile is waited for. What is watched stays what it was,
            // the manifest among it.
            loop {
                let Some(changed) = changes.wait(&project, &snapshot, stopped) else {
                    return;
                };
                snapshot = changed;
                tell!("changed; building again");
                match Project::open(&self.folder) {
                    Err(error) => self.fail(&error.to_string()),
                    Ok(read) => {
                        if read != project {
                            project = read;
                            changes = Changes::of(&project, self.poll);
                            snapshot = Snapshot::of(&project);
                        }
                        break;
                    }
                }
            }
        }
    }

    fn build(&self, project: &Project) {
        let stopped = || self.stopped.load(Ordering::Relaxed);
        let built = match project.build(Output::Kept, stopped) {
            Ok(built) => built,
            Err(BuildFailure::Stopped) => return,
            Err(failure) => {
                let said = match &failure {
                    BuildFailure::Failed { said, .. } => plain(said),
                    _ => String::new(),
                };
                return self.fail(&format!("{failure}\n\n{said}"));
            }
        };
        let summary = described(&built);
        let began = Instant::now();
        let loaded = {
            let _context = self.runtime.enter();
            self.load(project, built)
        };
        match loaded {
            Ok(host) => {
                let denied = &host.application().imports().denied;
                let without = match denied.as_slice() {
                    [] => String::new(),
                    denied => format!("; denied {}", denied.join(", ")),
                };
                tell!(
                    "serving {}: {summary}, loaded in {}{without}",
                    project.component().display(),
                    seconds(began.elapsed())
                );
                self.hosts.replace(host);
            }
            Err(error) => self.fail(&format!(
                "{} can't be served: {}",
                project.component().display(),
                with_causes(&error)
            )),
        }
    }

    fn load(&self, project: &Project, built: Built) -> Result<Host, HostError> {
        Host::builder(ComponentSource {
            label: project.component().display().to_string(),
            bytes: built.bytes,
        })
        .device(Grant::Granted(DeviceChoice::Cpu))
        .device_options(DeviceOptions {
            kernel_checks: self.served.kernel_checks,
            ..DeviceOptions::default()
        })
        .directories(self.served.directories.clone())
        .environment(self.served.variables.clone())
        .cache(self.served.cache.clone())
        .usage_header(true)
        .build()
    }

    /// Says why there is no new version, here and to whom asks.
    fn fail(&self, reason: &str) {
        let reason = reason.trim_end();
        let first = reason.lines().next().unwrap_or_default();
        tell!("error: {first}");
        if self.hosts.has_host() {
            tell!("the last good version is served on");
        }
        self.hosts.fail(reason);
    }
}

/// An error with its causes.
fn with_causes(error: &HostError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

/// A compiler's message without the colours of a terminal.
fn plain(text: &str) -> String {
    console::strip_ansi_codes(text).into_owned()
}
