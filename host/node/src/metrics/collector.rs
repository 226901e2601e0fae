//! Writes the page, metric by metric, in the order of the catalogue.

use std::collections::BTreeMap;
use std::fmt::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, NoLabelSet};
use tensor_wasm_runtime::Usage;

use super::Numbers;
use super::catalog::*;
use super::histogram::Histogram;
use crate::audit::AuditStats;
use crate::traces::SpanStats;

/// What the registry asks for the numbers.
#[derive(Debug)]
pub(super) struct Collector(pub(super) Arc<Numbers>);

impl prometheus_client::collector::Collector for Collector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let numbers = &*self.0;
        let mut page = Page(encoder);
        let sources = numbers.sources.get();

        let build = [env!("CARGO_PKG_VERSION"), std::env::consts::ARCH];
        page.gauges(&BUILD_INFO, [(build, 1)])?;

        let mut requests = Vec::new();
        for (route, metrics) in numbers.http.routes() {
            for (method, status, number) in metrics.requests() {
                requests.push((route, method, status.to_string(), number));
            }
        }
        let requests = requests
            .iter()
            .map(|(route, method, status, number)| ([*route, *method, status.as_str()], *number));
        page.counters(&HTTP_REQUESTS, requests)?;
        let durations = numbers.http.routes();
        let durations = durations.map(|(route, metrics)| ([route], &metrics.duration));
        page.histograms(&HTTP_DURATION, durations)?;
        let in_flight = numbers.in_flight.load(Ordering::Relaxed);
        page.gauges(&HTTP_IN_FLIGHT, [([], in_flight.max(0))])?;
        for (metric, kinds) in [
            (&FAILURES, &numbers.failures),
            (&REJECTIONS, &numbers.rejections),
            (&DECISIONS, &numbers.decisions),
        ] {
            page.counters(metric, kinds.all().map(|(kind, number)| ([kind], number)))?;
        }

        let instances = sources.map_or(0, |sources| sources.engine.active_instances());
        page.gauges(&ACTIVE_INSTANCES, [([], signed(instances as u64))])?;
        let jobs = numbers.jobs.get().map_or(0, |running| *running.borrow());
        page.gauges(&JOBS_ACTIVE, [([], signed(jobs as u64))])?;
        self.invocations(&mut page)?;
        page.histograms(&INSTANTIATION, [([], &numbers.instantiation)])?;
        page.histograms(&COMPILATION, [([], &numbers.compilation)])?;
        let cache = sources.map_or(Default::default(), |sources| sources.engine.cache_stats());
        page.counters(&CACHE_HITS, [([], cache.hits)])?;
        page.counters(&CACHE_MISSES, [([], cache.misses)])?;

        self.tenants(&mut page)?;

        let workers = sources.and_then(|sources| sources.device.as_ref());
        let workers = workers.map_or(0, |device| device.workers());
        page.gauges(&DEVICE_WORKERS, [([], signed(workers as u64))])?;
        let audit = sources.and_then(|sources| sources.audit.as_ref());
        let audit = audit.map_or(AuditStats::default(), |audit| audit.stats());
        page.counters(&AUDIT_WRITTEN, [([], audit.written)])?;
        page.counters(&AUDIT_LOST, [([], audit.lost)])?;
        page.gauges(&AUDIT_WAITING, [([], signed(audit.waiting))])?;
        page.gauges(&AUDIT_FAILING, [([], i64::from(audit.failing))])?;
        let traces = sources.and_then(|sources| sources.traces.as_ref());
        let spans = traces.map_or(SpanStats::default(), |traces| traces.stats());
        page.counters(&SPANS_EXPORTED, [([], spans.exported)])?;
        let dropped = [
            (["queue_full"], spans.queue_full),
            (["export_failed"], spans.export_failed),
        ];
        page.counters(&SPANS_DROPPED, dropped)
    }
}

impl Collector {
    /// The invocations of each tenant that run, and that wait.
    fn invocations(&self, page: &mut Page<'_>) -> Result<(), Error> {
        let numbers = &*self.0;
        let now = numbers.invocations.get().map(|invocations| invocations());
        let mut by_label = BTreeMap::<String, (u64, u64)>::new();
        for one in now.unwrap_or_default() {
            let (running, waiting) = by_label
                .entry(numbers.tenants.label(one.tenant))
                .or_default();
            *running += one.running as u64;
            *waiting += one.waiting as u64;
        }
        // One without any has a series all the same, which queries need.
        for (label, _) in numbers.tenants.all() {
            by_label.entry(label).or_default();
        }
        let each = |of: fn(&(u64, u64)) -> u64| {
            let series = by_label.iter();
            series.map(move |(label, held)| ([label.as_str()], signed(of(held))))
        };
        page.gauges(&INVOCATIONS_RUNNING, each(|held| held.0))?;
        page.gauges(&INVOCATIONS_WAITING, each(|held| held.1))
    }

    /// What each tenant uses.
    fn tenants(&self, page: &mut Page<'_>) -> Result<(), Error> {
        let numbers = &*self.0;
        // First, since it may give tenants a label.
        let mut memory = BTreeMap::<String, (u64, f64)>::new();
        if let Some(sources) = numbers.sources.get() {
            for held in sources.grants.memory() {
                let label = match held.tenant {
                    Some(id) => numbers.tenants.label(id),
                    None => "other".to_owned(),
                };
                let (bytes, byte_seconds) = memory.entry(label).or_default();
                *bytes += held.bytes;
                *byte_seconds += held.byte_nanoseconds as f64 / 1e9;
            }
        }
        let tenants = numbers.tenants.all();
        let used: Vec<(&str, Usage)> = tenants
            .iter()
            .map(|(label, numbers)| (label.as_str(), numbers.usage()))
            .collect();
        page.counters(&TENANT_REQUESTS, each(&used, |usage| usage.requests))?;
        page.counters(&TENANT_WALL, each(&used, |usage| usage.wall.as_secs_f64()))?;
        page.counters(&GUEST_CPU, each(&used, |usage| usage.guest.as_secs_f64()))?;
        page.counters(&REQUEST_BYTES, each(&used, |usage| usage.request_bytes))?;
        page.counters(&RESPONSE_BYTES, each(&used, |usage| usage.response_bytes))?;
        page.counters(&DISPATCHES, each(&used, |usage| usage.launches))?;
        page.counters(
            &DEVICE_SECONDS,
            each(&used, |usage| usage.device.as_secs_f64()),
        )?;
        page.histograms(&KERNEL_LATENCY, [([], &numbers.kernel_latency)])?;
        let bytes = memory
            .iter()
            .map(|(label, held)| ([label.as_str()], signed(held.0)));
        page.gauges(&GPU_MEMORY, bytes)?;
        let time = memory
            .iter()
            .map(|(label, held)| ([label.as_str()], held.1));
        page.counters(&GPU_MEMORY_TIME, time)
    }
}

/// A number of each tenant, with the tenant's label.
fn each<'u, T>(
    used: &'u [(&'u str, Usage)],
    of: impl Fn(&Usage) -> T + 'u,
) -> impl Iterator<Item = ([&'u str; 1], T)> + 'u {
    used.iter().map(move |(label, usage)| ([*label], of(usage)))
}

/// The page that is written.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn counters<'l, const N: usize, V: EncodeCounterValue>(
        &mut self,
        metric: &Description,
        series: impl IntoIterator<Item = ([&'l str; N], V)>,
    ) -> Result<(), Error> {
        let kind = metric.kind.metric_type();
        let mut family = self
            .0
            .encode_descriptor(metric.name, metric.help, None, kind)?;
        for (values, value) in series {
            let labels = labels(metric, values);
            let mut one = family.encode_family(&labels)?;
            one.encode_counter::<NoLabelSet, V, f64>(&value, None)?;
        }
        Ok(())
    }

    fn gauges<'l, const N: usize>(
        &mut self,
        metric: &Description,
        series: impl IntoIterator<Item = ([&'l str; N], i64)>,
    ) -> Result<(), Error> {
        let kind = metric.kind.metric_type();
        let mut family = self
            .0
            .encode_descriptor(metric.name, metric.help, None, kind)?;
        for (values, value) in series {
            let labels = labels(metric, values);
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    fn histograms<'l, const N: usize>(
        &mut self,
        metric: &Description,
        series: impl IntoIterator<Item = ([&'l str; N], &'l Histogram)>,
    ) -> Result<(), Error> {
        let kind = metric.kind.metric_type();
        let mut family = self
            .0
            .encode_descriptor(metric.name, metric.help, None, kind)?;
        for (values, histogram) in series {
            let labels = labels(metric, values);
            let now = histogram.snapshot();
            let mut one = family.encode_family(&labels)?;
            one.encode_histogram::<NoLabelSet>(now.seconds, now.count, &now.buckets, None)?;
        }
        Ok(())
    }
}

/// Names and values of labels.
fn labels<'l, const N: usize>(
    metric: &Description,
    values: [&'l str; N],
) -> Vec<(&'static str, &'l str)> {
    metric.labels.iter().copied().zip(values).collect()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
