//! The body of a guest's response. A client that goes away before its end stops the
//! guest, and a guest that fails before its end is seen by the client.

use super::given_back::LastPart;
use crate::instance::attached_guest::AttachedGuest;
use crate::instance::idle::OpenResponse;
use crate::request::{HandleError, RequestTask, SpanValue, Stop};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
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
    fn disarm(mut self) -> Option<Arc<RequestTask>> {
        let task = self.task.take()?;
        end(&task);
        Some(task)
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
    /// The last part, while it waits for the guest's end.
    last: Option<LastPart>,
    /// The guest, while whoever takes the body runs it. After `stop_on_drop`, so that a guest that
    /// is to stop is not run on.
    guest: Option<AttachedGuest>,
}

impl GuestBody {
    /// The response with its body wrapped. `has_content` says whether the client gets that.
    pub(super) fn wrap(
        response: http::Response<WasiBody>,
        stop_on_drop: StopOnDrop,
        has_content: bool,
    ) -> http::Response<GuestBody> {
        let content_length = response.headers().get(CONTENT_LENGTH);
        let content_length = content_length
            .and_then(|length| length.to_str().ok()?.parse().ok())
            .filter(|_| has_content);
        response.map(|body| GuestBody::new(body, stop_on_drop, has_content, content_length))
    }

    /// HTTP/1 takes no more of the body than `content_length`, which the body itself may not know.
    fn new(
        inner: WasiBody,
        stop_on_drop: StopOnDrop,
        has_content: bool,
        content_length: Option<u64>,
    ) -> GuestBody {
        let mut body = GuestBody {
            has_content,
            promised: inner.size_hint().exact().or(content_length),
            stop_on_drop: Some(stop_on_drop),
            last: None,
            guest: None,
            inner,
        };
        body.complete_if(body.inner.is_end_stream() || body.promised == Some(0));
        body
    }

    /// Of a guest that may have more to do. It goes on elsewhere where the body is complete, and
    /// nobody is to take it.
    pub(super) fn of_guest(mut self, guest: AttachedGuest) -> GuestBody {
        self.guest = (!guest.is_over() && !self.is_complete()).then_some(guest);
        self
    }

    /// Whether the client needs nothing more of it.
    pub(super) fn is_complete(&self) -> bool {
        self.stop_on_drop.is_none()
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

    /// Returns the task of the guest where the body becomes complete by this.
    fn complete_if(&mut self, complete: bool) -> Option<Arc<RequestTask>> {
        self.stop_on_drop.take_if(|_| complete)?.disarm()
    }

    /// The last part, once what the guest held is given back.
    fn poll_last(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(last) = &mut self.last else {
            return Poll::Ready(None);
        };
        let part = ready!(last.poll(cx));
        self.last = None;
        Poll::Ready(part)
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
        if self.last.is_some() {
            return self.poll_last(cx);
        }
        let part = ready!(self.poll_inner(cx));
        let ended = match &part {
            Some(Ok(frame)) => {
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
                self.complete_if(complete)
            }
            // A guest that fails in the middle of its response closes the body as one
            // that completes it does. The client has to see the difference.
            None if self.guest_has_failed() => {
                return Poll::Ready(Some(Err(Error::HttpResponseIncomplete)));
            }
            None => self.complete_if(true),
            Some(Err(_)) => None,
        };
        match ended {
            Some(task) if !task.run.is_given_back() => {
                // Nobody else runs it meanwhile.
                self.guest = None;
                self.last = Some(LastPart::new(part, task));
                self.poll_last(cx)
            }
            _ => Poll::Ready(part),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.last.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
