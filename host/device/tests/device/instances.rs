//! The suite is written once, and each test states a promise that every device keeps. This table
//! has the devices that it is instantiated for, and what they promise beyond that, so that a test asks
//! for a property and never for a name.
//!
//! A run of the suite tests one of them, which `TENSOR_WASM_TEST_DEVICE` names. `cargo xtask test`
//! runs it for each that it is required for.

use tensor_wasm_device::{CpuConfig, Device, interpret_all_kernels};

use super::common::workers;

/// A device that the suite is instantiated for.
pub struct Instance {
    /// As the environment names it.
    name: &'static str,
    open: fn(CpuConfig) -> Device,
    /// A failure of a kernel is its queue's alone, and says block, thread and line. Without it, the
    /// device is lost to the tenant with the kernel.
    pub contains_failures: bool,
    /// It runs the blocks of many kernels by slices of its own, so that tests may have dozens of
    /// endless ones.
    pub has_slices: bool,
    /// The processor of this process has compiled kernels, beside the device itself.
    pub has_compiled_kernels: bool,
    /// `CpuConfig::checks` has it check kernels as they run.
    pub has_checks: bool,
    /// `cargo xtask test` must run the suite for it.
    is_required: bool,
}

const INSTANCES: [Instance; 4] = [
    Instance {
        name: "cpu",
        open: |config| Device::cpu(config).unwrap(),
        contains_failures: true,
        has_slices: true,
        has_compiled_kernels: true,
        has_checks: true,
        is_required: true,
    },
    // That kernels give the same results when they are interpreted, the tests of `host/ptx` promise;
    // this is for a change of the interpreter, or of what runs it.
    Instance {
        name: "interpreted",
        open: |config| {
            interpret_all_kernels();
            Device::cpu(config).unwrap()
        },
        contains_failures: true,
        has_slices: true,
        has_compiled_kernels: false,
        has_checks: true,
        is_required: false,
    },
    Instance {
        name: "isolated",
        open: |config| Device::isolated(config, workers()).unwrap(),
        contains_failures: true,
        has_slices: true,
        has_compiled_kernels: true,
        has_checks: true,
        is_required: true,
    },
    // By NVIDIA's driver, or the one without a device in `tests/driver`.
    Instance {
        name: "cuda",
        open: |config| Device::cuda(0, config, workers()).unwrap(),
        contains_failures: false,
        has_slices: false,
        has_compiled_kernels: true,
        has_checks: false,
        is_required: true,
    },
];

impl Instance {
    /// Whether it is an NVIDIA device, by whichever driver.
    pub fn is_cuda(&self) -> bool {
        self.name == "cuda"
    }

    pub fn open(&self, config: CpuConfig) -> Device {
        (self.open)(config)
    }
}

/// The one under test.
pub fn instance() -> &'static Instance {
    const VARIABLE: &str = "TENSOR_WASM_TEST_DEVICE";
    let name = std::env::var(VARIABLE).unwrap_or_else(|_| "cpu".to_owned());
    let found = INSTANCES.iter().find(|instance| instance.name == name);
    found.unwrap_or_else(|| panic!("{VARIABLE}: there is no instance `{name}`"))
}

#[test]
fn the_suite_is_run_for_each_instance_that_is_required() {
    let xtask = concat!(env!("CARGO_MANIFEST_DIR"), "/../../xtask/src/test.rs");
    let xtask = std::fs::read_to_string(xtask).unwrap();
    assert!(xtask.contains("TENSOR_WASM_TEST_DEVICE"));
    for instance in INSTANCES.iter().filter(|instance| instance.is_required) {
        // The first is what a run without the variable tests.
        let is_run = instance.name == "cpu" || xtask.contains(&format!("(\"{}\",", instance.name));
        assert!(is_run, "{}", instance.name);
    }
}
