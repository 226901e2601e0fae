//! From the typed tree to PTX text: virtual registers, labels and branches.
//!
//! `writer` has registers and text, `control` statements and jumps, `branch` conditions, `loops`
//! loops, `arithmetic` operators, `convert` casts, `integer` and `float` methods of numbers, `memory`
//! loads, stores and atomics, `intrinsic` operations of warps. `unroll` decides which arrays are in
//! registers. `checks` are passes over the finished text.

mod arithmetic;
mod branch;
mod checks;
mod control;
mod convert;
mod float;
mod integer;
mod intrinsic;
mod loops;
mod memory;
mod unroll;
mod value;
mod writer;

use std::fmt::Write as _;

use proc_macro2::Span;

use crate::hir::Function;
use crate::items::Items;
use crate::types::{Scalar, Type};
pub use unroll::visit;
use value::{Class, Operand, Value};
use writer::Writer;

/// Static shared memory of a block, in bytes, that every device has.
const MAX_SHARED_BYTES: u64 = 48 << 10;

/// The largest parameters of a kernel together, in bytes, that every device takes.
const MAX_PARAM_BYTES: u64 = 4 << 10;

/// A kernel to compile.
pub struct Kernel<'a> {
    pub name: String,
    pub span: Span,
    pub function: &'a Function,
}

/// Where a token is in its file: line and column, from 1. `None` where that is not known.
pub type Locate<'a> = &'a dyn Fn(Span) -> Option<(usize, usize)>;

/// The PTX text of these kernels.
///
/// # Errors
/// What cannot be compiled: too much shared memory, for example.
pub fn module(
    items: &Items,
    kernels: &[Kernel<'_>],
    file: &str,
    locate: Locate<'_>,
) -> syn::Result<String> {
    let mut bodies = String::new();
    let mut strings: Vec<String> = Vec::new();
    let mut target = 70;
    for kernel in kernels {
        let mut writer = Writer::new(items, &kernel.name, file, locate, &mut strings);
        writer.kernel(kernel)?;
        target = target.max(writer.target);
        bodies.push_str(&writer.finish(kernel)?);
    }
    let mut text = String::new();
    // Version 7.0 is the first one that has all that is written here.
    let _ = write!(
        text,
        ".version 7.0\n.target sm_{target}\n.address_size 64\n\n"
    );
    if bodies.contains(".loc ") {
        let _ = writeln!(text, ".file 1 {:?}", file.replace('\\', "/"));
    }
    if !strings.is_empty() {
        text.push_str(
            ".extern .func __assertfail(.param .b64 message, .param .b64 file, .param .b32 line, \
             .param .b64 function, .param .b64 char_size);\n",
        );
    }
    for (number, string) in strings.iter().enumerate() {
        let bytes: Vec<String> = string
            .bytes()
            .chain([0])
            .map(|byte| byte.to_string())
            .collect();
        let _ = writeln!(
            text,
            ".global .align 1 .b8 $text{number}[{}] = {{{}}};",
            bytes.len(),
            bytes.join(", ")
        );
    }
    text.push_str(&bodies);
    Ok(text)
}

/// What a parameter of a kernel is in PTX: the declarations, in order.
fn params(items: &Items, kernel: &str, name: &str, ty: &Type) -> Vec<String> {
    match ty {
        Type::Slice(_) | Type::GlobalMut(_) => vec![
            format!(".param .u64 {kernel}_{name}"),
            format!(".param .u64 {kernel}_{name}_len"),
        ],
        Type::Scalar(scalar) => vec![format!(".param .{} {kernel}_{name}", param_type(*scalar))],
        other => {
            let (bytes, align) = items.layout(other);
            vec![format!(
                ".param .align {align} .b8 {kernel}_{name}[{bytes}]"
            )]
        }
    }
}

/// The type of a parameter. PTX has no `.f16` and `.bf16` where bits are loaded.
fn param_type(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::F16 | Scalar::Bf16 => "b16",
        other => memory_type(other),
    }
}

/// The type with which PTX loads and stores a number.
fn memory_type(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Bool | Scalar::U8 => "u8",
        Scalar::I8 => "s8",
        Scalar::U16 => "u16",
        Scalar::I16 => "s16",
        Scalar::F16 | Scalar::Bf16 => "b16",
        other => arithmetic_type(other),
    }
}

/// The type with which PTX computes: integers of less than 32 bits are extended.
fn arithmetic_type(scalar: Scalar) -> &'static str {
    match (Class::of(scalar), scalar.is_signed()) {
        (Class::Predicate, _) => "pred",
        (Class::Bits16, _) => "b16",
        (Class::Bits32, true) => "s32",
        (Class::Bits32, false) => "u32",
        (Class::Bits64, true) => "s64",
        (Class::Bits64, false) => "u64",
        (Class::F32, _) => "f32",
        (Class::F64, _) => "f64",
    }
}

impl Writer<'_> {
    fn kernel(&mut self, kernel: &Kernel<'_>) -> syn::Result<()> {
        let function = kernel.function;
        let mut values = Vec::new();
        let mut param_bytes = 0;
        for (number, param) in function.params.iter().enumerate() {
            let Some(local) = function.locals.get(*param) else {
                continue;
            };
            let name = match local.name.as_str() {
                "" => format!("unused{number}"),
                name => name.trim_start_matches("r#").to_owned(),
            };
            let is_param = match &local.ty {
                Type::Slice(element) | Type::GlobalMut(element) => self.items.is_plain(element),
                ty => self.items.is_plain(ty) && !matches!(ty, Type::Array(..)),
            };
            if !is_param {
                let ty = &local.ty;
                let instead = match ty {
                    Type::Scalar(Scalar::Bool) => ": pass a `u32` and compare it with 0",
                    Type::Array(..) => ": pass a buffer, or a structure with the array in it",
                    Type::Shared(..) => ": write `shared!([T; N])` in the body",
                    _ => {
                        ": pass numbers, `#[repr(C)]` structures, `&[T]` and `GlobalMut<T>` of them"
                    }
                };
                return Err(syn::Error::new(
                    local.span,
                    format!("`{ty}` is no parameter of a kernel{instead}"),
                ));
            }
            self.params
                .extend(params(self.items, &kernel.name, &name, &local.ty));
            let symbol = format!("{}_{name}", kernel.name);
            param_bytes += match &local.ty {
                Type::Slice(_) | Type::GlobalMut(_) => 16,
                ty => self.items.layout(ty).0,
            };
            let value = match &local.ty {
                Type::Slice(_) | Type::GlobalMut(_) => {
                    let address = self.load_param(&symbol, Scalar::U64);
                    let global = self.fresh(Class::Bits64);
                    self.line(format_args!("cvta.to.global.u64 {global}, {address}"));
                    let len = self.load_param(&format!("{symbol}_len"), Scalar::U64);
                    // An index of 32 bits is compared in 32 bits, where the length fits.
                    let low = self.result(Class::Bits32, "cvt.u32.u64", &[len]);
                    let most = Operand::Integer(u32::MAX.into());
                    let is_small = self.result(Class::Predicate, "setp.le.u64", &[len, most]);
                    // Indices with a sign: none that is negative is less than this.
                    let limit = Operand::Integer(1 << 31);
                    let limited = self.result(Class::Bits64, "min.u64", &[len, limit]);
                    let limited = self.result(Class::Bits32, "cvt.u32.u64", &[limited]);
                    let address = Operand::Register(global);
                    let parts = [address, len, low, is_small, limited];
                    Value::Parts(parts.map(Value::Scalar).into())
                }
                Type::Scalar(scalar) => Value::Scalar(self.load_param(&symbol, *scalar)),
                ty => self.load("param", &symbol, 0, ty),
            };
            values.push(value);
        }
        if param_bytes > MAX_PARAM_BYTES {
            return Err(syn::Error::new(
                kernel.span,
                format!(
                    "the parameters have {param_bytes} bytes, and a kernel takes {MAX_PARAM_BYTES}: pass a buffer"
                ),
            ));
        }
        if function.result != Type::Unit {
            return Err(syn::Error::new(
                kernel.span,
                "a kernel returns nothing: write the result to a `GlobalMut<T>`",
            ));
        }
        self.inline(function, values)?;
        Ok(())
    }

    fn load_param(&mut self, symbol: &str, scalar: Scalar) -> Operand {
        let register = self.fresh(Class::of(scalar));
        let ty = param_type(scalar);
        self.line(format_args!("ld.param.{ty} {register}, [{symbol}]"));
        Operand::Register(register)
    }
}
