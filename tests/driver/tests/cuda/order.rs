//! Order: streams, events, and what waits for what.

use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cudarc::driver::sys::{CUevent_flags, CUresult, CUstream_flags};
use cudarc::driver::{LaunchConfig, PushKernelArg, result, sys};

use crate::child::in_child;
use crate::kernels::{ONE, code, context, kernel, raw_function, raw_launch};

in_child! {
    fn a_stream_does_its_work_in_order_and_calls_return_before_it("launch_latency_us = 20000") {
        let context = context();
        let stream = context.new_stream().unwrap();
        let word = stream.alloc_zeros::<u32>(1).unwrap();
        let store = kernel(&context, "store");
        for value in 0..5u32 {
            // SAFETY: the arguments are the kernel's.
            unsafe { stream.launch_builder(&store).arg(&word).arg(&value).launch(ONE) }.unwrap();
        }
        // SAFETY: it is a stream.
        let query = unsafe { sys::cuStreamQuery(stream.cu_stream()) };
        assert_eq!(query, CUresult::CUDA_ERROR_NOT_READY);
        assert_eq!(stream.clone_dtoh(&word).unwrap(), [4]);
        // The copy is done; what cudarc recorded after it may not be.
        stream.synchronize().unwrap();
        // SAFETY: as above.
        let query = unsafe { sys::cuStreamQuery(stream.cu_stream()) };
        assert_eq!(query, CUresult::CUDA_SUCCESS);
    }

    fn events_tell_the_time_between_them("launch_latency_us = 30000") {
        let context = context();
        let stream = context.new_stream().unwrap();
        let timed = Some(CUevent_flags::CU_EVENT_DEFAULT);
        let (start, end) = (context.new_event(timed).unwrap(), context.new_event(timed).unwrap());
        let nothing = kernel(&context, "nothing");
        start.record(&stream).unwrap();
        // SAFETY: the kernel takes nothing.
        unsafe { stream.launch_builder(&nothing).launch(ONE) }.unwrap();
        end.record(&stream).unwrap();
        assert!(!end.is_complete());
        // SAFETY: both are events.
        let early = unsafe { result::event::elapsed(start.cu_event(), end.cu_event()) };
        assert_eq!(code(early), CUresult::CUDA_ERROR_NOT_READY as u32);
        end.synchronize().unwrap();
        assert!(end.is_complete());
        let milliseconds = start.elapsed_ms(&end).unwrap();
        assert!(milliseconds >= 30.0, "{milliseconds} ms");
    }

    fn events_without_times_and_ones_that_were_never_recorded_have_none("") {
        let context = context();
        let stream = context.default_stream();
        let untimed = context.new_event(None).unwrap();
        untimed.record(&stream).unwrap();
        assert_eq!(code(untimed.elapsed_ms(&untimed)), 400);
        let never = context.new_event(Some(CUevent_flags::CU_EVENT_DEFAULT)).unwrap();
        assert!(never.is_complete());
        assert_eq!(code(never.elapsed_ms(&never)), 400);
    }

    fn kernels_of_different_streams_run_beside_one_another("") {
        let context = context();
        let (waits, gives) = (context.new_stream().unwrap(), context.new_stream().unwrap());
        let word = waits.alloc_zeros::<u64>(1).unwrap();
        waits.synchronize().unwrap();
        let address = crate::kernels::address(&word, &waits);
        raw_launch(raw_function("wait"), waits.cu_stream(), &mut [address]).unwrap();
        raw_launch(raw_function("store"), gives.cu_stream(), &mut [address, 1]).unwrap();
        waits.synchronize().unwrap();
    }

    fn a_stream_waits_for_anothers_event("") {
        let context = context();
        let (first, second) = (context.new_stream().unwrap(), context.new_stream().unwrap());
        let words = first.alloc_zeros::<u64>(2).unwrap();
        first.synchronize().unwrap();
        let [gate, word] = [0, 8].map(|offset| crate::kernels::address(&words, &first) + offset);
        let (wait, store) = (raw_function("wait"), raw_function("store"));
        raw_launch(wait, first.cu_stream(), &mut [gate]).unwrap();
        raw_launch(store, first.cu_stream(), &mut [word, 1]).unwrap();
        let event = first.record_event(None).unwrap();
        second.wait(&event).unwrap();
        raw_launch(store, second.cu_stream(), &mut [word, 2]).unwrap();
        assert!(!event.is_complete());
        raw_launch(store, context.new_stream().unwrap().cu_stream(), &mut [gate, 1]).unwrap();
        second.synchronize().unwrap();
        assert_eq!(second.clone_dtoh(&words).unwrap()[1], 2);
    }

    fn the_default_stream_waits_for_blocking_streams_and_they_for_it("launch_latency_us = 20000") {
        let context = context();
        let mut blocking = std::ptr::null_mut();
        // SAFETY: there is a place for the stream.
        unsafe { sys::cuStreamCreate(&mut blocking, CUstream_flags::CU_STREAM_DEFAULT as u32) }
            .result()
            .unwrap();
        let default = context.default_stream();
        let word = default.alloc_zeros::<u64>(1).unwrap();
        let address = crate::kernels::address(&word, &default);
        let store = raw_function("store");
        for (stream, value) in [(blocking, 1), (default.cu_stream(), 2), (blocking, 3)] {
            raw_launch(store, stream, &mut [address, value]).unwrap();
        }
        // A copy without a stream is one of the default stream.
        let mut bytes = [0u64];
        // SAFETY: the memory is there.
        unsafe { result::memcpy_dtoh_sync(&mut bytes, address) }.unwrap();
        assert_eq!(bytes, [3]);
    }

    fn a_function_of_the_host_is_called_in_its_turn("") {
        static CALLED: AtomicU32 = AtomicU32::new(0);
        unsafe extern "C" fn next(expected: *mut c_void) {
            let expected = expected.addr() as u32;
            let order = Ordering::Relaxed;
            let _ = CALLED.compare_exchange(expected, expected + 1, order, order);
        }
        let context = context();
        let stream = context.new_stream().unwrap();
        for number in 0..3 {
            let number = std::ptr::without_provenance_mut(number);
            // SAFETY: the function takes the number for what it is.
            let queued = unsafe {
                result::stream::launch_host_function(stream.cu_stream(), next, number)
            };
            queued.unwrap();
        }
        stream.synchronize().unwrap();
        assert_eq!(CALLED.load(Ordering::Relaxed), 3);
    }

    fn an_endless_kernel_never_ends_and_what_runs_beside_it_goes_on("") {
        let context = context();
        let (stuck, free) = (context.new_stream().unwrap(), context.new_stream().unwrap());
        let (endless, nothing) = (kernel(&context, "endless"), kernel(&context, "nothing"));
        // SAFETY: the kernels take nothing.
        unsafe { stuck.launch_builder(&endless).launch(ONE) }.unwrap();
        let waits = std::thread::spawn({
            let stuck = stuck.clone();
            move || stuck.synchronize()
        });
        for _ in 0..10 {
            // SAFETY: as above.
            unsafe { free.launch_builder(&nothing).launch(ONE) }.unwrap();
            free.synchronize().unwrap();
        }
        std::thread::sleep(Duration::from_millis(50));
        assert!(!waits.is_finished());
        // Nothing ends it but the end of the process. To let go of anything would wait for it.
        std::process::exit(0);
    }

    fn threads_that_wait_for_one_another_do_so_for_ever_and_hold_up_nobody("") {
        let context = context();
        let (deadlock, store) = (kernel(&context, "deadlock"), raw_function("store"));
        let two = LaunchConfig { block_dim: (2, 1, 1), ..ONE };
        let mut waiting = Vec::new();
        for _ in 0..20 {
            let stream = context.new_stream().unwrap();
            // SAFETY: the kernel takes nothing.
            unsafe { stream.launch_builder(&deadlock).launch(two) }.unwrap();
            waiting.push(std::thread::spawn(move || stream.synchronize()));
        }
        let free = context.new_stream().unwrap();
        let word = free.alloc_zeros::<u64>(1).unwrap();
        let address = crate::kernels::address(&word, &free);
        raw_launch(store, free.cu_stream(), &mut [address, 3]).unwrap();
        assert_eq!(free.clone_dtoh(&word).unwrap(), [3]);
        assert!(waiting.iter().all(|waits| !waits.is_finished()));
        std::process::exit(0);
    }

    fn more_endless_kernels_than_processors_leave_room_for_others("") {
        let context = context();
        let endless = kernel(&context, "endless");
        let wide = LaunchConfig { grid_dim: (64, 1, 1), ..ONE };
        let streams = [(); 16].map(|()| context.new_stream().unwrap());
        for stream in &streams {
            // SAFETY: the kernel takes nothing.
            unsafe { stream.launch_builder(&endless).launch(wide) }.unwrap();
        }
        let free = context.new_stream().unwrap();
        let word = free.alloc_zeros::<u32>(1).unwrap();
        free.synchronize().unwrap();
        let handshake = kernel(&context, "handshake");
        // SAFETY: the argument is the kernel's.
        unsafe {
            free.launch_builder(&handshake).arg(&word).launch(LaunchConfig { grid_dim: (2, 1, 1), ..ONE })
        }
        .unwrap();
        assert_eq!(free.clone_dtoh(&word).unwrap(), [1]);
        std::process::exit(0);
    }

    fn freeing_memory_waits_for_an_endless_kernel("") {
        let context = context();
        let stream = context.new_stream().unwrap();
        let endless = kernel(&context, "endless");
        // SAFETY: the kernel takes nothing; nothing uses the memory.
        let address = unsafe { result::malloc_sync(64) }.unwrap();
        unsafe { stream.launch_builder(&endless).launch(ONE) }.unwrap();
        let waits = std::thread::spawn(move || {
            context.bind_to_thread().unwrap();
            // SAFETY: as above.
            unsafe { result::free_sync(address) }
        });
        std::thread::sleep(Duration::from_millis(50));
        assert!(!waits.is_finished());
        std::process::exit(0);
    }
}
