//! Compiled modules, kept in a folder of the tenant's own under a hash of all that
//! decides what they are. Nobody else reads there: a tenant that breaks its worker
//! can spoil no other's kernels.
//!
//! A file says how long it is and has a hash of it, for the driver takes an image without its length,
//! and reads past the end of one that a full disk or a lost machine has cut short.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What one tenant's folder may hold, in bytes.
const MOST_BYTES: u64 = 256 << 20;

/// What a file begins with. It changes with the format.
const FORMAT: &[u8; 8] = b"TWcubin2";

/// Then comes the image's length, in eight bytes, little-endian, and the hash of its name and itself.
const HEADER: usize = FORMAT.len() + 8 + blake3::OUT_LEN;

pub(super) struct Cache {
    folder: Option<PathBuf>,
    target: u32,
    driver: i32,
    build: String,
}

/// Which build of the driver is loaded: two of the same version of CUDA may compile differently. The
/// library's file is named for it (`libcuda.so.535.183.01`); where it is not, its size and its time
/// tell builds apart.
pub(super) fn driver_build() -> String {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let mut mapped = maps.lines().filter_map(|line| line.get(line.find('/')?..));
    let is_driver = |path: &&str| {
        let name = Path::new(path).file_name().unwrap_or_default();
        name.to_string_lossy().starts_with("libcuda.so")
    };
    let Some(path) = mapped.find(is_driver) else {
        return String::new();
    };
    let name = Path::new(path).file_name().unwrap_or_default();
    let about = fs::metadata(path).ok();
    let bytes = about.as_ref().map_or(0, fs::Metadata::len);
    let time = about
        .and_then(|about| about.modified().ok())
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default();
    format!("{} {bytes} {}", name.to_string_lossy(), time.as_nanos())
}

impl Cache {
    /// `driver` and `build` are those of the driver that compiles.
    pub(super) fn new(folder: Option<PathBuf>, target: u32, driver: i32, build: String) -> Cache {
        Cache {
            folder,
            target,
            driver,
            build,
        }
    }

    /// The file name of a text's machine code for this device and driver.
    pub(super) fn key(&self, text: &[u8]) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(FORMAT);
        hasher.update(&self.target.to_le_bytes());
        hasher.update(&self.driver.to_le_bytes());
        hasher.update(&(self.build.len() as u64).to_le_bytes());
        hasher.update(self.build.as_bytes());
        hasher.update(text);
        format!("{}.cubin", hasher.finalize().to_hex())
    }

    /// What was kept under this name, if all of it is there as it was written.
    pub(super) fn get(&self, key: &str) -> Option<Vec<u8>> {
        let path = self.folder.as_ref()?.join(key);
        let mut file = fs::read(&path).ok()?;
        if !is_whole(key, &file) {
            eprintln!("a compiled module is not as it was kept, and is compiled again");
            return None;
        }
        // Used now: the least recently used are evicted first.
        let touched = fs::File::options()
            .append(true)
            .open(&path)
            .and_then(|file| file.set_modified(SystemTime::now()));
        drop(touched);
        Some(file.split_off(HEADER))
    }

    /// Keeps it, if that can be done: a cache that can't be written costs time only.
    pub(super) fn put(&self, key: &str, image: &[u8]) {
        let Some(folder) = &self.folder else {
            return;
        };
        if let Err(error) = self.write(folder, key, image) {
            eprintln!("a compiled module is not kept: {error}");
        }
    }

    fn write(&self, folder: &Path, key: &str, image: &[u8]) -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = header(key, image);
        file.extend_from_slice(image);
        make_room(folder, file.len() as u64)?;
        // Another worker of the tenant may write the same.
        let temporary = folder.join(format!("{key}.{}.tmp", std::process::id()));
        fs::write(&temporary, &file)?;
        fs::rename(&temporary, folder.join(key))
    }
}

fn header(key: &str, image: &[u8]) -> Vec<u8> {
    let mut header = FORMAT.to_vec();
    header.extend((image.len() as u64).to_le_bytes());
    let mut hasher = blake3::Hasher::new();
    hasher.update(key.as_bytes());
    hasher.update(image);
    header.extend(hasher.finalize().as_bytes());
    header
}

/// Whether a file is one that was written under this name, and is all there.
fn is_whole(key: &str, file: &[u8]) -> bool {
    let parts = file.split_at_checked(HEADER);
    parts.is_some_and(|(found, image)| found == header(key, image))
}

/// Removes the oldest files until there is room.
fn make_room(folder: &Path, bytes: u64) -> std::io::Result<()> {
    let mut files: Vec<(SystemTime, u64, PathBuf)> = fs::read_dir(folder)?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let about = entry.metadata().ok()?;
            Some((about.modified().ok()?, about.len(), entry.path()))
        })
        .collect();
    files.sort();
    let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
    for (_, size, path) in files {
        if total.saturating_add(bytes) <= MOST_BYTES {
            break;
        }
        fs::remove_file(path)?;
        total -= size;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let name = format!("tensor-wasm-cubin-{name}-{}", std::process::id());
        std::env::temp_dir().join(name)
    }

    #[test]
    fn machine_code_is_found_by_text_device_driver_and_build() {
        let folder = folder("found");
        let cache = |target, driver, build: &str| {
            Cache::new(Some(folder.clone()), target, driver, build.into())
        };
        let ours = cache(90, 12_090, "575.57.08");
        let key = ours.key(b"text");
        assert_eq!(ours.get(&key), None);
        ours.put(&key, b"code");
        assert_eq!(ours.get(&key).as_deref(), Some(b"code".as_slice()));
        for other in [
            cache(80, 12_090, "575.57.08"),
            cache(90, 12_080, "575.57.08"),
            cache(90, 12_090, "575.64.03"),
        ] {
            assert_eq!(other.get(&other.key(b"text")), None);
        }
        assert_ne!(key, ours.key(b"other text"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_not_all_there_or_not_as_it_was_is_not_used() {
        let folder = folder("torn");
        let cache = Cache::new(Some(folder.clone()), 90, 12_090, String::new());
        let key = cache.key(b"text");
        cache.put(&key, b"code");
        let file = fs::read(folder.join(&key)).unwrap();
        assert_eq!(file.len(), HEADER + 4);
        for length in 0..file.len() {
            fs::write(folder.join(&key), &file[..length]).unwrap();
            assert_eq!(cache.get(&key), None, "{length} bytes");
        }
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            fs::write(folder.join(&key), changed).unwrap();
            assert_eq!(cache.get(&key), None, "byte {at}");
        }
        fs::write(folder.join(&key), [&file[..], b"more"].concat()).unwrap();
        assert_eq!(cache.get(&key), None);
        // Another module's file under this name.
        fs::write(folder.join("other"), &file).unwrap();
        assert_eq!(cache.get("other"), None);
        fs::write(folder.join(&key), &file).unwrap();
        assert_eq!(cache.get(&key).as_deref(), Some(b"code".as_slice()));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn without_a_folder_nothing_is_kept() {
        let cache = Cache::new(None, 90, 12_090, String::new());
        cache.put("key", b"code");
        assert_eq!(cache.get("key"), None);
    }
}
