//! Device memory on the processor: the bytes of each allocation, and the map
//! from a tenant's device addresses to them.

mod map;
mod storage;

pub(crate) use map::AddressMap;
pub(crate) use storage::Storage;
