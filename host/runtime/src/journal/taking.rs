//! A recording that is being taken.

use super::encode::Encoder;
use super::ending::Ending;
use super::memory::{HeldMemory, RecordingMemory};
use super::recorded::{RecordWhen, Recorded, RecordedRequest, RecordingSink};
use crate::request::RequestTask;
use serde_json::{Value, json};
use std::sync::Arc;

/// A recording that is being taken.
pub(super) struct Taking {
    pub(super) request: Option<RecordedRequest>,
    pub(super) task: Arc<RequestTask>,
    pub(super) sink: Arc<dyn RecordingSink>,
    pub(super) when: RecordWhen,
    pub(super) max_bytes: usize,
    pub(super) held: Arc<RecordingMemory>,
    pub(super) reserved: usize,
    pub(super) journal: Vec<u8>,
    pub(super) calls: u64,
    /// The call that has begun, and how much data there was before.
    pub(super) pending: Option<(&'static str, Value, usize)>,
    pub(super) truncated: bool,
    /// Whether there was an instance.
    pub(super) attached: bool,
    pub(super) outcome: Option<Result<u16, &'static str>>,
}

impl Taking {
    pub(super) fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Whether the data may have so many bytes. If not, the recording ends with the call before.
    pub(super) fn has_room(&mut self, bytes: u64) -> bool {
        self.truncated |= bytes.saturating_add(self.journal.len() as u64) > self.max_bytes as u64;
        if self.truncated {
            self.pending = None;
        }
        !self.truncated
    }

    /// Forgets all calls.
    pub(super) fn begin_again(&mut self, encoder: &mut Encoder) {
        self.pending = None;
        self.truncated = false;
        self.journal.clear();
        self.calls = 0;
        encoder.rewind(0);
    }

    pub(super) fn attach(&mut self) {
        self.attached = true;
    }

    pub(super) fn responded(&mut self, outcome: Result<u16, &'static str>) {
        self.outcome = Some(outcome);
    }

    pub(super) fn begin(&mut self, name: &'static str, arguments: Value, data: usize) {
        self.pending = Some((name, arguments, data));
    }

    pub(super) fn end(&mut self, result: &Value, encoder: &mut Encoder) {
        let Some((name, arguments, data)) = self.pending.take() else {
            return;
        };
        self.write(name, &arguments, Some(result), data, encoder);
    }

    fn write(
        &mut self,
        name: &str,
        arguments: &Value,
        result: Option<&Value>,
        data: usize,
        encoder: &mut Encoder,
    ) {
        let before = self.journal.len();
        let mut line = json!({ "call": name, "arguments": arguments });
        if let (Some(result), Some(object)) = (result, line.as_object_mut()) {
            object.insert("result".to_owned(), result.clone());
        }
        // Writing to memory does not fail, and no key is anything but a text.
        let _ = serde_json::to_writer(&mut self.journal, &line);
        self.journal.push(b'\n');
        let now = self.journal.len() + encoder.written();
        let more = now.saturating_sub(self.reserved);
        if now > self.max_bytes || !self.held.reserve(more) {
            self.journal.truncate(before);
            encoder.rewind(data);
            self.truncated = true;
            return;
        }
        self.reserved += more;
        self.calls += 1;
    }

    /// The guest is gone, and so is its response.
    pub(super) fn finish(&mut self, encoder: &mut Encoder) {
        // A call in which the guest was ended has no result.
        if let Some((name, arguments, data)) = self.pending.take() {
            self.write(name, &arguments, None, data, encoder);
        }
        let status = self.outcome.and_then(Result::ok);
        let error = self.outcome.and_then(Result::err);
        let ending = Ending::of(&self.task, status, error);
        let is_kept = match self.when {
            RecordWhen::All => true,
            RecordWhen::Failed => ending.has_failed(),
        };
        let held = HeldMemory::new(self.held.clone(), std::mem::take(&mut self.reserved));
        if let Some(request) = self.request.take()
            && self.attached
            && is_kept
        {
            let recorded = Recorded {
                request,
                ending,
                truncated: self.truncated,
                calls: self.calls,
                journal: std::mem::take(&mut self.journal),
                data: encoder.take_written(),
            };
            self.sink.keep(recorded, held);
        }
    }
}
