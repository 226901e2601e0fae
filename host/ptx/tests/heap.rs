//! `malloc` and `free` in kernels.

use std::sync::Arc;

use tensor_wasm_ptx::compile::compile;
use tensor_wasm_ptx::simt::RunError;
use tensor_wasm_ptx::{Limits, Module, parse};

use crate::common::{module, value_of_each_thread};

/// A kernel with registers for two pointers, `%d3` and `%d4`; `%d1` is device memory.
fn kernel(body: &str) -> Arc<Module> {
    let text = format!(
        ".version 8.0\n.target sm_80\n.address_size 64\n\
         .extern .func (.param .b64 r) malloc (.param .b64 n);\n.extern .func free (.param .b64 p);\n\
         .visible .entry k(.param .u64 a)\n{{\n\
         .reg .pred %p<4>; .reg .b32 %r<9>; .reg .b64 %d<9>; .param .b64 n; .param .b64 m;\n\
         ld.param.u64 %d1, [a]; mov.u32 %r1, %tid.x; mul.wide.u32 %d2, %r1, 8; add.s64 %d2, %d1, %d2;\n\
         {body}\nret;\n}}\n"
    );
    module(&text)
}

fn malloc(register: &str, bytes: &str) -> String {
    format!("st.param.b64 [n], {bytes}; call (m), malloc, (n); ld.param.b64 {register}, [m];\n")
}

fn free(register: &str) -> String {
    format!("st.param.b64 [n], {register}; call free, (n);\n")
}

#[test]
fn each_thread_has_memory_of_its_own() {
    let body = format!(
        ".shared .align 8 .b64 pointers[64]; mul.wide.u32 %d5, %r1, 8; mov.u64 %d6, pointers; add.s64 %d6, %d6, %d5;\n\
         {}st.shared.u64 [%d6], %d3; st.u32 [%d3+96], %r1; bar.sync 0;\n\
         xor.b32 %r2, %r1, 1; mul.wide.u32 %d5, %r2, 8; mov.u64 %d6, pointers; add.s64 %d6, %d6, %d5;\n\
         ld.shared.u64 %d4, [%d6]; ld.u32 %r3, [%d4+96]; cvt.u64.u32 %d4, %r3; st.global.u64 [%d2], %d4;\n\
         setp.ne.u32 %p1, %r1, 5; @%p1 bra kept;\n{}kept:",
        malloc("%d3", "100"),
        // One thread alone: in which order several give back is not said.
        free("%d3")
    );
    let module = kernel(&body);
    let expected: Vec<u64> = (0..64).map(|thread| thread ^ 1).collect();
    assert_eq!(value_of_each_thread::<u64>(&module, 64).unwrap(), expected);
    assert!(compile(&module, "k").is_ok());
}

#[test]
fn what_is_given_back_is_used_again() {
    let body = format!(
        "{}{}{}sub.s64 %d5, %d4, %d3; and.b64 %d6, %d3, 15; add.s64 %d5, %d5, %d6; st.global.u64 [%d2], %d5;",
        malloc("%d3", "1000"),
        free("%d3"),
        malloc("%d4", "900")
    );
    assert_eq!(value_of_each_thread::<u64>(&kernel(&body), 1).unwrap(), [0]);
    // Two that are both in use are apart.
    let body = format!(
        "{}{}sub.s64 %d5, %d4, %d3; st.global.u64 [%d2], %d5;",
        malloc("%d3", "1000"),
        malloc("%d4", "1000")
    );
    assert_eq!(
        value_of_each_thread::<u64>(&kernel(&body), 1).unwrap(),
        [1024]
    );
}

#[test]
fn a_heap_that_is_used_up_gives_null() {
    let body = format!(
        "mov.u64 %d5, 0;\nmore: {}setp.eq.u64 %p1, %d3, 0; @%p1 bra done; add.u64 %d5, %d5, 1; bra more;\n\
         done: st.global.u64 [%d2], %d5;",
        malloc("%d3", "1000000")
    );
    assert_eq!(value_of_each_thread::<u64>(&kernel(&body), 1).unwrap(), [7]);
    for bytes in ["8388608", "-1", "0x100000010"] {
        let body = format!("{}st.global.u64 [%d2], %d3;", malloc("%d3", bytes));
        assert_eq!(
            value_of_each_thread::<u64>(&kernel(&body), 1).unwrap(),
            [0],
            "{bytes}"
        );
    }
    let body = format!(
        "{}{}setp.ne.u64 %p1, %d3, %d4; selp.b64 %d5, 1, 0, %p1; st.global.u64 [%d2], %d5;",
        malloc("%d3", "0"),
        malloc("%d4", "1")
    );
    assert_eq!(value_of_each_thread::<u64>(&kernel(&body), 1).unwrap(), [1]);
}

#[test]
fn what_is_no_block_in_use_cannot_be_given_back() {
    value_of_each_thread::<u64>(&kernel(&free("0")), 1).unwrap();
    let twice = format!("{}{}{}", malloc("%d3", "8"), free("%d3"), free("%d3"));
    let inside = format!(
        "{}add.s64 %d3, %d3, 32;\n{}",
        malloc("%d3", "200"),
        free("%d3")
    );
    for body in [twice, inside, free("%d1"), free("17")] {
        let Err(RunError::Fault(fault)) = value_of_each_thread::<u64>(&kernel(&body), 1) else {
            panic!("{body}")
        };
        assert_eq!(fault.message, "the kernel stops itself with `trap`");
        assert_eq!(fault.line, Some(5), "where `free` is declared");
    }
}

#[test]
fn a_driver_gets_declarations_and_a_module_that_calls_nothing_no_heap() {
    let module = kernel(&format!("{}{}", malloc("%d3", "8"), free("%d3")));
    assert_eq!(module.globals().len(), 1);
    assert_eq!(module.globals()[0].bytes(), 8 << 20);
    let printed = module.to_string();
    assert!(
        printed.contains(".extern .func ") && !printed.contains("heap"),
        "{printed}"
    );
    let again = parse(printed.as_bytes(), &Limits::default()).unwrap();
    assert!(again == *module);
    assert!(kernel("").globals().is_empty());
}
