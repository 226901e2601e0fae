//! From parsed functions to PTX text: what the macros do before they expand.

use proc_macro2::Span;
use syn::ItemFn;

use crate::check;
use crate::hir::{ExprKind, Function, Intrinsic};
use crate::items::Items;
use crate::ptx;

/// Kernels that were compiled together.
pub struct Compiled {
    pub ptx: String,
    pub kernels: Vec<CompiledKernel>,
}

pub struct CompiledKernel {
    pub name: String,
    pub function: Function,
    /// Whether threads wait for one another: at barriers, or in operations of warps.
    pub waits: bool,
}

/// Compiles these kernels.
///
/// # Errors
/// All mistakes of all kernels, combined.
pub fn compile(items: &Items, kernels: &[&ItemFn]) -> syn::Result<Compiled> {
    let mut compiled = Vec::new();
    let mut errors: Option<syn::Error> = None;
    let mut record = |error: syn::Error| match &mut errors {
        Some(errors) => errors.combine(error),
        none => *none = Some(error),
    };
    for kernel in kernels {
        match check_kernel(items, kernel) {
            Ok(function) => compiled.push(CompiledKernel {
                name: kernel.sig.ident.to_string(),
                waits: waits(&function),
                function,
            }),
            Err(error) => record(error),
        }
    }
    // Functions that no kernel calls are checked too.
    let names: Vec<String> = items.functions.keys().cloned().collect();
    for name in names {
        let Some(item) = items.functions.get(&name) else {
            continue;
        };
        let is_generic = item.sig.generics.const_params().next().is_some();
        let is_checked = items
            .checked
            .borrow()
            .contains_key(&(name.clone(), Vec::new()));
        if is_generic || is_checked || errors.is_some() {
            continue;
        }
        items.stack.borrow_mut().push(name.clone());
        let checked = check::function(items, &item.sig, &item.block, &Default::default());
        items.stack.borrow_mut().pop();
        if let Err(error) = checked {
            match &mut errors {
                Some(errors) => errors.combine(error),
                none => *none = Some(error),
            }
        }
    }
    if let Some(errors) = errors {
        return Err(errors);
    }
    let entries: Vec<ptx::Kernel<'_>> = compiled
        .iter()
        .zip(kernels)
        .map(|(compiled, item)| ptx::Kernel {
            name: compiled.name.clone(),
            span: item.sig.ident.span(),
            function: &compiled.function,
        })
        .collect();
    let file = kernels
        .first()
        .map_or_else(String::new, |kernel| file(kernel.sig.ident.span()));
    let ptx = ptx::module(items, &entries, &file, &locate)?;
    Ok(Compiled {
        ptx,
        kernels: compiled,
    })
}

fn check_kernel(items: &Items, kernel: &ItemFn) -> syn::Result<Function> {
    let signature = &kernel.sig;
    if let Some(parameter) = signature
        .generics
        .params
        .iter()
        .find(|parameter| !matches!(parameter, syn::GenericParam::Lifetime(_)))
    {
        return Err(syn::Error::new_spanned(
            parameter,
            "a kernel has no parameters of this kind, as PTX has none: write a function with them, and a kernel for each use",
        ));
    }
    for (token, what) in [
        (signature.asyncness.map(|token| token.span), "`async`"),
        (signature.constness.map(|token| token.span), "`const`"),
        (
            signature.variadic.as_ref().map(|token| token.dots.spans[0]),
            "`...`",
        ),
    ] {
        if let Some(span) = token {
            return Err(syn::Error::new(
                span,
                format!("a kernel is no {what} function: leave it out"),
            ));
        }
    }
    items.stack.borrow_mut().push(signature.ident.to_string());
    let function = check::function(items, signature, &kernel.block, &Default::default());
    items.stack.borrow_mut().pop();
    function
}

/// Whether threads wait for one another in a function, or in one that it calls.
fn waits(function: &Function) -> bool {
    let mut found = false;
    ptx::visit(&function.body, &mut |expr| match &expr.kind {
        ExprKind::Intrinsic(
            Intrinsic::Barrier
            | Intrinsic::WarpBarrier
            | Intrinsic::Shuffle(..)
            | Intrinsic::WarpReduce(_)
            | Intrinsic::VoteAny
            | Intrinsic::VoteAll
            | Intrinsic::Ballot,
            _,
        ) => found = true,
        ExprKind::Call(called, _) => found |= waits(called),
        _ => {}
    });
    found
}

/// The file of a token, as the compiler names it.
fn file(span: Span) -> String {
    match proc_macro::is_available() {
        true => span.unwrap().file(),
        false => "kernel.rs".into(),
    }
}

/// Line and column of a token, from 1. Outside of the compiler, as in tests, all tokens are in one
/// line.
fn locate(span: Span) -> Option<(usize, usize)> {
    match proc_macro::is_available() {
        true => {
            let start = span.unwrap().start();
            Some((start.line(), start.column()))
        }
        false => None,
    }
}
