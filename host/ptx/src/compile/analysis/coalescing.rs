//! Coalesced accesses: loads and stores at addresses that are uniform or affine, so that one address
//! stands for those of all lanes, as in the memory system of a GPU; and those whose lanes' addresses are
//! unrelated, which vector code gathers and scatters.

use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::analysis::uniformity::{Uniformity, UniformityInfo};
use crate::compile::ir::{Arg, Body, Op, Place, SiteKind, Space};

/// How far apart the lanes of a coalesced access may be, and accesses that share a guard.
pub(crate) const FAR: u64 = 1 << 20;

/// The address of an access that can be coalesced.
pub(crate) fn address(op: &Op) -> Option<&Place> {
    match op {
        Op::Load {
            place,
            atomic: false,
            ..
        }
        | Op::Store {
            place,
            atomic: false,
            ..
        } => Some(place),
        _ => None,
    }
}

/// The size of an access and its logarithm.
pub(crate) fn size(body: &Body, place: &Place) -> Option<(u32, u8)> {
    match body.sites.get(place.site)?.what {
        SiteKind::Access { bytes, lanes, .. } => {
            let size = bytes * lanes;
            Some((size, size.trailing_zeros() as u8))
        }
        _ => None,
    }
}

/// How far apart the lanes' addresses are, where a step is a coalesced access.
pub(crate) fn coalesced(body: &Body, uniformity: &UniformityInfo, op: &Op) -> Option<LaneOffsets> {
    let place = address(op)?;
    if !matches!(place.space, Space::Global | Space::Shared | Space::Generic) || !place.is_near() {
        return None;
    }
    let (size, _) = size(body, place)?;
    let offsets = match uniformity.of_arg(place.base) {
        Uniformity::Uniform => LaneOffsets::NONE,
        Uniformity::Affine(offsets) if offsets.is_within(FAR) => offsets,
        _ => return None,
    };
    // At one address, all lanes must store one value.
    let is_uniform = |value: &Arg| uniformity.of_arg(*value) == Uniformity::Uniform;
    let is_one_value = match op {
        Op::Store { values, .. } if offsets.is_none() => values.iter().all(is_uniform),
        _ => true,
    };
    let is_aligned = offsets.all(|offset| offset % i64::from(size) == 0);
    (is_aligned && is_one_value).then_some(offsets)
}

/// Whether a step gathers or scatters: its lanes' addresses are unrelated, and it is not atomic.
pub(crate) fn is_gather(uniformity: &UniformityInfo, op: &Op) -> bool {
    address(op).is_some_and(|place| {
        uniformity.of_arg(place.base) == Uniformity::Divergent
            && matches!(place.space, Space::Global | Space::Shared | Space::Generic)
    })
}
