//! Blocks, `let`, loops, `match`.

use std::collections::HashMap;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Pat, Stmt};

use super::{Checker, Loop, diverges};
use crate::hir::{Block, Expr, ExprKind, For, LocalId, LoopId, Statement};
use crate::types::{Kind, Type};

impl Checker<'_> {
    /// A block and its type.
    pub(super) fn block(&mut self, block: &syn::Block, label: Option<LoopId>) -> (Block, Type) {
        self.scopes.push(HashMap::new());
        let mut statements = Vec::new();
        let mut tail = None;
        let mut never = false;
        let count = block.stmts.len();
        for (index, statement) in block.stmts.iter().enumerate() {
            let is_last = index + 1 == count;
            match statement {
                Stmt::Expr(expr, None) if is_last => match self.expr(expr) {
                    Ok(expr) => tail = Some(Box::new(expr)),
                    Err(error) => self.record(error),
                },
                Stmt::Macro(statement) if is_last && statement.semi_token.is_none() => {
                    match self.macro_call(&statement.mac) {
                        Ok(expr) => tail = Some(Box::new(expr)),
                        Err(error) => self.record(error),
                    }
                }
                _ => match self.statement(statement) {
                    Ok(Some(statement)) => {
                        never |= diverges(&statement);
                        statements.push(statement);
                    }
                    Ok(None) => {}
                    Err(error) => self.record(error),
                },
            }
        }
        self.scopes.pop();
        let ty = match &tail {
            Some(tail) => tail.ty.clone(),
            None if never => Type::Never,
            None => Type::Unit,
        };
        let block = Block {
            statements,
            tail,
            label,
        };
        (block, ty)
    }

    /// A block as an expression.
    pub(super) fn block_expr(&mut self, block: &syn::Block) -> Expr {
        let span = block.span();
        let (block, ty) = self.block(block, None);
        let span = block.tail.as_ref().map_or(span, |tail| tail.span);
        Expr {
            kind: ExprKind::Block(block),
            ty,
            span,
        }
    }

    fn statement(&mut self, statement: &Stmt) -> syn::Result<Option<Statement>> {
        match statement {
            Stmt::Local(local) => self.binding(local).map(Some),
            Stmt::Expr(expr, _) => Ok(Some(Statement::Expr(self.expr(expr)?))),
            Stmt::Macro(statement) => Ok(Some(Statement::Expr(self.macro_call(&statement.mac)?))),
            Stmt::Item(syn::Item::Use(_)) => Ok(None),
            // The items of a kernel's body were collected before.
            Stmt::Item(item @ (syn::Item::Fn(_) | syn::Item::Const(_) | syn::Item::Struct(_))) => {
                let function = self.items.stack.borrow().last().cloned();
                let is_kernel =
                    function.is_some_and(|name| !self.items.functions.contains_key(&name));
                // The scope of the parameters, and that of the body.
                match is_kernel && self.scopes.len() == 2 {
                    true => Ok(None),
                    false => Err(syn::Error::new_spanned(
                        item,
                        "declare this in the `#[device] mod`, or in the body of the kernel itself",
                    )),
                }
            }
            Stmt::Item(item) => Err(syn::Error::new_spanned(
                item,
                "the body of a kernel may declare functions, constants and structures: move other items out of it",
            )),
        }
    }

    fn binding(&mut self, local: &syn::Local) -> syn::Result<Statement> {
        let (pattern, annotation) = match &local.pat {
            Pat::Type(typed) => (&*typed.pat, Some(self.items.ty(&typed.ty, self.generics)?)),
            other => (other, None),
        };
        if let Some(init) = &local.init
            && let Some((token, _)) = &init.diverge
        {
            return Err(syn::Error::new_spanned(
                token,
                "`let … else` is not supported: use `match` or `if`",
            ));
        }
        let value = match &local.init {
            None => Ok(None),
            Some(init) => self.expr(&init.expr).map(Some),
        };
        // Where the value is wrong, the name is there all the same: one mistake, one message.
        let mut failed = None;
        let value = value.unwrap_or_else(|error| {
            failed = Some(error);
            None
        });
        let ty = match (&annotation, &value) {
            (Some(annotation), Some(value)) => {
                if let Err(error) = self.expect(&value.ty, annotation, value.span) {
                    failed.get_or_insert(error);
                }
                annotation.clone()
            }
            (Some(annotation), None) => annotation.clone(),
            (None, Some(value)) if value.ty != Type::Never => value.ty.clone(),
            (None, _) => self.inference.fresh(Kind::Any),
        };
        let statement = match pattern {
            Pat::Ident(name) => {
                self.check_name(name)?;
                let is_mutable = name.mutability.is_some();
                let id = self.declare(name.ident.to_string(), ty, is_mutable, name.ident.span());
                Statement::Let(id, value)
            }
            Pat::Wild(wild) => {
                let id = self.declare(String::new(), ty, false, wild.span());
                Statement::Let(id, value)
            }
            Pat::Tuple(tuple) => {
                let parts = match self.inference.resolve(&ty) {
                    Type::Tuple(parts) if parts.len() == tuple.elems.len() => parts,
                    _ if failed.is_some() => {
                        let count = tuple.elems.len();
                        (0..count)
                            .map(|_| self.inference.fresh(Kind::Any))
                            .collect()
                    }
                    other => {
                        return Err(syn::Error::new_spanned(
                            tuple,
                            format!(
                                "this takes a tuple of {} apart, and the value is {}",
                                tuple.elems.len(),
                                self.inference.show(&other)
                            ),
                        ));
                    }
                };
                let mut names: Vec<Option<LocalId>> = Vec::new();
                for (pattern, ty) in tuple.elems.iter().zip(parts) {
                    match pattern {
                        Pat::Ident(name) => {
                            self.check_name(name)?;
                            let (text, span) = (name.ident.to_string(), name.ident.span());
                            let is_mutable = name.mutability.is_some();
                            names.push(Some(self.declare(text, ty, is_mutable, span)));
                        }
                        Pat::Wild(_) => names.push(None),
                        other => return Err(pattern_error(other)),
                    }
                }
                match value {
                    Some(value) => Statement::LetParts(names, value),
                    None => {
                        let error = "a tuple is taken apart where it has a value: write `= value`";
                        return Err(failed.unwrap_or_else(|| syn::Error::new_spanned(tuple, error)));
                    }
                }
            }
            other => return Err(pattern_error(other)),
        };
        match failed {
            Some(error) => Err(error),
            None => Ok(statement),
        }
    }

    fn check_name(&self, name: &syn::PatIdent) -> syn::Result<()> {
        if let Some(by_ref) = &name.by_ref {
            return Err(syn::Error::new_spanned(
                by_ref,
                "there are no references to variables here: leave `ref` out",
            ));
        }
        if let Some((at, _)) = &name.subpat {
            return Err(syn::Error::new_spanned(at, "`@` is not supported here"));
        }
        Ok(())
    }

    /// Begins a loop.
    pub(super) fn enter(
        &mut self,
        label: Option<&syn::Label>,
        value: Option<Type>,
        is_block: bool,
    ) -> LoopId {
        let id = self.loop_count;
        self.loop_count += 1;
        self.loops.push(Loop {
            id,
            label: label.map(|label| label.name.ident.to_string()),
            value,
            has_break: false,
            is_block,
        });
        id
    }

    pub(super) fn loop_forever(&mut self, expr: &syn::ExprLoop) -> syn::Result<Expr> {
        let value = self.inference.fresh(Kind::Any);
        let id = self.enter(expr.label.as_ref(), Some(value.clone()), false);
        let body = self.block_expr(&expr.body);
        let ended = self.loops.pop();
        self.expect(&body.ty, &Type::Unit, body.span)?;
        let ty = match ended.is_some_and(|ended| ended.has_break) {
            true => value,
            false => Type::Never,
        };
        Ok(Expr {
            kind: ExprKind::Loop(id, Box::new(body)),
            ty,
            span: expr.loop_token.span(),
        })
    }

    pub(super) fn loop_while(&mut self, expr: &syn::ExprWhile) -> syn::Result<Expr> {
        let condition = self.condition(&expr.cond)?;
        let id = self.enter(expr.label.as_ref(), None, false);
        let body = self.block_expr(&expr.body);
        self.loops.pop();
        self.expect(&body.ty, &Type::Unit, body.span)?;
        Ok(Expr {
            kind: ExprKind::While(id, Box::new(condition), Box::new(body)),
            ty: Type::Unit,
            span: expr.while_token.span(),
        })
    }

    pub(super) fn loop_for(&mut self, expr: &syn::ExprForLoop) -> syn::Result<Expr> {
        let (range, is_reversed, step) = self.range(&expr.expr)?;
        let (Some(start), Some(end)) = (&range.start, &range.end) else {
            return Err(syn::Error::new_spanned(
                range,
                "a loop needs both ends: write `for i in a..b`, or `loop` with `break`",
            ));
        };
        let (start, end) = (self.expr(start)?, self.expr(end)?);
        self.expect(&end.ty, &start.ty, end.span)?;
        self.require_integer(&start.ty, start.span, "the ends of a range are integers")?;
        let (name, is_mutable) = match &*expr.pat {
            Pat::Ident(name) => {
                self.check_name(name)?;
                (name.ident.to_string(), name.mutability.is_some())
            }
            Pat::Wild(_) => (String::new(), false),
            other => return Err(pattern_error(other)),
        };
        let id = self.enter(expr.label.as_ref(), None, false);
        self.scopes.push(HashMap::new());
        let variable = self.declare(name, start.ty.clone(), is_mutable, expr.pat.span());
        let body = self.block_expr(&expr.body);
        self.scopes.pop();
        self.loops.pop();
        self.expect(&body.ty, &Type::Unit, body.span)?;
        let is_inclusive = matches!(range.limits, syn::RangeLimits::Closed(_));
        Ok(Expr {
            kind: ExprKind::For(Box::new(For {
                id,
                variable,
                start,
                end,
                is_inclusive,
                is_reversed,
                step,
                body,
            })),
            ty: Type::Unit,
            span: expr.for_token.span(),
        })
    }

    /// The range that a loop goes over, whether backwards, and by which step.
    fn range<'e>(
        &mut self,
        expr: &'e syn::Expr,
    ) -> syn::Result<(&'e syn::ExprRange, bool, Option<Expr>)> {
        match expr {
            syn::Expr::Range(range) => Ok((range, false, None)),
            syn::Expr::Paren(inner) => self.range(&inner.expr),
            syn::Expr::MethodCall(call) if call.method == "rev" && call.args.is_empty() => {
                let (range, is_reversed, step) = self.range(&call.receiver)?;
                match step {
                    None => Ok((range, !is_reversed, None)),
                    Some(_) => Err(syn::Error::new_spanned(
                        &call.method,
                        "a loop with a step goes forwards: compute the index from the variable of a loop without `rev`",
                    )),
                }
            }
            syn::Expr::MethodCall(call) if call.method == "step_by" && call.args.len() == 1 => {
                let (range, is_reversed, step) = self.range(&call.receiver)?;
                if is_reversed || step.is_some() {
                    return Err(syn::Error::new_spanned(
                        &call.method,
                        "`step_by` follows a range directly: write `(a..b).step_by(n)`",
                    ));
                }
                let Some(step) = call.args.first() else {
                    return Err(syn::Error::new_spanned(call, "`step_by` takes a step"));
                };
                let step = self.expr(step)?;
                self.expect(&step.ty, &Type::USIZE, step.span)?;
                Ok((range, false, Some(step)))
            }
            other => Err(syn::Error::new_spanned(
                other,
                "a kernel loops over ranges: write `for i in 0..x.len()` and use `x[i]`",
            )),
        }
    }

    pub(super) fn require_integer(&self, ty: &Type, span: Span, rule: &str) -> syn::Result<()> {
        let is_integer = match self.inference.resolve(ty) {
            Type::Scalar(scalar) => scalar.is_integer(),
            Type::Never => true,
            other => self.inference.kind(&other) == Some(Kind::Integer),
        };
        match is_integer {
            true => Ok(()),
            false => Err(syn::Error::new(
                span,
                format!("{rule}, and this is {}", self.inference.show(ty)),
            )),
        }
    }
}

fn pattern_error(pattern: &Pat) -> syn::Error {
    syn::Error::new_spanned(
        pattern,
        "a pattern is a name, `_` or a tuple of them here: read the parts of other values by their names",
    )
}
