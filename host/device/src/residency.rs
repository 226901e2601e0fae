//! Buffers that outlive the instance that made them: weights, tables, a cache.
//! The names belong to one function of one tenant.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use crate::sync::lock;
use crate::tenant::Tenant;
use crate::{Buffer, Error};

/// How many names one function may keep.
const MAX_NAMES: usize = 1024;

/// How long a name may be, in bytes.
const MAX_NAME_BYTES: usize = 256;

/// The buffers that one function keeps. Clones are the same names.
#[derive(Clone, Debug)]
pub struct Residency {
    tenant: Arc<Tenant>,
    kept: Arc<Mutex<HashMap<String, Buffer>>>,
}

impl Residency {
    pub(crate) fn new(tenant: &Arc<Tenant>) -> Residency {
        Residency {
            tenant: Arc::clone(tenant),
            kept: Arc::default(),
        }
    }

    /// The buffer kept under this name, if any. What was lost with a device is kept
    /// no more: who finds nothing fills it again.
    ///
    /// # Errors
    /// None today: what is lost is not there.
    pub fn lookup(&self, name: &str) -> Result<Option<Buffer>, Error> {
        let found = lock(&self.kept).get(name).cloned();
        Ok(found.filter(|buffer| !buffer.is_lost()))
    }

    /// Keeps a buffer under a name. Where the name has one already, that one
    /// stays, and comes back.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a name of more than 256 bytes,
    /// [`Error::QuotaExceeded`] past 1024 names, [`Error::Denied`] for another
    /// session's buffer.
    pub fn keep(&self, name: &str, buffer: Buffer) -> Result<Buffer, Error> {
        buffer.belongs_to(&self.tenant)?;
        if name.len() > MAX_NAME_BYTES {
            return Err(Error::OutOfRange(format!(
                "a name has at most {MAX_NAME_BYTES} bytes, and this one has {}",
                name.len()
            )));
        }
        let mut kept = lock(&self.kept);
        let names = kept.len();
        match kept.entry(name.to_owned()) {
            Entry::Occupied(mut first) if first.get().is_lost() => {
                let lost = first.insert(buffer.clone());
                drop(kept);
                drop(lost);
                Ok(buffer)
            }
            Entry::Occupied(first) => Ok(first.get().clone()),
            Entry::Vacant(_) if names >= MAX_NAMES => Err(Error::QuotaExceeded {
                resource: "names of kept buffers",
                limit: MAX_NAMES as u64,
                requested: names as u64 + 1,
            }),
            Entry::Vacant(free) => Ok(free.insert(buffer).clone()),
        }
    }

    /// All buffers that are kept, by name.
    pub(crate) fn kept(&self) -> BTreeMap<String, Buffer> {
        let kept = lock(&self.kept);
        let there = kept.iter().filter(|(_, buffer)| !buffer.is_lost());
        there
            .map(|(name, buffer)| (name.clone(), buffer.clone()))
            .collect()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.kept().is_empty()
    }

    /// Forgets a name. The memory goes when its last user is done.
    ///
    /// # Errors
    /// None on this device. A name that is not kept is no error.
    pub fn release(&self, name: &str) -> Result<(), Error> {
        let released = lock(&self.kept).remove(name);
        drop(released);
        Ok(())
    }
}
