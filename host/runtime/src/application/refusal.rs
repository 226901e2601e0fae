//! The response of a policy that has refused a request: taken from the guest as a whole
//! before it is sent. The guest is done then, so that a client who was refused holds nothing
//! of the host but its own connection, however slowly it takes the response.

use crate::server::CompleteResponse;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http_body::Frame;
use http_body_util::{BodyExt, BodyStream, Full, StreamBody};
use std::time::Instant;
use wasmtime_wasi_http::{Error, WasiBody};

/// The longest body that is taken as a whole, in bytes. A longer one is sent as it comes, as
/// that of any response.
const LONGEST: usize = 64 << 10;

/// Takes the whole body of a response, if it comes until `deadline` and is not too long.
pub(super) async fn take(
    response: http::Response<WasiBody>,
    deadline: Instant,
) -> http::Response<WasiBody> {
    let (mut head, mut body) = response.into_parts();
    let mut frames = Vec::new();
    let taken = tokio::time::timeout_at(deadline.into(), take_frames(&mut body, &mut frames));
    let is_whole = taken.await.unwrap_or(false);
    if !is_whole {
        let frames = futures::stream::iter(frames).chain(BodyStream::new(body));
        let body = StreamBody::new(frames).boxed_unsync();
        return http::Response::from_parts(head, body);
    }
    head.extensions.insert(CompleteResponse);
    let is_data =
        |frame: &Result<Frame<Bytes>, Error>| matches!(frame, Ok(frame) if frame.is_data());
    let body = match frames.iter().all(is_data) {
        true => {
            let data = frames
                .into_iter()
                .flatten()
                .filter_map(|frame| frame.into_data().ok());
            let text: BytesMut = data.flatten().collect();
            let body = Full::new(text.freeze());
            body.map_err(|never| match never {}).boxed_unsync()
        }
        false => StreamBody::new(futures::stream::iter(frames)).boxed_unsync(),
    };
    http::Response::from_parts(head, body)
}

/// Takes frames. Returns whether they are all.
async fn take_frames(body: &mut WasiBody, frames: &mut Vec<Result<Frame<Bytes>, Error>>) -> bool {
    let mut left = LONGEST;
    while let Some(frame) = body.frame().await {
        let data = frame.as_ref().ok().and_then(Frame::data_ref);
        let less = left.checked_sub(data.map_or(0, Bytes::len));
        let is_error = frame.is_err();
        frames.push(frame);
        match less {
            Some(less) if !is_error => left = less,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use std::time::Duration;

    fn response(frames: Vec<Result<Frame<Bytes>, Error>>) -> http::Response<WasiBody> {
        http::Response::new(StreamBody::new(futures::stream::iter(frames)).boxed_unsync())
    }

    fn data(bytes: usize) -> Result<Frame<Bytes>, Error> {
        Ok(Frame::data(Bytes::from(vec![b'x'; bytes])))
    }

    async fn taken(frames: Vec<Result<Frame<Bytes>, Error>>) -> http::Response<WasiBody> {
        take(response(frames), Instant::now() + Duration::from_secs(60)).await
    }

    fn is_complete(response: &http::Response<WasiBody>) -> bool {
        response.extensions().get::<CompleteResponse>().is_some()
    }

    #[tokio::test]
    async fn a_short_refusal_is_taken_as_a_whole_and_says_its_length() {
        let response = taken(vec![data(3), data(4)]).await;
        assert!(is_complete(&response));
        let body = response.into_body();
        assert_eq!(http_body::Body::size_hint(&body).exact(), Some(7));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "xxxxxxx");
    }

    #[tokio::test]
    async fn trailers_stay() {
        let mut trailers = http::HeaderMap::new();
        trailers.insert("sum", http::HeaderValue::from_static("7"));
        let response = taken(vec![data(3), Ok(Frame::trailers(trailers))]).await;
        assert!(is_complete(&response));
        let body = response.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["sum"], "7");
        assert_eq!(body.to_bytes(), "xxx");
    }

    #[tokio::test]
    async fn a_long_refusal_is_sent_as_it_comes_and_loses_nothing() {
        let response = taken(vec![data(LONGEST), data(1), data(5)]).await;
        assert!(!is_complete(&response));
        let body = response.into_body().collect().await.unwrap();
        assert_eq!(body.to_bytes().len(), LONGEST + 6);
    }

    #[tokio::test]
    async fn a_refusal_that_breaks_off_stays_broken() {
        let response = taken(vec![data(3), Err(Error::HttpResponseIncomplete)]).await;
        assert!(!is_complete(&response));
        assert!(response.into_body().collect().await.is_err());
    }

    #[tokio::test]
    async fn a_refusal_that_does_not_come_by_the_deadline_is_sent_as_far_as_it_is() {
        let frames = futures::stream::iter([data(3)]).chain(futures::stream::pending());
        let response = http::Response::new(StreamBody::new(frames).boxed_unsync());
        let response = take(response, Instant::now()).await;
        assert!(!is_complete(&response));
        let first = response.into_body().frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "xxx");
    }
}
