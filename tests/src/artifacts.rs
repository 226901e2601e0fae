//! Where the things under test lie.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// `target`, as seen from a test's executable in `target/PROFILE/deps`.
fn target() -> PathBuf {
    let executable = env::current_exe().expect("this test has an executable");
    executable
        .ancestors()
        .nth(3)
        .expect("a test's executable lies in target/PROFILE/deps")
        .to_owned()
}

/// The binary: `TENSOR_WASM_BIN`, or the one built beside this test.
///
/// It is started without the caller's settings of its own variables, so that a
/// developer's shell can't change what a test sees.
///
/// # Panics
/// Where it has not been built.
pub fn tensor_wasm() -> Command {
    command_of(binary())
}

/// The binary of an older release: `TENSOR_WASM_OLDER_BIN`, or the one under test.
///
/// It is started as [`tensor_wasm`] starts the other one.
///
/// # Panics
/// Where there is none.
pub fn older_tensor_wasm() -> Command {
    command_of(env::var_os("TENSOR_WASM_OLDER_BIN").map_or_else(binary, PathBuf::from))
}

fn binary() -> PathBuf {
    env::var_os("TENSOR_WASM_BIN").map_or_else(
        || {
            let executable = env::current_exe().expect("this test has an executable");
            let profile = executable.ancestors().nth(2).expect("target/PROFILE");
            profile.join(format!("tensor-wasm{}", env::consts::EXE_SUFFIX))
        },
        PathBuf::from,
    )
}

fn command_of(path: PathBuf) -> Command {
    assert!(
        path.is_file(),
        "there is no `{}`: run `cargo xtask test`, or name the binary in TENSOR_WASM_BIN",
        path.display()
    );
    let mut command = Command::new(path);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("TENSOR_WASM_") {
            command.env_remove(name);
        }
    }
    command
        .env_remove("RUST_LOG")
        .env("NO_COLOR", "1")
        .env("TENSOR_WASM_CACHE_DIR", target().join("test-cache"));
    match DeviceKind::under_test() {
        DeviceKind::Processor => {}
        DeviceKind::Isolated => {
            command.env("TENSOR_WASM_ISOLATE", "true");
        }
        DeviceKind::Cuda => {
            // One for all tests: a static of each test's process would never be removed.
            let driver = target().join("driver");
            assert!(
                driver.join("libcuda.so.1").is_file(),
                "there is no `{}/libcuda.so.1`: run `cargo xtask test`, which puts it there",
                driver.display()
            );
            command
                .env("TENSOR_WASM_GPU", "cuda")
                .env("LD_LIBRARY_PATH", driver);
        }
    }
    command
}

/// The kind of device that stands behind `serve` where a test does not name one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// The host's own processor.
    Processor,
    /// The processor, in a process for each tenant.
    Isolated,
    /// CUDA's driver interface, in a process for each tenant: a driver without a device.
    Cuda,
}

impl DeviceKind {
    /// As `TENSOR_WASM_TEST_DEVICE` says: `cpu`, `isolated` or `cuda`.
    ///
    /// # Panics
    /// Where it says something else.
    #[must_use]
    pub fn under_test() -> DeviceKind {
        match env::var("TENSOR_WASM_TEST_DEVICE").as_deref() {
            Err(_) | Ok("cpu") => DeviceKind::Processor,
            Ok("isolated") => DeviceKind::Isolated,
            Ok("cuda") => DeviceKind::Cuda,
            Ok(other) => panic!("TENSOR_WASM_TEST_DEVICE: there is no kind of device {other}"),
        }
    }
}

/// One of the project's own components, by the name of its file.
///
/// # Panics
/// Where it has not been built.
pub fn component(name: &str) -> PathBuf {
    let folder = env::var_os("TENSOR_WASM_COMPONENTS")
        .map_or_else(|| target().join("components"), PathBuf::from);
    let path = folder.join(format!("{name}.wasm"));
    assert!(
        path.is_file(),
        "there is no `{}`: run `cargo xtask test`, or `cargo xtask components` for the components alone",
        path.display()
    );
    path
}

/// One of the tests' guests, by the name of its scenario.
///
/// # Panics
/// Where it has not been built.
pub fn guest(name: &str) -> PathBuf {
    component(&format!("tests/{name}"))
}
