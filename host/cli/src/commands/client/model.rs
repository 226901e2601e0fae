//! What a node answers, as far as people are shown it. Unknown members are ignored, so that
//! an older client works with a newer node.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A page of a list.
pub trait Page: DeserializeOwned {
    type Row;

    /// Its rows, and what the next page comes after: none on the last one.
    fn take(self) -> (Vec<Self::Row>, Option<String>);
}

/// A function of a tenant.
#[derive(Deserialize)]
pub struct Function {
    pub id: String,
    pub name: String,
    /// The newest version that gets requests.
    pub version: u32,
    pub digest: String,
    pub size_bytes: u64,
    pub imports: Imports,
    pub capabilities: Vec<String>,
    pub created_at: String,
    pub updated_at: String,
    /// Percent of the requests, by version.
    pub traffic: BTreeMap<u32, u32>,
    /// Newest first. Lists leave it out.
    #[serde(default)]
    pub versions: Vec<Version>,
}

/// What a component imports.
#[derive(Deserialize)]
pub struct Imports {
    pub granted: Vec<String>,
    pub denied: Vec<String>,
}

/// One deployment of a function.
#[derive(Deserialize)]
pub struct Version {
    pub version: u32,
    pub digest: String,
    pub size_bytes: u64,
    pub created_at: String,
    pub created_by: Option<String>,
    /// How many files it finds below /assets.
    #[serde(default)]
    pub asset_files: u64,
    /// Their bytes, together.
    #[serde(default)]
    pub asset_bytes: u64,
}

/// A page of functions.
#[derive(Deserialize)]
pub struct FunctionPage {
    pub functions: Vec<Function>,
    /// What the next page comes after; none on the last one.
    pub next: Option<String>,
}

impl Page for FunctionPage {
    type Row = Function;

    fn take(self) -> (Vec<Function>, Option<String>) {
        (self.functions, self.next)
    }
}

/// What a function finds in `wasi:config/store`.
#[derive(Deserialize)]
pub struct FunctionConfig {
    pub values: BTreeMap<String, String>,
    /// The names of the secrets.
    pub secrets: Vec<String>,
}

/// Files that a function finds below /assets.
#[derive(Deserialize)]
pub struct AssetList {
    pub assets: Vec<Asset>,
}

/// One of them.
#[derive(Deserialize)]
pub struct Asset {
    pub path: String,
    pub digest: String,
    pub size_bytes: u64,
}

/// The servers that a function may send HTTP requests to.
#[derive(Deserialize)]
pub struct OutgoingHttp {
    /// The function's own list; none where it has none.
    pub hosts: Option<Vec<String>>,
    /// Those that the operator grants the tenant.
    pub granted: Vec<String>,
}

/// Lines that a function wrote.
#[derive(Deserialize)]
pub struct LogPage {
    pub lines: Vec<Value>,
    /// The cursor of the lines that follow.
    pub next: u64,
}

/// An invocation that the node runs by itself, and keeps the result of.
#[derive(Deserialize)]
pub struct Job {
    pub id: String,
    /// The function's name.
    pub function: String,
    /// The id of the function.
    pub function_id: String,
    /// `pending`, `running`, `succeeded`, `failed`, `cancelled` or `lost`.
    pub state: String,
    pub attempts: u32,
    pub max_attempts: u32,
    pub created_at: String,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    /// The status of the function's response.
    pub status: Option<u16>,
    pub error: Option<JobError>,
}

/// Why a job has no response.
#[derive(Deserialize)]
pub struct JobError {
    pub kind: String,
    pub message: String,
}

/// A page of jobs.
#[derive(Deserialize)]
pub struct JobPage {
    pub jobs: Vec<Job>,
    pub next: Option<String>,
}

impl Page for JobPage {
    type Row = Job;

    fn take(self) -> (Vec<Job>, Option<String>) {
        (self.jobs, self.next)
    }
}

/// A job that was just created.
#[derive(Deserialize)]
pub struct CreatedJob {
    pub job_id: String,
}

/// What functions have used.
#[derive(Deserialize)]
pub struct Usage {
    /// A record for each function and hour.
    pub usage: Vec<Map<String, Value>>,
}

/// A snapshot that a node keeps.
#[derive(Deserialize)]
pub struct Snapshot {
    pub id: String,
    /// The function's name.
    pub function: String,
    pub created_at: String,
    pub file_bytes: u64,
    pub signed_by: Option<String>,
    /// BLAKE3 of the file's header and manifest.
    pub head: String,
}

/// A page of snapshots.
#[derive(Deserialize)]
pub struct SnapshotPage {
    pub snapshots: Vec<Snapshot>,
    pub next: Option<String>,
}

impl Page for SnapshotPage {
    type Row = Snapshot;

    fn take(self) -> (Vec<Snapshot>, Option<String>) {
        (self.snapshots, self.next)
    }
}

/// A snapshot that was saved or uploaded.
#[derive(Deserialize)]
pub struct SavedSnapshot {
    pub id: String,
    /// The function's name.
    pub function: String,
    pub file_bytes: u64,
    pub buffers: u64,
    pub jobs: u64,
    pub paused_ms: f64,
}

/// A function that was restored.
#[derive(Deserialize)]
pub struct RestoredFunction {
    pub function: Function,
    /// Named buffers that are on the device again, with their bytes.
    pub buffers: BTreeMap<String, u64>,
    pub missing_secrets: Vec<String>,
    pub jobs: u32,
}
