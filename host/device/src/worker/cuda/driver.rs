//! The calls of the CUDA driver that a worker makes, each checked.
//!
//! Handles are numbers that the driver gave, wrapped so that they go back once, and
//! addresses are the driver's own. What must hold for a call is said where it is
//! made.
#![expect(
    unsafe_code,
    reason = "the driver is a C library: every call of it is unsafe"
)]

mod library;

use std::ffi::{CStr, CString, c_char, c_uint, c_void};
use std::fmt;

use cudarc::driver::sys;

use self::library as cuda;
use super::errors;
use crate::NvidiaUuid;

/// A number of the driver's that no correct one says is below zero.
///
/// # Errors
/// Where it is: an error that the driver does not have.
pub(super) fn not_negative(value: i32) -> Outcome<u32> {
    u32::try_from(value).map_err(|_| Refusal::UNKNOWN)
}

/// Why the driver refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The error's number in `cuda.h`. It may be one that this program does not know.
    Error(u32),
    /// The driver has no function of this name.
    Missing(&'static str),
}

impl Refusal {
    /// The device has no memory left for what was asked.
    pub(super) const OUT_OF_MEMORY: Refusal =
        Refusal::Error(sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY as u32);
    /// Something is wrong with the driver itself.
    pub(super) const UNKNOWN: Refusal = Refusal::Error(sys::CUresult::CUDA_ERROR_UNKNOWN as u32);
    const NOT_FOUND: Refusal = Refusal::Error(sys::CUresult::CUDA_ERROR_NOT_FOUND as u32);
    const NOT_READY: Refusal = Refusal::Error(sys::CUresult::CUDA_ERROR_NOT_READY as u32);
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = match *self {
            Refusal::Error(error) => error,
            Refusal::Missing(function) => {
                return write!(f, "the driver has no function {function}");
            }
        };
        let said = |call: unsafe fn(c_uint, *mut *const c_char) -> Outcome<()>| {
            let mut text = std::ptr::null();
            // SAFETY: the pointer is valid for the call.
            let found = unsafe { call(error, &raw mut text) };
            // SAFETY: the driver gives a text of its own, which stays.
            let text = (found.is_ok() && !text.is_null()).then(|| unsafe { CStr::from_ptr(text) });
            text.map(|text| text.to_string_lossy().into_owned())
        };
        let name = errors::name(error).map(str::to_owned);
        let name = name.or_else(|| said(cuda::cuGetErrorName));
        match (name, said(cuda::cuGetErrorString)) {
            (Some(name), Some(text)) => write!(f, "{text} ({name})"),
            (Some(name), None) => write!(f, "{name}"),
            (None, _) => write!(f, "error {error} of the driver, which has no name for it"),
        }
    }
}

pub(super) type Outcome<T> = Result<T, Refusal>;

/// Loads the driver for as long as the process lives; whether there is one.
pub(super) fn load() -> bool {
    cuda::load()
}

/// What a call puts where it is told to.
fn put<T: Default>(call: impl FnOnce(*mut T) -> Outcome<()>) -> Outcome<T> {
    let mut value = T::default();
    call(&raw mut value)?;
    Ok(value)
}

/// The handle that a call makes.
fn made<T>(call: impl FnOnce(*mut *mut T) -> Outcome<()>) -> Outcome<*mut T> {
    let mut handle = std::ptr::null_mut();
    call(&raw mut handle)?;
    Ok(handle)
}

/// The newest version of CUDA that the driver knows: 12090 is 12.9.
pub(super) fn version() -> Outcome<i32> {
    // SAFETY: the pointer is valid for the call.
    put(|version| unsafe { cuda::cuDriverGetVersion(version) })
}

pub(super) fn init() -> Outcome<()> {
    // SAFETY: it takes a number.
    unsafe { cuda::cuInit(0) }
}

pub(super) fn count() -> Outcome<i32> {
    // SAFETY: the pointer is valid for the call.
    put(|count| unsafe { cuda::cuDeviceGetCount(count) })
}

/// Whether the thread's context is of any use: an error of a kernel is every later call's.
pub(super) fn check_context() -> Outcome<()> {
    // SAFETY: the pointers are valid for the call.
    let ask = |free| put(|total| unsafe { cuda::cuMemGetInfo_v2(free, total) }).map(drop);
    put(ask).map(drop)
}

/// The longest name of a device that is asked for, in bytes.
const LONGEST_NAME: usize = 256;

/// One of the driver's devices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Device(sys::CUdevice);

impl Device {
    pub(super) fn get(ordinal: u32) -> Outcome<Device> {
        let ordinal = i32::try_from(ordinal).unwrap_or(i32::MAX);
        // SAFETY: the pointer is valid for the call.
        put(|device| unsafe { cuda::cuDeviceGet(device, ordinal) }).map(Device)
    }

    pub(super) fn name(self) -> Outcome<String> {
        let mut name = [0_u8; LONGEST_NAME];
        // SAFETY: the pointer is to as many bytes as said, and the device is one that the driver
        // gave.
        unsafe {
            let place = name.as_mut_ptr().cast::<c_char>();
            cuda::cuDeviceGetName(place, LONGEST_NAME as i32, self.0)?;
        }
        let name = CStr::from_bytes_until_nul(&name).unwrap_or_default();
        Ok(name.to_string_lossy().into_owned())
    }

    /// Its UUID. A part of a device (MIG) has one of its own, which the older of the two calls does
    /// not tell.
    pub(super) fn uuid(self) -> Outcome<NvidiaUuid> {
        let mut whole = sys::CUuuid { bytes: [0; 16] };
        let mut shown = whole;
        // SAFETY: the pointers are valid for the calls, and the device is one that the driver gave.
        unsafe {
            cuda::cuDeviceGetUuid(&raw mut whole, self.0)?;
            cuda::cuDeviceGetUuid_v2(&raw mut shown, self.0)?;
        }
        Ok(NvidiaUuid {
            bytes: shown.bytes.map(|byte| byte as u8),
            is_part: whole.bytes != shown.bytes,
        })
    }

    pub(super) fn memory_bytes(self) -> Outcome<u64> {
        // SAFETY: the pointer is valid for the call, and the device is one that the driver gave.
        let bytes = put(|bytes| unsafe { cuda::cuDeviceTotalMem_v2(bytes, self.0) })?;
        Ok(bytes as u64)
    }

    pub(super) fn attribute(self, which: sys::CUdevice_attribute) -> Outcome<u32> {
        // SAFETY: the pointer is valid for the call, and the device is one that the driver gave.
        let value = put(|value| unsafe { cuda::cuDeviceGetAttribute(value, which, self.0) })?;
        not_negative(value)
    }

    /// Its one context for this process, which stays until the process ends. Threads that wait for
    /// it sleep.
    pub(super) fn context(self) -> Outcome<Context> {
        let flags = sys::CUctx_flags::CU_CTX_SCHED_BLOCKING_SYNC as c_uint;
        // Before it is made: how its threads wait is decided then.
        // SAFETY: the device is one that the driver gave.
        unsafe { cuda::cuDevicePrimaryCtxSetFlags_v2(self.0, flags) }?;
        // SAFETY: the pointer is valid for the call, and the device is one that the driver gave.
        made(|context| unsafe { cuda::cuDevicePrimaryCtxRetain(context, self.0) }).map(Context)
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
        unsafe { cuda::cuCtxSetCurrent(self.0) }
    }
}

/// A stream, which stays until the process ends or [`destroy`](Stream::destroy).
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream(sys::CUstream);

// SAFETY: the driver allows a stream to be used by any number of threads.
unsafe impl Send for Stream {}

impl Stream {
    pub(super) fn create() -> Outcome<Stream> {
        let flags = sys::CUstream_flags::CU_STREAM_NON_BLOCKING as c_uint;
        // SAFETY: the pointer is valid for the call.
        made(|stream| unsafe { cuda::cuStreamCreate(stream, flags) }).map(Stream)
    }

    pub(super) fn synchronize(self) -> Outcome<()> {
        // SAFETY: the stream is not destroyed yet: its one owner does that last.
        unsafe { cuda::cuStreamSynchronize(self.0) }
    }

    pub(super) fn destroy(self) -> Outcome<()> {
        // SAFETY: the caller is the stream's one owner, and uses it no more.
        unsafe { cuda::cuStreamDestroy_v2(self.0) }
    }

    /// Memory in the order of this stream, with whatever was there before.
    pub(super) fn allocate(self, bytes: usize) -> Outcome<u64> {
        // SAFETY: the pointer is valid for the call, and the stream is one of ours.
        put(|address| unsafe { cuda::cuMemAllocAsync(address, bytes, self.0) })
    }

    pub(super) fn free(self, address: u64) -> Outcome<()> {
        // SAFETY: the address is one that `allocate` gave, and the caller frees it once.
        unsafe { cuda::cuMemFreeAsync(address, self.0) }
    }

    pub(super) fn fill(self, address: u64, value: u8, bytes: usize) -> Outcome<()> {
        // SAFETY: the range lies in an allocation, which the host has checked; were it
        // not, the device would fault, and this process with it.
        unsafe { cuda::cuMemsetD8Async(address, value, bytes, self.0) }
    }

    pub(super) fn copy(self, target: u64, source: u64, bytes: usize) -> Outcome<()> {
        // SAFETY: as for `fill`.
        unsafe { cuda::cuMemcpyDtoDAsync_v2(target, source, bytes, self.0) }
    }

    /// Copies from this process to the device. `source` must stay until the stream is
    /// past it: it lies in the shared memory, which is never unmapped.
    pub(super) fn write(self, target: u64, source: *const u8, bytes: usize) -> Outcome<()> {
        // SAFETY: the caller has checked that the range lies in the shared memory,
        // which stays mapped until the process ends.
        unsafe { cuda::cuMemcpyHtoDAsync_v2(target, source.cast::<c_void>(), bytes, self.0) }
    }

    /// Copies from the device to this process, as for [`write`](Stream::write).
    pub(super) fn read(self, target: *mut u8, source: u64, bytes: usize) -> Outcome<()> {
        // SAFETY: as for `write`; nothing in this process has a reference to that part
        // of the shared memory.
        unsafe { cuda::cuMemcpyDtoHAsync_v2(target.cast::<c_void>(), source, bytes, self.0) }
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
            cuda::cuLaunchKernel(
                function.0,
                grid[0],
                grid[1],
                grid[2],
                block[0],
                block[1],
                block[2],
                shared_bytes,
                self.0,
                arguments.as_mut_ptr(),
                std::ptr::null_mut(),
            )
        }
    }
}

/// Memory as `cuMemAlloc` gives it, for devices without memory pools.
pub(super) fn allocate(bytes: usize) -> Outcome<u64> {
    // SAFETY: the pointer is valid for the call; nobody reads the memory before it is filled.
    put(|address| unsafe { cuda::cuMemAlloc_v2(address, bytes) })
}

pub(super) fn free(address: u64) -> Outcome<()> {
    // SAFETY: the address is one that `allocate` gave, and the caller frees it once.
    unsafe { cuda::cuMemFree_v2(address) }
}

/// Pins memory of this process, so that the device copies it by itself.
pub(super) fn pin(start: *mut u8, bytes: usize) -> Outcome<()> {
    // SAFETY: the caller says where its own mapping lies, which is never unmapped.
    unsafe { cuda::cuMemHostRegister_v2(start.cast::<c_void>(), bytes, 0) }
}

/// An event.
#[derive(Debug)]
pub(super) struct Event(sys::CUevent);

// SAFETY: the driver allows an event to be used by any thread.
unsafe impl Send for Event {}

impl Event {
    /// An event for which threads wait asleep. `timed` events take a little longer to record.
    pub(super) fn create(timed: bool) -> Outcome<Event> {
        use sys::CUevent_flags as Flags;
        let timing = match timed {
            true => Flags::CU_EVENT_DEFAULT,
            false => Flags::CU_EVENT_DISABLE_TIMING,
        };
        let flags = timing as c_uint | Flags::CU_EVENT_BLOCKING_SYNC as c_uint;
        // SAFETY: the pointer is valid for the call.
        made(|event| unsafe { cuda::cuEventCreate(event, flags) }).map(Event)
    }

    pub(super) fn record(&self, stream: Stream) -> Outcome<()> {
        // SAFETY: both are alive.
        unsafe { cuda::cuEventRecord(self.0, stream.0) }
    }

    /// Whether its stream is past it.
    pub(super) fn is_reached(&self) -> Outcome<bool> {
        // SAFETY: the event is alive.
        match unsafe { cuda::cuEventQuery(self.0) } {
            Ok(()) => Ok(true),
            Err(Refusal::NOT_READY) => Ok(false),
            Err(refusal) => Err(refusal),
        }
    }

    pub(super) fn synchronize(&self) -> Outcome<()> {
        // SAFETY: the event is alive.
        unsafe { cuda::cuEventSynchronize(self.0) }
    }

    /// Milliseconds from another event to this one, both reached.
    pub(super) fn milliseconds_since(&self, earlier: &Event) -> Outcome<f32> {
        // SAFETY: the pointer is valid for the call, and both events are alive.
        put(|time| unsafe { cuda::cuEventElapsedTime(time, earlier.0, self.0) })
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: this is the event's one owner. Where it fails the device is lost.
        let _ = unsafe { cuda::cuEventDestroy_v2(self.0) };
    }
}

/// A loaded module, which must outlive the launches of its functions.
#[derive(Debug)]
pub(super) struct Module(sys::CUmodule);

// SAFETY: the driver allows a module to be used by any thread.
unsafe impl Send for Module {}
// SAFETY: as above; this is a handle and nothing else.
unsafe impl Sync for Module {}

impl Module {
    /// Loads what [`compile`] made.
    pub(super) fn load(image: &[u8]) -> Outcome<Module> {
        let image = image.as_ptr().cast::<c_void>();
        // SAFETY: the pointer is valid for the call, and the image is a whole one: the driver's own
        // output, by its own length, or what was kept of it and found to be the same.
        made(|module| unsafe { cuda::cuModuleLoadData(module, image) }).map(Module)
    }

    pub(super) fn function(&self, name: &str) -> Outcome<Function> {
        // A name with a zero byte is none that the parser lets through.
        let name = CString::new(name).map_err(|_| Refusal::NOT_FOUND)?;
        // SAFETY: the pointers are valid for the call, and the module is loaded.
        made(|function| unsafe { cuda::cuModuleGetFunction(function, self.0, name.as_ptr()) })
            .map(Function)
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: this is the module's one owner. Where it fails the device is lost.
        let _ = unsafe { cuda::cuModuleUnload(self.0) };
    }
}

/// A kernel of a module, alive for as long as that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function(sys::CUfunction);

// SAFETY: as for its module.
unsafe impl Send for Function {}
// SAFETY: as above; this is a handle and nothing else.
unsafe impl Sync for Function {}

impl Function {
    pub(super) fn attribute(self, which: sys::CUfunction_attribute_enum) -> Outcome<u32> {
        // SAFETY: the pointer is valid for the call, and the function's module is loaded.
        let value = put(|value| unsafe { cuda::cuFuncGetAttribute(value, which, self.0) })?;
        not_negative(value)
    }

    pub(super) fn allow_shared_bytes(self, bytes: u32) -> Outcome<()> {
        let which = sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
        // SAFETY: the function's module is loaded.
        unsafe { cuda::cuFuncSetAttribute(self.0, which, bytes) }
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
        cuda::cuLinkCreate_v2(2, options.as_mut_ptr(), values.as_mut_ptr(), &raw mut link)
    };
    created.map_err(|refusal| (refusal, String::new()))?;
    let text = ptx.as_bytes_with_nul();
    // SAFETY: the text is as long as said, and the driver only reads it.
    let added = unsafe {
        cuda::cuLinkAddData_v2(
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
    // SAFETY: the pointers are valid for the call.
    let outcome =
        added.and_then(|()| unsafe { cuda::cuLinkComplete(link, &raw mut image, &raw mut bytes) });
    let made = outcome.map(|()| {
        // SAFETY: the driver says that its image has this many bytes; it stays until
        // the link state goes.
        unsafe { std::slice::from_raw_parts(image.cast::<u8>(), bytes) }.to_vec()
    });
    // SAFETY: the link state is ours, and used no more.
    let _ = unsafe { cuda::cuLinkDestroy(link) };
    made.map_err(|refusal| {
        let end = log.iter().position(|byte| *byte == 0).unwrap_or(LOG);
        let said = String::from_utf8_lossy(log.get(..end).unwrap_or_default());
        (refusal, said.trim().to_owned())
    })
}
