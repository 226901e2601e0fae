//! Replaying: a guest is answered from a recording, and the first call is found that differs.

use super::encode::{Encoder, Store};
use super::ending::Ending;
use super::entry::Journal;
use super::recorded::Recorded;
use super::redact::Redaction;
use super::replaying::{Call, ReplayOutcome, Replaying, Tolerance};
use crate::lock::ignore_poison;
use bytes::Bytes;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// Why a recording can't be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayUnreadable {
    /// Its calls take more memory to read than is given to them.
    #[error(
        "the calls of the recording take {bytes} bytes, and {MOST_JOURNAL_BYTES} are read: record with a \
         smaller `--record-max-bytes`"
    )]
    TooLong {
        /// How long they are.
        bytes: usize,
    },
    /// A call in it is none that a recorder writes.
    #[error("call {index} of the recording can't be read: {cause}")]
    Call {
        /// Which one, counted from 0.
        index: usize,
        /// What is wrong.
        cause: String,
    },
    /// Its request can't be made.
    #[error("the request of the recording can't be made: {cause}")]
    Request {
        /// What is wrong.
        cause: http::Error,
    },
}

/// The longest calls that are read, in bytes of text; in memory they take many times as much. What is
/// recorded at most by default is 16 MiB, with the data beside the calls.
const MOST_JOURNAL_BYTES: usize = 64 << 20;

/// A recording that is replayed.
pub struct Replay {
    recorded: Recorded,
    /// The journal of the guest, and how often it was asked for.
    journal: Mutex<Option<Arc<Journal>>>,
    kept: Arc<Journal>,
    is_at_work: watch::Receiver<bool>,
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").finish_non_exhaustive()
    }
}

impl Replay {
    /// Reads the calls of a recording. `given` are the values of what was left out, by name: of
    /// headers, variables and settings.
    ///
    /// # Errors
    ///
    /// [`ReplayUnreadable`]
    pub fn new(
        mut recorded: Recorded,
        given: &[(String, String)],
        tolerance: Tolerance,
    ) -> Result<Replay, ReplayUnreadable> {
        let bytes = recorded.journal.len();
        if bytes > MOST_JOURNAL_BYTES {
            return Err(ReplayUnreadable::TooLong { bytes });
        }
        let lines = recorded.journal.split(|byte| *byte == b'\n');
        let lines = lines.filter(|line| !line.is_empty()).enumerate();
        let calls = lines.map(|(index, line)| {
            serde_json::from_slice(line).map_err(|error| ReplayUnreadable::Call {
                index,
                cause: error.to_string(),
            })
        });
        let calls: Vec<Call> = calls.collect::<Result<_, _>>()?;
        let names = recorded.request.redacted_names.iter().cloned();
        let mut redaction = Redaction::of_names(names);
        for (name, value) in given {
            redaction.add_value(name, value.as_bytes());
            let request = &mut recorded.request;
            let variables = request.settings.iter_mut().chain(&mut request.environment);
            for (_, shown) in variables.filter(|(other, _)| other == name) {
                shown.clone_from(value);
            }
            let headers = request.headers.iter_mut();
            for (_, shown) in headers.filter(|(other, _)| other.eq_ignore_ascii_case(name)) {
                *shown = value.as_bytes().to_vec();
            }
        }
        let encoder = Encoder {
            redaction,
            store: Store::Read(Bytes::from(std::mem::take(&mut recorded.data))),
        };
        let replaying = Replaying {
            calls,
            next: 0,
            ending: recorded.ending.clone(),
            is_whole: recorded.ending.complete && !recorded.truncated,
            tolerance,
            tolerated: 0,
            reached_end: false,
            difference: None,
            outcome: None,
            task: None,
            is_at_work: watch::Sender::new(false),
        };
        let is_at_work = replaying.is_at_work.subscribe();
        let seed = recorded.request.seed;
        let journal = Arc::new(Journal::replaying(encoder, &seed, replaying));
        Ok(Replay {
            recorded,
            journal: Mutex::new(Some(journal.clone())),
            kept: journal,
            is_at_work,
        })
    }

    /// What is replayed, with what was left out as it was given.
    pub fn recorded(&self) -> &Recorded {
        &self.recorded
    }

    /// The request, without its body, which the guest reads from the recording.
    ///
    /// # Errors
    ///
    /// [`ReplayUnreadable::Request`]
    pub fn request(&self) -> Result<http::Request<()>, ReplayUnreadable> {
        let recorded = &self.recorded.request;
        let mut request = http::Request::builder()
            .method(recorded.method.as_str())
            .uri(&recorded.target);
        for (name, value) in &recorded.headers {
            request = request.header(name, value.as_slice());
        }
        let made = request.body(());
        made.map_err(|cause| ReplayUnreadable::Request { cause })
    }

    /// The journal that the guest's first request is answered from.
    pub(crate) fn journal(&self) -> Option<Arc<Journal>> {
        ignore_poison(self.journal.lock()).take()
    }

    /// Waits until the guest is gone.
    pub async fn ended(&self) {
        let mut is_at_work = self.is_at_work.clone();
        // The journal lives as long as this.
        let _ = is_at_work.wait_for(|is_at_work| !is_at_work).await;
    }

    /// How it ended. To be asked for when the guest is gone.
    pub fn outcome(&self) -> ReplayOutcome {
        let mut state = self.kept.lock();
        match state.replaying_mut() {
            Some(replaying) => replaying.ended(),
            // A journal of a replay stays one.
            None => ReplayOutcome {
                calls: 0,
                recorded: 0,
                reached_end: false,
                tolerated: 0,
                ending: Ending::default(),
                difference: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::RecordedRequest;
    use proptest::prelude::*;

    fn recorded(journal: Vec<u8>) -> Recorded {
        Recorded {
            request: RecordedRequest {
                request_id: "a".to_owned(),
                began_ms: 0,
                tenant: None,
                method: "GET".to_owned(),
                target: "/".to_owned(),
                headers: Vec::new(),
                component: String::new(),
                environment: Vec::new(),
                settings: Vec::new(),
                directories: Vec::new(),
                memory_bytes: 0,
                seed: [0; 32],
                redacted_names: Vec::new(),
                redacted: Vec::new(),
            },
            ending: Ending::default(),
            truncated: false,
            calls: 0,
            journal,
            data: Vec::new(),
        }
    }

    fn read(journal: &[u8]) -> Result<Replay, ReplayUnreadable> {
        Replay::new(recorded(journal.to_vec()), &[], Tolerance::default())
    }

    #[test]
    fn a_call_that_no_recorder_writes_is_named_by_its_number() {
        let right = br#"{"call":"a","arguments":null}"#;
        assert!(read(right).is_ok());
        let wrong = [&right[..], b"\n{\"call\":1}\n"].concat();
        let error = read(&wrong).map(|_| ()).map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("call 1 of the recording")));
    }

    #[test]
    fn a_request_that_can_t_be_made_is_refused() {
        let mut recorded = recorded(Vec::new());
        recorded.request.method = "GET /".to_owned();
        let replay = Replay::new(recorded, &[], Tolerance::default());
        assert!(replay.is_ok_and(|replay| replay.request().is_err()));
    }

    proptest! {
        #[test]
        fn any_journal_is_read_or_refused(journal in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&journal);
        }
    }
}
