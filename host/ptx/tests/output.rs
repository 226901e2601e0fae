//! What kernels print, and assertions that fail.

use std::sync::Arc;

use crate::common::{Arguments, Flat, STEPS, launch_as, line, module, place_globals, refusal};
use tensor_wasm_ptx::Module;
use tensor_wasm_ptx::compile::{Vectorize, compile};
use tensor_wasm_ptx::interpret::run_grid;
use tensor_wasm_ptx::simt::{Launch, RunError};

const DECLARED: &str = ".extern .func (.param .b32 r) vprintf(.param .b64 a, .param .b64 b);\n\
    .extern .func __assertfail(.param .b64 a, .param .b64 b, .param .b32 c, .param .b64 d, .param .b64 e);\n";

/// A kernel with a buffer of 64 bytes on the stack for arguments: `%d1` is that buffer's address, `%d2`
/// that of device memory, `%d3` that of the format.
fn kernel(format: &str, body: &str) -> Arc<Module> {
    let bytes: Vec<String> = format
        .bytes()
        .chain([0])
        .map(|byte| byte.to_string())
        .collect();
    let text = format!(
        ".version 8.0\n.target sm_80\n.address_size 64\n{DECLARED}\
         .global .b8 text[{}] = {{{}}};\n.global .b8 word[6] = {{119, 111, 114, 108, 100}};\n\
         .visible .entry k(.param .u64 p)\n{{\n.reg .b32 %r<8>; .reg .b64 %d<8>; .reg .pred %p<3>;\n\
         .local .align 8 .b8 list[64];\nmov.u64 %d1, list; cvta.local.u64 %d1, %d1; ld.param.u64 %d2, [p];\n\
         mov.u32 %r1, %tid.x; mov.u64 %d3, text;\n{body}\nret;\n}}\n",
        bytes.len(),
        bytes.join(", ")
    );
    module(&text)
}

/// Runs two threads of a kernel, interpreted and compiled, and returns what they print.
fn run(format: &str, body: &str) -> (String, Result<u64, RunError>, Vec<u32>) {
    let memory = Flat::new(64);
    let result = run_threads(&kernel(format, body), 1, 2, &memory);
    (memory.printed(), result, memory.get::<u32>(0, 2))
}

/// Runs blocks of so many threads in every way there is.
fn run_threads(
    module: &Arc<Module>,
    blocks: u32,
    threads: u32,
    memory: &Flat,
) -> Result<u64, RunError> {
    let arguments = Arguments::new().pointer(0);
    let shape = (line(blocks), line(threads), 0);
    let widths = [Vectorize::Never, Vectorize::Always];
    launch_as(module, "k", shape, arguments, memory, &widths)
}

const PRINT: &str = "{ .param .b64 a; .param .b64 b; .param .b32 r;\n\
    st.param.b64 [a], %d3; st.param.b64 [b], %d1; call.uni (r), vprintf, (a, b); ld.param.b32 %r2, [r]; }\n\
    mul.wide.u32 %d4, %r1, 4; add.u64 %d4, %d4, %d2; st.global.u32 [%d4], %r2;";

#[test]
fn a_kernel_prints_what_c_would() {
    let body = format!(
        "st.local.u32 [list], %r1; mov.f64 %d4, 0d3FF8000000000000; st.u64 [%d1+8], %d4;\n\
         mov.u64 %d4, word; st.u64 [%d1+16], %d4; st.u64 [%d1+24], -2;\n{PRINT}"
    )
    .replace("mov.f64 %d4", "mov.b64 %d4");
    let (printed, result, returned) = run("hello %d: %.2f %s %lld\n", &body);
    result.unwrap();
    assert_eq!(printed, "hello 0: 1.50 world -2\nhello 1: 1.50 world -2\n");
    assert_eq!(returned, [4, 4]);
}

#[test]
fn a_format_without_arguments_needs_no_list() {
    let body = format!("mov.u64 %d1, 0;\n{PRINT}");
    let (printed, result, returned) = run("plain 100%%\n", &body);
    result.unwrap();
    assert_eq!(printed, "plain 100%\nplain 100%\n");
    assert_eq!(returned, [0, 0]);
    let (_, result, _) = run("%d", &body);
    assert!(result.unwrap_err().to_string().contains("at address 0x0"));
    let body = format!("mov.u64 %d3, 0;\n{PRINT}");
    let (printed, result, returned) = run("", &body);
    result.unwrap();
    assert_eq!((printed.as_str(), returned[0]), ("", u32::MAX));
}

#[test]
fn a_text_that_is_nowhere_is_said_to_be_null() {
    let body = format!("st.u64 [%d1], 0; st.u64 [%d1+8], 0;\n{PRINT}");
    let (printed, result, _) = run("%s %.2s|", &body);
    result.unwrap();
    assert_eq!(printed, "(null) (n|(null) (n|");
    let body = format!("st.u64 [%d1], 1;\n{PRINT}");
    let (_, result, _) = run("%s", &body);
    assert!(result.unwrap_err().to_string().contains("at address 0x1"));
}

#[test]
fn a_call_that_prints_is_guarded_and_counted_like_any_other() {
    let body = format!(
        "setp.eq.u32 %p1, %r1, 0;\n{}",
        PRINT.replace("call.uni", "@%p1 call.uni")
    );
    let (printed, result, _) = run("once\n", &body);
    assert_eq!(printed, "once\n");
    assert!(result.unwrap() > 10);
    let endless = format!("again:\n{PRINT}\nbra again;");
    let (module, memory) = (kernel(&"x".repeat(8000), &endless), Flat::new(64));
    let symbols = place_globals(&module, &memory);
    let arguments = Arguments::new().pointer(0).0;
    let launch = Launch::new(module, "k", line(1), line(2), 0, arguments, symbols).unwrap();
    let result = run_grid(&launch, &memory, STEPS);
    let printed = memory.printed();
    assert!(matches!(result, Err(RunError::StepLimit { .. })));
    assert!(printed.len() as u64 <= STEPS);
}

#[test]
fn what_memory_costs_may_go_past_the_limit_and_the_next_block_is_told() {
    let text = format!(
        ".version 8.0\n.target sm_80\n.address_size 64\n{DECLARED}.global .b8 text[2000] = {{{}}};\n\
         .visible .entry k() {{ .reg .b32 %r<3>; .reg .b64 %d<4>; mov.u64 %d3, text; mov.u64 %d1, 0;\n\
         {{ .param .b64 a; .param .b64 b; .param .b32 r; st.param.b64 [a], %d3; st.param.b64 [b], %d1;\n\
         call.uni (r), vprintf, (a, b); }} ret; }}\n",
        vec!["120"; 1999].join(", ")
    );
    let module = module(&text);
    let memory = Flat::new(64);
    let symbols = place_globals(&module, &memory);
    let launch = Launch::new(module, "k", line(3), line(1), 0, vec![], symbols).unwrap();
    assert_eq!(
        run_grid(&launch, &memory, 100),
        Err(RunError::StepLimit { limit: 100 })
    );
    assert!(run_grid(&launch, &memory, 20_000).is_ok_and(|steps| steps > 3 * 2 * 1999));
}

#[test]
fn a_failed_assertion_is_a_fault_that_says_where() {
    let body = "mov.u64 %d4, word;\nsetp.eq.u32 %p1, %r1, 0;\n@%p1 bra done;\n\
        { .param .b64 a; .param .b64 b; .param .b32 c; .param .b64 d; .param .b64 e;\n\
        st.param.b64 [a], %d3; st.param.b64 [b], %d4; st.param.b32 [c], 12; st.param.b64 [d], %d4; st.param.b64 [e], 1;\n\
        call.uni __assertfail, (a, b, c, d, e); }\ndone:";
    let (_, result, _) = run("x > 0", body);
    let Err(RunError::Fault(fault)) = result else {
        panic!("{result:?}")
    };
    assert_eq!(fault.message, "world:12: world: assertion `x > 0` failed");
    assert_eq!(fault.thread.unwrap().x, 1);
    assert!(fault.line.is_some());
}

#[test]
fn functions_of_the_runtime_have_their_own_shape() {
    let text = |head: &str, call: &str| {
        format!(
            ".version 8.0\n.target sm_80\n.address_size 64\n{head}\n.entry k() {{ .reg .b64 %d<3>; .reg .b32 %r<2>; {call} ret; }}\n"
        )
    };
    let shown = refusal(&text(
        ".extern .func (.param .b32 r) vprintf(.param .b64 a);",
        "call (%r1), vprintf, (%d1);",
    ));
    assert!(
        shown.contains("function `vprintf` is only declared"),
        "{shown}"
    );
    let shown = refusal(&text(
        ".extern .func (.param .b64 r) malloc(.param .b32 a);",
        "call (%d1), malloc, (%r1);",
    ));
    assert!(
        shown.contains("function `malloc` is only declared"),
        "{shown}"
    );
    module(&text(
        ".extern .func (.reg .b32 r) vprintf(.reg .b64 a, .reg .b64 b);",
        "call (%r1), vprintf, (%d1, %d2);",
    ));
}

#[test]
fn a_list_at_the_end_of_the_address_space_is_a_fault() {
    let body = format!("mov.u64 %d1, -1;\n{PRINT}");
    let (_, result, _) = run("%d %f", &body);
    assert!(matches!(result, Err(RunError::Fault(_))), "{result:?}");
}

/// A kernel that stores numbers, each checked against a limit before.
fn checked_store(check: &str) -> Arc<Module> {
    let text = format!(
        ".version 8.0\n.target sm_80\n.address_size 64\n{DECLARED}\
         .global .b8 word[6] = {{119, 111, 114, 108, 100}};\n\
         .visible .entry k(.param .u64 p)\n{{\n.reg .b32 %r<8>; .reg .b64 %d<8>; .reg .pred %p<3>;\n\
         ld.param.u64 %d1, [p]; mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x;\n\
         mad.lo.s32 %r4, %r2, %r3, %r1; mul.wide.u32 %d2, %r4, 4; add.s64 %d2, %d1, %d2;\n\
         ld.global.u32 %r5, [%d2];\n{check}\nadd.u32 %r5, %r5, 7; st.global.u32 [%d2], %r5; ret;\n}}\n"
    );
    module(&text)
}

/// Fails where the number that was loaded is 1000 or more.
const ASSERTION: &str = "setp.lt.u32 %p1, %r5, 1000;\n@%p1 bra holds;\n\
    { .param .b64 a; .param .b64 b; .param .b32 c; .param .b64 d; .param .b64 e;\n\
    mov.u64 %d4, word; cvta.global.u64 %d4, %d4;\n\
    st.param.b64 [a], %d4; st.param.b64 [b], %d4; st.param.b32 [c], 3; st.param.b64 [d], %d4; st.param.b64 [e], 1;\n\
    call.uni __assertfail, (a, b, c, d, e); }\nholds:";

#[test]
fn an_assertion_costs_a_kernel_none_of_its_vectors() {
    let (plain, checked) = (checked_store(""), checked_store(ASSERTION));
    let [plain, compiled] = [&plain, &checked].map(|module| compile(module, "k").unwrap());
    assert_eq!(compiled.scalar_reason(), None);
    assert_eq!(
        (compiled.lanes(), compiled.bounds_guards()),
        (plain.lanes(), plain.bounds_guards())
    );
    let memory = Flat::new(4 * 320);
    memory.put(0, &(0..320u32).collect::<Vec<_>>());
    run_threads(&checked, 10, 32, &memory).unwrap();
    assert_eq!(memory.get::<u32>(0, 320), (7..327).collect::<Vec<_>>());
}

#[test]
fn one_thread_of_many_fails_its_assertion() {
    let module = checked_store(ASSERTION);
    for wrong in [0usize, 5, 37, 63] {
        let memory = Flat::new(4 * 64);
        let mut numbers: Vec<u32> = (0..64).collect();
        numbers[wrong] = 1000;
        memory.put(0, &numbers);
        let Err(RunError::Fault(fault)) = run_threads(&module, 1, 64, &memory) else {
            panic!("the assertion holds")
        };
        assert_eq!(fault.thread.unwrap().x as usize, wrong);
        assert_eq!(fault.message, "world:3: world: assertion `world` failed");
    }
}

#[test]
fn some_threads_of_many_print_and_all_go_on() {
    let body = "st.local.u32 [list], %r1; and.b32 %r3, %r1, 3; setp.eq.u32 %p1, %r3, 1;\n\
        mul.wide.u32 %d5, %r1, 4; add.u64 %d5, %d5, %d2; mov.u32 %r4, 100;\n@!%p1 bra quiet;\n\
        { .param .b64 a; .param .b64 b; .param .b32 r; st.param.b64 [a], %d3; st.param.b64 [b], %d1;\n\
        call.uni (r), vprintf, (a, b); ld.param.b32 %r4, [r]; }\nquiet:\n\
        bar.sync 0; add.u32 %r4, %r4, %r1; st.global.u32 [%d5], %r4;";
    let memory = Flat::new(4 * 48);
    run_threads(&kernel("thread %d\n", body), 1, 48, &memory).unwrap();
    let printed = memory.printed();
    let mut lines: Vec<&str> = printed.lines().collect();
    lines.sort_unstable();
    let mut expected: Vec<String> = (0..12).map(|n| format!("thread {}", 4 * n + 1)).collect();
    expected.sort_unstable();
    assert_eq!(lines, expected);
    let stored = memory.get::<u32>(0, 48);
    let expected: Vec<u32> = (0..48)
        .map(|n| if n % 4 == 1 { n + 1 } else { n + 100 })
        .collect();
    assert_eq!(stored, expected);
}
