//! What to run, whoever runs it: an entry of a module, its grid, its arguments.

use std::sync::Arc;

use crate::simt::geometry::{Geometry, MAX_BLOCK_THREADS};
use crate::syntax::module::Entry;
use crate::{Extent, Module};

/// One launch of a kernel: everything that its blocks have in common.
#[derive(Clone, Debug)]
pub struct Launch {
    module: Arc<Module>,
    /// The index of the entry in the module, and its name.
    entry: usize,
    pub(crate) kernel: String,
    pub(crate) geometry: Geometry,
    /// Packed at the offsets of the entry's parameters.
    pub(crate) arguments: Vec<u8>,
    /// Where the module's variables lie.
    pub(crate) symbols: Arc<[u64]>,
    pub(crate) dynamic_shared_bytes: u32,
    /// Static and dynamic shared memory of a block.
    pub(crate) shared_bytes: u32,
    block_bytes: u64,
}

impl Launch {
    /// Prepares to run `entry` of `module` over `grid` blocks of `block` threads.
    ///
    /// `arguments` are packed at the offsets of the entry's [`params`](crate::Entry::params), and
    /// `symbols` are the device addresses of the module's [`globals`](Module::globals).
    /// `dynamic_shared_bytes` is what a block gets beyond its static shared memory.
    ///
    /// # Errors
    /// Where the request does not fit the entry, or the state of a block would be too large.
    pub fn new(
        module: Arc<Module>,
        entry: &str,
        grid: Extent,
        block: Extent,
        dynamic_shared_bytes: u32,
        arguments: Vec<u8>,
        symbols: impl Into<Arc<[u64]>>,
    ) -> Result<Launch, LaunchError> {
        let symbols: Arc<[u64]> = symbols.into();
        let index = module.entry_index(entry);
        let Some((index, found)) =
            index.and_then(|index| Some((index, module.entries.get(index)?)))
        else {
            return Err(LaunchError::UnknownEntry(entry.to_owned()));
        };
        let geometry = geometry(found, grid, block)?;
        if arguments.len() as u64 != u64::from(found.param_bytes) {
            return Err(LaunchError::Arguments {
                entry: entry.to_owned(),
                expected: found.param_bytes,
                given: arguments.len(),
            });
        }
        if symbols.len() != module.globals.len() {
            return Err(LaunchError::Symbols {
                expected: module.globals.len(),
                given: symbols.len(),
            });
        }
        let layout = &found.layout;
        // What a slot, a byte of local memory and a thread's own state take, for every thread.
        let thread = u64::from(layout.slots) * 8 + u64::from(layout.local_bytes) + 64;
        let shared = u64::from(layout.dynamic_shared) + u64::from(dynamic_shared_bytes);
        let bytes = thread * u64::from(geometry.threads) + shared;
        let too_large = LaunchError::BlockTooLarge {
            bytes,
            limit: module.block_bytes,
        };
        if bytes > module.block_bytes {
            return Err(too_large);
        }
        let shared_bytes = u32::try_from(shared).map_err(|_| too_large)?;
        Ok(Launch {
            module,
            entry: index,
            kernel: entry.to_owned(),
            geometry,
            arguments,
            symbols,
            dynamic_shared_bytes,
            shared_bytes,
            block_bytes: bytes,
        })
    }

    /// The module whose entry it is.
    #[must_use]
    pub fn module(&self) -> &Arc<Module> {
        &self.module
    }

    /// The entry, which was there when the launch was made.
    pub(crate) fn entry(&self) -> Option<&Entry> {
        self.module.entries.get(self.entry)
    }

    /// How many blocks the grid has.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.geometry.blocks
    }

    /// The position of a block in the grid, counting along x, then y, then z. Past the end, that of the
    /// first block.
    #[must_use]
    pub fn block_index(&self, linear: u64) -> Extent {
        self.geometry
            .grid
            .position(linear)
            .unwrap_or(Extent::ORIGIN)
    }

    /// How many bytes the state of one running block takes at most: registers, local and shared
    /// memory of all its threads.
    #[must_use]
    pub fn block_bytes(&self) -> u64 {
        self.block_bytes
    }
}

/// The shape of a launch of an entry.
fn geometry(entry: &Entry, grid: Extent, block: Extent) -> Result<Geometry, LaunchError> {
    let count = |extent: Extent| extent.count().filter(|count| *count > 0);
    let Some(blocks) = count(grid) else {
        return Err(LaunchError::Extent {
            what: "grid",
            extent: grid,
            bound: "their product fits 64 bits".to_owned(),
        });
    };
    let most = entry
        .max_threads()
        .map_or(MAX_BLOCK_THREADS, |most| most.min(MAX_BLOCK_THREADS));
    let threads = count(block)
        .and_then(|threads| u32::try_from(threads).ok())
        .filter(|threads| *threads <= most);
    let Some(threads) = threads else {
        let name = entry.name();
        return Err(LaunchError::Extent {
            what: "block",
            extent: block,
            bound: format!("entry `{name}` takes at most {most} threads a block"),
        });
    };
    Ok(Geometry {
        grid,
        block,
        blocks,
        threads,
    })
}

/// Why a launch cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// The module has no entry of this name.
    #[error("the module has no entry `{0}`")]
    UnknownEntry(String),
    /// A dimension is zero, or their product too large.
    #[error("the {what} of {extent} is not possible: each dimension is at least 1, and {bound}")]
    Extent {
        /// Which: `grid` or `block`.
        what: &'static str,
        /// What was asked for.
        extent: Extent,
        /// What the product must keep to.
        bound: String,
    },
    /// The packed arguments have the wrong size.
    #[error("entry `{entry}` takes {expected} bytes of arguments, {given} are given")]
    Arguments {
        /// The entry.
        entry: String,
        /// How many bytes its parameters take.
        expected: u32,
        /// How many bytes were given.
        given: usize,
    },
    /// The list of symbols has the wrong length.
    #[error("the module has {expected} global variables, addresses of {given} are given")]
    Symbols {
        /// How many variables the module has.
        expected: usize,
        /// How many addresses were given.
        given: usize,
    },
    /// One block's shared memory, registers and local memory are too large together.
    #[error(
        "a block would need {bytes} bytes of registers, local and shared memory, the limit is {limit}: use fewer threads"
    )]
    BlockTooLarge {
        /// What a block needs.
        bytes: u64,
        /// What it may need.
        limit: u64,
    },
}
