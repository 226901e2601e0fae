//! What the documentation says of metrics, the dashboard and the alerts fit a server.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tensor_wasm_tests::{Serve, guest};

use super::{Page, measured, promtool};

/// A file of the documentation.
pub fn docs(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(file)
}

fn read(file: &str) -> String {
    fs::read_to_string(docs(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The page of a server that has done a bit of everything.
fn page() -> Page {
    let server = measured(
        Serve::new(guest("launches_many"))
            .arg("--policy")
            .arg(guest("policy_admits_as"))
            .arg("--audit-log=none")
            .arg("--max-body-bytes=10"),
    );
    server.get("/busy/2");
    server.post("/", "more than ten bytes");
    Page::eventually(&server, "the end of the requests", |page| {
        page.value("tensor_wasm_kernel_latency_seconds_count") == 2.0
            && page.sum("tensor_wasm_tenant_requests_total") == 1.0
    })
}

/// Each metric of a page with its type.
fn types(page: &Page) -> BTreeMap<&str, &str> {
    let lines = page.text.lines();
    let lines = lines.filter_map(|line| line.strip_prefix("# TYPE "));
    lines.map(|line| line.split_once(' ').unwrap()).collect()
}

/// The names of labels of each metric that has samples, but for the bounds of buckets.
fn labels(page: &Page) -> BTreeMap<String, BTreeSet<String>> {
    let types = types(page);
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for series in page.series.keys() {
        let (name, list) = series.split_once('{').unwrap_or((series, ""));
        let suffixes = ["_bucket", "_sum", "_count"];
        let family = suffixes
            .iter()
            .filter_map(|suffix| name.strip_suffix(suffix));
        let family = family
            .chain([name])
            .find(|name| types.contains_key(name))
            .unwrap();
        let names = list
            .trim_end_matches('}')
            .split(',')
            .filter_map(|label| label.split_once('='));
        let names = names
            .map(|(name, _)| name.to_owned())
            .filter(|name| name != "le");
        found.entry(family.to_owned()).or_default().extend(names);
    }
    found
}

#[test]
fn the_documentation_has_each_metric_with_its_type_and_labels_and_no_other() {
    let page = page();
    let text = read("metrics.md");
    let mut documented = BTreeMap::new();
    for row in text
        .lines()
        .filter(|line| line.starts_with("| `tensor_wasm_"))
    {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, labels, meaning] = cells[..] else {
            panic!("{row}");
        };
        assert!(meaning.len() > 5, "{row}");
        let name = name.trim_matches('`');
        let labels: BTreeSet<String> = labels
            .split(", ")
            .filter(|label| !label.is_empty())
            .map(|label| label.trim_matches('`').to_owned())
            .collect();
        let before = documented.insert(name.to_owned(), (kind.to_owned(), labels));
        assert!(before.is_none(), "{name} is there twice");
    }
    let served: BTreeSet<&str> = types(&page).into_keys().collect();
    let names: BTreeSet<&str> = documented.keys().map(String::as_str).collect();
    assert_eq!(names, served);
    let labels = labels(&page);
    for (name, kind) in types(&page) {
        let (documented_kind, documented_labels) = &documented[name];
        assert_eq!(documented_kind, kind, "{name}");
        if let Some(labels) = labels.get(name) {
            assert_eq!(documented_labels, labels, "{name}");
        }
    }
}

/// The names in an expression that look like metrics of this program.
fn named(expression: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = expression.split(|c| !is_part(c));
    let words = words.filter(|word| word.starts_with("tensor_wasm_"));
    words.map(str::to_owned).collect()
}

/// Each name is one of samples that a server has.
fn assert_served(page: &Page, expression: &str) {
    let types = types(page);
    for name in named(expression) {
        let served = match types.get(name.as_str()) {
            Some(kind) => *kind != "histogram",
            None => ["_bucket", "_sum", "_count"].iter().any(|suffix| {
                let family = name.strip_suffix(suffix);
                family.and_then(|family| types.get(family)) == Some(&"histogram")
            }),
        };
        assert!(served, "no server has {name}, in {expression}");
    }
}

/// Each label that an expression selects or groups by is one of a metric in it.
fn assert_labels(page: &Page, expression: &str) {
    let all = labels(page);
    let has = |label: &str| {
        let metrics = named(expression).into_iter();
        metrics
            .flat_map(|name| {
                let stems = ["_bucket", "_sum", "_count", ""];
                stems.map(|stem| name.strip_suffix(stem).unwrap_or(&name).to_owned())
            })
            .any(|family| {
                all.get(&family)
                    .is_some_and(|labels| labels.contains(label))
            })
    };
    for by in expression.split("by (").skip(1) {
        let list = by.split(')').next().unwrap();
        for label in list.split(',').map(str::trim) {
            // Those that Prometheus itself adds.
            let is_added = ["le", "instance", "job"].contains(&label);
            assert!(is_added || has(label), "{label} in {expression}");
        }
    }
}

#[test]
fn the_queries_of_the_dashboard_are_of_metrics_that_a_server_has() {
    let page = page();
    let dashboard: Value = serde_json::from_str(&read("dashboards/tensor-wasm.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut queries = 0;
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert!(
            panel["title"]
                .as_str()
                .is_some_and(|title| !title.is_empty()),
            "{panel}"
        );
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{panel}");
        for target in targets {
            let expression = target["expr"].as_str().unwrap();
            assert!(!named(expression).is_empty(), "{expression}");
            assert_served(&page, expression);
            assert_labels(&page, expression);
            queries += 1;
        }
    }
    assert!(queries >= 15, "{queries}");
}

/// Each query of the dashboard is one that Prometheus parses: as a rule that records it.
#[test]
fn promtool_finds_nothing_wrong_with_the_queries_of_the_dashboard() {
    let Some(mut promtool) = promtool() else {
        return;
    };
    let dashboard: Value = serde_json::from_str(&read("dashboards/tensor-wasm.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels
        .filter_map(|panel| panel["targets"].as_array())
        .flatten();
    let mut rules = "groups:\n- name: dashboard\n  rules:\n".to_owned();
    for (number, target) in targets.enumerate() {
        let expression = target["expr"].as_str().unwrap();
        let expression = expression.replace("$__rate_interval", "5m");
        let expression = expression.replace("$job", ".*").replace("$instance", ".*");
        let quoted = serde_json::to_string(&expression).unwrap();
        rules += &format!("  - record: query:number{number}\n    expr: {quoted}\n");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), rules).unwrap();
    let output = promtool
        .args(["check", "rules"])
        .arg(file.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn the_alerts_are_of_metrics_that_a_server_has() {
    let page = page();
    let rules = read("alerts/tensor-wasm.yml");
    let recorded: BTreeSet<&str> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- record: "))
        .collect();
    let names = named(&rules);
    let names = names
        .iter()
        .filter(|name| !recorded.contains(name.as_str()));
    let mut number = 0;
    for name in names {
        assert_served(&page, name);
        number += 1;
    }
    assert!(number >= 5, "{number}");
}

#[test]
fn promtool_finds_nothing_wrong_with_the_alerts() {
    for (command, file) in [
        ("check", "alerts/tensor-wasm.yml"),
        ("test", "alerts/tensor-wasm-test.yml"),
    ] {
        let Some(mut promtool) = promtool() else {
            return;
        };
        let output = promtool
            .args([command, "rules"])
            .arg(docs(file))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
}
