//! Shadow memory: what the interpreter's checks must know of device memory beside what is in it. The
//! embedder keeps it.

/// One allocation of device memory: a buffer, or a variable of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// Its first address.
    pub base: u64,
    /// Its size, in bytes.
    pub bytes: u64,
}

impl Allocation {
    /// Whether all of these bytes lie within it.
    #[must_use]
    pub fn contains(&self, address: u64, bytes: u64) -> bool {
        address
            .checked_sub(self.base)
            .and_then(|offset| offset.checked_add(bytes))
            .is_some_and(|end| end <= self.bytes)
    }

    /// Whether an address points into it, or right behind it, as a pointer to its end does.
    pub(crate) fn is_pointed_to_by(&self, address: u64) -> bool {
        self.contains(address, 0)
    }
}

/// Which allocations there are, and which of their bytes were ever written.
///
/// Between two allocations lies at least one byte that is nobody's, so that a pointer to the end of
/// one is none to the next.
pub trait Shadow {
    /// The last allocation that begins at this address or before it, wherever it ends.
    fn allocation(&self, address: u64) -> Option<Allocation>;

    /// The first of these bytes that neither the host nor a kernel has written. What is not
    /// allocated counts as written.
    fn unwritten(&self, address: u64, bytes: u64) -> Option<u64>;

    /// Notes that a kernel writes these bytes.
    fn write(&self, address: u64, bytes: u64);
}
