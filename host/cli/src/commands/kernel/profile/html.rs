//! A profile as a page: the whole text of the module beside the counts. One file, without scripts
//! and without anything from elsewhere.

use std::fmt::Write as _;

use super::Profiled;
use super::table::{notes, summary};

const STYLE: &str = "\
body { font-family: sans-serif; margin: 2em }
table { border-collapse: collapse; font-family: monospace }
td { padding: 0 0.8em; white-space: pre; vertical-align: top }
td.n { text-align: right; color: #555 }
td.notes { color: #a00; font-family: sans-serif }
";

impl Profiled<'_> {
    pub(super) fn html(&self) -> String {
        let total = self.profile.total();
        let most = self
            .profile
            .lines
            .values()
            .map(|line| line.executions)
            .max();
        let title = escaped(&format!("kernel {}", self.prepared.kernel));
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\n\
             <style>\n{STYLE}</style></head><body>\n<h1>{title}</h1>\n\
             <p>{} blocks, {} threads, {} instructions of threads, {} of warps</p>\n<ul>\n",
            self.profile.blocks, self.profile.threads, total.executions, total.warp_executions
        );
        let failure = self
            .failure
            .iter()
            .map(|failure| format!("ended early: {failure}"));
        for line in summary(&total).into_iter().chain(failure) {
            // Writing to a string can't fail.
            let _ = writeln!(page, "<li>{}</li>", escaped(&line));
        }
        page += "</ul>\n<table>\n<tr><td class=\"n\">line</td><td class=\"n\">threads</td>\
                 <td class=\"n\">warps</td><td>text</td><td></td></tr>\n";
        for (number, text) in (1_u32..).zip(self.lines()) {
            let (mut threads, mut warps) = (String::new(), String::new());
            let (mut said, mut shade) = (String::new(), 0.0);
            if let Some(line) = self.profile.lines.get(&number) {
                threads = line.executions.to_string();
                warps = line.warp_executions.to_string();
                said = notes(line).join(", ");
                shade = line.executions as f64 / most.unwrap_or(1).max(1) as f64 * 0.5;
            }
            let _ = writeln!(
                page,
                "<tr style=\"background: rgba(255, 200, 0, {shade:.3})\"><td class=\"n\">{number}</td>\
                 <td class=\"n\">{threads}</td><td class=\"n\">{warps}</td><td>{}</td>\
                 <td class=\"notes\">{}</td></tr>",
                escaped(&text),
                escaped(&said)
            );
        }
        page + "</table>\n</body></html>\n"
    }
}

/// Text as HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
