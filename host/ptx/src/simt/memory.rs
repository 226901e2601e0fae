//! Device memory as an interpreted kernel sees it. The embedder owns it, and answers each access.

use crate::simt::shadow::Shadow;

/// Device memory, by device address. Values are little-endian and zero-extended to 64 bits.
///
/// Several blocks may ask at once. What racing plain accesses see is the embedder's affair, as long
/// as it is defined.
pub trait Memory: Sync {
    /// Reads 1, 2, 4 or 8 bytes at an address that is a multiple of their number.
    ///
    /// # Errors
    /// Where nothing is mapped there.
    fn load(&self, address: u64, bytes: u32) -> Result<u64, MemoryError>;

    /// Writes the low 1, 2, 4 or 8 bytes of `value` at an address that is a multiple of their
    /// number.
    ///
    /// # Errors
    /// Where nothing is mapped there, or it is read-only.
    fn store(&self, address: u64, bytes: u32, value: u64) -> Result<(), MemoryError>;

    /// Replaces a value by a function of itself, in one atomic step, and returns the old value. The
    /// function may be called more than once.
    ///
    /// # Errors
    /// Where nothing is mapped there, or it is read-only.
    fn update(
        &self,
        address: u64,
        bytes: u32,
        f: &mut dyn FnMut(u64) -> u64,
    ) -> Result<u64, MemoryError>;

    /// What the checks of a [checked](crate::interpret::InterpretedLaunch::checked) launch must know of
    /// this memory. Where there is nothing, they leave device memory out.
    fn shadow(&self) -> Option<&dyn Shadow> {
        None
    }

    /// Takes what a kernel prints with `printf`, one call's text at a time: any bytes, at most
    /// 64 KiB. Blocks print in no particular order. Drops it, unless the embedder has a use for it.
    fn print(&self, text: &[u8]) {
        let _ = text;
    }
}

/// Why an access to device memory failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// No buffer of the launch's owner holds the whole range.
    #[error("nothing is allocated at address {address:#x}")]
    Unmapped {
        /// The first address of the access.
        address: u64,
    },
    /// The address is no multiple of the size of the access.
    #[error("address {address:#x} is not aligned to {bytes} bytes")]
    Misaligned {
        /// The first address of the access.
        address: u64,
        /// The alignment that the access needs.
        bytes: u32,
    },
    /// The range may only be read.
    #[error("the memory at address {address:#x} is read-only")]
    ReadOnly {
        /// The first address of the access.
        address: u64,
    },
}
