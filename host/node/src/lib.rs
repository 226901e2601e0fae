//! What many tenants share, beside the components themselves: who may call, and how
//! often.

pub mod limiter;
pub mod tokens;
