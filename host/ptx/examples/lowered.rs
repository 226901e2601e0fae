//! What the compiler makes of each kernel of a module: how many threads run together, or why they
//! do not. With a second argument, the modules of WebAssembly are written into that folder.
//!
//! ```text
//! cargo run --release -p tensor-wasm-ptx --example lowered FILE [FOLDER]
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::Instant;

use tensor_wasm_ptx::compile::compile;
use tensor_wasm_ptx::{Limits, parse};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let text = std::fs::read(arguments.next().expect("a file of PTX")).unwrap();
    let folder = arguments.next();
    let module = Arc::new(parse(&text, &Limits::default()).unwrap());
    for entry in module.entries() {
        let began = Instant::now();
        let lowered = compile(&module, entry.name());
        let took = began.elapsed();
        match lowered {
            Err(reason) => println!("{}: {reason}", entry.name()),
            Ok(lowered) => {
                println!(
                    "{}: {} threads together{}, {} steps, effort {}, {} bytes in {took:?}",
                    entry.name(),
                    lowered.lanes(),
                    lowered
                        .scalar_reason()
                        .map(|why| format!(" ({why})"))
                        .unwrap_or_default(),
                    lowered.steps(),
                    lowered.effort(),
                    lowered.wasm().len(),
                );
                if let Some(folder) = &folder {
                    let path = format!("{folder}/{}.wasm", entry.name());
                    std::fs::write(path, lowered.wasm()).unwrap();
                }
            }
        }
    }
}
