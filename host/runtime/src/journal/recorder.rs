//! Recording: which requests are, and how much is kept of each.

use super::budget::BudgetShare;
use super::encode::{Encoder, LOOKED_THROUGH_BYTES, Store};
use super::entry::Journal;
use super::recorded::{RecordWhen, RecordedRequest, RecordingSink};
use super::redact::Redaction;
use super::taking::Taking;
use crate::request::RequestTask;
use ring::rand::SecureRandom;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// How requests are recorded.
#[derive(Clone)]
pub struct RecorderConfig {
    /// Who takes the recordings.
    pub sink: Arc<dyn RecordingSink>,
    /// Which requests are kept.
    pub when: RecordWhen,
    /// Of how many requests one is recorded.
    pub one_in: NonZeroU32,
    /// What a recording may have, in bytes, before it is compressed. It ends with the call that would
    /// be too much.
    pub max_bytes: usize,
    /// Results of the device, and what guests write, are kept whole up to so many bytes, and up to
    /// [`MOST_WHOLE_BYTES`](RecorderConfig::MOST_WHOLE_BYTES) at most; of others their digest.
    pub whole_bytes: usize,
    /// What is left out.
    pub redaction: Redaction,
    /// Whether a component that can't be recorded is not to be loaded.
    pub required: bool,
    /// What of the memory is this component's that all recordings have which are being taken.
    pub memory: Arc<BudgetShare>,
}

impl RecorderConfig {
    /// What is compared and longer than this is not looked through for what is left out, and is not kept
    /// whole.
    pub const MOST_WHOLE_BYTES: usize = LOOKED_THROUGH_BYTES;
}

/// Records requests of one component.
pub struct Recorder {
    config: RecorderConfig,
    component: String,
    environment: Vec<(String, String)>,
    directories: Vec<String>,
    memory_bytes: u64,
    count: AtomicU32,
}

impl Recorder {
    pub(crate) fn new(
        config: RecorderConfig,
        component: String,
        environment: Vec<(String, String)>,
        directories: Vec<String>,
        memory_bytes: usize,
    ) -> Recorder {
        Recorder {
            config,
            component,
            environment,
            directories,
            memory_bytes: memory_bytes as u64,
            count: AtomicU32::new(0),
        }
    }

    /// Keeps the component, without which no recording is replayed.
    pub(crate) fn keep_component(&self, bytes: &[u8]) {
        self.config.sink.component(&self.component, bytes);
    }

    /// Begins to record a request, if it is one that is to be.
    pub(crate) fn begin<B>(
        &self,
        task: &Arc<RequestTask>,
        request: &http::Request<B>,
        settings: impl FnOnce() -> Vec<(String, String)>,
    ) -> Option<Arc<Journal>> {
        let config = &self.config;
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        if !count.is_multiple_of(config.one_in.get()) {
            return None;
        }
        // It grows as calls are recorded.
        let held = config.memory.hold(0)?;
        let mut seed = [0; 32];
        let system = ring::rand::SystemRandom::new();
        if system.fill(&mut seed).is_err() {
            tracing::warn!("a request is not recorded: the system has no random numbers");
            return None;
        }
        let mut redaction = config.redaction.clone();
        let settings = settings();
        let target = request.uri().to_string();
        // All of them are known before anything is shown.
        redaction.learn(&settings);
        redaction.learn(&self.environment);
        redaction.learn_target(&target);
        let hidden_headers = request.headers().iter();
        let hidden_headers: Vec<_> = hidden_headers
            .filter(|(name, value)| redaction.hides_header(name.as_str(), value.as_bytes()))
            .collect();
        for (name, value) in &hidden_headers {
            redaction.add_value(name.as_str(), value.as_bytes());
        }
        let mut redacted = Vec::new();
        let environment = redaction.variables("variable", &self.environment, &mut redacted);
        let settings = redaction.variables("setting", &settings, &mut redacted);
        let parameters = redaction.hidden_parameters(&target).into_iter();
        redacted.extend(parameters.map(|(name, _)| format!("parameter {name}")));
        redacted.extend(
            hidden_headers
                .iter()
                .map(|(name, _)| format!("header {name}")),
        );
        let headers = request.headers().iter().map(|(name, value)| {
            let value = redaction.header(name.as_str(), value.as_bytes());
            (name.as_str().to_owned(), value)
        });
        let headers: Vec<_> = headers.collect();
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = since.unwrap_or_default().as_millis();
        let request = RecordedRequest {
            request_id: task.context().id().to_owned(),
            began_ms: i64::try_from(since).unwrap_or(i64::MAX),
            tenant: task.context().tenant(),
            method: redaction.text(request.method().to_string()),
            target: redaction.target(&target),
            headers,
            component: self.component.clone(),
            environment,
            settings,
            directories: self.directories.clone(),
            memory_bytes: self.memory_bytes,
            seed,
            redacted_names: redaction.names().to_vec(),
            redacted,
        };
        let encoder = Encoder {
            redaction,
            store: Store::Written {
                data: Vec::new(),
                whole_bytes: config.whole_bytes,
            },
        };
        let taking = Taking {
            request: Some(request),
            task: task.clone(),
            sink: config.sink.clone(),
            when: config.when,
            max_bytes: config.max_bytes,
            held: Some(held),
            journal: Vec::new(),
            calls: 0,
            pending: None,
            truncated: false,
            attached: false,
            outcome: None,
        };
        let journal = Journal::recording(encoder, &seed, taking);
        Some(Arc::new(journal))
    }
}
