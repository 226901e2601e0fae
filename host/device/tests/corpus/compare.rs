//! How far what two devices left in memory is apart.

use super::common::Number;

/// What lies in a piece of memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NumberFormat {
    F32,
    F64,
    /// Anything else, of so many bytes.
    Bits(usize),
}

impl NumberFormat {
    pub fn of<T: Number>() -> NumberFormat {
        match std::any::type_name::<T>() {
            "f32" => NumberFormat::F32,
            "f64" => NumberFormat::F64,
            _ => NumberFormat::Bits(T::BYTES),
        }
    }

    pub fn bytes(self) -> usize {
        match self {
            NumberFormat::F32 => 4,
            NumberFormat::F64 => 8,
            NumberFormat::Bits(bytes) => bytes,
        }
    }
}

/// Some values in memory.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    pub place: usize,
    pub count: usize,
    pub kind: NumberFormat,
}

/// What a kernel left in one region.
pub type Output = (NumberFormat, Vec<u8>);

/// How far two outputs are apart.
#[derive(Debug, Default, PartialEq)]
pub struct Difference {
    pub values: usize,
    /// Values that are not the same bits.
    pub differing: usize,
    /// The most among floating-point numbers, in units in the last place.
    pub ulps: Option<u64>,
    /// The same, as a difference.
    pub absolute: Option<f64>,
}

impl Difference {
    pub fn between(one: &[Output], other: &[Output]) -> Difference {
        let mut difference = Difference::default();
        for ((kind, one), (_, other)) in one.iter().zip(other) {
            let pairs = one.chunks(kind.bytes()).zip(other.chunks(kind.bytes()));
            for (one, other) in pairs {
                difference.values += 1;
                if one != other {
                    difference.add(*kind, word(one), word(other));
                }
            }
        }
        difference
    }

    fn add(&mut self, kind: NumberFormat, one: u64, other: u64) {
        self.differing += 1;
        let (steps, apart) = match kind {
            NumberFormat::F32 => {
                let (a, b) = (one as u32, other as u32);
                let steps = ordered(one << 32).abs_diff(ordered(other << 32)) >> 32;
                (
                    steps,
                    f64::from(f32::from_bits(a)) - f64::from(f32::from_bits(b)),
                )
            }
            NumberFormat::F64 => (
                ordered(one).abs_diff(ordered(other)),
                f64::from_bits(one) - f64::from_bits(other),
            ),
            NumberFormat::Bits(_) => return,
        };
        self.ulps = self.ulps.max(Some(steps));
        self.absolute = Some(self.absolute.unwrap_or(0.0).max(apart.abs()));
    }
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

/// The bits of a number in the order of their values: neighbours are one apart, and the
/// two zeros not at all.
fn ordered(bits: u64) -> i64 {
    let magnitude = (bits & (u64::MAX >> 1)).cast_signed();
    if bits >> 63 == 1 {
        -magnitude
    } else {
        magnitude
    }
}

#[test]
fn neighbours_are_one_unit_apart_also_across_zero() {
    let apart = |a: f32, b: f32| {
        let output = |value: f32| [(NumberFormat::F32, value.to_le_bytes().to_vec())];
        Difference::between(&output(a), &output(b))
    };
    assert_eq!(
        apart(1.0, 1.0),
        Difference {
            values: 1,
            ..Difference::default()
        }
    );
    assert_eq!(apart(1.0, 1.0f32.next_up()).ulps, Some(1));
    assert_eq!(apart(0.0, -0.0).ulps, Some(0));
    let least = f32::from_bits(1);
    assert_eq!(apart(least, -least).ulps, Some(2));
    assert_eq!(apart(1.0, 3.0).absolute, Some(2.0));
}

#[test]
fn integers_are_the_same_or_not() {
    let output = |value: u16| [(NumberFormat::of::<u16>(), value.to_le_bytes().to_vec())];
    let difference = Difference::between(&output(3), &output(7));
    assert_eq!((difference.differing, difference.ulps), (1, None));
}
