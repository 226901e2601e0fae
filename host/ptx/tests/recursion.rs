//! Functions that call themselves, and how deep they may.

use std::sync::Arc;

use crate::common::{Arguments, Flat, STEPS, launch, line, module};
use tensor_wasm_ptx::interpret::run_grid;
use tensor_wasm_ptx::simt::{Launch, RunError};
use tensor_wasm_ptx::{Limits, parse};

/// Fibonacci's numbers, by the definition; each call keeps what it needs in its own frame.
const FIB: &str = ".version 8.0\n.target sm_80\n.address_size 64\n\
    .func (.param .b32 r) fib(.param .b32 n);\n\
    .func (.param .b32 r) fib(.param .b32 n)\n{\n.reg .b32 %r<6>; .reg .pred %p; .local .b32 kept;\n\
    ld.param.u32 %r1, [n]; mov.u32 %r2, %r1; setp.lt.u32 %p, %r1, 2; @%p bra done;\n\
    { .param .b32 a; .param .b32 b; sub.u32 %r3, %r1, 1; st.param.b32 [a], %r3; call.uni (b), fib, (a); ld.param.b32 %r2, [b]; }\n\
    st.local.u32 [kept], %r2;\n\
    { .param .b32 a; .param .b32 b; sub.u32 %r3, %r1, 2; st.param.b32 [a], %r3; call.uni (b), fib, (a); ld.param.b32 %r4, [b]; }\n\
    ld.local.u32 %r5, [kept]; add.u32 %r2, %r5, %r4;\ndone:\nst.param.b32 [r], %r2; ret;\n}\n\
    .visible .entry k(.param .u64 p)\n{\n.reg .b32 %r<4>; .reg .b64 %d<3>;\n\
    ld.param.u64 %d1, [p]; mov.u32 %r1, %tid.x; mul.wide.u32 %d2, %r1, 4; add.u64 %d1, %d1, %d2;\n\
    { .param .b32 a; .param .b32 b; st.param.b32 [a], %r1; call.uni (b), fib, (a); ld.param.b32 %r2, [b]; }\n\
    st.global.u32 [%d1], %r2; ret;\n}\n";

#[test]
fn a_function_may_call_itself() {
    let memory = Flat::new(64);
    let arguments = Arguments::new().pointer(0);
    launch(&module(FIB), "k", line(1), line(12), 0, arguments, &memory).unwrap();
    assert_eq!(
        memory.get::<u32>(0, 12),
        [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]
    );
}

#[test]
fn functions_may_call_one_another_in_a_circle() {
    let text = ".version 8.0\n.target sm_80\n.address_size 64\n\
        .func (.reg .b32 r) odd(.reg .b32 n);\n\
        .func (.reg .b32 r) even(.reg .b32 n) { .reg .b32 %a; .reg .pred %p; mov.b32 r, 1; setp.eq.u32 %p, n, 0; @%p ret; sub.u32 %a, n, 1; call (r), odd, (%a); ret; }\n\
        .func (.reg .b32 r) odd(.reg .b32 n) { .reg .b32 %a; .reg .pred %p; mov.b32 r, 0; setp.eq.u32 %p, n, 0; @%p ret; sub.u32 %a, n, 1; call (r), even, (%a); ret; }\n\
        .entry k(.param .u64 p) { .reg .b32 %r<3>; .reg .b64 %d<3>; ld.param.u64 %d1, [p]; mov.u32 %r1, %tid.x; mul.wide.u32 %d2, %r1, 4; add.u64 %d1, %d1, %d2; call (%r2), even, (%r1); st.global.u32 [%d1], %r2; ret; }\n";
    let memory = Flat::new(64);
    let arguments = Arguments::new().pointer(0);
    let module = module(text);
    assert!(parse(module.to_string().as_bytes(), &Limits::default()).unwrap() == *module);
    launch(&module, "k", line(1), line(16), 0, arguments, &memory).unwrap();
    assert_eq!(
        memory.get::<u32>(0, 16),
        [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]
    );
}

#[test]
fn recursion_ends_where_the_thread_has_no_room() {
    let limits = Limits {
        recursion_depth: 6,
        ..Limits::default()
    };
    let module = Arc::new(parse(FIB.as_bytes(), &limits).unwrap());
    for (threads, runs) in [(7, true), (8, false)] {
        let arguments = Arguments::new().pointer(0).0;
        let launch = Launch::new(
            module.clone(),
            "k",
            line(1),
            line(threads),
            0,
            arguments,
            vec![],
        );
        let result = run_grid(&launch.unwrap(), &Flat::new(64), STEPS);
        assert_eq!(result.is_ok(), runs, "{result:?}");
        if let Err(RunError::Fault(fault)) = result {
            assert!(
                fault.message.contains("calls are nested too deep"),
                "{fault}"
            );
            assert!(fault.thread.is_some_and(|thread| thread.x == 7), "{fault}");
        }
    }
}

#[test]
fn frames_that_would_not_fit_at_the_full_depth_are_refused() {
    let text = FIB.replace(
        ".local .b32 kept;",
        ".local .b32 kept; .local .b8 large[32768];",
    );
    let shown = parse(text.as_bytes(), &Limits::default()).unwrap_err()[0].to_string();
    assert!(
        shown.contains("`fib` needs more than 524288 bytes of local memory at 32 calls of itself"),
        "{shown}"
    );
}
