//! What many tenants share, beside the components themselves: who may call.

pub mod grants;
pub mod tokens;
