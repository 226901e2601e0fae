//! What is called by a path: functions of the device, indices of threads, warp operations, fast
//! mathematics, associated functions and constants of numbers; and the macros.

use proc_macro2::Span;
use syn::spanned::Spanned;

use super::Checker;
use crate::hir::{Atomic, BinaryReduce, Expr, ExprKind, Fast, Intrinsic, MemoryOrder};
use crate::items::SharedArray;
use crate::types::{Scalar, Type};

/// All lanes of a segment of 32 take part in a shuffle, as `shfl.sync` encodes it.
const WHOLE_WARP: u32 = 0x1f;

impl Checker<'_> {
    pub(super) fn call(&mut self, call: &syn::ExprCall) -> syn::Result<Expr> {
        let span = call.span();
        let syn::Expr::Path(function) = &*call.func else {
            return Err(syn::Error::new_spanned(
                &call.func,
                "functions are called by their names here",
            ));
        };
        let names: Vec<String> = function
            .path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        match names.as_slice() {
            [name] if self.items.functions.contains_key(*name) => {
                self.call_function(name, function, call)
            }
            ["barrier"] => self.no_arguments(call, Intrinsic::Barrier, Type::Unit),
            [.., "thread" | "block" | "grid", _] => self.index_of_thread(&names, call),
            [.., "warp", name] => self.warp(name, call),
            [.., "fast", name] => self.fast(name, call),
            [.., scalar, name] if Scalar::from_name(scalar).is_some() => {
                let scalar = Scalar::from_name(scalar).unwrap_or(Scalar::U32);
                let arguments = self.all(call.args.iter())?;
                self.associated(scalar, name, arguments, call)
            }
            _ => {
                let name = names.last().copied().unwrap_or_default();
                let message = match name {
                    "Some" | "Ok" | "Err" | "None" => {
                        "there is no `Option` or `Result` on the device: use a number that means none".into()
                    }
                    _ => format!(
                        "`{}` is no function of the device: write it in the same `#[device] mod`, or in the kernel's body",
                        names.join("::")
                    ),
                };
                Err(syn::Error::new(span, message))
            }
        }
    }

    fn call_function(
        &mut self,
        name: &str,
        path: &syn::ExprPath,
        call: &syn::ExprCall,
    ) -> syn::Result<Expr> {
        let mut generics = Vec::new();
        if let Some(segment) = path.path.segments.last()
            && let syn::PathArguments::AngleBracketed(list) = &segment.arguments
        {
            for argument in &list.args {
                let expr = match argument {
                    syn::GenericArgument::Const(expr) => expr.clone(),
                    syn::GenericArgument::Type(syn::Type::Path(path)) => {
                        syn::Expr::Path(syn::ExprPath {
                            attrs: Vec::new(),
                            qself: None,
                            path: path.path.clone(),
                        })
                    }
                    other => return Err(syn::Error::new_spanned(other, "a number is expected")),
                };
                let value = self.items.constant(&expr, self.generics).ok_or_else(|| {
                    syn::Error::new_spanned(argument, "a number or a constant is expected")
                })?;
                generics.push(value);
            }
        }
        let function = self.item_function(name, &generics, path.span())?;
        let arguments = self.all(call.args.iter())?;
        if arguments.len() != function.params.len() {
            return Err(syn::Error::new_spanned(
                call,
                format!(
                    "`{name}` takes {} arguments, and this gives {}",
                    function.params.len(),
                    arguments.len()
                ),
            ));
        }
        for (argument, param) in arguments.iter().zip(&function.params) {
            let wanted = function.locals.get(*param).map(|local| local.ty.clone());
            if let Some(wanted) = wanted {
                self.expect(&argument.ty, &wanted, argument.span)?;
            }
        }
        Ok(Expr {
            ty: function.result.clone(),
            kind: ExprKind::Call(function, arguments),
            span: call.span(),
        })
    }

    fn no_arguments(
        &self,
        call: &syn::ExprCall,
        intrinsic: Intrinsic,
        ty: Type,
    ) -> syn::Result<Expr> {
        match call.args.first() {
            None => Ok(Expr {
                kind: ExprKind::Intrinsic(intrinsic, Vec::new()),
                ty,
                span: call.span(),
            }),
            Some(argument) => Err(syn::Error::new_spanned(argument, "this takes no arguments")),
        }
    }

    fn index_of_thread(&mut self, names: &[&str], call: &syn::ExprCall) -> syn::Result<Expr> {
        let Some([scope, name]) = names.last_chunk() else {
            return Err(syn::Error::new_spanned(call, "a function is expected"));
        };
        let found = match (*scope, *name) {
            ("thread", "index_x") => Intrinsic::Register("%tid.x"),
            ("thread", "index_y") => Intrinsic::Register("%tid.y"),
            ("thread", "index_z") => Intrinsic::Register("%tid.z"),
            ("thread", "global_x") => Intrinsic::GlobalIndex("x"),
            ("thread", "global_y") => Intrinsic::GlobalIndex("y"),
            ("thread", "global_z") => Intrinsic::GlobalIndex("z"),
            ("block", "index_x") => Intrinsic::Register("%ctaid.x"),
            ("block", "index_y") => Intrinsic::Register("%ctaid.y"),
            ("block", "index_z") => Intrinsic::Register("%ctaid.z"),
            ("block", "size_x") => Intrinsic::Register("%ntid.x"),
            ("block", "size_y") => Intrinsic::Register("%ntid.y"),
            ("block", "size_z") => Intrinsic::Register("%ntid.z"),
            ("grid", "size_x") => Intrinsic::Register("%nctaid.x"),
            ("grid", "size_y") => Intrinsic::Register("%nctaid.y"),
            ("grid", "size_z") => Intrinsic::Register("%nctaid.z"),
            _ => {
                return Err(syn::Error::new_spanned(
                    &call.func,
                    "there are `thread::index_x`, `thread::global_x`, `block::index_x`, `block::size_x` and `grid::size_x`, and the same for y and z",
                ));
            }
        };
        self.no_arguments(call, found, Type::U32)
    }

    fn warp(&mut self, name: &str, call: &syn::ExprCall) -> syn::Result<Expr> {
        match name {
            "lane" => return self.no_arguments(call, Intrinsic::Register("%laneid"), Type::U32),
            "barrier" => return self.no_arguments(call, Intrinsic::WarpBarrier, Type::Unit),
            _ => {}
        }
        let arguments = self.all(call.args.iter())?;
        let (intrinsic, has_lane) = match name {
            "shuffle" => (Intrinsic::Shuffle("idx", WHOLE_WARP), true),
            "shuffle_up" => (Intrinsic::Shuffle("up", 0), true),
            "shuffle_down" => (Intrinsic::Shuffle("down", WHOLE_WARP), true),
            "shuffle_xor" => (Intrinsic::Shuffle("bfly", WHOLE_WARP), true),
            "any" => (Intrinsic::VoteAny, false),
            "all" => (Intrinsic::VoteAll, false),
            "ballot" => (Intrinsic::Ballot, false),
            "sum" => (Intrinsic::WarpReduce(BinaryReduce::Sum), false),
            "min" => (Intrinsic::WarpReduce(BinaryReduce::Min), false),
            "max" => (Intrinsic::WarpReduce(BinaryReduce::Max), false),
            _ => {
                return Err(syn::Error::new_spanned(
                    &call.func,
                    "a warp has `lane`, `barrier`, `shuffle`, `shuffle_up`, `shuffle_down`, `shuffle_xor`, `any`, `all`, `ballot`, `sum`, `min` and `max`",
                ));
            }
        };
        self.count(&arguments, if has_lane { 2 } else { 1 }, call.span())?;
        let Some(value) = arguments.first() else {
            return Err(syn::Error::new_spanned(call, "a value is expected"));
        };
        if let Some(lane) = arguments.get(1) {
            self.expect(&lane.ty, &Type::U32, lane.span)?;
        }
        let ty = match intrinsic {
            Intrinsic::VoteAny | Intrinsic::VoteAll | Intrinsic::Ballot => {
                self.expect(&value.ty, &Type::BOOL, value.span)?;
                match intrinsic {
                    Intrinsic::Ballot => Type::U32,
                    _ => Type::BOOL,
                }
            }
            _ => {
                self.require_number(&value.ty, value.span)?;
                value.ty.clone()
            }
        };
        Ok(Expr {
            kind: ExprKind::Intrinsic(intrinsic, arguments),
            ty,
            span: call.span(),
        })
    }

    fn fast(&mut self, name: &str, call: &syn::ExprCall) -> syn::Result<Expr> {
        let function = match name {
            "exp" => Fast::Exp,
            "exp2" => Fast::Exp2,
            "ln" => Fast::Ln,
            "log2" => Fast::Log2,
            "sin" => Fast::Sin,
            "cos" => Fast::Cos,
            "tanh" => Fast::Tanh,
            "rsqrt" => Fast::Rsqrt,
            "recip" => Fast::Recip,
            "sqrt" => Fast::Sqrt,
            "div" => Fast::Div,
            "powf" => Fast::Powf,
            _ => {
                return Err(syn::Error::new_spanned(
                    &call.func,
                    "`fast` has `exp`, `exp2`, `ln`, `log2`, `sin`, `cos`, `tanh`, `rsqrt`, `recip`, `sqrt`, `div` and `powf`",
                ));
            }
        };
        let arguments = self.all(call.args.iter())?;
        let count = if matches!(function, Fast::Div | Fast::Powf) {
            2
        } else {
            1
        };
        self.count(&arguments, count, call.span())?;
        let ty = Type::Scalar(Scalar::F32);
        for argument in &arguments {
            self.expect(&argument.ty, &ty, argument.span)?;
        }
        Ok(Expr {
            kind: ExprKind::Intrinsic(Intrinsic::Fast(function), arguments),
            ty,
            span: call.span(),
        })
    }

    pub(super) fn count(&self, arguments: &[Expr], count: usize, span: Span) -> syn::Result<()> {
        if arguments.len() == count {
            return Ok(());
        }
        let message = format!("this takes {count} arguments, not {}", arguments.len());
        Err(syn::Error::new(span, message))
    }

    /// `f32::from_bits(x)`, `u64::from(x)`, `f32::max(a, b)`.
    fn associated(
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

    fn assertion(&mut self, condition: Expr, text: String, span: Span) -> Expr {
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

    /// The order that `Ordering::Relaxed` and the like name.
    pub(super) fn memory_order(
        &self,
        expr: &syn::Expr,
        operation: Atomic,
    ) -> syn::Result<MemoryOrder> {
        let name = match expr {
            syn::Expr::Path(path) => path.path.segments.last().map(|part| part.ident.to_string()),
            _ => None,
        };
        let order = match name.as_deref() {
            Some("Relaxed") => MemoryOrder::Relaxed,
            Some("Acquire") => MemoryOrder::Acquire,
            Some("Release") => MemoryOrder::Release,
            Some("AcqRel") => MemoryOrder::AcqRel,
            Some("SeqCst") => MemoryOrder::SeqCst,
            _ => {
                return Err(syn::Error::new_spanned(
                    expr,
                    "an order is expected: `Ordering::Relaxed`, `Acquire`, `Release`, `AcqRel` or `SeqCst`",
                ));
            }
        };
        let is_allowed = match operation {
            Atomic::Load => !matches!(order, MemoryOrder::Release | MemoryOrder::AcqRel),
            Atomic::Store => !matches!(order, MemoryOrder::Acquire | MemoryOrder::AcqRel),
            _ => true,
        };
        match is_allowed {
            true => Ok(order),
            false => Err(syn::Error::new_spanned(
                expr,
                "a load cannot release, and a store cannot acquire: write `Relaxed` or `SeqCst`",
            )),
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
