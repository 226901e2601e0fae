//! Three-dimensional extents, and the numbering of what lies in them.

use std::fmt;

/// Three dimensions: of a grid in blocks, of a block in threads, or a position in one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// The first dimension, the one that varies fastest.
    pub x: u32,
    /// The second dimension.
    pub y: u32,
    /// The third dimension.
    pub z: u32,
}

impl Extent {
    /// How many positions there are, or `None` where 64 bits cannot tell.
    #[must_use]
    pub fn count(self) -> Option<u64> {
        (u64::from(self.x) * u64::from(self.y)).checked_mul(u64::from(self.z))
    }

    /// The position with this number, counting along x, then y, then z; `None` outside of the extent.
    #[must_use]
    pub fn position(self, linear: u64) -> Option<Extent> {
        if linear >= self.count()? {
            return None;
        }
        let (x, y) = (u64::from(self.x), u64::from(self.y));
        Some(Extent {
            x: u32::try_from(linear % x).ok()?,
            y: u32::try_from(linear / x % y).ok()?,
            z: u32::try_from(linear / x / y).ok()?,
        })
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {}, {})", self.x, self.y, self.z)
    }
}

impl Extent {
    /// The first position of every extent.
    pub(crate) const ORIGIN: Extent = Extent { x: 0, y: 0, z: 0 };

    /// One dimension, of 0 to 2.
    pub(crate) fn dimension(self, dimension: u8) -> u32 {
        match dimension {
            0 => self.x,
            1 => self.y,
            _ => self.z,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn positions_are_numbered_along_x_then_y_then_z(x in 1u32..9, y in 1u32..9, z in 1u32..9) {
            let extent = Extent { x, y, z };
            let mut linear = 0;
            for z in 0..z {
                for y in 0..y {
                    for x in 0..x {
                        prop_assert_eq!(extent.position(linear), Some(Extent { x, y, z }));
                        linear += 1;
                    }
                }
            }
            prop_assert_eq!(extent.count(), Some(linear));
            prop_assert_eq!(extent.position(linear), None);
        }
    }

    #[test]
    fn extents_that_64_bits_cannot_count_have_no_positions() {
        let most = u32::MAX;
        let extent = Extent {
            x: most,
            y: most,
            z: most,
        };
        assert_eq!(extent.count(), None);
        assert_eq!(extent.position(0), None);
        assert_eq!(Extent { x: 0, ..extent }.count(), Some(0));
    }
}
