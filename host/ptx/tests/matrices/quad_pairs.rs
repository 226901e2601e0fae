//! `mma.m8n8k4` with factors of halves: four products by pairs of quads.

use crate::common::Flat;
use crate::matrices::{element, kernel, run, value};

/// Where lanes have the elements of `mma.m8n8k4` with factors of halves, as the manual's tables say: row and
/// column, of the product that the pair of quads computes.
fn of_quad_pair(matrix: &str, lane: usize, i: usize) -> (usize, usize) {
    let low = lane < 16;
    let group = lane % 4;
    match matrix {
        "a.row" => (if low { group } else { group + 4 }, i),
        "a.col" => (if low { i } else { i + 4 }, group),
        "b.row" => (group, if low { i } else { i + 4 }),
        "b.col" => (i, if low { group } else { group + 4 }),
        "f16" => (if low { group } else { group + 4 }, i),
        _ => {
            let row = (lane & 0b1) + (i & 0b10);
            (
                if low { row } else { row + 4 },
                (i & 0b100) + (lane & 0b10) + (i & 0b1),
            )
        }
    }
}

#[test]
fn pairs_of_quads_multiply_matrices_of_their_own() {
    let mut numbers = fastrand::Rng::with_seed(0x9e6c_63d0_876a_3f00);
    for layouts in [
        ["row", "col"],
        ["col", "row"],
        ["row", "row"],
        ["col", "col"],
    ] {
        for [sum, added] in [["f32", "f32"], ["f32", "f16"], ["f16", "f16"]] {
            let count = |ty: &str| if ty == "f16" { 4 } else { 8 };
            let list = |name: &str, count: usize| {
                let names: Vec<String> = (0..count).map(|i| format!("%{name}{i}")).collect();
                names.join(", ")
            };
            let mut body =
                "shl.b32 %r1, %lane, 7;\ncvt.u64.u32 %row, %r1;\nadd.s64 %row, %row, %base;\n"
                    .to_owned();
            let read = [("a", 2), ("b", 2), ("c", count(added))];
            let mut at = 0;
            for (name, registers) in read {
                for register in 0..registers {
                    body.push_str(&format!("ld.global.b32 %{name}{register}, [%row+{at}];\n"));
                    at += 4;
                }
            }
            let [a, b] = layouts;
            body.push_str(&format!(
                "mma.sync.aligned.m8n8k4.{a}.{b}.{sum}.f16.f16.{added} {{{}}}, {{{}}}, {{{}}}, {{{}}};\n",
                list("d", count(sum)),
                list("a", 2),
                list("b", 2),
                list("c", count(added))
            ));
            for register in 0..count(sum) {
                body.push_str(&format!(
                    "st.global.b32 [%row+{}], %d{register};\n",
                    64 + 4 * register
                ));
            }
            let memory = Flat::new(32 * 128);
            let mut matrices = vec![[[[0.0; 8]; 8]; 3]; 4];
            for lane in 0..32 {
                let mut words = vec![0u32; 4 + count(added)];
                let product = &mut matrices[lane % 16 / 4];
                for i in 0..4 {
                    for (which, first, name) in [(0, 0, format!("a.{a}")), (1, 2, format!("b.{b}"))]
                    {
                        let bits = element("f16", &mut numbers);
                        let (row, column) = of_quad_pair(&name, lane, i);
                        product[which][row][column] = value("f16", bits);
                        words[first + i / 2] |= (bits as u32) << (16 * (i % 2));
                    }
                }
                for i in 0..8 {
                    let bits = element(added, &mut numbers);
                    let (row, column) = of_quad_pair(added, lane, i);
                    product[2][row][column] = value(added, bits);
                    match added {
                        "f16" => words[4 + i / 2] |= (bits as u32) << (16 * (i % 2)),
                        _ => words[4 + i] = bits as u32,
                    }
                }
                memory.put(lane * 128, &words);
            }
            run(&kernel("", &body), 32, &memory).unwrap();
            for lane in 0..32 {
                let [a, b, c] = matrices[lane % 16 / 4];
                let words = memory.get::<u32>(lane * 128 + 64, count(sum));
                for i in 0..8 {
                    let (row, column) = of_quad_pair(sum, lane, i);
                    let bits = match sum {
                        "f16" => (words[i / 2] >> (16 * (i % 2))) & 0xffff,
                        _ => words[i],
                    };
                    let (mut expected, mut size) = (c[row][column], c[row][column].abs());
                    for (a, b) in a[row].iter().zip(&b).take(4) {
                        expected += a * b[column];
                        size += (a * b[column]).abs();
                    }
                    let rounded = if sum == "f16" {
                        expected.abs() * 2f64.powi(-11) + 2f64.powi(-25)
                    } else {
                        0.0
                    };
                    let error = 5.0 * size * 2f64.powi(-24) + rounded;
                    let found = value(sum, bits.into());
                    assert!(
                        (found - expected).abs() <= error,
                        "{layouts:?} {sum} {added}: lane {lane}, {i} is {found}, expected {expected}"
                    );
                }
            }
        }
    }
}
