//! Which code of a compiled kernel comes from which line of its text.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use tensor_wasm_ptx::compile::{compile, compile_with_lines};
use tensor_wasm_ptx::{Limits, Module};

const KERNELS: &str = include_str!("data/kernels.ptx");
const TILED: &str = include_str!("../corpus/matmul_tiled/nvrtc.ptx");

fn module(text: &str) -> Arc<Module> {
    Arc::new(tensor_wasm_ptx::parse(text.as_bytes(), &Limits::default()).unwrap())
}

/// The texts of the corpus.
fn corpus() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let kernels = fs::read_dir(folder).unwrap();
    let files = kernels.flat_map(|kernel| fs::read_dir(kernel.unwrap().path()).into_iter());
    files
        .flatten()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ptx"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

/// What is kept on disk is found by the code that a text becomes.
#[test]
fn a_text_always_becomes_the_same_code_whether_lines_are_asked_for_or_not() {
    let mut texts = corpus();
    assert!(texts.len() > 20);
    texts.push(KERNELS.to_owned());
    for text in &texts {
        let module = module(text);
        for entry in module.entries() {
            let name = entry.name();
            match (compile(&module, name), compile_with_lines(&module, name)) {
                (Ok(plain), Ok((marked, _))) => {
                    assert!(plain.wasm() == marked.wasm(), "{name} differs");
                    assert_eq!(plain.steps(), marked.steps(), "{name}");
                    assert_eq!(plain.scalar_reason(), marked.scalar_reason(), "{name}");
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
    let (lowered, functions) = compile_with_lines(&module, "matmul_tiled").unwrap();
    assert_eq!(lowered.scalar_reason(), None);
    let names: Vec<_> = functions.iter().map(|function| function.name).collect();
    assert!(names.starts_with(&["scalar", "lane_groups"]), "{names:?}");
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
