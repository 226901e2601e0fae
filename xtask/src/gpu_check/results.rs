//! What `gpu-check` found, as a table for readers, a page of the documentation, and JSON.

use std::{
    fmt::{self, Write as _},
    time::SystemTime,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Everything of one run.
pub struct Results {
    /// Whether this was seen on a GPU.
    pub is_real: bool,
    /// The driver and its devices, as they were listed.
    pub found: Value,
    /// What was checked, where it is known.
    pub commit: Value,
    /// One for each kernel and compiler.
    pub kernels: Vec<Value>,
    /// The tests that ran the kernels.
    pub corpus: Tests,
    /// The device's own tests.
    pub device: Tests,
}

/// What a run of tests said.
#[derive(Default, Debug, PartialEq)]
pub struct Tests {
    pub passed: Vec<String>,
    pub failed: Vec<String>,
    /// Whether the program itself did.
    pub succeeded: bool,
}

impl Tests {
    /// Reads a line of `cargo test`: `test faults::a_fault_is_told ... ok`.
    pub fn read(&mut self, line: &str) {
        let Some((name, outcome)) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.rsplit_once(" ... "))
        else {
            return;
        };
        match outcome {
            "ok" => self.passed.push(name.to_owned()),
            "FAILED" => self.failed.push(name.to_owned()),
            _ => {}
        }
    }
}

impl fmt::Display for Tests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (passed, failed) = (self.passed.len(), self.failed.len());
        write!(f, "{passed} passed, {failed} failed")?;
        if failed == 0 && !self.succeeded {
            f.write_str(", and the run broke off")?;
        }
        Ok(())
    }
}

/// The lines that the tests wrote, in order, and a failure for each kernel that none tells of.
///
/// # Errors
/// Where a line is no JSON.
pub fn kernels(lines: &str, corpus: &[(String, String)]) -> Result<Vec<Value>> {
    let mut found: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).context("a result that is no JSON"))
        .collect::<Result<_>>()?;
    for (name, compiler) in corpus {
        let is =
            |kernel: &Value| text(kernel, "kernel") == name && text(kernel, "compiler") == compiler;
        if !found.iter().any(is) {
            found.push(json!({
                "kernel": name,
                "compiler": compiler,
                "result": "failed",
                "failure": "it was not reached",
            }));
        }
    }
    found.sort_by(|a, b| {
        let key = |kernel| (text(kernel, "kernel"), text(kernel, "compiler"));
        key(a).cmp(&key(b))
    });
    Ok(found)
}

/// How many kernels came to what.
pub fn summary(kernels: &[Value]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for kernel in kernels {
        let result = text(kernel, "result");
        match counts.iter_mut().find(|(name, _)| *name == result) {
            Some((_, count)) => *count += 1,
            None => counts.push((result, 1)),
        }
    }
    let counts = counts
        .into_iter()
        .map(|(name, count)| format!("{count} {name}"));
    counts.collect::<Vec<_>>().join(", ")
}

/// The devices, as people say them.
pub fn devices(found: &Value) -> Vec<String> {
    let devices = found.get("devices").and_then(Value::as_array);
    let said = |device: &Value| {
        let number = |name| device.get(name).and_then(Value::as_u64).unwrap_or(0);
        format!(
            "{} (sm_{}, {} multiprocessors, {:.1} GiB)",
            text(device, "name"),
            number("target"),
            number("multiprocessors"),
            number("memory_bytes") as f64 / (1_u64 << 30) as f64
        )
    };
    devices.into_iter().flatten().map(said).collect()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

impl Results {
    /// What is not as it should be.
    pub fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        let broken = |kernel: &&Value| text(kernel, "result") == "failed";
        let count = self.kernels.iter().filter(broken).count();
        if count > 0 {
            failures.push(format!("{count} kernels failed"));
        }
        for (what, tests) in [
            ("the kernels'", &self.corpus),
            ("the device's", &self.device),
        ] {
            if !tests.succeeded || tests.passed.is_empty() {
                failures.push(format!("{what} tests: {tests}"));
            }
        }
        failures
    }

    /// The conditions and the table.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        if !self.is_real {
            text.push_str(
                "**NO GPU: a driver without a device stands in. This tests the command, and shows nothing of a GPU.**\n\n",
            );
        }
        let driver = self
            .found
            .get("driver")
            .and_then(Value::as_i64)
            .unwrap_or(0);
        let _ = writeln!(text, "- date: {}", today());
        for (number, device) in devices(&self.found).iter().enumerate() {
            let _ = writeln!(text, "- device {number}: {device}");
        }
        let _ = writeln!(
            text,
            "- driver: for CUDA {}.{}\n- kernels: {}\n- the device's own tests: {}",
            driver / 1000,
            driver % 1000 / 10,
            summary(&self.kernels),
            self.device
        );
        for name in self.device.failed.iter().chain(&self.corpus.failed) {
            let _ = writeln!(text, "- **failed**: `{name}`");
        }
        text.push_str(
            "\n| kernel | compiler | result | measured by | largest difference | device | processor |\n\
             |---|---|---|---|---|---:|---:|\n",
        );
        for kernel in &self.kernels {
            let _ = writeln!(text, "{}", row(kernel));
        }
        text
    }

    /// The page of the documentation. Only for what was seen on a GPU.
    pub fn page(&self) -> String {
        let commit = self.commit.as_str().unwrap_or("unknown");
        format!(
            "# Seen on a GPU\n\n\
             `cargo xtask gpu-check` wrote this page on a machine with a GPU. Each kernel of\n\
             `host/ptx/corpus` ran there and on the processor, from the PTX of two compilers. What has one\n\
             result by [Numerics](numerics.md) must have the same bits; the rest must meet the kernel's own\n\
             expectation on both, and how far they are apart is told. Times are those of the launches, each\n\
             waited for, the first one included.\n\n\
             - commit: {commit}\n{}",
            self.markdown()
        )
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let tests = |tests: &Tests| {
            json!({
                "passed": tests.passed,
                "failed": tests.failed,
                "succeeded": tests.succeeded,
            })
        };
        json!({
            "seen_on_a_gpu": self.is_real,
            "date": today(),
            "commit": self.commit,
            "driver": self.found.get("driver"),
            "devices": self.found.get("devices"),
            "kernels": self.kernels,
            "corpus_tests": tests(&self.corpus),
            "device_tests": tests(&self.device),
        })
    }
}

fn row(kernel: &Value) -> String {
    let number = |name| kernel.get(name).and_then(Value::as_u64);
    let time = |name| match number(name) {
        Some(nanoseconds) if nanoseconds > 0 => format!("{:.1} µs", nanoseconds as f64 / 1e3),
        _ => String::new(),
    };
    let result = match (text(kernel, "result"), text(kernel, "failure")) {
        (result, "") => result.to_owned(),
        // A line of the table stays one.
        (result, failure) => format!("**{result}**: {}", failure.replace(['\n', '|'], " ")),
    };
    let measure = match (text(kernel, "measure"), text(kernel, "why")) {
        (measure, "") => measure.to_owned(),
        (measure, why) => format!("{measure}: {why}"),
    };
    let difference = match (number("differing"), number("largest_ulps")) {
        (Some(0), _) if number("launches") > Some(0) => "none".to_owned(),
        (Some(0) | None, _) => String::new(),
        (Some(count), ulps) => {
            let absolute = kernel.get("largest_difference").and_then(Value::as_f64);
            let mut said = format!("{count} of {}", number("values").unwrap_or(0));
            if let (Some(ulps), Some(absolute)) = (ulps, absolute) {
                let _ = write!(said, ", {ulps} ULP, {absolute:.1e}");
            }
            said
        }
    };
    format!(
        "| {} | {} | {result} | {measure} | {difference} | {} | {} |",
        text(kernel, "kernel"),
        text(kernel, "compiler"),
        time("device_ns"),
        time("processor_ns")
    )
}

/// The date, in universal time.
fn today() -> String {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    now.split('T').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn results(is_real: bool, lines: &str) -> Results {
        let passed = Tests {
            passed: vec!["one".to_owned()],
            failed: Vec::new(),
            succeeded: true,
        };
        Results {
            is_real,
            found: json!({ "driver": 12040, "devices": [
                { "name": "A", "target": 90, "multiprocessors": 8, "memory_bytes": 1_u64 << 31 },
            ]}),
            commit: Value::Null,
            kernels: kernels(
                lines,
                &["nvrtc", "clang"].map(|compiler| ("saxpy".to_owned(), compiler.to_owned())),
            )
            .unwrap(),
            corpus: Tests {
                passed: vec!["two".to_owned()],
                ..Tests {
                    succeeded: true,
                    ..Tests::default()
                }
            },
            device: passed,
        }
    }

    const BOTH: &str = r#"{"kernel":"saxpy","compiler":"nvrtc","result":"same bits","measure":"bits","launches":1,"differing":0,"device_ns":2500}
{"kernel":"saxpy","compiler":"clang","result":"within tolerance","measure":"expectation","why":"x","launches":1,"values":9,"differing":2,"largest_ulps":3,"largest_difference":0.5}"#;

    #[test]
    fn the_table_lists_each_kernels_result_and_largest_difference() {
        let results = results(true, BOTH);
        let table = results.markdown();
        for line in [
            "- device 0: A (sm_90, 8 multiprocessors, 2.0 GiB)",
            "- driver: for CUDA 12.4",
            "| saxpy | nvrtc | same bits | bits | none | 2.5 µs |  |",
            "| saxpy | clang | within tolerance | expectation: x | 2 of 9, 3 ULP, 5.0e-1 |  |  |",
        ] {
            assert!(table.contains(line), "{table}");
        }
        assert!(!table.contains("NO GPU"));
        assert_eq!(results.failures(), Vec::<String>::new());
    }

    #[test]
    fn a_report_without_a_gpu_says_so_first() {
        let results = results(false, BOTH);
        assert!(results.markdown().starts_with("**NO GPU"));
        assert_eq!(results.json().get("seen_on_a_gpu"), Some(&json!(false)));
    }

    #[test]
    fn a_kernel_without_a_result_counts_as_failed() {
        let results = results(true, "");
        assert!(
            results
                .markdown()
                .contains("| **failed**: it was not reached |")
        );
        assert_eq!(results.failures(), ["2 kernels failed"]);
    }

    #[test]
    fn test_outcomes_are_parsed_with_their_names() {
        let mut tests = Tests::default();
        for line in [
            "running 2 tests",
            "test a::b ... ok",
            "test c ... FAILED",
            "test result: FAILED. 1 passed",
        ] {
            tests.read(line);
        }
        assert_eq!(tests.to_string(), "1 passed, 1 failed");
        assert_eq!(tests.failed, ["c"]);
    }
}
