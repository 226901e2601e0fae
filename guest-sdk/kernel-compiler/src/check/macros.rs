//! Macros: `shared!`, `assert!`, `panic!`.

use proc_macro2::Span;
use syn::spanned::Spanned;

use super::Checker;
use crate::hir::{Expr, ExprKind};
use crate::items::SharedArray;
use crate::types::Type;

impl Checker<'_> {
    pub(super) fn macro_call(&mut self, call: &syn::Macro) -> syn::Result<Expr> {
        let span = call.path.span();
        let name = call.path.segments.last().map(|part| part.ident.to_string());
        let parse = || {
            call.parse_body_with(
                syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated,
            )
        };
        match name.as_deref() {
            Some("shared") => {
                let ty: syn::Type = call.parse_body().map_err(|error| {
                    syn::Error::new(
                        error.span(),
                        "the type of the memory is expected: write `shared!([f32; 256])`",
                    )
                })?;
                match self.items.ty(&ty, self.generics)? {
                    Type::Array(element, len) if self.items.is_plain(&element) => {
                        let mut shared = self.items.shared.borrow_mut();
                        let element_type = (*element).clone();
                        shared.push(SharedArray {
                            element: element_type,
                            len,
                        });
                        Ok(Expr {
                            kind: ExprKind::Shared(shared.len() - 1),
                            ty: Type::Shared(element, len),
                            span,
                        })
                    }
                    other => Err(syn::Error::new_spanned(
                        ty,
                        format!(
                            "shared memory is an array of plain data, `shared!([f32; 256])`, and this is `{other}`"
                        ),
                    )),
                }
            }
            Some("panic" | "unreachable" | "todo" | "unimplemented") => Ok(Expr {
                kind: ExprKind::Panic(message(&parse()?, 0, name.as_deref().unwrap_or_default())?),
                ty: Type::Never,
                span,
            }),
            Some("assert") => {
                let arguments = parse()?;
                let Some(condition) = arguments.first() else {
                    return Err(syn::Error::new(span, "a condition is expected"));
                };
                let text = format!(
                    "assertion failed: {}",
                    quote::ToTokens::to_token_stream(condition)
                );
                let text = message(&arguments, 1, &text)?;
                let condition = self.condition(condition)?;
                Ok(self.assertion(condition, text, span))
            }
            // Without assertions in release builds, as in Rust.
            Some("debug_assert" | "debug_assert_eq" | "debug_assert_ne") => Ok(super::unit(span)),
            Some("assert_eq" | "assert_ne") => Err(syn::Error::new(
                span,
                "write `assert!(a == b)` or `assert!(a != b)`",
            )),
            Some("println" | "print" | "eprintln" | "dbg") => Err(syn::Error::new(
                span,
                "nothing is printed on the device: write to a buffer, or run the kernel in `cargo test`",
            )),
            Some("vec" | "format") => Err(syn::Error::new(
                span,
                "there is no heap on the device: use `[value; N]`",
            )),
            _ => Err(syn::Error::new(
                span,
                "a kernel has the macros `shared!`, `assert!`, `panic!` and `unreachable!`",
            )),
        }
    }

    pub(super) fn assertion(&mut self, condition: Expr, text: String, span: Span) -> Expr {
        let failed = Expr {
            kind: ExprKind::Panic(text),
            ty: Type::Never,
            span,
        };
        let negated = Expr {
            kind: ExprKind::Not(Box::new(condition)),
            ty: Type::BOOL,
            span,
        };
        Expr {
            kind: ExprKind::If(Box::new(negated), Box::new(failed), None),
            ty: Type::Unit,
            span,
        }
    }
}

/// The text of a panic: a literal at this place, or else this one.
fn message(
    arguments: &syn::punctuated::Punctuated<syn::Expr, syn::Token![,]>,
    at: usize,
    otherwise: &str,
) -> syn::Result<String> {
    match arguments.get(at) {
        None => Ok(otherwise.to_owned()),
        Some(syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(text),
            ..
        })) if arguments.len() == at + 1 && !text.value().contains('{') => Ok(text.value()),
        Some(other) => Err(syn::Error::new_spanned(
            other,
            "nothing is formatted on the device: the message is a text without `{}`",
        )),
    }
}
