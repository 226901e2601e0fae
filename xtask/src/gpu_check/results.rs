//! What tests and kernels came to, read from what they write, and as a table for readers.

use std::{
    fmt::{self, Write as _},
    time::SystemTime,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::child::Ended;

/// What a run of tests said.
#[derive(Default, Debug, PartialEq)]
pub struct Tests {
    pub passed: Vec<String>,
    pub failed: Vec<String>,
    /// Whether the program itself did.
    pub succeeded: bool,
}

impl Tests {
    /// Of a program of tests that has ended.
    pub fn of(ended: &Ended) -> Self {
        let mut tests = Self {
            succeeded: ended.succeeded(),
            ..Self::default()
        };
        ended.said().lines().for_each(|line| tests.read(line));
        tests
    }

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

/// The devices, as `tensor-wasm devices --json` lists them, as people say them.
pub fn devices(found: &[Value]) -> Vec<String> {
    let said = |device: &Value| {
        let number = |name| device.get(name).and_then(Value::as_u64).unwrap_or(0);
        format!(
            "{} (compute capability {}, {} multiprocessors, {:.1} GiB), driver for CUDA {}",
            text(device, "name"),
            text(device, "compute_capability"),
            number("multiprocessors"),
            number("memory_bytes") as f64 / (1_u64 << 30) as f64,
            text(device, "driver")
        )
    };
    found.iter().map(said).collect()
}

/// Whether it is what the driver without a device shows, by its name.
pub fn is_stand_in(device: &Value) -> bool {
    text(device, "name").contains("no GPU")
}

pub fn has_failed(kernel: &Value) -> bool {
    text(kernel, "result") == "failed"
}

/// A field's text; an empty one where there is none.
pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The kernels as a table.
pub fn table(kernels: &[Value]) -> String {
    let mut text =
        "| kernel | compiler | result | measured by | largest difference | device | processor |\n\
                    |---|---|---|---|---|---:|---:|\n"
            .to_owned();
    for kernel in kernels {
        let _ = writeln!(text, "{}", row(kernel));
    }
    text
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
pub fn today() -> String {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    now.split('T').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const BOTH: &str = r#"{"kernel":"saxpy","compiler":"nvrtc","result":"same bits","measure":"bits","launches":1,"differing":0,"device_ns":2500}
{"kernel":"saxpy","compiler":"clang","result":"within tolerance","measure":"expectation","why":"x","launches":1,"values":9,"differing":2,"largest_ulps":3,"largest_difference":0.5}"#;

    fn both(lines: &str) -> Vec<Value> {
        let compilers = ["nvrtc", "clang"];
        kernels(
            lines,
            &compilers.map(|compiler| ("saxpy".to_owned(), compiler.to_owned())),
        )
        .unwrap()
    }

    #[test]
    fn the_table_lists_each_kernels_result_and_largest_difference() {
        let found = both(BOTH);
        let table = table(&found);
        for line in [
            "| saxpy | nvrtc | same bits | bits | none | 2.5 µs |  |",
            "| saxpy | clang | within tolerance | expectation: x | 2 of 9, 3 ULP, 5.0e-1 |  |  |",
        ] {
            assert!(table.contains(line), "{table}");
        }
        assert_eq!(summary(&found), "1 within tolerance, 1 same bits");
        assert!(!found.iter().any(has_failed));
    }

    #[test]
    fn a_kernel_without_a_result_counts_as_failed() {
        let found = both("");
        assert!(table(&found).contains("| **failed**: it was not reached |"));
        assert_eq!(found.iter().filter(|kernel| has_failed(kernel)).count(), 2);
    }

    #[test]
    fn devices_are_told_with_their_driver_and_the_one_that_is_none_by_its_name() {
        let device = json!({
            "name": "A", "compute_capability": "9.0", "multiprocessors": 8,
            "memory_bytes": 1_u64 << 31, "driver": "12.4",
        });
        assert!(!is_stand_in(&device));
        assert_eq!(
            devices(&[device]),
            ["A (compute capability 9.0, 8 multiprocessors, 2.0 GiB), driver for CUDA 12.4"]
        );
        assert!(is_stand_in(
            &json!({ "name": "TensorWasm test driver (no GPU)" })
        ));
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
