//! How many invocations of functions there are at one time: who admits them tells the metrics.

/// The invocations of one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TenantInvocations {
    pub(crate) tenant: u64,
    /// Those that have a place.
    pub(crate) running: usize,
    /// Those that wait for one.
    pub(crate) waiting: usize,
}

/// Tells which invocations there are, by tenant.
pub(crate) type InvocationSource = Box<dyn Fn() -> Vec<TenantInvocations> + Send + Sync>;
