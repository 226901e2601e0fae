//! What is looked at on a machine with a GPU that is to be had for a quarter of an hour: in parts, the most
//! valuable first, each on its own and with a time that it may take.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use super::{
    parts::{faults, figures, kernels, listing, machine, messages, service, suite},
    record::Record,
    run::Run,
};

/// A part of the script.
struct Part {
    name: &'static str,
    title: &'static str,
    /// The most that it may take.
    limit: Duration,
    run: fn(&Run<'_>, &mut Record) -> Result<()>,
    /// Whether what comes behind is of no use where this fails.
    is_needed: bool,
}

const fn part(
    name: &'static str,
    title: &'static str,
    seconds: u64,
    run: fn(&Run<'_>, &mut Record) -> Result<()>,
) -> Part {
    Part {
        name,
        title,
        limit: Duration::from_secs(seconds),
        run,
        is_needed: false,
    }
}

/// The most valuable first: what nobody can know without a GPU, then what costs most if it is wrong.
const PARTS: [Part; 7] = [
    part("machine", "The machine", 30, machine::look),
    Part {
        is_needed: true,
        ..part("probe", "The driver's devices", 130, listing::ask)
    },
    part("request", "One served request", 150, service::serve),
    part(
        "corpus",
        "Kernels on the device and on the processor",
        240,
        kernels::run,
    ),
    part("faults", "Faults, and what is given back", 240, faults::run),
    part("suite", "The device's own tests", 200, suite::run),
    part(
        "figures",
        "Launches and copies, beside plain cudarc",
        150,
        figures::measure,
    ),
];

/// What the driver says meanwhile is looked at last, and for that some time is kept.
const LAST: Part = part(
    "messages",
    "What the system's kernel said",
    10,
    messages::look,
);

/// Runs the parts, for as long as there is time. Says whether there is a device.
///
/// # Errors
/// Where nothing can be written any more.
pub fn play(run: &mut Run<'_>, record: &mut Record, budget: Duration) -> Result<bool> {
    let began = Instant::now();
    let end = began + budget.saturating_sub(LAST.limit);
    let mut has_device = true;
    for part in &PARTS {
        record.part(part.name, part.title);
        let now = Instant::now();
        if !has_device {
            record.left_out("all of it", "there is no device")?;
        } else if now >= end {
            record.left_out("all of it", format_args!("the {budget:?} are over"))?;
        } else {
            run.until = end.min(now + part.limit);
            if !carry_out(run, record, part)? && part.is_needed {
                has_device = false;
            }
        }
        record.write_page()?;
    }
    record.part(LAST.name, LAST.title);
    run.until = Instant::now() + LAST.limit;
    carry_out(run, record, &LAST)?;
    record.write_page()?;
    Ok(has_device)
}

/// Whether it ended. What it ends with is not what its checks came to.
fn carry_out(run: &Run<'_>, record: &mut Record, part: &Part) -> Result<bool> {
    // A mistake in one part takes none of the others.
    let outcome = catch_unwind(AssertUnwindSafe(|| (part.run)(run, record)));
    let outcome = outcome.unwrap_or_else(|_| bail!("it panicked, as standard error tells"));
    let ended = outcome.is_ok();
    if let Err(error) = outcome {
        record.check("this part", Err(error))?;
    }
    Ok(ended)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{gpu_check::bundle::Bundle, stand_in::Gpu};

    fn played(budget: Duration) -> (bool, String) {
        let folder = tempfile::tempdir().unwrap();
        let bundle = Bundle::empty(folder.path());
        let mut run = Run::new(&bundle, Gpu::Real, folder.path(), true);
        let mut record = Record::begin(folder.path(), String::new()).unwrap();
        let has_device = play(&mut run, &mut record, budget).unwrap();
        let lines = std::fs::read_to_string(folder.path().join("results.jsonl")).unwrap();
        (has_device, lines)
    }

    #[test]
    fn what_there_is_no_time_for_is_left_out_and_said_to_be() {
        let (has_device, lines) = played(Duration::ZERO);
        assert!(has_device);
        for part in &PARTS {
            let own = format!("\"part\":\"{}\"", part.name);
            let mut lines = lines.lines().filter(|line| line.contains(&own));
            assert!(lines.next().unwrap().contains("left_out"), "{lines:?}");
        }
        // What the system said is looked at nevertheless.
        assert!(lines.contains("\"part\":\"messages\""), "{lines}");
    }

    #[test]
    fn where_no_device_is_found_the_machine_is_looked_at_and_nothing_else() {
        // There is not even a program to ask the driver by.
        let (has_device, lines) = played(Duration::from_secs(600));
        assert!(!has_device);
        let of = |part: &str| {
            lines
                .lines()
                .filter(|line| line.contains(part))
                .collect::<Vec<_>>()
        };
        assert!(of("\"part\":\"machine\"").len() > 5, "{lines}");
        assert!(
            of("\"part\":\"probe\"")
                .iter()
                .any(|line| line.contains("\"failed\"")),
            "{lines}"
        );
        for part in PARTS.iter().skip(2) {
            let lines = of(&format!("\"part\":\"{}\"", part.name));
            assert!(
                lines.len() == 1 && lines[0].contains("there is no device"),
                "{lines:?}"
            );
        }
    }
}
