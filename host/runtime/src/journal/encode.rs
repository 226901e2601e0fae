//! What arguments and results of calls look like in a journal: JSON, in which longer bytes stand as
//! their digest and, where they are kept, as their place in the recording's data.

use super::redact::{Redaction, Sender};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// Bytes that are text are shown in the journal too, up to so many.
const SHOWN_BYTES: usize = 256;

/// Where the bytes of a journal are.
pub(super) enum Store {
    /// They are added.
    Written {
        data: Vec<u8>,
        /// Results of the device and what the guest writes are kept whole up to so many bytes.
        whole_bytes: usize,
    },
    /// They are read.
    Read(Bytes),
}

/// Up to how many bytes are looked through for what is left out where their digest alone is kept,
/// which shows nothing of them. What is compared is kept whole up to as many at most: a replay looks
/// through what was looked through.
pub(super) const LOOKED_THROUGH_BYTES: usize = 1 << 20;

/// Writes bytes into a journal, or says what they would be there.
pub(crate) struct Encoder {
    pub(super) redaction: Redaction,
    pub(super) store: Store,
}

impl Encoder {
    /// Bytes that come from outside of the instance, which are kept whole: without them nothing can
    /// be replayed.
    pub(crate) fn input(&mut self, bytes: &[u8]) -> Value {
        self.add(bytes, true)
    }

    /// Bytes that are compared, which are kept whole where they are few.
    pub(crate) fn compared(&mut self, bytes: &[u8]) -> Value {
        let keep = match &self.store {
            Store::Written { whole_bytes, .. } => {
                bytes.len() <= LOOKED_THROUGH_BYTES.min(*whole_bytes)
            }
            Store::Read(_) => false,
        };
        self.add(bytes, keep)
    }

    /// Bytes that are never kept.
    pub(crate) fn digest(&mut self, bytes: &[u8]) -> Value {
        self.add(bytes, false)
    }

    fn add(&mut self, bytes: &[u8], keep: bool) -> Value {
        let is_looked_through = keep || bytes.len() <= LOOKED_THROUGH_BYTES;
        let shown = match is_looked_through && self.redaction.looks_for_values() {
            true => Cow::Owned(self.redaction.bytes(bytes)),
            false => Cow::Borrowed(bytes),
        };
        let digest = blake3::hash(&shown).to_hex();
        let mut value = Map::new();
        value.insert("bytes".to_owned(), shown.len().into());
        value.insert("blake3".to_owned(), digest.as_str().into());
        // What is short is shown where it is compared.
        let text = Some(&shown).filter(|shown| shown.len() <= SHOWN_BYTES);
        if let Some(text) = text.and_then(|text| std::str::from_utf8(text).ok()) {
            value.insert("text".to_owned(), text.into());
        }
        if let (Store::Written { data, .. }, true) = (&mut self.store, keep) {
            value.insert("at".to_owned(), data.len().into());
            data.extend_from_slice(&shown);
        }
        Value::Object(value)
    }

    /// Bytes that were kept.
    pub(crate) fn bytes(&self, value: &Value) -> Option<Bytes> {
        let Store::Read(data) = &self.store else {
            return None;
        };
        let at = usize::try_from(value.get("at")?.as_u64()?).ok()?;
        let count = usize::try_from(value.get("bytes")?.as_u64()?).ok()?;
        let end = at.checked_add(count)?;
        data.get(at..end)?;
        Some(data.slice(at..end))
    }

    /// A text without what is left out.
    pub(crate) fn text(&self, text: &str) -> Value {
        Value::String(self.redaction.text(text.to_owned()))
    }

    /// A result without what is left out, where it is an error: that has texts of whoever failed.
    pub(crate) fn error(&self, mut result: Value) -> Value {
        if let Some(error) = result.get_mut("error") {
            *error = self.error_code(std::mem::take(error));
        }
        result
    }

    /// A code of an error without what is left out of the texts that come with it. One that comes
    /// alone, as `closed`, is a word of the contract.
    pub(crate) fn error_code(&self, mut code: Value) -> Value {
        if self.redaction.looks_for_values() && code.is_object() {
            self.leave_out(&mut code);
        }
        code
    }

    /// Leaves out of each text of a value what is to be. An error has few of these, one in another.
    fn leave_out(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.redaction.text(std::mem::take(text)),
            Value::Array(values) => values.iter_mut().for_each(|value| self.leave_out(value)),
            Value::Object(values) => values.values_mut().for_each(|value| self.leave_out(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A target of a request of the guest without what is left out, which is then left out elsewhere
    /// too.
    pub(crate) fn target(&mut self, target: &str) -> Value {
        self.redaction.learn_sent_target(target);
        Value::String(self.redaction.target(target))
    }

    /// Headers without what is left out, which is then left out elsewhere too.
    pub(crate) fn headers(&mut self, headers: &http::HeaderMap, sender: Sender) -> Value {
        self.redaction.learn_headers(headers, sender);
        let pairs = headers.iter().map(|(name, value)| {
            let value = self.redaction.header(name.as_str(), value.as_bytes());
            json!([name.as_str(), text_or_numbers(&value)])
        });
        Value::Array(pairs.collect())
    }

    /// Headers as they were recorded.
    pub(crate) fn headers_of(value: &Value) -> Option<http::HeaderMap> {
        let mut headers = http::HeaderMap::new();
        for pair in value.as_array()? {
            let [name, value] = pair.as_array()?.as_slice() else {
                return None;
            };
            let name = http::HeaderName::from_bytes(name.as_str()?.as_bytes()).ok()?;
            let value = http::HeaderValue::from_bytes(&of_text_or_numbers(value)?).ok()?;
            headers.try_append(name, value).ok()?;
        }
        Some(headers)
    }
}

impl Encoder {
    /// How many bytes are kept.
    pub(super) fn written(&self) -> usize {
        match &self.store {
            Store::Written { data, .. } => data.len(),
            Store::Read(_) => 0,
        }
    }

    /// Forgets the bytes from here on.
    pub(super) fn rewind(&mut self, to: usize) {
        if let Store::Written { data, .. } = &mut self.store {
            data.truncate(to);
        }
    }

    pub(super) fn take_written(&mut self) -> Vec<u8> {
        match &mut self.store {
            Store::Written { data, .. } => std::mem::take(data),
            Store::Read(_) => Vec::new(),
        }
    }
}

/// Text as it is, and other bytes as a list of numbers.
fn text_or_numbers(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::String(text.to_owned()),
        Err(_) => bytes.iter().map(|byte| Value::from(*byte)).collect(),
    }
}

fn of_text_or_numbers(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Array(bytes) => {
            let bytes = bytes.iter().map(|byte| u8::try_from(byte.as_u64()?).ok());
            bytes.collect()
        }
        _ => None,
    }
}

/// Whether two values are the same, wherever their bytes are kept, and whatever is said beside.
pub(super) fn are_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let is_kept = |key: &str| matches!(key, "at" | "said");
            let others = other.keys().filter(|key| !is_kept(key)).count();
            let mut keys = one.iter().filter(|(key, _)| !is_kept(key));
            one.keys().filter(|key| !is_kept(key)).count() == others
                && keys.all(|(key, value)| other.get(key).is_some_and(|it| are_same(value, it)))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| are_same(one, other))
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn writer(whole_bytes: usize) -> Encoder {
        Encoder {
            redaction: Redaction::default(),
            store: Store::Written {
                data: Vec::new(),
                whole_bytes,
            },
        }
    }

    fn reader(data: Vec<u8>) -> Encoder {
        Encoder {
            redaction: Redaction::default(),
            store: Store::Read(data.into()),
        }
    }

    #[test]
    fn the_texts_of_errors_are_without_what_is_left_out() {
        let mut writer = writer(3);
        writer.redaction.add_value("authorization", b"hunter2");
        let error = json!({ "error": { "internal-error": ["no hunter2", 7] } });
        let shown = json!({ "error": { "internal-error": ["no *******", 7] } });
        assert_eq!(writer.error(error), shown);
        writer.redaction.add_value("authorization", b"closed");
        for result in [json!({ "ok": "hunter2" }), json!({ "error": "closed" })] {
            assert_eq!(writer.error(result.clone()), result);
        }
    }

    #[test]
    fn bytes_that_were_not_kept_are_the_same_by_their_digest() {
        let mut writer = writer(3);
        let (kept, long) = (writer.compared(b"abc"), writer.compared(b"abcd"));
        assert!(kept.get("at").is_some() && long.get("at").is_none());
        let mut reader = reader(writer.take_written());
        assert_eq!(reader.bytes(&kept).unwrap(), "abc");
        assert!(reader.bytes(&long).is_none());
        assert!(are_same(&kept, &reader.compared(b"abc")));
        assert!(are_same(&long, &reader.compared(b"abcd")));
        assert!(!are_same(&long, &reader.compared(b"abce")));
    }

    #[test]
    fn what_is_long_is_looked_through_in_a_replay_where_it_was_when_it_was_recorded() {
        let (mut writer, mut reader) = (writer(usize::MAX), reader(Vec::new()));
        for redaction in [&mut writer.redaction, &mut reader.redaction] {
            redaction.add_value("authorization", b"hunter2");
        }
        for length in [LOOKED_THROUGH_BYTES, LOOKED_THROUGH_BYTES + 1] {
            let mut bytes = vec![b'-'; length];
            bytes.splice(..7, *b"hunter2");
            let recorded = writer.compared(&bytes);
            assert!(are_same(&recorded, &reader.compared(&bytes)), "{length}");
            let is_kept = recorded.get("at").is_some();
            assert_eq!(is_kept, length <= LOOKED_THROUGH_BYTES);
        }
        let written = writer.take_written();
        assert!(written.starts_with(b"*******-"));
    }

    #[test]
    fn headers_are_read_as_they_were_written() {
        let mut headers = http::HeaderMap::new();
        headers.append("a", http::HeaderValue::from_static("text"));
        headers.append("a", http::HeaderValue::from_bytes(b"\xff\xfe").unwrap());
        let value = writer(0).headers(&headers, Sender::Guest);
        assert_eq!(Encoder::headers_of(&value), Some(headers));
        assert_eq!(Encoder::headers_of(&json!([["a\n", "b"]])), None);
        assert_eq!(Encoder::headers_of(&json!([["a"]])), None);
    }

    proptest! {
        #[test]
        fn bytes_are_read_as_they_were_written(parts in prop::collection::vec(any::<Vec<u8>>(), 0..8)) {
            let mut writer = writer(usize::MAX);
            let values: Vec<_> = parts.iter().map(|part| writer.input(part)).collect();
            let reader = reader(writer.take_written());
            for (part, value) in parts.iter().zip(&values) {
                let read = reader.bytes(value);
                prop_assert_eq!(read.as_deref(), Some(part.as_slice()));
            }
        }

        #[test]
        fn a_place_outside_of_the_data_is_none(at in any::<u64>(), bytes in any::<u64>()) {
            let read = reader(vec![1, 2, 3]).bytes(&json!({ "at": at, "bytes": bytes }));
            prop_assert!(read.is_none_or(|read| read.len() as u64 == bytes && at <= 3));
        }
    }
}
