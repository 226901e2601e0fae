//! Each switch does what it says.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use cudarc::driver::{CudaContext, result, sys};

use crate::child::{in_child, run};
use crate::driver::Driver;
use crate::kernels::{code, context, raw_function, raw_launch};

in_child! {
    fn a_driver_is_as_old_as_it_is_told("driver_version = 11040") {
        let mut version = 0;
        // SAFETY: there is a place for the version.
        unsafe { sys::cuDriverGetVersion(&mut version) }.result().unwrap();
        assert_eq!(version, 11040);
    }

    fn without_devices_nothing_starts("devices = 0") {
        assert_eq!(code(result::init()), 100);
        assert_eq!(code(CudaContext::new(0)), 100);
    }

    fn a_call_fails_after_some_and_for_some_times(
        "fail = { call = \"cuMemAlloc_v2\", after = 2, times = 1, code = 2 }"
    ) {
        let _context = context();
        // SAFETY: nothing uses the memory.
        let codes = [(); 5].map(|()| code(unsafe { result::malloc_sync(8) }));
        assert_eq!(codes, [0, 0, 2, 0, 0]);
    }

    fn several_calls_fail_each_in_its_way_and_stick_where_they_should(
        "fail = [
            { call = \"cuMemAlloc_v2\", code = 2 },
            { call = \"cuMemGetInfo_v2\", code = 214, sticky = true },
        ]"
    ) {
        let context = context();
        // SAFETY: nothing uses the memory.
        assert_eq!(code(unsafe { result::malloc_sync(8) }), 2);
        context.synchronize().unwrap();
        assert_eq!(code(context.mem_get_info()), 214);
        assert_eq!(code(context.synchronize()), 214);
    }

    fn a_device_may_have_no_pools("pools = false") {
        let context = context();
        let pools = sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED;
        assert_eq!(context.attribute(pools), Ok(0));
        let stream = context.new_stream().unwrap();
        // SAFETY: nothing uses the memory.
        assert_eq!(code(unsafe { result::malloc_async(stream.cu_stream(), 8) }), 801);
        assert_eq!(code(unsafe { result::malloc_sync(8) }), 0);
    }

    fn waiting_asleep_is_never_refused("spinning = \"refused\"") {
        use sys::CUevent_flags as Flags;
        let context = context();
        context.set_flags(sys::CUctx_flags::CU_CTX_SCHED_BLOCKING_SYNC).unwrap();
        let stream = context.new_stream().unwrap();
        let event = context.new_event(Some(Flags::CU_EVENT_BLOCKING_SYNC)).unwrap();
        event.record(&stream).unwrap();
        event.synchronize().unwrap();
        stream.synchronize().unwrap();
        context.synchronize().unwrap();
    }

    fn a_call_hangs("hang = { call = \"cuCtxSynchronize\", after = 1 }") {
        let context = context();
        context.synchronize().unwrap();
        let waits = std::thread::spawn(move || context.synchronize());
        std::thread::sleep(Duration::from_millis(50));
        assert!(!waits.is_finished());
    }

    fn a_call_is_slow("delay = { call = \"cuCtxSynchronize\", ms = 50 }") {
        let begun = std::time::Instant::now();
        context().synchronize().unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(50));
    }

    fn a_lost_device_answers_nothing_any_more("lose = { call = \"cuMemGetInfo_v2\" }") {
        let context = context();
        let stream = context.new_stream().unwrap();
        raw_launch(raw_function("endless"), stream.cu_stream(), &mut []).unwrap();
        assert_eq!(code(context.mem_get_info()), 46);
        // Nor does what ran there.
        assert_eq!(code(stream.synchronize()), 46);
        assert_eq!(code(CudaContext::device_count()), 46);
        assert_eq!(code(CudaContext::new(0)), 46);
    }

    fn a_switch_may_wait_for_a_file(
        "fail = { call = \"*\", when = \"now\", after = 1, code = 999 }"
    ) {
        let context = context();
        context.synchronize().unwrap();
        let folder = std::env::var_os("LD_LIBRARY_PATH").unwrap();
        let file = std::path::Path::new(&folder).join("now");
        std::fs::write(&file, "").unwrap();
        let mut version = 0;
        // SAFETY: there is a place for the version.
        unsafe { sys::cuDriverGetVersion(&mut version) }.result().unwrap();
        assert_eq!(code(context.synchronize()), 999);
        std::fs::remove_file(&file).unwrap();
        context.synchronize().unwrap();
    }

    fn a_device_is_lost_after_so_many_calls("lost_after = 3\nlost_code = 100") {
        result::init().unwrap();
        assert_eq!(result::device::get_count(), Ok(1));
        assert_eq!(result::device::get(0), Ok(0));
        assert_eq!(code(result::device::get_count()), 100);
    }
}

#[test]
fn a_switch_can_kill_the_process_within_a_call() {
    let path = concat!(
        module_path!(),
        "::a_switch_can_kill_the_process_within_a_call"
    );
    let ended = run(
        path,
        || Driver::new("exit = { call = \"cuModuleLoadData\" }"),
        || {
            let context = context();
            println!("alive");
            crate::kernels::module(&context);
            println!("still alive");
        },
    );
    if let Some(ended) = ended {
        assert_eq!(ended.status.signal(), Some(6), "{}", ended.output);
        assert!(ended.output.contains("alive") && !ended.output.contains("still"));
    }
}

#[test]
fn a_call_that_would_wait_awake_can_end_the_process() {
    let path = concat!(
        module_path!(),
        "::a_call_that_would_wait_awake_can_end_the_process"
    );
    let driver = || Driver::new("spinning = \"refused\"");
    let waits = || {
        let context = context();
        println!("alive");
        let _ = context.synchronize();
    };
    if let Some(ended) = run(path, driver, waits) {
        assert_eq!(ended.status.signal(), Some(6), "{}", ended.output);
        assert!(ended.output.contains("alive"), "{}", ended.output);
        let said = "cuCtxSynchronize waits awake";
        assert!(ended.output.contains(said), "{}", ended.output);
    }
}

#[test]
fn an_invalid_switch_ends_the_process_and_is_named() {
    for (switches, mistake) in [
        ("memory = 3", "memory"),
        ("devices = \"two\"", "devices"),
        ("spinning = true", "spinning"),
        ("fail = { call = \"cuInit\" }", "`fail` needs `code`"),
        ("fail = { call = \"cuInit\", kode = 2 }", "kode"),
        ("fail = ", "TOML"),
    ] {
        let path = concat!(
            module_path!(),
            "::an_invalid_switch_ends_the_process_and_is_named"
        );
        let ended = run(
            path,
            || Driver::new(switches),
            || {
                let _ = result::init();
            },
        );
        let Some(ended) = ended else { return };
        assert_eq!(ended.status.signal(), Some(6), "{}", ended.output);
        assert!(ended.output.contains(mistake), "{}", ended.output);
    }
}

#[test]
fn calls_are_listed_in_their_order() {
    let path = concat!(module_path!(), "::calls_are_listed_in_their_order");
    let ended = run(path, || Driver::new(""), || drop(CudaContext::new(0)));
    if let Some(ended) = ended {
        ended.succeeds();
        // What cudarc calls to make a context, and to let it go.
        assert_eq!(
            ended.calls,
            [
                "cuInit",
                "cuDeviceGet",
                "cuDevicePrimaryCtxRetain",
                "cuDeviceGetAttribute",
                "cuCtxGetCurrent",
                "cuCtxSetCurrent",
                "cuCtxGetCurrent",
                "cuDevicePrimaryCtxRelease_v2",
            ]
        );
    }
}
