//! What an operator gives a policy: the host's mechanisms, and settings.

use super::{Auditor, Authenticator, Limiter};
use std::sync::Arc;

/// The mechanisms behind `tensor:policy/*`, and the settings in `wasi:config/store`.
/// What is left out fails closed: nobody is known, and no bucket holds a token.
#[derive(Clone, Default)]
pub struct PolicyGrant {
    /// Who answers `tensor:policy/credentials`.
    pub authenticator: Option<Arc<dyn Authenticator>>,
    /// Who answers `tensor:policy/limiter`.
    pub limiter: Option<Arc<dyn Limiter>>,
    /// Who keeps what was decided. Without it nothing is recorded.
    pub auditor: Option<Arc<dyn Auditor>>,
    /// What `wasi:config/store` shows, as pairs of key and value. No secrets: where
    /// policy and application are one composite, both see them.
    pub settings: Vec<(String, String)>,
}
