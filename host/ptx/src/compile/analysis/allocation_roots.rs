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
    let ops = body.blocks.values().flat_map(|block| &block.ops);
    for place in ops.flat_map(Op::places) {
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
    // One for each size, and for loads and stores, is few enough.
    let mut groups = MOST_BOUNDS_CACHES as u32 / 8;
    while found.caches.len() > MOST_BOUNDS_CACHES && groups > 0 {
        found.merge(groups);
        groups -= 1;
    }
    found
}

impl BoundsCaches {
    /// Merges caches of accesses of one size, since there are too many to keep in registers, so that
    /// there are so many at most for each.
    fn merge(&mut self, groups: u32) {
        let mut merged = BoundsCaches::default();
        let mut id_of: HashMap<BoundsCache, CacheId> = HashMap::default();
        let mut new_id = EntityMap::for_each(&self.caches, None);
        for (id, cache) in self.caches.iter() {
            let root = cache.root.merged(groups);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::compile::ir::opcodes::Opcode;
    use crate::compile::ir::samples::{last_block, load, store};

    /// A kernel in the making.
    #[derive(Default)]
    struct Kernel {
        body: Body,
        ops: Vec<Op>,
    }

    impl Kernel {
        fn step(&mut self, ty: Ty, op: impl FnOnce(Reg) -> Op) -> Reg {
            let target = self.body.reg(ty);
            self.ops.push(op(target));
            target
        }

        fn argument(&mut self, address: u32) -> Reg {
            self.step(Ty::I64, |target| {
                Op::Special(target, SpecialValue::Launch(address, Ty::I64))
            })
        }

        fn binary(&mut self, opcode: Opcode, a: Reg, b: Arg) -> Reg {
            self.step(Ty::I64, |target| Op::Binary(opcode, target, Arg::Reg(a), b))
        }

        /// Loads a value of a type, and gives the register and the site.
        fn load(&mut self, ty: Ty, base: Reg) -> (Reg, SiteId) {
            let (target, site) = (self.body.reg(ty), self.body.sites.next_key());
            let load = load(
                &mut self.body,
                &[target],
                (Space::Global, Arg::Reg(base), 0),
            );
            self.ops.push(load);
            (target, site)
        }

        fn store(&mut self, space: Space, base: Arg) -> SiteId {
            let site = self.body.sites.next_key();
            let store = store(&mut self.body, &[Arg::F32(0)], (space, base, 0));
            self.ops.push(store);
            site
        }

        fn caches(&self) -> BoundsCaches {
            let mut body = self.body.clone();
            last_block(&mut body, self.ops.clone());
            analyze(&body)
        }
    }

    fn root_of(caches: &BoundsCaches, site: SiteId) -> AllocationRoot {
        caches.all().get(caches.of(site).unwrap()).unwrap().root
    }

    #[test]
    fn accesses_through_one_pointer_share_a_cache() {
        let mut kernel = Kernel::default();
        let pointer = kernel.argument(264);
        let index = kernel.step(Ty::I64, |target| Op::Special(target, SpecialValue::Clock));
        let sum = kernel.binary(Opcode::I64Add, pointer, Arg::Reg(index));
        // The pointer may be the second operand, too.
        let turned = kernel.binary(Opcode::I64Add, index, Arg::Reg(pointer));
        let less = kernel.binary(Opcode::I64Sub, sum, Arg::I64(16));
        let copy = kernel.step(Ty::I64, |target| Op::Copy(target, Arg::Reg(less)));
        let either = kernel.step(Ty::I64, |target| {
            Op::Select(target, Arg::I32(1), Arg::Reg(index), Arg::Reg(copy))
        });
        let sites =
            [pointer, sum, turned, less, copy, either].map(|base| kernel.load(Ty::F32, base).1);
        let caches = kernel.caches();
        assert_eq!(caches.all().len(), 1);
        let expected = BoundsCache {
            root: AllocationRoot::Argument(264),
            shift: 2,
            write: false,
        };
        for site in sites {
            let cache = caches.all().get(caches.of(site).unwrap());
            assert_eq!(cache, Some(&expected), "{site}");
        }
    }

    #[test]
    fn accesses_through_two_pointers_do_not() {
        let mut kernel = Kernel::default();
        let pointers = [kernel.argument(256), kernel.argument(264)];
        let sites = pointers.map(|pointer| {
            let sum = kernel.binary(Opcode::I64Add, pointer, Arg::I64(4));
            kernel.load(Ty::F32, sum).1
        });
        let caches = kernel.caches();
        let roots = sites.map(|site| root_of(&caches, site));
        let expected = [AllocationRoot::Argument(256), AllocationRoot::Argument(264)];
        assert_eq!(roots, expected);
        assert_ne!(caches.of(sites[0]).unwrap(), caches.of(sites[1]).unwrap());
    }

    #[test]
    fn loads_and_stores_and_accesses_of_each_size_have_caches_of_their_own() {
        let mut kernel = Kernel::default();
        let pointer = kernel.argument(256);
        kernel.load(Ty::F32, pointer);
        kernel.load(Ty::F64, pointer);
        let pair = [kernel.body.reg(Ty::F64), kernel.body.reg(Ty::F64)];
        let pair = load(
            &mut kernel.body,
            &pair,
            (Space::Global, Arg::Reg(pointer), 0),
        );
        kernel.ops.push(pair);
        kernel.store(Space::Generic, Arg::Reg(pointer));
        let caches = kernel.caches();
        let found = caches
            .all()
            .values()
            .map(|cache| (cache.shift, cache.write));
        let expected = [(2, false), (3, false), (4, false), (2, true)];
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_pointer_that_is_loaded_has_its_own_cache() {
        let mut kernel = Kernel::default();
        let pointer = kernel.argument(256);
        let (first, through_argument) = kernel.load(Ty::I64, pointer);
        let (second, _) = kernel.load(Ty::I64, pointer);
        let sites = [first, second].map(|pointer| kernel.load(Ty::I64, pointer).1);
        let caches = kernel.caches();
        assert_eq!(
            root_of(&caches, through_argument),
            AllocationRoot::Argument(256)
        );
        let roots = sites.map(|site| root_of(&caches, site));
        let expected = [first, second].map(AllocationRoot::Register);
        assert_eq!(roots, expected);
    }

    #[test]
    fn a_product_of_a_pointer_is_no_pointer() {
        let mut kernel = Kernel::default();
        let pointer = kernel.argument(256);
        let product = kernel.binary(Opcode::I64Mul, pointer, Arg::I64(4));
        let (_, site) = kernel.load(Ty::F32, product);
        assert_eq!(
            root_of(&kernel.caches(), site),
            AllocationRoot::Register(product)
        );
    }

    #[test]
    fn a_pointer_that_a_loop_moves_is_still_that_pointer() {
        let mut kernel = Kernel::default();
        let pointer = kernel.argument(256);
        let moved = kernel.body.reg(Ty::I64);
        let on = Op::Binary(Opcode::I64Add, moved, Arg::Reg(moved), Arg::I64(4));
        kernel.ops.extend([on, Op::Copy(moved, Arg::Reg(pointer))]);
        let (_, site) = kernel.load(Ty::F32, moved);
        assert_eq!(
            root_of(&kernel.caches(), site),
            AllocationRoot::Argument(256)
        );
    }

    #[test]
    fn so_many_steps_are_followed_to_a_pointer() {
        for (steps, is_found) in [(MOST_ROOT_STEPS, true), (MOST_ROOT_STEPS + 1, false)] {
            let mut kernel = Kernel::default();
            let mut sum = kernel.argument(256);
            for _ in 1..steps {
                sum = kernel.binary(Opcode::I64Add, sum, Arg::I64(4));
            }
            let (_, site) = kernel.load(Ty::F32, sum);
            let expected = if is_found {
                AllocationRoot::Argument(256)
            } else {
                AllocationRoot::Register(sum)
            };
            assert_eq!(root_of(&kernel.caches(), site), expected, "{steps}");
        }
    }

    #[test]
    fn constant_addresses_share_a_cache_and_shared_memory_has_none() {
        let mut kernel = Kernel::default();
        let constants = [16, 32].map(|address| kernel.store(Space::Global, Arg::I64(address)));
        let shared = kernel.store(Space::Shared, Arg::I32(16));
        let caches = kernel.caches();
        for site in constants {
            assert_eq!(root_of(&caches, site), AllocationRoot::Constant);
        }
        assert_eq!(caches.all().len(), 1);
        assert!(!caches.of_site.contains_key(&shared));
    }

    #[test]
    fn caches_are_merged_where_there_are_too_many_but_not_those_of_two_sizes() {
        for pointers in [MOST_BOUNDS_CACHES / 2, MOST_BOUNDS_CACHES / 2 + 1] {
            let mut kernel = Kernel::default();
            let mut sites = Vec::new();
            for number in 0..pointers as u32 {
                let pointer = kernel.argument(256 + 8 * number);
                sites.push((2, kernel.load(Ty::F32, pointer).1));
                sites.push((3, kernel.load(Ty::F64, pointer).1));
            }
            let caches = kernel.caches();
            for (shift, site) in sites {
                let cache = caches.all().get(caches.of(site).unwrap()).unwrap();
                assert_eq!((cache.shift, cache.write), (shift, false));
            }
            let is_merged = pointers * 2 > MOST_BOUNDS_CACHES;
            let expected = if is_merged {
                2 * (MOST_BOUNDS_CACHES / 8)
            } else {
                MOST_BOUNDS_CACHES
            };
            assert_eq!(caches.all().len(), expected);
        }
    }

    #[test]
    fn there_are_never_more_caches_than_the_most_whatever_the_sizes() {
        let mut kernel = Kernel::default();
        for number in 0..40 {
            let pointer = Arg::Reg(kernel.argument(256 + 8 * number));
            // Accesses of 4 to 64 bytes.
            for (ty, lanes) in [
                (Ty::F32, 1),
                (Ty::F32, 2),
                (Ty::F64, 2),
                (Ty::F64, 4),
                (Ty::F64, 8),
            ] {
                let at = (Space::Global, pointer, 0);
                let targets: Vec<Reg> = (0..lanes).map(|_| kernel.body.reg(ty)).collect();
                let values: Vec<Arg> = targets.iter().map(|reg| Arg::Reg(*reg)).collect();
                let read = load(&mut kernel.body, &targets, at);
                let write = store(&mut kernel.body, &values, at);
                kernel.ops.extend([read, write]);
            }
        }
        let caches = kernel.caches();
        assert!(caches.all().len() <= MOST_BOUNDS_CACHES, "{caches:?}");
        assert_eq!(caches.of_site.len(), 400);
    }
}
