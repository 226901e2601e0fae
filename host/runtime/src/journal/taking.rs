//! A recording that is being taken.

use super::budget::HeldShare;
use super::encode::Encoder;
use super::ending::Ending;
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
    /// The memory that it has. Nothing where it was given away.
    pub(super) held: Option<HeldShare>,
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

    /// Whether the data may have so many more bytes, which it then has memory for. If not, the recording
    /// ends with the call before.
    pub(super) fn has_room(&mut self, bytes: u64, encoder: &mut Encoder) -> bool {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        if !self.truncated && !self.fits(bytes, encoder) {
            self.truncated = true;
            if let Some((_, _, data)) = self.pending.take() {
                encoder.rewind(data);
            }
        }
        !self.truncated
    }

    /// Whether it may have so many bytes beside those that it has, and there is memory for them.
    fn fits(&mut self, more: usize, encoder: &Encoder) -> bool {
        let bytes = self.journal.len().saturating_add(encoder.written());
        let bytes = bytes.saturating_add(more);
        let held = self.held.as_mut();
        bytes <= self.max_bytes && held.is_some_and(|held| held.grow(bytes))
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
        if !self.fits(0, encoder) {
            self.journal.truncate(before);
            encoder.rewind(data);
            self.truncated = true;
            return;
        }
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
        // One that has no call shows nothing that the log does not.
        let is_empty = self.truncated && self.calls == 0;
        if let (Some(request), Some(held)) = (self.request.take(), self.held.take())
            && self.attached
            && is_kept
            && !is_empty
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
