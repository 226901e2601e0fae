//! The ready kernels compute what their formulas do in double precision, in the host's interpreter and under
//! its checks, and as ordinary Rust.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use tensor_wasm_guest::LaunchConfig;
use tensor_wasm_guest::kernels::{attention, elementwise, random, rows};
use tensor_wasm_guest::testing::Device;

/// Numbers from -4 to 4 that are always the same.
fn floats(seed: u32, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1 << 21) as f32 - 4.0
    };
    (0..count).map(|_| next()).collect()
}

#[track_caller]
fn assert_near(found: &[f32], exact: impl IntoIterator<Item = f64>, most: f64) {
    let exact: Vec<f64> = exact.into_iter().collect();
    assert_eq!(found.len(), exact.len());
    for (at, (found, exact)) in found.iter().zip(exact).enumerate() {
        let error = (f64::from(*found) - exact).abs();
        assert!(error <= most, "{found} and not {exact} at {at}");
    }
}

/// What a kernel makes of a buffer in its place.
macro_rules! in_place {
    ($module:ident::$kernel:ident, $config:expr, $y:expr $(, [$($input:expr),*], [$($number:expr),*])?) => {{
        let mut device = Device::load($module::$kernel::PTX).unwrap();
        let mut y = device.upload($y).unwrap();
        in_place!(@run device, y, $module::$kernel, $config $(, [$($input),*], [$($number),*])?);
        device.read(&y)
    }};
    (@run $device:ident, $y:ident, $module:ident::$kernel:ident, $config:expr) => {
        $module::$kernel(&mut $device, $config, &mut $y).unwrap()
    };
    (@run $device:ident, $y:ident, $module:ident::$kernel:ident, $config:expr, [$one:expr], [$($number:expr),*]) => {
        let one = $device.upload($one).unwrap();
        $module::$kernel(&mut $device, $config, &one, &mut $y, $($number),*).unwrap()
    };
    (@run $device:ident, $y:ident, $module:ident::$kernel:ident, $config:expr, [$one:expr, $two:expr], [$($number:expr),*]) => {
        let one = $device.upload($one).unwrap();
        let two = $device.upload($two).unwrap();
        $module::$kernel(&mut $device, $config, &one, &two, &mut $y, $($number),*).unwrap()
    };
}

fn wide(values: &[f32]) -> impl Iterator<Item = f64> {
    values.iter().map(|value| f64::from(*value))
}

#[test]
fn elements_are_added_and_multiplied() {
    let (x, y) = (floats(1, 300), floats(2, 300));
    let config = LaunchConfig::for_len(300);
    let sums = in_place!(elementwise::add, config, &y, [&x], []);
    assert_near(&sums, wide(&x).zip(wide(&y)).map(|(x, y)| x + y), 1e-6);
    let products = in_place!(elementwise::multiply, config, &y, [&x], []);
    assert_near(&products, wide(&x).zip(wide(&y)).map(|(x, y)| x * y), 2e-6);
    let mut combined = y.clone();
    elementwise::combine::native(config, 2.0, &x, -0.5, &mut combined);
    let exact = wide(&x).zip(wide(&y)).map(|(x, y)| 2.0 * x - 0.5 * y);
    assert_near(&combined, exact, 2e-6);
    let biased = in_place!(elementwise::add_bias, config, &y, [&x[..7]], []);
    let exact = wide(&y).enumerate().map(|(i, y)| y + f64::from(x[i % 7]));
    assert_near(&biased, exact, 1e-6);
}

/// The series of the error function, for arguments of no more than 5.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}

#[test]
fn activations_are_those_of_double_precision() {
    let y = floats(3, 300);
    let config = LaunchConfig::for_len(300);
    let relu = in_place!(elementwise::relu, config, &y);
    assert_near(&relu, wide(&y).map(|x| x.max(0.0)), 0.0);
    let sigmoid = in_place!(elementwise::sigmoid, config, &y);
    assert_near(&sigmoid, wide(&y).map(|x| 1.0 / (1.0 + (-x).exp())), 1e-6);
    let tanh = in_place!(elementwise::tanh, config, &y);
    assert_near(&tanh, wide(&y).map(f64::tanh), 1e-6);
    let silu = in_place!(elementwise::silu, config, &y);
    assert_near(&silu, wide(&y).map(|x| x / (1.0 + (-x).exp())), 4e-6);
    let gelu = in_place!(elementwise::gelu, config, &y);
    let exact = |x: f64| 0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2));
    assert_near(&gelu, wide(&y).map(exact), 4e-6);
    // What is far out does not overflow.
    let far = in_place!(elementwise::tanh, LaunchConfig::for_len(2), &[-1e4f32, 1e4]);
    assert_near(&far, [-1.0, 1.0], 0.0);
    let far = in_place!(elementwise::gelu, LaunchConfig::for_len(2), &[-1e4f32, 1e4]);
    assert_near(&far, [0.0, 1e4], 0.0);
}

#[test]
fn rows_become_their_softmax_and_norms() {
    let columns = 45;
    let y = floats(4, 3 * columns);
    let (weight, bias) = (floats(5, columns), floats(6, columns));
    let config = LaunchConfig::new(3, 32);
    let mut device = Device::load(rows::softmax::PTX).unwrap();
    let mut at = device.upload(&y).unwrap();
    rows::softmax(&mut device, config, &mut at, columns as u32).unwrap();
    let exact = y.chunks(columns).flat_map(|row| {
        let sum: f64 = wide(row).map(f64::exp).sum();
        wide(row).map(move |x| x.exp() / sum)
    });
    assert_near(&device.read(&at), exact, 1e-6);
    let scaled = |row: &[f32], mean: f64| {
        let squares: f64 = wide(row).map(|x| (x - mean).powi(2)).sum();
        let scale = (squares / columns as f64 + 1e-5).sqrt().recip();
        wide(row).map(|x| (x - mean) * scale).collect::<Vec<f64>>()
    };
    let found = in_place!(
        rows::layer_norm,
        config,
        &y,
        [&weight, &bias],
        [columns as u32, 1e-5]
    );
    let exact = y.chunks(columns).flat_map(|row| {
        let normal = scaled(row, wide(row).sum::<f64>() / columns as f64);
        let weighted = normal.into_iter().zip(wide(&weight)).map(|(x, w)| x * w);
        weighted
            .zip(wide(&bias))
            .map(|(x, b)| x + b)
            .collect::<Vec<f64>>()
    });
    assert_near(&found, exact, 1e-5);
    let found = in_place!(
        rows::rms_norm,
        config,
        &y,
        [&weight],
        [columns as u32, 1e-5]
    );
    let exact = y.chunks(columns).flat_map(|row| {
        let normal = scaled(row, 0.0).into_iter().zip(wide(&weight));
        normal.map(|(x, w)| x * w).collect::<Vec<f64>>()
    });
    assert_near(&found, exact, 1e-5);
}

#[test]
fn the_largest_elements_come_first_and_equal_ones_in_their_order() {
    let (columns, k) = (70, 5);
    let mut x = floats(7, 2 * columns);
    for column in [3, 40, 41] {
        x[column] = 5.0;
    }
    x[columns..].fill(-1.0);
    let mut device = Device::load(rows::top_k::PTX).unwrap();
    let at = device.upload(&x).unwrap();
    let mut values = device.upload(&[0f32; 10]).unwrap();
    let mut found = device.upload(&[0u32; 10]).unwrap();
    let (width, count) = (columns as u32, k as u32);
    let config = LaunchConfig::new(2, 32);
    rows::top_k(
        &mut device,
        config,
        &at,
        &mut values,
        &mut found,
        width,
        count,
    )
    .unwrap();
    let (values, found) = (device.read(&values), device.read(&found));
    for (row, x) in x.chunks(columns).enumerate() {
        let mut order: Vec<usize> = (0..columns).collect();
        order.sort_by(|a, b| x[*b].total_cmp(&x[*a]));
        for (place, column) in order.into_iter().take(k).enumerate() {
            assert_eq!(found[row * k + place], column as u32);
            assert_eq!(values[row * k + place], x[column]);
        }
    }
}

#[test]
fn queries_attend_to_the_keys_that_they_see() {
    for [heads, queries, keys, size] in [[2, 3, 40, 5], [1, 4, 2, 70]] {
        for is_causal in [false, true] {
            let q = floats(8, heads * queries * size);
            let k = floats(9, heads * keys * size);
            let v = floats(10, heads * keys * size);
            let mut device = Device::load(attention::attend::PTX).unwrap();
            let at = [&q, &k, &v].map(|values| device.upload(values).unwrap());
            let mut out = device.upload(&vec![9f32; q.len()]).unwrap();
            let config = LaunchConfig::new((heads * queries) as u32, 32);
            let [n, m, width] = [queries, keys, size].map(|count| count as u32);
            let scale = 0.25;
            attention::attend(
                &mut device,
                config,
                &at[0],
                &at[1],
                &at[2],
                &mut out,
                n,
                m,
                width,
                scale,
                is_causal.into(),
            )
            .unwrap();
            let exact = q.chunks(size).enumerate().flat_map(|(row, q)| {
                let of_head = row / queries * keys * size;
                let causal = (row % queries + 1 + keys).saturating_sub(queries);
                let visible = if is_causal { causal } else { keys };
                let row_of = |all: &[f32], key: usize| all[of_head + key * size..][..size].to_vec();
                let score = |key: usize| -> f64 {
                    let key = row_of(&k, key);
                    wide(q).zip(wide(&key)).map(|(q, k)| q * k).sum::<f64>() * 0.25
                };
                let shares: Vec<f64> = (0..visible).map(|key| score(key).exp()).collect();
                let total: f64 = shares.iter().sum();
                let value = |column: usize| {
                    let terms = shares.iter().enumerate();
                    let sum: f64 = terms
                        .map(|(key, share)| share * f64::from(row_of(&v, key)[column]))
                        .sum();
                    if visible == 0 { 0.0 } else { sum / total }
                };
                (0..size).map(value).collect::<Vec<f64>>()
            });
            assert_near(&device.read(&out), exact, 1e-4);
        }
    }
}

/// What the authors' own implementation gives for a counter and a key of zeros (Random123, `kat_vectors`).
const OF_ZEROS: [u32; 4] = [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8];

#[test]
fn random_words_are_those_of_philox_and_depend_on_their_place_alone() {
    let mut all = [0u32; 10];
    random::bits::native(LaunchConfig::for_len(3), 0, 0, &mut all);
    assert_eq!(all[..4], OF_ZEROS);
    let mut device = Device::load(random::bits::PTX).unwrap();
    let mut at = device.upload(&[0u32; 10]).unwrap();
    random::bits(&mut device, LaunchConfig::for_len(3), 0, 0, &mut at).unwrap();
    assert_eq!(device.read(&at), all);
    let mut behind = [0u32; 6];
    random::bits::native(LaunchConfig::for_len(2), 0, 1, &mut behind);
    assert_eq!(behind, all[4..]);
    let mut other = [0u32; 4];
    random::bits::native(LaunchConfig::for_len(1), 1 << 32, 0, &mut other);
    assert_ne!(other, OF_ZEROS);
}

#[test]
fn random_numbers_have_the_mean_and_variance_of_their_distribution() {
    let count = 1 << 14;
    let config = LaunchConfig::for_len(count as u64 / 4);
    let moments = |values: &[f32]| {
        let mean = wide(values).sum::<f64>() / count as f64;
        let variance = wide(values).map(|x| (x - mean).powi(2)).sum::<f64>() / count as f64;
        (mean, variance)
    };
    let mut uniform = vec![9f32; count];
    random::uniform::native(config, 42, 0, &mut uniform);
    assert!(uniform.iter().all(|x| (0.0..1.0).contains(x)));
    let (mean, variance) = moments(&uniform);
    assert!((mean - 0.5).abs() < 0.01 && (variance - 1.0 / 12.0).abs() < 0.003);
    let mut normal = vec![9f32; count];
    random::normal::native(config, 42, 0, &mut normal);
    let (mean, variance) = moments(&normal);
    assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05);
    let mut device = Device::load(random::normal::PTX).unwrap();
    let mut at = device.upload(&[0f32; 7]).unwrap();
    random::normal(&mut device, LaunchConfig::for_len(2), 42, 0, &mut at).unwrap();
    assert_near(&device.read(&at), wide(&normal[..7]), 1e-5);
}
