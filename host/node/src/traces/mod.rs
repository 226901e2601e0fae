//! Traces: the spans of requests, exported to a collector by OTLP, OpenTelemetry's protocol, over
//! HTTP with bodies of Protocol Buffers
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).
//!
//! [`Traces`] is the runtime's [`Tracer`]. A span that has ended goes into a queue of bounded
//! length (`queue`); a thread of its own takes batches from there (`exporter`), translates them
//! (`encode`) and sends them. A collector that is slow, away or refuses costs spans, which are
//! counted, and nothing else: no request waits for it. What is traced, and where it goes, is set by
//! OpenTelemetry's own variables (`environment`); `docs/tracing.md` is for operators.

mod config;
mod encode;
mod environment;
mod error;
mod exporter;
mod queue;
mod sampler;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tensor_wasm_runtime::{HttpClient, HttpTrust, Span, TraceId, Tracer};

use crate::lock::ignore_poison;
pub use config::TraceConfig;
pub use error::TracesError;
use exporter::Exporter;
use queue::Queue;
pub use sampler::Sampler;

/// Exports the spans of requests.
pub struct Traces {
    sampler: Sampler,
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What became of spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanStats {
    /// Those that the collector has accepted.
    pub exported: u64,
    /// Those for which the queue had no room.
    pub queue_full: u64,
    /// Those that the collector did not accept.
    pub export_failed: u64,
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces").finish_non_exhaustive()
    }
}

impl Traces {
    /// Starts the thread that exports. Does not ask whether there is a collector.
    ///
    /// # Errors
    ///
    /// [`TracesError`] where the authorities that were named can't be used, or the system refuses
    /// the thread.
    pub fn start(config: TraceConfig) -> Result<Traces, TracesError> {
        let is_secure = config.endpoint.scheme_str() == Some("https");
        let trust = is_secure.then(|| HttpTrust::load(config.certificate.as_deref()));
        let trust = trust.transpose().map_err(TracesError::Trust)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(TracesError::Thread)?;
        let queue = Arc::new(Queue::new(config.batches));
        let sampler = config.sampler;
        let exporter = Exporter::new(config, HttpClient::new(trust), queue.clone());
        let thread = thread::Builder::new()
            .name("traces".to_owned())
            .spawn(move || runtime.block_on(exporter.run()))
            .map_err(TracesError::Thread)?;
        Ok(Traces {
            sampler,
            queue,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// What became of spans until now.
    pub fn stats(&self) -> SpanStats {
        self.queue.stats()
    }

    /// Exports what waits, for at most `patience`, and ends. Blocks for as long.
    pub fn close(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        self.queue.close(deadline);
        if let Some(thread) = ignore_poison(self.thread.lock()).take() {
            // It ends at the deadline, and has nothing to say if it panicked.
            let _ = thread.join();
        }
    }
}

impl Tracer for Traces {
    fn samples(&self, trace: TraceId, caller: Option<bool>) -> bool {
        self.sampler.samples(trace, caller)
    }

    fn ended(&self, span: Span) {
        self.queue.push(span);
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        // The thread ends by itself.
        self.queue.close(Instant::now());
    }
}
