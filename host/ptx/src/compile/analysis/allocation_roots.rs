//! Which allocation an access of device memory goes to, as far as the IR tells, and so which accesses
//! share a bounds cache.
//!
//! A bounds cache is the range of device memory that an access used last, kept in two locals: an access
//! that is within it needs nothing else. Accesses by addresses that were computed from one pointer go
//! to one allocation nearly always, so they share a cache. Where that is not so, the cache is filled
//! again: this analysis decides how fast code is, not whether it is right.

use rustc_hash::FxHashMap as HashMap;

use crate::compile::Unsupported;
use crate::compile::ir::entity::{EntityMap, PrimaryMap, entity_id};
use crate::compile::ir::opcodes::Meaning;
use crate::compile::ir::{Arg, Body, Op, Reg, SiteId, SiteKind, Space, SpecialValue, Ty};
use crate::compile::limits::{MOST_BOUNDS_CACHES, MOST_ROOT_STEPS};

/// What an address was computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AllocationRoot {
    /// A pointer that is an argument of the kernel, by its address in scratch memory.
    Argument(u32),
    /// A register for which no such argument was found.
    Register(Reg),
    /// The address is a constant.
    Constant,
    /// One of a few groups of roots, in a kernel that has too many.
    Merged(u32),
}

impl AllocationRoot {
    /// The group of this root, of so many.
    fn merged(self, groups: u32) -> AllocationRoot {
        let number = match self {
            AllocationRoot::Argument(number)
            | AllocationRoot::Register(Reg(number))
            | AllocationRoot::Merged(number) => number,
            AllocationRoot::Constant => 0,
        };
        AllocationRoot::Merged(number % groups)
    }
}

/// Which accesses share a bounds cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BoundsCache {
    pub root: AllocationRoot,
    /// The logarithm of the access's size.
    pub shift: u8,
    pub write: bool,
}

entity_id! {
    /// A [`BoundsCache`].
    CacheId, "cache"
}

/// The bounds caches of a kernel.
#[derive(Debug, Default)]
pub(crate) struct BoundsCaches {
    of_site: HashMap<SiteId, CacheId>,
    caches: PrimaryMap<CacheId, BoundsCache>,
}

impl BoundsCaches {
    /// The cache of an access of device memory.
    ///
    /// # Errors
    /// Where it has none: each has one.
    pub(crate) fn of(&self, site: SiteId) -> Result<CacheId, Unsupported> {
        let found = self.of_site.get(&site).copied();
        found.ok_or_else(|| Unsupported::internal("an access of memory without a bounds cache"))
    }

    /// All of them.
    pub(crate) fn all(&self) -> &PrimaryMap<CacheId, BoundsCache> {
        &self.caches
    }
}

/// Finds the cache of each access.
pub(crate) fn analyze(body: &Body) -> BoundsCaches {
    let mut definitions: HashMap<Reg, Vec<&Op>> = HashMap::default();
    for op in body.blocks.values().flat_map(|block| &block.ops) {
        for target in op.targets() {
            definitions.entry(*target).or_default().push(op);
        }
    }
    let mut id_of = HashMap::default();
    let mut found = BoundsCaches::default();
    for op in body.blocks.values().flat_map(|block| &block.ops) {
        let (Op::Load { place, .. } | Op::Store { place, .. } | Op::Atomic { place, .. }) = op
        else {
            continue;
        };
        if !matches!(place.space, Space::Global | Space::Generic) {
            continue;
        }
        let site = body.sites.get(place.site);
        let Some(SiteKind::Access {
            bytes,
            lanes,
            write,
            ..
        }) = site.map(|site| &site.what)
        else {
            continue;
        };
        let root = match place.base.reg() {
            None => AllocationRoot::Constant,
            Some(reg) => root(&definitions, reg, &mut Vec::new(), &mut { MOST_ROOT_STEPS })
                .map_or(AllocationRoot::Register(reg), AllocationRoot::Argument),
        };
        let cache = BoundsCache {
            root,
            shift: (bytes * lanes).trailing_zeros() as u8,
            write: *write,
        };
        let id = *id_of
            .entry(cache)
            .or_insert_with(|| found.caches.push(cache));
        found.of_site.insert(place.site, id);
    }
    if found.caches.len() > MOST_BOUNDS_CACHES {
        found.merge();
    }
    found
}

impl BoundsCaches {
    /// Merges caches of accesses of one size, since there are too many to keep in registers.
    fn merge(&mut self) {
        let mut merged = BoundsCaches::default();
        let mut id_of: HashMap<BoundsCache, CacheId> = HashMap::default();
        let mut new_id = EntityMap::for_each(&self.caches, None);
        for (id, cache) in self.caches.iter() {
            let root = cache.root.merged(MOST_BOUNDS_CACHES as u32 / 8);
            let cache = BoundsCache { root, ..*cache };
            let id_of = id_of.entry(cache);
            let new = *id_of.or_insert_with(|| merged.caches.push(cache));
            new_id.set(id, Some(new));
        }
        for (site, id) in &self.of_site {
            if let Some(Some(new)) = new_id.get(*id) {
                merged.of_site.insert(*site, *new);
            }
        }
        *self = merged;
    }
}

/// The pointer that an address is computed from: an argument of the kernel, if one is found. Each
/// register on the way is visited once. How many there are is up to the kernel's text, so only some
/// are visited.
fn root(
    definitions: &HashMap<Reg, Vec<&Op>>,
    reg: Reg,
    seen: &mut Vec<Reg>,
    steps_left: &mut u32,
) -> Option<u32> {
    if seen.contains(&reg) {
        return None;
    }
    seen.push(reg);
    for op in definitions.get(&reg)? {
        *steps_left = steps_left.checked_sub(1)?;
        let mut follow = |arg: Arg| root(definitions, arg.reg()?, seen, steps_left);
        let found = match op {
            Op::Special(_, SpecialValue::Launch(address, Ty::I64)) => Some(*address),
            Op::Copy(_, a) | Op::Unary(_, _, a) => follow(*a),
            Op::Binary(opcode, _, a, b)
                if opcode.operand() == Ty::I64
                    && matches!(opcode.meaning(), Meaning::Add | Meaning::Sub) =>
            {
                follow(*a).or_else(|| follow(*b))
            }
            Op::Select(_, _, a, b) => follow(*a).or_else(|| follow(*b)),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}
