//! The functions that were used, in memory: a request finds its function and version without
//! asking the database.
//!
//! What changes a function holds the index exclusively from before the change in the database
//! until the index has it too, so that no reader puts back what is out of date.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use http::HeaderValue;
use tokio::sync::{OwnedSemaphorePermit, RwLock, RwLockWriteGuard};

use super::turns::TenantTurns;
use super::usage::CountedFunction;
use crate::lock::ignore_poison;
use crate::storage::functions::{Function, Version};
use crate::storage::{Metadata, StorageError};

/// Functions that are kept in memory. Where there are more, all of them are forgotten, and
/// are read again as they are used.
const MOST_ENTRIES: usize = 10_000;

/// One function, as it is until its next change.
pub(crate) struct Entry {
    pub(crate) tenant: u64,
    pub(crate) function: Function,
    /// Whom its invocations are counted for.
    pub(super) counted: Arc<CountedFunction>,
    /// Its id, as a header's value. Ids are ASCII, so that there is one.
    pub(crate) header_value: Option<HeaderValue>,
    /// Counts the requests, to divide them among versions.
    requests: AtomicU32,
}

impl Entry {
    fn new(tenant: u64, function: Function) -> Entry {
        let counted = CountedFunction {
            tenant,
            id: function.id.clone(),
            name: function.name.clone(),
        };
        let header_value = HeaderValue::from_str(&function.id).ok();
        Entry {
            tenant,
            function,
            counted: Arc::new(counted),
            header_value,
            requests: AtomicU32::new(0),
        }
    }

    /// The version that the next request is for. Of 100 requests in a row each version gets
    /// exactly as many as its weight says.
    pub(super) fn next_version(&self) -> Option<(u32, &Version)> {
        // A step that has no divisor in common with 100 visits all residues, in an order
        // that mixes them.
        let turn = self.requests.fetch_add(37, Ordering::Relaxed) % 100;
        let mut end = 0;
        for (number, version) in &self.function.versions {
            end += u32::from(version.weight);
            if turn < end {
                return Some((*number, version));
            }
        }
        self.function.active()
    }
}

/// The functions that were used.
#[derive(Default)]
pub(super) struct Index {
    entries: Mutex<Entries>,
    /// Shared by those that read the database in order to add what they find.
    changes: RwLock<()>,
}

/// By tenant, and by id or name: each function has two keys.
#[derive(Default)]
struct Entries {
    by_tenant: HashMap<u64, HashMap<String, Arc<Entry>>>,
    count: usize,
}

impl Entries {
    fn insert(&mut self, tenant: u64, key: &str, entry: &Arc<Entry>) {
        let of_tenant = self.by_tenant.entry(tenant).or_default();
        if of_tenant.insert(key.to_owned(), entry.clone()).is_none() {
            self.count += 1;
        }
    }

    fn remove(&mut self, tenant: u64, key: &str) {
        let Some(of_tenant) = self.by_tenant.get_mut(&tenant) else {
            return;
        };
        if of_tenant.remove(key).is_some() {
            self.count -= 1;
        }
        if of_tenant.is_empty() {
            self.by_tenant.remove(&tenant);
        }
    }

    fn clear(&mut self) {
        *self = Entries::default();
    }
}

impl Index {
    /// A function of a tenant, by id or name.
    pub(super) async fn find(
        &self,
        database: &dyn Metadata,
        tenant: u64,
        key: &str,
    ) -> Result<Option<Arc<Entry>>, StorageError> {
        match self.get(tenant, key) {
            Some(entry) => Ok(Some(entry)),
            // Apart, so that the future of what is found in memory is small.
            None => Box::pin(self.read(database, tenant, key)).await,
        }
    }

    async fn read(
        &self,
        database: &dyn Metadata,
        tenant: u64,
        key: &str,
    ) -> Result<Option<Arc<Entry>>, StorageError> {
        let _shared = self.changes.read().await;
        let function = database.function(tenant, key).await?;
        Ok(function.map(|function| self.insert(tenant, function)))
    }

    fn get(&self, tenant: u64, key: &str) -> Option<Arc<Entry>> {
        let entries = ignore_poison(self.entries.lock());
        entries.by_tenant.get(&tenant)?.get(key).cloned()
    }

    fn insert(&self, tenant: u64, function: Function) -> Arc<Entry> {
        let entry = Arc::new(Entry::new(tenant, function));
        let mut entries = ignore_poison(self.entries.lock());
        if entries.count >= MOST_ENTRIES {
            entries.clear();
        }
        for key in [&entry.function.id, &entry.function.name] {
            entries.insert(tenant, key, &entry);
        }
        entry
    }

    /// Begins a change of a function of a tenant, when it is the tenant's turn.
    pub(super) async fn change_of(&self, tenant: u64, turns: &TenantTurns) -> Change<'_> {
        let turn = turns.turn(tenant).await;
        let mut change = self.change().await;
        change._turn = turn;
        change
    }

    /// Begins a change of any function.
    pub(super) async fn change(&self) -> Change<'_> {
        Change {
            _turn: None,
            index: self,
            is_known: false,
            _exclusive: self.changes.write().await,
        }
    }
}

/// A change of a function, from before the database has it until the index does.
pub(super) struct Change<'a> {
    index: &'a Index,
    /// Whether the index has it.
    is_known: bool,
    _exclusive: RwLockWriteGuard<'a, ()>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Change<'_> {
    /// The database has a new state of this function.
    pub(super) fn replaced(&mut self, tenant: u64, function: &Function) {
        self.index.insert(tenant, function.clone());
        self.is_known = true;
    }

    /// The database has this function no more.
    pub(super) fn removed(&mut self, tenant: u64, function: &Function) {
        let mut entries = ignore_poison(self.index.entries.lock());
        for key in [&function.id, &function.name] {
            entries.remove(tenant, key);
        }
        self.is_known = true;
    }

    /// The index stays as it is.
    pub(super) fn unchanged(&mut self) {
        self.is_known = true;
    }
}

impl Drop for Change<'_> {
    /// A change whose end is not known may have been made: functions are read again as they are
    /// used.
    fn drop(&mut self) {
        if !self.is_known {
            ignore_poison(self.index.entries.lock()).clear();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use super::*;
    use crate::storage::functions::Imports;

    fn version(weight: u8) -> Version {
        Version {
            digest: "blake3:1".to_owned(),
            size_bytes: 1,
            imports: Imports::default(),
            created_ms: 0,
            created_by: None,
            weight,
            asset_files: 0,
            asset_bytes: 0,
        }
    }

    fn entry(weights: &[u8]) -> Entry {
        let versions = weights.iter().map(|weight| version(*weight));
        Entry::new(
            0,
            Function {
                id: "fn_0".to_owned(),
                name: "a".to_owned(),
                created_ms: 0,
                updated_ms: 0,
                outgoing_hosts: None,
                versions: (1..).zip(versions).collect(),
            },
        )
    }

    #[test]
    fn a_hundred_requests_are_divided_exactly_and_mixed() {
        let entry = entry(&[0, 90, 10]);
        let mut counts = BTreeMap::new();
        let mut longest_wait = 0;
        let mut wait = 0;
        for _ in 0..200 {
            let (number, _) = entry.next_version().unwrap();
            *counts.entry(number).or_insert(0) += 1;
            wait = if number == 3 { 0 } else { wait + 1 };
            longest_wait = longest_wait.max(wait);
        }
        assert_eq!(counts, BTreeMap::from([(2, 180), (3, 20)]));
        assert!(longest_wait < 30, "{longest_wait}");
    }
}
