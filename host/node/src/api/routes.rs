//! The routes of the API, in one table: the router, the audit log's actions, the labels of
//! metrics and the OpenAPI document come from it.

use std::collections::BTreeSet;

use std::sync::OnceLock;

use http::Method;
use matchit::Router;

use crate::error::{
    self, BODY_TOO_LARGE, CAPACITY_EXHAUSTED, ErrorKind, FUNCTION_NOT_FOUND, GPU_REFUSED,
    GUEST_NO_RESPONSE, GUEST_TRAP, INVALID_COMPONENT, INVALID_NAME, INVALID_REQUEST,
    INVOKE_TIMEOUT, STORAGE_FULL, STORAGE_UNAVAILABLE, TENANT_CAPACITY_EXHAUSTED,
    UNSUPPORTED_MEDIA_TYPE, VERSION_NOT_FOUND,
};

/// One path of the API.
pub(super) struct Route {
    /// With its parameters in braces; one with `*` takes the rest of the path.
    pub(super) path: &'static str,
    pub(super) operations: &'static [Operation],
}

/// What a method does at a path.
pub(super) struct Operation {
    pub(super) methods: Methods,
    pub(super) endpoint: Endpoint,
    /// What the audit log calls it.
    pub(super) action: &'static str,
    /// For the documentation.
    pub(super) summary: &'static str,
    /// Query parameters with their meanings.
    pub(super) query: &'static [(&'static str, &'static str)],
    /// The errors of its own, beside those that every operation has.
    pub(super) errors: &'static [&'static ErrorKind],
}

/// The methods that an operation answers.
pub(super) enum Methods {
    /// GET, and HEAD with it.
    Get,
    Post,
    Put,
    Delete,
    /// Each one: a function decides.
    Any,
}

/// Which code answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Deploy,
    ListFunctions,
    ShowFunction,
    DeleteFunction,
    ActivateVersion,
    SetTraffic,
    ShowConfig,
    SetConfig,
    ListAssets,
    PutAsset,
    DeleteAsset,
    DeleteAssets,
    ShowOutgoingHttp,
    SetOutgoingHttp,
    SetSecret,
    DeleteSecret,
    Logs,
    Invoke,
    InvokeAsync,
    ListJobs,
    ShowJob,
    JobResult,
    CancelJob,
    SaveSnapshot,
    ListSnapshots,
    UploadSnapshot,
    ShowUpload,
    UploadPart,
    DownloadSnapshot,
    RestoreSnapshot,
    DeleteSnapshot,
    Usage,
    NodeState,
    ImportNodeState,
    OpenApi,
    Healthz,
    Readyz,
    Metrics,
}

impl Methods {
    pub(super) fn allow(&self, method: &Method) -> bool {
        match self {
            Methods::Get => method == Method::GET || method == Method::HEAD,
            Methods::Post => method == Method::POST,
            Methods::Put => method == Method::PUT,
            Methods::Delete => method == Method::DELETE,
            Methods::Any => true,
        }
    }

    fn names(&self) -> &'static str {
        match self {
            Methods::Get => "GET, HEAD",
            Methods::Post => "POST",
            Methods::Put => "PUT",
            Methods::Delete => "DELETE",
            Methods::Any => "*",
        }
    }
}

const INVOKE: &[Operation] = &[Operation {
    methods: Methods::Any,
    endpoint: Endpoint::Invoke,
    action: "function.invoke",
    summary: "Invoke a function. Method, headers, query and body go to its handler, with the \
              rest of the path; its response is the response.",
    query: &[],
    errors: &[
        &FUNCTION_NOT_FOUND,
        &GPU_REFUSED,
        &INVALID_COMPONENT,
        &TENANT_CAPACITY_EXHAUSTED,
        &error::ASSET_DAMAGED,
        &GUEST_TRAP,
        &GUEST_NO_RESPONSE,
        &CAPACITY_EXHAUSTED,
        &INVOKE_TIMEOUT,
    ],
}];

const INVOKE_ASYNC: &[Operation] = &[Operation {
    methods: Methods::Post,
    endpoint: Endpoint::InvokeAsync,
    action: "function.invoke-async",
    summary: "Invoke a function as a job. The headers X-TensorWasm-Job-Method (POST where nothing \
              is said), X-TensorWasm-Job-Max-Attempts (1), X-TensorWasm-Job-Backoff (1s, doubled \
              after each attempt), X-TensorWasm-Job-On-Restart (run or lost) say how; with \
              Idempotency-Key, the same request makes one job.",
    query: &[],
    errors: &[
        &INVALID_REQUEST,
        &FUNCTION_NOT_FOUND,
        &BODY_TOO_LARGE,
        &error::IDEMPOTENCY_CONFLICT,
        &TENANT_CAPACITY_EXHAUSTED,
        &CAPACITY_EXHAUSTED,
        &STORAGE_FULL,
    ],
}];

/// All routes.
pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/functions",
        operations: &[
            Operation {
                methods: Methods::Get,
                endpoint: Endpoint::ListFunctions,
                action: "function.list",
                summary: "The functions of the tenant, by name.",
                query: &[
                    (
                        "limit",
                        "How many at most: 1 to 1000; 100 where nothing is said.",
                    ),
                    ("after", "The `next` of the page before."),
                ],
                errors: &[&INVALID_REQUEST],
            },
            Operation {
                methods: Methods::Post,
                endpoint: Endpoint::Deploy,
                action: "function.deploy",
                summary: "Deploy a component: make a function, or a new version of the one of \
                          this name, which gets all requests from then on.",
                query: &[(
                    "name",
                    "The function's name, where the body is the component.",
                )],
                errors: &[
                    &INVALID_REQUEST,
                    &INVALID_NAME,
                    &GPU_REFUSED,
                    &BODY_TOO_LARGE,
                    &UNSUPPORTED_MEDIA_TYPE,
                    &INVALID_COMPONENT,
                    &TENANT_CAPACITY_EXHAUSTED,
                    &error::ASSET_DAMAGED,
                    &CAPACITY_EXHAUSTED,
                    &STORAGE_FULL,
                ],
            },
        ],
    },
    Route {
        path: "/functions/{id}",
        operations: &[
            Operation {
                methods: Methods::Get,
                endpoint: Endpoint::ShowFunction,
                action: "function.show",
                summary: "A function, with its versions.",
                query: &[],
                errors: &[&INVALID_REQUEST, &FUNCTION_NOT_FOUND],
            },
            Operation {
                methods: Methods::Delete,
                endpoint: Endpoint::DeleteFunction,
                action: "function.delete",
                summary: "Delete a function with all of its versions. Requests that run are \
                          not affected.",
                query: &[],
                errors: &[&INVALID_REQUEST, &FUNCTION_NOT_FOUND],
            },
        ],
    },
    Route {
        path: "/functions/{id}/versions/{version}/activate",
        operations: &[Operation {
            methods: Methods::Post,
            endpoint: Endpoint::ActivateVersion,
            action: "function.activate",
            summary: "Have a version get all requests.",
            query: &[],
            errors: &[
                &INVALID_REQUEST,
                &FUNCTION_NOT_FOUND,
                &VERSION_NOT_FOUND,
                &STORAGE_FULL,
            ],
        }],
    },
    Route {
        path: "/functions/{id}/traffic",
        operations: &[Operation {
            methods: Methods::Put,
            endpoint: Endpoint::SetTraffic,
            action: "function.traffic",
            summary: "Divide the requests among two versions, by percent.",
            query: &[],
            errors: &[
                &INVALID_REQUEST,
                &FUNCTION_NOT_FOUND,
                &VERSION_NOT_FOUND,
                &BODY_TOO_LARGE,
                &UNSUPPORTED_MEDIA_TYPE,
                &STORAGE_FULL,
            ],
        }],
    },
    Route {
        path: "/functions/{id}/config",
        operations: &[
            Operation {
                methods: Methods::Get,
                endpoint: Endpoint::ShowConfig,
                action: "function.config.show",
                summary: "What the function finds in wasi:config/store: values, and the names of \
                          its secrets.",
                query: &[],
                errors: &[&INVALID_REQUEST, &FUNCTION_NOT_FOUND],
            },
            Operation {
                methods: Methods::Put,
                endpoint: Endpoint::SetConfig,
                action: "function.config",
                summary: "Replace all values that the function finds in wasi:config/store. Secrets \
                          stay.",
                query: &[],
                errors: &[
                    &INVALID_REQUEST,
                    &FUNCTION_NOT_FOUND,
                    &BODY_TOO_LARGE,
                    &UNSUPPORTED_MEDIA_TYPE,
                    &STORAGE_FULL,
                ],
            },
        ],
    },
    Route {
        path: "/functions/{id}/assets",
        operations: &[
            Operation {
                methods: Methods::Get,
                endpoint: Endpoint::ListAssets,
                action: "function.assets.list",
                summary: "The assets of a version: files that it finds below /assets; without a \
                          version, what is staged for the next.",
                query: &[("version", "The number of a version.")],
                errors: &[
                    &INVALID_REQUEST,
                    &INVALID_NAME,
                    &FUNCTION_NOT_FOUND,
                    &VERSION_NOT_FOUND,
                ],
            },
            Operation {
                methods: Methods::Delete,
                endpoint: Endpoint::DeleteAssets,
                action: "function.assets.clear",
                summary: "Take all assets from what is staged for the next version.",
                query: &[],
                errors: &[
                    &INVALID_REQUEST,
                    &INVALID_NAME,
                    &FUNCTION_NOT_FOUND,
                    &STORAGE_FULL,
                ],
            },
        ],
    },
    Route {
        path: "/functions/{id}/assets/{*path}",
        operations: &[
            Operation {
                methods: Methods::Put,
                endpoint: Endpoint::PutAsset,
                action: "function.asset",
                summary: "Stage an asset: a file that the next version finds at this path below \
                          /assets. The function need not be there yet.",
                query: &[],
                errors: &[
                    &INVALID_REQUEST,
                    &INVALID_NAME,
                    &FUNCTION_NOT_FOUND,
                    &BODY_TOO_LARGE,
                    &TENANT_CAPACITY_EXHAUSTED,
                    &CAPACITY_EXHAUSTED,
                    &STORAGE_FULL,
                ],
            },
            Operation {
                methods: Methods::Delete,
                endpoint: Endpoint::DeleteAsset,
                action: "function.asset.delete",
                summary: "Take an asset from what is staged for the next version.",
                query: &[],
                errors: &[
                    &INVALID_REQUEST,
                    &INVALID_NAME,
                    &FUNCTION_NOT_FOUND,
                    &error::ASSET_NOT_FOUND,
                    &STORAGE_FULL,
                ],
            },
        ],
    },
    Route {
        path: "/functions/{id}/outgoing-http",
        operations: &[
            Operation {
                methods: Methods::Get,
                endpoint: Endpoint::ShowOutgoingHttp,
                action: "function.outgoing-http.show",
                summary: "The servers that the function may send HTTP requests to: its own list, \
                          and those that the operator grants the tenant.",
                query: &[],
                errors: &[&INVALID_REQUEST, &FUNCTION_NOT_FOUND],
            },
            Operation {
                methods: Methods::Put,
                endpoint: Endpoint::SetOutgoingHttp,
                action: "function.outgoing-http",
                summary: "Have the function send HTTP requests to these servers only, of those that \
                          the operator grants the tenant; with null, to all of these.",
                query: &[],
                errors: &[
                    &INVALID_REQUEST,
                    &FUNCTION_NOT_FOUND,
                    &error::HOST_NOT_GRANTED,
                    &BODY_TOO_LARGE,
                    &UNSUPPORTED_MEDIA_TYPE,
                    &STORAGE_FULL,
                ],
            },
        ],
    },
    Route {
        path: "/functions/{id}/secrets/{name}",
        operations: &[
            Operation {
                methods: Methods::Put,
                endpoint: Endpoint::SetSecret,
                action: "function.secret",
                summary: "Set a secret: a setting that is kept sealed and never read back.",
                query: &[],
                errors: &[
                    &INVALID_REQUEST,
                    &FUNCTION_NOT_FOUND,
                    &BODY_TOO_LARGE,
                    &UNSUPPORTED_MEDIA_TYPE,
                    &STORAGE_FULL,
                ],
            },
            Operation {
                methods: Methods::Delete,
                endpoint: Endpoint::DeleteSecret,
                action: "function.secret.delete",
                summary: "Delete a secret.",
                query: &[],
                errors: &[
                    &INVALID_REQUEST,
                    &FUNCTION_NOT_FOUND,
                    &error::SECRET_NOT_FOUND,
                    &STORAGE_FULL,
                ],
            },
        ],
    },
    Route {
        path: "/functions/{id}/logs",
        operations: &[Operation {
            methods: Methods::Get,
            endpoint: Endpoint::Logs,
            action: "function.logs",
            summary: "The last lines that the function wrote, oldest first.",
            query: &[
                (
                    "limit",
                    "How many at most: 1 to 1000; 100 where nothing is said.",
                ),
                (
                    "after",
                    "Those after the line of this number; 0 where nothing is said.",
                ),
            ],
            errors: &[&INVALID_REQUEST, &FUNCTION_NOT_FOUND],
        }],
    },
    Route {
        path: "/functions/{id}/invoke",
        operations: INVOKE,
    },
    Route {
        path: "/functions/{id}/invoke/",
        operations: INVOKE,
    },
    Route {
        path: "/functions/{id}/invoke/{*path}",
        operations: INVOKE,
    },
    Route {
        path: "/functions/{id}/invoke-async",
        operations: INVOKE_ASYNC,
    },
    Route {
        path: "/functions/{id}/invoke-async/",
        operations: INVOKE_ASYNC,
    },
    Route {
        path: "/functions/{id}/invoke-async/{*path}",
        operations: INVOKE_ASYNC,
    },
    Route {
        path: "/jobs",
        operations: &[Operation {
            methods: Methods::Get,
            endpoint: Endpoint::ListJobs,
            action: "job.list",
            summary: "The jobs of the tenant, newest first.",
            query: &[
                ("function", "Those of the function of this id or name."),
                (
                    "state",
                    "Those in this state: pending, running, succeeded, failed, cancelled or lost.",
                ),
                (
                    "limit",
                    "How many at most: 1 to 1000; 100 where nothing is said.",
                ),
                ("after", "The `next` of the page before."),
            ],
            errors: &[&INVALID_REQUEST],
        }],
    },
    Route {
        path: "/jobs/{id}",
        operations: &[
            Operation {
                methods: Methods::Get,
                endpoint: Endpoint::ShowJob,
                action: "job.show",
                summary: "A job.",
                query: &[],
                errors: &[&INVALID_REQUEST, &error::JOB_NOT_FOUND],
            },
            Operation {
                methods: Methods::Delete,
                endpoint: Endpoint::CancelJob,
                action: "job.cancel",
                summary: "Cancel a job, and stop it where it runs. One that has ended stays as \
                          it is.",
                query: &[],
                errors: &[&INVALID_REQUEST, &error::JOB_NOT_FOUND, &STORAGE_FULL],
            },
        ],
    },
    Route {
        path: "/jobs/{id}/result",
        operations: &[Operation {
            methods: Methods::Get,
            endpoint: Endpoint::JobResult,
            action: "job.result",
            summary: "What the function answered: its status, headers and body.",
            query: &[],
            errors: &[
                &INVALID_REQUEST,
                &error::JOB_NOT_FOUND,
                &error::JOB_HAS_NO_RESULT,
                &error::JOB_NOT_FINISHED,
                &TENANT_CAPACITY_EXHAUSTED,
                &CAPACITY_EXHAUSTED,
            ],
        }],
    },
    Route {
        path: "/f/{id}",
        operations: INVOKE,
    },
    Route {
        path: "/f/{id}/",
        operations: INVOKE,
    },
    Route {
        path: "/f/{id}/{*path}",
        operations: INVOKE,
    },
    Route {
        path: "/functions/{id}/snapshots",
        operations: &[Operation {
            methods: Methods::Post,
            endpoint: Endpoint::SaveSnapshot,
            action: "snapshot.save",
            summary: "Save a function as it is now: its versions that get requests, with their \
                      assets and what they keep on the device, its settings, and its jobs that \
                      wait. Requests to it go on.",
            query: &[],
            errors: &[
                &INVALID_REQUEST,
                &FUNCTION_NOT_FOUND,
                &error::FUNCTION_CHANGED,
                &BODY_TOO_LARGE,
                &UNSUPPORTED_MEDIA_TYPE,
                &TENANT_CAPACITY_EXHAUSTED,
                &error::DEVICE_UNAVAILABLE,
                &STORAGE_FULL,
            ],
        }],
    },
    Route {
        path: "/snapshots",
        operations: &[
            Operation {
                methods: Methods::Get,
                endpoint: Endpoint::ListSnapshots,
                action: "snapshot.list",
                summary: "The snapshots of the tenant, newest first.",
                query: &[
                    ("function", "Those of the function of this id or name."),
                    (
                        "limit",
                        "How many at most: 1 to 1000; 100 where nothing is said.",
                    ),
                    ("after", "The `next` of the page before."),
                ],
                errors: &[&INVALID_REQUEST],
            },
            Operation {
                methods: Methods::Post,
                endpoint: Endpoint::UploadSnapshot,
                action: "snapshot.upload",
                summary: "Upload a snapshot that was downloaded, here or from another node.",
                query: &[],
                errors: &[
                    &INVALID_REQUEST,
                    &error::SNAPSHOT_REFUSED,
                    &UNSUPPORTED_MEDIA_TYPE,
                    &error::INVALID_SNAPSHOT,
                    &TENANT_CAPACITY_EXHAUSTED,
                    &STORAGE_FULL,
                ],
            },
        ],
    },
    Route {
        path: "/snapshots/uploads/{id}",
        operations: &[
            Operation {
                methods: Methods::Get,
                endpoint: Endpoint::ShowUpload,
                action: "snapshot.upload.show",
                summary: "How much has arrived of a snapshot that is uploaded in parts.",
                query: &[],
                errors: &[&INVALID_REQUEST, &error::SNAPSHOT_NOT_FOUND],
            },
            Operation {
                methods: Methods::Put,
                endpoint: Endpoint::UploadPart,
                action: "snapshot.upload.part",
                summary: "Upload the next part of a snapshot, under a name of the client's own: \
                          the last one makes it a snapshot.",
                query: &[(
                    "offset",
                    "The byte of the file that the part begins at; 0 where nothing is said.",
                )],
                errors: &[
                    &INVALID_REQUEST,
                    &error::SNAPSHOT_REFUSED,
                    &error::SNAPSHOT_NOT_FOUND,
                    &error::UPLOAD_OFFSET,
                    &UNSUPPORTED_MEDIA_TYPE,
                    &error::INVALID_SNAPSHOT,
                    &TENANT_CAPACITY_EXHAUSTED,
                    &STORAGE_FULL,
                ],
            },
        ],
    },
    Route {
        path: "/snapshots/{id}",
        operations: &[
            Operation {
                methods: Methods::Get,
                endpoint: Endpoint::DownloadSnapshot,
                action: "snapshot.download",
                summary: "A snapshot as a file; with Range: bytes=N-, what follows its first N \
                          bytes.",
                query: &[],
                errors: &[
                    &INVALID_REQUEST,
                    &error::SNAPSHOT_NOT_FOUND,
                    &error::RANGE_NOT_SATISFIABLE,
                    &error::INVALID_SNAPSHOT,
                ],
            },
            Operation {
                methods: Methods::Delete,
                endpoint: Endpoint::DeleteSnapshot,
                action: "snapshot.delete",
                summary: "Delete a snapshot. Functions that were restored from it stay.",
                query: &[],
                errors: &[&INVALID_REQUEST, &error::SNAPSHOT_NOT_FOUND, &STORAGE_FULL],
            },
        ],
    },
    Route {
        path: "/snapshots/{id}/restore",
        operations: &[Operation {
            methods: Methods::Post,
            endpoint: Endpoint::RestoreSnapshot,
            action: "snapshot.restore",
            summary: "Make a new function of a snapshot or, with `over`, the next versions of one \
                      that is there. All of it or nothing.",
            query: &[],
            errors: &[
                &INVALID_REQUEST,
                &INVALID_NAME,
                &GPU_REFUSED,
                &error::OPERATOR_ONLY,
                &error::SNAPSHOT_REFUSED,
                &FUNCTION_NOT_FOUND,
                &error::SNAPSHOT_NOT_FOUND,
                &error::FUNCTION_EXISTS,
                &error::FUNCTION_CHANGED,
                &BODY_TOO_LARGE,
                &UNSUPPORTED_MEDIA_TYPE,
                &INVALID_COMPONENT,
                &error::INVALID_SNAPSHOT,
                &TENANT_CAPACITY_EXHAUSTED,
                &error::DEVICE_UNAVAILABLE,
                &STORAGE_FULL,
            ],
        }],
    },
    Route {
        path: "/usage",
        operations: &[Operation {
            methods: Methods::Get,
            endpoint: Endpoint::Usage,
            action: "usage.show",
            summary: "What the tenant's functions used, by function and hour.",
            query: &[
                (
                    "from",
                    "From when on (RFC 3339), to the hour; a day before `to` where nothing is said.",
                ),
                (
                    "to",
                    "Until when (RFC 3339), to the hour; now where nothing is said.",
                ),
            ],
            errors: &[&INVALID_REQUEST],
        }],
    },
    Route {
        path: "/node/state",
        operations: &[
            Operation {
                methods: Methods::Get,
                endpoint: Endpoint::NodeState,
                action: "node.export",
                summary: "What the node has beside its functions, as a file: which functions and \
                          snapshots there are, what all used, jobs that have ended, hashes of tokens, \
                          the end of the audit log. For callers who may act for all tenants.",
                query: &[("jobs", "`false` for the file without jobs.")],
                errors: &[&INVALID_REQUEST, &error::OPERATOR_ONLY, &STORAGE_FULL],
            },
            Operation {
                methods: Methods::Put,
                endpoint: Endpoint::ImportNodeState,
                action: "node.import",
                summary: "Add what all functions used, and the jobs that have ended, from such a file of \
                          another node; what is known stays as it is. All of it or nothing.",
                query: &[],
                errors: &[
                    &INVALID_REQUEST,
                    &error::OPERATOR_ONLY,
                    &error::SNAPSHOT_REFUSED,
                    &BODY_TOO_LARGE,
                    &UNSUPPORTED_MEDIA_TYPE,
                    &error::INVALID_SNAPSHOT,
                    &STORAGE_FULL,
                ],
            },
        ],
    },
    Route {
        path: "/openapi.json",
        operations: &[Operation {
            methods: Methods::Get,
            endpoint: Endpoint::OpenApi,
            action: "node.openapi",
            summary: "This document.",
            query: &[],
            errors: &[&INVALID_REQUEST],
        }],
    },
    Route {
        path: "/healthz",
        operations: &[Operation {
            methods: Methods::Get,
            endpoint: Endpoint::Healthz,
            action: "node.healthz",
            summary: "Whether the node runs.",
            query: &[],
            errors: &[&INVALID_REQUEST],
        }],
    },
    Route {
        path: "/readyz",
        operations: &[Operation {
            methods: Methods::Get,
            endpoint: Endpoint::Readyz,
            action: "node.readyz",
            summary: "Whether the node can do its work: 503 while it drains (server), while its \
                      storage does not answer (storage), while no process for kernels can be \
                      started (device), and while it refuses changes since they can't be recorded \
                      (audit).",
            query: &[],
            errors: &[&INVALID_REQUEST],
        }],
    },
    Route {
        path: "/metrics",
        operations: &[Operation {
            methods: Methods::Get,
            endpoint: Endpoint::Metrics,
            action: "node.metrics",
            summary: "What the node counts, of all tenants, for Prometheus. For callers who may \
                      act for all tenants.",
            query: &[],
            errors: &[&INVALID_REQUEST, &error::OPERATOR_ONLY],
        }],
    },
];

/// The errors that each operation has.
pub(super) const COMMON_ERRORS: &[&ErrorKind] = &[&error::INTERNAL, &STORAGE_UNAVAILABLE];

/// A path that was found in the table.
pub(super) struct Found<'p> {
    pub(super) route: &'static Route,
    /// The id or name of a function.
    pub(super) id: &'p str,
    /// The number of a version.
    pub(super) version: &'p str,
    /// The name of a setting.
    pub(super) name: &'p str,
    /// What follows the route's own path.
    pub(super) rest: &'p str,
}

/// The route of a path.
pub(super) fn find(path: &str) -> Option<Found<'_>> {
    static ROUTER: OnceLock<Router<&'static Route>> = OnceLock::new();
    let router = ROUTER.get_or_init(|| {
        let mut router = Router::new();
        for route in ROUTES {
            if let Err(error) = router.insert(route.path, route) {
                // Only another table could: a test finds each path.
                tracing::error!(path = route.path, "no route: {error}");
            }
        }
        router
    });
    let found = router.at(path).ok()?;
    let parameter = |name| found.params.get(name).unwrap_or_default();
    Some(Found {
        route: found.value,
        id: parameter("id"),
        version: parameter("version"),
        name: parameter("name"),
        rest: parameter("path"),
    })
}

impl Route {
    /// The operation of a method, or else the methods that there are.
    pub(super) fn operation(&self, method: &Method) -> Result<&'static Operation, String> {
        let mut operations = self.operations.iter();
        let found = operations.find(|operation| operation.methods.allow(method));
        found.ok_or_else(|| {
            let names = self.operations.iter();
            let names: Vec<_> = names.map(|operation| operation.methods.names()).collect();
            names.join(", ")
        })
    }
}

/// What the operations of all routes are called, each name once.
pub(crate) fn actions() -> BTreeSet<&'static str> {
    let operations = ROUTES.iter().flat_map(|route| route.operations);
    operations.map(|operation| operation.action).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn each_path_of_the_table_is_found() {
        for route in ROUTES {
            let path = route
                .path
                .replace("{id}", "a")
                .replace("{version}", "7")
                .replace("{name}", "n");
            let path = path.replace("{*path}", "x/y");
            assert_eq!(find(&path).unwrap().route.path, route.path);
        }
    }

    /// The rows of a page's table whose first cell is code.
    fn rows(first: &str) -> Vec<Vec<String>> {
        let page = include_str!("../../../../docs/api.md");
        let rows = page.lines().filter(|line| line.starts_with(first));
        let cells = |line: &str| {
            let cells = line.trim_matches('|').split(" | ");
            cells
                .map(|cell| cell.trim().trim_matches('`').to_owned())
                .collect()
        };
        rows.map(cells).collect()
    }

    #[test]
    fn the_page_on_the_api_has_each_route_and_each_kind_of_error() {
        let mut routes = Vec::new();
        for route in ROUTES {
            for operation in route.operations {
                let method = match operation.methods {
                    Methods::Get => "GET",
                    Methods::Post => "POST",
                    Methods::Put => "PUT",
                    Methods::Delete => "DELETE",
                    Methods::Any => "*",
                };
                let path = route.path.replace("{*path}", "{path}");
                routes.push([format!("{method} {path}"), operation.action.to_owned()]);
            }
        }
        let documented: Vec<_> = ["| `GET /", "| `POST /", "| `PUT /", "| `DELETE /", "| `* /"]
            .into_iter()
            .flat_map(rows)
            .map(|row| [row[0].clone(), row[1].clone()])
            .collect();
        for route in &routes {
            assert!(
                documented.contains(route),
                "{route:?} is not in docs/api.md"
            );
        }
        assert_eq!(documented.len(), routes.len());
        let kinds: Vec<_> = ["| 4", "| 5"].into_iter().flat_map(rows).collect();
        for kind in error::KINDS {
            let row = vec![
                kind.status.as_u16().to_string(),
                kind.word.to_owned(),
                kind.meaning.to_owned(),
            ];
            assert!(kinds.contains(&row), "{row:?} is not in docs/api.md");
        }
        assert_eq!(kinds.len(), error::KINDS.len());
    }

    #[test]
    fn parameters_are_parts_of_the_path() {
        let found = find("/functions/image/invoke/a/b%20c").unwrap();
        assert_eq!((found.id, found.rest), ("image", "a/b%20c"));
        let found = find("/functions/fn_1/versions/7/activate").unwrap();
        assert_eq!((found.id, found.version), ("fn_1", "7"));
        for path in [
            "/",
            "/function",
            "/functions/",
            "/functions/a/b",
            "/f",
            "/f/",
        ] {
            assert!(find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn a_method_that_a_path_does_not_have_is_answered_with_those_that_it_has() {
        let route = find("/functions").unwrap().route;
        let allowed = route.operation(&Method::DELETE).err().unwrap();
        assert_eq!(allowed, "GET, HEAD, POST");
        assert_eq!(
            route.operation(&Method::HEAD).ok().unwrap().endpoint,
            Endpoint::ListFunctions
        );
    }
}
