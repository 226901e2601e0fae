//! What many tenants share, beside the components themselves: who may call, how often,
//! how much of the device each gets, and what is recorded of it all.

pub mod audit;
pub mod grants;
pub mod limiter;
mod lock;
pub mod tokens;
