//! Operators, assignments and casts.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{BinOp, UnOp};

use super::Checker;
use crate::hir::{BinaryOp, CompareOp, Expr, ExprKind, Place};
use crate::types::{Kind, Scalar, Type};

impl Checker<'_> {
    pub(super) fn require_number(&self, ty: &Type, span: Span) -> syn::Result<()> {
        let ty = self.inference.resolve(ty);
        let is_number = match &ty {
            Type::Scalar(scalar) => *scalar != Scalar::Bool,
            Type::Never => true,
            other => matches!(
                self.inference.kind(other),
                Some(Kind::Integer | Kind::Float)
            ),
        };
        match is_number {
            true => Ok(()),
            false => Err(syn::Error::new(
                span,
                format!(
                    "a number is expected here, and this is {}",
                    self.inference.show(&ty)
                ),
            )),
        }
    }

    pub(super) fn unary(&mut self, unary: &syn::ExprUnary) -> syn::Result<Expr> {
        let span = unary.span();
        if matches!(unary.op, UnOp::Deref(_)) {
            return self.dereference(unary);
        }
        let value = self.expr(&unary.expr)?;
        let ty = value.ty.clone();
        let kind = match unary.op {
            UnOp::Not(_) => {
                if self.inference.resolve(&ty) != Type::BOOL {
                    self.require_integer(&ty, value.span, "`!` is for integers and `bool`")?;
                }
                ExprKind::Not(Box::new(value))
            }
            _ => {
                self.require_number(&ty, value.span)?;
                let scalar = self.inference.resolve(&ty).scalar();
                if scalar.is_some_and(|scalar| scalar.is_integer() && !scalar.is_signed()) {
                    return Err(syn::Error::new_spanned(
                        unary,
                        "an unsigned number has no negative: write `.wrapping_neg()`, or use a signed type",
                    ));
                }
                ExprKind::Negate(Box::new(value))
            }
        };
        Ok(Expr { kind, ty, span })
    }

    /// `*x.get_unchecked(i)`, as slices have it.
    pub(super) fn dereference(&mut self, unary: &syn::ExprUnary) -> syn::Result<Expr> {
        let value = match &*unary.expr {
            syn::Expr::MethodCall(call) if call.method == "get_unchecked" => {
                self.expr(&unary.expr)?
            }
            other => {
                return Err(syn::Error::new_spanned(
                    other,
                    "there are no references here but `x.get_unchecked(i)` of a slice: leave `*` out",
                ));
            }
        };
        Ok(value)
    }

    pub(super) fn binary(&mut self, binary: &syn::ExprBinary) -> syn::Result<Expr> {
        let span = binary.span();
        if let Some(op) = assigning(&binary.op) {
            return self.assign_op(binary, op);
        }
        let (left, right) = (self.expr(&binary.left)?, self.expr(&binary.right)?);
        if let BinOp::And(_) | BinOp::Or(_) = binary.op {
            for side in [&left, &right] {
                self.expect(&side.ty, &Type::BOOL, side.span)?;
            }
            let is_and = matches!(binary.op, BinOp::And(_));
            let kind = ExprKind::Logical(is_and, Box::new(left), Box::new(right));
            let ty = Type::BOOL;
            return Ok(Expr { kind, ty, span });
        }
        if let Some(op) = comparing(&binary.op) {
            self.expect(&right.ty, &left.ty, right.span)?;
            let ty = self.inference.resolve(&left.ty);
            if ty != Type::BOOL {
                self.require_number(&ty, left.span)?;
            }
            let kind = ExprKind::Compare(op, Box::new(left), Box::new(right));
            let ty = Type::BOOL;
            return Ok(Expr { kind, ty, span });
        }
        let Some(op) = arithmetic(&binary.op) else {
            return Err(syn::Error::new_spanned(
                binary.op,
                "this operator is not supported",
            ));
        };
        self.operands(op, &left, &right, &binary.op)?;
        let ty = left.ty.clone();
        let kind = ExprKind::Binary(op, Box::new(left), Box::new(right));
        Ok(Expr { kind, ty, span })
    }

    /// Checks the operands of an arithmetic operator.
    pub(super) fn operands(
        &mut self,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        token: &BinOp,
    ) -> syn::Result<()> {
        match op {
            BinaryOp::Shl | BinaryOp::Shr => {
                self.require_integer(&left.ty, left.span, "shifts are for integers")?;
                return self.require_integer(&right.ty, right.span, "a shift is by an integer");
            }
            _ => self.expect(&right.ty, &left.ty, right.span)?,
        }
        let ty = self.inference.resolve(&left.ty);
        let is_float = ty.scalar().is_some_and(Scalar::is_float)
            || self.inference.kind(&ty) == Some(Kind::Float);
        match op {
            BinaryOp::And | BinaryOp::Or | BinaryOp::Xor if ty == Type::BOOL => Ok(()),
            BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => {
                self.require_integer(&ty, left.span, "this operator is for integers and `bool`")
            }
            BinaryOp::Rem if is_float => Err(syn::Error::new_spanned(
                token,
                "the remainder of floating-point numbers is not supported: write `a - b * (a / b).trunc()` where rounding does not matter",
            )),
            _ => self.require_number(&ty, left.span),
        }
    }

    pub(super) fn assign_op(
        &mut self,
        binary: &syn::ExprBinary,
        op: BinaryOp,
    ) -> syn::Result<Expr> {
        let (place, ty) = self.assignable(&binary.left)?;
        let left = Expr {
            kind: ExprKind::Unit,
            ty,
            span: binary.left.span(),
        };
        let right = self.expr(&binary.right)?;
        self.operands(op, &left, &right, &binary.op)?;
        Ok(Expr {
            kind: ExprKind::AssignOp(op, place, Box::new(right)),
            ty: Type::Unit,
            span: binary.span(),
        })
    }

    pub(super) fn assign(&mut self, assign: &syn::ExprAssign) -> syn::Result<Expr> {
        if let syn::Expr::Infer(_) = &*assign.left {
            return self.expr(&assign.right).map(|value| Expr {
                ty: Type::Unit,
                span: value.span,
                kind: ExprKind::Block(crate::hir::Block {
                    statements: vec![crate::hir::Statement::Expr(value)],
                    tail: None,
                    label: None,
                }),
            });
        }
        let (place, ty) = self.assignable(&assign.left)?;
        let value = self.expr(&assign.right)?;
        self.expect(&value.ty, &ty, value.span)?;
        Ok(Expr {
            kind: ExprKind::Assign(place, Box::new(value)),
            ty: Type::Unit,
            span: assign.span(),
        })
    }

    pub(super) fn assignable(&mut self, expr: &syn::Expr) -> syn::Result<(Place, Type)> {
        if let Some(found) = self.place(expr)? {
            return Ok(found);
        }
        if let syn::Expr::Index(index) = expr {
            let base = self.expr(&index.expr)?;
            let message = match self.inference.resolve(&base.ty) {
                Type::Slice(element) => format!(
                    "`&[{element}]` is read only: take `GlobalMut<{element}>` and write `.set(i, value)`"
                ),
                _ => "other threads may read this memory: write `.set(i, value)`".into(),
            };
            return Err(syn::Error::new_spanned(expr, message));
        }
        Err(syn::Error::new_spanned(
            expr,
            "only a variable, its fields and its elements can be assigned to",
        ))
    }

    pub(super) fn cast(&mut self, cast: &syn::ExprCast) -> syn::Result<Expr> {
        let ty = self.items.ty(&cast.ty, self.generics)?;
        let value = self.expr(&cast.expr)?;
        // As in Rust, a literal is of the type that it is cast to, where it can be.
        if is_literal(&cast.expr) {
            self.inference.unify(&value.ty, &ty);
        }
        let from = self.inference.resolve(&value.ty);
        let kind = self.inference.kind(&from);
        let is_allowed = match (from.scalar(), ty.scalar()) {
            (Some(Scalar::Bool), Some(to)) => to.is_integer() || to == Scalar::Bool,
            (Some(from), Some(to)) if from.is_half() || to.is_half() => from == to,
            (Some(_), Some(to)) => to != Scalar::Bool,
            (None, Some(to)) => {
                matches!(kind, Some(Kind::Integer | Kind::Float)) && to != Scalar::Bool
            }
            _ => false,
        };
        if !is_allowed {
            let instead = match (from.scalar(), ty.scalar()) {
                (_, Some(Scalar::Bool)) => ": write `!= 0`",
                (Some(Scalar::Bool), Some(_)) => ": write `if b { 1.0 } else { 0.0 }`",
                (Some(half), _) if half.is_half() => ": write `.to_f32()`",
                (_, Some(half)) if half.is_half() => {
                    ": write `f16::from_f32(x)` or `bf16::from_f32(x)`"
                }
                _ => "",
            };
            return Err(syn::Error::new_spanned(
                cast,
                format!(
                    "{} cannot be cast to `{ty}`{instead}",
                    self.inference.show(&from)
                ),
            ));
        }
        Ok(Expr {
            kind: ExprKind::Cast(Box::new(value)),
            ty,
            span: cast.span(),
        })
    }
}

fn is_literal(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Lit(_) => true,
        syn::Expr::Paren(inner) => is_literal(&inner.expr),
        syn::Expr::Unary(unary) => is_literal(&unary.expr),
        _ => false,
    }
}

fn arithmetic(op: &BinOp) -> Option<BinaryOp> {
    Some(match op {
        BinOp::Add(_) => BinaryOp::Add,
        BinOp::Sub(_) => BinaryOp::Sub,
        BinOp::Mul(_) => BinaryOp::Mul,
        BinOp::Div(_) => BinaryOp::Div,
        BinOp::Rem(_) => BinaryOp::Rem,
        BinOp::BitAnd(_) => BinaryOp::And,
        BinOp::BitOr(_) => BinaryOp::Or,
        BinOp::BitXor(_) => BinaryOp::Xor,
        BinOp::Shl(_) => BinaryOp::Shl,
        BinOp::Shr(_) => BinaryOp::Shr,
        _ => return None,
    })
}

fn assigning(op: &BinOp) -> Option<BinaryOp> {
    Some(match op {
        BinOp::AddAssign(_) => BinaryOp::Add,
        BinOp::SubAssign(_) => BinaryOp::Sub,
        BinOp::MulAssign(_) => BinaryOp::Mul,
        BinOp::DivAssign(_) => BinaryOp::Div,
        BinOp::RemAssign(_) => BinaryOp::Rem,
        BinOp::BitAndAssign(_) => BinaryOp::And,
        BinOp::BitOrAssign(_) => BinaryOp::Or,
        BinOp::BitXorAssign(_) => BinaryOp::Xor,
        BinOp::ShlAssign(_) => BinaryOp::Shl,
        BinOp::ShrAssign(_) => BinaryOp::Shr,
        _ => return None,
    })
}

fn comparing(op: &BinOp) -> Option<CompareOp> {
    Some(match op {
        BinOp::Eq(_) => CompareOp::Eq,
        BinOp::Ne(_) => CompareOp::Ne,
        BinOp::Lt(_) => CompareOp::Lt,
        BinOp::Le(_) => CompareOp::Le,
        BinOp::Gt(_) => CompareOp::Gt,
        BinOp::Ge(_) => CompareOp::Ge,
        _ => return None,
    })
}
