//! How the addresses that a kernel computes with are divided up.
//!
//! A generic address says by its value which memory it means: shared and local memory, and an
//! entry's parameters, have a window of 4 GiB each, and device memory begins far above all of them.
//! Address zero lies in no window, so a null pointer is always caught. An address that an
//! instruction marks as `.shared` or `.local` is an offset into that memory, without its window;
//! `.global` and `.const` addresses are device addresses.

/// Where device memory begins: the first address that may be given to a buffer.
pub const GLOBAL_BASE: u64 = 1 << 40;

/// Where the window of shared memory begins, for generic addresses.
pub const SHARED_BASE: u64 = 1 << 32;

/// Where the window of local memory begins, for generic addresses.
pub const LOCAL_BASE: u64 = 2 << 32;

/// Where the window of an entry's parameters begins, for generic addresses.
pub const PARAM_BASE: u64 = 3 << 32;

/// How far each of the windows below [`GLOBAL_BASE`] reaches, in bytes.
pub const WINDOW_BYTES: u64 = 1 << 32;
