//! Modules: compiling, its logs, linking.

use std::ffi::{CString, c_void};
use std::ptr::null_mut;

use cudarc::driver::sys::{self, CUjit_option, CUjitInputType};
use cudarc::driver::{PushKernelArg, result};

use crate::child::in_child;
use crate::kernels::{KERNELS, ONE, code, context, raw_launch};

/// Loads a text with a log of so many bytes: the error, and what the log says.
fn load(text: &str, room: usize) -> (u32, String) {
    let text = CString::new(text).unwrap();
    let mut log = vec![0xffu8; room];
    let mut options = [
        CUjit_option::CU_JIT_ERROR_LOG_BUFFER,
        CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
    ];
    let mut values: [*mut c_void; 2] = [
        log.as_mut_ptr().cast(),
        std::ptr::without_provenance_mut(room),
    ];
    let mut module = null_mut();
    // SAFETY: text, log and arrays are there.
    let error = unsafe {
        let (options, values) = (options.as_mut_ptr(), values.as_mut_ptr());
        sys::cuModuleLoadDataEx(&mut module, text.as_ptr().cast(), 2, options, values)
    };
    let used = values[1].addr();
    assert!(used < room);
    assert_eq!(log[used], 0, "the log ends with a NUL");
    (
        error as u32,
        String::from_utf8(log[..used].to_vec()).unwrap(),
    )
}

in_child! {
    fn wrong_text_is_refused_and_the_log_says_where("") {
        let _context = context();
        let wrong = KERNELS.replace("trap;", "trip;");
        let (error, log) = load(&wrong, 4096);
        assert_eq!(error, 218);
        assert!(log.contains("line 12") && log.contains("trip"), "{log}");
        // A short log is filled, and no further.
        let (error, short) = load(&wrong, 20);
        assert_eq!((error, short.as_str()), (218, &log[..19]));
        assert_eq!(load(KERNELS, 4096), (0, String::new()));
    }

    fn what_is_no_module_at_all_is_an_invalid_image("") {
        let context = context();
        assert_eq!(code(context.load_module("nonsense".into())), 200);

    }

    fn a_driver_takes_no_newer_text_than_its_own("driver_version = 12020") {
        let context = context();
        let newer = KERNELS.replace(".version 7.0", ".version 8.3");
        assert_eq!(code(context.load_module(newer.as_str().into())), 222);
        let right = KERNELS.replace(".version 7.0", ".version 8.2");
        assert!(context.load_module(right.as_str().into()).is_ok());
    }

    fn a_linked_image_loads("") {
        let context = context();
        let stream = context.default_stream();
        let word = stream.alloc_zeros::<u32>(1).unwrap();
        let text = CString::new(KERNELS).unwrap();
        let (mut link, mut image, mut size) = (null_mut(), null_mut(), 0);
        // SAFETY: the text is there; the image is copied before the link is destroyed.
        let image = unsafe {
            sys::cuLinkCreate_v2(0, null_mut(), null_mut(), &mut link).result().unwrap();
            sys::cuLinkAddData_v2(
                link,
                CUjitInputType::CU_JIT_INPUT_PTX,
                text.as_ptr().cast_mut().cast(),
                text.as_bytes_with_nul().len(),
                c"kernels".as_ptr(),
                0,
                null_mut(),
                null_mut(),
            )
            .result()
            .unwrap();
            sys::cuLinkComplete(link, &mut image, &mut size).result().unwrap();
            let image = std::slice::from_raw_parts(image.cast::<u8>(), size).to_vec();
            sys::cuLinkDestroy(link).result().unwrap();
            image
        };
        let module = context.load_module(cudarc::nvrtc::Ptx::from_binary(image)).unwrap();
        let store = module.load_function("store").unwrap();
        // SAFETY: the arguments are the kernel's.
        unsafe { stream.launch_builder(&store).arg(&word).arg(&7u32).launch(ONE) }.unwrap();
        assert_eq!(stream.clone_dtoh(&word).unwrap(), [7]);
    }

    fn an_unloaded_modules_functions_are_gone("") {
        let context = context();
        let text = CString::new(KERNELS).unwrap();
        // SAFETY: the text is there, and the function not used after it is gone, but to see so.
        let function = unsafe {
            let module = result::module::load_data(text.as_ptr().cast()).unwrap();
            let name = CString::new("nothing").unwrap();
            let function = result::module::get_function(module, name).unwrap();
            result::module::unload(module).unwrap();
            assert_eq!(code(result::module::unload(module)), 400);
            function
        };
        assert_eq!(code(raw_launch(function, null_mut(), &mut [])), 400);
        drop(context);
    }

    fn a_function_knows_its_parameters_and_its_needs("") {
        use sys::CUfunction_attribute_enum as Attribute;
        let _context = context();
        let function = crate::kernels::raw_function("store");
        let (mut offset, mut bytes) = (0, 0);
        // SAFETY: there are places for the results.
        unsafe {
            sys::cuFuncGetParamInfo(function, 1, &mut offset, &mut bytes).result().unwrap();
            assert_eq!((offset, bytes), (8, 4));
            assert_eq!(sys::cuFuncGetParamInfo(function, 2, &mut offset, &mut bytes) as u32, 1);
            let most = Attribute::CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK;
            assert_eq!(result::function::get_function_attribute(function, most), Ok(1024));
            let blocks = result::occupancy::max_active_block_per_multiprocessor(function, 256, 0);
            assert_eq!(blocks, Ok(8));
            let best = result::occupancy::max_potential_block_size(function, None, 0, 0).unwrap();
            assert_eq!(best.1, 1024);
        }
    }
}
