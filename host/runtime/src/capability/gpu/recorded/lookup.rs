//! Named buffers of earlier requests: what is in them is recorded when the guest first sees it.

use super::values as value;
use super::{Answer, RecordedView, answer};
use crate::capability::gpu::bindings::DeviceHandle;
use crate::capability::gpu::bindings::tensor::gpu::residency;
use crate::capability::gpu::convert;
use crate::journal::{Begun, Handle, Journal};
use serde_json::{Value, json};
use tensor_wasm_device::{Buffer, Error, Lease};
use wasmtime::Result;
use wasmtime::component::Resource;

impl RecordedView<'_> {
    /// Looks a named buffer up. What an earlier request left in it comes from outside, so its contents
    /// are recorded when the guest first sees it, and are there again where it is replayed.
    pub(super) async fn lookup_contents(
        &mut self,
        (device, name): (Resource<DeviceHandle>, String),
    ) -> Answer<Option<Resource<Buffer>>> {
        let Some(journal) = self.journal.clone() else {
            return residency::Host::lookup(&mut self.inner, device, name);
        };
        let begun = journal.begin(
            "tensor:gpu/residency#lookup",
            |state| json!({ "name": state.encoder.text(&name) }),
        )?;
        if let Some(answered) = begun.answered().cloned() {
            return self
                .replay_lookup(&journal, &begun, &answered, device, name)
                .await;
        }
        let known = name.clone();
        let found = residency::Host::lookup(&mut self.inner, device, name)?;
        let contents = match &found {
            Ok(Some(buffer)) if !journal.knows(&known) => self.contents(&journal, buffer).await?,
            _ => Contents::Known,
        };
        if let Contents::TooMuch = contents {
            return Ok(found);
        }
        journal.end(&begun, |state| {
            answer(&found, |found| match (found, &contents) {
                (None, _) => Value::Null,
                (Some(buffer), Contents::Bytes(bytes)) => {
                    let contents = state.encoder.input(bytes);
                    json!({ "buffer": state.made(Handle::Buffer, buffer.rep()), "contents": contents })
                }
                (Some(buffer), _) => json!({ "buffer": state.made(Handle::Buffer, buffer.rep()) }),
            })
        })?;
        Ok(found)
    }

    /// What is in a buffer, if the recording has room for it.
    async fn contents(&mut self, journal: &Journal, buffer: &Resource<Buffer>) -> Result<Contents> {
        let buffer = self.inner.table.get(buffer)?.clone();
        let bytes = buffer.size();
        if !journal.has_room(bytes) {
            return Ok(Contents::TooMuch);
        }
        let read = match self.inner.lease() {
            Ok(lease) => read_all(lease, &buffer).await,
            Err(error) => Err(error),
        };
        Ok(match read {
            Ok(bytes) => Contents::Bytes(bytes),
            // The guest has its own calls to learn of that by.
            Err(_) => {
                journal.has_room(u64::MAX);
                Contents::TooMuch
            }
        })
    }

    async fn replay_lookup(
        &mut self,
        journal: &Journal,
        begun: &Begun,
        answered: &Value,
        device: Resource<DeviceHandle>,
        name: String,
    ) -> Answer<Option<Resource<Buffer>>> {
        if let Some(error) = value::outer_error(answered) {
            return Ok(Err(error));
        }
        let recorded = answered.get("ok").unwrap_or(&Value::Null);
        if recorded.is_null() {
            return Ok(Ok(None));
        }
        if let Some(contents) = recorded.get("contents") {
            let bytes = journal
                .bytes(contents)
                .ok_or_else(|| journal.unreadable())?;
            let made = match self.inner.lease() {
                Ok(lease) => make(lease, bytes.into()).await,
                Err(error) => Err(error),
            };
            let kept = made.and_then(|buffer| {
                let access = self.inner.opened_access()?;
                access.residency().keep(&name, buffer)
            });
            if let Err(error) = kept {
                let error = convert::error(error);
                journal.end(begun, |_| value::error(&error))?;
                return Ok(Err(error));
            }
        }
        let found = residency::Host::lookup(&mut self.inner, device, name)?;
        journal.end(begun, |state| {
            answer(&found, |found| match found {
                None => Value::Null,
                Some(buffer) => {
                    let made = state.made(Handle::Buffer, buffer.rep());
                    let mut value = json!({ "buffer": made });
                    if let (Some(contents), Some(object)) =
                        (recorded.get("contents"), value.as_object_mut())
                    {
                        object.insert("contents".to_owned(), contents.clone());
                    }
                    value
                }
            })
        })?;
        Ok(found)
    }
}

/// All that is in a buffer.
async fn read_all(lease: &Lease, buffer: &Buffer) -> std::result::Result<Vec<u8>, Error> {
    let queue = lease.create_queue().await?;
    queue.read(buffer, 0, buffer.size()).await
}

/// A buffer with these contents.
async fn make(lease: &Lease, bytes: Vec<u8>) -> std::result::Result<Buffer, Error> {
    let buffer = lease.allocate(bytes.len() as u64).await?;
    let queue = lease.create_queue().await?;
    queue.write(&buffer, 0, bytes).await?;
    queue.synchronize().await?;
    Ok(buffer)
}

/// What is in a named buffer.
enum Contents {
    Bytes(Vec<u8>),
    /// It is known already.
    Known,
    /// The recording has no room for it.
    TooMuch,
}
