//! The arithmetic builders of the compiler: what is written over [`ArithBuilder`] and [`IntBuilder`]
//! for interpreter and compiler becomes operations of the IR.

use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{Arg, Op, Ty};
use crate::compile::translate::Builder;
use crate::numeric::{ArithBuilder, Evaluator, IntBinary, IntBuilder, IntUnary, Integer, Width};

impl ArithBuilder for Builder<'_> {
    type F32 = Arg;
    type F64 = Arg;
    type I32 = Arg;
    type Bool = Arg;

    fn f32_const(&mut self, value: f32) -> Arg {
        Arg::F32(value.to_bits())
    }

    fn i32_const(&mut self, value: u32) -> Arg {
        Arg::I32(value)
    }

    fn f32_add(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F32Add, a, b)
    }

    fn f32_sub(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F32Sub, a, b)
    }

    fn f32_mul(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F32Mul, a, b)
    }

    fn f32_div(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F32Div, a, b)
    }

    fn f32_sqrt(&mut self, a: Arg) -> Arg {
        self.one(Opcode::F32Sqrt, a)
    }

    fn f32_fma(&mut self, a: Arg, b: Arg, c: Arg) -> Arg {
        let target = self.temp(Ty::F32);
        self.push(Op::Fma(target, a, b, c));
        Arg::Reg(target)
    }

    fn f32_abs(&mut self, a: Arg) -> Arg {
        self.one(Opcode::F32Abs, a)
    }

    fn f32_lt(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F32Lt, a, b)
    }

    fn f32_eq(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F32Eq, a, b)
    }

    fn f32_select(&mut self, which: Arg, yes: Arg, no: Arg) -> Arg {
        self.select(which, yes, no)
    }

    fn f32_to_bits(&mut self, a: Arg) -> Arg {
        let bits = self.as_ty(a, Ty::I32);
        // Functions over the builder come to the same with any NaN.
        self.body.payload_ignored.extend(bits.reg());
        bits
    }

    fn f32_from_bits(&mut self, a: Arg) -> Arg {
        self.as_ty(a, Ty::F32)
    }

    fn f32_from_i32(&mut self, a: Arg) -> Arg {
        self.one(Opcode::F32ConvertI32S, a)
    }

    fn f64_from_f32(&mut self, a: Arg) -> Arg {
        if let Arg::F32(bits) = a {
            return Arg::F64(f64::from(f32::from_bits(bits)).to_bits());
        }
        self.one(Opcode::F64PromoteF32, a)
    }

    fn f32_from_f64(&mut self, a: Arg) -> Arg {
        self.one(Opcode::F32DemoteF64, a)
    }

    fn f64_sub(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F64Sub, a, b)
    }

    fn f64_mul(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F64Mul, a, b)
    }

    fn f64_lt(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F64Lt, a, b)
    }

    fn f64_eq(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F64Eq, a, b)
    }

    fn i32_add(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32Add, a, b)
    }

    fn i32_sub(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32Sub, a, b)
    }

    fn i32_and(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32And, a, b)
    }

    fn i32_or(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32Or, a, b)
    }

    fn i32_xor(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32Xor, a, b)
    }

    fn i32_shl(&mut self, a: Arg, by: u32) -> Arg {
        self.two(Opcode::I32Shl, a, Arg::I32(by))
    }

    fn i32_shr_u(&mut self, a: Arg, by: u32) -> Arg {
        self.two(Opcode::I32ShrU, a, Arg::I32(by))
    }

    fn i32_shr_s(&mut self, a: Arg, by: u32) -> Arg {
        self.two(Opcode::I32ShrS, a, Arg::I32(by))
    }

    fn i32_lt_s(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32LtS, a, b)
    }

    fn i32_eq(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32Eq, a, b)
    }

    fn i32_select(&mut self, which: Arg, yes: Arg, no: Arg) -> Arg {
        self.select(which, yes, no)
    }

    fn bool_and(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32And, a, b)
    }

    fn bool_or(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32Or, a, b)
    }

    fn bool_not(&mut self, a: Arg) -> Arg {
        self.two(Opcode::I32Xor, a, Arg::I32(1))
    }
}

/// A constant as the evaluator has it.
fn evaluated(value: Arg) -> Option<Integer> {
    match value {
        Arg::I32(bits) => Some(Integer::W32(bits)),
        Arg::I64(bits) => Some(Integer::W64(bits)),
        Arg::Reg(_) | Arg::F32(_) | Arg::F64(_) => None,
    }
}

fn constant(value: Integer) -> Arg {
    match value {
        Integer::W32(bits) => Arg::I32(bits),
        Integer::W64(bits) => Arg::I64(bits),
    }
}

/// Operations on constants are folded, by the evaluator.
impl IntBuilder for Builder<'_> {
    type Int = Arg;

    fn int(&mut self, width: Width, value: u64) -> Arg {
        constant(Integer::new(width, value))
    }

    fn width(&self, a: Arg) -> Width {
        match self.body.arg_ty(a) {
            Ty::I32 | Ty::F32 => Width::W32,
            Ty::I64 | Ty::F64 => Width::W64,
        }
    }

    fn known(&self, a: Arg) -> Option<u64> {
        a.bits()
    }

    fn unary(&mut self, op: IntUnary, a: Arg) -> Arg {
        if let Some(a) = evaluated(a) {
            return constant(Evaluator.unary(op, a));
        }
        let code = match (op, self.width(a)) {
            (IntUnary::Clz, Width::W32) => Opcode::I32Clz,
            (IntUnary::Clz, Width::W64) => Opcode::I64Clz,
            (IntUnary::Popcnt, Width::W32) => Opcode::I32Popcnt,
            (IntUnary::Popcnt, Width::W64) => Opcode::I64Popcnt,
            (IntUnary::Extend8S, _) => Opcode::I32Extend8S,
            (IntUnary::Extend16S, _) => Opcode::I32Extend16S,
            (IntUnary::ExtendS, _) => Opcode::I64ExtendI32S,
            (IntUnary::ExtendU, _) => Opcode::I64ExtendI32U,
            (IntUnary::Wrap, _) => Opcode::I32WrapI64,
        };
        self.one(code, a)
    }

    fn binary(&mut self, op: IntBinary, a: Arg, b: Arg) -> Arg {
        if let (Some(a), Some(b)) = (evaluated(a), evaluated(b)) {
            return constant(Evaluator.binary(op, a, b));
        }
        let code = match (op, self.width(a)) {
            (IntBinary::Add, Width::W32) => Opcode::I32Add,
            (IntBinary::Add, Width::W64) => Opcode::I64Add,
            (IntBinary::Sub, Width::W32) => Opcode::I32Sub,
            (IntBinary::Sub, Width::W64) => Opcode::I64Sub,
            (IntBinary::Mul, Width::W32) => Opcode::I32Mul,
            (IntBinary::Mul, Width::W64) => Opcode::I64Mul,
            (IntBinary::And, Width::W32) => Opcode::I32And,
            (IntBinary::And, Width::W64) => Opcode::I64And,
            (IntBinary::Or, Width::W32) => Opcode::I32Or,
            (IntBinary::Or, Width::W64) => Opcode::I64Or,
            (IntBinary::Xor, Width::W32) => Opcode::I32Xor,
            (IntBinary::Xor, Width::W64) => Opcode::I64Xor,
            (IntBinary::Shl, Width::W32) => Opcode::I32Shl,
            (IntBinary::Shl, Width::W64) => Opcode::I64Shl,
            (IntBinary::ShrS, Width::W32) => Opcode::I32ShrS,
            (IntBinary::ShrS, Width::W64) => Opcode::I64ShrS,
            (IntBinary::ShrU, Width::W32) => Opcode::I32ShrU,
            (IntBinary::ShrU, Width::W64) => Opcode::I64ShrU,
            (IntBinary::Eq, Width::W32) => Opcode::I32Eq,
            (IntBinary::Eq, Width::W64) => Opcode::I64Eq,
            (IntBinary::LtS, Width::W32) => Opcode::I32LtS,
            (IntBinary::LtS, Width::W64) => Opcode::I64LtS,
            (IntBinary::LtU, Width::W32) => Opcode::I32LtU,
            (IntBinary::LtU, Width::W64) => Opcode::I64LtU,
        };
        self.two(code, a, b)
    }

    fn int_select(&mut self, condition: Arg, yes: Arg, no: Arg) -> Arg {
        match condition.bits() {
            Some(0) => no,
            Some(_) => yes,
            None => self.select(condition, yes, no),
        }
    }
}
