//! A response ends when what its guest held on the device is given back, so that a client that
//! sends its next request then finds its tenant's limits as if no request had been before.
//!
//! A guest returns right after it has given the last part of its response, mostly, but its instance
//! is ended on another thread. A guest that goes on after its response is not waited for: that is
//! its right, and it keeps what it holds.

use crate::request::RequestTask;
use bytes::Bytes;
use http_body::Frame;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;
use wasmtime_wasi_http::Error;

/// How long the end of a response waits at most.
const AT_MOST: Duration = Duration::from_millis(20);

/// Waits until a guest has given back what it held on the device, if it held anything, but not for
/// long.
pub(super) async fn given_back(task: &RequestTask) {
    if task.run.is_given_back() {
        return;
    }
    let given_back = poll_fn(|cx| task.run.poll_given_back(cx));
    let _ = Box::pin(tokio::time::timeout(AT_MOST, given_back)).await;
}

/// The last part of a response, which waits.
pub(super) struct LastPart {
    /// `None` is the end itself, without another part.
    part: Option<Result<Frame<Bytes>, Error>>,
    task: Arc<RequestTask>,
    at_most: Pin<Box<Sleep>>,
}

impl LastPart {
    pub(super) fn new(
        part: Option<Result<Frame<Bytes>, Error>>,
        task: Arc<RequestTask>,
    ) -> LastPart {
        LastPart {
            part,
            task,
            at_most: Box::pin(tokio::time::sleep(AT_MOST)),
        }
    }

    /// The part, once it may be sent. Not to be called again after that.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.task.run.poll_given_back(cx).is_pending() {
            ready!(self.at_most.as_mut().poll(cx));
        }
        Poll::Ready(self.part.take())
    }
}
