//! Templates of others: a folder, or a git repository that is cloned for the purpose.
//!
//! A file whose name ends in `.template` loses that ending, and the names in its double braces are
//! replaced as in this program's own templates; all other files are copied as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::project::MANIFEST;

/// The ending of files in which names are replaced.
const FILLED_IN: &str = ".template";

/// Folders that belong to no project: of git, and of builds.
const SKIPPED: [&str; 4] = [".git", "target", "node_modules", "__pycache__"];

/// A template is something to start from, and no data set.
const MOST_FILES: usize = 1_000;
const MOST_BYTES: u64 = 64 << 20;

/// A file of a template.
#[derive(Debug, PartialEq, Eq)]
pub struct TemplateFile {
    /// Where it is put, below the project's folder.
    pub path: String,
    pub content: Content,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Content {
    /// Names in it are replaced.
    FilledIn(String),
    Copied(Vec<u8>),
}

/// Reads a template.
///
/// # Errors
///
/// Where it can't be read or cloned, has no manifest, or is too large.
pub fn read(place: &str) -> anyhow::Result<Vec<TemplateFile>> {
    let (cloned, folder) = match is_url(place) {
        true => {
            let cloned = clone(place)?;
            let folder = cloned.path().to_owned();
            (Some(cloned), folder)
        }
        false => (None, PathBuf::from(place)),
    };
    let mut reader = Reader {
        root: &folder,
        files: Vec::new(),
        bytes: 0,
    };
    reader
        .folder(&folder)
        .with_context(|| format!("can't use the template {place}"))?;
    let mut files = reader.files;
    drop(cloned);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    if !files.iter().any(|file| file.path == MANIFEST) {
        bail!(
            "{place} is no template: it has no {MANIFEST} (or {MANIFEST}{FILLED_IN}), which says how \
             the project is built"
        );
    }
    Ok(files)
}

/// Whether a template is a repository, and not a folder of this machine.
pub fn is_url(place: &str) -> bool {
    place.contains("://") || place.starts_with("git@")
}

/// Clones the newest commit of a repository; of a branch or tag, where one is named behind `#`.
fn clone(place: &str) -> anyhow::Result<TempDir> {
    let (url, branch) = match place.split_once('#') {
        Some((url, branch)) => (url, Some(branch)),
        None => (place, None),
    };
    let folder = tempfile::tempdir().context("can't create a folder to clone into")?;
    let mut git = Command::new("git");
    git.args(["clone", "--quiet", "--depth", "1"]);
    if let Some(branch) = branch {
        git.arg(format!("--branch={branch}"));
    }
    // A question could be seen by nobody, where a program runs this.
    git.env("GIT_TERMINAL_PROMPT", "0")
        .args(["--", url])
        .arg(folder.path());
    let output = git
        .output()
        .context("can't run `git`, which clones templates: install it")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("can't clone the template {place}: {}", said.trim());
    }
    Ok(folder)
}

struct Reader<'r> {
    root: &'r Path,
    files: Vec<TemplateFile>,
    bytes: u64,
}

impl Reader<'_> {
    fn folder(&mut self, folder: &Path) -> anyhow::Result<()> {
        let entries =
            fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            let path = entry.path();
            if kind.is_dir() {
                if !SKIPPED.iter().any(|skipped| entry.file_name() == **skipped) {
                    self.folder(&path)?;
                }
            } else if kind.is_file() {
                self.file(&path, entry.metadata()?.len())?;
            } else {
                bail!(
                    "{} is neither a file nor a folder, and a template has nothing else",
                    path.display()
                );
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, length: u64) -> anyhow::Result<()> {
        self.bytes += length;
        if self.files.len() == MOST_FILES || self.bytes > MOST_BYTES {
            bail!(
                "it is larger than a template may be: {MOST_FILES} files with {} MiB",
                MOST_BYTES >> 20
            );
        }
        let below = path.strip_prefix(self.root)?;
        let name = below
            .to_str()
            .with_context(|| format!("the name {} is no UTF-8", below.display()))?;
        let bytes = fs::read(path).with_context(|| format!("can't read {name}"))?;
        let file = match name.strip_suffix(FILLED_IN) {
            Some(name) => TemplateFile {
                path: name.to_owned(),
                content: Content::FilledIn(String::from_utf8(bytes).ok().with_context(|| {
                    format!("{name}{FILLED_IN} is no text, and names are replaced in it")
                })?),
            },
            None => TemplateFile {
                path: name.to_owned(),
                content: Content::Copied(bytes),
            },
        };
        // Without looking at what the system's files are called: they may not tell `a` from `A`.
        if let Some(other) = self.files.iter().find(|other| other.path == file.path) {
            bail!("it has both {} and {}{FILLED_IN}", other.path, other.path);
        }
        self.files.push(file);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    fn read_folder(folder: &TempDir) -> anyhow::Result<Vec<TemplateFile>> {
        read(folder.path().to_str().unwrap())
    }

    #[test]
    fn only_files_with_the_ending_are_filled_in_and_what_builds_leave_is_skipped() {
        let folder = folder(&[
            ("tensor-wasm.toml.template", b"{{name}}"),
            ("src/a.bin", b"\xff{{name}}"),
            ("target/debug/x", b""),
            (".git/config", b""),
        ]);
        let files = read_folder(&folder).unwrap();
        let expected = [
            ("src/a.bin", Content::Copied(b"\xff{{name}}".to_vec())),
            (MANIFEST, Content::FilledIn("{{name}}".to_owned())),
        ];
        let expected = expected.map(|(path, content)| TemplateFile {
            path: path.to_owned(),
            content,
        });
        assert_eq!(files, expected);
    }

    #[test]
    fn what_is_no_template_is_refused_with_the_reason() {
        let refused = |folder: &TempDir| format!("{:#}", read_folder(folder).unwrap_err());
        assert!(refused(&folder(&[("a", b"")])).contains(MANIFEST));
        let twice = folder(&[(MANIFEST, b""), ("tensor-wasm.toml.template", b"")]);
        assert!(refused(&twice).contains("both"));
        let binary = folder(&[(MANIFEST, b""), ("a.template", b"\xff")]);
        assert!(refused(&binary).contains("a.template is no text"));
        let linked = folder(&[(MANIFEST, b"")]);
        std::os::unix::fs::symlink("/etc", linked.path().join("etc")).unwrap();
        assert!(refused(&linked).contains("etc is neither"));
        let files: Vec<_> = (0..=MOST_FILES).map(|number| number.to_string()).collect();
        let files: Vec<_> = files.iter().map(|name| (&**name, &b""[..])).collect();
        assert!(refused(&folder(&files)).contains("1000 files"));
        assert!(format!("{:#}", read("/nowhere").unwrap_err()).contains("/nowhere"));
    }
}
