//! One instance of a component: the data of its store, how it is made, how it is given requests,
//! and who polls it meanwhile.

pub(crate) mod attached_guest;
pub(crate) mod factory;
pub(crate) mod guest_future;
pub(crate) mod idle;
pub(crate) mod initialize;
pub(crate) mod linker;
mod proxy_instance;
pub(crate) mod state;
pub(crate) mod worker;
