//! What the fuzzer calls with bytes, a function for each target. The tests call the same functions
//! with what was found before (`tests/fuzz.rs`).

mod device;
mod mutation;

use std::sync::Arc;

use tensor_wasm_ptx::compile::{Vectorize, compile_as};
use tensor_wasm_ptx::{Limits, Module, parse};
use wasmparser::{Validator, WasmFeatures};

use device::{limits, run};

/// The most bytes that a kernel's module may have, and its scratch memory: what the compiler states,
/// with room for what is around its functions.
const MOST_WASM: usize = 2 << 20;
const MOST_SCRATCH: usize = (1 << 30) + (64 << 10);

/// What the device's engine has on, of all that modules may use.
const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::THREADS);

/// Any bytes are parsed or refused, and what is parsed means the same when it is printed and parsed
/// again.
pub fn parsing(text: &[u8]) {
    match parse(text, &Limits::default()) {
        Ok(module) => prints(&module, &Limits::default()),
        Err(diagnostics) => {
            assert!(!diagnostics.is_empty() && diagnostics.len() <= 20);
            for diagnostic in diagnostics {
                assert!(!diagnostic.to_string().is_empty());
            }
        }
    }
}

/// What a mutated kernel became is printed, parsed again and run.
pub fn mutation(data: &[u8]) {
    let limits = limits();
    if let Ok(module) = parse(mutation::mutated(data).as_bytes(), &limits) {
        prints(&module, &limits);
        run(module, 1_500);
    }
}

/// Whatever is parsed can be run: it ends, faults or runs out of steps, and never panics.
pub fn interpretation(text: &[u8]) {
    if let Ok(module) = parse(text, &limits()) {
        run(module, 20_000);
    }
}

/// Whatever is parsed is compiled or left to the interpreter, and what it is compiled to is valid
/// and within bounds. The last byte says for how many threads at a time.
pub fn compilation(data: &[u8]) {
    let (last, data) = data.split_last().unwrap_or((&0, data));
    let widths = [Vectorize::Always, Vectorize::Auto, Vectorize::Never];
    let width = widths[usize::from(*last) % widths.len()];
    if let Ok(module) = parse(mutation::mutated(data).as_bytes(), &Limits::default()) {
        compiles(&Arc::new(module), width);
    }
}

fn prints(module: &Module, limits: &Limits) {
    let printed = module.to_string();
    let again = parse(printed.as_bytes(), limits).expect("what was printed can be parsed");
    assert!(again == *module, "printing changed the meaning:\n{printed}");
}

fn compiles(module: &Arc<Module>, width: Vectorize) {
    for entry in module.entries() {
        let what = format!("{}, {width:?}", entry.name());
        match compile_as(module, entry.name(), width) {
            Err(reason) => assert!(!reason.what.is_empty(), "{what}"),
            Ok(lowered) => {
                let mut validator = Validator::new_with_features(FEATURES);
                let valid = validator.validate_all(lowered.wasm()).map(drop);
                assert!(valid.is_ok(), "{what}: {valid:?}");
                let (wasm, scratch) = (lowered.wasm().len(), lowered.scratch_bytes());
                assert!(wasm <= MOST_WASM, "{what}: {wasm} bytes");
                assert!(
                    scratch <= MOST_SCRATCH,
                    "{what}: {scratch} bytes of scratch"
                );
            }
        }
    }
}
