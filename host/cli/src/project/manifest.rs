//! The manifest of a project: the table `[build]` of `tensor-wasm.toml`.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{MANIFEST, Project};
use crate::config::{self, Position};

/// The table, and its keys.
const BUILD: &str = "build";
const KEYS: [&str; 4] = ["command", "component", "test", "watch"];

/// What a manifest without a table is to be given.
const EXAMPLE: &str = "\
[build]
command = [\"cargo\", \"build\", \"--release\", \"--target\", \"wasm32-wasip2\"]
component = \"target/wasm32-wasip2/release/my_service.wasm\"
test = [\"cargo\", \"test\"]
watch = [\"src\"]";

/// Why a folder is no project.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// There is no manifest.
    #[error(
        "there is no {} in {}: create a project with `tensor-wasm new`, or write one:\n\n{}",
        MANIFEST,
        .folder.display(),
        EXAMPLE
    )]
    Missing { folder: PathBuf },
    /// The manifest can't be read.
    #[error("can't read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// The manifest has no table `[build]`.
    #[error(
        "{} has no table [{}], which says how the component is built:\n\n{}",
        path.display(),
        BUILD,
        EXAMPLE
    )]
    NoBuild { path: PathBuf },
    /// Something in it is wrong.
    #[error("{}:{}:{}: {message}", path.display(), position.line, position.column)]
    Invalid {
        path: PathBuf,
        position: Position,
        message: String,
    },
}

/// Reads the manifest of a folder.
pub(super) fn read(folder: &Path) -> Result<Project, ManifestError> {
    let path = folder.join(MANIFEST);
    let text = std::fs::read_to_string(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ManifestError::Missing {
            folder: folder.to_owned(),
        },
        _ => ManifestError::Unreadable {
            path: path.clone(),
            source,
        },
    })?;
    let invalid = |(byte, message)| ManifestError::Invalid {
        path: path.clone(),
        position: Position::of(&text, byte),
        message,
    };
    let (root, notes) = config::parse_toml(&text);
    if let Some(note) = notes.into_iter().next() {
        return Err(invalid((note.byte, note.message)));
    }
    let Some(build) = root.get(BUILD) else {
        return Err(ManifestError::NoBuild { path });
    };
    project(folder, build).map_err(invalid)
}

/// A mistake, and the byte where it is.
type Mistake = (usize, String);

fn project(folder: &Path, build: &Spanned<DeValue<'_>>) -> Result<Project, Mistake> {
    let at = build.span().start;
    let DeValue::Table(table) = build.get_ref() else {
        return Err((at, format!("`{BUILD}` is a table: [{BUILD}]")));
    };
    for (key, _) in table {
        if !KEYS.contains(&key.get_ref().as_ref()) {
            let message = format!(
                "there is no key `{BUILD}.{}`: the keys are {}",
                key.get_ref().escape_debug(),
                KEYS.join(", ")
            );
            return Err((key.span().start, message));
        }
    }
    let missing = |key| (at, format!("`{BUILD}.{key}` is missing"));
    let command = command(table, "command")?.ok_or_else(|| missing("command"))?;
    let test = self::command(table, "test")?;
    let component = match table.get("component") {
        None => return Err(missing("component")),
        Some(value) => text(value, "component")?,
    };
    let watch = texts(table, "watch")?.unwrap_or_else(|| vec!["src".to_owned()]);
    Ok(Project {
        folder: folder.to_owned(),
        command,
        test,
        component: folder.join(component),
        watch: watch.into_iter().map(|path| folder.join(path)).collect(),
    })
}

/// A program with its arguments, where there is one.
fn command(table: &DeTable<'_>, key: &str) -> Result<Option<Vec<String>>, Mistake> {
    let words = texts(table, key)?;
    match &words {
        Some(words) if words.first().is_none_or(String::is_empty) => Err((
            table.get(key).map_or(0, |value| value.span().start),
            format!("`{BUILD}.{key}` is empty: write the program and its arguments"),
        )),
        _ => Ok(words),
    }
}

/// A list of strings, where there is one.
fn texts(table: &DeTable<'_>, key: &str) -> Result<Option<Vec<String>>, Mistake> {
    let Some(value) = table.get(key) else {
        return Ok(None);
    };
    let DeValue::Array(items) = value.get_ref() else {
        let message = format!("`{BUILD}.{key}` is a list of strings: [\"…\", \"…\"]");
        return Err((value.span().start, message));
    };
    let items = items.iter().map(|item| text(item, key));
    items.collect::<Result<_, _>>().map(Some)
}

fn text(value: &Spanned<DeValue<'_>>, key: &str) -> Result<String, Mistake> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err((
            value.span().start,
            format!("`{BUILD}.{key}` takes strings, in quotes"),
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn of(text: &str) -> Result<Project, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(MANIFEST), text).unwrap();
        let read = read(folder.path()).map_err(|error| error.to_string());
        read.map_err(|text| text.replace(&format!("{}/", folder.path().display()), ""))
    }

    #[test]
    fn a_manifest_says_how_to_build_what_is_made_and_what_is_watched() {
        let project = of(
            "policy = [\"p.wasm\"]\n[build]\ncommand = [\"make\", \"it\"]\n\
                          component = \"out/a.wasm\"\nwatch = [\"src\", \"x.ptx\"]\n",
        )
        .unwrap();
        assert_eq!(project.command, ["make", "it"]);
        assert_eq!(project.test, None);
        assert!(project.component().ends_with("out/a.wasm"));
        assert_eq!(project.watched().count(), 3);
    }

    #[test]
    fn a_mistake_is_named_with_its_place_and_a_cure() {
        for (text, words) in [
            ("", vec!["has no table [build]", "command ="]),
            ("[build", vec!["tensor-wasm.toml:1:"]),
            ("build = 3", vec!["1:9", "is a table"]),
            (
                "[build]\ncomand = []",
                vec!["2:1", "`build.comand`", "command"],
            ),
            (
                "[build]\ncomponent = \"a\"",
                vec!["`build.command` is missing"],
            ),
            (
                "[build]\ncommand = [\"a\"]",
                vec!["`build.component` is missing"],
            ),
            (
                "[build]\ncommand = []\ncomponent = \"a\"",
                vec!["2:11", "is empty"],
            ),
            (
                "[build]\ncommand = \"make\"",
                vec!["2:11", "list of strings"],
            ),
            ("[build]\ncommand = [1]", vec!["2:12", "in quotes"]),
            (
                "[build]\ncommand = [\"a\"]\ncomponent = \"a\"\ntest = [\"\"]",
                vec!["4:8", "`build.test` is empty"],
            ),
        ] {
            let error = of(text).unwrap_err();
            assert!(
                words.iter().all(|word| error.contains(word)),
                "{text}: {error}"
            );
        }
        let nowhere = read(Path::new("/nowhere")).unwrap_err().to_string();
        assert!(nowhere.contains("tensor-wasm new"), "{nowhere}");
    }
}
