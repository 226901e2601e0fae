//! What to run: an entry, its grid, its arguments.

use std::sync::Arc;

use crate::interpret::checks::{self, Names};
use crate::interpret::decode;
use crate::interpret::program::{Constant, Program};
use crate::numeric::integer::mask;
use crate::{Extent, Module};

/// The most threads that a block may have.
const MOST_THREADS: u64 = 1024;

/// One launch of a kernel: everything that its blocks have in common.
#[derive(Clone, Debug)]
pub struct Launch {
    pub(crate) kernel: String,
    pub(crate) program: Arc<Program>,
    /// The program's table of constants, filled in for this launch.
    pub(crate) constants: Vec<u64>,
    pub(crate) arguments: Vec<u8>,
    pub(crate) grid: Extent,
    pub(crate) block: Extent,
    pub(crate) threads: u32,
    pub(crate) shared_bytes: u32,
    /// Slots and local memory of one thread.
    pub(crate) slots: u32,
    pub(crate) local_bytes: u32,
    blocks: u64,
    block_bytes: u64,
    /// Where its blocks are checked.
    pub(crate) names: Option<Arc<Names>>,
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
        symbols: Vec<u64>,
    ) -> Result<Launch, LaunchError> {
        let Some(found) = module.entry(entry) else {
            return Err(LaunchError::UnknownEntry(entry.to_owned()));
        };
        let count = |extent: Extent| extent.count().filter(|count| *count > 0);
        let Some(blocks) = count(grid) else {
            return Err(LaunchError::Extent {
                what: "grid",
                extent: grid,
                bound: "their product fits 64 bits".to_owned(),
            });
        };
        let most = found
            .max_threads
            .map_or(MOST_THREADS, |most| u64::from(most).min(MOST_THREADS));
        let threads = count(block)
            .filter(|threads| *threads <= most)
            .and_then(|threads| u32::try_from(threads).ok());
        let Some(threads) = threads else {
            return Err(LaunchError::Extent {
                what: "block",
                extent: block,
                bound: format!("entry `{entry}` takes at most {most} threads a block"),
            });
        };
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
        let bytes = thread * u64::from(threads) + shared;
        let too_large = LaunchError::BlockTooLarge {
            bytes,
            limit: module.block_bytes,
        };
        if bytes > module.block_bytes {
            return Err(too_large);
        }
        let shared_bytes = u32::try_from(shared).map_err(|_| too_large)?;
        let program = found
            .program
            .get_or_init(|| Arc::new(decode::program(&module, found)))
            .clone();
        let mut launch = Launch {
            kernel: entry.to_owned(),
            constants: Vec::with_capacity(program.constants.len()),
            program,
            arguments,
            grid,
            block,
            threads,
            shared_bytes,
            slots: layout.slots,
            local_bytes: layout.local_bytes,
            blocks,
            block_bytes: bytes,
            names: None,
        };
        let program = launch.program.clone();
        for constant in &program.constants {
            let value = launch.constant(*constant, &symbols, dynamic_shared_bytes);
            launch.constants.push(value);
        }
        Ok(launch)
    }

    fn constant(&self, constant: Constant, symbols: &[u64], dynamic_shared_bytes: u32) -> u64 {
        match constant {
            Constant::Value(value) => value,
            Constant::Global { variable, addend } => {
                let address = symbols.get(variable as usize).copied().unwrap_or(0);
                address.wrapping_add_signed(addend)
            }
            Constant::Argument {
                offset,
                bytes,
                extend,
            } => extend.apply(read(&self.arguments, u64::from(offset), bytes).unwrap_or(0)),
            Constant::Ntid(dimension) => dimension_of(self.block, dimension),
            Constant::Nctaid(dimension) => dimension_of(self.grid, dimension),
            Constant::Nwarpid => u64::from(self.threads.div_ceil(32)),
            Constant::DynamicSharedSize => u64::from(dynamic_shared_bytes),
            Constant::TotalSharedSize => u64::from(self.shared_bytes),
        }
    }

    /// The same launch, whose blocks are [checked](crate::interpret::checks) as they run. `module` and `symbols`
    /// are those that it was made of; messages name what is in them.
    #[must_use]
    pub fn checked(mut self, module: &Module, symbols: &[u64]) -> Launch {
        if let Some(entry) = module.entry(&self.kernel) {
            let shared = u64::from(self.shared_bytes);
            let own = self.block_bytes.saturating_sub(shared);
            let more = checks::bytes(own, shared, u64::from(self.threads));
            self.block_bytes = self.block_bytes.saturating_add(more);
            self.names = Some(Names::of(module, entry, symbols));
        }
        self
    }

    /// Whether its blocks are checked as they run.
    #[must_use]
    pub fn is_checked(&self) -> bool {
        self.names.is_some()
    }

    /// How many blocks the grid has.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// The place of a block in the grid, counting along x, then y, then z. Past the end, that of the
    /// first block.
    #[must_use]
    pub fn block_index(&self, linear: u64) -> Extent {
        self.grid
            .place(linear)
            .unwrap_or(Extent { x: 0, y: 0, z: 0 })
    }

    /// How many bytes the state of one running [`Block`](crate::interpret::Block) takes.
    #[must_use]
    pub fn block_bytes(&self) -> u64 {
        self.block_bytes
    }
}

/// One dimension of an extent.
pub(crate) fn dimension_of(extent: Extent, dimension: u8) -> u64 {
    u64::from(match dimension {
        0 => extent.x,
        1 => extent.y,
        _ => extent.z,
    })
}

/// Reads a little-endian value of at most eight bytes.
#[inline(always)]
pub(crate) fn read(bytes: &[u8], offset: u64, count: u32) -> Option<u64> {
    let start = usize::try_from(offset).ok()?;
    if let Some(word) = bytes.get(start..start.checked_add(8)?) {
        return Some(u64::from_le_bytes(word.try_into().ok()?) & mask(count * 8));
    }
    let bytes = bytes.get(start..start.checked_add(count as usize)?)?;
    let mut word = [0; 8];
    word.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(u64::from_le_bytes(word))
}

/// Writes the low bytes of a value.
#[inline(always)]
pub(crate) fn write(bytes: &mut [u8], offset: u64, count: u32, value: u64) -> Option<()> {
    let start = usize::try_from(offset).ok()?;
    let place = bytes.get_mut(start..start.checked_add(count as usize)?)?;
    place.copy_from_slice(value.to_le_bytes().get(..count as usize)?);
    Some(())
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
