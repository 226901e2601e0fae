// Written by `cargo xtask wit`, with wit-bindgen 0.61.1, of wit/tensor.wit with the hash b07bd05c68b6933d.

#[allow(dead_code, clippy::all)]
pub mod tensor {
    pub mod gpu {
        /// Compute kernels on a device that the host grants.
        ///
        /// Importing this interface requests the GPU capability. A host that does not
        /// grant it either refuses to load the component, and names this import, or
        /// returns `error.denied` from every call.
        ///
        /// Kernels are PTX text. The host parses and checks every module itself,
        /// whatever the device, so the same component runs on an NVIDIA device and on
        /// the host's processor.
        #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
        pub mod kernels {
            #[used]
            #[doc(hidden)]
            static __FORCE_SECTION_REF: fn() = super::super::super::__link_custom_section_describing_imports;
            use super::super::super::_rt;
            /// A size in three dimensions: of a grid, in blocks, or of a block, in threads.
            /// In `fault`, the index of a block or a thread, from 0.
            #[repr(C)]
            #[derive(Clone, Copy)]
            pub struct Extent {
                pub x: u32,
                pub y: u32,
                pub z: u32,
            }
            impl ::core::fmt::Debug for Extent {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("Extent")
                        .field("x", &self.x)
                        .field("y", &self.y)
                        .field("z", &self.z)
                        .finish()
                }
            }
            /// An error in a module's text. Lines and columns count from 1.
            #[derive(Clone)]
            pub struct Diagnostic {
                pub line: u32,
                pub column: u32,
                pub message: _rt::String,
            }
            impl ::core::fmt::Debug for Diagnostic {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("Diagnostic")
                        .field("line", &self.line)
                        .field("column", &self.column)
                        .field("message", &self.message)
                        .finish()
                }
            }
            /// A failure that the code of a running kernel caused.
            #[derive(Clone)]
            pub struct Fault {
                pub kernel: _rt::String,
                /// The index of the block and the thread that caused it, if the device
                /// reports them.
                pub block: ::core::option::Option<Extent>,
                pub thread: ::core::option::Option<Extent>,
                /// The line of the module's text, from 1, if the device reports it.
                pub line: ::core::option::Option<u32>,
                pub message: _rt::String,
            }
            impl ::core::fmt::Debug for Fault {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("Fault")
                        .field("kernel", &self.kernel)
                        .field("block", &self.block)
                        .field("thread", &self.thread)
                        .field("line", &self.line)
                        .field("message", &self.message)
                        .finish()
                }
            }
            /// A limit of the tenant's grant that a call would exceed.
            #[derive(Clone)]
            pub struct Quota {
                /// What is limited, for example `memory bytes`.
                pub resource_name: _rt::String,
                /// The limit, in the unit of the resource.
                pub limit: u64,
                /// The total that the call would reach, in the same unit.
                pub requested: u64,
            }
            impl ::core::fmt::Debug for Quota {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("Quota")
                        .field("resource-name", &self.resource_name)
                        .field("limit", &self.limit)
                        .field("requested", &self.requested)
                        .finish()
                }
            }
            /// Why a call failed. A call that fails has no effect.
            #[derive(Clone)]
            pub enum Error {
                /// The grant does not cover this call.
                Denied(_rt::String),
                /// No device can be opened, or the device was lost with everything on it.
                DeviceLost(_rt::String),
                /// The call would exceed a limit of the tenant.
                QuotaExceeded(Quota),
                /// The device is full, though the tenant's limit is not reached. The
                /// number of bytes that were requested; 0 where the device's driver needs
                /// memory for itself, and does not say how much.
                OutOfMemory(u64),
                /// The module has errors, or cannot run on this device.
                InvalidModule(_rt::Vec<Diagnostic>),
                /// The module has no kernel (`.entry`) with this name. The string has the name, and
                /// the names of the kernels that the module has.
                UnknownKernel(_rt::String),
                /// The arguments do not match the kernel's parameters, the extents exceed a
                /// limit of the kernel or the device, or the shapes of an operation of
                /// `linear-algebra` do not fit each other.
                InvalidLaunch(_rt::String),
                /// The range is not within the buffer.
                OutOfRange(_rt::String),
                /// A kernel of this queue failed.
                Fault(Fault),
                /// A kernel of this queue exceeded the time limit of the grant.
                DeadlineExceeded(_rt::String),
            }
            impl ::core::fmt::Debug for Error {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    match self {
                        Error::Denied(e) => {
                            f.debug_tuple("Error::Denied").field(e).finish()
                        }
                        Error::DeviceLost(e) => {
                            f.debug_tuple("Error::DeviceLost").field(e).finish()
                        }
                        Error::QuotaExceeded(e) => {
                            f.debug_tuple("Error::QuotaExceeded").field(e).finish()
                        }
                        Error::OutOfMemory(e) => {
                            f.debug_tuple("Error::OutOfMemory").field(e).finish()
                        }
                        Error::InvalidModule(e) => {
                            f.debug_tuple("Error::InvalidModule").field(e).finish()
                        }
                        Error::UnknownKernel(e) => {
                            f.debug_tuple("Error::UnknownKernel").field(e).finish()
                        }
                        Error::InvalidLaunch(e) => {
                            f.debug_tuple("Error::InvalidLaunch").field(e).finish()
                        }
                        Error::OutOfRange(e) => {
                            f.debug_tuple("Error::OutOfRange").field(e).finish()
                        }
                        Error::Fault(e) => {
                            f.debug_tuple("Error::Fault").field(e).finish()
                        }
                        Error::DeadlineExceeded(e) => {
                            f.debug_tuple("Error::DeadlineExceeded").field(e).finish()
                        }
                    }
                }
            }
            impl ::core::fmt::Display for Error {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    write!(f, "{:?}", self)
                }
            }
            impl ::core::error::Error for Error {}
            #[repr(u8)]
            #[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
            pub enum Backend {
                Cpu,
                Cuda,
            }
            impl ::core::fmt::Debug for Backend {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    match self {
                        Backend::Cpu => f.debug_tuple("Backend::Cpu").finish(),
                        Backend::Cuda => f.debug_tuple("Backend::Cuda").finish(),
                    }
                }
            }
            impl Backend {
                #[doc(hidden)]
                pub unsafe fn _lift(val: u8) -> Backend {
                    if !cfg!(debug_assertions) {
                        return unsafe { ::core::mem::transmute(val) };
                    }
                    match val {
                        0 => Backend::Cpu,
                        1 => Backend::Cuda,
                        _ => panic!("invalid enum discriminant"),
                    }
                }
            }
            #[derive(Clone)]
            pub struct DeviceInfo {
                pub name: _rt::String,
                pub backend: Backend,
                /// The newest PTX target that modules may name, for example 90 for `sm_90`.
                pub target: u32,
                /// How many blocks run in parallel, at least.
                pub multiprocessors: u32,
                /// Threads in a warp.
                pub warp_size: u32,
                pub max_threads_per_block: u32,
                /// In bytes, per block.
                pub max_shared_memory: u32,
                /// In bytes: device memory that the tenant may hold, and that it holds now.
                pub memory_limit: u64,
                pub memory_used: u64,
            }
            impl ::core::fmt::Debug for DeviceInfo {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("DeviceInfo")
                        .field("name", &self.name)
                        .field("backend", &self.backend)
                        .field("target", &self.target)
                        .field("multiprocessors", &self.multiprocessors)
                        .field("warp-size", &self.warp_size)
                        .field("max-threads-per-block", &self.max_threads_per_block)
                        .field("max-shared-memory", &self.max_shared_memory)
                        .field("memory-limit", &self.memory_limit)
                        .field("memory-used", &self.memory_used)
                        .finish()
                }
            }
            /// The device that the host grants to this component's tenant.
            #[derive(Debug)]
            #[repr(transparent)]
            pub struct Device {
                handle: _rt::Resource<Device>,
            }
            impl Device {
                #[doc(hidden)]
                pub unsafe fn from_handle(handle: u32) -> Self {
                    Self {
                        handle: unsafe { _rt::Resource::from_handle(handle) },
                    }
                }
                #[doc(hidden)]
                pub fn take_handle(&self) -> u32 {
                    _rt::Resource::take_handle(&self.handle)
                }
                #[doc(hidden)]
                pub fn handle(&self) -> u32 {
                    _rt::Resource::handle(&self.handle)
                }
            }
            unsafe impl _rt::WasmResource for Device {
                #[inline]
                unsafe fn drop(_handle: u32) {
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "[resource-drop]device"]
                        fn drop(_: i32);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn drop(_: i32) {
                        unreachable!()
                    }
                    unsafe {
                        drop(_handle as i32);
                    }
                }
            }
            /// Memory on a device. Dropping the handle frees the memory once the queued
            /// commands that use it are done.
            #[derive(Debug)]
            #[repr(transparent)]
            pub struct Buffer {
                handle: _rt::Resource<Buffer>,
            }
            impl Buffer {
                #[doc(hidden)]
                pub unsafe fn from_handle(handle: u32) -> Self {
                    Self {
                        handle: unsafe { _rt::Resource::from_handle(handle) },
                    }
                }
                #[doc(hidden)]
                pub fn take_handle(&self) -> u32 {
                    _rt::Resource::take_handle(&self.handle)
                }
                #[doc(hidden)]
                pub fn handle(&self) -> u32 {
                    _rt::Resource::handle(&self.handle)
                }
            }
            unsafe impl _rt::WasmResource for Buffer {
                #[inline]
                unsafe fn drop(_handle: u32) {
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "[resource-drop]buffer"]
                        fn drop(_: i32);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn drop(_: i32) {
                        unreachable!()
                    }
                    unsafe {
                        drop(_handle as i32);
                    }
                }
            }
            /// The type of a kernel parameter, as the module declares it.
            #[derive(Clone, Copy)]
            pub enum Parameter {
                U8,
                U16,
                U32,
                U64,
                S8,
                S16,
                S32,
                S64,
                F16,
                Bf16,
                F32,
                F64,
                /// A structure or an array that is passed by value: size and alignment,
                /// in bytes.
                Bytes((u32, u32)),
            }
            impl ::core::fmt::Debug for Parameter {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    match self {
                        Parameter::U8 => f.debug_tuple("Parameter::U8").finish(),
                        Parameter::U16 => f.debug_tuple("Parameter::U16").finish(),
                        Parameter::U32 => f.debug_tuple("Parameter::U32").finish(),
                        Parameter::U64 => f.debug_tuple("Parameter::U64").finish(),
                        Parameter::S8 => f.debug_tuple("Parameter::S8").finish(),
                        Parameter::S16 => f.debug_tuple("Parameter::S16").finish(),
                        Parameter::S32 => f.debug_tuple("Parameter::S32").finish(),
                        Parameter::S64 => f.debug_tuple("Parameter::S64").finish(),
                        Parameter::F16 => f.debug_tuple("Parameter::F16").finish(),
                        Parameter::Bf16 => f.debug_tuple("Parameter::Bf16").finish(),
                        Parameter::F32 => f.debug_tuple("Parameter::F32").finish(),
                        Parameter::F64 => f.debug_tuple("Parameter::F64").finish(),
                        Parameter::Bytes(e) => {
                            f.debug_tuple("Parameter::Bytes").field(e).finish()
                        }
                    }
                }
            }
            /// A compiled module.
            #[derive(Debug)]
            #[repr(transparent)]
            pub struct Module {
                handle: _rt::Resource<Module>,
            }
            impl Module {
                #[doc(hidden)]
                pub unsafe fn from_handle(handle: u32) -> Self {
                    Self {
                        handle: unsafe { _rt::Resource::from_handle(handle) },
                    }
                }
                #[doc(hidden)]
                pub fn take_handle(&self) -> u32 {
                    _rt::Resource::take_handle(&self.handle)
                }
                #[doc(hidden)]
                pub fn handle(&self) -> u32 {
                    _rt::Resource::handle(&self.handle)
                }
            }
            unsafe impl _rt::WasmResource for Module {
                #[inline]
                unsafe fn drop(_handle: u32) {
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "[resource-drop]module"]
                        fn drop(_: i32);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn drop(_: i32) {
                        unreachable!()
                    }
                    unsafe {
                        drop(_handle as i32);
                    }
                }
            }
            /// A kernel of a module. It stays valid when the module is dropped.
            #[derive(Debug)]
            #[repr(transparent)]
            pub struct Kernel {
                handle: _rt::Resource<Kernel>,
            }
            impl Kernel {
                #[doc(hidden)]
                pub unsafe fn from_handle(handle: u32) -> Self {
                    Self {
                        handle: unsafe { _rt::Resource::from_handle(handle) },
                    }
                }
                #[doc(hidden)]
                pub fn take_handle(&self) -> u32 {
                    _rt::Resource::take_handle(&self.handle)
                }
                #[doc(hidden)]
                pub fn handle(&self) -> u32 {
                    _rt::Resource::handle(&self.handle)
                }
            }
            unsafe impl _rt::WasmResource for Kernel {
                #[inline]
                unsafe fn drop(_handle: u32) {
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "[resource-drop]kernel"]
                        fn drop(_: i32);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn drop(_: i32) {
                        unreachable!()
                    }
                    unsafe {
                        drop(_handle as i32);
                    }
                }
            }
            /// An argument of a launch. Its type must be that of the parameter, with two
            /// exceptions: the signedness of an integer does not matter, because compilers
            /// do not preserve it (they declare an `int` as `.u32`), and a `pointer` matches
            /// any parameter of 64 bits.
            pub enum Argument<'a> {
                /// The address of a buffer, plus an offset in bytes.
                Pointer((&'a Buffer, u64)),
                U8(u8),
                U16(u16),
                U32(u32),
                U64(u64),
                S8(i8),
                S16(i16),
                S32(i32),
                S64(i64),
                /// The bits of an IEEE 754 half-precision number, and of a bfloat16.
                F16(u16),
                Bf16(u16),
                F32(f32),
                F64(f64),
                Bytes(_rt::Vec<u8>),
            }
            impl<'a> ::core::fmt::Debug for Argument<'a> {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    match self {
                        Argument::Pointer(e) => {
                            f.debug_tuple("Argument::Pointer").field(e).finish()
                        }
                        Argument::U8(e) => {
                            f.debug_tuple("Argument::U8").field(e).finish()
                        }
                        Argument::U16(e) => {
                            f.debug_tuple("Argument::U16").field(e).finish()
                        }
                        Argument::U32(e) => {
                            f.debug_tuple("Argument::U32").field(e).finish()
                        }
                        Argument::U64(e) => {
                            f.debug_tuple("Argument::U64").field(e).finish()
                        }
                        Argument::S8(e) => {
                            f.debug_tuple("Argument::S8").field(e).finish()
                        }
                        Argument::S16(e) => {
                            f.debug_tuple("Argument::S16").field(e).finish()
                        }
                        Argument::S32(e) => {
                            f.debug_tuple("Argument::S32").field(e).finish()
                        }
                        Argument::S64(e) => {
                            f.debug_tuple("Argument::S64").field(e).finish()
                        }
                        Argument::F16(e) => {
                            f.debug_tuple("Argument::F16").field(e).finish()
                        }
                        Argument::Bf16(e) => {
                            f.debug_tuple("Argument::Bf16").field(e).finish()
                        }
                        Argument::F32(e) => {
                            f.debug_tuple("Argument::F32").field(e).finish()
                        }
                        Argument::F64(e) => {
                            f.debug_tuple("Argument::F64").field(e).finish()
                        }
                        Argument::Bytes(e) => {
                            f.debug_tuple("Argument::Bytes").field(e).finish()
                        }
                    }
                }
            }
            #[repr(C)]
            #[derive(Clone, Copy)]
            pub struct LaunchConfig {
                /// The size of the grid, in blocks.
                pub grid: Extent,
                /// The size of each block, in threads.
                pub block: Extent,
                /// Dynamic shared memory, in bytes per block.
                pub shared_memory: u32,
            }
            impl ::core::fmt::Debug for LaunchConfig {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("LaunchConfig")
                        .field("grid", &self.grid)
                        .field("block", &self.block)
                        .field("shared-memory", &self.shared_memory)
                        .finish()
                }
            }
            /// Commands that the device executes in order. Different queues run
            /// concurrently. A queue is what CUDA calls a stream.
            ///
            /// `write`, `copy`, `fill`, `launch` and `record-event` queue a command, and
            /// return at once. But at the tenant's limit of commands in flight or of staged
            /// bytes, they suspend the guest until there is room. `read`, `synchronize` and
            /// `event.wait` wait for the device, and suspend the guest until then.
            ///
            /// If a queued command fails, the next call on the queue that waits returns
            /// its error, and the commands queued behind it are dropped. After that the
            /// queue can be used again. Queued commands are executed even if the handle
            /// of the queue is dropped, but not if the instance ends.
            #[derive(Debug)]
            #[repr(transparent)]
            pub struct Queue {
                handle: _rt::Resource<Queue>,
            }
            impl Queue {
                #[doc(hidden)]
                pub unsafe fn from_handle(handle: u32) -> Self {
                    Self {
                        handle: unsafe { _rt::Resource::from_handle(handle) },
                    }
                }
                #[doc(hidden)]
                pub fn take_handle(&self) -> u32 {
                    _rt::Resource::take_handle(&self.handle)
                }
                #[doc(hidden)]
                pub fn handle(&self) -> u32 {
                    _rt::Resource::handle(&self.handle)
                }
            }
            unsafe impl _rt::WasmResource for Queue {
                #[inline]
                unsafe fn drop(_handle: u32) {
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "[resource-drop]queue"]
                        fn drop(_: i32);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn drop(_: i32) {
                        unreachable!()
                    }
                    unsafe {
                        drop(_handle as i32);
                    }
                }
            }
            /// A point in a queue.
            #[derive(Debug)]
            #[repr(transparent)]
            pub struct Event {
                handle: _rt::Resource<Event>,
            }
            impl Event {
                #[doc(hidden)]
                pub unsafe fn from_handle(handle: u32) -> Self {
                    Self {
                        handle: unsafe { _rt::Resource::from_handle(handle) },
                    }
                }
                #[doc(hidden)]
                pub fn take_handle(&self) -> u32 {
                    _rt::Resource::take_handle(&self.handle)
                }
                #[doc(hidden)]
                pub fn handle(&self) -> u32 {
                    _rt::Resource::handle(&self.handle)
                }
            }
            unsafe impl _rt::WasmResource for Event {
                #[inline]
                unsafe fn drop(_handle: u32) {
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "[resource-drop]event"]
                        fn drop(_: i32);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn drop(_: i32) {
                        unreachable!()
                    }
                    unsafe {
                        drop(_handle as i32);
                    }
                }
            }
            impl Device {
                #[allow(unused_unsafe, clippy::all)]
                #[allow(async_fn_in_trait)]
                pub fn open() -> ::core::result::Result<Device, Error> {
                    unsafe {
                        #[repr(align(8))]
                        struct RetArea(
                            [::core::mem::MaybeUninit<
                                u8,
                            >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let mut ret_area = RetArea(
                            [::core::mem::MaybeUninit::uninit(); 56
                                + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[static]device.open"]
                            fn wit_import1(_: *mut u8);
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import1(_: *mut u8) {
                            unreachable!()
                        }
                        wit_import1(ptr0);
                        let l2 = i32::from(*ptr0.add(0).cast::<u8>());
                        let result54 = match l2 {
                            0 => {
                                let e = {
                                    let l3 = *ptr0.add(8).cast::<i32>();
                                    Device::from_handle(l3 as u32)
                                };
                                Ok(e)
                            }
                            1 => {
                                let e = {
                                    let l4 = i32::from(*ptr0.add(8).cast::<u8>());
                                    let v53 = match l4 {
                                        0 => {
                                            let e53 = {
                                                let l5 = *ptr0.add(16).cast::<*mut u8>();
                                                let l6 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len7 = l6;
                                                let bytes7 = _rt::Vec::from_raw_parts(
                                                    l5.cast(),
                                                    len7,
                                                    len7,
                                                );
                                                _rt::string_lift(bytes7)
                                            };
                                            Error::Denied(e53)
                                        }
                                        1 => {
                                            let e53 = {
                                                let l8 = *ptr0.add(16).cast::<*mut u8>();
                                                let l9 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len10 = l9;
                                                let bytes10 = _rt::Vec::from_raw_parts(
                                                    l8.cast(),
                                                    len10,
                                                    len10,
                                                );
                                                _rt::string_lift(bytes10)
                                            };
                                            Error::DeviceLost(e53)
                                        }
                                        2 => {
                                            let e53 = {
                                                let l11 = *ptr0.add(16).cast::<*mut u8>();
                                                let l12 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len13 = l12;
                                                let bytes13 = _rt::Vec::from_raw_parts(
                                                    l11.cast(),
                                                    len13,
                                                    len13,
                                                );
                                                let l14 = *ptr0
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                let l15 = *ptr0
                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                Quota {
                                                    resource_name: _rt::string_lift(bytes13),
                                                    limit: l14 as u64,
                                                    requested: l15 as u64,
                                                }
                                            };
                                            Error::QuotaExceeded(e53)
                                        }
                                        3 => {
                                            let e53 = {
                                                let l16 = *ptr0.add(16).cast::<i64>();
                                                l16 as u64
                                            };
                                            Error::OutOfMemory(e53)
                                        }
                                        4 => {
                                            let e53 = {
                                                let l17 = *ptr0.add(16).cast::<*mut u8>();
                                                let l18 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let base24 = l17;
                                                let len24 = l18;
                                                let mut result24 = _rt::Vec::with_capacity(len24);
                                                for i in 0..len24 {
                                                    let base = base24
                                                        .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                    let e24 = {
                                                        let l19 = *base.add(0).cast::<i32>();
                                                        let l20 = *base.add(4).cast::<i32>();
                                                        let l21 = *base.add(8).cast::<*mut u8>();
                                                        let l22 = *base
                                                            .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        let len23 = l22;
                                                        let bytes23 = _rt::Vec::from_raw_parts(
                                                            l21.cast(),
                                                            len23,
                                                            len23,
                                                        );
                                                        Diagnostic {
                                                            line: l19 as u32,
                                                            column: l20 as u32,
                                                            message: _rt::string_lift(bytes23),
                                                        }
                                                    };
                                                    result24.push(e24);
                                                }
                                                _rt::cabi_dealloc(
                                                    base24,
                                                    len24 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                    ::core::mem::size_of::<*const u8>(),
                                                );
                                                result24
                                            };
                                            Error::InvalidModule(e53)
                                        }
                                        5 => {
                                            let e53 = {
                                                let l25 = *ptr0.add(16).cast::<*mut u8>();
                                                let l26 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len27 = l26;
                                                let bytes27 = _rt::Vec::from_raw_parts(
                                                    l25.cast(),
                                                    len27,
                                                    len27,
                                                );
                                                _rt::string_lift(bytes27)
                                            };
                                            Error::UnknownKernel(e53)
                                        }
                                        6 => {
                                            let e53 = {
                                                let l28 = *ptr0.add(16).cast::<*mut u8>();
                                                let l29 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len30 = l29;
                                                let bytes30 = _rt::Vec::from_raw_parts(
                                                    l28.cast(),
                                                    len30,
                                                    len30,
                                                );
                                                _rt::string_lift(bytes30)
                                            };
                                            Error::InvalidLaunch(e53)
                                        }
                                        7 => {
                                            let e53 = {
                                                let l31 = *ptr0.add(16).cast::<*mut u8>();
                                                let l32 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len33 = l32;
                                                let bytes33 = _rt::Vec::from_raw_parts(
                                                    l31.cast(),
                                                    len33,
                                                    len33,
                                                );
                                                _rt::string_lift(bytes33)
                                            };
                                            Error::OutOfRange(e53)
                                        }
                                        8 => {
                                            let e53 = {
                                                let l34 = *ptr0.add(16).cast::<*mut u8>();
                                                let l35 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len36 = l35;
                                                let bytes36 = _rt::Vec::from_raw_parts(
                                                    l34.cast(),
                                                    len36,
                                                    len36,
                                                );
                                                let l37 = i32::from(
                                                    *ptr0
                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l41 = i32::from(
                                                    *ptr0
                                                        .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l45 = i32::from(
                                                    *ptr0
                                                        .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l47 = *ptr0
                                                    .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l48 = *ptr0
                                                    .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len49 = l48;
                                                let bytes49 = _rt::Vec::from_raw_parts(
                                                    l47.cast(),
                                                    len49,
                                                    len49,
                                                );
                                                Fault {
                                                    kernel: _rt::string_lift(bytes36),
                                                    block: match l37 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l38 = *ptr0
                                                                    .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l39 = *ptr0
                                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l40 = *ptr0
                                                                    .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l38 as u32,
                                                                    y: l39 as u32,
                                                                    z: l40 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    thread: match l41 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l42 = *ptr0
                                                                    .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l43 = *ptr0
                                                                    .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l44 = *ptr0
                                                                    .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l42 as u32,
                                                                    y: l43 as u32,
                                                                    z: l44 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    line: match l45 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l46 = *ptr0
                                                                    .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                l46 as u32
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    message: _rt::string_lift(bytes49),
                                                }
                                            };
                                            Error::Fault(e53)
                                        }
                                        n => {
                                            debug_assert_eq!(n, 9, "invalid enum discriminant");
                                            let e53 = {
                                                let l50 = *ptr0.add(16).cast::<*mut u8>();
                                                let l51 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len52 = l51;
                                                let bytes52 = _rt::Vec::from_raw_parts(
                                                    l50.cast(),
                                                    len52,
                                                    len52,
                                                );
                                                _rt::string_lift(bytes52)
                                            };
                                            Error::DeadlineExceeded(e53)
                                        }
                                    };
                                    v53
                                };
                                Err(e)
                            }
                            _ => _rt::invalid_enum_discriminant(),
                        };
                        result54
                    }
                }
            }
            impl Device {
                #[allow(unused_unsafe, clippy::all)]
                #[allow(async_fn_in_trait)]
                pub fn info(&self) -> DeviceInfo {
                    unsafe {
                        #[repr(align(8))]
                        struct RetArea(
                            [::core::mem::MaybeUninit<
                                u8,
                            >; 40 + 2 * ::core::mem::size_of::<*const u8>()],
                        );
                        let mut ret_area = RetArea(
                            [::core::mem::MaybeUninit::uninit(); 40
                                + 2 * ::core::mem::size_of::<*const u8>()],
                        );
                        let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]device.info"]
                            fn wit_import1(_: i32, _: *mut u8);
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import1(_: i32, _: *mut u8) {
                            unreachable!()
                        }
                        wit_import1((self).handle() as i32, ptr0);
                        let l2 = *ptr0.add(0).cast::<*mut u8>();
                        let l3 = *ptr0
                            .add(::core::mem::size_of::<*const u8>())
                            .cast::<usize>();
                        let len4 = l3;
                        let bytes4 = _rt::Vec::from_raw_parts(l2.cast(), len4, len4);
                        let l5 = i32::from(
                            *ptr0
                                .add(2 * ::core::mem::size_of::<*const u8>())
                                .cast::<u8>(),
                        );
                        let l6 = *ptr0
                            .add(4 + 2 * ::core::mem::size_of::<*const u8>())
                            .cast::<i32>();
                        let l7 = *ptr0
                            .add(8 + 2 * ::core::mem::size_of::<*const u8>())
                            .cast::<i32>();
                        let l8 = *ptr0
                            .add(12 + 2 * ::core::mem::size_of::<*const u8>())
                            .cast::<i32>();
                        let l9 = *ptr0
                            .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                            .cast::<i32>();
                        let l10 = *ptr0
                            .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                            .cast::<i32>();
                        let l11 = *ptr0
                            .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                            .cast::<i64>();
                        let l12 = *ptr0
                            .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                            .cast::<i64>();
                        let result13 = DeviceInfo {
                            name: _rt::string_lift(bytes4),
                            backend: Backend::_lift(l5 as u8),
                            target: l6 as u32,
                            multiprocessors: l7 as u32,
                            warp_size: l8 as u32,
                            max_threads_per_block: l9 as u32,
                            max_shared_memory: l10 as u32,
                            memory_limit: l11 as u64,
                            memory_used: l12 as u64,
                        };
                        result13
                    }
                }
            }
            impl Device {
                #[allow(unused_unsafe, clippy::all)]
                /// Allocates memory on the device, filled with zeros.
                #[allow(async_fn_in_trait)]
                pub fn allocate(
                    &self,
                    bytes: u64,
                ) -> ::core::result::Result<Buffer, Error> {
                    unsafe {
                        #[repr(align(8))]
                        struct RetArea(
                            [::core::mem::MaybeUninit<
                                u8,
                            >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let mut ret_area = RetArea(
                            [::core::mem::MaybeUninit::uninit(); 56
                                + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]device.allocate"]
                            fn wit_import1(_: i32, _: i64, _: *mut u8);
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import1(_: i32, _: i64, _: *mut u8) {
                            unreachable!()
                        }
                        wit_import1((self).handle() as i32, _rt::as_i64(&bytes), ptr0);
                        let l2 = i32::from(*ptr0.add(0).cast::<u8>());
                        let result54 = match l2 {
                            0 => {
                                let e = {
                                    let l3 = *ptr0.add(8).cast::<i32>();
                                    Buffer::from_handle(l3 as u32)
                                };
                                Ok(e)
                            }
                            1 => {
                                let e = {
                                    let l4 = i32::from(*ptr0.add(8).cast::<u8>());
                                    let v53 = match l4 {
                                        0 => {
                                            let e53 = {
                                                let l5 = *ptr0.add(16).cast::<*mut u8>();
                                                let l6 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len7 = l6;
                                                let bytes7 = _rt::Vec::from_raw_parts(
                                                    l5.cast(),
                                                    len7,
                                                    len7,
                                                );
                                                _rt::string_lift(bytes7)
                                            };
                                            Error::Denied(e53)
                                        }
                                        1 => {
                                            let e53 = {
                                                let l8 = *ptr0.add(16).cast::<*mut u8>();
                                                let l9 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len10 = l9;
                                                let bytes10 = _rt::Vec::from_raw_parts(
                                                    l8.cast(),
                                                    len10,
                                                    len10,
                                                );
                                                _rt::string_lift(bytes10)
                                            };
                                            Error::DeviceLost(e53)
                                        }
                                        2 => {
                                            let e53 = {
                                                let l11 = *ptr0.add(16).cast::<*mut u8>();
                                                let l12 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len13 = l12;
                                                let bytes13 = _rt::Vec::from_raw_parts(
                                                    l11.cast(),
                                                    len13,
                                                    len13,
                                                );
                                                let l14 = *ptr0
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                let l15 = *ptr0
                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                Quota {
                                                    resource_name: _rt::string_lift(bytes13),
                                                    limit: l14 as u64,
                                                    requested: l15 as u64,
                                                }
                                            };
                                            Error::QuotaExceeded(e53)
                                        }
                                        3 => {
                                            let e53 = {
                                                let l16 = *ptr0.add(16).cast::<i64>();
                                                l16 as u64
                                            };
                                            Error::OutOfMemory(e53)
                                        }
                                        4 => {
                                            let e53 = {
                                                let l17 = *ptr0.add(16).cast::<*mut u8>();
                                                let l18 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let base24 = l17;
                                                let len24 = l18;
                                                let mut result24 = _rt::Vec::with_capacity(len24);
                                                for i in 0..len24 {
                                                    let base = base24
                                                        .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                    let e24 = {
                                                        let l19 = *base.add(0).cast::<i32>();
                                                        let l20 = *base.add(4).cast::<i32>();
                                                        let l21 = *base.add(8).cast::<*mut u8>();
                                                        let l22 = *base
                                                            .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        let len23 = l22;
                                                        let bytes23 = _rt::Vec::from_raw_parts(
                                                            l21.cast(),
                                                            len23,
                                                            len23,
                                                        );
                                                        Diagnostic {
                                                            line: l19 as u32,
                                                            column: l20 as u32,
                                                            message: _rt::string_lift(bytes23),
                                                        }
                                                    };
                                                    result24.push(e24);
                                                }
                                                _rt::cabi_dealloc(
                                                    base24,
                                                    len24 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                    ::core::mem::size_of::<*const u8>(),
                                                );
                                                result24
                                            };
                                            Error::InvalidModule(e53)
                                        }
                                        5 => {
                                            let e53 = {
                                                let l25 = *ptr0.add(16).cast::<*mut u8>();
                                                let l26 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len27 = l26;
                                                let bytes27 = _rt::Vec::from_raw_parts(
                                                    l25.cast(),
                                                    len27,
                                                    len27,
                                                );
                                                _rt::string_lift(bytes27)
                                            };
                                            Error::UnknownKernel(e53)
                                        }
                                        6 => {
                                            let e53 = {
                                                let l28 = *ptr0.add(16).cast::<*mut u8>();
                                                let l29 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len30 = l29;
                                                let bytes30 = _rt::Vec::from_raw_parts(
                                                    l28.cast(),
                                                    len30,
                                                    len30,
                                                );
                                                _rt::string_lift(bytes30)
                                            };
                                            Error::InvalidLaunch(e53)
                                        }
                                        7 => {
                                            let e53 = {
                                                let l31 = *ptr0.add(16).cast::<*mut u8>();
                                                let l32 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len33 = l32;
                                                let bytes33 = _rt::Vec::from_raw_parts(
                                                    l31.cast(),
                                                    len33,
                                                    len33,
                                                );
                                                _rt::string_lift(bytes33)
                                            };
                                            Error::OutOfRange(e53)
                                        }
                                        8 => {
                                            let e53 = {
                                                let l34 = *ptr0.add(16).cast::<*mut u8>();
                                                let l35 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len36 = l35;
                                                let bytes36 = _rt::Vec::from_raw_parts(
                                                    l34.cast(),
                                                    len36,
                                                    len36,
                                                );
                                                let l37 = i32::from(
                                                    *ptr0
                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l41 = i32::from(
                                                    *ptr0
                                                        .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l45 = i32::from(
                                                    *ptr0
                                                        .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l47 = *ptr0
                                                    .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l48 = *ptr0
                                                    .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len49 = l48;
                                                let bytes49 = _rt::Vec::from_raw_parts(
                                                    l47.cast(),
                                                    len49,
                                                    len49,
                                                );
                                                Fault {
                                                    kernel: _rt::string_lift(bytes36),
                                                    block: match l37 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l38 = *ptr0
                                                                    .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l39 = *ptr0
                                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l40 = *ptr0
                                                                    .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l38 as u32,
                                                                    y: l39 as u32,
                                                                    z: l40 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    thread: match l41 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l42 = *ptr0
                                                                    .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l43 = *ptr0
                                                                    .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l44 = *ptr0
                                                                    .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l42 as u32,
                                                                    y: l43 as u32,
                                                                    z: l44 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    line: match l45 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l46 = *ptr0
                                                                    .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                l46 as u32
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    message: _rt::string_lift(bytes49),
                                                }
                                            };
                                            Error::Fault(e53)
                                        }
                                        n => {
                                            debug_assert_eq!(n, 9, "invalid enum discriminant");
                                            let e53 = {
                                                let l50 = *ptr0.add(16).cast::<*mut u8>();
                                                let l51 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len52 = l51;
                                                let bytes52 = _rt::Vec::from_raw_parts(
                                                    l50.cast(),
                                                    len52,
                                                    len52,
                                                );
                                                _rt::string_lift(bytes52)
                                            };
                                            Error::DeadlineExceeded(e53)
                                        }
                                    };
                                    v53
                                };
                                Err(e)
                            }
                            _ => _rt::invalid_enum_discriminant(),
                        };
                        result54
                    }
                }
            }
            impl Device {
                #[allow(unused_unsafe, clippy::all)]
                /// Compiles a PTX module. The host caches compiled modules by their text:
                /// loading the same text again, in this instance or a later one, does
                /// not compile it again.
                #[allow(async_fn_in_trait)]
                pub fn load(&self, ptx: &[u8]) -> ::core::result::Result<Module, Error> {
                    unsafe {
                        #[repr(align(8))]
                        struct RetArea(
                            [::core::mem::MaybeUninit<
                                u8,
                            >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let mut ret_area = RetArea(
                            [::core::mem::MaybeUninit::uninit(); 56
                                + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let vec0 = ptx;
                        let ptr0 = vec0.as_ptr().cast::<u8>();
                        let len0 = vec0.len();
                        let ptr1 = ret_area.0.as_mut_ptr().cast::<u8>();
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]device.load"]
                            fn wit_import2(_: i32, _: *mut u8, _: usize, _: *mut u8);
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import2(
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                        ) {
                            unreachable!()
                        }
                        wit_import2((self).handle() as i32, ptr0.cast_mut(), len0, ptr1);
                        let l3 = i32::from(*ptr1.add(0).cast::<u8>());
                        let result55 = match l3 {
                            0 => {
                                let e = {
                                    let l4 = *ptr1.add(8).cast::<i32>();
                                    Module::from_handle(l4 as u32)
                                };
                                Ok(e)
                            }
                            1 => {
                                let e = {
                                    let l5 = i32::from(*ptr1.add(8).cast::<u8>());
                                    let v54 = match l5 {
                                        0 => {
                                            let e54 = {
                                                let l6 = *ptr1.add(16).cast::<*mut u8>();
                                                let l7 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len8 = l7;
                                                let bytes8 = _rt::Vec::from_raw_parts(
                                                    l6.cast(),
                                                    len8,
                                                    len8,
                                                );
                                                _rt::string_lift(bytes8)
                                            };
                                            Error::Denied(e54)
                                        }
                                        1 => {
                                            let e54 = {
                                                let l9 = *ptr1.add(16).cast::<*mut u8>();
                                                let l10 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len11 = l10;
                                                let bytes11 = _rt::Vec::from_raw_parts(
                                                    l9.cast(),
                                                    len11,
                                                    len11,
                                                );
                                                _rt::string_lift(bytes11)
                                            };
                                            Error::DeviceLost(e54)
                                        }
                                        2 => {
                                            let e54 = {
                                                let l12 = *ptr1.add(16).cast::<*mut u8>();
                                                let l13 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len14 = l13;
                                                let bytes14 = _rt::Vec::from_raw_parts(
                                                    l12.cast(),
                                                    len14,
                                                    len14,
                                                );
                                                let l15 = *ptr1
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                let l16 = *ptr1
                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                Quota {
                                                    resource_name: _rt::string_lift(bytes14),
                                                    limit: l15 as u64,
                                                    requested: l16 as u64,
                                                }
                                            };
                                            Error::QuotaExceeded(e54)
                                        }
                                        3 => {
                                            let e54 = {
                                                let l17 = *ptr1.add(16).cast::<i64>();
                                                l17 as u64
                                            };
                                            Error::OutOfMemory(e54)
                                        }
                                        4 => {
                                            let e54 = {
                                                let l18 = *ptr1.add(16).cast::<*mut u8>();
                                                let l19 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let base25 = l18;
                                                let len25 = l19;
                                                let mut result25 = _rt::Vec::with_capacity(len25);
                                                for i in 0..len25 {
                                                    let base = base25
                                                        .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                    let e25 = {
                                                        let l20 = *base.add(0).cast::<i32>();
                                                        let l21 = *base.add(4).cast::<i32>();
                                                        let l22 = *base.add(8).cast::<*mut u8>();
                                                        let l23 = *base
                                                            .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        let len24 = l23;
                                                        let bytes24 = _rt::Vec::from_raw_parts(
                                                            l22.cast(),
                                                            len24,
                                                            len24,
                                                        );
                                                        Diagnostic {
                                                            line: l20 as u32,
                                                            column: l21 as u32,
                                                            message: _rt::string_lift(bytes24),
                                                        }
                                                    };
                                                    result25.push(e25);
                                                }
                                                _rt::cabi_dealloc(
                                                    base25,
                                                    len25 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                    ::core::mem::size_of::<*const u8>(),
                                                );
                                                result25
                                            };
                                            Error::InvalidModule(e54)
                                        }
                                        5 => {
                                            let e54 = {
                                                let l26 = *ptr1.add(16).cast::<*mut u8>();
                                                let l27 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len28 = l27;
                                                let bytes28 = _rt::Vec::from_raw_parts(
                                                    l26.cast(),
                                                    len28,
                                                    len28,
                                                );
                                                _rt::string_lift(bytes28)
                                            };
                                            Error::UnknownKernel(e54)
                                        }
                                        6 => {
                                            let e54 = {
                                                let l29 = *ptr1.add(16).cast::<*mut u8>();
                                                let l30 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len31 = l30;
                                                let bytes31 = _rt::Vec::from_raw_parts(
                                                    l29.cast(),
                                                    len31,
                                                    len31,
                                                );
                                                _rt::string_lift(bytes31)
                                            };
                                            Error::InvalidLaunch(e54)
                                        }
                                        7 => {
                                            let e54 = {
                                                let l32 = *ptr1.add(16).cast::<*mut u8>();
                                                let l33 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len34 = l33;
                                                let bytes34 = _rt::Vec::from_raw_parts(
                                                    l32.cast(),
                                                    len34,
                                                    len34,
                                                );
                                                _rt::string_lift(bytes34)
                                            };
                                            Error::OutOfRange(e54)
                                        }
                                        8 => {
                                            let e54 = {
                                                let l35 = *ptr1.add(16).cast::<*mut u8>();
                                                let l36 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len37 = l36;
                                                let bytes37 = _rt::Vec::from_raw_parts(
                                                    l35.cast(),
                                                    len37,
                                                    len37,
                                                );
                                                let l38 = i32::from(
                                                    *ptr1
                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l42 = i32::from(
                                                    *ptr1
                                                        .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l46 = i32::from(
                                                    *ptr1
                                                        .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l48 = *ptr1
                                                    .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l49 = *ptr1
                                                    .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len50 = l49;
                                                let bytes50 = _rt::Vec::from_raw_parts(
                                                    l48.cast(),
                                                    len50,
                                                    len50,
                                                );
                                                Fault {
                                                    kernel: _rt::string_lift(bytes37),
                                                    block: match l38 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l39 = *ptr1
                                                                    .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l40 = *ptr1
                                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l41 = *ptr1
                                                                    .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l39 as u32,
                                                                    y: l40 as u32,
                                                                    z: l41 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    thread: match l42 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l43 = *ptr1
                                                                    .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l44 = *ptr1
                                                                    .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l45 = *ptr1
                                                                    .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l43 as u32,
                                                                    y: l44 as u32,
                                                                    z: l45 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    line: match l46 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l47 = *ptr1
                                                                    .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                l47 as u32
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    message: _rt::string_lift(bytes50),
                                                }
                                            };
                                            Error::Fault(e54)
                                        }
                                        n => {
                                            debug_assert_eq!(n, 9, "invalid enum discriminant");
                                            let e54 = {
                                                let l51 = *ptr1.add(16).cast::<*mut u8>();
                                                let l52 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len53 = l52;
                                                let bytes53 = _rt::Vec::from_raw_parts(
                                                    l51.cast(),
                                                    len53,
                                                    len53,
                                                );
                                                _rt::string_lift(bytes53)
                                            };
                                            Error::DeadlineExceeded(e54)
                                        }
                                    };
                                    v54
                                };
                                Err(e)
                            }
                            _ => _rt::invalid_enum_discriminant(),
                        };
                        result55
                    }
                }
            }
            impl Device {
                #[allow(unused_unsafe, clippy::all)]
                #[allow(async_fn_in_trait)]
                pub fn create_queue(&self) -> ::core::result::Result<Queue, Error> {
                    unsafe {
                        #[repr(align(8))]
                        struct RetArea(
                            [::core::mem::MaybeUninit<
                                u8,
                            >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let mut ret_area = RetArea(
                            [::core::mem::MaybeUninit::uninit(); 56
                                + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]device.create-queue"]
                            fn wit_import1(_: i32, _: *mut u8);
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import1(_: i32, _: *mut u8) {
                            unreachable!()
                        }
                        wit_import1((self).handle() as i32, ptr0);
                        let l2 = i32::from(*ptr0.add(0).cast::<u8>());
                        let result54 = match l2 {
                            0 => {
                                let e = {
                                    let l3 = *ptr0.add(8).cast::<i32>();
                                    Queue::from_handle(l3 as u32)
                                };
                                Ok(e)
                            }
                            1 => {
                                let e = {
                                    let l4 = i32::from(*ptr0.add(8).cast::<u8>());
                                    let v53 = match l4 {
                                        0 => {
                                            let e53 = {
                                                let l5 = *ptr0.add(16).cast::<*mut u8>();
                                                let l6 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len7 = l6;
                                                let bytes7 = _rt::Vec::from_raw_parts(
                                                    l5.cast(),
                                                    len7,
                                                    len7,
                                                );
                                                _rt::string_lift(bytes7)
                                            };
                                            Error::Denied(e53)
                                        }
                                        1 => {
                                            let e53 = {
                                                let l8 = *ptr0.add(16).cast::<*mut u8>();
                                                let l9 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len10 = l9;
                                                let bytes10 = _rt::Vec::from_raw_parts(
                                                    l8.cast(),
                                                    len10,
                                                    len10,
                                                );
                                                _rt::string_lift(bytes10)
                                            };
                                            Error::DeviceLost(e53)
                                        }
                                        2 => {
                                            let e53 = {
                                                let l11 = *ptr0.add(16).cast::<*mut u8>();
                                                let l12 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len13 = l12;
                                                let bytes13 = _rt::Vec::from_raw_parts(
                                                    l11.cast(),
                                                    len13,
                                                    len13,
                                                );
                                                let l14 = *ptr0
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                let l15 = *ptr0
                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                Quota {
                                                    resource_name: _rt::string_lift(bytes13),
                                                    limit: l14 as u64,
                                                    requested: l15 as u64,
                                                }
                                            };
                                            Error::QuotaExceeded(e53)
                                        }
                                        3 => {
                                            let e53 = {
                                                let l16 = *ptr0.add(16).cast::<i64>();
                                                l16 as u64
                                            };
                                            Error::OutOfMemory(e53)
                                        }
                                        4 => {
                                            let e53 = {
                                                let l17 = *ptr0.add(16).cast::<*mut u8>();
                                                let l18 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let base24 = l17;
                                                let len24 = l18;
                                                let mut result24 = _rt::Vec::with_capacity(len24);
                                                for i in 0..len24 {
                                                    let base = base24
                                                        .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                    let e24 = {
                                                        let l19 = *base.add(0).cast::<i32>();
                                                        let l20 = *base.add(4).cast::<i32>();
                                                        let l21 = *base.add(8).cast::<*mut u8>();
                                                        let l22 = *base
                                                            .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        let len23 = l22;
                                                        let bytes23 = _rt::Vec::from_raw_parts(
                                                            l21.cast(),
                                                            len23,
                                                            len23,
                                                        );
                                                        Diagnostic {
                                                            line: l19 as u32,
                                                            column: l20 as u32,
                                                            message: _rt::string_lift(bytes23),
                                                        }
                                                    };
                                                    result24.push(e24);
                                                }
                                                _rt::cabi_dealloc(
                                                    base24,
                                                    len24 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                    ::core::mem::size_of::<*const u8>(),
                                                );
                                                result24
                                            };
                                            Error::InvalidModule(e53)
                                        }
                                        5 => {
                                            let e53 = {
                                                let l25 = *ptr0.add(16).cast::<*mut u8>();
                                                let l26 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len27 = l26;
                                                let bytes27 = _rt::Vec::from_raw_parts(
                                                    l25.cast(),
                                                    len27,
                                                    len27,
                                                );
                                                _rt::string_lift(bytes27)
                                            };
                                            Error::UnknownKernel(e53)
                                        }
                                        6 => {
                                            let e53 = {
                                                let l28 = *ptr0.add(16).cast::<*mut u8>();
                                                let l29 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len30 = l29;
                                                let bytes30 = _rt::Vec::from_raw_parts(
                                                    l28.cast(),
                                                    len30,
                                                    len30,
                                                );
                                                _rt::string_lift(bytes30)
                                            };
                                            Error::InvalidLaunch(e53)
                                        }
                                        7 => {
                                            let e53 = {
                                                let l31 = *ptr0.add(16).cast::<*mut u8>();
                                                let l32 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len33 = l32;
                                                let bytes33 = _rt::Vec::from_raw_parts(
                                                    l31.cast(),
                                                    len33,
                                                    len33,
                                                );
                                                _rt::string_lift(bytes33)
                                            };
                                            Error::OutOfRange(e53)
                                        }
                                        8 => {
                                            let e53 = {
                                                let l34 = *ptr0.add(16).cast::<*mut u8>();
                                                let l35 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len36 = l35;
                                                let bytes36 = _rt::Vec::from_raw_parts(
                                                    l34.cast(),
                                                    len36,
                                                    len36,
                                                );
                                                let l37 = i32::from(
                                                    *ptr0
                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l41 = i32::from(
                                                    *ptr0
                                                        .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l45 = i32::from(
                                                    *ptr0
                                                        .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l47 = *ptr0
                                                    .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l48 = *ptr0
                                                    .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len49 = l48;
                                                let bytes49 = _rt::Vec::from_raw_parts(
                                                    l47.cast(),
                                                    len49,
                                                    len49,
                                                );
                                                Fault {
                                                    kernel: _rt::string_lift(bytes36),
                                                    block: match l37 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l38 = *ptr0
                                                                    .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l39 = *ptr0
                                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l40 = *ptr0
                                                                    .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l38 as u32,
                                                                    y: l39 as u32,
                                                                    z: l40 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    thread: match l41 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l42 = *ptr0
                                                                    .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l43 = *ptr0
                                                                    .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l44 = *ptr0
                                                                    .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l42 as u32,
                                                                    y: l43 as u32,
                                                                    z: l44 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    line: match l45 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l46 = *ptr0
                                                                    .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                l46 as u32
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    message: _rt::string_lift(bytes49),
                                                }
                                            };
                                            Error::Fault(e53)
                                        }
                                        n => {
                                            debug_assert_eq!(n, 9, "invalid enum discriminant");
                                            let e53 = {
                                                let l50 = *ptr0.add(16).cast::<*mut u8>();
                                                let l51 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len52 = l51;
                                                let bytes52 = _rt::Vec::from_raw_parts(
                                                    l50.cast(),
                                                    len52,
                                                    len52,
                                                );
                                                _rt::string_lift(bytes52)
                                            };
                                            Error::DeadlineExceeded(e53)
                                        }
                                    };
                                    v53
                                };
                                Err(e)
                            }
                            _ => _rt::invalid_enum_discriminant(),
                        };
                        result54
                    }
                }
            }
            impl Buffer {
                #[allow(unused_unsafe, clippy::all)]
                /// In bytes.
                #[allow(async_fn_in_trait)]
                pub fn size(&self) -> u64 {
                    unsafe {
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]buffer.size"]
                            fn wit_import0(_: i32) -> i64;
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import0(_: i32) -> i64 {
                            unreachable!()
                        }
                        let ret = wit_import0((self).handle() as i32);
                        ret as u64
                    }
                }
            }
            impl Module {
                #[allow(unused_unsafe, clippy::all)]
                /// The names of its kernels, in the order of the text.
                #[allow(async_fn_in_trait)]
                pub fn kernel_names(&self) -> _rt::Vec<_rt::String> {
                    unsafe {
                        #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                        #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                        struct RetArea(
                            [::core::mem::MaybeUninit<
                                u8,
                            >; 2 * ::core::mem::size_of::<*const u8>()],
                        );
                        let mut ret_area = RetArea(
                            [::core::mem::MaybeUninit::uninit(); 2
                                * ::core::mem::size_of::<*const u8>()],
                        );
                        let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]module.kernel-names"]
                            fn wit_import1(_: i32, _: *mut u8);
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import1(_: i32, _: *mut u8) {
                            unreachable!()
                        }
                        wit_import1((self).handle() as i32, ptr0);
                        let l2 = *ptr0.add(0).cast::<*mut u8>();
                        let l3 = *ptr0
                            .add(::core::mem::size_of::<*const u8>())
                            .cast::<usize>();
                        let base7 = l2;
                        let len7 = l3;
                        let mut result7 = _rt::Vec::with_capacity(len7);
                        for i in 0..len7 {
                            let base = base7
                                .add(i * (2 * ::core::mem::size_of::<*const u8>()));
                            let e7 = {
                                let l4 = *base.add(0).cast::<*mut u8>();
                                let l5 = *base
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let len6 = l5;
                                let bytes6 = _rt::Vec::from_raw_parts(
                                    l4.cast(),
                                    len6,
                                    len6,
                                );
                                _rt::string_lift(bytes6)
                            };
                            result7.push(e7);
                        }
                        _rt::cabi_dealloc(
                            base7,
                            len7 * (2 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        );
                        let result8 = result7;
                        result8
                    }
                }
            }
            impl Module {
                #[allow(unused_unsafe, clippy::all)]
                #[allow(async_fn_in_trait)]
                pub fn kernel(
                    &self,
                    name: &str,
                ) -> ::core::result::Result<Kernel, Error> {
                    unsafe {
                        #[repr(align(8))]
                        struct RetArea(
                            [::core::mem::MaybeUninit<
                                u8,
                            >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let mut ret_area = RetArea(
                            [::core::mem::MaybeUninit::uninit(); 56
                                + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let vec0 = name;
                        let ptr0 = vec0.as_ptr().cast::<u8>();
                        let len0 = vec0.len();
                        let ptr1 = ret_area.0.as_mut_ptr().cast::<u8>();
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]module.kernel"]
                            fn wit_import2(_: i32, _: *mut u8, _: usize, _: *mut u8);
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import2(
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                        ) {
                            unreachable!()
                        }
                        wit_import2((self).handle() as i32, ptr0.cast_mut(), len0, ptr1);
                        let l3 = i32::from(*ptr1.add(0).cast::<u8>());
                        let result55 = match l3 {
                            0 => {
                                let e = {
                                    let l4 = *ptr1.add(8).cast::<i32>();
                                    Kernel::from_handle(l4 as u32)
                                };
                                Ok(e)
                            }
                            1 => {
                                let e = {
                                    let l5 = i32::from(*ptr1.add(8).cast::<u8>());
                                    let v54 = match l5 {
                                        0 => {
                                            let e54 = {
                                                let l6 = *ptr1.add(16).cast::<*mut u8>();
                                                let l7 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len8 = l7;
                                                let bytes8 = _rt::Vec::from_raw_parts(
                                                    l6.cast(),
                                                    len8,
                                                    len8,
                                                );
                                                _rt::string_lift(bytes8)
                                            };
                                            Error::Denied(e54)
                                        }
                                        1 => {
                                            let e54 = {
                                                let l9 = *ptr1.add(16).cast::<*mut u8>();
                                                let l10 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len11 = l10;
                                                let bytes11 = _rt::Vec::from_raw_parts(
                                                    l9.cast(),
                                                    len11,
                                                    len11,
                                                );
                                                _rt::string_lift(bytes11)
                                            };
                                            Error::DeviceLost(e54)
                                        }
                                        2 => {
                                            let e54 = {
                                                let l12 = *ptr1.add(16).cast::<*mut u8>();
                                                let l13 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len14 = l13;
                                                let bytes14 = _rt::Vec::from_raw_parts(
                                                    l12.cast(),
                                                    len14,
                                                    len14,
                                                );
                                                let l15 = *ptr1
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                let l16 = *ptr1
                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                Quota {
                                                    resource_name: _rt::string_lift(bytes14),
                                                    limit: l15 as u64,
                                                    requested: l16 as u64,
                                                }
                                            };
                                            Error::QuotaExceeded(e54)
                                        }
                                        3 => {
                                            let e54 = {
                                                let l17 = *ptr1.add(16).cast::<i64>();
                                                l17 as u64
                                            };
                                            Error::OutOfMemory(e54)
                                        }
                                        4 => {
                                            let e54 = {
                                                let l18 = *ptr1.add(16).cast::<*mut u8>();
                                                let l19 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let base25 = l18;
                                                let len25 = l19;
                                                let mut result25 = _rt::Vec::with_capacity(len25);
                                                for i in 0..len25 {
                                                    let base = base25
                                                        .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                    let e25 = {
                                                        let l20 = *base.add(0).cast::<i32>();
                                                        let l21 = *base.add(4).cast::<i32>();
                                                        let l22 = *base.add(8).cast::<*mut u8>();
                                                        let l23 = *base
                                                            .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        let len24 = l23;
                                                        let bytes24 = _rt::Vec::from_raw_parts(
                                                            l22.cast(),
                                                            len24,
                                                            len24,
                                                        );
                                                        Diagnostic {
                                                            line: l20 as u32,
                                                            column: l21 as u32,
                                                            message: _rt::string_lift(bytes24),
                                                        }
                                                    };
                                                    result25.push(e25);
                                                }
                                                _rt::cabi_dealloc(
                                                    base25,
                                                    len25 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                    ::core::mem::size_of::<*const u8>(),
                                                );
                                                result25
                                            };
                                            Error::InvalidModule(e54)
                                        }
                                        5 => {
                                            let e54 = {
                                                let l26 = *ptr1.add(16).cast::<*mut u8>();
                                                let l27 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len28 = l27;
                                                let bytes28 = _rt::Vec::from_raw_parts(
                                                    l26.cast(),
                                                    len28,
                                                    len28,
                                                );
                                                _rt::string_lift(bytes28)
                                            };
                                            Error::UnknownKernel(e54)
                                        }
                                        6 => {
                                            let e54 = {
                                                let l29 = *ptr1.add(16).cast::<*mut u8>();
                                                let l30 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len31 = l30;
                                                let bytes31 = _rt::Vec::from_raw_parts(
                                                    l29.cast(),
                                                    len31,
                                                    len31,
                                                );
                                                _rt::string_lift(bytes31)
                                            };
                                            Error::InvalidLaunch(e54)
                                        }
                                        7 => {
                                            let e54 = {
                                                let l32 = *ptr1.add(16).cast::<*mut u8>();
                                                let l33 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len34 = l33;
                                                let bytes34 = _rt::Vec::from_raw_parts(
                                                    l32.cast(),
                                                    len34,
                                                    len34,
                                                );
                                                _rt::string_lift(bytes34)
                                            };
                                            Error::OutOfRange(e54)
                                        }
                                        8 => {
                                            let e54 = {
                                                let l35 = *ptr1.add(16).cast::<*mut u8>();
                                                let l36 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len37 = l36;
                                                let bytes37 = _rt::Vec::from_raw_parts(
                                                    l35.cast(),
                                                    len37,
                                                    len37,
                                                );
                                                let l38 = i32::from(
                                                    *ptr1
                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l42 = i32::from(
                                                    *ptr1
                                                        .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l46 = i32::from(
                                                    *ptr1
                                                        .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l48 = *ptr1
                                                    .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l49 = *ptr1
                                                    .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len50 = l49;
                                                let bytes50 = _rt::Vec::from_raw_parts(
                                                    l48.cast(),
                                                    len50,
                                                    len50,
                                                );
                                                Fault {
                                                    kernel: _rt::string_lift(bytes37),
                                                    block: match l38 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l39 = *ptr1
                                                                    .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l40 = *ptr1
                                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l41 = *ptr1
                                                                    .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l39 as u32,
                                                                    y: l40 as u32,
                                                                    z: l41 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    thread: match l42 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l43 = *ptr1
                                                                    .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l44 = *ptr1
                                                                    .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l45 = *ptr1
                                                                    .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l43 as u32,
                                                                    y: l44 as u32,
                                                                    z: l45 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    line: match l46 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l47 = *ptr1
                                                                    .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                l47 as u32
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    message: _rt::string_lift(bytes50),
                                                }
                                            };
                                            Error::Fault(e54)
                                        }
                                        n => {
                                            debug_assert_eq!(n, 9, "invalid enum discriminant");
                                            let e54 = {
                                                let l51 = *ptr1.add(16).cast::<*mut u8>();
                                                let l52 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len53 = l52;
                                                let bytes53 = _rt::Vec::from_raw_parts(
                                                    l51.cast(),
                                                    len53,
                                                    len53,
                                                );
                                                _rt::string_lift(bytes53)
                                            };
                                            Error::DeadlineExceeded(e54)
                                        }
                                    };
                                    v54
                                };
                                Err(e)
                            }
                            _ => _rt::invalid_enum_discriminant(),
                        };
                        result55
                    }
                }
            }
            impl Kernel {
                #[allow(unused_unsafe, clippy::all)]
                #[allow(async_fn_in_trait)]
                pub fn parameters(&self) -> _rt::Vec<Parameter> {
                    unsafe {
                        #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                        #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                        struct RetArea(
                            [::core::mem::MaybeUninit<
                                u8,
                            >; 2 * ::core::mem::size_of::<*const u8>()],
                        );
                        let mut ret_area = RetArea(
                            [::core::mem::MaybeUninit::uninit(); 2
                                * ::core::mem::size_of::<*const u8>()],
                        );
                        let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]kernel.parameters"]
                            fn wit_import1(_: i32, _: *mut u8);
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import1(_: i32, _: *mut u8) {
                            unreachable!()
                        }
                        wit_import1((self).handle() as i32, ptr0);
                        let l2 = *ptr0.add(0).cast::<*mut u8>();
                        let l3 = *ptr0
                            .add(::core::mem::size_of::<*const u8>())
                            .cast::<usize>();
                        let base8 = l2;
                        let len8 = l3;
                        let mut result8 = _rt::Vec::with_capacity(len8);
                        for i in 0..len8 {
                            let base = base8.add(i * 12);
                            let e8 = {
                                let l4 = i32::from(*base.add(0).cast::<u8>());
                                let v7 = match l4 {
                                    0 => Parameter::U8,
                                    1 => Parameter::U16,
                                    2 => Parameter::U32,
                                    3 => Parameter::U64,
                                    4 => Parameter::S8,
                                    5 => Parameter::S16,
                                    6 => Parameter::S32,
                                    7 => Parameter::S64,
                                    8 => Parameter::F16,
                                    9 => Parameter::Bf16,
                                    10 => Parameter::F32,
                                    11 => Parameter::F64,
                                    n => {
                                        debug_assert_eq!(n, 12, "invalid enum discriminant");
                                        let e7 = {
                                            let l5 = *base.add(4).cast::<i32>();
                                            let l6 = *base.add(8).cast::<i32>();
                                            (l5 as u32, l6 as u32)
                                        };
                                        Parameter::Bytes(e7)
                                    }
                                };
                                v7
                            };
                            result8.push(e8);
                        }
                        _rt::cabi_dealloc(base8, len8 * 12, 4);
                        let result9 = result8;
                        result9
                    }
                }
            }
            impl Kernel {
                #[allow(unused_unsafe, clippy::all)]
                /// The largest block, in threads, that the kernel can be launched with. It
                /// depends on the kernel's registers and shared memory and on the device.
                #[allow(async_fn_in_trait)]
                pub fn max_threads_per_block(&self) -> u32 {
                    unsafe {
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]kernel.max-threads-per-block"]
                            fn wit_import0(_: i32) -> i32;
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import0(_: i32) -> i32 {
                            unreachable!()
                        }
                        let ret = wit_import0((self).handle() as i32);
                        ret as u32
                    }
                }
            }
            impl Queue {
                #[allow(unused_unsafe, clippy::all)]
                /// Copies `data` before it returns; the device gets it in queue order.
                #[allow(async_fn_in_trait)]
                pub fn write(
                    &self,
                    target: &Buffer,
                    offset: u64,
                    data: &[u8],
                ) -> ::core::result::Result<(), Error> {
                    unsafe {
                        #[repr(align(8))]
                        struct RetArea(
                            [::core::mem::MaybeUninit<
                                u8,
                            >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let mut ret_area = RetArea(
                            [::core::mem::MaybeUninit::uninit(); 56
                                + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let vec0 = data;
                        let ptr0 = vec0.as_ptr().cast::<u8>();
                        let len0 = vec0.len();
                        let ptr1 = ret_area.0.as_mut_ptr().cast::<u8>();
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]queue.write"]
                            fn wit_import2(
                                _: i32,
                                _: i32,
                                _: i64,
                                _: *mut u8,
                                _: usize,
                                _: *mut u8,
                            );
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import2(
                            _: i32,
                            _: i32,
                            _: i64,
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                        ) {
                            unreachable!()
                        }
                        wit_import2(
                            (self).handle() as i32,
                            (target).handle() as i32,
                            _rt::as_i64(&offset),
                            ptr0.cast_mut(),
                            len0,
                            ptr1,
                        );
                        let l3 = i32::from(*ptr1.add(0).cast::<u8>());
                        let result54 = match l3 {
                            0 => {
                                let e = ();
                                Ok(e)
                            }
                            1 => {
                                let e = {
                                    let l4 = i32::from(*ptr1.add(8).cast::<u8>());
                                    let v53 = match l4 {
                                        0 => {
                                            let e53 = {
                                                let l5 = *ptr1.add(16).cast::<*mut u8>();
                                                let l6 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len7 = l6;
                                                let bytes7 = _rt::Vec::from_raw_parts(
                                                    l5.cast(),
                                                    len7,
                                                    len7,
                                                );
                                                _rt::string_lift(bytes7)
                                            };
                                            Error::Denied(e53)
                                        }
                                        1 => {
                                            let e53 = {
                                                let l8 = *ptr1.add(16).cast::<*mut u8>();
                                                let l9 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len10 = l9;
                                                let bytes10 = _rt::Vec::from_raw_parts(
                                                    l8.cast(),
                                                    len10,
                                                    len10,
                                                );
                                                _rt::string_lift(bytes10)
                                            };
                                            Error::DeviceLost(e53)
                                        }
                                        2 => {
                                            let e53 = {
                                                let l11 = *ptr1.add(16).cast::<*mut u8>();
                                                let l12 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len13 = l12;
                                                let bytes13 = _rt::Vec::from_raw_parts(
                                                    l11.cast(),
                                                    len13,
                                                    len13,
                                                );
                                                let l14 = *ptr1
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                let l15 = *ptr1
                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                Quota {
                                                    resource_name: _rt::string_lift(bytes13),
                                                    limit: l14 as u64,
                                                    requested: l15 as u64,
                                                }
                                            };
                                            Error::QuotaExceeded(e53)
                                        }
                                        3 => {
                                            let e53 = {
                                                let l16 = *ptr1.add(16).cast::<i64>();
                                                l16 as u64
                                            };
                                            Error::OutOfMemory(e53)
                                        }
                                        4 => {
                                            let e53 = {
                                                let l17 = *ptr1.add(16).cast::<*mut u8>();
                                                let l18 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let base24 = l17;
                                                let len24 = l18;
                                                let mut result24 = _rt::Vec::with_capacity(len24);
                                                for i in 0..len24 {
                                                    let base = base24
                                                        .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                    let e24 = {
                                                        let l19 = *base.add(0).cast::<i32>();
                                                        let l20 = *base.add(4).cast::<i32>();
                                                        let l21 = *base.add(8).cast::<*mut u8>();
                                                        let l22 = *base
                                                            .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        let len23 = l22;
                                                        let bytes23 = _rt::Vec::from_raw_parts(
                                                            l21.cast(),
                                                            len23,
                                                            len23,
                                                        );
                                                        Diagnostic {
                                                            line: l19 as u32,
                                                            column: l20 as u32,
                                                            message: _rt::string_lift(bytes23),
                                                        }
                                                    };
                                                    result24.push(e24);
                                                }
                                                _rt::cabi_dealloc(
                                                    base24,
                                                    len24 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                    ::core::mem::size_of::<*const u8>(),
                                                );
                                                result24
                                            };
                                            Error::InvalidModule(e53)
                                        }
                                        5 => {
                                            let e53 = {
                                                let l25 = *ptr1.add(16).cast::<*mut u8>();
                                                let l26 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len27 = l26;
                                                let bytes27 = _rt::Vec::from_raw_parts(
                                                    l25.cast(),
                                                    len27,
                                                    len27,
                                                );
                                                _rt::string_lift(bytes27)
                                            };
                                            Error::UnknownKernel(e53)
                                        }
                                        6 => {
                                            let e53 = {
                                                let l28 = *ptr1.add(16).cast::<*mut u8>();
                                                let l29 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len30 = l29;
                                                let bytes30 = _rt::Vec::from_raw_parts(
                                                    l28.cast(),
                                                    len30,
                                                    len30,
                                                );
                                                _rt::string_lift(bytes30)
                                            };
                                            Error::InvalidLaunch(e53)
                                        }
                                        7 => {
                                            let e53 = {
                                                let l31 = *ptr1.add(16).cast::<*mut u8>();
                                                let l32 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len33 = l32;
                                                let bytes33 = _rt::Vec::from_raw_parts(
                                                    l31.cast(),
                                                    len33,
                                                    len33,
                                                );
                                                _rt::string_lift(bytes33)
                                            };
                                            Error::OutOfRange(e53)
                                        }
                                        8 => {
                                            let e53 = {
                                                let l34 = *ptr1.add(16).cast::<*mut u8>();
                                                let l35 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len36 = l35;
                                                let bytes36 = _rt::Vec::from_raw_parts(
                                                    l34.cast(),
                                                    len36,
                                                    len36,
                                                );
                                                let l37 = i32::from(
                                                    *ptr1
                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l41 = i32::from(
                                                    *ptr1
                                                        .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l45 = i32::from(
                                                    *ptr1
                                                        .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l47 = *ptr1
                                                    .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l48 = *ptr1
                                                    .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len49 = l48;
                                                let bytes49 = _rt::Vec::from_raw_parts(
                                                    l47.cast(),
                                                    len49,
                                                    len49,
                                                );
                                                Fault {
                                                    kernel: _rt::string_lift(bytes36),
                                                    block: match l37 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l38 = *ptr1
                                                                    .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l39 = *ptr1
                                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l40 = *ptr1
                                                                    .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l38 as u32,
                                                                    y: l39 as u32,
                                                                    z: l40 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    thread: match l41 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l42 = *ptr1
                                                                    .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l43 = *ptr1
                                                                    .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l44 = *ptr1
                                                                    .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l42 as u32,
                                                                    y: l43 as u32,
                                                                    z: l44 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    line: match l45 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l46 = *ptr1
                                                                    .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                l46 as u32
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    message: _rt::string_lift(bytes49),
                                                }
                                            };
                                            Error::Fault(e53)
                                        }
                                        n => {
                                            debug_assert_eq!(n, 9, "invalid enum discriminant");
                                            let e53 = {
                                                let l50 = *ptr1.add(16).cast::<*mut u8>();
                                                let l51 = *ptr1
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len52 = l51;
                                                let bytes52 = _rt::Vec::from_raw_parts(
                                                    l50.cast(),
                                                    len52,
                                                    len52,
                                                );
                                                _rt::string_lift(bytes52)
                                            };
                                            Error::DeadlineExceeded(e53)
                                        }
                                    };
                                    v53
                                };
                                Err(e)
                            }
                            _ => _rt::invalid_enum_discriminant(),
                        };
                        result54
                    }
                }
            }
            impl Queue {
                #[allow(unused_unsafe, clippy::all)]
                /// Waits until the commands queued before are done, then reads.
                #[allow(async_fn_in_trait)]
                pub fn read(
                    &self,
                    source: &Buffer,
                    offset: u64,
                    length: u64,
                ) -> ::core::result::Result<_rt::Vec<u8>, Error> {
                    unsafe {
                        #[repr(align(8))]
                        struct RetArea(
                            [::core::mem::MaybeUninit<
                                u8,
                            >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let mut ret_area = RetArea(
                            [::core::mem::MaybeUninit::uninit(); 56
                                + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]queue.read"]
                            fn wit_import1(_: i32, _: i32, _: i64, _: i64, _: *mut u8);
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import1(
                            _: i32,
                            _: i32,
                            _: i64,
                            _: i64,
                            _: *mut u8,
                        ) {
                            unreachable!()
                        }
                        wit_import1(
                            (self).handle() as i32,
                            (source).handle() as i32,
                            _rt::as_i64(&offset),
                            _rt::as_i64(&length),
                            ptr0,
                        );
                        let l2 = i32::from(*ptr0.add(0).cast::<u8>());
                        let result56 = match l2 {
                            0 => {
                                let e = {
                                    let l3 = *ptr0.add(8).cast::<*mut u8>();
                                    let l4 = *ptr0
                                        .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                        .cast::<usize>();
                                    let len5 = l4;
                                    <_ as From<
                                        _rt::Vec<_>,
                                    >>::from(_rt::Vec::from_raw_parts(l3.cast(), len5, len5))
                                };
                                Ok(e)
                            }
                            1 => {
                                let e = {
                                    let l6 = i32::from(*ptr0.add(8).cast::<u8>());
                                    let v55 = match l6 {
                                        0 => {
                                            let e55 = {
                                                let l7 = *ptr0.add(16).cast::<*mut u8>();
                                                let l8 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len9 = l8;
                                                let bytes9 = _rt::Vec::from_raw_parts(
                                                    l7.cast(),
                                                    len9,
                                                    len9,
                                                );
                                                _rt::string_lift(bytes9)
                                            };
                                            Error::Denied(e55)
                                        }
                                        1 => {
                                            let e55 = {
                                                let l10 = *ptr0.add(16).cast::<*mut u8>();
                                                let l11 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len12 = l11;
                                                let bytes12 = _rt::Vec::from_raw_parts(
                                                    l10.cast(),
                                                    len12,
                                                    len12,
                                                );
                                                _rt::string_lift(bytes12)
                                            };
                                            Error::DeviceLost(e55)
                                        }
                                        2 => {
                                            let e55 = {
                                                let l13 = *ptr0.add(16).cast::<*mut u8>();
                                                let l14 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len15 = l14;
                                                let bytes15 = _rt::Vec::from_raw_parts(
                                                    l13.cast(),
                                                    len15,
                                                    len15,
                                                );
                                                let l16 = *ptr0
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                let l17 = *ptr0
                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                Quota {
                                                    resource_name: _rt::string_lift(bytes15),
                                                    limit: l16 as u64,
                                                    requested: l17 as u64,
                                                }
                                            };
                                            Error::QuotaExceeded(e55)
                                        }
                                        3 => {
                                            let e55 = {
                                                let l18 = *ptr0.add(16).cast::<i64>();
                                                l18 as u64
                                            };
                                            Error::OutOfMemory(e55)
                                        }
                                        4 => {
                                            let e55 = {
                                                let l19 = *ptr0.add(16).cast::<*mut u8>();
                                                let l20 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let base26 = l19;
                                                let len26 = l20;
                                                let mut result26 = _rt::Vec::with_capacity(len26);
                                                for i in 0..len26 {
                                                    let base = base26
                                                        .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                    let e26 = {
                                                        let l21 = *base.add(0).cast::<i32>();
                                                        let l22 = *base.add(4).cast::<i32>();
                                                        let l23 = *base.add(8).cast::<*mut u8>();
                                                        let l24 = *base
                                                            .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        let len25 = l24;
                                                        let bytes25 = _rt::Vec::from_raw_parts(
                                                            l23.cast(),
                                                            len25,
                                                            len25,
                                                        );
                                                        Diagnostic {
                                                            line: l21 as u32,
                                                            column: l22 as u32,
                                                            message: _rt::string_lift(bytes25),
                                                        }
                                                    };
                                                    result26.push(e26);
                                                }
                                                _rt::cabi_dealloc(
                                                    base26,
                                                    len26 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                    ::core::mem::size_of::<*const u8>(),
                                                );
                                                result26
                                            };
                                            Error::InvalidModule(e55)
                                        }
                                        5 => {
                                            let e55 = {
                                                let l27 = *ptr0.add(16).cast::<*mut u8>();
                                                let l28 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len29 = l28;
                                                let bytes29 = _rt::Vec::from_raw_parts(
                                                    l27.cast(),
                                                    len29,
                                                    len29,
                                                );
                                                _rt::string_lift(bytes29)
                                            };
                                            Error::UnknownKernel(e55)
                                        }
                                        6 => {
                                            let e55 = {
                                                let l30 = *ptr0.add(16).cast::<*mut u8>();
                                                let l31 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len32 = l31;
                                                let bytes32 = _rt::Vec::from_raw_parts(
                                                    l30.cast(),
                                                    len32,
                                                    len32,
                                                );
                                                _rt::string_lift(bytes32)
                                            };
                                            Error::InvalidLaunch(e55)
                                        }
                                        7 => {
                                            let e55 = {
                                                let l33 = *ptr0.add(16).cast::<*mut u8>();
                                                let l34 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len35 = l34;
                                                let bytes35 = _rt::Vec::from_raw_parts(
                                                    l33.cast(),
                                                    len35,
                                                    len35,
                                                );
                                                _rt::string_lift(bytes35)
                                            };
                                            Error::OutOfRange(e55)
                                        }
                                        8 => {
                                            let e55 = {
                                                let l36 = *ptr0.add(16).cast::<*mut u8>();
                                                let l37 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len38 = l37;
                                                let bytes38 = _rt::Vec::from_raw_parts(
                                                    l36.cast(),
                                                    len38,
                                                    len38,
                                                );
                                                let l39 = i32::from(
                                                    *ptr0
                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l43 = i32::from(
                                                    *ptr0
                                                        .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l47 = i32::from(
                                                    *ptr0
                                                        .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l49 = *ptr0
                                                    .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l50 = *ptr0
                                                    .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len51 = l50;
                                                let bytes51 = _rt::Vec::from_raw_parts(
                                                    l49.cast(),
                                                    len51,
                                                    len51,
                                                );
                                                Fault {
                                                    kernel: _rt::string_lift(bytes38),
                                                    block: match l39 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l40 = *ptr0
                                                                    .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l41 = *ptr0
                                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l42 = *ptr0
                                                                    .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l40 as u32,
                                                                    y: l41 as u32,
                                                                    z: l42 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    thread: match l43 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l44 = *ptr0
                                                                    .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l45 = *ptr0
                                                                    .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l46 = *ptr0
                                                                    .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l44 as u32,
                                                                    y: l45 as u32,
                                                                    z: l46 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    line: match l47 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l48 = *ptr0
                                                                    .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                l48 as u32
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    message: _rt::string_lift(bytes51),
                                                }
                                            };
                                            Error::Fault(e55)
                                        }
                                        n => {
                                            debug_assert_eq!(n, 9, "invalid enum discriminant");
                                            let e55 = {
                                                let l52 = *ptr0.add(16).cast::<*mut u8>();
                                                let l53 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len54 = l53;
                                                let bytes54 = _rt::Vec::from_raw_parts(
                                                    l52.cast(),
                                                    len54,
                                                    len54,
                                                );
                                                _rt::string_lift(bytes54)
                                            };
                                            Error::DeadlineExceeded(e55)
                                        }
                                    };
                                    v55
                                };
                                Err(e)
                            }
                            _ => _rt::invalid_enum_discriminant(),
                        };
                        result56
                    }
                }
            }
            impl Queue {
                #[allow(unused_unsafe, clippy::all)]
                /// Copies from one buffer to another, or within one: the ranges may overlap.
                #[allow(async_fn_in_trait)]
                pub fn copy(
                    &self,
                    source: &Buffer,
                    source_offset: u64,
                    target: &Buffer,
                    target_offset: u64,
                    length: u64,
                ) -> ::core::result::Result<(), Error> {
                    unsafe {
                        #[repr(align(8))]
                        struct RetArea(
                            [::core::mem::MaybeUninit<
                                u8,
                            >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let mut ret_area = RetArea(
                            [::core::mem::MaybeUninit::uninit(); 56
                                + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]queue.copy"]
                            fn wit_import1(
                                _: i32,
                                _: i32,
                                _: i64,
                                _: i32,
                                _: i64,
                                _: i64,
                                _: *mut u8,
                            );
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import1(
                            _: i32,
                            _: i32,
                            _: i64,
                            _: i32,
                            _: i64,
                            _: i64,
                            _: *mut u8,
                        ) {
                            unreachable!()
                        }
                        wit_import1(
                            (self).handle() as i32,
                            (source).handle() as i32,
                            _rt::as_i64(&source_offset),
                            (target).handle() as i32,
                            _rt::as_i64(&target_offset),
                            _rt::as_i64(&length),
                            ptr0,
                        );
                        let l2 = i32::from(*ptr0.add(0).cast::<u8>());
                        let result53 = match l2 {
                            0 => {
                                let e = ();
                                Ok(e)
                            }
                            1 => {
                                let e = {
                                    let l3 = i32::from(*ptr0.add(8).cast::<u8>());
                                    let v52 = match l3 {
                                        0 => {
                                            let e52 = {
                                                let l4 = *ptr0.add(16).cast::<*mut u8>();
                                                let l5 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len6 = l5;
                                                let bytes6 = _rt::Vec::from_raw_parts(
                                                    l4.cast(),
                                                    len6,
                                                    len6,
                                                );
                                                _rt::string_lift(bytes6)
                                            };
                                            Error::Denied(e52)
                                        }
                                        1 => {
                                            let e52 = {
                                                let l7 = *ptr0.add(16).cast::<*mut u8>();
                                                let l8 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len9 = l8;
                                                let bytes9 = _rt::Vec::from_raw_parts(
                                                    l7.cast(),
                                                    len9,
                                                    len9,
                                                );
                                                _rt::string_lift(bytes9)
                                            };
                                            Error::DeviceLost(e52)
                                        }
                                        2 => {
                                            let e52 = {
                                                let l10 = *ptr0.add(16).cast::<*mut u8>();
                                                let l11 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len12 = l11;
                                                let bytes12 = _rt::Vec::from_raw_parts(
                                                    l10.cast(),
                                                    len12,
                                                    len12,
                                                );
                                                let l13 = *ptr0
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                let l14 = *ptr0
                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                Quota {
                                                    resource_name: _rt::string_lift(bytes12),
                                                    limit: l13 as u64,
                                                    requested: l14 as u64,
                                                }
                                            };
                                            Error::QuotaExceeded(e52)
                                        }
                                        3 => {
                                            let e52 = {
                                                let l15 = *ptr0.add(16).cast::<i64>();
                                                l15 as u64
                                            };
                                            Error::OutOfMemory(e52)
                                        }
                                        4 => {
                                            let e52 = {
                                                let l16 = *ptr0.add(16).cast::<*mut u8>();
                                                let l17 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let base23 = l16;
                                                let len23 = l17;
                                                let mut result23 = _rt::Vec::with_capacity(len23);
                                                for i in 0..len23 {
                                                    let base = base23
                                                        .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                    let e23 = {
                                                        let l18 = *base.add(0).cast::<i32>();
                                                        let l19 = *base.add(4).cast::<i32>();
                                                        let l20 = *base.add(8).cast::<*mut u8>();
                                                        let l21 = *base
                                                            .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        let len22 = l21;
                                                        let bytes22 = _rt::Vec::from_raw_parts(
                                                            l20.cast(),
                                                            len22,
                                                            len22,
                                                        );
                                                        Diagnostic {
                                                            line: l18 as u32,
                                                            column: l19 as u32,
                                                            message: _rt::string_lift(bytes22),
                                                        }
                                                    };
                                                    result23.push(e23);
                                                }
                                                _rt::cabi_dealloc(
                                                    base23,
                                                    len23 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                    ::core::mem::size_of::<*const u8>(),
                                                );
                                                result23
                                            };
                                            Error::InvalidModule(e52)
                                        }
                                        5 => {
                                            let e52 = {
                                                let l24 = *ptr0.add(16).cast::<*mut u8>();
                                                let l25 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len26 = l25;
                                                let bytes26 = _rt::Vec::from_raw_parts(
                                                    l24.cast(),
                                                    len26,
                                                    len26,
                                                );
                                                _rt::string_lift(bytes26)
                                            };
                                            Error::UnknownKernel(e52)
                                        }
                                        6 => {
                                            let e52 = {
                                                let l27 = *ptr0.add(16).cast::<*mut u8>();
                                                let l28 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len29 = l28;
                                                let bytes29 = _rt::Vec::from_raw_parts(
                                                    l27.cast(),
                                                    len29,
                                                    len29,
                                                );
                                                _rt::string_lift(bytes29)
                                            };
                                            Error::InvalidLaunch(e52)
                                        }
                                        7 => {
                                            let e52 = {
                                                let l30 = *ptr0.add(16).cast::<*mut u8>();
                                                let l31 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len32 = l31;
                                                let bytes32 = _rt::Vec::from_raw_parts(
                                                    l30.cast(),
                                                    len32,
                                                    len32,
                                                );
                                                _rt::string_lift(bytes32)
                                            };
                                            Error::OutOfRange(e52)
                                        }
                                        8 => {
                                            let e52 = {
                                                let l33 = *ptr0.add(16).cast::<*mut u8>();
                                                let l34 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len35 = l34;
                                                let bytes35 = _rt::Vec::from_raw_parts(
                                                    l33.cast(),
                                                    len35,
                                                    len35,
                                                );
                                                let l36 = i32::from(
                                                    *ptr0
                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l40 = i32::from(
                                                    *ptr0
                                                        .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l44 = i32::from(
                                                    *ptr0
                                                        .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l46 = *ptr0
                                                    .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l47 = *ptr0
                                                    .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len48 = l47;
                                                let bytes48 = _rt::Vec::from_raw_parts(
                                                    l46.cast(),
                                                    len48,
                                                    len48,
                                                );
                                                Fault {
                                                    kernel: _rt::string_lift(bytes35),
                                                    block: match l36 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l37 = *ptr0
                                                                    .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l38 = *ptr0
                                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l39 = *ptr0
                                                                    .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l37 as u32,
                                                                    y: l38 as u32,
                                                                    z: l39 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    thread: match l40 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l41 = *ptr0
                                                                    .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l42 = *ptr0
                                                                    .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l43 = *ptr0
                                                                    .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l41 as u32,
                                                                    y: l42 as u32,
                                                                    z: l43 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    line: match l44 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l45 = *ptr0
                                                                    .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                l45 as u32
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    message: _rt::string_lift(bytes48),
                                                }
                                            };
                                            Error::Fault(e52)
                                        }
                                        n => {
                                            debug_assert_eq!(n, 9, "invalid enum discriminant");
                                            let e52 = {
                                                let l49 = *ptr0.add(16).cast::<*mut u8>();
                                                let l50 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len51 = l50;
                                                let bytes51 = _rt::Vec::from_raw_parts(
                                                    l49.cast(),
                                                    len51,
                                                    len51,
                                                );
                                                _rt::string_lift(bytes51)
                                            };
                                            Error::DeadlineExceeded(e52)
                                        }
                                    };
                                    v52
                                };
                                Err(e)
                            }
                            _ => _rt::invalid_enum_discriminant(),
                        };
                        result53
                    }
                }
            }
            impl Queue {
                #[allow(unused_unsafe, clippy::all)]
                /// Sets every byte of the range to `value`.
                #[allow(async_fn_in_trait)]
                pub fn fill(
                    &self,
                    target: &Buffer,
                    offset: u64,
                    length: u64,
                    value: u8,
                ) -> ::core::result::Result<(), Error> {
                    unsafe {
                        #[repr(align(8))]
                        struct RetArea(
                            [::core::mem::MaybeUninit<
                                u8,
                            >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let mut ret_area = RetArea(
                            [::core::mem::MaybeUninit::uninit(); 56
                                + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]queue.fill"]
                            fn wit_import1(
                                _: i32,
                                _: i32,
                                _: i64,
                                _: i64,
                                _: i32,
                                _: *mut u8,
                            );
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import1(
                            _: i32,
                            _: i32,
                            _: i64,
                            _: i64,
                            _: i32,
                            _: *mut u8,
                        ) {
                            unreachable!()
                        }
                        wit_import1(
                            (self).handle() as i32,
                            (target).handle() as i32,
                            _rt::as_i64(&offset),
                            _rt::as_i64(&length),
                            _rt::as_i32(&value),
                            ptr0,
                        );
                        let l2 = i32::from(*ptr0.add(0).cast::<u8>());
                        let result53 = match l2 {
                            0 => {
                                let e = ();
                                Ok(e)
                            }
                            1 => {
                                let e = {
                                    let l3 = i32::from(*ptr0.add(8).cast::<u8>());
                                    let v52 = match l3 {
                                        0 => {
                                            let e52 = {
                                                let l4 = *ptr0.add(16).cast::<*mut u8>();
                                                let l5 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len6 = l5;
                                                let bytes6 = _rt::Vec::from_raw_parts(
                                                    l4.cast(),
                                                    len6,
                                                    len6,
                                                );
                                                _rt::string_lift(bytes6)
                                            };
                                            Error::Denied(e52)
                                        }
                                        1 => {
                                            let e52 = {
                                                let l7 = *ptr0.add(16).cast::<*mut u8>();
                                                let l8 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len9 = l8;
                                                let bytes9 = _rt::Vec::from_raw_parts(
                                                    l7.cast(),
                                                    len9,
                                                    len9,
                                                );
                                                _rt::string_lift(bytes9)
                                            };
                                            Error::DeviceLost(e52)
                                        }
                                        2 => {
                                            let e52 = {
                                                let l10 = *ptr0.add(16).cast::<*mut u8>();
                                                let l11 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len12 = l11;
                                                let bytes12 = _rt::Vec::from_raw_parts(
                                                    l10.cast(),
                                                    len12,
                                                    len12,
                                                );
                                                let l13 = *ptr0
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                let l14 = *ptr0
                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                Quota {
                                                    resource_name: _rt::string_lift(bytes12),
                                                    limit: l13 as u64,
                                                    requested: l14 as u64,
                                                }
                                            };
                                            Error::QuotaExceeded(e52)
                                        }
                                        3 => {
                                            let e52 = {
                                                let l15 = *ptr0.add(16).cast::<i64>();
                                                l15 as u64
                                            };
                                            Error::OutOfMemory(e52)
                                        }
                                        4 => {
                                            let e52 = {
                                                let l16 = *ptr0.add(16).cast::<*mut u8>();
                                                let l17 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let base23 = l16;
                                                let len23 = l17;
                                                let mut result23 = _rt::Vec::with_capacity(len23);
                                                for i in 0..len23 {
                                                    let base = base23
                                                        .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                    let e23 = {
                                                        let l18 = *base.add(0).cast::<i32>();
                                                        let l19 = *base.add(4).cast::<i32>();
                                                        let l20 = *base.add(8).cast::<*mut u8>();
                                                        let l21 = *base
                                                            .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        let len22 = l21;
                                                        let bytes22 = _rt::Vec::from_raw_parts(
                                                            l20.cast(),
                                                            len22,
                                                            len22,
                                                        );
                                                        Diagnostic {
                                                            line: l18 as u32,
                                                            column: l19 as u32,
                                                            message: _rt::string_lift(bytes22),
                                                        }
                                                    };
                                                    result23.push(e23);
                                                }
                                                _rt::cabi_dealloc(
                                                    base23,
                                                    len23 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                    ::core::mem::size_of::<*const u8>(),
                                                );
                                                result23
                                            };
                                            Error::InvalidModule(e52)
                                        }
                                        5 => {
                                            let e52 = {
                                                let l24 = *ptr0.add(16).cast::<*mut u8>();
                                                let l25 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len26 = l25;
                                                let bytes26 = _rt::Vec::from_raw_parts(
                                                    l24.cast(),
                                                    len26,
                                                    len26,
                                                );
                                                _rt::string_lift(bytes26)
                                            };
                                            Error::UnknownKernel(e52)
                                        }
                                        6 => {
                                            let e52 = {
                                                let l27 = *ptr0.add(16).cast::<*mut u8>();
                                                let l28 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len29 = l28;
                                                let bytes29 = _rt::Vec::from_raw_parts(
                                                    l27.cast(),
                                                    len29,
                                                    len29,
                                                );
                                                _rt::string_lift(bytes29)
                                            };
                                            Error::InvalidLaunch(e52)
                                        }
                                        7 => {
                                            let e52 = {
                                                let l30 = *ptr0.add(16).cast::<*mut u8>();
                                                let l31 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len32 = l31;
                                                let bytes32 = _rt::Vec::from_raw_parts(
                                                    l30.cast(),
                                                    len32,
                                                    len32,
                                                );
                                                _rt::string_lift(bytes32)
                                            };
                                            Error::OutOfRange(e52)
                                        }
                                        8 => {
                                            let e52 = {
                                                let l33 = *ptr0.add(16).cast::<*mut u8>();
                                                let l34 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len35 = l34;
                                                let bytes35 = _rt::Vec::from_raw_parts(
                                                    l33.cast(),
                                                    len35,
                                                    len35,
                                                );
                                                let l36 = i32::from(
                                                    *ptr0
                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l40 = i32::from(
                                                    *ptr0
                                                        .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l44 = i32::from(
                                                    *ptr0
                                                        .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l46 = *ptr0
                                                    .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l47 = *ptr0
                                                    .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len48 = l47;
                                                let bytes48 = _rt::Vec::from_raw_parts(
                                                    l46.cast(),
                                                    len48,
                                                    len48,
                                                );
                                                Fault {
                                                    kernel: _rt::string_lift(bytes35),
                                                    block: match l36 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l37 = *ptr0
                                                                    .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l38 = *ptr0
                                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l39 = *ptr0
                                                                    .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l37 as u32,
                                                                    y: l38 as u32,
                                                                    z: l39 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    thread: match l40 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l41 = *ptr0
                                                                    .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l42 = *ptr0
                                                                    .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l43 = *ptr0
                                                                    .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l41 as u32,
                                                                    y: l42 as u32,
                                                                    z: l43 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    line: match l44 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l45 = *ptr0
                                                                    .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                l45 as u32
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    message: _rt::string_lift(bytes48),
                                                }
                                            };
                                            Error::Fault(e52)
                                        }
                                        n => {
                                            debug_assert_eq!(n, 9, "invalid enum discriminant");
                                            let e52 = {
                                                let l49 = *ptr0.add(16).cast::<*mut u8>();
                                                let l50 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len51 = l50;
                                                let bytes51 = _rt::Vec::from_raw_parts(
                                                    l49.cast(),
                                                    len51,
                                                    len51,
                                                );
                                                _rt::string_lift(bytes51)
                                            };
                                            Error::DeadlineExceeded(e52)
                                        }
                                    };
                                    v52
                                };
                                Err(e)
                            }
                            _ => _rt::invalid_enum_discriminant(),
                        };
                        result53
                    }
                }
            }
            impl Queue {
                #[allow(unused_unsafe, clippy::all)]
                /// Queues a launch. This call checks number, types and sizes of the arguments
                /// against the kernel's parameters.
                #[allow(async_fn_in_trait)]
                pub fn launch(
                    &self,
                    kernel: &Kernel,
                    config: LaunchConfig,
                    arguments: &[Argument<'_>],
                ) -> ::core::result::Result<(), Error> {
                    unsafe {
                        #[repr(align(8))]
                        struct RetArea(
                            [::core::mem::MaybeUninit<
                                u8,
                            >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let mut ret_area = RetArea(
                            [::core::mem::MaybeUninit::uninit(); 56
                                + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let LaunchConfig {
                            grid: grid0,
                            block: block0,
                            shared_memory: shared_memory0,
                        } = config;
                        let Extent { x: x1, y: y1, z: z1 } = grid0;
                        let Extent { x: x2, y: y2, z: z2 } = block0;
                        let vec5 = arguments;
                        let len5 = vec5.len();
                        let layout5 = _rt::alloc::Layout::from_size_align(
                                vec5.len() * 24,
                                8,
                            )
                            .unwrap();
                        let (result5, _cleanup5) = wit_bindgen::rt::Cleanup::new(
                            layout5,
                        );
                        for (i, e) in vec5.into_iter().enumerate() {
                            let base = result5.add(i * 24);
                            {
                                match e {
                                    Argument::Pointer(e) => {
                                        *base.add(0).cast::<u8>() = (0i32) as u8;
                                        let (t3_0, t3_1) = e;
                                        *base.add(8).cast::<i32>() = (t3_0).handle() as i32;
                                        *base.add(16).cast::<i64>() = _rt::as_i64(t3_1);
                                    }
                                    Argument::U8(e) => {
                                        *base.add(0).cast::<u8>() = (1i32) as u8;
                                        *base.add(8).cast::<u8>() = (_rt::as_i32(e)) as u8;
                                    }
                                    Argument::U16(e) => {
                                        *base.add(0).cast::<u8>() = (2i32) as u8;
                                        *base.add(8).cast::<u16>() = (_rt::as_i32(e)) as u16;
                                    }
                                    Argument::U32(e) => {
                                        *base.add(0).cast::<u8>() = (3i32) as u8;
                                        *base.add(8).cast::<i32>() = _rt::as_i32(e);
                                    }
                                    Argument::U64(e) => {
                                        *base.add(0).cast::<u8>() = (4i32) as u8;
                                        *base.add(8).cast::<i64>() = _rt::as_i64(e);
                                    }
                                    Argument::S8(e) => {
                                        *base.add(0).cast::<u8>() = (5i32) as u8;
                                        *base.add(8).cast::<u8>() = (_rt::as_i32(e)) as u8;
                                    }
                                    Argument::S16(e) => {
                                        *base.add(0).cast::<u8>() = (6i32) as u8;
                                        *base.add(8).cast::<u16>() = (_rt::as_i32(e)) as u16;
                                    }
                                    Argument::S32(e) => {
                                        *base.add(0).cast::<u8>() = (7i32) as u8;
                                        *base.add(8).cast::<i32>() = _rt::as_i32(e);
                                    }
                                    Argument::S64(e) => {
                                        *base.add(0).cast::<u8>() = (8i32) as u8;
                                        *base.add(8).cast::<i64>() = _rt::as_i64(e);
                                    }
                                    Argument::F16(e) => {
                                        *base.add(0).cast::<u8>() = (9i32) as u8;
                                        *base.add(8).cast::<u16>() = (_rt::as_i32(e)) as u16;
                                    }
                                    Argument::Bf16(e) => {
                                        *base.add(0).cast::<u8>() = (10i32) as u8;
                                        *base.add(8).cast::<u16>() = (_rt::as_i32(e)) as u16;
                                    }
                                    Argument::F32(e) => {
                                        *base.add(0).cast::<u8>() = (11i32) as u8;
                                        *base.add(8).cast::<f32>() = _rt::as_f32(e);
                                    }
                                    Argument::F64(e) => {
                                        *base.add(0).cast::<u8>() = (12i32) as u8;
                                        *base.add(8).cast::<f64>() = _rt::as_f64(e);
                                    }
                                    Argument::Bytes(e) => {
                                        *base.add(0).cast::<u8>() = (13i32) as u8;
                                        let vec4 = e;
                                        let ptr4 = vec4.as_ptr().cast::<u8>();
                                        let len4 = vec4.len();
                                        *base
                                            .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>() = len4;
                                        *base.add(8).cast::<*mut u8>() = ptr4.cast_mut();
                                    }
                                }
                            }
                        }
                        let ptr6 = ret_area.0.as_mut_ptr().cast::<u8>();
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]queue.launch"]
                            fn wit_import7(
                                _: i32,
                                _: i32,
                                _: i32,
                                _: i32,
                                _: i32,
                                _: i32,
                                _: i32,
                                _: i32,
                                _: i32,
                                _: *mut u8,
                                _: usize,
                                _: *mut u8,
                            );
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import7(
                            _: i32,
                            _: i32,
                            _: i32,
                            _: i32,
                            _: i32,
                            _: i32,
                            _: i32,
                            _: i32,
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                        ) {
                            unreachable!()
                        }
                        wit_import7(
                            (self).handle() as i32,
                            (kernel).handle() as i32,
                            _rt::as_i32(x1),
                            _rt::as_i32(y1),
                            _rt::as_i32(z1),
                            _rt::as_i32(x2),
                            _rt::as_i32(y2),
                            _rt::as_i32(z2),
                            _rt::as_i32(shared_memory0),
                            result5,
                            len5,
                            ptr6,
                        );
                        let l8 = i32::from(*ptr6.add(0).cast::<u8>());
                        let result59 = match l8 {
                            0 => {
                                let e = ();
                                Ok(e)
                            }
                            1 => {
                                let e = {
                                    let l9 = i32::from(*ptr6.add(8).cast::<u8>());
                                    let v58 = match l9 {
                                        0 => {
                                            let e58 = {
                                                let l10 = *ptr6.add(16).cast::<*mut u8>();
                                                let l11 = *ptr6
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len12 = l11;
                                                let bytes12 = _rt::Vec::from_raw_parts(
                                                    l10.cast(),
                                                    len12,
                                                    len12,
                                                );
                                                _rt::string_lift(bytes12)
                                            };
                                            Error::Denied(e58)
                                        }
                                        1 => {
                                            let e58 = {
                                                let l13 = *ptr6.add(16).cast::<*mut u8>();
                                                let l14 = *ptr6
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len15 = l14;
                                                let bytes15 = _rt::Vec::from_raw_parts(
                                                    l13.cast(),
                                                    len15,
                                                    len15,
                                                );
                                                _rt::string_lift(bytes15)
                                            };
                                            Error::DeviceLost(e58)
                                        }
                                        2 => {
                                            let e58 = {
                                                let l16 = *ptr6.add(16).cast::<*mut u8>();
                                                let l17 = *ptr6
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len18 = l17;
                                                let bytes18 = _rt::Vec::from_raw_parts(
                                                    l16.cast(),
                                                    len18,
                                                    len18,
                                                );
                                                let l19 = *ptr6
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                let l20 = *ptr6
                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                Quota {
                                                    resource_name: _rt::string_lift(bytes18),
                                                    limit: l19 as u64,
                                                    requested: l20 as u64,
                                                }
                                            };
                                            Error::QuotaExceeded(e58)
                                        }
                                        3 => {
                                            let e58 = {
                                                let l21 = *ptr6.add(16).cast::<i64>();
                                                l21 as u64
                                            };
                                            Error::OutOfMemory(e58)
                                        }
                                        4 => {
                                            let e58 = {
                                                let l22 = *ptr6.add(16).cast::<*mut u8>();
                                                let l23 = *ptr6
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let base29 = l22;
                                                let len29 = l23;
                                                let mut result29 = _rt::Vec::with_capacity(len29);
                                                for i in 0..len29 {
                                                    let base = base29
                                                        .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                    let e29 = {
                                                        let l24 = *base.add(0).cast::<i32>();
                                                        let l25 = *base.add(4).cast::<i32>();
                                                        let l26 = *base.add(8).cast::<*mut u8>();
                                                        let l27 = *base
                                                            .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        let len28 = l27;
                                                        let bytes28 = _rt::Vec::from_raw_parts(
                                                            l26.cast(),
                                                            len28,
                                                            len28,
                                                        );
                                                        Diagnostic {
                                                            line: l24 as u32,
                                                            column: l25 as u32,
                                                            message: _rt::string_lift(bytes28),
                                                        }
                                                    };
                                                    result29.push(e29);
                                                }
                                                _rt::cabi_dealloc(
                                                    base29,
                                                    len29 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                    ::core::mem::size_of::<*const u8>(),
                                                );
                                                result29
                                            };
                                            Error::InvalidModule(e58)
                                        }
                                        5 => {
                                            let e58 = {
                                                let l30 = *ptr6.add(16).cast::<*mut u8>();
                                                let l31 = *ptr6
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len32 = l31;
                                                let bytes32 = _rt::Vec::from_raw_parts(
                                                    l30.cast(),
                                                    len32,
                                                    len32,
                                                );
                                                _rt::string_lift(bytes32)
                                            };
                                            Error::UnknownKernel(e58)
                                        }
                                        6 => {
                                            let e58 = {
                                                let l33 = *ptr6.add(16).cast::<*mut u8>();
                                                let l34 = *ptr6
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len35 = l34;
                                                let bytes35 = _rt::Vec::from_raw_parts(
                                                    l33.cast(),
                                                    len35,
                                                    len35,
                                                );
                                                _rt::string_lift(bytes35)
                                            };
                                            Error::InvalidLaunch(e58)
                                        }
                                        7 => {
                                            let e58 = {
                                                let l36 = *ptr6.add(16).cast::<*mut u8>();
                                                let l37 = *ptr6
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len38 = l37;
                                                let bytes38 = _rt::Vec::from_raw_parts(
                                                    l36.cast(),
                                                    len38,
                                                    len38,
                                                );
                                                _rt::string_lift(bytes38)
                                            };
                                            Error::OutOfRange(e58)
                                        }
                                        8 => {
                                            let e58 = {
                                                let l39 = *ptr6.add(16).cast::<*mut u8>();
                                                let l40 = *ptr6
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len41 = l40;
                                                let bytes41 = _rt::Vec::from_raw_parts(
                                                    l39.cast(),
                                                    len41,
                                                    len41,
                                                );
                                                let l42 = i32::from(
                                                    *ptr6
                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l46 = i32::from(
                                                    *ptr6
                                                        .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l50 = i32::from(
                                                    *ptr6
                                                        .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l52 = *ptr6
                                                    .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l53 = *ptr6
                                                    .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len54 = l53;
                                                let bytes54 = _rt::Vec::from_raw_parts(
                                                    l52.cast(),
                                                    len54,
                                                    len54,
                                                );
                                                Fault {
                                                    kernel: _rt::string_lift(bytes41),
                                                    block: match l42 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l43 = *ptr6
                                                                    .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l44 = *ptr6
                                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l45 = *ptr6
                                                                    .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l43 as u32,
                                                                    y: l44 as u32,
                                                                    z: l45 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    thread: match l46 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l47 = *ptr6
                                                                    .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l48 = *ptr6
                                                                    .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l49 = *ptr6
                                                                    .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l47 as u32,
                                                                    y: l48 as u32,
                                                                    z: l49 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    line: match l50 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l51 = *ptr6
                                                                    .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                l51 as u32
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    message: _rt::string_lift(bytes54),
                                                }
                                            };
                                            Error::Fault(e58)
                                        }
                                        n => {
                                            debug_assert_eq!(n, 9, "invalid enum discriminant");
                                            let e58 = {
                                                let l55 = *ptr6.add(16).cast::<*mut u8>();
                                                let l56 = *ptr6
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len57 = l56;
                                                let bytes57 = _rt::Vec::from_raw_parts(
                                                    l55.cast(),
                                                    len57,
                                                    len57,
                                                );
                                                _rt::string_lift(bytes57)
                                            };
                                            Error::DeadlineExceeded(e58)
                                        }
                                    };
                                    v58
                                };
                                Err(e)
                            }
                            _ => _rt::invalid_enum_discriminant(),
                        };
                        result59
                    }
                }
            }
            impl Queue {
                #[allow(unused_unsafe, clippy::all)]
                /// Queues an event: a point in the queue, to wait for or to measure from.
                #[allow(async_fn_in_trait)]
                pub fn record_event(&self) -> ::core::result::Result<Event, Error> {
                    unsafe {
                        #[repr(align(8))]
                        struct RetArea(
                            [::core::mem::MaybeUninit<
                                u8,
                            >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let mut ret_area = RetArea(
                            [::core::mem::MaybeUninit::uninit(); 56
                                + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]queue.record-event"]
                            fn wit_import1(_: i32, _: *mut u8);
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import1(_: i32, _: *mut u8) {
                            unreachable!()
                        }
                        wit_import1((self).handle() as i32, ptr0);
                        let l2 = i32::from(*ptr0.add(0).cast::<u8>());
                        let result54 = match l2 {
                            0 => {
                                let e = {
                                    let l3 = *ptr0.add(8).cast::<i32>();
                                    Event::from_handle(l3 as u32)
                                };
                                Ok(e)
                            }
                            1 => {
                                let e = {
                                    let l4 = i32::from(*ptr0.add(8).cast::<u8>());
                                    let v53 = match l4 {
                                        0 => {
                                            let e53 = {
                                                let l5 = *ptr0.add(16).cast::<*mut u8>();
                                                let l6 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len7 = l6;
                                                let bytes7 = _rt::Vec::from_raw_parts(
                                                    l5.cast(),
                                                    len7,
                                                    len7,
                                                );
                                                _rt::string_lift(bytes7)
                                            };
                                            Error::Denied(e53)
                                        }
                                        1 => {
                                            let e53 = {
                                                let l8 = *ptr0.add(16).cast::<*mut u8>();
                                                let l9 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len10 = l9;
                                                let bytes10 = _rt::Vec::from_raw_parts(
                                                    l8.cast(),
                                                    len10,
                                                    len10,
                                                );
                                                _rt::string_lift(bytes10)
                                            };
                                            Error::DeviceLost(e53)
                                        }
                                        2 => {
                                            let e53 = {
                                                let l11 = *ptr0.add(16).cast::<*mut u8>();
                                                let l12 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len13 = l12;
                                                let bytes13 = _rt::Vec::from_raw_parts(
                                                    l11.cast(),
                                                    len13,
                                                    len13,
                                                );
                                                let l14 = *ptr0
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                let l15 = *ptr0
                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                Quota {
                                                    resource_name: _rt::string_lift(bytes13),
                                                    limit: l14 as u64,
                                                    requested: l15 as u64,
                                                }
                                            };
                                            Error::QuotaExceeded(e53)
                                        }
                                        3 => {
                                            let e53 = {
                                                let l16 = *ptr0.add(16).cast::<i64>();
                                                l16 as u64
                                            };
                                            Error::OutOfMemory(e53)
                                        }
                                        4 => {
                                            let e53 = {
                                                let l17 = *ptr0.add(16).cast::<*mut u8>();
                                                let l18 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let base24 = l17;
                                                let len24 = l18;
                                                let mut result24 = _rt::Vec::with_capacity(len24);
                                                for i in 0..len24 {
                                                    let base = base24
                                                        .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                    let e24 = {
                                                        let l19 = *base.add(0).cast::<i32>();
                                                        let l20 = *base.add(4).cast::<i32>();
                                                        let l21 = *base.add(8).cast::<*mut u8>();
                                                        let l22 = *base
                                                            .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        let len23 = l22;
                                                        let bytes23 = _rt::Vec::from_raw_parts(
                                                            l21.cast(),
                                                            len23,
                                                            len23,
                                                        );
                                                        Diagnostic {
                                                            line: l19 as u32,
                                                            column: l20 as u32,
                                                            message: _rt::string_lift(bytes23),
                                                        }
                                                    };
                                                    result24.push(e24);
                                                }
                                                _rt::cabi_dealloc(
                                                    base24,
                                                    len24 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                    ::core::mem::size_of::<*const u8>(),
                                                );
                                                result24
                                            };
                                            Error::InvalidModule(e53)
                                        }
                                        5 => {
                                            let e53 = {
                                                let l25 = *ptr0.add(16).cast::<*mut u8>();
                                                let l26 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len27 = l26;
                                                let bytes27 = _rt::Vec::from_raw_parts(
                                                    l25.cast(),
                                                    len27,
                                                    len27,
                                                );
                                                _rt::string_lift(bytes27)
                                            };
                                            Error::UnknownKernel(e53)
                                        }
                                        6 => {
                                            let e53 = {
                                                let l28 = *ptr0.add(16).cast::<*mut u8>();
                                                let l29 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len30 = l29;
                                                let bytes30 = _rt::Vec::from_raw_parts(
                                                    l28.cast(),
                                                    len30,
                                                    len30,
                                                );
                                                _rt::string_lift(bytes30)
                                            };
                                            Error::InvalidLaunch(e53)
                                        }
                                        7 => {
                                            let e53 = {
                                                let l31 = *ptr0.add(16).cast::<*mut u8>();
                                                let l32 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len33 = l32;
                                                let bytes33 = _rt::Vec::from_raw_parts(
                                                    l31.cast(),
                                                    len33,
                                                    len33,
                                                );
                                                _rt::string_lift(bytes33)
                                            };
                                            Error::OutOfRange(e53)
                                        }
                                        8 => {
                                            let e53 = {
                                                let l34 = *ptr0.add(16).cast::<*mut u8>();
                                                let l35 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len36 = l35;
                                                let bytes36 = _rt::Vec::from_raw_parts(
                                                    l34.cast(),
                                                    len36,
                                                    len36,
                                                );
                                                let l37 = i32::from(
                                                    *ptr0
                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l41 = i32::from(
                                                    *ptr0
                                                        .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l45 = i32::from(
                                                    *ptr0
                                                        .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l47 = *ptr0
                                                    .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l48 = *ptr0
                                                    .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len49 = l48;
                                                let bytes49 = _rt::Vec::from_raw_parts(
                                                    l47.cast(),
                                                    len49,
                                                    len49,
                                                );
                                                Fault {
                                                    kernel: _rt::string_lift(bytes36),
                                                    block: match l37 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l38 = *ptr0
                                                                    .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l39 = *ptr0
                                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l40 = *ptr0
                                                                    .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l38 as u32,
                                                                    y: l39 as u32,
                                                                    z: l40 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    thread: match l41 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l42 = *ptr0
                                                                    .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l43 = *ptr0
                                                                    .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l44 = *ptr0
                                                                    .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l42 as u32,
                                                                    y: l43 as u32,
                                                                    z: l44 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    line: match l45 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l46 = *ptr0
                                                                    .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                l46 as u32
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    message: _rt::string_lift(bytes49),
                                                }
                                            };
                                            Error::Fault(e53)
                                        }
                                        n => {
                                            debug_assert_eq!(n, 9, "invalid enum discriminant");
                                            let e53 = {
                                                let l50 = *ptr0.add(16).cast::<*mut u8>();
                                                let l51 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len52 = l51;
                                                let bytes52 = _rt::Vec::from_raw_parts(
                                                    l50.cast(),
                                                    len52,
                                                    len52,
                                                );
                                                _rt::string_lift(bytes52)
                                            };
                                            Error::DeadlineExceeded(e53)
                                        }
                                    };
                                    v53
                                };
                                Err(e)
                            }
                            _ => _rt::invalid_enum_discriminant(),
                        };
                        result54
                    }
                }
            }
            impl Queue {
                #[allow(unused_unsafe, clippy::all)]
                /// Waits until all queued commands are done.
                #[allow(async_fn_in_trait)]
                pub fn synchronize(&self) -> ::core::result::Result<(), Error> {
                    unsafe {
                        #[repr(align(8))]
                        struct RetArea(
                            [::core::mem::MaybeUninit<
                                u8,
                            >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let mut ret_area = RetArea(
                            [::core::mem::MaybeUninit::uninit(); 56
                                + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]queue.synchronize"]
                            fn wit_import1(_: i32, _: *mut u8);
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import1(_: i32, _: *mut u8) {
                            unreachable!()
                        }
                        wit_import1((self).handle() as i32, ptr0);
                        let l2 = i32::from(*ptr0.add(0).cast::<u8>());
                        let result53 = match l2 {
                            0 => {
                                let e = ();
                                Ok(e)
                            }
                            1 => {
                                let e = {
                                    let l3 = i32::from(*ptr0.add(8).cast::<u8>());
                                    let v52 = match l3 {
                                        0 => {
                                            let e52 = {
                                                let l4 = *ptr0.add(16).cast::<*mut u8>();
                                                let l5 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len6 = l5;
                                                let bytes6 = _rt::Vec::from_raw_parts(
                                                    l4.cast(),
                                                    len6,
                                                    len6,
                                                );
                                                _rt::string_lift(bytes6)
                                            };
                                            Error::Denied(e52)
                                        }
                                        1 => {
                                            let e52 = {
                                                let l7 = *ptr0.add(16).cast::<*mut u8>();
                                                let l8 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len9 = l8;
                                                let bytes9 = _rt::Vec::from_raw_parts(
                                                    l7.cast(),
                                                    len9,
                                                    len9,
                                                );
                                                _rt::string_lift(bytes9)
                                            };
                                            Error::DeviceLost(e52)
                                        }
                                        2 => {
                                            let e52 = {
                                                let l10 = *ptr0.add(16).cast::<*mut u8>();
                                                let l11 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len12 = l11;
                                                let bytes12 = _rt::Vec::from_raw_parts(
                                                    l10.cast(),
                                                    len12,
                                                    len12,
                                                );
                                                let l13 = *ptr0
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                let l14 = *ptr0
                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                Quota {
                                                    resource_name: _rt::string_lift(bytes12),
                                                    limit: l13 as u64,
                                                    requested: l14 as u64,
                                                }
                                            };
                                            Error::QuotaExceeded(e52)
                                        }
                                        3 => {
                                            let e52 = {
                                                let l15 = *ptr0.add(16).cast::<i64>();
                                                l15 as u64
                                            };
                                            Error::OutOfMemory(e52)
                                        }
                                        4 => {
                                            let e52 = {
                                                let l16 = *ptr0.add(16).cast::<*mut u8>();
                                                let l17 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let base23 = l16;
                                                let len23 = l17;
                                                let mut result23 = _rt::Vec::with_capacity(len23);
                                                for i in 0..len23 {
                                                    let base = base23
                                                        .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                    let e23 = {
                                                        let l18 = *base.add(0).cast::<i32>();
                                                        let l19 = *base.add(4).cast::<i32>();
                                                        let l20 = *base.add(8).cast::<*mut u8>();
                                                        let l21 = *base
                                                            .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        let len22 = l21;
                                                        let bytes22 = _rt::Vec::from_raw_parts(
                                                            l20.cast(),
                                                            len22,
                                                            len22,
                                                        );
                                                        Diagnostic {
                                                            line: l18 as u32,
                                                            column: l19 as u32,
                                                            message: _rt::string_lift(bytes22),
                                                        }
                                                    };
                                                    result23.push(e23);
                                                }
                                                _rt::cabi_dealloc(
                                                    base23,
                                                    len23 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                    ::core::mem::size_of::<*const u8>(),
                                                );
                                                result23
                                            };
                                            Error::InvalidModule(e52)
                                        }
                                        5 => {
                                            let e52 = {
                                                let l24 = *ptr0.add(16).cast::<*mut u8>();
                                                let l25 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len26 = l25;
                                                let bytes26 = _rt::Vec::from_raw_parts(
                                                    l24.cast(),
                                                    len26,
                                                    len26,
                                                );
                                                _rt::string_lift(bytes26)
                                            };
                                            Error::UnknownKernel(e52)
                                        }
                                        6 => {
                                            let e52 = {
                                                let l27 = *ptr0.add(16).cast::<*mut u8>();
                                                let l28 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len29 = l28;
                                                let bytes29 = _rt::Vec::from_raw_parts(
                                                    l27.cast(),
                                                    len29,
                                                    len29,
                                                );
                                                _rt::string_lift(bytes29)
                                            };
                                            Error::InvalidLaunch(e52)
                                        }
                                        7 => {
                                            let e52 = {
                                                let l30 = *ptr0.add(16).cast::<*mut u8>();
                                                let l31 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len32 = l31;
                                                let bytes32 = _rt::Vec::from_raw_parts(
                                                    l30.cast(),
                                                    len32,
                                                    len32,
                                                );
                                                _rt::string_lift(bytes32)
                                            };
                                            Error::OutOfRange(e52)
                                        }
                                        8 => {
                                            let e52 = {
                                                let l33 = *ptr0.add(16).cast::<*mut u8>();
                                                let l34 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len35 = l34;
                                                let bytes35 = _rt::Vec::from_raw_parts(
                                                    l33.cast(),
                                                    len35,
                                                    len35,
                                                );
                                                let l36 = i32::from(
                                                    *ptr0
                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l40 = i32::from(
                                                    *ptr0
                                                        .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l44 = i32::from(
                                                    *ptr0
                                                        .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l46 = *ptr0
                                                    .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l47 = *ptr0
                                                    .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len48 = l47;
                                                let bytes48 = _rt::Vec::from_raw_parts(
                                                    l46.cast(),
                                                    len48,
                                                    len48,
                                                );
                                                Fault {
                                                    kernel: _rt::string_lift(bytes35),
                                                    block: match l36 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l37 = *ptr0
                                                                    .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l38 = *ptr0
                                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l39 = *ptr0
                                                                    .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l37 as u32,
                                                                    y: l38 as u32,
                                                                    z: l39 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    thread: match l40 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l41 = *ptr0
                                                                    .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l42 = *ptr0
                                                                    .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l43 = *ptr0
                                                                    .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l41 as u32,
                                                                    y: l42 as u32,
                                                                    z: l43 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    line: match l44 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l45 = *ptr0
                                                                    .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                l45 as u32
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    message: _rt::string_lift(bytes48),
                                                }
                                            };
                                            Error::Fault(e52)
                                        }
                                        n => {
                                            debug_assert_eq!(n, 9, "invalid enum discriminant");
                                            let e52 = {
                                                let l49 = *ptr0.add(16).cast::<*mut u8>();
                                                let l50 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len51 = l50;
                                                let bytes51 = _rt::Vec::from_raw_parts(
                                                    l49.cast(),
                                                    len51,
                                                    len51,
                                                );
                                                _rt::string_lift(bytes51)
                                            };
                                            Error::DeadlineExceeded(e52)
                                        }
                                    };
                                    v52
                                };
                                Err(e)
                            }
                            _ => _rt::invalid_enum_discriminant(),
                        };
                        result53
                    }
                }
            }
            impl Event {
                #[allow(unused_unsafe, clippy::all)]
                /// Whether the device has reached it.
                #[allow(async_fn_in_trait)]
                pub fn is_done(&self) -> bool {
                    unsafe {
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]event.is-done"]
                            fn wit_import0(_: i32) -> i32;
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import0(_: i32) -> i32 {
                            unreachable!()
                        }
                        let ret = wit_import0((self).handle() as i32);
                        _rt::bool_lift(ret as u8)
                    }
                }
            }
            impl Event {
                #[allow(unused_unsafe, clippy::all)]
                /// Waits until the device has reached it.
                #[allow(async_fn_in_trait)]
                pub fn wait(&self) -> ::core::result::Result<(), Error> {
                    unsafe {
                        #[repr(align(8))]
                        struct RetArea(
                            [::core::mem::MaybeUninit<
                                u8,
                            >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let mut ret_area = RetArea(
                            [::core::mem::MaybeUninit::uninit(); 56
                                + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]event.wait"]
                            fn wit_import1(_: i32, _: *mut u8);
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import1(_: i32, _: *mut u8) {
                            unreachable!()
                        }
                        wit_import1((self).handle() as i32, ptr0);
                        let l2 = i32::from(*ptr0.add(0).cast::<u8>());
                        let result53 = match l2 {
                            0 => {
                                let e = ();
                                Ok(e)
                            }
                            1 => {
                                let e = {
                                    let l3 = i32::from(*ptr0.add(8).cast::<u8>());
                                    let v52 = match l3 {
                                        0 => {
                                            let e52 = {
                                                let l4 = *ptr0.add(16).cast::<*mut u8>();
                                                let l5 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len6 = l5;
                                                let bytes6 = _rt::Vec::from_raw_parts(
                                                    l4.cast(),
                                                    len6,
                                                    len6,
                                                );
                                                _rt::string_lift(bytes6)
                                            };
                                            Error::Denied(e52)
                                        }
                                        1 => {
                                            let e52 = {
                                                let l7 = *ptr0.add(16).cast::<*mut u8>();
                                                let l8 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len9 = l8;
                                                let bytes9 = _rt::Vec::from_raw_parts(
                                                    l7.cast(),
                                                    len9,
                                                    len9,
                                                );
                                                _rt::string_lift(bytes9)
                                            };
                                            Error::DeviceLost(e52)
                                        }
                                        2 => {
                                            let e52 = {
                                                let l10 = *ptr0.add(16).cast::<*mut u8>();
                                                let l11 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len12 = l11;
                                                let bytes12 = _rt::Vec::from_raw_parts(
                                                    l10.cast(),
                                                    len12,
                                                    len12,
                                                );
                                                let l13 = *ptr0
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                let l14 = *ptr0
                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                Quota {
                                                    resource_name: _rt::string_lift(bytes12),
                                                    limit: l13 as u64,
                                                    requested: l14 as u64,
                                                }
                                            };
                                            Error::QuotaExceeded(e52)
                                        }
                                        3 => {
                                            let e52 = {
                                                let l15 = *ptr0.add(16).cast::<i64>();
                                                l15 as u64
                                            };
                                            Error::OutOfMemory(e52)
                                        }
                                        4 => {
                                            let e52 = {
                                                let l16 = *ptr0.add(16).cast::<*mut u8>();
                                                let l17 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let base23 = l16;
                                                let len23 = l17;
                                                let mut result23 = _rt::Vec::with_capacity(len23);
                                                for i in 0..len23 {
                                                    let base = base23
                                                        .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                    let e23 = {
                                                        let l18 = *base.add(0).cast::<i32>();
                                                        let l19 = *base.add(4).cast::<i32>();
                                                        let l20 = *base.add(8).cast::<*mut u8>();
                                                        let l21 = *base
                                                            .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        let len22 = l21;
                                                        let bytes22 = _rt::Vec::from_raw_parts(
                                                            l20.cast(),
                                                            len22,
                                                            len22,
                                                        );
                                                        Diagnostic {
                                                            line: l18 as u32,
                                                            column: l19 as u32,
                                                            message: _rt::string_lift(bytes22),
                                                        }
                                                    };
                                                    result23.push(e23);
                                                }
                                                _rt::cabi_dealloc(
                                                    base23,
                                                    len23 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                    ::core::mem::size_of::<*const u8>(),
                                                );
                                                result23
                                            };
                                            Error::InvalidModule(e52)
                                        }
                                        5 => {
                                            let e52 = {
                                                let l24 = *ptr0.add(16).cast::<*mut u8>();
                                                let l25 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len26 = l25;
                                                let bytes26 = _rt::Vec::from_raw_parts(
                                                    l24.cast(),
                                                    len26,
                                                    len26,
                                                );
                                                _rt::string_lift(bytes26)
                                            };
                                            Error::UnknownKernel(e52)
                                        }
                                        6 => {
                                            let e52 = {
                                                let l27 = *ptr0.add(16).cast::<*mut u8>();
                                                let l28 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len29 = l28;
                                                let bytes29 = _rt::Vec::from_raw_parts(
                                                    l27.cast(),
                                                    len29,
                                                    len29,
                                                );
                                                _rt::string_lift(bytes29)
                                            };
                                            Error::InvalidLaunch(e52)
                                        }
                                        7 => {
                                            let e52 = {
                                                let l30 = *ptr0.add(16).cast::<*mut u8>();
                                                let l31 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len32 = l31;
                                                let bytes32 = _rt::Vec::from_raw_parts(
                                                    l30.cast(),
                                                    len32,
                                                    len32,
                                                );
                                                _rt::string_lift(bytes32)
                                            };
                                            Error::OutOfRange(e52)
                                        }
                                        8 => {
                                            let e52 = {
                                                let l33 = *ptr0.add(16).cast::<*mut u8>();
                                                let l34 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len35 = l34;
                                                let bytes35 = _rt::Vec::from_raw_parts(
                                                    l33.cast(),
                                                    len35,
                                                    len35,
                                                );
                                                let l36 = i32::from(
                                                    *ptr0
                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l40 = i32::from(
                                                    *ptr0
                                                        .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l44 = i32::from(
                                                    *ptr0
                                                        .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l46 = *ptr0
                                                    .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l47 = *ptr0
                                                    .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len48 = l47;
                                                let bytes48 = _rt::Vec::from_raw_parts(
                                                    l46.cast(),
                                                    len48,
                                                    len48,
                                                );
                                                Fault {
                                                    kernel: _rt::string_lift(bytes35),
                                                    block: match l36 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l37 = *ptr0
                                                                    .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l38 = *ptr0
                                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l39 = *ptr0
                                                                    .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l37 as u32,
                                                                    y: l38 as u32,
                                                                    z: l39 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    thread: match l40 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l41 = *ptr0
                                                                    .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l42 = *ptr0
                                                                    .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l43 = *ptr0
                                                                    .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l41 as u32,
                                                                    y: l42 as u32,
                                                                    z: l43 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    line: match l44 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l45 = *ptr0
                                                                    .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                l45 as u32
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    message: _rt::string_lift(bytes48),
                                                }
                                            };
                                            Error::Fault(e52)
                                        }
                                        n => {
                                            debug_assert_eq!(n, 9, "invalid enum discriminant");
                                            let e52 = {
                                                let l49 = *ptr0.add(16).cast::<*mut u8>();
                                                let l50 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len51 = l50;
                                                let bytes51 = _rt::Vec::from_raw_parts(
                                                    l49.cast(),
                                                    len51,
                                                    len51,
                                                );
                                                _rt::string_lift(bytes51)
                                            };
                                            Error::DeadlineExceeded(e52)
                                        }
                                    };
                                    v52
                                };
                                Err(e)
                            }
                            _ => _rt::invalid_enum_discriminant(),
                        };
                        result53
                    }
                }
            }
            impl Event {
                #[allow(unused_unsafe, clippy::all)]
                /// Time on the device between two events, in nanoseconds. Both must be done.
                #[allow(async_fn_in_trait)]
                pub fn elapsed_since(
                    &self,
                    earlier: &Event,
                ) -> ::core::result::Result<u64, Error> {
                    unsafe {
                        #[repr(align(8))]
                        struct RetArea(
                            [::core::mem::MaybeUninit<
                                u8,
                            >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let mut ret_area = RetArea(
                            [::core::mem::MaybeUninit::uninit(); 56
                                + 4 * ::core::mem::size_of::<*const u8>()],
                        );
                        let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                        #[cfg(target_arch = "wasm32")]
                        #[link(wasm_import_module = "tensor:gpu/kernels@0.1.0")]
                        unsafe extern "C" {
                            #[link_name = "[method]event.elapsed-since"]
                            fn wit_import1(_: i32, _: i32, _: *mut u8);
                        }
                        #[cfg(not(target_arch = "wasm32"))]
                        unsafe extern "C" fn wit_import1(_: i32, _: i32, _: *mut u8) {
                            unreachable!()
                        }
                        wit_import1(
                            (self).handle() as i32,
                            (earlier).handle() as i32,
                            ptr0,
                        );
                        let l2 = i32::from(*ptr0.add(0).cast::<u8>());
                        let result54 = match l2 {
                            0 => {
                                let e = {
                                    let l3 = *ptr0.add(8).cast::<i64>();
                                    l3 as u64
                                };
                                Ok(e)
                            }
                            1 => {
                                let e = {
                                    let l4 = i32::from(*ptr0.add(8).cast::<u8>());
                                    let v53 = match l4 {
                                        0 => {
                                            let e53 = {
                                                let l5 = *ptr0.add(16).cast::<*mut u8>();
                                                let l6 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len7 = l6;
                                                let bytes7 = _rt::Vec::from_raw_parts(
                                                    l5.cast(),
                                                    len7,
                                                    len7,
                                                );
                                                _rt::string_lift(bytes7)
                                            };
                                            Error::Denied(e53)
                                        }
                                        1 => {
                                            let e53 = {
                                                let l8 = *ptr0.add(16).cast::<*mut u8>();
                                                let l9 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len10 = l9;
                                                let bytes10 = _rt::Vec::from_raw_parts(
                                                    l8.cast(),
                                                    len10,
                                                    len10,
                                                );
                                                _rt::string_lift(bytes10)
                                            };
                                            Error::DeviceLost(e53)
                                        }
                                        2 => {
                                            let e53 = {
                                                let l11 = *ptr0.add(16).cast::<*mut u8>();
                                                let l12 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len13 = l12;
                                                let bytes13 = _rt::Vec::from_raw_parts(
                                                    l11.cast(),
                                                    len13,
                                                    len13,
                                                );
                                                let l14 = *ptr0
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                let l15 = *ptr0
                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>();
                                                Quota {
                                                    resource_name: _rt::string_lift(bytes13),
                                                    limit: l14 as u64,
                                                    requested: l15 as u64,
                                                }
                                            };
                                            Error::QuotaExceeded(e53)
                                        }
                                        3 => {
                                            let e53 = {
                                                let l16 = *ptr0.add(16).cast::<i64>();
                                                l16 as u64
                                            };
                                            Error::OutOfMemory(e53)
                                        }
                                        4 => {
                                            let e53 = {
                                                let l17 = *ptr0.add(16).cast::<*mut u8>();
                                                let l18 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let base24 = l17;
                                                let len24 = l18;
                                                let mut result24 = _rt::Vec::with_capacity(len24);
                                                for i in 0..len24 {
                                                    let base = base24
                                                        .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                    let e24 = {
                                                        let l19 = *base.add(0).cast::<i32>();
                                                        let l20 = *base.add(4).cast::<i32>();
                                                        let l21 = *base.add(8).cast::<*mut u8>();
                                                        let l22 = *base
                                                            .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        let len23 = l22;
                                                        let bytes23 = _rt::Vec::from_raw_parts(
                                                            l21.cast(),
                                                            len23,
                                                            len23,
                                                        );
                                                        Diagnostic {
                                                            line: l19 as u32,
                                                            column: l20 as u32,
                                                            message: _rt::string_lift(bytes23),
                                                        }
                                                    };
                                                    result24.push(e24);
                                                }
                                                _rt::cabi_dealloc(
                                                    base24,
                                                    len24 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                    ::core::mem::size_of::<*const u8>(),
                                                );
                                                result24
                                            };
                                            Error::InvalidModule(e53)
                                        }
                                        5 => {
                                            let e53 = {
                                                let l25 = *ptr0.add(16).cast::<*mut u8>();
                                                let l26 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len27 = l26;
                                                let bytes27 = _rt::Vec::from_raw_parts(
                                                    l25.cast(),
                                                    len27,
                                                    len27,
                                                );
                                                _rt::string_lift(bytes27)
                                            };
                                            Error::UnknownKernel(e53)
                                        }
                                        6 => {
                                            let e53 = {
                                                let l28 = *ptr0.add(16).cast::<*mut u8>();
                                                let l29 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len30 = l29;
                                                let bytes30 = _rt::Vec::from_raw_parts(
                                                    l28.cast(),
                                                    len30,
                                                    len30,
                                                );
                                                _rt::string_lift(bytes30)
                                            };
                                            Error::InvalidLaunch(e53)
                                        }
                                        7 => {
                                            let e53 = {
                                                let l31 = *ptr0.add(16).cast::<*mut u8>();
                                                let l32 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len33 = l32;
                                                let bytes33 = _rt::Vec::from_raw_parts(
                                                    l31.cast(),
                                                    len33,
                                                    len33,
                                                );
                                                _rt::string_lift(bytes33)
                                            };
                                            Error::OutOfRange(e53)
                                        }
                                        8 => {
                                            let e53 = {
                                                let l34 = *ptr0.add(16).cast::<*mut u8>();
                                                let l35 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len36 = l35;
                                                let bytes36 = _rt::Vec::from_raw_parts(
                                                    l34.cast(),
                                                    len36,
                                                    len36,
                                                );
                                                let l37 = i32::from(
                                                    *ptr0
                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l41 = i32::from(
                                                    *ptr0
                                                        .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l45 = i32::from(
                                                    *ptr0
                                                        .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<u8>(),
                                                );
                                                let l47 = *ptr0
                                                    .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l48 = *ptr0
                                                    .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len49 = l48;
                                                let bytes49 = _rt::Vec::from_raw_parts(
                                                    l47.cast(),
                                                    len49,
                                                    len49,
                                                );
                                                Fault {
                                                    kernel: _rt::string_lift(bytes36),
                                                    block: match l37 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l38 = *ptr0
                                                                    .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l39 = *ptr0
                                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l40 = *ptr0
                                                                    .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l38 as u32,
                                                                    y: l39 as u32,
                                                                    z: l40 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    thread: match l41 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l42 = *ptr0
                                                                    .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l43 = *ptr0
                                                                    .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                let l44 = *ptr0
                                                                    .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                Extent {
                                                                    x: l42 as u32,
                                                                    y: l43 as u32,
                                                                    z: l44 as u32,
                                                                }
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    line: match l45 {
                                                        0 => None,
                                                        1 => {
                                                            let e = {
                                                                let l46 = *ptr0
                                                                    .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<i32>();
                                                                l46 as u32
                                                            };
                                                            Some(e)
                                                        }
                                                        _ => _rt::invalid_enum_discriminant(),
                                                    },
                                                    message: _rt::string_lift(bytes49),
                                                }
                                            };
                                            Error::Fault(e53)
                                        }
                                        n => {
                                            debug_assert_eq!(n, 9, "invalid enum discriminant");
                                            let e53 = {
                                                let l50 = *ptr0.add(16).cast::<*mut u8>();
                                                let l51 = *ptr0
                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len52 = l51;
                                                let bytes52 = _rt::Vec::from_raw_parts(
                                                    l50.cast(),
                                                    len52,
                                                    len52,
                                                );
                                                _rt::string_lift(bytes52)
                                            };
                                            Error::DeadlineExceeded(e53)
                                        }
                                    };
                                    v53
                                };
                                Err(e)
                            }
                            _ => _rt::invalid_enum_discriminant(),
                        };
                        result54
                    }
                }
            }
        }
        /// Device memory that outlives the instance, so that a request can use data of an
        /// earlier one: weights, tables, a cache.
        ///
        /// Names belong to a *function*: one component as one tenant uses it. Where a host serves
        /// one component, that is a function for each tenant; where components are deployed
        /// under names, each of these is a function of the tenant that deployed it. A function
        /// neither sees nor changes the names of another.
        ///
        /// Names do not outlive a version of the function: a new version begins with none, so
        /// that it never finds data whose layout an older one chose, and the older version
        /// keeps its own for as long as it gets requests. A host may also forget all names of a
        /// function that has no instance, for example to use the memory for another, and they
        /// are lost with the device. So `lookup` may find nothing at any time, and the function
        /// then makes the buffer again.
        #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
        pub mod residency {
            #[used]
            #[doc(hidden)]
            static __FORCE_SECTION_REF: fn() = super::super::super::__link_custom_section_describing_imports;
            use super::super::super::_rt;
            pub type Buffer = super::super::super::tensor::gpu::kernels::Buffer;
            pub type Device = super::super::super::tensor::gpu::kernels::Device;
            pub type Error = super::super::super::tensor::gpu::kernels::Error;
            #[allow(unused_unsafe, clippy::all)]
            /// The buffer that is kept under this name, if any.
            #[allow(async_fn_in_trait)]
            pub fn lookup(
                device: &Device,
                name: &str,
            ) -> ::core::result::Result<::core::option::Option<Buffer>, Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 56
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = name;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let ptr1 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "tensor:gpu/residency@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "lookup"]
                        fn wit_import2(_: i32, _: *mut u8, _: usize, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import2(
                        _: i32,
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                    ) {
                        unreachable!()
                    }
                    wit_import2((device).handle() as i32, ptr0.cast_mut(), len0, ptr1);
                    let l3 = i32::from(*ptr1.add(0).cast::<u8>());
                    let result56 = match l3 {
                        0 => {
                            let e = {
                                let l4 = i32::from(*ptr1.add(8).cast::<u8>());
                                match l4 {
                                    0 => None,
                                    1 => {
                                        let e = {
                                            let l5 = *ptr1.add(12).cast::<i32>();
                                            super::super::super::tensor::gpu::kernels::Buffer::from_handle(
                                                l5 as u32,
                                            )
                                        };
                                        Some(e)
                                    }
                                    _ => _rt::invalid_enum_discriminant(),
                                }
                            };
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l6 = i32::from(*ptr1.add(8).cast::<u8>());
                                use super::super::super::tensor::gpu::kernels::Error as V55;
                                let v55 = match l6 {
                                    0 => {
                                        let e55 = {
                                            let l7 = *ptr1.add(16).cast::<*mut u8>();
                                            let l8 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len9 = l8;
                                            let bytes9 = _rt::Vec::from_raw_parts(
                                                l7.cast(),
                                                len9,
                                                len9,
                                            );
                                            _rt::string_lift(bytes9)
                                        };
                                        V55::Denied(e55)
                                    }
                                    1 => {
                                        let e55 = {
                                            let l10 = *ptr1.add(16).cast::<*mut u8>();
                                            let l11 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len12 = l11;
                                            let bytes12 = _rt::Vec::from_raw_parts(
                                                l10.cast(),
                                                len12,
                                                len12,
                                            );
                                            _rt::string_lift(bytes12)
                                        };
                                        V55::DeviceLost(e55)
                                    }
                                    2 => {
                                        let e55 = {
                                            let l13 = *ptr1.add(16).cast::<*mut u8>();
                                            let l14 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len15 = l14;
                                            let bytes15 = _rt::Vec::from_raw_parts(
                                                l13.cast(),
                                                len15,
                                                len15,
                                            );
                                            let l16 = *ptr1
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            let l17 = *ptr1
                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            super::super::super::tensor::gpu::kernels::Quota {
                                                resource_name: _rt::string_lift(bytes15),
                                                limit: l16 as u64,
                                                requested: l17 as u64,
                                            }
                                        };
                                        V55::QuotaExceeded(e55)
                                    }
                                    3 => {
                                        let e55 = {
                                            let l18 = *ptr1.add(16).cast::<i64>();
                                            l18 as u64
                                        };
                                        V55::OutOfMemory(e55)
                                    }
                                    4 => {
                                        let e55 = {
                                            let l19 = *ptr1.add(16).cast::<*mut u8>();
                                            let l20 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let base26 = l19;
                                            let len26 = l20;
                                            let mut result26 = _rt::Vec::with_capacity(len26);
                                            for i in 0..len26 {
                                                let base = base26
                                                    .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                let e26 = {
                                                    let l21 = *base.add(0).cast::<i32>();
                                                    let l22 = *base.add(4).cast::<i32>();
                                                    let l23 = *base.add(8).cast::<*mut u8>();
                                                    let l24 = *base
                                                        .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len25 = l24;
                                                    let bytes25 = _rt::Vec::from_raw_parts(
                                                        l23.cast(),
                                                        len25,
                                                        len25,
                                                    );
                                                    super::super::super::tensor::gpu::kernels::Diagnostic {
                                                        line: l21 as u32,
                                                        column: l22 as u32,
                                                        message: _rt::string_lift(bytes25),
                                                    }
                                                };
                                                result26.push(e26);
                                            }
                                            _rt::cabi_dealloc(
                                                base26,
                                                len26 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                ::core::mem::size_of::<*const u8>(),
                                            );
                                            result26
                                        };
                                        V55::InvalidModule(e55)
                                    }
                                    5 => {
                                        let e55 = {
                                            let l27 = *ptr1.add(16).cast::<*mut u8>();
                                            let l28 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len29 = l28;
                                            let bytes29 = _rt::Vec::from_raw_parts(
                                                l27.cast(),
                                                len29,
                                                len29,
                                            );
                                            _rt::string_lift(bytes29)
                                        };
                                        V55::UnknownKernel(e55)
                                    }
                                    6 => {
                                        let e55 = {
                                            let l30 = *ptr1.add(16).cast::<*mut u8>();
                                            let l31 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len32 = l31;
                                            let bytes32 = _rt::Vec::from_raw_parts(
                                                l30.cast(),
                                                len32,
                                                len32,
                                            );
                                            _rt::string_lift(bytes32)
                                        };
                                        V55::InvalidLaunch(e55)
                                    }
                                    7 => {
                                        let e55 = {
                                            let l33 = *ptr1.add(16).cast::<*mut u8>();
                                            let l34 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len35 = l34;
                                            let bytes35 = _rt::Vec::from_raw_parts(
                                                l33.cast(),
                                                len35,
                                                len35,
                                            );
                                            _rt::string_lift(bytes35)
                                        };
                                        V55::OutOfRange(e55)
                                    }
                                    8 => {
                                        let e55 = {
                                            let l36 = *ptr1.add(16).cast::<*mut u8>();
                                            let l37 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len38 = l37;
                                            let bytes38 = _rt::Vec::from_raw_parts(
                                                l36.cast(),
                                                len38,
                                                len38,
                                            );
                                            let l39 = i32::from(
                                                *ptr1
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l43 = i32::from(
                                                *ptr1
                                                    .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l47 = i32::from(
                                                *ptr1
                                                    .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l49 = *ptr1
                                                .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l50 = *ptr1
                                                .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len51 = l50;
                                            let bytes51 = _rt::Vec::from_raw_parts(
                                                l49.cast(),
                                                len51,
                                                len51,
                                            );
                                            super::super::super::tensor::gpu::kernels::Fault {
                                                kernel: _rt::string_lift(bytes38),
                                                block: match l39 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l40 = *ptr1
                                                                .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l41 = *ptr1
                                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l42 = *ptr1
                                                                .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l40 as u32,
                                                                y: l41 as u32,
                                                                z: l42 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                thread: match l43 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l44 = *ptr1
                                                                .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l45 = *ptr1
                                                                .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l46 = *ptr1
                                                                .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l44 as u32,
                                                                y: l45 as u32,
                                                                z: l46 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                line: match l47 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l48 = *ptr1
                                                                .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            l48 as u32
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                message: _rt::string_lift(bytes51),
                                            }
                                        };
                                        V55::Fault(e55)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 9, "invalid enum discriminant");
                                        let e55 = {
                                            let l52 = *ptr1.add(16).cast::<*mut u8>();
                                            let l53 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len54 = l53;
                                            let bytes54 = _rt::Vec::from_raw_parts(
                                                l52.cast(),
                                                len54,
                                                len54,
                                            );
                                            _rt::string_lift(bytes54)
                                        };
                                        V55::DeadlineExceeded(e55)
                                    }
                                };
                                v55
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result56
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Keeps a buffer under a name, and returns the buffer that the name now has: if
            /// another instance was first, its buffer stays. Before this call, wait
            /// for the commands that write the buffer, since the queues of other instances
            /// do not wait for those of this one.
            #[allow(async_fn_in_trait)]
            pub fn keep(
                name: &str,
                buffer: Buffer,
            ) -> ::core::result::Result<Buffer, Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 56
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = name;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let ptr1 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "tensor:gpu/residency@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "keep"]
                        fn wit_import2(_: *mut u8, _: usize, _: i32, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import2(
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                    ) {
                        unreachable!()
                    }
                    wit_import2(
                        ptr0.cast_mut(),
                        len0,
                        (&buffer).take_handle() as i32,
                        ptr1,
                    );
                    let l3 = i32::from(*ptr1.add(0).cast::<u8>());
                    let result55 = match l3 {
                        0 => {
                            let e = {
                                let l4 = *ptr1.add(8).cast::<i32>();
                                super::super::super::tensor::gpu::kernels::Buffer::from_handle(
                                    l4 as u32,
                                )
                            };
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l5 = i32::from(*ptr1.add(8).cast::<u8>());
                                use super::super::super::tensor::gpu::kernels::Error as V54;
                                let v54 = match l5 {
                                    0 => {
                                        let e54 = {
                                            let l6 = *ptr1.add(16).cast::<*mut u8>();
                                            let l7 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len8 = l7;
                                            let bytes8 = _rt::Vec::from_raw_parts(
                                                l6.cast(),
                                                len8,
                                                len8,
                                            );
                                            _rt::string_lift(bytes8)
                                        };
                                        V54::Denied(e54)
                                    }
                                    1 => {
                                        let e54 = {
                                            let l9 = *ptr1.add(16).cast::<*mut u8>();
                                            let l10 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len11 = l10;
                                            let bytes11 = _rt::Vec::from_raw_parts(
                                                l9.cast(),
                                                len11,
                                                len11,
                                            );
                                            _rt::string_lift(bytes11)
                                        };
                                        V54::DeviceLost(e54)
                                    }
                                    2 => {
                                        let e54 = {
                                            let l12 = *ptr1.add(16).cast::<*mut u8>();
                                            let l13 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len14 = l13;
                                            let bytes14 = _rt::Vec::from_raw_parts(
                                                l12.cast(),
                                                len14,
                                                len14,
                                            );
                                            let l15 = *ptr1
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            let l16 = *ptr1
                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            super::super::super::tensor::gpu::kernels::Quota {
                                                resource_name: _rt::string_lift(bytes14),
                                                limit: l15 as u64,
                                                requested: l16 as u64,
                                            }
                                        };
                                        V54::QuotaExceeded(e54)
                                    }
                                    3 => {
                                        let e54 = {
                                            let l17 = *ptr1.add(16).cast::<i64>();
                                            l17 as u64
                                        };
                                        V54::OutOfMemory(e54)
                                    }
                                    4 => {
                                        let e54 = {
                                            let l18 = *ptr1.add(16).cast::<*mut u8>();
                                            let l19 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let base25 = l18;
                                            let len25 = l19;
                                            let mut result25 = _rt::Vec::with_capacity(len25);
                                            for i in 0..len25 {
                                                let base = base25
                                                    .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                let e25 = {
                                                    let l20 = *base.add(0).cast::<i32>();
                                                    let l21 = *base.add(4).cast::<i32>();
                                                    let l22 = *base.add(8).cast::<*mut u8>();
                                                    let l23 = *base
                                                        .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len24 = l23;
                                                    let bytes24 = _rt::Vec::from_raw_parts(
                                                        l22.cast(),
                                                        len24,
                                                        len24,
                                                    );
                                                    super::super::super::tensor::gpu::kernels::Diagnostic {
                                                        line: l20 as u32,
                                                        column: l21 as u32,
                                                        message: _rt::string_lift(bytes24),
                                                    }
                                                };
                                                result25.push(e25);
                                            }
                                            _rt::cabi_dealloc(
                                                base25,
                                                len25 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                ::core::mem::size_of::<*const u8>(),
                                            );
                                            result25
                                        };
                                        V54::InvalidModule(e54)
                                    }
                                    5 => {
                                        let e54 = {
                                            let l26 = *ptr1.add(16).cast::<*mut u8>();
                                            let l27 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len28 = l27;
                                            let bytes28 = _rt::Vec::from_raw_parts(
                                                l26.cast(),
                                                len28,
                                                len28,
                                            );
                                            _rt::string_lift(bytes28)
                                        };
                                        V54::UnknownKernel(e54)
                                    }
                                    6 => {
                                        let e54 = {
                                            let l29 = *ptr1.add(16).cast::<*mut u8>();
                                            let l30 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len31 = l30;
                                            let bytes31 = _rt::Vec::from_raw_parts(
                                                l29.cast(),
                                                len31,
                                                len31,
                                            );
                                            _rt::string_lift(bytes31)
                                        };
                                        V54::InvalidLaunch(e54)
                                    }
                                    7 => {
                                        let e54 = {
                                            let l32 = *ptr1.add(16).cast::<*mut u8>();
                                            let l33 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len34 = l33;
                                            let bytes34 = _rt::Vec::from_raw_parts(
                                                l32.cast(),
                                                len34,
                                                len34,
                                            );
                                            _rt::string_lift(bytes34)
                                        };
                                        V54::OutOfRange(e54)
                                    }
                                    8 => {
                                        let e54 = {
                                            let l35 = *ptr1.add(16).cast::<*mut u8>();
                                            let l36 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len37 = l36;
                                            let bytes37 = _rt::Vec::from_raw_parts(
                                                l35.cast(),
                                                len37,
                                                len37,
                                            );
                                            let l38 = i32::from(
                                                *ptr1
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l42 = i32::from(
                                                *ptr1
                                                    .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l46 = i32::from(
                                                *ptr1
                                                    .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l48 = *ptr1
                                                .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l49 = *ptr1
                                                .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len50 = l49;
                                            let bytes50 = _rt::Vec::from_raw_parts(
                                                l48.cast(),
                                                len50,
                                                len50,
                                            );
                                            super::super::super::tensor::gpu::kernels::Fault {
                                                kernel: _rt::string_lift(bytes37),
                                                block: match l38 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l39 = *ptr1
                                                                .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l40 = *ptr1
                                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l41 = *ptr1
                                                                .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l39 as u32,
                                                                y: l40 as u32,
                                                                z: l41 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                thread: match l42 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l43 = *ptr1
                                                                .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l44 = *ptr1
                                                                .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l45 = *ptr1
                                                                .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l43 as u32,
                                                                y: l44 as u32,
                                                                z: l45 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                line: match l46 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l47 = *ptr1
                                                                .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            l47 as u32
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                message: _rt::string_lift(bytes50),
                                            }
                                        };
                                        V54::Fault(e54)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 9, "invalid enum discriminant");
                                        let e54 = {
                                            let l51 = *ptr1.add(16).cast::<*mut u8>();
                                            let l52 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len53 = l52;
                                            let bytes53 = _rt::Vec::from_raw_parts(
                                                l51.cast(),
                                                len53,
                                                len53,
                                            );
                                            _rt::string_lift(bytes53)
                                        };
                                        V54::DeadlineExceeded(e54)
                                    }
                                };
                                v54
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result55
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Removes a name. The memory is freed when the last handle to it is dropped and
            /// the commands that use it are done.
            #[allow(async_fn_in_trait)]
            pub fn release(name: &str) -> ::core::result::Result<(), Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 56
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = name;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let ptr1 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "tensor:gpu/residency@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "release"]
                        fn wit_import2(_: *mut u8, _: usize, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import2(_: *mut u8, _: usize, _: *mut u8) {
                        unreachable!()
                    }
                    wit_import2(ptr0.cast_mut(), len0, ptr1);
                    let l3 = i32::from(*ptr1.add(0).cast::<u8>());
                    let result54 = match l3 {
                        0 => {
                            let e = ();
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l4 = i32::from(*ptr1.add(8).cast::<u8>());
                                use super::super::super::tensor::gpu::kernels::Error as V53;
                                let v53 = match l4 {
                                    0 => {
                                        let e53 = {
                                            let l5 = *ptr1.add(16).cast::<*mut u8>();
                                            let l6 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len7 = l6;
                                            let bytes7 = _rt::Vec::from_raw_parts(
                                                l5.cast(),
                                                len7,
                                                len7,
                                            );
                                            _rt::string_lift(bytes7)
                                        };
                                        V53::Denied(e53)
                                    }
                                    1 => {
                                        let e53 = {
                                            let l8 = *ptr1.add(16).cast::<*mut u8>();
                                            let l9 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len10 = l9;
                                            let bytes10 = _rt::Vec::from_raw_parts(
                                                l8.cast(),
                                                len10,
                                                len10,
                                            );
                                            _rt::string_lift(bytes10)
                                        };
                                        V53::DeviceLost(e53)
                                    }
                                    2 => {
                                        let e53 = {
                                            let l11 = *ptr1.add(16).cast::<*mut u8>();
                                            let l12 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len13 = l12;
                                            let bytes13 = _rt::Vec::from_raw_parts(
                                                l11.cast(),
                                                len13,
                                                len13,
                                            );
                                            let l14 = *ptr1
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            let l15 = *ptr1
                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            super::super::super::tensor::gpu::kernels::Quota {
                                                resource_name: _rt::string_lift(bytes13),
                                                limit: l14 as u64,
                                                requested: l15 as u64,
                                            }
                                        };
                                        V53::QuotaExceeded(e53)
                                    }
                                    3 => {
                                        let e53 = {
                                            let l16 = *ptr1.add(16).cast::<i64>();
                                            l16 as u64
                                        };
                                        V53::OutOfMemory(e53)
                                    }
                                    4 => {
                                        let e53 = {
                                            let l17 = *ptr1.add(16).cast::<*mut u8>();
                                            let l18 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let base24 = l17;
                                            let len24 = l18;
                                            let mut result24 = _rt::Vec::with_capacity(len24);
                                            for i in 0..len24 {
                                                let base = base24
                                                    .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                let e24 = {
                                                    let l19 = *base.add(0).cast::<i32>();
                                                    let l20 = *base.add(4).cast::<i32>();
                                                    let l21 = *base.add(8).cast::<*mut u8>();
                                                    let l22 = *base
                                                        .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len23 = l22;
                                                    let bytes23 = _rt::Vec::from_raw_parts(
                                                        l21.cast(),
                                                        len23,
                                                        len23,
                                                    );
                                                    super::super::super::tensor::gpu::kernels::Diagnostic {
                                                        line: l19 as u32,
                                                        column: l20 as u32,
                                                        message: _rt::string_lift(bytes23),
                                                    }
                                                };
                                                result24.push(e24);
                                            }
                                            _rt::cabi_dealloc(
                                                base24,
                                                len24 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                ::core::mem::size_of::<*const u8>(),
                                            );
                                            result24
                                        };
                                        V53::InvalidModule(e53)
                                    }
                                    5 => {
                                        let e53 = {
                                            let l25 = *ptr1.add(16).cast::<*mut u8>();
                                            let l26 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len27 = l26;
                                            let bytes27 = _rt::Vec::from_raw_parts(
                                                l25.cast(),
                                                len27,
                                                len27,
                                            );
                                            _rt::string_lift(bytes27)
                                        };
                                        V53::UnknownKernel(e53)
                                    }
                                    6 => {
                                        let e53 = {
                                            let l28 = *ptr1.add(16).cast::<*mut u8>();
                                            let l29 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len30 = l29;
                                            let bytes30 = _rt::Vec::from_raw_parts(
                                                l28.cast(),
                                                len30,
                                                len30,
                                            );
                                            _rt::string_lift(bytes30)
                                        };
                                        V53::InvalidLaunch(e53)
                                    }
                                    7 => {
                                        let e53 = {
                                            let l31 = *ptr1.add(16).cast::<*mut u8>();
                                            let l32 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len33 = l32;
                                            let bytes33 = _rt::Vec::from_raw_parts(
                                                l31.cast(),
                                                len33,
                                                len33,
                                            );
                                            _rt::string_lift(bytes33)
                                        };
                                        V53::OutOfRange(e53)
                                    }
                                    8 => {
                                        let e53 = {
                                            let l34 = *ptr1.add(16).cast::<*mut u8>();
                                            let l35 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len36 = l35;
                                            let bytes36 = _rt::Vec::from_raw_parts(
                                                l34.cast(),
                                                len36,
                                                len36,
                                            );
                                            let l37 = i32::from(
                                                *ptr1
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l41 = i32::from(
                                                *ptr1
                                                    .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l45 = i32::from(
                                                *ptr1
                                                    .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l47 = *ptr1
                                                .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l48 = *ptr1
                                                .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len49 = l48;
                                            let bytes49 = _rt::Vec::from_raw_parts(
                                                l47.cast(),
                                                len49,
                                                len49,
                                            );
                                            super::super::super::tensor::gpu::kernels::Fault {
                                                kernel: _rt::string_lift(bytes36),
                                                block: match l37 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l38 = *ptr1
                                                                .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l39 = *ptr1
                                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l40 = *ptr1
                                                                .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l38 as u32,
                                                                y: l39 as u32,
                                                                z: l40 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                thread: match l41 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l42 = *ptr1
                                                                .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l43 = *ptr1
                                                                .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l44 = *ptr1
                                                                .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l42 as u32,
                                                                y: l43 as u32,
                                                                z: l44 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                line: match l45 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l46 = *ptr1
                                                                .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            l46 as u32
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                message: _rt::string_lift(bytes49),
                                            }
                                        };
                                        V53::Fault(e53)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 9, "invalid enum discriminant");
                                        let e53 = {
                                            let l50 = *ptr1.add(16).cast::<*mut u8>();
                                            let l51 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len52 = l51;
                                            let bytes52 = _rt::Vec::from_raw_parts(
                                                l50.cast(),
                                                len52,
                                                len52,
                                            );
                                            _rt::string_lift(bytes52)
                                        };
                                        V53::DeadlineExceeded(e53)
                                    }
                                };
                                v53
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result54
                }
            }
        }
        /// Products of matrices, with which most of the work of a neural network is done, and what
        /// networks compute between them: softmax, normalisation, reductions, the largest elements,
        /// attention. They are queued with the commands of `kernels` and executed in their order, and
        /// count in the same limits as launches.
        ///
        /// All but products are kernels of the host, which are compiled when they are first used: one for
        /// each operation, type of elements, choice of optional operands and class of size. They count as
        /// no modules of the tenant.
        ///
        /// Matrices lie row by row. The elements of a row lie next to each other, and
        /// `leading-dimension` says how many elements after the beginning of a row the next one
        /// begins.
        ///
        /// A call checks all shapes and ranges before it queues anything: it fails with
        /// `error.invalid-launch` where shapes do not fit each other, and with
        /// `error.out-of-range` where a matrix or a vector does not lie within its buffer.
        #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
        pub mod linear_algebra {
            #[used]
            #[doc(hidden)]
            static __FORCE_SECTION_REF: fn() = super::super::super::__link_custom_section_describing_imports;
            use super::super::super::_rt;
            pub type Buffer = super::super::super::tensor::gpu::kernels::Buffer;
            pub type Error = super::super::super::tensor::gpu::kernels::Error;
            pub type Queue = super::super::super::tensor::gpu::kernels::Queue;
            /// The type of the elements of factors and of the result.
            #[repr(u8)]
            #[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
            pub enum ElementType {
                F32,
                F64,
                /// IEEE 754 half precision. Products are summed up in `f32`, and the result is
                /// rounded once.
                F16,
                /// bfloat16, likewise.
                Bf16,
                /// Factors are `s8`, and the result is `s32`, in which sums wrap.
                S8,
            }
            impl ::core::fmt::Debug for ElementType {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    match self {
                        ElementType::F32 => f.debug_tuple("ElementType::F32").finish(),
                        ElementType::F64 => f.debug_tuple("ElementType::F64").finish(),
                        ElementType::F16 => f.debug_tuple("ElementType::F16").finish(),
                        ElementType::Bf16 => f.debug_tuple("ElementType::Bf16").finish(),
                        ElementType::S8 => f.debug_tuple("ElementType::S8").finish(),
                    }
                }
            }
            impl ElementType {
                #[doc(hidden)]
                pub unsafe fn _lift(val: u8) -> ElementType {
                    if !cfg!(debug_assertions) {
                        return unsafe { ::core::mem::transmute(val) };
                    }
                    match val {
                        0 => ElementType::F32,
                        1 => ElementType::F64,
                        2 => ElementType::F16,
                        3 => ElementType::Bf16,
                        4 => ElementType::S8,
                        _ => panic!("invalid enum discriminant"),
                    }
                }
            }
            /// A matrix in a buffer, or a batch of equally spaced ones.
            pub struct Matrix<'a> {
                pub buffer: &'a Buffer,
                /// Where the first element lies, in bytes: a multiple of the size of an element.
                pub offset: u64,
                /// In elements: at least as many as a row has.
                pub leading_dimension: u64,
                /// From the beginning of one matrix of a batch to that of the next, in elements. 0 uses
                /// one factor for the whole batch.
                pub stride: u64,
                /// Whether the matrix lies transposed in memory: column by column. Not for results.
                pub transposed: bool,
            }
            impl<'a> ::core::fmt::Debug for Matrix<'a> {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("Matrix")
                        .field("buffer", &self.buffer)
                        .field("offset", &self.offset)
                        .field("leading-dimension", &self.leading_dimension)
                        .field("stride", &self.stride)
                        .field("transposed", &self.transposed)
                        .finish()
                }
            }
            /// A vector in a buffer.
            pub struct Vector<'a> {
                pub buffer: &'a Buffer,
                /// Where the first element lies, in bytes: a multiple of the size of an element.
                pub offset: u64,
                /// From one element to the next, in elements: at least 1.
                pub increment: u64,
            }
            impl<'a> ::core::fmt::Debug for Vector<'a> {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("Vector")
                        .field("buffer", &self.buffer)
                        .field("offset", &self.offset)
                        .field("increment", &self.increment)
                        .finish()
                }
            }
            /// A function that is applied to each element of the result.
            #[repr(u8)]
            #[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
            pub enum Activation {
                None,
                /// `max(x, 0)`; a NaN stays a NaN.
                Relu,
                /// `x * Φ(x)`, with the distribution function Φ of the normal distribution; to
                /// within 1e-6 of the larger of 1 and the magnitude of x. Not for `f64`.
                Gelu,
            }
            impl ::core::fmt::Debug for Activation {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    match self {
                        Activation::None => f.debug_tuple("Activation::None").finish(),
                        Activation::Relu => f.debug_tuple("Activation::Relu").finish(),
                        Activation::Gelu => f.debug_tuple("Activation::Gelu").finish(),
                    }
                }
            }
            impl Activation {
                #[doc(hidden)]
                pub unsafe fn _lift(val: u8) -> Activation {
                    if !cfg!(debug_assertions) {
                        return unsafe { ::core::mem::transmute(val) };
                    }
                    match val {
                        0 => Activation::None,
                        1 => Activation::Relu,
                        2 => Activation::Gelu,
                        _ => panic!("invalid enum discriminant"),
                    }
                }
            }
            /// What happens to the result before it is written: `activation(result + bias)`. Not
            /// for `s8`.
            pub struct Epilogue<'a> {
                /// As many elements as the result has columns, of its type: one for each column.
                pub bias: ::core::option::Option<Vector<'a>>,
                pub activation: Activation,
            }
            impl<'a> ::core::fmt::Debug for Epilogue<'a> {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("Epilogue")
                        .field("bias", &self.bias)
                        .field("activation", &self.activation)
                        .finish()
                }
            }
            pub struct GemmConfig<'a> {
                pub element: ElementType,
                /// Rows of `a` and `c`.
                pub m: u64,
                /// Columns of `b` and `c`.
                pub n: u64,
                /// Columns of `a`, and rows of `b`.
                pub k: u64,
                /// For `s8`, whole numbers that are an `s32`.
                pub alpha: f64,
                pub beta: f64,
                /// How many products: 1, where there is no batch.
                pub batch: u64,
                pub epilogue: Epilogue<'a>,
            }
            impl<'a> ::core::fmt::Debug for GemmConfig<'a> {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("GemmConfig")
                        .field("element", &self.element)
                        .field("m", &self.m)
                        .field("n", &self.n)
                        .field("k", &self.k)
                        .field("alpha", &self.alpha)
                        .field("beta", &self.beta)
                        .field("batch", &self.batch)
                        .field("epilogue", &self.epilogue)
                        .finish()
                }
            }
            #[repr(C)]
            #[derive(Clone, Copy)]
            pub struct GemvConfig {
                pub element: ElementType,
                /// Rows of `a`, and elements of `y`.
                pub m: u64,
                /// Columns of `a`, and elements of `x`.
                pub n: u64,
                /// As in `gemm-config`.
                pub alpha: f64,
                pub beta: f64,
            }
            impl ::core::fmt::Debug for GemvConfig {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("GemvConfig")
                        .field("element", &self.element)
                        .field("m", &self.m)
                        .field("n", &self.n)
                        .field("alpha", &self.alpha)
                        .field("beta", &self.beta)
                        .finish()
                }
            }
            /// Rows in a buffer, whose elements lie next to each other.
            pub struct Rows<'a> {
                pub buffer: &'a Buffer,
                /// Where the first element lies, in bytes: a multiple of the size of an element.
                pub offset: u64,
                /// From the beginning of a row to that of the next, in elements: at least as many as a
                /// row has.
                pub leading_dimension: u64,
            }
            impl<'a> ::core::fmt::Debug for Rows<'a> {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("Rows")
                        .field("buffer", &self.buffer)
                        .field("offset", &self.offset)
                        .field("leading-dimension", &self.leading_dimension)
                        .finish()
                }
            }
            /// How many columns rows see: a `u32` each for `rows-per-length` rows that follow each other.
            pub struct RowLengths<'a> {
                pub lengths: Vector<'a>,
                /// At least 1.
                pub rows_per_length: u64,
            }
            impl<'a> ::core::fmt::Debug for RowLengths<'a> {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("RowLengths")
                        .field("lengths", &self.lengths)
                        .field("rows-per-length", &self.rows_per_length)
                        .finish()
                }
            }
            /// What is added to rows.
            pub struct AddedMask<'a> {
                pub mask: Rows<'a>,
                /// The rows of the mask: row i is given that of i modulo their number. At least 1.
                pub count: u64,
            }
            impl<'a> ::core::fmt::Debug for AddedMask<'a> {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("AddedMask")
                        .field("mask", &self.mask)
                        .field("count", &self.count)
                        .finish()
                }
            }
            /// Which elements, and how many. The operations on rows have `f32`, `f16` and `bf16`, all of
            /// which are computed with in `f32`. A row has at most 2147483647 elements. Where there are no
            /// elements, nothing is done.
            pub struct SoftmaxConfig<'a> {
                pub element: ElementType,
                pub rows: u64,
                pub columns: u64,
                /// What elements are multiplied by first. Finite, as an `f32`.
                pub scale: f64,
                /// Where there is a number of queries, row i is that of query i modulo the number. The
                /// last query sees all columns, and each one before it one less. At least 1.
                pub causal_queries: ::core::option::Option<u64>,
                /// How many columns each row sees at most.
                pub lengths: ::core::option::Option<RowLengths<'a>>,
                /// What is added after the multiplication, of the type of the elements.
                pub mask: ::core::option::Option<AddedMask<'a>>,
            }
            impl<'a> ::core::fmt::Debug for SoftmaxConfig<'a> {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("SoftmaxConfig")
                        .field("element", &self.element)
                        .field("rows", &self.rows)
                        .field("columns", &self.columns)
                        .field("scale", &self.scale)
                        .field("causal-queries", &self.causal_queries)
                        .field("lengths", &self.lengths)
                        .field("mask", &self.mask)
                        .finish()
                }
            }
            pub struct NormConfig<'a> {
                pub element: ElementType,
                pub rows: u64,
                pub columns: u64,
                /// What is added below the root. Finite and not negative, as an `f32`.
                pub epsilon: f64,
                /// What elements are multiplied by: as many as a row has, of their type.
                pub weight: ::core::option::Option<Vector<'a>>,
                /// What is added last: as many as a row has, of their type.
                pub bias: ::core::option::Option<Vector<'a>>,
            }
            impl<'a> ::core::fmt::Debug for NormConfig<'a> {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("NormConfig")
                        .field("element", &self.element)
                        .field("rows", &self.rows)
                        .field("columns", &self.columns)
                        .field("epsilon", &self.epsilon)
                        .field("weight", &self.weight)
                        .field("bias", &self.bias)
                        .finish()
                }
            }
            /// What a row comes down to.
            #[repr(u8)]
            #[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
            pub enum Reduction {
                /// Of the type of the elements; 0 of none.
                Sum,
                /// A NaN where there is one.
                Max,
                /// A NaN where there is one.
                Min,
                /// The column, from 0, of the first of the largest elements, or of the first NaN: a `u32`.
                ArgMax,
                /// The column, from 0, of the first of the least elements, or of the first NaN: a `u32`.
                ArgMin,
            }
            impl ::core::fmt::Debug for Reduction {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    match self {
                        Reduction::Sum => f.debug_tuple("Reduction::Sum").finish(),
                        Reduction::Max => f.debug_tuple("Reduction::Max").finish(),
                        Reduction::Min => f.debug_tuple("Reduction::Min").finish(),
                        Reduction::ArgMax => f.debug_tuple("Reduction::ArgMax").finish(),
                        Reduction::ArgMin => f.debug_tuple("Reduction::ArgMin").finish(),
                    }
                }
            }
            impl Reduction {
                #[doc(hidden)]
                pub unsafe fn _lift(val: u8) -> Reduction {
                    if !cfg!(debug_assertions) {
                        return unsafe { ::core::mem::transmute(val) };
                    }
                    match val {
                        0 => Reduction::Sum,
                        1 => Reduction::Max,
                        2 => Reduction::Min,
                        3 => Reduction::ArgMax,
                        4 => Reduction::ArgMin,
                        _ => panic!("invalid enum discriminant"),
                    }
                }
            }
            #[repr(C)]
            #[derive(Clone, Copy)]
            pub struct ReduceConfig {
                pub element: ElementType,
                pub reduction: Reduction,
                pub rows: u64,
                /// At least 1, but for a sum.
                pub columns: u64,
            }
            impl ::core::fmt::Debug for ReduceConfig {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("ReduceConfig")
                        .field("element", &self.element)
                        .field("reduction", &self.reduction)
                        .field("rows", &self.rows)
                        .field("columns", &self.columns)
                        .finish()
                }
            }
            #[repr(C)]
            #[derive(Clone, Copy)]
            pub struct TopKConfig {
                pub element: ElementType,
                pub rows: u64,
                pub columns: u64,
                /// At most `columns`, and 1024.
                pub k: u64,
            }
            impl ::core::fmt::Debug for TopKConfig {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("TopKConfig")
                        .field("element", &self.element)
                        .field("rows", &self.rows)
                        .field("columns", &self.columns)
                        .field("k", &self.k)
                        .finish()
                }
            }
            /// Queries, keys, values or results of all heads of a batch. The elements of a row lie next to
            /// each other. Strides are in elements, and may be in any order: heads may lie beside each other
            /// in the same rows, or behind each other. Results may not share elements.
            pub struct HeadRows<'a> {
                pub buffer: &'a Buffer,
                /// Where the first element lies, in bytes: a multiple of the size of an element.
                pub offset: u64,
                /// From a row of a head to the next.
                pub row_stride: u64,
                /// From a head to the next.
                pub head_stride: u64,
                /// From one of the batch to the next.
                pub batch_stride: u64,
            }
            impl<'a> ::core::fmt::Debug for HeadRows<'a> {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("HeadRows")
                        .field("buffer", &self.buffer)
                        .field("offset", &self.offset)
                        .field("row-stride", &self.row_stride)
                        .field("head-stride", &self.head_stride)
                        .field("batch-stride", &self.batch_stride)
                        .finish()
                }
            }
            pub struct AttentionConfig<'a> {
                /// `f32`, `f16` or `bf16`, all of which are computed with in `f32`.
                pub element: ElementType,
                pub batch: u64,
                /// Heads of `q` and `output`: at most 65535.
                pub heads: u64,
                /// Heads of `k` and `v`, each of which serves equally many heads of `q` that follow each
                /// other: a divisor of `heads`.
                pub key_heads: u64,
                /// Rows of a head of `q` and `output`: at most 1073741824.
                pub queries: u64,
                /// Rows of a head of `k` and `v`: at most 1073741824.
                pub keys: u64,
                /// The elements of a row: at most 256.
                pub size: u64,
                /// What products of queries and keys are multiplied by: most often `1 / sqrt(size)`. Finite,
                /// as an `f32`.
                pub scale: f64,
                /// Whether the last query sees all keys, and each one before it one less.
                pub causal: bool,
                /// How many keys there are of each of the batch, a `u32` each. Those behind are not read.
                pub lengths: ::core::option::Option<Vector<'a>>,
            }
            impl<'a> ::core::fmt::Debug for AttentionConfig<'a> {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("AttentionConfig")
                        .field("element", &self.element)
                        .field("batch", &self.batch)
                        .field("heads", &self.heads)
                        .field("key-heads", &self.key_heads)
                        .field("queries", &self.queries)
                        .field("keys", &self.keys)
                        .field("size", &self.size)
                        .field("scale", &self.scale)
                        .field("causal", &self.causal)
                        .field("lengths", &self.lengths)
                        .finish()
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Queues `c = activation(alpha * a * b + beta * c + bias)`. `a` has m rows and k columns,
            /// `b` k rows and n columns, each after it was transposed where it is to be. The result
            /// may share no byte with a factor or the bias, and the results of a batch none with each
            /// other. Where `beta` is 0, `c` is not read; where `alpha` is 0, neither factor is.
            #[allow(async_fn_in_trait)]
            pub fn gemm(
                queue: &Queue,
                config: &GemmConfig<'_>,
                a: &Matrix<'_>,
                b: &Matrix<'_>,
                c: &Matrix<'_>,
            ) -> ::core::result::Result<(), Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea([::core::mem::MaybeUninit<u8>; 224]);
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 224],
                    );
                    let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                    *ptr0.add(0).cast::<i32>() = (queue).handle() as i32;
                    let GemmConfig {
                        element: element1,
                        m: m1,
                        n: n1,
                        k: k1,
                        alpha: alpha1,
                        beta: beta1,
                        batch: batch1,
                        epilogue: epilogue1,
                    } = config;
                    *ptr0.add(8).cast::<u8>() = (element1.clone() as i32) as u8;
                    *ptr0.add(16).cast::<i64>() = _rt::as_i64(m1);
                    *ptr0.add(24).cast::<i64>() = _rt::as_i64(n1);
                    *ptr0.add(32).cast::<i64>() = _rt::as_i64(k1);
                    *ptr0.add(40).cast::<f64>() = _rt::as_f64(alpha1);
                    *ptr0.add(48).cast::<f64>() = _rt::as_f64(beta1);
                    *ptr0.add(56).cast::<i64>() = _rt::as_i64(batch1);
                    let Epilogue { bias: bias2, activation: activation2 } = epilogue1;
                    match bias2 {
                        Some(e) => {
                            *ptr0.add(64).cast::<u8>() = (1i32) as u8;
                            let Vector {
                                buffer: buffer3,
                                offset: offset3,
                                increment: increment3,
                            } = e;
                            *ptr0.add(72).cast::<i32>() = (buffer3).handle() as i32;
                            *ptr0.add(80).cast::<i64>() = _rt::as_i64(offset3);
                            *ptr0.add(88).cast::<i64>() = _rt::as_i64(increment3);
                        }
                        None => {
                            *ptr0.add(64).cast::<u8>() = (0i32) as u8;
                        }
                    };
                    *ptr0.add(96).cast::<u8>() = (activation2.clone() as i32) as u8;
                    let Matrix {
                        buffer: buffer4,
                        offset: offset4,
                        leading_dimension: leading_dimension4,
                        stride: stride4,
                        transposed: transposed4,
                    } = a;
                    *ptr0.add(104).cast::<i32>() = (buffer4).handle() as i32;
                    *ptr0.add(112).cast::<i64>() = _rt::as_i64(offset4);
                    *ptr0.add(120).cast::<i64>() = _rt::as_i64(leading_dimension4);
                    *ptr0.add(128).cast::<i64>() = _rt::as_i64(stride4);
                    *ptr0.add(136).cast::<u8>() = (match transposed4 {
                        true => 1,
                        false => 0,
                    }) as u8;
                    let Matrix {
                        buffer: buffer5,
                        offset: offset5,
                        leading_dimension: leading_dimension5,
                        stride: stride5,
                        transposed: transposed5,
                    } = b;
                    *ptr0.add(144).cast::<i32>() = (buffer5).handle() as i32;
                    *ptr0.add(152).cast::<i64>() = _rt::as_i64(offset5);
                    *ptr0.add(160).cast::<i64>() = _rt::as_i64(leading_dimension5);
                    *ptr0.add(168).cast::<i64>() = _rt::as_i64(stride5);
                    *ptr0.add(176).cast::<u8>() = (match transposed5 {
                        true => 1,
                        false => 0,
                    }) as u8;
                    let Matrix {
                        buffer: buffer6,
                        offset: offset6,
                        leading_dimension: leading_dimension6,
                        stride: stride6,
                        transposed: transposed6,
                    } = c;
                    *ptr0.add(184).cast::<i32>() = (buffer6).handle() as i32;
                    *ptr0.add(192).cast::<i64>() = _rt::as_i64(offset6);
                    *ptr0.add(200).cast::<i64>() = _rt::as_i64(leading_dimension6);
                    *ptr0.add(208).cast::<i64>() = _rt::as_i64(stride6);
                    *ptr0.add(216).cast::<u8>() = (match transposed6 {
                        true => 1,
                        false => 0,
                    }) as u8;
                    let ptr7 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "tensor:gpu/linear-algebra@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "gemm"]
                        fn wit_import8(_: *mut u8, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import8(_: *mut u8, _: *mut u8) {
                        unreachable!()
                    }
                    wit_import8(ptr0, ptr7);
                    let l9 = i32::from(*ptr7.add(0).cast::<u8>());
                    let result60 = match l9 {
                        0 => {
                            let e = ();
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l10 = i32::from(*ptr7.add(8).cast::<u8>());
                                use super::super::super::tensor::gpu::kernels::Error as V59;
                                let v59 = match l10 {
                                    0 => {
                                        let e59 = {
                                            let l11 = *ptr7.add(16).cast::<*mut u8>();
                                            let l12 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len13 = l12;
                                            let bytes13 = _rt::Vec::from_raw_parts(
                                                l11.cast(),
                                                len13,
                                                len13,
                                            );
                                            _rt::string_lift(bytes13)
                                        };
                                        V59::Denied(e59)
                                    }
                                    1 => {
                                        let e59 = {
                                            let l14 = *ptr7.add(16).cast::<*mut u8>();
                                            let l15 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len16 = l15;
                                            let bytes16 = _rt::Vec::from_raw_parts(
                                                l14.cast(),
                                                len16,
                                                len16,
                                            );
                                            _rt::string_lift(bytes16)
                                        };
                                        V59::DeviceLost(e59)
                                    }
                                    2 => {
                                        let e59 = {
                                            let l17 = *ptr7.add(16).cast::<*mut u8>();
                                            let l18 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len19 = l18;
                                            let bytes19 = _rt::Vec::from_raw_parts(
                                                l17.cast(),
                                                len19,
                                                len19,
                                            );
                                            let l20 = *ptr7
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            let l21 = *ptr7
                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            super::super::super::tensor::gpu::kernels::Quota {
                                                resource_name: _rt::string_lift(bytes19),
                                                limit: l20 as u64,
                                                requested: l21 as u64,
                                            }
                                        };
                                        V59::QuotaExceeded(e59)
                                    }
                                    3 => {
                                        let e59 = {
                                            let l22 = *ptr7.add(16).cast::<i64>();
                                            l22 as u64
                                        };
                                        V59::OutOfMemory(e59)
                                    }
                                    4 => {
                                        let e59 = {
                                            let l23 = *ptr7.add(16).cast::<*mut u8>();
                                            let l24 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let base30 = l23;
                                            let len30 = l24;
                                            let mut result30 = _rt::Vec::with_capacity(len30);
                                            for i in 0..len30 {
                                                let base = base30
                                                    .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                let e30 = {
                                                    let l25 = *base.add(0).cast::<i32>();
                                                    let l26 = *base.add(4).cast::<i32>();
                                                    let l27 = *base.add(8).cast::<*mut u8>();
                                                    let l28 = *base
                                                        .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len29 = l28;
                                                    let bytes29 = _rt::Vec::from_raw_parts(
                                                        l27.cast(),
                                                        len29,
                                                        len29,
                                                    );
                                                    super::super::super::tensor::gpu::kernels::Diagnostic {
                                                        line: l25 as u32,
                                                        column: l26 as u32,
                                                        message: _rt::string_lift(bytes29),
                                                    }
                                                };
                                                result30.push(e30);
                                            }
                                            _rt::cabi_dealloc(
                                                base30,
                                                len30 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                ::core::mem::size_of::<*const u8>(),
                                            );
                                            result30
                                        };
                                        V59::InvalidModule(e59)
                                    }
                                    5 => {
                                        let e59 = {
                                            let l31 = *ptr7.add(16).cast::<*mut u8>();
                                            let l32 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len33 = l32;
                                            let bytes33 = _rt::Vec::from_raw_parts(
                                                l31.cast(),
                                                len33,
                                                len33,
                                            );
                                            _rt::string_lift(bytes33)
                                        };
                                        V59::UnknownKernel(e59)
                                    }
                                    6 => {
                                        let e59 = {
                                            let l34 = *ptr7.add(16).cast::<*mut u8>();
                                            let l35 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len36 = l35;
                                            let bytes36 = _rt::Vec::from_raw_parts(
                                                l34.cast(),
                                                len36,
                                                len36,
                                            );
                                            _rt::string_lift(bytes36)
                                        };
                                        V59::InvalidLaunch(e59)
                                    }
                                    7 => {
                                        let e59 = {
                                            let l37 = *ptr7.add(16).cast::<*mut u8>();
                                            let l38 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len39 = l38;
                                            let bytes39 = _rt::Vec::from_raw_parts(
                                                l37.cast(),
                                                len39,
                                                len39,
                                            );
                                            _rt::string_lift(bytes39)
                                        };
                                        V59::OutOfRange(e59)
                                    }
                                    8 => {
                                        let e59 = {
                                            let l40 = *ptr7.add(16).cast::<*mut u8>();
                                            let l41 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len42 = l41;
                                            let bytes42 = _rt::Vec::from_raw_parts(
                                                l40.cast(),
                                                len42,
                                                len42,
                                            );
                                            let l43 = i32::from(
                                                *ptr7
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l47 = i32::from(
                                                *ptr7
                                                    .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l51 = i32::from(
                                                *ptr7
                                                    .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l53 = *ptr7
                                                .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l54 = *ptr7
                                                .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len55 = l54;
                                            let bytes55 = _rt::Vec::from_raw_parts(
                                                l53.cast(),
                                                len55,
                                                len55,
                                            );
                                            super::super::super::tensor::gpu::kernels::Fault {
                                                kernel: _rt::string_lift(bytes42),
                                                block: match l43 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l44 = *ptr7
                                                                .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l45 = *ptr7
                                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l46 = *ptr7
                                                                .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l44 as u32,
                                                                y: l45 as u32,
                                                                z: l46 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                thread: match l47 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l48 = *ptr7
                                                                .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l49 = *ptr7
                                                                .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l50 = *ptr7
                                                                .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l48 as u32,
                                                                y: l49 as u32,
                                                                z: l50 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                line: match l51 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l52 = *ptr7
                                                                .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            l52 as u32
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                message: _rt::string_lift(bytes55),
                                            }
                                        };
                                        V59::Fault(e59)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 9, "invalid enum discriminant");
                                        let e59 = {
                                            let l56 = *ptr7.add(16).cast::<*mut u8>();
                                            let l57 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len58 = l57;
                                            let bytes58 = _rt::Vec::from_raw_parts(
                                                l56.cast(),
                                                len58,
                                                len58,
                                            );
                                            _rt::string_lift(bytes58)
                                        };
                                        V59::DeadlineExceeded(e59)
                                    }
                                };
                                v59
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result60
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Queues `y = alpha * a * x + beta * y`, with what `gemm` says of ranges and of numbers.
            /// `a` has m rows and n columns, after it was transposed where it is to be; its stride is
            /// not looked at.
            #[allow(async_fn_in_trait)]
            pub fn gemv(
                queue: &Queue,
                config: GemvConfig,
                a: &Matrix<'_>,
                x: &Vector<'_>,
                y: &Vector<'_>,
            ) -> ::core::result::Result<(), Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea([::core::mem::MaybeUninit<u8>; 136]);
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 136],
                    );
                    let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                    *ptr0.add(0).cast::<i32>() = (queue).handle() as i32;
                    let GemvConfig {
                        element: element1,
                        m: m1,
                        n: n1,
                        alpha: alpha1,
                        beta: beta1,
                    } = config;
                    *ptr0.add(8).cast::<u8>() = (element1.clone() as i32) as u8;
                    *ptr0.add(16).cast::<i64>() = _rt::as_i64(m1);
                    *ptr0.add(24).cast::<i64>() = _rt::as_i64(n1);
                    *ptr0.add(32).cast::<f64>() = _rt::as_f64(alpha1);
                    *ptr0.add(40).cast::<f64>() = _rt::as_f64(beta1);
                    let Matrix {
                        buffer: buffer2,
                        offset: offset2,
                        leading_dimension: leading_dimension2,
                        stride: stride2,
                        transposed: transposed2,
                    } = a;
                    *ptr0.add(48).cast::<i32>() = (buffer2).handle() as i32;
                    *ptr0.add(56).cast::<i64>() = _rt::as_i64(offset2);
                    *ptr0.add(64).cast::<i64>() = _rt::as_i64(leading_dimension2);
                    *ptr0.add(72).cast::<i64>() = _rt::as_i64(stride2);
                    *ptr0.add(80).cast::<u8>() = (match transposed2 {
                        true => 1,
                        false => 0,
                    }) as u8;
                    let Vector {
                        buffer: buffer3,
                        offset: offset3,
                        increment: increment3,
                    } = x;
                    *ptr0.add(88).cast::<i32>() = (buffer3).handle() as i32;
                    *ptr0.add(96).cast::<i64>() = _rt::as_i64(offset3);
                    *ptr0.add(104).cast::<i64>() = _rt::as_i64(increment3);
                    let Vector {
                        buffer: buffer4,
                        offset: offset4,
                        increment: increment4,
                    } = y;
                    *ptr0.add(112).cast::<i32>() = (buffer4).handle() as i32;
                    *ptr0.add(120).cast::<i64>() = _rt::as_i64(offset4);
                    *ptr0.add(128).cast::<i64>() = _rt::as_i64(increment4);
                    let ptr5 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "tensor:gpu/linear-algebra@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "gemv"]
                        fn wit_import6(_: *mut u8, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import6(_: *mut u8, _: *mut u8) {
                        unreachable!()
                    }
                    wit_import6(ptr0, ptr5);
                    let l7 = i32::from(*ptr5.add(0).cast::<u8>());
                    let result58 = match l7 {
                        0 => {
                            let e = ();
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l8 = i32::from(*ptr5.add(8).cast::<u8>());
                                use super::super::super::tensor::gpu::kernels::Error as V57;
                                let v57 = match l8 {
                                    0 => {
                                        let e57 = {
                                            let l9 = *ptr5.add(16).cast::<*mut u8>();
                                            let l10 = *ptr5
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len11 = l10;
                                            let bytes11 = _rt::Vec::from_raw_parts(
                                                l9.cast(),
                                                len11,
                                                len11,
                                            );
                                            _rt::string_lift(bytes11)
                                        };
                                        V57::Denied(e57)
                                    }
                                    1 => {
                                        let e57 = {
                                            let l12 = *ptr5.add(16).cast::<*mut u8>();
                                            let l13 = *ptr5
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len14 = l13;
                                            let bytes14 = _rt::Vec::from_raw_parts(
                                                l12.cast(),
                                                len14,
                                                len14,
                                            );
                                            _rt::string_lift(bytes14)
                                        };
                                        V57::DeviceLost(e57)
                                    }
                                    2 => {
                                        let e57 = {
                                            let l15 = *ptr5.add(16).cast::<*mut u8>();
                                            let l16 = *ptr5
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len17 = l16;
                                            let bytes17 = _rt::Vec::from_raw_parts(
                                                l15.cast(),
                                                len17,
                                                len17,
                                            );
                                            let l18 = *ptr5
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            let l19 = *ptr5
                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            super::super::super::tensor::gpu::kernels::Quota {
                                                resource_name: _rt::string_lift(bytes17),
                                                limit: l18 as u64,
                                                requested: l19 as u64,
                                            }
                                        };
                                        V57::QuotaExceeded(e57)
                                    }
                                    3 => {
                                        let e57 = {
                                            let l20 = *ptr5.add(16).cast::<i64>();
                                            l20 as u64
                                        };
                                        V57::OutOfMemory(e57)
                                    }
                                    4 => {
                                        let e57 = {
                                            let l21 = *ptr5.add(16).cast::<*mut u8>();
                                            let l22 = *ptr5
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let base28 = l21;
                                            let len28 = l22;
                                            let mut result28 = _rt::Vec::with_capacity(len28);
                                            for i in 0..len28 {
                                                let base = base28
                                                    .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                let e28 = {
                                                    let l23 = *base.add(0).cast::<i32>();
                                                    let l24 = *base.add(4).cast::<i32>();
                                                    let l25 = *base.add(8).cast::<*mut u8>();
                                                    let l26 = *base
                                                        .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len27 = l26;
                                                    let bytes27 = _rt::Vec::from_raw_parts(
                                                        l25.cast(),
                                                        len27,
                                                        len27,
                                                    );
                                                    super::super::super::tensor::gpu::kernels::Diagnostic {
                                                        line: l23 as u32,
                                                        column: l24 as u32,
                                                        message: _rt::string_lift(bytes27),
                                                    }
                                                };
                                                result28.push(e28);
                                            }
                                            _rt::cabi_dealloc(
                                                base28,
                                                len28 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                ::core::mem::size_of::<*const u8>(),
                                            );
                                            result28
                                        };
                                        V57::InvalidModule(e57)
                                    }
                                    5 => {
                                        let e57 = {
                                            let l29 = *ptr5.add(16).cast::<*mut u8>();
                                            let l30 = *ptr5
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len31 = l30;
                                            let bytes31 = _rt::Vec::from_raw_parts(
                                                l29.cast(),
                                                len31,
                                                len31,
                                            );
                                            _rt::string_lift(bytes31)
                                        };
                                        V57::UnknownKernel(e57)
                                    }
                                    6 => {
                                        let e57 = {
                                            let l32 = *ptr5.add(16).cast::<*mut u8>();
                                            let l33 = *ptr5
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len34 = l33;
                                            let bytes34 = _rt::Vec::from_raw_parts(
                                                l32.cast(),
                                                len34,
                                                len34,
                                            );
                                            _rt::string_lift(bytes34)
                                        };
                                        V57::InvalidLaunch(e57)
                                    }
                                    7 => {
                                        let e57 = {
                                            let l35 = *ptr5.add(16).cast::<*mut u8>();
                                            let l36 = *ptr5
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len37 = l36;
                                            let bytes37 = _rt::Vec::from_raw_parts(
                                                l35.cast(),
                                                len37,
                                                len37,
                                            );
                                            _rt::string_lift(bytes37)
                                        };
                                        V57::OutOfRange(e57)
                                    }
                                    8 => {
                                        let e57 = {
                                            let l38 = *ptr5.add(16).cast::<*mut u8>();
                                            let l39 = *ptr5
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len40 = l39;
                                            let bytes40 = _rt::Vec::from_raw_parts(
                                                l38.cast(),
                                                len40,
                                                len40,
                                            );
                                            let l41 = i32::from(
                                                *ptr5
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l45 = i32::from(
                                                *ptr5
                                                    .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l49 = i32::from(
                                                *ptr5
                                                    .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l51 = *ptr5
                                                .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l52 = *ptr5
                                                .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len53 = l52;
                                            let bytes53 = _rt::Vec::from_raw_parts(
                                                l51.cast(),
                                                len53,
                                                len53,
                                            );
                                            super::super::super::tensor::gpu::kernels::Fault {
                                                kernel: _rt::string_lift(bytes40),
                                                block: match l41 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l42 = *ptr5
                                                                .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l43 = *ptr5
                                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l44 = *ptr5
                                                                .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l42 as u32,
                                                                y: l43 as u32,
                                                                z: l44 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                thread: match l45 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l46 = *ptr5
                                                                .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l47 = *ptr5
                                                                .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l48 = *ptr5
                                                                .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l46 as u32,
                                                                y: l47 as u32,
                                                                z: l48 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                line: match l49 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l50 = *ptr5
                                                                .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            l50 as u32
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                message: _rt::string_lift(bytes53),
                                            }
                                        };
                                        V57::Fault(e57)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 9, "invalid enum discriminant");
                                        let e57 = {
                                            let l54 = *ptr5.add(16).cast::<*mut u8>();
                                            let l55 = *ptr5
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len56 = l55;
                                            let bytes56 = _rt::Vec::from_raw_parts(
                                                l54.cast(),
                                                len56,
                                                len56,
                                            );
                                            _rt::string_lift(bytes56)
                                        };
                                        V57::DeadlineExceeded(e57)
                                    }
                                };
                                v57
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result58
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Queues `output = exp(s) / sum(exp(s))`, with `s = scale * input + mask`, for each row over the
            /// columns that it sees. The elements of the others become 0, whatever they were: so do all of
            /// a row that sees none. A row that sees a NaN, positive infinity, or only negative infinity
            /// becomes NaN. `output` may be `input`; else they may share no part of a buffer.
            #[allow(async_fn_in_trait)]
            pub fn softmax(
                queue: &Queue,
                config: &SoftmaxConfig<'_>,
                input: &Rows<'_>,
                output: &Rows<'_>,
            ) -> ::core::result::Result<(), Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea([::core::mem::MaybeUninit<u8>; 184]);
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 184],
                    );
                    let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                    *ptr0.add(0).cast::<i32>() = (queue).handle() as i32;
                    let SoftmaxConfig {
                        element: element1,
                        rows: rows1,
                        columns: columns1,
                        scale: scale1,
                        causal_queries: causal_queries1,
                        lengths: lengths1,
                        mask: mask1,
                    } = config;
                    *ptr0.add(8).cast::<u8>() = (element1.clone() as i32) as u8;
                    *ptr0.add(16).cast::<i64>() = _rt::as_i64(rows1);
                    *ptr0.add(24).cast::<i64>() = _rt::as_i64(columns1);
                    *ptr0.add(32).cast::<f64>() = _rt::as_f64(scale1);
                    match causal_queries1 {
                        Some(e) => {
                            *ptr0.add(40).cast::<u8>() = (1i32) as u8;
                            *ptr0.add(48).cast::<i64>() = _rt::as_i64(e);
                        }
                        None => {
                            *ptr0.add(40).cast::<u8>() = (0i32) as u8;
                        }
                    };
                    match lengths1 {
                        Some(e) => {
                            *ptr0.add(56).cast::<u8>() = (1i32) as u8;
                            let RowLengths {
                                lengths: lengths2,
                                rows_per_length: rows_per_length2,
                            } = e;
                            let Vector {
                                buffer: buffer3,
                                offset: offset3,
                                increment: increment3,
                            } = lengths2;
                            *ptr0.add(64).cast::<i32>() = (buffer3).handle() as i32;
                            *ptr0.add(72).cast::<i64>() = _rt::as_i64(offset3);
                            *ptr0.add(80).cast::<i64>() = _rt::as_i64(increment3);
                            *ptr0.add(88).cast::<i64>() = _rt::as_i64(rows_per_length2);
                        }
                        None => {
                            *ptr0.add(56).cast::<u8>() = (0i32) as u8;
                        }
                    };
                    match mask1 {
                        Some(e) => {
                            *ptr0.add(96).cast::<u8>() = (1i32) as u8;
                            let AddedMask { mask: mask4, count: count4 } = e;
                            let Rows {
                                buffer: buffer5,
                                offset: offset5,
                                leading_dimension: leading_dimension5,
                            } = mask4;
                            *ptr0.add(104).cast::<i32>() = (buffer5).handle() as i32;
                            *ptr0.add(112).cast::<i64>() = _rt::as_i64(offset5);
                            *ptr0.add(120).cast::<i64>() = _rt::as_i64(
                                leading_dimension5,
                            );
                            *ptr0.add(128).cast::<i64>() = _rt::as_i64(count4);
                        }
                        None => {
                            *ptr0.add(96).cast::<u8>() = (0i32) as u8;
                        }
                    };
                    let Rows {
                        buffer: buffer6,
                        offset: offset6,
                        leading_dimension: leading_dimension6,
                    } = input;
                    *ptr0.add(136).cast::<i32>() = (buffer6).handle() as i32;
                    *ptr0.add(144).cast::<i64>() = _rt::as_i64(offset6);
                    *ptr0.add(152).cast::<i64>() = _rt::as_i64(leading_dimension6);
                    let Rows {
                        buffer: buffer7,
                        offset: offset7,
                        leading_dimension: leading_dimension7,
                    } = output;
                    *ptr0.add(160).cast::<i32>() = (buffer7).handle() as i32;
                    *ptr0.add(168).cast::<i64>() = _rt::as_i64(offset7);
                    *ptr0.add(176).cast::<i64>() = _rt::as_i64(leading_dimension7);
                    let ptr8 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "tensor:gpu/linear-algebra@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "softmax"]
                        fn wit_import9(_: *mut u8, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import9(_: *mut u8, _: *mut u8) {
                        unreachable!()
                    }
                    wit_import9(ptr0, ptr8);
                    let l10 = i32::from(*ptr8.add(0).cast::<u8>());
                    let result61 = match l10 {
                        0 => {
                            let e = ();
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l11 = i32::from(*ptr8.add(8).cast::<u8>());
                                use super::super::super::tensor::gpu::kernels::Error as V60;
                                let v60 = match l11 {
                                    0 => {
                                        let e60 = {
                                            let l12 = *ptr8.add(16).cast::<*mut u8>();
                                            let l13 = *ptr8
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len14 = l13;
                                            let bytes14 = _rt::Vec::from_raw_parts(
                                                l12.cast(),
                                                len14,
                                                len14,
                                            );
                                            _rt::string_lift(bytes14)
                                        };
                                        V60::Denied(e60)
                                    }
                                    1 => {
                                        let e60 = {
                                            let l15 = *ptr8.add(16).cast::<*mut u8>();
                                            let l16 = *ptr8
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len17 = l16;
                                            let bytes17 = _rt::Vec::from_raw_parts(
                                                l15.cast(),
                                                len17,
                                                len17,
                                            );
                                            _rt::string_lift(bytes17)
                                        };
                                        V60::DeviceLost(e60)
                                    }
                                    2 => {
                                        let e60 = {
                                            let l18 = *ptr8.add(16).cast::<*mut u8>();
                                            let l19 = *ptr8
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len20 = l19;
                                            let bytes20 = _rt::Vec::from_raw_parts(
                                                l18.cast(),
                                                len20,
                                                len20,
                                            );
                                            let l21 = *ptr8
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            let l22 = *ptr8
                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            super::super::super::tensor::gpu::kernels::Quota {
                                                resource_name: _rt::string_lift(bytes20),
                                                limit: l21 as u64,
                                                requested: l22 as u64,
                                            }
                                        };
                                        V60::QuotaExceeded(e60)
                                    }
                                    3 => {
                                        let e60 = {
                                            let l23 = *ptr8.add(16).cast::<i64>();
                                            l23 as u64
                                        };
                                        V60::OutOfMemory(e60)
                                    }
                                    4 => {
                                        let e60 = {
                                            let l24 = *ptr8.add(16).cast::<*mut u8>();
                                            let l25 = *ptr8
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let base31 = l24;
                                            let len31 = l25;
                                            let mut result31 = _rt::Vec::with_capacity(len31);
                                            for i in 0..len31 {
                                                let base = base31
                                                    .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                let e31 = {
                                                    let l26 = *base.add(0).cast::<i32>();
                                                    let l27 = *base.add(4).cast::<i32>();
                                                    let l28 = *base.add(8).cast::<*mut u8>();
                                                    let l29 = *base
                                                        .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len30 = l29;
                                                    let bytes30 = _rt::Vec::from_raw_parts(
                                                        l28.cast(),
                                                        len30,
                                                        len30,
                                                    );
                                                    super::super::super::tensor::gpu::kernels::Diagnostic {
                                                        line: l26 as u32,
                                                        column: l27 as u32,
                                                        message: _rt::string_lift(bytes30),
                                                    }
                                                };
                                                result31.push(e31);
                                            }
                                            _rt::cabi_dealloc(
                                                base31,
                                                len31 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                ::core::mem::size_of::<*const u8>(),
                                            );
                                            result31
                                        };
                                        V60::InvalidModule(e60)
                                    }
                                    5 => {
                                        let e60 = {
                                            let l32 = *ptr8.add(16).cast::<*mut u8>();
                                            let l33 = *ptr8
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len34 = l33;
                                            let bytes34 = _rt::Vec::from_raw_parts(
                                                l32.cast(),
                                                len34,
                                                len34,
                                            );
                                            _rt::string_lift(bytes34)
                                        };
                                        V60::UnknownKernel(e60)
                                    }
                                    6 => {
                                        let e60 = {
                                            let l35 = *ptr8.add(16).cast::<*mut u8>();
                                            let l36 = *ptr8
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len37 = l36;
                                            let bytes37 = _rt::Vec::from_raw_parts(
                                                l35.cast(),
                                                len37,
                                                len37,
                                            );
                                            _rt::string_lift(bytes37)
                                        };
                                        V60::InvalidLaunch(e60)
                                    }
                                    7 => {
                                        let e60 = {
                                            let l38 = *ptr8.add(16).cast::<*mut u8>();
                                            let l39 = *ptr8
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len40 = l39;
                                            let bytes40 = _rt::Vec::from_raw_parts(
                                                l38.cast(),
                                                len40,
                                                len40,
                                            );
                                            _rt::string_lift(bytes40)
                                        };
                                        V60::OutOfRange(e60)
                                    }
                                    8 => {
                                        let e60 = {
                                            let l41 = *ptr8.add(16).cast::<*mut u8>();
                                            let l42 = *ptr8
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len43 = l42;
                                            let bytes43 = _rt::Vec::from_raw_parts(
                                                l41.cast(),
                                                len43,
                                                len43,
                                            );
                                            let l44 = i32::from(
                                                *ptr8
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l48 = i32::from(
                                                *ptr8
                                                    .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l52 = i32::from(
                                                *ptr8
                                                    .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l54 = *ptr8
                                                .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l55 = *ptr8
                                                .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len56 = l55;
                                            let bytes56 = _rt::Vec::from_raw_parts(
                                                l54.cast(),
                                                len56,
                                                len56,
                                            );
                                            super::super::super::tensor::gpu::kernels::Fault {
                                                kernel: _rt::string_lift(bytes43),
                                                block: match l44 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l45 = *ptr8
                                                                .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l46 = *ptr8
                                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l47 = *ptr8
                                                                .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l45 as u32,
                                                                y: l46 as u32,
                                                                z: l47 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                thread: match l48 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l49 = *ptr8
                                                                .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l50 = *ptr8
                                                                .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l51 = *ptr8
                                                                .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l49 as u32,
                                                                y: l50 as u32,
                                                                z: l51 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                line: match l52 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l53 = *ptr8
                                                                .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            l53 as u32
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                message: _rt::string_lift(bytes56),
                                            }
                                        };
                                        V60::Fault(e60)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 9, "invalid enum discriminant");
                                        let e60 = {
                                            let l57 = *ptr8.add(16).cast::<*mut u8>();
                                            let l58 = *ptr8
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len59 = l58;
                                            let bytes59 = _rt::Vec::from_raw_parts(
                                                l57.cast(),
                                                len59,
                                                len59,
                                            );
                                            _rt::string_lift(bytes59)
                                        };
                                        V60::DeadlineExceeded(e60)
                                    }
                                };
                                v60
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result61
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Queues `output = (input - mean) / sqrt(variance + epsilon) * weight + bias` for each row, with
            /// the mean of the squares of `input - mean` as variance. A row with a NaN or an infinity becomes
            /// NaN. Where the sum of a row or of its squares is larger than `f32` holds, as it may be of
            /// elements from 1e14 on in magnitude, results are 0 or NaN before weight and bias. `output` may
            /// be `input`; else they may share no part of a buffer.
            #[allow(async_fn_in_trait)]
            pub fn layer_norm(
                queue: &Queue,
                config: &NormConfig<'_>,
                input: &Rows<'_>,
                output: &Rows<'_>,
            ) -> ::core::result::Result<(), Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea([::core::mem::MaybeUninit<u8>; 152]);
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 152],
                    );
                    let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                    *ptr0.add(0).cast::<i32>() = (queue).handle() as i32;
                    let NormConfig {
                        element: element1,
                        rows: rows1,
                        columns: columns1,
                        epsilon: epsilon1,
                        weight: weight1,
                        bias: bias1,
                    } = config;
                    *ptr0.add(8).cast::<u8>() = (element1.clone() as i32) as u8;
                    *ptr0.add(16).cast::<i64>() = _rt::as_i64(rows1);
                    *ptr0.add(24).cast::<i64>() = _rt::as_i64(columns1);
                    *ptr0.add(32).cast::<f64>() = _rt::as_f64(epsilon1);
                    match weight1 {
                        Some(e) => {
                            *ptr0.add(40).cast::<u8>() = (1i32) as u8;
                            let Vector {
                                buffer: buffer2,
                                offset: offset2,
                                increment: increment2,
                            } = e;
                            *ptr0.add(48).cast::<i32>() = (buffer2).handle() as i32;
                            *ptr0.add(56).cast::<i64>() = _rt::as_i64(offset2);
                            *ptr0.add(64).cast::<i64>() = _rt::as_i64(increment2);
                        }
                        None => {
                            *ptr0.add(40).cast::<u8>() = (0i32) as u8;
                        }
                    };
                    match bias1 {
                        Some(e) => {
                            *ptr0.add(72).cast::<u8>() = (1i32) as u8;
                            let Vector {
                                buffer: buffer3,
                                offset: offset3,
                                increment: increment3,
                            } = e;
                            *ptr0.add(80).cast::<i32>() = (buffer3).handle() as i32;
                            *ptr0.add(88).cast::<i64>() = _rt::as_i64(offset3);
                            *ptr0.add(96).cast::<i64>() = _rt::as_i64(increment3);
                        }
                        None => {
                            *ptr0.add(72).cast::<u8>() = (0i32) as u8;
                        }
                    };
                    let Rows {
                        buffer: buffer4,
                        offset: offset4,
                        leading_dimension: leading_dimension4,
                    } = input;
                    *ptr0.add(104).cast::<i32>() = (buffer4).handle() as i32;
                    *ptr0.add(112).cast::<i64>() = _rt::as_i64(offset4);
                    *ptr0.add(120).cast::<i64>() = _rt::as_i64(leading_dimension4);
                    let Rows {
                        buffer: buffer5,
                        offset: offset5,
                        leading_dimension: leading_dimension5,
                    } = output;
                    *ptr0.add(128).cast::<i32>() = (buffer5).handle() as i32;
                    *ptr0.add(136).cast::<i64>() = _rt::as_i64(offset5);
                    *ptr0.add(144).cast::<i64>() = _rt::as_i64(leading_dimension5);
                    let ptr6 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "tensor:gpu/linear-algebra@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "layer-norm"]
                        fn wit_import7(_: *mut u8, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import7(_: *mut u8, _: *mut u8) {
                        unreachable!()
                    }
                    wit_import7(ptr0, ptr6);
                    let l8 = i32::from(*ptr6.add(0).cast::<u8>());
                    let result59 = match l8 {
                        0 => {
                            let e = ();
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l9 = i32::from(*ptr6.add(8).cast::<u8>());
                                use super::super::super::tensor::gpu::kernels::Error as V58;
                                let v58 = match l9 {
                                    0 => {
                                        let e58 = {
                                            let l10 = *ptr6.add(16).cast::<*mut u8>();
                                            let l11 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len12 = l11;
                                            let bytes12 = _rt::Vec::from_raw_parts(
                                                l10.cast(),
                                                len12,
                                                len12,
                                            );
                                            _rt::string_lift(bytes12)
                                        };
                                        V58::Denied(e58)
                                    }
                                    1 => {
                                        let e58 = {
                                            let l13 = *ptr6.add(16).cast::<*mut u8>();
                                            let l14 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len15 = l14;
                                            let bytes15 = _rt::Vec::from_raw_parts(
                                                l13.cast(),
                                                len15,
                                                len15,
                                            );
                                            _rt::string_lift(bytes15)
                                        };
                                        V58::DeviceLost(e58)
                                    }
                                    2 => {
                                        let e58 = {
                                            let l16 = *ptr6.add(16).cast::<*mut u8>();
                                            let l17 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len18 = l17;
                                            let bytes18 = _rt::Vec::from_raw_parts(
                                                l16.cast(),
                                                len18,
                                                len18,
                                            );
                                            let l19 = *ptr6
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            let l20 = *ptr6
                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            super::super::super::tensor::gpu::kernels::Quota {
                                                resource_name: _rt::string_lift(bytes18),
                                                limit: l19 as u64,
                                                requested: l20 as u64,
                                            }
                                        };
                                        V58::QuotaExceeded(e58)
                                    }
                                    3 => {
                                        let e58 = {
                                            let l21 = *ptr6.add(16).cast::<i64>();
                                            l21 as u64
                                        };
                                        V58::OutOfMemory(e58)
                                    }
                                    4 => {
                                        let e58 = {
                                            let l22 = *ptr6.add(16).cast::<*mut u8>();
                                            let l23 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let base29 = l22;
                                            let len29 = l23;
                                            let mut result29 = _rt::Vec::with_capacity(len29);
                                            for i in 0..len29 {
                                                let base = base29
                                                    .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                let e29 = {
                                                    let l24 = *base.add(0).cast::<i32>();
                                                    let l25 = *base.add(4).cast::<i32>();
                                                    let l26 = *base.add(8).cast::<*mut u8>();
                                                    let l27 = *base
                                                        .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len28 = l27;
                                                    let bytes28 = _rt::Vec::from_raw_parts(
                                                        l26.cast(),
                                                        len28,
                                                        len28,
                                                    );
                                                    super::super::super::tensor::gpu::kernels::Diagnostic {
                                                        line: l24 as u32,
                                                        column: l25 as u32,
                                                        message: _rt::string_lift(bytes28),
                                                    }
                                                };
                                                result29.push(e29);
                                            }
                                            _rt::cabi_dealloc(
                                                base29,
                                                len29 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                ::core::mem::size_of::<*const u8>(),
                                            );
                                            result29
                                        };
                                        V58::InvalidModule(e58)
                                    }
                                    5 => {
                                        let e58 = {
                                            let l30 = *ptr6.add(16).cast::<*mut u8>();
                                            let l31 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len32 = l31;
                                            let bytes32 = _rt::Vec::from_raw_parts(
                                                l30.cast(),
                                                len32,
                                                len32,
                                            );
                                            _rt::string_lift(bytes32)
                                        };
                                        V58::UnknownKernel(e58)
                                    }
                                    6 => {
                                        let e58 = {
                                            let l33 = *ptr6.add(16).cast::<*mut u8>();
                                            let l34 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len35 = l34;
                                            let bytes35 = _rt::Vec::from_raw_parts(
                                                l33.cast(),
                                                len35,
                                                len35,
                                            );
                                            _rt::string_lift(bytes35)
                                        };
                                        V58::InvalidLaunch(e58)
                                    }
                                    7 => {
                                        let e58 = {
                                            let l36 = *ptr6.add(16).cast::<*mut u8>();
                                            let l37 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len38 = l37;
                                            let bytes38 = _rt::Vec::from_raw_parts(
                                                l36.cast(),
                                                len38,
                                                len38,
                                            );
                                            _rt::string_lift(bytes38)
                                        };
                                        V58::OutOfRange(e58)
                                    }
                                    8 => {
                                        let e58 = {
                                            let l39 = *ptr6.add(16).cast::<*mut u8>();
                                            let l40 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len41 = l40;
                                            let bytes41 = _rt::Vec::from_raw_parts(
                                                l39.cast(),
                                                len41,
                                                len41,
                                            );
                                            let l42 = i32::from(
                                                *ptr6
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l46 = i32::from(
                                                *ptr6
                                                    .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l50 = i32::from(
                                                *ptr6
                                                    .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l52 = *ptr6
                                                .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l53 = *ptr6
                                                .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len54 = l53;
                                            let bytes54 = _rt::Vec::from_raw_parts(
                                                l52.cast(),
                                                len54,
                                                len54,
                                            );
                                            super::super::super::tensor::gpu::kernels::Fault {
                                                kernel: _rt::string_lift(bytes41),
                                                block: match l42 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l43 = *ptr6
                                                                .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l44 = *ptr6
                                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l45 = *ptr6
                                                                .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l43 as u32,
                                                                y: l44 as u32,
                                                                z: l45 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                thread: match l46 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l47 = *ptr6
                                                                .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l48 = *ptr6
                                                                .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l49 = *ptr6
                                                                .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l47 as u32,
                                                                y: l48 as u32,
                                                                z: l49 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                line: match l50 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l51 = *ptr6
                                                                .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            l51 as u32
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                message: _rt::string_lift(bytes54),
                                            }
                                        };
                                        V58::Fault(e58)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 9, "invalid enum discriminant");
                                        let e58 = {
                                            let l55 = *ptr6.add(16).cast::<*mut u8>();
                                            let l56 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len57 = l56;
                                            let bytes57 = _rt::Vec::from_raw_parts(
                                                l55.cast(),
                                                len57,
                                                len57,
                                            );
                                            _rt::string_lift(bytes57)
                                        };
                                        V58::DeadlineExceeded(e58)
                                    }
                                };
                                v58
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result59
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Likewise, `output = input / sqrt(mean of squares + epsilon) * weight + bias`. A row with a NaN
            /// becomes NaN. Of one with an infinity, or with squares whose sum is larger than `f32` holds,
            /// finite elements become 0 and infinite ones NaN before weight and bias.
            #[allow(async_fn_in_trait)]
            pub fn rms_norm(
                queue: &Queue,
                config: &NormConfig<'_>,
                input: &Rows<'_>,
                output: &Rows<'_>,
            ) -> ::core::result::Result<(), Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea([::core::mem::MaybeUninit<u8>; 152]);
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 152],
                    );
                    let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                    *ptr0.add(0).cast::<i32>() = (queue).handle() as i32;
                    let NormConfig {
                        element: element1,
                        rows: rows1,
                        columns: columns1,
                        epsilon: epsilon1,
                        weight: weight1,
                        bias: bias1,
                    } = config;
                    *ptr0.add(8).cast::<u8>() = (element1.clone() as i32) as u8;
                    *ptr0.add(16).cast::<i64>() = _rt::as_i64(rows1);
                    *ptr0.add(24).cast::<i64>() = _rt::as_i64(columns1);
                    *ptr0.add(32).cast::<f64>() = _rt::as_f64(epsilon1);
                    match weight1 {
                        Some(e) => {
                            *ptr0.add(40).cast::<u8>() = (1i32) as u8;
                            let Vector {
                                buffer: buffer2,
                                offset: offset2,
                                increment: increment2,
                            } = e;
                            *ptr0.add(48).cast::<i32>() = (buffer2).handle() as i32;
                            *ptr0.add(56).cast::<i64>() = _rt::as_i64(offset2);
                            *ptr0.add(64).cast::<i64>() = _rt::as_i64(increment2);
                        }
                        None => {
                            *ptr0.add(40).cast::<u8>() = (0i32) as u8;
                        }
                    };
                    match bias1 {
                        Some(e) => {
                            *ptr0.add(72).cast::<u8>() = (1i32) as u8;
                            let Vector {
                                buffer: buffer3,
                                offset: offset3,
                                increment: increment3,
                            } = e;
                            *ptr0.add(80).cast::<i32>() = (buffer3).handle() as i32;
                            *ptr0.add(88).cast::<i64>() = _rt::as_i64(offset3);
                            *ptr0.add(96).cast::<i64>() = _rt::as_i64(increment3);
                        }
                        None => {
                            *ptr0.add(72).cast::<u8>() = (0i32) as u8;
                        }
                    };
                    let Rows {
                        buffer: buffer4,
                        offset: offset4,
                        leading_dimension: leading_dimension4,
                    } = input;
                    *ptr0.add(104).cast::<i32>() = (buffer4).handle() as i32;
                    *ptr0.add(112).cast::<i64>() = _rt::as_i64(offset4);
                    *ptr0.add(120).cast::<i64>() = _rt::as_i64(leading_dimension4);
                    let Rows {
                        buffer: buffer5,
                        offset: offset5,
                        leading_dimension: leading_dimension5,
                    } = output;
                    *ptr0.add(128).cast::<i32>() = (buffer5).handle() as i32;
                    *ptr0.add(136).cast::<i64>() = _rt::as_i64(offset5);
                    *ptr0.add(144).cast::<i64>() = _rt::as_i64(leading_dimension5);
                    let ptr6 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "tensor:gpu/linear-algebra@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "rms-norm"]
                        fn wit_import7(_: *mut u8, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import7(_: *mut u8, _: *mut u8) {
                        unreachable!()
                    }
                    wit_import7(ptr0, ptr6);
                    let l8 = i32::from(*ptr6.add(0).cast::<u8>());
                    let result59 = match l8 {
                        0 => {
                            let e = ();
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l9 = i32::from(*ptr6.add(8).cast::<u8>());
                                use super::super::super::tensor::gpu::kernels::Error as V58;
                                let v58 = match l9 {
                                    0 => {
                                        let e58 = {
                                            let l10 = *ptr6.add(16).cast::<*mut u8>();
                                            let l11 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len12 = l11;
                                            let bytes12 = _rt::Vec::from_raw_parts(
                                                l10.cast(),
                                                len12,
                                                len12,
                                            );
                                            _rt::string_lift(bytes12)
                                        };
                                        V58::Denied(e58)
                                    }
                                    1 => {
                                        let e58 = {
                                            let l13 = *ptr6.add(16).cast::<*mut u8>();
                                            let l14 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len15 = l14;
                                            let bytes15 = _rt::Vec::from_raw_parts(
                                                l13.cast(),
                                                len15,
                                                len15,
                                            );
                                            _rt::string_lift(bytes15)
                                        };
                                        V58::DeviceLost(e58)
                                    }
                                    2 => {
                                        let e58 = {
                                            let l16 = *ptr6.add(16).cast::<*mut u8>();
                                            let l17 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len18 = l17;
                                            let bytes18 = _rt::Vec::from_raw_parts(
                                                l16.cast(),
                                                len18,
                                                len18,
                                            );
                                            let l19 = *ptr6
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            let l20 = *ptr6
                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            super::super::super::tensor::gpu::kernels::Quota {
                                                resource_name: _rt::string_lift(bytes18),
                                                limit: l19 as u64,
                                                requested: l20 as u64,
                                            }
                                        };
                                        V58::QuotaExceeded(e58)
                                    }
                                    3 => {
                                        let e58 = {
                                            let l21 = *ptr6.add(16).cast::<i64>();
                                            l21 as u64
                                        };
                                        V58::OutOfMemory(e58)
                                    }
                                    4 => {
                                        let e58 = {
                                            let l22 = *ptr6.add(16).cast::<*mut u8>();
                                            let l23 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let base29 = l22;
                                            let len29 = l23;
                                            let mut result29 = _rt::Vec::with_capacity(len29);
                                            for i in 0..len29 {
                                                let base = base29
                                                    .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                let e29 = {
                                                    let l24 = *base.add(0).cast::<i32>();
                                                    let l25 = *base.add(4).cast::<i32>();
                                                    let l26 = *base.add(8).cast::<*mut u8>();
                                                    let l27 = *base
                                                        .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len28 = l27;
                                                    let bytes28 = _rt::Vec::from_raw_parts(
                                                        l26.cast(),
                                                        len28,
                                                        len28,
                                                    );
                                                    super::super::super::tensor::gpu::kernels::Diagnostic {
                                                        line: l24 as u32,
                                                        column: l25 as u32,
                                                        message: _rt::string_lift(bytes28),
                                                    }
                                                };
                                                result29.push(e29);
                                            }
                                            _rt::cabi_dealloc(
                                                base29,
                                                len29 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                ::core::mem::size_of::<*const u8>(),
                                            );
                                            result29
                                        };
                                        V58::InvalidModule(e58)
                                    }
                                    5 => {
                                        let e58 = {
                                            let l30 = *ptr6.add(16).cast::<*mut u8>();
                                            let l31 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len32 = l31;
                                            let bytes32 = _rt::Vec::from_raw_parts(
                                                l30.cast(),
                                                len32,
                                                len32,
                                            );
                                            _rt::string_lift(bytes32)
                                        };
                                        V58::UnknownKernel(e58)
                                    }
                                    6 => {
                                        let e58 = {
                                            let l33 = *ptr6.add(16).cast::<*mut u8>();
                                            let l34 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len35 = l34;
                                            let bytes35 = _rt::Vec::from_raw_parts(
                                                l33.cast(),
                                                len35,
                                                len35,
                                            );
                                            _rt::string_lift(bytes35)
                                        };
                                        V58::InvalidLaunch(e58)
                                    }
                                    7 => {
                                        let e58 = {
                                            let l36 = *ptr6.add(16).cast::<*mut u8>();
                                            let l37 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len38 = l37;
                                            let bytes38 = _rt::Vec::from_raw_parts(
                                                l36.cast(),
                                                len38,
                                                len38,
                                            );
                                            _rt::string_lift(bytes38)
                                        };
                                        V58::OutOfRange(e58)
                                    }
                                    8 => {
                                        let e58 = {
                                            let l39 = *ptr6.add(16).cast::<*mut u8>();
                                            let l40 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len41 = l40;
                                            let bytes41 = _rt::Vec::from_raw_parts(
                                                l39.cast(),
                                                len41,
                                                len41,
                                            );
                                            let l42 = i32::from(
                                                *ptr6
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l46 = i32::from(
                                                *ptr6
                                                    .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l50 = i32::from(
                                                *ptr6
                                                    .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l52 = *ptr6
                                                .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l53 = *ptr6
                                                .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len54 = l53;
                                            let bytes54 = _rt::Vec::from_raw_parts(
                                                l52.cast(),
                                                len54,
                                                len54,
                                            );
                                            super::super::super::tensor::gpu::kernels::Fault {
                                                kernel: _rt::string_lift(bytes41),
                                                block: match l42 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l43 = *ptr6
                                                                .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l44 = *ptr6
                                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l45 = *ptr6
                                                                .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l43 as u32,
                                                                y: l44 as u32,
                                                                z: l45 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                thread: match l46 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l47 = *ptr6
                                                                .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l48 = *ptr6
                                                                .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l49 = *ptr6
                                                                .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l47 as u32,
                                                                y: l48 as u32,
                                                                z: l49 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                line: match l50 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l51 = *ptr6
                                                                .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            l51 as u32
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                message: _rt::string_lift(bytes54),
                                            }
                                        };
                                        V58::Fault(e58)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 9, "invalid enum discriminant");
                                        let e58 = {
                                            let l55 = *ptr6.add(16).cast::<*mut u8>();
                                            let l56 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len57 = l56;
                                            let bytes57 = _rt::Vec::from_raw_parts(
                                                l55.cast(),
                                                len57,
                                                len57,
                                            );
                                            _rt::string_lift(bytes57)
                                        };
                                        V58::DeadlineExceeded(e58)
                                    }
                                };
                                v58
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result59
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Queues a reduction of each row to an element of `output`, which may share no part of a buffer
            /// with `input`. Zeros are equal, whatever their sign, and as the largest or least are positive.
            #[allow(async_fn_in_trait)]
            pub fn reduce(
                queue: &Queue,
                config: ReduceConfig,
                input: &Rows<'_>,
                output: &Vector<'_>,
            ) -> ::core::result::Result<(), Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 56
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let ReduceConfig {
                        element: element0,
                        reduction: reduction0,
                        rows: rows0,
                        columns: columns0,
                    } = config;
                    let Rows {
                        buffer: buffer1,
                        offset: offset1,
                        leading_dimension: leading_dimension1,
                    } = input;
                    let Vector {
                        buffer: buffer2,
                        offset: offset2,
                        increment: increment2,
                    } = output;
                    let ptr3 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "tensor:gpu/linear-algebra@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "reduce"]
                        fn wit_import4(
                            _: i32,
                            _: i32,
                            _: i32,
                            _: i64,
                            _: i64,
                            _: i32,
                            _: i64,
                            _: i64,
                            _: i32,
                            _: i64,
                            _: i64,
                            _: *mut u8,
                        );
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import4(
                        _: i32,
                        _: i32,
                        _: i32,
                        _: i64,
                        _: i64,
                        _: i32,
                        _: i64,
                        _: i64,
                        _: i32,
                        _: i64,
                        _: i64,
                        _: *mut u8,
                    ) {
                        unreachable!()
                    }
                    wit_import4(
                        (queue).handle() as i32,
                        element0.clone() as i32,
                        reduction0.clone() as i32,
                        _rt::as_i64(rows0),
                        _rt::as_i64(columns0),
                        (buffer1).handle() as i32,
                        _rt::as_i64(offset1),
                        _rt::as_i64(leading_dimension1),
                        (buffer2).handle() as i32,
                        _rt::as_i64(offset2),
                        _rt::as_i64(increment2),
                        ptr3,
                    );
                    let l5 = i32::from(*ptr3.add(0).cast::<u8>());
                    let result56 = match l5 {
                        0 => {
                            let e = ();
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l6 = i32::from(*ptr3.add(8).cast::<u8>());
                                use super::super::super::tensor::gpu::kernels::Error as V55;
                                let v55 = match l6 {
                                    0 => {
                                        let e55 = {
                                            let l7 = *ptr3.add(16).cast::<*mut u8>();
                                            let l8 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len9 = l8;
                                            let bytes9 = _rt::Vec::from_raw_parts(
                                                l7.cast(),
                                                len9,
                                                len9,
                                            );
                                            _rt::string_lift(bytes9)
                                        };
                                        V55::Denied(e55)
                                    }
                                    1 => {
                                        let e55 = {
                                            let l10 = *ptr3.add(16).cast::<*mut u8>();
                                            let l11 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len12 = l11;
                                            let bytes12 = _rt::Vec::from_raw_parts(
                                                l10.cast(),
                                                len12,
                                                len12,
                                            );
                                            _rt::string_lift(bytes12)
                                        };
                                        V55::DeviceLost(e55)
                                    }
                                    2 => {
                                        let e55 = {
                                            let l13 = *ptr3.add(16).cast::<*mut u8>();
                                            let l14 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len15 = l14;
                                            let bytes15 = _rt::Vec::from_raw_parts(
                                                l13.cast(),
                                                len15,
                                                len15,
                                            );
                                            let l16 = *ptr3
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            let l17 = *ptr3
                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            super::super::super::tensor::gpu::kernels::Quota {
                                                resource_name: _rt::string_lift(bytes15),
                                                limit: l16 as u64,
                                                requested: l17 as u64,
                                            }
                                        };
                                        V55::QuotaExceeded(e55)
                                    }
                                    3 => {
                                        let e55 = {
                                            let l18 = *ptr3.add(16).cast::<i64>();
                                            l18 as u64
                                        };
                                        V55::OutOfMemory(e55)
                                    }
                                    4 => {
                                        let e55 = {
                                            let l19 = *ptr3.add(16).cast::<*mut u8>();
                                            let l20 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let base26 = l19;
                                            let len26 = l20;
                                            let mut result26 = _rt::Vec::with_capacity(len26);
                                            for i in 0..len26 {
                                                let base = base26
                                                    .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                let e26 = {
                                                    let l21 = *base.add(0).cast::<i32>();
                                                    let l22 = *base.add(4).cast::<i32>();
                                                    let l23 = *base.add(8).cast::<*mut u8>();
                                                    let l24 = *base
                                                        .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len25 = l24;
                                                    let bytes25 = _rt::Vec::from_raw_parts(
                                                        l23.cast(),
                                                        len25,
                                                        len25,
                                                    );
                                                    super::super::super::tensor::gpu::kernels::Diagnostic {
                                                        line: l21 as u32,
                                                        column: l22 as u32,
                                                        message: _rt::string_lift(bytes25),
                                                    }
                                                };
                                                result26.push(e26);
                                            }
                                            _rt::cabi_dealloc(
                                                base26,
                                                len26 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                ::core::mem::size_of::<*const u8>(),
                                            );
                                            result26
                                        };
                                        V55::InvalidModule(e55)
                                    }
                                    5 => {
                                        let e55 = {
                                            let l27 = *ptr3.add(16).cast::<*mut u8>();
                                            let l28 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len29 = l28;
                                            let bytes29 = _rt::Vec::from_raw_parts(
                                                l27.cast(),
                                                len29,
                                                len29,
                                            );
                                            _rt::string_lift(bytes29)
                                        };
                                        V55::UnknownKernel(e55)
                                    }
                                    6 => {
                                        let e55 = {
                                            let l30 = *ptr3.add(16).cast::<*mut u8>();
                                            let l31 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len32 = l31;
                                            let bytes32 = _rt::Vec::from_raw_parts(
                                                l30.cast(),
                                                len32,
                                                len32,
                                            );
                                            _rt::string_lift(bytes32)
                                        };
                                        V55::InvalidLaunch(e55)
                                    }
                                    7 => {
                                        let e55 = {
                                            let l33 = *ptr3.add(16).cast::<*mut u8>();
                                            let l34 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len35 = l34;
                                            let bytes35 = _rt::Vec::from_raw_parts(
                                                l33.cast(),
                                                len35,
                                                len35,
                                            );
                                            _rt::string_lift(bytes35)
                                        };
                                        V55::OutOfRange(e55)
                                    }
                                    8 => {
                                        let e55 = {
                                            let l36 = *ptr3.add(16).cast::<*mut u8>();
                                            let l37 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len38 = l37;
                                            let bytes38 = _rt::Vec::from_raw_parts(
                                                l36.cast(),
                                                len38,
                                                len38,
                                            );
                                            let l39 = i32::from(
                                                *ptr3
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l43 = i32::from(
                                                *ptr3
                                                    .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l47 = i32::from(
                                                *ptr3
                                                    .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l49 = *ptr3
                                                .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l50 = *ptr3
                                                .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len51 = l50;
                                            let bytes51 = _rt::Vec::from_raw_parts(
                                                l49.cast(),
                                                len51,
                                                len51,
                                            );
                                            super::super::super::tensor::gpu::kernels::Fault {
                                                kernel: _rt::string_lift(bytes38),
                                                block: match l39 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l40 = *ptr3
                                                                .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l41 = *ptr3
                                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l42 = *ptr3
                                                                .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l40 as u32,
                                                                y: l41 as u32,
                                                                z: l42 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                thread: match l43 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l44 = *ptr3
                                                                .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l45 = *ptr3
                                                                .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l46 = *ptr3
                                                                .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l44 as u32,
                                                                y: l45 as u32,
                                                                z: l46 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                line: match l47 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l48 = *ptr3
                                                                .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            l48 as u32
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                message: _rt::string_lift(bytes51),
                                            }
                                        };
                                        V55::Fault(e55)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 9, "invalid enum discriminant");
                                        let e55 = {
                                            let l52 = *ptr3.add(16).cast::<*mut u8>();
                                            let l53 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len54 = l53;
                                            let bytes54 = _rt::Vec::from_raw_parts(
                                                l52.cast(),
                                                len54,
                                                len54,
                                            );
                                            _rt::string_lift(bytes54)
                                        };
                                        V55::DeadlineExceeded(e55)
                                    }
                                };
                                v55
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result56
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Queues finding the `k` largest elements of each row, the largest first, and their columns from
            /// 0 as `u32`: `values` and `indices` have rows of `k`. A NaN is larger than all numbers, and
            /// of equal elements that of the lower column comes first. Neither result may share a part of a
            /// buffer with the other or with `input`. Takes time in proportion to `k`.
            #[allow(async_fn_in_trait)]
            pub fn top_k(
                queue: &Queue,
                config: TopKConfig,
                input: &Rows<'_>,
                values: &Rows<'_>,
                indices: &Rows<'_>,
            ) -> ::core::result::Result<(), Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 56 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 56
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let TopKConfig {
                        element: element0,
                        rows: rows0,
                        columns: columns0,
                        k: k0,
                    } = config;
                    let Rows {
                        buffer: buffer1,
                        offset: offset1,
                        leading_dimension: leading_dimension1,
                    } = input;
                    let Rows {
                        buffer: buffer2,
                        offset: offset2,
                        leading_dimension: leading_dimension2,
                    } = values;
                    let Rows {
                        buffer: buffer3,
                        offset: offset3,
                        leading_dimension: leading_dimension3,
                    } = indices;
                    let ptr4 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "tensor:gpu/linear-algebra@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "top-k"]
                        fn wit_import5(
                            _: i32,
                            _: i32,
                            _: i64,
                            _: i64,
                            _: i64,
                            _: i32,
                            _: i64,
                            _: i64,
                            _: i32,
                            _: i64,
                            _: i64,
                            _: i32,
                            _: i64,
                            _: i64,
                            _: *mut u8,
                        );
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import5(
                        _: i32,
                        _: i32,
                        _: i64,
                        _: i64,
                        _: i64,
                        _: i32,
                        _: i64,
                        _: i64,
                        _: i32,
                        _: i64,
                        _: i64,
                        _: i32,
                        _: i64,
                        _: i64,
                        _: *mut u8,
                    ) {
                        unreachable!()
                    }
                    wit_import5(
                        (queue).handle() as i32,
                        element0.clone() as i32,
                        _rt::as_i64(rows0),
                        _rt::as_i64(columns0),
                        _rt::as_i64(k0),
                        (buffer1).handle() as i32,
                        _rt::as_i64(offset1),
                        _rt::as_i64(leading_dimension1),
                        (buffer2).handle() as i32,
                        _rt::as_i64(offset2),
                        _rt::as_i64(leading_dimension2),
                        (buffer3).handle() as i32,
                        _rt::as_i64(offset3),
                        _rt::as_i64(leading_dimension3),
                        ptr4,
                    );
                    let l6 = i32::from(*ptr4.add(0).cast::<u8>());
                    let result57 = match l6 {
                        0 => {
                            let e = ();
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l7 = i32::from(*ptr4.add(8).cast::<u8>());
                                use super::super::super::tensor::gpu::kernels::Error as V56;
                                let v56 = match l7 {
                                    0 => {
                                        let e56 = {
                                            let l8 = *ptr4.add(16).cast::<*mut u8>();
                                            let l9 = *ptr4
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len10 = l9;
                                            let bytes10 = _rt::Vec::from_raw_parts(
                                                l8.cast(),
                                                len10,
                                                len10,
                                            );
                                            _rt::string_lift(bytes10)
                                        };
                                        V56::Denied(e56)
                                    }
                                    1 => {
                                        let e56 = {
                                            let l11 = *ptr4.add(16).cast::<*mut u8>();
                                            let l12 = *ptr4
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len13 = l12;
                                            let bytes13 = _rt::Vec::from_raw_parts(
                                                l11.cast(),
                                                len13,
                                                len13,
                                            );
                                            _rt::string_lift(bytes13)
                                        };
                                        V56::DeviceLost(e56)
                                    }
                                    2 => {
                                        let e56 = {
                                            let l14 = *ptr4.add(16).cast::<*mut u8>();
                                            let l15 = *ptr4
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len16 = l15;
                                            let bytes16 = _rt::Vec::from_raw_parts(
                                                l14.cast(),
                                                len16,
                                                len16,
                                            );
                                            let l17 = *ptr4
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            let l18 = *ptr4
                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            super::super::super::tensor::gpu::kernels::Quota {
                                                resource_name: _rt::string_lift(bytes16),
                                                limit: l17 as u64,
                                                requested: l18 as u64,
                                            }
                                        };
                                        V56::QuotaExceeded(e56)
                                    }
                                    3 => {
                                        let e56 = {
                                            let l19 = *ptr4.add(16).cast::<i64>();
                                            l19 as u64
                                        };
                                        V56::OutOfMemory(e56)
                                    }
                                    4 => {
                                        let e56 = {
                                            let l20 = *ptr4.add(16).cast::<*mut u8>();
                                            let l21 = *ptr4
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let base27 = l20;
                                            let len27 = l21;
                                            let mut result27 = _rt::Vec::with_capacity(len27);
                                            for i in 0..len27 {
                                                let base = base27
                                                    .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                let e27 = {
                                                    let l22 = *base.add(0).cast::<i32>();
                                                    let l23 = *base.add(4).cast::<i32>();
                                                    let l24 = *base.add(8).cast::<*mut u8>();
                                                    let l25 = *base
                                                        .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len26 = l25;
                                                    let bytes26 = _rt::Vec::from_raw_parts(
                                                        l24.cast(),
                                                        len26,
                                                        len26,
                                                    );
                                                    super::super::super::tensor::gpu::kernels::Diagnostic {
                                                        line: l22 as u32,
                                                        column: l23 as u32,
                                                        message: _rt::string_lift(bytes26),
                                                    }
                                                };
                                                result27.push(e27);
                                            }
                                            _rt::cabi_dealloc(
                                                base27,
                                                len27 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                ::core::mem::size_of::<*const u8>(),
                                            );
                                            result27
                                        };
                                        V56::InvalidModule(e56)
                                    }
                                    5 => {
                                        let e56 = {
                                            let l28 = *ptr4.add(16).cast::<*mut u8>();
                                            let l29 = *ptr4
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len30 = l29;
                                            let bytes30 = _rt::Vec::from_raw_parts(
                                                l28.cast(),
                                                len30,
                                                len30,
                                            );
                                            _rt::string_lift(bytes30)
                                        };
                                        V56::UnknownKernel(e56)
                                    }
                                    6 => {
                                        let e56 = {
                                            let l31 = *ptr4.add(16).cast::<*mut u8>();
                                            let l32 = *ptr4
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len33 = l32;
                                            let bytes33 = _rt::Vec::from_raw_parts(
                                                l31.cast(),
                                                len33,
                                                len33,
                                            );
                                            _rt::string_lift(bytes33)
                                        };
                                        V56::InvalidLaunch(e56)
                                    }
                                    7 => {
                                        let e56 = {
                                            let l34 = *ptr4.add(16).cast::<*mut u8>();
                                            let l35 = *ptr4
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len36 = l35;
                                            let bytes36 = _rt::Vec::from_raw_parts(
                                                l34.cast(),
                                                len36,
                                                len36,
                                            );
                                            _rt::string_lift(bytes36)
                                        };
                                        V56::OutOfRange(e56)
                                    }
                                    8 => {
                                        let e56 = {
                                            let l37 = *ptr4.add(16).cast::<*mut u8>();
                                            let l38 = *ptr4
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len39 = l38;
                                            let bytes39 = _rt::Vec::from_raw_parts(
                                                l37.cast(),
                                                len39,
                                                len39,
                                            );
                                            let l40 = i32::from(
                                                *ptr4
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l44 = i32::from(
                                                *ptr4
                                                    .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l48 = i32::from(
                                                *ptr4
                                                    .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l50 = *ptr4
                                                .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l51 = *ptr4
                                                .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len52 = l51;
                                            let bytes52 = _rt::Vec::from_raw_parts(
                                                l50.cast(),
                                                len52,
                                                len52,
                                            );
                                            super::super::super::tensor::gpu::kernels::Fault {
                                                kernel: _rt::string_lift(bytes39),
                                                block: match l40 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l41 = *ptr4
                                                                .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l42 = *ptr4
                                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l43 = *ptr4
                                                                .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l41 as u32,
                                                                y: l42 as u32,
                                                                z: l43 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                thread: match l44 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l45 = *ptr4
                                                                .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l46 = *ptr4
                                                                .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l47 = *ptr4
                                                                .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l45 as u32,
                                                                y: l46 as u32,
                                                                z: l47 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                line: match l48 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l49 = *ptr4
                                                                .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            l49 as u32
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                message: _rt::string_lift(bytes52),
                                            }
                                        };
                                        V56::Fault(e56)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 9, "invalid enum discriminant");
                                        let e56 = {
                                            let l53 = *ptr4.add(16).cast::<*mut u8>();
                                            let l54 = *ptr4
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len55 = l54;
                                            let bytes55 = _rt::Vec::from_raw_parts(
                                                l53.cast(),
                                                len55,
                                                len55,
                                            );
                                            _rt::string_lift(bytes55)
                                        };
                                        V56::DeadlineExceeded(e56)
                                    }
                                };
                                v56
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result57
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Queues `output = softmax(scale * q * transposed k) * v` for each head of each of a batch, without
            /// memory for the scores. Results of a query that sees no key are 0. `output` may share no part of
            /// a buffer with what is read. A query that sees a score, `scale * q * transposed k`, that is NaN
            /// or positive infinity, or only negative infinity, has results that are NaN, as `softmax` has. A
            /// NaN or an infinity in a value makes the results of its column NaN or infinite of the queries
            /// that see it, and may make them NaN of causal queries up to 31 before.
            #[allow(async_fn_in_trait)]
            pub fn attention(
                queue: &Queue,
                config: &AttentionConfig<'_>,
                q: &HeadRows<'_>,
                k: &HeadRows<'_>,
                v: &HeadRows<'_>,
                output: &HeadRows<'_>,
            ) -> ::core::result::Result<(), Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea([::core::mem::MaybeUninit<u8>; 272]);
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 272],
                    );
                    let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                    *ptr0.add(0).cast::<i32>() = (queue).handle() as i32;
                    let AttentionConfig {
                        element: element1,
                        batch: batch1,
                        heads: heads1,
                        key_heads: key_heads1,
                        queries: queries1,
                        keys: keys1,
                        size: size1,
                        scale: scale1,
                        causal: causal1,
                        lengths: lengths1,
                    } = config;
                    *ptr0.add(8).cast::<u8>() = (element1.clone() as i32) as u8;
                    *ptr0.add(16).cast::<i64>() = _rt::as_i64(batch1);
                    *ptr0.add(24).cast::<i64>() = _rt::as_i64(heads1);
                    *ptr0.add(32).cast::<i64>() = _rt::as_i64(key_heads1);
                    *ptr0.add(40).cast::<i64>() = _rt::as_i64(queries1);
                    *ptr0.add(48).cast::<i64>() = _rt::as_i64(keys1);
                    *ptr0.add(56).cast::<i64>() = _rt::as_i64(size1);
                    *ptr0.add(64).cast::<f64>() = _rt::as_f64(scale1);
                    *ptr0.add(72).cast::<u8>() = (match causal1 {
                        true => 1,
                        false => 0,
                    }) as u8;
                    match lengths1 {
                        Some(e) => {
                            *ptr0.add(80).cast::<u8>() = (1i32) as u8;
                            let Vector {
                                buffer: buffer2,
                                offset: offset2,
                                increment: increment2,
                            } = e;
                            *ptr0.add(88).cast::<i32>() = (buffer2).handle() as i32;
                            *ptr0.add(96).cast::<i64>() = _rt::as_i64(offset2);
                            *ptr0.add(104).cast::<i64>() = _rt::as_i64(increment2);
                        }
                        None => {
                            *ptr0.add(80).cast::<u8>() = (0i32) as u8;
                        }
                    };
                    let HeadRows {
                        buffer: buffer3,
                        offset: offset3,
                        row_stride: row_stride3,
                        head_stride: head_stride3,
                        batch_stride: batch_stride3,
                    } = q;
                    *ptr0.add(112).cast::<i32>() = (buffer3).handle() as i32;
                    *ptr0.add(120).cast::<i64>() = _rt::as_i64(offset3);
                    *ptr0.add(128).cast::<i64>() = _rt::as_i64(row_stride3);
                    *ptr0.add(136).cast::<i64>() = _rt::as_i64(head_stride3);
                    *ptr0.add(144).cast::<i64>() = _rt::as_i64(batch_stride3);
                    let HeadRows {
                        buffer: buffer4,
                        offset: offset4,
                        row_stride: row_stride4,
                        head_stride: head_stride4,
                        batch_stride: batch_stride4,
                    } = k;
                    *ptr0.add(152).cast::<i32>() = (buffer4).handle() as i32;
                    *ptr0.add(160).cast::<i64>() = _rt::as_i64(offset4);
                    *ptr0.add(168).cast::<i64>() = _rt::as_i64(row_stride4);
                    *ptr0.add(176).cast::<i64>() = _rt::as_i64(head_stride4);
                    *ptr0.add(184).cast::<i64>() = _rt::as_i64(batch_stride4);
                    let HeadRows {
                        buffer: buffer5,
                        offset: offset5,
                        row_stride: row_stride5,
                        head_stride: head_stride5,
                        batch_stride: batch_stride5,
                    } = v;
                    *ptr0.add(192).cast::<i32>() = (buffer5).handle() as i32;
                    *ptr0.add(200).cast::<i64>() = _rt::as_i64(offset5);
                    *ptr0.add(208).cast::<i64>() = _rt::as_i64(row_stride5);
                    *ptr0.add(216).cast::<i64>() = _rt::as_i64(head_stride5);
                    *ptr0.add(224).cast::<i64>() = _rt::as_i64(batch_stride5);
                    let HeadRows {
                        buffer: buffer6,
                        offset: offset6,
                        row_stride: row_stride6,
                        head_stride: head_stride6,
                        batch_stride: batch_stride6,
                    } = output;
                    *ptr0.add(232).cast::<i32>() = (buffer6).handle() as i32;
                    *ptr0.add(240).cast::<i64>() = _rt::as_i64(offset6);
                    *ptr0.add(248).cast::<i64>() = _rt::as_i64(row_stride6);
                    *ptr0.add(256).cast::<i64>() = _rt::as_i64(head_stride6);
                    *ptr0.add(264).cast::<i64>() = _rt::as_i64(batch_stride6);
                    let ptr7 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "tensor:gpu/linear-algebra@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "attention"]
                        fn wit_import8(_: *mut u8, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import8(_: *mut u8, _: *mut u8) {
                        unreachable!()
                    }
                    wit_import8(ptr0, ptr7);
                    let l9 = i32::from(*ptr7.add(0).cast::<u8>());
                    let result60 = match l9 {
                        0 => {
                            let e = ();
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l10 = i32::from(*ptr7.add(8).cast::<u8>());
                                use super::super::super::tensor::gpu::kernels::Error as V59;
                                let v59 = match l10 {
                                    0 => {
                                        let e59 = {
                                            let l11 = *ptr7.add(16).cast::<*mut u8>();
                                            let l12 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len13 = l12;
                                            let bytes13 = _rt::Vec::from_raw_parts(
                                                l11.cast(),
                                                len13,
                                                len13,
                                            );
                                            _rt::string_lift(bytes13)
                                        };
                                        V59::Denied(e59)
                                    }
                                    1 => {
                                        let e59 = {
                                            let l14 = *ptr7.add(16).cast::<*mut u8>();
                                            let l15 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len16 = l15;
                                            let bytes16 = _rt::Vec::from_raw_parts(
                                                l14.cast(),
                                                len16,
                                                len16,
                                            );
                                            _rt::string_lift(bytes16)
                                        };
                                        V59::DeviceLost(e59)
                                    }
                                    2 => {
                                        let e59 = {
                                            let l17 = *ptr7.add(16).cast::<*mut u8>();
                                            let l18 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len19 = l18;
                                            let bytes19 = _rt::Vec::from_raw_parts(
                                                l17.cast(),
                                                len19,
                                                len19,
                                            );
                                            let l20 = *ptr7
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            let l21 = *ptr7
                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<i64>();
                                            super::super::super::tensor::gpu::kernels::Quota {
                                                resource_name: _rt::string_lift(bytes19),
                                                limit: l20 as u64,
                                                requested: l21 as u64,
                                            }
                                        };
                                        V59::QuotaExceeded(e59)
                                    }
                                    3 => {
                                        let e59 = {
                                            let l22 = *ptr7.add(16).cast::<i64>();
                                            l22 as u64
                                        };
                                        V59::OutOfMemory(e59)
                                    }
                                    4 => {
                                        let e59 = {
                                            let l23 = *ptr7.add(16).cast::<*mut u8>();
                                            let l24 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let base30 = l23;
                                            let len30 = l24;
                                            let mut result30 = _rt::Vec::with_capacity(len30);
                                            for i in 0..len30 {
                                                let base = base30
                                                    .add(i * (8 + 2 * ::core::mem::size_of::<*const u8>()));
                                                let e30 = {
                                                    let l25 = *base.add(0).cast::<i32>();
                                                    let l26 = *base.add(4).cast::<i32>();
                                                    let l27 = *base.add(8).cast::<*mut u8>();
                                                    let l28 = *base
                                                        .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len29 = l28;
                                                    let bytes29 = _rt::Vec::from_raw_parts(
                                                        l27.cast(),
                                                        len29,
                                                        len29,
                                                    );
                                                    super::super::super::tensor::gpu::kernels::Diagnostic {
                                                        line: l25 as u32,
                                                        column: l26 as u32,
                                                        message: _rt::string_lift(bytes29),
                                                    }
                                                };
                                                result30.push(e30);
                                            }
                                            _rt::cabi_dealloc(
                                                base30,
                                                len30 * (8 + 2 * ::core::mem::size_of::<*const u8>()),
                                                ::core::mem::size_of::<*const u8>(),
                                            );
                                            result30
                                        };
                                        V59::InvalidModule(e59)
                                    }
                                    5 => {
                                        let e59 = {
                                            let l31 = *ptr7.add(16).cast::<*mut u8>();
                                            let l32 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len33 = l32;
                                            let bytes33 = _rt::Vec::from_raw_parts(
                                                l31.cast(),
                                                len33,
                                                len33,
                                            );
                                            _rt::string_lift(bytes33)
                                        };
                                        V59::UnknownKernel(e59)
                                    }
                                    6 => {
                                        let e59 = {
                                            let l34 = *ptr7.add(16).cast::<*mut u8>();
                                            let l35 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len36 = l35;
                                            let bytes36 = _rt::Vec::from_raw_parts(
                                                l34.cast(),
                                                len36,
                                                len36,
                                            );
                                            _rt::string_lift(bytes36)
                                        };
                                        V59::InvalidLaunch(e59)
                                    }
                                    7 => {
                                        let e59 = {
                                            let l37 = *ptr7.add(16).cast::<*mut u8>();
                                            let l38 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len39 = l38;
                                            let bytes39 = _rt::Vec::from_raw_parts(
                                                l37.cast(),
                                                len39,
                                                len39,
                                            );
                                            _rt::string_lift(bytes39)
                                        };
                                        V59::OutOfRange(e59)
                                    }
                                    8 => {
                                        let e59 = {
                                            let l40 = *ptr7.add(16).cast::<*mut u8>();
                                            let l41 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len42 = l41;
                                            let bytes42 = _rt::Vec::from_raw_parts(
                                                l40.cast(),
                                                len42,
                                                len42,
                                            );
                                            let l43 = i32::from(
                                                *ptr7
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l47 = i32::from(
                                                *ptr7
                                                    .add(32 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l51 = i32::from(
                                                *ptr7
                                                    .add(48 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>(),
                                            );
                                            let l53 = *ptr7
                                                .add(56 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l54 = *ptr7
                                                .add(56 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len55 = l54;
                                            let bytes55 = _rt::Vec::from_raw_parts(
                                                l53.cast(),
                                                len55,
                                                len55,
                                            );
                                            super::super::super::tensor::gpu::kernels::Fault {
                                                kernel: _rt::string_lift(bytes42),
                                                block: match l43 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l44 = *ptr7
                                                                .add(20 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l45 = *ptr7
                                                                .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l46 = *ptr7
                                                                .add(28 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l44 as u32,
                                                                y: l45 as u32,
                                                                z: l46 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                thread: match l47 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l48 = *ptr7
                                                                .add(36 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l49 = *ptr7
                                                                .add(40 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            let l50 = *ptr7
                                                                .add(44 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            super::super::super::tensor::gpu::kernels::Extent {
                                                                x: l48 as u32,
                                                                y: l49 as u32,
                                                                z: l50 as u32,
                                                            }
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                line: match l51 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l52 = *ptr7
                                                                .add(52 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<i32>();
                                                            l52 as u32
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                message: _rt::string_lift(bytes55),
                                            }
                                        };
                                        V59::Fault(e59)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 9, "invalid enum discriminant");
                                        let e59 = {
                                            let l56 = *ptr7.add(16).cast::<*mut u8>();
                                            let l57 = *ptr7
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len58 = l57;
                                            let bytes58 = _rt::Vec::from_raw_parts(
                                                l56.cast(),
                                                len58,
                                                len58,
                                            );
                                            _rt::string_lift(bytes58)
                                        };
                                        V59::DeadlineExceeded(e59)
                                    }
                                };
                                v59
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result60
                }
            }
        }
    }
}
mod _rt {
    #![allow(dead_code, unused_imports, clippy::all)]
    pub use alloc_crate::string::String;
    pub use alloc_crate::vec::Vec;
    use core::fmt;
    use core::marker;
    use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
    /// A type which represents a component model resource, either imported or
    /// exported into this component.
    ///
    /// This is a low-level wrapper which handles the lifetime of the resource
    /// (namely this has a destructor). The `T` provided defines the component model
    /// intrinsics that this wrapper uses.
    ///
    /// One of the chief purposes of this type is to provide `Deref` implementations
    /// to access the underlying data when it is owned.
    ///
    /// This type is primarily used in generated code for exported and imported
    /// resources.
    #[repr(transparent)]
    pub struct Resource<T: WasmResource> {
        handle: AtomicU32,
        _marker: marker::PhantomData<T>,
    }
    /// A trait which all wasm resources implement, namely providing the ability to
    /// drop a resource.
    ///
    /// This generally is implemented by generated code, not user-facing code.
    #[allow(clippy::missing_safety_doc)]
    pub unsafe trait WasmResource {
        /// Invokes the `[resource-drop]...` intrinsic.
        unsafe fn drop(handle: u32);
    }
    impl<T: WasmResource> Resource<T> {
        #[doc(hidden)]
        pub unsafe fn from_handle(handle: u32) -> Self {
            debug_assert!(handle != 0 && handle != u32::MAX);
            Self {
                handle: AtomicU32::new(handle),
                _marker: marker::PhantomData,
            }
        }
        /// Takes ownership of the handle owned by `resource`.
        ///
        /// Note that this ideally would be `into_handle` taking `Resource<T>` by
        /// ownership. The code generator does not enable that in all situations,
        /// unfortunately, so this is provided instead.
        ///
        /// Also note that `take_handle` is in theory only ever called on values
        /// owned by a generated function. For example a generated function might
        /// take `Resource<T>` as an argument but then call `take_handle` on a
        /// reference to that argument. In that sense the dynamic nature of
        /// `take_handle` should only be exposed internally to generated code, not
        /// to user code.
        #[doc(hidden)]
        pub fn take_handle(resource: &Resource<T>) -> u32 {
            resource.handle.swap(u32::MAX, Relaxed)
        }
        #[doc(hidden)]
        pub fn handle(resource: &Resource<T>) -> u32 {
            resource.handle.load(Relaxed)
        }
    }
    impl<T: WasmResource> fmt::Debug for Resource<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Resource").field("handle", &self.handle).finish()
        }
    }
    impl<T: WasmResource> Drop for Resource<T> {
        fn drop(&mut self) {
            unsafe {
                match self.handle.load(Relaxed) {
                    u32::MAX => {}
                    other => T::drop(other),
                }
            }
        }
    }
    pub unsafe fn string_lift(bytes: Vec<u8>) -> String {
        if cfg!(debug_assertions) {
            String::from_utf8(bytes).unwrap()
        } else {
            unsafe { String::from_utf8_unchecked(bytes) }
        }
    }
    pub unsafe fn cabi_dealloc(ptr: *mut u8, size: usize, align: usize) {
        if size == 0 {
            return;
        }
        unsafe {
            let layout = alloc::Layout::from_size_align_unchecked(size, align);
            alloc::dealloc(ptr, layout);
        }
    }
    pub unsafe fn invalid_enum_discriminant<T>() -> T {
        if cfg!(debug_assertions) {
            panic!("invalid enum discriminant")
        } else {
            unsafe { core::hint::unreachable_unchecked() }
        }
    }
    pub fn as_i64<T: AsI64>(t: T) -> i64 {
        t.as_i64()
    }
    pub trait AsI64 {
        fn as_i64(self) -> i64;
    }
    impl<'a, T: Copy + AsI64> AsI64 for &'a T {
        fn as_i64(self) -> i64 {
            (*self).as_i64()
        }
    }
    impl AsI64 for i64 {
        #[inline]
        fn as_i64(self) -> i64 {
            self as i64
        }
    }
    impl AsI64 for u64 {
        #[inline]
        fn as_i64(self) -> i64 {
            self as i64
        }
    }
    pub fn as_i32<T: AsI32>(t: T) -> i32 {
        t.as_i32()
    }
    pub trait AsI32 {
        fn as_i32(self) -> i32;
    }
    impl<'a, T: Copy + AsI32> AsI32 for &'a T {
        fn as_i32(self) -> i32 {
            (*self).as_i32()
        }
    }
    impl AsI32 for i32 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for u32 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for i16 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for u16 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for i8 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for u8 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for char {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for usize {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    pub fn as_f32<T: AsF32>(t: T) -> f32 {
        t.as_f32()
    }
    pub trait AsF32 {
        fn as_f32(self) -> f32;
    }
    impl<'a, T: Copy + AsF32> AsF32 for &'a T {
        fn as_f32(self) -> f32 {
            (*self).as_f32()
        }
    }
    impl AsF32 for f32 {
        #[inline]
        fn as_f32(self) -> f32 {
            self as f32
        }
    }
    pub fn as_f64<T: AsF64>(t: T) -> f64 {
        t.as_f64()
    }
    pub trait AsF64 {
        fn as_f64(self) -> f64;
    }
    impl<'a, T: Copy + AsF64> AsF64 for &'a T {
        fn as_f64(self) -> f64 {
            (*self).as_f64()
        }
    }
    impl AsF64 for f64 {
        #[inline]
        fn as_f64(self) -> f64 {
            self as f64
        }
    }
    pub use alloc_crate::alloc;
    pub unsafe fn bool_lift(val: u8) -> bool {
        if cfg!(debug_assertions) {
            match val {
                0 => false,
                1 => true,
                _ => panic!("invalid bool discriminant"),
            }
        } else {
            val != 0
        }
    }
    extern crate alloc as alloc_crate;
}
#[cfg(target_arch = "wasm32")]
#[unsafe(
    link_section = "component-type:wit-bindgen:0.61.1:tensor:gpu@0.1.0:capability:encoded world"
)]
#[doc(hidden)]
#[allow(clippy::octal_escapes)]
pub static __WIT_BINDGEN_COMPONENT_TYPE: [u8; 3732] = *b"\
\0asm\x0d\0\x01\0\0\x19\x16wit-component-encoding\x04\0\x07\x93\x1c\x01A\x02\x01\
A\x0a\x01B`\x01r\x03\x01xy\x01yy\x01zy\x04\0\x06extent\x03\0\0\x01r\x03\x04liney\
\x06columny\x07messages\x04\0\x0adiagnostic\x03\0\x02\x01k\x01\x01ky\x01r\x05\x06\
kernels\x05block\x04\x06thread\x04\x04line\x05\x07messages\x04\0\x05fault\x03\0\x06\
\x01r\x03\x0dresource-names\x05limitw\x09requestedw\x04\0\x05quota\x03\0\x08\x01\
p\x03\x01q\x0a\x06denied\x01s\0\x0bdevice-lost\x01s\0\x0equota-exceeded\x01\x09\0\
\x0dout-of-memory\x01w\0\x0einvalid-module\x01\x0a\0\x0eunknown-kernel\x01s\0\x0e\
invalid-launch\x01s\0\x0cout-of-range\x01s\0\x05fault\x01\x07\0\x11deadline-exce\
eded\x01s\0\x04\0\x05error\x03\0\x0b\x01m\x02\x03cpu\x04cuda\x04\0\x07backend\x03\
\0\x0d\x01r\x09\x04names\x07backend\x0e\x06targety\x0fmultiprocessorsy\x09warp-s\
izey\x15max-threads-per-blocky\x11max-shared-memoryy\x0cmemory-limitw\x0bmemory-\
usedw\x04\0\x0bdevice-info\x03\0\x0f\x04\0\x06device\x03\x01\x04\0\x06buffer\x03\
\x01\x01o\x02yy\x01q\x0d\x02u8\0\0\x03u16\0\0\x03u32\0\0\x03u64\0\0\x02s8\0\0\x03\
s16\0\0\x03s32\0\0\x03s64\0\0\x03f16\0\0\x04bf16\0\0\x03f32\0\0\x03f64\0\0\x05by\
tes\x01\x13\0\x04\0\x09parameter\x03\0\x14\x04\0\x06module\x03\x01\x04\0\x06kern\
el\x03\x01\x01h\x12\x01o\x02\x18w\x01p}\x01q\x0e\x07pointer\x01\x19\0\x02u8\x01}\
\0\x03u16\x01{\0\x03u32\x01y\0\x03u64\x01w\0\x02s8\x01~\0\x03s16\x01|\0\x03s32\x01\
z\0\x03s64\x01x\0\x03f16\x01{\0\x04bf16\x01{\0\x03f32\x01v\0\x03f64\x01u\0\x05by\
tes\x01\x1a\0\x04\0\x08argument\x03\0\x1b\x01r\x03\x04grid\x01\x05block\x01\x0ds\
hared-memoryy\x04\0\x0dlaunch-config\x03\0\x1d\x04\0\x05queue\x03\x01\x04\0\x05e\
vent\x03\x01\x01i\x11\x01j\x01!\x01\x0c\x01@\0\0\"\x04\0\x13[static]device.open\x01\
#\x01h\x11\x01@\x01\x04self$\0\x10\x04\0\x13[method]device.info\x01%\x01i\x12\x01\
j\x01&\x01\x0c\x01@\x02\x04self$\x05bytesw\0'\x04\0\x17[method]device.allocate\x01\
(\x01i\x16\x01j\x01)\x01\x0c\x01@\x02\x04self$\x03ptx\x1a\0*\x04\0\x13[method]de\
vice.load\x01+\x01i\x1f\x01j\x01,\x01\x0c\x01@\x01\x04self$\0-\x04\0\x1b[method]\
device.create-queue\x01.\x01@\x01\x04self\x18\0w\x04\0\x13[method]buffer.size\x01\
/\x01h\x16\x01ps\x01@\x01\x04self0\01\x04\0\x1b[method]module.kernel-names\x012\x01\
i\x17\x01j\x013\x01\x0c\x01@\x02\x04self0\x04names\04\x04\0\x15[method]module.ke\
rnel\x015\x01h\x17\x01p\x15\x01@\x01\x04self6\07\x04\0\x19[method]kernel.paramet\
ers\x018\x01@\x01\x04self6\0y\x04\0$[method]kernel.max-threads-per-block\x019\x01\
h\x1f\x01j\0\x01\x0c\x01@\x04\x04self:\x06target\x18\x06offsetw\x04data\x1a\0;\x04\
\0\x13[method]queue.write\x01<\x01j\x01\x1a\x01\x0c\x01@\x04\x04self:\x06source\x18\
\x06offsetw\x06lengthw\0=\x04\0\x12[method]queue.read\x01>\x01@\x06\x04self:\x06\
source\x18\x0dsource-offsetw\x06target\x18\x0dtarget-offsetw\x06lengthw\0;\x04\0\
\x12[method]queue.copy\x01?\x01@\x05\x04self:\x06target\x18\x06offsetw\x06length\
w\x05value}\0;\x04\0\x12[method]queue.fill\x01@\x01p\x1c\x01@\x04\x04self:\x06ke\
rnel6\x06config\x1e\x09arguments\xc1\0\0;\x04\0\x14[method]queue.launch\x01B\x01\
i\x20\x01j\x01\xc3\0\x01\x0c\x01@\x01\x04self:\0\xc4\0\x04\0\x1a[method]queue.re\
cord-event\x01E\x01@\x01\x04self:\0;\x04\0\x19[method]queue.synchronize\x01F\x01\
h\x20\x01@\x01\x04self\xc7\0\0\x7f\x04\0\x15[method]event.is-done\x01H\x01@\x01\x04\
self\xc7\0\0;\x04\0\x12[method]event.wait\x01I\x01j\x01w\x01\x0c\x01@\x02\x04sel\
f\xc7\0\x07earlier\xc7\0\0\xca\0\x04\0\x1b[method]event.elapsed-since\x01K\x03\0\
\x18tensor:gpu/kernels@0.1.0\x05\0\x02\x03\0\0\x06buffer\x02\x03\0\0\x06device\x02\
\x03\0\0\x05error\x01B\x12\x02\x03\x02\x01\x01\x04\0\x06buffer\x03\0\0\x02\x03\x02\
\x01\x02\x04\0\x06device\x03\0\x02\x02\x03\x02\x01\x03\x04\0\x05error\x03\0\x04\x01\
h\x03\x01i\x01\x01k\x07\x01j\x01\x08\x01\x05\x01@\x02\x06device\x06\x04names\0\x09\
\x04\0\x06lookup\x01\x0a\x01j\x01\x07\x01\x05\x01@\x02\x04names\x06buffer\x07\0\x0b\
\x04\0\x04keep\x01\x0c\x01j\0\x01\x05\x01@\x01\x04names\0\x0d\x04\0\x07release\x01\
\x0e\x03\0\x1atensor:gpu/residency@0.1.0\x05\x04\x02\x03\0\0\x05queue\x01B>\x02\x03\
\x02\x01\x01\x04\0\x06buffer\x03\0\0\x02\x03\x02\x01\x03\x04\0\x05error\x03\0\x02\
\x02\x03\x02\x01\x05\x04\0\x05queue\x03\0\x04\x01m\x05\x03f32\x03f64\x03f16\x04b\
f16\x02s8\x04\0\x0celement-type\x03\0\x06\x01h\x01\x01r\x05\x06buffer\x08\x06off\
setw\x11leading-dimensionw\x06stridew\x0atransposed\x7f\x04\0\x06matrix\x03\0\x09\
\x01r\x03\x06buffer\x08\x06offsetw\x09incrementw\x04\0\x06vector\x03\0\x0b\x01m\x03\
\x04none\x04relu\x04gelu\x04\0\x0aactivation\x03\0\x0d\x01k\x0c\x01r\x02\x04bias\
\x0f\x0aactivation\x0e\x04\0\x08epilogue\x03\0\x10\x01r\x08\x07element\x07\x01mw\
\x01nw\x01kw\x05alphau\x04betau\x05batchw\x08epilogue\x11\x04\0\x0bgemm-config\x03\
\0\x12\x01r\x05\x07element\x07\x01mw\x01nw\x05alphau\x04betau\x04\0\x0bgemv-conf\
ig\x03\0\x14\x01r\x03\x06buffer\x08\x06offsetw\x11leading-dimensionw\x04\0\x04ro\
ws\x03\0\x16\x01r\x02\x07lengths\x0c\x0frows-per-lengthw\x04\0\x0brow-lengths\x03\
\0\x18\x01r\x02\x04mask\x17\x05countw\x04\0\x0aadded-mask\x03\0\x1a\x01kw\x01k\x19\
\x01k\x1b\x01r\x07\x07element\x07\x04rowsw\x07columnsw\x05scaleu\x0ecausal-queri\
es\x1c\x07lengths\x1d\x04mask\x1e\x04\0\x0esoftmax-config\x03\0\x1f\x01r\x06\x07\
element\x07\x04rowsw\x07columnsw\x07epsilonu\x06weight\x0f\x04bias\x0f\x04\0\x0b\
norm-config\x03\0!\x01m\x05\x03sum\x03max\x03min\x07arg-max\x07arg-min\x04\0\x09\
reduction\x03\0#\x01r\x04\x07element\x07\x09reduction$\x04rowsw\x07columnsw\x04\0\
\x0dreduce-config\x03\0%\x01r\x04\x07element\x07\x04rowsw\x07columnsw\x01kw\x04\0\
\x0ctop-k-config\x03\0'\x01r\x05\x06buffer\x08\x06offsetw\x0arow-stridew\x0bhead\
-stridew\x0cbatch-stridew\x04\0\x09head-rows\x03\0)\x01r\x0a\x07element\x07\x05b\
atchw\x05headsw\x09key-headsw\x07queriesw\x04keysw\x04sizew\x05scaleu\x06causal\x7f\
\x07lengths\x0f\x04\0\x10attention-config\x03\0+\x01h\x05\x01j\0\x01\x03\x01@\x05\
\x05queue-\x06config\x13\x01a\x0a\x01b\x0a\x01c\x0a\0.\x04\0\x04gemm\x01/\x01@\x05\
\x05queue-\x06config\x15\x01a\x0a\x01x\x0c\x01y\x0c\0.\x04\0\x04gemv\x010\x01@\x04\
\x05queue-\x06config\x20\x05input\x17\x06output\x17\0.\x04\0\x07softmax\x011\x01\
@\x04\x05queue-\x06config\"\x05input\x17\x06output\x17\0.\x04\0\x0alayer-norm\x01\
2\x04\0\x08rms-norm\x012\x01@\x04\x05queue-\x06config&\x05input\x17\x06output\x0c\
\0.\x04\0\x06reduce\x013\x01@\x05\x05queue-\x06config(\x05input\x17\x06values\x17\
\x07indices\x17\0.\x04\0\x05top-k\x014\x01@\x06\x05queue-\x06config,\x01q*\x01k*\
\x01v*\x06output*\0.\x04\0\x09attention\x015\x03\0\x1ftensor:gpu/linear-algebra@\
0.1.0\x05\x06\x04\0\x1btensor:gpu/capability@0.1.0\x04\0\x0b\x10\x01\0\x0acapabi\
lity\x03\0\0\0G\x09producers\x01\x0cprocessed-by\x02\x0dwit-component\x070.258.3\
\x10wit-bindgen-rust\x060.61.1";
#[inline(never)]
#[doc(hidden)]
pub fn __link_custom_section_describing_imports() {
    wit_bindgen::rt::maybe_link_cabi_realloc();
}
