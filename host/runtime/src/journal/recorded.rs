//! A recording, and who gets it.

use super::budget::HeldShare;
use super::ending::Ending;

/// Which requests are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordWhen {
    /// Those that failed: the guest gave no response, or one with a status from 500 on.
    #[default]
    Failed,
    /// All.
    All,
}

/// Takes recordings. Called on the threads that run guests: it may not block.
pub trait RecordingSink: Send + Sync {
    /// A component whose requests are recorded. Called when it is loaded, and may block.
    fn component(&self, digest: &str, bytes: &[u8]);

    /// Takes a recording, or lets it go. Its memory counts as long as there is `held`. Nothing that
    /// fails here fails the request.
    fn keep(&self, recorded: Recorded, held: HeldShare);
}

/// What a recording says of its request and of its component, beside the calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    /// The name of the request.
    pub request_id: String,
    /// When it began, in milliseconds since 1970, UTC.
    pub began_ms: i64,
    /// The tenant, if it is known.
    pub tenant: Option<u64>,
    /// Method and target.
    pub method: String,
    /// The target, as the guest's URI.
    pub target: String,
    /// Its headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The component's content: `blake3:` and 64 hexadecimal digits.
    pub component: String,
    /// The environment variables that the guest saw.
    pub environment: Vec<(String, String)>,
    /// What it found in `wasi:config/store`.
    pub settings: Vec<(String, String)>,
    /// The directories that it could open, as it names them. What is in them is not recorded.
    pub directories: Vec<String>,
    /// What its linear memories and resources may take, in bytes.
    pub memory_bytes: u64,
    /// What its random numbers follow from.
    pub seed: [u8; 32],
    /// Names whose values are left out, beside those of the rule.
    pub redacted_names: Vec<String>,
    /// What was left out, in words.
    pub redacted: Vec<String>,
}

/// A recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The request.
    pub request: RecordedRequest,
    /// How it ended.
    pub ending: Ending,
    /// Whether it ended because it had as much as it may.
    pub truncated: bool,
    /// How many calls there are.
    pub calls: u64,
    /// The calls: a JSON document a line.
    pub journal: Vec<u8>,
    /// The bytes that calls name.
    pub data: Vec<u8>,
}
