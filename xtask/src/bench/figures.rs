//! What `bench device` found, as a table and as JSON: one row a figure, ours beside plain
//! cudarc's, and how they differ, taken round by round.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::report::median;

/// How two figures are compared.
#[derive(Clone, Copy, PartialEq)]
enum Compared {
    /// Times in nanoseconds, by what ours takes longer.
    Time,
    /// Launches in a second, by what ours takes longer for each.
    Launches,
    /// Bytes in a second, by what part of the other's ours has.
    Bandwidth,
}

/// One line of the table.
pub struct Row {
    what: String,
    compared: Compared,
    /// One figure a round; none where there is no such thing.
    ours: Vec<f64>,
    plain: Vec<f64>,
}

/// A whole run.
pub struct Report {
    /// The device, the machine and the way of measuring.
    pub conditions: Vec<(&'static str, String)>,
    /// The figures.
    pub rows: Vec<Row>,
}

/// The rows that two programs' figures make, one value a round each.
pub fn rows(ours: &[Value], plain: &[Value]) -> Vec<Row> {
    let pick = |figures: &[Value], pointer: &str| -> Vec<f64> {
        let values = figures
            .iter()
            .filter_map(|figures| figures.pointer(pointer));
        values.filter_map(Value::as_f64).collect()
    };
    let both = |what: &str, compared, pointer| Row {
        what: what.to_owned(),
        compared,
        ours: pick(ours, pointer),
        plain: pick(plain, pointer),
    };
    let mut rows = vec![
        both(
            "waited launch, p50",
            Compared::Time,
            "/waited_launch_ns/p50",
        ),
        both(
            "waited launch, p99",
            Compared::Time,
            "/waited_launch_ns/p99",
        ),
        both(
            "queued launches",
            Compared::Launches,
            "/queued_launches/done_per_second",
        ),
    ];
    let mut sizes: Vec<u64> = ours.iter().flat_map(sizes).collect();
    sizes.sort_unstable();
    sizes.dedup();
    for bytes in sizes {
        for (direction, way) in [("to_device", "to the device"), ("to_host", "to the host")] {
            for (memory, with) in [("pageable", ""), ("pinned", ", theirs from pinned memory")] {
                rows.push(Row {
                    what: format!("{} {way}{with}", size(bytes)),
                    compared: Compared::Bandwidth,
                    ours: bandwidth(ours, bytes, direction, None),
                    plain: bandwidth(plain, bytes, direction, Some(memory)),
                });
            }
        }
    }
    // A process of its own against a context in one that runs: what the isolation costs.
    rows.push(both("start", Compared::Time, "/start_ns/p50"));
    rows.push(both(
        "recovery after a fault",
        Compared::Time,
        "/recovery_ns/p50",
    ));
    rows.retain(|row| !row.ours.is_empty());
    rows
}

fn copies(figures: &Value) -> impl Iterator<Item = &Value> {
    let copies = figures.get("copies").and_then(Value::as_array);
    copies.into_iter().flatten()
}

fn sizes(figures: &Value) -> impl Iterator<Item = u64> {
    copies(figures).filter_map(|copy| copy.get("bytes").and_then(Value::as_u64))
}

/// Ours knows only one kind of the host's memory, and names none.
fn bandwidth(figures: &[Value], bytes: u64, direction: &str, memory: Option<&str>) -> Vec<f64> {
    let is = |copy: &Value, name: &str, value: &str| {
        copy.get(name).and_then(Value::as_str) == Some(value)
    };
    let fits = |copy: &&Value| {
        copy.get("bytes").and_then(Value::as_u64) == Some(bytes)
            && is(copy, "direction", direction)
            && memory.is_none_or(|memory| is(copy, "memory", memory))
    };
    let rate = |figures| {
        let copy = copies(figures).find(fits)?;
        copy.get("bytes_per_second")?.as_f64()
    };
    figures.iter().filter_map(rate).collect()
}

fn size(bytes: u64) -> String {
    for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("{} {name}", bytes / unit);
        }
    }
    format!("{bytes} B")
}

impl Row {
    fn difference(&self) -> Option<f64> {
        if self.plain.is_empty() {
            return None;
        }
        let pairs = self.ours.iter().zip(&self.plain);
        Some(median(pairs.map(|(ours, plain)| match self.compared {
            Compared::Time => ours - plain,
            Compared::Launches => 1e9 / ours - 1e9 / plain,
            Compared::Bandwidth => ours / plain,
        })))
    }

    fn shown(&self, figures: &[f64]) -> String {
        if figures.is_empty() {
            return String::new();
        }
        let middle = median(figures.iter().copied());
        match self.compared {
            Compared::Time => time(middle),
            Compared::Launches => format!("{middle:.0} /s"),
            Compared::Bandwidth if middle < 1e9 => format!("{:.0} MB/s", middle / 1e6),
            Compared::Bandwidth => format!("{:.2} GB/s", middle / 1e9),
        }
    }

    fn compared(&self) -> String {
        let Some(difference) = self.difference() else {
            return String::new();
        };
        let sign = if difference < 0.0 { "-" } else { "+" };
        match self.compared {
            Compared::Time => format!("{sign}{}", time(difference.abs())),
            Compared::Launches => format!("{sign}{} each", time(difference.abs())),
            Compared::Bandwidth => format!("{difference:.2} of it"),
        }
    }
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e6 => format!("{:.1} µs", n / 1e3),
        n => format!("{:.1} ms", n / 1e6),
    }
}

impl Report {
    /// The report in Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.conditions {
            let _ = writeln!(text, "- {name}: {value}");
        }
        text.push_str("\n| | ours | plain cudarc | difference |\n|---|---:|---:|---:|\n");
        for row in &self.rows {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} |",
                row.what,
                row.shown(&row.ours),
                row.shown(&row.plain),
                row.compared()
            );
        }
        text
    }

    /// The report's medians; times in nanoseconds, the rest in a second.
    pub fn json(&self) -> Value {
        let conditions: serde_json::Map<_, _> = self
            .conditions
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let middle = |figures: &[f64]| match figures {
            [] => Value::Null,
            some => json!(median(some.iter().copied())),
        };
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "what": row.what,
                    "ours": middle(&row.ours),
                    "plain": middle(&row.plain),
                    "difference": row.difference(),
                    "difference_is": match row.compared {
                        Compared::Time => "nanoseconds",
                        Compared::Launches => "nanoseconds for each",
                        Compared::Bandwidth => "ratio",
                    },
                })
            })
            .collect();
        json!({ "conditions": conditions, "rows": rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(p50: u64, per_second: u64, rate: u64, memory: Option<&str>) -> Value {
        let mut copy = json!({
            "bytes": 4096, "direction": "to_device", "bytes_per_second": rate,
        });
        if let Some(memory) = memory {
            copy["memory"] = json!(memory);
        }
        json!({
            "waited_launch_ns": { "p50": p50, "p99": 2 * p50 },
            "queued_launches": { "done_per_second": per_second },
            "copies": [copy],
            "start_ns": { "p50": 1000 },
        })
    }

    #[test]
    fn ratios_are_computed_within_each_round() {
        let ours = [
            figures(9_000, 500_000, 500_000_000, None),
            figures(90_000, 50_000, 50_000_000, None),
        ];
        let plain = [
            figures(4_000, 1_000_000, 1_000_000_000, Some("pageable")),
            figures(80_000, 100_000, 100_000_000, Some("pageable")),
        ];
        let report = Report {
            conditions: vec![("device", "none".to_owned())],
            rows: rows(&ours, &plain),
        };
        let table = report.markdown();
        for line in [
            "| waited launch, p50 | 9.0 µs | 4.0 µs | +5.0 µs |",
            "| queued launches | 50000 /s | 100000 /s | +1.0 µs each |",
            "| 4 KiB to the device | 50 MB/s | 100 MB/s | 0.50 of it |",
        ] {
            assert!(table.contains(line), "{table}");
        }
        assert!(!table.contains("recovery"), "{table}");
    }

    #[test]
    fn sizes_and_durations_are_formatted_in_a_fitting_unit() {
        assert_eq!(size(1 << 30), "1 GiB");
        assert_eq!(size(4096), "4 KiB");
        assert_eq!(size(1000), "1000 B");
        assert_eq!(time(950.0), "950 ns");
        assert_eq!(time(2_500_000.0), "2.5 ms");
    }
}
