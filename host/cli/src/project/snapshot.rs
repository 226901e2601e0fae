//! What watched files look like at one time: so that a change is found by looking again, whatever
//! told, or nobody where a file system tells nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Project;

/// The most files that are looked at. A project that has more watches what it should not.
const MOST_FILES: usize = 20_000;

/// Folders of tools, in which a build itself writes.
const SKIPPED: [&str; 3] = ["target", "node_modules", "__pycache__"];

/// The length of each file, and when it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<PathBuf, (u64, Option<SystemTime>)>);

impl Snapshot {
    /// Looks at the files of a project.
    pub fn of(project: &Project) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for path in project.watched() {
            snapshot.add(&path, true);
        }
        snapshot
    }

    fn add(&mut self, path: &Path, named: bool) {
        if self.0.len() >= MOST_FILES {
            return;
        }
        // What is named may be a link; links within folders are not followed, since they may
        // lead in a circle.
        let metadata = match named {
            true => fs::metadata(path),
            false => fs::symlink_metadata(path),
        };
        let Ok(metadata) = metadata else {
            return;
        };
        if metadata.is_dir() {
            let Ok(entries) = fs::read_dir(path) else {
                return;
            };
            for entry in entries.flatten() {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if !name.starts_with('.') && !SKIPPED.contains(&name.as_ref()) {
                    self.add(&entry.path(), false);
                }
            }
        } else {
            let state = (metadata.len(), metadata.modified().ok());
            self.0.insert(path.to_owned(), state);
        }
    }
}
