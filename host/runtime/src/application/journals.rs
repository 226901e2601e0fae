//! Where the journals of an application's requests come from: each is a recording, or there is one,
//! which is replayed. Of what could not be replayed nothing is recorded: that is said when the
//! component is loaded.

use super::config::{ApplicationConfig, JournalConfig};
use crate::engine::Engine;
use crate::error::Error;
use crate::journal::{Journal, Recorder, RecorderConfig, Replay};
use crate::request::RequestTask;
use std::sync::Arc;

/// Where the journals of an application's requests come from.
pub(super) enum Journals {
    /// They have none.
    None,
    /// Requests are recorded.
    Recorder(Box<Recorder>),
    /// One is replayed.
    Replay(Arc<Replay>),
}

/// The component that is loaded.
pub(super) struct Subject<'a> {
    pub(super) digest: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) imports: &'a [&'a str],
    /// Whether its instances start from what an `init` has left.
    pub(super) has_init: bool,
    pub(super) engine: &'a Engine,
}

impl Journals {
    /// # Errors
    ///
    /// [`Error::NotRecordable`]
    pub(super) fn of(
        journal: JournalConfig,
        subject: &Subject<'_>,
        config: &ApplicationConfig,
    ) -> Result<Journals, Error> {
        let recorder = match journal {
            JournalConfig::Off => return Ok(Journals::None),
            JournalConfig::Replay(replay) => return Ok(Journals::Replay(replay)),
            JournalConfig::Record(recorder) => *recorder,
        };
        if let Err(why) = recordable(subject, config) {
            if recorder.required {
                return Err(Error::NotRecordable(why));
            }
            tracing::warn!(
                component = subject.digest,
                "requests of this component are not recorded: {why}"
            );
            return Ok(Journals::None);
        }
        Ok(Journals::Recorder(Box::new(begin(
            recorder, subject, config,
        ))))
    }

    /// Keeps the component where recordings are, which could be loaded.
    pub(super) fn keep_component(&self, subject: &Subject<'_>) {
        if let Journals::Recorder(recorder) = self {
            recorder.keep_component(subject.bytes);
        }
    }

    /// Whether any request has one.
    pub(super) fn are_made(&self) -> bool {
        !matches!(self, Journals::None)
    }

    /// The journal of a request, if it has one.
    pub(super) fn begin<B>(
        &self,
        task: &Arc<RequestTask>,
        request: &http::Request<B>,
        settings: impl FnOnce() -> Vec<(String, String)>,
    ) -> Option<Arc<Journal>> {
        match self {
            Journals::None => None,
            Journals::Recorder(recorder) => recorder.begin(task, request, settings),
            Journals::Replay(replay) => {
                let journal = replay.journal()?;
                journal.follow(task);
                Some(journal)
            }
        }
    }
}

fn begin(recorder: RecorderConfig, subject: &Subject<'_>, config: &ApplicationConfig) -> Recorder {
    let directories = config.directories.iter();
    Recorder::new(
        recorder,
        subject.digest.to_owned(),
        config.environment.clone(),
        directories
            .map(|directory| directory.guest.clone())
            .collect(),
        subject.engine.instance_memory_bytes(),
    )
}

/// Whether a replay could repeat what requests of this component do. If not, why, and what to do.
fn recordable(subject: &Subject<'_>, config: &ApplicationConfig) -> Result<(), String> {
    let imports = |prefix: &str| subject.imports.iter().any(|name| name.starts_with(prefix));
    let of_wasi_03 = subject
        .imports
        .iter()
        .find(|name| name.starts_with("wasi:") && name.contains("@0.3."));
    if let Some(import) = of_wasi_03 {
        return Err(format!(
            "it imports `{import}`, and guests of WASI 0.3 make several calls at one time, in an \
             order that is not recorded: build it for WASI 0.2"
        ));
    }
    if imports("tensor:policy/") {
        return Err(
            "it decides on its requests itself, and what it asks of the host for that is not \
             recorded: put its policy in front of it with `--policy`"
                .to_owned(),
        );
    }
    if subject.has_init {
        return Err(
            "its instances start from what its `init` has left in memory, which a recording does not \
             have: build it without `init`"
                .to_owned(),
        );
    }
    if config.reuse.get() > 1 {
        return Err(format!(
            "its instances answer {} requests each, and remember earlier ones, which a recording \
             does not have: serve it with `--reuse 1`",
            config.reuse
        ));
    }
    Ok(())
}
