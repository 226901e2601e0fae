// Written by `cargo xtask wit`, with wit-bindgen 0.61.1, of wit/tensor.wit with the hash b07bd05c68b6933d.

#[allow(dead_code, clippy::all)]
pub mod exports {
    pub mod tensor {
        pub mod lifecycle {
            /// Set-up that is done once, before the first request, and not by each instance.
            ///
            /// A component exports this interface in order to be initialized. The host calls `init` once for
            /// each time that it loads the component, in an instance of its own. What that instance then has in its
            /// linear memories and globals becomes the image that every later instance starts from, which takes no
            /// longer than if there were nothing to set up: pages are shared until they are written.
            ///
            /// What is in memory when `init` ends is the same in each instance: also the seeds of
            /// random numbers and of hash maps, and the times that clocks have told. Nothing that comes from a handle of
            /// the host may be left: files, streams, devices, modules, queues and buffers are dropped before `init`
            /// ends, or the component is refused. Memory on the device stays where it is kept under a
            /// name (`tensor:gpu/residency`), and later instances look it up.
            #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
            pub mod initialization {
                #[used]
                #[doc(hidden)]
                static __FORCE_SECTION_REF: fn() = super::super::super::super::__link_custom_section_describing_imports;
                use super::super::super::super::_rt;
                #[doc(hidden)]
                #[allow(non_snake_case, unused_unsafe)]
                pub unsafe fn _export_init_cabi<T_: Guest>() -> *mut u8 {
                    unsafe {
                        #[cfg(target_arch = "wasm32")] _rt::run_ctors_once();
                        let result0 = { T_::init() };
                        let ptr1 = (&raw mut _RET_AREA.0).cast::<u8>();
                        match result0 {
                            Ok(_) => {
                                *ptr1.add(0).cast::<u8>() = (0i32) as u8;
                            }
                            Err(e) => {
                                *ptr1.add(0).cast::<u8>() = (1i32) as u8;
                                let vec2 = (e.into_bytes()).into_boxed_slice();
                                let ptr2 = vec2.as_ptr().cast::<u8>();
                                let len2 = vec2.len();
                                ::core::mem::forget(vec2);
                                *ptr1
                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>() = len2;
                                *ptr1
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>() = ptr2.cast_mut();
                            }
                        };
                        ptr1
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case)]
                pub unsafe fn __post_return_init<T_: Guest>(arg0: *mut u8) {
                    unsafe {
                        let l0 = i32::from(*arg0.add(0).cast::<u8>());
                        match l0 {
                            0 => {}
                            _ => {
                                let l1 = *arg0
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>();
                                let l2 = *arg0
                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                _rt::cabi_dealloc(l1, l2, 1);
                            }
                        }
                    }
                }
                pub trait Guest {
                    /// Sets the component up. It has what requests have: the tenant's device, assets, settings and
                    /// limits; and it has a time limit. A component that answers with an error, in words for its author, is
                    /// not deployed.
                    #[allow(async_fn_in_trait)]
                    fn init() -> ::core::result::Result<(), _rt::String>;
                }
                #[doc(hidden)]
                #[macro_export]
                macro_rules! __export_tensor_lifecycle_initialization_0_1_0_cabi {
                    ($ty:ident with_types_in $($path_to_types:tt)*) => {
                        const _ : () = { #[unsafe (export_name =
                        "tensor:lifecycle/initialization@0.1.0#init")] unsafe extern "C"
                        fn export_init() -> * mut u8 { unsafe { $($path_to_types)*::
                        _export_init_cabi::<$ty > () } } #[unsafe (export_name =
                        "cabi_post_tensor:lifecycle/initialization@0.1.0#init")] unsafe
                        extern "C" fn _post_return_init(arg0 : * mut u8,) { unsafe {
                        $($path_to_types)*:: __post_return_init::<$ty > (arg0) } } };
                    };
                }
                #[doc(hidden)]
                pub use __export_tensor_lifecycle_initialization_0_1_0_cabi;
                #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                struct _RetArea(
                    [::core::mem::MaybeUninit<
                        u8,
                    >; 3 * ::core::mem::size_of::<*const u8>()],
                );
                static mut _RET_AREA: _RetArea = _RetArea(
                    [::core::mem::MaybeUninit::uninit(); 3
                        * ::core::mem::size_of::<*const u8>()],
                );
            }
        }
    }
}
mod _rt {
    #![allow(dead_code, unused_imports, clippy::all)]
    #[cfg(target_arch = "wasm32")]
    pub fn run_ctors_once() {
        wit_bindgen::rt::run_ctors_once();
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
    pub use alloc_crate::string::String;
    pub use alloc_crate::alloc;
    extern crate alloc as alloc_crate;
}
/// Generates `#[unsafe(no_mangle)]` functions to export the specified type as
/// the root implementation of all generated traits.
///
/// For more information see the documentation of `wit_bindgen::generate!`.
///
/// ```rust
/// # macro_rules! export_initialization{ ($($t:tt)*) => (); }
/// # trait Guest {}
/// struct MyType;
///
/// impl Guest for MyType {
///     // ...
/// }
///
/// export_initialization!(MyType);
/// ```
#[allow(unused_macros)]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_initialized_impl {
    ($ty:ident) => {
        tensor_wasm_guest::initialization::export_initialization!($ty with_types_in
        tensor_wasm_guest::initialization);
    };
    ($ty:ident with_types_in $($path_to_types_root:tt)*) => {
        $($path_to_types_root)*::
        exports::tensor::lifecycle::initialization::__export_tensor_lifecycle_initialization_0_1_0_cabi!($ty
        with_types_in $($path_to_types_root)*::
        exports::tensor::lifecycle::initialization); const _ : () = { #[cfg(target_arch =
        "wasm32")] #[unsafe (link_section =
        "component-type:wit-bindgen:0.61.1:tensor:lifecycle@0.1.0:initialized:imports and exports")]
        #[doc(hidden)] #[allow(clippy::octal_escapes)] pub static
        __WIT_BINDGEN_COMPONENT_TYPE : [u8; 238] = *
        b"\
\0asm\x0d\0\x01\0\0\x19\x16wit-component-encoding\x04\0\x07m\x01A\x02\x01A\x02\x01\
B\x03\x01j\0\x01s\x01@\0\0\0\x04\0\x04init\x01\x01\x04\0%tensor:lifecycle/initia\
lization@0.1.0\x05\0\x04\0\"tensor:lifecycle/initialized@0.1.0\x04\0\x0b\x11\x01\
\0\x0binitialized\x03\0\0\0G\x09producers\x01\x0cprocessed-by\x02\x0dwit-compone\
nt\x070.258.3\x10wit-bindgen-rust\x060.61.1";
        };
    };
}
#[doc(inline)]
pub use __export_initialized_impl as export_initialization;
#[cfg(target_arch = "wasm32")]
#[unsafe(
    link_section = "component-type:wit-bindgen:0.61.1:tensor:lifecycle@0.1.0:initialized-with-all-of-its-exports-removed:encoded world"
)]
#[doc(hidden)]
#[allow(clippy::octal_escapes)]
pub static __WIT_BINDGEN_COMPONENT_TYPE: [u8; 238] = *b"\
\0asm\x0d\0\x01\0\0\x19\x16wit-component-encoding\x04\0\x07M\x01A\x02\x01A\0\x04\
\0Btensor:lifecycle/initialized-with-all-of-its-exports-removed@0.1.0\x04\0\x0b1\
\x01\0+initialized-with-all-of-its-exports-removed\x03\0\0\0G\x09producers\x01\x0c\
processed-by\x02\x0dwit-component\x070.258.3\x10wit-bindgen-rust\x060.61.1";
#[inline(never)]
#[doc(hidden)]
pub fn __link_custom_section_describing_imports() {
    wit_bindgen::rt::maybe_link_cabi_realloc();
}
