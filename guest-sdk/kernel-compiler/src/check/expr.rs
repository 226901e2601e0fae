//! Expressions: literals, variables and their parts, operators, casts, `if`, jumps.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Lit, Member};

use super::{Checker, unit};
use crate::hir::{Expr, ExprKind, Intrinsic, Place, Projection};
use crate::types::{Kind, Scalar, Type};

impl Checker<'_> {
    pub(super) fn expr(&mut self, expr: &syn::Expr) -> syn::Result<Expr> {
        let span = expr.span();
        let make = |kind, ty| Ok(Expr { kind, ty, span });
        match expr {
            syn::Expr::Lit(literal) => self.literal(&literal.lit),
            syn::Expr::Paren(inner) => self.expr(&inner.expr),
            syn::Expr::Group(inner) => self.expr(&inner.expr),
            syn::Expr::Unsafe(inner) => Ok(self.block_expr(&inner.block)),
            syn::Expr::Block(inner) => self.labelled(inner),
            syn::Expr::Path(path) => self.path(path),
            syn::Expr::Unary(unary) => self.unary(unary),
            syn::Expr::Binary(binary) => self.binary(binary),
            syn::Expr::Cast(cast) => self.cast(cast),
            syn::Expr::Assign(assign) => self.assign(assign),
            syn::Expr::If(branch) => self.branch(branch),
            syn::Expr::Match(expr) => self.matching(expr),
            syn::Expr::Loop(expr) => self.loop_forever(expr),
            syn::Expr::While(expr) => self.loop_while(expr),
            syn::Expr::ForLoop(expr) => self.loop_for(expr),
            syn::Expr::Break(jump) => self.leave(jump),
            syn::Expr::Continue(jump) => {
                let id = self.target(jump.label.as_ref(), span, true)?;
                make(ExprKind::Continue(id), Type::Never)
            }
            syn::Expr::Return(jump) => {
                let result = self.result.clone();
                let value = match &jump.expr {
                    None => {
                        self.expect(&Type::Unit, &result, span)?;
                        None
                    }
                    Some(value) => {
                        let value = self.expr(value)?;
                        self.expect(&value.ty, &result, value.span)?;
                        Some(Box::new(value))
                    }
                };
                make(ExprKind::Return(value), Type::Never)
            }
            syn::Expr::Tuple(tuple) if tuple.elems.is_empty() => Ok(unit(span)),
            syn::Expr::Tuple(tuple) => {
                let parts = self.all(tuple.elems.iter())?;
                let types = parts.iter().map(|part| part.ty.clone()).collect();
                make(ExprKind::Aggregate(parts), Type::Tuple(types))
            }
            syn::Expr::Array(array) => {
                let parts = self.all(array.elems.iter())?;
                let element = self.inference.fresh(Kind::Any);
                for part in &parts {
                    self.expect(&part.ty, &element, part.span)?;
                }
                let ty = Type::Array(Box::new(element), parts.len() as u64);
                make(ExprKind::Aggregate(parts), ty)
            }
            syn::Expr::Repeat(repeat) => {
                let value = self.expr(&repeat.expr)?;
                let len = self.items.length(&repeat.len, self.generics)?;
                let ty = Type::Array(Box::new(value.ty.clone()), len);
                make(ExprKind::Repeat(Box::new(value), len), ty)
            }
            syn::Expr::Struct(literal) => self.structure(literal),
            syn::Expr::Field(field) => {
                if let Some((place, ty)) = self.place(expr)? {
                    return make(ExprKind::Read(place), ty);
                }
                let base = self.expr(&field.base)?;
                let (index, ty) = self.field(&base.ty, &field.member)?;
                make(ExprKind::Field(Box::new(base), index), ty)
            }
            syn::Expr::Index(index) => {
                if let Some((place, ty)) = self.place(expr)? {
                    return make(ExprKind::Read(place), ty);
                }
                self.index(index)
            }
            syn::Expr::Call(call) => self.call(call),
            syn::Expr::MethodCall(call) => self.method(call),
            syn::Expr::Macro(call) => self.macro_call(&call.mac),
            syn::Expr::Reference(reference) => match &reference.mutability {
                // Rust's array reference is no value here, but `&x[..]` would be.
                None => {
                    let value = self.expr(&reference.expr)?;
                    match self.inference.resolve(&value.ty) {
                        Type::Slice(_) => Ok(value),
                        other => Err(syn::Error::new_spanned(
                            reference,
                            format!(
                                "there are no references to values here: leave `&` out and pass {} by value",
                                self.inference.show(&other)
                            ),
                        )),
                    }
                }
                Some(token) => Err(syn::Error::new_spanned(
                    token,
                    "there are no references to variables here: return the new value and assign it",
                )),
            },
            syn::Expr::Range(range) => Err(syn::Error::new_spanned(
                range,
                "a range stands in `for i in a..b`, or in a pattern",
            )),
            other => Err(syn::Error::new_spanned(other, unsupported(other))),
        }
    }

    pub(super) fn all<'e>(
        &mut self,
        exprs: impl Iterator<Item = &'e syn::Expr>,
    ) -> syn::Result<Vec<Expr>> {
        exprs.map(|expr| self.expr(expr)).collect()
    }

    fn literal(&mut self, literal: &Lit) -> syn::Result<Expr> {
        let span = literal.span();
        let suffix = |suffix: &str| match (suffix, Scalar::from_name(suffix)) {
            ("", _) => Ok(None),
            (_, Some(scalar)) => Ok(Some(Type::Scalar(scalar))),
            (other, None) => Err(syn::Error::new(
                span,
                format!("`{other}` is no type of the device: use numbers of at most 64 bits"),
            )),
        };
        let (kind, ty) = match literal {
            Lit::Bool(value) => (ExprKind::Bool(value.value), Type::BOOL),
            Lit::Int(digits) => {
                let ty = suffix(digits.suffix())?;
                match ty.as_ref().and_then(Type::scalar) {
                    Some(scalar) if scalar.is_float() => (
                        ExprKind::Float(digits.base10_digits().to_owned()),
                        Type::Scalar(scalar),
                    ),
                    _ => {
                        let value = digits.base10_parse::<u64>().map_err(|_| {
                            syn::Error::new(span, "this number does not fit in 64 bits")
                        })?;
                        let ty = ty.unwrap_or_else(|| self.inference.fresh(Kind::Integer));
                        (ExprKind::Integer(value.into()), ty)
                    }
                }
            }
            Lit::Float(digits) => {
                let ty = suffix(digits.suffix())?;
                let ty = ty.unwrap_or_else(|| self.inference.fresh(Kind::Float));
                (ExprKind::Float(digits.base10_digits().to_owned()), ty)
            }
            Lit::Byte(value) => (
                ExprKind::Integer(value.value().into()),
                Type::Scalar(Scalar::U8),
            ),
            other => {
                return Err(syn::Error::new_spanned(
                    other,
                    "there is no text on the device: use numbers, such as `b'a'`",
                ));
            }
        };
        Ok(Expr { kind, ty, span })
    }

    fn labelled(&mut self, expr: &syn::ExprBlock) -> syn::Result<Expr> {
        let Some(label) = &expr.label else {
            return Ok(self.block_expr(&expr.block));
        };
        let value = self.inference.fresh(Kind::Any);
        let id = self.enter(Some(label), Some(value.clone()), true);
        let (block, ty) = self.block(&expr.block, Some(id));
        let span = expr.span();
        let ended = self.loops.pop();
        let ty = match ended.is_some_and(|ended| ended.has_break) {
            true => {
                self.expect(&ty, &value, span)?;
                value
            }
            false => ty,
        };
        Ok(Expr {
            kind: ExprKind::Block(block),
            ty,
            span,
        })
    }

    fn path(&mut self, path: &syn::ExprPath) -> syn::Result<Expr> {
        let span = path.span();
        if let Some(name) = path.path.get_ident() {
            let text = name.to_string();
            if let Some(local) = self.find(&text) {
                return Ok(Expr {
                    kind: ExprKind::Read(Place {
                        local,
                        projections: Vec::new(),
                    }),
                    ty: self.local_type(local),
                    span,
                });
            }
            if let Some(value) = self.generics.get(&text) {
                return Ok(Expr {
                    kind: ExprKind::Integer(*value),
                    ty: self.generic_type(&text),
                    span,
                });
            }
            if let Some((ty, value)) = self.items.constants.get(&text) {
                if let Some(value) = self.items.constant(value, &Default::default())
                    && ty.scalar().is_some_and(Scalar::is_integer)
                {
                    return Ok(Expr {
                        kind: ExprKind::Integer(value),
                        ty: ty.clone(),
                        span,
                    });
                }
                let value = self.expr(value)?;
                self.expect(&value.ty, ty, span)?;
                return Ok(value);
            }
            return Err(syn::Error::new(
                span,
                format!(
                    "`{name}` is not known here: code of the device knows its variables, its parameters, and the constants of its `#[device] mod` or of its own body"
                ),
            ));
        }
        self.constant_path(path)
    }

    /// Constant generics are `usize` unless the function says otherwise; rustc checks that they fit.
    fn generic_type(&mut self, name: &str) -> Type {
        let stack = self.items.stack.borrow();
        let item = stack
            .last()
            .and_then(|function| self.items.functions.get(function));
        let declared = item.and_then(|item| {
            item.sig
                .generics
                .const_params()
                .find(|parameter| parameter.ident == name)
        });
        let ty = declared.and_then(|parameter| self.items.ty(&parameter.ty, self.generics).ok());
        ty.unwrap_or(Type::USIZE)
    }

    /// The variable, and the part of it, that an expression names.
    pub(super) fn place(&mut self, expr: &syn::Expr) -> syn::Result<Option<(Place, Type)>> {
        match expr {
            syn::Expr::Paren(inner) => self.place(&inner.expr),
            syn::Expr::Path(path) => {
                let Some(name) = path.path.get_ident() else {
                    return Ok(None);
                };
                Ok(self.find(&name.to_string()).map(|local| {
                    let place = Place {
                        local,
                        projections: Vec::new(),
                    };
                    (place, self.local_type(local))
                }))
            }
            syn::Expr::Field(field) => {
                let Some((mut place, ty)) = self.place(&field.base)? else {
                    return Ok(None);
                };
                let (index, ty) = self.field(&ty, &field.member)?;
                place.projections.push(Projection::Field(index));
                Ok(Some((place, ty)))
            }
            syn::Expr::Index(index) => {
                let Some((mut place, ty)) = self.place(&index.expr)? else {
                    return Ok(None);
                };
                match ty {
                    Type::Array(element, _) => {
                        let at = self.expr(&index.index)?;
                        self.expect(&at.ty, &Type::USIZE, at.span)?;
                        place.projections.push(Projection::Index(at));
                        Ok(Some((place, self.inference.resolve(&element))))
                    }
                    _ => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    fn index(&mut self, index: &syn::ExprIndex) -> syn::Result<Expr> {
        let base = self.expr(&index.expr)?;
        let element = match self.inference.resolve(&base.ty) {
            Type::Slice(element) => element,
            Type::GlobalMut(_) | Type::Shared(..) => {
                return Err(syn::Error::new_spanned(
                    index,
                    "other threads may write this memory: write `.get(i)` to read and `.set(i, value)` to write",
                ));
            }
            Type::Array(..) => {
                return Err(syn::Error::new_spanned(
                    &index.expr,
                    "give the array a name first: `let array = …;`",
                ));
            }
            other => {
                return Err(syn::Error::new_spanned(
                    &index.expr,
                    format!("{} has no elements", self.inference.show(&other)),
                ));
            }
        };
        let at = self.expr(&index.index)?;
        self.expect(&at.ty, &Type::USIZE, at.span)?;
        Ok(Expr {
            kind: ExprKind::Intrinsic(Intrinsic::Load(true), vec![base, at]),
            ty: *element,
            span: index.span(),
        })
    }

    fn field(&self, ty: &Type, member: &Member) -> syn::Result<(usize, Type)> {
        let found = match (self.inference.resolve(ty), member) {
            (Type::Tuple(parts), Member::Unnamed(index)) => {
                let at = index.index as usize;
                parts.get(at).map(|part| (at, part.clone()))
            }
            (Type::Struct(number, _), Member::Named(name)) => {
                let mut fields = self.items.fields(number).iter().enumerate();
                fields
                    .find(|(_, (field, _))| name == field)
                    .map(|(at, (_, ty))| (at, ty.clone()))
            }
            _ => None,
        };
        found.ok_or_else(|| {
            let ty = self.inference.show(ty);
            syn::Error::new_spanned(member, format!("{ty} has no such field"))
        })
    }

    fn structure(&mut self, literal: &syn::ExprStruct) -> syn::Result<Expr> {
        let name = match literal.path.get_ident() {
            Some(name) => name.to_string(),
            None => String::new(),
        };
        let Some(number) = self
            .items
            .structs
            .iter()
            .position(|known| known.name == name)
        else {
            return Err(syn::Error::new_spanned(
                &literal.path,
                "this structure is not known here: declare it with `#[repr(C)]` in the same `#[device] mod`, or in the kernel's body",
            ));
        };
        if let Some(rest) = &literal.dot2_token {
            return Err(syn::Error::new_spanned(
                rest,
                "name all fields of the structure",
            ));
        }
        let fields = self.items.fields(number).to_vec();
        let mut values: Vec<Option<Expr>> = fields.iter().map(|_| None).collect();
        for given in &literal.fields {
            let (at, ty) = self.field(&Type::Struct(number, name.clone()), &given.member)?;
            let value = self.expr(&given.expr)?;
            self.expect(&value.ty, &ty, value.span)?;
            if let Some(slot) = values.get_mut(at) {
                *slot = Some(value);
            }
        }
        let Some(values) = values.into_iter().collect::<Option<Vec<Expr>>>() else {
            return Err(syn::Error::new_spanned(
                &literal.path,
                "a field has no value",
            ));
        };
        Ok(Expr {
            kind: ExprKind::Aggregate(values),
            ty: Type::Struct(number, name),
            span: literal.span(),
        })
    }

    /// An expression of type `bool`.
    pub(super) fn condition(&mut self, expr: &syn::Expr) -> syn::Result<Expr> {
        if let syn::Expr::Let(expr) = expr {
            return Err(syn::Error::new_spanned(
                expr.let_token,
                "`if let` is not supported: use `match`, or compare",
            ));
        }
        let condition = self.expr(expr)?;
        self.expect(&condition.ty, &Type::BOOL, condition.span)?;
        Ok(condition)
    }

    fn branch(&mut self, branch: &syn::ExprIf) -> syn::Result<Expr> {
        let condition = self.condition(&branch.cond)?;
        let then = self.block_expr(&branch.then_branch);
        let (other, ty) = match &branch.else_branch {
            None => {
                self.expect(&then.ty, &Type::Unit, then.span)?;
                (None, Type::Unit)
            }
            Some((_, other)) => {
                let other = self.expr(other)?;
                let ty = self.join(&then.ty, &other.ty, other.span)?;
                (Some(Box::new(other)), ty)
            }
        };
        Ok(Expr {
            kind: ExprKind::If(Box::new(condition), Box::new(then), other),
            ty,
            span: branch.if_token.span(),
        })
    }

    /// The loop that a jump refers to.
    fn target(
        &self,
        label: Option<&syn::Lifetime>,
        span: Span,
        is_continue: bool,
    ) -> syn::Result<usize> {
        let mut loops = self.loops.iter().rev();
        let found = match label {
            None => loops.find(|candidate| !candidate.is_block),
            Some(label) => loops.find(|candidate| {
                candidate
                    .label
                    .as_ref()
                    .is_some_and(|name| label.ident == name)
            }),
        };
        match found {
            Some(found) if !(is_continue && found.is_block) => Ok(found.id),
            Some(_) => Err(syn::Error::new(
                span,
                "a block has no `continue`: label a loop",
            )),
            None => Err(syn::Error::new(span, "there is no such loop around this")),
        }
    }

    fn leave(&mut self, jump: &syn::ExprBreak) -> syn::Result<Expr> {
        let span = jump.span();
        let id = self.target(jump.label.as_ref(), span, false)?;
        let value = match &jump.expr {
            None => None,
            Some(value) => Some(self.expr(value)?),
        };
        let mut wanted = None;
        if let Some(target) = self.loops.iter_mut().find(|target| target.id == id) {
            target.has_break = true;
            wanted = target.value.clone();
        }
        match (&value, wanted) {
            (Some(value), Some(wanted)) => self.expect(&value.ty, &wanted, value.span)?,
            (None, Some(wanted)) => self.expect(&Type::Unit, &wanted, span)?,
            (Some(value), None) => {
                return Err(syn::Error::new(
                    value.span,
                    "only `loop` has a value: assign it to a variable before `break`",
                ));
            }
            (None, None) => {}
        }
        Ok(Expr {
            kind: ExprKind::Break(id, value.map(Box::new)),
            ty: Type::Never,
            span,
        })
    }
}

fn unsupported(expr: &syn::Expr) -> &'static str {
    match expr {
        syn::Expr::Closure(_) => "there are no closures on the device: write a function",
        syn::Expr::Try(_) => "there are no errors on the device: use `if` and `return`",
        syn::Expr::Async(_) | syn::Expr::Await(_) => {
            "nothing is asynchronous on the device: threads wait at `barrier()`"
        }
        syn::Expr::Let(_) => "`let` as a condition is not supported: use `match`, or compare",
        syn::Expr::Const(_) => "declare a constant instead: `const NAME: Type = …;`",
        syn::Expr::RawAddr(_) => "there are no raw pointers here: use a slice and an index",
        _ => "this is not supported in a kernel",
    }
}
