//! One launch of a compiled kernel: what its module finds in scratch memory, and what the functions
//! that it imports answer.

use std::sync::Arc;

use crate::Extent;
use crate::address::GLOBAL_BASE;
use crate::compile::CompiledKernel;
use crate::compile::abi::{self, ARGUMENTS, MOST_SHARED};
use crate::compile::ir::{SiteId, SiteKind};
use crate::exec::scratch::{set_long, set_word};
use crate::simt::address::AddressSpace;
use crate::simt::builtin_functions::{self, CallerMemory, MOST_ARGUMENTS, Refused};
use crate::simt::fault::{AccessError, TRAPPED, bulk_size, jump_outside, matrix_row, no_function};
use crate::simt::{Fault, Launch, Memory, MemoryError};

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
/// | `libcall: (i32, i64, i64, i64, i64) -> i64` | [`CompiledKernel::libcall`] |
/// | `bounds_miss: (i32, i32, i64) -> (i64, i64)` | [`CompiledLaunch::bounds_miss`] |
/// | `fault: (i32, i32, i64)` | [`CompiledLaunch::fault`], as an error that ends the call |
/// | `generic: (i32, i32, i64) -> i32` | [`CompiledLaunch::generic_address`] |
/// | `clock: () -> i64` | nanoseconds |
/// | `builtin: (i32, i32, i64, i64, i64, i64, i64) -> i64` | [`CompiledLaunch::builtin`], whose error ends the call |
#[derive(Debug)]
pub struct CompiledLaunch {
    pub(crate) kernel: Arc<CompiledKernel>,
    pub(crate) launch: Arc<Launch>,
}

impl CompiledLaunch {
    /// A launch of the entry that the kernel was compiled from. `None` where the launch is larger than
    /// what that was compiled for: the interpreter runs it then.
    #[must_use]
    pub fn new(kernel: Arc<CompiledKernel>, launch: Arc<Launch>) -> Option<CompiledLaunch> {
        let dynamic = launch.shared_bytes.checked_sub(kernel.dynamic_shared)?;
        if launch.geometry.threads > kernel.layout.threads || dynamic > MOST_SHARED {
            return None;
        }
        Some(CompiledLaunch { kernel, launch })
    }

    /// The kernel.
    #[must_use]
    pub fn kernel(&self) -> &Arc<CompiledKernel> {
        &self.kernel
    }

    /// What is run.
    #[must_use]
    pub fn launch(&self) -> &Arc<Launch> {
        &self.launch
    }

    /// How many threads a block has.
    pub(crate) fn threads(&self) -> u32 {
        self.launch.geometry.threads
    }

    /// Whether lane groups lie in rows of the block, as vector code needs them.
    fn in_rows(&self) -> bool {
        let block = self.launch.geometry.block;
        block.x.is_multiple_of(self.kernel.body.lanes()) || self.threads() == block.x
    }

    /// Whether the function `run` keeps a resume index that all threads have in common.
    pub(crate) fn has_common_resume(&self) -> bool {
        self.kernel.scalar_reason.is_some() || self.in_rows()
    }

    /// Whether one call runs several blocks: their threads never wait for each other, and leave
    /// nothing behind.
    pub(crate) fn runs_several_blocks(&self) -> bool {
        self.has_common_resume()
            && self.kernel.body.suspend_points.is_empty()
            && self.launch.shared_bytes == 0
            && self.kernel.layout.local_stride == 0
    }

    /// Where in the grid the block is that runs, by words of scratch memory.
    #[must_use]
    pub fn running_block(&self, scratch: impl Fn(u32) -> u32) -> Extent {
        let [x, y, z] = [0, 4, 8].map(|at| scratch(abi::CTAID + at));
        Extent { x, y, z }
    }

    /// Writes the launch's description into scratch memory.
    pub fn prepare(&self, scratch: &mut [u8]) {
        let launch = &self.launch;
        let geometry = &launch.geometry;
        set_extent(scratch, abi::NTID, geometry.block);
        set_extent(scratch, abi::NCTAID, geometry.grid);
        set_word(scratch, abi::NWARPID, geometry.warps());
        set_word(scratch, abi::DYNAMIC_SHARED, launch.dynamic_shared_bytes);
        set_word(scratch, abi::TOTAL_SHARED, launch.shared_bytes);
        set_word(scratch, abi::LANE_GROUPS, u32::from(self.in_rows()));
        let begin = ARGUMENTS as usize;
        if let Some(place) = scratch.get_mut(begin..begin + launch.arguments.len()) {
            place.copy_from_slice(&launch.arguments);
        }
        for (number, (shift, reach)) in (0..).zip(&self.kernel.limits) {
            // Zero, the least, has every access ask the host.
            let limit = u64::from(launch.shared_bytes >> shift).saturating_sub(*reach);
            let at = self.kernel.layout.guard_limits + 4 * number;
            set_word(scratch, at, u32::try_from(limit).unwrap_or(0));
        }
        for (number, symbol) in (0..).zip(launch.symbols.iter()) {
            set_long(scratch, self.kernel.layout.symbols + 8 * number, *symbol);
        }
    }

    /// The import `bounds_miss`, which a bounds check calls that fails against its cached region: the region of device memory that an access may use, as its base and its size in units of the access; `find`
    /// knows the region that holds an address.
    ///
    /// # Errors
    /// What is wrong with the access.
    pub fn bounds_miss(
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
        } = self.site(site)
        else {
            return Err(self.fault(block, thread, site, address));
        };
        let refused = |error: AccessError| self.refusal(block, thread, site, error.to_string());
        let size = bytes * lanes;
        if !address.is_multiple_of(u64::from(size)) {
            let bytes = size;
            return Err(refused(MemoryError::Misaligned { address, bytes }.into()));
        }
        let mut found = (0, 0);
        for lane in 0..lanes {
            let address = address.wrapping_add(u64::from(lane * bytes));
            if address < GLOBAL_BASE {
                return Err(refused(AccessError::Nowhere { address, bytes }));
            }
            let region = find(address).filter(|region| {
                let offset = address.wrapping_sub(region.base);
                offset < region.bytes && region.bytes - offset >= u64::from(bytes)
            });
            let Some(region) = region else {
                return Err(refused(MemoryError::Unmapped { address }.into()));
            };
            if write && region.read_only {
                return Err(refused(MemoryError::ReadOnly { address }.into()));
            }
            if lane == 0 {
                found = (region.base, region.bytes >> size.trailing_zeros());
            }
        }
        Ok(found)
    }

    /// The import `generic`: where in scratch memory a generic address lies, or -1 for device
    /// memory.
    ///
    /// # Errors
    /// What is wrong with the access.
    pub fn generic_address(
        &self,
        block: Extent,
        (thread, site, address): (u32, u32, u64),
    ) -> Result<i32, Fault> {
        let (space, offset) = AddressSpace::of_generic(address);
        let Some(begin) = self.begin_of(space, thread) else {
            return Ok(-1);
        };
        if let Some(error) = self.refused(&self.site(site), space, offset) {
            return Err(self.refusal(block, thread, site, error.to_string()));
        }
        i32::try_from(u64::from(begin) + offset)
            .map_err(|_| self.refusal(block, thread, site, "an address too far".to_owned()))
    }

    /// The import `fault`: what a kernel did wrong. `value` is an address, or another number.
    #[must_use]
    pub fn fault(&self, block: Extent, thread: u32, site: u32, value: u64) -> Fault {
        let kind = self.site(site);
        let message = match kind {
            SiteKind::Trap | SiteKind::Builtin(_) => TRAPPED.to_owned(),
            SiteKind::Call => no_function(value),
            SiteKind::MatrixRow => matrix_row(value),
            SiteKind::BulkSize => bulk_size(value),
            SiteKind::Jump { labels } => jump_outside(value, labels as usize),
            SiteKind::Access { space, .. } => {
                let error = self.refused(&kind, space, value);
                debug_assert!(error.is_some(), "an access that may be is refused");
                error.map_or_else(
                    || "an access that is refused".to_owned(),
                    |error| error.to_string(),
                )
            }
        };
        self.refusal(block, thread, site, message)
    }

    /// The import `builtin`: calls a function of CUDA's device runtime for a thread, at a site. `scratch`
    /// reads the word of scratch memory at a multiple of four.
    ///
    /// # Errors
    /// An assertion that failed, and what is wrong with an access of the function.
    pub fn builtin(
        &self,
        block: Extent,
        (thread, site): (u32, u32),
        arguments: [u64; MOST_ARGUMENTS],
        scratch: impl Fn(u32) -> u32,
        memory: &impl Memory,
    ) -> Result<u64, Fault> {
        let SiteKind::Builtin(function) = self.site(site) else {
            return Err(self.fault(block, thread, site, 0));
        };
        let caller = CompiledCaller {
            launch: self,
            thread,
            scratch,
            memory,
        };
        let returned = builtin_functions::call(function, arguments, &caller);
        let returned = returned.map_err(|message| self.refusal(block, thread, site, *message))?;
        Ok(returned.value)
    }

    /// Where in scratch memory a memory of the block or of a thread begins; `None` for device memory.
    fn begin_of(&self, space: AddressSpace, thread: u32) -> Option<u32> {
        let layout = &self.kernel.layout;
        match space {
            AddressSpace::Shared => Some(layout.shared),
            AddressSpace::Local => Some(layout.local + thread * layout.local_stride),
            AddressSpace::Argument => Some(ARGUMENTS),
            AddressSpace::Global | AddressSpace::Generic => None,
        }
    }

    /// What a site of the kernel is. One that is not there counts as a trap.
    fn site(&self, site: u32) -> SiteKind {
        let site = self.kernel.body.sites.get(SiteId(site));
        debug_assert!(site.is_some(), "a site that the kernel does not have");
        site.map_or(SiteKind::Trap, |site| site.what.clone())
    }

    /// What is wrong with an access to the block's or the thread's own memory.
    fn refused(&self, kind: &SiteKind, space: AddressSpace, offset: u64) -> Option<AccessError> {
        let SiteKind::Access {
            bytes,
            lanes,
            write,
            ..
        } = *kind
        else {
            return None;
        };
        let size = u64::from(match space {
            AddressSpace::Shared => self.launch.shared_bytes,
            AddressSpace::Local => self.kernel.layout.local_bytes,
            _ => self.kernel.param_bytes,
        });
        let whole = bytes * lanes;
        if !offset.is_multiple_of(u64::from(whole)) {
            let (address, bytes) = (offset, whole);
            return Some(MemoryError::Misaligned { address, bytes }.into());
        }
        if write && space == AddressSpace::Argument {
            return Some(MemoryError::ReadOnly { address: offset }.into());
        }
        (0..lanes)
            .map(|lane| offset.wrapping_add(u64::from(lane * bytes)))
            .find(|address| {
                let end = address.checked_add(u64::from(bytes));
                end.is_none_or(|end| end > size)
            })
            .map(|address| AccessError::Outside {
                space,
                address,
                bytes,
                size,
            })
    }

    fn refusal(&self, block: Extent, thread: u32, site: u32, message: String) -> Fault {
        let site = self.kernel.body.sites.get(SiteId(site));
        Fault {
            kernel: self.kernel.kernel.clone(),
            block: Some(block),
            thread: self.launch.geometry.thread_index(thread),
            line: site.map(|site| site.line),
            message,
        }
    }
}

/// The memory of a thread of a compiled kernel, for a function of the device runtime.
struct CompiledCaller<'l, S, M> {
    launch: &'l CompiledLaunch,
    thread: u32,
    /// Reads a word of scratch memory.
    scratch: S,
    memory: &'l M,
}

impl<S: Fn(u32) -> u32, M: Memory> CallerMemory for CompiledCaller<'_, S, M> {
    fn load(&self, address: u64, bytes: u32) -> Result<u64, Refused> {
        let refused = |error: AccessError| Box::new(error.to_string());
        if !address.is_multiple_of(u64::from(bytes)) {
            // As an offset into its memory, like the interpreter's: windows begin at multiples.
            let (_, address) = AddressSpace::of_generic(address);
            return Err(refused(MemoryError::Misaligned { address, bytes }.into()));
        }
        let (space, offset) = AddressSpace::of_generic(address);
        let Some(begin) = self.launch.begin_of(space, self.thread) else {
            if address < GLOBAL_BASE {
                return Err(refused(AccessError::Nowhere { address, bytes }));
            }
            let loaded = self.memory.load(address, bytes);
            return loaded.map_err(|error| refused(error.into()));
        };
        let access = SiteKind::Access {
            space,
            bytes,
            lanes: 1,
            write: false,
        };
        if let Some(error) = self.launch.refused(&access, space, offset) {
            return Err(refused(error));
        }
        // It was found to lie in its memory, whose addresses have 32 bits.
        let at = u32::try_from(offset).map_or(begin, |offset| begin + offset);
        let word = u64::from((self.scratch)(at & !3)) >> (8 * (at & 3));
        Ok(match bytes {
            8 => word | u64::from((self.scratch)(at + 4)) << 32,
            4 => word,
            bytes => word & ((1 << (8 * bytes)) - 1),
        })
    }

    fn print(&self, text: &[u8]) {
        self.memory.print(text);
    }
}

/// Writes the three words of an extent.
pub(crate) fn set_extent(scratch: &mut [u8], at: u32, extent: Extent) {
    set_word(scratch, at, extent.x);
    set_word(scratch, at + 4, extent.y);
    set_word(scratch, at + 8, extent.z);
}
