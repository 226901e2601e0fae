//! Pointers as the caller of a C function gives them. All of them rest on the caller's promise,
//! which is that of the driver's own documentation: a pointer is null, or leads to what the call
//! says it does, for as long as the call (or, where it says so, the work that it queues) lasts.

use std::ffi::{CStr, c_char, c_void};

use crate::code::{Code, Result};

/// Where a call writes a result.
#[repr(transparent)]
pub(crate) struct Out<T>(*mut T);

impl<T> Clone for Out<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Out<T> {}

impl<T> Out<T> {
    /// Writes a result that the caller must want.
    pub(crate) fn put(self, value: T) -> Result {
        if self.0.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        self.put_if_wanted(value);
        Ok(())
    }

    /// Refuses where there is nowhere to write to, before work is done for it.
    pub(crate) fn check(self) -> Result {
        if self.0.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        Ok(())
    }

    /// Writes a result that the caller may do without.
    pub(crate) fn put_if_wanted(self, value: T) {
        if !self.0.is_null() {
            // SAFETY: the caller gives a place for a `T`, see the module's documentation.
            unsafe { self.0.write_unaligned(value) }
        }
    }
}

/// Something that the caller has laid out for reading: one value, or several in a row.
#[repr(transparent)]
pub(crate) struct In<T>(*const T);

impl<T> Clone for In<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for In<T> {}

impl<T: Copy> In<T> {
    pub(crate) fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// The value at an index that the caller has said to be there.
    pub(crate) fn at(self, index: usize) -> Result<T> {
        if self.0.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        // SAFETY: the caller gives as many values as the call asks for.
        Ok(unsafe { self.0.add(index).read_unaligned() })
    }
}

/// A C string.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Text(*const c_char);

impl Text {
    pub(crate) fn get<'a>(self) -> Result<&'a CStr> {
        if self.0.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        // SAFETY: the caller gives a string that ends with a NUL. What is returned is not kept
        // beyond the call.
        Ok(unsafe { CStr::from_ptr(self.0) })
    }
}

/// The caller's memory: the host's side of a copy, an image, a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Host(*mut c_void);

// SAFETY: it is an address. Whoever uses it on another thread does so for work that the caller
// queued, and the caller leaves the memory alone until that is done.
unsafe impl Send for Host {}
// SAFETY: as above.
unsafe impl Sync for Host {}

impl Host {
    pub(crate) fn from_address(address: usize) -> Host {
        Host(std::ptr::with_exposed_provenance_mut(address))
    }

    pub(crate) fn address(self) -> usize {
        self.0.expose_provenance()
    }

    pub(crate) fn is_null(self) -> bool {
        self.0.is_null()
    }

    pub(crate) fn pointer(self) -> *mut c_void {
        self.0
    }

    pub(crate) fn as_text(self) -> Text {
        Text(self.0.cast())
    }

    /// A C pointer to the first of several values.
    pub(crate) fn as_in<T>(self) -> In<T> {
        In(self.0.cast())
    }

    pub(crate) fn as_out<T>(self) -> Out<T> {
        Out(self.0.cast())
    }

    /// The bytes, copied.
    pub(crate) fn read(self, bytes: usize) -> Vec<u8> {
        if bytes == 0 || self.0.is_null() {
            return Vec::new();
        }
        // SAFETY: the caller gives as many bytes as it says, and leaves them alone for now.
        unsafe { std::slice::from_raw_parts(self.0.cast::<u8>(), bytes) }.to_vec()
    }

    /// Copies to the caller's memory.
    pub(crate) fn write(self, data: &[u8]) {
        // SAFETY: the caller gives room for as many bytes as it says, and none of it is ours.
        unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), self.0.cast::<u8>(), data.len()) }
    }

    /// The bytes in pieces that fit a cache: `take` gets each with its offset.
    pub(crate) fn read_pieces(self, bytes: usize, mut take: impl FnMut(usize, &[u8])) {
        const PIECE: usize = 1 << 20;
        for offset in (0..bytes).step_by(PIECE) {
            let length = PIECE.min(bytes - offset);
            // SAFETY: as in `read`: all of `bytes` bytes are there.
            let piece = unsafe {
                std::slice::from_raw_parts(self.0.cast::<u8>().add(offset).cast_const(), length)
            };
            take(offset, piece);
        }
    }

    /// The caller's memory to be written, in pieces as above.
    pub(crate) fn write_pieces(self, bytes: usize, mut give: impl FnMut(usize, &mut [u8])) {
        const PIECE: usize = 1 << 20;
        for offset in (0..bytes).step_by(PIECE) {
            let length = PIECE.min(bytes - offset);
            // SAFETY: as in `write`: all of `bytes` bytes are there, and nobody else uses them.
            let piece =
                unsafe { std::slice::from_raw_parts_mut(self.0.cast::<u8>().add(offset), length) };
            give(offset, piece);
        }
    }
}

/// A function of the caller, and what it wants to be given.
#[derive(Clone, Copy)]
pub(crate) struct HostFunction {
    pub(crate) function: extern "C" fn(Host),
    pub(crate) data: Host,
}

impl HostFunction {
    pub(crate) fn call(self) {
        (self.function)(self.data);
    }
}
