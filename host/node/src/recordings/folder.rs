//! The files of recordings: how many there are of each kind, which give way, and how one is written, as
//! a whole or not at all. Nothing is removed whose name is not given here.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use super::file::{COMPONENTS, component_name};

/// What the name of a recording's file ends with.
const ENDING: &str = ".recording";

/// How many folders of functions there are. The one gives way whose last recording is oldest.
const FOLDERS: usize = 256;

/// How many components are kept beside recordings, and how long they are together, in bytes. Those give
/// way that were recorded longest ago: their recordings are replayed with `--component`.
const COMPONENT_FILES: usize = 256;
const COMPONENTS_BYTES: u64 = 1 << 30;

/// What the name of a file ends with that is being written.
const PART: &str = ".part";

/// Makes a folder that others can't read, unless it is there.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(path)
}

/// Removes a file, unless somebody else has.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The name of a recording's file, of when its request began and its id.
pub(super) fn recording_name(began_ms: i64, id: &str) -> String {
    format!("{:013}-{id}{ENDING}", began_ms.max(0))
}

/// Whether a file's name is one that is given here: nothing else is ever removed.
fn is_recording(name: &str) -> bool {
    let time = name.get(..13).unwrap_or_default();
    name.ends_with(ENDING)
        && time.bytes().all(|byte| byte.is_ascii_digit())
        && name.as_bytes().get(13) == Some(&b'-')
}

/// Whether a file's name is one that a component gets here.
fn is_component(name: &str) -> bool {
    let digits = name.strip_suffix(".wasm");
    digits.is_some_and(|digits| component_name(&format!("blake3:{digits}")).is_some())
}

/// Whether a file's name is one that is given here while it is written. Before [`PART`] stands which of
/// all files of a process it is.
fn is_part(name: &str) -> bool {
    let Some((whole, number)) = name.strip_suffix(PART).and_then(|it| it.rsplit_once('.')) else {
        return false;
    };
    let is_number = |byte: u8| byte.is_ascii_digit() || byte == b'-';
    number.bytes().all(is_number) && (is_recording(whole) || is_component(whole))
}

/// Removes what was being written when a process before this one ended.
pub(super) fn remove_parts(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_part) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes the oldest recordings of a folder, so that there is room for one more.
pub(super) fn make_room_for_recording(folder: &Path, files: NonZeroUsize) -> io::Result<()> {
    let mut names: Vec<OsString> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if name.to_str().is_some_and(is_recording) {
            names.push(name);
        }
    }
    // Their names begin with when they were.
    names.sort();
    let spare = (names.len() + 1).saturating_sub(files.get());
    for name in names.iter().take(spare) {
        remove(&folder.join(name))?;
    }
    Ok(())
}

/// Removes the recordings of a function, so that there is room for the folder of one more. What can't
/// be read is left alone, and not counted.
pub(super) fn make_room_for_folder(folder: &Path) -> io::Result<()> {
    let Some(above) = folder.parent() else {
        return Ok(());
    };
    let mut folders = Vec::new();
    for entry in fs::read_dir(above)? {
        let entry = entry?;
        let path = entry.path();
        if !entry.file_type()?.is_dir() || path.ends_with(COMPONENTS) {
            continue;
        }
        let Ok(names) = fs::read_dir(&path) else {
            continue;
        };
        let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let recordings: Vec<_> = names.filter(|name| is_recording(name)).collect();
        if let Some(last) = recordings.iter().max() {
            folders.push((last.clone(), path, recordings));
        }
    }
    folders.sort();
    let spare = (folders.len() + 1).saturating_sub(FOLDERS);
    for (_, path, recordings) in folders.iter().take(spare) {
        for name in recordings {
            remove(&path.join(name))?;
        }
        // Where somebody put something else into it, it stays.
        let _ = fs::remove_dir(path);
    }
    Ok(())
}

/// Keeps a component beside the recordings of its requests.
pub(super) fn keep_component(folder: &Path, digest: &str, bytes: &[u8]) -> io::Result<()> {
    let Some(name) = component_name(digest) else {
        return Ok(());
    };
    let path = folder.join(name);
    // One of another length was not written to its end when the machine stopped.
    if fs::metadata(&path).is_ok_and(|there| there.len() == bytes.len() as u64) {
        touch_component(folder, digest);
        return Ok(());
    }
    make_room_for_component(folder, bytes.len() as u64)?;
    write_whole(&path, bytes)
}

/// A component is recorded now: others give way before it. One that is not there may be none.
pub(super) fn touch_component(folder: &Path, digest: &str) {
    let path = component_name(digest).map(|name| folder.join(name));
    let file = path.and_then(|path| OpenOptions::new().append(true).open(path).ok());
    if let Some(file) = file {
        // Where the file system takes no time, the order is that of loading.
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Removes the components that were recorded longest ago, so that there is room for one more.
fn make_room_for_component(folder: &Path, bytes: u64) -> io::Result<()> {
    if bytes > COMPONENTS_BYTES {
        return Err(io::Error::other(format!(
            "it has {bytes} bytes, and the components of recordings may have {COMPONENTS_BYTES} together"
        )));
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_component) {
            let metadata = entry.metadata()?;
            files.push((metadata.modified()?, metadata.len(), entry.path()));
        }
    }
    files.sort();
    let mut count = files.len();
    let mut total = files.iter().map(|(_, bytes, _)| bytes).sum::<u64>();
    for (_, length, path) in files {
        if count < COMPONENT_FILES && total.saturating_add(bytes) <= COMPONENTS_BYTES {
            break;
        }
        remove(&path)?;
        count -= 1;
        total -= length;
    }
    Ok(())
}

/// Writes a file that is there as a whole or not at all, whoever writes it at the same time. Others
/// can't read it.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static PARTS: AtomicU64 = AtomicU64::new(0);
    let number = PARTS.fetch_add(1, Ordering::Relaxed);
    let mut part = path.to_owned().into_os_string();
    part.push(format!(".{}-{number}{PART}", std::process::id()));
    let written = (|| {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&part)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&part, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    fn digest(number: usize) -> String {
        format!("blake3:{number:064x}")
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn components_give_way_that_were_recorded_longest_ago() {
        let folder = tempfile::tempdir().unwrap();
        let keep = |number| keep_component(folder.path(), &digest(number), b"a").unwrap();
        for number in 0..COMPONENT_FILES {
            keep(number);
            let path = folder.path().join(component_name(&digest(number)).unwrap());
            let file = OpenOptions::new().append(true).open(path).unwrap();
            let ago = Duration::from_secs(10_000 - number as u64);
            file.set_modified(SystemTime::now() - ago).unwrap();
        }
        // One is loaded again, and a request of another one is recorded.
        keep(0);
        touch_component(folder.path(), &digest(1));
        touch_component(folder.path(), &digest(COMPONENT_FILES));
        keep(COMPONENT_FILES);
        keep(COMPONENT_FILES + 1);
        let left = names(folder.path());
        assert_eq!(left.len(), COMPONENT_FILES);
        for (number, is_there) in [(0, true), (1, true), (2, false), (3, false), (4, true)] {
            let name = component_name(&digest(number)).unwrap();
            assert_eq!(left.contains(&name), is_there, "{number}");
        }
    }

    #[test]
    fn a_component_that_is_too_long_is_refused_and_none_gives_way() {
        let folder = tempfile::tempdir().unwrap();
        keep_component(folder.path(), &digest(1), b"a").unwrap();
        let refused = make_room_for_component(folder.path(), COMPONENTS_BYTES + 1);
        assert!(refused.is_err_and(|error| error.to_string().contains("1073741824 together")));
        assert_eq!(names(folder.path()).len(), 1);
        make_room_for_component(folder.path(), COMPONENTS_BYTES).unwrap();
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn what_was_not_written_to_its_end_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let component = component_name(&digest(1)).unwrap();
        let recording = recording_name(1, "a.b");
        let others = [
            "a.part".to_owned(),
            format!("{recording}.a.part"),
            recording.clone(),
        ];
        let parts = [
            format!("{component}.12-3.part"),
            format!("{recording}.1-0.part"),
        ];
        for name in others.iter().chain(&parts) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        remove_parts(folder.path()).unwrap();
        let mut others = others.to_vec();
        others.sort();
        assert_eq!(names(folder.path()), others);
        // Nobody can take its place while it is written.
        let taken = folder.path().join(&component);
        fs::create_dir(&taken).unwrap();
        assert!(write_whole(&taken, b"a").is_err());
        assert_eq!(names(folder.path()).len(), 4);
    }

    #[test]
    fn one_component_is_written_by_many_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = vec![7; 1 << 20];
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| keep_component(folder.path(), &digest(1), &bytes).unwrap());
            }
        });
        let name = component_name(&digest(1)).unwrap();
        assert_eq!(names(folder.path()), std::slice::from_ref(&name));
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), bytes);
    }

    #[test]
    fn functions_that_come_and_go_leave_so_many_folders_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let make = |number: usize| {
            let function = folder.path().join(format!("f{number}"));
            make_room_for_folder(&function).unwrap();
            make_folder(&function).unwrap();
            let name = recording_name(number as i64, "a");
            fs::write(function.join(name), "").unwrap();
        };
        // A file, a link to a folder and a folder that can't be read are none of theirs.
        let closed = folder.path().join("closed");
        fs::create_dir(&closed).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o0)).unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join(recording_name(0, "a")), "").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("link")).unwrap();
        (0..FOLDERS + 3).for_each(make);
        assert_eq!(names(folder.path()).len(), FOLDERS + 3);
        assert!(!folder.path().join("f0").exists());
        assert_eq!(names(elsewhere.path()).len(), 1);
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn what_somebody_else_has_removed_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        remove(&folder.path().join("none")).unwrap();
        assert!(remove(folder.path()).is_err());
    }
}
