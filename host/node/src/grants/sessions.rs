//! The sessions of tenants on the device, and what they hold of its memory.

use std::collections::{BTreeMap, HashMap};

use tensor_wasm_device::Session;
use tensor_wasm_runtime::GpuAccess;

/// Sessions at one time. Idle ones make room; a tenant that finds none is denied, as
/// on a device that is full.
pub(super) const SESSIONS: usize = 1024;

/// What a tenant holds of the device's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldMemory {
    /// The tenant; `None` for several that are not told apart any more.
    pub tenant: Option<u64>,
    /// What it holds now, in bytes.
    pub bytes: u64,
    /// What it has held until now, in bytes times nanoseconds.
    pub byte_nanoseconds: u128,
}

/// The sessions of all tenants.
#[derive(Default)]
pub(super) struct Sessions {
    pub(super) open: HashMap<u64, GpuAccess>,
    /// Those of tenants whose limits have changed since, for as long as something of them is used.
    pub(super) replaced: Vec<(u64, Session)>,
    /// What sessions held that were dropped, in bytes times nanoseconds, of so many tenants
    /// by themselves.
    dropped: HashMap<u64, u128>,
    /// The same of all other tenants.
    dropped_of_others: u128,
}

impl Sessions {
    /// Drops the sessions that are idle, and remembers what they held.
    pub(super) fn drop_idle(&mut self) {
        let idle = self.open.extract_if(|_, access| access.is_idle());
        for (id, access) in idle.collect::<Vec<_>>() {
            self.remember(id, access.session());
        }
    }

    /// Has other sessions made for these tenants.
    pub(super) fn replace_if(&mut self, is_meant: impl Fn(u64) -> bool) {
        let replaced = self.open.extract_if(|id, _| is_meant(*id));
        let replaced = replaced.map(|(id, access)| (id, access.session().clone()));
        self.replaced.extend(replaced);
    }

    /// Drops those that were replaced, where nothing of them is used any more.
    pub(super) fn drop_unused(&mut self) {
        let unused = self
            .replaced
            .extract_if(.., |(_, session)| session.is_idle());
        for (id, session) in unused.collect::<Vec<_>>() {
            self.remember(id, &session);
        }
    }

    /// What each tenant holds of the device's memory, of those that have used it.
    pub(super) fn memory(&self) -> Vec<HeldMemory> {
        let mut held: BTreeMap<u64, HeldMemory> = BTreeMap::new();
        let mut add = |id: u64, bytes: u64, byte_nanoseconds: u128| {
            let held = held.entry(id).or_insert(HeldMemory {
                tenant: Some(id),
                bytes: 0,
                byte_nanoseconds: 0,
            });
            held.bytes = held.bytes.saturating_add(bytes);
            held.byte_nanoseconds = held.byte_nanoseconds.saturating_add(byte_nanoseconds);
        };
        let open = self.open.iter();
        let open = open.map(|(id, access)| (id, access.session()));
        let replaced = self.replaced.iter();
        for (&id, session) in open.chain(replaced.map(|(id, session)| (id, session))) {
            let bytes = session.usage().memory_bytes;
            add(id, bytes, session.memory_byte_nanoseconds());
        }
        for (&id, &byte_nanoseconds) in &self.dropped {
            add(id, 0, byte_nanoseconds);
        }
        let others = HeldMemory {
            tenant: None,
            bytes: 0,
            byte_nanoseconds: self.dropped_of_others,
        };
        let others = (others.byte_nanoseconds > 0).then_some(others);
        held.into_values().chain(others).collect()
    }

    fn remember(&mut self, id: u64, session: &Session) {
        let held = session.memory_byte_nanoseconds();
        if held == 0 {
            return;
        }
        let is_known = self.dropped.contains_key(&id);
        let sum = match is_known || self.dropped.len() < SESSIONS {
            true => self.dropped.entry(id).or_default(),
            false => &mut self.dropped_of_others,
        };
        *sum = sum.saturating_add(held);
    }
}
