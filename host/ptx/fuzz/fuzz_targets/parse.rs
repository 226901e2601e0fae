//! Any bytes are parsed or refused, and what is parsed means the same when it is printed and parsed
//! again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tensor_wasm_ptx::{Limits, parse};

fuzz_target!(|text: &[u8]| {
    let limits = Limits::default();
    match parse(text, &limits) {
        Ok(module) => {
            let printed = module.to_string();
            let again = parse(printed.as_bytes(), &limits).expect("what was printed can be parsed");
            assert!(again == module, "printing changed the meaning:\n{printed}");
        }
        Err(diagnostics) => {
            assert!(!diagnostics.is_empty() && diagnostics.len() <= 20);
            for diagnostic in diagnostics {
                assert!(!diagnostic.to_string().is_empty());
            }
        }
    }
});
