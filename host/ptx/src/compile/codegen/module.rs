//! The WebAssembly module around the functions: imports, memories, globals, exports.

use wasm_encoder::{
    BranchHint, BranchHints, CodeSection, ConstExpr, EntityType, ExportKind, ExportSection,
    FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction as W, MemorySection,
    MemoryType, Module, TypeSection, ValType,
};

use crate::compile::Unsupported;
use crate::compile::abi::PAGE;
use crate::compile::codegen::function_writer::Function;
use crate::simt::builtin_functions::MOST_ARGUMENTS;

/// The functions that a module imports, by their index; [`Setup`](crate::exec::Setup) says what each
/// is.
pub(crate) struct Imports;

impl Imports {
    pub(crate) const LIBCALL: u32 = 0;
    pub(crate) const BOUNDS_MISS: u32 = 1;
    pub(crate) const FAULT: u32 = 2;
    pub(crate) const GENERIC: u32 = 3;
    pub(crate) const CLOCK: u32 = 4;
    pub(crate) const BUILTIN: u32 = 5;
    pub(crate) const COUNT: u32 = 6;
}

/// Pages of device memory: all that 32 bits address.
const DEVICE_PAGES: u64 = 1 << 16;

/// Writes a module of these functions by their names, with so many globals and bytes of scratch
/// memory.
///
/// # Errors
/// Where a function is larger than WebAssembly allows.
pub(crate) fn module(
    functions: &[(&str, Function)],
    globals: u32,
    scratch: u64,
) -> Result<Vec<u8>, Unsupported> {
    use ValType::{I32, I64};
    let mut types = TypeSection::new();
    types.ty().function([I32, I64, I64, I64, I64], [I64]);
    types.ty().function([I32, I32, I64], [I64, I64]);
    types.ty().function([I32, I32, I64], []);
    types.ty().function([I32, I32, I64], [I32]);
    types.ty().function([], [I64]);
    let mut builtin = vec![I32, I32];
    builtin.resize(2 + MOST_ARGUMENTS, I64);
    types.ty().function(builtin, [I64]);
    types.ty().function([I32, I32], [I32]);
    types.ty().function([], []);
    let mut imports = ImportSection::new();
    let names = [
        "libcall",
        "bounds_miss",
        "fault",
        "generic",
        "clock",
        "builtin",
    ];
    for (name, ty) in names.into_iter().zip(0..) {
        imports.import("host", name, EntityType::Function(ty));
    }
    let mut declared = FunctionSection::new();
    let mut exports = ExportSection::new();
    let mut code = CodeSection::new();
    let mut hints = BranchHints::new();
    let mut hinted = false;
    let mut number = Imports::COUNT;
    for (name, function) in functions {
        declared.function(6);
        exports.export(name, ExportKind::Func, number);
        let locals = function.locals.iter().copied();
        let mut body = wasm_encoder::Function::new_with_locals_types(locals);
        let too_long = |_| Unsupported::internal("a function that is too long");
        let prefix = u32::try_from(body.byte_len()).map_err(too_long)?;
        body.raw(function.code.iter().copied());
        let unlikely: Vec<BranchHint> = function
            .unlikely
            .iter()
            .map(|offset| BranchHint {
                branch_func_offset: prefix + offset,
                branch_hint_value: 0,
            })
            .collect();
        if !unlikely.is_empty() {
            hinted = true;
            hints.function_hints(number, unlikely);
        }
        code.function(&body);
        number += 1;
    }
    // Empties the bounds caches: what was mapped may not be any more.
    declared.function(7);
    exports.export("empty_bounds_caches", ExportKind::Func, number);
    let mut body = wasm_encoder::Function::new([]);
    let mut declared_globals = GlobalSection::new();
    for number in 0..globals {
        declared_globals.global(
            GlobalType {
                val_type: I64,
                mutable: true,
                shared: false,
            },
            &ConstExpr::i64_const(0),
        );
        body.instruction(&W::I64Const(0));
        body.instruction(&W::GlobalSet(number));
    }
    body.instruction(&W::End);
    code.function(&body);
    let mut memories = MemorySection::new();
    for pages in [scratch.div_ceil(PAGE), DEVICE_PAGES] {
        memories.memory(MemoryType {
            minimum: pages,
            maximum: Some(pages),
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
    }
    exports.export("scratch", ExportKind::Memory, 0);
    exports.export("device", ExportKind::Memory, 1);
    let mut module = Module::new();
    module
        .section(&types)
        .section(&imports)
        .section(&declared)
        .section(&memories)
        .section(&declared_globals)
        .section(&exports);
    if hinted {
        module.section(&hints);
    }
    module.section(&code);
    Ok(module.finish())
}
