//! `kernels!`: typed launches of the kernels of a PTX file.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, LitStr};

use crate::signatures::{Entry, ParamType, entries};

/// Expands `kernels!("file.ptx")`, whose text this reads from a file.
pub fn expand(
    path: &LitStr,
    read: impl FnOnce(&str) -> Result<String, String>,
) -> syn::Result<TokenStream> {
    let name = path.value();
    let error = |message: String| syn::Error::new(path.span(), message);
    let text = read(&name).map_err(error)?;
    let entries = entries(&text).map_err(|mistake| {
        let position = mistake.position;
        error(format!(
            "{name}:{}:{}: {}",
            position.line, position.column, mistake.message
        ))
    })?;
    let mut expanded = TokenStream::new();
    for entry in &entries {
        expanded.extend(one(path, entry).map_err(|message| {
            let position = entry.position;
            error(format!(
                "{name}:{}:{}: {message}",
                position.line, position.column
            ))
        })?);
    }
    Ok(expanded)
}

/// A name of PTX as one of Rust.
fn identifier(name: &str) -> Option<Ident> {
    syn::parse_str::<Ident>(name)
        .or_else(|_| syn::parse_str::<Ident>(&format!("r#{name}")))
        .ok()
}

fn one(path: &LitStr, entry: &Entry) -> Result<TokenStream, String> {
    let text = &entry.name;
    let name = identifier(text).ok_or_else(|| {
        format!(
            "`{text}` is no name of Rust: give the kernel another one, or launch it with `Queue::launch`"
        )
    })?;
    let krate = quote!(::tensor_wasm_guest);
    let prefix = format!("{text}_");
    let mut types = Vec::new();
    let mut params = Vec::new();
    let mut checks = Vec::new();
    let mut arguments = Vec::new();
    for (number, param) in entry.params.iter().enumerate() {
        // NVIDIA's compiler calls parameters `kernel_param_0`.
        let short = param.name.strip_prefix(&prefix).unwrap_or(&param.name);
        let param_name = identifier(short)
            .filter(|name| !matches!(name.to_string().as_str(), "queue" | "config"))
            .unwrap_or_else(|| format_ident!("param_{number}"));
        let bound = match param.ty {
            ParamType::Integer(8) => quote!(impl #krate::kernel::parameter::Integer8<'a>),
            ParamType::Integer(16) => quote!(impl #krate::kernel::parameter::Integer16<'a>),
            ParamType::Integer(32) => quote!(impl #krate::kernel::parameter::Integer32<'a>),
            ParamType::Integer(_) => quote!(impl #krate::kernel::parameter::Integer64<'a>),
            ParamType::Bits(8) => quote!(impl #krate::kernel::parameter::Integer8<'a>),
            ParamType::Bits(16) => quote!(impl #krate::kernel::parameter::Bits16<'a>),
            ParamType::Bits(32) => quote!(impl #krate::kernel::parameter::Integer32<'a>),
            ParamType::Bits(_) => quote!(impl #krate::kernel::parameter::Integer64<'a>),
            ParamType::F16 => quote!(#krate::Half),
            ParamType::Bf16 => quote!(#krate::BFloat16),
            ParamType::F32 => quote!(f32),
            ParamType::F64 => quote!(f64),
            ParamType::Bytes(bytes) => {
                let ty = format_ident!("T{number}");
                let bytes = usize::try_from(bytes)
                    .map_err(|_| format!("`{}` has {bytes} bytes", param.name))?;
                let message = format!(
                    "the parameter `{}` of the kernel `{text}` has {bytes} bytes, and the structure has not",
                    param.name
                );
                checks.push(quote! {
                    const { ::core::assert!(::core::mem::size_of::<#ty>() == #bytes, #message) }
                });
                params.push(quote!(#param_name: &#ty));
                arguments.push(quote!(.arg(#krate::Struct(#param_name))));
                types.push(ty);
                continue;
            }
        };
        params.push(quote!(#param_name: #bound));
        arguments.push(quote!(.arg(#param_name)));
    }
    let doc = format!("Launches the kernel `{text}` of `{}`.", path.value());
    Ok(quote! {
        #[doc = #doc]
        ///
        /// # Errors
        /// Where the module cannot be loaded, or the launch exceeds a limit.
        #[allow(clippy::too_many_arguments, dead_code)]
        pub fn #name<'a, #(#types: #krate::bytemuck::Pod),*>(
            queue: &#krate::Queue,
            config: #krate::LaunchConfig,
            #(#params),*
        ) -> #krate::Result<()> {
            #(#checks;)*
            #krate::kernel::Arguments::default()
                #(#arguments)*
                .submit(queue, &#name::SOURCE, config)
        }

        #[allow(missing_docs, dead_code)]
        pub mod #name {
            /// The kernel's name in [`PTX`].
            pub const NAME: &str = #text;
            /// The text of the kernel's module.
            pub const PTX: &str = ::core::include_str!(#path);
            /// The kernel, for launches.
            pub const SOURCE: #krate::kernel::Source = #krate::kernel::Source {
                name: NAME,
                ptx: PTX,
            };
        }
    })
}
