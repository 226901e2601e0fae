//! Bounds guards: the bounds checks of vector code, hoisted to where a block begins, and coalesced.
//!
//! One guard serves all lanes of a coalesced access, by the least and the greatest of their addresses,
//! and all accesses of a block that count from one address. Guards come before anything else of their
//! block happens: where one fails, the lane group's threads run the block again, one at a time, with
//! checks that find out what is wrong. So what a guard compares must be known where a block begins, but
//! for arithmetic that can be done in advance; [`first_unknown`] tells where a block has to be split for
//! that. Other guards see to it that the sum of a uniform number and a lane's offset does not wrap
//! around in 32 bits, where it is extended to 64.

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use crate::compile::Unsupported;
use crate::compile::analysis::allocation_roots::{BoundsCaches, CacheId};
use crate::compile::analysis::coalescing::{FAR, address, coalesced, size};
use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::analysis::uniformity::{Uniformity, UniformityInfo};
use crate::compile::ir::entity::{PrimaryMap, entity_id};
use crate::compile::ir::opcodes::Meaning;
use crate::compile::ir::{
    AccessAddress, Arg, Block, BlockId, Body, Op, Reg, SiteId, Space, SpecialValue,
};

/// A guard.
#[expect(
    clippy::large_enum_variant,
    reason = "they are copied, and most have lane offsets"
)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum BoundsGuard {
    /// An access, and those that count from the same address.
    Access(Access),
    /// The lanes of a number of 32 bits are as far apart in 64.
    Extend {
        signed: bool,
        a: Arg,
        offsets: LaneOffsets,
    },
}

/// Accesses that count from one address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Access {
    pub base: Arg,
    /// The first byte of all, from the base on.
    pub first: i64,
    /// The logarithm of the size of each.
    pub shift: u8,
    /// What the distance of the first byte from the beginning of memory is compared with, in units of
    /// that size.
    pub limit: Limit,
}

entity_id! {
    /// A limit of guards of shared memory.
    SharedLimitId, "shared_limit"
}

entity_id! {
    /// A limit of guards of device memory.
    DeviceLimitId, "device_limit"
}

/// A limit: how many accesses of a size can begin where the last one of those that share the guard lies
/// so many sizes behind the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    Shared(SharedLimitId),
    /// In the range of memory that a bounds cache holds.
    Device(CacheId, DeviceLimitId),
}

/// The limits that a kernel's guards compare with. A launch computes those of shared memory once, code
/// those of device memory whenever it fills a bounds cache.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    /// By the logarithm of the size, and how many sizes the last access lies behind the first.
    pub shared: PrimaryMap<SharedLimitId, (u8, u64)>,
    /// By the bounds cache, and the same.
    pub device: PrimaryMap<DeviceLimitId, (CacheId, u64)>,
}

/// The guards of a block.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlockGuards {
    /// Each, and the number of the step before which its operands are known.
    pub guards: Vec<(usize, BoundsGuard)>,
    /// The steps that are done in advance for them.
    pub needed: HashSet<usize>,
}

impl BlockGuards {
    /// The guards before a step.
    pub(crate) fn before(&self, step: usize) -> impl Iterator<Item = &BoundsGuard> {
        let first = self.guards.partition_point(|(number, _)| *number < step);
        let rest = self.guards.get(first..).unwrap_or_default();
        let here = rest.iter().take_while(move |(number, _)| *number == step);
        here.map(|(_, guard)| guard)
    }
}

/// The guards of a kernel.
#[derive(Clone, Debug, Default)]
pub(crate) struct GuardPlan {
    blocks: HashMap<BlockId, BlockGuards>,
    /// For the accesses of a site, the first byte that their guard checks, from their own base on.
    first_of: HashMap<SiteId, i64>,
    /// The guard that checks the accesses of a site: a block's, and its place among that block's.
    guard_of: HashMap<SiteId, (BlockId, usize)>,
    limits: Limits,
}

impl GuardPlan {
    /// The guards of a block, where it has any.
    pub(crate) fn of(&self, block: BlockId) -> Option<&BlockGuards> {
        self.blocks.get(&block)
    }

    /// The first byte that the guard of a site's coalesced accesses checks, from their own base on.
    pub(crate) fn first(&self, site: SiteId) -> Option<i64> {
        self.first_of.get(&site).copied()
    }

    /// The guard of a site's coalesced accesses, from their own base on.
    pub(crate) fn access(&self, place: &AccessAddress) -> Option<Access> {
        let (block, number) = self.guard_of.get(&place.site)?;
        match self.blocks.get(block)?.guards.get(*number)?.1 {
            BoundsGuard::Access(access) => Some(Access {
                base: place.base,
                first: self.first(place.site)?,
                ..access
            }),
            BoundsGuard::Extend { .. } => None,
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.blocks.values().map(|block| block.guards.len()).sum()
    }

    /// What all guards compare with.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// How far apart the lanes of a number are that is extended to 64 bits, where that is known, and whether
/// it has a sign.
fn extended(uniformity: &UniformityInfo, op: &Op) -> Option<(bool, Arg, LaneOffsets)> {
    let Op::Unary(opcode, target, a) = op else {
        return None;
    };
    let signed = match opcode.meaning() {
        Meaning::ExtendS => true,
        Meaning::ExtendU => false,
        _ => return None,
    };
    match uniformity.of(*target) {
        Uniformity::Affine(offsets) => Some((signed, *a, offsets)),
        _ => None,
    }
}

/// Whether a step needs a guard.
pub(crate) fn is_guarded(body: &Body, uniformity: &UniformityInfo, op: &Op) -> bool {
    coalesced(body, uniformity, op).is_some() || extended(uniformity, op).is_some()
}

/// Whether a step can be done in advance, if what it reads is known.
fn is_simple(uniformity: &UniformityInfo, op: &Op) -> bool {
    let is_scalar = |target: &Reg| uniformity.of(*target) != Uniformity::Divergent;
    let mut reads_vectors = false;
    op.each_arg(|arg| reads_vectors |= uniformity.of_arg(arg) == Uniformity::Divergent);
    if reads_vectors {
        return false;
    }
    match op {
        Op::Copy(target, _)
        | Op::Unary(_, target, _)
        | Op::Binary(_, target, ..)
        | Op::Select(target, ..) => is_scalar(target),
        Op::Special(target, value) => *value != SpecialValue::Clock && is_scalar(target),
        _ => false,
    }
}

/// The step before which a block is to be split, since the operands of its guard are not known where
/// the block begins.
pub(crate) fn first_unknown(body: &Body, uniformity: &UniformityInfo, ops: &[Op]) -> Option<usize> {
    first_unknown_of(uniformity, ops, |op| {
        match (coalesced(body, uniformity, op), address(op)) {
            (Some(_), Some(place)) => Some(place.base),
            _ => extended(uniformity, op).map(|(_, a, _)| a),
        }
    })
}

/// The same, for the guards of these operands of steps.
fn first_unknown_of<'o>(
    uniformity: &UniformityInfo,
    ops: impl IntoIterator<Item = &'o Op>,
    guarded: impl Fn(&Op) -> Option<Arg>,
) -> Option<usize> {
    let mut unknown: HashSet<Reg> = HashSet::default();
    for (number, op) in ops.into_iter().enumerate() {
        let is_unknown = |arg: Arg| arg.reg().is_some_and(|reg| unknown.contains(&reg));
        if guarded(op).is_some_and(is_unknown) {
            return Some(number);
        }
        let mut is_known = is_simple(uniformity, op);
        op.each_arg(|arg| is_known &= !is_unknown(arg));
        for target in op.targets() {
            if is_known {
                unknown.remove(target);
            } else {
                unknown.insert(*target);
            }
        }
    }
    None
}

/// The guards of numbers that these steps extend to 64 bits, without those of accesses: for steps that
/// are masked. `None` where their operands are not known before the first step.
pub(crate) fn of_extensions(uniformity: &UniformityInfo, ops: &[&Op]) -> Option<BlockGuards> {
    let operand = |op: &Op| extended(uniformity, op).map(|(_, a, _)| a);
    if first_unknown_of(uniformity, ops.iter().copied(), operand).is_some() {
        return None;
    }
    let guards: Vec<(usize, BoundsGuard)> = ops
        .iter()
        .enumerate()
        .filter_map(|(number, op)| {
            let (signed, a, offsets) = extended(uniformity, op)?;
            Some((number, BoundsGuard::Extend { signed, a, offsets }))
        })
        .collect();
    let needed = needed(ops.iter().copied(), &guards);
    Some(BlockGuards { guards, needed })
}

/// Plans the guards of a kernel whose blocks were split where they have to be.
///
/// # Errors
/// Where an access of device memory has no bounds cache.
pub(crate) fn plan(
    body: &Body,
    uniformity: &UniformityInfo,
    caches: &BoundsCaches,
) -> Result<GuardPlan, Unsupported> {
    let mut planned = Vec::new();
    let mut first_of = HashMap::default();
    let mut guard_of = HashMap::default();
    for (id, block) in body.blocks.iter() {
        let (guards, sites) = of_block(body, uniformity, caches, block)?;
        for (site, first, guard) in sites {
            first_of.insert(site, first);
            guard_of.insert(site, (id, guard));
        }
        if !guards.is_empty() {
            planned.push((id, guards));
        }
    }
    let ranges = planned.iter().flat_map(|(_, guards)| guards);
    let limits = limits(ranges.filter_map(|(_, guard)| match guard {
        Planned::Access(range) => Some(*range),
        Planned::Extend { .. } => None,
    }));
    let mut plan = GuardPlan {
        blocks: HashMap::default(),
        first_of,
        guard_of,
        limits,
    };
    for (id, guards) in planned {
        let Some(block) = body.block(id) else {
            continue;
        };
        let guards = guards
            .into_iter()
            .map(|(step, guard)| Ok((step, guard.with_limit(&plan.limits)?)))
            .collect::<Result<Vec<_>, Unsupported>>()?;
        let needed = needed(block.ops.iter(), &guards);
        plan.blocks.insert(id, BlockGuards { guards, needed });
    }
    Ok(plan)
}

/// A guard before its limit has a number.
#[expect(
    clippy::large_enum_variant,
    reason = "they are copied, and most have lane offsets"
)]
enum Planned {
    Access(Range),
    Extend {
        signed: bool,
        a: Arg,
        offsets: LaneOffsets,
    },
}

/// What the guard of an access checks.
#[derive(Clone, Copy)]
struct Range {
    base: Arg,
    first: i64,
    shift: u8,
    /// How many sizes the last access lies behind the first.
    reach: u64,
    /// The bounds cache, for device memory.
    cache: Option<CacheId>,
}

impl Planned {
    fn with_limit(self, limits: &Limits) -> Result<BoundsGuard, Unsupported> {
        let range = match self {
            Planned::Access(range) => range,
            Planned::Extend { signed, a, offsets } => {
                return Ok(BoundsGuard::Extend { signed, a, offsets });
            }
        };
        let limit = match range.cache {
            None => {
                let same = |known: &(u8, u64)| *known == (range.shift, range.reach);
                let mut known = limits.shared.iter();
                let found = known.find(|(_, limit)| same(limit));
                found.map(|(id, _)| Limit::Shared(id))
            }
            Some(cache) => {
                let same = |known: &(CacheId, u64)| *known == (cache, range.reach);
                let mut known = limits.device.iter();
                let found = known.find(|(_, limit)| same(limit));
                found.map(|(id, _)| Limit::Device(cache, id))
            }
        };
        Ok(BoundsGuard::Access(Access {
            base: range.base,
            first: range.first,
            shift: range.shift,
            limit: limit.ok_or_else(|| Unsupported::internal("a guard without a limit"))?,
        }))
    }
}

/// The limits of guards, each once, in order.
fn limits(ranges: impl Iterator<Item = Range>) -> Limits {
    let (mut shared, mut device) = (Vec::new(), Vec::new());
    for range in ranges {
        match range.cache {
            None => shared.push((range.shift, range.reach)),
            Some(cache) => device.push((cache, range.reach)),
        }
    }
    let mut limits = Limits::default();
    shared.sort_unstable();
    shared.dedup();
    for limit in shared {
        limits.shared.push(limit);
    }
    device.sort_unstable();
    device.dedup();
    for limit in device {
        limits.device.push(limit);
    }
    limits
}

/// What a register counts from: a value, by the register that held it and how often that was written
/// before, or the low half of one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Origin {
    reg: Reg,
    version: usize,
    low: bool,
}

/// What accesses must have in common to share a guard: where they count from, where they go, and how they
/// are aligned. Besides, they must be near each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    origin: Result<Origin, Option<u64>>,
    space: Space,
    shift: u8,
    cache: Option<CacheId>,
    /// How far behind a multiple of the size.
    aligned_at: i64,
}

/// Where registers of a block count from, and how far on they are.
#[derive(Default)]
struct Origins {
    written: HashMap<Reg, usize>,
    known: HashMap<Reg, (Origin, i64)>,
}

impl Origins {
    fn of(&self, reg: Reg) -> (Origin, i64) {
        // What was not written in the block has its first version.
        let version = self.written.get(&reg).copied().unwrap_or(0);
        let low = false;
        let own = Origin { reg, version, low };
        self.known.get(&reg).copied().unwrap_or((own, 0))
    }

    /// Notes what a step writes.
    fn note(&mut self, op: &Op) {
        let made = match op {
            Op::Copy(_, Arg::Reg(a)) => Some(self.of(*a)),
            Op::Unary(opcode, _, Arg::Reg(a)) if opcode.meaning() == Meaning::Truncate => {
                let (origin, offset) = self.of(*a);
                let low = true;
                Some((Origin { low, ..origin }, offset))
            }
            Op::Binary(opcode, _, Arg::Reg(a), b) if opcode.meaning() == Meaning::Add => {
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

/// Accesses that share a guard, as far as they are known.
struct Sharing {
    /// The guard's place in the list.
    guard: usize,
    /// How far its base is from the origin.
    away: i64,
    /// The first lane's first byte of the accesses that have the least and the most, from the origin on.
    least: i64,
    most: i64,
    /// The first byte of the first access, and of the last one, from the origin on.
    first: i64,
    last: i64,
}

/// The guards of a block; and for each site of an access, the first byte that its guard checks, and that
/// guard's place in the list.
#[expect(clippy::type_complexity, reason = "two lists")]
fn of_block(
    body: &Body,
    uniformity: &UniformityInfo,
    caches: &BoundsCaches,
    block: &Block,
) -> Result<(Vec<(usize, Planned)>, Vec<(SiteId, i64, usize)>), Unsupported> {
    let mut guards = Vec::new();
    let mut origins = Origins::default();
    let mut sharing: HashMap<Key, Vec<Sharing>> = HashMap::default();
    let mut sites: Vec<(SiteId, Key, usize, i64)> = Vec::new();
    for (number, op) in block.ops.iter().enumerate() {
        if let Some((signed, a, offsets)) = extended(uniformity, op) {
            guards.push((number, Planned::Extend { signed, a, offsets }));
        }
        if let (Some(offsets), Some(place)) = (coalesced(body, uniformity, op), address(op))
            && let Some((size, shift)) = size(body, place)
        {
            let (origin, away) = match place.base {
                Arg::Reg(reg) => {
                    let (origin, away) = origins.of(reg);
                    (Ok(origin), away)
                }
                base => (Err(base.bits()), 0),
            };
            let offset = place.offset.saturating_add(away);
            let from = offset.saturating_add(offsets.least());
            let to = offset.saturating_add(offsets.most());
            let cache = match place.space {
                Space::Shared => None,
                _ => Some(caches.of(place.site)?),
            };
            let key = Key {
                origin,
                space: place.space,
                shift,
                cache,
                aligned_at: offset.rem_euclid(i64::from(size)),
            };
            let near = sharing.entry(key).or_default();
            let found = near.iter().position(|shared| {
                let (least, most) = (offset.min(shared.least), offset.max(shared.most));
                most.abs_diff(least) < FAR
            });
            let number = found.unwrap_or_else(|| {
                let range = Range {
                    base: place.base,
                    first: from,
                    shift,
                    reach: 0,
                    cache,
                };
                guards.push((number, Planned::Access(range)));
                near.push(Sharing {
                    guard: guards.len() - 1,
                    away,
                    least: offset,
                    most: offset,
                    first: from,
                    last: to,
                });
                near.len() - 1
            });
            if let Some(shared) = near.get_mut(number) {
                shared.least = offset.min(shared.least);
                shared.most = offset.max(shared.most);
                shared.first = from.min(shared.first);
                shared.last = to.max(shared.last);
            }
            sites.push((place.site, key, number, away));
        }
        origins.note(op);
    }
    for shared in sharing.values().flatten() {
        if let Some((_, Planned::Access(range))) = guards.get_mut(shared.guard) {
            range.first = shared.first - shared.away;
            range.reach = shared.last.wrapping_sub(shared.first).cast_unsigned() >> range.shift;
        }
    }
    let sites = sites.into_iter().filter_map(|(site, key, number, away)| {
        let shared = sharing.get(&key)?.get(number)?;
        Some((site, shared.first - away, shared.guard))
    });
    Ok((guards, sites.collect()))
}

/// The steps that compute what guards compare.
fn needed<'o>(
    ops: impl DoubleEndedIterator<Item = &'o Op> + ExactSizeIterator,
    guards: &[(usize, BoundsGuard)],
) -> HashSet<usize> {
    let mut needed = HashSet::default();
    let mut wanted: HashSet<Reg> = HashSet::default();
    let mut guards = guards.iter().rev().peekable();
    for (number, op) in ops.enumerate().rev() {
        let targets = op.targets();
        if targets.iter().any(|target| wanted.contains(target)) {
            needed.insert(number);
            for target in targets {
                wanted.remove(target);
            }
            op.each_arg(|arg| wanted.extend(arg.reg()));
        }
        while let Some((_, guard)) = guards.next_if(|(before, _)| *before == number) {
            let arg = match guard {
                BoundsGuard::Access(access) => access.base,
                BoundsGuard::Extend { a, .. } => *a,
            };
            wanted.extend(arg.reg());
        }
    }
    needed
}

#[cfg(test)]
mod tests;
