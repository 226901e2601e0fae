//! The body of a request that a policy of WASI 0.2 looks at. Its interface has no way to forward a
//! request that the policy made, so that the host keeps the client's, and forwards that.

use crate::request::RequestTask;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wasmtime_wasi_http::{Error, WasiBody};

/// The body that a policy sees of a request. It takes the held body only when it is read,
/// so that a request which the policy forwards unread is forwarded whole.
pub(crate) struct BorrowedBody {
    task: Arc<RequestTask>,
    taken: Option<WasiBody>,
}

impl BorrowedBody {
    /// Holds a request back, and returns one that a policy can look at in its stead.
    pub(crate) fn hold(
        request: http::Request<WasiBody>,
        task: &Arc<RequestTask>,
    ) -> http::Request<WasiBody> {
        let body = BorrowedBody {
            task: task.clone(),
            taken: None,
        };
        let mut copy = http::Request::new(body.boxed_unsync());
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.version_mut() = request.version();
        *copy.headers_mut() = request.headers().clone();
        task.held.hold(request);
        copy
    }

    fn peek<T>(&self, look: impl FnOnce(&WasiBody) -> T) -> Option<T> {
        match &self.taken {
            Some(body) => Some(look(body)),
            None => self.task.held.peek_body(look),
        }
    }
}

impl Drop for BorrowedBody {
    fn drop(&mut self) {
        // The policy has answered by itself: nobody will read the body, and the
        // connection learns it now.
        drop(self.task.held.take());
    }
}

impl Body for BorrowedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.taken.is_none() {
            let request = self.task.held.take();
            self.taken = request.map(http::Request::into_body);
        }
        match &mut self.taken {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.peek(WasiBody::is_end_stream).unwrap_or(true)
    }

    fn size_hint(&self) -> SizeHint {
        self.peek(WasiBody::size_hint).unwrap_or_default()
    }
}
