//! What many tenants share, beside the components themselves: who may call, and what
//! is recorded of it.

pub mod audit;
pub mod tokens;
