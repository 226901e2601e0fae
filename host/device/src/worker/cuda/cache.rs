//! Compiled modules, kept in a folder of the tenant's own under a hash of all that
//! decides what they are. Nobody else reads there: a tenant that breaks its worker
//! can spoil no other's kernels.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What one tenant's folder may hold, in bytes.
const MOST_BYTES: u64 = 256 << 20;

pub(super) struct Cache {
    folder: Option<PathBuf>,
    target: u32,
    driver: i32,
}

impl Cache {
    pub(super) fn new(folder: Option<PathBuf>, target: u32, driver: i32) -> Cache {
        Cache {
            folder,
            target,
            driver,
        }
    }

    /// The file name of a text's machine code for this device and driver.
    pub(super) fn key(&self, text: &[u8]) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.target.to_le_bytes());
        hasher.update(&self.driver.to_le_bytes());
        hasher.update(text);
        format!("{}.cubin", hasher.finalize().to_hex())
    }

    pub(super) fn get(&self, key: &str) -> Option<Vec<u8>> {
        let path = self.folder.as_ref()?.join(key);
        let image = fs::read(&path).ok()?;
        // Used now: the least recently used are evicted first.
        let touched = fs::File::options()
            .append(true)
            .open(&path)
            .and_then(|file| file.set_modified(SystemTime::now()));
        drop(touched);
        Some(image)
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
        make_room(folder, image.len() as u64)?;
        // Another worker of the tenant may write the same.
        let temporary = folder.join(format!("{key}.{}.tmp", std::process::id()));
        fs::write(&temporary, image)?;
        fs::rename(&temporary, folder.join(key))
    }
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

    #[test]
    fn machine_code_is_found_by_text_device_and_driver() {
        let folder = std::env::temp_dir().join(format!("tensor-wasm-cubin-{}", std::process::id()));
        let cache = |target, driver| Cache::new(Some(folder.clone()), target, driver);
        let ours = cache(90, 12_090);
        let key = ours.key(b"text");
        assert_eq!(ours.get(&key), None);
        ours.put(&key, b"code");
        assert_eq!(ours.get(&key).as_deref(), Some(b"code".as_slice()));
        for other in [cache(80, 12_090), cache(90, 12_080)] {
            assert_eq!(other.get(&other.key(b"text")), None);
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn without_a_folder_nothing_is_kept() {
        let cache = Cache::new(None, 90, 12_090);
        cache.put("key", b"code");
        assert_eq!(cache.get("key"), None);
    }
}
