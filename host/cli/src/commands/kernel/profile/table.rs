//! A profile as a table for a terminal.

use std::fmt::Write as _;

use tensor_wasm_ptx::interpret::profile::LineProfile;

use super::{Profiled, line_text};

impl Profiled<'_> {
    /// The totals, then each line that ran, in the order of the text.
    pub(super) fn table(&self) -> String {
        let total = self.profile.total();
        let mut text = format!(
            "kernel {}: {} blocks, {} threads, {} instructions of threads, {} of warps\n",
            self.prepared.kernel,
            self.profile.blocks,
            self.profile.threads,
            total.executions,
            total.warp_executions,
        );
        for line in summary(&total) {
            // Writing to a string can't fail.
            let _ = writeln!(text, "  {line}");
        }
        if self.profile.is_split {
            text +=
                "  requests and branches of warps are too many: the kernel did too much at once\n";
        }
        let _ = writeln!(
            text,
            "\n{:>6} {:>12} {:>10}  text",
            "line", "threads", "warps"
        );
        let lines = self.lines();
        for (number, counted) in &self.profile.lines {
            let notes = notes(counted);
            let notes = match notes.is_empty() {
                true => String::new(),
                false => format!("  // {}", notes.join(", ")),
            };
            let _ = writeln!(
                text,
                "{number:>6} {:>12} {:>10}  {}{notes}",
                counted.executions,
                counted.warp_executions,
                line_text(&lines, *number),
            );
        }
        text
    }
}

/// What the counts say, in sentences with their units.
pub(super) fn summary(total: &LineProfile) -> Vec<String> {
    let mut lines = Vec::new();
    if total.branches > 0 {
        lines.push(format!(
            "{} of {} branches of warps diverge",
            total.divergent_branches, total.branches
        ));
    }
    let global = &total.global;
    if global.requests > 0 {
        lines.push(format!(
            "device memory: {} requests, {} sectors of 32 bytes ({} would do), {} bytes read, {} written",
            global.requests,
            global.sectors,
            global.ideal_sectors,
            global.bytes_read,
            global.bytes_written
        ));
    }
    let shared = &total.shared;
    if shared.requests > 0 {
        lines.push(format!(
            "shared memory: {} requests, {} passes, {} of them for bank conflicts, {} bytes read, {} written",
            shared.requests,
            shared.wavefronts,
            shared.bank_conflicts,
            shared.bytes_read,
            shared.bytes_written
        ));
    }
    if total.local_bytes > 0 {
        lines.push(format!("local memory: {} bytes", total.local_bytes));
    }
    if total.barrier_arrivals > 0 {
        lines.push(format!(
            "barriers: {} arrivals of threads, which waited {} steps",
            total.barrier_arrivals, total.barrier_waited_steps
        ));
    }
    lines
}

/// What there is to say of a line beside how often it ran.
pub(super) fn notes(line: &LineProfile) -> Vec<String> {
    let mut notes = Vec::new();
    if line.predicated_off > 0 && line.branches == 0 {
        notes.push(format!("{} predicated off", line.predicated_off));
    }
    if line.branches > 0 {
        notes.push(format!(
            "{} of {} diverge",
            line.divergent_branches, line.branches
        ));
    }
    if line.global.requests > 0 {
        notes.push(format!(
            "{} sectors in {} requests, {} would do",
            line.global.sectors, line.global.requests, line.global.ideal_sectors
        ));
    }
    if line.shared.requests > 0 {
        notes.push(format!("{} bank conflicts", line.shared.bank_conflicts));
    }
    if line.barrier_arrivals > 0 {
        notes.push(format!("waited {} steps", line.barrier_waited_steps));
    }
    notes
}
