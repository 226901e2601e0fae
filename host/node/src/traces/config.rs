//! What is exported, and where to.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};

use super::sampler::Sampler;

/// What is exported, and where to.
#[derive(Clone, Debug)]
pub struct TraceConfig {
    /// Where spans are sent: a URL of `http` or `https`.
    pub endpoint: Uri,
    /// Sent with each export: mostly a secret.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How long one export may take.
    pub timeout: Duration,
    /// A PEM file with authorities that the collector may be verified by, beside those of the
    /// platform.
    pub certificate: Option<PathBuf>,
    /// What the spans are of: names and values, `service.name` among them.
    pub resource: Vec<(String, String)>,
    /// Which requests are traced.
    pub sampler: Sampler,
    /// How spans are gathered.
    pub batches: Batches,
}

/// How spans are gathered into batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batches {
    /// How long a span waits for others.
    pub delay: Duration,
    /// How many spans wait at most. With one more it is dropped.
    pub queue: NonZeroUsize,
    /// How many spans are sent at one time.
    pub size: NonZeroUsize,
    /// How long a batch is tried to be sent.
    pub patience: Duration,
}
