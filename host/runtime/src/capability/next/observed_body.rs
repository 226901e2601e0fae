//! The body of a request that a policy of WASI 0.3 forwards: it tells the policy when it was taken,
//! and ends in an error where it is shorter than the request's head says.
//!
//! Wasmtime's own body of a guest also sees that it is too short, and yet may end as if it were
//! complete: its error is lost where the last chunk has not been taken yet.

use bytes::Bytes;
use futures::channel::oneshot;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use wasmtime_wasi_http::{Error, WasiBody};

/// Tells whether a body was taken to its end.
pub(super) type Observer = oneshot::Sender<Result<(), Error>>;

/// The two ends: who tells of a body, and what is told. A body that is dropped before its end was
/// not transmitted.
pub(super) fn observer() -> (
    Observer,
    impl Future<Output = Result<(), Error>> + Send + 'static,
) {
    let (observer, told) = oneshot::channel();
    let taken = async move { told.await.unwrap_or(Err(Error::ConnectionTerminated)) };
    (observer, taken)
}

/// A body that tells when it was taken to its end.
pub(super) struct ObservedBody {
    body: WasiBody,
    /// How many bytes it has, where the head says so, and how many were taken.
    length: Option<u64>,
    taken: u64,
    observer: Option<Observer>,
}

impl ObservedBody {
    pub(super) fn new(body: WasiBody, observer: Observer) -> ObservedBody {
        let mut body = ObservedBody {
            length: body.size_hint().exact(),
            taken: 0,
            body,
            observer: Some(observer),
        };
        if body.is_end_stream() {
            body.tell(Ok(()));
        }
        body
    }

    fn tell(&mut self, how: Result<(), Error>) {
        if let Some(observer) = self.observer.take() {
            // The policy may not wait for it.
            let _ = observer.send(how);
        }
    }

    fn is_short(&self) -> bool {
        self.length.is_some_and(|length| self.taken < length)
    }
}

impl Body for ObservedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            None if self.is_short() => {
                // It is told once, and the body ends after it.
                self.length = None;
                let taken = self.taken;
                self.tell(Err(Error::HttpRequestBodySize(Some(taken))));
                return Poll::Ready(Some(Err(Error::HttpRequestBodySize(Some(taken)))));
            }
            None => self.tell(Ok(())),
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.taken = self.taken.saturating_add(bytes as u64);
                if self.is_end_stream() {
                    self.tell(Ok(()));
                }
            }
            Some(Err(_)) => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        !self.is_short() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.length {
            Some(length) => SizeHint::with_exact(length.saturating_sub(self.taken)),
            None => self.body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use http_body_util::{BodyExt, StreamBody};

    /// A body of these chunks that says that it has `length` bytes.
    struct Says(WasiBody, u64);

    impl Body for Says {
        type Data = Bytes;
        type Error = Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            Pin::new(&mut self.0).poll_frame(cx)
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.1)
        }
    }

    fn body(chunks: &[&'static str], length: Option<u64>) -> WasiBody {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|chunk| Ok(Frame::data(Bytes::from_static(chunk.as_bytes()))))
            .collect();
        let body = StreamBody::new(futures::stream::iter(chunks)).boxed_unsync();
        match length {
            Some(length) => Says(body, length).boxed_unsync(),
            None => body,
        }
    }

    #[tokio::test]
    async fn a_body_that_is_taken_to_its_end_was_transmitted() {
        for length in [None, Some(6)] {
            let (observer, taken) = observer();
            let body = ObservedBody::new(body(&["abc", "def"], length), observer);
            assert_eq!(body.collect().await.unwrap().to_bytes(), "abcdef");
            assert!(taken.await.is_ok());
        }
    }

    #[tokio::test]
    async fn a_body_that_is_shorter_than_its_head_says_ends_in_an_error() {
        let (observer, taken) = observer();
        let body = ObservedBody::new(body(&["abc"], Some(4)), observer);
        assert!(!body.is_end_stream());
        let error = body.collect().await.unwrap_err();
        assert!(matches!(error, Error::HttpRequestBodySize(Some(3))));
        assert!(taken.await.is_err());
    }

    #[tokio::test]
    async fn a_body_that_is_dropped_before_its_end_was_not_transmitted() {
        let (observer, taken) = observer();
        drop(ObservedBody::new(body(&["abc"], None), observer));
        assert!(taken.await.is_err());
    }
}
