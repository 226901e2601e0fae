//! What belongs to the type of a number: `f32::from_bits(x)`, `u64::from(x)`, `f32::MAX`,
//! `std::f32::consts::PI`.

use syn::spanned::Spanned;

use super::Checker;
use crate::hir::{Expr, ExprKind, Intrinsic};
use crate::types::{Scalar, Type};

impl Checker<'_> {
    /// `f32::from_bits(x)`, `u64::from(x)`, `f32::max(a, b)`.
    pub(super) fn associated(
        &mut self,
        scalar: Scalar,
        name: &str,
        mut arguments: Vec<Expr>,
        call: &syn::ExprCall,
    ) -> syn::Result<Expr> {
        let span = call.span();
        let ty = Type::Scalar(scalar);
        match name {
            "from_bits" if scalar.is_float() => {
                self.count(&arguments, 1, span)?;
                let bits = match scalar {
                    Scalar::F32 => Scalar::U32,
                    Scalar::F64 => Scalar::U64,
                    _ => Scalar::U16,
                };
                for argument in &arguments {
                    self.expect(&argument.ty, &Type::Scalar(bits), argument.span)?;
                }
                let kind = ExprKind::Intrinsic(Intrinsic::FromBits, arguments);
                Ok(Expr { kind, ty, span })
            }
            "from_f32" if scalar.is_half() => {
                self.count(&arguments, 1, span)?;
                let Some(value) = arguments.pop() else {
                    return Err(syn::Error::new(span, "a value is expected"));
                };
                self.expect(&value.ty, &Type::Scalar(Scalar::F32), value.span)?;
                let kind = ExprKind::Cast(Box::new(value));
                Ok(Expr { kind, ty, span })
            }
            "from" => {
                self.count(&arguments, 1, span)?;
                let Some(value) = arguments.pop() else {
                    return Err(syn::Error::new(span, "a value is expected"));
                };
                let from = self.inference.resolve(&value.ty).scalar();
                if !from.is_some_and(|from| is_lossless(from, scalar)) {
                    return Err(syn::Error::new(
                        span,
                        format!(
                            "`{}::from` takes a number of a type whose values it has all: write `as {0}`",
                            scalar.name()
                        ),
                    ));
                }
                let kind = ExprKind::Cast(Box::new(value));
                Ok(Expr { kind, ty, span })
            }
            _ if !arguments.is_empty() => {
                let receiver = arguments.remove(0);
                self.expect(&receiver.ty, &ty, receiver.span)?;
                let method = syn::Ident::new(name, call.func.span());
                self.number_method(receiver, &method, arguments, span)
            }
            _ => Err(syn::Error::new_spanned(
                &call.func,
                format!("`{}` has no function `{name}` on the device", scalar.name()),
            )),
        }
    }

    /// `f32::MAX`, `std::f32::consts::PI`.
    pub(super) fn constant_path(&mut self, path: &syn::ExprPath) -> syn::Result<Expr> {
        let span = path.span();
        let names: Vec<String> = path
            .path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = match names.as_slice() {
            [.., scalar, "consts", name] => Scalar::from_name(scalar).and_then(|scalar| {
                let value = mathematical(name)?;
                Some((ExprKind::Float(value.to_owned()), scalar))
            }),
            [.., scalar, name] => Scalar::from_name(scalar).and_then(|scalar| limit(scalar, name)),
            _ => None,
        };
        match found {
            Some((kind, scalar)) => Ok(Expr {
                kind,
                ty: Type::Scalar(scalar),
                span,
            }),
            None => Err(syn::Error::new(
                span,
                format!(
                    "`{}` is not known here: constants are declared in the same `#[device] mod`, or in the kernel's body",
                    names.join("::")
                ),
            )),
        }
    }
}

/// Whether each value of one type is a value of the other.
fn is_lossless(from: Scalar, to: Scalar) -> bool {
    // `usize` has no lossless conversions but these, in Rust.
    let is_size = |scalar| matches!(scalar, Scalar::Usize | Scalar::Isize);
    let mantissa = |scalar: Scalar| if scalar == Scalar::F32 { 24 } else { 53 };
    match (from, to) {
        _ if from == to => true,
        (Scalar::Bool, _) => to.is_integer(),
        _ if is_size(from) => false,
        (Scalar::U8 | Scalar::U16, Scalar::Usize) => true,
        (Scalar::U8 | Scalar::I8 | Scalar::I16, Scalar::Isize) => true,
        _ if is_size(to) => false,
        (Scalar::F32, Scalar::F64) => true,
        _ if from.is_float() || to.is_half() => false,
        _ if to.is_float() => from.bits() <= mantissa(to),
        _ if from.is_signed() == to.is_signed() => from.bits() < to.bits(),
        _ => !from.is_signed() && from.bits() < to.bits(),
    }
}

/// An associated constant of a number.
fn limit(scalar: Scalar, name: &str) -> Option<(ExprKind, Scalar)> {
    if scalar.is_integer() {
        let (least, most) = scalar.range();
        return match name {
            "MIN" => Some((ExprKind::Integer(least), scalar)),
            "MAX" => Some((ExprKind::Integer(most), scalar)),
            "BITS" => Some((ExprKind::Integer(scalar.bits().into()), Scalar::U32)),
            _ => None,
        };
    }
    let bits = match (scalar, name) {
        (Scalar::F32, "MIN") => u64::from(f32::MIN.to_bits()),
        (Scalar::F32, "MAX") => u64::from(f32::MAX.to_bits()),
        (Scalar::F32, "INFINITY") => u64::from(f32::INFINITY.to_bits()),
        (Scalar::F32, "NEG_INFINITY") => u64::from(f32::NEG_INFINITY.to_bits()),
        (Scalar::F32, "NAN") => u64::from(f32::NAN.to_bits()),
        (Scalar::F32, "EPSILON") => u64::from(f32::EPSILON.to_bits()),
        (Scalar::F32, "MIN_POSITIVE") => u64::from(f32::MIN_POSITIVE.to_bits()),
        (Scalar::F64, "MIN") => f64::MIN.to_bits(),
        (Scalar::F64, "MAX") => f64::MAX.to_bits(),
        (Scalar::F64, "INFINITY") => f64::INFINITY.to_bits(),
        (Scalar::F64, "NEG_INFINITY") => f64::NEG_INFINITY.to_bits(),
        (Scalar::F64, "NAN") => f64::NAN.to_bits(),
        (Scalar::F64, "EPSILON") => f64::EPSILON.to_bits(),
        (Scalar::F64, "MIN_POSITIVE") => f64::MIN_POSITIVE.to_bits(),
        _ => return None,
    };
    Some((ExprKind::FloatBits(bits), scalar))
}

/// The digits of a constant of `std::f64::consts`; rounded to `f32`, they are those of `f32`.
fn mathematical(name: &str) -> Option<&'static str> {
    Some(match name {
        "PI" => "3.14159265358979323846264338327950288",
        "TAU" => "6.28318530717958647692528676655900577",
        "E" => "2.71828182845904523536028747135266250",
        "LN_2" => "0.693147180559945309417232121458176568",
        "LN_10" => "2.30258509299404568401799145468436421",
        "LOG2_E" => "1.44269504088896340735992468100189214",
        "LOG10_E" => "0.434294481903251827651128918916605082",
        "SQRT_2" => "1.41421356237309504880168872420969808",
        "FRAC_1_SQRT_2" => "0.707106781186547524400844362104849039",
        "FRAC_1_PI" => "0.318309886183790671537767526745028724",
        "FRAC_2_PI" => "0.636619772367581343075535053490057448",
        "FRAC_2_SQRT_PI" => "1.12837916709551257389615890312154517",
        "FRAC_PI_2" => "1.57079632679489661923132169163975144",
        "FRAC_PI_3" => "1.04719755119659774615421446109316763",
        "FRAC_PI_4" => "0.785398163397448309615660845819875721",
        "FRAC_PI_6" => "0.52359877559829887307710723054658381",
        "FRAC_PI_8" => "0.39269908169872415480783042290993786",
        _ => return None,
    })
}
