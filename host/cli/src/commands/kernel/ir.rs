//! The compiler's IR of a kernel, beside the lines of PTX that it comes from.

use std::fmt::Write as _;
use std::sync::Arc;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use tensor_wasm_ptx::Module;
use tensor_wasm_ptx::compile::{Pass, Vectorize, print_ir};

use super::listing::shown;

/// The name of the last pass.
pub const LAST: &str = "bounds-guards";

/// Reads the name of a pass.
pub fn pass_parser() -> impl TypedValueParser<Value = Pass> {
    PossibleValuesParser::new(Pass::ALL.map(Pass::name)).try_map(|name| name.parse::<Pass>())
}

/// The IR of a kernel after a pass, or why there is none.
pub fn listing(module: &Arc<Module>, kernel: &str, pass: Pass, ptx: &[u8]) -> String {
    let ir = match print_ir(module, kernel, Vectorize::Auto, pass) {
        Ok(ir) => ir,
        Err(reason) => return format!("\n;; kernel {kernel}: no IR: {reason}\n"),
    };
    let ptx = String::from_utf8_lossy(ptx);
    let ptx: Vec<&str> = ptx.lines().collect();
    let mut text = format!("\n;; kernel {kernel}: IR after {}\n", ir.pass);
    if ir.pass != pass {
        text = format!("{}; it has no use for {pass}\n", text.trim_end());
    }
    for line in ir.lines {
        let indent = line.text.len() - line.text.trim_start().len();
        if let Some(number) = line.ptx_line {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{:indent$};; {}", "", shown(number, &ptx));
        }
        let _ = writeln!(text, "{}", line.text);
    }
    text
}
