//! `tensor-wasm inspect`: what a component is, without running it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use bytesize::ByteSize;
use clap::Args;
use tensor_wasm_runtime::{Inspection, Item, inspect};

/// Show what a component imports, exports and asks for
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm inspect image.wasm
  tensor-wasm inspect image.wasm --json | jq .capabilities")]
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
