//! The checker: from the syntax of a function to its typed tree. What is outside of the subset is
//! an error at its token that says what to write instead.
//!
//! `statement` has blocks and loops, `matching` patterns, `expr` expressions, `operator` operators and
//! assignments, `call` and `associated` what is called by a path, `method` what is called with a dot.

mod associated;
mod call;
mod expr;
mod macros;
mod matching;
mod method;
mod operator;
mod statement;

use std::collections::HashMap;
use std::rc::Rc;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{FnArg, Pat, ReturnType, Signature};

use crate::hir::{Block, Expr, ExprKind, Function, Local, LocalId, LoopId, Statement};
use crate::items::Items;
use crate::types::{Inference, Kind, Type};

/// The most errors that are shown of a function.
const MAX_ERRORS: usize = 20;

/// The constant generics of a function and their values.
pub type Generics = HashMap<String, i128>;

/// Checks a function.
///
/// # Errors
/// All mistakes that were found, combined.
pub fn function(
    items: &Items,
    signature: &Signature,
    block: &syn::Block,
    generics: &Generics,
) -> syn::Result<Function> {
    let result = match &signature.output {
        ReturnType::Default => Type::Unit,
        ReturnType::Type(_, ty) => items.ty(ty, generics)?,
    };
    let mut checker = Checker {
        items,
        generics,
        inference: Inference::default(),
        locals: Vec::new(),
        scopes: vec![HashMap::new()],
        loops: Vec::new(),
        loop_count: 0,
        result: result.clone(),
        errors: Vec::new(),
    };
    let mut params = Vec::new();
    for input in &signature.inputs {
        let FnArg::Typed(input) = input else {
            return Err(syn::Error::new_spanned(
                input,
                "code of the device has no `self`: pass the value as a parameter",
            ));
        };
        let ty = items.ty(&input.ty, generics)?;
        let (name, is_mutable) = match &*input.pat {
            Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => {
                (pattern.ident.to_string(), pattern.mutability.is_some())
            }
            Pat::Wild(_) => (String::new(), false),
            other => {
                return Err(syn::Error::new_spanned(
                    other,
                    "a parameter is a name: take it apart with `let` in the body",
                ));
            }
        };
        params.push(checker.declare(name, ty, is_mutable, input.pat.span()));
    }
    let body = checker.function_body(block);
    checker.inference.default_literals();
    for local in &checker.locals {
        if checker.inference.kind(&local.ty) == Some(Kind::Any) && checker.errors.is_empty() {
            checker.errors.push(syn::Error::new(
                local.span,
                format!(
                    "the type of `{0}` is not known: write `let {0}: Type`",
                    local.name
                ),
            ));
        }
    }
    let mut errors = checker.errors.into_iter();
    match errors.next() {
        None => Ok(Function {
            params,
            result,
            locals: checker.locals,
            body,
            inference: checker.inference,
        }),
        Some(mut first) => {
            first.extend(errors);
            Err(first)
        }
    }
}

/// What a `break` or `continue` refers to.
struct Loop {
    id: LoopId,
    label: Option<String>,
    /// The type of the values of its `break`s; `None` for loops that have no value.
    value: Option<Type>,
    has_break: bool,
    /// A labelled block: it has no `continue`, and only a labelled `break`.
    is_block: bool,
}

struct Checker<'a> {
    items: &'a Items,
    generics: &'a Generics,
    inference: Inference,
    locals: Vec<Local>,
    scopes: Vec<HashMap<String, LocalId>>,
    loops: Vec<Loop>,
    loop_count: usize,
    result: Type,
    errors: Vec<syn::Error>,
}

impl Checker<'_> {
    fn declare(&mut self, name: String, ty: Type, is_mutable: bool, span: Span) -> LocalId {
        let id = self.locals.len();
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.clone(), id);
        }
        self.locals.push(Local {
            name,
            ty,
            is_mutable,
            span,
        });
        id
    }

    fn find(&self, name: &str) -> Option<LocalId> {
        self.scopes
            .iter()
            .rev()
            .find_map(|scope| scope.get(name).copied())
    }

    fn local_type(&self, id: LocalId) -> Type {
        let ty = self.locals.get(id).map_or(&Type::Unit, |local| &local.ty);
        self.inference.resolve(ty)
    }

    fn function_body(&mut self, block: &syn::Block) -> Expr {
        let span = block.span();
        let body = self.block(block, None);
        let result = self.result.clone();
        let body = Expr {
            ty: body.1.clone(),
            kind: ExprKind::Block(body.0),
            span,
        };
        if self.errors.is_empty() {
            let at = match &body.kind {
                ExprKind::Block(Block {
                    tail: Some(tail), ..
                }) => tail.span,
                _ => body.span,
            };
            if let Err(error) = self.expect(&body.ty.clone(), &result, at) {
                self.errors.push(error);
            }
        }
        body
    }

    /// Makes a type the expected one. What never has a value is of every type.
    fn expect(&mut self, found: &Type, expected: &Type, span: Span) -> syn::Result<()> {
        if self.inference.resolve(found) == Type::Never || self.inference.unify(found, expected) {
            return Ok(());
        }
        let (found, wanted) = (
            self.inference.resolve(found),
            self.inference.resolve(expected),
        );
        let instead = match (found.scalar(), wanted.scalar(), self.inference.kind(&found)) {
            (Some(_), Some(wanted), _) if wanted.name() != "bool" && found != Type::BOOL => {
                format!(": write `as {}`", wanted.name())
            }
            (None, Some(wanted), Some(Kind::Integer)) if wanted.is_float() => {
                ": write the number with a decimal point".into()
            }
            (_, None, Some(Kind::Integer)) if self.inference.kind(&wanted) == Some(Kind::Float) => {
                ": write the number with a decimal point".into()
            }
            _ => String::new(),
        };
        Err(syn::Error::new(
            span,
            format!(
                "{} is expected here, and this is {}{instead}",
                self.inference.show(&wanted),
                self.inference.show(&found)
            ),
        ))
    }

    /// The type of two ways that lead to the same place.
    fn join(&mut self, one: &Type, two: &Type, span: Span) -> syn::Result<Type> {
        if self.inference.resolve(one) == Type::Never {
            return Ok(two.clone());
        }
        self.expect(two, one, span)?;
        Ok(one.clone())
    }

    /// A mistake that must not hide the others: it is recorded, and the checker goes on.
    fn record(&mut self, error: syn::Error) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        }
    }

    fn item_function(
        &mut self,
        name: &str,
        generics: &[i128],
        span: Span,
    ) -> syn::Result<Rc<Function>> {
        let key = (name.to_owned(), generics.to_vec());
        if let Some(found) = self.items.checked.borrow().get(&key) {
            return Ok(Rc::clone(found));
        }
        let stack = self.items.stack.borrow().clone();
        if stack.iter().any(|caller| caller == name) {
            return Err(syn::Error::new(
                span,
                format!(
                    "`{name}` calls itself, and functions of the device are expanded where they are called: write a loop"
                ),
            ));
        }
        let Some(item) = self.items.functions.get(name) else {
            return Err(syn::Error::new(
                span,
                format!("there is no function `{name}` here"),
            ));
        };
        let mut values = Generics::new();
        let mut given = generics.iter();
        for parameter in &item.sig.generics.params {
            match parameter {
                syn::GenericParam::Const(parameter) => match given.next() {
                    Some(value) => {
                        values.insert(parameter.ident.to_string(), *value);
                    }
                    None => {
                        return Err(syn::Error::new(
                            span,
                            format!(
                                "the value of `{0}` is not given: write `{name}::<{0}>(…)`",
                                parameter.ident
                            ),
                        ));
                    }
                },
                syn::GenericParam::Type(parameter) => {
                    return Err(syn::Error::new_spanned(
                        parameter,
                        "functions of the device have no type parameters: write one function for each type",
                    ));
                }
                syn::GenericParam::Lifetime(_) => {}
            }
        }
        self.items.stack.borrow_mut().push(name.to_owned());
        let function = function(self.items, &item.sig, &item.block, &values);
        self.items.stack.borrow_mut().pop();
        let function = Rc::new(function?);
        let known = Rc::clone(&function);
        self.items.checked.borrow_mut().insert(key, known);
        Ok(function)
    }
}

fn unit(span: Span) -> Expr {
    Expr {
        kind: ExprKind::Unit,
        ty: Type::Unit,
        span,
    }
}

/// Whether the statement never ends, so that what follows it is never reached.
fn diverges(statement: &Statement) -> bool {
    match statement {
        Statement::Let(_, Some(value)) | Statement::LetParts(_, value) | Statement::Expr(value) => {
            value.ty == Type::Never
        }
        Statement::Let(_, None) => false,
    }
}
