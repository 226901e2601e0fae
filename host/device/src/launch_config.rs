//! How many blocks and threads a launch has.

use tensor_wasm_ptx::Extent;

/// How a kernel is launched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaunchConfig {
    /// How many blocks there are.
    pub grid: Extent,
    /// How many threads each block has.
    pub block: Extent,
    /// Dynamic shared memory of a block, in bytes.
    pub shared_bytes: u32,
}
