//! Tests of what bounds guards stand for.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::compile::analysis::{allocation_roots, liveness, uniformity};
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::samples::{Thread, load, store};
use crate::compile::ir::{End, Ty};

/// A kernel whose blocks are split where they have to be.
struct Kernel {
    body: Body,
    uniformity: UniformityInfo,
    caches: BoundsCaches,
    plan: GuardPlan,
}

impl Kernel {
    fn new(mut body: Body, mut ops: Vec<Op>) -> Kernel {
        let mut whole = body.clone();
        let (line, end) = (0, End::Exit);
        whole.blocks.push(Block {
            line,
            ops: ops.clone(),
            end: end.clone(),
        });
        let live = liveness::analyze(&whole).unwrap();
        let uniformity = uniformity::analyze(&whole, &live).unwrap();
        while let Some(at) = first_unknown(&body, &uniformity, &ops) {
            let rest = ops.split_off(at);
            let next = BlockId(body.blocks.next_key().0 + 1);
            let end = End::Jump(next);
            body.blocks.push(Block { line, ops, end });
            ops = rest;
        }
        body.blocks.push(Block { line, ops, end });
        let caches = allocation_roots::analyze(&body);
        let plan = plan(&body, &uniformity, &caches).unwrap();
        Kernel {
            body,
            uniformity,
            caches,
            plan,
        }
    }

    /// The guards of accesses in a block, with how many bytes each checks.
    fn accesses(&self, block: BlockId) -> Vec<(usize, Access, u64)> {
        let guards = self.plan.of(block).map(|guards| guards.guards.as_slice());
        let guards = guards.unwrap_or_default().iter();
        let accesses = guards.filter_map(|(step, guard)| match guard {
            BoundsGuard::Access(access) => Some((*step, *access, self.bytes(access))),
            BoundsGuard::Extend { .. } => None,
        });
        accesses.collect()
    }

    fn bytes(&self, access: &Access) -> u64 {
        let limits = self.plan.limits();
        let (shift, reach) = match access.limit {
            Limit::Shared(limit) => *limits.shared.get(limit).unwrap(),
            Limit::Device(cache, limit) => {
                let (of, reach) = *limits.device.get(limit).unwrap();
                assert_eq!(of, cache);
                (self.caches.all().get(cache).unwrap().shift, reach)
            }
        };
        assert_eq!(shift, access.shift);
        (reach + 1) << shift
    }
}

/// What the threads of a lane group have before each step of a block.
struct Trace {
    before: Vec<Vec<Thread>>,
}

/// A number that looks random, the same one for the same number.
fn mixed(number: u64) -> u64 {
    fastrand::Rng::with_seed(number).u64(..)
}

fn step(lane: &mut Thread, op: &Op) {
    match op {
        Op::Load { targets, place, .. } => {
            let address = lane.arg(place.base).wrapping_add_signed(place.offset);
            for (number, target) in (0..).zip(targets) {
                lane.registers
                    .insert(*target, mixed(address.wrapping_add(number)));
            }
        }
        Op::Store { .. } => {}
        Op::Special(target, SpecialValue::Launch(address, Ty::I64)) => {
            lane.registers.insert(*target, mixed(u64::from(*address)));
        }
        op => lane.step(op),
    }
}

impl Trace {
    /// Runs the lanes of a group through a block; `None` where a number wraps around that is extended,
    /// which sends the group to scalar code.
    fn of(kernel: &Kernel, block: &Block, lanes: &mut [Thread]) -> Option<Trace> {
        let mut before = Vec::new();
        for op in &block.ops {
            before.push(lanes.to_vec());
            lanes.iter_mut().for_each(|lane| step(lane, op));
            if let Some((_, _, offsets)) = extended(&kernel.uniformity, op) {
                let value = |lane: &Thread| lane.arg(Arg::Reg(op.targets()[0]));
                let first = value(&lanes[0]);
                let mut all = (0u32..).zip(lanes.iter());
                if all.any(|(n, lane)| value(lane) != first.wrapping_add_signed(offsets.of(n))) {
                    return None;
                }
            }
        }
        Some(Trace { before })
    }
}

/// What was found in random kernels.
#[derive(Default, Debug)]
struct Found {
    accesses: usize,
    /// Accesses whose guard stands for others before them, too.
    shared: usize,
    ahead: usize,
}

/// Checks that the guards of a block stand for all of its coalesced accesses.
fn check(kernel: &Kernel, id: BlockId, trace: &Trace, found: &mut Found) {
    let block = kernel.body.block(id).unwrap();
    let guards = kernel.accesses(id);
    let mut seen = HashSet::default();
    for (number, op) in block.ops.iter().enumerate() {
        if coalesced(&kernel.body, &kernel.uniformity, op).is_none() {
            continue;
        }
        let place = address(op).unwrap();
        let (size, shift) = size(&kernel.body, place).unwrap();
        let first = kernel.plan.first(place.site).unwrap();
        let mask = match place.space {
            Space::Shared => u64::from(u32::MAX),
            _ => u64::MAX,
        };
        let here = &trace.before[number];
        let begin = here[0].arg(place.base).wrapping_add_signed(first) & mask;
        let is_of_access = |(before, guard, _): &(usize, Access, u64)| {
            let lane = &trace.before[*before][0];
            let same_memory = match guard.limit {
                Limit::Shared(_) => place.space == Space::Shared,
                Limit::Device(cache, _) => {
                    place.space != Space::Shared && kernel.caches.of(place.site).unwrap() == cache
                }
            };
            let checked = lane.arg(guard.base).wrapping_add_signed(guard.first) & mask;
            *before <= number && same_memory && guard.shift == shift && checked == begin
        };
        // Those of generic addresses and those of device memory may begin at one address.
        let numbers = (0..guards.len()).filter(|number| is_of_access(&guards[*number]));
        let guard = numbers.max_by_key(|number| guards[*number].2);
        let guard = guard.unwrap_or_else(|| panic!("no guard for {op:?}: {guards:?}"));
        let bytes = guards[guard].2;
        for lane in here {
            let address = lane.arg(place.base).wrapping_add_signed(place.offset);
            let from = address.wrapping_sub(begin) & mask;
            assert!(
                from <= bytes - u64::from(size),
                "{op:?} is {from} bytes behind what {:?} checks {bytes} bytes of, in {:#?}",
                guards[guard],
                kernel.body
            );
            // The guard says whether the first is aligned.
            assert_eq!(from % u64::from(size), 0, "{op:?}");
        }
        found.accesses += 1;
        found.shared += usize::from(!seen.insert(guard));
    }
}

/// Checks that the steps that are done in advance give guards what they compare.
fn check_ahead(kernel: &Kernel, id: BlockId, trace: &Trace, found: &mut Found) {
    let Some(guards) = kernel.plan.of(id) else {
        return;
    };
    let block = kernel.body.block(id).unwrap();
    let mut ahead = trace.before[0][0].clone();
    for (number, op) in block.ops.iter().enumerate() {
        for guard in guards.before(number) {
            let (BoundsGuard::Access(Access { base: arg, .. })
            | BoundsGuard::Extend { a: arg, .. }) = guard;
            let actual = trace.before[number][0].arg(*arg);
            assert_eq!(ahead.arg(*arg), actual, "{guard:?} in {:#?}", kernel.body);
        }
        if guards.needed.contains(&number) {
            assert!(is_simple(&kernel.uniformity, op), "{op:?} in advance");
            step(&mut ahead, op);
            found.ahead += 1;
        }
    }
}

const NARROW: [Reg; 3] = [Reg(0), Reg(1), Reg(2)];
const WIDE: [Reg; 4] = [Reg(3), Reg(4), Reg(5), Reg(6)];
const FLOAT: Reg = Reg(7);

fn offset(rng: &mut fastrand::Rng) -> i64 {
    match rng.u8(..9) {
        0 => 0,
        1 => rng.i64(-(1 << 21)..1 << 21),
        2 => 8 * rng.i64(-(1 << 18)..1 << 18),
        3 => 4 * rng.i64(-32..32),
        _ => 4 * rng.i64(0..64),
    }
}

/// A load or store of one, two or four elements.
fn access(rng: &mut fastrand::Rng, body: &mut Body) -> Op {
    let space = match rng.u8(..8) {
        0 => Space::Generic,
        1 | 2 => Space::Shared,
        _ => Space::Global,
    };
    let base = match space {
        Space::Shared if rng.u8(..4) == 0 => Arg::I32(4 * rng.u32(..64)),
        Space::Shared => Arg::Reg(NARROW[rng.usize(1..3)]),
        _ if rng.u8(..8) == 0 => Arg::I64(8 * rng.u64(..64)),
        _ => Arg::Reg(WIDE[rng.usize(1..3)]),
    };
    let at = (space, base, offset(rng));
    let lanes = 1 << rng.u8(..6).saturating_sub(3);
    if rng.bool() {
        let value = if rng.u8(..4) > 0 {
            Arg::F32(1)
        } else {
            Arg::Reg(WIDE[rng.usize(..4)])
        };
        store(body, &vec![value; lanes], at)
    } else {
        let target = if rng.u8(..20) == 0 {
            WIDE[rng.usize(..4)]
        } else {
            FLOAT
        };
        load(body, &vec![target; lanes], at)
    }
}

fn random_step(rng: &mut fastrand::Rng, body: &mut Body) -> Op {
    let narrow = |rng: &mut fastrand::Rng| NARROW[rng.usize(..3)];
    let wide = |rng: &mut fastrand::Rng| WIDE[rng.usize(..4)];
    match rng.u8(..24) {
        0 => Op::Special(
            wide(rng),
            SpecialValue::Launch(256 + 8 * rng.u32(..2), Ty::I64),
        ),
        1 => Op::Special(narrow(rng), SpecialValue::Thread),
        2 => Op::Unary(Opcode::I64ExtendI32S, wide(rng), Arg::Reg(narrow(rng))),
        3 => Op::Unary(Opcode::I32WrapI64, narrow(rng), Arg::Reg(wide(rng))),
        4 => {
            let (target, a) = (narrow(rng), Arg::Reg(narrow(rng)));
            Op::Binary(Opcode::I32Shl, target, a, Arg::I32(rng.u32(..5)))
        }
        5 => {
            let (target, a) = (wide(rng), Arg::Reg(wide(rng)));
            Op::Binary(Opcode::I64Add, target, a, Arg::Reg(wide(rng)))
        }
        6 => Op::Copy(wide(rng), Arg::Reg(wide(rng))),
        7 | 8 => {
            let (target, a) = (wide(rng), Arg::Reg(wide(rng)));
            let by = Arg::I64(offset(rng).cast_unsigned());
            Op::Binary(Opcode::I64Add, target, a, by)
        }
        9 => {
            let (target, a) = (narrow(rng), Arg::Reg(narrow(rng)));
            let by = Arg::I32(offset(rng).cast_unsigned() as u32);
            Op::Binary(Opcode::I32Add, target, a, by)
        }
        _ => access(rng, body),
    }
}

fn registers() -> Body {
    let mut body = Body::default();
    for reg in NARROW {
        assert_eq!(body.reg(Ty::I32), reg);
    }
    for reg in WIDE {
        assert_eq!(body.reg(Ty::I64), reg);
    }
    assert_eq!(body.reg(Ty::F32), FLOAT);
    body.declared = body.regs.keys().collect();
    body
}

/// A thread's own element of an array of numbers of four bytes, in `WIDE[1]`, of which an argument is
/// the pointer, in `WIDE[0]`; and in `NARROW[1]` the same from the start of shared memory.
fn prologue() -> Vec<Op> {
    let (thread, bytes) = (Arg::Reg(NARROW[0]), Arg::Reg(NARROW[1]));
    let (pointer, wide) = (Arg::Reg(WIDE[0]), Arg::Reg(WIDE[1]));
    vec![
        Op::Special(NARROW[0], SpecialValue::Thread),
        Op::Special(WIDE[0], SpecialValue::Launch(256, Ty::I64)),
        Op::Binary(Opcode::I32Shl, NARROW[1], thread, Arg::I32(2)),
        Op::Unary(Opcode::I64ExtendI32U, WIDE[1], bytes),
        Op::Binary(Opcode::I64Add, WIDE[1], pointer, wide),
    ]
}

#[test]
fn a_guard_stands_for_all_bytes_of_its_accesses_in_all_lanes() {
    let mut rng = fastrand::Rng::with_seed(3);
    let mut found = Found::default();
    for _ in 0..4000 {
        let mut body = registers();
        body.whole_warps = rng.bool();
        let mut ops = prologue();
        for _ in 0..rng.usize(1..24) {
            let step = random_step(&mut rng, &mut body);
            ops.push(step);
        }
        let kernel = Kernel::new(body, ops);
        let first = kernel.body.lanes() * rng.u32(..32);
        let lanes = first..first + kernel.body.lanes();
        let lanes = lanes.map(|number| Thread {
            number,
            ..Thread::default()
        });
        let mut lanes: Vec<_> = lanes.collect();
        for (id, block) in kernel.body.blocks.iter() {
            if block.ops.is_empty() {
                continue;
            }
            let Some(trace) = Trace::of(&kernel, block, &mut lanes) else {
                break;
            };
            check(&kernel, id, &trace, &mut found);
            check_ahead(&kernel, id, &trace, &mut found);
        }
    }
    assert!(found.accesses > 8000, "{found:?}");
    assert!(found.shared > 500, "{found:?}");
    assert!(found.ahead > 3000, "{found:?}");
}

#[test]
fn accesses_that_count_from_one_address_share_a_guard() {
    let mut body = registers();
    let base = Arg::Reg(WIDE[1]);
    let mut ops = prologue();
    ops.push(load(&mut body, &[FLOAT], (Space::Global, base, 8)));
    ops.push(Op::Binary(Opcode::I64Add, WIDE[2], base, Arg::I64(100)));
    let further = (Space::Global, Arg::Reg(WIDE[2]), 4);
    ops.push(load(&mut body, &[FLOAT], further));
    ops.push(load(&mut body, &[FLOAT], (Space::Global, base, 4)));
    let kernel = Kernel::new(body, ops);
    let [(step, guard, bytes)] = *kernel.accesses(BlockId(0)).as_slice() else {
        panic!("{:?}", kernel.plan);
    };
    // From four bytes behind the first lane's number to the end of what the last lane loads, whose
    // first lane's is 104 bytes behind it.
    assert_eq!((step, guard.base, guard.first), (5, base, 4));
    assert_eq!(bytes, (104 - 4) + 4 * 15 + 4);
    let first = |site| kernel.plan.first(SiteId(site));
    assert_eq!(
        [first(0), first(1), first(2)],
        [Some(4), Some(-96), Some(4)]
    );
    // And the guard that the thread's number does not wrap around where it is extended.
    assert_eq!(kernel.plan.len(), 2);
    let needed = &kernel.plan.of(BlockId(0)).unwrap().needed;
    assert_eq!(*needed, HashSet::from_iter(0..5));
}

/// How many guards two accesses have.
fn guards(a: (Ty, Space, Arg, i64), b: (Ty, Space, Arg, i64)) -> usize {
    let mut body = registers();
    let mut ops = prologue();
    let second = SpecialValue::Launch(264, Ty::I64);
    ops.push(Op::Special(WIDE[2], second));
    for (ty, space, base, offset) in [a, b] {
        let target = body.reg(ty);
        ops.push(load(&mut body, &[target], (space, base, offset)));
    }
    Kernel::new(body, ops).accesses(BlockId(0)).len()
}

#[test]
fn accesses_that_differ_in_base_size_memory_or_alignment_have_guards_of_their_own() {
    let (ty, space, base, far) = (Ty::F32, Space::Global, Arg::Reg(WIDE[0]), FAR.cast_signed());
    let a = (ty, space, base, 0);
    for near in [4, -4, far - 4, 4 - far] {
        assert_eq!(guards(a, (ty, space, base, near)), 1, "{near}");
    }
    assert_eq!(guards((ty, space, base, -4), (ty, space, base, 4)), 1);
    let others = [
        (ty, space, Arg::Reg(WIDE[2]), 0),
        (ty, space, Arg::Reg(WIDE[1]), 0),
        (ty, space, Arg::I64(64), 0),
        (Ty::F64, space, base, 0),
        (ty, Space::Generic, base, 0),
        (ty, Space::Shared, Arg::Reg(NARROW[1]), 0),
        (ty, space, base, 2),
        (ty, space, base, far),
        (ty, space, base, -far),
    ];
    for other in others {
        assert_eq!(guards(a, other), 2, "{other:?}");
    }
}

#[test]
fn a_base_that_is_written_between_accesses_has_two_guards() {
    for (by, expected) in [(Arg::I64(4), 1), (Arg::Reg(WIDE[2]), 2)] {
        let mut body = registers();
        let base = Arg::Reg(WIDE[1]);
        let mut ops = prologue();
        ops.push(load(&mut body, &[FLOAT], (Space::Global, base, 0)));
        ops.push(Op::Binary(Opcode::I64Add, WIDE[1], base, by));
        ops.push(load(&mut body, &[FLOAT], (Space::Global, base, 0)));
        let kernel = Kernel::new(body, ops);
        assert_eq!(kernel.accesses(BlockId(0)).len(), expected, "{by:?}");
    }
}

#[test]
fn an_atomic_access_has_no_guard() {
    let mut body = registers();
    let mut ops = prologue();
    let mut access = load(&mut body, &[FLOAT], (Space::Global, Arg::Reg(WIDE[0]), 0));
    if let Op::Load { atomic, .. } = &mut access {
        *atomic = true;
    }
    ops.push(access);
    let kernel = Kernel::new(body, ops);
    assert!(kernel.accesses(BlockId(0)).is_empty());
    assert_eq!(kernel.plan.first(SiteId(0)), None);
}

#[test]
fn a_block_is_split_where_a_guard_needs_what_the_block_loads() {
    let mut body = registers();
    let mut ops = prologue();
    let base = (Space::Global, Arg::Reg(WIDE[0]), 0);
    ops.push(load(&mut body, &[WIDE[2]], base));
    ops.push(load(&mut body, &[FLOAT], base));
    let loaded = (Space::Global, Arg::Reg(WIDE[2]), 0);
    ops.push(load(&mut body, &[FLOAT], loaded));
    let kernel = Kernel::new(body, ops);
    let blocks = kernel.body.blocks.values();
    let blocks: Vec<_> = blocks.map(|block| block.ops.len()).collect();
    assert_eq!(blocks, [7, 1]);
    let of = |block| kernel.accesses(BlockId(block)).len();
    assert_eq!((of(0), of(1)), (2, 1));
}
