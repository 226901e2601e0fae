//! One launch of a compiled kernel: what its module finds in scratch memory, and what the functions
//! that it imports answer.

use std::sync::Arc;

use crate::Extent;
use crate::address::{GLOBAL_BASE, LOCAL_BASE, PARAM_BASE, SHARED_BASE, WINDOW_BYTES};
use crate::compile::CompiledKernel;
use crate::compile::abi::{self, ARGUMENTS, MOST_SHARED, VECTOR_LANES};
use crate::compile::ir::{SiteId, SiteKind, Space};
use crate::exec::{set_long, set_word};
use crate::interpret::Launch;
use crate::simt::{Fault, MemoryError};

/// A range of device memory that a kernel may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its first address, a multiple of 16.
    pub base: u64,
    /// Its size.
    pub bytes: u64,
    /// Whether it may only be read.
    pub read_only: bool,
}

/// One launch of a compiled kernel.
///
/// The module imports these functions of a module `host`; `block` is the block's place in the grid.
///
/// | import | answered by |
/// |---|---|
/// | `help: (i32, i64, i64, i64, i64) -> i64` | [`CompiledKernel::help`] |
/// | `miss: (i32, i32, i64) -> (i64, i64)` | [`Setup::miss`] |
/// | `fault: (i32, i32, i64)` | [`Setup::fault`], as an error that ends the call |
/// | `generic: (i32, i32, i64) -> i32` | [`Setup::generic`] |
/// | `clock: () -> i64` | nanoseconds |
#[derive(Debug)]
pub struct Setup {
    pub(crate) lowered: Arc<CompiledKernel>,
    pub(crate) grid: Extent,
    pub(crate) block: Extent,
    pub(crate) threads: u32,
    pub(crate) shared_bytes: u32,
    dynamic_shared: u32,
    arguments: Vec<u8>,
    symbols: Vec<u64>,
}

impl Setup {
    /// The setup of a launch, whose module's variables lie at `symbols`. `None` where the launch is
    /// larger than the kernel was compiled for: the interpreter runs it then.
    #[must_use]
    pub fn new(lowered: Arc<CompiledKernel>, launch: &Launch, symbols: &[u64]) -> Option<Setup> {
        let layout = &lowered.layout;
        let shared_bytes = launch.shared_bytes;
        let dynamic = shared_bytes.checked_sub(lowered.dynamic_shared)?;
        if launch.threads > layout.threads || dynamic > MOST_SHARED {
            return None;
        }
        Some(Setup {
            grid: launch.grid,
            block: launch.block,
            threads: launch.threads,
            shared_bytes,
            dynamic_shared: dynamic,
            arguments: launch.arguments.clone(),
            symbols: symbols.to_vec(),
            lowered,
        })
    }

    /// The kernel.
    #[must_use]
    pub fn lowered(&self) -> &Arc<CompiledKernel> {
        &self.lowered
    }

    /// Whether groups of threads lie in rows of the block, as the function for groups needs them.
    fn in_rows(&self) -> bool {
        self.block.x.is_multiple_of(VECTOR_LANES) || self.threads == self.block.x
    }

    /// Whether the function `run` sees to it that all threads have a place in common.
    pub(crate) fn has_common(&self) -> bool {
        self.lowered.scalar_reason.is_some() || self.in_rows()
    }

    /// Whether one call runs several blocks: their threads never meet, and leave nothing behind.
    pub(crate) fn sweeps(&self) -> bool {
        self.has_common()
            && self.lowered.body.suspend_points.is_empty()
            && self.shared_bytes == 0
            && self.lowered.layout.local_stride == 0
    }

    /// Where in the grid the block is that runs.
    #[must_use]
    pub fn block_in(&self, scratch: impl Fn(u32) -> u32) -> Extent {
        let [x, y, z] = [0, 4, 8].map(|at| scratch(abi::CTAID + at));
        Extent { x, y, z }
    }

    /// Writes the launch's description into scratch memory.
    pub fn prepare(&self, scratch: &mut [u8]) {
        let extents = [(abi::NTID, self.block), (abi::NCTAID, self.grid)];
        for (at, extent) in extents {
            set_word(scratch, at, extent.x);
            set_word(scratch, at + 4, extent.y);
            set_word(scratch, at + 8, extent.z);
        }
        set_word(scratch, abi::NWARPID, self.threads.div_ceil(32));
        set_word(scratch, abi::DYNAMIC_SHARED, self.dynamic_shared);
        set_word(scratch, abi::TOTAL_SHARED, self.shared_bytes);
        set_word(scratch, abi::LANE_GROUPS, u32::from(self.in_rows()));
        let begin = ARGUMENTS as usize;
        if let Some(place) = scratch.get_mut(begin..begin + self.arguments.len()) {
            place.copy_from_slice(&self.arguments);
        }
        for (number, (shift, reach)) in (0..).zip(&self.lowered.limits) {
            let limit = u64::from(self.shared_bytes >> shift).saturating_sub(*reach);
            let at = self.lowered.layout.guard_limits + 4 * number;
            set_word(scratch, at, u32::try_from(limit).unwrap_or(0));
        }
        for (number, symbol) in (0..).zip(&self.symbols) {
            set_long(scratch, self.lowered.layout.symbols + 8 * number, *symbol);
        }
    }

    /// The import `miss`: the window of device memory that an access may use, as its base and its
    /// size in units of the access; `find` knows the region that holds an address.
    ///
    /// # Errors
    /// What is wrong with the access.
    pub fn miss(
        &self,
        block: Extent,
        (thread, site, address): (u32, u32, u64),
        find: impl Fn(u64) -> Option<Region>,
    ) -> Result<(u64, u64), Fault> {
        let SiteKind::Access {
            bytes,
            lanes,
            write,
            ..
        } = self.kind(site)
        else {
            return Err(self.fault(block, thread, site, address));
        };
        let refused = |error: MemoryError| self.refusal(block, thread, site, error.to_string());
        let size = bytes * lanes;
        if !address.is_multiple_of(u64::from(size)) {
            return Err(refused(MemoryError::Misaligned {
                address,
                bytes: size,
            }));
        }
        let mut window = (0, 0);
        for lane in 0..lanes {
            let address = address.wrapping_add(u64::from(lane * bytes));
            if address < GLOBAL_BASE {
                let message = format!(
                    "an access of {bytes} bytes at address {address:#x}, where there is no memory"
                );
                return Err(self.refusal(block, thread, site, message));
            }
            let region = find(address).filter(|region| {
                let offset = address.wrapping_sub(region.base);
                offset < region.bytes && region.bytes - offset >= u64::from(bytes)
            });
            let Some(region) = region else {
                return Err(refused(MemoryError::Unmapped { address }));
            };
            if write && region.read_only {
                return Err(refused(MemoryError::ReadOnly { address }));
            }
            if lane == 0 {
                window = (region.base, region.bytes >> size.trailing_zeros());
            }
        }
        Ok(window)
    }

    /// The import `generic`: where in scratch memory a generic address lies, or -1 for device
    /// memory.
    ///
    /// # Errors
    /// What is wrong with the access.
    pub fn generic(
        &self,
        block: Extent,
        (thread, site, address): (u32, u32, u64),
    ) -> Result<i32, Fault> {
        let within = |base: u64| address >= base && address - base < WINDOW_BYTES;
        let layout = &self.lowered.layout;
        let (space, base, at) = if within(SHARED_BASE) {
            (Space::Shared, SHARED_BASE, layout.shared)
        } else if within(LOCAL_BASE) {
            let own = layout.local + thread * layout.local_stride;
            (Space::Local, LOCAL_BASE, own)
        } else if within(PARAM_BASE) {
            (Space::Argument, PARAM_BASE, ARGUMENTS)
        } else {
            return Ok(-1);
        };
        let offset = address - base;
        if let Some(message) = self.outside(self.kind(site), space, offset) {
            return Err(self.refusal(block, thread, site, message));
        }
        i32::try_from(u64::from(at) + offset)
            .map_err(|_| self.refusal(block, thread, site, "an address too far".to_owned()))
    }

    /// The import `fault`: what a kernel did wrong. `value` is an address, or another number.
    #[must_use]
    pub fn fault(&self, block: Extent, thread: u32, site: u32, value: u64) -> Fault {
        let kind = self.kind(site);
        let message = match kind {
            SiteKind::Trap => "the kernel stops itself with `trap`".to_owned(),
            SiteKind::Jump { labels } => {
                format!("jumps to entry {value} of a list of {labels} labels")
            }
            SiteKind::Access { space, .. } => self
                .outside(kind, space, value)
                .unwrap_or_else(|| "an access that is refused".to_owned()),
        };
        self.refusal(block, thread, site, message)
    }

    fn kind(&self, site: u32) -> SiteKind {
        let site = self.lowered.body.sites.get(SiteId(site));
        site.map_or(SiteKind::Trap, |site| site.what.clone())
    }

    /// What is wrong with an access to the block's or the thread's own memory.
    fn outside(&self, kind: SiteKind, space: Space, offset: u64) -> Option<String> {
        let SiteKind::Access {
            bytes,
            lanes,
            write,
            ..
        } = kind
        else {
            return None;
        };
        let (what, size) = match space {
            Space::Shared => ("shared", self.shared_bytes),
            Space::Local => ("local", self.lowered.layout.local_bytes),
            _ => ("parameter", self.lowered.param_bytes),
        };
        let whole = bytes * lanes;
        if !offset.is_multiple_of(u64::from(whole)) {
            let error = MemoryError::Misaligned {
                address: offset,
                bytes: whole,
            };
            return Some(error.to_string());
        }
        if write && space == Space::Argument {
            return Some(MemoryError::ReadOnly { address: offset }.to_string());
        }
        (0..lanes)
            .map(|lane| offset.wrapping_add(u64::from(lane * bytes)))
            .find(|address| {
                let end = address.checked_add(u64::from(bytes));
                end.is_none_or(|end| end > u64::from(size))
            })
            .map(|address| {
                format!(
                    "an access of {bytes} bytes at address {address:#x} of {what} memory, which has {size} bytes"
                )
            })
    }

    fn refusal(&self, block: Extent, thread: u32, site: u32, message: String) -> Fault {
        let site = self.lowered.body.sites.get(SiteId(site));
        Fault {
            kernel: self.lowered.kernel.clone(),
            block: Some(block),
            thread: self.block.place(u64::from(thread)),
            line: site.map(|site| site.line),
            message,
        }
    }
}
