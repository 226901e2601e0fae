//! Operations of threads, blocks and warps, and the methods of numbers.

use super::arithmetic_type;
use super::value::{Class, Operand, Value};
use super::writer::Writer;
use crate::hir::{BinaryOp, BinaryReduce, CompareOp, Expr, Fast, Intrinsic};
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
                let register = self.fresh(Class::Bits32);
                self.line(format_args!("mov.u32 {register}, {name}"));
                return Ok(Value::Scalar(Operand::Register(register)));
            }
            Intrinsic::GlobalIndex(axis) => {
                let mut parts = Vec::new();
                for name in ["%ctaid", "%ntid", "%tid"] {
                    let register = self.fresh(Class::Bits32);
                    self.line(format_args!("mov.u32 {register}, {name}.{axis}"));
                    parts.push(Operand::Register(register));
                }
                return Ok(Value::Scalar(self.result(
                    Class::Bits32,
                    "mad.lo.s32",
                    &parts,
                )));
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

    fn extreme(&mut self, name: &str, a: Operand, b: Operand, scalar: Scalar) -> Operand {
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

    fn float_method(
        &mut self,
        intrinsic: Intrinsic,
        [a, b, c]: [Operand; 3],
        scalar: Scalar,
        expr: &Expr,
    ) -> Operand {
        if scalar.is_half() {
            return match intrinsic {
                Intrinsic::ToBits => self.result(Class::Bits32, "cvt.u32.u16", &[a]),
                _ => a,
            };
        }
        let class = Class::of(scalar);
        let ty = class.ty();
        let bits = if class == Class::F32 {
            Scalar::U32
        } else {
            Scalar::U64
        };
        let a = Operand::Register(self.register(a, class));
        let round = |writer: &mut Self, mode: &str, value: Operand| {
            writer.result(class, &format!("cvt.{mode}.{ty}.{ty}"), &[value])
        };
        let constant = |value: f64| match scalar {
            Scalar::F32 => Operand::F32(value as f32),
            _ => Operand::F64(value),
        };
        match intrinsic {
            Intrinsic::Min => self.extreme("min", a, b, scalar),
            Intrinsic::Max => self.extreme("max", a, b, scalar),
            Intrinsic::Abs => self.result(class, &format!("abs.{ty}"), &[a]),
            Intrinsic::Sqrt => self.result(class, &format!("sqrt.rn.{ty}"), &[a]),
            Intrinsic::Recip => self.result(class, &format!("rcp.rn.{ty}"), &[a]),
            Intrinsic::MulAdd => self.result(class, &format!("fma.rn.{ty}"), &[a, b, c]),
            Intrinsic::Floor => round(self, "rmi", a),
            Intrinsic::Ceil => round(self, "rpi", a),
            Intrinsic::Trunc => round(self, "rzi", a),
            Intrinsic::RoundTiesEven => round(self, "rni", a),
            Intrinsic::Fract => {
                let whole = round(self, "rzi", a);
                self.result(class, &format!("sub.rn.{ty}"), &[a, whole])
            }
            Intrinsic::Round => {
                // Away from zero where the rest is a half or more: the rest is exact.
                let whole = round(self, "rzi", a);
                let rest = self.result(class, &format!("sub.rn.{ty}"), &[a, whole]);
                let rest = self.result(class, &format!("abs.{ty}"), &[rest]);
                let half = constant(0.5);
                let up = self.compare_scalars(CompareOp::Ge, rest, half, scalar);
                let one = self.copy_sign(constant(1.0), a, scalar);
                let next = self.result(class, &format!("add.rn.{ty}"), &[whole, one]);
                self.select(up, next, whole, scalar)
            }
            Intrinsic::CopySign => self.copy_sign(a, b, scalar),
            Intrinsic::Signum => {
                let one = self.copy_sign(constant(1.0), a, scalar);
                let is_number = self.result(Class::Predicate, &format!("setp.num.{ty}"), &[a, a]);
                self.select(is_number, one, a, scalar)
            }
            Intrinsic::Clamp => {
                // Rust refuses a range that is empty, or has no bounds.
                let is_range = self.compare_scalars(CompareOp::Le, b, c, scalar);
                let panic = self.panic("assertion failed: min <= max", expr.span);
                self.jump_where(is_range, false, panic);
                let below = self.compare_scalars(CompareOp::Lt, a, b, scalar);
                let raised = self.select(below, b, a, scalar);
                let above = self.compare_scalars(CompareOp::Gt, raised, c, scalar);
                self.select(above, c, raised, scalar)
            }
            Intrinsic::ToBits => {
                self.result(Class::of(bits), &format!("mov.b{}", bits.bits()), &[a])
            }
            Intrinsic::IsNan => self.result(Class::Predicate, &format!("setp.nan.{ty}"), &[a, a]),
            Intrinsic::IsInfinite | Intrinsic::IsFinite => {
                let size = self.result(class, &format!("abs.{ty}"), &[a]);
                let infinity = constant(f64::INFINITY);
                let op = if intrinsic == Intrinsic::IsInfinite {
                    CompareOp::Eq
                } else {
                    CompareOp::Lt
                };
                self.compare_scalars(op, size, infinity, scalar)
            }
            Intrinsic::IsSignNegative | Intrinsic::IsSignPositive => {
                let value = self.result(Class::of(bits), &format!("mov.b{}", bits.bits()), &[a]);
                let op = match intrinsic {
                    Intrinsic::IsSignNegative => CompareOp::Lt,
                    _ => CompareOp::Ge,
                };
                self.compare_scalars(op, value, Operand::Integer(0), bits.with_sign(true))
            }
            _ => a,
        }
    }

    /// A number with the sign of another one.
    fn copy_sign(&mut self, value: Operand, sign: Operand, scalar: Scalar) -> Operand {
        let class = Class::of(scalar);
        let sign = Operand::Register(self.register(sign, class));
        self.result(class, &format!("copysign.{}", class.ty()), &[sign, value])
    }

    fn integer_method(
        &mut self,
        intrinsic: Intrinsic,
        [a, b, c]: [Operand; 3],
        scalar: Scalar,
        expr: &Expr,
    ) -> Operand {
        let class = Class::of(scalar);
        let ty = arithmetic_type(scalar);
        let bits = class.ty();
        let span = expr.span;
        let zero = Operand::Integer(0);
        let two = |writer: &mut Self, op, a, b| writer.binary(op, a, b, scalar, Scalar::U32, span);
        match intrinsic {
            Intrinsic::WrappingAdd => two(self, BinaryOp::Add, a, b),
            Intrinsic::WrappingSub => two(self, BinaryOp::Sub, a, b),
            Intrinsic::WrappingMul => two(self, BinaryOp::Mul, a, b),
            Intrinsic::WrappingNeg => self.negate(a, scalar),
            Intrinsic::WrappingShl => self.shift(true, a, b, scalar),
            Intrinsic::WrappingShr => self.shift(false, a, b, scalar),
            Intrinsic::Min => self.extreme("min", a, b, scalar),
            Intrinsic::Max => self.extreme("max", a, b, scalar),
            Intrinsic::Abs => {
                let a = Operand::Register(self.register(a, class));
                let result = self.result(class, &format!("abs.{ty}"), &[a]);
                // The result may be of the type without sign, and its least number has no negative.
                self.normalize(result, self.scalar_of(&expr.ty))
            }
            Intrinsic::AbsDiff => {
                let (least, most) = (
                    self.extreme("min", a, b, scalar),
                    self.extreme("max", a, b, scalar),
                );
                let difference = two(self, BinaryOp::Sub, most, least);
                self.normalize(difference, scalar.with_sign(false))
            }
            Intrinsic::Signum => {
                let low = self.extreme("min", a, Operand::Integer(1), scalar);
                self.extreme("max", low, Operand::Integer(-1), scalar)
            }
            Intrinsic::Clamp => {
                let is_range = self.compare_scalars(CompareOp::Le, b, c, scalar);
                let panic = self.panic("assertion failed: min <= max", span);
                self.jump_where(is_range, false, panic);
                let raised = self.extreme("max", a, b, scalar);
                self.extreme("min", raised, c, scalar)
            }
            Intrinsic::DivCeil => {
                let quotient = two(self, BinaryOp::Div, a, b);
                let rest = two(self, BinaryOp::Rem, a, b);
                let is_whole = self.compare_scalars(CompareOp::Eq, rest, zero, scalar);
                let next = two(self, BinaryOp::Add, quotient, Operand::Integer(1));
                self.select(is_whole, quotient, next, scalar)
            }
            Intrinsic::SaturatingAdd | Intrinsic::SaturatingSub => {
                self.saturating(intrinsic == Intrinsic::SaturatingAdd, a, b, scalar)
            }
            Intrinsic::RotateLeft | Intrinsic::RotateRight => {
                self.rotate(intrinsic == Intrinsic::RotateLeft, a, b, scalar)
            }
            Intrinsic::CountOnes => {
                let a = self.without_sign(a, scalar);
                self.result(Class::Bits32, &format!("popc.{bits}"), &[a])
            }
            Intrinsic::LeadingZeros => {
                let a = self.without_sign(a, scalar);
                let count = self.result(Class::Bits32, &format!("clz.{bits}"), &[a]);
                // Those of the register that the number does not have.
                let unused = match class {
                    Class::Bits32 => 32 - scalar.bits(),
                    _ => 0,
                };
                let unused = Operand::Integer(unused.into());
                self.binary(BinaryOp::Sub, count, unused, Scalar::U32, Scalar::U32, span)
            }
            Intrinsic::TrailingZeros => {
                let a = self.without_sign(a, scalar);
                let reversed = self.result(class, &format!("brev.{bits}"), &[a]);
                let count = self.result(Class::Bits32, &format!("clz.{bits}"), &[reversed]);
                self.extreme(
                    "min",
                    count,
                    Operand::Integer(scalar.bits().into()),
                    Scalar::U32,
                )
            }
            Intrinsic::ReverseBits => {
                let a = self.without_sign(a, scalar);
                let reversed = self.result(class, &format!("brev.{bits}"), &[a]);
                self.lower(reversed, scalar)
            }
            Intrinsic::SwapBytes => self.swap_bytes(a, scalar),
            Intrinsic::IsPowerOfTwo => {
                let ones = self.result(Class::Bits32, &format!("popc.{bits}"), &[a]);
                self.compare_scalars(CompareOp::Eq, ones, Operand::Integer(1), Scalar::U32)
            }
            Intrinsic::FromBits => match self.scalar_of(&expr.ty) {
                Scalar::F32 => self.result(Class::F32, "mov.b32", &[a]),
                Scalar::F64 => self.result(Class::F64, "mov.b64", &[a]),
                _ => self.result(Class::Bits16, "cvt.u16.u32", &[a]),
            },
            _ => a,
        }
    }

    /// The bits of a number in a register that has no others.
    fn without_sign(&mut self, value: Operand, scalar: Scalar) -> Operand {
        let value = Operand::Register(self.register(value, Class::of(scalar)));
        match scalar.is_signed() {
            true => self.normalize(value, scalar.with_sign(false)),
            false => value,
        }
    }

    /// The upper bits of a register as a number of 8 or 16 bits.
    fn lower(&mut self, value: Operand, scalar: Scalar) -> Operand {
        if scalar.bits() >= 32 {
            return value;
        }
        let amount = Operand::Integer((32 - scalar.bits()).into());
        let value = self.result(Class::Bits32, "shr.u32", &[value, amount]);
        self.normalize(value, scalar)
    }

    fn swap_bytes(&mut self, value: Operand, scalar: Scalar) -> Operand {
        let value = Operand::Register(self.register(value, Class::of(scalar)));
        let swap = |writer: &mut Self, word: Operand| {
            let selector = Operand::Integer(0x0123);
            writer.result(
                Class::Bits32,
                "prmt.b32",
                &[word, Operand::Integer(0), selector],
            )
        };
        match scalar.bits() {
            8 => value,
            64 => {
                let (low, high) = (self.fresh(Class::Bits32), self.fresh(Class::Bits32));
                self.line(format_args!("mov.b64 {{{low}, {high}}}, {value}"));
                let low = swap(self, Operand::Register(low));
                let high = swap(self, Operand::Register(high));
                let result = self.fresh(Class::Bits64);
                self.line(format_args!("mov.b64 {result}, {{{high}, {low}}}"));
                Operand::Register(result)
            }
            _ => {
                let swapped = swap(self, value);
                self.lower(swapped, scalar)
            }
        }
    }

    fn rotate(&mut self, is_left: bool, a: Operand, b: Operand, scalar: Scalar) -> Operand {
        let a = Operand::Register(self.register(a, Class::of(scalar)));
        if scalar.bits() == 32 {
            let b = Operand::Register(self.register(b, Class::Bits32));
            let mode = if is_left { "l" } else { "r" };
            return self.result(Class::Bits32, &format!("shf.{mode}.wrap.b32"), &[a, a, b]);
        }
        let unsigned = scalar.with_sign(false);
        let bits = self.without_sign(a, scalar);
        let b = Operand::Register(self.register(b, Class::Bits32));
        let back = self.negate(b, Scalar::I32);
        let one = self.shift(is_left, bits, b, unsigned);
        let other = self.shift(!is_left, bits, back, unsigned);
        let class = Class::of(scalar);
        let result = self.result(class, &format!("or.{}", class.ty()), &[one, other]);
        self.normalize(result, scalar)
    }

    fn saturating(&mut self, is_sum: bool, a: Operand, b: Operand, scalar: Scalar) -> Operand {
        let (least, most) = scalar.range();
        let (least, most) = (Operand::Integer(least), Operand::Integer(most));
        let name = if is_sum { "add" } else { "sub" };
        let class = Class::of(scalar);
        let a = Operand::Register(self.register(a, class));
        if scalar.bits() < 32 {
            // Neither overflows in 32 bits.
            let result = self.result(class, &format!("{name}.s32"), &[a, b]);
            let result = self.result(class, "max.s32", &[result, least]);
            return self.result(class, "min.s32", &[result, most]);
        }
        let ty = arithmetic_type(scalar);
        let result = self.result(class, &format!("{name}.{ty}"), &[a, b]);
        if !scalar.is_signed() {
            let (wrapped, limit) = match is_sum {
                true => (self.compare_scalars(CompareOp::Lt, result, a, scalar), most),
                false => (self.compare_scalars(CompareOp::Lt, a, b, scalar), least),
            };
            return self.select(wrapped, limit, result, scalar);
        }
        // It overflows where the sign of the result is on the wrong side of `a`.
        let zero = Operand::Integer(0);
        let is_negative = self.compare_scalars(CompareOp::Lt, b, zero, scalar);
        let is_less = self.compare_scalars(CompareOp::Lt, result, a, scalar);
        let is_more = self.compare_scalars(CompareOp::Gt, result, a, scalar);
        let (below, above) = if is_sum {
            (is_less, is_more)
        } else {
            (is_more, is_less)
        };
        // A sum with a number that is not negative is at least `a`, and so on.
        let is_high = self.not(is_negative, Scalar::Bool);
        let is_high = self.result(Class::Predicate, "and.pred", &[is_high, below]);
        let is_low = self.result(Class::Predicate, "and.pred", &[is_negative, above]);
        let result = match is_sum {
            true => self.select(is_high, most, result, scalar),
            false => self.select(is_high, least, result, scalar),
        };
        match is_sum {
            true => self.select(is_low, least, result, scalar),
            false => self.select(is_low, most, result, scalar),
        }
    }
}
