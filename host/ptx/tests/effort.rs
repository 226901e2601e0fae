//! What a kernel costs the engine that compiles it is known before, and bounded: whatever its shape,
//! it is compiled with so much effort, or left to the interpreter.

use std::cell::Cell;

use tensor_wasm_ptx::compile::{
    CompiledKernel, MOST_EFFORT, Unsupported, UnsupportedKind, Vectorize, compile, compile_as,
    compile_unless,
};
use tensor_wasm_ptx::{Limits, parse};

use crate::common::module;

#[path = "../examples/largest/shapes.rs"]
#[allow(dead_code)]
mod shapes;

use shapes::SHAPES;

const WAYS: [Vectorize; 3] = [Vectorize::Auto, Vectorize::Never, Vectorize::Always];

/// A kernel of a shape and size. `None` where the parser refuses it.
fn compiled(
    name: &str,
    size: usize,
    way: Vectorize,
) -> Option<Result<CompiledKernel, Unsupported>> {
    let (_, body) = SHAPES.iter().find(|(shape, _)| *shape == name).unwrap();
    let text = shapes::module(&body(size), size);
    let module = parse(text.as_bytes(), &Limits::default()).ok()?;
    Some(compile_as(&module.into(), "k", way))
}

#[test]
fn no_shape_of_kernel_is_compiled_with_more_than_the_most_effort() {
    for (name, _) in SHAPES {
        let mut last = 0;
        for size in [1, 8, 40, 150, 400, 1200, 9000] {
            for way in WAYS {
                match compiled(name, size, way) {
                    None => {}
                    Some(Ok(kernel)) => {
                        let effort = kernel.effort();
                        assert!(effort <= MOST_EFFORT, "{name} {size} {way:?}: {effort}");
                        if way == Vectorize::Never {
                            assert!(effort >= last, "{name} {size}: {effort} after {last}");
                            last = effort;
                        }
                    }
                    Some(Err(reason)) => {
                        assert_eq!(reason.kind, UnsupportedKind::Limit, "{name}: {reason}");
                    }
                }
            }
        }
        assert!(last > 0, "{name} is not compiled at all");
    }
}

#[test]
fn the_smallest_kernel_costs_something() {
    let nothing = compiled("nothing", 1, Vectorize::Auto).unwrap().unwrap();
    assert!(nothing.effort() >= 100);
    assert!(nothing.effort() < MOST_EFFORT / 50);
}

#[test]
fn jumps_through_one_table_cost_no_more_than_as_many_labels() {
    // Of 400 jumps through a table of 400 labels, 160,000 edges could become.
    let effort = |size| {
        let kernel = compiled("jumps through one table", size, Vectorize::Auto);
        kernel.unwrap().unwrap().effort()
    };
    let (hundred, four_hundred) = (effort(100), effort(400));
    assert!(four_hundred < 8 * hundred, "{hundred} {four_hundred}");
    // Where each has a table of its own, there are as many edges: these are counted, and too many.
    let own = "jumps with forty values through tables of their own";
    let refused = compiled(own, 200, Vectorize::Auto).unwrap().unwrap_err();
    assert_eq!(refused.kind, UnsupportedKind::Limit);
}

#[test]
fn a_kernel_that_is_too_large_for_vectors_says_what_it_has_too_much_of() {
    // `corpus.summary` has real ones, with too many vector instructions.
    for (name, size, expected) in [
        ("branches apart", 1200, "too many"),
        (
            "barriers",
            600,
            "too many registers across loops and barriers",
        ),
    ] {
        let kernel = compiled(name, size, Vectorize::Auto).unwrap().unwrap();
        let reason = kernel.scalar_reason();
        let reason = reason.unwrap_or_else(|| panic!("{name} runs in vectors"));
        assert!(
            reason.starts_with("it is too large for vectors: ") && reason.contains(expected),
            "{name}: {reason}"
        );
    }
}

#[test]
fn a_compilation_can_be_cancelled_after_each_pass() {
    let text = ".version 8.6\n.target sm_90\n.address_size 64\n\
        .visible .entry k(.param .u64 p)\n{\n.reg .b64 %d; .reg .b32 %t; .reg .f32 %f;\n\
        ld.param.u64 %d, [p];\nmov.u32 %t, %tid.x;\nmad.wide.u32 %d, %t, 4, %d;\n\
        ld.global.f32 %f, [%d];\nadd.f32 %f, %f, 1.0;\nst.global.f32 [%d], %f;\nret;\n}\n";
    let module = module(text);
    assert_eq!(compile(&module, "k").unwrap().lanes(), 16);
    let mut times = 0;
    loop {
        let asked = Cell::new(0);
        let is_cancelled = || asked.replace(asked.get() + 1) == times;
        match compile_unless(&is_cancelled, &module, "k", Vectorize::Auto) {
            Ok(_) => break,
            Err(reason) => assert_eq!(reason.kind, UnsupportedKind::Cancelled),
        }
        times += 1;
    }
    // Each pass, and each of the module's two functions.
    assert!(times >= 12, "{times}");
}
