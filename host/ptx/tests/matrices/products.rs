//! Products of matrices by `mma`: each form, and a whole tiled product.

use crate::common::{Arguments, Flat, launch_as, line, module, plane};
use crate::matrices::{WIDTHS, element, kernel, run, value, width};

/// A form of `mma`.
struct Form {
    shape: (usize, usize),
    sum: &'static str,
    a: &'static str,
    b: &'static str,
    words: &'static str,
}

/// Where an element of a fragment lies: register, lowest bit.
type Place = (usize, usize);

impl Form {
    fn name(&self) -> String {
        let Form {
            shape: (m, k),
            sum,
            a,
            b,
            words,
        } = self;
        match *a {
            // What bits are combined by stands behind the types.
            "b1" => format!("mma.sync.aligned.m{m}n8k{k}.row.col.{sum}.{a}.{b}.{sum}{words}"),
            _ => format!("mma.sync.aligned.m{m}n8k{k}.row.col{words}.{sum}.{a}.{b}.{sum}"),
        }
    }

    /// Elements of a factor in a register.
    fn packed(&self) -> usize {
        (32 / width(self.a)).max(1)
    }

    fn registers(&self) -> (usize, usize, usize) {
        let (m, k) = self.shape;
        let b = k / (4 * self.packed());
        let sums = if self.sum == "f16" { m / 8 } else { m / 4 };
        (b * m / 8, b, sums)
    }

    /// The row and column of the `i`th element that a lane has of the first matrix.
    fn of_a(&self, lane: usize, i: usize) -> (usize, usize) {
        let (packed, m) = (self.packed(), self.shape.0);
        let (group, place) = (lane / 4, lane % 4);
        let register = i / packed;
        let lower = if m == 16 { register % 2 } else { 0 };
        let slab = register / (m / 8);
        (
            group + 8 * lower,
            place * packed + i % packed + slab * 4 * packed,
        )
    }

    /// The same of the second matrix.
    fn of_b(&self, lane: usize, i: usize) -> (usize, usize) {
        let packed = self.packed();
        let row = (lane % 4) * packed + i % packed + (i / packed) * 4 * packed;
        (row, lane / 4)
    }

    /// The same of the result.
    fn of_sum(&self, lane: usize, i: usize) -> (usize, usize) {
        let lower = if i >= 2 { 8 } else { 0 };
        (lane / 4 + lower, (lane % 4) * 2 + (i & 1))
    }

    fn place(&self, ty: &str, i: usize) -> Place {
        let packed = (32 / width(ty)).max(1);
        (i / packed, (i % packed) * width(ty))
    }

    /// A kernel whose lanes load their fragments, of 8 bytes a register, and store the result.
    fn text(&self) -> String {
        let (a, b, sums) = self.registers();
        let double = self.sum == "f64";
        let (prefix, ty) = if double { ("g", "f64") } else { ("", "b32") };
        let mut body = "mul.wide.u32 %row, %lane, 256;\nadd.u64 %row, %row, %base;\n".to_owned();
        let mut at = 0;
        let mut list = |name: &str, count: usize, body: &mut String| {
            let names: Vec<String> = (0..count).map(|i| format!("%{prefix}{name}{i}")).collect();
            if name != "d" {
                for register in &names {
                    body.push_str(&format!("ld.global.{ty} {register}, [%row+{at}];\n"));
                    at += 8;
                }
            }
            format!("{{{}}}", names.join(", "))
        };
        let [a, b, c] = [("a", a), ("b", b), ("c", sums)].map(|(name, n)| list(name, n, &mut body));
        let d = list("d", sums, &mut body);
        body.push_str(&format!("{} {d}, {a}, {b}, {c};\n", self.name()));
        for i in 0..sums {
            let at = 192 + 8 * i;
            body.push_str(&format!("st.global.{ty} [%row+{at}], %{prefix}d{i};\n"));
        }
        kernel("", &body)
    }

    /// Multiplies matrices of such elements; returns the bits of the result, and those of the matrices.
    fn multiply(&self, mut element: impl FnMut(&str) -> u64) -> Product {
        let (m, k) = self.shape;
        let mut matrix = |ty: &str, rows: usize, columns: usize| -> Vec<Vec<u64>> {
            let mut row = || (0..columns).map(|_| element(ty)).collect();
            (0..rows).map(|_| row()).collect()
        };
        let (a, b) = (matrix(self.a, m, k), matrix(self.b, k, 8));
        let c = matrix(self.sum, m, 8);
        let (a_registers, b_registers, sums) = self.registers();
        let memory = Flat::new(32 * 256);
        for lane in 0..32 {
            let mut words = vec![0u64; a_registers + b_registers + sums];
            for i in 0..a_registers * self.packed() {
                let ((row, column), (register, shift)) =
                    (self.of_a(lane, i), self.place(self.a, i));
                words[register] |= a[row][column] << shift;
            }
            for i in 0..b_registers * self.packed() {
                let ((row, column), (register, shift)) =
                    (self.of_b(lane, i), self.place(self.b, i));
                words[a_registers + register] |= b[row][column] << shift;
            }
            for i in 0..m / 4 {
                let ((row, column), (register, shift)) =
                    (self.of_sum(lane, i), self.place(self.sum, i));
                words[a_registers + b_registers + register] |= c[row][column] << shift;
            }
            memory.put(lane * 256, &words);
        }
        run(&self.text(), 32, &memory).unwrap();
        let mut d = vec![vec![0; 8]; m];
        for lane in 0..32 {
            let words = memory.get::<u64>(lane * 256 + 192, sums);
            for i in 0..m / 4 {
                let ((row, column), (register, shift)) =
                    (self.of_sum(lane, i), self.place(self.sum, i));
                let keep = u64::MAX >> (64 - width(self.sum));
                d[row][column] = (words[register] >> shift) & keep;
            }
        }
        Product { a, b, c, d }
    }
}

struct Product {
    a: Vec<Vec<u64>>,
    b: Vec<Vec<u64>>,
    c: Vec<Vec<u64>>,
    d: Vec<Vec<u64>>,
}

fn forms() -> Vec<Form> {
    let mut forms = Vec::new();
    let mut add = |shapes: &[(usize, usize)], sums: &[&'static str], ab: &[[&'static str; 2]]| {
        for shape in shapes {
            for sum in sums {
                for [a, b] in ab {
                    forms.push(Form {
                        shape: *shape,
                        sum,
                        a,
                        b,
                        words: "",
                    });
                }
            }
        }
    };
    let halves = [(16, 8), (16, 16)];
    add(&halves, &["f32", "f16"], &[["f16", "f16"]]);
    add(&halves, &["f32"], &[["bf16", "bf16"]]);
    add(&[(16, 4), (16, 8)], &["f32"], &[["tf32", "tf32"]]);
    let eighths = [["e4m3", "e4m3"], ["e4m3", "e5m2"], ["e5m2", "e4m3"]];
    add(&[(16, 16), (16, 32)], &["f32", "f16"], &eighths);
    let doubles = [(8, 4), (16, 4), (16, 8), (16, 16)];
    add(&doubles, &["f64"], &[["f64", "f64"]]);
    let bytes = [["s8", "s8"], ["s8", "u8"], ["u8", "s8"], ["u8", "u8"]];
    add(&[(8, 16), (16, 16), (16, 32)], &["s32"], &bytes);
    let nibbles = [["s4", "s4"], ["s4", "u4"], ["u4", "s4"], ["u4", "u4"]];
    add(&[(8, 32), (16, 32), (16, 64)], &["s32"], &nibbles);
    add(&BIT_SHAPES, &["s32"], &[["b1", "b1"]]);
    for form in forms.iter_mut().filter(|form| form.a == "b1") {
        // The product of two bits is whether both are set.
        form.words = ".and.popc";
    }
    forms
}

#[test]
fn products_of_matrices_are_those_of_double_precision() {
    let mut numbers = fastrand::Rng::with_seed(0x5851_f42d_4c95_7f2d);
    for form in forms() {
        let product = form.multiply(|ty| element(ty, &mut numbers));
        for (row, sums) in product.d.iter().enumerate() {
            for (column, found) in sums.iter().enumerate() {
                let added = value(form.sum, product.c[row][column]);
                let (mut expected, mut size) = (added, added.abs());
                for (a, b) in product.a[row].iter().zip(&product.b) {
                    let term = value(form.a, *a) * value(form.b, b[column]);
                    expected += term;
                    size += term.abs();
                }
                // Each sum rounds once.
                let steps = form.shape.1 as f64 + 1.0;
                let error = match form.sum {
                    "f64" => steps * size * 2f64.powi(-52),
                    "f32" => steps * size * 2f64.powi(-24),
                    // Sums in single precision, and the result is rounded.
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
                    "{}: row {row}, column {column} is {found}, expected {expected}",
                    form.name()
                );
            }
        }
    }
}

/// Any bits at all: interpreter and compiled kernels agree on them, and a NaN is the one that there is.
#[test]
fn products_of_any_bits_are_the_same_compiled() {
    let mut numbers = fastrand::Rng::with_seed(0x1405_7b7e_f767_814f);
    for form in forms() {
        let product = form.multiply(|ty| numbers.u64(..) & (u64::MAX >> (64 - width(ty))));
        for bits in product.d.iter().flatten() {
            if form.sum == "f32" && value("f32", *bits).is_nan() {
                assert_eq!(*bits, 0x7fff_ffff);
            }
        }
    }
}

/// The shapes of products of single bits.
const BIT_SHAPES: [(usize, usize); 3] = [(8, 128), (16, 128), (16, 256)];

#[test]
fn bits_that_differ_are_counted() {
    let mut numbers = fastrand::Rng::with_seed(0x9fb2_1c65_1e98_df25);
    for shape in BIT_SHAPES {
        let form = Form {
            shape,
            sum: "s32",
            a: "b1",
            b: "b1",
            words: ".xor.popc",
        };
        let product = form.multiply(|ty| element(ty, &mut numbers));
        for (row, sums) in product.d.iter().enumerate() {
            for (column, found) in sums.iter().enumerate() {
                let bits = product.a[row].iter().zip(&product.b);
                let differing = bits.filter(|(a, b)| **a != b[column]).count();
                let expected = value("s32", product.c[row][column]) + differing as f64;
                assert_eq!(value("s32", *found), expected, "{shape:?}: {row}, {column}");
            }
        }
    }
}

#[test]
fn sums_of_integers_wrap_or_become_the_nearest_number() {
    let wrapped = i32::MAX.wrapping_add(16 * 127 * 127);
    for (words, expected) in [("", wrapped), (".satfinite", i32::MAX)] {
        let form = Form {
            shape: (16, 16),
            sum: "s32",
            a: "s8",
            b: "s8",
            words,
        };
        let product = form.multiply(|ty| if ty == "s32" { 0x7fff_ffff } else { 127 });
        let all = product.d.iter().flatten();
        assert!(
            all.copied()
                .all(|bits| bits == u64::from(expected.cast_unsigned()))
        );
    }
}

#[test]
fn sums_in_double_precision_are_fused_and_round_as_the_instruction_says() {
    for (words, expected) in [
        (".rn", 1.0),
        (".rz", 1.0),
        (".rm", 1.0),
        (".rp", 1.0 + f64::EPSILON),
    ] {
        let form = Form {
            shape: (8, 4),
            sum: "f64",
            a: "f64",
            b: "f64",
            words,
        };
        // Of the four products only the first is not zero; it is far below a unit in the last place.
        let mut count = 0;
        let product = form.multiply(|_| {
            count += 1;
            let is_sum = count > 8 * 4 * 2;
            let is_first = (count - 1) % 4 == 0;
            match (is_sum, is_first || count > 32) {
                (true, _) => 1f64.to_bits(),
                (false, true) => 1e-40f64.to_bits(),
                (false, false) => 0,
            }
        });
        let all = product.d.iter().flatten();
        assert!(
            all.copied().all(|bits| f64::from_bits(bits) == expected),
            "{words}"
        );
    }
}

/// Random halves between -1 and 1.
fn halves(count: usize, numbers: &mut fastrand::Rng) -> Vec<u16> {
    (0..count)
        .map(|_| (numbers.u16(0..0x3c00)) | numbers.u16(0..2) << 15)
        .collect()
}

#[test]
fn a_tiled_product_of_halves_is_that_of_double_precision() {
    let (m, n, k) = (64, 96, 96);
    let mut numbers = fastrand::Rng::with_seed(0x9e37_79b9_7f4a_7c15);
    let (a, b) = (halves(m * k, &mut numbers), halves(k * n, &mut numbers));
    let (a_at, b_at) = (0, 2 * m * k);
    let c_at = b_at + 2 * k * n;
    let memory = Flat::new(c_at + 4 * m * n);
    memory.put(a_at, &a);
    memory.put(b_at, &b);
    let text = include_str!("../data/matmul_mma.ptx");
    let arguments = Arguments::new()
        .pointer(a_at as u64)
        .pointer(b_at as u64)
        .pointer(c_at as u64)
        .with(n as u32)
        .with(k as u32);
    let shape = (plane(n as u32 / 32, m as u32 / 32), line(64), 0);
    launch_as(&module(text), "matmul", shape, arguments, &memory, &WIDTHS).unwrap();
    let found = memory.get::<f32>(c_at, m * n);
    for row in 0..m {
        for column in 0..n {
            let terms = (0..k).map(|i| {
                value("f16", u64::from(a[row * k + i])) * value("f16", u64::from(b[i * n + column]))
            });
            let (mut expected, mut size) = (0.0, 0.0);
            for term in terms {
                expected += term;
                size += term.abs();
            }
            let found = f64::from(found[row * n + column]);
            let error = k as f64 * size * 2f64.powi(-24);
            assert!(
                (found - expected).abs() <= error,
                "row {row}, column {column} is {found}, expected {expected}"
            );
        }
    }
}
