//! Files of this machine that are to be assets.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::commands::client::error::ClientError;

/// Files of one function, at most: a node takes no more.
const MOST_FILES: usize = 1000;
/// Folders in folders, at most: a link may lead in circles.
const DEEPEST: usize = 16;

/// A file, and the path that it gets below /assets.
pub struct LocalFile {
    pub path: String,
    pub file: PathBuf,
    pub size_bytes: u64,
}

impl LocalFile {
    /// A file of this machine.
    ///
    /// # Errors
    ///
    /// Where it is not there, or is none.
    pub fn open(path: String, file: PathBuf) -> Result<Self, ClientError> {
        let failed = |cause| ClientError::File {
            path: file.clone(),
            cause,
        };
        let metadata = fs::metadata(&file).map_err(failed)?;
        if !metadata.is_file() {
            let kind = match metadata.is_dir() {
                true => io::ErrorKind::IsADirectory.into(),
                false => io::Error::other("it is no regular file"),
            };
            return Err(failed(kind));
        }
        Ok(Self {
            path,
            size_bytes: metadata.len(),
            file,
        })
    }

    /// The digest of its content, as a node has it.
    ///
    /// # Errors
    ///
    /// Where it can't be read.
    pub fn digest(&self) -> Result<String, ClientError> {
        let mut hasher = blake3::Hasher::new();
        File::open(&self.file)
            .and_then(|file| hasher.update_reader(file).map(|_| ()))
            .map_err(|cause| ClientError::File {
                path: self.file.clone(),
                cause,
            })?;
        Ok(format!("blake3:{}", hasher.finalize().to_hex()))
    }
}

/// All files of a folder, by the paths that they get.
///
/// # Errors
///
/// Where one can't be an asset, or there are too many.
pub fn files_of(folder: &Path) -> Result<Vec<LocalFile>, ClientError> {
    let mut found = Vec::new();
    walk(folder, "", 1, &mut found)?;
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    found: &mut Vec<LocalFile>,
) -> Result<(), ClientError> {
    let failed = |cause| ClientError::File {
        path: folder.to_owned(),
        cause,
    };
    if depth > DEEPEST {
        return Err(ClientError::Input(format!(
            "{} has more than {DEEPEST} folders in one another",
            folder.display()
        )));
    }
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let file = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            return Err(ClientError::Input(format!(
                "the name of {} is not UTF-8: it can't be the path of an asset",
                file.display()
            )));
        };
        let path = format!("{prefix}{name}");
        // Links are followed.
        if file.is_dir() {
            walk(&file, &format!("{path}/"), depth + 1, found)?;
            continue;
        }
        if found.len() >= MOST_FILES {
            return Err(ClientError::Input(format!(
                "there are more than {MOST_FILES} files, as many as a function may have"
            )));
        }
        found.push(LocalFile::open(path, file)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_folder_s_files_have_the_paths_below_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        fs::create_dir_all(at("b/c")).unwrap();
        fs::write(at("b/c/x"), "12").unwrap();
        fs::write(at("a ö"), "").unwrap();
        let files = files_of(folder.path()).unwrap();
        let paths: Vec<_> = files
            .iter()
            .map(|file| (&*file.path, file.size_bytes))
            .collect();
        assert_eq!(paths, [("a ö", 0), ("b/c/x", 2)]);
        let expected = format!("blake3:{}", blake3::hash(b"12").to_hex());
        assert_eq!(files[1].digest().unwrap(), expected);
        assert!(files_of(&at("none")).is_err());
    }

    #[test]
    fn a_link_that_leads_in_circles_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(".", folder.path().join("again")).unwrap();
        assert!(files_of(folder.path()).is_err());
    }
}
