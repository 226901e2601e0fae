//! The calls of the CUDA driver that a worker makes, each checked, by cudarc's table
//! of functions that are looked up when they are first called.
//!
//! Handles are numbers that the driver gave, wrapped so that they go back once, and
//! addresses are the driver's own. What must hold for a call is said where it is
//! made.
#![expect(
    unsafe_code,
    reason = "the driver is a C library: every call of it is unsafe"
)]

use std::ffi::{CStr, CString, c_void};

use cudarc::driver::DriverError;
use cudarc::driver::{result, sys};

use crate::NvidiaUuid;

/// Why the driver refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) sys::CUresult);

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let error = DriverError(self.0);
        let name = error.error_name().ok().map(CStr::to_string_lossy);
        let text = error.error_string().ok().map(CStr::to_string_lossy);
        match (name, text) {
            (Some(name), Some(text)) => write!(f, "{text} ({name})"),
            _ => write!(f, "error {} of the driver", self.0 as u32),
        }
    }
}

impl From<DriverError> for Refusal {
    fn from(error: DriverError) -> Refusal {
        Refusal(error.0)
    }
}

pub(super) type Outcome<T> = Result<T, Refusal>;

/// Loads the driver for as long as the process lives; whether there is one. cudarc
/// panics where it is asked for anything else without one.
pub(super) fn load() -> bool {
    // SAFETY: loading the driver runs its initialisers, which is why only a worker
    // does it.
    let found = unsafe { sys::is_culib_present() };
    if found {
        // The question closes the library again; this keeps it open.
        // SAFETY: as above.
        unsafe { sys::culib() };
    }
    found
}

/// The newest version of CUDA that the driver knows: 12090 is 12.9.
pub(super) fn version() -> Outcome<i32> {
    let mut version = 0;
    // SAFETY: the pointer is valid for the call.
    unsafe { sys::cuDriverGetVersion(&raw mut version) }
        .result()
        .map_err(Refusal::from)?;
    Ok(version)
}

pub(super) fn init() -> Outcome<()> {
    Ok(result::init()?)
}

pub(super) fn count() -> Outcome<i32> {
    Ok(result::device::get_count()?)
}

/// One of the driver's devices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Device(sys::CUdevice);

impl Device {
    pub(super) fn get(ordinal: u32) -> Outcome<Device> {
        let ordinal = i32::try_from(ordinal).unwrap_or(i32::MAX);
        Ok(Device(result::device::get(ordinal)?))
    }

    pub(super) fn name(self) -> Outcome<String> {
        Ok(result::device::get_name(self.0)?)
    }

    /// Its UUID. A part of a device (MIG) has one of its own, which the older of the two calls does
    /// not tell.
    pub(super) fn uuid(self) -> Outcome<NvidiaUuid> {
        let mut whole = sys::CUuuid { bytes: [0; 16] };
        let mut shown = whole;
        // SAFETY: the pointers are valid for the calls, and the device is one that the driver gave.
        unsafe {
            sys::cuDeviceGetUuid(&raw mut whole, self.0).result()?;
            sys::cuDeviceGetUuid_v2(&raw mut shown, self.0).result()?;
        }
        Ok(NvidiaUuid {
            bytes: shown.bytes.map(|byte| byte as u8),
            is_part: whole.bytes != shown.bytes,
        })
    }

    pub(super) fn memory_bytes(self) -> Outcome<u64> {
        // SAFETY: the device is one that the driver gave.
        let bytes = unsafe { result::device::total_mem(self.0) }?;
        Ok(bytes as u64)
    }

    pub(super) fn attribute(self, which: sys::CUdevice_attribute) -> Outcome<u32> {
        // SAFETY: the device is one that the driver gave.
        let value = unsafe { result::device::get_attribute(self.0, which) }?;
        Ok(u32::try_from(value).unwrap_or(0))
    }

    /// Its one context for this process, which stays until the process ends.
    pub(super) fn context(self) -> Outcome<Context> {
        // SAFETY: the device is one that the driver gave.
        let context = unsafe { result::primary_ctx::retain(self.0) }?;
        Ok(Context(context))
    }
}

/// A context. Calls are made in that of the thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context(sys::CUcontext);

// SAFETY: the driver allows a context to be used by any number of threads.
unsafe impl Send for Context {}
// SAFETY: as above; this is a handle and nothing else.
unsafe impl Sync for Context {}

impl Context {
    pub(super) fn enter(self) -> Outcome<()> {
        // SAFETY: the context was retained and is never released.
        unsafe { result::ctx::set_current(self.0) }?;
        Ok(())
    }
}

/// A stream, which stays until the process ends or [`destroy`](Stream::destroy).
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream(sys::CUstream);

// SAFETY: the driver allows a stream to be used by any number of threads.
unsafe impl Send for Stream {}

impl Stream {
    pub(super) fn create() -> Outcome<Stream> {
        Ok(Stream(result::stream::create(
            result::stream::StreamKind::NonBlocking,
        )?))
    }

    pub(super) fn synchronize(self) -> Outcome<()> {
        // SAFETY: the stream is not destroyed yet: its one owner does that last.
        unsafe { result::stream::synchronize(self.0) }?;
        Ok(())
    }

    pub(super) fn destroy(self) -> Outcome<()> {
        // SAFETY: the caller is the stream's one owner, and uses it no more.
        unsafe { result::stream::destroy(self.0) }?;
        Ok(())
    }

    /// Memory in the order of this stream, with whatever was there before.
    pub(super) fn allocate(self, bytes: usize) -> Outcome<u64> {
        // SAFETY: the stream is one of ours.
        Ok(unsafe { result::malloc_async(self.0, bytes) }?)
    }

    pub(super) fn free(self, address: u64) -> Outcome<()> {
        // SAFETY: the address is one that `allocate` gave, and the caller frees it once.
        Ok(unsafe { result::free_async(address, self.0) }?)
    }

    pub(super) fn fill(self, address: u64, value: u8, bytes: usize) -> Outcome<()> {
        // SAFETY: the range lies in an allocation, which the host has checked; were it
        // not, the device would fault, and this process with it.
        Ok(unsafe { result::memset_d8_async(address, value, bytes, self.0) }?)
    }

    pub(super) fn copy(self, target: u64, source: u64, bytes: usize) -> Outcome<()> {
        // SAFETY: as for `fill`.
        Ok(unsafe { result::memcpy_dtod_async(target, source, bytes, self.0) }?)
    }

    /// Copies from this process to the device. `source` must stay until the stream is
    /// past it: it lies in the shared memory, which is never unmapped.
    pub(super) fn write(self, target: u64, source: *const u8, bytes: usize) -> Outcome<()> {
        // SAFETY: the caller has checked that the range lies in the shared memory,
        // which stays mapped until the process ends.
        let status =
            unsafe { sys::cuMemcpyHtoDAsync_v2(target, source.cast::<c_void>(), bytes, self.0) };
        Ok(status.result()?)
    }

    /// Copies from the device to this process, as for [`write`](Stream::write).
    pub(super) fn read(self, target: *mut u8, source: u64, bytes: usize) -> Outcome<()> {
        // SAFETY: as for `write`; nothing in this process has a reference to that part
        // of the shared memory.
        let status =
            unsafe { sys::cuMemcpyDtoHAsync_v2(target.cast::<c_void>(), source, bytes, self.0) };
        Ok(status.result()?)
    }

    pub(super) fn launch(
        self,
        function: Function,
        grid: [u32; 3],
        block: [u32; 3],
        shared_bytes: u32,
        arguments: &mut [*mut c_void],
    ) -> Outcome<()> {
        // SAFETY: the function's module is loaded. The driver reads as many arguments as
        // the kernel has, each of its own size: the caller made the list by the
        // kernel's own parameters, and checked that all lie in its bytes.
        unsafe {
            result::launch_kernel(
                function.0,
                (grid[0], grid[1], grid[2]),
                (block[0], block[1], block[2]),
                shared_bytes,
                self.0,
                arguments,
            )
        }?;
        Ok(())
    }
}

/// Memory as `cuMemAlloc` gives it, for devices without memory pools.
pub(super) fn allocate(bytes: usize) -> Outcome<u64> {
    // SAFETY: nobody reads it before it is filled.
    Ok(unsafe { result::malloc_sync(bytes) }?)
}

pub(super) fn free(address: u64) -> Outcome<()> {
    // SAFETY: the address is one that `allocate` gave, and the caller frees it once.
    Ok(unsafe { result::free_sync(address) }?)
}

/// Pins memory of this process, so that the device copies it by itself.
pub(super) fn pin(start: *mut u8, bytes: usize) -> Outcome<()> {
    // SAFETY: the caller says where its own mapping lies, which is never unmapped.
    let status = unsafe { sys::cuMemHostRegister_v2(start.cast::<c_void>(), bytes, 0) };
    Ok(status.result()?)
}

/// An event.
#[derive(Debug)]
pub(super) struct Event(sys::CUevent);

// SAFETY: the driver allows an event to be used by any thread.
unsafe impl Send for Event {}

impl Event {
    /// `timed` events take a little longer to record.
    pub(super) fn create(timed: bool) -> Outcome<Event> {
        let flags = match timed {
            true => sys::CUevent_flags::CU_EVENT_DEFAULT,
            false => sys::CUevent_flags::CU_EVENT_DISABLE_TIMING,
        };
        Ok(Event(result::event::create(flags)?))
    }

    pub(super) fn record(&self, stream: Stream) -> Outcome<()> {
        // SAFETY: both are alive.
        Ok(unsafe { result::event::record(self.0, stream.0) }?)
    }

    pub(super) fn synchronize(&self) -> Outcome<()> {
        // SAFETY: the event is alive.
        Ok(unsafe { result::event::synchronize(self.0) }?)
    }

    /// Milliseconds from another event to this one, both reached.
    pub(super) fn milliseconds_since(&self, earlier: &Event) -> Outcome<f32> {
        // SAFETY: both are alive.
        Ok(unsafe { result::event::elapsed(earlier.0, self.0) }?)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: this is the event's one owner. Where it fails the device is lost.
        let _ = unsafe { result::event::destroy(self.0) };
    }
}

/// A loaded module, which must outlive the launches of its functions.
#[derive(Debug)]
pub(super) struct Module(sys::CUmodule);

// SAFETY: the driver allows a module to be used by any thread.
unsafe impl Send for Module {}

impl Module {
    /// Loads what [`compile`] made.
    pub(super) fn load(image: &[u8]) -> Outcome<Module> {
        // SAFETY: the image is a whole one: the driver's own output, by its own
        // length, or what was kept of it under a name that says what it is.
        Ok(Module(unsafe {
            result::module::load_data(image.as_ptr().cast::<c_void>())
        }?))
    }

    pub(super) fn function(&self, name: &str) -> Outcome<Function> {
        // A name with a zero byte is none that the parser lets through.
        let name = CString::new(name).map_err(|_| Refusal(sys::CUresult::CUDA_ERROR_NOT_FOUND))?;
        // SAFETY: the module is loaded.
        Ok(Function(unsafe {
            result::module::get_function(self.0, name)
        }?))
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: this is the module's one owner. Where it fails the device is lost.
        let _ = unsafe { result::module::unload(self.0) };
    }
}

/// A kernel of a module, alive for as long as that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function(sys::CUfunction);

// SAFETY: as for its module.
unsafe impl Send for Function {}

impl Function {
    pub(super) fn attribute(self, which: sys::CUfunction_attribute_enum) -> Outcome<u32> {
        // SAFETY: the function's module is loaded.
        let value = unsafe { result::function::get_function_attribute(self.0, which) }?;
        Ok(u32::try_from(value).unwrap_or(0))
    }

    pub(super) fn allow_shared_bytes(self, bytes: u32) -> Outcome<()> {
        let which = sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
        // SAFETY: the function's module is loaded.
        unsafe { result::function::set_function_attribute(self.0, which, bytes) }?;
        Ok(())
    }
}

/// The most that is kept of the compiler's complaints, in bytes.
const LOG: usize = 8 << 10;

/// Compiles PTX to machine code for the thread's device. An error comes with what
/// the driver's compiler said.
pub(super) fn compile(ptx: &CString) -> Result<Vec<u8>, (Refusal, String)> {
    let mut log = vec![0_u8; LOG];
    let mut options = [
        sys::CUjit_option::CU_JIT_ERROR_LOG_BUFFER,
        sys::CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
    ];
    let mut values = [log.as_mut_ptr().cast::<c_void>(), LOG as *mut c_void];
    let mut link: sys::CUlinkState = std::ptr::null_mut();
    // SAFETY: options and values are as many as said, and the log's buffer outlives
    // the link state, as the driver asks.
    let created = unsafe {
        sys::cuLinkCreate_v2(2, options.as_mut_ptr(), values.as_mut_ptr(), &raw mut link)
    };
    created
        .result()
        .map_err(|error| (error.into(), String::new()))?;
    let text = ptx.as_bytes_with_nul();
    // SAFETY: the text is as long as said, and the driver only reads it.
    let added = unsafe {
        sys::cuLinkAddData_v2(
            link,
            sys::CUjitInputType::CU_JIT_INPUT_PTX,
            text.as_ptr().cast_mut().cast::<c_void>(),
            text.len(),
            c"module.ptx".as_ptr(),
            0,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        )
    };
    let mut image: *mut c_void = std::ptr::null_mut();
    let mut bytes = 0;
    let outcome = added.result().and_then(|()| {
        // SAFETY: the pointers are valid for the call.
        unsafe { sys::cuLinkComplete(link, &raw mut image, &raw mut bytes) }.result()
    });
    let made = outcome.map(|()| {
        // SAFETY: the driver says that its image has this many bytes; it stays until
        // the link state goes.
        unsafe { std::slice::from_raw_parts(image.cast::<u8>(), bytes) }.to_vec()
    });
    // SAFETY: the link state is ours, and used no more.
    let _ = unsafe { sys::cuLinkDestroy(link) };
    made.map_err(|error| {
        let end = log.iter().position(|byte| *byte == 0).unwrap_or(LOG);
        let said = String::from_utf8_lossy(log.get(..end).unwrap_or_default());
        (error.into(), said.trim().to_owned())
    })
}
