//! The steps that functions are written in which the interpreter has too: here each becomes one of
//! the kernel's.

use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{Arg, Op, Ty};
use crate::compile::translate::Builder;
use crate::numeric::ArithBuilder;

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
