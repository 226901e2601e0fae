//! What the uniformity analysis knows of one register: the lattice that its transfer functions work on.

use crate::compile::analysis::lane_offsets::LaneOffsets;

/// What the threads of a lane group have in a register: a lattice, from the bottom up.
#[expect(
    clippy::large_enum_variant,
    reason = "they are copied, and most have lane offsets"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uniformity {
    /// All have the same value.
    Uniform,
    /// Each has the first one's value and a constant offset.
    Affine(LaneOffsets),
    /// Nothing is known.
    Divergent,
}

impl Uniformity {
    /// What the threads have beyond the first one; `None` where that is not known.
    pub(crate) fn offsets(self) -> Option<LaneOffsets> {
        match self {
            Uniformity::Uniform => Some(LaneOffsets::NONE),
            Uniformity::Affine(offsets) => Some(offsets),
            Uniformity::Divergent => None,
        }
    }

    pub(crate) fn of_offsets(offsets: LaneOffsets) -> Uniformity {
        if offsets.is_none() {
            Uniformity::Uniform
        } else {
            Uniformity::Affine(offsets)
        }
    }
}
