//! Device memory on the processor: the bytes of each allocation, and the map
//! from a tenant's device addresses to them.

mod arena;
mod copy;
mod map;
mod mapping;
mod storage;
mod write_log;
mod written;

pub(crate) use arena::{ARENA_BYTES, Arena, GUARD_BYTES};
pub(crate) use map::{AddressMap, View};
pub(crate) use mapping::{LARGE_PAGE, Mapping};
pub(crate) use storage::Storage;
pub(crate) use write_log::{REQUESTS as WRITE_LOG_REQUESTS, WriteLog};
