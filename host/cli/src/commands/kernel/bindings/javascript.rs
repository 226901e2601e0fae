//! Bindings in JavaScript, over what jco and componentize-js make of the contract.

use std::fmt::Write as _;

use tensor_wasm_ptx::ParamType;

use super::names::Keywords;
use super::{Kernel, Source, integer_bits, listed};

pub const KEYWORDS: Keywords = Keywords {
    language: &[
        "arguments",
        "await",
        "break",
        "case",
        "catch",
        "class",
        "const",
        "continue",
        "debugger",
        "default",
        "delete",
        "do",
        "else",
        "enum",
        "eval",
        "export",
        "extends",
        "false",
        "finally",
        "for",
        "function",
        "if",
        "implements",
        "import",
        "in",
        "instanceof",
        "interface",
        "let",
        "new",
        "null",
        "package",
        "private",
        "protected",
        "public",
        "return",
        "static",
        "super",
        "switch",
        "this",
        "throw",
        "true",
        "try",
        "typeof",
        "var",
        "void",
        "while",
        "with",
        "yield",
    ],
    members: &["constructor"],
    parameters: &["queue", "config"],
};

/// The source code.
pub fn written(source: &Source) -> String {
    let file = &source.file;
    let mut code =
        format!("// Launches the kernels of {file}. Written by `tensor-wasm kernel bindings`.\n");
    if source.has(|ty| matches!(integer_bits(ty), Some(8 | 16 | 32))) {
        // Compilers declare integers with a sign as ones without.
        code += "
function integer(bits, value) {
  return { tag: `${value < 0 ? \"s\" : \"u\"}${bits}`, val: value };
}
";
    }
    if source.has(|ty| integer_bits(ty) == Some(64)) {
        code += "
// A buffer, an array of a buffer and a place in it (in bytes), or a number. They are passed on as they
// are: QuickJS takes numbers, and StarlingMonkey whole numbers of either type.
function address(value) {
  if (typeof value === \"number\" || typeof value === \"bigint\") {
    return { tag: value < 0 ? \"s64\" : \"u64\", val: value };
  }
  return { tag: \"pointer\", val: Array.isArray(value) ? value : [value, 0] };
}
";
    }
    code += "
// The bytes of a text. QuickJS has no `TextEncoder`.
function utf8(text) {
  return Uint8Array.from(unescape(encodeURIComponent(text)), (letter) => letter.charCodeAt(0));
}
";
    code +=
        &format!("\n/** The kernels of {file}, loaded on a device. */\nexport class Kernels {{\n");
    for kernel in &source.kernels {
        code += &format!("  #{};\n", kernel.name);
    }
    code += "
  /** `ptx` is the text of the file, or its bytes. */
  constructor(device, ptx) {
    const module = device.load(typeof ptx === \"string\" ? utf8(ptx) : ptx);
";
    for kernel in &source.kernels {
        code += &format!(
            "    this.#{} = module.kernel({:?});\n",
            kernel.name, kernel.text
        );
    }
    code += "  }\n";
    for kernel in &source.kernels {
        function(&mut code, kernel);
    }
    code + "}\n"
}

fn function(code: &mut String, kernel: &Kernel) {
    let Kernel { text, name, .. } = kernel;
    let names = kernel.parameters.iter().map(|parameter| &*parameter.name);
    let parameters = listed("queue, config", names);
    // Writing to a string can't fail.
    let _ = write!(code, "\n  /**\n   * Launches the kernel {text}.\n");
    for parameter in &kernel.parameters {
        *code += &format!(
            "   * @param {{{}}} {}\n",
            hint(parameter.ty),
            parameter.name
        );
    }
    *code +=
        &format!("   */\n  {name}({parameters}) {{\n    queue.launch(this.#{name}, config, [\n");
    for parameter in &kernel.parameters {
        let value = &parameter.name;
        let argument = match (parameter.ty, integer_bits(parameter.ty)) {
            (_, Some(64)) => format!("address({value})"),
            (_, Some(bits)) => format!("integer({bits}, {value})"),
            (ParamType::F16, _) => format!("{{ tag: \"f16\", val: {value} }}"),
            (ParamType::BF16, _) => format!("{{ tag: \"bf16\", val: {value} }}"),
            (ParamType::F32, _) => format!("{{ tag: \"f32\", val: {value} }}"),
            (ParamType::Bytes { .. }, _) => format!("{{ tag: \"bytes\", val: {value} }}"),
            _ => format!("{{ tag: \"f64\", val: {value} }}"),
        };
        *code += &format!("      {argument},\n");
    }
    *code += "    ]);\n  }\n";
}

/// The type of a parameter. Numbers of 16 bits with a point are their bits.
fn hint(ty: ParamType) -> &'static str {
    match ty {
        ParamType::U64 | ParamType::S64 => "Buffer | [Buffer, number | bigint] | number | bigint",
        ParamType::Bytes { .. } => "Uint8Array",
        _ => "number",
    }
}
