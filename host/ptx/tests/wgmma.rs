//! `wgmma`: products of four warps with matrices in shared memory, against sums of products in double
//! precision. Matrices lie there as the PTX ISA's canonical layouts say, with each swizzle.

use tensor_wasm_ptx::compile::Vectorize;

use crate::common::{Arguments, Flat, launch_as, line, module, refusal};
use crate::matrices::{element, value, width};

/// Where in device memory the matrices for shared memory, those of registers and the sums lie.
const IN_SHARED: usize = 0;
const B_IN_SHARED: usize = 8192;
const SHARED: usize = 40960;
const REGISTERS: usize = SHARED;
const SUMS: usize = REGISTERS + 128 * 16;
const BYTES: usize = SUMS + 128 * 512;

/// How a matrix lies in shared memory.
#[derive(Clone, Copy, Debug)]
struct Layout {
    /// How many bytes of a row the swizzle works on; 16 for none.
    row: usize,
    /// Whether elements of different rows of the first matrix, or columns of the second, are contiguous.
    transposed: bool,
}

impl Layout {
    /// The distances between atoms: `leading` and `stride` of the descriptor.
    fn distances(self) -> (usize, usize) {
        match (self.row, self.transposed) {
            // Atoms of 8 lines; their two halves along the sums.
            (16, false) => (128, 256),
            (row, false) => (16, 8 * row),
            // Atoms of 8 numbers along the sums.
            (16, true) => (128, 256),
            (row, true) => (16 * row, 8 * row),
        }
    }

    /// The byte of an element of a line.
    fn place(self, line: usize, k: usize, bits: usize) -> usize {
        let (leading, stride) = self.distances();
        let row = self.row;
        let (base, in_atom, byte) = if self.transposed {
            let (atom, within) = (2 * line / row, 2 * line % row);
            let base = match row {
                16 => atom * stride + k / 8 * leading,
                _ => atom * leading + k / 8 * stride,
            };
            (base, k % 8, within)
        } else {
            let byte = k * bits / 8;
            let base = line / 8 * stride;
            match row {
                16 => (base + byte / 16 * leading, line % 8, byte % 16),
                _ => (base, line % 8, byte),
            }
        };
        // Units of 16 bytes change places by the row of the atom.
        let swizzle = match row {
            128 => in_atom,
            64 => in_atom / 2,
            32 => in_atom / 4,
            _ => 0,
        };
        base + in_atom * row + ((byte / 16) ^ swizzle) * 16 + byte % 16
    }

    fn descriptor(self) -> u64 {
        let (leading, stride) = self.distances();
        let mode: u64 = match self.row {
            128 => 1,
            64 => 2,
            32 => 3,
            _ => 0,
        };
        mode << 62 | (stride as u64 / 16) << 32 | (leading as u64 / 16) << 16
    }
}

#[derive(Clone, Debug)]
struct Form {
    columns: usize,
    depth: usize,
    a: &'static str,
    b: &'static str,
    sum: &'static str,
    words: &'static str,
    /// `None` where the first matrix is in registers.
    a_layout: Option<Layout>,
    b_layout: Layout,
    scales: [i32; 2],
    keeps: bool,
}

fn bits(ty: &str) -> usize {
    if ty == "b1" { 1 } else { width(ty) }
}

type Matrix = Vec<Vec<u64>>;

impl Form {
    fn name(&self) -> String {
        let Form {
            columns,
            depth,
            a,
            b,
            sum,
            words,
            ..
        } = self;
        format!("wgmma.mma_async.sync.aligned.m64n{columns}k{depth}.{sum}.{a}.{b}{words}")
    }

    fn sums(&self) -> usize {
        self.columns / if self.sum == "f16" { 4 } else { 2 }
    }

    /// The row, the column and the place in the registers of each element of the result that a thread has.
    fn of_sum(&self, thread: usize, i: usize) -> (usize, usize, usize, usize) {
        let (warp, lane) = (thread / 32, thread % 32);
        let (block, half, second) = (i / 4, i / 2 % 2, i % 2);
        let row = 16 * warp + lane / 4 + 8 * half;
        let column = 8 * block + lane % 4 * 2 + second;
        match self.sum {
            "f16" => (row, column, 2 * block + half, 16 * second),
            _ => (row, column, i, 0),
        }
    }

    fn text(&self) -> String {
        let sums = self.sums();
        let list: Vec<String> = (0..sums).map(|number| format!("%s{number}")).collect();
        let mut body = String::new();
        for number in 0..sums {
            body.push_str(&format!(
                "ld.global.b32 %s{number}, [%sums+{}];\n",
                4 * number
            ));
        }
        let a = match self.a_layout {
            Some(layout) => {
                body.push_str(&format!("or.b64 %da, %tile, {:#x};\n", layout.descriptor()));
                "%da"
            }
            None => {
                body.push_str("ld.global.v4.b32 {%a0, %a1, %a2, %a3}, [%own];\n");
                "{%a0, %a1, %a2, %a3}"
            }
        };
        body.push_str(&format!(
            "add.s64 %db, %tile, {};\nor.b64 %db, %db, {:#x};\nsetp.{}.u32 %p1, %r1, %r1;\n",
            B_IN_SHARED / 16,
            self.b_layout.descriptor(),
            if self.keeps { "eq" } else { "ne" }
        ));
        let [scale_a, scale_b] = self.scales;
        let transposes = |layout: Layout| if layout.transposed { ", 1" } else { ", 0" };
        let numbers = match (self.a, self.a_layout) {
            ("s8" | "u8" | "b1", _) => String::new(),
            ("f16" | "bf16", Some(layout)) => format!(
                ", {scale_a}, {scale_b}{}{}",
                transposes(layout),
                transposes(self.b_layout)
            ),
            ("f16" | "bf16", None) => {
                format!(", {scale_a}, {scale_b}{}", transposes(self.b_layout))
            }
            _ => format!(", {scale_a}, {scale_b}"),
        };
        body.push_str(&format!(
            "wgmma.fence.sync.aligned;\n{} {{{}}}, {a}, %db, %p1{numbers};\n\
             wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;\n",
            self.name(),
            list.join(", ")
        ));
        for number in 0..sums {
            body.push_str(&format!(
                "st.global.b32 [%sums+{}], %s{number};\n",
                4 * number
            ));
        }
        format!(
            ".version 8.0\n.target sm_90a\n.address_size 64\n.visible .entry k(.param .u64 p)\n{{\n\
             .reg .pred %p<3>;\n.reg .b32 %r<9>;\n.reg .b32 %a<4>;\n.reg .b32 %s<128>;\n.reg .b64 %d<9>;\n\
             .reg .b64 %base, %own, %sums, %tile, %da, %db;\n.shared .align 1024 .b8 tile[{SHARED}];\n\
             ld.param.u64 %base, [p];\nmov.u32 %r1, %tid.x;\nshl.b32 %r2, %r1, 2;\nmov.u32 %r0, tile;\n\
             copy:\ncvt.u64.u32 %d1, %r2;\nadd.s64 %d1, %d1, %base;\nld.global.u32 %r3, [%d1];\n\
             add.u32 %r4, %r0, %r2;\nst.shared.u32 [%r4], %r3;\nadd.u32 %r2, %r2, 512;\n\
             setp.lt.u32 %p1, %r2, {SHARED};\n@%p1 bra copy;\nfence.proxy.async.shared::cta;\nbar.sync 0;\n\
             mul.wide.u32 %d2, %r1, 16;\nadd.s64 %own, %base, %d2;\nadd.s64 %own, %own, {REGISTERS};\n\
             mul.wide.u32 %d3, %r1, 512;\nadd.s64 %sums, %base, %d3;\nadd.s64 %sums, %sums, {SUMS};\n\
             shr.u32 %r5, %r0, 4;\ncvt.u64.u32 %tile, %r5;\n{body}\nret;\n}}\n"
        )
    }

    /// Multiplies matrices of such elements: rows of the first, columns of the second, what is added, and
    /// the result.
    fn multiply(&self, mut element: impl FnMut(&str) -> u64) -> [Matrix; 4] {
        let mut bytes = vec![0u8; BYTES];
        let mut matrix = |ty: &str, lines: usize, numbers: usize| -> Matrix {
            let mut made = || (0..numbers).map(|_| element(ty)).collect();
            (0..lines).map(|_| made()).collect()
        };
        let a = matrix(self.a, 64, self.depth);
        let b = matrix(self.b, self.columns, self.depth);
        let c = matrix(self.sum, 64, self.columns);
        let mut put = |at: usize, shift: usize, word: u64, bits: usize| {
            let shifted = u128::from(word) << shift;
            for (byte, value) in bytes[at..]
                .iter_mut()
                .zip(shifted.to_le_bytes())
                .take(bits.div_ceil(8))
            {
                *byte |= value;
            }
        };
        let in_shared = |layout: Layout,
                         begin: usize,
                         matrix: &Matrix,
                         ty: &str,
                         put: &mut dyn FnMut(usize, usize, u64, usize)| {
            for (line, numbers) in matrix.iter().enumerate() {
                for (k, word) in numbers.iter().enumerate() {
                    put(
                        begin + layout.place(line, k, bits(ty)),
                        k * bits(ty) % 8,
                        *word,
                        bits(ty),
                    );
                }
            }
        };
        in_shared(self.b_layout, B_IN_SHARED, &b, self.b, &mut put);
        match self.a_layout {
            Some(layout) => in_shared(layout, IN_SHARED, &a, self.a, &mut put),
            None => {
                // As `mma` has it, for the rows of each warp.
                let packed = 32 / bits(self.a);
                for thread in 0..128 {
                    for i in 0..4 * packed {
                        let (register, within) = (i / packed, i % packed);
                        let row = 16 * (thread / 32) + thread % 32 / 4 + 8 * (register % 2);
                        let k = thread % 4 * packed + within + register / 2 * 4 * packed;
                        let at = REGISTERS + 16 * thread + 4 * register;
                        let bit = within * bits(self.a);
                        put(at + bit / 8, bit % 8, a[row][k], bits(self.a));
                    }
                }
            }
        }
        for thread in 0..128 {
            for i in 0..self.columns / 2 {
                let (row, column, register, shift) = self.of_sum(thread, i);
                let at = SUMS + 512 * thread + 4 * register + shift / 8;
                put(at, 0, c[row][column], width(self.sum));
            }
        }
        let memory = Flat::new(BYTES);
        memory.put(0, &bytes);
        let widths = [Vectorize::Auto, Vectorize::Never];
        let arguments = Arguments::new().pointer(0);
        let shape = (line(1), line(128), 0);
        let ran = launch_as(
            &module(&self.text()),
            "k",
            shape,
            arguments,
            &memory,
            &widths,
        );
        ran.unwrap_or_else(|error| panic!("{self:?}: {error}"));
        let found = memory.get::<u32>(SUMS, 128 * 128);
        let mut d = vec![vec![0; self.columns]; 64];
        for thread in 0..128 {
            for i in 0..self.columns / 2 {
                let (row, column, register, shift) = self.of_sum(thread, i);
                let word = u64::from(found[128 * thread + register]) >> shift;
                d[row][column] = word & (u64::MAX >> (64 - width(self.sum)));
            }
        }
        [a, b, c, d]
    }
}

/// Each type with some shapes and layouts.
fn forms() -> Vec<Form> {
    let layout = |row, transposed| Layout { row, transposed };
    let first = Form {
        columns: 16,
        depth: 16,
        a: "f16",
        b: "f16",
        sum: "f32",
        words: "",
        a_layout: Some(layout(128, false)),
        b_layout: layout(128, false),
        scales: [1, 1],
        keeps: true,
    };
    let mut forms = Vec::new();
    // Every layout of both matrices, and the first one in registers.
    for (number, row) in [16, 32, 64, 128].into_iter().enumerate() {
        for transposed in [false, true] {
            let other = [128, 64, 32, 16][number];
            forms.push(Form {
                columns: 8 << number,
                sum: if transposed { "f16" } else { "f32" },
                a_layout: Some(layout(row, transposed)),
                b_layout: layout(other, !transposed),
                keeps: number % 2 == 0,
                ..first.clone()
            });
            forms.push(Form {
                columns: 40,
                a: "bf16",
                b: "bf16",
                a_layout: None,
                b_layout: layout(row, transposed),
                scales: [[1, -1], [-1, 1], [-1, -1], [1, 1]][number],
                ..first.clone()
            });
        }
    }
    let others = [
        (8, "tf32", "tf32", "f32", ""),
        (32, "e4m3", "e5m2", "f32", ""),
        (32, "e5m2", "e5m2", "f16", ""),
        (32, "s8", "u8", "s32", ""),
        (32, "u8", "s8", "s32", ".satfinite"),
        (256, "b1", "b1", "s32", ".and.popc"),
    ];
    for (number, (depth, a, b, sum, words)) in others.into_iter().enumerate() {
        forms.push(Form {
            columns: 48,
            depth,
            a,
            b,
            sum,
            words,
            a_layout: (number % 2 == 0).then_some(layout(64, false)),
            b_layout: layout([32, 64, 128][number % 3], false),
            scales: [-1, 1],
            ..first.clone()
        });
    }
    forms
}

#[test]
fn products_of_warpgroups_are_those_of_double_precision() {
    let mut numbers = fastrand::Rng::with_seed(0x6c62_272e_07bb_0142);
    for form in forms() {
        let [a, b, c, d] = form.multiply(|ty| match ty {
            "b1" => numbers.u64(0..2),
            ty => element(ty, &mut numbers),
        });
        let number = |ty: &str, bits: u64| {
            if ty == "b1" {
                bits as f64
            } else {
                value(ty, bits)
            }
        };
        let scale = match form.a {
            "s8" | "u8" | "b1" => 1,
            _ => form.scales[0] * form.scales[1],
        };
        for (row, sums) in d.iter().enumerate() {
            for (column, found) in sums.iter().enumerate() {
                let added = if form.keeps {
                    value(form.sum, c[row][column])
                } else {
                    0.0
                };
                let (mut expected, mut size) = (added, added.abs());
                for (a, b) in a[row].iter().zip(&b[column]) {
                    let term = f64::from(scale) * number(form.a, *a) * number(form.b, *b);
                    expected += term;
                    size += term.abs();
                }
                let steps = form.depth as f64 + 1.0;
                let error = match form.sum {
                    "f32" => steps * size * 2f64.powi(-24),
                    "f16" => {
                        steps * size * 2f64.powi(-24)
                            + expected.abs() * 2f64.powi(-11)
                            + 2f64.powi(-25)
                    }
                    _ => 0.0,
                };
                let found = value(form.sum, *found);
                assert!(
                    (found - expected).abs() <= error,
                    "{form:?}: row {row}, column {column} is {found}, expected {expected}"
                );
            }
        }
    }
}

#[test]
fn products_of_warpgroups_of_other_shapes_are_refused_and_outside_of_shared_memory_are_faults() {
    let form = forms().remove(0);
    let text = form.text();
    for (from, to, expected) in [
        (".m64n8k16.", ".m64n12k16.", "matrix instructions are not"),
        (
            ".m64n8k16.",
            ".m64n16k16.",
            "4 elements where there are 8 in each lane",
        ),
        (
            ", %p1, 1, 1, 0, 1;",
            ", %p1, 2, 1, 0, 1;",
            "operand 5 of wgmma is the number 1 or -1",
        ),
        (
            ", %p1, 1, 1, 0, 1;",
            ", %p1, 1, 1, 0, %r1;",
            "operand 8 of wgmma is the number 0 or 1",
        ),
        (
            ", %p1, 1, 1, 0, 1;",
            ", %p1, 1, 1, 0;",
            "operand 2 of wgmma",
        ),
    ] {
        assert!(text.contains(from), "{text}");
        let said = refusal(&text.replace(from, to));
        assert!(said.contains(expected), "{to}: {said}");
    }
    let outside = text.replace("wgmma.fence", "or.b64 %db, %db, 0x3f00;\nwgmma.fence");
    let memory = Flat::new(BYTES);
    let widths = [Vectorize::Auto, Vectorize::Never];
    let arguments = Arguments::new().pointer(0);
    let ran = launch_as(
        &module(&outside),
        "k",
        (line(1), line(128), 0),
        arguments,
        &memory,
        &widths,
    );
    let said = ran.unwrap_err().to_string();
    assert!(
        said.contains("of shared memory, which has 40960 bytes"),
        "{said}"
    );
}
