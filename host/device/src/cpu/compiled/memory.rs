//! The memories of compiled kernels: the engine asks for them while a module is instantiated, and
//! gets those that were laid ready for it.
//!
//! This is the place with unsafe code for the engine. It guarantees: what the engine gets is as
//! large as it was told, is followed by as much inaccessible address space as it asked for, and
//! lives as long as the engine uses it.
#![expect(
    unsafe_code,
    reason = "lending the engine memory, and looking into it between two calls"
)]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

use crate::memory::Mapping;

thread_local! {
    /// What the next module gets that this thread instantiates, in the order of its memories.
    static READY: RefCell<VecDeque<Arc<Mapping>>> = const { RefCell::new(VecDeque::new()) };
}

/// Lends the engine these memories while `f` instantiates a module.
pub(super) fn lending<T>(memories: [Arc<Mapping>; 2], f: impl FnOnce() -> T) -> T {
    READY.with_borrow_mut(|ready| *ready = memories.into());
    let result = f();
    READY.with_borrow_mut(VecDeque::clear);
    result
}

/// Gives the engine what was laid ready.
pub(super) struct Creator;

// SAFETY: a mapping is page-aligned, zeroed when it is new, accessible as far as it says, and
// reserved as far as is checked here. That the second memory of several instances is the same is
// what tenants' kernels want: the engine itself relies on no other instance's absence.
unsafe impl MemoryCreator for Creator {
    fn new_memory(
        &self,
        _: MemoryType,
        minimum: usize,
        _: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        let mapping = READY.with_borrow_mut(VecDeque::pop_front);
        let Some(mapping) = mapping else {
            return Err("no memory was laid ready".to_owned());
        };
        let needed = reserved.unwrap_or(minimum).checked_add(guard);
        if mapping.bytes() != minimum || needed.is_none_or(|needed| mapping.reserved() < needed) {
            return Err("the memory laid ready is of another size".to_owned());
        }
        Ok(Box::new(Lent(mapping)))
    }
}

struct Lent(Arc<Mapping>);

// SAFETY: as for `Creator`; a memory never grows and never moves.
unsafe impl LinearMemory for Lent {
    fn byte_size(&self) -> usize {
        self.0.bytes()
    }

    fn byte_capacity(&self) -> usize {
        self.0.bytes()
    }

    fn grow_to(&mut self, bytes: usize) -> wasmtime::Result<()> {
        if bytes == self.0.bytes() {
            return Ok(());
        }
        Err(wasmtime::format_err!("a kernel's memory does not grow"))
    }

    fn as_ptr(&self) -> *mut u8 {
        self.0.pointer()
    }
}

/// The scratch memory of one instance, and its flag, which lies behind all else on a page that
/// nobody else touches.
pub(super) struct Scratch {
    mapping: Arc<Mapping>,
    /// What lies before the flag's page.
    bytes: usize,
}

impl Scratch {
    /// `bytes` is a multiple of the engine's pages, with the flag at the beginning of the last one.
    pub(super) fn new(bytes: usize, flag: usize) -> Option<Scratch> {
        let reserved = crate::memory::ARENA_BYTES + crate::memory::GUARD_BYTES;
        Some(Scratch {
            mapping: Arc::new(Mapping::new(bytes, usize::try_from(reserved).ok()?)?),
            bytes: flag,
        })
    }

    pub(super) fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    /// All but the flag.
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the flag's page is not in the slice, and apart from it the mapping is known to
        // this value and to an instance, which does not run: its caller holds both, exclusively.
        unsafe { self.mapping.exclusive(self.bytes) }
    }

    /// Gives what is behind the first so many bytes back to the system. It is zeros then.
    pub(super) fn give_back(&mut self, kept: usize) {
        let more = self.bytes.saturating_sub(kept);
        if more > 0 {
            self.mapping.discard(kept as u64, more as u64);
        }
    }

    pub(super) fn reader(&self) -> Reader {
        Reader(Arc::clone(&self.mapping))
    }

    pub(super) fn flag(&self) -> Flag {
        Flag {
            mapping: Arc::clone(&self.mapping),
            at: self.bytes,
        }
    }
}

/// Looks into an instance's scratch memory while its kernel runs.
pub(super) struct Reader(Arc<Mapping>);

impl Reader {
    /// The word of 32 bits at an offset.
    pub(super) fn word(&self, at: u32) -> u32 {
        let words = self.0.words(at as usize & !7, 1);
        debug_assert!(!words.is_empty(), "scratch memory has no word at {at}");
        let word = words.first().map_or(0, |word| word.load(Ordering::Relaxed));
        let bytes = word.to_le_bytes();
        let [a, b, c, d, e, f, g, h] = bytes;
        u32::from_le_bytes(if at & 4 == 0 {
            [a, b, c, d]
        } else {
            [e, f, g, h]
        })
    }
}

/// Tells an instance's kernel to return at its next back edge.
#[derive(Clone)]
pub(super) struct Flag {
    mapping: Arc<Mapping>,
    at: usize,
}

impl Flag {
    fn word(&self) -> Option<&AtomicU64> {
        self.mapping.words(self.at, 1).first()
    }

    pub(super) fn is_set(&self) -> bool {
        self.word()
            .is_some_and(|word| word.load(Ordering::Relaxed) != 0)
    }

    pub(super) fn set(&self, value: bool) {
        if let Some(word) = self.word() {
            word.store(u64::from(value), Ordering::Relaxed);
        }
    }
}
