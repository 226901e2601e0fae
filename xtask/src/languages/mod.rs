//! `cargo xtask languages`: what an author does in each language, with the language's own tools. It
//! takes minutes and a network, and is therefore apart from the tests.
//!
//! Projects of `tensor-wasm new` are built, tested, served and measured, for each version of WASI; so
//! are services that launch kernels by what `tensor-wasm kernel bindings` wrote. Then the pages of the
//! documentation that show these ways are followed.

mod bindings;
mod figures;
mod pages;
mod project;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

use crate::{
    components::{self, Which},
    steps::Steps,
    workspace::{Profile, Workspace},
};
use project::{Project, Tools};

/// Create projects in each language, build them, test them, serve them, and follow the pages about them.
///
/// Needs Python 3 with venv, Node.js with npm, and a network. What they install is kept in the build
/// folder.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only this one.
    #[arg(value_enum)]
    language: Option<Language>,
    /// Use this binary instead of building one. The components of `cargo xtask components` must be there.
    #[arg(long, value_name = "FILE")]
    bin: Option<PathBuf>,
    /// For each version of WASI, build, test and serve just the project that launches by written
    /// bindings: measure nothing, and follow no pages. Leaves out Rust, unless it is named.
    #[arg(long)]
    short: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Language {
    Rust,
    Python,
    Javascript,
}

impl Language {
    /// As the option `--lang` has it.
    fn name(self) -> &'static str {
        match self {
            Language::Rust => "rust",
            Language::Python => "python",
            Language::Javascript => "javascript",
        }
    }
}

/// The versions of WASI that there are templates for.
const WASI: [&str; 2] = ["0.2", "0.3"];

/// Runs the command.
///
/// # Errors
/// Where a tool is missing, or a project does not build, does not pass its tests, or answers wrongly.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let languages = match arguments.language {
        Some(language) => vec![language],
        None if arguments.short => vec![Language::Python, Language::Javascript],
        None => vec![Language::Rust, Language::Python, Language::Javascript],
    };
    let each: usize = languages
        .iter()
        .map(|language| steps_of(*language, arguments.short))
        .sum();
    let mut steps = Steps::new(2 + each);

    let step = steps.begin("building components");
    let binary = match &arguments.bin {
        Some(binary) => {
            step.done("left out, since a binary was named");
            binary.canonicalize().context("cannot find the binary")?
        }
        None => {
            components::add_target(workspace, &step)?;
            let built = components::build(workspace, &step, Which::Examples)?;
            step.done(format_args!("{} components", built.len()));
            workspace.binary(Profile::Dev)
        }
    };
    let step = steps.begin("building tensor-wasm");
    if arguments.bin.is_none() {
        workspace.build_binary(&step, Profile::Dev, None)?;
    }
    step.done(workspace.relative(&binary));

    let folder = workspace.target().join("languages");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove the projects of the last run")?;
    }
    fs::create_dir_all(&folder)?;
    let mut lines = Vec::new();
    for language in languages {
        let step = steps.begin(&format!("{}: getting its tools", language.name()));
        let tools = Tools::get(workspace, &step, &binary, language)?;
        step.done(format_args!("{:.1} s", tools.time.as_secs_f64()));
        for wasi in WASI {
            let project = Project::create(&tools, &folder, language, wasi)?;
            if !arguments.short {
                let figures = figures::measured(&project, &mut steps)?;
                lines.push(format!("{}: {figures}", project.title()));
            }
            match language {
                Language::Rust => figures::answers(&project, &mut steps)?,
                _ => bindings::launched(workspace, &project, &mut steps)?,
            }
        }
        if !arguments.short {
            pages::followed(workspace, &mut steps, &tools, language)?;
        }
    }
    for line in lines {
        println!("{line}");
    }
    println!(
        "every project was built and answered, in {}",
        steps.elapsed()
    );
    Ok(())
}

/// How many steps a language takes: its tools, its projects, and its pages.
fn steps_of(language: Language, short: bool) -> usize {
    match short {
        true => 1 + WASI.len(),
        false => 1 + 3 * WASI.len() + pages::count(language),
    }
}
