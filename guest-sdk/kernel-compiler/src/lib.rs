//! Kernels in Rust, compiled to PTX by macros: no target of LLVM, no CUDA and no GPU takes part.
//! Use them through `tensor_wasm_guest::kernel`, whose documentation says what a kernel may contain.
//!
//! The way of a kernel: `syn` parses it, `check` makes a typed tree of it (`hir`) with types that
//! it infers, `ptx` writes PTX text, `expand` what Rust gets: the text, a function that launches
//! it, and the kernel itself as ordinary Rust. `items` has what kernels share, `signatures` reads
//! the parameters of PTX from other compilers, for `foreign`.
//!
//! The functions of this crate are the macros; `tensor-wasm-kernel-macro` only declares them.

extern crate proc_macro;

mod check;
mod compile;
mod expand;
mod foreign;
mod hir;
mod items;
mod ptx;
mod signatures;
mod types;

#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

/// The expansion of `#[kernel]`.
pub fn kernel(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::kernel(arguments, item).unwrap_or_else(syn::Error::into_compile_error)
}

/// The expansion of `#[device]`.
pub fn device(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::module(arguments, item).unwrap_or_else(syn::Error::into_compile_error)
}

/// The expansion of `kernels!`.
pub fn kernels(input: TokenStream) -> TokenStream {
    let path = match syn::parse2::<syn::LitStr>(input) {
        Ok(path) => path,
        Err(error) => {
            let message = "the path of a PTX file is expected: write `kernels!(\"filters.ptx\")`";
            return syn::Error::new(error.span(), message).into_compile_error();
        }
    };
    let source = match proc_macro::is_available() {
        true => path.span().unwrap().local_file(),
        false => None,
    };
    let expanded = foreign::expand(&path, |name| {
        let folder = source.as_deref().and_then(|file| file.parent());
        let file = folder.map_or_else(|| name.into(), |folder| folder.join(name));
        std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))
    });
    expanded.unwrap_or_else(syn::Error::into_compile_error)
}
