//! A plot of what kernels reach, as SVG: for each kernel a bar for each way to run it, as long as its
//! rate is beside that of Rust. Its own background and a query for the reader's colours keep it
//! legible on light pages and on dark ones.

use std::fmt::Write as _;

/// One kernel's bars, in the order of the plot's ways.
pub struct Row {
    /// The kernel's name.
    pub name: String,
    /// Times the rate of Rust; `None` where it was not measured.
    pub ratios: Vec<Option<f64>>,
}

/// What is drawn.
pub struct Plot<'p> {
    /// What stands above it.
    pub title: &'p str,
    /// The ways to run a kernel, with the class that colours each.
    pub ways: &'p [(&'p str, &'p str)],
    /// The kernels, from the top.
    pub rows: &'p [Row],
}

/// Where the bars begin, how long the axis is, and how much is left behind it for figures.
const LEFT: f64 = 180.0;
const AXIS: f64 = 500.0;
const RIGHT: f64 = 60.0;
/// Above the bars: the title and the legend.
const TOP: f64 = 84.0;
const BOTTOM: f64 = 40.0;
/// Where the axis ends at the latest: what is faster ends there too, with its figure.
const MOST: f64 = 3.0;
const BAR: f64 = 14.0;
const GAP: f64 = 14.0;

const STYLE: &str = "\
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; font-size: 15px; }
.small { font-size: 11px; }
.back { fill: #ffffff; stroke: #d0d7de; }
.line { stroke: #d0d7de; }
.rust { stroke: #24292f; stroke-dasharray: 4 3; }
.a { fill: #8c959f; } .b { fill: #0969da; } .c { fill: #bc4c00; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.back { fill: #0d1117; stroke: #30363d; }
.line { stroke: #30363d; }
.rust { stroke: #e6edf3; }
.a { fill: #7d8590; } .b { fill: #58a6ff; } .c { fill: #f0883e; }
}
</style>
";

impl Plot<'_> {
    /// The plot as the text of an SVG file.
    pub fn svg(&self) -> String {
        let group = BAR * self.ways.len() as f64 + GAP;
        let height = TOP + group * self.rows.len() as f64 + BOTTOM;
        let width = LEFT + AXIS + RIGHT;
        let ratios = self.rows.iter().flat_map(|row| row.ratios.iter().flatten());
        let (step, most) = scale(ratios.copied().fold(1.0, f64::max).min(MOST));
        let at = |ratio: f64| LEFT + AXIS * (ratio / most).clamp(0.0, 1.0);

        let mut out = String::new();
        let mut put = |line: std::fmt::Arguments<'_>| {
            let _ = writeln!(out, "{line}");
        };
        put(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\">"
        ));
        put(format_args!("<title>{}</title>", escaped(self.title)));
        put(format_args!("{}", STYLE.trim_end()));
        put(format_args!(
            "<rect class=\"back\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\"/>",
            width - 1.0,
            height - 1.0
        ));
        put(format_args!(
            "<text class=\"title\" x=\"20\" y=\"30\">{}</text>",
            escaped(self.title)
        ));
        let mut x = 20.0;
        for (name, class) in self.ways {
            put(format_args!(
                "<rect class=\"{class}\" x=\"{x}\" y=\"47\" width=\"12\" height=\"12\" rx=\"2\"/>\
                 <text x=\"{}\" y=\"58\">{}</text>",
                x + 18.0,
                escaped(name)
            ));
            x += 48.0 + 7.0 * name.len() as f64;
        }

        let bottom = height - BOTTOM;
        let ticks = (most / step).round() as u32;
        for tick in 0..=ticks {
            let ratio = f64::from(tick) * step;
            let x = at(ratio);
            put(format_args!(
                "<line class=\"line\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\
                 <text class=\"small\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                bottom + 18.0,
                (ratio * 100.0).round() / 100.0
            ));
        }
        let x = at(1.0);
        put(format_args!(
            "<line class=\"rust\" x1=\"{x:.1}\" y1=\"{}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\
             <text class=\"small\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">Rust</text>",
            TOP - 4.0,
            TOP - 8.0
        ));

        for (row, top) in self
            .rows
            .iter()
            .zip((0..).map(|row| TOP + GAP / 2.0 + group * f64::from(row)))
        {
            put(format_args!(
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 10.0,
                top + (group - GAP) / 2.0 + 4.5,
                escaped(&row.name)
            ));
            for ((ratio, (_, class)), bar) in row.ratios.iter().zip(self.ways).zip(0..) {
                let Some(ratio) = ratio else {
                    continue;
                };
                let (y, end) = (top + BAR * f64::from(bar), at(*ratio));
                put(format_args!(
                    "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{:.1}\" width=\"{:.1}\" \
                     height=\"{}\" rx=\"1\"/>\
                     <text class=\"small\" x=\"{:.1}\" y=\"{:.1}\">{ratio:.2}</text>",
                    y + 1.0,
                    (end - LEFT).max(1.0),
                    BAR - 2.0,
                    end + 5.0,
                    y + BAR - 3.0
                ));
            }
        }
        put(format_args!("</svg>"));
        out
    }
}

/// A distance of ticks that people count in, and the end of an axis that reaches so far.
fn scale(most: f64) -> (f64, f64) {
    let steps = [0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];
    let step = steps.into_iter().find(|step| most / step <= 8.0);
    let step = step.unwrap_or(most / 8.0);
    (step, (most / step).ceil() * step)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kernel_has_a_bar_for_what_was_measured_and_none_for_what_was_not() {
        let plot = Plot {
            title: "a < b",
            ways: &[("W = 1", "a"), ("PoCL", "c")],
            rows: &[
                Row {
                    name: "saxpy".to_owned(),
                    ratios: vec![Some(0.5), None],
                },
                Row {
                    name: "matmul".to_owned(),
                    ratios: vec![Some(2.75), Some(1.0)],
                },
            ],
        };
        let svg = plot.svg();
        assert_eq!(svg.matches("rx=\"1\"").count(), 3, "{svg}");
        assert!(svg.contains(">a &lt; b<"), "{svg}");
        assert!(svg.contains(">2.75<"), "{svg}");
    }

    #[test]
    fn an_axis_reaches_beyond_all_bars() {
        assert_eq!(scale(1.0), (0.25, 1.0));
        assert_eq!(scale(2.7), (0.5, 3.0));
        assert_eq!(scale(9.5), (2.0, 10.0));
    }
}
