//! A folder with a driver without a device, for a process that looks for `libcuda.so.1`.
//!
//! The driver is the library of `tests/driver`. What it can be told, by a file beside it, is listed
//! in `tests/driver/src/switches.rs`.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// The library as cargo names it.
const LIBRARY: &str = "libtensor_wasm_test_driver.so";

/// A driver of its own for one test. Its folder is removed with it.
#[derive(Debug)]
pub struct Driver {
    folder: PathBuf,
    /// The file in which it lists the calls that it got.
    calls: PathBuf,
}

impl Driver {
    /// A driver with these switches, as lines of TOML; none at all makes it behave.
    ///
    /// # Panics
    /// Where the library has not been built, or cannot be copied.
    #[must_use]
    pub fn new(switches: &str) -> Driver {
        Driver::lacking(&[], switches)
    }

    /// A driver without some of its functions, by their exported names: an older one, or a newer
    /// one that has let them go.
    ///
    /// # Panics
    /// As [`new`](Self::new), and where the library has no such function.
    #[must_use]
    pub fn lacking(functions: &[&str], switches: &str) -> Driver {
        let mut library = fs::read(library()).expect("the driver can be read");
        for function in functions {
            erase(&mut library, function);
        }
        let folder = fresh_folder();
        // A worker may write only where the devices are.
        let shared = Path::new("/dev/shm");
        let calls = match (shared.is_dir(), folder.file_name()) {
            (true, Some(name)) => shared.join(name),
            _ => folder.join("calls"),
        };
        let _ = fs::remove_file(&calls);
        let driver = Driver { folder, calls };
        let place = |name: &str| driver.folder.join(name);
        // A copy, for the driver knows its folder by the file that is loaded.
        fs::write(place("libcuda.so.1"), library).expect("the driver can be written");
        // cudarc tries this name first, and would find that of an installed CUDA.
        symlink("libcuda.so.1", place("libcuda.so")).expect("a link can be made");
        let switches = format!("trace = {:?}\n{switches}\n", driver.calls);
        fs::write(place("libcuda.switches"), switches).expect("the switches can be written");
        driver
    }

    /// Makes a command, and what it starts, find this driver.
    pub fn set<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("LD_LIBRARY_PATH", &self.folder)
    }

    /// Where `libcuda.so.1` and its switches lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes a file in its folder: what its switches have said to happen `when` that is there,
    /// happens from now on.
    ///
    /// # Panics
    /// Where it cannot be made.
    pub fn now(&self, file: &str) {
        fs::write(self.folder.join(file), "").expect("a file can be made");
    }

    /// The calls that it got so far, by name, from whatever process.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(&self.calls).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.calls);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The built library: `TENSOR_WASM_DRIVER`, or the newest one beside this test.
fn library() -> PathBuf {
    if let Some(path) = env::var_os("TENSOR_WASM_DRIVER") {
        return path.into();
    }
    let executable = env::current_exe().expect("this test has an executable");
    // `target/PROFILE/deps`, where cargo builds it for its own tests, and `target/PROFILE`.
    let folders = executable.ancestors().skip(1).take(2);
    let built = folders.filter_map(|folder| {
        let path = folder.join(LIBRARY);
        Some((fs::metadata(&path).ok()?.modified().ok()?, path))
    });
    built.max().map(|(_, path)| path).expect(
        "there is no driver: run `cargo xtask test`, or `cargo build -p tensor-wasm-test-driver`",
    )
}

fn fresh_folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tensor-wasm-driver-{}-{number}", std::process::id());
        let folder = env::temp_dir().join(name);
        match fs::create_dir(&folder) {
            Ok(()) => return folder,
            // A process of this number was killed, and left it behind.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => panic!("{}: {error}", folder.display()),
        }
    }
}

/// Spoils a name in the library's tables of symbols, so that no search finds it.
fn erase(library: &mut [u8], function: &str) {
    let name = format!("\0{function}\0").into_bytes();
    let found = |library: &[u8]| library.windows(name.len()).position(|part| part == name);
    let mut places = 0;
    while let Some(place) = found(library) {
        library[place + 1] = b'-';
        places += 1;
    }
    assert!(places > 0, "the driver has no `{function}`");
}
