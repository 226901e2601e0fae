//! The body of a guest's response. A client that goes away before its end stops the
//! guest, and a guest that fails before its end is seen by the client.

use crate::instance::attached_guest::AttachedGuest;
use crate::instance::idle::OpenResponse;
use crate::request::{HandleError, RequestTask, SpanValue, Stop};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wasmtime_wasi_http::{Error, WasiBody};

/// Stops the guest of a request when it is dropped: nobody waits for the response then.
pub(super) struct StopOnDrop {
    task: Option<Arc<RequestTask>>,
    _open: Option<OpenResponse>,
}

impl StopOnDrop {
    pub(super) fn new(task: Arc<RequestTask>) -> StopOnDrop {
        StopOnDrop {
            task: Some(task),
            _open: None,
        }
    }

    /// Of a response that is open until then.
    pub(super) fn of_open(mut self, open: OpenResponse) -> StopOnDrop {
        self._open = Some(open);
        self
    }

    fn guest_has_failed(&self) -> bool {
        self.task.as_ref().is_some_and(|task| task.run.has_failed())
    }

    /// Counts bytes of the response's body, where the client gets them.
    fn count(&self, bytes: usize) {
        let task = self.task.as_ref().filter(|task| task.is_outermost());
        if let Some(task) = task {
            task.context().usage().add_response_bytes(bytes as u64);
        }
    }

    /// The response is complete: the guest may run to its own end.
    fn disarm(mut self) {
        if let Some(task) = self.task.take() {
            end(&task);
        }
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.run.stop(Stop::ClientGone);
            end(task);
        }
    }
}

/// The response that a component gave is over, and with the outermost one's the client's.
fn end(task: &RequestTask) {
    end_span(task);
    if task.is_outermost() {
        task.context().end();
    }
}

/// Ends the span of the component, where it has one.
fn end_span(task: &RequestTask) {
    let Some(trace) = task.trace() else {
        return;
    };
    if task.run.is_reused() {
        trace.set("tensor_wasm.instance.reused", SpanValue::Boolean(true));
    }
    if task.run.has_failed() {
        trace.fail(HandleError::Trapped.kind());
    } else if task.run.responded() != Some(true) {
        trace.fail("client_gone");
    }
    trace.end();
}

/// The body of a guest's response, as far as the client has taken it.
pub(super) struct GuestBody {
    inner: WasiBody,
    /// Bytes that the head promised and the client has not taken yet.
    promised: Option<u64>,
    /// Whether the client gets it.
    has_content: bool,
    /// Disarmed once the body is complete.
    stop_on_drop: Option<StopOnDrop>,
    /// The guest, while whoever takes the body runs it. After `stop_on_drop`, so that a guest that
    /// is to stop is not run on.
    guest: Option<AttachedGuest>,
}

impl GuestBody {
    /// `has_content` says whether the client gets the body.
    pub(super) fn new(inner: WasiBody, stop_on_drop: StopOnDrop, has_content: bool) -> GuestBody {
        let mut body = GuestBody {
            has_content,
            promised: inner.size_hint().exact(),
            stop_on_drop: Some(stop_on_drop),
            guest: None,
            inner,
        };
        body.complete_if(body.inner.is_end_stream() || body.promised == Some(0));
        body
    }

    /// Of a guest that may have more to do.
    pub(super) fn of_guest(mut self, guest: AttachedGuest) -> GuestBody {
        self.guest = (!guest.is_over()).then_some(guest);
        self
    }

    /// The next part of the body, and the guest's next step. A guest that waits for anything else
    /// than that a part is taken goes on elsewhere: how fast the client takes the response is not
    /// to hold it up.
    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        let Some(guest) = &mut self.guest else {
            return polled;
        };
        guest.poll(cx);
        let polled = match polled {
            Poll::Ready(frame) => return Poll::Ready(frame),
            Poll::Pending => Pin::new(&mut self.inner).poll_frame(cx),
        };
        if guest.is_over() || polled.is_pending() {
            guest.detach();
            self.guest = None;
        }
        polled
    }

    fn complete_if(&mut self, complete: bool) {
        if complete && let Some(stop_on_drop) = self.stop_on_drop.take() {
            stop_on_drop.disarm();
        }
    }

    fn guest_has_failed(&self) -> bool {
        let stop_on_drop = self.stop_on_drop.as_ref();
        stop_on_drop.is_some_and(StopOnDrop::guest_has_failed)
    }
}

impl Body for GuestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = self.poll_inner(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                if let Some(promised) = self.promised.as_mut() {
                    *promised = promised.saturating_sub(bytes as u64);
                }
                if let Some(stop_on_drop) = &self.stop_on_drop
                    && self.has_content
                {
                    stop_on_drop.count(bytes);
                }
                let complete = self.promised == Some(0) || self.inner.is_end_stream();
                self.complete_if(complete);
            }
            // A guest that fails in the middle of its response closes the body as one
            // that completes it does. The client has to see the difference.
            Poll::Ready(None) if self.guest_has_failed() => {
                return Poll::Ready(Some(Err(Error::HttpResponseIncomplete)));
            }
            Poll::Ready(None) => self.complete_if(true),
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
