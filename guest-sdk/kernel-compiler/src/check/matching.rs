//! `match` and its patterns.

use std::collections::HashMap;

use syn::Pat;
use syn::spanned::Spanned;

use super::Checker;
use crate::hir::{Arm, Expr, ExprKind, LocalId};
use crate::types::{Scalar, Type};

impl Checker<'_> {
    pub(super) fn matching(&mut self, expr: &syn::ExprMatch) -> syn::Result<Expr> {
        let value = self.expr(&expr.expr)?;
        let ty = self.inference.resolve(&value.ty);
        let is_bool = ty == Type::BOOL;
        if !is_bool {
            self.require_integer(&ty, value.span, "`match` is for integers and `bool`")?;
        }
        let mut result = Type::Never;
        let mut arms = Vec::new();
        for arm in &expr.arms {
            self.scopes.push(HashMap::new());
            let checked = self.arm(arm, &value.ty, is_bool);
            self.scopes.pop();
            let checked = checked?;
            result = self.join(&result, &checked.body.ty, checked.body.span)?;
            arms.push(checked);
        }
        Ok(Expr {
            kind: ExprKind::Match(Box::new(value), arms),
            ty: result,
            span: expr.match_token.span(),
        })
    }

    pub(super) fn arm(&mut self, arm: &syn::Arm, ty: &Type, is_bool: bool) -> syn::Result<Arm> {
        let mut ranges = Vec::new();
        let mut binding = None;
        self.pattern(&arm.pat, ty, is_bool, &mut ranges, &mut binding)?;
        let guard = match &arm.guard {
            None => None,
            Some((_, guard)) => Some(self.condition(guard)?),
        };
        let body = self.expr(&arm.body)?;
        Ok(Arm {
            ranges,
            binding,
            guard,
            body,
        })
    }

    pub(super) fn pattern(
        &mut self,
        pattern: &Pat,
        ty: &Type,
        is_bool: bool,
        ranges: &mut Vec<(i128, i128)>,
        binding: &mut Option<LocalId>,
    ) -> syn::Result<()> {
        match pattern {
            Pat::Wild(_) => Ok(()),
            Pat::Paren(inner) => self.pattern(&inner.pat, ty, is_bool, ranges, binding),
            Pat::Or(alternatives) => {
                for alternative in &alternatives.cases {
                    let before = ranges.len();
                    self.pattern(alternative, ty, is_bool, ranges, binding)?;
                    if ranges.len() == before {
                        // A wildcard among the alternatives: all values match.
                        ranges.clear();
                        ranges.push((i128::MIN, i128::MAX));
                    }
                }
                Ok(())
            }
            Pat::Lit(literal) => {
                let value = self.pattern_value(&syn::Expr::Lit(literal.clone()), is_bool)?;
                ranges.push((value, value));
                Ok(())
            }
            Pat::Range(range) => {
                let least = match &range.start {
                    Some(start) => self.pattern_value(start, is_bool)?,
                    None => i128::MIN,
                };
                let last = match (&range.end, &range.limits) {
                    (None, _) => i128::MAX,
                    (Some(end), syn::RangeLimits::Closed(_)) => self.pattern_value(end, is_bool)?,
                    (Some(end), syn::RangeLimits::HalfOpen(_)) => {
                        self.pattern_value(end, is_bool)?.saturating_sub(1)
                    }
                };
                ranges.push((least, last));
                Ok(())
            }
            Pat::Path(path) => {
                let value = self.pattern_value(&syn::Expr::Path(path.clone()), is_bool)?;
                ranges.push((value, value));
                Ok(())
            }
            Pat::Ident(name) => {
                let text = name.ident.to_string();
                let is_constant =
                    self.items.constants.contains_key(&text) || self.generics.contains_key(&text);
                match &name.subpat {
                    Some((_, inner)) => self.pattern(inner, ty, is_bool, ranges, binding)?,
                    None if is_constant => {
                        let path = syn::Expr::Path(syn::ExprPath {
                            attrs: Vec::new(),
                            qself: None,
                            path: name.ident.clone().into(),
                        });
                        let value = self.pattern_value(&path, is_bool)?;
                        ranges.push((value, value));
                        return Ok(());
                    }
                    None => {}
                }
                let is_mutable = name.mutability.is_some();
                *binding = Some(self.declare(text, ty.clone(), is_mutable, name.ident.span()));
                Ok(())
            }
            other => Err(syn::Error::new_spanned(
                other,
                "a pattern of a kernel is a number, a range of numbers, `true`, `false`, a name or `_`",
            )),
        }
    }

    pub(super) fn pattern_value(&self, expr: &syn::Expr, is_bool: bool) -> syn::Result<i128> {
        if let syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Bool(value),
            ..
        }) = expr
            && is_bool
        {
            return Ok(value.value.into());
        }
        let limit = |scalar: &str, name: &str| {
            let (least, most) = Scalar::from_name(scalar)?.range();
            match name {
                "MIN" => Some(least),
                "MAX" => Some(most),
                _ => None,
            }
        };
        if let syn::Expr::Path(path) = expr {
            let names: Vec<String> = path
                .path
                .segments
                .iter()
                .map(|part| part.ident.to_string())
                .collect();
            if let [scalar, name] = names.as_slice()
                && let Some(value) = limit(scalar, name)
            {
                return Ok(value);
            }
        }
        match self.items.constant(expr, self.generics) {
            Some(value) if !is_bool => Ok(value),
            _ => Err(syn::Error::new_spanned(
                expr,
                match is_bool {
                    true => "a pattern for `bool` is `true`, `false` or `_`",
                    false => {
                        "a pattern for an integer is a number, a range of numbers or a constant: compare other values with `if`"
                    }
                },
            )),
        }
    }
}
