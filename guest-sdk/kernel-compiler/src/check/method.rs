//! What is called with a dot: memory of the device, and numbers.

use proc_macro2::Span;
use syn::Ident;
use syn::spanned::Spanned;

use super::Checker;
use crate::hir::{Atomic, Expr, ExprKind, Intrinsic};
use crate::types::{Kind, Scalar, Type};

impl Checker<'_> {
    pub(super) fn method(&mut self, call: &syn::ExprMethodCall) -> syn::Result<Expr> {
        let receiver = self.expr(&call.receiver)?;
        match self.inference.resolve(&receiver.ty) {
            Type::Slice(element) => self.slice_method(receiver, *element, call),
            Type::GlobalMut(element) | Type::Shared(element, _) => {
                self.memory_method(receiver, *element, call)
            }
            Type::Array(_, len) if call.method == "len" => Ok(Expr {
                kind: ExprKind::Integer(len.into()),
                ty: Type::USIZE,
                span: call.span(),
            }),
            _ => {
                let arguments = self.all(call.args.iter())?;
                self.number_method(receiver, &call.method, arguments, call.span())
            }
        }
    }

    fn slice_method(
        &mut self,
        receiver: Expr,
        element: Type,
        call: &syn::ExprMethodCall,
    ) -> syn::Result<Expr> {
        let arguments = self.all(call.args.iter())?;
        match call.method.to_string().as_str() {
            "len" => {
                self.count(&arguments, 0, call.span())?;
                self.intrinsic(
                    Intrinsic::Len,
                    receiver,
                    arguments,
                    Type::USIZE,
                    call.span(),
                )
            }
            "is_empty" => {
                self.count(&arguments, 0, call.span())?;
                let span = call.span();
                let len = self.intrinsic(Intrinsic::Len, receiver, arguments, Type::USIZE, span)?;
                let zero = Expr {
                    kind: ExprKind::Integer(0),
                    ty: Type::USIZE,
                    span,
                };
                let op = crate::hir::CompareOp::Eq;
                Ok(Expr {
                    kind: ExprKind::Compare(op, Box::new(len), Box::new(zero)),
                    ty: Type::BOOL,
                    span,
                })
            }
            "get_unchecked" => {
                self.count(&arguments, 1, call.span())?;
                for argument in &arguments {
                    self.expect(&argument.ty, &Type::USIZE, argument.span)?;
                }
                self.intrinsic(
                    Intrinsic::Load(false),
                    receiver,
                    arguments,
                    element,
                    call.span(),
                )
            }
            "iter" => Err(syn::Error::new_spanned(
                &call.method,
                "there are no iterators over memory here: write `for i in 0..x.len()` and use `x[i]`",
            )),
            "get" => Err(syn::Error::new_spanned(
                &call.method,
                "there is no `Option` on the device: write `x[i]`, or compare the index with `x.len()`",
            )),
            _ => Err(syn::Error::new_spanned(
                &call.method,
                "a slice has `x[i]`, `len`, `is_empty` and `get_unchecked` on the device",
            )),
        }
    }

    /// Methods of `GlobalMut` and `Shared`.
    fn memory_method(
        &mut self,
        receiver: Expr,
        element: Type,
        call: &syn::ExprMethodCall,
    ) -> syn::Result<Expr> {
        let name = call.method.to_string();
        let span = call.span();
        if let Some(operation) = atomic(&name) {
            return self.atomic(receiver, element, operation, call);
        }
        let arguments = self.all(call.args.iter())?;
        let (intrinsic, count, ty) = match name.as_str() {
            "len" => (Intrinsic::Len, 0, Type::USIZE),
            "get" => (Intrinsic::Load(true), 1, element.clone()),
            "get_unchecked" => (Intrinsic::Load(false), 1, element.clone()),
            "set" => (Intrinsic::Store(true), 2, Type::Unit),
            "set_unchecked" => (Intrinsic::Store(false), 2, Type::Unit),
            _ => {
                return Err(syn::Error::new_spanned(
                    &call.method,
                    "memory that threads share has `get`, `set`, `get_unchecked`, `set_unchecked`, `len`, `atomic_add` and the like",
                ));
            }
        };
        self.count(&arguments, count, span)?;
        if let Some(index) = arguments.first() {
            self.expect(&index.ty, &Type::USIZE, index.span)?;
        }
        if let Some(value) = arguments.get(1) {
            self.expect(&value.ty, &element, value.span)?;
        }
        self.intrinsic(intrinsic, receiver, arguments, ty, span)
    }

    fn atomic(
        &mut self,
        receiver: Expr,
        element: Type,
        operation: Atomic,
        call: &syn::ExprMethodCall,
    ) -> syn::Result<Expr> {
        let span = call.span();
        let values = match operation {
            Atomic::Load => 0,
            Atomic::CompareExchange => 2,
            _ => 1,
        };
        let exprs: Vec<&syn::Expr> = call.args.iter().collect();
        if exprs.len() != values + 2 {
            return Err(syn::Error::new_spanned(
                call,
                match operation {
                    Atomic::Load => {
                        "an atomic load takes the index and the order: write `.atomic_load(i, Ordering::Relaxed)`"
                    }
                    Atomic::CompareExchange => {
                        "this takes the index, the expected value, the new one and the order"
                    }
                    _ => {
                        "an atomic operation takes the index, the value and the order: write `.atomic_add(i, value, Ordering::Relaxed)`"
                    }
                },
            ));
        }
        let Some((order, exprs)) = exprs.split_last() else {
            return Err(syn::Error::new_spanned(call, "an order is expected"));
        };
        let order = self.memory_order(order, operation)?;
        let arguments = self.all(exprs.iter().copied())?;
        if let Some(index) = arguments.first() {
            self.expect(&index.ty, &Type::USIZE, index.span)?;
        }
        for value in arguments.iter().skip(1) {
            self.expect(&value.ty, &element, value.span)?;
        }
        let scalar = self.inference.resolve(&element).scalar();
        let is_allowed = scalar.is_some_and(|scalar| match operation {
            _ if !matches!(scalar.bits(), 32 | 64) => false,
            Atomic::Load | Atomic::Store => true,
            Atomic::Add => true,
            Atomic::Sub => true,
            _ => !scalar.is_float(),
        });
        if !is_allowed {
            return Err(syn::Error::new_spanned(
                &call.method,
                format!(
                    "there is no such atomic operation on `{}`: integers of 32 and 64 bits have all of them, `f32` and `f64` addition, loads and stores",
                    self.inference.resolve(&element)
                ),
            ));
        }
        let ty = if operation == Atomic::Store {
            Type::Unit
        } else {
            element
        };
        self.intrinsic(
            Intrinsic::Atomic(operation, order),
            receiver,
            arguments,
            ty,
            span,
        )
    }

    fn intrinsic(
        &self,
        intrinsic: Intrinsic,
        receiver: Expr,
        arguments: Vec<Expr>,
        ty: Type,
        span: Span,
    ) -> syn::Result<Expr> {
        let mut all = vec![receiver];
        all.extend(arguments);
        Ok(Expr {
            kind: ExprKind::Intrinsic(intrinsic, all),
            ty,
            span,
        })
    }

    /// A method of an integer or of a floating-point number.
    pub(super) fn number_method(
        &mut self,
        receiver: Expr,
        method: &Ident,
        arguments: Vec<Expr>,
        span: Span,
    ) -> syn::Result<Expr> {
        let ty = self.inference.resolve(&receiver.ty);
        let Some(scalar) = ty.scalar() else {
            let message = match self.inference.kind(&ty) {
                Some(Kind::Integer) => "the type of this number is not known here: write it, as in `1u32`, or with `let`".into(),
                Some(Kind::Float) => "the type of this number is not known here: write it, as in `1.0f32`, or with `let`".into(),
                _ => format!("{} has no methods on the device", self.inference.show(&ty)),
            };
            return Err(syn::Error::new(receiver.span, message));
        };
        let name = method.to_string();
        let Some(found) = numeric(&name, scalar) else {
            return Err(syn::Error::new(
                method.span(),
                unknown_method(&name, scalar),
            ));
        };
        let (intrinsic, params, result) = found;
        self.count(&arguments, params.len(), span)?;
        for (argument, param) in arguments.iter().zip(params) {
            let wanted = match param {
                Operand::Same => ty.clone(),
                Operand::Amount => Type::U32,
            };
            self.expect(&argument.ty, &wanted, argument.span)?;
        }
        if name == "to_f32" {
            return Ok(Expr {
                kind: ExprKind::Cast(Box::new(receiver)),
                ty: Type::Scalar(Scalar::F32),
                span,
            });
        }
        if matches!(name.as_str(), "cast_signed" | "cast_unsigned") {
            return Ok(Expr {
                kind: ExprKind::Cast(Box::new(receiver)),
                ty: Type::Scalar(result),
                span,
            });
        }
        self.intrinsic(intrinsic, receiver, arguments, Type::Scalar(result), span)
    }
}

#[derive(Clone, Copy)]
enum Operand {
    Same,
    Amount,
}

fn atomic(name: &str) -> Option<Atomic> {
    Some(match name {
        "atomic_load" => Atomic::Load,
        "atomic_store" => Atomic::Store,
        "atomic_add" => Atomic::Add,
        "atomic_sub" => Atomic::Sub,
        "atomic_min" => Atomic::Min,
        "atomic_max" => Atomic::Max,
        "atomic_and" => Atomic::And,
        "atomic_or" => Atomic::Or,
        "atomic_xor" => Atomic::Xor,
        "atomic_swap" => Atomic::Swap,
        "atomic_compare_exchange" => Atomic::CompareExchange,
        _ => return None,
    })
}

/// What a method of a number does, its parameters and its result.
fn numeric(name: &str, scalar: Scalar) -> Option<(Intrinsic, &'static [Operand], Scalar)> {
    const ONE: &[Operand] = &[Operand::Same];
    const TWO: &[Operand] = &[Operand::Same, Operand::Same];
    const AMOUNT: &[Operand] = &[Operand::Amount];
    if scalar == Scalar::Bool {
        return None;
    }
    if scalar.is_half() {
        return match name {
            "to_f32" => Some((Intrinsic::ToBits, &[], Scalar::F32)),
            "to_bits" => Some((Intrinsic::ToBits, &[], Scalar::U16)),
            _ => None,
        };
    }
    let common = match name {
        "min" => Some((Intrinsic::Min, ONE, scalar)),
        "max" => Some((Intrinsic::Max, ONE, scalar)),
        "clamp" => Some((Intrinsic::Clamp, TWO, scalar)),
        _ => None,
    };
    if common.is_some() {
        return common;
    }
    let is_signed = scalar.is_signed();
    if scalar.is_integer() {
        return Some(match name {
            "abs" | "wrapping_abs" if is_signed => (Intrinsic::Abs, &[], scalar),
            "unsigned_abs" if is_signed => (Intrinsic::Abs, &[], scalar.with_sign(false)),
            "signum" if is_signed => (Intrinsic::Signum, &[], scalar),
            "cast_unsigned" if is_signed => (Intrinsic::ToBits, &[], scalar.with_sign(false)),
            "cast_signed" if !is_signed => (Intrinsic::ToBits, &[], scalar.with_sign(true)),
            "is_power_of_two" if !is_signed => (Intrinsic::IsPowerOfTwo, &[], Scalar::Bool),
            "div_ceil" if !is_signed => (Intrinsic::DivCeil, ONE, scalar),
            "abs_diff" => (Intrinsic::AbsDiff, ONE, scalar.with_sign(false)),
            "wrapping_add" => (Intrinsic::WrappingAdd, ONE, scalar),
            "wrapping_sub" => (Intrinsic::WrappingSub, ONE, scalar),
            "wrapping_mul" => (Intrinsic::WrappingMul, ONE, scalar),
            "wrapping_neg" => (Intrinsic::WrappingNeg, &[], scalar),
            "wrapping_shl" => (Intrinsic::WrappingShl, AMOUNT, scalar),
            "wrapping_shr" => (Intrinsic::WrappingShr, AMOUNT, scalar),
            "saturating_add" => (Intrinsic::SaturatingAdd, ONE, scalar),
            "saturating_sub" => (Intrinsic::SaturatingSub, ONE, scalar),
            "rotate_left" => (Intrinsic::RotateLeft, AMOUNT, scalar),
            "rotate_right" => (Intrinsic::RotateRight, AMOUNT, scalar),
            "count_ones" => (Intrinsic::CountOnes, &[], Scalar::U32),
            "leading_zeros" => (Intrinsic::LeadingZeros, &[], Scalar::U32),
            "trailing_zeros" => (Intrinsic::TrailingZeros, &[], Scalar::U32),
            "reverse_bits" => (Intrinsic::ReverseBits, &[], scalar),
            "swap_bytes" => (Intrinsic::SwapBytes, &[], scalar),
            _ => return None,
        });
    }
    let bits = if scalar == Scalar::F32 {
        Scalar::U32
    } else {
        Scalar::U64
    };
    Some(match name {
        "abs" => (Intrinsic::Abs, &[], scalar),
        "signum" => (Intrinsic::Signum, &[], scalar),
        "sqrt" => (Intrinsic::Sqrt, &[], scalar),
        "mul_add" => (Intrinsic::MulAdd, TWO, scalar),
        "floor" => (Intrinsic::Floor, &[], scalar),
        "ceil" => (Intrinsic::Ceil, &[], scalar),
        "trunc" => (Intrinsic::Trunc, &[], scalar),
        "round" => (Intrinsic::Round, &[], scalar),
        "round_ties_even" => (Intrinsic::RoundTiesEven, &[], scalar),
        "fract" => (Intrinsic::Fract, &[], scalar),
        "copysign" => (Intrinsic::CopySign, ONE, scalar),
        "recip" => (Intrinsic::Recip, &[], scalar),
        "to_bits" => (Intrinsic::ToBits, &[], bits),
        "is_nan" => (Intrinsic::IsNan, &[], Scalar::Bool),
        "is_infinite" => (Intrinsic::IsInfinite, &[], Scalar::Bool),
        "is_finite" => (Intrinsic::IsFinite, &[], Scalar::Bool),
        "is_sign_negative" => (Intrinsic::IsSignNegative, &[], Scalar::Bool),
        "is_sign_positive" => (Intrinsic::IsSignPositive, &[], Scalar::Bool),
        _ => return None,
    })
}

fn unknown_method(name: &str, scalar: Scalar) -> String {
    let instead = match name {
        "exp" | "exp2" | "ln" | "log2" | "sin" | "cos" | "tanh" | "powf" => format!(
            ": PTX has an approximation in `f32`, `fast::{name}(x)`"
        ),
        "log10" => ": write `fast::log2(x) * std::f32::consts::LN_2 / std::f32::consts::LN_10`".into(),
        "tan" => ": write `fast::sin(x) / fast::cos(x)`".into(),
        "powi" | "pow" => ": write the product, or a loop".into(),
        "hypot" => ": write `(x * x + y * y).sqrt()`".into(),
        "cloned" | "copied" | "clone" => ": numbers are copied, leave it out".into(),
        _ if name.starts_with("checked_") => {
            ": there is no `Option` on the device; compare first, or use `wrapping_…` or `saturating_…`".into()
        }
        _ if name.starts_with("overflowing_") => {
            ": use `wrapping_…`, and compare the result with an operand".into()
        }
        _ => String::new(),
    };
    format!(
        "`{}` has no method `{name}` on the device{instead}",
        scalar.name()
    )
}
