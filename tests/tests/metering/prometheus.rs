//! A real Prometheus scrapes a server, runs each query of the dashboard, and evaluates the rules.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use reqwest::blocking::Client;
use reqwest::{Method, Url};
use serde_json::Value;
use tempfile::TempDir;
use tensor_wasm_test_process::Process;
use tensor_wasm_tests::{PATIENCE, Serve, eventually, guest};

use super::{documents::docs, measured};

/// A Prometheus that scrapes one server. Dropping it kills it.
struct Prometheus {
    process: Process,
    address: String,
    client: Client,
    _folder: TempDir,
}

impl Prometheus {
    /// `None` where it is not installed.
    fn start(target: &str, rules: &Path) -> Option<Prometheus> {
        let found = Command::new("prometheus").arg("--version").output();
        if !found.is_ok_and(|output| output.status.success()) {
            println!("skipped: prometheus is not installed (Debian's package `prometheus`)");
            return None;
        }
        let folder = TempDir::new().unwrap();
        let config = folder.path().join("prometheus.yml");
        let rules = rules.canonicalize().unwrap();
        let text = format!(
            "global:\n  scrape_interval: 250ms\n  scrape_timeout: 250ms\n  evaluation_interval: 1s\n\
             rule_files: [\"{}\"]\n\
             scrape_configs:\n- job_name: tensor-wasm\n  static_configs:\n  - targets: [\"{target}\"]\n",
            rules.display()
        );
        fs::write(&config, text).unwrap();
        // The port may be taken by another before Prometheus has it, which is not likely.
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let process = Process::spawn(
            Command::new("prometheus")
                .arg(format!("--config.file={}", config.display()))
                .arg(format!(
                    "--storage.tsdb.path={}",
                    folder.path().join("data").display()
                ))
                .arg(format!("--web.listen-address={address}"))
                .arg("--log.level=error"),
        )
        .unwrap();
        let client = Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .build()
            .unwrap();
        Some(Prometheus {
            process,
            address,
            client,
            _folder: folder,
        })
    }

    fn ask(&self, path: &str, query: &[(&str, &str)]) -> Option<Value> {
        let url = format!("http://{}/api/v1/{path}", self.address);
        let url = Url::parse_with_params(&url, query).unwrap();
        let reply = self.client.get(url).send().ok()?;
        serde_json::from_slice(&reply.bytes().ok()?).ok()
    }

    /// The samples that a query has now.
    fn query(&self, expression: &str) -> Vec<Value> {
        let reply = self.ask("query", &[("query", expression)]);
        let reply = reply.unwrap_or_else(|| panic!("{}", self.process.stderr.text()));
        assert_eq!(reply["status"], "success", "{expression}: {reply}");
        reply["data"]["result"].as_array().unwrap().clone()
    }
}

#[test]
fn prometheus_has_an_answer_to_each_query_of_the_dashboard_and_evaluates_each_rule() {
    let server = measured(
        Serve::new(guest("launches_many"))
            .arg("--policy")
            .arg(guest("policy_admits_as"))
            .arg("--audit-log=none")
            .arg("--max-body-bytes=10"),
    );
    let target = server.start().admin.unwrap().to_string();
    let Some(prometheus) = Prometheus::start(&target, &docs("alerts/tensor-wasm.yml")) else {
        return;
    };
    // A bit of everything, so that each series is there.
    let use_it = || {
        server.get("/busy/2");
        server.send(
            server
                .request(Method::POST, "/")
                .body("more than ten bytes"),
        );
    };
    use_it();
    eventually("two scrapes with all that is counted", || {
        use_it();
        std::thread::sleep(Duration::from_millis(100));
        let up = prometheus.ask(
            "query",
            &[(
                "query",
                "count_over_time(tensor_wasm_rejections_total[1m]) > 2",
            )],
        )?;
        (up["data"]["result"].as_array()?.len() == 1).then_some(())
    });
    let text = fs::read_to_string(docs("dashboards/tensor-wasm.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels
        .filter_map(|panel| panel["targets"].as_array())
        .flatten();
    for target in targets {
        let expression = target["expr"].as_str().unwrap();
        let expression = expression
            .replace("$__rate_interval", "1m")
            .replace("$job", ".*")
            .replace("$instance", ".*");
        let samples = prometheus.query(&expression);
        assert!(!samples.is_empty(), "nothing for {expression}");
    }
    let rules = eventually("all rules evaluated", || {
        let rules = prometheus.ask("rules", &[])?;
        let groups = rules["data"]["groups"].as_array()?;
        let rules: Vec<Value> = groups
            .iter()
            .filter_map(|group| group["rules"].as_array())
            .flatten()
            .cloned()
            .collect();
        let done = rules.iter().all(|rule| rule["health"] != "unknown");
        (!rules.is_empty() && done).then_some(rules)
    });
    for rule in rules {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
    eventually("a recorded ratio", || {
        let recorded = prometheus.query("tensor_wasm:request_errors:ratio_rate5m");
        (!recorded.is_empty()).then_some(())
    });
}
