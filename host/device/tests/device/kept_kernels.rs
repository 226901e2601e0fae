//! Compiled kernels that are kept on disk for the next device.

use std::fs;
use std::path::{Path, PathBuf};

use tensor_wasm_device::{Argument, CpuConfig, Device, Extent, LaunchConfig, Limits};

use super::common::KERNELS;
use super::instances::instance;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        // Below `target`: the engine's own thread looks after its cache, and may make the folder
        // again after it has been removed.
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kernels-{name}"));
        drop(fs::remove_dir_all(&path));
        Folder(path)
    }

    /// The files of compiled code in it.
    fn files(&self) -> Vec<PathBuf> {
        fn visit(folder: &Path, files: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    visit(&path, files);
                } else if path.extension().is_none() {
                    files.push(path);
                }
            }
        }
        let mut files = Vec::new();
        visit(&self.0, &mut files);
        files.sort();
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Runs a kernel on a device that keeps compiled ones in this folder.
async fn load_and_run(folder: &Path) {
    let device = Device::cpu(CpuConfig {
        kernel_folder: Some(folder.to_owned()),
        ..CpuConfig::default()
    })
    .unwrap();
    let lease = device.session(Limits::default()).lease();
    let module = lease.load(KERNELS.into()).await.unwrap();
    let kernel = module.kernel("tell").unwrap();
    let out = lease.allocate(8).await.unwrap();
    let queue = lease.create_queue().await.unwrap();
    let one = Extent { x: 1, y: 1, z: 1 };
    let config = LaunchConfig {
        grid: one,
        block: one,
        shared_bytes: 0,
    };
    let pointer = Argument::Pointer {
        buffer: out.clone(),
        offset: 0,
    };
    let arguments = vec![pointer, Argument::U64(77)];
    queue.launch(&kernel, config, arguments).await.unwrap();
    let read = queue.read(&out, 0, 8).await.unwrap();
    assert_eq!(read, 77u64.to_le_bytes());
}

#[tokio::test]
async fn a_load_compiles_nothing() {
    let folder = Folder::new("loaded");
    let device = Device::cpu(CpuConfig {
        kernel_folder: Some(folder.0.clone()),
        ..CpuConfig::default()
    })
    .unwrap();
    let lease = device.session(Limits::default()).lease();
    let module = lease.load(KERNELS.into()).await.unwrap();
    assert!(module.kernel("tell").is_ok());
    assert!(folder.files().is_empty());
}

#[tokio::test]
async fn a_device_finds_what_another_one_compiled() {
    if !instance().has_compiled_kernels {
        return;
    }
    let folder = Folder::new("found");
    load_and_run(&folder.0).await;
    let first = folder.files();
    // The one that was launched, of many in the text.
    assert_eq!(first.len(), 1);
    let written: Vec<_> = first
        .iter()
        .map(|file| fs::metadata(file).unwrap().modified().unwrap())
        .collect();
    load_and_run(&folder.0).await;
    assert_eq!(folder.files(), first, "the same text became other code");
    for (file, written) in first.iter().zip(written) {
        let now = fs::metadata(file).unwrap().modified().unwrap();
        assert_eq!(now, written, "{} was made again", file.display());
    }
}

#[tokio::test]
async fn files_that_are_broken_are_made_anew() {
    let folder = Folder::new("broken");
    load_and_run(&folder.0).await;
    for (number, file) in folder.files().iter().enumerate() {
        let bytes = fs::read(file).unwrap();
        let broken = match number % 3 {
            0 => Vec::new(),
            1 => bytes[..bytes.len() / 2].to_vec(),
            _ => b"not what it was".to_vec(),
        };
        fs::write(file, broken).unwrap();
    }
    load_and_run(&folder.0).await;
}

#[tokio::test]
async fn a_folder_that_can_not_be_made_or_written_fails_no_load() {
    load_and_run(Path::new("/proc/no/such/folder")).await;
    load_and_run(Path::new("relative")).await;
    let folder = Folder::new("file");
    fs::create_dir_all(&folder.0).unwrap();
    // A file where a folder is to be: nobody can write, whoever asks.
    fs::write(folder.0.join("modules"), "").unwrap();
    load_and_run(&folder.0).await;
}
