//! A GPU for programs that want one: the machine's own, or the driver without a device in a
//! folder where they look for `libcuda.so.1`.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{
    steps::Step,
    workspace::{Profile, Workspace},
};

/// Its package, what its library is called, and a program that comes with it.
const PACKAGE: &str = "tensor-wasm-test-driver";
const LIBRARY: &str = "libtensor_wasm_test_driver.so";
const PLAIN: &str = "plain";

/// Our side's package.
const DEVICE: &str = "tensor-wasm-device";

/// What the programs run on.
pub enum Gpu {
    /// A device of the driver that is installed.
    Real,
    /// None: this folder has the driver without a device.
    StandIn(PathBuf),
}

impl Gpu {
    /// Asks the installed driver, by a program that lists devices with `--devices`; the driver
    /// without a device, made ready in `folder`, where it has none.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn find(lists: &Path, driver: &Path, folder: &Path) -> Result<Self> {
        match real_devices(lists)?.is_ok() {
            true => Ok(Self::Real),
            false => Ok(Self::StandIn(prepare(driver, folder)?)),
        }
    }

    /// Makes a command, and what it starts, find it.
    pub fn set<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        match self {
            Self::Real => command,
            Self::StandIn(folder) => command.env("LD_LIBRARY_PATH", folder),
        }
    }
}

/// What the installed driver says of its devices, as `--devices` prints it; or why there is none.
/// The driver without a device is none, however it came to be found.
///
/// # Errors
/// Where the program cannot be started.
pub fn real_devices(lists: &Path) -> Result<std::result::Result<Value, String>> {
    let output = Command::new(lists)
        .arg("--devices")
        .output()
        .with_context(|| format!("cannot start {}", lists.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().trim_start_matches("Error: ").trim_matches('"');
        return Ok(Err(said.to_owned()));
    }
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    let devices = answer.get("devices").and_then(Value::as_array);
    let is_stand_in = |device: &Value| device.get("stand_in") != Some(&Value::Bool(false));
    match devices {
        Some(devices) if devices.is_empty() => Ok(Err("the driver shows no device".to_owned())),
        Some(devices) if !devices.iter().any(is_stand_in) => Ok(Ok(answer)),
        _ => Ok(Err(
            "the driver that was found is the one without a device".to_owned()
        )),
    }
}

/// Builds example programs of the device's crate, and says in which folder they are.
///
/// # Errors
/// Where they do not build.
pub fn build_programs(
    workspace: &Workspace,
    step: &Step,
    profile: Profile,
    names: &[&str],
) -> Result<PathBuf> {
    let mut command = workspace.cargo(["build", "--package", DEVICE]);
    for name in names {
        command.args(["--example", name]);
    }
    if profile == Profile::Release {
        command.arg("--release");
    }
    step.run(&mut command)?;
    Ok(workspace.profile_folder(profile).join("examples"))
}

/// Builds the driver without a device, and the program that measures cudarc alone beside it; says
/// where the library is.
///
/// # Errors
/// Where it does not build.
pub fn build(workspace: &Workspace, step: &Step, profile: Profile) -> Result<PathBuf> {
    let mut command = workspace.cargo(["build", "--package", PACKAGE, "--example", PLAIN]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    step.run(&mut command)?;
    Ok(workspace.profile_folder(profile).join("deps").join(LIBRARY))
}

/// A folder in which the library is found as the driver.
///
/// # Errors
/// Where it cannot be made.
pub fn prepare(library: &Path, within: &Path) -> Result<PathBuf> {
    let folder = within.join("driver-without-a-device");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let place = folder.join("libcuda.so.1");
    // Not over the file: a program that runs may have it mapped.
    if place.exists() {
        fs::remove_file(&place)?;
    }
    fs::copy(library, &place)
        .with_context(|| format!("cannot copy {} to {}", library.display(), place.display()))?;
    // cudarc tries this name first, and would find that of an installed CUDA.
    let link = folder.join("libcuda.so");
    if !link.exists() {
        symlink("libcuda.so.1", link)?;
    }
    Ok(folder)
}
