//! Adding a token to a file, atomically and one at a time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::entry::ProcessKeys;
use super::file::{self, Reading};
use super::hashed::{FileKey, HashedLine};
use super::list::TokenList;
use super::{Claims, Secret, TokenError};

/// A token that was added to a file.
#[derive(Debug)]
pub struct Appended {
    /// Its line, from 1.
    pub number: usize,
    /// The line.
    pub line: HashedLine,
}

/// Adds a token to the end of a file, as a hash with the file's key. Creates the file where
/// there is none, for its owner only.
///
/// The file is replaced by a new one with the same owner and permissions, so that a server
/// that reads it at the same time finds the old tokens or the new ones. Concurrent calls
/// wait.
///
/// # Errors
///
/// [`TokenError`] where the file can't be read or written, is invalid, or would be with
/// this token. The file is not changed then.
pub fn append(path: &Path, secret: &Secret, claims: Claims) -> Result<Appended, TokenError> {
    let failed = |cause| TokenError::Write {
        path: path.to_owned(),
        cause,
    };
    let locked = lock(path).map_err(failed)?;
    let keys = ProcessKeys::generate()?;
    let check = |text: &str| {
        let entries = file::parse(&keys, text)?;
        TokenList::new(&keys, entries, SystemTime::now())
    };

    let before = file::read(path, Reading::First)?;
    let key = match check(&before)?.file_key() {
        Some(key) => key,
        None => FileKey::generate()?,
    };
    let line = HashedLine::new(secret, key, claims)?;
    let end = match before.is_empty() || before.ends_with('\n') {
        true => "",
        false => "\n",
    };
    let after = Zeroizing::new(format!("{}{end}{line}\n", *before));
    check(&after)?;

    replace(path, &locked, after.as_bytes()).map_err(failed)?;
    Ok(Appended {
        number: after.lines().count(),
        line,
    })
}

/// Opens or creates the file, and locks it against being replaced.
fn lock(path: &Path) -> io::Result<File> {
    loop {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        if !file.metadata()?.is_file() {
            let no_file = "it is no regular file";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, no_file));
        }
        file.lock()?;
        // The previous holder of the lock has replaced the file.
        if is_at(&file, path)? {
            return Ok(file);
        }
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

fn replace(path: &Path, old: &File, bytes: &[u8]) -> io::Result<()> {
    // The target of a link is replaced, and the link stays.
    let path = fs::canonicalize(path)?;
    let directory = path.parent().unwrap_or(Path::new("/"));
    let mut new = tempfile::Builder::new()
        .prefix(".tokens-")
        .tempfile_in(directory)?;
    new.write_all(bytes)?;
    keep_owner(old, new.as_file())?;
    new.as_file().sync_all()?;
    new.persist(&path).map_err(|error| error.error)?;
    File::open(directory)?.sync_all()
}

/// A server that runs as another user must still be able to read its tokens after
/// the administrator added one.
#[cfg(unix)]
fn keep_owner(old: &File, new: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let (old, is) = (old.metadata()?, new.metadata()?);
    if (old.uid(), old.gid()) != (is.uid(), is.gid()) {
        fchown(new, Some(old.uid()), Some(old.gid()))?;
    }
    new.set_permissions(old.permissions())
}

#[cfg(not(unix))]
fn keep_owner(_old: &File, _new: &File) -> io::Result<()> {
    Ok(())
}
