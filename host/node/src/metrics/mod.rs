//! Metrics, for Prometheus: what happens to requests, and what each tenant uses.
//!
//! [`Metrics`] is the runtime's [`Observer`]. What it is told it adds to atomic numbers, whose
//! labels were found before or are found without a lock, so that a request pays some tens of
//! nanoseconds. What others count anyway, such as instances and audit records, is read when the
//! page is asked for.
//!
//! The values of labels are bounded, whatever clients, guests and policies do: methods and
//! statuses by HTTP, tenants and the kinds of decisions by tables of a fixed size. What finds no
//! room there is counted as `other`. `docs/metrics.md` is for operators.

mod accept;
mod catalog;
mod collector;
mod histogram;
mod http;
mod kinds;
mod tenants;

pub use catalog::{CATALOG, Description, MetricKind};

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::http::HeaderValue;
use prometheus_client::registry::Registry;
use tensor_wasm_device::Device;
use tensor_wasm_runtime::policy::Decision;
use tensor_wasm_runtime::server::{HandleError, MetricsPage, MetricsText};
use tensor_wasm_runtime::{EndedRequest, Engine, Observer, Usage};
use tokio::sync::watch;

use crate::audit::AuditLog;
use crate::error::{self, ErrorKind};
use crate::grants::TenantGrants;
use crate::invocations::InvocationSource;
use crate::traces::Traces;
use collector::Collector;
use histogram::Histogram;
use http::HttpMetrics;
use kinds::Kinds;
use tenants::Tenants;

/// The metrics of one process.
pub struct Metrics {
    numbers: Arc<Numbers>,
    registry: Registry,
}

/// What is counted here.
pub(crate) struct Numbers {
    http: HttpMetrics,
    in_flight: AtomicI64,
    decisions: Kinds,
    failures: Kinds,
    rejections: Kinds,
    tenants: Tenants,
    kernel_latency: Histogram,
    instantiation: Histogram,
    compilation: Histogram,
    sources: OnceLock<Sources>,
    /// How many jobs run, where there are jobs.
    jobs: OnceLock<watch::Receiver<usize>>,
    /// Which invocations there are, where functions are invoked.
    invocations: OnceLock<InvocationSource>,
}

/// What others count.
pub(crate) struct Sources {
    pub(crate) engine: Engine,
    pub(crate) device: Option<Device>,
    pub(crate) grants: Arc<TenantGrants>,
    pub(crate) audit: Option<Arc<AuditLog>>,
    pub(crate) traces: Option<Arc<Traces>>,
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Numbers").finish_non_exhaustive()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new([])
    }
}

impl Metrics {
    /// Metrics in which these tenants have a label in any case.
    pub fn new(tenants: impl IntoIterator<Item = u64>) -> Metrics {
        let numbers = Arc::new(Numbers {
            http: HttpMetrics::new(crate::api::actions()),
            in_flight: AtomicI64::new(0),
            decisions: Kinds::default(),
            failures: Kinds::default(),
            rejections: Kinds::default(),
            tenants: Tenants::new(tenants),
            kernel_latency: Histogram::new(),
            instantiation: Histogram::new(),
            compilation: Histogram::new(),
            sources: OnceLock::new(),
            jobs: OnceLock::new(),
            invocations: OnceLock::new(),
        });
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Collector(numbers.clone())));
        Metrics { numbers, registry }
    }

    /// Reads what others count from here on. The first call holds.
    pub(crate) fn watch(&self, sources: Sources) {
        let _ = self.numbers.sources.set(sources);
    }

    /// Reads from here on how many jobs run. The first call holds.
    pub(crate) fn watch_jobs(&self, running: watch::Receiver<usize>) {
        let _ = self.numbers.jobs.set(running);
    }

    /// Asks from here on which invocations there are. The first call holds.
    pub(crate) fn watch_invocations(&self, invocations: InvocationSource) {
        let _ = self.numbers.invocations.set(invocations);
    }

    /// A request got an error of a node's API in place of a component's response.
    pub(crate) fn failed_with(&self, kind: &ErrorKind) {
        self.numbers.failures.add(kind.word);
        if let Some(limit) = limit_of_kind(kind) {
            self.numbers.rejections.add(limit);
        }
    }
}

impl MetricsPage for Metrics {
    fn text(&self, accept: Option<&HeaderValue>) -> MetricsText {
        let accept = accept.and_then(|accept| accept.to_str().ok());
        let mut text = String::new();
        let (content_type, written) = match accept::prefers_open_metrics(accept) {
            true => (
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                prometheus_client::encoding::text::encode(&mut text, &self.registry),
            ),
            false => (
                prometheus_client::encoding::prometheus_text::CONTENT_TYPE,
                prometheus_client::encoding::prometheus_text::encode(&mut text, &self.registry),
            ),
        };
        if let Err(error) = written {
            tracing::error!(%error, "the metrics can't be written");
        }
        MetricsText { content_type, text }
    }
}

impl Observer for Metrics {
    fn request_began(&self) {
        self.numbers.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    fn request_ended(&self, request: EndedRequest<'_>) {
        self.numbers.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.numbers.http.count(&request);
    }

    fn failed(&self, error: HandleError) {
        self.numbers.failures.add(error.kind());
        if let Some(limit) = limit_of(error) {
            self.numbers.rejections.add(limit);
        }
    }

    fn decided(&self, decision: &Decision) {
        self.numbers.decisions.add(match decision {
            Decision::Admitted { .. } => "admitted",
            Decision::Refused { kind, .. } => kind,
        });
    }

    fn charged(&self, tenant: Option<u64>, usage: &Usage) {
        self.numbers.tenants.of(tenant).add(usage);
    }

    fn launch_ended(&self, latency: Duration) {
        self.numbers.kernel_latency.add(latency);
    }

    fn instantiated(&self, took: Duration) {
        self.numbers.instantiation.add(took);
    }

    fn compiled(&self, took: Duration) {
        self.numbers.compilation.add(took);
    }
}

/// The limit for which a node's API rejects a request; `None` where that is no limit.
fn limit_of_kind(kind: &ErrorKind) -> Option<&'static str> {
    let limits = [
        (&error::CAPACITY_EXHAUSTED, "node_capacity"),
        (&error::TENANT_CAPACITY_EXHAUSTED, "tenant_capacity"),
        (&error::BODY_TOO_LARGE, "body_bytes"),
        (&error::INVOKE_TIMEOUT, "request_time"),
        (&error::STORAGE_FULL, "storage"),
    ];
    let found = limits.iter().find(|(one, _)| *one == kind);
    found.map(|(_, limit)| *limit)
}

/// The limit for which a request is rejected; `None` where that is no limit.
fn limit_of(error: HandleError) -> Option<&'static str> {
    Some(match error {
        HandleError::Overloaded => "concurrent_requests",
        HandleError::TooManyRequests { .. } => "requests_per_peer",
        HandleError::BodyTooLarge { .. } => "body_bytes",
        HandleError::BodyStalled => "body_time",
        HandleError::TargetTooLong { .. } => "target_bytes",
        HandleError::HeadTooLarge { .. } => "head_bytes",
        HandleError::TimedOut => "request_time",
        HandleError::TenantCapacityExhausted { .. } => "tenant_memory",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use ::http::{Method, StatusCode};

    use super::*;

    fn text(metrics: &Metrics) -> String {
        metrics.text(None).text
    }

    /// The value of a series, as it is written.
    fn value<'a>(text: &'a str, series: &str) -> &'a str {
        let line = text.lines().find(|line| {
            let rest = line.strip_prefix(series);
            rest.is_some_and(|rest| rest.starts_with(' '))
        });
        let line = line.unwrap_or_else(|| panic!("{series} is not in\n{text}"));
        line.rsplit(' ').next().unwrap()
    }

    fn series<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
        let start = format!("{name}{{");
        text.lines()
            .filter(|line| line.starts_with(&start))
            .collect()
    }

    fn ended(metrics: &Metrics, method: &str, status: u16) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        metrics.request_began();
        metrics.request_ended(EndedRequest {
            method: Some(&method),
            status: Some(StatusCode::from_u16(status).unwrap()),
            route: None,
            duration: Duration::from_millis(3),
        });
    }

    #[test]
    fn requests_are_counted_by_method_and_status() {
        let metrics = Metrics::default();
        for (method, status, number) in [("GET", 200, 5), ("POST", 200, 3), ("GET", 404, 2)] {
            for _ in 0..number {
                ended(&metrics, method, status);
            }
        }
        metrics.request_began();
        let text = text(&metrics);
        let of = |method: &str, status: u16| {
            let labels = format!("route=\"component\",method=\"{method}\",status=\"{status}\"");
            value(
                &text,
                &format!("tensor_wasm_http_requests_total{{{labels}}}"),
            )
            .to_owned()
        };
        assert_eq!((of("GET", 200), of("POST", 200)), ("5".into(), "3".into()));
        assert_eq!(of("GET", 404), "2");
        assert_eq!(value(&text, "tensor_wasm_http_requests_in_flight"), "1");
        let duration = "tensor_wasm_http_request_duration_seconds";
        let count = format!("{duration}_count{{route=\"component\"}}");
        assert_eq!(value(&text, &count), "10");
        let bucket = |le: &str| format!("{duration}_bucket{{route=\"component\",le=\"{le}\"}}");
        assert_eq!(value(&text, &bucket("0.0025")), "0");
        assert_eq!(value(&text, &bucket("0.005")), "10");
        assert_eq!(value(&text, &bucket("+Inf")), "10");
        assert_eq!(
            value(&text, &format!("{duration}_sum{{route=\"component\"}}")),
            "0.03"
        );
    }

    #[test]
    fn requests_of_a_nodes_api_are_counted_by_its_routes() {
        let metrics = Metrics::default();
        for route in [Some("function.invoke"), Some("no such route"), None] {
            metrics.request_began();
            metrics.request_ended(EndedRequest {
                method: Some(&Method::GET),
                status: Some(StatusCode::OK),
                route,
                duration: Duration::ZERO,
            });
        }
        let text = text(&metrics);
        let of = |route: &str| {
            let labels = format!("route=\"{route}\",method=\"GET\",status=\"200\"");
            value(
                &text,
                &format!("tensor_wasm_http_requests_total{{{labels}}}"),
            )
            .to_owned()
        };
        assert_eq!(
            (of("function.invoke"), of("component")),
            ("1".into(), "2".into())
        );
    }

    #[test]
    fn no_client_guest_or_policy_makes_more_series_than_there_is_room_for() {
        let metrics = Metrics::new([7_000_000]);
        let usage = Usage {
            requests: 1,
            ..Usage::default()
        };
        for number in 0..10_000_u64 {
            ended(&metrics, &format!("M{number}"), 200 + (number % 400) as u16);
            let kind = format!("kind \"{number}\"\n");
            metrics.decided(&Decision::Refused { caller: None, kind });
            metrics.charged(Some(number), &usage);
        }
        metrics.charged(None, &usage);
        metrics.charged(Some(7_000_000), &usage);
        let text = text(&metrics);
        let requests = series(&text, "tensor_wasm_http_requests_total");
        assert_eq!(requests.len(), 400);
        assert!(
            requests
                .iter()
                .all(|line| line.contains("method=\"other\""))
        );
        let sum = |name: &str| -> u64 {
            let values = series(&text, name).into_iter();
            values
                .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
                .sum()
        };
        let decisions = series(&text, "tensor_wasm_policy_decisions_total");
        assert_eq!(decisions.len(), kinds::MOST + 1, "{decisions:?}");
        assert_eq!(sum("tensor_wasm_policy_decisions_total"), 10_000);
        assert!(
            text.contains("decision=\"kind \\\"0\\\"\\n\""),
            "{decisions:?}"
        );
        let tenants = series(&text, "tensor_wasm_tenant_requests_total");
        assert_eq!(tenants.len(), tenants::MOST + 2);
        assert_eq!(sum("tensor_wasm_tenant_requests_total"), 10_002);
        let of = |tenant: &str| {
            let series = format!("tensor_wasm_tenant_requests_total{{tenant=\"{tenant}\"}}");
            value(&text, &series).to_owned()
        };
        assert_eq!((of("7000000"), of("none")), ("1".into(), "1".into()));
        assert_eq!(of("other"), (10_000 + 1 - tenants::MOST).to_string());
    }

    #[test]
    fn many_threads_lose_no_count_and_find_each_tenant_once() {
        let metrics = Metrics::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for number in 0..40_000_u64 {
                        let usage = Usage {
                            launches: 1,
                            guest: Duration::from_nanos(500),
                            ..Usage::default()
                        };
                        metrics.charged(Some(number % 64), &usage);
                        let kind = format!("kind-{}", number % 8);
                        metrics.decided(&Decision::Refused { caller: None, kind });
                    }
                });
            }
        });
        let text = text(&metrics);
        for tenant in 0..64 {
            let labels = format!("{{tenant=\"{tenant}\"}}");
            let launches = format!("tensor_wasm_kernel_dispatches_total{labels}");
            assert_eq!(value(&text, &launches), "2500");
            let guest = format!("tensor_wasm_guest_cpu_seconds_total{labels}");
            assert_eq!(value(&text, &guest), "0.00125");
        }
        for kind in 0..8 {
            let series = format!("tensor_wasm_policy_decisions_total{{decision=\"kind-{kind}\"}}");
            assert_eq!(value(&text, &series), "20000");
        }
    }

    #[test]
    fn what_is_rejected_for_a_limit_is_counted_by_the_limit() {
        let metrics = Metrics::default();
        metrics.failed(HandleError::Overloaded);
        metrics.failed(HandleError::BodyTooLarge { limit: 7 });
        metrics.failed(HandleError::BodyTooLarge { limit: 8 });
        metrics.failed(HandleError::Trapped);
        let text = text(&metrics);
        let limit = |name: &str| {
            value(
                &text,
                &format!("tensor_wasm_rejections_total{{limit=\"{name}\"}}"),
            )
            .to_owned()
        };
        assert_eq!(limit("concurrent_requests"), "1");
        assert_eq!(limit("body_bytes"), "2");
        assert_eq!(series(&text, "tensor_wasm_rejections_total").len(), 2);
        assert_eq!(
            value(&text, "tensor_wasm_failures_total{kind=\"trap\"}"),
            "1"
        );
    }

    #[test]
    fn each_metric_of_the_page_is_in_the_catalogue_with_its_type_and_its_labels() {
        let metrics = Metrics::default();
        let text = text(&metrics);
        let mut named = Vec::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                named.push(rest.to_owned());
            }
        }
        let expected: Vec<_> = CATALOG
            .iter()
            .map(|metric| format!("{} {}", metric.full_name(), metric.kind.name()))
            .collect();
        assert_eq!(named, expected);
    }

    #[test]
    fn the_format_is_the_one_that_the_client_prefers() {
        let metrics = Metrics::default();
        let of = |accept: &'static str| metrics.text(Some(&HeaderValue::from_static(accept)));
        let prometheus = "text/plain; version=0.0.4; charset=utf-8";
        assert_eq!(metrics.text(None).content_type, prometheus);
        assert_eq!(of("text/plain").content_type, prometheus);
        let open = of("application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1");
        assert_eq!(
            open.content_type,
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        );
        assert!(open.text.ends_with("# EOF\n"), "{}", open.text);
        assert!(!metrics.text(None).text.contains("# EOF"));
    }
}
