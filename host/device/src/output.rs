//! The output of kernels that print.

/// Takes what the kernels of one instance print, a call of `printf` at a time: any
/// bytes, at most 64 KiB. Called on the device's threads, which it must not hold up.
pub trait Output: Send + Sync {
    /// Takes one call's text.
    fn print(&self, text: &[u8]);
}
