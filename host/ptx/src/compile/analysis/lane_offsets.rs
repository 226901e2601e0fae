//! Lane offsets: how much more each thread of a lane group has in an affine register than the first one.

use crate::simt::warp::WARP_LANES;

const LANES: usize = WARP_LANES as usize;

/// For each lane, how much more it has than the first one, modulo the register's size. Where a lane
/// group has fewer lanes than a warp, its offsets stand there again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LaneOffsets([i64; LANES]);

impl LaneOffsets {
    /// All lanes have the same.
    pub(crate) const NONE: LaneOffsets = LaneOffsets([0; LANES]);

    /// Each of a group's lanes, which are so many, has so much more than the one before it.
    pub(crate) fn stride(stride: i64, lanes_in_group: u32) -> LaneOffsets {
        let mut lanes = [0; LANES];
        for (lane, away) in (0u32..).zip(lanes.iter_mut()) {
            *away = stride.wrapping_mul(i64::from(lane % lanes_in_group.max(1)));
        }
        LaneOffsets(lanes)
    }

    pub(crate) fn is_none(&self) -> bool {
        *self == LaneOffsets::NONE
    }

    /// The offset of a lane; there are no others than a warp's.
    pub(crate) fn of(&self, lane: u32) -> i64 {
        debug_assert!(lane < WARP_LANES, "lane {lane}");
        self.0.get(lane as usize).copied().unwrap_or(0)
    }

    pub(crate) fn map(self, f: impl Fn(i64) -> i64) -> LaneOffsets {
        LaneOffsets(self.0.map(f))
    }

    pub(crate) fn with(self, other: LaneOffsets, f: impl Fn(i64, i64) -> i64) -> LaneOffsets {
        let mut lanes = self.0;
        for (a, b) in lanes.iter_mut().zip(other.0) {
            *a = f(*a, b);
        }
        LaneOffsets(lanes)
    }

    pub(crate) fn all(&self, f: impl Fn(i64) -> bool) -> bool {
        self.0.iter().all(|away| f(*away))
    }

    /// Whether no lane is farther from the first one.
    pub(crate) fn is_within(&self, far: u64) -> bool {
        self.all(|away| away.unsigned_abs() <= far)
    }

    /// The least offset: at most zero, the first lane's own.
    pub(crate) fn least(&self) -> i64 {
        self.0.iter().copied().min().unwrap_or(0)
    }

    /// The greatest offset: at least zero.
    pub(crate) fn most(&self) -> i64 {
        self.0.iter().copied().max().unwrap_or(0)
    }

    /// Whether so many lanes, from one on, are each so much apart.
    pub(crate) fn is_stride(&self, first: u32, count: u32, stride: i64) -> bool {
        (first + 1..first + count)
            .all(|lane| self.of(lane).wrapping_sub(self.of(lane - 1)) == stride)
    }

    /// Whether so many lanes from one on have the offsets of as many from an earlier one on.
    pub(crate) fn repeats(&self, first: u32, earlier: u32, count: u32) -> bool {
        (0..count).all(|lane| self.of(first + lane) == self.of(earlier + lane))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stride_is_what_each_lane_has_more_than_the_one_before_it() {
        let four = LaneOffsets::stride(4, 16);
        assert_eq!((four.of(0), four.of(1), four.of(15)), (0, 4, 60));
        assert_eq!((four.least(), four.most()), (0, 60));
        assert!(four.is_stride(0, 16, 4));
        assert!(!four.is_stride(0, 16, 8));
        assert!(LaneOffsets::stride(0, 16).is_none());
        let warp = LaneOffsets::stride(4, 32);
        assert_eq!((warp.of(31), warp.most()), (124, 124));
        assert!(warp.is_stride(0, 32, 4) && warp != four);
    }

    #[test]
    fn the_first_lane_counts_among_the_least_and_the_most() {
        let down = LaneOffsets::stride(-3, 16);
        assert_eq!((down.least(), down.most()), (-45, 0));
        assert!(down.is_within(45) && !down.is_within(44));
    }

    #[test]
    fn offsets_add_lane_by_lane_and_wrap_around() {
        let sum =
            LaneOffsets::stride(i64::MAX, 16).with(LaneOffsets::stride(1, 16), i64::wrapping_add);
        assert_eq!(sum, LaneOffsets::stride(i64::MIN, 16));
        let low = LaneOffsets::stride(1, 16).map(|offset| offset & 3);
        assert!(low.repeats(4, 0, 4) && low.repeats(12, 8, 4));
        assert!(!low.repeats(1, 0, 4));
        assert!(low.is_stride(4, 4, 1) && !low.is_stride(2, 4, 1));
    }
}
