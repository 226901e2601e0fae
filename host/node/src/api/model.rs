//! What the API sends and takes, as JSON.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tensor_wasm_runtime::Capability;
use utoipa::ToSchema;

use crate::functions::{Restored, Saved};
use crate::storage::usage::{Amounts, UsageKey};
use crate::storage::{assets, functions, jobs, snapshots};

/// A function.
#[derive(Serialize, ToSchema)]
pub(super) struct Function {
    /// `fn_` and 32 hexadecimal digits. Never used again.
    id: String,
    /// A DNS label.
    name: String,
    /// The newest version that gets requests.
    version: u32,
    /// The component of this version: `blake3:` and 64 hexadecimal digits.
    digest: String,
    /// The length of this version's component, in bytes.
    size_bytes: u64,
    /// What this version imports.
    imports: Imports,
    /// The capabilities that these imports ask for.
    capabilities: Vec<String>,
    /// When it was first deployed (RFC 3339).
    created_at: String,
    /// When it was last deployed or its traffic was changed (RFC 3339).
    updated_at: String,
    /// Percent of the requests that each version gets, of those that get any.
    #[schema(value_type = BTreeMap<String, u8>)]
    traffic: BTreeMap<u32, u8>,
    /// The servers that it may send HTTP requests to, as `HOST` or `HOST:PORT`. Lists leave them
    /// out.
    #[serde(skip_serializing_if = "Option::is_none")]
    outgoing_hosts: Option<Vec<String>>,
    /// All versions, newest first. Lists leave them out.
    #[serde(skip_serializing_if = "Option::is_none")]
    versions: Option<Vec<Version>>,
}

/// What a component imports.
#[derive(Serialize, ToSchema)]
pub(super) struct Imports {
    /// Imports that work.
    granted: Vec<String>,
    /// Imports whose calls answer that access is denied.
    denied: Vec<String>,
}

/// One deployment of a function.
#[derive(Serialize, ToSchema)]
pub(super) struct Version {
    /// Counts the deployments, from 1.
    version: u32,
    /// `blake3:` and 64 hexadecimal digits.
    digest: String,
    /// In bytes.
    size_bytes: u64,
    /// RFC 3339.
    created_at: String,
    /// The name of the token that deployed it, where a policy knew it.
    created_by: Option<String>,
    /// How many assets it has: files that it finds below /assets.
    asset_files: u64,
    /// Their bytes, together.
    asset_bytes: u64,
}

/// A page of functions.
#[derive(Serialize, ToSchema)]
pub(super) struct FunctionList {
    /// By name.
    pub(super) functions: Vec<Function>,
    /// What `after` has to be for the next page; `null` on the last one.
    pub(super) next: Option<String>,
}

/// A deployment as JSON.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeployRequest {
    /// A DNS label.
    #[schema(pattern = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
    pub(super) name: String,
    /// The component, in base64 (RFC 4648, section 4).
    pub(super) wasm_b64: String,
}

/// How requests are divided among versions.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrafficRequest {
    /// Percent of the requests, by version: of one or two versions, 100 in all.
    #[schema(value_type = BTreeMap<String, u8>)]
    pub(super) versions: BTreeMap<u32, u8>,
}

/// What a function finds in `wasi:config/store`.
#[derive(Serialize, ToSchema)]
pub(super) struct FunctionConfig {
    /// By name.
    pub(super) values: BTreeMap<String, String>,
    /// The names of the secrets. What they are is never shown.
    pub(super) secrets: Vec<String>,
}

/// New values of a function.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigRequest {
    /// By name: 1 to 128 letters, digits and `.`, `_`, `-`.
    pub(super) values: BTreeMap<String, String>,
}

/// A file that a function finds below /assets.
#[derive(Serialize, ToSchema)]
pub(super) struct Asset {
    /// Below /assets.
    path: String,
    /// `blake3:` and 64 hexadecimal digits.
    digest: String,
    /// In bytes.
    size_bytes: u64,
}

/// The assets of a version, or what is staged for the next.
#[derive(Serialize, ToSchema)]
pub(super) struct AssetList {
    /// The version; `null` for what is staged.
    version: Option<u32>,
    /// By path.
    assets: Vec<Asset>,
    /// Of all of them, in bytes.
    size_bytes: u64,
}

impl Asset {
    pub(super) fn of(path: &str, asset: &assets::Asset) -> Asset {
        Asset {
            path: path.to_owned(),
            digest: asset.digest.clone(),
            size_bytes: asset.size_bytes,
        }
    }
}

impl AssetList {
    pub(super) fn of(version: Option<u32>, assets: &assets::Assets) -> AssetList {
        let listed = assets.iter().map(|(path, asset)| Asset::of(path, asset));
        AssetList {
            version,
            assets: listed.collect(),
            size_bytes: assets.values().map(|asset| asset.size_bytes).sum(),
        }
    }
}

/// The servers that a function may send HTTP requests to.
#[derive(Serialize, ToSchema)]
pub(super) struct OutgoingHttp {
    /// Its own list, each `HOST` or `HOST:PORT`; `null` where it has none.
    pub(super) hosts: Option<Vec<String>>,
    /// Those that the operator grants the tenant. What is not among them is of no effect.
    pub(super) granted: Vec<String>,
}

/// The only servers that a function may send HTTP requests to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OutgoingHttpRequest {
    /// Each `HOST` or `HOST:PORT`, without a port that of the scheme; `null` for all that the
    /// operator grants.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true)]
    pub(super) hosts: Option<Vec<String>>,
}

/// A secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretRequest {
    /// What the function sees.
    pub(super) value: String,
}

/// A snapshot of a function.
#[derive(Serialize, ToSchema)]
pub(super) struct Snapshot {
    /// `snap_` and 32 hexadecimal digits. Later ones are greater.
    id: String,
    /// The name that the function had.
    function: String,
    /// The id that the function had.
    function_id: String,
    /// When the function was as it is here (RFC 3339).
    created_at: String,
    /// The name of the token that saved or uploaded it, where a policy knew it.
    created_by: Option<String>,
    /// What it has in all, in bytes.
    bytes: u64,
    /// The length of its file, in bytes.
    file_bytes: u64,
    /// Named buffers of the device.
    buffers: u64,
    /// Jobs that waited.
    jobs: u64,
    /// The key that has signed it: `hmac:` or `ed25519:`, and 64 hexadecimal digits.
    signed_by: Option<String>,
    /// BLAKE3 of the file's header and manifest: where it is the same, the file is.
    head: String,
}

/// A snapshot that was saved or uploaded.
#[derive(Serialize, ToSchema)]
pub(super) struct SavedSnapshot {
    #[serde(flatten)]
    snapshot: Snapshot,
    /// What the tenant stores more because of it, in bytes: what no other snapshot has.
    new_bytes: u64,
    /// How long the tenant's work on the device was held back, in milliseconds.
    paused_ms: f64,
}

/// A snapshot that is uploaded in parts.
#[derive(Serialize, ToSchema)]
pub(super) struct SnapshotUpload {
    /// The byte that the next part begins at: how many have arrived.
    pub(super) offset: u64,
}

/// A page of snapshots.
#[derive(Serialize, ToSchema)]
pub(super) struct SnapshotList {
    /// Newest first.
    pub(super) snapshots: Vec<Snapshot>,
    /// What `after` has to be for the next page; `null` on the last one.
    pub(super) next: Option<String>,
}

/// How a function is saved.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SaveRequest {
    /// A key of 32 bytes, in base64: the function's secrets are saved, sealed by it. Without it their
    /// names alone are.
    #[serde(default)]
    pub(super) secrets_key: Option<String>,
}

/// How a snapshot is restored.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RestoreRequest {
    /// The name of the new function; without it, and without `over`, the name that it had.
    #[serde(default)]
    pub(super) name: Option<String>,
    /// The id or name of the function whose next versions it becomes.
    #[serde(default)]
    pub(super) over: Option<String>,
    /// The key that its secrets were sealed by.
    #[serde(default)]
    pub(super) secrets_key: Option<String>,
    /// Whether its jobs wait again.
    #[serde(default)]
    pub(super) jobs: bool,
    /// Whether a new function has the id that it had, which no other one may have: for callers who may
    /// act for all tenants.
    #[serde(default)]
    pub(super) keep_id: bool,
}

/// What was taken of the state of another node.
#[derive(Serialize, ToSchema)]
pub(super) struct ImportedState {
    /// Records of usage that were added.
    pub(super) usage_added: u64,
    /// Records of usage that were there.
    pub(super) usage_known: u64,
    /// Jobs that have ended, with their results, that were added.
    pub(super) jobs_added: u64,
    /// Such jobs that were there.
    pub(super) jobs_known: u64,
}

/// A function that was restored.
#[derive(Serialize, ToSchema)]
pub(super) struct RestoredFunction {
    function: Function,
    /// Named buffers that are on the device again, with their bytes.
    buffers: BTreeMap<String, u64>,
    /// The names of secrets that the function had, and has not: set them.
    missing_secrets: Vec<String>,
    /// Jobs that wait again.
    jobs: u32,
}

impl Snapshot {
    pub(super) fn of(snapshot: &snapshots::Snapshot) -> Snapshot {
        Snapshot {
            id: snapshot.id.clone(),
            function: snapshot.function_name.clone(),
            function_id: snapshot.function_id.clone(),
            created_at: rfc3339(snapshot.created_ms),
            created_by: snapshot.created_by.clone(),
            bytes: snapshot.bytes,
            file_bytes: snapshot.file_bytes,
            buffers: snapshot.buffers,
            jobs: snapshot.jobs,
            signed_by: snapshot.signed_by.clone(),
            head: snapshot.head.clone(),
        }
    }
}

impl SavedSnapshot {
    pub(super) fn of(saved: &Saved) -> SavedSnapshot {
        SavedSnapshot {
            snapshot: Snapshot::of(&saved.snapshot),
            new_bytes: saved.new_bytes,
            paused_ms: saved.paused.as_micros() as f64 / 1000.0,
        }
    }
}

impl RestoredFunction {
    pub(super) fn of(function: Function, restored: Restored) -> RestoredFunction {
        RestoredFunction {
            function,
            buffers: restored.buffers,
            missing_secrets: restored.missing_secrets,
            jobs: restored.jobs,
        }
    }
}

/// A line that a function wrote.
#[derive(Serialize, ToSchema)]
pub(super) struct LogLine {
    /// Counts the lines of the function, from 1, for as long as the node runs.
    number: u64,
    /// When it was written (RFC 3339).
    time: String,
    /// The request that wrote it.
    request_id: String,
    /// `stdout` or `stderr`.
    stream: &'static str,
    /// The line, with control characters escaped.
    text: String,
}

/// Lines that a function wrote.
#[derive(Serialize, ToSchema)]
pub(super) struct LogPage {
    /// Oldest first.
    pub(super) lines: Vec<LogLine>,
    /// What `after` has to be for those that follow.
    pub(super) next: u64,
}

impl LogLine {
    pub(super) fn of(line: crate::functions::LogLine) -> LogLine {
        LogLine {
            number: line.number,
            time: rfc3339(line.time_ms),
            request_id: line.request_id,
            stream: match line.is_error {
                true => "stderr",
                false => "stdout",
            },
            text: line.text,
        }
    }
}

/// A job.
#[derive(Serialize, ToSchema)]
pub(super) struct Job {
    /// `job_` and 32 hexadecimal digits. Later ones are greater.
    id: String,
    /// The name that the function had.
    function: String,
    /// The function's id.
    function_id: String,
    /// `pending`, `running`, `succeeded`, `failed`, `cancelled` or `lost`.
    state: &'static str,
    /// How often it was run.
    attempts: u32,
    /// How often it may be.
    max_attempts: u32,
    /// The name of the token that asked for it, where a policy knew it.
    created_by: Option<String>,
    /// RFC 3339.
    created_at: String,
    /// When the last attempt began (RFC 3339).
    started_at: Option<String>,
    /// RFC 3339.
    finished_at: Option<String>,
    /// The status of the function's last response, where it gave one.
    status: Option<u16>,
    /// Why the last attempt failed.
    error: Option<JobError>,
}

/// Why an attempt of a job failed.
#[derive(Serialize, ToSchema)]
pub(super) struct JobError {
    /// A word that a client's code may act on, such as `guest_trap`.
    kind: String,
    /// A sentence for people.
    message: String,
}

/// A page of jobs.
#[derive(Serialize, ToSchema)]
pub(super) struct JobList {
    /// Newest first.
    pub(super) jobs: Vec<Job>,
    /// What `after` has to be for the next page; `null` on the last one.
    pub(super) next: Option<String>,
}

/// The id of a job.
#[derive(Serialize, ToSchema)]
pub(super) struct JobId {
    /// `job_` and 32 hexadecimal digits.
    pub(super) job_id: String,
}

impl Job {
    pub(super) fn of(job: &jobs::Job) -> Job {
        let error = job.error.as_ref();
        Job {
            id: job.id.clone(),
            function: job.function_name.clone(),
            function_id: job.function_id.clone(),
            state: job.state.word(),
            attempts: job.attempts,
            max_attempts: job.max_attempts,
            created_by: job.created_by.clone(),
            created_at: rfc3339(job.created_ms),
            started_at: job.started_ms.map(rfc3339),
            finished_at: job.finished_ms.map(rfc3339),
            status: job.status,
            error: error.map(|(kind, message)| JobError {
                kind: kind.clone(),
                message: message.clone(),
            }),
        }
    }
}

/// What a function used in an hour.
#[derive(Serialize, ToSchema)]
pub(super) struct UsageRecord {
    /// The beginning of the hour (RFC 3339).
    hour: String,
    /// The name that the function had when it was first used in the hour.
    function: String,
    /// The function's id.
    function_id: String,
    /// Invocations that ended, jobs included, by the hour in which they began.
    requests: u64,
    /// Those of them without a response of the function.
    failures: u64,
    /// From the beginning of each invocation to the end of its response, in milliseconds.
    wall_ms: f64,
    /// Of bodies that the function read.
    request_bytes: u64,
    /// Of bodies that were sent.
    response_bytes: u64,
    /// In which guests ran for these requests, policies included, in milliseconds.
    guest_ms: f64,
    /// In which the device ran kernels, in milliseconds: on the processor of all its threads,
    /// added up.
    device_ms: f64,
    /// Launches of kernels.
    launches: u64,
    /// Bytes of the device's memory that the function held in this hour, times seconds.
    device_byte_seconds: f64,
}

/// What functions used.
#[derive(Serialize, ToSchema)]
pub(super) struct UsageList {
    /// By hour, oldest first, and by function.
    pub(super) usage: Vec<UsageRecord>,
}

impl UsageRecord {
    pub(super) fn new(hour: SystemTime, key: &UsageKey, amounts: &Amounts) -> UsageRecord {
        UsageRecord {
            hour: humantime::format_rfc3339_seconds(hour).to_string(),
            function: key.function_name.clone(),
            function_id: key.function_id.clone(),
            requests: amounts.requests,
            failures: amounts.failures,
            wall_ms: amounts.wall_us as f64 / 1e3,
            request_bytes: amounts.request_bytes,
            response_bytes: amounts.response_bytes,
            guest_ms: amounts.guest_ns as f64 / 1e6,
            device_ms: amounts.device_ns as f64 / 1e6,
            launches: amounts.launches,
            device_byte_seconds: amounts.device_byte_ms as f64 / 1e3,
        }
    }
}

/// Whether the node answers.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok` or `unavailable`.
    pub(super) status: &'static str,
    /// What is not ready: `server`, `storage`, `device` or `audit`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unavailable: Vec<&'static str>,
}

/// Every error.
#[derive(Serialize, ToSchema)]
pub(super) struct ErrorResponse {
    error: ErrorDetail,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
pub(super) struct ErrorDetail {
    /// A word that a client's code may act on.
    kind: String,
    /// A sentence for people.
    message: String,
    /// The request's id in the node's logs.
    request_id: String,
    /// The name of a trap, where `kind` is `guest_trap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    trap: Option<String>,
}

impl Function {
    /// With its versions and the servers that it may send requests to, as where one function is
    /// shown.
    pub(super) fn whole(function: &functions::Function, outgoing_hosts: Vec<String>) -> Function {
        let versions = function.versions.iter().rev();
        let versions = versions.map(|(number, version)| Version {
            version: *number,
            digest: version.digest.clone(),
            size_bytes: version.size_bytes,
            created_at: rfc3339(version.created_ms),
            created_by: version.created_by.clone(),
            asset_files: version.asset_files,
            asset_bytes: version.asset_bytes,
        });
        Function {
            outgoing_hosts: Some(outgoing_hosts),
            versions: Some(versions.collect()),
            ..Function::summary(function)
        }
    }

    /// Without its versions, as in lists.
    pub(super) fn summary(function: &functions::Function) -> Function {
        let active = function.active();
        let version = active.map(|(_, version)| version);
        let imports = version.map(|version| version.imports.clone());
        let imports = imports.unwrap_or_default();
        let traffic = function.versions.iter();
        let traffic = traffic.filter(|(_, version)| version.weight > 0);
        Function {
            id: function.id.clone(),
            name: function.name.clone(),
            version: active.map_or(0, |(number, _)| number),
            digest: version
                .map(|version| version.digest.clone())
                .unwrap_or_default(),
            size_bytes: version.map_or(0, |version| version.size_bytes),
            capabilities: capabilities(imports.granted.iter().chain(&imports.denied)),
            imports: Imports {
                granted: imports.granted,
                denied: imports.denied,
            },
            created_at: rfc3339(function.created_ms),
            updated_at: rfc3339(function.updated_ms),
            traffic: traffic
                .map(|(number, version)| (*number, version.weight))
                .collect(),
            outgoing_hosts: None,
            versions: None,
        }
    }
}

/// The capabilities that imports ask for, each once.
fn capabilities<'a>(imports: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut found: Vec<_> = imports
        .filter_map(|import| Capability::of_import(import))
        .collect();
    found.sort();
    found.dedup();
    found.iter().map(Capability::to_string).collect()
}

/// The last millisecond that RFC 3339 can write: of the year 9999.
const LATEST_MS: u64 = 253_402_300_799_999;

/// A time as RFC 3339 writes it, in UTC with milliseconds.
fn rfc3339(ms: i64) -> String {
    let since = Duration::from_millis(u64::try_from(ms).unwrap_or(0).min(LATEST_MS));
    humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + since).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_in_utc_with_milliseconds() {
        assert_eq!(rfc3339(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
        // What a clock, or a database, may say.
        assert_eq!(rfc3339(i64::MAX), "9999-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(i64::MIN), "1970-01-01T00:00:00.000Z");
    }
}
