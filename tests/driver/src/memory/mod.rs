//! Device memory: the bytes of each allocation, and the addresses at which kernels see them.

mod map;
mod store;

pub(crate) use map::{Map, RegionKind, View};
pub(crate) use store::Store;
