//! Calls that come from outside as a whole: what they answer is written down, and answered from there
//! where they are replayed.

use super::entry::{Journal, JournalState, JournalView};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use wasmtime::Result;

/// A call of the guest that is answered at once.
pub(crate) fn input<T: JournalView, R: Serialize + DeserializeOwned>(
    state: &mut T,
    name: &'static str,
    arguments: Value,
    call: impl FnOnce(&mut T) -> Result<R>,
) -> Result<R> {
    let Some(journal) = state.journal().cloned() else {
        return call(state);
    };
    let begun = journal.begin(name, |_| arguments)?;
    if let Some(answered) = begun.answered() {
        return decoded(&journal, answered);
    }
    let answer = call(state)?;
    journal.end(&begun, |_| {
        serde_json::to_value(&answer).unwrap_or_default()
    })?;
    Ok(answer)
}

/// A call of the guest that may have to wait.
pub(crate) async fn input_async<R: Serialize + DeserializeOwned>(
    journal: Option<Arc<Journal>>,
    name: &'static str,
    arguments: Value,
    call: impl Future<Output = Result<R>>,
) -> Result<R> {
    let Some(journal) = journal else {
        return call.await;
    };
    let begun = journal.begin(name, |_| arguments)?;
    if let Some(answered) = begun.answered() {
        return decoded(&journal, answered);
    }
    let answer = call.await?;
    journal.end(&begun, |_| {
        serde_json::to_value(&answer).unwrap_or_default()
    })?;
    Ok(answer)
}

/// A call of the guest that changes something outside, and answers nothing that could differ: its
/// arguments are compared.
pub(crate) fn compared<T: JournalView>(
    state: &T,
    name: &'static str,
    arguments: impl FnOnce(&mut JournalState) -> Value,
) -> Result<()> {
    let Some(journal) = state.journal() else {
        return Ok(());
    };
    let begun = journal.begin(name, arguments)?;
    journal.end(&begun, |_| Value::Null)
}

fn decoded<R: DeserializeOwned>(journal: &Journal, answered: &Value) -> Result<R> {
    serde_json::from_value(answered.clone()).map_err(|_| journal.unreadable())
}

impl Journal {
    /// The call that was begun last has an answer that no recorder writes.
    pub(crate) fn unreadable(&self) -> wasmtime::Error {
        match self.lock().replaying_mut() {
            Some(replaying) => replaying.unreadable(),
            None => wasmtime::format_err!("a recorded call can't be read"),
        }
    }
}
