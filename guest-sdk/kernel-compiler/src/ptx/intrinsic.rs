//! Operations of threads, blocks and warps, and the methods of numbers.

use super::arithmetic_type;
use super::value::{Class, Operand, Value};
use super::writer::Writer;
use crate::hir::{BinaryOp, BinaryReduce, Expr, Fast, Intrinsic};
use crate::types::{Scalar, Type};

/// All threads of a warp.
const ALL_LANES: &str = "0xffffffff";

impl Writer<'_> {
    pub fn intrinsic(
        &mut self,
        intrinsic: Intrinsic,
        arguments: &[Expr],
        expr: &Expr,
    ) -> syn::Result<Value> {
        match intrinsic {
            Intrinsic::Register(name) => {
                let register = self.constant_result(Class::Bits32, "mov.u32", name);
                return Ok(Value::Scalar(Operand::Register(register)));
            }
            Intrinsic::GlobalIndex(axis) => {
                let parts = ["%ctaid", "%ntid", "%tid"].map(|name| {
                    let name = format!("{name}.{axis}");
                    self.constant_result(Class::Bits32, "mov.u32", &name)
                        .to_string()
                });
                let operands = parts.join(", ");
                let register = self.constant_result(Class::Bits32, "mad.lo.s32", &operands);
                return Ok(Value::Scalar(Operand::Register(register)));
            }
            Intrinsic::Barrier => {
                self.line(format_args!("bar.sync 0"));
                return Ok(Value::Unit);
            }
            Intrinsic::WarpBarrier => {
                self.line(format_args!("bar.warp.sync {ALL_LANES}"));
                return Ok(Value::Unit);
            }
            Intrinsic::Load(_) | Intrinsic::Store(_) | Intrinsic::Atomic(..) | Intrinsic::Len => {
                return self.access(intrinsic, arguments, expr);
            }
            _ => {}
        }
        let all: Vec<&Expr> = arguments.iter().collect();
        let values = self.operands(&all)?;
        let operands: Vec<Operand> = values.iter().map(Value::operand).collect();
        let scalar = arguments
            .first()
            .map_or(Scalar::U32, |first| self.scalar_of(&first.ty));
        let [a, b, c] =
            [0, 1, 2].map(|at| operands.get(at).copied().unwrap_or(Operand::Integer(0)));
        let result = match intrinsic {
            Intrinsic::Shuffle(mode, clamp) => self.shuffle(mode, clamp, a, b, scalar),
            Intrinsic::WarpReduce(reduce) => self.warp_reduce(reduce, a, scalar),
            Intrinsic::VoteAny | Intrinsic::VoteAll => {
                let mode = if intrinsic == Intrinsic::VoteAny {
                    "any"
                } else {
                    "all"
                };
                let a = self.in_text(a);
                let result = self.fresh(Class::Predicate);
                self.line(format_args!(
                    "vote.sync.{mode}.pred {result}, {a}, {ALL_LANES}"
                ));
                Operand::Register(result)
            }
            Intrinsic::Ballot => {
                let a = self.in_text(a);
                let result = self.fresh(Class::Bits32);
                self.line(format_args!(
                    "vote.sync.ballot.b32 {result}, {a}, {ALL_LANES}"
                ));
                Operand::Register(result)
            }
            Intrinsic::Fast(function) => self.fast(function, a, b),
            _ if scalar.is_float() => self.float_method(intrinsic, [a, b, c], scalar, expr),
            _ => self.integer_method(intrinsic, [a, b, c], scalar, expr),
        };
        Ok(Value::Scalar(result))
    }

    fn access(
        &mut self,
        intrinsic: Intrinsic,
        arguments: &[Expr],
        expr: &Expr,
    ) -> syn::Result<Value> {
        let Some((receiver, rest)) = arguments.split_first() else {
            return Ok(Value::Unit);
        };
        let memory = self.expr(receiver)?;
        let ty = self.type_of(&receiver.ty);
        if intrinsic == Intrinsic::Len {
            return Ok(match ty {
                Type::Shared(_, len) => Value::Scalar(Operand::Integer(len.into())),
                _ => memory.parts().get(1).cloned().unwrap_or(Value::Unit),
            });
        }
        let Some((index, values)) = rest.split_first() else {
            return Ok(Value::Unit);
        };
        match intrinsic {
            Intrinsic::Load(is_checked) => {
                let (address, element) = self.element(&memory, &ty, index, is_checked)?;
                Ok(self.load_at(&address, &element))
            }
            Intrinsic::Store(is_checked) => {
                // Rust computes the index, then the value, then checks the index.
                let Some(value) = values.first() else {
                    return Ok(Value::Unit);
                };
                if super::control::is_cheap(value) || !super::control::has_effects(value) {
                    let value = self.expr(value)?;
                    let (address, element) = self.element(&memory, &ty, index, is_checked)?;
                    self.store_at(&address, &element, &value);
                } else {
                    let (address, element) = self.element(&memory, &ty, index, is_checked)?;
                    let value = self.expr(value)?;
                    self.store_at(&address, &element, &value);
                }
                Ok(Value::Unit)
            }
            Intrinsic::Atomic(operation, order) => {
                let values: Vec<&Expr> = values.iter().collect();
                let values = self.operands(&values)?;
                let values: Vec<Operand> = values.iter().map(Value::operand).collect();
                let (address, element) = self.element(&memory, &ty, index, true)?;
                let scalar = self.scalar_of(&element);
                Ok(self.atomic(operation, order, &address, scalar, &values))
            }
            _ => Err(syn::Error::new(expr.span, "this is no access of memory")),
        }
    }

    fn shuffle(
        &mut self,
        mode: &str,
        clamp: u32,
        value: Operand,
        lane: Operand,
        scalar: Scalar,
    ) -> Operand {
        let class = Class::of(scalar);
        let value = Operand::Register(self.register(value, class));
        let word = |writer: &mut Self, value: Operand| {
            let register = writer.fresh(Class::Bits32);
            writer.line(format_args!(
                "shfl.sync.{mode}.b32 {register}, {value}, {lane}, {clamp}, {ALL_LANES}"
            ));
            Operand::Register(register)
        };
        match class {
            Class::Bits32 => word(self, value),
            Class::F32 => {
                let bits = self.result(Class::Bits32, "mov.b32", &[value]);
                let moved = word(self, bits);
                self.result(Class::F32, "mov.b32", &[moved])
            }
            Class::Bits16 => {
                let bits = self.result(Class::Bits32, "cvt.u32.u16", &[value]);
                let moved = word(self, bits);
                self.result(Class::Bits16, "cvt.u16.u32", &[moved])
            }
            _ => {
                let (low, high) = (self.fresh(Class::Bits32), self.fresh(Class::Bits32));
                self.line(format_args!("mov.b64 {{{low}, {high}}}, {value}"));
                let low = word(self, Operand::Register(low));
                let high = word(self, Operand::Register(high));
                let result = self.fresh(class);
                self.line(format_args!("mov.b64 {result}, {{{low}, {high}}}"));
                Operand::Register(result)
            }
        }
    }

    /// Each lane gets the result: five exchanges with the lane at a distance of 16, 8, 4, 2, 1.
    fn warp_reduce(&mut self, reduce: BinaryReduce, value: Operand, scalar: Scalar) -> Operand {
        let mut value = value;
        for distance in [16, 8, 4, 2, 1] {
            let other = self.shuffle("bfly", 0x1f, value, Operand::Integer(distance), scalar);
            let span = proc_macro2::Span::call_site();
            value = match reduce {
                BinaryReduce::Sum => self.binary(BinaryOp::Add, value, other, scalar, scalar, span),
                BinaryReduce::Min => self.extreme("min", value, other, scalar),
                BinaryReduce::Max => self.extreme("max", value, other, scalar),
            };
        }
        value
    }

    pub fn extreme(&mut self, name: &str, a: Operand, b: Operand, scalar: Scalar) -> Operand {
        if scalar.is_half() {
            let (a, b) = (
                self.convert(a, scalar, Scalar::F32),
                self.convert(b, scalar, Scalar::F32),
            );
            let result = self.extreme(name, a, b, Scalar::F32);
            return self.convert(result, Scalar::F32, scalar);
        }
        if let (Operand::Integer(a), Operand::Integer(b)) = (a, b) {
            return Operand::Integer(if name == "min" { a.min(b) } else { a.max(b) });
        }
        let a = Operand::Register(self.register(a, Class::of(scalar)));
        self.result(
            Class::of(scalar),
            &format!("{name}.{}", arithmetic_type(scalar)),
            &[a, b],
        )
    }

    fn fast(&mut self, function: Fast, a: Operand, b: Operand) -> Operand {
        let a = Operand::Register(self.register(a, Class::F32));
        let one = |writer: &mut Self, name: &str, value: Operand| {
            writer.result(Class::F32, &format!("{name}.approx.f32"), &[value])
        };
        let product = |writer: &mut Self, a: Operand, b: Operand| {
            writer.result(Class::F32, "mul.rn.f32", &[a, b])
        };
        match function {
            Fast::Exp2 => one(self, "ex2", a),
            Fast::Exp => {
                let scaled = product(self, a, Operand::F32(std::f32::consts::LOG2_E));
                one(self, "ex2", scaled)
            }
            Fast::Log2 => one(self, "lg2", a),
            Fast::Ln => {
                let log = one(self, "lg2", a);
                product(self, log, Operand::F32(std::f32::consts::LN_2))
            }
            Fast::Sin => one(self, "sin", a),
            Fast::Cos => one(self, "cos", a),
            Fast::Tanh => {
                self.target = self.target.max(75);
                one(self, "tanh", a)
            }
            Fast::Rsqrt => one(self, "rsqrt", a),
            Fast::Recip => one(self, "rcp", a),
            Fast::Sqrt => one(self, "sqrt", a),
            Fast::Div => {
                let b = Operand::Register(self.register(b, Class::F32));
                self.result(Class::F32, "div.full.f32", &[a, b])
            }
            Fast::Powf => {
                let log = one(self, "lg2", a);
                let scaled = product(self, log, b);
                one(self, "ex2", scaled)
            }
        }
    }
}
