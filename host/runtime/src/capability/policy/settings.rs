//! What an operator sets: the mechanisms that policies ask, and their settings.

use super::audit::Auditor;
use super::authenticator::Authenticator;
use super::limiter::Limiter;
use std::sync::Arc;

/// The mechanisms behind `tensor:policy/*`, and the settings in `wasi:config/store`.
/// What is left out fails closed: no caller is known, and every bucket is empty.
#[derive(Clone, Default)]
pub struct PolicyGrant {
    /// Who answers `tensor:policy/credentials`.
    pub authenticator: Option<Arc<dyn Authenticator>>,
    /// Who answers `tensor:policy/limiter`.
    pub limiter: Option<Arc<dyn Limiter>>,
    /// Who keeps a record of each decision. Without it nothing is recorded.
    pub auditor: Option<Arc<dyn Auditor>>,
    /// What `wasi:config/store` shows, as pairs of key and value. No secrets: where
    /// policy and application are one composite, both see them.
    pub settings: Vec<(String, String)>,
    /// Whether an application behind a policy that decides sees the `Authorization` of its
    /// callers, which it could send elsewhere. It is removed unless this is set.
    pub keep_authorization: bool,
}
