//! `tensor-wasm kernel bindings`: source code of an author's language that launches the kernels of
//! a PTX file by functions with their parameters.

mod javascript;
mod names;
mod python;
mod rust;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};
use tensor_wasm_ptx::{Limits, Module, ParamType};

use names::Keywords;

/// Write functions that launch the kernels of a PTX file, with their parameters
///
/// Prints source code: a class, or a structure in Rust, that loads the file on a device and has a
/// function for each kernel. In Rust, the macro `kernels!` of the SDK does the same while the
/// component is compiled. In PTX, a parameter of 64 bits may be a buffer or a number; the
/// functions take either.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm kernel bindings filters.ptx --lang python --out filters.py
  tensor-wasm kernel bindings filters.ptx --lang javascript > filters.js")]
pub struct Bindings {
    /// The PTX file
    file: PathBuf,
    /// The language of the source code
    #[arg(long = "lang", value_enum, value_name = "LANGUAGE")]
    language: Language,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Language {
    /// For the crate tensor-wasm-guest
    Rust,
    /// For componentize-py
    Python,
    /// For jco and componentize-js
    Javascript,
}

/// A kernel, named as the language can.
struct Kernel {
    /// Its name in the text.
    text: String,
    /// The function's.
    name: String,
    parameters: Vec<Parameter>,
}

struct Parameter {
    name: String,
    ty: ParamType,
}

/// A file of PTX, as a language's writer gets it.
struct Source {
    /// The name of the file, without its folder.
    file: String,
    kernels: Vec<Kernel>,
}

impl Bindings {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let text = crate::commands::read(&self.file)?;
        let shown = self.file.display().to_string();
        let module = match tensor_wasm_ptx::parse(&text, &Limits::default()) {
            Ok(module) => module,
            Err(diagnostics) => {
                let lines = diagnostics.iter().map(|one| format!("\n{shown}:{one}"));
                let lines: String = lines.collect();
                anyhow::bail!("{shown} is no module that a device can run:{lines}");
            }
        };
        let file = self.file.file_name().unwrap_or_default();
        let source = Source {
            file: file.to_string_lossy().into_owned(),
            kernels: kernels(&module, self.language.keywords())
                .with_context(|| format!("{shown} has no bindings"))?,
        };
        let code = match self.language {
            Language::Rust => rust::written(&source),
            Language::Python => python::written(&source),
            Language::Javascript => javascript::written(&source),
        };
        match &self.out {
            Some(out) => std::fs::write(out, code)
                .with_context(|| format!("can't write {}", out.display()))?,
            None => crate::commands::print(&code)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Language {
    fn keywords(self) -> &'static Keywords {
        match self {
            Self::Rust => &rust::KEYWORDS,
            Self::Python => &python::KEYWORDS,
            Self::Javascript => &javascript::KEYWORDS,
        }
    }
}

/// The kernels of a module, with names that are taken neither by the language nor twice.
fn kernels(module: &Module, keywords: &Keywords) -> anyhow::Result<Vec<Kernel>> {
    let mut kernels: Vec<Kernel> = Vec::new();
    if module.entries().is_empty() {
        anyhow::bail!("it has no kernel (`.entry`)");
    }
    for entry in module.entries() {
        let text = entry.name();
        let name = keywords.function(text);
        if let Some(other) = kernels.iter().find(|kernel| kernel.name == name) {
            anyhow::bail!(
                "the kernels `{}` and `{text}` would both be called `{name}`: rename one",
                other.text
            );
        }
        let given: Vec<_> = entry.params().iter().map(|param| &*param.name).collect();
        let names = keywords.parameters(text, &given);
        let types = entry.params().iter().map(|param| param.ty);
        kernels.push(Kernel {
            text: text.to_owned(),
            name,
            parameters: names
                .into_iter()
                .zip(types)
                .map(|(name, ty)| Parameter { name, ty })
                .collect(),
        });
    }
    Ok(kernels)
}

impl Source {
    /// Whether a kernel has a parameter of such a type: a helper is written where it is used.
    fn has(&self, test: impl Fn(ParamType) -> bool) -> bool {
        let mut types = self.kernels.iter().flat_map(|kernel| &kernel.parameters);
        types.any(|parameter| test(parameter.ty))
    }
}

/// How many bits an integer has.
fn integer_bits(ty: ParamType) -> Option<u32> {
    Some(match ty {
        ParamType::U8 | ParamType::S8 => 8,
        ParamType::U16 | ParamType::S16 => 16,
        ParamType::U32 | ParamType::S32 => 32,
        ParamType::U64 | ParamType::S64 => 64,
        _ => return None,
    })
}

/// The names of a kernel's arguments, behind others.
fn listed<'a>(first: &'a str, arguments: impl Iterator<Item = &'a str>) -> String {
    let mut list = first.to_owned();
    for argument in arguments {
        list += ", ";
        list += argument;
    }
    list
}
