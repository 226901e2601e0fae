//! What is outside of the subset: an error at its token that says what to write instead.

use super::ptx_of;

/// The message about a kernel with this body, which has the parameters `x`, `y` and `n`.
#[track_caller]
fn refusal(body: &str) -> String {
    let source = format!("fn kernel(x: &[f32], y: GlobalMut<f32>, n: u32) {{ {body} }}");
    match ptx_of(&source) {
        Ok(_) => panic!("accepted: {body}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn each_construct_outside_of_the_subset_says_what_to_write_instead() {
    for (body, message) in [
        ("let v = x.iter();", "write `for i in 0..x.len()`"),
        ("for v in x { }", "write `for i in 0..x.len()`"),
        ("let f = |a: u32| a;", "write a function"),
        ("let v = vec![1];", "use `[value; N]`"),
        ("println!(\"{}\", n);", "nothing is printed on the device"),
        (
            "x[0] = 1.0;",
            "take `GlobalMut<f32>` and write `.set(i, value)`",
        ),
        ("y[0] = 1.0;", "write `.set(i, value)`"),
        ("let v = y[0];", "write `.get(i)`"),
        ("let v = x.get(0);", "write `x[i]`"),
        ("let v: Vec<u32> = n;", "there is no heap on the device"),
        (
            "let v: Option<u32> = n;",
            "a number with a value that means none",
        ),
        ("let v: u128 = 0;", "two numbers of 64 bits"),
        ("let v = Some(n);", "there is no `Option`"),
        ("if let 1 = n { }", "use `match`"),
        (
            "let 1 = n else { return; };",
            "`let … else` is not supported",
        ),
        ("let v = &n;", "leave `&` out"),
        ("let v = &mut n;", "return the new value"),
        ("let v = \"text\";", "there is no text on the device"),
        ("let v = 1.0f32.exp();", "`fast::exp(x)`"),
        ("let v = 2.0f32.powi(2);", "write the product"),
        ("let v = n.checked_add(1);", "no `Option` on the device"),
        ("let v = 1.5f32 % 1.0;", "`a - b * (a / b).trunc()`"),
        ("let v = n as bool;", "write `!= 0`"),
        ("let v = (n > 1) as f32;", "if b { 1.0 } else { 0.0 }"),
        ("unknown(n);", "write it in the same `#[device] mod`"),
        ("let v = missing;", "`missing` is not known here"),
        ("std::process::exit(1);", "is no function of the device"),
        ("let v = async { 1 };", "nothing is asynchronous"),
        ("let v = n?;", "use `if` and `return`"),
        ("fn f(a: u32) -> u32 { f(a) } let v = f(n);", "calls itself"),
        ("loop { } let v = [0u8; 1 << 40];", "may be at most"),
        ("assert!(n > 1, \"n is {}\", n);", "nothing is formatted"),
        ("assert_eq!(n, 1);", "write `assert!(a == b)`"),
        (
            "let a = [0u32; 4]; let v = a[4];",
            "the index is 4, and the array has 4 elements",
        ),
        (
            "match x[0] { _ => {} }",
            "`match` is for integers and `bool`",
        ),
        (
            "match n { 1.5 => {} _ => {} }",
            "compare other values with `if`",
        ),
        (
            "let t = shared!(u32);",
            "an array of plain data, `shared!([f32; 256])`",
        ),
        (
            "let t = shared!([f32; 16384]); t.set(0, 1.0);",
            "65536 bytes of shared memory, and a block has 49152",
        ),
        (
            "y.atomic_max(0, 1.0, Ordering::Relaxed);",
            "there is no such atomic operation on `f32`",
        ),
        (
            "y.atomic_add(0, 1.0);",
            "`.atomic_add(i, value, Ordering::Relaxed)`",
        ),
        (
            "y.atomic_load(0, Ordering::Release);",
            "a load cannot release",
        ),
        ("thread::id();", "there are `thread::index_x`"),
        ("break;", "there is no such loop"),
        ("while true { break 1; }", "only `loop` has a value"),
        ("static S: u32 = 1;", "move other items out of it"),
        ("let v = n.foo();", "has no method `foo`"),
        ("let v = -n;", "an unsigned number has no negative"),
        ("for i in 0.. { }", "a loop needs both ends"),
        ("let v = f16::from_f32(1.0) as f32;", "write `.to_f32()`"),
        (
            "const N: u32 = 1; { const N: u32 = 2; y.set(N as usize, 1.0); }",
            "in the body of the kernel itself",
        ),
        (
            "fn f() -> u32 { const N: u32 = 2; N } let v = f();",
            "declare this in the `#[device] mod`",
        ),
        ("fn barrier() {}", "is a name of the device"),
        ("const N: u32 = 1; fn N() {}", "there is another `N`"),
        ("struct S { a: u32 }", "write `#[repr(C)]`"),
    ] {
        let found = refusal(body);
        assert!(found.contains(message), "{body}: {found}");
    }
}

#[test]
fn types_that_do_not_match_are_named() {
    for (body, message) in [
        (
            "let v: f32 = n;",
            "`f32` is expected here, and this is `u32`: write `as f32`",
        ),
        (
            "y.set(n, 1.0);",
            "`usize` is expected here, and this is `u32`: write `as usize`",
        ),
        (
            "let v = n + 1.0;",
            "`u32` is expected here, and this is a floating-point number",
        ),
        ("let v = x[0] + 1;", "write the number with a decimal point"),
        ("if n { }", "`bool` is expected here, and this is `u32`"),
        (
            "let v = if n > 1 { 1u32 } else { 1.0 };",
            "`u32` is expected here",
        ),
        ("return 1;", "`()` is expected here"),
        ("let v;", "the type of `v` is not known"),
        (
            "let v = 1.0; let w = v.sqrt();",
            "the type of this number is not known here",
        ),
        ("let (a, b) = n;", "takes a tuple of 2 apart"),
    ] {
        let found = refusal(body);
        assert!(found.contains(message), "{body}: {found}");
    }
}

#[test]
fn parameters_that_no_kernel_has_are_refused() {
    for (source, message) in [
        ("fn kernel(x: &mut [f32]) {}", "write `GlobalMut<f32>`"),
        ("fn kernel(x: bool) {}", "pass a `u32`"),
        ("fn kernel(x: [f32; 4]) {}", "pass a buffer"),
        ("fn kernel(x: &f32) {}", "pass other values by value"),
        ("fn kernel(x: String) {}", "there is no heap on the device"),
        (
            "fn kernel<T>(x: u32) {}",
            "a kernel has no parameters of this kind",
        ),
        ("fn kernel() -> u32 { 1 }", "a kernel returns nothing"),
        ("async fn kernel() { }", "a kernel is no `async` function"),
        ("fn kernel((a, b): (u32, u32)) {}", "a parameter is a name"),
    ] {
        match ptx_of(source) {
            Ok(_) => panic!("accepted: {source}"),
            Err(error) => assert!(error.to_string().contains(message), "{source}: {error}"),
        }
    }
}

#[test]
fn every_mistake_is_reported_and_not_only_the_first() {
    let source = "fn kernel(n: u32) { let a: f32 = n; let b: i32 = n; let c = a + b as f32; }";
    let errors: Vec<_> = ptx_of(source).unwrap_err().into_iter().collect();
    assert_eq!(errors.len(), 2);
}

#[test]
fn kernels_of_a_module_do_not_take_one_another_s_constants() {
    let source = "mod m {
        #[kernel] fn one(y: GlobalMut<u32>) { const N: u32 = 1; y.set(0, N); }
        #[kernel] fn two(y: GlobalMut<u32>) { const N: u32 = 2; y.set(0, N); }
    }";
    let tokens = source.parse().unwrap();
    let error = crate::expand::module(Default::default(), tokens).unwrap_err();
    assert!(
        error.to_string().contains("there is another `N`"),
        "{error}"
    );
    let twice = "mod m { #[kernel] fn one() {} #[kernel] fn one() {} }"
        .parse()
        .unwrap();
    let error = crate::expand::module(Default::default(), twice).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("there is a function `one` already"),
        "{error}"
    );
}

#[test]
fn attributes_in_the_wrong_place_say_where_they_belong() {
    let kernel = |text: &str| crate::expand::kernel(Default::default(), text.parse().unwrap());
    let module = |text: &str| crate::expand::module(Default::default(), text.parse().unwrap());
    for (found, message) in [
        (kernel("mod m {}"), "write `#[device]` before the module"),
        (kernel("struct S;"), "`#[kernel]` is for functions"),
        (
            module("fn f() {}"),
            "put functions for kernels into a `#[device] mod`",
        ),
        (module("mod m;"), "the macro does not see other files"),
        (module("mod m { fn f() {} }"), "this module has no kernel"),
        (
            crate::expand::kernel("fast".parse().unwrap(), "fn f() {}".parse().unwrap()),
            "takes no arguments",
        ),
    ] {
        let error = found.unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}
