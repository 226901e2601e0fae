//! Where a new Rust project takes the crate `tensor-wasm-guest` from.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// The manifest of the crate, and its name in it.
const MANIFEST: &str = "Cargo.toml";
const NAME: &str = "name = \"tensor-wasm-guest\"";

/// A source of the crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sdk {
    /// Its folder, absolute.
    Folder(PathBuf),
    /// A git repository.
    Git(String),
    /// A version of a registry.
    Version(String),
}

impl Sdk {
    /// What `--sdk` says or, without it, the checkout that this program was built in.
    ///
    /// # Errors
    ///
    /// Where there is no such crate, or nothing says where it is.
    pub fn find(option: Option<&str>, project: &Path) -> anyhow::Result<Sdk> {
        match option {
            Some(text) => Self::named(text),
            None => Self::of_this_program().with_context(|| {
                format!(
                    "the crate tensor-wasm-guest, which {} needs, is not published yet, and the \
                     checkout that this program was built in is not here: name one with --sdk \
                     CHECKOUT/guest-sdk, or its git repository with --sdk URL",
                    project.display()
                )
            }),
        }
    }

    fn named(text: &str) -> anyhow::Result<Sdk> {
        let is_url = text.contains("://") || text.starts_with("git@");
        if is_url {
            // What stands in quotes in a manifest.
            if text.contains(['"', '\\']) || text.chars().any(char::is_control) {
                anyhow::bail!("`{text}` is no URL of a git repository");
            }
            return Ok(Sdk::Git(text.to_owned()));
        }
        let folder = Path::new(text);
        if is_sdk(folder) {
            return Ok(Sdk::Folder(folder.canonicalize()?));
        }
        if is_sdk(&folder.join("guest-sdk")) {
            return Ok(Sdk::Folder(folder.join("guest-sdk").canonicalize()?));
        }
        let numbers: Vec<_> = text.split('.').collect();
        let is_number = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
        if numbers.len() <= 3 && numbers.iter().all(is_number) {
            return Ok(Sdk::Version(text.to_owned()));
        }
        anyhow::bail!(
            "--sdk {text}: there is no crate tensor-wasm-guest, and it is no URL (https://…) and no \
             version (0.1): name the folder `guest-sdk` of a checkout"
        )
    }

    /// The checkout around this program's own file, such as `target/debug/tensor-wasm`, or the one
    /// that it was compiled from, which `cargo install --path` leaves where it is.
    fn of_this_program() -> Option<Sdk> {
        let program = std::env::current_exe().ok()?.canonicalize().ok()?;
        Self::around(&program, Path::new(env!("CARGO_MANIFEST_DIR")))
    }

    fn around(program: &Path, source: &Path) -> Option<Sdk> {
        let mut folders = program.ancestors().chain(source.ancestors());
        let found = folders.find_map(|folder| {
            let sdk = folder.join("guest-sdk");
            is_sdk(&sdk).then(|| sdk.canonicalize().ok()).flatten()
        });
        found.map(Sdk::Folder)
    }

    /// What stands in a manifest between the braces of a dependency.
    pub fn dependency(&self) -> anyhow::Result<String> {
        let (key, value) = match self {
            Sdk::Folder(path) => {
                let path = path.to_str();
                ("path", path.context("the path of the SDK is no UTF-8")?)
            }
            Sdk::Git(url) => ("git", url.as_str()),
            Sdk::Version(version) => ("version", version.as_str()),
        };
        // TOML writes strings as JSON does.
        Ok(format!("{key} = {}", serde_json::to_string(value)?))
    }
}

fn is_sdk(folder: &Path) -> bool {
    let manifest = std::fs::read_to_string(folder.join(MANIFEST));
    manifest.is_ok_and(|text| text.lines().any(|line| line.trim() == NAME))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_folder_a_url_and_a_version_are_told_apart() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-sdk");
        let folder = Sdk::named(here.to_str().unwrap()).unwrap();
        assert_eq!(folder, Sdk::Folder(here.canonicalize().unwrap()));
        let checkout = here.join("..");
        assert_eq!(Sdk::named(checkout.to_str().unwrap()).unwrap(), folder);
        assert_eq!(
            Sdk::named("https://example.org/a.git").unwrap(),
            Sdk::Git("https://example.org/a.git".to_owned())
        );
        assert_eq!(Sdk::named("0.1").unwrap(), Sdk::Version("0.1".to_owned()));
        for bad in ["/nowhere", "latest", "https://a\"b", "1.2.3.4"] {
            assert!(Sdk::named(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_program_takes_the_checkout_around_it_or_else_the_one_that_it_was_built_in() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let checkout = Sdk::Folder(here.join("../../guest-sdk").canonicalize().unwrap());
        let installed = Path::new("/home/me/.cargo/bin/tensor-wasm");
        let removed = Path::new("/home/me/removed/host/cli");
        assert_eq!(Sdk::around(installed, here), Some(checkout.clone()));
        let built = here.join("../../target/debug/tensor-wasm");
        assert_eq!(Sdk::around(&built, removed), Some(checkout));
        assert_eq!(Sdk::around(installed, removed), None);
    }

    #[test]
    fn a_path_in_a_manifest_is_quoted() {
        let odd = Sdk::Folder(PathBuf::from("/a \"b\"\\c"));
        let line = format!("sdk = {{ {} }}", odd.dependency().unwrap());
        let read = toml::de::DeTable::parse(&line).unwrap();
        let sdk = &read.get_ref()["sdk"];
        let toml::de::DeValue::Table(sdk) = sdk.get_ref() else {
            panic!("{line}");
        };
        assert_eq!(sdk["path"].get_ref().as_str(), Some("/a \"b\"\\c"));
    }
}
