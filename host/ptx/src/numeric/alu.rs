//! What each instruction computes from its operands, for those that touch nothing but registers.
//!
//! Each operation is a plain function, chosen once when a kernel is decoded.

use crate::numeric::convert;
use crate::numeric::eval::{Eval, Flags};
use crate::numeric::float;
use crate::numeric::integer as int;
use crate::numeric::mbarrier;
use crate::numeric::scalar;
use crate::numeric::video;
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::table::Op;
use crate::syntax::types::Type;

use Eval::{One, Three, Two};

/// Chooses a function by integer type.
macro_rules! by_integer {
    ($count:ident, $ty:expr, $function:path) => {{
        use $function as chosen;
        match $ty {
            Type::U8 | Type::B8 => Some($count(chosen::<u8>)),
            Type::S8 => Some($count(chosen::<i8>)),
            Type::U16 | Type::B16 => Some($count(chosen::<u16>)),
            Type::S16 => Some($count(chosen::<i16>)),
            Type::U32 | Type::B32 => Some($count(chosen::<u32>)),
            Type::S32 => Some($count(chosen::<i32>)),
            Type::U64 | Type::B64 => Some($count(chosen::<u64>)),
            Type::S64 => Some($count(chosen::<i64>)),
            _ => None,
        }
    }};
}

/// Chooses a function by floating-point type; pairs go half by half.
macro_rules! by_float {
    (@pair One, $function:ident, $half:ty) => {
        One(|a, f| float::halves(a, |a| $function::<$half>(a, f)))
    };
    (@pair Two, $function:ident, $half:ty) => {
        Two(|a, b, f| float::halves2(a, b, |a, b| $function::<$half>(a, b, f)))
    };
    (@pair Three, $function:ident, $half:ty) => {
        Three(|a, b, c, f| float::halves3(a, b, c, |a, b, c| $function::<$half>(a, b, c, f)))
    };
    ($count:ident, $ty:expr, $function:path) => {{
        use $function as chosen;
        match $ty {
            Type::F32 => Some($count(chosen::<float::F32>)),
            Type::F64 => Some($count(chosen::<float::F64>)),
            Type::F16 => Some($count(chosen::<float::F16>)),
            Type::BF16 => Some($count(chosen::<float::BF16>)),
            Type::F16x2 => Some(by_float!(@pair $count, chosen, float::F16)),
            Type::BF16x2 => Some(by_float!(@pair $count, chosen, float::BF16)),
            _ => None,
        }
    }};
}

/// Chooses between an integer's and a float's function.
macro_rules! by_number {
    ($count:ident, $ty:expr, $integer:path, $float:path) => {
        if $ty.is_float() {
            by_float!($count, $ty, $float)
        } else {
            by_integer!($count, $ty, $integer)
        }
    };
}

/// The function that carries out an operation; `None` where it is not one on registers alone.
pub(crate) fn select(op: Op, modifiers: &Modifiers) -> Option<Eval> {
    let ty = modifiers.ty();
    let approximate = modifiers.has(Modifier::Approx) || modifiers.has(Modifier::Full);
    match op {
        Op::Add => by_number!(Two, ty, int::add, float::add),
        Op::Sub => by_number!(Two, ty, int::sub, float::sub),
        Op::Mul if ty.is_float() => by_float!(Two, ty, float::mul),
        Op::Mul if modifiers.has(Modifier::Hi) => by_integer!(Two, ty, int::mul_hi),
        Op::Mul if modifiers.has(Modifier::Wide) => by_integer!(Two, ty, int::mul_wide),
        Op::Mul => by_integer!(Two, ty, int::mul_lo),
        Op::Mad if modifiers.has(Modifier::Hi) => by_integer!(Three, ty, int::mad_hi),
        Op::Mad if modifiers.has(Modifier::Wide) => by_integer!(Three, ty, int::mad_wide),
        Op::Mad => by_integer!(Three, ty, int::mad_lo),
        Op::Div if !ty.is_float() => by_integer!(Two, ty, int::div),
        Op::Div if modifiers.has(Modifier::Approx) => Some(Two(float::div_approx)),
        Op::Div => by_float!(Two, ty, float::div),
        Op::Rem => by_integer!(Two, ty, int::rem),
        Op::Abs => by_number!(One, ty, int::abs, float::abs),
        Op::Neg => by_number!(One, ty, int::neg, float::neg),
        Op::Min => by_number!(Two, ty, int::min, float::min),
        Op::Max => by_number!(Two, ty, int::max, float::max),
        Op::Fns => Some(Three(int::fns)),
        // A block is its own cluster.
        Op::MapToBlock => Some(Two(|address, _, _| address)),
        Op::BlockRank => Some(One(|_, _| 0)),
        Op::MbarrierPending => Some(One(mbarrier::pending)),
        Op::And => Some(Two(|a, b, _| a & b)),
        Op::Or => Some(Two(|a, b, _| a | b)),
        Op::Xor => Some(Two(|a, b, _| a ^ b)),
        Op::Shl => by_integer!(Two, ty, int::shl),
        Op::Shr => by_integer!(Two, ty, int::shr),
        Op::Fma => by_float!(Three, ty, float::fma),
        Op::Rcp if approximate => by_float!(One, ty, float::rcp_approx),
        Op::Rcp => by_float!(One, ty, float::rcp),
        Op::Sqrt => by_float!(One, ty, float::sqrt),
        Op::Rsqrt => by_float!(One, ty, float::rsqrt),
        Op::Sin => by_float!(One, ty, float::sin),
        Op::Cos => by_float!(One, ty, float::cos),
        Op::Lg2 => by_float!(One, ty, float::lg2),
        Op::Ex2 => by_float!(One, ty, float::ex2),
        Op::Tanh => by_float!(One, ty, float::tanh),
        Op::Copysign => by_float!(Two, ty, float::copysign),
        Op::Testp => by_float!(One, ty, float::testp),
        Op::Selp => Some(Three(|a, b, c, _| if c != 0 { a } else { b })),
        Op::Slct if modifiers.second_ty() == Type::F32 => Some(Three(float::slct)),
        Op::Slct => Some(Three(int::slct)),
        Op::Scalar(op) => Some(scalar::eval(op)),
        Op::Video(what, lanes) => Some(video::select(what, lanes)),
        Op::Cvt => convert::select(modifiers),
        Op::CvtPack => convert::pack(ty),
        Op::CvtPackSat if modifiers.types().count() > 2 => Some(Three(convert::pack_bytes)),
        Op::CvtPackSat => Some(Two(convert::pack_halves)),
        _ => None,
    }
}

/// The function that compares two values of a type, and says whether the flags accept the outcome.
pub(crate) fn comparison(ty: Type) -> Option<fn(u64, u64, Flags) -> u64> {
    let chosen = by_number!(Two, ty, int::compare, float::compare);
    match chosen {
        Some(Two(function)) => Some(function),
        _ => None,
    }
}

/// The function that an atomic or warp-wide operation combines two values with.
pub(crate) fn combination(word: Modifier, ty: Type) -> Option<fn(u64, u64, Flags) -> u64> {
    let chosen = match word {
        Modifier::Add => by_number!(Two, ty, int::add, float::add),
        Modifier::Min => by_integer!(Two, ty, int::min),
        Modifier::Max => by_integer!(Two, ty, int::max),
        Modifier::And => Some(Two(|a, b, _| a & b)),
        Modifier::Or => Some(Two(|a, b, _| a | b)),
        Modifier::Xor => Some(Two(|a, b, _| a ^ b)),
        Modifier::Init => Some(Two(mbarrier::init)),
        Modifier::Arrive => Some(Two(mbarrier::arrive)),
        Modifier::ArriveDrop => Some(Two(mbarrier::arrive_drop)),
        Modifier::ExpectTx => Some(Two(mbarrier::expect)),
        Modifier::CompleteTx => Some(Two(mbarrier::complete)),
        Modifier::Exch => Some(Two(|_, b, _| b)),
        Modifier::Inc => Some(Two(|a, b, _| if a >= b { 0 } else { a + 1 })),
        Modifier::Dec => Some(Two(|a, b, _| if a == 0 || a > b { b } else { a - 1 })),
        _ => None,
    };
    match chosen {
        Some(Two(function)) => Some(function),
        _ => None,
    }
}
