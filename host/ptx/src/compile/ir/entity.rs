//! Entities: typed indices into the tables of a kernel, after Cranelift's `cranelift-entity`.
//!
//! A table owns its entities ([`PrimaryMap`]); what an analysis knows of each lies in a table beside it
//! ([`EntityMap`]). Neither has an indexing operator, which could panic, nor a default for what it does
//! not hold, which could hide a mistake: a look-up gives an `Option`, and its caller says what a missing
//! entry means.

use std::fmt;
use std::marker::PhantomData;

/// A typed index.
pub(crate) trait EntityId: Copy + Eq + fmt::Debug {
    fn new(index: u32) -> Self;
    fn index(self) -> usize;
}

/// Declares a typed index, with the prefix that it is printed with.
macro_rules! entity_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) struct $name(pub u32);

        impl $crate::compile::ir::entity::EntityId for $name {
            fn new(index: u32) -> Self {
                $name(index)
            }

            fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

pub(crate) use entity_id;

/// The index of the last of so many entities. Tables are bounded by the text that they are made from,
/// and so have fewer entities than there are numbers.
fn id<K: EntityId>(index: usize) -> K {
    debug_assert!(u32::try_from(index).is_ok());
    K::new(index as u32)
}

/// A table of entities, in the order in which they were made.
#[derive(Clone)]
pub(crate) struct PrimaryMap<K, V> {
    values: Vec<V>,
    key: PhantomData<fn() -> K>,
}

impl<K: EntityId, V> PrimaryMap<K, V> {
    /// Adds an entity.
    pub(crate) fn push(&mut self, value: V) -> K {
        let key = self.next_key();
        self.values.push(value);
        key
    }

    /// What the next entity will be called.
    pub(crate) fn next_key(&self) -> K {
        id(self.values.len())
    }

    pub(crate) fn get(&self, key: K) -> Option<&V> {
        self.values.get(key.index())
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.values.get_mut(key.index())
    }

    pub(crate) fn contains(&self, key: K) -> bool {
        key.index() < self.values.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> + ExactSizeIterator {
        let values = self.values.iter().enumerate();
        values.map(|(index, value)| (id(index), value))
    }

    pub(crate) fn keys(
        &self,
    ) -> impl DoubleEndedIterator<Item = K> + ExactSizeIterator + use<K, V> {
        (0..self.values.len()).map(id)
    }

    pub(crate) fn values(&self) -> std::slice::Iter<'_, V> {
        self.values.iter()
    }

    pub(crate) fn values_mut(&mut self) -> std::slice::IterMut<'_, V> {
        self.values.iter_mut()
    }
}

impl<K, V> Default for PrimaryMap<K, V> {
    fn default() -> Self {
        PrimaryMap {
            values: Vec::new(),
            key: PhantomData,
        }
    }
}

impl<K: EntityId, V: fmt::Debug> fmt::Debug for PrimaryMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// A value for each entity of a [`PrimaryMap`].
#[derive(Clone)]
pub(crate) struct EntityMap<K, V> {
    values: Vec<V>,
    key: PhantomData<fn() -> K>,
}

impl<K: EntityId, V> EntityMap<K, V> {
    /// The same value for each entity of a table.
    pub(crate) fn for_each<T>(table: &PrimaryMap<K, T>, value: V) -> EntityMap<K, V>
    where
        V: Clone,
    {
        EntityMap {
            values: vec![value; table.len()],
            key: PhantomData,
        }
    }

    /// A value for each entity of a table, made from it.
    pub(crate) fn from_fn<T>(
        table: &PrimaryMap<K, T>,
        mut value: impl FnMut(K, &T) -> V,
    ) -> EntityMap<K, V> {
        EntityMap {
            values: table
                .iter()
                .map(|(key, entity)| value(key, entity))
                .collect(),
            key: PhantomData,
        }
    }

    /// Adds the value of the entity that was made last; all before it have theirs.
    pub(crate) fn push(&mut self, key: K, value: V) {
        debug_assert_eq!(key.index(), self.values.len());
        self.values.push(value);
    }

    pub(crate) fn get(&self, key: K) -> Option<&V> {
        self.values.get(key.index())
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.values.get_mut(key.index())
    }

    /// Sets the value of an entity, and says whether it was another one.
    pub(crate) fn set(&mut self, key: K, value: V) -> bool
    where
        V: PartialEq,
    {
        let place = self.values.get_mut(key.index());
        debug_assert!(place.is_some(), "{key:?} is of another table");
        place.is_some_and(|place| {
            let changes = *place != value;
            *place = value;
            changes
        })
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> + ExactSizeIterator {
        let values = self.values.iter().enumerate();
        values.map(|(index, value)| (id(index), value))
    }
}

impl<K: EntityId, V: fmt::Debug> fmt::Debug for EntityMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    entity_id! {
        /// An entity of these tests.
        Thing, "thing"
    }

    #[test]
    fn entities_are_numbered_in_the_order_in_which_they_are_made() {
        let mut things: PrimaryMap<Thing, &str> = PrimaryMap::default();
        assert_eq!(things.push("a"), Thing(0));
        assert_eq!(things.next_key(), Thing(1));
        assert_eq!(things.push("b"), Thing(1));
        let all: Vec<_> = things.iter().map(|(key, value)| (key.0, *value)).collect();
        assert_eq!(all, [(0, "a"), (1, "b")]);
        assert_eq!(Thing(1).to_string(), "thing1");
    }

    #[test]
    fn an_entity_of_another_table_has_no_entry() {
        let mut things: PrimaryMap<Thing, u32> = PrimaryMap::default();
        things.push(1);
        assert_eq!(things.get(Thing(1)), None);
        assert!(!things.contains(Thing(1)));
        let known = EntityMap::for_each(&things, 0u8);
        assert_eq!(known.get(Thing(0)), Some(&0));
        assert_eq!(known.get(Thing(1)), None);
    }

    #[test]
    fn setting_a_value_says_whether_it_changed() {
        let mut things: PrimaryMap<Thing, ()> = PrimaryMap::default();
        let thing = things.push(());
        let mut known = EntityMap::for_each(&things, 3);
        assert!(known.set(thing, 4));
        assert!(!known.set(thing, 4));
    }
}
