//! The components that are loaded: linked, and ready to make instances. Where there are too many,
//! the tenant that has most gives up the one that it used least recently, so that no tenant's
//! functions, and what they keep on the device, give way to a flood of another's. It is loaded again
//! when it is next invoked.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use super::loader::{LoadError, LoadedComponent};
use crate::grants::FunctionGrants;
use crate::lock::ignore_poison;

/// A version that is loaded. Clones are the same one.
#[derive(Clone)]
pub(super) struct LoadedVersion {
    pub(super) component: Arc<dyn LoadedComponent>,
    /// What it has of the device.
    pub(super) grants: Arc<FunctionGrants>,
}

/// A version that is loaded, or will be by the first that needs it.
pub(super) type Cell = Arc<VersionCell>;

/// A version on its way to being loaded, for all who wait for it.
pub(super) type Loading = Shared<BoxFuture<'static, Result<LoadedVersion, Arc<LoadError>>>>;

/// A place for a version that is loaded.
#[derive(Default)]
pub(super) struct VersionCell {
    loaded: OnceLock<LoadedVersion>,
    loading: Mutex<Option<Loading>>,
    failed: Mutex<Option<FailedInit>>,
}

/// An `init` that failed.
struct FailedInit {
    error: Arc<LoadError>,
    /// Until when its error answers who asks for the version.
    until: Instant,
}

/// For how long at least, and at most, an `init` that failed is not run again.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

impl VersionCell {
    /// The version, if it is loaded.
    pub(super) fn get(&self) -> Option<&LoadedVersion> {
        self.loaded.get()
    }

    /// Loads the version, unless it is being loaded. That goes on where nobody waits for it any more, so that
    /// a component that takes longer than its clients wait is loaded once, and not by each of them. Where
    /// it fails, all who wait for it have the error, and who comes later tries again; where its `init`
    /// failed, after a pause as long as that took, so that it is not run without end.
    pub(super) fn load<F>(self: &Arc<Self>, load: impl FnOnce() -> F) -> Loading
    where
        F: Future<Output = Result<LoadedVersion, LoadError>> + Send + 'static,
    {
        let mut loading = ignore_poison(self.loading.lock());
        if let Some(loading) = &*loading {
            return loading.clone();
        }
        if let Some(loaded) = self.loaded.get() {
            return futures::future::ready(Ok(loaded.clone())).boxed().shared();
        }
        if let Some(failed) = &*ignore_poison(self.failed.lock())
            && Instant::now() < failed.until
        {
            return futures::future::ready(Err(failed.error.clone()))
                .boxed()
                .shared();
        }
        let (cell, load, began) = (self.clone(), load(), Instant::now());
        let task = tokio::spawn(async move {
            let loaded = load.await.map_err(Arc::new);
            match &loaded {
                Ok(loaded) => drop(cell.loaded.set(loaded.clone())),
                Err(error) => cell.note_failed(error, began.elapsed()),
            }
            *ignore_poison(cell.loading.lock()) = None;
            loaded
        });
        let begun = task
            .map(|ended| {
                ended.unwrap_or_else(|error| {
                    tracing::error!("loading a component failed: {error}");
                    Err(Arc::new(LoadError::Internal))
                })
            })
            .boxed()
            .shared();
        *loading = Some(begun.clone());
        begun
    }

    /// Loading the version failed after so long.
    fn note_failed(&self, error: &Arc<LoadError>, took: Duration) {
        if let LoadError::Component(tensor_wasm_runtime::Error::Init(_)) = &**error {
            let (least, most) = PAUSES;
            *ignore_poison(self.failed.lock()) = Some(FailedInit {
                error: error.clone(),
                until: Instant::now() + took.clamp(least, most),
            });
        }
    }
}

/// The components that are loaded, by function and version.
pub(super) struct Loaded {
    most: NonZeroUsize,
    cells: Mutex<Cells>,
}

#[derive(Default)]
struct Cells {
    by_version: HashMap<String, HashMap<u32, Used>>,
    count: usize,
    /// Counts the uses.
    clock: u64,
}

struct Used {
    tenant: u64,
    cell: Cell,
    last: u64,
}

impl Loaded {
    pub(super) fn new(most: NonZeroUsize) -> Loaded {
        Loaded {
            most,
            cells: Mutex::default(),
        }
    }

    /// The component of a version. Whoever finds it empty loads it.
    pub(super) fn cell(&self, tenant: u64, id: &str, version: u32) -> Cell {
        let mut cells = ignore_poison(self.cells.lock());
        if let Some(cell) = cells.used(id, version) {
            return cell;
        }
        let evicted = (cells.count >= self.most.get()).then(|| cells.evict());
        let cell = cells.insert(tenant, id, version, Arc::default());
        drop(cells);
        if let Some(Some(cell)) = evicted {
            drop_elsewhere(cell);
        }
        cell
    }

    /// Has a version that was just loaded.
    pub(super) fn insert(&self, tenant: u64, id: &str, version: u32, loaded: LoadedVersion) {
        let cell = self.cell(tenant, id, version);
        // Another one, where a request was faster: equal, and in use.
        let _ = cell.loaded.set(loaded);
    }

    /// A version, if it is loaded. That is no use of it.
    pub(super) fn peek(&self, id: &str, version: u32) -> Option<LoadedVersion> {
        let cells = ignore_poison(self.cells.lock());
        let used = cells.by_version.get(id)?.get(&version)?;
        used.cell.get().cloned()
    }

    /// Forgets all components. Requests that run keep theirs for as long as they do.
    pub(super) fn clear(&self) {
        let cleared = {
            let mut cells = ignore_poison(self.cells.lock());
            cells.count = 0;
            std::mem::take(&mut cells.by_version)
        };
        drop_elsewhere(cleared);
    }

    /// Forgets those of these versions that hold memory of their tenant, but for the one that was used last.
    pub(super) fn forget_images(&self, id: &str, versions: impl Iterator<Item = u32>) {
        let mut cells = ignore_poison(self.cells.lock());
        let Some(loaded) = cells.by_version.get(id) else {
            return;
        };
        let mut holding: Vec<(u64, u32)> = versions
            .filter_map(|number| {
                let used = loaded.get(&number)?;
                let holds = used.cell.get()?.component.holds_memory();
                holds.then_some((used.last, number))
            })
            .collect();
        holding.sort_unstable();
        holding.pop();
        let forgotten: Vec<_> = holding
            .iter()
            .filter_map(|(_, number)| cells.remove(id, *number))
            .collect();
        drop(cells);
        if !forgotten.is_empty() {
            drop_elsewhere(forgotten);
        }
    }

    /// Forgets a component. Requests that run keep it for as long as they do.
    pub(super) fn remove(&self, id: &str, version: u32) {
        let cell = ignore_poison(self.cells.lock()).remove(id, version);
        if let Some(cell) = cell {
            drop_elsewhere(cell);
        }
    }
}

impl Cells {
    fn used(&mut self, id: &str, version: u32) -> Option<Cell> {
        self.clock += 1;
        let used = self.by_version.get_mut(id)?.get_mut(&version)?;
        used.last = self.clock;
        Some(used.cell.clone())
    }

    fn insert(&mut self, tenant: u64, id: &str, version: u32, cell: Cell) -> Cell {
        let used = Used {
            tenant,
            cell: cell.clone(),
            last: self.clock,
        };
        self.by_version
            .entry(id.to_owned())
            .or_default()
            .insert(version, used);
        self.count += 1;
        cell
    }

    fn remove(&mut self, id: &str, version: u32) -> Option<Cell> {
        let versions = self.by_version.get_mut(id)?;
        let used = versions.remove(&version)?;
        if versions.is_empty() {
            self.by_version.remove(id);
        }
        self.count -= 1;
        Some(used.cell)
    }

    /// Removes the least recently used one of the tenant that has most.
    fn evict(&mut self) -> Option<Cell> {
        let all = || self.by_version.values().flat_map(HashMap::values);
        let mut counts: HashMap<u64, usize> = HashMap::new();
        for used in all() {
            *counts.entry(used.tenant).or_default() += 1;
        }
        let most = counts.values().copied().max()?;
        let of_largest = self.by_version.iter().flat_map(|(id, versions)| {
            let versions = versions.iter();
            versions.map(move |(version, used)| (used, id, *version))
        });
        let of_largest = of_largest.filter(|(used, ..)| counts.get(&used.tenant) == Some(&most));
        let (_, id, version) = of_largest.min_by_key(|(used, ..)| used.last)?;
        let id = id.clone();
        self.remove(&id, version)
    }
}

/// Dropping a component unmaps its code, which is not for the threads that serve HTTP.
fn drop_elsewhere(cells: impl Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(move || drop(cells))),
        Err(_) => drop(cells),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_one_that_was_used_least_recently_gives_way() {
        let loaded = Loaded::new(NonZeroUsize::new(2).unwrap());
        let first = loaded.cell(7, "a", 1);
        let second = loaded.cell(7, "a", 2);
        assert!(Arc::ptr_eq(&first, &loaded.cell(7, "a", 1)));
        let third = loaded.cell(7, "b", 1);
        assert!(Arc::ptr_eq(&first, &loaded.cell(7, "a", 1)));
        assert!(Arc::ptr_eq(&third, &loaded.cell(7, "b", 1)));
        assert!(!Arc::ptr_eq(&second, &loaded.cell(7, "a", 2)));
        assert_eq!(loaded.cells.lock().unwrap().count, 2);
        loaded.remove("a", 2);
        loaded.remove("a", 2);
        assert_eq!(loaded.cells.lock().unwrap().count, 1);
        loaded.clear();
        assert_eq!(loaded.cells.lock().unwrap().count, 0);
        assert!(!Arc::ptr_eq(&first, &loaded.cell(7, "a", 1)));
    }

    #[test]
    fn a_tenant_that_loads_many_takes_no_place_of_another() {
        let loaded = Loaded::new(NonZeroUsize::new(3).unwrap());
        let kept = loaded.cell(1, "kept", 1);
        for number in 0..10 {
            loaded.cell(2, &number.to_string(), 1);
        }
        assert!(Arc::ptr_eq(&kept, &loaded.cell(1, "kept", 1)));
        assert_eq!(loaded.cells.lock().unwrap().count, 3);
    }
}
