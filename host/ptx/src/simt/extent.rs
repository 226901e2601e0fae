//! Three-dimensional extents, and the numbering of what lies in them.

use std::fmt;

/// Three dimensions: of a grid in blocks, of a block in threads, or a place in one of them.
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
    /// How many places there are, or `None` where 64 bits cannot tell.
    #[must_use]
    pub fn count(self) -> Option<u64> {
        (u64::from(self.x) * u64::from(self.y)).checked_mul(u64::from(self.z))
    }

    /// The place with this number, counting along x, then y, then z; `None` outside of the extent.
    #[must_use]
    pub fn place(self, linear: u64) -> Option<Extent> {
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
