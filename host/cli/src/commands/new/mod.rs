//! `tensor-wasm new`: a project to start from, that builds at once.

mod choice;
mod folder;
mod name;
mod sdk;
mod shipped;
mod template;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};

use choice::{Language, Start, Wasi};
use name::ProjectName;
use sdk::Sdk;

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
  tensor-wasm new my-service --lang python
  tensor-wasm new my-service --wasi 0.3 --template stream
  tensor-wasm new my-service --template https://example.org/a-template.git#main")]
pub struct New {
    /// The name of the project, and of the folder that is created for it
    name: ProjectName,
    /// What to start from: empty (doubles numbers), saxpy (JSON in and out), image (PNG in and
    /// out), stream (computes on a body while it arrives) or embeddings (finds texts, with
    /// vectors that stay on the device); Python and JavaScript have empty alone. Or a template
    /// of your own: a folder, or a git repository (a URL, with #BRANCH behind it if need be).
    /// In its files that end in .template, the names {{name}}, {{kebab}}, {{crate}}, {{sdk}} and
    /// {{wit}} are replaced
    #[arg(long, value_name = "TEMPLATE", default_value = "empty")]
    template: Start,
    /// The language of the component: rust unless set. Kernels are PTX in all of them
    #[arg(long = "lang", value_enum, value_name = "LANGUAGE")]
    language: Option<Language>,
    /// The version of WASI that the service is for: 0.2 unless set. 0.3 has asynchronous handlers
    /// and streams; for it there are the templates empty and, in Rust, stream
    #[arg(long, value_enum, value_name = "VERSION")]
    wasi: Option<Wasi>,
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
        for (path, bytes) in &files {
            let path = folder.join(path);
            write(&path, bytes).with_context(|| format!("can't write {}", path.display()))?;
        }
        let mut said = format!("created {}\n", folder.display());
        for (path, _) in &files {
            said += &format!("  {path}\n");
        }
        said += &format!(
            "next:\n  cd {}\n{}  tensor-wasm dev\n",
            folder.display(),
            match &self.template {
                Start::Shipped(_) => self.language.unwrap_or_default().before_the_first_build(),
                Start::Own(_) => "",
            }
        );
        super::print(&said)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The files of the project, each with its path in it.
    fn files(&self, folder: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
        let wasi = self.wasi.unwrap_or_default();
        let sdk = || Sdk::find(self.sdk.as_deref(), folder);
        match (&self.template, self.language.unwrap_or_default()) {
            (Start::Own(place), _) => {
                if self.language.is_some() {
                    anyhow::bail!(
                        "--lang is for the templates of this program: {place} has its own language"
                    );
                }
                if self.wasi.is_some() {
                    anyhow::bail!(
                        "--wasi is for the templates of this program: {place} is for one version of \
                         WASI"
                    );
                }
                template::filled_in_folder(folder::read(place)?, &self.name, sdk)
            }
            (Start::Shipped(template), Language::Rust) => {
                let sdk = sdk()?;
                template::files(Language::Rust, *template, wasi, &self.name, Some(&sdk))
            }
            (Start::Shipped(template), language) => {
                if self.sdk.is_some() {
                    anyhow::bail!(
                        "--sdk is the crate that Rust projects use; a project in {language} needs none"
                    );
                }
                template::files(language, *template, wasi, &self.name, None)
            }
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes)
}

/// A value of an option, as it is written on the command line.
fn word(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}
