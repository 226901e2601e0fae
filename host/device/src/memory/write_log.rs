//! Which pages of memory were written since they were asked about last, as the operating system notes
//! it: write protection that it lifts by itself when a page is first written (`UFFD_FEATURE_WP_ASYNC` of
//! `userfaultfd(2)`), and the request `PAGEMAP_SCAN` of `/proc/self/pagemap`. Both are in Linux since 6.7.
//! A page that is not written costs nothing, and one that is written an exception of a microsecond.
//!
//! Where the system has neither, or keeps them from this process, nothing is noted, and whoever asks takes
//! everything for written.
#![expect(
    unsafe_code,
    reason = "requests to the operating system by ioctl(2), about addresses"
)]

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;

use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode};
use rustix::mm::{UserfaultfdFlags, userfaultfd};

use super::mapping::{Mapping, PAGE};

/// A range of a mapping: where it begins and its size, in bytes.
pub(super) type Part = (u64, u64);

/// How much the system is asked to forget at one time, in bytes: other threads can't have new memory
/// meanwhile.
const FORGOTTEN_AT_ONCE: u64 = 8 << 20;

/// The system's notes on this process's memory.
#[derive(Debug)]
pub(crate) struct WriteLog {
    faults: OwnedFd,
    pages: OwnedFd,
}

impl WriteLog {
    /// The process's own, opened at the first call: before a sandbox, where it is to be used in one.
    /// `None` where the system has none.
    pub(crate) fn of_this_process() -> Option<&'static WriteLog> {
        static LOG: OnceLock<Option<WriteLog>> = OnceLock::new();
        LOG.get_or_init(|| WriteLog::open().ok()).as_ref()
    }

    /// # Errors
    /// Where the system has none, or does not let this process have it.
    fn open() -> io::Result<WriteLog> {
        if cfg!(miri) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let flags = UserfaultfdFlags::CLOEXEC | UserfaultfdFlags::NONBLOCK;
        // Accesses of the kernel's own are none that anybody has to be asked for, and without them an
        // ordinary user may have it.
        let flags = flags | UserfaultfdFlags::from_bits_retain(UFFD_USER_MODE_ONLY);
        // SAFETY: memory changes its behaviour only by what the descriptor is asked for, here below.
        let faults = unsafe { userfaultfd(flags) }?;
        let mut said = Api {
            api: UFFD_API,
            features: UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED,
            ioctls: 0,
        };
        // SAFETY: `UFFDIO_API` reads and writes one `struct uffdio_api`.
        unsafe { ioctl(&faults, Request::<_, UFFDIO_API>(&mut said)) }?;
        let pages = File::open("/proc/self/pagemap")?.into();
        Ok(WriteLog { faults, pages })
    }

    /// Notes from now on what is written to the pages of a range; until the first
    /// [`take`](WriteLog::take) all count as written. False where the system does not.
    pub(super) fn watch(&self, mapping: &Mapping, (offset, bytes): Part) -> bool {
        let Some(range) = Pages::around(mapping, offset, bytes) else {
            return false;
        };
        let mut asked = Register {
            range,
            mode: UFFDIO_REGISTER_MODE_WP,
            ioctls: 0,
        };
        // SAFETY: `UFFDIO_REGISTER` reads and writes one `struct uffdio_register`. In this mode, and with
        // the features that were asked for, it changes neither what is in memory nor who may access it.
        unsafe { ioctl(&self.faults, Request::<_, UFFDIO_REGISTER>(&mut asked)) }.is_ok()
    }

    /// Notes no more. Before that the range is not to be given to anybody else.
    pub(super) fn forget(&self, mapping: &Mapping, (offset, bytes): Part) {
        let end = offset.saturating_add(bytes);
        let mut at = offset;
        while at < end {
            let piece = (end - at).min(FORGOTTEN_AT_ONCE);
            if let Some(mut range) = Pages::around(mapping, at, piece) {
                // SAFETY: `UFFDIO_UNREGISTER` reads one `struct uffdio_range`, and lifts what `watch` and
                // `take` have asked for.
                let forgotten =
                    unsafe { ioctl(&self.faults, Request::<_, UFFDIO_UNREGISTER>(&mut range)) };
                if let Err(error) = forgotten {
                    tracing::warn!(%error, "the operating system goes on noting what is written");
                    return;
                }
            }
            at += piece;
        }
    }

    /// The parts of a range, in whole pages, that were written since they were taken last. They are noted
    /// anew from before this returns: what is written later is found the next time. `None` where nothing
    /// is noted of the range.
    pub(super) fn take(&self, mapping: &Mapping, (offset, bytes): Part) -> Option<Vec<Part>> {
        let asked = Pages::around(mapping, offset, bytes)?;
        let base = mapping.pointer().addr() as u64;
        let end = asked.start + asked.bytes;
        let mut found = Vec::new();
        let mut regions = [Region::default(); REGIONS];
        let mut at = asked.start;
        while at < end {
            let mut scan = Scan {
                size: size_of::<Scan>() as u64,
                flags: PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC,
                start: at,
                end,
                walk_end: 0,
                regions: regions.as_mut_ptr().expose_provenance() as u64,
                regions_len: REGIONS as u64,
                max_pages: 0,
                category_inverted: 0,
                category_mask: PAGE_IS_WRITTEN,
                category_anyof_mask: 0,
                return_mask: PAGE_IS_WRITTEN,
            };
            // SAFETY: `PAGEMAP_SCAN` reads and writes one `struct pm_scan_arg`, and writes no more
            // `struct page_region` than it is told there is room for, where `regions` is. Pages get write
            // protection that the system lifts by itself.
            let count = unsafe { ioctl(self.pages.as_fd(), Request::<_, PAGEMAP_SCAN>(&mut scan)) };
            let count = usize::try_from(count.ok()?).ok()?;
            let taken = regions.iter().take(count);
            found.extend(taken.map(|region| (region.start - base, region.end - region.start)));
            if scan.walk_end <= at {
                return None;
            }
            at = scan.walk_end;
        }
        Some(found)
    }
}

/// How many parts the system tells at one time.
const REGIONS: usize = 128;

// From `linux/userfaultfd.h`.
const UFFD_API: u64 = 0xaa;
const UFFD_USER_MODE_ONLY: u32 = 1;
const UFFD_FEATURE_WP_UNPOPULATED: u64 = 1 << 13;
const UFFD_FEATURE_WP_ASYNC: u64 = 1 << 15;
const UFFDIO_REGISTER_MODE_WP: u64 = 1 << 1;
const UFFDIO_API: Opcode = opcode::read_write::<Api>(0xaa, 0x3f);
const UFFDIO_REGISTER: Opcode = opcode::read_write::<Register>(0xaa, 0x00);
const UFFDIO_UNREGISTER: Opcode = opcode::read::<Pages>(0xaa, 0x01);

// From `linux/fs.h`.
const PM_SCAN_WP_MATCHING: u64 = 1 << 0;
const PM_SCAN_CHECK_WPASYNC: u64 = 1 << 1;
const PAGE_IS_WRITTEN: u64 = 1 << 1;
const PAGEMAP_SCAN: Opcode = opcode::read_write::<Scan>(b'f', 16);

/// The requests that are made of descriptors which are open already.
pub(crate) const REQUESTS: [Opcode; 3] = [UFFDIO_REGISTER, UFFDIO_UNREGISTER, PAGEMAP_SCAN];

/// `struct uffdio_api`.
#[repr(C)]
struct Api {
    api: u64,
    features: u64,
    ioctls: u64,
}

/// `struct uffdio_range`: whole pages.
#[repr(C)]
struct Pages {
    start: u64,
    bytes: u64,
}

impl Pages {
    /// The pages that a range of a mapping has a byte of; `None` where it has none, or is not there.
    fn around(mapping: &Mapping, offset: u64, bytes: u64) -> Option<Pages> {
        let end = offset.checked_add(bytes)?.checked_next_multiple_of(PAGE)?;
        let begin = offset - offset % PAGE;
        if bytes == 0 || end > mapping.bytes() as u64 {
            return None;
        }
        Some(Pages {
            start: mapping.pointer().addr() as u64 + begin,
            bytes: end - begin,
        })
    }
}

/// `struct uffdio_register`.
#[repr(C)]
struct Register {
    range: Pages,
    mode: u64,
    ioctls: u64,
}

/// `struct page_region`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

/// `struct pm_scan_arg`.
#[repr(C)]
struct Scan {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    regions: u64,
    regions_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// A request with the structure that it reads and writes; its result is the number that it returns.
struct Request<'a, T, const OPCODE: Opcode>(&'a mut T);

// SAFETY: the structure is there for the call, and may be written; that the request is about this structure
// is the caller's promise, as all of `ioctl` is.
unsafe impl<T, const OPCODE: Opcode> Ioctl for Request<'_, T, OPCODE> {
    type Output = IoctlOutput;

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        OPCODE
    }

    fn as_ptr(&mut self) -> *mut c_void {
        (&raw mut *self.0).cast()
    }

    unsafe fn output_from_ptr(out: IoctlOutput, _: *mut c_void) -> rustix::io::Result<IoctlOutput> {
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::sync::atomic::Ordering;

    use super::*;

    const BYTES: u64 = 16 * PAGE;

    #[test]
    fn pages_that_were_written_are_told_once_and_no_others() {
        let Some(log) = WriteLog::of_this_process() else {
            eprintln!("skipped: this system notes no writes");
            return;
        };
        let mapping = Mapping::new(BYTES as usize, BYTES as usize).unwrap();
        let write = |at: u64| mapping.words(at as usize, 1)[0].store(7, Ordering::Relaxed);
        write(PAGE);
        let (all, some) = ((0, BYTES), (2 * PAGE, 5 * PAGE));
        assert_eq!(log.take(&mapping, all), None, "it is not watched");
        assert!(log.watch(&mapping, all));
        // Also those that were never there.
        assert_eq!(log.take(&mapping, all).unwrap(), [all]);
        assert_eq!(log.take(&mapping, all).unwrap(), []);
        // Pages that were there and such as were not.
        for at in [PAGE + 8, 2 * PAGE, 3 * PAGE + 80, 12 * PAGE, BYTES - 8] {
            write(at);
        }
        assert_eq!(log.take(&mapping, some).unwrap(), [(2 * PAGE, 2 * PAGE)]);
        write(3 * PAGE);
        let told = log.take(&mapping, all).unwrap();
        let one = |page: u64| (page * PAGE, PAGE);
        assert_eq!(told, [one(1), one(3), one(12), one(15)]);
        assert_eq!(
            mapping.words(PAGE as usize, 2)[1].load(Ordering::Relaxed),
            7
        );
        log.forget(&mapping, all);
        assert_eq!(log.take(&mapping, all), None);
        write(0);
        assert!(!log.watch(&mapping, (0, BYTES + 1)));
        assert!(!log.watch(&mapping, (0, 0)));
    }
}
