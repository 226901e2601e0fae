//! The small vocabulary of PTX: types, state spaces, special registers.

use std::fmt;

/// The type of a register, a variable or an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Type {
    Pred,
    B8,
    B16,
    B32,
    B64,
    U8,
    U16,
    U16x2,
    U32,
    U64,
    S8,
    S16,
    S16x2,
    S32,
    S64,
    F16,
    F16x2,
    BF16,
    BF16x2,
    /// Two numbers of 8 bits, with 4 of them for the exponent.
    E4M3x2,
    /// Two numbers of 8 bits, with 5 of them for the exponent.
    E5M2x2,
    /// One number of 8 bits, with 4 of them for the exponent: an element of a matrix.
    E4M3,
    /// One number of 8 bits, with 5 of them for the exponent.
    E5M2,
    /// An integer of 4 bits: an element of a matrix.
    S4,
    U4,
    /// A bit: an element of a matrix.
    B1,
    /// An f32 whose fraction has only 10 bits that count.
    TF32,
    F32,
    F64,
}

/// What the bits of a value mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeClass {
    Pred,
    Bits,
    Unsigned,
    Signed,
    Float,
}

/// Every type with its name, size in bits and class.
const TYPES: [(Type, &str, u32, TypeClass); 29] = [
    (Type::Pred, "pred", 1, TypeClass::Pred),
    (Type::B8, "b8", 8, TypeClass::Bits),
    (Type::B16, "b16", 16, TypeClass::Bits),
    (Type::B32, "b32", 32, TypeClass::Bits),
    (Type::B64, "b64", 64, TypeClass::Bits),
    (Type::U8, "u8", 8, TypeClass::Unsigned),
    (Type::U16, "u16", 16, TypeClass::Unsigned),
    (Type::U16x2, "u16x2", 32, TypeClass::Unsigned),
    (Type::U32, "u32", 32, TypeClass::Unsigned),
    (Type::U64, "u64", 64, TypeClass::Unsigned),
    (Type::S8, "s8", 8, TypeClass::Signed),
    (Type::S16, "s16", 16, TypeClass::Signed),
    (Type::S16x2, "s16x2", 32, TypeClass::Signed),
    (Type::S32, "s32", 32, TypeClass::Signed),
    (Type::S64, "s64", 64, TypeClass::Signed),
    (Type::F16, "f16", 16, TypeClass::Float),
    (Type::F16x2, "f16x2", 32, TypeClass::Float),
    (Type::BF16, "bf16", 16, TypeClass::Float),
    (Type::BF16x2, "bf16x2", 32, TypeClass::Float),
    (Type::E4M3x2, "e4m3x2", 16, TypeClass::Float),
    (Type::E5M2x2, "e5m2x2", 16, TypeClass::Float),
    (Type::E4M3, "e4m3", 8, TypeClass::Float),
    (Type::E5M2, "e5m2", 8, TypeClass::Float),
    (Type::S4, "s4", 4, TypeClass::Signed),
    (Type::U4, "u4", 4, TypeClass::Unsigned),
    (Type::B1, "b1", 1, TypeClass::Bits),
    (Type::TF32, "tf32", 32, TypeClass::Float),
    (Type::F32, "f32", 32, TypeClass::Float),
    (Type::F64, "f64", 64, TypeClass::Float),
];

impl Type {
    /// The type of this name, which has no dot.
    pub(crate) fn named(name: &str) -> Option<Type> {
        let found = TYPES.iter().find(|row| row.1 == name)?;
        Some(found.0)
    }

    fn row(self) -> (Type, &'static str, u32, TypeClass) {
        TYPES
            .iter()
            .find(|row| row.0 == self)
            .copied()
            .unwrap_or((self, "", 0, TypeClass::Bits))
    }

    pub(crate) fn name(self) -> &'static str {
        self.row().1
    }

    pub(crate) fn bits(self) -> u32 {
        self.row().2
    }

    /// The size in memory. A predicate has none.
    pub(crate) fn bytes(self) -> u32 {
        self.bits() / 8
    }

    pub(crate) fn class(self) -> TypeClass {
        self.row().3
    }

    pub(crate) fn is_signed(self) -> bool {
        self.class() == TypeClass::Signed
    }

    pub(crate) fn is_float(self) -> bool {
        self.class() == TypeClass::Float
    }

    pub(crate) fn is_integer(self) -> bool {
        matches!(
            self.class(),
            TypeClass::Bits | TypeClass::Unsigned | TypeClass::Signed
        )
    }

    /// Whether registers and variables can be declared with it: the others only say how an operation
    /// reads bits.
    pub(crate) fn is_declared(self) -> bool {
        !matches!(
            self,
            Type::U16x2
                | Type::S16x2
                | Type::BF16x2
                | Type::E4M3x2
                | Type::E5M2x2
                | Type::E4M3
                | Type::E5M2
                | Type::S4
                | Type::U4
                | Type::B1
                | Type::TF32
        )
    }

    /// The integer type of twice the size, for `.wide`.
    pub(crate) fn doubled(self) -> Type {
        match self {
            Type::U16 => Type::U32,
            Type::S16 => Type::S32,
            Type::U32 => Type::U64,
            Type::S32 => Type::S64,
            other => other,
        }
    }

    /// Whether a register of this type can stand where an operation works on `operation`: the same
    /// size, and the same class unless one of them is bits.
    pub(crate) fn fits(self, operation: Type) -> bool {
        if self.bits() != operation.bits() {
            return false;
        }
        match (self.class(), operation.class()) {
            (TypeClass::Pred, other) | (other, TypeClass::Pred) => other == TypeClass::Pred,
            (TypeClass::Bits, _) | (_, TypeClass::Bits) => true,
            (TypeClass::Float, _) | (_, TypeClass::Float) => self == operation,
            _ => true,
        }
    }

    /// Like [`fits`](Type::fits), but the register may also be wider, as loads, stores and
    /// conversions allow (PTX ISA, "Operand Size Exceeding Instruction-Type Size"): bits and integers
    /// in any wider integer register, bits in a wider register of a float, a float in wider bits.
    pub(crate) fn fits_loosely(self, operation: Type) -> bool {
        if self.fits(operation) {
            return true;
        }
        let suits = match (self.class(), operation.class()) {
            (TypeClass::Pred, _) | (_, TypeClass::Pred) => false,
            (TypeClass::Float, operation) => operation == TypeClass::Bits,
            (register, TypeClass::Float) => register == TypeClass::Bits,
            _ => true,
        };
        suits && self.bits() > operation.bits()
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ".{}", self.name())
    }
}

/// A state space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Space {
    Generic,
    Global,
    Shared,
    Local,
    Const,
    Param,
}

/// A register that the device sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Special {
    /// The dimension is 0, 1 or 2.
    Tid(u8),
    Ntid(u8),
    Ctaid(u8),
    Nctaid(u8),
    Laneid,
    Warpid,
    Nwarpid,
    Smid,
    Nsmid,
    Gridid,
    LanemaskEq,
    LanemaskLe,
    LanemaskLt,
    LanemaskGe,
    LanemaskGt,
    Clock,
    ClockHi,
    Clock64,
    GlobalTimer,
    GlobalTimerLo,
    GlobalTimerHi,
    DynamicSharedSize,
    TotalSharedSize,
    WarpSize,
}

const DIMENSIONS: [&str; 3] = ["x", "y", "z"];

/// Every special register without a dimension.
const PLAIN_SPECIALS: [(&str, Special); 21] = [
    ("%laneid", Special::Laneid),
    ("%warpid", Special::Warpid),
    ("%nwarpid", Special::Nwarpid),
    ("%smid", Special::Smid),
    ("%nsmid", Special::Nsmid),
    ("%gridid", Special::Gridid),
    ("%lanemask_eq", Special::LanemaskEq),
    ("%lanemask_le", Special::LanemaskLe),
    ("%lanemask_lt", Special::LanemaskLt),
    ("%lanemask_ge", Special::LanemaskGe),
    ("%lanemask_gt", Special::LanemaskGt),
    ("%clock", Special::Clock),
    ("%clock_hi", Special::ClockHi),
    ("%clock64", Special::Clock64),
    ("%globaltimer", Special::GlobalTimer),
    ("%globaltimer_lo", Special::GlobalTimerLo),
    ("%globaltimer_hi", Special::GlobalTimerHi),
    ("%aggr_smem_size", Special::TotalSharedSize),
    ("%dynamic_smem_size", Special::DynamicSharedSize),
    ("%total_smem_size", Special::TotalSharedSize),
    ("WARP_SZ", Special::WarpSize),
];

impl Special {
    /// The register of this name and, where it has dimensions, this one.
    pub(crate) fn named(name: &str, dimension: Option<&str>) -> Option<Special> {
        let Some(dimension) = dimension else {
            let found = PLAIN_SPECIALS.iter().find(|row| row.0 == name)?;
            return Some(found.1);
        };
        let dimension = DIMENSIONS.iter().position(|known| *known == dimension)?;
        let dimension = u8::try_from(dimension).ok()?;
        match name {
            "%tid" => Some(Special::Tid(dimension)),
            "%ntid" => Some(Special::Ntid(dimension)),
            "%ctaid" => Some(Special::Ctaid(dimension)),
            "%nctaid" => Some(Special::Nctaid(dimension)),
            // A block is its own cluster, since there are no others.
            "%clusterid" => Some(Special::Ctaid(dimension)),
            "%nclusterid" => Some(Special::Nctaid(dimension)),
            _ => None,
        }
    }

    /// What a register always holds that stands for something this device does not have: clusters,
    /// graphs, counters of events, and the environment that a driver sets.
    pub(crate) fn constant(name: &str, dimension: Option<&str>) -> Option<u64> {
        let numbered = |prefix: &str, most: u32| {
            let number = name.strip_prefix(prefix)?;
            let plain = number == "0" || !number.starts_with('0');
            number
                .parse::<u32>()
                .ok()
                .filter(|number| plain && *number < most)
        };
        match (name, dimension) {
            ("%tid" | "%ctaid" | "%clusterid" | "%cluster_ctaid", Some("w")) => Some(0),
            ("%ntid" | "%nctaid" | "%nclusterid" | "%cluster_nctaid", Some("w")) => Some(1),
            ("%cluster_ctaid", Some("x" | "y" | "z")) => Some(0),
            ("%cluster_nctaid", Some("x" | "y" | "z")) => Some(1),
            ("%cluster_ctarank" | "%current_graph_exec" | "%is_explicit_cluster", None) => Some(0),
            ("%cluster_nctarank", None) => Some(1),
            (_, None) => {
                let known = numbered("%envreg", 32).or_else(|| numbered("%pm", 8));
                known.map(|_| 0)
            }
            _ => None,
        }
    }

    /// Whether this name, followed by a dimension, is a special register.
    pub(crate) fn has_dimensions(name: &str) -> bool {
        Special::named(name, Some("x")).is_some() || Special::constant(name, Some("x")).is_some()
    }

    /// The size of its value.
    pub(crate) fn bits(self) -> u32 {
        match self {
            Special::Clock64 | Special::GlobalTimer | Special::Gridid => 64,
            _ => 32,
        }
    }
}

impl fmt::Display for Special {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, dimension) = match self {
            Special::Tid(dimension) => ("%tid", dimension),
            Special::Ntid(dimension) => ("%ntid", dimension),
            Special::Ctaid(dimension) => ("%ctaid", dimension),
            Special::Nctaid(dimension) => ("%nctaid", dimension),
            plain => {
                let row = PLAIN_SPECIALS.iter().find(|row| row.1 == *plain);
                return f.write_str(row.map_or("", |row| row.0));
            }
        };
        let dimension = DIMENSIONS.get(usize::from(*dimension)).unwrap_or(&"x");
        write!(f, "{name}.{dimension}")
    }
}
