//! State spaces at run time, and how the addresses that a kernel computes with are divided up.
//!
//! A generic address says by its value which memory it means: shared and local memory, and an
//! entry's parameters, have a window of 4 GiB each, and device memory begins far above all of them.
//! Address zero lies in no window, so a null pointer is always caught. An address that an
//! instruction marks as `.shared` or `.local` is an offset into that memory, without its window;
//! `.global` and `.const` addresses are device addresses.

use std::ops::Range;

use crate::syntax::modifier::Modifier;
use crate::syntax::tree::{Function, Instruction};
use crate::syntax::types::Space;

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

/// The memory that an access means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AddressSpace {
    /// Device memory, by device address.
    Global,
    /// An offset into the block's shared memory.
    Shared,
    /// An offset into the thread's local memory.
    Local,
    /// An offset into the arguments of the entry.
    Argument,
    /// Whichever of these the address's value says.
    Generic,
}

impl AddressSpace {
    /// The memory that an instruction names: `.param` is the arguments in an entry, and part of the
    /// frame in a device function.
    pub(crate) fn of(instruction: &Instruction, function: &Function) -> AddressSpace {
        match instruction.modifiers.space() {
            Space::Generic => AddressSpace::Generic,
            Space::Global | Space::Const => AddressSpace::Global,
            Space::Shared => AddressSpace::Shared,
            Space::Local => AddressSpace::Local,
            Space::Param if function.entry.is_some() => AddressSpace::Argument,
            Space::Param => AddressSpace::Local,
        }
    }

    /// Where in the generic addresses its window begins; `None` where addresses are generic ones
    /// already.
    fn window(self) -> Option<u64> {
        match self {
            AddressSpace::Shared => Some(SHARED_BASE),
            AddressSpace::Local => Some(LOCAL_BASE),
            AddressSpace::Argument => Some(PARAM_BASE),
            AddressSpace::Global | AddressSpace::Generic => None,
        }
    }

    /// The memory that a generic address means, and the address there.
    #[inline(always)]
    pub(crate) fn of_generic(address: u64) -> (AddressSpace, u64) {
        let within = |base: u64| address.wrapping_sub(base) < WINDOW_BYTES;
        if address >= GLOBAL_BASE {
            (AddressSpace::Global, address)
        } else if within(SHARED_BASE) {
            (AddressSpace::Shared, address - SHARED_BASE)
        } else if within(LOCAL_BASE) {
            (AddressSpace::Local, address - LOCAL_BASE)
        } else if within(PARAM_BASE) {
            (AddressSpace::Argument, address - PARAM_BASE)
        } else {
            (AddressSpace::Global, address)
        }
    }
}

/// What `cvta` does to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressConversion {
    /// The two kinds of addresses are the same.
    Copy,
    /// To a generic address: adds where the window begins.
    Add(u64),
    /// From a generic address: subtracts where the window begins.
    Subtract(u64),
}

impl AddressConversion {
    /// What a `cvta` in a function does.
    pub(crate) fn of(instruction: &Instruction, function: &Function) -> AddressConversion {
        let window = AddressSpace::of(instruction, function).window();
        match (window, instruction.modifiers.has(Modifier::To)) {
            (None, _) => AddressConversion::Copy,
            (Some(base), false) => AddressConversion::Add(base),
            (Some(base), true) => AddressConversion::Subtract(base),
        }
    }
}

/// The generic addresses for which an `isspacep` is true. Constants lie in device memory, among
/// everything else: nothing tells them apart, so no address counts as one.
pub(crate) fn is_space_range(instruction: &Instruction) -> Range<u64> {
    let window = |base: u64| base..base + WINDOW_BYTES;
    match instruction.modifiers.space() {
        Space::Shared => window(SHARED_BASE),
        Space::Local => window(LOCAL_BASE),
        Space::Param => window(PARAM_BASE),
        Space::Const => 0..0,
        Space::Global | Space::Generic => GLOBAL_BASE..u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_generic_address_leads_back_to_where_it_came_from(offset in 0u64..WINDOW_BYTES) {
            for space in [AddressSpace::Shared, AddressSpace::Local, AddressSpace::Argument] {
                let base = space.window().unwrap_or(0);
                prop_assert_eq!(AddressSpace::of_generic(base + offset), (space, offset));
            }
            let device = GLOBAL_BASE + offset;
            prop_assert_eq!(AddressSpace::of_generic(device), (AddressSpace::Global, device));
        }
    }

    #[test]
    fn addresses_outside_of_every_window_are_device_addresses() {
        for address in [0, 1, SHARED_BASE - 1, PARAM_BASE + WINDOW_BYTES, u64::MAX] {
            let expected = (AddressSpace::Global, address);
            assert_eq!(AddressSpace::of_generic(address), expected, "{address:#x}");
        }
    }
}
