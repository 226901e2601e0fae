//! A host that is replaced while it serves, without a request lost: for those who develop a
//! component, and see each version of it as soon as it is built.
//!
//! A request is answered by the host that stands when it comes. One that runs keeps its host to
//! its end, whatever replaces it meanwhile. Where the newest version could not be built, the last
//! good one goes on answering programs, and browsers are shown why.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tensor_wasm_runtime::Usage;
use tensor_wasm_runtime::server::{HandleError, Handler, RequestInfo};
use tokio::sync::watch;
use wasmtime_wasi_http::{Error, WasiBody};

use super::Host;

/// A request that was answered.
#[derive(Clone, Debug)]
pub struct AnsweredRequest {
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: String,
    /// The status, or the error of the host in place of a response.
    pub outcome: Result<StatusCode, HandleError>,
    /// From the request's head to the head of its response.
    pub took: Duration,
    /// What it used until then; `None` where no component has answered.
    pub usage: Option<Usage>,
}

/// Learns of each request that was answered. Called on the threads that serve HTTP.
pub type OnAnswer = Box<dyn Fn(&AnsweredRequest) + Send + Sync>;

/// What stands now.
#[derive(Clone, Default)]
struct Stage {
    /// The last one that could be built.
    host: Option<Arc<Host>>,
    /// Why the newest could not.
    failure: Option<Arc<str>>,
}

/// Answers with the newest of a series of hosts.
pub struct ReplaceableHost {
    stage: watch::Sender<Stage>,
    on_answer: OnAnswer,
}

impl ReplaceableHost {
    /// Without a host yet. Requests wait for the first call of [`ReplaceableHost::replace`] or
    /// [`ReplaceableHost::fail`].
    pub fn new(on_answer: OnAnswer) -> ReplaceableHost {
        ReplaceableHost {
            stage: watch::Sender::new(Stage::default()),
            on_answer,
        }
    }

    /// From now on this host answers. Requests that run are answered by the one before.
    pub fn replace(&self, host: Host) {
        self.stage.send_replace(Stage {
            host: Some(Arc::new(host)),
            failure: None,
        });
    }

    /// The newest version could not be built, for a reason that is shown to browsers and, where
    /// there is no version yet, to all.
    pub fn fail(&self, reason: &str) {
        self.stage
            .send_modify(|stage| stage.failure = Some(reason.into()));
    }

    /// Whether a version answers.
    pub fn has_host(&self) -> bool {
        self.stage.borrow().host.is_some()
    }

    async fn answer(
        &self,
        request: Request<WasiBody>,
        info: RequestInfo,
    ) -> Result<Response<WasiBody>, HandleError> {
        let mut stages = self.stage.subscribe();
        let begun = stages.wait_for(|stage| stage.host.is_some() || stage.failure.is_some());
        let stage = match begun.await {
            Ok(stage) => stage.clone(),
            // The sender is in `self`.
            Err(_) => return Err(HandleError::Internal),
        };
        let browser = is_page_view(request.method(), request.headers());
        match (stage.host, stage.failure) {
            (Some(host), None) => answered_by(host, request, info).await,
            (Some(host), Some(_)) if !browser => answered_by(host, request, info).await,
            (_, failure) => Ok(failed(&failure.unwrap_or_default(), browser)),
        }
    }
}

impl Handler for ReplaceableHost {
    async fn handle(
        &self,
        request: Request<WasiBody>,
        info: RequestInfo,
    ) -> Result<Response<WasiBody>, HandleError> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let began = Instant::now();
        let outcome = self.answer(request, info).await;
        (self.on_answer)(&AnsweredRequest {
            method,
            path,
            outcome: outcome
                .as_ref()
                .map(Response::status)
                .map_err(|error| *error),
            took: began.elapsed(),
            usage: match &outcome {
                Ok(response) => response.extensions().get::<Usage>().copied(),
                Err(_) => None,
            },
        });
        outcome
    }
}

/// The answer of a host, which stays until the last byte of it is sent: without its host, what a
/// guest still writes would be cut off.
async fn answered_by(
    host: Arc<Host>,
    request: Request<WasiBody>,
    info: RequestInfo,
) -> Result<Response<WasiBody>, HandleError> {
    let response = host.handler().handle(request, info).await?;
    Ok(response.map(|body| HeldBody { body, _host: host }.boxed_unsync()))
}

/// A body, and the host whose guest writes it.
struct HeldBody {
    body: WasiBody,
    _host: Arc<Host>,
}

impl Body for HeldBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Whether a request is a browser's that wants to show a page.
fn is_page_view(method: &Method, headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(ACCEPT).into_iter();
    let mut accepts = accepts.filter_map(|value| value.to_str().ok());
    method == Method::GET && accepts.any(|value| value.contains("text/html"))
}

/// The answer where there is no version to answer.
fn failed(reason: &str, browser: bool) -> Response<WasiBody> {
    let (kind, text) = match browser {
        false => ("text/plain; charset=utf-8", format!("{reason}\n")),
        // Loaded again by itself, so that a mended version shows as soon as it is built.
        true => (
            "text/html; charset=utf-8",
            format!(
                "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
                 <meta http-equiv=\"refresh\" content=\"2\"><title>not built</title></head>\n\
                 <body style=\"font-family: sans-serif; margin: 2em\">\
                 <h1>The newest version was not built</h1>\n\
                 <pre style=\"background: #f4f4f4; padding: 1em; overflow: auto\">{}</pre>\n\
                 <p>This page loads itself again.</p></body></html>\n",
                escaped(reason)
            ),
        ),
    };
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Text as HTML.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_in_a_page_is_text_and_no_markup() {
        assert_eq!(
            escaped("expected `Vec<u8>` & more"),
            "expected `Vec&lt;u8&gt;` &amp; more"
        );
    }

    #[test]
    fn only_what_asks_for_a_page_is_taken_for_a_browser() {
        let asks = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(value));
            headers
        };
        let page = asks("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");
        assert!(is_page_view(&Method::GET, &page));
        assert!(!is_page_view(&Method::POST, &page));
        assert!(!is_page_view(&Method::GET, &asks("*/*")));
        assert!(!is_page_view(&Method::GET, &HeaderMap::new()));
    }
}
