//! What the fuzzer found once does no harm any more: inputs by target, in `fuzz/regressions`. Those of
//! the target `differential` are run by `tests/random/`.

#[path = "../fuzz/src/lib.rs"]
mod targets;

fn each(target: &str, run: fn(&[u8])) {
    let folder = format!("{}/fuzz/regressions/{target}", env!("CARGO_MANIFEST_DIR"));
    for input in std::fs::read_dir(folder).unwrap() {
        run(&std::fs::read(input.unwrap().path()).unwrap());
    }
}

#[test]
fn texts_are_parsed_and_printed() {
    each("parse", targets::parsing);
}

#[test]
fn mutated_kernels_are_printed_and_run() {
    each("mutate", targets::mutation);
}

#[test]
fn texts_are_interpreted() {
    each("interpret", targets::interpretation);
}

#[test]
fn mutated_kernels_are_compiled() {
    each("compile", targets::compilation);
}
