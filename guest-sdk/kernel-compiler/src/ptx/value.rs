//! Values while PTX is written: registers and constants.

use crate::types::Scalar;

/// The registers of PTX, by what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    Predicate,
    Bits16,
    Bits32,
    Bits64,
    F32,
    F64,
}

impl Class {
    pub const ALL: [Class; 6] = [
        Class::Predicate,
        Class::Bits16,
        Class::Bits32,
        Class::Bits64,
        Class::F32,
        Class::F64,
    ];

    /// The class of the register that holds a number. Integers of less than 32 bits are extended
    /// to 32.
    pub fn of(scalar: Scalar) -> Class {
        match scalar {
            Scalar::Bool => Class::Predicate,
            Scalar::F16 | Scalar::Bf16 => Class::Bits16,
            Scalar::F32 => Class::F32,
            Scalar::F64 => Class::F64,
            _ if scalar.bits() == 64 => Class::Bits64,
            _ => Class::Bits32,
        }
    }

    pub fn prefix(self) -> &'static str {
        match self {
            Class::Predicate => "%p",
            Class::Bits16 => "%h",
            Class::Bits32 => "%r",
            Class::Bits64 => "%rd",
            Class::F32 => "%f",
            Class::F64 => "%fd",
        }
    }

    /// The type with which PTX declares and moves it.
    pub fn ty(self) -> &'static str {
        match self {
            Class::Predicate => "pred",
            Class::Bits16 => "b16",
            Class::Bits32 => "b32",
            Class::Bits64 => "b64",
            Class::F32 => "f32",
            Class::F64 => "f64",
        }
    }
}

/// A register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Register {
    pub class: Class,
    pub number: u32,
}

impl std::fmt::Display for Register {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.class.prefix(), self.number)
    }
}

/// A scalar: in a register, or known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operand {
    Register(Register),
    /// An integer, as its type has it.
    Integer(i128),
    F32(f32),
    F64(f64),
    Bool(bool),
}

impl std::fmt::Display for Operand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Operand::Register(register) => register.fmt(f),
            Operand::Integer(value) if *value > i128::from(i64::MAX) => write!(f, "{value:#x}"),
            Operand::Integer(value) if *value == i128::from(i64::MIN) => {
                f.write_str("0x8000000000000000")
            }
            Operand::Integer(value) => write!(f, "{value}"),
            Operand::F32(value) => write!(f, "0f{:08X}", value.to_bits()),
            Operand::F64(value) => write!(f, "0d{:016X}", value.to_bits()),
            // Written only where it is put into a register; see `Writer::register`.
            Operand::Bool(value) => write!(f, "{}", u8::from(*value)),
        }
    }
}

/// A value of any type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Unit,
    Scalar(Operand),
    /// The parts of a tuple, structure or array; address and length of a slice or buffer.
    Parts(Vec<Value>),
    /// Shared memory, by its number.
    Shared(usize),
}

impl Value {
    pub fn operand(&self) -> Operand {
        match self {
            Value::Scalar(operand) => *operand,
            Value::Parts(parts) => parts.first().map_or(Operand::Integer(0), Value::operand),
            Value::Unit | Value::Shared(_) => Operand::Integer(0),
        }
    }

    pub fn parts(&self) -> &[Value] {
        match self {
            Value::Parts(parts) => parts,
            _ => &[],
        }
    }
}
