//! Casts, as Rust defines `as`: integers are cut off or extended, floating-point numbers become the
//! nearest integer of the type, and NaN becomes 0.

use super::arithmetic_type;
use super::value::{Class, Operand, Value};
use super::writer::Writer;
use crate::types::Scalar;

impl Writer<'_> {
    pub fn convert(&mut self, value: Operand, from: Scalar, to: Scalar) -> Operand {
        if let Some(folded) = fold(value, from, to) {
            return folded;
        }
        match (from, to) {
            _ if from == to => value,
            (Scalar::Bool, _) => {
                let (one, zero) = (Operand::Integer(1), Operand::Integer(0));
                self.select(value, one, zero, to)
            }
            (half, _) if half.is_half() => {
                let single = self.half_to_single(value, half);
                self.convert(single, Scalar::F32, to)
            }
            (_, half) if half.is_half() => {
                let single = self.convert(value, from, Scalar::F32);
                self.single_to_half(single, half)
            }
            _ if from.is_integer() && to.is_integer() => self.integer(value, from, to),
            _ if from.is_integer() => {
                let op = format!("cvt.rn.{}.{}", arithmetic_type(to), arithmetic_type(from));
                self.result(Class::of(to), &op, &[value])
            }
            _ if to.is_integer() => self.float_to_integer(value, from, to),
            (Scalar::F32, _) => self.result(Class::F64, "cvt.f64.f32", &[value]),
            _ => self.result(Class::F32, "cvt.rn.f32.f64", &[value]),
        }
    }

    fn integer(&mut self, value: Operand, from: Scalar, to: Scalar) -> Operand {
        match (from.bits() == 64, to.bits() == 64) {
            (true, true) => value,
            (true, false) => {
                let low = self.result(Class::Bits32, "cvt.u32.u64", &[value]);
                self.normalize(low, to)
            }
            (false, true) => {
                // The number of 32 bits stays as it was: an index is compared there.
                let value = self.settle(Value::Scalar(value)).operand();
                let op = if from.is_signed() {
                    "cvt.s64.s32"
                } else {
                    "cvt.u64.u32"
                };
                let wide = self.result(Class::Bits64, op, &[value]);
                if let Operand::Register(register) = wide {
                    self.extended.insert(register, (value, from));
                }
                wide
            }
            (false, false) => {
                let ((least, most), (first, last)) = (from.range(), to.range());
                match to.bits() == 32 || (least >= first && most <= last) {
                    true => value,
                    false => self.normalize(value, to),
                }
            }
        }
    }

    /// PTX clamps to the range of the type too, but has another integer than 0 for the NaNs of
    /// `f64`, and in 64 bits.
    fn float_to_integer(&mut self, value: Operand, from: Scalar, to: Scalar) -> Operand {
        let wide = match (to.bits() == 64, to.is_signed()) {
            (true, true) => Scalar::I64,
            (true, false) => Scalar::U64,
            (false, true) => Scalar::I32,
            (false, false) => Scalar::U32,
        };
        let ty = arithmetic_type(wide);
        let value = Operand::Register(self.register(value, Class::of(from)));
        let op = format!("cvt.rzi.{ty}.{}", arithmetic_type(from));
        let mut result = self.result(Class::of(wide), &op, &[value]);
        if from == Scalar::F64 || to.bits() == 64 {
            let op = format!("setp.num.{}", arithmetic_type(from));
            let is_number = self.result(Class::Predicate, &op, &[value, value]);
            result = self.select(is_number, result, Operand::Integer(0), wide);
        }
        if to.bits() < 32 {
            let (least, most) = to.range();
            if to.is_signed() {
                let least = Operand::Integer(least);
                result = self.result(Class::Bits32, &format!("max.{ty}"), &[result, least]);
            }
            let most = Operand::Integer(most);
            result = self.result(Class::Bits32, &format!("min.{ty}"), &[result, most]);
        }
        result
    }

    fn half_to_single(&mut self, value: Operand, half: Scalar) -> Operand {
        if half == Scalar::F16 {
            return self.result(Class::F32, "cvt.f32.f16", &[value]);
        }
        // A `bf16` is the upper half of an `f32`.
        let bits = self.result(Class::Bits32, "cvt.u32.u16", &[value]);
        let bits = self.result(Class::Bits32, "shl.b32", &[bits, Operand::Integer(16)]);
        self.result(Class::F32, "mov.b32", &[bits])
    }

    fn single_to_half(&mut self, value: Operand, half: Scalar) -> Operand {
        let value = Operand::Register(self.register(value, Class::F32));
        match half {
            Scalar::F16 => self.result(Class::Bits16, "cvt.rn.f16.f32", &[value]),
            _ => {
                self.target = self.target.max(80);
                self.result(Class::Bits16, "cvt.rn.bf16.f32", &[value])
            }
        }
    }
}

/// The result for a value that is known.
fn fold(value: Operand, from: Scalar, to: Scalar) -> Option<Operand> {
    if from.is_half() || to.is_half() {
        return None;
    }
    Some(match (value, to) {
        (Operand::Integer(value), Scalar::F32) => match from {
            // From 128 bits the result would be rounded the same way.
            _ if from.is_signed() => Operand::F32(value as i64 as f32),
            _ => Operand::F32(value as u64 as f32),
        },
        (Operand::Integer(value), Scalar::F64) => match from {
            _ if from.is_signed() => Operand::F64(value as i64 as f64),
            _ => Operand::F64(value as u64 as f64),
        },
        (Operand::Integer(value), _) => Operand::Integer(to.wrap(value)),
        (Operand::Bool(value), _) => Operand::Integer(value.into()),
        (Operand::F32(value), Scalar::F64) => Operand::F64(value.into()),
        (Operand::F64(value), Scalar::F32) => Operand::F32(value as f32),
        (Operand::F32(_), Scalar::F32) | (Operand::F64(_), Scalar::F64) => value,
        (Operand::F32(value), _) => clamped(value.into(), to),
        (Operand::F64(value), _) => clamped(value, to),
        (Operand::Register(_), _) => return None,
    })
}

fn clamped(value: f64, to: Scalar) -> Operand {
    let (least, most) = to.range();
    Operand::Integer((value as i128).clamp(least, most))
}
