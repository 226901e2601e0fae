//! Random expressions: what the PTX of an expression computes in the host's interpreter is what
//! Rust's own operators compute, bit for bit.

use std::fmt::Write as _;

use fastrand::Rng;

use super::{Argument, module, run};

/// A value of any type of the subset.
#[derive(Clone, Copy, Debug)]
enum Value {
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    Usize(u64),
    F32(f32),
    F64(f64),
}

const TYPES: [&str; 12] = [
    "bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "usize", "f32", "f64",
];

fn is_integer(ty: &str) -> bool {
    !matches!(ty, "bool" | "f32" | "f64")
}

/// An expression and what Rust computes for it; `None` where Rust panics.
struct Expr {
    text: String,
    value: Option<Value>,
}

/// Applies Rust's operators to two values of the same type.
macro_rules! integers {
    ($a:expr, $b:expr, |$x:ident, $y:ident| $body:expr) => {
        match ($a, $b) {
            (Value::I8($x), Value::I8($y)) => Some(Value::I8($body)),
            (Value::I16($x), Value::I16($y)) => Some(Value::I16($body)),
            (Value::I32($x), Value::I32($y)) => Some(Value::I32($body)),
            (Value::I64($x), Value::I64($y)) => Some(Value::I64($body)),
            (Value::U8($x), Value::U8($y)) => Some(Value::U8($body)),
            (Value::U16($x), Value::U16($y)) => Some(Value::U16($body)),
            (Value::U32($x), Value::U32($y)) => Some(Value::U32($body)),
            (Value::U64($x), Value::U64($y)) => Some(Value::U64($body)),
            (Value::Usize($x), Value::Usize($y)) => Some(Value::Usize($body)),
            _ => None,
        }
    };
}

macro_rules! checked {
    ($a:expr, $b:expr, $method:ident) => {
        match ($a, $b) {
            (Value::I8(x), Value::I8(y)) => x.$method(y).map(Value::I8),
            (Value::I16(x), Value::I16(y)) => x.$method(y).map(Value::I16),
            (Value::I32(x), Value::I32(y)) => x.$method(y).map(Value::I32),
            (Value::I64(x), Value::I64(y)) => x.$method(y).map(Value::I64),
            (Value::U8(x), Value::U8(y)) => x.$method(y).map(Value::U8),
            (Value::U16(x), Value::U16(y)) => x.$method(y).map(Value::U16),
            (Value::U32(x), Value::U32(y)) => x.$method(y).map(Value::U32),
            (Value::U64(x), Value::U64(y)) => x.$method(y).map(Value::U64),
            (Value::Usize(x), Value::Usize(y)) => x.$method(y).map(Value::Usize),
            _ => None,
        }
    };
}

macro_rules! floats {
    ($a:expr, $b:expr, |$x:ident, $y:ident| $body:expr) => {
        match ($a, $b) {
            (Value::F32($x), Value::F32($y)) => Some(Value::F32($body)),
            (Value::F64($x), Value::F64($y)) => Some(Value::F64($body)),
            _ => None,
        }
    };
}

/// The number of ones and zeros at the ends.
macro_rules! counts {
    ($a:expr, $method:ident) => {
        match $a {
            Value::I8(x) => Some(Value::U32(x.$method())),
            Value::I16(x) => Some(Value::U32(x.$method())),
            Value::I32(x) => Some(Value::U32(x.$method())),
            Value::I64(x) => Some(Value::U32(x.$method())),
            Value::U8(x) => Some(Value::U32(x.$method())),
            Value::U16(x) => Some(Value::U32(x.$method())),
            Value::U32(x) => Some(Value::U32(x.$method())),
            Value::U64(x) | Value::Usize(x) => Some(Value::U32(x.$method())),
            _ => None,
        }
    };
}

macro_rules! signed {
    ($a:expr, |$x:ident| $body:expr) => {
        match $a {
            Value::I8($x) => Some(Value::I8($body)),
            Value::I16($x) => Some(Value::I16($body)),
            Value::I32($x) => Some(Value::I32($body)),
            Value::I64($x) => Some(Value::I64($body)),
            _ => None,
        }
    };
}

/// `as`.
macro_rules! cast_to {
    ($x:expr, $ty:expr) => {
        match $ty {
            "i8" => Value::I8($x as i8),
            "i16" => Value::I16($x as i16),
            "i32" => Value::I32($x as i32),
            "i64" => Value::I64($x as i64),
            "u8" => Value::U8($x as u8),
            "u16" => Value::U16($x as u16),
            "u32" => Value::U32($x as u32),
            "u64" => Value::U64($x as u64),
            "usize" => Value::Usize($x as u64),
            "f32" => Value::F32($x as f32),
            _ => Value::F64($x as f64),
        }
    };
}

#[allow(clippy::unnecessary_cast)]
fn cast(value: Value, ty: &str) -> Value {
    match value {
        Value::Bool(x) => cast_to!(u8::from(x), ty),
        Value::I8(x) => cast_to!(x, ty),
        Value::I16(x) => cast_to!(x, ty),
        Value::I32(x) => cast_to!(x, ty),
        Value::I64(x) => cast_to!(x, ty),
        Value::U8(x) => cast_to!(x, ty),
        Value::U16(x) => cast_to!(x, ty),
        Value::U32(x) => cast_to!(x, ty),
        Value::U64(x) | Value::Usize(x) => cast_to!(x, ty),
        Value::F32(x) => cast_to!(x, ty),
        Value::F64(x) => cast_to!(x, ty),
    }
}

/// The bits that a kernel writes for a value. All NaNs are one.
fn bits(value: Value) -> u64 {
    match value {
        Value::Bool(x) => x.into(),
        Value::F32(x) if x.is_nan() => u64::MAX,
        Value::F64(x) if x.is_nan() => u64::MAX,
        Value::F32(x) => x.to_bits().into(),
        Value::F64(x) => x.to_bits(),
        other => match cast(other, "u64") {
            Value::U64(bits) => bits,
            _ => 0,
        },
    }
}

/// The text that makes the bits of an expression.
fn bits_of(text: &str, ty: &str) -> String {
    match ty {
        "f32" => format!(
            "{{ let v: f32 = {text}; if v.is_nan() {{ u64::MAX }} else {{ v.to_bits() as u64 }} }}"
        ),
        "f64" => format!(
            "{{ let v: f64 = {text}; if v.is_nan() {{ u64::MAX }} else {{ v.to_bits() }} }}"
        ),
        _ => format!("({text}) as u64"),
    }
}

/// A value of a type, often an edge of it.
fn sample(rng: &mut Rng, ty: &str) -> Value {
    let word = match rng.u8(0..6) {
        0 => 0,
        1 => rng.u64(0..4),
        2 => u64::MAX - rng.u64(0..3),
        3 => (1u64 << rng.u32(0..64)).wrapping_sub(rng.u64(0..2)),
        _ => rng.u64(..),
    };
    match ty {
        "bool" => Value::Bool(rng.bool()),
        "f32" => {
            let edges = [
                0.0,
                -0.0,
                1.0,
                -1.5,
                0.5,
                2.5,
                -2.5,
                1e10,
                -3e9,
                1e-40,
                f32::MAX,
                f32::INFINITY,
                f32::NEG_INFINITY,
                f32::NAN,
                255.5,
                0.499_999_97,
            ];
            Value::F32(match rng.u8(0..3) {
                0 => edges[rng.usize(..edges.len())],
                1 => f32::from_bits(rng.u32(..)),
                _ => (rng.f32() - 0.5) * 1000.0,
            })
        }
        "f64" => {
            let edges = [
                0.0,
                -0.0,
                1.0,
                -1.5,
                0.5,
                2.5,
                -2.5,
                1e18,
                -1e19,
                1e-310,
                1e300,
                f64::INFINITY,
                f64::NEG_INFINITY,
                f64::NAN,
                65535.7,
            ];
            Value::F64(match rng.u8(0..3) {
                0 => edges[rng.usize(..edges.len())],
                1 => f64::from_bits(rng.u64(..)),
                _ => (rng.f64() - 0.5) * 1000.0,
            })
        }
        _ => cast(Value::U64(word), ty),
    }
}

/// What an expression is made in: the values of the variables.
struct Generator<'a> {
    rng: &'a mut Rng,
    variables: Vec<(String, &'static str, Value)>,
    names: u32,
}

impl Generator<'_> {
    fn ty(&mut self) -> &'static str {
        TYPES[self.rng.usize(..TYPES.len())]
    }

    fn number(&mut self) -> &'static str {
        TYPES[self.rng.usize(1..TYPES.len())]
    }

    fn leaf(&mut self, ty: &'static str) -> Expr {
        let known: Vec<_> = self
            .variables
            .iter()
            .filter(|(_, of, _)| *of == ty)
            .collect();
        if !known.is_empty() && self.rng.u8(0..4) > 0 {
            let (name, _, value) = known[self.rng.usize(..known.len())];
            return Expr {
                text: name.clone(),
                value: Some(*value),
            };
        }
        let value = sample(self.rng, ty);
        let text = match value {
            Value::Bool(x) => x.to_string(),
            Value::F32(x) => format!("f32::from_bits({}u32)", x.to_bits()),
            Value::F64(x) => format!("f64::from_bits({}u64)", x.to_bits()),
            Value::I8(x) => format!("({x}i8)"),
            Value::I16(x) => format!("({x}i16)"),
            Value::I32(x) => format!("({x}i32)"),
            Value::I64(x) => format!("({x}i64)"),
            Value::U8(x) => format!("{x}u8"),
            Value::U16(x) => format!("{x}u16"),
            Value::U32(x) => format!("{x}u32"),
            Value::U64(x) => format!("{x}u64"),
            Value::Usize(x) => format!("{x}usize"),
        };
        Expr {
            text,
            value: Some(value),
        }
    }

    fn expr(&mut self, ty: &'static str, depth: u32) -> Expr {
        if depth == 0 {
            return self.leaf(ty);
        }
        match self.rng.u8(0..10) {
            0 => self.leaf(ty),
            1 => {
                let condition = self.expr("bool", depth - 1);
                let (then, other) = (self.expr(ty, depth - 1), self.expr(ty, depth - 1));
                let value = match condition.value {
                    Some(Value::Bool(true)) => then.value,
                    Some(_) => other.value,
                    None => None,
                };
                Expr {
                    text: format!(
                        "(if {} {{ {} }} else {{ {} }})",
                        condition.text, then.text, other.text
                    ),
                    value,
                }
            }
            2 => {
                // A variable that is assigned to.
                let (first, second) = (self.expr(ty, depth - 1), self.expr(ty, depth - 1));
                self.names += 1;
                let name = format!("t{}", self.names);
                let value = first.value.and(second.value);
                if let Some(now) = second.value {
                    self.variables.push((name.clone(), ty, now));
                }
                let last = self.expr(ty, depth - 1);
                self.variables.retain(|(known, ..)| *known != name);
                let text = format!(
                    "{{ let mut {name} = {}; {name} = {}; {} }}",
                    first.text, second.text, last.text
                );
                Expr {
                    text,
                    value: value.and(last.value),
                }
            }
            3 if ty != "bool" => {
                let from = if is_integer(ty) {
                    self.ty()
                } else {
                    self.number()
                };
                let inner = self.expr(from, depth - 1);
                Expr {
                    text: format!("({} as {ty})", inner.text),
                    value: inner.value.map(|value| cast(value, ty)),
                }
            }
            _ if ty == "bool" => self.boolean(depth),
            _ if is_integer(ty) => self.integer(ty, depth),
            _ => self.float(ty, depth),
        }
    }

    fn boolean(&mut self, depth: u32) -> Expr {
        if self.rng.bool() {
            let (a, b) = (self.expr("bool", depth - 1), self.expr("bool", depth - 1));
            let op = ["&&", "||", "&", "|", "^", "==", "!=", "<", ">="][self.rng.usize(0..9)];
            let value = match (op, a.value, b.value) {
                ("&&", Some(Value::Bool(false)), _) => Some(Value::Bool(false)),
                ("||", Some(Value::Bool(true)), _) => Some(Value::Bool(true)),
                (_, Some(Value::Bool(a)), Some(Value::Bool(b))) => Some(Value::Bool(match op {
                    "&&" | "&" => a & b,
                    "||" | "|" => a | b,
                    "^" | "!=" => a ^ b,
                    "==" => a == b,
                    "<" => !a & b,
                    _ => a | !b,
                })),
                _ => None,
            };
            return Expr {
                text: format!("({} {op} {})", a.text, b.text),
                value,
            };
        }
        let ty = self.number();
        let (a, b) = (self.expr(ty, depth - 1), self.expr(ty, depth - 1));
        let op = ["==", "!=", "<", "<=", ">", ">="][self.rng.usize(0..6)];
        let ordering = match (a.value, b.value) {
            (Some(Value::F32(x)), Some(Value::F32(y))) => Some(x.partial_cmp(&y)),
            (Some(Value::F64(x)), Some(Value::F64(y))) => Some(x.partial_cmp(&y)),
            (Some(x), Some(y)) => {
                let wide = |value: Value| match value {
                    Value::U64(x) | Value::Usize(x) => i128::from(x),
                    other => match cast(other, "i64") {
                        Value::I64(x) => x.into(),
                        _ => 0,
                    },
                };
                Some(Some(wide(x).cmp(&wide(y))))
            }
            _ => None,
        };
        use std::cmp::Ordering::{Equal, Greater, Less};
        let value = ordering.map(|ordering| {
            Value::Bool(match op {
                "==" => ordering == Some(Equal),
                "!=" => ordering != Some(Equal),
                "<" => ordering == Some(Less),
                "<=" => matches!(ordering, Some(Less | Equal)),
                ">" => ordering == Some(Greater),
                _ => matches!(ordering, Some(Greater | Equal)),
            })
        });
        Expr {
            text: format!("({} {op} {})", a.text, b.text),
            value,
        }
    }

    fn integer(&mut self, ty: &'static str, depth: u32) -> Expr {
        let a = self.expr(ty, depth - 1);
        let is_signed = ty.starts_with('i');
        match self.rng.u8(0..24) {
            0 => Expr {
                text: format!("(!{})", a.text),
                value: a.value.and_then(|a| integers!(a, a, |x, _y| !x)),
            },
            1 if is_signed => Expr {
                text: format!("(-{})", a.text),
                value: a.value.and_then(|a| signed!(a, |x| x.wrapping_neg())),
            },
            2 if is_signed => Expr {
                text: format!("{}.wrapping_abs()", a.text),
                value: a.value.and_then(|a| signed!(a, |x| x.wrapping_abs())),
            },
            3 if is_signed => Expr {
                text: format!("{}.signum()", a.text),
                value: a.value.and_then(|a| signed!(a, |x| x.signum())),
            },
            4 => Expr {
                text: format!("{}.swap_bytes()", a.text),
                value: a
                    .value
                    .and_then(|a| integers!(a, a, |x, _y| x.swap_bytes())),
            },
            5 => Expr {
                text: format!("{}.reverse_bits()", a.text),
                value: a
                    .value
                    .and_then(|a| integers!(a, a, |x, _y| x.reverse_bits())),
            },
            6 if ty == "u32" => {
                let of = self.number();
                let of = if is_integer(of) { of } else { "i16" };
                let b = self.expr(of, depth - 1);
                let (name, value) = match self.rng.u8(0..3) {
                    0 => ("count_ones", b.value.and_then(|b| counts!(b, count_ones))),
                    1 => (
                        "leading_zeros",
                        b.value.and_then(|b| counts!(b, leading_zeros)),
                    ),
                    _ => (
                        "trailing_zeros",
                        b.value.and_then(|b| counts!(b, trailing_zeros)),
                    ),
                };
                Expr {
                    text: format!("{}.{name}()", b.text),
                    value,
                }
            }
            7 | 8 => {
                let amount = self.expr("u32", depth - 1);
                let both = a.value.zip(amount.value);
                let number = |amount: Value| match amount {
                    Value::U32(amount) => amount,
                    _ => 0,
                };
                let (text, value) = match self.rng.u8(0..4) {
                    0 => (
                        format!("({} << {})", a.text, amount.text),
                        both.and_then(|(a, n)| integers!(a, a, |x, _y| x.wrapping_shl(number(n)))),
                    ),
                    1 => (
                        format!("({} >> {})", a.text, amount.text),
                        both.and_then(|(a, n)| integers!(a, a, |x, _y| x.wrapping_shr(number(n)))),
                    ),
                    2 => (
                        format!("{}.rotate_left({})", a.text, amount.text),
                        both.and_then(|(a, n)| integers!(a, a, |x, _y| x.rotate_left(number(n)))),
                    ),
                    _ => (
                        format!("{}.rotate_right({})", a.text, amount.text),
                        both.and_then(|(a, n)| integers!(a, a, |x, _y| x.rotate_right(number(n)))),
                    ),
                };
                Expr { text, value }
            }
            _ => {
                let b = self.expr(ty, depth - 1);
                let both = a.value.zip(b.value);
                let op = |op: &str| format!("({} {op} {})", a.text, b.text);
                let method = |name: &str| format!("{}.{name}({})", a.text, b.text);
                let (text, value) = match self.rng.u8(0..14) {
                    0 => (
                        op("+"),
                        both.and_then(|(a, b)| integers!(a, b, |x, y| x.wrapping_add(y))),
                    ),
                    1 => (
                        op("-"),
                        both.and_then(|(a, b)| integers!(a, b, |x, y| x.wrapping_sub(y))),
                    ),
                    2 => (
                        op("*"),
                        both.and_then(|(a, b)| integers!(a, b, |x, y| x.wrapping_mul(y))),
                    ),
                    3 => (op("/"), both.and_then(|(a, b)| checked!(a, b, checked_div))),
                    4 => (op("%"), both.and_then(|(a, b)| checked!(a, b, checked_rem))),
                    5 => (
                        op("&"),
                        both.and_then(|(a, b)| integers!(a, b, |x, y| x & y)),
                    ),
                    6 => (
                        op("|"),
                        both.and_then(|(a, b)| integers!(a, b, |x, y| x | y)),
                    ),
                    7 => (
                        op("^"),
                        both.and_then(|(a, b)| integers!(a, b, |x, y| x ^ y)),
                    ),
                    8 => (
                        method("min"),
                        both.and_then(|(a, b)| integers!(a, b, |x, y| x.min(y))),
                    ),
                    9 => (
                        method("max"),
                        both.and_then(|(a, b)| integers!(a, b, |x, y| x.max(y))),
                    ),
                    10 => (
                        method("saturating_add"),
                        both.and_then(|(a, b)| integers!(a, b, |x, y| x.saturating_add(y))),
                    ),
                    11 => (
                        method("saturating_sub"),
                        both.and_then(|(a, b)| integers!(a, b, |x, y| x.saturating_sub(y))),
                    ),
                    12 => (
                        method("wrapping_mul"),
                        both.and_then(|(a, b)| integers!(a, b, |x, y| x.wrapping_mul(y))),
                    ),
                    _ => (
                        method("wrapping_add"),
                        both.and_then(|(a, b)| integers!(a, b, |x, y| x.wrapping_add(y))),
                    ),
                };
                Expr { text, value }
            }
        }
    }

    fn float(&mut self, ty: &'static str, depth: u32) -> Expr {
        let a = self.expr(ty, depth - 1);
        if self.rng.u8(0..3) == 0 {
            let method = |name: &str| format!("{}.{name}()", a.text);
            let value = a.value;
            let (text, value) = match self.rng.u8(0..10) {
                0 => (
                    method("abs"),
                    value.and_then(|a| floats!(a, a, |x, _y| x.abs())),
                ),
                1 => (
                    method("sqrt"),
                    value.and_then(|a| floats!(a, a, |x, _y| x.sqrt())),
                ),
                2 => (
                    method("floor"),
                    value.and_then(|a| floats!(a, a, |x, _y| x.floor())),
                ),
                3 => (
                    method("ceil"),
                    value.and_then(|a| floats!(a, a, |x, _y| x.ceil())),
                ),
                4 => (
                    method("trunc"),
                    value.and_then(|a| floats!(a, a, |x, _y| x.trunc())),
                ),
                5 => (
                    method("round"),
                    value.and_then(|a| floats!(a, a, |x, _y| x.round())),
                ),
                6 => (
                    method("round_ties_even"),
                    value.and_then(|a| floats!(a, a, |x, _y| x.round_ties_even())),
                ),
                7 => (
                    method("fract"),
                    value.and_then(|a| floats!(a, a, |x, _y| x.fract())),
                ),
                8 => (
                    format!("(-{})", a.text),
                    value.and_then(|a| floats!(a, a, |x, _y| -x)),
                ),
                _ => (
                    method("recip"),
                    value.and_then(|a| floats!(a, a, |x, _y| x.recip())),
                ),
            };
            return Expr { text, value };
        }
        let b = self.expr(ty, depth - 1);
        let both = a.value.zip(b.value);
        let op = |op: &str| format!("({} {op} {})", a.text, b.text);
        let (text, value) = match self.rng.u8(0..6) {
            0 => (op("+"), both.and_then(|(a, b)| floats!(a, b, |x, y| x + y))),
            1 => (op("-"), both.and_then(|(a, b)| floats!(a, b, |x, y| x - y))),
            2 => (op("*"), both.and_then(|(a, b)| floats!(a, b, |x, y| x * y))),
            3 => (op("/"), both.and_then(|(a, b)| floats!(a, b, |x, y| x / y))),
            4 => {
                let c = self.expr(ty, depth - 1);
                let text = format!("{}.mul_add({}, {})", a.text, b.text, c.text);
                let value = match (both, c.value) {
                    (Some((Value::F32(a), Value::F32(b))), Some(Value::F32(c))) => {
                        Some(Value::F32(a.mul_add(b, c)))
                    }
                    (Some((Value::F64(a), Value::F64(b))), Some(Value::F64(c))) => {
                        Some(Value::F64(a.mul_add(b, c)))
                    }
                    _ => None,
                };
                (text, value)
            }
            // A NaN's sign is not defined, and the sign of the result would be that of a NaN.
            _ => {
                let text = format!(
                    "(if {b}.is_nan() {{ {a} }} else {{ {a}.copysign({b}) }})",
                    a = a.text,
                    b = b.text
                );
                let value = both.and_then(|(a, b)| {
                    floats!(a, b, |x, y| if y.is_nan() { x } else { x.copysign(y) })
                });
                (text, value)
            }
        };
        Expr { text, value }
    }
}

/// Rust leaves the sign of a NaN open, and `is_sign_negative` and `to_bits` of one with it: only
/// whether a value is a NaN is compared.
#[test]
fn random_expressions_compute_what_rust_computes() {
    let rounds = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok());
    let mut values = 0;
    let mut panics = 0;
    for seed in 0..rounds.unwrap_or(400) {
        let mut rng = Rng::with_seed(seed);
        let mut names = Vec::new();
        let mut inputs = Vec::new();
        let mut text = String::new();
        for (number, ty) in TYPES.into_iter().enumerate() {
            let value = sample(&mut rng, ty);
            let name = format!("v{number}");
            let input = match value {
                Value::F32(x) => x.to_bits().into(),
                Value::F64(x) => x.to_bits(),
                other => bits(other),
            };
            let read = match ty {
                "bool" => format!("inputs[{number}] != 0"),
                "f32" => format!("f32::from_bits(inputs[{number}] as u32)"),
                "f64" => format!("f64::from_bits(inputs[{number}])"),
                _ => format!("inputs[{number}] as {ty}"),
            };
            let _ = writeln!(text, "let {name} = {read};");
            inputs.push(input);
            names.push((name, ty, value));
        }
        let mut generator = Generator {
            rng: &mut rng,
            variables: names,
            names: 0,
        };
        let ty = generator.ty();
        let expr = generator.expr(ty, 4);
        let source = format!(
            "fn kernel(inputs: &[u64], out: GlobalMut<u64>) {{ {text} out.set(0, {}); }}",
            bits_of(&expr.text, ty)
        );
        let module = module(&source);
        let arguments = [Argument::Longs(inputs), Argument::Longs(vec![0])];
        match (run(&module, "kernel", 1, 1, &arguments), expr.value) {
            (Ok(found), Some(value)) => {
                let found = u64::from_le_bytes(found[1][..8].try_into().unwrap());
                assert_eq!(found, bits(value), "seed {seed}: {value:?}\n{source}");
                values += 1;
            }
            (Err(fault), None) => {
                assert!(
                    fault.contains("attempt to"),
                    "seed {seed}: {fault}\n{source}"
                );
                panics += 1;
            }
            (found, value) => panic!("seed {seed}: {found:?}, {value:?}\n{source}"),
        }
    }
    assert!(values > panics, "{values} values, {panics} panics");
}
