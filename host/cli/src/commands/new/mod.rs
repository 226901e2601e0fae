//! `tensor-wasm new`: a project to start from, that builds at once.

mod name;
mod sdk;
mod template;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};

use name::ProjectName;
use sdk::Sdk;
use template::{Language, Template};

/// Create a project for a component that uses the GPU
///
/// It has a service, a kernel, a test and a README, and is built by
/// `tensor-wasm build`, and by what its language has for that. Needs no network; what
/// the project then is built with may need one.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm new my-service
  tensor-wasm new my-service --template saxpy
  tensor-wasm new my-service --sdk ../tensor-wasm/guest-sdk
  tensor-wasm new my-service --lang python")]
pub struct New {
    /// The name of the project, and of the folder that is created for it
    name: ProjectName,
    /// What to start from: empty (doubles numbers), saxpy (JSON in and out) or image (PNG
    /// in and out); Python and JavaScript have empty alone
    #[arg(long, value_enum, value_name = "TEMPLATE", default_value = "empty")]
    template: Template,
    /// The language of the component; kernels are PTX in all of them
    #[arg(
        long = "lang",
        value_enum,
        value_name = "LANGUAGE",
        default_value = "rust"
    )]
    language: Language,
    /// Where a Rust project takes the crate tensor-wasm-guest from: the folder `guest-sdk` of
    /// a checkout, a git repository (a URL), or a version. Unless set, the checkout that
    /// this program was built in
    #[arg(long, value_name = "PATH|URL|VERSION")]
    sdk: Option<String>,
}

impl New {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let folder = PathBuf::from(self.name.as_str());
        let files = self.files(&folder)?;
        // Fails where it is there, whatever it is: nothing of anybody's is written over.
        fs::create_dir(&folder).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => anyhow::anyhow!(
                "{} is there already: choose another name, or remove it",
                folder.display()
            ),
            _ => anyhow::Error::new(error).context(format!("can't create {}", folder.display())),
        })?;
        for (path, text) in &files {
            let path = folder.join(path);
            write(&path, text).with_context(|| format!("can't write {}", path.display()))?;
        }
        let mut said = format!("created {}\n", folder.display());
        for (path, _) in &files {
            said += &format!("  {path}\n");
        }
        said += &format!(
            "next:\n  cd {}\n{}  tensor-wasm dev\n",
            folder.display(),
            self.language.before_the_first_build()
        );
        super::print(&said)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The files of the project, each with its path in it.
    fn files(&self, folder: &Path) -> anyhow::Result<Vec<(String, String)>> {
        let sdk = match self.language {
            Language::Rust => Some(Sdk::find(self.sdk.as_deref(), folder)?),
            language if self.sdk.is_some() => anyhow::bail!(
                "--sdk is the crate that Rust projects use; a project in {language} needs none"
            ),
            _ => None,
        };
        template::files(self.language, self.template, &self.name, sdk.as_ref())
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}

/// A value of an option, as it is written on the command line.
fn word(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}
