//! What many tenants share, beside the components themselves: who may call, how often,
//! and how much of the device each gets.

pub mod grants;
pub mod limiter;
pub mod tokens;
