//! The thread that exports: takes batches from the queue and posts them to the collector.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use tensor_wasm_runtime::{HttpClient, LogThrottle};
use tokio::time::{sleep, timeout_at};

use super::config::TraceConfig;
use super::encode::Encoder;
use super::queue::{Batch, Queue, backoff};

/// The longest body of a response that is read, in bytes.
const LONGEST_RESPONSE: usize = 64 << 10;

/// What bodies are.
const PROTOBUF: &str = "application/x-protobuf";

/// Exports what a queue has.
pub(super) struct Exporter {
    config: TraceConfig,
    client: HttpClient,
    queue: Arc<Queue>,
    encoder: Encoder,
    throttle: LogThrottle,
}

/// Why a collector did not take a batch.
struct Refusal {
    reason: String,
    /// Whether it may take it later, and the time that it named.
    retry: Option<Option<Duration>>,
}

impl Exporter {
    pub(super) fn new(config: TraceConfig, client: HttpClient, queue: Arc<Queue>) -> Exporter {
        Exporter {
            encoder: Encoder::new(&config.resource),
            config,
            client,
            queue,
            throttle: LogThrottle::default(),
        }
    }

    /// Exports until the queue is closed and empty.
    pub(super) async fn run(self) {
        loop {
            let Batch { spans, closed } = self.queue.next().await;
            if spans.is_empty() {
                match closed {
                    Some(_) => return,
                    None => continue,
                }
            }
            let number = spans.len() as u64;
            let body = Bytes::from(self.encoder.encode(spans));
            match self.export(body, closed).await {
                Ok(refused) => {
                    let refused = refused.min(number);
                    self.queue.count(number - refused, refused);
                    if refused == 0 {
                        // The next failure is another one.
                        self.throttle.reset();
                    }
                }
                Err(reason) => {
                    self.queue.count(0, number);
                    if self.throttle.due() {
                        tracing::warn!(
                            collector = %self.config.endpoint,
                            spans = number,
                            "spans of traces are lost, since the collector does not take them: \
                             {reason}"
                        );
                    }
                }
            }
        }
    }

    /// Sends a batch, again where that can help. Returns how many of its spans the collector
    /// has not accepted.
    async fn export(&self, body: Bytes, closed: Option<Instant>) -> Result<u64, String> {
        let mut until = Instant::now() + self.config.batches.patience;
        if let Some(closed) = closed {
            until = until.min(closed);
        }
        let mut is_closed = closed.is_some();
        let mut attempt = 0;
        loop {
            let Refusal { reason, retry } = match self.send(body.clone(), until).await {
                Ok(refused) => return Ok(refused),
                Err(refusal) => refusal,
            };
            let Some(named) = retry else {
                return Err(reason);
            };
            let pause = named.unwrap_or_else(|| backoff(attempt));
            attempt += 1;
            if Instant::now() + pause >= until {
                return Err(reason);
            }
            tokio::select! {
                () = sleep(pause) => {}
                closed = self.queue.closed(), if !is_closed => {
                    is_closed = true;
                    until = until.min(closed);
                }
            }
        }
    }

    /// Sends a batch once. Returns how many of its spans the collector has not accepted.
    async fn send(&self, body: Bytes, until: Instant) -> Result<u64, Refusal> {
        let mut request = Request::post(self.config.endpoint.clone())
            .body(body)
            .map_err(|error| Refusal {
                reason: error.to_string(),
                retry: None,
            })?;
        let headers = request.headers_mut();
        let agent = concat!("tensor-wasm/", env!("CARGO_PKG_VERSION"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        for (name, value) in &self.config.headers {
            headers.insert(name, value.clone());
        }
        let until = until.min(Instant::now() + self.config.timeout);
        let sending = self.client.send(request, LONGEST_RESPONSE);
        let mut sending = pin!(timeout_at(until.into(), sending));
        let sent = tokio::select! {
            biased;
            sent = &mut sending => sent,
            // What is on its way may take as long as the end of the process allows.
            until = self.queue.closed() => timeout_at(until.into(), sending).await.flatten(),
        };
        let response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                return Err(Refusal {
                    reason: error.to_string(),
                    retry: Some(None),
                });
            }
            Err(_) => {
                return Err(Refusal {
                    reason: "it does not answer in time".to_owned(),
                    retry: Some(None),
                });
            }
        };
        let (head, body) = response.into_parts();
        if head.status.is_success() {
            return Ok(rejected(&body));
        }
        let is_retryable = matches!(
            head.status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        Err(Refusal {
            reason: format!("it answers with status {}", head.status),
            retry: is_retryable.then(|| named_pause(&head.headers)),
        })
    }
}

/// How many spans a collector that took a batch has rejected of it. A body that can't be read says
/// nothing of that.
fn rejected(body: &[u8]) -> u64 {
    let response = ExportTraceServiceResponse::decode(body).unwrap_or_default();
    let partial = response.partial_success.unwrap_or_default();
    u64::try_from(partial.rejected_spans).unwrap_or(0)
}

/// The pause that a collector asks for, in seconds.
fn named_pause(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    text.parse().ok().map(Duration::from_secs)
}
