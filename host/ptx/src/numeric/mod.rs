//! The arithmetic of PTX on the bits of registers: exact integer and floating-point operations for
//! the interpreter, and functions written once over [`ArithBuilder`] for interpreter and compiler.

pub(crate) mod alu;
pub(crate) mod approximations;
mod arith_builder;
pub(crate) mod convert;
pub(crate) mod directed_rounding;
mod eval;
mod evaluator;
pub(crate) mod float;
pub(crate) mod fp8;
pub(crate) mod half_precision;
mod int_builder;
pub(crate) mod integer;
pub(crate) mod libcall;
pub(crate) mod mbarrier;
pub(crate) mod scalar;
#[cfg(test)]
mod scalar_tests;
pub(crate) mod soft_float;
#[cfg(test)]
mod tests;
pub(crate) mod video;
pub(crate) mod video_scalar;
#[cfg(test)]
mod video_scalar_tests;

pub(crate) use arith_builder::ArithBuilder;
pub(crate) use eval::{Eval, Flags};
pub(crate) use evaluator::{Evaluator, Integer};
pub(crate) use int_builder::{IntBinary, IntBuilder, IntUnary, Width};
pub(crate) use integer::mask;
pub(crate) use libcall::{Libcall, LibcallKey};
pub(crate) use soft_float::Round;

/// What tests compare other arithmetic with.
#[cfg(test)]
pub(crate) mod arithmetic {
    pub(crate) use crate::numeric::float::{BF16, F16, F32, F64, Float, max, min};
    pub(crate) use crate::numeric::soft_float::{Value, add, divide, multiply, round, square_root};
}
