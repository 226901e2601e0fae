//! The kernels of `host/ptx/corpus` on a device. The scenarios are those that the interpreter is
//! tested with, unchanged; only what runs them is another, so that a device has to meet the same
//! expectations, and gives the same bits as the processor where `docs/numerics.md` says so.
//!
//! `TENSOR_WASM_TEST_DEVICE` chooses the device, as for the crate's other tests. With
//! `TENSOR_WASM_CORPUS_RESULTS` a file gets one line of JSON for each kernel: `cargo xtask
//! gpu-check` makes its table of them.

use crate::device::common as kinds;

mod compare;
mod device;
mod measure;
mod place;

#[path = "../../../ptx/tests/common/mod.rs"]
mod common;
#[path = "../../../ptx/tests/corpus/device.rs"]
#[allow(dead_code, reason = "it runs kernels in the interpreter, too")]
mod interpreter;

#[path = "../../../ptx/tests/corpus/graphics.rs"]
mod graphics;
#[path = "../../../ptx/tests/corpus/integers.rs"]
mod integers;
#[path = "../../../ptx/tests/corpus/language.rs"]
mod language;
#[path = "../../../ptx/tests/corpus/learning.rs"]
mod learning;
#[path = "../../../ptx/tests/corpus/linear.rs"]
mod linear;
#[path = "../../../ptx/tests/corpus/numbers.rs"]
mod numbers;
#[path = "../../../ptx/tests/corpus/others.rs"]
mod others;
#[path = "../../../ptx/tests/corpus/warps.rs"]
mod warps;

#[test]
fn every_scenario_of_the_interpreter_is_run_here() {
    let here = include_str!("mod.rs");
    let folder = format!("{}/../ptx/tests/corpus", env!("CARGO_MANIFEST_DIR"));
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(
            here.contains(&format!("corpus/{name}")) || name == "mod.rs",
            "{name}"
        );
    }
}
