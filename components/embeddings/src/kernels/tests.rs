#![allow(clippy::unwrap_used)]
//! Each kernel on a simulated device that finds races, reads of what was never written and accesses
//! beyond a buffer, compared with the formulas.

use tensor_wasm_guest::LaunchConfig;
use tensor_wasm_guest::testing::Device;

use super::{WARP, bert};

/// Numbers from -1 to 1 that look random.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

#[track_caller]
fn assert_near(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() < 1e-5,
            "{index}: {found} {expected}"
        );
    }
}

#[test]
fn rows_become_columns_beside_those_of_another_matrix() {
    for (rows, columns) in [(3, 5), (40, 7)] {
        let values = numbers(rows * columns, 6);
        let (stride, first) = (rows + 4, 2);
        let before = numbers(columns * stride, 7);
        let mut device = Device::load(bert::transpose::PTX).unwrap();
        let from = device.upload(&values).unwrap();
        let mut to = device.upload(&before).unwrap();
        let config = LaunchConfig::new((rows as u32).div_ceil(WARP), WARP);
        let [count, each, at, apart] = [rows, columns, first, stride].map(|n| n as u32);
        bert::transpose(&mut device, config, &from, &mut to, count, each, at, apart).unwrap();
        let mut expected = before;
        for (index, value) in values.into_iter().enumerate() {
            expected[index % columns * stride + first + index / columns] = value;
        }
        assert_eq!(device.read(&to), expected);
    }
}

#[test]
fn embeddings_of_words_positions_and_the_first_type_are_summed_up() {
    // Three words, two positions and a type, of 64 numbers each.
    let weights = numbers(6 * 64, 1);
    let mut device = Device::load(bert::embed::PTX).unwrap();
    let table = device.upload(&weights).unwrap();
    let plan = device.upload(&[2, 0, 0, 1]).unwrap();
    let mut x = device.allocate(2 * 64).unwrap();
    let config = LaunchConfig::new(2, WARP);
    let (positions, types) = (3 * 64, 5 * 64);
    bert::embed(
        &mut device,
        config,
        &table,
        &plan,
        &mut x,
        positions,
        types,
        2,
        64,
    )
    .unwrap();
    let row = |index: usize| &weights[index * 64..][..64];
    let sum = |word: usize, position: usize| -> Vec<f32> {
        (0..64)
            .map(|i| row(word)[i] + row(3 + position)[i] + row(5)[i])
            .collect()
    };
    assert_near(&device.read(&x), &[sum(2, 0), sum(0, 1)].concat());
}

#[test]
fn rows_are_normalised() {
    let (rows, hidden) = (3, 96);
    let weights = numbers(2 * hidden, 2);
    let values = numbers(rows * hidden, 3);
    let mut device = Device::load(bert::normalize::PTX).unwrap();
    let factors = device.upload(&weights).unwrap();
    let mut x = device.upload(&values).unwrap();
    let config = LaunchConfig::new(rows as u32, WARP);
    bert::normalize(
        &mut device,
        config,
        &factors,
        &mut x,
        0,
        hidden as u32,
        hidden as u32,
        1e-12,
    )
    .unwrap();
    let expected: Vec<f32> = values
        .chunks_exact(hidden)
        .flat_map(|row| {
            let mean = row.iter().sum::<f32>() / hidden as f32;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / hidden as f32;
            let normal = row.iter().map(move |x| (x - mean) / variance.sqrt());
            let (gamma, beta) = weights.split_at(hidden);
            normal
                .zip(gamma.iter().zip(beta))
                .map(|(x, (gamma, beta))| x * gamma + beta)
                .collect::<Vec<_>>()
        })
        .collect();
    assert_near(&device.read(&x), &expected);
}

#[test]
fn shares_of_each_column_add_up_and_follow_the_scores() {
    for tokens in [1usize, 31, 32, 33, 70] {
        let matrices = 3;
        let mut scores = numbers(matrices * tokens * tokens, 4);
        // What would overflow without the largest one taken off.
        scores.iter_mut().for_each(|score| *score += 300.0);
        let mut device = Device::load(bert::softmax::PTX).unwrap();
        let mut buffer = device.upload(&scores).unwrap();
        let side = tokens as u32;
        let blocks = side.div_ceil(WARP);
        let config = LaunchConfig::new(matrices as u32 * blocks, WARP);
        bert::softmax(&mut device, config, &mut buffer, side, blocks).unwrap();
        let expected: Vec<f32> = scores
            .chunks_exact(tokens * tokens)
            .flat_map(|matrix| {
                let shares: Vec<f32> = matrix.iter().map(|score| (score - 300.0).exp()).collect();
                let all = |column: usize| shares.iter().skip(column).step_by(tokens).sum::<f32>();
                let all: Vec<f32> = (0..tokens).map(all).collect();
                shares
                    .into_iter()
                    .enumerate()
                    .map(|(at, share)| share / all[at % tokens])
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_near(&device.read(&buffer), &expected);
    }
}

#[test]
fn means_of_texts_have_length_one_and_stand_in_their_rows() {
    let (hidden, texts) = (64, [(0, 3, 1), (3, 1, 0)]);
    let values = numbers(4 * hidden, 5);
    let mut device = Device::load(bert::pool::PTX).unwrap();
    let x = device.upload(&values).unwrap();
    let plan = device.upload(&[0, 3, 1, 3, 1, 0]).unwrap();
    let mut out = device.allocate(2 * hidden).unwrap();
    let config = LaunchConfig::new(2, WARP);
    bert::pool(&mut device, config, &x, &plan, &mut out, 0, hidden as u32).unwrap();
    let out = device.read(&out);
    for (first, tokens, row) in texts {
        let own = |i: usize| (first..first + tokens).map(move |token| token * hidden + i);
        let mean: Vec<f32> = (0..hidden)
            .map(|i| own(i).map(|at| values[at]).sum::<f32>() / tokens as f32)
            .collect();
        let length = mean.iter().map(|x| x * x).sum::<f32>().sqrt();
        let expected: Vec<f32> = mean.iter().map(|x| x / length).collect();
        assert_near(&out[row * hidden..][..hidden], &expected);
    }
}
