//! What kernels do, construct by construct.

use super::{Argument, module, output, run, words};

/// The words that a body writes, with `i` as the index of the thread.
#[track_caller]
fn body(text: &str) -> Vec<u32> {
    output(
        &format!(
            "fn kernel(out: GlobalMut<u32>) {{ let i = thread::index_x(); let value: u32 = {{ {text} }}; out.set(i as usize, value); }}"
        ),
        32,
    )
}

#[track_caller]
fn check(text: &str, expected: impl Fn(u32) -> u32) {
    let expected: Vec<u32> = (0..32).map(expected).collect();
    assert_eq!(body(text), expected, "{text}");
}

#[test]
fn saxpy_computes_what_it_says() {
    let module = module(
        "fn kernel_saxpy(n: u32, a: f32, x: &[f32], y: GlobalMut<f32>) {
            let i = thread::global_x();
            if i < n {
                let i = i as usize;
                y.set(i, a.mul_add(x[i], y.get(i)));
            }
        }",
    );
    let bits = |values: &[f32]| {
        values
            .iter()
            .map(|value| value.to_bits())
            .collect::<Vec<u32>>()
    };
    let x: Vec<f32> = (0..100).map(|value| value as f32).collect();
    let arguments = [
        Argument::U32(100),
        Argument::F32(2.0),
        Argument::Words(bits(&x)),
        Argument::Words(bits(&[1.0; 100])),
    ];
    let found = run(&module, "kernel_saxpy", 4, 32, &arguments).unwrap();
    let expected: Vec<f32> = x.iter().map(|x| 2.0 * x + 1.0).collect();
    assert_eq!(words(&found[1]), bits(&expected));
}

#[test]
fn an_index_outside_of_a_slice_stops_the_kernel_with_its_place() {
    let module = module("fn kernel(x: &[u32], y: GlobalMut<u32>) { y.set(0, x[y.len()]); }");
    let arguments = [Argument::Words(vec![1; 4]), Argument::Words(vec![1; 4])];
    let fault = run(&module, "kernel", 1, 1, &arguments).unwrap_err();
    assert!(fault.contains("index out of bounds"), "{fault}");
    assert!(fault.contains("kernel.rs"), "{fault}");
}

#[test]
fn negative_and_large_indices_are_outside_whatever_their_type() {
    for index in [
        "(i as i32 - 5) as usize",
        "(i as i64 - 5) as usize",
        "(i as i16 - 5) as usize",
        "i.wrapping_sub(5) as usize",
        "(i as usize).wrapping_sub(5)",
        "{ let at = i as i32 - 5; at as usize }",
        "{ let mut at = i as i32; at -= 5; at as usize }",
        "(i + 4) as usize",
        "i as usize + 4",
        "{ let mut k = i; let at = k as usize; k += 9; at + (k - 5 - i) as usize }",
    ] {
        let module = module(&format!(
            "fn kernel(x: &[u32], out: GlobalMut<u32>) {{ let i = thread::index_x(); out.set(0, x[{index}]); }}"
        ));
        let arguments = [Argument::Words(vec![1; 4]), Argument::Words(vec![0])];
        let fault = run(&module, "kernel", 1, 1, &arguments).unwrap_err();
        assert!(fault.contains("index out of bounds"), "{index}: {fault}");
    }
}

#[test]
fn conditions_choose() {
    check(
        "if i < 5 { 1 } else if i == 7 { 2 } else { 3 }",
        |i| match i {
            0..5 => 1,
            7 => 2,
            _ => 3,
        },
    );
    check(
        "let mut r = 0; if i % 2 == 0 && i > 10 || i == 3 { r = 1; } r",
        |i| u32::from(i % 2 == 0 && i > 10 || i == 3),
    );
    check("let b = i > 3; let c = !b ^ (i > 20); u32::from(c)", |i| {
        u32::from((i <= 3) ^ (i > 20))
    });
}

#[test]
fn loops_count_as_rust_s_do() {
    check("let mut s = 0; for k in 0..i { s += k; } s", |i| {
        (0..i).sum()
    });
    check("let mut s = 0; for k in 2..=i { s += k; } s", |i| {
        (2..=i).sum()
    });
    check(
        "let mut s = 0; for k in (0..i).rev() { s = s * 3 + k; } s",
        |i| {
            (0..i)
                .rev()
                .fold(0u32, |s, k| s.wrapping_mul(3).wrapping_add(k))
        },
    );
    check(
        "let mut s = 0; for k in (1..i).step_by(3) { s += k; } s",
        |i| (1..i).step_by(3).sum(),
    );
    check(
        "let mut s = 0; for k in (1..=i).step_by(3) { s += k; } s",
        |i| (1..=i).step_by(3).sum(),
    );
    check(
        "let mut s = 0; for k in (3..=i).rev() { s = s * 3 + k; } s",
        |i| {
            (3..=i)
                .rev()
                .fold(0u32, |s, k| s.wrapping_mul(3).wrapping_add(k))
        },
    );
    check(
        "let mut s = 0u32; for k in 250u8..=255 { s += k as u32; } s",
        |_| (250..=255).sum(),
    );
    check(
        "let mut s = 0i32; for k in -100i8..=127 { s += k as i32; } s as u32",
        |_| (-100i32..=127).sum::<i32>().cast_unsigned(),
    );
    check(
        "let mut s = 0i32; for k in (-100i8..127).step_by(200) { s += k as i32; } s as u32",
        |_| {
            (-100i8..127)
                .step_by(200)
                .map(i32::from)
                .sum::<i32>()
                .cast_unsigned()
        },
    );
    check(
        "let mut s = 0; let mut k = i; while k > 0 { k /= 2; s += 1; } s",
        |i| 32 - i.leading_zeros(),
    );
    check(
        "let mut k = i; loop { if k > 100 { break k; } k = k * 2 + 1; }",
        |i| {
            let mut k = i;
            while k <= 100 {
                k = k * 2 + 1;
            }
            k
        },
    );
    check(
        "let mut s = 0; 'outer: for a in 0..i { for b in 0..i { if b == 3 { continue 'outer; } if a == 5 { break 'outer; } s += b; } } s",
        |i| {
            let mut s = 0;
            'outer: for a in 0..i {
                for b in 0..i {
                    if b == 3 {
                        continue 'outer;
                    }
                    if a == 5 {
                        break 'outer;
                    }
                    s += b;
                }
            }
            s
        },
    );
    check("'block: { if i > 9 { break 'block 7; } i }", |i| {
        if i > 9 { 7 } else { i }
    });
}

#[test]
fn matches_find_their_arm() {
    check(
        "match i { 0 => 10, 1 | 2 => 20, 3..=5 => 30, 6..9 => 40, k if k > 20 => k, _ => 50 }",
        |i| match i {
            0 => 10,
            1 | 2 => 20,
            3..=5 => 30,
            6..9 => 40,
            k if k > 20 => k,
            _ => 50,
        },
    );
    check(
        "match i as i32 - 4 { i32::MIN..=-1 => 1, 0 => 2, n @ 1.. => n as u32 }",
        |i| match i.cast_signed() - 4 {
            i32::MIN..=-1 => 1,
            0 => 2,
            n @ 1.. => n.cast_unsigned(),
        },
    );
    check(
        "match i as i32 - 4 { -1 => 1, -4..=-3 => 2, _ => 0 }",
        |i| match i {
            3 => 1,
            0 | 1 => 2,
            _ => 0,
        },
    );
    check("match i > 3 { true => 1, false => 0 }", |i| {
        u32::from(i > 3)
    });
}

#[test]
fn values_are_copied_not_shared() {
    check("let mut a = i; let b = a; a += 1; b * 100 + a", |i| {
        i * 100 + i + 1
    });
    check("let mut a = i; let b = a + { a += 1; a }; b", |i| i + i + 1);
    check(
        "let mut t = (i, 2); let u = t; t.0 += 1; u.0 * t.1 + t.0",
        |i| i * 2 + i + 1,
    );
    check("let (a, mut b) = (i, i + 1); b *= 2; a + b", |i| {
        i + (i + 1) * 2
    });
}

#[test]
fn arrays_are_in_registers_or_in_memory() {
    check(
        "let mut a = [0u32; 4]; for k in 0..4 { a[k] = i + k as u32; } a[0] + a[3]",
        |i| 2 * i + 3,
    );
    check(
        "let mut a = [0u32; 8]; let mut k = 0; while k < 8 { a[k] = i * k as u32; k += 1; } a[(i % 8) as usize]",
        |i| i * (i % 8),
    );
    check(
        "let mut m = [[0u32; 2]; 3]; m[2][1] = i; m[1][0] = 5; m[2][1] + m[1][0] + m[0][0]",
        |i| i + 5,
    );
    check(
        "let a = [i, 2, 3]; let mut s = 0; for k in 0..a.len() { s += a[k]; } s",
        |i| i + 5,
    );
}

#[test]
fn functions_and_structures_of_the_device_are_known() {
    let source = "
        #[repr(C)] struct Pair { a: u32, b: f32 }
        const FACTOR: u32 = 3;
        fn swap_sum(p: Pair) -> Pair { Pair { a: p.b as u32, b: p.a as f32 } }
        fn early(x: u32) -> u32 { if x > 10 { return 1; } let y = x * FACTOR; y }
        fn power<const N: usize>(x: u32) -> u32 { let mut r = 1; for _ in 0..N { r *= x; } r }
        fn kernel(out: GlobalMut<u32>) {
            let i = thread::index_x();
            let p = swap_sum(Pair { a: i, b: 2.5 });
            out.set(i as usize, p.a + p.b as u32 + early(i) + power::<2>(i));
        }";
    let expected: Vec<u32> = (0..32)
        .map(|i| 2 + i + if i > 10 { 1 } else { i * 3 } + i * i)
        .collect();
    assert_eq!(output(source, 32), expected);
}

#[test]
fn threads_exchange_values_in_shared_memory_and_in_warps() {
    check(
        "let tile = shared!([u32; 32]); tile.set(i as usize, i * i); barrier(); tile.get((31 - i) as usize)",
        |i| (31 - i) * (31 - i),
    );
    check("warp::sum(i) + warp::shuffle_xor(i, 1)", |i| 496 + (i ^ 1));
    check("warp::max((i * 7) % 32) + warp::min(i + 3)", |_| 31 + 3);
    check(
        "warp::shuffle_down(i, 2) + warp::shuffle_up(i, 2) + warp::shuffle(i, 5)",
        |i| (if i < 30 { i + 2 } else { i }) + (if i >= 2 { i - 2 } else { i }) + 5,
    );
    check(
        "warp::ballot(i > 3) + u32::from(warp::any(i == 2)) + u32::from(warp::all(i > 0))",
        |_| 0xffff_fff0 + 1,
    );
    check(
        "(warp::sum(1.5f64) + warp::sum(0.5f32) as f64) as u32",
        |_| 64,
    );
}

#[test]
fn atomic_operations_change_memory_together() {
    let source = "fn kernel(out: GlobalMut<u32>) {
        use std::sync::atomic::Ordering;
        let i = thread::index_x();
        out.atomic_add(0, i, Ordering::Relaxed);
        out.atomic_max(1, i, Ordering::AcqRel);
        out.atomic_or(2, 1 << i, Ordering::SeqCst);
        let tile = shared!([i32; 1]);
        if i == 0 { tile.set(0, 0); }
        barrier();
        tile.atomic_sub(0, 2, Ordering::Relaxed);
        barrier();
        if i == 0 {
            out.set(3, tile.get(0) as u32);
            let old = out.atomic_compare_exchange(4, 0, 9, Ordering::SeqCst);
            out.atomic_store(5, old + 1, Ordering::Release);
        }
    }";
    assert_eq!(
        output(source, 6),
        [496, 31, u32::MAX, (-64i32).cast_unsigned(), 9, 1]
    );
}

#[test]
fn half_precision_is_converted_and_computed() {
    check(
        "let h = f16::from_f32(1.0 + i as f32 / 4.0); (h * h).to_f32().to_bits()",
        |i| {
            let value = 1.0 + i as f32 / 4.0;
            // Exact in 11 bits up to 64.
            let product = value * value;
            let rounded = (product * 16.0).round_ties_even() / 16.0;
            if product < 64.0 { product } else { rounded }.to_bits()
        },
    );
    check("bf16::from_f32(3.14159).to_bits() as u32", |_| 0x4049);
}

#[test]
fn fast_functions_are_near() {
    for (text, expected) in [
        ("fast::exp(1.5)", 1.5f32.exp()),
        ("fast::ln(1.5)", 1.5f32.ln()),
        ("fast::sin(1.5)", 1.5f32.sin()),
        ("fast::tanh(0.5)", 0.5f32.tanh()),
        ("fast::powf(1.5, 2.5)", 1.5f32.powf(2.5)),
        ("fast::rsqrt(2.0)", std::f32::consts::FRAC_1_SQRT_2),
        ("fast::div(1.0, 3.0)", 1.0 / 3.0),
    ] {
        let found = f32::from_bits(body(&format!("{text}.to_bits()"))[0]);
        assert!(
            (found - expected).abs() < 1e-5,
            "{text}: {found}, {expected}"
        );
    }
}

#[test]
fn a_division_by_zero_and_a_failed_assertion_stop_the_kernel() {
    for (text, message) in [
        ("100 / i", "attempt to divide by zero"),
        (
            "100 % i",
            "attempt to calculate the remainder with a divisor of zero",
        ),
        (
            "(i32::MIN / (i as i32 - 1)) as u32",
            "attempt to divide with overflow",
        ),
        ("assert!(i < 5, \"too large\"); 1", "too large"),
        ("assert!(i < 5); 1", "assertion failed: i < 5"),
        ("if i == 4 { unreachable!() } else { 1 }", "unreachable"),
        (
            "let mut s = 0; for k in (0..5).step_by(i as usize) { s += k; } s",
            "step != 0",
        ),
    ] {
        let source = format!(
            "fn kernel(out: GlobalMut<u32>) {{ let i = thread::index_x(); let value: u32 = {{ {text} }}; out.set(i as usize, value); }}"
        );
        let module = module(&source);
        let fault = run(&module, "kernel", 1, 32, &[Argument::Words(vec![0; 32])]).unwrap_err();
        assert!(fault.contains(message), "{text}: {fault}");
    }
}

/// All kernels of the SDK's tests, as the compiler of Rust would give them to the macro. What each
/// takes is printed.
#[test]
fn kernels_of_the_corpus_become_text_that_the_host_accepts() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/corpus");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let source = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let file: syn::File = syn::parse_str(&source).unwrap();
        for item in file.items {
            let attributes = match &item {
                syn::Item::Fn(function) => &function.attrs,
                syn::Item::Mod(module) => &module.attrs,
                _ => continue,
            };
            let Some(attribute) = attributes.first().map(|first| first.path().clone()) else {
                continue;
            };
            let is_kernel = attributes.iter().any(|one| one.path().is_ident("kernel"));
            if !is_kernel && !attribute.is_ident("device") {
                continue;
            }
            let begun = std::time::Instant::now();
            let tokens = quote::quote!(#item);
            let expanded = match is_kernel {
                true => crate::expand::kernel(Default::default(), tokens),
                false => crate::expand::module(Default::default(), tokens),
            };
            let expanded = expanded.unwrap().to_string();
            println!(
                "{:?} for {}",
                begun.elapsed(),
                &source[..source.len().min(30)].trim()
            );
            assert!(!expanded.contains("compile_error"), "{expanded}");
            count += 1;
        }
    }
    assert!(count >= 20, "{count}");
}
