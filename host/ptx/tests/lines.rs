//! Which code of a compiled kernel comes from which line of its text.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::sync::Arc;

use tensor_wasm_ptx::lower::{lower, lower_with_lines};
use tensor_wasm_ptx::{Limits, Module};

const KERNELS: &str = include_str!("data/kernels.ptx");
const TILED: &str = include_str!("../corpus/matmul_tiled/nvrtc.ptx");

fn module(text: &str) -> Arc<Module> {
    Arc::new(tensor_wasm_ptx::parse(text.as_bytes(), &Limits::default()).unwrap())
}

#[test]
fn asking_for_lines_changes_nothing_of_the_code() {
    for text in [KERNELS, TILED] {
        let module = module(text);
        for entry in module.entries() {
            let name = entry.name();
            match (lower(&module, name), lower_with_lines(&module, name)) {
                (Ok(plain), Ok((marked, _))) => {
                    assert!(plain.wasm() == marked.wasm(), "{name} differs");
                    assert_eq!(plain.steps(), marked.steps(), "{name}");
                    assert_eq!(plain.alone(), marked.alone(), "{name}");
                }
                (plain, marked) => {
                    assert_eq!(plain.err(), marked.map(|_| ()).err(), "{name}");
                }
            }
        }
    }
}

#[test]
fn each_function_has_the_kernels_lines_by_offset() {
    let module = module(TILED);
    let (lowered, functions) = lower_with_lines(&module, "matmul_tiled").unwrap();
    assert_eq!(lowered.alone(), None);
    let names: Vec<_> = functions.iter().map(|function| function.name).collect();
    assert!(names.starts_with(&["alone", "groups"]), "{names:?}");
    // What touches memory always has code of its own.
    let loads_and_stores: BTreeSet<u32> = (1..)
        .zip(TILED.lines())
        .filter(|(_, line)| line.contains("ld.global") || line.contains("st.shared"))
        .map(|(number, _)| number)
        .collect();
    assert!(!loads_and_stores.is_empty());
    for function in &functions[..2] {
        assert!(function.lines.is_sorted_by(|a, b| a.offset < b.offset));
        let lines = function.lines.iter().map(|line| line.line).collect();
        assert!(loads_and_stores.is_subset(&lines), "{}", function.name);
    }
}
