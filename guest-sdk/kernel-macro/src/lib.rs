//! Kernels in Rust, compiled to PTX by a macro: no target of LLVM, no CUDA and no GPU takes part.
//! Use it through `tensor_wasm_guest::kernel`, whose documentation says what a kernel may contain.
//!
//! The way of a kernel: `syn` parses it, `check` makes a typed tree of it (`hir`) with types that
//! it infers, `ptx` writes PTX text, `expand` what Rust gets: the text, a function that launches
//! it, and the kernel itself as ordinary Rust. `items` has what kernels share, `signatures` reads
//! the parameters of PTX from other compilers.

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

use proc_macro::TokenStream;

/// Compiles a function to a kernel, and makes a function of the same name that launches it.
///
/// See `tensor_wasm_guest::kernel`.
#[proc_macro_attribute]
pub fn kernel(arguments: TokenStream, item: TokenStream) -> TokenStream {
    match expand::kernel(arguments.into(), item.into()) {
        Ok(expansion) => expansion.into(),
        Err(error) => error.to_compile_error().into(),
    }
}

/// Compiles the kernels of a module to one PTX text. Functions, constants and structures of the
/// module are known to all of them.
///
/// See `tensor_wasm_guest::kernel`.
#[proc_macro_attribute]
pub fn device(arguments: TokenStream, item: TokenStream) -> TokenStream {
    match expand::module(arguments.into(), item.into()) {
        Ok(expansion) => expansion.into(),
        Err(error) => error.to_compile_error().into(),
    }
}

/// Makes functions that launch the kernels of a PTX file: `kernels!("filters.ptx");`. The path is
/// relative to the file of the source, as that of `include_str!`.
///
/// See `tensor_wasm_guest::kernel`.
#[proc_macro]
pub fn kernels(input: TokenStream) -> TokenStream {
    let path = match syn::parse::<syn::LitStr>(input) {
        Ok(path) => path,
        Err(error) => {
            let message = "the path of a PTX file is expected: write `kernels!(\"filters.ptx\")`";
            return syn::Error::new(error.span(), message)
                .to_compile_error()
                .into();
        }
    };
    let source = path.span().unwrap().local_file();
    let expanded = foreign::expand(&path, |name| {
        let folder = source.as_deref().and_then(|file| file.parent());
        let file = folder.map_or_else(|| name.into(), |folder| folder.join(name));
        std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))
    });
    match expanded {
        Ok(expansion) => expansion.into(),
        Err(error) => error.to_compile_error().into(),
    }
}
