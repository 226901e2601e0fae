//! The arithmetic builders of the compiler: what is written over [`ArithBuilder`] and [`IntBuilder`]
//! for interpreter and compiler becomes operations of the IR.

use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{Arg, Op, Ty};
use crate::compile::translate::Builder;
use crate::numeric::{ArithBuilder, Evaluator, IntBinary, IntBuilder, IntUnary, Integer, Width};

impl ArithBuilder for Builder<'_> {
    type Single = Arg;
    type Double = Arg;
    type Word = Arg;
    type Truth = Arg;

    fn single(&mut self, value: f32) -> Arg {
        Arg::F32(value.to_bits())
    }

    fn word(&mut self, value: u32) -> Arg {
        Arg::I32(value)
    }

    fn add(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F32Add, a, b)
    }

    fn sub(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F32Sub, a, b)
    }

    fn mul(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F32Mul, a, b)
    }

    fn div(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F32Div, a, b)
    }

    fn sqrt(&mut self, a: Arg) -> Arg {
        self.one(Opcode::F32Sqrt, a)
    }

    fn fma(&mut self, a: Arg, b: Arg, c: Arg) -> Arg {
        let target = self.temp(Ty::F32);
        self.push(Op::Fma(target, a, b, c));
        Arg::Reg(target)
    }

    fn abs(&mut self, a: Arg) -> Arg {
        self.one(Opcode::F32Abs, a)
    }

    fn lt(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F32Lt, a, b)
    }

    fn eq(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F32Eq, a, b)
    }

    fn pick(&mut self, which: Arg, yes: Arg, no: Arg) -> Arg {
        self.select(which, yes, no)
    }

    fn bits(&mut self, a: Arg) -> Arg {
        let bits = self.as_ty(a, Ty::I32);
        // Functions in steps come to the same with any NaN.
        self.body.payload_ignored.extend(bits.reg());
        bits
    }

    fn of_bits(&mut self, a: Arg) -> Arg {
        self.as_ty(a, Ty::F32)
    }

    fn of_integer(&mut self, a: Arg) -> Arg {
        self.one(Opcode::F32ConvertI32S, a)
    }

    fn promote(&mut self, a: Arg) -> Arg {
        if let Arg::F32(bits) = a {
            return Arg::F64(f64::from(f32::from_bits(bits)).to_bits());
        }
        self.one(Opcode::F64PromoteF32, a)
    }

    fn demote(&mut self, a: Arg) -> Arg {
        self.one(Opcode::F32DemoteF64, a)
    }

    fn wide_sub(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F64Sub, a, b)
    }

    fn wide_mul(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F64Mul, a, b)
    }

    fn wide_lt(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F64Lt, a, b)
    }

    fn wide_eq(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::F64Eq, a, b)
    }

    fn plus(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32Add, a, b)
    }

    fn minus(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32Sub, a, b)
    }

    fn and(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32And, a, b)
    }

    fn or(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32Or, a, b)
    }

    fn xor(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32Xor, a, b)
    }

    fn left(&mut self, a: Arg, by: u32) -> Arg {
        self.two(Opcode::I32Shl, a, Arg::I32(by))
    }

    fn right(&mut self, a: Arg, by: u32) -> Arg {
        self.two(Opcode::I32ShrU, a, Arg::I32(by))
    }

    fn right_signed(&mut self, a: Arg, by: u32) -> Arg {
        self.two(Opcode::I32ShrS, a, Arg::I32(by))
    }

    fn less(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32LtS, a, b)
    }

    fn same(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32Eq, a, b)
    }

    fn choose(&mut self, which: Arg, yes: Arg, no: Arg) -> Arg {
        self.select(which, yes, no)
    }

    fn both(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32And, a, b)
    }

    fn either(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Opcode::I32Or, a, b)
    }

    fn not(&mut self, a: Arg) -> Arg {
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
