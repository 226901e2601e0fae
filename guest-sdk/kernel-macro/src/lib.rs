//! The macros of `tensor_wasm_guest::kernel`, whose documentation says what a kernel may contain.
//! `tensor-wasm-kernel-compiler` has all that they do.

use proc_macro::TokenStream;

/// Compiles a function to a kernel, and makes a function of the same name that launches it.
///
/// See `tensor_wasm_guest::kernel`.
#[proc_macro_attribute]
pub fn kernel(arguments: TokenStream, item: TokenStream) -> TokenStream {
    tensor_wasm_kernel_compiler::kernel(arguments.into(), item.into()).into()
}

/// Compiles the kernels of a module to one PTX text. Functions, constants and structures of the
/// module are known to all of them.
///
/// See `tensor_wasm_guest::kernel`.
#[proc_macro_attribute]
pub fn device(arguments: TokenStream, item: TokenStream) -> TokenStream {
    tensor_wasm_kernel_compiler::device(arguments.into(), item.into()).into()
}

/// Makes functions that launch the kernels of a PTX file: `kernels!("filters.ptx");`. The path is
/// relative to the file of the source, as that of `include_str!`.
///
/// See `tensor_wasm_guest::kernel`.
#[proc_macro]
pub fn kernels(input: TokenStream) -> TokenStream {
    tensor_wasm_kernel_compiler::kernels(input.into()).into()
}
