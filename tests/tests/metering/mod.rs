//! What requests use, and how a server tells it: `/metrics`, the header `Server-Timing`, and
//! the audit log.

mod api;
mod bounds;
mod documents;
mod node;
mod page;
mod prometheus;
mod requests;
mod usage;

use std::collections::BTreeMap;
use std::process::Command;

use tensor_wasm_tests::{Serve, Server, eventually};

/// The metrics of a server at some time.
struct Page {
    text: String,
    /// Each series as it is written, with its value.
    series: BTreeMap<String, f64>,
}

impl Page {
    fn of(server: &Server) -> Page {
        let reply = server.admin("/metrics");
        assert_eq!(reply.status, 200, "{}", reply.text());
        Page::parse(reply.text())
    }

    fn parse(text: String) -> Page {
        let mut series = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
            let before = series.insert(name.to_owned(), value);
            assert_eq!(before, None, "{name} is there twice");
        }
        Page { text, series }
    }

    /// Waits until the metrics are like this: what a request used is charged when all of it is
    /// over, which may be after its response.
    fn eventually(server: &Server, what: &str, is_so: impl Fn(&Page) -> bool) -> Page {
        eventually(what, || Some(Page::of(server)).filter(&is_so))
    }

    /// The value of a series; 0 where it is not there.
    fn value(&self, series: &str) -> f64 {
        self.series.get(series).copied().unwrap_or(0.0)
    }

    /// That of the series with this one label.
    fn of_label(&self, name: &str, label: &str, value: &str) -> f64 {
        self.value(&format!("{name}{{{label}=\"{value}\"}}"))
    }

    fn of_tenant(&self, name: &str, tenant: u64) -> f64 {
        self.of_label(name, "tenant", &tenant.to_string())
    }

    /// All series of a metric.
    fn all<'p>(&'p self, name: &str) -> Vec<(&'p str, f64)> {
        let start = format!("{name}{{");
        let all = self.series.iter();
        let all = all.filter(|(series, _)| **series == name || series.starts_with(&start));
        all.map(|(series, value)| (series.as_str(), *value))
            .collect()
    }

    fn sum(&self, name: &str) -> f64 {
        self.all(name).iter().map(|(_, value)| value).sum()
    }

    /// How many requests got this answer.
    fn requests(&self, method: &str, status: u16) -> f64 {
        self.value(&format!(
            "tensor_wasm_http_requests_total{{route=\"component\",method=\"{method}\",status=\"{status}\"}}"
        ))
    }
}

/// With an address for metrics.
fn measured(serve: Serve) -> Server {
    serve.arg("--admin=127.0.0.1:0").start()
}

/// Debian's `promtool`, of the package `prometheus`, where it is installed. The caller says
/// what it leaves out without it.
fn promtool() -> Option<Command> {
    let found = Command::new("promtool").arg("--version").output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(Command::new("promtool"));
    }
    println!("skipped: promtool is not installed (Debian's package `prometheus` has it)");
    None
}
