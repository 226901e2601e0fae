//! What is called by a path: functions of the device, indices of threads, warp operations, fast
//! mathematics, associated functions and constants of numbers; and the macros.

use proc_macro2::Span;
use syn::spanned::Spanned;

use super::Checker;
use crate::hir::{Atomic, BinaryReduce, Expr, ExprKind, Fast, Intrinsic, MemoryOrder};
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
