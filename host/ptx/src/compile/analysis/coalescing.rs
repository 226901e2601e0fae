//! Coalesced accesses: loads and stores at addresses that are uniform or affine, so that one address
//! stands for those of all lanes, as in the memory system of a GPU; and those whose lanes' addresses are
//! unrelated, which vector code gathers and scatters.

use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::analysis::uniformity::{Uniformity, UniformityInfo};
use crate::compile::ir::{AccessAddress, Arg, Body, Op, SiteKind, Space};

/// How far apart the lanes of a coalesced access may be, and accesses that share a guard.
pub(crate) const FAR: u64 = 1 << 20;

/// The address of an access that can be coalesced.
pub(crate) fn address(op: &Op) -> Option<&AccessAddress> {
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
pub(crate) fn size(body: &Body, place: &AccessAddress) -> Option<(u32, u8)> {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::compile::analysis::{liveness, uniformity};
    use crate::compile::ir::opcodes::Opcode;
    use crate::compile::ir::samples::{last_block, load, store};
    use crate::compile::ir::{Reg, SpecialValue, Ty};

    /// A kernel with a pointer, the thread's number in 64 bits, and a number that differs from thread to
    /// thread.
    struct Kernel {
        body: Body,
        ops: Vec<Op>,
        pointer: Reg,
        thread: Reg,
        other: Reg,
    }

    impl Kernel {
        fn new() -> Kernel {
            let mut body = Body::default();
            let (narrow, pointer) = (body.reg(Ty::I32), body.reg(Ty::I64));
            let (thread, other) = (body.reg(Ty::I64), body.reg(Ty::I64));
            let ops = vec![
                Op::Special(narrow, SpecialValue::Thread),
                Op::Special(pointer, SpecialValue::Launch(256, Ty::I64)),
                Op::Unary(Opcode::I64ExtendI32U, thread, Arg::Reg(narrow)),
                Op::Special(other, SpecialValue::Clock),
            ];
            Kernel {
                body,
                ops,
                pointer,
                thread,
                other,
            }
        }

        /// The pointer, and so many bytes for each unit of another register.
        fn address(&mut self, index: Reg, stride: u64) -> Arg {
            let (bytes, sum) = (self.body.reg(Ty::I64), self.body.reg(Ty::I64));
            let (index, bytes_of) = (Arg::Reg(index), Arg::Reg(bytes));
            self.ops
                .push(Op::Binary(Opcode::I64Mul, bytes, index, Arg::I64(stride)));
            let pointer = Arg::Reg(self.pointer);
            self.ops
                .push(Op::Binary(Opcode::I64Add, sum, pointer, bytes_of));
            Arg::Reg(sum)
        }

        fn load(&mut self, ty: Ty, space: Space, base: Arg, offset: i64) -> Op {
            let target = self.body.reg(ty);
            load(&mut self.body, &[target], (space, base, offset))
        }

        fn store(&mut self, value: Arg, base: Arg) -> Op {
            store(&mut self.body, &[value], (Space::Global, base, 0))
        }

        /// How far apart the lanes of an access are, if it is coalesced, and whether it is a gather.
        fn of(&self, access: &Op) -> (Option<LaneOffsets>, bool) {
            let mut body = self.body.clone();
            let ops = self.ops.iter().chain([access]).cloned().collect();
            last_block(&mut body, ops);
            let live = liveness::analyze(&body).unwrap();
            let uniformity = uniformity::analyze(&body, &live).unwrap();
            let found = coalesced(&body, &uniformity, access);
            (found, is_gather(&uniformity, access))
        }
    }

    const NEITHER: (Option<LaneOffsets>, bool) = (None, false);
    const GATHER: (Option<LaneOffsets>, bool) = (None, true);

    fn apart(stride: i64) -> (Option<LaneOffsets>, bool) {
        (Some(LaneOffsets::stride(stride, 16)), false)
    }

    #[test]
    fn an_access_at_one_address_is_coalesced() {
        let mut kernel = Kernel::new();
        let pointer = Arg::Reg(kernel.pointer);
        let loads = [
            kernel.load(Ty::F32, Space::Global, pointer, 12),
            kernel.load(Ty::F64, Space::Generic, pointer, 1),
            kernel.load(Ty::I32, Space::Shared, Arg::I32(64), 0),
        ];
        for load in &loads {
            assert_eq!(kernel.of(load), apart(0), "{load:?}");
        }
    }

    #[test]
    fn an_access_whose_lanes_are_multiples_of_its_size_apart_is_coalesced() {
        let mut kernel = Kernel::new();
        for stride in [4, 8, 12, -4i64] {
            let base = kernel.address(kernel.thread, stride.cast_unsigned());
            let load = kernel.load(Ty::F32, Space::Global, base, 4);
            assert_eq!(kernel.of(&load), apart(stride));
            let value = Arg::Reg(kernel.other);
            let store = kernel.store(value, base);
            let expected = if stride == 8 { apart(8) } else { NEITHER };
            assert_eq!(kernel.of(&store), expected, "{stride}, eight bytes");
        }
        let base = kernel.address(kernel.thread, 2);
        let load = kernel.load(Ty::F32, Space::Global, base, 0);
        assert_eq!(kernel.of(&load), NEITHER);
    }

    #[test]
    fn the_size_of_an_access_is_that_of_all_its_elements() {
        let mut kernel = Kernel::new();
        let targets = [kernel.body.reg(Ty::F32), kernel.body.reg(Ty::F32)];
        for (stride, expected) in [(4, NEITHER), (8, apart(8))] {
            let base = kernel.address(kernel.thread, stride);
            let pair = load(&mut kernel.body, &targets, (Space::Global, base, 0));
            assert_eq!(size(&kernel.body, address(&pair).unwrap()), Some((8, 3)));
            assert_eq!(kernel.of(&pair), expected, "{stride}");
        }
    }

    #[test]
    fn an_access_at_addresses_that_are_unrelated_is_a_gather() {
        let mut kernel = Kernel::new();
        let base = kernel.address(kernel.other, 4);
        for space in [Space::Global, Space::Generic] {
            let load = kernel.load(Ty::F32, space, base, 0);
            assert_eq!(kernel.of(&load), GATHER, "{space:?}");
        }
        let scatter = kernel.store(Arg::I32(1), base);
        assert_eq!(kernel.of(&scatter), GATHER);
    }

    #[test]
    fn a_store_at_one_address_is_coalesced_only_if_all_lanes_store_one_value() {
        let mut kernel = Kernel::new();
        let pointer = Arg::Reg(kernel.pointer);
        let one = kernel.store(pointer, pointer);
        assert_eq!(kernel.of(&one), apart(0));
        for values in [kernel.thread, kernel.other] {
            let many = kernel.store(Arg::Reg(values), pointer);
            assert_eq!(kernel.of(&many), NEITHER, "{values}");
        }
    }

    #[test]
    fn lanes_that_are_far_apart_are_not_coalesced() {
        let mut kernel = Kernel::new();
        let most = FAR / 15 / 4 * 4;
        for (stride, expected) in [(most, apart(most.cast_signed())), (most + 4, NEITHER)] {
            let base = kernel.address(kernel.thread, stride);
            let load = kernel.load(Ty::F32, Space::Global, base, 0);
            assert_eq!(kernel.of(&load), expected, "{stride}");
        }
        let pointer = Arg::Reg(kernel.pointer);
        for (offset, expected) in [(1 << 40, apart(0)), ((1 << 40) + 1, NEITHER)] {
            let load = kernel.load(Ty::F32, Space::Global, pointer, offset);
            assert_eq!(kernel.of(&load), expected, "offset {offset}");
        }
    }

    #[test]
    fn atomic_accesses_and_those_of_a_thread_s_own_memory_are_neither() {
        let mut kernel = Kernel::new();
        let scattered = kernel.address(kernel.other, 4);
        for base in [Arg::Reg(kernel.pointer), scattered] {
            let mut load = kernel.load(Ty::I32, Space::Global, base, 0);
            if let Op::Load { atomic, .. } = &mut load {
                *atomic = true;
            }
            assert_eq!(kernel.of(&load), NEITHER);
        }
        for space in [Space::Local, Space::Argument] {
            let load = kernel.load(Ty::I32, space, Arg::I32(8), 0);
            assert_eq!(kernel.of(&load), NEITHER, "{space:?}");
        }
    }
}
