//! The page is what scrapers read: in its format, with its content type.

use std::io::Write;
use std::process::Stdio;

use reqwest::Method;
use tensor_wasm_tests::{Reply, Serve, Server, guest};

use super::{Page, measured, promtool};

fn scrape(server: &Server, method: Method, accept: Option<&str>) -> Reply {
    let address = server.start().admin.unwrap();
    let client = reqwest::blocking::Client::new();
    let request = client.request(method, format!("http://{address}/metrics"));
    server.send(match accept {
        Some(accept) => request.header("accept", accept),
        None => request,
    })
}

/// A server that has seen requests of several kinds.
fn used() -> Server {
    let server = measured(Serve::new(guest("launches_many")));
    server.get("/busy/3");
    server.post("/nothing", "body");
    server
}

#[test]
fn the_page_is_prometheus_text_and_open_metrics_for_those_who_ask() {
    let server = used();
    let reply = scrape(&server, Method::GET, None);
    let text = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(reply.header("content-type"), Some(text));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    // As a server of Prometheus asks.
    let accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4";
    let open = scrape(&server, Method::GET, Some(accept));
    assert_eq!(
        open.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert!(open.text().ends_with("# EOF\n"));
    let head = scrape(&server, Method::HEAD, None);
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    let post = scrape(&server, Method::POST, None);
    assert_eq!(
        (post.status.as_u16(), post.header("allow")),
        (405, Some("GET, HEAD"))
    );
}

/// What the text format demands (Prometheus, exposition formats), by nobody's parser.
#[test]
fn each_metric_has_its_help_and_type_once_and_each_sample_belongs_to_the_one_before() {
    let server = used();
    let page = Page::of(&server);
    let (mut seen, mut current, mut kind) = (Vec::new(), String::new(), String::new());
    assert!(page.text.ends_with('\n'));
    for line in page.text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            assert!(
                !help.is_empty() && !seen.contains(&name.to_owned()),
                "{line}"
            );
            seen.push(name.to_owned());
            current = name.to_owned();
        } else if let Some(of) = line.strip_prefix("# TYPE ") {
            let (name, of) = of.split_once(' ').unwrap();
            assert_eq!(name, current);
            kind = of.to_owned();
        } else {
            let name = line.split(['{', ' ']).next().unwrap();
            let is_its_own = match kind.as_str() {
                "histogram" => ["_bucket", "_sum", "_count"]
                    .iter()
                    .any(|suffix| name.strip_suffix(suffix) == Some(current.as_str())),
                "counter" => name == current && name.ends_with("_total"),
                "gauge" => name == current,
                other => panic!("{other}"),
            };
            assert!(is_its_own, "{line} after {current} of kind {kind}");
            assert!(name.starts_with("tensor_wasm_"), "{line}");
        }
    }
    // Buckets only grow, and the last one has all.
    for (series, count) in page.all("tensor_wasm_kernel_latency_seconds_count") {
        assert_eq!(count, 3.0, "{series}");
    }
    let buckets = page.text.lines();
    let buckets =
        buckets.filter(|line| line.starts_with("tensor_wasm_kernel_latency_seconds_bucket"));
    let counts: Vec<f64> = buckets
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    assert!(
        counts.is_sorted() && counts.last() == Some(&3.0),
        "{counts:?}"
    );
}

#[test]
fn promtool_finds_nothing_wrong_with_the_page() {
    let Some(mut promtool) = promtool() else {
        return;
    };
    let server = used();
    let page = Page::of(&server);
    let mut child = promtool
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(page.text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.is_empty(), "{said}");
}
