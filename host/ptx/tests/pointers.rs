//! Functions whose addresses are taken, and calls through registers: `.callprototype`, `.calltargets`
//! and tables of functions.

use tensor_wasm_ptx::compile::compile;
use tensor_wasm_ptx::simt::RunError;

use crate::common::{module, module_printed_again, refusal, value_of_each_thread};

const HEAD: &str = ".version 8.0\n.target sm_80\n.address_size 64\n";

/// Three functions of one shape, one of another, and a table of them.
const FUNCTIONS: &str = ".func (.param .b32 r) plus(.param .b32 x)\n{ .reg .b32 %r<3>; ld.param.b32 %r1, [x]; add.s32 %r2, %r1, 1; st.param.b32 [r], %r2; ret; }\n\
    .func (.param .b32 r) times(.param .b32 x)\n{ .reg .b32 %r<3>; ld.param.b32 %r1, [x]; mul.lo.s32 %r2, %r1, 10; st.param.b32 [r], %r2; ret; }\n\
    .func (.param .b32 r) square(.param .b32 x)\n{ .reg .b32 %r<3>; ld.param.b32 %r1, [x]; mul.lo.s32 %r2, %r1, %r1; st.param.b32 [r], %r2; ret; }\n\
    .func nothing()\n{ ret; }\n\
    .global .align 8 .u64 table[4] = {plus, times, 0, square};\n";

/// A kernel whose threads each call the function that `%d3` holds with `%r1`, their number, and store
/// the result, which is in `%r2`.
fn kernel(functions: &str, choose: &str, call: &str) -> String {
    format!(
        "{HEAD}{functions}.visible .entry k(.param .u64 a)\n{{\n\
         .reg .pred %p<4>; .reg .b32 %r<9>; .reg .b64 %d<9>; .param .b32 x; .param .b32 y;\n\
         ld.param.u64 %d1, [a]; mov.u32 %r1, %tid.x; mul.wide.u32 %d2, %r1, 4; add.s64 %d1, %d1, %d2;\n\
         mov.u32 %r2, 77; setp.lt.u32 %p1, %r1, 20;\n{choose}\nst.param.b32 [x], %r1;\n{call}\n\
         st.global.u32 [%d1], %r2;\nret;\n}}\n"
    )
}

/// `square` for threads whose number is a multiple of three, else `plus` or `times`, from the table.
const FROM_TABLE: &str = "rem.u32 %r3, %r1, 3; setp.eq.u32 %p2, %r3, 0; selp.u32 %r3, 3, %r3, %p2; sub.u32 %r4, %r3, 1;\n\
    selp.u32 %r3, %r3, %r4, %p2; mul.wide.u32 %d4, %r3, 8; mov.u64 %d5, table; add.s64 %d5, %d5, %d4; ld.global.u64 %d3, [%d5];";

fn expected(thread: u32) -> u32 {
    match thread % 3 {
        0 => thread * thread,
        1 => thread + 1,
        _ => thread * 10,
    }
}

const BY_SHAPE: &str = "{ shape: .callprototype (.param .b32 _) _ (.param .b32 _);\n\
    call (y), %d3, (x), shape; ld.param.b32 %r2, [y]; }";

#[test]
fn each_thread_calls_the_function_that_its_register_holds() {
    let expected: Vec<u32> = (0..40).map(expected).collect();
    let ways = [
        BY_SHAPE,
        "targets: .calltargets square, plus, times;\ncall.uni (y), %d3, (x), targets; ld.param.b32 %r2, [y];",
        "call (y), %d3, (x), table; ld.param.b32 %r2, [y];",
    ];
    for way in ways {
        let module = module_printed_again(&kernel(FUNCTIONS, FROM_TABLE, way));
        assert_eq!(
            value_of_each_thread::<u32>(&module, 40).unwrap(),
            expected,
            "{way}"
        );
        assert!(compile(&module, "k").is_ok(), "{way}");
    }
}

#[test]
fn the_address_of_a_function_is_a_number() {
    let choose = "mov.u64 %d3, times; mov.u64 %d4, plus; selp.b64 %d3, %d3, %d4, %p1;";
    let module = module_printed_again(&kernel(FUNCTIONS, choose, BY_SHAPE));
    let expected: Vec<u32> = (0..32)
        .map(|thread| if thread < 20 { thread * 10 } else { thread + 1 })
        .collect();
    assert_eq!(value_of_each_thread::<u32>(&module, 32).unwrap(), expected);
    // Among bytes, as compilers write addresses that are not aligned.
    let bytes: Vec<String> = (0..8)
        .map(|byte| format!("{:#x}(times)", 0xffu64 << (8 * byte)))
        .collect();
    let packed = format!(
        "{FUNCTIONS}.global .b8 packed[9] = {{5, {}}};\n",
        bytes.join(", ")
    );
    let choose = "mov.u64 %d5, packed; mov.u64 %d3, 0; mov.u32 %r3, 0;\n\
        next: cvt.u64.u32 %d6, %r3; add.s64 %d6, %d5, %d6; ld.global.u8 %d7, [%d6+1]; shl.b32 %r4, %r3, 3;\n\
        shl.b64 %d7, %d7, %r4; or.b64 %d3, %d3, %d7; add.u32 %r3, %r3, 1; setp.lt.u32 %p2, %r3, 8; @%p2 bra next;";
    let module = module_printed_again(&kernel(&packed, choose, BY_SHAPE));
    let expected: Vec<u32> = (0..32).map(|thread| thread * 10).collect();
    assert_eq!(value_of_each_thread::<u32>(&module, 32).unwrap(), expected);
}

#[test]
fn a_guard_keeps_threads_from_a_call() {
    let call = BY_SHAPE
        .replace("call (y)", "@!%p1 call (y)")
        .replace("ld.param.b32 %r2", "@!%p1 ld.param.b32 %r2");
    let module = module_printed_again(&kernel(FUNCTIONS, FROM_TABLE, &call));
    let expected: Vec<u32> = (0..40)
        .map(|thread| if thread < 20 { 77 } else { expected(thread) })
        .collect();
    assert_eq!(value_of_each_thread::<u32>(&module, 40).unwrap(), expected);
}

#[test]
fn an_address_of_no_function_is_a_fault_that_names_it() {
    let choose = "mov.u64 %d3, plus; setp.eq.u32 %p2, %r1, 9; @%p2 mov.u64 %d3, 4660;";
    let module = module_printed_again(&kernel(FUNCTIONS, choose, BY_SHAPE));
    let Err(RunError::Fault(fault)) = value_of_each_thread::<u32>(&module, 16) else {
        panic!("the call was made")
    };
    assert_eq!(
        fault.message,
        "calls address 0x1234, which is none of a function that this call may reach"
    );
    assert_eq!(fault.thread.unwrap().x, 9);
    // Neither is a function of another shape, nor one that is not listed.
    let choose = "mov.u64 %d3, nothing;";
    assert!(
        value_of_each_thread::<u32>(
            &module_printed_again(&kernel(FUNCTIONS, choose, BY_SHAPE)),
            1
        )
        .is_err()
    );
    let choose = "mov.u64 %d3, times;";
    let listed = "targets: .calltargets square, plus; call (y), %d3, (x), targets;";
    assert!(
        value_of_each_thread::<u32>(&module_printed_again(&kernel(FUNCTIONS, choose, listed)), 1)
            .is_err()
    );
    // An address is no memory.
    let load = "mov.u64 %d3, times; ld.u32 %r2, [%d3];";
    assert!(
        value_of_each_thread::<u32>(&module_printed_again(&kernel(FUNCTIONS, load, "")), 1)
            .is_err()
    );
}

#[test]
fn a_function_that_reaches_itself_through_a_pointer_is_interpreted() {
    let functions = ".func (.param .b32 r) down(.param .b32 x);\n.global .u64 table[1] = {down};\n\
        .func (.param .b32 r) down(.param .b32 x)\n{ .reg .pred %p<2>; .reg .b32 %r<5>; .reg .b64 %d<2>; .param .b32 u; .param .b32 v;\n\
        ld.param.b32 %r1, [x]; mov.u32 %r3, 0; setp.eq.u32 %p1, %r1, 0; @%p1 bra done;\n\
        sub.u32 %r2, %r1, 1; st.param.b32 [u], %r2; ld.global.u64 %d1, [table];\n\
        call (v), %d1, (u), table; ld.param.b32 %r3, [v]; add.u32 %r3, %r3, %r1;\n\
        done: st.param.b32 [r], %r3; ret; }\n";
    let module = module_printed_again(&kernel(functions, "mov.u64 %d3, down;", BY_SHAPE));
    let expected: Vec<u32> = (0..10).map(|thread| thread * (thread + 1) / 2).collect();
    assert_eq!(value_of_each_thread::<u32>(&module, 10).unwrap(), expected);
    let reason = compile(&module, "k").unwrap_err();
    assert_eq!(reason.what, "functions that call themselves");
}

#[test]
fn calls_through_registers_pass_what_the_prototype_says() {
    let of = |choose: &str, call: &str| refusal(&kernel(FUNCTIONS, choose, call));
    for (call, expected) in [
        (
            "s: .callprototype (.param .b32 _) _ (.param .b32 _, .param .b32 _); call (y), %d3, (x), s;",
            "the prototype has 2 arguments, 1 are given",
        ),
        (
            "s: .callprototype (.param .b64 _) _ (.param .b32 _); call (y), %d3, (x), s;",
            "does not have the size of the parameter",
        ),
        (
            "s: .callprototype (.param .b32 _) _ (.param .b32 _); call (y), %r1, (x), s;",
            "the address of a function has 64 bits, not `.b32`",
        ),
        (
            "s: .calltargets plus, nothing; call (y), %d3, (x), s;",
            "function `nothing` has 0 results, 1 are given",
        ),
        (
            "s: .calltargets plus, nobody; call (y), %d3, (x), s;",
            "function `nobody` is not declared",
        ),
        (
            "s: .callprototype (.param .b32 _) _ () .noreturn; call (y), %d3, s;",
            "cannot be `.noreturn`",
        ),
        ("call (y), plus, (x), table;", "expected `;`"),
    ] {
        let shown = of("mov.u64 %d3, plus;", call);
        assert!(shown.contains(expected), "{call}: {shown}");
        assert_eq!(shown.matches("line").count().max(1), 1, "{shown}");
    }
    let shown = refusal(&format!("{HEAD}.global .u64 table[1] = {{nobody}};\n"));
    assert!(
        shown.contains("`nobody` is not a `.global` or `.const` variable, or a function"),
        "{shown}"
    );
    let declared = ".func (.param .b32 r) far(.param .b32 x);\n";
    let shown = refusal(&kernel(declared, "mov.u64 %d3, far;", BY_SHAPE));
    assert!(shown.contains("function `far` is only declared"), "{shown}");
}

/// What each call reaches is followed: a module in which every call reaches every function would take
/// time and memory by the square of its length.
#[test]
fn calls_that_reach_very_many_functions_together_are_refused() {
    let functions: String = (0..3000)
        .map(|number| format!(".func f{number}() {{ ret; }}\n"))
        .collect();
    let table: Vec<String> = (0..3000).map(|number| format!("f{number}")).collect();
    let text = |calls: usize, prototype: &str| {
        let calls = format!("call %d1, {prototype};\n").repeat(calls);
        format!(
            "{HEAD}{functions}.global .u64 table[3000] = {{{}}};\n.visible .entry k()\n{{\n.reg .b64 %d<2>;\n\
             shape: .callprototype _ ();\nld.global.u64 %d1, [table];\n{calls}ret;\n}}\n",
            table.join(", ")
        )
    };
    for prototype in ["shape", "table"] {
        module(&text(300, prototype));
        let shown = refusal(&text(1000, prototype));
        assert!(
            shown.contains("reach more than 1048576 functions together"),
            "{shown}"
        );
    }
}
