//! Whole kernels from NVIDIA's compiler, against results computed in Rust.

use std::sync::Arc;

use crate::common::{Arguments, Flat, launch, line, module, plane};
use tensor_wasm_ptx::Module;

fn kernels() -> Arc<Module> {
    module(include_str!("data/kernels.ptx"))
}

/// Numbers that look random and are always the same.
fn numbers(count: usize) -> impl Iterator<Item = u32> {
    let mut state = 0x2545_f491_u32;
    (0..count).map(move |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    })
}

fn floats(count: usize) -> Vec<f32> {
    numbers(count)
        .map(|bits| (bits % 20_000) as f32 / 1000.0 - 10.0)
        .collect()
}

fn integers(count: usize, below: u32) -> Vec<i32> {
    numbers(count).map(|bits| (bits % below) as i32).collect()
}

#[test]
fn a_vector_is_added_to_another_and_nothing_past_its_end_is_touched() {
    let memory = Flat::new(1 << 14);
    let (a, b) = (floats(1000), floats(1001)[1..].to_vec());
    memory.put(0, &a);
    memory.put(4096, &b);
    let arguments = Arguments::new()
        .pointer(0)
        .pointer(4096)
        .pointer(8192)
        .with(997i32);
    launch(
        &kernels(),
        "vector_add",
        line(4),
        line(256),
        0,
        arguments,
        &memory,
    )
    .unwrap();
    let expected: Vec<f32> = a.iter().zip(&b).take(997).map(|(a, b)| a + b).collect();
    assert_eq!(memory.get::<f32>(8192, 997), expected);
    assert_eq!(memory.get::<f32>(8192 + 4 * 997, 30), [0.0; 30]);
}

#[test]
fn saxpy_adds_a_multiple_of_one_vector_to_another() {
    let module = module(include_str!("../../../components/saxpy/kernels/saxpy.ptx"));
    let memory = Flat::new(1 << 14);
    let (x, y) = (floats(1000), floats(1003)[3..].to_vec());
    memory.put(0, &x);
    memory.put(4096, &y);
    let arguments = Arguments::new()
        .pointer(4096)
        .pointer(0)
        .with(2.5f32)
        .with(1000u32);
    launch(&module, "saxpy", line(4), line(256), 0, arguments, &memory).unwrap();
    let expected: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x.mul_add(2.5, *y)).collect();
    assert_eq!(memory.get::<f32>(4096, 1000), expected);
}

#[test]
fn blocks_sum_their_part_in_dynamic_shared_memory() {
    let memory = Flat::new(1 << 14);
    let values = integers(2000, 1000);
    memory.put(0, &values);
    let arguments = Arguments::new().pointer(0).pointer(8192).with(2000i32);
    launch(
        &kernels(),
        "block_sums",
        line(8),
        line(256),
        1024,
        arguments,
        &memory,
    )
    .unwrap();
    let expected: Vec<i32> = values.chunks(256).map(|part| part.iter().sum()).collect();
    assert_eq!(memory.get::<i32>(8192, 8), expected);
}

#[test]
fn warps_sum_their_part_by_shuffles() {
    let memory = Flat::new(1 << 14);
    // Small integers: sums of floats in any order are exact then.
    let values: Vec<f32> = integers(256, 100)
        .iter()
        .map(|value| *value as f32)
        .collect();
    memory.put(0, &values);
    let arguments = Arguments::new().pointer(0).pointer(8192);
    launch(
        &kernels(),
        "warp_sums",
        line(2),
        line(128),
        0,
        arguments,
        &memory,
    )
    .unwrap();
    let expected: Vec<f32> = values.chunks(32).map(|part| part.iter().sum()).collect();
    assert_eq!(memory.get::<f32>(8192, 8), expected);
}

#[test]
fn a_matrix_is_transposed_tile_by_tile() {
    let memory = Flat::new(1 << 16);
    let (width, height) = (70usize, 45usize);
    let values = floats(width * height);
    memory.put(0, &values);
    let arguments = Arguments::new()
        .pointer(0)
        .pointer(1 << 15)
        .with(width as i32)
        .with(height as i32);
    launch(
        &kernels(),
        "transpose",
        plane(5, 3),
        plane(16, 16),
        0,
        arguments,
        &memory,
    )
    .unwrap();
    let expected: Vec<f32> = (0..width * height)
        .map(|i| values[(i % height) * width + i / height])
        .collect();
    assert_eq!(memory.get::<f32>(1 << 15, width * height), expected);
}

#[test]
fn matrices_are_multiplied_tile_by_tile() {
    let memory = Flat::new(1 << 16);
    let n = 48;
    let (a, b) = (floats(n * n), floats(n * n + 5)[5..].to_vec());
    memory.put(0, &a);
    memory.put(1 << 14, &b);
    let arguments = Arguments::new()
        .pointer(0)
        .pointer(1 << 14)
        .pointer(1 << 15)
        .with(n as i32);
    launch(
        &kernels(),
        "matmul",
        plane(3, 3),
        plane(16, 16),
        0,
        arguments,
        &memory,
    )
    .unwrap();
    let expected: Vec<f32> = (0..n * n)
        .map(|i| {
            (0..n).fold(0.0, |sum: f32, k| {
                a[i / n * n + k].mul_add(b[k * n + i % n], sum)
            })
        })
        .collect();
    assert_eq!(memory.get::<f32>(1 << 15, n * n), expected);
}

#[test]
fn a_histogram_counts_with_atomics_in_shared_and_device_memory() {
    let memory = Flat::new(1 << 14);
    let values: Vec<u8> = numbers(5000).map(|bits| (bits >> 7) as u8).collect();
    memory.put(0, &values);
    let arguments = Arguments::new().pointer(0).pointer(8192).with(5000i32);
    launch(
        &kernels(),
        "histogram",
        line(3),
        line(256),
        0,
        arguments,
        &memory,
    )
    .unwrap();
    let mut expected = [0u32; 256];
    for value in values {
        expected[usize::from(value)] += 1;
    }
    assert_eq!(memory.get::<u32>(8192, 256), expected);
}

#[test]
fn loops_end_at_different_times_in_each_thread() {
    let memory = Flat::new(1 << 13);
    let values: Vec<u32> = integers(512, 100_000)
        .iter()
        .map(|value| *value as u32 + 1)
        .collect();
    memory.put(0, &values);
    let arguments = Arguments::new().pointer(0).pointer(4096);
    launch(
        &kernels(),
        "collatz",
        line(4),
        line(128),
        0,
        arguments,
        &memory,
    )
    .unwrap();
    let steps = |start: u32| {
        let mut x = u64::from(start);
        let mut steps = 0;
        while x != 1 {
            x = if x % 2 == 1 { 3 * x + 1 } else { x / 2 };
            steps += 1;
        }
        steps
    };
    let expected: Vec<u32> = values.iter().map(|value| steps(*value)).collect();
    assert_eq!(memory.get::<u32>(4096, 512), expected);
}

#[test]
fn functions_call_one_another_and_return_structures() {
    let memory = Flat::new(1 << 13);
    let (a, b) = (integers(64, 10_000), integers(71, 10_000)[7..].to_vec());
    memory.put(0, &a);
    memory.put(1024, &b);
    let arguments = Arguments::new().pointer(0).pointer(1024).pointer(4096);
    launch(
        &kernels(),
        "calls",
        line(1),
        line(64),
        0,
        arguments,
        &memory,
    )
    .unwrap();
    let gcd = |mut a: i32, mut b: i32| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let expected: Vec<i64> = a
        .iter()
        .zip(&b)
        .map(|(a, b)| i64::from(gcd(*a, *b) + a) * 1_000_000 + i64::from(*a) * i64::from(*b))
        .collect();
    assert_eq!(memory.get::<i64>(4096, 64), expected);
}

#[test]
fn each_thread_sorts_in_its_own_local_memory() {
    let memory = Flat::new(1 << 13);
    let values = integers(64 * 16, 100_000);
    memory.put(0, &values);
    launch(
        &kernels(),
        "local_sort",
        line(1),
        line(64),
        0,
        Arguments::new().pointer(0),
        &memory,
    )
    .unwrap();
    let mut expected = values;
    for part in expected.chunks_mut(16) {
        part.sort_unstable();
    }
    assert_eq!(memory.get::<i32>(0, 64 * 16), expected);
}

#[test]
fn module_variables_begin_with_their_initial_values() {
    let module = kernels();
    let names: Vec<&str> = module
        .globals()
        .iter()
        .map(|variable| variable.name())
        .collect();
    let initial = |name: &str| {
        let variable = module
            .globals()
            .iter()
            .find(|variable| variable.name() == name)
            .unwrap();
        variable.initial(&[])
    };
    assert!(
        names.contains(&"weights") && names.contains(&"counter"),
        "{names:?}"
    );
    assert_eq!(initial("counter"), [7]);
    let weights: Vec<u8> = [0.5f32, 1.5, -2.0, 0.25]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let mut found = initial("weights");
    found.resize(16, 0);
    assert_eq!(found, weights);
}

#[test]
fn a_kernel_reads_constants_and_counts_in_a_variable() {
    let memory = Flat::new(1 << 12);
    launch(
        &kernels(),
        "globals",
        line(1),
        line(6),
        0,
        Arguments::new().pointer(0),
        &memory,
    )
    .unwrap();
    assert_eq!(memory.get::<f32>(0, 6), [0.5, 1.5, -2.0, 0.25, 0.5, 1.5]);
    let after = memory.0.lock().unwrap().clone();
    let counter = after
        .chunks(4)
        .filter(|word| *word == 8u32.to_le_bytes())
        .count();
    assert_eq!(counter, 1, "the counter went from 7 to 8");
}

#[test]
fn a_switch_goes_where_its_value_says() {
    let memory = Flat::new(1 << 12);
    memory.put(0, &(0..8).collect::<Vec<i32>>());
    let arguments = Arguments::new().pointer(0).pointer(1024);
    launch(
        &kernels(),
        "choose",
        line(1),
        line(8),
        0,
        arguments,
        &memory,
    )
    .unwrap();
    assert_eq!(
        memory.get::<i32>(1024, 8),
        [10, 4, 99, 96, -4, 125, 1_234_567, -1]
    );
}

#[test]
fn the_threads_of_a_warp_vote_match_and_shuffle() {
    let memory = Flat::new(1 << 13);
    let values = integers(32, 9);
    memory.put(0, &values);
    let arguments = Arguments::new().pointer(0).pointer(4096);
    launch(
        &kernels(),
        "warp_votes",
        line(1),
        line(32),
        0,
        arguments,
        &memory,
    )
    .unwrap();
    let mask = |wanted: &dyn Fn(i32) -> bool| {
        (0..32)
            .filter(|lane| wanted(values[*lane]))
            .fold(0u32, |mask, lane| mask | 1 << lane)
    };
    let mut expected = Vec::new();
    for lane in 0..32usize {
        let any = u32::from(values.contains(&7));
        let up = if lane % 8 >= 3 { lane - 3 } else { lane };
        let idx = lane / 16 * 16 + lane * 7 % 16;
        expected.extend([
            mask(&|value| value > 5),
            any * 2 + 1,
            mask(&|value| value == values[lane]),
            values[lane ^ 5] as u32,
            values[up] as u32,
            values[idx] as u32,
        ]);
    }
    assert_eq!(memory.get::<u32>(4096, 32 * 6), expected);
}

#[test]
fn threads_that_are_together_find_one_another() {
    let memory = Flat::new(1 << 13);
    let values = integers(128, 1000);
    memory.put(64, &values);
    let arguments = Arguments::new().pointer(0).pointer(64);
    launch(
        &kernels(),
        "aggregate",
        line(1),
        line(128),
        0,
        arguments,
        &memory,
    )
    .unwrap();
    let expected = values.iter().filter(|value| **value % 3 == 0).count();
    assert_eq!(memory.get::<u32>(0, 1), [expected as u32]);
}

#[test]
fn barriers_count_and_combine_predicates() {
    let memory = Flat::new(1 << 12);
    let values: Vec<i32> = integers(96, 7).iter().map(|value| value - 3).collect();
    memory.put(0, &values);
    let arguments = Arguments::new().pointer(0).pointer(1024);
    launch(
        &kernels(),
        "counted",
        line(1),
        line(96),
        0,
        arguments,
        &memory,
    )
    .unwrap();
    let count = values.iter().filter(|value| **value > 0).count() as i32;
    let or = i32::from(values.contains(&3));
    assert_eq!(memory.get::<i32>(1024, 96), [count * 4 + or * 2 + 1; 96]);
}

#[test]
fn products_and_differences_of_128_bits_carry() {
    let memory = Flat::new(1 << 13);
    let words: Vec<u64> = numbers(256)
        .zip(numbers(300).skip(44))
        .map(|(a, b)| u64::from(a) << 32 | u64::from(b))
        .collect();
    let (a, b) = words.split_at(128);
    memory.put(0, a);
    memory.put(1024, b);
    let arguments = Arguments::new().pointer(0).pointer(1024).pointer(2048);
    launch(
        &kernels(),
        "wide",
        line(1),
        line(128),
        0,
        arguments,
        &memory,
    )
    .unwrap();
    let mut expected = Vec::new();
    for (a, b) in a.iter().zip(b) {
        let product = (u128::from(*a) * u128::from(*b)).wrapping_add(u128::from(*a));
        let difference = product.wrapping_sub(u128::from(*b) << 64 | u128::from(*a));
        expected.extend([
            product as u64,
            (product >> 64) as u64,
            difference as u64,
            (difference >> 64) as u64,
        ]);
    }
    assert_eq!(memory.get::<u64>(2048, 512), expected);
}

#[test]
fn the_mathematical_library_is_as_exact_as_cuda_promises() {
    let memory = Flat::new(1 << 15);
    let x: Vec<f32> = floats(64).iter().map(|x| x.abs() + 0.01).collect();
    let d: Vec<f64> = x.iter().map(|x| f64::from(*x) * 1.01).collect();
    memory.put(0, &x);
    memory.put(4096, &d);
    let arguments = Arguments::new()
        .pointer(0)
        .pointer(8192)
        .pointer(4096)
        .pointer(16384);
    launch(
        &kernels(),
        "mathematics",
        line(1),
        line(64),
        0,
        arguments,
        &memory,
    )
    .unwrap();
    let singles = memory.get::<f32>(8192, 64 * 8);
    let doubles = memory.get::<f64>(16384, 64 * 4);
    for (index, (x, d)) in x.iter().zip(&d).enumerate() {
        let w = f64::from(*x);
        let expected = [
            w.sin(),
            w.cos(),
            w.exp(),
            w.ln(),
            w.powf(f64::from(1.7f32)),
            w.tanh(),
            w.atan2(2.0),
            1.0 / w.sqrt(),
        ];
        for (number, expected) in expected.iter().enumerate() {
            let found = f64::from(singles[index * 8 + number]);
            // CUDA's guide allows up to 4 units in the last place for these, powf 8.
            let allowed = 8.0 * f64::from(f32::EPSILON) * expected.abs().max(1e-3);
            assert!(
                (found - expected).abs() <= allowed,
                "function {number} of {x}: {found} for {expected}"
            );
        }
        let expected = [d.sin(), d.exp(), d.ln(), d.sqrt() / (d + 3.0)];
        for (number, expected) in expected.iter().enumerate() {
            let found = doubles[index * 4 + number];
            let allowed = 4.0 * f64::EPSILON * expected.abs().max(1e-3);
            assert!(
                (found - expected).abs() <= allowed,
                "function {number} of {d}: {found} for {expected}"
            );
        }
    }
}

#[test]
fn integers_divide_shift_and_permute_as_in_c() {
    let memory = Flat::new(1 << 14);
    let a: Vec<i32> = numbers(128).map(u32::cast_signed).collect();
    let b: Vec<i32> = numbers(131)
        .skip(3)
        .map(|bits| (bits | 1).cast_signed())
        .collect();
    memory.put(0, &a);
    memory.put(1024, &b);
    let arguments = Arguments::new().pointer(0).pointer(1024).pointer(4096);
    launch(
        &kernels(),
        "integers",
        line(1),
        line(128),
        0,
        arguments,
        &memory,
    )
    .unwrap();
    let found = memory.get::<i32>(4096, 128 * 12);
    for (index, (x, y)) in a.iter().zip(&b).enumerate() {
        let (x, y) = (*x, *y);
        let (u, v) = (x.cast_unsigned(), y.cast_unsigned());
        let bytes: Vec<u8> = x.to_le_bytes().into_iter().chain(y.to_le_bytes()).collect();
        let permuted = u32::from_le_bytes([bytes[5], bytes[1], bytes[7], bytes[3]]);
        let expected = [
            x.wrapping_div(y),
            x.wrapping_rem(y),
            (u / v).cast_signed(),
            (u % v).cast_signed(),
            ((i64::from(x) * i64::from(y)) >> 32) as i32,
            x.leading_zeros() as i32,
            x.reverse_bits(),
            permuted.cast_signed(),
            ((u64::from(v) << 32 | u64::from(u)) << 9 >> 32) as i32,
            x.wrapping_sub(y).wrapping_abs(),
            i32::from(x as i16) * i32::from(y as i8),
            if x == 0 {
                0
            } else {
                x.trailing_zeros() as i32 + 1
            },
        ];
        assert_eq!(found[index * 12..index * 12 + 12], expected, "{x} and {y}");
    }
}

#[test]
fn the_image_filters_are_accepted() {
    let module = module(include_str!(
        "../../../components/image/kernels/filters.ptx"
    ));
    assert!(module.entries().len() >= 3);
}

#[test]
fn printing_and_parsing_again_changes_nothing() {
    for text in [
        include_str!("data/kernels.ptx"),
        include_str!("../../../components/image/kernels/filters.ptx"),
        include_str!("../../../components/saxpy/kernels/saxpy.ptx"),
    ] {
        let first = module(text);
        let printed = first.to_string();
        let second = module(&printed);
        assert!(*first == *second, "the printed text means something else");
        assert!(printed == second.to_string(), "a second printing differs");
    }
}
