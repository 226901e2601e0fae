//! The errors of a node: kinds, each with its word and status, in one table. What the API answers
//! and what is kept of a job that failed come from it.

use std::fmt;

use http::StatusCode;
use tensor_wasm_runtime::server::HandleError;

use crate::functions::{
    AssetError, DeployError, InvalidName, InvokeError, LoadError, NoPlace, SnapshotError, trap_name,
};
use crate::storage::StorageError;
use crate::storage::functions::ChangeError;

/// What went wrong, by the word that a client's code may act on. Stable.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ErrorKind {
    pub(crate) word: &'static str,
    pub(crate) status: StatusCode,
    /// For the documentation.
    pub(crate) meaning: &'static str,
    /// Whether the same request may succeed later.
    pub(crate) retry: bool,
}

macro_rules! kinds {
    ($($name:ident = $status:ident $word:literal $retry:literal $meaning:literal;)*) => {
        $(pub(crate) const $name: ErrorKind = ErrorKind {
            word: $word,
            status: StatusCode::$status,
            meaning: $meaning,
            retry: $retry,
        };)*

        /// All kinds, by status.
        #[cfg(test)]
        pub(crate) const KINDS: &[&ErrorKind] = &[$(&$name),*];
    };
}

kinds! {
    INVALID_REQUEST = BAD_REQUEST "invalid_request" false
        "The query, a header or the body is not what the route takes.";
    INVALID_NAME = BAD_REQUEST "invalid_name" false
        "The text can't be the name of a function.";
    GPU_REFUSED = FORBIDDEN "gpu_refused" false
        "The component imports `tensor:gpu`, which the operator refuses to the tenant.";
    HOST_NOT_GRANTED = FORBIDDEN "host_not_granted" false
        "The operator does not grant the tenant requests to the server.";
    SNAPSHOT_REFUSED = FORBIDDEN "snapshot_refused" false
        "The snapshot is another tenant's, or not signed by a key that the node trusts.";
    OPERATOR_ONLY = FORBIDDEN "operator_only" false
        "The route shows all tenants, and the caller's token is not valid for all of them.";
    NOT_FOUND = NOT_FOUND "not_found" false
        "The API has no such path.";
    FUNCTION_NOT_FOUND = NOT_FOUND "function_not_found" false
        "The tenant has no function of this id or name.";
    JOB_NOT_FOUND = NOT_FOUND "job_not_found" false
        "The tenant has no job of this id; jobs are removed some time after their end.";
    JOB_HAS_NO_RESULT = NOT_FOUND "job_has_no_result" false
        "The job ended without a response of the function.";
    ASSET_NOT_FOUND = NOT_FOUND "asset_not_found" false
        "Nothing is staged for the function at this path.";
    SECRET_NOT_FOUND = NOT_FOUND "secret_not_found" false
        "The function has no secret of this name.";
    SNAPSHOT_NOT_FOUND = NOT_FOUND "snapshot_not_found" false
        "The tenant has no snapshot of this id.";
    VERSION_NOT_FOUND = NOT_FOUND "version_not_found" false
        "The function has no version of this number.";
    METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED "method_not_allowed" false
        "The path does not have this method; the header `Allow` lists those that it has.";
    FUNCTION_EXISTS = CONFLICT "function_exists" false
        "The tenant has a function of the name that a new one should get.";
    UPLOAD_OFFSET = CONFLICT "upload_offset" false
        "The part does not begin where the last one ended.";
    FUNCTION_CHANGED = CONFLICT "function_changed" true
        "The function was changed while it was saved or restored.";
    JOB_NOT_FINISHED = CONFLICT "job_not_finished" true
        "The job waits or runs.";
    RANGE_NOT_SATISFIABLE = RANGE_NOT_SATISFIABLE "range_not_satisfiable" false
        "The file is shorter than the header `Range` says.";
    BODY_TOO_LARGE = PAYLOAD_TOO_LARGE "body_too_large" false
        "The body is longer than the route takes.";
    UNSUPPORTED_MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" false
        "The route does not take bodies of this `Content-Type`.";
    INVALID_COMPONENT = UNPROCESSABLE_ENTITY "invalid_component" false
        "The component can't be served: it is damaged, imports what the host does not have, or \
         exports no HTTP handler.";
    INIT_FAILED = UNPROCESSABLE_ENTITY "init_failed" false
        "The component's `init` failed, trapped, took too long or too much, or left handles behind; the \
         function's log has what it wrote.";
    INVALID_SNAPSHOT = UNPROCESSABLE_ENTITY "invalid_snapshot" false
        "The snapshot is damaged, cut short, of a newer version, or can't be restored here.";
    IDEMPOTENCY_CONFLICT = UNPROCESSABLE_ENTITY "idempotency_conflict" false
        "Another request has been sent with this `Idempotency-Key`.";
    TENANT_CAPACITY_EXHAUSTED = TOO_MANY_REQUESTS "tenant_capacity_exhausted" true
        "The tenant has as much as it may have at one time.";
    INTERNAL = INTERNAL_SERVER_ERROR "internal" false
        "The node failed; its log holds the cause under the request id.";
    ASSET_DAMAGED = INTERNAL_SERVER_ERROR "asset_damaged" false
        "An asset of the function is missing or damaged on the node's disk.";
    GUEST_TRAP = BAD_GATEWAY "guest_trap" false
        "The function trapped or exited; `trap` names the trap, where there is one.";
    GUEST_NO_RESPONSE = BAD_GATEWAY "guest_no_response" false
        "The function returned without a response that can be sent.";
    CAPACITY_EXHAUSTED = SERVICE_UNAVAILABLE "capacity_exhausted" true
        "The node has as many requests, instances or deployments as it can have at one time.";
    DEVICE_UNAVAILABLE = SERVICE_UNAVAILABLE "device_unavailable" true
        "The device does not give or take the buffers of a snapshot: it is not granted, full, busy \
         or lost.";
    STORAGE_UNAVAILABLE = SERVICE_UNAVAILABLE "storage_unavailable" true
        "The database or the store of components does not answer.";
    INVOKE_TIMEOUT = GATEWAY_TIMEOUT "invoke_timeout" false
        "The function gave no response within the request timeout.";
    STORAGE_FULL = INSUFFICIENT_STORAGE "storage_full" false
        "The disk of the node is full: nothing can be deployed, and functions go on.";
}

/// An error on its way to the client.
#[derive(Debug)]
pub(crate) struct NodeError {
    pub(crate) kind: &'static ErrorKind,
    message: String,
    /// What trapped.
    pub(crate) trap: Option<String>,
    /// The methods that the path has.
    pub(crate) allow: Option<String>,
    /// Where the server's own error tells it better.
    pub(crate) handled: Option<HandleError>,
}

impl NodeError {
    pub(crate) fn new(kind: &'static ErrorKind, message: impl fmt::Display) -> NodeError {
        NodeError {
            kind,
            message: message.to_string(),
            trap: None,
            allow: None,
            handled: None,
        }
    }

    pub(crate) fn method_not_allowed(allowed: &str) -> NodeError {
        NodeError {
            allow: Some(allowed.to_owned()),
            ..NodeError::new(
                &METHOD_NOT_ALLOWED,
                format_args!("this path has the methods {allowed}"),
            )
        }
    }

    pub(crate) fn no_function(key: &str) -> NodeError {
        NodeError::new(
            &FUNCTION_NOT_FOUND,
            format_args!("there is no function `{key}`: GET /functions lists those there are"),
        )
    }

    /// The kind's word.
    pub(crate) fn word(&self) -> &'static str {
        self.kind.word
    }

    /// A sentence for people.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Whether the node, or the tenant, has as many requests running as it may.
    pub(crate) fn is_for_want_of_place(&self) -> bool {
        *self.kind == TENANT_CAPACITY_EXHAUSTED || *self.kind == CAPACITY_EXHAUSTED
    }
}

impl From<StorageError> for NodeError {
    fn from(error: StorageError) -> NodeError {
        NodeError::storage(&error)
    }
}

impl NodeError {
    fn load(error: &LoadError) -> NodeError {
        match error {
            LoadError::Component(error) => NodeError::component(error),
            LoadError::Storage(error) => NodeError::storage(error),
            LoadError::Internal => NodeError::internal(),
        }
    }

    fn storage(error: &StorageError) -> NodeError {
        if let StorageError::Full = error {
            return NodeError::new(
                &STORAGE_FULL,
                "the disk of the node is full: free space on it, or ask its operator to",
            );
        }
        if let StorageError::DamagedAsset { path, .. } = error {
            tracing::error!("storage: {error}");
            return NodeError::new(
                &ASSET_DAMAGED,
                format_args!(
                    "the asset `{path}` is missing or damaged on the node's disk: upload it again, \
                     and deploy again; the node's log holds the file"
                ),
            );
        }
        let mut causes = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            causes += &format!(": {error}");
            cause = error.source();
        }
        tracing::error!("storage: {causes}");
        NodeError::new(
            &STORAGE_UNAVAILABLE,
            "the node can't read or write what it keeps: retry later; its log holds the cause",
        )
    }
}

impl From<ChangeError> for NodeError {
    fn from(error: ChangeError) -> NodeError {
        match error {
            ChangeError::NoFunction => {
                NodeError::new(&FUNCTION_NOT_FOUND, "there is no such function")
            }
            ChangeError::NoVersion(number) => NodeError::new(
                &VERSION_NOT_FOUND,
                format_args!("the function has no version {number}"),
            ),
            ChangeError::TooMany { limit } => NodeError::too_many_functions(limit),
            ChangeError::TooManyAssets { limit } => NodeError::too_many_assets(limit),
            ChangeError::TooMuch { limit } => NodeError::too_much_stored(limit),
            ChangeError::Exists(name) => NodeError::exists(&name),
            ChangeError::TooManySnapshots { limit } => NodeError::too_many("snapshots", limit),
            ChangeError::TooManyJobs { limit } => NodeError::too_many("jobs", limit),
            ChangeError::Storage(error) => error.into(),
        }
    }
}

impl From<DeployError> for NodeError {
    fn from(error: DeployError) -> NodeError {
        match error {
            DeployError::TooLarge { limit } => NodeError::new(
                &BODY_TOO_LARGE,
                format_args!("the component is longer than the {limit} bytes that this node takes"),
            ),
            DeployError::Component(error) => NodeError::component(&error),
            DeployError::TooMany { limit } => NodeError::too_many_functions(limit),
            DeployError::TooManyAssets { limit } => NodeError::too_many_assets(limit),
            DeployError::TooMuch { limit } => NodeError::too_much_stored(limit),
            DeployError::NoPlace { limit } => NodeError::new(
                &TENANT_CAPACITY_EXHAUSTED,
                format_args!(
                    "this tenant has {limit} deployments running, as many as it may: retry when \
                     one has ended"
                ),
            ),
            DeployError::Busy => NodeError::new(
                &CAPACITY_EXHAUSTED,
                "as many components arrive in JSON as the node has memory for: retry after a second, \
                 or send the component as application/wasm",
            ),
            DeployError::Storage(error) => error.into(),
            DeployError::Internal => NodeError::internal(),
        }
    }
}

impl From<AssetError> for NodeError {
    fn from(error: AssetError) -> NodeError {
        match error {
            AssetError::Path(error) => NodeError::new(&INVALID_REQUEST, error),
            AssetError::Name(error) => error.into(),
            AssetError::NoFunction => ChangeError::NoFunction.into(),
            AssetError::NoVersion(number) => ChangeError::NoVersion(number).into(),
            AssetError::NoAsset => NodeError::new(
                &ASSET_NOT_FOUND,
                "nothing is staged at this path: GET /functions/{id}/assets lists what is",
            ),
            AssetError::Conflict { with } => NodeError::new(
                &INVALID_REQUEST,
                format_args!(
                    "`{with}` is staged, and one of the two would have to be a file and a folder: \
                     delete it first"
                ),
            ),
            AssetError::TooMany { limit } => NodeError::new(
                &INVALID_REQUEST,
                format_args!("{limit} assets are staged, as many as a function may have"),
            ),
            AssetError::TooManyFolders { limit } => NodeError::new(
                &INVALID_REQUEST,
                format_args!("the assets of a function may be in {limit} folders in all"),
            ),
            AssetError::Upload(error) => error.into(),
        }
    }
}

impl From<SnapshotError> for NodeError {
    fn from(error: SnapshotError) -> NodeError {
        use tensor_wasm_device::Error as DeviceError;
        use tensor_wasm_snapshot::Error as FileError;
        match error {
            SnapshotError::NoFunction => ChangeError::NoFunction.into(),
            SnapshotError::NoSnapshot => NodeError::new(
                &SNAPSHOT_NOT_FOUND,
                "there is no such snapshot: GET /snapshots lists those there are",
            ),
            SnapshotError::File(error @ (FileError::Unsigned | FileError::OtherKey { .. })) => {
                NodeError::new(&SNAPSHOT_REFUSED, error)
            }
            SnapshotError::File(error @ (FileError::Key { .. } | FileError::SecretKey { .. })) => {
                NodeError::new(&INVALID_REQUEST, error)
            }
            SnapshotError::File(error) => NodeError::new(&INVALID_SNAPSHOT, error),
            SnapshotError::Unfit(problem) => NodeError::new(&INVALID_SNAPSHOT, problem),
            SnapshotError::OtherTenant { tenant } => NodeError::new(
                &SNAPSHOT_REFUSED,
                format_args!("the snapshot is of a function of tenant {tenant}: act for that one"),
            ),
            SnapshotError::Changing => NodeError::new(
                &FUNCTION_CHANGED,
                "the function was changed meanwhile: try again",
            ),
            SnapshotError::Offset { expected } => NodeError::new(
                &UPLOAD_OFFSET,
                format_args!("the next part of the snapshot begins at byte {expected}"),
            ),
            SnapshotError::Exists(name) => NodeError::exists(&name),
            SnapshotError::Device(error @ DeviceError::QuotaExceeded { .. }) => NodeError::new(
                &TENANT_CAPACITY_EXHAUSTED,
                format_args!("the snapshot's buffers do not fit: {error}"),
            ),
            SnapshotError::Device(error) => NodeError::new(&DEVICE_UNAVAILABLE, error),
            SnapshotError::NoDevice => NodeError::new(
                &DEVICE_UNAVAILABLE,
                "the snapshot has buffers on a device, and the operator grants this tenant none",
            ),
            SnapshotError::TooMany { what, limit } => NodeError::too_many(what, limit),
            SnapshotError::Deploy(error) => error.into(),
        }
    }
}

impl From<InvalidName> for NodeError {
    fn from(error: InvalidName) -> NodeError {
        NodeError::new(&INVALID_NAME, error)
    }
}

impl From<InvokeError> for NodeError {
    fn from(error: InvokeError) -> NodeError {
        let failure = match error {
            InvokeError::NoPlace(NoPlace::Tenant { limit }) => {
                return NodeError::new(
                    &TENANT_CAPACITY_EXHAUSTED,
                    format_args!(
                        "this tenant has {limit} requests running, as many as it may: retry when \
                         one has ended"
                    ),
                );
            }
            InvokeError::NoPlace(NoPlace::Node) => {
                return NodeError::new(
                    &CAPACITY_EXHAUSTED,
                    "the node has as many requests running and waiting as it can have: retry \
                     after a second",
                );
            }
            InvokeError::Deleted(name) => return NodeError::no_function(&name),
            InvokeError::Load(error) => return NodeError::load(&error),
            InvokeError::Internal => return NodeError::internal(),
            InvokeError::Failed(failure) => failure,
        };
        let message = failure.error;
        match failure.error {
            HandleError::TimedOut => NodeError::new(
                &INVOKE_TIMEOUT,
                "the function gave no response within the request timeout",
            ),
            HandleError::Overloaded => NodeError::new(
                &CAPACITY_EXHAUSTED,
                "the node has as many instances as it can have: retry after a second",
            ),
            HandleError::Trapped => {
                let trap = failure.trap.map(trap_name);
                let text = match &trap {
                    Some(trap) => format!("the function trapped: {trap}"),
                    None => "the function exited without a response".to_owned(),
                };
                NodeError {
                    trap,
                    ..NodeError::new(&GUEST_TRAP, text)
                }
            }
            HandleError::NoResponse | HandleError::InvalidStatus { .. } => {
                NodeError::new(&GUEST_NO_RESPONSE, message)
            }
            HandleError::TenantCapacityExhausted { .. } => {
                NodeError::new(&TENANT_CAPACITY_EXHAUSTED, message)
            }
            HandleError::GpuRefused { .. } => NodeError::new(&GPU_REFUSED, message),
            other => NodeError {
                handled: Some(other),
                ..NodeError::internal()
            },
        }
    }
}

impl NodeError {
    pub(crate) fn component(error: &tensor_wasm_runtime::Error) -> NodeError {
        use tensor_wasm_runtime::{Error, InitError};
        let kind = match error {
            Error::GpuRefused { .. } => &GPU_REFUSED,
            Error::Init(InitError::NoRoom) => &CAPACITY_EXHAUSTED,
            Error::Init(InitError::TenantMemory { .. }) => &TENANT_CAPACITY_EXHAUSTED,
            Error::Init(InitError::NotForkable { .. } | InitError::WrongType { .. }) => {
                &INVALID_COMPONENT
            }
            Error::Init(InitError::Host { .. }) => {
                tracing::error!("{error}");
                &INTERNAL
            }
            Error::Init(_) => &INIT_FAILED,
            _ => &INVALID_COMPONENT,
        };
        NodeError::new(kind, error)
    }

    pub(crate) fn too_much_stored(limit: u64) -> NodeError {
        NodeError::new(
            &TENANT_CAPACITY_EXHAUSTED,
            format_args!(
                "this tenant stores {limit} bytes, as much as it may: delete functions, or wait \
                 until jobs that have ended are removed"
            ),
        )
    }

    fn exists(name: &str) -> NodeError {
        NodeError::new(
            &FUNCTION_EXISTS,
            format_args!(
                "there is a function `{name}`: restore over it, give the new one another name, or \
                 delete it first"
            ),
        )
    }

    fn too_many(what: &str, limit: u32) -> NodeError {
        NodeError::new(
            &TENANT_CAPACITY_EXHAUSTED,
            format_args!("this tenant has {limit} {what}, as many as it may: delete some first"),
        )
    }

    fn too_many_functions(limit: u32) -> NodeError {
        NodeError::new(
            &TENANT_CAPACITY_EXHAUSTED,
            format_args!("this tenant has {limit} functions, as many as it may: delete one first"),
        )
    }

    fn too_many_assets(limit: u32) -> NodeError {
        NodeError::new(
            &TENANT_CAPACITY_EXHAUSTED,
            format_args!(
                "the versions of this tenant's functions may have {limit} assets in all: delete \
                 functions that are not needed, or put several files into one"
            ),
        )
    }

    /// As many bodies of this tenant, or of all, are in memory as may be.
    pub(crate) fn no_memory(no_place: NoPlace) -> NodeError {
        match no_place {
            NoPlace::Tenant { limit } => NodeError::new(
                &TENANT_CAPACITY_EXHAUSTED,
                format_args!(
                    "requests and results of this tenant's jobs that are on their way may have \
                     {limit} bytes in all: retry when one has arrived"
                ),
            ),
            NoPlace::Node => NodeError::new(
                &CAPACITY_EXHAUSTED,
                "as many requests and results of jobs are on their way as the node has memory for: \
                 retry after a second",
            ),
        }
    }

    /// The policy let the request pass, and did not say whose it is.
    pub(crate) fn undecided() -> NodeError {
        NodeError {
            handled: Some(HandleError::Undecided),
            ..NodeError::internal()
        }
    }

    pub(crate) fn internal() -> NodeError {
        NodeError::new(
            &INTERNAL,
            "the node failed: its log holds the cause under this request id",
        )
    }
}
