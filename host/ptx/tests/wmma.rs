//! `wmma`: matrices that a kernel loads from memory, multiplies and stores, against sums of products in
//! double precision.

use crate::common::{Flat, refusal};
use crate::matrices::{element, kernel, run, value, width};

/// Where the matrices lie.
const A: usize = 0;
const B: usize = 4096;
const C: usize = 8192;
const D: usize = 12288;
const BYTES: usize = 16384;

/// A form of `wmma`: rows, columns and depth; the types of elements; whether each matrix lies row after
/// row; and elements between two lines beyond those of a line, where the instruction says a stride.
#[derive(Clone, Debug)]
struct Form {
    shape: [usize; 3],
    a: &'static str,
    c: &'static str,
    d: &'static str,
    /// Of the first matrix, the second, the added one and the result.
    rows: [bool; 4],
    padding: Option<usize>,
    space: &'static str,
    /// Words of `mma` before and behind the others.
    words: [&'static str; 2],
}

/// A matrix of elements, by rows.
type Matrix = Vec<Vec<u64>>;

impl Form {
    fn new(shape: [usize; 3], a: &'static str, [d, c]: [&'static str; 2]) -> Form {
        Form {
            shape,
            a,
            c,
            d,
            rows: [true, false, true, true],
            padding: None,
            space: ".global",
            words: ["", ""],
        }
    }

    fn name(&self) -> String {
        let [m, n, k] = self.shape;
        format!("m{m}n{n}k{k}")
    }

    /// Rows and columns of each matrix, its type, and where it lies.
    fn matrices(&self) -> [(usize, usize, &'static str, usize); 4] {
        let [m, n, k] = self.shape;
        [
            (m, k, self.a, A),
            (k, n, self.a, B),
            (m, n, self.c, C),
            (m, n, self.d, D),
        ]
    }

    /// Elements from one line to the next.
    fn stride(&self, which: usize) -> usize {
        let (rows, columns, ..) = self.matrices()[which];
        let line = if self.rows[which] { columns } else { rows };
        line + self.padding.unwrap_or(0)
    }

    /// The lowest bit of an element in memory.
    fn bit(&self, which: usize, row: usize, column: usize) -> usize {
        let (_, _, ty, begin) = self.matrices()[which];
        let (line, along) = if self.rows[which] {
            (row, column)
        } else {
            (column, row)
        };
        8 * begin + (line * self.stride(which) + along) * bits(ty)
    }

    /// How many registers a lane has of each matrix, as the manual says.
    fn registers(&self) -> [usize; 4] {
        let [m, n, k] = self.shape;
        let of_factor = |elements: usize| match self.a {
            "f16" => 8,
            "f64" => 1,
            ty => elements * bits(ty) / 32 / 32,
        };
        let of_sum = |ty: &str| match ty {
            "f16" => 4,
            _ => m * n / 32,
        };
        [
            of_factor(m * k),
            of_factor(k * n),
            of_sum(self.c),
            of_sum(self.d),
        ]
    }

    fn text(&self) -> String {
        let registers = self.registers();
        let prefix = if self.a == "f64" { "g" } else { "" };
        let list = |which: usize| {
            let name = ["a", "b", "c", "d"][which];
            let names: Vec<String> = (0..registers[which])
                .map(|number| format!("%{prefix}{name}{number}"))
                .collect();
            format!("{{{}}}", names.join(", "))
        };
        let layout = |which: usize| if self.rows[which] { "row" } else { "col" };
        let shape = self.name();
        let mut body = String::new();
        let shared = self.space == ".shared";
        if shared {
            body.push_str(&format!(
                "mov.u32 %r0, tile;\nshl.b32 %r1, %lane, 2;\ncopy:\ncvt.u64.u32 %rd1, %r1;\nadd.s64 %rd1, %rd1, %base;\n\
                 ld.global.u32 %r2, [%rd1];\nadd.u32 %r3, %r0, %r1;\nst.shared.u32 [%r3], %r2;\nadd.u32 %r1, %r1, 128;\n\
                 setp.lt.u32 %p1, %r1, {BYTES};\n@%p1 bra copy;\nbar.sync 0;\n"
            ));
        }
        let base = if shared { "%r0" } else { "%base" };
        let stride = |which: usize| match (self.padding, which % 2) {
            (None, _) => String::new(),
            (Some(_), 0) => format!(", {}", self.stride(which)),
            // In the register of an element that is loaded.
            (Some(_), _) => format!(", %r{}", 20 + which),
        };
        for which in 0..4 {
            body.push_str(&format!(
                "mov.u32 %r{}, {};\n",
                20 + which,
                self.stride(which)
            ));
        }
        for (which, (_, _, ty, begin)) in self.matrices().into_iter().enumerate().take(3) {
            body.push_str(&format!(
                "wmma.load.{}.sync.aligned.{}.{shape}{}.{ty} {}, [{base}+{begin}]{};\n",
                ["a", "b", "c"][which],
                layout(which),
                self.space,
                list(which),
                stride(which)
            ));
        }
        let types = match self.a {
            "f16" => format!("{}.{}", self.d, self.c),
            a => format!("{}.{a}.{a}.{}", self.d, self.c),
        };
        let [before, behind] = self.words;
        body.push_str(&format!(
            "wmma.mma{before}.sync.aligned.{}.{}.{shape}.{types}{behind} {}, {}, {}, {};\n",
            layout(0),
            layout(1),
            list(3),
            list(0),
            list(1),
            list(2)
        ));
        body.push_str(&format!(
            "wmma.store.d.sync.aligned.{}.{shape}{}.{} [{base}+{D}], {}{};\n",
            layout(3),
            self.space,
            self.d,
            list(3),
            stride(3)
        ));
        if shared {
            body.push_str(&format!(
                "bar.sync 0;\nshl.b32 %r1, %lane, 2;\nback:\nadd.u32 %r3, %r0, %r1;\nld.shared.u32 %r2, [%r3+{D}];\n\
                 cvt.u64.u32 %rd1, %r1;\nadd.s64 %rd1, %rd1, %base;\nst.global.u32 [%rd1+{D}], %r2;\n\
                 add.u32 %r1, %r1, 128;\nsetp.lt.u32 %p1, %r1, 4096;\n@%p1 bra back;\n"
            ));
        }
        let declared = if shared {
            format!(".shared .align 128 .b8 tile[{BYTES}];")
        } else {
            String::new()
        };
        kernel(&declared, &body)
    }

    /// Multiplies matrices of such elements: the factors, what is added, and the result.
    fn multiply(&self, mut element: impl FnMut(&str) -> u64) -> [Matrix; 4] {
        let mut bytes = vec![0u8; BYTES];
        let mut matrices: [Matrix; 4] = Default::default();
        for (which, matrix) in matrices.iter_mut().enumerate().take(3) {
            let (rows, columns, ty, _) = self.matrices()[which];
            for row in 0..rows {
                let made: Vec<u64> = (0..columns).map(|_| element(ty)).collect();
                for (column, bits) in made.iter().enumerate() {
                    let at = self.bit(which, row, column);
                    let shifted = u128::from(*bits) << (at % 8);
                    for (byte, value) in bytes[at / 8..]
                        .iter_mut()
                        .zip(shifted.to_le_bytes())
                        .take(9)
                    {
                        *byte |= value;
                    }
                }
                matrix.push(made);
            }
        }
        let memory = Flat::new(BYTES);
        memory.put(0, &bytes);
        run(&self.text(), 32, &memory).unwrap_or_else(|error| panic!("{self:?}: {error}"));
        let found = memory.get::<u8>(0, BYTES);
        let (rows, columns, ty, _) = self.matrices()[3];
        for row in 0..rows {
            let element = |column: usize| {
                let at = self.bit(3, row, column);
                (0..bits(ty) / 8).fold(0, |word, byte| {
                    word | u64::from(found[at / 8 + byte]) << (8 * byte)
                })
            };
            matrices[3].push((0..columns).map(element).collect());
        }
        matrices
    }
}

fn bits(ty: &str) -> usize {
    if ty == "b1" { 1 } else { width(ty) }
}

/// Every shape with every type, in different layouts, strides and spaces.
fn forms() -> Vec<Form> {
    let mut forms = Vec::new();
    let shapes = [[16, 16, 16], [8, 32, 16], [32, 8, 16]];
    for shape in shapes {
        for sums in [
            ["f32", "f32"],
            ["f16", "f16"],
            ["f32", "f16"],
            ["f16", "f32"],
        ] {
            forms.push(Form::new(shape, "f16", sums));
        }
        forms.push(Form::new(shape, "bf16", ["f32", "f32"]));
        forms.push(Form::new(shape, "s8", ["s32", "s32"]));
        forms.push(Form::new(shape, "u8", ["s32", "s32"]));
    }
    forms.push(Form::new([16, 16, 8], "tf32", ["f32", "f32"]));
    forms.push(Form::new([8, 8, 4], "f64", ["f64", "f64"]));
    let mut all = Vec::new();
    let spaces = [".global", ".shared", ""];
    for (number, form) in forms.into_iter().enumerate() {
        for layouts in 0..2 {
            let mut form = form.clone();
            let bit = |place: usize| ((3 * layouts + number) >> place) & 1 == 1;
            form.rows = [bit(0), bit(1), !bit(0), bit(0) != bit(1)];
            form.padding = (layouts % 2 == 1).then_some(16);
            form.space = spaces[(number + layouts) % 3];
            all.push(form);
        }
    }
    // Elements of less than a byte have one layout.
    for ty in ["s4", "u4"] {
        for padding in [None, Some(32)] {
            let mut form = Form::new([8, 8, 32], ty, ["s32", "s32"]);
            form.padding = padding;
            form.rows[3] = padding.is_none();
            all.push(form);
        }
    }
    all
}

#[test]
fn products_of_fragments_are_those_of_double_precision() {
    let mut numbers = fastrand::Rng::with_seed(0x2545_f491_4f6c_dd1d);
    for form in forms() {
        let [a, b, c, d] = form.multiply(|ty| element(ty, &mut numbers));
        for (row, sums) in d.iter().enumerate() {
            for (column, found) in sums.iter().enumerate() {
                let added = value(form.c, c[row][column]);
                let (mut expected, mut size) = (added, added.abs());
                for (a, b) in a[row].iter().zip(&b) {
                    let term = value(form.a, *a) * value(form.a, b[column]);
                    expected += term;
                    size += term.abs();
                }
                let steps = form.shape[2] as f64 + 1.0;
                let error = match form.d {
                    "f64" => steps * size * 2f64.powi(-52),
                    "f32" => steps * size * 2f64.powi(-24),
                    "f16" => {
                        steps * size * 2f64.powi(-24)
                            + expected.abs() * 2f64.powi(-11)
                            + 2f64.powi(-25)
                    }
                    _ => 0.0,
                };
                let found = value(form.d, *found);
                assert!(
                    (found - expected).abs() <= error,
                    "{form:?}: row {row}, column {column} is {found}, expected {expected}"
                );
            }
        }
    }
}

#[test]
fn products_of_fragments_of_any_bits_are_the_same_compiled() {
    let mut numbers = fastrand::Rng::with_seed(0x1405_7b7e_f767_814f);
    for form in forms().into_iter().step_by(7) {
        let [.., d] = form.multiply(|ty| numbers.u64(..) & (u64::MAX >> (64 - bits(ty))));
        for bits in d.iter().flatten() {
            match form.d {
                "f32" if value("f32", *bits).is_nan() => assert_eq!(*bits, 0x7fff_ffff),
                "f16" if value("f16", *bits).is_nan() => assert_eq!(*bits, 0x7fff),
                _ => {}
            }
        }
    }
}

#[test]
fn products_of_bits_count_those_that_are_set() {
    let mut numbers = fastrand::Rng::with_seed(7);
    for word in [".and", ".xor"] {
        for padding in [None, Some(128)] {
            let mut form = Form::new([8, 8, 128], "b1", ["s32", "s32"]);
            form.words[0] = if word == ".and" {
                ".and.popc"
            } else {
                ".xor.popc"
            };
            form.padding = padding;
            let [a, b, c, d] = form.multiply(|ty| match ty {
                "b1" => numbers.u64(0..2),
                ty => element(ty, &mut numbers),
            });
            for (row, sums) in d.iter().enumerate() {
                for (column, found) in sums.iter().enumerate() {
                    let combined = a[row].iter().zip(&b).map(|(a, b)| match word {
                        ".and" => a & b[column],
                        _ => a ^ b[column],
                    });
                    let added = value("s32", c[row][column]);
                    let expected = added + combined.sum::<u64>() as f64;
                    assert_eq!(value("s32", *found), expected, "{word}: {row}, {column}");
                }
            }
        }
    }
}

#[test]
fn sums_of_fragments_wrap_or_become_the_nearest_number() {
    for (words, expected) in [
        ("", i32::MIN + 16 * 127 * 127 - 1),
        (".satfinite", i32::MAX),
    ] {
        let mut form = Form::new([16, 16, 16], "s8", ["s32", "s32"]);
        form.words[1] = words;
        let [.., d] = form.multiply(|ty| match ty {
            "s8" => 127,
            _ => i32::MAX as u64,
        });
        let all = d.iter().flatten();
        assert!(
            all.copied().all(|bits| bits as u32 as i32 == expected),
            "{words}"
        );
    }
    for (words, expected) in [("", 1.0), (".rz", 1.0), (".rp", 1.0 + f64::EPSILON)] {
        let mut form = Form::new([8, 8, 4], "f64", ["f64", "f64"]);
        form.words[1] = "";
        let text = form
            .text()
            .replace("m8n8k4.f64.f64", &format!("m8n8k4{words}.f64.f64"));
        // One product of 2^-60, added to one.
        let mut bytes = vec![0u8; BYTES];
        bytes[A..A + 8].copy_from_slice(&2f64.powi(-30).to_le_bytes());
        bytes[B..B + 8].copy_from_slice(&2f64.powi(-30).to_le_bytes());
        bytes[C..C + 8].copy_from_slice(&1f64.to_le_bytes());
        let memory = Flat::new(BYTES);
        memory.put(0, &bytes);
        run(&text, 32, &memory).unwrap();
        assert_eq!(memory.get::<f64>(D, 1), [expected], "{words}");
    }
}

#[test]
fn fragments_outside_of_their_buffer_or_misaligned_are_faults() {
    let load = |address: &str| {
        kernel(
            "",
            &format!(
                "wmma.load.a.sync.aligned.row.m16n16k16.global.f16 {{%a0, %a1, %a2, %a3, %a4, %a5, %a6, %a7}}, {address};\n\
                 st.global.u32 [%base], %a0;"
            ),
        )
    };
    for (address, expected) in [
        // A row begins at every second byte, but its elements are loaded in pairs.
        ("[%base+2]", "is not aligned to 4 bytes"),
        ("[%base], 17", "is not aligned to 4 bytes"),
        ("[%base+64]", "0x10000000200"),
        ("[%base], 4000", "0x1000000fa00"),
    ] {
        let said = run(&load(address), 32, &Flat::new(512)).unwrap_err();
        assert!(said.contains(expected), "{address}: {said}");
    }
    run(&load("[%base]"), 32, &Flat::new(512)).unwrap();
}

#[test]
fn fragments_of_other_shapes_are_refused() {
    for (line, expected) in [
        (
            "wmma.load.a.sync.aligned.row.m16n16k16.global.f16 {%a0, %a1, %a2, %a3}, [%base];",
            "operand 1 of wmma: 4 elements where there are 8 in each lane",
        ),
        (
            "wmma.load.a.sync.aligned.col.m8n8k32.global.s4 {%a0}, [%base];",
            "matrix instructions are not",
        ),
        (
            "wmma.mma.sync.aligned.row.col.m16n16k16.s32.s8.u8.s32 {%d0, %d1, %d2, %d3, %d4, %d5, %d6, %d7}, {%a0, %a1}, {%b0, %b1}, {%c0, %c1, %c2, %c3, %c4, %c5, %c6, %c7};",
            "matrix instructions are not",
        ),
        (
            "wmma.store.d.sync.aligned.row.m8n8k4.global.f64 [%base], {%d0, %d1};",
            "operand 2 of wmma: a register of type `.b32` where the type is `.f64`",
        ),
        (
            "wmma.store.d.sync.aligned.row.m8n8k4.global.f64 [%base], {%gd0, %gd1}, %rd0;",
            "operand 3 of wmma: a register of type `.b64` where the type is `.u32`",
        ),
    ] {
        let said = refusal(&kernel("", line));
        assert!(said.contains(expected), "expected `{expected}` in:\n{said}");
    }
}
