//! The kernels under `corpus/`, as compilers see them: each is parsed, printed and parsed again,
//! and run against an expectation that is computed here, without the kernel's own tricks.
//!
//! `corpus/README.md` says how the PTX was made.

use crate::common;
mod device;
mod graphics;
mod integers;
mod language;
mod learning;
mod linear;
mod numbers;
mod others;
mod warps;

/// Every kernel of the corpus has a scenario here.
#[test]
fn every_kernel_has_an_expectation() {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut sources = String::new();
    for file in std::fs::read_dir(format!("{root}/tests/corpus")).unwrap() {
        sources.push_str(&std::fs::read_to_string(file.unwrap().path()).unwrap());
    }
    let mut kernels = 0;
    for kernel in std::fs::read_dir(format!("{root}/corpus")).unwrap() {
        let kernel = kernel.unwrap();
        if !kernel.file_type().unwrap().is_dir() {
            continue;
        }
        let name = kernel.file_name().into_string().unwrap();
        let names = [
            format!("both(\"{name}\""),
            format!("from(\"triton\", \"{name}\""),
            format!("from(\"rustc\", \"{name}\""),
        ];
        assert!(names.iter().any(|name| sources.contains(name)), "{name}");
        kernels += 1;
    }
    assert!(kernels >= 40, "{kernels}");
}
