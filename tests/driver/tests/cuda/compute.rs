//! Computing: memory, copies, launches.

use cudarc::driver::{LaunchConfig, PushKernelArg, result, sys};
use cudarc::nvrtc::Ptx;

use crate::child::in_child;
use crate::kernels::{ONE, SAXPY, address, code, context, kernel, module};

in_child! {
    fn saxpy_computes_what_it_should("") {
        let context = context();
        let stream = context.default_stream();
        let function = context.load_module(Ptx::from_src(SAXPY)).unwrap();
        let function = function.load_function("saxpy").unwrap();
        let count = 10_000u32;
        let x: Vec<f32> = (0..count).map(|i| i as f32).collect();
        let y = stream.clone_htod(&vec![1.0f32; count as usize]).unwrap();
        let x_there = stream.clone_htod(&x).unwrap();
        let mut launch = stream.launch_builder(&function);
        launch.arg(&y).arg(&x_there).arg(&2.0f32).arg(&count);
        // SAFETY: the arguments are those of the kernel.
        unsafe { launch.launch(LaunchConfig::for_num_elems(count)) }.unwrap();
        let result = stream.clone_dtoh(&y).unwrap();
        assert!(result.iter().zip(&x).all(|(y, x)| *y == 2.0 * x + 1.0));
    }

    fn fresh_memory_is_not_zero_and_freed_memory_is_gone("") {
        let context = context();
        let mut bytes = [0u8; 100];
        // SAFETY: the memory is there, and read before it is freed.
        unsafe {
            let address = result::malloc_sync(100).unwrap();
            assert!(address > 1 << 40, "{address:#x} could be a number by mistake");
            result::memcpy_dtoh_sync(&mut bytes, address).unwrap();
            assert_eq!(bytes, [0xa5; 100]);
            result::free_sync(address).unwrap();
            assert_eq!(code(result::memcpy_dtoh_sync(&mut bytes, address)), 1);
            assert_eq!(code(result::free_sync(address)), 1);
        }
        drop(context);
    }

    fn memory_runs_out_where_the_switches_say_and_comes_back("memory_bytes = 1048576") {
        let context = context();
        // SAFETY: nothing uses the memory.
        unsafe {
            let address = result::malloc_sync(1 << 19).unwrap();
            assert_eq!(context.mem_get_info(), Ok((1 << 19, 1 << 20)));
            assert_eq!(code(result::malloc_sync((1 << 19) + 1)), 2);
            // No sticky error.
            let other = result::malloc_sync(1 << 19).unwrap();
            assert_eq!(context.mem_get_info(), Ok((0, 1 << 20)));
            result::free_sync(address).unwrap();
            result::free_sync(other).unwrap();
        }
        assert_eq!(context.mem_get_info(), Ok((1 << 20, 1 << 20)));
    }

    fn copies_and_fills_of_any_range_reach_it_and_nothing_else("") {
        let context = context();
        // SAFETY: all ranges are within the allocations.
        unsafe {
            let address = result::malloc_sync(64).unwrap();
            result::memset_d8_sync(address, 0, 64).unwrap();
            result::memset_d8_sync(address + 3, 7, 9).unwrap();
            result::memcpy_htod_sync(address + 20, &[1u8, 2, 3]).unwrap();
            result::memcpy_dtod_sync(address + 41, address + 20, 3).unwrap();
            sys::cuMemsetD32_v2(address + 48, 0x0102_0304, 2).result().unwrap();
            assert_eq!(sys::cuMemsetD32_v2(address + 49, 1, 1) as u32, 1);
            let mut bytes = [0u8; 64];
            result::memcpy_dtoh_sync(&mut bytes, address).unwrap();
            let mut expected = [0u8; 64];
            expected[3..12].fill(7);
            expected[20..23].copy_from_slice(&[1, 2, 3]);
            expected[41..44].copy_from_slice(&[1, 2, 3]);
            expected[48..56].copy_from_slice(&[4, 3, 2, 1, 4, 3, 2, 1]);
            assert_eq!(bytes, expected);
            assert_eq!(code(result::memcpy_htod_sync(address + 62, &[1u8, 2, 3])), 1);
        }
        drop(context);
    }

    fn what_is_not_pinned_may_go_when_a_copy_has_returned("") {
        let context = context();
        let stream = context.new_stream().unwrap();
        let gate = stream.alloc_zeros::<u32>(1).unwrap();
        let mut to = stream.alloc_zeros::<u8>(1000).unwrap();
        stream.synchronize().unwrap();
        let other = context.new_stream().unwrap();
        let wait = kernel(&context, "wait");
        // SAFETY: the argument is the kernel's.
        unsafe { stream.launch_builder(&wait).arg(&gate).launch(ONE) }.unwrap();
        // The copy cannot begin yet.
        let mut bytes = vec![1u8; 1000];
        stream.memcpy_htod(&bytes, &mut to).unwrap();
        bytes.fill(9);
        // SAFETY: the word is there; the kernel waits for it.
        let opened = unsafe {
            result::memset_d8_async(address(&gate, &stream), 1, 4, other.cu_stream())
        };
        opened.unwrap();
        assert_eq!(stream.clone_dtoh(&to).unwrap(), vec![1; 1000]);
    }

    fn kernels_reach_pinned_memory_of_the_host_at_its_own_address("") {
        let context = context();
        let store = crate::kernels::raw_function("store");
        let null = std::ptr::null_mut();
        // SAFETY: the memory lives until it is unregistered.
        unsafe {
            let mut memory = vec![0u32; 1024];
            let host = memory.as_mut_ptr();
            sys::cuMemHostRegister_v2(host.cast(), 4096, 0).result().unwrap();
            assert_eq!(sys::cuMemHostRegister_v2(host.cast(), 4096, 0) as u32, 712);
            let mut device = 0;
            sys::cuMemHostGetDevicePointer_v2(&mut device, host.cast(), 0).result().unwrap();
            crate::kernels::raw_launch(store, null, &mut [device + 8, 5]).unwrap();
            context.synchronize().unwrap();
            assert_eq!(host.add(2).read_volatile(), 5);
            sys::cuMemHostUnregister(host.cast()).result().unwrap();
            assert_eq!(sys::cuMemHostUnregister(host.cast()) as u32, 713);

            let pinned = result::malloc_host(64, 0).unwrap().cast::<u32>();
            let address = pinned.expose_provenance() as u64;
            crate::kernels::raw_launch(store, null, &mut [address, 6]).unwrap();
            context.synchronize().unwrap();
            assert_eq!(pinned.read_volatile(), 6);
            result::free_host(pinned.cast()).unwrap();
        }
    }

    fn a_modules_variables_are_there_and_hold_what_they_should("") {
        let context = context();
        let module = module(&context);
        let stream = context.default_stream();
        let table = module.get_global("table", &stream).unwrap();
        assert_eq!(stream.clone_dtoh(&table.as_view()).unwrap(), [1, 0, 0, 0, 2, 0, 0, 0]);
        assert_eq!(code(module.get_global("chair", &stream)), 500);
    }

    fn blocks_of_a_grid_may_wait_for_one_another("") {
        let context = context();
        let stream = context.default_stream();
        let word = stream.alloc_zeros::<u32>(1).unwrap();
        let handshake = kernel(&context, "handshake");
        let two = LaunchConfig { grid_dim: (2, 1, 1), ..ONE };
        // SAFETY: the argument is the kernel's.
        unsafe { stream.launch_builder(&handshake).arg(&word).launch(two) }.unwrap();
        assert_eq!(stream.clone_dtoh(&word).unwrap(), [1]);
    }

    fn the_device_looks_like_one("memory_bytes = 85899345920\ndevices = 2") {
        use sys::CUdevice_attribute as Attribute;
        let context = context();
        assert_eq!(cudarc::driver::CudaContext::device_count(), Ok(2));
        assert_eq!(context.compute_capability(), Ok((9, 0)));
        assert_eq!(context.total_mem(), Ok(80 << 30));
        assert!(context.name().unwrap().contains("no GPU"));
        let attribute = |attribute| context.attribute(attribute).unwrap();
        assert_eq!(attribute(Attribute::CU_DEVICE_ATTRIBUTE_WARP_SIZE), 32);
        assert_eq!(attribute(Attribute::CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK), 1024);
        let opt_in = Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN;
        assert_eq!(attribute(opt_in), 227 << 10);
        let other = cudarc::driver::CudaContext::new(1).unwrap();
        assert_ne!(context.uuid().unwrap().bytes, other.uuid().unwrap().bytes);
        assert_eq!(code(cudarc::driver::CudaContext::new(2)), 101);
        assert!(context.has_async_alloc());
    }
}
