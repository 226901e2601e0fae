//! Bindings in Python, over what componentize-py makes of the contract.

use std::fmt::Write as _;

use tensor_wasm_ptx::ParamType;

use super::names::Keywords;
use super::{Kernel, Source, integer_bits, listed};

pub const KEYWORDS: Keywords = Keywords {
    language: &[
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class",
        "continue", "def", "del", "elif", "else", "except", "finally", "for", "from", "global",
        "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return",
        "try", "while", "with", "yield", "kernels",
    ],
    members: &["__init__"],
    parameters: &["self", "queue", "config"],
};

/// The source code.
pub fn written(source: &Source) -> String {
    let file = &source.file;
    let mut code = format!(
        "\"\"\"Launches the kernels of {file}. Written by `tensor-wasm kernel bindings`.\"\"\"\n\n\
         from wit_world.imports import kernels\n"
    );
    for bits in [8, 16, 32] {
        if source.has(|ty| integer_bits(ty) == Some(bits)) {
            // Compilers declare integers with a sign as ones without.
            code += &format!(
                "\n\ndef _integer{bits}(value: int) -> kernels.Argument:\n    if value < 0:\n        \
                 return kernels.Argument_S{bits}(value)\n    return kernels.Argument_U{bits}(value)\n"
            );
        }
    }
    if source.has(|ty| integer_bits(ty) == Some(64)) {
        code += "

# A buffer, a place in one (in bytes), or a number.
Address = kernels.Buffer | tuple[kernels.Buffer, int] | int


def _address(value: Address) -> kernels.Argument:
    if isinstance(value, kernels.Buffer):
        return kernels.Argument_Pointer((value, 0))
    if isinstance(value, tuple):
        return kernels.Argument_Pointer(value)
    if value < 0:
        return kernels.Argument_S64(value)
    return kernels.Argument_U64(value)
";
    }
    code += &format!(
        "\n\nclass Kernels:\n    \"\"\"The kernels of {file}, loaded on a device.\"\"\"\n\n    \
         def __init__(self, device: kernels.Device, ptx: bytes) -> None:\n        \
         module = device.load(ptx)\n"
    );
    for kernel in &source.kernels {
        code += &format!(
            "        self._{} = module.kernel({:?})\n",
            kernel.name, kernel.text
        );
    }
    for kernel in &source.kernels {
        function(&mut code, kernel);
    }
    code
}

fn function(code: &mut String, kernel: &Kernel) {
    let Kernel { text, name, .. } = kernel;
    let typed: Vec<_> = kernel
        .parameters
        .iter()
        .map(|parameter| format!("{}: {}", parameter.name, hint(parameter.ty)))
        .collect();
    let parameters = listed(
        "self, queue: kernels.Queue, config: kernels.LaunchConfig",
        typed.iter().map(String::as_str),
    );
    // Writing to a string can't fail.
    let _ = write!(
        code,
        "\n    def {name}({parameters}) -> None:\n        \
         \"\"\"Launches the kernel {text}.\"\"\"\n        arguments: list[kernels.Argument] = [\n"
    );
    for parameter in &kernel.parameters {
        let value = &parameter.name;
        let argument = match (parameter.ty, integer_bits(parameter.ty)) {
            (_, Some(64)) => format!("_address({value})"),
            (_, Some(bits)) => format!("_integer{bits}({value})"),
            (ParamType::F16, _) => format!("kernels.Argument_F16({value})"),
            (ParamType::BF16, _) => format!("kernels.Argument_Bf16({value})"),
            (ParamType::F32, _) => format!("kernels.Argument_F32({value})"),
            (ParamType::Bytes { .. }, _) => format!("kernels.Argument_Bytes({value})"),
            _ => format!("kernels.Argument_F64({value})"),
        };
        *code += &format!("            {argument},\n");
    }
    *code += &format!("        ]\n        queue.launch(self._{name}, config, arguments)\n");
}

/// The type of a parameter. Numbers of 16 bits with a point are their bits.
fn hint(ty: ParamType) -> &'static str {
    match ty {
        ParamType::U64 | ParamType::S64 => "Address",
        ParamType::F32 | ParamType::F64 => "float",
        ParamType::Bytes { .. } => "bytes",
        _ => "int",
    }
}
