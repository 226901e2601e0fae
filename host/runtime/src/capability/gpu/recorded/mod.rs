//! The guest-facing calls of `tensor:gpu` for a request that is recorded or replayed: those of
//! [`super::host`] and [`super::linear`], each with its line in the journal.
//!
//! What a device *is* comes from outside, and so do its limits: where a request is replayed they are
//! answered from the recording. What it computes is computed again, and compared.

/// Makes a call of which arguments and result are in the journal. `$state` is the journal's.
macro_rules! recorded {
    ($view:ident, $name:literal, |$state:ident| $arguments:expr, $call:expr, |$made:ident| $ok:expr) => {{
        let Some(journal) = $view.journal.clone() else {
            return $call;
        };
        let begun = journal.begin($name, |$state| {
            let _ = &$state;
            $arguments
        })?;
        if let Some(error) = begun.answered().and_then(value::outer_error) {
            return Ok(Err(error));
        }
        let called = $call?;
        journal.end(&begun, |$state| {
            let _ = &$state;
            answer(&called, |$made| $ok)
        })?;
        Ok(called)
    }};
}

mod linear;
mod linear_values;
mod lookup;
mod values;

use super::bindings::tensor::gpu::{kernels as wit, residency};
use super::bindings::{Capability, DeviceHandle};
use super::context::{GpuCtxView, GpuView};
use super::convert;
use crate::journal::{Handle, Journal, JournalState, JournalView};
use serde_json::{Value, json};
use std::sync::Arc;
use tensor_wasm_device::{Buffer, Event, Kernel, Module, Queue};
use values as value;
use wasmtime::component::{HasData, Linker, Resource, WasmList};
use wasmtime::{AsContext, Result, StoreContextMut};

/// What a call gives the guest: a trap, or a value or error of the contract.
type Answer<T> = Result<std::result::Result<T, wit::Error>>;

/// The view of an instance whose request may have a journal.
struct RecordedView<'a> {
    inner: GpuCtxView<'a>,
    journal: Option<Arc<Journal>>,
}

struct HasRecorded;

impl HasData for HasRecorded {
    type Data<'a> = RecordedView<'a>;
}

/// Replaces the calls in a linker that has them.
pub(crate) fn replace_recorded<T: GpuView + JournalView + 'static>(
    linker: &mut Linker<T>,
) -> Result<()> {
    Capability::add_to_linker::<_, HasRecorded>(linker, |state: &mut T| {
        let journal = state.journal().cloned();
        RecordedView {
            inner: state.gpu(),
            journal,
        }
    })?;
    linker
        .instance("tensor:gpu/kernels@0.1.0")?
        .func_wrap_async("[method]queue.write", |store, arguments| {
            Box::new(write(store, arguments))
        })?;
    linker
        .instance("tensor:gpu/residency@0.1.0")?
        .func_wrap_async("lookup", |mut store: StoreContextMut<'_, T>, arguments| {
            Box::new(async move {
                let journal = store.data().journal().cloned();
                let mut view = RecordedView {
                    inner: store.data_mut().gpu(),
                    journal,
                };
                Ok((view.lookup_contents(arguments).await?,))
            })
        })
}

/// What is recorded of a call that was answered.
fn answer<T>(answer: &std::result::Result<T, wit::Error>, ok: impl FnOnce(&T) -> Value) -> Value {
    match answer {
        Ok(made) => json!({ "ok": ok(made) }),
        Err(error) => value::error(error),
    }
}

/// A call of which the result comes from outside: where it is replayed, it is the recorded one.
fn outer<T>(
    journal: Option<Arc<Journal>>,
    name: &'static str,
    arguments: impl FnOnce(&mut JournalState) -> Value,
    call: impl FnOnce() -> Result<T>,
    write: impl FnOnce(&T) -> Value,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<T> {
    let Some(journal) = journal else {
        return call();
    };
    let begun = journal.begin(name, arguments)?;
    if let Some(answered) = begun.answered() {
        return read(answered).ok_or_else(|| journal.unreadable());
    }
    let called = call()?;
    journal.end(&begun, |_| write(&called))?;
    Ok(called)
}

impl wit::Host for RecordedView<'_> {}

impl wit::HostDevice for RecordedView<'_> {
    async fn open(&mut self) -> Answer<Resource<DeviceHandle>> {
        recorded!(
            self,
            "tensor:gpu/kernels#device.open",
            |state| Value::Null,
            self.inner.open().await,
            |device| state.made(Handle::Device, device.rep())
        )
    }

    fn info(&mut self, device: Resource<DeviceHandle>) -> Result<wit::DeviceInfo> {
        let journal = self.journal.clone();
        outer(
            journal,
            "tensor:gpu/kernels#device.info",
            |_| Value::Null,
            || self.inner.info(device),
            value::info,
            value::info_of,
        )
    }

    async fn allocate(
        &mut self,
        device: Resource<DeviceHandle>,
        bytes: u64,
    ) -> Answer<Resource<Buffer>> {
        recorded!(
            self,
            "tensor:gpu/kernels#device.allocate",
            |state| json!({ "bytes": bytes }),
            self.inner.allocate(device, bytes).await,
            |buffer| state.made(Handle::Buffer, buffer.rep())
        )
    }

    async fn load(
        &mut self,
        device: Resource<DeviceHandle>,
        ptx: Vec<u8>,
    ) -> Answer<Resource<Module>> {
        recorded!(
            self,
            "tensor:gpu/kernels#device.load",
            |state| json!({ "ptx": state.encoder.digest(&ptx) }),
            self.inner.load(device, ptx).await,
            |module| state.made(Handle::Module, module.rep())
        )
    }

    async fn create_queue(&mut self, device: Resource<DeviceHandle>) -> Answer<Resource<Queue>> {
        recorded!(
            self,
            "tensor:gpu/kernels#device.create-queue",
            |state| Value::Null,
            self.inner.create_queue(device).await,
            |queue| state.made(Handle::Queue, queue.rep())
        )
    }

    fn drop(&mut self, device: Resource<DeviceHandle>) -> Result<()> {
        wit::HostDevice::drop(&mut self.inner, device)
    }
}

impl wit::HostBuffer for RecordedView<'_> {
    fn size(&mut self, buffer: Resource<Buffer>) -> Result<u64> {
        self.inner.size(buffer)
    }

    fn drop(&mut self, buffer: Resource<Buffer>) -> Result<()> {
        wit::HostBuffer::drop(&mut self.inner, buffer)
    }
}

impl wit::HostModule for RecordedView<'_> {
    fn kernel_names(&mut self, module: Resource<Module>) -> Result<Vec<String>> {
        self.inner.kernel_names(module)
    }

    fn kernel(&mut self, module: Resource<Module>, name: String) -> Answer<Resource<Kernel>> {
        recorded!(
            self,
            "tensor:gpu/kernels#module.kernel",
            |state| {
                let name = state.encoder.text(&name);
                json!({ "module": state.handle(Handle::Module, module.rep()), "name": name })
            },
            self.inner.kernel(module, name),
            |kernel| state.made(Handle::Kernel, kernel.rep())
        )
    }

    fn drop(&mut self, module: Resource<Module>) -> Result<()> {
        wit::HostModule::drop(&mut self.inner, module)
    }
}

impl wit::HostKernel for RecordedView<'_> {
    fn parameters(&mut self, kernel: Resource<Kernel>) -> Result<Vec<wit::Parameter>> {
        self.inner.parameters(kernel)
    }

    fn max_threads_per_block(&mut self, kernel: Resource<Kernel>) -> Result<u32> {
        let journal = self.journal.clone();
        let rep = kernel.rep();
        outer(
            journal,
            "tensor:gpu/kernels#kernel.max-threads-per-block",
            |state| json!({ "kernel": state.handle(Handle::Kernel, rep) }),
            || self.inner.max_threads_per_block(kernel),
            |threads| json!(threads),
            |value| u32::try_from(value.as_u64()?).ok(),
        )
    }

    fn drop(&mut self, kernel: Resource<Kernel>) -> Result<()> {
        wit::HostKernel::drop(&mut self.inner, kernel)
    }
}

impl wit::HostQueue for RecordedView<'_> {
    /// Never called: [`write`] replaces it.
    async fn write(
        &mut self,
        queue: Resource<Queue>,
        target: Resource<Buffer>,
        offset: u64,
        data: Vec<u8>,
    ) -> Answer<()> {
        self.inner.write(queue, target, offset, data).await
    }

    async fn read(
        &mut self,
        queue: Resource<Queue>,
        source: Resource<Buffer>,
        offset: u64,
        length: u64,
    ) -> Answer<Vec<u8>> {
        let Some(journal) = self.journal.clone() else {
            return self.inner.read(queue, source, offset, length).await;
        };
        let begun = journal.begin("tensor:gpu/kernels#queue.read", |state| {
            json!({
                "queue": state.handle(Handle::Queue, queue.rep()),
                "source": state.handle(Handle::Buffer, source.rep()),
                "offset": offset,
                "length": length,
            })
        })?;
        if let Some(error) = begun.answered().and_then(value::outer_error) {
            return Ok(Err(error));
        }
        match self.inner.read(queue, source, offset, length).await? {
            Ok(bytes) => Ok(Ok(journal.end_read(&begun, bytes)?)),
            Err(error) => {
                journal.end(&begun, |_| value::error(&error))?;
                Ok(Err(error))
            }
        }
    }

    async fn copy(
        &mut self,
        queue: Resource<Queue>,
        source: Resource<Buffer>,
        source_offset: u64,
        target: Resource<Buffer>,
        target_offset: u64,
        length: u64,
    ) -> Answer<()> {
        recorded!(
            self,
            "tensor:gpu/kernels#queue.copy",
            |state| json!({
                "queue": state.handle(Handle::Queue, queue.rep()),
                "source": [state.handle(Handle::Buffer, source.rep()), source_offset],
                "target": [state.handle(Handle::Buffer, target.rep()), target_offset],
                "length": length,
            }),
            self.inner
                .copy(queue, source, source_offset, target, target_offset, length)
                .await,
            |_done| Value::Null
        )
    }

    async fn fill(
        &mut self,
        queue: Resource<Queue>,
        target: Resource<Buffer>,
        offset: u64,
        length: u64,
        value: u8,
    ) -> Answer<()> {
        recorded!(
            self,
            "tensor:gpu/kernels#queue.fill",
            |state| json!({
                "queue": state.handle(Handle::Queue, queue.rep()),
                "target": [state.handle(Handle::Buffer, target.rep()), offset],
                "length": length,
                "value": value,
            }),
            self.inner.fill(queue, target, offset, length, value).await,
            |_done| Value::Null
        )
    }

    async fn launch(
        &mut self,
        queue: Resource<Queue>,
        kernel: Resource<Kernel>,
        config: wit::LaunchConfig,
        arguments: Vec<wit::Argument>,
    ) -> Answer<()> {
        recorded!(
            self,
            "tensor:gpu/kernels#queue.launch",
            |state| {
                let arguments = arguments.iter();
                let arguments = arguments.map(|argument| value::argument(argument, state));
                let arguments: Value = arguments.collect();
                json!({
                    "queue": state.handle(Handle::Queue, queue.rep()),
                    "kernel": state.handle(Handle::Kernel, kernel.rep()),
                    "config": value::config(&config),
                    "arguments": arguments,
                })
            },
            self.inner.launch(queue, kernel, config, arguments).await,
            |_done| Value::Null
        )
    }

    async fn record_event(&mut self, queue: Resource<Queue>) -> Answer<Resource<Event>> {
        recorded!(
            self,
            "tensor:gpu/kernels#queue.record-event",
            |state| json!({ "queue": state.handle(Handle::Queue, queue.rep()) }),
            self.inner.record_event(queue).await,
            |event| state.made(Handle::Event, event.rep())
        )
    }

    async fn synchronize(&mut self, queue: Resource<Queue>) -> Answer<()> {
        recorded!(
            self,
            "tensor:gpu/kernels#queue.synchronize",
            |state| json!({ "queue": state.handle(Handle::Queue, queue.rep()) }),
            self.inner.synchronize(queue).await,
            |_done| Value::Null
        )
    }

    fn drop(&mut self, queue: Resource<Queue>) -> Result<()> {
        wit::HostQueue::drop(&mut self.inner, queue)
    }
}

impl wit::HostEvent for RecordedView<'_> {
    fn is_done(&mut self, event: Resource<Event>) -> Result<bool> {
        let journal = self.journal.clone();
        let rep = event.rep();
        outer(
            journal,
            "tensor:gpu/kernels#event.is-done",
            |state| json!({ "event": state.handle(Handle::Event, rep) }),
            || self.inner.is_done(event),
            |done| json!(done),
            Value::as_bool,
        )
    }

    async fn wait(&mut self, event: Resource<Event>) -> Answer<()> {
        recorded!(
            self,
            "tensor:gpu/kernels#event.wait",
            |state| json!({ "event": state.handle(Handle::Event, event.rep()) }),
            self.inner.wait(event).await,
            |_done| Value::Null
        )
    }

    fn elapsed_since(&mut self, event: Resource<Event>, earlier: Resource<Event>) -> Answer<u64> {
        let Some(journal) = self.journal.clone() else {
            return self.inner.elapsed_since(event, earlier);
        };
        let begun = journal.begin("tensor:gpu/kernels#event.elapsed-since", |state| {
            let handle = |event: &Resource<Event>| state.handle(Handle::Event, event.rep());
            json!({ "event": handle(&event), "earlier": handle(&earlier) })
        })?;
        // How long it took is never the same.
        if let Some(time) = begun.answered().and_then(|it| it.get("ok")?.as_u64()) {
            return Ok(Ok(time));
        }
        if let Some(error) = begun.answered().and_then(value::outer_error) {
            return Ok(Err(error));
        }
        let called = self.inner.elapsed_since(event, earlier)?;
        journal.end(&begun, |_| answer(&called, |time| json!(time)))?;
        Ok(called)
    }

    fn drop(&mut self, event: Resource<Event>) -> Result<()> {
        wit::HostEvent::drop(&mut self.inner, event)
    }
}

impl residency::Host for RecordedView<'_> {
    /// Never called: [`RecordedView::lookup_contents`] replaces it.
    fn lookup(
        &mut self,
        device: Resource<DeviceHandle>,
        name: String,
    ) -> Answer<Option<Resource<Buffer>>> {
        self.inner.lookup(device, name)
    }

    fn keep(&mut self, name: String, buffer: Resource<Buffer>) -> Answer<Resource<Buffer>> {
        let known = name.clone();
        let journal = self.journal.clone();
        let kept = recorded!(
            self,
            "tensor:gpu/residency#keep",
            |state| {
                let name = state.encoder.text(&name);
                json!({ "name": name, "buffer": state.handle(Handle::Buffer, buffer.rep()) })
            },
            self.inner.keep(name, buffer),
            |kept| state.made(Handle::Buffer, kept.rep())
        );
        // A name that is none, or one too many, is not remembered.
        if let (Some(journal), Ok(Ok(_))) = (journal, &kept) {
            journal.knows(&known);
        }
        kept
    }

    fn release(&mut self, name: String) -> Answer<()> {
        recorded!(
            self,
            "tensor:gpu/residency#release",
            |state| json!({ "name": state.encoder.text(&name) }),
            self.inner.release(name),
            |_done| Value::Null
        )
    }
}

type WriteArguments = (Resource<Queue>, Resource<Buffer>, u64, WasmList<u8>);

/// As [`super::write`] does, with its line in the journal.
async fn write<T: GpuView + JournalView + 'static>(
    mut store: StoreContextMut<'_, T>,
    (queue, target, offset, data): WriteArguments,
) -> Result<(std::result::Result<(), wit::Error>,)> {
    let journal = store.data().journal().cloned();
    let reps = (queue.rep(), target.rep());
    let table = store.data_mut().gpu().table;
    let (queue, target) = (table.get(&queue)?.clone(), table.get(&target)?.clone());
    // The guest does not run until this returns, so its memory does not change.
    let bytes = data.as_le_slice(store.as_context());
    let Some(journal) = journal else {
        let written = queue.write_from(&target, offset, bytes).await;
        return Ok((written.map_err(convert::error),));
    };
    let begun = journal.begin("tensor:gpu/kernels#queue.write", |state| {
        json!({
            "queue": state.handle(Handle::Queue, reps.0),
            "target": [state.handle(Handle::Buffer, reps.1), offset],
            "data": state.encoder.compared(bytes),
        })
    })?;
    if let Some(error) = begun.answered().and_then(value::outer_error) {
        return Ok((Err(error),));
    }
    let written = queue.write_from(&target, offset, bytes).await;
    let written = written.map_err(convert::error);
    journal.end(&begun, |_| answer(&written, |()| Value::Null))?;
    Ok((written,))
}
