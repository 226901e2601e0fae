//! The same kernels through OpenCL, on PoCL, which compiles for processors.
//!
//! The library is found when the program runs, so that nothing is needed to build it.
//!
//! # Safety
//! The signatures are those of OpenCL 1.2's header `CL/cl.h`. Handles come from the library and go
//! back to it only; they are never released, since the process ends with the measurement. Whatever
//! is passed by address outlives its call: calls that transfer memory are asked to block.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char, c_void};
use std::ptr::{null, null_mut};
use std::time::Instant;

use libloading::{Library, Symbol};

use crate::subject::{Kernel, Sizes, VIEW, bytes};

/// How PoCL's platform calls itself.
const PLATFORM: &str = "Portable Computing Language";
const SOURCE: &str = include_str!("kernels.cl");

type Handle = *mut c_void;

/// `CL_DEVICE_TYPE_CPU`, `CL_PLATFORM_NAME`, `CL_PROGRAM_BUILD_LOG`, `CL_MEM_READ_WRITE`, `CL_TRUE`.
const CPU: u64 = 2;
const NAME: u32 = 0x0902;
const BUILD_LOG: u32 = 0x1183;
const READ_WRITE: u64 = 1;
const BLOCKING: u32 = 1;

type GetPlatforms = unsafe extern "C" fn(u32, *mut Handle, *mut u32) -> i32;
type GetPlatformInfo = unsafe extern "C" fn(Handle, u32, usize, *mut c_void, *mut usize) -> i32;
type GetDevices = unsafe extern "C" fn(Handle, u64, u32, *mut Handle, *mut u32) -> i32;
type CreateContext = unsafe extern "C" fn(
    *const isize,
    u32,
    *const Handle,
    *const c_void,
    *const c_void,
    *mut i32,
) -> Handle;
type CreateQueue = unsafe extern "C" fn(Handle, Handle, u64, *mut i32) -> Handle;
type CreateProgram =
    unsafe extern "C" fn(Handle, u32, *const *const c_char, *const usize, *mut i32) -> Handle;
type BuildProgram = unsafe extern "C" fn(
    Handle,
    u32,
    *const Handle,
    *const c_char,
    *const c_void,
    *const c_void,
) -> i32;
type GetBuildInfo =
    unsafe extern "C" fn(Handle, Handle, u32, usize, *mut c_void, *mut usize) -> i32;
type CreateKernel = unsafe extern "C" fn(Handle, *const c_char, *mut i32) -> Handle;
type SetArgument = unsafe extern "C" fn(Handle, u32, usize, *const c_void) -> i32;
type CreateBuffer = unsafe extern "C" fn(Handle, u64, usize, *const c_void, *mut i32) -> Handle;
type WriteBuffer = unsafe extern "C" fn(
    Handle,
    Handle,
    u32,
    usize,
    usize,
    *const c_void,
    u32,
    *const Handle,
    *mut Handle,
) -> i32;
type ReadBuffer = unsafe extern "C" fn(
    Handle,
    Handle,
    u32,
    usize,
    usize,
    *mut c_void,
    u32,
    *const Handle,
    *mut Handle,
) -> i32;
type Enqueue = unsafe extern "C" fn(
    Handle,
    Handle,
    u32,
    *const usize,
    *const usize,
    *const usize,
    u32,
    *const Handle,
    *mut Handle,
) -> i32;
type Finish = unsafe extern "C" fn(Handle) -> i32;

/// PoCL's device, with a queue and the kernels built for it.
pub struct Pocl {
    library: Library,
    context: Handle,
    queue: Handle,
    program: Handle,
}

/// An argument of a kernel.
#[derive(Clone, Copy)]
enum Argument {
    Buffer(Handle),
    Word(u32),
    Single(f32),
    Double(f64),
}

fn succeeded(what: &str, status: i32) {
    assert!(status == 0, "{what}: OpenCL's error {status}");
}

fn call<'l, T>(library: &'l Library, name: &str) -> Result<Symbol<'l, T>, String> {
    // The types above are the functions' own.
    unsafe { library.get(name) }.map_err(|_| format!("OpenCL's library has no {name}"))
}

/// The platform of PoCL.
fn platform(library: &Library) -> Result<Handle, String> {
    let none = || format!("no OpenCL platform is named {PLATFORM}");
    let platforms = call::<GetPlatforms>(library, "clGetPlatformIDs")?;
    let info = call::<GetPlatformInfo>(library, "clGetPlatformInfo")?;
    let mut count = 0;
    let mut found = [null_mut(); 16];
    if unsafe { platforms(16, found.as_mut_ptr(), &raw mut count) } != 0 {
        return Err(none());
    }
    found
        .into_iter()
        .take(count as usize)
        .find(|platform| {
            let mut name = [0u8; 256];
            let mut bytes = 0;
            let place = name.as_mut_ptr().cast();
            let status = unsafe { info(*platform, NAME, name.len(), place, &raw mut bytes) };
            // The name ends with a zero.
            status == 0 && name.get(..bytes.saturating_sub(1)) == Some(PLATFORM.as_bytes())
        })
        .ok_or_else(none)
}

impl Pocl {
    /// Finds PoCL and builds the kernels, or says why there is none.
    pub fn open() -> Result<Pocl, String> {
        let found = ["libOpenCL.so.1", "libOpenCL.so"]
            .into_iter()
            // What the library does when it is loaded is trusted as that of any program's is.
            .find_map(|name| unsafe { Library::new(name) }.ok());
        let library = found.ok_or("there is no libOpenCL.so.1")?;
        let platform = platform(&library)?;
        let (mut device, mut count, mut status) = (null_mut(), 0, 0);
        let devices = call::<GetDevices>(&library, "clGetDeviceIDs")?;
        let found = unsafe { devices(platform, CPU, 1, &raw mut device, &raw mut count) };
        if found != 0 || count == 0 {
            return Err(format!("{PLATFORM} has no processor"));
        }
        let context = call::<CreateContext>(&library, "clCreateContext")?;
        let context = unsafe {
            context(
                null(),
                1,
                &raw const device,
                null(),
                null(),
                &raw mut status,
            )
        };
        succeeded("clCreateContext", status);
        let queue = call::<CreateQueue>(&library, "clCreateCommandQueue")?;
        let queue = unsafe { queue(context, device, 0, &raw mut status) };
        succeeded("clCreateCommandQueue", status);
        let create = call::<CreateProgram>(&library, "clCreateProgramWithSource")?;
        let (text, length) = (SOURCE.as_ptr().cast::<c_char>(), SOURCE.len());
        let program = unsafe {
            create(
                context,
                1,
                &raw const text,
                &raw const length,
                &raw mut status,
            )
        };
        succeeded("clCreateProgramWithSource", status);
        let build = call::<BuildProgram>(&library, "clBuildProgram")?;
        let status = unsafe { build(program, 1, &raw const device, null(), null(), null()) };
        if status != 0 {
            let info = call::<GetBuildInfo>(&library, "clGetProgramBuildInfo")?;
            let mut log = vec![0u8; 16 << 10];
            let place = log.as_mut_ptr().cast();
            let mut bytes = 0;
            unsafe { info(program, device, BUILD_LOG, log.len(), place, &raw mut bytes) };
            panic!(
                "PoCL refuses the kernels: {}",
                String::from_utf8_lossy(&log)
            );
        }
        Ok(Pocl {
            library,
            context,
            queue,
            program,
        })
    }

    fn function<T>(&self, name: &str) -> Symbol<'_, T> {
        call(&self.library, name).unwrap()
    }

    fn floats(&self, count: usize) -> Handle {
        let create = self.function::<CreateBuffer>("clCreateBuffer");
        let mut status = 0;
        let buffer =
            unsafe { create(self.context, READ_WRITE, 4 * count, null(), &raw mut status) };
        succeeded("clCreateBuffer", status);
        let values = bytes(count);
        let write = self.function::<WriteBuffer>("clEnqueueWriteBuffer");
        let from = values.as_ptr().cast();
        let status = unsafe {
            write(
                self.queue,
                buffer,
                BLOCKING,
                0,
                values.len(),
                from,
                0,
                null(),
                null_mut(),
            )
        };
        succeeded("clEnqueueWriteBuffer", status);
        buffer
    }

    fn read(&self, buffer: Handle, bytes: usize) -> Vec<u8> {
        let mut values = vec![0; bytes];
        let read = self.function::<ReadBuffer>("clEnqueueReadBuffer");
        let into = values.as_mut_ptr().cast();
        let status = unsafe {
            read(
                self.queue,
                buffer,
                BLOCKING,
                0,
                bytes,
                into,
                0,
                null(),
                null_mut(),
            )
        };
        succeeded("clEnqueueReadBuffer", status);
        values
    }

    fn kernel(&self, name: &str, arguments: &[Argument]) -> Handle {
        let create = self.function::<CreateKernel>("clCreateKernel");
        let text = CString::new(name).unwrap();
        let mut status = 0;
        let kernel = unsafe { create(self.program, text.as_ptr(), &raw mut status) };
        succeeded(name, status);
        let set = self.function::<SetArgument>("clSetKernelArg");
        for (place, argument) in (0..).zip(arguments) {
            let (bytes, value) = match argument {
                Argument::Buffer(handle) => (size_of::<Handle>(), (&raw const *handle).cast()),
                Argument::Word(word) => (4, (&raw const *word).cast()),
                Argument::Single(single) => (4, (&raw const *single).cast()),
                Argument::Double(double) => (8, (&raw const *double).cast()),
            };
            succeeded(name, unsafe { set(kernel, place, bytes, value) });
        }
        kernel
    }

    /// Seconds, the best of some rounds, from the launch's call to the end of the queue.
    pub fn measure(&self, kernel: Kernel, sizes: &Sizes) -> f64 {
        use Argument::{Buffer, Double, Single, Word};
        let count = sizes.elements(kernel);
        let n = sizes.matrix;
        let (a, b, c) = (self.floats(count), self.floats(count), self.floats(count));
        let size = Word(count as u32);
        let side = Word(n as u32);
        let factors = [Buffer(c), Buffer(a), Buffer(b)];
        let (name, arguments, global, block) = match kernel {
            Kernel::AddMemory | Kernel::AddCache => {
                let arguments = vec![Buffer(a), Buffer(b), Buffer(c), size];
                ("vector_add", arguments, [count, 1], [256, 1])
            }
            Kernel::SaxpyMemory | Kernel::SaxpyCache => {
                let arguments = vec![Buffer(c), Buffer(a), Single(2.0), size];
                ("saxpy", arguments, [count, 1], [256, 1])
            }
            Kernel::Naive | Kernel::Tiled => {
                let naive = kernel == Kernel::Naive;
                let name = if naive {
                    "matmul_naive"
                } else {
                    "matmul_tiled"
                };
                let mut arguments = factors.to_vec();
                arguments.extend([side; 3]);
                (name, arguments, [n, n], [16, 16])
            }
            Kernel::Registers | Kernel::RowByRow => {
                let mut arguments = factors.to_vec();
                arguments.push(side);
                ("matmul_registers", arguments, [2 * n, n / 32], [64, 1])
            }
            Kernel::Mandelbrot => {
                let (width, height) = (sizes.width, sizes.height);
                let arguments = vec![
                    Buffer(c),
                    Word(width as u32),
                    Word(height as u32),
                    Double(VIEW.left),
                    Double(VIEW.top),
                    Double(VIEW.step(height)),
                    Word(VIEW.most),
                ];
                ("mandelbrot", arguments, [width, height], [32, 8])
            }
            _ => unreachable!("no kernel in OpenCL C is measured that there is none of"),
        };
        let entry = self.kernel(name, &arguments);
        let enqueue = self.function::<Enqueue>("clEnqueueNDRangeKernel");
        let finish = self.function::<Finish>("clFinish");
        let (global, block): ([usize; 2], [usize; 2]) = (global, block);
        let mut best = f64::INFINITY;
        // One more: with the first, PoCL compiles for this size of blocks.
        for _ in 0..=sizes.rounds {
            let began = Instant::now();
            let (sizes, blocks) = (global.as_ptr(), block.as_ptr());
            let status = unsafe {
                enqueue(
                    self.queue,
                    entry,
                    2,
                    null(),
                    sizes,
                    blocks,
                    0,
                    null(),
                    null_mut(),
                )
            };
            succeeded(name, status);
            succeeded(name, unsafe { finish(self.queue) });
            best = best.min(began.elapsed().as_secs_f64());
        }
        sizes.check(kernel, &self.read(c, 4 * count));
        best
    }
}
