//! Loading modules: valid ones, and text that is not PTX.

use serde_json::{Value, json};

use super::{SERVER, assert_message, assert_well, error, take};

const HEAD: &str = ".version 7.0\n.target sm_70\n.address_size 64\n";

#[test]
fn an_unknown_kernel_is_an_error_that_names_it() {
    assert_message(
        &error("/unknown-kernel", "unknown-kernel"),
        &["no_such_kernel"],
    );
    error("/kernel-with-nul", "unknown-kernel");
}

/// The diagnostics of a module that can't be loaded.
#[track_caller]
fn diagnostics(ptx: impl Into<Vec<u8>>) -> Vec<Value> {
    let server = SERVER.get();
    let error = take(server.post("/load", ptx), "error");
    assert_eq!(error["kind"], "invalid-module", "{error}");
    let diagnostics = error["diagnostics"].as_array().unwrap().clone();
    assert!((1..=20).contains(&diagnostics.len()), "{error}");
    diagnostics
}

#[test]
fn a_module_is_loaded_and_lists_its_kernels() {
    let ptx = format!("{HEAD}.visible .entry one() {{ ret; }}\n.visible .entry two() {{ ret; }}\n");
    let mut names = take(SERVER.get().post("/load", ptx), "ok");
    names.as_array_mut().unwrap().sort_by_key(Value::to_string);
    assert_eq!(names, json!(["one", "two"]));
}

#[test]
fn random_bytes_are_not_accepted_as_a_module() {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    for length in [0, 1, 100, 100_000] {
        let bytes: Vec<u8> = (0..length)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            })
            .collect();
        diagnostics(bytes);
    }
    assert_well(&SERVER.get());
}

#[test]
fn a_truncated_module_is_an_error_wherever_it_ends() {
    let whole = include_str!("../../guests/examples/gpu_scenarios/scenarios.ptx").trim_end();
    for part in 1..8 {
        // Cut within a kernel: at a line that begins with an instruction.
        let cut = whole.len() * part / 8;
        let cut = cut + whole[cut..].find("\n    ").unwrap() + 6;
        diagnostics(&whole.as_bytes()[..cut]);
    }
}

#[test]
fn a_huge_module_is_refused_with_a_diagnostic() {
    let server = SERVER.get();
    // Over the limit of a text, and over that of its instructions alone.
    for bytes in [33 << 20, 24_000_000] {
        let body = "add.s32 %r1, %r1, 1;\n".repeat(bytes / 21);
        for ptx in [
            format!("{HEAD}.visible .entry long()\n{{\n.reg .b32 %r<2>;\n{body}ret;\n}}\n"),
            format!("{HEAD}.visible .entry deep() {}", "{".repeat(bytes)),
            format!("{HEAD}.global .u32 large = {};", "9".repeat(bytes)),
            "(".repeat(bytes),
        ] {
            diagnostics(ptx);
            assert_well(&server);
        }
    }
}

#[test]
fn a_module_of_very_many_kernels_is_loaded_or_refused_with_a_diagnostic() {
    let server = SERVER.get();
    let kernels: String = (0..65_000)
        .map(|number| format!(".entry e{number}(){{ret;}}\n"))
        .collect();
    let outcome = server.post("/load", HEAD.to_owned() + &kernels).json();
    // A device in processes of its own has to be told of each kernel, and says that it cannot be.
    let loaded = outcome["ok"].is_array();
    let message = outcome["error"].to_string();
    assert!(loaded || message.contains("65000 kernels"), "{message}");
    assert_well(&server);
}

#[test]
fn an_unknown_instruction_is_reported_with_line_and_column() {
    let ptx =
        format!("{HEAD}.visible .entry odd()\n{{\n    frobnicate.u32 %r1, %r2;\n    ret;\n}}\n");
    let told = &diagnostics(ptx)[0];
    assert_eq!(told["line"], 6, "{told}");
    assert_eq!(told["column"], 5, "{told}");
    assert!(
        told["message"].as_str().unwrap().contains("frobnicate"),
        "{told}"
    );
}

#[test]
fn a_module_for_a_newer_device_is_refused() {
    let told = diagnostics(".version 9.9\n.target sm_999\n.address_size 64\n");
    let text = json!(told).to_string();
    assert!(text.contains("sm_999") || text.contains("9.9"), "{text}");
}
