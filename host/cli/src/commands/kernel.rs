//! `tensor-wasm kernel`: checks kernels, launches them, and counts what they do. `kernel check` is
//! in this file: whether the device can run the kernels of a file, and how to launch them.

mod bindings;
mod ir;
mod launch;
mod listing;
mod memory;
mod numbers;
mod profile;
mod run;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use bytesize::ByteSize;
use clap::{Args, Subcommand};
use serde::Serialize;
use tensor_wasm_ptx::compile::{
    CompiledKernel, FunctionLines, Pass, Unsupported, compile_with_lines,
};
use tensor_wasm_ptx::{Diagnostic, Limits, Module, Param, ParamType};

/// Check, launch and profile kernels, and write bindings of them, without a component
#[derive(Args)]
pub struct Kernel {
    #[command(subcommand)]
    command: KernelCommand,
}

#[derive(Subcommand)]
enum KernelCommand {
    Check(Check),
    Run(run::Run),
    Profile(profile::ProfileCommand),
    Bindings(bindings::Bindings),
}

/// Check a PTX file: its kernels, their parameters, and what the device can't run
///
/// Ends with status 1 where the device refuses the module.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm kernel check blur.ptx
  tensor-wasm kernel check blur.ptx --verbose | less
  tensor-wasm kernel check blur.ptx --ir uniformity
  tensor-wasm kernel check blur.ptx --json | jq '.kernels[].parameters'")]
struct Check {
    /// The PTX file
    file: PathBuf,
    /// Print JSON, for machines
    #[arg(long)]
    json: bool,
    /// Tell how the processor runs each kernel: compiled, and how many threads at a time, or
    /// interpreted, and why; then print the WebAssembly text of each beside its PTX lines
    #[arg(long, short, conflicts_with = "json")]
    verbose: bool,
    /// Print the compiler's intermediate representation of each kernel beside its PTX lines: after
    /// this pass, or after the last one
    #[arg(
        long,
        value_name = "PASS",
        num_args = 0..=1,
        default_missing_value = ir::LAST,
        value_parser = ir::pass_parser(),
        conflicts_with = "json"
    )]
    ir: Option<Pass>,
}

impl Kernel {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            KernelCommand::Check(check) => check.run(),
            KernelCommand::Run(run) => run.run(),
            KernelCommand::Profile(profile) => profile.run(),
            KernelCommand::Bindings(bindings) => bindings.run(),
        }
    }
}

impl Check {
    fn run(self) -> anyhow::Result<ExitCode> {
        let text = super::read(&self.file)?;
        let name = self.file.display().to_string();
        let checked = tensor_wasm_ptx::parse(&text, &Limits::default()).map(Arc::new);
        if self.json {
            super::print_json(&Report::new(&checked))?;
        } else {
            match &checked {
                Ok(module) => {
                    super::print(&describe(&name, module, self.verbose))?;
                    if let Some(pass) = self.ir {
                        for entry in module.entries() {
                            super::print(&ir::listing(module, entry.name(), pass, &text))?;
                        }
                    }
                    if self.verbose {
                        list(module, &text)?;
                    }
                }
                Err(diagnostics) => {
                    for diagnostic in diagnostics {
                        tell!("{name}:{diagnostic}");
                    }
                    let wrong = match diagnostics.len() {
                        1 => "one problem".to_owned(),
                        more => format!("{more} problems"),
                    };
                    tell!("error: the device can't run {name}: {wrong}");
                }
            }
        }
        Ok(match checked {
            Ok(_) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        })
    }
}

fn describe(name: &str, module: &Arc<Module>, verbose: bool) -> String {
    let (major, minor) = module.version();
    let mut text = format!("{name}: PTX {major}.{minor} for sm_{}\n", module.target());
    if module.entries().is_empty() {
        text.push_str("no kernels\n");
    }
    for entry in module.entries() {
        // Writing to a string can't fail.
        let _ = writeln!(text, "kernel {}", entry.name());
        for param in entry.params() {
            let _ = writeln!(
                text,
                "  {:<8} {} (offset {})",
                type_name(param),
                param.name,
                param.offset
            );
        }
        if entry.params().is_empty() {
            text.push_str("  no parameters\n");
        }
        for (what, bytes) in [
            ("static shared memory", entry.shared_bytes()),
            ("local memory per thread", entry.local_bytes()),
        ] {
            if bytes > 0 {
                let _ = writeln!(text, "  {what}: {}", ByteSize(bytes.into()));
            }
        }
        if let Some(threads) = entry.max_threads() {
            let _ = writeln!(text, "  threads per block: at most {threads}");
        }
        if verbose {
            let _ = writeln!(
                text,
                "  {}",
                processor(&compile_with_lines(module, entry.name()))
            );
        }
    }
    text
}

/// A kernel as the processor runs it, and the lines that its code comes from.
type Compiled = Result<(CompiledKernel, Vec<FunctionLines>), Unsupported>;

/// Prints each compiled kernel, one after another: together they may be large.
fn list(module: &Arc<Module>, ptx: &[u8]) -> anyhow::Result<()> {
    for entry in module.entries() {
        let name = entry.name();
        if let Ok((lowered, lines)) = compile_with_lines(module, name) {
            let text = listing::listing(lowered.wasm(), &lines, ptx)?;
            super::print(&format!("\n;; kernel {name}\n{text}"))?;
        }
    }
    Ok(())
}

/// How the processor runs a kernel.
fn processor(compiled: &Compiled) -> String {
    let lowered = match compiled {
        Ok((lowered, _)) => lowered,
        Err(reason) => return format!("on the processor: interpreted ({reason})"),
    };
    let (width, steps, bytes) = (lowered.lanes(), lowered.steps(), lowered.wasm().len());
    let threads = match lowered.scalar_reason() {
        Some(why) => format!("one thread at a time, since {why}"),
        None => format!("{width} threads at a time"),
    };
    let bytes = ByteSize(bytes as u64);
    format!("on the processor: compiled, {threads}; {steps} steps, {bytes} of WebAssembly")
}

fn type_name(param: &Param) -> String {
    match param.ty {
        ParamType::U8 => "u8".to_owned(),
        ParamType::U16 => "u16".to_owned(),
        ParamType::U32 => "u32".to_owned(),
        ParamType::U64 => "u64".to_owned(),
        ParamType::S8 => "s8".to_owned(),
        ParamType::S16 => "s16".to_owned(),
        ParamType::S32 => "s32".to_owned(),
        ParamType::S64 => "s64".to_owned(),
        ParamType::F16 => "f16".to_owned(),
        ParamType::BF16 => "bf16".to_owned(),
        ParamType::F32 => "f32".to_owned(),
        ParamType::F64 => "f64".to_owned(),
        ParamType::Bytes { bytes, .. } => format!("bytes[{bytes}]"),
    }
}

/// The result, in the shape that scripts may rely on.
#[derive(Serialize)]
struct Report<'a> {
    runs: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ptx_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    kernels: Vec<KernelReport<'a>>,
    diagnostics: Vec<DiagnosticReport<'a>>,
}

#[derive(Serialize)]
struct KernelReport<'a> {
    name: &'a str,
    parameters: Vec<ParameterReport<'a>>,
    parameter_bytes: u32,
    shared_bytes: u32,
    local_bytes: u32,
    max_threads_per_block: Option<u32>,
}

#[derive(Serialize)]
struct ParameterReport<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    ty: String,
    offset: u32,
    bytes: u32,
    align: u32,
}

#[derive(Serialize)]
struct DiagnosticReport<'a> {
    line: u32,
    column: u32,
    message: &'a str,
    excerpt: &'a str,
}

impl<'a> Report<'a> {
    fn new(checked: &'a Result<Arc<Module>, Vec<Diagnostic>>) -> Self {
        let module = checked.as_ref().ok();
        Self {
            runs: module.is_some(),
            ptx_version: module.map(|module| {
                let (major, minor) = module.version();
                format!("{major}.{minor}")
            }),
            target: module.map(|module| format!("sm_{}", module.target())),
            kernels: module
                .map(|module| module.entries())
                .unwrap_or_default()
                .iter()
                .map(|entry| KernelReport {
                    name: entry.name(),
                    parameters: entry.params().iter().map(ParameterReport::new).collect(),
                    parameter_bytes: entry.param_bytes(),
                    shared_bytes: entry.shared_bytes(),
                    local_bytes: entry.local_bytes(),
                    max_threads_per_block: entry.max_threads(),
                })
                .collect(),
            diagnostics: checked
                .as_ref()
                .err()
                .map(Vec::as_slice)
                .unwrap_or_default()
                .iter()
                .map(|diagnostic| DiagnosticReport {
                    line: diagnostic.line,
                    column: diagnostic.column,
                    message: &diagnostic.message,
                    excerpt: &diagnostic.excerpt,
                })
                .collect(),
        }
    }
}

impl<'a> ParameterReport<'a> {
    fn new(param: &'a Param) -> Self {
        Self {
            name: &param.name,
            ty: type_name(param),
            offset: param.offset,
            bytes: param.bytes,
            align: param.align,
        }
    }
}
