//! Memory that the threads of a kernel share, as ordinary Rust sees it: a kernel that runs on the
//! processor finds its buffers and its shared memory by their names.

use std::marker::PhantomData;
use std::sync::atomic::Ordering;

use bytemuck::Pod;

use super::number::Number;
use super::threads::{Memory, context};

/// A buffer of the device that the threads of a grid write. An index that is not within it stops
/// the kernel.
///
/// Threads may write the same value at the same time only by atomic operations.
#[derive(Debug)]
pub struct GlobalMut<T> {
    pub(super) number: usize,
    pub(super) element: PhantomData<fn() -> T>,
}

/// Memory of a block: see [`shared!`](crate::shared).
#[derive(Debug)]
pub struct Shared<T, const N: usize> {
    place: &'static str,
    element: PhantomData<fn() -> T>,
}

impl<T> Clone for GlobalMut<T> {
    fn clone(&self) -> GlobalMut<T> {
        *self
    }
}

impl<T> Copy for GlobalMut<T> {}

impl<T, const N: usize> Clone for Shared<T, N> {
    fn clone(&self) -> Shared<T, N> {
        *self
    }
}

impl<T, const N: usize> Copy for Shared<T, N> {}

impl<T: Pod> GlobalMut<T> {
    fn memory(self) -> Memory {
        context(|thread| thread.buffer(self.number))
    }

    /// The number of values.
    pub fn len(self) -> usize {
        self.memory().len() / size_of::<T>().max(1)
    }

    /// Whether it has no values.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl<T: Pod, const N: usize> Shared<T, N> {
    /// The memory that is declared at this place of the source.
    #[doc(hidden)]
    pub fn at(place: &'static str) -> Shared<T, N> {
        Shared {
            place,
            element: PhantomData,
        }
    }

    fn memory(self) -> Memory {
        context(|thread| thread.shared(self.place, N * size_of::<T>()))
    }

    /// The number of values.
    pub fn len(self) -> usize {
        N
    }

    /// Whether it has no values.
    pub fn is_empty(self) -> bool {
        N == 0
    }
}

/// What both kinds of memory have.
macro_rules! memory {
    (impl<$element:ident $(, const $len:ident: usize)?> $memory:ty) => {
        impl<$element: Pod $(, const $len: usize)?> $memory {
            /// The value at an index.
            ///
            /// # Panics
            /// Where the index is not within the memory.
            pub fn get(self, index: usize) -> $element {
                self.memory().read(index)
            }

            /// Writes the value at an index.
            ///
            /// # Panics
            /// Where the index is not within the memory.
            pub fn set(self, index: usize, value: $element) {
                self.memory().update(index, |_| value);
            }

            /// The value at an index, which is not checked on the device.
            ///
            /// # Safety
            /// The index must be within the memory.
            #[allow(unsafe_code, reason = "only the device leaves out the check")]
            pub unsafe fn get_unchecked(self, index: usize) -> $element {
                self.get(index)
            }

            /// Writes the value at an index, which is not checked on the device.
            ///
            /// # Safety
            /// The index must be within the memory.
            #[allow(unsafe_code, reason = "only the device leaves out the check")]
            pub unsafe fn set_unchecked(self, index: usize, value: $element) {
                self.set(index, value);
            }

            /// The value at an index, read in one piece.
            pub fn atomic_load(self, index: usize, _: Ordering) -> $element {
                self.get(index)
            }

            /// Writes the value at an index in one piece.
            pub fn atomic_store(self, index: usize, value: $element, _: Ordering) {
                self.set(index, value);
            }

            /// Writes the value at an index, and returns the old one.
            pub fn atomic_swap(self, index: usize, value: $element, _: Ordering) -> $element {
                self.memory().update(index, |_| value)
            }

            /// Writes a value at an index where the old one is `expected`. Returns the old one.
            pub fn atomic_compare_exchange(
                self,
                index: usize,
                expected: $element,
                value: $element,
                _: Ordering,
            ) -> $element
            where
                $element: PartialEq,
            {
                self.memory().update(index, |old: $element| if old == expected { value } else { old })
            }

            /// Adds to the value at an index, and returns the old one.
            pub fn atomic_add(self, index: usize, value: $element, _: Ordering) -> $element
            where
                $element: Number,
            {
                self.memory().update(index, |old: $element| old.plus(value))
            }

            /// Subtracts from the value at an index, and returns the old one.
            pub fn atomic_sub(self, index: usize, value: $element, _: Ordering) -> $element
            where
                $element: Number,
            {
                self.memory().update(index, |old: $element| old.minus(value))
            }

            /// Makes the value at an index the lesser of two, and returns the old one.
            pub fn atomic_min(self, index: usize, value: $element, _: Ordering) -> $element
            where
                $element: Ord,
            {
                self.memory().update(index, |old: $element| old.min(value))
            }

            /// Makes the value at an index the greater of two, and returns the old one.
            pub fn atomic_max(self, index: usize, value: $element, _: Ordering) -> $element
            where
                $element: Ord,
            {
                self.memory().update(index, |old: $element| old.max(value))
            }

            /// Keeps the bits of the value at an index that this one has, and returns the old one.
            pub fn atomic_and(self, index: usize, value: $element, _: Ordering) -> $element
            where
                $element: std::ops::BitAnd<Output = $element>,
            {
                self.memory().update(index, |old: $element| old & value)
            }

            /// Sets bits of the value at an index, and returns the old one.
            pub fn atomic_or(self, index: usize, value: $element, _: Ordering) -> $element
            where
                $element: std::ops::BitOr<Output = $element>,
            {
                self.memory().update(index, |old: $element| old | value)
            }

            /// Flips bits of the value at an index, and returns the old one.
            pub fn atomic_xor(self, index: usize, value: $element, _: Ordering) -> $element
            where
                $element: std::ops::BitXor<Output = $element>,
            {
                self.memory().update(index, |old: $element| old ^ value)
            }
        }
    };
}

memory!(impl<T> GlobalMut<T>);
memory!(impl<T, const N: usize> Shared<T, N>);
