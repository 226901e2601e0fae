//! Requests of the host itself, sent as those of guests are: over HTTP/1.1, by TLS where the
//! scheme is `https`.

use super::addresses::Reach;
use super::connections::{Connections, InstanceConnections};
use super::send::send;
use super::trust::HttpTrust;
use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::uri::Scheme;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use std::pin::pin;
use thiserror::Error;
use wasmtime_wasi_http::{Error, RequestOptions};

/// Sends requests, one after another, each on a connection of its own.
#[derive(Debug)]
pub struct HttpClient {
    trust: Option<HttpTrust>,
    connections: Connections,
}

/// Why there is no response.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HttpClientError {
    /// The exchange failed.
    #[error("the exchange failed ({0:?})")]
    Exchange(Error),
    /// The body of the response is longer than the caller takes, or broke off.
    #[error("the body of the response can't be read: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
}

impl HttpClient {
    /// A client that verifies servers like this. Without it requests to `https` URLs fail.
    pub fn new(trust: Option<HttpTrust>) -> HttpClient {
        HttpClient {
            trust,
            connections: Connections::default(),
        }
    }

    /// Sends a request to the server that its URL names, and reads the whole response, whose
    /// body may have so many bytes. Takes as long as the server does: the caller knows how long
    /// that may be.
    ///
    /// # Errors
    ///
    /// [`HttpClientError`]
    pub async fn send(
        &self,
        request: Request<Bytes>,
        longest: usize,
    ) -> Result<Response<Bytes>, HttpClientError> {
        let exchange = HttpClientError::Exchange;
        let (mut head, body) = request.into_parts();
        let tls = match head.uri.scheme() == Some(&Scheme::HTTP) {
            true => None,
            false => {
                let trust = self.trust.as_ref().ok_or(Error::ConfigurationError);
                Some(trust.map_err(exchange)?.client_config())
            }
        };
        if let Some(authority) = head.uri.authority()
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            head.headers.insert(HOST, host);
        }
        let body = Full::new(body).map_err(|never| match never {});
        let request = Request::from_parts(head, body.boxed_unsync());
        let instance = InstanceConnections::default();
        let permit = self.connections.permit(&instance, None).map_err(exchange)?;
        let sent = send(request, RequestOptions::default(), tls, permit, Reach::Any).await;
        let (response, rest) = sent.map_err(exchange)?;
        let (head, body) = response.into_parts();
        let mut body = pin!(Limited::new(body, longest).collect());
        let mut rest = Some(Box::into_pin(rest));
        let body = loop {
            tokio::select! {
                biased;
                body = &mut body => break body,
                _ = async { rest.as_mut()?.await.ok() }, if rest.is_some() => rest = None,
            }
        };
        let body = body.map_err(HttpClientError::Body)?.to_bytes();
        Ok(Response::from_parts(head, body))
    }
}
