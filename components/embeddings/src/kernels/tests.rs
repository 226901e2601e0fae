#![allow(clippy::unwrap_used)]
//! Each kernel on a simulated device that finds races, reads of what was never written and accesses
//! beyond a buffer, compared with the formulas.

use tensor_wasm_guest::LaunchConfig;
use tensor_wasm_guest::testing::Device;

use super::{QUERIES, WARP, bert};

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

/// What attention gives for one text's rows of query, key and value.
fn attended(qkv: &[f32], hidden: usize, head: usize) -> Vec<f32> {
    let rows: Vec<&[f32]> = qkv.chunks_exact(3 * hidden).collect();
    let mut out = vec![0.0; rows.len() * hidden];
    for (query, out) in rows.iter().zip(out.chunks_exact_mut(hidden)) {
        for first in (0..hidden).step_by(head) {
            let score = |key: &&[f32]| {
                let products = (first..first + head).map(|i| query[i] * key[hidden + i]);
                (products.sum::<f32>() / (head as f32).sqrt()).exp()
            };
            let scores: Vec<f32> = rows.iter().map(score).collect();
            let all: f32 = scores.iter().sum();
            for (score, value) in scores.iter().zip(&rows) {
                for i in first..first + head {
                    out[i] += score / all * value[2 * hidden + i];
                }
            }
        }
    }
    out
}

#[test]
fn a_text_attends_to_its_own_tokens() {
    // Around the sizes of tiles: 8 queries, 32 keys.
    for (lengths, head) in [(&[1, 8, 9][..], 32), (&[33, 7], 64), (&[32, 70], 32)] {
        let hidden = 64;
        let tokens: usize = lengths.iter().sum();
        let qkv = numbers(tokens * 3 * hidden, tokens as u32);
        let (mut plan, mut expected) = (Vec::new(), Vec::new());
        let mut first = 0;
        for &length in lengths {
            for query in (0..length).step_by(QUERIES as usize) {
                plan.extend([first as u32, length as u32, query as u32]);
            }
            let own = &qkv[first * 3 * hidden..][..length * 3 * hidden];
            expected.extend(attended(own, hidden, head));
            first += length;
        }
        let grid = ((plan.len() / 3) as u32, (hidden / head) as u32);
        let mut device = Device::load(bert::attend::PTX).unwrap();
        let qkv = device.upload(&qkv).unwrap();
        // Tiles need not stand first.
        let plan = device.upload(&[&[0, 0], &plan[..]].concat()).unwrap();
        let mut out = device.allocate(tokens * hidden).unwrap();
        bert::attend(
            &mut device,
            LaunchConfig::new(grid, WARP),
            &qkv,
            &plan,
            &mut out,
            2,
            hidden as u32,
            head as u32,
            1.0 / (head as f32).sqrt(),
        )
        .unwrap();
        assert_near(&device.read(&out), &expected);
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
