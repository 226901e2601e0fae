//! `tensor-wasm inspect`: inspects a component, without running it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use bytesize::ByteSize;
use clap::Args;
use tensor_wasm_runtime::{Capability, Inspection, Item, Link, Part, inspect};

/// Show what a component imports, exports and asks for, and what a request passes
///
/// Of a component that was made of several, by whichever tool, it lists the policies
/// and the application, outermost first, each with what it asks for. Names are what
/// whoever composed it wrote; the digest is that of the file that went in.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm inspect image.wasm
  tensor-wasm inspect image.wasm --json | jq .capabilities
  tensor-wasm inspect guarded.wasm --json | jq .chain")]
pub struct Inspect {
    /// The component
    component: PathBuf,
    /// Print JSON, for machines
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let bytes = super::read(&self.component)?;
        let name = self.component.display().to_string();
        let inspection = inspect(&bytes).with_context(|| format!("can't inspect {name}"))?;
        if self.json {
            super::print_json(&inspection)?;
        } else {
            super::print(&describe(&name, &inspection))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(name: &str, inspection: &Inspection) -> String {
    let mut text = format!("{name}\n");
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            // Writing to a string can't fail.
            let _ = writeln!(text, "  {label:<14}{value}");
        }
    };
    line("kind", &inspection.kind.to_string());
    line("digest", &inspection.digest);
    line("size", &ByteSize(inspection.size as u64).to_string());
    line(
        "made of",
        &format!(
            "{}, {}",
            count(inspection.core_modules, "core module"),
            count(inspection.components, "nested component"),
        ),
    );
    line("written in", &inspection.languages.join(", "));
    line("made by", &inspection.tools.join(", "));

    if inspection.initialized {
        line("set up", "once, by its `init`, before the first request");
    }

    passes(&mut text, inspection);
    text.push_str("asks for\n");
    if inspection.capabilities.is_empty() {
        text.push_str("  nothing\n");
    }
    for (capability, imports) in &inspection.capabilities {
        let _ = writeln!(text, "  {capability:<14}{}", imports.join(", "));
    }
    list(&mut text, "imports", &inspection.imports);
    list(&mut text, "exports", &inspection.exports);
    text
}

/// The chain, unless it is the component alone, which the other lines describe.
fn passes(text: &mut String, inspection: &Inspection) {
    let alone = match inspection.chain.as_slice() {
        [Link::Middleware(part) | Link::Application(part)] => part.digest == inspection.digest,
        chain => chain.is_empty(),
    };
    if alone && inspection.beside.is_empty() && inspection.warnings.is_empty() {
        return;
    }
    text.push_str("a request passes\n");
    for (number, link) in (1..).zip(&inspection.chain) {
        match link {
            Link::Middleware(member) => part(text, &format!("{number}. "), member, ", middleware"),
            Link::Application(member) => {
                part(text, &format!("{number}. "), member, ", application")
            }
            Link::Unknown { reason } => {
                let _ = writeln!(text, "  {number}. unknown: {reason}");
            }
            _ => {
                let _ = writeln!(text, "  {number}. something that this version can't name");
            }
        }
    }
    if !inspection.beside.is_empty() {
        // No request passes it: it only provides imports of the others.
        text.push_str("beside them\n");
    }
    for member in &inspection.beside {
        part(text, "", member, "");
    }
    for warning in &inspection.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
}

fn part(text: &mut String, number: &str, part: &Part, role: &str) {
    let name = part.name.as_deref().unwrap_or("(no name)");
    let _ = writeln!(text, "  {number}{name}{role}, {}", part.short_digest());
    let asks: Vec<_> = part
        .capabilities
        .iter()
        .map(|(capability, imports)| match capability {
            // The names say more than the word.
            Capability::Gpu | Capability::Policy | Capability::Other => imports.join(", "),
            capability => capability.to_string(),
        })
        .collect();
    let asks = if asks.is_empty() {
        "nothing".to_owned()
    } else {
        asks.join(", ")
    };
    let _ = writeln!(text, "     asks for {asks}");
    for provided in &part.provided {
        let _ = writeln!(text, "     gets {} from {}", provided.import, provided.by);
    }
}

fn list(text: &mut String, title: &str, items: &[Item]) {
    let _ = writeln!(text, "{title}");
    if items.is_empty() {
        text.push_str("  nothing\n");
    }
    for item in items {
        let kind = match item.kind {
            "instance" => String::new(),
            kind => format!(" ({kind})"),
        };
        let _ = writeln!(text, "  {}{kind}", item.name);
    }
}

fn count(number: u32, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}
