//! What goes wrong, and for how long.

use cudarc::driver::sys::CUresult;
use cudarc::driver::{CudaContext, LaunchConfig, result, sys};

use crate::child::in_child;
use crate::kernels::{KERNELS, ONE, code, context, kernel, module, raw_function, raw_launch};

/// Launches a kernel that fails, and sees that nothing works any more.
fn everything_fails_after(launch: impl FnOnce(), expected: u32) {
    let context = context();
    // SAFETY: nothing uses the memory.
    let address = unsafe { result::malloc_sync(64) }.unwrap();
    let function = raw_function("nothing");
    let event = context.new_event(None).unwrap();
    let (other, stream) = (context.new_stream().unwrap(), context.new_stream().unwrap());
    launch();
    // Whoever waits gets it; and from then on everyone, whatever they ask for.
    assert_eq!(code(context.synchronize()), expected);
    assert_eq!(code(context.synchronize()), expected);
    assert_eq!(code(context.mem_get_info()), expected);
    assert_eq!(code(stream.synchronize()), expected);
    assert_eq!(code(event.record(&other)), expected);
    assert_eq!(
        code(raw_launch(function, other.cu_stream(), &mut [])),
        expected
    );
    assert_eq!(code(context.load_module(KERNELS.into())), expected);
    // SAFETY: the calls are refused.
    unsafe {
        assert_eq!(code(result::malloc_sync(64)), expected);
        assert_eq!(code(result::memcpy_htod_sync(address, &[1u8])), expected);
        assert_eq!(code(result::free_sync(address)), expected);
    }
    // cudarc keeps what it meets while it drops something, and gives it to the next who asks.
    drop(event);
    assert_eq!(code(context.check_err()), expected);
    assert_eq!(code(CudaContext::new(0)), expected);
    // What asks nothing of the context still works.
    assert_eq!(CudaContext::device_count(), Ok(1));
    assert!(result::device::get_name(0).is_ok());
}

fn store_to(address: u64) {
    let null = std::ptr::null_mut();
    raw_launch(raw_function("store"), null, &mut [address, 1]).unwrap();
}

in_child! {
    fn an_illegal_address_is_reported_late_and_for_good("") {
        everything_fails_after(|| store_to(0), 700);
    }

    fn an_address_past_the_end_is_illegal("") {
        // SAFETY: a kernel writes past it, which is the point.
        everything_fails_after(|| store_to(unsafe { result::malloc_sync(64) }.unwrap() + 64), 700);
    }

    fn a_freed_address_is_illegal("") {
        everything_fails_after(
            || {
                // SAFETY: as above.
                let address = unsafe { result::malloc_sync(64) }.unwrap();
                unsafe { result::free_sync(address) }.unwrap();
                store_to(address);
            },
            700,
        );
    }

    fn a_misaligned_address_is_an_error_of_its_own("") {
        // SAFETY: as above.
        everything_fails_after(|| store_to(unsafe { result::malloc_sync(64) }.unwrap() + 2), 716);
    }

    fn a_trap_is_a_failed_launch("") {
        let null = std::ptr::null_mut();
        everything_fails_after(|| raw_launch(raw_function("stops"), null, &mut []).unwrap(), 719);
    }

    fn an_assertion_is_made_by_a_switch("fault = { kernel = \"nothing\", after = 1, code = 710 }") {
        let null = std::ptr::null_mut();
        everything_fails_after(
            || {
                for _ in 0..2 {
                    raw_launch(raw_function("nothing"), null, &mut []).unwrap();
                }
            },
            710,
        );
    }

    fn a_fault_of_one_stream_ends_an_endless_kernel_of_another("") {
        let context = context();
        let (one, other) = (context.new_stream().unwrap(), context.new_stream().unwrap());
        raw_launch(raw_function("endless"), one.cu_stream(), &mut []).unwrap();
        raw_launch(raw_function("store"), other.cu_stream(), &mut [0, 0]).unwrap();
        assert_eq!(code(one.synchronize()), 700);
    }

    fn what_is_refused_leaves_no_mark("") {
        let context = context();
        let stream = context.default_stream();
        let nothing = kernel(&context, "nothing");
        let launch = |config| {
            // SAFETY: the kernel takes nothing.
            code(unsafe { stream.launch_builder(&nothing).launch(config) })
        };
        for (grid_dim, block_dim, shared_mem_bytes) in [
            ((0, 1, 1), (1, 1, 1), 0),
            ((1, 65536, 1), (1, 1, 1), 0),
            ((1, 1, 1), (0, 1, 1), 0),
            ((1, 1, 1), (1025, 1, 1), 0),
            ((1, 1, 1), (32, 32, 2), 0),
            ((1, 1, 1), (1, 1, 65), 0),
            ((1, 1, 1), (1, 1, 1), (48 << 10) + 1),
        ] {
            assert_eq!(launch(LaunchConfig { grid_dim, block_dim, shared_mem_bytes }), 1);
        }
        assert_eq!(code(module(&context).load_function("something")), 500);
        let invented = std::ptr::without_provenance_mut(0x1234);
        assert_eq!(code(raw_launch(invented, std::ptr::null_mut(), &mut [])), 400);
        assert_eq!(code(raw_launch(raw_function("nothing"), invented.cast(), &mut [])), 400);
        assert_eq!(launch(ONE), 0);
        context.synchronize().unwrap();
    }

    fn more_dynamic_shared_memory_must_be_asked_for_first("") {
        use sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        let context = context();
        let stream = context.default_stream();
        let nothing = kernel(&context, "nothing");
        let most = LaunchConfig { shared_mem_bytes: 227 << 10, ..ONE };
        let attribute = CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        // SAFETY: the kernel takes nothing.
        let launch = || code(unsafe { stream.launch_builder(&nothing).launch(most) });
        assert_eq!(launch(), 1);
        assert_eq!(code(nothing.set_attribute(attribute, (227 << 10) + 1)), 1);
        nothing.set_attribute(attribute, 227 << 10).unwrap();
        assert_eq!(launch(), 0);
        context.synchronize().unwrap();
    }

    fn without_a_context_and_without_a_start_calls_say_so("") {
        let count = result::device::get_count();
        assert_eq!(code(count), CUresult::CUDA_ERROR_NOT_INITIALIZED as u32);
        result::init().unwrap();
        assert_eq!(code(result::mem_get_info()), CUresult::CUDA_ERROR_INVALID_CONTEXT as u32);
    }

    fn a_context_that_is_not_primary_is_broken_alone("") {
        let other = CudaContext::new_non_primary(0, 0).unwrap();
        let context = context();
        context.bind_to_thread().unwrap();
        store_to(0);
        assert_eq!(code(context.synchronize()), 700);
        other.synchronize().unwrap();
        let stream = other.default_stream();
        assert_eq!(stream.clone_dtoh(&stream.alloc_zeros::<u8>(3).unwrap()).unwrap(), [0; 3]);
    }
}

#[test]
fn errors_have_names() {
    let path = concat!(module_path!(), "::errors_have_names");
    let ended = crate::child::run(
        path,
        || crate::driver::Driver::new(""),
        || {
            let error = result::DriverError(CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
            assert_eq!(error.error_name(), Ok(c"CUDA_ERROR_ILLEGAL_ADDRESS"));
            assert!(format!("{error}").contains("an illegal memory access was encountered"));
        },
    );
    if let Some(ended) = ended {
        ended.succeeds();
        // To ask what an error means is no call of the device.
        assert!(ended.calls.is_empty());
    }
}
