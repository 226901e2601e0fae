//! The types of kernels, and type inference: variables that stand for types which are not known
//! yet, solved by unification. A literal without a suffix has a variable that is limited to
//! integers or to floating-point numbers, and becomes `i32` or `f64` where nothing else decides,
//! as in Rust.

use std::fmt;

/// A number or a boolean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scalar {
    Bool,
    I8,
    I16,
    I32,
    I64,
    Isize,
    U8,
    U16,
    U32,
    U64,
    Usize,
    F16,
    Bf16,
    F32,
    F64,
}

impl Scalar {
    const NAMES: [(&'static str, Scalar); 15] = [
        ("bool", Scalar::Bool),
        ("i8", Scalar::I8),
        ("i16", Scalar::I16),
        ("i32", Scalar::I32),
        ("i64", Scalar::I64),
        ("isize", Scalar::Isize),
        ("u8", Scalar::U8),
        ("u16", Scalar::U16),
        ("u32", Scalar::U32),
        ("u64", Scalar::U64),
        ("usize", Scalar::Usize),
        ("f16", Scalar::F16),
        ("bf16", Scalar::Bf16),
        ("f32", Scalar::F32),
        ("f64", Scalar::F64),
    ];

    pub fn from_name(name: &str) -> Option<Scalar> {
        let found = Scalar::NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, scalar)| *scalar)
    }

    pub fn name(self) -> &'static str {
        let found = Scalar::NAMES.iter().find(|(_, scalar)| *scalar == self);
        found.map_or("?", |(name, _)| name)
    }

    /// The size in memory, in bytes. `usize` has 8, as on an NVIDIA device.
    pub fn bytes(self) -> u64 {
        match self {
            Scalar::Bool | Scalar::I8 | Scalar::U8 => 1,
            Scalar::I16 | Scalar::U16 | Scalar::F16 | Scalar::Bf16 => 2,
            Scalar::I32 | Scalar::U32 | Scalar::F32 => 4,
            Scalar::I64 | Scalar::Isize | Scalar::U64 | Scalar::Usize | Scalar::F64 => 8,
        }
    }

    pub fn bits(self) -> u32 {
        8 * self.bytes() as u32
    }

    pub fn is_integer(self) -> bool {
        !self.is_float() && self != Scalar::Bool
    }

    /// `f32` and `f64`, which have arithmetic.
    pub fn is_float(self) -> bool {
        matches!(self, Scalar::F32 | Scalar::F64) || self.is_half()
    }

    /// The formats of 16 bits.
    pub fn is_half(self) -> bool {
        matches!(self, Scalar::F16 | Scalar::Bf16)
    }

    pub fn is_signed(self) -> bool {
        matches!(
            self,
            Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64 | Scalar::Isize
        )
    }

    /// The integer type of the same size with the other signedness.
    pub fn with_sign(self, signed: bool) -> Scalar {
        match (self, signed) {
            (Scalar::U8, true) => Scalar::I8,
            (Scalar::U16, true) => Scalar::I16,
            (Scalar::U32, true) => Scalar::I32,
            (Scalar::U64, true) => Scalar::I64,
            (Scalar::Usize, true) => Scalar::Isize,
            (Scalar::I8, false) => Scalar::U8,
            (Scalar::I16, false) => Scalar::U16,
            (Scalar::I32, false) => Scalar::U32,
            (Scalar::I64, false) => Scalar::U64,
            (Scalar::Isize, false) => Scalar::Usize,
            (same, _) => same,
        }
    }

    /// The value of an integer type that has the low bits of this number.
    pub fn wrap(self, value: i128) -> i128 {
        if self == Scalar::Bool {
            return i128::from(value != 0);
        }
        let unused = 128 - self.bits();
        if self.is_signed() {
            value << unused >> unused
        } else {
            ((value as u128) << unused >> unused) as i128
        }
    }

    /// The least and the largest value of an integer type.
    pub fn range(self) -> (i128, i128) {
        match self.is_signed() {
            true => (-1 << (self.bits() - 1), (1 << (self.bits() - 1)) - 1),
            false => (0, (1 << self.bits()) - 1),
        }
    }
}

/// A type of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Unit,
    /// The type of expressions that never have a value, such as `return`.
    Never,
    Scalar(Scalar),
    Tuple(Vec<Type>),
    /// A structure, by its number in the module.
    Struct(usize, String),
    /// `[T; N]`.
    Array(Box<Type>, u64),
    /// `&[T]`.
    Slice(Box<Type>),
    /// `GlobalMut<T>`: a buffer that the threads write.
    GlobalMut(Box<Type>),
    /// `Shared<T, N>`: shared memory of the block.
    Shared(Box<Type>, u64),
    /// Not known yet.
    Variable(usize),
}

impl Type {
    pub const BOOL: Type = Type::Scalar(Scalar::Bool);
    pub const U32: Type = Type::Scalar(Scalar::U32);
    pub const USIZE: Type = Type::Scalar(Scalar::Usize);

    pub fn scalar(&self) -> Option<Scalar> {
        match self {
            Type::Scalar(scalar) => Some(*scalar),
            _ => None,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Unit => f.write_str("()"),
            Type::Never => f.write_str("!"),
            Type::Scalar(scalar) => f.write_str(scalar.name()),
            Type::Tuple(parts) => {
                f.write_str("(")?;
                for (index, part) in parts.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{part}")?;
                }
                f.write_str(")")
            }
            Type::Struct(_, name) => f.write_str(name),
            Type::Array(element, len) => write!(f, "[{element}; {len}]"),
            Type::Slice(element) => write!(f, "&[{element}]"),
            Type::GlobalMut(element) => write!(f, "GlobalMut<{element}>"),
            Type::Shared(element, len) => write!(f, "Shared<{element}, {len}>"),
            Type::Variable(_) => f.write_str("_"),
        }
    }
}

/// Which types a variable may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Any,
    Integer,
    Float,
}

#[derive(Clone, Debug)]
enum State {
    Unknown(Kind),
    Known(Type),
}

/// The type variables of a function.
#[derive(Clone, Debug, Default)]
pub struct Inference {
    variables: Vec<State>,
}

impl Inference {
    pub fn fresh(&mut self, kind: Kind) -> Type {
        self.variables.push(State::Unknown(kind));
        Type::Variable(self.variables.len() - 1)
    }

    /// The type with what is known of its variables.
    pub fn resolve(&self, ty: &Type) -> Type {
        let boxed = |element: &Type| Box::new(self.resolve(element));
        match ty {
            Type::Variable(variable) => match self.variables.get(*variable) {
                Some(State::Known(known)) => self.resolve(known),
                _ => ty.clone(),
            },
            Type::Tuple(parts) => {
                Type::Tuple(parts.iter().map(|part| self.resolve(part)).collect())
            }
            Type::Array(element, len) => Type::Array(boxed(element), *len),
            Type::Slice(element) => Type::Slice(boxed(element)),
            Type::GlobalMut(element) => Type::GlobalMut(boxed(element)),
            Type::Shared(element, len) => Type::Shared(boxed(element), *len),
            _ => ty.clone(),
        }
    }

    /// What a type may be, where it is not known: a literal's variable is an integer or a float.
    pub fn kind(&self, ty: &Type) -> Option<Kind> {
        match self.resolve(ty) {
            Type::Variable(variable) => match self.variables.get(variable) {
                Some(State::Unknown(kind)) => Some(*kind),
                _ => None,
            },
            _ => None,
        }
    }

    /// How a message names a type.
    pub fn show(&self, ty: &Type) -> String {
        match self.kind(ty) {
            Some(Kind::Integer) => "an integer".into(),
            Some(Kind::Float) => "a floating-point number".into(),
            Some(Kind::Any) => "a type that is not known yet".into(),
            None => format!("`{}`", self.resolve(ty)),
        }
    }

    /// Makes two types the same. Returns whether they can be.
    pub fn unify(&mut self, a: &Type, b: &Type) -> bool {
        let (a, b) = (self.resolve(a), self.resolve(b));
        match (&a, &b) {
            _ if a == b => true,
            (Type::Variable(first), Type::Variable(second)) => {
                let (Some(one), Some(two)) = (self.kind(&a), self.kind(&b)) else {
                    return false;
                };
                let (from, to) = match (one, two) {
                    (Kind::Any, _) => (*first, b.clone()),
                    (_, Kind::Any) => (*second, a.clone()),
                    _ if one == two => (*first, b.clone()),
                    _ => return false,
                };
                self.set(from, to)
            }
            (Type::Variable(variable), known) | (known, Type::Variable(variable)) => {
                let fits = match self.kind(&Type::Variable(*variable)) {
                    Some(Kind::Integer) => known.scalar().is_some_and(Scalar::is_integer),
                    Some(Kind::Float) => known
                        .scalar()
                        .is_some_and(|scalar| scalar.is_float() && !scalar.is_half()),
                    _ => true,
                };
                fits && self.set(*variable, known.clone())
            }
            (Type::Tuple(one), Type::Tuple(two)) if one.len() == two.len() => {
                let pairs = one.iter().zip(two);
                pairs.into_iter().all(|(one, two)| self.unify(one, two))
            }
            (Type::Array(one, len), Type::Array(two, other))
            | (Type::Shared(one, len), Type::Shared(two, other)) => {
                len == other && self.unify(one, two)
            }
            (Type::Slice(one), Type::Slice(two)) | (Type::GlobalMut(one), Type::GlobalMut(two)) => {
                self.unify(one, two)
            }
            _ => false,
        }
    }

    fn set(&mut self, variable: usize, ty: Type) -> bool {
        match self.variables.get_mut(variable) {
            Some(state) => {
                *state = State::Known(ty);
                true
            }
            None => false,
        }
    }

    /// Gives literals that nothing has decided the types that Rust gives them.
    pub fn default_literals(&mut self) {
        for state in &mut self.variables {
            match state {
                State::Unknown(Kind::Integer) => *state = State::Known(Type::Scalar(Scalar::I32)),
                State::Unknown(Kind::Float) => *state = State::Known(Type::Scalar(Scalar::F64)),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_becomes_what_it_is_used_with() {
        let mut inference = Inference::default();
        let (one, two) = (
            inference.fresh(Kind::Integer),
            inference.fresh(Kind::Integer),
        );
        assert!(inference.unify(&one, &two));
        assert!(inference.unify(&two, &Type::U32));
        assert_eq!(inference.resolve(&one), Type::U32);
        assert!(!inference.unify(&one, &Type::USIZE));
    }

    #[test]
    fn an_integer_literal_becomes_no_float() {
        let mut inference = Inference::default();
        let literal = inference.fresh(Kind::Integer);
        assert!(!inference.unify(&literal, &Type::Scalar(Scalar::F32)));
        inference.default_literals();
        assert_eq!(inference.resolve(&literal), Type::Scalar(Scalar::I32));
    }

    #[test]
    fn numbers_wrap_as_their_type_does() {
        assert_eq!(Scalar::U8.wrap(256), 0);
        assert_eq!(Scalar::I8.wrap(128), -128);
        assert_eq!(Scalar::I64.wrap(1 << 63), i128::from(i64::MIN));
        assert_eq!(Scalar::U64.wrap(-1), i128::from(u64::MAX));
        assert_eq!(Scalar::I32.range(), (i32::MIN.into(), i32::MAX.into()));
    }
}
