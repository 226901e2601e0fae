//! Kernels, and what most tests begin with.

use std::ffi::{CString, c_void};
use std::sync::Arc;

use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys::{CUfunction, CUstream};
use cudarc::driver::{
    CudaContext, CudaFunction, CudaModule, CudaSlice, CudaStream, DevicePtr, LaunchConfig,
};
use cudarc::nvrtc::Ptx;

/// `y[i] += a * x[i]`, compiled by NVIDIA's compiler.
pub(crate) const SAXPY: &str = include_str!("../../../../components/saxpy/kernels/saxpy.ptx");

/// Kernels with one thing wrong each.
pub(crate) const KERNELS: &str = "
.version 7.0
.target sm_70
.address_size 64

.global .align 4 .b8 table[8] = {1, 0, 0, 0, 2, 0, 0, 0};

.visible .entry nothing() { ret; }

.visible .entry endless() { LOOP: bra LOOP; }

.visible .entry stops() { trap; }

.visible .entry store(.param .u64 to, .param .u32 value)
{
    .reg .b32 %r<2>;
    .reg .b64 %rd<2>;
    ld.param.u64 %rd1, [to];
    ld.param.u32 %r1, [value];
    st.global.u32 [%rd1], %r1;
    ret;
}

// All threads but the first come to the barrier.
.visible .entry deadlock()
{
    .reg .pred %p<2>;
    .reg .b32 %r<2>;
    mov.u32 %r1, %tid.x;
    setp.eq.u32 %p1, %r1, 0;
    @%p1 bra OTHER;
    bar.sync 0;
    ret;
OTHER:
    bar.sync 1;
    ret;
}

// Waits until a word is not zero.
.visible .entry wait(.param .u64 word)
{
    .reg .pred %p<2>;
    .reg .b32 %r<2>;
    .reg .b64 %rd<2>;
    ld.param.u64 %rd1, [word];
LOOP:
    ld.volatile.global.u32 %r1, [%rd1];
    setp.eq.u32 %p1, %r1, 0;
    @%p1 bra LOOP;
    ret;
}

// Block 0 waits for block 1, which begins later.
.visible .entry handshake(.param .u64 word)
{
    .reg .pred %p<3>;
    .reg .b32 %r<3>;
    .reg .b64 %rd<2>;
    ld.param.u64 %rd1, [word];
    mov.u32 %r1, %ctaid.x;
    setp.ne.u32 %p1, %r1, 0;
    @%p1 bra GIVE;
LOOP:
    ld.volatile.global.u32 %r2, [%rd1];
    setp.eq.u32 %p2, %r2, 0;
    @%p2 bra LOOP;
    ret;
GIVE:
    st.volatile.global.u32 [%rd1], %r1;
    ret;
}
";

/// The first device's context.
pub(crate) fn context() -> Arc<CudaContext> {
    CudaContext::new(0).expect("there is a device")
}

pub(crate) fn module(context: &Arc<CudaContext>) -> Arc<CudaModule> {
    context.load_module(Ptx::from_src(KERNELS)).unwrap()
}

pub(crate) fn kernel(context: &Arc<CudaContext>, name: &str) -> CudaFunction {
    module(context).load_function(name).unwrap()
}

/// One block of one thread.
pub(crate) const ONE: LaunchConfig = LaunchConfig {
    grid_dim: (1, 1, 1),
    block_dim: (1, 1, 1),
    shared_mem_bytes: 0,
};

/// A function of [`KERNELS`], without cudarc's own keeping.
pub(crate) fn raw_function(name: &str) -> CUfunction {
    let text = CString::new(KERNELS).unwrap();
    // SAFETY: the text is there, and ends with a NUL.
    unsafe {
        let module = result::module::load_data(text.as_ptr().cast()).unwrap();
        result::module::get_function(module, CString::new(name).unwrap()).unwrap()
    }
}

/// Launches one thread of a function with arguments of eight bytes.
pub(crate) fn raw_launch(
    function: CUfunction,
    stream: CUstream,
    arguments: &mut [u64],
) -> Result<(), DriverError> {
    let mut pointers: Vec<*mut c_void> = arguments
        .iter_mut()
        .map(|argument| std::ptr::from_mut(argument).cast())
        .collect();
    let one = (1, 1, 1);
    // SAFETY: the tests give as many arguments as their kernels take.
    unsafe { result::launch_kernel(function, one, one, 0, stream, &mut pointers) }
}

/// The number of an error.
pub(crate) fn code<T>(result: Result<T, DriverError>) -> u32 {
    result.err().map_or(0, |error| error.0 as u32)
}

/// Where a slice lies.
pub(crate) fn address<T>(slice: &CudaSlice<T>, stream: &CudaStream) -> u64 {
    slice.device_ptr(stream).0
}
