//! How a component is initialized: whose the work is, and its limits.

use crate::request::UsageAccount;
use std::sync::Arc;
use std::time::Duration;

/// How a component is initialized that has an `init`.
#[derive(Clone)]
pub struct InitConfig {
    /// Whose the work is: what it uses is this tenant's, and counts in its limits.
    pub tenant: u64,
    /// The account within the tenant that it is attributed to.
    pub account: Option<Arc<dyn UsageAccount>>,
    /// How long it may take.
    pub timeout: Duration,
    /// How large the component may be with what `init` leaves in its memory, in bytes.
    pub image_bytes: u64,
}

impl Default for InitConfig {
    fn default() -> InitConfig {
        InitConfig {
            tenant: 0,
            account: None,
            timeout: Duration::from_secs(30),
            image_bytes: 1 << 30,
        }
    }
}
