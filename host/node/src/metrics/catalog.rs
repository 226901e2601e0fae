//! The metrics, in one table: what the page has, and what `docs/metrics.md` says.

use prometheus_client::metrics::MetricType;

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// Its name, without the suffix that counters have.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: MetricKind,
    /// Its labels, in order.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// A number that only grows.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// How many values lie below some bounds.
    Histogram,
}

impl MetricKind {
    /// As the page and the documentation call it.
    pub fn name(self) -> &'static str {
        match self {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        }
    }

    pub(super) fn metric_type(self) -> MetricType {
        match self {
            MetricKind::Counter => MetricType::Counter,
            MetricKind::Gauge => MetricType::Gauge,
            MetricKind::Histogram => MetricType::Histogram,
        }
    }
}

impl Description {
    /// Its name, as queries name it.
    pub fn full_name(&self) -> String {
        match self.kind {
            MetricKind::Counter => format!("{}_total", self.name),
            MetricKind::Gauge | MetricKind::Histogram => self.name.to_owned(),
        }
    }
}

/// Makes the constants and the table of all of them.
macro_rules! catalog {
    ($($constant:ident: $name:literal $kind:ident [$($label:literal),*] $help:literal;)*) => {
        $(pub(super) const $constant: Description = Description {
            name: $name,
            kind: MetricKind::$kind,
            labels: &[$($label),*],
            help: $help,
        };)*

        /// All metrics, in the order of the page.
        pub const CATALOG: &[Description] = &[$($constant),*];
    };
}

catalog! {
    BUILD_INFO: "tensor_wasm_build_info" Gauge ["version", "architecture"]
        "1, with what runs as labels";
    HTTP_REQUESTS: "tensor_wasm_http_requests" Counter ["route", "method", "status"]
        "Requests that have ended, by the status of the response; 499 where the client went away before there was one";
    HTTP_DURATION: "tensor_wasm_http_request_duration_seconds" Histogram ["route"]
        "Time from a request's head to the last byte of its response";
    HTTP_IN_FLIGHT: "tensor_wasm_http_requests_in_flight" Gauge []
        "Requests whose response has not ended";
    FAILURES: "tensor_wasm_failures" Counter ["kind"]
        "Requests that got an error of the host in place of a component's response, by the error's kind";
    REJECTIONS: "tensor_wasm_rejections" Counter ["limit"]
        "Requests that were rejected or ended for a limit of the server";
    DECISIONS: "tensor_wasm_policy_decisions" Counter ["decision"]
        "Decisions of policies: admitted, or the kind of the refusal";
    ACTIVE_INSTANCES: "tensor_wasm_active_instances" Gauge []
        "Instances of components";
    JOBS_ACTIVE: "tensor_wasm_jobs_active" Gauge []
        "Jobs of a node that run";
    INVOCATIONS_RUNNING: "tensor_wasm_invocations_running" Gauge ["tenant"]
        "Invocations of a node's functions that have a place to run";
    INVOCATIONS_WAITING: "tensor_wasm_invocations_waiting" Gauge ["tenant"]
        "Invocations of a node's functions that wait for a place to run";
    INSTANTIATION: "tensor_wasm_instantiation_seconds" Histogram []
        "Time to make an instance of a component, with its own start functions";
    COMPILATION: "tensor_wasm_compilation_seconds" Histogram []
        "Time to compile a component, or to take its code from the cache";
    CACHE_HITS: "tensor_wasm_compile_cache_hits" Counter []
        "Components whose code was in the cache";
    CACHE_MISSES: "tensor_wasm_compile_cache_misses" Counter []
        "Components that were compiled, and put in the cache";
    TENANT_REQUESTS: "tensor_wasm_tenant_requests" Counter ["tenant"]
        "Requests whose response has ended, by the tenant that a policy admitted them for";
    TENANT_WALL: "tensor_wasm_tenant_request_seconds" Counter ["tenant"]
        "Time that requests took, from the head to the end of the response's body";
    GUEST_CPU: "tensor_wasm_guest_cpu_seconds" Counter ["tenant"]
        "Time in which components ran on threads of the host, policies included";
    REQUEST_BYTES: "tensor_wasm_http_request_body_bytes" Counter ["tenant"]
        "Bytes that were read of the bodies of requests";
    RESPONSE_BYTES: "tensor_wasm_http_response_body_bytes" Counter ["tenant"]
        "Bytes of the bodies of components' responses";
    DISPATCHES: "tensor_wasm_kernel_dispatches" Counter ["tenant"]
        "Launches of kernels";
    DEVICE_SECONDS: "tensor_wasm_device_seconds" Counter ["tenant"]
        "Time of the device that kernels took: on the processor that of all its threads, added up";
    KERNEL_LATENCY: "tensor_wasm_kernel_latency_seconds" Histogram []
        "Time from the launch of a kernel to its end, with the time that it waited";
    GPU_MEMORY: "tensor_wasm_gpu_memory_bytes" Gauge ["tenant"]
        "Memory of the device that the tenant holds";
    GPU_MEMORY_TIME: "tensor_wasm_gpu_memory_byte_seconds" Counter ["tenant"]
        "Memory of the device that the tenant has held, times how long";
    DEVICE_WORKERS: "tensor_wasm_device_workers" Gauge []
        "Processes that run kernels";
    AUDIT_WRITTEN: "tensor_wasm_audit_records_written" Counter []
        "Records that were written to the audit log";
    AUDIT_LOST: "tensor_wasm_audit_records_lost" Counter []
        "Records that could not be written to the audit log";
    AUDIT_WAITING: "tensor_wasm_audit_records_waiting" Gauge []
        "Records that wait to be written to the audit log";
    AUDIT_FAILING: "tensor_wasm_audit_failing" Gauge []
        "1 while records can't be written to the audit log";
    SPANS_EXPORTED: "tensor_wasm_spans_exported" Counter []
        "Spans of traces that the collector has accepted";
    SPANS_DROPPED: "tensor_wasm_spans_dropped" Counter ["cause"]
        "Spans of traces that are lost: the queue was full, or the collector did not accept them";
}
