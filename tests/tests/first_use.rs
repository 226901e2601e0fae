//! On the processor, kernels are compiled when they are launched for the first time, with bounded
//! effort; what is not compiled is interpreted, and the log says so.

use std::fmt::Write;
use std::fs;

use serde_json::json;
use tensor_wasm_tests::{Serve, guest};

use crate::gpu::{assert_well, take};

/// A module whose kernel `k` stores 7 for each thread, by way of these lines, behind other kernels.
fn module(others: &str, lines: &str) -> String {
    format!(
        ".version 7.8\n.target sm_80\n.address_size 64\n{others}\
         .visible .entry k(.param .u64 a, .param .u64 b)\n{{\n\
         .reg .pred %p; .reg .b32 %r<4>; .reg .b64 %d<3>; .reg .f32 %f<40>;\n\
         ld.param.u64 %d0, [b];\nmov.u32 %r0, %tid.x;\nmul.wide.u32 %d1, %r0, 4;\n\
         add.u64 %d0, %d0, %d1;\n{lines}\nst.global.u32 [%d0], 7;\nret;\n}}\n"
    )
}

/// Jumps through tables, each of its own: so many labels, and as many tables of all labels. No thread
/// jumps.
fn jumps(labels: usize) -> String {
    let list: Vec<String> = (0..labels).map(|label| format!("J{label}")).collect();
    let list = list.join(", ");
    let mut text = String::from("setp.lt.u32 %p, %r0, 1024;\n@%p bra END;\n");
    for label in 0..labels {
        let (a, b) = (label % 40, (label + 1) % 40);
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "T{label}: .branchtargets {list};\nJ{label}:\nadd.f32 %f{a}, %f{a}, %f{b};\n\
             add.u32 %r1, %r1, %r0;\nbrx.idx %r1, T{label};"
        );
    }
    text + "END:"
}

const RECURSION: &str = ".func again(.param .b32 depth)\n{\n.reg .pred %p; .reg .b32 %r<2>;\n\
     ld.param.b32 %r0, [depth];\nsetp.eq.u32 %p, %r0, 0;\n@%p ret;\nsub.u32 %r0, %r0, 1;\n\
     {\n.param .b32 next;\nst.param.b32 [next], %r0;\ncall again, (next);\n}\nret;\n}\n";
const CALL: &str = "mov.u32 %r1, 3;\n{\n.param .b32 depth;\nst.param.b32 [depth], %r1;\n\
     call again, (depth);\n}";

#[test]
fn a_kernel_that_is_interpreted_is_logged_once_with_its_name_and_reason() {
    for options in [&[][..], &["--isolate"]] {
        let server = Serve::new(guest("gpu_scenarios")).args(options).start();
        for _ in 0..3 {
            let stored = take(server.post("/launch", module(RECURSION, CALL)), "ok");
            assert_eq!(stored, json!(vec![7; 64]));
        }
        let log = server.log_with(&["runs in the interpreter"]);
        let lines: Vec<&str> = log
            .lines()
            .filter(|line| line.contains("runs in the interpreter"))
            .collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert!(lines[0].contains("functions that call themselves"), "{log}");
        assert!(lines[0].contains('k'), "{log}");
        // What is compiled is not worth a line.
        assert_well(&server);
        assert_eq!(server.log().matches("runs in the interpreter").count(), 1);
    }
}

#[test]
fn kernels_that_would_take_an_engine_minutes_are_interpreted_and_hold_up_nobody() {
    let server = Serve::new(guest("gpu_scenarios")).start();
    // Each text is another one; and one whose tables are all the same, which is compiled.
    let bombs: Vec<String> = [180, 220, 240]
        .into_iter()
        .map(|labels| module("", &jumps(labels)))
        .collect();
    std::thread::scope(|scope| {
        let answers: Vec<_> = bombs
            .iter()
            .map(|bomb| scope.spawn(|| take(server.post("/launch", bomb.as_str()), "ok")))
            .collect();
        assert_well(&server);
        for answer in answers {
            assert_eq!(answer.join().unwrap(), json!(vec![7; 64]));
        }
    });
    server.log_with(&["runs in the interpreter", "too many"]);
    assert_well(&server);
}

#[test]
fn a_module_of_65000_kernels_takes_no_more_mappings_than_the_kernel_that_is_launched() {
    let server = Serve::new(guest("gpu_scenarios")).start();
    assert_well(&server);
    let mappings = || {
        let maps = fs::read_to_string(format!("/proc/{}/maps", server.id()));
        maps.unwrap().lines().count()
    };
    let before = mappings();
    let mut others = String::new();
    for number in 0..65_000 {
        let _ = writeln!(others, ".entry e{number}(){{ret;}}");
    }
    let stored = take(server.post("/launch", module(&others, "")), "ok");
    assert_eq!(stored, json!(vec![7; 64]));
    let after = mappings();
    assert!(after < before + 1000, "{after} mappings after {before}");
    assert_well(&server);
}
