//! Where cudarc panics instead of returning an error, and what it reads that it was not given. The
//! host must ask or check before each of these.

use cudarc::driver::{CudaContext, result, sys};

use crate::child::{in_child, run, run_without};
use crate::driver::Driver;
use crate::kernels::{ONE, code, context, kernel, raw_function, raw_launch};

/// Whether this machine has a driver of its own, which would be found.
fn has_a_driver() -> bool {
    // SAFETY: it loads a library, and lets it go.
    unsafe { sys::is_culib_present() }
}

#[test]
fn a_context_panics_where_there_is_no_library() {
    let path = concat!(
        module_path!(),
        "::a_context_panics_where_there_is_no_library"
    );
    if has_a_driver() {
        return;
    }
    let ended = run_without(path, || drop(CudaContext::new(0)));
    if let Some(ended) = ended {
        ended.panicked("Unable to dynamically load the \"cuda\" shared library");
    }
}

#[test]
fn whether_there_is_a_library_can_be_asked_first() {
    let path = concat!(
        module_path!(),
        "::whether_there_is_a_library_can_be_asked_first"
    );
    if let Some(ended) = run(
        path,
        || Driver::new(""),
        || {
            assert!(has_a_driver());
            // It was unloaded again, and can be loaded for good.
            context();
        },
    ) {
        ended.succeeds();
    }
}

#[test]
fn a_missing_symbol_panics_when_it_is_first_called_and_not_before() {
    let path = concat!(
        module_path!(),
        "::a_missing_symbol_panics_when_it_is_first_called_and_not_before"
    );
    let ended = run(
        path,
        || Driver::lacking(&["cuMemGetInfo_v2", "cuCtxCreate_v4"], ""),
        || {
            let context = context();
            let stream = context.new_stream().unwrap();
            assert_eq!(
                stream
                    .clone_dtoh(&stream.clone_htod(&[1u8]).unwrap())
                    .unwrap(),
                [1]
            );
            println!("all else works");
            let ask = || std::panic::catch_unwind(|| context.mem_get_info());
            assert!(
                ask().is_err() && ask().is_err(),
                "each call panics, not the first alone"
            );
            let _ = context.mem_get_info();
        },
    );
    if let Some(ended) = ended {
        assert!(ended.output.contains("all else works"));
        ended.panicked("Missing symbol cuMemGetInfo_v2");
    }
}

#[test]
fn a_symbol_can_be_looked_for_before_it_is_called() {
    let path = concat!(
        module_path!(),
        "::a_symbol_can_be_looked_for_before_it_is_called"
    );
    let ended = run(
        path,
        || Driver::lacking(&["cuCtxCreate_v4"], ""),
        || {
            // SAFETY: the library is there; the symbols are not called.
            unsafe {
                let library = sys::culib();
                let has = |name: &str| {
                    library
                        .get::<unsafe extern "C" fn()>(name.as_bytes())
                        .is_ok()
                };
                assert!(has("cuCtxCreate_v3"));
                assert!(!has("cuCtxCreate_v4"));
            }
        },
    );
    if let Some(ended) = ended {
        ended.succeeds();
    }
}

#[test]
fn a_nul_in_a_kernels_name_panics() {
    let path = concat!(module_path!(), "::a_nul_in_a_kernels_name_panics");
    let ended = run(
        path,
        || Driver::new(""),
        || {
            let context = context();
            drop(crate::kernels::module(&context).load_function("no\0thing"));
        },
    );
    if let Some(ended) = ended {
        ended.panicked("NulError");
    }
}

#[test]
fn a_nul_in_a_modules_text_panics() {
    let path = concat!(module_path!(), "::a_nul_in_a_modules_text_panics");
    let ended = run(
        path,
        || Driver::new(""),
        || {
            let context = context();
            drop(context.load_module("\0".into()));
        },
    );
    if let Some(ended) = ended {
        ended.panicked("NulError");
    }
}

in_child! {
    // The driver reads as many arguments as the kernel has parameters. Where the list that it is
    // given is shorter, it takes whatever lies behind it for pointers, and reads there.
    fn too_few_arguments_are_read_past_the_end_of_the_list("") {
        let context = context();
        let stream = context.default_stream();
        let store = raw_function("store");
        let word = stream.alloc_zeros::<u32>(1).unwrap();
        let mut address = crate::kernels::address(&word, &stream);
        let mut forgotten = 42u32;
        let mut list = [
            std::ptr::from_mut(&mut address).cast(),
            std::ptr::from_mut(&mut forgotten).cast(),
        ];
        // SAFETY: one argument is given, and the one that is read beyond is there by our own doing.
        unsafe {
            let list = std::slice::from_raw_parts_mut(list.as_mut_ptr(), 1);
            result::launch_kernel(store, (1, 1, 1), (1, 1, 1), 0, stream.cu_stream(), list)
        }
        .unwrap();
        assert_eq!(stream.clone_dtoh(&word).unwrap(), [42]);
    }

    // No error is lost, but it may reach somebody else than who made it.
    fn an_error_while_something_is_dropped_is_given_to_whoever_asks_next(
        "fail = { call = \"cuEventDestroy_v2\", code = 999 }"
    ) {
        let context = context();
        drop(context.new_event(None).unwrap());
        assert_eq!(code(context.new_stream()), 999);
        assert!(context.new_stream().is_ok());
    }

    // Who asks again and again whether an event is complete does so for ever.
    fn an_event_of_a_broken_context_is_never_complete("") {
        let context = context();
        let event = context.default_stream().record_event(None).unwrap();
        context.synchronize().unwrap();
        assert!(event.is_complete());
        raw_launch(raw_function("stops"), std::ptr::null_mut(), &mut []).unwrap();
        assert_eq!(code(context.synchronize()), 719);
        assert!(!event.is_complete());
        assert_eq!(code(event.try_is_complete()), 719);
    }
}

/// A slice of cudarc makes two events. Each use waits for them and records them, once there is a
/// stream of one's own.
#[test]
fn slices_bring_events_unless_that_is_switched_off() {
    use cudarc::driver::PushKernelArg;
    let path = concat!(
        module_path!(),
        "::slices_bring_events_unless_that_is_switched_off"
    );
    let launch = |tracking: bool| {
        let context = context();
        if !tracking {
            // SAFETY: one stream is used.
            unsafe { context.disable_event_tracking() };
        }
        let stream = context.new_stream().unwrap();
        let word = stream.alloc_zeros::<u32>(1).unwrap();
        let store = kernel(&context, "store");
        // SAFETY: the arguments are the kernel's.
        unsafe {
            stream
                .launch_builder(&store)
                .arg(&word)
                .arg(&1u32)
                .launch(ONE)
        }
        .unwrap();
        stream.synchronize().unwrap();
    };
    for tracking in [true, false] {
        let switches = format!("devices = {}", 1 + u32::from(tracking));
        let ended = run(
            path,
            || Driver::new(&switches),
            || {
                launch(CudaContext::device_count() == Ok(2));
            },
        );
        let Some(ended) = ended else { return };
        ended.succeeds();
        let calls = &ended.calls;
        let count = |name: &str| calls.iter().filter(|call| *call == name).count();
        let events = ["cuEventCreate", "cuEventRecord", "cuStreamWaitEvent"].map(count);
        // The fill and the end of the slice wait for both, the launch that reads for the last to
        // write; the fill and the launch record one each.
        let expected = if tracking { [2, 2, 5] } else { [0, 0, 0] };
        assert_eq!(events, expected, "{calls:?}");
    }
}
