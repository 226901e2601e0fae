//! How a group of threads reaches memory, and what is looked at before it does.
//!
//! Where threads access addresses that they have in common, or that are known to be so far apart, one
//! look at the least and the greatest of them serves all, and all accesses that count from one address share it.
//! Such looks come before anything else of their block happens: where one fails, the group's threads
//! begin the block again, each alone, and find out what is wrong. So addresses must be known where a
//! block begins, but for arithmetic that can be done in advance.

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use crate::compile::analysis::allocation_roots::BoundsCaches;
use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::analysis::uniformity::{Uniformity, UniformityInfo};
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{
    Arg, Block, BlockId, Body, Op, Place, Reg, SiteKind, Space, SpecialValue,
};

/// How far apart threads may be, and accesses that share a look.
const FAR: u64 = 1 << 20;

/// A look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum BoundsGuard {
    /// An access, and those that count from the same address.
    Access(Access),
    /// Numbers of 32 bits, so far apart, stay so in 64.
    Extend {
        code: Opcode,
        a: Arg,
        apart: LaneOffsets,
    },
}

/// Accesses that count from one address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Access {
    pub space: Space,
    pub base: Arg,
    /// The first byte of all, from the base on.
    pub first: i64,
    /// The logarithm of the size of each.
    pub shift: u8,
    /// How many sizes the last one lies behind the first.
    pub reach: u64,
    /// The window for device memory.
    pub window: usize,
}

/// What is looked at in a block.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlockGuards {
    /// Each before the step of this number.
    pub checks: Vec<(usize, BoundsGuard)>,
    /// The steps that are done in advance for them.
    pub needed: HashSet<usize>,
}

impl BlockGuards {
    /// What is looked at before a step.
    pub(crate) fn before(&self, step: usize) -> impl Iterator<Item = &BoundsGuard> {
        at(&self.checks, step).map(|(_, check)| check)
    }
}

/// Those of checks in order that come before a step.
fn at(checks: &[(usize, BoundsGuard)], step: usize) -> impl Iterator<Item = &(usize, BoundsGuard)> {
    let first = checks.partition_point(|(number, _)| *number < step);
    let rest = checks.get(first..).unwrap_or_default();
    rest.iter().take_while(move |(number, _)| *number == step)
}

/// What looks compare with: how many accesses of a size can begin where the last of those that go
/// together lies so many sizes behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    /// For shared memory, by the logarithm of the size.
    pub shared: Vec<(u8, u64)>,
    /// For the bounds_caches of device memory.
    pub device: Vec<(usize, u64)>,
}

/// For all blocks of a kernel.
#[derive(Clone, Debug, Default)]
pub(crate) struct GuardPlan {
    blocks: HashMap<BlockId, BlockGuards>,
    /// Where the accesses of a site begin to count: the first byte of the look that they share, from
    /// their own base on.
    first_of: HashMap<u32, i64>,
}

impl GuardPlan {
    pub(crate) fn of(&self, block: BlockId) -> Option<&BlockGuards> {
        self.blocks.get(&block)
    }

    /// The first byte of the look that the accesses of a site share.
    pub(crate) fn first(&self, site: u32) -> i64 {
        self.first_of.get(&site).copied().unwrap_or(0)
    }

    /// What all looks compare with.
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        let checks = self.blocks.values().flat_map(|block| &block.checks);
        for (_, check) in checks {
            let BoundsGuard::Access(access) = check else {
                continue;
            };
            if access.space == Space::Shared {
                limits.shared.push((access.shift, access.reach));
            } else {
                limits.device.push((access.window, access.reach));
            }
        }
        limits.shared.sort_unstable();
        limits.shared.dedup();
        limits.device.sort_unstable();
        limits.device.dedup();
        limits
    }
}

/// How far the threads of a group are apart, where they can access memory together.
pub(crate) fn together(body: &Body, classes: &UniformityInfo, op: &Op) -> Option<LaneOffsets> {
    let (place, values) = match op {
        Op::Load {
            place,
            atomic: false,
            ..
        } => (place, None),
        Op::Store {
            place,
            values,
            atomic: false,
            ..
        } => (place, Some(values)),
        _ => return None,
    };
    if !matches!(place.space, Space::Global | Space::Shared | Space::Generic) || !place.is_near() {
        return None;
    }
    let (size, _) = size(body, place)?;
    let apart = match classes.of_arg(place.base) {
        Uniformity::Uniform => LaneOffsets::NONE,
        Uniformity::Affine(apart) if apart.is_within(FAR) => apart,
        _ => return None,
    };
    let uniform = |values: &Vec<Arg>| {
        let of = |value: &Arg| classes.of_arg(*value) == Uniformity::Uniform;
        values.iter().all(of)
    };
    let one_for_all = !apart.is_none() || values.is_none_or(uniform);
    let aligned = apart.all(|away| away % i64::from(size) == 0);
    (aligned && one_for_all).then_some(apart)
}

/// The size of an access and its logarithm.
fn size(body: &Body, place: &Place) -> Option<(u32, u8)> {
    match body.sites.get(place.site as usize)?.what {
        SiteKind::Access { bytes, lanes, .. } => {
            let size = bytes * lanes;
            Some((size, size.trailing_zeros() as u8))
        }
        _ => None,
    }
}

fn place(op: &Op) -> Option<&Place> {
    match op {
        Op::Load { place, .. } | Op::Store { place, .. } => Some(place),
        _ => None,
    }
}

/// How far numbers that are extended to 64 bits are apart, where that is known.
fn extended(classes: &UniformityInfo, op: &Op) -> Option<(Opcode, Arg, LaneOffsets)> {
    match op {
        Op::Unary(code @ (Opcode::I64ExtendI32S | Opcode::I64ExtendI32U), target, a) => {
            match classes.of(*target) {
                Uniformity::Affine(apart) => Some((*code, *a, apart)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether something is to be looked at before a step.
pub(crate) fn is_guarded(body: &Body, classes: &UniformityInfo, op: &Op) -> bool {
    together(body, classes, op).is_some() || extended(classes, op).is_some()
}

/// Whether a step can be done in advance, if what it reads is known.
fn is_simple(classes: &UniformityInfo, op: &Op) -> bool {
    let scalar = |target: &Reg| classes.of(*target) != Uniformity::Divergent;
    match op {
        Op::Copy(target, _)
        | Op::Unary(_, target, _)
        | Op::Binary(_, target, ..)
        | Op::Select(target, ..) => scalar(target),
        Op::Special(target, known) => *known != SpecialValue::Clock && scalar(target),
        _ => false,
    }
}

/// The step before which a block is to be split, since what it looks at is not known where the block
/// begins.
pub(crate) fn first_unknown(body: &Body, classes: &UniformityInfo, ops: &[Op]) -> Option<usize> {
    let mut unknown: HashSet<Reg> = HashSet::default();
    for (number, op) in ops.iter().enumerate() {
        let reads_unknown = |arg: Arg| arg.reg().is_some_and(|reg| unknown.contains(&reg));
        let looked_at = match (together(body, classes, op), place(op)) {
            (Some(_), Some(place)) => Some(place.base),
            _ => extended(classes, op).map(|(_, a, _)| a),
        };
        if looked_at.is_some_and(reads_unknown) {
            return Some(number);
        }
        let mut known = is_simple(classes, op);
        op.each_arg(|arg| known &= !reads_unknown(arg));
        for target in op.targets() {
            if known {
                unknown.remove(target);
            } else {
                unknown.insert(*target);
            }
        }
    }
    None
}

/// Plans the looks of blocks that were split where they have to be.
pub(crate) fn plan(body: &Body, classes: &UniformityInfo, caches: &BoundsCaches) -> GuardPlan {
    let mut plan = GuardPlan::default();
    for (number, block) in (0u32..).zip(&body.blocks) {
        let checks = of_block(body, classes, caches, block, &mut plan.first_of);
        if !checks.checks.is_empty() {
            plan.blocks.insert(BlockId(number), checks);
        }
    }
    plan
}

/// What a register counts from: a value, by the register that held it and how often that was written
/// before, or the low half of one; and how far on.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Origin {
    reg: Reg,
    version: usize,
    low: bool,
}

/// What accesses must have in common to share a look: where they count from, and where they go.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    origin: Result<Origin, u64>,
    space: Space,
    shift: u8,
    window: usize,
    part: i64,
}

/// Where registers of a block count from.
#[derive(Default)]
struct Origins {
    written: HashMap<Reg, usize>,
    known: HashMap<Reg, (Origin, i64)>,
}

impl Origins {
    fn of(&self, reg: Reg) -> (Origin, i64) {
        let version = self.written.get(&reg).copied().unwrap_or(0);
        let low = false;
        let own = Origin { reg, version, low };
        self.known.get(&reg).copied().unwrap_or((own, 0))
    }

    /// Notes what a step writes.
    fn note(&mut self, op: &Op) {
        let made = match op {
            Op::Copy(_, Arg::Reg(a)) => Some(self.of(*a)),
            Op::Unary(Opcode::I32WrapI64, _, Arg::Reg(a)) => {
                let (origin, offset) = self.of(*a);
                Some((
                    Origin {
                        low: true,
                        ..origin
                    },
                    offset,
                ))
            }
            Op::Binary(Opcode::I32Add | Opcode::I64Add, _, Arg::Reg(a), b) => {
                let signed = match b {
                    Arg::I32(bits) => Some(i64::from(bits.cast_signed())),
                    Arg::I64(bits) => Some(bits.cast_signed()),
                    _ => None,
                };
                let (origin, offset) = self.of(*a);
                signed
                    .and_then(|by| offset.checked_add(by))
                    .filter(|offset| offset.unsigned_abs() <= FAR)
                    .map(|offset| (origin, offset))
            }
            _ => None,
        };
        for target in op.targets() {
            *self.written.entry(*target).or_default() += 1;
            self.known.remove(target);
            if let Some(made) = made {
                self.known.insert(*target, made);
            }
        }
    }
}

fn of_block(
    body: &Body,
    classes: &UniformityInfo,
    caches: &BoundsCaches,
    block: &Block,
    first_of: &mut HashMap<u32, i64>,
) -> BlockGuards {
    let mut checks = BlockGuards::default();
    let mut origins = Origins::default();
    // By what is shared: the check, how far its base is from the origin, the first and last byte.
    let mut shared: HashMap<Key, (usize, i64, i64, i64)> = HashMap::default();
    let mut sites: Vec<(u32, Key, i64)> = Vec::new();
    for (number, op) in block.ops.iter().enumerate() {
        if let Some((code, a, apart)) = extended(classes, op) {
            let check = BoundsGuard::Extend { code, a, apart };
            checks.checks.push((number, check));
        }
        if let (Some(apart), Some(place)) = (together(body, classes, op), place(op))
            && let Some((size, shift)) = size(body, place)
        {
            let (origin, away) = match place.base {
                Arg::Reg(reg) => {
                    let (origin, away) = origins.of(reg);
                    (Ok(origin), away)
                }
                base => (Err(base.bits().unwrap_or(0)), 0),
            };
            let offset = place.offset.saturating_add(away);
            let from = offset.saturating_add(apart.least());
            let to = offset.saturating_add(apart.most());
            let window = caches.of(place.site).unwrap_or(0);
            let key = Key {
                origin,
                space: place.space,
                shift,
                window: if place.space == Space::Shared {
                    0
                } else {
                    window
                },
                // Those that are aligned alike, and near each other.
                part: offset.div_euclid(FAR.cast_signed()) * i64::from(size)
                    + offset.rem_euclid(i64::from(size)),
            };
            let (_, _, first, last) = shared.entry(key).or_insert_with(|| {
                let access = Access {
                    space: place.space,
                    base: place.base,
                    first: from,
                    shift,
                    reach: 0,
                    window: key.window,
                };
                checks.checks.push((number, BoundsGuard::Access(access)));
                (checks.checks.len() - 1, away, from, to)
            });
            *first = from.min(*first);
            *last = to.max(*last);
            sites.push((place.site, key, away));
        }
        origins.note(op);
    }
    for (at, away, first, last) in shared.values() {
        if let Some((_, BoundsGuard::Access(access))) = checks.checks.get_mut(*at) {
            access.first = first - away;
            access.reach = last.wrapping_sub(*first).cast_unsigned() >> access.shift;
        }
    }
    for (site, key, away) in sites {
        if let Some((_, _, first, _)) = shared.get(&key) {
            first_of.insert(site, first - away);
        }
    }
    checks.needed = needed(block, &checks.checks);
    checks
}

/// The steps that lead to what is looked at.
fn needed(block: &Block, checks: &[(usize, BoundsGuard)]) -> HashSet<usize> {
    let mut needed = HashSet::default();
    let mut wanted: HashSet<Reg> = HashSet::default();
    for (number, op) in block.ops.iter().enumerate().rev() {
        let targets = op.targets();
        if targets.iter().any(|target| wanted.contains(target)) {
            needed.insert(number);
            for target in targets {
                wanted.remove(target);
            }
            op.each_arg(|arg| wanted.extend(arg.reg()));
        }
        for (_, check) in at(checks, number) {
            let arg = match check {
                BoundsGuard::Access(access) => access.base,
                BoundsGuard::Extend { a, .. } => *a,
            };
            wanted.extend(arg.reg());
        }
    }
    needed
}
