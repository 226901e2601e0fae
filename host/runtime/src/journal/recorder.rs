//! Recording: which requests are, and how much is kept of each.

use super::encode::{Encoder, Store};
use super::entry::Journal;
use super::memory::RecordingMemory;
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
    /// Results of the device, and what guests write, are kept whole up to so many bytes; of others
    /// their digest.
    pub whole_bytes: usize,
    /// What is left out.
    pub redaction: Redaction,
    /// Whether a component that can't be recorded is not to be loaded.
    pub required: bool,
    /// The memory that all recordings have which are being taken.
    pub held: Arc<RecordingMemory>,
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
        let mut seed = [0; 32];
        let system = ring::rand::SystemRandom::new();
        if system.fill(&mut seed).is_err() {
            tracing::warn!("a request is not recorded: the system has no random numbers");
            return None;
        }
        let mut redaction = config.redaction.clone();
        let mut redacted = Vec::new();
        let settings = settings();
        redaction.learn(&settings);
        let environment = redaction.variables("variable", &self.environment, &mut redacted);
        let settings = redaction.variables("setting", &settings, &mut redacted);
        let target = request.uri().to_string();
        for (parameter, value) in redaction.hidden_parameters(&target) {
            redacted.push(format!("parameter {parameter}"));
            redaction.add_value(value.as_bytes());
        }
        for (name, value) in request.headers() {
            if redaction.hides_header(name.as_str()) {
                redacted.push(format!("header {name}"));
                redaction.add_value(value.as_bytes());
            }
        }
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
            held: config.held.clone(),
            reserved: 0,
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
