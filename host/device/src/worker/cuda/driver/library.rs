//! The driver's functions, found by name when they are first called.
//!
//! cudarc has them too, but there they return a Rust enumeration, and a newer driver has errors that
//! this enumeration does not name: such a number as its value would be undefined behaviour. Here they
//! return numbers. Only the types of their arguments are cudarc's, and its search for the library.

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use cudarc::driver::sys::{
    self, CUcontext, CUdevice, CUdevice_attribute, CUdeviceptr, CUevent, CUfunction,
    CUfunction_attribute_enum, CUjit_option, CUjitInputType, CUlinkState, CUmodule, CUstream,
    CUuuid,
};

use super::{Outcome, Refusal};

/// Whether the library is loaded: without one, cudarc panics.
static IS_LOADED: AtomicBool = AtomicBool::new(false);

/// Loads the library for as long as the process lives; whether there is one.
pub(super) fn load() -> bool {
    // SAFETY: loading the driver runs its initialisers, which is why only a worker does it.
    let found = unsafe { sys::is_culib_present() };
    if found {
        // The question closes the library again; this keeps it open.
        // SAFETY: as above.
        unsafe { sys::culib() };
        IS_LOADED.store(true, Ordering::Release);
    }
    found
}

/// The address of a function, as a pointer to a function.
///
/// # Safety
/// `F` must be the type of the function that the driver has under this name.
unsafe fn find<F: Copy>(name: &str) -> Option<F> {
    if !IS_LOADED.load(Ordering::Acquire) {
        return None;
    }
    // SAFETY: the library is loaded, and `F` the function's type, as the caller says.
    let found = unsafe { sys::culib().get::<F>(name.as_bytes()) };
    found.ok().map(|function| *function)
}

fn check(status: c_uint) -> Outcome<()> {
    match status {
        0 => Ok(()),
        error => Err(Refusal::Error(error)),
    }
}

/// Declares functions of the driver by their signatures in `cuda.h`. What a call must keep to is in
/// the driver's documentation of the function, and said where it is called.
macro_rules! functions {
    ($(fn $name:ident($($argument:ident: $type:ty),* $(,)?);)*) => {$(
        #[expect(non_snake_case, reason = "the names are the driver's")]
        pub(super) unsafe fn $name($($argument: $type),*) -> Outcome<()> {
            type Function = unsafe extern "C" fn($($type),*) -> c_uint;
            static FUNCTION: OnceLock<Option<Function>> = OnceLock::new();
            // SAFETY: this is the function's signature in `cuda.h`.
            let function = FUNCTION.get_or_init(|| unsafe { find(stringify!($name)) });
            let function = function.ok_or(Refusal::Missing(stringify!($name)))?;
            // SAFETY: the caller keeps to what the function asks for.
            check(unsafe { function($($argument),*) })
        }
    )*};
}

functions! {
    fn cuInit(flags: c_uint);
    fn cuDriverGetVersion(version: *mut c_int);
    fn cuGetErrorName(error: c_uint, name: *mut *const c_char);
    fn cuGetErrorString(error: c_uint, text: *mut *const c_char);

    fn cuDeviceGetCount(count: *mut c_int);
    fn cuDeviceGet(device: *mut CUdevice, ordinal: c_int);
    fn cuDeviceGetName(name: *mut c_char, room: c_int, device: CUdevice);
    fn cuDeviceGetUuid(uuid: *mut CUuuid, device: CUdevice);
    fn cuDeviceGetUuid_v2(uuid: *mut CUuuid, device: CUdevice);
    fn cuDeviceTotalMem_v2(bytes: *mut usize, device: CUdevice);
    fn cuDeviceGetAttribute(value: *mut c_int, which: CUdevice_attribute, device: CUdevice);

    fn cuDevicePrimaryCtxSetFlags_v2(device: CUdevice, flags: c_uint);
    fn cuDevicePrimaryCtxRetain(context: *mut CUcontext, device: CUdevice);
    fn cuCtxSetCurrent(context: CUcontext);

    fn cuStreamCreate(stream: *mut CUstream, flags: c_uint);
    fn cuStreamSynchronize(stream: CUstream);
    fn cuStreamDestroy_v2(stream: CUstream);

    fn cuEventCreate(event: *mut CUevent, flags: c_uint);
    fn cuEventRecord(event: CUevent, stream: CUstream);
    fn cuEventQuery(event: CUevent);
    fn cuEventSynchronize(event: CUevent);
    fn cuEventElapsedTime(milliseconds: *mut f32, start: CUevent, end: CUevent);
    fn cuEventDestroy_v2(event: CUevent);

    fn cuMemGetInfo_v2(free: *mut usize, total: *mut usize);
    fn cuMemAlloc_v2(address: *mut CUdeviceptr, bytes: usize);
    fn cuMemFree_v2(address: CUdeviceptr);
    fn cuMemAllocAsync(address: *mut CUdeviceptr, bytes: usize, stream: CUstream);
    fn cuMemFreeAsync(address: CUdeviceptr, stream: CUstream);
    fn cuMemHostRegister_v2(start: *mut c_void, bytes: usize, flags: c_uint);
    fn cuMemsetD8Async(address: CUdeviceptr, value: u8, count: usize, stream: CUstream);
    fn cuMemcpyHtoDAsync_v2(to: CUdeviceptr, from: *const c_void, bytes: usize, stream: CUstream);
    fn cuMemcpyDtoHAsync_v2(to: *mut c_void, from: CUdeviceptr, bytes: usize, stream: CUstream);
    fn cuMemcpyDtoDAsync_v2(to: CUdeviceptr, from: CUdeviceptr, bytes: usize, stream: CUstream);

    fn cuLinkCreate_v2(
        count: c_uint,
        options: *mut CUjit_option,
        values: *mut *mut c_void,
        link: *mut CUlinkState,
    );
    fn cuLinkAddData_v2(
        link: CUlinkState,
        kind: CUjitInputType,
        data: *mut c_void,
        bytes: usize,
        name: *const c_char,
        count: c_uint,
        options: *mut CUjit_option,
        values: *mut *mut c_void,
    );
    fn cuLinkComplete(link: CUlinkState, image: *mut *mut c_void, bytes: *mut usize);
    fn cuLinkDestroy(link: CUlinkState);

    fn cuModuleLoadData(module: *mut CUmodule, image: *const c_void);
    fn cuModuleUnload(module: CUmodule);
    fn cuModuleGetFunction(function: *mut CUfunction, module: CUmodule, name: *const c_char);
    fn cuFuncGetAttribute(
        value: *mut c_int,
        which: CUfunction_attribute_enum,
        function: CUfunction,
    );
    fn cuFuncSetAttribute(function: CUfunction, which: CUfunction_attribute_enum, value: c_int);
    fn cuLaunchKernel(
        function: CUfunction,
        grid_x: c_uint,
        grid_y: c_uint,
        grid_z: c_uint,
        block_x: c_uint,
        block_y: c_uint,
        block_z: c_uint,
        shared_bytes: c_uint,
        stream: CUstream,
        arguments: *mut *mut c_void,
        extra: *mut *mut c_void,
    );
}
