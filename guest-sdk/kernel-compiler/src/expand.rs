//! What Rust gets for a kernel: a function that launches it, and a module of the same name with the
//! PTX text, the kernel as ordinary Rust, and a function that runs it on the processor.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{FnArg, Ident, Item, ItemFn, ItemMod, Pat, PatType};

use crate::compile::{Compiled, compile};
use crate::items::Items;
use crate::types::{Scalar, Type};

/// Expands `#[kernel]`.
pub fn kernel(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    no_arguments(&arguments)?;
    let item: Item = syn::parse2(item)?;
    let kernel = match item {
        Item::Fn(kernel) => kernel,
        Item::Mod(module) => {
            return Err(syn::Error::new_spanned(
                module.mod_token,
                "`#[kernel]` is for functions: write `#[device]` before the module, and `#[kernel]` before its kernels",
            ));
        }
        other => {
            return Err(syn::Error::new_spanned(
                other,
                "`#[kernel]` is for functions",
            ));
        }
    };
    let mut items = Items::default();
    items.collect(inner_items(&kernel))?;
    let compiled = compile(&items, &[&kernel]);
    expansion(&items, &[&kernel], compiled)
}

/// Expands `#[device]`.
pub fn module(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    no_arguments(&arguments)?;
    let item: Item = syn::parse2(item)?;
    let mut module: ItemMod = match item {
        Item::Mod(module) => module,
        other => {
            return Err(syn::Error::new_spanned(
                other,
                "`#[device]` is for modules: put functions for kernels into a `#[device] mod`, or into the body of the kernel",
            ));
        }
    };
    let Some((_, content)) = &mut module.content else {
        return Err(syn::Error::new_spanned(
            &module,
            "the macro does not see other files: write the contents here, `mod name { … }`",
        ));
    };
    let mut kernels = Vec::new();
    let mut rest = Vec::new();
    for item in content.drain(..) {
        match item {
            Item::Fn(mut function) if is_kernel(&function) => {
                function
                    .attrs
                    .retain(|attribute| !is_named(attribute, "kernel"));
                kernels.push(function);
            }
            Item::Fn(mut function) => {
                function
                    .attrs
                    .retain(|attribute| !is_named(attribute, "device"));
                rest.push(Item::Fn(function));
            }
            other => rest.push(other),
        }
    }
    if kernels.is_empty() {
        return Err(syn::Error::new_spanned(
            &module.ident,
            "this module has no kernel: write `#[kernel]` before a function",
        ));
    }
    let mut items = Items::default();
    items.collect(rest.iter())?;
    for kernel in &kernels {
        items.collect(inner_items(kernel))?;
        let name = kernel.sig.ident.to_string();
        let count = kernels
            .iter()
            .filter(|other| other.sig.ident == name)
            .count();
        if items.functions.contains_key(&name) || count > 1 {
            return Err(syn::Error::new_spanned(
                &kernel.sig.ident,
                format!("there is a function `{name}` already: give one of them another name"),
            ));
        }
    }
    let kernels: Vec<&ItemFn> = kernels.iter().collect();
    let compiled = compile(&items, &kernels);
    let expanded = expansion(&items, &kernels, compiled)?;
    let (attributes, visibility, name) = (&module.attrs, &module.vis, &module.ident);
    Ok(quote! {
        #(#attributes)*
        #visibility mod #name {
            #[allow(unused_imports)]
            use ::tensor_wasm_guest::kernel::prelude::*;
            #(#rest)*
            #expanded
        }
    })
}

fn no_arguments(arguments: &TokenStream) -> syn::Result<()> {
    match arguments.is_empty() {
        true => Ok(()),
        false => Err(syn::Error::new_spanned(
            arguments,
            "this attribute takes no arguments",
        )),
    }
}

fn is_named(attribute: &syn::Attribute, name: &str) -> bool {
    attribute
        .path()
        .segments
        .last()
        .is_some_and(|segment| segment.ident == name)
}

fn is_kernel(function: &ItemFn) -> bool {
    function
        .attrs
        .iter()
        .any(|attribute| is_named(attribute, "kernel"))
}

fn inner_items(kernel: &ItemFn) -> impl Iterator<Item = &Item> {
    kernel
        .block
        .stmts
        .iter()
        .filter_map(|statement| match statement {
            syn::Stmt::Item(item) => Some(item),
            _ => None,
        })
}

/// A parameter as the expansion sees it.
struct Param<'a> {
    name: Ident,
    syntax: &'a PatType,
    ty: Type,
}

fn expansion(
    items: &Items,
    kernels: &[&ItemFn],
    compiled: syn::Result<Compiled>,
) -> syn::Result<TokenStream> {
    let (ptx, error) = match &compiled {
        Ok(compiled) => (compiled.ptx.as_str(), None),
        Err(error) => ("", Some(error.to_compile_error())),
    };
    let mut expanded = TokenStream::new();
    for kernel in kernels {
        let waits = compiled.as_ref().is_ok_and(|compiled| {
            let mut all = compiled.kernels.iter();
            all.any(|each| kernel.sig.ident == each.name && each.waits)
        });
        expanded.extend(one(items, kernel, ptx, waits, error.is_none())?);
    }
    Ok(quote! { #error #expanded })
}

/// The expansion of one kernel. Where it has errors, its Rust is left out: rustc would only repeat
/// them.
fn one(
    items: &Items,
    kernel: &ItemFn,
    ptx: &str,
    waits: bool,
    is_right: bool,
) -> syn::Result<TokenStream> {
    let name = &kernel.sig.ident;
    let visibility = &kernel.vis;
    let text = name.to_string();
    let mut params = Vec::new();
    for (number, input) in kernel.sig.inputs.iter().enumerate() {
        let FnArg::Typed(syntax) = input else {
            return Err(syn::Error::new_spanned(input, "a kernel has no `self`"));
        };
        let name = match &*syntax.pat {
            Pat::Ident(pattern) => pattern.ident.clone(),
            _ => format_ident!("unused{number}"),
        };
        let Ok(ty) = items.ty(&syntax.ty, &Default::default()) else {
            // The error was reported with the others.
            return Ok(TokenStream::new());
        };
        params.push(Param { name, syntax, ty });
    }
    let crate_path = quote!(::tensor_wasm_guest);
    let attributes: Vec<_> = kernel
        .attrs
        .iter()
        .filter(|attribute| {
            is_named(attribute, "doc")
                || is_named(attribute, "allow")
                || is_named(attribute, "expect")
                || is_named(attribute, "cfg")
        })
        .collect();
    // Names that the kernel's parameters may have too.
    let launcher = Ident::new("launcher", Span::mixed_site());
    let config = Ident::new("config", Span::mixed_site());
    let launch_params = params.iter().map(launch_param);
    let arguments = params
        .iter()
        .flat_map(|param| launch_arguments(param, &crate_path));
    let native = native(kernel, &params, waits, is_right, &crate_path);
    let model = is_right.then(|| model(kernel));
    Ok(quote! {
        #(#attributes)*
        #[allow(clippy::too_many_arguments)]
        #visibility fn #name<L: #crate_path::kernel::Launcher>(
            #launcher: L,
            #config: #crate_path::LaunchConfig,
            #(#launch_params),*
        ) -> ::core::result::Result<(), L::Error> {
            #launcher.launch(&#name::SOURCE, #config, &[#(#arguments),*])
        }

        #[allow(missing_docs)]
        #visibility mod #name {
            #[allow(unused_imports)]
            use super::*;
            #[allow(unused_imports)]
            use #crate_path::kernel::prelude::*;

            /// The kernel's name in [`PTX`].
            pub const NAME: &str = #text;
            /// The text of the kernel's module.
            pub const PTX: &str = #ptx;
            /// The kernel, for launches.
            pub const SOURCE: #crate_path::kernel::Source = #crate_path::kernel::Source {
                name: NAME,
                ptx: PTX,
            };
            #model
            #native
        }
    })
}

/// The parameter of the function that launches.
fn launch_param(param: &Param<'_>) -> TokenStream {
    let name = &param.name;
    let ty = &param.syntax.ty;
    match (&param.ty, &**ty) {
        (Type::Slice(_), syn::Type::Reference(reference)) => match &*reference.elem {
            syn::Type::Slice(slice) => {
                let element = &slice.elem;
                quote!(#name: &L::Buffer<#element>)
            }
            _ => quote!(#name: #ty),
        },
        (Type::GlobalMut(_), ty) => match element(ty) {
            Some(element) => quote!(#name: &mut L::Buffer<#element>),
            None => quote!(#name: #ty),
        },
        _ => quote!(#name: #ty),
    }
}

/// The first generic argument of `GlobalMut<T>`.
fn element(ty: &syn::Type) -> Option<&syn::Type> {
    let syn::Type::Path(path) = ty else {
        return None;
    };
    let syn::PathArguments::AngleBracketed(list) = &path.path.segments.last()?.arguments else {
        return None;
    };
    list.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// The arguments of a launch that a parameter becomes.
fn launch_arguments(param: &Param<'_>, crate_path: &TokenStream) -> Vec<TokenStream> {
    let name = &param.name;
    let argument = quote!(#crate_path::kernel::LaunchArgument);
    match &param.ty {
        Type::Slice(_) | Type::GlobalMut(_) => vec![
            quote!(#argument::Buffer(L::handle(#name))),
            quote!(#argument::U64(L::len(#name))),
        ],
        Type::Scalar(scalar) => vec![match scalar {
            Scalar::Usize => quote!(#argument::U64(#name as u64)),
            Scalar::Isize => quote!(#argument::S64(#name as i64)),
            Scalar::F16 => quote!(#argument::F16(#name.to_bits())),
            Scalar::Bf16 => quote!(#argument::Bf16(#name.to_bits())),
            other => {
                let variant = other.name().to_uppercase().replace('I', "S");
                let variant = Ident::new(&variant, Span::call_site());
                quote!(#argument::#variant(#name))
            }
        }],
        _ => vec![quote!(#argument::Bytes(#crate_path::bytemuck::bytes_of(&#name).to_vec()))],
    }
}

/// The kernel as ordinary Rust.
fn model(kernel: &ItemFn) -> TokenStream {
    let (inputs, block) = (&kernel.sig.inputs, &kernel.block);
    let generics = &kernel.sig.generics;
    let statements = &block.stmts;
    let span = kernel.sig.ident.span();
    let allowed: Vec<_> = kernel
        .attrs
        .iter()
        .filter(|attribute| is_named(attribute, "allow") || is_named(attribute, "expect"))
        .collect();
    quote_spanned! { span=>
        /// The kernel as ordinary Rust, of one thread.
        #(#allowed)*
        #[allow(clippy::too_many_arguments, dead_code)]
        pub fn model #generics (#inputs) {
            #[allow(unused_imports)]
            use ::tensor_wasm_guest::kernel::prelude::*;
            #(#statements)*
        }
    }
}

/// The function that runs all threads on the processor.
fn native(
    kernel: &ItemFn,
    params: &[Param<'_>],
    waits: bool,
    is_right: bool,
    crate_path: &TokenStream,
) -> TokenStream {
    let inputs = params.iter().map(|param| {
        let name = &param.name;
        let ty = &param.syntax.ty;
        match (&param.ty, element(ty)) {
            (Type::GlobalMut(_), Some(element)) => quote!(#name: &mut [#element]),
            _ => quote!(#name: #ty),
        }
    });
    let generics = &kernel.sig.generics;
    let config = Ident::new("config", Span::mixed_site());
    let body = is_right.then(|| {
        let buffers: Vec<&Ident> = params
            .iter()
            .filter(|param| matches!(param.ty, Type::GlobalMut(_)))
            .map(|param| &param.name)
            .collect();
        let arguments = params.iter().map(|param| &param.name);
        let memory = Ident::new("memory", Span::mixed_site());
        let copies = buffers.iter().map(|name| {
            let target = format_ident!("{name}_values", span = Span::mixed_site());
            quote!(#memory.read(#name, #target);)
        });
        let targets = buffers.iter().map(|name| {
            let target = format_ident!("{name}_values", span = Span::mixed_site());
            quote!(let #target = &mut *#name;)
        });
        let sources = buffers.iter().map(|name| {
            let target = format_ident!("{name}_values", span = Span::mixed_site());
            quote!(let #name = #memory.add(#target);)
        });
        quote! {
            #[allow(unused_mut)]
            let mut #memory = #crate_path::kernel::native::Memory::default();
            #(#targets)*
            #(#sources)*
            #memory.run(#config, #waits, || model(#(#arguments),*));
            #(#copies)*
        }
    });
    quote! {
        /// Runs the kernel on the processor, as ordinary Rust, over values in memory.
        ///
        /// # Panics
        /// Where the kernel stops itself.
        #[cfg(not(target_family = "wasm"))]
        #[allow(clippy::too_many_arguments, unused_variables, dead_code)]
        pub fn native #generics (#config: #crate_path::LaunchConfig, #(#inputs),*) {
            #body
        }
    }
}
