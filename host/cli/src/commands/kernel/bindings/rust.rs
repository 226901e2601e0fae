//! Bindings in Rust, over the crate `tensor-wasm-guest`.

use std::fmt::Write as _;

use tensor_wasm_ptx::ParamType;

use super::names::Keywords;
use super::{Kernel, Source, integer_bits};

pub const KEYWORDS: Keywords = Keywords {
    language: &[
        "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue",
        "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if",
        "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv",
        "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true", "try",
        "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
    ],
    members: &["load"],
    parameters: &["queue", "config"],
};

/// The source code.
pub fn written(source: &Source) -> String {
    let file = &source.file;
    let has_integers = source.has(|ty| integer_bits(ty).is_some());
    let mut used = vec!["Device", "Kernel", "LaunchConfig", "Queue", "Result"];
    let mut others = |name, there| {
        if there {
            used.push(name);
        }
    };
    others("BFloat16", source.has(|ty| ty == ParamType::BF16));
    others("Half", source.has(|ty| ty == ParamType::F16));
    others("Struct", source.has(is_structure));
    used.sort_unstable();
    let mut code = format!(
        "//! Launches the kernels of `{file}`. Written by `tensor-wasm kernel bindings`.\n\n"
    );
    if has_integers {
        code += "use tensor_wasm_guest::kernel::parameter;\n";
    }
    code += &format!("use tensor_wasm_guest::{{{}}};\n\n", used.join(", "));
    code += &format!("/// The kernels of `{file}`, loaded on a device.\npub struct Kernels {{\n");
    for kernel in &source.kernels {
        code += &format!("    {}: Kernel,\n", kernel.name);
    }
    code += &format!(
        "}}\n\nimpl Kernels {{\n    /// Loads the text of `{file}`.\n    pub fn load(device: &Device, \
         ptx: &[u8]) -> Result<Kernels> {{\n        let module = device.load(ptx)?;\n        \
         Ok(Kernels {{\n"
    );
    for kernel in &source.kernels {
        code += &format!(
            "            {}: module.kernel({:?})?,\n",
            kernel.name, kernel.text
        );
    }
    code += "        })\n    }\n";
    for kernel in &source.kernels {
        function(&mut code, kernel);
    }
    code + "}\n"
}

fn is_structure(ty: ParamType) -> bool {
    matches!(ty, ParamType::Bytes { .. })
}

fn function(code: &mut String, kernel: &Kernel) {
    let Kernel { text, name, .. } = kernel;
    let mut structures = String::new();
    let mut checks = String::new();
    let mut parameters = String::new();
    let mut arguments = String::new();
    for (number, parameter) in kernel.parameters.iter().enumerate() {
        let name = &parameter.name;
        let mut argument = name.clone();
        let ty = match (parameter.ty, integer_bits(parameter.ty)) {
            (_, Some(bits)) => format!("impl parameter::Integer{bits}<'a>"),
            (ParamType::F16, _) => "Half".to_owned(),
            (ParamType::BF16, _) => "BFloat16".to_owned(),
            (ParamType::F32, _) => "f32".to_owned(),
            (ParamType::Bytes { bytes, .. }, _) => {
                structures += &format!(", T{number}: tensor_wasm_guest::bytemuck::Pod");
                checks +=
                    &format!("        const {{ assert!(size_of::<T{number}>() == {bytes}) }}\n");
                argument = format!("Struct({name})");
                format!("&T{number}")
            }
            _ => "f64".to_owned(),
        };
        parameters += &format!("        {name}: {ty},\n");
        arguments += &format!("            .arg({argument})\n");
    }
    // Writing to a string can't fail.
    let _ = write!(
        code,
        "\n    /// Launches the kernel `{text}`.\n    #[allow(clippy::too_many_arguments)]\n    \
         pub fn {name}<'a{structures}>(\n        &'a self,\n        queue: &'a Queue,\n        \
         config: LaunchConfig,\n{parameters}    ) -> Result<()> {{\n{checks}        queue\n            \
         .launch(&self.{name}, config)\n{arguments}            .submit()\n    }}\n"
    );
}
